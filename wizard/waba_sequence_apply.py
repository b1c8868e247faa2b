"""Follow-up: confirm before the steps of running enrollments are changed.

Called by the follow-up's form.
"""

from odoo import fields, models


class WabaSequenceApply(models.TransientModel):
    _name = "waba.sequence.apply"
    _description = "Update Active Leads"
    _inherit = ["waba.system.fields.mixin"]

    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", required=True, readonly=True, system=False, ondelete="cascade"
    )
    older_count = fields.Integer(related="sequence_id.older_count", related_sudo=False)

    def action_confirm(self):
        """Move running enrollments to the current steps."""
        self.ensure_one()
        sequence = self.sequence_id
        sequence.check_access("write")
        moved = sequence._apply_to_running()
        sequence.message_post(
            body=self.env._("Active leads moved to the current steps: %s.", moved)
        )
        return {"type": "ir.actions.client", "tag": "soft_reload"}
