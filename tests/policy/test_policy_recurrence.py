"""When a recurring campaign runs: days, clock changes, ends, and runs that were missed."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

from ...policy.recurrence import Rule, is_too_late, last_due, next_run
from ..pure import PureCase

MADRID, NEW_YORK, KOLKATA = "Europe/Madrid", "America/New_York", "Asia/Kolkata"


def rule(unit="week", weekdays=(0,), month_day=1, clock=time(10), zone=MADRID, until=None):
    return Rule(unit, frozenset(weekdays), month_day, clock, zone, until)


class TestRecurrence(PureCase):
    def _runs(self, planned, after, count):
        found = []
        for _index in range(count):
            after = next_run(planned, after)
            found.append(after)
        return found

    def test_mondays_at_ten_stay_at_ten_through_both_changes(self):
        # 2026: clocks go forward on 29 March and back on 25 October.
        spring = self._runs(rule(), datetime(2026, 3, 22, 12), 2)
        self.assertEqual(spring, [datetime(2026, 3, 23, 9), datetime(2026, 3, 30, 8)])
        autumn = self._runs(rule(), datetime(2026, 10, 18, 12), 2)
        self.assertEqual(autumn, [datetime(2026, 10, 19, 8), datetime(2026, 10, 26, 9)])

    def test_an_hour_that_does_not_exist_and_one_that_is_there_twice(self):
        for zone, clock, day, moment in (
            (MADRID, time(2, 30), date(2026, 3, 29), datetime(2026, 3, 29, 1, 30)),
            (NEW_YORK, time(2, 30), date(2026, 3, 8), datetime(2026, 3, 8, 7, 30)),
            (MADRID, time(2, 30), date(2026, 10, 25), datetime(2026, 10, 25, 0, 30)),
            (NEW_YORK, time(1, 30), date(2026, 11, 1), datetime(2026, 11, 1, 5, 30)),
        ):
            with self.subTest(zone=zone, day=day):
                daily = rule("day", clock=clock, zone=zone)
                before = datetime.combine(day, time(0)) - timedelta(hours=2)
                runs = [run for run in self._runs(daily, before, 3) if run == moment]
                self.assertEqual(len(runs), 1, "once")

    def test_every_day_has_exactly_one_run(self):
        for zone in (MADRID, NEW_YORK, KOLKATA, "Pacific/Apia"):
            for hour in (0, 2, 23):
                with self.subTest(zone=zone, hour=hour):
                    daily = rule("day", clock=time(hour, 30), zone=zone)
                    runs = self._runs(daily, datetime(2026, 1, 1), 400)
                    gaps = {later - earlier for earlier, later in pairwise(runs)}
                    self.assertLessEqual(gaps, {timedelta(hours=h) for h in (23, 24, 25)})

    def test_the_last_day_of_shorter_months(self):
        runs = self._runs(rule("month", month_day=31), datetime(2027, 1, 15), 4)
        self.assertEqual([run.day for run in runs], [31, 28, 31, 30])

    def test_ends(self):
        weekly = rule(until=date(2026, 3, 30))
        self.assertEqual(next_run(weekly, datetime(2026, 3, 24)), datetime(2026, 3, 30, 8))
        self.assertIsNone(next_run(weekly, datetime(2026, 3, 30, 8)))

    def test_several_weekdays(self):
        runs = self._runs(rule(weekdays=(0, 3)), datetime(2026, 6, 1, 9), 3)
        self.assertEqual([run.weekday() for run in runs], [3, 0, 3])

    def test_what_was_missed_runs_once_or_not_at_all(self):
        daily = rule("day")
        planned, now = datetime(2026, 6, 1, 8), datetime(2026, 6, 5, 9)
        latest = last_due(daily, planned, now)
        self.assertEqual(latest, datetime(2026, 6, 5, 8))
        self.assertFalse(is_too_late(latest, now, 12))
        self.assertTrue(is_too_late(planned, now, 12))
        self.assertFalse(is_too_late(planned, now, 0))
