"""The base of tests that need no records."""

from odoo.tests.case import TestCase


class PureCase(TestCase):
    """A plain test that Odoo's own runner runs too: it takes what has tags, and only that."""

    test_tags = frozenset(("standard", "at_install"))
    test_module = "waba_campaign"
