"""On which record does an inbound message land: a ladder, and the first rung that holds wins.

1. `answered`: the record of our message that it answers.
2. `last_written`: the record last written about with this person.
3. `open_lead`: the newest open lead with their number, of the company that owns our number.
4. `partner`: the contact they are, else one with their number.
5. `new_lead`: one made for them, where the company wants that.
6. `nobody`: the conversation alone; it waits in the list until somebody takes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

ANSWERED, LAST_WRITTEN, OPEN_LEAD, PARTNER = "answered", "last_written", "open_lead", "partner"
NEW_LEAD, NOBODY = "new_lead", "nobody"
RUNGS = (ANSWERED, LAST_WRITTEN, OPEN_LEAD, PARTNER, NEW_LEAD, NOBODY)

# What WhatsApp reports of a person or of an earlier message, and what says nothing by itself:
# nobody asked for anything, so no lead is made of it.
NO_ENQUIRY = frozenset(("system", "edit", "revoke", "reaction", "unsupported", "unknown"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead or contact that may be theirs.

    key: whatever names the record to the caller.
    company: id of its company, None when it belongs to all.
    is_open: a lead that is neither archived, lost nor won; a contact is always open.
    is_person: not a company.
    at: when it was made (leads) or last changed (contacts).
    """

    key: object
    company: int | None = None
    is_open: bool = True
    is_person: bool = True
    at: datetime = datetime.min


def climb(steps: dict[str, Callable[[], object]]) -> tuple[str, object]:
    """Try the rungs in order; what stands on a rung is looked up only when it is reached.

    :param steps: {rung: function returning the record there, or something false}; a rung left out
        holds nobody
    :return: (rung, record), ('nobody', None) at the top
    """
    unknown = set(steps) - set(RUNGS)
    if unknown:
        raise ValueError(f"no such rung: {sorted(unknown)}")
    for rung in RUNGS:
        step = steps.get(rung)
        found = step() if step else None
        if found:
            return rung, found
    return NOBODY, None


def is_within(candidate: Candidate, company: int) -> bool:
    """What people write to one company is shown on no record of another."""
    return candidate.company in (None, company)


def open_lead(candidates: list[Candidate], company: int) -> object:
    """Key of the newest open lead of the company, of two of one moment the later listed."""
    fitting = [c for c in candidates if c.is_open and is_within(c, company)]
    return max(fitting, key=lambda c: c.at).key if fitting else None


def partner(linked: Candidate | None, candidates: list[Candidate], company: int) -> object:
    """Key of the contact: the one the person is known to be, else by number.

    Of several with one number a person comes before a company, then the one last changed.
    """
    if linked and is_within(linked, company):
        return linked.key
    fitting = [c for c in candidates if is_within(c, company)]
    return max(fitting, key=lambda c: (c.is_person, c.at)).key if fitting else None


def makes_lead(wanted: bool, kind: str, asks_to_stop: bool, blocked: bool) -> bool:
    """Whether a message of a stranger becomes a lead.

    :param wanted: the company's setting
    :param kind: Meta's type of the message
    :param asks_to_stop: whoever says STOP wants no salesperson
    :param blocked: we blocked them
    """
    return wanted and kind not in NO_ENQUIRY and not asks_to_stop and not blocked
