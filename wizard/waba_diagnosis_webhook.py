"""Diagnosis of the webhook: whether Meta posts the account's events here.

Called by `_run_checks` (waba_diagnosis.py).
"""

from odoo import models

from ..cloud_api import CloudApiError

# Webhook fields that this addon reads.
NEEDED_FIELDS = (
    "messages", "user_preferences", "account_update", "account_alerts", "account_review_update",
    "business_capability_update", "message_template_status_update",
    "message_template_quality_update", "template_category_update", "phone_number_name_update",
    "phone_number_quality_update", "security",
)  # fmt: skip


class WabaDiagnosis(models.TransientModel):
    _inherit = "waba.diagnosis"

    def _subscribe_webhook(self, client):
        """Subscribe to the account's events; Meta calls our address during this to verify it."""
        account = self.account_id.sudo()
        try:
            client.subscribe_app(account.waba_uid, account.webhook_url, account.verify_token)
        except CloudApiError as error:
            self._add_line(
                "error",
                self.env._("Webhook subscription"),
                account._error_text(error),
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
            self._add_line(
                "error",
                topic,
                account._error_text(error),
                self._error_advice(error, self.env._("Press Connect again.")),
            )
            return
        urls = [app.callback_url for app in apps]
        if account.webhook_url in urls:
            self._add_line(
                "ok", topic, self.env._("Meta posts this account's messages to this server.")
            )
        elif apps:
            self._add_line(
                "warning",
                topic,
                self.env._("The account is subscribed, with the address of the app's dashboard."),
                self.env._("Check there that it is the address below."),
            )
        else:
            self._add_line(
                "error",
                topic,
                self.env._("No app receives this account's events."),
                self.env._("Press Connect again."),
            )

    def _check_app(self, client, token):
        """Check that the app secret is that of the token's app: it verifies Meta's events."""
        account = self.account_id.sudo()
        if account.app_uid and token.app_uid and account.app_uid != token.app_uid:
            self._add_line(
                "error",
                self.env._("App"),
                self.env._(
                    "The access token is from the app %(other)s, not from %(own)s.",
                    other=token.app_uid,
                    own=account.app_uid,
                ),
                self.env._("Enter the ID and the secret of the app that the token is from."),
            )
        if not account.app_secret:
            return
        topic = self.env._("App secret")
        try:
            is_right = client.check_app_secret(account.app_secret)
        except CloudApiError as error:
            self._add_line(
                "unproved",
                topic,
                self.env._("It could not be checked. %s", account._error_text(error)),
                self._error_advice(error, self.env._("Check again in a few minutes.")),
            )
            return
        if is_right:
            self._add_line("ok", topic, self.env._("It is the secret of the token's app."))
        else:
            self._add_line(
                "error",
                topic,
                self.env._(
                    "It is not the secret of the token's app. Every event from Meta would be "
                    "refused, opt-outs too."
                ),
                self.env._("Copy it from the app's dashboard: App settings → Basic."),
            )

    def _check_subscribed_fields(self, account):
        """Check which events the app receives; all but messages depend on the app's settings."""
        topic = self.env._("Webhook fields")
        if not (account.app_secret and account.app_uid):
            self._add_line(
                "info",
                topic,
                self.env._("Not checked: the app's ID and secret are needed."),
                self.env._("Enter the App ID on the account."),
            )
            return
        try:
            client = account._app_client()
            subscribed = client.get_subscribed_fields(account.app_uid)
        except CloudApiError as error:
            self._add_line(
                "unproved",
                topic,
                account._error_text(error),
                self._error_advice(
                    error,
                    self.env._("Check the App ID and the app secret."),
                    own=("token", "permission"),
                ),
            )
            return
        missing = [name for name in NEEDED_FIELDS if name not in subscribed.fields]
        if not missing and subscribed.is_active:
            self._add_line("ok", topic, self.env._("All fields this addon reads are subscribed."))
            return
        self._add_line(
            "warning",
            topic,
            self.env._("Not subscribed: %s.", ", ".join(missing))
            if missing
            else self.env._("The app's webhooks are switched off."),
            self.env._(
                "In the app's dashboard, under WhatsApp → Configuration, subscribe to these fields."
            ),
        )

    def _check_webhook(self, account):
        topic = self.env._("Webhook")
        self._report_refusals(account)
        if account.last_event_at:
            self._add_line(
                "ok",
                topic,
                self.env._("Last event received %s.", self._moment(account.last_event_at)),
            )
        else:
            self._add_line(
                "unproved",
                topic,
                self.env._("No event has come in yet: that Meta's events arrive is not proved."),
                self.env._(
                    "In the app's dashboard, under WhatsApp → Configuration, enter the address "
                    "and the verify token below and subscribe to all fields. Check that the app "
                    "is in Live mode: Meta does not report it. Then send yourself a message."
                ),
            )

    def _report_refusals(self, account):
        """Report refused bodies: our secret is wrong, or another sender knows the address."""
        if not account.refused_count:
            return
        is_all = not account.last_event_at or account.refused_at > account.last_event_at
        self._add_line(
            "error" if is_all else "warning",
            self.env._("Refused events"),
            self.env._(
                "%(count)s events were refused because of their signature, last %(when)s.",
                count=account.refused_count,
                when=self._moment(account.refused_at),
            ),
            self.env._(
                "Copy the app secret again from the app's dashboard. If it is right, somebody else "
                "posts to the callback address."
            ),
        )
