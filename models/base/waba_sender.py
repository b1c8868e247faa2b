"""Base: a business phone number: Meta's report, state, and the response in force.

Called by its form, the sync, dispatch (may it send?) and reputation (slow, hold, lock).
"""

from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...cloud_api import CloudApiError, Health
from ...policy import numbers, response
from ...policy import warm_up as warm_up_policy
from ..tools.hooks import hook
from ..tools.labels import selection_labels
from ..tools.platform_words import platform_word
from ..tools.reputation_texts import RATINGS
from ..tools.response_texts import ACTIONS, number_sentence

# Meta publishes three enumerations for a number's status (reference of 2025-11-21): only these two
# allow sending; those below stop it; any other is shown and does not stop it.
STATUS_SENDING = ("CONNECTED", "LINKED")

STATUS_STOPPING = (
    "BANNED", "RESTRICTED", "FLAGGED", "DISCONNECTED", "UNLINKED", "DELETED", "MIGRATED",
    "UNVERIFIED", "PENDING", "MISSING",
)  # fmt: skip

# A pause is only replaced by one of the same or a higher rank. Meta's status has the lowest: it is
# checked again whenever another pause ends.
CAUSE_RANK = {"platform": 0, "failure": 1, "person": 2}

DEFAULTS = response.DEFAULTS

# Field -> setting of policy.response.Settings.
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


# Meta's error when the owner of the app does not share the chats (history, 2025-12-12).
HISTORY_DECLINED = 2593109


class WabaSender(models.Model):
    """A business phone number.

    States: `active` ⇄ `slowed` (half speed) ⇄ `paused` (nothing is sent until `resume_at` or until
    a user resumes it); `locked` (only a manager's release lifts it). `pause_reason` is a sentence.
    `quality_rating` is Meta's, from the sync; `state` and `response_action` are ours, decided in
    waba_sender_response.py.
    Entry points: `_cron_dispatch` (waba_sender_dispatch.py), `_trigger_dispatch`, `_pause`,
    `_resume`, `_not_sending_reason`, `_apply_facts`.
    Note: each number has its own ir.cron (`cron_id`). Odoo's scheduler runs a job on one worker of
    the whole cluster at a time, so a number has one dispatcher, on any number of hosts.
    """

    _name = "waba.sender"
    _description = "WhatsApp Number"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "waba.system.fields.mixin",
        "waba.reputation.subject.mixin",
    ]
    _rec_name = "display_phone_number"
    _order = "account_id, display_phone_number, id"

    account_id = fields.Many2one(
        "waba.account", required=True, readonly=True, ondelete="restrict", index=True
    )
    portfolio_id = fields.Many2one(related="account_id.portfolio_id", store=True, index=True)
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    active = fields.Boolean(default=True)
    # Reported by Meta
    phone_number_uid = fields.Char("Phone number ID", required=True, readonly=True)
    display_phone_number = fields.Char("Number", readonly=True)
    number = fields.Char("Number (E.164)", readonly=True)
    verified_name = fields.Char("Display name", readonly=True)
    quality_rating = fields.Selection(
        RATINGS,
        string="Quality rating",
        default="unknown",
        readonly=True,
        tracking=True,
        help="Meta's rating of how recipients received this number's messages in the last 7 days.",
    )
    platform_status = fields.Char("Meta status code", readonly=True)
    name_status = fields.Char("Name review code", readonly=True)
    platform_status_text = fields.Char("Meta status", compute="_compute_platform_texts")
    name_status_text = fields.Char("Name review", compute="_compute_platform_texts")
    throughput = fields.Integer("Messages per second", default=80, readonly=True)
    own_throughput = fields.Integer(
        "Own speed limit",
        help="Messages per second, if lower than Meta's limit. 0: no own limit.",
    )
    is_on_business_app = fields.Boolean("WhatsApp Business app", readonly=True)
    # History of the app
    history_state = fields.Selection(
        [("requested", "Requested"), ("running", "Importing"), ("done", "Imported"),
         ("declined", "Not shared"), ("failed", "Failed")],
        "Chat history",
        readonly=True,
        copy=False,
    )  # fmt: skip
    history_progress = fields.Integer("Imported", readonly=True, copy=False, aggregator=None)
    history_requested_at = fields.Datetime("Requested on", readonly=True, copy=False)
    app_text = fields.Char("App use", compute="_compute_app_text")
    health_status = fields.Json(readonly=True)
    rated_at = fields.Datetime("Rating updated", readonly=True)
    # State and pace
    state = fields.Selection(
        [("active", "Active"), ("slowed", "Slowed"), ("paused", "Paused"), ("locked", "Locked")],
        default="active",
        required=True,
        readonly=True,
        tracking=True,
    )
    pause_reason = fields.Text("Pause reason", readonly=True)
    pause_cause = fields.Selection(
        [
            ("platform", "Meta status"),
            ("failure", "Failure"),
            ("person", "User"),
            ("reputation", "Health"),
        ],
        readonly=True,
    )
    resume_at = fields.Datetime("Resumes at", readonly=True)
    next_dispatch_at = fields.Datetime(readonly=True, help="Earliest time of the next message.")
    slowed_until = fields.Datetime(readonly=True)
    run_count = fields.Integer(
        "Run count",
        default=0,
        required=True,
        readonly=True,
        copy=False,
        help="Runs of the sending job; only the latest reserves.",
    )
    ended_run = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        copy=False,
        help="The latest run of the sending job that ended by itself, not by a kill.",
    )
    cron_id = fields.Many2one("ir.cron", readonly=True, copy=False, ondelete="set null")
    # Limits and counts
    messaging_limit = fields.Selection(related="portfolio_id.messaging_limit")
    people_limit = fields.Integer(related="portfolio_id.people_limit")
    slots_used = fields.Integer(related="portfolio_id.slots_used")
    usage_rate = fields.Float(related="portfolio_id.usage_rate")
    is_unlimited = fields.Boolean(related="portfolio_id.is_unlimited")
    next_slot_at = fields.Datetime(related="portfolio_id.next_slot_at")
    queued_count = fields.Integer("Queued", compute="_compute_queued_count")
    campaign_count = fields.Integer("Campaigns", compute="_compute_campaign_count")
    # Settings of the response
    slow_share = fields.Float(
        "Share while slowed",
        default=DEFAULTS.yellow_share,
        aggregator=None,
        help="Share of the daily limit used while Meta rates the number Medium.",
    )
    slow_at_risk = fields.Boolean(
        "Slow at risk",
        default=DEFAULTS.slow_at_risk,
        help="Also slow the number when its health score is At risk, before Meta's rating falls.",
    )
    lock_red_days = fields.Integer(
        "Lock after",
        default=DEFAULTS.lock_red_days,
        aggregator=None,
        help="Days rated Low until the number is locked. 0: never.",
    )
    canary = fields.Boolean(
        "Pilot batch",
        default=True,
        help="Send to a small share first and assess the reaction before the rest: for large "
        "campaigns, and for all while the number or template is not rated High.",
    )
    canary_share = fields.Float(
        "Share of recipients", default=DEFAULTS.canary_share, aggregator=None
    )
    canary_minimum = fields.Integer(
        "Minimum recipients", default=DEFAULTS.canary_minimum, aggregator=None
    )
    canary_maximum = fields.Integer(
        "Maximum recipients", default=DEFAULTS.canary_maximum, aggregator=None
    )
    canary_wait_hours = fields.Float(
        "Waiting time",
        default=DEFAULTS.canary_wait / timedelta(hours=1),
        aggregator=None,
        help="Hours between the pilot batch and the rest.",
    )
    canary_longest_hours = fields.Float(
        "Maximum wait",
        default=DEFAULTS.canary_longest_wait / timedelta(hours=1),
        aggregator=None,
        help="Hours until the campaign pauses if too few of the pilot batch were delivered.",
    )
    large_campaign = fields.Integer(
        "Large campaign",
        default=DEFAULTS.large_campaign,
        aggregator=None,
        help="Recipients from which a campaign starts with a pilot batch, while the portfolio has "
        "sent fewer than 500,000 template messages in 365 days.",
    )
    failure_limit = fields.Float(
        "Failure threshold",
        default=DEFAULTS.failure_limit,
        aggregator=None,
        help="A campaign pauses above this share of failed messages, not counting promotions that "
        "WhatsApp limits per person.",
    )
    opt_out_limit = fields.Float(
        "Opt-out threshold",
        default=DEFAULTS.opt_out_limit,
        aggregator=None,
        help="A campaign pauses above this share of opt-outs among delivered messages.",
    )
    threshold_volume = fields.Integer(
        "Minimum messages",
        default=DEFAULTS.threshold_volume,
        aggregator=None,
        help="The thresholds apply from this number of messages.",
    )
    warm_up = fields.Boolean(
        "Warm-up",
        default=True,
        help="A new number, or one whose limit has just risen, uses a little more of the daily "
        "limit each healthy day.",
    )
    warm_up_first = fields.Integer(
        "Recipients, first day", default=DEFAULTS.warm_up_first, aggregator=None
    )
    warm_up_growth = fields.Float(
        "Daily growth factor", default=DEFAULTS.warm_up_growth, aggregator=None
    )
    # Response in force
    response_action = fields.Selection(
        ACTIONS, "Response", default="full", required=True, readonly=True, copy=False
    )
    response_key = fields.Char(default="healthy", readonly=True, copy=False)
    response_reason = fields.Text("Response reason", compute="_compute_response_reason")
    response_since = fields.Datetime("Since", readonly=True, copy=False)
    response_share = fields.Float(
        "Daily limit share", default=1.0, readonly=True, copy=False, aggregator=None
    )
    response_canary = fields.Boolean("Pilot batch required", readonly=True, copy=False)
    marketing_held = fields.Boolean(
        "Promotions on hold",
        readonly=True,
        copy=False,
        help="Promotions are on hold; service messages are sent.",
    )
    red_released_at = fields.Datetime(
        "Low rating override",
        readonly=True,
        copy=False,
        help="A manager's override, until Meta's rating rises.",
    )
    busiest_day = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="Recipients on the busiest of the 7 days before it was slowed; the base of the share "
        "when Meta sets no limit.",
    )
    warm_up_people = fields.Integer(
        "Warm-up start",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Recipients on its first day; 0: no warm-up.",
    )
    warm_up_step = fields.Integer("Warm-up steps", readonly=True, copy=False, aggregator=None)
    warm_up_stepped_at = fields.Datetime("Last step at", readonly=True, copy=False)

    _phone_number_uid_uniq = models.Constraint(
        "UNIQUE(phone_number_uid)", "This number is already connected."
    )
    _own_throughput_positive = models.Constraint(
        "CHECK(own_throughput >= 0)",
        "The own speed limit must be 0 (none) or a positive number of messages per second.",
    )

    @api.depends_context("lang")
    @api.depends("response_action", "response_key", "response_share", "pause_reason")
    def _compute_response_reason(self):
        for sender in self:
            if sender.response_action == "lock":
                sender.response_reason = sender.pause_reason
            else:
                cause = sender.response_key, sender.response_share
                sender.response_reason = number_sentence(self.env, sender, *cause) or False

    @api.depends("platform_status", "name_status")
    def _compute_platform_texts(self):
        for sender in self:
            sender.platform_status_text = platform_word(self.env, sender.platform_status)
            sender.name_status_text = platform_word(self.env, sender.name_status)

    @api.depends_context("lang")
    @api.depends(
        "is_on_business_app", "history_state", "history_progress", "account_id.stop_reason"
    )
    def _compute_app_text(self):
        for sender in self:
            sender.app_text = sender.is_on_business_app and sender._app_sentence()

    def _compute_queued_count(self):
        groups = self.env["waba.message"]._read_group(
            [("sender_id", "in", self.ids), ("state", "=", "queued")], ["sender_id"], ["__count"]
        )
        counts = {sender.id: count for sender, count in groups}
        for sender in self:
            sender.queued_count = counts.get(sender.id, 0)

    def _compute_campaign_count(self):
        groups = self.env["waba.campaign"]._read_group(
            [("sender_id", "in", self.ids)], ["sender_id"], ["__count"]
        )
        counts = {sender.id: count for sender, count in groups}
        for sender in self:
            sender.campaign_count = counts.get(sender.id, 0)

    @api.depends("display_phone_number", "verified_name", "phone_number_uid")
    def _compute_display_name(self):
        for sender in self:
            number = sender.display_phone_number or sender.phone_number_uid
            sender.display_name = (
                f"{number} · {sender.verified_name}" if sender.verified_name else number
            )

    @api.constrains(*SETTINGS, *HOURS)
    def _check_response_settings(self):
        for sender in self:
            try:
                sender._response_settings()
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "These settings are not valid: shares must be above 0%% and up to 100%%, "
                        "counts at least 1, the growth factor above 1, and minimums not above "
                        "their maximums (%s).",
                        error,
                    )
                ) from error

    @api.model_create_multi
    def create(self, vals_list):
        senders = super().create(vals_list)
        for sender in senders:
            sender._create_cron()
        return senders

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            self._own_crons().active = vals["active"]
        if "own_throughput" in vals or vals.get("active"):
            self._trigger_dispatch()
        self._on_change(vals.keys())
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        for sender in self:
            used_by = (
                self.env["waba.campaign"].sudo().search([("sender_id", "=", sender.id)], limit=1)
            )
            if used_by or self.env["waba.message"].sudo().search_count(
                [("sender_id", "=", sender.id)], limit=1
            ):
                raise UserError(
                    self.env._(
                        "%(number)s cannot be deleted: it is used by %(campaign)s. Archive it "
                        "instead.",
                        number=sender.display_name,
                        campaign=used_by.name or self.env._("messages"),
                    )
                )

    def unlink(self):
        crons = self._own_crons()
        result = super().unlink()
        crons.unlink()
        return result

    def action_view_campaigns(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Campaigns"),
            "res_model": "waba.campaign",
            "view_mode": "list,kanban,form",
            "domain": [("sender_id", "=", self.id)],
        }

    def action_view_counted_recipients(self):
        return self.portfolio_id.action_view_counted_recipients()

    def action_sync(self):
        return self.account_id.action_sync()

    def action_pause(self):
        """Pause until a user resumes it."""
        self.check_access("write")
        self.sudo()._pause(self.env._("Paused by %s.", self.env.user.name), cause="person")

    def action_resume(self):
        """Lift a pause; for a locked number, open the dialog of its release."""
        self.check_access("write")
        self.sudo()._resume(self.env._("resumed by %s.", self.env.user.name))
        locked = self.filtered(lambda sender: sender.state == "locked")
        return locked[:1].action_release() if locked else None

    # === Hooks ===

    @hook
    def _on_change(self, names):
        """After these numbers were written.

        :param names: the fields that were written
        """

    @hook
    def _on_reading(self, is_first, rating_before):
        """After a sync of this number.

        :param is_first: whether it was the first
        :param rating_before: the previous `quality_rating`
        """

    @hook
    def _on_spam_refusal(self, refusal):
        """After Meta refused this number's messages as spam (131048).

        :param refusal: sentence with Meta's text
        """

    @hook
    def _on_requeue(self, messages):
        """After messages of these numbers were queued again."""

    @hook
    def _on_statuses(self, messages):
        """After a batch of statuses changed these messages of these numbers."""

    @hook
    def _on_campaign_failure(self, messages, reason, until=None):
        """After failures for which the campaigns of these messages pause.

        :param reason: sentence
        :param until: naive UTC datetime at which the cause ends, None if unknown
        """

    @hook
    def _on_trim(self, messages, campaign):
        """Before old messages of a campaign are deleted, in the same transaction."""

    @hook
    def _on_new_lead(self, message):
        """Before a reply to this message, from an unknown number, becomes a lead.

        :return: values of the lead
        """

    # === Job ===

    def _create_cron(self):
        """Create the number's job. It runs on triggers; the interval is a safety net."""
        self.ensure_one()
        self.cron_id = (
            self.env["ir.cron"]
            .sudo()
            .create(
                {
                    "name": f"WhatsApp: send from {self.display_name}",
                    "model_id": self.env["ir.model"]._get_id(self._name),
                    "state": "code",
                    "code": self._dispatch_code(),
                    "interval_number": 10,
                    "interval_type": "minutes",
                    # Before all other jobs: recipients and salespeople wait for messages.
                    "priority": 3,
                    "user_id": self.env.ref("base.user_root").id,
                }
            )
        )

    def _dispatch_code(self):
        """The Python code of the number's job."""
        return f"model.browse({self.id})._cron_dispatch()"

    def _own_crons(self):
        """The jobs that send from these numbers, checked by their code, not by `cron_id` alone."""
        return (
            self.env["ir.cron"]
            .sudo()
            .concat(
                *(
                    sender.cron_id
                    for sender in self.sudo()
                    if sender.cron_id.model_name == self._name
                    and sender.cron_id.code == sender._dispatch_code()
                )
            )
        )

    def _trigger_dispatch(self):
        """Run the dispatcher as soon as a cron worker is free."""
        for cron in self.sudo().cron_id:
            cron._trigger()

    # === WhatsApp Business app ===

    def action_request_app_data(self):
        """Ask Meta for the contacts and chats of the WhatsApp Business app, which come as webhooks.

        Possible once, within 24 hours of connecting the number.
        """
        self.ensure_one()
        self.check_access("write")
        sender = self.sudo()
        try:
            with sender.account_id._client() as client:
                for sync_type in ("smb_app_state_sync", "history"):
                    client.request_app_data(sender.phone_number_uid, sync_type)
        except CloudApiError as error:
            raise UserError(
                self.env._(
                    "The chat history was not requested. Meta sends it once, within 24 hours of "
                    "connecting the number. %s",
                    sender.account_id._error_text(error),
                )
            ) from error
        if sender.history_state not in ("running", "done"):
            sender.history_state = "requested"
        sender.history_requested_at = fields.Datetime.now()

    def _record_history(self, chunk):
        """Record how far the import is; chunks come in any order.

        :param chunk: cloud_api.HistoryChunk
        """
        if chunk.error_code is not None:
            if self.history_state not in ("running", "done"):
                is_declined = chunk.error_code == HISTORY_DECLINED
                self.history_state = "declined" if is_declined else "failed"
                self._message_log(body=self.env._("Chat history: %s", chunk.error_text))
            return
        if chunk.progress is None:
            return
        progress = max(self.history_progress, chunk.progress)
        state = "done" if progress >= 100 else "running"
        if (self.history_state, self.history_progress) != (state, progress):
            self.write({"history_state": state, "history_progress": progress})

    def _app_sentence(self):
        """What the use in the app means for this number, and how far its history is."""
        if self.account_id.stop_reason:
            return self.account_id.stop_reason
        texts = [
            self.env._(
                "Also used in the WhatsApp Business app: at most 20 messages a second; what "
                "colleagues write there appears in the conversations."
            )
        ]
        if self.history_state == "running":
            texts.append(self.env._("Chat history: %s%% imported.", self.history_progress))
        elif self.history_state == "requested":
            texts.append(self.env._("Chat history requested: it arrives within hours."))
        elif self.history_state == "declined":
            texts.append(
                self.env._(
                    "Chat history not shared: the owner declined it in the app. To share it, "
                    "connect the number again."
                )
            )
        return " ".join(texts)

    # === Sync ===

    def _apply_facts(self, facts):
        """Apply a `cloud_api.PhoneNumber` that a sync has read."""
        self.ensure_one()
        rating_before, standing_before = self.quality_rating, self._platform_facts()
        is_first = not self.rated_at
        self.write(
            {
                "display_phone_number": facts.display_phone_number or self.display_phone_number,
                "number": facts.number or self.number,
                "verified_name": facts.verified_name or self.verified_name,
                "quality_rating": facts.quality_rating,
                "platform_status": facts.status or self.platform_status,
                "name_status": facts.name_status,
                "throughput": facts.messages_per_second,
                "is_on_business_app": facts.is_on_biz_app,
                "health_status": facts.health.raw,
                "rated_at": fields.Datetime.now(),
            }
        )
        self.portfolio_id._apply_polled_limit(
            facts.messaging_limit,
            self.env._("sync of %s", self.display_phone_number),
            {"sender_id": self.id},
        )
        self._record_platform_changes(standing_before)
        self._apply_platform_status()
        # In this transaction, so that no promotion is reserved after the rating became red.
        self._on_reading(is_first, rating_before)
        if rating_before == "red" and self.quality_rating != "red":
            self._trigger_dispatch()

    def _mark_missing(self):
        """The account no longer lists this number: pause it."""
        standing_before = self._platform_facts()
        self.platform_status = "MISSING"
        self._record_platform_changes(standing_before)
        self._apply_platform_status()

    def _apply_platform_status(self):
        """Pause if Meta's status forbids sending; resume if that was the only reason."""
        status = (self.platform_status or "").upper()
        if status in STATUS_STOPPING:
            reason = self.env._(
                "Nothing is sent: Meta reports this number as “%s”. Resolve it in WhatsApp "
                "Manager.",
                platform_word(self.env, status),
            )
            self._pause(reason, cause="platform")
        elif status in STATUS_SENDING and self.pause_cause == "platform":
            self._resume(
                self.env._("Meta reports the number as “%s”.", platform_word(self.env, status))
            )

    def _platform_facts(self):
        """Meta's report of this number: {kind of evidence: value}; {} before the first sync."""
        if not self.rated_at:
            return {}
        return {
            "number_quality": self.quality_rating,
            "number_status": (self.platform_status or "").upper(),
            "number_name": self.name_status,
            "throughput": str(self.throughput),
            "health": Health.from_reply(self.health_status).can_send,
        }

    def _record_platform_changes(self, before):
        """Record evidence of what a sync changed, and its status in the chatter.

        :param before: `_platform_facts()` before the sync
        """
        status_before, status = before.get("number_status"), self.platform_status
        if status_before and status_before != (status or "").upper():
            self._message_log(
                body=self.env._(
                    "Meta status: %(before)s → %(after)s",
                    before=platform_word(self.env, status_before),
                    after=self.platform_status_text or "–",
                )
            )
        self.env["waba.reputation.event"]._record_changes(
            {"sender_id": self.id}, before, self._platform_facts(), self._platform_facts_text
        )

    def _platform_facts_text(self, kind, before, after):
        field = {"number_quality": "quality_rating"}.get(kind)
        labels = selection_labels(self, field) if field else {}
        names = selection_labels(self.env["waba.reputation.event"], "kind")
        was, now = (
            labels.get(value) or platform_word(self.env, value) for value in (before, after)
        )
        return f"{names[kind]}: {was or '–'} → {now}"

    def _rating_history(self, since):
        """Meta's rating of this number over time, from the evidence.

        :param since: naive UTC datetime
        :return: [(naive UTC datetime, 'green'|'yellow'|'red'|'unknown')] ascending; the first is
            the rating in force at `since`, with its own, earlier time, if one was known
        """
        self.ensure_one()
        events = self.env["waba.reputation.event"]
        of_number = [("kind", "=", "number_quality"), ("sender_id", "=", self.id)]
        before = events.search([*of_number, ("at", "<=", since)], order="at desc, id desc", limit=1)
        after = events.search([*of_number, ("at", ">", since)], order="at, id")
        return [(event.at, event.value_after) for event in before + after]

    # === Our own numbers ===

    @api.model
    def _filter_own_numbers(self, named):
        """The given numbers that are our own, of any account, archived ones too.

        :param named: numbers in E.164 or as WhatsApp writes them; empty ones are ignored
        :return: set of numbers, as given
        """
        named = {number: numbers.canonical_number(number) for number in named if number}
        if not named:
            return set()
        self.flush_model(["number", "display_phone_number"])
        rows = self.env.execute_query(
            SQL("SELECT number, regexp_replace(display_phone_number, '[^0-9]', '', 'g') "
                "FROM waba_sender")
        )  # fmt: skip
        ours = {numbers.canonical_number(number) for number, _shown in rows if number}
        ours |= {numbers.canonical_number(f"+{shown}") for _number, shown in rows if shown}
        return {number for number, e164 in named.items() if e164 in ours}

    # === State ===

    def _pause(self, reason, until=None, cause="failure"):
        """Send nothing from these numbers until `until` or, without it, until a user resumes them.

        :param reason: sentence
        :param until: naive UTC datetime
        :param cause: what lifts it: 'platform' (Meta's status), 'failure' (an error's waiting time
            or a user), 'person' (a user)
        """
        for sender in self.filtered(lambda sender: sender.state != "locked"):
            if sender.state == "paused" and sender.pause_reason == reason:
                sender.resume_at = until
                continue
            if sender.state == "paused" and sender._is_pause_stronger(cause, until):
                continue
            sender.write(
                {
                    "state": "paused",
                    "pause_cause": cause,
                    "pause_reason": reason,
                    "resume_at": until,
                }
            )
            sender._message_log(body=self.env._("Sending paused: %s", reason))
            if until:
                sender.sudo().cron_id._trigger(at=until)

    def _is_pause_stronger(self, cause, until):
        """Whether the pause in force has a higher rank than a new one, or ends later."""
        self.ensure_one()
        rank, new_rank = CAUSE_RANK.get(self.pause_cause, 1), CAUSE_RANK[cause]
        if rank != new_rank or cause != "failure":
            return rank > new_rank
        return not self.resume_at or (until is not None and until < self.resume_at)

    def _resume(self, reason):
        """Lift a pause; the response to its reputation stays in force.

        A number that Meta does not allow to send is paused again immediately. A locked one is not
        affected: see `_release` (waba_sender_response.py).

        :param reason: sentence for the chatter
        """
        for sender in self.filtered(lambda sender: sender.state == "paused"):
            sender.write(
                {
                    "state": response.SENDER_STATE[sender.response_action],
                    "pause_cause": False,
                    "pause_reason": False,
                    "resume_at": False,
                }
            )
            sender._message_log(body=self.env._("Sending resumed: %s", reason))
            sender._trigger_dispatch()
            sender._apply_platform_status()

    def _resume_if_due(self, now):
        """Lift the pauses that end at `now` (naive UTC) or before."""
        self.filtered(
            lambda sender: sender.state == "paused" and sender.resume_at and sender.resume_at <= now
        )._resume(self.env._("the waiting time has passed."))

    def _can_be_released(self):
        """Whether a manager's release has an effect: it is locked, or its promotions are held."""
        self.ensure_one()
        return self.state == "locked" or self._is_marketing_held()

    def _not_sending_reason(self):
        """Why nothing is sent from this number now, as a sentence; False if it can send."""
        self.ensure_one()
        account = self.account_id
        for record in (account, self):
            if not record.active:
                return self.env._(
                    "Nothing is sent: %s is archived. Restore it to resume.", record.display_name
                )
        if reason := account._foreign_database_reason():
            return reason
        if account.state != "connected":
            return account.stop_reason or self.env._(
                "The account %s is not connected.", account.name
            )
        if self.state in ("paused", "locked"):
            return self.pause_reason or self.env._("%s is paused.", self.display_name)
        return False

    def _messages_per_second(self):
        """The smaller of Meta's speed and ours."""
        self.ensure_one()
        return min(self.throughput or 80, self.own_throughput or self.throughput or 80)

    # === Response in force ===
    # Per number, not per portfolio: Meta rates numbers, each number belongs to one company, and a
    # portfolio's numbers may serve companies with different managers. No setting lifts the hold of
    # promotions at Meta's lowest rating.

    def _response_settings(self):
        """`policy.response.Settings` of this number.

        :raise ValueError: they are contradictory or out of range
        """
        self.ensure_one()
        return replace(
            DEFAULTS,
            **{setting: self[name] for name, setting in SETTINGS.items()},
            **{setting: timedelta(hours=self[name]) for name, setting in HOURS.items()},
        )

    def _response_in_force(self):
        """The stored `policy.response.Response`."""
        return response.Response(
            self.response_action,
            self.response_share,
            self.response_canary,
            self.marketing_held,
            self.response_key,
        )

    def _current_warm_up(self):
        """The current `policy.warm_up.WarmUp`, or None."""
        if not self.warm_up_people:
            return None
        return warm_up_policy.WarmUp(
            self.warm_up_people, self.warm_up_step, self.warm_up_stepped_at
        )

    def _marketing_allowed(self):
        """Whether promotions can be sent now, if the number can send at all."""
        return not self._marketing_hold_reason()

    def _is_marketing_held(self):
        """Whether promotions wait while service messages are sent.

        Meta's lowest rating holds them from its sync on, before a response is decided.
        """
        return self.marketing_held or (self.quality_rating == "red" and not self.red_released_at)

    def _marketing_hold_reason(self):
        """Why no promotion is sent from this number now, as a sentence; False if allowed."""
        self.ensure_one()
        if self._is_marketing_held():
            red = response.plan_number_response("red", "unknown")
            return (self.marketing_held and self.response_reason) or number_sentence(
                self.env, self, red.reason_key, red.share
            )
        route = self.account_id._promotion_route()
        return False if route.endpoint else self.account_id._no_route_text(route.reason)
