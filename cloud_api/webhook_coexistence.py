"""Webhook fields of a number that others use too: the WhatsApp Business app, another sender.

Shapes: Meta's reference pages history (2025-12-12), smb_message_echoes, smb_app_state_sync,
standby (2026-08-04), and messaging_handovers, which differs from its page: the values of a standby
body may lie in an object `standby` of the value, an echo's content in `message`, and a handover has
no `metadata`.
"""

from .events import AppContact, EchoMessage, Handover, HistoryChunk, PastMessage
from .values import (
    as_bsuid,
    as_code,
    as_dict,
    as_list,
    as_name,
    as_number,
    as_text,
    as_uid,
    as_word,
    digits,
)
from .webhook_content import context_wamid, message_details, message_media, message_text
from .webhook_messages import elements, inbound
from .webhook_scope import read

# What the roles and app roles of a handover call Meta's own agent.
_AGENT_ROLES = ("ai_agent", "meta_business_agent")


def _echoes(scope, value):
    events = elements(scope, value, "message_echoes", _echo)
    return events or [scope.unknown("no echo in the value", value)]


def _echo(scope, echo):
    wamid = as_uid(echo.get("id"))
    message = as_dict(echo.get("message")) or echo
    to = as_uid(message.get("to")) or as_uid(message.get("recipient")) or as_uid(echo.get("to"))
    user_uid = as_uid(message.get("to_user_id")) or as_uid(echo.get("to_user_id"))
    contact = scope.contact(digits(to), to, user_uid)
    user_uid = user_uid or as_uid(contact.get("user_id")) or as_bsuid(to)
    kind, content = _content(message)
    if not wamid or not (to or user_uid):
        return scope.unknown("an echo without id or recipient", echo)
    return EchoMessage(
        **scope.shared(echo, echo.get("timestamp") or message.get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        wamid=wamid,
        kind=kind,
        number=as_number(to) or as_number(contact.get("wa_id")),
        user_uid=user_uid,
        text=message_text(kind, content, message),
        context_wamid=context_wamid(content, message),
        media=message_media(kind, content),
        details=message_details(kind, content, message),
        is_app=scope.field == "smb_message_echoes",
    )


def _content(message):
    kind = as_text(message.get("type")).strip().lower()
    return kind or "unknown", as_dict(message.get(kind))


def _standby(scope, value):
    """What is said while another sender on our number answers: see `EchoMessage`,
    `InboundMessage`. Statuses in it are of that sender's messages."""
    value = {**as_dict(value.get("standby")), **value}
    events = elements(scope, value, "messages", inbound)
    events += elements(scope, value, "message_echoes", _echo)
    return events or [scope.not_followed("another sender on this number answers", value)]


def _handovers(scope, value):
    recipient, sender = as_dict(value.get("recipient")), as_dict(value.get("sender"))
    passed = as_dict(value.get("control_passed")) or as_dict(value.get("control_taken"))
    number = sender.get("phone_number") or sender.get("wa_id")
    user_uid = as_uid(sender.get("user_id"))
    if not passed or not (number or user_uid):
        return scope.unknown("a handover without person or control", value)
    return Handover(
        **scope.shared(value, value.get("timestamp")),
        phone_number_uid=as_uid(recipient.get("phone_number_id")) or scope.phone_number_uid,
        number=as_number(as_uid(number)),
        user_uid=user_uid,
        is_ours=_comes_to_us(passed),
    )


def _comes_to_us(passed):
    """Whether control is now ours: the new owner is no agent. Only an agent's taking names it."""
    words = [as_word(passed.get(name)) for name in ("new_owner_role", "new_owner_app_role")]
    return not any(word in _AGENT_ROLES for word in words)


def _history(scope, value):
    """Chunks of old conversations; and, described later, the files of single messages in them."""
    events = []
    for element in as_list(value.get("history")):
        events += read(_chunk, scope, as_dict(element))
    late = tuple(filter(None, (_past(scope, m, "") for m in as_list(value.get("messages")))))
    if late:
        events.append(
            HistoryChunk(**scope.shared({}), phone_number_uid=scope.phone_number_uid, messages=late)
        )
    return events or [scope.unknown("no history in the value", value)]


def _chunk(scope, element):
    # The element with thousands of messages is in the body, not once more in each event.
    metadata = as_dict(element.get("metadata"))
    errors = [as_dict(error) for error in as_list(element.get("errors"))]
    messages = [
        _past(scope, message, as_uid(as_dict(thread).get("id")))
        for thread in as_list(element.get("threads"))
        for message in as_list(as_dict(thread).get("messages"))
    ]
    return HistoryChunk(
        **scope.shared({"metadata": metadata, "errors": errors}),
        phone_number_uid=scope.phone_number_uid,
        messages=tuple(filter(None, messages)),
        phase=_count(metadata.get("phase")),
        progress=_count(metadata.get("progress")),
        error_code=as_code(errors[0].get("code")) if errors else None,
        error_text=as_text(errors[0].get("title")) or as_text(errors[0].get("message"))
        if errors
        else "",
    )


def _count(value):
    number = as_code(value)
    return number if number is not None and 0 <= number <= 100 else None


def _past(scope, message, thread):
    """One old message, None for what is none."""
    message = as_dict(message)
    wamid, sender = as_uid(message.get("id")), as_uid(message.get("from"))
    ours = digits(as_uid(scope.metadata.get("display_phone_number")))
    is_ours = bool(sender) and digits(sender) == ours
    person = thread or (as_uid(message.get("to")) if is_ours else sender)
    moment = scope.shared(message, message.get("timestamp"))["at"]
    # Of our own file that is described later, the person may be missing; its message has it.
    if not wamid or not moment:
        return None
    kind, content = _content(message)
    return PastMessage(
        wamid=wamid,
        kind=kind,
        number=as_number(person),
        user_uid=as_bsuid(person),
        is_ours=is_ours,
        at=moment,
        text=message_text(kind, content, message),
        context_wamid=context_wamid(content, message),
        media=message_media(kind, content),
        details=message_details(kind, content, message),
    )


def _contacts(scope, value):
    events = elements(scope, value, "state_sync", _contact)
    return events or [scope.unknown("no contact in the value", value)]


def _contact(scope, element):
    contact = as_dict(element.get("contact"))
    number = as_number(as_uid(contact.get("phone_number")))
    action = as_word(element.get("action"))
    if as_word(element.get("type")) != "contact" or not number or action not in ("add", "remove"):
        return scope.unknown("no contact, or nothing done with it", element)
    return AppContact(
        **scope.shared(element, as_dict(element.get("metadata")).get("timestamp")),
        phone_number_uid=scope.phone_number_uid,
        number=number,
        name=as_name(contact.get("full_name")) or as_name(contact.get("first_name")),
        is_removed=action == "remove",
    )


READERS = {
    "smb_message_echoes": _echoes,
    "message_echoes": _echoes,
    "standby": _standby,
    "messaging_handovers": _handovers,
    "history": _history,
    "smb_app_state_sync": _contacts,
}
