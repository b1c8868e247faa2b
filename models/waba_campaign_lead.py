from odoo import models

from .hooks import implements


class WabaMessage(models.Model):
    """An answer to a campaign that becomes a lead came of that campaign."""

    _inherit = "waba.message"

    @implements("_on_new_lead")
    def _utm_of_campaign(self):
        """Values of `utm.mixin`, as far as the campaign has any."""
        campaign = self.campaign_id.sudo()
        values = {
            "campaign_id": campaign.utm_campaign_id.id,
            "source_id": campaign.utm_source_id.id,
            "medium_id": campaign.utm_medium_id.id,
        }
        return {name: value for name, value in values.items() if value}
