"""Which opt-in source an inbound message names, and whether it counts as an opt-in.

A source's prefilled text ends with its code, "Yes, send me offers (K7M4QX)"; a form's one-time
code is longer. People edit texts, so codes are read in any case, between any marks and with a space
inside. Without a code only the whole unchanged text names a source. Two sources named: neither.

A message is an opt-in only if the source says so, the person left the agreement as it was, and
nothing around it refuses, limits or asks to stop. In doubt it is a conversation, not an opt-in.
"""

import re
import unicodedata
from itertools import pairwise

from .intent import NONE, SHIPPED_WORDS, opt_out_strength
from .plain_text import normalize_text

# No vowels, so that no code is a word, and nothing that is read as something else (0, O, 1, I, L).
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
SOURCE_CODE, ONE_TIME_CODE = 6, 8
CODE_LENGTHS = (SOURCE_CODE, ONE_TIME_CODE)

# Words that a person may write around the agreement; more is another message.
MAX_OTHER_WORDS = 12
# As the Business Platform's QR codes allow.
MAX_TEXT = 140

_TOKEN = re.compile(r"[0-9A-Z]+")
_IS_CODE = re.compile(f"(?=.*[0-9])(?=.*[A-Z])[{ALPHABET}]+")

# An agreement, in normalized words; "yes" alone only where the text begins with it.
_YES = frozenset(("yes", "yep", "ok", "okay", "si", "sim", "oui", "ja", "da", "tak", "evet"))
_AGREEMENTS = (
    # English
    "i agree", "i accept", "i consent", "subscribe", "sign me up", "send me", "opt in",
    "count me in", "i want to receive", "i would like to receive", "id like to receive",
    "keep me posted",
    # Spanish
    "acepto", "autorizo", "de acuerdo", "quiero recibir", "deseo recibir", "quisiera recibir",
    "me gustaria recibir", "enviame", "enviadme", "envienme", "mandame", "mandadme", "mandenme",
    "suscribirme", "suscribeme", "suscribanme", "me suscribo", "me apunto", "apuntame",
    # Portuguese
    "aceito", "concordo", "quero receber", "gostaria de receber", "desejo receber", "me envie",
    "me enviem", "envie me", "quero me inscrever", "me inscreva", "podem me enviar",
    # French
    "jaccepte", "je suis daccord", "daccord", "je veux recevoir", "je souhaite recevoir",
    "jaimerais recevoir", "envoyez moi", "inscrivez moi", "je mabonne", "je minscris",
)  # fmt: skip
# Refuses or limits what is agreed to: a person has to read the message.
_DOUBTING = (
    "no not dont cant cannot never without stop except only but unless nothing none"
    " nunca jamas sin salvo excepto solo solamente pero nada ni tampoco"
    " nao sem menos apenas somente mas exceto nem nunca"
    " ne pas jamais sans sauf seulement mais rien non aucun aucune"
    " nicht kein keine nie ohne nur aber niet geen"
)
_DOUBTS = frozenset(_DOUBTING.split())


def find_codes(text: str | None) -> frozenset[str]:
    """Return what may be a code in a text: of the right length, with a digit and a letter."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text or "").upper())
    joined = [first + second for first, second in pairwise(tokens)]
    return frozenset(
        token for token in (*tokens, *joined) if len(token) in CODE_LENGTHS and is_code(token)
    )


def is_code(text: str) -> bool:
    """Return whether a text could be a code: words and numbers cannot."""
    return bool(_IS_CODE.fullmatch(text))


def states_agreement(text: str | None) -> bool:
    """Return whether a prefilled text says that its sender agrees, and nothing against it."""
    words = normalize_text(text or "").split()
    if not words or _DOUBTS.intersection(words) or opt_out_strength(text) != NONE:
        return False
    plain = f" {' '.join(words)} "
    return words[0] in _YES or any(f" {phrase} " in plain for phrase in _AGREEMENTS)


def counts_as_opt_in(
    text: str | None, agreements: tuple[str, ...], codes=(), is_confirmation=False,
    words=SHIPPED_WORDS,
) -> bool:  # fmt: skip
    """Return whether a message to a source that asks for consent is an opt-in.

    :param agreements: the source's prefilled texts, one per language
    :param codes: codes in the message that are the source's
    :param is_confirmation: it has the one-time code of a form with the consent wording, which
        they had agreed to: then the code alone is enough
    :param words: the company's own words for requests
    """
    if opt_out_strength(text, None, words) != NONE:
        return False
    rest = f" {normalize_text(_without_codes(text or '', codes))} "
    for agreement in filter(states_agreement, agreements):
        phrase = f" {normalize_text(agreement)} "
        if phrase in rest:
            others = rest.replace(phrase, " ", 1).split()
            return len(others) <= MAX_OTHER_WORDS and not _DOUBTS.intersection(others)
    return is_confirmation and (not rest.strip() or states_agreement(rest))


def _without_codes(text: str, codes) -> str:
    """`text` without these codes, in whatever case and with a space inside."""
    text = unicodedata.normalize("NFKC", text)
    for code in codes:
        text = re.sub(r"\W?".join(code), " ", text, flags=re.IGNORECASE)
    return text


def choose_source(by_code: set, by_text: set):
    """Return the one source that a message names, None for none or several.

    :param by_code: sources whose code is in the message
    :param by_text: sources whose whole text it is, read only without a code
    """
    named = by_code or by_text
    return next(iter(named)) if len(named) == 1 else None
