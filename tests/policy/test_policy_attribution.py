"""Which message an event is attributed to; what a message costs; whether a difference is one."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import attribution, cost
from odoo.addons.waba_campaign.policy.attribution import ComparisonGroup, SentMessage

from ..pure import PureCase

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 20, 12)
WINDOW = 14 * DAY

moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))
windows = st.integers(0, 90).map(lambda days: timedelta(days=days))
messages = st.lists(
    st.builds(SentMessage, st.integers(1, 50), st.none() | moments),
    max_size=8,
    unique_by=lambda m: m.id,
)


class TestAttribute(PureCase):
    def test_cases(self):
        week_ago, yesterday = SentMessage(1, NOON - 7 * DAY), SentMessage(2, NOON - DAY)
        cases = {
            "nobody wrote": ([], None, None),
            "one message": ([week_ago], None, 1),
            "the last of two": ([yesterday, week_ago], None, 2),
            "it never arrived": ([SentMessage(3, None)], None, None),
            "it arrived at that moment": ([SentMessage(3, NOON)], None, 3),
            "a moment later": ([SentMessage(3, NOON + timedelta(seconds=1))], None, None),
            "the last moment of the window": ([SentMessage(3, NOON - WINDOW)], None, 3),
            "a moment too old": (
                [SentMessage(3, NOON - WINDOW - timedelta(seconds=1))],
                None,
                None,
            ),
            "the later one is after it": ([week_ago, SentMessage(3, NOON + DAY)], None, 1),
            "at the same moment the newer row": (
                [SentMessage(4, NOON), SentMessage(5, NOON)],
                None,
                5,
            ),
            "the event names the older one": ([week_ago, yesterday], 1, 1),
            "the one named is too old": ([SentMessage(3, NOON - 20 * DAY), yesterday], 3, None),
            "the one named is unknown": ([yesterday], 9, None),
        }
        for name, (sent, named, expected) in cases.items():
            with self.subTest(name):
                self.assertEqual(
                    attribution.attributed_message_id(NOON, sent, WINDOW, named), expected
                )

    @given(moments, messages, windows, st.none() | st.integers(1, 50))
    def test_never_to_a_message_after_it_nor_outside_the_window(self, at, sent, window, named):
        found = attribution.attributed_message_id(at, sent, window, named)
        if found is not None:
            [message] = [message for message in sent if message.id == found]
            self.assertLessEqual(message.reached_at, at)
            self.assertLessEqual(at - message.reached_at, window)
            if named is not None:
                self.assertEqual(found, named)

    @given(moments, messages, windows)
    def test_to_one_message_whatever_their_order(self, at, sent, window):
        found = {
            attribution.attributed_message_id(at, order, window)
            for order in (sent, sent[::-1], sorted(sent, key=lambda m: m.id))
        }
        self.assertEqual(len(found), 1)

    @given(moments, messages, windows)
    def test_none_nearer_was_passed_over(self, at, sent, window):
        found = attribution.attributed_message_id(at, sent, window)
        times = {message.id: message.reached_at for message in sent}
        fitting = [t for t in times.values() if t and t <= at <= t + window]
        self.assertEqual(times.get(found), max(fitting, default=None))


class TestHoldOut(PureCase):
    @given(st.text(), st.floats(0, 1))
    def test_the_same_answer_each_time_and_more_with_a_larger_share(self, key, share):
        held = attribution.is_in_holdout(key, share)
        self.assertEqual(attribution.is_in_holdout(key, share), held)
        if held:
            self.assertTrue(attribution.is_in_holdout(key, min(1.0, share + 0.1)))

    def test_the_share_is_kept(self):
        for share in (0, 0.1, 0.5, 1):
            with self.subTest(share=share):
                held = sum(attribution.is_in_holdout(f"7:{n}", share) for n in range(10_000))
                self.assertAlmostEqual(held / 10_000, share, delta=0.015)

    def test_each_campaign_draws_anew(self):
        first = {n for n in range(1000) if attribution.is_in_holdout(f"1:{n}", 0.2)}
        second = {n for n in range(1000) if attribution.is_in_holdout(f"2:{n}", 0.2)}
        self.assertLess(len(first & second), 100)


class TestCompare(PureCase):
    def test_verdicts(self):
        for written, others, verdict in [
            (ComparisonGroup(0, 0), ComparisonGroup(500, 5), "thin"),
            (ComparisonGroup(99, 90), ComparisonGroup(500, 5), "thin"),
            (ComparisonGroup(500, 90), ComparisonGroup(99, 1), "thin"),
            (ComparisonGroup(1000, 52), ComparisonGroup(1000, 48), "chance"),
            (ComparisonGroup(1000, 80), ComparisonGroup(1000, 40), "better"),
            (ComparisonGroup(1000, 40), ComparisonGroup(1000, 80), "worse"),
            (ComparisonGroup(1000, 0), ComparisonGroup(1000, 0), "chance"),
        ]:
            with self.subTest(written=written, others=others):
                self.assertEqual(attribution.compare_groups(written, others).verdict, verdict)

    def test_newcombe_s_own_example(self):
        """Newcombe 1998, method 10, case (a): 56/70 against 48/80 gives 0.0524 to 0.3339."""
        found = attribution.compare_groups(ComparisonGroup(70, 56), ComparisonGroup(80, 48))
        self.assertAlmostEqual(found.difference, 0.2, places=4)
        self.assertAlmostEqual(found.low, 0.0524, places=4)
        self.assertAlmostEqual(found.high, 0.3339, places=4)

    @given(st.integers(0, 2000), st.integers(0, 2000), st.data())
    def test_the_difference_is_within_and_exchange_mirrors_it(self, n, m, data):
        one = ComparisonGroup(n, data.draw(st.integers(0, n)))
        other = ComparisonGroup(m, data.draw(st.integers(0, m)))
        found, mirrored = (
            attribution.compare_groups(one, other),
            attribution.compare_groups(other, one),
        )
        self.assertLessEqual(found.low, found.difference + 1e-9)
        self.assertGreaterEqual(found.high, found.difference - 1e-9)
        self.assertAlmostEqual(found.low, -mirrored.high)
        opposite = {"better": "worse", "worse": "better"}
        self.assertEqual(mirrored.verdict, opposite.get(found.verdict, found.verdict))


class TestCharge(PureCase):
    def test_cases(self):
        for category, type_, billable, expected in [
            ("marketing", "regular", True, ("charged", "marketing")),
            ("marketing", "regular", None, ("charged", "marketing")),
            ("marketing_lite", "regular", None, ("charged", "marketing")),
            ("utility", "regular", True, ("charged", "utility")),
            ("service", "regular", True, ("charged", "service")),
            ("marketing", "", True, ("charged", "marketing")),
            ("utility", "free_customer_service", False, ("free_window", "")),
            ("service", "free_customer_service", None, ("free_window", "")),
            ("marketing", "free_entry_point", False, ("free_entry", "")),
            ("referral_conversion", "free_entry_point", None, ("free_entry", "")),
            ("marketing", "regular", False, ("free_other", "")),
            ("", "", False, ("free_other", "")),
            ("authentication-international", "regular", True, ("no_rate", "")),
            ("group_marketing", "regular", True, ("no_rate", "")),
            ("", "", None, ("not_told", "")),
            ("marketing", "", None, ("not_told", "")),
            ("marketing", "some_new_type", None, ("not_told", "")),
            ("", "regular", True, ("not_told", "")),
        ]:
            with self.subTest(category=category, type=type_, billable=billable):
                self.assertEqual(cost.message_charge(category, type_, billable), expected)
