from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...policy import canary as canary_policy
from ...policy import reputation_rates
from ..base.waba_message import DEPARTURE_SQL, measure_conditions
from ..tools.reputation_texts import format_number
from ..tools.response_texts import campaign_sentence, summary

# Rows that left the queue for the platform, whatever came after.
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

# When a wave that is long enough over is looked at again; people go on receiving it.
RECHECK_DELAY = timedelta(minutes=10)

PACING_WINDOW = timedelta(days=365)

CANARY_STATES = [
    ("none", "No first wave"),
    ("sending", "First wave"),
    ("waiting", "Waiting for reactions"),
    ("widened", "The rest follows"),
]


class WabaCampaign(models.Model):
    """A campaign's canary.

    Whether a campaign starts with a wave is decided by the first reservation of its rows, under the
    portfolio's lock, and again when its number or template gets worse (`_reconsider_canary`). The
    reservation takes rows up to `wave_limit`; then the campaign waits until `_check_thresholds`
    (waba_campaign_results.py) widens or pauses it. policy/canary.py says how large, how long.
    """

    _name = "waba.campaign"
    _inherit = ["waba.campaign", "waba.response.mixin"]

    wave_state = fields.Selection(CANARY_STATES, "First wave", readonly=True, copy=False)
    wave_size = fields.Integer("People of the first wave", readonly=True, copy=False)
    wave_limit = fields.Integer(
        readonly=True, copy=False, help="Messages that may have left before the rest follows."
    )
    wave_started_at = fields.Datetime("First wave began", readonly=True, copy=False)
    wave_sent_at = fields.Datetime("First wave sent", readonly=True, copy=False)
    wave_until = fields.Datetime("First wave judged at", readonly=True, copy=False)

    # Thresholds while it runs
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

    def action_release_canary(self):
        """A manager does not wait for the canary's results."""
        self.check_access("write")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager lets the rest follow before its time."))
        self.sudo()._release_canary(self.env._("%s let the rest follow.", self.env.user.name))

    def action_release(self):
        """Ask the manager for a reason, then release what holds this campaign."""
        self.ensure_one()
        if not self._is_paused_for_results() and (sender := self._sender_to_release()):
            return self.env["waba.release"]._open(sender_id=sender.id)
        return self.env["waba.release"]._open(campaign_id=self.id)

    # ------------------------------------------------------------------
    # The canary
    # ------------------------------------------------------------------
    def _canary_allowance(self, wanted):
        """How many of `wanted` rows may leave now.

        What of the canary came back to the queue unsent leaves its room to others.
        """
        self.ensure_one()
        if not self.wave_state:
            self._decide_canary()
        if self.wave_state not in ("sending", "waiting"):
            return wanted
        return max(0, min(wanted, self.wave_limit - self._count_left()))

    def _count_left(self):
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

    def _decide_canary(self):
        """Whether the people who wait are written to at once, or a canary goes before."""
        sender = self.sender_id
        wave = sender.canary and canary_policy.canary_size(
            self._count_queued(),
            sender.response_canary
            or any(template._response_in_force().canary for template in self._templates_in_use()),
            sender.portfolio_id._is_paced_by_meta(),
            sender._response_settings(),
        )
        if not wave:
            self.wave_state = "none"
            return
        self.write(
            {
                "wave_state": "sending",
                "wave_size": wave,
                "wave_limit": self._count_left() + wave,
                "wave_started_at": fields.Datetime.now(),
                "wave_sent_at": False,
                "wave_until": False,
            }
        )
        words = self.env._(
            "A first wave of %(people)s people is sent. The rest follows %(hours)s hours later, "
            "when it is well received.",
            people=format_number(self.env, wave),
            hours=format_number(self.env, sender.canary_wait_hours),
        )
        self._record_response("response_canary", words, value_after=str(wave))

    def _reconsider_canary(self):
        """The number or the template got worse: who still waits is written to in waves."""
        self.filtered(lambda campaign: campaign.wave_state in ("none", "widened")).write(
            {"wave_state": False}
        )

    def _close_full_canary(self, leaves_by):
        """The canary is full: from its last message on, the wait begins.

        :param leaves_by: naive UTC datetime, the latest moment a row just reserved may leave
        """
        if self.wave_state not in ("sending", "waiting") or self._canary_allowance(1):
            return
        if self.wave_state == "sending":
            self._notify_managers(
                summary(self.env, "canary"),
                self.env._(
                    "Its first wave of %s people has been sent.",
                    format_number(self.env, self.wave_size),
                ),
            )
        sent_at = leaves_by.replace(microsecond=0)
        self.write(
            {
                "wave_state": "waiting",
                "wave_sent_at": sent_at,
                "wave_until": sent_at + self.sender_id._response_settings().canary_wait,
            }
        )

    def _release_canary(self, words):
        """The rest follows."""
        for campaign in self.filtered(lambda c: c.wave_state in ("sending", "waiting")):
            campaign.write({"wave_state": "widened", "wave_until": False})
            campaign._message_log(body=words)
            campaign._close_manager_activities()
            campaign.sender_id._trigger_dispatch()

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------
    def _canary_wait_reason(self):
        """The banner while the rest waits for the canary's results, or False."""
        if self.state != "running" or self.wave_state != "waiting":
            return False
        if self.wave_until == self._first_check_at():
            return self.env._(
                "A first wave of %(people)s was sent; the rest follows %(when)s if all is well.",
                people=format_number(self.env, self.wave_size),
                when=self._format_datetime(self.wave_until),
            )
        return self.env._(
            "A first wave of %(people)s was sent, and too few have arrived yet to judge by. The "
            "rest follows when more have; it is looked at again %(when)s.",
            people=format_number(self.env, self.wave_size),
            when=self._format_datetime(self.wave_until),
        )

    def _first_check_at(self):
        return self.wave_sent_at + self.sudo().sender_id._response_settings().canary_wait

    # === Thresholds while it runs ===
    # What a campaign's own results say: widen its canary, or pause until a manager has looked.
    #
    # They are looked at by each run of the number's job and by the watch; policy/canary.py says
    # what is too bad.

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


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    def _is_paced_by_meta(self):
        """Whether Meta sends this portfolio's large campaigns in steps itself.

        Meta counts what other systems sent too, which nobody tells us: a portfolio may be older
        than it looks here, and is then only more careful than it need be.
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
