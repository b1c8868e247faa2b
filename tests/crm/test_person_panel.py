"""May I write to this person? The answers on leads and contacts, with their reasons."""

from datetime import timedelta

from freezegun import freeze_time
from lxml import etree
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..common import WabaCase

NUMBER = "+34611000001"
PANEL = (
    "waba_promotion_answer", "waba_promotion_why", "waba_service_answer", "waba_service_why",
    "waba_last_out_at", "waba_last_out_state", "waba_last_in_at", "waba_window_text",
)  # fmt: skip


class TestPersonPanel(WabaCase):
    def setUp(self):
        super().setUp()
        # The number asked about before anybody wrote is the first one.
        self.sender_mx.active = False
        self.lead = self._lead(NUMBER, user_id=self.salesperson.id)
        self.partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})

    def _person(self, number=NUMBER):
        return self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [number])[
            number
        ]

    def _panel(self, record=None, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        [values] = (record or self.lead).with_user(user or self.salesperson).read(PANEL)
        return values

    def _answers(self, record=None):
        values = self._panel(record)
        return values["waba_promotion_answer"], values["waba_service_answer"]

    def test_a_person_nobody_wrote_to(self):
        for record in (self.lead, self.partner):
            with self.subTest(record._name):
                values = self._panel(record)
                self.assertEqual(self._answers(record), ("unasked", "unasked"))
                self.assertIn("No opt-in on record", values["waba_promotion_why"])
                self.assertFalse(values["waba_last_out_at"] or values["waba_last_in_at"])
                self.assertIn("Choose a template", values["waba_window_text"])
        self.assertFalse(self.env["waba.recipient"].search([("number", "=", NUMBER)]))

    def test_what_stands_in_the_way(self):
        later = fields.Datetime.now() + timedelta(days=2)
        cases = {
            "opted in": (lambda: self._person()._set_marketing_state(
                "opted_in", "reply", "Yes"), ("yes", "unasked"), "Opted in to promotions"),
            "opted out": (lambda: self._person()._set_marketing_state(
                "opted_out", "reply", "BAJA"), ("no", "unasked"), "Opted out ("),
            "held": (lambda: self._person().write(
                {"marketing_held_until": later}), ("later", "unasked"), "Not before"),
            "unreachable": (lambda: self._person().write(
                {"unreachable_until": later}), ("later", "later"), "Not before"),
            "no longer held": (lambda: self._person().write(
                {"marketing_held_until": fields.Datetime.now() - timedelta(hours=1)}),
                ("unasked", "unasked"), "No opt-in on record"),
            "blocked by us": (lambda: self._person().write(
                {"is_blocked": True}), ("no", "no"), "Blocked by us"),
            "blacklisted": (lambda: self.env["phone.blacklist"].add(NUMBER),
                            ("no", "no"), "phone blacklist"),
            "red": (lambda: self.sender.write({"quality_rating": "red"}),
                    ("later", "unasked"), "Low"),
            "locked": (lambda: self.sender.write(
                {"state": "locked", "pause_reason": "Meta restricted it."}),
                ("later", "later"), "Meta restricted it."),
            "no number connected": (lambda: self.sender.write({"active": False}),
                                    ("no", "no"), "No WhatsApp number"),
            "invalid": (lambda: self.lead.write({"phone": "12"}), ("no", "no"), "12"),
            "our own": (lambda: self.lead.write({"phone": "600 000 001"}),
                        ("no", "no"), "One of your own WhatsApp numbers"),
            "our own in another country, archived": (
                lambda: self.lead.write({"phone": "+521 55 1000 0002"}),
                ("no", "no"), "One of your own WhatsApp numbers"),
            "no phone": (lambda: self.lead.write({"phone": False}), ("no", "no"), "No phone"),
            "from the United States": (lambda: self.lead.write({"phone": "+1 212 555 0142"}),
                                       ("no", "unasked"), "Country not served"),
        }  # fmt: skip
        for name, (change, answers, words) in cases.items():
            with self._case(name):
                change()
                self.assertEqual(self._answers(), answers)
                self.assertIn(words, self._panel()["waba_promotion_why"])

    def test_the_last_message_each_way_whoever_wrote(self):
        self._message(NUMBER, "read", user_id=self.manager.id,
                      accepted_at=fields.Datetime.now() - timedelta(days=3))  # fmt: skip
        last = self._message(NUMBER, "delivered", user_id=self.manager.id,
                             res_model="crm.lead", res_id=self.lead.id)  # fmt: skip
        self._message(NUMBER, "skipped", failure_type="opted_out")
        self._message("+34611000002", "read")
        values = self._panel()
        self.assertEqual(values["waba_last_out_at"], last.accepted_at)
        self.assertEqual(values["waba_last_out_state"], "Delivered")
        self.assertFalse(values["waba_last_in_at"])

    def test_who_never_agreed_is_not_shown_as_agreed(self):
        """Green is an opt-in on record, for each topic and each way of having none."""
        for purpose, name in (("marketing", "promotion"), ("utility", "service")):
            answer = f"waba_{name}_answer"
            for action, expected in ((None, "unasked"), ("opt_in", "yes"), ("opt_out", "no")):
                with self._case(f"{purpose} {action}"):
                    if action:
                        self._person()._set_consent(
                            purpose, action, "reply", "x", company=self.env.company
                        )
                    self.assertEqual(self._panel()[answer], expected)

    def test_statements_on_one_screen_agree(self):
        """The button's count, the conversation beside it and the dates come from one source."""
        now = fields.Datetime.now()
        about = {"res_model": "crm.lead", "res_id": self.lead.id, "user_id": self.salesperson.id}
        campaign = self._campaign(self.lead)
        cases = {
            "nothing": (None, {}),
            "queued": ("queued", {}),
            "a campaign's": ("delivered", {"campaign_id": campaign.id, "accepted_at": now}),
            "excluded": ("skipped", {"campaign_id": campaign.id, "failure_type": "opted_out"}),
            "unconfirmed": ("uncertain", {}),
            "failed": ("failed", {}),
            "cancelled": ("cancelled", {}),
        }
        for name, (state, values) in cases.items():
            with self._case(name):
                if state:
                    self._message(NUMBER, state, **about, **values)
                panel = self._panel()
                lead = self.lead.with_user(self.salesperson)
                shown = lead.env["waba.conversation"].conversation_data(
                    False, ["crm.lead", lead.id]
                )
                self.assertEqual(lead.waba_message_count, len(shown["messages"]))
                is_sent = state in ("delivered", "failed")
                self.assertEqual(bool(panel["waba_last_out_at"]), is_sent)
                self.assertEqual(
                    bool(panel["waba_last_out_state"]),
                    bool(state) and state not in ("skipped", "cancelled"),
                )
                opened = lead.action_view_waba_messages()
                self.assertEqual(
                    lead.env["waba.message"].search_count(opened["domain"]), lead.waba_message_count
                )

    def test_a_message_about_another_record_is_named_as_such(self):
        other = self._lead(NUMBER)
        self._message(NUMBER, "delivered", res_model="crm.lead", res_id=other.id)
        self.assertEqual(self._panel()["waba_last_out_state"], "Delivered, for another record")
        self.assertEqual(self._panel(other)["waba_last_out_state"], "Delivered")

    def test_an_open_window_counts_down(self):
        self._receive(self._inbound(NUMBER, "Hola"))
        closes_at = self.env["waba.conversation"].search([]).window_expires_at
        for left, words in ((timedelta(hours=23, minutes=59), "23 h 59 min"),
                            (timedelta(hours=3, minutes=20, seconds=40), "3 h 20 min"),
                            (timedelta(seconds=5), "0 h 0 min")):  # fmt: skip
            with freeze_time(closes_at - left):
                values = self._panel()
            self.assertEqual(values["waba_window_text"], f"Reply window closes in {words}.")
            self.assertTrue(values["waba_last_in_at"])
        with freeze_time(closes_at + timedelta(seconds=1)):
            values = self._panel()
        self.assertIn("Choose a template", values["waba_window_text"])

    def test_many_people_cost_as_many_queries_as_a_few(self):
        def queries(records):
            self.env.flush_all()
            self.env.invalidate_all()
            records = records.with_user(self.salesperson)
            records.mapped("phone_sanitized")
            before = self.cr.sql_log_count
            records.mapped("waba_promotion_answer")
            return self.cr.sql_log_count - before

        leads = self._leads(40)
        for lead in leads:
            self._message(lead.phone_sanitized, "delivered")
        queries(leads)
        self.assertEqual(queries(leads[:2]), queries(leads))

    def test_another_company_s_words_are_not_shown(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self._message(NUMBER, "delivered")
        self.partner.company_id = False
        stranger = new_test_user(
            self.env, "waba_panel_stranger", company_id=company.id,
            groups="sales_team.group_sale_salesman_all_leads,waba_campaign.waba_group_user",
        )  # fmt: skip
        values = self._panel(self.partner, stranger)
        self.assertFalse(values["waba_last_out_at"])
        self.assertIn("No WhatsApp number", values["waba_promotion_why"])

    def test_it_is_for_users_of_whatsapp_alone(self):
        outsider = new_test_user(
            self.env, "waba_panel_outsider", groups="sales_team.group_sale_salesman_all_leads"
        )
        with self.assertRaises(AccessError):
            self._panel(user=outsider)
        for record, user, is_shown in (
            (self.lead, self.salesperson, True), (self.lead, outsider, False),
            (self.partner, self.salesperson, True), (self.partner, outsider, False),
        ):  # fmt: skip
            arch = record.with_user(user).get_view(view_type="form")["arch"]
            found = etree.fromstring(arch).xpath("//field[@name='waba_promotion_why']")
            self.assertEqual(bool(found), is_shown)
