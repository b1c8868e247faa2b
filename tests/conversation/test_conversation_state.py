"""Snoozed and closed conversations: what takes them out of the inbox, and what brings them back."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError

from .test_conversation_view import ViewCase


class TestState(ViewCase):
    def _inbox(self, state="open"):
        return self.env["waba.conversation"].search([("inbox_state", "=", state)])

    def _until(self, **ahead):
        return fields.Datetime.to_string(fields.Datetime.now() + timedelta(**ahead))

    def _snooze(self, conversation, until, user=None):
        return self._as(user or self.marta).conversation_snooze(conversation.id, until)

    def test_a_snooze_ends_at_its_time_as_unread(self):
        conversation = self._write_to(self.marta)
        state = self._snooze(conversation, self._until(hours=3))
        self.assertEqual((state["inbox_state"], state["unread"]), ("snoozed", 0))
        self.assertFalse(self._inbox())
        self.assertEqual(self._inbox("snoozed"), conversation)
        self.env["waba.conversation"]._cron_end_snoozes()
        self.assertEqual(conversation.inbox_state, "snoozed", "its time has not come")
        conversation.snoozed_until = fields.Datetime.now() - timedelta(minutes=1)
        self.assertEqual(self._inbox(), conversation, "before the job has run, too")
        self.env["waba.conversation"]._cron_end_snoozes()
        self.assertEqual((conversation.unread_count, conversation.snoozed_until), (1, False))

    def test_a_message_of_the_person_reopens_and_a_reaction_does_not(self):
        for act in ("snooze", "close"):
            conversation = self._write_to(self.marta, wamid=f"wamid.{act}")
            with self.subTest(act):
                if act == "snooze":
                    self._snooze(conversation, self._until(days=2))
                else:
                    self._as(self.marta).conversation_close(conversation.id)
                parked = conversation.inbox_state
                self._write(wamid=f"wamid.{act}.2", type="reaction",
                            reaction={"message_id": "wamid.X", "emoji": "👍"})  # fmt: skip
                self.assertEqual(conversation.inbox_state, parked)
                self._write(wamid=f"wamid.{act}.3")
                self.assertEqual(conversation.inbox_state, "open")

    def test_closing_answers_what_waited(self):
        self.env.company.waba_notify = "activity"
        conversation = self._write_to(self.marta)
        lead = conversation._get_record()
        self.assertTrue(lead.activity_ids)
        state = self._as(self.marta).conversation_close(conversation.id)
        self.assertEqual(state["inbox_state"], "closed")
        self.assertFalse(conversation.waiting_since or conversation.unread_count)
        self.assertFalse(lead.activity_ids)
        state = self._as(self.marta).conversation_reopen(conversation.id)
        self.assertEqual(state["inbox_state"], "open")

    def test_from_the_list(self):
        conversation = self._write_to(self.marta)
        conversation.with_user(self.marta).action_close()
        self.assertEqual(self._inbox("closed"), conversation)
        conversation.with_user(self.marta).action_reopen()
        self.assertEqual(self._inbox(), conversation)

    def test_a_time_that_cannot_be(self):
        conversation = self._write_to(self.marta)
        for until in (self._until(hours=-1), self._until(days=400), "tomorrow", "", False):
            with self.subTest(until), self.assertRaises(UserError):
                self._snooze(conversation, until)
        self.assertEqual(conversation.inbox_state, "open")

    def test_only_for_who_may_read_it(self):
        conversation = self._write_to(self.marta)
        his = self._as(self.pedro)
        for call in (
            lambda: his.conversation_snooze(conversation.id, self._until(hours=1)),
            lambda: his.conversation_close(conversation.id),
            lambda: his.conversation_reopen(conversation.id),
            lambda: conversation.with_user(self.pedro).action_close(),
            lambda: conversation.with_user(self.pedro).action_reopen(),
        ):
            with self.assertRaises(AccessError):
                call()

    def test_the_screen_hears_of_it(self):
        conversation = self._write_to(self.marta)
        before = self._as(self.marta).conversation_poll(conversation.id)
        self._snooze(conversation, self._until(hours=1))
        self.assertNotEqual(self._as(self.marta).conversation_poll(conversation.id), before)
