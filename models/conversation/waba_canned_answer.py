"""Conversation: canned answers, Odoo's own (`mail.canned.response`), filled for the person.

Called by the composer of the conversation's screen.
"""

import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...policy import variable_names
from ..base.value_text import format_value

# "{{first_name}}", "{{partner_id.city}}"
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")

LISTED = 200


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def conversation_canned_answers(self, conversation_id, shown=False):
        """The user's own canned answers and those of their groups: [{'id', 'source', 'text'}]."""
        self.browse(conversation_id)._check_reader(shown)
        answers = self.env["mail.canned.response"].search(
            [], order="last_used desc nulls last, source, id", limit=LISTED
        )
        return [
            {"id": answer.id, "source": answer.source, "text": answer.substitution}
            for answer in answers
        ]

    @api.model
    def conversation_canned_text(self, conversation_id, answer_id, shown=False):
        """A canned answer with its variables filled; one without a value keeps its placeholder.

        Fields are read from the lead or contact with the rights of the user.
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        answer = self.env["mail.canned.response"].search([("id", "=", answer_id)])
        if not answer:
            raise UserError(self.env._("This canned answer no longer exists."))
        answer.sudo().last_used = fields.Datetime.now()
        record = self._shown_record(conversation, shown)
        facts = (
            record._waba_person_facts()
            if record is not None
            else self.env["waba.message"]._recipient_facts(conversation.recipient_id)
        )
        facts = {**facts, "our_company": conversation.sender_id.company_id.name}
        facts["salesperson"] = facts["salesperson"] or self.env.user.name

        def fill(match):
            name = match[1]
            source = name if name == "our_company" else variable_names.guess_source(name)
            value = facts[source] if source else self._canned_field(record, name)
            return value or match[0]

        return PLACEHOLDER.sub(fill, answer.substitution)

    @api.model
    def _canned_field(self, record, path):
        """The value at the end of a path, as text; '' for none, or without a right to it."""
        found = self.env["waba.field.path"]._resolve_path(record, path) if record else None
        if found is None:
            return ""
        record, field, _value = found
        return format_value(record, field.name, self.env.lang)

    @api.model
    def _check_placeholders(self, text):
        """:raise UserError: a variable was left unfilled"""
        if open_one := PLACEHOLDER.search(text or ""):
            raise UserError(self.env._("Fill in %s before sending.", open_one[0]))
