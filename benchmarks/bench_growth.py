"""Days to 10,000 and 100,000 people a day: warmest first against first in, first out.

100 seeded worlds without Odoo (growth_worlds.py), each lived through twice; then what the order
costs when a real campaign is prepared.
"""

import statistics

from .bench_audience import make_leads, prepare
from .growth_worlds import LONGEST, grow, make_people, paired_interval

NAME = "growth"
WORLDS = 100
# How much a person's liking, seen in their reactions, decides about blocks and opt-outs.
EFFECTS = {"none": 0.0, "half": 0.5, "full": 1.0}
LEVELS = {"TIER_10K": "10,000", "TIER_100K": "100,000"}


def run(bench, world):
    worlds, people = bench.size((WORLDS, 20_000), (3, 3_000))
    for name, effect in EFFECTS.items():
        report_effect(bench.report, name, effect, worlds, people)
    _measure_preparation(bench, world)


def report_effect(report, name, effect, worlds, people):
    """Both orders in each world; the gain in days with its interval over worlds."""
    lives = []
    for seed in range(worlds):
        crowd = make_people(seed, effect, people)
        lives.append((grow(crowd, warmest_first=False), grow(crowd, warmest_first=True)))
    for tier, level in LEVELS.items():
        title = f"effect {name}, days to {level}"
        for order, place in (("first in, first out", 0), ("warmest first", 1)):
            days = [life[place].days[tier] for life in lives]
            report.add(NAME, f"{title}: {order}, median", statistics.median(days), "days")
            never = sum(one == LONGEST for one in days)
            report.add(NAME, f"{title}: {order}, never", never, "worlds")
        gains = [fifo.days[tier] - warm.days[tier] for fifo, warm in lives]
        mean, low, high = paired_interval(gains)
        report.add(NAME, f"{title}: mean gain", mean, "days")
        report.add(NAME, f"{title}: mean gain, 95% from", low, "days")
        report.add(NAME, f"{title}: mean gain, 95% to", high, "days")
    for order, place in (("first in, first out", 0), ("warmest first", 1)):
        opt_outs = statistics.mean(life[place].opt_outs for life in lives)
        report.add(NAME, f"effect {name}, opt-outs until then: {order}, mean", opt_outs)


def _measure_preparation(bench, world):
    """The same audience prepared in both orders, in turns: what scoring its people costs."""
    count, taken = bench.size(100_000, 300), {False: [], True: []}
    for _round in range(bench.size(3, 1)):
        for order, seconds in taken.items():
            make_leads(bench, count)
            seconds.append(prepare(bench, world, count, warmest_first=order))
    plain, warmest = (statistics.median(seconds) for seconds in taken.values())
    bench.report.add(NAME, f"prepared warmest first, {count:,} people", count / warmest, "people/s")
    ratio = plain / warmest
    bench.report.add(NAME, "of the speed in the audience's own order", ratio, must=(">=", 0.8))
