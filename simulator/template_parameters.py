"""The parameters that a template needs, and Meta's errors when they are wrong.

Source: Meta's "Components" and "Templates overview" pages (2025-11-21, 2025-12-05) and the
template codes of its error page (2026-09-11).
"""

import re
from dataclasses import dataclass, field

from .graph_errors import GraphError

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
MEDIA_FORMATS = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document",
                 "LOCATION": "location"}
TEXT_TYPES = ("text", "currency", "date_time")
# Meta refuses these inside a parameter of a template.
FORBIDDEN_TEXT = re.compile(r"[\n\r\t]| {5,}")
BUTTON_PARAMETER = {"QUICK_REPLY": ("quick_reply", "payload", 256),
                    "URL": ("url", "text", 2000),
                    "COPY_CODE": ("copy_code", "coupon_code", 20)}


@dataclass(slots=True)
class Expected:
    """A template's needs: variable names per text, header medium, buttons by index."""

    header_format: str = ""
    header_text: str = ""
    header_names: list = field(default_factory=list)
    body_text: str = ""
    body_names: list = field(default_factory=list)
    buttons: list = field(default_factory=list)


def variables(text):
    """Variable names in order of first appearance."""
    return list(dict.fromkeys(VARIABLE.findall(text or "")))


def expected_parameters(template):
    """The template's Expected, computed once per edit."""
    if template.expected is None:
        expected = Expected()
        for component in template.components:
            kind, text = component["type"], component.get("text", "")
            if kind == "HEADER":
                expected.header_format = component.get("format", "TEXT")
                expected.header_text, expected.header_names = text, variables(text)
            elif kind == "BODY":
                expected.body_text, expected.body_names = text, variables(text)
            elif kind == "BUTTONS":
                expected.buttons = component["buttons"]
        template.expected = expected
    return template.expected


def check_send(template, components, media):
    """Refuse components that do not fill ``template``; ``media`` holds the uploaded media ids."""
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise GraphError(100, "template.components must be an array of objects.")
    expected = expected_parameters(template)
    by_type = {str(c.get("type", "")).lower(): c for c in components}
    unknown = set(by_type) - {"header", "body", "button"}
    if unknown:
        raise GraphError(132012, f"Unexpected component type: {', '.join(sorted(unknown))}")
    named = template.parameter_format == "NAMED"
    _check_header(expected, _parameters(by_type.get("header")), named, media)
    values = _check_texts("body", _parameters(by_type.get("body")), expected.body_names, named)
    _check_length("body", expected.body_text, values, 1024)
    buttons = [c for c in components if str(c.get("type", "")).lower() == "button"]
    _check_buttons(expected.buttons, buttons)


def button_payload(components, index, default):
    """The payload a send gave the quick reply at ``index``, else the button's own text."""
    for component in components:
        if component.get("type") == "button" and str(component.get("index")) == str(index):
            return component["parameters"][0].get("payload", default)
    return default


def _parameters(component):
    parameters = (component or {}).get("parameters", [])
    if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
        raise GraphError(100, "parameters must be an array of objects.")
    return parameters


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
        if not {"latitude", "longitude"} <= set(content):
            raise GraphError(131008, "header: latitude and longitude are required")
    elif content.get("id"):
        if str(content["id"]) not in media:
            raise GraphError(131009, f"Media ID {content['id']} is invalid or has expired")
    elif not str(content.get("link", "")).startswith(("http://", "https://")):
        raise GraphError(131008, f"header: {kind} needs an id or a link")


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
        needs = button["type"] == "COPY_CODE" or (
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
    if str(component.get("sub_type", "")).lower() != sub_type:
        raise GraphError(132012, f"buttons: Button at index {index} is of type {button['type']}")
    parameters = _parameters(component)
    if sub_type == "url" and not needs:
        raise GraphError(132000, f"buttons: Button at index {index} takes no parameter")
    if len(parameters) != 1:
        raise GraphError(132000, f"buttons: Button at index {index} takes exactly 1 parameter")
    value = parameters[0].get(key)
    if parameters[0].get("type") != key or not isinstance(value, str) or not value:
        raise GraphError(131008, f"buttons: Button at index {index} needs a {key}")
    if len(value) > limit:
        raise GraphError(131009, f"buttons: {key} is longer than {limit} characters")
