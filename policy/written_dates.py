"""Dates in imported lists: ISO, seconds since 1970, or day and month in either order.

"03/11/2026" is 3 November in Madrid and 11 March in Boston. The list itself shows its order as soon
as one of its days is above 12; otherwise no date is inferred.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

DAY_FIRST, MONTH_FIRST = "day/month/year", "month/day/year"

_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap])?(?:\.?\s?m\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _CLOCK, re.IGNORECASE
)
_BASIC = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})(?P<half>)(?P<zone>Z|[+-]\d{4})?"
)
_YEAR_LAST = re.compile(
    r"(?P<first>\d{1,2})(?P<divider>[-/.])(?P<other>\d{1,2})(?P=divider)(?P<year>\d{4})" + _CLOCK,
    re.IGNORECASE,
)
# 2001 to 2100 in seconds, milliseconds, microseconds.
_SECONDS = re.compile(r"\d{10}(?:\.\d+)?|\d{13}|\d{16}")
_EPOCH = datetime(1970, 1, 1)


class Moment(NamedTuple):
    """The time that a text gives.

    at: naive; in UTC where `is_utc`, else in the writer's local time. None: no time.
    is_ambiguous: day and month may be swapped, so `at` is None.
    order: DAY_FIRST or MONTH_FIRST where the order of the list decided, else ''.
    """

    at: datetime | None = None
    is_utc: bool = False
    is_ambiguous: bool = False
    order: str = ""


def parse_date(text: str, order: str = "") -> Moment:
    """Return the `Moment` of one text.

    :param order: DAY_FIRST or MONTH_FIRST where it is known, see `detect_order`
    """
    text = " ".join((text or "").split())
    if _SECONDS.fullmatch(text):
        return _from_seconds(text)
    if found := _YEAR_FIRST.fullmatch(text) or _BASIC.fullmatch(text):
        return _moment(found, int(found["month"]), int(found["day"]))
    found = _YEAR_LAST.fullmatch(text)
    if not found:
        return Moment()
    first, other = int(found["first"]), int(found["other"])
    own = _own_order(found)
    if first == other or own:
        day, month = (other, first) if own == MONTH_FIRST else (first, other)
        return _moment(found, month, day)
    if not order:
        return Moment(is_ambiguous=first <= 12 and other <= 12 and 0 not in (first, other))
    month, day = (first, other) if order == MONTH_FIRST else (other, first)
    return _moment(found, month, day)._replace(order=order)


def detect_order(texts) -> str:
    """Return DAY_FIRST or MONTH_FIRST, as proved by the dates of a list that can only be one.

    '' when none proves it, or when they contradict each other.
    """
    found = (_YEAR_LAST.fullmatch(" ".join(str(text or "").split())) for text in texts)
    # With dots the day is first in every country; that proves nothing for slashes.
    proved = {_own_order(one) for one in found if one and one["divider"] != "."} - {""}
    return proved.pop() if len(proved) == 1 else ""


def _own_order(found):
    """The order that a single date proves."""
    first, other = int(found["first"]), int(found["other"])
    if found["divider"] == "." or first > 12 >= other:
        return DAY_FIRST
    return MONTH_FIRST if other > 12 >= first else ""


def _moment(found, month, day):
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return Moment()
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        minute, second = int(found["minute"] or 0), int(found["second"] or 0)
        at = datetime(int(found["year"]), month, day, hour, minute, second)
        zone = _zone(found["zone"])
        if zone is None:
            return Moment(at)
        return Moment(at.replace(tzinfo=zone).astimezone(timezone.utc).replace(tzinfo=None), True)
    except (ValueError, OverflowError):
        return Moment()


def _zone(text):
    """The zone that a text ends with, None for none. :raises ValueError: no such zone"""
    if not text:
        return None
    if text[0] not in "+-":
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(text)
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _from_seconds(text):
    seconds = float(text) if "." in text else int(text) / 10 ** (len(text) - 10)
    if not 978_307_200 <= seconds < 4_102_444_800:
        return Moment()
    return Moment((_EPOCH + timedelta(seconds=seconds)).replace(microsecond=0), True)
