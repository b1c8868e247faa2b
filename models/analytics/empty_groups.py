"""Analytics: what rows of a group without a value are called; Odoo calls all of them "None".

Read by lists, pivots, graphs and boards that are grouped. Reports, messages and campaigns have
their labels where this package extends them.
"""

from odoo import fields, models
from odoo.tools import LazyTranslate

from ..tools.labels import (
    NO_CAMPAIGN,
    NO_COMPANY,
    NO_NUMBER,
    NO_SALESPERSON,
    NO_TEMPLATE,
)

_lt = LazyTranslate(__name__)


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    responsible_id = fields.Many2one(falsy_value_label=_lt("Unassigned"))  # pylint: disable=translation-field


class WabaConsent(models.Model):
    _inherit = "waba.consent"

    user_id = fields.Many2one(falsy_value_label=_lt("No user"))  # pylint: disable=translation-field


class WabaConsentRejected(models.Model):
    _inherit = "waba.consent.rejected"

    origin = fields.Char(falsy_value_label=_lt("Unknown origin"))  # pylint: disable=translation-field


class WabaRate(models.Model):
    _inherit = "waba.rate"

    company_id = fields.Many2one(falsy_value_label=_lt("All companies"))  # pylint: disable=translation-field


class WabaReputationEvent(models.Model):
    _inherit = "waba.reputation.event"

    campaign_id = fields.Many2one(falsy_value_label=NO_CAMPAIGN)
    sender_id = fields.Many2one(falsy_value_label=NO_NUMBER)
    template_id = fields.Many2one(falsy_value_label=NO_TEMPLATE)


class WabaSequenceEnrollment(models.Model):
    _inherit = "waba.sequence.enrollment"

    company_id = fields.Many2one(falsy_value_label=NO_COMPANY)
    step_id = fields.Many2one(falsy_value_label=_lt("No further step"))  # pylint: disable=translation-field
    stop_reason = fields.Selection(falsy_value_label=_lt("Still active"))  # pylint: disable=translation-field
    user_id = fields.Many2one(falsy_value_label=NO_SALESPERSON)
