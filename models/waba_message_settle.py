from odoo import fields, models

from .labels import selection_labels


class WabaMessage(models.Model):
    """What a person decides about messages whose outcome nobody knows.

    The request left and no answer came: WhatsApp may have delivered it or not, and the API has no
    way to ask. Usually a status webhook settles the row; when none comes, someone who knows (the
    person answered, or was asked) does.
    """

    _inherit = "waba.message"

    def action_settle_arrived(self):
        """Take it as arrived: the row counts as accepted, and nothing is sent."""
        moved = self._settle_uncertain("accepted", {"accepted_at": fields.Datetime.now()})
        return self._notify_settled(
            moved, self.env._("%s messages now count as accepted; nothing was sent.", len(moved))
        )

    def action_settle_resend(self):
        """Back to the queue. Whoever did get the first message gets it twice.

        Rows of a cancelled campaign stay: nobody else is written to for it.
        """
        moved = self._without_cancelled_campaigns()._settle_uncertain(
            "queued", {"retry_at": fields.Datetime.now()}
        )
        moved.sender_id._on_requeue(moved)
        moved.sender_id._trigger_dispatch()
        return self._notify_settled(
            moved, self.env._("%s messages are queued to be sent again.", len(moved))
        )

    def _settle_uncertain(self, target, values):
        """Move the uncertain rows of `self`; others, settled meanwhile, stay as they are.

        :return: the rows that moved, with all rights: whoever may read a row may settle it
        """
        self.check_access("read")
        rows = self.sudo().try_lock_for_update(allow_referencing=True)
        moved = rows._update_state(
            ("uncertain",), target, {**values, "reserved_until": False, "failure_reason": False}
        )
        states = selection_labels(self, "state")
        for campaign in moved.campaign_id:
            campaign._message_log(
                body=self.env._(
                    "%(user)s settled %(count)s messages without an answer: %(state)s.",
                    user=self.env.user.name,
                    count=len(moved.filtered(lambda row, c=campaign: row.campaign_id == c)),
                    state=states[target],
                )
            )
        return moved

    def _notify_settled(self, moved, text):
        left = len(self) - len(moved)
        if left:
            text += " " + self.env._("%s others were settled already and stay as they are.", left)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if moved else "warning",
                "message": text,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
