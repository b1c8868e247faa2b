"""After which failures of WhatsApp somebody may be reached another way, and after how long.

| What happened | Another way |
| --- | --- |
| not on WhatsApp, or it could not deliver (131026 and its kind) | yes |
| Meta left the person out of an experiment with promotions | yes |
| accepted, and not delivered within the hours of the sender's choice | yes |
| opted out, no consent, blacklisted, blocked by us, frequency, quiet hours, hold-out group | no |
| Meta's own limits, a stopped template or number, a wrong variable | no |
| unconfirmed, or held by WhatsApp: it may still arrive | no |

Whoever said no gets nothing by any channel, and what we hold back is not sent around.
"""

from datetime import datetime, timedelta

KINDS = ("sms", "email", "activity")

# Failure types of Meta's after which the person is certainly not reached.
REASONS = frozenset(("undeliverable", "experiment"))

# We did not send, since WhatsApp could not deliver the last ones to this person.
UNREACHABLE = "unreachable"

# States of a message that WhatsApp has and has not delivered.
WAITING_STATES = ("accepted", "sent")
# Then the message needs no other way any more.
ARRIVED_STATES = ("delivered", "read")

MAX_HOURS = 7 * 24
# Older messages are not made up for: nobody expects them any more.
LATEST = timedelta(days=7)


def may_fall_back(failure_type: str | None) -> bool:
    """Return whether a message that failed like that may go another way."""
    return failure_type in REASONS


def is_unreached(state: str, failure_type: str | None) -> bool:
    """Return whether a message, as it is now, has certainly not arrived or is overdue."""
    if state == "skipped":
        return failure_type == UNREACHABLE
    return state in WAITING_STATES or (state == "failed" and may_fall_back(failure_type))


def overdue_period(now: datetime, hours: int) -> tuple[datetime, datetime]:
    """Return between which times a message was accepted that is overdue now.

    :param hours: without a delivery; more than 0
    """
    return now - timedelta(hours=hours) - LATEST, now - timedelta(hours=hours)
