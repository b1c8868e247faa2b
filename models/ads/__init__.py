"""Ads: the ad that a person came from, and the free window after it."""
from . import waba_ad
from . import waba_free_window
