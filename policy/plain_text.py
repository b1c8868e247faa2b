"""Text as a reader sees it, in plain lower case letters.

People write a word with accents or without, in bold, in full-width or mathematical letters, with
letters of another alphabet that look the same, with invisible characters in between, letter by
letter or stretched. All of these are the same word.
"""

import re
import unicodedata

# Letters of other alphabets that look like a Latin one. A selection from Unicode's confusables.txt
# (UTS #39, revision 30): those found in the words of `intent_words` and `intent_sentences`. Each
# pair is the foreign letter and the Latin one.
_LOOK_ALIKES = dict(
    pair
    for pairs in (
        # Cyrillic
        "АA ВB ЕE ЅS ІI ЇI ЈJ КK МM НH ОO РP СC ТT УY ХX ҮY",
        "вb кk мm нh тt аa еe оo рp сc уy хx ѕs іi їi јj ԁd ԛq ԝw һh үv",
        # Greek
        "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ΣS αa οo ρp νv ιi κk τt υu χx ϲc ϳj σo ΛA",
        # Armenian, Cherokee, Lisu
        "օo ոn սu հh ՏS ᎪA ᏴB ᏟC ᎬE ᎻH ᎫJ ᏦK ᎷM ᎾN ᏢP ᏒR ᏚS ᎢT ᏙV ᎳW ᏃZ",
        "ꓐB ꓖG ꓲI ꓙJ ꓑP ꓢS ꓔT ꓮA ꓳO",
        # Latin letters that are not accented ones
        "ıi ɑa ɡg ɪi ʀr ꜱs ᴀa ʙb ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ɴn ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz łl ŁL øo ØO đd ĐD",
    )
    for pair in pairs.split()
)
# Letters in dark circles and squares, which NFKC does not change.
_BOXED = {
    first + index: chr(ord("A") + index) for first in (0x1F150, 0x1F170) for index in range(26)
}
# Two of these are a flag; one, or three and more in a row, are letters.
_FLAG_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]+")
_DROPPED = str.maketrans("", "", "'`\u2018\u2019\u00b4\u02bc")
_NOT_A_WORD = re.compile(r"[\W_]+")
# Control, invisible and private characters and surrogates; and combining marks.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_MARKS = frozenset({"Mn", "Me"})
_WORD = re.compile(r"\w+")
# Letters one by one: "S T O P", "B.A.J.A", "s-t-o-p". Spaces also separate words, so all letters
# must stand alone.
_SPELT = re.compile(r"(?<!\w)[^\W\d_](?:[ .\-*_·,/|]{1,3}[^\W\d_]){2,}(?!\w)")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, separated by blanks."""
    return frozenset(text.split())


def without_accents(text: str) -> str:
    """Return `text` in NFKD without accents and other combining marks."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def normalize_text(text: str) -> str:
    """Return `text` in lower case, without accents, punctuation and emoji, single spaces."""
    return _NOT_A_WORD.sub(" ", plain_letters(text.translate(_DROPPED))).strip()


def plain_letters(text: str) -> str:
    """Return `text` in lower case, with plain letters: no accents, no look-alikes, nothing
    invisible.

    Punctuation, line breaks and spaces are not changed.
    """
    seen = visible_letters(text)
    unmarked = unicodedata.normalize("NFKD", seen.casefold())
    bare = "".join(char for char in unmarked if unicodedata.category(char) not in _MARKS)
    return _WORD.sub(lambda word: word[0].casefold(), bare)


def visible_letters(text: str) -> str:
    """Return `text` as it looks: compatible forms and look-alikes as the letters they show."""
    unboxed = _FLAG_LETTERS.sub(_flag_letters, text.translate(_BOXED))
    composed = unicodedata.normalize("NFKC", unboxed)
    kept = "".join(
        char for char in composed if char in "\n\t" or unicodedata.category(char) not in _UNSEEN
    )
    return _WORD.sub(_to_latin, kept)


def _flag_letters(found: re.Match[str]) -> str:
    if len(found[0]) == 2:
        return " "
    return "".join(chr(ord(char) - 0x1F1E6 + ord("A")) for char in found[0])


def _to_latin(found: re.Match[str]) -> str:
    """Return the word in Latin letters if each letter looks like one, else unchanged."""
    word = found[0]
    if word.isascii():
        return word
    latin = "".join(_LOOK_ALIKES.get(char, char) for char in word)
    bare = "".join(
        char
        for char in unicodedata.normalize("NFKD", latin)
        if unicodedata.category(char) not in _MARKS
    )
    return latin if bare.isascii() else word


def join_spelled_letters(text: str) -> str:
    """Return `text` with words that are spelt letter by letter written together."""
    return _SPELT.sub(lambda found: _NOT_A_WORD.sub("", found[0]), text)


def collapse_repeats(word: str, keep: int) -> str:
    """Return `word` with no letter more than `keep` times in a row: "stooop" is "stop" for 1."""
    return re.sub(rf"(.)\1{{{keep},}}", lambda found: found[1] * keep, word)
