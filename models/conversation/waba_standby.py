"""Conversation: others who write from our number: a colleague's phone, Meta's agent, another app.

Called by waba_message_inbound.py and the webhook job; the rule is that of `policy.standby`.
"""

from odoo import api, fields, models

from ...policy import standby
from ..base.waba_conversation import SERVICE_WINDOW
from ..tools.moments import moment_text


class WabaConversation(models.Model):
    """While another sender answers, automatic replies and follow-ups wait.

    `standby_at` and `control_at` only move forward, so reports may come late or twice.
    """

    _inherit = "waba.conversation"

    _standby_idx = models.Index("(recipient_id) WHERE standby_at IS NOT NULL")

    def _held_until(self):
        """Until when automatic messages wait, None if they need not."""
        return standby.held_until(
            self.standby_at or None, self.control_at or None, fields.Datetime.now()
        )

    def _held_text(self):
        """Why they wait and until when, as a sentence; False if they need not."""
        until = self._held_until() if self else None
        if not until:
            return False
        return self.env._(
            "Another app, such as Meta's AI agent, is answering this person. Automatic replies and "
            "follow-ups wait until it hands over or you answer, at the latest until %s.",
            moment_text(self.env, until),
        )

    @api.model
    def _register_standby(self, sender, person, at, message):
        """Another sender answers this message: its window is open to us, but nobody here waits.

        :param message: waba.message that was received
        :return: the conversation
        """
        conversation = self._find_or_create_pair(sender, person)
        if not conversation.last_inbound_at or conversation.last_inbound_at <= at:
            conversation.write(
                {
                    "last_inbound_at": at,
                    "window_expires_at": at + SERVICE_WINDOW,
                    **(conversation._message_values(message) if message.res_id else {}),
                }
            )
        conversation._hold_standby(at)
        return conversation

    def _hold_standby(self, at):
        """Another sender answers the person.

        :param at: when that was reported for, naive UTC
        """
        if not self.standby_at or self.standby_at < at:
            self.standby_at = at
            self._notify_viewers()

    def _take_control(self, at):
        """The conversation is ours; what waited is sent.

        :param at: since when, naive UTC
        """
        if self.control_at and self.control_at >= at:
            return
        was_held = self._held_until()
        self.control_at = at
        if not was_held or self._held_until():
            return
        waiting = self.env["waba.message"].search(
            [
                ("recipient_id", "=", self.recipient_id.id),
                ("sender_id", "=", self.sender_id.id),
                ("state", "=", "queued"),
                ("wait_reason", "=", "standby"),
            ]
        )
        waiting._resume_reviewed()
        self.sender_id._trigger_dispatch()
        self._notify_viewers()

    def _record_app_answer(self, at):
        """A colleague answered in the WhatsApp Business app; nobody knows who.

        Nothing waits then, unless the person wrote after it; and no automatic reply interferes, as
        after a hand-over to a user.

        :param at: when it was written, naive UTC
        """
        values = {
            "app_answered_at": max(at, self.app_answered_at or at),
            "handed_over_at": max(at, self.handed_over_at or at),
            "auto_replied_at": False,
        }
        # Nobody reads and answers within the second that Meta's times have.
        if not self.last_inbound_at or self.last_inbound_at < at:
            values |= {"waiting_since": False, "unread_count": 0}
        self.write(values)
        self._take_control(at)
        self._notify_viewers()
