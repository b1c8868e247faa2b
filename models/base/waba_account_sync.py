"""Base: the sync: reads account, portfolio, numbers and templates from Meta.

Called by the job `_cron_poll`, the buttons `action_sync`, and the diagnosis when it connects.

Webhooks do not report everything. Meta counts calls per app and account, 200 an hour, 5,000 for an
account in use (Meta, About the platform: rate limits, 2026-03). A sync costs a call for the
account, one for its numbers and one per 100 templates. At 15 minutes an account with 2,000
templates costs 88 calls an hour, less than half of the smaller quota; one with Meta's maximum of
6,000 costs 248 and is always in use. The daily comparison of templates adds 45 at most
(waba_template_comparison.py).
"""

import logging
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...cloud_api import CloudApiError, Health
from ..tools.labels import with_language
from ..tools.platform_words import platform_word
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

# While a campaign runs: no webhook reports a number's rating, which can change within minutes
# (Meta, Send messages, 2025-11-04). Otherwise the job's interval of an hour is enough.
BUSY_INTERVAL = timedelta(minutes=15)


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @api.model
    def _cron_poll(self):
        """Sync all connected accounts: no webhook reports ratings any more (Meta, webhook
        reference 2026-09-11)."""
        for account in self.search(
            [("state", "in", ("connected", "stopped"))]
        )._iterate_committed():
            account._poll_account()
        now = fields.Datetime.now()
        if any(self._on_poll(now)):
            self.env.ref("waba_campaign.ir_cron_poll")._trigger(at=now + BUSY_INTERVAL)

    def _iterate_committed(self):
        """Yield each account in its company's language, commit after it, stop when time is up."""
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(self))
        for account in self:
            yield with_language(account.company_id, account)
            if not cron._commit_progress(1):
                break

    def _poll_account(self):
        """Sync one account; an error does not stop the others."""
        self.ensure_one()
        try:
            facts = self._fetch_account_data()
        except CloudApiError as error:
            commit_step(self.env, partial(self._apply_sync_error, error))
        except UserError as error:
            # No token, or a refused API address.
            commit_step(self.env, partial(self._add_stop, str(error), cause="access"))
        else:
            commit_step(self.env, partial(self._apply_poll, facts))

    def _apply_poll(self, facts):
        """Apply a successful poll, which also lifts a stop for failed ones."""
        self._apply_account_data(facts)
        self._lift_stops(("access",), self.env._("Meta accepts the access token again."))

    def _apply_sync_error(self, error):
        """Stop the account only if Meta refused the token or restricted the account."""
        _logger.warning("waba.account %s: reading from Meta failed: %s", self.id, error)
        if error.failure_type in ("token", "permission", "account_restricted"):
            self._add_stop(self._error_text(error), cause="access")

    def _sync(self):
        """Read this account from Meta and apply it. The caller commits.

        :raise CloudApiError: Meta refused or could not be reached
        """
        self._apply_account_data(self._fetch_account_data())

    def _fetch_account_data(self):
        """Read from Meta and write nothing: an answer may take seconds, and a transaction that
        wrote before it would conflict with the dispatcher's.

        :return: {'account': cloud_api.Account, 'numbers': [cloud_api.PhoneNumber],
            'templates': [cloud_api.Template]}
        :raise CloudApiError: Meta refused or could not be reached
        """
        self.ensure_one()
        client = self._client()
        return {
            "account": client.get_account(self.waba_uid),
            "numbers": list(client.list_phone_numbers(self.waba_uid)),
            "templates": list(client.list_templates(self.waba_uid)),
        }

    def _apply_account_data(self, facts):
        """Apply what `_fetch_account_data` returned. Safe to repeat."""
        self.ensure_one()
        known = self._known_subjects()
        self._apply_account(facts["account"])
        self._apply_numbers(facts["numbers"])
        self._apply_templates(facts["templates"])
        self.synced_at = fields.Datetime.now()
        if self._known_subjects() != known:
            self._on_new_subjects()

    def _known_subjects(self):
        """(portfolio, numbers, templates) stored for this account: the subjects of webhooks."""
        everything = self.with_context(active_test=False)
        return (self.portfolio_id, everything.sender_ids, everything.template_ids)

    def _apply_account(self, facts):
        portfolio = self._find_or_create_portfolio(facts)
        if self.portfolio_id and self.portfolio_id != portfolio:
            portfolio._on_join(self.portfolio_id, self)
        health_before = self._health_summary()
        self.write(
            {
                "portfolio_id": portfolio.id,
                "name": facts.name or self.name,
                "review_status": facts.review_status,
                "health_status": facts.health.raw,
                **self._marketing_values(facts),
            }
        )
        self._switch_if_cloud_api_off()
        self._record_health_changes(health_before)
        portfolio._apply_polled_limit(
            facts.messaging_limit, self.env._("account sync"), {"account_id": self.id}
        )

    def _find_or_create_portfolio(self, facts):
        """The portfolio that Meta names; else the stored one, else a new one for this account.

        Without a portfolio ID accounts that share a limit are not detected: this account is then
        counted alone, and the diagnosis shows it.
        """
        if self.portfolio_id and not facts.portfolio_uid:
            return self.portfolio_id
        portfolio_uid = facts.portfolio_uid or f"waba-{self.waba_uid}"
        portfolios = self.env["waba.portfolio"].with_context(active_test=False)
        portfolio = portfolios.search([("portfolio_uid", "=", portfolio_uid)])
        if not portfolio:
            portfolio = portfolios.create(
                {
                    "portfolio_uid": portfolio_uid,
                    "name": facts.portfolio_name or facts.name or self.name,
                }
            )
        return portfolio

    def _apply_numbers(self, numbers):
        senders = self.env["waba.sender"].with_context(active_test=False)
        known = {
            sender.phone_number_uid: sender
            for sender in senders.search([("account_id", "=", self.id)])
        }
        for facts in numbers:
            sender = known.pop(facts.phone_number_uid, None) or senders.create(
                {"account_id": self.id, "phone_number_uid": facts.phone_number_uid}
            )
            sender._apply_facts(facts)
        for sender in known.values():
            sender._mark_missing()

    def _apply_templates(self, listed):
        templates = self.env["waba.template"].with_context(active_test=False)
        known = {
            template.template_uid: template
            for template in templates.search([("account_id", "=", self.id)])
        }
        for facts in listed:
            template = known.pop(facts.template_uid, None)
            values = templates._facts_to_values(facts)
            if template:
                template._apply_facts(values)
            else:
                templates.create({**values, "account_id": self.id})._record_platform_changes({})
        for template in known.values():
            template._mark_missing()

    def _health_summary(self):
        """Meta's assessment of the account: {kind of evidence: value}."""
        return {"health": Health.from_reply(self.health_status).can_send}

    def _record_health_changes(self, before):
        self.env["waba.reputation.event"]._record_changes(
            {"account_id": self.id},
            before,
            self._health_summary(),
            lambda _kind, old, new: (
                f"{platform_word(self.env, old) or '–'} → {platform_word(self.env, new)}"
            ),
        )
