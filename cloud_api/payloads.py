"""Message bodies from plain values, and what a template's components ask to be filled.

The parameters of one message are kept in a frozen, plain JSON form; every key may be missing:

    {"header": {"type": "text", "values": ["Ana"]}
               or {"type": "image" | "video" | "document", "link" | "id": …, "filename": …}
               or {"type": "location", "latitude": …, "longitude": …, "name": …, "address": …},
     "body": [{"name": "1", "value": "Ana"}, …],
     "buttons": [{"index": 0, "sub_type": "url" | "quick_reply" | "copy_code", "value": "…"}, …]}

Items of `values` are texts, or {"name", "value"} where the template's parameters have names.
Sources: Meta, Send messages (2025-11-04), Template components (2025-11-21), Templates overview
(2025-12-05) below https://developers.facebook.com/documentation/business-messaging/whatsapp/
"""

import hashlib
import json
import re
from dataclasses import dataclass

from .values import as_code, as_dict, as_list, as_text, as_uid, as_word

OPAQUE_LENGTH = 512  # biz_opaque_callback_data; Meta's changelog, 2024-01-26
BODY_LENGTH = 1024
HEADER_LENGTH = 60
TEXT_LENGTH = 4096
CAPTION_LENGTH = 1024  # Meta, Image, Video and Document messages, 2025-11
COUPON_LENGTH = 20  # changelog 2025-12-03; the coupon page still said 15

MEDIA_TYPES = ("image", "video", "document")
HEADER_TYPES = ("text", *MEDIA_TYPES, "location")
_LOCATION_KEYS = ("latitude", "longitude", "name", "address")
_FILLED_BUTTONS = {"url": "url", "quick_reply": "payload", "copy_code": "coupon"}
_STATIC_BUTTONS = ("phone_number",)
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,100})\s*\}\}")
# What makes `_value_problems` look closer.
_REFUSED = re.compile("[\r\n\t]|    ")
_LINE_BREAKS = re.compile("[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """One thing to fill in a template.

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
        """A quick reply's payload may stay empty: Meta then returns the button's text."""
        return self.kind != "payload"


@dataclass(frozen=True, slots=True)
class ParameterProblem:
    """Why Meta would refuse a parameter.

    :param name: the variable's, '' when the filled text as a whole is meant.
    :param problem: 'missing', 'newline', 'tab', 'spaces' (four or more in a row), 'too_long' or
        'unexpected' (the template has no such variable).
    """

    component: str
    button_index: int | None
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A template as the recipient sees it; placeholders without a value stay visible.

    :param header: text of the header; file name or place name for media and locations
    :param buttons: (type in lower case, text) pairs
    :param header_type: '' without a header, else 'text', 'image', 'video', 'document', …
    """

    header: str
    body: str
    footer: str
    buttons: tuple[tuple[str, str], ...]
    header_type: str = ""


# Bodies of POST /{phone-number-id}/messages


def template_message(
    to, name, language, parameters=None, parameter_format="positional", opaque="", user_uid=""
):
    """Body of a template message.

    :param to: E.164 number, '' when `user_uid` is the only address.
    :param parameters: the frozen form above.
    :param parameter_format: 'positional' or 'named', as the template says.
    :param opaque: echoed by every status webhook of this message, at most 512 characters.
    :param user_uid: business-scoped user id; Meta prefers the number when both are given.
    :raise ValueError: no address, `opaque` too long, or parameters of an unknown kind.
    """
    template = {"name": name, "language": {"code": language}}
    components = _send_components(as_dict(parameters), _is_named(parameter_format))
    if components:
        template["components"] = components
    return {**_envelope(to, user_uid, opaque), "type": "template", "template": template}


def text_message(to, body, opaque="", preview_url=False, reply_to=None, user_uid=""):
    """Body of a free text message, allowed inside an open customer service window only.

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
    """Body of a message with an uploaded file, allowed inside an open service window only.

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
    keys = ("id", "link", "filename") if kind in MEDIA_TYPES else _LOCATION_KEYS
    content = {key: header[key] for key in keys if header.get(key) not in (None, "")}
    if "id" in content:
        content.pop("link", None)
    if kind != "document":
        content.pop("filename", None)
    return [{"type": kind, kind: content}]


def _text_parameter(item, named):
    name, value = _name_and_value(item)
    parameter = {"type": "text", "text": value}
    if named and name:
        parameter["parameter_name"] = name
    return parameter


def _button_component(button):
    sub_type, value = button.get("sub_type"), _plain(button.get("value"))
    if sub_type not in _FILLED_BUTTONS:
        raise ValueError(f"unknown button type {sub_type!r}")
    if not value:
        return None
    parameter = {
        "url": {"type": "text", "text": value},
        "quick_reply": {"type": "payload", "payload": value},
        "copy_code": {"type": "coupon_code", "coupon_code": value},
    }[sub_type]
    index = str(button.get("index", 0))
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def _in_order(items):
    """Positional parameters travel without a name: their order is their number."""
    items = as_list(items)
    names = [_name_and_value(item)[0] for item in items]
    if names and all(name.isdecimal() for name in names):
        return [item for _name, item in sorted(zip(names, items, strict=True), key=_position)]
    return items


def _position(pair):
    return int(pair[0])


def _name_and_value(item):
    if isinstance(item, dict):
        return as_uid(item.get("name")), _plain(item.get("value"))
    return "", _plain(item)


def _plain(value):
    """A parameter as text; False is how empty fields look in Odoo's JSON."""
    return "" if value is None or value is False else str(value)


def _is_named(parameter_format):
    return as_word(parameter_format) == "named"


# Reading a template's components


def template_variables(components, parameter_format="positional"):
    """The variables of a template, in the order of its components.

    :param components: list as `GET /{waba}/message_templates` returns it
    :return: list of TemplateVariable; see `unsupported_parts` for what is left out
    """
    named = _is_named(parameter_format)
    variables = []
    for component in _components(components):
        kind = as_word(component.get("type"))
        if kind == "header":
            variables += _header_variables(component, named)
        elif kind == "body":
            variables += _text_variables("body", component, named)
        elif kind == "buttons":
            for index, button in enumerate(as_list(component.get("buttons"))):
                variables += _button_variables(index, as_dict(button))
    return variables


def _components(components):
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
    names = list(dict.fromkeys(_PLACEHOLDER.findall(as_text(text))))
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
    """What of a template cannot be sent from here, e.g. ['button: flow', 'carousel']."""
    parts = set()
    for component in _components(components):
        kind = as_word(component.get("type"))
        if kind == "header":
            header = as_word(component.get("format"))
            parts |= set() if header in HEADER_TYPES else {f"header: {header}"}
        elif kind == "buttons":
            buttons = {
                as_word(as_dict(button).get("type")) for button in as_list(component.get("buttons"))
            }
            known = {*_FILLED_BUTTONS, *_STATIC_BUTTONS}
            parts |= {f"button: {button}" for button in buttons - known}
        elif kind not in ("body", "footer"):
            parts.add(kind)
    return sorted(parts)


def signature(components, parameter_format="positional"):
    """Short hash of the shape of a template's variables: when it changes, map them again."""
    shape = [
        (variable.component, variable.button_index, variable.name, variable.kind)
        for variable in template_variables(components, parameter_format)
    ]
    shape = json.dumps([_is_named(parameter_format), shape])
    return hashlib.sha256(shape.encode()).hexdigest()[:16]


# Filling


def render_preview(components, parameters=None, parameter_format="positional"):
    """Fill a template's texts for a preview.

    :param parameters: the frozen form above; may be incomplete
    :return: Preview
    """
    variables = template_variables(components, parameter_format)
    values = _values(variables, as_dict(parameters))
    texts = {"header": "", "body": "", "footer": ""}
    header_type, buttons = "", ()
    for component in _components(components):
        kind = as_word(component.get("type"))
        if kind in texts:
            texts[kind] = _fill(component.get("text"), kind, values)
        if kind == "header":
            header_type = as_word(component.get("format"))
            texts[kind] = texts[kind] or _header_name(as_dict(parameters))
        elif kind == "buttons":
            buttons = tuple(
                (as_word(as_dict(button).get("type")), as_text(as_dict(button).get("text")))
                for button in as_list(component.get("buttons"))
            )
    return Preview(texts["header"], texts["body"], texts["footer"], buttons, header_type)


def _header_name(parameters):
    header = as_dict(parameters.get("header"))
    return as_text(header.get("filename")) or as_text(header.get("name"))


def _fill(text, component, values):
    def value_of(match):
        return values.get((component, None, match[1])) or match[0]

    return _PLACEHOLDER.sub(value_of, as_text(text))


def _values(variables, parameters):
    """Given texts by (component, button index, variable name)."""
    given = {
        "header": as_dict(parameters.get("header")).get("values"),
        "body": parameters.get("body"),
    }
    names = {"header": [], "body": [], "button": []}
    for variable in variables:
        names[variable.component].append(variable.name)
    values = {}
    for component, items in given.items():
        for position, item in enumerate(as_list(items)):
            name, value = _name_and_value(item)
            known = names[component][position : position + 1]
            values[component, None, name or (known or [str(position + 1)])[0]] = value
    return values


def _button_values(variables, parameters):
    """Given button values by (component, button index, variable name)."""
    names = {
        variable.button_index: variable.name
        for variable in variables
        if variable.component == "button"
    }
    values = {}
    for button in as_list(parameters.get("buttons")):
        index = as_code(as_dict(button).get("index")) or 0
        value = _plain(as_dict(button).get("value"))
        if value:
            values["button", index, names.get(index, "")] = value
    return values


def _header_value(header):
    """The media or location of a header under the name its variable has."""
    kind = header.get("type")
    if kind in MEDIA_TYPES:
        return {("header", None, "link"): _plain(header.get("id") or header.get("link"))}
    if kind == "location":
        complete = all(header.get(key) not in (None, "") for key in ("latitude", "longitude"))
        return {("header", None, "location"): "given" if complete else ""}
    return {}


def validate_parameters(components, parameters=None, parameter_format="positional"):
    """What Meta would refuse in these parameters (132000, 132005, 132012), before it is asked.

    :param parameters: the frozen form above
    :return: list of ParameterProblem, [] when all is well
    """
    return ParameterCheck(components, parameter_format).problems(parameters)


class ParameterCheck:
    """As `validate_parameters`, for many messages of one template: its components are read once."""

    def __init__(self, components, parameter_format="positional"):
        self._variables = template_variables(components, parameter_format)
        self._wanted = {
            (variable.component, variable.button_index, variable.name): variable
            for variable in self._variables
        }
        parts = {as_word(part.get("type")): part for part in _components(components)}
        header = parts.get("header", {})
        self._lengths = [_TextLength("body", parts.get("body", {}).get("text"), BODY_LENGTH)]
        if as_word(header.get("format")) == "text":
            self._lengths.append(_TextLength("header", header.get("text"), HEADER_LENGTH))

    def problems(self, parameters=None):
        """What Meta would refuse in these parameters; list of ParameterProblem.

        :param parameters: the frozen form above
        """
        parameters = as_dict(parameters)
        return self.problems_of(
            {
                **_values(self._variables, parameters),
                **_button_values(self._variables, parameters),
                **_header_value(as_dict(parameters.get("header"))),
            }
        )

    def problems_of(self, given):
        """As `problems`, for values that were never put into the frozen form.

        :param given: {(component, button index or None, variable name): text}
        """
        problems = []
        for key, variable in self._wanted.items():
            problems += _value_problems(variable, given.get(key, ""), key)
        problems += [
            ParameterProblem(*key, "unexpected") for key in given if key not in self._wanted
        ]
        problems += [
            ParameterProblem(length.component, None, "", "too_long")
            for length in self._lengths
            if length.is_exceeded(given)
        ]
        return problems


class _TextLength:
    """How long a text becomes when it is filled; a placeholder without a value stays as it is."""

    def __init__(self, component, text, limit):
        text = as_text(text)
        self.component = component
        self._places = [
            ((component, None, place[1]), len(place[0])) for place in _PLACEHOLDER.finditer(text)
        ]
        self._room = limit - len(_PLACEHOLDER.sub("", text))

    def is_exceeded(self, given):
        """Whether the text with these values (as in `problems_of`) is over the limit."""
        room = self._room
        for key, length_when_empty in self._places:
            room -= len(given.get(key, "")) or length_when_empty
        return room < 0


def _value_problems(variable, value, key):
    if not value.strip():
        return [ParameterProblem(*key, "missing")] if variable.required else []
    if variable.kind == "coupon" and len(value) > COUPON_LENGTH:
        return [ParameterProblem(*key, "too_long")]
    if variable.kind != "text" or not _REFUSED.search(value):
        return []
    found = {
        "newline": "\n" in value or "\r" in value,
        "tab": "\t" in value,
        "spaces": "    " in value,
    }
    return [ParameterProblem(*key, problem) for problem, present in found.items() if present]


def clean_parameter(text):
    """A value that Meta takes as a template parameter: one line, no tab, no run of blanks."""
    line = _LINE_BREAKS.sub(" ", _plain(text))
    return re.sub(" {2,}", " ", line).strip()
