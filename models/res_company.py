from odoo import fields, models

from ..policy import frequency

# Written here, they change what waits.
RULES = frozenset(
    ("waba_quiet_hours", "waba_quiet_from", "waba_quiet_until", "waba_frequency_count",
     "waba_frequency_days")
)  # fmt: skip


class ResCompany(models.Model):
    """A company's own rules for its messages, beside what Meta demands (docs/sending-rules.md)."""

    _inherit = "res.company"

    waba_quiet_hours = fields.Boolean("Keep quiet hours", default=True)
    waba_quiet_from = fields.Float("Quiet from", default=21.0)
    waba_quiet_until = fields.Float("Quiet until", default=9.0)
    waba_frequency_count = fields.Integer(
        "Promotions per person",
        default=2,
        help="From all numbers together. 0: as many as you like.",
    )
    waba_frequency_days = fields.Integer("Days in which they count", default=7)
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

    _waba_frequency_not_negative = models.Constraint(
        "CHECK(waba_frequency_count >= 0 AND waba_frequency_days BETWEEN 0 AND 365)",
        "How often one person gets promotions is a number of 0 or more, in up to 365 days.",
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

    def _waba_frequency_cap(self):
        """`policy.frequency.Cap`: how often one person gets promotions."""
        self.ensure_one()
        return frequency.Cap(self.waba_frequency_count, self.waba_frequency_days)

    def _waba_time_zone(self):
        """Where people are of whom nothing is known."""
        self.ensure_one()
        company = self.sudo()
        return company.partner_id.tz or company.resource_calendar_id.tz or "UTC"
