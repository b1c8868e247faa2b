"""Which message an event is attributed to, and whether messaged people converted more often.

An event is attributed to one message or none: the last one delivered before it, within the window.
An event before a message is never attributed to it.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from .proportions import wilson_interval

DEFAULT_DAYS = 14
MAX_DAYS = 90
# Minimum replies or won leads for a price per reply or per won lead.
MIN_PRICED = 5
# Minimum people in each group: below it, chance explains even a large difference.
MIN_COMPARED = 100
# Two-sided 95 %.
Z = 1.96


class SentMessage(NamedTuple):
    """A message to the person or about the lead.

    reached_at: when it was delivered or read, the earlier one; None: it was never delivered
    """

    id: int
    reached_at: datetime | None


def attributed_message_id(
    at: datetime, messages: Iterable[SentMessage], window: timedelta, named: int | None = None
) -> int | None:
    """Return the id of the message that an event is attributed to, None for none.

    :param at: when the event happened
    :param named: the message that the event itself names (an answer quotes it, a link is its own);
        no other is considered then
    """
    candidates = [
        message
        for message in messages
        if message.reached_at and message.reached_at <= at <= message.reached_at + window
    ]
    if named is not None:
        return named if any(message.id == named for message in candidates) else None
    last = max(candidates, key=lambda message: (message.reached_at, message.id), default=None)
    return last.id if last else None


def is_in_holdout(key: str, share: float) -> bool:
    """Return whether a person belongs to the `share` (0 to 1) of an audience that gets no message.

    Random but deterministic: a repeated preparation holds out the same people.

    :param key: identifies the campaign and the person
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return number < share * 2**64


@dataclass(frozen=True, slots=True)
class ComparisonGroup:
    """A group: number of people, and how many of them were won."""

    people: int
    won: int

    @property
    def rate(self):
        """Share of the people who were won, 0 to 1; 0 without people."""
        return self.won / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Won leads of people who got messages compared with those who did not.

    verdict: 'thin' (too few people), 'chance' (within what chance explains), 'better' or 'worse'
    difference: of the rates, with its 95 % interval `low` to `high`
    """

    verdict: str
    difference: float
    low: float
    high: float


def compare_groups(written: ComparisonGroup, others: ComparisonGroup) -> Comparison:
    """Compare two groups by Newcombe's interval (score method without continuity correction).

    Newcombe, Interval estimation for the difference between independent proportions, 1998.
    """
    difference = written.rate - others.rate
    if not written.people or not others.people:
        return Comparison("thin", difference, -1.0, 1.0)
    low_1, high_1 = wilson_interval(written.won, written.people, Z)
    low_2, high_2 = wilson_interval(others.won, others.people, Z)
    low = difference - math.hypot(written.rate - low_1, high_2 - others.rate)
    high = difference + math.hypot(high_1 - written.rate, others.rate - low_2)
    if min(written.people, others.people) < MIN_COMPARED:
        verdict = "thin"
    else:
        verdict = "better" if low > 0 else "worse" if high < 0 else "chance"
    return Comparison(verdict, difference, low, high)
