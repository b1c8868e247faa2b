from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import growth, warmth
from odoo.addons.waba_campaign.policy.growth import LADDER, Situation, make_plan

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
DAY = timedelta(days=1)


def situation(level="2000", **values):
    return Situation(
        **{
            "messaging_limit": level,
            "quality": "green",
            "people_by_age": (),
            "most": None,
            "daily_cap": None,
            "growth": None,
            "audience": 1_000_000,
        }
        | values
    )


def plan(level="2000", **values):
    return make_plan(situation(level, **values), NOW)


def dates(made):
    """{limit: (earliest, from, until)} in days from now, of the levels that are not reached."""

    def days(moment):
        return None if moment is None else (moment - NOW).days

    return {
        one.limit: tuple(map(days, (one.earliest, *(one.likely or (None, None)))))
        for one in made.forecasts
        if one.status in ("next", "later")
    }


levels = st.sampled_from(["250", "2000", "10000", "100000"])
ages = st.lists(st.integers(0, 20_000), max_size=30)
situations = st.builds(
    Situation,
    messaging_limit=levels,
    quality=st.sampled_from(["green", "yellow", "red", "unknown"]),
    people_by_age=ages,
    most=st.none() | st.integers(0, 150_000),
    daily_cap=st.none() | st.integers(0, 150_000),
    growth=st.none() | st.floats(1.1, 3),
    audience=st.integers(0, 500_000),
)


class TestStep(PureCase):
    def test_what_each_level_needs(self):
        needed = {limit: growth.next_step(limit) for limit in LADDER}
        self.assertEqual(
            needed,
            {
                250: (2_000, 30),
                2_000: (1_000, 7),
                10_000: (5_000, 7),
                100_000: (50_000, 7),
                None: None,
            },
        )

    def test_used_and_missing(self):
        cases = [
            # (level, people by age, used, missing)
            ("2000", (), 0, 1_000),
            ("2000", (300, 0, 0, 0, 0, 0, 100), 400, 600),
            ("2000", (300, 0, 0, 0, 0, 0, 0, 900), 300, 700),
            ("2000", (1_400,), 1_400, 0),
            ("250", (100,) * 20, 2_000, 0),
            ("250", (100,) * 10, 1_000, 1_000),
        ]
        for level, ages_, used, missing in cases:
            with self.subTest(level, ages=ages_):
                made = plan(level, people_by_age=ages_)
                self.assertEqual((made.used, made.missing), (used, missing))

    def test_the_least_counts_whom_the_window_keeps(self):
        # All 700 still count tomorrow, so 300 in one day would do; 143 a day do as well.
        self.assertEqual(plan(people_by_age=(700,)).least, 50)
        self.assertEqual(plan().least, 143)
        # Those of six days ago are gone tomorrow.
        self.assertEqual(plan(people_by_age=(0, 0, 0, 0, 0, 0, 700)).least, 143)


class TestState(PureCase):
    def test_states(self):
        cases = [
            ("unknown", {}, "unknown"),
            ("a level of next year", {}, "unknown"),
            ("50", {}, "unlisted"),
            ("1000", {}, "unlisted"),
            ("unlimited", {}, "unlimited"),
            ("2000", {"quality": "yellow"}, "blocked"),
            ("2000", {"quality": "red", "people_by_age": (2_000,)}, "blocked"),
            ("2000", {"people_by_age": (1_000,)}, "reached"),
            ("2000", {"audience": 999}, "audience"),
            ("2000", {"daily_cap": 100}, "capped"),
            ("2000", {"most": 142}, "capped"),
            ("2000", {"most": 143}, "growing"),
            ("2000", {"quality": "unknown"}, "growing"),
        ]
        for level, values, expected in cases:
            with self.subTest(level, **values):
                self.assertEqual(plan(level, **values).state, expected)

    def test_nothing_is_proposed_while_quality_is_not_high(self):
        made = plan(quality="red")
        self.assertEqual(made.least, 0)
        self.assertEqual(dates(made)[10_000], (None, None, None))
        self.assertEqual(made.forecasts[2].reason, "quality")


class TestDates(PureCase):
    def test_as_fast_as_the_limits_allow(self):
        # 2,000 on the first day is half of 2,000; 5,000 and 50,000 on the first day after.
        self.assertEqual(dates(plan())[10_000], (1, 2, 8))
        self.assertEqual([first for first, *_ in dates(plan()).values()], [1, 2, 3])

    def test_the_reading_of_one_day_is_the_end_of_the_interval(self):
        # 500 a day reach 1,000 over 7 days, never within one day.
        self.assertEqual(dates(plan(daily_cap=500))[10_000], (2, 3, None))

    def test_a_warm_up_takes_its_days(self):
        slow = dates(plan(most=100, growth=1.5))
        # 100, 150, 225, 337, 506: the sum is 1,318 on the fifth day.
        self.assertEqual(slow[10_000][0], 5)

    def test_half_used_already_is_todays_level(self):
        self.assertEqual(dates(plan(people_by_age=(1_200,)))[10_000][:2], (0, 1))

    def test_metas_review_has_no_date(self):
        first = plan("250")
        # 250 a day: 2,000 on the eighth.
        self.assertEqual(dates(first)[2_000], (8, None, None))
        self.assertEqual({one.reason for one in first.forecasts[1:]}, {"review"})

    def test_an_unrated_number_has_no_likely_date(self):
        made = plan(quality="unknown")
        self.assertEqual(dates(made)[10_000], (1, None, None))
        self.assertEqual(made.forecasts[2].reason, "unrated")

    def test_why_a_level_is_out_of_reach(self):
        few, capped = plan(audience=3_000), plan(daily_cap=500)
        self.assertEqual(few.forecasts[3].reason, "audience")
        self.assertIsNotNone(few.forecasts[2].earliest)
        self.assertEqual(capped.forecasts[3].reason, "cap")

    def test_the_last_level(self):
        made = plan("unlimited")
        self.assertEqual([one.status for one in made.forecasts], ["reached"] * 4 + ["current"])


class TestInvariants(PureCase):
    @untimed
    @given(situations)
    def test_never_more_than_the_limits(self, one):
        made = make_plan(one, NOW)
        limit = int(one.messaging_limit)
        self.assertLessEqual(made.most, limit)
        if one.daily_cap:
            self.assertLessEqual(made.most, one.daily_cap)
        if one.most is not None:
            self.assertLessEqual(made.most, one.most)
        if made.state == "growing":
            self.assertLessEqual(made.least, made.most)
            self.assertLessEqual(made.least * growth.next_step(limit).days, made.step.people + 30)
        if made.state == "blocked":
            self.assertEqual(made.least, 0)

    @untimed
    @given(situations)
    def test_dates_are_in_order(self, one):
        before = None
        for forecast in make_plan(one, NOW).forecasts:
            if forecast.earliest and before:
                self.assertGreaterEqual(forecast.earliest, before)
            before = forecast.earliest or before
            if forecast.likely:
                first, last = forecast.likely
                self.assertLessEqual(forecast.earliest, first)
                self.assertLessEqual(first, last or first)
                self.assertEqual(one.quality, "green")
                self.assertNotEqual(one.messaging_limit, "250")
            if one.quality in ("yellow", "red") and forecast.status in ("next", "later"):
                self.assertIsNone(forecast.earliest)

    @untimed
    @given(situations, st.integers(0, 100_000), st.sampled_from(["audience", "most", "daily_cap"]))
    def test_more_room_is_never_later(self, one, more, name):
        if name != "audience" and not getattr(one, name):
            return
        roomier = one._replace(**{name: getattr(one, name) + more})
        for before, after in zip(
            make_plan(one, NOW).forecasts, make_plan(roomier, NOW).forecasts, strict=True
        ):
            if before.earliest:
                self.assertLessEqual(after.earliest, before.earliest)

    @untimed
    @given(situations, st.integers(0, 29))
    def test_people_contacted_only_bring_it_nearer(self, one, age):
        ages_ = [*one.people_by_age, *[0] * (30 - len(one.people_by_age))]
        ages_[age] += 100
        before, after = make_plan(one, NOW), make_plan(one._replace(people_by_age=ages_), NOW)
        self.assertLessEqual(after.missing, before.missing)
        self.assertLessEqual(after.least, before.least)


class TestWarmth(PureCase):
    def test_scores_and_reasons(self):
        ago = lambda days: NOW - days * DAY  # noqa: E731
        cases = [
            ({}, 0, ()),
            ({"inbound": ago(1)}, 45, ("inbound",)),
            ({"inbound": ago(20)}, 27, ("inbound",)),
            ({"inbound": ago(100)}, 0, ()),
            ({"read": ago(3), "opted_in": ago(3)}, 30, ("read", "opted_in")),
            ({"inbound": ago(60), "clicked": ago(2)}, 38, ("clicked", "inbound")),
            (dict.fromkeys(warmth.WEIGHTS, NOW), 100, tuple(warmth.WEIGHTS)),
        ]
        for signals, score, reasons in cases:
            with self.subTest(**signals):
                found = warmth.warmth(warmth.Activity(**signals), NOW)
                self.assertEqual(found, (score, reasons))

    def test_the_warmest_are_due_first_within_a_second(self):
        leads = [warmth.queue_lead(score) for score in (0, 1, 50, 99, 100)]
        self.assertEqual(leads, sorted(leads))
        self.assertEqual(leads[0], timedelta())
        self.assertLess(leads[-1], timedelta(seconds=1))

    @untimed
    @given(st.dictionaries(st.sampled_from(list(warmth.WEIGHTS)), st.integers(0, 200)))
    def test_a_later_signal_is_never_colder(self, days):
        score = warmth.warmth(
            warmth.Activity(**{name: NOW - ago * DAY for name, ago in days.items()}), NOW
        ).score
        later = warmth.warmth(
            warmth.Activity(**{name: NOW - ago // 2 * DAY for name, ago in days.items()}), NOW
        ).score
        self.assertLessEqual(0, score)
        self.assertLessEqual(score, later)
        self.assertLessEqual(later, 100)
