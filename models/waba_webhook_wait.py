from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from .hooks import implements

# What an event may wait for -> when it is looked at again, counted from the look before. Meta
# repeats a body for 7 days (Webhooks overview, 2026-09-11); what is unknown for as long stays so.
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RETRY_DELAYS = {
    # To be read from Meta, or connected by a person: looked at again at once when that happens.
    "account": (5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    "number": (MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    "template": (MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, *[DAY] * 6),
    # Ours by its tag, and its row not there yet.
    "message": (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR),
    # Without our tag: another system's, unless its row is being written right now.
    "untagged": (MINUTE,),
}


class PendingSubject(NamedTuple):
    """An event's subject is not known yet.

    :param kind: a key of `RETRY_DELAYS`
    :param why: sentence that names the subject
    """

    kind: str
    why: str


class WabaAccount(models.Model):
    """What makes events worth another look: their account became known, or was read."""

    _inherit = "waba.account"

    @implements("_on_change")
    def _retry_waiting_for_account(self, names):
        if {"waba_uid", "app_secret", "state"}.intersection(names):
            for account in self:
                self.env["waba.webhook.event"].sudo()._retry_waiting_events(account, "account")

    @implements("_on_new_subjects")
    def _retry_waiting_for_subjects(self):
        self.env["waba.webhook.event"]._retry_waiting_events(self, "account", "number", "template")


class WabaWebhookEvent(models.Model):
    """Events that came before what they are about was known.

    They wait, are looked at again when an account is connected or read (`_retry_waiting_events`) and by the
    job in growing steps, and are named as not applied after the last. What a body holds beside them
    is applied at once, and once.
    """

    _inherit = "waba.webhook.event"

    wait_kind = fields.Selection(
        [
            ("account", "An account"),
            ("number", "A number"),
            ("template", "A template"),
            ("message", "A message"),
            ("untagged", "A message of another system"),
        ],
        "Waits for",
        readonly=True,
    )
    look_at = fields.Datetime("Next check", readonly=True)
    look_count = fields.Integer("Checks made", readonly=True, aggregator=None)
    waiting_items = fields.Json(
        readonly=True,
        help="Which events of the body wait, and what was said of others: {'of': count, "
        "'at': [places], 'notes': {place: sentence}}.",
    )

    _waiting_idx = models.Index("(look_at) WHERE state = 'waiting'")

    def _items_to_apply(self, items):
        """{place: item} of a body's items: all of them, or those that waited.

        Another version may read a body as more or fewer events; then all are applied again, which
        gives the same rows.
        """
        waited = self.waiting_items or {}
        places = waited["at"] if waited.get("of") == len(items) else range(len(items))
        return {place: items[place] for place in places}

    def _earlier_notes(self, items):
        """{place: sentence} of a waiting body's other items, said when it was looked at first."""
        waited = self.waiting_items or {}
        notes = waited.get("notes", {}) if waited.get("of") == len(items) else {}
        return {int(place): note for place, note in notes.items()}

    def _wait_values(self, waits, notes, count):
        """What makes an event wait on, or end its waiting.

        :param waits: {place of an item in the body: Wait}
        :param notes: {place of another item: why it was not applied}
        :param count: items in the body
        :return: values to write; no `state` when the last look is taken
        """
        taken = self.look_count
        open_waits = {
            place: wait for place, wait in waits.items() if taken < len(RETRY_DELAYS[wait.kind])
        }
        if not open_waits:
            return {"wait_kind": False, "look_at": False, "waiting_items": False}
        kinds = [wait.kind for wait in open_waits.values()]
        return {
            "state": "waiting",
            "wait_kind": kinds[0],
            "look_at": fields.Datetime.now() + min(RETRY_DELAYS[kind][taken] for kind in kinds),
            "look_count": taken + 1,
            "waiting_items": {"of": count, "at": sorted(open_waits), "notes": notes},
        }

    def _wait_expired_reason(self, wait):
        """Sentence that ends a wait."""
        return self.env._("%s Not applied: it did not become known in time.", wait.why)

    @api.model
    def _retry_due_events(self):
        """Have those applied again whose time has come; see to the next time.

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

    @api.model
    def _schedule_next_retry(self):
        """The job runs by itself every few minutes; the first looks come sooner."""
        [[look_at]] = self.env.execute_query(
            SQL("SELECT min(look_at) FROM waba_webhook_event WHERE state = 'waiting'")
        )
        cron = self.env.ref("waba_campaign.ir_cron_apply_webhooks")
        triggers = self.env["ir.cron.trigger"].sudo()
        if look_at and not triggers.search_count(
            [("cron_id", "=", cron.id), ("call_at", "<=", look_at)], limit=1
        ):
            cron._trigger(at=look_at)

    @api.model
    def _retry_waiting_events(self, account, *kinds):
        """Something became known of `account`: what waited for it is applied now. It costs none of
        the looks that are taken without a reason.

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
