from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..policy import canary as canary_policy
from ..policy import reputation_rates
from .waba_campaign_canary import DEPARTED_STATES, RECHECK_DELAY
from .waba_message_day import DEPARTURE_SQL, measure_conditions
from .waba_reputation_words import format_number
from .waba_response_words import campaign_sentence, summary


class WabaCampaign(models.Model):
    """What a campaign's own results say: widen its canary, or pause until a manager has looked.

    They are looked at by each run of the number's job and by the watch; policy/canary.py says
    what is too bad.
    """

    _inherit = "waba.campaign"

    watched_from = fields.Datetime(
        readonly=True,
        copy=False,
        help="When a manager last released it: results of messages before it no longer pause it.",
    )
    can_release = fields.Boolean(compute="_compute_can_release")

    @api.depends("state", "pause_cause", "sender_id")
    @api.depends_context("uid")
    def _compute_can_release(self):
        is_manager = self.env.user.has_group("waba_campaign.waba_group_manager")
        for campaign in self:
            campaign.can_release = is_manager and bool(
                campaign._is_paused_for_results() or campaign._sender_to_release()
            )

    # ------------------------------------------------------------------
    # Results
    # ------------------------------------------------------------------

    def _check_thresholds(self, now):
        """Decide trials, widen the canaries that were well received, pause what is received
        badly."""
        self._advance_ab_test(now)
        for campaign in self:
            if campaign.wave_state in ("sending", "waiting"):
                campaign._check_canary(now)
            else:
                campaign._check_campaign()

    def _check_canary(self, now):
        counts = self._recent_results(self.wave_started_at)
        settings = self.sender_id._response_settings()
        waited = now - self.wave_sent_at if self.wave_sent_at else timedelta()
        verdict = canary_policy.canary_verdict(self.wave_size, counts, waited, settings)
        if verdict == "widen" and self.wave_state == "waiting":
            self._release_canary(
                self.env._(
                    "The first wave of %(wave)s was well received: %(delivered)s delivered, "
                    "%(failed)s not, %(opted_out)s opted out. The rest follows.",
                    wave=format_number(self.env, self.wave_size),
                    delivered=format_number(self.env, counts.delivered),
                    failed=format_number(self.env, counts.failed),
                    opted_out=format_number(self.env, counts.opted_out),
                )
            )
        elif verdict in canary_policy.CAMPAIGN_REASONS:
            self._pause_for_results(verdict, counts, settings)
        elif self.wave_until and self.wave_until <= now:
            self.wave_until = now + RECHECK_DELAY

    def _check_campaign(self):
        counts = (
            self._recent_results(self.watched_from) if self.watched_from else self._all_results()
        )
        settings = self.sender_id._response_settings()
        if reason_key := canary_policy.campaign_threshold(counts, settings):
            self._pause_for_results(reason_key, counts, settings)

    def _all_results(self):
        """What `campaign_threshold` looks at, of the whole campaign, from its index of states.

        It is asked by every run of the number's job: a campaign of a million is not read for it.
        """
        self.env["waba.message"].flush_model(["campaign_id", "state", "failure_type"])
        states = dict(
            self.env.execute_query(
                SQL(
                    """SELECT state, count(*) FROM waba_message
                        WHERE campaign_id = %s AND state IN ('delivered', 'read', 'failed')
                     GROUP BY state""",
                    self.id,
                )
            )
        )
        [[limited]] = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM waba_message m
                    WHERE m.campaign_id = %s AND m.state = 'failed' AND %s""",
                self.id,
                measure_conditions(SQL("now()"))["limited"],
            )
        )
        return reputation_rates.DayCounts(
            fields.Datetime.now().date(),
            delivered=states.get("delivered", 0) + states.get("read", 0),
            failed=states.get("failed", 0),
            limited=limited,
            opted_out=self._count_opted_out().get(self.id, 0),
        )

    def _recent_results(self, moment):
        """`policy.reputation_rates.DayCounts` of the messages that left since `moment`."""
        self.env["waba.message"].flush_model()
        now = fields.Datetime.now()
        filters = measure_conditions(SQL("%s::timestamp", now))
        [values] = self.env.execute_query(
            SQL(
                """SELECT %s FROM waba_message m
                    WHERE m.campaign_id = %s AND m.direction = 'out' AND m.state IN %s AND %s >= %s
                """,
                SQL(", ").join(
                    SQL("count(*) FILTER (WHERE %s)", filters[measure])
                    for measure in reputation_rates.COUNTS
                ),
                self.id,
                DEPARTED_STATES,
                DEPARTURE_SQL,
                moment,
            )
        )
        counts = dict(zip(reputation_rates.COUNTS, values, strict=True))
        return reputation_rates.DayCounts(now.date(), **counts)

    def _pause_for_results(self, reason_key, counts, settings):
        """Pause until a manager has looked; the people who wait are kept."""
        words = campaign_sentence(self.env, reason_key, counts, settings, self.wave_size)
        self._pause(words, cause="reputation")
        self._record_response("response_campaign", words, value_after=reason_key)
        self._notify_managers(summary(self.env, "campaign"), words)

    # ------------------------------------------------------------------
    # Release
    # ------------------------------------------------------------------

    def _is_paused_for_results(self):
        return self.state == "paused" and self.pause_cause == "reputation"

    def _sender_to_release(self):
        """The number, when it is what holds this campaign and a manager's word would lift it."""
        sender = self.sudo().sender_id
        if self.state != "running" or not sender or not sender._can_be_released():
            return None
        is_held = sender.state == "locked" or self.category == "marketing"
        return sender if is_held else None

    def action_release(self):
        """Ask the manager for a reason, then release what holds this campaign."""
        self.ensure_one()
        if not self._is_paused_for_results() and (sender := self._sender_to_release()):
            return self.env["waba.release"]._open(sender_id=sender.id)
        return self.env["waba.release"]._open(campaign_id=self.id)

    def _check_release_reason(self):
        """Whoever resumes a campaign that its results paused must be a manager, with a reason."""
        held = self.filtered(lambda campaign: campaign._is_paused_for_results())
        if not held:
            return None
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise UserError(
                self.env._("%s A manager releases it, with a reason.", held[0].pause_reason)
            )
        return held[0].action_release()

    def _release(self, reason):
        """A manager lets the campaign go on as it is: what was before no longer pauses it."""
        for campaign in self.filtered(lambda campaign: campaign._is_paused_for_results()):
            campaign.write(
                {
                    "watched_from": fields.Datetime.now(),
                    "wave_state": "widened" if campaign.wave_state else False,
                    "wave_until": False,
                }
            )
            words = campaign.env._(
                "%(manager)s released the campaign: %(reason)s",
                manager=self.env.user.name,
                reason=reason,
            )
            campaign._record_response(
                "response_release", words, source="person", user_id=self.env.uid
            )
            campaign._close_manager_activities()
            campaign._resume(words)
