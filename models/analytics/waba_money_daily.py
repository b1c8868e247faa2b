"""Analytics: daily counts and cost of messages, for the report and tab Cost and revenue.

Called by the job `_cron_money` (waba_attribution_due.py), after prices and attribution.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from ..base.waba_message import DEPARTURE_SQL, measure_conditions
from ..base.waba_phone_prefix import prefix_sql
from ..tools.figures import UnknownFloat
from ..tools.job_turns import read_checkpoint, write_checkpoint
from ..tools.labels import same_selection
from .waba_message_daily import first_day_due

COUNTED_AT_PARAMETER = "waba_campaign.money_counted_at"

KEYS = {
    "day": SQL("(%s)::date", DEPARTURE_SQL),
    "company_id": SQL("m.company_id"),
    "sender_id": SQL("m.sender_id"),
    "campaign_id": SQL("m.campaign_id"),
    "template_id": SQL("m.template_id"),
    "sequence_id": SQL("m.sequence_id"),
    "sequence_step_id": SQL("m.sequence_step_id"),
    "user_id": SQL("m.user_id"),
    "category": SQL("m.category"),
    "country_id": SQL("p.country_id"),
}


class WabaMoneyDaily(models.Model):
    """A day's messages and their cost, by message content, salesperson and country.

    Rows are only changed by recounts (`_count_due_days`); days older than `OPEN_DAYS` are final, so
    that they remain when their messages are deleted. Results are in waba.attribution;
    waba.money.report combines both. `cost` is empty, not 0, where no message has a price.
    """

    _name = "waba.money.daily"
    _description = "WhatsApp Messages and Cost by Day"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _order = "day desc, id desc"
    _rec_name = "day"

    day = fields.Date(required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, ondelete="cascade")
    campaign_id = fields.Many2one(
        "waba.campaign", readonly=True, ondelete="set null", index="btree_not_null"
    )
    template_id = fields.Many2one(
        "waba.template", readonly=True, ondelete="set null", index="btree_not_null"
    )
    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", readonly=True, ondelete="set null", index="btree_not_null"
    )
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, ondelete="set null"
    )
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    category = fields.Selection(same_selection("waba.message", "category"), readonly=True)
    country_id = fields.Many2one("res.country", readonly=True, ondelete="set null")

    sent_count = fields.Integer("Sent", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    replied_count = fields.Integer("Replied", readonly=True)
    linked_count = fields.Integer("Delivered with link", readonly=True)
    clicked_count = fields.Integer("Clicked", readonly=True)
    charged_count = fields.Integer("Charged", readonly=True)
    free_count = fields.Integer("Free", readonly=True)
    unpriced_count = fields.Integer(
        "Cost not known",
        readonly=True,
        help="Delivered, and no rate is imported or WhatsApp reported no price.",
    )
    unrated_count = fields.Integer("No rate", readonly=True)
    cost = UnknownFloat("Known cost", digits=(16, 6), readonly=True)

    _day_idx = models.Index("(day)")

    @api.model
    def _count_due_days(self, priced_from=None):
        """Recount today and yesterday; once a day, all days that are open.

        :param priced_from: first day with messages priced since the last count
        """
        now = fields.Datetime.now()
        first = first_day_due(self, now, priced_from)
        write_checkpoint(self.env, COUNTED_AT_PARAMETER, now.replace(microsecond=0))
        self.env.flush_all()
        self._recount_days(first, now)

    @api.model
    def _last_counted_at(self):
        """Return when the figures were last counted (naive UTC), None if never."""
        return fields.Datetime.to_datetime(read_checkpoint(self.env, COUNTED_AT_PARAMETER))

    @api.model
    def _counts(self, now):
        """Return {column: SQL aggregate over messages `m`}."""
        is_ = measure_conditions(SQL("%s::timestamp", now))
        delivered = is_["delivered"]
        priced = SQL("m.cost_state NOT IN ('no_rate', 'not_told')")
        filters = {
            "sent_count": is_["sent"],
            "delivered_count": delivered,
            "replied_count": is_["replied"],
            "linked_count": SQL("%s AND m.link_token IS NOT NULL", delivered),
            "clicked_count": SQL("m.clicked_at IS NOT NULL"),
            "charged_count": SQL("m.cost_state IN ('charged', 'reported', 'estimated')"),
            "free_count": SQL("m.cost_state LIKE 'free%%'"),
            "unpriced_count": SQL("%s AND (%s) IS NOT TRUE", delivered, priced),
            "unrated_count": SQL("%s AND m.cost_state = 'no_rate'", delivered),
        }
        counts = {
            name: SQL("count(*) FILTER (WHERE %s)", condition)
            for name, condition in filters.items()
        }
        return {**counts, "cost": SQL("sum(m.company_cost)")}

    @api.model
    def _recount_days(self, first, now):
        """Delete and recount the days from `first` on."""
        counts = self._counts(now)
        self.env.cr.execute(SQL("DELETE FROM waba_money_daily WHERE day >= %s", first))
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_money_daily (%(names)s)
                   SELECT %(keys)s, %(counts)s
                     FROM waba_message m
                LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s
                    WHERE m.direction = 'out' AND %(left_at)s >= %(first)s
                 GROUP BY %(keys)s""",
                names=SQL(", ").join(map(SQL.identifier, (*KEYS, *counts))),
                keys=SQL(", ").join(KEYS.values()),
                counts=SQL(", ").join(counts.values()),
                prefix=prefix_sql(SQL("m.number")),
                left_at=DEPARTURE_SQL,
                first=fields.Datetime.to_datetime(first),
            )
        )
        self.invalidate_model()
