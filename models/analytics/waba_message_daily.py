"""Analytics: daily counts of sent messages and of their results, for dashboards and scores.

Called by the jobs `_cron_judge` (reputation) and, through `first_day_due`, `_cron_money`.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import reputation_rates
from ..base.waba_message import DEPARTURE_SQL, measure_conditions
from ..base.waba_phone_prefix import prefix_sql
from ..tools.figures import UnknownFloat
from ..tools.hooks import hook
from ..tools.job_turns import MESSAGE_KEEP_DAYS, read_checkpoint, retention_start, write_checkpoint
from ..tools.labels import (
    NO_CAMPAIGN,
    NO_CATEGORY,
    NO_COUNTRY,
    NO_SALESPERSON,
    NO_SOURCE,
    NO_TEMPLATE,
    same_selection,
)

# WhatsApp keeps a message for up to 30 days for a phone that is off; answers and opt-outs follow
# within a week. After that a day's figures are final, and are kept longer than its messages.
OPEN_DAYS = 35
# The first count covers the longest period of the dashboard.
FIRST_DAYS = 90
# Written by each count, so that two counts cannot overlap.
COUNTED_AT_PARAMETER = "waba_campaign.counted_at"

# The figures of policy.reputation_rates.DayCounts; here their names end in `_count`.
MEASURES = reputation_rates.COUNTS
COUNTS = tuple(f"{measure}_count" for measure in MEASURES)
# {field: (counts, of which messages)}; the shares of the days in a group, whatever their number.
SHARES = {
    f"{measure}_share": (f"{count}_count", tuple(f"{base}_count" for base in bases))
    for measure, (count, bases) in reputation_rates.RATE_PARTS.items()
}
# Group columns of both models: {field: SQL expression}.
COMMON = {
    "day": SQL("(%s)::date", DEPARTURE_SQL),
    "sender_id": SQL("m.sender_id"),
    "account_id": SQL("m.account_id"),
    "company_id": SQL("m.company_id"),
    "category": SQL("m.category"),
}


class WabaDailyMixin(models.AbstractModel):
    """Counts of the messages sent on one UTC day, and of their results.

    A row is a cohort: a reply, failure or opt-out is counted on the day on which its message was
    sent, whenever it happened.
    """

    _name = "waba.daily.mixin"
    _description = "Messages of a day by outcome"
    _inherit = ["waba.system.fields.mixin", "waba.figures.mixin"]
    _log_access = False
    _order = "day desc, id desc"
    _rec_name = "day"

    _ratios = SHARES

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
        "Undelivered",
        readonly=True,
        help="Sent two days ago or more: a possible block, or an unreachable phone.",
    )
    undeliverable_count = fields.Integer(
        "Undeliverable", readonly=True, help="WhatsApp cannot reach this phone number."
    )
    limited_count = fields.Integer(
        "Limited by WhatsApp",
        readonly=True,
        help="WhatsApp limits how many promotions a person receives.",
    )
    spam_limited_count = fields.Integer(
        "Spam limit", readonly=True, help="Refused because recipients blocked or reported messages."
    )
    failed_count = fields.Integer("Failed", readonly=True)

    delivery_share = UnknownFloat("Delivery rate", compute="_compute_shares", aggregator="avg")
    read_share = UnknownFloat("Read rate", compute="_compute_shares", aggregator="avg")
    reply_share = UnknownFloat("Reply rate", compute="_compute_shares", aggregator="avg")
    opt_out_share = UnknownFloat("Opt-out rate", compute="_compute_shares", aggregator="avg")
    failure_share = UnknownFloat("Failure rate", compute="_compute_shares", aggregator="avg")
    possible_block_share = UnknownFloat(
        "Undelivered rate", compute="_compute_shares", aggregator="avg"
    )
    undeliverable_share = UnknownFloat(
        "Undeliverable rate", compute="_compute_shares", aggregator="avg"
    )
    limited_share = UnknownFloat("Limited rate", compute="_compute_shares", aggregator="avg")

    @api.depends(*COUNTS)
    def _compute_shares(self):
        for row in self:
            for name, (count, bases) in SHARES.items():
                base = sum(row[base] for base in bases)
                row[name] = row[count] / base if base else None

    @api.model
    def _day_counts(self, domain, groupby=()):
        """Return the counts by day, in total or of each group, with the rights of the user.

        :param groupby: field names
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
        """Return {measure: sum over the domain}, with the rights of the user."""
        [values] = self._read_group(domain, [], [f"{name}:sum" for name in COUNTS])
        return {measure: value or 0 for measure, value in zip(MEASURES, values, strict=True)}

    @api.model
    def _count_days(self, columns, joins, first, last, now):
        """Delete and recount the days `first` to `last`.

        :param columns: {field: SQL expression} to group by
        :param joins: SQL joins that `columns` needs in addition to the message `m`
        :param now: naive UTC datetime that decides which messages are silent
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
    """A day's messages by number, campaign, template, salesperson and category.

    Rows are only changed by recounts (`_count_due_days`); days older than `OPEN_DAYS` are final, so
    that they remain when their messages are deleted. Country and source are counted separately
    (waba.audience.daily): all columns together would give nearly one row per message.
    """

    _name = "waba.message.daily"
    _description = "WhatsApp Messages by Day"
    _inherit = "waba.daily.mixin"
    _log_access = False

    template_id = fields.Many2one(
        "waba.template", readonly=True, ondelete="set null", falsy_value_label=NO_TEMPLATE
    )
    campaign_id = fields.Many2one(
        "waba.campaign", readonly=True, ondelete="set null", index="btree_not_null",
        falsy_value_label=NO_CAMPAIGN,
    )  # fmt: skip
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="set null",
        falsy_value_label=NO_SALESPERSON,
    )  # fmt: skip
    category = fields.Selection(
        same_selection("waba.message", "category"), readonly=True, falsy_value_label=NO_CATEGORY
    )

    _sender_day_idx = models.Index("(sender_id, day)")
    _day_idx = models.Index("(day)")

    @api.model
    def _count_due_days(self):
        """Recount today and yesterday; once a day, all days that are open.

        If two counts run concurrently, one fails with a serialization error and is retried by
        `commit_step` after the other.
        """
        now = fields.Datetime.now()
        first = first_day_due(self, now)
        self._claim_count(now)
        # Again, for opt-outs recorded before their message was reported as sent.
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
        """Return when the figures were last counted (naive UTC), None if never."""
        return fields.Datetime.to_datetime(read_checkpoint(self.env, COUNTED_AT_PARAMETER))

    @api.model
    def _claim_count(self, now):
        """Write the time of the count to a row that only one count at a time can write.

        Under REPEATABLE READ a count that waited for the row fails instead of continuing with an
        outdated snapshot.
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
    """A day's messages by number, category, country and source of the lead."""

    _name = "waba.audience.daily"
    _description = "WhatsApp Messages by Day and Audience"
    _inherit = "waba.daily.mixin"
    _log_access = False

    country_id = fields.Many2one(
        "res.country", readonly=True, ondelete="set null", falsy_value_label=NO_COUNTRY
    )
    source_id = fields.Many2one(
        "utm.source",
        "Contact source",
        readonly=True,
        ondelete="set null",
        help="The lead's source when the day was counted.",
        falsy_value_label=NO_SOURCE,
    )
    category = fields.Selection(
        same_selection("waba.message", "category"), readonly=True, falsy_value_label=NO_CATEGORY
    )

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
    """Return the first day to recount; the first count of a UTC day covers all open days.

    :param daily: a daily model with `_last_counted_at`
    :param now: naive UTC datetime
    :param also_from: first day whose figures changed for another reason
    """
    counted_at = daily._last_counted_at()
    days = 1 if counted_at and counted_at.date() == now.date() else OPEN_DAYS
    if not daily.search_count([], limit=1):
        days = FIRST_DAYS
    first = min(filter(None, (now.date() - timedelta(days=days), also_from)))
    # Days with deleted messages keep their figures.
    kept = retention_start(daily.env, MESSAGE_KEEP_DAYS)
    return max(first, kept.date() + timedelta(days=1)) if kept else first
