"""Prices: the most that a campaign's messages may cost in each country, with Meta's estimate.

Called by the reservation (hook `_on_price_caps`), the pre-flight and the campaign's form. Meta
knows only a template's price; the reservation turns these into a share of it (policy/max_price.py).
"""

from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import formatLang

from ...cloud_api import CloudApiError
from ...cloud_api.nodes import ReachEstimate
from ...policy import max_price as price_policy
from ..tools.hooks import implements
from ..tools.moments import moment_text
from ..tools.reputation_texts import format_number

# Meta's estimate is of the last 7 days; asked for again after a day.
ESTIMATE_PERIOD = timedelta(days=1)
# Seconds to connect and to read: a user waits for the pre-flight.
ESTIMATE_TIMEOUT = (3, 5)
MIN_DIGITS, MAX_DIGITS = 2, 6


class WabaCampaignPrice(models.Model):
    """The most that one delivery may cost in one country, or in all others.

    It is frozen with the launch as all of the campaign: a message carries the price that was valid
    when it was reserved (`waba.message.max_price`). A change afterwards applies to messages that
    are not sent yet; only a manager may raise one then.
    """

    _name = "waba.campaign.price"
    _description = "WhatsApp Campaign Price"
    _inherit = ["waba.system.fields.mixin"]
    _order = "country_id, id"

    campaign_id = fields.Many2one("waba.campaign", required=True, ondelete="cascade", index=True)
    country_id = fields.Many2one("res.country", help="Empty: all other countries.")
    max_price = fields.Float("Maximum price", digits=(16, 6), required=True, aggregator=None)
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_currency_id", help="In which Meta charges the account."
    )
    estimate = fields.Json(readonly=True, copy=False, help="Meta's reply about this country.")
    estimated_at = fields.Datetime(readonly=True, copy=False)
    estimate_problem = fields.Char(readonly=True, copy=False)
    estimate_text = fields.Char("Meta's estimate", compute="_compute_estimate_text")

    @api.depends("country_id", "max_price")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line._country_text()}: {line._price_text(line.max_price)}"

    @api.depends("campaign_id.sender_id")
    def _compute_currency_id(self):
        for line in self:
            line.currency_id = line.campaign_id.sudo().sender_id.account_id.currency_id

    @api.depends("estimate", "estimated_at", "estimate_problem", "max_price")
    @api.depends_context("lang", "tz")
    def _compute_estimate_text(self):
        for line in self:
            line.estimate_text = line._describe_estimate() if line.country_id else False

    @api.constrains("max_price")
    def _check_max_price(self):
        for line in self:
            if line.max_price <= 0:
                raise ValidationError(
                    self.env._("Enter a maximum price above 0, or remove the line.")
                )

    @api.constrains("country_id", "campaign_id")
    def _check_country(self):
        for line in self:
            others = line.campaign_id.price_ids - line
            if line.country_id in others.country_id or (
                not line.country_id and others.filtered(lambda other: not other.country_id)
            ):
                raise ValidationError(
                    self.env._("%s has a maximum price already.", line._country_text())
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        for line in lines:
            line._check_change(None, line.max_price)
        lines.campaign_id._cancel_permissions_for_prices()
        return lines

    def write(self, vals):
        before = {line: line.max_price for line in self}
        campaigns = self.campaign_id
        if {"campaign_id", "country_id"} & vals.keys():
            campaigns._check_not_launched()
        result = super().write(vals)
        if "max_price" in vals:
            for line, price in before.items():
                line._check_change(price, line.max_price)
        if {"campaign_id", "country_id", "max_price"} & vals.keys():
            (campaigns | self.campaign_id)._cancel_permissions_for_prices()
        return result

    def unlink(self):
        campaigns = self.campaign_id
        result = super().unlink()
        campaigns._cancel_permissions_for_prices()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_after_check(self):
        for line in self:
            line._check_change(line.max_price, None)

    def _check_change(self, before, after):
        """Check a change after the launch, and log it.

        :param before, after: prices, None without one: the template's then applies, which is higher
        """
        campaign = self.campaign_id
        if campaign.state in ("draft", "scheduled") or before == after:
            return
        if campaign.state in ("done", "cancelled"):
            raise UserError(self.env._("This campaign has ended. Its prices stay as they were."))
        is_raised = after is None or (before is not None and after > before)
        is_manager = self.env.user.has_group("waba_campaign.waba_group_manager")
        if is_raised and not (self.env.su or is_manager):
            raise UserError(
                self.env._(
                    "After the launch only a manager can raise or remove a maximum price. You can "
                    "lower it."
                )
            )
        campaign._message_log(
            body=self.env._(
                "Maximum price for %(country)s: %(before)s → %(after)s, for messages that are not "
                "sent yet.",
                country=self._country_text(),
                before=self._price_text(before),
                after=self._price_text(after),
            )
        )

    # === Texts ===

    def _country_text(self):
        return self.country_id.name or self.env._("All other countries")

    def _price_text(self, price):
        return price_text(self.env, price, self.currency_id)

    def _describe_estimate(self):
        """Meta's estimate for this price, with its time; why there is none otherwise."""
        if not self.estimate:
            return self.estimate_problem or False
        when = moment_text(self.env, self.estimated_at)
        currency = self.currency_id.name or ""
        found = ReachEstimate.from_reply(self.estimate)
        if found.currency != currency or not price_policy.is_supported(currency):
            return self.env._("No estimate from Meta in %s.", currency)
        bid = price_policy.price_to_bid(Decimal(str(self.max_price)), currency)
        point = price_policy.estimate_at(found.points, bid)
        if not point:
            least = found.points and price_policy.bid_to_price(found.points[0].bid, currency)
            return self.env._(
                "Below all prices of Meta's estimate (%(when)s), which begin at %(least)s.",
                when=when,
                least=self._price_text(least) if least else "–",
            )
        average = [
            price_policy.amount(price_policy.bid_to_price(1, currency) * Decimal(str(cost)))
            for cost in point.costs
        ]
        return self.env._(
            "%(least)s–%(most)s of %(users)s recipients, at %(from)s–%(to)s on average (Meta, "
            "%(when)s).",
            least=format_number(self.env, point.deliveries[0]),
            most=format_number(self.env, point.deliveries[1]),
            users=format_number(self.env, point.users),
            to=f"{formatLang(self.env, float(average[1]), digits=4)} {currency}",
            when=when,
            **{"from": formatLang(self.env, float(average[0]), digits=4)},
        )

    # === Estimate ===

    def _refresh_estimates(self, now):
        """Ask Meta for the estimates that are missing or older than ESTIMATE_PERIOD."""
        old = self.filtered(
            lambda line: (
                line.country_id
                and (not line.estimated_at or line.estimated_at < now - ESTIMATE_PERIOD)
            )
        )
        for line in old.sudo():
            line._fetch_estimate(now)

    def _fetch_estimate(self, now):
        account = self.campaign_id.sender_id.account_id
        try:
            client = account._client(timeout=ESTIMATE_TIMEOUT)
            found = client.fetch_reach(account.waba_uid, self.country_id.code)
        except CloudApiError as error:
            self.write({"estimate": False, "estimate_problem": account._error_text(error)})
        except UserError as error:
            self.write({"estimate": False, "estimate_problem": str(error)})
        else:
            self.write({"estimate": found, "estimated_at": now, "estimate_problem": False})


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_on_price_caps")
    def _read_price_caps(self, campaign):
        # Two lines of one country, saved at the same moment: the lower one.
        lines = campaign.price_ids.sorted("max_price", reverse=True)
        return {line.country_id.code or "": price_policy.amount(line.max_price) for line in lines}

    def _price_blocker(self, template, caps):
        """Why a promotion with these prices cannot be sent, as a sentence; False if it can.

        :param caps: as `_read_price_caps` returns them
        """
        if template.category != "marketing":
            return caps and self.env._(
                "Only promotions have a maximum price, and %s is none. Remove the maximum prices.",
                template.display_name,
            )
        if not caps and not template.max_price_bid:
            return False
        route = self._promotion_route(has_max_price=True)
        if not route.endpoint:
            return self._no_route_text(route.reason)
        reason = _price_reason(template, caps, self.sudo().currency_id.name or "")
        return reason and self._stuck_text(reason, template)


def _price_reason(template, caps, currency):
    """Key of `_stuck_text`, or ''; see dispatch/waba_account_route.py."""
    if not template.max_price_bid:
        return "no_price"
    if not template.is_price_clear:
        return "price_unclear"
    if not price_policy.is_supported(currency):
        return "currency" if caps else ""
    shares = [price_policy.multiplier(cap, template.max_price_bid, currency) for cap in
              caps.values()]  # fmt: skip
    return "price_low" if 0 in shares else ""


def price_text(env, price, currency):
    """'0.05 EUR', '–' without a price."""
    if price is None:
        return "–"
    digits = max(MIN_DIGITS, -price_policy.amount(price).normalize().as_tuple().exponent)
    text = formatLang(env, float(price), digits=min(digits, MAX_DIGITS))
    return f"{text} {currency.name or ''}".strip()
