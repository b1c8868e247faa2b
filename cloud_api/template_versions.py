"""The content of a template, compared: whether two are the same, and what differs.

Used by the history of a template. The addresses of samples are no content: Meta signs them anew
in every listing.
"""

import hashlib
import json

from .parameters import is_named
from .values import as_dict, as_list, as_text, as_word

_CODE_ADDRESS = "whatsapp.com/otp/"


def content_key(components, parameter_format="positional"):
    """Return a short hash of what recipients get to see; the same for the same content."""
    content = json.dumps(
        [is_named(parameter_format), _without_samples(as_list(components))],
        sort_keys=True,
        ensure_ascii=True,
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _without_samples(value):
    if isinstance(value, dict):
        return {key: _without_samples(part) for key, part in value.items() if key != "example"}
    if isinstance(value, list):
        return [_without_samples(part) for part in value]
    return value


def content_places(components):
    """Return {place: text} of everything that is written in a template, in its order.

    :return: keys (kind, card, button), the last two None or 0-based: 'header', 'body', 'footer',
        'offer' or 'button'; the text of a button is its label and where it leads
    """
    places = {}
    for component in map(as_dict, as_list(components)):
        kind = as_word(component.get("type"))
        if kind == "carousel":
            for number, card in enumerate(as_list(component.get("cards"))):
                inner = content_places(as_dict(card).get("components"))
                places |= {(name, number, button): text
                           for (name, _card, button), text in inner.items()}  # fmt: skip
        elif kind == "buttons":
            for number, button in enumerate(map(as_dict, as_list(component.get("buttons")))):
                places["button", None, number] = _button_text(button)
        elif kind == "limited_time_offer":
            offer = as_dict(component.get("limited_time_offer"))
            places["offer", None, None] = as_text(offer.get("text"))
        elif kind in ("header", "body", "footer"):
            medium = as_word(component.get("format"))
            shown = as_text(component.get("text")) or f"[{medium}]"
            places[kind, None, None] = shown
    return places


def _button_text(button):
    target = next(
        (text for key in ("url", "phone_number", "flow_id") if (text := as_text(button.get(key)))),
        "",
    )
    return " → ".join(filter(None, (as_text(button.get("text")), target)))


def is_code_template(components):
    """Return whether a template sends a one-time code.

    Meta lists its button as one of type URL, although it was created with the type OTP
    (Authentication templates, 2025-11).
    """
    for component in map(as_dict, as_list(components)):
        for button in map(as_dict, as_list(component.get("buttons"))):
            if as_word(button.get("type")) == "otp" or _CODE_ADDRESS in as_text(button.get("url")):
                return True
    return False
