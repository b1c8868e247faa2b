"""Which characters of a text a person can see.

An address book contains what was pasted into it: zero-width spaces, direction marks, byte order
marks, no-break spaces, fillers. A value of only such characters is empty, and WhatsApp refuses
empty parameters. Emoji contain some of the same characters and must not be changed.
"""

import re
import unicodedata

# Invisible letters, symbols and marks of Unicode: Hangul fillers, the blank Braille pattern, the
# Khmer inherent vowels, the combining grapheme joiner (DerivedCoreProperties,
# Default_Ignorable_Code_Point, Unicode 16; Braille blank by its name).
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINER, _NON_JOINER = "\u200d", "\u200c"
# England's flag is a black flag, five tags and an end; tags elsewhere are invisible.
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\U000e0020-\U000e007f]")
_SELECTORS = range(0xFE00, 0xFE10)
# Scripts that a non-joiner or joiner spells in (Persian, Indic): between two of their letters.
_SPELLS = re.compile(r"[\u0600-\u08ff\u0900-\u0dff\ufb50-\ufdff\ufe70-\ufeff]")
_SPACES = frozenset(" \t\n\r\v\f\x1c\x1d\x1e\x1f\x85")
# Nearly every value: letters of Latin script, digits, plain punctuation.
_PLAIN = re.compile(r"[ -~\u00a1-\u00ac\u00ae-\u024f]*")


def visible_text(text: str) -> str:
    """Return the text without invisible characters and with plain spaces; '' when nothing is
    visible.

    Line breaks and tabs stay: `cloud_api.clean_parameter` removes them where Meta forbids them.
    """
    if _PLAIN.fullmatch(text):
        return text.strip()
    shown, before = _TAGS.sub(r"\1", text), None
    # Repeat until stable: whether a joiner stays depends on its neighbours.
    while shown != before:
        before = shown
        shown = "".join(_keep_character(before, index) for index in range(len(before))).strip()
    return shown if any(map(_is_seen, shown)) else ""


def _keep_character(text, index):
    """What remains of one character in its context."""
    character = text[index]
    if character in _SPACES:
        return character if character in "\t\n" else " " if character != "\r" else "\n"
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    code = ord(character)
    if character in _BLANK or category in ("Cc", "Cs", "Co") or _is_no_character(code):
        return ""
    if code in range(0xE0020, 0xE0080):
        return character
    if category == "Cf" or code in _SELECTORS:
        return character if _is_joined(text, index, code) else ""
    return character


def _is_joined(text, index, code):
    """Whether a joiner or selector is part of an emoji, or of a word that is spelt with it."""
    before = text[index - 1] if index else ""
    after = text[index + 1] if index + 1 < len(text) else ""
    if code in _SELECTORS:
        return bool(before) and (_is_pictorial(before) or before in "0123456789#*")
    if text[index] == _JOINER and _is_emoji_part(before) and _is_pictorial(after):
        return True
    return text[index] in (_JOINER, _NON_JOINER) and bool(
        _SPELLS.match(before) and _SPELLS.match(after)
    )


def _is_no_character(code):
    """Unicode's noncharacters, and unassigned code points of the tags' plane."""
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE or 0xE0000 <= code < 0xE0020


def _is_pictorial(character):
    """So, Sm, Sk: pictures, arrows (↔), skin tones; and ‼, which is punctuation.

    An emoji newer than this Python's Unicode data has no category yet, but its block is known.
    """
    return bool(character) and (
        unicodedata.category(character) in ("So", "Sm", "Sk")
        or character in "‼⁉〰〽"
        or 0x1F000 <= ord(character) <= 0x1FAFF
    )


def _is_emoji_part(character):
    return bool(character) and (_is_pictorial(character) or ord(character) in _SELECTORS)


def _is_seen(character):
    return unicodedata.category(character)[0] not in "ZCM" or _is_pictorial(character)
