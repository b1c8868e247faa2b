"""The requirements list: each judgement at and around its limit, Meta's rules told from ours."""

from datetime import datetime, timedelta

from ...policy import requirements
from ..pure import PureCase

NOW = datetime(2026, 11, 29, 12)
HOUR = timedelta(hours=1)


class TestRequirements(PureCase):
    def test_all_of_some_things(self):
        cases = {
            (0, 0): "unknown",
            (1, 0): "compliant",
            (5, 0): "compliant",
            (0, 1): "needs_work",
            (99, 1): "needs_work",
        }
        for figures, status in cases.items():
            with self.subTest(figures):
                self.assertEqual(requirements.assess_all(*figures), status)

    def test_rates(self):
        cases = {
            ("opt_out_rate", 0, 199): "unknown",
            ("opt_out_rate", 150, 199): "unknown",
            ("opt_out_rate", 0, 200): "compliant",
            ("opt_out_rate", 1, 200): "compliant",
            ("opt_out_rate", 2, 200): "needs_work",
            ("invalid_numbers", 5, 200): "compliant",
            ("invalid_numbers", 6, 200): "needs_work",
            ("invalid_numbers", 6, 100): "unknown",
            ("undelivered", 25, 1000): "compliant",
            ("undelivered", 26, 1000): "needs_work",
            ("undelivered", 0, 0): "unknown",
        }
        for (key, count, base), status in cases.items():
            with self.subTest(key, count=count, base=base):
                self.assertEqual(requirements.assess_rate(key, count, base), status)

    def test_a_cap_that_caps_nothing_is_none(self):
        cases = {(2, 7): True, (7, 7): True, (8, 7): False, (0, 7): False, (1, 0): False}
        for figures, is_capped in cases.items():
            with self.subTest(figures):
                self.assertIs(requirements.is_capped(*figures), is_capped)

    def test_webhook(self):
        cases = {
            "nothing sent, nothing heard": (None, None, "unknown"),
            "heard before anything was sent": (None, NOW - 90 * HOUR, "compliant"),
            "heard after the last message": (NOW - 9 * HOUR, NOW - 8 * HOUR, "compliant"),
            "sent just now, heard before": (NOW - HOUR, NOW - 8 * HOUR, "compliant"),
            "sent just now, never heard": (NOW - HOUR, None, "unknown"),
            "sent long ago, heard before": (NOW - 2 * HOUR, NOW - 8 * HOUR, "needs_work"),
            "sent long ago, never heard": (NOW - 2 * HOUR, None, "needs_work"),
        }
        for name, (sent_at, heard_at, status) in cases.items():
            with self.subTest(name):
                self.assertEqual(requirements.assess_webhook(sent_at, heard_at, NOW), status)

    def test_the_worst_comes_first(self):
        found = [("webhook", "compliant"), ("opt_ins", "unknown"), ("email_alerts", "needs_work"),
                 ("opt_out_way", "needs_work")]  # fmt: skip
        found.sort(key=lambda each: requirements.requirement_order(*each))
        self.assertEqual(
            [key for key, _status in found], ["opt_out_way", "email_alerts", "opt_ins", "webhook"]
        )

    def test_each_says_whose_it_is(self):
        for key, requirement in requirements.REQUIREMENTS.items():
            with self.subTest(key):
                self.assertIn(requirement.source, ("meta", "ours"))
                self.assertIn(key, requirements.__doc__)
                # Meta publishes no such rates.
                self.assertFalse(requirement.source == "meta" and requirement.limit)
