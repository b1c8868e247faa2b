"""Merge of contacts: our recipients and messages move to the contact that stays.

Called by Odoo's contact merge.
"""

from odoo import models


class BasePartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_reference_fields(self, src_partners, dst_partner):
        """Also update the references to a contact that Odoo does not know."""
        result = super()._update_reference_fields(src_partners, dst_partner)
        env = self.env(su=True)
        env["waba.recipient"]._apply_record_merge((src_partners + dst_partner).with_env(env))
        env["waba.message"]._apply_record_merge("res.partner", src_partners.ids, dst_partner.id)
        return result
