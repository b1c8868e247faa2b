from odoo import api, fields, models
from odoo.exceptions import UserError

from .hooks import hook
from .waba_reputation_words import RATINGS

# Meta publishes three enumerations for a number's status (reference of 2025-11-21): only these
# two mean that it may send; these stop it; anything else is shown and does not stop it.
STATUS_SENDING = ("CONNECTED", "LINKED")
STATUS_STOPPING = (
    "BANNED", "RESTRICTED", "FLAGGED", "DISCONNECTED", "UNLINKED", "DELETED", "MIGRATED",
    "UNVERIFIED", "PENDING", "MISSING",
)  # fmt: skip


class WabaSender(models.Model):
    """A business phone number, and the owner of the cron that sends from it.

    States: `active` ⇄ `slowed` (half speed) ⇄ `paused` (nothing leaves until `resume_at` or a
    person) ; `locked` (only a manager's release lifts it). `pause_reason` is a sentence.
    `quality_rating` is Meta's judgement, polled; `state` is ours, and what follows from the
    reputation is decided in waba_sender_response.py.
    One ir.cron per number (`cron_id`): Odoo's scheduler runs a job on one worker of the whole
    cluster at a time, so a number has one dispatcher however many hosts there are.
    Entry points: `_cron_dispatch()` (waba_sender_dispatch.py), `_wake()`, `_pause()`, `_resume()`
    (waba_sender_state.py).
    """

    _name = "waba.sender"
    _description = "WhatsApp Number"
    _inherit = ["mail.thread", "mail.activity.mixin", "waba.system.fields.mixin"]
    _rec_name = "display_phone_number"
    _order = "account_id, display_phone_number, id"

    account_id = fields.Many2one(
        "waba.account", required=True, readonly=True, ondelete="restrict", index=True
    )
    portfolio_id = fields.Many2one(related="account_id.portfolio_id", store=True, index=True)
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    active = fields.Boolean(default=True)

    # What Meta says
    phone_number_uid = fields.Char("Phone number ID", required=True, readonly=True)
    display_phone_number = fields.Char("Number", readonly=True)
    number = fields.Char("Number (E.164)", readonly=True)
    verified_name = fields.Char("Name shown", readonly=True)
    quality_rating = fields.Selection(
        RATINGS,
        string="Meta's rating",
        default="unknown",
        readonly=True,
        tracking=True,
        help="How Meta sees the reception of this number's messages over the last 7 days: "
        "blocks, reports, mutes, archives. Meta gives the colour, never the counts.",
    )
    platform_status = fields.Char("Status at Meta", readonly=True, tracking=True)
    name_status = fields.Char("Name review", readonly=True)
    throughput = fields.Integer("Messages per second", default=80, readonly=True)
    own_throughput = fields.Integer(
        "Own speed limit",
        help="Messages per second, when you want fewer than Meta allows. 0: Meta's speed.",
    )
    is_on_business_app = fields.Boolean("Also in the WhatsApp Business app", readonly=True)
    health_status = fields.Json(readonly=True)
    rated_at = fields.Datetime("Rating read at", readonly=True)

    # What we do about it
    state = fields.Selection(
        [("active", "Active"), ("slowed", "Slowed"), ("paused", "Paused"), ("locked", "Locked")],
        default="active",
        required=True,
        readonly=True,
        tracking=True,
    )
    pause_reason = fields.Text("Why", readonly=True)
    pause_cause = fields.Selection(
        [
            ("platform", "Meta's status"),
            ("failure", "A failure"),
            ("person", "A person"),
            ("reputation", "Its reputation"),
        ],
        readonly=True,
    )
    resume_at = fields.Datetime("Goes on at", readonly=True)
    next_dispatch_at = fields.Datetime(
        readonly=True, help="The pace, kept in the database: no message leaves before this."
    )
    slowed_until = fields.Datetime(readonly=True)
    run_count = fields.Integer(
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

    messaging_limit = fields.Selection(related="portfolio_id.messaging_limit")
    people_limit = fields.Integer(related="portfolio_id.people_limit")
    slots_used = fields.Integer(related="portfolio_id.slots_used")
    usage_rate = fields.Float(related="portfolio_id.usage_rate")
    is_unlimited = fields.Boolean(related="portfolio_id.is_unlimited")
    next_slot_at = fields.Datetime(related="portfolio_id.next_slot_at")
    queued_count = fields.Integer("Waiting", compute="_compute_queued_count")
    campaign_count = fields.Integer("Campaigns", compute="_compute_campaign_count")

    _phone_number_uid_uniq = models.Constraint(
        "UNIQUE(phone_number_uid)", "This number is already connected."
    )
    _own_throughput_positive = models.Constraint(
        "CHECK(own_throughput >= 0)",
        "Your own speed limit must be 0 (none) or messages per second.",
    )

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

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        senders = super().create(vals_list)
        for sender in senders:
            sender._create_cron()
        return senders

    def _create_cron(self):
        """One scheduler job per number; it lives on triggers, the interval is a safety net."""
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
                    # Before all other jobs: people wait for nothing else so visibly.
                    "priority": 3,
                    "user_id": self.env.ref("base.user_root").id,
                }
            )
        )

    def _dispatch_code(self):
        return f"model.browse({self.id})._cron_dispatch()"

    def _own_crons(self):
        """The jobs that send from these numbers; never another's, whatever `cron_id` names."""
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

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            self._own_crons().active = vals["active"]
        if "own_throughput" in vals or vals.get("active"):
            self._trigger_dispatch()
        self._on_change(vals.keys())
        return result

    @hook
    def _on_change(self, names):
        """After these numbers were written.

        :param names: the fields that were given values
        """

    @hook
    def _on_reading(self, is_first, rating_before):
        """After this number was read from Meta.

        :param is_first: whether it never was before
        :param rating_before: `quality_rating` as it was
        """

    @hook
    def _on_spam_refusal(self, refusal):
        """After Meta refused this number's messages as spam (131048).

        :param refusal: sentence of what Meta said
        """

    @hook
    def _on_requeue(self, messages):
        """After messages of these numbers went back to the queue."""

    @hook
    def _on_campaign_failure(self, messages, reason, until=None):
        """After failures that stop what sends messages like these, perhaps until a time.

        :param reason: sentence
        :param until: naive UTC datetime
        """

    @hook
    def _on_trim(self, messages, campaign):
        """Before old messages of a campaign are deleted, in the same transaction."""

    @hook
    def _on_new_lead(self, message):
        """Before an answer to this message, by a person we do not know, becomes a lead.

        :return: values of the lead
        """

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
                        "%(number)s cannot be deleted: it is in use (%(campaign)s), "
                        "and the record of who was written to would be lost. Archive it instead.",
                        number=sender.display_name,
                        campaign=used_by.name or self.env._("messages"),
                    )
                )

    def unlink(self):
        crons = self._own_crons()
        result = super().unlink()
        crons.unlink()
        return result

    # ------------------------------------------------------------------
    # What Meta says
    # ------------------------------------------------------------------

    def _apply_facts(self, facts):
        """Take over a `cloud_api.PhoneNumber` just read from Meta."""
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
            self.env._("read from number %s", self.display_phone_number),
            {"sender_id": self.id},
        )
        self._record_platform_changes(standing_before)
        self._apply_platform_status()
        # In this transaction: not one promotion more is reserved once it turned red.
        self._on_reading(is_first, rating_before)
        if rating_before == "red" and self.quality_rating != "red":
            self._trigger_dispatch()

    def _mark_missing(self):
        """The account no longer lists this number: nothing may leave from it."""
        standing_before = self._platform_facts()
        self.platform_status = "MISSING"
        self._record_platform_changes(standing_before)
        self._apply_platform_status()

    def _apply_platform_status(self):
        """Pause when Meta's status forbids sending; go on when that was the only reason."""
        status = (self.platform_status or "").upper()
        if status in STATUS_STOPPING:
            reason = self.env._(
                "Meta reports this number as %s. Nothing can be sent until that is settled in "
                "WhatsApp Manager.",
                status,
            )
            self._pause(reason, cause="platform")
        elif status in STATUS_SENDING and self.pause_cause == "platform":
            self._resume(self.env._("Meta reports it as %s again.", status))

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

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
