import logging
import random
from collections import Counter
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import limits, pacing, retry
from ..policy import status as status_policy
from .phone_countries import country_of
from .waba_failure import failure_sentence

_logger = logging.getLogger(__name__)

# Template states that a failure tells us before any webhook does.
STATUS_FROM_FAILURE = {"template_paused": "paused", "template_disabled": "disabled"}
# Failures in a row that are counted over rows, not over one row's attempts (policy.retry).
COUNTED_IN_A_ROW = ("bad_request", "pacing_drop")
TIMES = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at"}


class WabaMessage(models.Model):
    """What became of a message: the API's answers and the webhook's statuses."""

    _inherit = "waba.message"

    # ------------------------------------------------------------------
    # The API's answers
    # ------------------------------------------------------------------

    @api.model
    def _write_results(self, results, run):
        """Write down what the API answered. Safe to repeat; moves rows forward only.

        :param results: list of cloud_api.SendResult, keyed by message id
        :param run: the DispatchRun, for the counts in a row
        :return: True when something larger than a row must stop (number, account, template…)
        """
        self._write_accepted(
            [result for result in results if result.outcome in ("accepted", "held")]
        )
        self.browse(
            [result.key for result in results if result.outcome == "unknown"]
        )._mark_uncertain()
        self._release([result.key for result in results if result.outcome == "not_started"])
        stopped = False
        for result in results:
            if result.outcome in ("error", "not_sent"):
                stopped = self._take_refusal(result, run) or stopped
            elif result.outcome == "accepted":
                run.bad_requests.clear()
        return stopped

    @api.model
    def _write_accepted(self, results):
        """Accepted or held, in one statement; a status that came first is not undone."""
        if not results:
            return
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET state = CASE WHEN m.state IN ('reserved', 'uncertain') THEN v.state
                                  ELSE m.state END,
                          wamid = COALESCE(v.wamid, m.wamid),
                          accepted_at = COALESCE(m.accepted_at, v.at), reserved_until = NULL,
                          failure_type = CASE WHEN m.state NOT IN ('failed', 'queued')
                                         THEN NULL ELSE m.failure_type END,
                          failure_reason = CASE WHEN m.state NOT IN ('failed', 'queued')
                                           THEN NULL ELSE m.failure_reason END,
                          error_code = CASE WHEN m.state NOT IN ('failed', 'queued')
                                       THEN NULL ELSE m.error_code END,
                          write_date = %(now)s
                     FROM unnest(%(ids)s, %(states)s::varchar[], %(wamids)s::varchar[],
                                 %(times)s::timestamp[])
                          AS v(id, state, wamid, at)
                    WHERE m.id = v.id""",
                now=fields.Datetime.now(),
                ids=[result.key for result in results],
                states=[result.outcome for result in results],
                wamids=[result.wamid for result in results],
                times=[_moment(result.finished_at) for result in results],
            )
        )
        self.invalidate_model()
        self._note_addresses(results)

    @api.model
    def _note_addresses(self, results):
        """Keep the number WhatsApp uses where it differs from ours: replies come from that one."""
        numbers = {row.id: row for row in self.browse([result.key for result in results])}
        for result in results:
            row = numbers[result.key]
            wa_number = f"+{result.wa_id}" if result.wa_id else None
            if wa_number and wa_number != row.number and row.recipient_id.wa_number != wa_number:
                row.recipient_id.wa_number = wa_number

    def _mark_uncertain(self):
        """On the wire without an answer: kept, never sent again by itself."""
        self.filtered(lambda row: row.state == "reserved")._update_state(
            ("reserved",),
            "uncertain",
            {
                "failure_reason": self.env._(
                    "The request left and no answer came. WhatsApp's next report on it settles it."
                )
            },
        )

    @api.model
    def _release(self, ids):
        """Reserved rows that certainly did not leave go back to the queue and free their places."""
        rows = self.browse(ids).filtered(lambda row: row.state == "reserved")
        rows._give_slots_back()
        rows._update_state(
            ("reserved",), "queued", {"reserved_until": False, "is_unsent": False}
        )
        rows._follow_requeue()

    def _follow_requeue(self):
        """Rows queued again: a finished campaign goes on, a cancelled one takes none back."""
        self.filtered(lambda row: row.campaign_id.state == "cancelled")._update_state(
            ("queued",), "cancelled"
        )
        self.campaign_id._continue()

    def _give_slots_back(self):
        """Uncount these rows' last attempt.

        A person stays counted by whatever else may have reached them: another row, or an earlier
        attempt of this one.
        """
        if not self:
            return
        for row in self:
            row.slot_at = row.kept_slot_at
        self.flush_model(["slot_at"])
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET slot_at = (SELECT max(o.slot_at) FROM waba_message o
                                      WHERE o.recipient_id = r.id AND o.slot_at IS NOT NULL)
                    WHERE r.id = ANY(%s)""",
                self.recipient_id.ids,
            )
        )
        self.env["waba.recipient"].invalidate_model(["slot_at"])

    def _take_refusal(self, result, run):
        """The API's own answer was an error, or the request never reached it."""
        row = self.browse(result.key)
        if row.state not in ("reserved", "uncertain"):
            return False
        error = result.error
        in_a_row = 1
        if error.failure_type in COUNTED_IN_A_ROW:
            key = (error.failure_type, row.template_id.id)
            in_a_row = run.bad_requests[key] = run.bad_requests.get(key, 0) + 1
        decision = row._take_failure(
            error.failure_type,
            code=error.code,
            text=error.details or error.message,
            fbtrace_id=error.fbtrace_id,
            refused_at_once=True,
            in_a_row=in_a_row,
        )
        if decision.slow_down:
            run.slow_down()
            row.sender_id.slowed_until = fields.Datetime.now() + pacing.SLOW_DOWN
        return decision.scope in ("template", "sender", "account", "campaign")

    # ------------------------------------------------------------------
    # Failures
    # ------------------------------------------------------------------

    def _take_failure(
        self,
        failure_type,
        *,
        code=None,
        text=None,
        fbtrace_id=None,
        refused_at_once,
        in_a_row=1,
        at=None,
    ):
        """Do with this row, and with what is at fault, what `policy.retry` decides.

        :return: the policy.retry.Decision
        """
        self.ensure_one()
        now = fields.Datetime.now()
        streak = self.failure_streak + 1 if self.streak_type == failure_type else 1
        decision = retry.decide(
            failure_type,
            streak,
            now,
            self.category
            if self.category in ("marketing", "utility", "authentication")
            else "utility",
            code=code,
            consecutive=in_a_row,
            previous_undeliverable_count=self.recipient_id.undeliverable_count,
            jitter=random.random(),
            attempts_in_all=self.attempt_count,
        )
        reason = failure_sentence(self.env, failure_type, code, text)
        if limits.gives_slot_back(failure_type, refused_at_once):
            self._give_slots_back()
        self.write(
            {
                "state": "failed" if decision.row == "fail" else "queued",
                "kept_slot_at": self.slot_at,
                "retry_at": decision.retry_at or now,
                "reserved_until": False,
                "failed_at": at or now,
                "failed_attempt": self.attempt_count,
                "failure_streak": streak,
                "streak_type": failure_type,
                "failure_type": failure_type,
                "failure_reason": reason,
                "error_code": code or False,
                "fbtrace_id": fbtrace_id or self.fbtrace_id,
            }
        )
        if decision.row != "fail":
            self._follow_requeue()
        self._follow_person(decision, reason, at or now)
        self._follow_scope(decision, failure_type, reason)
        return decision

    def _follow_person(self, decision, reason, at):
        """What a failure tells about the person, for every later campaign.

        :param at: naive UTC datetime of the failure
        """
        person = self.recipient_id
        if decision.country_blocked:
            self.account_id._block_country(country_of(self.number))
        if decision.person_effect == "opted_out" and not person._has_newer_consent(at):
            person._set_marketing_state("opted_out", "refused", reason, at=at, message=self)
        elif decision.person_effect == "blocked":
            person.is_blocked = True
        elif decision.person_effect == "undeliverable":
            person.write(
                {
                    "undeliverable_count": person.undeliverable_count + 1,
                    "unreachable_until": decision.scope_until or person.unreachable_until,
                }
            )
        elif decision.person_effect == "marketing_limit":
            person._hold_marketing(decision.scope_until)

    def _follow_scope(self, decision, failure_type, reason):
        """Stop what is at fault: the campaign, the template, the number or the account."""
        if decision.scope == "campaign":
            self.campaign_id._pause(reason)
        elif decision.scope == "template" and failure_type in STATUS_FROM_FAILURE:
            self.template_id._set_status(STATUS_FROM_FAILURE[failure_type], reason)
        elif decision.scope == "template":
            self.campaign_id._pause(reason, until=decision.scope_until)
        elif decision.scope == "sender":
            self.sender_id._pause(reason, until=decision.scope_until)
        elif decision.scope == "account" and decision.marketing_only:
            self.account_id.marketing_disabled = True
        elif decision.scope == "account":
            self.account_id._stop(reason, until=decision.scope_until)

    def _leave_out(self, reason_key, text=None):
        """We decide not to send: the row stays, with its reason."""
        return self._update_state(
            ("queued",),
            "skipped",
            {
                "failure_type": reason_key,
                "failure_reason": failure_sentence(self.env, reason_key, text=text),
            },
        )

    def _retryable_from(self):
        """When a person may queue this failed row again; None: never."""
        self.ensure_one()
        if self.state != "failed" or not self.failure_type:
            return None
        return retry.retryable_from(self.failure_type, self.failed_at or self.write_date)

    # ------------------------------------------------------------------
    # The webhook's statuses
    # ------------------------------------------------------------------

    @api.model
    def _apply_statuses(self, events):
        """Apply a batch of statuses, forward only, in any order, any number of times.

        :param events: list of cloud_api.MessageStatus
        :return: how many belonged to our messages
        """
        rows_by_tag, rows_by_wamid = self._rows_for_statuses(events)
        changed, failures, released = {}, [], {}
        applied = 0
        for event in events:
            tag, attempt = _split_tag(event.opaque)
            row = rows_by_tag.get(tag) or rows_by_wamid.get(event.wamid)
            if not row:
                continue
            applied += 1
            before = row["state"]
            _take_status(row, event, attempt or row["attempt_count"])
            if row["state"] == "failed" != before:
                failures.append((row["id"], event))
            if before == "held" and row["state"] not in ("held", "failed"):
                released[row["id"]] = event.at
            changed[row["id"]] = row
        self._write_statuses(changed.values())
        self._count_released(released)
        self._take_reported_failures(changed, failures)
        return applied

    @api.model
    def _rows_for_statuses(self, events):
        """({uuid: row}, {wamid: row}), each row one dict however it was found."""
        self.flush_model()
        columns = (
            "id", "uuid", "wamid", "state", "attempt_count", "failed_attempt", "sent_at",
            "delivered_at", "read_at", "failed_at", "pricing_category", "pricing_type",
        )  # fmt: skip
        tags = list({_split_tag(event.opaque)[0] for event in events} - {""})
        wamids = list({event.wamid for event in events if event.wamid})
        found = self.env.execute_query(
            SQL(
                """SELECT %(columns)s FROM waba_message
                    WHERE uuid = ANY(%(tags)s) AND direction = 'out'
                    UNION
                   SELECT %(columns)s FROM waba_message
                    WHERE wamid = ANY(%(wamids)s) AND direction = 'out'""",
                columns=SQL(", ").join(SQL.identifier(column) for column in columns),
                tags=tags,
                wamids=wamids,
            )
        )
        rows = [dict(zip(columns, values, strict=True)) for values in found]
        for row in rows:
            row["failed_attempt"] = row["failed_attempt"] or 0
            row["attempt_count"] = row["attempt_count"] or 0
            row["user_uid"] = ""
        return (
            {row["uuid"]: row for row in rows},
            {row["wamid"]: row for row in rows if row["wamid"]},
        )

    @api.model
    def _write_statuses(self, rows):
        """One statement for the messages, however many they are."""
        rows = sorted(rows, key=lambda row: row["id"])
        if not rows:
            return
        names = ("wamid", "state", "sent_at", "delivered_at", "read_at", "failed_at",
                 "failed_attempt", "pricing_category", "pricing_type")  # fmt: skip
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET wamid = v.wamid, state = v.state, sent_at = v.sent_at,
                          delivered_at = v.delivered_at, read_at = v.read_at,
                          failed_at = v.failed_at, failed_attempt = v.failed_attempt,
                          pricing_category = v.pricing_category, pricing_type = v.pricing_type,
                          reserved_until = CASE WHEN v.state = 'reserved' THEN m.reserved_until END,
                          failure_type = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                         THEN NULL ELSE m.failure_type END,
                          failure_reason = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                           THEN NULL ELSE m.failure_reason END,
                          error_code = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                       THEN NULL ELSE m.error_code END,
                          write_date = %(now)s
                     FROM unnest(%(ids)s, %(wamid)s::varchar[], %(state)s::varchar[],
                                 %(sent_at)s::timestamp[], %(delivered_at)s::timestamp[],
                                 %(read_at)s::timestamp[], %(failed_at)s::timestamp[],
                                 %(failed_attempt)s::int[], %(pricing_category)s::varchar[],
                                 %(pricing_type)s::varchar[])
                          AS v(id, wamid, state, sent_at, delivered_at, read_at, failed_at,
                               failed_attempt, pricing_category, pricing_type)
                    WHERE m.id = v.id""",
                now=fields.Datetime.now(),
                ids=[row["id"] for row in rows],
                **{name: [row[name] for row in rows] for name in names},
            )
        )
        self.invalidate_model()
        self._note_reached([row["id"] for row in rows if row["state"] in ("delivered", "read")])
        self.env["waba.recipient"]._learn_user_uids(
            {row["id"]: row["user_uid"] for row in rows if row["user_uid"]}
        )

    @api.model
    def _note_reached(self, ids):
        """Who got a message is reachable: earlier undeliverable ones no longer count."""
        if not ids:
            return
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET undeliverable_count = 0, unreachable_until = NULL
                     FROM waba_message m
                    WHERE m.id = ANY(%s) AND r.id = m.recipient_id AND r.undeliverable_count > 0""",
                ids,
            )
        )
        if self.env.cr.rowcount:
            self.env["waba.recipient"].invalidate_model()

    @api.model
    def _count_released(self, released):
        """A message that WhatsApp held counts from when it was let go, not from when we sent it."""
        for row in self.browse(released).filtered("slot_at"):
            row.slot_at = max(row.slot_at, released[row.id] or row.slot_at)
            row.recipient_id.slot_at = max(row.recipient_id.slot_at or row.slot_at, row.slot_at)

    @api.model
    def _take_reported_failures(self, changed, failures):
        """Follow what the platform reported as failed, unless a better status came with it."""
        in_a_row = Counter()
        for row_id, event in failures:
            if changed[row_id]["state"] != "failed":
                continue
            error = event.error
            failure_type = error.failure_type if error else "unknown_error"
            row = self.browse(row_id)
            blamed = row.template_id if failure_type == "bad_request" else row.account_id
            in_a_row[failure_type, blamed.id] += 1
            row._take_failure(
                failure_type,
                code=error.code if error else None,
                text=(error.details or error.message or error.title) if error else None,
                refused_at_once=False,
                in_a_row=in_a_row[failure_type, blamed.id],
                at=changed[row_id]["failed_at"],
            )
            row.sender_id._wake()


def _take_status(row, event, attempt):
    """Move one row forward by one status, in place; the order of statuses leaves no trace.

    :param row: dict as `_rows_for_statuses` makes them
    :param event: cloud_api.MessageStatus
    :param attempt: the attempt it is about, from 1
    """
    # Of an attempt that failed, or that another one followed, only an arrival is news.
    is_past = attempt <= row["failed_attempt"] or attempt < row["attempt_count"]
    row["state"] = status_policy.next_state(row["state"], event.status, is_past)
    column = TIMES.get("read" if event.status == "played" else event.status)
    if column == "failed_at":
        _take_failed_at(row, event.at, attempt)
    elif column and event.at:
        row[column] = min(row[column] or event.at, event.at)
    if event.wamid and (attempt >= row["attempt_count"] or not row["wamid"]):
        row["wamid"] = event.wamid
    for name in ("pricing_category", "pricing_type", "user_uid"):
        row[name] = getattr(event, name) or row[name]


def _take_failed_at(row, at, attempt):
    """The first report of the last attempt that failed."""
    if attempt > row["failed_attempt"]:
        row["failed_attempt"] = attempt
        row["failed_at"] = at
    elif attempt == row["failed_attempt"] and at:
        row["failed_at"] = min(row["failed_at"] or at, at)


def _split_tag(opaque):
    """('uuid', attempt) from our wire tag 'uuid/attempt'; ('', 0) when it is not ours."""
    tag, _, attempt = (opaque or "").partition("/")
    return tag, int(attempt) if attempt.isdigit() else 0


def _moment(epoch):
    """Naive UTC datetime, whole seconds as Odoo keeps them, from epoch seconds."""
    return datetime.fromtimestamp(int(epoch), timezone.utc).replace(tzinfo=None)
