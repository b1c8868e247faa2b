"""Hypothesis strategies for templates: well made ones of every kind, and ones broken in one way."""

import re
from copy import deepcopy

from hypothesis import strategies as st

from .template_samples import (
    CODE,
    IMAGE,
    MARKETING_KINDS,
    PHONE,
    QUICK,
    URL,
    authentication,
    buttons,
    footer,
    header,
)

# Scripts of every direction and width, and what is more than one unit or one character.
LETTERS = "aZñéßйΩאبپहไ漢かア한𠀋"
CLUSTERS = ("😀", "👨‍👩‍👧", "🇪🇸", "é", "לִ", "قُ", "👍🏽")
_ANY = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="{}")
ANY_TEXT = st.lists(
    st.one_of(st.sampled_from(LETTERS), st.sampled_from(CLUSTERS), st.text(_ANY, max_size=3)),
    max_size=8,
).map("".join)
WORD = st.text(st.sampled_from(LETTERS), min_size=1, max_size=6)
SAMPLE = st.one_of(WORD, st.sampled_from(("😀", "25%", "Ana & Co.", "مرحبا")))
LABELS = st.lists(
    st.text(st.sampled_from(LETTERS), min_size=1, max_size=12),
    min_size=10,
    max_size=10,
    unique=True,
)


def variable(name):
    return f"{{{{{name}}}}}"


@st.composite
def text_with(draw, names, most, others):
    """A text with these variables in any order, with enough words around each."""
    pieces = [draw(WORD), draw(others)]
    for name in draw(st.permutations(names)):
        pieces += [draw(WORD), draw(WORD), variable(name), draw(others)]
    pieces += [draw(WORD), draw(others), draw(WORD)]
    text = " ".join(pieces)
    return text if len(text.encode("utf-16-le")) <= 2 * most else " ".join(pieces[:1])


@st.composite
def texts_with_samples(draw, kind, named, most_names=3, most=500):
    """(text, example) of a header's or a body's variables."""
    count = draw(st.integers(0, most_names))
    names = [f"name_{index}" if named else str(index + 1) for index in range(count)]
    text = draw(text_with(names, most, ANY_TEXT if kind == "body" else WORD))
    names = list(dict.fromkeys(name for name in names if variable(name) in text))
    if not names:
        return text, None
    samples = [draw(SAMPLE) for _name in names]
    if named:
        pairs = [
            {"param_name": name, "example": sample}
            for name, sample in zip(names, samples, strict=True)
        ]
        return text, {f"{kind}_text_named_params": pairs}
    return text, {f"{kind}_text": [samples] if kind == "body" else samples}


def with_text(part, text, example):
    part = {key: value for key, value in part.items() if key not in ("text", "example")}
    return {**part, "text": text, **({"example": example} if example else {})}


@st.composite
def templates(draw):
    """Keyword arguments of judge_template for a well made template of any kind."""
    kind = draw(st.sampled_from([*MARKETING_KINDS, "authentication"]))
    named = draw(st.booleans())
    template = {
        "name": draw(st.text("abcxyz0189_", min_size=1, max_size=20)),
        "language": draw(
            st.sampled_from(("es", "en_US", "pt_BR", "ar", "he", "zh_CN", "th", "fil"))
        ),
        "parameter_format": draw(st.sampled_from(("NAMED", "named")))
        if named
        else draw(st.sampled_from(("POSITIONAL", "positional"))),
    }
    if kind == "authentication":
        otp = draw(st.sampled_from(("COPY_CODE", "copy_code")))
        components = authentication(otp_type=otp)
        return {**template, "category": "AUTHENTICATION", "components": components}
    components = deepcopy(MARKETING_KINDS[kind])
    for index, part in enumerate(components):
        components[index] = draw(_filled_part(part, named))
    only_marketing = ("carousel", "product carousel", "offer", "catalog", "products")
    category = "MARKETING" if kind in only_marketing else draw(
        st.sampled_from(("MARKETING", "UTILITY"))
    )  # fmt: skip
    return {**template, "category": category, "components": components}


@st.composite
def _filled_part(draw, part, named):
    kind = part["type"]
    if kind == "BODY":
        return with_text(part, *draw(texts_with_samples("body", named)))
    if kind == "HEADER" and part["format"] == "TEXT":
        return with_text(part, *draw(texts_with_samples("header", named, 1, 60)))
    if kind == "FOOTER":
        return {**part, "text": draw(st.text(st.sampled_from(LETTERS), min_size=1, max_size=30))}
    if kind == "BUTTONS":
        labels = draw(LABELS)
        some = [
            {**button, "text": labels[index]} if "text" in button else button
            for index, button in enumerate(part["buttons"])
        ]
        return {**part, "buttons": some}
    if kind == "CAROUSEL" and any(one["type"] == "BODY" for one in part["cards"][0]["components"]):
        cards = [
            {"components": [draw(_card_part(one, named)) for one in card["components"]]}
            for card in part["cards"]
        ]
        return {**part, "cards": cards}
    return part


@st.composite
def _card_part(draw, part, named):
    if part["type"] != "BODY":
        return part
    return with_text(part, *draw(texts_with_samples("body", named, 1, 160)))


# === Broken in one way ===


def part_of(template, kind):
    """The first component of this type, None if there is none."""
    return next((one for one in template["components"] if one["type"] == kind), None)


def put(template, part):
    """Put a component in place of the one of its type."""
    others = [one for one in template["components"] if one["type"] != part["type"]]
    template["components"] = [*others, part]


def _key(name, *values):
    return {
        f"{name} is {str(value)[:12]!r}": lambda template, value=value: template.update(
            {name: value}
        )
        for value in values
    }


def _part(title, *parts):
    return {
        f"{title} {index}": lambda template, part=part: put(template, deepcopy(part))
        for index, part in enumerate(parts)
    }


def _body(text, *samples):
    part = {"type": "BODY", "text": text}
    return {**part, "example": {"body_text": [list(samples)]}} if samples else part


def _url(address, **others):
    return buttons({**URL, "url": address, **others})


def _quick(*labels):
    return [{**QUICK, "text": label} for label in labels]


_LONG = "palabra " * 2
# Of any kind of template, authentication too.
_ALWAYS = {
    **_key("name", "", "Spring", "spring offer", "año", "a" * 513, "a\n"),
    **_key("language", "", "xx", "es-ES", "ES", "es_ZZ"),
    **_key("category", "", "OTP", "PROMOTION"),
    **_key("parameter_format", "x", "NUMBERED"),
    "unknown component": lambda template: template["components"].append({"type": "SIDEBAR"}),
    "body twice": lambda template: template["components"].append(_body(_LONG)),
    "no body": lambda template: template.update(
        components=[one for one in template["components"] if one["type"] != "BODY"]
    ),
}
_OF_TEXTS = {
    **_part(
        "body", _body(""), _body(" \n"), _body("x" * 1025), _body("😀" * 513), _body("漢" * 1025),
        _body("{{1}} uno dos tres cuatro", "a"), _body("uno dos tres cuatro {{1}}", "a"),
        _body(" \n{{1}} uno dos tres cuatro", "a"), _body("uno dos tres cuatro {{1}}\n ", "a"),
        _body("uno dos tres {{ 1 }} cuatro", "a"), _body("uno dos tres {{1} cuatro", "a"),
        _body("uno dos tres {{}} cuatro", "a"), _body("uno dos tres {{a-b}} cuatro", "a"),
        _body("uno dos tres {{nombre}} y {{2}} cuatro cinco", "a", "b"),
        _body("uno dos tres {{1}} cuatro"), _body("uno dos tres {{1}} cuatro", " "),
        _body("uno dos {{1}} y {{3}} cuatro cinco seis", "a", "b"),
        _body("uno {{1}} {{2}} {{3}} dos", "a", "b", "c"), _body("uno {{1}} dos", "a"),
    ),
    **_part(
        "header", header(""), header("x" * 61), header("😀" * 31), header("uno\ndos"),
        header("uno {{1}} {{2}} dos", "a", "b"), header("uno {{1}} dos"), header("uno {{1} dos"),
        {**IMAGE, "example": {}}, {**IMAGE, "format": "VIDEO", "example": {"header_handle": []}},
        {**IMAGE, "format": "AUDIO"}, {"type": "HEADER"},
    ),
    **_part(
        "footer", footer(""), footer("x" * 61), footer("ش" * 61), footer("uno\ndos"),
        footer("uno {{1}}"), footer("uno {{x"),
    ),
}  # fmt: skip
_OF_BUTTONS = _part(
    "buttons", buttons(), buttons(*_quick(*map(str, range(11)))),
    buttons(*({**URL, "text": str(one)} for one in range(3))),
    buttons(PHONE, {**PHONE, "text": "Otro"}), buttons(CODE, CODE),
    buttons(*_quick("uno"), URL, *_quick("dos")), buttons(*_quick("uno", "uno")),
    buttons(*_quick("")), buttons(*_quick("x" * 26)), buttons(*_quick("😀" * 13)),
    buttons(*_quick("uno {{1}}")), buttons(*_quick("uno\ndos")),
    buttons({**QUICK, "type": "OTHER"}),
    _url(""), _url("shop.example"), _url("ftp://shop.example"), _url("https://shop"),
    _url("https://shop.example/a b"), _url("https://shop.example/" + "x" * 1980),
    _url("https://wa.me/34600000000"), _url("https://shop.example/{{1}}"),
    _url("https://shop.example/{{1}}/x", example=["x"]), _url("https://{{1}}", example=["x"]),
    _url("https://shop.example/{{1}}{{2}}", example=["x"]),
    _url("https://shop.example/{{ 1 }}", example=["x"]),
    buttons({**PHONE, "phone_number": ""}), buttons({**PHONE, "phone_number": "+" + "1" * 20}),
    buttons({**CODE, "example": ""}), buttons({**CODE, "example": "x" * 21}),
    buttons({"type": "FLOW", "text": "Reservar"}), buttons({"type": "SPM", "text": "Ver"}),
    buttons({"type": "CATALOG", "text": "Ver"}, *_quick("uno")),
    buttons({"type": "MPM", "text": "Ver"}, URL), buttons({"type": "OTP", "otp_type": "COPY_CODE"}),
    buttons({"type": "REQUEST_CONTACT_INFO", "text": "Compartir"}, *_quick("uno")),
)  # fmt: skip


def _cards(change):
    def mutate(template):
        carousel = part_of(template, "CAROUSEL")
        carousel["cards"] = change(carousel["cards"])

    return mutate


def _each_card(change):
    def mutate(template):
        for card in part_of(template, "CAROUSEL")["cards"]:
            card["components"] = change(card["components"])

    return mutate


def _replaced(components, part):
    order = ["HEADER", "BODY", "BUTTONS"]
    rest = [one for one in components if one["type"] != part["type"]]
    return sorted([*rest, part], key=lambda one: order.index(one["type"]))


_OF_CAROUSELS = {
    "one card": _cards(lambda cards: cards[:1]),
    "no card": _cards(lambda cards: []),
    "eleven cards": _cards(lambda cards: [deepcopy(cards[0]) for _one in range(11)]),
    "cards differ": _cards(lambda cards: [cards[0], {"components": cards[1]["components"][:1]}]),
    "no header": _each_card(lambda parts: parts[1:]),
    "text header": _each_card(lambda parts: _replaced(parts, header("uno"))),
    "no sample": _each_card(lambda parts: _replaced(parts, {**IMAGE, "example": {}})),
    "footer on cards": _each_card(lambda parts: [*parts, footer("uno")]),
    "body too long": _each_card(lambda parts: _replaced(parts, _body("x" * 161))),
    "empty body": _each_card(lambda parts: _replaced(parts, _body(" "))),
    "body without sample": _each_card(lambda parts: _replaced(parts, _body("uno {{1}} dos tres"))),
    "code on cards": _each_card(lambda parts: _replaced(parts, buttons(CODE))),
    "three buttons": _each_card(
        lambda parts: _replaced(parts, buttons(*_quick("uno", "dos", "tres")))
    ),
    "label too long": _each_card(lambda parts: _replaced(parts, buttons(*_quick("x" * 26)))),
    **_part("beside the carousel", footer("uno"), header("uno"), buttons(*_quick("uno"))),
    **_key("category", "UTILITY"),
}


def _offer_text(text):
    def mutate(template):
        part_of(template, "LIMITED_TIME_OFFER")["limited_time_offer"]["text"] = text

    return mutate


_OF_OFFERS = {
    "no text": _offer_text(""),
    "text too long": _offer_text("x" * 17),
    "text with a variable": _offer_text("uno {{1}}"),
    **_part("with the offer", footer("uno"), header("uno"), {**IMAGE, "format": "DOCUMENT"}),
    **_part("the offer's", buttons(CODE), _body("x" * 601)),
    **_key("category", "UTILITY"),
}
_OF_AUTHENTICATION = _part(
    "authentication", _body("Su código es {{1}} por hoy", "1"), IMAGE, footer("uno"),
    {"type": "FOOTER", "code_expiration_minutes": 0},
    {"type": "FOOTER", "code_expiration_minutes": 91},
    buttons(), buttons(*_quick("uno")), buttons({"type": "OTP", "otp_type": "X"}),
)  # fmt: skip


def mutations(template):
    """{name: function that breaks the template} for a template of its kind."""
    if template["category"] == "AUTHENTICATION":
        return {**_ALWAYS, **_OF_AUTHENTICATION}
    if part_of(template, "CAROUSEL"):
        return {**_ALWAYS, **_OF_CAROUSELS}
    found = {**_ALWAYS, **_OF_TEXTS, **_OF_BUTTONS}
    return {**found, **_OF_OFFERS} if part_of(template, "LIMITED_TIME_OFFER") else found


@st.composite
def broken_templates(draw):
    """(name of the mutation, keyword arguments of judge_template)."""
    template = draw(templates())
    known = mutations(template)
    name = draw(st.sampled_from(sorted(known)))
    template = deepcopy(template)
    known[name](template)
    return name, template


# === Anything ===

_FIXED = (
    "{{1}}", "{{2}}", "{{3}}", "{{name}}", "{{ 1 }}", "{{", "}}", "{", "}", " ", "\n", ".", "¡",
    "uno ", " dos", "漢字", "ไทย", "مرحبا ", "\u200f", "\u00a0", "x" * 20, "y" * 60,
)  # fmt: skip
PIECES = st.one_of(st.sampled_from((*_FIXED, *CLUSTERS)), ANY_TEXT)
ANY_PIECES = st.lists(PIECES, max_size=14).map("".join)


@st.composite
def any_templates(draw):
    """A template whose texts are anything, most with samples for what is in them."""
    named = draw(st.booleans())
    around = draw(
        st.sampled_from(("%s", "uno dos tres %s cuatro cinco", "uno %s dos", "漢字%s漢字"))
    )
    text = around % draw(ANY_PIECES)
    components = [with_text({"type": "BODY"}, text, draw(_any_samples("body", text, named)))]
    if draw(st.booleans()):
        text = draw(ANY_PIECES)
        part = {"type": "HEADER", "format": "TEXT"}
        components.append(with_text(part, text, draw(_any_samples("header", text, named))))
    if draw(st.booleans()):
        components.append(footer(draw(ANY_PIECES)))
    if draw(st.booleans()):
        components.append(buttons(*draw(st.lists(any_buttons(), max_size=3))))
    return {
        "name": draw(_mostly("offer", ANY_PIECES)),
        "language": draw(_mostly("es", st.text("aes_M", max_size=5))),
        "category": draw(st.sampled_from(("MARKETING", "UTILITY"))),
        "parameter_format": "NAMED" if named else "POSITIONAL",
        "components": components,
    }


def _mostly(value, others):
    return st.integers(0, 9).flatmap(lambda one: others if one == 0 else st.just(value))


@st.composite
def _any_samples(draw, kind, text, named):
    """Samples for each variable of a text, or none, one too few or one too many."""
    names = list(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", text)))
    count = len(names) + draw(_mostly(0, st.sampled_from((-1, 1))))
    samples = draw(st.lists(SAMPLE, min_size=max(count, 0), max_size=max(count, 0)))
    if not samples and draw(_mostly(True, st.just(False))):
        return None
    if named:
        names = [*names, "other"][: len(samples)]
        return {f"{kind}_text_named_params": [
            {"param_name": name, "example": sample}
            for name, sample in zip(names, samples, strict=True)
        ]}  # fmt: skip
    return {f"{kind}_text": [samples] if kind == "body" else samples}


@st.composite
def any_buttons(draw):
    label = draw(st.one_of(WORD, WORD, ANY_PIECES))
    kind = draw(st.sampled_from(("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW")))
    values = {
        "URL": lambda: {
            "url": draw(st.sampled_from(("https://a.example/", "https://", "")))
            + draw(_mostly("{{1}}", ANY_PIECES)),
            "example": draw(st.sampled_from((["x"], [], None))),
        },
        "PHONE_NUMBER": lambda: {"phone_number": draw(st.text("+0123456789 ", max_size=24))},
        "COPY_CODE": lambda: {"example": draw(st.text("AB12", max_size=24))},
        "FLOW": lambda: {"flow_id": draw(st.sampled_from(("123", "")))},
    }
    return {"type": kind, "text": label, **values.get(kind, dict)()}
