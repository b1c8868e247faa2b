"""Pre-flight: what a launch would do, line by line, before it is done."""

from . import waba_campaign_outlook
from . import waba_campaign_preflight
