"""A template as the recipient sees it, filled with the parameters of one message."""

from dataclasses import dataclass

from .components import (
    PLACEHOLDER,
    as_buttons,
    as_components,
    card_components,
    template_variables,
)
from .parameters import given_values
from .values import as_code, as_dict, as_list, as_text, as_word


@dataclass(frozen=True, slots=True)
class Offer:
    """The strip of a limited-time offer.

    :param code: the code to copy, '' without one
    :param ends_at_ms: milliseconds since 1970, None if it ends `hours` after sending, or never
    """

    text: str
    code: str
    ends_at_ms: int | None = None
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A template as the recipient sees it; placeholders without a value stay visible.

    :param header: text of the header; file name or place name for media and locations
    :param buttons: (type in lower case, text) pairs
    :param header_type: '' without a header, else 'text', 'image', 'video', 'document', …
    :param header_detail: a place's address
    :param header_file: id of an uploaded file, None without one
    :param header_sample: handle or address of the template's own sample, '' without one
    :param offer: Offer, None without one
    :param cards: the carousel's cards, a Preview each
    """

    header: str
    body: str
    footer: str
    buttons: tuple[tuple[str, str], ...]
    header_type: str = ""
    header_detail: str = ""
    header_file: int | None = None
    header_sample: str = ""
    offer: Offer | None = None
    cards: tuple["Preview", ...] = ()


def render_preview(components, parameters=None, parameter_format="positional"):
    """Fill a template's texts for a preview.

    :param parameters: the frozen form of parameters.py; may be incomplete
    :return: Preview
    """
    parameters = as_dict(parameters)
    values = given_values(template_variables(components, parameter_format), parameters)
    return _render_part(as_components(components), parameters, values, None)


def _render_part(components, parameters, values, card_index):
    """The message itself, or one card."""
    texts = {"header": "", "body": "", "footer": ""}
    header_type, header_detail, sample, buttons, offer, cards = "", "", "", (), None, ()
    header = as_dict(parameters.get("header"))
    for component in components:
        kind = as_word(component.get("type"))
        if kind in texts:
            texts[kind] = _fill(component.get("text"), kind, values, card_index)
        if kind == "header":
            header_type = as_word(component.get("format"))
            name, header_detail = _header_texts(header)
            texts[kind] = texts[kind] or name
            handles = as_list(as_dict(component.get("example")).get("header_handle"))
            sample = as_text(handles[0]) if handles else ""
        elif kind == "buttons":
            buttons = tuple(
                (as_word(button.get("type")), as_text(button.get("text")))
                for button in as_buttons(component)
            )
        elif kind == "limited_time_offer":
            offer = _render_offer(as_dict(component.get(kind)), parameters)
        elif kind == "carousel":
            cards = _render_cards(component, parameters, values)
    return Preview(**texts, buttons=buttons, header_type=header_type, header_detail=header_detail,
                   header_file=as_code(header.get("file")), header_sample=sample, offer=offer,
                   cards=cards)  # fmt: skip


def _render_cards(carousel, parameters, values):
    given = as_list(parameters.get("cards"))
    return tuple(
        _render_part(card, as_dict(given[index]) if index < len(given) else {}, values, index)
        for index, card in enumerate(card_components(carousel))
    )


def _render_offer(offer, parameters):
    codes = [
        as_text(button.get("value"))
        for button in map(as_dict, as_list(parameters.get("buttons")))
        if button.get("sub_type") == "copy_code"
    ]
    given = as_dict(parameters.get("offer"))
    ends = given.get("expires_at_ms")
    return Offer(
        as_text(offer.get("text")),
        (codes or [""])[0],
        ends if isinstance(ends, int) else None,
        as_code(given.get("hours")),
    )


def _header_texts(header):
    """(what a header without text shows, its second line)."""
    name = as_text(header.get("filename")) or as_text(header.get("name"))
    return name or as_text(header.get("product")), as_text(header.get("address"))


def _fill(text, component, values, card_index):
    def value_of(match):
        return values.get((component, None, match[1], card_index)) or match[0]

    return PLACEHOLDER.sub(value_of, as_text(text))
