"""The pre-flight check before a launch: pass, warn or stop, line by line.

Each function here and in `preflight_outlook` assesses one line from plain figures and returns a
`LineVerdict`: level, and the case that selects the sentence. `LINES` declares, in the order of the
list, which levels a line has and which of its stops cannot be overridden. A **stop** blocks the
launch until it is fixed or, where allowed, a manager overrides it with a reason; a **warn** is for
review; neither changes who gets the message.

Lines without a stop and why (`reach` has no warning: `left_out` gives it):

- topic: people have opted out of topics, not of what has none;
- left_out, hours: the rules themselves exclude or delay these people, so a launch cannot harm them;
- start: a message that leaves later does no harm, but the launching user must know;
- languages: a text in the wrong language is understood by few, but harms nobody;
- category, way_out: Meta has approved the template, and only Meta reviews it again;
- inactive: old contacts are a risk of the campaign's result, which is part of `risk`;
- cost: spending is the company's decision (approval by size is a separate rule);
- budget: it stops the campaign in time, so that a launch cannot exceed it.

Thresholds are ours unless a source is named; docs/preflight.md lists them for users.
"""

import itertools
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from .intent import STOP_PAYLOAD, opt_out_intent

LEVELS = ("pass", "warn", "stop")

# Share of new or long-silent people from which a warning is given.
NOTICEABLE_SHARE = 0.2
# Minimum people for a share to mean anything: two of three may be chance.
MIN_CHECKED = 10
# As many people never contacted and without an opt-in, if most of the audience: a bought list.
MANY_NEW_CONTACTS = 1000
INACTIVITY_PERIOD = timedelta(days=180)
# Words that a text asks people to answer with; `intent` understands them all.
OPT_OUT_HINTS = frozenset(
    {"stop", "baja", "unsubscribe", "opt out", "sair", "parar", "arret", "arrêt", "desinscribir"}
)


class LineVerdict(NamedTuple):
    """`level` is one of `LEVELS`; `case` names the sentence."""

    level: str
    case: str


class PreflightLine(NamedTuple):
    """A line of the list: its levels, and the stops that cannot be overridden."""

    levels: tuple[str, ...]
    final: frozenset[str] = frozenset()


PASS_OR_WARN = ("pass", "warn")
# Causes come before their effects: an empty variable before the people it excludes.
LINES = {
    "template": PreflightLine(LEVELS, frozenset({"none", "not_sendable"})),
    "sender": PreflightLine(
        LEVELS, frozenset({"none", "other_account", "not_connected", "archived"})
    ),
    "personal": PreflightLine(LEVELS, frozenset({"incomplete"})),
    "languages": PreflightLine(PASS_OR_WARN),
    "reach": PreflightLine(("pass", "stop"), frozenset({"nobody_chosen", "nobody_left"})),
    "left_out": PreflightLine(PASS_OR_WARN),
    "consent": PreflightLine(LEVELS, frozenset({"none"})),
    "topic": PreflightLine(PASS_OR_WARN),
    "countries": PreflightLine(LEVELS),
    "risk": PreflightLine(LEVELS),
    "start": PreflightLine(PASS_OR_WARN),
    "duration": PreflightLine(LEVELS),
    "new_contacts": PreflightLine(LEVELS),
    "hours": PreflightLine(PASS_OR_WARN),
    "inactive": PreflightLine(PASS_OR_WARN),
    "way_out": PreflightLine(PASS_OR_WARN),
    "category": PreflightLine(PASS_OR_WARN),
    "price": PreflightLine(LEVELS, frozenset({"blocked"})),
    "cost": PreflightLine(PASS_OR_WARN),
    "budget": PreflightLine(PASS_OR_WARN),
}


def can_be_overridden(line: str, case: str) -> bool:
    """Return whether a manager may override this stop with a reason."""
    return case not in LINES[line].final


def line_order(line: str, level: str) -> tuple[int, int]:
    """Return the sort key of a line: worst level first, then as in `LINES`."""
    return -LEVELS.index(level), list(LINES).index(line)


# === The message and the number ===


def assess_template(is_chosen: bool, is_sendable: bool, rating: str) -> LineVerdict:
    """Assess the template.

    :param rating: Meta's: 'green', 'yellow', 'red' or 'unknown'
    """
    if not is_chosen:
        return LineVerdict("stop", "none")
    if not is_sendable:
        return LineVerdict("stop", "not_sendable")
    if rating in ("yellow", "red"):
        return LineVerdict("warn", rating)
    return LineVerdict("pass", "new" if rating == "unknown" else "fine")


def assess_category(current: str, announced: str) -> LineVerdict:
    """Assess the category by what Meta reported, not by the wording.

    :param announced: the category that Meta last announced or named as correct, '' if none
    """
    if current == "unknown":
        return LineVerdict("warn", "unknown")
    if announced and announced != current:
        return LineVerdict("warn", "announced")
    return LineVerdict("pass", current)


def assess_opt_out_hint(current: str, has_button: bool, has_words: bool) -> LineVerdict:
    """Assess whether a promotion explains how to opt out."""
    if current != "marketing":
        return LineVerdict("pass", "not_needed")
    if has_button:
        return LineVerdict("pass", "button")
    return LineVerdict("pass", "words") if has_words else LineVerdict("warn", "missing")


def assess_sender(
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
) -> LineVerdict:
    """Assess the number by the first case that applies, worst first.

    :param is_of_account: the template belongs to the same account
    :param is_held: promotions are held, and this is a promotion
    :param waits: sending waits for another reason
    :param rating: Meta's colour
    :param level: of the health score
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
            return LineVerdict("stop", case)
    warnings = (
        ("waits", waits),
        ("rating", rating in ("yellow", "red")),
        ("reading", level in ("watch", "at_risk")),
        ("slowed", is_slowed),
        ("warm_up", is_warming_up),
    )
    for case, applies in warnings:
        if applies:
            return LineVerdict("warn", case)
    return LineVerdict("pass", "new" if rating == "unknown" else "fine")


def assess_personalization(
    is_complete: bool, variables: int, missing: int, fallback: int, receiving: int
) -> LineVerdict:
    """Assess whether the message is personal.

    :param variables: texts of the template that differ from person to person
    :param missing: people excluded because such a text would be empty
    :param fallback: people of `receiving` who see a fallback text
    """
    if not is_complete:
        return LineVerdict("stop", "incomplete")
    if missing >= max(MIN_CHECKED, receiving):
        return LineVerdict("stop", "mostly_missing")
    if fallback >= max(MIN_CHECKED, receiving / 2):
        return LineVerdict("warn", "mostly_fallback")
    if not variables:
        return LineVerdict("pass", "same_for_all")
    return LineVerdict("pass", "some_fallback" if fallback else "fine")


def assess_languages(others: int, repeated: int) -> LineVerdict:
    """Assess whether every recipient gets their language.

    :param others: languages besides the default one
    :param repeated: texts that another language has in the same words as the default one
    """
    if not others:
        return LineVerdict("warn", "none")
    return LineVerdict("warn", "repeated") if repeated else LineVerdict("pass", "fine")


def has_opt_out_button(labels: Iterable[str], payloads: Iterable[str | None]) -> bool:
    """Return whether a button opts out, by its label or by its payload."""
    return any(opt_out_intent(label) for label in labels) or STOP_PAYLOAD in payloads


def mentions_opt_out(text: str) -> bool:
    """Return whether a text names an opt-out word, in the supported languages."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    pairs = {" ".join(pair) for pair in itertools.pairwise(words)}
    return bool(OPT_OUT_HINTS & ({*words} | pairs))


# === The people ===


def assess_reach(chosen: int, receiving: int) -> LineVerdict:
    """Assess how many of the chosen people get the message."""
    if not chosen:
        return LineVerdict("stop", "nobody_chosen")
    if not receiving:
        return LineVerdict("stop", "nobody_left")
    return LineVerdict("pass", "all" if receiving == chosen else "most")


def assess_exclusion(people: int) -> LineVerdict:
    """Assess a number of people excluded, for whatever reason."""
    return LineVerdict("warn", "some") if people else LineVerdict("pass", "nobody")


# The same for people in their quiet hours at the start.
assess_quiet_hours = assess_exclusion


def assess_consent(current: str, receiving: int, unknown: int, without: int) -> LineVerdict:
    """Assess the opt-ins on record.

    :param current: the category of the message
    :param unknown: people of `receiving` without an opt-in on record
    :param without: people excluded because the company requires one
    """
    if current != "marketing":
        return LineVerdict("pass", "not_needed")
    if without and not receiving:
        return LineVerdict("stop", "none")
    if unknown:
        return LineVerdict("warn", "unknown")
    return LineVerdict("pass", "everybody")


def assess_topic(is_chosen: bool, closed_one: int) -> LineVerdict:
    """Assess the topic of a promotion, in a company that has topics.

    :param closed_one: people who get it and have opted out of some topic, which may be this one's
    """
    if is_chosen:
        return LineVerdict("pass", "chosen")
    return LineVerdict("warn", "missing") if closed_one else LineVerdict("pass", "general")


def assess_countries(chosen: int, unserved: int, sent_anyway: int) -> LineVerdict:
    """Assess the countries that WhatsApp does not serve, or not with promotions.

    :param unserved: people of `chosen` excluded for their country
    :param sent_anyway: people in the United States who get a promotion by a setting
    """
    if unserved >= max(MIN_CHECKED, chosen / 2):
        return LineVerdict("stop", "most")
    return LineVerdict("warn", "sent_anyway") if sent_anyway else LineVerdict("pass", "served")


def assess_new_contacts(
    current: str, receiving: int, new: int, new_without_opt_in: int
) -> LineVerdict:
    """Assess the people never contacted before.

    :param new_without_opt_in: those of `new` whose opt-in is not on record
    """
    if current == "marketing" and new_without_opt_in >= max(MANY_NEW_CONTACTS, receiving / 2):
        return LineVerdict("stop", "cold")
    if new and new >= NOTICEABLE_SHARE * receiving:
        return LineVerdict("warn", "many")
    return LineVerdict("pass", "few" if new else "nobody")


def assess_inactive(receiving: int, silent: int) -> LineVerdict:
    """Assess the people who have neither read nor written for `INACTIVITY_PERIOD`."""
    if silent and silent >= NOTICEABLE_SHARE * receiving:
        return LineVerdict("warn", "many")
    return LineVerdict("pass", "few" if silent else "nobody")
