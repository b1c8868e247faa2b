"""WhatsApp on leads, contacts, automation rules and the digest."""

from . import digest_digest
from . import waba_person_panel
from . import crm_lead
from . import ir_actions_server
from . import waba_conversation_order
from . import waba_order
