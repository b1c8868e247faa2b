"""Privacy: recipients in Odoo's Privacy Lookup, where that addon is installed.

Called by the methods of Privacy Lookup that are wrapped here.
"""

from odoo import models
from odoo.tools import SQL

from ..tools.phone_countries import e164_sql

LOOKUP, LINE = "privacy.lookup.wizard", "privacy.lookup.wizard.line"


class WabaRecipient(models.Model):
    """`privacy_lookup` is no dependency, so its methods are wrapped when the registry is ready, as
    Odoo's automation rules do it (base_automation)."""

    _inherit = "waba.recipient"

    def _register_hook(self):
        super()._register_hook()
        if LOOKUP in self.env:
            _wrap_lookup_query(type(self.env[LOOKUP]))
            _wrap_lookup_unlink(type(self.env[LINE]))

    def _lookup_query(self, query, email_normalized):
        """SQL of Privacy Lookup, extended by the recipients with a number of the contacts found or
        of their leads, and by those linked to these leads.

        :param query: SQL in which `indirect_references` are the contacts found
        :param email_normalized: the e-mail address looked up, or None
        """
        contacts = SQL("(SELECT id FROM indirect_references)")
        leads = SQL(
            "crm_lead WHERE (partner_id IN %s OR email_normalized = %s)", contacts, email_normalized
        )
        numbers = SQL(
            """(SELECT %(known_as)s FROM res_partner WHERE id IN %(contacts)s
                UNION SELECT %(known_as)s FROM %(leads)s)""",
            known_as=e164_sql(SQL("phone_sanitized")),
            contacts=contacts,
            leads=leads,
        )
        return SQL(
            """%(query)s
               UNION ALL
               SELECT %(model)s AS res_model_id, r.id AS res_id, TRUE AS is_active
                 FROM waba_recipient r
                WHERE (%(number)s IN %(numbers)s OR %(wa_number)s IN %(numbers)s
                       OR r.id IN (SELECT waba_recipient_id FROM %(leads)s))
                  AND (r.partner_id IS NULL OR r.partner_id NOT IN %(contacts)s)
                  AND (NOT EXISTS (SELECT 1 FROM waba_account a
                                    WHERE a.portfolio_id = r.portfolio_id)
                       OR EXISTS (SELECT 1 FROM waba_account a
                                   WHERE a.portfolio_id = r.portfolio_id
                                     AND a.company_id = ANY(%(companies)s)))""",
            query=query,
            model=self.env["ir.model"]._get_id(self._name),
            numbers=numbers,
            number=e164_sql(SQL("r.number")),
            wa_number=e164_sql(SQL("r.wa_number")),
            contacts=contacts,
            leads=leads,
            companies=self.env.companies.ids,
        )


def _wrap_lookup_query(wizard_class):
    def _get_query(self):
        email = self.env["res.partner"].new({"email": self.email}).email_normalized
        return self.env["waba.recipient"]._lookup_query(_get_query.origin(self), email or None)

    _wrap_method(wizard_class, "_get_query", _get_query)


def _wrap_lookup_unlink(line_class):
    def action_unlink(self):
        if self.res_model != "waba.recipient" or self.is_unlinked:
            return action_unlink.origin(self)
        # Read without `sudo`, which would accept any company that a client names.
        companies = self.env.companies
        person = self.env["waba.recipient"].sudo().browse(self.res_id).exists()
        others = (person._holding_companies() - companies).mapped("name")
        person._erase_personal_data(companies)
        details = [
            self.env._("Erased %(model)s #%(id)s", model=self.res_model_id.name, id=self.res_id)
        ]
        if others:
            details.append(
                self.env._(
                    "Companies that still hold data about this person: %s.", ", ".join(others)
                )
            )
        self.execution_details = "\n".join(details)
        self.is_unlinked = True
        return None

    _wrap_method(line_class, "action_unlink", action_unlink)


def _wrap_method(model_class, name, method):
    """Replace a method of a registry class, once; the replaced one is its `origin`."""
    old = getattr(model_class, name)
    if not hasattr(old, "origin"):
        method.origin = old
        setattr(model_class, name, method)
