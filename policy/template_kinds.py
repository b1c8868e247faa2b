"""The rules of whole kinds: carousels, limited-time offers, catalogs, authentication."""

from . import template_text as texts
from .template_buttons import check_each
from .template_findings import Finding, finding
from .template_parts import (
    check_length,
    check_places_of_card,
    check_samples,
    check_variables,
    has_media_sample,
)
from .template_rule_list import limit_of
from .template_text import dict_of, list_of, text_of, word_of

_CARD_PARTS = ("header", "body", "buttons")
_CARD_BUTTONS = ("quick_reply", "url", "phone_number")
_OTP_TYPES = ("copy_code", "one_tap", "zero_tap")


def by_kind(components) -> dict[str, dict]:
    """Return components by their type in lower case, the first of each."""
    parts = {}
    for component in map(dict_of, list_of(components)):
        parts.setdefault(word_of(component.get("type")), component)
    return parts


def check_carousel(parts: dict[str, dict], category: str, named: bool) -> list[Finding]:
    """Judge a carousel and what stands beside it.

    :param parts: the template's components, as `by_kind` returns them
    """
    found = []
    if category != "marketing":
        found.append(finding("carousel_category", "category"))
    for extra in sorted(set(parts) - {"body", "carousel"}):
        found.append(finding("carousel_extra", _place_of(extra), name=extra))
    cards = [dict_of(card) for card in list_of(parts["carousel"].get("cards"))]
    if len(cards) < limit_of("cards_few"):
        found.append(finding("cards_few", "carousel", count=len(cards)))
    if len(cards) > limit_of("cards_many"):
        found.append(finding("cards_many", "carousel", count=len(cards)))
    shapes = [_shape(card) for card in cards]
    for index, card in enumerate(cards):
        found += _check_card(card, f"card:{index}", named)
        if shapes[index] != shapes[0]:
            found.append(finding("card_structure", f"card:{index}"))
    return found


def _place_of(kind):
    return {"limited_time_offer": "offer"}.get(kind, kind)


def _shape(card):
    """What all cards have in common: components, format of the header, types of the buttons."""
    parts = by_kind(card.get("components"))
    buttons = list_of(parts.get("buttons", {}).get("buttons"))
    return (
        sorted(parts),
        word_of(parts.get("header", {}).get("format")),
        [word_of(dict_of(button).get("type")) for button in buttons],
    )


def _check_card(card, place, named):
    components = list_of(card.get("components"))
    parts = by_kind(components)
    found = []
    if set(parts) - {*_CARD_PARTS} or len(parts) != len(components):
        found.append(finding("card_parts", place))
    header = parts.get("header", {})
    kind = word_of(header.get("format"))
    if kind not in ("image", "video", "product") or (
        kind != "product" and not has_media_sample(header)
    ):
        found.append(finding("card_header", f"{place}.header"))
    if "body" in parts and kind == "product":
        found.append(finding("product_card", f"{place}.body"))
    elif "body" in parts:
        found += _check_card_body(parts["body"], f"{place}.body", named)
    buttons = [dict_of(one) for one in list_of(parts.get("buttons", {}).get("buttons"))]
    if "buttons" in parts and not buttons:
        found.append(finding("buttons_missing", f"{place}.buttons"))
    return found + _check_card_buttons(buttons, place, kind == "product", named)


def _check_card_body(body, place, named):
    text = text_of(body.get("text"))
    if not text.strip():
        return [finding("text_missing", place)]
    found = [
        *check_length("card_body_length", place, text),
        *check_variables(text, place, named),
        *check_places_of_card(text, place),
        *check_samples(body, "body", place, named),
    ]
    if len(texts.LINE_BREAK.findall(text)) > limit_of("card_breaks"):
        found.append(finding("card_breaks", place))
    return found


def _check_card_buttons(buttons, place, is_product, named):
    if not buttons and not is_product:
        return [finding("card_no_buttons", f"{place}.buttons")]
    found = check_each(buttons, f"{place}.", named)
    if len(buttons) > limit_of("card_buttons"):
        found.append(finding("card_buttons", f"{place}.buttons", count=len(buttons)))
    kinds = [word_of(button.get("type")) for button in buttons]
    if is_product:
        right = kinds in (["spm"], ["url"])
        return found if right else [*found, finding("product_card", f"{place}.buttons")]
    return found + [
        finding("card_button_type", f"{place}.button:{index}", name=kind)
        for index, kind in enumerate(kinds)
        if kind not in _CARD_BUTTONS
    ]


def check_offer(parts: dict[str, dict], category: str) -> list[Finding]:
    """Judge a limited-time offer and what stands beside it."""
    offer = dict_of(parts["limited_time_offer"].get("limited_time_offer"))
    text = text_of(offer.get("text"))
    found = [] if category == "marketing" else [finding("offer_category", "category")]
    if not text.strip():
        found.append(finding("text_missing", "offer"))
    found += check_length("offer_length", "offer", text)
    if texts.variables(text) or texts.has_stray_braces(text):
        found.append(finding("offer_variables", "offer"))
    if "footer" in parts:
        found.append(finding("offer_footer", "footer"))
    if "header" in parts and word_of(parts["header"].get("format")) not in ("image", "video"):
        found.append(finding("offer_header", "header"))
    kinds = _button_kinds(parts)
    if kinds not in (["url"], ["copy_code", "url"]):
        found.append(finding("offer_buttons", "buttons"))
    if offer.get("has_expiration") and "copy_code" not in kinds:
        found.append(finding("offer_code", "buttons"))
    return found


def check_products(parts: dict[str, dict]) -> list[Finding]:
    """Judge the header beside the buttons of catalogs and products."""
    kinds, header = _button_kinds(parts), parts.get("header")
    is_product = word_of((header or {}).get("format")) == "product"
    if is_product != ("spm" in kinds):
        return [finding("header_product", "header")]
    found = [finding("catalog_header", "header")] if "catalog" in kinds and header else []
    if "mpm" in kinds and word_of((header or {}).get("format")) != "text":
        found.append(finding("products_header", "header"))
    return found


def _button_kinds(parts):
    buttons = list_of(parts.get("buttons", {}).get("buttons"))
    return [word_of(dict_of(button).get("type")) for button in buttons]


def check_authentication(parts: dict[str, dict]) -> list[Finding]:
    """Judge an authentication template: Meta writes its texts."""
    found = []
    body, footer = parts.get("body"), parts.get("footer")
    if body is None:
        found.append(finding("body_missing", "body"))
    elif "text" in body:
        found.append(finding("auth_text", "body"))
    if footer is not None:
        found += _check_auth_footer(footer)
    for extra in sorted(set(parts) - {"body", "footer", "buttons"}):
        found.append(finding("auth_header", _place_of(extra)))
    buttons = [dict_of(one) for one in list_of(parts.get("buttons", {}).get("buttons"))]
    if len(buttons) != 1 or not _is_code_button(buttons[0]):
        return [*found, finding("auth_button", "buttons")]
    return found + _check_autofill(buttons[0])


def _check_auth_footer(footer):
    minutes = footer.get("code_expiration_minutes")
    is_number = isinstance(minutes, int) and not isinstance(minutes, bool)
    found = [finding("auth_text", "footer")] if "text" in footer else []
    if not is_number or not 1 <= minutes <= limit_of("auth_expiry"):
        found.append(finding("auth_expiry", "footer"))
    return found


def _is_code_button(button):
    return word_of(button.get("type")) == "otp" and word_of(button.get("otp_type")) in _OTP_TYPES


def _check_autofill(button):
    """The app that takes the code by itself, and the terms for doing so unseen."""
    kind = word_of(button.get("otp_type"))
    apps = list_of(button.get("supported_apps")) or [button]
    found = []
    if kind != "copy_code" and not all(
        dict_of(app).get("package_name") and dict_of(app).get("signature_hash") for app in apps
    ):
        found.append(finding("auth_app", "button:0"))
    if kind == "zero_tap" and button.get("zero_tap_terms_accepted") is not True:
        found.append(finding("auth_terms", "button:0"))
    return found
