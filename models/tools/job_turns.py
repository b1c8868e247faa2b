"""How long a job goes on while others wait: Odoo's scheduler has no turns of its own.

A worker runs one job after the other, each for as long as it likes. With one worker, applying 1,900
webhooks held it for 40 s while a due number waited. So a long job asks, once it has had its fair
share, whether another job is due that no worker has taken, and then ends and asks for its next run.
Alone, or beside free workers, it goes on.
"""

import time
from datetime import timedelta

from odoo import fields
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

# Seconds of a job before it looks whether others wait, and between two looks. Sending begins and
# ends with seconds in which little leaves, and comes first.
SLICE_SECONDS, SENDING_SLICE_SECONDS, CHECK_SECONDS = 4.0, 12.0, 1.0

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

    :param cron: the ir.cron that runs; none when it does not run as one
    :param seconds: after which it ends in any case
    :param fair: before which it does not look whether others wait
    """

    def __init__(self, cron, seconds, fair=SLICE_SECONDS):
        self._transfer_cron = cron
        self._started = time.monotonic()
        self._seconds = seconds
        self._look_at = self._started + fair
        self._is_over = False

    @property
    def is_used_up(self):
        """Whether to end now. Ends the transaction when it looks: ask between two commits."""
        now = time.monotonic()
        if now - self._started > self._seconds:
            self._is_over = True
        elif not self._is_over and now > self._look_at:
            self._look_at = now + CHECK_SECONDS
            self._is_over = self._is_other_job_waiting()
        return self._is_over

    def _is_other_job_waiting(self):
        cr = self._transfer_cron.env.cr
        try:
            cr.execute(
                SQL(WAITING_JOB_QUERY, own=self._transfer_cron.id or 0, now=fields.Datetime.now()),
                log_exceptions=False,
            )
            return bool(cr.fetchone())
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # A worker took that job a moment ago.
            return False
        finally:
            # Nothing was written; the shared lock would keep workers from that job.
            cr.rollback()


MESSAGE_KEEP_DAYS = ("waba_campaign.message_keep_days", 0)


def read_checkpoint(env, key):
    """The text kept under `key`, or None."""
    rows = env.execute_query(SQL("SELECT value FROM ir_config_parameter WHERE key = %s", key))
    return rows[0][0] if rows else None


def write_checkpoint(env, key, value):
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
    env.cr.execute(SQL("DELETE FROM ir_config_parameter WHERE key = %s", key))


def retention_start(env, parameter):
    """The moment before which things go, from a system parameter in days; None: never.

    :param parameter: (name, days when it is not set or no number)
    """
    name, default = parameter
    value = env["ir.config_parameter"].sudo().get_param(name, "")
    days = int(value) if value.isdecimal() else default
    return fields.Datetime.now() - timedelta(days=days) if days else None
