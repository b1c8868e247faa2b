import logging

from odoo import api, fields, models

from ..cloud_api import CloudApiError

_logger = logging.getLogger(__name__)


class WabaAccount(models.Model):
    """Reading Meta's side: account, portfolio, numbers, templates."""

    _inherit = "waba.account"

    def _sync(self):
        """Read everything of this account. The caller commits.

        :raise CloudApiError: Meta refused or could not be reached
        """
        self.ensure_one()
        client = self._client()
        self._sync_account(client)
        self._sync_numbers(client)
        self._sync_templates(client)
        self.synced_at = fields.Datetime.now()

    def _sync_account(self, client):
        facts = client.get_account(self.waba_uid)
        portfolio = self._find_or_create_portfolio(facts)
        self.write(
            {
                "portfolio_id": portfolio.id,
                "name": facts.name or self.name,
                "review_status": facts.review_status,
                "marketing_disabled": facts.marketing_disabled,
                "health_status": facts.health.raw if facts.health else False,
            }
        )
        portfolio._set_messaging_limit(facts.messaging_limit, self.env._("read from the account"))

    def _find_or_create_portfolio(self, facts):
        """The portfolio Meta names; when it names none, one of this account's own.

        Without the portfolio's id two accounts cannot be known to share a limit: the account then
        counts alone, which the diagnosis says.
        """
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

    def _sync_numbers(self, client):
        senders = self.env["waba.sender"].with_context(active_test=False)
        known = {
            sender.phone_number_uid: sender
            for sender in senders.search([("account_id", "=", self.id)])
        }
        for facts in client.list_phone_numbers(self.waba_uid):
            sender = known.pop(facts.phone_number_uid, None) or senders.create(
                {"account_id": self.id, "phone_number_uid": facts.phone_number_uid}
            )
            sender._take_facts(facts)
        for sender in known.values():
            sender._mark_missing()

    def _sync_templates(self, client):
        templates = self.env["waba.template"].with_context(active_test=False)
        known = {
            template.template_uid: template
            for template in templates.search([("account_id", "=", self.id)])
        }
        for facts in client.list_templates(self.waba_uid):
            template = known.pop(facts.template_uid, None)
            values = templates._values_from_facts(facts)
            if template:
                template._take_facts(values)
            else:
                templates.create({**values, "account_id": self.id})
        for template in known.values():
            template._mark_missing()

    @api.model
    def _cron_poll(self):
        """Ask Meta what no webhook tells: rating, limit, status of every number.

        Meta, webhook reference 2026-09-11: no event announces a rating any more.
        """
        accounts = self.search([("state", "in", ("connected", "stopped"))])
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(accounts))
        for account in accounts:
            try:
                account._sync()
            except CloudApiError as error:
                self.env.cr.rollback()
                account._take_sync_error(error)
            if not cron._commit_progress(1):
                break

    def _take_sync_error(self, error):
        """A failed poll stops the account only when Meta refuses the key itself."""
        _logger.warning("waba.account %s: reading from Meta failed: %s", self.id, error)
        if error.failure_type in ("token", "permission", "account_restricted"):
            self._stop(self._explain(error))
