"""Parses Meta's webhooks: the envelope, and the reader of each value.

No body of Meta's raises an error. An unreadable part becomes an `UnknownEvent`; the others are
still read.
Shapes: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/
(overview and reference pages, 2025-10-22 to 2026-09-11; contradictions are named with the code).
"""

from .events import UnknownEvent
from .values import as_dict, as_list, as_text, as_uid
from .webhook_fields import NOT_FOLLOWED, find_reader
from .webhook_json import load_body
from .webhook_scope import Scope, read

_EXCERPT_LENGTH = 2000


def parse_events(body):
    """Return all events of one webhook body, in its order.

    :param body: the JSON object, or its bytes or text.
    :return: list of `events.Event`; never empty, never raises.
    """
    try:
        value = load_body(body) if isinstance(body, (bytes, bytearray, str)) else body
    except ValueError:
        return [UnknownEvent(why="the body is not JSON", raw={"body": _excerpt(body)})]
    if not isinstance(value, dict):
        return [UnknownEvent(why="the body is not an object", raw={"body": value})]
    events = []
    # A body that is itself a change (as in Meta's reference) is read as an entry.
    for entry in as_list(value.get("entry")) or [value]:
        events += _entry_events(entry, value)
    return events


def _excerpt(body):
    text = body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")
    return text[:_EXCERPT_LENGTH]


def _entry_events(entry, body):
    """Events of one element of `entry`."""
    if not isinstance(entry, dict):
        return [UnknownEvent(why="the entry is not an object", raw={"entry": entry})]
    scope = Scope(
        as_uid(entry.get("id")), _find_field_name(entry, body), entry.get("time"), {}, (), {}
    )
    changes = as_list(entry.get("changes"))
    if not changes and "value" in entry:
        changes = [entry]
    if not changes:
        return [scope.unknown("the entry has no changes", entry)]
    events = []
    for change in changes:
        if not isinstance(change, dict):
            events.append(scope.unknown("the change is not an object", change))
            continue
        for value in as_list(change.get("value")) or [None]:
            events += _change_events(change, value, entry, body)
    return events


def _find_field_name(*places):
    """Meta's field name; two of its own examples print it at the wrong level (account_update)."""
    for place in places:
        field = as_text(as_dict(place).get("field")).strip().lower()
        if field:
            return field
    return ""


def _change_events(change, value, entry, body):
    """Events of one value of one change."""
    fields = as_dict(value)
    contacts = tuple(part for part in as_list(fields.get("contacts")) if isinstance(part, dict))
    scope = Scope(
        as_uid(entry.get("id")),
        _find_field_name(change, fields, entry, body),
        entry.get("time"),
        as_dict(fields.get("metadata")),
        contacts,
        _by_id(contacts),
    )
    if not fields:
        return [scope.unknown("the change has no value", change)]
    reader = find_reader(scope.field, fields)
    if reader is None and scope.field in NOT_FOLLOWED:
        return [scope.not_followed(NOT_FOLLOWED[scope.field], change)]
    if reader is None:
        return [scope.unknown("unknown field" if scope.field else "it names no field", change)]
    return read(reader, scope, fields)


def _by_id(contacts):
    """{wa_id or user_id: the first contact that has it}"""
    found = {}
    for contact in contacts:
        for name in ("wa_id", "user_id"):
            found.setdefault(as_uid(contact.get(name)), contact)
    return found
