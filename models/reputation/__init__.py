"""The reputation of a number: evidence, score, response, dashboard."""

from . import waba_template_comparison
from . import waba_message_evidence
from . import waba_webhook_evidence
from . import waba_sender_reputation
from . import waba_sender_score
from . import waba_requirements_mixin
from . import waba_sender_dashboard
from . import waba_sender_response
from . import waba_portfolio_plan
