from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

# Workers look for jobs once a minute, and a job may hold one for two.
LATE_THRESHOLD = timedelta(minutes=10)

JOBS_QUERY = """
    SELECT c.id, c.cron_name, c.active, c.lastcall, c.failure_count,
           LEAST(c.nextcall, (SELECT min(t.call_at) FROM ir_cron_trigger t WHERE t.cron_id = c.id))
      FROM ir_cron c
     WHERE c.id IN (SELECT cron_id FROM waba_sender WHERE id = ANY(%(senders)s))
        OR %(others)s AND c.id IN (SELECT res_id FROM ir_model_data
                                    WHERE model = 'ir.cron' AND module = 'waba_campaign')
     ORDER BY c.priority, c.id"""

OVERDUE_JOB_QUERY = """
    SELECT 1 FROM ir_cron c
     WHERE c.active
       AND (c.nextcall <= %(since)s
            OR EXISTS (SELECT 1 FROM ir_cron_trigger t
                        WHERE t.cron_id = c.id AND t.call_at <= %(since)s))
     LIMIT 1"""


class Job(NamedTuple):
    """What the scheduler knows of one job.

    :ivar due_at: naive UTC datetime at which it is to run, or was to
    """

    id: int
    name: str
    is_active: bool
    last_at: object
    failure_count: int
    due_at: object

    def is_late(self, now):
        return self.is_active and self.due_at <= now - LATE_THRESHOLD


class WabaSender(models.Model):
    """Whether the scheduler does its part: a job that does not run says nothing by itself."""

    _inherit = "waba.sender"

    @api.model
    def _jobs(self, senders, others=False):
        """[Job] of these numbers, and of the addon's other jobs when asked."""
        senders.flush_recordset(["cron_id"])
        self.env["ir.cron"].flush_model()
        rows = self.env.execute_query(SQL(JOBS_QUERY, senders=senders.ids, others=others))
        return [Job(*row) for row in rows]

    @api.model
    def _last_job_at(self):
        """When any job of this database last ended, None for never."""
        [[last_at]] = self.env.execute_query(SQL("SELECT max(lastcall) FROM ir_cron"))
        return last_at

    @api.model
    def _is_scheduler_stopped(self, now):
        """Whether nothing runs any job of this database: one is long due, none has ended since."""
        last_at = self._last_job_at()
        if last_at and last_at > now - LATE_THRESHOLD:
            return False
        self.env["ir.cron"].flush_model()
        return bool(self.env.execute_query(SQL(OVERDUE_JOB_QUERY, since=now - LATE_THRESHOLD)))

    def _delay_reason(self, now):
        """Sentence that says why what waits is not sent although nothing holds it, or False."""
        self.ensure_one()
        [job] = self.sudo()._jobs(self) or [None]
        if job is None or not job.is_active:
            return self.env._(
                "The job that sends for this number is switched off. An administrator switches it "
                "on under Settings → Technical → Scheduled Actions."
            )
        if not job.is_late(now):
            return False
        if self._is_scheduler_stopped(now):
            return self._no_worker_text()
        return self.env._(
            "The job that sends for this number should have run %(due)s and has not. The scheduler "
            "is busy with other jobs, or needs more workers (max_cron_threads).",
            due=self._datetime_text(job.due_at),
        )

    @api.model
    def _no_worker_text(self):
        """Sentence that says that no job runs at all, and since when."""
        last_at = self._last_job_at()
        if not last_at:
            return self.env._(
                "No scheduled job has ever run in this database: no cron worker is up. Check "
                "max_cron_threads and the db_name of Odoo's configuration."
            )
        return self.env._(
            "No scheduled job has run since %s: no cron worker is up. Check that Odoo's service "
            "runs with max_cron_threads above 0.",
            self._datetime_text(last_at),
        )

    @api.model
    def _datetime_text(self, moment):
        return format_datetime(self.env, moment, dt_format="d MMM y, HH:mm")

    @api.model
    def _oldest_due_row_at(self, senders):
        """Since when the oldest message of these numbers that may leave waits, or None.

        It may also wait for a place within the daily limit, which is no fault of the scheduler's.
        """
        self.env["waba.message"].flush_model(["state", "retry_at", "sender_id"])
        [[oldest]] = self.env.execute_query(
            SQL(
                """SELECT min(m.retry_at) FROM waba_message m
                LEFT JOIN waba_campaign c ON c.id = m.campaign_id
                    WHERE m.state = 'queued' AND m.retry_at <= %s AND m.sender_id = ANY(%s)
                      AND (c.id IS NULL OR c.state = 'running')""",
                fields.Datetime.now(),
                senders.ids,
            )
        )
        return oldest

    @api.model
    def _oldest_unapplied_at(self, accounts):
        """When the oldest webhook came in that nobody has applied yet, or None."""
        return (
            self.env["waba.webhook.event"]
            .sudo()
            .search(
                [("state", "=", "new"), ("account_id", "in", accounts.ids)], order="id", limit=1
            )
            .received_at
            or None
        )
