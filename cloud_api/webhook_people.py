"""Webhook field `user_preferences`: people's preferences for marketing messages."""

from .events import PreferenceChange
from .values import as_bsuid, as_list, as_number, as_text, as_uid, digits
from .webhook_scope import read


def preferences(scope, value):
    """Return the events of a value's `user_preferences`, which the field `messages` may hold
    too."""
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
        signup_uid=as_uid(preference.get("signup_id")),
    )


READERS = {"user_preferences": preferences}
