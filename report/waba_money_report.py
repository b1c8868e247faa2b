"""Report: cost and results of messages, for pivots and graphs; nothing is stored.

Opened by the menu Cost and revenue and from campaigns, templates and follow-ups.
"""

from odoo import fields, models
from odoo.tools import SQL

from ..models.tools.figures import UnknownFloat, UnknownMonetary
from ..models.tools.labels import (
    NO_CAMPAIGN,
    NO_COUNTRY,
    NO_FOLLOW_UP,
    NO_LEAD,
    NO_NUMBER,
    NO_SALESPERSON,
    NO_TEMPLATE,
)

# {field: (numerator, denominators)}, see waba.figures.mixin.
RATIOS = {
    "reply_rate": ("replied_count", ("delivered_count",)),
    "click_rate": ("clicked_count", ("linked_count",)),
    "cost_per_reply": ("cost", ("replied_count",)),
    "cost_per_click": ("cost", ("clicked_count",)),
    "cost_per_won": ("cost", ("won_count",)),
    "return_rate": ("won_amount", ("cost",)),
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

    Both belong to the day on which the message was sent. A cost per result is unknown if the cost
    of a message of the group is: it would be too low.
    """

    _name = "waba.money.report"
    _description = "WhatsApp Cost and Revenue"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "day desc, id desc"
    _rec_name = "day"
    _depends = {
        "waba.money.daily": ["category", "cost", *COMMON, *COUNT_COLUMNS],
        "waba.attribution": ["amount", "kind", "lead_id", *COMMON],
        "res.company": ["currency_id"],
    }

    _ratios = RATIOS

    day = fields.Date("Day sent", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, falsy_value_label=NO_NUMBER)
    campaign_id = fields.Many2one("waba.campaign", readonly=True, falsy_value_label=NO_CAMPAIGN)
    template_id = fields.Many2one("waba.template", readonly=True, falsy_value_label=NO_TEMPLATE)
    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", readonly=True, falsy_value_label=NO_FOLLOW_UP
    )
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, falsy_value_label=NO_FOLLOW_UP
    )
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, falsy_value_label=NO_SALESPERSON
    )
    country_id = fields.Many2one("res.country", readonly=True, falsy_value_label=NO_COUNTRY)
    lead_id = fields.Many2one("crm.lead", readonly=True, falsy_value_label=NO_LEAD)

    sent_count = fields.Integer("Sent", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    replied_count = fields.Integer("Replies", readonly=True)
    linked_count = fields.Integer(
        "Delivered with link", readonly=True, help="Delivered with a tracked link."
    )
    clicked_count = fields.Integer("Clicks", readonly=True)
    charged_count = fields.Integer("Charged", readonly=True)
    free_count = fields.Integer("Free", readonly=True)
    priced_count = fields.Integer(
        "Cost known for", readonly=True, help="Delivered messages whose cost is known."
    )
    unpriced_count = fields.Integer(
        "Cost not known", readonly=True, help="Delivered messages whose cost is not known."
    )
    stage_count = fields.Integer("Stage changes", readonly=True)
    activity_count = fields.Integer("Activities done", readonly=True)
    won_count = fields.Integer("Won leads", readonly=True)
    lost_count = fields.Integer("Lost leads", readonly=True)
    cost = UnknownMonetary(
        "Known cost", readonly=True, help="Cost of the messages whose cost is known."
    )
    won_amount = UnknownMonetary(
        "Expected revenue", readonly=True, help="Expected revenue of won leads."
    )
    invoiced_amount = UnknownMonetary(
        "Invoiced revenue", readonly=True, help="Invoiced, less credit notes, without taxes."
    )

    reply_rate = UnknownFloat(
        "Reply rate", readonly=True, aggregator="avg", help="Replies, of delivered."
    )
    click_rate = UnknownFloat(
        "Click rate", readonly=True, aggregator="avg", help="Clicks, of delivered with a link."
    )
    cost_per_reply = UnknownMonetary(
        "Cost per reply", readonly=True, aggregator="avg",
        help="Shown when the cost of every message is known.",
    )  # fmt: skip
    cost_per_click = UnknownMonetary(
        "Cost per click", readonly=True, aggregator="avg",
        help="Shown when the cost of every message is known.",
    )  # fmt: skip
    cost_per_won = UnknownMonetary(
        "Cost per win", readonly=True, aggregator="avg",
        help="Shown when the cost of every message is known.",
    )  # fmt: skip
    return_rate = UnknownFloat(
        "Return on cost", readonly=True, aggregator="avg",
        help="Expected revenue per unit of cost, when the cost of every message is known.",
    )  # fmt: skip

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
            "priced_count": SQL("d.delivered_count - d.unpriced_count"),
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
            **{name: SQL("0") for name in (*COUNT_COLUMNS, "priced_count")},
            "cost": SQL("NULL::float8"),
            **RESULT_COLUMNS,
            **{name: SQL("NULL::float8") for name in RATIOS},
        }

    def _read_group_select(self, aggregate_spec, query):
        """A cost per result is unknown while the cost of a message of the group is."""
        select = super()._read_group_select(aggregate_spec, query)
        name = aggregate_spec.partition(":")[0]
        if name not in RATIOS or "cost" not in (RATIOS[name][0], *RATIOS[name][1]):
            return select
        unpriced = self._field_to_sql(self._table, "unpriced_count", query)
        return SQL("CASE WHEN SUM(%s) = 0 THEN %s END", unpriced, select)
