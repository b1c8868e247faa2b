"""One function writes every cell that leaves us in a spreadsheet: `export_cell`.

Names, texts and reasons were written by strangers. A cell that a spreadsheet takes for a formula
fetches addresses and starts programs on the computer of whoever opens the file (OWASP, CSV
Injection).
"""

import json
import re
import unicodedata
from datetime import date

# What Excel and LibreOffice take for the beginning of a formula, also in full width (＝), and what
# some of them drop or split a cell at before they look.
_FORMULA = frozenset("=+-@|%")
_LEADING_JUNK = re.compile(r"^[\s'\"`´‘’“”\u0000-\u0020\u007f-\u00a0]+")
# A number, perhaps of a phone: nothing in it can be called, and as it stands it can be read.
_NUMBER = re.compile(r"\+\d{6,15}|[-+]?\d+(?:[.,]\d+)*")
_CONTROLS = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]"
)
# Excel's own; longer ones it drops.
_MAX_LENGTH = 32_767


def export_cell(value):
    """A value as a spreadsheet may hold it: numbers and moments as they are, the rest as text.

    A text that could be a formula gets an apostrophe before it, which spreadsheets do not show in
    a cell of their own and a person reads past.

    :return: int, float, bool, date, datetime or str
    """
    if value is None or value is False:
        return ""
    if isinstance(value, bool | int | float | date):
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    is_marked = text[:1] in "\t\r\n" if text else False
    text = _CONTROLS.sub("", text)
    if is_marked or _is_formula(text):
        text = f"'{text}"
    return text[:_MAX_LENGTH]


def _is_formula(text):
    if _NUMBER.fullmatch(text):
        return False
    # Invisible characters (category Cf) before it change nothing for who opens it.
    seen = "".join(one for one in text[:64] if unicodedata.category(one) != "Cf")
    bare = unicodedata.normalize("NFKC", _LEADING_JUNK.sub("", seen))
    return bare[:1] in _FORMULA if bare else False
