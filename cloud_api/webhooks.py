"""The border where Meta's webhooks become our values: verify, answer the handshake, parse.

Nothing here raises on what Meta sends. What cannot be read becomes an `UnknownEvent` with the
piece it was read from, and its neighbours are read all the same.
Shapes: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/
(overview and reference pages, 2025-10-22 to 2026-09-11; contradictions noted where they matter).
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass

from .errors import classify
from .events import (
    AccountAlert,
    AccountReview,
    AccountUpdate,
    CapabilityChange,
    ErrorInfo,
    InboundMessage,
    Media,
    MessageStatus,
    NumberName,
    NumberUpdate,
    PersonReport,
    PlatformError,
    PreferenceChange,
    Restriction,
    SecurityEvent,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
    UnknownEvent,
)
from .values import (
    as_code,
    as_dict,
    as_list,
    as_moment,
    as_number,
    as_quality,
    as_text,
    as_uid,
    as_word,
    digits,
    normalise_limit,
)

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
# Meta's challenge is a number; what we echo to a browser must not be able to carry markup.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.=-]{1,256}")
_EXCERPT_LENGTH = 2000


def verify_signature(raw_body, header, app_secret):
    """Whether `X-Hub-Signature-256` signs these bytes with the app secret; False in any doubt.

    :param raw_body: bytes as received, before any parsing.
    :param header: 'sha256=<hex>' or None.
    :param app_secret: text; an empty one verifies nothing.
    """
    if not isinstance(raw_body, bytes) or not isinstance(app_secret, str) or not app_secret:
        return False
    match = _SIGNATURE.fullmatch(header) if isinstance(header, str) else None
    if not match:
        return False
    expected = hmac.new(_utf8(app_secret), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, match[1].lower())


def answer_challenge(params, verify_token):
    """The text to answer Meta's handshake with (200, text/plain), None to refuse it (403).

    :param params: query parameters `hub.mode`, `hub.verify_token`, `hub.challenge`.
    """
    given, challenge = params.get("hub.verify_token"), params.get("hub.challenge")
    if params.get("hub.mode") != "subscribe":
        return None
    if not all(isinstance(text, str) and text for text in (given, challenge, verify_token)):
        return None
    if not hmac.compare_digest(_utf8(given), _utf8(verify_token)):
        return None
    return challenge if _CHALLENGE.fullmatch(challenge) else None


def _utf8(text):
    # A query string may hold lone surrogates, which plain UTF-8 refuses.
    return text.encode("utf-8", "surrogatepass")


def parse_events(body):
    """All events of one webhook body, in its order.

    :param body: the JSON object, or its bytes or text.
    :return: list of `events.Event`; never empty, never raises.
    """
    try:
        value = json.loads(body) if isinstance(body, (bytes, bytearray, str)) else body
    except (ValueError, RecursionError):
        return [UnknownEvent(why="the body is not JSON", raw={"body": _excerpt(body)})]
    if not isinstance(value, dict):
        return [UnknownEvent(why="the body is not an object", raw={"body": value})]
    events = []
    # A body that is itself a change (Meta's reference prints them so) is read as an entry.
    for entry in as_list(value.get("entry")) or [value]:
        events += _entry_events(entry, value)
    return events


def _excerpt(body):
    text = body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")
    return text[:_EXCERPT_LENGTH]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What surrounds a value: handed on to each of its events."""

    waba_uid: str
    field: str
    entry_at: object
    metadata: dict
    contacts: tuple
    # A body may hold 1,000 statuses and as many contacts; looking through all for each is too much.
    contacts_by_id: dict

    def shared(self, raw, moment=None):
        """Fields that all events have; the entry's time where the element has none of its own."""
        at = as_moment(moment) or as_moment(self.entry_at)
        return {"waba_uid": self.waba_uid, "field": self.field, "at": at, "raw": raw}

    @property
    def phone_number_uid(self):
        return as_uid(self.metadata.get("phone_number_id"))

    def contact(self, *keys):
        """Who the element is about: the contact with one of these ids, or the only one there is."""
        for key in filter(None, keys):
            if key in self.contacts_by_id:
                return self.contacts_by_id[key]
        nobody_named = not any(keys)
        return self.contacts[0] if len(self.contacts) == 1 and nobody_named else {}

    def unknown(self, why, raw):
        """What could not be read, kept."""
        piece = raw if isinstance(raw, dict) else {"value": raw}
        return UnknownEvent(why=why, **self.shared(piece))


def _entry_events(entry, body):
    """Events of one element of `entry`."""
    if not isinstance(entry, dict):
        return [UnknownEvent(why="the entry is not an object", raw={"entry": entry})]
    scope = _Scope(as_uid(entry.get("id")), _field_of(entry, body), entry.get("time"), {}, (), {})
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


def _field_of(*places):
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
    scope = _Scope(
        as_uid(entry.get("id")),
        _field_of(change, fields, entry, body),
        entry.get("time"),
        as_dict(fields.get("metadata")),
        contacts,
        _by_id(contacts),
    )
    if not fields:
        return [scope.unknown("the change has no value", change)]
    reader = _reader_of(scope.field, fields)
    if reader is None:
        return [scope.unknown("unknown field", change)]
    return _read(reader, scope, fields)


def _by_id(contacts):
    """{wa_id or user_id: the first contact that has it}"""
    found = {}
    for contact in contacts:
        for name in ("wa_id", "user_id"):
            found.setdefault(as_uid(contact.get(name)), contact)
    return found


def _reader_of(field, value):
    """The function that reads such a value.

    The quality page prints the field of the status page (2025-10-22), so `new_quality_score`
    decides; lists that only one field has decide where the field is missing or new.
    """
    if "new_quality_score" in value:
        return _template_quality
    if field in _READERS:
        return _READERS[field]
    if value.get("statuses") or value.get("messages"):
        return _messages
    return _preferences if value.get("user_preferences") else None


def _read(reader, scope, element):
    """Result of one reader as a list of events; a failure costs this element only."""
    try:
        events = reader(scope, element)
    # Whatever is wrong with one element, the other elements of the body are somebody's messages.
    except Exception as error:
        return [scope.unknown(f"unreadable: {type(error).__name__}", element)]
    return events if isinstance(events, list) else [events]


# field "messages": statuses, inbound messages, errors


def _messages(scope, value):
    events = []
    for name, reader in (("statuses", _status), ("messages", _inbound), ("errors", _platform)):
        for element in as_list(value.get(name)):
            if isinstance(element, dict):
                events += _read(reader, scope, element)
            else:
                events.append(scope.unknown(f"an element of {name} is not an object", element))
    if value.get("user_preferences"):
        events += _read(_preferences, scope, value)
    return events or [scope.unknown("nothing known in the value", value)]


def _status(scope, status):
    word = as_text(status.get("status")).strip().lower()
    wamid, opaque = as_uid(status.get("id")), as_text(status.get("biz_opaque_callback_data"))
    if not word or not (wamid or opaque):
        return scope.unknown("a status without status or id", status)
    group = as_word(status.get("recipient_type")) == "group"
    recipient = as_uid(status.get("recipient_participant_id" if group else "recipient_id"))
    user_uid = as_uid(status.get("recipient_user_id"))
    contact = scope.contact(digits(recipient), recipient, user_uid)
    pricing = as_dict(status.get("pricing"))
    billable = pricing.get("billable")
    return MessageStatus(
        **scope.shared(status, status.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        wamid=wamid,
        status=word,
        number=as_number(recipient) or as_number(contact.get("wa_id")),
        user_uid=user_uid or as_uid(contact.get("user_id")) or _bsuid(recipient),
        parent_user_uid=as_uid(status.get("parent_recipient_user_id")),
        opaque=opaque,
        pricing_category=as_text(pricing.get("category")).lower(),
        pricing_type=as_text(pricing.get("type")).lower(),
        billable=billable if isinstance(billable, bool) else None,
        profile_name=_profile(contact, "name"),
        error=_first_error(status),
    )


def _bsuid(value):
    """A business-scoped user id ('CC.' and alphanumerics) where Meta puts a number, else ''."""
    return value if re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]+", value) else ""


def _profile(contact, name):
    return as_text(as_dict(contact.get("profile")).get(name))


def _first_error(element):
    errors = [error for error in as_list(element.get("errors")) if isinstance(error, dict)]
    return _error_info(errors[0]) if errors else None


def _error_info(error):
    data = error.get("error_data")
    details = as_text(data.get("details") if isinstance(data, dict) else data)
    message = as_text(error.get("message"))
    code = as_code(error.get("code"))
    rule = classify(code, details or message, error.get("is_transient"))
    return ErrorInfo(code, as_text(error.get("title")), message, details, rule.failure_type)


def _platform(scope, error):
    return PlatformError(
        **scope.shared(error, error.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        error=_error_info(error),
    )


def _inbound(scope, message):
    wamid, sender = as_uid(message.get("id")), as_uid(message.get("from"))
    user_uid = as_uid(message.get("from_user_id")) or as_uid(message.get("user_id"))
    kind = as_text(message.get("type")).strip().lower()
    if not (wamid or kind) or not (sender or user_uid or scope.contacts):
        return scope.unknown("a message without id and type, or without sender", message)
    contact = scope.contact(digits(sender), sender, user_uid)
    content = as_dict(message.get(kind))
    system = content if kind == "system" else {}
    referral = message.get("referral")
    return InboundMessage(
        **scope.shared(message, message.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        wamid=wamid,
        kind=kind or "unknown",
        number=as_number(sender) or as_number(contact.get("wa_id")),
        user_uid=user_uid
        or as_uid(contact.get("user_id"))
        or as_uid(system.get("user_id"))
        or _bsuid(sender),
        profile_name=_profile(contact, "name"),
        username=_profile(contact, "username"),
        text=_message_text(kind, content, message),
        payload=_message_payload(kind, content),
        context_wamid=_context_wamid(content, message),
        referral=referral if isinstance(referral, dict) else None,
        media=_media(kind, content),
        details=_details(kind, content, message),
        new_number=as_number(system.get("wa_id")),
        previous_user_uid=as_uid(system.get("previous_user_id")),
        error=_first_error(message),
    )


_MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")
# Where each kind keeps its readable text, best first.
_TEXT_KEYS = {
    "text": ("body",),
    "button": ("text",),
    "location": ("name", "address"),
    "reaction": ("emoji",),
    "order": ("text",),
    "system": ("body",),
    **dict.fromkeys(_MEDIA_KINDS, ("caption",)),
}


def _message_text(kind, content, message):
    """Best readable text of a message of any kind, '' when it has none."""
    if kind == "interactive":
        reply = _interactive_reply(content)
        return as_text(reply.get("title")) or as_text(reply.get("body"))
    if kind == "contacts":
        names = [
            as_text(as_dict(as_dict(card).get("name")).get("formatted_name"))
            for card in as_list(message.get("contacts"))
        ]
        return ", ".join(filter(None, names))
    if kind == "edit":
        edited = as_dict(content.get("message"))
        edited_kind = as_word(edited.get("type"))
        return _message_text(edited_kind, as_dict(edited.get(edited_kind)), {})
    texts = (as_text(content.get(key)) for key in _TEXT_KEYS.get(kind, ()))
    return next(filter(None, texts), "")


def _interactive_reply(content):
    """`button_reply`, `list_reply` or `nfm_reply`, named by `type`."""
    return as_dict(content.get(as_text(content.get("type"))))


def _message_payload(kind, content):
    if kind == "button":
        return as_text(content.get("payload"))
    return as_uid(_interactive_reply(content).get("id")) if kind == "interactive" else ""


def _context_wamid(content, message):
    """Id of the message that this one is about, wherever its kind keeps it."""
    return (
        as_uid(as_dict(message.get("context")).get("id"))
        or as_uid(content.get("message_id"))
        or as_uid(content.get("original_message_id"))
    )


def _media(kind, content):
    if kind not in _MEDIA_KINDS or not content:
        return None
    return Media(
        as_uid(content.get("id")),
        as_text(content.get("mime_type")),
        as_text(content.get("filename")),
        as_text(content.get("sha256")),
    )


def _details(kind, content, message):
    """What a kind tells beside its text; None when that is nothing."""
    reader = _DETAILS.get(kind)
    details = reader(content, message) if reader else {}
    context = as_dict(message.get("context"))
    if context.get("forwarded") is True or context.get("frequently_forwarded") is True:
        details["forwarded"] = True
    return {name: value for name, value in details.items() if value not in ("", None, [])} or None


def _place(content, _message):
    place = {name: as_text(content.get(name)) for name in ("name", "address", "url")}
    for name, limit in (("latitude", 90), ("longitude", 180)):
        value = content.get(name)
        is_degrees = isinstance(value, (int, float)) and not isinstance(value, bool)
        place[name] = float(value) if is_degrees and abs(value) <= limit else None
    return place


def _cards(_content, message):
    return {"contacts": [_card(as_dict(card)) for card in as_list(message.get("contacts"))]}


def _card(card):
    def texts(name, key):
        found = (as_text(as_dict(item).get(key)) for item in as_list(card.get(name)))
        return [text for text in found if text]

    return {
        "name": as_text(as_dict(card.get("name")).get("formatted_name")),
        "phones": texts("phones", "phone") or texts("phones", "wa_id"),
        "emails": texts("emails", "email"),
        "company": as_text(as_dict(card.get("org")).get("company")),
    }


def _basket(content, _message):
    return {
        "order": [
            {
                "product": as_uid(item.get("product_retailer_id")),
                "quantity": _figure(item.get("quantity")),
                "price": _figure(item.get("item_price")),
                "currency": as_text(item.get("currency")),
            }
            for item in map(as_dict, as_list(content.get("product_items")))
        ]
    }


def _figure(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else as_text(value)


_DETAILS = {
    "location": _place,
    "contacts": _cards,
    "order": _basket,
    "audio": lambda content, _message: {"voice": content.get("voice") is True or None},
    "sticker": lambda content, _message: {"animated": content.get("animated") is True or None},
}


def _preferences(scope, value):
    elements = as_list(value.get("user_preferences"))
    events = []
    for element in elements:
        if isinstance(element, dict):
            events += _read(_preference, scope, element)
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
        user_uid=user_uid or as_uid(contact.get("user_id")) or _bsuid(number),
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
            events += _read(_person_report, scope, element)
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
        user_uid=user_uid or as_uid(contact.get("user_id")) or _bsuid(number),
        action=action,
        reason=as_text(element.get("reason")),
        context_wamid=as_uid(element.get("message_id")),
    )


# Limits, numbers, account


def _first_given(value, *names):
    return next((value[name] for name in names if value.get(name) is not None), None)


def _limit(value, *names):
    given = _first_given(value, *names)
    return None if given is None else normalise_limit(given)


def _capability(scope, value):
    # The older key (`_per_phone`) was announced for removal in 2026-02 and is still printed.
    return CapabilityChange(
        **scope.shared(value),
        messaging_limit=_limit(
            value, "max_daily_conversations_per_business", "max_daily_conversation_per_phone"
        ),
        max_phone_numbers=as_code(
            _first_given(value, "max_phone_numbers_per_business", "max_phone_numbers_per_waba")
        ),
    )


def _number_update(scope, value):
    return NumberUpdate(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        event=_upper(value.get("event")),
        messaging_limit=_limit(value, "max_daily_conversations_per_business", "current_limit"),
        old_limit=_limit(value, "old_limit"),
    )


def _upper(value):
    return as_text(value).strip().upper()


def _account_alert(scope, value):
    info = as_dict(value.get("alert_info")) or value
    return AccountAlert(
        **scope.shared(value),
        entity_type=_upper(value.get("entity_type")),
        entity_uid=as_uid(value.get("entity_id")),
        severity=_upper(info.get("alert_severity")),
        status=_upper(info.get("alert_status")),
        alert_type=_upper(info.get("alert_type")),
        description=as_text(info.get("alert_description")),
    )


def _account_update(scope, value):
    ban = as_dict(value.get("ban_info"))
    return AccountUpdate(
        **scope.shared(value, value.get("timestamp")),
        event=_upper(value.get("event")),
        violation_type=_upper(as_dict(value.get("violation_info")).get("violation_type")),
        restrictions=tuple(
            _restriction(restriction)
            for restriction in as_list(value.get("restriction_info"))
            if isinstance(restriction, dict)
        ),
        ban_state=_upper(ban.get("waba_ban_state")),
        ban_date=as_text(ban.get("waba_ban_date")),
    )


def _restriction(value):
    kind = _upper(value.get("restriction_type"))
    # An older spelling, RESTRICTION_ADD_PHONE_NUMBER_ACTION, is still in use.
    if kind.startswith("RESTRICTION_"):
        kind = kind.replace("RESTRICTION_", "RESTRICTED_", 1)
    return Restriction(kind, as_moment(value.get("expiration")), as_text(value.get("remediation")))


def _account_review(scope, value):
    return AccountReview(**scope.shared(value), decision=as_word(value.get("decision")))


def _number_name(scope, value):
    return NumberName(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        decision=as_word(value.get("decision")),
        requested_name=as_text(value.get("requested_verified_name")),
        rejection_reason=as_text(value.get("rejection_reason")),
    )


def _security(scope, value):
    return SecurityEvent(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        event=_upper(value.get("event")),
        requester=as_uid(value.get("requester")),
    )


# Templates


def _template(value):
    """Id (a JSON number that exceeds a float), name and language of the template."""
    return {
        "template_uid": as_uid(value.get("message_template_id")),
        "name": as_text(value.get("message_template_name")),
        "language": as_text(value.get("message_template_language")),
    }


def _template_status(scope, value):
    info, rejection = as_dict(value.get("other_info")), as_dict(value.get("rejection_info"))
    disable_date = as_dict(value.get("disable_info")).get("disable_date")
    return TemplateStatus(
        **scope.shared(value),
        **_template(value),
        event=_upper(value.get("event")),
        reason=_upper(value.get("reason")),
        title=_upper(info.get("title")),
        description=as_text(info.get("description")) or as_text(rejection.get("recommendation")),
        category=as_text(value.get("message_template_category")).lower(),
        disable_date=as_uid(disable_date),
    )


def _template_quality(scope, value):
    return TemplateQuality(
        **scope.shared(value),
        **_template(value),
        previous=as_quality(value.get("previous_quality_score")),
        new=as_quality(value.get("new_quality_score")),
    )


def _template_category(scope, value):
    return TemplateCategory(
        **scope.shared(value),
        **_template(value),
        previous=as_text(value.get("previous_category")).lower(),
        new=as_text(value.get("new_category")).lower(),
        correct=as_text(value.get("correct_category")).lower(),
        changes_at=as_moment(value.get("category_update_timestamp")),
    )


def _template_components(scope, value):
    return TemplateComponents(**scope.shared(value), **_template(value))


_READERS = {
    "messages": _messages,
    "user_preferences": _preferences,
    "block_events": _person_reports,
    "business_capability_update": _capability,
    "phone_number_quality_update": _number_update,
    "account_alerts": _account_alert,
    "account_update": _account_update,
    "account_review_update": _account_review,
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "template_category_update": _template_category,
    "message_template_components_update": _template_components,
    "phone_number_name_update": _number_name,
    "security": _security,
}
