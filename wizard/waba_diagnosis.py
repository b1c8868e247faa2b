import logging

from odoo import api, fields, models
from odoo.tools import format_datetime

from ..cloud_api import CloudApiError, NotSent, RetryLater, UnknownOutcome
from ..models.waba_sender import STATUS_SENDING
from ..models.window_actions import form_of

_logger = logging.getLogger(__name__)

NEEDED_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")


class WabaDiagnosis(models.TransientModel):
    """Line by line, whether an account works: asked of Meta at the moment it is opened.

    `_run(account, connect=True)` also takes over what it reads and subscribes the webhook; without
    it nothing is changed.
    """

    _name = "waba.diagnosis"
    _description = "WhatsApp Account Diagnosis"

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    line_ids = fields.One2many(
        "waba.diagnosis.line", "diagnosis_id", "What we found", readonly=True
    )
    webhook_url = fields.Char("Callback address", compute="_compute_webhook")
    verify_token = fields.Char("Verify token", compute="_compute_webhook")
    verdict = fields.Selection(
        [
            ("ok", "Everything works"),
            ("warning", "Works, with remarks"),
            ("error", "Does not work yet"),
        ],
        compute="_compute_verdict",
    )
    did_connect = fields.Boolean(readonly=True)

    @api.depends("account_id")
    def _compute_webhook(self):
        is_admin = self.env.user.has_group("base.group_system")
        for diagnosis in self:
            account = diagnosis.account_id.sudo()
            diagnosis.webhook_url = account.webhook_url if is_admin else False
            diagnosis.verify_token = account.verify_token if is_admin else False

    @api.depends("line_ids.level")
    def _compute_verdict(self):
        for diagnosis in self:
            levels = set(diagnosis.line_ids.mapped("level"))
            diagnosis.verdict = next(
                (level for level in ("error", "warning") if level in levels), "ok"
            )

    @api.depends("account_id")
    def _compute_display_name(self):
        for diagnosis in self:
            diagnosis.display_name = self.env._("Diagnosis of %s", diagnosis.account_id.name)

    def _get_action(self):
        return {
            **form_of(self),
            "name": self.env._("Connection") if self.did_connect else self.env._("Diagnosis"),
            "target": "new",
        }

    def action_again(self):
        return self._run(self.account_id)._get_action()

    # ------------------------------------------------------------------
    # The checks
    # ------------------------------------------------------------------

    @api.model
    @api.private
    def _run(self, account, connect=False):
        """Ask Meta everything about `account`; stops early only when the token is refused.

        :return: the waba.diagnosis to show
        """
        diagnosis = self.sudo().create({"account_id": account.id, "did_connect": connect})
        account = account.sudo()
        missing = [
            label
            for name, label in (
                ("access_token", self.env._("access token")),
                ("app_secret", self.env._("app secret")),
                ("verify_token", self.env._("verify token")),
            )
            if not account[name]
        ]
        if missing:
            diagnosis._add(
                "error",
                self.env._("Keys"),
                self.env._("Missing: %s.", ", ".join(missing)),
                self.env._("Copy them from the app's dashboard at developers.facebook.com."),
            )
        if account.access_token:
            client = account._client()
            if diagnosis._check_token(client, connect):
                diagnosis._check_account(client, connect)
        diagnosis._check_webhook(account)
        if connect:
            diagnosis._conclude(account)
        return diagnosis.sudo(False)

    def _add(self, level, topic, text, advice=False):
        self.env["waba.diagnosis.line"].create(
            {
                "diagnosis_id": self.id,
                "level": level,
                "topic": topic,
                "text": text,
                "advice": advice,
            }
        )

    def _way_out(self, error, otherwise):
        """What to do about `error`: a passing trouble of the line or of Meta's is no setting's."""
        if isinstance(error, NotSent):
            return self.env._("Check the API address and the server's way to the internet.")
        if isinstance(error, (RetryLater, UnknownOutcome)):
            return self.env._("Try again in a few minutes.")
        return otherwise

    def _check_token(self, client, connect):
        """Valid, until when, and with which permissions. False when nothing else can be asked."""
        topic = self.env._("Access token")
        new_token = self.env._(
            "Make a permanent token for a system user in Meta's Business settings."
        )
        try:
            token = client.debug_token()
        except CloudApiError as error:
            self._add(
                "error", topic, self.account_id._explain(error), self._way_out(error, new_token)
            )
            return error.failure_type not in ("token", "not_sent") and error.code is not None
        if not token.is_valid:
            self._add(
                "error", topic, self.env._("Meta says that this token is not valid."), new_token
            )
            return False
        if connect:
            self.account_id.sudo().token_expires_at = token.expires_at
        if token.expires_at:
            self._add(
                "warning",
                topic,
                self.env._(
                    "Valid until %s, then nothing can be sent.",
                    format_datetime(self.env, token.expires_at, dt_format="d MMM y, HH:mm"),
                ),
                self.env._("A system user's permanent token does not expire."),
            )
        else:
            self._add("ok", topic, self.env._("Valid, without an end."))
        lacking = [scope for scope in NEEDED_SCOPES if scope not in token.scopes]
        if lacking:
            self._add(
                "error",
                self.env._("Permissions"),
                self.env._("The token lacks: %s.", ", ".join(lacking)),
                self.env._("Make a token with both WhatsApp permissions."),
            )
        else:
            self._add(
                "ok", self.env._("Permissions"), self.env._("Both WhatsApp permissions are there.")
            )
        return True

    def _check_account(self, client, connect):
        account = self.account_id.sudo()
        try:
            if connect:
                account._sync()
                self._subscribe(client)
            facts = client.get_account(account.waba_uid)
            numbers = list(client.list_phone_numbers(account.waba_uid))
        except CloudApiError as error:
            self._add(
                "error",
                self.env._("WhatsApp Business Account"),
                account._explain(error),
                self._way_out(
                    error,
                    self.env._("Check the account's ID, and that the token's user may manage it."),
                ),
            )
            return
        self._tell_account(facts)
        self._tell_health(facts.health)
        self._check_numbers(numbers)
        self._check_templates()
        self._check_subscription(client)

    def _tell_account(self, facts):
        limits = dict(
            self.env["waba.portfolio"]._fields["messaging_limit"]._description_selection(self.env)
        )
        self._add("ok", self.env._("WhatsApp Business Account"), facts.name or facts.waba_uid)
        if facts.portfolio_uid:
            self._add(
                "ok",
                self.env._("Business portfolio"),
                f"{facts.portfolio_name or facts.portfolio_uid}",
            )
        else:
            self._add(
                "warning",
                self.env._("Business portfolio"),
                self.env._("Meta does not name the portfolio to this token."),
                self.env._(
                    "The daily limit is counted for this account alone. If other accounts share "
                    "the portfolio, set an own daily limit on it."
                ),
            )
        limit = facts.messaging_limit
        portfolio = self.account_id.portfolio_id
        if limit == "unknown" and portfolio:
            limit = portfolio.messaging_limit
        self._add(
            "ok" if limit != "unknown" else "warning",
            self.env._("Daily limit"),
            limits.get(limit, limit),
            False
            if limit != "unknown"
            else self.env._("Until Meta tells, we count on 250 people."),
        )

    def _tell_health(self, health):
        """Each link of the chain that Meta says can send, or why it cannot."""
        labels = {
            "waba": self.env._("account"),
            "business": self.env._("portfolio"),
            "app": self.env._("app"),
            "phone_number": self.env._("number"),
            "message_template": self.env._("template"),
        }
        for entity in health.entities if health else ():
            topic = self.env._("Health: %s", labels.get(entity.type, entity.type))
            if entity.can_send == "available":
                self._add("ok", topic, self.env._("Can send."))
                continue
            level = "error" if entity.can_send == "blocked" else "warning"
            details = [error.description for error in entity.errors] + list(entity.additional_info)
            solutions = [error.solution for error in entity.errors if error.solution]
            self._add(
                level,
                topic,
                "; ".join(details) or self.env._("Meta says: %s.", entity.can_send),
                "; ".join(solutions),
            )

    def _check_numbers(self, numbers):
        if not numbers:
            self._add(
                "error",
                self.env._("Numbers"),
                self.env._("The account has no number."),
                self.env._("Add a number in WhatsApp Manager."),
            )
        ratings = dict(
            self.env["waba.sender"]._fields["quality_rating"]._description_selection(self.env)
        )
        for number in numbers:
            can_send = number.status in STATUS_SENDING
            self._add(
                "ok" if can_send and number.quality_rating != "red" else "warning",
                self.env._("Number %s", number.display_phone_number),
                self.env._(
                    "%(status)s · Meta's rating: %(rating)s · %(rate)s messages per second",
                    status=number.status or self.env._("status not told"),
                    rating=ratings[number.quality_rating],
                    rate=number.messages_per_second,
                ),
                False
                if can_send
                else self.env._("Settle the number's status in WhatsApp Manager."),
            )

    def _check_templates(self):
        approved = self.env["waba.template"].search_count(
            [("account_id", "=", self.account_id.id), ("status", "=", "approved")]
        )
        self._add(
            "ok" if approved else "warning",
            self.env._("Templates"),
            self.env._("%s approved templates.", approved),
            False if approved else self.env._("Have a template approved in WhatsApp Manager."),
        )

    # ------------------------------------------------------------------
    # The webhook
    # ------------------------------------------------------------------

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

    def _conclude(self, account):
        """Connected when nothing stands against sending; otherwise as before."""
        if "error" in self.line_ids.mapped("level"):
            return
        if account.state == "stopped":
            account._resume(self.env._("connected again by %s.", self.env.user.name))
        elif account.state == "draft":
            account.state = "connected"
            account._message_log(body=self.env._("Connected by %s.", self.env.user.name))
            account.sender_ids._wake()


class WabaDiagnosisLine(models.TransientModel):
    _name = "waba.diagnosis.line"
    _description = "WhatsApp Account Diagnosis Line"

    diagnosis_id = fields.Many2one("waba.diagnosis", required=True, ondelete="cascade")
    level = fields.Selection(
        [("ok", "Fine"), ("info", "Note"), ("warning", "Check"), ("error", "Stop")], required=True
    )
    topic = fields.Char(required=True)
    text = fields.Text()
    advice = fields.Text("What to do")
