"""Conversations: inbound messages, the thread on screen, files, automatic replies."""

from . import waba_inbound_routing
from . import waba_media
from . import waba_conversation_thread
from . import ir_websocket
from . import waba_conversation_state
from . import waba_standby
from . import waba_history
from . import waba_message_inbound
from . import waba_conversation_send
from . import waba_contact_card
from . import waba_public_api
from . import waba_conversation_dialog
from . import waba_canned_answer
from . import waba_conversation_signal
from . import waba_auto_reply
from . import waba_person_conversation
