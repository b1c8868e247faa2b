"""Dispatch: when a message leaves, the API's result, statuses, failures and their consequences.

Called by the number's job (`_write_results`), the webhook job (`_apply_statuses`) and the buttons
that settle uncertain messages; `_delay_text` by the screens that show a queued one. Rows only move
forward, in whatever order reports arrive.
"""

import random
import re
from collections import Counter
from datetime import datetime, timedelta, timezone

from markupsafe import Markup
from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import endpoint as endpoint_policy
from ...policy import limits, pacing, retry, second_sender
from ...policy import max_price as price_policy
from ...policy import status as status_policy
from ...policy.endpoint import CLOUD_API, MARKETING_API
from ..base.waba_failure import exclusion_text, failure_text
from ..base.waba_message import POSSIBLE_OPT_OUT
from ..tools.figures import UnknownFloat
from ..tools.job_turns import MESSAGE_KEEP_DAYS, retention_start
from ..tools.labels import selection_labels
from ..tools.moments import moment_text
from ..tools.phone_countries import number_country
from ..tools.platform_words import error_detail
from .waba_sender_dispatch import Delay

# No message has more attempts; more digits would exceed the column.
ATTEMPT = re.compile(r"[0-9]{1,4}")

ARRIVED = ("delivered", "read")

TIME_FIELDS = {
    "sent": "sent_at",
    "delivered": "delivered_at",
    "read": "read_at",
    "failed": "failed_at",
}

# Consecutive failures counted across rows, not across one row's attempts (policy.retry).
CONSECUTIVE_FAILURES = ("bad_request", "pacing_drop")

# Refusals after which a message may go by the other endpoint.
ROUTING_FAILURES = ("wrong_endpoint", "marketing_disabled")

# Template states that a failure reports before a webhook does.
STATUS_FROM_FAILURE = {"template_paused": "paused", "template_disabled": "disabled"}

# How long a second sender is shown on the account and in its diagnosis.
REMINDER_INTERVAL = timedelta(days=7)

REPLY_ACTIVITY = "waba_campaign.activity_type_reply"


class WabaMessage(models.Model):
    _inherit = "waba.message"

    endpoint = fields.Selection(
        [(CLOUD_API, "Cloud API"), (MARKETING_API, "Marketing Messages API")],
        "Sent by",
        readonly=True,
        help="The endpoint of the last attempt.",
    )
    max_price = UnknownFloat(
        "Maximum price",
        digits=(16, 6),
        readonly=True,
        copy=False,
        aggregator=None,
        help="The most that Meta may charge, in the account's currency.",
    )
    charge = UnknownFloat(
        "Charged by Meta",
        digits=(16, 6),
        readonly=True,
        copy=False,
        aggregator=None,
        help="As reported with the delivery; the invoice may differ slightly.",
    )
    charge_currency = fields.Char("Charge currency", readonly=True, copy=False)
    # Another way, if it is not delivered (waba_fallback.py)
    fallback = fields.Json(
        "Fallback settings", readonly=True, copy=False,
        help="Of a message outside campaigns: kind, hours and template.",
    )  # fmt: skip
    fallback_text = fields.Char("Fallback", compute="_compute_fallback_text")

    _fallback_idx = models.Index(
        "(accepted_at) WHERE fallback IS NOT NULL AND state IN ('accepted', 'sent')"
    )

    def _compute_fallback_text(self):
        rows = self.env["waba.fallback"].sudo().search([("message_id", "in", self.ids)])
        texts = {row.message_id.id: row._describe() for row in rows}
        for message in self:
            message.fallback_text = texts.get(message.id, False)

    def action_settle_arrived(self):
        """Count these uncertain messages as accepted; nothing is sent."""
        moved = self._settle_uncertain("accepted", {"accepted_at": fields.Datetime.now()})
        return self._notify_settled(
            moved, self.env._("%s messages marked as delivered.", len(moved))
        )

    def action_settle_resend(self):
        """Queue these uncertain messages again: a recipient who got the first one gets it twice.

        Those of cancelled campaigns stay, as no more recipients are contacted for them.
        """
        moved = self._without_cancelled_campaigns()._settle_uncertain(
            "queued", {"retry_at": fields.Datetime.now()}
        )
        moved.sender_id._on_requeue(moved)
        moved.sender_id._trigger_dispatch()
        return self._notify_settled(moved, self.env._("%s messages queued again.", len(moved)))

    # === Delay ===
    # When a queued message leaves, and why not now; `waba.sender` estimates it.

    def _delay_text(self):
        """When this queued message leaves, and why not now, as a text; False if it leaves now."""
        self.ensure_one()
        if self.state != "queued":
            return False
        message, now = self.sudo(), fields.Datetime.now()
        if self.wait_reason == POSSIBLE_OPT_OUT:
            return self.env._("On hold: possible opt-out. Review their last message.")
        if self.wait_reason == "trial":
            return self.env._("On hold until the A/B test has a winner.")
        if self.retry_at and self.retry_at > now:
            return self._format_delay(Delay(self.retry_at, self._wait_text()))
        delay = message._campaign_delay(now) if self.campaign_id else message._queue_delay()
        return self._format_delay(delay) if delay else message.sender_id._delay_reason(now)

    def _queue_delay(self):
        """`Delay` of a message outside campaigns that is due."""
        ahead = self._count_direct_ahead()
        return self.sender_id._direct_delay(self.template_id, self.recipient_id, ahead)

    def _campaign_delay(self, now):
        """`Delay` of a campaign's message that is due; when it leaves depends on the others."""
        campaign = self.campaign_id
        if campaign.state == "paused":
            return Delay(campaign.resume_at, campaign.pause_reason or "")
        delay = self.sender_id._stop_delay(self.category) or self.sender_id._limit_delay(now, None)
        return delay and delay._replace(at=None)

    def _format_delay(self, delay):
        """'Leaves tomorrow 07:21. The daily limit is used…', or the reason alone."""
        if not delay.at:
            return delay.reason
        when = moment_text(self.env, delay.at)
        return " ".join(filter(None, [self.env._("Leaves %s.", when), delay.reason]))

    def _wait_text(self):
        """Why it waits until `retry_at`; '' if that is what was asked for."""
        if self.wait_reason == "hours":
            return self.env._("Quiet hours until then.")
        if self.wait_reason == "frequency":
            return self.env._("Frequency cap reached.")
        if self.wait_reason == "budget":
            return self.env._("This month's budget is used.")
        if self.wait_reason == "standby":
            return self.env._("Another app answers this person.")
        return ""

    def _count_direct_ahead(self):
        """Direct messages of this number that are due and were queued before this one."""
        return self.search_count(
            [
                ("sender_id", "=", self.sender_id.id),
                ("campaign_id", "=", False),
                ("state", "=", "queued"),
                ("retry_at", "<=", fields.Datetime.now()),
                ("id", "<", self.id),
            ]
        )

    # === API results ===

    @api.model
    def _write_results(self, results, run):
        """Write what the API answered. Can be repeated; moves rows forward only.

        :param results: [cloud_api.SendResult], keyed by message id
        :param run: the DispatchRun, which counts consecutive failures
        :return: whether a template, campaign, number or account must stop
        """
        self._write_accepted(
            [result for result in results if result.outcome in ("accepted", "held")]
        )
        self.browse(
            [result.key for result in results if result.outcome == "unknown"]
        )._mark_uncertain()
        self._requeue_unsent([result.key for result in results if result.outcome == "not_started"])
        stopped = False
        for result in results:
            if result.outcome in ("error", "not_sent"):
                stopped = self._apply_refusal(result, run) or stopped
            elif result.outcome == "accepted":
                run.bad_requests.clear()
        self._on_results(results)
        failed = [result.key for result in results if result.outcome in ("error", "not_sent")]
        if failed:
            self.env["waba.account"]._on_message_changes(failed)
        return stopped

    @api.model
    def _write_accepted(self, results):
        """Mark as accepted or held, in one statement; a status that came first is not undone."""
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
                times=[epoch_to_datetime(result.finished_at) for result in results],
            )
        )
        self.invalidate_model()
        self._store_wa_numbers(results)

    @api.model
    def _store_wa_numbers(self, results):
        """Store the number that WhatsApp uses if it differs: replies come from that one."""
        numbers = {row.id: row for row in self.browse([result.key for result in results])}
        ours = self.env["waba.sender"]._filter_own_numbers(
            f"+{result.wa_id}" for result in results if result.wa_id
        )
        for result in results:
            row = numbers[result.key]
            wa_number = f"+{result.wa_id}" if result.wa_id else None
            if wa_number in (None, row.number) or wa_number in ours:
                continue
            if row.recipient_id.wa_number != wa_number:
                row.recipient_id.wa_number = wa_number

    def _mark_uncertain(self):
        """Mark as sent without an answer: never sent again automatically."""
        self.filtered(lambda row: row.state == "reserved")._update_state(
            ("reserved",),
            "uncertain",
            {
                "failure_reason": self.env._(
                    "Unconfirmed: sent, but WhatsApp has not answered. Its next report confirms it."
                )
            },
        )

    @api.model
    def _requeue_unsent(self, ids):
        """Requeue reserved rows that were certainly not sent, and return their slots."""
        rows = self.browse(ids).filtered(lambda row: row.state == "reserved")
        rows._return_slots()
        rows._release_charge()
        rows._update_state(("reserved",), "queued", {"reserved_until": False, "is_unsent": False})
        rows._reopen_campaigns()

    def _reopen_campaigns(self):
        """Cancel queued rows of cancelled campaigns; finished campaigns of the others resume."""
        self.filtered(lambda row: row.campaign_id.state == "cancelled")._update_state(
            ("queued",), "cancelled"
        )
        self.sender_id._on_requeue(self)

    def _return_slots(self):
        """Return the slots used by the last attempt of these rows.

        A recipient stays counted if something else may have reached them: another row, or an
        earlier attempt of this one.
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

    def _release_charge(self):
        """The last attempt of these rows certainly costs nothing; earlier ones may."""
        self.flush_model(["held_charge", "charge_bound"])
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message
                      SET held_charge = held_charge - charge_bound, charge_bound = 0
                    WHERE id = ANY(%s) AND charge_bound <> 0""",
                self.ids,
            )
        )
        self.invalidate_recordset(["held_charge", "charge_bound"])

    def _apply_refusal(self, result, run):
        """Apply an error in the API's own answer, or a request that never reached it.

        :return: whether a template, campaign, number or account must stop
        """
        row = self.browse(result.key)
        if row.state not in ("reserved", "uncertain"):
            return False
        error = result.error
        failure_type, in_a_row = row._refusal_type(error), 1
        if failure_type in CONSECUTIVE_FAILURES:
            key = (failure_type, row.template_id.id)
            in_a_row = run.bad_requests[key] = run.bad_requests.get(key, 0) + 1
        decision = row._apply_failure(
            failure_type,
            code=error.code,
            text=error_detail(self.env, error),
            fbtrace_id=error.fbtrace_id,
            refused_at_once=True,
            in_a_row=in_a_row,
        )
        if decision.slow_down:
            run.halve_rate()
            row.sender_id.slowed_until = fields.Datetime.now() + pacing.SLOWED_PERIOD
        return decision.scope in ("template", "sender", "account", "campaign")

    # === Statuses ===

    @api.model
    def _apply_statuses(self, statuses):
        """Apply a batch of statuses: forward only, in any order, any number of times.

        :param statuses: [(cloud_api.MessageStatus, ids of the accounts its signature vouches for)]
        :return: {index of a status that changed nothing: 'unknown', or 'foreign' for a message of
            an account that the signature does not vouch for}
        """
        rows_by_tag, rows_by_wamid = self._rows_for_statuses([event for event, _reach in statuses])
        changed, failures, released = {}, [], {}
        reported, arrived, free = [], set(), {}
        strays, foreign = {}, []
        for index, (event, reach) in enumerate(statuses):
            tag, attempt = _split_tag(event.opaque)
            matches = [*rows_by_tag.get(tag, ()), *rows_by_wamid.get(event.wamid, ())]
            row = next((row for row in matches if row["account_id"] in reach), None)
            if not row:
                strays[index] = "foreign" if matches else "unknown"
                if not matches and second_sender.is_tag(event.opaque):
                    foreign.append((None, event))
                continue
            if row["uuid"] == tag and second_sender.is_foreign_status(row, attempt, event.wamid):
                foreign.append((row, event))
                continue
            before = row["state"]
            _apply_status(row, event, attempt or row["attempt_count"])
            if row["state"] == "failed" != before:
                failures.append((row["id"], event))
            if before == "held" and row["state"] not in ("held", "failed"):
                released[row["id"]] = event.at
            if event.status == "failed":
                reported.append((row["id"], event))
            if event.free_until:
                free[row["id"]] = event.free_until
            if row["state"] in ARRIVED and (before not in ARRIVED or event.status == "failed"):
                arrived.add(row["id"])
            changed[row["id"]] = row
        self._record_second_sender(foreign)
        self._write_statuses(changed.values())
        self._check_charges(changed.values())
        self._restart_held_count(released)
        self._apply_reported_failures(changed, failures)
        messages = self.browse(changed)
        messages.sender_id._on_statuses(messages)
        messages._on_status(reported, arrived)
        conversations = self.env["waba.conversation"]
        if arrived:
            conversations._on_arrival(arrived)
        if free:
            conversations._on_free_window(free)
        self.env["waba.account"]._on_message_changes(messages.ids)
        return strays

    @api.model
    def _rows_for_statuses(self, events):
        """Return ({uuid: [row]}, {wamid: [rows]}); each row is one dict, however it was found.

        Rows of any account: the caller checks each status against its signature.
        """
        self.flush_model()
        columns = (
            "id", "account_id", "uuid", "wamid", "state", "attempt_count", "failed_attempt",
            "sent_at", "delivered_at", "read_at", "failed_at", "pricing_category", "pricing_type",
            "pricing_billable", "is_unsent", "charge", "charge_currency", "max_price",
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
            row["user_uid"] = row["username"] = ""
        by_tag, by_wamid = {}, {}
        for row in rows:
            by_tag[row["uuid"]] = [row]
            by_wamid.setdefault(row["wamid"], []).append(row)
        by_wamid.pop(None, None)
        return by_tag, by_wamid

    @api.model
    def _write_statuses(self, rows):
        """Write all rows in one statement.

        :param rows: dicts of `_rows_for_statuses`, as `_apply_status` changed them
        """
        rows = sorted(rows, key=lambda row: row["id"])
        if not rows:
            return
        names = ("wamid", "state", "sent_at", "delivered_at", "read_at", "failed_at",
                 "failed_attempt", "pricing_category", "pricing_type",
                 "pricing_billable", "charge", "charge_currency")  # fmt: skip
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET wamid = v.wamid, state = v.state, sent_at = v.sent_at,
                          delivered_at = v.delivered_at, read_at = v.read_at,
                          failed_at = v.failed_at, failed_attempt = v.failed_attempt,
                          pricing_category = v.pricing_category, pricing_type = v.pricing_type,
                          pricing_billable = v.pricing_billable, charge = v.charge,
                          charge_currency = v.charge_currency,
                          cost_state = CASE WHEN (m.pricing_category, m.pricing_type,
                                                  m.pricing_billable, m.charge)
                                                 IS NOT DISTINCT FROM
                                                 (v.pricing_category, v.pricing_type,
                                                  v.pricing_billable, v.charge)
                                       THEN m.cost_state END,
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
                                 %(pricing_type)s::varchar[],
                                 %(pricing_billable)s::varchar[], %(charge)s::numeric[],
                                 %(charge_currency)s::varchar[])
                          AS v(id, wamid, state, sent_at, delivered_at, read_at, failed_at,
                               failed_attempt, pricing_category, pricing_type,
                               pricing_billable, charge, charge_currency)
                    WHERE m.id = v.id""",
                now=fields.Datetime.now(),
                ids=[row["id"] for row in rows],
                **{name: [row[name] for row in rows] for name in names},
            )
        )
        self.invalidate_model()
        self._mark_reachable([row["id"] for row in rows if row["state"] in ("delivered", "read")])
        self.env["waba.recipient"]._store_user_uids(
            {row["id"]: row["user_uid"] for row in rows if row["user_uid"]}
        )
        self.env["waba.recipient"]._store_usernames(
            {row["id"]: row["username"] for row in rows if row["username"]}
        )

    @api.model
    def _check_charges(self, rows):
        """Record charges above what a message may cost; its campaign pauses, managers are notified.

        Meta promises that there are none; a price that was raised in WhatsApp Manager is one.

        :param rows: dicts of `_rows_for_statuses`
        """
        for row in rows:
            if row["charge"] is None or row["max_price"] is None:
                continue
            message = self.browse(row["id"])
            ours = message.account_id.currency_id.name or row["charge_currency"]
            is_ours = row["charge_currency"] in ("", None, ours)
            if is_ours and not price_policy.is_above(row["charge"], row["max_price"]):
                continue
            charge, price = (
                f"{price_policy.amount(row[name]).normalize():f} {currency}"
                for name, currency in (
                    ("charge", row["charge_currency"] or ours),
                    ("max_price", ours),
                )
            )
            if self._record_excess(message, charge, price):
                text = self.env._(
                    "Meta charged %(charge)s for a promotion with a maximum price of %(price)s. "
                    "Check the template's maximum price at Meta before you continue.",
                    charge=charge,
                    price=price,
                )
                message.sender_id._on_campaign_failure(message, text)
                message.sender_id._notify_managers(
                    self.env._("Charged above the maximum price"), text
                )

    @api.model
    def _record_excess(self, message, charge, price):
        """Record a charge above its maximum once; False if it was recorded before."""
        return self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": "price_exceeded",
                    "source": "status",
                    "message_id": message.id,
                    "value_before": price,
                    "value_after": charge,
                    "event_key": f"price_exceeded:message:{message.id}",
                }
            ]
        )

    @api.model
    def _mark_reachable(self, ids):
        """Reset the count of undeliverable messages for recipients who got one of these."""
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
    def _restart_held_count(self, released):
        """Count the slot of a message held by WhatsApp from its release, not from our request.

        :param released: {message id: naive UTC datetime of the status, or None}
        """
        for row in self.browse(released).filtered("slot_at"):
            row.slot_at = max(row.slot_at, released[row.id] or row.slot_at)
            row.recipient_id.slot_at = max(row.recipient_id.slot_at or row.slot_at, row.slot_at)

    @api.model
    def _apply_reported_failures(self, changed, failures):
        """Apply the failures that Meta reported, unless a better status came in the same batch.

        :param changed: {message id: its row after all statuses}
        :param failures: [(message id, cloud_api.MessageStatus)]
        """
        in_a_row = Counter()
        for row_id, event in failures:
            if changed[row_id]["state"] != "failed":
                continue
            error = event.error
            failure_type = error.failure_type if error else "unknown_error"
            row = self.browse(row_id)
            blamed = row.template_id if failure_type == "bad_request" else row.account_id
            in_a_row[failure_type, blamed.id] += 1
            row._apply_failure(
                failure_type,
                code=error.code if error else None,
                text=(error.details or error.message or error.title) if error else None,
                refused_at_once=False,
                in_a_row=in_a_row[failure_type, blamed.id],
                at=changed[row_id]["failed_at"],
            )
            row.sender_id._trigger_dispatch()

    # === Failures ===

    def _apply_failure(
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
        """Apply what `policy.retry` decides to this row, its recipient and what caused the failure.

        :param code, text: Meta's error code and text
        :param refused_at_once: whether the API itself refused the request
        :param in_a_row: consecutive failures of this type, see CONSECUTIVE_FAILURES
        :param at: naive UTC datetime of the failure; now by default
        :return: the policy.retry.Decision
        """
        self.ensure_one()
        now = fields.Datetime.now()
        is_rerouted = failure_type in ROUTING_FAILURES and self._is_refused_everywhere()
        failure_type = "wrong_endpoint" if is_rerouted else failure_type
        streak = self.failure_streak + 1 if self.streak_type == failure_type else 1
        decision = retry.decide_retry(
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
            is_rerouted=is_rerouted,
        )
        reason = failure_text(self.env, failure_type, code, text)
        if limits.returns_slot(failure_type, refused_at_once):
            self._return_slots()
        self._release_charge()
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
            self._reopen_campaigns()
        self._apply_person_effect(decision, reason, at or now)
        template = self.template_id
        self._apply_scope_effect(decision, failure_type, reason)
        if decision.row == "hold" and decision.scope == "template" and self.template_id == template:
            self._hold_template_message(decision.scope_until)
        self.env["waba.fallback"]._queue_failed(self)
        return decision

    def _apply_person_effect(self, decision, reason, at):
        """Apply what a failure means for the recipient in all later campaigns.

        :param at: naive UTC datetime of the failure
        """
        person = self.recipient_id
        if decision.country_blocked:
            self.account_id._block_country(number_country(self.number or person.user_uid))
        if decision.person_effect == "opted_out":
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

    def _apply_scope_effect(self, decision, failure_type, reason):
        """Stop what a failure concerns: the campaign, the template, the number or the account."""
        if decision.scope == "campaign":
            self.sender_id._on_campaign_failure(self, reason)
        elif decision.scope == "template" and failure_type in STATUS_FROM_FAILURE:
            self.template_id._set_status(STATUS_FROM_FAILURE[failure_type], reason)
        elif decision.scope == "template":
            self.sender_id._on_campaign_failure(self, reason, decision.scope_until)
        elif failure_type == "spam_rate":
            self.sender_id._on_spam_refusal(reason)
        elif decision.scope == "sender":
            self.sender_id._pause(reason, until=decision.scope_until)
        elif failure_type == "wrong_endpoint":
            self._avoid_endpoint()
        elif failure_type == "mm_unavailable":
            self.account_id._set_marketing_unavailable(fields.Datetime.now())
        elif decision.scope == "account" and decision.marketing_only:
            self.account_id._disable_cloud_promotions()
        elif decision.scope == "account":
            self.account_id._add_stop(reason, until=decision.scope_until)

    # === Endpoint ===
    # A refusal with a code proves that nothing was sent, so the message may go by the other
    # endpoint. One without an answer is uncertain and goes nowhere.

    def _refusal_type(self, error):
        """The failure type of a refusal: some codes mean something else at one endpoint.

        :param error: CloudApiError
        """
        return endpoint_policy.refusal_type(
            error.failure_type,
            error.code,
            self.endpoint or CLOUD_API,
            self.streak_type == "sync_pending",
        )

    def _is_refused_everywhere(self):
        """Whether no other endpoint can get this message, which its own has just refused.

        The Marketing Messages API gets only what we know to be a promotion: consent to one was
        asked for by the category that we know.
        """
        template, used = self.template_id, self.endpoint or CLOUD_API
        if used == CLOUD_API and template.category != "marketing":
            return True
        return endpoint_policy.is_final_refusal(used, template.refused_endpoint or "")

    def _avoid_endpoint(self):
        """Let the template's next messages go by the other endpoint until the next sync."""
        self.template_id.refused_endpoint = self.endpoint or CLOUD_API
        self.env.ref("waba_campaign.ir_cron_poll").sudo()._trigger()

    def _fail_without_route(self, text):
        """Fail direct messages that no endpoint takes.

        :param text: why, and what to do
        """
        self.write(
            {
                "state": "failed",
                "failed_at": fields.Datetime.now(),
                "failure_type": "wrong_endpoint",
                "failure_reason": text,
            }
        )

    def _hold_template_message(self, until):
        """Let a row that failed because of its template wait while that or its campaign is held.

        If neither is (a message outside campaigns; the losing variant of an A/B test), it waits
        until `until`, or fails: due immediately, it would be refused again and again.
        """
        campaign = self.campaign_id
        is_held = campaign.state != "running" if campaign else self.template_id.hold_key
        if is_held or self.state != "queued":
            return
        self.write({"retry_at": until} if until else {"state": "failed"})

    # === Uncertain messages ===
    # The request was sent and no answer came; the API has no way to query the result. Usually a
    # status settles the row. If none comes, a user does who knows (the person answered, or was
    # asked).

    def _settle_uncertain(self, target, values):
        """Move the uncertain rows of `self`; those settled in the meantime stay unchanged.

        :return: the rows that moved, under sudo: read access is enough to settle a row
        """
        self.check_access("read")
        rows = self.sudo().try_lock_for_update(allow_referencing=True)
        moved = rows._update_state(
            ("uncertain",), target, {**values, "reserved_until": False, "failure_reason": False}
        )
        states = selection_labels(self, "state")
        for campaign in moved.campaign_id:
            campaign._message_log(
                body=self.env._(
                    "%(user)s settled %(count)s unconfirmed messages: %(state)s.",
                    user=self.env.user.name,
                    count=len(moved.filtered(lambda row, c=campaign: row.campaign_id == c)),
                    state=states[target],
                )
            )
        return moved

    def _notify_settled(self, moved, text):
        """Notification that also counts the rows which had been settled before."""
        left = len(self) - len(moved)
        if left:
            text += " " + self.env._("%s were already settled.", left)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if moved else "warning",
                "message": text,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === Second sender ===
    # Statuses of messages that this database never submitted: a raw copy of it, or a program with
    # the same keys, is sending. They are stored as evidence and raise an alarm but move no row,
    # which would otherwise look sent by us. A queued row whose message the other system has sent is
    # excluded: the recipient has it.

    @api.model
    def _record_second_sender(self, foreign):
        """Store the evidence, exclude what would arrive twice, notify the managers.

        :param foreign: [(row of `_rows_for_statuses`, or None if the tag is unknown here,
            cloud_api.MessageStatus)]
        """
        if not foreign:
            return
        known = [(row, event) for row, event in foreign if row]
        unknown = [event for row, event in foreign if not row]
        pieces = [
            self._second_sender_evidence(event, f"message:{row['id']}", message_id=row["id"])
            for row, event in known
        ]
        senders = self._senders_by_uid(unknown)
        for event in unknown:
            if sender := senders.get(event.phone_number_uid):
                # One a day per number is enough: a copy may send a hundred thousand.
                key = f"number:{sender.id}:{(event.at or fields.Datetime.now()).date()}"
                pieces.append(self._second_sender_evidence(event, key, sender_id=sender.id))
        recorded = self.env["waba.reputation.event"]._record_events(pieces)
        self._cancel_sent_elsewhere(known)
        recorded.sender_id._notify_second_sender()

    @api.model
    def _second_sender_evidence(self, event, key, **subject):
        """Values of a waba.reputation.event."""
        return {
            "kind": "second_sender",
            "source": "status",
            "at": event.at,
            "value_after": event.status,
            "raw": event.raw,
            "event_key": f"second_sender:{key}",
            **subject,
        }

    @api.model
    def _senders_by_uid(self, events):
        """{Meta's id of the number: waba.sender}, of our numbers only."""
        uids = {event.phone_number_uid for event in events} - {""}
        senders = self.env["waba.sender"].with_context(active_test=False)
        found = senders.search([("phone_number_uid", "in", list(uids))]) if uids else senders
        # Where old messages are deleted, an unknown message may have been ours.
        if found and retention_start(self.env, MESSAGE_KEEP_DAYS):
            return {}
        return {sender.phone_number_uid: sender for sender in found}

    @api.model
    def _cancel_sent_elsewhere(self, known):
        """Exclude rows whose message has reached the recipient from elsewhere, or is about to."""
        ids = {row["id"] for row, event in known if event.status != "failed"}
        rows = self.browse(ids)
        rows._requeue_unsent(rows.filtered("is_unsent").ids)
        rows.filtered(lambda row: row.state == "queued")._update_state(
            ("queued",),
            "skipped",
            {
                "failure_type": "second_sender",
                "failure_reason": exclusion_text(self.env, "second_sender"),
            },
        )

    # === Inbound message on its record ===
    # Called by conversation/.

    def _schedule_reply_activity(self, record, user=None):
        """Keep one open activity per record and salesperson, however many messages arrive.

        :param user: res.users, by default the message's
        """
        user = user or self.user_id
        activity_type = self.env.ref(REPLY_ACTIVITY)
        open_ones = self.env["mail.activity"].search_count(
            [
                ("res_model", "=", record._name),
                ("res_id", "=", record.id),
                ("activity_type_id", "=", activity_type.id),
                ("user_id", "=", user.id),
            ],
            limit=1,
        )
        if not open_ones:
            record.activity_schedule(
                REPLY_ACTIVITY,
                user_id=user.id,
                summary=self.env._("Reply on WhatsApp"),
                note=Markup("%s") % self._summary(),
            )

    def _close_reply_activities(self, records, feedback=None):
        """Mark the reply activities of these records as done, once they have been answered."""
        feedback = feedback or self.env._("Replied on WhatsApp.")
        for record in records:
            record.sudo().activity_ids.filtered(
                lambda activity: activity.activity_type_id == self.env.ref(REPLY_ACTIVITY)
            ).action_feedback(feedback=feedback)


class WabaAccount(models.Model):
    _inherit = "waba.account"

    second_sender_at = fields.Datetime(
        "Other system seen",
        readonly=True,
        copy=False,
        help="When WhatsApp last reported a message that this database did not send.",
    )
    has_second_sender = fields.Boolean(compute="_compute_has_second_sender")

    @api.depends("second_sender_at")
    def _compute_has_second_sender(self):
        since = fields.Datetime.now() - REMINDER_INTERVAL
        for account in self:
            account.has_second_sender = bool(
                account.second_sender_at and account.second_sender_at > since
            )


def _apply_status(row, event, attempt):
    """Move one row forward by one status, in place; the order of statuses makes no difference.

    :param row: dict of `_rows_for_statuses`
    :param event: cloud_api.MessageStatus
    :param attempt: the attempt it is about, from 1
    """
    # Only an arrival matters of an attempt that failed or is not the last one.
    is_past = attempt <= row["failed_attempt"] or attempt < row["attempt_count"]
    row["state"] = status_policy.next_state(row["state"], event.status, is_past)
    column = TIME_FIELDS.get("read" if event.status == "played" else event.status)
    if column == "failed_at":
        _apply_failed_at(row, event.at, attempt)
    elif column and event.at:
        row[column] = min(row[column] or event.at, event.at)
    if event.wamid and (attempt >= row["attempt_count"] or not row["wamid"]):
        row["wamid"] = event.wamid
    for name in ("pricing_category", "pricing_type", "user_uid", "username"):
        row[name] = getattr(event, name) or row[name]
    if event.billable is not None:
        row["pricing_billable"] = "yes" if event.billable else "no"
    if event.cost is not None:
        row["charge"] = price_policy.amount(event.cost)
        row["charge_currency"] = event.cost_currency


def _apply_failed_at(row, at, attempt):
    """Store the time of the first report on the last failed attempt."""
    if attempt > row["failed_attempt"]:
        row["failed_attempt"] = attempt
        row["failed_at"] = at
    elif attempt == row["failed_attempt"] and at:
        row["failed_at"] = min(row["failed_at"] or at, at)


def _split_tag(opaque):
    """('uuid', attempt) of our tag 'uuid/attempt'; attempt 0 if it has another format."""
    tag, _, attempt = (opaque or "").partition("/")
    return tag, int(attempt) if ATTEMPT.fullmatch(attempt) else 0


def epoch_to_datetime(epoch):
    """Naive UTC datetime of epoch seconds, in whole seconds as Odoo stores it."""
    return datetime.fromtimestamp(int(epoch), timezone.utc).replace(tzinfo=None)
