"""The growth plan: what Meta's next messaging limit needs, and when it can be reached.

Meta's rule (Messaging limits, 2026-09-11). From 250 to 2,000: business verification, or 2,000
delivered messages outside customer service windows to unique people in 30 moving days, with
high-quality templates; Meta then reviews, in a time it does not state. Above: messages of high
quality, and at least half of the current limit used in the last 7 days; the next level then comes
within 6 hours. A rating that is not high lowers no limit, but it stops increases.

What Meta leaves open, and the careful reading of this file:

- Whether the half counts over the 7 days or within one day. Over the 7 days decides what is
  missing; the likely dates span both readings.
- What high quality is. Only a green rating of every number counts; a number that Meta has not
  rated yet has no likely date.
- Which messages count. Unique people to whom a message outside a window was delivered.

A day is 24 hours from `now`. Nothing is said of dates that depend on what Meta does not state.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .limits import LEVELS

# Meta's levels in their order; None is unlimited.
LADDER = (250, 2_000, 10_000, 100_000, None)
USED_SHARE = 0.5
USED_DAYS = 7
DECIDED_WITHIN = timedelta(hours=6)
FIRST_STEP_PEOPLE = 2_000
FIRST_STEP_DAYS = 30
# A level that is further away than this has no date.
HORIZON_DAYS = 365
DAY = timedelta(days=1)


class Situation(NamedTuple):
    """What is known of a portfolio.

    :ivar messaging_limit: Meta's level, a key of `limits.LEVELS`
    :ivar quality: the worst of its numbers and of the templates in use: 'green', 'yellow', 'red' or
        'unknown'
    :ivar people_by_age: unique people delivered to outside a window in the last 30 days, by the
        whole days since their last such message
    :ivar most: people that its numbers may contact in the next 24 h; None if Meta's limit decides
    :ivar daily_cap: the team's own limit in people per 24 h, 0 or None for none
    :ivar growth: factor by which a warm-up grows a day, None without warm-up
    :ivar audience: people who opted in and were not contacted in `window_days` of the next step
    """

    messaging_limit: str
    quality: str
    people_by_age: Sequence[int]
    most: int | None
    daily_cap: int | None
    growth: float | None
    audience: int


class Step(NamedTuple):
    """What the next level needs: `people` unique people in `days` days."""

    people: int
    days: int


class Forecast(NamedTuple):
    """A level of the ladder.

    :ivar status: 'reached', 'current', 'next' or 'later'
    :ivar earliest: the first date on which it can be reached, None if it cannot be said
    :ivar likely: (from, until), None if it cannot be said; `until` None without an end
    :ivar reason: why there is no date: 'quality', 'unrated', 'review', 'cap', 'audience' or ''
    """

    limit: int | None
    status: str
    earliest: datetime | None = None
    likely: tuple | None = None
    reason: str = ""


class Plan(NamedTuple):
    """The plan of a portfolio.

    :ivar state: 'unknown', 'unlisted' (a level that Meta no longer documents), 'unlimited',
        'blocked' (quality), 'reached' (Meta decides), 'audience', 'capped' or 'growing'
    :ivar used, missing: people of `step` contacted, and still to contact
    :ivar least, most: people a day that reach it in time, and that all limits allow
    """

    state: str
    forecasts: list
    step: Step | None = None
    used: int = 0
    missing: int = 0
    least: int = 0
    most: int | None = 0


def next_step(limit: int | None) -> Step | None:
    """Return what the level after `limit` needs; None after the last one."""
    if limit is None:
        return None
    if limit == LADDER[0]:
        return Step(FIRST_STEP_PEOPLE, FIRST_STEP_DAYS)
    return Step(math.ceil(USED_SHARE * limit), USED_DAYS)


def window_days(messaging_limit: str) -> int:
    """Return for how many days a person who was contacted does not count again."""
    step = next_step(LEVELS.get(messaging_limit))
    return step.days if step else USED_DAYS


def make_plan(situation: Situation, now: datetime) -> Plan:
    """Return the plan of a portfolio."""
    limit = LEVELS.get(situation.messaging_limit)
    if situation.messaging_limit not in LEVELS or situation.messaging_limit == "unknown":
        return Plan("unknown", [])
    if limit not in LADDER:
        return Plan("unlisted", [], most=_daily_most(situation, limit))
    step = next_step(limit)
    if step is None:
        return Plan("unlimited", _forecasts(situation, limit, now), most=None)
    used = sum(situation.people_by_age[: step.days])
    missing, most = max(0, step.people - used), _daily_most(situation, limit)
    least = _daily_least(situation, step)
    plan = Plan(
        _state(situation, step, missing, least, most),
        _forecasts(situation, limit, now),
        step,
        used,
        missing,
        least,
        most,
    )
    return plan._replace(least=0) if plan.state == "blocked" else plan


def _state(situation, step, missing, least, most):
    if situation.quality in ("yellow", "red"):
        return "blocked"
    if not missing:
        return "reached"
    if situation.audience < missing:
        return "audience"
    return "capped" if least > most else "growing"


def _daily_most(situation, limit):
    found = (limit, situation.most, situation.daily_cap or None)
    return max(0, min(people for people in found if people is not None))


def _daily_least(situation, step):
    """People a day with which the step is reached within its days, counting who still counts."""
    needs = []
    for days in range(1, step.days + 1):
        kept = sum(situation.people_by_age[: step.days - days])
        needs.append(math.ceil(max(0, step.people - kept) / days))
    return min(needs)


# === Dates ===


class _Course:
    """Days to come: how many people are contacted on each, and when a level is reached.

    :param pace: people a day at the current level and afterwards, None for as many as possible
    :param in_one_day: the half counts within one day
    :param wait: days that Meta takes for its decision
    """

    def __init__(self, situation, limit, pace, in_one_day, wait):
        self.situation, self.limit, self.pace = situation, limit, pace
        self.in_one_day, self.wait = in_one_day, wait
        self.days, self.recent = 0, list(situation.people_by_age)
        self.pool = situation.audience + sum(self.recent[: next_step(limit).days])
        most = _daily_most(situation, limit)
        self.share, self.allowed = most / limit, float(most)

    def climb(self):
        """Contact people until the next level is reached; its day, None if it never is."""
        step = next_step(self.limit)
        cumulative = not self.in_one_day or self.limit == LADDER[0]
        if self.days == 0 and cumulative and sum(self.recent[: step.days]) >= step.people:
            return self._raise_limit()
        while self.days < HORIZON_DAYS:
            people = self._pass_day(step)
            self.days += 1
            if (sum(self.recent[: step.days]) if cumulative else people) >= step.people:
                return self._raise_limit()
        return None

    def _pass_day(self, step):
        growth = self.situation.growth
        allowed = self.allowed if growth else self.share * self.limit
        pace = self._pace(step)
        left = self.pool - sum(self.recent[: step.days - 1])
        cap = self.situation.daily_cap or math.inf
        people = max(0, math.floor(min(allowed, self.limit, cap, left, pace)))
        self.recent.insert(0, people)
        if growth:
            self.allowed = min(allowed * growth, self.limit)
        return people

    def _pace(self, step):
        if self.pace is None:
            return math.inf
        return max(self.pace, math.ceil(step.people / step.days))

    def _raise_limit(self):
        reached = self.days
        self.days += self.wait
        self.recent[:0] = [0] * self.wait
        following = LADDER.index(self.limit) + 1
        self.limit = LADDER[following]
        return reached + self.wait


def _forecasts(situation, limit, now):
    """[Forecast] of the whole ladder."""
    place = LADDER.index(limit)
    found = [Forecast(level, "reached") for level in LADDER[:place]]
    found.append(Forecast(limit, "current"))
    levels = LADDER[place + 1 :]
    if not levels:
        return found
    if situation.quality in ("yellow", "red"):
        dates = [(None, None, "quality")] * len(levels)
    else:
        dates = _dates(situation, limit, len(levels))
    for index, (level, (earliest, likely, reason)) in enumerate(zip(levels, dates, strict=True)):
        found.append(
            Forecast(
                level,
                "later" if index else "next",
                None if earliest is None else now + earliest * DAY,
                likely and tuple(None if day is None else now + day * DAY for day in likely),
                reason,
            )
        )
    return found


def _dates(situation, limit, count):
    """[(earliest day, likely days, reason)] of the next `count` levels."""
    least = _daily_least(situation, next_step(limit))
    earliest = _days(_Course(situation, limit, None, False, 0), count)
    # Meta's 6 hours: the new limit is used from the day after.
    courses = [
        _days(_Course(situation, limit, pace, in_one_day, 1), count)
        for pace, in_one_day in ((None, False), (least, False), (None, True))
    ]
    dates = []
    for index, first in enumerate(earliest):
        days = [course[index] for course in courses]
        known = [day for day in days if day is not None]
        if first is None or not known:
            dates.append((first, None, _obstacle(situation, limit, index)))
        elif situation.quality != "green":
            dates.append((first, None, "unrated"))
        elif limit == LADDER[0]:
            dates.append((first, None, "review"))
        else:
            dates.append((first, (min(known), max(known) if None not in days else None), ""))
    return dates


def _days(course, count):
    days = []
    for _level in range(count):
        days.append(course.climb() if not days or days[-1] is not None else None)
    return days


def _obstacle(situation, limit, index):
    """Why a level cannot be reached: too few people, or the caps."""
    level = LADDER[LADDER.index(limit) + index]
    used = sum(situation.people_by_age[: next_step(limit).days])
    return "audience" if situation.audience + used < next_step(level).people else "cap"
