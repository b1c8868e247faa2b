import copy
import hashlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    ParameterCheck,
    ParameterProblem,
    TemplateVariable,
    clean_parameter,
    payloads,
    render_preview,
    signature,
    template_message,
    template_variables,
    text_message,
    unsupported_parts,
)

from ..pure import PureCase

# A slow machine must not fail a test.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Shapes as `GET /{waba}/message_templates` lists them: Meta's OpenAPI file v23.0 (2025-11-21) and
# the Template components page (2025-11-21).
POSITIONAL = [
    {
        "type": "HEADER",
        "format": "TEXT",
        "text": "Our {{1}} is on!",
        "example": {"header_text": ["Summer Sale"]},
    },
    {
        "type": "BODY",
        "text": "Hello {{2}}, {{1}} off until {{2}}.",
        "example": {"body_text": [["25%", "Ana"]]},
    },
    {"type": "FOOTER", "text": "Furniture & more"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop promotions"},
            {
                "type": "URL",
                "text": "Shop now",
                "url": "https://shop.example/{{1}}",
                "example": ["https://shop.example/autumn"],
            },
            {"type": "URL", "text": "About us", "url": "https://shop.example/about"},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+34600000000"},
            {"type": "COPY_CODE", "text": "Copy code", "example": "25OFF"},
        ],
    },
]
NAMED = [
    {
        "type": "HEADER",
        "format": "TEXT",
        "text": "For {{first_name}}",
        "example": {"header_text_named_params": [{"param_name": "first_name", "example": "Ana"}]},
    },
    {
        "type": "BODY",
        "text": "{{first_name}}, {{ salesperson }} writes.",
        "example": {
            "body_text_named_params": [
                {"param_name": "first_name", "example": "Ana"},
                {"param_name": "salesperson", "example": "Leo"},
                None,
            ]
        },
    },
]
FILLED = {
    "header": {"type": "text", "values": ["Autumn Sale"]},
    "body": [{"name": "1", "value": "10%"}, {"name": "2", "value": "Ana"}],
    "buttons": [
        {"index": 0, "sub_type": "quick_reply", "value": "STOP_PROMO"},
        {"index": 1, "sub_type": "url", "value": "autumn?u=1"},
        {"index": 4, "sub_type": "copy_code", "value": "10OFF"},
    ],
}


def header(kind):
    return [{"type": "HEADER", "format": kind, "example": {"header_handle": ["https://x/1"]}}]


class TestTemplateMessage(PureCase):
    def test_positional(self):
        message = template_message("+34600000000", "offer", "es", FILLED, "positional", "uuid-1")
        self.assertEqual(
            message,
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "+34600000000",
                "biz_opaque_callback_data": "uuid-1",
                "type": "template",
                "template": {
                    "name": "offer",
                    "language": {"code": "es"},
                    "components": [
                        {"type": "header", "parameters": [{"type": "text", "text": "Autumn Sale"}]},
                        {
                            "type": "body",
                            "parameters": [
                                {"type": "text", "text": "10%"},
                                {"type": "text", "text": "Ana"},
                            ],
                        },
                        {
                            "type": "button",
                            "sub_type": "quick_reply",
                            "index": "0",
                            "parameters": [{"type": "payload", "payload": "STOP_PROMO"}],
                        },
                        {
                            "type": "button",
                            "sub_type": "url",
                            "index": "1",
                            "parameters": [{"type": "text", "text": "autumn?u=1"}],
                        },
                        {
                            "type": "button",
                            "sub_type": "copy_code",
                            "index": "4",
                            "parameters": [{"type": "coupon_code", "coupon_code": "10OFF"}],
                        },
                    ],
                },
            },
        )

    def test_order_of_positional_parameters_is_their_number(self):
        body = [{"name": str(number), "value": f"v{number}"} for number in (10, 2, 1)]
        message = template_message("+34600000000", "offer", "es", {"body": body})
        (component,) = message["template"]["components"]
        self.assertEqual(
            [parameter["text"] for parameter in component["parameters"]], ["v1", "v2", "v10"]
        )

    def test_named(self):
        parameters = {
            "header": {"type": "text", "values": [{"name": "first_name", "value": "Ana"}]},
            "body": [{"name": "first_name", "value": "Ana"}, {"name": "n", "value": 3}],
        }
        message = template_message("+34600000000", "offer", "es", parameters, "NAMED")
        header_part, body_part = message["template"]["components"]
        self.assertEqual(
            header_part["parameters"],
            [{"type": "text", "text": "Ana", "parameter_name": "first_name"}],
        )
        self.assertEqual(
            body_part["parameters"][1], {"type": "text", "text": "3", "parameter_name": "n"}
        )

    def test_headers(self):
        cases = [
            ({"type": "image", "id": "5", "link": "https://x"}, {"image": {"id": "5"}}),
            (
                {"type": "image", "link": "https://x", "filename": "a"},
                {"image": {"link": "https://x"}},
            ),
            ({"type": "video", "link": "https://x"}, {"video": {"link": "https://x"}}),
            (
                {"type": "document", "link": "https://x", "filename": "a.pdf"},
                {"document": {"link": "https://x", "filename": "a.pdf"}},
            ),
            (
                {"type": "location", "latitude": 0, "longitude": 2.5, "name": "Shop"},
                {"location": {"latitude": 0, "longitude": 2.5, "name": "Shop"}},
            ),
        ]
        for given_header, expected in cases:
            with self.subTest(given_header):
                message = template_message("+346", "offer", "es", {"header": given_header})
                (component,) = message["template"]["components"]
                self.assertEqual(
                    component["parameters"], [{"type": given_header["type"], **expected}]
                )

    def test_nothing_to_fill(self):
        empty = {"header": {}, "body": [], "buttons": []}
        unset = {"buttons": [{"index": 0, "sub_type": "quick_reply", "value": False}]}
        for parameters in (None, {}, empty, unset):
            with self.subTest(parameters):
                message = template_message("+346", "offer", "es", parameters)
                self.assertNotIn("components", message["template"])
                self.assertNotIn("biz_opaque_callback_data", message)

    def test_address(self):
        cases = [
            (dict(to="34600000000"), {"to": "+34600000000"}),
            (dict(to="+34600000000"), {"to": "+34600000000"}),
            (dict(to="", user_uid="ES.9A"), {"recipient": "ES.9A"}),
            (dict(to="+346", user_uid="ES.9A"), {"to": "+346", "recipient": "ES.9A"}),
        ]
        for arguments, expected in cases:
            with self.subTest(arguments):
                message = template_message(name="offer", language="es", **arguments)
                found = {key: message[key] for key in ("to", "recipient") if key in message}
                self.assertEqual(found, expected)

    def test_refuses(self):
        cases = [
            dict(to=""),
            dict(to=None),
            dict(to="+346", opaque="x" * 513),
            dict(to="+346", parameters={"header": {"type": "sticker"}}),
            dict(to="+346", parameters={"buttons": [{"sub_type": "voice_call", "value": "x"}]}),
        ]
        for arguments in cases:
            with self.subTest(arguments), self.assertRaises(ValueError):
                template_message(name="offer", language="es", **arguments)
        template_message("+346", "offer", "es", opaque="x" * 512)


class TestTextMessage(PureCase):
    def test_body(self):
        message = text_message("+34600000000", "Hola", "uuid-1", True, "wamid.A")
        self.assertEqual(
            message,
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "+34600000000",
                "biz_opaque_callback_data": "uuid-1",
                "type": "text",
                "text": {"preview_url": True, "body": "Hola"},
                "context": {"message_id": "wamid.A"},
            },
        )
        message = text_message("", "Hola", user_uid="ES.9A")
        self.assertEqual(message["recipient"], "ES.9A")
        self.assertNotIn("context", message)

    def test_refuses(self):
        for body in ("", None, "x" * 4097):
            with self.subTest(body=body), self.assertRaises(ValueError):
                text_message("+346", body)


class TestOptions(PureCase):
    def _interactive(self, options, body="¿Va?"):
        return payloads.options_message("+346", body, options, "Ver opciones")["interactive"]

    def test_buttons_where_they_fit_else_a_list(self):
        for options, kind in [
            (["Sí"], "button"),
            (["Sí", "No", "Otro día"], "button"),
            (["x" * 20], "button"),
            (["x" * 21], "list"),
            (list("abcd"), "list"),
            (list("abcdefghij"), "list"),
        ]:
            with self.subTest(options=options):
                interactive = self._interactive(options)
                self.assertEqual(interactive["type"], kind)
                action = interactive["action"]
                titles = (
                    [button["reply"]["title"] for button in action["buttons"]]
                    if kind == "button"
                    else [row["title"] for row in action["sections"][0]["rows"]]
                )
                self.assertEqual(titles, options)

    def test_refuses(self):
        for options in ([], list("abcdefghijk"), ["x" * 25], [""], ["a", "a"]):
            with self.subTest(options=options), self.assertRaises(ValueError):
                self._interactive(options)
        for body in ("", None, "x" * 1025):
            with self.subTest(body=body), self.assertRaises(ValueError):
                self._interactive(["a"], body)


class TestReactionsAndReports(PureCase):
    def test_a_reaction_and_its_removal(self):
        for emoji in ("👍", ""):
            message = payloads.reaction_message("", "wamid.A", emoji, "uuid/1", "ES.9A")
            self.assertEqual(message["reaction"], {"message_id": "wamid.A", "emoji": emoji})
            self.assertEqual((message["type"], message["recipient"]), ("reaction", "ES.9A"))

    def test_a_report_names_one_message_and_no_recipient(self):
        self.assertEqual(
            payloads.read_report("wamid.A"),
            {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"},
        )
        typing = payloads.read_report("wamid.A", True)
        self.assertEqual(typing["typing_indicator"], {"type": "text"})

    def test_a_block_names_a_number_or_else_a_user_id(self):
        for arguments, person in [
            (("+34600000000",), {"user": "+34600000000"}),
            (("34600000000", "ES.9A"), {"user": "+34600000000"}),
            (("", "ES.9A"), {"user_id": "ES.9A"}),
        ]:
            with self.subTest(arguments):
                self.assertEqual(payloads.block_list(*arguments)["block_users"], [person])

    def test_refuses(self):
        for call in (
            lambda: payloads.reaction_message("+346", "", "👍"),
            lambda: payloads.read_report(""),
            lambda: payloads.block_list(""),
        ):
            with self.assertRaises(ValueError):
                call()


class TestVariables(PureCase):
    def test_positional(self):
        self.assertEqual(
            template_variables(POSITIONAL),
            [
                TemplateVariable("header", None, "1", "text", "Summer Sale", "{{1}}"),
                TemplateVariable("body", None, "1", "text", "25%", "{{1}}"),
                TemplateVariable("body", None, "2", "text", "Ana", "{{2}}"),
                TemplateVariable("button", 0, "payload", "payload", "", "Stop promotions"),
                TemplateVariable(
                    "button", 1, "1", "url", "https://shop.example/autumn", "Shop now"
                ),
                TemplateVariable("button", 4, "coupon", "coupon", "25OFF", "Copy code"),
            ],
        )

    def test_named(self):
        self.assertEqual(
            [(var.component, var.name, var.example) for var in template_variables(NAMED, "named")],
            [
                ("header", "first_name", "Ana"),
                ("body", "first_name", "Ana"),
                ("body", "salesperson", "Leo"),
            ],
        )

    def test_only_payloads_may_stay_empty(self):
        required = {var.kind: var.required for var in template_variables(POSITIONAL)}
        self.assertEqual(required, {"text": True, "url": True, "coupon": True, "payload": False})

    def test_header_kinds(self):
        for kind, name in (("IMAGE", "link"), ("VIDEO", "link"), ("DOCUMENT", "link")):
            (variable,) = template_variables(header(kind))
            self.assertEqual(
                (variable.name, variable.kind, variable.example),
                (name, kind.lower(), "https://x/1"),
            )
        place = template_variables(header("LOCATION"))
        self.assertEqual(
            [(one.name, one.required) for one in place],
            [("latitude", True), ("longitude", True), ("name", False), ("address", False)],
        )
        (moving,) = template_variables(header("GIF"))
        self.assertEqual((moving.name, moving.kind), ("link", "gif"))
        self.assertEqual(template_variables(header("STICKER")), [])

    def test_odd_components(self):
        cases = [
            None,
            {},
            [None, "x", {}],
            [{"type": "BODY"}],
            [{"type": "BODY", "text": "{{1}}", "example": {"body_text": "Ana"}}],
            [{"type": "BUTTONS", "buttons": None}],
            [{"type": "BUTTONS", "buttons": [None, {"type": "URL"}]}],
            [{"type": "HEADER", "format": "IMAGE", "example": []}],
        ]
        for components in cases:
            with self.subTest(components):
                for variable in template_variables(components):
                    self.assertIn(variable.component, ("header", "body"))

    def test_a_template_without_cards_keeps_its_signature(self):
        """Running campaigns have stored it: another one would stop them."""
        shape = [True, [["body", None, "a", "text"]]]
        expected = hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]
        self.assertEqual(signature([{"type": "BODY", "text": "{{a}}"}], "named"), expected)

    def test_unsupported_parts(self):
        self.assertEqual(unsupported_parts(POSITIONAL + NAMED), [])
        components = [
            {"type": "HEADER", "format": "GIF"},
            {"type": "ORDER_BUTTON"},
            {
                "type": "CAROUSEL",
                "cards": [
                    {
                        "components": [
                            {"type": "HEADER", "format": "STICKER"},
                            {"type": "BUTTONS", "buttons": [{"type": "SPM"}, {"type": "PAY"}]},
                        ]
                    }
                ],
            },
            {"type": "BUTTONS", "buttons": [{"type": "ORDER_DETAILS"}, {"type": "URL"}]},
        ]
        self.assertEqual(
            unsupported_parts(components),
            ["button: order_details", "button: pay", "header: gif", "header: sticker",
             "order_button"],
        )  # fmt: skip

    def test_signature_follows_the_variables_only(self):
        known = signature(POSITIONAL)
        self.assertRegex(known, r"^[0-9a-f]{16}$")
        reworded = copy.deepcopy(POSITIONAL)
        reworded[1]["text"] = "{{1}} off, {{2}}!"
        reworded[1]["example"] = {}
        self.assertEqual(signature(reworded), known)
        changes = [
            lambda parts: parts[1].update(text="Only {{1}}"),
            lambda parts: parts[0].update(format="IMAGE"),
            lambda parts: parts[3]["buttons"].pop(0),
            lambda parts: parts.pop(0),
        ]
        for change in changes:
            changed = copy.deepcopy(POSITIONAL)
            change(changed)
            self.assertNotEqual(signature(changed), known)
        self.assertNotEqual(signature(POSITIONAL, "named"), known)


class TestPreview(PureCase):
    def test_filled(self):
        preview = render_preview(POSITIONAL, FILLED)
        self.assertEqual(
            (preview.header, preview.body, preview.footer, preview.header_type),
            ("Our Autumn Sale is on!", "Hello Ana, 10% off until Ana.", "Furniture & more", "text"),
        )
        self.assertEqual(
            preview.buttons,
            (
                ("quick_reply", "Stop promotions"),
                ("url", "Shop now"),
                ("url", "About us"),
                ("phone_number", "Call"),
                ("copy_code", "Copy code"),
            ),
        )

    def test_missing_values_stay_visible(self):
        preview = render_preview(POSITIONAL, {"body": [{"name": "2", "value": "Ana"}]})
        self.assertEqual(preview.body, "Hello Ana, {{1}} off until Ana.")
        self.assertEqual(preview.header, "Our {{1}} is on!")
        self.assertEqual(render_preview(POSITIONAL).body, POSITIONAL[1]["text"])

    def test_named(self):
        parameters = {
            "header": {"type": "text", "values": ["Ana"]},
            "body": [{"name": "first_name", "value": "Ana"}, "Leo"],
        }
        preview = render_preview(NAMED, parameters, "named")
        self.assertEqual((preview.header, preview.body), ("For Ana", "Ana, Leo writes."))

    def test_a_value_is_not_filled_again(self):
        body = [{"name": "1", "value": "{{2}}"}, {"name": "2", "value": "Ana"}]
        preview = render_preview(POSITIONAL, {"body": body})
        self.assertEqual(preview.body, "Hello Ana, {{2}} off until Ana.")

    def test_media_header(self):
        preview = render_preview(
            header("DOCUMENT"), {"header": {"type": "document", "filename": "a.pdf", "id": "5"}}
        )
        self.assertEqual((preview.header, preview.header_type), ("a.pdf", "document"))
        preview = render_preview([])
        self.assertEqual((preview.header_type, preview.buttons), ("", ()))


def problems(components, parameters=None, parameter_format="positional"):
    found = ParameterCheck(components, parameter_format).problems(parameters)
    return [(part.component, part.button_index, part.name, part.problem) for part in found]


class TestValidation(PureCase):
    def test_all_well(self):
        self.assertEqual(problems(POSITIONAL, FILLED), [])
        without_payload = {**FILLED, "buttons": FILLED["buttons"][1:]}
        self.assertEqual(problems(POSITIONAL, without_payload), [])

    def test_missing(self):
        self.assertEqual(
            problems(POSITIONAL),
            [
                ("header", None, "1", "missing"),
                ("body", None, "1", "missing"),
                ("body", None, "2", "missing"),
                ("button", 1, "1", "missing"),
                ("button", 4, "coupon", "missing"),
            ],
        )

    def test_texts(self):
        body = [{"type": "BODY", "text": "Hello {{1}}"}]
        cases = {
            "": ["missing"],
            "   ": ["missing"],
            "a\nb": ["newline"],
            "a\r": ["newline"],
            "a\tb": ["tab"],
            "a    b": ["spaces"],
            "a   b": [],
            "x" * 1018: [],
            "x" * 1019: ["too_long"],
        }
        for value, expected in cases.items():
            with self.subTest(value=value[:10]):
                found = problems(body, {"body": [{"name": "1", "value": value}]})
                self.assertEqual([problem for *_key, problem in found], expected)

    def test_too_long_header_and_coupon(self):
        parameters = {
            **FILLED,
            "header": {"type": "text", "values": ["x" * 60]},
            "buttons": [*FILLED["buttons"][:2], {"index": 4, "value": "x" * 21}],
        }
        self.assertEqual(
            problems(POSITIONAL, parameters),
            [("button", 4, "coupon", "too_long"), ("header", None, "", "too_long")],
        )

    @unhurried
    @given(*[st.sampled_from(["", "Ana", "Anas", "x" * 49, "x" * 50, "{{2}}", "y" * 500])] * 3)
    def test_a_text_is_too_long_when_its_preview_is(self, header_value, first, second):
        parameters = {
            "header": {"type": "text", "values": [header_value]},
            "body": [{"name": "1", "value": first}, {"name": "2", "value": second}],
        }
        preview = render_preview(POSITIONAL, parameters)
        limits = (("body", len(preview.body), 1024), ("header", len(preview.header), 60))
        self.assertEqual(
            [part for part, *_rest, problem in problems(POSITIONAL, parameters)
             if problem == "too_long"],
            [part for part, length, limit in limits if length > limit],
        )  # fmt: skip

    def test_plain_values_are_judged_as_frozen_ones(self):
        check = ParameterCheck(POSITIONAL)
        keys = {variable.key: variable.kind for variable in template_variables(POSITIONAL)}
        for text in ("Ana", "", " ", "a\nb", "a\tb", "a    b", "x" * 30, "x" * 1025):
            with self.subTest(text[:10]):
                frozen = {
                    "header": {"type": "text", "values": [{"name": "1", "value": text}]},
                    "body": [{"name": name, "value": text} for name in ("1", "2")],
                    "buttons": [{"index": index, "value": text} for index in (0, 1, 4)],
                }
                self.assertEqual(
                    check.value_problems(dict.fromkeys(keys, text)), check.problems(frozen)
                )
        self.assertEqual(
            check.value_problems({**dict.fromkeys(keys, "Ana"), ("body", None, "3", None): "Leo"}),
            [ParameterProblem("body", None, "3", "unexpected")],
        )

    def test_unexpected(self):
        body = [{"type": "BODY", "text": "Hello {{1}}"}]
        parameters = {
            "header": {"type": "image", "id": "5"},
            "body": [{"name": "1", "value": "Ana"}, {"name": "2", "value": "Leo"}],
            "buttons": [
                {"index": 0, "sub_type": "url", "value": "x"},
                {"index": 1, "sub_type": "quick_reply", "value": ""},
            ],
        }
        self.assertEqual(
            problems(body, parameters),
            [
                ("body", None, "2", "unexpected"),
                ("button", 0, "", "unexpected"),
                ("header", None, "link", "unexpected"),
            ],
        )

    def test_media_and_location(self):
        cases = [
            ("IMAGE", {"type": "image", "link": "https://x"}, []),
            ("IMAGE", {"type": "image", "id": "5"}, []),
            ("IMAGE", {"type": "image"}, [("header", None, "link", "missing")]),
            ("IMAGE", {}, [("header", None, "link", "missing")]),
            ("LOCATION", {"type": "location", "latitude": 0, "longitude": 0}, []),
            (
                "LOCATION",
                {"type": "location", "latitude": 1},
                [("header", None, "longitude", "missing")],
            ),
            (
                "LOCATION",
                {"type": "location", "latitude": "90.1", "longitude": "40,4"},
                [
                    ("header", None, "latitude", "not_coordinate"),
                    ("header", None, "longitude", "not_coordinate"),
                ],
            ),
            *(
                ("VIDEO", {"type": "video", "link": link}, [("header", None, "link", problem)])
                for link, problem in (
                    ("www.shop.example/a.mp4", "not_address"), ("ftp://x/a.mp4", "not_address"),
                    ("https://", "not_address"), ("https:///a", "not_address"),
                    ("https://x/a b.mp4", "not_address"), ("javascript:alert(1)", "not_address"),
                    (" ", "missing"),
                )
            ),
        ]  # fmt: skip
        for kind, given_header, expected in cases:
            with self.subTest(given_header):
                self.assertEqual(problems(header(kind), {"header": given_header}), expected)

    @unhurried
    @given(st.text())
    def test_cleaned_text_is_never_refused(self, text):
        cleaned = clean_parameter(text)
        self.assertEqual(clean_parameter(cleaned), cleaned)
        body = [{"type": "BODY", "text": "{{1}}"}]
        found = problems(body, {"body": [{"name": "1", "value": cleaned}]})
        allowed = {"missing"} if not cleaned.strip() else {"too_long"}
        self.assertLessEqual({problem for *_key, problem in found}, allowed)

    def test_clean_parameter(self):
        cases = {
            "  Ana \n\n María\t": "Ana María",
            "a\r\nb": "a b",
            "a\u2028b": "a b",
            "1\u202f000\u00a0€": "1\u202f000\u00a0€",
            None: "",
            False: "",
            12: "12",
        }
        for value, expected in cases.items():
            with self.subTest(value=value):
                self.assertEqual(clean_parameter(value), expected)

    @unhurried
    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["type", "format", "text", "buttons", "example", "url"]),
                st.sampled_from(["HEADER", "BODY", "BUTTONS", "TEXT", "IMAGE", "{{1}}", "{{a}}"])
                | st.none()
                | st.lists(
                    st.dictionaries(
                        st.sampled_from(["type", "url", "text", "example"]),
                        st.sampled_from(["URL", "COPY_CODE", "{{1}}", None, 5]),
                    )
                ),
            )
        ),
        st.sampled_from(["positional", "named", None]),
    )
    def test_any_components_can_be_read(self, components, parameter_format):
        variables = template_variables(components, parameter_format)
        missing = [key for *key, problem in problems(components, {}, parameter_format)]
        self.assertEqual(
            missing,
            [[var.component, var.button_index, var.name] for var in variables if var.required],
        )
        self.assertIsInstance(render_preview(components, FILLED, parameter_format).body, str)
        unsupported_parts(components)
