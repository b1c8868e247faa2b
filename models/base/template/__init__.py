"""Base: the life of a template: its versions, what Meta decides about it, what follows."""

from . import waba_template_version
from . import waba_template_life
