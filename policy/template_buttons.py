"""The rules for a template's buttons, each alone and all together."""

import re

from . import template_text as texts
from .plain_text import word_set
from .template_findings import Finding, finding
from .template_parts import check_length, check_line
from .template_rule_list import limit_of
from .template_text import dict_of, list_of, text_of, word_of

TYPES = (
    "quick_reply", "url", "phone_number", "copy_code", "flow", "catalog", "mpm", "spm", "otp",
    "voice_call", "request_contact_info",
)  # fmt: skip
# Their label is WhatsApp's own, whatever is written.
_FIXED_LABELS = frozenset({"copy_code", "otp", "request_contact_info"})
_MOST = {
    "url": "button_urls", "phone_number": "button_phones", "copy_code": "button_codes",
    "flow": "button_flows",
}  # fmt: skip
_ALONE = {
    "catalog": "button_alone", "mpm": "button_alone", "spm": "button_alone",
    "otp": "button_alone", "request_contact_info": "contact_alone",
}  # fmt: skip
_CATEGORIES = {
    "catalog": "marketing", "mpm": "marketing", "spm": "marketing", "otp": "authentication",
}  # fmt: skip
_ADDRESS = re.compile(r"https?://(?P<host>[^/?#\s:@]+)(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)
_HOST = re.compile(r"[^\s.{}]+(?:\.[^\s.{}]+)+")
_WHATSAPP = re.compile(r"(?:^|\.)(?:wa\.me|whatsapp\.com)$", re.IGNORECASE)
_PHONE = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){5,17}")
_SHORTENERS = word_set(
    """
    bit.ly bitly.com tinyurl.com goo.gl t.co ow.ly is.gd buff.ly rebrand.ly cutt.ly shorturl.at
    rb.gy tiny.cc s.id t.ly bl.ink lnkd.in acortar.link n9.cl
    """
)


def check_buttons(component: dict, category: str, named: bool) -> list[Finding]:
    """Judge a template's buttons.

    :param component: Meta's BUTTONS component
    """
    buttons = [dict_of(button) for button in list_of(component.get("buttons"))]
    if not buttons:
        return [finding("buttons_missing", "buttons")]
    found = check_each(buttons, "", named)
    kinds = [word_of(button.get("type")) for button in buttons]
    if len(buttons) > limit_of("buttons_count"):
        found.append(finding("buttons_count", "buttons", count=len(buttons)))
    for kind, key in _MOST.items():
        if kinds.count(kind) > limit_of(key):
            found.append(finding(key, "buttons", count=kinds.count(kind)))
    quick = [index for index, kind in enumerate(kinds) if kind == "quick_reply"]
    if quick and quick[-1] - quick[0] + 1 != len(quick):
        found.append(finding("quick_replies_split", "buttons"))
    return found + _check_company(kinds, category)


def _check_company(kinds, category):
    """Which types stand alone, and in which category."""
    found = []
    for index, kind in enumerate(kinds):
        place = f"button:{index}"
        if kind in _ALONE and len(kinds) > 1:
            found.append(finding(_ALONE[kind], place))
        if category != _CATEGORIES.get(kind, category):
            found.append(finding("button_category", place, category=_CATEGORIES[kind]))
        if kind == "copy_code" and category != "marketing":
            found.append(finding("code_category", place))
    return found


def check_each(buttons: list[dict], prefix: str, named: bool) -> list[Finding]:
    """Judge each button, and that no two have the same label.

    :param prefix: of the places: '' or 'card:1.'
    """
    found, labels = [], set()
    for index, button in enumerate(buttons):
        place, kind = f"{prefix}button:{index}", word_of(button.get("type"))
        if kind not in TYPES:
            found.append(finding("button_unknown", place, name=kind))
            continue
        found += _check_label(button, kind, place)
        label = "" if kind in _FIXED_LABELS else text_of(button.get("text")).strip()
        if label and label in labels:
            found.append(finding("label_duplicate", place, name=label))
        labels.add(label)
        check = _CHECKS.get(kind)
        found += check(button, place, named) if check else []
    return found


def _check_label(button, kind, place):
    label = text_of(button.get("text"))
    if kind in _FIXED_LABELS:
        return []
    if not label.strip():
        return [finding("label_missing", place)]
    found = [*check_length("label_length", place, label), *check_line(label, "label", place)]
    if texts.variables(label) or texts.has_stray_braces(label):
        found.append(finding("label_variables", place))
    if kind == "flow" and texts.length(label) > limit_of("flow_label"):
        found.append(finding("flow_label", place, length=texts.length(label)))
    return found


def _check_url(button, place, named):
    url = text_of(button.get("url"))
    if not url.strip():
        return [finding("url_missing", place)]
    found = check_length("url_length", place, url)
    names = texts.variables(url)
    address = texts.VARIABLE.sub("x", url) if names else url
    parts = _ADDRESS.fullmatch(address)
    host = _host(url)
    if texts.has_stray_braces(url):
        found.append(finding("variable_malformed", place))
    elif not parts or not _HOST.fullmatch(host):
        found.append(finding("url_invalid", place))
    elif _WHATSAPP.search(host):
        found.append(finding("url_whatsapp", place))
    elif is_shortened(host):
        found.append(finding("url_shortened", place, name=host))
    return found + _check_url_variable(button, url, names, place, named)


def _host(url):
    """The part between scheme and path, with a variable in it as it is written."""
    return re.split(r"[/?#:]", re.sub(r"(?i)^https?://", "", url), maxsplit=1)[0]


def _check_url_variable(button, url, names, place, named):
    if not names:
        return []
    if len(names) > 1 or not url.endswith("}}"):
        return [finding("url_variable", place)]
    name = names[0]
    if name != "1" and not named:
        return [finding("url_variable_name", place, name=name)]
    if not any(text_of(sample).strip() for sample in _samples(button)):
        return [finding("sample_missing", place, name=name)]
    return []


def _samples(button):
    example = button.get("example")
    return example if isinstance(example, list) else [example]


def is_shortened(host: str) -> bool:
    """Return whether it is the domain of a service that shortens links."""
    return host.casefold().removeprefix("www.") in _SHORTENERS


def _check_phone(button, place, _named):
    number = text_of(button.get("phone_number"))
    if not number.strip():
        return [finding("phone_missing", place)]
    found = check_length("phone_length", place, number)
    digits = re.sub(r"[ ()./+-]", "", number)
    if len(digits) < 5 or not (digits.isascii() and digits.isdigit()):
        return [*found, finding("phone_invalid", place)]
    if not _PHONE.fullmatch(number.strip()):
        found.append(finding("phone_format", place))
    return found


def _check_code(button, place, _named):
    code = next((text_of(sample) for sample in _samples(button)), "")
    if not code.strip():
        return [finding("code_missing", place)]
    found = check_length("code_length", place, code)
    if not found and texts.length(code) > limit_of("code_long"):
        found.append(finding("code_long", place, length=texts.length(code)))
    return found


def _check_flow(button, place, _named):
    if sum(bool(button.get(key)) for key in ("flow_id", "flow_name", "flow_json")) == 1:
        return []
    return [finding("flow_missing", place)]


_CHECKS = {
    "url": _check_url,
    "phone_number": _check_phone,
    "copy_code": _check_code,
    "flow": _check_flow,
}
