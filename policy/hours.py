"""Quiet hours: times of a person's local day without automated messages and promotions.

Times of day are hours as numbers, as Odoo stores them: 21.5 is half past nine in the evening. Quiet
hours may pass midnight; if they begin and end at the same time there are none.

A person may have several possible time zones, if only a number of a country with more than one is
known. Then only times allowed in all of them are allowed; if there are none, the times allowed in
most of them.
"""

from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY = timedelta(days=1)
# Origins of messages that no user reviews before they are sent; see `respects_quiet_hours`.
AUTOMATED = ("campaign", "sequence", "action")
# A time allowed in all zones is within a day or never; the rest is for clock changes.
HORIZON = 2 * DAY


def respects_quiet_hours(origin: str | None, category: str | None) -> bool:
    """Return whether a message must respect the person's quiet hours.

    :param origin: what caused the message ('campaign', 'sequence', 'action', 'manual', 'reply',
        'test')
    :param category: 'marketing', 'utility', 'service', …
    """
    return origin in AUTOMATED or (category == "marketing" and origin != "test")


def next_allowed(
    now_utc: datetime, tz_name: str, quiet_from: float, quiet_until: float
) -> datetime:
    """Return the first time from `now_utc` on that is outside the quiet hours of all zones.

    :param now_utc: naive UTC
    :param tz_name: the person's time zone, or several separated by commas. Unknown names are
        ignored; UTC if there is no known one
    :param quiet_from, quiet_until: hours of the day, 0 to 24
    :return: naive UTC; `now_utc` itself when it is allowed
    """
    start, end = _seconds(quiet_from), _seconds(quiet_until)
    if start == end:
        return now_utc
    zones = parse_zones(tz_name)
    moment = now_utc
    while moment - now_utc <= HORIZON:
        later = max(_next_allowed_in_zone(zone, moment, start, end) for zone in zones)
        if later == moment:
            return moment
        moment = later
    return _least_quiet_time(zones, now_utc, start, end)


def wait_until_allowed(
    now_utc: datetime, leaves_by: datetime, tz_name: str, quiet_from: float, quiet_until: float
) -> datetime | None:
    """Return until when a message sent from `now_utc` to `leaves_by` must wait, None if it is
    allowed. Only both ends are checked: the span between them is seconds."""
    for moment in (now_utc, leaves_by):
        allowed_at = next_allowed(moment, tz_name, quiet_from, quiet_until)
        if allowed_at != moment:
            return allowed_at
    return None


def earliest_departure(
    now_utc: datetime,
    origin: str | None,
    category: str | None,
    tz_name: str,
    quiet: tuple[float, float],
    held_until: datetime | None = None,
    capped_until: datetime | None = None,
) -> tuple[datetime, str | None]:
    """Return when a message can be sent at the earliest, and the reason for waiting.

    :param quiet: begin and end of the quiet hours
    :param held_until: WhatsApp limits promotions to this person until then
    :param capped_until: the person's frequency cap is reached until then (`policy.frequency`)
    :return: the reason is None, 'held', 'frequency' or 'hours': the one that ends last, but 'hours'
        only if there is no other
    """
    moment, reason = now_utc, None
    for until, key in ((held_until, "held"), (capped_until, "frequency")):
        if until and until > moment:
            moment, reason = until, key
    if respects_quiet_hours(origin, category):
        allowed_at = next_allowed(moment, tz_name, *quiet)
        if allowed_at > moment:
            moment, reason = allowed_at, reason or "hours"
    return moment, reason


@lru_cache(maxsize=1024)
def parse_zones(tz_name: str) -> tuple[ZoneInfo, ...]:
    """Return the known time zones of a comma-separated text."""
    zones = []
    for name in (tz_name or "").split(","):
        try:
            zones.append(ZoneInfo(name.strip()))
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return tuple(zones) or (ZoneInfo("UTC"),)


def _seconds(hours: float) -> int:
    # To the minute, as users enter them: 21.1 hours is not a whole number of seconds.
    return round(hours * 60) * 60 % 86_400


def _local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time in a zone, naive."""
    return moment.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None, fold=0)


def _is_quiet(wall: datetime, start: int, end: int) -> bool:
    at = (wall - datetime.combine(wall.date(), time.min)).total_seconds()
    return start <= at < end if start < end else at >= start or at < end


def _next_allowed_in_zone(zone: ZoneInfo, moment: datetime, start: int, end: int) -> datetime:
    """Return `next_allowed` for one zone."""
    wall = _local_time(moment, zone)
    if not _is_quiet(wall, start, end):
        return moment
    day = wall.date()
    if wall >= datetime.combine(day, time.min) + timedelta(seconds=end):
        day += DAY
    first, second = (_utc_of_local_time(day, end, zone, fold) for fold in (0, 1))
    # An hour that occurs twice at a clock change: the first may have passed.
    return first if first > moment else second


def _utc_of_local_time(day: date, seconds: int, zone: ZoneInfo, fold: int = 0) -> datetime:
    """Return when the local clock reaches a time of day, naive UTC.

    A time that a clock change skips is reached at the change.
    """
    wall = datetime.combine(day, time.min) + timedelta(seconds=seconds)
    moment = _as_utc(wall, zone, fold)
    if _local_time(moment, zone) == wall:
        return moment
    # With the offset before the change it is after the change, and vice versa.
    before, after = sorted((_as_utc(wall, zone, 0), _as_utc(wall, zone, 1)))
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _local_time(middle, zone) < wall else (before, middle)
    return after


def _as_utc(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc).replace(tzinfo=None)


def _least_quiet_time(
    zones: tuple[ZoneInfo, ...], now_utc: datetime, start: int, end: int
) -> datetime:
    """Return the first time in the next 24 h at which as few of `zones` as possible are quiet."""
    # The number of quiet zones falls only when the quiet hours of one of them end.
    ends = (
        _utc_of_local_time(_local_time(now_utc, zone).date() + days * DAY, end, zone)
        for zone in zones
        for days in range(3)
    )
    moments = [now_utc, *(at for at in ends if now_utc < at <= now_utc + DAY)]
    return min(
        moments,
        key=lambda at: (sum(_is_quiet(_local_time(at, zone), start, end) for zone in zones), at),
    )
