"""Reputation: evidence from webhooks about consent, limits, numbers, accounts and templates.

Called by the hook `_on_items` of waba.webhook.event, with the events of each webhook.
"""

import hashlib
import json

from odoo import models
from odoo.tools import LazyTranslate

from ...cloud_api import events as webhook_events
from ...cloud_api import storable
from ..base.waba_message import REPLY_PERIOD
from ..tools.hooks import implements
from ..tools.reputation_kinds import KIND_BY_FAILURE, RANKS, change_effect

_lt = LazyTranslate(__name__)

PREFERENCE_KINDS = {"stop": "opt_out", "resume": "opt_in", "signup": "opt_in"}

# Title of a pause -> its text (Meta, Template pausing, 2025-10-22; Template pacing,
# 2026-09-11).
STRIKES = {
    "FIRST_PAUSE": _lt("first pause, 3 hours"),
    "SECOND_PAUSE": _lt("second pause, 6 hours; a third disables it"),
    "RATE_LIMITING_PAUSE": _lt("paused after quality assessment; unpause it in WhatsApp Manager"),
}

TEMPLATE_KINDS = {
    "FLAGGED": "template_flagged",
    "PAUSED": "template_paused",
    "DISABLED": "template_disabled",
    "LOCKED": "template_disabled",
    "REINSTATED": "template_reinstated",
    "UNPAUSED": "template_reinstated",
}

# Meta's model before 2025-10-07; replays and old set-ups may still send them.
NUMBER_KINDS = {
    "FLAGGED": "number_flagged",
    "UNFLAGGED": "number_unflagged",
    "THROUGHPUT_UPGRADE": "throughput",
}

BAN_KINDS = {
    "SCHEDULE_FOR_DISABLE": "account_banned",
    "DISABLE": "account_banned",
    "REINSTATE": "account_reinstated",
}

# A deferred or failed increase means that quality was too low (Meta, account_alerts, 2025-10-22);
# "needs more information" does not.
ALERT_EFFECTS = {
    "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED": "bad",
    "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED": "bad",
    "OBA_APPROVED": "good",
    "OBA_REJECTED": "bad",
}


class WabaWebhookEvent(models.Model):
    """Evidence depends on its event alone, not on what the event changed here: an event that was
    overtaken, repeated or late is the same evidence. Only the value of a limit before its change
    is searched among earlier evidence.
    """

    _inherit = "waba.webhook.event"

    @implements("_on_items")
    def _record_evidence_from_items(self, items, applied=True):
        """Record evidence, then apply the response to account updates, which depends on it."""
        self._record_evidence(items)
        if applied:
            self._apply_account_updates(items)

    def _record_evidence(self, items):
        """Record the evidence of processed events.

        :param items: list of cloud_api events
        """
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
        """Return the values of one piece of evidence; the same event always has the same key."""
        # Meta's entries have a time. Without one, the same content on another day is new evidence.
        when = item.at or self.received_at.date()
        raw = storable(item.raw)
        content = json.dumps(
            [kind, account.waba_uid, str(when), raw, values.get("value_after")],
            sort_keys=True,
            default=str,
        )
        digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
        return {
            "kind": kind,
            "source": "webhook",
            "at": item.at or self.received_at,
            "account_id": account.id,
            "raw": raw,
            "event_key": f"webhook:{kind}:{digest[:40]}",
            **values,
        }

    # === Consent ===

    def _inbound_evidence(self, account, item):
        """Return evidence of an opt-out or opt-in in a message or by a button."""
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
            detail=self.env._('Message: "%s"', item.text),
        )
        return [{**fact, "event_key": f"webhook:{kind}:{item.wamid}"}]

    def _opt_out_source(self, item):
        return "button" if item.payload else "reply"

    def _event_recipient(self, account, item):
        """Return the recipient of a preference, or none."""
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
        """Return the recipient, the number and the last promotion before the event."""
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
        """Return evidence of WhatsApp's own control to stop or resume promotions."""
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

    # === Limits and numbers ===

    def _limit_evidence(self, account, item, limit, before=None, **values):
        """Return evidence of a messaging limit.

        :param before: the limit before; if Meta does not name it, that of earlier evidence
        """
        if limit not in RANKS["messaging_limit"]:
            return []
        if before not in RANKS["messaging_limit"]:
            before = self.env["waba.reputation.event"]._previous_value(
                "messaging_limit",
                item.at or self.received_at,
                portfolio_id=account.portfolio_id.id,
            )
        return [
            self._evidence_values(
                account,
                item,
                "messaging_limit",
                value_before=before,
                value_after=limit,
                effect=change_effect("messaging_limit", before, limit),
                detail=account.portfolio_id._limit_text(before, limit),
                **values,
            )
        ]

    def _capability_evidence(self, account, item):
        return self._limit_evidence(account, item, item.messaging_limit)

    def _number_update_evidence(self, account, item):
        sender_id = self._senders_by_display(account, item.display_number)[:1].id
        evidence = self._limit_evidence(
            account, item, item.messaging_limit, item.old_limit, sender_id=sender_id
        )
        if kind := NUMBER_KINDS.get(item.event):
            evidence.append(
                self._evidence_values(
                    account,
                    item,
                    kind,
                    sender_id=sender_id,
                    value_after=item.event,
                    effect="good" if kind == "throughput" else None,
                    detail=self.env._("Event from Meta: %s", item.event),
                )
            )
        return evidence

    def _number_name_evidence(self, account, item):
        decision = item.decision.upper()
        text = " ".join(filter(None, [item.requested_name, decision, item.rejection_reason]))
        return [
            self._evidence_values(
                account,
                item,
                "number_name",
                sender_id=self._senders_by_display(account, item.display_number)[:1].id,
                value_after=decision,
                effect=change_effect("number_name", None, decision),
                detail=self.env._("Display name review: %s", text),
            )
        ]

    def _security_evidence(self, account, item):
        return [
            self._evidence_values(
                account,
                item,
                "security",
                sender_id=self._senders_by_display(account, item.display_number)[:1].id,
                value_after=item.event,
                detail=self.env._("Security change: %s", item.event),
            )
        ]

    # === Account ===

    def _platform_error_evidence(self, account, item):
        """Return evidence of an error outside any message; none for temporary errors."""
        error = item.error
        kind = KIND_BY_FAILURE.get(error.failure_type)
        if not kind:
            return []
        return [
            self._evidence_values(
                account,
                item,
                kind,
                sender_id=self._sender_by_uid(account, item.phone_number_uid).id,
                code=error.code,
                value_after=str(error.code),
                detail=error.details or error.message or error.title,
            )
        ]

    def _account_update_evidence(self, account, item):
        evidence = []
        if item.violation_type:
            detail = self.env._("Policy: %s", item.violation_type)
            evidence.append(
                self._evidence_values(
                    account,
                    item,
                    "account_violation",
                    value_after=item.violation_type,
                    detail=detail,
                )
            )
        for restriction in item.restrictions:
            parts = [restriction.type, restriction.until and f"→ {restriction.until} UTC",
                     restriction.remediation]  # fmt: skip
            evidence.append(
                self._evidence_values(
                    account,
                    item,
                    "account_restricted",
                    value_after=restriction.type,
                    detail=" ".join(filter(None, parts)),
                )
            )
        if kind := BAN_KINDS.get(item.ban_state):
            detail = f"{item.ban_state} {item.ban_date}".strip()
            evidence.append(
                self._evidence_values(
                    account, item, kind, value_after=item.ban_state, detail=detail
                )
            )
        return evidence

    def _account_review_evidence(self, account, item):
        return [
            self._evidence_values(
                account,
                item,
                "account_review",
                value_after=item.decision,
                effect="good"
                if item.decision == "approved"
                else change_effect("account_review", None, item.decision),
                detail=self.env._("Account review: %s", item.decision),
            )
        ]

    def _account_alert_evidence(self, account, item):
        return [
            self._evidence_values(
                account,
                item,
                "account_alert",
                value_after=item.alert_type,
                effect=ALERT_EFFECTS.get(item.alert_type, "neutral"),
                detail=item.description or item.alert_type,
            )
        ]

    # === Templates ===

    def _template_evidence(self, account, item, kind, **values):
        """Return evidence about a template; an unknown template is named in the detail.

        :param values: further values, with `text`, which follows the name in the detail
        """
        template = self._event_template(account, item)
        name = template.display_name or f"{item.name} ({item.language})"
        values["detail"] = f"{name}: {values.pop('text')}"
        return self._evidence_values(account, item, kind, template_id=template.id, **values)

    def _template_status_evidence(self, account, item):
        kind = TEMPLATE_KINDS.get(item.event)
        if item.event == "APPROVED" and item.title == "UNPAUSE":
            kind = "template_reinstated"
        if not kind:
            return []
        strike = self.env._(STRIKES[item.title]) if item.title in STRIKES else item.title
        reason = item.reason if item.reason != "NONE" else ""
        text = " · ".join(filter(None, [item.event, strike, reason, item.description]))
        return [
            self._template_evidence(
                account, item, kind, value_after=item.title or item.event, text=text
            )
        ]

    def _template_quality_evidence(self, account, item):
        return [
            self._template_evidence(
                account,
                item,
                "template_quality",
                value_before=item.previous,
                value_after=item.new,
                effect=change_effect("template_quality", item.previous, item.new),
                text=self.env["waba.template"]._change_text(
                    "quality_score", item.previous, item.new
                ),
            )
        ]

    def _template_category_evidence(self, account, item):
        """Return evidence of a category change, which is bad if it becomes a promotion."""
        before, after = item.previous or item.new, item.correct or item.new
        became_promotion = after == "marketing" and before != "marketing"
        return [
            self._template_evidence(
                account,
                item,
                "template_category",
                value_before=before,
                value_after=after,
                effect="bad" if became_promotion else "neutral",
                text=self.env["waba.template"]._change_text("category", before, after),
            )
        ]
