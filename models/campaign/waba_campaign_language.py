"""Language: which language the audience of a campaign reads, for the choice of its template.

Called by the form.
"""

from collections import Counter

from odoo import api, fields, models

# Records looked at: the language of most of them is needed, not of all.
SAMPLE = 20


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    audience_language = fields.Char(compute="_compute_audience_language")

    @api.depends("res_model", "audience_domain")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_audience_language(self):
        for campaign in self:
            records = campaign._audience_records().search(
                campaign._audience_domain_list(), order="id", limit=SAMPLE
            ) if campaign.res_model else ()  # fmt: skip
            languages = Counter(filter(None, (record._waba_language() for record in records)))
            campaign.audience_language = next(iter(dict(languages.most_common(1))), False)
