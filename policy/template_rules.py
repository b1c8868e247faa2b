"""Judge a template before it is sent to Meta for review.

`judge_template` reads what Meta would get; `judge_filled` the texts with one person's data. The
rules are the rows of `template_rule_list`; none of this is Meta's word, and Meta may refuse what
passes here.
"""

from datetime import datetime, timedelta

from . import template_text as texts
from .template_buttons import check_buttons
from .template_content import check_content
from .template_findings import Finding, finding, is_refused
from .template_kinds import (
    by_kind,
    check_authentication,
    check_carousel,
    check_offer,
    check_products,
)
from .template_languages import LANGUAGES
from .template_parts import check_body, check_footer, check_form, check_header, check_length
from .template_rule_list import limit_of
from .template_text import dict_of, list_of, text_of, word_of

__all__ = ("Finding", "is_refused", "judge_filled", "judge_template")

CATEGORIES = ("marketing", "utility", "authentication")
FORMATS = ("positional", "named")
COMPONENTS = ("header", "body", "footer", "buttons", "carousel", "limited_time_offer")
_EDITABLE = ("approved", "rejected", "paused")
# In a message; a template counts with its braces.
_FILLED_KEYS = {"header": "header_length", "body": "body_length", "card": "card_body_length"}


def judge_template(
    components,
    *,
    name="",
    language="",
    category="marketing",
    parameter_format="positional",
    existing=(),
    edit_history=(),
    current=None,
    now=None,
):
    """Judge a template as it would be sent to Meta.

    :param components: list as Meta lists and creates it
    :param existing: other templates of the account, as Meta lists them: dicts with name, language,
        components, status; `deleted_at` (datetime) for a deleted one that was approved
    :param edit_history: datetimes of earlier edits of this template
    :param current: the template that is edited, as Meta lists it; None for a new one
    :param now: datetime, needed for locks and edit limits
    :return: list of Finding, in the order of the template
    """
    category, named = word_of(category), word_of(parameter_format) == "named"
    found = [
        *_check_name(name, language, existing, current, now),
        *_check_language(language, current),
        *_check_category(category, current),
    ]
    if word_of(parameter_format) not in FORMATS:
        found.append(finding("format_unknown", "template"))
    found += _check_edit(current, edit_history, now)
    found += _check_components(components, category, named)
    if category != "authentication":
        found += _check_duplicate(components, language, existing, current)
        found += check_content(components, category)
    return found


def judge_filled(components, parameter_format, values):
    """Judge the texts of a template with the data of one message.

    :param parameter_format: 'positional' or 'named'; the names in `values` are the template's
    :param values: {place: {variable's name: text}} with the places of `Finding`: 'header', 'body',
        'button:1', 'card:0.body', 'card:0.button:1'; a code to copy has the name 'code'
    :return: list of Finding
    """
    parts = by_kind(components)
    with_offer = "limited_time_offer" in parts
    found = []
    for place, kind, component in _filled_places(parts):
        given = dict_of(dict_of(values).get(place))
        if kind in _FILLED_KEYS:
            key = "offer_body_length" if kind == "body" and with_offer else _FILLED_KEYS[kind]
            found += _check_filled_text(text_of(component.get("text")), key, place, given)
        else:
            found += _check_filled_button(component, place, given)
    return found


def _filled_places(parts):
    """(place, kind, component or button) of everything that can have variables."""
    places = [(kind, kind, parts[kind]) for kind in ("header", "body") if kind in parts]
    places += _buttons_of(parts, "")
    for index, card in enumerate(map(dict_of, list_of(parts.get("carousel", {}).get("cards")))):
        inner = by_kind(card.get("components"))
        if "body" in inner:
            places.append((f"card:{index}.body", "card", inner["body"]))
        places += _buttons_of(inner, f"card:{index}.")
    return places


def _buttons_of(parts, prefix):
    buttons = list_of(parts.get("buttons", {}).get("buttons"))
    return [
        (f"{prefix}button:{index}", "button", dict_of(button))
        for index, button in enumerate(buttons)
    ]


def _check_filled_text(text, key, place, given):
    found = _check_values(text, place, given)
    full = texts.filled(text, given)
    found += check_length(key, place, full)
    return found + (check_form(full, place) if place == "body" else [])


def _check_values(text, place, given):
    found = []
    for name in texts.distinct_variables(text):
        value = text_of(given.get(name))
        if not value.strip():
            found.append(finding("filled_empty", place, name=name))
        elif texts.LINE_BREAK.search(value) or "\t" in value or " " * 5 in value:
            found.append(finding("filled_value", place, name=name))
    return found


def _check_filled_button(button, place, given):
    kind = word_of(button.get("type"))
    if kind == "url":
        url = text_of(button.get("url"))
        return [
            *_check_values(url, place, given),
            *check_length("url_length", place, texts.filled(url, given)),
        ]
    if kind == "copy_code":
        code = text_of(given.get("code"))
        if not code.strip():
            return [finding("filled_empty", place, name="code")]
        return check_length("code_length", place, code)
    return []


# === Name, language, category ===


def _check_name(name, language, existing, current, now):
    name = text_of(name)
    if not name:
        return [finding("name_missing", "name")]
    found = check_length("name_length", "name", name)
    if not all(character in "abcdefghijklmnopqrstuvwxyz0123456789_" for character in name):
        found.append(finding("name_characters", "name"))
    if current:
        if name != current.get("name"):
            found.append(finding("name_fixed", "name", name=text_of(current.get("name"))))
        return found
    for other in map(dict_of, existing):
        if other.get("name") != name:
            continue
        if other.get("deleted_at"):
            found += _check_lock(other["deleted_at"], now)
        elif other.get("language") == language:
            found.append(finding("name_taken", "name", name=name))
    return found


def _check_lock(deleted_at, now):
    free_at = deleted_at + timedelta(days=limit_of("name_locked"))
    if now is None or now >= free_at:
        return []
    return [finding("name_locked", "name", until=free_at)]


def _check_language(language, current):
    if not text_of(language):
        return [finding("language_missing", "language")]
    if current and language != current.get("language"):
        return [finding("language_fixed", "language", name=text_of(current.get("language")))]
    if language not in LANGUAGES:
        return [finding("language_unknown", "language", name=language)]
    return []


def _check_category(category, current):
    if category not in CATEGORIES:
        return [finding("category_unknown", "category", name=category)]
    was = word_of((current or {}).get("category"))
    if current and word_of(current.get("status")) == "approved" and category != was:
        return [finding("category_fixed", "category", name=was)]
    return []


def _check_edit(current, edit_history, now):
    if not current:
        return []
    status = word_of(current.get("status"))
    if status not in _EDITABLE:
        return [finding("status_not_editable", "template", name=status)]
    if status != "approved" or now is None:
        return []
    found = []
    for key, period in (
        ("edits_per_day", timedelta(days=1)),
        ("edits_per_month", timedelta(days=30)),
    ):
        recent = sorted(moment for moment in edit_history if now - period < moment <= now)
        limit = limit_of(key)
        if len(recent) >= limit:
            until: datetime = recent[-limit] + period
            found.append(finding(key, "template", count=len(recent), until=until))
    return found


# === Components ===


def _check_components(components, category, named):
    parts, found = by_kind(components), []
    seen = set()
    for component in list_of(components):
        kind = word_of(dict_of(component).get("type"))
        if kind not in COMPONENTS:
            found.append(finding("component_unknown", "template", name=kind))
        elif kind in seen:
            found.append(finding("component_repeated", kind, name=kind))
        seen.add(kind)
    if category == "authentication":
        return found + check_authentication(parts)
    if "header" in parts:
        found += check_header(parts["header"], named)
    found += check_body(parts.get("body", {}), named, "limited_time_offer" in parts)
    if "footer" in parts:
        found += check_footer(parts["footer"])
    if "limited_time_offer" in parts:
        found += check_offer(parts, category)
    if "buttons" in parts:
        found += check_buttons(parts["buttons"], category, named)
    found += check_products(parts)
    if "carousel" in parts:
        found += check_carousel(parts, category, named)
    return found


def _check_duplicate(components, language, existing, current):
    """Body and footer are those of another template in the same language."""
    wording = _wording(components)
    for other in map(dict_of, existing):
        is_itself = bool(current) and other.get("name") == current.get("name")
        if is_itself or other.get("deleted_at") or other.get("language") != language:
            continue
        if wording[0].strip() and _wording(other.get("components")) == wording:
            return [finding("duplicate_content", "body", name=text_of(other.get("name")))]
    return []


def _wording(components):
    parts = by_kind(components)
    return tuple(text_of(parts.get(kind, {}).get("text")) for kind in ("body", "footer"))
