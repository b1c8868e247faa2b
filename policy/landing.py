"""Which record an inbound message is routed to: the first step that finds one wins.

1. `answered`: the record of our message that it answers.
2. `last_written`: the record last written about with this person.
3. `newest_open_lead`: the newest open lead with their number, of the company that owns our number.
4. `routed_partner`: the contact they are, else one with their number.
5. `new_lead`: a new lead, if the company's settings allow it.
6. `nobody`: no record; the conversation is unassigned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

ANSWERED, LAST_WRITTEN, OPEN_LEAD, PARTNER = "answered", "last_written", "open_lead", "partner"
NEW_LEAD, NOBODY = "new_lead", "nobody"
ROUTES = (ANSWERED, LAST_WRITTEN, OPEN_LEAD, PARTNER, NEW_LEAD, NOBODY)

# WhatsApp's reports about a person or an earlier message, and reactions: they are no enquiry, so no
# lead is created.
NOT_ENQUIRY_KINDS = frozenset(("system", "edit", "revoke", "reaction", "unsupported", "unknown"))
# On a number that is also used in the WhatsApp Business app, the first message of a person often
# arrives without content, above all after an ad (Onboarding WhatsApp Business app users,
# 2026-03-20).
CONTENTLESS_KINDS = frozenset(("unsupported",))


@dataclass(frozen=True, slots=True)
class RoutingCandidate:
    """A lead or contact that may be theirs.

    key: the caller's identifier of the record.
    company: id of its company, None when it belongs to all.
    is_open: a lead that is neither archived, lost nor won; a contact is always open.
    is_person: not a company.
    at: when it was created (leads) or last changed (contacts).
    """

    key: object
    company: int | None = None
    is_open: bool = True
    is_person: bool = True
    at: datetime = datetime.min


def choose_route(steps: dict[str, Callable[[], object]]) -> tuple[str, object]:
    """Return the first record found. Later steps are not looked up.

    :param steps: {step: function returning its record, or something false}; missing steps are
        skipped
    :return: (step, record), ('nobody', None) if there is none
    """
    unknown = set(steps) - set(ROUTES)
    if unknown:
        raise ValueError(f"no such rung: {sorted(unknown)}")
    for rung in ROUTES:
        step = steps.get(rung)
        found = step() if step else None
        if found:
            return rung, found
    return NOBODY, None


def is_visible_to_company(candidate: RoutingCandidate, company: int) -> bool:
    """Return whether the record may show messages to this company; never another company's."""
    return candidate.company in (None, company)


def newest_open_lead(candidates: list[RoutingCandidate], company: int) -> object:
    """Return the key of the company's newest open lead, the later listed of two equally new
    ones."""
    fitting = [c for c in candidates if c.is_open and is_visible_to_company(c, company)]
    return max(fitting, key=lambda c: c.at).key if fitting else None


def routed_partner(
    linked: RoutingCandidate | None, candidates: list[RoutingCandidate], company: int
) -> object:
    """Return the key of the contact: the linked one, else by number.

    Several with the same number: people before companies, then the last changed one.
    """
    if linked and is_visible_to_company(linked, company):
        return linked.key
    fitting = [c for c in candidates if is_visible_to_company(c, company)]
    return max(fitting, key=lambda c: (c.is_person, c.at)).key if fitting else None


def creates_lead(
    wanted: bool, kind: str, asks_to_stop: bool, blocked: bool, on_app: bool = False
) -> bool:
    """Return whether a message from an unknown person becomes a lead.

    :param wanted: the company's setting
    :param kind: Meta's type of the message
    :param asks_to_stop: the message is an opt-out
    :param blocked: we blocked them
    :param on_app: our number is also used in the WhatsApp Business app
    """
    is_enquiry = kind not in NOT_ENQUIRY_KINDS or (on_app and kind in CONTENTLESS_KINDS)
    return wanted and is_enquiry and not asks_to_stop and not blocked
