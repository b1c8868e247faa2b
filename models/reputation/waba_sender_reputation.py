"""Reputation: daily history of each number, with its counts, rates, score and level.

Counts come from the hook `_on_count` of waba.message.daily, scores from waba_sender_score.py.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import reputation_rates
from ..analytics.waba_message_daily import COUNTS
from ..tools.hooks import implements
from ..tools.reputation_texts import LEVELS, RATINGS, TRENDS

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

    opt_out_rate = fields.Float("Opt-out rate", readonly=True, aggregator="avg")
    possible_block_rate = fields.Float(
        "Possible-block rate",
        readonly=True,
        aggregator="avg",
        help="Sent and never delivered: the person may have blocked us, or cannot be reached. "
        "WhatsApp does not tell which.",
    )
    undeliverable_rate = fields.Float("Not-deliverable rate", readonly=True, aggregator="avg")
    limited_rate = fields.Float("Held-back rate", readonly=True, aggregator="avg")
    delivery_rate = fields.Float("Delivery rate", readonly=True, aggregator="avg")
    read_rate = fields.Float("Read rate", readonly=True, aggregator="avg")
    reply_rate = fields.Float("Reply rate", readonly=True, aggregator="avg")

    base = fields.Integer(
        "Judged by",
        readonly=True,
        aggregator=None,
        help="Messages delivered in the days judged by.",
    )
    window = fields.Integer("Days judged by", readonly=True, aggregator=None)
    score = fields.Integer("Our score", readonly=True, aggregator="avg", help="0 to 100.")
    level = fields.Selection(LEVELS, "Our reading", readonly=True)
    trend = fields.Selection(TRENDS, readonly=True)
    quality_rating = fields.Selection(RATINGS, "Meta's rating", readonly=True)

    _sender_day_uniq = models.UniqueIndex("(sender_id, day)")
    _day_idx = models.Index("(day)")

    @api.depends("sender_id", "day")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.sender_id.display_name}, {row.day}"

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
            # The ORM reads an empty score as 0.
            if row.level in (False, "unknown"):
                values["score"] = None
            found[row.sender_id.id].append(values)
        return found


class WabaMessageDaily(models.Model):
    _inherit = "waba.message.daily"

    @api.model
    @implements("_on_count")
    def _store_number_counts(self, first, last):
        self.env["waba.sender.reputation"]._store_counts(first, last)
