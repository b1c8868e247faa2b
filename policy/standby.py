"""Whether another sender answers a conversation on our number: Meta's own agent, or another app.

Meta reports each message of such a conversation (standby) and each change of control
(messaging_handovers), in any order and perhaps late. So the latest moment of either counts, not the
order in which they come.
"""

from datetime import datetime, timedelta

# Without news for a day the service window is over, and with it any answer of an agent.
HOLD_PERIOD = timedelta(hours=24)

# Origins of messages that wait meanwhile: what nobody decides to send at that moment.
HELD_ORIGINS = ("sequence", "action", "reply")


def held_until(
    standby_at: datetime | None, control_at: datetime | None, now: datetime
) -> datetime | None:
    """Return until when our automatic messages wait, None if they need not.

    :param standby_at: the last time that another sender was reported to answer
    :param control_at: the last time that the conversation was ours
    """
    if not standby_at or (control_at and control_at >= standby_at):
        return None
    until = standby_at + HOLD_PERIOD
    return until if until > now else None
