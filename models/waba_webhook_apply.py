import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..cloud_api import events as webhook_events
from ..cloud_api import parse_events
from .job_turns import Turn
from .languages import in_language_of
from .transactions import commit_step

_logger = logging.getLogger(__name__)

# Bodies of one transaction: enough to spread its cost, few enough that what it has read is on
# screen at once. Up to 1,000 updates come in one body of some 400 kB.
BATCH = 1000
BATCH_BYTES = 1_000_000
REPEATED_WITHIN = timedelta(days=7)
RUN_SECONDS = 45
# Bodies of a run's first transaction, and the seconds one may take: a thousand statuses are applied
# in less, a thousand messages of people take twenty times that, and nobody else gets the worker.
FIRST_BATCH, BATCH_SECONDS = 100, 1.5
GATHER_SECONDS = 0.3
# Bodies committed in another order than they were numbered: as many may still be behind. What is
# further behind is applied by the next run, at the latest after RUN_SECONDS.
OVERTAKEN = 1000
# How far our clock may be behind Meta's when we look for events received after one happened.
CLOCK_SKEW = timedelta(hours=1)
# Events that set a state, so that only the newest on its subject counts (`_subject`).
STATE_EVENTS = (
    webhook_events.CapabilityChange,
    webhook_events.NumberUpdate,
    webhook_events.AccountUpdate,
    webhook_events.AccountReview,
    webhook_events.TemplateStatus,
    webhook_events.TemplateQuality,
    webhook_events.TemplateCategory,
)


class WabaWebhookEvent(models.Model):
    """From stored bodies to events, each handed to the method that knows it.

    Late, twice or out of order, the rows come out the same. What people write and want is applied
    in waba_webhook_people.py, what Meta says of limits, numbers, account and templates in
    waba_webhook_platform.py, statuses in waba_message_status.py.
    """

    _inherit = "waba.webhook.event"

    @api.model
    def _cron_apply(self):
        """Apply what came in, oldest first, in committed batches.

        While more keeps coming in, it is gathered a moment: twenty runs a second, each for three
        statuses, would spend all their time on being runs.
        """
        cron = self.env["ir.cron"].browse(self._applying_cron_id())
        turn = Turn(cron, RUN_SECONDS)
        after, count = 0, FIRST_BATCH
        while True:
            events = self._next_batch(after, count)
            if not events and self._is_run_pending():
                time.sleep(GATHER_SECONDS)
                events = self._next_batch(after, count)
            if not events:
                return
            after = events[-1].id - OVERTAKEN
            if turn.is_over:
                cron._trigger()
                return
            started = time.monotonic()
            in_language_of(events.account_id.company_id, events)._apply_batch()
            count = _next_count(count, time.monotonic() - started)

    @api.model
    def _next_batch(self, after, count=BATCH):
        """The oldest bodies to apply; one at least, however long it is.

        :param after: id below which this run has applied all; what it has applied stays in the
            index until the run ends, and reading past it would cost more with every batch
        :param count: most bodies to take
        """
        self.flush_model(["state"])
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM (
                      SELECT id, sum(octet_length(body)) OVER (ORDER BY id)
                                 - octet_length(body) AS bytes_before
                        FROM waba_webhook_event WHERE state = 'new' AND id > %s
                       ORDER BY id LIMIT %s
                   ) AS head WHERE bytes_before < %s""",
                after,
                count,
                BATCH_BYTES,
            )
        )
        return self.browse([event_id for (event_id,) in rows])

    def _apply_batch(self):
        """One transaction for the whole batch; when it breaks, one per event, so that a broken
        event is named and kept and does not stop the others."""
        try:
            commit_step(self.env, self._apply, processed=len(self))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event: a batch could not be applied; one by one now")
            for event in self:
                event._apply_alone()

    def _apply_alone(self):
        try:
            commit_step(self.env, self._apply, processed=1)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.webhook.event %s could not be applied", self.id)
            text = f"{type(error).__name__}: {error}"
            commit_step(
                self.env,
                lambda: self.write(
                    {"state": "failed", "error": text, "applied_at": fields.Datetime.now()}
                ),
            )

    def _apply(self):
        """Apply these bodies: statuses in bulk first, the rest one by one. The caller commits."""
        parsed = [(event, parse_events((event.body or "").encode())) for event in self]
        statuses = [
            item
            for _event, items in parsed
            for item in items
            if isinstance(item, webhook_events.MessageStatus)
        ]
        if statuses:
            self.env["waba.message"]._apply_statuses(statuses)
        through = self._close_status_bodies(parsed)
        for event, items in parsed:
            if event not in through:
                event._apply_items(items)

    def _close_status_bodies(self, parsed):
        """Bodies of statuses alone, nearly all there are, need nothing more: one write for them.

        :param parsed: [(event, its items)]
        :return: those events
        """
        through = self.browse(
            [
                event.id
                for event, items in parsed
                if items and all(isinstance(item, webhook_events.MessageStatus) for item in items)
            ]
        )
        through.write(
            {
                "state": "applied",
                "applied_at": fields.Datetime.now(),
                "summary": webhook_events.MessageStatus.__name__,
                "error": False,
            }
        )
        return through

    def _apply_items(self, items):
        """Apply the events of one body, statuses apart, and note what came of it.

        :param items: list of cloud_api events, in the body's order
        """
        self.ensure_one()
        known = [item for item in items if not isinstance(item, webhook_events.UnknownEvent)]
        notes = [
            f"{item.field}: {item.why}"
            for item in items
            if isinstance(item, webhook_events.UnknownEvent)
        ]
        applied = self._is_repeated()
        for item in [] if applied else known:
            note = self._apply_item(item)
            notes += [note] if note else []
            applied = applied or not note
        self.write(
            {
                "state": "applied" if known and applied else "ignored",
                "applied_at": fields.Datetime.now(),
                "summary": ", ".join(sorted({type(item).__name__ for item in items})),
                "error": "; ".join(notes)[:1000] or False,
            }
        )

    def _is_repeated(self):
        """Meta delivers a body again for up to 7 days: what it says was applied the first time.

        Statuses are applied all the same (they only move forward); this spares the chatter.
        """
        self.flush_model(["state", "summary"])
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT 1 FROM waba_webhook_event
                        WHERE body_hash = %s AND account_id = %s AND id <> %s
                          AND state = 'applied' AND summary <> 'MessageStatus'
                          AND received_at >= %s
                        LIMIT 1""",
                    self.body_hash,
                    self.account_id.id,
                    self.id,
                    self.received_at - REPEATED_WITHIN,
                )
            )
        )

    def _apply_item(self, item):
        """One typed event to the method that knows it; statuses are applied already.

        :return: None, or a sentence that says why nothing was done
        """
        if isinstance(item, webhook_events.MessageStatus):
            return None
        account = self._account_of(item)
        if not account:
            return self.env._("No account with the ID %s is connected here.", item.waba_uid)
        if self._is_overtaken(item):
            return self.env._("Something newer on the same subject was applied before.")
        handler = {
            webhook_events.InboundMessage: self._apply_inbound,
            webhook_events.PreferenceChange: self._apply_preference,
            webhook_events.PersonReport: self._apply_person_report,
            webhook_events.CapabilityChange: self._apply_capability,
            webhook_events.NumberUpdate: self._apply_number_update,
            webhook_events.NumberName: self._apply_number_name,
            webhook_events.SecurityEvent: self._apply_security,
            webhook_events.PlatformError: self._apply_platform_error,
            webhook_events.AccountUpdate: self._apply_account_update,
            webhook_events.AccountReview: self._apply_account_review,
            webhook_events.AccountAlert: self._apply_account_alert,
            webhook_events.TemplateStatus: self._apply_template_status,
            webhook_events.TemplateQuality: self._apply_template_quality,
            webhook_events.TemplateCategory: self._apply_template_category,
            webhook_events.TemplateComponents: self._apply_template_components,
        }[type(item)]
        return handler(account, item)

    def _account_of(self, item):
        """The account an event is about, perhaps none.

        Only the field `messages` reaches an account's own address; the others go to the one
        address of the app (Meta, Webhook overrides, 2026-03), whichever account's that is. The
        signature vouches for the accounts of that app alone.
        """
        own = self.account_id
        if item.waba_uid in ("", own.waba_uid):
            return own
        accounts = self.env["waba.account"].with_context(active_test=False)
        return accounts.search([("waba_uid", "=", item.waba_uid)]).filtered(
            lambda account: account.app_secret == own.app_secret
        )

    def _is_overtaken(self, item):
        """Whether a newer event on the same subject was applied before this one."""
        subject = self._subject(item)
        if not subject or not item.at:
            return False
        later = self.search(
            Domain("state", "=", "applied")
            & Domain("received_at", ">=", item.at - CLOCK_SKEW)
            & Domain("id", "!=", self.id)
            & Domain.OR([("summary", "like", kind.__name__)] for kind in STATE_EVENTS)
        )
        return any(
            other.at and other.at > item.at and event._subject(other) == subject
            for event in later
            for other in parse_events((event.body or "").encode())
        )

    def _subject(self, item):
        """What an event sets the state of; None when its order among others does not matter.

        :return: (the account's id at Meta, subject)
        """
        match item:
            case webhook_events.CapabilityChange() | webhook_events.NumberUpdate():
                subject = "limit" if item.messaging_limit else None
            case webhook_events.AccountReview():
                subject = "review"
            case webhook_events.AccountUpdate():
                subject = "account" if self._stops_or_lifts(item) else None
            case webhook_events.TemplateStatus() if not self._template_state(item):
                subject = None
            case webhook_events.TemplateCategory() if not item.previous:
                subject = None
            case (
                webhook_events.TemplateStatus()
                | webhook_events.TemplateQuality()
                | webhook_events.TemplateCategory()
            ):
                template = item.template_uid or f"{item.name}/{item.language}"
                subject = f"{type(item).__name__} {template}"
            case _:
                subject = None
        return (item.waba_uid or self.account_id.waba_uid, subject) if subject else None


def _next_count(count, seconds):
    """Bodies of the next transaction, after one of `count` took `seconds`."""
    if seconds > BATCH_SECONDS:
        return max(FIRST_BATCH // 10, count // 2)
    return min(BATCH, count * 2) if seconds < BATCH_SECONDS / 2 else count
