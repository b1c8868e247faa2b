"""Conversion of Meta's JSON values: texts, ids, keys, datetimes, numbers, limits.

Missing or invalid values become '', 'unknown', None or an empty container, never an exception.
"""

import math
import re
from datetime import datetime, timedelta

# No id of Meta's is longer than some 200 characters, and longer ones could not be indexed.
_MAX_UID_LENGTH = 512
# E.164 has 15 digits at most; WhatsApp's own ids have had a few more.
_MAX_DIGITS = 20
_MAX_CODE = 2**31 - 1

_EPOCH = datetime(1970, 1, 1)
# Seconds reach 1e11 in the year 5138, milliseconds reached it in 1973.
_FIRST_MILLISECONDS = 100_000_000_000

# Controls, line and paragraph separators; embeddings, overrides and isolates of bidi text.
_LINE_BREAKS_AND_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_LIMITS = {
    "50": "50",
    "250": "250",
    "1000": "1000",
    "1k": "1000",
    "2000": "2000",
    "2k": "2000",
    "10000": "10000",
    "10k": "10000",
    "100000": "100000",
    "100k": "100000",
    "-1": "unlimited",
    "unlimited": "unlimited",
}


def as_text(value):
    """Return the text itself, '' for anything that is not text.

    JSON may contain what PostgreSQL cannot store: a NUL is dropped, a lone surrogate becomes '?'.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def as_name(value, length=255):
    """Return a name chosen by an unknown person as one safe line.

    Without control characters, line breaks and direction overrides, which can show 'gpj.exe' as a
    picture. Right-to-left scripts keep their order.
    """
    return " ".join(_LINE_BREAKS_AND_CONTROLS.sub(" ", as_text(value)[:length]).split())


def as_uid(value):
    """Return an id of Meta's as text. Floats are refused: they cannot hold large ids exactly."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else ""
    text = as_text(value).strip()
    return text if len(text) <= _MAX_UID_LENGTH else ""


def as_code(value):
    """Return an error code or similar from an int or digits; None if it does not fit an int4."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,10}\s*", value):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) <= _MAX_CODE else None


def as_amount(value):
    """Return an amount of money, 0 or more; None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 10**9 else None


def as_dict(value):
    """Return the dict itself, {} for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value):
    """Return the list itself, [value] for a single object, [] for None."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def as_word(value, known=None):
    """Return a key of Meta's in lower case; 'unknown' if it is missing or not in `known`."""
    word = as_text(value).strip().lower()
    if not word or (known is not None and word not in known):
        return "unknown"
    return word


def as_datetime(value):
    """Return Unix time as naive UTC; None for anything else.

    Meta sends text in statuses, integers in preferences, and seconds in both; a value too large for
    seconds is read as milliseconds.
    """
    try:
        seconds = int(float(value)) if not isinstance(value, bool) else 0
        if seconds >= _FIRST_MILLISECONDS:
            seconds //= 1000
        in_range = 0 < seconds < _FIRST_MILLISECONDS
        return _EPOCH + timedelta(seconds=seconds) if in_range else None
    except (TypeError, ValueError, OverflowError):
        return None


def digits(value):
    """Return the digits of a phone number, '' when there is anything but digits and separators."""
    text = as_uid(value)
    if not re.fullmatch(r"\+?[0-9\s().\-\u2010-\u2015\u00a0]+", text):
        return ""
    return re.sub(r"[^0-9]", "", text)


def as_number(value):
    """Return a phone number as '+digits', '' for anything else (such as a BSUID)."""
    found = digits(value)
    return f"+{found}" if 0 < len(found) <= _MAX_DIGITS else ""


def as_bsuid(value):
    """Return a business-scoped user id ('CC.' and alphanumerics) in place of a number, else ''."""
    return value if re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]+", value) else ""


def as_quality(value):
    """'green', 'yellow', 'red' or 'unknown' (Meta: NA, UNKNOWN, empty), from text or {'score'}."""
    if isinstance(value, dict):
        value = value.get("score")
    return as_word(value, ("green", "yellow", "red"))


def normalise_limit(value):
    """Return a messaging limit, in any of Meta's spellings, as people per rolling 24 h.

    Accepts int, numeric text, -1, 'UNLIMITED', 'TIER_*' (SDK v25.0.2; OpenAPI v23 keeps TIER_1K).
    'UNTIERED', 'TIER_NOT_SET', None and everything else are 'unknown'.

    :return: '50', '250', '1000', '2000', '10000', '100000', 'unlimited' or 'unknown'
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return "unknown"
    if isinstance(value, float):
        value = int(value) if value.is_integer() else ""
    word = str(value).strip().lower().removeprefix("tier_").replace(",", "")
    return _LIMITS.get(word, "unknown")


def storable(value, depth=16):
    """Return a JSON value that PostgreSQL's jsonb can store: no NUL, lone surrogate or NaN, and
    nothing deeper than `depth`, which becomes None."""
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, (dict, list)):
        return value
    if not depth:
        return None
    if isinstance(value, list):
        return [storable(item, depth - 1) for item in value]
    return {as_text(str(key)): storable(item, depth - 1) for key, item in value.items()}
