"""Cursor paging as the Graph does it: opaque cursors, ``paging.next`` while there is more."""

import base64
import binascii
from urllib.parse import urlencode

from .graph_errors import GraphError

MAX_PAGE_SIZE = 1000


def page(items, query, base_url, bad_cursor_code):
    """{"data": …, "paging": …} of the slice that ``limit``, ``after`` and ``before`` ask for."""
    try:
        limit = int(query.get("limit", 25))
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_PAGE_SIZE:
        raise GraphError(100, f"limit must be a number from 1 to {MAX_PAGE_SIZE}.")
    start = 0
    if query.get("after"):
        start = _position(query["after"], bad_cursor_code) + 1
    elif query.get("before"):
        start = max(0, _position(query["before"], bad_cursor_code) - limit)
    chosen = items[start:start + limit]
    if not chosen:
        return {"data": []}
    cursors = {"before": _cursor(start), "after": _cursor(start + len(chosen) - 1)}
    paging = {"cursors": cursors}
    rest = {k: v for k, v in query.items() if k not in ("after", "before", "access_token")}
    if start + len(chosen) < len(items):
        paging["next"] = f"{base_url}?{urlencode({**rest, 'after': cursors['after']})}"
    if start:
        paging["previous"] = f"{base_url}?{urlencode({**rest, 'before': cursors['before']})}"
    return {"data": chosen, "paging": paging}


def _cursor(position):
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def _position(cursor, bad_cursor_code):
    try:
        word, _colon, number = base64.urlsafe_b64decode(cursor).decode().partition(":")
        if word == "at":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise GraphError(bad_cursor_code, "The cursor is not valid.")
