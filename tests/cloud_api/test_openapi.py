"""What we send and what the simulator answers, held against Meta's own OpenAPI file.

The file is of 2025-11 and contradicts Meta's documentation in places; those are listed here one by
one, with what the documentation says, and nothing else may differ.
"""

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from odoo.addons.waba_campaign.cloud_api import payloads

from ..common import APP_UID, NUMBER_ES, TOKEN, VERIFY_TOKEN, WABA_UID, Simulator
from ..pure import PureCase

SPECIFICATION = json.loads(Path(__file__).parents[1].joinpath("openapi_messages.json").read_text())

# Its text message allows no property but its own two, although it extends the common ones.
CLOSED_TEXT = "$: additionalProperties"
# Its pattern is a character class: it refuses 0 and 1, Meta's own examples (Send templates page).
INDEX_PATTERN = "index: pattern"
# `policy` is required there; Meta's pages and examples send the code alone (Templates, 2025-12-05).
LANGUAGE_POLICY = "$.template.language: required"
# CONNECTED, which Meta's numbers have, is missing from the list (reference of 2025-11-21).
NUMBER_STATUS = "status: enum"


def disagreements(call, document):
    """{'path: keyword'} for each place where `document` is not what the file says."""
    schema = {**SPECIFICATION["calls"][call], "components": SPECIFICATION["components"]}
    return {
        f"{error.json_path}: {error.validator}"
        for error in Draft202012Validator(schema).iter_errors(document)
    }


class TestRequests(PureCase):
    def test_a_text_message_is_what_meta_takes(self):
        for body in (
            payloads.text_message("+34600000000", "Hola"),
            payloads.text_message("+34600000000", "Hola", opaque="a/1", reply_to="wamid.X"),
        ):
            with self.subTest(body=body):
                self.assertEqual(
                    disagreements("POST /{Phone-Number-ID}/messages: text", body), {CLOSED_TEXT}
                )

    def test_reactions_and_options_are_what_meta_takes(self):
        for kind, body in (
            ("reaction", payloads.reaction_message("+34600000000", "wamid.X", "👍", "a/1")),
            ("reaction", payloads.reaction_message("+34600000000", "wamid.X", "")),
            ("interactive", payloads.options_message("+34600000000", "¿Va?", ["Sí", "No"], "Ver")),
            ("interactive", payloads.options_message("+34600000000", "¿Va?", list("abcd"), "Ver")),
        ):
            with self.subTest(body=body):
                found = disagreements(f"POST /{{Phone-Number-ID}}/messages: {kind}", body)
                self.assertEqual(found, {CLOSED_TEXT})

    def test_a_template_message_is_what_meta_takes(self):
        everything = {
            "header": {"type": "image", "link": "https://demo.example/a.jpg"},
            "body": [{"name": "1", "value": "Ana"}, {"name": "2", "value": "Roble"}],
            "buttons": [
                {"index": 2, "sub_type": "quick_reply", "value": "STOP"},
                {"index": 3, "sub_type": "url", "value": "otono"},
            ],
        }
        cases = [
            ({}, "positional", set()),
            ({"body": everything["body"]}, "positional", set()),
            ({"body": [{"name": "first_name", "value": "Ana"}]}, "named", set()),
            (everything, "positional", set()),
            (
                {"buttons": [{"index": 0, "sub_type": "quick_reply", "value": "STOP"}]},
                "positional",
                {f"$.template.components[0].{INDEX_PATTERN}"},
            ),
        ]
        for parameters, parameter_format, known in cases:
            body = payloads.template_message(
                "+34600000000", "autumn_offer", "es", parameters, parameter_format, opaque="a/1"
            )
            with self.subTest(parameters=parameters):
                self.assertEqual(
                    disagreements("POST /{Phone-Number-ID}/messages: template", body),
                    {LANGUAGE_POLICY, *known},
                )

    def test_a_wrong_body_is_seen(self):
        right = payloads.template_message(
            "+34600000000", "a", "es", {"body": [{"name": "1", "value": "x"}]}
        )
        cases = [
            ({"to": 34600000000}, "$.to: type"),
            ({"recipient_type": "everybody"}, "$.recipient_type: enum"),
            ({"type": "text"}, "$.type: enum"),
            ({"template": {"name": "a"}}, "$.template: required"),
            (
                {"template": {**right["template"], "components": [{"type": "footer"}]}},
                "$.template.components[0].type: enum",
            ),
        ]
        for change, expected in cases:
            with self.subTest(change=change):
                found = disagreements(
                    "POST /{Phone-Number-ID}/messages: template", {**right, **change}
                )
                self.assertIn(expected, found)


class TestSimulatorReplies(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulator = Simulator.shared()

    def _ask(self, method, path, token=TOKEN, **kwargs):
        reply = self.simulator.session.request(
            method,
            f"{self.simulator.url}/v25.0/{path}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            **kwargs,
        )
        return reply.json()

    def test_the_answer_to_a_message_is_metas(self):
        text = payloads.template_message(
            "+34611000001", "order_update", "es", {"body": [{"name": "1", "value": "S1"}]}
        )
        reply = self._ask("POST", f"{NUMBER_ES}/messages", json=text)
        self.assertEqual(disagreements("POST /{Phone-Number-ID}/messages: 200", reply), set())
        self.assertTrue(reply["messages"][0]["id"])

    def test_a_refusal_is_metas(self):
        for path, token in [(f"{NUMBER_ES}/messages", TOKEN), (WABA_UID, "wrong"), ("1", TOKEN)]:
            with self.subTest(path=path):
                reply = self._ask("POST" if "messages" in path else "GET", path, token, json={})
                self.assertEqual(disagreements("error", reply), set())

    def test_the_listings_are_metas(self):
        numbers = self._ask("GET", f"{WABA_UID}/phone_numbers")
        self.assertEqual(
            disagreements("GET /{WABA-ID}/phone_numbers: 200", numbers),
            {f"$.data[{index}].{NUMBER_STATUS}" for index in range(len(numbers["data"]))},
        )
        for call, path in [
            (
                "GET /{WABA-ID}: 200",
                f"{WABA_UID}?fields=id,name,currency,timezone_id,account_review_status",
            ),
            ("GET /{WABA-ID}/message_templates: 200", f"{WABA_UID}/message_templates"),
        ]:
            with self.subTest(call=call):
                self.assertEqual(disagreements(call, self._ask("GET", path)), set())

    def test_a_subscription_is_metas(self):
        body = {"override_callback_uri": "https://demo.example/x", "verify_token": VERIFY_TOKEN}
        self.assertEqual(disagreements("POST /{WABA-ID}/subscribed_apps: request", body), set())
        reply = self._ask("GET", f"{WABA_UID}/subscribed_apps")
        self.assertEqual(disagreements("GET /{WABA-ID}/subscribed_apps: 200", reply), set())
        self.assertEqual(reply["data"][0]["whatsapp_business_api_data"]["id"], APP_UID)

    def test_nothing_is_compared_with_an_empty_schema(self):
        for call in SPECIFICATION["calls"]:
            with self.subTest(call=call):
                self.assertTrue(disagreements(call, []), "a list is none of these objects")


class TestSource(PureCase):
    def test_the_file_names_its_source_and_carries_its_licence(self):
        self.assertIn("github.com/facebook/openapi", SPECIFICATION["source"])
        self.assertIn("Copyright (c) Meta Platforms", SPECIFICATION["licence"])
        self.assertIn("Permission is hereby granted", SPECIFICATION["licence"])
