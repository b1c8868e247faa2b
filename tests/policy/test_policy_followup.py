"""When a follow-up's step is due, what ends one: tables of cases, and what holds for all."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import followup, status

from ..pure import PureCase

untimed = settings(deadline=None)
MADRID = ZoneInfo("Europe/Madrid")
# 2026-11-02 is a Monday; in November Madrid is an hour ahead of UTC.
MONDAY = datetime(2026, 11, 2)


def utc(text):
    return datetime.fromisoformat(text)


def office(days=90, holidays=()):
    """Monday to Friday 9–13 and 15–18 in Madrid (winter), as naive UTC intervals."""
    found = []
    for number in range(days):
        day = MONDAY + timedelta(days=number)
        if day.weekday() < 5 and day.date() not in holidays:
            found.append((day + timedelta(hours=8), day + timedelta(hours=12)))
            found.append((day + timedelta(hours=14), day + timedelta(hours=17)))
    return found


class TestDue(PureCase):
    def test_plain_time(self):
        cases = [
            ("2026-11-02 10:00", 0, "hours", "2026-11-02 10:00"),
            ("2026-11-02 10:00", 3, "hours", "2026-11-02 13:00"),
            ("2026-11-06 10:00", 2, "days", "2026-11-08 10:00"),
            # The clocks go forward on 2027-03-28 in Madrid: the time of day stays.
            ("2027-03-27 09:00", 1, "days", "2027-03-28 08:00"),
            ("2027-03-27 09:00", 24, "hours", "2027-03-28 09:00"),
        ]
        for start, amount, unit, expected in cases:
            with self.subTest(start=start, amount=amount, unit=unit):
                found = followup.step_due(utc(start), amount, unit, None, MADRID)
                self.assertEqual(found, utc(expected))

    def test_working_time(self):
        """Written in UTC: the office is open 8–12 and 14–17."""
        cases = [
            ("in the morning", "2026-11-02 09:00", 2, "hours", "2026-11-02 11:00"),
            ("over lunch", "2026-11-02 11:00", 2, "hours", "2026-11-02 15:00"),
            ("exactly until lunch", "2026-11-02 11:00", 1, "hours", "2026-11-02 12:00"),
            ("over night", "2026-11-02 16:00", 2, "hours", "2026-11-03 09:00"),
            ("over the week-end", "2026-11-06 16:00", 2, "hours", "2026-11-09 09:00"),
            ("begun on Saturday", "2026-11-07 03:00", 2, "hours", "2026-11-09 10:00"),
            ("nothing to wait, closed", "2026-11-07 03:00", 0, "hours", "2026-11-09 08:00"),
            ("nothing to wait, open", "2026-11-02 09:30", 0, "days", "2026-11-02 09:30"),
            ("two days", "2026-11-02 09:30", 2, "days", "2026-11-04 09:30"),
            ("two days from Thursday", "2026-11-05 09:30", 2, "days", "2026-11-09 09:30"),
            ("a day from Friday night", "2026-11-06 22:00", 1, "days", "2026-11-10 08:00"),
            ("a day from Saturday", "2026-11-07 05:00", 1, "days", "2026-11-10 08:00"),
            ("a day from lunch", "2026-11-02 12:30", 1, "days", "2026-11-03 14:00"),
        ]
        for name, start, amount, unit, expected in cases:
            with self.subTest(name):
                found = followup.step_due(utc(start), amount, unit, office(), MADRID)
                self.assertEqual(found, utc(expected))

    def test_a_holiday_is_no_working_day(self):
        holidays = {datetime(2026, 11, 3).date()}
        found = followup.step_due(
            utc("2026-11-02 09:30"), 1, "days", office(holidays=holidays), MADRID
        )
        self.assertEqual(found, utc("2026-11-04 09:30"))

    def test_a_day_that_ends_early_leads_to_the_next(self):
        working = [
            (utc("2026-11-02 08:00"), utc("2026-11-02 17:00")),
            (utc("2026-11-03 08:00"), utc("2026-11-03 12:00")),
            (utc("2026-11-04 08:00"), utc("2026-11-04 17:00")),
        ]
        found = followup.step_due(utc("2026-11-02 16:00"), 1, "days", working, MADRID)
        self.assertEqual(found, utc("2026-11-04 08:00"))

    def test_too_few_intervals_are_no_answer(self):
        for amount, unit in [(200, "hours"), (20, "days")]:
            self.assertIsNone(
                followup.step_due(utc("2026-11-02 09:00"), amount, unit, office(days=7), MADRID)
            )
        self.assertIsNone(followup.step_due(utc("2026-11-02 09:00"), 0, "hours", [], MADRID))

    def test_nonsense_is_refused(self):
        for amount, unit in [(-1, "days"), (1, "weeks")]:
            with self.assertRaises(ValueError):
                followup.step_due(MONDAY, amount, unit)

    @untimed
    @given(
        minutes=st.integers(0, 20 * 24 * 60),
        amount=st.integers(0, 15),
        unit=st.sampled_from(followup.UNITS),
    )
    def test_a_wait_ends_in_working_time_and_never_before_it_began(self, minutes, amount, unit):
        start, working = MONDAY + timedelta(minutes=minutes), office()
        found = followup.step_due(start, amount, unit, working, MADRID)
        self.assertGreaterEqual(found, start)
        self.assertTrue(any(begin <= found <= end for begin, end in working))
        if unit == "hours":
            spent = sum(
                (max(min(end, found) - max(begin, start), timedelta(0)) for begin, end in working),
                timedelta(0),
            )
            self.assertEqual(spent, timedelta(hours=amount))

    @untimed
    @given(
        minutes=st.integers(0, 20 * 24 * 60),
        later=st.integers(0, 3 * 24 * 60),
        amount=st.integers(0, 10),
        more=st.integers(0, 5),
        unit=st.sampled_from(followup.UNITS),
    )
    def test_what_begins_later_or_waits_longer_never_ends_sooner(
        self, minutes, later, amount, more, unit
    ):
        start, working = MONDAY + timedelta(minutes=minutes), office()
        found = followup.step_due(start, amount, unit, working, MADRID)
        self.assertGreaterEqual(
            followup.step_due(start + timedelta(minutes=later), amount, unit, working, MADRID),
            found,
        )
        self.assertGreaterEqual(
            followup.step_due(start, amount + more, unit, working, MADRID), found
        )

    @untimed
    @given(
        minutes=st.integers(0, 20 * 24 * 60), amount=st.integers(0, 9),
        unit=st.sampled_from(followup.UNITS),
    )  # fmt: skip
    def test_working_round_the_clock_is_plain_time(self, minutes, amount, unit):
        start = MONDAY + timedelta(minutes=minutes)
        always = [(MONDAY + timedelta(days=n), MONDAY + timedelta(days=n + 1)) for n in range(60)]
        self.assertEqual(
            followup.step_due(start, amount, unit, always, timezone.utc),
            followup.step_due(start, amount, unit, None, timezone.utc),
        )


class TestStops(PureCase):
    def test_each_reason_ends_it_when_it_is_switched_on_and_only_then(self):
        for name in followup.EXIT_CONDITIONS:
            facts = followup.ExitFacts(**{name: True})
            others = set(followup.EXIT_CONDITIONS) - {name}
            with self.subTest(name):
                self.assertEqual(followup.exit_reason(facts, {name}), name)
                expected = name if name in followup.UNCONDITIONAL_EXITS else None
                self.assertEqual(followup.exit_reason(facts, others), expected)

    def test_nothing_ends_what_nothing_happened_to(self):
        self.assertIsNone(followup.exit_reason(followup.ExitFacts(), followup.EXIT_CONDITIONS))

    @untimed
    @given(
        st.sets(st.sampled_from(followup.EXIT_CONDITIONS)),
        st.sets(st.sampled_from(followup.EXIT_CONDITIONS)),
    )
    def test_the_reason_is_a_heeded_fact_and_the_first_of_them(self, true, on):
        found = followup.exit_reason(followup.ExitFacts(**dict.fromkeys(true, True)), on)
        heeded = true & (on | followup.UNCONDITIONAL_EXITS)
        self.assertEqual(found is None, not heeded)
        if heeded:
            self.assertEqual(found, min(heeded, key=followup.EXIT_CONDITIONS.index))

    def test_every_state_of_a_message_says_whether_to_go_on(self):
        expected = {
            "queued": "wait", "reserved": "wait", "uncertain": "wait", "held": "wait",
            "accepted": "go", "sent": "go", "delivered": "go", "read": "go",
            "failed": "not_sent", "skipped": "not_sent", "cancelled": "not_sent",
        }  # fmt: skip
        self.assertEqual(set(expected), set(status.STATES))
        for state, answer in expected.items():
            with self.subTest(state):
                self.assertEqual(followup.step_outcome(state), answer)

    def test_patience(self):
        cases = [
            (None, 7, False), (timedelta(days=6), 7, False), (timedelta(days=7), 7, False),
            (timedelta(days=7, seconds=1), 7, True), (timedelta(days=99), 0, False),
        ]  # fmt: skip
        for late, patience, expected in cases:
            with self.subTest(late=late, patience=patience):
                due = late and MONDAY - late
                self.assertEqual(followup.is_expired(due, MONDAY, patience), expected)

    def test_entering_again(self):
        day = timedelta(days=1)
        cases = [
            ("never", 0, None, True), ("never", 0, 999 * day, False), ("after", 30, None, True),
            ("after", 30, 29 * day, False), ("after", 30, 30 * day, True),
            ("after", 0, 0 * day, True),
        ]  # fmt: skip
        for rule, days, ago, expected in cases:
            with self.subTest(rule=rule, days=days, ago=ago):
                ended = None if ago is None else MONDAY - ago
                found = followup.can_reenroll(rule, days, ended, MONDAY)
                self.assertEqual(found, expected)
