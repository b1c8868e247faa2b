"""Analytics: our sum of costs beside Meta's `pricing_analytics`, per account and month.

Called by the daily job `_cron_compare_prices`, and shown under Reporting → Compared with Meta.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ...cloud_api import CloudApiError
from ...policy import cost as policy_cost
from ..base.waba_phone_prefix import prefix_sql
from ..dispatch.waba_budget import MAX_DELIVERY_TIME
from ..dispatch.waba_rate import CATEGORIES
from ..tools.figures import UnknownMonetary, amount_text
from ..tools.labels import NO_COUNTRY, NO_NUMBER, list_action
from ..tools.reputation_texts import format_number
from ..tools.transactions import commit_step
from .waba_message_cost import ARRIVAL_SQL

_logger = logging.getLogger(__name__)

# Late reports and corrections: the month before is compared until the next one ends.
MONTHS = 2
# Messages behind a figure: more are no help.
MAX_SHOWN = 5_000
UNPRICED = SQL("(m.cost_state IS NULL OR m.cost_state IN ('no_rate', 'not_told'))")
# Where no status told the category: that of the template, 'service' of a free-form message.
CATEGORY = SQL(
    """CASE COALESCE(m.pricing_category, CASE WHEN m.kind = 'template' THEN m.category END,
                      'service')
       WHEN 'marketing_lite' THEN 'marketing'
       ELSE COALESCE(m.pricing_category, CASE WHEN m.kind = 'template' THEN m.category END,
                     'service') END"""
)

KINDS = [
    ("same", "Same"),
    ("meta_more", "More at Meta"),
    ("meta_less", "Fewer at Meta"),
    ("unpriced", "No price here"),
    ("price", "Other price"),
    ("no_cost", "No Meta costs"),
]


class WabaPriceCheck(models.Model):
    """What an account's messages of a month cost by our prices and by Meta.

    Months are those of UTC, as in Meta's analytics, and amounts in the account's currency. Meta's
    cost is unknown on a partner's credit line.
    """

    _name = "waba.price.check"
    _description = "WhatsApp Costs Compared with Meta"
    _inherit = ["waba.system.fields.mixin"]
    _order = "month desc, account_id, id"
    _rec_name = "month"

    month = fields.Date(required=True, readonly=True)
    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="account_id.company_id", store=True)
    currency_id = fields.Many2one("res.currency", readonly=True, ondelete="restrict")
    read_at = fields.Datetime("Read at", readonly=True)
    line_ids = fields.One2many("waba.price.check.line", "check_id", readonly=True)
    our_count = fields.Integer(
        "Counted", readonly=True, help="Delivered messages, charged or free."
    )
    meta_count = fields.Integer("Counted by Meta", readonly=True)
    our_cost = UnknownMonetary("Cost", readonly=True)
    meta_cost = UnknownMonetary("Cost by Meta", readonly=True)
    cost_difference = UnknownMonetary("Difference", readonly=True, help="Meta's cost less ours.")
    differing_count = fields.Integer("Messages that differ", readonly=True)
    summary = fields.Char(compute="_compute_summary")

    _one_per_month = models.UniqueIndex("(account_id, month)")

    @api.depends("month")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for check in self:
            check.display_name = format_date(self.env, check.month, date_format="MMMM y")

    @api.depends("our_cost", "meta_cost", "differing_count", "our_count", "meta_count")
    @api.depends_context("lang")
    def _compute_summary(self):
        for check in self:
            check.summary = check._describe()

    def _describe(self):
        texts = {
            "ours": amount_text(self.env, self.our_cost or 0.0, self.currency_id),
            "metas": amount_text(self.env, self.meta_cost or 0.0, self.currency_id),
            "count": format_number(self.env, self.differing_count),
        }
        if self.meta_cost is False and self.meta_count:
            return self.env._(
                "We counted %(ours)s; %(count)s messages differ. Meta tells no costs, as for "
                "accounts on a partner's credit line.",
                **texts,
            )
        if self.differing_count:
            return self.env._(
                "We counted %(ours)s, Meta %(metas)s; %(count)s messages differ.", **texts
            )
        return self.env._("We counted %(ours)s, as Meta.", **texts)

    def action_view_differing(self):
        """Open our messages behind the differences of this month."""
        self.ensure_one()
        lines = self.line_ids.filtered("differing_count")
        return lines._messages_action()

    # === Job ===

    @api.model
    def _cron_compare_prices(self):
        """Compare the last months of each connected account."""
        accounts = self.env["waba.account"].search(
            [("state", "in", ("connected", "stopped")), ("access_token", "!=", False)]
        )
        for account in accounts._iterate_committed():
            self._compare_account(account)

    @api.model
    def _compare_account(self, account):
        """Read Meta's figures of the last months, then store them beside ours."""
        checks, now = self.with_env(account.env), fields.Datetime.now()
        try:
            client = account._client()
            currency = client.get_account(account.waba_uid).currency
            for month in _last_months(now):
                points = client.pricing_analytics(
                    account.waba_uid, _epoch(month), _epoch(_next_month(month))
                )
                step = partial(checks._store, account, month, currency, points)
                commit_step(self.env, step, processed=0)
        except (CloudApiError, UserError) as error:
            # The job of tomorrow reads the same months again.
            _logger.warning("waba.account %s: costs not read from Meta: %s", account.id, error)

    @api.model
    def _store(self, account, month, currency_name, points):
        """Store one account's month anew.

        :param points: [cloud_api.PricePoint]
        """
        currency = self.env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", currency_name)], limit=1)
        currency = currency or account.company_id.currency_id
        metas, tells_cost = self._group_points(account, points)
        ours = self._group_messages(account, month, currency)
        lines = [
            self._line_values(key, ours.get(key), metas.get(key), tells_cost, currency)
            for key in sorted(set(ours) | set(metas), key=str)
        ]
        check = self.search([("account_id", "=", account.id), ("month", "=", month)])
        check = check or self.create({"account_id": account.id, "month": month})
        check.line_ids.unlink()
        our_cost = sum(line["our_cost"] for line in lines)
        meta_cost = sum(line["meta_cost"] for line in lines) if tells_cost else None
        check.write(
            {
                "currency_id": currency.id,
                "read_at": fields.Datetime.now(),
                "line_ids": [fields.Command.create(line) for line in lines],
                "our_count": sum(line["our_count"] for line in lines),
                "meta_count": sum(line["meta_count"] for line in lines),
                "our_cost": our_cost,
                "meta_cost": meta_cost,
                "cost_difference": None if meta_cost is None else meta_cost - our_cost,
                "differing_count": sum(line["differing_count"] for line in lines),
            }
        )

    @api.model
    def _group_points(self, account, points):
        """({key of a line: [messages, cost]}, whether Meta tells costs)"""
        senders = self.env["waba.sender"].with_context(active_test=False)
        numbers = {
            "".join(filter(str.isdigit, sender.display_phone_number or "")): sender.id
            for sender in senders.search([("account_id", "=", account.id)])
        }
        codes = {point.country_code for point in points}
        countries = self.env["res.country"].search([("code", "in", list(codes))])
        country_ids = {country.code: country.id for country in countries}
        groups = defaultdict(lambda: [0, 0.0])
        for point in points:
            category = policy_cost.CHARGED_CATEGORY.get(point.category, point.category)
            key = (
                numbers.get(point.number),
                country_ids.get(point.country_code),
                category,
                point.type in policy_cost.FREE_TYPES,
            )
            groups[key][0] += point.volume
            groups[key][1] += point.cost or 0.0
        tells_cost = not points or any(point.cost is not None for point in points)
        return dict(groups), tells_cost

    @api.model
    def _group_messages(self, account, month, currency):
        """{key of a line: [messages, cost, messages without a price]} of our own messages."""
        home = account.company_id.currency_id
        factor = home._convert(1.0, currency, account.company_id, month, round=False)
        rows = self.env.execute_query(
            SQL(
                """SELECT m.sender_id, p.country_id, %(category)s,
                          COALESCE(m.cost_state LIKE 'free%%', FALSE), count(*),
                          COALESCE(sum(CASE WHEN m.cost_currency_id = %(currency)s THEN m.cost
                                            ELSE m.company_cost * %(factor)s END), 0),
                          count(*) FILTER (WHERE %(unpriced)s)
                     FROM waba_message m
                LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s
                    WHERE %(condition)s GROUP BY 1, 2, 3, 4""",
                category=CATEGORY,
                currency=currency.id,
                factor=factor,
                unpriced=UNPRICED,
                prefix=prefix_sql(SQL("m.number")),
                condition=self._month_condition(account, month),
            )
        )
        return {tuple(row[:4]): row[4:] for row in rows}

    @api.model
    def _month_condition(self, account, month):
        """SQL of the messages `m` of an account that arrived in a month."""
        self.env["waba.message"].flush_model()
        start, end = (datetime.combine(day, datetime.min.time())
                      for day in (month, _next_month(month)))  # fmt: skip
        return SQL(
            """m.direction = 'out' AND m.account_id = %s AND %s >= %s AND %s < %s
               AND COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)
                   BETWEEN %s AND %s""",
            account.id,
            ARRIVAL_SQL,
            start,
            ARRIVAL_SQL,
            end,
            start - MAX_DELIVERY_TIME,
            end,
        )

    @api.model
    def _line_values(self, key, ours, metas, tells_cost, currency):
        """Values of a waba.price.check.line."""
        sender_id, country_id, category, is_free = key
        our_count, our_cost, unpriced = ours or (0, 0.0, 0)
        meta_count, meta_cost = metas or (0, 0.0)
        found = policy_cost.compare(
            our_count,
            meta_count,
            our_cost,
            meta_cost if tells_cost else None,
            unpriced,
            currency.rounding / 2,
        )
        return {
            "sender_id": sender_id,
            "country_id": country_id,
            "category": category if category in dict(CATEGORIES) else "other",
            "is_free": is_free,
            "our_count": our_count,
            "meta_count": meta_count,
            "unpriced_count": unpriced,
            "our_cost": our_cost,
            "meta_cost": meta_cost if tells_cost else None,
            "kind": found.kind,
            "differing_count": found.count,
        }


class WabaPriceCheckLine(models.Model):
    """Messages of one number, country, category and kind of price in a month, beside Meta's."""

    _name = "waba.price.check.line"
    _description = "WhatsApp Cost Difference"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _order = "differing_count desc, id"
    _rec_name = "category"

    check_id = fields.Many2one(
        "waba.price.check", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="check_id.company_id", store=True)
    currency_id = fields.Many2one(related="check_id.currency_id")
    sender_id = fields.Many2one(
        "waba.sender", "Number", readonly=True, ondelete="cascade", falsy_value_label=NO_NUMBER
    )
    country_id = fields.Many2one(
        "res.country", readonly=True, ondelete="set null", falsy_value_label=NO_COUNTRY
    )
    category = fields.Selection([*CATEGORIES, ("other", "Other")], readonly=True)
    is_free = fields.Boolean("Free", readonly=True)
    our_count = fields.Integer("Counted", readonly=True)
    meta_count = fields.Integer("Counted by Meta", readonly=True)
    unpriced_count = fields.Integer("Cost not known", readonly=True)
    our_cost = UnknownMonetary("Cost", readonly=True)
    meta_cost = UnknownMonetary("Cost by Meta", readonly=True)
    kind = fields.Selection(KINDS, "Result", readonly=True)
    differing_count = fields.Integer("Messages that differ", readonly=True)

    def action_view_messages(self):
        """Open our messages behind this line."""
        self.ensure_one()
        return self._messages_action()

    def _messages_action(self):
        """Action with our messages that explain the differences of these lines."""
        self.check_access("read")
        ids = set()
        for line in self:
            ids.update(line.sudo()._message_ids(MAX_SHOWN - len(ids)))
        domain = [("id", "in", sorted(ids))]
        return list_action(self.env, "waba_message_action", domain)

    def _message_ids(self, limit):
        """Ids of the messages to look at: those without a price, else those not reported, else all.

        Where Meta counts more, a delivery was not reported to us: a message that looks undelivered.
        """
        if limit <= 0:
            return []
        check, checks = self.check_id, self.env["waba.price.check"]
        account, month = check.account_id, check.month
        arrived = checks._month_condition(account, month)
        if self.kind == "meta_more" and not self.unpriced_count:
            start = datetime.combine(month, datetime.min.time())
            end = datetime.combine(_next_month(month), datetime.min.time())
            group = SQL(
                """m.direction = 'out' AND m.account_id = %s
                   AND m.state IN ('uncertain', 'accepted', 'held', 'sent')
                   AND m.create_date < %s
                   AND (m.accepted_at IS NULL OR m.accepted_at >= %s)""",
                account.id,
                end,
                start - MAX_DELIVERY_TIME,
            )
        else:
            group = SQL(
                "%s AND COALESCE(m.cost_state LIKE 'free%%', FALSE) = %s%s",
                arrived,
                self.is_free,
                SQL(" AND %s", UNPRICED) if self.unpriced_count else SQL(),
            )
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM waba_message m
                LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s
                    WHERE %(group)s AND m.sender_id IS NOT DISTINCT FROM %(sender)s
                      AND p.country_id IS NOT DISTINCT FROM %(country)s
                      AND %(category)s = %(wanted)s
                 ORDER BY m.id DESC LIMIT %(limit)s""",
                prefix=prefix_sql(SQL("m.number")),
                group=group,
                sender=self.sender_id.id or None,
                country=self.country_id.id or None,
                category=CATEGORY,
                wanted=self.category,
                limit=limit,
            )
        )
        return [id_ for (id_,) in rows]


def _last_months(now):
    """First days of the months to compare, the earliest first."""
    months = [now.date().replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months[::-1]


def _next_month(month):
    return (month + timedelta(days=32)).replace(day=1)


def _epoch(day):
    return int(datetime.combine(day, datetime.min.time(), timezone.utc).timestamp())
