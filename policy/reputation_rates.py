"""Outcomes of each day's messages, and the rates of bad outcomes.

**Evidence** is counted by cohort (`DayCounts`): all figures of a day are about the messages
accepted on that day, whenever the outcome came. So no outcome is ever compared with the messages
of another day.

**Rates** are shares of the messages whose outcome is known:

- opt-outs, of the messages delivered;
- possible blocks: sent, and still not delivered after `SILENT_AFTER_DAYS`, of those delivered or
  silent. A block looks the same as a phone that is switched off;
- undeliverable (131026: no WhatsApp there), of those delivered or undeliverable;
- limited (131049, 130472: WhatsApp itself held the promotion back), of those delivered or limited.

Over 7 days recent days weigh more, as in Meta's own rating ("last 7 days, weighted by recency":
Meta, Send messages, 2025-11-04): today 7, yesterday 6, ... six days ago 1. Over 30 days all weigh
the same. A rate of fewer than `MIN_VOLUME` messages has no value; in the weighted week a message
counts towards the minimum as much as it weighs, or one opt-out of today among few fresh messages
would decide a number's level.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import NamedTuple

WEEK, MONTH = 7, 30

# Delivered messages below which there is no score. Of 200, one opt-out is 0.5 %: still normal, so
# that no single person can change a level.
MIN_VOLUME = 200

# Whole days after the day of sending. Meta retries for 30 days by default (Meta, Time-to-live,
# 2025-10-31), but a score that is a month late protects no number, and a phone in use is online
# within two days.
SILENT_AFTER_DAYS = 2


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Messages accepted by Meta on the UTC day `day`, by outcome.

    sent: accepted, and not refused in the reply itself
    delivered: those read among them; `read`, `replied` and `opted_out` are parts of it
    silent: neither delivered nor failed though sent more than `SILENT_AFTER_DAYS` days before
    undeliverable: 131026; limited: 131049 and 130472; spam_limited: 131048
    failed: all failures, the three above and refusals among them
    """

    day: date
    sent: int = 0
    delivered: int = 0
    read: int = 0
    replied: int = 0
    opted_out: int = 0
    silent: int = 0
    undeliverable: int = 0
    limited: int = 0
    spam_limited: int = 0
    failed: int = 0


COUNTS = tuple(field.name for field in fields(DayCounts) if field.name != "day")

# measure -> (what is counted, of which messages)
RATE_PARTS = {
    "opt_out": ("opted_out", ("delivered",)),
    "possible_block": ("silent", ("delivered", "silent")),
    "undeliverable": ("undeliverable", ("delivered", "undeliverable")),
    "limited": ("limited", ("delivered", "limited")),
    "failure": ("failed", ("delivered", "failed")),
    "delivery": ("delivered", ("sent",)),
    "read": ("read", ("delivered",)),
    "reply": ("replied", ("delivered",)),
}
MEASURES = tuple(RATE_PARTS)


class Rate(NamedTuple):
    """`count` of `base` messages; `value` is 0 to 1, None when the base is too small.

    In the weighted week `value` is not `count / base`: recent messages weigh more in it.
    """

    count: int
    base: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of a subject over `window` days.

    volume: delivered messages, each counted as much as it weighs in this window
    spam_weight: 1 when 131048 came today, a seventh less for each day ago, 0 after a week
    """

    window: int
    volume: float
    opt_out: Rate
    possible_block: Rate
    undeliverable: Rate
    limited: Rate
    failure: Rate
    delivery: Rate
    read: Rate
    reply: Rate
    spam_weight: float

    @property
    def is_enough(self) -> bool:
        """Whether there is enough volume for a score."""
        return self.volume >= MIN_VOLUME


def rates(
    days: Iterable[DayCounts], today: date, window: int = WEEK, fresh_start: date | None = None
) -> Rates:
    """Return the rates of the last `window` days: weighted when that is `WEEK`, otherwise flat.

    :param days: cohorts in any order, several of one day add up; those after `today` do not count
    :param fresh_start: day on which a manager released the subject: that day's messages and older
        ones do not count
    """
    counted = in_window(days, today, window, fresh_start)
    measured = {measure: calculate_rate(measure, counted, today, window) for measure in MEASURES}
    volume = sum(_weight(row, today, window) * row.delivered for row in counted)
    spam_days = [_weight(row, today, WEEK) for row in counted if row.spam_limited]
    return Rates(
        window=window,
        volume=volume / _full_weight(window),
        spam_weight=max(spam_days, default=0) / WEEK,
        **measured,
    )


def in_window(days, today, window, fresh_start) -> list[DayCounts]:
    """Return the cohorts that count in the last `window` days, see `rates`."""
    first = today - timedelta(days=window - 1)
    if fresh_start:
        first = max(first, fresh_start + timedelta(days=1))
    return [row for row in days if first <= row.day <= today]


def _weight(row: DayCounts, today: date, window: int) -> int:
    return max(WEEK - (today - row.day).days, 0) if window == WEEK else 1


def _full_weight(window: int, youngest: int = 0) -> int:
    return WEEK - youngest if window == WEEK else 1


def calculate_rate(measure: str, counted: list[DayCounts], today: date, window: int) -> Rate:
    """Return the `Rate` of one measure over the cohorts of `in_window`."""
    youngest = SILENT_AFTER_DAYS + 1 if measure == "possible_block" else 0
    settled = [row for row in counted if (today - row.day).days >= youngest]
    # Whole numbers until the division: the sums do not depend on the order of the rows.
    weighed = [(_weight(row, today, window), *_count_and_base(measure, row)) for row in settled]
    volume = sum(weight * base for weight, _count, base in weighed)
    value = None
    if volume >= MIN_VOLUME * _full_weight(window, youngest):
        value = min(sum(weight * count for weight, count, _base in weighed) / volume, 1.0)
    return Rate(sum(row[1] for row in weighed), sum(row[2] for row in weighed), value)


def _count_and_base(measure: str, row: DayCounts) -> tuple[int, int]:
    counted, of = RATE_PARTS[measure]
    return getattr(row, counted), sum(getattr(row, name) for name in of)
