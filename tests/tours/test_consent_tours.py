"""A salesperson opts a lead in and out, with evidence; taking it back is a manager's. A customer
turns off one topic on the phone."""

from odoo.tests import tagged

from .test_optin_tour import FITS
from .test_tours import TourCase

# Until the page says that it is saved: one topic is turned off, and the form is sent.
TURN_OFF = """(() => {
    const topic = document.querySelector("input[name=topic_%s]");
    if (topic?.checked) {
        topic.click();
        document.querySelector("button[value=save]").click();
    }
    return !!document.querySelector(".notice");
})()"""


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

    def test_a_customer_turns_off_one_topic(self):
        self._tour("waba_create_topics", "waba_manager")
        offers = self.env["waba.topic"].search([("name", "=", "Offers")])
        [person] = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, ["+34611000001"]
        ).values()
        path = f"/waba/preferences/{person._preference_token(self.env.company)}"
        self.browser_size = "390x844"
        self.browser_js(path, FITS)
        self.browser_js(path, FITS, TURN_OFF % offers.id)
        self.browser_size = "1440x900"
        self.env.invalidate_all()
        [entry] = person.consent_ids
        self.assertEqual((entry.topic_id, entry.action), (offers, "opt_out"))
        topics = "/odoo/action-waba_campaign.waba_topic_action"
        self._tour("waba_topic_turned_off", "waba_manager", topics)
