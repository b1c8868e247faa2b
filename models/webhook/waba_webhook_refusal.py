"""Webhook: counts the bodies refused because of a wrong signature, at almost no cost.

Called by controllers/webhook.py; shown on the account's form and in the diagnosis.
"""

import logging
import threading
import time

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable

from ..tools.hooks import implements

_logger = logging.getLogger(__name__)

# Anyone who knows an account's address can post there at full speed: each process writes and logs
# an account's count at most once in this time.
WRITE_SECONDS = 1.0


UPSERT = """
    INSERT INTO waba_webhook_refusal (account_id, count, first_at, last_at)
    VALUES (%(account)s, %(count)s, %(now)s, %(now)s)
        ON CONFLICT (account_id) DO UPDATE
       SET count = LEAST(waba_webhook_refusal.count::bigint + EXCLUDED.count, 2000000000),
           last_at = EXCLUDED.last_at"""


class RefusalCounter:
    """Refusals of this process that are not written yet, by database and account."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts = {}

    def add(self, key, now):
        """Count one more.

        :param now: seconds of a monotonic clock
        :return: how many to write now, 0 if it is too early
        """
        with self._lock:
            count, due = self._counts.get(key, (0, now))
            count += 1
            if now < due:
                self._counts[key] = count, due
                return 0
            self._counts[key] = 0, now + WRITE_SECONDS
            return count

    def pending_count(self, key):
        """How many are counted and not written yet."""
        with self._lock:
            return self._counts.get(key, (0, 0.0))[0]

    def reset(self):
        """Start again, as a new process does."""
        with self._lock:
            self._counts.clear()

    def restore(self, key, count):
        """Add a count that could not be written; the next write includes it."""
        with self._lock:
            known, due = self._counts.get(key, (0, 0.0))
            self._counts[key] = known + count, due


COUNTER = RefusalCounter()


class WabaWebhookRefusal(models.Model):
    """Number of webhook bodies refused because the app secret did not sign them.

    One row per account, however many bodies come; the bodies are not stored. In its own table,
    because everything else reads and writes the account's row. The count is a lower bound: a
    process that ends loses its last second. Entry point: `_count_refusal`.
    """

    _name = "waba.webhook.refusal"
    _description = "Rejected WhatsApp Webhooks"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="account_id.company_id")
    count = fields.Integer("Rejected", required=True, readonly=True)
    first_at = fields.Datetime(required=True, readonly=True)
    last_at = fields.Datetime(required=True, readonly=True)

    _account_uniq = models.UniqueIndex("(account_id)")

    @api.model
    @api.private
    def _count_refusal(self, account_id):
        """Count one refused body of this account, mostly in memory only."""
        key = self.env.cr.dbname, account_id
        if not (count := COUNTER.add(key, time.monotonic())):
            return
        _logger.warning(
            "waba.account %s: %s webhook(s) with a wrong signature refused", account_id, count
        )
        try:
            # In a separate transaction: the request's snapshot is older, and Odoo would repeat the
            # request as long as other processes count too.
            with self.env.registry.cursor() as cr:
                cr.execute("SET LOCAL lock_timeout = '200ms'")
                cr.execute(SQL(UPSERT, account=account_id, count=count, now=fields.Datetime.now()),
                           log_exceptions=False)  # fmt: skip
        except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, LockNotAvailable):
            COUNTER.restore(key, count)


class WabaAccount(models.Model):
    _inherit = "waba.account"

    refused_count = fields.Integer("Rejected events", compute="_compute_refused")
    refused_at = fields.Datetime("Last rejected", compute="_compute_refused")

    def _compute_refused(self):
        """Refusals since the app secret was entered."""
        rows = self.env["waba.webhook.refusal"].sudo().search([("account_id", "in", self.ids)])
        by_account = {row.account_id.id: row for row in rows}
        for account in self:
            row = by_account.get(account.id, rows.browse())
            account.refused_count, account.refused_at = row.count, row.last_at

    @implements("_on_change")
    def _clear_refusals(self, names):
        """Refusals under another secret do not concern this one."""
        if "app_secret" in names:
            refusals = self.env["waba.webhook.refusal"].sudo()
            refusals.search([("account_id", "in", self.ids)]).unlink()
