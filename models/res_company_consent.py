from odoo import fields, models


class ResCompany(models.Model):
    """What a company asks of consent beyond what everybody must."""

    _inherit = "res.company"

    waba_opt_in_required = fields.Boolean(
        "Promotions only to people whose opt-in is on record",
        help="Promotions go only to people whose opt-in is in the consent ledger; whoever was "
        "never asked is left out. Service messages are not concerned.",
    )
    waba_feed_blacklist = fields.Boolean(
        "Opt-outs also go on Odoo's phone blacklist",
        help="Whoever opts out of WhatsApp promotions is put on Odoo's phone blacklist, which SMS "
        "and every other WhatsApp template respect too. Who opts in again is taken off, "
        "unless somebody else had put them there.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_opt_in_required = fields.Boolean(related="company_id.waba_opt_in_required", readonly=False)
    waba_feed_blacklist = fields.Boolean(related="company_id.waba_feed_blacklist", readonly=False)
