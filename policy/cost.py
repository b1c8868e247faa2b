"""What a delivered message costs, by what Meta's status says of its price.

`pricing.type` and `pricing.category` decide; `billable`, which Meta is to drop some day, only where
they leave it open (Meta, Status webhooks and Pricing, 2026-09-11).
"""

from typing import NamedTuple

FREE_TYPES = {"free_customer_service": "free_window", "free_entry_point": "free_entry"}
# The Marketing Messages API's promotions are charged as promotions.
CHARGED_AS = {
    "marketing": "marketing",
    "marketing_lite": "marketing",
    "utility": "utility",
    "authentication": "authentication",
    "service": "service",
}


class Charge(NamedTuple):
    """state: 'charged', one of the reasons why it is free, 'no_rate' (charged at a rate that no
    card has) or 'not_told'; category: that of the rate card when charged, else ''."""

    state: str
    category: str = ""


def charge(category: str, type_: str, billable: bool | None) -> Charge:
    """How a message is charged.

    :param category: Meta's pricing.category in lower case, '' when not told
    :param type_: Meta's pricing.type in lower case, '' when not told
    """
    if type_ in FREE_TYPES:
        return Charge(FREE_TYPES[type_])
    if billable is False:
        return Charge("free_other")
    if not category or not (type_ == "regular" or billable):
        return Charge("not_told")
    if category not in CHARGED_AS:
        return Charge("no_rate")
    return Charge("charged", CHARGED_AS[category])
