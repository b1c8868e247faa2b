"""The messaging limit: how many people may be contacted outside a service window in any 24 hours.

Meta counts the unique people to whom a business portfolio delivers messages outside an open
customer service window in a moving 24 h, over all its numbers together (Meta, Messaging limits,
2026-09-11). No field and no error code of Meta's gives the used part, so we count: one slot per
person, dated by `slot_at`. A person is counted at `now` while `slot_at > now - WINDOW`.

Rules for callers, without which the count is wrong:

- Lock the portfolio, count, call `allowance`, write `slot_at`, commit: in one transaction.
- *Every* message reserved outside a service window moves the person's `slot_at` to
  `reserved_slot_time`, even if the person is counted already and needs no new slot: the moving
  window begins at the last contact, not at the first.
- A message that Meta holds for quality assessment is sent when Meta releases it, mostly within the
  hour (Meta, Template pacing, 2026-09-11): its first status then moves `slot_at` again.
- A slot is returned (`returns_slot`) by setting `slot_at` to the latest one of the person's other
  messages that still have a slot, or to None.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import merge
from typing import NamedTuple

WINDOW = timedelta(hours=24)

# A portfolio that Meta has not rated starts at the lowest level (Meta, Messaging limits,
# 2026-09-11), so an unknown level must not be read as a higher one.
UNKNOWN_LIMIT = 250

# 250 to unlimited: Meta, Messaging limits, 2026-09-11. 50 and 1000 were removed from the
# documentation in October 2025 but are still in Meta's SDK v25.0.2 and OpenAPI v23.0.
LEVELS = {
    "50": 50,
    "250": 250,
    "1000": 1000,
    "2000": 2000,
    "10000": 10_000,
    "100000": 100_000,
    "unlimited": None,
    "unknown": UNKNOWN_LIMIT,
}

# Failures in a later status that prove that the person was not contacted:
# - template_paused: attempts with a paused template do not count (Meta, Template pausing,
#   2025-10-22); messages held by template pacing are dropped with the same code (Meta, Template
#   pacing, 2026-09-11);
# - pacing_drop: messages held by portfolio pacing are dropped unsent (Meta, Business portfolio
#   pacing, 2026-05-21);
# - not_sent: the request provably never reached Meta.
NEVER_FORWARDED = frozenset({"template_paused", "pacing_drop", "not_sent"})


class CampaignShare(NamedTuple):
    """The part of the limit open to campaigns: `limit` people, of which `slots` are used."""

    limit: int | None
    slots: list[datetime]


def people_limit(messaging_limit: str, daily_cap: int | None = None) -> int | None:
    """Return how many people may be contacted in 24 h; None means no limit.

    :param messaging_limit: Meta's level, a key of `LEVELS`; anything else counts as unknown
    :param daily_cap: our own cap in people per 24 h; None or 0 for none
    :raise ValueError: when `daily_cap` is negative
    """
    if daily_cap and daily_cap < 0:
        raise ValueError(f"a daily cap cannot be negative: {daily_cap}")
    limit = LEVELS.get(messaging_limit, UNKNOWN_LIMIT)
    if not daily_cap:
        return limit
    return daily_cap if limit is None else min(limit, daily_cap)


def in_service_window(window_expires_at: datetime | None, leaves_by: datetime) -> bool:
    """Return whether a message sent by `leaves_by` at the latest is inside the service window.

    Any message from the person opens the window for 24 h; our messages inside it do not count
    (Meta, Messaging limits, 2026-09-11).
    """
    return bool(window_expires_at) and leaves_by < window_expires_at


def needs_slot(
    slot_at: datetime | None,
    window_expires_at: datetime | None,
    now: datetime,
    leaves_by: datetime | None = None,
) -> bool:
    """Return whether a message to this person uses a new slot of the limit.

    :param slot_at: when the person was last counted, None if never
    :param window_expires_at: when the service window of this number and person closes, if any
    :param leaves_by: the latest time the request may be sent, by default `now`. A window that
        closes before does not count: the message might be sent after it.
    """
    if in_service_window(window_expires_at, leaves_by or now):
        return False
    return not slot_at or slot_at <= now - WINDOW


def reserved_slot_time(
    now: datetime, deadline: datetime, slot_at: datetime | None = None
) -> datetime:
    """Return the `slot_at` of a person for whom a message is reserved at `now`.

    :param deadline: the latest time the request may be sent
    :param slot_at: when the person was last counted; never moved back, since another number may
        have reserved a message to the same person with a later deadline

    The slot is dated by `deadline` and not by `now`: the process can die between the commit of the
    reservation and the answer, and then it is unknown when, or whether, the request was sent.
    Dated too late, a slot becomes available slightly late; dated too early, another person would
    get it while Meta still counts this one.
    """
    return max(now, deadline, slot_at or now)


def returns_slot(failure_type: str, refused_at_once: bool) -> bool:
    """Return whether a failed message returns the slot that it used.

    A request refused in the API's reply contacted no person. A message that was accepted and failed
    later is counted for its 24 h, since Meta does not document whether it counts, unless the
    failure is one of `NEVER_FORWARDED`.
    """
    return refused_at_once or failure_type in NEVER_FORWARDED


def followup_reserve(limit: int, followup_share: float) -> int:
    """Return how many of `limit` are reserved for follow-ups; `followup_share` is 0 to 1."""
    share = min(max(followup_share, 0.0), 1.0)
    # Rounded first: 0.07 * 100 is slightly above 7 in binary and would give 8.
    return math.ceil(round(share * limit, 6))


def allowance(
    limit: int | None,
    used_by_campaigns: int,
    used_by_followups: int,
    followup_share: float = 0.0,
    kind: str = "campaign",
) -> int | None:
    """Return how many more people may be reserved now; None means no limit.

    Both kinds together never exceed `limit`. Follow-ups may use all free slots; campaigns must not
    use the free part of the follow-up share.

    :param limit: people per 24 h, see `people_limit`
    :param used_by_campaigns: people counted in the last 24 h whose slot a campaign used
    :param used_by_followups: the same for follow-ups; a person is in one of the two counts
    :param followup_share: part of the limit reserved for follow-ups, 0 to 1
    :param kind: 'campaign' or 'followup'
    :raise ValueError: unknown `kind`
    """
    if kind not in ("campaign", "followup"):
        raise ValueError(f"neither 'campaign' nor 'followup': {kind!r}")
    if limit is None:
        return None
    free = limit - used_by_campaigns - used_by_followups
    if kind == "campaign":
        free -= max(0, followup_reserve(limit, followup_share) - used_by_followups)
    return max(0, free)


def counted_slots(slot_times: Iterable[datetime], now: datetime) -> list[datetime]:
    """Return the part of `slot_times` (ascending) that counts at `now`."""
    times = list(slot_times)
    return times[bisect_right(times, now - WINDOW) :]


def campaign_share(
    limit: int | None,
    followup_share: float,
    campaign_slots: Iterable[datetime],
    followup_slots: Iterable[datetime],
    now: datetime,
) -> CampaignShare:
    """Return the campaigns' part of the limit, for `next_slot_time` and `pacing.forecast`.

    Both lists are ascending, one time per person. Follow-ups beyond their share use the campaigns'
    part; since the oldest slots become free first, these are the oldest follow-ups.
    """
    taken, followups = counted_slots(campaign_slots, now), counted_slots(followup_slots, now)
    if limit is None:
        return CampaignShare(None, list(merge(taken, followups)))
    kept = followup_reserve(limit, followup_share)
    beyond_share = followups[: max(0, len(followups) - kept)]
    return CampaignShare(limit - kept, list(merge(taken, beyond_share)))


def next_slot_time(
    slot_times: Iterable[datetime], limit: int | None, now: datetime
) -> datetime | None:
    """Return when the next slot becomes free, None if waiting changes nothing.

    :param slot_times: one time per person, ascending; older than 24 h are ignored
    :param limit: people per 24 h; for campaigns use both values of `campaign_share`
    :return: the time from which fewer than `limit` people are counted; None if that is so now or
        `limit` is 0 (call `allowance` first)
    """
    if limit is None or limit <= 0:
        return None
    taken = counted_slots(slot_times, now)
    if len(taken) < limit:
        return None
    # A limit below the number of counted people waits until enough slots have ended.
    return taken[len(taken) - limit] + WINDOW
