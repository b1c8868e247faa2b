"""Budgets: the highest amount that messages may cost, per campaign and per month.

What a message costs is known when Meta reports how it was charged, after its delivery. Until then
its highest possible charge is held back. A budget is kept if what is spent and what is held back
together never exceed it; then whatever happens to the messages, the charges cannot either.

Rules for callers, without which the sums are wrong:

- Lock, sum, call `count_affordable`, write the holds, commit: in one transaction.
- A hold is released (`Hold.release`) only when that attempt certainly costs nothing: the request
  was not sent, was refused, or Meta reported that it failed. An attempt without a known result
  stays held, also when the message is sent again (`Hold.reserve` adds to it).
- What is held back has no month: until it is settled it counts in the month that runs. A charge
  belongs to the month of the delivery. So no charge can enter a month in which it was not held.
- Amounts have `DIGITS` decimals; a bound is rounded up, so that no rounding passes a budget.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import NamedTuple

DIGITS = 6
UNIT = Decimal(1).scaleb(-DIGITS)
ZERO = Decimal(0)


def charge_bound(rate, max_price=None, unknown=None) -> Decimal | None:
    """Return the highest amount that a message can cost; None: no amount is certain.

    :param rate: its price by the rate table, None without one
    :param max_price: the price cap that Meta was given, None without one; with a cap the price is
        found by an auction, which the rate table does not limit
    :param unknown: what the company counts for a message without a known price
    """
    amounts = (max_price, rate, unknown)
    amount = next((amount for amount in amounts if amount is not None), None)
    return None if amount is None else round_up(amount)


def round_up(amount) -> Decimal:
    """Return an amount with `DIGITS` decimals, never less than it was."""
    return to_decimal(amount).quantize(UNIT, ROUND_CEILING)


def round_amount(amount) -> Decimal:
    """Return an amount with `DIGITS` decimals, as the database stores it."""
    return to_decimal(amount).quantize(UNIT, ROUND_HALF_UP)


def to_decimal(amount) -> Decimal:
    """Return a number as it is written: 0.1 is a tenth, not the nearest binary fraction."""
    return amount if isinstance(amount, Decimal) else Decimal(str(amount))


class Hold(NamedTuple):
    """What one message has held back.

    :ivar held: the bounds of all attempts that may be charged
    :ivar bound: the one of the last attempt, part of `held`
    :ivar cost: what Meta charged for the message, None until it is known
    """

    held: Decimal = ZERO
    bound: Decimal = ZERO
    cost: Decimal | None = None

    def reserve(self, bound):
        """A new attempt; an earlier one that may be charged stays held."""
        return Hold(self.held + bound, bound)

    def release(self):
        """The last attempt certainly costs nothing. Twice is as once."""
        return Hold(self.held - self.bound, ZERO)

    def settle(self, cost):
        """Meta reported how the last attempt is charged; None: it is not known after all."""
        return self._replace(cost=cost)

    @property
    def amount(self):
        """What counts against the budgets."""
        return self.held if self.cost is None else self.held - self.bound + self.cost


class Budget(NamedTuple):
    """One budget: `limit`, of which `spent` is charged and `reserved` held back."""

    limit: Decimal
    spent: Decimal = ZERO
    reserved: Decimal = ZERO

    @property
    def left(self):
        """What can still be held back; below 0 if the limit was lowered."""
        return self.limit - self.spent - self.reserved

    def fits(self, amount):
        """Whether `amount` can be held back too."""
        return amount <= self.left


def count_affordable(bounds: Iterable[Decimal], budgets: Iterable[Budget]) -> int:
    """Return how many messages, in this order, all budgets cover; the next one is too much."""
    left = min((budget.left for budget in budgets), default=None)
    count = 0
    for bound in bounds:
        if left is not None:
            if bound > left:
                return count
            left -= bound
        count += 1
    return count


def can_resume(budget: Budget, bound: Decimal) -> bool:
    """Return whether sending can go on after a budget was used up.

    While messages are held back, each that fails or costs less frees a little: a campaign would
    resume and pause for every one of them. It waits for a twentieth, or for the last of them.
    """
    if not budget.fits(bound):
        return False
    return not budget.reserved or budget.left >= budget.limit / 20
