"""Report: messages for pivots and graphs, one row for each with its counts and rates.

Opened by the analysis menu and the figures of the reputation dashboard; nothing is stored.
"""

from odoo import fields, models
from odoo.tools import SQL, LazyTranslate

from ..models.analytics.waba_message_daily import MEASURES
from ..models.base.waba_failure import FAILURE_TYPES
from ..models.base.waba_message import DEPARTURE_SQL, STATES, measure_conditions
from ..models.base.waba_phone_prefix import prefix_sql
from ..models.tools.figures import UnknownFloat
from ..models.tools.labels import (
    NO_CAMPAIGN,
    NO_CATEGORY,
    NO_COUNTRY,
    NO_MEDIUM,
    NO_NUMBER,
    NO_SALESPERSON,
    NO_SOURCE,
    NO_TEAM,
    NO_TEMPLATE,
    form_action,
    same_selection,
)

_lt = LazyTranslate(__name__)

# In the company's time zone, since that of recipients is unknown.
LOCAL_HOUR = SQL(
    "EXTRACT(hour FROM COALESCE(%s, m.create_date) AT TIME ZONE 'UTC'"
    " AT TIME ZONE COALESCE(cp.tz, 'UTC'))::int",
    DEPARTURE_SQL,
)


class WabaMessageReport(models.Model):
    """One outbound message, with counts of 0 or 1.

    A rate is empty on a message outside its base (such as the read rate of an undelivered one), so
    that its average over any group is the rate of the group.
    """

    _name = "waba.message.report"
    _description = "WhatsApp Message Analysis"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "number"
    _depends = {
        "waba.message": [
            "accepted_at", "account_id", "campaign_id", "category", "company_id", "create_date",
            "delivered_at", "direction", "failed_at", "failure_type", "kind", "number",
            "opted_out_at", "person_name", "pricing_category", "pricing_type", "read_at",
            "replied_at", "res_id", "res_model", "sender_id", "sent_at", "state", "template_id",
            "user_id",
        ],
        "crm.lead": ["medium_id", "source_id", "team_id"],
        "res.company": ["partner_id"],
        "res.partner": ["tz"],
        "res.users": ["sale_team_id"],
        "waba.campaign": ["utm_campaign_id", "utm_source_id"],
        "waba.phone.prefix": ["country_id", "prefix"],
    }  # fmt: skip

    date = fields.Datetime(readonly=True, help="When it was sent, or else queued.")
    day = fields.Date("Day sent (UTC)", readonly=True)
    hour = fields.Integer("Hour of day", readonly=True, aggregator=None)
    number = fields.Char("Phone number", readonly=True)
    person_name = fields.Char("Name", readonly=True)

    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, falsy_value_label=NO_NUMBER)
    account_id = fields.Many2one("waba.account", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    campaign_id = fields.Many2one("waba.campaign", readonly=True, falsy_value_label=NO_CAMPAIGN)
    template_id = fields.Many2one("waba.template", readonly=True, falsy_value_label=NO_TEMPLATE)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, falsy_value_label=NO_SALESPERSON
    )
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True, falsy_value_label=NO_TEAM)
    country_id = fields.Many2one("res.country", readonly=True, falsy_value_label=NO_COUNTRY)
    source_id = fields.Many2one(
        "utm.source", "Contact source", readonly=True, falsy_value_label=NO_SOURCE
    )
    medium_id = fields.Many2one(
        "utm.medium", "Contact medium", readonly=True, falsy_value_label=NO_MEDIUM
    )
    utm_campaign_id = fields.Many2one(
        "utm.campaign", "UTM campaign", readonly=True, falsy_value_label=NO_CAMPAIGN
    )
    utm_source_id = fields.Many2one(
        "utm.source", "UTM source", readonly=True, falsy_value_label=NO_SOURCE
    )
    category = fields.Selection(
        same_selection("waba.message", "category"), readonly=True,
        falsy_value_label=NO_CATEGORY,
    )  # fmt: skip
    state = fields.Selection(STATES, readonly=True)
    failure_type = fields.Selection(
        FAILURE_TYPES, "Reason", readonly=True, falsy_value_label=_lt("No reason")  # pylint: disable=translation-field
    )
    pricing_category = fields.Char(
        "Billed as", readonly=True, falsy_value_label=_lt("Not reported")  # pylint: disable=translation-field
    )
    pricing_type = fields.Char("Pricing type", readonly=True, falsy_value_label=_lt("Not reported"))  # pylint: disable=translation-field
    accepted_at = fields.Datetime("Accepted at", readonly=True)
    sent_at = fields.Datetime("Sent at", readonly=True)
    delivered_at = fields.Datetime("Delivered at", readonly=True)
    read_at = fields.Datetime("Read at", readonly=True)
    replied_at = fields.Datetime("Replied at", readonly=True)
    opted_out_at = fields.Datetime("Opted out at", readonly=True)

    message_count = fields.Integer("Messages", readonly=True)
    sent_count = fields.Integer("Sent", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    read_count = fields.Integer("Read", readonly=True)
    replied_count = fields.Integer("Replied", readonly=True)
    opted_out_count = fields.Integer("Opted out", readonly=True)
    silent_count = fields.Integer("Undelivered", readonly=True)
    undeliverable_count = fields.Integer("Undeliverable", readonly=True)
    limited_count = fields.Integer("Limited by WhatsApp", readonly=True)
    spam_limited_count = fields.Integer("Spam limit", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)
    skipped_count = fields.Integer("Excluded", readonly=True)

    delivery_rate = UnknownFloat(
        "Delivery rate", readonly=True, aggregator="avg", help="Delivered, of sent."
    )
    read_rate = UnknownFloat(
        "Read rate", readonly=True, aggregator="avg", help="Read, of delivered."
    )
    reply_rate = UnknownFloat(
        "Reply rate", readonly=True, aggregator="avg", help="Replied, of delivered."
    )
    opt_out_rate = UnknownFloat(
        "Opt-out rate", readonly=True, aggregator="avg", help="Opted out, of delivered."
    )
    failure_rate = UnknownFloat(
        "Failure rate", readonly=True, aggregator="avg", help="Failed, of delivered or failed."
    )

    @property
    def _table_query(self):
        return SQL(
            "SELECT %s %s",
            SQL(", ").join(
                SQL("%s AS %s", expression, SQL.identifier(name))
                for name, expression in self._columns().items()
            ),
            self._from_sql(),
        )

    def _columns(self):
        """Return {field: SQL expression}."""
        is_ = measure_conditions(SQL("(now() AT TIME ZONE 'UTC')"))
        columns = {
            "id": SQL("m.id"),
            "date": SQL("COALESCE(%s, m.create_date)", DEPARTURE_SQL),
            "day": SQL("(%s)::date", DEPARTURE_SQL),
            "hour": LOCAL_HOUR,
            "team_id": SQL("COALESCE(l.team_id, u.sale_team_id)"),
            "country_id": SQL("p.country_id"),
            "source_id": SQL("l.source_id"),
            "medium_id": SQL("l.medium_id"),
            "utm_campaign_id": SQL("c.utm_campaign_id"),
            "utm_source_id": SQL("c.utm_source_id"),
            "message_count": SQL("1"),
            "skipped_count": SQL("(m.state = 'skipped')::int"),
        }
        columns |= {f"{measure}_count": SQL("(%s)::int", is_[measure]) for measure in MEASURES}
        columns |= {
            "delivery_rate": _count_if(is_["delivered"], is_["sent"]),
            "read_rate": _count_if(is_["read"], is_["delivered"]),
            "reply_rate": _count_if(is_["replied"], is_["delivered"]),
            "opt_out_rate": _count_if(is_["opted_out"], is_["delivered"]),
            "failure_rate": _count_if(
                is_["failed"], SQL("(%s OR %s)", is_["delivered"], is_["failed"])
            ),
        }
        own = [name for name in self._depends["waba.message"] if name in self._fields]
        columns |= {name: SQL("m.%s", SQL.identifier(name)) for name in own if name not in columns}
        return columns

    def _from_sql(self):
        """Return the FROM clause. Joins are by unique keys, so PostgreSQL skips unused ones."""
        return SQL(
            """FROM waba_message m
          LEFT JOIN waba_campaign c ON c.id = m.campaign_id
          LEFT JOIN crm_lead l ON m.res_model = 'crm.lead' AND l.id = m.res_id
          LEFT JOIN res_users u ON u.id = m.user_id
          LEFT JOIN res_company co ON co.id = m.company_id
          LEFT JOIN res_partner cp ON cp.id = co.partner_id
          LEFT JOIN waba_phone_prefix p ON p.prefix = %s
              WHERE m.direction = 'out'""",
            prefix_sql(SQL("m.number")),
        )

    def action_open_message(self):
        """Open the form of the message."""
        self.ensure_one()
        return form_action(self.env["waba.message"].browse(self.id))


def _count_if(count, base):
    """Return SQL: 1 or 0 for a message in the base, NULL for others."""
    return SQL("CASE WHEN %s THEN (%s)::int::float END", base, count)
