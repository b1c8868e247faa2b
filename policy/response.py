"""The response to a reputation: full speed, warm-up, half speed, marketing held, lock.

In order of severity. Meta's reports outweigh our inference: our own level may slow a number down,
but only Meta's colour or refusal stops it.

    restricted by Meta, 131048, or red for `lock_red_days`   locked until a manager releases it
    red                                                      marketing held, utility continues
    yellow, or our level at risk                             half the daily allowance, canaries
    our level watch                                          full, large campaigns with a canary
    a new number or a higher limit                           warm-up, a step a day while healthy
    anything else                                            full

All but the lock end automatically with their cause. A manager may release a number whose marketing
is held: it then sends at half speed until the red has lasted `lock_red_days` more.

The daily allowance and the warm-up are in warm_up.py, the canary and a campaign's thresholds in
canary.py.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

# action -> `state` of the number. Held marketing is not a state: utility messages continue.
SENDER_STATE = {
    "full": "active",
    "warm_up": "active",
    "slow": "slowed",
    "hold_marketing": "active",
    "lock": "locked",
}

# A template with one of these statuses is not sent (Meta, Template pausing, 2025-10-22); FLAGGED,
# the warning before, is held too: further sending gets it disabled.
TEMPLATE_HELD = ("FLAGGED", "PAUSED", "DISABLED")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a manager may set; the defaults are ours.

    yellow_share: part of the daily allowance while slowed, above 0 up to 1
    lock_red_days: whole days of red that lock a number; 0: never
    slow_at_risk: whether our own level 'at_risk' slows a number as yellow does
    canary_share, _minimum, _maximum: size of the canary: part of the campaign, and people
    large_campaign: people from which a young portfolio's campaign starts with a canary
    canary_wait, canary_longest_wait: before the rest is sent; Meta's own check takes up to an hour
        (Meta, Template pacing, 2026-09-11), people answer a little later
    failure_limit, opt_out_limit: rates (0 to 1) above which a campaign pauses
    threshold_volume: number of delivered or failed messages from which these rates apply
    warm_up_first: people on the first day of a new number
    warm_up_growth: factor by which they grow with each healthy day
    warm_up_every: length of that day

    :raise ValueError: a value is out of range
    """

    yellow_share: float = 0.5
    lock_red_days: int = 7
    slow_at_risk: bool = True
    canary_share: float = 0.1
    canary_minimum: int = 100
    canary_maximum: int = 1000
    large_campaign: int = 1000
    canary_wait: timedelta = timedelta(hours=2)
    canary_longest_wait: timedelta = timedelta(hours=24)
    failure_limit: float = 0.10
    opt_out_limit: float = 0.02
    threshold_volume: int = 100
    warm_up_first: int = 100
    warm_up_growth: float = 1.5
    warm_up_every: timedelta = timedelta(hours=24)

    def __post_init__(self):
        for name in ("yellow_share", "canary_share", "failure_limit", "opt_out_limit"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1: {getattr(self, name)}")
        for name in ("canary_minimum", "threshold_volume", "warm_up_first"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1: {getattr(self, name)}")
        if self.lock_red_days < 0:
            raise ValueError(f"lock_red_days cannot be negative: {self.lock_red_days}")
        if self.warm_up_growth <= 1:
            raise ValueError(f"a warm-up must grow: {self.warm_up_growth}")
        if self.canary_maximum < self.canary_minimum:
            raise ValueError("canary_maximum is below canary_minimum")
        if self.canary_longest_wait < self.canary_wait:
            raise ValueError("canary_longest_wait is shorter than canary_wait")


DEFAULTS = Settings()


class Response(NamedTuple):
    """How to treat a number or a template, and why.

    action: 'full', 'warm_up', 'slow', 'hold_marketing' or 'lock'
    share: part of the daily allowance, 0 to 1; see `warm_up.daily_limit`
    canary: whether campaigns start with a canary, see `canary.canary`
    reason_key: one of `REASONS`
    """

    action: str
    share: float
    canary: bool
    hold_marketing: bool
    reason_key: str


REASONS = (
    "restricted", "red_too_long", "locked", "red", "released", "yellow", "at_risk", "watch",
    "warm_up", "healthy", "template_flagged", "template_paused", "template_disabled",
    "template_red", "template_yellow",
)  # fmt: skip


def _full(reason_key: str, action: str = "full", canary: bool = False) -> Response:
    return Response(action, 1.0, canary, False, reason_key)


def _slow(reason_key: str, share: float) -> Response:
    return Response("slow", share, True, False, reason_key)


def _hold(reason_key: str) -> Response:
    return Response("hold_marketing", 1.0, True, True, reason_key)


def _lock(reason_key: str) -> Response:
    return Response("lock", 0.0, True, True, reason_key)


def plan_number_response(
    rating: str,
    level: str,
    red_days: int = 0,
    *,
    is_restricted: bool = False,
    is_locked: bool = False,
    is_released: bool = False,
    is_warming_up: bool = False,
    settings: Settings = DEFAULTS,
) -> Response:
    """Return the `Response` for a number.

    :param rating: the last colour that Meta gave, see `quality_rating.last_rating`
    :param level: our own, one of `reputation_score.LEVELS`
    :param red_days: whole days of unbroken red, see `quality_rating.red_days`; since the last
        release
    :param is_restricted: since the last release Meta restricted the number or its account, or
        refused a message with 131048
    :param is_locked: it is locked and not released
    :param is_released: a manager released it since it last turned red
    :param is_warming_up: its warm-up has not ended
    """
    if is_restricted:
        return _lock("restricted")
    if rating == "red" and 0 < settings.lock_red_days <= red_days:
        return _lock("red_too_long")
    if is_locked:
        return _lock("locked")
    if rating == "red":
        return _slow("released", settings.yellow_share) if is_released else _hold("red")
    if rating == "yellow":
        return _slow("yellow", settings.yellow_share)
    if level == "at_risk" and settings.slow_at_risk:
        return _slow("at_risk", settings.yellow_share)
    if is_warming_up:
        return _full("warm_up", "warm_up", canary=level in ("watch", "at_risk"))
    if level in ("watch", "at_risk"):
        return _full(level, canary=True)
    return _full("healthy")


def plan_template_response(status: str, quality: str) -> Response:
    """Return the `Response` for a template; 'hold_marketing' means to hold its messages.

    :param status: Meta's, in any case of letters; `TEMPLATE_HELD` are held
    :param quality: Meta's: 'green', 'yellow', 'red' or 'unknown'. At red Meta pauses the template
        for 3 h, then 6 h, and then disables it (Meta, Template pausing, 2025-10-22).
    """
    if status.upper() in TEMPLATE_HELD:
        return _hold(f"template_{status.lower()}")
    if quality == "red":
        return _hold("template_red")
    if quality == "yellow":
        return _full("template_yellow", canary=True)
    return _full("healthy")
