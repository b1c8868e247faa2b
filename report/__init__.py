from . import waba_message_report
