"""Tools: `export_cell`, which formats every cell of our spreadsheets and CSV files.

Called by controllers/export.py and the export of a person's data (waba_recipient_export.py).

Names, texts and reasons come from outside. A cell that a spreadsheet reads as a formula can fetch
addresses and start programs on the computer where the file is opened (OWASP, CSV Injection).
"""

import json
import re
import unicodedata
from datetime import date

# Characters with which a formula starts in Excel and LibreOffice, also in full width (＝), and
# those that some of them drop, or split a cell at, before they look for one.
_FORMULA = frozenset("=+-@|%")
_LEADING_JUNK = re.compile(r"^[\s'\"`´‘’“”\u0000-\u0020\u007f-\u00a0]+")
# A plain number or phone number calls nothing and stays readable.
_NUMBER = re.compile(r"\+\d{6,15}|[-+]?\d+(?:[.,]\d+)*")
_CONTROLS = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]"
)
# Excel's limit: it drops the rest.
_MAX_LENGTH = 32_767


def export_cell(value):
    """A value that is safe in a spreadsheet: numbers and dates unchanged, the rest as text.

    A text that could be a formula gets an apostrophe before it, which spreadsheets hide.

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
    # Invisible characters (category Cf) do not keep a formula from running.
    seen = "".join(one for one in text[:64] if unicodedata.category(one) != "Cf")
    bare = unicodedata.normalize("NFKC", _LEADING_JUNK.sub("", seen))
    return bare[:1] in _FORMULA if bare else False
