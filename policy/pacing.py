"""Pace: how fast to send, and when to check the queue again.

Rates are messages per second of one business phone number. Meta accepts 80/s by default, 20/s for
a number that is also used in the WhatsApp Business app, and up to 1,000/s for the largest; inbound
and outbound count together (Meta, Throughput, 2026-09-11).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .limits import WINDOW, counted_slots

# 1.25 % slower than allowed. At any rate R the R + 1st message is then sent 1.0126 s after the
# first, so that a jitter of 12 ms cannot make R + 1 messages arrive at Meta within one second,
# while 80/s still gives 79/s.
RATE_MARGIN = 0.9875

# The run after a killed one does not know when the last messages were sent: it waits a second with
# the margin above, in which as many as allowed may have been sent.
RESTART_DELAY = timedelta(seconds=1 / RATE_MARGIN)

# One message per 6 s to the same person (Meta, About the platform: rate limits, 2026-03).
PAIR_INTERVAL = timedelta(seconds=6)

# After error 130429 (throughput exceeded) a number sends at half its rate for this long. Our
# choice: Meta states no figure.
SLOWED_PERIOD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a campaign's next and last messages are sent, and over how many days.

    `days` is the number of 24 h periods from now, including the last, partial one. All None: never.
    """

    next_at: datetime | None
    ends_at: datetime | None
    days: int | None


def message_interval(rate: float) -> float:
    """Return the seconds between two messages at `rate` messages per second, with a margin.

    :raise ValueError: when `rate` is not positive
    """
    if rate <= 0:
        raise ValueError(f"a rate must be positive: {rate}")
    return 1 / (rate * RATE_MARGIN)


def catch_up_window(rate: float) -> int:
    """Return over how many messages lost time may be made up at `rate` messages per second.

    As many as may be sent in one second: in any distribution they take the full second and its
    margin. Below two a second no time can be made up.
    """
    return max(1, int(rate))


def slowed_rate(rate: float, slowed_until: datetime | None, now: datetime) -> float:
    """Return the rate to use now: half of `rate` until `slowed_until`."""
    if slowed_until and now < slowed_until:
        return rate / 2
    return rate


def sustainable_rate(rate: float, connections: int, latency: float) -> float:
    """Return the messages per second that can be sent if each answer takes `latency` seconds.

    A connection carries one request at a time, so slow answers limit the pace to less than `rate`;
    more rows reserved ahead would expire and be queued again.
    """
    return min(rate, connections / latency) if latency > 0 else rate


def send_before(now: datetime, count: int, rate: float, margin_seconds: float) -> datetime:
    """Return the latest time at which a request of a batch of `count` rows may be sent.

    A request that was not sent by then must not be sent: its row is queued again. The batch itself
    takes `count` intervals; the margin (seconds) is for stalls.
    """
    return now + timedelta(seconds=count * message_interval(rate) + margin_seconds)


def lease_end(
    now: datetime, count: int, rate: float, timeout_seconds: float, margin_seconds: float
) -> datetime:
    """Return the end of a batch's reservation: without an answer by then the outcome is unknown.

    It is `send_before`, plus the time a request may take (`timeout_seconds`: connecting and
    reading), plus the margin again to store the answers.
    """
    leaves_by = send_before(now, count, rate, margin_seconds)
    return leaves_by + timedelta(seconds=timeout_seconds + margin_seconds)


def next_pair_time(last_outbound_at: datetime | None) -> datetime | None:
    """Return when the same number may message the same person again; None: now."""
    return last_outbound_at + PAIR_INTERVAL if last_outbound_at else None


def next_check(
    now: datetime,
    *,
    queued_now: int,
    allowance: int | None,
    frees_at: datetime | None,
    next_retry_at: datetime | None,
    resume_at: datetime | None,
    next_dispatch_at: datetime | None,
) -> datetime | None:
    """Return when a number's queue must be checked again; None if no row waits for a time.

    :param queued_now: rows that are due
    :param allowance: people that may still be reserved, None for no limit
    :param frees_at: when the next slot becomes free, used if `allowance` is 0
    :param next_retry_at: when the next row that is not yet due becomes due
    :param resume_at: end of the number's pause, if it is paused
    :param next_dispatch_at: pace or quiet hours forbid any message before
    :return: `now` for immediately; never before `resume_at` or `next_dispatch_at`
    """
    reasons = [next_retry_at]
    if queued_now:
        reasons.append(frees_at if allowance == 0 else now)
    earliest = min(filter(None, reasons), default=None)
    if earliest is None:
        return None
    return max(now, earliest, *filter(None, (resume_at, next_dispatch_at)))


def forecast(
    now: datetime,
    queued: int,
    rate: float,
    limit: int | None,
    slot_times: Iterable[datetime],
    ahead: int = 0,
) -> Forecast:
    """Forecast when a campaign's next message and its last one are sent.

    Assumes that every queued person needs a slot, that no other sending uses the slots that become
    free, and that the number is not paused.

    :param queued: people of this campaign still to be contacted
    :param limit: people per 24 h (for campaigns from `limits.campaign_share`), None for no limit
    :param slot_times: used slots, ascending, one time per person; each ends 24 h later
    :param ahead: people of other campaigns who are contacted first
    """
    if queued <= 0:
        return Forecast(None, None, 0)
    if limit is not None and limit <= 0:
        return Forecast(None, None, None)
    step = _microseconds(timedelta(seconds=message_interval(rate)))
    first, last = ahead, ahead + queued - 1
    if limit is None:
        next_us, end_us = first * step, last * step
    else:
        taken = [_microseconds(slot - now) for slot in counted_slots(slot_times, now)]
        departures = _first_departures(taken, limit, step, last + 1)
        next_us = _departure(departures, limit, step, first)
        end_us = _departure(departures, limit, step, last)
    days = end_us // _microseconds(WINDOW) + 1
    return Forecast(
        now + timedelta(microseconds=next_us), now + timedelta(microseconds=end_us), days
    )


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _first_departures(taken: list[int], limit: int, step: int, count: int) -> list[int]:
    """Return the first departures, in µs from now, until no slot of `taken` matters.

    Person k needs a slot: of the `len(taken) + k` slots used before, all but `limit - 1` must have
    ended. They end in order of time, which merges `taken` with our departures (a slot reserved just
    now may be dated later than our first departure).
    """
    window = _microseconds(WINDOW)
    departures: list[int] = []
    old = own = 0
    excess = len(taken) - limit
    while len(departures) < count:
        freed_at = None
        while old + own <= excess + len(departures):
            if old < len(taken) and (own >= len(departures) or taken[old] <= departures[own]):
                freed_at, old = taken[old], old + 1
            else:
                freed_at, own = departures[own], own + 1
        paced = departures[-1] + step if departures else 0
        departures.append(paced if freed_at is None else max(paced, freed_at + window))
        if old == len(taken) and len(departures) >= own + limit:
            break
    return departures


def _departure(departures: list[int], limit: int, step: int, person: int) -> int:
    """Return the departure of person number `person` (from 0), in µs from now.

    Beyond the known `departures` each waits for the one before it (a `step`) and for the slot used
    `limit` people before it (a window):
        departure[k] = max(departure[k - 1] + step, departure[k - limit] + window)
    Unrolled from the last `limit` known ones, the longest chain of waits is one of those below, so
    whole windows are added together and a million people take no longer than one.
    """
    if person < len(departures):
        return departures[person]
    window = _microseconds(WINDOW)
    base = len(departures) - limit
    beyond = person - len(departures) + 1
    if limit * step >= window:
        return departures[-1] + beyond * step
    windows, place = divmod(person - base, limit)
    own_place = departures[base + place] + windows * window
    behind_last = departures[-1] + (windows - 1) * window + (place + 1) * step
    return max(own_place, behind_last)
