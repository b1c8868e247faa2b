from . import waba_consent_note
from . import waba_diagnosis
from . import waba_release
from . import waba_report_block
