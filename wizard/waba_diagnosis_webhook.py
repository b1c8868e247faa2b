from odoo import models
from odoo.tools import format_datetime

from ..cloud_api import CloudApiError


class WabaDiagnosis(models.TransientModel):
    """Whether Meta posts the account's events here."""

    _inherit = "waba.diagnosis"

    def _subscribe(self, client):
        """Have Meta post this account's events here; it calls our address at once to check it."""
        account = self.account_id.sudo()
        try:
            client.subscribe_app(account.waba_uid, account.webhook_url, account.verify_token)
        except CloudApiError as error:
            self._add(
                "error",
                self.env._("Webhook subscription"),
                account._explain(error),
                self.env._(
                    "Meta must reach %s from the internet, over https with a valid certificate. "
                    "Check the server's address (web.base.url) and the proxy.",
                    account.webhook_url,
                ),
            )

    def _check_subscription(self, client):
        account = self.account_id.sudo()
        topic = self.env._("Webhook subscription")
        try:
            apps = client.get_subscribed_apps(account.waba_uid)
        except CloudApiError as error:
            self._add("error", topic, account._explain(error))
            return
        urls = [app.callback_url for app in apps]
        if account.webhook_url in urls:
            self._add("ok", topic, self.env._("Meta posts this account's messages to this server."))
        elif apps:
            self._add(
                "warning",
                topic,
                self.env._("The account is subscribed, with the address of the app's dashboard."),
                self.env._("Check there that it is the address below."),
            )
        else:
            self._add(
                "error",
                topic,
                self.env._("No app receives this account's events."),
                self.env._("Press Connect again."),
            )

    def _check_webhook(self, account):
        topic = self.env._("Webhook")
        if account.last_event_at:
            self._add(
                "ok",
                topic,
                self.env._(
                    "Last event received %s.",
                    format_datetime(self.env, account.last_event_at, dt_format="d MMM y, HH:mm"),
                ),
            )
        else:
            self._add(
                "info",
                topic,
                self.env._("No event has come in yet."),
                self.env._(
                    "In the app's dashboard, under WhatsApp → Configuration, enter the address "
                    "and the verify token below and subscribe to all fields. Then send yourself "
                    "a message."
                ),
            )
