"""`waba.message.send_template`: by /json/2 with an API key, once per key, within rights."""

import json

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..common import WabaCase


class ApiCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead("+34 611 000 001", user_id=self.salesperson.id)
        self.messages = self.env["waba.message"].with_user(self.salesperson)
        self.name = next(
            line._api_name() for line in self.utility_template.variable_ids if not line._is_fixed()
        )

    def _call(self, key="order/1", messages=None, **values):
        messages = self.messages if messages is None else messages
        return messages.send_template(
            values.pop("record", ["crm.lead", self.lead.id]),
            values.pop("template", self.utility_template.id),
            key=key,
            **values,
        )


class TestApi(ApiCase):
    def test_the_same_key_is_the_same_message(self):
        first = self._call(**{self.name: "A-17"})
        again = self._call(**{self.name: "A-17"})
        self.assertEqual((first["state"], first["is_new"]), ("queued", True))
        self.assertEqual(again, {**first, "is_new": False})
        row = self.env["waba.message"].browse(first["id"])
        self.assertEqual((row.user_id, row.origin), (self.salesperson, "action"))
        self.assertIn("A-17", row.body)
        self._dispatch()
        self.assertEqual(self._call(**{self.name: "A-17"})["state"], "accepted")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_the_same_key_for_another_message_is_an_error(self):
        self._call(**{self.name: "A-17"})
        other = self._lead("+34 611 000 002", user_id=self.salesperson.id)
        for values in ({self.name: "A-18"}, {self.name: "A-17", "record": ["crm.lead", other.id]}):
            with self.assertRaisesRegex(UserError, "already used"):
                self._call(**values)
        self.assertEqual(self.env["waba.message"].search_count([("direction", "=", "out")]), 1)

    def test_what_is_given_is_understood_or_explained(self):
        name = self.utility_template.name
        for values in (
            {"record": self.lead.with_user(self.salesperson)},
            {"record": f"crm.lead,{self.lead.id}"},
            {"template": self.utility_template.with_user(self.salesperson)},
            {"template": name, "language": self.utility_template.language},
            {"sender": self.sender.id},
        ):
            with self.subTest(str(values)):
                self.assertEqual(self._call(**{self.name: "x", **values})["id"],
                                 self._call(**{self.name: "x"})["id"])  # fmt: skip
        for values, words in (
            ({"key": ""}, "Pass a key"),
            ({"record": "crm.lead"}, "one lead or contact"),
            ({"record": ["res.users", 1]}, "one lead or contact"),
            ({"template": "no_such"}, "no template"),
            ({"nonsense": "1"}, "no variable nonsense"),
            ({"sender": 0x7FFFFFFF}, "No number"),
        ):
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._call(**{"key": "k2", **values})

    def test_who_may_not_write_from_the_screen_may_not_from_here(self):
        theirs = self._lead("+34 611 000 003", user_id=self.manager.id)
        seller = new_test_user(
            self.env, "waba_api_seller",
            groups="sales_team.group_sale_salesman,waba_campaign.waba_group_user",
        )  # fmt: skip
        outsider = new_test_user(self.env, "waba_api_outsider", groups="base.group_user")
        for messages, record in (
            (self.env["waba.message"].with_user(seller), theirs),
            (self.env["waba.message"].with_user(outsider), self.lead),
        ):
            with self.assertRaises(AccessError):
                self._call("k3", messages, record=[record._name, record.id])

    def test_what_is_not_sent_says_why(self):
        self._receive(self._inbound("+34611000001", "BAJA"))
        answer = self._call("k4", template=self.template.id)
        self.assertEqual((answer["state"], answer["reason"]), ("skipped", "opted_out"))
        self.assertTrue(answer["text"])


@tagged("post_install", "-at_install")
class TestJson2(ApiCase, HttpCase):
    def test_one_call_over_http_with_an_api_key(self):
        key = (
            self.env["res.users.apikeys"]
            .with_user(self.salesperson)
            ._generate("rpc", "Shop", fields.Datetime.add(fields.Datetime.now(), days=1))
        )
        self.env.flush_all()
        body = {"record": ["crm.lead", self.lead.id], "template": self.utility_template.id,
                "key": "order/9", self.name: "A-9"}  # fmt: skip

        def post(**values):
            return self.url_open(
                "/json/2/waba.message/send_template",
                data=json.dumps({**body, **values}),
                headers={
                    "Content-Type": "application/json",
                    "Authorization": f"bearer {key}",
                    "X-Odoo-Database": self.env.cr.dbname,
                },
            )

        first, again = post(), post()
        self.assertEqual(first.status_code, 200, first.text)
        self.assertEqual(first.json()["id"], again.json()["id"])
        self.assertFalse(again.json()["is_new"])
        wrong = post(**{self.name: "other"})
        self.assertEqual(wrong.status_code, 422, wrong.text)
        self.assertIn("already used", wrong.text)
        key = "wrong"
        self.assertEqual(post().status_code, 401)
