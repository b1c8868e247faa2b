from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import reputation_rates
from ..base.waba_message import DEPARTURE_SQL, measure_conditions
from ..base.waba_phone_prefix import prefix_sql
from ..tools.hooks import hook
from ..tools.job_turns import MESSAGE_KEEP_DAYS, read_checkpoint, retention_start, write_checkpoint
from ..tools.labels import same_selection

# WhatsApp keeps a message for up to 30 days for a phone that is off; answers and opt-outs come
# within a week of it. After that a day's figures are final, and outlive its messages.
OPEN_DAYS = 35
# The first count ever looks back as far as the dashboard does.
FIRST_DAYS = 90
# Written by each count, so that two counts can never overlap.
COUNTED_AT_PARAMETER = "waba_campaign.counted_at"

# The figures of policy.reputation_rates.DayCounts; here their names end in `_count`.
MEASURES = reputation_rates.COUNTS
COUNTS = tuple(f"{measure}_count" for measure in MEASURES)
# What every row is about, whatever else its days are told apart by.
COMMON = {
    "day": SQL("(%s)::date", DEPARTURE_SQL),
    "sender_id": SQL("m.sender_id"),
    "account_id": SQL("m.account_id"),
    "company_id": SQL("m.company_id"),
    "category": SQL("m.category"),
}


class WabaDailyMixin(models.AbstractModel):
    """The outcome of the messages that left on one UTC day.

    A row is a cohort: whatever day the reply, the failure or the opt-out came, it counts to the
    day on which its message left.
    """

    _name = "waba.daily.mixin"
    _description = "What became of a day's messages"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _order = "day desc, id desc"
    _rec_name = "day"

    day = fields.Date(required=True, readonly=True)
    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, readonly=True, ondelete="cascade"
    )
    account_id = fields.Many2one("waba.account", readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True)

    sent_count = fields.Integer("Sent", readonly=True, help="Accepted by WhatsApp.")
    delivered_count = fields.Integer("Delivered", readonly=True)
    read_count = fields.Integer("Read", readonly=True)
    replied_count = fields.Integer("Replied", readonly=True)
    opted_out_count = fields.Integer("Opted out", readonly=True)
    silent_count = fields.Integer(
        "Sent, never delivered",
        readonly=True,
        help="Past their time without a delivery: the person may have blocked us, or cannot be "
        "reached. WhatsApp does not tell which.",
    )
    undeliverable_count = fields.Integer("Not deliverable", readonly=True)
    limited_count = fields.Integer(
        "Held back by WhatsApp",
        readonly=True,
        help="WhatsApp showed the person no more promotions for now.",
    )
    spam_limited_count = fields.Integer(
        "Refused: spam limit",
        readonly=True,
        help="Meta limits a number whose messages many people blocked or called spam.",
    )
    failed_count = fields.Integer("Not delivered", readonly=True)

    @api.model
    def _day_counts(self, domain, groupby=()):
        """The counts by day, of everything or of each group; under the reader's rules.

        :param groupby: names of fields
        :return: {tuple with a value per name in `groupby`: [policy.reputation_rates.DayCounts]}
        """
        found = {}
        aggregates = [f"{name}:sum" for name in COUNTS]
        for row in self._read_group(domain, [*groupby, "day:day"], aggregates):
            key, day, counts = row[: len(groupby)], row[len(groupby)], row[len(groupby) + 1 :]
            found.setdefault(key, []).append(reputation_rates.DayCounts(day, *counts))
        return found

    @api.model
    def _sums(self, domain):
        """{measure: sum over everything that the domain names}; under the reader's rules."""
        [values] = self._read_group(domain, [], [f"{name}:sum" for name in COUNTS])
        return {measure: value or 0 for measure, value in zip(MEASURES, values, strict=True)}

    @api.model
    def _count_days(self, columns, joins, first, last, now):
        """Count the days `first` to `last` anew, in one statement.

        :param columns: {field: SQL expression} of what rows are told apart by
        :param joins: SQL that `columns` needs beside the message `m`
        :param now: naive UTC datetime by which a message without delivery has become silent
        """
        table = SQL.identifier(self._table)
        self.env.cr.execute(SQL("DELETE FROM %s WHERE day BETWEEN %s AND %s", table, first, last))
        filters = measure_conditions(SQL("%s::timestamp", now))
        self.env.cr.execute(
            SQL(
                """INSERT INTO %(table)s (%(names)s)
                   SELECT %(keys)s, %(counts)s FROM waba_message m %(joins)s
                    WHERE m.direction = 'out' AND %(left_at)s >= %(first)s
                      AND %(left_at)s < %(end)s
                 GROUP BY %(keys)s""",
                table=table,
                names=SQL(", ").join(map(SQL.identifier, (*columns, *COUNTS))),
                keys=SQL(", ").join(columns.values()),
                counts=SQL(", ").join(
                    SQL("count(*) FILTER (WHERE %s)", filters[measure]) for measure in MEASURES
                ),
                joins=joins,
                left_at=DEPARTURE_SQL,
                first=fields.Datetime.to_datetime(first),
                end=fields.Datetime.to_datetime(last) + timedelta(days=1),
            )
        )
        self.invalidate_model()


class WabaMessageDaily(models.Model):
    """A day's messages by what was sent: campaign, template, salesperson, category.

    Rows are recounted (`_count`) and never changed otherwise; days older than `OPEN_DAYS` are
    final, so that they outlive their messages (waba_message_retention.py). To whom they went is
    counted apart (waba.audience.daily): all of it together would be nearly a row per message.
    """

    _name = "waba.message.daily"
    _description = "WhatsApp Messages of a Day"
    _inherit = "waba.daily.mixin"
    _log_access = False

    template_id = fields.Many2one("waba.template", readonly=True, ondelete="set null")
    campaign_id = fields.Many2one(
        "waba.campaign", readonly=True, ondelete="set null", index="btree_not_null"
    )
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    category = fields.Selection(same_selection("waba.message", "category"), readonly=True)

    _sender_day_idx = models.Index("(sender_id, day)")
    _day_idx = models.Index("(day)")

    @api.model
    def _count_due_days(self):
        """Count today and yesterday again; once a day, every day that is still open.

        Two counts at a time: one of them fails with a concurrency error and is tried again by
        `commit_step`, on what the other one left.
        """
        now = fields.Datetime.now()
        first = first_day_due(self, now)
        self._claim_count(now)
        # Again, for a word that came before its message was known to have left.
        self.env["waba.message"]._record_opt_outs(
            SQL("c.at >= %s", fields.Datetime.to_datetime(first))
        )
        self.env.flush_all()
        self._recount_days(first, now.date(), now)
        self.env["waba.audience.daily"]._recount_days(first, now.date(), now)
        self._on_count(first, now.date())

    @hook
    def _on_count(self, first, last):
        """After the days `first` to `last` were recounted, in the same transaction."""

    @api.model
    def _last_counted_at(self):
        """When the figures were last counted, naive UTC; None: never."""
        return fields.Datetime.to_datetime(read_checkpoint(self.env, COUNTED_AT_PARAMETER))

    @api.model
    def _claim_count(self, now):
        """Note the moment of the count in a row that only one count at a time can write.

        Under REPEATABLE READ, whoever waited for the row is refused instead of going on with
        figures from before.
        """
        write_checkpoint(self.env, COUNTED_AT_PARAMETER, fields.Datetime.to_string(now))

    @api.model
    def _recount_days(self, first, last, now):
        columns = COMMON | {
            "template_id": SQL("m.template_id"),
            "campaign_id": SQL("m.campaign_id"),
            "user_id": SQL("m.user_id"),
        }
        self._count_days(columns, SQL(), first, last, now)


class WabaAudienceDaily(models.Model):
    """A day's messages by whom they went to: country, and where the contact came from."""

    _name = "waba.audience.daily"
    _description = "WhatsApp Messages of a Day by Audience"
    _inherit = "waba.daily.mixin"
    _log_access = False

    country_id = fields.Many2one("res.country", readonly=True, ondelete="set null")
    source_id = fields.Many2one(
        "utm.source",
        "Source of the contact",
        readonly=True,
        ondelete="set null",
        help="Where the lead came from, as it stood when the day was counted.",
    )
    category = fields.Selection(same_selection("waba.message", "category"), readonly=True)

    _sender_day_idx = models.Index("(sender_id, day)")
    _day_idx = models.Index("(day)")

    @api.model
    def _recount_days(self, first, last, now):
        columns = COMMON | {"country_id": SQL("p.country_id"), "source_id": SQL("l.source_id")}
        joins = SQL(
            """LEFT JOIN waba_phone_prefix p ON p.prefix = %s
               LEFT JOIN crm_lead l ON m.res_model = 'crm.lead' AND l.id = m.res_id""",
            prefix_sql(SQL("m.number")),
        )
        self._count_days(columns, joins, first, last, now)


def first_day_due(daily, now, also_from=None):
    """The first day to count; the first count of a UTC day takes all that are open.

    :param daily: a model of days with `_last_counted_at`
    :param also_from: the first day whose figures have changed since for another reason
    """
    counted_at = daily._last_counted_at()
    days = 1 if counted_at and counted_at.date() == now.date() else OPEN_DAYS
    if not daily.search_count([], limit=1):
        days = FIRST_DAYS
    first = min(filter(None, (now.date() - timedelta(days=days), also_from)))
    # A day some of whose messages are no longer kept keeps the figures it has.
    kept = retention_start(daily.env, MESSAGE_KEEP_DAYS)
    return max(first, kept.date() + timedelta(days=1)) if kept else first
