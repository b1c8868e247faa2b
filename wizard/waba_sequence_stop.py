"""Follow-up: a user stops enrollments, with a reason.

Called by enrollments and leads (models/sequence/).
"""

from odoo import fields, models
from odoo.exceptions import UserError


class WabaSequenceStop(models.TransientModel):
    _name = "waba.sequence.stop"
    _description = "Stop a WhatsApp Follow-up"
    _inherit = ["waba.system.fields.mixin"]

    enrollment_ids = fields.Many2many("waba.sequence.enrollment", readonly=True, system=False)
    reason = fields.Text(required=True)

    def action_confirm(self):
        """Stop the enrollments and record the reason on their leads.

        :raise UserError: the reason is empty
        """
        self.ensure_one()
        if not (self.reason or "").strip():
            raise UserError(self.env._("Enter a reason."))
        self.enrollment_ids._check_may_stop()
        stopped = self.enrollment_ids.sudo()._stop_enrollments(
            "person", self.reason.strip(), self.env.user
        )
        for one, record in stopped._records().items():
            if not record:
                continue
            record._message_log(
                body=self.env._(
                    "%(user)s stopped the follow-up %(name)s: %(reason)s",
                    user=self.env.user.name,
                    name=one.sequence_id.name,
                    reason=self.reason.strip(),
                )
            )
        return {"type": "ir.actions.client", "tag": "soft_reload"}
