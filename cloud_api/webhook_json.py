"""Parses a webhook body's JSON: an invalid value is lost, not the whole body.

Python refuses a whole document for one number of more than 4,300 digits, and for one value nested
too deeply; the rest of such a body still contains messages.
"""

import json
import re

# No number of Meta's is longer.
_MAX_INTEGER_LENGTH = 40
# Meta nests some 15 levels, a form's answers a few more.
_MAX_DEPTH = 64
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def load_body(body):
    """Return the JSON value of a body.

    :param body: bytes or text
    :raise ValueError: not JSON
    """
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        text = body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")
        return json.loads(_without_depths(text), parse_int=_short_integer)


def _short_integer(text):
    return int(text) if len(text) <= _MAX_INTEGER_LENGTH else None


def _without_depths(text):
    """The text with `null` for each value that is nested deeper than `_MAX_DEPTH`, in one pass."""
    kept, done, depth = [], 0, 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "[{":
            depth += 1
            if depth == _MAX_DEPTH + 1:
                kept += [text[done : token.start()], "null"]
        elif sign in "]}":
            if depth == _MAX_DEPTH + 1:
                done = token.end()
            depth -= 1
    return "".join([*kept, text[done:] if depth <= _MAX_DEPTH else ""])
