"""Base: a conversation of a number and a recipient: service window, unread count, salesperson.

Called when a message is received or reserved, by threads and the inbox, and when recipients merge.
"""

from datetime import timedelta

from odoo import api, fields, models

from ..tools.hooks import hook
from .waba_person_mixin import linked_record

# Meta, Send messages, 2025-11-04: any inbound message opens or renews a 24 h service window.
SERVICE_WINDOW = timedelta(hours=24)


class WabaConversation(models.Model):
    """One row per number and recipient, created with their first message.

    Entry points: `_register_inbound`, `_find_or_create_pair`, `_merge_conversations`.
    `res_model` and `res_id` are those of the latest inbound message; `responsible_id` too, until a
    salesperson takes the conversation.
    """

    _name = "waba.conversation"
    _description = "WhatsApp Conversation"
    _inherit = ["waba.system.fields.mixin"]
    _order = "last_inbound_at desc nulls last, id desc"

    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, ondelete="cascade", readonly=True
    )
    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, ondelete="cascade", readonly=True, index=True
    )
    company_id = fields.Many2one(related="sender_id.company_id")
    # Service window and pace
    last_inbound_at = fields.Datetime("Last received", readonly=True)
    window_expires_at = fields.Datetime("Reply window until", readonly=True)
    free_until_at = fields.Datetime(
        "Free until",
        readonly=True,
        help="Meta charges nothing until then: the person came from an ad, and was answered.",
    )
    pair_free_at = fields.Datetime(
        "Next message from",
        readonly=True,
        help="Earliest time of the next message to this person, by Meta's pair rate.",
    )
    # Inbox
    responsible_id = fields.Many2one(
        "res.users", "Salesperson", ondelete="set null", readonly=True, index="btree_not_null"
    )
    unread_count = fields.Integer("Unread", readonly=True, aggregator="sum")
    app_answered_at = fields.Datetime(
        "Last app answer", readonly=True,
        help="Last message that a colleague sent from the WhatsApp Business app.",
    )  # fmt: skip
    standby_at = fields.Datetime(
        "Last elsewhere", readonly=True,
        help="Last time that another app answered on this number.",
    )  # fmt: skip
    control_at = fields.Datetime(
        "Last here", readonly=True, help="Last time that the conversation was Odoo's."
    )
    waiting_since = fields.Datetime(
        "Waiting since", readonly=True, help="First message without an answer."
    )
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    seen_at = fields.Datetime("Seen at", readonly=True)
    seen_by_id = fields.Many2one("res.users", "Seen by", readonly=True, ondelete="set null")

    _pair_uniq = models.Constraint(
        "UNIQUE(sender_id, recipient_id)", "There is one conversation per number and person."
    )

    # For the list of answered conversations, newest first: a campaign creates a hundred thousand
    # without an answer.
    _answered_idx = models.Index(
        "(last_inbound_at DESC NULLS LAST, id DESC) WHERE last_inbound_at IS NOT NULL"
    )
    _record_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")

    @api.depends("recipient_id", "res_model", "res_id")
    def _compute_display_name(self):
        for conversation in self:
            conversation.display_name = conversation.sudo()._display_person_name()

    def _display_person_name(self):
        """The recipient's name on our record, the phone or WhatsApp, else username or number."""
        self.ensure_one()
        record = self._get_record()
        name = record and record._waba_person_facts()["name"]
        person = self.recipient_id
        return name or person.app_name or person.name or person.display_name or ""

    def _get_record(self):
        """The contact or lead of the latest inbound message, or None."""
        return linked_record(self)

    @api.model
    def _register_inbound(self, sender, recipient, at, message):
        """Open or renew the service window; an older message never shortens it.

        Writes only this row, so that webhooks and the dispatcher conflict only about the same
        recipient.

        :param at: naive UTC datetime of the message
        :param message: waba.message that was received
        :return: the conversation
        """
        conversation = self._find_or_create_pair(sender, recipient)
        values = {}
        # A colleague's answer in the app may be reported before what it answers.
        is_answered = bool(conversation.app_answered_at and conversation.app_answered_at > at)
        if message.kind != "reaction" and not is_answered:
            values["unread_count"] = conversation.unread_count + 1
            values["waiting_since"] = min(conversation.waiting_since or at, at)
        if not conversation.last_inbound_at or conversation.last_inbound_at <= at:
            values.update(last_inbound_at=at, window_expires_at=at + SERVICE_WINDOW)
            values.update(conversation._message_values(message))
        conversation.write(values)
        return conversation

    @api.model
    def _find_or_create_pair(self, sender, recipient):
        """The conversation of a number and a recipient, created if there is none."""
        pair = [("sender_id", "=", sender.id), ("recipient_id", "=", recipient.id)]
        return self.search(pair, limit=1) or self.create(
            {"sender_id": sender.id, "recipient_id": recipient.id}
        )

    def _message_values(self, message):
        """Record and salesperson by a message; the salesperson stays while the record does."""
        same_record = (self.res_model, self.res_id) == (message.res_model, message.res_id)
        keeps = self.responsible_id and (same_record or not message.user_id)
        return {
            "res_model": message.res_model,
            "res_id": message.res_id,
            "responsible_id": self.responsible_id.id if keeps else message.user_id.id,
        }

    @api.model
    def _merge_conversations(self, old, new):
        """Move the conversations of the recipient `old` to `new`, which is the same person."""
        for conversation in self.search([("recipient_id", "=", old.id)]):
            kept = self.search(
                [("sender_id", "=", conversation.sender_id.id), ("recipient_id", "=", new.id)]
            )
            if not kept:
                conversation.recipient_id = new
                continue
            for name in (
                "last_inbound_at", "window_expires_at", "free_until_at", "pair_free_at",
                "app_answered_at", "standby_at", "control_at",
            ):  # fmt: skip
                kept[name] = max(filter(None, [kept[name], conversation[name]]), default=False)
            kept.unread_count += conversation.unread_count
            kept.waiting_since = min(
                filter(None, [kept.waiting_since, conversation.waiting_since]), default=False
            )
            kept.responsible_id = kept.responsible_id or conversation.responsible_id
            conversation.unlink()

    @hook
    def _on_click(self, message):
        """After this conversation got a message that came from an ad.

        :param message: waba.message
        """

    @hook
    def _on_arrival(self, message_ids):
        """After statuses reported messages as delivered or read; called on the model."""

    @hook
    def _on_free_window(self, free):
        """After statuses named the end of the free window after an ad; called on the model.

        :param free: {message id: naive UTC datetime}
        """

    @hook
    def _on_written(self, message):
        """After this inbound message of the conversation was stored, like `_on_inbound`."""

    def _notify_viewers(self, what="changed", **values):
        """Notify open screens that these conversations changed; the bus carries no content.

        :param what: kind of change, such as 'typing'
        """
        for conversation in self:
            self.env["bus.bus"]._sendone(
                conversation, "waba.conversation", {"id": conversation.id, "what": what, **values}
            )
