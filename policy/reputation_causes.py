"""What explains a score: the groups behind a drop, and what part of the messages cost."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from .proportions import wilson_interval
from .reputation_rates import (
    COUNTS,
    MIN_VOLUME,
    MONTH,
    WEEK,
    DayCounts,
    Rate,
    Rates,
    calculate_rate,
    in_window,
    rates,
)
from .reputation_score import (
    MAX_POINTS,
    NORMAL_SHARE,
    POINTS_PER_RISK,
    RISK_THRESHOLDS,
    costs,
    score,
)

# A drop is looked for in what was sent in the week up to it. A group needs MIN_GROUP messages; and
# as many groups are compared, chance must explain a difference in less than 1 % (one-sided).
MIN_GROUP = 100
WILSON_Z = 2.33
# A smaller contribution, in score points, is not worth a manager's time.
MIN_CONTRIBUTION = 1.0
# Of equal causes the first kind is shown first.
GROUP_KINDS = ("campaign", "template", "audience", "source", "salesperson", "country")


class Group(NamedTuple):
    """Part of a number's messages: those of one campaign, template, country... (`GROUP_KINDS`)."""

    kind: str
    key: object
    days: Sequence[DayCounts]


class LikelyCause(NamedTuple):
    """A group whose `measure` is worse than that of the number's other messages.

    usual: the rate of the others, and usual_base their number; when that is 0 there are too few
        of them, and `usual` is the normal rate
    ratio: how many times the usual; None when that is 0
    contribution: score points of the number that the excess explains, cautiously estimated
    """

    kind: str
    key: object
    measure: str
    rate: Rate
    usual: float
    usual_base: int
    ratio: float | None
    contribution: float


def rank_causes(
    groups: Iterable[Group],
    everything: Sequence[DayCounts],
    drop_on: date,
    today: date,
    fresh_start: date | None = None,
) -> list[LikelyCause]:
    """Return the groups that may explain a drop of the score on `drop_on`, worst first.

    Each group's messages of the week up to the drop are compared with all others of the 30 days up
    to it. A group is assessed not by its rate but by Wilson's lower bound of it, so that a small
    group is not blamed for bad luck; and only by the part that is both unusual for the number and
    above normal.

    :param everything: all messages of the number, the groups' among them
    """
    window = in_window(everything, drop_on, WEEK, fresh_start)
    month = in_window(everything, drop_on, MONTH, fresh_start)
    of_all = {
        name: (_plain(name, month, today), _plain(name, window, today)) for name in RISK_THRESHOLDS
    }
    found = []
    for group in groups:
        rows = in_window(group.days, drop_on, WEEK, fresh_start)
        compared = [
            _compare(group, name, _plain(name, rows, today), *of_all[name])
            for name in RISK_THRESHOLDS
        ]
        worst = max(filter(None, compared), key=lambda s: s.contribution, default=None)
        if worst and worst.contribution >= MIN_CONTRIBUTION:
            found.append(worst)
    return sorted(
        found, key=lambda s: (-round(s.contribution, 6), GROUP_KINDS.index(s.kind), str(s.key))
    )


def _compare(group: Group, measure: str, own, of_month, of_week) -> LikelyCause | None:
    """Compare a group's (count, base) with those of all messages of the month and of the week."""
    (count, base), (all_count, all_base) = own, of_month
    if base < MIN_GROUP:
        return None
    risk, usual, usual_base = RISK_THRESHOLDS[measure], RISK_THRESHOLDS[measure] * NORMAL_SHARE, 0
    if all_base - base >= MIN_VOLUME:
        usual_base = all_base - base
        usual = max(all_count - count, 0) / usual_base
    value = min(count / base, 1.0)
    least, _most = wilson_interval(count, base, WILSON_Z)
    excess = least / risk - max(usual / risk, NORMAL_SHARE)
    share = base / max(of_week[1], base)
    return LikelyCause(
        kind=group.kind,
        key=group.key,
        measure=measure,
        rate=Rate(count, base, value),
        usual=usual,
        usual_base=usual_base,
        ratio=value / usual if usual else None,
        contribution=min(POINTS_PER_RISK * excess * share, MAX_POINTS.get(measure, math.inf)),
    )


def _plain(measure: str, rows: list[DayCounts], today: date) -> tuple[int, int]:
    counted = calculate_rate(measure, rows, today, MONTH)
    return counted.count, counted.base


def score_cost(
    part: Iterable[DayCounts],
    everything: Iterable[DayCounts],
    today: date,
    fresh_start: date | None = None,
) -> int | None:
    """Return how many points higher the score would be without the messages of `part`.

    If too few messages would remain for a score, the loss is divided by bad outcomes: a good
    campaign is not charged for its size.

    :return: None when there is not enough data about everything
    """
    everything, part = list(everything), list(part)
    whole = rates(everything, today, WEEK, fresh_start)
    now = score(whole)
    if now is None:
        return None
    rest = rates(_subtract_counts(everything, part), today, WEEK, fresh_start)
    if rest.is_enough:
        return max(round(100 - sum(each.points for each in costs(rest))) - now, 0)
    mine = rates(part, today, WEEK, fresh_start)
    found = costs(whole)
    points = sum(each.points for each in found)
    caused = sum(each.points * _cost_share(each.measure, mine, whole) for each in found)
    return round((100 - now) * caused / points) if points else 0


def _cost_share(measure: str, mine: Rates, whole: Rates) -> float:
    """Return the share, 0 to 1, of the bad outcomes of `whole` that are from `mine`."""
    if measure == "spam_limited":
        return mine.spam_weight / whole.spam_weight
    return getattr(mine, measure).count / getattr(whole, measure).count


def _subtract_counts(everything: Iterable[DayCounts], part: Iterable[DayCounts]) -> list[DayCounts]:
    sums = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for sign, rows in ((1, everything), (-1, part)):
        for row in rows:
            for name in COUNTS:
                sums[row.day][name] += sign * getattr(row, name)
    return [
        DayCounts(day, **{name: max(count, 0) for name, count in counts.items()})
        for day, counts in sums.items()
    ]
