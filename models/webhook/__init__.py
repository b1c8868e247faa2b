"""Webhooks of Meta: received, applied, refused, platform events."""

from . import waba_webhook_event
from . import waba_webhook_refusal
from . import waba_webhook_apply
from . import waba_webhook_platform
from . import waba_webhook_coexistence
