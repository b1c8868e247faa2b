"""Follow-ups: triggers, enrollment, steps, exits."""

from . import waba_sequence
from . import waba_sequence_enroll
from . import waba_sequence_results
from . import waba_sequence_step
from . import waba_sequence_enrollment
from . import waba_sequence_stop
from . import waba_sequence_run
from . import waba_sequence_action
from . import waba_sequence_branch
from . import waba_sequence_flow
