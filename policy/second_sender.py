"""Whether a status tells of a message that this database put on the wire, or of somebody else's.

Every request carries `uuid/attempt` (`biz_opaque_callback_data`), committed before it leaves. So a
status with an attempt that was never handed over comes from a copy of the database, which knows the
same rows. Where both could be, it counts as ours: the alarm must not cry wolf.
"""

import re

_TAG = re.compile(r"[0-9a-f]{32}/[0-9]{1,4}")
# States that an answer of Meta's, or a status, has confirmed with the id of the message.
_CONFIRMED = ("accepted", "held", "sent", "delivered", "read")


def is_tag(opaque: str) -> bool:
    """Tell whether a status carries a tag as this addon writes them."""
    return bool(_TAG.fullmatch(opaque or ""))


def is_not_ours(row: dict, attempt: int, wamid: str) -> bool:
    """Tell whether a status for a known row is about a message we did not send.

    :param row: `state`, `attempt_count`, `is_unsent` and `wamid` of the row with the status's uuid
    :param attempt: what follows the slash in the tag; 0 says nothing
    :param wamid: Meta's id of the message the status is about
    """
    # The last attempt is reserved and still in our hands.
    handed_over = row["attempt_count"] - (row["state"] == "reserved" and bool(row["is_unsent"]))
    if not handed_over:
        return True
    if not attempt:
        return False
    if attempt > handed_over:
        return True
    # Sent once, by us and with this id; the same attempt under another id left from elsewhere.
    return (
        row["state"] in _CONFIRMED
        and row["attempt_count"] == 1
        and bool(row["wamid"] and wamid)
        and row["wamid"] != wamid
    )
