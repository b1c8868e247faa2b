"""Base: how Meta delivers a template's promotions: maximum price, time to live, optimizations.

Read from Meta by the sync; changed at Meta by wizard/waba_template_delivery.py. The reservation
(dispatch/waba_account_route.py) calculates each message's price from the template's, so the stored
one must never be below Meta's: it is raised here before it is at Meta, and lowered after.
"""

from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ....cloud_api import CloudApiError, RequestRefused, UnknownOutcome, delivery_changes
from ....policy import max_price as price_policy
from ...tools.transactions import commit_step

# A listing that was read before a change and is applied after it does not undo the change.
PRICE_SETTLED_AFTER = timedelta(minutes=15)


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    max_price_bid = fields.Integer(
        "Price at Meta",
        readonly=True,
        aggregator=None,
        help="Of 1,000 deliveries, in the smallest unit of the account's currency.",
    )
    is_price_clear = fields.Boolean(
        readonly=True, default=True, help="Meta's price has no part that is not known here."
    )
    price_set_at = fields.Datetime(readonly=True, copy=False)
    price_currency_id = fields.Many2one(related="account_id.currency_id", string="Currency")
    max_price = fields.Float(
        "Maximum price",
        compute="_compute_max_price",
        digits=(16, 6),
        help="The most that one delivery of this promotion may cost.",
    )
    ttl_seconds = fields.Integer(readonly=True, aggregator=None)
    ttl_hours = fields.Integer(
        "Time to live", compute="_compute_ttl_hours", help="Meta tries to deliver for so long."
    )
    creative_features = fields.Json(
        readonly=True, help="{creative optimization: whether it is on}, those that were chosen."
    )
    refused_endpoint = fields.Char(
        readonly=True,
        copy=False,
        help="The endpoint that refused this template as the wrong one, until the next sync.",
    )

    @api.depends("max_price_bid", "account_id.currency_id")
    def _compute_max_price(self):
        for template in self:
            currency = template.sudo().account_id.currency_id.name or ""
            known = template.max_price_bid and price_policy.is_supported(currency)
            template.max_price = (
                float(price_policy.bid_to_price(template.max_price_bid, currency)) if known else 0.0
            )

    @api.depends("ttl_seconds")
    def _compute_ttl_hours(self):
        for template in self:
            template.ttl_hours = template.ttl_seconds // 3600

    def action_delivery(self):
        """Open the dialog that changes at Meta how this template is delivered."""
        self.ensure_one()
        return self.env["waba.template.delivery"]._open(self)

    @api.model
    def _delivery_values(self, delivery):
        """Field values from a `cloud_api.TemplateDelivery`; none if Meta was not asked for it."""
        if delivery is None:
            return {"refused_endpoint": False}
        return {
            "max_price_bid": delivery.bid or 0,
            "is_price_clear": delivery.is_bid_clear,
            "ttl_seconds": delivery.ttl_seconds or 0,
            "creative_features": delivery.features or False,
            "refused_endpoint": False,
        }

    def _with_settled_price(self, values):
        """These values of a sync without a price that may be older than our own change."""
        since = fields.Datetime.now() - PRICE_SETTLED_AFTER
        is_recent = self.price_set_at and self.price_set_at > since
        if is_recent and values.get("max_price_bid", self.max_price_bid) < self.max_price_bid:
            return {name: value for name, value in values.items() if name != "max_price_bid"}
        return values

    # === Change at Meta ===

    def _change_delivery(self, price=None, ttl_hours=None, features=None):
        """Change at Meta, and here, what is given.

        :param price: Decimal, the most that one delivery may cost
        :param features: {creative optimization: whether it is on}
        :raise UserError: not possible, or refused by Meta
        """
        self.ensure_one()
        template = self.sudo()
        bid = None if price is None else template._bid_of(price)
        try:
            changes = delivery_changes(bid, ttl_hours and ttl_hours * 3600, features)
        except ValueError as error:
            raise UserError(
                self.env._("Enter a time to live from 12 to 720 hours, and a price above 0.")
            ) from error
        if not changes:
            return
        before = template.max_price_bid
        if bid is not None and bid > before:
            commit_step(self.env, lambda: template._raise_price(bid))
        try:
            template.account_id._client().edit_template(template.template_uid, changes)
        except UnknownOutcome as error:
            raise UserError(
                self.env._("Meta did not answer. Sync the account to see whether it was changed.")
            ) from error
        except CloudApiError as error:
            if bid is not None and bid > before:
                # Committed, or the error below would undo it.
                commit_step(self.env, lambda: template.write({"max_price_bid": before}))
            raise UserError(template._delivery_error_text(error)) from error
        template._store_delivery(bid, ttl_hours, features)

    def _store_delivery(self, bid, ttl_hours, features):
        values = {}
        if bid is not None:
            values |= {"max_price_bid": bid, "price_set_at": fields.Datetime.now()}
        if ttl_hours:
            values["ttl_seconds"] = ttl_hours * 3600
        if features:
            values["creative_features"] = {**(self.creative_features or {}), **features}
        self.write(values)

    def _bid_of(self, price):
        """Meta's price of 1,000 deliveries.

        :raise UserError: it cannot be stated in the account's currency
        """
        account = self.account_id
        currency = account.currency_id.name or ""
        if not price_policy.is_supported(currency):
            raise UserError(self._currency_text(currency))
        if account.promotions_by != "marketing_api" or self.category != "marketing":
            raise UserError(account._no_route_text("not_chosen"))
        bid = price_policy.price_to_bid(Decimal(str(price)), currency)
        if not 0 < bid <= price_policy.MAX_BID:
            raise UserError(self.env._("Enter a maximum price above 0."))
        return bid

    def _raise_price(self, bid):
        """Store a higher price before Meta has it, while no message was calculated with the lower.

        :raise UserError: messages of the template are on the way
        """
        self.account_id.portfolio_id._lock_for_reservation()
        on_the_way = self.env["waba.message"].search_count(
            [("template_id", "=", self.id), ("state", "=", "reserved")], limit=1
        )
        if on_the_way:
            raise UserError(
                self.env._(
                    "Messages of this template are being sent with the lower price. Pause its "
                    "campaigns, and raise the price a minute later."
                )
            )
        self.write({"max_price_bid": bid, "price_set_at": fields.Datetime.now()})

    def _currency_text(self, currency):
        return self.env._(
            "Maximum prices in %s are not supported yet: how Meta counts them there is not "
            "certain.",
            currency or self.env._("an unknown currency"),
        )

    def _delivery_error_text(self, error):
        """Meta's refusal as a sentence."""
        if isinstance(error, RequestRefused) and "legal agreement" in (
            f"{error.message} {error.details}"
        ):
            return self.env._(
                "Meta has no agreement on maximum prices with your business. Sign the beta "
                "agreement at Meta, then try again."
            )
        return self.account_id._error_text(error)
