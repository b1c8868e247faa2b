from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import frequency
from odoo.addons.waba_campaign.policy.frequency import FrequencyCap
from odoo.addons.waba_campaign.policy.status import STATES

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
DAY = timedelta(days=1)


class TestFreesAt(PureCase):
    def test_table(self):
        cases = [
            # days ago of the promotions, cap, days until the next may go; None: at any time
            ([], FrequencyCap(2, 7), None),
            ([1], FrequencyCap(2, 7), None),
            ([1, 3], FrequencyCap(2, 7), 4),
            ([3, 1], FrequencyCap(2, 7), 4),
            ([1, 3, 5], FrequencyCap(2, 7), 4),
            ([6.5, 7], FrequencyCap(2, 7), 0),
            ([30, 8], FrequencyCap(2, 7), -23),
            ([0], FrequencyCap(1, 1), 1),
            ([-0.01], FrequencyCap(1, 1), 1.01),
            ([1, 1, 1], FrequencyCap(0, 7), None),
            ([1, 1, 1], FrequencyCap(2, 0), None),
        ]
        for days_ago, cap, days in cases:
            with self.subTest(days_ago=days_ago, cap=cap):
                promoted_at = [NOW - ago * DAY for ago in days_ago]
                expected = None if days is None else NOW + days * DAY
                self.assertEqual(frequency.next_promotion_time(promoted_at, cap), expected)

    @untimed
    @given(
        st.lists(st.integers(0, 60 * 24), min_size=1, max_size=60),
        st.integers(1, 4),
        st.integers(1, 10),
    )
    def test_whoever_keeps_to_it_never_sends_more_in_any_window(self, gaps, count, days):
        """A message is wanted after each gap, in minutes, and sent if the rule lets it."""
        cap, now, sent = FrequencyCap(count, days), NOW, []
        for gap in gaps:
            now += timedelta(minutes=gap)
            free_at = frequency.next_promotion_time(sent, cap)
            if not free_at or free_at <= now:
                sent.append(now)
            else:
                full = [at for at in sent if at > now - cap.window]
                self.assertGreaterEqual(len(full), count, "refused although there was room")
        for start in sent:
            inside = [at for at in sent if start <= at < start + cap.window]
            self.assertLessEqual(len(inside), count)


class TestWhatCounts(PureCase):
    def test_promotions_count_but_for_tests(self):
        cases = [
            ("campaign", "marketing", True),
            (None, "marketing", True),
            ("manual", "marketing", True),
            ("test", "marketing", False),
            ("campaign", "utility", False),
            ("reply", "service", False),
        ]
        for origin, category, expected in cases:
            with self.subTest(origin=origin, category=category):
                self.assertIs(frequency.is_counted(origin, category), expected)

    def test_what_never_reached_anybody_does_not_count(self):
        self.assertEqual(
            set(STATES) - set(frequency.COUNTED_STATES),
            {"queued", "cancelled", "skipped", "failed"},
        )
