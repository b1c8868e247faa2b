from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Types of fields that hold nothing a message can show.
NO_WORDS = ("binary", "json", "properties", "properties_definition")


class WabaCampaignVariable(models.Model):
    """A variable as one campaign fills it."""

    _name = "waba.campaign.variable"
    _description = "WhatsApp Campaign Variable"
    _inherit = ["waba.variable.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, ondelete="cascade", index=True)
    variant = fields.Selection(
        [("a", "A"), ("b", "B")], "Message", default="a", required=True, readonly=True,
        system=False,
    )
    res_model = fields.Selection(related="campaign_id.res_model", string="Field of")

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.campaign_id._check_not_under_way()
        lines.campaign_id._withdraw_if_changed()
        return lines

    def write(self, vals):
        self.campaign_id._check_not_under_way()
        result = super().write(vals)
        self.campaign_id._withdraw_if_changed()
        return result

    def unlink(self):
        campaigns = self.campaign_id
        result = super().unlink()
        campaigns._withdraw_if_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_under_way(self):
        self.campaign_id._check_not_under_way()

    @api.constrains("source", "field_path")
    def _check_field_path(self):
        for line in self.filtered(lambda line: line.source == "field" and line.field_path):
            *links, last = (name.strip() for name in line.field_path.split("."))
            model = self.env[line.campaign_id.res_model]
            for name in links:
                field = line._check_field(model, name)
                if not field.relational:
                    raise ValidationError(
                        self.env._(
                            "%(path)s cannot be read: %(name)s of %(model)s leads to no other "
                            "record.",
                            path=line.field_path,
                            model=model._description,
                            name=name,
                        )
                    )
                model = self.env[field.comodel_name]
            field = line._check_field(model, last)
            if field.type in NO_WORDS:
                raise ValidationError(
                    self.env._(
                        "%(path)s cannot be shown in a message: it holds no text. Choose another "
                        "field.",
                        path=line.field_path,
                    )
                )

    def _language(self):
        campaign = self.campaign_id
        return (campaign.b_template_id if self.variant == "b" else campaign.template_id).language

    def _check_field(self, model, name):
        """The field `name` of `model`, one step of this line's path."""
        if name not in model._fields:
            raise ValidationError(
                self.env._(
                    "%(path)s cannot be read: %(model)s has no field %(name)s.",
                    path=self.field_path,
                    model=model._description,
                    name=name,
                )
            )
        return model._fields[name]
