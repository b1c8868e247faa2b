"""Recipients, who they are and what they agreed to: identity, opt-ins, opt-outs."""

from . import waba_recipient
from . import waba_topic
from . import waba_opt_in
from . import waba_topic_state
from . import waba_consent_end
from . import waba_preference
from . import waba_merge
from . import waba_recipient_consent
from . import waba_recipient_possible_opt_out
from . import waba_reach
from . import waba_person_link
from . import waba_consent
from . import waba_consent_import
from . import waba_consent_word
from . import waba_renumbered
from . import waba_erased_person
