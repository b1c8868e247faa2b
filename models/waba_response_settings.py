from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..policy import response
from ..policy import warm_up as warm_up_policy
from .waba_response_words import ACTIONS, number_sentence

DEFAULTS = response.DEFAULTS
# Field -> setting of policy.response.Settings, where they differ by name.
SETTINGS = {
    "slow_share": "yellow_share",
    "lock_red_days": "lock_red_days",
    "slow_at_risk": "slow_at_risk",
    "canary_share": "canary_share",
    "canary_minimum": "canary_minimum",
    "canary_maximum": "canary_maximum",
    "large_campaign": "large_campaign",
    "failure_limit": "failure_limit",
    "opt_out_limit": "opt_out_limit",
    "threshold_volume": "threshold_volume",
    "warm_up_first": "warm_up_first",
    "warm_up_growth": "warm_up_growth",
}
HOURS = {"canary_wait_hours": "canary_wait", "canary_longest_hours": "canary_longest_wait"}
SWITCHES = ("canary", "warm_up")
FIELDS = (*SETTINGS, *HOURS, *SWITCHES)


class WabaSender(models.Model):
    """How a number answers bad news, as its manager wants it, and what of that is in force.

    On the number, and not on the portfolio: Meta rates numbers, each number belongs to one company,
    and a portfolio's numbers may serve companies with different managers. What is set here makes
    a number more or less careful; it never lifts what Meta's lowest rating holds.
    """

    _inherit = "waba.sender"

    slow_share = fields.Float(
        "Part of the daily limit while slowed",
        default=DEFAULTS.yellow_share,
        aggregator=None,
        help="While Meta's rating is Medium, so much of the daily limit is used.",
    )
    slow_at_risk = fields.Boolean(
        "Slow down when our own reading is At risk",
        default=DEFAULTS.slow_at_risk,
        help="Meta's rating comes late. Our own reading sees opt-outs and silence before it falls.",
    )
    lock_red_days = fields.Integer(
        "Days rated Low before it is locked",
        default=DEFAULTS.lock_red_days,
        aggregator=None,
        help="Meta raises no limit while the rating is Low, and restricts numbers that many "
        "people block. 0: never locked for that.",
    )
    canary = fields.Boolean(
        "Start with a first wave",
        default=True,
        help="A few people first, then a wait for how they react, then the rest: for every "
        "campaign while the number or the template is not at its best, and for large ones of a "
        "young portfolio, which Meta sends in steps itself and may drop half-way.",
    )
    canary_share = fields.Float(
        "Part of the people", default=DEFAULTS.canary_share, aggregator=None
    )
    canary_minimum = fields.Integer(
        "At least", default=DEFAULTS.canary_minimum, aggregator=None, help="People."
    )
    canary_maximum = fields.Integer(
        "At most", default=DEFAULTS.canary_maximum, aggregator=None, help="People."
    )
    canary_wait_hours = fields.Float(
        "Wait",
        default=DEFAULTS.canary_wait / timedelta(hours=1),
        aggregator=None,
        help="Hours before the rest follows. Meta's own check takes up to one.",
    )
    canary_longest_hours = fields.Float(
        "Wait at most",
        default=DEFAULTS.canary_longest_wait / timedelta(hours=1),
        aggregator=None,
        help="When too few of the first wave have arrived by then, the campaign pauses.",
    )
    large_campaign = fields.Integer(
        "A campaign is large from",
        default=DEFAULTS.large_campaign,
        aggregator=None,
        help="People. Counts while the portfolio has sent fewer than 500,000 template messages in "
        "365 days.",
    )
    failure_limit = fields.Float(
        "Pause a campaign when more are not delivered",
        default=DEFAULTS.failure_limit,
        aggregator=None,
        help="Part of its messages, promotions that WhatsApp keeps back for the person left out.",
    )
    opt_out_limit = fields.Float(
        "Pause a campaign when more opt out",
        default=DEFAULTS.opt_out_limit,
        aggregator=None,
        help="Part of the people who got it.",
    )
    threshold_volume = fields.Integer(
        "Judge a campaign from",
        default=DEFAULTS.threshold_volume,
        aggregator=None,
        help="Messages. With fewer, one reply would decide.",
    )
    warm_up = fields.Boolean(
        "Warm up",
        default=True,
        help="A number that Meta has not rated yet, or whose daily limit has just risen, starts "
        "small and writes to more people each healthy day.",
    )
    warm_up_first = fields.Integer(
        "People on the first day", default=DEFAULTS.warm_up_first, aggregator=None
    )
    warm_up_growth = fields.Float(
        "Times more each day", default=DEFAULTS.warm_up_growth, aggregator=None
    )

    # What is in force
    response_action = fields.Selection(
        ACTIONS, "What we do about it", default="full", required=True, readonly=True, copy=False
    )
    response_key = fields.Char(default="healthy", readonly=True, copy=False)
    response_reason = fields.Text("Why it is held back", readonly=True, copy=False)
    response_since = fields.Datetime("Since", readonly=True, copy=False)
    response_share = fields.Float(
        "Part of the daily limit", default=1.0, readonly=True, copy=False, aggregator=None
    )
    response_canary = fields.Boolean("Campaigns start with a first wave", readonly=True, copy=False)
    marketing_held = fields.Boolean(
        "Promotions held",
        readonly=True,
        copy=False,
        help="Promotions wait; service messages go on.",
    )
    red_released_at = fields.Datetime(
        "Released although rated Low",
        readonly=True,
        copy=False,
        help="A manager's word, until Meta's rating rises.",
    )
    busiest_day = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="People on the busiest of the 7 days before it was slowed; what a share is of when "
        "Meta sets no limit.",
    )
    warm_up_people = fields.Integer(
        "Warm-up began with",
        readonly=True,
        copy=False,
        aggregator=None,
        help="People on its first day; 0: no warm-up.",
    )
    warm_up_step = fields.Integer("Warm-up steps", readonly=True, copy=False, aggregator=None)
    warm_up_stepped_at = fields.Datetime("Last step at", readonly=True, copy=False)

    @api.constrains(*SETTINGS, *HOURS)
    def _check_response_settings(self):
        for sender in self:
            try:
                sender._response_settings()
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "These settings cannot work: parts lie above 0 and up to 100 %%, people "
                        "and messages are at least 1, a warm-up grows, and a minimum is not above "
                        "its maximum (%s).",
                        error,
                    )
                ) from error

    def _response_settings(self):
        """`policy.response.Settings` as the manager wants them.

        :raise ValueError: when they make no sense
        """
        self.ensure_one()
        return replace(
            DEFAULTS,
            **{setting: self[name] for name, setting in SETTINGS.items()},
            **{setting: timedelta(hours=self[name]) for name, setting in HOURS.items()},
        )

    def _response_in_force(self):
        return response.Response(
            self.response_action,
            self.response_share,
            self.response_canary,
            self.marketing_held,
            self.response_key,
        )

    def _current_warm_up(self):
        """`policy.warm_up.WarmUp` under way, or None."""
        if not self.warm_up_people:
            return None
        return warm_up_policy.WarmUp(
            self.warm_up_people, self.warm_up_step, self.warm_up_stepped_at
        )

    # ------------------------------------------------------------------
    # What the queue asks
    # ------------------------------------------------------------------

    def _marketing_allowed(self):
        return not self._marketing_hold_reason()

    def _is_marketing_held(self):
        """Whether promotions wait while service messages go on.

        Meta's lowest rating holds them from the moment it is read, before anything is decided.
        """
        return self.marketing_held or (self.quality_rating == "red" and not self.red_released_at)

    def _marketing_hold_reason(self):
        """Sentence that names why no promotion leaves this number now, or False."""
        self.ensure_one()
        if self._is_marketing_held():
            red = response.plan_number_response("red", "unknown")
            return (self.marketing_held and self.response_reason) or number_sentence(
                self.env, self, red, 0
            )
        if self.account_id.marketing_disabled:
            return self.env._(
                "Promotions are switched off for the account %s at Meta. Switch them on in "
                "WhatsApp Manager, then read the account again.",
                self.account_id.name,
            )
        return False
