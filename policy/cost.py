"""What a delivered message costs, by the pricing in Meta's status.

`pricing.type` and `pricing.category` decide; the deprecated `billable` only where they do not
(Meta, Status webhooks and Pricing, 2026-09-11).
"""

from typing import NamedTuple

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
    card has) or 'not_told' (the status gives no pricing); category: that of the rate card when
    charged, else ''."""

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
