"""The parameters that a template needs, and Meta's errors when they are wrong.

Source: Meta's "Components" and "Templates overview" pages (2025-11-21, 2025-12-05), its pages of
carousels (2026-06-18, 2026-06-24), limited-time offers (2025-11-04), catalog, multi-product and
flow templates (2026-06-16), and the template codes of its error page (2026-09-11).
"""

import re
from dataclasses import dataclass, field

from .graph_errors import GraphError

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
MEDIA_FORMATS = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document",
                 "LOCATION": "location", "PRODUCT": "product"}
# MIME types of an uploaded file, by the kind of header (Meta, "Media", 2026-03).
UPLOADED = {"image": ("image/jpeg", "image/png"), "video": ("video/mp4", "video/3gpp"),
            "document": ("text/plain", "application/")}
TEXT_TYPES = ("text", "currency", "date_time")
# Meta refuses these inside a parameter of a template.
FORBIDDEN_TEXT = re.compile(r"[\n\r\t]| {5,}")
BUTTON_PARAMETER = {"QUICK_REPLY": ("quick_reply", "payload", 256),
                    "URL": ("url", "text", 2000),
                    "OTP": ("url", "text", 15),
                    "COPY_CODE": ("copy_code", "coupon_code", 20)}
ACTION_BUTTONS = {"CATALOG": "catalog", "MPM": "mpm", "FLOW": "flow"}
# Sent without a parameter, they are refused ("Sending a Flow", "Multi-product templates").
NEEDY_BUTTONS = ("COPY_CODE", "MPM", "FLOW", "OTP")
BODY_MAX, OFFER_BODY_MAX, CARD_BODY_MAX = 1024, 600, 160


@dataclass(slots=True)
class Expected:
    """The needs of a template, or of one card: variable names per text, header medium, buttons by
    index; whether it is an offer that ends, and its cards."""

    header_format: str = ""
    header_text: str = ""
    header_names: list = field(default_factory=list)
    body_text: str = ""
    body_names: list = field(default_factory=list)
    body_max: int = BODY_MAX
    buttons: list = field(default_factory=list)
    expires: bool = False
    cards: list = field(default_factory=list)


def variables(text):
    """Variable names in order of first appearance."""
    return list(dict.fromkeys(VARIABLE.findall(text or "")))


def expected_parameters(template):
    """The template's Expected, computed once per edit."""
    if template.expected is None:
        template.expected = _expected(template.components)
    return template.expected


def _expected(components, body_max=BODY_MAX):
    expected = Expected(body_max=body_max)
    for component in components:
        kind, text = str(component["type"]).upper(), component.get("text", "")
        if kind == "HEADER":
            expected.header_format = str(component.get("format", "TEXT")).upper()
            expected.header_text, expected.header_names = text, variables(text)
        elif kind == "BODY":
            expected.body_text, expected.body_names = text, variables(text)
        elif kind == "BUTTONS":
            expected.buttons = component["buttons"]
        elif kind == "LIMITED_TIME_OFFER":
            expected.body_max = OFFER_BODY_MAX
            expected.expires = bool(component["limited_time_offer"].get("has_expiration"))
        elif kind == "CAROUSEL":
            expected.cards = [_expected(card["components"], CARD_BODY_MAX)
                              for card in component["cards"]]
    return expected


def check_send(template, components, media):
    """Refuse components that do not fill ``template``; ``media(id)``: a file of the number."""
    _objects(components, "template.components")
    expected = expected_parameters(template)
    named = template.parameter_format == "NAMED"
    by_type = _check_part(expected, components, named, media,
                          {"limited_time_offer", "carousel"})
    _check_offer(expected, by_type.get("limited_time_offer"))
    _check_cards(expected.cards, by_type.get("carousel"), named, media)


def _objects(value, name):
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise GraphError(100, f"{name} must be an array of objects.")
    return value


def _check_part(expected, components, named, media, also=frozenset()):
    """Check header, body and buttons of a message or card: {type: its last component}."""
    by_type = {str(c.get("type", "")).lower(): c for c in components}
    unknown = set(by_type) - {"header", "body", "button"} - also
    if unknown:
        raise GraphError(132012, f"Unexpected component type: {', '.join(sorted(unknown))}")
    _check_header(expected, _parameters(by_type.get("header")), named, media)
    values = _check_texts("body", _parameters(by_type.get("body")), expected.body_names, named)
    _check_length("body", expected.body_text, values, expected.body_max)
    buttons = [c for c in components if str(c.get("type", "")).lower() == "button"]
    _check_buttons(expected.buttons, buttons)
    return by_type


def _check_offer(expected, component):
    if component is None:
        if expected.expires:
            raise GraphError(131008, "limited_time_offer: expiration_time_ms is required")
        return
    parameters = _parameters(component)
    if not expected.expires or len(parameters) != 1:
        raise GraphError(132000, "limited_time_offer: unexpected number of parameters")
    offer = parameters[0].get("limited_time_offer")
    ends = offer.get("expiration_time_ms") if isinstance(offer, dict) else None
    if parameters[0].get("type") != "limited_time_offer" or ends is None:
        raise GraphError(131008, "limited_time_offer: expiration_time_ms is required")
    # Milliseconds reached 1e12 in 2001: a smaller number is one of seconds.
    if not isinstance(ends, int) or isinstance(ends, bool) or ends < 10**12:
        raise GraphError(131009, "limited_time_offer: expiration_time_ms is not a time")


def _check_cards(expected, component, named, media):
    cards = _objects(component.get("cards"), "carousel.cards") if component else []
    if len(cards) != len(expected):
        raise GraphError(132012, f"carousel: number of cards ({len(cards)}) does not match the "
                                 f"expected number ({len(expected)})")
    if sorted(str(card.get("card_index")) for card in cards) != sorted(
            map(str, range(len(expected)))):
        raise GraphError(131009, "carousel: card_index must run from 0 without a gap")
    for card in cards:
        components = _objects(card.get("components"), "carousel.cards.components")
        _check_part(expected[int(card["card_index"])], components, named, media)


def button_payload(components, index, default):
    """The payload a send gave the quick reply at ``index``, else the button's own text."""
    for component in components:
        if component.get("type") == "button" and str(component.get("index")) == str(index):
            return component["parameters"][0].get("payload", default)
    return default


def _parameters(component):
    return _objects((component or {}).get("parameters", []), "parameters")


def _check_header(expected, parameters, named, media):
    kind = MEDIA_FORMATS.get(expected.header_format)
    if kind is None:
        values = _check_texts("header", parameters, expected.header_names, named)
        _check_length("header", expected.header_text, values, 60)
        return
    received = parameters[0].get("type", "UNKNOWN") if parameters else "UNKNOWN"
    if len(parameters) != 1 or received != kind:
        raise GraphError(132012, f"header: Format mismatch, expected {expected.header_format}, "
                                 f"received {str(received).upper()}")
    content = parameters[0].get(kind)
    if not isinstance(content, dict):
        raise GraphError(131008, f"header: {kind} object is required")
    if kind == "location":
        _check_location(content)
    elif kind == "product":
        if not content.get("product_retailer_id") or not content.get("catalog_id"):
            raise GraphError(131008, "header: product_retailer_id and catalog_id are required")
    elif content.get("id"):
        _check_file(kind, media(str(content["id"])), content["id"])
    elif not re.match(r"https?://[^\s/]", str(content.get("link", ""))):
        raise GraphError(131008, f"header: {kind} needs an id or a link")


def _check_location(content):
    for key, limit in (("latitude", 90), ("longitude", 180)):
        if content.get(key) in (None, ""):
            raise GraphError(131008, f"header: {key} is required")
        try:
            fits = abs(float(content[key])) <= limit
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise GraphError(131009, f"header: {key} is not a coordinate")


def _check_file(kind, file, media_id):
    if file is None:
        raise GraphError(131009, f"Media ID {media_id} is invalid or has expired")
    if not file.type.startswith(UPLOADED[kind]):
        raise GraphError(131053, f"header: a file of type {file.type} is no {kind}")


def _check_texts(place, parameters, names, named):
    """{variable name: text}; refuses a wrong number, name, type or a forbidden character."""
    if len(parameters) != len(names):
        raise GraphError(132000, f"{place}: number of localizable_params ({len(parameters)}) "
                                 f"does not match the expected number of params ({len(names)})")
    values = {}
    for position, parameter in enumerate(parameters):
        given = parameter.get("parameter_name")
        if named and given not in names:
            raise GraphError(132012, f"{place}: parameter name {given!r} is not in the template")
        if not named and given is not None:
            raise GraphError(132012, f"{place}: parameter_name needs a template of named format")
        values[given if named else names[position]] = _parameter_text(place, parameter)
    if len(values) != len(names):
        raise GraphError(132012, f"{place}: a parameter name is given twice")
    return values


def _parameter_text(place, parameter):
    kind = parameter.get("type")
    if kind not in TEXT_TYPES:
        raise GraphError(132012, f"{place}: Parameter of type {kind} is not allowed in text")
    if kind != "text":
        content = parameter.get(kind)
        if not isinstance(content, dict) or not content.get("fallback_value"):
            raise GraphError(131008, f"{place}: {kind} needs a fallback_value")
        return str(content["fallback_value"])
    text = parameter.get("text")
    if not isinstance(text, str) or not text:
        raise GraphError(131008, f"{place}: text is required and cannot be empty")
    if FORBIDDEN_TEXT.search(text):
        raise GraphError(132018, "Param text cannot have new-line/tab characters or more than "
                                 "4 consecutive spaces")
    return text


def _check_length(place, text, values, limit):
    filled = VARIABLE.sub(lambda match: values.get(match.group(1), ""), text)
    if len(filled) > limit:
        raise GraphError(132005, f"{place}: translated text too long ({len(filled)} characters, "
                                 f"limit {limit})")


def _check_buttons(buttons, components):
    given = {str(component.get("index")): component for component in components}
    for index, button in enumerate(buttons):
        needs = button["type"] in NEEDY_BUTTONS or (
            button["type"] == "URL" and VARIABLE.search(button.get("url", "")))
        component = given.pop(str(index), None)
        if component is None and needs:
            raise GraphError(131008, f"buttons: Button at index {index} of type {button['type']} "
                                     "requires a parameter")
        if component is not None:
            _check_button(index, button, component, needs)
    if given:
        raise GraphError(132012, f"buttons: no button at index {', '.join(sorted(given))}")


def _check_button(index, button, component, needs):
    sub_type, key, limit = BUTTON_PARAMETER.get(button["type"], ("", "", 0))
    sub_type = ACTION_BUTTONS.get(button["type"], sub_type)
    if not sub_type or str(component.get("sub_type", "")).lower() != sub_type:
        raise GraphError(132012, f"buttons: Button at index {index} is of type {button['type']}")
    parameters = _parameters(component)
    if sub_type == "url" and not needs:
        raise GraphError(132000, f"buttons: Button at index {index} takes no parameter")
    if len(parameters) != 1:
        raise GraphError(132000, f"buttons: Button at index {index} takes exactly 1 parameter")
    if button["type"] in ACTION_BUTTONS:
        _check_action(index, sub_type, parameters[0])
        return
    value = parameters[0].get(key)
    if parameters[0].get("type") != key or not isinstance(value, str) or not value:
        raise GraphError(131008, f"buttons: Button at index {index} needs a {key}")
    if len(value) > limit:
        raise GraphError(131009, f"buttons: {key} is longer than {limit} characters")


def _check_action(index, sub_type, parameter):
    action = parameter.get("action")
    if parameter.get("type") != "action" or not isinstance(action, dict):
        raise GraphError(131008, f"buttons: Button at index {index} needs an action")
    if sub_type == "flow":
        if not isinstance(action.get("flow_action_data", {}), dict):
            raise GraphError(131009, "buttons: flow_action_data must be an object")
        return
    if not action.get("thumbnail_product_retailer_id"):
        raise GraphError(131008, "buttons: thumbnail_product_retailer_id is required")
    if sub_type == "mpm":
        _check_sections(_objects(action.get("sections"), "sections"))


def _check_sections(sections):
    items = [_objects(section.get("product_items"), "product_items") for section in sections]
    products = [item.get("product_retailer_id") for found in items for item in found]
    if not products or not all(products) or not all(items):
        raise GraphError(131008, "sections: each needs a product_retailer_id")
    if len(sections) > 10 or len(products) > 30:
        raise GraphError(131009, "sections: at most 10 sections with 30 products")
    titles = [section.get("title", "") for section in sections]
    if max(map(len, titles)) > 24 or (len(sections) > 1 and not all(titles)):
        raise GraphError(131009, "sections: a title of 1 to 24 characters")
