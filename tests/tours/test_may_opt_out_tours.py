"""One click says whether a message was an opt-out: on the conversation, the record, the list."""

from odoo.tests import tagged

from .test_conversation_tours import ConversationTourCase

DOUBT = "No me interesa"


class PossibleOptOutTourCase(ConversationTourCase):
    def setUp(self):
        super().setUp()
        self.lead = self._opportunities("+34 611 000 001")
        self._writes("34611000001", DOUBT)
        self.person = self.env["waba.recipient"].search([("number", "=", "+34611000001")])
        self.assertTrue(self.person.may_opt_out_at)

    def _check_settled(self, action):
        entry = self.person.consent_ids
        self.assertEqual((entry.action, entry.user_id), (action, self.salesperson))
        self.assertFalse(self.person.may_opt_out_at)


@tagged("post_install", "-at_install")
class TestPossibleOptOutTours(PossibleOptOutTourCase):
    browser_size = "1440x900"

    def test_on_the_conversation(self):
        self._tour("waba_doubt_on_the_conversation", "waba_salesperson")
        self._check_settled("opt_out")
        self.assertEqual(self.person.marketing_state, "opted_out")

    def test_on_the_record(self):
        self._tour("waba_doubt_on_the_record", "waba_salesperson")
        self._check_settled("kept")
        self.assertEqual(self.person.marketing_state, "unknown")

    def test_in_the_list(self):
        self._opportunities("+34 611 000 002")
        self._writes("34611000002", "¿Abren hoy?")
        self._tour("waba_doubt_in_the_list", "waba_salesperson")
        self._check_settled("kept")


@tagged("post_install", "-at_install")
class TestPossibleOptOutPhoneTours(PossibleOptOutTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone(self):
        self._tour("waba_doubt_on_a_phone", "waba_salesperson", "/odoo/whatsapp-conversations")
        self._check_settled("kept")
