"""Dispatch: Meta's rate card as imported by managers, and the price of a message by it.

Called by the costs of messages (analytics/waba_message_cost.py) and the estimate before a launch
(campaign/preflight/waba_campaign_outlook.py).
"""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

from ...policy import rates
from ..tools.hooks import implements
from ..tools.labels import selection_labels

CATEGORIES = [
    ("marketing", "Promotion"),
    ("utility", "Service message"),
    ("authentication", "Code"),
    ("service", "Conversation"),
]


class WabaRate(models.Model):
    """A price of Meta's rate card: one market, one category, from a date on.

    Managers import Meta's card as CSV; none is shipped, since Meta changes it every quarter. A
    market is a country, a region of several, or everywhere else (no country). policy/rates.py
    chooses the line that is valid. Entry point: `_rate_card`.
    """

    _name = "waba.rate"
    _description = "WhatsApp Rate"
    _inherit = ["waba.system.fields.mixin"]
    _order = "valid_from desc, market, category, id"
    _rec_name = "market"

    market = fields.Char(
        required=True, help="As on Meta's rate card, e.g. Spain or Rest of Africa."
    )
    country_ids = fields.Many2many(
        "res.country",
        string="Countries",
        help="Empty: every country without a rate of its own.",
    )
    category = fields.Selection(CATEGORIES, required=True, default="marketing")
    amount = fields.Float("Price per message", digits=(16, 6), required=True, aggregator=None)
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        ondelete="restrict",
    )
    valid_from = fields.Date(
        required=True, default=fields.Date.context_today, help="Meta changes prices quarterly."
    )
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        index=True,
        help="Empty: all companies.",
    )
    active = fields.Boolean(default=True)

    @api.depends("market", "category")
    def _compute_display_name(self):
        labels = selection_labels(self, "category")
        for rate in self:
            category = labels.get(rate.category, "")
            rate.display_name = f"{rate.market}: {category}" if rate.market else category

    @api.constrains("amount")
    def _check_amount(self):
        for rate in self:
            if rate.amount <= 0:
                raise ValidationError(
                    self.env._(
                        "%(market)s: the price must be above 0. A free category needs no rate.",
                        market=rate.market,
                    )
                )

    @api.constrains("market", "country_ids", "category", "currency_id", "valid_from", "company_id")
    def _check_not_twice(self):
        for rate in self:
            same = self.search(
                [
                    ("id", "!=", rate.id),
                    ("category", "=", rate.category),
                    ("currency_id", "=", rate.currency_id.id),
                    ("valid_from", "=", rate.valid_from),
                    ("company_id", "=", rate.company_id.id),
                ]
            )
            if same.filtered(lambda other, rate=rate: other.country_ids == rate.country_ids):
                raise ValidationError(
                    self.env._(
                        "%(market)s already has a rate for this category from %(date)s. Edit it or "
                        "choose another date.",
                        market=rate.market,
                        date=rate.valid_from,
                    )
                )

    @api.model
    def load(self, fields, data):
        """Accept blanks after commas, and currencies that are not active."""
        columns = [i for i, name in enumerate(fields) if name.split("/")[0] == "country_ids"]
        tidy = [
            [
                ",".join(part.strip() for part in value.split(","))
                if i in columns and isinstance(value, str)
                else value
                for i, value in enumerate(row)
            ]
            for row in data
        ]
        return super(WabaRate, self.with_context(active_test=False)).load(fields, tidy)

    @api.model
    def get_import_templates(self):
        return [
            {
                "label": self.env._("Rate import template"),
                "template": "/waba_campaign/static/import/waba_rates.csv",
            }
        ]

    @api.model
    def _rate_card(self, company):
        """The company's prices, read once for many messages.

        :return: function of the ISO code of the recipient's country ('' when unknown), one of
            `policy.rates.CATEGORIES` and the naive UTC datetime of the delivery; it returns
            (amount, res.currency), or (None, None) when no imported line fits
        """
        lines = self.sudo().search([("company_id", "in", (company.id, False))])
        known = {line.id: (line.amount, line.currency_id) for line in lines}
        card = [
            rates.RateLine(
                line.id,
                frozenset(line.country_ids.mapped("code")),
                line.category,
                line.valid_from,
                bool(line.company_id),
                line.currency_id == company.currency_id,
            )
            for line in lines
        ]

        def price_of(country_code, category, at):
            line = rates.choose_rate(card, country_code or "", category, at.date())
            return known[line.id] if line else (None, None)

        return price_of


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_find_price_texts")
    def _price_texts(self, categories):
        """{category: today's price in the account's usual country, with all its digits}."""
        price_of = self.env["waba.rate"]._rate_card(self.company_id)
        now, country = fields.Datetime.now(), self._usual_country().code
        found = {category: price_of(country or "", category, now) for category in categories}
        return {
            category: f"{formatLang(self.env, amount, digits=4)} {currency.sudo().name}"
            for category, (amount, currency) in found.items()
            if amount is not None
        }
