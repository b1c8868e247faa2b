"""Changes of a lead or contact between the creation of its message and the sending.

These may be days apart. The records were selected as they were then (a campaign may target won
leads), so only new changes count.

A record is described by traits: 'open', 'won', 'lost' (of leads), 'archived', 'contact_archived',
'elsewhere' (it belongs to a company other than the message's).
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

# New trait: reason. In order of precedence: the first one is shown.
REASON_OF_TRAIT = {
    "elsewhere": "company_changed",
    "lost": "lead_lost",
    "archived": "record_archived",
    "won": "lead_won",
    "contact_archived": "contact_archived",
    "open": "lead_reopened",
}
REASONS = ("record_gone", "number_changed", "number_removed", *REASON_OF_TRAIT.values())

ALL_TRAITS = frozenset(REASON_OF_TRAIT)
# A message about the person's own affairs is as valid after the sale as before.
SERVICE_TRAITS = ALL_TRAITS - {"won", "open"}
# A follow-up has its own setting to continue after the lead was won or lost.
SEQUENCE_TRAITS = frozenset({"elsewhere", "contact_archived"})
NO_TRAITS: frozenset[str] = frozenset()


class RecordState(NamedTuple):
    """The record's current values. number: E.164 or ''."""

    number: str
    traits: frozenset[str]


class MessageOrigin(NamedTuple):
    """What the message was created for.

    number: E.164, as it would be sent to.
    traits: of the record when the message was created.
    ends_with: traits that end the follow-up which the message is part of.
    """

    number: str
    traits: frozenset[str]
    origin: str
    category: str | None = None
    ends_with: frozenset[str] = NO_TRAITS


def relevant_traits(message: MessageOrigin) -> frozenset[str]:
    """Return the traits that stop this message when they are new."""
    if message.origin == "sequence":
        return SEQUENCE_TRAITS | message.ends_with
    if message.origin == "test":
        return NO_TRAITS
    if message.origin == "campaign" or message.category == "marketing":
        return ALL_TRAITS
    # A user who writes manually sees the record.
    return SERVICE_TRAITS if message.origin == "action" else NO_TRAITS


def change_reason(
    message: MessageOrigin, record: RecordState | None, one_form: Callable[[str], str] = str
) -> str | None:
    """Return why this message is no longer sent, one of `REASONS`, or None.

    :param record: None when it no longer exists
    :param one_form: function that maps all spellings of a number to one form
    """
    if message.category == "service":
        # Free-form text answers the person who wrote to us, at the number they wrote from.
        return None
    if record is None:
        return "record_gone"
    if not record.number:
        return "number_removed"
    if one_form(record.number) != one_form(message.number):
        return "number_changed"
    return _trait_reason(_newly(record.traits, message.traits) & relevant_traits(message))


def _newly(now: frozenset[str], then: frozenset[str]) -> frozenset[str]:
    # Odoo archives a lead and then marks it as lost, or vice versa.
    closed = {"lost", "archived"}
    return now - then - (closed if then & closed else NO_TRAITS)


def _trait_reason(traits: Collection[str]) -> str | None:
    return next((reason for trait, reason in REASON_OF_TRAIT.items() if trait in traits), None)
