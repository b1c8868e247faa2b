"""Canary: the first part of a large campaign, and the thresholds that pause a campaign.

Called by the reservation and each run of a number's job (waba_campaign_hooks.py), and by the watch.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...policy import canary as canary_policy
from ...policy import reputation_rates
from ..base.waba_message import DEPARTURE_SQL, measure_conditions
from ..tools.reputation_texts import format_number
from ..tools.response_texts import campaign_sentence, summary

# States of rows that have left the queue, whatever the outcome.
DEPARTED_STATES = (
    "reserved",
    "uncertain",
    "accepted",
    "held",
    "sent",
    "delivered",
    "read",
    "failed",
)

# Wait before a canary without a verdict is assessed again: deliveries still arrive.
RECHECK_DELAY = timedelta(minutes=10)

PACING_WINDOW = timedelta(days=365)

CANARY_STATES = [
    ("none", "No pilot batch"),
    ("sending", "Sending pilot batch"),
    ("waiting", "Waiting for results"),
    ("widened", "Sending the rest"),
]


class WabaCampaign(models.Model):
    _name = "waba.campaign"
    _inherit = ["waba.campaign", "waba.response.mixin"]

    canary_state = fields.Selection(CANARY_STATES, "Pilot batch", readonly=True, copy=False)
    canary_size = fields.Integer("Pilot batch size", readonly=True, copy=False)
    canary_limit = fields.Integer(
        readonly=True, copy=False, help="Messages that may be sent before the rest follows."
    )
    canary_started_at = fields.Datetime("Pilot batch started", readonly=True, copy=False)
    canary_sent_at = fields.Datetime("Pilot batch sent", readonly=True, copy=False)
    canary_check_at = fields.Datetime("Pilot batch reviewed", readonly=True, copy=False)

    # Release
    watched_from = fields.Datetime(
        readonly=True,
        copy=False,
        help="Results of earlier messages no longer pause the campaign.",
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

    def action_release_canary(self):
        """Release the rest before the canary's results are known.

        :raise AccessError: the user is not a manager
        """
        self.check_access("write")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can send the rest now."))
        self.sudo()._release_canary(
            self.env._("%s sent the rest without waiting for results.", self.env.user.name)
        )

    def action_release(self):
        """Open the dialog in which a manager releases, with a reason, what holds this campaign."""
        self.ensure_one()
        if not self._is_paused_for_results() and (sender := self._sender_to_release()):
            return self.env["waba.release"]._open(sender_id=sender.id)
        return self.env["waba.release"]._open(campaign_id=self.id)

    # === Canary ===
    # The first reservation of a campaign's rows decides, under the portfolio's lock, whether a
    # canary is sent, and again when its number or template gets worse (`_reconsider_canary`). The
    # reservation takes rows up to `canary_limit`; then the campaign waits until `_check_thresholds`
    # releases the rest or pauses it. Size and wait: policy/canary.py. In the database the canary is
    # the `wave`.

    def _canary_allowance(self, wanted):
        """How many of `wanted` rows can be sent now.

        Messages of the canary that returned to the queue unsent free their allowance for others.
        """
        self.ensure_one()
        if not self.canary_state:
            self._decide_canary()
        if self.canary_state not in ("sending", "waiting"):
            return wanted
        return max(0, min(wanted, self.canary_limit - self._count_left()))

    def _count_left(self):
        """Number of messages that have left the queue."""
        self.env["waba.message"].flush_model(["campaign_id", "state"])
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM waba_message WHERE campaign_id = %s AND state IN %s",
                self.id,
                DEPARTED_STATES,
            )
        )
        return count

    def _count_queued(self):
        return self.env["waba.message"].search_count(
            [("campaign_id", "=", self.id), ("state", "=", "queued")]
        )

    def _planned_canary_size(self, people):
        """How many of these people get it first, 0 if all get it at once."""
        sender = self.sudo().sender_id
        return sender.canary and canary_policy.canary_size(
            people,
            sender.response_canary
            or any(
                template.sudo()._response_in_force().canary for template in self._templates_in_use()
            ),
            sender.portfolio_id._is_paced_by_meta(),
            sender._response_settings(),
        )

    def _decide_canary(self):
        """Decide whether a canary goes before the queued messages, or all are sent at once."""
        sender, size = self.sender_id, self._planned_canary_size(self._count_queued())
        if not size:
            self.canary_state = "none"
            return
        self.write(
            {
                "canary_state": "sending",
                "canary_size": size,
                "canary_limit": self._count_left() + size,
                "canary_started_at": fields.Datetime.now(),
                "canary_sent_at": False,
                "canary_check_at": False,
            }
        )
        text = self.env._(
            "Sending a pilot batch to %(people)s recipients. The rest follows %(hours)s h later if "
            "results are good.",
            people=format_number(self.env, size),
            hours=format_number(self.env, sender.canary_wait_hours),
        )
        self._record_response("response_canary", text, value_after=str(size))

    def _reconsider_canary(self):
        """Number or template got worse: decide again about the messages still queued."""
        self.filtered(lambda campaign: campaign.canary_state in ("none", "widened")).write(
            {"canary_state": False}
        )

    def _close_full_canary(self, leaves_by):
        """Start the wait for results once the canary is full.

        :param leaves_by: naive UTC datetime, the latest time at which a row just reserved can be
            sent
        """
        if self.canary_state not in ("sending", "waiting") or self._canary_allowance(1):
            return
        if self.canary_state == "sending":
            self._notify_managers(
                summary(self.env, "canary"),
                self.env._(
                    "The pilot batch of %s recipients has been sent.",
                    format_number(self.env, self.canary_size),
                ),
            )
        sent_at = leaves_by.replace(microsecond=0)
        self.write(
            {
                "canary_state": "waiting",
                "canary_sent_at": sent_at,
                "canary_check_at": sent_at + self.sender_id._response_settings().canary_wait,
            }
        )

    def _release_canary(self, text):
        """Send the rest."""
        for campaign in self.filtered(lambda c: c.canary_state in ("sending", "waiting")):
            campaign.write({"canary_state": "widened", "canary_check_at": False})
            campaign._message_log(body=text)
            campaign._close_manager_activities()
            campaign.sender_id._trigger_dispatch()

    def _canary_wait_reason(self):
        """The banner while the rest waits for the canary's results, or False."""
        if self.state != "running" or self.canary_state != "waiting":
            return False
        if self.canary_check_at == self._first_check_at():
            return self.env._(
                "Pilot batch of %(people)s sent. The rest follows %(when)s if results are good.",
                people=format_number(self.env, self.canary_size),
                when=self._format_datetime(self.canary_check_at),
            )
        return self.env._(
            "Pilot batch of %(people)s sent, but too few messages were delivered to judge it. Next "
            "review %(when)s.",
            people=format_number(self.env, self.canary_size),
            when=self._format_datetime(self.canary_check_at),
        )

    def _first_check_at(self):
        return self.canary_sent_at + self.sudo().sender_id._response_settings().canary_wait

    # === Thresholds ===
    # Checked by each run of the number's job and by the watch; the limits are in policy/canary.py.

    def _check_thresholds(self, now):
        """Decide A/B tests, release well-received canaries, pause badly received campaigns."""
        self._advance_ab_test(now)
        for campaign in self:
            if campaign.canary_state in ("sending", "waiting"):
                campaign._check_canary(now)
            else:
                campaign._check_campaign()

    def _check_canary(self, now):
        counts = self._recent_results(self.canary_started_at)
        settings = self.sender_id._response_settings()
        waited = now - self.canary_sent_at if self.canary_sent_at else timedelta()
        verdict = canary_policy.canary_verdict(self.canary_size, counts, waited, settings)
        if verdict == "widen" and self.canary_state == "waiting":
            self._release_canary(
                self.env._(
                    "Pilot batch of %(wave)s: %(delivered)s delivered, %(failed)s failed, "
                    "%(opted_out)s opted out. Sending the rest.",
                    wave=format_number(self.env, self.canary_size),
                    delivered=format_number(self.env, counts.delivered),
                    failed=format_number(self.env, counts.failed),
                    opted_out=format_number(self.env, counts.opted_out),
                )
            )
        elif verdict in canary_policy.CAMPAIGN_REASONS:
            self._pause_for_results(verdict, counts, settings)
        elif self.canary_check_at and self.canary_check_at <= now:
            self.canary_check_at = now + RECHECK_DELAY

    def _check_campaign(self):
        counts = (
            self._recent_results(self.watched_from) if self.watched_from else self._all_results()
        )
        settings = self.sender_id._response_settings()
        if reason_key := canary_policy.campaign_threshold(counts, settings):
            self._pause_for_results(reason_key, counts, settings)

    def _all_results(self):
        """`DayCounts` of the whole campaign, from its index of states.

        Called by every run of the number's job, so it must not read the rows of a campaign of a
        million.
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
        """Pause until a manager releases it; the queued messages are kept."""
        text = campaign_sentence(self.env, reason_key, counts, settings, self.canary_size)
        self._pause(text, cause="reputation")
        self._record_response("response_campaign", text, value_after=reason_key)
        self._notify_managers(summary(self.env, "campaign"), text)

    # === Release by a manager ===

    def _is_paused_for_results(self):
        return self.state == "paused" and self.pause_cause == "reputation"

    def _sender_to_release(self):
        """The number, if it holds this campaign and a manager can release it; else None."""
        sender = self.sudo().sender_id
        if self.state != "running" or not sender or not sender._can_be_released():
            return None
        is_held = sender.state == "locked" or self.category == "marketing"
        return sender if is_held else None

    def _check_release_reason(self):
        """A campaign paused by its results is resumed only by a manager, with a reason.

        :return: the dialog that asks for the reason; None if no campaign needs one
        :raise UserError: the user is not a manager
        """
        held = self.filtered(lambda campaign: campaign._is_paused_for_results())
        if not held:
            return None
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise UserError(held[0].pause_reason)
        return held[0].action_release()

    def _release(self, reason):
        """Resume on a manager's reason: earlier results no longer pause the campaign."""
        for campaign in self.filtered(lambda campaign: campaign._is_paused_for_results()):
            campaign.write(
                {
                    "watched_from": fields.Datetime.now(),
                    "canary_state": "widened" if campaign.canary_state else False,
                    "canary_check_at": False,
                }
            )
            text = campaign.env._(
                "Resumed by %(manager)s: %(reason)s",
                manager=self.env.user.name,
                reason=reason,
            )
            campaign._record_response(
                "response_release", text, source="person", user_id=self.env.uid
            )
            campaign._close_manager_activities()
            campaign._resume(text)


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    def _is_paced_by_meta(self):
        """Whether Meta itself paces this portfolio's large campaigns.

        Meta also counts messages that other systems sent, which are not reported to us: a portfolio
        may be older than it appears here, and is then only more careful than necessary.
        """
        self.ensure_one()
        today = fields.Datetime.now().date()
        [(sent,)] = (
            self.env["waba.message.daily"]
            .sudo()
            ._read_group(
                [
                    ("account_id.portfolio_id", "=", self.id),
                    ("template_id", "!=", False),
                    ("day", ">", today - PACING_WINDOW),
                ],
                [],
                ["sent_count:sum"],
            )
        )
        return canary_policy.is_paced_portfolio(sent or 0)
