"""How many people a number may contact in a day, and how a new number is warmed up."""

import math
from datetime import datetime
from typing import NamedTuple

from .limits import LEVELS
from .response import DEFAULTS, Response, Settings

# Meta raises a limit after "half of the current limit used in the last 7 days" (Meta, Messaging
# limits, 2026-09-11); an unused step of a warm-up has no effect.
MIN_USED_SHARE = 0.5
# The warm-up of an unlimited number ends at ten times its first step: Meta's levels are 5 to 10
# times apart.
UNLIMITED_MULTIPLE = 10
# The daily allowance of an unlimited number that has sent nothing: the level below (Meta, Messaging
# limits, 2026-09-11).
BELOW_UNLIMITED = LEVELS["100000"]


class WarmUp(NamedTuple):
    """A running warm-up: `first` people on its first day, `step` steps made, the last one at
    `stepped_at`."""

    first: int
    step: int
    stepped_at: datetime


def daily_limit(
    response: Response,
    limit: int | None,
    warm_up: WarmUp | None = None,
    busiest_day: int = 0,
    settings: Settings = DEFAULTS,
) -> int | None:
    """Return how many people the number may contact in 24 h; None means no limit.

    :param limit: see `limits.people_limit`
    :param busiest_day: people on the busiest of the last 7 days, on which a share of an unlimited
        number is based
    """
    if warm_up:
        limit = warm_up_limit(warm_up, limit, settings)
    if response.share >= 1:
        return limit
    if limit is None:
        limit = busiest_day or BELOW_UNLIMITED
    # Not rounded down to 0: a number that may send may send at least one message.
    return max(math.floor(response.share * limit), min(limit, 1)) if response.share else 0


def start_warm_up(
    limit: int | None,
    previous_limit: int | None,
    now: datetime,
    settings: Settings = DEFAULTS,
    *,
    is_new: bool = False,
) -> WarmUp | None:
    """Return the warm-up of a new number, or of one whose limit rose; None when none is needed.

    :param limit, previous_limit: people per 24 h, None for no limit
    :param is_new: the number has not sent before; `previous_limit` is ignored
    """
    first = settings.warm_up_first if is_new else previous_limit
    if not first or (limit is not None and first >= limit):
        return None
    return WarmUp(first, 0, now)


def warm_up_limit(warm_up: WarmUp, limit: int | None, settings: Settings = DEFAULTS) -> int | None:
    """Return how many people a number in warm-up may contact in 24 h, its limit at the end."""
    people = math.floor(warm_up.first * settings.warm_up_growth**warm_up.step)
    if limit is None:
        return people if people < warm_up.first * UNLIMITED_MULTIPLE else None
    return min(people, limit)


def advance_warm_up(
    warm_up: WarmUp,
    limit: int | None,
    used: int,
    level: str,
    rating: str,
    now: datetime,
    settings: Settings = DEFAULTS,
) -> WarmUp | None:
    """Return the warm-up after a check of the number; None if it has ended.

    A step up needs a healthy level, a rating of Meta's that is neither yellow nor red, a day since
    the last step, and at least half of the step used. Yellow or watch restarts the day; red or at
    risk takes one step back each day.

    :param used: people contacted in the last 24 h
    """
    allowed = warm_up_limit(warm_up, limit, settings)
    if allowed == limit:
        return None
    is_due = now - warm_up.stepped_at >= settings.warm_up_every
    if rating == "red" or level == "at_risk":
        return WarmUp(warm_up.first, max(warm_up.step - 1, 0), now) if is_due else warm_up
    if rating == "yellow" or level == "watch":
        return warm_up._replace(stepped_at=now)
    if not is_due or level != "healthy" or used < MIN_USED_SHARE * allowed:
        return warm_up
    stepped = WarmUp(warm_up.first, warm_up.step + 1, now)
    return None if warm_up_limit(stepped, limit, settings) == limit else stepped
