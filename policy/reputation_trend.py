"""The trend of the score over the last week, and the next change of the level."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from .reputation_score import HEALTHY_THRESHOLD, MARGIN, WATCH_THRESHOLD

# A trend needs four days of the last seven; less than a point a day counts as steady.
TREND_DAYS, TREND_POINTS, TREND_SLOPE = 7, 4, 1.0
# A projection further away or less certain is of no use today.
HORIZON_DAYS, MAX_ERROR_DAYS, MIN_ERROR_DAYS = 14, 7, 0.5
# Student's t, two-sided 95 %, by degrees of freedom (points less two).
STUDENT = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}
# A score varies by half a point without a cause (rounding, a few people), even when the few values
# happen to lie on a line.
MIN_VARIANCE = 0.25


class Projection(NamedTuple):
    """The next level at this rate, in how many days, and the error in days."""

    level: str
    in_days: float
    error_days: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A straight line through the last days' scores, by least squares; x is days, 0 the last."""

    slope: float
    mean_x: float
    mean_y: float
    count: int
    spread: float
    variance: float

    def days_until(self, target: float) -> tuple[float, float] | None:
        """Return when the line meets `target`, and the error; None when that is not certain.

        The error is the longer side of Fieller's 95 % interval (Fieller, Some problems in interval
        estimation, 1954), which is unbounded when the slope may be 0. The slope must not be 0.
        """
        reach = (target - self.mean_y) / self.slope
        student = STUDENT[self.count - 2]
        doubt = student**2 * self.variance / (self.slope**2 * self.spread)
        if doubt >= 1:
            return None
        half = student * math.sqrt(self.variance) / abs(self.slope)
        half *= math.sqrt((1 - doubt) / self.count + reach**2 / self.spread)
        error = (doubt * abs(reach) + half) / (1 - doubt)
        return self.mean_x + reach, max(error, MIN_ERROR_DAYS)


def _line(scores: Iterable[tuple[date, int | None]]) -> _Line | None:
    known = {day: points for day, points in scores if points is not None}
    if not known:
        return None
    last = max(known)
    near = {(day - last).days: points for day, points in known.items()}
    near = {x: points for x, points in near.items() if x > -TREND_DAYS}
    count = len(near)
    if count < TREND_POINTS:
        return None
    mean_x, mean_y = sum(near) / count, sum(near.values()) / count
    spread = sum((x - mean_x) ** 2 for x in near)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in near.items()) / spread
    residuals = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in near.items())
    variance = max(residuals / (count - 2), MIN_VARIANCE)
    return _Line(slope, mean_x, mean_y, count, spread, variance)


def trend(scores: Iterable[tuple[date, int | None]]) -> str:
    """Return 'rising', 'steady' or 'falling' over the last week; 'unknown' with too few scores.

    :param scores: (day, score) in any order, one per day; None where there was not enough data
    """
    line = _line(scores)
    if line is None:
        return "unknown"
    if abs(line.slope) < TREND_SLOPE:
        return "steady"
    return "rising" if line.slope > 0 else "falling"


def project(scores: Iterable[tuple[date, int | None]], current: str) -> Projection | None:
    """Project the next change of level, if the last week's trend continues linearly.

    :param current: the level now
    :return: days from the last score, and its 95 % error if the trend continues and scores vary by
        at most two points; None when the score is steady, or no change is near and certain enough
    """
    scores = list(scores)
    direction = trend(scores)
    target = _next_change(current, direction)
    found = target and _line(scores).days_until(target[1])
    if not found:
        return None
    in_days, error_days = max(found[0], 0.0), found[1]
    if in_days > HORIZON_DAYS or error_days > MAX_ERROR_DAYS:
        return None
    return Projection(target[0], in_days, error_days)


def _next_change(current: str, direction: str) -> tuple[str, int] | None:
    """Return the next level and the score at which it begins, as in `level`."""
    return {
        ("healthy", "falling"): ("watch", HEALTHY_THRESHOLD - MARGIN),
        ("watch", "falling"): ("at_risk", WATCH_THRESHOLD - MARGIN),
        ("at_risk", "rising"): ("watch", WATCH_THRESHOLD + MARGIN),
        ("watch", "rising"): ("healthy", HEALTHY_THRESHOLD + MARGIN),
    }.get((current, direction))
