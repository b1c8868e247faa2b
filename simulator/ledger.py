"""What the platform charges: its own price list, every charge, and `pricing_analytics` of them.

Sources: Meta's pages "Pricing" (2026-09-11) and "Analytics" (2026-02-12), Graph API reference of
`pricing_analytics` (v25.0). Prices are per delivered message in the account's currency.
"""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from .graph_errors import GraphError, missing_parameter
from .state import COUNTRIES, dial_code

# {country or "*" for all others: {category: price}}.
PRICES = {"*": {"marketing": 0.05, "utility": 0.02, "authentication": 0.02, "service": 0.02}}
# The Marketing Messages API's promotions cost what promotions cost.
SAME_PRICE = {"marketing_lite": "marketing"}
GRANULARITIES = ("HALF_HOUR", "DAILY", "MONTHLY")
METRICS = ("COST", "VOLUME")
DIMENSIONS = {"COUNTRY": "country", "PHONE": "phone_number", "PRICING_CATEGORY": "pricing_category",
              "PRICING_TYPE": "pricing_type", "TIER": "tier"}


@dataclass(slots=True)
class Charge:
    """One delivered message; ``amount`` is 0 when it was free."""

    at: float
    account_id: str
    phone_number: str
    country: str
    pricing_category: str
    pricing_type: str
    amount: float
    wamid: str
    opaque: str
    tier: str = ""


class Ledger:
    """``prices`` is the list; ``charges`` all so far.

    What tests add to the reply of `pricing_analytics`: ``extra_volume`` and ``extra_cost`` on its
    first row, ``credit_line`` leaves the costs out, as on a partner's credit line.
    """

    def __init__(self):
        self.clear()

    def clear(self):
        self.prices = PRICES
        self.charges = []
        self.extra_volume, self.extra_cost, self.credit_line = 0, 0.0, False

    def price(self, country, category):
        """What a message of a category (lower case) to a country costs."""
        category = SAME_PRICE.get(category, category)
        for known in (self.prices.get(country, {}), self.prices.get("*", {})):
            for name in (category, "utility" if category == "service" else category):
                if name in known:
                    return known[name]
        return 0.0

    def charge(self, message, at):
        """Register that a message was delivered."""
        number, pricing = message.number, message.pricing
        country = COUNTRIES.get(dial_code(message.person.wa_id), "ZZ")
        own = getattr(message, "cost", None)
        if not pricing.get("billable"):
            amount = 0.0
        elif own:
            amount = own["amount"]
        else:
            amount = self.price(country, pricing["category"])
        self.charges.append(Charge(
            at, number.account_id, number.digits, country, pricing["category"].upper(),
            pricing["type"].upper(), amount, message.wamid, message.opaque))

    def as_dicts(self):
        return [asdict(charge) for charge in self.charges]

    def analytics(self, account, query):
        """GET /{account}/pricing_analytics"""
        try:
            start, end = int(query["start"]), int(query["end"])
        except (KeyError, ValueError):
            raise missing_parameter("start, end") from None
        granularity = query.get("granularity")
        if granularity not in GRANULARITIES:
            raise GraphError(100, f"granularity must be one of {', '.join(GRANULARITIES)}.")
        metrics = _listed(query, "metric_types", METRICS) or METRICS
        dimensions = [DIMENSIONS[name] for name in _listed(query, "dimensions", DIMENSIONS)]
        points = defaultdict(lambda: {"volume": 0, "cost": 0.0})
        for charge in self.charges:
            if charge.account_id == account.id and start <= charge.at < end:
                slot = _slot(charge.at, granularity)
                point = points[(*slot, *(getattr(charge, name) for name in dimensions))]
                point["volume"] += 1
                point["cost"] += charge.amount
        rows = [{"start": key[0], "end": key[1], **dict(zip(dimensions, key[2:], strict=True)),
                 "volume": point["volume"], "cost": round(point["cost"], 6)}
                for key, point in sorted(points.items())]
        if rows:
            rows[0]["volume"] += self.extra_volume
            rows[0]["cost"] = round(rows[0]["cost"] + self.extra_cost, 6)
        hidden = {name.lower() for name in METRICS if name not in metrics}
        if self.credit_line:
            hidden.add("cost")
        rows = [{k: v for k, v in row.items() if k not in hidden} for row in rows]
        return {"data": [{"data_points": rows}] if rows else []}


def _listed(query, name, known):
    """A parameter that is a JSON list of known words."""
    try:
        words = json.loads(query.get(name) or "[]")
    except ValueError:
        words = None
    if not isinstance(words, list) or not set(words) <= set(known):
        raise GraphError(100, f"{name} must be a list of: {', '.join(known)}.")
    return words


def _slot(at, granularity):
    """(start, end) in Unix seconds of the slot, in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    if granularity == "HALF_HOUR":
        start = moment.replace(minute=30 * (moment.minute // 30), second=0, microsecond=0)
        end = start + timedelta(minutes=30)
    else:
        start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        end = start + timedelta(days=1)
        if granularity == "MONTHLY":
            start = start.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1)
    return int(start.timestamp()), int(end.timestamp())
