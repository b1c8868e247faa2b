"""Messages of ours in the chatter of the lead or contact that they were sent from."""

from ...models.conversation.waba_message_inbound import NOTE_CHARACTERS
from ..dispatch.test_message_direct import ANA, DirectCase

NOT_SENT = "o_waba_note_not_sent"


class TestMessageNote(DirectCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead(ANA, user_id=self.salesperson.id)
        self._receive(self._inbound(ANA, "Hola"))

    def _notes(self, record=None):
        return (record or self.lead).message_ids.filtered(lambda note: "WhatsApp to" in note.body)

    def _send(self, key="k1", **values):
        request = {"shown": ["crm.lead", self.lead.id], "key": key, **values}
        conversation = self.env["waba.conversation"].search([])
        request["conversation_id"] = conversation.id
        conversation.with_user(self.salesperson).conversation_send(request)
        return self.env["waba.message"].search(
            [("direction", "=", "out")], order="id desc", limit=1
        )

    def test_what_a_user_sends_is_noted_with_a_link_and_notifies_nobody(self):
        self.lead.message_subscribe(self.manager.partner_id.ids)
        mails = self.env["mail.mail"].search_count([])
        row = self._send(text="Mañana a las 10\n<b>en la tienda</b>")
        [note] = self._notes()
        self.assertEqual(note, row.note_id)
        self.assertEqual(note.author_id, self.salesperson.partner_id)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertIn("Mañana a las 10<br>&lt;b&gt;en la tienda", note.body)
        self.assertIn(f"/odoo/whatsapp-conversations/{row._find_conversation().id}", note.body)
        self.assertFalse(note.notification_ids)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)

    def test_what_rules_send_is_noted_too_with_its_origin(self):
        for origin, word in (
            ("sequence", "Follow-up"),
            ("action", "Automation rule"),
            ("reply", "Automatic reply"),
        ):
            with self._case(origin):
                row = self._queue(self.lead, origin=origin)
                [note] = self._notes()
                self.assertIn(row.body.splitlines()[0], note.body)
                self.assertIn(word, note.body)
                self.assertEqual(note.author_id, self.env.ref("base.partner_root"))

    def test_campaigns_tests_reactions_and_what_is_not_queued_are_not(self):
        self._launch(self.lead, template_id=self.utility_template.id)
        self._queue(self.lead, origin="test")
        inbound = self.env["waba.message"].search([("direction", "=", "in")])
        self.env["waba.conversation"].search([]).conversation_react(
            inbound._find_conversation().id, inbound.id, "👍", "k2"
        )
        self.env["phone.blacklist"].create({"number": ANA})
        self.assertEqual(self._queue(self.lead).state, "skipped")
        self.assertFalse(self._notes())

    def test_each_message_has_one_note_and_none_without_its_row(self):
        first = self._send(key="same", text="Hola")
        self.assertEqual(self._send(key="same", text="Hola"), first)
        self.assertEqual(len(self._notes()), 1)
        with self.cr.savepoint() as savepoint:
            self._send(key="other", text="Adiós")
            self.assertEqual(len(self._notes()), 2)
            savepoint.rollback()
        self.lead.invalidate_recordset()
        self.assertEqual(self._notes(), first.note_id)

    def test_long_texts_and_files(self):
        long = self._send(key="long", text="x" * (NOTE_CHARACTERS + 50)).note_id.body
        self.assertIn("x" * NOTE_CHARACTERS + "<br>…", long)
        self.assertNotIn("x" * (NOTE_CHARACTERS + 1), long)
        lines = self._send(key="lines", text="\n".join("abcdef")).note_id.body
        self.assertIn("a<br>b<br>c<br>d<br>…", lines)
        file = self.env["ir.attachment"].create(
            {"name": "Precios.pdf", "raw": b"%PDF-1.4", "mimetype": "application/pdf"}
        )
        row = self._queue(self.lead, origin="manual", media={"attachment": file}, text=False)
        self.assertIn("Document Precios.pdf", row.note_id.body)

    def test_the_note_says_when_a_message_was_not_sent(self):
        row = self._send(text="Hola")
        with self._fault(kind="error", code=131026):
            self._dispatch()
        self.assertEqual(row.state, "failed")
        self.assertIn(NOT_SENT, row.note_id.body)
        self.assertIn(row.failure_reason[:20], row.note_id.body)
        self.assertEqual(len(self._notes()), 1)
        row._update_state(("failed",), "queued", {"failure_type": False, "failure_reason": False})
        self.assertNotIn(NOT_SENT, row.note_id.body)
        self.assertIn("Hola", row.note_id.body)

    def test_the_note_says_when_a_check_before_sending_excluded_it(self):
        row = self._queue(self.lead)
        self.env["phone.blacklist"].create({"number": ANA})
        self._dispatch()
        self.assertEqual(row.state, "skipped")
        self.assertIn(NOT_SENT, row.note_id.body)

    def test_erasing_the_person_deletes_it(self):
        row = self._send(text="Hola, Ana Secreta")
        note = row.note_id
        row.recipient_id._erase_personal_data(self.env.company)
        self.assertFalse(note.exists())
