"""Tools: stop causes of accounts and templates, and what lifts each of them.

Used by `waba.account` and by the events of waba_webhook_platform.py.

Several causes can be in force; each is lifted only by its own counterpart, and sending continues
when none is left. A manager can lift any of them, and is shown the reason.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class StopCause:
    """How a stop begins and ends.

    :ivar begun_by: Meta's events that begin it
    :ivar lifted_by: Meta's events that lift it
    :ivar by_time: whether it may have a time at which it ends
    :ivar by_reading: whether a sync lifts it that finds the account or template in order
    """

    begun_by: tuple = ()
    lifted_by: tuple = ()
    by_time: bool = False
    by_reading: bool = False


# `waba.account.stops`. Events of account_update: `event` or `waba_ban_state` (Meta, 2026-09-11).
ACCOUNT_STOPS = {
    # Never lifted by an event: Meta reports only when it ends, if at all.
    "restriction": StopCause(begun_by=("ACCOUNT_RESTRICTION",), by_time=True),
    "disabled": StopCause(begun_by=("DISABLE",), lifted_by=("REINSTATE",)),
    # A deleted account does not return; an administrator connects another one.
    "deleted": StopCause(begun_by=("ACCOUNT_DELETED",)),
    # After a change of phone Meta reconnects it automatically (changelog, 2026-05-18).
    "offboarded": StopCause(begun_by=("ACCOUNT_OFFBOARDED",), lifted_by=("ACCOUNT_RECONNECTED",)),
    # The access token is missing or was refused during a sync.
    "access": StopCause(by_reading=True),
    # Meta refused a message because of the account; some reasons end after a time.
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
# A template's event -> its new status. FLAGGED (bad feedback) and the quality events change none.
TEMPLATE_EVENTS = {
    **dict.fromkeys(_APPROVED, "approved"),
    **{event: status for status, cause in TEMPLATE_STOPS.items() for event in cause.begun_by},
}


def causes_started_on_event(word):
    """Keys of ACCOUNT_STOPS that one of Meta's events begins."""
    return [cause for cause, stop in ACCOUNT_STOPS.items() if word and word in stop.begun_by]


def causes_lifted_on_event(word):
    """Keys of ACCOUNT_STOPS that one of Meta's events lifts."""
    return [cause for cause, stop in ACCOUNT_STOPS.items() if word and word in stop.lifted_by]
