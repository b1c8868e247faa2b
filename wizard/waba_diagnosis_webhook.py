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
                    "Meta must reach %s over https with a valid certificate. Check web.base.url "
                    "and the proxy.",
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
                self._error_advice(error, self.env._("Reconnect the account.")),
            )
            return
        urls = [app.callback_url for app in apps]
        if account.webhook_url in urls:
            self._add_line("ok", topic, self.env._("Events of this account go to this server."))
        elif apps:
            self._add_line(
                "warning",
                topic,
                self.env._("Events go to the callback URL of the app dashboard."),
                self.env._("Check that it is the callback URL below."),
            )
        else:
            self._add_line(
                "error",
                topic,
                self.env._("No app receives the events of this account."),
                self.env._("Reconnect the account."),
            )

    def _check_app(self, client, token):
        """Check that the app secret is that of the token's app: it verifies Meta's events."""
        account = self.account_id.sudo()
        if account.app_uid and token.app_uid and account.app_uid != token.app_uid:
            self._add_line(
                "error",
                self.env._("App"),
                self.env._(
                    "The access token belongs to the app %(other)s, not %(own)s.",
                    other=token.app_uid,
                    own=account.app_uid,
                ),
                self.env._("Enter the ID and secret of the token's app."),
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
                self.env._("Not checked. %s", account._error_text(error)),
                self._error_advice(error, self.env._("Check again in a few minutes.")),
            )
            return
        if is_right:
            self._add_line("ok", topic, self.env._("Matches the access token's app."))
        else:
            self._add_line(
                "error",
                topic,
                self.env._(
                    "Does not match the access token's app: every event, opt-outs included, would "
                    "be rejected."
                ),
                self.env._("Copy it from the app dashboard: App settings → Basic."),
            )

    def _check_subscribed_fields(self, account):
        """Check which events the app receives; all but messages depend on the app's settings."""
        topic = self.env._("Webhook fields")
        if not (account.app_secret and account.app_uid):
            self._add_line(
                "info",
                topic,
                self.env._("Not checked: App ID or app secret missing."),
                self.env._("Enter both on the account."),
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
        account.missing_webhook_fields = {
            "missing": missing if subscribed.is_active else list(NEEDED_FIELDS)
        }
        if not missing and subscribed.is_active:
            self._add_line("ok", topic, self.env._("All required fields subscribed."))
            return
        self._add_line(
            "warning",
            topic,
            self.env._("Not subscribed: %s.", ", ".join(missing))
            if missing
            else self.env._("The webhooks of the app are switched off."),
            self.env._(
                "Subscribe to them in the app dashboard: WhatsApp → Configuration → Webhook fields."
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
                self.env._("No event received yet."),
                self.env._(
                    "In the app dashboard under WhatsApp → Configuration, enter the callback URL "
                    "and verify token below and subscribe to all fields. Switch the app to Live "
                    "mode, then run the round trip test."
                ),
            )

    def _report_refusals(self, account):
        """Report refused bodies: our secret is wrong, or another sender knows the address."""
        if not account.refused_count:
            return
        is_all = not account.last_event_at or account.refused_at > account.last_event_at
        self._add_line(
            "error" if is_all else "warning",
            self.env._("Rejected events"),
            self.env._(
                "%(count)s events rejected for a wrong signature, last %(when)s.",
                count=account.refused_count,
                when=self._moment(account.refused_at),
            ),
            self.env._(
                "Copy the app secret again from the app dashboard. If it is correct, another "
                "sender posts to the callback URL."
            ),
        )
