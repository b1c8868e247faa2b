"""Meta's rules for the parts of a template: texts, headers, buttons, cards, codes.

Sources, all below https://developers.facebook.com/documentation/business-messaging/whatsapp/:
templates/components (2025-11-21), templates/overview (2025-12-05), templates/template-review;
marketing-templates/media-card-carousel-templates (2026-06-24), limited-time-offer-templates
(2026-06-17), coupon-templates; catalogs/product-card-carousel-template-messages; the requests of
Meta's OpenAPI file v23.0. The button that asks for contact details: Gupshup's and Kapso's pages
(2026-09-10), which quote Meta. Characters of headers and labels: the messages of the errors 2388072
and 2388060, as many have posted them; a new line in a footer: Twilio's error 63040.
"""

import re
import unicodedata

from .graph_errors import GraphError

VARIABLE = re.compile(r"\{\{([A-Za-z0-9_]+)\}\}")
PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
MEDIA_HEADERS = {"IMAGE": ("image/jpeg", "image/png"), "VIDEO": ("video/mp4",),
                 "DOCUMENT": ("application/pdf",), "GIF": ("video/mp4",)}
BODY_MAX, OFFER_BODY_MAX, CARD_BODY_MAX = 1024, 600, 160
LINE_MAX, LABEL_MAX, URL_MAX, PHONE_MAX, CODE_MAX, OFFER_MAX = 60, 25, 2000, 20, 20, 16
CARDS = (2, 10)
CARD_BUTTONS_MAX = 2
MOST_BUTTONS = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1}
CARD_BUTTONS = ("QUICK_REPLY", "URL", "PHONE_NUMBER")
# A button of these is the only one of its template.
LONE_BUTTONS = ("CATALOG", "MPM", "SPM", "OTP", "REQUEST_CONTACT_INFO")
# Their label is Meta's own.
FIXED_LABELS = ("COPY_CODE", "OTP", "REQUEST_CONTACT_INFO")
OTP_TYPES = ("COPY_CODE", "ONE_TAP", "ZERO_TAP")
NEW_LINE = re.compile(r"[\r\n]")
FORMATTING = re.compile(r"[*_~`]")
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff]")
# Scripts that put no space between words: each letter is counted as one.
UNSPACED = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ", "TIBETAN ")
# Refused as the target of a button (2388081).
WHATSAPP_HOST = re.compile(r"([a-z0-9.-]*\.)?(wa\.me|whatsapp\.com)\Z", re.I)


def invalid(details, subcode=None):
    """Error 100 with a sentence that names the broken rule."""
    return GraphError(100, details, subcode=subcode, message="(#100) Invalid parameter")


def length(text):
    """Characters as WhatsApp's own editor counts them: UTF-16 units, an emoji being two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def variables(text):
    return list(dict.fromkeys(VARIABLE.findall(text or "")))


def words(text):
    """Words outside the variables; a sign or an emoji alone is none."""
    count = 0
    for word in VARIABLE.sub(" ", text).split():
        letters = [c for c in word if c.isalnum()]
        alone = [c for c in letters if unicodedata.name(c, "").startswith(UNSPACED)]
        count += len(alone) + (1 if len(letters) > len(alone) else 0)
    return count


def plain_line(text):
    """One line, without emojis or formatting characters (2388060, 2388072)."""
    rest = VARIABLE.sub(" ", text)
    return not (NEW_LINE.search(rest) or EMOJI.search(rest) or FORMATTING.search(rest))


def stray_braces(text):
    rest = VARIABLE.sub(" ", text)
    return "{{" in rest or "}}" in rest


# ---- texts ------------------------------------------------------------------------------------


def check_text(place, component, limit, named, most_variables=None, on_card=False):
    """The text of a header, body or footer with the examples of its variables."""
    text = component.get("text")
    if not isinstance(text, str) or not text.strip():
        raise invalid(f"{place}: text is required")
    if length(text) > limit:
        raise invalid(f"{place}: longer than {limit} characters", 2388040)
    names = variables(text)
    if stray_braces(text):
        raise invalid(f"{place}: a variable is written {{{{1}}}} or {{{{name}}}}", 2388043)
    if most_variables is not None and len(names) > most_variables:
        raise invalid(f"{place}: at most {most_variables} variables")
    if place == "HEADER" and not plain_line(text):
        raise invalid("HEADER: no new lines, formatting characters, emojis or asterisks", 2388072)
    if place == "FOOTER" and NEW_LINE.search(text):
        raise invalid("FOOTER: no new lines", 2388073)
    if names:
        _check_names(place, names, named)
        if place == "BODY" and not on_card:
            _check_body_variables(text)
        _check_examples(place, component.get("example"), names, named)
    elif component.get("example"):
        raise invalid(f"{place}: no variables, so no example", 2388043)


def _check_names(place, names, named):
    numbered = [name for name in names if name.isdigit()]
    if named and (numbered or not all(map(PARAMETER_NAME.match, names))):
        raise invalid(f"{place}: a variable's name has small letters, digits and underscores")
    if not named and len(numbered) < len(names):
        raise invalid(f"{place}: variables do not fit parameter_format")
    if not named and set(names) != {str(number + 1) for number in range(len(names))}:
        raise invalid(f"{place}: numbered variables must run from {{{{1}}}} without a gap")


def _check_body_variables(text):
    stripped = text.strip()
    last = list(VARIABLE.finditer(stripped))[-1]
    if VARIABLE.match(stripped) or last.end() == len(stripped):
        raise invalid("BODY: variables cannot be at the start or end", 2388299)
    # The ratio is not published; providers report about three words for each variable.
    if words(text) < 2 * len(VARIABLE.findall(text)) + 1:
        raise invalid("BODY: too many variables for its length", 2388293)


def _check_examples(place, example, names, named):
    """One example per variable: a list of texts, or of {param_name, example}."""
    example = example if isinstance(example, dict) else {}
    key = f"{place.lower()}_text"
    if named:
        pairs = example.get(f"{key}_named_params")
        pairs = [p for p in pairs if isinstance(p, dict)] if isinstance(pairs, list) else []
        given = {p.get("param_name"): p.get("example") for p in pairs}
        texts = [given.get(name) for name in names] + [""] * (len(given) - len(names))
    else:
        texts = example.get(key)
        if place == "BODY":
            # A list of lists, [["Ana", "A12"]]; a single example may stand alone, ["Ana"].
            alone = isinstance(texts, list) and len(texts) == 1 and isinstance(texts[0], str)
            texts = texts if alone else texts[0] if isinstance(texts, list) and texts else None
    if (not isinstance(texts, list) or len(texts) != len(names)
            or not all(isinstance(text, str) and text.strip() for text in texts)):
        raise invalid(f"{place}: each variable needs an example", 2388043)


# ---- headers ----------------------------------------------------------------------------------


def check_header(header, named, handles, formats=("TEXT", *MEDIA_HEADERS, "LOCATION", "PRODUCT")):
    """``handles`` knows the uploaded samples (``uploads``); None: any will do."""
    kind = str(header.get("format", "")).upper()
    if kind not in formats:
        raise invalid(f"HEADER: format {kind!r} is not allowed here")
    if kind == "TEXT":
        check_text("HEADER", header, LINE_MAX, named, most_variables=1)
    elif kind in MEDIA_HEADERS:
        example = header.get("example")
        given = example.get("header_handle") if isinstance(example, dict) else None
        given = given[0] if isinstance(given, list) and given else None
        if not isinstance(given, str) or not given.strip():
            raise invalid("HEADER: a media header needs example.header_handle", 2388043)
        if handles and not handles.suits(given, MEDIA_HEADERS[kind]):
            raise invalid(f"HEADER: header_handle is not that of an uploaded {kind}", 2494102)


# ---- buttons ----------------------------------------------------------------------------------


def check_buttons(component, category):
    """The buttons of a template; returns their types."""
    buttons, kinds = _button_list(component, 10)
    for button in buttons:
        _check_button(button)
    _check_labels(buttons)
    for kind, most in MOST_BUTTONS.items():
        if kinds.count(kind) > most:
            raise invalid(f"BUTTONS: at most {most} of type {kind}")
    lone = [kind for kind in kinds if kind in LONE_BUTTONS]
    if lone and len(kinds) > 1:
        raise invalid(f"BUTTONS: a button of type {lone[0]} is the only one")
    quick = [index for index, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if quick and quick[-1] - quick[0] + 1 != len(quick):
        raise invalid("BUTTONS: quick replies must be grouped together")
    if ("OTP" in kinds) != (category == "AUTHENTICATION"):
        raise invalid("BUTTONS: the type OTP is for category AUTHENTICATION, which needs it")
    if {"CATALOG", "MPM", "SPM"} & set(kinds) and category != "MARKETING":
        raise invalid(f"BUTTONS: {kinds[0]} is for templates of category MARKETING")
    return kinds


def _button_list(component, most):
    buttons = component.get("buttons")
    if (not isinstance(buttons, list) or not 1 <= len(buttons) <= most
            or not all(isinstance(button, dict) for button in buttons)):
        raise invalid(f"BUTTONS: 1 to {most} buttons")
    return buttons, [str(button.get("type", "")).upper() for button in buttons]


def _check_button(button):
    kind = str(button.get("type", "")).upper()
    checks = {"QUICK_REPLY": None, "URL": _check_url, "PHONE_NUMBER": _check_phone,
              "COPY_CODE": _check_code, "FLOW": _check_flow, "CATALOG": None, "MPM": None,
              "SPM": None, "OTP": _check_otp, "REQUEST_CONTACT_INFO": None, "VOICE_CALL": None}
    if kind not in checks:
        raise invalid(f"BUTTONS: unknown type {kind!r}")
    text = button.get("text", "")
    if kind in FIXED_LABELS:
        text = "label"
    if not isinstance(text, str) or not text.strip():
        raise invalid("BUTTONS: text is required")
    if length(text) > LABEL_MAX:
        raise invalid(f"BUTTONS: a label is longer than {LABEL_MAX} characters", 2388040)
    if VARIABLE.search(text) or stray_braces(text) or not plain_line(text):
        raise invalid("BUTTONS: no variables, newlines, emojis or formatting characters", 2388060)
    if checks[kind]:
        checks[kind](button)


def _check_labels(buttons):
    """No two buttons have the same label."""
    labels = [str(button.get("text", "")).strip() for button in buttons
              if str(button.get("type", "")).upper() not in FIXED_LABELS]
    if len(set(labels)) < len(labels):
        raise invalid("BUTTONS: two buttons have the same text")


def _check_url(button):
    url = button.get("url")
    found = re.match(r"https?://([^\s/?#:@]+)(:\d{1,5})?([/?#]\S*)?\Z", url, re.I) if isinstance(
        url, str) else None
    if not found or length(url) > URL_MAX:
        raise invalid("BUTTONS: a url of at most 2,000 characters is required")
    host = found[1]
    # The demo's own web server is this machine, which Meta would refuse.
    if host == "localhost":
        host = "localhost.example"
    if "{" in host or "}" in host or len(host.split(".")) < 2 or not all(host.split(".")):
        raise invalid("BUTTONS: a url has a domain")
    if WHATSAPP_HOST.match(host):
        raise invalid("BUTTONS: a url cannot lead to WhatsApp", 2388081)
    found = VARIABLE.findall(url)
    if len(found) > 1 or (found and not url.endswith("}}")) or stray_braces(url):
        raise invalid("BUTTONS: a url takes one variable, at its end")
    if found and not _first(button.get("example")).strip():
        raise invalid("BUTTONS: a url with a variable needs an example", 2388043)


def _check_phone(button):
    phone = button.get("phone_number")
    digits = re.sub(r"[ ()./+-]", "", phone) if isinstance(phone, str) else ""
    if not re.fullmatch(r"[0-9]+", digits) or len(digits) < 5 or len(phone) > PHONE_MAX:
        raise invalid("BUTTONS: a phone_number of at most 20 characters is required")


def _check_code(button):
    code = _first(button.get("example"))
    if not code.strip() or length(code) > CODE_MAX:
        raise invalid(f"BUTTONS: an example of a code of at most {CODE_MAX} characters is required",
                      2388043)


def _check_flow(button):
    named = [key for key in ("flow_id", "flow_name", "flow_json") if button.get(key)]
    if len(named) != 1:
        raise invalid("BUTTONS: one of flow_id, flow_name and flow_json is required")
    if str(button.get("flow_action", "navigate")).lower() not in ("navigate", "data_exchange"):
        raise invalid("BUTTONS: flow_action must be navigate or data_exchange")


def _check_otp(button):
    kind = str(button.get("otp_type", "")).upper()
    if kind not in OTP_TYPES:
        raise invalid(f"BUTTONS: otp_type must be one of {', '.join(OTP_TYPES)}")
    apps = button.get("supported_apps") or [button]
    if kind != "COPY_CODE" and not all(
            app.get("package_name") and app.get("signature_hash") for app in apps):
        raise invalid("BUTTONS: package_name and signature_hash are required")
    if kind == "ZERO_TAP" and button.get("zero_tap_terms_accepted") is not True:
        raise invalid("BUTTONS: zero_tap_terms_accepted must be true")


def _first(value):
    """The first of a list of texts, or a text."""
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, str) else ""


# ---- whole kinds ------------------------------------------------------------------------------


def check_authentication(parts):
    """Meta writes the text of a code itself; only what is around it can be chosen."""
    if set(parts) - {"BODY", "FOOTER", "BUTTONS"} or "BUTTONS" not in parts:
        raise invalid("AUTHENTICATION templates have BODY, FOOTER (optional) and BUTTONS")
    if "text" in parts["BODY"] or "text" in parts.get("FOOTER", {}):
        raise invalid("AUTHENTICATION templates have a fixed text")
    minutes = parts["FOOTER"].get("code_expiration_minutes") if "FOOTER" in parts else 1
    if type(minutes) is not int or not 1 <= minutes <= 90:
        raise invalid("FOOTER: code_expiration_minutes from 1 to 90")
    check_buttons(parts["BUTTONS"], "AUTHENTICATION")


def check_offer(parts, category):
    """A limited-time offer: for promotions, without footer, with a link and perhaps a code."""
    offer = parts["LIMITED_TIME_OFFER"].get("limited_time_offer")
    text = offer.get("text") if isinstance(offer, dict) else None
    if category != "MARKETING" or "FOOTER" in parts or "CAROUSEL" in parts:
        raise invalid("LIMITED_TIME_OFFER: for category MARKETING, without a footer")
    if (not isinstance(text, str) or not text.strip() or VARIABLE.search(text)
            or stray_braces(text)):
        raise invalid("LIMITED_TIME_OFFER: text is required")
    if length(text) > OFFER_MAX:
        raise invalid(f"LIMITED_TIME_OFFER: longer than {OFFER_MAX} characters", 2388040)
    if not isinstance(offer.get("has_expiration", False), bool):
        raise invalid("LIMITED_TIME_OFFER: has_expiration is true or false")
    if str(parts.get("HEADER", {}).get("format", "IMAGE")).upper() not in ("IMAGE", "VIDEO"):
        raise invalid("LIMITED_TIME_OFFER: the header is an image or a video")
    kinds = _button_list(parts.get("BUTTONS", {}), 2)[1]
    if kinds not in (["URL"], ["COPY_CODE", "URL"]):
        raise invalid("LIMITED_TIME_OFFER: a copy code button (optional), then a url button")


def check_carousel(parts, category, named, handles):
    """Cards of one shape: the same components, header format and types of buttons."""
    if category != "MARKETING" or set(parts) != {"BODY", "CAROUSEL"}:
        raise invalid("CAROUSEL: for category MARKETING, with a BODY and nothing else beside it")
    cards = parts["CAROUSEL"].get("cards")
    fewest, most = CARDS
    if not isinstance(cards, list) or not fewest <= len(cards) <= most:
        raise invalid(f"CAROUSEL: {fewest} to {most} cards")
    shapes = [_check_card(card, named, handles) for card in cards]
    if any(shape != shapes[0] for shape in shapes):
        raise invalid("CAROUSEL: all cards must have the same components and buttons", 2388155)


def _check_card(card, named, handles):
    """The shape of a card: (its components, header format, types of buttons)."""
    parts = by_type(card.get("components") if isinstance(card, dict) else None,
                    ("HEADER", "BODY", "BUTTONS"))
    check_header(parts.get("HEADER", {}), named, handles, ("IMAGE", "VIDEO", "PRODUCT"))
    kind = parts["HEADER"]["format"].upper()
    if "BODY" in parts:
        check_text("BODY", parts["BODY"], CARD_BODY_MAX, named, on_card=True)
    kinds = []
    if "BUTTONS" in parts:
        buttons, kinds = _button_list(parts["BUTTONS"], CARD_BUTTONS_MAX)
        allowed = ("SPM", "URL") if kind == "PRODUCT" else CARD_BUTTONS
        if set(kinds) - set(allowed):
            raise invalid(f"CAROUSEL: the buttons of a card are {', '.join(allowed)}")
        for button in buttons:
            _check_button(button)
        _check_labels(buttons)
    if kind == "PRODUCT" and ("BODY" in parts or len(kinds) != 1):
        raise invalid("CAROUSEL: a product card has a header and one button")
    return set(parts), kind, kinds


def by_type(components, allowed):
    """{type: component}; each type once, and none that is not allowed."""
    if (not isinstance(components, list) or not components
            or not all(isinstance(c, dict) for c in components)):
        raise invalid("components: must be an array of objects")
    found = {}
    for component in components:
        kind = str(component.get("type", "")).upper()
        if kind not in allowed or kind in found:
            raise invalid(f"components: unexpected or repeated type {kind!r}")
        found[kind] = component
    return found
