"""A salesperson opts a lead in and out, with evidence; taking it back is a manager's."""

from odoo.tests import tagged

from .test_tours import TourCase


@tagged("post_install", "-at_install")
class TestConsentTours(TourCase):
    browser_size = "1440x900"

    def test_a_salesperson_notes_what_a_lead_wants(self):
        [lead] = self._opportunities("+34611000001")
        self._tour("waba_note_consent", "waba_salesperson", f"/odoo/crm.lead/{lead.id}")
        person = self.env["waba.recipient"].search([("number", "=", "+34611000001")])
        self.assertEqual((person.marketing_state, person.utility_state), ("opted_out", "opted_out"))
        entries = person.consent_ids.sorted("id")
        self.assertEqual(entries.mapped("action"), ["opt_in", "opt_out", "opt_out"])
        self.assertEqual(entries.user_id, self.salesperson)
        self.assertIn("annoyed", entries[1].evidence)

    def test_a_message_is_one_click_from_number_header_and_card(self):
        [lead] = self._opportunities("+34611000001")
        partner = self.env["res.partner"].create({"name": "Ana", "phone": "+34611000001"})
        self._tour("waba_message_beside_the_phone", "waba_salesperson", f"/odoo/crm.lead/{lead.id}")
        self._tour(
            "waba_message_beside_the_phone", "waba_salesperson", f"/odoo/res.partner/{partner.id}"
        )
        lead.name = "Sofa for +34611000001"
        pipeline = "/odoo/action-crm.crm_lead_action_pipeline"
        self._tour("waba_message_from_a_card", "waba_salesperson", pipeline)
