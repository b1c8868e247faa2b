"""Meta's rules for creating a template: names, lengths, variables, buttons.

Source: Meta's "Templates overview", "Components" and "Template review" pages (Nov-Dec 2025).
"""

import re

from .graph_errors import GraphError, missing_parameter
from .template_parameters import MEDIA_FORMATS, VARIABLE, variables

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?\Z")
BUTTON_TYPES = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "CATALOG", "MPM", "SPM", "FLOW",
                "OTP", "VOICE_CALL", "REQUEST_CONTACT_INFO")
COMPONENT_TYPES = ("HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL",
                   "CALL_PERMISSION_REQUEST")
MAX_BUTTONS_BY_TYPE = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}


def invalid(details, subcode=None):
    """Error 100 with a sentence that names the broken rule."""
    return GraphError(100, details, subcode=subcode, message="(#100) Invalid parameter")


def check_template(body):
    """Refuse a creation request that breaks a rule."""
    for key in ("name", "language", "category", "components"):
        if not body.get(key):
            raise missing_parameter(key)
    if not isinstance(body["name"], str) or not NAME.match(body["name"]):
        raise invalid("name: at most 512 lower-case letters, digits and underscores")
    if not isinstance(body["language"], str) or not LANGUAGE.match(body["language"]):
        raise invalid("language: unknown code")
    if body["category"] not in CATEGORIES:
        raise invalid(f"category: must be one of {', '.join(CATEGORIES)}")
    if str(body.get("parameter_format", "POSITIONAL")).upper() not in ("POSITIONAL", "NAMED"):
        raise invalid("parameter_format: must be POSITIONAL or NAMED")
    check_components(body["components"], body.get("parameter_format", "POSITIONAL"))


def check_components(components, parameter_format):
    """Refuse components that could not be a template's."""
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise invalid("components: must be an array of objects")
    by_type = {}
    for component in components:
        kind = str(component.get("type", "")).upper()
        if kind not in COMPONENT_TYPES or kind in by_type:
            raise invalid(f"components: unexpected or repeated type {kind!r}")
        by_type[kind] = component
    if not by_type.get("BODY", {}).get("text"):
        raise invalid("components: a BODY with text is required")
    named = str(parameter_format).upper() == "NAMED"
    _check_text("BODY", by_type["BODY"], 1024, None, named)
    if "HEADER" in by_type:
        _check_header(by_type["HEADER"], named)
    if "FOOTER" in by_type:
        _check_text("FOOTER", by_type["FOOTER"], 60, 0, named)
    if "BUTTONS" in by_type:
        _check_buttons(by_type["BUTTONS"].get("buttons"))


def normalised(components):
    """The components as the listing shows them: types and formats in capitals."""
    return [{key: value.upper() if key in ("type", "format") else value
             for key, value in component.items()} for component in components]


def _check_header(header, named):
    kind = str(header.get("format", "")).upper()
    if kind == "TEXT":
        _check_text("HEADER", header, 60, 1, named)
    elif kind not in MEDIA_FORMATS:
        raise invalid(f"HEADER: unknown format {kind!r}")
    elif kind not in ("LOCATION", "PRODUCT") and not _has_sample(header.get("example")):
        raise invalid("HEADER: a media header needs example.header_handle", 2388043)


def _has_sample(example):
    return isinstance(example, dict) and bool(example.get("header_handle"))


def _check_text(place, component, limit, most_variables, named):
    text = component.get("text")
    if not isinstance(text, str) or not text:
        raise invalid(f"{place}: text is required")
    if len(text) > limit:
        raise invalid(f"{place}: longer than {limit} characters", 2388040)
    names = variables(text)
    if most_variables is not None and len(names) > most_variables:
        raise invalid(f"{place}: at most {most_variables} variables")
    if not names:
        return
    if named != (not any(name.isdigit() for name in names)):
        raise invalid(f"{place}: variables do not fit parameter_format")
    if not named and sorted(map(int, names)) != list(range(1, len(names) + 1)):
        raise invalid(f"{place}: numbered variables must run from {{{{1}}}} without a gap")
    if place == "BODY":
        _check_body_variables(text, names)
    if not component.get("example"):
        raise invalid(f"{place}: variables need an example", 2388043)


def _check_body_variables(text, names):
    stripped = text.strip()
    first, last = VARIABLE.match(stripped), list(VARIABLE.finditer(stripped))[-1]
    if first or last.end() == len(stripped):
        raise invalid("BODY: variables cannot be at the start or end", 2388299)
    words = len(VARIABLE.sub(" ", text).split())
    # The ratio is not published; providers report about three words for each variable.
    if words < 2 * len(names) + 1:
        raise invalid("BODY: too many variables for its length", 2388293)


def _check_buttons(buttons):
    if (not isinstance(buttons, list) or not 1 <= len(buttons) <= 10
            or not all(isinstance(button, dict) for button in buttons)):
        raise invalid("BUTTONS: 1 to 10 buttons")
    kinds = [button.get("type") for button in buttons]
    for button in buttons:
        _check_button(button)
    for kind, most in MAX_BUTTONS_BY_TYPE.items():
        if kinds.count(kind) > most:
            raise invalid(f"BUTTONS: at most {most} of type {kind}")
    quick = [index for index, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if quick and quick[-1] - quick[0] + 1 != len(quick):
        raise invalid("BUTTONS: quick replies must be grouped together")


def _check_button(button):
    kind, text = button.get("type"), str(button.get("text", ""))
    if kind not in BUTTON_TYPES:
        raise invalid(f"BUTTONS: unknown type {kind!r}")
    if kind != "COPY_CODE" and not 1 <= len(text) <= 25:
        raise invalid("BUTTONS: text of 1 to 25 characters is required")
    if kind == "URL":
        url = str(button.get("url", ""))
        found = VARIABLE.findall(url)
        if not url.startswith(("http://", "https://")) or len(url) > 2000:
            raise invalid("BUTTONS: a url of at most 2,000 characters is required")
        if len(found) > 1 or (found and not url.endswith("}}")):
            raise invalid("BUTTONS: a url takes one variable, at its end")
        if found and not button.get("example"):
            raise invalid("BUTTONS: a url with a variable needs an example", 2388043)
    if kind == "PHONE_NUMBER" and not 1 <= len(str(button.get("phone_number", ""))) <= 20:
        raise invalid("BUTTONS: a phone_number of at most 20 characters is required")
