"""Canned answers: whose they are, what fills them, and that no placeholder is sent."""

from odoo.exceptions import AccessError, UserError

from .test_conversation_view import ViewCase


class TestCannedAnswers(ViewCase):
    def _answer(self, text, user=None, **values):
        answers = self.env["mail.canned.response"].with_user(user or self.marta)
        return answers.create({"source": "hello", "substitution": text, **values})

    def _text(self, conversation, answer, user=None):
        mine = self._as(user or self.marta)
        return mine.conversation_canned_text(conversation.id, answer.id)

    def test_variables_are_those_of_templates_and_fields_of_the_record(self):
        conversation = self._write_to(self.marta)
        lead = conversation._get_record()
        lead.write({"contact_name": "Ana Prueba", "partner_name": "Muebles SL", "city": "Vigo"})
        for text, expected in [
            ("Hola {{first_name}}", "Hola Ana"),
            ("Hola {{ nombre }}: {{city}}", "Hola Ana: Vigo"),
            ("{{company}}", "Muebles SL"),
            ("{{salesperson}}", "Marta"),
            ("{{our_company}}", self.sender.company_id.name),
            ("{{stage_id.name}}", lead.stage_id.name),
            ("{{street}} and {{no_such_field}}", "{{street}} and {{no_such_field}}"),
            ("{{user_id.password}}", "{{user_id.password}}"),
            ("{{partner_id.email}}", "{{partner_id.email}}"),
            ("No variables, {one} brace", "No variables, {one} brace"),
        ]:
            with self.subTest(text):
                self.assertEqual(self._text(conversation, self._answer(text)), expected)

    def test_without_a_record_the_name_on_whatsapp_is_used(self):
        conversation = self._write_to(False)
        conversation.write({"res_model": False, "res_id": False})
        conversation.recipient_id.write({"name": "Ana Prueba", "partner_id": False})
        answer = self._answer("{{first_name}}, {{city}}")
        self.assertEqual(self._text(conversation, answer), "Ana, {{city}}")

    def test_fields_are_read_with_the_rights_of_the_user(self):
        """Marta may read the conversation, and no longer the lead it is about."""
        conversation = self._write_to(self.marta)
        conversation._get_record().write({"user_id": self.pedro.id, "city": "Vigo"})
        conversation.responsible_id = self.marta
        if conversation.with_user(self.marta)._readable_linked_record() is None:
            self.assertEqual(self._text(conversation, self._answer("{{city}}")), "{{city}}")

    def test_own_ones_and_those_of_the_groups(self):
        conversation = self._write_to(self.marta)
        own = self._answer("Mine")
        shared = self._answer("Ours", self.manager, group_ids=[self.env.ref("base.group_user").id])
        private = self._answer("Not for Marta", self.manager)
        listed = self._as(self.marta).conversation_canned_answers(conversation.id)
        ids = {answer["id"] for answer in listed}
        self.assertLessEqual({own.id, shared.id}, ids)
        self.assertNotIn(private.id, ids)
        with self.assertRaises(UserError):
            self._text(conversation, private)
        for call in ("conversation_canned_answers", "conversation_canned_text"):
            with self.subTest(call), self.assertRaises(AccessError):
                getattr(self._as(self.pedro), call)(
                    conversation.id, *([own.id] if call.endswith("text") else [])
                )

    def test_the_last_used_comes_first(self):
        conversation = self._write_to(self.marta)
        first, second = self._answer("A", source="a"), self._answer("B", source="b")
        for used in (first, second, first):
            self._text(conversation, used)
            used.sudo().flush_recordset()
        listed = self._as(self.marta).conversation_canned_answers(conversation.id)
        self.assertEqual({listed[0]["id"], listed[1]["id"]}, {first.id, second.id})
        self.assertTrue(first.last_used)

    def test_an_unfilled_variable_is_not_sent(self):
        conversation = self._open()
        for text in ("Hola {{first_name}}", "{{ partner_id.city }}"):
            with self.subTest(text), self.assertRaisesRegex(UserError, "before sending"):
                self._send(conversation, text=text)
        self._send(conversation, text="{{", key="braces")
        self.assertEqual(self._outgoing().mapped("text"), ["{{"])
