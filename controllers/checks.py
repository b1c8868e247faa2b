"""What of an outsider's address may reach a query, checked before it does.

An address can spell what PostgreSQL does not keep (a NUL), what Python calls a digit and `int()`
does not ('²'), and numbers that no row has.
"""

import re

# A row's id is an int4; a longer number names none.
_ID = re.compile(r"[0-9]{1,10}")
_LARGEST_ID = 2**31 - 1


def as_row_id(text):
    """The id that a text spells, None when no row can have it."""
    if not _ID.fullmatch(str(text)):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def is_storable(text):
    """Whether PostgreSQL can compare with this text: no NUL, no half of a surrogate pair."""
    try:
        return "\x00" not in text and bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False
