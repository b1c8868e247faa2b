"""What people say of us beside their messages: preferences, and who blocked or reported us."""

from .events import PersonReport, PreferenceChange
from .values import as_bsuid, as_list, as_number, as_text, as_uid, digits
from .webhook_scope import read


def preferences(scope, value):
    """Events of a value's `user_preferences`, which the field `messages` may hold too."""
    elements = as_list(value.get("user_preferences"))
    events = []
    for element in elements:
        if isinstance(element, dict):
            events += read(_preference, scope, element)
        else:
            events.append(scope.unknown("a preference is not an object", element))
    return events or [scope.unknown("no preference in the value", value)]


def _preference(scope, preference):
    number, user_uid = as_uid(preference.get("wa_id")), as_uid(preference.get("user_id"))
    contact = scope.contact(digits(number), number, user_uid)
    word = as_text(preference.get("value")).strip().lower()
    if not word:
        return scope.unknown("a preference without value", preference)
    return PreferenceChange(
        **scope.shared(preference, preference.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        number=as_number(number) or as_number(contact.get("wa_id")),
        user_uid=user_uid or as_uid(contact.get("user_id")) or as_bsuid(number),
        category=as_text(preference.get("category")).lower(),
        value=word,
        detail=as_text(preference.get("detail")),
    )


# What Meta never says (Support, 2025-11-19) and a provider might: who blocked or reported us. None
# is known to post it; the shape is that of `user_preferences`, with Meta's names.


def _person_reports(scope, value):
    events = []
    for element in as_list(value.get("block_events")):
        if isinstance(element, dict):
            events += read(_person_report, scope, element)
        else:
            events.append(scope.unknown("a block event is not an object", element))
    return events or [scope.unknown("no block event in the value", value)]


def _person_report(scope, element):
    number, user_uid = as_uid(element.get("wa_id")), as_uid(element.get("user_id"))
    contact = scope.contact(digits(number), number, user_uid)
    action = as_text(element.get("event")).strip().lower()
    if not action:
        return scope.unknown("a block event that does not say what happened", element)
    return PersonReport(
        **scope.shared(element, element.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        number=as_number(number) or as_number(contact.get("wa_id")),
        user_uid=user_uid or as_uid(contact.get("user_id")) or as_bsuid(number),
        action=action,
        reason=as_text(element.get("reason")),
        context_wamid=as_uid(element.get("message_id")),
    )


READERS = {"user_preferences": preferences, "block_events": _person_reports}
