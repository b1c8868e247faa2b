"""Integration: events for other systems, recorded with their cause and sent by a job.

Recorded by `_emit` (waba_outgoing_causes.py) and `waba.outgoing.webhook._post`; sent by
`_cron_send` at least once, always with the same ID.
"""

import json
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...cloud_api import deliver, sign
from ...policy import outgoing
from ..tools.job_turns import TimeSlice
from ..tools.transactions import commit_step

RUN_SECONDS = 45

# Events of one claim, per webhook and in all; connections at a time.
BATCH_OF_WEBHOOK, BATCH, CONNECTIONS = 16, 48, 8

# How long events are kept after they were sent or given up: for support, not for statistics.
KEEP = timedelta(days=30)


class Fact(NamedTuple):
    """What happened, before anybody is told.

    :ivar key: names the fact; each webhook has one event of it
    :ivar at: naive UTC
    """

    kind: str
    key: str
    at: object
    data: dict
    res_model: str | None = None
    res_id: int | None = None
    recipient_id: int | None = None


class WabaOutgoingEvent(models.Model):
    """One event for one webhook: `queued`, then `sent`, or `failed` after the last attempt.

    Written in the transaction of its cause, once per webhook and fact (`_event_key_uniq`). The
    job counts an attempt and commits before it sends, so that after a kill the event is sent again
    with the same `uuid`: the receiver gets each at least once, in any order.
    """

    _name = "waba.outgoing.event"
    _description = "WhatsApp Outgoing Event"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "kind"
    _log_access = False

    webhook_id = fields.Many2one(
        "waba.outgoing.webhook", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="webhook_id.company_id")
    uuid = fields.Char(required=True, readonly=True)
    kind = fields.Char("Event key", required=True, readonly=True)
    kind_text = fields.Char("Event", compute="_compute_kind_text")
    event_key = fields.Char(required=True, readonly=True)
    body = fields.Text("Content", readonly=True)
    res_model = fields.Char("Record's model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    recipient_id = fields.Many2one("waba.recipient", readonly=True, ondelete="set null")
    created_at = fields.Datetime("Created", required=True, readonly=True)
    state = fields.Selection(
        [("queued", "Queued"), ("sent", "Sent"), ("failed", "Given up"),
         ("cancelled", "Cancelled")],
        default="queued",
        required=True,
        readonly=True,
    )  # fmt: skip
    attempt_count = fields.Integer("Attempts", readonly=True, aggregator=None)
    next_attempt_at = fields.Datetime("Next attempt", readonly=True)
    ended_at = fields.Datetime("Ended at", readonly=True)
    http_status = fields.Integer("HTTP status", readonly=True, aggregator=None)
    error = fields.Char(readonly=True)

    _event_key_uniq = models.UniqueIndex("(webhook_id, event_key)")
    _queue_idx = models.Index("(webhook_id, next_attempt_at, id) WHERE state = 'queued'")
    _ended_idx = models.Index("(ended_at) WHERE ended_at IS NOT NULL")
    _recipient_idx = models.Index("(recipient_id) WHERE recipient_id IS NOT NULL")

    @api.depends_context("lang")
    @api.depends("kind")
    def _compute_kind_text(self):
        switches = self.env["waba.outgoing.webhook"]._fields
        for event in self:
            switch = switches.get(f"on_{event.kind}")
            event.kind_text = switch._description_string(self.env) if switch else event.kind

    def action_resend(self):
        """Send again now, with the same ID, whatever became of it."""
        self.check_access("write")
        self.sudo()._retry_now(Domain("id", "in", self.ids))

    # === Record ===

    @api.model
    def _emit(self, kind, record, values, key=None, company=None):
        """Record one fact for the webhooks of its company that subscribe to it.

        :param kind: one of policy.outgoing.KINDS
        :param record: the record it is about, or None
        :param values: JSON values for the event's `data`
        :param key: names the fact; without one each call is another
        :param company: res.company; by default the record's
        :return: the rows that were recorded
        """
        if not company and record is not None and "company_id" in record._fields:
            company = record.company_id
        company = company or self.env.company
        return self._emit_facts({company.id: [self._fact(kind, record, values, key)]})

    @api.model
    def _emit_facts(self, facts):
        """Record many facts, in one statement.

        :param facts: {company id: [Fact]}
        """
        subscriptions = self.env["waba.outgoing.webhook"]._subscriptions()
        return self._queue_events(
            [
                (webhook_id, fact)
                for company_id, found in facts.items()
                for fact in found
                for webhook_id in subscriptions.get(fact.kind, {}).get(company_id, ())
            ]
        )

    @api.model
    def _fact(self, kind, record, values, key=None):
        is_given = record is not None and len(record) == 1
        return Fact(
            kind,
            key or f"{kind}/{uuid.uuid4().hex}",
            fields.Datetime.now(),
            values,
            record._name if is_given else None,
            record.id if is_given else None,
        )

    @api.model
    def _queue_events(self, pairs):
        """Insert one row per webhook and fact, unless it exists.

        :param pairs: [(webhook id, Fact)]
        :return: the new rows
        """
        if not pairs:
            return self.browse()
        now = fields.Datetime.now()
        ids = [str(uuid.uuid4()) for _pair in pairs]
        columns = {
            "webhook": [webhook_id for webhook_id, _fact in pairs],
            "uuid": ids,
            "kind": [fact.kind for _id, fact in pairs],
            "key": [fact.key for _id, fact in pairs],
            "body": [
                event_body(id_, fact) for id_, (_webhook, fact) in zip(ids, pairs, strict=True)
            ],
            "model": [fact.res_model for _id, fact in pairs],
            "res_id": [fact.res_id for _id, fact in pairs],
            "person": [fact.recipient_id for _id, fact in pairs],
        }
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_outgoing_event
                          (webhook_id, uuid, kind, event_key, body, res_model, res_id,
                           recipient_id, created_at, state, attempt_count, next_attempt_at)
                   SELECT webhook, uuid, kind, key, body, model, res_id, person,
                          %(now)s, 'queued', 0, %(now)s
                     FROM unnest(%(webhook)s::int[], %(uuid)s::text[], %(kind)s::text[],
                                 %(key)s::text[], %(body)s::text[], %(model)s::text[],
                                 %(res_id)s::int[], %(person)s::int[])
                          AS row(webhook, uuid, kind, key, body, model, res_id, person)
                   ON CONFLICT (webhook_id, event_key) DO NOTHING RETURNING id""",
                now=now,
                **columns,
            )
        )
        if rows:
            self._send_cron()._trigger()
        return self.browse([id_ for (id_,) in rows])

    # === Send ===

    @api.model
    def _send_cron(self):
        return self.env.ref("waba_campaign.ir_cron_outgoing").sudo()

    @api.model
    def _cron_send(self):
        """Send what is due. No lock is held and no transaction is open while a receiver answers."""
        turn = TimeSlice(self._send_cron(), RUN_SECONDS)
        failures = Counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            while not turn.is_used_up:
                resting = [
                    id_ for id_, count in failures.items() if count >= outgoing.FAILURES_IN_A_ROW
                ]
                claimed = commit_step(self.env, partial(self._claim_due, resting))
                if not claimed:
                    break
                answers = list(pool.map(_send, claimed))
                for request, answer in zip(claimed, answers, strict=True):
                    is_delivered = outgoing.is_success(answer.status)
                    webhook_id = request["webhook_id"]
                    failures[webhook_id] = 0 if is_delivered else failures[webhook_id] + 1
                commit_step(self.env, partial(self._record_answers, claimed, answers), len(claimed))
        commit_step(self.env, self._delete_old)
        commit_step(self.env, partial(self._schedule_next, is_unfinished=turn.is_used_up))

    @api.model
    def _claim_due(self, resting):
        """Count one attempt of the events that are due, before anything is sent.

        Until its answer is recorded, the attempt counts as failed.

        :param resting: ids of webhooks that failed several times in this run
        :return: plain values for `_send`
        """
        now = fields.Datetime.now()
        # Asked before: it may be a query, which would replace the rows on this cursor.
        allowed = self.env["waba.account"]._allowed_addresses()
        away = self.env["waba.account"]._accounts_elsewhere().company_id.ids
        self.flush_model()
        self.env["waba.outgoing.webhook"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_outgoing_event e
                      SET attempt_count = e.attempt_count + 1,
                          next_attempt_at = %(now)s
                              + (%(delays)s::interval[])[LEAST(e.attempt_count + 1, %(count)s)]
                     FROM waba_outgoing_webhook w,
                          (SELECT due.id
                             FROM waba_outgoing_webhook o CROSS JOIN LATERAL (
                                  SELECT id, next_attempt_at FROM waba_outgoing_event
                                   WHERE webhook_id = o.id AND state = 'queued'
                                     AND next_attempt_at <= %(now)s
                                   ORDER BY next_attempt_at, id LIMIT %(each)s
                                     FOR UPDATE SKIP LOCKED) due
                            WHERE o.active AND o.state = 'active' AND NOT o.id = ANY(%(resting)s)
                              AND NOT o.company_id = ANY(%(away)s)
                            LIMIT %(limit)s) chosen
                    WHERE e.id = chosen.id AND w.id = e.webhook_id
                RETURNING e.id, e.webhook_id, e.uuid, e.kind, e.body, w.url, w.secret""",
                now=now,
                delays=list(outgoing.RETRY_DELAYS),
                count=len(outgoing.RETRY_DELAYS),
                each=BATCH_OF_WEBHOOK,
                limit=BATCH,
                resting=resting,
                away=away,
            )
        )
        claimed = self.env.cr.dictfetchall()
        self.invalidate_model()
        return [{**row, "allowed": allowed} for row in claimed]

    @api.model
    def _record_answers(self, claimed, answers):
        now = fields.Datetime.now()
        by_webhook = {}
        for request, answer in zip(claimed, answers, strict=True):
            is_delivered = outgoing.is_success(answer.status)
            by_webhook.setdefault(request["webhook_id"], []).append(is_delivered)
            self.browse(request["id"])._record_answer(answer, is_delivered, now)
        for webhook_id, delivered in sorted(by_webhook.items()):
            webhook = self.env["waba.outgoing.webhook"].browse(webhook_id)
            webhook._record_delivery(any(delivered), now)

    def _record_answer(self, answer, is_delivered, now):
        if not self.exists():
            return
        values = {"http_status": answer.status or 0, "error": self._error_text(answer)}
        if is_delivered:
            values |= {"state": "sent", "ended_at": now, "next_attempt_at": False}
        elif at := outgoing.next_attempt(self.attempt_count, now):
            values["next_attempt_at"] = at
        else:
            values |= {"state": "failed", "ended_at": now, "next_attempt_at": False}
        self.write(values)

    @api.model
    def _error_text(self, answer):
        if outgoing.is_success(answer.status):
            return False
        if answer.status:
            return self.env._("The receiver answered with HTTP status %s.", answer.status)
        causes = {
            "dns": self.env._("The host of the URL was not found."),
            "certificate": self.env._("The receiver's certificate is not valid."),
            "tls": self.env._("No encrypted connection could be made."),
            "private": self.env._("Not sent: the URL leads to a private network."),
            "refused": self.env._("The receiver refused the connection."),
            "timeout": self.env._("The receiver did not answer within 10 seconds."),
        }
        return causes.get(answer.cause) or self.env._("The connection broke off.")

    @api.model
    def _retry_now(self, condition):
        """Make these events due now, also those already sent or given up."""
        events = self.search(condition & Domain("state", "!=", "cancelled"))
        events.write(
            {
                "state": "queued", "attempt_count": 0, "ended_at": False,
                "next_attempt_at": fields.Datetime.now(),
            }
        )  # fmt: skip
        if events:
            self._send_cron()._trigger()

    @api.model
    def _erase_people(self, people, companies):
        """Erase what is told about these people; what was not sent yet is told to nobody."""
        events = self.search(
            [("recipient_id", "in", people.ids), ("webhook_id.company_id", "in", companies.ids)]
        )
        events.filtered(lambda event: event.state == "queued").state = "cancelled"
        events.write({"body": False, "next_attempt_at": False, "res_model": False, "res_id": 0})

    @api.model
    def _schedule_next(self, is_unfinished):
        """Trigger the job for the next attempt of a webhook that is active.

        In a copy of the database it waits for an administrator, whose decision triggers it.
        """
        if is_unfinished:
            self._send_cron()._trigger()
            return
        [[at]] = self.env.execute_query(
            SQL(
                """SELECT min(next.at) FROM waba_outgoing_webhook w CROSS JOIN LATERAL (
                          SELECT next_attempt_at AS at FROM waba_outgoing_event
                           WHERE webhook_id = w.id AND state = 'queued'
                           ORDER BY next_attempt_at LIMIT 1) next
                    WHERE w.active AND w.state = 'active' AND NOT w.company_id = ANY(%s)""",
                self.env["waba.account"]._accounts_elsewhere().company_id.ids,
            )
        )
        if at:
            # Those of webhooks that failed in this run are due already; they rest a little.
            soon = fields.Datetime.now() + outgoing.RETRY_DELAYS[0]
            self._send_cron()._trigger(at=max(at, soon))

    @api.model
    def _delete_old(self):
        """Delete events that ended KEEP ago, and those of paused webhooks that nobody resumed."""
        now = fields.Datetime.now()
        self.flush_model()
        self.env.cr.execute(SQL("DELETE FROM waba_outgoing_event WHERE ended_at < %s", now - KEEP))
        self.env.cr.execute(
            SQL(
                """UPDATE waba_outgoing_event e
                      SET state = 'failed', ended_at = %(now)s, next_attempt_at = NULL
                     FROM waba_outgoing_webhook w
                    WHERE w.id = e.webhook_id AND w.state = 'paused' AND e.state = 'queued'
                      AND e.next_attempt_at < %(now)s - %(keep)s""",
                now=now,
                keep=sum(outgoing.RETRY_DELAYS, timedelta()),
            )
        )
        self.invalidate_model()


def event_body(event_id, fact):
    """The JSON that the receiver gets (docs/api.md); without keys, tokens or secrets."""
    return json.dumps(
        {
            "id": event_id,
            "event": fact.kind,
            "at": fact.at.isoformat(timespec="seconds") + "Z",
            "record": {"model": fact.res_model, "id": fact.res_id} if fact.res_model else None,
            "data": fact.data,
        },
        ensure_ascii=False,
    )


def _send(request):
    """Send one claimed event, in a thread; see `_claim_due`."""
    body = request["body"].encode()
    return deliver(
        request["url"],
        {
            "User-Agent": "waba_campaign",
            "X-Waba-Event": request["kind"],
            "X-Waba-Event-Id": request["uuid"],
            "X-Waba-Signature": sign(request["secret"], int(time.time()), body),
        },
        body,
        request["allowed"],
    )
