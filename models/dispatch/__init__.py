"""Sending: queue, limits, reservation, dispatch, results, statuses."""

from . import waba_rate
from . import waba_budget
from . import waba_account_route
from . import waba_sender_reserve
from . import waba_sender_dispatch
from . import waba_message_queue
from . import waba_message_status
from . import waba_document
from . import waba_fallback
