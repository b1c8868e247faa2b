"""A template's content and Meta's components: each comes back from the other as it was."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    build_components,
    is_content,
    read_components,
    same_texts,
    template_texts,
    template_variables,
    variable_names,
)

from ..pure import PureCase

OURS = "https://crm.example/r/{{1}}"
TEXT = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00{}"), min_size=1
)
NAMES = {
    "named": st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True),
    "positional": st.integers(1, 12).map(str),
}
MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")


@st.composite
def texts(draw, place, parameter_format):
    """A HEADER or BODY whose variables have samples, or none of them."""
    names = draw(st.lists(NAMES[parameter_format], unique=True, max_size=4))
    text = draw(TEXT) + "".join(f" {{{{{name}}}}} {draw(TEXT)}" for name in names)
    component = {"type": place.upper(), "text": text}
    if place == "header":
        component["format"] = "TEXT"
    if names and draw(st.booleans()):
        samples = {name: draw(TEXT) for name in names}
        if parameter_format == "named":
            pairs = [{"param_name": name, "example": samples[name]} for name in names]
            component["example"] = {f"{place}_text_named_params": pairs}
        else:
            values = [samples[name] for name in sorted(names, key=int)]
            component["example"] = {f"{place}_text": [values] if place == "body" else values}
    return component


@st.composite
def headers(draw, parameter_format):
    kind = draw(st.sampled_from(("TEXT", *MEDIA, "LOCATION", "PRODUCT")))
    if kind == "TEXT":
        return draw(texts("header", parameter_format))
    header = {"type": "HEADER", "format": kind}
    if kind in MEDIA and draw(st.booleans()):
        header["example"] = {"header_handle": [draw(TEXT)]}
    return header


def button(kind, **keys):
    return st.fixed_dictionaries({"type": st.just(kind), **keys})


ONE = st.lists(TEXT, min_size=1, max_size=1)
BUTTONS = st.one_of(
    button("QUICK_REPLY", text=TEXT),
    button("URL", text=TEXT, url=st.just("https://shop.example/sofas")),
    button("URL", text=TEXT, url=st.just("https://shop.example/{{1}}"), example=ONE),
    button("URL", text=TEXT, url=st.just(OURS), example=st.just(["https://crm.example/r/a"])),
    button("PHONE_NUMBER", text=TEXT, phone_number=st.just("+34600000000")),
    button("COPY_CODE", example=TEXT),
    button("COPY_CODE", text=TEXT, example=ONE),
    button(
        "FLOW", text=TEXT, flow_id=st.just("17"), flow_action=st.just("navigate"),
        navigate_screen=TEXT,
    ),
    button("FLOW", text=TEXT, flow_id=st.integers(1, 10**18)),
    button("REQUEST_CONTACT_INFO", text=TEXT),
    button("CATALOG", text=TEXT),
    button("MPM", text=TEXT),
    button("SPM", text=TEXT),
    button("VOICE_CALL", text=TEXT, ttl_minutes=st.integers(1, 9)),
)  # fmt: skip
BUTTON_LISTS = st.lists(BUTTONS, min_size=1, max_size=10)


@st.composite
def cards(draw, parameter_format):
    handle = st.fixed_dictionaries({"header_handle": st.lists(TEXT, min_size=1, max_size=1)})
    header = {"type": "HEADER", "format": draw(st.sampled_from(("IMAGE", "VIDEO", "PRODUCT")))}
    if header["format"] != "PRODUCT":
        header["example"] = draw(handle)
    parts = [header, draw(texts("body", parameter_format))]
    if draw(st.booleans()):
        parts.append(
            {"type": "BUTTONS", "buttons": draw(st.lists(BUTTONS, min_size=1, max_size=2))}
        )
    return {"components": parts}


@st.composite
def templates(draw):
    """(components as Meta lists them, their format) of any kind."""
    parameter_format = draw(st.sampled_from(("named", "positional")))
    parts = [draw(headers(parameter_format))] if draw(st.booleans()) else []
    layout = draw(st.sampled_from(("standard", "offer", "carousel")))
    if layout == "offer":
        offer = {"text": draw(TEXT), "has_expiration": draw(st.booleans())}
        parts.append({"type": "LIMITED_TIME_OFFER", "limited_time_offer": offer})
    parts.append(draw(texts("body", parameter_format)))
    if draw(st.booleans()):
        parts[-1]["add_security_recommendation"] = True
    if layout == "standard" and draw(st.booleans()):
        parts.append({"type": "FOOTER", "text": draw(TEXT)})
    if layout == "carousel":
        shown = draw(st.lists(cards(parameter_format), min_size=2, max_size=4))
        parts.append({"type": "CAROUSEL", "cards": shown})
    if draw(st.booleans()):
        parts.append({"type": "BUTTONS", "buttons": draw(BUTTON_LISTS)})
    if draw(st.booleans()):
        parts.append({"type": "CALL_PERMISSION_REQUEST"})
    return parts, parameter_format


class TestRoundTrip(PureCase):
    @given(templates(), st.sampled_from(("", OURS)))
    @settings(max_examples=300, deadline=None)
    def test_what_meta_lists_is_built_again(self, template, own):
        components, parameter_format = template
        content = read_components(components, parameter_format, own)
        content = json.loads(json.dumps(content))
        self.assertEqual(build_components(content, parameter_format, own), components)
        self.assertTrue(is_content(content))

    @given(templates())
    @settings(max_examples=100, deadline=None)
    def test_the_content_is_read_again(self, template):
        components, parameter_format = template
        content = read_components(components, parameter_format, OURS)
        built = build_components(content, parameter_format, OURS)
        self.assertEqual(read_components(built, parameter_format, OURS), content)
        self.assertTrue(same_texts(built, components, parameter_format))

    @given(templates())
    @settings(max_examples=100, deadline=None)
    def test_its_variables_are_those_of_the_list(self, template):
        components, parameter_format = template
        [body] = [part for part in components if part["type"] == "BODY"]
        listed = [variable.name for variable in template_variables([body], parameter_format)]
        self.assertEqual(variable_names(body["text"], parameter_format), listed)


class TestContent(PureCase):
    def test_one_text_more_or_less_is_another_template(self):
        base = [
            {"type": "BODY", "text": "Hola {{1}}, hay novedades."},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Ver", "url": "https://a.example"}]},
        ]  # fmt: skip
        same = [{**base[0], "example": {"body_text": [["Ana"]]}}, base[1]]
        self.assertTrue(same_texts(base, same))
        for other in (
            [{**base[0], "text": "Hola {{1}}, hay ofertas."}, base[1]],
            base[:1],
            [base[0], {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Ver", "url": "https://b.example"}]}],
            [*base, {"type": "FOOTER", "text": "BAJA"}],
        ):  # fmt: skip
            with self.subTest(other=other):
                self.assertFalse(same_texts(base, other))

    def test_a_sample_of_a_variable_that_is_gone_is_not_sent(self):
        content = {"body": "Hola {{name}}.", "body_samples": {"name": "Ana", "city": "Lugo"}}
        [body] = build_components(content)
        pairs = body["example"]["body_text_named_params"]
        self.assertEqual(pairs, [{"param_name": "name", "example": "Ana"}])

    def test_places_are_those_of_findings(self):
        content = {
            "header_type": "text", "header_text": "H", "body": "B", "footer": "F",
            "offer": {"text": "O"},
            "buttons": [{"kind": "url", "text": "U"}, {"kind": "copy_code", "example": "X"}],
            "cards": [{"body": "C", "buttons": [{"kind": "quick_reply", "text": "Q"}]}],
        }  # fmt: skip
        self.assertEqual(
            dict(template_texts(content)),
            {
                "header": "H", "body": "B", "footer": "F", "offer": "O", "button:0": "U",
                "card:0.body": "C", "card:0.button:0": "Q",
            },
        )  # fmt: skip

    def test_what_no_editor_wrote_is_refused(self):
        for parts in (
            {"buttons": "x"}, {"buttons": ["x"]}, {"buttons": [{"text": ["x"]}]},
            {"cards": {"a": 1}}, {"cards": [[]]}, {"cards": [{"buttons": [1]}]},
            {"cards": [{"cards": [{}]}]}, {"variables": {"body": []}},
            {"variables": {"body": {"name": "Ana"}}}, {"buttons": [{}] * 31},
        ):  # fmt: skip
            with self.subTest(parts=parts):
                self.assertFalse(is_content(parts))
