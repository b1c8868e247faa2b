"""The maximum price of a promotion: of a template at Meta, and of a campaign below that.

Meta knows one price per template, for 1,000 deliveries in the smallest unit of the account's
currency, and a multiplier per message (Meta, Set a max price for marketing messages, 2026-10-01).
A campaign's own price is therefore a share of its template's, rounded down. All amounts are
decimals: a cap is never passed by rounding.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

# Smallest units of a currency's unit, where Meta's page and ISO 4217 agree on them. Of the other
# currencies of Meta's rate cards they do not, or Meta contradicts itself ("peso for MXN"): a wrong
# guess would pass the price a hundredfold.
SMALLEST_UNITS = {
    **dict.fromkeys(
        ("AED", "ARS", "AUD", "BRL", "EUR", "GBP", "INR", "MYR", "PEN", "SAR", "SGD", "USD"), 100
    ),
    "CLP": 1,
}
DELIVERIES = 1000
MAX_BID = 2**31 - 1
MULTIPLIER_STEP = Decimal("0.0001")
# Decimals of an amount that Meta reports, and of those that we store.
AMOUNT_STEP = Decimal("0.000001")


def is_supported(currency: str) -> bool:
    """Return whether a maximum price can be stated in this currency (ISO code)."""
    return currency in SMALLEST_UNITS


def amount(value) -> Decimal:
    """Return a float of ours or of Meta's as the decimal that it stands for."""
    return Decimal(str(value)).quantize(AMOUNT_STEP)


def price_to_bid(price: Decimal, currency: str) -> int:
    """Return Meta's `bid_amount` of a price per message, rounded down; 0 if it is too small."""
    bid = price * SMALLEST_UNITS[currency] * DELIVERIES
    return int(bid.to_integral_value(ROUND_FLOOR))


def bid_to_price(bid: int, currency: str) -> Decimal:
    """Return the price per message of Meta's `bid_amount`."""
    return Decimal(bid) / (SMALLEST_UNITS[currency] * DELIVERIES)


def multiplier(cap: Decimal, bid: int, currency: str) -> Decimal | None:
    """Return the share of a template's price that keeps a message at or below `cap`.

    :return: None if the template's price is not above it; 0 if the share is too small to send
    """
    if bid_to_price(bid, currency) <= cap:
        return None
    share = cap / bid_to_price(bid, currency)
    return share.quantize(MULTIPLIER_STEP, ROUND_FLOOR)


def effective_price(cap: Decimal | None, bid: int, currency: str) -> Decimal:
    """Return the most that one message may cost: the smaller of both prices."""
    price = bid_to_price(bid, currency)
    return price if cap is None else min(cap, price)


def country_cap(caps: dict, country_code: str) -> Decimal | None:
    """Return the price for a country: its own, else the one for all others ('')."""
    return caps.get(country_code or "", caps.get(""))


def is_above(charge, cap) -> bool:
    """Return whether a charge that Meta reports is above the price of its message."""
    return amount(charge) > amount(cap)


def needed_bid(caps: dict, currency: str) -> int:
    """Return the smallest `bid_amount` of a template that allows every price of `caps`."""
    highest = max(caps.values(), default=Decimal(0))
    bid = highest * SMALLEST_UNITS[currency] * DELIVERIES
    return int(bid.to_integral_value(ROUND_CEILING))


def estimate_at(points, bid: int):
    """Return Meta's estimate at a price: the point of the highest price not above it, or None.

    :param points: cloud_api.ReachPoint, cheapest first
    """
    below = [point for point in points if point.bid <= bid]
    return below[-1] if below else None
