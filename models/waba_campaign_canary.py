from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..policy import canary as canary_policy
from .waba_reputation_words import format_number
from .waba_response_words import summary

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

    def action_release_canary(self):
        """A manager does not wait for the canary's results."""
        self.check_access("write")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager lets the rest follow before its time."))
        self.sudo()._release_canary(self.env._("%s let the rest follow.", self.env.user.name))

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
