"""The desk: whose turn it is, who is on it, who may read it, how long it can be answered."""

from datetime import timedelta

from odoo.exceptions import AccessError

from .test_inbound import NUMBER, OTHER_NUMBER, InboundCase


class ConversationCase(InboundCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marta = cls._salesperson_of_own("waba_marta", name="Marta")
        cls.pedro = cls._salesperson_of_own("waba_pedro", name="Pedro")

    def _write_to(self, user, number=NUMBER, **values):
        """Someone writes on a lead of `user`; their conversation."""
        lead = self._lead(number, user_id=user.id if user else False)
        lead.team_id = False
        message = self._write(number=number, **values)
        return self.env["waba.conversation"].search(
            [("recipient_id", "=", message.recipient_id.id)]
        )


class TestDesk(ConversationCase):
    def test_a_message_makes_it_the_salespersons_turn(self):
        conversation = self._write_to(self.marta, ago=timedelta(hours=2))
        self.assertEqual(conversation.responsible_id, self.marta)
        self.assertEqual(conversation.waiting_since, self.now - timedelta(hours=2))
        self.assertEqual(conversation.unread_count, 1)
        self.assertEqual(conversation.display_name, "Ana Prueba")
        self.assertEqual(conversation.last_text, "Hola")
        self._write("¿Hola?", wamid="wamid.2")
        self.assertEqual(conversation.waiting_since, self.now - timedelta(hours=2))

    def test_who_took_it_keeps_it_while_it_is_about_the_same_record(self):
        conversation = self._write_to(False)
        conversation.with_user(self.pedro).action_assign_to_me()
        self._write(wamid="wamid.2")
        self.assertEqual(conversation.responsible_id, self.pedro)
        other = self._lead("+34611777777", user_id=self.marta.id)
        self._message(NUMBER, res_model="crm.lead", res_id=other.id, wamid="wamid.OUT")
        self._write(wamid="wamid.3", context={"id": "wamid.OUT"})
        self.assertEqual(conversation.responsible_id, self.marta)

    def test_reading_and_giving_back(self):
        conversation = self._write_to(self.marta)
        mine = conversation.with_user(self.marta)
        mine.action_mark_read()
        self.assertEqual((conversation.unread_count, conversation.seen_by_id), (0, self.marta))
        self.assertTrue(conversation.waiting_since, "seen is not answered")
        mine.action_mark_unread()
        self.assertEqual(conversation.unread_count, 1)
        mine.conversation_assign(conversation.id, False)
        self.assertFalse(conversation.responsible_id)
        his = self.env["waba.conversation"].with_user(self.pedro)
        self.assertFalse(his.search([]), "it is about a colleague's lead")
        conversation._get_record().user_id = False
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(his.search([]), conversation)

    def test_the_window(self):
        cases = {0.1: "open", 19.9: "open", 20.1: "closing", 23.9: "closing", 24.1: "closed"}
        for hours, expected in cases.items():
            with self._case(str(hours)):
                conversation = self._write_to(self.marta, ago=timedelta(hours=hours))
                self.assertEqual(conversation.window_state, expected)
                self.assertEqual(bool(conversation.window_text), expected != "closed")
                for state in ("open", "closing", "closed"):
                    found = self.env["waba.conversation"].search([("window_state", "=", state)])
                    self.assertEqual(conversation in found, state == expected)

    def test_the_last_words_are_those_that_were_said(self):
        conversation = self._write_to(self.marta)
        self._message(NUMBER, state="skipped", campaign_id=self._campaign(self._leads(1)).id)
        self._write(wamid="wamid.R", type="reaction", reaction={"emoji": "❤️"})
        self._write(wamid="wamid.I", type="image", image={"id": "1"})
        conversation.invalidate_recordset()
        self.assertEqual((conversation.last_text, conversation.last_is_ours), ("Photo", False))


class TestReaders(ConversationCase):
    def test_own_and_unassigned_or_all_as_for_leads(self):
        hers = self._write_to(self.marta, wamid="wamid.1")
        nobodys = self._write_to(False, number=OTHER_NUMBER, wamid="wamid.2")
        conversations = self.env["waba.conversation"]
        for user, expected in [
            (self.marta, hers | nobodys),
            (self.pedro, nobodys),
            (self.salesperson, hers | nobodys),
            (self.manager, hers | nobodys),
        ]:
            with self.subTest(user.login):
                self.assertEqual(conversations.with_user(user).search([]), expected)
        theirs = hers.with_user(self.pedro)
        for name in ("action_assign_to_me", "action_mark_read", "action_mark_unread"):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(theirs, name)()
        with self.assertRaises(AccessError):
            theirs.read(["last_text"])

    def test_the_name_of_a_record_is_shown_to_who_may_read_it(self):
        conversation = self._write_to(self.marta)
        lead = conversation._get_record()
        conversation.responsible_id = self.pedro
        self.assertEqual(conversation.with_user(self.marta.id).sudo().record_name, lead.name)
        self.assertFalse(conversation.with_user(self.pedro).record_name)
        self.assertFalse(conversation.with_user(self.pedro).action_open_record())
