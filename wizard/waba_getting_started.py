"""Getting started: the steps of a company from nothing to its first campaign.

Called by its page (static/src/setup/getting_started.js) and by the app's first action. Each step is
checked on real data whenever the page opens; nothing is ticked off.
"""

from functools import partial

from odoo import api, models
from odoo.modules.module import get_manifest
from odoo.tools import format_date

from ..cloud_api import Health
from ..models.base.waba_sender import STATUS_SENDING
from ..models.tools.labels import selection_labels
from .waba_diagnosis_account import UNAPPROVED_NAME_STATUSES

# Of health errors: no valid payment method (Health status, 2025-10-22).
PAYMENT_ERROR = 141006
# Counting more takes longer than it is worth on this page.
MANY = 100_000
DOCS = {
    "user": "salesperson.md",
    "manager": "manager.md",
    "system": "administrator.md",
    "moving": "moving.md",
}
DOC_LANGUAGES = ("es",)


class WabaGettingStarted(models.AbstractModel):
    """The page's data: six steps, each with its state, what was found, and its buttons.

    States: `done`, `open` (to do), `attention` (done, with something to look at), `waiting` (a step
    before it comes first). A step that the user may not do says who does.
    """

    _name = "waba.getting.started"
    _description = "Getting Started with WhatsApp"

    @api.model
    def _start_action(self):
        """The app's first screen: this page until the company's first campaign or follow-up."""
        actions = self.env["ir.actions.actions"]
        name = "waba_campaign_action" if self._is_set_up() else "waba_getting_started_action"
        return actions._for_xml_id(f"waba_campaign.{name}")

    @api.model
    def _is_set_up(self):
        company = [("company_id", "=", self.env.company.id)]
        return any(
            self.env[model].sudo().search_count([*company, *domain], limit=1)
            for model, domain in (
                ("waba.campaign", [("launched_at", "!=", False)]),
                ("waba.sequence", [("state", "!=", "draft")]),
            )
        )

    @api.model
    def getting_started_data(self):
        """The steps of the user's current company, with the buttons the user has the right to.

        :return: {'company', 'steps': [dict], 'done', 'is_simulated', 'can_simulate', 'database',
            'docs': [{'label', 'url'}]}
        """
        account = self._find_account()
        connected = account.state in ("connected", "stopped")
        steps = [
            self._connect_step(account),
            self._number_step(account),
            self._template_step(account),
            self._opt_in_step(account),
            self._test_step(account),
            self._campaign_step(account),
        ]
        for step in steps[1:]:
            if not connected and step["state"] != "done":
                step.update(state="waiting", buttons=[])
        return {
            "company": self.env.company.name,
            "steps": steps,
            "done": sum(step["state"] in ("done", "attention") for step in steps),
            "is_simulated": account.is_simulated,
            "can_simulate": self._is_system() and self._simulation_refusal() is False,
            "database": self.env.cr.dbname if self._is_system() else "",
            "docs": self._docs(),
        }

    @api.model
    def open_round_trip(self):
        """Action that opens the test of the current company's account."""
        action = self.env["waba.round.trip"]._open(self._find_account())
        return {**action, "views": [(False, "form")]}

    # === Facts ===

    def _is_system(self):
        return self.env.user.has_group("base.group_system")

    def _is_manager(self):
        return self.env.user.has_group("waba_campaign.waba_group_manager")

    def _find_account(self):
        """The company's account: a connected one, else the latest that was begun; perhaps none."""
        accounts = self.env["waba.account"].search(
            [("company_id", "=", self.env.company.id)], order="id desc"
        )
        return (accounts.filtered(lambda one: one.state == "connected") or accounts)[:1]

    def _step(self, key, title, state, text, buttons=(), details=()):
        return {
            "key": key,
            "title": title,
            "state": state,
            "text": text,
            "buttons": list(buttons),
            "details": list(details),
        }

    def _button(self, label, action=None, method=None, **values):
        """A button of the page.

        :param action: XML id or dictionary of a window action
        :param method: [model, id, method] of an object button, or the page's own method
        """
        return {"label": label, "action": action, "method": method, **values}

    # === Steps ===

    def _connect_step(self, account):
        title = self.env._("Connect your WhatsApp account")
        step = partial(self._step, "connect", title)
        if not self._is_system():
            if account.state == "connected":
                return step("done", account.name)
            return step("open", self.env._("An administrator connects the account."))
        form = {
            "type": "ir.actions.act_window",
            "res_model": "waba.account",
            "res_id": account.id,
            "views": [(False, "form")],
        }
        details = self._connect_details(account)
        if not account or account.state == "draft":
            label = self.env._("Continue") if account else self.env._("Enter the keys")
            text = self.env._("Collect these values at Meta, enter them, and press Connect.")
            return step("open", text, [self._button(label, form)], details)
        diagnosis = self._button(
            self.env._("Diagnosis"), method=["waba.account", account.id, "action_diagnose"]
        )
        buttons = [self._button(self.env._("Open account"), form), diagnosis]
        if account.is_simulated:
            again = self._button(self.env._("Restart simulation"), method="simulate")
            return step("done", self.env._("%s (simulated)", account.name), [again, *buttons])
        if account.state == "stopped":
            return step("attention", account.stop_reason or "", buttons, details)
        if not account.last_event_at:
            text = self.env._("%s: connected, not yet verified: no event received.", account.name)
            return step("attention", text, buttons, details)
        is_open = any(detail["state"] == "open" for detail in details)
        return step("attention" if is_open else "done", account.name, buttons, details)

    def _connect_details(self, account):
        """Each value that a connection needs: where it is found at Meta, and whether it is right.

        :return: [{'label', 'where', 'state': done|open|unknown, 'text', 'copy'}]
        """
        account = account.sudo()
        is_connected = account.state in ("connected", "stopped")
        has_events = bool(account.last_event_at)
        app = self.env._("developers.facebook.com → your app")
        manager = self.env._("WhatsApp Manager")
        details = [
            self._detail(
                self.env._("App mode Live"),
                self.env._("%s → App mode, at the top", app),
                "done" if has_events else "unknown",
                "" if has_events else self.env._("Verified by the first event."),
            ),
            self._detail(
                self.env._("Account ID"),
                self.env._("%s → Account tools → Phone numbers", manager),
                "done" if account.waba_uid else "open",
            ),
            self._detail(
                self.env._("App ID and app secret"),
                self.env._("%s → App settings → Basic", app),
                "done" if account.app_uid and account.app_secret else "open",
            ),
            self._token_detail(account, is_connected),
        ]
        if account:
            details.append(
                self._detail(
                    self.env._("Callback URL"),
                    self.env._("%s → WhatsApp → Configuration → Webhook", app),
                    "done" if has_events else "unknown",
                    "" if has_events else self.env._("Verified by the first event."),
                    copy=account.webhook_url,
                )
            )
            details.append(
                self._detail(
                    self.env._("Verify token"),
                    self.env._("%s → WhatsApp → Configuration → Webhook", app),
                    "done" if has_events else "unknown",
                    copy=account.verify_token,
                )
            )
        details.append(self._fields_detail(account, app))
        details.append(self._name_detail(account, manager))
        details.append(self._payment_detail(account, is_connected))
        return details

    def _detail(self, label, where, state, text="", copy=False):
        return {"label": label, "where": where, "state": state, "text": text, "copy": copy}

    def _token_detail(self, account, is_connected):
        where = self.env._("Meta Business settings → System users → Generate token, never expires")
        state, text = "open", ""
        if account.access_token:
            state = "done" if is_connected else "unknown"
        if account.token_expires_at:
            state = "open"
            text = self.env._("Expires %s.", format_date(self.env, account.token_expires_at))
        return self._detail(self.env._("Permanent access token"), where, state, text)

    def _fields_detail(self, account, app):
        where = self.env._("%s → WhatsApp → Configuration → Webhook fields: all", app)
        checked = account.missing_webhook_fields
        missing = checked and checked["missing"]
        state = "unknown" if not checked else "open" if missing else "done"
        if state == "open":
            text = self.env._("Missing: %s.", ", ".join(missing))
        else:
            text = "" if state == "done" else self.env._("Verified by the Diagnosis.")
        return self._detail(self.env._("Webhook fields"), where, state, text)

    def _name_detail(self, account, manager):
        where = self.env._("%s → Account tools → Phone numbers → Display name", manager)
        names = account.sender_ids.filtered("name_status")
        waiting = names.filtered(lambda one: one.name_status in UNAPPROVED_NAME_STATUSES)
        text = ", ".join(
            f"{one.verified_name or one.display_phone_number}: {one.name_status_text}"
            for one in waiting or names
        )
        state = "open" if waiting else "done" if names else "unknown"
        return self._detail(self.env._("Display name"), where, state, text)

    def _payment_detail(self, account, is_connected):
        where = self.env._("Meta Business settings → Billing → WhatsApp account")
        health = Health.from_reply(account.health_status)
        codes = {error.code for entity in health.entities for error in entity.errors}
        if PAYMENT_ERROR in codes:
            return self._detail(
                self.env._("Payment method"), where, "open", self.env._("Meta reports none.")
            )
        is_known = is_connected and health.can_send != "unknown"
        text = self.env._("Meta reports no problem.") if is_known else ""
        state = "done" if is_known else "unknown"
        return self._detail(self.env._("Payment method"), where, state, text)

    def _number_step(self, account):
        step = partial(self._step, "number", self.env._("Choose your number"))
        senders = account.sender_ids
        buttons = [self._button(self.env._("View numbers"), "waba_campaign.waba_sender_action")]
        if not senders:
            text = self.env._("Add a number in WhatsApp Manager, then sync the account.")
            return step("open", text, buttons)
        ready = senders.filtered(lambda one: one.platform_status in STATUS_SENDING)
        ready = ready.filtered(lambda one: not one._not_sending_reason())
        if not ready:
            return step("open", senders[0]._not_sending_reason() or "", buttons)
        limits = selection_labels(self.env["waba.portfolio"], "messaging_limit")
        text = self.env._(
            "%(numbers)s · daily limit: %(limit)s",
            numbers=", ".join(ready.mapped("display_phone_number")[:3]),
            limit=limits[account.portfolio_id.messaging_limit or "unknown"],
        )
        return step("done", text, buttons)

    def _template_step(self, account):
        step = partial(self._step, "template", self.env._("Have a template approved"))
        templates = self.env["waba.template"]
        count = templates.search_count(
            [("account_id", "=", account.id), ("status", "=", "approved")]
        )
        buttons = []
        if account and self._is_manager() and not count:
            buttons = [
                self._button(
                    self.env._("Sync templates"),
                    method=["waba.account", account.id, "action_sync"],
                )
            ]
        buttons.append(
            self._button(self.env._("View templates"), "waba_campaign.waba_template_action")
        )
        if count:
            return step("done", self.env._("%s approved.", count), buttons)
        if account:
            label, action = self.env._("New template"), "waba_template_draft_action_new"
            buttons.append(self._button(label, f"waba_campaign.{action}"))
        text = self.env._("Write a message. Meta reviews it, usually within minutes.")
        return step("open", text, buttons)

    def _opt_in_step(self, account):
        step = partial(self._step, "opt_in", self.env._("Import opt-ins"))
        count = (
            self.env["waba.opt.in"]
            .sudo()
            .search_count(
                [("company_id", "=", self.env.company.id), ("purpose", "=", "marketing")],
                limit=MANY,
            )
        )
        if self._is_manager():
            label = self.env._("Import more") if count else self.env._("Import a file")
            buttons = [self._button(label, "waba_campaign.waba_consent_action_import")]
            text = self.env._("A CSV or XLSX file: phone number, date, and where they agreed.")
        else:
            buttons = [self._button(self.env._("Open leads"), "crm.crm_lead_action_pipeline")]
            text = self.env._(
                "Managers import lists. You can record an opt-in on each lead or contact."
            )
        if count:
            return step("done", self.env._("%s opt-ins to promotions.", f"{count:,}"), buttons)
        return step("open", text, buttons)

    def _test_step(self, account):
        step = partial(self._step, "test", self.env._("Send yourself a test"))
        tests = self.env["waba.message"].sudo()
        mine = [("company_id", "=", self.env.company.id), ("origin", "=", "test")]
        is_done = tests.search_count([*mine, ("state", "in", ("delivered", "read"))], limit=1)
        label = self.env._("Test again") if is_done else self.env._("Send test")
        buttons = [self._button(label, method="test")]
        if is_done:
            return step("done", self.env._("Delivered, and reported by webhook."), buttons)
        if last := tests.search([*mine, ("state", "in", ("failed", "skipped"))], limit=1):
            return step("open", last.failure_reason or "", buttons)
        return step(
            "open", self.env._("One message to your phone shows that everything works."), buttons
        )

    def _campaign_step(self, account):
        step = partial(self._step, "campaign", self.env._("Launch your first campaign"))
        form = {
            "type": "ir.actions.act_window",
            "res_model": "waba.campaign",
            "views": [(False, "form")],
        }
        buttons = [self._button(self.env._("New campaign"), form)]
        campaigns = self.env["waba.campaign"].sudo()
        domain = [("company_id", "=", self.env.company.id), ("launched_at", "!=", False)]
        if first := campaigns.search(domain, order="launched_at", limit=1):
            view = self._button(self.env._("View campaigns"), "waba_campaign.waba_campaign_action")
            launched = format_date(self.env, first.launched_at)
            return step("done", self.env._("First launch on %s.", launched), [view, *buttons])
        text = self.env._("Choose message, audience and schedule. A pre-flight check comes first.")
        return step("open", text, buttons)

    # === Guides ===

    def _docs(self):
        """The guides for the user's role, in the user's language where there is one."""
        labels = {
            "user": self.env._("Salesperson in 5 minutes"),
            "manager": self.env._("Manager: my number turned yellow"),
            "system": self.env._("Administrator: from nothing to the first message"),
            "moving": self.env._("Moving from Odoo Enterprise, OCA or Wati"),
        }
        roles = ["user"]
        roles += ["manager"] if self._is_manager() else []
        roles += ["system", "moving"] if self._is_system() else []
        language = (self.env.lang or "en")[:2]
        folder = f"{language}/" if language in DOC_LANGUAGES else ""
        base = f"{get_manifest('waba_campaign')['website']}/blob/19.0/docs/{folder}"
        return [{"label": labels[role], "url": base + DOCS[role]} for role in roles]
