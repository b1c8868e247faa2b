"""CRM: contacts as campaign records.

Called by waba.person.mixin for names, companies and salespeople.
"""

from odoo import api, fields, models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "waba.person.mixin"]

    # `phone_validation` stores it without an index; inbound messages search the contact by it.
    phone_sanitized = fields.Char(index="btree_not_null")

    @api.model
    def _waba_person_fields(self):
        return ["name", "is_company", "commercial_company_name", "user_id", "tz", "create_uid"]

    def _waba_person_facts(self):
        self.ensure_one()
        return {
            "name": self.name or "",
            "first_name": "" if self.is_company else self._waba_first_name(self.name),
            "company": self.commercial_company_name or (self.name if self.is_company else "") or "",
            "salesperson": self.user_id.name or "",
            "partner": self,
        }
