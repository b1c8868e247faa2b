from odoo import api, fields, models


class WabaSequenceVariable(models.Model):
    """A variable as one step of a follow-up fills it."""

    _name = "waba.sequence.variable"
    _description = "WhatsApp Follow-up Variable"
    _inherit = ["waba.variable.mixin"]

    step_id = fields.Many2one("waba.sequence.step", required=True, ondelete="cascade", index=True)

    def _path_models(self):
        return ["crm.lead"]

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.step_id.sequence_id._update_reader()
        return lines

    def write(self, vals):
        self.step_id._check_not_executed()
        result = super().write(vals)
        if "step_id" in vals:
            self.step_id._check_not_executed()
        self.step_id.sequence_id._update_reader()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_executed(self):
        self.step_id._check_not_executed()
