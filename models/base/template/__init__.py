"""Base: templates at work: drafts and the builder, versions, Meta's decisions, delivery."""

from . import waba_template_draft
from . import waba_template_draft_editor
from . import waba_template_delivery
from . import waba_template_version
from . import waba_template_life
