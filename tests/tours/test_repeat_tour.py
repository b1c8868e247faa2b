"""A salesperson sends a template again that the person has just received."""

from odoo import fields
from odoo.tests import tagged

from .test_conversation_tours import ConversationTourCase


@tagged("post_install", "-at_install")
class TestRepeatTour(ConversationTourCase):
    browser_size = "1440x900"

    def test_it_is_sent_again_knowingly(self):
        self.env.company.waba_same_template_hours = 24
        lines = self.utility_template.variable_ids.filtered(lambda line: not line._is_complete())
        lines.write({"source": "text", "text": "4711"})
        lead = self._opportunities("+34 611 000 001")
        self._message(
            "+34611000001",
            "delivered",
            origin="sequence",
            template_id=self.utility_template.id,
            category="utility",
            template_left_at=fields.Datetime.now(),
            res_model=lead._name,
            res_id=lead.id,
        )
        self._tour("waba_repeat_a_template_knowingly", "waba_salesperson")
        again = self._answers()
        self.assertEqual((again.may_repeat, again.user_id), (True, self.salesperson))
        self._dispatch()
        self.assertEqual(again.state, "accepted")
