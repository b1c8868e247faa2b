"""The frozen form of a template message's parameters, and functions that read it.

The parameters of one message are stored in a frozen, plain JSON form; every key may be missing:

    {"header": {"type": "text", "values": ["Ana"]}
               or {"type": "image" | "video" | "document", "link" | "id": …, "filename": …}
               or {"type": "location", "latitude": …, "longitude": …, "name": …, "address": …},
     "body": [{"name": "1", "value": "Ana"}, …],
     "buttons": [{"index": 0, "sub_type": "url" | "quick_reply" | "copy_code", "value": "…"}, …]}

Items of `values` are texts, or {"name", "value"} where the template's parameters have names.
"""

from .values import as_code, as_dict, as_list, as_uid, as_word

MEDIA_TYPES = ("image", "video", "document")
HEADER_TYPES = ("text", *MEDIA_TYPES, "location")
FILLED_BUTTONS = {"url": "url", "quick_reply": "payload", "copy_code": "coupon"}


def is_named(parameter_format):
    """Return whether a template's parameters have names, by Meta's `parameter_format`."""
    return as_word(parameter_format) == "named"


def name_and_value(item):
    """Return (name, text) of an item of `values`; the name is '' for a plain text."""
    if isinstance(item, dict):
        return as_uid(item.get("name")), plain(item.get("value"))
    return "", plain(item)


def plain(value):
    """Return a parameter as text; False is an empty field in Odoo's JSON."""
    return "" if value is None or value is False else str(value)


def text_values(variables, parameters):
    """Return the given texts as {(component, button index, variable name): text}."""
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
            name, value = name_and_value(item)
            known = names[component][position : position + 1]
            values[component, None, name or (known or [str(position + 1)])[0]] = value
    return values


def button_values(variables, parameters):
    """Return the given button values as {(component, button index, variable name): text}."""
    names = {
        variable.button_index: variable.name
        for variable in variables
        if variable.component == "button"
    }
    values = {}
    for button in as_list(parameters.get("buttons")):
        index = as_code(as_dict(button).get("index")) or 0
        value = plain(as_dict(button).get("value"))
        if value:
            values["button", index, names.get(index, "")] = value
    return values


def header_value(header):
    """Return the media or location of a header under the name of its variable."""
    kind = header.get("type")
    if kind in MEDIA_TYPES:
        return {("header", None, "link"): plain(header.get("id") or header.get("link"))}
    if kind == "location":
        complete = all(header.get(key) not in (None, "") for key in ("latitude", "longitude"))
        return {("header", None, "location"): "given" if complete else ""}
    return {}
