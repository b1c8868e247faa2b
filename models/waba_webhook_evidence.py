import hashlib
import json

from odoo import models

from ..cloud_api import events as webhook_events
from ..cloud_api import storable
from .hooks import implements
from .waba_message import ANSWER_WITHIN

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
    def _learn_from(self, items, applied=True):
        """Evidence first: the answer to an account's update is decided by it."""
        self._record_evidence(items)
        if applied:
            self._answer_account_updates(items)

    def _record_evidence(self, items):
        """:param items: cloud_api events that are through with, applied or not"""
        self.ensure_one()
        makers = {
            webhook_events.InboundMessage: self._evidence_of_inbound,
            webhook_events.PreferenceChange: self._evidence_of_preference,
            webhook_events.CapabilityChange: self._evidence_of_capability,
            webhook_events.NumberUpdate: self._evidence_of_number_update,
            webhook_events.NumberName: self._evidence_of_number_name,
            webhook_events.SecurityEvent: self._evidence_of_security,
            webhook_events.PlatformError: self._evidence_of_platform_error,
            webhook_events.AccountUpdate: self._evidence_of_account_update,
            webhook_events.AccountReview: self._evidence_of_account_review,
            webhook_events.AccountAlert: self._evidence_of_account_alert,
            webhook_events.TemplateStatus: self._evidence_of_template_status,
            webhook_events.TemplateQuality: self._evidence_of_template_quality,
            webhook_events.TemplateCategory: self._evidence_of_template_category,
        }
        evidence = []
        for item in items:
            maker = makers.get(type(item))
            account = self._account_of(item) if maker else None
            if account:
                evidence += maker(account, item)
        self.env["waba.reputation.event"]._record(evidence)

    def _fact(self, account, item, kind, **values):
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

    def _evidence_of_inbound(self, account, item):
        """A request to stop, or to go on, in a message or by a button."""
        message = self.env["waba.message"].search(
            [
                ("wamid", "=", item.wamid),
                ("direction", "=", "in"),
                ("account_id", "in", account._of_same_app().ids),
            ],
            limit=1,
        )
        kind = message.wish
        if kind not in ("opt_out", "opt_in"):
            return []
        fact = self._fact(
            account,
            item,
            kind,
            sender_id=message.sender_id.id,
            recipient_id=message.recipient_id.id,
            message_id=(message.reply_to_id or message).id,
            value_after=self._way_of(item),
            detail=self.env._('They wrote "%s".', item.text),
        )
        return [{**fact, "event_key": f"webhook:{kind}:{item.wamid}"}]

    def _way_of(self, item):
        return "button" if item.payload else "reply"

    def _person_of(self, account, item):
        """The person a preference or report is about, perhaps none."""
        is_person = (item.number or item.user_uid) and not self._names_own_number(item)
        if not account.portfolio_id or not is_person:
            return self.env["waba.recipient"]
        return self.env["waba.recipient"]._find_or_create_person(
            account.portfolio_id, item.number, item.user_uid
        )

    def _sender_by_uid(self, account, phone_number_uid):
        return account.with_context(active_test=False).sender_ids.filtered(
            lambda sender: sender.phone_number_uid == phone_number_uid
        )

    def _about_person(self, account, item):
        """Subject of what a person did: who, which number, and the promotion it came after."""
        person = self._person_of(account, item)
        at = item.at or self.received_at
        before = self.env["waba.message"].search(
            [
                ("recipient_id", "=", person.id),
                ("company_id", "=", account.company_id.id),
                ("direction", "=", "out"),
                ("category", "=", "marketing"),
                ("accepted_at", "<=", at),
                ("accepted_at", ">", at - ANSWER_WITHIN),
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

    def _evidence_of_preference(self, account, item):
        """WhatsApp's own control: stop or resume promotions."""
        kind = PREFERENCE_KINDS.get(item.value)
        if not kind or item.category not in ("marketing_messages", ""):
            return []
        about = self._about_person(account, item)
        if not about["recipient_id"]:
            return []
        detail = item.detail or item.value
        return [self._fact(account, item, kind, value_after="whatsapp", detail=detail, **about)]
