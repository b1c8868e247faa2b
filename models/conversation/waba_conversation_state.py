"""Conversation: open, snoozed until a time, or closed; what ends each of these states.

Called by the conversation's screen and the inbox, by inbound messages, and by the job
ir_cron_snooze.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..tools.labels import with_language
from .waba_message_inbound import linked_line, notify_user

INBOX_STATES = [
    ("open", "Open"),
    ("snoozed", "Snoozed"),
    ("closed", "Closed"),
]

# Longer is a mistake of the client, or a conversation that should be closed.
LONGEST_SNOOZE = timedelta(days=366)


class WabaConversation(models.Model):
    """A message from the person reopens the conversation, whatever its state."""

    _inherit = "waba.conversation"

    snoozed_until = fields.Datetime("Snoozed until", readonly=True)
    closed_at = fields.Datetime("Closed on", readonly=True)
    inbox_state = fields.Selection(
        INBOX_STATES, "Status", compute="_compute_inbox_state", search="_search_inbox_state"
    )

    _snoozed_idx = models.Index("(snoozed_until) WHERE snoozed_until IS NOT NULL")

    @api.depends("snoozed_until", "closed_at")
    def _compute_inbox_state(self):
        now = fields.Datetime.now()
        for conversation in self:
            if conversation.closed_at:
                conversation.inbox_state = "closed"
            elif conversation.snoozed_until and conversation.snoozed_until > now:
                conversation.inbox_state = "snoozed"
            else:
                conversation.inbox_state = "open"

    @api.model
    def _search_inbox_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        is_closed = Domain("closed_at", "!=", False)
        is_snoozed = Domain("snoozed_until", ">", fields.Datetime.now())
        by_state = {
            "open": ~is_closed & (Domain("snoozed_until", "=", False) | ~is_snoozed),
            "snoozed": ~is_closed & is_snoozed,
            "closed": is_closed,
        }
        return Domain.OR(by_state[state] for state in value if state in by_state)

    def action_close(self):
        self.check_access("read")
        self.sudo()._close()

    def action_reopen(self):
        self.check_access("read")
        self.sudo()._reopen()

    @api.model
    def conversation_snooze(self, conversation_id, until, shown=False):
        """Take it out of the inbox until a time, or until the person writes.

        :param until: naive UTC datetime as text
        :return: `_state_data`
        :raise UserError: the time is past, or too far ahead
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        now = fields.Datetime.now()
        try:
            moment = fields.Datetime.to_datetime(until)
        except ValueError:
            moment = None
        if not moment or not now < moment <= now + LONGEST_SNOOZE:
            raise UserError(self.env._("Choose a time in the future, within a year."))
        conversation.write({"snoozed_until": moment, "closed_at": False, "unread_count": 0})
        self._snooze_cron()._trigger(at=moment)
        conversation._notify_viewers()
        return conversation._state_data()

    @api.model
    def conversation_close(self, conversation_id, shown=False):
        """Close it: nothing is left to answer.

        :return: `_state_data`
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        conversation._close()
        return conversation._state_data()

    @api.model
    def conversation_reopen(self, conversation_id, shown=False):
        """End the snooze, or reopen a closed conversation.

        :return: `_state_data`
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        conversation._reopen()
        return conversation._state_data()

    def _close(self):
        now = fields.Datetime.now()
        for conversation in self.filtered("waiting_since"):
            conversation._last_inbound().no_answer_at = now
        self.write(
            {
                "closed_at": now,
                "snoozed_until": False,
                "unread_count": 0,
                "waiting_since": False,
            }
        )
        records = [conversation._get_record() for conversation in self]
        self.env["waba.message"]._close_reply_activities(
            [record for record in records if record is not None],
            self.env._("Conversation closed."),
        )
        self._notify_viewers()

    def _reopen(self):
        changed = self.filtered(lambda c: c.closed_at or c.snoozed_until)
        changed.write({"closed_at": False, "snoozed_until": False})
        changed._notify_viewers()

    @api.model
    def _snooze_cron(self):
        return self.env.ref("waba_campaign.ir_cron_snooze").sudo()

    @api.model
    def _cron_end_snoozes(self):
        """Return conversations to the inbox whose snooze has ended, as unread."""
        due = self.search([("snoozed_until", "<=", fields.Datetime.now())])
        for conversation in due:
            conversation.write(
                {"snoozed_until": False, "unread_count": max(conversation.unread_count, 1)}
            )
        due._notify_ended_snoozes()
        due._notify_viewers()

    def _notify_ended_snoozes(self):
        """Notify each conversation's salesperson, as they chose, that it is back."""
        for user, conversations in self.grouped("responsible_id").items():
            ours = with_language(user, conversations)
            for conversation in ours if user else ():
                channel = user._waba_notification_channel(conversation.sender_id.company_id)
                record = conversation._get_record()
                if channel == "activity" and record is not None:
                    conversation.last_message_id._schedule_reply_activity(record, user)
                elif channel != "none":
                    line = linked_line(record, conversation.display_name, conversation.last_text)
                    notify_user(user, ours.env._("Snooze ended"), [line])
