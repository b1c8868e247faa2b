import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..cloud_api import webhooks
from .transactions import commit_step

_logger = logging.getLogger(__name__)

BATCH = 200
REPEATED_WITHIN = timedelta(days=7)
RUN_SECONDS = 45

# A message template's event -> the state it leaves the template in. FLAGGED (bad feedback) and the
# quality events change no state; REINSTATED, UNPAUSED and UNARCHIVED mean approved again
# (Meta, message_template_status_update, 2026-09-11).
TEMPLATE_EVENTS = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNPAUSED": "approved",
    "UNARCHIVED": "approved",
    "PENDING": "pending",
    "IN_APPEAL": "in_appeal",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "LOCKED": "disabled",
    "ARCHIVED": "archived",
    "PENDING_DELETION": "pending_deletion",
    "DELETED": "deleted",
    "LIMIT_EXCEEDED": "limit_exceeded",
}
RESTRICTIONS_STOPPING = (
    "RESTRICTED_BIZ_INITIATED_MESSAGING",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
)


class WabaWebhookEvent(models.Model):
    """From stored bodies to rows. Late, twice or out of order, the rows come out the same."""

    _inherit = "waba.webhook.event"

    @api.model
    def _cron_apply(self):
        """Apply what came in, oldest first, in committed batches."""
        stop_at = time.monotonic() + RUN_SECONDS
        while True:
            events = self.search([("state", "=", "new")], order="id", limit=BATCH)
            if not events:
                return
            if time.monotonic() > stop_at:
                self.env.ref("waba_campaign.ir_cron_apply_webhooks")._trigger()
                return
            events._apply_batch()

    def _apply_batch(self):
        """One transaction for the whole batch; when it breaks, one per event, so that a broken
        event is named and kept and does not stop the others."""
        try:
            commit_step(self.env, self._apply, processed=len(self))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event: a batch could not be applied; one by one now")
            for event in self:
                event._apply_alone()

    def _apply_alone(self):
        try:
            commit_step(self.env, self._apply, processed=1)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.webhook.event %s could not be applied", self.id)
            text = f"{type(error).__name__}: {error}"
            commit_step(
                self.env,
                lambda: self.write(
                    {"state": "failed", "error": text, "applied_at": fields.Datetime.now()}
                ),
            )

    def _apply(self):
        """Apply these bodies: statuses in bulk first, the rest one by one. The caller commits."""
        parsed = [(event, webhooks.parse_events((event.body or "").encode())) for event in self]
        statuses = [
            item
            for _event, items in parsed
            for item in items
            if isinstance(item, webhooks.MessageStatus)
        ]
        if statuses:
            self.env["waba.message"]._apply_statuses(statuses)
        for event, items in parsed:
            known = [item for item in items if not isinstance(item, webhooks.UnknownEvent)]
            if not event._is_repeated():
                for item in known:
                    event._apply_item(item)
            unknown = [item for item in items if isinstance(item, webhooks.UnknownEvent)]
            event.write(
                {
                    "state": "applied" if known else "ignored",
                    "applied_at": fields.Datetime.now(),
                    "summary": ", ".join(sorted({type(item).__name__ for item in items}))[:200],
                    "error": "; ".join(f"{item.field}: {item.why}" for item in unknown)[:1000]
                    or False,
                }
            )

    def _is_repeated(self):
        """Meta delivers a body again for up to 7 days: what it says was applied the first time.

        Statuses are applied all the same (they only move forward); this spares the chatter.
        """
        return bool(
            self.search_count(
                [
                    ("body_hash", "=", self.body_hash),
                    ("account_id", "=", self.account_id.id),
                    ("state", "=", "applied"),
                    ("id", "!=", self.id),
                    ("received_at", ">=", self.received_at - REPEATED_WITHIN),
                ],
                limit=1,
            )
        )

    def _apply_item(self, item):
        """One typed event to the method that knows it; statuses are applied already."""
        handler = {
            webhooks.InboundMessage: self._apply_inbound,
            webhooks.PreferenceChange: self._apply_preference,
            webhooks.CapabilityChange: self._apply_capability,
            webhooks.NumberUpdate: self._apply_number_update,
            webhooks.AccountUpdate: self._apply_account_update,
            webhooks.AccountReview: self._apply_account_review,
            webhooks.AccountAlert: self._apply_account_alert,
            webhooks.TemplateStatus: self._apply_template_status,
            webhooks.TemplateQuality: self._apply_template_quality,
            webhooks.TemplateCategory: self._apply_template_category,
            webhooks.NumberName: self._apply_number_name,
        }.get(type(item))
        if handler:
            handler(item)

    # ------------------------------------------------------------------
    # People
    # ------------------------------------------------------------------

    def _sender_of(self, item):
        return self.env["waba.sender"].search(
            [
                ("phone_number_uid", "=", item.phone_number_uid),
                ("account_id", "=", self.account_id.id),
            ],
            limit=1,
        )

    def _apply_inbound(self, item):
        """Someone wrote: open the window, show it on their record, honour a wish to stop."""
        messages = self.env["waba.message"]
        if item.wamid and messages.search_count([("wamid", "=", item.wamid)], limit=1):
            return
        sender = self._sender_of(item)
        if not sender or not (item.number or item.user_uid):
            return
        at = item.at or self.received_at
        person = self.env["waba.recipient"]._find_or_create_person(
            sender.portfolio_id, item.number, item.user_uid, item.profile_name
        )
        self.env["waba.conversation"]._register_inbound(sender, person, at)
        messages._receive(sender, person, item, at)

    def _apply_preference(self, item):
        """WhatsApp's own control: stop or resume promotions."""
        if item.category not in ("marketing_messages", "", None):
            return
        target = {"stop": "opted_out", "resume": "opted_in"}.get(item.value)
        if not target or not (item.number or item.user_uid):
            return
        portfolio = self.account_id.portfolio_id
        person = self.env["waba.recipient"]._find_or_create_person(
            portfolio, item.number, item.user_uid
        )
        if person._has_newer_consent(item.at):
            return
        person._set_marketing_state(target, "whatsapp", item.detail or item.value, at=item.at)

    # ------------------------------------------------------------------
    # Limits, numbers, account
    # ------------------------------------------------------------------

    def _apply_capability(self, item):
        self.account_id.portfolio_id._set_messaging_limit(
            item.messaging_limit, self.env._("told by Meta's webhook")
        )

    def _sender_by_display(self, display_number):
        digits = "".join(filter(str.isdigit, display_number or ""))
        return self.account_id.sender_ids.filtered(
            lambda sender: digits and (sender.number or "").lstrip("+") == digits
        )

    def _apply_number_update(self, item):
        """Since October 2025 this tells throughput and limit, no longer quality."""
        self.account_id.portfolio_id._set_messaging_limit(
            item.messaging_limit, self.env._("told by Meta's webhook")
        )
        sender = self._sender_by_display(item.display_number)
        for one in sender:
            one._message_log(body=self.env._("Meta reports on this number: %s", item.event))
        if item.event == "THROUGHPUT_UPGRADE":
            self._poll_soon()

    def _poll_soon(self):
        self.env.ref("waba_campaign.ir_cron_poll").sudo()._trigger()

    def _apply_account_update(self, item):
        account = self.account_id
        parts = [item.event]
        if item.violation_type:
            parts.append(self.env._("violation: %s", item.violation_type))
        if item.ban_state:
            parts.append(f"{item.ban_state} {item.ban_date or ''}".strip())
        parts += [
            f"{restriction.type}" + (f" → {restriction.until} UTC" if restriction.until else "")
            for restriction in item.restrictions
        ]
        account._message_log(body=self.env._("Meta reports on this account: %s", ", ".join(parts)))
        stopping = [r for r in item.restrictions if r.type in RESTRICTIONS_STOPPING]
        if stopping:
            ends = [restriction.until for restriction in stopping]
            until = None if None in ends else max(ends)
            account.write({"restriction": stopping[0].type, "restricted_until": until})
            account._stop(
                self.env._(
                    "Meta restricts this account (%s). Ask for a review in WhatsApp Manager.",
                    ", ".join(restriction.type for restriction in stopping),
                ),
                until=until,
            )
        if item.ban_state == "DISABLE" or item.event in ("ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED"):
            account._stop(
                self.env._("Meta has disabled this account. Ask for a review in WhatsApp Manager.")
            )
        elif item.ban_state == "REINSTATE":
            account.write({"restriction": False, "restricted_until": False})
            account._resume(self.env._("Meta has reinstated this account."))

    def _apply_account_review(self, item):
        self.account_id.review_status = item.decision

    def _apply_account_alert(self, item):
        self.account_id._message_log(
            body=self.env._(
                "Meta's alert: %s", f"{item.alert_type} {item.description or ''}".strip()
            )
        )

    def _apply_number_name(self, item):
        for sender in self._sender_by_display(item.display_number):
            sender._message_log(
                body=self.env._(
                    "Meta's decision on the name %(name)s: %(decision)s",
                    name=item.requested_name,
                    decision=item.decision,
                )
            )
        self._poll_soon()

    # ------------------------------------------------------------------
    # Templates
    # ------------------------------------------------------------------

    def _template_of(self, item):
        templates = self.account_id.with_context(active_test=False).template_ids
        return templates.filtered(lambda template: template.template_uid == item.template_uid) or (
            templates.filtered(
                lambda template: (template.name, template.language) == (item.name, item.language)
            )
        )

    def _apply_template_status(self, item):
        template = self._template_of(item)
        if not template:
            self._poll_soon()
            return
        reason = " ".join(filter(None, [item.title, item.reason if item.reason != "NONE" else ""]))
        status = TEMPLATE_EVENTS.get(item.event)
        if status:
            template._set_status(status, reason or False)
        template._message_log(
            body=self.env._("Meta reports on this template: %s", f"{item.event} {reason}".strip())
        )

    def _apply_template_quality(self, item):
        for template in self._template_of(item):
            qualities = dict(template._fields["quality_score"].selection)
            template.quality_score = item.new if item.new in qualities else "unknown"

    def _apply_template_category(self, item):
        for template in self._template_of(item):
            categories = dict(template._fields["category"].selection)
            if item.previous and item.new in categories:
                template.category = item.new
            if item.correct:
                template._message_log(
                    body=self.env._(
                        "Meta will change this template's category to %s within 24 hours.",
                        item.correct,
                    )
                )
