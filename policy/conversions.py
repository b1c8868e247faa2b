"""When a conversion is sent to Meta, sent again, or not at all.

Meta accepts events of the last 7 days, and recognises a repeated one for 48 hours
(cloud_api/conversions.py).
"""

from datetime import datetime, timedelta
from typing import NamedTuple

# An hour less each: a request takes its time.
MAX_AGE = timedelta(days=7) - timedelta(hours=1)
REPEAT_PERIOD = timedelta(hours=48) - timedelta(hours=1)

RETRY_DELAYS = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=6), timedelta(hours=12), timedelta(hours=24),
)  # fmt: skip

CONSENT_RULES = ("opted_in", "no_opt_out")


class Attempts(NamedTuple):
    """What is known of an event.

    event_at: when it happened; first_at: first attempt, None before it; is_unknown: Meta may have
    received one
    """

    event_at: datetime
    first_at: datetime | None = None
    is_unknown: bool = False


def refusal(attempts: Attempts, now: datetime) -> str:
    """Return why an event may not be sent now: 'too_old', 'unconfirmed' or ''.

    :param now: naive UTC datetime
    """
    if attempts.is_unknown and attempts.first_at and now - attempts.first_at > REPEAT_PERIOD:
        return "unconfirmed"
    return "too_old" if now - attempts.event_at > MAX_AGE else ""


def consent_refusal(rule: str, state: str) -> str:
    """Return why consent does not allow it: 'opted_out', 'no_consent' or ''.

    :param rule: one of CONSENT_RULES
    :param state: consent to promotions: 'opted_in', 'opted_out' or 'unknown'
    """
    if state == "opted_out":
        return "opted_out"
    return "no_consent" if rule == "opted_in" and state != "opted_in" else ""


def next_attempt(attempt: int, now: datetime) -> datetime:
    """Return when to try again after `attempt` (from 1) had no answer."""
    return now + RETRY_DELAYS[min(attempt, len(RETRY_DELAYS)) - 1]
