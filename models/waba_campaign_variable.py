from odoo import api, fields, models


class WabaCampaignVariable(models.Model):
    """A variable as one campaign fills it."""

    _name = "waba.campaign.variable"
    _description = "WhatsApp Campaign Variable"
    _inherit = ["waba.variable.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, ondelete="cascade", index=True)
    variant = fields.Selection(
        [("a", "A"), ("b", "B")],
        "Message",
        default="a",
        required=True,
        readonly=True,
        system=False,
    )
    res_model = fields.Selection(related="campaign_id.res_model", string="Field of")

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.campaign_id._check_not_launched()
        lines.campaign_id._cancel_permissions_if_changed()
        return lines

    def write(self, vals):
        campaigns = self.campaign_id
        campaigns._check_not_launched()
        result = super().write(vals)
        if "campaign_id" in vals:
            # Moved into another campaign, it changes both.
            self.campaign_id._check_not_launched()
        (campaigns | self.campaign_id)._cancel_permissions_if_changed()
        return result

    def unlink(self):
        campaigns = self.campaign_id
        result = super().unlink()
        campaigns._cancel_permissions_if_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_not_launched(self):
        self.campaign_id._check_not_launched()

    def _path_models(self):
        return [self.campaign_id.res_model]

    def _language(self):
        campaign = self.campaign_id
        return (campaign.b_template_id if self.variant == "b" else campaign.template_id).language

    def _link_utm(self):
        campaign = self.campaign_id.sudo()
        return {
            **super()._link_utm(),
            "source_id": campaign.utm_source_id.id,
            "campaign_id": campaign.utm_campaign_id.id,
        }
