"""Base: a message: its fields, states, text, links to records, and possible opt-outs.

Called by every package; the steps of a message are in dispatch/, conversation/ and webhook/.
"""

import logging
import uuid
from datetime import datetime, timedelta

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from ...policy import reputation_rates, retry
from ...policy import status as status_policy
from ..tools.hooks import hook
from ..tools.labels import NO_TOPIC, form_action
from .waba_failure import FAILURE_TYPES, TEMPORARY_EXCLUSIONS, exclusion_text
from .waba_person_mixin import linked_record

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__)

DOCS_URL = "https://github.com/waba-campaign/waba_campaign/blob/main"

STATES = [
    ("queued", "Queued"),
    ("reserved", "Sending"),
    ("uncertain", "Unconfirmed"),
    ("accepted", "Accepted"),
    ("held", "Held by WhatsApp"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("read", "Read"),
    ("failed", "Failed"),
    ("skipped", "Excluded"),
    ("cancelled", "Cancelled"),
    ("received", "Received"),
]

# States of a message that Meta accepted and did not report as failed.
ACCEPTED_STATES = ("accepted", "held", "sent", "delivered", "read")

OPEN_STATES = ("queued", "reserved")

# A reply without a quotation is attributed to our last message if that is not older than this;
# Meta counts reads and clicks of a template for 7 days too (Analytics, 2026-02-12).
REPLY_PERIOD = timedelta(days=7)

# A reply has Meta's time, our message ours, and our clock may be slightly ahead.
CLOCK_TOLERANCE = timedelta(minutes=1)

# Reports about a recipient or an earlier message: they open no service window and are no reply.
REPORTED_KINDS = ("system", "edit", "revoke")

# RFC 9562 version 7: milliseconds first, then 74 random bits. Random ones each change another page
# of their index: with 1.5 million old messages seven times the write-ahead log.
UUID_SQL = SQL(
    """lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')
       || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14)"""
)

# Models that name a lead or contact by (res_model, res_id).
LINKED_MODELS = ("waba.message", "waba.conversation")

# Both a wait reason of queued messages and an exclusion reason of manual ones.
POSSIBLE_OPT_OUT = "may_opt_out"

VARIANTS = [("a", "A"), ("b", "B")]

ORIGINS = [
    ("campaign", "Campaign"),
    ("sequence", "Follow-up"),
    ("manual", "Sent by hand"),
    ("action", "Automation rule"),
    ("reply", "Automatic reply"),
    ("test", "Test"),
    ("app", "WhatsApp Business app"),
    ("other_sender", "Another app"),
]

# Why a queued message waits even though the number can send.
WAIT_REASONS = [
    ("hours", "Quiet hours"),
    ("held", "Promotions held by WhatsApp"),
    ("frequency", "Frequency cap reached"),
    ("budget", "Budget used"),
    ("trial", "Waiting for the A/B winner"),
    ("may_opt_out", "Possible opt-out to review"),
    ("standby", "Another app answers"),
]

REVIEW_ACTIVITY = "waba_campaign.activity_type_may_opt_out"

# What Odoo neither sent nor received itself counts in no figure of sending: what others wrote from
# our number, and what was written before the number was connected. Only these names differ, so
# whatever asks for "out" or "in" leaves them out.
DIRECTIONS = [
    ("out", "Outgoing"),
    ("in", "Incoming"),
    ("app_out", "Sent elsewhere"),
    ("past_out", "Earlier outgoing"),
    ("past_in", "Earlier incoming"),
]
OUR_DIRECTIONS, PAST_DIRECTIONS = ("out", "app_out", "past_out"), ("past_out", "past_in")

# Shown for messages without a text.
KIND_LABELS = {
    "image": _lt("Photo"),
    "video": _lt("Video"),
    "audio": _lt("Voice message"),
    "document": _lt("Document"),
    "sticker": _lt("Sticker"),
    "location": _lt("Location"),
    "contacts": _lt("Contact"),
    "order": _lt("Order"),
    "reaction": _lt("Reaction"),
    "template": _lt("Template"),
    "system": _lt("Notice from WhatsApp"),
    "edit": _lt("Message edited"),
    "revoke": _lt("Message deleted"),
    "unsupported": _lt("Unsupported message: open it on the phone"),
    "unknown": _lt("Unsupported message: open it on the phone"),
    "media_placeholder": _lt("File that WhatsApp has not shared"),
}

KIND_ICONS = {
    "image": "fa-camera", "video": "fa-video-camera", "audio": "fa-microphone",
    "document": "fa-file-text-o", "sticker": "fa-smile-o", "location": "fa-map-marker",
    "contacts": "fa-user", "order": "fa-shopping-cart", "template": "fa-file-text",
    "unsupported": "fa-question-circle-o", "unknown": "fa-question-circle-o",
}  # fmt: skip

SILENCE_DELAY = timedelta(days=reputation_rates.SILENT_AFTER_DAYS)

# When a message was sent: Meta's acceptance, else the first status, else the failure.
DEPARTURE_SQL = SQL("COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)")


def measure_conditions(now):
    """{measure: SQL condition on a message `m`}, one for each of policy.reputation_rates.COUNTS.

    Of a reaction Meta reports only that it was sent, so it is in no count.

    :param now: SQL expression of the current time, naive UTC
    """
    return {
        "sent": SQL(
            "COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at) IS NOT NULL"
            " AND m.kind <> 'reaction'"
        ),
        # WhatsApp may omit "delivered" if the message is read immediately.
        "delivered": SQL("COALESCE(m.delivered_at, m.read_at) IS NOT NULL"),
        "read": SQL("m.read_at IS NOT NULL"),
        "replied": SQL("m.replied_at IS NOT NULL"),
        "opted_out": SQL("m.opted_out_at IS NOT NULL"),
        "silent": SQL(
            "m.state = 'sent' AND m.kind <> 'reaction' AND m.sent_at < %s - %s", now, SILENCE_DELAY
        ),
        "undeliverable": SQL("m.failure_type = 'undeliverable'"),
        "limited": SQL("m.failure_type IN ('marketing_limit', 'experiment')"),
        "spam_limited": SQL("m.failure_type = 'spam_rate'"),
        "failed": SQL("m.state = 'failed' AND m.kind <> 'reaction'"),
    }


class WabaMessage(models.Model):
    """One message to or from one recipient: queue entry, reservation and result in one row.

    Outgoing: `queued → reserved → accepted | held → sent → delivered → read`; or `failed` (Meta
    refused or could not deliver), `skipped` (we decided not to send), `cancelled`, and `uncertain`:
    sent, and no answer came. An uncertain message is settled by a status webhook that echoes its
    `uuid`, or by a user, never by sending again: the API has no idempotency key. Incoming:
    `received`.

    Entry points: rows are created by waba_campaign_rows.py and waba_message_queue.py, reserved by
    waba_sender_reserve.py, submitted by waba_sender_dispatch.py, and settled by
    waba_message_status.py; inbound ones are created by waba_message_inbound.py.
    A request carries `uuid/attempt_count`, both committed before it is sent.
    Note: not a mail.thread, because a campaign creates a hundred thousand of these.
    """

    _name = "waba.message"
    _description = "WhatsApp Message"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    # Identity, recipient and record
    uuid = fields.Char(
        required=True, readonly=True, copy=False, default=lambda self: uuid.uuid4().hex
    )
    wamid = fields.Char("WhatsApp message ID", readonly=True, copy=False)
    direction = fields.Selection(DIRECTIONS, default="out", required=True, readonly=True)
    origin = fields.Selection(ORIGINS, readonly=True)
    origin_key = fields.Char(
        readonly=True,
        copy=False,
        help="Identifies the request: the same key never creates a second message.",
    )
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="restrict")
    topic_id = fields.Many2one(
        "waba.topic", readonly=True, ondelete="restrict", falsy_value_label=NO_TOPIC,
        help="Of a promotion; empty: general.",
    )  # fmt: skip
    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="restrict")
    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, readonly=True, ondelete="restrict"
    )
    recipient_id = fields.Many2one("waba.recipient", readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    number = fields.Char("Phone number", readonly=True)
    person_name = fields.Char("Name", readonly=True)
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    merged_res_id = fields.Integer(
        "Record before merge",
        readonly=True,
        aggregator=None,
        help="A campaign has one message per original record, also after a merge.",
    )
    document_model = fields.Char("Document's model", readonly=True)
    document_id = fields.Many2oneReference(
        model_field="document_model", readonly=True,
        help="The quotation or invoice that it is about.",
    )  # fmt: skip
    # Content, frozen when the row is created
    kind = fields.Char(default="template", readonly=True, help="template, text, image, button…")
    template_id = fields.Many2one("waba.template", readonly=True, ondelete="restrict")
    template_version_id = fields.Many2one(
        "waba.template.version", "Template version", compute="_compute_template_version_id"
    )
    category = fields.Selection(
        [("marketing", "Promotion"), ("utility", "Service message"), ("service", "Conversation"),
         ("authentication", "Authentication"), ("unknown", "Unknown")],
        readonly=True,
    )  # fmt: skip
    parameters = fields.Json(readonly=True)
    text = fields.Text(readonly=True)
    payload = fields.Char("Button", readonly=True)
    reply_to_id = fields.Many2one("waba.message", "In reply to", readonly=True, ondelete="set null")
    about_wamid = fields.Char(
        "Quoted message",
        readonly=True,
        help="WhatsApp's ID of the message that this one quotes, reacts to, edits or deletes.",
    )
    details = fields.Json(readonly=True, help="Location, contact cards or order.")
    optin_source_id = fields.Many2one(
        "waba.optin.source", "Opt-in source", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
    body = fields.Text("Message", compute="_compute_body")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    # A/B test
    variant = fields.Selection(VARIANTS, readonly=True)
    is_ab_test = fields.Boolean("In the A/B test", readonly=True)
    variant_parameters = fields.Json(
        readonly=True,
        help="Values of both variants until the winner is known, or why one cannot be sent: "
        "{'a': {'parameters'} or {'reason', 'sentence'}, 'b': …}.",
    )
    # Queue and reservation
    state = fields.Selection(STATES, default="queued", required=True, readonly=True)
    attempt_count = fields.Integer("Attempts", default=0, required=True, readonly=True)
    failed_attempt = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        aggregator=None,
        help="The last attempt that certainly failed; later reports about it are ignored.",
    )
    failure_streak = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        aggregator=None,
        help="Consecutive failures for the same reason.",
    )
    streak_type = fields.Char(readonly=True, help="The reason of these failures.")
    retry_at = fields.Datetime("Not before", default=fields.Datetime.now, readonly=True)
    wait_reason = fields.Selection(WAIT_REASONS, "On hold", readonly=True)
    reserved_until = fields.Datetime(
        readonly=True,
        help="The latest time at which the request can be sent.",
    )
    is_unsent = fields.Boolean(
        readonly=True,
        help="Reserved, and the request has certainly not been sent.",
    )
    is_uploading = fields.Boolean(
        readonly=True,
        help="The file is being uploaded to WhatsApp; the message is sent after that.",
    )
    slot_at = fields.Datetime(
        "Counted at", readonly=True, help="When it was counted against the daily limit."
    )
    kept_slot_at = fields.Datetime(
        readonly=True,
        help="When an earlier attempt was counted that WhatsApp accepted, then failed.",
    )
    # Result
    accepted_at = fields.Datetime("Accepted at", readonly=True)
    sent_at = fields.Datetime("Sent at", readonly=True)
    delivered_at = fields.Datetime("Delivered at", readonly=True)
    read_at = fields.Datetime("Read at", readonly=True)
    replied_at = fields.Datetime("Replied at", readonly=True)
    opted_out_at = fields.Datetime(
        "Opted out at",
        readonly=True,
        help="When the person opted out in reply to this message, or within a week of it.",
    )
    failed_at = fields.Datetime("Failed at", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, string="Reason", readonly=True)
    failure_reason = fields.Text("Reason details", readonly=True)
    is_retryable = fields.Boolean(
        compute="_compute_is_retryable", help="A user can queue it again, now or later."
    )
    error_code = fields.Integer("Meta error code", readonly=True, aggregator=None)
    fbtrace_id = fields.Char("Meta trace ID", readonly=True)
    pricing_category = fields.Char("Billed as", readonly=True)
    pricing_type = fields.Char("Pricing type", readonly=True)
    pricing_billable = fields.Selection([("yes", "Yes"), ("no", "No")], "Billable", readonly=True)
    day = fields.Date(
        compute="_compute_day", search="_search_day",
        help="UTC day on which it was sent; replies, failures and opt-outs count to it.",
    )  # fmt: skip

    _uuid_uniq = models.UniqueIndex("(uuid)")
    # Per account: another account's app cannot occupy an id of ours by reporting it first.
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
    # For the reservation, which reads only the head of each queue.
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
    # For deletion, which looks for replies to each row.
    _reply_to_idx = models.Index("(reply_to_id) WHERE reply_to_id IS NOT NULL")
    _without_campaign_idx = models.Index("(id) WHERE campaign_id IS NULL")
    _record_idx = models.Index("(res_model, res_id) WHERE res_id IS NOT NULL")
    _day_idx = models.Index(
        "(COALESCE(accepted_at, sent_at, delivered_at, read_at, failed_at))"
        " WHERE direction = 'out'"
        " AND COALESCE(accepted_at, sent_at, delivered_at, read_at, failed_at) IS NOT NULL"
    )
    _opted_out_idx = models.Index("(opted_out_at) WHERE opted_out_at IS NOT NULL")
    _ab_test_idx = models.Index("(campaign_id, variant) WHERE is_ab_test")

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
                message._template_as_sent()._render_preview(message.parameters).body
                if message.template_id
                else ""
            )

    @api.depends("state", "failure_type", "retry_at")
    def _compute_is_retryable(self):
        for message in self:
            message.is_retryable = bool(message._earliest_retry())

    @api.depends("template_id", "parameters")
    def _compute_preview_html(self):
        for message in self:
            message.preview_html = (
                message._template_as_sent()._render_phone(message.parameters)
                if message.template_id
                else False
            )

    def _compute_template_version_id(self):
        for message in self:
            template = message.template_id
            message.template_version_id = (
                template._version_at(message._left_at()) if template else False
            )

    def _template_as_sent(self):
        """The template, which shows the content it had when the message was sent."""
        return self.template_id.with_context(waba_content_at=self._left_at())

    def _left_at(self):
        """When it was sent, see `DEPARTURE_SQL`; False while it waits."""
        return (
            self.accepted_at or self.sent_at or self.delivered_at or self.read_at or self.failed_at
        )

    @api.depends("accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "direction")
    def _compute_day(self):
        for message in self:
            left_at = message._left_at()
            message.day = message.direction == "out" and left_at and left_at.date()

    @api.model
    def _search_day(self, operator, value):
        if operator not in ("<", "<=", ">", ">="):
            return NotImplemented
        day = fields.Date.to_date(value)
        if operator in (">", "<="):
            day += timedelta(days=1)
        sign = SQL("<" if operator[0] == "<" else ">=")

        def to_sql(_model, alias, _query):
            return SQL(
                "(%(m)s.direction = 'out' AND COALESCE(%(m)s.accepted_at, %(m)s.sent_at,"
                " %(m)s.delivered_at, %(m)s.read_at, %(m)s.failed_at) %(sign)s %(day)s)",
                m=SQL.identifier(alias),
                sign=sign,
                day=fields.Datetime.to_datetime(day),
            )

        return Domain.custom(to_sql=to_sql)

    def action_retry(self):
        """Queue failed messages again whose reason may no longer apply; others stay unchanged.

        :return: the messages that were queued
        """
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

    def action_open_record(self):
        self.ensure_one()
        record = self._get_record()
        return form_action(record) if record else False

    def action_open_error_help(self):
        """Open the page that explains this message's reason, in Spanish or English."""
        self.ensure_one()
        folder = "docs/es" if (self.env.user.lang or "").startswith("es") else "docs"
        return {
            "type": "ir.actions.act_url",
            "url": f"{DOCS_URL}/{folder}/error-codes.md#{self.failure_type or ''}",
            "target": "new",
        }

    # === Hooks ===

    @hook
    def _on_queued(self, media):
        """After these messages, outside campaigns, were queued.

        :param media: as in `_queue_many`; then it is one message
        """

    @hook
    def _on_results(self, results):
        """After answers of the API were applied to these messages, in the same transaction.

        :param results: list of cloud_api.SendResult, keyed by message id
        """

    @hook
    def _on_status(self, reported, arrived):
        """After a batch of statuses changed these messages, in the same transaction.

        :param reported: [(message id, cloud_api.MessageStatus)] of failures, including those that
            no longer change a state
        :param arrived: ids of messages that were delivered or read, by this batch or before it
        """

    @hook
    def _on_state_change(self):
        """After a user, a campaign or a check changed the state of these messages."""

    @hook
    def _on_inbound(self):
        """After this inbound message was stored, and automatic replies to it were queued."""

    @hook
    def _on_app_message(self):
        """After a message was stored that a colleague sent from the WhatsApp Business app."""

    # === Record and conversation ===

    def _get_record(self):
        """The contact or lead of this message, or None if it no longer exists."""
        return linked_record(self)

    def _get_document(self):
        """The quotation or invoice that this message is about, or None."""
        self.ensure_one()
        if self.document_model not in self.env or not self.document_id:
            return None
        return self.env[self.document_model].browse(self.document_id).exists() or None

    def _company_record(self, company):
        """The record of this message, None if the message is another company's."""
        self.ensure_one()
        return self._get_record() if self.company_id in (company, company.browse()) else None

    def _find_conversation(self):
        """The conversation of this message, or an empty recordset."""
        if not self:
            return self.env["waba.conversation"]
        return self.env["waba.conversation"].search(
            [
                ("sender_id", "=", self.sender_id.id),
                ("recipient_id", "=", self.recipient_id.id),
            ],
            limit=1,
        )

    # === Text ===

    def _written_text(self):
        """The text, '' if the row stores only a placeholder such as '[image]'."""
        self.ensure_one()
        return "" if self.text == f"[{self.kind}]" else self.text or ""

    def _summary(self):
        """One line for lists: the text, else its kind."""
        self.ensure_one()
        text = self._written_text() if self.text else self.body
        word = self.env._(KIND_LABELS[self.kind]) if self.kind in KIND_LABELS else ""
        if self.kind == "document" and self.media_ids:
            word = self.media_ids[0].name or word
        return " ".join((text or word or self.kind or "").split())[:160]

    def _written_at(self):
        """When it was written: Meta's time; else when sent, else when created."""
        self.ensure_one()
        left_at = self.accepted_at or self.sent_at
        # Rows that were inserted by SQL may have neither.
        return left_at or self.create_date or datetime(2009, 1, 1)

    def _map_url(self):
        """Address of a map of the location in this message, or False."""
        place = self.details or {}
        if "latitude" not in place or "longitude" not in place:
            return False
        point = f"{place['latitude']:.6f},{place['longitude']:.6f}"
        return f"https://www.google.com/maps/search/?api=1&query={point}"

    def _details_html(self):
        """Location, contacts and order for the chatter, as safe HTML."""
        self.ensure_one()
        parts = []
        if url := self._map_url():
            words = (self.details or {}).get("address") or self.env._("Show on map")
            parts.append(
                Markup('<a href="%s" target="_blank" rel="noreferrer">%s</a>') % (url, words)
            )
        for card in (self.details or {}).get("contacts", []):
            reach = ", ".join([*card.get("phones", []), *card.get("emails", [])])
            parts.append(Markup("%s: %s") % (card.get("name", ""), reach))
        for line in (self.details or {}).get("order", []):
            words = f"{line['quantity']} × {line['product']} ({line['price']} {line['currency']})"
            parts.append(Markup("%s") % words)
        return Markup("<br/>").join(parts)

    # === State ===

    def _update_state(self, allowed, target, values=None):
        """Change the state as a user or a campaign requests; the only method that does.

        Rows in a state that is not `allowed` stay unchanged and are logged.

        :param allowed: states that may change
        :param target: new state; `policy.status` must also allow the transition
        :param values: other fields to write with it
        :return: the rows that changed
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
        movable._on_state_change()
        return movable

    def _exclude_message(self, reason_key, text=None):
        """Exclude queued messages.

        :param reason_key: a key of EXCLUSION_REASONS
        :param text: detail of the reason
        :return: the messages that were excluded
        """
        return self._update_state(
            ("queued",),
            "skipped",
            {
                "failure_type": reason_key,
                "failure_reason": exclusion_text(self.env, reason_key, text=text),
            },
        )

    def _without_cancelled_campaigns(self):
        """The messages whose campaign was not cancelled."""
        return self.filtered(lambda row: row.sudo().campaign_id.state != "cancelled")

    def _filter_retryable(self, now):
        """Whether this message can be queued again now."""
        from_ = self._earliest_retry()
        return bool(from_) and from_ <= now and self.campaign_id.state != "cancelled"

    def _earliest_retry(self):
        """When a user can queue this failed or excluded message again; None: never."""
        self.ensure_one()
        if self.state == "skipped" and self.failure_type in TEMPORARY_EXCLUSIONS:
            return self.retry_at
        if self.state != "failed" or not self.failure_type:
            return None
        return retry.earliest_retry(self.failure_type, self.failed_at or self.write_date)

    # === Possible opt-outs ===

    def _create_review_activity(self):
        """Schedule a review of this message on its record, if none is open, for its salesperson."""
        self.ensure_one()
        record = self._get_record()
        user = self.user_id or self._find_conversation().responsible_id
        user = user or self.company_id.waba_lead_user_id
        if record is None or not user or self._open_review_activities(record):
            return
        record.activity_schedule(
            REVIEW_ACTIVITY,
            user_id=user.id,
            summary=self.env._("Review a possible opt-out"),
            note=self.env._(
                "The person wrote “%s”. Promotions are on hold until you choose Opt out or Keep "
                "subscribed on the WhatsApp tab.",
                self._summary(),
            ),
        )

    def _open_review_activities(self, record):
        activity_type = self.env.ref(REVIEW_ACTIVITY)
        return record.sudo().activity_ids.filtered(
            lambda activity: activity.activity_type_id == activity_type
        )

    def _close_review_activity(self, feedback):
        """Mark the reviews of these messages as done, with `feedback` as text."""
        for message in self:
            record = message._get_record()
            if record is not None:
                message._open_review_activities(record).action_feedback(feedback=feedback)

    def _hold_for_review(self):
        """Make queued messages wait until a user has reviewed what the recipient wrote."""
        self.write({"retry_at": False, "wait_reason": POSSIBLE_OPT_OUT})

    def _resume_reviewed(self):
        """Queue held messages again, after their other waiting times."""
        now = fields.Datetime.now()
        for row in self:
            row.write(
                {
                    "retry_at": max(
                        filter(
                            None, (now, row.not_before_at, row.recipient_id.marketing_held_until)
                        )
                    ),
                    "wait_reason": False,
                }
            )

    # === Opt-outs ===

    @api.model
    def _record_opt_outs(self, said):
        """Write on each message that the recipient opted out after it.

        An opt-out that names no message of ours (WhatsApp's own control, one recorded by a user, a
        refusal because of an earlier one) is attributed to the last promotion within REPLY_PERIOD.

        :param said: SQL condition on the consent entries `c` to process
        """
        self.env["waba.consent"].flush_model()
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """WITH said AS (
                       SELECT c.at, c.recipient_id, c.company_id,
                              CASE WHEN c.source IN ('reply', 'button')
                                   THEN COALESCE(i.reply_to_id,
                                                 CASE WHEN i.direction = 'out' THEN i.id END)
                              END AS message_id
                         FROM waba_consent c LEFT JOIN waba_message i ON i.id = c.message_id
                        WHERE c.action = 'opt_out' AND c.purpose = 'marketing'
                          AND c.source NOT IN ('merge', 'erased') AND %(said)s
                   ), answered AS (
                       SELECT COALESCE(said.message_id, last.id) AS id, min(said.at) AS at
                         FROM said LEFT JOIN LATERAL (
                              SELECT m.id FROM waba_message m
                               WHERE said.message_id IS NULL
                                 AND m.recipient_id = said.recipient_id AND m.direction = 'out'
                                 AND m.company_id = COALESCE(said.company_id, m.company_id)
                                 AND m.category = 'marketing' AND m.state IN %(taken)s
                                 AND %(left_at)s >= said.at - %(within)s
                                 AND %(left_at)s <= said.at + %(ahead)s
                               ORDER BY %(left_at)s DESC, m.id DESC LIMIT 1) last ON TRUE
                        GROUP BY 1
                   )
                   UPDATE waba_message m SET opted_out_at = answered.at
                     FROM answered
                    WHERE m.id = answered.id
                      AND (m.opted_out_at IS NULL OR m.opted_out_at > answered.at)""",
                said=said,
                taken=ACCEPTED_STATES,
                left_at=DEPARTURE_SQL,
                within=REPLY_PERIOD,
                ahead=CLOCK_TOLERANCE,
            )
        )
        self.invalidate_model(["opted_out_at"])

    # === Merge ===

    def _apply_record_merge(self, model, sources, target):
        """Move messages and conversations of the records `sources` to `target`.

        :param model: name of their model
        :param sources: ids
        :param target: id
        """
        for name in LINKED_MODELS:
            self.env[name].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message
                      SET merged_res_id = COALESCE(NULLIF(merged_res_id, 0), res_id), res_id = %s
                    WHERE res_model = %s AND res_id = ANY(%s) RETURNING id""",
                target,
                model,
                list(sources),
            )
        )
        moved = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env["waba.renumbered"]._apply_record_merge(model, sources, target)
        self.env.cr.execute(
            SQL(
                """UPDATE waba_conversation SET res_id = %s
                    WHERE res_model = %s AND res_id = ANY(%s)""",
                target,
                model,
                list(sources),
            )
        )
        for name in LINKED_MODELS:
            self.env[name].invalidate_model(["res_id"])
        self.browse(moved)._exclude_merged()

    def _exclude_merged(self):
        """Exclude queued messages of a campaign that has several for the merged record."""
        for campaign in self.campaign_id:
            moved = self.filtered(lambda row, campaign=campaign: row.campaign_id == campaign)
            rows = self.search(
                [
                    ("campaign_id", "=", campaign.id),
                    ("direction", "=", "out"),
                    ("res_model", "=", moved[0].res_model),
                    ("res_id", "=", moved[0].res_id),
                    ("state", "not in", ("skipped", "cancelled", "failed")),
                ]
            )
            # Without another that was sent or reserved, one stays queued: the record's own first.
            waiting = rows.filtered(lambda row: row.state == "queued")
            kept = waiting[:0] if rows - waiting else waiting.sorted(
                lambda row: (bool(row.merged_res_id), row.id)
            )[:1]  # fmt: skip
            for row in waiting - kept:
                row._exclude_message("duplicate")
