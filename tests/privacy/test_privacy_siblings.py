"""What hangs on the shared row of a person and is one company's alone."""

from odoo.addons.waba_campaign.cloud_api import webhooks
from odoo.exceptions import AccessError

from ..consent.test_consent import NUMBER
from ..consent.test_consent_company import SharedCase


class TestSiblings(SharedCase):
    def setUp(self):
        super().setUp()
        self.seller_b = self._user_of(self.b, "b_seller")
        self.sender_b = self.env["waba.sender"].create(
            {"account_id": self.account_b.id, "phone_number_uid": "499", "verified_name": "B"}
        )
        self.person = self._person()

    def _of_b(self, **values):
        return self._message(
            account_id=self.account_b.id, sender_id=self.sender_b.id, company_id=self.b.id, **values
        )

    def test_the_ledger_is_read_by_the_company_it_was_said_to(self):
        for company in (self.a, self.b):
            self.person._set_consent(
                "marketing", "opt_out", "reply", f"To {company.name}", company=company
            )
        for user, company in ((self.salesperson, self.a), (self.seller_b, self.b)):
            entries = self.env["waba.consent"].with_user(user).search([])
            self.assertEqual(entries.mapped("evidence"), [f"To {company.name}"])
            with self.assertRaises(AccessError):
                (self.person.consent_ids - entries.sudo()).with_user(user).read(["evidence"])

    def test_a_block_noted_by_b_is_about_no_message_of_a(self):
        # A contact of all companies, as most are.
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        row = self._message(res_model="res.partner", res_id=partner.id)
        wizard = self.env["waba.report.block"].with_user(self.seller_b)
        wizard.create(
            {"res_model": "res.partner", "res_id": partner.id, "note": "They told me so"}
        ).action_confirm()
        event = self.env["waba.reputation.event"].search([("kind", "=", "customer_block")])
        self.assertEqual((event.company_id, event.message_id), (self.b, row.browse()))
        self.assertEqual(self.person.consent_ids.company_id, self.b)
        with self.assertRaises(AccessError):
            wizard.create({"message_id": row.id, "note": "x"}).action_confirm()

    def test_an_opt_out_said_to_b_is_no_answer_to_a_s_promotion(self):
        ours, theirs = self._message(), self._of_b()
        self.person._set_consent("marketing", "opt_out", "whatsapp", "stop", company=self.b)
        self.assertFalse(ours.opted_out_at)
        self.assertTrue(theirs.opted_out_at)
        event = self.env["waba.webhook.event"]
        [stop] = webhooks.parse_events(self._preference_body("stop"))
        about = event._person_subject(self.account, stop)
        self.assertEqual(about["message_id"], ours.id)

    def test_a_lead_tells_of_the_conversations_of_the_chosen_companies(self):
        lead = self._lead(NUMBER)
        self.env["waba.conversation"].create(
            {"sender_id": self.sender_b.id, "recipient_id": self.person.id,
             "res_model": "crm.lead", "res_id": lead.id, "unread_count": 3}
        )  # fmt: skip
        self.assertFalse(lead.with_user(self.salesperson).waba_conversation_text)
        self.assertIn("3", lead.with_user(self.seller_b).waba_conversation_text)

    def test_who_was_written_to_by_b_alone_is_new_to_a(self):
        self._of_b()
        run = self._campaign(self._lead(NUMBER))._dry_run()
        self.assertFalse(run.history(run.receiving[0]).written_at)
