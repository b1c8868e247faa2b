from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from .hooks import implements
from .transactions import commit_step

# People react to a campaign for hours after its last message has left.
BUSY_PERIOD = timedelta(hours=6)
# What of a launch goes with it when the campaign is a draft again.
LAUNCH_RESET_VALUES = {"launched_at": False, "launched_by_id": False, "launched_mark": False}


class WabaCampaign(models.Model):
    """Every change of a campaign's state, by a person or by the system, and its words."""

    _inherit = "waba.campaign"

    def _update_state(self, allowed, target, values=None):
        """The single entry point for `state`: campaigns in another state than `allowed` stay as they are.

        :return: the campaigns that moved
        """
        moved = self.filtered(lambda campaign: campaign.state in allowed)
        if moved:
            moved.sudo().write({**(values or {}), "state": target})
            if target == "running":
                # Its number is looked at now, and often from then on.
                self.env.ref("waba_campaign.ir_cron_poll").sudo()._trigger()
        return moved

    def _lock_campaigns(self):
        """Hold these rows against a second click or another worker; for who may change them."""
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._(
                    "Someone else is changing this campaign right now. Try again in a moment."
                )
            ) from error

    def action_pause(self):
        self._lock_campaigns()
        self._pause(self.env._("%s paused this campaign.", self.env.user.name), cause="person")

    def action_resume(self):
        """Go on, unless what paused it still stands.

        Whoever goes on with a campaign that lost its launcher lends their own rights to it; whoever
        does after a stop at the start has fixed it, or a manager's reason.
        """
        self._lock_campaigns()
        for campaign in self.filtered(lambda campaign: campaign._needs_launcher()):
            campaign._assume_launch()
        for campaign in self.filtered(lambda campaign: campaign._is_paused_at_start()):
            campaign._check_launch()
        if released := self._check_release_reason():
            return released
        for campaign in self.filtered(lambda campaign: campaign.state == "paused"):
            if reason := campaign._unusable_templates_reason():
                raise UserError(reason)
        self._resume(self.env._("%s resumed this campaign.", self.env.user.name))
        return None

    def action_cancel(self):
        """Nobody else is written to. Messages already on their way cannot be called back."""
        self._lock_campaigns()
        moved = self._update_state(
            ("draft", "scheduled", "preparing", "running", "paused"),
            "cancelled",
            {"pause_reason": False, "pause_cause": False},
        )
        waiting = (
            self.env["waba.message"]
            .sudo()
            .search([("campaign_id", "in", moved.ids), ("state", "=", "queued")])
        )
        waiting._update_state(("queued",), "cancelled")

    def action_back_to_draft(self):
        """Also what its pre-flight stopped before anybody was prepared: there it can be fixed."""
        self._lock_campaigns()
        self._update_state(("scheduled",), "draft", LAUNCH_RESET_VALUES)
        stopped = self.filtered(
            lambda campaign: campaign._is_paused_at_start() and not campaign.prepared_count
        )
        stopped._update_state(
            ("paused",),
            "draft",
            {**LAUNCH_RESET_VALUES, "pause_reason": False, "pause_cause": False},
        )

    def action_retry_failed(self):
        """Queue again the people whose failure may have passed; the others keep their reason."""
        self.check_access("write")
        failed = self.env["waba.message"].search(
            [
                ("campaign_id", "in", self.ids),
                "|",
                ("state", "=", "failed"),
                "&",
                ("state", "=", "skipped"),
                ("failure_type", "=", "frequency"),
            ]
        )
        return self._retry_and_notify(failed)

    def _retry_and_notify(self, failed):
        moved = failed.action_retry()
        kept = len(failed) - len(moved)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if moved else "warning",
                "message": self.env._(
                    "%(moved)s people wait to be written to again; %(kept)s keep their reason: "
                    "trying again would not change it.",
                    moved=len(moved),
                    kept=kept,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _pause(self, reason, cause="failure", until=None):
        """Rows wait. `cause` tells who may lift it; `until` (naive UTC) lifts it by itself.

        A template that stops during the A/B test leaves the other one: it wins, nothing waits.
        """
        going_on = self._continue_with_usable_variant() if cause == "template" else self.browse()
        moved = (self - going_on)._update_state(
            ("preparing", "running"),
            "paused",
            {"pause_reason": reason, "pause_cause": cause, "resume_at": until},
        )
        for campaign in moved:
            campaign._message_log(body=self.env._("Paused: %s", reason))
            if until:
                campaign.sudo().sender_id.cron_id._trigger(at=until)

    def _resume(self, reason):
        for campaign in self.filtered(lambda campaign: campaign.state == "paused"):
            campaign._update_state(
                ("paused",),
                "preparing" if campaign._has_unprepared_records() else "running",
                {"pause_reason": False, "pause_cause": False, "resume_at": False},
            )
            campaign._message_log(body=self.env._("Goes on: %s", reason))
            campaign._hold_for_template()
        self._prepare_cron()._trigger()
        self.sudo().sender_id._trigger_dispatch()
        self._check_late_start()

    def _resume_cause(self, cause, reason):
        """Lift the pauses of one cause; the others stay."""
        self.filtered(
            lambda campaign: (
                campaign.pause_cause == cause and not campaign._is_every_template_changed()
            )
        )._resume(reason)

    def _resume_if_due(self, now):
        self.filtered(
            lambda campaign: (
                campaign.state == "paused" and campaign.resume_at and campaign.resume_at <= now
            )
        )._resume(self.env._("the waiting time is over."))

    def _is_every_template_changed(self):
        """Whether no message in use is still the one that was previewed."""
        signatures = self._signatures()
        return all(
            signatures[variant] != template.signature
            for variant, (template, _lines) in self._variant_messages().items()
        )

    def _unusable_templates_reason(self):
        """Sentence that names why none of the messages in use may be sent, or False."""
        if self._usable_variants():
            return False
        template = self._templates_in_use()[:1]
        return template._not_sendable_reason() or self._changed_template_reason()

    def _changed_template_reason(self):
        return self.env._(
            "The variables of the template %s changed at Meta after the launch: what was previewed "
            "can no longer be sent. Cancel this campaign and launch a new one for the people left.",
            self._templates_in_use()[:1].display_name,
        )

    def _pause_for_changed_template(self):
        self._continue_with_usable_variant()
        for campaign in self.filtered(lambda campaign: campaign._is_every_template_changed()):
            reason = campaign._changed_template_reason()
            if campaign.pause_cause == "template":
                # It waited for Meta to approve the template, which no longer helps it.
                campaign.sudo().write({"pause_cause": "failure", "pause_reason": reason})
                campaign._message_log(body=self.env._("Paused: %s", reason))
            else:
                campaign._pause(reason)

    def _hold_for_template(self):
        """Pause the campaigns whose template may not be sent, or not as it was previewed."""
        self._pause_for_changed_template()
        for campaign in self:
            if reason := campaign._unusable_templates_reason():
                campaign._pause(reason, cause="template")

    @api.model
    def _is_busy(self, now):
        """Whether people are being written to, or were a short while ago."""
        return bool(
            self.search_count(
                [
                    "|",
                    ("state", "in", ("preparing", "running")),
                    "&",
                    ("state", "=", "done"),
                    ("done_at", ">", now - BUSY_PERIOD),
                ],
                limit=1,
            )
        )

    def _reopen_finished(self):
        """Rows were queued again: a finished campaign runs once more."""
        self._update_state(("done",), "running", {"done_at": False})

    def _finish_if_complete(self):
        """Done when nobody waits any more; statuses may still arrive."""
        self._advance_ab_test(fields.Datetime.now())
        waiting = {
            campaign
            for campaign, _count in self.env["waba.message"]._read_group(
                [("campaign_id", "in", self.ids), ("state", "in", ("queued", "reserved"))],
                ["campaign_id"],
                ["__count"],
            )
        }
        for campaign in self.filtered(lambda campaign: campaign not in waiting):
            campaign._update_state(("running",), "done", {"done_at": fields.Datetime.now()})

    @api.model
    def _cron_watch(self):
        commit_step(self.env, self._watch_campaigns)

    @api.model
    def _watch_campaigns(self):
        """Lift pauses whose time has come, close what is through, wake numbers with work left.

        A row can be queued again in the very moment in which its campaign ends: neither
        transaction sees the other, and this is where the row finds its campaign again.
        """
        now = fields.Datetime.now()
        self._running_ab_tests()._advance_ab_test(now)
        self.search([("state", "=", "paused"), ("resume_at", "<=", now)])._resume_if_due(now)
        self.env["waba.message"].search(
            [("state", "=", "queued"), ("campaign_id.state", "in", ("done", "cancelled"))]
        )._reopen_campaigns()
        running = self.search([("state", "=", "running")])
        running._finish_if_complete()
        running = running.filtered(lambda campaign: campaign.state == "running")
        running._check_thresholds(now)
        running.sender_id._trigger_dispatch()


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_on_poll")
    def _has_busy_campaigns(self, now):
        return self.env["waba.campaign"]._is_busy(now)
