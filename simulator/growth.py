"""How Meta raises a portfolio's messaging limit, and how a number's quality moves.

Source: Meta's "Messaging limits" page (2026-09-11) and "Send messages" (quality: 2025-11-04), the
webhook reference of business_capability_update and account_alerts. Read here:

- 250 to 2,000: 2,000 messages delivered outside a customer service window to unique people in 30
  moving days with high-quality templates; Meta then reviews and approves or denies. (Verification
  of the business is the control path ``limit``.)
- Above: messages of high quality across all numbers and templates, and at least half of the current
  limit used in the last 7 days. Then one level up within 6 hours.
- Quality is how people received the messages of 7 days, weighted by recency. Meta publishes
  neither weights nor thresholds: the figures of ``Reception`` only stand for them.

Whether the half counts over the 7 days or within one day is not on the page: ``reading``.
Nothing of this runs until a test or benchmark switches it on. Times are the world's clock.
"""

from collections import defaultdict
from dataclasses import dataclass, field, fields

from .state import DAY, draws

HOUR = 3600.0
TIERS = ("TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED")
PEOPLE = {"TIER_250": 250, "TIER_2K": 2000, "TIER_10K": 10000, "TIER_100K": 100000}


@dataclass(slots=True)
class Rules:
    """``scale`` is the share of the people on Meta's page that a test needs to reach a level;
    ``decision`` is the longest time to a raise in seconds; ``yellow`` and ``red`` are shares of
    the deliveries, weighted by recency, that people blocked or reported."""

    enabled: bool = False
    reading: str = "week"
    scale: float = 1.0
    decision: float = 6 * HOUR
    review: float = 24 * HOUR
    fewest: int = 100
    yellow: float = 0.02
    red: float = 0.04
    seed: int = 1

    def update(self, values):
        """Set known settings. Raises KeyError for an unknown name."""
        unknown = set(values) - {f.name for f in fields(self)}
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        for name, value in values.items():
            setattr(self, name, value)


def needed(tier, reading="week"):
    """(unique people, days) that the tier after this one needs; None after the last."""
    if tier not in PEOPLE:
        return None
    if tier == "TIER_250":
        return 2000, 30
    return PEOPLE[tier] // 2, 1 if reading == "day" else 7


def unique_people(last_at, now, days):
    """How many people were delivered to in the last ``days``; ``last_at`` is {person: time}."""
    return sum(at > now - days * DAY for at in last_at.values())


@dataclass(slots=True)
class Reception:
    """Deliveries and bad reactions of a number by day, newest days weighing most."""

    delivered: dict = field(default_factory=lambda: defaultdict(int))
    blocked: dict = field(default_factory=lambda: defaultdict(int))

    def rating(self, now, rules):
        """GREEN, YELLOW or RED by the weighted share of bad reactions in 7 days."""
        today = int(now // DAY)
        weights = {today - age: (7 - age) / 7 for age in range(7)}
        good = sum(weight * self.delivered.get(day, 0) for day, weight in weights.items())
        bad = sum(weight * self.blocked.get(day, 0) for day, weight in weights.items())
        if good < rules.fewest:
            return "GREEN"
        share = bad / good
        return "RED" if share >= rules.red else "YELLOW" if share >= rules.yellow else "GREEN"


class Growth:
    """Counts whom each portfolio reaches and decides about its limit. ``events`` sends webhooks."""

    def __init__(self, world, events):
        self.world = world
        self.events = events
        self.clear()

    def clear(self):
        self.rules = Rules()
        self.last_at = defaultdict(dict)
        self.receptions = defaultdict(Reception)
        self.due_at = {}
        self.denied = {}

    def delivered(self, number, person, outside):
        """A template was delivered to a person; ``outside`` any open service window."""
        if not self.rules.enabled:
            return
        now = self.world.clock.now()
        self.receptions[number.id].delivered[int(now // DAY)] += 1
        if outside:
            self.last_at[self._business(number).id][person.wa_id] = now
        self.check()

    def blocked(self, number):
        """A person blocked the number or reported its message. No webhook tells it."""
        if self.rules.enabled:
            self.receptions[number.id].blocked[int(self.world.clock.now() // DAY)] += 1
            self.check()

    def check(self):
        """Move the ratings, and decide what is due. Called after every event and jump in time."""
        if not self.rules.enabled:
            return
        now = self.world.clock.now()
        for number_id, reception in self.receptions.items():
            if number := self.world.numbers.get(number_id):
                number.quality_rating = reception.rating(now, self.rules)
        for business in list(self.world.businesses.values()):
            self._check_business(business, now)

    def status(self):
        """What a test reads: people used and needed, and when the decision is due."""
        now = self.world.clock.now()
        report = {}
        for business in self.world.businesses.values():
            wanted = self._needed(business)
            report[business.id] = {
                "limit": business.messaging_limit,
                "used": unique_people(self.last_at[business.id], now, wanted[1]) if wanted else 0,
                "needed": wanted[0] if wanted else 0,
                "due_at": self.due_at.get(business.id)}
        return report

    # ---- decisions ----------------------------------------------------------------------------

    def _check_business(self, business, now):
        wanted = self._needed(business)
        if not wanted:
            return
        due_at = self.due_at.get(business.id)
        if due_at is None:
            if unique_people(self.last_at[business.id], now, wanted[1]) >= wanted[0]:
                self.due_at[business.id] = now + self._wait(business)
        elif now >= due_at:
            del self.due_at[business.id]
            if self._high_quality(business):
                self._raise(business)
            elif now - self.denied.get(business.id, 0) >= DAY:
                self.denied[business.id] = now
                self._deny(business)

    def _needed(self, business):
        wanted = needed(business.messaging_limit, self.rules.reading)
        return wanted and (max(1, round(wanted[0] * self.rules.scale)), wanted[1])

    def _wait(self, business):
        rules = self.rules
        longest = rules.review if business.messaging_limit == "TIER_250" else rules.decision
        return longest * draws(rules.seed, business.id + business.messaging_limit)[0]

    def _high_quality(self, business):
        accounts = self._accounts(business)
        numbers = (n for n in self.world.numbers.values() if n.account_id in accounts)
        templates = (t for t in self.world.templates.values() if t.account_id in accounts)
        return (all(number.quality_rating == "GREEN" for number in numbers)
                and all(template.quality not in ("YELLOW", "RED") or not self._used(template)
                        for template in templates))

    def _used(self, template):
        """Whether it was sent in the days that Meta looks at."""
        first = int(self.world.clock.now() // DAY) - 7
        return any(day > first for days in template.days.values() for day in days)

    def _raise(self, business):
        following = TIERS[TIERS.index(business.messaging_limit) + 1]
        self.events.limit({"business_id": business.id, "limit": following})

    def _deny(self, business):
        for account_id in self._accounts(business):
            self.events.account({"id": account_id, "alert": {
                "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED",
                "alert_description": "Your message quality is too low to unlock more messages."}})

    def _accounts(self, business):
        return [a.id for a in self.world.accounts.values() if a.business_id == business.id]

    def _business(self, number):
        return self.world.businesses[self.world.find_account(number).business_id]
