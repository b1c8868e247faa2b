"""Integration: what becomes an outgoing event: messages, consent, Meta's ratings.

By hooks of lower packages, in their transactions. Nothing is read unless a webhook subscribes.
"""

from odoo import api, models
from odoo.tools import SQL

from ..base.waba_message import REPORTED_KINDS
from ..tools.hooks import implements
from .waba_outgoing_event import Fact

MESSAGE_KINDS = ("delivered", "read", "failed", "replied")
CONSENT_KINDS = {"opt_out": "opted_out", "opt_in": "opted_in"}
# Entries that say again, about other rows or companies, what was said before.
REPEATED_SOURCES = ("merge", "erased")
RATING_KINDS = {"number_quality": "number", "template_quality": "template"}


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_on_change")
    def _send_events_at_home(self, names):
        """What waited while this database might have been a copy is due."""
        if "home" in names:
            self.env["waba.outgoing.event"]._send_cron()._trigger()

    @api.model
    @implements("_on_message_changes")
    def _emit_message_events(self, ids):
        subscribed = self.env["waba.outgoing.webhook"]._subscriptions()
        companies = {
            company_id for kind in MESSAGE_KINDS for company_id in subscribed.get(kind, ())
        }
        if not companies or not ids:
            return
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT m.*, t.name AS template, t.language, c.name AS campaign
                     FROM waba_message m
                LEFT JOIN waba_template t ON t.id = m.template_id
                LEFT JOIN waba_campaign c ON c.id = m.campaign_id
                    WHERE m.id = ANY(%s) AND m.company_id = ANY(%s)
                      AND m.direction IN ('in', 'out')""",
                list(ids),
                list(companies),
            )
        )
        facts = {}
        for row in self.env.cr.dictfetchall():
            facts.setdefault(row["company_id"], []).extend(_message_facts(row))
        self.env["waba.outgoing.event"]._emit_facts(facts)


class WabaConsent(models.Model):
    _inherit = "waba.consent"

    @implements("_on_consent")
    def _emit_consent_events(self):
        subscribed = self.env["waba.outgoing.webhook"]._subscriptions()
        facts = {}
        for entry in self.sudo():
            kind = CONSENT_KINDS.get(entry.action)
            if kind not in subscribed or entry.source in REPEATED_SOURCES:
                continue
            for company_id in entry.company_id.ids or subscribed[kind]:
                facts.setdefault(company_id, []).append(entry._consent_fact(kind))
        if facts:
            self.env["waba.outgoing.event"]._emit_facts(facts)

    def _consent_fact(self, kind):
        person = self.recipient_id
        return Fact(
            kind,
            f"consent/{self.id}",
            self.at,
            {
                "number": person.number or None,
                "user_id": person.user_uid or None,
                "name": person.name or None,
                "purpose": self.purpose,
                "source": self.source,
                "evidence": self.evidence or None,
            },
            recipient_id=person.id,
        )


class WabaReputationEvent(models.Model):
    _inherit = "waba.reputation.event"

    @implements("_on_recorded")
    def _emit_rating_events(self):
        subscribed = self.env["waba.outgoing.webhook"]._subscriptions()
        if "rating" not in subscribed:
            return
        facts = {}
        for event in self.sudo().filtered(lambda event: event.kind in RATING_KINDS):
            subject = RATING_KINDS[event.kind]
            name = event.sender_id.number if subject == "number" else event.template_id.name
            record = event.sender_id if subject == "number" else event.template_id
            facts.setdefault(event.company_id.id, []).append(
                Fact(
                    "rating",
                    f"rating/{event.id}",
                    event.at,
                    {
                        "subject": subject,
                        "name": name or None,
                        "before": event.value_before or None,
                        "after": event.value_after or None,
                    },
                    record._name,
                    record.id,
                )
            )
        if facts:
            self.env["waba.outgoing.event"]._emit_facts(facts)


def _message_facts(row):
    """What has happened to a message so far; what was told before is recorded by nobody twice."""
    if row["direction"] == "in":
        if row["kind"] not in REPORTED_KINDS:
            yield _message_fact("replied", row, row["sent_at"] or row["create_date"], "")
        return
    arrived_at = row["delivered_at"] or row["read_at"]
    if arrived_at and row["state"] in ("delivered", "read"):
        yield _message_fact("delivered", row, arrived_at, "")
    if row["read_at"]:
        yield _message_fact("read", row, row["read_at"], "")
    if row["state"] == "failed" and row["failed_at"]:
        # A user may queue it again, and it may fail again.
        yield _message_fact("failed", row, row["failed_at"], f"/{row['attempt_count']}")


def _message_fact(kind, row, at, occasion):
    data = {
        "message_id": row["id"],
        "whatsapp_id": row["wamid"],
        "key": _api_key(row["origin_key"]),
        "number": row["number"],
        "name": row["person_name"],
        "template": row["template"],
        "language": row["language"],
        "campaign": row["campaign"],
    }
    if kind == "failed":
        data |= {"reason": row["failure_type"], "error_code": row["error_code"] or None}
    if kind == "replied":
        data |= {"text": row["text"], "kind": row["kind"], "in_reply_to": row["reply_to_id"]}
    return Fact(
        kind,
        f"message/{row['id']}/{kind}{occasion}",
        at,
        data,
        row["res_model"],
        row["res_id"] or None,
        row["recipient_id"],
    )


def _api_key(origin_key):
    """The caller's own key of a message sent by the public API (`send_template`), else None."""
    prefix, _company, key = (*(origin_key or "").split("/", 2), "", "")[:3]
    return key if prefix == "key" else None
