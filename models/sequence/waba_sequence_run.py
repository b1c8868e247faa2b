"""Follow-ups: the job that advances enrollments from step to step, many in one transaction.

Run by the job ir_cron_run_followups (`_cron_run`).
"""

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ...policy import followup
from ..tools.job_turns import TimeSlice
from ..tools.labels import selection_labels, with_language
from ..tools.transactions import commit_step
from .waba_sequence_step import TIME_TRIGGERS

_logger = logging.getLogger(__name__)

# Far below limit_time_real_cron (120 s by default); the scheduler calls again.
RUN_SECONDS = 45

CHUNK = 100

# How soon a step that waits for something other than time is checked again.
RECHECK_DELAY = timedelta(hours=1)

MESSAGE_RECHECK_DELAY = timedelta(minutes=10)

MAX_ERRORS = 5


class WabaSequenceEnrollment(models.Model):
    """A chunk of those due is decided and done in one transaction. Rows are locked, and others skip
    them; what a step creates (a message in the queue, an activity) is committed together with its
    completion, and the message has a unique key. A kill loses a chunk's work, never half of it.
    Each row checked gets a later `next_at` or ends, so a run terminates; the next run is scheduled
    for the earliest `next_at`.

    All of a chunk advance together, so that what a step needs is read once for all of them. If that
    fails, they advance one by one, and only the one that fails waits.
    """

    _inherit = "waba.sequence.enrollment"

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
        for company, group in (due - due._stop_exited()).grouped("company_id").items():
            with_language(company, group)._advance_safely(now)
        self.flush_model()
        return len(rows)

    def _advance_safely(self, now):
        """Do what is due for these; an error with one does not affect the others."""
        try:
            with self.env.cr.savepoint():
                self._advance_steps(now)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            if len(self) > 1:
                for one in self:
                    one._advance_safely(now)
                return
            _logger.exception("waba.sequence.enrollment %s: a step failed", self.id)
            self._record_error(error, now)

    def _record_error(self, error, now):
        # What a database or a library says helps only in the log.
        why = str(error) if isinstance(error, UserError) else self.env._("an error occurred")
        if isinstance(error, AccessError):
            reader = self.sequence_id.reader_id.name or "?"
            why = self.env._("%s, whose access rights apply, may not change the record", reader)
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

    def _advance_steps(self, now):
        """Do what is due for these, the steps of each kind together."""
        going = self.filtered(
            lambda one: not one.pending_message_id or one._is_message_settled(now)
        )
        deciding = going.filtered("is_deciding")
        if deciding:
            deciding._decide_branches(now)
        going -= deciding
        going.filtered(lambda one: not one.step_id)._complete_enrollments()
        for step, group in going.filtered("step_id").grouped("step_id").items():
            if ready := group._filter_due(now):
                ready._execute_step(step, now)

    def _filter_due(self, now):
        """Those of these, at one step, that can do it now; the others wait, or stop."""
        self._plan_due_times()
        undated = self.filtered(lambda one: not one.due_at)
        for one in undated:
            one._hold_step(one.step_id._empty_date_text(), one.waiting_since, now)
        later = (self - undated).filtered(lambda one: one.due_at > now)
        for due_at, group in later.grouped("due_at").items():
            group.write(
                {
                    "next_at": group.step_id._look_at(due_at, now),
                    "is_to_plan": False,
                    "hold_reason": False,
                }
            )
        due = self - later - undated
        for one in due.filtered(lambda one: one.step_id.wait_kind == "date"):
            # What was to be done before a date says something else long after it.
            if followup.is_expired(one.due_at, now, one.sequence_id.patience_days):
                one._stop_enrollments("late", one.step_id._past_date_text())
                due -= one
        for one in due:
            if why := one._step_wait_reason():
                one._hold_step(why, one.due_at, now)
                due -= one
        return due.filtered(lambda one: one.state == "running")

    def _plan_due_times(self):
        """Calculate `due_at` where the wait's beginning, the step or the date has changed."""
        to_plan = self.filtered(
            lambda one: one.is_to_plan or not one.due_at or one.step_id.wait_kind == "date"
        )
        for (step, since), group in to_plan.grouped(
            lambda one: (one.step_id, one.waiting_since)
        ).items():
            due = step._due_times(group._records(), since)
            for one in group:
                if one.due_at != due[one]:
                    one.due_at = due[one]

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

        It continues if the person has just received the step's template another way, or if a branch
        is about that.

        :return: whether the follow-up continues
        """
        kinds = self.step_id.branch_ids.mapped("kind") if self.is_deciding else ()
        is_asked = "not_delivered" in kinds and message.failure_type != "opted_out"
        is_going = self.sequence_id.when_not_sent == "go" or message.failure_type == "repeated"
        if is_asked or is_going:
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

    def _execute_step(self, step, now):
        """Do the step for all of these, then plan the next one or await its branches."""
        messages = getattr(self, f"_do_{step.kind}")(step) or {}
        for (done, path), group in self.grouped(
            lambda one: (one.steps_done, tuple(one.path or ()))
        ).items():
            group.write(
                {
                    "steps_done": done + 1,
                    "path": [*path, step.key],
                    "hold_reason": False,
                    "error_count": 0,
                }
            )
        for one, message in messages.items():
            one.pending_message_id = message
        if step.branch_ids:
            self.write({"is_deciding": True, "waiting_since": now, "next_at": now})
            going = self._handle_skipped(messages)
            going.filtered("pending_message_id").next_at = now + MESSAGE_RECHECK_DELAY
        else:
            following = step._target(step.goes_to) if step.kind != "stop" else step.browse()
            self._go_to(following, now, messages)

    def _handle_skipped(self, messages):
        """Handle messages that were excluded at once; those whose follow-up continues."""
        going = self
        for one, message in messages.items():
            if message.state == "skipped" and not one._handle_unsent_message(message):
                going -= one
        return going

    def _go_to(self, following, now, messages=None):
        """The next step of these is `following`, whose wait begins; none: the end.

        :param messages: {enrollment: message that has to be sent before the wait begins}
        """
        messages = messages or {}
        self.write(
            {
                "step_id": following.id,
                "is_deciding": False,
                "waiting_since": now,
                "is_to_plan": False,
                "next_at": now,
                "due_at": now,
            }
        )
        going = self._handle_skipped(messages)
        sending = going.filtered("pending_message_id")
        if not following:
            (going - sending)._complete_enrollments()
            sending.next_at = now + MESSAGE_RECHECK_DELAY
            return
        due = following._due_times(going._records(), now)
        for due_at, group in going.grouped(due.get).items():
            waiting = group & sending
            look_at = following._look_at(due_at or now, now)
            (group - waiting).write({"next_at": look_at, "due_at": due_at})
            waiting.write({"next_at": max(look_at, now + MESSAGE_RECHECK_DELAY), "due_at": due_at})
