from datetime import datetime, timedelta

import pytz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import hours

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Clocks that leap by an hour, by half an hour, at midnight, at noon of the world, and never.
ZONES = (
    "Europe/Madrid", "America/Mexico_City", "America/New_York", "Australia/Lord_Howe",
    "America/Santiago", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago",
    "Africa/Casablanca", "Africa/Cairo", "America/St_Johns", "UTC",
)  # fmt: skip
moments = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
quarters = st.integers(0, 95).map(lambda quarter: quarter / 4)


def at(text):
    return datetime.fromisoformat(text)


def is_quiet(moment, zone, quiet_from, quiet_until):
    """The same question, asked of another library, in minutes of the day."""
    local = pytz.utc.localize(moment).astimezone(pytz.timezone(zone))
    minute = local.hour * 60 + local.minute
    start, end = round(quiet_from * 60), round(quiet_until * 60)
    if start == end:
        return False
    return start <= minute < end if start < end else minute >= start or minute < end


class TestWaits(PureCase):
    def test_what_keeps_to_the_persons_hours(self):
        cases = [
            # origin, promotion, service message, conversation
            ("campaign", True, True, True),
            ("sequence", True, True, True),
            ("action", True, True, True),
            ("manual", True, False, False),
            ("reply", True, False, False),
            ("test", False, False, False),
        ]
        for origin, *expected in cases:
            for category, waits in zip(("marketing", "utility", "service"), expected, strict=True):
                with self.subTest(origin=origin, category=category):
                    self.assertIs(hours.respects_quiet_hours(origin, category), waits)


class TestLeavesAt(PureCase):
    def test_when_and_why_not_before(self):
        now, noon, night = "2026-11-20 10:00", "2026-11-21 12:00", "2026-11-21 22:00"
        morning = "2026-11-22 09:00"
        cases = [
            # now, origin, category, held until, capped until -> when, why
            (now, "campaign", "marketing", None, None, now, None),
            (now, "campaign", "marketing", noon, None, noon, "held"),
            (now, "campaign", "marketing", now, None, now, None),
            (now, "sequence", "marketing", None, noon, noon, "frequency"),
            (now, "sequence", "marketing", noon, night, morning, "frequency"),
            (now, "sequence", "marketing", night, noon, morning, "held"),
            (night, "sequence", "utility", None, None, morning, "hours"),
            (night, "manual", "utility", None, None, night, None),
            (now, "test", "marketing", None, night, night, "frequency"),
        ]
        for start, origin, category, held, capped, *expected in cases:
            with self.subTest(start=start, origin=origin, held=held, capped=capped):
                found = hours.earliest_departure(
                    at(start), origin, category, "UTC", (21, 9),
                    held and at(held), capped and at(capped),
                )  # fmt: skip
                self.assertEqual(found, (at(expected[0]), expected[1]))


class TestNextAllowed(PureCase):
    def _check(self, cases):
        for now, zone, quiet_from, quiet_until, expected in cases:
            with self.subTest(now=now, zone=zone, quiet=(quiet_from, quiet_until)):
                self.assertEqual(
                    hours.next_allowed(at(now), zone, quiet_from, quiet_until), at(expected)
                )

    def test_one_zone(self):
        cases = [
            # now (UTC), zone, quiet from, until, allowed at (UTC)
            ("2026-11-20 10:00", "Europe/Madrid", 21, 9, "2026-11-20 10:00"),
            ("2026-11-20 07:59:59", "Europe/Madrid", 21, 9, "2026-11-20 08:00"),
            ("2026-11-20 08:00", "Europe/Madrid", 21, 9, "2026-11-20 08:00"),
            ("2026-11-20 19:59:59", "Europe/Madrid", 21, 9, "2026-11-20 19:59:59"),
            ("2026-11-20 20:00", "Europe/Madrid", 21, 9, "2026-11-21 08:00"),
            ("2026-11-20 23:30", "Europe/Madrid", 21, 9, "2026-11-21 08:00"),
            # Not over midnight: a siesta.
            ("2026-11-20 13:30", "Europe/Madrid", 14, 17, "2026-11-20 16:00"),
            ("2026-11-20 18:00", "Europe/Madrid", 14, 17, "2026-11-20 18:00"),
            # Halves of an hour, theirs and ours.
            ("2026-11-20 15:45", "Asia/Kathmandu", 21.5, 8.25, "2026-11-21 02:30"),
            # None.
            ("2026-11-20 02:00", "Europe/Madrid", 9, 9, "2026-11-20 02:00"),
            ("2026-11-20 02:00", "Europe/Madrid", 0, 24, "2026-11-20 02:00"),
            # All but a minute of the day.
            ("2026-11-20 12:00", "UTC", 12, 12 - 1 / 60, "2026-11-21 11:59"),
            # Unknown zones count for nothing.
            ("2026-11-20 22:00", "Mars/Olympus", 21, 9, "2026-11-21 09:00"),
            ("2026-11-20 22:00", "", 21, 9, "2026-11-21 09:00"),
            ("2026-11-20 22:00", "Mars/Olympus,Asia/Tokyo", 21, 9, "2026-11-21 00:00"),
        ]
        self._check(cases)

    def test_when_the_clock_is_changed(self):
        cases = [
            # The night before 29 March 2026 is an hour shorter in Madrid, before 25 October longer.
            ("2026-03-28 21:00", "Europe/Madrid", 21, 9, "2026-03-29 07:00"),
            ("2026-10-24 20:00", "Europe/Madrid", 21, 9, "2026-10-25 08:00"),
            # Quiet until a time that the clock leaps over: 2:00 to 3:00.
            ("2026-03-29 00:30", "Europe/Madrid", 21, 2.5, "2026-03-29 01:00"),
            # Quiet until a time that the clock strikes twice: from its first time on, and in
            # between when the clock was put back.
            ("2026-10-24 23:00", "Europe/Madrid", 21, 2.5, "2026-10-25 00:30"),
            ("2026-10-25 00:45", "Europe/Madrid", 21, 2.5, "2026-10-25 00:45"),
            ("2026-10-25 01:15", "Europe/Madrid", 21, 2.5, "2026-10-25 01:30"),
            # At midnight in Chile: 5 September 2026 has no 24:00, the clock shows 1:00.
            ("2026-09-06 03:30", "America/Santiago", 21, 0.5, "2026-09-06 04:00"),
            # By half an hour.
            ("2026-10-03 15:00", "Australia/Lord_Howe", 21, 9, "2026-10-03 22:00"),
        ]
        self._check(cases)

    def test_several_zones(self):
        cases = [
            # Spain: from nine in the Canary Islands to nine in the evening in Madrid.
            ("2026-11-20 08:30", "Atlantic/Canary,Europe/Madrid", "2026-11-20 09:00"),
            ("2026-11-20 19:59", "Atlantic/Canary,Europe/Madrid", "2026-11-20 19:59"),
            ("2026-11-20 20:00", "Atlantic/Canary,Europe/Madrid", "2026-11-21 09:00"),
            # Two hours a day in common.
            ("2026-11-20 10:00", "Europe/London,Asia/Vladivostok", "2026-11-20 10:00"),
            ("2026-11-20 11:00", "Europe/London,Asia/Vladivostok", "2026-11-21 09:00"),
            # None: those who are awake in most of the three.
            ("2026-11-20 12:00", "Pacific/Auckland,Europe/London,Europe/Paris", "2026-11-20 12:00"),
            ("2026-11-20 21:30", "Pacific/Auckland,Europe/London,Europe/Paris", "2026-11-21 09:00"),
        ]
        for now, zones, expected in cases:
            with self.subTest(now=now, zones=zones):
                self.assertEqual(hours.next_allowed(at(now), zones, 21, 9), at(expected))

    @untimed
    @given(moments, st.sampled_from(ZONES), quarters, quarters)
    def test_it_is_the_first_allowed_moment(self, now, zone, quiet_from, quiet_until):
        allowed_at = hours.next_allowed(now, zone, quiet_from, quiet_until)
        self.assertGreaterEqual(allowed_at, now)
        self.assertFalse(is_quiet(allowed_at, zone, quiet_from, quiet_until))
        self.assertLessEqual(allowed_at - now, timedelta(hours=25))
        if allowed_at > now:
            before = now
            while before < allowed_at:
                self.assertTrue(is_quiet(before, zone, quiet_from, quiet_until), before)
                before += timedelta(minutes=5)
            last = allowed_at - timedelta(seconds=1)
            self.assertTrue(is_quiet(last, zone, quiet_from, quiet_until))

    @untimed
    @given(moments, st.sets(st.sampled_from(ZONES), min_size=2, max_size=4), quarters, quarters)
    def test_what_is_allowed_suits_every_zone_if_any_moment_does(self, now, zones, start, end):
        def quiet_count(moment):
            return sum(is_quiet(moment, zone, start, end) for zone in zones)

        allowed_at = hours.next_allowed(now, ",".join(sorted(zones)), start, end)
        self.assertGreaterEqual(allowed_at, now)
        steps = [now + timedelta(minutes=15 * index) for index in range(1, 96)]
        quarter = timedelta(minutes=15)
        least = min(map(quiet_count, [now, *(s - (s - datetime.min) % quarter for s in steps)]))
        self.assertLessEqual(quiet_count(allowed_at), least)
        if quiet_count(allowed_at) == 0:
            earlier = [step for step in steps if step < allowed_at]
            self.assertTrue(all(map(quiet_count, [now, *earlier])) or allowed_at == now)

    @untimed
    @given(moments, st.sets(st.sampled_from(ZONES), min_size=1, max_size=4), quarters, quarters)
    def test_asked_again_when_its_time_has_come_it_is_allowed(self, now, zones, start, end):
        names = ",".join(sorted(zones))
        allowed_at = hours.next_allowed(now, names, start, end)
        self.assertEqual(hours.next_allowed(allowed_at, names, start, end), allowed_at)

    @untimed
    @given(moments, st.sampled_from(ZONES), quarters, quarters, st.integers(0, 90))
    def test_both_ends_of_the_time_in_which_it_may_leave_count(self, now, zone, start, end, span):
        leaves_by = now + timedelta(seconds=span)
        until = hours.wait_until_allowed(now, leaves_by, zone, start, end)
        quiet = [is_quiet(moment, zone, start, end) for moment in (now, leaves_by)]
        self.assertIs(until is None, not any(quiet))
        if until:
            self.assertFalse(is_quiet(until, zone, start, end))
            self.assertGreater(until, now)
