"""Finds what Meta would refuse in the parameters of a template message, before sending."""

import re
from dataclasses import dataclass

from .components import PLACEHOLDER, as_components, template_variables
from .parameters import button_values, header_value, plain, text_values
from .values import as_dict, as_text, as_word

BODY_LENGTH = 1024
HEADER_LENGTH = 60
COUPON_LENGTH = 20  # changelog 2025-12-03; the coupon page still stated 15
# Characters that `_value_problems` checks in detail.
_REFUSED = re.compile("[\r\n\t]|    ")
_LINE_BREAKS = re.compile("[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+")


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


class ParameterCheck:
    """What Meta would refuse in the parameters of one template (132000, 132005, 132012).

    The template's components are read once, for any number of messages.

    :param components: list of Meta's component dicts
    :param parameter_format: 'positional' or 'named'
    """

    def __init__(self, components, parameter_format="positional"):
        self._variables = template_variables(components, parameter_format)
        self._wanted = {
            (variable.component, variable.button_index, variable.name): variable
            for variable in self._variables
        }
        parts = {as_word(part.get("type")): part for part in as_components(components)}
        header = parts.get("header", {})
        self._lengths = [_TextLength("body", parts.get("body", {}).get("text"), BODY_LENGTH)]
        if as_word(header.get("format")) == "text":
            self._lengths.append(_TextLength("header", header.get("text"), HEADER_LENGTH))

    def problems(self, parameters=None):
        """Return the list of ParameterProblem of these parameters.

        :param parameters: the frozen form of parameters.py
        """
        parameters = as_dict(parameters)
        return self.value_problems(
            {
                **text_values(self._variables, parameters),
                **button_values(self._variables, parameters),
                **header_value(as_dict(parameters.get("header"))),
            }
        )

    def value_problems(self, given):
        """Like `problems`, for values that are not in the frozen form.

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
    """The length of a filled text; a placeholder without a value stays as it is."""

    def __init__(self, component, text, limit):
        text = as_text(text)
        self.component = component
        self._places = [
            ((component, None, place[1]), len(place[0])) for place in PLACEHOLDER.finditer(text)
        ]
        self._room = limit - len(PLACEHOLDER.sub("", text))

    def is_exceeded(self, given):
        """Whether the text with these values (as in `value_problems`) exceeds the limit."""
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
    """Return a text as Meta accepts it in a parameter: one line, no tab, no run of blanks."""
    line = _LINE_BREAKS.sub(" ", plain(text))
    return re.sub(" {2,}", " ", line).strip()
