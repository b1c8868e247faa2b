"""Whether a note explains how a consent was given.

Little is required, so that no honest note is refused: two different words that are not one repeated
letter. "x", "ok", blanks and full stops explain nothing a year later.
"""

import re
import unicodedata

MIN_WORDS = 2
MIN_LETTERS = 6
MIN_DISTINCT = 4
# In scripts without spaces or with signs for whole words, two signs are a word and four a note.
DENSE_LETTERS = 4


def is_verifiable(text: str | None) -> bool:
    """Return whether `text` is enough to verify a consent later."""
    text = unicodedata.normalize("NFKC", text or "").casefold()
    signs = [sign for sign in text if sign.isalnum()]
    dense = sum(unicodedata.category(sign) == "Lo" for sign in signs)
    if dense >= DENSE_LETTERS:
        return len(set(signs)) >= DENSE_LETTERS
    # Distinct words: "ok ok ok" is one.
    words = set(re.findall(r"[^\W_]+", text))
    return len(words) >= MIN_WORDS and len(signs) >= MIN_LETTERS and len(set(signs)) >= MIN_DISTINCT
