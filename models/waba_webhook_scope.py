from odoo import models

from .waba_webhook_wait import PendingSubject


class WabaWebhookEvent(models.Model):
    """What the signature of a body vouches for.

    Everything that an event names is looked for among the accounts of its app alone: accounts,
    numbers and templates by `_event_account`, messages by `_vouched_accounts`, whether singly or in bulk.
    """

    _inherit = "waba.webhook.event"

    def _event_account(self, item):
        """The account an event is about, perhaps none.

        Only the field `messages` reaches an account's own address; the others go to the one
        address of the app (Meta, Webhook overrides, 2026-03), whichever account's that is.
        """
        own = self.account_id
        if item.waba_uid in ("", own.waba_uid):
            return own
        return own._same_app_accounts().filtered(lambda account: account.waba_uid == item.waba_uid)

    def _missing_account_reason(self, item):
        """Why there is no `_event_account` an event: not known yet, or another app's."""
        accounts = self.env["waba.account"].sudo().with_context(active_test=False)
        if accounts.search_count([("waba_uid", "=", item.waba_uid)], limit=1):
            return self.env._(
                "The app of this address does not speak for the account with the ID %s: its app "
                "secret is another one.",
                item.waba_uid,
            )
        return PendingSubject(
            "account", self.env._("No account with the ID %s is connected here.", item.waba_uid)
        )

    def _vouched_accounts(self):
        """{account's id of these events: (ids of the accounts its app speaks for, their ids at
        Meta)}"""
        reach = {}
        for account in self.account_id:
            accounts = account._same_app_accounts()
            uids = frozenset([*accounts.mapped("waba_uid"), ""])
            reach[account.id] = frozenset(accounts.ids), uids
        return reach
