"""Reading Meta's side, which no webhook tells completely, and how often.

Calls are counted per app and account, 200 an hour, 5,000 for an account in use (Meta, About the
platform: rate limits, 2026-03). One reading costs a call for the account, one for its numbers and
one for every 100 templates. At 15 minutes an account with 2,000 templates costs 88 calls an hour,
less than half of the smaller quota; one with Meta's maximum of 6,000 costs 248 and is always one in
use. The daily comparison of templates adds 45 at most (waba_template_comparison.py).
"""

import logging
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...cloud_api import CloudApiError, Health
from ..tools.labels import with_language
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

# No webhook announces a number's rating, which can change within minutes (Meta, Send messages,
# 2025-11-04). Without a campaign the job's own interval of an hour is enough.
BUSY_INTERVAL = timedelta(minutes=15)


class WabaAccount(models.Model):
    """Reading Meta's side: account, portfolio, numbers, templates."""

    _inherit = "waba.account"

    def _sync(self):
        """Read everything of this account and take it over. The caller commits.

        :raise CloudApiError: Meta refused or could not be reached
        """
        self._apply_account_data(self._fetch_account_data())

    def _fetch_account_data(self):
        """Ask Meta, write nothing: an answer may take seconds, and a transaction that wrote before
        it would meet the dispatcher's writes.

        :return: {'account': cloud_api.Account, 'numbers': [...], 'templates': [...]}
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
        """Take over what `_fetch` brought. Safe to repeat."""
        self.ensure_one()
        known = self._known_subjects()
        self._apply_account(facts["account"])
        self._apply_numbers(facts["numbers"])
        self._apply_templates(facts["templates"])
        self.synced_at = fields.Datetime.now()
        if self._known_subjects() != known:
            self._on_new_subjects()

    def _known_subjects(self):
        """What webhooks may be about, as known here."""
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
                "marketing_disabled": facts.marketing_disabled,
                "health_status": facts.health.raw,
            }
        )
        self._record_health_changes(health_before)
        portfolio._apply_polled_limit(
            facts.messaging_limit, self.env._("read from the account"), {"account_id": self.id}
        )

    def _find_or_create_portfolio(self, facts):
        """The portfolio Meta names; when it names none, the one known before or one of its own.

        Without the portfolio's id two accounts cannot be known to share a limit: the account then
        counts alone, which the diagnosis says.
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

    @api.model
    def _cron_poll(self):
        """Ask Meta what no webhook tells: rating, limit, status of every number.

        Meta, webhook reference 2026-09-11: no event announces a rating any more.
        """
        for account in self.search(
            [("state", "in", ("connected", "stopped"))]
        )._iterate_committed():
            account._poll_account()
        now = fields.Datetime.now()
        if any(self._on_poll(now)):
            self.env.ref("waba_campaign.ir_cron_poll")._trigger(at=now + BUSY_INTERVAL)

    def _iterate_committed(self):
        """For a job: each in its company's language and committed, as long as time lasts."""
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(self))
        for account in self:
            yield with_language(account.company_id, account)
            if not cron._commit_progress(1):
                break

    def _poll_account(self):
        """Read one account; its trouble is its own and does not stop the others."""
        self.ensure_one()
        try:
            facts = self._fetch_account_data()
        except CloudApiError as error:
            commit_step(self.env, partial(self._apply_sync_error, error))
        except UserError as error:
            # Without a token nothing can be asked, nor sent.
            commit_step(self.env, partial(self._add_stop, str(error), cause="access"))
        else:
            commit_step(self.env, partial(self._apply_poll, facts))

    def _apply_poll(self, facts):
        """What was read, and that it could be read."""
        self._apply_account_data(facts)
        self._lift_stops(("access",), self.env._("Meta allows this account to be read again."))

    def _apply_sync_error(self, error):
        """A failed poll stops the account only when Meta refuses the key itself."""
        _logger.warning("waba.account %s: reading from Meta failed: %s", self.id, error)
        if error.failure_type in ("token", "permission", "account_restricted"):
            self._add_stop(self._error_text(error), cause="access")

    # === What polling finds ===
    def _health_summary(self):
        return {"health": Health.from_reply(self.health_status).can_send}

    def _record_health_changes(self, before):
        self.env["waba.reputation.event"]._record_changes(
            {"account_id": self.id},
            before,
            self._health_summary(),
            lambda _kind, old, new: f"{old or '–'} → {new}",
        )
