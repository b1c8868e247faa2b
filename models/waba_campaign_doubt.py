from odoo import models

from .waba_recipient_doubt import MAY_OPT_OUT
from .waba_reputation_words import number


class WabaCampaign(models.Model):
    """Recipients who wait because they may want to opt out."""

    _inherit = "waba.campaign"

    def _describe_own_limits(self, now):
        parts = super()._describe_own_limits(now)
        if self.state != "running":
            return parts
        count = self.env["waba.message"].search_count(
            [
                ("campaign_id", "=", self.id),
                ("state", "=", "queued"),
                ("wait_reason", "=", MAY_OPT_OUT),
            ]
        )
        if count:
            parts.append(
                self.env._(
                    "%s on hold: they may want to opt out, and somebody must confirm",
                    number(self.env, count),
                )
            )
        return parts
