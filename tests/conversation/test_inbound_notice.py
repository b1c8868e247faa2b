"""Notifications of inbound messages: the first at once, the next ones gathered."""

from datetime import timedelta

from odoo import fields

from .test_conversation_view import ViewCase
from .test_inbound import NUMBER


class TestGathered(ViewCase):
    def setUp(self):
        super().setUp()
        self.marta.notification_type = "inbox"
        self.env["mail.notification"].search([]).unlink()

    def _notified(self, user=None):
        """Subjects or texts of what the user was notified of, the first one first."""
        partner = (user or self.marta).partner_id
        messages = self.env["mail.notification"].search(
            [("res_partner_id", "=", partner.id)], order="id"
        ).mail_message_id  # fmt: skip
        said = [message.subject or message.body for message in messages.sorted("id")]
        return [text for text in said if "assigned" not in text]

    def _hour_passes(self):
        past = fields.Datetime.now() - timedelta(minutes=1)
        self.env["waba.message"].search([("notify_at", "!=", False)]).notify_at = past
        self.env["waba.message"]._cron_notify_gathered()

    def _campaign_answered_by(self, count, user=None):
        leads = self._leads(count)
        leads.write({"user_id": (user or self.marta).id, "team_id": False})
        campaign = self._launch(leads)
        for index, row in enumerate(self._rows(campaign)):
            self._receive(self._inbound(row.number, f"Hola {index}", wamid=f"wamid.R{index}"))
        return campaign

    def test_the_replies_to_a_campaign_are_one_at_once_and_one_for_the_rest(self):
        campaign = self._campaign_answered_by(14)
        [first] = self._notified()
        self.assertIn("Hola 0", first)
        self._hour_passes()
        _first, gathered = self._notified()
        self.assertEqual(gathered, f"Replies to {campaign.name}: 13 more")
        body = self.env["mail.message"].search([("subject", "=", gathered)]).body
        self.assertIn("Hola 1", body)
        self.assertEqual(body.count("<li>"), 11)
        self.assertIn("3 more", body)
        self.assertIn("/mail/view?model=crm.lead", body)
        self._hour_passes()
        self.assertEqual(len(self._notified()), 2, "each is notified once")

    def test_what_was_read_or_answered_meanwhile_is_not_notified_again(self):
        campaign = self._campaign_answered_by(3)
        conversations = self.env["waba.conversation"].search([], order="id")
        conversations[1].with_user(self.marta).action_mark_read()
        self._hour_passes()
        self.assertEqual(self._notified()[1:], [f"Replies to {campaign.name}: 1 more"])

    def test_each_salesperson_and_each_campaign_by_itself(self):
        self._campaign_answered_by(2)
        lead = self._lead("+34622000001", user_id=self.pedro.id)
        lead.team_id = False
        self.pedro.notification_type = "inbox"
        self._write(number="+34622000001", wamid="wamid.P")
        self.assertEqual(len(self._notified(self.pedro)), 1)
        self.assertEqual(len(self._notified()), 1)

    def test_five_lines_of_one_person_are_one_notification_until_they_are_read(self):
        conversation = self._write_to(self.marta)
        for index in range(4):
            self._write(f"Y {index}", wamid=f"wamid.L{index}")
        self.assertEqual(len(self._notified()), 1)
        self._as(self.marta).conversation_seen(conversation.id)
        self._write("¿Sigue ahí?", wamid="wamid.after")
        self.assertEqual(len(self._notified()), 2, "they have read the others")
        self._hour_passes()
        self.assertEqual(self._notified()[-1], "WhatsApp messages: 4 more", "it is unread again")

    def test_other_people_are_notified_of_at_once(self):
        self._write_to(self.marta)
        self._write_to(self.marta, number="+34611000002", wamid="wamid.B")
        self.assertEqual(len(self._notified()), 2)

    def test_the_choices_stay(self):
        for channel, notified, activities in (("activity", 0, 1), ("none", 0, 0)):
            with self._case(channel):
                self.marta.waba_notify = channel
                conversation = self._write_to(self.marta)
                self._write(wamid="wamid.2")
                self.assertEqual(len(self._notified()), notified)
                self.assertEqual(len(conversation._get_record().activity_ids), activities)
                self.assertFalse(self.env["waba.message"].search([("notify_at", "!=", False)]))

    def test_the_end_of_a_snooze(self):
        for channel in ("inbox", "activity", "none"):
            with self._case(channel):
                conversation = self._write_to(self.marta)
                lead = conversation._get_record()
                self.marta.waba_notify = channel
                self.env["mail.notification"].search([]).unlink()
                conversation.snoozed_until = fields.Datetime.now() - timedelta(minutes=1)
                self.env["waba.conversation"]._cron_end_snoozes()
                self.assertEqual(self._notified(), ["Snooze ended"] if channel == "inbox" else [])
                self.assertEqual(bool(lead.activity_ids), channel == "activity")

    def test_a_conversation_of_nobody_ends_its_snooze_silently(self):
        conversation = self._write_to(False, number=NUMBER)
        conversation.snoozed_until = fields.Datetime.now() - timedelta(minutes=1)
        self.env["waba.conversation"]._cron_end_snoozes()
        self.assertEqual(conversation.inbox_state, "open")
