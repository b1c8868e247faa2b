"""Seeded worlds in which a portfolio grows: the addon's rules against the simulator's, no Odoo.

A world is a portfolio at 2,000 people a day that warms up from 250, and people who opted in. Each
has a hidden liking. It decides how likely they wrote, clicked or read before (what the addon sees)
and, by the `effect` of the world, how likely they block or opt out. With an effect of 0 what the
addon sees says nothing about how messages are received.

The addon's side is `policy` (plan, warmth, warm-up, half speed at yellow, no promotions at red);
Meta's side is the simulator's own reading (`simulator.growth`). A day is one step.
"""

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo.addons.waba_campaign.policy import growth, limits, response, warm_up, warmth

from simulator.growth import PEOPLE, TIERS, Reception, Rules, needed, unique_people
from simulator.state import DAY

START = datetime(2026, 1, 1)
DAY_STEP = timedelta(days=1)
PEOPLE_COUNT = 20_000
LONGEST = 90
# Shares of an average person's messages; each world draws its own within them.
BLOCKS, OPT_OUTS = (0.005, 0.025), (0.005, 0.02)
# A team that watches its results stops for the day at so many opt-outs, in either order.
OPT_OUTS_A_DAY = 10
LEVEL_OF_TIER = {tier: str(PEOPLE[tier]) if tier in PEOPLE else "unlimited" for tier in TIERS}
RULES = Rules()


class Person(NamedTuple):
    score: int
    blocks: bool
    opts_out: bool


class Run(NamedTuple):
    """Days to 10,000 and to 100,000 (LONGEST if never), and what happened until the end."""

    days: dict
    opt_outs: int
    contacted: int


def make_people(seed, effect, count=PEOPLE_COUNT):
    """[Person] in the order in which they opted in."""
    chance = random.Random(f"{seed}:{effect}")
    block_rate, opt_out_rate = chance.uniform(*BLOCKS), chance.uniform(*OPT_OUTS)
    people = []
    for _index in range(count):
        liking = chance.random()
        # Its mean over all people is 1, whatever the effect.
        dislike = 1 + effect * (1 - 2 * liking)
        people.append(
            Person(
                warmth.warmth(_activity(chance, liking), START).score,
                chance.random() < block_rate * dislike,
                chance.random() < opt_out_rate * dislike,
            )
        )
    return people


def _activity(chance, liking):
    def signal(most):
        is_there = chance.random() < most * liking
        return START - timedelta(days=chance.uniform(0, 120)) if is_there else None

    return warmth.Activity(signal(0.3), signal(0.3), signal(0.9), signal(0.2))


def grow(people, warmest_first):
    """Send day by day until 100,000 is reached, or for LONGEST days."""
    return _Portfolio(people, warmest_first).run()


class _Portfolio:
    def __init__(self, people, warmest_first):
        order = range(len(people))
        # The first who opted in come first; of equally warm people too.
        self.order = sorted(order, key=lambda one: -people[one].score) if warmest_first else order
        self.people, self.left_out = people, set()
        self.tier, self.reception, self.last_at = "TIER_2K", Reception(), {}
        self.warming = warm_up.WarmUp(250, 0, START - DAY_STEP)
        self.settings = response.Settings()
        self.place = self.opt_outs = 0

    def run(self):
        days = {}
        for day in range(1, LONGEST + 1):
            now = day * DAY
            rating = self.reception.rating(now, RULES)
            sent = self._send_day(now, rating)
            self._advance(day, rating, sent)
            if self._is_raised(now):
                before = limits.people_limit(LEVEL_OF_TIER[self.tier])
                self.tier = TIERS[TIERS.index(self.tier) + 1]
                days[self.tier] = day
                if self.tier == "TIER_100K":
                    break
                self.warming = self.warming or warm_up.WarmUp(before, 0, START + day * DAY_STEP)
        reached = {tier: days.get(tier, LONGEST) for tier in ("TIER_10K", "TIER_100K")}
        return Run(reached, self.opt_outs, len(self.last_at))

    def _send_day(self, now, rating):
        """Contact as many as the plan allows, until too many have opted out."""
        room = self._plan(now, rating).most
        if rating == "RED":
            return 0
        if rating == "YELLOW":
            room = int(room * self.settings.yellow_share)
        today, sent, opt_outs = int(now // DAY), 0, 0
        following = self._next_people(now)
        while sent < room and opt_outs < OPT_OUTS_A_DAY:
            one = next(following, None)
            if one is None:
                break
            sent += 1
            self.last_at[one] = now
            self.reception.delivered[today] += 1
            self.reception.blocked[today] += self.people[one].blocks
            if self.people[one].opts_out:
                opt_outs += 1
                self.left_out.add(one)
        self.opt_outs += opt_outs
        return sent

    def _plan(self, now, rating):
        level = LEVEL_OF_TIER[self.tier]
        limit = limits.people_limit(level)
        most = warm_up.warm_up_limit(self.warming, limit, self.settings) if self.warming else limit
        ages = [0] * growth.USED_DAYS
        for at in self.last_at.values():
            if (age := int((now - at) // DAY)) < growth.USED_DAYS:
                ages[age] += 1
        audience = len(self.people) - len(self.left_out) - sum(ages)
        quality = rating.lower()
        return growth.make_plan(
            growth.Situation(level, quality, ages, most, None, self.settings.warm_up_growth,
                             audience), START,
        )  # fmt: skip

    def _next_people(self, now):
        """Those who may be contacted, in order; the same person again a week later."""
        for place in range(self.place, len(self.order)):
            self.place = place + 1
            yield self.order[place]
        for one in self.order:
            if one not in self.left_out and now - self.last_at[one] >= growth.USED_DAYS * DAY:
                yield one

    def _advance(self, day, rating, sent):
        if self.warming:
            limit = limits.people_limit(LEVEL_OF_TIER[self.tier])
            level = {"GREEN": "healthy", "YELLOW": "watch", "RED": "at_risk"}[rating]
            now = START + day * DAY_STEP
            self.warming = warm_up.advance_warm_up(
                self.warming, limit, sent, level, rating.lower(), now, self.settings
            )

    def _is_raised(self, now):
        """Meta's decision, within six hours: before the next day."""
        people, days = needed(self.tier)
        return (
            unique_people(self.last_at, now, days) >= people
            and self.reception.rating(now, RULES) == "GREEN"
        )


def paired_interval(differences, rounds=2000, seed=1):
    """(mean, low, high): the mean difference and its 95% bootstrap interval over worlds."""
    chance, count = random.Random(seed), len(differences)
    means = sorted(sum(chance.choices(differences, k=count)) / count for _round in range(rounds))
    low, high = means[int(0.025 * rounds)], means[int(0.975 * rounds) - 1]
    return sum(differences) / count, low, high
