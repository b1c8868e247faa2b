"""Analyses over SQL queries, and the printed reputation report."""

from . import waba_ad_report
from . import waba_answer_report
from . import waba_message_report
from . import waba_optin_report
from . import waba_reputation_report
from . import waba_sequence_report
from . import waba_money_report
