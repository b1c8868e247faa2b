"""The frequency cap: at most so many promotions to one person in any so many days.

A rule of the company, over all its numbers; Meta has its own, which it does not publish (Meta,
Per-user marketing template message limits, 2026-04-29).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

# States of messages that the person has or may have received, so not of failed ones.
COUNTED_STATES = (
    "reserved", "uncertain", "accepted", "held", "sent", "delivered", "read",
)  # fmt: skip
# Origins that wait until the person may get another promotion; the others are refused.
POSTPONED_ORIGINS = ("sequence", "action")


class FrequencyCap(NamedTuple):
    """At most `count` promotions in any `days` days; no rule when either is 0."""

    count: int
    days: int

    @property
    def applies(self) -> bool:
        """Whether there is a cap."""
        return self.count > 0 and self.days > 0

    @property
    def window(self) -> timedelta:
        """The period over which promotions are counted."""
        return timedelta(days=self.days)


def is_counted(origin: str | None, category: str | None) -> bool:
    """Return whether a message counts as a promotion."""
    return category == "marketing" and origin != "test"


def next_promotion_time(promoted_at: Iterable[datetime], cap: FrequencyCap) -> datetime | None:
    """Return from when a person may get another promotion; None: at any time.

    :param promoted_at: the latest times at which the person's promotions left, in any order
    """
    if not cap.applies:
        return None
    latest = sorted(promoted_at, reverse=True)
    return latest[cap.count - 1] + cap.window if len(latest) >= cap.count else None
