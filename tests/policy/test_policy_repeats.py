"""Which messages repeat an earlier one, and until when."""

from datetime import datetime, timedelta

from odoo.addons.waba_campaign.models.base.waba_message import ORIGINS
from odoo.addons.waba_campaign.policy import repeats

from ..pure import PureCase

NOW = datetime(2026, 11, 12, 10)


class TestRepeats(PureCase):
    def test_templates_of_every_origin_but_tests_are_guarded(self):
        for origin, _label in ORIGINS:
            with self.subTest(origin=origin):
                self.assertEqual(repeats.is_guarded(origin, "template"), origin != "test")
                self.assertFalse(repeats.is_guarded(origin, "text"))

    def test_values_count_for_service_messages_about_events_alone(self):
        for origin, _label in ORIGINS:
            for category in ("marketing", "utility", "authentication", None):
                with self.subTest(origin=origin, category=category):
                    self.assertEqual(
                        repeats.compares_values(origin, category),
                        origin in ("action", "reply") and category != "marketing",
                    )

    def test_from_when_a_template_may_be_sent_again(self):
        for left_at, hours, expected in (
            (None, 24, None),
            (NOW, 0, None),
            (NOW, -1, None),
            (NOW, 24, NOW + timedelta(days=1)),
            (NOW, 1, NOW + timedelta(hours=1)),
        ):
            with self.subTest(left_at=left_at, hours=hours):
                self.assertEqual(repeats.next_send_time(left_at, hours), expected)

    def test_the_window_ends_when_the_template_may_be_sent_again(self):
        left_at = repeats.window_start(NOW, 24)
        self.assertEqual(repeats.next_send_time(left_at, 24), NOW)
