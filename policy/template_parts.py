"""The rules for header, body and footer, and for the variables and samples of any text."""

import re

from . import template_text as texts
from .template_findings import Finding, finding
from .template_rule_list import limit_of
from .template_text import dict_of, list_of, text_of, word_of

MEDIA = ("image", "video", "gif", "document")
HEADER_FORMATS = ("text", *MEDIA, "location", "product")


def check_header(header: dict, named: bool) -> list[Finding]:
    """Judge a template's header, of any format."""
    kind = word_of(header.get("format"))
    if kind not in HEADER_FORMATS:
        return [finding("header_format", "header", name=kind)]
    if kind == "text":
        return _check_text_header(header, named)
    found = []
    if kind in MEDIA and not has_media_sample(header):
        found.append(finding("header_sample", "header"))
    if kind == "gif":
        found.append(finding("header_gif", "header"))
    return found


def has_media_sample(header: dict) -> bool:
    """Return whether a header with media carries the handle of an uploaded sample."""
    handles = list_of(dict_of(header.get("example")).get("header_handle"))
    return bool(handles) and bool(text_of(handles[0]).strip())


def _check_text_header(header, named):
    text = text_of(header.get("text"))
    if not text.strip():
        return [finding("text_missing", "header")]
    found = [
        *check_length("header_length", "header", text),
        *check_line(text, "header", "header"),
        *check_variables(text, "header", named),
        *check_samples(header, "header", "header", named),
    ]
    if len(texts.distinct_variables(text)) > limit_of("header_variables"):
        found.append(finding("header_variables", "header"))
    if texts.edges(text)[0]:
        found.append(finding("header_edge", "header"))
    return found


def check_body(body: dict, named: bool, with_offer: bool) -> list[Finding]:
    """Judge a template's body.

    :param with_offer: whether the template has a limited-time offer, which shortens it
    """
    text = text_of(body.get("text"))
    if not text.strip():
        return [finding("body_missing", "body")]
    return [
        *check_length("offer_body_length" if with_offer else "body_length", "body", text),
        *check_variables(text, "body", named),
        *_check_places(text, "body"),
        *check_samples(body, "body", "body", named),
        *check_form(text, "body"),
    ]


def check_form(text: str, place: str) -> list[Finding]:
    """Judge length and form of a body as some accounts are held to."""
    found = []
    length, limit = texts.length(text), limit_of("body_long")
    if limit < length <= limit_of("body_length"):
        found.append(finding("body_long", place, length=length))
    count = texts.emoji(text)
    if count > limit_of("body_emoji"):
        found.append(finding("body_emoji", place, count=count))
    blanks = limit_of("body_blanks")
    if re.search(rf"(?:\r?\n){{{blanks},}}|\t{{{blanks},}}| {{{blanks},}}", text):
        found.append(finding("body_blanks", place))
    return found


def check_footer(footer: dict) -> list[Finding]:
    """Judge a template's footer."""
    text = text_of(footer.get("text"))
    if not text.strip():
        return [finding("text_missing", "footer")]
    found = [*check_length("footer_length", "footer", text), *_check_footer_line(text)]
    if texts.variables(text):
        found.append(finding("footer_variables", "footer"))
    if texts.has_stray_braces(text):
        found.append(finding("variable_malformed", "footer"))
    return found


def check_length(key: str, place: str, text: str) -> list[Finding]:
    """Judge the length of a text.

    :param key: of the rule that has the limit
    """
    length, limit = texts.length(text), limit_of(key)
    if length <= limit:
        return []
    return [finding(key, place, length=length, over=length - limit)]


def check_line(text: str, kind: str, place: str) -> list[Finding]:
    """Judge a text that is one plain line.

    :param kind: 'header' or 'label', which name the rules
    """
    plain = texts.VARIABLE.sub(" ", text)
    wrong = {
        "break": texts.LINE_BREAK.search(plain),
        "emoji": texts.has_emoji(plain),
        "markup": texts.MARKUP.search(plain),
    }
    return [finding(f"{kind}_{rule}", place) for rule, hit in wrong.items() if hit]


def _check_footer_line(text):
    found = [finding("footer_break", "footer")] if texts.LINE_BREAK.search(text) else []
    return found + ([finding("footer_emoji", "footer")] if texts.has_emoji(text) else [])


def check_variables(text: str, place: str, named: bool) -> list[Finding]:
    """Judge the names of a text's variables."""
    found = []
    if texts.has_stray_braces(text):
        found.append(finding("variable_malformed", place))
    names = texts.distinct_variables(text)
    numbers = [name for name in names if name.isdecimal()]
    others = [name for name in names if not name.isdecimal()]
    strangers = numbers if named else others
    if strangers:
        found.append(
            finding("variable_mixed", place, name=strangers[0], format="named" if named else "")
        )
    elif named:
        wrong = [name for name in names if not texts.VARIABLE_NAME.fullmatch(name)]
        found += [finding("variable_name", place, name=name) for name in wrong]
    elif set(numbers) != {str(number + 1) for number in range(len(numbers))}:
        missing = next(n for n in range(1, len(numbers) + 1) if str(n) not in numbers)
        found.append(finding("variable_skipped", place, name=str(missing)))
    return found


def _check_places(text, place):
    """Where a body's variables stand, and how many they are for its length."""
    found = []
    at_edge, but_for_marks = texts.edges(text)
    if at_edge:
        found.append(finding("variable_edge", place))
    if but_for_marks:
        found.append(finding("variable_edge_mark", place))
    if re.search(rf"{texts.VARIABLE.pattern}\s*{texts.VARIABLE.pattern}", text):
        found.append(finding("variable_adjacent", place))
    return found + _check_ratio(text, place)


def _check_ratio(text, place):
    count, words = len(texts.variables(text)), texts.words(text)
    needed = limit_of("variable_ratio") * count + 1 if count else 0
    if words >= needed:
        return []
    return [finding("variable_ratio", place, count=count, words=words, missing=needed - words)]


def check_places_of_card(text: str, place: str) -> list[Finding]:
    """Judge a card's body by the rules for a body, which Meta does not say for cards."""
    return [finding("card_variable", place)] if _check_places(text, place) else []


def check_samples(component: dict, kind: str, place: str, named: bool) -> list[Finding]:
    """Judge the samples of a text's variables.

    :param kind: 'header' or 'body', which name the keys of the samples
    """
    names = texts.distinct_variables(text_of(component.get("text")))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    example = dict_of(component.get("example"))
    given = _named_samples(example, kind) if named else _listed_samples(example, kind)
    if not names:
        return [finding("sample_unexpected", place)] if example else []
    if named:
        missing = [name for name in names if not given.get(name, "").strip()]
    else:
        missing = [
            name
            for index, name in enumerate(names)
            if index >= len(given) or not given[index].strip()
        ]
    found = [finding("sample_missing", place, name=name) for name in missing]
    if len(given) > len(names):
        found.append(finding("sample_unexpected", place))
    return found


def _named_samples(example, kind):
    pairs = map(dict_of, list_of(example.get(f"{kind}_text_named_params")))
    return {text_of(pair.get("param_name")): text_of(pair.get("example")) for pair in pairs}


def _listed_samples(example, kind):
    values = list_of(example.get(f"{kind}_text"))
    # A body's samples are a list in a list; a single one may stand alone.
    if kind == "body" and not (len(values) == 1 and isinstance(values[0], str)):
        values = list_of(values[0]) if values else []
    return [text_of(value) for value in values]
