"""Bodies of POST /{phone-number-id}/messages from plain values.

Sources: Meta, Send messages (2025-11-04), and those of components.py, below
https://developers.facebook.com/documentation/business-messaging/whatsapp/; the shape of a GIF:
Gupshup's reference (2026-02-03).
"""

from .parameters import (
    FILLED_BUTTONS,
    HEADER_MEDIA,
    HEADER_TYPES,
    LOCATION_KEYS,
    MEDIA_TYPES,
    is_named,
    name_and_value,
    plain,
)
from .values import as_dict, as_list

OPAQUE_LENGTH = 512  # biz_opaque_callback_data; Meta's changelog, 2024-01-26
TEXT_LENGTH = 4096
CAPTION_LENGTH = 1024  # Meta, Image, Video and Document messages, 2025-11
# Meta, Interactive reply buttons and Interactive list messages, 2025-11.
OPTION_BODY_LENGTH = 1024
BUTTON_COUNT, BUTTON_LENGTH = 3, 20
ROW_COUNT, ROW_LENGTH = 10, 24


def template_message(
    to, name, language, parameters=None, parameter_format="positional", opaque="", user_uid=""
):
    """Return the body of a template message.

    :param to: E.164 number, '' when `user_uid` is the only address.
    :param parameters: the frozen form of parameters.py.
    :param parameter_format: 'positional' or 'named', that of the template.
    :param opaque: echoed by every status webhook of this message, at most 512 characters.
    :param user_uid: business-scoped user id; Meta prefers the number when both are given.
    :raise ValueError: no address, `opaque` too long, or parameters of an unknown kind.
    """
    template = {"name": name, "language": {"code": language}}
    components = _send_components(as_dict(parameters), is_named(parameter_format))
    if components:
        template["components"] = components
    return {**_envelope(to, user_uid, opaque), "type": "template", "template": template}


def text_message(to, body, opaque="", preview_url=False, reply_to=None, user_uid=""):
    """Return the body of a free text message, allowed inside an open customer service window only.

    :param body: 1 to 4096 characters
    :param preview_url: let WhatsApp show a preview of the first link
    :param reply_to: wamid of the message that this one quotes
    :raise ValueError: no address, no text, or a text or `opaque` that is too long.
    """
    if not body or len(body) > TEXT_LENGTH:
        raise ValueError(f"a text message has 1 to {TEXT_LENGTH} characters")
    message = {
        **_envelope(to, user_uid, opaque),
        "type": "text",
        "text": {"preview_url": bool(preview_url), "body": body},
    }
    if reply_to:
        message["context"] = {"message_id": reply_to}
    return message


def media_message(
    to, kind, media_uid, opaque="", caption="", filename="", reply_to=None, user_uid=""
):
    """Return the body of a message with an uploaded file, allowed inside an open service window
    only.

    :param kind: 'image', 'video', 'audio' or 'document'
    :param media_uid: id of an upload of the sending number
    :param caption: up to 1024 characters; a voice message has none
    :param filename: shown for documents
    :raise ValueError: no address, another kind, no id, or a caption that is too long.
    """
    if kind not in (*MEDIA_TYPES, "audio"):
        raise ValueError(f"unknown kind of file {kind!r}")
    if not media_uid:
        raise ValueError("a file needs the id of its upload")
    if len(caption or "") > CAPTION_LENGTH:
        raise ValueError(f"a caption has at most {CAPTION_LENGTH} characters")
    content = {"id": media_uid}
    if caption and kind != "audio":
        content["caption"] = caption
    if filename and kind == "document":
        content["filename"] = filename
    message = {**_envelope(to, user_uid, opaque), "type": kind, kind: content}
    if reply_to:
        message["context"] = {"message_id": reply_to}
    return message


def options_message(to, body, options, list_label, opaque="", user_uid=""):
    """Return the body of a text with answers to choose from, allowed inside an open service window
    only: reply buttons, or a list when there are more or longer ones than buttons may be.

    :param options: titles, 1 to 10, different, of up to 24 characters
    :param list_label: of the button that opens a list, up to 20 characters
    :raise ValueError: no address, no text, or options that cannot be sent, see `option_problem`
    """
    if not body or len(body) > OPTION_BODY_LENGTH:
        raise ValueError(f"a text with options has 1 to {OPTION_BODY_LENGTH} characters")
    if problem := option_problem(options):
        raise ValueError(f"the options cannot be sent: {problem}")
    ids = [f"option-{index}" for index in range(1, len(options) + 1)]
    titles = [{"id": id_, "title": title} for id_, title in zip(ids, options, strict=True)]
    if len(options) <= BUTTON_COUNT and max(map(len, options)) <= BUTTON_LENGTH:
        kind = "button"
        action = {"buttons": [{"type": "reply", "reply": title} for title in titles]}
    else:
        kind = "list"
        action = {"button": list_label[:BUTTON_LENGTH], "sections": [{"rows": titles}]}
    interactive = {"type": kind, "body": {"text": body}, "action": action}
    return {**_envelope(to, user_uid, opaque), "type": "interactive", "interactive": interactive}


def contact_request_message(to, body, opaque="", user_uid=""):
    """Return the body of a message that asks the person to share their number, allowed inside an
    open service window only; its button is WhatsApp's own.

    :raise ValueError: no address, no text, or a text that is too long
    """
    if not body or len(body) > OPTION_BODY_LENGTH:
        raise ValueError(f"a request has 1 to {OPTION_BODY_LENGTH} characters")
    interactive = {
        "type": "request_contact_info",
        "body": {"text": body},
        "action": {"name": "request_contact_info"},
    }
    return {**_envelope(to, user_uid, opaque), "type": "interactive", "interactive": interactive}


def option_problem(options):
    """Return why these titles cannot be options: 'count', 'length', 'same'; '' if they can."""
    if not 1 <= len(options) <= ROW_COUNT:
        return "count"
    if any(not title or len(title) > ROW_LENGTH for title in options):
        return "length"
    return "same" if len(set(options)) < len(options) else ""


def reaction_message(to, wamid, emoji, opaque="", user_uid=""):
    """Return the body of a reaction, allowed inside an open service window only.

    :param wamid: of the message that it is about, at most 30 days old
    :param emoji: one emoji; '' removes our reaction
    :raise ValueError: no address, or no message
    """
    if not wamid:
        raise ValueError("a reaction needs the message that it is about")
    reaction = {"message_id": wamid, "emoji": emoji}
    return {**_envelope(to, user_uid, opaque), "type": "reaction", "reaction": reaction}


def read_report(wamid, is_typing=False):
    """Return the body that marks an inbound message, and those before it, as read.

    :param is_typing: also show the person that we are typing, for up to 25 seconds
    """
    if not wamid:
        raise ValueError("a report needs the message that it is about")
    report = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    if is_typing:
        report["typing_indicator"] = {"type": "text"}
    return report


def block_list(number, user_uid=""):
    """Return the body that adds one person to a number's block list, or removes them."""
    if not number and not user_uid:
        raise ValueError("a block needs a number or a business-scoped user id")
    person = {"user": f"+{number.lstrip('+')}"} if number else {"user_id": user_uid}
    return {"messaging_product": "whatsapp", "block_users": [person]}


def _envelope(to, user_uid, opaque):
    if len(opaque or "") > OPAQUE_LENGTH:
        raise ValueError(f"opaque has at most {OPAQUE_LENGTH} characters")
    message = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if to:
        # Without '+' Meta puts the sender's own country code in front (Send messages, 2025-11-04).
        message["to"] = to if to.startswith("+") else f"+{to}"
    if user_uid:
        message["recipient"] = user_uid
    if not to and not user_uid:
        raise ValueError("a message needs a number or a business-scoped user id")
    if opaque:
        message["biz_opaque_callback_data"] = opaque
    return message


def _send_components(parameters, named):
    components = _part_components(parameters, named)
    if ends := as_dict(parameters.get("offer")).get("expires_at_ms"):
        offer = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": ends}}
        components.insert(
            1 if parameters.get("header") else 0,
            {"type": "limited_time_offer", "parameters": [offer]},
        )
    cards = [
        {"card_index": index, "components": _part_components(as_dict(card), named)}
        for index, card in enumerate(as_list(parameters.get("cards")))
    ]
    return [*components, {"type": "carousel", "cards": cards}] if cards else components


def _part_components(parameters, named):
    """Header, body and buttons of the message itself, or of one card."""
    components = []
    header = _header_parameters(as_dict(parameters.get("header")), named)
    if header:
        components.append({"type": "header", "parameters": header})
    body = [_text_parameter(item, named) for item in _in_order(parameters.get("body"))]
    if body:
        components.append({"type": "body", "parameters": body})
    components += [_button_component(button) for button in as_list(parameters.get("buttons"))]
    return [component for component in components if component]


def _header_parameters(header, named):
    kind = header.get("type")
    if not header:
        return []
    if kind == "text":
        return [_text_parameter(item, named) for item in _in_order(header.get("values"))]
    if kind not in HEADER_TYPES:
        raise ValueError(f"unknown header type {kind!r}")
    keys = ("id", "link", "filename") if kind in HEADER_MEDIA else LOCATION_KEYS
    content = {key: header[key] for key in keys if header.get(key) not in (None, "")}
    if kind == "product":
        content = {
            "product_retailer_id": plain(header.get("product")),
            "catalog_id": plain(header.get("catalog")),
        }
    if "id" in content:
        content.pop("link", None)
    if kind != "document":
        content.pop("filename", None)
    return [{"type": kind, kind: content}]


def _text_parameter(item, named):
    name, value = name_and_value(item)
    parameter = {"type": "text", "text": value}
    if named and name:
        parameter["parameter_name"] = name
    return parameter


def _button_component(button):
    sub_type, value = button.get("sub_type"), plain(button.get("value"))
    if sub_type not in FILLED_BUTTONS:
        raise ValueError(f"unknown button type {sub_type!r}")
    if not value and sub_type not in ("flow", "mpm"):
        return None
    if sub_type in _ACTIONS:
        parameter = {"type": "action", "action": _ACTIONS[sub_type](value, button)}
    else:
        parameter = {
            "url": {"type": "text", "text": value},
            "quick_reply": {"type": "payload", "payload": value},
            "copy_code": {"type": "coupon_code", "coupon_code": value},
        }[sub_type]
    index = str(button.get("index", 0))
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def _catalog_action(thumbnail, _button):
    return {"thumbnail_product_retailer_id": thumbnail}


def _products_action(thumbnail, button):
    sections = [
        {
            **({"title": section["title"]} if section.get("title") else {}),
            "product_items": [{"product_retailer_id": sku} for sku in section["products"]],
        }
        for section in as_list(button.get("sections"))
    ]
    return {"thumbnail_product_retailer_id": thumbnail, "sections": sections}


def _flow_action(token, button):
    # 'unused' is Meta's own default (Sending a Flow, 2026-06-16).
    data = as_dict(button.get("data"))
    return {"flow_token": token or "unused", **({"flow_action_data": data} if data else {})}


_ACTIONS = {"catalog": _catalog_action, "mpm": _products_action, "flow": _flow_action}


def _in_order(items):
    """Positional parameters are sent without a name, in the order of their numbers."""
    items = as_list(items)
    names = [name_and_value(item)[0] for item in items]
    if names and all(name.isdecimal() for name in names):
        return [item for _name, item in sorted(zip(names, items, strict=True), key=_position)]
    return items


def _position(pair):
    return int(pair[0])
