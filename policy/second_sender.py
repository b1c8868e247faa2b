"""Detection of a second sender: whether a status is about a message that this database sent.

Every request carries `uuid/attempt` (`biz_opaque_callback_data`), committed before it is sent. So a
status for an attempt that was never submitted comes from a copy of the database, with the same
rows. If unclear it counts as ours, to avoid false alarms.
"""

import re

_TAG = re.compile(r"[0-9a-f]{32}/[0-9]{1,4}")
# States confirmed by a reply or status of Meta's with the id of the message.
_CONFIRMED = ("accepted", "held", "sent", "delivered", "read")


def is_tag(opaque: str) -> bool:
    """Return whether a status carries a tag in this addon's format."""
    return bool(_TAG.fullmatch(opaque or ""))


def is_foreign_status(row: dict, attempt: int, wamid: str) -> bool:
    """Return whether a status for a known row is about a message we did not send.

    :param row: `state`, `attempt_count`, `is_unsent` and `wamid` of the row with the status's uuid
    :param attempt: the part of the tag after the slash; 0 is ignored
    :param wamid: Meta's id of the message the status is about
    """
    # The last attempt is reserved and not submitted yet.
    handed_over = row["attempt_count"] - (row["state"] == "reserved" and bool(row["is_unsent"]))
    if not handed_over:
        return True
    if not attempt:
        return False
    if attempt > handed_over:
        return True
    # Sent once, by us and with this id; the same attempt under another id was sent from elsewhere.
    return (
        row["state"] in _CONFIRMED
        and row["attempt_count"] == 1
        and bool(row["wamid"] and wamid)
        and row["wamid"] != wamid
    )
