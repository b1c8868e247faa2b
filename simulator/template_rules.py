"""Meta's rules for creating and editing a template, and how a listing shows it afterwards.

Sources: Meta's "Templates overview" (2025-12-05), "Components" (2025-11-21), "Authentication
templates" and "Template review" pages; the parts are in ``template_parts``.
"""

import re

from .graph_errors import missing_parameter
from .template_parts import (
    BODY_MAX,
    LINE_MAX,
    MEDIA_HEADERS,
    OFFER_BODY_MAX,
    by_type,
    check_authentication,
    check_buttons,
    check_carousel,
    check_header,
    check_offer,
    check_text,
    invalid,
)

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
TYPES = ("HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER")
NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
# Meta, "Supported languages" (2026-05-21): the countries of a language; "" is the language alone.
COUNTRIES = {
    "ar": " EG AE LB MA QA", "be": "BY", "bn": " IN", "de": " AT CH",
    "en": " GB US AE AU CA GH IE IN JM MY NZ QA SG UG ZA",
    "es": " AR CL CO CR DO EC HN MX PA PE ES UY", "fr": " BE CA CH CI MA", "ky": "KG", "nl": " BE",
    "prs": "AF", "ps": "AF", "pt": "BR PT", "rw": "RW", "si": "LK", "zh": "CN HK TW"}
ALONE = """af sq az bg ca hr cs da et fil fi ka el gu ha he hi hu id ga it ja kn kk ko lo lv lt mk
    ms ml mr nb fa pl pa ro ru sr sk sl sw sv ta te th tr uk ur uz vi zu"""
LANGUAGES = {f"{language}_{country}".rstrip("_") for language, countries in COUNTRIES.items()
             for country in countries.split(" ")} | {*ALONE.split()}
CODE_TEXT = "*{{1}}* is your verification code."
SECURITY_TEXT = " For your security, do not share this code."
EXPIRY_TEXT = "This code expires in %s minutes."
CODE_URL = "https://www.whatsapp.com/otp/code/?otp_type=%s&code=otp{{1}}"


def check_template(body, handles=None):
    """Refuse a creation request that breaks a rule; ``handles`` are those of finished uploads."""
    for key in ("name", "language", "category", "components"):
        if not body.get(key):
            raise missing_parameter(key)
    check_head(body)
    check_components(body["components"], body.get("parameter_format", "POSITIONAL"),
                     str(body["category"]).upper(), handles)


def check_head(body):
    """Name, language, category and parameter format of a creation request."""
    if not isinstance(body["name"], str) or not NAME.match(body["name"]):
        raise invalid("name: at most 512 lower-case letters, digits and underscores")
    if not isinstance(body["language"], str) or body["language"] not in LANGUAGES:
        raise invalid("language: unknown code")
    if str(body["category"]).upper() not in CATEGORIES:
        raise invalid(f"category: must be one of {', '.join(CATEGORIES)}")
    if str(body.get("parameter_format", "POSITIONAL")).upper() not in ("POSITIONAL", "NAMED"):
        raise invalid("parameter_format: must be POSITIONAL or NAMED")


def check_components(components, parameter_format, category="MARKETING", handles=None):
    """Refuse components that could not be a template's."""
    parts = by_type(components, TYPES)
    if "BODY" not in parts:
        raise invalid("components: a BODY with text is required")
    if category == "AUTHENTICATION":
        check_authentication(parts)
        return
    named = str(parameter_format).upper() == "NAMED"
    is_offer = "LIMITED_TIME_OFFER" in parts
    check_text("BODY", parts["BODY"], OFFER_BODY_MAX if is_offer else BODY_MAX, named)
    if "HEADER" in parts:
        check_header(parts["HEADER"], named, handles)
    if "FOOTER" in parts:
        check_text("FOOTER", parts["FOOTER"], LINE_MAX, named, most_variables=0)
    kinds = check_buttons(parts["BUTTONS"], category) if "BUTTONS" in parts else []
    _check_product(parts.get("HEADER", {}), kinds)
    if is_offer:
        check_offer(parts, category)
    if "CAROUSEL" in parts:
        check_carousel(parts, category, named, handles)


def _check_product(header, kinds):
    """A product in the header and its button belong together."""
    if (str(header.get("format", "")).upper() == "PRODUCT") != (kinds == ["SPM"]):
        raise invalid("BUTTONS: a header of format PRODUCT, and only it, has the button SPM")


def normalised(components, category="", address=None):
    """The components as the listing shows them: types in capitals, samples as addresses, and the
    text of a code written out, its button as a link (Meta's own form of listing it)."""
    shown = [_shown(component, address or str) for component in components]
    return _shown_code(shown) if category.upper() == "AUTHENTICATION" else shown


def _shown(component, address):
    shown = {key: value.upper() if key in ("type", "format") else value
             for key, value in component.items()}
    if shown.get("format") in MEDIA_HEADERS and isinstance(shown.get("example"), dict):
        handles = shown["example"].get("header_handle")
        handles = handles if isinstance(handles, list) else [handles]
        shown["example"] = {"header_handle": [address(handle) for handle in handles]}
    if isinstance(shown.get("buttons"), list):
        shown["buttons"] = [_shown_button(button) for button in shown["buttons"]]
    if isinstance(shown.get("cards"), list):
        shown["cards"] = [{**card, "components": [_shown(c, address) for c in card["components"]]}
                          for card in shown["cards"]]
    return shown


def _shown_button(button):
    shown = {**button, "type": str(button.get("type", "")).upper()}
    if isinstance(shown.get("example"), str):
        shown["example"] = [shown["example"]]
    if shown["type"] == "COPY_CODE":
        shown.setdefault("text", "Copy code")
    if shown["type"] == "REQUEST_CONTACT_INFO":
        shown.setdefault("text", "Share Contact Info")
    return shown


def _shown_code(components):
    """An authentication template as Meta lists it."""
    shown = []
    for component in components:
        if component["type"] == "BODY" and "text" not in component:
            secure = component.get("add_security_recommendation")
            component = {**component, "text": CODE_TEXT + (SECURITY_TEXT if secure else ""),
                         "example": {"body_text": [["123456"]]}}
        elif component["type"] == "FOOTER" and "text" not in component:
            minutes = component.get("code_expiration_minutes")
            component = {**component, "text": EXPIRY_TEXT % minutes}
        elif component["type"] == "BUTTONS":
            component = {**component, "buttons": [
                _code_button(button) if button["type"] == "OTP" else button
                for button in component["buttons"]]}
        shown.append(component)
    return shown


def _code_button(button):
    url = CODE_URL % str(button["otp_type"]).upper()
    return {"type": "URL", "text": button.get("text") or "Copy code", "url": url,
            "example": [url.replace("{{1}}", "123456")]}
