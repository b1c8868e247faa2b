"""Two clicks: a quotation with its PDF, and the usual template from the pipeline."""

from odoo.tests import tagged

from ..crm.test_send_dialog import DocumentCase
from .test_conversation_tours import ConversationTourCase


class SendTourCase(ConversationTourCase, DocumentCase):
    def _send_a_quotation(self):
        template = self._document_template()
        with self._pdf():
            self._tour(
                "waba_send_a_quotation",
                "waba_salesperson",
                f"/odoo/action-sale.action_quotations_with_onboarding/{self.order.id}",
            )
        row = self._answers()
        self.assertEqual((len(row), row.template_id), (1, template))
        self.assertEqual(row.document_id, self.order.id)

    def _send_from_the_pipeline(self):
        self.env.company.waba_same_template_hours = 0
        lead = self._opportunities("+34 611 000 001")
        self.mine.send_templates([self._request(lead)])
        before = self._answers()
        self._tour(
            "waba_send_from_the_pipeline",
            "waba_salesperson",
            "/odoo/action-crm.crm_lead_action_pipeline",
        )
        row = self._answers() - before
        self.assertEqual((len(row), row.res_id), (1, lead.id))


@tagged("post_install", "-at_install")
class TestSendTour(SendTourCase):
    browser_size = "1440x900"

    def test_a_quotation_in_two_clicks(self):
        self._send_a_quotation()

    def test_from_the_pipeline_with_enter(self):
        self._send_from_the_pipeline()


@tagged("post_install", "-at_install")
class TestSendTourOnAPhone(SendTourCase):
    browser_size = "390x844"

    def test_a_quotation_in_two_clicks(self):
        self._send_a_quotation()

    def test_from_the_pipeline_with_enter(self):
        self._send_from_the_pipeline()
