"""Ads: the ad that a person came from, the free window after it, and conversions told to Meta."""

from . import waba_account_conversions
from . import waba_ad
from . import waba_conversion
from . import waba_conversion_send
from . import waba_free_window
