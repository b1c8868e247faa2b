from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import cost as policy_cost
from .job_marks import read_checkpoint, write_checkpoint
from .job_turns import TimeSlice
from .transactions import commit_step
from .waba_message_day import DEPARTURE_SQL
from .waba_phone_prefix import prefix_sql

BATCH = 5_000
RUN_SECONDS = 40
# Messages looked through at a time for those without a rate, when a rate card has been imported.
REPRICE_CHUNK = 50_000
# Meta tells the price with "sent" and again with "delivered" or "read"; webhooks may be late.
WAIT_FOR_PRICE = timedelta(days=1)
# When the rate cards were last looked at; what is priced since is priced by them.
RATES_READ_PARAMETER = "waba_campaign.rates_read_at"
ARRIVAL_SQL = SQL("COALESCE(m.delivered_at, m.read_at)")

COST_STATES = [
    ("charged", "By the rate card"),
    ("free_window", "Free: inside the service window"),
    ("free_entry", "Free: the person came from an ad"),
    ("free_other", "Free: WhatsApp does not charge it"),
    ("no_rate", "No rate imported"),
    ("not_told", "WhatsApp told no price"),
]


class WabaMessage(models.Model):
    """What each delivered message cost: Meta's pricing object times the rate card of that day.

    Priced by a job (`_price_delivered`), not by the webhook. Empty `cost_state`: not priced yet.
    A later rate card prices what had no rate; what is priced keeps its price.
    """

    _inherit = "waba.message"

    cost_state = fields.Selection(COST_STATES, "Price", readonly=True, copy=False)
    cost = fields.Float(
        digits=(16, 6),
        readonly=True,
        copy=False,
        help="In the rate card's currency, at the rate of the day of delivery.",
    )
    cost_currency_id = fields.Many2one("res.currency", readonly=True, copy=False)
    company_cost = fields.Float(
        "Cost in the company's currency", digits=(16, 6), readonly=True, copy=False
    )

    _cost_due_idx = models.Index(
        "(id) WHERE cost_state IS NULL AND direction = 'out'"
        " AND COALESCE(delivered_at, read_at) IS NOT NULL"
    )

    @api.model
    def _price_delivered(self):
        """Price what was delivered since, in committed batches.

        :return: the day on which the oldest message that was priced left, None for none
        """
        self._reprice_if_rates_changed()
        cron = self.env.ref("waba_campaign.ir_cron_money")
        turn, first = TimeSlice(cron, RUN_SECONDS), None
        while True:
            count, day = commit_step(self.env, self._price_batch)
            first = min(filter(None, (first, day)), default=None)
            if count < BATCH:
                return first
            if turn.is_used_up:
                cron._trigger()
                return first

    @api.model
    def _price_batch(self):
        """(how many were priced, day on which the oldest of them left)."""
        rows = self._unpriced_rows()
        if not rows:
            return 0, None
        prices = Prices(self.env)
        priced = [(row[0], *prices.message_cost(*row[2:])) for row in rows]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET cost_state = v.state, cost = v.cost, cost_currency_id = v.currency,
                          company_cost = v.company_cost
                     FROM unnest(%s::int[], %s::varchar[], %s::float8[], %s::int[], %s::float8[])
                          AS v(id, state, cost, currency, company_cost)
                    WHERE m.id = v.id""",
                *(list(column) for column in zip(*priced, strict=True)),
            )
        )
        self.invalidate_model(["cost_state", "cost", "cost_currency_id", "company_cost"])
        return len(rows), min(row[1] for row in rows)

    @api.model
    def _unpriced_rows(self):
        """[(id, day it left, company id, country code, arrived at, category, type, billable)]."""
        self.flush_model()
        return self.env.execute_query(
            SQL(
                """SELECT m.id, (%(left_at)s)::date, m.company_id, c.code, %(arrived)s,
                          m.pricing_category, m.pricing_type, m.pricing_billable
                     FROM waba_message m
                LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s
                LEFT JOIN res_country c ON c.id = p.country_id
                    WHERE m.cost_state IS NULL AND m.direction = 'out' AND %(arrived)s IS NOT NULL
                      AND (m.pricing_type IS NOT NULL OR m.pricing_category IS NOT NULL
                           OR m.pricing_billable IS NOT NULL OR %(arrived)s < %(late)s)
                    ORDER BY m.id LIMIT %(limit)s""",
                left_at=DEPARTURE_SQL,
                arrived=ARRIVAL_SQL,
                prefix=prefix_sql(SQL("m.number")),
                late=fields.Datetime.now() - WAIT_FOR_PRICE,
                limit=BATCH,
            )
        )

    @api.model
    def _reprice_if_rates_changed(self):
        """After an import of rates, what had none is to be priced again."""
        [[changed_at]] = self.env.execute_query(SQL("SELECT max(write_date) FROM waba_rate"))
        read_at = fields.Datetime.to_datetime(read_checkpoint(self.env, RATES_READ_PARAMETER))
        if not changed_at or (read_at and changed_at.replace(microsecond=0) <= read_at):
            return
        [[last]] = self.env.execute_query(SQL("SELECT max(id) FROM waba_message"))
        for first in range(0, (last or 0) + 1, REPRICE_CHUNK):
            commit_step(self.env, lambda first=first: self._reset_missing_rates(first))
        write_checkpoint(self.env, RATES_READ_PARAMETER, changed_at.replace(microsecond=0))

    @api.model
    def _reset_missing_rates(self, first):
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message SET cost_state = NULL
                    WHERE id >= %s AND id < %s AND cost_state = 'no_rate'""",
                first,
                first + REPRICE_CHUNK,
            )
        )
        self.invalidate_model(["cost_state"])


class Prices:
    """The prices of one batch: cards and exchange rates are read once."""

    def __init__(self, env):
        self.env = env
        self._cards, self._known = {}, {}

    def message_cost(self, company_id, country_code, at, category, type_, billable):
        """(state, cost, currency id, cost in the company's currency) of one message."""
        billable = {"yes": True, "no": False}.get(billable)
        key = (company_id, country_code, at.date(), category, type_, billable)
        if key not in self._known:
            charge = policy_cost.message_charge(category or "", type_ or "", billable)
            self._known[key] = self._price(charge, company_id, country_code, at)
        return self._known[key]

    def _price(self, charge, company_id, country_code, at):
        if charge.state.startswith("free"):
            return charge.state, 0.0, None, 0.0
        if charge.state != "charged":
            return charge.state, None, None, None
        company = self.env["res.company"].sudo().browse(company_id)
        if company not in self._cards:
            self._cards[company] = self.env["waba.rate"]._rate_card(company)
        amount, currency = self._cards[company](country_code or "", charge.category, at)
        if amount is None:
            return "no_rate", None, None, None
        converted = currency._convert(amount, company.currency_id, company, at.date(), round=False)
        return "charged", amount, currency.id, converted
