"""Follow-ups: when a step is due, what ends one, who may enter again.

Working time is given as intervals, which the caller reads from a calendar.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

UNITS = ("hours", "days")

Interval = tuple[datetime, datetime]


# ----------------------------------------------------------------------
# When
# ----------------------------------------------------------------------


def step_due(
    start: datetime,
    amount: int,
    unit: str,
    working: Sequence[Interval] | None = None,
    zone: tzinfo = timezone.utc,
) -> datetime | None:
    """Return when a wait that began at `start` ends.

    Days keep the time of day of `zone`: two days after Monday 10:00 is Wednesday 10:00, also over
    the change to summer time. In working time, a start outside it moves to the next working time:
    a lead of Saturday counts from Monday morning. A working day is a day with working time; an end
    outside working time moves to the next working time.

    :param start: naive UTC
    :param unit: 'hours' or 'days'
    :param working: ascending naive UTC intervals of working time, None for a plain wait
    :return: naive UTC; None when the intervals end too early
    :raise ValueError: unknown unit or negative amount
    """
    if unit not in UNITS or amount < 0:
        raise ValueError(f"a wait is a number of {UNITS}: {amount!r} {unit!r}")
    if working is None:
        if unit == "hours":
            return start + timedelta(hours=amount)
        return _shift_days(start, amount, zone)
    began = next_working_time(start, working)
    if began is None:
        return None
    if unit == "hours":
        return _after_working_hours(began, timedelta(hours=amount), working)
    return _after_working_days(began, amount, working, zone)


def next_working_time(moment: datetime, working: Iterable[Interval]) -> datetime | None:
    """Return the first time from `moment` on in working time; None if there is none."""
    for begin, end in working:
        if moment < end:
            return max(moment, begin)
    return None


def _after_working_hours(began, left, working):
    for begin, end in working:
        begin = max(begin, began)
        if end <= begin:
            continue
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return None


def _after_working_days(began, amount, working, zone):
    first = _local(began, zone).date()
    dates = sorted({_local(begin, zone).date() for begin, _end in working})
    later = [first, *(date for date in dates if date > first)]
    if amount >= len(later):
        return None
    return next_working_time(_shift_days(began, (later[amount] - first).days, zone), working)


def _shift_days(moment, days, zone):
    """The same time of day in `zone`, `days` later."""
    shifted = _local(moment, zone).replace(tzinfo=None) + timedelta(days=days)
    return shifted.replace(tzinfo=zone).astimezone(timezone.utc).replace(tzinfo=None)


def _local(moment, zone):
    return moment.replace(tzinfo=timezone.utc).astimezone(zone)


# ----------------------------------------------------------------------
# What ends one
# ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """The current facts of a lead in a follow-up; see STOPS for their names."""

    gone: bool = False
    replied: bool = False
    opted_out: bool = False
    won: bool = False
    lost: bool = False
    stage_left: bool = False
    own_message: bool = False
    own_contact: bool = False
    unmet: bool = False


# In order of precedence: the first reason that applies is shown. What the person did comes before
# what we did.
EXIT_CONDITIONS = (
    "gone", "replied", "opted_out", "won", "lost", "stage_left", "own_message", "own_contact",
    "unmet",
)  # fmt: skip
# These always apply: a follow-up needs its lead, and its conditions must be met.
UNCONDITIONAL_EXITS = frozenset(("gone", "unmet"))


def exit_reason(facts: ExitFacts, switched_on: Iterable[str]) -> str | None:
    """Return the first of STOPS that ends the follow-up, or None.

    :param switched_on: the EXIT_CONDITIONS that the follow-up has on; the others apply anyway
    """
    heeded = UNCONDITIONAL_EXITS.union(switched_on)
    return next((name for name in EXIT_CONDITIONS if name in heeded and getattr(facts, name)), None)


def step_outcome(state: str) -> str:
    """Return what a message's state means for the next steps.

    :return: 'wait' (not sent yet, or unknown), 'go', or 'not_sent'
    """
    if state in ("failed", "skipped", "cancelled"):
        return "not_sent"
    return "go" if state in ("accepted", "sent", "delivered", "read") else "wait"


def is_expired(due: datetime | None, now: datetime, patience_days: int) -> bool:
    """Return whether a step due at `due` is too late to be done."""
    return bool(due and patience_days) and now > due + timedelta(days=patience_days)


def can_reenroll(rule: str, days: int, last_ended_at: datetime | None, now: datetime) -> bool:
    """Return whether a lead may enter a follow-up again.

    :param rule: 'never' or 'after'
    :param days: with 'after', how many days must have passed
    :param last_ended_at: None when it never entered
    """
    if last_ended_at is None:
        return True
    return rule == "after" and now >= last_ended_at + timedelta(days=days)
