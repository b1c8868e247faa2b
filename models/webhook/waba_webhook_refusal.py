import logging
import threading
import time

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable

from ..tools.hooks import implements

_logger = logging.getLogger(__name__)

# Whoever knows an account's address can post there as fast as the line allows: each process writes
# an account's count at most that often, and that seldom logs it.
WRITE_SECONDS = 1.0


class RefusalCounter:
    """Refusals of this process that are not written yet, by database and account."""

    def __init__(self):
        self._lock_campaigns = threading.Lock()
        self._counts = {}

    def add(self, key, now):
        """Count one more.

        :param now: seconds that only grow
        :return: how many to write now, 0 when it is too early
        """
        with self._lock_campaigns:
            count, due = self._counts.get(key, (0, now))
            count += 1
            if now < due:
                self._counts[key] = count, due
                return 0
            self._counts[key] = 0, now + WRITE_SECONDS
            return count

    def pending_count(self, key):
        """How many are counted and not written yet."""
        with self._lock_campaigns:
            return self._counts.get(key, (0, 0.0))[0]

    def reset(self):
        """Begin anew, as a new process does."""
        with self._lock_campaigns:
            self._counts.clear()

    def restore(self, key, count):
        """These could not be written; the next one takes them along."""
        with self._lock_campaigns:
            known, due = self._counts.get(key, (0, 0.0))
            self._counts[key] = known + count, due


COUNTER = RefusalCounter()


class WabaWebhookRefusal(models.Model):
    """Webhook bodies that were refused because their signature is not the app secret's: how many.

    One row per account, however many bodies come; nothing of them is kept. In a table of its own,
    because the account's row is read and written by everything else. The count is a lower bound: a
    process that ends takes its last second along.
    """

    _name = "waba.webhook.refusal"
    _description = "Refused WhatsApp Webhooks"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="account_id.company_id")
    count = fields.Integer("Refused", required=True, readonly=True)
    first_at = fields.Datetime(required=True, readonly=True)
    last_at = fields.Datetime(required=True, readonly=True)

    _account_uniq = models.UniqueIndex("(account_id)")

    @api.model
    @api.private
    def _count_refusal(self, account_id):
        """Count one refused body of this account; called by the door, costs it nothing mostly."""
        key = self.env.cr.dbname, account_id
        if not (count := COUNTER.add(key, time.monotonic())):
            return
        _logger.warning(
            "waba.account %s: %s webhook(s) with a wrong signature refused", account_id, count
        )
        try:
            # A transaction of its own: the request's has its snapshot from before, and would be
            # repeated by Odoo for as long as others count too.
            with self.env.registry.cursor() as cr:
                cr.execute("SET LOCAL lock_timeout = '200ms'")
                cr.execute(SQL(UPSERT, account=account_id, count=count, now=fields.Datetime.now()),
                           log_exceptions=False)  # fmt: skip
        except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, LockNotAvailable):
            COUNTER.restore(key, count)


UPSERT = """
    INSERT INTO waba_webhook_refusal (account_id, count, first_at, last_at)
    VALUES (%(account)s, %(count)s, %(now)s, %(now)s)
        ON CONFLICT (account_id) DO UPDATE
       SET count = LEAST(waba_webhook_refusal.count::bigint + EXCLUDED.count, 2000000000),
           last_at = EXCLUDED.last_at"""


class WabaAccount(models.Model):
    _inherit = "waba.account"

    refused_count = fields.Integer("Events refused", compute="_compute_refused")
    refused_at = fields.Datetime("Last event refused", compute="_compute_refused")

    def _compute_refused(self):
        """Since the app secret was entered."""
        rows = self.env["waba.webhook.refusal"].sudo().search([("account_id", "in", self.ids)])
        by_account = {row.account_id.id: row for row in rows}
        for account in self:
            row = by_account.get(account.id, rows.browse())
            account.refused_count, account.refused_at = row.count, row.last_at

    @implements("_on_change")
    def _clear_refusals(self, names):
        """What was refused under another secret says nothing of this one."""
        if "app_secret" in names:
            refusals = self.env["waba.webhook.refusal"].sudo()
            refusals.search([("account_id", "in", self.ids)]).unlink()
