"""Which webhook field is read how: nothing is taken for what a person writes to us now but that."""

import time
from pathlib import Path

from odoo.addons.waba_campaign.cloud_api import webhook_fields
from odoo.tests import BaseCase

from ..common import NO_WEBHOOK, NUMBER_ES, NUMBER_MX, PublicAddress, WabaCase

NUMBER = "+34611000001"
# Meta, Webhooks overview, 2026-09-11: the complete list, and what is documented elsewhere.
SUBSCRIBABLE = (
    "account_alerts", "account_review_update", "account_update", "automatic_events",
    "business_capability_update", "history", "message_template_components_update",
    "message_template_quality_update", "message_template_status_update", "messages",
    "partner_solutions", "payment_configuration_update", "phone_number_name_update",
    "phone_number_quality_update", "security", "smb_app_state_sync", "smb_message_echoes",
    "template_category_update", "user_preferences",
)  # fmt: skip
ELSEWHERE = (
    "flows", "calls", "groups", "business_username_update", "standby", "messaging_handovers",
)  # fmt: skip


class TestTable(BaseCase):
    def test_each_field_of_metas_has_its_reader_or_the_reason_why_not(self):
        for field in (*SUBSCRIBABLE, *ELSEWHERE):
            with self.subTest(field):
                self.assertNotEqual(
                    field in webhook_fields.READERS, field in webhook_fields.NOT_FOLLOWED
                )

    def test_each_reason_says_something(self):
        for field, why in webhook_fields.NOT_FOLLOWED.items():
            self.assertGreater(len(why.split()), 3, field)


class FieldCase(WabaCase):
    """Bodies as the simulator posts them."""

    def setUp(self):
        super().setUp()
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.addCleanup(self.simulator.post, "delivery", url=NO_WEBHOOK)

    def _rare(self, kind, phone_id=NUMBER_ES, number=NUMBER, **values):
        """The event of one body of this kind."""
        self.simulator.call(
            "rare", {"kind": kind, "phone_id": phone_id, "number": number, **values}
        )
        before = self.env["waba.webhook.event"].search([])
        self._apply_posted()
        return self.env["waba.webhook.event"].search([]) - before

    def _traces(self):
        """What a message of a person leaves behind."""
        return {
            model: self.env[model].search_count(domain)
            for model, domain in {
                "waba.message": [("direction", "=", "in")],
                "waba.conversation": [],
                "waba.recipient": [],
                "crm.lead": [],
                "mail.activity": [],
            }.items()
        }

    def _people_out(self):
        opted_out = self.env["waba.recipient"].search([("marketing_state", "=", "opted_out")])
        return opted_out.mapped("number")


class TestNotFollowed(FieldCase):
    def test_a_message_in_any_field_of_another_name_is_none(self):
        value = self._inbound(NUMBER, "BAJA")["entry"][0]["changes"][0]["value"]
        for field in (*webhook_fields.NOT_FOLLOWED, "brand_new", "", "Messages2"):
            with self._case(field):
                before = self._traces()
                event = self._receive(self._change(field, value))
                self.assertEqual((self._traces(), event.state), (before, "ignored"))
                self.assertFalse(self._people_out())


class TestAside(FieldCase):
    """In a group only an opt-out request counts."""

    VALUES = {"kind": "group", "group_id": "Y2FwaV9ncm91cDox"}

    def setUp(self):
        super().setUp()
        self.account.company_id.waba_create_lead = True

    def test_it_opens_no_window_makes_no_lead_and_is_not_answered(self):
        before = self._traces()
        event = self._rare(**self.VALUES, text="¿Sigue disponible?")
        self.assertEqual((self._traces(), event.state), (before, "ignored"))
        self.assertIn("Only opt-outs", event.error)

    def test_a_typed_stop_counts(self):
        for text in ("BAJA", "stop"):
            with self._case(text):
                self._rare(**self.VALUES, text=text)
                self.assertEqual(self._people_out(), [NUMBER])
                self.assertFalse(self.env["waba.conversation"].search([]))
                self.assertFalse(self.env["waba.message"].search([("direction", "=", "in")]))

    def test_a_wish_to_go_on_does_not(self):
        self._receive(self._inbound(NUMBER, "BAJA"))
        self._rare(**self.VALUES, text="ALTA")
        self.assertEqual(self._people_out(), [NUMBER])

    def test_a_group_is_known_however_it_is_told(self):
        for told in ({"group_id": "g1"}, {"group": {"id": "g1"}}):
            with self._case(str(told)):
                self._receive(self._inbound(NUMBER, "Hola", **told))
                self.assertFalse(self.env["waba.conversation"].search([]))

    def test_progress_in_a_group_opts_nobody_out(self):
        told = {"id": "wamid.G", "status": "failed", "timestamp": "1790000000",
                "recipient_type": "group", "recipient_id": "g1",
                "recipient_participant_id": NUMBER[1:], "errors": [{"code": 131050}]}  # fmt: skip
        self._receive(self._change("messages", {"statuses": [told]}))
        self.assertFalse(self._people_out())


class TestFamiliar(FieldCase):
    """What the same app and ads add to ordinary messages."""

    def test_they_are_kept_as_what_they_are(self):
        kinds = {
            "referral": ({"text": "Info?"}, "text", "Info?"),
            "flow_answer": ({"answers": {"size": "L"}}, "interactive", "Sent"),
            "contact_request": ({}, "contacts", None),
        }
        for kind, (values, expected, text) in kinds.items():
            with self._case(kind):
                event = self._rare(kind, **values)
                self.assertEqual(event.state, "applied", event.error)
                message = self.env["waba.message"].search([("direction", "=", "in")])
                self.assertEqual(message.kind, expected)
                if text:
                    self.assertEqual(message.text, text)

    def test_a_subscription_by_link_after_a_stop_is_a_new_opt_in(self):
        self._receive(self._inbound(NUMBER, "BAJA", timestamp=int(time.time()) - 60))
        self.assertEqual(self._people_out(), [NUMBER])
        event = self._rare("signup")
        self.assertEqual(event.state, "applied", event.error)
        self.assertEqual(self._people_out(), [])


class TestOwnNumbers(FieldCase):
    def setUp(self):
        super().setUp()
        self.sender.number = "+34600000001"
        self.sender_mx.number = "+5215510000002"
        self.other = self.env["waba.sender"].create(
            {"account_id": self._create_account(name="B", waba_uid="200000000000002",
                                                app_secret="other").id,
             "phone_number_uid": "400000000000003", "display_phone_number": "+34 600 00 00-03",
             "active": False}
        )  # fmt: skip

    def _ours(self):
        """Numbers of ours as Meta may write them, of any account of the database."""
        return ("+34600000001", "+525510000002", "+5215510000002", "+34600000003")

    def test_nobody_is_a_person_with_a_number_of_ours(self):
        for number in self._ours():
            value = {"user_preferences": [{"wa_id": number[1:], "value": "stop",
                                           "category": "marketing_messages"}]}  # fmt: skip
            changed = self._inbound(NUMBER, "x", type="system", system={
                "type": "user_changed_number", "wa_id": number[1:]})  # fmt: skip
            refused = {"statuses": [{"id": "w", "status": "failed", "recipient_id": number[1:],
                                     "errors": [{"code": 131050}]}]}  # fmt: skip
            bodies = {
                "message": self._inbound(number, "BAJA"),
                "unknown number": self._inbound(number, "BAJA", wamid="w2"),
                "preference": self._change("user_preferences", value),
                "change": changed,
                "status": self._change("messages", refused),
            }
            bodies["unknown number"]["entry"][0]["changes"][0]["value"]["metadata"] = {
                "phone_number_id": "999"
            }
            for name, body in bodies.items():
                with self._case(f"{number} {name}"):
                    before = self._traces()
                    event = self._receive(body)
                    self.assertEqual(self._traces(), before)
                    self.assertIn(event.state, ("ignored", "waiting"))
                    self.assertTrue(event.error)

    def test_people_are_people(self):
        event = self._receive(self._inbound("+34600000002", "Hola"))
        self.assertEqual(event.state, "applied")
        self.assertEqual(self.env["waba.message"].search([("direction", "=", "in")]).number,
                         "+34600000002")  # fmt: skip

    def test_the_readme_of_the_simulator_names_each_rare_body(self):
        readme = (Path(__file__).parents[2] / "simulator" / "README.md").read_text()
        answer = self.simulator.session.post(
            f"{self.simulator.url}/_control/rare", json={"kind": "?", "phone_id": NUMBER_MX}
        )
        kinds = answer.json()["error"].split("one of ")[1].split(", ")
        self.assertGreater(len(kinds), 10)
        for kind in kinds:
            self.assertIn(f"`{kind}`", readme)
