"""The Marketing Messages API: its checks, the auction behind a maximum price, the reach estimate.

Sources: Meta's pages "Send marketing messages" (2026-03-20), "Set a max price for marketing
messages" (2026-03-17 to 2026-10-01), "Time-to-live" (2025-10-31) and "Error codes" (2026-09-11).
What a lost auction looks like is published nowhere: it fails with 131049 here, or stays "sent".

To judge from outside that no price is passed: ``POST /_control/template {name, bid}`` gives a
template its price (of 1,000 deliveries, in the smallest unit), ``POST /_control/auction`` sets the
market (``price``, ``spread``). Of each accepted promotion the log then has ``max_price``, what its
request allowed. That must not exceed the price that the campaign had when the row was reserved
(``waba_message.max_price`` of the row with whose ``uuid`` the ``opaque`` begins), and
``stats.prices.highest`` not the highest of all. ``charge`` is what was charged: what the addon
stored (``waba_message.charge``) must be equal, and ``stats.prices.above`` empty.
"""

import json
from dataclasses import dataclass, field, fields

from .graph_errors import GraphError
from .state import COUNTRIES, DAY, dial_code, draws

POLICIES = ("CLOUD_API_FALLBACK", "STRICT")
STRATEGY = "LOWEST_COST_WITH_BID_CAP"
OPTION_KEYS = frozenset({"product_policy", "message_activity_sharing", "bid_spec"})
DELIVERY_KEYS = frozenset({"optimization_spec", "message_send_ttl_seconds",
                           "degrees_of_freedom_spec"})
TTL = (43_200, 2_592_000)
IDLE = 7 * DAY
INTERVALS = ("L1D", "L7D", "L14D", "L28D")
EDITS_PER_HOUR = 100
# Parts of the unit in which prices are stated, 100 for all others.
PARTS = {"CLP": 1}
FEATURES = frozenset({
    "image_brightness_and_contrast", "image_touchups", "add_text_overlay", "image_animation",
    "image_background_gen", "auto_promotion_tag", "text_extraction_for_headline",
    "text_extraction_for_tap_target", "product_extensions", "text_formatting_optimization"})


@dataclass(slots=True)
class Auction:
    """What the next promotion costs; no business is told. Amounts are per message, in the unit of
    the account's currency: ``price`` everywhere, ``prices`` {country: amount}; a person's own
    differs by up to ``spread`` (a share). ``overcharge`` is a factor on what is charged, to test
    that somebody notices. ``lost``: "failed" (with ``lost_code``) or "silent"."""

    price: float = 0.04
    prices: dict = field(default_factory=dict)
    spread: float = 0.0
    seed: int = 1
    overcharge: float = 1.0
    lost: str = "failed"
    lost_code: int = 131049

    def update(self, values):
        """Set known settings; KeyError names unknown ones."""
        unknown = set(values) - {f.name for f in fields(self)}
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        for name, value in values.items():
            setattr(self, name, value)

    def clearing_price(self, wa_id):
        """What this person's next promotion costs, with six decimals."""
        country = COUNTRIES.get(dial_code(wa_id), "ZZ")
        price = self.prices.get(country, self.price)
        if self.spread:
            price *= 1 + self.spread * (2 * draws(f"auction:{self.seed}", wa_id)[7] - 1)
        return round(price, 6)


class Marketing:
    """``auction`` is set by tests and starts afresh with the world."""

    def __init__(self, world):
        self.world = world
        self.auction = Auction()

    # ---- sending ------------------------------------------------------------------------------

    def check_request(self, account, body):
        """Check what only this endpoint has; returns whether the Cloud API takes over."""
        policy = body.get("product_policy", "CLOUD_API_FALLBACK")
        if policy not in POLICIES:
            raise GraphError(100, f"product_policy must be one of {', '.join(POLICIES)}.")
        if not isinstance(body.get("message_activity_sharing", True), bool):
            raise GraphError(100, "message_activity_sharing must be a boolean.")
        _multiplier(body)
        if body.get("type") != "template":
            raise GraphError(100, "Only template messages can be sent here.")
        if account.marketing_unavailable:
            raise GraphError(134102, "The Marketing Messages API is not available.")
        if account.marketing_messages_onboarding_status == "ONBOARDED":
            return False
        if policy == "STRICT":
            raise GraphError(134102, "The account is not onboarded.")
        return True

    def check_template(self, template, body):
        """Whether this endpoint takes the template now."""
        if template.category != "MARKETING":
            code = self.world.settings.not_marketing_code
            raise GraphError(code, "Only marketing templates can be sent here.")
        now = self.world.clock.now()
        if template.marketing_used_at and now - template.marketing_used_at > IDLE:
            template.marketing_ready_at = now + self.world.settings.marketing_sync_seconds
        template.marketing_used_at = now
        if now < template.marketing_ready_at:
            raise GraphError(self.world.settings.syncing_code, "The template is being synced.")
        if template.bid and not body.get("to"):
            raise GraphError(131062, "A template with a maximum price needs a phone number.")

    def settle(self, account, template, person, body, entry):
        """(pricing of the statuses, charge or None, code with which it fails or 0)."""
        pricing = {"billable": True, "pricing_model": "PMP", "category": "marketing_lite",
                   "type": "regular"}
        if not template.bid:
            return pricing, None, 0
        cap = template.bid * _multiplier(body) / 1000 / PARTS.get(account.currency, 100)
        clearing = self.auction.clearing_price(person.wa_id)
        entry.max_price, entry.clearing_price = round(cap, 9), clearing
        if clearing > cap + 1e-9:
            entry.auction = "lost"
            return pricing, None, self.auction.lost_code if self.auction.lost == "failed" else -1
        entry.auction = "won"
        entry.charge = round(clearing * self.auction.overcharge, 6)
        return pricing, {"amount": entry.charge, "currency": account.currency}, 0

    # ---- estimate -----------------------------------------------------------------------------

    def estimate(self, account, query):
        """GET /{account}/reachestimate: the share of people whose price is below each of some."""
        if query.get("date_interval") not in INTERVALS:
            raise GraphError(100, f"date_interval must be one of {', '.join(INTERVALS)}.")
        try:
            [country] = json.loads(query["targeting_spec"])["geo_locations"]["countries"]
        except (KeyError, TypeError, ValueError):
            raise GraphError(100, "targeting_spec must name one country.") from None
        if not account.max_price_agreement:
            raise _unsigned()
        price, parts = self.auction.prices.get(country, self.auction.price), PARTS.get(
            account.currency, 100)
        spread = max(self.auction.spread, 0.1)
        points = []
        for step in (-2, -1, 0, 1, 2):
            bid = round(price * (1 + spread * step / 2) * parts * 1000)
            share = min(max((step + 2) / 4, 0.05), 0.98)
            cost = bid * (1 - spread / 4)
            points.append({
                "bid_amount": bid, "users": 1000,
                "deliveries_lower_bound": round(1000 * share * 0.95),
                "deliveries_upper_bound": round(1000 * share),
                "cost_lower_bound": round(cost * 0.98, 2), "cost_upper_bound": round(cost, 2)})
        return {"waba_currency": account.currency, "estimates": points}


# ---- templates ----------------------------------------------------------------------------------


def change_delivery(template, account, body, now):
    """Check and store the parts of DELIVERY_KEYS of a template; others are not touched."""
    if "message_send_ttl_seconds" in body:
        seconds = body["message_send_ttl_seconds"]
        if template.category == "MARKETING" and not (
                isinstance(seconds, int) and TTL[0] <= seconds <= TTL[1]):
            raise GraphError(100, f"message_send_ttl_seconds must be from {TTL[0]} to {TTL[1]}.")
        template.ttl_seconds = seconds
    if "optimization_spec" in body:
        template.bid = _bid(body["optimization_spec"], template, account)
    if "degrees_of_freedom_spec" in body:
        template.features |= _features(body["degrees_of_freedom_spec"])
    template.delivery_edits = [at for at in template.delivery_edits if at > now - 3600] + [now]
    if len(template.delivery_edits) > EDITS_PER_HOUR:
        raise GraphError(100, f"At most {EDITS_PER_HOUR} edits an hour.")


def read_delivery(template, name):
    """The value of one of DELIVERY_KEYS, None where there is none."""
    if name == "message_send_ttl_seconds":
        return template.ttl_seconds or None
    if name == "optimization_spec":
        spec = {"bid_strategy": STRATEGY, "bid_amount": template.bid, **template.bid_extra}
        return spec if template.bid else None
    features = [{"key": key.upper(), "value": {"enroll_status": "OPT_IN" if on else "OPT_OUT"}}
                for key, on in template.features.items()]
    return {"creative_features_spec": features} if features else None


def _multiplier(body):
    spec = body.get("bid_spec", {})
    value = spec.get("per_message_bid_multiplier", 1) if isinstance(spec, dict) else 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 100:
        raise GraphError(100, "per_message_bid_multiplier must be a positive number.")
    return value


def _bid(spec, template, account):
    if template.category != "MARKETING":
        raise GraphError(100, "Only marketing templates have a maximum price.")
    if not account.max_price_agreement:
        raise _unsigned()
    amount = spec.get("bid_amount") if isinstance(spec, dict) else None
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount < 2**31:
        raise GraphError(100, "optimization_spec.bid_amount must be a positive int32.")
    if spec.get("bid_strategy") != STRATEGY:
        raise GraphError(100, f"optimization_spec.bid_strategy must be {STRATEGY}.")
    return amount


def _features(value):
    spec = value.get("creative_features_spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict) or set(spec) - FEATURES:
        raise GraphError(100, "creative_features_spec has an unknown feature.")
    if any(choice.get("enroll_status") not in ("OPT_IN", "OPT_OUT") for choice in spec.values()):
        raise GraphError(100, "enroll_status must be OPT_IN or OPT_OUT.")
    return {key: choice["enroll_status"] == "OPT_IN" for key, choice in spec.items()}


def _unsigned():
    return GraphError(100, "You need to sign the testing legal agreement before sending out "
                           "messages.")
