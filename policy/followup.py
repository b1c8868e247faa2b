"""Follow-ups: when a step is due, which branch is taken, what ends one, who may enter again.

Working time is given as intervals, which the caller reads from a calendar.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from . import auto_reply

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


def date_due(day: date, days: int, hour: float, zone: tzinfo) -> datetime:
    """Return the time `days` after a date (before it if negative) at an hour of `zone`.

    :param hour: 0 to 24, as Odoo stores times of day
    :return: naive UTC
    """
    minutes = min(max(round(hour * 60), 0), 24 * 60 - 1)
    wall = datetime(day.year, day.month, day.day) + timedelta(days=days, minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(timezone.utc).replace(tzinfo=None)


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
# Which way: branches, and the flow they make
# ----------------------------------------------------------------------

# Where a branch may lead besides to a step: to the next one in order, or to the end.
NEXT, END = "", "end"

REPLY_BRANCHES = ("button", "word", "answered")
# True as soon as it is seen.
EARLY_BRANCHES = (*REPLY_BRANCHES, "clicked", "read", "delivered", "field")
# What did not happen is certain only when the time is over.
LATE_BRANCHES = ("not_answered", "not_clicked", "not_read", "not_delivered")
BRANCHES = (*EARLY_BRANCHES, *LATE_BRANCHES)


@dataclass(frozen=True, slots=True)
class Branch:
    """A condition after a step, and where it leads.

    key: the caller's identifier. words: buttons or words of a reply. goes_to: the key of a step,
    NEXT or END.
    """

    key: object
    kind: str
    goes_to: str = NEXT
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchFacts:
    """What happened since the last message of the follow-up left.

    replies: the person's messages. met: keys of the 'field' branches whose condition is met.
    failed: the message will never be delivered.
    """

    replies: tuple[auto_reply.InboundText, ...] = ()
    delivered: bool = False
    read: bool = False
    clicked: bool = False
    failed: bool = False
    met: frozenset = frozenset()


def split_words(text: str | None) -> tuple[str, ...]:
    """Return the words or buttons of a condition, as entered with commas."""
    return tuple(filter(None, (word.strip() for word in re.split(r"[,;\n]", text or ""))))


def takes_time(branches: Iterable[Branch]) -> bool:
    """Return whether any of these depends on what the person does, so that it must be awaited."""
    return any(branch.kind != "field" for branch in branches)


def choose_branch(
    branches: Sequence[Branch], facts: BranchFacts, is_over: bool
) -> tuple[bool, Branch | None]:
    """Return (whether the way is certain by now, the first branch that matches or None).

    :param is_over: whether the time to decide is over
    """
    is_over = is_over or not takes_time(branches)
    for branch in branches:
        if _is_met(branch, facts, is_over):
            return True, branch
    return is_over, None


def is_expected_reply(branches: Iterable[Branch], reply: auto_reply.InboundText) -> bool:
    """Return whether a reply is the condition of one of these: then it stops nothing."""
    return any(matches_reply(branch, reply) for branch in branches)


def matches_reply(branch: Branch, reply: auto_reply.InboundText) -> bool:
    """Return whether a branch is about replies and this is one. An opt-out never is."""
    if branch.kind not in REPLY_BRANCHES or reply.kind not in auto_reply.ANSWERED_KINDS:
        return False
    if reply.wants_stop:
        return False
    if branch.kind == "answered":
        return True
    trigger = auto_reply.BUTTON if branch.kind == "button" else auto_reply.KEYWORD
    rule = auto_reply.ReplyRule(branch.key, trigger, branch.words, whole=False)
    return auto_reply.matches_rule(rule, reply)


def _is_met(branch, facts, is_over):
    if branch.kind in REPLY_BRANCHES:
        return any(matches_reply(branch, reply) for reply in facts.replies)
    if branch.kind == "field":
        return branch.key in facts.met
    # Who answers or clicks has read it; Meta does not report every read.
    happened = {
        "answered": bool(facts.replies),
        "clicked": facts.clicked,
        "read": facts.read or facts.clicked or bool(facts.replies),
    }
    happened["delivered"] = facts.delivered or happened["read"]
    if branch.kind in LATE_BRANCHES:
        return (is_over or facts.failed) and not happened[branch.kind.removeprefix("not_")]
    return happened[branch.kind]


def flow_edges(order: Sequence[str], ways: Mapping[str, Iterable[str]]) -> dict[str, tuple]:
    """Return {key of a step: where it leads}, with the next step in order in place of NEXT.

    :param order: keys of the steps
    :param ways: {key: `goes_to` of its branches, and otherwise}; none for one that ends
    """
    following = dict(zip(order, [*order[1:], END], strict=False))
    return {
        key: tuple(dict.fromkeys(following[key] if to == NEXT else to for to in ways[key]))
        for key in order
    }


def flow_problems(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return [(problem, key of the step)]: 'missing' (leads to no step), 'loop' (leads back to a
    step before it, so that a person would get the same messages again) and 'unreachable'.

    :param edges: `flow_edges`, from the first step on
    """
    problems = [
        ("missing", key)
        for key, targets in edges.items()
        if any(to != END and to not in edges for to in targets)
    ]
    seen, open_ = set(), set()

    def visit(key):
        seen.add(key)
        open_.add(key)
        for to in edges[key]:
            if to in open_:
                problems.append(("loop", key))
            elif to in edges and to not in seen:
                visit(to)
        open_.discard(key)

    for first in list(edges)[:1]:
        visit(first)
    return problems + [("unreachable", key) for key in edges if key not in seen]


def flow_layout(edges: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
    """Return {key: (row, column)}: each step is below all that lead to it, the first way straight
    down and the others beside it. Steps that none leads to, or a loop, come last.

    :param edges: `flow_edges`, from the first step on
    """
    order = _sort_steps(edges)
    places = {key: place for place, key in enumerate(order)}
    rows, columns, taken = dict.fromkeys(order, 0), {}, set()
    for key in order:
        row, column = rows[key], columns.get(key, 0)
        while (row, column) in taken:
            column += 1
        taken.add((row, column))
        columns[key] = column
        for shift, to in enumerate(to for to in edges[key] if to in edges):
            columns.setdefault(to, column + shift)
            if places[to] > places[key]:
                rows[to] = max(rows[to], row + 1)
    return {key: (rows[key], columns[key]) for key in edges}


def _sort_steps(edges):
    """Keys, each after all that lead to it; of a loop, in their order."""
    left, order = dict(edges), []
    while left:
        led_to = {to for targets in left.values() for to in targets}
        ready = [key for key in left if key not in led_to] or list(left)[:1]
        order += ready
        for key in ready:
            del left[key]
    return order


# ----------------------------------------------------------------------
# What ends one
# ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """The current facts of a lead in a follow-up; see EXIT_CONDITIONS for their names."""

    gone: bool = False
    goal: bool = False
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
    "gone", "goal", "replied", "opted_out", "won", "lost", "stage_left", "own_message",
    "own_contact", "unmet",
)  # fmt: skip
# These always apply: a follow-up needs its lead and its conditions met, and ends with its goal.
UNCONDITIONAL_EXITS = frozenset(("gone", "goal", "unmet"))


def exit_reason(facts: ExitFacts, switched_on: Iterable[str]) -> str | None:
    """Return the first of EXIT_CONDITIONS that ends the follow-up, or None.

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
