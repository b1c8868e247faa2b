from odoo import api, fields, models


class WabaConversation(models.Model):
    """The question whether they want out, where they are read and answered."""

    _inherit = "waba.conversation"

    may_opt_out_at = fields.Datetime(
        related="recipient_id.may_opt_out_at", related_sudo=True, string="May want to opt out since"
    )

    def action_confirm_opt_out(self):
        self._review_as_reader(True)

    def action_keep_subscribed(self):
        self._review_as_reader(False)

    def _review_as_reader(self, opts_out):
        for conversation in self:
            conversation._check_reader().recipient_id._apply_review(opts_out)

    @api.model
    def conversation_review_opt_out(self, conversation_id, opts_out, shown=False):
        """One click of anyone who may read the conversation.

        :param opts_out: what they wrote was an opt-out
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        conversation.recipient_id._apply_review(bool(opts_out))
        return conversation._state_data()


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def action_confirm_opt_out(self):
        self._review_as_reader(True)

    def action_keep_subscribed(self):
        self._review_as_reader(False)

    def _review_as_reader(self, opts_out):
        """Whoever may read what they wrote may say what it means."""
        self.check_access("read")
        for person in self:
            if conversation := person._review_conversation():
                conversation._check_reader()
            person.sudo()._apply_review(opts_out)
