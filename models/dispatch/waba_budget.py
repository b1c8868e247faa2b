"""Dispatch: budgets of campaigns and of a company's month: what is spent, held back and left.

Asked by the transaction that reserves (waba_sender_reserve.py), by the campaign's form and by the
pre-flight check. The rules are those of `policy.budget`.

No counter is kept beside the messages: each row says itself what of it `waba.budget.total` has
(`counted_charge`). The total plus the rows that differ from theirs is exact at any moment, also
after a kill; `_fold_charges` moves the difference into the total, so that a sum never reads more
than the messages of the last minutes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import pytz
from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ...policy import budget as budget_policy
from ...policy import rates
from ...policy.endpoint import MARKETING_API
from ..tools.figures import amount_text
from ..tools.hooks import implements
from ..tools.labels import selection_label
from ..tools.phone_countries import number_country
from ..tools.transactions import commit_step

# What a row counts for now, as `policy.budget.Hold.amount`, and whether the total differs.
AMOUNT = (
    "(held_charge - CASE WHEN cost_state IS NOT NULL AND company_cost IS NOT NULL"
    " THEN charge_bound - company_cost ELSE 0 END)"
)
IS_UNCOUNTED = (
    f"held_charge IS NOT NULL AND (COALESCE(counted_charge, 0) <> {AMOUNT}"
    " OR counted_month IS DISTINCT FROM charge_month)"
)

# Rows that one transaction moves into the total: it holds the portfolio's lock meanwhile.
FOLD_BATCH = 2_000
# Fewer are left to each sum: they cost it a few milliseconds.
FOLD_ABOVE = 1_000
# Rows that reports still change are left for later.
FOLD_AFTER = timedelta(minutes=1)

# A message that was not delivered in 30 days never is (Meta, Time to live, 2025-10-31); a day for
# late reports.
MAX_DELIVERY_TIME = timedelta(days=31)
EXPIRE_BATCH = 5_000

# Fields of a company that decide what its budget allows.
BUDGET_FIELDS = frozenset(("waba_month_budget", "waba_unknown_price", "waba_budget_direct"))

# Messages of these origins wait while the month is used up; a colleague's by the setting.
HELD_ORIGINS = ("sequence", "action")


class Bound(NamedTuple):
    """The highest possible charge of a message in the company's currency.

    amount: None if its price is unknown; currency_id: the rate's, None if it is none; factor: what
    one of it is worth, kept with the message so that its cost is converted as its bound was
    """

    amount: object
    currency_id: int | None = None
    factor: float | None = None


class Refusal(NamedTuple):
    """Why a message cannot leave: a budget that it would exceed, or its unknown price.

    kind: 'month', 'campaign' or 'price'; budget: policy.budget.Budget
    """

    kind: str
    budget: object = None
    bound: object = None
    country_code: str = ""
    category: str = ""


class Purse:
    """What the messages of one company may cost, within one reservation.

    :param account: waba.account whose numbers send them
    :param campaigns: waba.campaign records that it may reserve for
    """

    def __init__(self, account, now, campaigns):
        company = account.company_id
        self.env, self.company, self.now = company.env, company, now
        self._cap_currency = account.sudo().currency_id
        self.month = company._waba_month(now)
        self._bound_of = company.env["waba.rate"]._charge_bounds(company, now)
        limits = {False: company.waba_month_budget}
        limits |= {campaign.id: campaign.budget for campaign in campaigns}
        limits = {key: limit for key, limit in limits.items() if limit}
        usage = company._waba_charges(list(filter(None, limits)), self.month) if limits else {}
        self._budgets = {
            key: budget_policy.Budget(budget_policy.to_decimal(limit), *usage[key])
            for key, limit in limits.items()
        }
        self.refusal = None
        self.refused_ids = []

    def take(self, row, campaign):
        """Hold back what a row may cost, or note why it must wait.

        :param row: dict of `_find_candidates` with `in_window`; gains `bound`
        :param campaign: its waba.campaign, falsy outside campaigns
        :return: whether it can be reserved
        """
        bound = self.bound(row)
        if refusal := self.refuse(row, bound, campaign):
            self.refusal = refusal
            self.refused_ids.append(row["id"])
            return False
        row["bound"] = bound
        for key in (False, campaign and campaign.id):
            if one := self._budgets.get(key):
                self._budgets[key] = one._replace(reserved=one.reserved + (bound.amount or 0))
        return True

    def refuse(self, row, bound, campaign):
        """Return the Refusal of a row by the budgets as they are now, or None."""
        budgets = self.binding_budgets(row, campaign)
        if not budgets:
            return None
        if bound.amount is None:
            return Refusal(
                "price",
                country_code=number_country(row["number"] or row.get("user_uid")) or "",
                category=_price_category(row),
            )
        for kind, one in budgets.items():
            if not budget_policy.count_affordable([bound.amount], [one]):
                return Refusal(kind, one, bound.amount)
        return None

    def can_resume(self, row, campaign):
        """Return whether sending can go on after a refusal, with this row as its first."""
        bound = self.bound(row)
        return not self.refuse(row, bound, campaign) and all(
            budget_policy.can_resume(one, bound.amount)
            for one in self.binding_budgets(row, campaign).values()
        )

    def bound(self, row):
        """Return the `Bound` of a row: its maximum price at Meta, or its price by the rate card."""
        if row.get("in_free_window"):
            return Bound(budget_policy.ZERO)
        if row.get("max_price") is not None:
            return self.capped(row["max_price"])
        if row.get("template_bid") and row.get("endpoint") == MARKETING_API:
            # Meta keeps to the template's own maximum; how much that is, is not known here.
            return self._bound_of("", "unknown")
        country = number_country(row["number"] or row.get("user_uid")) or ""
        return self.bound_in(country, _price_category(row), row.get("in_window"))

    def bound_in(self, country_code, category, in_window):
        """Return the `Bound` of a message of one of `policy.rates.CATEGORIES` to a country."""
        if rates.is_free(category, in_window, self.now):
            return Bound(budget_policy.ZERO)
        return self._bound_of(country_code, category)

    def capped(self, max_price):
        """Return the `Bound` of a promotion with a maximum price, in the account's currency."""
        return _highest_bound(self.company, [(max_price, self._cap_currency)], self.now, None)

    def binding_budgets(self, row, campaign):
        """{kind: Budget} that this row must not exceed."""
        budgets = {}
        if campaign and campaign.id in self._budgets:
            budgets["campaign"] = self._budgets[campaign.id]
        if False in self._budgets and self._is_held(row, campaign):
            budgets["month"] = self._budgets[False]
        return budgets

    def _is_held(self, row, campaign):
        """Whether the month's budget stops this message; answers and tests always leave."""
        if campaign or row["origin"] in HELD_ORIGINS:
            return True
        return (
            row["origin"] == "manual"
            and row["kind"] == "template"
            and self.company.waba_budget_direct == "hold"
        )


def _price_category(row):
    """The rate card's category; of an unknown one the dearest."""
    if row["kind"] != "template":
        return "service"
    return row["category"] if row["category"] in rates.CATEGORIES else "marketing"


class WabaBudgetTotal(models.Model):
    """What messages cost or may cost, summed by campaign and month; see the top of this file.

    Without a month: held back, until it is known what the messages cost.
    """

    _name = "waba.budget.total"
    _description = "WhatsApp Budget Use"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _rec_name = "month"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    campaign_id = fields.Many2one(
        "waba.campaign", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    month = fields.Date(readonly=True)
    amount = fields.Float(digits=(20, 6), readonly=True, aggregator=None)

    _one_row = models.UniqueIndex(
        "(company_id, (COALESCE(campaign_id, 0)), (COALESCE(month, '1970-01-01'::date)))"
    )

    @api.model
    def _fold_charges(self):
        """Move into the totals what the messages of each company changed, in committed batches."""
        self._expire_charges()
        rows = self.env.execute_query(
            SQL(
                "SELECT company_id FROM waba_message WHERE %s GROUP BY 1 HAVING count(*) > %s",
                SQL(IS_UNCOUNTED),
                FOLD_ABOVE,
            )
        )
        for company in self.env["res.company"].browse(company_id for (company_id,) in rows):
            while commit_step(self.env, lambda c=company: self._fold_batch(c)) == FOLD_BATCH:
                pass

    @api.model
    def _fold_batch(self, company):
        """Move up to FOLD_BATCH rows of a company into its totals, under its lock.

        :return: how many rows
        """
        company._waba_lock_portfolios()
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """WITH due AS (
                      SELECT id, campaign_id, counted_charge, counted_month FROM waba_message
                       WHERE company_id = %(company)s AND %(uncounted)s AND write_date < %(before)s
                    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
                   done AS (
                      UPDATE waba_message
                         SET counted_charge = %(amount)s, counted_month = charge_month
                       WHERE id IN (SELECT id FROM due)
                   RETURNING campaign_id, counted_month, counted_charge),
                   changed AS (
                      INSERT INTO waba_budget_total AS t (company_id, campaign_id, month, amount)
                      SELECT %(company)s, campaign_id, counted_month, sum(counted_charge)
                        FROM (SELECT campaign_id, counted_month, counted_charge FROM done
                               UNION ALL
                              SELECT campaign_id, counted_month, -COALESCE(counted_charge, 0)
                                FROM due) AS differences
                    GROUP BY 2, 3 HAVING sum(counted_charge) <> 0
                 ON CONFLICT (company_id, (COALESCE(campaign_id, 0)),
                              (COALESCE(month, '1970-01-01'::date)))
                   DO UPDATE SET amount = t.amount + EXCLUDED.amount)
                   SELECT count(*) FROM done""",
                company=company.id,
                uncounted=SQL(IS_UNCOUNTED),
                amount=SQL(AMOUNT),
                before=fields.Datetime.now() - FOLD_AFTER,
                limit=FOLD_BATCH,
            )
        )
        self.env.cr.execute(
            SQL(
                "DELETE FROM waba_budget_total WHERE company_id = %s AND month IS NULL"
                " AND amount = 0",
                company.id,
            )
        )
        self.invalidate_model()
        self.env["waba.message"].invalidate_model(["counted_charge", "counted_month"])
        return rows[0][0]

    @api.model
    def _expire_charges(self):
        """Release what is held back for messages that Meta no longer delivers."""
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message
                      SET held_charge = held_charge - charge_bound, charge_bound = 0
                    WHERE id IN (SELECT id FROM waba_message
                                  WHERE charge_bound > 0 AND cost_state IS NULL
                                    AND accepted_at < %s
                                    AND state IN ('accepted', 'held', 'sent') LIMIT %s)""",
                fields.Datetime.now() - MAX_DELIVERY_TIME,
                EXPIRE_BATCH,
            )
        )
        self.env["waba.message"].invalidate_model(["held_charge", "charge_bound"])


class WabaRate(models.Model):
    _inherit = "waba.rate"

    @api.model
    def _charge_bounds(self, company, now):
        """The highest prices by the company's rate card while a message may be delivered.

        A price that is imported before it is valid counts as soon as a message may still be on its
        way then.

        :return: function of a country's ISO code and one of `policy.rates.CATEGORIES`, to `Bound`
        """
        price_of = self._rate_card(company)
        announced = self.sudo().search(
            [
                ("company_id", "in", (company.id, False)),
                ("valid_from", ">", now.date()),
                ("valid_from", "<=", (now + MAX_DELIVERY_TIME).date()),
            ]
        )
        days = [now, *(datetime.combine(day, now.time()) for day in set(
            announced.mapped("valid_from"))
        )]  # fmt: skip
        unknown, known = company.waba_unknown_price or None, {}

        def bound_of(country_code, category):
            key = country_code, category
            if key not in known:
                prices = [price_of(country_code, category, day) for day in days]
                known[key] = _highest_bound(company, prices, now, unknown)
            return known[key]

        return bound_of


def _highest_bound(company, prices, now, unknown):
    """`Bound` of the highest of these prices; the first is that of today.

    :param prices: [(amount, res.currency)], (None, None) where no rate fits
    :param unknown: what the company counts for an unknown price, None if nothing
    """
    home, bounds = company.currency_id, []
    for amount, currency in prices:
        # Without an exchange rate Odoo would convert one to one.
        if amount is not None and (currency == home or currency.sudo().rate_ids):
            factor = currency._convert(1.0, home, company, now.date(), round=False)
            value = budget_policy.to_decimal(amount) * budget_policy.to_decimal(factor)
            bounds.append(Bound(budget_policy.charge_bound(value), currency.id, factor))
    if prices[0][0] is None or not bounds:
        return Bound(budget_policy.charge_bound(None, None, unknown))
    # The currency of today's price: its cost is converted as its bound was.
    highest = max(bound.amount for bound in bounds)
    return bounds[0]._replace(amount=highest)


class ResCompany(models.Model):
    _inherit = "res.company"

    def _waba_month(self, at):
        """The first day of the month of `at` (naive UTC) in the company's time zone."""
        zone = pytz.timezone(self._waba_time_zone())
        return pytz.utc.localize(at).astimezone(zone).date().replace(day=1)

    def _waba_next_month(self, at):
        """When the next month begins in the company's time zone, naive UTC."""
        zone = pytz.timezone(self._waba_time_zone())
        first = (self._waba_month(at) + timedelta(days=32)).replace(day=1)
        start = zone.localize(datetime.combine(first, datetime.min.time()))
        return start.astimezone(pytz.utc).replace(tzinfo=None)

    def _waba_lock_portfolios(self, portfolios=None):
        """Lock all portfolios of the company, always in the order of their ids.

        :param portfolios: waba.portfolio, further ones to lock
        """
        found = self.env["waba.account"].search([("company_id", "=", self.id)]).portfolio_id
        for portfolio in (found | (portfolios or found)).sorted("id"):
            portfolio._lock_for_reservation()

    def _waba_charges(self, campaign_ids, month):
        """What is spent and held back, exact in this transaction.

        :param month: first day of the company's month
        :return: {campaign id, or False for the month: (spent, held back) as Decimal}
        """
        self.ensure_one()
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT campaign_id, month, sum(amount) FROM (
                      SELECT campaign_id, month, amount FROM waba_budget_total
                       WHERE company_id = %(company)s
                         AND (campaign_id = ANY(%(campaigns)s) OR month IS NULL
                              OR month = %(month)s)
                       UNION ALL
                      SELECT campaign_id, charge_month, %(amount)s FROM waba_message
                       WHERE company_id = %(company)s AND %(uncounted)s
                       UNION ALL
                      SELECT campaign_id, counted_month, -COALESCE(counted_charge, 0)
                        FROM waba_message WHERE company_id = %(company)s AND %(uncounted)s
                   ) AS parts GROUP BY 1, 2""",
                company=self.id,
                campaigns=list(campaign_ids),
                month=month,
                amount=SQL(AMOUNT),
                uncounted=SQL(IS_UNCOUNTED),
            )
        )
        charges = dict.fromkeys([False, *campaign_ids], (budget_policy.ZERO, budget_policy.ZERO))
        for campaign_id, of_month, amount in rows:
            reserved = of_month is None
            for key, counts in (
                (False, reserved or of_month == month),
                (campaign_id, campaign_id in charges),
            ):
                if counts:
                    spent, held = charges[key]
                    amount = budget_policy.to_decimal(amount)
                    charges[key] = (spent, held + amount) if reserved else (spent + amount, held)
        return charges

    @implements("_on_waba_change")
    def _waba_recheck_budget(self, names):
        if not BUDGET_FIELDS.isdisjoint(names):
            self.env["waba.message"].sudo()._recheck_rules(self, ("budget",))


def refusal_text(env, company, refusal, now):
    """Why a budget stops messages, as a sentence for users."""
    if refusal.kind == "price":
        country = env["res.country"].search([("code", "=", refusal.country_code)], limit=1)
        return env._(
            "Price unknown: no rate for %(category)s to %(country)s, so the budget cannot be kept. "
            "Import rates, or set what unknown prices count as.",
            category=selection_label(env, "category", refusal.category, "waba.rate"),
            country=country.name or env._("an unknown country"),
        )
    one, currency = refusal.budget, company.currency_id
    amounts = {
        "limit": amount_text(env, float(one.limit), currency),
        "spent": amount_text(env, float(one.spent), currency),
        "reserved": amount_text(env, float(one.reserved), currency),
        "next": amount_text(env, float(refusal.bound), currency),
    }
    if refusal.kind == "month":
        return env._(
            "Budget of %(limit)s for %(month)s used: %(spent)s spent, %(reserved)s reserved. "
            "The next message may cost %(next)s.",
            month=format_date(env, company._waba_month(now), date_format="MMMM y"),
            **amounts,
        )
    return env._(
        "Budget of %(limit)s used: %(spent)s spent, %(reserved)s reserved. The next message may "
        "cost %(next)s.",
        **amounts,
    )
