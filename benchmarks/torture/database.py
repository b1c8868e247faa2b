"""The database of a run: made, copied, filled by SQL, aged, read by the judge."""

import subprocess
import sys
import time
import uuid

import psycopg2
import psycopg2.extras

# PostgreSQL is restarted under some scenarios; queries are retried in the meantime.
RECONNECT_SECONDS = 60
POLL_SECONDS = 0.1

# The datetimes that the engine waits for or counts with. Moving all of them back is the same as
# letting time pass.
MOMENTS = """
SELECT table_name, column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'
   AND (table_name LIKE 'waba!_%' ESCAPE '!' AND column_name NOT IN ('create_date', 'write_date')
        OR (table_name, column_name) IN (('ir_cron', 'nextcall'), ('ir_cron_trigger', 'call_at')))
   AND table_name IN (SELECT tablename FROM pg_tables)
"""
LEADS = """
INSERT INTO crm_lead (name, contact_name, phone, phone_sanitized, type, active, stage_id, team_id,
                      company_id, country_id, won_status, create_uid, create_date, write_uid,
                      write_date)
SELECT 'Torture ' || n, 'Ana ' || n, number, number, 'opportunity', true,
       (SELECT min(id) FROM crm_stage), (SELECT min(id) FROM crm_team), 1,
       (SELECT id FROM res_country WHERE code = 'ES'), 'pending', 1, now() AT TIME ZONE 'UTC', 1,
       now() AT TIME ZONE 'UTC'
  FROM generate_series(1, %s) AS n, LATERAL (SELECT '+346' || lpad(n::text, 8, '0') AS number) AS p
"""
PEOPLE = """
INSERT INTO waba_recipient (portfolio_id, number, marketing_state)
SELECT s.portfolio_id, wanted.number, 'unknown'
  FROM waba_sender s, unnest(%(numbers)s) AS wanted(number)
 WHERE s.id = %(sender)s
ON CONFLICT (portfolio_id, number) WHERE number IS NOT NULL DO NOTHING
"""
DIRECT = """
INSERT INTO waba_message (uuid, direction, account_id, sender_id, recipient_id, company_id, number,
                          kind, template_id, category, parameters, state, retry_at, attempt_count,
                          failed_attempt, failure_streak, create_date, write_date)
SELECT w.uuid, 'out', s.account_id, s.id, r.id, s.company_id, w.number, 'template', t.id,
       t.category, %(parameters)s, 'queued', now() AT TIME ZONE 'UTC', 0, 0, 0,
       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
  FROM unnest(%(uuids)s, %(numbers)s) AS w(uuid, number)
  JOIN waba_sender s ON s.id = %(sender)s
  JOIN waba_recipient r ON r.portfolio_id = s.portfolio_id AND r.number = w.number
  JOIN waba_template t ON t.account_id = s.account_id AND t.name = 'order_update'
   AND t.language = 'es'
"""
TRIGGER = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT cron_id, date_trunc('second', now() AT TIME ZONE 'UTC') FROM waba_sender WHERE id = %s
"""
RUN_JOB = """
INSERT INTO ir_cron_trigger (cron_id, call_at)
SELECT res_id, date_trunc('second', now() AT TIME ZONE 'UTC')
  FROM ir_model_data WHERE module = 'waba_campaign' AND name = %s
"""
TRIGGERS = """
SELECT count(*) FROM ir_cron_trigger t JOIN ir_model_data d ON d.res_id = t.cron_id
 WHERE d.module = 'waba_campaign' AND d.name = %s AND d.model = 'ir.cron'
   AND t.call_at <= now() AT TIME ZONE 'UTC'
"""


def server_command(root, *arguments):
    """Run one command of dev/database.py, which makes, copies and drops databases."""
    subprocess.run([sys.executable, str(root / "dev/database.py"), *arguments], check=True)


def database_exists(root, name):
    command = [sys.executable, str(root / "dev/database.py"), "exists", name]
    return subprocess.run(command, check=False).returncode == 0


class Database:
    """One database, each question a transaction of its own."""

    def __init__(self, name):
        self.name = name
        self._connection = None
        # Odoo's workers listen in the database `postgres`, whichever databases they serve.
        self._bell = Database("postgres") if name != "postgres" else self

    def rows(self, query, values=None):
        """Return the rows as a list of dicts; retried while PostgreSQL is down."""
        end = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return self._ask(query, values)
            except psycopg2.Error as error:
                self.close()
                # No code: the connection broke. 57P0x: the server is going down or coming up.
                was_cut = not error.pgcode or error.pgcode.startswith("57P0")
                if not was_cut or time.monotonic() > end:
                    raise
                time.sleep(POLL_SECONDS)

    def value(self, query, values=None):
        """The only column of the only row."""
        [row] = self.rows(query, values)
        [value] = row.values()
        return value

    def _ask(self, query, values):
        if self._connection is None:
            self._connection = psycopg2.connect(dbname=self.name)
            self._connection.autocommit = True
        with self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, values)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def close(self):
        if self._bell is not self:
            self._bell.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ---- filling ------------------------------------------------------------------------------

    def make_leads(self, count):
        """`count` opportunities with a valid Spanish mobile number each."""
        self.rows(LEADS, (count,))

    def lead_ids(self):
        return [row["id"] for row in self.rows(
            "SELECT id FROM crm_lead WHERE name LIKE 'Torture %%' ORDER BY id"
        )]  # fmt: skip

    def queue_direct(self, sender_id, numbers):
        """Service messages outside any campaign, queued as follow-ups queue them."""
        parameters = {"body": [{"name": "1", "value": "S00042"}]}
        self.rows(PEOPLE, {"sender": sender_id, "numbers": numbers})
        self.rows(
            DIRECT,
            {
                "sender": sender_id,
                "numbers": numbers,
                "uuids": [uuid.uuid4().hex for _number in numbers],
                "parameters": psycopg2.extras.Json(parameters),
            },
        )
        self.trigger(sender_id)
        self.wake()

    # ---- the scheduler ------------------------------------------------------------------------

    def trigger(self, sender_id):
        """Make a number's job due, so that the next free worker runs it."""
        self.rows(TRIGGER, (sender_id,))

    def poll_now(self):
        """Make the polling job due, so that the next free worker runs it."""
        self.run_job("ir_cron_poll")

    def run_job(self, name):
        """Make one of the addon's jobs due, so that the next free worker runs it."""
        self.rows(RUN_JOB, (name,))
        self.wake()

    def has_run(self, name):
        """No trigger of a job is due any more: a worker has run it."""
        return not self.value(TRIGGERS, (name,))

    def wake(self):
        """Odoo's workers look for ready jobs once a minute; this sends its own NOTIFY."""
        self._bell.rows("SELECT pg_notify('cron_trigger', %s)", (self.name,))

    def pass_time(self, seconds):
        """Let `seconds` pass for everything stored, unless a job is running.

        :return: False when one is: nothing is moved then
        """
        connection = psycopg2.connect(dbname=self.name)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT id FROM ir_cron FOR NO KEY UPDATE SKIP LOCKED")
                free = len(cursor.fetchall())
                cursor.execute("SELECT count(*) FROM ir_cron")
                if (free,) != cursor.fetchone():
                    return False
                for table, columns in self._moments(cursor).items():
                    moves = ", ".join(
                        f"{column} = {column} - make_interval(secs => %(seconds)s)"
                        for column in columns
                    )
                    cursor.execute(f"UPDATE {table} SET {moves}", {"seconds": seconds})
        finally:
            connection.close()
        return True

    @staticmethod
    def _moments(cursor):
        """{table: [columns]} of MOMENTS."""
        cursor.execute(MOMENTS)
        moments = {}
        for table, column in cursor.fetchall():
            moments.setdefault(table, []).append(column)
        return moments
