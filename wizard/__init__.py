from . import waba_consent_note
from . import waba_diagnosis
from . import waba_release
from . import waba_report_block
from . import waba_sequence_activate
from . import waba_sequence_apply
from . import waba_sequence_enroll
from . import waba_sequence_stop
