"""A salesperson without administrator rights answers in the browser."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .test_tours import TourCase


class ConversationTourCase(TourCase):
    def setUp(self):
        super().setUp()
        self.salesperson.notification_type = "inbox"
        self.simulator.post("delivery", url=self.account.webhook_url)

    def _writes(self, number, text):
        self.simulator.post(
            "inbound", phone_id=self.sender.phone_number_uid, number=number, text=text
        )
        self._webhooks_come_in()

    def _webhooks_come_in(self):
        with self.allow_requests(all_requests=True):
            self.simulator.post("flush", hurry=True)
        self._apply_webhooks()

    def _answers(self):
        return self.env["waba.message"].search([("origin", "=", "manual")], order="id")


@tagged("post_install", "-at_install")
class TestConversationTours(ConversationTourCase):
    browser_size = "1440x900"

    def test_a_reply_is_answered_inside_the_window_and_by_template_after_it(self):
        lead = self._opportunities("+34 611 000 001", "+34 611 000 002")[0]
        self._writes("34611000001", "¿Abren hoy?")
        told = self.env["mail.notification"].search(
            [("mail_message_id.body", "ilike", "¿Abren hoy?"), ("is_read", "=", False)]
        )
        self.assertEqual(told.res_partner_id, self.salesperson.partner_id)
        self._tour("waba_answer_in_the_window", "waba_salesperson")
        answer = self._answers()
        self.assertEqual(len(answer), 1, "Enter was pressed three times")
        self.assertEqual((answer.user_id, answer.res_id), (self.salesperson, lead.id))
        self._dispatch()
        self._webhooks_come_in()
        self.assertEqual(answer.state, "read")
        self._tour("waba_ticks_arrive", "waba_salesperson")
        conversation = self.env["waba.conversation"].search([("res_id", "=", lead.id)])
        conversation.window_expires_at = fields.Datetime.now() - timedelta(minutes=1)
        conversation.pair_free_at = False
        self._tour("waba_template_outside_the_window", "waba_salesperson")
        template = self._answers() - answer
        self.assertEqual(template.template_id, self.utility_template)
        self._dispatch()
        self.assertIn("4711", str(self.simulator.sends()[-1]["body"]))

    def test_a_canned_answer_and_a_snooze(self):
        lead = self._opportunities("+34 611 000 001")
        self._writes("34611000001", "¿Abren hoy?")
        self.env["mail.canned.response"].with_user(self.salesperson).create(
            [
                {
                    "source": "horario",
                    "substitution": "Hola {{first_name}}, hasta las 20 h",
                },
                {"source": "precio", "substitution": "Adjunto la tarifa."},
            ]
        )
        self._tour("waba_canned_answer_and_snooze", "waba_salesperson")
        answer = self._answers()
        self.assertEqual(answer.text, "Hola Anab, hasta las 20 h")
        conversation = self.env["waba.conversation"].search([("res_id", "=", lead.id)])
        self.assertEqual(conversation.inbox_state, "snoozed")
        self._tour("waba_close_and_reopen", "waba_salesperson")
        self.assertEqual(conversation.inbox_state, "closed")

    def test_a_snooze_until_a_chosen_time(self):
        self._opportunities("+34 611 000 001")
        self._writes("34611000001", "¿Abren hoy?")
        self._tour("waba_snooze_until_a_chosen_time", "waba_salesperson")
        conversation = self.env["waba.conversation"].search([])
        self.assertEqual(conversation.snoozed_until.minute, 15)

    def test_a_reaction_options_and_a_block(self):
        self._opportunities("+34 611 000 001")
        self._writes("34611000001", "¿Abren hoy?")
        self._tour("waba_reaction_options_and_block", "waba_salesperson")
        reaction, question = self._answers()
        self.assertEqual((reaction.kind, reaction.text), ("reaction", "👍"))
        self.assertEqual(question.parameters["options"], ["Por la tarde"])
        self.assertFalse(question.recipient_id.is_blocked)

    def test_list_thread_and_lead_side_by_side(self):
        self._opportunities("+34 611 000 001", "+34 611 000 002")
        self._writes("34611000001", "¿Abren hoy?")
        self._writes("34611000002", "¿Precio?")
        self._tour("waba_inbox_side_by_side", "waba_salesperson")
        self.assertEqual(self._answers().text, "120 €")
        unread = self.env["waba.conversation"].search([("unread_count", ">", 0)])
        self.assertEqual(unread.recipient_id.number, "+34611000001")

    def test_the_list_of_conversations(self):
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002")
        leads[1].user_id = False
        self._writes("34611000002", "¿Precio?")
        self._tour("waba_conversations_list", "waba_salesperson")
        conversation = self.env["waba.conversation"].search([("res_id", "=", leads[1].id)])
        self.assertEqual(conversation.responsible_id, self.salesperson)
        self.assertEqual(conversation.seen_by_id, self.salesperson)


@tagged("post_install", "-at_install")
class TestConversationPhoneTours(ConversationTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone(self):
        self._opportunities("+34 611 000 001")
        self._writes("34611000001", "¿Abren hoy?")
        self._tour(
            "waba_conversation_on_a_phone", "waba_salesperson", "/odoo/whatsapp-conversations"
        )
        self.assertEqual(self._answers().text, "¡Sí!")
