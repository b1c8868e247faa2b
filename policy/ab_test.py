"""A/B test: who gets which message, which one wins, and how certain that is.

A test share of the audience gets message a or b; the rest waits for the winner. The assignment is a
hash of campaign and person, so it is the same after every crash and for two records of one person,
and independent of the order of the records.

The criterion is the share of the *reached* people who read it, or who answered without opting out.
Reads are undercounted (people who switched read receipts off never count), equally for both
messages.
"""

import hashlib
from typing import NamedTuple

from .proportions import difference_z

VARIANTS = ("a", "b")
CRITERIA = ("read", "reply")

# Minimum people per message for a meaningful result: at a read rate of 60 % the error of one rate
# of 50 people is 14 points (two-sided 95 %).
MIN_TEST_RECIPIENTS = 50
# Margin on top of the minimum: random assignment is uneven, and some people are not reached.
HEADROOM = 1.3
# The test counts as sent when nearly all of its rows are: a few may wait for days for a slot, the
# end of quiet hours or another attempt.
COMPLETE_SHARE = 0.9
# Two-sided 95 %: a difference this large occurs by chance once in twenty tests.
SIGNIFICANCE_Z = 1.96
# Fewer may be chance, as in policy/canary.py.
MIN_OPT_OUTS = 3


class VariantResult(NamedTuple):
    """The results of one message of the test.

    people: its rows
    waiting: rows still to be sent
    replied: people who answered without opting out
    may_be_sent: whether the template may still be sent
    """

    people: int = 0
    waiting: int = 0
    delivered: int = 0
    read: int = 0
    replied: int = 0
    opted_out: int = 0
    may_be_sent: bool = True

    def count(self, criterion: str) -> int:
        """Return the people who met the criterion, one of `CRITERIA`."""
        return self.read if criterion == "read" else self.replied

    def rate(self, criterion: str) -> float | None:
        """Return the rate of the criterion among reached people, 0 to 1; None if there are none."""
        return self.count(criterion) / self.delivered if self.delivered else None


class AbTestVerdict(NamedTuple):
    """Which message the rest gets, and why.

    ground: 'stopped' (the other cannot be sent), 'opt_outs' (the other is read or answered more,
    but significantly more of its people opted out), 'better' (significantly), 'slightly' (the
    better rate, but not significantly), 'equal', 'thin' (too few people reached)
    """

    winner: str
    ground: str


def test_share(wanted: float, people: int) -> float:
    """Return the share (0 to 1) of `people` in the test: as requested, but enough for a result.

    A small audience is in the test as a whole.
    """
    if people <= 0:
        return 1.0
    return min(1.0, max(wanted, HEADROOM * 2 * MIN_TEST_RECIPIENTS / people))


def assign_variant(campaign: str, person: str, share: float) -> str | None:
    """Return 'a' or 'b' for people in the test, None for the rest. Deterministic."""
    digest = hashlib.sha256(f"{campaign}/{person}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place >= share:
        return None
    return "a" if place < share / 2 else "b"


def is_fully_sent(parts: dict[str, VariantResult]) -> bool:
    """Return whether the test was sent, so that the time for reactions begins."""
    return all(
        part.people - part.waiting >= COMPLETE_SHARE * part.people for part in parts.values()
    )


def choose_winner(parts: dict[str, VariantResult], criterion: str) -> AbTestVerdict | None:
    """Return which message the rest gets; None while neither can be sent."""
    a, b = parts["a"], parts["b"]
    if not (a.may_be_sent and b.may_be_sent):
        if not (a.may_be_sent or b.may_be_sent):
            return None
        return AbTestVerdict("a" if a.may_be_sent else "b", "stopped")
    winner = "b" if _rate(b, criterion) > _rate(a, criterion) else "a"
    ahead, behind = (b, a) if winner == "b" else (a, b)
    if _has_more_opt_outs(ahead, behind):
        return AbTestVerdict("a" if winner == "b" else "b", "opt_outs")
    if min(a.delivered, b.delivered) < MIN_TEST_RECIPIENTS:
        return AbTestVerdict(winner, "thin")
    if _rate(a, criterion) == _rate(b, criterion):
        return AbTestVerdict("a", "equal")
    is_significant = difference_z(ahead.count(criterion), ahead.delivered, behind.count(criterion),
                        behind.delivered) >= SIGNIFICANCE_Z  # fmt: skip
    return AbTestVerdict(winner, "better" if is_significant else "slightly")


def _rate(part: VariantResult, criterion: str) -> float:
    return part.rate(criterion) or 0.0


def _has_more_opt_outs(ahead: VariantResult, behind: VariantResult) -> bool:
    """Return whether significantly more people of `ahead` opted out."""
    if ahead.opted_out < MIN_OPT_OUTS:
        return False
    return (
        difference_z(ahead.opted_out, ahead.delivered, behind.opted_out, behind.delivered)
        >= SIGNIFICANCE_Z
    )
