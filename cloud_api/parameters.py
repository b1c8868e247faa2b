"""The frozen form of a template message's parameters, and functions that read it.

The parameters of one message are stored in a frozen, plain JSON form; every key may be missing:

    {"header": {"type": "text", "values": ["Ana"]}
               or {"type": "image" | "video" | "document" | "gif", "link" | "id": …, "filename": …}
               or {"type": …, "file": 7, "filename": …}: uploaded before it is sent
               or {"type": "location", "latitude": …, "longitude": …, "name": …, "address": …}
               or {"type": "product", "product": SKU, "catalog": id},
     "body": [{"name": "1", "value": "Ana"}, …],
     "buttons": [{"index": 0, "sub_type": "url" | "quick_reply" | "copy_code", "value": "…"},
                 {"index": 0, "sub_type": "catalog", "value": SKU of the thumbnail},
                 {"index": 0, "sub_type": "mpm", "value": SKU of the thumbnail,
                  "sections": [{"title": …, "products": [SKU, …]}, …]},
                 {"index": 0, "sub_type": "flow", "value": token, "data": {…}}, …],
     "offer": {"expires_at_ms": 1790000000000} or {"hours": 48}: from the time of sending,
     "cards": [{"header", "body", "buttons"}, …]}: those of a carousel, in their order

Items of `values` are texts, or {"name", "value"} where the template's parameters have names.
"""

import json

from .values import as_code, as_dict, as_list, as_uid, as_word

MEDIA_TYPES = ("image", "video", "document")
# GIFs: in headers, and by the Marketing Messages API only (Template media, 2026-05-21).
HEADER_MEDIA = (*MEDIA_TYPES, "gif")
HEADER_TYPES = ("text", *HEADER_MEDIA, "location", "product")
LOCATION_KEYS = ("latitude", "longitude", "name", "address")
PRODUCT_KEYS = ("product", "catalog")
# {sub_type: name of the variable with its `value`}; that of a URL is the placeholder's.
FILLED_BUTTONS = {
    "url": "url", "quick_reply": "payload", "copy_code": "coupon", "catalog": "thumbnail",
    "mpm": "thumbnail", "flow": "token",
}  # fmt: skip
# Value of a variable that is no text: an uploaded file. No text of a person contains this.
GIVEN = "\x1e"
# Meta, Multi-product templates: products and sections of one message, length of a title.
PRODUCT_COUNT, SECTION_COUNT, SECTION_TITLE_LENGTH = 30, 10, 24


def is_named(parameter_format):
    """Return whether a template's parameters have names, by Meta's `parameter_format`."""
    return as_word(parameter_format) == "named"


def is_optional(kind, name):
    """Return whether Meta accepts a template without a value for such a variable.

    Without a payload a quick reply returns its own text, a catalog shows its first product, and a
    flow starts without data.
    """
    return kind in ("payload", "thumbnail", "flow_token", "flow_data") or (
        kind == "location" and name in ("name", "address")
    )


def name_and_value(item):
    """Return (name, text) of an item of `values`; the name is '' for a plain text."""
    if isinstance(item, dict):
        return as_uid(item.get("name")), plain(item.get("value"))
    return "", plain(item)


def plain(value):
    """Return a parameter as text; False is an empty field in Odoo's JSON."""
    return "" if value is None or value is False else str(value)


def parse_sections(text):
    """Return the products of 'Sofas: SKU1, SKU2; Lamps: SKU3' as the frozen form's sections.

    One section needs no title.

    :raise ValueError: no product, or more sections or products than Meta accepts, or a title that
        is too long or missing
    """
    sections = []
    for part in filter(str.strip, plain(text).split(";")):
        title, colon, names = part.rpartition(":")
        products = [name.strip() for name in names.split(",") if name.strip()]
        sections.append({"title": title.strip() if colon else "", "products": products})
    titles = [section["title"] for section in sections]
    count = sum(len(section["products"]) for section in sections)
    if not sections or not all(section["products"] for section in sections):
        raise ValueError("each section needs a product")
    if len(sections) > SECTION_COUNT or count > PRODUCT_COUNT:
        raise ValueError(f"at most {SECTION_COUNT} sections and {PRODUCT_COUNT} products")
    if max(map(len, titles)) > SECTION_TITLE_LENGTH or (len(sections) > 1 and not all(titles)):
        raise ValueError(f"a title of 1 to {SECTION_TITLE_LENGTH} characters")
    return sections


def parse_flow_data(text):
    """Return the data of a flow's first screen from JSON text.

    :raise ValueError: it is not an object
    """
    data = json.loads(plain(text))
    if not isinstance(data, dict):
        raise ValueError("the data of a flow is an object")
    return data


def given_values(variables, parameters):
    """Return the given values as {variable key: text}; keys as in `TemplateVariable.key`."""
    values = _part_values(variables, parameters, None)
    for card_index, card in enumerate(as_list(parameters.get("cards"))):
        values |= _part_values(variables, as_dict(card), card_index)
    offer = as_dict(parameters.get("offer"))
    if ends := offer.get("expires_at_ms") or offer.get("hours"):
        values["offer", None, "expires", None] = plain(ends)
    return values


def _part_values(variables, parameters, card_index):
    """The values of the message itself, or of one card."""
    variables = [one for one in variables if one.card_index == card_index]
    found = {
        **text_values(variables, parameters),
        **button_values(variables, parameters),
        **header_value(as_dict(parameters.get("header"))),
    }
    return {(*key, card_index): value for key, value in found.items()}


def text_values(variables, parameters):
    """Return the given texts as {(component, button index, variable name): text}.

    :param variables: those of the message itself, or of one card
    """
    given = {
        "header": as_dict(parameters.get("header")).get("values"),
        "body": parameters.get("body"),
    }
    names = {component: [] for component in given}
    for variable in variables:
        if variable.component in names:
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
    names = {}
    for variable in variables:
        if variable.component == "button":
            names.setdefault(variable.button_index, variable.name)
    values = {}
    for button in map(as_dict, as_list(parameters.get("buttons"))):
        index = as_code(button.get("index")) or 0
        for name, value in (
            (names.get(index, ""), button.get("value")),
            ("sections", _sections_text(button.get("sections"))),
            ("data", button.get("data") and json.dumps(button["data"])),
        ):
            if plain(value):
                values["button", index, name] = plain(value)
    return values


def _sections_text(sections):
    """The text that `parse_sections` reads."""
    return "; ".join(
        f"{section.get('title', '')}: {', '.join(map(plain, as_list(section.get('products'))))}"
        for section in map(as_dict, as_list(sections))
    )


def header_value(header):
    """Return the media, place or product of a header under the names of its variables."""
    kind = header.get("type")
    if kind in HEADER_MEDIA:
        is_uploaded = header.get("id") or header.get("file")
        return {("header", None, "link"): GIVEN if is_uploaded else plain(header.get("link"))}
    keys = {"location": LOCATION_KEYS, "product": PRODUCT_KEYS}.get(kind, ())
    return {("header", None, key): plain(header[key]) for key in keys if plain(header.get(key))}


def headers(parameters):
    """Return the headers of a message and of its cards."""
    parts = [parameters, *as_list(parameters.get("cards"))]
    return [as_dict(as_dict(part).get("header")) for part in parts]


def file_ids(parameters):
    """Return the ids of the uploaded files of a message."""
    return {header["file"] for header in headers(parameters) if header.get("file")}


def ready_parameters(parameters, media, now_ms):
    """Return the parameters as they are sent now: files by their ids at Meta, hours as a time.

    :param media: {file id: media id of the sending number}
    :param now_ms: milliseconds since 1970
    """
    ready = {**parameters, **_with_media(parameters, media)}
    if "cards" in ready:
        ready["cards"] = [{**card, **_with_media(card, media)} for card in ready["cards"]]
    if hours := as_dict(ready.get("offer")).get("hours"):
        ready["offer"] = {"expires_at_ms": now_ms + hours * 3_600_000}
    return ready


def _with_media(part, media):
    header = as_dict(part.get("header"))
    return {"header": {**header, "id": media[header["file"]]}} if header.get("file") else {}
