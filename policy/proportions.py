"""Statistics of proportions: how far a rate that was seen can be from the true one."""

import math


def wilson_interval(count: int, base: int, z: float) -> tuple[float, float]:
    """Return the lowest and highest rate, 0 to 1, that `count` of `base` can well come from.

    Wilson, Probable inference, the law of succession, and statistical inference, 1927.

    :param base: at least 1; a higher `count` is limited to it
    :param z: standard errors, e.g. 1.96 for two-sided 95 %
    """
    value, square = min(count / base, 1.0), z**2
    half = z * math.sqrt(value * (1 - value) / base + square / (4 * base**2))
    centre = value + square / (2 * base)
    scale = 1 + square / base
    return max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)


def difference_z(count: int, base: int, other_count: int, other_base: int) -> float:
    """Return how many standard errors the first rate is above the second (two proportions,
    pooled); 0 without a base."""
    if not base or not other_base:
        return 0.0
    pooled = (count + other_count) / (base + other_base)
    spread = pooled * (1 - pooled) * (1 / base + 1 / other_base)
    if spread <= 0:
        return 0.0
    return (count / base - other_count / other_base) / math.sqrt(spread)
