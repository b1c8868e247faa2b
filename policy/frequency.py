"""How many promotions one person gets: at most so many in any so many days.

A rule of the company's, over all its numbers; Meta has one of its own, which it does not tell
(Meta, Per-user marketing template message limits, 2026-04-29).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

# States of a message that its person has, or may have. What failed reached nobody.
COUNTED_STATES = (
    "reserved", "uncertain", "accepted", "held", "sent", "delivered", "read",
)  # fmt: skip
# These have time: they wait until the person may get another promotion. Whoever else asks is told.
PATIENT = ("sequence", "action")


class Cap(NamedTuple):
    """At most `count` promotions in any `days` days; no rule when either is 0."""

    count: int
    days: int

    @property
    def applies(self) -> bool:
        return self.count > 0 and self.days > 0

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.days)


def is_counted(origin: str | None, category: str | None) -> bool:
    """Tell whether a message counts as a promotion to its person."""
    return category == "marketing" and origin != "test"


def frees_at(promoted_at: Iterable[datetime], cap: Cap) -> datetime | None:
    """Return from when a person may get one more promotion; None: at any time.

    :param promoted_at: when the person's promotions left at the latest, in any order
    """
    if not cap.applies:
        return None
    latest = sorted(promoted_at, reverse=True)
    return latest[cap.count - 1] + cap.window if len(latest) >= cap.count else None
