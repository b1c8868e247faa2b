"""Meta's quality rating of a number, which is kept apart from our own reading.

`ratings` is its history: (moment it was read, colour), ascending. "Not rated" is no colour but the
want of one: after red it is no relief, and it ends no run of red days.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from .reputation_rates import WEEK

RATINGS_BY_RANK = ("unknown", "green", "yellow", "red")


def last_rating(ratings: Iterable[tuple[datetime, str]], now: datetime) -> str:
    """Return the last colour that Meta gave: 'green', 'yellow' or 'red'; 'unknown' if none."""
    colours = _colours(ratings, now)
    return colours[-1][1] if colours else "unknown"


def red_days(
    ratings: Iterable[tuple[datetime, str]], now: datetime, since: datetime | None = None
) -> int:
    """Return for how many whole days (of 24 h) the number has been red without a break.

    :param since: when a manager last released the number; red days before it do not count
    """
    red_from = None
    for moment, colour in _colours(ratings, now):
        red_from = (red_from or moment) if colour == "red" else None
    if red_from is None:
        return 0
    return max((now - max(red_from, since or red_from)).days, 0)


def rating_week(
    ratings: Iterable[tuple[datetime, str]], now: datetime, days: int = WEEK
) -> tuple[tuple[date, str], ...]:
    """Return the worst colour that the number had on each of the last `days` days, oldest first."""
    colours = _colours(ratings, now)
    week = []
    for age in reversed(range(days)):
        day = now.date() - timedelta(days=age)
        begins = datetime.combine(day, time.min)
        ends = begins + timedelta(days=1)
        held = [last_rating(colours, begins)]
        held += [colour for moment, colour in colours if begins < moment < ends]
        week.append((day, max(held, key=RATINGS_BY_RANK.index)))
    return tuple(week)


def _colours(ratings, now: datetime) -> list[tuple[datetime, str]]:
    return [(moment, colour) for moment, colour in ratings if colour != "unknown" and moment <= now]
