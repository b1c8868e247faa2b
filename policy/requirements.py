"""Requirements for good sending: compliant, needs work or not enough data.

Each is judged from plain figures, all or nothing or against a limit. `source` tells Meta's rules,
which Meta enforces, from our advice, whose limits are ours:

    Meta  opt_ins           only people who opted in (Getting opt-in, 2025-11-03): all recipients
          quality_rating    below High no limit rises (Messaging limits, 2026-09-11)
          template_quality  a template at Low is paused (Template pausing, 2025-10-22), Medium is
                            the step before it
          display_name      without an approved one messages may be refused (error 131037)
          account_status    sends only while the health check allows it (Health status, 2025-10-22)
    ours  opt_out_way       who cannot opt out blocks
          frequency_cap     at most one promotion a day, or it caps nothing
          quiet_hours       messages at night are reported
          pilot_batch       a bad campaign is stopped after a part of it
          email_alerts      a rating can fall within minutes, and no one looks all day
          invalid_numbers, undelivered, opt_out_rate
                            up to what costs no point of the health score (reputation_score.py)
          webhook           without events nothing is known; Meta posts them within seconds, and an
                            hour leaves room for its retries
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from .reputation_rates import MIN_VOLUME
from .reputation_score import NORMAL_SHARE, RISK_THRESHOLDS

# Worst first.
STATUSES = ("needs_work", "unknown", "compliant")

PERIOD_DAYS = 30
MAX_PROMOTIONS_A_DAY = 1
WEBHOOK_DELAY = timedelta(hours=1)


class Requirement(NamedTuple):
    """`source`: 'meta' or 'ours'; `limit`: the highest compliant rate, 0 to 1."""

    source: str
    limit: float | None = None


def _normal(measure: str) -> float:
    return RISK_THRESHOLDS[measure] * NORMAL_SHARE


REQUIREMENTS = {
    "opt_ins": Requirement("meta"),
    "opt_out_way": Requirement("ours"),
    "frequency_cap": Requirement("ours"),
    "quiet_hours": Requirement("ours"),
    "pilot_batch": Requirement("ours"),
    "quality_rating": Requirement("meta"),
    "template_quality": Requirement("meta"),
    "opt_out_rate": Requirement("ours", _normal("opt_out")),
    "invalid_numbers": Requirement("ours", _normal("undeliverable")),
    "undelivered": Requirement("ours", _normal("possible_block")),
    "display_name": Requirement("meta"),
    "account_status": Requirement("meta"),
    "webhook": Requirement("ours"),
    "email_alerts": Requirement("ours"),
}


def assess_all(met: int, unmet: int) -> str:
    """Judge a requirement that each of some things meets or not; unknown ones are in neither."""
    if unmet:
        return "needs_work"
    return "compliant" if met else "unknown"


def assess_rate(key: str, count: int, base: int) -> str:
    """Judge a rate that must not be above the limit of the requirement `key`."""
    if base < MIN_VOLUME:
        return "unknown"
    return "compliant" if count <= REQUIREMENTS[key].limit * base else "needs_work"


def is_capped(promotions: int, days: int) -> bool:
    """Return whether a frequency cap of so many promotions in so many days limits anything."""
    return 0 < promotions <= MAX_PROMOTIONS_A_DAY * days


def assess_webhook(sent_at: datetime | None, heard_at: datetime | None, now: datetime) -> str:
    """Judge whether events still come in.

    :param sent_at: when the last message was accepted, None if none was
    :param heard_at: when the last event was received, None if none was
    """
    if sent_at and (not heard_at or heard_at < sent_at) and now - sent_at > WEBHOOK_DELAY:
        return "needs_work"
    return "compliant" if heard_at else "unknown"


def requirement_order(key: str, status: str) -> tuple[int, int]:
    """Return the sort key: worst first, then as in `REQUIREMENTS`."""
    return STATUSES.index(status), list(REQUIREMENTS).index(key)
