"""Checks of a URL's parts before any of them reaches a query.

Called by the other controllers. A URL can contain what PostgreSQL cannot store (a NUL), digits that
`int()` refuses ('²'), and numbers that no row has.
"""

import re

# A row's id is an int4.
_ID = re.compile(r"[0-9]{1,10}")
_MAX_ID = 2**31 - 1


def as_row_id(text):
    """Return the id in a text, None if no row can have it."""
    if not _ID.fullmatch(str(text)):
        return None
    number = int(text)
    return number if 0 < number <= _MAX_ID else None


def is_storable(text):
    """Return whether PostgreSQL accepts this text: no NUL, no lone surrogate."""
    try:
        return "\x00" not in text and bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False
