"""Base: a company's rules for its messages, set in Settings.

Read by consent, dispatch, campaigns, conversations and attribution.
"""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...policy import attribution, frequency
from ..tools.hooks import hook

NOTIFICATION_CHANNELS = [
    ("inbox", "A notification in the inbox"),
    ("activity", "An activity on the lead or contact"),
    ("none", "Nothing: they look at the conversations"),
]


class ResCompany(models.Model):
    """A company's own rules, in addition to Meta's (docs/sending-rules.md)."""

    _name = "res.company"
    _inherit = ["res.company", "waba.system.fields.mixin"]

    # Quiet hours and frequency
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

    # Consent
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

    # Campaigns
    waba_approval_above = fields.Integer(
        "Approval above",
        help="Campaigns to more people than this are launched only when a manager has approved "
        "them. 0: never asked.",
    )
    waba_approval_own = fields.Boolean(
        "Managers approve their own",
        help="For companies with one manager. Otherwise somebody else approves: two pairs of eyes.",
    )
    waba_test_numbers = fields.Char(
        "Numbers for tests",
        help="The phones that test messages may go to, your colleagues' included: "
        "+34600111222, +34600333444",
    )

    # Inbound messages
    waba_notify = fields.Selection(
        NOTIFICATION_CHANNELS,
        "Tell the salesperson of a WhatsApp message by",
        default="inbox",
        required=True,
    )
    waba_presence = fields.Selection(
        [("none", "Nothing"), ("read", "Read receipts"), ("typing", "Read receipts and typing")],
        "Shown to the customer",
        default="none",
        required=True,
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

    # Results
    waba_attribution_days = fields.Integer(
        "Days in which something counts as coming of a WhatsApp message",
        default=attribution.DEFAULT_DAYS,
    )
    waba_alerted_at = fields.Datetime("Last e-mail about WhatsApp numbers", readonly=True)

    _waba_quiet_hours_of_day = models.Constraint(
        "CHECK(waba_quiet_from >= 0 AND waba_quiet_from <= 24"
        " AND waba_quiet_until >= 0 AND waba_quiet_until <= 24)",
        "Quiet hours are times of the day, from 0:00 to 24:00.",
    )
    _waba_frequency_not_negative = models.Constraint(
        "CHECK(waba_frequency_count >= 0 AND waba_frequency_days BETWEEN 0 AND 365)",
        "How often one person gets promotions is a number of 0 or more, in up to 365 days.",
    )
    _waba_approval_positive = models.Constraint(
        "CHECK(waba_approval_above >= 0)",
        "Approval is asked above a number of people, or 0 for never.",
    )
    _waba_hand_over_hours_positive = models.Constraint(
        "CHECK(waba_hand_over_hours > 0)",
        "The hours without automatic replies must be at least 1.",
    )

    @api.constrains("waba_attribution_days")
    def _check_waba_attribution_days(self):
        for company in self:
            if not 1 <= company.waba_attribution_days <= attribution.MAX_DAYS:
                raise ValidationError(
                    self.env._(
                        "What comes of a message is looked for within 1 to %s days of its arrival.",
                        attribution.MAX_DAYS,
                    )
                )

    @api.constrains("waba_test_numbers")
    def _check_waba_test_numbers(self):
        for company in self:
            company._waba_test_number_list()

    def write(self, vals):
        result = super().write(vals)
        self._on_waba_change(vals.keys())
        return result

    @hook
    def _on_waba_change(self, names):
        """After these companies were written.

        :param names: the fields that were written
        """

    def _waba_quiet_period(self):
        """(from, until) in hours of the day, for `policy.hours`; equal if there are none."""
        self.ensure_one()
        if not self.waba_quiet_hours:
            return 0.0, 0.0
        return self.waba_quiet_from, self.waba_quiet_until

    def _waba_frequency_cap(self):
        """`policy.frequency.FrequencyCap` of promotions per recipient."""
        self.ensure_one()
        return frequency.FrequencyCap(self.waba_frequency_count, self.waba_frequency_days)

    def _waba_time_zone(self):
        """Name of the time zone for recipients without data about theirs."""
        self.ensure_one()
        company = self.sudo()
        return company.partner_id.tz or company.resource_calendar_id.tz or "UTC"

    def _waba_test_number_list(self):
        """The numbers for tests as E.164.

        :raise ValidationError: names the part that is no valid number
        """
        self.ensure_one()
        numbers = []
        for typed in filter(None, map(str.strip, (self.waba_test_numbers or "").split(","))):
            number = self.env["res.partner"]._phone_format(
                number=typed, country=self.country_id, force_format="E164"
            )
            if not number:
                raise ValidationError(
                    self.env._(
                        "%s is not a valid phone number. Write each with its country code, "
                        "separated by commas: +34600111222, +34600333444",
                        typed,
                    )
                )
            numbers.append(number)
        return numbers
