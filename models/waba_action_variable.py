from odoo import api, fields, models


class WabaActionVariable(models.Model):
    """A variable as one server action fills it."""

    _name = "waba.action.variable"
    _description = "WhatsApp Action Variable"
    _inherit = ["waba.variable.mixin"]

    action_id = fields.Many2one("ir.actions.server", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="action_id.waba_template_id.company_id")

    @api.constrains("source", "field_path")
    def _check_field_path(self):
        for line in self:
            if line.action_id.model_id:
                line._check_paths_in(line.action_id._waba_read_model())
