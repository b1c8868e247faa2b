"""Reputation: daily history of each number, with its counts, rates, score and level.

Counts come from the hook `_on_count` of waba.message.daily, scores from waba_sender_score.py.
"""

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate

from ...policy import reputation_rates
from ..analytics.waba_message_daily import COUNTS
from ..tools.figures import UnknownFloat, UnknownInteger
from ..tools.hooks import implements
from ..tools.reputation_texts import LEVELS, RATINGS, TRENDS

_lt = LazyTranslate(__name__)

# Rate of policy.reputation_rates.Rates -> its field.
RATES = {
    "opt_out": "opt_out_rate",
    "possible_block": "possible_block_rate",
    "undeliverable": "undeliverable_rate",
    "limited": "limited_rate",
    "delivery": "delivery_rate",
    "read": "read_rate",
    "reply": "reply_rate",
}


class WabaSenderReputation(models.Model):
    """One number on one UTC day: its messages, and its score and Meta's rating at the day's end.

    Counts are copied from waba.message.daily for as long as the day is open there
    (`_store_counts`). Score, level and rates cover the days up to this one as assessed on that day
    (`_store_judgement`) and are final. A score or rate with too few messages is empty, not 0.
    """

    _name = "waba.sender.reputation"
    _description = "Reputation of a WhatsApp Number on a Day"
    _inherit = "waba.daily.mixin"
    _log_access = False
    _order = "day desc, sender_id"

    account_id = fields.Many2one(related="sender_id.account_id", store=True)
    company_id = fields.Many2one(related="sender_id.company_id", store=True)

    # Of the days up to this one, so they overlap: groups show the shares of waba.daily.mixin.
    opt_out_rate = UnknownFloat("Opt-out rate (rolling)", readonly=True, aggregator=None)
    possible_block_rate = UnknownFloat("Undelivered rate (rolling)", readonly=True, aggregator=None)
    undeliverable_rate = UnknownFloat(
        "Undeliverable rate (rolling)", readonly=True, aggregator=None
    )
    limited_rate = UnknownFloat("Limited rate (rolling)", readonly=True, aggregator=None)
    delivery_rate = UnknownFloat("Delivery rate (rolling)", readonly=True, aggregator=None)
    read_rate = UnknownFloat("Read rate (rolling)", readonly=True, aggregator=None)
    reply_rate = UnknownFloat("Reply rate (rolling)", readonly=True, aggregator=None)

    base = fields.Integer(
        "Score base",
        readonly=True,
        aggregator=None,
        help="Messages delivered in the score period.",
    )
    window = fields.Integer("Score period (days)", readonly=True, aggregator=None)
    score = UnknownInteger(
        "Health score", readonly=True, aggregator="avg", help="0 to 100, at the end of the period."
    )
    level = fields.Selection(
        LEVELS, "Health", readonly=True, falsy_value_label=_lt("Not calculated")  # pylint: disable=translation-field
    )
    trend = fields.Selection(TRENDS, readonly=True)
    quality_rating = fields.Selection(
        RATINGS, "Quality rating", readonly=True, falsy_value_label=_lt("Not rated")  # pylint: disable=translation-field
    )

    _sender_day_uniq = models.UniqueIndex("(sender_id, day)")
    _day_idx = models.Index("(day)")

    @api.depends("sender_id", "day")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.sender_id.display_name}, {row.day}"

    def _read_group_select(self, aggregate_spec, query):
        """The score of a group is the last one of its number, none for several numbers.

        Scores of consecutive days are about mostly the same messages, and scores of two numbers
        are about different ones: neither a sum nor an average of them means anything.
        """
        if aggregate_spec != "score:avg":
            return super()._read_group_select(aggregate_spec, query)
        sender, day, score = (
            self._field_to_sql(self._table, name, query) for name in ("sender_id", "day", "score")
        )
        return SQL(
            """CASE WHEN count(DISTINCT %(sender)s) = 1 THEN (array_agg(%(score)s
                    ORDER BY %(day)s DESC) FILTER (WHERE %(score)s IS NOT NULL))[1] END""",
            sender=sender,
            score=score,
            day=day,
        )

    @api.model
    def _store_counts(self, first, last):
        """Copy the counts of the days `first` to `last` from waba.message.daily."""
        self.env.flush_all()
        names = SQL(", ").join(map(SQL.identifier, COUNTS))
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_sender_reputation
                          (sender_id, account_id, company_id, day, %(names)s)
                   SELECT s.id, s.account_id, s.company_id, d.day, %(sums)s
                     FROM waba_message_daily d JOIN waba_sender s ON s.id = d.sender_id
                    WHERE d.day BETWEEN %(first)s AND %(last)s
                 GROUP BY s.id, d.day
                   ON CONFLICT (sender_id, day) DO UPDATE SET (%(names)s) = ROW(%(excluded)s)""",
                names=names,
                sums=SQL(", ").join(SQL("sum(d.%s)", SQL.identifier(name)) for name in COUNTS),
                excluded=SQL(", ").join(SQL.identifier("excluded", name) for name in COUNTS),
                first=first,
                last=last,
            )
        )
        self.invalidate_model()

    @api.model
    def _store_judgement(self, sender, day, judgement):
        """Store the assessment of `sender` at the end of `day`, or until now.

        :param judgement: policy.reputation.Judgement
        """
        used = judgement.week if judgement.window == reputation_rates.WEEK else judgement.month
        values = {name: getattr(used, measure).value for measure, name in RATES.items()} | {
            "base": judgement.base,
            "window": judgement.window,
            "score": judgement.score,
            "level": judgement.level,
            "trend": judgement.trend,
            "quality_rating": judgement.rating,
        }
        names = SQL(", ").join(map(SQL.identifier, values))
        self.env.flush_all()
        # By SQL: the ORM would write 0 for an unknown score.
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_sender_reputation
                          (sender_id, account_id, company_id, day, %(names)s, %(counts)s)
                   VALUES (%(sender)s, %(account)s, %(company)s, %(day)s, %(values)s, %(zeros)s)
                   ON CONFLICT (sender_id, day) DO UPDATE SET (%(names)s) = ROW(%(values)s)""",
                names=names,
                counts=SQL(", ").join(map(SQL.identifier, COUNTS)),
                sender=sender.id,
                account=sender.account_id.id,
                company=sender.company_id.id,
                day=day,
                values=SQL(", ").join(SQL("%s", value) for value in values.values()),
                zeros=SQL(", ").join(SQL("0") for _name in COUNTS),
            )
        )
        self.invalidate_model()

    @api.model
    def _daily_history(self, senders, first, last):
        """Return the rows of `senders` in the days `first` to `last`, oldest first.

        :return: {sender id: [dict of the row's fields]}; an unknown score is None
        """
        names = ("sender_id", "day", "score", "level", "quality_rating", "base", *COUNTS)
        rows = self.search(
            [("sender_id", "in", senders.ids), ("day", ">=", first), ("day", "<=", last)],
            order="day",
        )
        found = {sender_id: [] for sender_id in senders.ids}
        for row in rows:
            values = {name: row[name] for name in names}
            values["sender_id"] = row.sender_id.id
            values["score"] = None if row.score is False else row.score
            found[row.sender_id.id].append(values)
        return found


class WabaMessageDaily(models.Model):
    _inherit = "waba.message.daily"

    @api.model
    @implements("_on_count")
    def _store_number_counts(self, first, last):
        self.env["waba.sender.reputation"]._store_counts(first, last)
