"""The reputation of a number, a template or a campaign: rates, score, level, trend.

Meta reveals neither who blocked or reported a business nor how many did (Meta, Webhooks overview,
2026-09-11; Meta, Support, 2025-11-19). This is our own estimate from observable events. Meta's
colour is separate and never enters the score: the two are shown side by side.

What is counted, and the rates, are in reputation_rates.py; score and level, with the formula, in
reputation_score.py; the trend in reputation_trend.py; Meta's colour in quality_rating.py; what
explains a score in reputation_causes.py. This module combines them into a `Judgement`.

**Period**: the score is that of the weighted week; of a sender too quiet for that, of the flat 30
days; below `MIN_VOLUME` in 30 days there is no score and no colour. Thirty days include the week,
so more messages never remove a score.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from .quality_rating import last_rating, red_days
from .reputation_rates import MONTH, WEEK, DayCounts, Rates, rates
from .reputation_score import Cost, costs, level, score
from .reputation_trend import Projection, project, trend


@dataclass(frozen=True, slots=True)
class Judgement:
    """Our assessment of a number, a template or a campaign.

    score: 0 to 100, None when there is not enough data
    level: one of `reputation_score.LEVELS`
    base: messages delivered in the `window` (days) of the score
    costs: what the score lost, largest first
    rating: the last colour that Meta gave; red_days: whole days of unbroken red
    """

    score: int | None
    level: str
    base: int
    window: int
    week: Rates
    month: Rates
    costs: tuple[Cost, ...]
    trend: str
    projection: Projection | None
    rating: str
    red_days: int


def judge_reputation(
    days: Iterable[DayCounts],
    now: datetime,
    *,
    previous_level: str | None = None,
    scores: Iterable[tuple[date, int | None]] = (),
    ratings: Iterable[tuple[datetime, str]] = (),
    released_at: datetime | None = None,
) -> Judgement:
    """Judge a number, template, campaign, salesperson or country.

    The score is that of the weighted week; of a sender too quiet for that, of the flat month.

    :param days: its messages of the last 30 days
    :param previous_level: its level until now
    :param scores: (day, score) of the days before today
    :param ratings: for a number, the history of Meta's rating
    :param released_at: when a manager last released it; messages until the end of that day are
        ignored
    """
    days, ratings, today = list(days), list(ratings), now.date()
    fresh_start = released_at.date() if released_at else None
    week = rates(days, today, WEEK, fresh_start)
    month = rates(days, today, MONTH, fresh_start)
    used = week if week.is_enough else month
    points = score(used)
    reached = level(points, previous_level)
    known = [(day, old) for day, old in scores if _is_between(day, fresh_start, today)]
    known.append((today, points))
    return Judgement(
        score=points,
        level=reached,
        base=used.opt_out.base,
        window=used.window,
        week=week,
        month=month,
        costs=costs(used) if points is not None else (),
        trend=trend(known),
        projection=project(known, reached),
        rating=last_rating(ratings, now),
        red_days=red_days(ratings, now, released_at or None),
    )


def _is_between(day: date, fresh_start: date | None, today: date) -> bool:
    return day < today and (not fresh_start or day > fresh_start)
