"""Privacy: erasing the personal data that companies hold about a person; counts stay.

Called by wizard/waba_privacy.py and Odoo's Privacy Lookup (privacy_lookup.py).
"""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..base.waba_failure import exclusion_text

# {model: (SQL of the row's company, path to it in a domain, columns to clear or None for
# `_personal_columns`)}: the rows of one company about a person.
PERSONAL_MODELS = {
    "waba.message": (SQL("company_id"), "company_id", None),
    "waba.conversation": (
        SQL("(SELECT s.company_id FROM waba_sender s WHERE s.id = sender_id)"),
        "sender_id.company_id",
        ("res_model", "res_id", "ctwa_clid"),
    ),
    "waba.conversion": (SQL("company_id"), "company_id", ("ctwa_clid", "lead_id")),
    "waba.reputation.event": (SQL("company_id"), "company_id", ("detail", "raw")),
    "waba.consent": (SQL("company_id"), "company_id", ("number", "evidence")),
}


class WabaRecipient(models.Model):
    """Personal data are cleared; figures and opt-outs stay.

    Companies may share a portfolio and with it the recipient: each erases the rows it holds. The
    recipient's number, names and user id are cleared with the last company that holds any. The
    empty recipient stays: messages and consent entries refer to it, and it may be counted against
    the daily limit.
    """

    _inherit = "waba.recipient"

    # === Which company holds which rows ===

    def _company_rows(self, companies):
        """The rows of these people in portfolios of these companies or without an account, and
        those about which one of the companies holds data."""
        everyone = self._same_person()
        held = {
            person
            for person, company in everyone._rows_held_by_company()
            if company in companies.ids
        }
        portfolios = everyone.portfolio_id.with_context(active_test=False)
        theirs = portfolios.filtered(
            lambda portfolio: (
                not portfolio.account_ids or portfolio.account_ids.company_id & companies
            )
        )
        return everyone.filtered(lambda person: person.portfolio_id in theirs or person.id in held)

    def _holding_companies(self):
        """The companies that hold data about these people in any portfolio: a full erasure needs
        all of them."""
        rows = self.env["res.company"].browse(
            company_id
            for _person, company_id in self._same_person()._rows_held_by_company()
            if company_id
        )
        return rows.sorted("name")

    def _rows_held_by_company(self):
        """{(recipient id, company id or None)} of rows with personal data; cleared rows have
        none."""
        self.env.flush_all()
        query = SQL(" UNION ").join(
            SQL(
                """SELECT recipient_id, %s FROM %s
                    WHERE recipient_id = ANY(%s) AND num_nonnulls(%s) > 0""",
                company,
                SQL.identifier(self.env[model]._table),
                self.ids,
                SQL(", ").join(map(SQL.identifier, self._emptied_columns(model))),
            )
            for model, (company, _path, _columns) in PERSONAL_MODELS.items()
        )
        return set(self.env.execute_query(query))

    def _emptied_columns(self, model):
        """[column] of the model that erasure sets to NULL."""
        return PERSONAL_MODELS[model][2] or self.env[model]._personal_columns()

    def _held_by_other_companies(self, companies):
        """Those of these recipients about which another company holds data.

        A consent entry without a company belongs to all companies of the portfolio.
        """
        held = self._rows_held_by_company()

        def is_held(person):
            sharing = person._messaging_companies() - companies
            return any(
                company_id not in companies.ids if company_id else sharing
                for person_id, company_id in held
                if person_id == person.id
            )

        return self.filtered(is_held)

    def _held_domain(self, model, companies):
        """Domain of the rows of a model of PERSONAL_MODELS that these companies hold."""
        path = PERSONAL_MODELS[model][1]
        of_people = Domain("recipient_id", "in", self.ids)
        alone = self - self._held_by_other_companies(companies)
        return of_people & (
            Domain(path, "in", companies.ids)
            | (Domain(path, "=", False) & Domain("recipient_id", "in", alone.ids))
        )

    def _count_personal(self, companies):
        """{model: number of rows that these companies hold about these people}."""
        people = self._company_rows(companies)
        return {
            model: self.env[model].search_count(people._held_domain(model, companies))
            for model in PERSONAL_MODELS
        }

    # === Erasing ===

    def _erase_personal_data(self, companies, keep_out=True):
        """Erase the personal data that these companies hold about these people.

        :param companies: res.company that the user may act for
        :param keep_out: record an opt-out from promotions, even if they had not opted out
        :return: {model: number of rows that were cleared}, without zeros
        :raise UserError: a message to one of them is being sent
        """
        people = self._company_rows(companies)
        counts = people._count_personal(companies)
        shared = people._held_by_other_companies(companies)
        whole = people - shared
        people._check_no_pending_send(companies)
        for person in whole:
            self.env["waba.erased.person"]._record_opted_out(
                person._identifiers(),
                keep_out or person._has_standing_opt_out("marketing"),
                person._has_standing_opt_out("utility"),
                person._closed_topics(),
            )
        people._cancel_pending(companies)
        counts["waba.webhook.event"] = people._clear_webhook_bodies(companies)
        whole._remove_blacklist_entries()
        people._clear_rows(companies)
        people._revoke_company_opt_ins(companies)
        if keep_out:
            for person in shared.filtered(
                lambda person: not person._has_standing_opt_out("marketing")
            ):
                person._set_consent(
                    "marketing",
                    "opt_out",
                    "erased",
                    self.env._("Data erased by one company; the opt-out still applies."),
                )
        whole._clear_recipient()
        return {model: count for model, count in counts.items() if count}

    def _revoke_company_opt_ins(self, companies):
        """Delete the companies' opt-ins, whose evidence is erased."""
        self.env["waba.opt.in"].search(
            [("recipient_id", "in", self.ids), ("company_id", "in", companies.ids)]
        ).unlink()
        self.topic_state_ids.filtered(
            lambda said: said.topic_id.company_id in companies
        )._clear_opt_ins()
        self._refresh_consent_states()

    def _company_messages(self, companies):
        return self.env["waba.message"].search(self._held_domain("waba.message", companies))

    def _check_no_pending_send(self, companies):
        """Refuse while a message is being sent: its number is needed until Meta has answered."""
        if any(row.state == "reserved" for row in self._company_messages(companies)):
            raise UserError(
                self.env._(
                    "A message to this person is being sent right now. Try again in a minute."
                )
            )

    def _cancel_pending(self, companies):
        self._company_messages(companies).filtered(lambda row: row.state == "queued")._update_state(
            ("queued",),
            "skipped",
            {"failure_type": "erased", "failure_reason": exclusion_text(self.env, "erased")},
        )
        self._erase_from_sequences(companies)
        self.env["waba.conversion"]._cancel_for_people(self, "erased", companies)

    def _find_raw_webhooks(self, companies, *states):
        """Webhook bodies in these states, to accounts of these companies, that contain a number or
        user id of these people. A full scan: erasure is rare."""
        handles = [handle.lstrip("+") for person in self for handle in person._identifiers()]
        if not handles:
            return self.env["waba.webhook.event"]
        self.env["waba.webhook.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT e.id FROM waba_webhook_event e JOIN waba_account a ON a.id = e.account_id
                    WHERE e.state IN %s AND e.body LIKE ANY(%s) AND a.company_id = ANY(%s)""",
                tuple(states),
                [f"%{handle}%" for handle in handles],
                companies.ids,
            )
        )
        return self.env["waba.webhook.event"].browse([id_ for (id_,) in rows])

    def _clear_webhook_bodies(self, companies):
        """Clear the bodies that contain these people; their hash still identifies repetitions.

        :return: number of bodies
        """
        bodies = self._find_raw_webhooks(companies, "applied", "ignored", "waiting")
        bodies.write({"body": "{}"})
        return len(bodies)

    def _remove_blacklist_entries(self):
        """Delete the entries that we added to the phone blacklist: the fingerprint replaces them.
        Those that a remaining row of the same person needs are kept."""
        kept = (self._same_person() - self)._blacklistable_numbers()
        numbers = set(self._blacklistable_numbers()).difference(kept)
        self.env["phone.blacklist"].with_context(active_test=False).search(
            [("number", "in", list(numbers)), ("waba_added", "=", True)]
        ).unlink()

    def _clear_rows(self, companies):
        """Clear the personal columns of the rows that these companies hold."""
        messages = self._company_messages(companies)
        messages._clear_results()
        messages._unlink_copies()
        messages._clear_lead_names()
        messages._clear_clicks()
        self.env["waba.outgoing.event"]._erase_people(self, companies)
        domains = {model: self._held_domain(model, companies) for model in PERSONAL_MODELS}
        ids = {model: self.env[model].search(domain).ids for model, domain in domains.items()}
        self.env.flush_all()
        # Lets the trigger of the consent log accept the change of evidence (waba_consent.py).
        self.env.cr.execute("SET LOCAL waba_campaign.erasing = 'on'")
        for model in PERSONAL_MODELS:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(self.env[model]._table),
                    SQL(", ").join(
                        SQL("%s = NULL", SQL.identifier(name))
                        for name in self._emptied_columns(model)
                    ),
                    ids[model],
                )
            )
        self.env.cr.execute("SET LOCAL waba_campaign.erasing = 'off'")
        self.env.invalidate_all()

    def _clear_recipient(self):
        """Clear number, names, user ids and links of these recipients."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient
                      SET number = NULL, wa_number = NULL, user_uid = NULL,
                          former_uids = NULL, name = NULL, app_name = NULL, username = NULL,
                          partner_id = NULL, may_opt_out_at = NULL,
                          may_opt_out_message_id = NULL, erased_at = %s
                    WHERE id = ANY(%s)""",
                fields.Datetime.now(),
                self.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                "UPDATE crm_lead SET waba_recipient_id = NULL WHERE waba_recipient_id = ANY(%s)",
                self.ids,
            )
        )
        self.env.invalidate_all()
