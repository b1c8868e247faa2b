"""Diagnosis of our side: home database, scheduled jobs, backlog.

Called by `_run_checks` (waba_diagnosis.py).
"""

from odoo import fields, models
from odoo.tools import config

from ..models.dispatch.waba_sender_dispatch import LATE_THRESHOLD
from ..models.tools.moments import DAY_OF_YEAR, format_moment


class WabaDiagnosis(models.TransientModel):
    _inherit = "waba.diagnosis"

    def _check_home(self, account):
        """Check whether this is the database that the account was connected in, or a copy.

        :return: False for a copy, which must not change anything at Meta
        """
        topic = self.env._("Database")
        if account.has_second_sender:
            self._add_line(
                "warning",
                self.env._("Second sender"),
                self.env._(
                    "WhatsApp reported messages that this database did not send, last %s.",
                    self._moment(account.second_sender_at),
                ),
                self.env._(
                    "Stop the other system, then create a new access token in Meta's Business "
                    "settings."
                ),
            )
        if reason := account._foreign_database_reason():
            self._add_line(
                "error",
                topic,
                reason,
                self.env._("Open the account and press “Confirm database”."),
            )
            return False
        if not account._current_database().system:
            self._add_line(
                "info",
                topic,
                self.env._(
                    "A copy on another server cannot be detected: Odoo's role may not read the "
                    "database server's identity."
                ),
                self.env._("Grant the role pg_control_system(), then reconnect."),
            )
        return True

    def _check_scheduler(self, account):
        """Check that jobs run: without them no message is sent and no event is applied."""
        senders = account.sender_ids
        now, topic = fields.Datetime.now(), self.env._("Scheduled jobs")
        jobs = senders._jobs(senders, others=True)
        if has_no_worker := senders._is_scheduler_stopped(now):
            self._add_line(
                "error",
                topic,
                senders._no_worker_text(),
                self.env._("max_cron_threads of this process: %s.", config["max_cron_threads"]),
            )
        for job in jobs:
            # Without a worker all jobs are late, which is reported once, above.
            if job.failure_count or not job.is_active or not has_no_worker:
                self._report_job(job, now)
        self._report_backlog(account, now)
        if not any(job.failure_count or job.is_late(now) or not job.is_active for job in jobs):
            last_at = max((job.last_at for job in jobs if job.last_at), default=None)
            self._add_line(
                "ok",
                topic,
                self.env._(
                    "%(count)s jobs on. Last run: %(when)s.",
                    count=len(jobs),
                    when=self._moment(last_at) if last_at else self.env._("never"),
                ),
            )

    def _report_job(self, job, now):
        """Report a job that is switched off, late or failing."""
        topic = self.env._("Job: %s", job.name)
        last = self._moment(job.last_at) if job.last_at else self.env._("never")
        if not job.is_active:
            self._add_line(
                "error",
                topic,
                self.env._("Switched off. Last run: %s.", last),
                self.env._("Switch it on under Settings → Technical → Scheduled Actions."),
            )
        elif job.is_late(now):
            self._add_line(
                "error",
                topic,
                self.env._(
                    "Late: due %(due)s. Last run: %(last)s.",
                    due=self._moment(job.due_at),
                    last=last,
                ),
                self.env._("Start more cron workers (max_cron_threads)."),
            )
        elif job.failure_count:
            self._add_line(
                "warning",
                topic,
                self.env._(
                    "Failed %(count)s times in a row. Last run: %(last)s.",
                    count=job.failure_count,
                    last=last,
                ),
                self.env._("See the Odoo log for the cause."),
            )

    def _report_backlog(self, account, now):
        """Report events and messages that have waited too long."""
        senders = account.sender_ids
        unapplied = senders._oldest_unapplied_at(account)
        if unapplied and unapplied <= now - LATE_THRESHOLD:
            self._add_line(
                "error",
                self.env._("Unprocessed events"),
                self.env._("The oldest was received %s.", self._moment(unapplied)),
                self.env._("They may contain opt-outs. Check the scheduled jobs."),
            )
        due = senders._oldest_due_row_at(senders)
        if due and due <= now - LATE_THRESHOLD:
            self._add_line(
                "info",
                self.env._("Queued messages"),
                self.env._("The oldest has been due since %s.", self._moment(due)),
                self.env._("It waits for the scheduler or for a slot of the daily limit."),
            )

    def _moment(self, moment):
        return format_moment(self.env, moment, DAY_OF_YEAR)
