from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import pacing
from odoo.addons.waba_campaign.policy.limits import WINDOW

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class TestCatchUpWindow(PureCase):
    def test_as_many_as_may_leave_in_a_second(self):
        cases = ((80, 80), (20, 20), (2.5, 2), (1, 1), (0.5, 1), (1000, 1000))
        for rate, expected in cases:
            with self.subTest(rate):
                self.assertEqual(pacing.catch_up_window(rate), expected)


class TestSustainableRate(PureCase):
    def test_slow_answers_hold_the_pace(self):
        for rate, connections, latency, expected in (
            (80, 40, 0.2, 80),
            (80, 40, 0.5, 80),
            (80, 40, 1.0, 40),
            (1000, 64, 0.32, 200),
            (80, 40, 0.0, 80),
        ):
            with self.subTest(rate=rate, connections=connections, latency=latency):
                self.assertEqual(pacing.sustainable_rate(rate, connections, latency), expected)


class TestSpacing(PureCase):
    def test_eighty_a_second_stays_above_seventy_eight(self):
        self.assertGreaterEqual(1 / pacing.message_interval(80), 78)

    @untimed
    @given(
        rate=st.sampled_from([1, 5, 20, 40, 80]),
        jitters=st.lists(st.floats(0, 0.010), min_size=200, max_size=200),
    )
    def test_no_second_holds_more_than_the_rate_under_ten_ms_of_jitter(self, rate, jitters):
        arrivals = sorted(
            k * pacing.message_interval(rate) + late for k, late in enumerate(jitters)
        )
        one_too_many = zip(arrivals, arrivals[rate:], strict=False)
        self.assertGreater(min(last - first for first, last in one_too_many), 1.0)

    def test_a_rate_is_positive(self):
        for rate in (0, -3):
            with self.subTest(rate), self.assertRaises(ValueError):
                pacing.message_interval(rate)

    def test_half_the_rate_while_slowed_down(self):
        cases = [
            (None, 80),
            (False, 80),
            (NOW + SECOND, 40),
            (NOW, 80),
            (NOW - SECOND, 80),
            (NOW + pacing.SLOWED_PERIOD, 40),
        ]
        for slowed_until, expected in cases:
            with self.subTest(slowed_until=slowed_until):
                self.assertEqual(pacing.slowed_rate(80, slowed_until, NOW), expected)

    def test_one_message_per_six_seconds_to_one_person(self):
        self.assertIsNone(pacing.next_pair_time(None))
        self.assertIsNone(pacing.next_pair_time(False))
        self.assertEqual(pacing.next_pair_time(NOW), NOW + 6 * SECOND)


class TestBatch(PureCase):
    @untimed
    @given(count=st.integers(1, 2000), rate=st.floats(0.5, 1000), margin=st.floats(0, 60))
    def test_the_lease_covers_the_last_request_of_the_batch(self, count, rate, margin):
        leaves_by = pacing.send_before(NOW, count, rate, margin)
        last_start = NOW + timedelta(seconds=(count - 1) * pacing.message_interval(rate))
        self.assertLessEqual(last_start, leaves_by)
        lease = pacing.lease_end(NOW, count, rate, 25, margin)
        answered_by = leaves_by + 25 * SECOND
        self.assertAlmostEqual((lease - answered_by).total_seconds(), margin, places=5)


class TestNextLook(PureCase):
    def look(self, **given):
        nothing = {
            "queued_now": 0,
            "allowance": None,
            "frees_at": None,
            "next_retry_at": None,
            "resume_at": None,
            "next_dispatch_at": None,
        }
        return pacing.next_check(NOW, **(nothing | given))

    def test_moments(self):
        soon, later = NOW + SECOND, NOW + HOUR
        cases = [
            ("nothing waits", {}, None),
            ("no date, as records read it", {"resume_at": False, "next_retry_at": False}, None),
            ("due, no pause", {"queued_now": 1, "resume_at": False}, NOW),
            ("paused, nothing waits", {"resume_at": later}, None),
            ("rows due", {"queued_now": 1}, NOW),
            ("rows due, places free", {"queued_now": 1, "allowance": 3}, NOW),
            ("full", {"queued_now": 1, "allowance": 0, "frees_at": later}, later),
            ("full for ever", {"queued_now": 1, "allowance": 0}, None),
            ("a place freed meanwhile", {"queued_now": 1, "allowance": 0, "frees_at": NOW}, NOW),
            ("nothing due, a place frees", {"allowance": 0, "frees_at": later}, None),
            ("a retry", {"next_retry_at": soon}, soon),
            ("a retry overdue", {"next_retry_at": NOW - HOUR}, NOW),
            (
                "a retry before a place frees",
                {"queued_now": 1, "allowance": 0, "frees_at": later, "next_retry_at": soon},
                soon,
            ),
            ("a retry after rows due", {"queued_now": 1, "next_retry_at": soon}, NOW),
            ("paused", {"queued_now": 1, "resume_at": later}, later),
            ("pause over", {"queued_now": 1, "resume_at": NOW - HOUR}, NOW),
            ("not yet the turn", {"queued_now": 1, "next_dispatch_at": soon}, soon),
            (
                "paused beyond the retry",
                {"next_retry_at": soon, "resume_at": later, "next_dispatch_at": soon},
                later,
            ),
        ]
        for name, given_values, expected in cases:
            with self.subTest(name):
                self.assertEqual(self.look(**given_values), expected)

    moments = st.none() | st.integers(-100, 100).map(lambda seconds: NOW + seconds * SECOND)

    @untimed
    @given(
        queued_now=st.integers(0, 2),
        allowance=st.none() | st.integers(0, 2),
        frees_at=moments,
        next_retry_at=moments,
        resume_at=moments,
        next_dispatch_at=moments,
    )
    def test_never_in_the_past_nor_in_a_pause(self, **values):
        look = pacing.next_check(NOW, **values)
        if look is not None:
            self.assertGreaterEqual(look, NOW)
            for floor in (values["resume_at"], values["next_dispatch_at"]):
                self.assertTrue(floor is None or look >= floor)
        elif values["queued_now"]:
            self.assertEqual((values["allowance"], values["frees_at"]), (0, None))


def departures_one_by_one(queued, rate, limit, slots, ahead):
    """Send person after person, trying the next moments at which a place may be free."""
    step, taken, at, departures = (
        timedelta(seconds=pacing.message_interval(rate)),
        list(slots),
        None,
        [],
    )
    for _person in range(ahead + queued):
        at = NOW if at is None else at + step
        if limit is not None:
            frees = sorted(slot + WINDOW for slot in taken if slot + WINDOW > at)
            at = next(
                moment
                for moment in [at, *frees]
                if sum(1 for slot in taken if slot > moment - WINDOW) < limit
            )
        taken.append(at)
        departures.append(at)
    return departures


class TestForecast(PureCase):
    # One message per second, per 20 min, per 4 h: the limit or the pace is what delays.
    @settings(untimed, max_examples=300)
    @given(
        queued=st.integers(1, 50),
        rate=st.sampled_from([1.0, 1 / 1200, 1 / 14400]),
        limit=st.none() | st.integers(1, 9),
        slots=st.lists(
            st.integers(-40 * 3600, 5 * 3600).map(lambda seconds: NOW + seconds * SECOND),
            max_size=20,
        ).map(sorted),
        ahead=st.integers(0, 12),
    )
    def test_agrees_with_sending_one_by_one(self, queued, rate, limit, slots, ahead):
        departures = departures_one_by_one(queued, rate, limit, slots, ahead)
        forecast = pacing.forecast(NOW, queued, rate, limit, slots, ahead)
        self.assertEqual(forecast.next_at, departures[ahead])
        self.assertEqual(forecast.ends_at, departures[-1])
        self.assertLessEqual((forecast.days - 1) * WINDOW, forecast.ends_at - NOW)
        self.assertGreater(forecast.days * WINDOW, forecast.ends_at - NOW)

    def test_cases(self):
        full = [NOW - HOUR] * 250
        cases = [
            ("811 people at 250 a day", 811, 250, [], 0, NOW, 3, 4),
            ("250 people at 250 a day", 250, 250, [], 0, NOW, 0, 1),
            ("251 people at 250 a day", 251, 250, [], 0, NOW, 1, 2),
            ("today's places are taken", 250, 250, full, 0, NOW + 23 * HOUR, 0, 1),
            ("others go first", 10, 250, [], 250, NOW + 24 * HOUR, 1, 2),
            ("a million at 250 a day", 10**6, 250, [], 0, NOW, 3999, 4000),
            ("a million at 100000 a day", 10**6, 100_000, [], 0, NOW, 9, 10),
        ]
        for name, queued, limit, slots, ahead, next_at, whole_days, days in cases:
            with self.subTest(name):
                forecast = pacing.forecast(NOW, queued, 80, limit, slots, ahead)
                self.assertEqual(forecast.next_at, next_at)
                self.assertEqual((forecast.ends_at - NOW) // WINDOW, whole_days)
                self.assertEqual(forecast.days, days)

    def test_a_million_without_limit_take_their_spacings(self):
        forecast = pacing.forecast(NOW, 10**6, 80, None, [NOW] * 3)
        spacing = timedelta(seconds=pacing.message_interval(80))
        self.assertEqual(forecast, pacing.Forecast(NOW, NOW + (10**6 - 1) * spacing, 1))

    def test_nobody_queued_and_nobody_allowed(self):
        self.assertEqual(pacing.forecast(NOW, 0, 80, 250, []), pacing.Forecast(None, None, 0))
        self.assertEqual(pacing.forecast(NOW, 5, 80, 0, []), pacing.Forecast(None, None, None))
