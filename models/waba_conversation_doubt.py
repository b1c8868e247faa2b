from odoo import api, fields, models


class WabaConversation(models.Model):
    """The question whether they want out, where they are read and answered."""

    _inherit = "waba.conversation"

    may_opt_out_at = fields.Datetime(
        related="recipient_id.may_opt_out_at", related_sudo=True, string="May want to opt out since"
    )

    def action_confirm_opt_out(self):
        self._answer_as_reader(True)

    def action_keep_subscribed(self):
        self._answer_as_reader(False)

    def _answer_as_reader(self, opts_out):
        for conversation in self:
            conversation._for_reader().recipient_id._answer_doubt(opts_out)

    @api.model
    def conversation_settle_doubt(self, conversation_id, opts_out, shown=False):
        """One click of whoever may read the conversation.

        :param opts_out: what they wrote was an opt-out
        """
        conversation = self.browse(conversation_id)._for_reader(shown)
        conversation.recipient_id._answer_doubt(bool(opts_out))
        return conversation._as_state()

    def _as_state(self):
        person = self.recipient_id
        return {
            **super()._as_state(),
            "may_opt_out": bool(person.may_opt_out_at),
            "may_opt_out_text": person.may_opt_out_text or "",
        }

    def _fingerprint(self):
        return f"{super()._fingerprint()}/{self.recipient_id.may_opt_out_at}"
