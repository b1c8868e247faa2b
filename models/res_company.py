from odoo import fields, models

# Written here, they change what waits.
RULES = frozenset(("waba_quiet_hours", "waba_quiet_from", "waba_quiet_until"))


class ResCompany(models.Model):
    """A company's own rules for its messages, beside what Meta demands (docs/sending-rules.md)."""

    _inherit = "res.company"

    waba_quiet_hours = fields.Boolean("Keep quiet hours", default=True)
    waba_quiet_from = fields.Float("Quiet from", default=21.0)
    waba_quiet_until = fields.Float("Quiet until", default=9.0)
    waba_us_marketing_left_out = fields.Boolean(
        "No promotions to the United States",
        default=True,
        help="Meta delivers no promotions to +1 numbers of the United States.",
    )

    _waba_quiet_hours_of_day = models.Constraint(
        "CHECK(waba_quiet_from >= 0 AND waba_quiet_from <= 24"
        " AND waba_quiet_until >= 0 AND waba_quiet_until <= 24)",
        "Quiet hours are times of the day, from 0:00 to 24:00.",
    )

    def write(self, vals):
        result = super().write(vals)
        if RULES.intersection(vals):
            self.env["waba.message"].sudo()._ask_rules_again(self)
        return result

    def _waba_quiet_span(self):
        """(from, until) as `policy.hours` takes them; the same time twice when there are none."""
        self.ensure_one()
        if not self.waba_quiet_hours:
            return 0.0, 0.0
        return self.waba_quiet_from, self.waba_quiet_until

    def _waba_time_zone(self):
        """Where people are of whom nothing is known."""
        self.ensure_one()
        company = self.sudo()
        return company.partner_id.tz or company.resource_calendar_id.tz or "UTC"
