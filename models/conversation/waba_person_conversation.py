"""Conversation: the state and the button of the conversation on leads and contacts.

Shown on the forms of crm.lead and res.partner.
"""

from odoo import api, fields, models

from ..tools.system_fields import USER_GROUP


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    waba_conversation_text = fields.Char(
        "Conversation", compute="_compute_waba_conversation_text", groups=USER_GROUP
    )

    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_waba_conversation_text(self):
        """'2 unread', 'Waiting' or 'Answered'; False without a conversation."""
        # Users who see the record may see that an answer is awaited, but not the messages.
        groups = self.env["waba.conversation"].sudo()._read_group(
            [
                ("res_model", "=", self._name),
                ("res_id", "in", self.ids),
                ("sender_id.company_id", "in", self.env.companies.ids),
            ],
            ["res_id"],
            ["unread_count:sum", "waiting_since:min", "last_inbound_at:max"],
        )  # fmt: skip
        found = {res_id: values for res_id, *values in groups}
        for record in self:
            unread, waiting_since, last_inbound_at = found.get(record.id, (0, False, False))
            if unread:
                text = self.env._("%s unread", unread)
            elif waiting_since:
                text = self.env._("Waiting")
            else:
                text = self.env._("Answered") if last_inbound_at else False
            record.waba_conversation_text = text

    def action_waba_message(self):
        """Open the conversation with this person in a dialog, to read and to write."""
        self.ensure_one()
        self.check_access("read")
        params = {"model": self._name, "id": self.id}
        return {"type": "ir.actions.client", "tag": "waba_message", "params": params}

    def action_waba_send(self):
        """Open the dialog that sends a template to these people."""
        self.check_access("read")
        params = {"shown": [[self._name, id_] for id_ in self.ids]}
        return {"type": "ir.actions.client", "tag": "waba_send", "params": params}

    def action_view_waba_conversation(self):
        """Open the conversation with this person, or the list when there are several."""
        self.ensure_one()
        conversations = self.env["waba.conversation"]
        record = conversations._check_record((self._name, self.id))
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "waba_campaign.waba_conversation_action"
        )
        mine = conversations._find_by_record(record).with_env(self.env)
        mine = mine.filtered(lambda conversation: conversation.has_access("read"))
        if len(mine) == 1:
            action.update(views=[(False, "form")], view_mode="form", res_id=mine.id)
        else:
            # Closed ones too.
            action.update(domain=[("id", "in", mine.ids)], context={})
        return action
