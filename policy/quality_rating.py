"""Meta's quality rating of a number, which is separate from our health score.

`ratings` is its history: (time of the sync, colour), ascending. "Not rated" is not a colour:
after red it is no improvement, and it does not end a run of red days.
"""

from collections.abc import Iterable
from datetime import datetime


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


def _colours(ratings, now: datetime) -> list[tuple[datetime, str]]:
    return [(moment, colour) for moment, colour in ratings if colour != "unknown" and moment <= now]
