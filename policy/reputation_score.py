"""From rates to a score of 0 to 100, and from a score to a level.

**Score** = 100 minus what each rate costs:

    cost = 80 x rate / risk rate - 20, never below 0

A rate up to a quarter of its risk rate is normal and costs 0 points; half of it costs 20; the risk
rate 60; more beyond it. Costs add up, since several bad signs are worse than one. Meta publishes no
thresholds, so these are ours, graded as Amazon SES grades bounces (review at 5 %, pause at 10 %),
and stricter for opt-outs, where the person acted:

    signal           normal to   watch at   risk at
    opt-outs           0.5 %        1 %        2 %
    possible blocks    2.5 %        5 %       10 %
    undeliverable      2.5 %        5 %       10 %
    limited             10 %       20 %       40 %    never more than 20 points: it depends on what
                                                      all businesses send to the person

A refusal 131048 is Meta's statement that people blocked or reported the number: 60 points on its
day, fading over the week. Read and reply rates are shown and cost nothing: people may switch read
receipts off.

**Level**: from 80 healthy, from 40 watch, below at risk. So a single bad rate is watch above its
watch line and at risk above its risk line. A level changes only when the score is `MARGIN` points
beyond the line, so that a score close to it does not change the level every day.
"""

import math
from typing import NamedTuple

from .reputation_rates import Rates

RISK_THRESHOLDS = {"opt_out": 0.02, "possible_block": 0.10, "undeliverable": 0.10, "limited": 0.40}
NORMAL_SHARE = 0.25
POINTS_AT_RISK = 60
POINTS_PER_RISK = POINTS_AT_RISK / (1 - NORMAL_SHARE)
MAX_POINTS = {"limited": 20}
SPAM_POINTS = 60

LEVELS = ("healthy", "watch", "at_risk", "unknown")
HEALTHY_THRESHOLD, WATCH_THRESHOLD = 80, 40
MARGIN = 5


class Cost(NamedTuple):
    """Score points that a measure, or 'spam_limited', costs."""

    measure: str
    points: float


def costs(measured: Rates) -> tuple[Cost, ...]:
    """Return the `Cost` of each bad sign in score points, largest first, without those of 0."""
    found = [
        Cost(measure, _points(measure, getattr(measured, measure).value))
        for measure in RISK_THRESHOLDS
    ]
    found.append(Cost("spam_limited", SPAM_POINTS * measured.spam_weight))
    return tuple(sorted((cost for cost in found if cost.points > 0), key=lambda cost: -cost.points))


def _points(measure: str, value: float | None) -> float:
    excess = (value or 0) / RISK_THRESHOLDS[measure] - NORMAL_SHARE
    return min(max(POINTS_PER_RISK * excess, 0), MAX_POINTS.get(measure, math.inf))


def score(measured: Rates) -> int | None:
    """Return the score, 0 (worst) to 100; None when there is not enough data."""
    if not measured.is_enough:
        return None
    return round(max(100 - sum(cost.points for cost in costs(measured)), 0))


def level(points: int | None, previous: str | None = None) -> str:
    """Return the level of a score of `points`, one of `LEVELS`.

    :param previous: the level until now. It changes only when the score is `MARGIN` points beyond
        the line; without one, or after 'unknown', the line itself decides.
    """
    if points is None:
        return "unknown"
    if not _is_above(points, WATCH_THRESHOLD, previous, ("healthy", "watch")):
        return "at_risk"
    return "healthy" if _is_above(points, HEALTHY_THRESHOLD, previous, ("healthy",)) else "watch"


def _is_above(points: int, line: int, previous: str | None, levels_above: tuple) -> bool:
    if not previous or previous == "unknown":
        return points >= line
    if previous in levels_above:
        return points > line - MARGIN
    return points >= line + MARGIN
