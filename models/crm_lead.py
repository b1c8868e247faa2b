from odoo import api, models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "waba.person.mixin"]

    @api.model
    def _waba_person_fields(self):
        return ["contact_name", "partner_name", "partner_id", "user_id"]

    def _waba_person_facts(self):
        self.ensure_one()
        partner, user = self.partner_id, self.user_id
        name = self.contact_name or ("" if partner.is_company else partner.name) or ""
        return {
            "name": name or self.partner_name or partner.name or "",
            "first_name": self._waba_first_name(name),
            "company": self.partner_name or partner.commercial_company_name or "",
            "salesperson": user.name if user else "",
            "partner": partner,
        }
