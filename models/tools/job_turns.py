"""Tools: turns and checkpoints of jobs: how long a run lasts while others wait.

Called by every long job: dispatch, webhooks, media, follow-ups, costs, retention.

Odoo's scheduler runs jobs one by one on a worker, each without a limit: with one worker, applying
1,900 webhooks took 40 s while a due number waited. So a long job checks, once it has had its fair
share, whether another job is due that no worker has taken; then it ends and requests its next run.
While no other job waits, it continues.
"""

import time
from datetime import timedelta

from odoo import fields
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

# Seconds of a job before it checks whether others wait, and between two checks. Sending has
# priority, and little is sent in the first and last seconds of a run.
SLICE_SECONDS, SENDING_SLICE_SECONDS, CHECK_SECONDS = 4.0, 12.0, 1.0

# System parameter and default: days for which messages are kept; 0: without a limit.
MESSAGE_KEEP_DAYS = ("waba_campaign.message_keep_days", 0)

# A job that runs is locked by its worker, FOR NO KEY UPDATE.
WAITING_JOB_QUERY = """
    SELECT 1 FROM ir_cron c
     WHERE c.active AND c.id <> %(own)s
       AND (c.nextcall <= %(now)s
            OR EXISTS (SELECT 1 FROM ir_cron_trigger t
                        WHERE t.cron_id = c.id AND t.call_at <= %(now)s))
     LIMIT 1 FOR SHARE OF c SKIP LOCKED"""


class TimeSlice:
    """One run of a job, from now on.

    :param cron: the ir.cron that runs; empty when called outside the scheduler
    :param seconds: after which it ends in any case
    :param fair: seconds before it checks for the first time whether others wait
    """

    def __init__(self, cron, seconds, fair=SLICE_SECONDS):
        self._cron = cron
        self._started = time.monotonic()
        self._seconds = seconds
        self._next_check_at = self._started + fair
        self._is_over = False

    @property
    def is_used_up(self):
        """Whether to end now. May roll back to check: read it right after a commit."""
        now = time.monotonic()
        if now - self._started > self._seconds:
            self._is_over = True
        elif not self._is_over and now > self._next_check_at:
            self._next_check_at = now + CHECK_SECONDS
            self._is_over = self._is_other_job_waiting()
        return self._is_over

    def _is_other_job_waiting(self):
        cr = self._cron.env.cr
        try:
            cr.execute(
                SQL(WAITING_JOB_QUERY, own=self._cron.id or 0, now=fields.Datetime.now()),
                log_exceptions=False,
            )
            return bool(cr.fetchone())
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # A worker has just taken that job.
            return False
        finally:
            # The shared lock would keep workers from that job; nothing was written.
            cr.rollback()


def read_checkpoint(env, key):
    """The text stored under `key`, or None. Read past the cache of `get_param`."""
    rows = env.execute_query(SQL("SELECT value FROM ir_config_parameter WHERE key = %s", key))
    return rows[0][0] if rows else None


def write_checkpoint(env, key, value):
    """Store `value` as text under `key`, in the current transaction."""
    env.cr.execute(
        SQL(
            """INSERT INTO ir_config_parameter (key, value) VALUES (%s, %s)
               ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value""",
            key,
            str(value),
        ),
        log_exceptions=False,
    )


def delete_checkpoint(env, key):
    """Delete `key`, in the current transaction."""
    env.cr.execute(SQL("DELETE FROM ir_config_parameter WHERE key = %s", key))


def retention_start(env, parameter):
    """The time before which old rows are deleted, from a system parameter in days; None: never.

    :param parameter: (name, days if it is not set or not a number)
    :return: naive UTC datetime or None
    """
    name, default = parameter
    value = env["ir.config_parameter"].sudo().get_param(name, "")
    days = int(value) if value.isdecimal() else default
    return fields.Datetime.now() - timedelta(days=days) if days else None
