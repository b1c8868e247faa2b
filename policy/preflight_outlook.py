"""The pre-flight's lines about the outlook: duration, cost, expected opt-outs.

Thresholds are ours unless a source is named; docs/preflight.md lists them for users.
"""

import math
from datetime import timedelta

from .preflight import LineVerdict
from .proportions import wilson_interval
from .reputation_rates import MIN_VOLUME
from .reputation_score import RISK_THRESHOLDS

# Days from which a campaign is long, and from which it is outdated before it ends.
LONG_DAYS, TOO_LONG_DAYS = 2, 30
# Two audiences are similar when they share this part of the smaller one.
SIMILAR_SHARE = 0.5
# Opt-outs of those delivered to: watched from half the rate at risk (see `reputation_score`).
OPT_OUT_STOP = RISK_THRESHOLDS["opt_out"]
OPT_OUT_WARN = OPT_OUT_STOP / 2
# Two-sided 90 %: nine of ten campaigns end within the expected range.
EXPECTED_Z = 1.645


# A start that is later than planned by more is said: the jobs are exact to a few minutes.
START_TOLERANCE = timedelta(minutes=5)


def assess_start(planned: bool, delay: timedelta) -> LineVerdict:
    """Judge when the first message leaves.

    :param planned: a time was chosen, instead of now
    :param delay: how much later than planned
    """
    if delay > START_TOLERANCE:
        return LineVerdict("warn", "later")
    return LineVerdict("pass", "planned" if planned else "now")


def assess_duration(days: int | None) -> LineVerdict:
    """Judge the duration.

    :param days: periods of 24 h until the last message, None: never
    """
    if days is None:
        return LineVerdict("stop", "never")
    if days > TOO_LONG_DAYS:
        return LineVerdict("stop", "too_long")
    return LineVerdict("warn", "long") if days >= LONG_DAYS else LineVerdict("pass", "short")


def assess_price(is_blocked: bool, is_above: bool, is_estimated: bool) -> LineVerdict:
    """Judge the maximum prices of a campaign.

    :param is_blocked: nothing can be sent with them
    :param is_above: one is above its template's, which then applies
    :param is_estimated: Meta gave an estimate for each country
    """
    if is_blocked:
        return LineVerdict("stop", "blocked")
    if is_above:
        return LineVerdict("warn", "above")
    return LineVerdict("pass", "estimated" if is_estimated else "capped")


def assess_cost(priced: int, unpriced: int, free: int, capped: int = 0) -> LineVerdict:
    """Judge the estimated cost by how many messages have a known price.

    :param capped: those of `priced` with a maximum price
    """
    if capped and not unpriced:
        return LineVerdict("pass", "capped")
    if not unpriced:
        return LineVerdict("pass", "known" if priced or not free else "free")
    return LineVerdict("warn", "part" if priced else "unknown")


def assess_budget(covered: int, receiving: int, unpriced: int) -> LineVerdict:
    """Judge how many of the messages the budgets cover.

    :param unpriced: messages without a known price, at the first of which the campaign pauses
    """
    if unpriced:
        return LineVerdict("warn", "unpriced")
    if covered < receiving:
        return LineVerdict("warn", "part" if covered else "used")
    return LineVerdict("pass", "covered")


def is_similar_audience(shared: int, receiving: int, written: int) -> bool:
    """Return whether a past campaign had a similar audience.

    :param shared: people of `receiving` who got it
    :param receiving, written: people who get this campaign, and who got the earlier one
    """
    return shared >= SIMILAR_SHARE * min(receiving, written) > 0


def assess_risk(opted_out: int, delivered: int) -> LineVerdict:
    """Judge the opt-outs of similar campaigns before.

    A stop needs more than bad luck: the lower bound of the rate decides.
    """
    if delivered < MIN_VOLUME:
        return LineVerdict("pass", "thin")
    least, _most = wilson_interval(opted_out, delivered, EXPECTED_Z)
    if least >= OPT_OUT_STOP:
        return LineVerdict("stop", "high")
    if opted_out / delivered >= OPT_OUT_WARN:
        return LineVerdict("warn", "raised")
    return LineVerdict("pass", "usual")


def expected_opt_outs(opted_out: int, delivered: int, receiving: int) -> tuple[int, int] | None:
    """Return the least and most opt-outs expected of `receiving` people; None: not enough data."""
    if delivered < MIN_VOLUME:
        return None
    least, most = wilson_interval(opted_out, delivered, EXPECTED_Z)
    return math.floor(least * receiving), math.ceil(most * receiving)
