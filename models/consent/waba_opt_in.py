"""Consent: the state of consent per company, in SQL; opt-ins as rows, opt-outs as a datetime.

Written by `_set_consent` and by merges of recipients, read by everything that sends.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from .consent_sql import PURPOSES, consent_sql, in_force_sql, shared_consent_sql


class WabaOptIn(models.Model):
    """An opt-in in force: given to one company, with no later opt-out.

    There is one row for each company and each row of the person. An opt-out applies to all
    companies and is one datetime on the recipient (`marketing_out_at`). Both are derived from the
    consent log (waba.consent), which has the evidence; created and deleted by
    `waba.recipient._set_consent`. `consent_sql` reads them for a company.
    """

    _name = "waba.opt.in"
    _description = "WhatsApp Opt-in of a Company"
    _inherit = ["waba.system.fields.mixin"]
    _order = "at desc, id desc"
    _rec_name = "recipient_id"
    _log_access = False

    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")], required=True, readonly=True
    )
    at = fields.Datetime("Since", required=True, readonly=True)
    valid_until = fields.Date(
        readonly=True, help="The last day on which the opt-in counts."
    )

    # Checked for every message before it is sent: one probe of this index.
    _given_uniq = models.UniqueIndex("(recipient_id, company_id, purpose)")
    _ends_idx = models.Index("(valid_until) WHERE valid_until IS NOT NULL")


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    marketing_out_at = fields.Datetime(
        "Promotion opt-out",
        readonly=True,
    )
    utility_out_at = fields.Datetime("Service opt-out", readonly=True)
    # For screens: where companies share a portfolio, `marketing_state` and `utility_state` are what
    # all of them may rely on, not what the user's own may.
    own_marketing_state = fields.Selection(
        selection=lambda self: self._fields["marketing_state"]._description_selection(self.env),
        string="Company: promotions",
        compute="_compute_own_states",
    )
    own_utility_state = fields.Selection(
        selection=lambda self: self._fields["utility_state"]._description_selection(self.env),
        string="Company: service messages",
        compute="_compute_own_states",
    )

    @api.depends("marketing_state", "utility_state", "portfolio_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_own_states(self):
        states = self.sudo()._consent_states(self.env.companies)
        for person in self:
            sharing = person._messaging_companies() & self.env.companies
            company = self.env.company if self.env.company in sharing else sharing[:1]
            for purpose in PURPOSES:
                key = (company.id, person.id, purpose)
                person[f"own_{purpose}_state"] = states.get(key, "unknown")

    def _consent_states(self, companies):
        """The consent of these recipients for each company.

        :return: {(company id, recipient id, purpose): 'opted_in' | 'opted_out' | 'unknown'}
        """
        if not self.ids or not companies:
            return {}
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id, r.id, %s, %s
                     FROM waba_recipient r CROSS JOIN unnest(%s::int[]) AS c(id)
                    WHERE r.id = ANY(%s)""",
                *(consent_sql(purpose, SQL("c.id")) for purpose in PURPOSES),
                companies.ids,
                self.ids,
            )
        )
        return {
            (company_id, recipient_id, purpose): state
            for company_id, recipient_id, *states in rows
            for purpose, state in zip(PURPOSES, states, strict=True)
        }

    def _consent_state(self, purpose, company):
        """The consent of this recipient for one company; 'unknown' for an empty recordset."""
        states = self._consent_states(company)
        return states.get((company.id, self.id, purpose), "unknown")

    def _apply_opt_out(self, purpose, at):
        """Set an opt-out at `at` (naive UTC) and delete all companies' older opt-ins.

        :return: the rows whose `marketing_state` or `utility_state` changed
        """
        self.flush_model()
        column = SQL.identifier(f"{purpose}_out_at")
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient SET %(out)s = GREATEST(%(out)s, %(at)s)
                    WHERE id = ANY(%(ids)s)""",
                out=column,
                at=at,
                ids=self.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """DELETE FROM waba_opt_in
                    WHERE recipient_id = ANY(%s) AND purpose = %s AND at <= %s""",
                self.ids,
                purpose,
                at,
            )
        )
        if purpose == "marketing":
            self._void_topic_opt_ins(until=at)
        return self._refresh_consent_states()

    def _apply_opt_in(self, purpose, at, company, valid_until=False):
        """Set an opt-in to `company` at `at` (naive UTC), unless an opt-out is later.

        `self` is every row of one person.

        :param valid_until: the last day on which it counts, or False

        :return: the rows whose `marketing_state` or `utility_state` changed
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_opt_in AS given
                          (recipient_id, company_id, purpose, at, valid_until)
                   SELECT r.id, %(company)s, %(purpose)s, %(at)s, %(valid_until)s::date
                     FROM waba_recipient r
                    WHERE r.id = ANY(%(ids)s)
                      AND NOT EXISTS (SELECT 1 FROM waba_recipient o
                                       WHERE o.id = ANY(%(ids)s) AND o.%(out)s > %(at)s)
                       ON CONFLICT (recipient_id, company_id, purpose)
                       DO UPDATE SET at = EXCLUDED.at, valid_until = EXCLUDED.valid_until
                    WHERE given.at <= EXCLUDED.at""",
                valid_until=valid_until or None,
                company=company.id,
                purpose=purpose,
                at=at,
                ids=self.ids,
                out=SQL.identifier(f"{purpose}_out_at"),
            )
        )
        return self._refresh_consent_states()

    def _revoke_older_opt_ins(self):
        """Delete opt-ins of these rows that are older than their opt-out, after a merge."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """DELETE FROM waba_opt_in given USING waba_recipient r
                    WHERE r.id = given.recipient_id AND r.id = ANY(%s)
                      AND given.at < CASE given.purpose WHEN 'marketing' THEN r.marketing_out_at
                                     ELSE r.utility_out_at END""",
                self.ids,
            )
        )
        self._void_topic_opt_ins()
        return self._refresh_consent_states()

    def _refresh_consent_states(self):
        """Recalculate `marketing_state` and `utility_state`: what every company of the portfolio
        may rely on (`shared_consent_sql`).

        :return: the rows in which one of them changed
        """
        self.flush_model()
        self.env["waba.account"].flush_model(["portfolio_id", "company_id"])
        rows = self.env.execute_query(
            SQL(
                """UPDATE waba_recipient target
                      SET marketing_state = common.marketing, utility_state = common.utility
                     FROM (SELECT r.id, %s AS marketing, %s AS utility
                             FROM waba_recipient r WHERE r.id = ANY(%s)) common
                    WHERE common.id = target.id
                      AND (target.marketing_state, COALESCE(target.utility_state, 'unknown'))
                          IS DISTINCT FROM (common.marketing, common.utility)
                RETURNING target.id""",
                *map(shared_consent_sql, PURPOSES),
                self.ids,
            )
        )
        self.invalidate_model(
            [
                "marketing_state",
                "utility_state",
                "marketing_out_at",
                "utility_out_at",
                "consent_ends_on",
            ]
        )
        self.env["waba.opt.in"].invalidate_model()
        return self.browse(id_ for (id_,) in rows)

    @api.model
    def _copy_opt_ins(self, pairs):
        """Copy opt-ins between rows of the same people.

        :param pairs: SELECT of (from_id, to_id), ids of waba_recipient
        """
        self._copy_topic_states(pairs)
        # A campaign creates recipients by the thousand, and many databases have no opt-ins at all.
        if not self.env.execute_query(SQL("SELECT 1 FROM waba_opt_in LIMIT 1")):
            return
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_opt_in AS given
                          (recipient_id, company_id, purpose, at, valid_until)
                   SELECT pair.to_id, other.company_id, other.purpose, max(other.at),
                          (array_agg(other.valid_until ORDER BY other.at DESC))[1]
                     FROM (%s) pair
                     JOIN waba_opt_in other ON other.recipient_id = pair.from_id
                    WHERE pair.from_id <> pair.to_id
                 GROUP BY 1, 2, 3
                       ON CONFLICT (recipient_id, company_id, purpose)
                       DO UPDATE SET at = EXCLUDED.at, valid_until = EXCLUDED.valid_until
                    WHERE given.at <= EXCLUDED.at
                RETURNING given.recipient_id""",
                pairs,
            )
        )
        if rows:
            self.browse({id_ for (id_,) in rows})._refresh_consent_states()

    def _has_standing_opt_out(self, purpose):
        """Whether an opt-out of this recipient is still in force for one of our companies."""
        is_out = self[f"{purpose}_state"] == "opted_out" or self[f"{purpose}_out_at"]
        return bool(is_out) and not self._has_all_opt_ins(purpose)

    def _has_all_opt_ins(self, purpose):
        """Whether every company with an account has this recipient's opt-in."""
        self.ensure_one()
        return not self.env.execute_query(
            SQL(
                """SELECT 1 FROM waba_account account
                    WHERE NOT EXISTS (SELECT 1 FROM waba_opt_in given
                                       WHERE given.recipient_id = %s AND given.purpose = %s
                                         AND given.company_id = account.company_id AND %s)
                    LIMIT 1""",
                self.id,
                purpose,
                in_force_sql("given"),
            )
        )
