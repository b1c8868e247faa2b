"""A text of a template: its variables, its length as Meta may count it, its words and emoji."""

import re
import unicodedata

VARIABLE = re.compile(r"\{\{([A-Za-z0-9_]+)\}\}")
VARIABLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
LINE_BREAK = re.compile("[\n\r]")
MARKUP = re.compile("[*_~`]")
# Scripts written without blanks, by the names of their letters. How Meta counts their words is not
# known; a letter as a word is the reading that refuses nobody.
_DENSE = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "TIBETAN ", "MYANMAR ", "KHMER ")
_EMOJI_SIGN = re.compile("[\ufe0f\u20e3\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_PICTURE = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|[^\\W\\d_]?\ufe0f"
    f"|{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)


def text_of(value) -> str:
    """Return a JSON value if it is text, else ''."""
    return value if isinstance(value, str) else ""


def list_of(value) -> list:
    """Return a JSON value if it is a list, else []."""
    return value if isinstance(value, list) else []


def dict_of(value) -> dict:
    """Return a JSON value if it is an object, else {}."""
    return value if isinstance(value, dict) else {}


def word_of(value) -> str:
    """Return one of Meta's keys in lower case; '' for what is no text."""
    return text_of(value).strip().lower()


def length(text: str) -> int:
    """Return the number of UTF-16 units: an emoji counts two or more.

    Meta does not say what it counts. Its pages count in the browser, so in these units; a server
    may count characters, which are fewer. What fits by this one fits by both.
    """
    return len(text) + sum(character > "\uffff" for character in text)


def variables(text: str) -> list[str]:
    """Return the names of the variables in their order, each as often as it occurs."""
    return VARIABLE.findall(text)


def distinct_variables(text: str) -> list[str]:
    """Return the names of the variables in their order, each once."""
    return list(dict.fromkeys(variables(text)))


def has_stray_braces(text: str) -> bool:
    """Return whether double braces remain that are no variable, such as `{{ 1 }}` or `{{1}`."""
    rest = VARIABLE.sub(" ", text)
    return "{{" in rest or "}}" in rest


def words(text: str) -> int:
    """Return the number of words besides the variables."""
    return sum(map(_words_of, VARIABLE.sub(" ", text).split()))


def _words_of(word):
    if word.isascii():
        return int(any(map(str.isalnum, word)))
    signs = [character for character in word if character.isalnum()]
    dense = sum(unicodedata.name(sign, "").startswith(_DENSE) for sign in signs)
    return dense + (len(signs) > dense)


def emoji(text: str) -> int:
    """Return the number of emoji; a family or a flag is one."""
    return len(_EMOJI.findall(text))


def has_emoji(text: str) -> bool:
    """Return whether there is an emoji, or a sign that may be shown as one."""
    return bool(_EMOJI_SIGN.search(text))


def is_mark(character: str) -> bool:
    """Return whether it is a blank, a punctuation mark or invisible."""
    return unicodedata.category(character)[0] in "PZC"


def edges(text: str) -> tuple[bool, bool]:
    """Return whether a variable stands at the start or end, and whether but for punctuation."""
    places = [found.span() for found in VARIABLE.finditer(text)]
    if not places:
        return False, False
    before, after = text[: places[0][0]], text[places[-1][1] :]
    bare = not before.strip() or not after.strip()
    marks = all(map(is_mark, before)) or all(map(is_mark, after))
    return bare, marks and not bare


def filled(text: str, values: dict) -> str:
    """Return the text with its variables replaced; one without a value stays."""
    return VARIABLE.sub(lambda found: text_of(values.get(found[1])) or found[0], text)
