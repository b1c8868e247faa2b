"""Split a message into clauses, without additions by forwarding programs and signatures."""

import re
from dataclasses import dataclass
from functools import cached_property

from .intent_words import LEADS, SIGNATURES
from .plain_text import (
    join_spelled_letters,
    normalize_text,
    plain_letters,
    visible_letters,
    word_set,
)

# A WhatsApp text has at most 4096 characters; the rest of a longer one is ignored.
MAX_CHARACTERS = 4096
_LINES = re.compile(r"[\n\r\x0b\x0c\x85\u2028\u2029]+")
_QUOTED = re.compile(r"\s*[>|]")
# "1.", "2)", "-": the mark of a list item.
_BULLET = re.compile(r"\s*(?:\d{1,2}\s{0,2}[.)\-:]|[-*•·+])\s")
# "[29/11/2026, 10:15] Ana Pérez:", as WhatsApp copies a message.
_COPIED = re.compile(r"\s*\[[\d/.,:\s\-apmAPM]{4,30}\]\s*[^:\n]{1,40}:\s*")
# "*Ana:* BAJA", "*Ana* : BAJA": a name in bold, as forwarding programs write it.
_NAMED = re.compile(r"\s*[*_]{1,2}[^:*_\n]{1,40}(?::[*_]{1,2}|[*_]{1,2}\s?:|\s:[*_]{1,2})\s*")
_LEAD = re.compile(r"\s*([^\W\d_]{2,10})\s?:\s*")
_CUT = re.compile(r"[.!?;,:()¡¿…。！？，]+|\s[-–—]+\s|\n")
_SENTENCE_END = re.compile(r"[.!?;:()¡¿…。！？]")
_RULE = re.compile(r"\s*[-_=*]{2,}\s*")
# Mail addresses, web addresses, telephone numbers.
_CONTACT = re.compile(r"@\w|www\.|https?:|\d[\d\s().\-]{6,}\d")
_NOT = re.compile(r"n['\u2019\u00b4`]t\b", re.IGNORECASE)
_BUT = re.compile(r"\b(?:but|pero|porem|however)\b")
_AND = frozenset(("and", "&", "y", "e", "et"))
_TOKEN = re.compile(r"[^\W_]+")
_SMALL_WORDS = word_set("de del la las los da do dos das du von van y e")


@dataclass(frozen=True)
class Clause:
    """A clause of a message.

    raw: its visible text, with capitals.
    ends: the punctuation after it, "?" for a question.
    sentence: number of its sentence.
    """

    raw: str
    ends: str
    sentence: int

    @cached_property
    def phrase(self) -> str:
        """Plain text of the clause, see `plain_text.normalize_text`."""
        return normalize_text(self.raw)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Plain words, separated also by apostrophes, but "don't" is "do not"."""
        return tuple(_TOKEN.findall(plain_letters(_NOT.sub(" not", self.raw))))

    @property
    def joined_parts(self) -> list[tuple[str, ...]]:
        """The words on each side of each "and"; [] without one."""
        parts: list[list[str]] = [[]]
        for word in _TOKEN.findall(self.raw.casefold()):
            if word in _AND:
                parts.append([])
            parts[-1].append(word)
        if len(parts) == 1:
            return []
        return [tuple(plain_letters(" ".join(part)).split()) for part in parts]

    @property
    def is_question(self) -> bool:
        """Whether it ends with a question mark."""
        return "?" in self.ends or "？" in self.ends

    @cached_property
    def looks_like_name(self) -> bool:
        """Whether it looks like "Ana Pérez", "Luis García, S.L." or a telephone number."""
        words = self.raw.strip(" *_~\"'").split()
        if not words or len(words) > 5:
            return False
        big = [word for word in words if word.casefold() not in _SMALL_WORDS]
        return all(word[0].isupper() or word[0].isdigit() or word[0] == "+" for word in big) and (
            any(word.istitle() or word[0].isdigit() for word in big)
        )


def split_clauses(text: str) -> list[Clause]:
    """Return the clauses of a message, in their order."""
    # Cut again: one character can be normalized to twenty letters.
    lines = _message_lines(join_spelled_letters(visible_letters(text)[:MAX_CHARACTERS]))
    clauses: list[Clause] = []
    sentence = 0
    for line in lines:
        for raw, ends in _split_line(line):
            if _TOKEN.search(raw):
                clauses.append(Clause(raw, ends, sentence))
            if ends == "\n" or _SENTENCE_END.search(ends):
                sentence += 1
        sentence += 1
    return clauses


def _message_lines(text: str) -> list[str]:
    lines = [line for line in _LINES.split(text) if line.strip()]
    own = [line for line in lines if not _QUOTED.match(line)] or lines
    kept: list[str] = []
    for line in own:
        if any(map(_TOKEN.search, kept)):
            if _RULE.fullmatch(line) or _begins_signature(line):
                break
            if _CONTACT.search(line):
                continue
        kept.append(_without_lead(line))
    return kept


def _begins_signature(line: str) -> bool:
    words = f"{normalize_text(line)} "
    return any(words.startswith(f"{opening} ") for opening in SIGNATURES)


def _without_lead(line: str) -> str:
    for pattern in (_BULLET, _COPIED, _NAMED):
        line = pattern.sub("", line, count=1) if pattern.match(line) else line
    lead = _LEAD.match(line)
    if lead and normalize_text(lead[1]) in LEADS:
        line = line[lead.end() :]
    return line


def _split_line(line: str) -> list[tuple[str, str]]:
    """Return [(text, punctuation after it)] of a line."""
    pieces, start = [], 0
    for end in _CUT.finditer(line):
        pieces.append((line[start : end.start()], end[0]))
        start = end.end()
    pieces.append((line[start:], "\n"))
    return [
        (half, ends if last else ",")
        for piece, ends in pieces
        for half, last in _split_at_but(piece)
    ]


def _split_at_but(piece: str) -> list[tuple[str, bool]]:
    """Return [(text, whether it is the last)] of the parts around each "but"."""
    parts = _BUT.split(piece) if _BUT.search(piece) else [piece]
    return [(part, at == len(parts) - 1) for at, part in enumerate(parts)]
