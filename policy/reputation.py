"""What recipients seem to think of a number, a template, a campaign: rates, score, level, trend.

Meta reveals neither who blocked or reported a business nor how many did (Meta, Webhooks overview,
2026-09-11; Meta, Support, 2025-11-19). This is our own reading of what can be seen. Meta's colour
is kept apart and never enters the score: the two are shown side by side.

**Evidence** is counted by cohort (`DayCounts`): all figures of a day are about the messages
accepted on that day, whenever the outcome came. So no outcome is ever compared with the messages
of another day.

**Rates** say how many messages in a hundred met a bad end, of those whose end is known:

- opt-outs, of the messages delivered;
- possible blocks: sent, and still not delivered after `SILENT_AFTER_DAYS`, of those delivered or
  silent. A block looks exactly so, and so does a phone that is switched off;
- undeliverable (131026: no WhatsApp there), of those delivered or undeliverable;
- limited (131049, 130472: WhatsApp itself kept the promotion back), of those delivered or limited.

Over 7 days recent days weigh more, as in Meta's own rating ("last 7 days, weighted by recency":
Meta, Send messages, 2025-11-04): today 7, yesterday 6, ... six days ago 1. Over 30 days all weigh
the same. A rate of fewer than `MIN_VOLUME` messages has no value; in the weighted week a message
counts towards the minimum as much as it weighs, or one opt-out of today among few fresh messages
would colour a number.

**Score** = 100 minus what each rate costs:

    cost = 80 x rate / risk rate - 20, never below 0

A rate up to a quarter of its risk rate is normal and costs nothing; at half of it it costs 20
points; at the risk rate 60; beyond it goes on. The costs add up, since several half-bad signs are
worse than one. Meta publishes no thresholds, so these are ours, graded as Amazon SES grades
bounces (review at 5 %, pause at 10 %), and stricter for opt-outs, where the person acted:

    signal           normal to   watch at   risk at
    opt-outs           0.5 %        1 %        2 %
    possible blocks    2.5 %        5 %       10 %
    undeliverable      2.5 %        5 %       10 %
    limited             10 %       20 %       40 %    never more than 20 points: it depends on what
                                                      all businesses send to the person

A refusal 131048 is Meta's own word that people blocked or reported the number: 60 points on its
day, fading over the week. Read and reply rates are shown and cost nothing: people may switch read
receipts off.

**Level**: from 80 healthy, from 40 watch, below at risk. So one bad rate alone is watch beyond its
watch line and at risk beyond its risk line. A level changes only when the score is `MARGIN` points
beyond the line, so that a score trembling on it does not change the level every day.

**Who is judged by what**: the score is that of the weighted week; of a sender too quiet for that,
of the flat 30 days; below `MIN_VOLUME` in 30 days there is no score and no colour. Thirty days hold
all the week's messages, so more messages never end a judgement.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

WEEK, MONTH = 7, 30

# Delivered messages below which there is no score. Of 200, one opt-out is 0.5 %: still normal, so
# that no single person can change a level.
MIN_VOLUME = 200

# Whole days after the day of sending. Meta goes on trying for 30 days by default (Meta,
# Time-to-live, 2025-10-31), but a reading that comes a month late protects nobody, and a phone in
# use is online within two days.
SILENT_AFTER_DAYS = 2

RISK = {"opt_out": 0.02, "possible_block": 0.10, "undeliverable": 0.10, "limited": 0.40}
NORMAL_PART = 0.25
POINTS_AT_RISK = 60
POINTS_PER_RISK = POINTS_AT_RISK / (1 - NORMAL_PART)
MOST_POINTS = {"limited": 20}
SPAM_POINTS = 60

LEVELS = ("healthy", "watch", "at_risk", "unknown")
HEALTHY_FROM, WATCH_FROM = 80, 40
MARGIN = 5

# A trend needs four days of the last seven; less than a point a day is steady.
TREND_DAYS, TREND_POINTS, TREND_SLOPE = 7, 4, 1.0
# Further away, or less certain, a projection helps nobody to decide anything today.
HORIZON_DAYS, LONGEST_ERROR_DAYS, SHORTEST_ERROR_DAYS = 14, 7, 0.5
# Student's t, two-sided 95 %, by degrees of freedom (points less two).
STUDENT = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}
# A score strays by half a point without a cause (rounding, a handful of people), also when the few
# that are seen happen to lie on a line.
LEAST_VARIANCE = 0.25

# A drop is looked for in what was sent in the week up to it. A group needs MIN_GROUP messages; and
# as many groups are compared, chance must explain a difference in less than 1 % (one-sided).
MIN_GROUP = 100
WILSON_Z = 2.33
# Less than a point of the score is not worth a manager's time.
LEAST_CONTRIBUTION = 1.0
# Of equal suspects the first kind is the most telling.
GROUP_KINDS = ("campaign", "template", "audience", "source", "salesperson", "country")

RATINGS_BY_RANK = ("unknown", "green", "yellow", "red")


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Messages accepted by Meta on the UTC day `day`, by what became of them.

    sent: accepted, and not refused in the answer itself
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
PARTS = {
    "opt_out": ("opted_out", ("delivered",)),
    "possible_block": ("silent", ("delivered", "silent")),
    "undeliverable": ("undeliverable", ("delivered", "undeliverable")),
    "limited": ("limited", ("delivered", "limited")),
    "failure": ("failed", ("delivered", "failed")),
    "delivery": ("delivered", ("sent",)),
    "read": ("read", ("delivered",)),
    "reply": ("replied", ("delivered",)),
}
MEASURES = tuple(PARTS)


class Rate(NamedTuple):
    """`count` of `base` messages; `value` is 0 to 1, None when the base is too thin.

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
        """Tell whether there is enough volume for a score."""
        return self.volume >= MIN_VOLUME


class Cost(NamedTuple):
    """Score points that a measure, or 'spam_limited', costs."""

    measure: str
    points: float


class Projection(NamedTuple):
    """The level that is reached next at this rate, in how many days, give or take how many."""

    level: str
    in_days: float
    error_days: float


class Group(NamedTuple):
    """Part of a number's messages: those of one campaign, template, country... (`GROUP_KINDS`)."""

    kind: str
    key: object
    days: Sequence[DayCounts]


class Suspect(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What we think of a subject.

    score: 0 to 100, None when there is not enough data; level: one of `LEVELS`
    base: messages delivered in the `window` (days) that the score is of
    costs: what the score lost, dearest first
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


# Rates


def rates(
    days: Iterable[DayCounts], today: date, window: int = WEEK, fresh_start: date | None = None
) -> Rates:
    """Return the rates of the last `window` days: weighted when that is `WEEK`, otherwise flat.

    :param days: cohorts in any order, several of one day add up; those after `today` do not count
    :param fresh_start: day on which a manager released the subject: that day's messages and older
        ones do not count
    """
    counted = _counted(days, today, window, fresh_start)
    measured = {measure: _rate(measure, counted, today, window) for measure in MEASURES}
    volume = sum(_weight(row, today, window) * row.delivered for row in counted)
    spam_days = [_weight(row, today, WEEK) for row in counted if row.spam_limited]
    return Rates(
        window=window,
        volume=volume / _full_weight(window),
        spam_weight=max(spam_days, default=0) / WEEK,
        **measured,
    )


def _counted(days, today, window, fresh_start) -> list[DayCounts]:
    first = today - timedelta(days=window - 1)
    if fresh_start:
        first = max(first, fresh_start + timedelta(days=1))
    return [row for row in days if first <= row.day <= today]


def _weight(row: DayCounts, today: date, window: int) -> int:
    return max(WEEK - (today - row.day).days, 0) if window == WEEK else 1


def _full_weight(window: int, youngest: int = 0) -> int:
    return WEEK - youngest if window == WEEK else 1


def _rate(measure: str, counted: list[DayCounts], today: date, window: int) -> Rate:
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
    counted, of = PARTS[measure]
    return getattr(row, counted), sum(getattr(row, name) for name in of)


# Score and level


def costs(measured: Rates) -> tuple[Cost, ...]:
    """Return what each bad sign costs, in score points, dearest first; a free one is left out."""
    found = [Cost(measure, _points(measure, getattr(measured, measure).value)) for measure in RISK]
    found.append(Cost("spam_limited", SPAM_POINTS * measured.spam_weight))
    return tuple(sorted((cost for cost in found if cost.points > 0), key=lambda cost: -cost.points))


def _points(measure: str, value: float | None) -> float:
    excess = (value or 0) / RISK[measure] - NORMAL_PART
    return min(max(POINTS_PER_RISK * excess, 0), MOST_POINTS.get(measure, math.inf))


def score(measured: Rates) -> int | None:
    """Return the score, 0 (worst) to 100; None when there is not enough data."""
    if not measured.is_enough:
        return None
    return round(max(100 - sum(cost.points for cost in costs(measured)), 0))


def level(points: int | None, previous: str | None = None) -> str:
    """Return the level of a score of `points`, one of `LEVELS`.

    :param previous: the level until now. It is left only when the score is `MARGIN` points beyond
        the line; without one, or after 'unknown', the line itself decides.
    """
    if points is None:
        return "unknown"
    if not _is_above(points, WATCH_FROM, previous, ("healthy", "watch")):
        return "at_risk"
    return "healthy" if _is_above(points, HEALTHY_FROM, previous, ("healthy",)) else "watch"


def _is_above(points: int, line: int, previous: str | None, levels_above: tuple) -> bool:
    if not previous or previous == "unknown":
        return points >= line
    if previous in levels_above:
        return points > line - MARGIN
    return points >= line + MARGIN


# Trend and projection


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

        The error is the longer side of Fieller's 95 % interval (Fieller, Some problems in
        interval estimation, 1954), which is open when the slope may as well be none. The slope
        itself must not be 0.
        """
        reach = (target - self.mean_y) / self.slope
        student = STUDENT[self.count - 2]
        doubt = student**2 * self.variance / (self.slope**2 * self.spread)
        if doubt >= 1:
            return None
        half = student * math.sqrt(self.variance) / abs(self.slope)
        half *= math.sqrt((1 - doubt) / self.count + reach**2 / self.spread)
        error = (doubt * abs(reach) + half) / (1 - doubt)
        return self.mean_x + reach, max(error, SHORTEST_ERROR_DAYS)


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
    variance = max(residuals / (count - 2), LEAST_VARIANCE)
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
    """Foresee the next change of our level, if the last week's scores go on in a straight line.

    :param current: the level now
    :return: days from the last score, and an error that holds 19 times in 20 if they do go on so
        and stray by no more than two points; None when the score is steady, or no change is near
        and certain enough to be worth saying
    """
    scores = list(scores)
    direction = trend(scores)
    target = _next_change(current, direction)
    found = target and _line(scores).days_until(target[1])
    if not found:
        return None
    in_days, error_days = max(found[0], 0.0), found[1]
    if in_days > HORIZON_DAYS or error_days > LONGEST_ERROR_DAYS:
        return None
    return Projection(target[0], in_days, error_days)


def _next_change(current: str, direction: str) -> tuple[str, int] | None:
    """Return the next level and the score at which it begins, as in `level`."""
    return {
        ("healthy", "falling"): ("watch", HEALTHY_FROM - MARGIN),
        ("watch", "falling"): ("at_risk", WATCH_FROM - MARGIN),
        ("at_risk", "rising"): ("watch", WATCH_FROM + MARGIN),
        ("watch", "rising"): ("healthy", HEALTHY_FROM + MARGIN),
    }.get((current, direction))


# Meta's rating. `ratings` is its history: (moment it was read, colour), ascending. "Not rated" is
# no colour but the want of one: after red it is no relief, and it ends no run of red days.


def last_rating(ratings: Iterable[tuple[datetime, str]], now: datetime) -> str:
    """Return the last colour that Meta gave: 'green', 'yellow' or 'red'; 'unknown' if none."""
    colours = _colours(ratings, now)
    return colours[-1][1] if colours else "unknown"


def red_days(
    ratings: Iterable[tuple[datetime, str]], now: datetime, since: datetime | None = None
) -> int:
    """Return for how many whole days (of 24 h) the number has been red without a break.

    :param since: when a manager last released the number; red days before it do not count
    """
    red_from = None
    for moment, colour in _colours(ratings, now):
        red_from = (red_from or moment) if colour == "red" else None
    if red_from is None:
        return 0
    return max((now - max(red_from, since or red_from)).days, 0)


def rating_week(
    ratings: Iterable[tuple[datetime, str]], now: datetime, days: int = WEEK
) -> tuple[tuple[date, str], ...]:
    """Return the worst colour that the number had on each of the last `days` days, oldest first."""
    colours = _colours(ratings, now)
    week = []
    for age in reversed(range(days)):
        day = now.date() - timedelta(days=age)
        begins = datetime.combine(day, time.min)
        ends = begins + timedelta(days=1)
        held = [last_rating(colours, begins)]
        held += [colour for moment, colour in colours if begins < moment < ends]
        week.append((day, max(held, key=RATINGS_BY_RANK.index)))
    return tuple(week)


def _colours(ratings, now: datetime) -> list[tuple[datetime, str]]:
    return [(moment, colour) for moment, colour in ratings if colour != "unknown" and moment <= now]


# Suspects


def rank_suspects(
    groups: Iterable[Group],
    everything: Sequence[DayCounts],
    drop_on: date,
    today: date,
    fresh_start: date | None = None,
) -> list[Suspect]:
    """Return the groups that may explain a drop of the score on `drop_on`, worst first.

    Each group's messages of the week up to the drop are compared with all others of the 30 days
    up to it. What is held against a group is not its rate but the least that its rate can well be
    (Wilson's lower bound), so that a small group is not blamed for bad luck; and only what of it
    is both unusual for the number and above normal.

    :param everything: all messages of the number, the groups' among them
    """
    window = _counted(everything, drop_on, WEEK, fresh_start)
    month = _counted(everything, drop_on, MONTH, fresh_start)
    of_all = {name: (_plain(name, month, today), _plain(name, window, today)) for name in RISK}
    found = []
    for group in groups:
        rows = _counted(group.days, drop_on, WEEK, fresh_start)
        compared = [
            _compare(group, name, _plain(name, rows, today), *of_all[name]) for name in RISK
        ]
        worst = max(filter(None, compared), key=lambda s: s.contribution, default=None)
        if worst and worst.contribution >= LEAST_CONTRIBUTION:
            found.append(worst)
    return sorted(
        found, key=lambda s: (-round(s.contribution, 6), GROUP_KINDS.index(s.kind), str(s.key))
    )


def _compare(group: Group, measure: str, own, of_month, of_week) -> Suspect | None:
    """Compare a group's (count, base) with those of all messages of the month and of the week."""
    (count, base), (all_count, all_base) = own, of_month
    if base < MIN_GROUP:
        return None
    risk, usual, usual_base = RISK[measure], RISK[measure] * NORMAL_PART, 0
    if all_base - base >= MIN_VOLUME:
        usual_base = all_base - base
        usual = max(all_count - count, 0) / usual_base
    value = min(count / base, 1.0)
    excess = _at_least(value, base) / risk - max(usual / risk, NORMAL_PART)
    share = base / max(of_week[1], base)
    return Suspect(
        kind=group.kind,
        key=group.key,
        measure=measure,
        rate=Rate(count, base, value),
        usual=usual,
        usual_base=usual_base,
        ratio=value / usual if usual else None,
        contribution=min(POINTS_PER_RISK * excess * share, MOST_POINTS.get(measure, math.inf)),
    )


def _plain(measure: str, rows: list[DayCounts], today: date) -> tuple[int, int]:
    counted = _rate(measure, rows, today, MONTH)
    return counted.count, counted.base


def _at_least(value: float, base: int) -> float:
    """Return Wilson's lower bound of a rate seen in `base` messages (Wilson, Probable inference,
    the law of succession, and statistical inference, 1927)."""
    square = WILSON_Z**2
    half = WILSON_Z * math.sqrt(value * (1 - value) / base + square / (4 * base**2))
    return (value + square / (2 * base) - half) / (1 + square / base)


def cost(
    part: Iterable[DayCounts],
    everything: Iterable[DayCounts],
    today: date,
    fresh_start: date | None = None,
) -> int | None:
    """Return how many points higher the score would be without the messages of `part`.

    Where too little would be left to be judged, the loss is shared out by who met the bad ends:
    a good campaign is not charged for being most of what was sent.

    :return: None when there is not enough data about everything
    """
    everything, part = list(everything), list(part)
    whole = rates(everything, today, WEEK, fresh_start)
    now = score(whole)
    if now is None:
        return None
    rest = rates(_without(everything, part), today, WEEK, fresh_start)
    if rest.is_enough:
        return max(round(100 - sum(each.points for each in costs(rest))) - now, 0)
    mine = rates(part, today, WEEK, fresh_start)
    found = costs(whole)
    points = sum(each.points for each in found)
    caused = sum(each.points * _share(each.measure, mine, whole) for each in found)
    return round((100 - now) * caused / points) if points else 0


def _share(measure: str, mine: Rates, whole: Rates) -> float:
    """What part, 0 to 1, of the bad ends that cost `whole` something were met by `mine`."""
    if measure == "spam_limited":
        return mine.spam_weight / whole.spam_weight
    return getattr(mine, measure).count / getattr(whole, measure).count


def _without(everything: Iterable[DayCounts], part: Iterable[DayCounts]) -> list[DayCounts]:
    sums = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for sign, rows in ((1, everything), (-1, part)):
        for row in rows:
            for name in COUNTS:
                sums[row.day][name] += sign * getattr(row, name)
    return [
        DayCounts(day, **{name: max(count, 0) for name, count in counts.items()})
        for day, counts in sums.items()
    ]


# All of it


def judge(
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
    :param released_at: when a manager last released it: nothing until the end of that day counts
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
