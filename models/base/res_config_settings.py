"""Base: the page WhatsApp → Configuration → Settings, whose values are the company's.

Called by its form; the fields are explained in res_company.py.
"""

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_quiet_hours = fields.Boolean(related="company_id.waba_quiet_hours", readonly=False)
    waba_quiet_from = fields.Float(related="company_id.waba_quiet_from", readonly=False)
    waba_quiet_until = fields.Float(related="company_id.waba_quiet_until", readonly=False)
    waba_frequency_count = fields.Integer(related="company_id.waba_frequency_count", readonly=False)
    waba_frequency_days = fields.Integer(related="company_id.waba_frequency_days", readonly=False)
    waba_same_template_hours = fields.Integer(
        related="company_id.waba_same_template_hours", readonly=False
    )
    waba_us_marketing_left_out = fields.Boolean(
        related="company_id.waba_us_marketing_left_out", readonly=False
    )
    waba_consent_months = fields.Integer(related="company_id.waba_consent_months", readonly=False)
    waba_opt_in_required = fields.Boolean(related="company_id.waba_opt_in_required", readonly=False)
    waba_feed_blacklist = fields.Boolean(related="company_id.waba_feed_blacklist", readonly=False)
    waba_approval_above = fields.Integer(related="company_id.waba_approval_above", readonly=False)
    waba_approval_own = fields.Boolean(related="company_id.waba_approval_own", readonly=False)
    waba_test_numbers = fields.Char(related="company_id.waba_test_numbers", readonly=False)
    waba_notify = fields.Selection(related="company_id.waba_notify", readonly=False, required=True)
    waba_presence = fields.Selection(
        related="company_id.waba_presence", readonly=False, required=True
    )
    waba_app_people = fields.Boolean(related="company_id.waba_app_people", readonly=False)
    waba_create_lead = fields.Boolean(related="company_id.waba_create_lead", readonly=False)
    waba_lead_team_id = fields.Many2one(related="company_id.waba_lead_team_id", readonly=False)
    waba_lead_user_id = fields.Many2one(related="company_id.waba_lead_user_id", readonly=False)
    waba_hand_over_hours = fields.Integer(
        related="company_id.waba_hand_over_hours", readonly=False, required=True
    )
    waba_attribution_days = fields.Integer(
        related="company_id.waba_attribution_days", readonly=False
    )
    waba_currency_id = fields.Many2one(related="company_id.currency_id", string="Budget currency")
    waba_month_budget = fields.Monetary(
        related="company_id.waba_month_budget", readonly=False, currency_field="waba_currency_id"
    )
    waba_unknown_price = fields.Float(related="company_id.waba_unknown_price", readonly=False)
    waba_budget_direct = fields.Selection(
        related="company_id.waba_budget_direct", readonly=False, required=True
    )
