"""Events for other systems: signed webhooks, recorded with their cause and sent by a job."""

from . import waba_outgoing_webhook
from . import waba_outgoing_event
from . import waba_outgoing_causes
