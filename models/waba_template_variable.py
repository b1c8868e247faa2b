from odoo import fields, models


class WabaTemplateVariable(models.Model):
    """A template's variable, with the mapping that new campaigns start from."""

    _name = "waba.template.variable"
    _description = "WhatsApp Template Variable (default)"
    _inherit = ["waba.variable.mixin"]

    # Read from Meta here; what a campaign or a step copies of it is theirs.
    sequence = fields.Integer(system=True)
    component = fields.Selection(system=True)
    button_index = fields.Integer(system=True)
    name = fields.Char(system=True)
    kind = fields.Selection(system=True)
    example = fields.Char(system=True)
    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, ondelete="cascade", index=True
    )

    def _path_models(self):
        """Nobody knows yet to whom it is sent: one of them is enough."""
        return list(dict(self.env["waba.person.mixin"]._waba_target_models()))
