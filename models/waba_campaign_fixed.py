from odoo import api, models
from odoo.exceptions import UserError

from .waba_campaign import AB_TEST_FIELDS, SOURCE_FIELDS


class WabaCampaign(models.Model):
    """What of a campaign nobody may change or delete, and from when."""

    _inherit = "waba.campaign"

    @api.model
    def _locked_field_names(self):
        """Names of the fields that say what is sent, to whom and from which number."""
        return {
            "template_id", "sender_id", "res_model", "audience_domain", "variable_ids",
            "company_id", "holdout_percent", *SOURCE_FIELDS, *AB_TEST_FIELDS,
        }  # fmt: skip

    def _check_not_launched(self):
        if self.filtered(lambda campaign: campaign.state not in ("draft", "scheduled")):
            raise UserError(
                self.env._(
                    "This campaign is under way: what it sends, to whom and from which number is "
                    "fixed. Duplicate it to send something else."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_launched(self):
        if self.filtered(lambda campaign: campaign.state not in ("draft", "cancelled")) or (
            self.env["waba.message"].sudo().search_count([("campaign_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A launched campaign is the record of who was written to and cannot be "
                    "deleted. Archive it instead."
                )
            )
