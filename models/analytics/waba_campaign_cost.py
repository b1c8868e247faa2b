"""Analytics: cost and results of a campaign, a template and a follow-up, for their forms.

Called by the tab Cost and revenue and by statistic buttons; figures are in waba_money_daily.py and
waba_attribution.py.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from ...policy import attribution, reputation, reputation_causes, reputation_rates
from ..tools.figures import amount_text
from ..tools.labels import NO_NUMBER, NO_TEMPLATE, list_action
from ..tools.reputation_texts import (
    format_number,
    format_percent,
    reason_text,
    score_facts,
)

SUMMED_FIELDS = ("delivered_count", "replied_count", "linked_count", "clicked_count",
                 "charged_count", "free_count", "unpriced_count", "unrated_count",
                 "cost")  # fmt: skip

WON_SQL = "l.won_status = 'won' AND l.date_closed >= %(start)s AND l.date_closed < %(end)s"
WON_EARLIER_SQL = "(l.won_status = 'won' AND l.date_closed < %(start)s)"

# Leads in the hold-out group and all others of the campaign, whether their message arrived or not:
# otherwise leads that it did not reach would be missing on one side only.
HOLDOUT_QUERY = f"""
SELECT m.failure_type IS DISTINCT FROM 'holdout', count(*), count(*) FILTER (WHERE {WON_SQL})
  FROM waba_message m JOIN crm_lead l ON l.id = m.res_id
 WHERE m.campaign_id = %(campaign)s AND m.direction = 'out' AND m.res_model = 'crm.lead'
   AND (m.state NOT IN ('skipped', 'cancelled') OR m.failure_type = 'holdout')
   AND NOT COALESCE({WON_EARLIER_SQL}, FALSE)
 GROUP BY 1"""

NOT_CONTACTED_QUERY = f"""
WITH mine AS (SELECT l.id, l.team_id, l.date_closed, l.won_status, l.create_date
                FROM waba_message m JOIN crm_lead l ON l.id = m.res_id
               WHERE m.campaign_id = %(campaign)s AND m.direction = 'out'
                 AND m.res_model = 'crm.lead' AND m.state NOT IN ('skipped', 'cancelled')),
     others AS (SELECT l.date_closed, l.won_status FROM crm_lead l
                 WHERE (l.company_id = %(company)s OR l.company_id IS NULL)
                   AND COALESCE(l.team_id, 0) IN (SELECT COALESCE(team_id, 0) FROM mine)
                   AND l.create_date <= %(start)s
                   AND (l.date_closed IS NULL OR l.date_closed >= %(start)s)
                   AND NOT EXISTS (SELECT 1 FROM waba_message w
                                    WHERE w.res_model = 'crm.lead' AND w.res_id = l.id
                                      AND w.direction = 'out'
                                      AND (w.campaign_id = %(campaign)s
                                           OR w.accepted_at BETWEEN %(before)s AND %(end)s)))
SELECT TRUE, count(*), count(*) FILTER (WHERE {WON_SQL}) FROM mine l
 WHERE l.date_closed IS NULL OR l.date_closed >= %(start)s
 UNION ALL
SELECT FALSE, count(*), count(*) FILTER (WHERE {WON_SQL}) FROM others l"""


def unit_price_text(env, cost, count, currency):
    """Return the cost of one of `count`, or that there are too few for it."""
    if count < attribution.MIN_PRICED:
        return env._("cost each: not enough data")
    return env._("%s each", amount_text(env, cost / count, currency))


def share_text(env, part, whole):
    """Return '8% of 510', None without a base."""
    if not whole:
        return None
    return env._(
        "%(percent)s of %(whole)s",
        percent=format_percent(env, part / whole),
        whole=format_number(env, whole),
    )


class CostCards:
    """The texts of a campaign's cards on cost and revenue, as values of its fields.

    :param counts: {measure: sum}, None if nothing was counted yet
    :param results: {kind: (leads, amount)}
    """

    def __init__(self, campaign, counts, results):
        self.env = campaign.env
        self.currency = campaign.company_id.currency_id
        self.counts = dict.fromkeys(SUMMED_FIELDS, 0) | {
            k: v or 0 for k, v in (counts or {}).items()
        }
        self.results = results
        # With unpriced messages a price per result would be too low.
        self.is_priced = bool(self.counts["delivered_count"]) and not self.counts["unpriced_count"]

    def _amount(self, value):
        return amount_text(self.env, value, self.currency)

    def _each(self, count):
        if not self.is_priced or not count:
            return None
        return unit_price_text(self.env, self.counts["cost"], count, self.currency)

    def cost_card(self):
        """Return the known cost and its base: charged, free and unpriced messages."""
        env, counts = self.env, self.counts
        delivered = counts["delivered_count"]
        if not delivered:
            return {"money_cost": "–", "money_cost_base": env._("No messages delivered yet")}
        priced = delivered - counts["unpriced_count"]
        values = {
            "known": format_number(env, priced),
            "delivered": format_number(env, delivered),
            "details": ", ".join(self._cost_details()),
        }
        if self.is_priced:
            base = env._("%(delivered)s delivered: %(details)s", **values)
        else:
            base = env._("Cost known for %(known)s of %(delivered)s delivered: %(details)s",
                         **values)  # fmt: skip
        return {
            "money_cost": self._amount(counts["cost"]) if priced else env._("Unknown"),
            "money_cost_base": base,
        }

    def _cost_details(self):
        """Return how many messages were charged, free, and not priced, as texts."""
        env, counts = self.env, self.counts
        unreported = counts["unpriced_count"] - counts["unrated_count"]
        found = [
            (counts["charged_count"], env._("%s charged")),
            (counts["free_count"], env._("%s free")),
            (counts["unrated_count"], env._("%s without a rate")),
            (unreported, env._("%s without a reported price")),
        ]
        return [text % format_number(env, count) for count, text in found if count]

    def reply_card(self):
        """Return replies and clicks, with their rates and the cost of each."""
        env, counts = self.env, self.counts
        replied, clicked = counts["replied_count"], counts["clicked_count"]
        replies = [share_text(env, replied, counts["delivered_count"]), self._each(replied)]
        clicks = [share_text(env, clicked, counts["linked_count"]), self._each(clicked)]
        return {
            "money_replies": format_number(env, replied),
            "money_replies_base": self._join(replies, env._("delivered")),
            # Without a tracked link no click can be counted.
            "money_clicks": format_number(env, clicked) if counts["linked_count"] else False,
            "money_clicks_base": self._join(clicks, env._("delivered with a link")),
        }

    def _join(self, parts, what):
        of_whole, each = parts
        text = f"{of_whole} {what}" if of_whole else None
        return " · ".join(filter(None, (text, each)))

    def won_card(self):
        """Return won leads, with their expected revenue and the cost of each."""
        env = self.env
        leads, revenue = self.results.get("won", (0, 0))
        if not leads:
            return {"money_won": "0", "money_won_base": env._("No leads won yet")}
        parts = [env._("%s expected revenue", self._amount(revenue)), self._each(leads)]
        return {
            "money_won": format_number(env, leads),
            "money_won_base": " · ".join(filter(None, parts)),
        }

    def invoice_card(self):
        """Return the invoiced amount; no card if nothing was invoiced."""
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
        """Return the return on the cost, from invoiced or otherwise expected revenue."""
        env, cost = self.env, self.counts["cost"]
        leads, revenue = self.results.get("won", (0, 0))
        invoiced_leads, invoiced = self.results.get("revenue", (0, 0))
        value, count = (invoiced, invoiced_leads) if invoiced_leads else (revenue, leads)
        base = (
            env._("invoiced revenue on %s cost", self._amount(cost))
            if invoiced_leads
            else env._("expected revenue on %s cost", self._amount(cost))
        )
        if not self.is_priced:
            times, base = "–", env._("Needs the cost of every message")
        elif count < attribution.MIN_PRICED:
            times = "–"
            base = env._(
                "Not enough data: %(count)s of %(needed)s won leads",
                count=format_number(env, count),
                needed=format_number(env, attribution.MIN_PRICED),
            )
        elif not cost:
            times, base = "–", env._("All messages were free")
        else:
            times = env._("%s×", format_number(env, round(value / cost)))
        return {"money_return": times, "money_return_base": base}


class WabaCampaign(models.Model):
    """Calculated from daily figures and attributed events, not from a million messages.

    Each figure is shown with its base; a note replaces a figure whose base is too small.
    """

    _inherit = "waba.campaign"

    # What groups without a value are called
    sender_id = fields.Many2one(falsy_value_label=NO_NUMBER)
    template_id = fields.Many2one(falsy_value_label=NO_TEMPLATE)

    # Cost and revenue
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

    # Comparison with leads that were not messaged
    money_comparison = fields.Text(compute="_compute_money_comparison")

    # Reputation
    reputation_cost = fields.Integer(
        "Reputation cost",
        compute="_compute_reputation_cost",
        help="Points of the number's health score lost to this campaign in the last 7 days.",
    )
    reputation_text = fields.Text("Reputation", compute="_compute_reputation_cost")

    @api.depends("state")
    def _compute_money(self):
        counts, results = self._cost_counts(), self._revenue_counts()
        counted_at = self.env["waba.money.daily"].sudo()._last_counted_at()
        for campaign in self:
            cards = CostCards(campaign, counts.get(campaign.id), results.get(campaign.id, {}))
            campaign.update(
                {
                    **cards.cost_card(),
                    **cards.reply_card(),
                    **cards.won_card(),
                    **cards.invoice_card(),
                    **cards.return_card(),
                    "money_rule": campaign._attribution_rule_text(),
                    "money_counted": campaign.env._(
                        "Updated %s, every 10 minutes.", campaign._format_datetime(counted_at)
                    )
                    if counted_at
                    else campaign.env._("Not updated yet: figures appear within 10 minutes."),
                }
            )

    @api.depends("state")
    def _compute_money_comparison(self):
        for campaign in self:
            campaign.money_comparison = campaign._comparison_text()

    def _compute_reputation_cost(self):
        for campaign in self:
            cost = campaign._reputation_cost()
            campaign.reputation_cost = cost or 0
            campaign.reputation_text = campaign._reputation_text(cost)

    def action_view_cost_report(self):
        """Open the rows behind a card, which the button's context names."""
        self.ensure_one()
        card = self.env.context.get("show_money")
        behind = {"cost": "delivered", "replies": "replied", "clicks": "clicked"}
        if card in behind:
            return self._messages_action(behind[card])
        xml_id = "waba_money_report_action" if card == "return" else "waba_attribution_action"
        context = {
            "won": {"search_default_won": 1},
            "invoiced": {"search_default_revenue": 1},
        }.get(card)
        action = list_action(self.env, xml_id, [("campaign_id", "=", self.id)], context)
        if card != "return":
            action["views"] = sorted(action["views"], key=lambda view: view[1] != "list")
        return action

    def _cost_counts(self):
        """Return {campaign id: {measure: sum}}."""
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
        """Return {campaign id: {kind: (leads, amount)}}."""
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
            "Results are attributed to the last message delivered to the lead in the %s days "
            "before (last touch). Replies and clicks count for their own message.",
            self.company_id.waba_attribution_days,
        )

    # === Comparison with leads that were not messaged ===
    # With a hold-out group this is an experiment. Without one the campaign's leads are compared
    # with leads of the same teams that had no message, and the text states that this proves
    # nothing. Both groups count leads won in the days after the launch, regardless of attribution.

    def _comparison_text(self):
        """Return the comparison in sentences, False if there is nothing to compare."""
        if not self.launched_at or self.res_model != "crm.lead":
            return False
        is_experiment = bool(self.holdout_percent)
        written, others = self._comparison_groups(is_experiment)
        if not written.people:
            return False
        found = attribution.compare_groups(written, others)
        parts = [self._verdict_text(found), self._groups_text(written, others, is_experiment)]
        if not is_experiment and found.verdict != "thin":
            parts.append(
                self.env._(
                    "The groups were not chosen at random, so this does not prove an effect. Use a "
                    "hold-out group next time."
                )
            )
        return " ".join([*parts, self._maturity_text()]).strip()

    def _comparison_groups(self, is_experiment):
        """Return (messaged leads, other leads) as policy.attribution.ComparisonGroup."""
        days = timedelta(days=self.company_id.waba_attribution_days)
        self.env.flush_all()
        values = {
            "campaign": self.id,
            "company": self.company_id.id,
            "start": self.launched_at,
            "end": self.launched_at + days,
            "before": self.launched_at - days,
        }
        query = HOLDOUT_QUERY if is_experiment else NOT_CONTACTED_QUERY
        rows = {
            is_written: attribution.ComparisonGroup(people, won)
            for is_written, people, won in self.env.execute_query(SQL(query, **values))
        }
        empty = attribution.ComparisonGroup(0, 0)
        return rows.get(True, empty), rows.get(False, empty)

    def _groups_text(self, written, others, is_experiment):
        env = self.env
        values = {
            "rate": format_percent(env, written.rate),
            "people": format_number(env, written.people),
            "other_rate": format_percent(env, others.rate),
            "others": format_number(env, others.people),
            "days": self.company_id.waba_attribution_days,
        }
        if is_experiment:
            return env._(
                "Won within %(days)s days of launch: %(rate)s of %(people)s leads contacted, "
                "%(other_rate)s of %(others)s in the hold-out group.",
                **values,
            )
        return env._(
            "Won within %(days)s days of launch, of the leads open then: %(rate)s of %(people)s "
            "in this campaign, %(other_rate)s of %(others)s leads of the same sales teams not "
            "contacted on WhatsApp.",
            **values,
        )

    def _verdict_text(self, found):
        env = self.env
        if found.verdict == "thin":
            return env._(
                "Not enough data: each group needs %s leads.",
                format_number(env, attribution.MIN_COMPARED),
            )
        if found.verdict == "chance":
            return env._("The difference is not significant.")
        values = {
            "low": formatLang(env, 100 * found.low, digits=1),
            "high": formatLang(env, 100 * found.high, digits=1),
        }
        return env._(
            "The difference is significant: %(low)s to %(high)s percentage points "
            "(95%% confidence).",
            **values,
        )

    def _maturity_text(self):
        end = self.launched_at + timedelta(days=self.company_id.waba_attribution_days)
        if end <= fields.Datetime.now():
            return ""
        return self.env._("Preliminary: the period ends %s.", self._format_datetime(end))

    # === Reputation ===

    def _reputation_text(self, cost):
        """Return the campaign's cost in score points and the assessment of its messages."""
        if cost is None:
            text = self.env._("Effect on the health score: not enough data.")
        elif not cost:
            text = self.env._("No effect on the number's health score.")
        else:
            text = self.env._("Lowers the number's health score by %s of 100 points.", cost)
        days = self.env["waba.message.daily"].sudo()._day_counts(self._daily_domain()).get((), [])
        judged = reputation.judge_reputation(days, fields.Datetime.now())
        return f"{text} {reason_text(self.env, score_facts(judged))}"

    def _daily_domain(self):
        """Return the domain of its daily counts; an unsaved campaign has none."""
        return [("campaign_id", "in", self._origin.ids)]

    def _reputation_cost(self):
        """Return the points of its number's score that the campaign costs, None if too few data."""
        self.ensure_one()
        sender = self.sudo().sender_id
        today = fields.Datetime.now().date()
        of_number = [
            ("sender_id", "=", sender.id),
            ("day", ">", today - timedelta(days=reputation_rates.WEEK)),
        ]
        daily = self.env["waba.message.daily"].sudo()
        everything = daily._day_counts(of_number).get((), [])
        mine = daily._day_counts([*of_number, *self._daily_domain()]).get((), [])
        fresh_start = sender.fresh_start_at.date() if sender.fresh_start_at else None
        return reputation_causes.score_cost(mine, everything, today, fresh_start)


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
        """Open the cost and revenue of this template."""
        self.ensure_one()
        return list_action(self.env, "waba_money_report_action", [("template_id", "=", self.id)])


class WabaSequenceVariable(models.Model):
    """A step has its own tracked link, whose UTM source is the follow-up."""

    _inherit = "waba.sequence.variable"

    @api.constrains("source")
    def _check_button_address(self):
        for line in self:
            line._check_own_address(line.step_id.template_id)

    def _link_label(self):
        return f"Step {self.step_id.id}, button {self.button_index + 1}"

    def _link_utm(self):
        return {**super()._link_utm(), "source_id": self.step_id.sequence_id._utm_source().id}


class WabaSequence(models.Model):
    _inherit = "waba.sequence"

    sender_id = fields.Many2one(falsy_value_label=NO_NUMBER)

    def _utm_source(self):
        """Return the UTM source of leads that a follow-up's messages brought."""
        return self.env["utm.mixin"].sudo()._find_or_create_record("utm.source", self.name)

    def action_view_cost_report(self):
        """Open the cost and revenue of this follow-up."""
        self.ensure_one()
        return list_action(self.env, "waba_money_report_action", [("sequence_id", "=", self.id)])
