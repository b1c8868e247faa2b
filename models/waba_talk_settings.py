from odoo import fields, models

NOTIFY_BY = [
    ("inbox", "A notification in the inbox"),
    ("activity", "An activity on the lead or contact"),
    ("none", "Nothing: they look at the conversations"),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    waba_notify = fields.Selection(
        NOTIFY_BY, "Tell the salesperson of a WhatsApp message by", default="inbox", required=True
    )
    waba_create_lead = fields.Boolean(
        "Make a lead of a stranger's WhatsApp message",
        help="When somebody writes whose number is on no lead and on no contact.",
    )
    waba_lead_team_id = fields.Many2one("crm.team", "Team of leads from WhatsApp")
    waba_lead_user_id = fields.Many2one("res.users", "Salesperson of leads from WhatsApp")
    waba_hand_over_hours = fields.Integer(
        "Hours without automatic replies after handing over",
        default=24,
        required=True,
        help="After an automatic reply the next message is a colleague's to answer. If nobody "
        "does, automatic replies may begin again after so many hours.",
    )

    _waba_hand_over_hours_positive = models.Constraint(
        "CHECK(waba_hand_over_hours > 0)",
        "The hours without automatic replies must be at least 1.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_notify = fields.Selection(related="company_id.waba_notify", readonly=False, required=True)
    waba_create_lead = fields.Boolean(related="company_id.waba_create_lead", readonly=False)
    waba_lead_team_id = fields.Many2one(related="company_id.waba_lead_team_id", readonly=False)
    waba_lead_user_id = fields.Many2one(related="company_id.waba_lead_user_id", readonly=False)
    waba_hand_over_hours = fields.Integer(
        related="company_id.waba_hand_over_hours", readonly=False, required=True
    )


class ResUsers(models.Model):
    _inherit = "res.users"

    waba_notify = fields.Selection(
        NOTIFY_BY,
        "WhatsApp notifications",
        help="How you are told that somebody wrote. Empty: as your company has set it.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "waba_notify"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "waba_notify"]

    def _waba_notify_by(self, company):
        """The salesperson's own wish, else the company's."""
        return self.sudo().waba_notify or company.waba_notify or "inbox"
