"""Consent: opt-ins that end, by their date or because a person did not confirm them.

Called by `_set_consent`, the job `_cron_end_consent` and reconfirmations.
"""

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .consent_sql import TODAY


class ResCompany(models.Model):
    _inherit = "res.company"

    _waba_consent_months_not_negative = models.Constraint(
        "CHECK(waba_consent_months BETWEEN 0 AND 120)",
        "Consent ends after 0 to 120 months.",
    )

    def _waba_consent_end(self, purpose, at):
        """The last day of an opt-in given to this company at `at`; False if it does not end."""
        self.ensure_one()
        months = self.sudo().waba_consent_months
        if purpose != "marketing" or not months:
            return False
        return (at + relativedelta(months=months)).date()


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    consent_ends_on = fields.Date(
        "Opt-in ends", compute="_compute_consent_ends_on", search="_search_consent_ends_on"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_consent_ends_on(self):
        """The first day on which a promotion opt-in to the user's companies counts no more."""
        given = self.env["waba.opt.in"].sudo().search(self._ending_domain())
        ends = {}
        for opt_in in given.sorted("valid_until", reverse=True):
            ends[opt_in.recipient_id.id] = opt_in.valid_until
        for person in self:
            person.consent_ends_on = ends.get(person._origin.id, False)

    def _ending_domain(self):
        return (
            Domain("recipient_id", "in", self._origin.ids)
            & Domain("purpose", "=", "marketing")
            & Domain("company_id", "in", self.env.companies.ids)
            & Domain("valid_until", ">=", fields.Date.today())
        )

    @api.model
    def _search_consent_ends_on(self, operator, value):
        if operator not in ("<", "<=", ">", ">="):
            return NotImplemented
        given = (
            self.env["waba.opt.in"]
            .sudo()
            ._search(
                Domain("valid_until", operator, value)
                & Domain("valid_until", ">=", fields.Date.today())
                & Domain("purpose", "=", "marketing")
                & Domain("company_id", "in", self.env.companies.ids)
            )
        )
        return Domain("id", "in", given.subselect("recipient_id"))

    def _end_opt_in(self, company, evidence, at=None):
        """End the promotion opt-ins of these people to `company`: they did not confirm them.

        No opt-out: what they said before the opt-in counts again. One to a single topic, which
        they chose by itself, is not touched.

        :param at: naive UTC datetime; now if not given
        """
        at = at or fields.Datetime.now()
        ended = self.filtered(lambda p: p._consent_state("marketing", company) == "opted_in")
        self.env["waba.consent"].create(
            [
                {
                    "recipient_id": person.id,
                    "company_id": company.id,
                    "purpose": "marketing",
                    "action": "ended",
                    "source": "reconfirmation",
                    "evidence": evidence,
                    "at": at,
                }
                for person in ended
            ]
        )
        self.env["waba.opt.in"].flush_model()
        # The row stays: an older opt-in that arrives later must not count.
        self.env.cr.execute(
            SQL(
                """UPDATE waba_opt_in SET at = %s, valid_until = %s - 1
                    WHERE recipient_id = ANY(%s) AND company_id = %s AND purpose = 'marketing'
                      AND at <= %s""",
                at,
                TODAY,
                ended._same_person().ids,
                company.id,
                at,
            )
        )
        ended._same_person()._refresh_consent_states()
        return ended

    @api.model
    def _cron_end_consent(self):
        """Daily: update the states on screens of people whose opt-in has ended.

        Sending does not wait for it: `consent_sql` reads the date.
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT r.id FROM waba_opt_in given
                     JOIN waba_recipient r ON r.id = given.recipient_id
                    WHERE given.valid_until < %s
                      AND CASE given.purpose WHEN 'marketing' THEN r.marketing_state
                          ELSE r.utility_state END = 'opted_in'""",
                TODAY,
            )
        )
        self.browse([id_ for (id_,) in rows])._refresh_consent_states()
