"""The base of tests that need no records."""

from hypothesis import settings
from odoo.tests.case import TestCase

# No example fails for being slow: another process may have the processor.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class PureCase(TestCase):
    """A plain test that Odoo's own runner runs too: it takes what has tags, and only that."""

    test_tags = frozenset(("standard", "at_install"))
    test_module = "waba_campaign"
