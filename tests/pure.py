"""The base of tests that need no Odoo."""

import unittest


class PureCase(unittest.TestCase):
    """A plain test that Odoo's own runner runs too: it takes what has tags, and only that."""

    test_tags = frozenset(("standard", "at_install"))
    test_module = "waba_campaign"
