"""The context of a webhook's element, and how one element is read.

A reader is a function of a `Scope` and of the element (a JSON object); it returns an event or a
list of them. Each of the `webhook_*` modules that read has its own in `READERS`, by Meta's field.
"""

from dataclasses import dataclass

from .events import NotFollowed, UnknownEvent
from .values import as_datetime, as_uid


@dataclass(frozen=True, slots=True)
class Scope:
    """The context of a value, passed to each of its events."""

    waba_uid: str
    field: str
    entry_at: object
    metadata: dict
    contacts: tuple
    # A body may contain 1,000 statuses and as many contacts; scanning all for each is too slow.
    contacts_by_id: dict

    def shared(self, raw, moment=None):
        """Return the fields that all events have; the entry's time where the element has none."""
        at = as_datetime(moment) or as_datetime(self.entry_at)
        return {"waba_uid": self.waba_uid, "field": self.field, "at": at, "raw": raw}

    @property
    def phone_number_uid(self):
        """Meta's id of our number, '' when the value names none."""
        return as_uid(self.metadata.get("phone_number_id"))

    def contact(self, *keys):
        """Return the element's contact: the one with one of these ids, or the only one."""
        for key in filter(None, keys):
            if key in self.contacts_by_id:
                return self.contacts_by_id[key]
        nobody_named = not any(keys)
        return self.contacts[0] if len(self.contacts) == 1 and nobody_named else {}

    def unknown(self, why, raw):
        """Return an event for what could not be read."""
        return UnknownEvent(why=why, **self.shared(_as_object(raw)))

    def not_followed(self, why, raw):
        """Return an event for what is understood but not used."""
        return NotFollowed(why=why, **self.shared(_as_object(raw)))


def _as_object(raw):
    return raw if isinstance(raw, dict) else {"value": raw}


def read(reader, scope, element):
    """Return the result of one reader as a list of events; a failure loses this element only."""
    try:
        events = reader(scope, element)
    # An error in one element must not lose the messages in the others.
    except Exception as error:
        return [scope.unknown(f"unreadable: {type(error).__name__}", element)]
    return events if isinstance(events, list) else [events]
