"""Whether an inbound message is an opt-out from promotions, a possible one, or an opt-in.

Letters are normalized (`plain_text`) and the message is split into clauses (`intent_clauses`). Each
clause is either a known request (`intent_words`, or a company's keywords), or its words are
replaced by their parts of the sentence and compared with the forms in `intent_sentences`. Messages
with other content as well are left to a user's review. Time and memory are linear in the length,
which is bounded.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

from . import intent_words as known
from .intent_clauses import MAX_CHARACTERS, Clause, split_clauses
from .intent_parts import classify_clause, is_request, tag_parts
from .intent_slips import typo_corrector
from .plain_text import normalize_text

# The payloads of our own "stop" and "resume" quick-reply buttons.
STOP_PAYLOAD = "WABA_STOP"
RESUME_PAYLOAD = "WABA_RESUME"

# Opted out immediately; a possible opt-out, which a user reviews; neither.
STRONG, AMBIGUOUS, NONE = "strong", "ambiguous", "none"

# Words of a phrase, and phrases that one pattern may stand for.
MAX_WORDS = 9
MAX_PHRASES = 1000

# {action: {strength: {language: patterns}}}
SHIPPED = {
    "opt_out": {STRONG: known.STRONG, AMBIGUOUS: known.AMBIGUOUS},
    "opt_in": {STRONG: known.OPT_IN},
}


def expand(pattern: str) -> frozenset[str]:
    """Return the phrases of "No quiero|deseo más mensajes": the alternatives of each word.

    :raise ValueError: 'empty' when a word has no letter or digit, 'long' when a phrase has more
        words than a request, 'many' when there are more than MAX_PHRASES
    """
    words = [word.split("|") for word in pattern.split()]
    alternatives = [[normalize_text(one) for one in word] for word in words]
    if not words or not all(one for word in alternatives for one in word):
        raise ValueError("empty")
    if prod(map(len, alternatives)) > MAX_PHRASES:
        raise ValueError("many")
    phrases = frozenset(" ".join(phrase) for phrase in product(*alternatives))
    if any(len(phrase.split()) > MAX_WORDS for phrase in phrases):
        raise ValueError("long")
    return phrases


def _expand_all(languages: dict[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(
        phrase
        for patterns in languages.values()
        for pattern in patterns
        for phrase in expand(pattern)
    )


OPT_OUT_WORDS = _expand_all(known.STRONG)
AMBIGUOUS_WORDS = _expand_all(known.AMBIGUOUS)
OPT_IN_WORDS = _expand_all(known.OPT_IN)


@dataclass(frozen=True, slots=True)
class RequestPhrases:
    """Requests, normalized by `normalize_text`.

    opt_out, ambiguous, opt_in: a clause must be one, with polite words around it.
    …_anywhere: matched anywhere in a message of any length.
    """

    opt_out: frozenset[str] = OPT_OUT_WORDS
    ambiguous: frozenset[str] = AMBIGUOUS_WORDS
    opt_in: frozenset[str] = OPT_IN_WORDS
    opt_out_anywhere: frozenset[str] = frozenset()
    ambiguous_anywhere: frozenset[str] = frozenset()
    opt_in_anywhere: frozenset[str] = frozenset()


SHIPPED_WORDS = RequestPhrases()


def opt_out_strength(
    text: str | None, payload: str | None = None, words: RequestPhrases = SHIPPED_WORDS
) -> str:
    """Return how clearly an inbound message asks us to stop sending promotions.

    Requests in any form must be respected (WhatsApp Business Messaging Policy). The payload of our
    own button decides first; otherwise the text, in English, Spanish, Portuguese or French, or by a
    company's keywords.

    :param text: what the person wrote, or the label of the button pressed
    :param payload: the payload of the button pressed, if any
    :param words: the company's own words for requests
    :return: STRONG, AMBIGUOUS or NONE
    """
    if payload in (STOP_PAYLOAD, RESUME_PAYLOAD):
        return STRONG if payload == STOP_PAYLOAD else NONE
    text = (text or "")[:MAX_CHARACTERS]
    if _contains(text, words.opt_out_anywhere):
        return STRONG
    strength = _combine_clauses(text, words)
    if strength == NONE and _contains(text, words.ambiguous_anywhere):
        return AMBIGUOUS
    return strength


def opt_out_intent(
    text: str | None, payload: str | None = None, words: RequestPhrases = SHIPPED_WORDS
) -> bool:
    """Return whether an inbound message is clearly an opt-out."""
    return opt_out_strength(text, payload, words) == STRONG


def opt_in_intent(
    text: str | None, payload: str | None = None, words: RequestPhrases = SHIPPED_WORDS
) -> bool:
    """Return whether an inbound message asks us to resume sending promotions.

    The whole message must be such a request, and must not be a possible opt-out.
    """
    if payload == RESUME_PAYLOAD:
        return True
    text = (text or "")[:MAX_CHARACTERS]
    if opt_out_strength(text, payload, words) != NONE:
        return False
    said = tuple(normalize_text(text).split())
    return _is_request(said, words.opt_in) or _contains(text, words.opt_in_anywhere)


def _contains(text: str, phrases: frozenset[str]) -> bool:
    if not text or not phrases:
        return False
    said = f" {normalize_text(text)} "
    return any(f" {phrase} " in said for phrase in phrases)


# === The message ===


def _combine_clauses(text: str, words: RequestPhrases) -> str:
    """Combine the clauses of a message."""
    clauses = split_clauses(text)
    kinds = [_clause_kind(clause, words) for clause in clauses]
    has_sign = not known.SIGNS.isdisjoint(text)
    if set(kinds) <= {"silent"}:
        return AMBIGUOUS if has_sign else NONE
    if "contrary" in kinds:
        return AMBIGUOUS if {"ask", "word"} & set(kinds) else NONE
    if "ask" in kinds or _asks_across_commas(clauses, kinds):
        is_restricted = any("%" in tag_parts(clause.words) for clause in clauses)
        return AMBIGUOUS if is_restricted else STRONG
    said = set(kinds) - {"silent"}
    if said == {"word"}:
        return STRONG
    if "hint" in said or "word" in said or said == {"doubt"}:
        return AMBIGUOUS
    return NONE


def _clause_kind(clause: Clause, words: RequestPhrases) -> str:
    """Return the kind of a clause.

    "ask": a request as a sentence; "word": a known request; "doubt": a possible one if alone;
    "hint": a possible one in any context; "contrary": a request to continue; "silent": a greeting,
    a name, yes or no; "other".
    """
    said = tuple(clause.phrase.split())
    kind = classify_clause(tag_parts(clause.words))
    if kind == "ask":
        return "hint" if clause.is_question and not is_request(clause.words) else "ask"
    if _is_request(said, words.opt_out):
        return "doubt" if clause.is_question else "word"
    if kind == "other" and _is_ordinary_request(said, words.opt_out):
        return "doubt"
    if kind in ("other", "hint") and any(
        classify_clause(tag_parts(part)) == "ask" for part in clause.joined_parts
    ):
        return "ask"
    if kind in ("other", "doubt", "silent") and _is_request(said, words.ambiguous):
        return "doubt" if len(said) == 1 else "hint"
    if kind == "other" and clause.looks_like_name:
        return "silent"
    return kind


def _is_ordinary_request(said: tuple[str, ...], requests: frozenset[str]) -> bool:
    """Return whether a request may be about other things: "quiero cancelar" (an order?)."""
    rest = [word for word in said if word not in known.OPENINGS | known.COURTESIES]
    return len(rest) == 1 and rest[0] in requests and not known.WISHES.isdisjoint(said)


def _asks_across_commas(clauses: list[Clause], kinds: list[str]) -> bool:
    """Return whether a sentence is a request without its commas: "dejen, por favor, de ..."."""
    sentences: dict[int, list[Clause]] = {}
    for clause, kind in zip(clauses, kinds, strict=True):
        if kind != "silent":
            sentences.setdefault(clause.sentence, []).append(clause)
    return any(
        len(parts) > 1
        and not parts[-1].is_question
        and classify_clause(tag_parts(tuple(word for part in parts for word in part.words)))
        == "ask"
        for parts in sentences.values()
    )


# === Known requests ===


@lru_cache(maxsize=64)
def _single_words(requests: frozenset[str]) -> frozenset[str]:
    return frozenset(request for request in requests if " " not in request)


def _is_request(words: tuple[str, ...], requests: frozenset[str]) -> bool:
    """Return whether `words` are a request, possibly repeated, and polite words around it."""
    if not words or not requests:
        return False
    slips = typo_corrector(_single_words(requests), known.NOT_KEYWORDS)
    words = tuple(map(slips.correct, words))
    for start in range(min(len(words), MAX_WORDS)):
        if _starts_with_request(words, start, requests):
            return True
        if words[start] not in known.OPENINGS:
            return False
    return False


def _starts_with_request(words: tuple[str, ...], at: int, requests: frozenset[str]) -> bool:
    """Return whether from `at` on there are requests, followed only by an ending."""
    is_ordinary = not known.WISHES.isdisjoint(words[:at])
    is_asked, ending = False, known.COURTESIES | known.TOPIC | known.POINTERS
    while at < len(words):
        length = _request_at(words, at, requests)
        if not length:
            break
        request = " ".join(words[at : at + length])
        if request in known.ORDINARY_WORDS:
            if is_ordinary:
                return False
            ending = known.COURTESIES
        is_asked, at = True, at + length
    return is_asked and all(word in ending or word.isdigit() for word in words[at:])


def _request_at(words: tuple[str, ...], at: int, requests: frozenset[str]) -> int:
    for length in range(min(MAX_WORDS, len(words) - at), 0, -1):
        if " ".join(words[at : at + length]) in requests:
            return length
    return 0
