"""Webhook: the inbox of verified bodies, the scope of their signature, events that wait.

Filled by controllers/webhook.py, applied by the job in waba_webhook_apply.py.
"""

import hashlib
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate, format_datetime
from psycopg2.errors import SerializationFailure

from ..tools.hooks import implements
from ..tools.labels import selection_labels

_lt = LazyTranslate(__name__)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# What an event may wait for -> delays between its checks. Meta repeats a body for 7 days (Webhooks
# overview, 2026-09-11); a subject unknown for as long stays so.
RETRY_DELAYS = {
    # Read from Meta or connected by a user: checked again as soon as that happens.
    "account": (5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    "number": (MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    "template": (MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    # Ours by its tag, but its row does not exist yet.
    "message": (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR),
    # Without our tag: another system's, unless its row is just being written.
    "untagged": (MINUTE,),
}

# Events of a body, as `summary` names them (cloud_api/events.py).
CONTENTS = {
    "MessageStatus": _lt("Message status"),
    "InboundMessage": _lt("Inbound message"),
    "PreferenceChange": _lt("Consent change"),
    "CapabilityChange": _lt("Limit change"),
    "NumberUpdate": _lt("Number update"),
    "NumberName": _lt("Display name review"),
    "SecurityEvent": _lt("Security change"),
    "PlatformError": _lt("Meta problem"),
    "AccountUpdate": _lt("Account update"),
    "AccountReview": _lt("Account review"),
    "AccountAlert": _lt("Account alert"),
    "TemplateStatus": _lt("Template status"),
    "TemplateQuality": _lt("Template rating"),
    "TemplateCategory": _lt("Template category"),
    "TemplateComponents": _lt("Template content"),
    "EchoMessage": _lt("Message sent elsewhere"),
    "Handover": _lt("Handover"),
    "HistoryChunk": _lt("Earlier messages"),
    "AppContact": _lt("Phone contact"),
    "UnknownEvent": _lt("Unknown event"),
    "NotFollowed": _lt("Event not used"),
}


class PendingSubject(NamedTuple):
    """An event must wait: its subject is not known yet.

    :param kind: a key of `RETRY_DELAYS`
    :param why: sentence that names the subject
    """

    kind: str
    why: str


class WabaWebhookEvent(models.Model):
    """One verified webhook body, exactly as received: the inbox between Meta and us.

    The controller only inserts (`_store_body`); the job applies (`_cron_apply`). A `new` body
    becomes `applied`, `ignored` (nothing in it to apply) or `failed`, or `waiting` while a subject
    of its events is not known, and then `new` again. The body is retained, so an event that could
    not be applied is not lost and can be applied again (`action_reapply`).
    """

    _name = "waba.webhook.event"
    _description = "WhatsApp Webhook Event"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _log_access = False

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="account_id.company_id")
    body = fields.Text(readonly=True)
    body_hash = fields.Char(readonly=True)
    received_at = fields.Datetime("Received", readonly=True, required=True)
    applied_at = fields.Datetime("Applied", readonly=True)
    state = fields.Selection(
        [
            ("new", "Queued"),
            ("waiting", "Waiting"),
            ("applied", "Applied"),
            ("ignored", "No changes"),
            ("failed", "Failed"),
        ],
        default="new",
        required=True,
        readonly=True,
    )
    summary = fields.Char("Event types", readonly=True)
    content_text = fields.Char("Content", compute="_compute_content_text")
    error = fields.Text(readonly=True)

    # Waiting events
    wait_kind = fields.Selection(
        [
            ("account", "Account"),
            ("number", "Number"),
            ("template", "Template"),
            ("message", "Message"),
            ("untagged", "Message of another system"),
        ],
        "Waiting for",
        readonly=True,
    )
    look_at = fields.Datetime("Next check", readonly=True)
    look_count = fields.Integer("Checks", readonly=True, aggregator=None)
    waiting_items = fields.Json(
        readonly=True,
        help="Waiting events of the body and notes on the others: {'of': count, "
        "'at': [places], 'notes': {place: sentence}}.",
    )

    _new_idx = models.Index("(id) WHERE state = 'new'")
    _account_idx = models.Index("(account_id, received_at)")
    # Statuses are nine bodies in ten and never searched by hash: inserting them stays cheap.
    _repeated_idx = models.Index(
        "(body_hash) WHERE state = 'applied' AND summary <> 'MessageStatus'"
    )
    _received_idx = models.Index("(received_at)")
    _waiting_idx = models.Index("(look_at) WHERE state = 'waiting'")

    @api.depends("summary")
    def _compute_content_text(self):
        for event in self:
            names = (event.summary or "").split(", ")
            event.content_text = ", ".join(self.env._(CONTENTS.get(name, name)) for name in names)

    @api.depends("received_at", "summary")
    def _compute_display_name(self):
        states = selection_labels(self, "state")
        for event in self:
            what = event.content_text or states[event.state]
            event.display_name = f"{what} · {format_datetime(self.env, event.received_at)}"

    def action_reapply(self):
        """Apply once more, which gives the same rows; then poll Meta for the current state.

        The limit or template state in an old event may have changed since without a webhook.
        """
        self.check_access("write")
        applied = self.sudo().filtered(lambda event: event.state != "new")
        applied.write({"state": "new", "error": False, "look_count": 0, "waiting_items": False})
        self.env.ref("waba_campaign.ir_cron_apply_webhooks").sudo()._trigger()
        self._poll_soon()

    # === Inbox ===

    @api.model
    @api.private
    def _store_body(self, account, raw_body):
        """Store a verified body, which the request commits before its 200; then trigger the job.

        :param account: waba.account the webhook key belongs to
        :param raw_body: bytes as received; stored even if they are no JSON
        """
        # One statement: the ORM's create would cost more than the rest of the request.
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_webhook_event
                          (account_id, body, body_hash, received_at, state)
                   VALUES (%s, %s, %s, %s, 'new') RETURNING id""",
                account.id,
                # A NUL can't be stored in PostgreSQL's text; Meta sends none.
                raw_body.decode("utf-8", "replace").replace("\x00", ""),
                hashlib.sha256(raw_body).hexdigest(),
                fields.Datetime.now(),
            )
        )
        self.env.cr.postcommit.add(self._trigger_apply)
        return self.browse(self.env.cr.fetchone()[0])

    @api.model
    def _trigger_apply(self):
        """Trigger the applying job, unless a run is pending already.

        Each trigger costs a row, a notification and two commits: at hundreds of webhooks a second,
        one per webhook would cost more than everything else.
        """
        if not self._is_apply_pending():
            self.env["ir.cron"].browse(self._apply_cron_id())._trigger()
            self.env["ir.cron"]._commit_progress()

    @api.model
    def _is_apply_pending(self):
        """Whether a triggered run of the applying job has not begun yet. Ends the transaction.

        A run begins by deleting its triggers, and keeps them locked until it ends. A trigger that
        is not locked therefore belongs to a future run, which will see everything committed so far.
        """
        cr = self.env.cr
        try:
            cr.execute(
                SQL(
                    """SELECT 1 FROM ir_cron_trigger WHERE cron_id = %s AND call_at <= %s
                        LIMIT 1 FOR KEY SHARE SKIP LOCKED""",
                    self._apply_cron_id(),
                    fields.Datetime.now(),
                ),
                log_exceptions=False,
            )
            is_pending = bool(cr.fetchone())
        except SerializationFailure:
            # Its run ended between our snapshot and this query, so it is no future run.
            is_pending = False
        # Nothing was written, and a commit would release the lock only after the disk answered.
        cr.rollback()
        return is_pending

    @api.model
    def _apply_cron_id(self):
        return self.env["ir.model.data"]._xmlid_to_res_id(
            "waba_campaign.ir_cron_apply_webhooks", raise_if_not_found=True
        )

    # === Signature scope ===
    # The signature of a body vouches for the accounts of its app only, so whatever an event names
    # is looked up among those: accounts, numbers and templates by `_event_account`, messages by
    # `_vouched_accounts`.

    def _event_account(self, item):
        """The account an event is about, perhaps none.

        Only the field `messages` reaches an account's own address; the others go to the one address
        of the app (Meta, Webhook overrides, 2026-03), whichever account has it.
        """
        own = self.account_id
        if item.waba_uid in ("", own.waba_uid):
            return own
        return own._same_app_accounts().filtered(lambda account: account.waba_uid == item.waba_uid)

    def _missing_account_reason(self, item):
        """Why there is no `_event_account`: not known yet (PendingSubject), or another app's."""
        accounts = self.env["waba.account"].sudo().with_context(active_test=False)
        if accounts.search_count([("waba_uid", "=", item.waba_uid)], limit=1):
            return self.env._(
                "Not applied: the account with the ID %s belongs to another app (different app "
                "secret).",
                item.waba_uid,
            )
        return PendingSubject(
            "account", self.env._("No account with the ID %s is connected.", item.waba_uid)
        )

    def _vouched_accounts(self):
        """Return what the signatures of these events vouch for.

        :return: {id of each event's account: (ids of its app's accounts, their ids at Meta)}
        """
        reach = {}
        for account in self.account_id:
            accounts = account._same_app_accounts()
            uids = frozenset([*accounts.mapped("waba_uid"), ""])
            reach[account.id] = frozenset(accounts.ids), uids
        return reach

    # === Waiting events ===
    # Events whose subject is not known yet. They are checked again when an account is connected or
    # read (`_retry_waiting_events`) and by the job at growing intervals; after the last check they
    # are reported as not applied. The other events of their body are applied immediately, and once.

    @api.model
    def _retry_due_events(self):
        """Make the waiting events whose next check is due `new`.

        :return: how many
        """
        self.flush_model(["state", "look_at"])
        self.env.cr.execute(
            SQL(
                """UPDATE waba_webhook_event SET state = 'new'
                    WHERE state = 'waiting' AND look_at <= %s""",
                fields.Datetime.now(),
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_model(["state"])
        return count

    def _items_to_apply(self, items):
        """{position: item} of a body's items: all of them, or those that waited.

        Another version may parse a body into more or fewer events; then all are applied again,
        which gives the same rows.
        """
        waiting = self.waiting_items or {}
        positions = waiting["at"] if waiting.get("of") == len(items) else range(len(items))
        return {position: items[position] for position in positions}

    def _earlier_notes(self, items):
        """{position: sentence} of a waiting body's other items, from when they were applied."""
        waiting = self.waiting_items or {}
        notes = waiting.get("notes", {}) if waiting.get("of") == len(items) else {}
        return {int(position): note for position, note in notes.items()}

    def _wait_values(self, waits, notes, count):
        """Field values that let an event wait on, or end its waiting.

        :param waits: {position of an item in the body: PendingSubject}
        :param notes: {position of another item: why it was not applied}
        :param count: items in the body
        :return: values to write; no `state` after the last check
        """
        check_count = self.look_count
        open_waits = {
            position: wait
            for position, wait in waits.items()
            if check_count < len(RETRY_DELAYS[wait.kind])
        }
        if not open_waits:
            return {"wait_kind": False, "look_at": False, "waiting_items": False}
        kinds = [wait.kind for wait in open_waits.values()]
        return {
            "state": "waiting",
            "wait_kind": kinds[0],
            "look_at": fields.Datetime.now()
            + min(RETRY_DELAYS[kind][check_count] for kind in kinds),
            "look_count": check_count + 1,
            "waiting_items": {"of": count, "at": sorted(open_waits), "notes": notes},
        }

    def _wait_expired_reason(self, wait):
        """Reason why an event was not applied after its last check."""
        return self.env._("Not applied after several checks: %s", wait.why)

    @api.model
    def _schedule_next_retry(self):
        """Trigger the job for the next check: the first ones are due before its own schedule."""
        [[check_at]] = self.env.execute_query(
            SQL("SELECT min(look_at) FROM waba_webhook_event WHERE state = 'waiting'")
        )
        cron = self.env.ref("waba_campaign.ir_cron_apply_webhooks")
        triggers = self.env["ir.cron.trigger"].sudo()
        if check_at and not triggers.search_count(
            [("cron_id", "=", cron.id), ("call_at", "<=", check_at)], limit=1
        ):
            cron._trigger(at=check_at)

    @api.model
    def _retry_waiting_events(self, account, *kinds):
        """Apply now what waited for subjects of this account, since they are known.

        It does not count as one of the scheduled checks.

        :param kinds: keys of `RETRY_DELAYS`
        """
        self.flush_model(["state", "wait_kind"])
        self.env.cr.execute(
            SQL(
                """UPDATE waba_webhook_event
                      SET state = 'new', look_count = greatest(look_count - 1, 0)
                    WHERE state = 'waiting' AND wait_kind IN %s AND account_id = ANY(%s)""",
                kinds,
                account._same_app_accounts().ids,
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model(["state", "look_count"])
            self.env.ref("waba_campaign.ir_cron_apply_webhooks").sudo()._trigger()


class WabaAccount(models.Model):
    """Waiting events are checked again when their account is connected or read."""

    _inherit = "waba.account"

    @implements("_on_change")
    def _retry_waiting_for_account(self, names):
        if {"waba_uid", "app_secret", "state"}.intersection(names):
            for account in self:
                self.env["waba.webhook.event"].sudo()._retry_waiting_events(account, "account")

    @implements("_on_new_subjects")
    def _retry_waiting_for_subjects(self):
        self.env["waba.webhook.event"]._retry_waiting_events(self, "account", "number", "template")
