"""The pre-flight check before a launch: pass, warn or stop, line by line.

Each function here and in `preflight_outlook` judges one line from plain figures and returns a
`Verdict`: level, and the case that selects the sentence. `LINES` declares, in the order of the
list, which levels a line has and which of its stops no reason overrides. A **stop** blocks the
launch until it is fixed or, where allowed, a manager overrides it with a reason; a **warn** asks
for a look; neither changes who gets the message.

Lines without a stop and why:

- left_out, renumbered, waiting for hours or frequency: the rules themselves exclude or delay these
  people, so a launch cannot harm them;
- category, way_out: Meta has approved the template; only Meta judges it further;
- inactive: old contacts are a risk of the campaign's result, which `risk` weighs;
- cost: spending is the company's decision (approval by size is a separate rule).

Thresholds are ours unless a source is named; docs/preflight.md gives them for people.
"""

import itertools
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from .intent import STOP_PAYLOAD, opt_out_intent

LEVELS = ("pass", "warn", "stop")

# Share of new or long-silent people from which a warning is given.
NOTICEABLE = 0.2
# Minimum people for a share to mean anything: two of three may be chance.
FEW = 10
# So many people never contacted, without an opt-in, most of the audience: looks like a bought list.
COLD_PEOPLE = 1000
INACTIVE_AFTER = timedelta(days=180)
# Words that a text tells people to answer with; `intent` understands them all.
WAY_OUT_WORDS = frozenset(
    {"stop", "baja", "unsubscribe", "opt out", "sair", "parar", "arret", "arrêt", "desinscribir"}
)


class Verdict(NamedTuple):
    """`level` is one of `LEVELS`; `case` names the sentence."""

    level: str
    case: str


class Line(NamedTuple):
    """A line of the list: its levels, and the stops that cannot be overridden."""

    levels: tuple[str, ...]
    final: frozenset[str] = frozenset()


TWO = ("pass", "warn")
LINES = {
    "reach": Line(LEVELS, frozenset({"nobody_chosen", "nobody_left"})),
    "template": Line(LEVELS, frozenset({"none", "not_sendable"})),
    "sender": Line(LEVELS, frozenset({"none", "other_account", "not_connected", "archived"})),
    "personal": Line(LEVELS, frozenset({"incomplete"})),
    "consent": Line(LEVELS, frozenset({"none"})),
    "countries": Line(LEVELS),
    "risk": Line(LEVELS),
    "duration": Line(LEVELS),
    "new_contacts": Line(LEVELS),
    "renumbered": Line(TWO),
    "frequency": Line(TWO),
    "hours": Line(TWO),
    "inactive": Line(TWO),
    "left_out": Line(TWO),
    "category": Line(TWO),
    "way_out": Line(TWO),
    "cost": Line(TWO),
}


def may_be_overridden(line: str, case: str) -> bool:
    """Return whether a manager may override this stop with a reason."""
    return case not in LINES[line].final


def order(line: str, level: str) -> tuple[int, int]:
    """Return the sort key of a line: worst level first, then as in `LINES`."""
    return -LEVELS.index(level), list(LINES).index(line)


# The message and the number


def template(is_chosen: bool, is_sendable: bool, rating: str) -> Verdict:
    """Judge the template.

    :param rating: Meta's: 'green', 'yellow', 'red' or 'unknown'
    """
    if not is_chosen:
        return Verdict("stop", "none")
    if not is_sendable:
        return Verdict("stop", "not_sendable")
    if rating in ("yellow", "red"):
        return Verdict("warn", rating)
    return Verdict("pass", "new" if rating == "unknown" else "fine")


def category(current: str, announced: str) -> Verdict:
    """Judge the category by what Meta said of it; wording is not judged.

    :param announced: the category that Meta last announced or named as the right one, '' if none
    """
    if current == "unknown":
        return Verdict("warn", "unknown")
    if announced and announced != current:
        return Verdict("warn", "announced")
    return Verdict("pass", current)


def way_out(current: str, has_button: bool, has_words: bool) -> Verdict:
    """Judge whether a promotion tells people how to opt out."""
    if current != "marketing":
        return Verdict("pass", "not_needed")
    if has_button:
        return Verdict("pass", "button")
    return Verdict("pass", "words") if has_words else Verdict("warn", "missing")


def sender(
    *,
    is_chosen: bool = True,
    is_of_account: bool = True,
    is_connected: bool = True,
    is_archived: bool = False,
    is_restricted: bool = False,
    is_locked: bool = False,
    is_stopped_by_meta: bool = False,
    is_held: bool = False,
    waits: bool = False,
    rating: str = "green",
    level: str = "healthy",
    is_warming_up: bool = False,
    is_slowed: bool = False,
) -> Verdict:
    """Judge the number; the first case that applies counts, worst first.

    :param is_of_account: the template belongs to the same account
    :param is_held: promotions are held, and this is a promotion
    :param waits: sending waits for another reason
    :param rating: Meta's colour; level: our own reading
    """
    stops = (
        ("none", not is_chosen),
        ("other_account", not is_of_account),
        ("not_connected", not is_connected),
        ("archived", is_archived),
        ("restricted", is_restricted),
        ("locked", is_locked),
        ("stopped_by_meta", is_stopped_by_meta),
        ("held", is_held),
    )
    for case, applies in stops:
        if applies:
            return Verdict("stop", case)
    warnings = (
        ("waits", waits),
        ("rating", rating in ("yellow", "red")),
        ("reading", level in ("watch", "at_risk")),
        ("slowed", is_slowed),
        ("warm_up", is_warming_up),
    )
    for case, applies in warnings:
        if applies:
            return Verdict("warn", case)
    return Verdict("pass", "new" if rating == "unknown" else "fine")


def personal(
    is_complete: bool, variables: int, missing: int, fallback: int, receiving: int
) -> Verdict:
    """Judge whether the message is personal.

    :param variables: texts of the template that differ from person to person
    :param missing: people left out because such a text would be empty
    :param fallback: people of `receiving` who see a fallback text
    """
    if not is_complete:
        return Verdict("stop", "incomplete")
    if missing >= max(FEW, receiving):
        return Verdict("stop", "mostly_missing")
    if missing:
        return Verdict("warn", "missing")
    if fallback >= max(FEW, receiving / 2):
        return Verdict("warn", "mostly_fallback")
    if not variables:
        return Verdict("pass", "same_for_all")
    return Verdict("pass", "some_fallback" if fallback else "fine")


def has_way_out_button(labels: Iterable[str], payloads: Iterable[str | None]) -> bool:
    """Return whether a button opts out, by its label or by its payload."""
    return any(opt_out_intent(label) for label in labels) or STOP_PAYLOAD in payloads


def tells_way_out(text: str) -> bool:
    """Return whether a text names an opt-out word, in the supported languages."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    pairs = {" ".join(pair) for pair in itertools.pairwise(words)}
    return bool(WAY_OUT_WORDS & ({*words} | pairs))


# The people


def reach(chosen: int, receiving: int) -> Verdict:
    """Judge how many of the people chosen get the message."""
    if not chosen:
        return Verdict("stop", "nobody_chosen")
    if not receiving:
        return Verdict("stop", "nobody_left")
    if receiving * 2 < chosen:
        return Verdict("warn", "few")
    return Verdict("pass", "all" if receiving == chosen else "most")


def left_out(people: int) -> Verdict:
    """Judge a number of people left out for one reason."""
    return Verdict("warn", "some") if people else Verdict("pass", "nobody")


# The same for people over the frequency cap, with a number changed after an opt-out, or in their
# quiet hours at the start.
frequency = renumbered = hours = left_out


def consent(current: str, receiving: int, unknown: int, without: int) -> Verdict:
    """Judge the opt-ins on record.

    :param current: the category of the message
    :param unknown: people of `receiving` without an opt-in on record
    :param without: people left out because the company asks for one
    """
    if current != "marketing":
        return Verdict("pass", "not_needed")
    if without and not receiving:
        return Verdict("stop", "none")
    if without:
        return Verdict("warn", "left_out")
    if unknown:
        return Verdict("warn", "unknown")
    return Verdict("pass", "everybody")


def countries(chosen: int, unserved: int, sent_anyway: int) -> Verdict:
    """Judge the countries that WhatsApp does not serve, or not with promotions.

    :param unserved: people of `chosen` left out for their country
    :param sent_anyway: people in the United States who get a promotion by our own setting
    """
    if unserved >= max(FEW, chosen / 2):
        return Verdict("stop", "most")
    if unserved:
        return Verdict("warn", "some")
    return Verdict("warn", "sent_anyway") if sent_anyway else Verdict("pass", "served")


def new_contacts(current: str, receiving: int, new: int, new_without_opt_in: int) -> Verdict:
    """Judge the people never contacted before.

    :param new_without_opt_in: those of `new` whose opt-in is not on record
    """
    if current == "marketing" and new_without_opt_in >= max(COLD_PEOPLE, receiving / 2):
        return Verdict("stop", "cold")
    if new and new >= NOTICEABLE * receiving:
        return Verdict("warn", "many")
    return Verdict("pass", "few" if new else "nobody")


def inactive(receiving: int, silent: int) -> Verdict:
    """Judge the people who for `INACTIVE_AFTER` have neither read nor written anything."""
    if silent and silent >= NOTICEABLE * receiving:
        return Verdict("warn", "many")
    return Verdict("pass", "few" if silent else "nobody")
