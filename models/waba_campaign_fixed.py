from odoo import api, models
from odoo.exceptions import AccessError, UserError

# Written by the campaign's own steps alone: who launched it decides whose rights choose the people.
KEPT_BY_THE_STEPS = frozenset(
    (
        "state", "template_signature", "pause_reason", "pause_cause", "resume_at",
        "prepared_until_id", "prepared_count", "to_prepare_count", "launched_by_id", "launched_at",
        "launched_mark", "approval_people", "override_people",
        "done_at", "utm_source_id", "utm_medium_id", "wave_state", "wave_size", "wave_limit",
        "wave_started_at", "wave_sent_at", "wave_until", "watched_from",
        "approval_state", "approval_asked_by_id", "approval_asked_at", "approval_decided_by_id",
        "approval_decided_at", "approval_note", "approval_count", "launch_mark", "override_reason",
        "override_by_id", "override_at", "override_lines",
    )
)  # fmt: skip


class WabaCampaign(models.Model):
    """What of a campaign nobody may change or delete, and from when."""

    _inherit = "waba.campaign"

    @api.model
    def _kept_by_the_steps(self):
        return KEPT_BY_THE_STEPS

    @api.model
    def _kept_from_forms(self):
        return self._kept_by_the_steps()

    @api.model
    def _fixed_once_under_way(self):
        """Names of the fields that say what is sent, to whom and from which number."""
        return {"template_id", "sender_id", "res_model", "audience_domain", "variable_ids",
                "company_id"}  # fmt: skip

    @api.model
    def _check_not_kept_by_the_steps(self, names):
        if not self.env.su and (kept := self._kept_by_the_steps().intersection(names)):
            raise AccessError(self.env._("The campaign itself keeps %s.", ", ".join(sorted(kept))))

    def _check_not_under_way(self):
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
