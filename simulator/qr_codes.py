"""QR codes and short links of a number (`message_qrdls`).

Source: Meta's OpenAPI file v23.0 (2025-11-21), "QR Code Collection" and "Individual QR Code"; the
140 characters stand in its example of an error 100.
"""

import secrets

from .graph_errors import GraphError, missing_object, missing_parameter
from .paging import page

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
LENGTH, TEXT_MAX, PAGE_MAX, CODES_MAX = 14, 140, 25, 2000
IMAGES = ("PNG", "SVG")
FIELDS = ("code", "prefilled_message", "deep_link_url")


def list_codes(call, number):
    """Newest first; `code` asks for one."""
    codes = [_read(code, text) for code, text in reversed(number.qr_codes.items())]
    if call.query.get("code"):
        codes = [code for code in codes if code["code"] == call.query["code"]]
    if not 1 <= _whole(call.query.get("limit", PAGE_MAX)) <= PAGE_MAX:
        raise GraphError(100, f"limit must be a number from 1 to {PAGE_MAX}.")
    return page(codes, call.query, call.base_url, 131059)


def save_code(call, number):
    """Create one, or with `code` change its text."""
    body = call.body if isinstance(call.body, dict) else {}
    text, code = body.get("prefilled_message"), body.get("code")
    if not isinstance(text, str) or not text.strip():
        raise missing_parameter("prefilled_message")
    if len(text) > TEXT_MAX:
        raise GraphError(100, "Invalid prefilled_message length. Maximum "
                              f"{TEXT_MAX} characters allowed")
    if body.get("generate_qr_image", "PNG") not in IMAGES:
        raise GraphError(100, "generate_qr_image must be PNG or SVG.")
    if code is None:
        if len(number.qr_codes) >= CODES_MAX:
            raise GraphError(100, f"A number has at most {CODES_MAX} QR codes.")
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    elif code not in number.qr_codes:
        raise missing_object(call.method, str(code))
    number.qr_codes[code] = text
    return _read(code, text)


def read_code(call, number):
    """One code, in `data` as the individual endpoint answers."""
    code = _named(call, number)
    return {"data": [_read(code, number.qr_codes[code])]}


def delete_code(call, number):
    """It stops working for ever."""
    del number.qr_codes[_named(call, number)]
    return {"success": True}


def _named(call, number):
    code = call.edge.partition("/")[2]
    if code not in number.qr_codes:
        raise missing_object(call.method, code)
    return code


def _read(code, text):
    return dict(zip(FIELDS, (code, text, f"https://wa.me/message/{code}"), strict=True))


def _whole(value):
    try:
        return int(value)
    except ValueError:
        return 0
