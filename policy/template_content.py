"""What a template says: the sentences that make it marketing, the way out, what is often refused.

The reading of a category is an advice of ours: Meta decides it, and may decide otherwise.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import template_text as texts
from .intent import expand
from .plain_text import normalize_text
from .preflight import has_opt_out_button, mentions_opt_out
from .template_buttons import is_shortened
from .template_findings import Finding, finding
from .template_kinds import by_kind
from .template_phrases import MARKETING, REFUSED
from .template_text import dict_of, list_of, text_of, word_of

_SENTENCE = re.compile(r"[^\s][^\n]*?(?:[.!?…]+(?=\s|\Z)|[。！？]+|(?=\n)|\Z)")
# "20% off", "20% de descuento" need no word of their own; "-20 %" neither.
_PERCENT = re.compile(
    r"(?<![\w{}])(?:[-–−]\s?\d{1,2}\s?%|\d{1,2}\s?%\s?(?:off|dto|desc|de\s(?:dto|desc|r[ée]duc|remise)))",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?<![a-z0-9.-])(?:https?://)?(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?P<path>/\S*)?", re.I
)
_PLACEHOLDER = re.compile(
    r"(?<!\w)x{3,}(?!\w)|lorem ipsum|(?<!\w)tbd(?!\w)"
    r"|(?<!\[)[\[<](?:tu |su |your |seu |votre )?(?:nombre|name|nome|nom|empresa|company|fecha|date"
    r"|data|precio|price|link|url|enlace|producto|product)[^\]>\n]{0,30}[\]>]",
    re.IGNORECASE,
)
_OTHER_BRACES = re.compile(r"(?<!\{)\{\w{1,40}\}(?!\})|\[\[\w{1,40}\]\]|(?<![\w%])%[1-9](?![\d%])")
# Longer texts are refused by their length.
_MOST_READ = 4096
# Shorter ones are names and abbreviations.
_FEWEST_CAPITALS = 20
_SHARE_OF_CAPITALS = 0.8


class Sentence(NamedTuple):
    """A sentence, its place in the text, and what makes it marketing (a key of MARKETING)."""

    text: str
    start: int
    end: int
    reason: str


def _index(topics):
    return {
        phrase: topic
        for topic, patterns in topics.items()
        for pattern in patterns.split(";")
        for phrase in expand(pattern)
    }


_MARKETING, _REFUSED = _index(MARKETING), _index(REFUSED)
_LONGEST = max(len(phrase.split()) for phrase in (*_MARKETING, *_REFUSED))


def marketing_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text that make a template marketing, as we read it."""
    found = []
    for start, end in _sentences(text):
        sentence = text[start:end]
        reason = _topic(sentence, _MARKETING) or ("offer" if _PERCENT.search(sentence) else "")
        if reason:
            found.append(Sentence(sentence, start, end, reason))
    return found


def _sentences(text):
    return [found.span() for found in _SENTENCE.finditer(text[:_MOST_READ])]


def _topic(text, phrases):
    """The topic of the longest phrase in a text, '' if there is none."""
    said = normalize_text(texts.VARIABLE.sub(" . ", text)).split()
    for size in range(min(_LONGEST, len(said)), 0, -1):
        for start in range(len(said) - size + 1):
            topic = phrases.get(" ".join(said[start : start + size]))
            if topic:
                return topic
    return ""


def check_content(components, category: str) -> list[Finding]:
    """Judge what a template says, beyond its form."""
    found = []
    for place, text in _texts(components):
        if category != "marketing":
            found += [
                finding(
                    "category_marketing", place, quote=one.text, start=one.start, end=one.end,
                    reason=one.reason, category="marketing",
                )
                for one in marketing_sentences(text)
            ]  # fmt: skip
        found += _check_wording(text, place)
    if category == "marketing" and not _has_way_out(components):
        found.append(finding("no_way_out", "template"))
    return found


def _check_wording(text, place):
    found = []
    for start, end in _sentences(text):
        sentence = text[start:end]
        where = {"quote": sentence, "start": start, "end": end}
        topic = _topic(sentence, _REFUSED)
        if topic:
            found.append(finding(topic, place, **where))
        if _is_shouted(sentence):
            found.append(finding("text_capitals", place, **where))
    for key, pattern in (("text_placeholder", _PLACEHOLDER), ("text_braces", _OTHER_BRACES)):
        hit = pattern.search(text)
        if hit:
            found.append(finding(key, place, quote=hit[0], start=hit.start(), end=hit.end()))
    return found + _check_links(text, place)


def _check_links(text, place):
    found = []
    for link in _LINK.finditer(text):
        host = link["host"].lower()
        key = "url_shortened" if is_shortened(host) and link["path"] else ""
        if host == "wa.me" or host.endswith("api.whatsapp.com"):
            key = "text_whatsapp_link"
        if key:
            found.append(finding(key, place, name=host, start=link.start(), end=link.end()))
    return found


def _is_shouted(sentence):
    letters = [one for one in texts.VARIABLE.sub("", sentence) if one.isupper() or one.islower()]
    capitals = sum(map(str.isupper, letters))
    return capitals >= _FEWEST_CAPITALS and capitals >= _SHARE_OF_CAPITALS * len(letters)


def _texts(components) -> Iterator[tuple[str, str]]:
    """(place, text) of everything a person reads, labels too."""
    yield from _texts_of(by_kind(components), "")
    for index, card in enumerate(_cards(components)):
        yield from _texts_of(by_kind(card.get("components")), f"card:{index}.")


def _texts_of(parts, prefix):
    for kind in ("header", "body", "footer"):
        text = text_of(parts.get(kind, {}).get("text"))[:_MOST_READ]
        if text.strip():
            yield f"{prefix}{kind}", text
    for index, button in enumerate(list_of(parts.get("buttons", {}).get("buttons"))):
        label = text_of(dict_of(button).get("text"))[:_MOST_READ]
        if label.strip():
            yield f"{prefix}button:{index}", label


def _cards(components):
    return map(dict_of, list_of(by_kind(components).get("carousel", {}).get("cards")))


def _has_way_out(components):
    """Whether a person is told how to opt out, by a button or in the text."""
    labels = []
    for parts in (
        by_kind(components),
        *(by_kind(card.get("components")) for card in _cards(components)),
    ):
        for button in map(dict_of, list_of(parts.get("buttons", {}).get("buttons"))):
            if word_of(button.get("type")) == "quick_reply":
                labels.append(text_of(button.get("text")))
    said = " \n ".join(text for place, text in _texts(components) if "button" not in place)
    return has_opt_out_button(labels, ()) or mentions_opt_out(said)
