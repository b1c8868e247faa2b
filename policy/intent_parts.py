"""The parts of a clause: one letter per word, see `intent_lexicon`."""

import re
from functools import cache
from itertools import product

from . import intent_lexicon as lexicon
from . import intent_phrases as phrases
from . import intent_sentences as sentences
from .intent_slips import typo_corrector

IGNORED = ""
# Shorter ones are often something else: "family".
MIN_ADVERB_LENGTH = 8
# Meaning with a later "off": "take my number off your list".
OFF = {"take": "remove", "get": "remove", "turn": "stop", "switch": "stop"}
_BOTHERS = re.compile(r"(?<=e)v|v(?=e)|(?<=C)v|(?<=C[Pp])v")


def _forms(entries: str) -> list[tuple[str, bool]]:
    """Return [(word, whether it includes "me")] of "word,word stem:ending,ending;ending"."""
    forms = []
    for entry in entries.split():
        stem, colon, endings = entry.partition(":")
        if not colon:
            forms += [(word, False) for word in entry.split(",") if word]
            continue
        plain, _semicolon, with_me = endings.partition(";")
        forms += [(stem + ending, False) for ending in plain.split(",") if ending]
        forms += [(stem + ending, True) for ending in with_me.split(",") if ending]
    return forms


@cache
def _lexicon() -> dict[str, str]:
    """Return {word: its part, with "e" if it includes "me"}; the first part of a word counts."""
    parts: dict[str, str] = {}
    for part, languages in lexicon.PARTS.items():
        for entries in languages.values():
            for word, with_me in _forms(entries):
                parts.setdefault(word, part + "e" * with_me)
    parts |= dict.fromkeys(phrases.ME, "e")
    for word in phrases.FILLERS | phrases.REQUESTS:
        parts.setdefault(word, IGNORED)
    return parts


@cache
def _phrases() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Return {first word: [(words, part)], the longest first}."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for part, patterns in phrases.PHRASES.items():
        for pattern in patterns:
            for words in product(*(word.split("|") for word in pattern.split())):
                found.setdefault(words[0], []).append((words, part))
    for same_start in found.values():
        same_start.sort(key=lambda phrase: -len(phrase[0]))
    return found


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """Return (words to which typos are corrected, words that are never typos)."""
    in_phrases = {word for found in _phrases().values() for words, _part in found for word in words}
    return frozenset(_lexicon()) | in_phrases, phrases.NO_SLIPS


def correct_typo(word: str) -> str:
    """Return the known word of which `word` is a typo, else `word`."""
    return typo_corrector(*_vocabulary()).correct(word)


def tag_parts(words: tuple[str, ...]) -> str:
    """Return a letter for each word or phrase, without ignored ones."""
    words = _without_courtesies(tuple(map(correct_typo, words)))
    if "off" in words:
        words = tuple(OFF.get(word, word) for word in words if word != "off")
    known, found, at = _lexicon(), [], 0
    while at < len(words):
        phrase, part = _match_phrase(words, at)
        if phrase:
            found.append(part)
            at += phrase
            continue
        found.append(known[words[at]] if words[at] in known else _unknown(words[at]))
        at += 1
    return _BOTHERS.sub("T", "".join(found))


def _unknown(word: str) -> str:
    """Return the part of an unknown word.

    Numbers and adverbs are ignored ("urgently", "absolutamente"); a Spanish verb may include "me"
    ("asustarme").
    """
    if word.isdigit() or (len(word) >= MIN_ADVERB_LENGTH and word.endswith(("ly", "mente"))):
        return IGNORED
    return "xe" if word.endswith(("arme", "erme", "irme", "andome", "iendome")) else "x"


def _without_courtesies(words: tuple[str, ...]) -> tuple[str, ...]:
    """Remove polite words, which may be anywhere, also inside phrases."""
    kept: list[str] = []
    for word in words:
        if word == "favor" and kept and kept[-1] == "por":
            kept.pop()
        elif word not in phrases.COURTESIES:
            kept.append(word)
    return tuple(kept)


def _match_phrase(words: tuple[str, ...], at: int) -> tuple[int, str]:
    for phrase, part in _phrases().get(words[at], ()):
        if words[at : at + len(phrase)] == phrase:
            return len(phrase), part
    return 0, ""


@cache
def _compiled(forms: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form})" for form in forms))


def is_request(words: tuple[str, ...]) -> bool:
    """Return whether the words ask for no more promotions."""
    return bool(phrases.REQUESTS.intersection(words))


def classify_clause(parts: str) -> str:
    """Return the kind of a clause of these parts.

    One of "ask", "doubt", "hint", "contrary", "silent" or "other".
    """
    once = _merge_double_negation(parts)
    bare = once.replace("e", "")
    if not bare.strip("N") and len(bare) <= 1:
        return "silent"
    if _compiled(sentences.ASKS_ME).fullmatch(once) or _compiled(sentences.ASKS).fullmatch(bare):
        return "ask"
    contrary = _compiled(sentences.CONTRARY).search(once)
    if contrary and "q" not in once[: contrary.start()]:
        return "contrary"
    if _compiled(sentences.DOUBTS).fullmatch(bare):
        return "doubt"
    return "hint" if _hints(once) or _hints(parts) else "other"


def _hints(parts: str) -> bool:
    """Return whether a part is a request, but not in a question about when or why."""
    hint = _compiled(sentences.HINTS).search(parts)
    return bool(hint) and not {"D", "q"} & set(parts[: hint.start()])


def _merge_double_negation(parts: str) -> str:
    """Remove further "no"s: in these languages they strengthen or complete the first."""
    head, no, tail = parts.partition("N")
    return head + no + tail.replace("N", "")
