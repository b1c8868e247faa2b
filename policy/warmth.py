"""How warm a person is: how recently they wrote, clicked, read or agreed.

The order of a campaign that sends to the warmest first, and of the growth plan. The weights are
ours: Meta does not publish how it weighs reactions. They decide the order of messages, never
whether one is sent.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

# Signal -> its weight. Together 100.
WEIGHTS = {"inbound": 45, "clicked": 25, "read": 20, "opted_in": 10}
# Up to so many days ago a signal has this share of its weight; older ones have none.
FADING = ((7, 1.0), (30, 0.6), (90, 0.3))
# The place of a row in its queue, within the second before it may be sent: the engine's clock has
# whole seconds, so this changes the order and not the time.
MOST_LEAD = timedelta(milliseconds=500)


class Activity(NamedTuple):
    """The latest time of each signal, None if there was none."""

    inbound: datetime | None = None
    clicked: datetime | None = None
    read: datetime | None = None
    opted_in: datetime | None = None


class Warmth(NamedTuple):
    """`score` of 0 to 100, and the signals that it is made of, the strongest first."""

    score: int
    reasons: tuple[str, ...]


def warmth(activity: Activity, now: datetime) -> Warmth:
    """Return how warm a person is."""
    points = {
        name: WEIGHTS[name] * _freshness(at, now)
        for name, at in activity._asdict().items()
        if at is not None
    }
    counted = sorted((name for name in points if points[name]), key=lambda name: -points[name])
    return Warmth(round(sum(points.values())), tuple(counted))


def queue_lead(score: int) -> timedelta:
    """Return how much earlier than the coldest a row with this score is due, below a second."""
    return MOST_LEAD * min(max(score, 0), 100) / 100


def _freshness(at, now):
    age = now - at
    return next((share for days, share in FADING if age <= timedelta(days=days)), 0.0)
