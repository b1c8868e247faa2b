from odoo import api, fields, models


class WabaSender(models.Model):
    """A manager takes a number back into service, with a reason: a fresh start."""

    _inherit = "waba.sender"

    may_be_released = fields.Boolean(compute="_compute_can_be_released")

    @api.depends("state", "marketing_held", "quality_rating", "red_released_at")
    def _compute_can_be_released(self):
        for sender in self:
            sender.may_be_released = sender._can_be_released()

    def action_release(self):
        """Ask the manager for a reason, then release."""
        self.ensure_one()
        return self.env["waba.release"]._open(sender_id=self.id)

    def _release(self, reason):
        """A manager takes the number back into service: what was before no longer counts.

        :param reason: the manager's words
        """
        for sender in self.filtered(lambda sender: sender._can_be_released()):
            now = fields.Datetime.now()
            is_red = "red" in (sender.quality_rating, sender._judgement(now).rating)
            before = sender.response_action
            sender.write(
                {
                    "state": "paused" if sender.state == "paused" else "active",
                    "response_action": "full",
                    "response_key": "healthy",
                    "response_reason": False,
                    "response_since": now,
                    "response_share": 1.0,
                    "response_canary": False,
                    "marketing_held": False,
                    "fresh_start_at": now,
                    "red_released_at": now if is_red else False,
                }
            )
            if sender.state == "active":
                sender.write({"pause_cause": False, "pause_reason": False, "resume_at": False})
            words = sender.env._(
                "%(manager)s released the number: %(reason)s",
                manager=self.env.user.name,
                reason=reason,
            )
            sender._record_response(
                "response_release",
                words,
                source="person",
                user_id=self.env.uid,
                value_before=before,
            )
            for campaign in sender._running_campaigns():
                campaign._message_log(body=words)
            sender._close_manager_activities()
            sender._apply_current_response()
            sender._apply_platform_status()
            sender._trigger_dispatch()
