"""When a recurring campaign runs: a time of day in a zone, on some days.

| Rule | Runs |
| --- | --- |
| a day without that hour (clocks go forward) | at the moment to which the clock jumps on |
| a day with that hour twice (clocks go back) | the first time, once |
| day 31 of a shorter month | on its last day |
| several planned times passed (server down) | the last of them, if it is not too late |
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

UNITS = ("day", "week", "month")
# A month at most lies between two runs, and an end may lie years ahead.
LOOKED_AHEAD = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Rule:
    """On which days, when and until when.

    :ivar unit: one of UNITS
    :ivar weekdays: of a week, 0 is Monday
    :ivar month_day: of a month, 1 to 31
    :ivar clock: time of day in `zone`
    :ivar zone: name of a time zone
    :ivar until: last day, None for no end
    """

    unit: str
    weekdays: frozenset[int]
    month_day: int
    clock: time
    zone: str
    until: date | None = None

    def runs_on(self, day: date) -> bool:
        """Return whether a run is planned on this day."""
        if self.until and day > self.until:
            return False
        if self.unit == "week":
            return day.weekday() in self.weekdays
        if self.unit == "month":
            return day.day == min(self.month_day, monthrange(day.year, day.month)[1])
        return True

    def moment(self, day: date) -> datetime:
        """Return the planned time on this day, naive UTC."""
        local = datetime.combine(day, self.clock, ZoneInfo(self.zone))
        return local.astimezone(timezone.utc).replace(tzinfo=None)


def next_run(rule: Rule, after: datetime) -> datetime | None:
    """Return the first planned time after `after`, both naive UTC; None if there is none."""
    zone = ZoneInfo(rule.zone)
    day = after.replace(tzinfo=timezone.utc).astimezone(zone).date() - timedelta(days=1)
    last = day + LOOKED_AHEAD
    while day <= last:
        if rule.runs_on(day) and (moment := rule.moment(day)) > after:
            return moment
        day += timedelta(days=1)
    return None


def last_due(rule: Rule, planned: datetime, now: datetime) -> datetime:
    """Return the latest planned time that has passed, from `planned`, which has, on."""
    while (later := next_run(rule, planned)) and later <= now:
        planned = later
    return planned


def is_too_late(planned: datetime, now: datetime, hours: int) -> bool:
    """Return whether a run that was missed is skipped; with 0 hours none is ever too late."""
    return hours > 0 and now - planned > timedelta(hours=hours)
