"""How a template is received: its rates, how certain they are, and two templates compared."""

from collections.abc import Mapping
from typing import NamedTuple

from .proportions import difference_z, wilson_interval

# measure -> (what is counted, of which messages)
MEASURES = {
    "delivery": ("delivered", "sent"),
    "read": ("read", "delivered"),
    "reply": ("replied", "delivered"),
    "click": ("clicked", "delivered"),
    "opt_out": ("opted_out", "delivered"),
}
# Below it one person moves a rate by more than a point.
MIN_BASE = 100
# Two-sided 95 %: a difference this large occurs by chance once in twenty comparisons.
CERTAIN_Z = 1.96


class Measured(NamedTuple):
    """`count` of `base` messages; rates are 0 to 1, None when the base is too small.

    low, high: the true rate is between them, with 95 % confidence (Wilson)
    """

    count: int
    base: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def measure_rate(measure: str, counts: Mapping[str, int]) -> Measured:
    """Return one of `MEASURES` of a template.

    :param counts: messages by outcome, a missing one is 0
    """
    counted, of = MEASURES[measure]
    base = counts.get(of, 0)
    # WhatsApp may report a read or reply of a message whose delivery it has not reported.
    count = min(counts.get(counted, 0), base)
    if base < MIN_BASE:
        return Measured(count, base)
    return Measured(count, base, count / base, *wilson_interval(count, base, CERTAIN_Z))


def compare_rates(one: Measured, other: Measured) -> str:
    """Return whether the first rate is 'higher', 'lower', 'unclear' or 'thin' (too few)."""
    if one.value is None or other.value is None:
        return "thin"
    z = difference_z(one.count, one.base, other.count, other.base)
    if abs(z) < CERTAIN_Z:
        return "unclear"
    return "higher" if z > 0 else "lower"
