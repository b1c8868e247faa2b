"""A template's components as Meta lists them: their variables, and what we cannot send.

Sources: Meta, Template components (2025-11-21), Templates overview (2025-12-05) below
https://developers.facebook.com/documentation/business-messaging/whatsapp/
"""

import hashlib
import json
import re
from dataclasses import dataclass

from .parameters import FILLED_BUTTONS, HEADER_TYPES, MEDIA_TYPES, is_named
from .values import as_dict, as_list, as_text, as_word

_STATIC_BUTTONS = ("phone_number",)
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,100})\s*\}\}")


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """A variable of a template.

    :param component: 'header', 'body' or 'button'
    :param button_index: 0-based position among the buttons, None elsewhere
    :param name: '1', '2'… or the parameter's name; 'link', 'location', 'payload', 'coupon'
    :param kind: 'text', 'image', 'video', 'document', 'location', 'payload', 'url' or 'coupon'
    :param example: Meta's sample, '' when the template has none
    :param label: the placeholder as the template shows it, or the button's text
    """

    component: str
    button_index: int | None
    name: str
    kind: str
    example: str
    label: str

    @property
    def required(self):
        """Whether it needs a value. Without a payload a quick reply returns the button's text."""
        return self.kind != "payload"


def template_variables(components, parameter_format="positional"):
    """Return the variables of a template, in the order of its components.

    :param components: list as `GET /{waba}/message_templates` returns it
    :return: list of TemplateVariable; see `unsupported_parts` for what is left out
    """
    named = is_named(parameter_format)
    variables = []
    for component in as_components(components):
        kind = as_word(component.get("type"))
        if kind == "header":
            variables += _header_variables(component, named)
        elif kind == "body":
            variables += _text_variables("body", component, named)
        elif kind == "buttons":
            for index, button in enumerate(as_list(component.get("buttons"))):
                variables += _button_variables(index, as_dict(button))
    return variables


def as_components(components):
    """Return the readable ones: dicts."""
    return [component for component in as_list(components) if isinstance(component, dict)]


def _header_variables(component, named):
    kind = as_word(component.get("format"))
    if kind == "text":
        return _text_variables("header", component, named)
    if kind in MEDIA_TYPES:
        handles = as_list(as_dict(component.get("example")).get("header_handle"))
        return [TemplateVariable("header", None, "link", kind, _first_text(handles), kind)]
    if kind == "location":
        return [TemplateVariable("header", None, "location", kind, "", kind)]
    return []


def _text_variables(component_name, component, named):
    names = _placeholders(component.get("text"), named)
    examples = _examples(component_name, as_dict(component.get("example")), names)
    return [
        TemplateVariable(
            component_name, None, name, "text", examples.get(name, ""), f"{{{{{name}}}}}"
        )
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
        return [
            TemplateVariable("button", index, name, "url", example, label)
            for name in _placeholders(button.get("url"))
        ]
    if kind == "quick_reply":
        return [TemplateVariable("button", index, "payload", "payload", "", label)]
    if kind == "copy_code":
        return [TemplateVariable("button", index, "coupon", "coupon", example, label)]
    return []


def _first_text(values):
    return next((value for value in values if isinstance(value, str)), "")


def unsupported_parts(components):
    """Return what of a template cannot be sent from here, e.g. ['button: flow', 'carousel']."""
    parts = set()
    for component in as_components(components):
        kind = as_word(component.get("type"))
        if kind == "header":
            header = as_word(component.get("format"))
            parts |= set() if header in HEADER_TYPES else {f"header: {header}"}
        elif kind == "buttons":
            buttons = {
                as_word(as_dict(button).get("type")) for button in as_list(component.get("buttons"))
            }
            known = {*FILLED_BUTTONS, *_STATIC_BUTTONS}
            parts |= {f"button: {button}" for button in buttons - known}
        elif kind not in ("body", "footer"):
            parts.add(kind)
    return sorted(parts)


def signature(components, parameter_format="positional"):
    """Return a short hash of the structure of a template's variables: when it changes, map them
    again."""
    shape = [
        (variable.component, variable.button_index, variable.name, variable.kind)
        for variable in template_variables(components, parameter_format)
    ]
    shape = json.dumps([is_named(parameter_format), shape])
    return hashlib.sha256(shape.encode()).hexdigest()[:16]
