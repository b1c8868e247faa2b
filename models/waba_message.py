import logging
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import retry
from ..policy import status as status_policy
from .hooks import hook
from .waba_failure import FAILURE_TYPES, failure_text
from .waba_person_mixin import linked_record
from .window_actions import form_action

_logger = logging.getLogger(__name__)

STATES = [
    ("queued", "Waiting"),
    ("reserved", "Being sent"),
    ("uncertain", "Waiting for an answer"),
    ("accepted", "Accepted by WhatsApp"),
    ("held", "Held by WhatsApp"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("read", "Read"),
    ("failed", "Not delivered"),
    ("skipped", "Left out"),
    ("cancelled", "Cancelled"),
    ("received", "Received"),
]
# States of a message that WhatsApp took over, whatever came after.
ACCEPTED_STATES = ("accepted", "held", "sent", "delivered", "read")
OPEN_STATES = ("queued", "reserved")
# An answer without a quotation belongs to our last message if that is not older than this; Meta
# counts reads and clicks of a template for 7 days too (Analytics, 2026-02-12).
REPLY_PERIOD = timedelta(days=7)
# An answer carries Meta's time, its message ours, and our clock may be a little ahead.
CLOCK_TOLERANCE = timedelta(minutes=1)
# What WhatsApp reports of a person or of an earlier message. Nobody wrote: no service window may be
# counted on, and our message is not answered.
REPORTED_KINDS = ("system", "edit", "revoke")
# RFC 9562 version 7: milliseconds first, then 74 random bits. Wholly random ones fall on another
# page of their index each: with 1.5 million old messages seven times the write-ahead log.
UUID_SQL = SQL(
    """lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')
       || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14)"""
)
# What leads to a lead or contact by (res_model, res_id).
LINKED_MODELS = ("waba.message", "waba.conversation")
# Why a row waits, and why a message asked for manually is refused: one word for one thing.
POSSIBLE_OPT_OUT = "may_opt_out"
VARIANTS = [("a", "A"), ("b", "B")]
ORIGINS = [
    ("campaign", "Campaign"),
    ("sequence", "Follow-up sequence"),
    ("manual", "A colleague"),
    ("action", "Automation rule"),
    ("reply", "Automatic reply"),
    ("test", "Test"),
]
# Why a queued row waits although the number may send.
WAIT_REASONS = [
    ("hours", "Outside the person's hours"),
    ("held", "WhatsApp holds promotions back"),
    ("frequency", "Enough promotions lately"),
    ("trial", "The better of two messages is not known yet"),
    ("may_opt_out", "They may want to opt out: somebody must confirm"),
]


class WabaMessage(models.Model):
    """One message to or from one person: queue entry, reservation and trace in one row.

    Outgoing: `queued → reserved → accepted | held → sent → delivered → read`; ends `failed`
    (WhatsApp could not), `skipped` (we decided not to), `cancelled`; and `uncertain`: put on the
    wire, no answer. An uncertain row is settled by a status webhook that echoes its `uuid`, or by a
    person, never by sending again: the API has no idempotency key. Incoming: `received`.

    The wire carries `uuid/attempt_count`, both committed before the request leaves.
    Entry points: rows are created by waba_campaign_rows.py and waba_message_direct.py, reserved by
    waba_sender_reserve.py, settled by waba_message_results.py and waba_message_status.py.
    Not a mail.thread on purpose: a campaign makes a hundred thousand of these.
    """

    _name = "waba.message"
    _description = "WhatsApp Message"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    # Who and what
    uuid = fields.Char(
        required=True, readonly=True, copy=False, default=lambda self: uuid.uuid4().hex
    )
    wamid = fields.Char("WhatsApp message ID", readonly=True, copy=False)
    direction = fields.Selection(
        [("out", "Sent by us"), ("in", "Received")], default="out", required=True, readonly=True
    )
    origin = fields.Selection(
        ORIGINS, "Sent because of", readonly=True, help="Who or what wanted this message sent."
    )
    origin_key = fields.Char(
        readonly=True,
        copy=False,
        help="Names the occasion: whoever asks twice for the same one gets the same message.",
    )
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="restrict")
    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="restrict")
    sender_id = fields.Many2one(
        "waba.sender", "Our number", required=True, readonly=True, ondelete="restrict"
    )
    recipient_id = fields.Many2one("waba.recipient", "Person", readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    number = fields.Char(readonly=True)
    person_name = fields.Char("Name", readonly=True)
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)

    # Content, frozen when the row is made
    kind = fields.Char(default="template", readonly=True, help="template, text, image, button…")
    template_id = fields.Many2one("waba.template", readonly=True, ondelete="restrict")
    category = fields.Selection(
        [("marketing", "Promotion"), ("utility", "Service message"), ("service", "Conversation"),
         ("authentication", "Code"), ("unknown", "Not known")],
        readonly=True,
    )  # fmt: skip
    parameters = fields.Json(readonly=True)
    text = fields.Text(readonly=True)
    payload = fields.Char("Button", readonly=True)
    reply_to_id = fields.Many2one("waba.message", "In reply to", readonly=True, ondelete="set null")
    body = fields.Text("Message", compute="_compute_body")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)

    # Queue and reservation
    state = fields.Selection(STATES, default="queued", required=True, readonly=True)
    attempt_count = fields.Integer("Attempts", default=0, required=True, readonly=True)
    failed_attempt = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        help="The last attempt that certainly failed; its later echoes say nothing new.",
    )
    failure_streak = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        help="Failures in a row for the same reason; waiting times grow with it.",
    )
    streak_type = fields.Char(readonly=True, help="The reason that failure_streak counts.")
    retry_at = fields.Datetime("Not before", default=fields.Datetime.now, readonly=True)
    wait_reason = fields.Selection(WAIT_REASONS, "Waits because", readonly=True)
    reserved_until = fields.Datetime(
        readonly=True,
        help="The latest moment the request may leave. After it, the outcome is unknown.",
    )
    is_unsent = fields.Boolean(
        readonly=True,
        help="Reserved and not yet handed to the connections: the request certainly has not left.",
    )
    is_uploading = fields.Boolean(
        readonly=True, help="Its file is being handed to WhatsApp; the message leaves after that."
    )
    slot_at = fields.Datetime(
        "Counted at", readonly=True, help="Counted against the daily limit at."
    )
    kept_slot_at = fields.Datetime(
        readonly=True,
        help="Counted for an earlier attempt that WhatsApp took over and reported as failed.",
    )

    # Its outcome
    accepted_at = fields.Datetime("Accepted at", readonly=True)
    sent_at = fields.Datetime("Sent at", readonly=True)
    delivered_at = fields.Datetime("Delivered at", readonly=True)
    read_at = fields.Datetime("Read at", readonly=True)
    replied_at = fields.Datetime("Replied at", readonly=True)
    failed_at = fields.Datetime("Not delivered at", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, string="Reason", readonly=True)
    failure_reason = fields.Text("Reason in words", readonly=True)
    error_code = fields.Integer("Meta's error code", readonly=True, aggregator=None)
    fbtrace_id = fields.Char("Meta's trace", readonly=True)
    pricing_category = fields.Char("Billed as", readonly=True)
    pricing_type = fields.Char("Price type", readonly=True)
    pricing_billable = fields.Selection([("yes", "Yes"), ("no", "No")], "Billable", readonly=True)

    _uuid_uniq = models.UniqueIndex("(uuid)")
    # Of one account: another account's app cannot take an id of ours by naming it first.
    _wamid_uniq = models.UniqueIndex("(wamid, account_id) WHERE wamid IS NOT NULL")
    _origin_key_uniq = models.UniqueIndex("(origin_key) WHERE origin_key IS NOT NULL")
    _one_row_per_record = models.UniqueIndex(
        "(campaign_id, COALESCE(NULLIF(merged_res_id, 0), res_id)) "
        "WHERE campaign_id IS NOT NULL AND direction = 'out'"
    )
    _one_row_per_person = models.UniqueIndex(
        "(campaign_id, recipient_id) WHERE campaign_id IS NOT NULL AND direction = 'out' "
        "AND failure_type IS DISTINCT FROM 'duplicate'"
    )
    # The queue: each reservation reads the head of one campaign, never its history.
    _queue_idx = models.Index("(campaign_id, retry_at, id) WHERE state = 'queued'")
    _awaited_queue_idx = models.Index(
        "(sender_id, retry_at, id) WHERE state = 'queued' AND campaign_id IS NULL"
        " AND origin IN ('manual', 'reply', 'test')"
    )
    _direct_queue_idx = models.Index(
        "(sender_id, retry_at, id) WHERE state = 'queued' AND campaign_id IS NULL"
    )
    _reserved_idx = models.Index("(sender_id, reserved_until) WHERE state = 'reserved'")
    _campaign_state_idx = models.Index("(campaign_id, state) WHERE campaign_id IS NOT NULL")
    _sender_idx = models.Index("(sender_id, id)")
    _recipient_idx = models.Index("(recipient_id, id)")
    # Without it, deleting one row would read the whole table for answers to it.
    _reply_to_idx = models.Index("(reply_to_id) WHERE reply_to_id IS NOT NULL")
    _without_campaign_idx = models.Index("(id) WHERE campaign_id IS NULL")
    _record_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")

    @api.depends("number", "person_name", "recipient_id")
    def _compute_display_name(self):
        for message in self:
            who = message.person_name or message.recipient_id.name
            number = message.number or message.recipient_id.display_name or ""
            message.display_name = f"{who} · {number}" if who and number else who or number

    @api.depends("text", "template_id", "parameters")
    def _compute_body(self):
        for message in self:
            message.body = message.text or (
                message.template_id._render_preview(message.parameters).body
                if message.template_id
                else ""
            )

    @api.depends("template_id", "parameters")
    def _compute_preview_html(self):
        for message in self:
            message.preview_html = (
                message.template_id._render_phone(message.parameters)
                if message.template_id
                else False
            )

    def _get_record(self):
        """The partner or lead this row was made from, if it still exists."""
        return linked_record(self)

    # ------------------------------------------------------------------
    # State
    # ------------------------------------------------------------------

    def _update_state(self, allowed, target, values=None):
        """The entry point for changes of state that a person or a campaign asks for.

        Rows in another state than `allowed` are left as they are and named in the log.

        :param allowed: states that may move
        :param target: state to reach; the transition must also be in `policy.status`
        :param values: other fields to write with it
        :return: the rows that moved
        """
        movable = self.filtered(
            lambda row: row.state in allowed and status_policy.can_move(row.state, target)
        )
        if refused := self - movable:
            _logger.info(
                "waba.message %s: kept, not moved to %s",
                refused.mapped(lambda r: (r.id, r.state)),
                target,
            )
        movable.write({**(values or {}), "state": target})
        return movable

    def _exclude_message(self, reason_key, text=None):
        """We decide not to send: the row stays, with its reason."""
        return self._update_state(
            ("queued",),
            "skipped",
            {
                "failure_type": reason_key,
                "failure_reason": failure_text(self.env, reason_key, text=text),
            },
        )

    def action_retry(self):
        """Queue again what failed for a reason that may have passed. Others are left alone."""
        now = fields.Datetime.now()
        rows = self._without_cancelled_campaigns().filtered(
            lambda row: row.direction == "out" and row._filter_retryable(now)
        )
        moved = rows.sudo()._update_state(
            ("failed", "skipped"),
            "queued",
            {
                "retry_at": now,
                "wait_reason": False,
                "failure_type": False,
                "failure_reason": False,
                "streak_type": False,
            },
        )
        moved.sender_id._on_requeue(moved)
        moved.sender_id._trigger_dispatch()
        return moved

    def _without_cancelled_campaigns(self):
        """Rows whose campaign was not cancelled."""
        return self.filtered(lambda row: row.sudo().campaign_id.state != "cancelled")

    def _filter_retryable(self, now):
        from_ = self._earliest_retry()
        return bool(from_) and from_ <= now and self.campaign_id.state != "cancelled"

    def _earliest_retry(self):
        """When a person may queue this failed or left out row again; None: never."""
        self.ensure_one()
        if self.state == "skipped" and self.failure_type == "frequency":
            return self.retry_at
        if self.state != "failed" or not self.failure_type:
            return None
        return retry.earliest_retry(self.failure_type, self.failed_at or self.write_date)

    def action_open_record(self):
        self.ensure_one()
        record = self._get_record()
        return form_action(record) if record else False

    # ------------------------------------------------------------------
    # Hooks
    # ------------------------------------------------------------------

    @hook
    def _on_queued(self, media):
        """After this message, outside campaigns, was queued.

        :param media: `_queue_direct`'s
        """

    @hook
    def _on_results(self, results):
        """After answers of the API were written down, in the same transaction.

        :param results: list of cloud_api.SendResult, keyed by message id
        """

    @hook
    def _on_status(self, reported, arrived):
        """After a batch of statuses changed these messages, in the same transaction.

        :param reported: [(message id, cloud_api.MessageStatus)] of those that tell a failure, also
            one that changes no state any more
        :param arrived: ids of messages that were delivered or read, by this batch or before it
        """

    @hook
    def _on_inbound(self):
        """After this message, which a person wrote to us, was kept and answered."""
