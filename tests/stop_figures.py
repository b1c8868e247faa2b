"""How well opt-outs are read, in figures: `dev/stop-figures` prints them, test_stop_corpus asserts.

The corpus is tests/corpus/*.tsv. `stops_build` was read while the reader was built; the others
judged it, each written before the change of the reader that followed the judgement before.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

CORPUS = Path(__file__).parent / "corpus"
FILES = ("build", "judge", "judge_2", "judge_3", "judge_4", "judge_5", "judge_6")
LANGUAGES = ("es", "en", "pt", "fr")
LABELS = ("strong", "ambiguous", "none")
_ESCAPE = re.compile(r"\\n|\\u([0-9a-f]{4})")


class Sentence(NamedTuple):
    """label: one of LABELS. raw: as it stands in the file. text: as somebody writes it."""

    label: str
    language: str
    raw: str
    text: str


class Figures(NamedTuple):
    """precision: of what was opted out at once, the part that asked for it. recall: of those who
    asked, the part that was opted out or asked about; at_once: only the former. flagged: of what is
    nothing of the kind, the part that a person is asked about."""

    count: int
    precision: float
    recall: float
    at_once: float
    asked: float
    flagged: float


def sentences(name):
    """The sentences of one file."""
    lines = (CORPUS / f"stops_{name}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [
        Sentence(label, language, raw, _ESCAPE.sub(_sign, raw)) for label, language, raw in rows
    ]


def _sign(found):
    return chr(int(found[1], 16)) if found[1] else "\n"


def is_to_judge(raw):
    """Which half of the first corpus a sentence belongs to: by a hash, so that nobody chooses."""
    return bool(hashlib.sha256(raw.encode()).digest()[0] % 2)


def figures(found, read):
    """`Figures` of these sentences.

    :param read: from a text to one of LABELS
    """
    count = Counter((sentence.label, read(sentence.text)) for sentence in found)

    def share(part, whole):
        return sum(count[key] for key in part) / (sum(count[key] for key in whole) or 1)

    def labelled(label):
        return [(label, reading) for reading in LABELS]

    return Figures(
        len(found),
        share([("strong", "strong")], [(label, "strong") for label in LABELS]),
        1 - share([("strong", "none")], labelled("strong")),
        share([("strong", "strong")], labelled("strong")),
        1 - share([("ambiguous", "none")], labelled("ambiguous")),
        1 - share([("none", "none")], labelled("none")),
    )


def table(read):
    """The figures as text: per file, then per language of all files together."""
    every = {name: sentences(name) for name in FILES}
    together = [sentence for found in every.values() for sentence in found]
    rows = [(f"stops_{name}", figures(found, read)) for name, found in every.items()]
    for language in LANGUAGES:
        found = [sentence for sentence in together if sentence.language == language]
        rows.append((language, figures(found, read)))
    rows.append(("all", figures(together, read)))
    lines = [f"{'':14} {'sentences':>9} {'precision':>9} {'recall':>9} {'at once':>9} "
             f"{'doubts asked':>12} {'others asked':>12}"]  # fmt: skip
    for name, row in rows:
        lines.append(
            f"{name:14} {row.count:9} {row.precision:9.1%} {row.recall:9.1%} {row.at_once:9.1%} "
            f"{row.asked:12.1%} {row.flagged:12.1%}"
        )
    return "\n".join(lines)
