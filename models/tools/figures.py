"""Tools: figures as reports show them: unknown is not 0, a rate is a sum over a sum.

Inherited by the models behind our graphs, pivots and lists.
"""

import math
from datetime import datetime, time, timedelta

import pytz
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, date_utils, format_amount, formatLang
from odoo.tools.misc import get_lang

# Amounts below ten of the currency's smallest coins need four digits: 0.0051, not 0.01.
SMALL_COINS = 10

# Groups on a graph's axis above which empty days are not added.
MAX_AXIS = 400
DAYS_PER_GROUP = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}


def amount_text(env, value, currency):
    """Return an amount with its currency symbol; small amounts with four decimals."""
    if value and abs(value) < SMALL_COINS * currency.rounding:
        text = formatLang(env, value, digits=4)
        parts = [text, currency.symbol]
        return "\N{NO-BREAK SPACE}".join(parts[:: -1 if currency.position == "before" else 1])
    return format_amount(env, value, currency)


def finite_number(text):
    """Return the number that a text of an external system states, None if it states none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def stated_price_text(env, price, code):
    """Return a price that an external system states in a currency of this ISO code.

    As it is stated, if it is no number or Odoo does not know the currency.
    """
    number = finite_number(price)
    if number is None:
        return f"{price or '?'} {code or ''}".strip()
    currency = env["res.currency"].with_context(active_test=False).search([("name", "=", code)])
    return amount_text(env, number, currency) if currency else f"{price} {code or ''}".strip()


class UnknownMixin:
    """A number whose NULL is read as False, not 0, so that a list leaves its cell empty."""

    def convert_to_column(self, value, record, values=None, validate=True):
        if value is None or value is False:
            return None
        return super().convert_to_column(value, record, values, validate)

    def convert_to_cache(self, value, record, validate=True):
        if value is None or value is False:
            return None
        return super().convert_to_cache(value, record, validate)

    def convert_to_record(self, value, record):
        return False if value is None else value

    def convert_to_export(self, value, record):
        return "" if value is False else super().convert_to_export(value, record)


class UnknownFloat(UnknownMixin, fields.Float):
    """A float that may be unknown."""


class UnknownInteger(UnknownMixin, fields.Integer):
    """An integer that may be unknown."""


class UnknownMonetary(UnknownMixin, fields.Monetary):
    """An amount that may be unknown."""


class WabaFiguresMixin(models.AbstractModel):
    """Ratios of groups, and days without messages on a graph's axis.

    `_ratios` is {field: (numerator, (denominators))}: names of numeric fields, each summed over the
    group. An average of the rows' own ratios would give a day of 3 messages the weight of 3,000.
    """

    _name = "waba.figures.mixin"
    _description = "Figures of groups"

    _ratios = {}

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(":")
        if name not in self._ratios or function not in ("avg", "sum_currency"):
            return super()._read_group_select(aggregate_spec, query)
        count, bases = self._ratios[name]
        return SQL(
            "(%s)::float8 / NULLIF(%s, 0)::float8",
            self._ratio_part(name, function, count, query),
            SQL(" + ").join(self._ratio_part(name, function, base, query) for base in bases),
        )

    def _ratio_part(self, name, function, measure, query):
        """Return SQL: the sum of a ratio's numerator or of a denominator.

        Amounts are converted when several currencies may be added: the client asks for
        `sum_currency` of a ratio that is an amount, and a pure number has no currency to show.
        """
        is_amount = self._fields[measure].type == "monetary"
        is_mixed = function == "sum_currency" or self._fields[name].type != "monetary"
        if is_amount and is_mixed:
            return super()._read_group_select(f"{measure}:sum_currency", query)  # pylint: disable=super-method-mismatch
        return super()._read_group_select(f"{measure}:sum", query)  # pylint: disable=super-method-mismatch

    # === Axis ===

    @api.model
    def formatted_read_group(self, domain, groupby=(), aggregates=(), *args, **kwargs):
        """Fill a graph's axis from the first to the last day of the filter.

        Odoo fills it between the first and the last day with a message.
        """
        report = self
        if self.env.context.get("fill_temporal") is True and groupby:
            span = self._axis_span(domain, groupby[0])
            if span and self.search_count(domain, limit=1):
                report = self.with_context(fill_temporal=span)
        return super(WabaFiguresMixin, report).formatted_read_group(
            domain, groupby, aggregates, *args, **kwargs
        )

    def _web_read_group_fill_temporal(
        self, groups, groupby, aggregates, fill_from=False, fill_to=False, min_groups=False
    ):
        """Fill an axis of times as one of dates, which Odoo cannot: it localizes a date."""
        name, _colon, granularity = groupby[0].partition(":")
        if fill_from and fill_to and self._fields[name].type == "datetime":
            empty = [self._read_group_empty_value(spec) for spec in (*groupby[1:], *aggregates)]
            known = {group[0] for group in groups}
            ends = {self._axis_end(day, granularity) for day in (fill_from, fill_to)} - known
            groups = [*groups, *((end, *empty) for end in ends)]
            fill_from = fill_to = False
        groups = super()._web_read_group_fill_temporal(
            groups, groupby, aggregates, fill_from, fill_to, min_groups
        )
        return self._with_only_currency(groups, groupby, aggregates)

    @api.model
    def _with_only_currency(self, groups, groupby, aggregates):
        """Give empty groups the currency of all others.

        A graph takes a group without a currency for one of another, and converts all amounts.
        """
        for index, spec in enumerate(aggregates, len(groupby)):
            if not spec.endswith(":array_agg_distinct"):
                continue
            known = {tuple(group[index]) for group in groups if group[index]}
            if len(known) == 1:
                [only] = known
                groups = [
                    (*group[:index], group[index] or list(only), *group[index + 1 :])
                    for group in groups
                ]
        return groups

    @api.model
    def _axis_end(self, day, granularity):
        """Return the start of a day's group, in the user's time as Odoo's groups are."""
        start = datetime.combine(fields.Date.to_date(day), time.min)
        start = date_utils.start_of(start, granularity)
        if granularity == "week":
            first_day = int(get_lang(self.env).week_start) - 1
            start -= timedelta(days=first_day and 7 - first_day)
        return start

    @api.model
    def _axis_span(self, domain, groupby):
        """Return {'fill_from', 'fill_to'} as Odoo's context key expects it, None if unlimited.

        A filter without an end lasts until today.
        """
        name, _colon, granularity = groupby.partition(":")
        field = self._fields.get(name)
        if not field or field.type not in ("date", "datetime"):
            return None
        starts, ends = [], []
        for condition in Domain(domain).optimize_full(self).iter_conditions():
            if condition.field_expr == name and condition.operator in (">", ">=", "<", "<="):
                day = self._condition_day(condition)
                (starts if condition.operator[0] == ">" else ends).append(day)
        if not starts:
            return None
        first = min(starts)
        last = max(ends, default=fields.Date.context_today(self))
        if (last - first).days / DAYS_PER_GROUP.get(granularity, 30) > MAX_AXIS:
            return None
        return {"fill_from": str(first), "fill_to": str(last)}

    @api.model
    def _condition_day(self, condition):
        """Return the first or last day that a condition on a date or time includes."""
        value = condition.value
        if self._fields[condition.field_expr].type == "date":
            days = {">": 1, "<": -1}.get(condition.operator, 0)
            return fields.Date.to_date(value) + timedelta(days=days)
        seconds = {">": 1, "<": -1}.get(condition.operator, 0)
        moment = fields.Datetime.to_datetime(value) + timedelta(seconds=seconds)
        zone = pytz.timezone(self.env.context.get("tz") or "UTC")
        return pytz.utc.localize(moment).astimezone(zone).date()
