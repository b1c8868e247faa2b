"""The pre-flight's lines about what comes of it: how long it takes, its cost, who may opt out.

Thresholds are ours unless a source is named; docs/preflight.md gives them for people.
"""

import math

from .preflight import Verdict
from .proportions import wilson_interval
from .reputation_rates import MIN_VOLUME
from .reputation_score import RISK

# From how many days on a campaign is worth a look, and when it is stale before it ends.
LONG_DAYS, TOO_LONG_DAYS = 2, 30
# Two audiences are alike when they share so much of the smaller one.
LIKE_SHARE = 0.5
# Opt-outs of those delivered to: watched from half the rate at risk (see `reputation_score`).
OPT_OUT_STOP = RISK["opt_out"]
OPT_OUT_WARN = OPT_OUT_STOP / 2
# Two-sided 90 %: of ten campaigns nine end inside what was expected.
EXPECTED_Z = 1.645


def duration(days: int | None) -> Verdict:
    """Judge how long it takes.

    :param days: periods of 24 h begun until the last message, None: it never leaves
    """
    if days is None:
        return Verdict("stop", "never")
    if days > TOO_LONG_DAYS:
        return Verdict("stop", "too_long")
    return Verdict("warn", "long") if days >= LONG_DAYS else Verdict("pass", "short")


def cost(priced: int, unpriced: int, free: int) -> Verdict:
    """Judge the estimate: of how many messages the price is known."""
    if not unpriced:
        return Verdict("pass", "known" if priced or not free else "free")
    return Verdict("warn", "part" if priced else "unknown")


def is_like_audience(shared: int, receiving: int, written: int) -> bool:
    """Tell whether a past campaign went to an audience like this one.

    :param shared: people of `receiving` to whom it was written
    :param receiving, written: people who get this one, and to whom it was written
    """
    return shared >= LIKE_SHARE * min(receiving, written) > 0


def risk(opted_out: int, delivered: int) -> Verdict:
    """Judge what like campaigns before met: people who opted out, of those delivered to.

    A stop needs more than bad luck: the least that the rate can well be.
    """
    if delivered < MIN_VOLUME:
        return Verdict("pass", "thin")
    least, _most = wilson_interval(opted_out, delivered, EXPECTED_Z)
    if least >= OPT_OUT_STOP:
        return Verdict("stop", "high")
    if opted_out / delivered >= OPT_OUT_WARN:
        return Verdict("warn", "raised")
    return Verdict("pass", "usual")


def expected(opted_out: int, delivered: int, receiving: int) -> tuple[int, int] | None:
    """Return between how many opt-outs of `receiving` are expected; None: not enough data."""
    if delivered < MIN_VOLUME:
        return None
    least, most = wilson_interval(opted_out, delivered, EXPECTED_Z)
    return math.floor(least * receiving), math.ceil(most * receiving)
