import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, plaintext2html

from ..policy import followup
from .job_turns import TimeSlice
from .labels import selection_labels
from .languages import with_language
from .transactions import commit_step
from .waba_sequence_words import TIME_TRIGGERS

_logger = logging.getLogger(__name__)

# Far below limit_time_real_cron (120 s by default); the scheduler calls again.
RUN_SECONDS = 45
CHUNK = 50
# How soon what waits for something else than time is looked at again.
RECHECK_DELAY = timedelta(hours=1)
MESSAGE_RECHECK_DELAY = timedelta(minutes=10)
MAX_ERRORS = 5


class WabaSequenceEnrollment(models.Model):
    """The job that moves leads on: a chunk of those due, decided and done in one transaction.

    A row is taken under a lock that others skip; what a step makes (a message in the queue, an
    activity) and the mark that it is done are committed together, and the message carries a key
    that no second one can have. A kill loses a chunk's work, never half of it. Every row looked at
    gets a later `next_at` or ends, so a run comes to an end; the next is set for the first moment
    that anybody waits for.
    """

    _inherit = "waba.sequence.enrollment"

    @api.model
    def _cron_run(self):
        turn = TimeSlice(self.env.ref("waba_campaign.ir_cron_run_followups"), RUN_SECONDS)
        commit_step(self.env, self.env["waba.sequence"]._pause_if_no_reader)
        for sequence in self.env["waba.sequence"].search(
            [("state", "=", "active"), ("trigger", "in", TIME_TRIGGERS)]
        ):
            while commit_step(self.env, sequence._enroll_due) and not turn.is_used_up:
                pass
        done = True
        while done and not turn.is_used_up:
            done = commit_step(self.env, self._run_chunk)
        commit_step(self.env, self._set_alarm)

    def _set_alarm(self):
        """The job runs when the first one is due; at once when work was left."""
        [[next_at]] = self.env.execute_query(
            SQL(
                "SELECT min(next_at) FROM waba_sequence_enrollment"
                " WHERE state = 'running' AND NOT is_paused"
            )
        )
        if next_at:
            self._trigger_run(at=next_at if next_at > fields.Datetime.now() else None)

    @api.model
    def _run_chunk(self):
        """Look at the next few that are due.

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
        # Told from what others committed, not from what this transaction remembers.
        due.invalidate_recordset()
        for one in due - due._stop_exited():
            one._advance_safely(now)
        self.flush_model()
        return len(rows)

    def _advance_safely(self, now):
        """Do what is due for one; its failure is its own."""
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
        text = self.env._(
            "The step failed: %(error)s. It is tried again; the log tells more.", error=error
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

    # ------------------------------------------------------------------
    # One lead
    # ------------------------------------------------------------------

    def _advance_step(self, now):
        if self.pending_message_id and not self._is_message_settled(now):
            return
        if not self.step_id:
            self._complete_enrollments()
            return
        # Worked out when the wait began; anew only where its beginning or its step changed.
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
        """Whether the last message has left; the wait for the next step begins with that."""
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
        """:return: whether the follow-up goes on"""
        if self.sequence_id.when_not_sent == "go":
            self.write({"pending_message_id": False, "is_to_plan": True})
            return True
        if message.failure_type == "opted_out":
            self._stop_enrollments("opted_out", message.failure_reason)
        else:
            self._stop_enrollments("not_sent", message.failure_reason)
        return False

    def _hold_step(self, why, due, now, look_again=RECHECK_DELAY):
        """Wait for something else than time, but not for ever."""
        if followup.is_expired(due, now, self.sequence_id.patience_days):
            self._stop_enrollments("late", why)
            return
        self.write(
            {"hold_reason": why, "due_at": due, "next_at": now + look_again, "is_to_plan": False}
        )

    def _message_wait_reason(self, message):
        """Why the message of the step before has not left."""
        if message.state == "uncertain":
            return self.env._("Nobody knows yet whether the last message left.")
        labels = selection_labels(message, "wait_reason")
        why = labels.get(message.wait_reason) or message.sender_id._not_sending_reason()
        if not why:
            return self.env._("The last message is on its way.")
        return self.env._("The last message waits: %s", why)

    def _step_wait_reason(self):
        """Why the step that is due cannot be done now, or False. May end the follow-up."""
        step = self.step_id
        if step.kind == "activity" and not self._activity_user():
            return self.env._(
                "There is nobody to give the activity to: the lead has no active salesperson and "
                "the follow-up no active responsible. Name one."
            )
        if step.kind != "template":
            return False
        if why := step.template_id._not_sendable_reason():
            return why
        sender = step._sending_number()
        if step.template_id.category == "marketing" and not sender._marketing_allowed():
            why = sender._marketing_hold_reason() or self.env._(
                "Promotions of the number are held."
            )
            if self.sequence_id.when_red == "stop":
                self._stop_enrollments("red", why)
                return False
            return why
        return False

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

    def _schedule_after_message(self, message, now):
        """A message left out tells so at once; otherwise the wait for the next step begins."""
        if message.state == "skipped":
            self.next_at = now
            if not self._handle_unsent_message(message):
                return
        following = self.step_id
        due = following._due_times(self.lead_id, now)[self.lead_id.id] if following else now
        self.write({"next_at": max(due, now + MESSAGE_RECHECK_DELAY), "due_at": due})

    def _queue_message(self):
        """The step's message in the queue, at most one for this lead, this time, this place."""
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

    def _activity_user(self):
        """Who gets the lead's activities; nobody when neither of them is there any more."""
        users = (self.lead_id.user_id, self.sequence_id.user_id)
        return next((user for user in users if user.active), self.env["res.users"])

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
