"""Reactions of campaigns to events of lower packages: dispatch, failures, templates, open screens.

Called through the hooks of `waba.sender`, `waba.template`, `waba.account` and `ir.websocket`
(tools/hooks.py).
"""

import re

from odoo import fields, models

from ..dispatch.waba_budget import BUDGET_FIELDS
from ..tools.hooks import implements

CHANNEL = re.compile(r"waba\.campaign_(\d+)")


class WabaSender(models.Model):
    _inherit = "waba.sender"

    @implements("_on_dispatch_start")
    def _review_campaigns(self, now):
        """Lift pauses that are over, then check running campaigns against their thresholds."""
        paused = self._find_campaigns("paused")
        paused._resume_if_due(now)
        paused._resume_within_budget()
        self._find_campaigns("running")._check_thresholds(now)

    @implements("_on_claim")
    def _limit_to_canary(self, campaign, wanted):
        return campaign._canary_allowance(wanted)

    @implements("_on_claim")
    def _wait_for_files(self, campaign, wanted):
        """None while a file that the campaign shows is not uploaded."""
        files = campaign._shown_files().ids
        live = self.env["waba.file.upload"]._live_media(self, files) if files else ()
        return wanted if len(live) == len(files) else 0

    @implements("_on_files")
    def _campaign_file_ids(self):
        return set(self._find_campaigns("running")._shown_files().ids)

    @implements("_on_upload_failure")
    def _pause_without_file(self, file_ids, reason, until):
        self._find_campaigns("running").filtered(
            lambda campaign: file_ids & {*campaign._shown_files().ids}
        )._pause(reason, until=until)

    @implements("_on_reserved")
    def _close_canary(self, campaign, leaves_by):
        campaign._close_full_canary(leaves_by)

    @implements("_on_reserved")
    def _notify_campaign_viewers(self, campaign, _leaves_by):
        campaign._notify_viewers_while_sending()

    @implements("_on_budget_used")
    def _pause_for_budget(self, campaign, refusal, now):
        campaign._pause_for_budget(refusal, now)

    @implements("_on_dispatch_end")
    def _finish_campaigns(self):
        self._find_campaigns("running")._finish_if_complete()

    @implements("_on_dispatch_end")
    def _notify_running_viewers(self):
        self._find_campaigns("running")._notify_viewers()

    @implements("_on_statuses")
    def _notify_campaign_viewers_of_statuses(self, messages):
        messages.campaign_id._notify_viewers()

    @implements("_on_alarm")
    def _find_next_verdict(self):
        """When the next canary is assessed or A/B test decided: naive UTC datetime or None."""
        running = self._find_campaigns("running")
        canaries = running.filtered(lambda campaign: campaign.canary_state == "waiting")
        ab_tests = running.filtered(lambda campaign: campaign.ab_state == "waiting")
        verdicts = [*canaries.mapped("canary_check_at"), *ab_tests.mapped("ab_decide_at")]
        return min(filter(None, verdicts), default=None)

    @implements("_on_requeue")
    def _reopen_finished_campaigns(self, messages):
        messages.campaign_id._reopen_finished()

    @implements("_on_campaign_failure")
    def _pause_campaign(self, messages, reason, until=None):
        messages.campaign_id._pause(reason, until=until)

    @implements("_on_trim")
    def _store_trimmed(self, messages, campaign):
        campaign._store_trimmed_counts(messages.ids)

    @implements("_on_new_lead")
    def _utm_of_campaign(self, message):
        """Values of `utm.mixin`: a lead from an answer is attributed to the campaign answered."""
        campaign = message.campaign_id.sudo()
        values = {
            "campaign_id": campaign.utm_campaign_id.id,
            "source_id": campaign.utm_source_id.id,
            "medium_id": campaign.utm_medium_id.id,
        }
        return {name: value for name, value in values.items() if value}

    def _find_campaigns(self, state):
        campaigns = self.env["waba.campaign"]
        return campaigns.search([("sender_id", "=", self.id), ("state", "=", state)])


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    campaign_count = fields.Integer("Campaigns", compute="_compute_campaign_count")

    def _compute_campaign_count(self):
        groups = self.env["waba.campaign"]._read_group(
            [("template_id", "in", self.ids)], ["template_id"], ["__count"]
        )
        counts = {template.id: count for template, count in groups}
        for template in self:
            template.campaign_count = counts.get(template.id, 0)

    def action_view_campaigns(self):
        """Open the campaigns with this template."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Campaigns"),
            "res_model": "waba.campaign",
            "view_mode": "list,kanban,form",
            "domain": [("template_id", "=", self.id)],
            "context": {"default_template_id": self.id},
        }

    @implements("_on_status_change")
    def _hold_or_resume_campaigns(self):
        """Pause campaigns while their template cannot be sent; resume them when it can again."""
        for template in self:
            campaigns = template._running_campaigns()
            if template.status == "approved" and not template.is_held:
                campaigns._resume_cause(
                    "template", self.env._("Resumed: Meta approved the template again.")
                )
            else:
                campaigns._pause(template._not_sendable_reason(), cause="template")

    @implements("_find_uses")
    def _campaign_names(self):
        return self._running_campaigns().mapped("name")

    @implements("_on_variables_change")
    def _pause_changed_campaigns(self):
        self._running_campaigns()._pause_for_changed_template()

    @implements("_on_rating_drop")
    def _reconsider_canaries(self):
        self._running_campaigns()._reconsider_canary()

    def _running_campaigns(self):
        """Launched, unfinished campaigns that use one of these templates for a message in use."""
        return (
            self.env["waba.campaign"]
            .sudo()
            .search(
                [
                    ("state", "in", ("preparing", "running", "paused")),
                    "|",
                    ("language_ids.template_id", "in", self.ids),
                    "|",
                    "&",
                    ("template_id", "in", self.ids),
                    ("winner", "!=", "b"),
                    "&",
                    "&",
                    ("ab_test", "=", True),
                    ("b_template_id", "in", self.ids),
                    ("winner", "!=", "a"),
                ]
            )
        )


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_on_poll")
    def _has_busy_campaigns(self, now):
        return self.env["waba.campaign"]._is_busy(now)


class ResCompany(models.Model):
    _inherit = "res.company"

    @implements("_on_waba_change")
    def _waba_resume_campaigns(self, names):
        if not BUDGET_FIELDS.isdisjoint(names):
            campaigns = self.env["waba.campaign"].sudo()
            campaigns.search(
                [("state", "=", "paused"), ("company_id", "in", self.ids)]
            )._resume_within_budget()


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    @implements("_on_subscribe")
    def _find_campaign_channel(self, name):
        """The campaign that "waba.campaign_7" stands for, if the user may read it."""
        if not (match := CHANNEL.fullmatch(name)):
            return None
        campaign = self.env["waba.campaign"].browse(int(match[1])).exists()
        return campaign if campaign and campaign.has_access("read") else None
