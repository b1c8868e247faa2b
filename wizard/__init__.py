from . import waba_diagnosis
