"""Base: a WhatsApp Business Account: its keys, API client, webhook address and stops.

Called by its form, the webhook controller, the sync, and all code that calls the API.
"""

import logging
import re
import secrets
from datetime import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...cloud_api import (
    AddressRefused,
    CloudApiClient,
    CloudApiError,
    check_resolved,
    is_local,
    parse_allowed,
)
from ..tools.hooks import hook
from ..tools.labels import selection_label
from ..tools.platform_words import error_detail, platform_word
from ..tools.reputation_texts import format_number
from ..tools.stop_causes import ACCOUNT_STOPS

_logger = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://graph.facebook.com"

# Meta, Graph API changelog: v25.0 of 2026-02-18 is served until 2028-07-29.
DEFAULT_API_VERSION = "v25.0"

# System parameter: private hosts and networks that may be called, separated by commas.
ALLOWED_ADDRESSES = "waba_campaign.allowed_addresses"


class WabaAccount(models.Model):
    """A WhatsApp Business Account (WABA), with its keys.

    States: `draft` (not connected) → `connected` ⇄ `stopped` (nothing is sent: token refused,
    restricted, billing…; `stop_reason` is shown, `resume_at` is when it ends automatically).
    Entry points: `action_connect`, `action_diagnose`, `_add_stop`, `_lift_stops`, and `_cron_poll`
    (waba_account_sync.py).
    Note: only the system administrator can read the keys; other code uses `_client()`, which never
    returns them.
    """

    _name = "waba.account"
    _description = "WhatsApp Business Account"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, default=lambda self: self.env._("WhatsApp"))
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    portfolio_id = fields.Many2one(
        "waba.portfolio", readonly=True, copy=False, index=True, ondelete="restrict"
    )
    # Keys
    waba_uid = fields.Char("Account ID", required=True, copy=False)
    app_uid = fields.Char("App ID", copy=False)
    access_token = fields.Char(
        "Access token", groups="base.group_system", copy=False, exportable=False, tracking=False
    )
    app_secret = fields.Char(
        "App secret", groups="base.group_system", copy=False, exportable=False, tracking=False
    )
    verify_token = fields.Char(
        "Verify token",
        groups="base.group_system",
        copy=False,
        exportable=False,
        default=lambda self: secrets.token_urlsafe(16),
        help="Any text; Meta repeats it when it verifies the callback URL.",
    )
    webhook_key = fields.Char(
        "Webhook key",
        groups="base.group_system",
        copy=False,
        exportable=False,
        readonly=True,
        default=lambda self: secrets.token_urlsafe(24),
    )
    webhook_url = fields.Char(
        "Callback URL",
        compute="_compute_webhook_url",
        groups="base.group_system",
        exportable=False,
    )
    base_url = fields.Char("API URL", required=True, default=DEFAULT_BASE_URL)
    api_version = fields.Char("API version", required=True, default=DEFAULT_API_VERSION)
    is_simulated = fields.Boolean("Simulated", compute="_compute_is_simulated")
    # State
    state = fields.Selection(
        [("draft", "Not connected"), ("connected", "Connected"), ("stopped", "Stopped")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    stop_reason = fields.Text("Stop reason", readonly=True, copy=False)
    resume_at = fields.Datetime("Resumes at", readonly=True, copy=False)
    stops = fields.Json(
        readonly=True,
        copy=False,
        help="Stop reasons by cause: {cause of ACCOUNT_STOPS: {'reason': "
        "sentence, 'until': datetime as text or False}}.",
    )
    # Reported by Meta
    restriction = fields.Char("Restriction code", readonly=True, copy=False)
    restricted_until = fields.Datetime("Restricted until", readonly=True, copy=False)
    token_expires_at = fields.Datetime("Token expires", readonly=True, copy=False)
    review_status = fields.Char("Account review code", readonly=True, copy=False)
    marketing_disabled = fields.Boolean(
        "Promotions disabled",
        readonly=True,
        copy=False,
        help="Meta accepts promotions only through its Marketing Messages API (error 131063).",
    )
    blocked_country_codes = fields.Char(
        "Blocked countries",
        readonly=True,
        copy=False,
        help="Meta does not deliver messages of this account there (error 130497).",
    )
    health_status = fields.Json(readonly=True, copy=False)
    missing_webhook_fields = fields.Json(
        readonly=True,
        copy=False,
        help="What the app lacked at the last diagnosis: {'missing': [webhook field]}.",
    )
    review_text = fields.Char("Account review", compute="_compute_platform_texts")
    restriction_text = fields.Char("Restriction", compute="_compute_platform_texts")
    volume_tiers = fields.Json(
        readonly=True,
        copy=False,
        help="By market and category, as Meta reports them: {'ES utility': [month, first, last]}.",
    )
    volume_tier_text = fields.Text("Volume tiers", compute="_compute_volume_tier_text")
    synced_at = fields.Datetime("Last sync", readonly=True, copy=False)
    # Related records
    last_event_at = fields.Datetime("Last event", compute="_compute_last_event_at")
    sender_ids = fields.One2many("waba.sender", "account_id", string="Numbers", readonly=True)
    template_ids = fields.One2many("waba.template", "account_id", string="Templates", readonly=True)
    sender_count = fields.Integer("Number count", compute="_compute_counts")
    template_count = fields.Integer("Template count", compute="_compute_counts")

    _waba_uid_uniq = models.Constraint(
        "UNIQUE(waba_uid)", "This WhatsApp Business Account is already connected."
    )
    _webhook_key_uniq = models.Constraint("UNIQUE(webhook_key)", "Webhook keys must be unique.")

    @api.depends("review_status", "restriction")
    def _compute_platform_texts(self):
        for account in self:
            account.review_text = platform_word(self.env, account.review_status)
            account.restriction_text = platform_word(self.env, account.restriction)

    @api.depends("volume_tiers")
    @api.depends_context("lang")
    def _compute_volume_tier_text(self):
        for account in self:
            tiers = account.volume_tiers or {}
            account.volume_tier_text = "\n".join(
                account._describe_tier(*key.rsplit(" ", 1), *tier)
                for key, tier in sorted(tiers.items())
            )

    def _describe_tier(self, market, category, month, first, last):
        """'India, Service message, 2026-11: from message 25,000,001 to 50,000,000'."""
        texts = {
            "market": market.title(),
            "category": selection_label(self.env, "category", category, "waba.message"),
            "month": month,
            "first": format_number(self.env, first),
            "last": format_number(self.env, last or 0),
        }
        if last:
            return self.env._(
                "%(market)s, %(category)s, %(month)s: messages %(first)s to %(last)s", **texts
            )
        return self.env._("%(market)s, %(category)s, %(month)s: from message %(first)s", **texts)

    @api.depends("base_url")
    def _compute_is_simulated(self):
        """Whether the account is a local simulator's, which sends nothing to anyone."""
        for account in self:
            account.is_simulated = is_local(account.base_url)

    @api.depends("webhook_key")
    def _compute_webhook_url(self):
        for account in self:
            account.webhook_url = f"{account.get_base_url()}/waba/webhook/{account.webhook_key}"

    def _compute_last_event_at(self):
        events = self.env["waba.webhook.event"].sudo()
        for account in self:
            # A maximum would read all webhooks of the account; this reads one entry of the index.
            account.last_event_at = events.search(
                [("account_id", "=", account.id)], order="received_at desc", limit=1
            ).received_at

    @api.depends("sender_ids", "template_ids")
    def _compute_counts(self):
        for name, model in (("sender_count", "waba.sender"), ("template_count", "waba.template")):
            groups = self.env[model]._read_group(
                [("account_id", "in", self.ids)], ["account_id"], ["__count"]
            )
            counts = {account.id: count for account, count in groups}
            for account in self:
                account[name] = counts.get(account.id, 0)

    @api.constrains("api_version")
    def _check_api_version(self):
        for account in self:
            if not re.fullmatch(r"v\d{1,3}\.\d{1,2}", account.api_version or ""):
                raise ValidationError(
                    self.env._(
                        "%(version)s is not an API version. Use the format %(example)s.",
                        version=account.api_version,
                        example=DEFAULT_API_VERSION,
                    )
                )

    @api.constrains("base_url")
    def _check_base_url(self):
        for account in self:
            try:
                check_resolved(account.base_url, account._allowed_addresses())
            except AddressRefused as refused:
                raise ValidationError(account._address_refusal_text(refused)) from refused

    @api.constrains("access_token")
    def _check_access_token(self):
        for account in self.sudo():
            if account.access_token and not re.fullmatch(r"[\x21-\x7e]+", account.access_token):
                raise ValidationError(
                    self.env._(
                        "The access token contains a space, a line break or a special character. "
                        "Copy it again."
                    )
                )

    @api.constrains("waba_uid", "app_uid")
    def _check_uids(self):
        for account in self:
            for value in (account.waba_uid, account.app_uid):
                if value and not re.fullmatch(r"[0-9]{1,40}", value):
                    raise ValidationError(
                        self.env._(
                            "%s is not a Meta ID, which has digits only. Copy it from WhatsApp "
                            "Manager or the app dashboard.",
                            value,
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._strip_keys(vals)
        accounts = super().create(vals_list)
        accounts._on_change({name for vals in vals_list for name in vals})
        accounts.portfolio_id._on_accounts_change()
        return accounts

    def write(self, vals):
        self._strip_keys(vals)
        is_moved = not vals.keys().isdisjoint(("portfolio_id", "company_id"))
        portfolios = self.portfolio_id if is_moved else self.env["waba.portfolio"]
        result = super().write(vals)
        if vals.get("active"):
            self.sudo().sender_ids._trigger_dispatch()
        self._on_change(vals.keys())
        if is_moved:
            (portfolios | self.portfolio_id)._on_accounts_change()
        return result

    def unlink(self):
        """Also delete its numbers, their jobs and its templates; a number in use raises.

        Templates before the account: evidence names both, and PostgreSQL checks the one while it
        empties the other.
        """
        accounts = self.with_context(active_test=False)
        accounts.sender_ids.unlink()
        accounts.template_ids.unlink()
        return super().unlink()

    @api.model
    def _strip_keys(self, vals):
        """Remove blanks and line breaks around values that are pasted from a browser."""
        for name in (
            "access_token",
            "app_secret",
            "verify_token",
            "waba_uid",
            "app_uid",
            "base_url",
        ):
            if isinstance(vals.get(name), str):
                vals[name] = vals[name].strip()

    def action_connect(self):
        """Check the keys, sync, subscribe the webhook and show the result."""
        self.ensure_one()
        self.check_access("write")
        diagnosis = self.env["waba.diagnosis"]._run_checks(self, connect=True)
        return diagnosis._get_action()

    def action_diagnose(self):
        """Run the checks of the diagnosis again and show the result."""
        self.ensure_one()
        self._check_operator()
        return self.env["waba.diagnosis"]._run_checks(self)._get_action()

    def action_sync(self):
        """Sync numbers, limits and templates.

        :raise UserError: Meta refused or could not be reached
        """
        self._check_operator()
        for account in self:
            try:
                account.sudo()._sync()
            except CloudApiError as error:
                raise UserError(account._error_text(error)) from error
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Numbers, limits and templates are up to date."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_view_senders(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Numbers"),
            "res_model": "waba.sender",
            "view_mode": "kanban,list,form",
            "domain": [("account_id", "=", self.id)],
        }

    def action_view_templates(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Templates"),
            "res_model": "waba.template",
            "view_mode": "kanban,list,form",
            "domain": [("account_id", "=", self.id)],
        }

    def action_resume(self):
        """Lift all stops."""
        self._check_operator()
        self.sudo()._resume(self.env._("resumed by %s.", self.env.user.name))

    def _check_operator(self):
        """Managers may sync, check and resume accounts that only administrators may write.

        :raise AccessError: the user is neither
        """
        self.check_access("read")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            self.check_access("write")

    # === Hooks ===

    @hook
    def _on_change(self, names):
        """After these accounts were created or written.

        :param names: the fields that were written
        """

    @hook
    def _on_new_subjects(self):
        """After a sync found a new portfolio, number or template, for which webhooks may wait."""

    @hook
    def _on_message_changes(self, ids):
        """After messages were received, or statuses and refusals changed them, in the same
        transaction; called on the model.

        :param ids: of waba.message
        """

    @hook
    def _on_poll(self, now):
        """After the job has synced all connected accounts; called on the model.

        :param now: naive UTC datetime
        :return: whether to sync again after BUSY_INTERVAL
        """

    # === API ===

    @api.private
    def _client(self, **kwargs):
        """A CloudApiClient with this account's token, which the caller need not be able to read.

        :param kwargs: further parameters of CloudApiClient
        :raise UserError: there is no token, or the API address is refused
        """
        self.ensure_one()
        account = self.sudo()
        if not account.access_token:
            raise UserError(
                self.env._(
                    "%s has no access token. An administrator can enter it under "
                    "WhatsApp → Configuration → Accounts.",
                    account.name,
                )
            )
        try:
            return CloudApiClient(
                account.base_url,
                account.api_version,
                account.access_token,
                allowed=self._allowed_addresses(),
                **kwargs,
            )
        except AddressRefused as refused:
            raise UserError(self._address_refusal_text(refused)) from refused

    @api.private
    def _app_client(self):
        """A CloudApiClient with the app's own token; app ID and secret must be set."""
        account = self.sudo()
        return CloudApiClient(
            account.base_url,
            account.api_version,
            f"{account.app_uid}|{account.app_secret}",
            allowed=self._allowed_addresses(),
        )

    @api.model
    def _allowed_addresses(self):
        """Private hosts and networks that the system parameter allows, parsed.

        If one entry cannot be parsed, none is allowed.
        """
        text = self.env["ir.config_parameter"].sudo().get_param(ALLOWED_ADDRESSES)
        try:
            return parse_allowed(text)
        except ValueError as error:
            _logger.warning("%s: %s", ALLOWED_ADDRESSES, error)
            return ()

    def _address_refusal_text(self, refused):
        """Why an API address is refused, as a sentence.

        :param refused: cloud_api.AddressRefused
        """
        return {
            "malformed": self.env._(
                "The API URL must begin with https:// and name a host, without user or parameters."
            ),
            "not_https": self.env._(
                "The API URL must begin with https://: otherwise the access token is sent "
                "unencrypted."
            ),
            "port": self.env._(
                "The API URL has a non-standard port. Remove it, or add the host to the system "
                "parameter %s.",
                ALLOWED_ADDRESSES,
            ),
            "private": self.env._(
                "The API URL is in a private network. To allow it, add the host to the system "
                "parameter %s.",
                ALLOWED_ADDRESSES,
            ),
        }[refused.reason]

    def _error_text(self, error):
        """A CloudApiError as a sentence, with Meta's error code."""
        text = error_detail(self.env, error) or self.env._("no reason given")
        if error.code is None:
            return self.env._("WhatsApp could not be reached: %s.", text)
        return self.env._(
            "WhatsApp refused the request: %(text)s (error %(code)s).", code=error.code, text=text
        )

    # === Webhooks ===

    @api.model
    @api.private
    def _find_webhook_keys(self, webhook_key):
        """The account of a webhook address, archived or not, in one query.

        :return: (account id, app secret, verify token), or None for an unknown key
        """
        names = ("webhook_key", "app_secret", "verify_token")
        self.flush_model(names)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, app_secret, verify_token FROM waba_account WHERE webhook_key = %s",
                webhook_key,
            )
        )
        return rows[0] if rows else None

    def _same_app_accounts(self):
        """The accounts that a webhook signed by this one's app may change, archived ones too.

        A signature proves the app secret. One app may serve several accounts, of several companies;
        what it signs is not valid for an account with another secret, whatever ids it names.
        """
        self.ensure_one()
        secret = self.sudo().app_secret
        if not secret:
            return self
        accounts = self.sudo().with_context(active_test=False)
        return self | accounts.search([("app_secret", "=", secret)]).with_env(self.env)

    # === Stops ===

    def _add_stop(self, reason, until=None, cause="refused"):
        """Stop sending from this account's numbers; queued messages wait.

        :param reason: sentence: what happened and what to do
        :param until: naive UTC datetime at which it ends, or None: until its counterpart or a
            user lifts it
        :param cause: a key of `ACCOUNT_STOPS`
        """
        for account in self.filtered(lambda account: account.state != "draft"):
            stops = account._active_stops()
            known = stops.get(cause)
            if known and known["reason"] != reason and _is_later_stop(known, until):
                continue
            stops[cause] = {"reason": reason, "until": fields.Datetime.to_string(until)}
            account._write_stops(stops)
            if not known or known["reason"] != reason:
                account._message_log(body=self.env._("Sending stopped: %s", reason))

    def _active_stops(self):
        """{cause: {'reason', 'until'}}; a stop of an earlier version has the cause 'refused'."""
        self.ensure_one()
        if self.state != "stopped":
            return {}
        until = fields.Datetime.to_string(self.resume_at)
        return dict(self.stops or {"refused": {"reason": self.stop_reason, "until": until}})

    def _write_stops(self, stops):
        """Store the stops in force and show the one that ends last; without any, connect."""
        self.ensure_one()
        last = max(stops.values(), key=_stop_end, default=None)
        values = {
            "stops": stops or False,
            "state": "stopped" if stops else "connected",
            "stop_reason": last and last["reason"],
            "resume_at": last and last["until"],
        }
        if "restriction" not in stops:
            values.update(restriction=False, restricted_until=False)
        self.write(values)

    def _lift_stops(self, causes, reason):
        """Lift some causes. If none is left, sending continues and its numbers' jobs are triggered.

        :param causes: keys of `ACCOUNT_STOPS`
        :param reason: sentence for the chatter
        """
        for account in self.filtered(lambda account: account.state == "stopped"):
            before = account._active_stops()
            stops = {cause: stop for cause, stop in before.items() if cause not in causes}
            if len(stops) == len(before):
                continue
            account._write_stops(stops)
            if stops:
                account._message_log(
                    body=self.env._(
                        "%(reason)s Still stopped: %(other)s",
                        reason=reason,
                        other=account.stop_reason,
                    )
                )
                continue
            account._message_log(body=self.env._("Sending resumed: %s", reason))
            account.sender_ids._trigger_dispatch()

    def _resume(self, reason):
        """Lift all causes.

        :param reason: sentence for the chatter
        """
        self._lift_stops(ACCOUNT_STOPS, reason)

    def _resume_if_due(self, now):
        """Lift the stops that end at `now` (naive UTC) or before."""
        for account in self.filtered(lambda account: account.state == "stopped"):
            due = [
                cause
                for cause, stop in account._active_stops().items()
                if stop["until"] and fields.Datetime.to_datetime(stop["until"]) <= now
            ]
            account._lift_stops(due, self.env._("the waiting time has passed."))

    def _blocked_countries(self):
        """ISO codes of the countries that Meta refuses to this account."""
        return frozenset((self.blocked_country_codes or "").split())

    def _block_country(self, code):
        for account in self:
            if code and code not in account._blocked_countries():
                account.blocked_country_codes = " ".join(
                    sorted({*account._blocked_countries(), code})
                )


def _stop_end(stop):
    """When a stop ends; one without a time ends last."""
    return fields.Datetime.to_datetime(stop["until"]) if stop["until"] else datetime.max


def _is_later_stop(stop, until):
    """Whether a stop in force ends later than `until`: a shorter one of its cause must not
    replace it."""
    return _stop_end(stop) > (until or datetime.max)
