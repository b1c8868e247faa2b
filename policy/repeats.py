"""The repeat guard: one template reaches one person at most once in so many hours.

A rule of the company, over all its numbers, portfolios and origins. Language versions of a template
have one name and are the same message, and so is one name in two of the company's accounts.

| Sent before | To be sent | Allowed |
| --- | --- | --- |
| by any origin, in any language, from any number of the company | the same template | no |
| to the number in another spelling, or when only the user id was known | the same template | no |
| longer ago than the hours of the rule | the same template | yes |
| by another company | the same template | yes |
| a test | the same template | yes |
| failed, excluded, cancelled, or still queued: it did not leave | the same template | yes |
| the same row: a retry is not a second message | | yes |
| with other values | a service message about an event (`EVENT_ORIGINS`) | yes |
| anything | a message that a user sends again on purpose, or a test | yes |

Of two queued messages the first that is reserved leaves, and the other is excluded.
"""

from datetime import datetime, timedelta

# Their service messages are about one event each: a second order is news, not a repetition.
EVENT_ORIGINS = ("action", "reply")


def is_guarded(origin: str | None, kind: str | None) -> bool:
    """Return whether the rule counts such a message and applies to it."""
    return kind == "template" and origin != "test"


def compares_values(origin: str | None, category: str | None) -> bool:
    """Return whether such a message repeats an earlier one only if its values are the same."""
    return origin in EVENT_ORIGINS and category != "marketing"


def next_send_time(left_at: datetime | None, hours: int) -> datetime | None:
    """Return from when a template may be sent to a person again; None: at any time.

    :param left_at: when it last left for the person, None if it never did
    :param hours: of the rule; 0 for none
    """
    return left_at + timedelta(hours=hours) if left_at and hours > 0 else None


def window_start(now: datetime, hours: int) -> datetime:
    """Return since when messages are repeated by one at `now`."""
    return now - timedelta(hours=hours)
