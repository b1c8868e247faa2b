"""Base: a company's rules for its messages, set in Settings, and a user's own choice.

Read by consent, dispatch, campaigns, conversations and attribution.
"""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...policy import attribution, frequency
from ..tools.hooks import hook

NOTIFICATION_CHANNELS = [
    ("inbox", "Notification"),
    ("activity", "Activity on the lead or contact"),
    ("none", "None"),
]


class ResCompany(models.Model):
    """A company's own rules, in addition to Meta's (docs/sending-rules.md)."""

    _name = "res.company"
    _inherit = ["res.company", "waba.system.fields.mixin"]

    # Quiet hours and frequency
    waba_quiet_hours = fields.Boolean("Quiet hours", default=True)
    waba_quiet_from = fields.Float("Quiet from", default=21.0)
    waba_quiet_until = fields.Float("Quiet until", default=9.0)
    waba_frequency_count = fields.Integer(
        "Frequency cap",
        default=2,
        help="Promotions per person, from all numbers together. 0: no cap.",
    )
    waba_frequency_days = fields.Integer("Frequency cap period (days)", default=7)
    waba_same_template_hours = fields.Integer("Repeat template after", default=24)
    waba_us_marketing_left_out = fields.Boolean(
        "Exclude the United States from promotions",
        default=True,
        help="Meta delivers no promotions to +1 numbers of the United States.",
    )

    # Consent
    waba_opt_in_required = fields.Boolean(
        "Require an opt-in for promotions",
        help="Promotions are sent only to people with an opt-in in the consent log.",
    )
    waba_consent_months = fields.Integer(
        "Consent ends after",
        help="Months after which a new opt-in to promotions ends. 0: never.",
    )
    waba_feed_blacklist = fields.Boolean(
        "Add opt-outs to the phone blacklist",
        help="The phone blacklist also blocks SMS and WhatsApp service messages.",
    )

    # Campaigns
    waba_approval_above = fields.Integer(
        "Approval above",
        help="Campaigns with more recipients need a manager's approval. 0: no approval.",
    )
    waba_approval_own = fields.Boolean(
        "Allow managers to approve their own campaigns",
        help="For companies with one manager.",
    )
    waba_test_numbers = fields.Char(
        "Test numbers",
        help="The only numbers that test messages can go to: +34600111222, +34600333444",
    )

    # Budget
    waba_month_budget = fields.Monetary(
        "Monthly budget",
        help="What all messages of a calendar month may cost. 0: no budget.",
    )
    waba_unknown_price = fields.Float(
        "Unknown price",
        digits=(16, 6),
        help="Per message, where no rate is imported. 0: such messages wait.",
    )
    waba_budget_direct = fields.Selection(
        [("send", "Send and warn"), ("hold", "Hold")],
        "Colleagues' messages",
        default="send",
        required=True,
        help="Templates that colleagues send when the month's budget is used.",
    )

    # Inbound messages
    waba_notify = fields.Selection(
        NOTIFICATION_CHANNELS,
        "Notify salesperson by",
        default="inbox",
        required=True,
    )
    waba_presence = fields.Selection(
        [("none", "Nothing"), ("read", "Read receipts"), ("typing", "Read receipts and typing")],
        "Shown to customers",
        default="none",
        required=True,
    )
    waba_app_people = fields.Boolean(
        "Phone contacts",
        help="Also store names and earlier messages of people whom Odoo does not know yet.",
    )
    waba_create_lead = fields.Boolean(
        "Create leads from unknown contacts",
        help="When the sender's number is on no lead or contact.",
    )
    waba_lead_team_id = fields.Many2one("crm.team", "WhatsApp sales team")
    waba_lead_user_id = fields.Many2one("res.users", "WhatsApp leads: salesperson")
    waba_hand_over_hours = fields.Integer(
        "Automatic replies pause (hours)",
        default=24,
        required=True,
        help="After an automatic reply, a colleague answers; automatic replies resume after this.",
    )

    # Results
    waba_attribution_days = fields.Integer(
        "Attribution window (days)",
        default=attribution.DEFAULT_DAYS,
    )
    waba_alerted_at = fields.Datetime("Last alert email", readonly=True)

    _waba_quiet_hours_of_day = models.Constraint(
        "CHECK(waba_quiet_from >= 0 AND waba_quiet_from <= 24"
        " AND waba_quiet_until >= 0 AND waba_quiet_until <= 24)",
        "Quiet hours are between 0:00 and 24:00.",
    )
    _waba_frequency_not_negative = models.Constraint(
        "CHECK(waba_frequency_count >= 0 AND waba_frequency_days BETWEEN 0 AND 365)",
        "The frequency cap is 0 or more promotions in 0 to 365 days.",
    )
    _waba_same_template_hours_in_range = models.Constraint(
        "CHECK(waba_same_template_hours BETWEEN 0 AND 720)",
        "The hours before the same template can be sent again are 0 to 720.",
    )
    _waba_approval_positive = models.Constraint(
        "CHECK(waba_approval_above >= 0)",
        "The approval limit is 0 or more recipients.",
    )
    _waba_budget_not_negative = models.Constraint(
        "CHECK(waba_month_budget >= 0 AND waba_unknown_price >= 0)",
        "Budgets and prices are 0 or more.",
    )
    _waba_hand_over_hours_positive = models.Constraint(
        "CHECK(waba_hand_over_hours > 0)",
        "Automatic replies pause for at least 1 hour.",
    )

    @api.constrains("waba_attribution_days")
    def _check_waba_attribution_days(self):
        for company in self:
            if not 1 <= company.waba_attribution_days <= attribution.MAX_DAYS:
                raise ValidationError(
                    self.env._(
                        "The attribution window is 1 to %s days.",
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
                        "%s is not a valid phone number. Use the country code, and commas between "
                        "numbers: +34600111222, +34600333444",
                        typed,
                    )
                )
            numbers.append(number)
        return numbers


class ResUsers(models.Model):
    """How a user is notified of inbound messages: set in the user's preferences."""

    _inherit = "res.users"

    waba_notify = fields.Selection(
        NOTIFICATION_CHANNELS,
        "WhatsApp notifications",
        help="How you are notified of WhatsApp messages; empty: as set by the company.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "waba_notify"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "waba_notify"]

    def _waba_notification_channel(self, company):
        """A key of NOTIFICATION_CHANNELS: the user's own choice, else the company's."""
        return self.sudo().waba_notify or company.waba_notify or "inbox"
