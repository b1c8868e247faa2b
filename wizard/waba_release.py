"""Release: a manager lifts a hold of our rules on a number, campaign or template, with a reason.

Called by `action_release` of the three models.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.tools.labels import dialog_action


class WabaRelease(models.TransientModel):
    _name = "waba.release"
    _description = "Resume Sending"
    _inherit = ["waba.system.fields.mixin"]

    sender_id = fields.Many2one(
        "waba.sender", "Number", readonly=True, system=False, ondelete="cascade"
    )
    campaign_id = fields.Many2one("waba.campaign", readonly=True, system=False, ondelete="cascade")
    template_id = fields.Many2one("waba.template", readonly=True, system=False, ondelete="cascade")
    held_because = fields.Text("Cause", compute="_compute_texts")
    explanation = fields.Text("Effect", compute="_compute_texts")
    reason = fields.Text(required=True, help="Shown in the chatter and kept on record.")

    @api.depends("sender_id", "campaign_id", "template_id")
    def _compute_texts(self):
        for wizard in self:
            sender = wizard.sender_id
            wizard.held_because = (
                wizard.template_id.hold_reason
                or wizard.campaign_id.pause_reason
                or (sender and (sender._not_sending_reason() or sender._marketing_hold_reason()))
            )
            wizard.explanation = wizard._release_explanation()

    @api.model
    def _open(self, **subject):
        """Return the action that asks a manager for the reason.

        :param subject: one field and its id
        :raise AccessError: the user is not a manager
        """
        self._check_manager()
        return dialog_action(self, self.env._("Resume sending"), **subject)

    def action_confirm(self):
        """Release the subject.

        :raise UserError: the reason is empty
        """
        self.ensure_one()
        self._check_manager()
        subject = self.sender_id or self.campaign_id or self.template_id
        # Access depends on the manager's companies; the fields written are closed to users.
        subject.check_access("read")
        if not (self.reason or "").strip():
            raise UserError(self.env._("Enter a reason."))
        subject.sudo()._release(self.reason.strip())
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _release_explanation(self):
        if self.template_id.hold_key == "template_category":
            return self.env._(
                "Messages of this template are sent again, as promotions: to people with an opt-in "
                "only, at the price of promotions."
            )
        if self.template_id:
            return self.env._(
                "Messages of this template are sent again, despite Meta's flag. Meta pauses or "
                "disables templates with continued negative feedback."
            )
        if self.campaign_id:
            return self.env._(
                "The campaign resumes with its %s queued messages. From now on, only new results "
                "count.",
                self.campaign_id.queued_count,
            )
        return self.env._(
            "The number resumes, and messages sent until today no longer count in its health "
            "score. While its rating is Low, it stays slowed, each campaign starts with a pilot "
            "batch, and it is locked again after %s days.",
            self.sender_id.lock_red_days,
        )

    @api.model
    def _check_manager(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can resume sending, with a reason."))
