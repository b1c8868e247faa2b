"""Any JSON value of Meta's as one of ours: texts, ids, words, moments, numbers, limits.

Nothing is taken for granted: what is missing or odd becomes '', 'unknown', None or an empty
container, never an exception.
"""

import math
import re
from datetime import datetime, timedelta

# No id of Meta's is longer than some 200 characters, and no database indexes one of thousands.
_LONGEST_UID = 512
# E.164 has 15 digits at most; WhatsApp's own ids have had a few more.
_MOST_DIGITS = 20
_LARGEST_CODE = 2**31 - 1

_EPOCH = datetime(1970, 1, 1)
# Seconds reach 1e11 in the year 5138, milliseconds reached it in 1973.
_FIRST_MILLISECONDS = 100_000_000_000

# Controls, line and paragraph separators; embeddings, overrides and isolates of bidi text.
_OUT_OF_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

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
    """The text itself, '' for anything that is not text.

    JSON can spell what no database keeps, a NUL or half of a surrogate pair: the first is dropped,
    the second becomes '?'.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def as_name(value, length=255):
    """A name that a stranger chose, as one line that can be shown among other words.

    Without control characters, line breaks and the marks that turn the order of what follows:
    with them 'gpj.exe' is shown as a picture, and one name writes over the next. What writes from
    right to left keeps its own order.
    """
    return " ".join(_OUT_OF_LINE.sub(" ", as_text(value)[:length]).split())


def as_uid(value):
    """An id of Meta's as text. Ids exceed what a float holds exactly, so a float is refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else ""
    text = as_text(value).strip()
    return text if len(text) <= _LONGEST_UID else ""


def as_code(value):
    """A number such as an error's, from an int or digits; None for what no column holds."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,10}\s*", value):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) <= _LARGEST_CODE else None


def as_dict(value):
    """The object itself, {} for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value):
    """A list: the list itself, an object alone as a list of one, [] for nothing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def as_word(value, known=None):
    """A word of Meta's in lower case; 'unknown' when it is missing or not in `known`."""
    word = as_text(value).strip().lower()
    if not word or (known is not None and word not in known):
        return "unknown"
    return word


def as_moment(value):
    """Unix time as naive UTC; None for what is not a time.

    Meta sends text in statuses, integers in preferences, and seconds in both; a value too large
    for seconds is taken as milliseconds.
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
    """The digits of a phone number, '' when the value holds anything but digits and separators."""
    text = as_uid(value)
    if not re.fullmatch(r"\+?[0-9\s().\-\u2010-\u2015\u00a0]+", text):
        return ""
    return re.sub(r"[^0-9]", "", text)


def as_number(value):
    """A phone number as '+digits', '' when there is none (a BSUID is not one)."""
    found = digits(value)
    return f"+{found}" if 0 < len(found) <= _MOST_DIGITS else ""


def as_bsuid(value):
    """A business-scoped user id ('CC.' and alphanumerics) where Meta puts a number, else ''."""
    return value if re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]+", value) else ""


def as_quality(value):
    """'green', 'yellow', 'red' or 'unknown' (Meta: NA, UNKNOWN, empty), from text or {'score'}."""
    if isinstance(value, dict):
        value = value.get("score")
    return as_word(value, ("green", "yellow", "red"))


def normalise_limit(value):
    """A messaging limit in Meta's many spellings, as people per rolling 24 h.

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
    """A JSON value as PostgreSQL's jsonb keeps it: no NUL, no half of a surrogate pair, no NaN,
    and nested no deeper than `depth`; what is deeper becomes None."""
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
