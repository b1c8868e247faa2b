import hashlib
import json

from odoo import models

from ..cloud_api import events as webhook_events
from ..cloud_api import storable
from .hooks import implements
from .waba_message import REPLY_PERIOD

PREFERENCE_KINDS = {"stop": "opt_out", "resume": "opt_in"}


class WabaWebhookEvent(models.Model):
    """What a webhook proves about how our messages are received.

    Each row is read from its event alone, not from what the event changed here: an event that was
    overtaken, repeated or came late is the same evidence. Only what a limit was *before* is looked
    up, among the evidence of an earlier time. What Meta says of limits, numbers, the account and
    templates is read in waba_webhook_evidence_platform.py.
    """

    _inherit = "waba.webhook.event"

    @implements("_on_items")
    def _record_evidence_from_items(self, items, applied=True):
        """Evidence first: the answer to an account's update is decided by it."""
        self._record_evidence(items)
        if applied:
            self._apply_account_updates(items)

    def _record_evidence(self, items):
        """:param items: cloud_api events that are through with, applied or not"""
        self.ensure_one()
        makers = {
            webhook_events.InboundMessage: self._inbound_evidence,
            webhook_events.PreferenceChange: self._preference_evidence,
            webhook_events.CapabilityChange: self._capability_evidence,
            webhook_events.NumberUpdate: self._number_update_evidence,
            webhook_events.NumberName: self._number_name_evidence,
            webhook_events.SecurityEvent: self._security_evidence,
            webhook_events.PlatformError: self._platform_error_evidence,
            webhook_events.AccountUpdate: self._account_update_evidence,
            webhook_events.AccountReview: self._account_review_evidence,
            webhook_events.AccountAlert: self._account_alert_evidence,
            webhook_events.TemplateStatus: self._template_status_evidence,
            webhook_events.TemplateQuality: self._template_quality_evidence,
            webhook_events.TemplateCategory: self._template_category_evidence,
        }
        evidence = []
        for item in items:
            maker = makers.get(type(item))
            account = self._event_account(item) if maker else None
            if account:
                evidence += maker(account, item)
        self.env["waba.reputation.event"]._record_events(evidence)

    def _evidence_values(self, account, item, kind, **values):
        """One piece of evidence of this event; the same event always gives the same key."""
        # Meta gives every entry its time; without one, the same words on another day are news.
        when = item.at or self.received_at.date()
        raw = storable(item.raw)
        told = json.dumps(
            [kind, account.waba_uid, str(when), raw, values.get("value_after")],
            sort_keys=True,
            default=str,
        )
        digest = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()
        return {
            "kind": kind,
            "source": "webhook",
            "at": item.at or self.received_at,
            "account_id": account.id,
            "raw": raw,
            "event_key": f"webhook:{kind}:{digest[:40]}",
            **values,
        }

    # ------------------------------------------------------------------
    # People
    # ------------------------------------------------------------------

    def _inbound_evidence(self, account, item):
        """A request to stop, or to go on, in a message or by a button."""
        message = self.env["waba.message"].search(
            [
                ("wamid", "=", item.wamid),
                ("direction", "=", "in"),
                ("account_id", "in", account._same_app_accounts().ids),
            ],
            limit=1,
        )
        kind = message.wish
        if kind not in ("opt_out", "opt_in"):
            return []
        fact = self._evidence_values(
            account,
            item,
            kind,
            sender_id=message.sender_id.id,
            recipient_id=message.recipient_id.id,
            message_id=(message.reply_to_id or message).id,
            value_after=self._opt_out_source(item),
            detail=self.env._('They wrote "%s".', item.text),
        )
        return [{**fact, "event_key": f"webhook:{kind}:{item.wamid}"}]

    def _opt_out_source(self, item):
        return "button" if item.payload else "reply"

    def _event_recipient(self, account, item):
        """The person a preference or report is about, perhaps none."""
        is_person = (item.number or item.user_uid) and not self._own_number_reason(item)
        if not account.portfolio_id or not is_person:
            return self.env["waba.recipient"]
        return self.env["waba.recipient"]._find_or_create_person(
            account.portfolio_id, item.number, item.user_uid
        )

    def _sender_by_uid(self, account, phone_number_uid):
        return account.with_context(active_test=False).sender_ids.filtered(
            lambda sender: sender.phone_number_uid == phone_number_uid
        )

    def _person_subject(self, account, item):
        """Subject of what a person did: who, which number, and the promotion it came after."""
        person = self._event_recipient(account, item)
        at = item.at or self.received_at
        before = self.env["waba.message"].search(
            [
                ("recipient_id", "=", person.id),
                ("company_id", "=", account.company_id.id),
                ("direction", "=", "out"),
                ("category", "=", "marketing"),
                ("accepted_at", "<=", at),
                ("accepted_at", ">", at - REPLY_PERIOD),
            ],
            order="accepted_at desc, id desc",
            limit=1,
        )
        sender = self._sender_by_uid(account, item.phone_number_uid) or before.sender_id
        return {
            "recipient_id": person.id,
            "sender_id": sender.id,
            "message_id": before.id,
        }

    def _preference_evidence(self, account, item):
        """WhatsApp's own control: stop or resume promotions."""
        kind = PREFERENCE_KINDS.get(item.value)
        if not kind or item.category not in ("marketing_messages", ""):
            return []
        about = self._person_subject(account, item)
        if not about["recipient_id"]:
            return []
        detail = item.detail or item.value
        return [
            self._evidence_values(
                account, item, kind, value_after="whatsapp", detail=detail, **about
            )
        ]
