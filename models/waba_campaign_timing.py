from odoo import api, fields, models

from ..policy import canary as canary_policy
from .waba_reputation_words import format_number, format_percent


class WabaCampaign(models.Model):
    """When and how a campaign leaves, told before the launch."""

    _inherit = "waba.campaign"

    wave_text = fields.Char("First wave in words", compute="_compute_canary_text")

    @api.depends("sender_id", "template_id", "audience_count", "wave_state", "ab_test")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_canary_text(self):
        for campaign in self:
            campaign.wave_text = campaign._describe_canary() if campaign.sender_id else False

    def _describe_canary(self):
        """Whether a canary goes before, how large it is, and how the rest follows."""
        sender = self.sudo().sender_id
        settings = sender._response_settings()
        if self.wave_state in ("sending", "waiting", "widened"):
            return self.env._("First wave of %s people, then the rest.", self.wave_size)
        needs = sender.response_canary or any(
            template.sudo()._response_in_force().canary for template in self._templates_in_use()
        )
        wave = sender.canary and canary_policy.canary_size(
            self.audience_count, needs, sender.portfolio_id._is_paced_by_meta(), settings
        )
        if self.wave_state == "none" or not wave:
            if self.ab_test:
                return False
            return self.env._("All at once, at the number's pace and inside its daily limit.")
        return self.env._(
            "First %(wave)s people (%(share)s); the rest follows %(hours)s hours later if they "
            "receive it well, otherwise the campaign waits for a manager.",
            wave=format_number(self.env, wave),
            share=format_percent(self.env, round(wave / self.audience_count, 3)),
            hours=format_number(self.env, sender.canary_wait_hours),
        )
