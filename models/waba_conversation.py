from datetime import timedelta

from odoo import api, fields, models

# Meta, Send messages, 2025-11-04: any inbound message opens or renews a 24 h service window.
SERVICE_WINDOW = timedelta(hours=24)


class WabaConversation(models.Model):
    """One of our numbers and one person: the service window and the pace between them."""

    _name = "waba.conversation"
    _description = "WhatsApp Conversation"
    _order = "last_inbound_at desc nulls last, id desc"

    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, ondelete="cascade", readonly=True
    )
    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, ondelete="cascade", readonly=True, index=True
    )
    company_id = fields.Many2one(related="sender_id.company_id")
    last_inbound_at = fields.Datetime(readonly=True)
    window_expires_at = fields.Datetime("Can be answered freely until", readonly=True)
    pair_free_at = fields.Datetime(
        readonly=True, help="Meta's pair rate: no message from this number to this person before."
    )
    responsible_id = fields.Many2one("res.users", ondelete="set null")
    unread_count = fields.Integer("Unread", readonly=True)

    _pair_uniq = models.Constraint(
        "UNIQUE(sender_id, recipient_id)", "There is one conversation per number and person."
    )

    @api.depends("sender_id", "recipient_id")
    def _compute_display_name(self):
        for conversation in self:
            conversation.display_name = (
                f"{conversation.recipient_id.display_name} ↔ {conversation.sender_id.display_name}"
            )

    @api.model
    def _register_inbound(self, sender, recipient, at):
        """Open or renew the service window. An older message never shortens it.

        :param at: naive UTC datetime when the person wrote
        """
        conversation = self.search(
            [("sender_id", "=", sender.id), ("recipient_id", "=", recipient.id)], limit=1
        ) or self.create({"sender_id": sender.id, "recipient_id": recipient.id})
        values = {"unread_count": conversation.unread_count + 1}
        if not conversation.last_inbound_at or conversation.last_inbound_at < at:
            values.update(last_inbound_at=at, window_expires_at=at + SERVICE_WINDOW)
        conversation.write(values)
        return conversation

    @api.model
    def _hand_over(self, old, new):
        """Two recipients turn out to be one person: the conversations of `old` become `new`'s."""
        for conversation in self.search([("recipient_id", "=", old.id)]):
            kept = self.search(
                [("sender_id", "=", conversation.sender_id.id), ("recipient_id", "=", new.id)]
            )
            if not kept:
                conversation.recipient_id = new
                continue
            for name in ("last_inbound_at", "window_expires_at", "pair_free_at"):
                kept[name] = max(filter(None, [kept[name], conversation[name]]), default=False)
            kept.unread_count += conversation.unread_count
            conversation.unlink()
