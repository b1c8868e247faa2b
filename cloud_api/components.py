"""A template's components as Meta lists them: their variables, and what we cannot send.

Sources: Meta, Template components (2025-11-21), Templates overview (2025-12-05), Media card
carousel (2026-06-24), Product card carousel (2026-06-18), Limited-time offer (2025-11-04), Catalog,
Multi-product, Flows templates (2026-06-16), Call permission request (2026-11-04) below
https://developers.facebook.com/documentation/business-messaging/whatsapp/; request contact info:
Gupshup's reference (2026-09-10): its text is Meta's, and nothing is sent for it.
"""

import hashlib
import json
import re
from dataclasses import dataclass

from .parameters import HEADER_MEDIA, LOCATION_KEYS, PRODUCT_KEYS, is_named, is_optional
from .values import as_dict, as_list, as_text, as_word

# Nothing is sent for these. 'spm' shows the product of its card's header.
_STATIC_BUTTONS = ("phone_number", "voice_call", "request_contact_info", "spm")
# {type: [(name, kind)] of its variables}; those of a URL are its placeholders.
_BUTTON_VARIABLES = {
    "quick_reply": [("payload", "payload")],
    "copy_code": [("coupon", "coupon")],
    "catalog": [("thumbnail", "thumbnail")],
    "mpm": [("thumbnail", "product"), ("sections", "sections")],
    "flow": [("token", "flow_token"), ("data", "flow_data")],
    # Authentication: the code once more. Meta lists it as a URL; its own examples create 'otp'.
    "otp": [("1", "url")],
}
_KNOWN_BUTTONS = frozenset(("url", *_BUTTON_VARIABLES, *_STATIC_BUTTONS))
# GIFs are left out: /messages refuses them, only the Marketing Messages API takes them.
_KNOWN_HEADERS = frozenset(("text", "image", "video", "document", "location", "product"))
_STATIC_COMPONENTS = frozenset(("body", "footer", "limited_time_offer", "call_permission_request"))
_CODE_ADDRESS = "https://www.whatsapp.com/otp/"
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,100})\s*\}\}")


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """A variable of a template.

    :param component: 'header', 'body', 'button' or 'offer'
    :param button_index: 0-based position among the buttons, None elsewhere
    :param name: '1', '2'… or the parameter's name; of what has none: 'link', 'latitude', 'payload',
        'coupon', 'thumbnail', 'sections', 'token', 'data', 'expires', …
    :param kind: 'text', 'image', 'video', 'document', 'gif', 'location', 'product', 'thumbnail',
        'sections', 'catalog', 'payload', 'url', 'coupon', 'flow_token', 'flow_data' or 'expiry'
    :param example: Meta's sample, '' when the template has none
    :param label: the placeholder as the template shows it, or the button's text
    :param card_index: 0-based position of its card in a carousel, None outside of one
    """

    component: str
    button_index: int | None
    name: str
    kind: str
    example: str
    label: str
    card_index: int | None = None

    @property
    def key(self):
        """What names it within its template."""
        return self.component, self.button_index, self.name, self.card_index

    @property
    def required(self):
        """Whether it needs a value."""
        return not is_optional(self.kind, self.name)


def template_variables(components, parameter_format="positional"):
    """Return the variables of a template, in the order of its components.

    :param components: list as `GET /{waba}/message_templates` returns it
    :return: list of TemplateVariable; see `unsupported_parts` for what is left out
    """
    named = is_named(parameter_format)
    variables = []
    for card_index, component in all_components(components):
        variables += [
            TemplateVariable(*found, card_index) for found in _component_variables(component, named)
        ]
    if is_authentication(components) and not any(one.component == "body" for one in variables):
        # Created without a text of its own, it still takes the code.
        variables.insert(0, TemplateVariable("body", None, "1", "text", "", "{{1}}"))
    return variables


def as_components(components):
    """Return the readable ones: dicts."""
    return [component for component in as_list(components) if isinstance(component, dict)]


def card_components(component):
    """Return the components of each card of a carousel: [[component]]."""
    cards = as_list(as_dict(component).get("cards"))
    return [as_components(as_dict(card).get("components")) for card in cards]


def all_components(components):
    """Return [(card index or None, component)], those of cards in place of their carousel."""
    found = []
    for component in as_components(components):
        if as_word(component.get("type")) != "carousel":
            found.append((None, component))
            continue
        for card_index, card in enumerate(card_components(component)):
            found += [(card_index, part) for part in card]
    return found


def as_buttons(component):
    """Return the buttons of a component: dicts, by their index."""
    return [as_dict(button) for button in as_list(component.get("buttons"))]


def template_button(components, index, card_index=None):
    """Return Meta's dict of a button; {} if there is none."""
    for card, component in all_components(components):
        if card == card_index and as_word(component.get("type")) == "buttons":
            return next(iter(as_buttons(component)[index : index + 1]), {})
    return {}


def is_authentication(components):
    """Return whether this is an authentication template, which Meta lists with a URL button."""
    return any(
        as_word(button.get("type")) == "otp" or as_text(button.get("url")).startswith(_CODE_ADDRESS)
        for component in as_components(components)
        for button in as_buttons(component)
    )


def has_offer(components):
    """Return whether this is a limited-time offer, whose body is shorter."""
    return any(
        as_word(component.get("type")) == "limited_time_offer"
        for component in as_components(components)
    )


def _component_variables(component, named):
    """The first six values of each TemplateVariable of a component."""
    kind = as_word(component.get("type"))
    if kind == "header":
        return _header_variables(component, named)
    if kind == "body":
        return _text_variables("body", component, named)
    if kind == "buttons":
        return [
            found
            for index, button in enumerate(as_buttons(component))
            for found in _button_variables(index, button)
        ]
    offer = as_dict(component.get("limited_time_offer"))
    if kind == "limited_time_offer" and offer.get("has_expiration"):
        return [("offer", None, "expires", "expiry", "", as_text(offer.get("text")))]
    return []


def _header_variables(component, named):
    kind = as_word(component.get("format"))
    if kind == "text":
        return _text_variables("header", component, named)
    if kind in HEADER_MEDIA:
        handles = as_list(as_dict(component.get("example")).get("header_handle"))
        return [("header", None, "link", kind, _first_text(handles), kind)]
    if kind == "location":
        return [("header", None, name, kind, "", kind) for name in LOCATION_KEYS]
    if kind == "product":
        return [("header", None, name, name, "", kind) for name in PRODUCT_KEYS]
    return []


def _text_variables(component_name, component, named):
    names = _placeholders(component.get("text"), named)
    examples = _examples(component_name, as_dict(component.get("example")), names)
    return [
        (component_name, None, name, "text", examples.get(name, ""), f"{{{{{name}}}}}")
        for name in names
    ]


def _placeholders(text, named=True):
    """Names between double braces, each once; by number when the template is positional."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(as_text(text))))
    if not named and all(name.isdecimal() for name in names):
        names.sort(key=int)
    return names


def _examples(component_name, example, names):
    """Meta's samples by name: `body_text` [[…]], `header_text` […] or `*_named_params`."""
    pairs = as_list(example.get(f"{component_name}_text_named_params"))
    if pairs:
        return {
            as_text(pair.get("param_name")): as_text(pair.get("example"))
            for pair in pairs
            if isinstance(pair, dict)
        }
    values = as_list(example.get(f"{component_name}_text"))
    if values and isinstance(values[0], list):
        values = values[0]
    return dict(zip(names, map(as_text, values), strict=False))


def _button_variables(index, button):
    kind = as_word(button.get("type"))
    label = as_text(button.get("text"))
    example = _first_text(as_list(button.get("example")))
    if kind == "url":
        names = [(name, "url") for name in _placeholders(button.get("url"))]
    else:
        names = _BUTTON_VARIABLES.get(kind, [])
    return [("button", index, name, variable, example, label) for name, variable in names]


def _first_text(values):
    return next((value for value in values if isinstance(value, str)), "")


def unsupported_parts(components):
    """Return what of a template cannot be sent from here, e.g. ['button: order_details']."""
    parts = {
        "carousel"
        for component in as_components(components)
        if as_word(component.get("type")) == "carousel" and not any(card_components(component))
    }
    for _card_index, component in all_components(components):
        kind = as_word(component.get("type"))
        if kind == "header":
            header = as_word(component.get("format"))
            parts |= set() if header in _KNOWN_HEADERS else {f"header: {header}"}
        elif kind == "buttons":
            buttons = {as_word(button.get("type")) for button in as_buttons(component)}
            parts |= {f"button: {button}" for button in buttons - _KNOWN_BUTTONS}
        elif kind not in _STATIC_COMPONENTS:
            parts.add(kind)
    return sorted(parts)


def signature(components, parameter_format="positional"):
    """Return a short hash of the structure of a template's variables: when it changes, map them
    again."""
    shape = [
        (one.component, one.button_index, one.name, one.kind)
        # Only where there are cards: templates without keep the hash that campaigns have stored.
        + (() if one.card_index is None else (one.card_index,))
        for one in template_variables(components, parameter_format)
    ]
    shape = json.dumps([is_named(parameter_format), shape])
    return hashlib.sha256(shape.encode()).hexdigest()[:16]
