"""A template as the recipient sees it, filled with the parameters of one message."""

from dataclasses import dataclass

from .components import PLACEHOLDER, as_components, template_variables
from .parameters import text_values
from .values import as_dict, as_list, as_text, as_word


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


def render_preview(components, parameters=None, parameter_format="positional"):
    """Fill a template's texts for a preview.

    :param parameters: the frozen form of parameters.py; may be incomplete
    :return: Preview
    """
    variables = template_variables(components, parameter_format)
    values = text_values(variables, as_dict(parameters))
    texts = {"header": "", "body": "", "footer": ""}
    header_type, buttons = "", ()
    for component in as_components(components):
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

    return PLACEHOLDER.sub(value_of, as_text(text))
