"""Diagnosis of an account, and its connection: the run of all checks, token and permissions.

Called by `action_connect` and `action_diagnose` of the account.
"""

import logging
from collections import Counter

from odoo import api, fields, models

from ..cloud_api import CloudApiError, NotSent, RetryLater, UnknownOutcome
from ..models.base.waba_failure import ADVICE
from ..models.tools.labels import form_action, selection_label
from ..models.tools.moments import DAY_OF_YEAR, format_moment

_logger = logging.getLogger(__name__)

# Levels in the order of the lines; the first three decide the verdict.
LEVELS = ("error", "warning", "unproved", "info", "ok")

# Failures of the account and its keys, for which the common advice applies.
ACCOUNT_ERRORS = ("token", "permission", "account_restricted", "account_misclassified", "billing",
                  "marketing_disabled")  # fmt: skip

NEEDED_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")


class WabaDiagnosis(models.TransientModel):
    """Result of one diagnosis, line by line, from Meta's current answers.

    `_run_checks(account, connect=True)` also stores what it reads and subscribes the webhook;
    otherwise nothing is changed.
    """

    _name = "waba.diagnosis"
    _description = "WhatsApp Account Diagnosis"
    _inherit = ["waba.system.fields.mixin"]

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    line_ids = fields.One2many("waba.diagnosis.line", "diagnosis_id", "Checks", readonly=True)
    open_line_ids = fields.One2many(
        "waba.diagnosis.line", "diagnosis_id", domain=[("level", "!=", "ok")], readonly=True
    )
    passed_line_ids = fields.One2many(
        "waba.diagnosis.line", "diagnosis_id", domain=[("level", "=", "ok")], readonly=True
    )
    passed_text = fields.Char(compute="_compute_passed_text")
    webhook_url = fields.Char("Callback URL", compute="_compute_webhook")
    verify_token = fields.Char("Verify token", compute="_compute_webhook")
    verdict = fields.Selection(
        [
            ("ok", "Connected and verified"),
            ("unproved", "Connected, not yet verified"),
            ("warning", "To review"),
            ("error", "Not working"),
        ],
        compute="_compute_verdict",
    )
    verdict_text = fields.Char("Summary", compute="_compute_verdict")
    can_test = fields.Boolean(compute="_compute_can_test")
    is_simulated = fields.Boolean(related="account_id.is_simulated")
    did_connect = fields.Boolean(readonly=True)

    @api.depends("account_id")
    def _compute_webhook(self):
        is_admin = self.env.user.has_group("base.group_system")
        for diagnosis in self:
            account = diagnosis.account_id.sudo()
            diagnosis.webhook_url = account.webhook_url if is_admin else False
            diagnosis.verify_token = account.verify_token if is_admin else False

    @api.depends("passed_line_ids")
    def _compute_passed_text(self):
        label = selection_label(self.env, "level", "ok", "waba.diagnosis.line")
        for diagnosis in self:
            diagnosis.passed_text = f"{label} ({len(diagnosis.passed_line_ids)})"

    @api.depends("line_ids.level")
    def _compute_verdict(self):
        for diagnosis in self:
            counts = Counter(diagnosis.line_ids.mapped("level"))
            diagnosis.verdict = next((level for level in LEVELS[:3] if counts[level]), "ok")
            diagnosis.verdict_text = diagnosis._summarize(counts)

    @api.depends("account_id")
    def _compute_can_test(self):
        for diagnosis in self:
            account = diagnosis.account_id
            diagnosis.can_test = account.state == "connected" and bool(account.sender_ids)

    def _summarize(self, counts):
        """The verdict as one or two sentences.

        :param counts: Counter of the levels of the lines
        """
        if counts["error"]:
            return self.env._("Not working: %s blocking. Fix, then check again.", counts["error"])
        last_event_at = self.account_id.last_event_at
        if not last_event_at:
            verdict = self.env._("Connected, not yet verified: no event received.")
        elif counts["unproved"]:
            verdict = self.env._("Connected. %s not verified.", counts["unproved"])
        else:
            verdict = self.env._(
                "Connected and verified. Last event %s.",
                self._moment(last_event_at),
            )
        if counts["warning"]:
            verdict = f"{verdict} {self.env._('%s to review.', counts['warning'])}"
        return verdict

    @api.depends("account_id")
    def _compute_display_name(self):
        for diagnosis in self:
            diagnosis.display_name = self.env._("Diagnosis of %s", diagnosis.account_id.name)

    def action_rerun(self):
        """Run all checks again, without connecting."""
        return self._run_checks(self.account_id)._get_action()

    def action_test(self):
        """Open the round trip test of the account."""
        return self.env["waba.round.trip"]._open(self.account_id)

    def _get_action(self):
        return {
            **form_action(self),
            "name": self.env._("Connection") if self.did_connect else self.env._("Diagnosis"),
            "target": "new",
        }

    # === Checks ===

    @api.model
    @api.private
    def _run_checks(self, account, connect=False):
        """Run all checks of `account`; those at Meta end early only if the token is refused.

        :param connect: also store the results and connect
        :return: the waba.diagnosis to show
        """
        diagnosis = self.sudo().create({"account_id": account.id, "did_connect": connect})
        account = account.sudo()
        connect = diagnosis._check_home(account) and connect
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
            diagnosis._add_line(
                "error",
                self.env._("Keys"),
                self.env._("Missing: %s.", ", ".join(missing)),
                self.env._("Copy them from the app dashboard at developers.facebook.com."),
            )
        if account.access_token:
            client = account._client()
            if diagnosis._check_token(client, connect):
                diagnosis._check_account(client, connect)
                diagnosis._check_subscribed_fields(account)
        diagnosis._check_webhook(account)
        if connect:
            diagnosis._update_account_state(account)
        # After the connection: our own jobs do not prevent it, as queued work is kept.
        diagnosis._check_scheduler(account)
        return diagnosis.sudo(False)

    def _add_line(self, level, topic, text, advice=False):
        self.env["waba.diagnosis.line"].create(
            {
                "diagnosis_id": self.id,
                "level": level,
                "sequence": LEVELS.index(level),
                "topic": topic,
                "text": text,
                "advice": advice,
            }
        )

    def _error_advice(self, error, otherwise, own=()):
        """Return what to do about `error`; temporary errors and Meta's codes have their own advice.

        :param otherwise: the advice for other causes
        :param own: failure types for which `otherwise` is better than the common advice
        """
        if isinstance(error, NotSent):
            return self.env._("Check the API URL and the server's internet connection.")
        if isinstance(error, (RetryLater, UnknownOutcome)):
            return self.env._("Try again in a few minutes.")
        if error.failure_type in ACCOUNT_ERRORS and error.failure_type not in own:
            return self.env._(ADVICE[error.failure_type])
        return otherwise

    def _check_token(self, client, connect):
        """Check validity, expiry and permissions.

        :return: whether other checks at Meta are possible
        """
        topic = self.env._("Access token")
        new_token = self.env._(
            "Create a permanent token: Meta Business settings → System users → Generate token, "
            "expiration “Never”."
        )
        try:
            token = client.debug_token()
        except CloudApiError as error:
            self._add_line(
                "error",
                topic,
                self.account_id._error_text(error),
                self._error_advice(error, new_token, own=("token",)),
            )
            return error.failure_type not in ("token", "not_sent") and error.code is not None
        if not token.is_valid:
            self._add_line("error", topic, self.env._("The access token is not valid."), new_token)
            return False
        if connect:
            self.account_id.sudo().token_expires_at = token.expires_at
        if token.expires_at:
            self._add_line(
                "warning",
                topic,
                self.env._(
                    "Expires %s. Sending stops then.",
                    format_moment(self.env, token.expires_at, DAY_OF_YEAR),
                ),
                self.env._("Use a permanent token of a system user: it does not expire."),
            )
        else:
            self._add_line("ok", topic, self.env._("Does not expire."))
        self._check_app(client, token)
        lacking = [scope for scope in NEEDED_SCOPES if scope not in token.scopes]
        if lacking:
            self._add_line(
                "error",
                self.env._("Permissions"),
                self.env._("Missing: %s.", ", ".join(lacking)),
                self.env._("Create a token with both WhatsApp permissions."),
            )
        else:
            self._add_line(
                "ok", self.env._("Permissions"), self.env._("Both WhatsApp permissions granted.")
            )
        return True

    def _update_account_state(self, account):
        """Set the account to connected unless an error prevents sending."""
        if "error" in self.line_ids.mapped("level"):
            return
        account._record_home_database()
        if account.state == "stopped":
            account._resume(self.env._("reconnected by %s.", self.env.user.name))
        elif account.state == "draft":
            account.state = "connected"
            account._message_log(body=self.env._("Connected by %s.", self.env.user.name))
            account.sender_ids._trigger_dispatch()


class WabaDiagnosisLine(models.TransientModel):
    _name = "waba.diagnosis.line"
    _description = "WhatsApp Account Diagnosis Line"
    _inherit = ["waba.system.fields.mixin"]

    _order = "sequence, id"

    diagnosis_id = fields.Many2one("waba.diagnosis", required=True, ondelete="cascade")
    sequence = fields.Integer()
    level = fields.Selection(
        [
            ("ok", "Passed"),
            ("info", "Note"),
            ("unproved", "Not verified"),
            ("warning", "To review"),
            ("error", "Blocking"),
        ],
        required=True,
    )
    topic = fields.Char(required=True)
    text = fields.Text()
    advice = fields.Text("Fix")
