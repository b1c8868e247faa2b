"""Base: evidence of how our messages are received, an append-only table.

Called by the sync, webhooks, answers, statuses, users and our own rules (`_record_events`).
"""

import json
import math
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...policy import reputation_rates
from ..tools.hooks import hook
from ..tools.labels import form_action, list_action, selection_labels
from ..tools.reputation_kinds import (
    CERTAINTIES,
    EFFECTS,
    INFERRED_BLOCKS,
    KINDS,
    PERSON_REPORT_KINDS,
    RANKS,
    SOURCES,
    WITNESSES,
    change_effect,
)

# How long a `sent` message may wait before its silence is recorded. Meta tries for 30 days (10
# minutes for a code), and at most 12 hours if a service template sets its own time (Time-to-live,
# 2025-10-31); a phone in use answers within a day. After 30 days it would be too late to react to
# a bad campaign, so the silence is recorded earlier, as inferred, and corrected by
# 'delivered_late' if a delivery is reported later. One day more than the policy's whole days: what
# is recorded here is also silent in every figure.
SILENCE_DELAY = timedelta(days=reputation_rates.SILENT_AFTER_DAYS + 1)

# Characters of `raw`. A webhook may have 3 MB; all of it is in its waba.webhook.event.
RAW_LENGTH = 8000

TEXTS = ("kind", "certainty", "source", "effect", "event_key", "value_before", "value_after",
         "detail")  # fmt: skip

SUBJECTS = ("company_id", "portfolio_id", "account_id", "sender_id", "template_id", "campaign_id",
            "recipient_id", "message_id", "user_id")  # fmt: skip

RECENT_DAYS = 30

# The field of the evidence for each model that can be its subject.
EVIDENCE_FIELDS = {
    "waba.sender": "sender_id",
    "waba.template": "template_id",
    "waba.campaign": "campaign_id",
}

# Meta's reports about a template itself, not about single messages.
QUALITY_KINDS = (
    "template_quality", "template_flagged", "template_paused", "template_disabled",
    "template_reinstated",
)  # fmt: skip

# The missing subjects of each row are derived from its message, campaign, number or template.
INSERT = """
    INSERT INTO waba_reputation_event
           (kind, certainty, source, effect, at, recorded_at, event_key, value_before, value_after,
            detail, code, raw, message_id, recipient_id, campaign_id, template_id, sender_id,
            account_id, portfolio_id, company_id, user_id)
    SELECT v.kind, v.certainty, v.source, v.effect, v.at, %(now)s, v.event_key, v.value_before,
           v.value_after, v.detail, v.code, v.raw, v.message_id,
           COALESCE(v.recipient_id, m.recipient_id), c.id, t.id, s.id, a.id,
           COALESCE(v.portfolio_id, a.portfolio_id),
           COALESCE(v.company_id, a.company_id, c.company_id, m.company_id), v.user_id
      FROM unnest(%(kind)s::varchar[], %(certainty)s::varchar[], %(source)s::varchar[],
                  %(effect)s::varchar[], %(at)s::timestamp[], %(event_key)s::varchar[],
                  %(value_before)s::varchar[], %(value_after)s::varchar[], %(detail)s::text[],
                  %(code)s::int[], %(raw)s::jsonb[], %(message_id)s::int[],
                  %(recipient_id)s::int[], %(campaign_id)s::int[], %(template_id)s::int[],
                  %(sender_id)s::int[], %(account_id)s::int[], %(portfolio_id)s::int[],
                  %(company_id)s::int[], %(user_id)s::int[])
           AS v(kind, certainty, source, effect, at, event_key, value_before, value_after, detail,
                code, raw, message_id, recipient_id, campaign_id, template_id, sender_id,
                account_id, portfolio_id, company_id, user_id)
      LEFT JOIN waba_message m ON m.id = v.message_id
      LEFT JOIN waba_campaign c ON c.id = COALESCE(v.campaign_id, m.campaign_id)
      LEFT JOIN waba_sender s ON s.id = COALESCE(v.sender_id, m.sender_id, c.sender_id)
      LEFT JOIN waba_template t ON t.id = COALESCE(v.template_id, m.template_id)
      LEFT JOIN waba_account a ON a.id = COALESCE(v.account_id, s.account_id, t.account_id)
        ON CONFLICT (event_key) DO NOTHING
 RETURNING id"""


def _quoted(words):
    return ", ".join(f"'{word}'" for word in words)


class WabaReputationEvent(models.Model):
    """One piece of evidence of how our messages are received: kind, source, certainty, subject.

    Entry point: `_record_events` alone adds rows, once per `event_key`; they are never changed or
    deleted. A wrong inference is corrected by another row. The subject is as narrow as the source
    allows: a message, a template, a number, the account, the portfolio.

    Sources: webhooks (waba_webhook_evidence.py), answers, statuses and silence
    (waba_message_evidence.py), the sync (`_record_changes`), users (waba_consent.py,
    wizard/waba_report_block.py), our own rules (kinds `response_*`, waba_response_mixin.py).
    """

    _name = "waba.reputation.event"
    _description = "WhatsApp Reputation Signal"
    _inherit = ["waba.system.fields.mixin"]
    _order = "at desc, id desc"
    _log_access = False

    kind = fields.Selection(
        [(key, kind.label) for key, kind in KINDS.items()],
        string="Type",
        required=True,
        readonly=True,
    )
    certainty = fields.Selection(CERTAINTIES, required=True, readonly=True)
    source = fields.Selection(SOURCES, required=True, readonly=True)
    effect = fields.Selection(EFFECTS, required=True, readonly=True)
    at = fields.Datetime("Date", required=True, readonly=True)
    recorded_at = fields.Datetime("Recorded at", required=True, readonly=True)
    # Subjects
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    portfolio_id = fields.Many2one("waba.portfolio", readonly=True, ondelete="set null")
    account_id = fields.Many2one("waba.account", readonly=True, ondelete="set null")
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, ondelete="set null")
    template_id = fields.Many2one("waba.template", readonly=True, ondelete="set null")
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="set null")
    recipient_id = fields.Many2one("waba.recipient", readonly=True, ondelete="set null")
    message_id = fields.Many2one("waba.message", readonly=True, ondelete="set null")
    user_id = fields.Many2one("res.users", "Recorded by", readonly=True, ondelete="set null")
    # Details
    value_before = fields.Char("Before", readonly=True)
    value_after = fields.Char("After", readonly=True)
    detail = fields.Text("Details", readonly=True)
    code = fields.Integer("Error code", readonly=True, aggregator=None)
    raw = fields.Json(
        "Raw data", readonly=True, groups="waba_campaign.waba_group_manager", exportable=False
    )
    event_key = fields.Char(required=True, readonly=True)

    _event_key_uniq = models.UniqueIndex("(event_key)")
    _witnessed = models.Constraint(
        f"CHECK (kind NOT IN ({_quoted(PERSON_REPORT_KINDS)}) OR source IN ({_quoted(WITNESSES)}))",
        "Only a user or a provider can report that a customer blocked or reported us.",
    )
    _guessed = models.Constraint(
        f"CHECK (kind NOT IN ({_quoted(INFERRED_BLOCKS)}) OR certainty <> 'exact')",
        "An inferred block is never confirmed.",
    )
    _sender_idx = models.Index("(sender_id, at)")
    _company_idx = models.Index("(company_id, at)")
    _template_idx = models.Index("(template_id, at) WHERE template_id IS NOT NULL")
    _campaign_idx = models.Index("(campaign_id, at) WHERE campaign_id IS NOT NULL")
    _message_idx = models.Index("(message_id) WHERE message_id IS NOT NULL")
    _recipient_idx = models.Index("(recipient_id) WHERE recipient_id IS NOT NULL")
    # For the previous limit: the last row of its kind and subject.
    _portfolio_idx = models.Index("(portfolio_id, at) WHERE kind = 'messaging_limit'")

    @api.depends("kind", "at")
    def _compute_display_name(self):
        labels = selection_labels(self, "kind")
        for event in self:
            event.display_name = f"{labels.get(event.kind, '')} · {event.at or ''}"

    def write(self, vals):
        if vals:
            raise UserError(
                self.env._("A signal cannot be changed. Add a new entry to correct it.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A signal cannot be deleted. Add a new entry to correct it."))

    def action_open_subject(self):
        """Open the narrowest subject of the evidence."""
        self.ensure_one()
        subjects = (self.message_id, self.campaign_id, self.template_id, self.sender_id)
        subject = next((record for record in subjects if record), self.account_id)
        return form_action(subject) if subject else False

    @api.model
    def _record_events(self, vals_list):
        """Add evidence in one statement, each `event_key` once.

        :param vals_list: dicts with `kind`, `source`, `event_key` and any other fields. `certainty`
            is the kind's; so is `effect` by default; `at` is now by default. Missing subjects are
            derived from given ones (message → campaign, number, template, recipient → account →
            portfolio, company)
        :return: the new rows
        :raise psycopg2.errors.NotNullViolation: no subject determines the company
        """
        rows = list({vals["event_key"]: self._complete_values(vals) for vals in vals_list}.values())
        if not rows:
            return self.browse()
        for model in ("waba.message", "waba.campaign", "waba.sender", "waba.template",
                      "waba.account", "waba.portfolio", "waba.recipient"):  # fmt: skip
            self.env[model].flush_model()
        columns = {name: [row[name] for row in rows] for name in (*TEXTS, *SUBJECTS)}
        self.env.cr.execute(
            SQL(
                INSERT,
                **columns,
                at=[row["at"] for row in rows],
                code=[row["code"] for row in rows],
                raw=[row["raw"] for row in rows],
                now=fields.Datetime.now(),
            )
        )
        events = self.browse([id_ for (id_,) in self.env.cr.fetchall()])
        events._on_recorded()
        return events

    @hook
    def _on_recorded(self):
        """After this evidence was recorded, in the same transaction; each only once."""

    @api.model
    def _complete_values(self, vals):
        """One row for INSERT, with a value for every column."""
        kind = KINDS[vals["kind"]]
        row = {
            **vals,
            "certainty": kind.certainty,
            "effect": vals.get("effect") or kind.effect or "neutral",
        }
        complete = {name: storable_text(row.get(name)) or None for name in TEXTS}
        complete |= {name: row.get(name) or None for name in SUBJECTS}
        complete["at"] = row.get("at") or fields.Datetime.now()
        complete["code"] = row.get("code") or None
        complete["raw"] = _to_json(row["raw"]) if row.get("raw") else None
        return complete

    @api.model
    def _previous_value(self, kind, at, **subject):
        """`value_after` of the last earlier event of a kind, or None.

        :param at: naive UTC datetime
        :param subject: one field of SUBJECTS and its id
        """
        [(field, id_)] = subject.items()
        return (
            self.search(
                [("kind", "=", kind), (field, "=", id_), ("at", "<", at)],
                order="at desc, id desc",
                limit=1,
            ).value_after
            or None
        )

    @api.model
    def _move_events(self, old, new):
        """Move the evidence about the recipient `old` to `new`, which is the same person."""
        self.env.cr.execute(
            SQL(
                "UPDATE waba_reputation_event SET recipient_id = %s WHERE recipient_id = %s",
                new.id,
                old.id,
            )
        )
        self.invalidate_model(["recipient_id"])

    @api.model
    def _record_changes(self, subject, before, after, words):
        """Record what a sync found changed.

        A first value is recorded where it starts a history (ratings, limit) or when it is bad.

        :param subject: {field: id}
        :param before, after: {kind: value}, kinds of `RANKS`
        :param words: function (kind, value before, value after) that returns the `detail`
        :return: the new rows
        """
        now = fields.Datetime.now()
        changes = []
        for kind, value in after.items():
            old = before.get(kind) or None
            effect = change_effect(kind, old, value)
            is_first = not old
            if (
                not value
                or value == old
                or (is_first and not _is_first_value_recorded(kind, value, effect))
            ):
                continue
            changes.append(
                {
                    "kind": kind,
                    "source": "poll",
                    "at": now,
                    "effect": effect,
                    "value_before": old,
                    "value_after": value,
                    "detail": words(kind, old, value),
                    "event_key": _reading_key(kind),
                    **subject,
                }
            )
        return self._record_events(changes)


class WabaReputationSubjectMixin(models.AbstractModel):
    """A number, template or campaign: the count of its evidence, and the button that opens it."""

    _name = "waba.reputation.subject.mixin"
    _description = "Subject of reputation signals"

    evidence_count = fields.Integer("Signals (30 days)", compute="_compute_evidence_count")

    def _compute_evidence_count(self):
        field = EVIDENCE_FIELDS[self._name]
        since = fields.Datetime.now() - timedelta(days=RECENT_DAYS)
        groups = self.env["waba.reputation.event"]._read_group(
            [(field, "in", self.ids), ("at", ">=", since)], [field], ["__count"]
        )
        counts = {subject.id: count for subject, count in groups}
        for subject in self:
            subject.evidence_count = counts.get(subject.id, 0)

    def action_view_evidence(self):
        self.ensure_one()
        domain = [(EVIDENCE_FIELDS[self._name], "=", self.id)]
        context = {"search_default_last_30_days": 1}
        return list_action(self.env, "waba_reputation_event_action", domain, context)


def storable_text(text):
    """The text without NUL and lone surrogates, which PostgreSQL refuses; others unchanged."""
    if not isinstance(text, str):
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _storable_json(value):
    """The value without anything that jsonb refuses."""
    if isinstance(value, dict):
        return {storable_text(str(key)): _storable_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_storable_json(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return storable_text(value)


def _to_json(value):
    text = json.dumps(_storable_json(value))
    return text if len(text) <= RAW_LENGTH else json.dumps({"excerpt": text[:RAW_LENGTH]})


def _reading_key(kind):
    """A unique key: a sync records only changes, and a value can change twice within a second."""
    return f"poll:{kind}:{uuid.uuid4().hex}"


def _is_first_value_recorded(kind, value, effect):
    """Whether a first value is recorded."""
    return effect == "bad" or (
        kind in ("number_quality", "template_quality", "messaging_limit") and value in RANKS[kind]
    )
