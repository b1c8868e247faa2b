from odoo import api, fields, models

from ..policy import attribution
from .waba_money_words import amount_text, share_text, unit_price_text
from .waba_reputation_words import format_number
from .window_actions import list_action

SUMMED_FIELDS = ("delivered_count", "replied_count", "linked_count", "clicked_count", "charged_count",
        "free_count", "unpriced_count", "unrated_count", "cost")  # fmt: skip


class WabaCampaign(models.Model):
    """What a campaign cost and its outcome, on its Money tab.

    From the daily figures and the events attributed to it, both counted every ten minutes: a campaign
    of a million messages is not read for it. No figure stands without its base, and what is too
    little to tell says so.
    """

    _inherit = "waba.campaign"

    money_cost = fields.Char("Cost", compute="_compute_money")
    money_cost_base = fields.Char(compute="_compute_money")
    money_replies = fields.Char("Replies", compute="_compute_money")
    money_replies_base = fields.Char(compute="_compute_money")
    money_clicks = fields.Char("Clicks", compute="_compute_money")
    money_clicks_base = fields.Char(compute="_compute_money")
    money_won = fields.Char("Won", compute="_compute_money")
    money_won_base = fields.Char(compute="_compute_money")
    money_invoiced = fields.Char("Invoiced", compute="_compute_money")
    money_invoiced_base = fields.Char(compute="_compute_money")
    money_return = fields.Char("Return", compute="_compute_money")
    money_return_base = fields.Char(compute="_compute_money")
    money_rule = fields.Char(compute="_compute_money")
    money_counted = fields.Char(compute="_compute_money")

    @api.depends("state")
    def _compute_money(self):
        counts, results = self._cost_counts(), self._revenue_counts()
        counted_at = self.env["waba.money.daily"].sudo()._last_counted_at()
        for campaign in self:
            words = CostCards(campaign, counts.get(campaign.id), results.get(campaign.id, {}))
            campaign.update(
                {
                    **words.cost_card(),
                    **words.reply_card(),
                    **words.won_card(),
                    **words.invoice_card(),
                    **words.return_card(),
                    "money_rule": campaign._attribution_rule_text(),
                    "money_counted": campaign.env._(
                        "Counted %s; every ten minutes.", campaign._format_datetime(counted_at)
                    )
                    if counted_at
                    else campaign.env._("Not counted yet; that is done every ten minutes."),
                }
            )

    def _cost_counts(self):
        """{campaign id: {measure: sum}}."""
        rows = (
            self.env["waba.money.daily"]
            .sudo()
            ._read_group(
                [("campaign_id", "in", self.ids)],
                ["campaign_id"],
                [f"{measure}:sum" for measure in SUMMED_FIELDS],
            )
        )
        return {
            campaign.id: dict(zip(SUMMED_FIELDS, sums, strict=True)) for campaign, *sums in rows
        }

    def _revenue_counts(self):
        """{campaign id: {kind: (leads, amount)}}."""
        results = {}
        for campaign, kind, leads, total in (
            self.env["waba.attribution"]
            .sudo()
            ._read_group(
                [("campaign_id", "in", self.ids)],
                ["campaign_id", "kind"],
                ["lead_id:count_distinct", "amount:sum"],
            )
        ):
            results.setdefault(campaign.id, {})[kind] = (leads, total)
        return results

    def _attribution_rule_text(self):
        return self.env._(
            "What happens to a lead is put down to the last message that had arrived at its "
            "person, or about it, in the %s days before; to one message alone, whatever else may "
            "have helped. Replies and clicks belong to the message that they name.",
            self.company_id.waba_attribution_days,
        )

    def action_view_cost_report(self):
        """What is behind a card; the button's context names it."""
        self.ensure_one()
        card = self.env.context.get("waba_money")
        behind = {"cost": "delivered", "replies": "replied", "clicks": "clicked"}
        if card in behind:
            return self.with_context(waba_filter=behind[card]).action_view_messages()
        xml_id = "waba_money_report_action" if card == "return" else "waba_attribution_action"
        context = {
            "won": {"search_default_won": 1},
            "invoiced": {"search_default_revenue": 1},
        }.get(card)
        return list_action(self.env, xml_id, [("campaign_id", "=", self.id)], context)


class CostCards:
    """The cards of one campaign.

    :param counts: {measure: sum}, None when nothing of it was counted yet
    :param results: {kind: (leads, amount)}
    """

    def __init__(self, campaign, counts, results):
        self.env = campaign.env
        self.currency = campaign.company_id.currency_id
        self.counts = dict.fromkeys(SUMMED_FIELDS, 0) | {
            k: v or 0 for k, v in (counts or {}).items()
        }
        self.results = results
        # A part without a price would make everything look cheaper than it was.
        self.is_priced = bool(self.counts["delivered_count"]) and not self.counts["unpriced_count"]

    def _amount(self, value):
        return amount_text(self.env, value, self.currency)

    def _each(self, count):
        if not self.is_priced or not count:
            return None
        return unit_price_text(self.env, self.counts["cost"], count, self.currency)

    def cost_card(self):
        env, counts = self.env, self.counts
        if not counts["delivered_count"]:
            return {"money_cost": "–", "money_cost_base": env._("Nothing has arrived yet")}
        parts = []
        if counts["charged_count"]:
            parts.append(env._("%s charged", format_number(env, counts["charged_count"])))
        if counts["free_count"]:
            parts.append(env._("%s free", format_number(env, counts["free_count"])))
        if counts["unrated_count"]:
            parts.append(
                env._("no rate imported for %s", format_number(env, counts["unrated_count"]))
            )
        if untold := counts["unpriced_count"] - counts["unrated_count"]:
            parts.append(env._("no price told of %s", format_number(env, untold)))
        return {
            "money_cost": self._cost(),
            "money_cost_base": env._(
                "%(delivered)s delivered: %(parts)s",
                delivered=format_number(env, counts["delivered_count"]),
                parts=", ".join(parts),
            ),
        }

    def _cost(self):
        cost = self._amount(self.counts["cost"])
        if self.is_priced:
            return cost
        if self.counts["charged_count"] or self.counts["free_count"]:
            return self.env._("at least %s", cost)
        return self.env._("Not known")

    def reply_card(self):
        env, counts = self.env, self.counts
        replied, clicked = counts["replied_count"], counts["clicked_count"]
        replies = [share_text(env, replied, counts["delivered_count"]), self._each(replied)]
        clicks = [share_text(env, clicked, counts["linked_count"]), self._each(clicked)]
        return {
            "money_replies": format_number(env, replied),
            "money_replies_base": self._join(replies, env._("delivered")),
            # Without a tracked link there is nothing to click that we could count.
            "money_clicks": format_number(env, clicked) if counts["linked_count"] else False,
            "money_clicks_base": self._join(clicks, env._("delivered with the link")),
        }

    def _join(self, parts, what):
        of_whole, each = parts
        text = f"{of_whole} {what}" if of_whole else None
        return " · ".join(filter(None, (text, each)))

    def won_card(self):
        env = self.env
        leads, revenue = self.results.get("won", (0, 0))
        if not leads:
            return {"money_won": "0", "money_won_base": env._("No lead of it is won yet")}
        parts = [env._("%s expected", self._amount(revenue)), self._each(leads)]
        return {
            "money_won": format_number(env, leads),
            "money_won_base": " · ".join(filter(None, parts)),
        }

    def invoice_card(self):
        leads, invoiced = self.results.get("revenue", (0, 0))
        if not leads:
            return {"money_invoiced": False, "money_invoiced_base": False}
        return {
            "money_invoiced": self._amount(invoiced),
            "money_invoiced_base": self.env._(
                "without taxes, from %s leads", format_number(self.env, leads)
            ),
        }

    def return_card(self):
        """How many times the cost came back, by what is invoiced or else expected."""
        env, cost = self.env, self.counts["cost"]
        leads, revenue = self.results.get("won", (0, 0))
        invoiced_leads, invoiced = self.results.get("revenue", (0, 0))
        value, count = (invoiced, invoiced_leads) if invoiced_leads else (revenue, leads)
        base = (
            env._("invoiced for %s spent", self._amount(cost))
            if invoiced_leads
            else env._("expected for %s spent", self._amount(cost))
        )
        if not self.is_priced:
            times, base = "–", env._("needs a price for each message")
        elif count < attribution.MIN_PRICED:
            times, base = "–", env._("too few won leads to tell: %s", format_number(env, count))
        elif not cost:
            times, base = "–", env._("nothing was spent")
        else:
            times = env._("%s×", format_number(env, round(value / cost)))
        return {"money_return": times, "money_return_base": base}


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    won_count = fields.Integer("Won leads", compute="_compute_won_count")

    @api.depends_context("uid")
    def _compute_won_count(self):
        groups = self.env["waba.attribution"]._read_group(
            [("template_id", "in", self.ids), ("kind", "=", "won")], ["template_id"], ["__count"]
        )
        counts = {template.id: count for template, count in groups}
        for template in self:
            template.won_count = counts.get(template.id, 0)

    def action_view_cost_report(self):
        self.ensure_one()
        return list_action(self.env, "waba_money_report_action", [("template_id", "=", self.id)])
