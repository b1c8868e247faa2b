from odoo import fields, models


class WabaActionVariable(models.Model):
    """A variable as one server action fills it."""

    _name = "waba.action.variable"
    _description = "WhatsApp Action Variable"
    _inherit = ["waba.variable.mixin"]

    action_id = fields.Many2one("ir.actions.server", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="action_id.waba_template_id.company_id")

    def _path_models(self):
        return [self.action_id._waba_read_model()] if self.action_id.model_id else []
