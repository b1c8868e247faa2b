"""Dispatch: the endpoint of each reserved message, and the most that a promotion may cost.

Called by the reservation (waba_sender_reserve.py) in its transaction, with the template's category
and price as stored then.
"""

from typing import NamedTuple

from odoo import models

from ...policy import endpoint
from ...policy import max_price as price_policy
from ..tools.hooks import hook
from ..tools.phone_countries import number_country

# Without the columns that only the reservation reads.
UNPRICED = {"max_price": None, "multiplier": None}


class Tariff(NamedTuple):
    """What decides about the price of a reservation's promotions.

    standing: policy.endpoint.Standing; currency: ISO code of Meta's charges; caps: {country code,
    '' for all others: Decimal} of the campaign
    """

    standing: endpoint.Standing
    currency: str
    caps: dict


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @hook
    def _on_price_caps(self, campaign):
        """When messages of a campaign are reserved.

        :return: {country code, '' for all others: Decimal} of its maximum prices
        """

    def _route_rows(self, rows, campaign, now):
        """Add to each candidate its endpoint, and what it may cost.

        :param rows: dicts of `_find_candidates`; gain `endpoint`, `max_price` (Decimal in the
            account's currency, None without one) and `multiplier` (of Meta's price)
        :param campaign: waba.campaign, or a group of direct messages
        :return: (the rows that an endpoint takes, {reason: [rows that none takes]})
        """
        caps = {}
        for found in self._on_price_caps(campaign) if campaign else ():
            caps |= found
        tariff = Tariff(self._promotion_standing(now), self.sudo().currency_id.name or "", caps)
        routed, stuck = [], {}
        for row in rows:
            reason = _route_row(row, tariff)
            if reason:
                stuck.setdefault(reason, []).append(row)
            else:
                routed.append(row)
        return routed, stuck

    def _stuck_text(self, reason, template):
        """Why no endpoint takes a message, as a sentence.

        :param reason: a key of what `_route_rows` returned
        """
        if reason == "no_price":
            return self.env._(
                "%(template)s has no maximum price at Meta. A manager can set one on the template, "
                "under Delivery settings.",
                template=template.display_name,
            )
        if reason == "price_unclear":
            return self.env._(
                "What %(template)s may cost is not certain: its price at Meta has settings that "
                "are not known here. Remove them in WhatsApp Manager, then sync the account.",
                template=template.display_name,
            )
        if reason == "price_low":
            return self.env._(
                "The campaign's maximum price is too far below the one of %(template)s. Lower "
                "the template's price, or raise the campaign's.",
                template=template.display_name,
            )
        if reason == "currency":
            return template._currency_text(self.sudo().currency_id.name or "")
        return self._no_route_text(reason)


def _route_row(row, tariff):
    """Add a candidate's endpoint and price; return why it has none, or ''."""
    row.update(UNPRICED, endpoint=endpoint.CLOUD_API)
    if row["kind"] != "template":
        return ""
    bid, refused = row["template_bid"] or 0, row["refused_endpoint"] or ""
    is_promotion = row["template_category"] == "marketing"
    cap = None
    if is_promotion and tariff.caps:
        country = number_country(row["number"] or row["user_uid"])
        cap = price_policy.country_cap(tariff.caps, country)
    has_price = is_promotion and (bool(bid) or cap is not None)
    route = endpoint.choose_endpoint(
        row["template_category"] or "", tariff.standing, has_price, refused
    )
    row["endpoint"] = route.endpoint
    if not route.endpoint:
        return route.reason
    if route.endpoint == endpoint.MARKETING_API and has_price:
        return _price_row(row, bid, cap, tariff.currency)
    return ""


def _price_row(row, bid, cap, currency):
    """Add what a promotion may cost; return why that is not certain, or ''."""
    if not bid:
        return "no_price"
    if not row["is_price_clear"]:
        return "price_unclear"
    if not price_policy.is_supported(currency):
        # Without a price of the campaign, Meta keeps to the template's; how much it is, is unknown.
        return "currency" if cap is not None else ""
    row["max_price"] = price_policy.effective_price(cap, bid, currency)
    row["multiplier"] = None if cap is None else price_policy.multiplier(cap, bid, currency)
    return "price_low" if row["multiplier"] == 0 else ""
