"""Outgoing events: when a delivery is tried again, when it is given up, and when a webhook pauses.

An attempt counts as failed until its answer is recorded: after a kill it is repeated with the same
event ID, by which the receiver recognizes it.
"""

from datetime import datetime, timedelta

# The kinds of events, in the order of the screen.
KINDS = ("delivered", "read", "failed", "replied", "opted_out", "opted_in", "rating")

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)

# After the first, second… failed attempt; together a little more than 3 days.
RETRY_DELAYS = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, 24 * _HOUR,
    24 * _HOUR,
)  # fmt: skip

# A webhook that has answered nothing with success for this long pauses; people must look at it.
PAUSE_AFTER = timedelta(hours=24)

# In one run, after this many failures in a row the other events of the webhook wait for the next.
FAILURES_IN_A_ROW = 3


def next_attempt(attempt: int, now: datetime) -> datetime | None:
    """Return when to try again if this attempt fails, None if it is given up then.

    :param attempt: its number, the first is 1
    """
    return now + RETRY_DELAYS[attempt - 1] if attempt <= len(RETRY_DELAYS) else None


def is_success(status: int | None) -> bool:
    """Return whether the receiver took the event; a redirect is followed nowhere and is none."""
    return status is not None and 200 <= status < 300


def must_pause(failing_since: datetime | None, now: datetime) -> bool:
    """Return whether a webhook that fails since then must pause."""
    return failing_since is not None and now - failing_since >= PAUSE_AFTER
