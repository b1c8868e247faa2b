"""What a delivered message costs, by the pricing in Meta's status.

`pricing.type` and `pricing.category` decide; the deprecated `billable` only where they do not
(Meta, Status webhooks and Pricing, 2026-09-11).
"""

from typing import NamedTuple

# A number's free-form messages that are free in a month (Meta, Non-template messages, 2026-08-25).
FREE_SERVICE_MESSAGES = 1000

FREE_TYPES = {"free_customer_service": "free_window", "free_entry_point": "free_entry"}
# The Marketing Messages API's promotions are charged as promotions.
CHARGED_CATEGORY = {
    "marketing": "marketing",
    "marketing_lite": "marketing",
    "utility": "utility",
    "authentication": "authentication",
    "service": "service",
}


class Charge(NamedTuple):
    """state: 'charged', one of the reasons why it is free, 'no_rate' (charged at a rate that no
    card has), 'not_told' (the status gives no pricing) or 'estimated' (so, and charged as far as we
    know); category: that of the rate card when charged, else ''."""

    state: str
    category: str = ""


def message_charge(category: str, type_: str, billable: bool | None) -> Charge:
    """Return how a message is charged, as a Charge.

    :param category: Meta's pricing.category in lower case, '' when absent
    :param type_: Meta's pricing.type in lower case, '' when absent
    """
    if type_ in FREE_TYPES:
        return Charge(FREE_TYPES[type_])
    if billable is False:
        return Charge("free_other")
    if not category or not (type_ == "regular" or billable):
        return Charge("not_told")
    if category not in CHARGED_CATEGORY:
        return Charge("no_rate")
    return Charge("charged", CHARGED_CATEGORY[category])


def service_charge(charge: Charge, free_count: int) -> Charge:
    """Return the charge of a free-form message, of which a number has some free in each month.

    Whether Meta's status reports those as free or as charged is published nowhere: either way the
    first ones of a month cost nothing.

    :param charge: by its status
    :param free_count: free ones of the number in the month before it
    """
    if charge.state not in ("charged", "not_told"):
        return charge
    if free_count < FREE_SERVICE_MESSAGES:
        return Charge("free_quota")
    return charge if charge.state == "charged" else Charge("estimated", "service")


class Comparison(NamedTuple):
    """Our figures of one group of messages beside Meta's.

    kind: 'same', 'meta_more', 'meta_less', 'unpriced' (we have no price for some), 'price' (as many
    messages, another cost) or 'no_cost' (Meta tells no costs); count: messages that differ
    """

    kind: str
    count: int = 0


def compare(
    our_count: int,
    meta_count: int,
    our_cost: float,
    meta_cost: float | None,
    unpriced: int,
    tolerance: float,
) -> Comparison:
    """Compare the delivered messages of one group; counts first, since a cost follows from them.

    :param meta_cost: None if Meta tells none
    :param unpriced: ours without a known price
    :param tolerance: up to which two costs are the same
    """
    difference = abs(meta_count - our_count)
    if difference:
        kind = "meta_more" if meta_count > our_count else "meta_less"
        return Comparison(kind, max(difference, unpriced))
    if unpriced:
        return Comparison("unpriced", unpriced)
    if meta_cost is None:
        return Comparison("no_cost")
    if abs(meta_cost - our_cost) > tolerance:
        return Comparison("price", our_count)
    return Comparison("same")
