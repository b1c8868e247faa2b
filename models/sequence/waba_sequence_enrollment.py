"""Follow-ups: enrollments, and the job that advances each lead from step to step.

Run by the job ir_cron_run_followups (`_cron_run`); users stop enrollments from their list.
"""

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, plaintext2html

from ...policy import followup, numbers
from ..tools.job_turns import TimeSlice
from ..tools.labels import dialog_action, form_action, selection_labels, with_language
from ..tools.moments import format_moment
from ..tools.phone_countries import e164_sql
from ..tools.transactions import commit_step
from .waba_sequence_step import STOP_REASONS, TIME_TRIGGERS, TRIGGERS

_logger = logging.getLogger(__name__)

STATES = [("running", "Active"), ("done", "Completed"), ("stopped", "Stopped")]

# Far below limit_time_real_cron (120 s by default); the scheduler calls again.
RUN_SECONDS = 45

CHUNK = 50

# How soon a step that waits for something other than time is checked again.
RECHECK_DELAY = timedelta(hours=1)

MESSAGE_RECHECK_DELAY = timedelta(minutes=10)

MAX_ERRORS = 5


class WabaSequenceEnrollment(models.Model):
    """One lead going once through a follow-up.

    States: `running` → `done` (all steps) or `stopped` (with `stop_reason`). While it runs,
    `step_id` is the next step and `next_at` when the job checks it; `pending_message_id` is a
    message that must be sent before the wait for the next step begins. A unique index keeps one
    running row per lead and follow-up, even when two transactions enroll it at the same time.

    Created by `waba.sequence._enroll_leads`, advanced by `_cron_run`, ended by
    `_stop_enrollments` and `_complete_enrollments` only. Users change it through buttons only.
    """

    _name = "waba.sequence.enrollment"
    _description = "Lead in a WhatsApp Follow-up"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "lead_name"

    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="set null")
    lead_name = fields.Char("Lead name", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    # Without a number the recipient's id: what keeps one person from being enrolled twice.
    number = fields.Char(readonly=True)
    phone = fields.Char(compute="_compute_phone")
    # Progress
    state = fields.Selection(STATES, default="running", required=True, readonly=True)
    version = fields.Integer(required=True, readonly=True)
    step_id = fields.Many2one(
        "waba.sequence.step", readonly=True, ondelete="restrict",
        context={"active_test": False},
    )  # fmt: skip
    steps_done = fields.Integer(readonly=True)
    waiting_since = fields.Datetime(
        "Waiting since", readonly=True, help="When the previous step was completed."
    )
    next_at = fields.Datetime("Next step at", readonly=True)
    due_at = fields.Datetime(readonly=True, help="When the next step was due.")
    is_to_plan = fields.Boolean(readonly=True, help="The due time must be recalculated.")
    is_paused = fields.Boolean("Follow-up paused", readonly=True)
    pending_message_id = fields.Many2one("waba.message", readonly=True, ondelete="set null")
    hold_reason = fields.Text("On hold", readonly=True)
    error_count = fields.Integer(readonly=True)
    # Enrollment
    entered_at = fields.Datetime("Enrolled on", readonly=True)
    entered_by = fields.Selection(TRIGGERS, "Enrolled by", readonly=True)
    entered_by_id = fields.Many2one("res.users", "Enrolled by user", readonly=True)
    trigger_key = fields.Char(readonly=True, help="Identifies the event that enrolled it.")
    # End
    ended_at = fields.Datetime("Ended at", readonly=True)
    stop_reason = fields.Selection(STOP_REASONS, "Exit reason", readonly=True)
    stop_text = fields.Text("Exit details", readonly=True)
    stopped_by_id = fields.Many2one("res.users", "Stopped by", readonly=True)
    message_ids = fields.One2many("waba.message", "enrollment_id", string="WhatsApp messages")
    # Texts
    next_text = fields.Char("Next step", compute="_compute_texts")
    why_text = fields.Char("Status", compute="_compute_texts")
    progress = fields.Float(compute="_compute_texts", help="Completed steps, in %.")

    _one_running = models.UniqueIndex("(sequence_id, lead_id) WHERE state = 'running'")
    # Two leads may be the same person, who would get every message twice.
    _one_running_per_person = models.UniqueIndex(
        "(sequence_id, number) WHERE state = 'running' AND number IS NOT NULL"
    )
    # What the job reads; it does not grow with the history.
    _due_idx = models.Index("(next_at, id) WHERE state = 'running' AND NOT is_paused")
    _lead_idx = models.Index("(lead_id, sequence_id) WHERE lead_id IS NOT NULL")
    _number_idx = models.Index("(number) WHERE state = 'running'")
    _sequence_idx = models.Index("(sequence_id, version, state)")
    _step_idx = models.Index("(step_id) WHERE state = 'running'")
    _trigger_idx = models.Index("(sequence_id, trigger_key) WHERE trigger_key IS NOT NULL")
    _pending_message_idx = models.Index("(pending_message_id) WHERE pending_message_id IS NOT NULL")

    @api.depends("number")
    def _compute_phone(self):
        for one in self:
            one.phone = one.number if (one.number or "").startswith("+") else False

    @api.depends("state", "step_id", "next_at", "hold_reason", "stop_reason", "is_paused")
    @api.depends_context("lang", "tz")
    def _compute_texts(self):
        labels = selection_labels(self, "stop_reason")
        totals = self._step_totals()
        for one in self:
            total = totals.get((one.sequence_id.id, one.version), 0)
            one.progress = 100 * min(1, one.steps_done / total) if total else 0
            if one.state == "running":
                one.next_text = one._next_sentence(total)
                one.why_text = one._wait_reason_text()
            else:
                one.next_text = False
                one.why_text = (
                    one.stop_text
                    or labels.get(one.stop_reason)
                    or self.env._("All steps completed.")
                )

    def init(self):
        """Default values in the database, for rows inserted by SQL (`_insert_enrollments`)."""
        for name in ("is_to_plan", "is_paused"):
            self.env.cr.execute(
                SQL(
                    "ALTER TABLE waba_sequence_enrollment ALTER COLUMN %s SET DEFAULT FALSE",
                    SQL.identifier(name),
                )
            )

    def action_stop(self):
        """Ask for the reason, then stop."""
        self._check_may_stop()
        wizard = self.env["waba.sequence.stop"]
        return dialog_action(wizard, self.env._("Stop follow-up"), enrollment_ids=self.ids)

    def action_open_lead(self):
        self.ensure_one()
        return form_action(self.lead_id)

    def _check_may_stop(self):
        """Users who may change the lead may stop its follow-up."""
        if not self.env.user.has_group("waba_campaign.waba_group_user"):
            raise AccessError(self.env._("Only WhatsApp users can stop a follow-up."))
        self.check_access("read")
        self.lead_id.check_access("write")

    # === Texts ===

    def _step_totals(self):
        """{(sequence id, version): number of steps}."""
        steps = self.env["waba.sequence.step"].with_context(active_test=False)
        groups = steps._read_group(
            [("sequence_id", "in", self.sequence_id.ids)], ["sequence_id", "version"], ["__count"]
        )
        return {(sequence.id, version): count for sequence, version, count in groups}

    def _next_sentence(self, total):
        if not self.step_id:
            return self.env._("Last message, then completed")
        return self.env._(
            "%(number)s of %(total)s: %(what)s",
            number=self.steps_done + 1,
            total=total,
            what=self.step_id.what_text,
        )

    def _wait_reason_text(self):
        """Why it waits, as a sentence."""
        if self.is_paused:
            return self.env._("Follow-up paused.")
        if self.hold_reason:
            return self.hold_reason
        if not self.step_id:
            return self.env._("Message queued.")
        return self.env._(
            "%(wait)s from %(since)s.",
            wait=self.step_id.wait_text,
            since=format_moment(self.env, self.waiting_since),
        )

    # === Job ===
    # A chunk of those due is decided and done in one transaction. Rows are locked, and others skip
    # them; what a step creates (a message in the queue, an activity) is committed together with its
    # completion, and the message has a unique key. A kill loses a chunk's work, never half of it.
    # Each row checked gets a later `next_at` or ends, so a run terminates; the next run is
    # scheduled for the earliest `next_at`.

    @api.model
    def _cron_run(self):
        """Enroll leads that are due by a time trigger, then advance due enrollments."""
        turn = TimeSlice(self.env.ref("waba_campaign.ir_cron_run_followups"), RUN_SECONDS)
        commit_step(self.env, self.env["waba.sequence"]._pause_if_no_reader)
        for sequence in self.env["waba.sequence"].search(
            [("state", "=", "active"), ("trigger", "in", TIME_TRIGGERS)]
        ):
            while commit_step(self.env, sequence._enroll_due) and not turn.is_used_up:
                pass
        # One chunk at least, however long the others took: a busy machine must not starve it.
        while commit_step(self.env, self._run_chunk) and not turn.is_used_up:
            pass
        commit_step(self.env, self._set_alarm)

    def _set_alarm(self):
        """Schedule the job for the first one due; immediately when work was left."""
        [[next_at]] = self.env.execute_query(
            SQL(
                "SELECT min(next_at) FROM waba_sequence_enrollment"
                " WHERE state = 'running' AND NOT is_paused"
            )
        )
        if next_at:
            self._trigger_run(at=next_at if next_at > fields.Datetime.now() else None)

    @api.model
    def _trigger_run(self, at=None):
        """Trigger the job, now or at a given time."""
        self.env.ref("waba_campaign.ir_cron_run_followups").sudo()._trigger(at=at)

    @api.model
    def _run_chunk(self):
        """Check the next few that are due.

        :return: how many they were
        """
        self.flush_model()
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_sequence_enrollment
                    WHERE state = 'running' AND NOT is_paused AND next_at <= %s
                 ORDER BY next_at, id LIMIT %s
                      FOR NO KEY UPDATE SKIP LOCKED""",
                now,
                CHUNK,
            )
        )
        due = self.browse([row_id for (row_id,) in rows])
        # Decided by what others committed, not by this transaction's cache.
        due.invalidate_recordset()
        for one in due - due._stop_exited():
            one._advance_safely(now)
        self.flush_model()
        return len(rows)

    def _advance_safely(self, now):
        """Do what is due for one; its error does not affect the others."""
        one = with_language(self.company_id, self)
        try:
            with self.env.cr.savepoint():
                one._advance_step(now)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.sequence.enrollment %s: a step failed", self.id)
            one._record_error(error, now)

    def _record_error(self, error, now):
        # What a database or a library says helps only in the log.
        why = str(error) if isinstance(error, UserError) else self.env._("an error occurred")
        text = self.env._(
            "Step failed: %s. It is retried automatically; the server log has details.",
            why.rstrip("."),
        )
        self.write(
            {
                "error_count": self.error_count + 1,
                "hold_reason": text,
                "next_at": now + RECHECK_DELAY * (self.error_count + 1),
            }
        )
        if self.error_count >= MAX_ERRORS:
            self._stop_enrollments("error", text)

    # === Steps ===

    def _advance_step(self, now):
        if self.pending_message_id and not self._is_message_settled(now):
            return
        if not self.step_id:
            self._complete_enrollments()
            return
        # Calculated when the wait began; again only where its beginning or its step changed.
        due = self.due_at
        if self.is_to_plan or not due:
            due = self.step_id._due_times(self.lead_id, self.waiting_since)[self.lead_id.id]
        if due > now:
            self.write({"next_at": due, "due_at": due, "is_to_plan": False, "hold_reason": False})
        elif why := self._step_wait_reason():
            self._hold_step(why, due, now)
        elif self.state == "running":
            self._execute_step(due, now)

    def _is_message_settled(self, now):
        """Whether the last message was sent; the wait for the next step begins with that."""
        message = self.pending_message_id
        verdict = followup.step_outcome(message.state)
        if verdict == "go":
            left_at = (
                message.accepted_at or message.sent_at or message.delivered_at or self.waiting_since
            )
            self.write({"pending_message_id": False, "waiting_since": left_at, "is_to_plan": True})
            return True
        if verdict == "not_sent":
            return self._handle_unsent_message(message)
        self._hold_step(
            self._message_wait_reason(message), self.waiting_since, now, MESSAGE_RECHECK_DELAY
        )
        return False

    def _handle_unsent_message(self, message):
        """Continue or stop, by the follow-up's `when_not_sent`.

        It continues if the person has just received the step's template another way.

        :return: whether the follow-up continues
        """
        if self.sequence_id.when_not_sent == "go" or message.failure_type == "repeated":
            self.write({"pending_message_id": False, "is_to_plan": True})
            return True
        if message.failure_type == "opted_out":
            self._stop_enrollments("opted_out", message.failure_reason)
        else:
            self._stop_enrollments("not_sent", message.failure_reason)
        return False

    def _message_wait_reason(self, message):
        """Why the message of the step before has not been sent."""
        if message.state == "uncertain":
            return self.env._("The last message is unconfirmed.")
        labels = selection_labels(message, "wait_reason")
        why = labels.get(message.wait_reason) or message.sender_id._not_sending_reason()
        if not why:
            return self.env._("The last message is being sent.")
        return self.env._("The last message is on hold: %s", why)

    def _step_wait_reason(self):
        """Reason why the step that is due cannot be done now, or False. May stop the follow-up."""
        step = self.step_id
        if step.kind == "activity" and not self._activity_user():
            return self.env._(
                "No one can be assigned the activity. Set a salesperson on the lead, or a "
                "responsible on the follow-up."
            )
        if step.kind != "template":
            return False
        if why := step.template_id._not_sendable_reason():
            return why
        sender = step._sending_number()
        if step.template_id.category == "marketing" and not sender._marketing_allowed():
            why = sender._marketing_hold_reason() or self.env._(
                "The number's promotions are on hold."
            )
            if self.sequence_id.when_red == "stop":
                self._stop_enrollments("red", why)
                return False
            return why
        return False

    def _hold_step(self, why, due, now, look_again=RECHECK_DELAY):
        """Wait for something other than time, but no longer than `patience_days`."""
        if followup.is_expired(due, now, self.sequence_id.patience_days):
            self._stop_enrollments("late", why)
            return
        self.write(
            {"hold_reason": why, "due_at": due, "next_at": now + look_again, "is_to_plan": False}
        )

    def _execute_step(self, due, now):
        step = self.step_id
        values = {"steps_done": self.steps_done + 1, "hold_reason": False, "error_count": 0}
        message = self.env["waba.message"]
        if step.kind == "template":
            message = self._queue_message()
            values["pending_message_id"] = message.id
        elif step.kind == "activity":
            self._schedule_activity()
        following = step._next_step() if step.kind != "stop" else step.browse()
        self.write({**values, "step_id": following.id, "waiting_since": now, "is_to_plan": False})
        if message:
            self._schedule_after_message(message, now)
        elif following:
            next_at = following._due_times(self.lead_id, now)[self.lead_id.id]
            self.write({"next_at": next_at, "due_at": next_at})
        else:
            self._complete_enrollments()

    def _queue_message(self):
        """Queue the step's message, at most one per enrollment and position."""
        step = self.step_id
        return self.env["waba.message"]._queue_direct(
            step._sending_number(),
            self.lead_id,
            origin="sequence",
            template=step.template_id,
            variables=step.variable_ids,
            user=self.lead_id.user_id or self.sequence_id.user_id,
            reader=self.sequence_id.reader_id,
            origin_key=f"sequence:{self.id}:{self.steps_done + 1}",
            values={
                "sequence_id": self.sequence_id.id,
                "sequence_step_id": step.id,
                "enrollment_id": self.id,
            },
        )

    def _schedule_after_message(self, message, now):
        """Schedule the wait for the next step; an excluded message is handled immediately."""
        if message.state == "skipped":
            self.next_at = now
            if not self._handle_unsent_message(message):
                return
        following = self.step_id
        due = following._due_times(self.lead_id, now)[self.lead_id.id] if following else now
        self.write({"next_at": max(due, now + MESSAGE_RECHECK_DELAY), "due_at": due})

    def _schedule_activity(self):
        step, lead = self.step_id, self.lead_id
        user = self._activity_user()
        lead.activity_schedule(
            activity_type_id=step.activity_type_id.id,
            summary=step.summary or self.sequence_id.name,
            note=plaintext2html(step.note) if step.note else False,
            date_deadline=fields.Date.context_today(lead.with_user(user))
            + timedelta(days=step.deadline_days),
            user_id=user.id,
        )

    def _activity_user(self):
        """The user for the lead's activities: an active salesperson or responsible, else none."""
        users = (self.lead_id.user_id, self.sequence_id.user_id)
        return next((user for user in users if user.active), self.env["res.users"])

    # === End ===

    def _stop_enrollments(self, reason, text=None, user=None):
        """Stop those under way; their messages that are still queued are cancelled.

        :param reason: a key of STOP_REASONS
        :param text: sentence with details
        :param user: res.users who stopped them
        :return: those that were running
        """
        running = self.filtered(lambda one: one.state == "running")
        if not running:
            return running
        self._end_enrollments(running, "stopped", {
            "stop_reason": reason,
            "stop_text": text or False,
            "stopped_by_id": user.id if user else False,
        })  # fmt: skip
        running._cancel_queued_messages()
        _logger.info("waba.sequence.enrollment %s: stopped, %s", running.ids, reason)
        return running

    def _complete_enrollments(self):
        self._end_enrollments(
            self.filtered(lambda one: one.state == "running"), "done", {"step_id": False}
        )

    @api.model
    def _end_enrollments(self, enrollments, state, values):
        enrollments.write(
            {
                "state": state,
                "ended_at": fields.Datetime.now(),
                "next_at": False,
                "is_paused": False,
                "hold_reason": False,
                "pending_message_id": False,
                **values,
            }
        )

    def _cancel_queued_messages(self):
        """Cancel messages that have not been reserved."""
        waiting = self.env["waba.message"].search(
            [("enrollment_id", "in", self.ids), ("state", "=", "queued")]
        )
        labels = selection_labels(self, "stop_reason")
        for reason, rows in waiting.grouped(lambda row: row.enrollment_id.stop_reason).items():
            rows._update_state(
                ("queued",),
                "cancelled",
                {
                    "failure_reason": self.env._(
                        "Cancelled: the follow-up ended. %s.", labels.get(reason) or reason
                    )
                },
            )

    # === Number spellings ===

    @api.model
    def _merge_spellings(self):
        """Rewrite the numbers of running enrollments in their canonical form.

        Of two in one follow-up, the later is stopped.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_sequence_enrollment e
                    WHERE state = 'running' AND number <> %s ORDER BY id""",
                e164_sql(SQL("e.number")),
            )
        )
        for one in self.browse([id_ for (id_,) in rows]):
            known_as = numbers.canonical_number(one.number)
            twin = self.search(
                [
                    ("sequence_id", "=", one.sequence_id.id),
                    ("state", "=", "running"),
                    ("number", "=", known_as),
                ],
                limit=1,
            )
            if twin:
                text = self.env._("Another lead with the same number is already enrolled.")
                (one | twin).sorted("id")[1:]._stop_enrollments("gone", text)
                # Before the other gets the number, which only one running row may have.
                self.flush_model()
            if one.state == "running":
                one.number = known_as
