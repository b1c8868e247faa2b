"""Explanation, export, erasure and retention of personal data."""

from . import waba_message_privacy
from . import waba_recipient_erase
from . import waba_recipient_export
from . import privacy_lookup
