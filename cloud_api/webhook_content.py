"""The contents of each kind of inbound message: text, payload, quoted message, file, details."""

from .events import Media
from .values import as_dict, as_list, as_name, as_text, as_uid, as_word

_MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")
# Where each kind has its readable text, best first.
_TEXT_KEYS = {
    "text": ("body",),
    "button": ("text",),
    "location": ("name", "address"),
    "reaction": ("emoji",),
    "order": ("text",),
    "system": ("body",),
    **dict.fromkeys(_MEDIA_KINDS, ("caption",)),
}


def message_text(kind, content, message):
    """Return the best readable text of a message of any kind, '' when it has none."""
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
        return message_text(edited_kind, as_dict(edited.get(edited_kind)), {})
    texts = (as_text(content.get(key)) for key in _TEXT_KEYS.get(kind, ()))
    return next(filter(None, texts), "")


def _interactive_reply(content):
    """`button_reply`, `list_reply` or `nfm_reply`, named by `type`."""
    return as_dict(content.get(as_text(content.get("type"))))


def message_payload(kind, content):
    """Return the payload of a pressed button or chosen row, '' for every other kind."""
    if kind == "button":
        return as_text(content.get("payload"))
    return as_uid(_interactive_reply(content).get("id")) if kind == "interactive" else ""


def context_wamid(content, message):
    """Return the id of the message that this one is about, '' for none."""
    return (
        as_uid(as_dict(message.get("context")).get("id"))
        or as_uid(content.get("message_id"))
        or as_uid(content.get("original_message_id"))
    )


def message_media(kind, content):
    """Return the file of a message as `Media`, None when it has none."""
    if kind not in _MEDIA_KINDS or not content:
        return None
    return Media(
        as_uid(content.get("id")),
        as_text(content.get("mime_type")),
        as_name(content.get("filename")).replace("/", "_").replace("\\", "_"),
        as_text(content.get("sha256")),
    )


def message_details(kind, content, message):
    """Return a kind's details in addition to its text (see `events.InboundMessage`), or None."""
    reader = _DETAILS.get(kind)
    details = reader(content, message) if reader else {}
    context = as_dict(message.get("context"))
    if context.get("forwarded") is True or context.get("frequently_forwarded") is True:
        details["forwarded"] = True
    return {name: value for name, value in details.items() if value not in ("", None, [])} or None


def _place(content, _message):
    place = {name: as_name(content.get(name), 1000) for name in ("name", "address", "url")}
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
        "name": as_name(as_dict(card.get("name")).get("formatted_name")),
        "phones": texts("phones", "phone") or texts("phones", "wa_id"),
        "emails": texts("emails", "email"),
        "company": as_name(as_dict(card.get("org")).get("company")),
        # Shared by the button that asks for it: the sender's own number, says WhatsApp.
        **({"is_own": True} if as_word(card.get("origin")) == "contact_request" else {}),
    }


def _basket(content, _message):
    return {
        "catalog": as_uid(content.get("catalog_id")) or None,
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
