"""Finds what Meta would refuse in the parameters of a template message, before sending.

Lengths are counted in characters (code points): Meta's pages say "characters" and nothing of UTF-16
(Template components, 2025-11-21), so an emoji of one code point counts as one.
"""

import math
import re
from dataclasses import dataclass

from .components import (
    PLACEHOLDER,
    all_components,
    has_offer,
    template_variables,
)
from .parameters import (
    GIVEN,
    HEADER_MEDIA,
    given_values,
    parse_flow_data,
    parse_sections,
    plain,
)
from .values import as_dict, as_text, as_word

BODY_LENGTH = 1024
# Limited-time offer (2025-11-04) and Media card carousel (2026-06-24).
OFFER_BODY_LENGTH = 600
CARD_BODY_LENGTH = 160
HEADER_LENGTH = 60
COUPON_LENGTH = 20  # changelog 2025-12-03; the coupon page still stated 15
URL_LENGTH = 2000
_COORDINATES = {"latitude": 90, "longitude": 180}
# Characters that `_text_problems` checks in detail.
_REFUSED = re.compile("[\r\n\t]|    ")
_LINE_BREAKS = re.compile("[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+")
_MEDIA_ADDRESS = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParameterProblem:
    """Why Meta would refuse a parameter.

    :param name: the variable's, '' when the filled text as a whole is meant.
    :param problem: 'missing', 'newline', 'tab', 'spaces' (four or more in a row), 'too_long',
        'unexpected' (the template has no such variable), 'not_address', 'not_coordinate',
        'not_sections', 'not_flow_data' or 'not_time'.
    :param card_index: of a carousel's card, None outside of one
    """

    component: str
    button_index: int | None
    name: str
    problem: str
    card_index: int | None = None


class ParameterCheck:
    """What Meta would refuse in the parameters of one template (132000, 132005, 132012).

    The template's components are read once, for any number of messages.

    :param components: list of Meta's component dicts
    :param parameter_format: 'positional' or 'named'
    """

    def __init__(self, components, parameter_format="positional"):
        self._variables = template_variables(components, parameter_format)
        self._wanted = {variable.key: variable for variable in self._variables}
        body_length = OFFER_BODY_LENGTH if has_offer(components) else BODY_LENGTH
        self._lengths = []
        for card_index, part in all_components(components):
            kind, text = as_word(part.get("type")), part.get("text")
            if kind == "body":
                limit = body_length if card_index is None else CARD_BODY_LENGTH
                self._lengths.append(_TextLength("body", card_index, text, limit))
            elif kind == "header" and as_word(part.get("format")) == "text":
                self._lengths.append(_TextLength("header", card_index, text, HEADER_LENGTH))
        self._lengths.sort(key=lambda length: length.order)

    def problems(self, parameters=None):
        """Return the list of ParameterProblem of these parameters.

        :param parameters: the frozen form of parameters.py
        """
        return self.value_problems(given_values(self._variables, as_dict(parameters)))

    def value_problems(self, given):
        """Like `problems`, for values that are not in the frozen form.

        :param given: {`TemplateVariable.key`: text}; GIVEN for an uploaded file
        """
        problems = []
        for key, variable in self._wanted.items():
            problems += _value_problems(variable, given.get(key, ""))
        problems += [_problem(key, "unexpected") for key in given if key not in self._wanted]
        problems += [
            ParameterProblem(length.component, None, "", "too_long", length.card_index)
            for length in self._lengths
            if length.is_exceeded(given)
        ]
        return problems


class _TextLength:
    """The length of a filled text; a placeholder without a value stays as it is."""

    def __init__(self, component, card_index, text, limit):
        text = as_text(text)
        self.component, self.card_index = component, card_index
        self.order = (-1 if card_index is None else card_index, component)
        self._places = [
            ((component, None, place[1], card_index), len(place[0]))
            for place in PLACEHOLDER.finditer(text)
        ]
        self._room = limit - len(PLACEHOLDER.sub("", text))

    def is_exceeded(self, given):
        """Whether the text with these values (as in `value_problems`) exceeds the limit."""
        room = self._room
        for key, length_when_empty in self._places:
            room -= len(given.get(key, "")) or length_when_empty
        return room < 0


def _problem(key, problem):
    component, button_index, name, card_index = key
    return ParameterProblem(component, button_index, name, problem, card_index)


def _value_problems(variable, value):
    if value != GIVEN and not value.strip():
        found = ["missing"] if variable.required else []
    else:
        found = _CHECKS.get(variable.kind, _no_problems)(variable, value)
    return [_problem(variable.key, problem) for problem in found]


def _no_problems(_variable, _value):
    return []


def _text_problems(_variable, value):
    if not _REFUSED.search(value):
        return []
    found = {
        "newline": "\n" in value or "\r" in value,
        "tab": "\t" in value,
        "spaces": "    " in value,
    }
    return [problem for problem, present in found.items() if present]


def _media_problems(_variable, value):
    return [] if value == GIVEN or _MEDIA_ADDRESS.fullmatch(value) else ["not_address"]


def _length_problems(limit):
    return lambda _variable, value: ["too_long"] if len(value) > limit else []


def _location_problems(variable, value):
    limit = _COORDINATES.get(variable.name)
    if not limit:
        return _text_problems(variable, value)
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return [] if -limit <= number <= limit else ["not_coordinate"]


def _offer_problems(_variable, value):
    return [] if value.isdecimal() and int(value) else ["not_time"]


def _parsed_by(parse, problem):
    """The check that a text can be parsed."""

    def found(_variable, value):
        try:
            parse(value)
        except (ValueError, RecursionError):
            return [problem]
        return []

    return found


_CHECKS = {
    "text": _text_problems,
    **dict.fromkeys(HEADER_MEDIA, _media_problems),
    "url": _length_problems(URL_LENGTH),
    "coupon": _length_problems(COUPON_LENGTH),
    "location": _location_problems,
    "sections": _parsed_by(parse_sections, "not_sections"),
    "flow_data": _parsed_by(parse_flow_data, "not_flow_data"),
    "expiry": _offer_problems,
}


def clean_parameter(text):
    """Return a text as Meta accepts it in a parameter: one line, no tab, no run of blanks."""
    line = _LINE_BREAKS.sub(" ", plain(text))
    return re.sub(" {2,}", " ", line).strip()
