"""Conversation: what `waba.message.send_template`, the public API, is allowed to do and does.

Called by other systems through /json/2 and by server code (docs/api.md). With the rights of the
user: who may not write from the screen may not write from here.
"""

import hashlib
import json

from odoo import api, models
from odoo.exceptions import UserError

from .waba_conversation_thread import PERSON_MODELS

MAX_API_KEY = 128


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def _send_for_api(self, record, template, key, language, sender, parameters):
        """Queue one template for `send_template`, once per key and company.

        :return: (the message with all rights, whether this call created it)
        """
        key = str(key or "").strip()
        if not key or len(key) > MAX_API_KEY:
            raise UserError(
                self.env._(
                    "Pass a key of 1 to %s characters that names this message, so that a repeated "
                    "call does not send it again.",
                    MAX_API_KEY,
                )
            )
        record = self._check_record(self._api_record(record))
        template = self._api_template(template, language)
        sender = self._api_sender(record, template, sender)
        parameters = {str(name): str(value) for name, value in parameters.items()}
        digest = _digest(record._name, record.id, template.id, sorted(parameters.items()))
        messages = self.env["waba.message"]
        if known := messages._find_by_key(key, sender.company_id):
            return known._check_same_request(key, digest), False
        shown = (record._name, record.id)
        conversation, record = self._find_or_create_conversation(
            {"shown": shown, "sender_id": sender.id}, shown
        )
        target, values = conversation._target_values(record)
        row = messages._queue_direct(
            sender,
            target,
            origin="action",
            template=template,
            variables=self._api_lines(conversation, template, parameters),
            user=self.env.user,
            key=key,
            values={**values, "request_digest": digest},
        )
        return row.sudo(), True

    @api.model
    def _api_record(self, record):
        """(model, id) of a record, of ["crm.lead", 7] or of "crm.lead,7"."""
        if isinstance(record, models.BaseModel):
            found = (record._name, record.id) if len(record) == 1 else ()
        elif isinstance(record, str):
            model, _comma, id_ = record.partition(",")
            found = (model.strip(), int(id_)) if id_.strip().isdecimal() else ()
        else:
            found = tuple(record or ())
        is_one = len(found) == 2 and isinstance(found[1], int)
        if not is_one or found[0] not in PERSON_MODELS:
            raise UserError(
                self.env._("The record must be one lead or contact, such as %s.", '["crm.lead", 7]')
            )
        return found

    @api.model
    def _api_template(self, template, language):
        """The template by record, id, or name and language."""
        templates = self.env["waba.template"]
        if isinstance(template, models.BaseModel):
            found = template
        elif isinstance(template, int) and not isinstance(template, bool):
            found = templates.search([("id", "=", template)])
        else:
            found = templates.search([("name", "=", str(template or ""))])
            if language:
                found = found.filtered(lambda one: one.language == language)
        if len(found) == 1:
            found.check_access("read")
            return found
        raise UserError(
            self.env._("There is no template %s.", template)
            if not found
            else self.env._(
                "There are several templates %(name)s: %(languages)s. Pass the language, or the ID "
                "of the template.",
                name=template,
                languages=", ".join(found.mapped("language")),
            )
        )

    @api.model
    def _api_sender(self, record, template, sender):
        """The number to send from: the one given, else that of the last conversation, else the
        first of the template's account."""
        usable = self._available_senders(self.browse()).filtered(
            lambda one: one.account_id == template.sudo().account_id
        )
        if sender:
            sender_id = sender.id if isinstance(sender, models.BaseModel) else sender
            chosen = usable.filtered(lambda one: one.id == sender_id)
        else:
            chosen = self._find_by_record(record).sender_id & usable or usable
        if not chosen:
            raise UserError(self.env._("No number of the template's account can be used."))
        return chosen[:1]

    @api.model
    def _api_lines(self, conversation, template, parameters):
        """The template's variables with these texts, by the names of docs/api.md."""
        lines = {
            line._api_name(): line for line in template.sudo().variable_ids if not line._is_fixed()
        }
        if unknown := sorted(set(parameters) - set(lines)):
            raise UserError(
                self.env._(
                    "The template has no variable %(unknown)s. Its variables: %(names)s.",
                    unknown=", ".join(unknown),
                    names=", ".join(sorted(lines)) or self.env._("none"),
                )
            )
        values = {str(lines[name].id): text for name, text in parameters.items()}
        return conversation._filled_lines(template.sudo(), {"values": values})


class WabaVariableMixin(models.AbstractModel):
    _inherit = "waba.variable.mixin"

    def _api_name(self):
        """'1' or 'name' in the text; 'header_1'; 'button_1_1' (button, then name); 'card_1_…'."""
        name = self.name
        if self.component == "button":
            name = f"button_{self.button_index + 1}_{name}"
        elif self.component != "body":
            name = f"{self.component}_{name}"
        return f"card_{self.card_number}_{name}" if self.card_number else name


def _digest(*values):
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
