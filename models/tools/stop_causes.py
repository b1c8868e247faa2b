"""What stops an account, a number or a template by itself, and what lets it go on.

Several causes may stand at once; each is lifted by its own counterpart alone, and sending continues
when none is left. A person may lift any of them, and sees the reason in words.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class StopCause:
    """How a stop begins and ends.

    :ivar begun_by: words of Meta's in webhooks that begin it.
    :ivar lifted_by: words of Meta's in webhooks that lift it.
    :ivar by_time: it may carry the moment at which it ends.
    :ivar by_reading: a reading of the account, number or template that shows all well lifts it.
    """

    begun_by: tuple = ()
    lifted_by: tuple = ()
    by_time: bool = False
    by_reading: bool = False


# `waba.account.stops`. Words of account_update: `event` or `waba_ban_state` (Meta, 2026-09-11).
ACCOUNT_STOPS = {
    # Never lifted by an event: Meta tells only when it ends, if it ends.
    "restriction": StopCause(begun_by=("ACCOUNT_RESTRICTION",), by_time=True),
    "disabled": StopCause(begun_by=("DISABLE",), lifted_by=("REINSTATE",)),
    # A deleted account does not come back; a person connects another one.
    "deleted": StopCause(begun_by=("ACCOUNT_DELETED",)),
    # After a change of phone Meta connects it again by itself (changelog, 2026-05-18).
    "offboarded": StopCause(begun_by=("ACCOUNT_OFFBOARDED",), lifted_by=("ACCOUNT_RECONNECTED",)),
    # The access token is missing or refused, seen when the account was to be read.
    "access": StopCause(by_reading=True),
    # Meta refused a message for a reason of the account; some reasons pass with time.
    "refused": StopCause(by_time=True),
}

_APPROVED = ("APPROVED", "REINSTATED", "UNPAUSED", "UNARCHIVED")
# `waba.template.status`, by the event that sets it (message_template_status_update, 2026-09-11).
TEMPLATE_STOPS = {
    status: StopCause(begun_by=events, lifted_by=_APPROVED, by_reading=True)
    for status, events in {
        "pending": ("PENDING",),
        "in_appeal": ("IN_APPEAL",),
        "rejected": ("REJECTED",),
        "paused": ("PAUSED",),
        "disabled": ("DISABLED", "LOCKED"),
        "archived": ("ARCHIVED",),
        "pending_deletion": ("PENDING_DELETION",),
        "deleted": ("DELETED",),
        "limit_exceeded": ("LIMIT_EXCEEDED",),
    }.items()
}
# A template's event -> the state it leaves the template in. FLAGGED (bad feedback) and the quality
# events change no state.
TEMPLATE_EVENTS = {
    **dict.fromkeys(_APPROVED, "approved"),
    **{event: status for status, cause in TEMPLATE_STOPS.items() for event in cause.begun_by},
}


def causes_started_on_event(word):
    """Causes of an account's stop that a word of Meta's begins."""
    return [cause for cause, stop in ACCOUNT_STOPS.items() if word and word in stop.begun_by]


def causes_lifted_on_event(word):
    """Causes of an account's stop that a word of Meta's lifts."""
    return [cause for cause, stop in ACCOUNT_STOPS.items() if word and word in stop.lifted_by]
