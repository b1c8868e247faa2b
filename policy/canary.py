"""The canary of a campaign, and when a campaign's own results pause it.

A **canary** is the first part of a campaign: the rest is sent after a wait for its reactions. Meta
does the same to portfolios below 500,000 template messages in 365 days, and drops the held messages
if the reactions are bad (Meta, Business portfolio pacing, 2026-05-21); our canary comes first, so
that no message is dropped.
"""

import math
from dataclasses import replace
from datetime import timedelta

from .reputation_rates import DayCounts
from .response import DEFAULTS, Settings

PACED_BELOW_LIMIT = 500_000

# Share of the canary that must be delivered or failed before it is assessed.
KNOWN_OUTCOME_SHARE = 0.8
# Minimum failures or opt-outs that pause a campaign, however small its volume: two may be chance.
MIN_BAD_OUTCOMES = 3

CAMPAIGN_REASONS = ("failures", "opt_outs", "silence")


def is_paced_portfolio(template_messages_in_year: int) -> bool:
    """Return whether Meta itself paces this portfolio's large campaigns."""
    return template_messages_in_year < PACED_BELOW_LIMIT


def canary_size(
    size: int, needs_canary: bool, is_young: bool, settings: Settings = DEFAULTS
) -> int | None:
    """Return the number of people in a campaign's canary; None: no canary.

    :param size: people of the campaign
    :param needs_canary: the number's or the template's `Response.canary`
    :param is_young: see `is_paced_portfolio`
    """
    if not needs_canary and not (is_young and size >= settings.large_campaign):
        return None
    canary = math.ceil(round(settings.canary_share * size, 6))
    canary = min(max(canary, settings.canary_minimum), settings.canary_maximum)
    return canary if canary < size else None


def canary_verdict(
    size: int, counts: DayCounts, waited: timedelta, settings: Settings = DEFAULTS
) -> str:
    """Assess the canary: 'wait', 'widen' (send the rest), or the reason to pause.

    :param size: number of messages in the canary
    :param counts: of the canary so far; its day is not used
    :param waited: since the last message of the canary was sent
    :return: 'wait', 'widen' or one of `CAMPAIGN_REASONS`: those of `campaign_threshold`, or
        'silence' if after the longest wait too few messages are delivered or failed
    """
    volume = math.ceil(KNOWN_OUTCOME_SHARE * min(settings.threshold_volume, size))
    reason = campaign_threshold(counts, replace(settings, threshold_volume=volume))
    if reason:
        return reason
    if counts.delivered + counts.failed >= KNOWN_OUTCOME_SHARE * size:
        return "widen" if waited >= settings.canary_wait else "wait"
    return "silence" if waited >= settings.canary_longest_wait else "wait"


def campaign_threshold(counts: DayCounts, settings: Settings = DEFAULTS) -> str | None:
    """Return why a campaign must pause: 'failures' or 'opt_outs'; None if it continues.

    Messages that WhatsApp limited for the recipient (131049, 130472) are not failures here: their
    cause is the recipient's inbox rather than the campaign.

    :param counts: since the campaign began, or since a user last resumed it; the day is not used
    """
    failed = max(counts.failed - counts.limited, 0)
    if _is_above(failed, counts.delivered + failed, settings.failure_limit, settings):
        return "failures"
    if _is_above(counts.opted_out, counts.delivered, settings.opt_out_limit, settings):
        return "opt_outs"
    return None


def _is_above(count: int, base: int, limit: float, settings: Settings) -> bool:
    is_enough = base >= settings.threshold_volume and count >= MIN_BAD_OUTCOMES
    return is_enough and count > limit * base
