"""The state machine of outgoing messages.

Two kinds of change, two tables:

- Meta's statuses arrive late, twice, and in any order; a status may be missing (Meta, Status
  messages webhook, 2025-11-20). They only move a message forward along `RANK`, so that the same
  statuses lead to the same state in any order.
- Our own changes (reserve, release, cancel, retry...) follow `ALLOWED`.
"""

QUEUED = "queued"
RESERVED = "reserved"
UNCERTAIN = "uncertain"
ACCEPTED = "accepted"
HELD = "held"
CANCELLED = "cancelled"
SKIPPED = "skipped"
SENT = "sent"
FAILED = "failed"
DELIVERED = "delivered"
READ = "read"

# - delivered outranks failed: one message can have both when the person has several devices, and
#   was then delivered to one of them (Meta, Support, 2025-11-19).
# - Meta's statuses outrank our own cancelling or skipping, `failed` too: otherwise sent-then-failed
#   and failed-then-sent would differ.
# - accepted and held do not outrank them: they answer a request, and a cancelled or skipped row has
#   no request in flight.
RANK = {
    QUEUED: 0,
    RESERVED: 1,
    UNCERTAIN: 2,
    ACCEPTED: 3,
    HELD: 4,
    CANCELLED: 5,
    SKIPPED: 5,
    SENT: 6,
    FAILED: 7,
    DELIVERED: 8,
    READ: 9,
}
STATES = tuple(RANK)

# Meta's status -> our state. `played` is a voice message listened to (Meta, 2025-11-03).
STATE_OF_STATUS = {
    "accepted": ACCEPTED,
    "held": HELD,
    "sent": SENT,
    "delivered": DELIVERED,
    "read": READ,
    "played": READ,
    "failed": FAILED,
}

# Changes made by our own code or a person. Others never happen.
ALLOWED = {
    QUEUED: frozenset({RESERVED, CANCELLED, SKIPPED, FAILED}),
    # Back to queued: taken back before it left, or refused and retried.
    RESERVED: frozenset({ACCEPTED, HELD, FAILED, UNCERTAIN, QUEUED}),
    # Settled by a late reply, otherwise only by a person, never by a timer.
    UNCERTAIN: frozenset({ACCEPTED, HELD, FAILED, QUEUED, CANCELLED}),
    ACCEPTED: frozenset(),
    HELD: frozenset(),
    CANCELLED: frozenset(),
    # A reason for skipping may end.
    SKIPPED: frozenset({QUEUED}),
    SENT: frozenset(),
    FAILED: frozenset({QUEUED}),
    DELIVERED: frozenset(),
    READ: frozenset(),
}


def can_move(current: str, target: str) -> bool:
    """Return whether our own code may move a message from `current` to `target`."""
    return target in ALLOWED.get(current, ())


def next_state(current: str, incoming: str, attempt_failed: bool = False) -> str:
    """Return the state of a message after a status of Meta's.

    :param current: one of `STATES`
    :param incoming: Meta's status, a key of `STATE_OF_STATUS`; any other changes nothing
    :param attempt_failed: the status belongs to an attempt already recorded as failed, and the
        row has been queued for another one. A repeated `failed`, or a late `sent`, of that
        attempt then changes nothing; `delivered` and `read` still do: the person has it.
    :raise KeyError: `current` is not a state
    """
    reached = max(RANK[current], RANK[FAILED]) if attempt_failed else RANK[current]
    target = STATE_OF_STATUS.get(incoming)
    if target is None or RANK[target] <= reached:
        return current
    return target
