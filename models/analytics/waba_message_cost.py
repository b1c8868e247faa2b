"""Analytics: the cost of each delivered message, and clicks on its tracked link.

Called by the job `_cron_money` (waba_attribution_due.py); clicks by controllers/link.py.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate

from ...policy import budget as policy_budget
from ...policy import cost as policy_cost
from ...policy import links
from ..base.waba_message import DEPARTURE_SQL
from ..base.waba_phone_prefix import prefix_sql
from ..tools.figures import UnknownFloat
from ..tools.job_turns import TimeSlice, read_checkpoint, write_checkpoint
from ..tools.labels import NO_CAMPAIGN, NO_FOLLOW_UP, NO_SALESPERSON
from ..tools.transactions import commit_step

_lt = LazyTranslate(__name__)

BATCH = 5_000
RUN_SECONDS = 40

# Range of message ids in which one statement resets missing rates after an import.
REPRICE_CHUNK = 50_000

# Meta reports the price with "sent" and again with "delivered" or "read"; webhooks may be late.
WAIT_FOR_PRICE = timedelta(days=1)

# `write_date` of the rates by which messages without a rate were last priced again.
RATES_READ_PARAMETER = "waba_campaign.rates_read_at"

ARRIVAL_SQL = SQL("COALESCE(m.delivered_at, m.read_at)")

COST_STATES = [
    ("charged", "Charged by rate card"),
    ("reported", "Charged as reported by Meta"),
    ("free_window", "Free: reply window open"),
    ("free_entry", "Free: came from an ad"),
    ("free_other", "Free: not billable"),
    ("free_quota", "Free: first 1,000 of the month"),
    ("estimated", "Estimated by rate card"),
    ("no_rate", "No rate imported"),
    ("not_told", "Price not reported"),
]

# Ids of clicks counted again in each run: an id may be committed after a higher one.
CLICK_OVERLAP = 1000
CLICKS_COUNTED_PARAMETER = "waba_campaign.link_clicks_counted_until"


class Prices:
    """The prices of one batch, which reads each rate card once."""

    def __init__(self, env):
        self.env = env
        self._cards, self._known, self._months, self._free_counts = {}, {}, {}, {}
        self._currencies = {}

    def message_cost(self, row):
        """Return (state, cost, currency id, cost in the company's currency, month) of one message.

        :param row: dict of `_unpriced_rows`
        """
        month = self._month(row["company_id"], row["at"])
        frozen = row["factor"] and (row["currency_id"], row["factor"])
        if row["charge"] is not None or row["max_price"] is not None:
            # No rate card applies to it.
            return *self._reported_cost(row, frozen), month
        charge = policy_cost.message_charge(
            row["category"] or "",
            row["type"] or "",
            {"yes": True, "no": False}.get(row["billable"]),
        )
        if row["kind"] != "template":
            charge = self._service_charge(charge, row["sender_id"], month)
        key = charge, row["company_id"], row["country_code"], row["at"].date(), frozen
        if key not in self._known:
            self._known[key] = self._price(charge, *key[1:3], row["at"], frozen)
        return *self._known[key], month

    def _service_charge(self, charge, sender_id, month):
        """Charge of a free-form message: the first ones of a number in a month are free."""
        key = sender_id, month
        if key not in self._free_counts:
            self._free_counts[key] = self.env["waba.message"]._count_free_service(*key)
        found = policy_cost.service_charge(charge, self._free_counts[key])
        self._free_counts[key] += found.state.startswith("free")
        return found

    def _month(self, company_id, at):
        """The company's month in which a message arrived: of that month's budget."""
        # Months begin on a quarter of an hour in every time zone.
        key = company_id, at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        if key not in self._months:
            company = self.env["res.company"].sudo().browse(company_id)
            self._months[key] = company._waba_month(at) if company else None
        return self._months[key]

    def _reported_cost(self, row, frozen):
        """The cost of a promotion with a maximum price: what Meta reported as charged."""
        currency = self._currency(row["charge_currency"])
        if row["charge"] is None or not currency:
            return "not_told", None, None, None
        company = self.env["res.company"].sudo().browse(row["company_id"])
        amount = float(row["charge"])
        converted = self._home_amount(amount, currency, company, row["at"], frozen)
        return "reported", amount, currency.id, converted

    def _currency(self, code):
        if code not in self._currencies:
            currencies = self.env["res.currency"].with_context(active_test=False)
            self._currencies[code] = currencies.search([("name", "=", code or "")], limit=1)
        return self._currencies[code]

    def _home_amount(self, amount, currency, company, at, frozen):
        """An amount in the company's currency, at the rate at which it was held back."""
        if frozen and frozen[0] == currency.id:
            value = policy_budget.to_decimal(amount) * policy_budget.to_decimal(frozen[1])
            return float(policy_budget.round_amount(value))
        home = company.currency_id
        return currency._convert(amount, home, company, at.date(), round=False)

    def _price(self, charge, company_id, country_code, at, frozen):
        if charge.state.startswith("free"):
            return charge.state, 0.0, None, 0.0
        if not charge.category:
            return charge.state, None, None, None
        company = self.env["res.company"].sudo().browse(company_id)
        if company not in self._cards:
            self._cards[company] = self.env["waba.rate"]._rate_card(company)
        amount, currency = self._cards[company](country_code or "", charge.category, at)
        if amount is None:
            return "no_rate", None, None, None
        converted = self._home_amount(amount, currency, company, at, frozen)
        return charge.state, amount, currency.id, converted


class WabaMessage(models.Model):
    """The cost is what Meta reported as charged, of promotions with a maximum price; of all others
    that of Meta's pricing object by the rate card of the day of delivery.

    Empty `cost_state`: not priced yet. A later rate card prices messages that had no rate; a price
    does not change.
    """

    _inherit = "waba.message"

    # What groups without a value are called
    campaign_id = fields.Many2one(falsy_value_label=NO_CAMPAIGN)
    failure_type = fields.Selection(falsy_value_label=_lt("No reason"))  # pylint: disable=translation-field
    origin = fields.Selection(falsy_value_label=_lt("Unknown origin"))  # pylint: disable=translation-field
    sequence_id = fields.Many2one(falsy_value_label=NO_FOLLOW_UP)
    user_id = fields.Many2one(falsy_value_label=NO_SALESPERSON)
    variant = fields.Selection(falsy_value_label=_lt("No A/B test"))  # pylint: disable=translation-field

    # Cost
    cost_state = fields.Selection(COST_STATES, "Price", readonly=True, copy=False)
    # Without aggregator: rows differ in currency. Costs of groups are in waba.money.report.
    cost = UnknownFloat(
        digits=(16, 6),
        readonly=True,
        copy=False,
        aggregator=None,
        help="In the rate card's currency, by the rate on the day of delivery.",
    )
    cost_currency_id = fields.Many2one("res.currency", readonly=True, copy=False)
    company_cost = UnknownFloat(
        "Company currency cost", digits=(16, 6), readonly=True, copy=False, aggregator=None
    )

    # Clicks
    link_token = fields.Char(
        readonly=True, copy=False, help="Identifies the message in its tracked links."
    )
    clicked_at = fields.Datetime("Clicked at", readonly=True, help="First click on its link.")

    _cost_due_idx = models.Index(
        "(id) WHERE cost_state IS NULL AND direction = 'out'"
        " AND COALESCE(delivered_at, read_at) IS NOT NULL"
    )
    _free_service_idx = models.Index(
        "(sender_id, charge_month) WHERE direction = 'out' AND kind <> 'template'"
        " AND cost_state LIKE 'free%'"
    )
    _link_token_uniq = models.UniqueIndex("(link_token) WHERE link_token IS NOT NULL")
    _clicked_idx = models.Index("(campaign_id, clicked_at) WHERE clicked_at IS NOT NULL")
    # `_attribute_answers` searches the answers of the last days among millions of messages.
    _replied_idx = models.Index("(replied_at) WHERE replied_at IS NOT NULL")
    _clicked_at_idx = models.Index("(clicked_at) WHERE clicked_at IS NOT NULL")

    # === Cost ===

    @api.model
    def _price_delivered(self):
        """Price delivered messages in committed batches, for `RUN_SECONDS` at most.

        :return: day on which the oldest priced message was sent, None if none was priced
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
        """Return (number of priced messages, day on which the oldest of them was sent)."""
        rows = self._unpriced_rows()
        if not rows:
            return 0, None
        prices = Prices(self.env)
        priced = [(row["id"], *prices.message_cost(row)) for row in rows]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET cost_state = v.state, cost = v.cost, cost_currency_id = v.currency,
                          company_cost = v.company_cost, charge_month = v.month
                     FROM unnest(%s::int[], %s::varchar[], %s::float8[], %s::int[], %s::float8[],
                                 %s::date[])
                          AS v(id, state, cost, currency, company_cost, month)
                    WHERE m.id = v.id""",
                *(list(column) for column in zip(*priced, strict=True)),
            )
        )
        self.invalidate_model(
            ["cost_state", "cost", "cost_currency_id", "company_cost", "charge_month"]
        )
        return len(rows), min(row["day"] for row in rows)

    @api.model
    def _unpriced_rows(self):
        """Return [dict]: the messages that arrived and have no price yet, oldest first.

        Messages without a reported price are included after `WAIT_FOR_PRICE`.
        """
        self.flush_model()
        return self.env.execute_query_dict(
            SQL(
                """SELECT m.id, (%(left_at)s)::date AS day, m.company_id, m.sender_id, m.kind,
                          -- A user id begins with the country of its person.
                          COALESCE(c.code, substring(r.user_uid FROM '^([A-Z]{2})[.]'))
                              AS country_code, %(arrived)s AS at,
                          m.pricing_category AS category, m.pricing_type AS type,
                          m.pricing_billable AS billable, m.cost_currency_id AS currency_id,
                          m.charge_factor AS factor, m.max_price, m.charge,
                          m.charge_currency
                     FROM waba_message m
                LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s
                LEFT JOIN res_country c ON c.id = p.country_id
                LEFT JOIN waba_recipient r ON r.id = m.recipient_id AND m.number IS NULL
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
    def _count_free_service(self, sender_id, month):
        """Free free-form messages of a number in a month of its company."""
        self.flush_model()
        [[count]] = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM waba_message
                    WHERE sender_id = %s AND charge_month = %s AND direction = 'out'
                      AND kind <> 'template' AND cost_state LIKE 'free%%'""",
                sender_id,
                month,
            )
        )
        return count

    @api.model
    def _reprice_if_rates_changed(self):
        """Mark messages without a rate as not priced if rates changed since the last run."""
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

    # === Clicks ===
    # An address ends in `<link's code>-<message's token>` (policy/links.py). The code alone leads
    # to the target, so that it works as long as its link exists, even if the message is deleted.

    @api.model
    def _resolve_link(self, text, method, user_agent, purposes=(), country_code=None):
        """Return the target of a tracked address and record the click if a person made it.

        :param text: the end of the address
        :return: the target with its UTM parameters, None if the link is unknown
        """
        code, token = links.split_suffix(text)
        link = self.env["link.tracker.code"].search([("code", "=", code)]).link_id if code else None
        if not link:
            return None
        if links.is_click(method, user_agent, purposes):
            message = self.search([("link_token", "=", token)])
            message._record_click(link, country_code)
        return link.redirected_url

    def _record_click(self, link, country_code=None):
        """Record a click on `link`, of this message unless it was deleted.

        The visitor's IP address is not stored: the message identifies the recipient. The row is
        inserted by SQL because the ORM would update the link's counter in the same transaction, so
        that all clicks of a campaign would wait for one row; `_count_link_clicks` updates it.
        """
        country = self.env["res.country"]
        if country_code:
            country = country.search([("code", "=", country_code.upper())], limit=1)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """INSERT INTO link_tracker_click
                          (link_id, campaign_id, country_id, waba_message_id, create_date,
                           write_date)
                   VALUES (%s, %s, %s, %s, %s, %s)""",
                link.id,
                link.campaign_id.id or None,
                country.id or None,
                self.id or None,
                self.env.cr.now(),
                self.env.cr.now(),
            )
        )
        if self and not self.clicked_at:
            self.clicked_at = fields.Datetime.now()

    @api.model
    def _count_link_clicks(self):
        """Update the counter of each link with new clicks."""
        until = int(read_checkpoint(self.env, CLICKS_COUNTED_PARAMETER) or 0)
        [[last]] = self.env.execute_query(SQL("SELECT max(id) FROM link_tracker_click"))
        if not last or last == until:
            return
        self.env.cr.execute(
            SQL(
                """WITH changed AS (SELECT DISTINCT link_id FROM link_tracker_click
                                     WHERE id > %s)
                   UPDATE link_tracker l SET count = counted.clicks
                     FROM (SELECT c.link_id, count(*) AS clicks FROM link_tracker_click c
                            WHERE c.link_id IN (SELECT link_id FROM changed)
                         GROUP BY c.link_id) AS counted
                    WHERE l.id = counted.link_id AND l.count IS DISTINCT FROM counted.clicks""",
                until - CLICK_OVERLAP,
            )
        )
        self.env["link.tracker"].invalidate_model(["count"])
        write_checkpoint(self.env, CLICKS_COUNTED_PARAMETER, last)

    # === Erasure ===

    def _clear_results(self):
        """Keep the results of an erased person's messages as anonymous figures."""
        self.env["waba.attribution"].search([("message_id", "in", self.ids)]).write(
            {"message_id": False, "lead_id": False, "detail": False}
        )
        self.env["link.tracker.click"].search([("waba_message_id", "in", self.ids)]).write(
            {"waba_message_id": False}
        )


class LinkTrackerClick(models.Model):
    _name = "link.tracker.click"
    _inherit = ["link.tracker.click", "waba.system.fields.mixin"]

    waba_message_id = fields.Many2one(
        "waba.message", "WhatsApp message", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
