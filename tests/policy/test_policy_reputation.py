# pylint takes hypothesis' `assume` for a function that never returns.
# pylint: disable=unreachable
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import (
    quality_rating,
    reputation,
    reputation_causes,
    reputation_rates,
    reputation_score,
    reputation_trend,
)
from odoo.addons.waba_campaign.policy.reputation_causes import Group
from odoo.addons.waba_campaign.policy.reputation_rates import (
    MIN_VOLUME,
    MONTH,
    WEEK,
    DayCounts,
    Rate,
)
from odoo.addons.waba_campaign.policy.reputation_score import (
    HEALTHY_THRESHOLD,
    MARGIN,
    RISK_THRESHOLDS,
    WATCH_THRESHOLD,
    Cost,
)
from odoo.addons.waba_campaign.policy.reputation_trend import Projection

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 10, 0, 0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

# The bad signs: what is counted, and the other count that grows with one more such message.
BAD_SIGNS = {
    "opted_out": "delivered",
    "silent": "sent",
    "undeliverable": "sent",
    "limited": "sent",
    "spam_limited": "sent",
}


def cohort(age, **counts):
    """The messages accepted `age` days ago."""
    return DayCounts(TODAY - age * DAY, **counts)


def week_of(**counts):
    """The same counts on each of the last seven days."""
    return [cohort(age, **counts) for age in range(WEEK)]


def score_of(days, **kwargs):
    return reputation_score.score(reputation_rates.rates(days, TODAY, **kwargs))


def series(*scores):
    """(day, score) of consecutive days, the last of them today."""
    return [
        (TODAY - (len(scores) - 1 - position) * DAY, points)
        for position, points in enumerate(scores)
    ]


@st.composite
def cohorts(draw, most_delivered=3000):
    """A week as it can happen: people who opted out had the message, silence comes late."""
    week = []
    for age in range(WEEK):
        delivered = draw(st.integers(0, most_delivered))
        bad = {name: draw(st.integers(0, 60)) for name in ("undeliverable", "limited")}
        silent = draw(st.integers(0, 60)) if age > reputation_rates.SILENT_AFTER_DAYS else 0
        week.append(
            cohort(
                age,
                sent=delivered + silent + sum(bad.values()),
                delivered=delivered,
                opted_out=draw(st.integers(0, min(delivered, 80))),
                silent=silent,
                spam_limited=draw(st.integers(0, 1)),
                failed=sum(bad.values()),
                **bad,
            )
        )
    return week


class TestWords(PureCase):
    def test_the_vocabularies_that_others_read(self):
        self.assertEqual(reputation_score.LEVELS, ("healthy", "watch", "at_risk", "unknown"))
        self.assertEqual(
            reputation_causes.GROUP_KINDS,
            ("campaign", "template", "audience", "source", "salesperson", "country"),
        )

    def test_a_day_without_messages(self):
        empty = cohort(0)
        self.assertEqual({getattr(empty, name) for name in reputation_rates.COUNTS}, {0})
        self.assertEqual(len(reputation_rates.COUNTS), 10)


class TestRates(PureCase):
    def test_what_is_counted_of_which_messages(self):
        row = cohort(
            4, sent=1000, delivered=800, read=400, replied=40, opted_out=8, silent=200,
            undeliverable=100, limited=50, spam_limited=3, failed=160,
        )  # fmt: skip
        expected = {
            "opt_out": Rate(8, 800, 8 / 800),
            "possible_block": Rate(200, 1000, 200 / 1000),
            "undeliverable": Rate(100, 900, 100 / 900),
            "limited": Rate(50, 850, 50 / 850),
            "failure": Rate(160, 960, 160 / 960),
            "delivery": Rate(800, 1000, 0.8),
            "read": Rate(400, 800, 0.5),
            "reply": Rate(40, 800, 0.05),
        }
        self.assertEqual(set(expected), set(reputation_rates.MEASURES))
        measured = reputation_rates.rates([row], TODAY, MONTH)
        for measure, rate in expected.items():
            with self.subTest(measure):
                self.assertEqual(getattr(measured, measure), rate)

    def test_in_the_week_today_weighs_seven_times_six_days_ago(self):
        for age in range(WEEK):
            with self.subTest(age=age):
                days = [cohort(0, delivered=7000), cohort(age, delivered=7000, opted_out=70)]
                measured = reputation_rates.rates(days, TODAY)
                weight = WEEK - age
                self.assertEqual(measured.opt_out[:2], (70, 14_000))
                self.assertAlmostEqual(
                    measured.opt_out.value, 70 * weight / (7000 * 7 + 7000 * weight)
                )
                self.assertAlmostEqual(measured.volume, 7000 + 7000 * weight / 7)

    def test_in_any_other_window_all_days_weigh_the_same(self):
        days = [cohort(0, delivered=1000), cohort(29, delivered=3000, opted_out=40)]
        measured = reputation_rates.rates(days, TODAY, MONTH)
        self.assertEqual(measured.opt_out, Rate(40, 4000, 0.01))
        self.assertEqual((measured.volume, measured.window), (4000, MONTH))

    def test_which_days_are_inside(self):
        cases = [
            # age, window, fresh start (days ago), counted
            (0, WEEK, None, True),
            (6, WEEK, None, True),
            (7, WEEK, None, False),
            (29, MONTH, None, True),
            (30, MONTH, None, False),
            (-1, WEEK, None, False),
            (-1, MONTH, None, False),
            (2, WEEK, 2, False),
            (1, WEEK, 2, True),
            (3, WEEK, 2, False),
            (6, WEEK, 10, True),
            (7, WEEK, 10, False),
        ]
        for age, window, fresh, counted in cases:
            with self.subTest(age=age, window=window, fresh_start=fresh):
                fresh_start = TODAY - fresh * DAY if fresh else None
                measured = reputation_rates.rates(
                    [cohort(age, delivered=5)], TODAY, window, fresh_start
                )
                self.assertEqual(measured.opt_out.base, 5 * counted)

    def test_silence_is_told_after_two_whole_days(self):
        self.assertEqual(reputation_rates.SILENT_AFTER_DAYS, 2)
        for window in (WEEK, MONTH):
            for age, base in ((0, 0), (2, 0), (3, 1100), (6, 1100)):
                with self.subTest(age=age, window=window):
                    row = cohort(age, delivered=1000, silent=100)
                    measured = reputation_rates.rates([row], TODAY, window)
                    self.assertEqual(measured.possible_block.base, base)
                    self.assertEqual(measured.undeliverable.base, 1000)

    def test_a_thin_rate_has_no_value(self):
        self.assertEqual(MIN_VOLUME, 200)
        cases = [
            # age, delivered, window, has value, silence has one
            (0, 199, WEEK, False, False),
            (0, 200, WEEK, True, False),
            (3, 199, WEEK, False, False),
            (3, 200, WEEK, False, True),
            (6, 799, WEEK, False, False),
            (6, 800, WEEK, False, True),
            (6, 1399, WEEK, False, True),
            (6, 1400, WEEK, True, True),
            (6, 199, MONTH, False, False),
            (6, 200, MONTH, True, True),
        ]
        for age, delivered, window, known, silence_known in cases:
            with self.subTest(age=age, delivered=delivered, window=window):
                measured = reputation_rates.rates([cohort(age, delivered=delivered)], TODAY, window)
                self.assertEqual(measured.opt_out.value, 0.0 if known else None)
                self.assertIs(measured.is_enough, known)
                self.assertEqual(measured.possible_block.value, 0.0 if silence_known else None)

    def test_a_rate_is_never_above_one(self):
        # Statuses may be missing: somebody opts out of a message never reported as delivered.
        row = cohort(0, delivered=200, opted_out=300)
        self.assertEqual(reputation_rates.rates([row], TODAY).opt_out, Rate(300, 200, 1.0))

    def test_refusals_as_spam_fade_over_a_week(self):
        for window in (WEEK, MONTH):
            for age, weight in ((0, 7), (1, 6), (6, 1), (7, 0), (20, 0)):
                with self.subTest(age=age, window=window):
                    days = [cohort(age, spam_limited=2), cohort(6, delivered=9)]
                    measured = reputation_rates.rates(days, TODAY, window)
                    self.assertAlmostEqual(measured.spam_weight, weight / 7)
        latest = [cohort(5, spam_limited=90), cohort(2, spam_limited=1)]
        self.assertAlmostEqual(reputation_rates.rates(latest, TODAY).spam_weight, 5 / 7)

    @untimed
    @given(week=cohorts(), rng=st.randoms(use_true_random=False))
    def test_neither_order_nor_division_of_the_rows_matters(self, week, rng):
        halves = [
            DayCounts(
                row.day, **{name: part(getattr(row, name)) for name in reputation_rates.COUNTS}
            )
            for row in week
            for part in (lambda count: count // 2, lambda count: count - count // 2)
        ]
        rng.shuffle(halves)
        for window in (WEEK, MONTH):
            self.assertEqual(
                reputation_rates.rates(halves, TODAY, window),
                reputation_rates.rates(week, TODAY, window),
            )


class TestScore(PureCase):
    def test_the_lines_that_are_documented(self):
        cases = [
            # what of 10,000, points at normal, watch, risk, twice the risk
            ("opt_out", "opted_out", (50, 100, 200, 400), (100, 80, 40, 0)),
            ("possible_block", "silent", (250, 500, 1000, 2000), (100, 80, 40, 0)),
            ("undeliverable", "undeliverable", (250, 500, 1000, 2000), (100, 80, 40, 0)),
            ("limited", "limited", (1000, 2000, 4000, 8000), (100, 80, 80, 80)),
        ]
        for measure, counted, of_10_000, expected in cases:
            for count, points in zip(of_10_000, expected, strict=True):
                with self.subTest(measure, count=count):
                    delivered = 10_000 if measure == "opt_out" else 10_000 - count
                    row = cohort(3, delivered=delivered, **{counted: count})
                    self.assertEqual(score_of([row], window=MONTH), points)

    def test_costs_are_named_dearest_first_and_add_up(self):
        row = cohort(
            4, sent=11_000, delivered=9500, opted_out=95, undeliverable=500, limited=9500,
            spam_limited=1, failed=10_001,
        )  # fmt: skip
        measured = reputation_rates.rates([row], TODAY, MONTH)
        found = reputation_score.costs(measured)
        self.assertEqual(found[0], Cost("spam_limited", 60 * (3 / 7)))
        self.assertEqual(
            {cost.measure for cost in found[1:]}, {"opt_out", "undeliverable", "limited"}
        )
        for cost in found[1:]:
            self.assertAlmostEqual(cost.points, 20)
        self.assertEqual(reputation_score.score(measured), round(100 - 3 * 20 - 60 * 3 / 7))
        worse = reputation_rates.rates([replace(row, opted_out=150)], TODAY, MONTH)
        self.assertEqual(
            [cost.measure for cost in reputation_score.costs(worse)][:2],
            ["opt_out", "spam_limited"],
        )

    def test_part_of_a_point_is_a_cost(self):
        measured = reputation_rates.rates([cohort(0, delivered=10_000, opted_out=51)], TODAY)
        self.assertAlmostEqual(reputation_score.costs(measured)[0].points, 0.4)

    def test_what_is_normal_costs_nothing(self):
        row = cohort(
            4, sent=10_250, delivered=9750, read=1, opted_out=48, silent=250, undeliverable=250,
            limited=900, failed=9000,
        )  # fmt: skip
        measured = reputation_rates.rates([row], TODAY, MONTH)
        self.assertEqual(reputation_score.costs(measured), ())
        self.assertEqual(reputation_score.score(measured), 100)

    def test_a_refusal_as_spam_puts_a_perfect_number_on_the_line_to_at_risk(self):
        days = [cohort(1, delivered=9000), cohort(0, delivered=1000, spam_limited=1)]
        self.assertEqual(score_of(days), 40)
        self.assertEqual(reputation_score.level(score_of(days)), "watch")
        self.assertEqual(reputation_score.level(score_of(days), "at_risk"), "at_risk")
        fading = [cohort(0, delivered=9000), cohort(6, spam_limited=1)]
        self.assertEqual(score_of(fading), round(100 - 60 / 7))

    @untimed
    @given(
        week=cohorts(), sign=st.sampled_from([*BAD_SIGNS]), age=st.integers(0, 6), more=st.data()
    )
    def test_worse_outcomes_of_the_same_messages_never_raise_the_score(self, week, sign, age, more):
        assume(sign != "silent" or age > reputation_rates.SILENT_AFTER_DAYS)
        before = score_of(week)
        row = week[age]
        count = getattr(row, sign) + more.draw(st.integers(1, 500))
        week[age] = replace(row, **{sign: count})
        self._assert_not_above(score_of(week), before)

    @untimed
    @given(week=cohorts(), sign=st.sampled_from([*BAD_SIGNS]), age=st.integers(0, 6))
    def test_further_messages_with_a_bad_end_never_raise_the_score(self, week, sign, age):
        # Not for opt-outs: their message also arrived, which is good news about other signs.
        assume(sign != "opted_out")
        assume(sign != "silent" or age > reputation_rates.SILENT_AFTER_DAYS)
        before = score_of(week)
        row = week[age]
        week[age] = replace(row, **{sign: getattr(row, sign) + 40, "sent": row.sent + 40})
        self._assert_not_above(score_of(week), before)

    def _assert_not_above(self, after, before):
        self.assertIs(after is None, before is None)
        if before is not None:
            self.assertLessEqual(after, before)

    @untimed
    @given(
        delivered=st.integers(400, 3000),
        sign=st.sampled_from([*BAD_SIGNS]),
        count=st.integers(1, 400),
        ages=st.lists(st.integers(0, 9), min_size=2, max_size=2, unique=True).map(sorted),
    )
    def test_older_evidence_weighs_less(self, delivered, sign, count, ages):
        assume(sign != "silent" or ages[0] > reputation_rates.SILENT_AFTER_DAYS)

        def with_evidence(age):
            days = [
                cohort(other, delivered=delivered, **({sign: count} if other == age else {}))
                for other in range(10)
            ]
            return reputation_rates.rates(days, TODAY)

        younger, older = (
            sum(cost.points for cost in reputation_score.costs(with_evidence(age))) for age in ages
        )
        self.assertLessEqual(older, younger)
        if 0 < younger < reputation_score.MAX_POINTS["limited"]:
            self.assertLess(older, younger)
        self.assertGreaterEqual(
            reputation_score.score(with_evidence(ages[1])),
            reputation_score.score(with_evidence(ages[0])),
        )

    @untimed
    @given(week=cohorts(most_delivered=60))
    def test_thin_data_never_gives_a_colour(self, week):
        measured = reputation_rates.rates(week, TODAY)
        weighed = sum((WEEK - age) * row.delivered for age, row in enumerate(week)) / WEEK
        thin = weighed < MIN_VOLUME - 1e-9
        assume(thin or weighed > MIN_VOLUME + 1e-9)
        self.assertIs(reputation_score.score(measured) is None, thin)
        for previous in (None, *reputation_score.LEVELS):
            found = reputation_score.level(reputation_score.score(measured), previous)
            self.assertIs(found == "unknown", thin)

    @untimed
    @given(ages=st.lists(st.integers(0, 6), min_size=1, max_size=7), volume=st.integers(1, 2000))
    def test_one_person_alone_never_changes_a_level(self, ages, volume):
        quiet = [cohort(age, delivered=volume) for age in ages]
        assume(score_of(quiet) is not None)
        for position, row in enumerate(quiet):
            for sign in ("opted_out", "silent", "undeliverable", "limited"):
                heard = list(quiet)
                heard[position] = replace(row, **{sign: 1})
                self.assertEqual(score_of(heard), 100)

    def test_few_fresh_messages_do_not_outshout_many_old_ones(self):
        # 200 messages six days ago would do for a plain rate; one opt-out among ten of today would
        # then be a weighted rate of 2.6 %, which is at risk.
        days = [cohort(6, delivered=200), cohort(0, delivered=10, opted_out=1)]
        self.assertIsNone(score_of(days))


class TestLevel(PureCase):
    def test_lines_and_margins(self):
        cases = [
            # score: without memory, then after healthy, watch, at risk
            (100, "healthy", "healthy", "healthy", "healthy"),
            (85, "healthy", "healthy", "healthy", "healthy"),
            (84, "healthy", "healthy", "watch", "watch"),
            (80, "healthy", "healthy", "watch", "watch"),
            (79, "watch", "healthy", "watch", "watch"),
            (76, "watch", "healthy", "watch", "watch"),
            (75, "watch", "watch", "watch", "watch"),
            (45, "watch", "watch", "watch", "watch"),
            (44, "watch", "watch", "watch", "at_risk"),
            (40, "watch", "watch", "watch", "at_risk"),
            (39, "at_risk", "watch", "watch", "at_risk"),
            (36, "at_risk", "watch", "watch", "at_risk"),
            (35, "at_risk", "at_risk", "at_risk", "at_risk"),
            (0, "at_risk", "at_risk", "at_risk", "at_risk"),
            (None, "unknown", "unknown", "unknown", "unknown"),
        ]
        for points, fresh, *remembered in cases:
            for previous in (None, False, "unknown"):
                with self.subTest(points=points, previous=previous):
                    self.assertEqual(reputation_score.level(points, previous), fresh)
            for previous, expected in zip(reputation_score.LEVELS, remembered, strict=False):
                with self.subTest(points=points, previous=previous):
                    self.assertEqual(reputation_score.level(points, previous), expected)

    @untimed
    @given(
        line=st.sampled_from([HEALTHY_THRESHOLD, WATCH_THRESHOLD]),
        start=st.sampled_from([None, "healthy", "watch", "at_risk"]),
        strays=st.lists(st.integers(1 - MARGIN, MARGIN - 1), min_size=2, max_size=60),
    )
    def test_a_walk_within_the_margin_changes_the_level_at_most_once(self, line, start, strays):
        levels = [start]
        for stray in strays:
            levels.append(reputation_score.level(line + stray, levels[-1]))
        # The first score may end a level that it is far from; after it nothing moves.
        self.assertEqual(len(set(levels[1:])), 1)

    @untimed
    @given(scores=st.lists(st.integers(0, 100), min_size=1, max_size=80))
    def test_no_level_comes_back_for_less_than_twice_the_margin(self, scores):
        current, changes = reputation_score.level(scores[0]), []
        for points in scores[1:]:
            found = reputation_score.level(points, current)
            self.assertEqual(reputation_score.level(points, found), found)
            if found != current:
                changes.append((current, found, points))
                current = found
        for (left, _reached, at), (_left, back, later) in pairwise(changes):
            if back == left:
                self.assertGreaterEqual(abs(later - at), 2 * MARGIN)

    @untimed
    @given(
        low=st.integers(0, 100), more=st.integers(0, 100),
        previous=st.sampled_from([None, *reputation_score.LEVELS]),
    )  # fmt: skip
    def test_a_better_score_never_has_a_worse_level(self, low, more, previous):
        better = reputation_score.level(min(low + more, 100), previous)
        rank = reputation_score.LEVELS.index
        self.assertLessEqual(rank(better), rank(reputation_score.level(low, previous)))


class TestTrend(PureCase):
    def test_direction_of_the_last_week(self):
        cases = [
            ("nothing", [], "unknown"),
            ("only unknown", [None, None, None, None, None], "unknown"),
            ("three days", [90, 80, 70], "unknown"),
            ("four days", [90, 80, 70, 60], "falling"),
            ("four days with gaps", [90, None, 80, None, 70, None, 60], "falling"),
            ("four, one of them too old", [90, None, None, None, None, 80, 70, 60], "unknown"),
            ("four, the oldest just inside", [90, None, None, None, 80, 70, 60], "falling"),
            ("a point a day", [90, 89, 88, 87, 86, 85, 84], "falling"),
            ("nearly a point a day", [90, 89, 88, 87, 87, 85, 84], "steady"),
            ("less than a point a day", [90, 89, 88, 87, 86, 85, 85], "steady"),
            ("a point a day up", [84, 85, 86, 87, 88, 89, 90], "rising"),
            ("less than that", [85, 85, 86, 87, 88, 89, 90], "steady"),
            ("flat", [70, 70, 70, 70], "steady"),
            ("what was before is forgotten", [0, 0, 0, 80, 80, 80, 80, 80, 80, 80], "steady"),
        ]
        for name, scores, expected in cases:
            with self.subTest(name):
                self.assertEqual(reputation_trend.trend(series(*scores)), expected)
                self.assertEqual(reputation_trend.trend(reversed(series(*scores))), expected)


class TestProjection(PureCase):
    def test_straight_lines(self):
        cases = [
            # scores, level, next level, in days
            ((99, 96, 93, 90, 87, 84, 81), "healthy", "watch", 2.0),
            ((95, 91, 87, 83), "healthy", "watch", 2.0),
            ((65, 60, 55, 50, 45), "watch", "at_risk", 2.0),
            ((10, 15, 20, 25, 30, 35), "at_risk", "watch", 2.0),
            ((55, 60, 65, 70, 75), "watch", "healthy", 2.0),
            ((96, 92, 88, 84, 80, 76, 72), "healthy", "watch", 0.0),
        ]
        for scores, level, reached, in_days in cases:
            with self.subTest(scores=scores):
                found = reputation_trend.project(series(*scores), level)
                self.assertEqual(found.level, reached)
                self.assertAlmostEqual(found.in_days, in_days)

    def test_the_stated_error_is_fiellers(self):
        # On a line, with a quarter as the least variance.
        for count, student in ((4, 4.303), (5, 3.182), (6, 2.776), (7, 2.571)):
            with self.subTest(count=count):
                scores = [81 + 2 * age for age in reversed(range(count))]
                spread = sum((day - (count - 1) / 2) ** 2 for day in range(count))
                reach = 3 + (count - 1) / 2
                doubt = student**2 / 4 / (2**2 * spread)
                half = student / 2 / 2 * ((1 - doubt) / count + reach**2 / spread) ** 0.5
                found = reputation_trend.project(series(*scores), "healthy")
                self.assertAlmostEqual(found.in_days, 3)
                self.assertAlmostEqual(found.error_days, (doubt * reach + half) / (1 - doubt))
        # Scattered: slope -4.4, residuals of 50.8 over 4 degrees of freedom.
        days, scores = range(-5, 1), (98, 96, 86, 88, 78, 78)
        slope = sum((x + 2.5) * y for x, y in zip(days, scores, strict=True)) / 17.5
        mean = sum(scores) / 6
        rest = sum((y - mean - slope * (x + 2.5)) ** 2 for x, y in zip(days, scores, strict=True))
        doubt = 2.776**2 * rest / 4 / (slope**2 * 17.5)
        reach = (75 - mean) / slope
        half = 2.776 * (rest / 4) ** 0.5 / -slope * ((1 - doubt) / 6 + reach**2 / 17.5) ** 0.5
        found = reputation_trend.project(series(*scores), "healthy")
        self.assertAlmostEqual(found.in_days, reach - 2.5)
        self.assertAlmostEqual(found.error_days, (doubt * reach + half) / (1 - doubt))

    def test_the_error_is_never_below_half_a_day(self):
        found = reputation_trend.project(series(100, 88, 76, 64, 52, 40, 28), "watch")
        self.assertEqual(found, Projection("at_risk", 0.0, 0.5))

    def test_nothing_is_foreseen(self):
        cases = [
            ("too few scores", (90, 85, 80), "healthy"),
            ("steady", (90, 90, 90, 90), "healthy"),
            ("healthy and rising", (86, 89, 92, 95), "healthy"),
            ("at risk and falling", (30, 25, 20, 15), "at_risk"),
            ("no level", (90, 85, 80, 75), "unknown"),
            ("too far away", (74, 73, 72, 71, 70, 69, 68), "watch"),
            ("too scattered to be sure of a fall", (90, 70, 95, 72, 80, 71), "healthy"),
            ("too scattered to be sure of the day", (89, 87, 86, 85, 81), "healthy"),
        ]
        for name, scores, level in cases:
            with self.subTest(name):
                self.assertIsNone(reputation_trend.project(series(*scores), level))

    def test_an_error_of_up_to_a_week_is_said(self):
        found = reputation_trend.project(series(93, 91, 89, 87), "healthy")
        self.assertAlmostEqual(found.error_days, 6.993295, places=5)

    def test_the_horizon_is_two_weeks(self):
        for in_days, expected in ((13, True), (14, True), (15, False)):
            with self.subTest(in_days=in_days):
                scores = [35 + 3 * (in_days + step) for step in range(6, -1, -1)]
                found = reputation_trend.project(series(*scores), "watch")
                self.assertIs(found is not None, expected)

    def test_on_lines_with_noise_the_error_holds_nineteen_times_in_twenty(self):
        rng = random.Random(20261120)
        for noise in (0.0, 0.5, 1.0, 2.0):
            shown = held = 0
            for _ in range(3000):
                slope, count = -rng.uniform(1, 6), rng.choice([4, 5, 6, 7])
                start = rng.uniform(75, 100) - slope * (count - 1)
                scores = [round(start + slope * day + rng.gauss(0, noise)) for day in range(count)]
                truly = (75 - start) / slope - (count - 1)
                found = reputation_trend.project(series(*scores), "healthy")
                if found:
                    shown += 1
                    held += abs(found.in_days - truly) <= found.error_days
            with self.subTest(noise=noise):
                self.assertGreater(shown, 900)
                self.assertGreaterEqual(held / shown, 0.95)


class TestRatings(PureCase):
    def test_red_days_and_last_colour(self):
        def ago(days, colour):
            return NOW - days * DAY, colour

        cases = [
            # history, last colour, red days
            ([], "unknown", 0),
            ([ago(3, "unknown")], "unknown", 0),
            ([ago(9, "green")], "green", 0),
            ([ago(9, "green"), ago(7, "red")], "red", 7),
            ([(NOW - 7 * DAY + HOUR, "red")], "red", 6),
            ([(NOW, "red")], "red", 0),
            ([ago(9, "red"), ago(5, "red"), ago(1, "red")], "red", 9),
            ([ago(9, "red"), ago(5, "yellow"), ago(2, "red")], "red", 2),
            ([ago(9, "red"), ago(2, "yellow")], "yellow", 0),
            ([ago(9, "red"), ago(5, "unknown"), ago(2, "red")], "red", 9),
            ([ago(9, "red"), ago(5, "unknown")], "red", 9),
            ([ago(9, "red"), (NOW + HOUR, "green")], "red", 9),
        ]
        for history, last, days in cases:
            with self.subTest(history=history):
                self.assertEqual(quality_rating.last_rating(history, NOW), last)
                self.assertEqual(quality_rating.red_days(history, NOW), days)

    def test_a_release_starts_the_count_again(self):
        history = [(NOW - 9 * DAY, "red")]
        cases = [(None, 9), (False, 9), (NOW - 20 * DAY, 9), (NOW - 2 * DAY, 2), (NOW + HOUR, 0)]
        for since, days in cases:
            with self.subTest(since=since):
                self.assertEqual(quality_rating.red_days(history, NOW, since), days)


class TestCauses(PureCase):
    def setUp(self):
        super().setUp()
        # A month of good campaigns, and in the last days a bad one among them.
        self.usual = [cohort(age, delivered=500, opted_out=2, undeliverable=8) for age in range(30)]
        self.bad = [cohort(1, delivered=1000, opted_out=50, undeliverable=10)]
        self.good = [cohort(1, delivered=400, opted_out=1), cohort(2, delivered=600, opted_out=2)]
        self.everything = [*self.usual, *self.bad]

    def rank(self, *groups, drop_age=0, **kwargs):
        return reputation_causes.rank_causes(
            groups, self.everything, TODAY - drop_age * DAY, TODAY, **kwargs
        )

    def test_the_bad_campaign_and_how_it_compares(self):
        found = self.rank(Group("campaign", 1, self.good), Group("campaign", 2, self.bad))
        self.assertEqual([suspect.key for suspect in found], [2])
        suspect = found[0]
        self.assertEqual((suspect.kind, suspect.measure), ("campaign", "opt_out"))
        self.assertEqual(suspect.rate, Rate(50, 1000, 0.05))
        self.assertEqual((suspect.usual, suspect.usual_base), (60 / 15_000, 15_000))
        self.assertAlmostEqual(suspect.ratio, 0.05 / 0.004)

    def test_contribution_is_the_cautious_excess_in_score_points(self):
        suspect = self.rank(Group("campaign", 2, self.bad))[0]
        part, base, z = 0.05, 1000, 2.33
        half = z * (part * (1 - part) / base + z * z / (4 * base * base)) ** 0.5
        least = (part + z * z / (2 * base) - half) / (1 + z * z / base)
        share = 1000 / (7 * 500 + 1000)
        # Above normal (0.5 %), which here is more than the usual 0.4 %.
        self.assertAlmostEqual(suspect.contribution, 80 * (least - 0.005) / 0.02 * share)
        self.usual = [replace(row, opted_out=5) for row in self.usual]
        self.everything = [*self.usual, *self.bad]
        suspect = self.rank(Group("campaign", 2, self.bad))[0]
        self.assertAlmostEqual(suspect.contribution, 80 * (least - 0.01) / 0.02 * share)

    def test_what_is_held_against_a_group(self):
        cases = [
            ("opt_out", {"delivered": 1000, "opted_out": 50}),
            ("possible_block", {"delivered": 1000, "silent": 300}),
            ("undeliverable", {"delivered": 1000, "undeliverable": 300}),
            ("limited", {"delivered": 1000, "limited": 1500}),
        ]
        for measure, counts in cases:
            with self.subTest(measure):
                bad = [cohort(4, **counts)]
                self.everything = [*self.usual, *bad]
                found = self.rank(Group("source", "list", bad))
                self.assertEqual([suspect.measure for suspect in found], [measure])
        self.assertLessEqual(found[0].contribution, 20)

    def test_limited_messages_explain_no_more_than_they_cost(self):
        self.everything = [cohort(4, delivered=1000, limited=9000)]
        found = self.rank(Group("source", "list", self.everything))
        self.assertEqual(found[0].contribution, 20)

    def test_only_the_week_up_to_the_drop(self):
        for age, drop_age, expected in (
            (0, 0, 1), (6, 0, 1), (7, 0, 0), (1, 2, 0), (2, 2, 1), (8, 2, 1), (9, 2, 0),
        ):  # fmt: skip
            with self.subTest(age=age, drop_age=drop_age):
                bad = [cohort(age, delivered=1000, opted_out=50)]
                self.everything = [*self.usual, *bad]
                found = self.rank(Group("campaign", 2, bad), drop_age=drop_age)
                self.assertEqual(len(found), expected)

    def test_older_messages_of_the_same_group_are_part_of_the_usual(self):
        bad = [cohort(20, delivered=1000, opted_out=50), *self.bad]
        self.everything = [*self.usual, *bad]
        suspect = self.rank(Group("template", 5, bad))[0]
        self.assertEqual(suspect.usual_base, 16_000)
        self.assertAlmostEqual(suspect.usual, 110 / 16_000)
        self.assertEqual(suspect.rate.base, 1000)

    def test_nothing_before_a_fresh_start_counts(self):
        group = Group("campaign", 2, self.bad)
        self.assertEqual(self.rank(group, fresh_start=TODAY - DAY), [])
        found = self.rank(group, fresh_start=TODAY - 2 * DAY)
        self.assertEqual(found[0].usual_base, 1000)

    def test_with_nothing_to_compare_the_normal_rate_is_the_usual(self):
        for rest, usual, usual_base in ((199, 0.005, 0), (200, 2 / 200, 200)):
            with self.subTest(rest=rest):
                self.everything = [*self.bad, cohort(10, delivered=rest, opted_out=2)]
                suspect = self.rank(Group("campaign", 2, self.bad))[0]
                self.assertEqual((suspect.usual, suspect.usual_base), (usual, usual_base))

    def test_no_ratio_to_nothing(self):
        self.everything = [cohort(10, delivered=5000), *self.bad]
        suspect = self.rank(Group("campaign", 2, self.bad))[0]
        self.assertEqual((suspect.usual, suspect.ratio), (0, None))

    def test_a_group_needs_a_hundred_messages(self):
        for delivered, undeliverable, expected in (
            (99, 0, 0), (100, 0, 1), (60, 39, 0), (60, 40, 1),
        ):  # fmt: skip
            with self.subTest(delivered=delivered, undeliverable=undeliverable):
                bad = [
                    cohort(1, delivered=delivered, undeliverable=undeliverable, opted_out=delivered)
                ]
                self.everything = [*self.usual, *bad]
                found = self.rank(Group("campaign", 2, bad))
                self.assertEqual(len(found), expected)
        # Opt-outs of 60 are no evidence, undeliverable 40 of 100 is.
        self.assertEqual(found[0].measure, "undeliverable")

    def test_a_thin_measure_of_a_big_enough_group_is_not_held_against_it(self):
        bad = [cohort(1, delivered=99, opted_out=99, undeliverable=1)]
        self.everything = [*self.usual, *bad]
        self.assertEqual(self.rank(Group("campaign", 2, bad)), [])

    def test_a_small_group_is_not_blamed_for_bad_luck(self):
        small = [cohort(1, delivered=120, opted_out=2)]
        self.everything = [*self.usual, *small]
        self.assertEqual(self.rank(Group("campaign", 3, small)), [])

    def test_less_than_a_point_is_no_suspicion(self):
        for rest, expected in ((10600, 1), (10700, 0)):
            with self.subTest(rest=rest):
                group = [cohort(1, delivered=300, opted_out=9)]
                self.everything = [cohort(1, delivered=rest), *group]
                self.assertEqual(len(self.rank(Group("campaign", 1, group))), expected)

    def test_who_did_more_harm_comes_first(self):
        small = [cohort(1, delivered=150, opted_out=12)]
        self.everything = [*self.usual, *self.bad, *small]
        found = self.rank(Group("campaign", 3, small), Group("campaign", 2, self.bad))
        self.assertEqual([suspect.key for suspect in found], [2, 3])
        self.assertGreater(found[1].rate.value, found[0].rate.value)

    def test_of_equals_the_campaign_comes_first(self):
        groups = [
            Group("country", "ES", self.bad),
            Group("template", 4, self.bad),
            Group("campaign", 9, self.bad),
            Group("campaign", 2, self.bad),
        ]
        found = self.rank(*groups)
        self.assertEqual(
            [(suspect.kind, suspect.key) for suspect in found],
            [("campaign", 2), ("campaign", 9), ("template", 4), ("country", "ES")],
        )

    def test_figures_that_do_not_agree_do_no_harm(self):
        # A group counted a moment later than the whole may be larger than it.
        self.everything = [cohort(1, delivered=500, opted_out=1)]
        late = [cohort(1, delivered=500, opted_out=510)]
        suspect = self.rank(Group("campaign", 2, late))[0]
        self.assertEqual(suspect.rate, Rate(510, 500, 1.0))
        self.assertEqual(suspect.usual_base, 0)
        self.assertAlmostEqual(suspect.contribution, 80 * (1 / (1 + 2.33**2 / 500) / 0.02 - 0.25))
        self.everything = [cohort(2, delivered=800), cohort(1, delivered=100)]
        suspect = self.rank(Group("campaign", 2, late))[0]
        self.assertEqual((suspect.usual, suspect.usual_base), (0, 400))
        self.everything = []
        self.assertEqual(len(self.rank(Group("campaign", 2, self.bad))), 1)

    @untimed
    @given(
        delivered=st.lists(st.integers(0, 2000), min_size=1, max_size=8),
        rates=st.lists(st.floats(0, 0.2), min_size=8, max_size=8),
        rest=st.integers(0, 5000),
        rest_rate=st.floats(0, 0.2),
    )
    def test_never_a_thin_group_nor_one_that_is_no_worse(self, delivered, rates, rest, rest_rate):
        groups = [
            Group("campaign", key, [cohort(1, delivered=base, opted_out=round(base * rate))])
            for key, (base, rate) in enumerate(zip(delivered, rates, strict=False))
        ]
        others = cohort(2, delivered=rest, opted_out=round(rest * rest_rate))
        self.everything = [others, *(row for group in groups for row in group.days)]
        found = self.rank(*groups)
        worst_first = [suspect.contribution for suspect in found]
        self.assertEqual(worst_first, sorted(worst_first, reverse=True))
        for suspect in found:
            self.assertGreaterEqual(suspect.rate.base, reputation_causes.MIN_GROUP)
            self.assertGreater(suspect.rate.value, suspect.usual)
            self.assertGreater(suspect.rate.value, RISK_THRESHOLDS["opt_out"] / 4)
            self.assertGreaterEqual(suspect.contribution, reputation_causes.MIN_CONTRIBUTION)

    @untimed
    @given(base=st.integers(100, 3000), count=st.integers(0, 99), more=st.integers(1, 200))
    def test_more_bad_evidence_never_clears_a_group(self, base, count, more):
        def blame(opted_out):
            group = [cohort(1, delivered=base, opted_out=min(opted_out, base))]
            self.everything = [*self.usual, *group]
            return sum(suspect.contribution for suspect in self.rank(Group("campaign", 1, group)))

        self.assertGreaterEqual(blame(count + more) + 1e-9, blame(count))


class TestCost(PureCase):
    def test_points_that_the_number_would_have_without_it(self):
        bad = [cohort(1, delivered=500, opted_out=20)]
        rest = [cohort(1, delivered=1000, opted_out=6)]
        # 26 of 1500 are 1.73 %: 49.3 points. Without it 0.6 %: 4 points.
        cases = [
            ("the bad campaign", bad, 96 - 51),
            ("the good one makes up for it", rest, 0),
            ("all of it", [*bad, *rest], 100 - 51),
            ("none of it", [], 0),
            ("a day on which nothing else was", [cohort(3, delivered=50)], 0),
        ]
        for name, part, expected in cases:
            with self.subTest(name):
                self.assertEqual(
                    reputation_causes.score_cost(part, iter([*bad, *rest]), TODAY), expected
                )

    def test_what_is_lost_is_shared_out_when_too_little_would_be_left(self):
        """900 fine messages and 100 bad ones: without the fine ones nothing could be judged."""
        fine, bad = [cohort(1, delivered=900)], [cohort(1, delivered=100, opted_out=30)]
        for name, part, expected in [("fine", fine, 0), ("bad", bad, 100)]:
            with self.subTest(name):
                self.assertEqual(reputation_causes.score_cost(part, [*fine, *bad], TODAY), expected)
        guilty = [cohort(1, delivered=900, opted_out=10)]
        self.assertEqual(reputation_causes.score_cost(guilty, [*guilty, *bad], TODAY), 25)

    def test_not_without_enough_data(self):
        thin = [cohort(1, delivered=50, opted_out=10)]
        self.assertIsNone(reputation_causes.score_cost(thin, thin, TODAY))
        bad = [cohort(1, delivered=500, opted_out=20)]
        self.assertIsNone(reputation_causes.score_cost(bad, bad, TODAY, fresh_start=TODAY - DAY))
        self.assertEqual(
            reputation_causes.score_cost(bad, bad, TODAY, fresh_start=TODAY - 2 * DAY), 100
        )

    def test_the_same_fresh_start_on_both_sides(self):
        days = [cohort(3, delivered=900, opted_out=90), cohort(1, delivered=900, opted_out=9)]
        part = [cohort(1, delivered=300, opted_out=9)]
        self.assertEqual(
            reputation_causes.score_cost(part, days, TODAY, fresh_start=TODAY - 2 * DAY), 20
        )


class TestJudge(PureCase):
    def test_a_number_on_its_way_down(self):
        days = [
            *week_of(sent=1000, delivered=900, read=450, replied=9, opted_out=9, failed=10),
            cohort(20, sent=1000, delivered=900),
        ]
        scores = [(TODAY - age * DAY, 80 + 4 * age) for age in range(1, 7)]
        ratings = [(NOW - 30 * DAY, "green"), (NOW - 3 * DAY, "red"), (NOW - HOUR, "unknown")]
        judged = reputation.judge_reputation(
            iter(days), NOW, previous_level="healthy", scores=iter(scores), ratings=iter(ratings)
        )
        self.assertEqual((judged.score, judged.level), (80, "healthy"))
        self.assertEqual((judged.base, judged.window), (6300, WEEK))
        self.assertEqual(judged.week, reputation_rates.rates(days, TODAY, WEEK))
        self.assertEqual(judged.month, reputation_rates.rates(days, TODAY, MONTH))
        self.assertEqual([cost.measure for cost in judged.costs], ["opt_out"])
        self.assertEqual(judged.trend, "falling")
        self.assertEqual(judged.projection.level, "watch")
        self.assertAlmostEqual(judged.projection.in_days, 5 / 4)
        self.assertEqual((judged.rating, judged.red_days), ("red", 3))

    def test_metas_colour_never_enters_the_score(self):
        for colour in ("green", "yellow", "red"):
            judged = reputation.judge_reputation(
                week_of(delivered=300), NOW, ratings=[(NOW - DAY, colour)]
            )
            self.assertEqual((judged.score, judged.level, judged.rating), (100, "healthy", colour))

    def test_a_quiet_sender_is_judged_by_the_month(self):
        cases = [
            # days, window, score, level, base
            ([cohort(0, delivered=199), cohort(20, delivered=1, opted_out=1)], MONTH, 100, 200),
            ([cohort(0, delivered=200), cohort(20, delivered=9, opted_out=9)], WEEK, 100, 200),
            ([cohort(0, delivered=150), cohort(20, delivered=150, opted_out=6)], MONTH, 40, 300),
            ([cohort(0, delivered=150), cohort(30, delivered=150)], MONTH, None, 150),
            ([], MONTH, None, 0),
        ]
        for days, window, points, base in cases:
            with self.subTest(days=days):
                judged = reputation.judge_reputation(days, NOW)
                self.assertEqual((judged.window, judged.score, judged.base), (window, points, base))
                self.assertEqual(judged.level, reputation_score.level(points))

    def test_thin_data_has_neither_level_nor_costs(self):
        days = [cohort(0, delivered=150, opted_out=90, spam_limited=5)]
        judged = reputation.judge_reputation(days, NOW, previous_level="at_risk")
        self.assertEqual((judged.score, judged.level, judged.costs), (None, "unknown", ()))
        self.assertEqual((judged.trend, judged.projection), ("unknown", None))

    def test_hysteresis_reaches_through(self):
        days = week_of(delivered=10_000, opted_out=105)
        for previous, expected in (("healthy", "healthy"), ("watch", "watch"), (None, "watch")):
            judged = reputation.judge_reputation(days, NOW, previous_level=previous)
            self.assertEqual((judged.score, judged.level), (78, expected))

    def test_a_fresh_start_forgets_counts_scores_and_red_days(self):
        days = [cohort(3, delivered=900, opted_out=90), cohort(1, delivered=900)]
        scores = [(TODAY - age * DAY, 100 - 10 * age) for age in range(1, 7)]
        ratings = [(NOW - 9 * DAY, "red")]
        released_at = NOW - 2 * DAY
        before = reputation.judge_reputation(days, NOW, scores=scores, ratings=ratings)
        after = reputation.judge_reputation(
            days, NOW, scores=scores, ratings=ratings, released_at=released_at
        )
        self.assertEqual((before.score, before.trend, before.red_days), (0, "steady", 9))
        self.assertEqual((after.score, after.trend, after.red_days), (100, "unknown", 2))
        self.assertEqual(after.month.opt_out, Rate(0, 900, 0.0))
        today_only = reputation.judge_reputation(days, NOW, released_at=NOW)
        self.assertEqual((today_only.level, today_only.base), ("unknown", 0))

    def test_scores_of_today_and_later_do_not_count_twice(self):
        days = week_of(delivered=900)
        scores = [(TODAY - age * DAY, 100) for age in (3, 2, 1, 0, -1, -2, -3)]
        old = [(day, 20 if day >= TODAY else points) for day, points in scores]
        self.assertEqual(reputation.judge_reputation(days, NOW, scores=old).trend, "steady")

    def test_the_day_of_a_release_is_not_part_of_the_trend(self):
        days = week_of(delivered=900)
        scores = [(TODAY - age * DAY, 100 - 10 * age) for age in (1, 2, 3)]
        for released, expected in ((3 * DAY, "unknown"), (4 * DAY, "rising")):
            judged = reputation.judge_reputation(
                days, NOW, scores=scores, released_at=NOW - released
            )
            self.assertEqual(judged.trend, expected)
