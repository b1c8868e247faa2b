"""The first wave of a campaign, and when a campaign's own results pause it.

A **canary** is the first wave of a campaign: some people, then a wait for their reaction, then the
rest. Meta does the same to portfolios below 500,000 template messages in 365 days, and drops what
it holds back when the reaction is bad (Meta, Business portfolio pacing, 2026-05-21); our wave comes
first, so that nothing is dropped.
"""

import math
from dataclasses import replace
from datetime import timedelta

from .reputation_rates import DayCounts
from .response import DEFAULTS, Settings

YOUNG_BELOW = 500_000

# Part of a canary wave that must have met its end before the wave says anything.
ANSWERED = 0.8
# Fewer bad ends than this pause no campaign, however small the volume set: two may be chance.
FEWEST_BAD_ENDS = 3

CAMPAIGN_REASONS = ("failures", "opt_outs", "silence")


def is_young_portfolio(template_messages_in_year: int) -> bool:
    """Tell whether Meta paces this portfolio's large campaigns itself."""
    return template_messages_in_year < YOUNG_BELOW


def canary(
    size: int, needs_canary: bool, is_young: bool, settings: Settings = DEFAULTS
) -> int | None:
    """Return how many people the first wave of a campaign has; None: no wave, all at once.

    :param size: people of the campaign
    :param needs_canary: the number's or the template's `Response.canary`
    :param is_young: see `is_young_portfolio`
    """
    if not needs_canary and not (is_young and size >= settings.large_campaign):
        return None
    wave = math.ceil(round(settings.canary_share * size, 6))
    wave = min(max(wave, settings.canary_minimum), settings.canary_maximum)
    return wave if wave < size else None


def canary_verdict(
    wave: int, counts: DayCounts, waited: timedelta, settings: Settings = DEFAULTS
) -> str:
    """Tell what the first wave says: 'wait', 'widen' (send to the rest), or why to pause.

    :param wave: messages of the wave
    :param counts: of the wave so far; its day is not looked at
    :param waited: since the last message of the wave left
    :return: 'wait', 'widen', one of `CAMPAIGN_REASONS`: those of `campaign_threshold`, or 'silence'
        when after the longest wait too few messages met any end
    """
    volume = math.ceil(ANSWERED * min(settings.threshold_volume, wave))
    reason = campaign_threshold(counts, replace(settings, threshold_volume=volume))
    if reason:
        return reason
    if counts.delivered + counts.failed >= ANSWERED * wave:
        return "widen" if waited >= settings.canary_wait else "wait"
    return "silence" if waited >= settings.canary_longest_wait else "wait"


def campaign_threshold(counts: DayCounts, settings: Settings = DEFAULTS) -> str | None:
    """Return why a campaign must pause: 'failures' or 'opt_outs'; None when it may go on.

    Messages that WhatsApp kept back for the person's sake (131049, 130472) are no failures here:
    they say more about the person's day than about the campaign.

    :param counts: since the campaign began, or since a person last resumed it; the day is not
        looked at
    """
    failed = max(counts.failed - counts.limited, 0)
    if _is_above(failed, counts.delivered + failed, settings.failure_limit, settings):
        return "failures"
    if _is_above(counts.opted_out, counts.delivered, settings.opt_out_limit, settings):
        return "opt_outs"
    return None


def _is_above(count: int, base: int, limit: float, settings: Settings) -> bool:
    is_enough = base >= settings.threshold_volume and count >= FEWEST_BAD_ENDS
    return is_enough and count > limit * base
