"""Report: cost and results of messages, for pivots and graphs; nothing is stored.

Opened by the money report's menu and from campaigns, templates and follow-ups.
"""

from odoo import fields, models
from odoo.tools import SQL

# {field: (numerator, denominator)}, both summed over the group.
RATIOS = {
    "reply_rate": ("replied_count", "delivered_count"),
    "click_rate": ("clicked_count", "linked_count"),
    "cost_per_reply": ("cost", "replied_count"),
    "cost_per_click": ("cost", "clicked_count"),
    "cost_per_won": ("cost", "won_count"),
    "return_rate": ("won_amount", "cost"),
}
COUNT_COLUMNS = ("sent_count", "delivered_count", "replied_count", "linked_count", "clicked_count",
                 "charged_count", "free_count", "unpriced_count")  # fmt: skip
RESULT_COLUMNS = {
    "stage_count": SQL("(a.kind = 'stage')::int"),
    "activity_count": SQL("(a.kind = 'activity')::int"),
    "won_count": SQL("(a.kind = 'won')::int"),
    "lost_count": SQL("(a.kind = 'lost')::int"),
    "won_amount": SQL("CASE WHEN a.kind = 'won' THEN a.amount END"),
    "invoiced_amount": SQL("CASE WHEN a.kind = 'revenue' THEN a.amount END"),
}
COMMON = ("day", "company_id", "sender_id", "campaign_id", "template_id", "sequence_id",
          "sequence_step_id", "user_id", "country_id")  # fmt: skip


class WabaMoneyReport(models.Model):
    """A row is either a day's messages (waba.money.daily) or one event (waba.attribution).

    Both belong to the day on which the message was sent. A rate is that of the group, a sum over a
    sum. A price per result is empty if a message of the group has no price: it would be too low.
    """

    _name = "waba.money.report"
    _description = "WhatsApp Results in Money"
    _auto = False
    _order = "day desc, id desc"
    _rec_name = "day"
    _depends = {
        "waba.money.daily": ["category", "cost", *COMMON, *COUNT_COLUMNS],
        "waba.attribution": ["amount", "kind", "lead_id", *COMMON],
        "res.company": ["currency_id"],
    }

    day = fields.Date("Message left on", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True)
    campaign_id = fields.Many2one("waba.campaign", readonly=True)
    template_id = fields.Many2one("waba.template", readonly=True)
    sequence_id = fields.Many2one("waba.sequence", "Follow-up", readonly=True)
    sequence_step_id = fields.Many2one("waba.sequence.step", "Follow-up step", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    country_id = fields.Many2one("res.country", readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True)

    sent_count = fields.Integer("Messages", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    replied_count = fields.Integer("Replies", readonly=True)
    linked_count = fields.Integer("Delivered with a tracked link", readonly=True)
    clicked_count = fields.Integer("Clicks", readonly=True)
    charged_count = fields.Integer("Charged", readonly=True)
    free_count = fields.Integer("Free", readonly=True)
    unpriced_count = fields.Integer("Price not known", readonly=True)
    stage_count = fields.Integer("Stage moves", readonly=True)
    activity_count = fields.Integer("Activities done", readonly=True)
    won_count = fields.Integer("Won leads", readonly=True)
    lost_count = fields.Integer("Lost leads", readonly=True)
    cost = fields.Monetary(readonly=True)
    won_amount = fields.Monetary("Expected revenue of won leads", readonly=True)
    invoiced_amount = fields.Monetary("Invoiced", readonly=True)

    reply_rate = fields.Float("Replies, of delivered", readonly=True, aggregator="avg")
    click_rate = fields.Float("Clicks, of delivered with a link", readonly=True, aggregator="avg")
    cost_per_reply = fields.Monetary("Cost per reply", readonly=True, aggregator="avg")
    cost_per_click = fields.Monetary("Cost per click", readonly=True, aggregator="avg")
    cost_per_won = fields.Monetary("Cost per won lead", readonly=True, aggregator="avg")
    return_rate = fields.Float("Expected revenue per unit of cost", readonly=True, aggregator="avg")

    @property
    def _table_query(self):
        return SQL(
            """SELECT %s FROM waba_money_daily d JOIN res_company c ON c.id = d.company_id
                UNION ALL
               SELECT %s FROM waba_attribution a JOIN res_company c ON c.id = a.company_id
                WHERE a.kind NOT IN ('reply', 'click')""",
            self._columns(self._day_columns()),
            self._columns(self._event_columns()),
        )

    def _columns(self, columns):
        return SQL(", ").join(
            SQL("%s AS %s", columns[name], SQL.identifier(name)) for name in sorted(columns)
        )

    def _day_columns(self):
        """Return {column: SQL} of a day's messages `d`."""
        return {
            "id": SQL("2 * d.id"),
            "currency_id": SQL("c.currency_id"),
            "lead_id": SQL("NULL::int"),
            **{name: SQL("d.%s", SQL.identifier(name)) for name in (*COMMON, *COUNT_COLUMNS)},
            "cost": SQL("d.cost"),
            **{name: SQL("0") for name in RESULT_COLUMNS if name.endswith("_count")},
            **{
                name: SQL("NULL::numeric") for name in RESULT_COLUMNS if not name.endswith("_count")
            },
            **{name: SQL("NULL::float8") for name in RATIOS},
        }

    def _event_columns(self):
        """Return {column: SQL} of an event `a`."""
        return {
            "id": SQL("2 * a.id + 1"),
            "currency_id": SQL("c.currency_id"),
            "lead_id": SQL("a.lead_id"),
            **{name: SQL("a.%s", SQL.identifier(name)) for name in COMMON},
            **{name: SQL("0") for name in COUNT_COLUMNS},
            "cost": SQL("NULL::float8"),
            **RESULT_COLUMNS,
            **{name: SQL("NULL::float8") for name in RATIOS},
        }

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(":")
        if name not in RATIOS or function != "avg":
            return super()._read_group_select(aggregate_spec, query)
        part, base = (
            SQL("SUM(%s)", self._field_to_sql(self._table, measure, query))
            for measure in RATIOS[name]
        )
        ratio = SQL("%s::float8 / NULLIF(%s, 0)::float8", part, base)
        if "cost" not in RATIOS[name]:
            return ratio
        unpriced = self._field_to_sql(self._table, "unpriced_count", query)
        return SQL("CASE WHEN SUM(%s) = 0 THEN %s END", unpriced, ratio)
