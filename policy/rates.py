"""Which line of a rate card gives the price of one message.

Meta charges per delivered template message by category and by the country of the recipient's
calling code (Meta, Pricing, 2026-09-11). Since 2026-10-01 messages inside an open service window
are charged too: utility templates as anywhere else, free-form ones as utility (Meta, Pricing:
non-template messages, 2026-08-25); the first 1,000 free-form ones of a number in a month are free,
which is not calculated here, nor are volume tiers: estimates are rather too high than too low.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

CATEGORIES = ("marketing", "utility", "authentication", "service")

# Until this day utility templates and free-form messages are free in an open window.
WINDOW_CHARGE_START = date(2026, 10, 1)

# Without lines of the first, those of the second apply.
PRICE_CATEGORY = {"service": "utility"}


class RateLine(NamedTuple):
    """One price of a card.

    countries: ISO 3166-1 alpha-2 codes; empty: everywhere else
    valid_from: first day of the price, None: always
    is_own: of this company alone, not shared by all
    is_home_currency: in the currency of this company
    """

    id: int
    countries: frozenset[str]
    category: str
    valid_from: date | None = None
    is_own: bool = True
    is_home_currency: bool = True


def choose_rate(
    lines: Iterable[RateLine], country_code: str, category: str, on: date
) -> RateLine | None:
    """Return the line that gives the price of a message on the day `on`, None without any.

    The narrowest market wins: the country itself, then a region with the country in it, then
    everywhere else. Of one market the company's own lines, then the newest, then its currency.

    :param country_code: ISO code of the recipient's number, '' when unknown
    :param category: one of `CATEGORIES`
    """
    valid = [line for line in lines if not line.valid_from or line.valid_from <= on]
    for wanted in (category, PRICE_CATEGORY.get(category)):
        found = [
            line
            for line in valid
            if line.category == wanted
            and (not line.countries or country_code.upper() in line.countries)
        ]
        if found:
            return max(found, key=_precedence)
    return None


def _precedence(line: RateLine):
    narrowness = -len(line.countries) if line.countries else -1000
    newest = line.valid_from or date.min
    return narrowness, line.is_own, newest, line.is_home_currency, line.id


def is_free(category: str, in_window: bool, at: datetime) -> bool:
    """Return whether a message of `category` delivered at `at` is free."""
    return in_window and category in ("utility", "service") and at.date() < WINDOW_CHARGE_START
