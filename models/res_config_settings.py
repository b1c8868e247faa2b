from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """The page WhatsApp → Configuration → Settings; the settings are the company's."""

    _inherit = "res.config.settings"

    waba_quiet_hours = fields.Boolean(related="company_id.waba_quiet_hours", readonly=False)
    waba_quiet_from = fields.Float(related="company_id.waba_quiet_from", readonly=False)
    waba_quiet_until = fields.Float(related="company_id.waba_quiet_until", readonly=False)
    waba_frequency_count = fields.Integer(related="company_id.waba_frequency_count", readonly=False)
    waba_frequency_days = fields.Integer(related="company_id.waba_frequency_days", readonly=False)
    waba_us_marketing_left_out = fields.Boolean(
        related="company_id.waba_us_marketing_left_out", readonly=False
    )
