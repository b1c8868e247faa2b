"""CRM: WhatsApp figures in Odoo's periodic digest e-mail.

Called by Odoo's digest; the figures come from waba.message.daily.
"""

from odoo import fields, models
from odoo.exceptions import AccessError

# {field of the digest: column of waba.message.daily}
KPIS = {
    "kpi_waba_sent": "sent_count",
    "kpi_waba_replied": "replied_count",
    "kpi_waba_opted_out": "opted_out_count",
}


class DigestDigest(models.Model):
    """Figures of whole UTC days, each attributed to the day of its message."""

    _inherit = "digest.digest"

    kpi_waba_sent = fields.Boolean("WhatsApp Messages Sent")
    kpi_waba_sent_value = fields.Integer(compute="_compute_kpi_waba_values")
    kpi_waba_replied = fields.Boolean("WhatsApp Replies")
    kpi_waba_replied_value = fields.Integer(compute="_compute_kpi_waba_values")
    kpi_waba_opted_out = fields.Boolean("WhatsApp Opt-outs")
    kpi_waba_opted_out_value = fields.Integer(compute="_compute_kpi_waba_values")

    def _compute_kpi_waba_values(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            # The digest omits figures whose computation raises AccessError.
            raise AccessError(self.env._("Only WhatsApp managers can see these figures."))
        for kpi, count in KPIS.items():
            self._calculate_company_based_kpi(
                "waba.message.daily", f"{kpi}_value", date_field="day", sum_field=count
            )

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("waba_campaign.waba_menu_root")
        action = f"waba_campaign.waba_message_report_action?menu_id={menu.id}"
        return {**actions, **dict.fromkeys(KPIS, action)}
