"""Typing mistakes: stretched ("stooop"), digits for letters ("st0p"), typos ("sotp", "unsuscribe").

Only long words may have a wrong letter: short ones are too close to other words.
"""

from collections.abc import Iterable
from functools import lru_cache

from .plain_text import collapse_repeats

# Minimum lengths of words with two letters swapped, and with one letter more, less or wrong.
MIN_SWAP_LENGTH, MIN_EDIT_LENGTH = 4, 6
_DIGITS = str.maketrans("013457@$", "oieastas")
# Longer than any known word; longer input is not compared.
MAX_WORD_LENGTH = 40


class TypoCorrector:
    """Finds the word of a vocabulary of which an input is a typo. Lookups are cheap.

    :param words: plain lower-case words
    :param others: words that are never typos, however close they are to one of `words`
    """

    def __init__(self, words: Iterable[str], others: frozenset[str] = frozenset()):
        self._words = frozenset(words)
        self._exceptions = others
        self._short = {collapse_repeats(word, 1): word for word in sorted(self._words)}
        self._near: dict[str, str] = {}
        for word in sorted(self._words):
            if len(word) >= MIN_SWAP_LENGTH:
                for swapped in _swaps(word):
                    self._near.setdefault(swapped, word)
            if len(word) >= MIN_EDIT_LENGTH:
                for shorter in {word, *_without_one(word)}:
                    self._near.setdefault(f"-{shorter}", word)

    def correct(self, typed: str) -> str:
        """Return the intended word, or `typed` itself if no word is close."""
        if typed in self._words or typed in self._exceptions or len(typed) > MAX_WORD_LENGTH:
            return typed
        for plain in _plainer(typed):
            if plain in self._words:
                return plain
        if collapse_repeats(typed, 2) != typed and collapse_repeats(typed, 1) in self._short:
            return self._short[collapse_repeats(typed, 1)]
        if typed.isdigit():
            return typed
        return self._near.get(typed) or self._one_edit_away(typed) or typed

    def _one_edit_away(self, typed: str) -> str:
        if len(typed) < MIN_EDIT_LENGTH - 1:
            return ""
        for shorter in (typed, *_without_one(typed)):
            word = self._near.get(f"-{shorter}")
            # An ending is grammar, not a typo: "removed" is not "remove".
            if (
                word
                and word[-1] == typed[-1]
                and word[0] == typed[0]
                and _is_one_edit_away(typed, word)
            ):
                return word
        return ""


@lru_cache(maxsize=256)
def typo_corrector(words: frozenset[str], others: frozenset[str] = frozenset()) -> TypoCorrector:
    """Return the `TypoCorrector` of a vocabulary, cached."""
    return TypoCorrector(words, others)


def _plainer(typed: str) -> Iterable[str]:
    """`typed` without stretched letters, and with letters where it has digits among them."""
    yield collapse_repeats(typed, 1)
    yield collapse_repeats(typed, 2)
    if any(char.isdigit() for char in typed) and not typed.isdigit():
        letters = typed.translate(_DIGITS)
        yield letters
        yield collapse_repeats(letters, 1)
    if "v" in typed:
        # One sound in Spanish.
        yield typed.replace("v", "b")


def _swaps(word: str) -> Iterable[str]:
    for at in range(len(word) - 1):
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if swapped != word:
            yield swapped


def _without_one(word: str) -> Iterable[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _is_one_edit_away(typed: str, word: str) -> bool:
    """Return whether `typed` is `word` with one letter more, less or different."""
    if abs(len(typed) - len(word)) > 1:
        return False
    start = 0
    while start < min(len(typed), len(word)) and typed[start] == word[start]:
        start += 1
    skip_typed, skip_word = (
        (1, 1) if len(typed) == len(word) else (1, 0) if len(typed) > len(word) else (0, 1)
    )
    return typed[start + skip_typed :] == word[start + skip_word :]
