"""Webhook field `messages`: statuses of our messages, inbound messages, platform errors."""

from .errors import classify
from .events import ErrorInfo, InboundMessage, MessageStatus, PlatformError
from .referral import read_referral
from .values import (
    as_amount,
    as_bsuid,
    as_code,
    as_datetime,
    as_dict,
    as_list,
    as_name,
    as_number,
    as_text,
    as_uid,
    as_word,
    digits,
)
from .webhook_content import (
    context_wamid,
    message_details,
    message_media,
    message_payload,
    message_text,
)
from .webhook_people import preferences
from .webhook_scope import read


def _messages(scope, value):
    events = statuses(scope, value)
    events += elements(scope, value, "messages", inbound)
    events += elements(scope, value, "errors", _platform)
    if value.get("user_preferences"):
        events += read(preferences, scope, value)
    return events or [scope.unknown("nothing known in the value", value)]


def statuses(scope, value):
    """Return the events of a value's `statuses`, possibly none."""
    return elements(scope, value, "statuses", _status)


def elements(scope, value, name, reader):
    """Return the events of a value's list `name`, each element read on its own."""
    events = []
    for element in as_list(value.get(name)):
        if isinstance(element, dict):
            events += read(reader, scope, element)
        else:
            events.append(scope.unknown(f"an element of {name} is not an object", element))
    return events


def _status(scope, status):
    word = as_text(status.get("status")).strip().lower()
    wamid, opaque = as_uid(status.get("id")), as_text(status.get("biz_opaque_callback_data"))
    if not word or not (wamid or opaque):
        return scope.unknown("a status without status or id", status)
    is_group = as_word(status.get("recipient_type")) == "group"
    recipient = as_uid(status.get("recipient_participant_id" if is_group else "recipient_id"))
    user_uid = as_uid(status.get("recipient_user_id"))
    contact = scope.contact(digits(recipient), recipient, user_uid)
    pricing = as_dict(status.get("pricing"))
    billable = pricing.get("billable")
    cost = as_dict(pricing.get("cost"))
    pricing_type = as_text(pricing.get("type")).lower()
    return MessageStatus(
        **scope.shared(status, status.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        wamid=wamid,
        status=word,
        number=as_number(recipient) or as_number(contact.get("wa_id")),
        user_uid=user_uid or as_uid(contact.get("user_id")) or as_bsuid(recipient),
        opaque=opaque,
        is_group=is_group,
        pricing_category=as_text(pricing.get("category")).lower(),
        pricing_type=pricing_type,
        free_until=_free_until(status, pricing_type),
        billable=billable if isinstance(billable, bool) else None,
        cost=as_amount(cost.get("amount")),
        cost_currency=as_text(cost.get("currency")).strip().upper()[:3],
        **_profile_names(contact),
        error=_first_error(status),
    )


def _free_until(status, pricing_type):
    """The end of the free window after an ad, where the status names it.

    Since v24.0 `conversation` comes in such a window only (Status messages webhooks, 2025-11-20).
    """
    conversation = as_dict(status.get("conversation"))
    if not conversation:
        return None
    origin = as_word(as_dict(conversation.get("origin")).get("type"))
    if pricing_type != "free_entry_point" and origin != "referral_conversion":
        return None
    return as_datetime(conversation.get("expiration_timestamp"))


def _profile_names(contact):
    profile = as_dict(contact.get("profile"))
    return {
        "profile_name": as_name(profile.get("name")),
        "username": as_name(profile.get("username")),
    }


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


def inbound(scope, message):
    """Return the event of a message that a person wrote."""
    wamid, sender = as_uid(message.get("id")), as_uid(message.get("from"))
    user_uid = as_uid(message.get("from_user_id")) or as_uid(message.get("user_id"))
    kind = as_text(message.get("type")).strip().lower()
    content = as_dict(message.get(kind))
    system = content if kind == "system" else {}
    # A system message has no `contacts`, and of a new id no `from` either (System messages,
    # 2026-08-11).
    changed_uid = as_uid(system.get("user_id"))
    previous_uid = as_uid(system.get("previous_user_id"))
    if not (wamid or kind) or not (
        sender or user_uid or changed_uid or previous_uid or scope.contacts
    ):
        return scope.unknown("a message without id and type, or without sender", message)
    contact = scope.contact(digits(sender), sender, user_uid, changed_uid)
    return InboundMessage(
        **scope.shared(message, message.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        wamid=wamid,
        kind=kind or "unknown",
        number=as_number(sender) or as_number(contact.get("wa_id")),
        user_uid=user_uid or as_uid(contact.get("user_id")) or changed_uid or as_bsuid(sender),
        **_profile_names(contact),
        text=message_text(kind, content, message),
        payload=message_payload(kind, content),
        context_wamid=context_wamid(content, message),
        referral=read_referral(message.get("referral")),
        media=message_media(kind, content),
        details=message_details(kind, content, message),
        new_number=_new_number(system, as_number(sender)),
        previous_user_uid=previous_uid,
        group_uid=as_uid(message.get("group_id") or as_dict(message.get("group")).get("id")),
        error=_first_error(message),
    )


def _new_number(system, number):
    """The number after a change: `wa_id` in Meta's page, `new_wa_id` in bodies people recorded,
    where `wa_id` then is the old one."""
    given = [as_number(system.get(name)) for name in ("new_wa_id", "wa_id")]
    return next((found for found in given if found and found != number), "")


READERS = {"messages": _messages}
