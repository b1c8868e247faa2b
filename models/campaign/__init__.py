"""Campaigns: audience, launch, approval, progress, A/B test, canary."""

from . import waba_campaign
from . import waba_campaign_language
from . import waba_campaign_audience
from . import waba_recipient_warmth
from . import waba_campaign_rows
from . import waba_reconfirmation
from . import waba_campaign_progress
from . import waba_campaign_ab_test
from . import waba_campaign_canary
from . import waba_campaign_approval
from . import waba_campaign_price
from . import waba_campaign_hooks
from . import waba_recurring
from . import preflight
