"""A template as an editor writes it, and Meta's components: each from the other, without loss.

The content of a template in the making is a plain dict, every key of which may be missing:

    {"header_type": "none" | "text" | "image" | "video" | "document" | "location" | "product",
     "header_text": …, "header_samples": {variable name: sample}, "header_handle": …,
     "body": …, "body_samples": {variable name: sample}, "footer": …,
     "buttons": [{"kind": "url", "text": …, "url": …, "example": …}, …],
     "cards": [{"header_type", "header_handle", "body", "body_samples", "buttons"}, …],
     "offer": {"text": …, "has_expiration": bool},
     "extra": {type of a component: what Meta lists there and no editor knows}}

`BUTTONS` lists the kinds of buttons and their fields. A `tracked` button is a website button with
our own short address; its `target` is what the address leads to, which Meta does not learn.

Sources: Meta, Template components (2025-11-21); limited-time offer, coupon, media card carousel,
catalog and multi-product templates (2025-11), below
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/
The type of the button that asks for the phone number: Gupshup (2026-09-10) and Kapso, third party.
"""

from .components import PLACEHOLDER
from .parameters import is_named
from .values import as_dict, as_list, as_text, as_word

# Kind of a button: Meta's type, and Meta's keys beside it.
BUTTONS = {
    "quick_reply": ("QUICK_REPLY", ("text",)),
    "url": ("URL", ("text", "url")),
    "tracked": ("URL", ("text", "url")),
    "phone_number": ("PHONE_NUMBER", ("text", "phone_number")),
    "copy_code": ("COPY_CODE", ("text",)),
    "flow": ("FLOW", ("text", "flow_id", "flow_action", "navigate_screen")),
    "request_contact_info": ("REQUEST_CONTACT_INFO", ("text",)),
    "catalog": ("CATALOG", ("text",)),
    "mpm": ("MPM", ("text",)),
    "spm": ("SPM", ("text",)),
}
_KINDS = {
    meta_type: kind for kind, (meta_type, _keys) in reversed(BUTTONS.items()) if kind != "tracked"
}


def build_components(content, parameter_format="named", own_address=""):
    """Return Meta's components of a template's content.

    :param own_address: our short address with its variable, as tracked buttons have it
    """
    extra = as_dict(content.get("extra"))
    parts = [
        *_build_texts(content, parameter_format, own_address),
        *({"type": kind, **rest} for kind, rest in extra.items() if kind not in _KNOWN),
    ]
    return [{**part, **as_dict(extra.get(part["type"]))} for part in parts]


_KNOWN = ("HEADER", "LIMITED_TIME_OFFER", "BODY", "FOOTER", "CAROUSEL", "BUTTONS")


def _build_texts(content, parameter_format, own_address):
    yield from _build_header(content, parameter_format)
    if offer := content.get("offer"):
        limited = {
            "text": as_text(offer.get("text")),
            "has_expiration": bool(offer.get("has_expiration")),
        }
        yield {"type": "LIMITED_TIME_OFFER", "limited_time_offer": limited}
    if body := as_text(content.get("body")):
        yield _with_samples("body", body, content.get("body_samples"), parameter_format)
    if footer := as_text(content.get("footer")):
        yield {"type": "FOOTER", "text": footer}
    if cards := as_list(content.get("cards")):
        built = [
            {"components": build_components(as_dict(card), parameter_format, own_address)}
            for card in cards
        ]
        yield {"type": "CAROUSEL", "cards": built}
    if buttons := as_list(content.get("buttons")):
        built = [_build_button(as_dict(button), own_address) for button in buttons]
        yield {"type": "BUTTONS", "buttons": built}


def _build_header(content, parameter_format):
    kind = content.get("header_type") or "none"
    if kind == "text":
        if text := as_text(content.get("header_text")):
            yield _with_samples("header", text, content.get("header_samples"), parameter_format)
    elif kind != "none":
        header = {"type": "HEADER", "format": kind.upper()}
        if handle := as_text(content.get("header_handle")):
            header["example"] = {"header_handle": [handle]}
        yield header


def _with_samples(place, text, samples, parameter_format):
    """A component with its text and the samples of the variables in it."""
    part = {"type": place.upper(), **({"format": "TEXT"} if place == "header" else {})}
    part["text"] = text
    samples = as_dict(samples)
    names = variable_names(text, parameter_format)
    texts = [as_text(samples.get(name)) for name in names]
    if not any(texts):
        return part
    if is_named(parameter_format):
        pairs = zip(names, texts, strict=True)
        part["example"] = {
            f"{place}_text_named_params": [
                {"param_name": name, "example": sample} for name, sample in pairs if sample
            ]
        }
    else:
        part["example"] = {f"{place}_text": [texts] if place == "body" else texts}
    return part


def _build_button(button, own_address):
    kind = as_text(button.get("kind"))
    meta_type, keys = BUTTONS.get(kind, (kind.upper(), ("text",)))
    built = {"type": meta_type}
    for key in keys:
        value = own_address if key == "url" and kind == "tracked" else as_text(button.get(key))
        if value:
            built[key] = value
    if example := as_text(button.get("example")):
        is_single = kind == "copy_code" and not button.get("is_listed")
        built["example"] = example if is_single else [example]
    return {**built, **as_dict(button.get("extra"))}


def variable_names(text, parameter_format="named"):
    """Return the names of a text's variables, each once, in the order of Meta's samples."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(as_text(text))))
    if not is_named(parameter_format) and all(name.isdecimal() for name in names):
        names.sort(key=int)
    return names


def read_components(components, parameter_format="positional", own_address=""):
    """Return the content of a template that Meta lists; `build_components` restores the list.

    Only the order of the components and samples of variables that the text does not have are lost.
    """
    content, extra = {}, {}
    for component in as_list(components):
        kind = as_word(component.get("type"))
        read = _READERS.get(kind)
        if read is None:
            rest = {key: value for key, value in component.items() if key != "type"}
            extra[kind.upper()] = rest
            continue
        found, known = read(component, parameter_format, own_address)
        content |= found
        rest = {key: value for key, value in component.items() if key not in known}
        if rest:
            extra[kind.upper()] = rest
    return {**content, **({"extra": extra} if extra else {})}


def _read_header(component, parameter_format, _own_address):
    kind = as_word(component.get("format")) or "text"
    if kind == "text":
        found, known = _read_text("header", component, parameter_format)
        return {"header_type": "text", "header_text": found.pop("header"), **found}, known
    handles = as_list(as_dict(component.get("example")).get("header_handle"))
    found = {"header_type": kind}
    if handles and isinstance(handles[0], str):
        found["header_handle"] = handles[0]
    return found, ("type", "format", "example")


def _read_body(component, parameter_format, _own_address):
    return _read_text("body", component, parameter_format)


def _read_text(place, component, parameter_format):
    text = as_text(component.get("text"))
    example = as_dict(component.get("example"))
    names = variable_names(text, parameter_format)
    if pairs := as_list(example.get(f"{place}_text_named_params")):
        samples = {as_text(pair.get("param_name")): pair.get("example") for pair in pairs}
    else:
        texts = as_list(example.get(f"{place}_text"))
        texts = texts[0] if texts and isinstance(texts[0], list) else texts
        samples = dict(zip(names, texts, strict=False))
    samples = {name: as_text(samples.get(name)) for name in names if as_text(samples.get(name))}
    found = {place: text, **({f"{place}_samples": samples} if samples else {})}
    return found, ("type", "format", "text", "example")


def _read_footer(component, _parameter_format, _own_address):
    return {"footer": as_text(component.get("text"))}, ("type", "text")


def _read_offer(component, _parameter_format, _own_address):
    offer = as_dict(component.get("limited_time_offer"))
    found = {
        "text": as_text(offer.get("text")),
        "has_expiration": bool(offer.get("has_expiration")),
    }
    return {"offer": found}, ("type", "limited_time_offer")


def _read_carousel(component, parameter_format, own_address):
    cards = [
        read_components(as_dict(card).get("components"), parameter_format, own_address)
        for card in as_list(component.get("cards"))
    ]
    return {"cards": cards}, ("type", "cards")


def _read_buttons(component, _parameter_format, own_address):
    buttons = [
        _read_button(as_dict(button), own_address) for button in as_list(component.get("buttons"))
    ]
    return {"buttons": buttons}, ("type", "buttons")


def _read_button(button, own_address):
    meta_type = as_text(button.get("type")).upper()
    kind = _KINDS.get(meta_type, meta_type.lower())
    if kind == "url" and own_address and button.get("url") == own_address:
        kind = "tracked"
    keys = BUTTONS.get(kind, (meta_type, ("text",)))[1]
    found = {"kind": kind}
    known = {"type"}
    for key in keys:
        if isinstance(button.get(key), str) and button[key]:
            known.add(key)
            if key != "url" or kind != "tracked":
                found[key] = button[key]
    example = button.get("example")
    is_listed = isinstance(example, list) and len(example) == 1
    text = example[0] if is_listed else example
    if isinstance(text, str) and text and (is_listed or kind == "copy_code"):
        known.add("example")
        found["example"] = text
        if is_listed and kind == "copy_code":
            found["is_listed"] = True
    rest = {key: value for key, value in button.items() if key not in known}
    return {**found, **({"extra": rest} if rest else {})}


_READERS = {
    "header": _read_header,
    "body": _read_body,
    "footer": _read_footer,
    "limited_time_offer": _read_offer,
    "carousel": _read_carousel,
    "buttons": _read_buttons,
}


def same_texts(first, second, parameter_format="positional"):
    """Return whether recipients would see the same in both lists of components.

    Samples are not compared: Meta lists addresses of its own for them.
    """
    return _comparable(first, parameter_format) == _comparable(second, parameter_format)


def _comparable(components, parameter_format):
    content = read_components(components, parameter_format)
    return list(texts_of(content)), [
        [{**button, "example": "", "is_listed": False, "extra": {}} for button in buttons]
        for buttons in (
            as_list(part.get("buttons")) for part in (content, *as_list(content.get("cards")))
        )
    ]


def is_content(content):
    """Return whether buttons, cards and variables have the shape that the functions here read."""
    cards = content.get("cards") or []
    return (
        isinstance(cards, list)
        and len(cards) <= _MOST_PARTS
        and all(isinstance(card, dict) and not card.get("cards") for card in cards)
        and all(map(_has_plain_parts, (content, *cards)))
    )


def _has_plain_parts(content):
    buttons, variables = content.get("buttons") or [], content.get("variables") or {}
    places = variables.values() if isinstance(variables, dict) else [None]
    if not all(isinstance(place, dict) for place in places):
        return False
    lines = [line for place in places for line in place.values()]
    return (
        isinstance(buttons, list)
        and len(buttons) <= _MOST_PARTS
        and all(isinstance(part, dict) for part in (*buttons, *lines))
        and all(
            isinstance(value, str | bool | int | None) or key == "extra"
            for part in (*buttons, *lines)
            for key, value in part.items()
        )
    )


# More than Meta takes: a list with one too many is kept, and said to be too long.
_MOST_PARTS = 30


def texts_of(content):
    """Yield (place, text) of every text that a translator translates, in reading order.

    Places are those of a template's findings: header, body, footer, offer, button:0, card:1.body,
    card:1.button:0.
    """
    for key, place in (("header_text", "header"), ("body", "body"), ("footer", "footer")):
        if key != "header_text" or content.get("header_type") == "text":
            yield place, as_text(content.get(key))
    if offer := content.get("offer"):
        yield "offer", as_text(offer.get("text"))
    for index, button in enumerate(as_list(content.get("buttons"))):
        if button.get("kind") != "copy_code":
            yield f"button:{index}", as_text(button.get("text"))
    for index, card in enumerate(as_list(content.get("cards"))):
        for place, text in texts_of(card):
            if place != "footer":
                yield f"card:{index}.{place}", text
