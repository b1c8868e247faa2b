"""Analytics: what happened to leads after messages, each event attributed to one message.

Called by the job `_cron_money` (waba_attribution_due.py), which also passes the leads that changed.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import attribution
from ..base.waba_message import DEPARTURE_SQL
from ..base.waba_phone_prefix import prefix_sql
from ..tools.figures import UnknownMonetary
from ..tools.labels import (
    NO_CAMPAIGN,
    NO_COUNTRY,
    NO_FOLLOW_UP,
    NO_LEAD,
    NO_NUMBER,
    NO_SALESPERSON,
    NO_TEMPLATE,
    form_action,
    has_orders,
    selection_labels,
)
from ..tools.phone_countries import number_country

KINDS = [
    ("reply", "Reply"),
    ("click", "Link click"),
    ("activity", "Activity done"),
    ("stage", "Stage change"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("revenue", "Invoiced"),
]

# Events that name their message; the others are attributed by policy/attribution.py.
NAMED_KINDS = {"reply": SQL("m.replied_at"), "click": SQL("m.clicked_at")}

# Fields that a row copies from its message, since the message may be deleted first.
MESSAGE_FIELDS = ("campaign_id", "template_id", "sequence_id", "sequence_step_id", "sender_id",
                  "user_id")  # fmt: skip

# Amounts of different kinds are no parts of one sum: the revenue that a won lead promised, and what
# its invoices brought.
AMOUNT_KINDS = {"won_amount": "won", "invoiced_amount": "revenue"}

LEAD_KINDS = ("activity", "stage", "won", "lost", "revenue")


class LeadEvent(NamedTuple):
    """An event of a lead.

    :ivar key: identifies the event over all runs
    :ivar at: naive UTC datetime by which the event is attributed
    """

    key: str
    kind: str
    at: datetime
    detail: str | None = None
    amount: float = 0.0
    currency_id: int | None = None


class WabaAttribution(models.Model):
    """One event, attributed to one message before it (single touch, policy/attribution.py).

    Rows are created, changed and deleted by a job to match the current data: replies and clicks
    from messages (`_attribute_answers`); stages, activities, won and lost leads and invoices from
    leads (`_update_attributions`). Running it again gives the same rows.
    Note: `day` is the day on which the message was sent, so that the results of a month's messages
    are reported next to their cost, whenever the event happened.
    """

    _name = "waba.attribution"
    _description = "WhatsApp Attribution"
    _inherit = ["waba.system.fields.mixin", "waba.figures.mixin"]
    _log_access = False
    _order = "at desc, id desc"

    event_key = fields.Char(required=True, readonly=True)
    kind = fields.Selection(KINDS, "Event", required=True, readonly=True)
    at = fields.Datetime("Date", required=True, readonly=True)
    detail = fields.Char(readonly=True)
    amount = fields.Monetary(readonly=True, aggregator=None)
    won_amount = UnknownMonetary("Expected revenue", compute="_compute_amounts")
    invoiced_amount = UnknownMonetary(
        "Invoiced revenue",
        compute="_compute_amounts",
        help="Invoiced, less credit notes, without taxes.",
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    lead_id = fields.Many2one(
        "crm.lead", readonly=True, ondelete="cascade", index=True, falsy_value_label=NO_LEAD
    )
    message_id = fields.Many2one(
        "waba.message", readonly=True, ondelete="set null", index="btree_not_null"
    )
    day = fields.Date("Day sent", readonly=True, help="When its message was sent.")
    campaign_id = fields.Many2one(
        "waba.campaign", readonly=True, ondelete="set null", falsy_value_label=NO_CAMPAIGN
    )
    template_id = fields.Many2one(
        "waba.template", readonly=True, ondelete="set null", falsy_value_label=NO_TEMPLATE
    )
    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", readonly=True, ondelete="set null",
        falsy_value_label=NO_FOLLOW_UP,
    )  # fmt: skip
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, ondelete="set null",
        falsy_value_label=NO_FOLLOW_UP,
    )  # fmt: skip
    sender_id = fields.Many2one(
        "waba.sender", "Number", readonly=True, ondelete="set null", falsy_value_label=NO_NUMBER
    )
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="set null",
        falsy_value_label=NO_SALESPERSON,
    )  # fmt: skip
    country_id = fields.Many2one(
        "res.country", readonly=True, ondelete="set null", falsy_value_label=NO_COUNTRY
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")

    _event_key_uniq = models.UniqueIndex("(event_key)")
    _campaign_idx = models.Index("(campaign_id, kind) WHERE campaign_id IS NOT NULL")
    _template_idx = models.Index("(template_id, kind) WHERE template_id IS NOT NULL")
    _sequence_idx = models.Index("(sequence_id, kind) WHERE sequence_id IS NOT NULL")
    _day_idx = models.Index("(day)")

    @api.depends("kind", "amount")
    def _compute_amounts(self):
        for row in self:
            for name, kind in AMOUNT_KINDS.items():
                row[name] = row.amount if row.kind == kind else None

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(":")
        if name not in AMOUNT_KINDS:
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "COALESCE(%s FILTER (WHERE %s = %s), 0)",
            super()._read_group_select(f"amount:{function}", query),
            self._field_to_sql(self._table, "kind", query),
            AMOUNT_KINDS[name],
        )

    @api.depends("kind", "detail", "lead_id")
    def _compute_display_name(self):
        labels = selection_labels(self, "kind")
        for row in self:
            what = row.detail or row.lead_id.name
            row.display_name = f"{labels[row.kind]}: {what}" if what else labels[row.kind]

    def action_open_lead(self):
        """Open the lead, or the record of the message if there is none."""
        self.ensure_one()
        if not self.lead_id:
            return self.message_id.action_open_record() if self.message_id else False
        return form_action(self.lead_id)

    @api.model
    def _attribute_answers(self, since):
        """Attribute replies and clicks since `since` (naive UTC) to the messages that they name.

        :return: crm.lead of the new or changed rows
        """
        self.env.flush_all()
        leads = set()
        for kind, at in NAMED_KINDS.items():
            rows = self.env.execute_query(
                SQL(
                    """INSERT INTO waba_attribution
                              (event_key, kind, at, amount, currency_id, lead_id, message_id, day,
                               country_id, company_id, %(names)s)
                       SELECT %(kind)s || ':' || m.id, %(kind)s, %(at)s, 0, co.currency_id, l.id,
                              m.id, (%(left_at)s)::date, p.country_id, m.company_id, %(values)s
                         FROM waba_message m
                         JOIN res_company co ON co.id = m.company_id
                    LEFT JOIN crm_lead l ON m.res_model = 'crm.lead' AND l.id = m.res_id
                    LEFT JOIN waba_phone_prefix p ON p.prefix = %(prefix)s,
                              LATERAL (SELECT LEAST(m.delivered_at, m.read_at) AS arrived,
                                              COALESCE(m.sent_at, m.accepted_at) AS sent) AS r
                        WHERE m.direction = 'out' AND %(at)s >= %(since)s
                          AND %(at)s - CASE WHEN r.arrived <= %(at)s THEN r.arrived
                                            ELSE COALESCE(LEAST(r.sent, %(at)s), %(at)s) END
                              <= make_interval(days => co.waba_attribution_days)
                   ON CONFLICT (event_key) DO UPDATE
                          SET at = EXCLUDED.at, lead_id = EXCLUDED.lead_id
                        WHERE waba_attribution.at IS DISTINCT FROM EXCLUDED.at
                           OR waba_attribution.lead_id IS DISTINCT FROM EXCLUDED.lead_id
                    RETURNING lead_id""",
                    names=SQL(", ").join(map(SQL.identifier, MESSAGE_FIELDS)),
                    values=SQL(", ").join(
                        SQL("m.%s", SQL.identifier(name)) for name in MESSAGE_FIELDS
                    ),
                    kind=kind,
                    at=at,
                    left_at=DEPARTURE_SQL,
                    prefix=prefix_sql(SQL("m.number")),
                    since=since,
                )
            )
            leads |= {lead_id for (lead_id,) in rows if lead_id}
        self.invalidate_model()
        return self.env["crm.lead"].browse(leads)

    # === Events of leads ===
    # All events of a lead are compared with all messages to its person or about it; rows that no
    # longer apply are deleted. An event whose message was deleted keeps its row.

    @api.model
    def _update_attributions(self, leads):
        """Create, change and delete rows to match the current state of these leads."""
        leads = leads.sudo().with_context(active_test=False).exists()
        self.env.flush_all()
        sent = self._messages_by_lead(leads)
        known = self.search([("lead_id", "in", leads.ids)]).lead_id
        # Most leads that change have no message.
        leads = leads.filtered(lambda lead: lead.id in sent or lead in known)
        events = self._events_by_lead(leads)
        wanted = {}
        for lead in leads:
            company = lead.company_id or self.env.company
            for event in events[lead.id]:
                # Only messages of the lead's own company.
                fitting = [m for m, company_id in sent[lead.id]
                           if not lead.company_id or company_id == company.id]  # fmt: skip
                window = timedelta(days=company.waba_attribution_days)
                if found := attribution.attributed_message_id(event.at, fitting, window):
                    wanted[event.key] = (lead, event, found)
        self._reconcile_rows(leads, events, wanted)
        self._copy_utm_to_leads(leads)

    @api.model
    def _reconcile_rows(self, leads, events, wanted):
        """Create, change and delete the rows of these leads.

        :param events: {lead id: [LeadEvent]}
        :param wanted: {event key: (lead, LeadEvent, message id)}
        """
        rows = self.search([("lead_id", "in", leads.ids), ("kind", "in", LEAD_KINDS)])
        known = {row.event_key: row for row in rows}
        messages = self.env["waba.message"].browse({found for *_x, found in wanted.values()})
        of_message = {message.id: self._event_values(message) for message in messages}
        for key, (lead, event, found) in wanted.items():
            values = of_message[found] | self._attribution_values(lead, event)
            values["amount"] = self._in_currency(event, values)
            row = known.pop(key, None)
            if row is None:
                self.create({"event_key": key, **values})
            elif changed := row._changed_values(values):
                row.write(changed)
        happened = {event.key: event for found in events.values() for event in found}
        obsolete = self.browse()
        for key, row in known.items():
            # The message was deleted by retention; its result stays while the event is valid.
            if not row.message_id and key in happened:
                values = {"company_id": row.company_id.id, "currency_id": row.currency_id.id}
                row.amount = self._in_currency(happened[key], values)
            else:
                obsolete |= row
        obsolete.unlink()

    def _changed_values(self, values):
        self.ensure_one()
        return {
            name: value
            for name, value in values.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }

    @api.model
    def _attribution_values(self, lead, event):
        return {
            "kind": event.kind,
            "at": event.at.replace(microsecond=0),
            "detail": event.detail or False,
            "lead_id": lead.id,
        }

    @api.model
    def _in_currency(self, event, values):
        """Return the event's amount in the row's currency, by the rate of the event's day."""
        if not event.amount or event.currency_id in (None, values["currency_id"]):
            return event.amount
        currencies = self.env["res.currency"]
        return currencies.browse(event.currency_id)._convert(
            event.amount,
            currencies.browse(values["currency_id"]),
            self.env["res.company"].browse(values["company_id"]),
            event.at.date(),
        )

    @api.model
    def _event_values(self, message):
        code = number_country(message.number or message.recipient_id.user_uid or "")
        country = self.env["res.country"]
        if code:
            country = country.search([("code", "=", code)], limit=1)
        return {
            "message_id": message.id,
            "day": message.day,
            "country_id": country.id,
            "company_id": message.company_id.id,
            "currency_id": message.company_id.currency_id.id,
            **{name: message[name].id for name in MESSAGE_FIELDS},
        }

    @api.model
    def _messages_by_lead(self, leads):
        """Return the messages about each lead, its contact or to its number.

        :return: {lead id: [(policy.attribution.SentMessage, company id)]}
        """
        numbers = [(lead.id, self.env["waba.recipient"]._number_of(lead)) for lead in leads]
        rows = self.env.execute_query(
            SQL(
                """WITH lead AS (SELECT l.id, l.partner_id, l.waba_recipient_id, n.number
                                   FROM crm_lead l
                                   JOIN unnest(%s::int[], %s::varchar[]) AS n(id, number)
                                     ON n.id = l.id)
                   SELECT found.lead_id, m.id, LEAST(m.delivered_at, m.read_at), m.company_id
                     FROM (SELECT l.id AS lead_id, m.id
                             FROM lead l JOIN waba_message m
                               ON m.res_model = 'crm.lead' AND m.res_id = l.id
                            UNION
                           SELECT l.id, m.id
                             FROM lead l JOIN waba_message m
                               ON m.res_model = 'res.partner' AND m.res_id = l.partner_id
                            UNION
                           SELECT l.id, m.id
                             FROM lead l JOIN waba_message m
                               ON m.recipient_id = l.waba_recipient_id
                            UNION
                           SELECT l.id, m.id
                             FROM lead l JOIN waba_recipient r ON r.number = l.number
                             JOIN waba_message m ON m.recipient_id = r.id) AS found
                     JOIN waba_message m ON m.id = found.id
                    WHERE m.direction = 'out' AND COALESCE(m.delivered_at, m.read_at) IS NOT NULL
                """,
                [lead_id for lead_id, _number in numbers],
                [number or None for _lead_id, number in numbers],
            )
        )
        sent = defaultdict(list)
        for lead_id, message_id, reached_at, company_id in rows:
            sent[lead_id].append((attribution.SentMessage(message_id, reached_at), company_id))
        return sent

    @api.model
    def _events_by_lead(self, leads):
        """Return {lead id: [LeadEvent]}."""
        events = defaultdict(list)
        for lead in leads:
            events[lead.id] += self._outcome_events(lead)
        for reader in (self._stage_events, self._activity_events, self._invoice_events):
            for lead_id, event in reader(leads):
                events[lead_id].append(event)
        return events

    @api.model
    def _outcome_events(self, lead):
        """Return the event of a won or lost lead, as a list."""
        at = lead.date_closed or lead.date_last_stage_update or lead.write_date
        if lead.won_status == "won":
            return [LeadEvent(f"won:{lead.id}", "won", at, lead.stage_id.name,
                              lead.expected_revenue, lead.company_currency.id)]  # fmt: skip
        if lead.won_status == "lost":
            return [LeadEvent(f"lost:{lead.id}", "lost", at, lead.lost_reason_id.name)]
        return []

    @api.model
    def _stage_events(self, leads):
        """Yield moves between stages from the lead's history, except to a won stage."""
        rows = self.env.execute_query(
            SQL(
                """SELECT h.res_id, t.id, h.date, t.old_value_char, t.new_value_char
                     FROM mail_message h JOIN mail_tracking_value t ON t.mail_message_id = h.id
                LEFT JOIN crm_stage s ON s.id = t.new_value_integer
                    WHERE h.model = 'crm.lead' AND h.res_id = ANY(%s) AND t.field_id = %s
                      AND s.is_won IS NOT TRUE""",
                leads.ids,
                self.env["ir.model.fields"]._get("crm.lead", "stage_id").id,
            )
        )
        for lead_id, tracking_id, at, before, after in rows:
            detail = f"{before} → {after}" if before else after
            yield lead_id, LeadEvent(f"stage:{tracking_id}", "stage", at, detail)

    @api.model
    def _activity_events(self, leads):
        rows = self.env.execute_query(
            SQL(
                """SELECT h.res_id, h.id, h.date, h.mail_activity_type_id FROM mail_message h
                    WHERE h.model = 'crm.lead' AND h.res_id = ANY(%s)
                      AND h.mail_activity_type_id IS NOT NULL""",
                leads.ids,
            )
        )
        types = self.env["mail.activity.type"].sudo()
        for lead_id, history_id, at, type_id in rows:
            name = types.browse(type_id).name
            yield lead_id, LeadEvent(f"activity:{history_id}", "activity", at, name)

    @api.model
    def _invoice_events(self, leads):
        """Yield posted invoices and credit notes of the leads' orders, if sales is installed.

        Amounts are the leads' share of an invoice over several orders, without taxes, in the
        company's currency at the invoice's rate. They are attributed by the order's confirmation:
        that is when the person bought, however late the invoice.
        """
        if not has_orders(self.env):
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT o.opportunity_id, i.id, i.name, min(o.date_order), -sum(l.balance),
                          c.currency_id
                     FROM sale_order o
                     JOIN sale_order_line ol ON ol.order_id = o.id
                     JOIN sale_order_line_invoice_rel r ON r.order_line_id = ol.id
                     JOIN account_move_line l ON l.id = r.invoice_line_id
                     JOIN account_move i ON i.id = l.move_id
                     JOIN res_company c ON c.id = i.company_id
                    WHERE o.opportunity_id = ANY(%s) AND o.state = 'sale' AND i.state = 'posted'
                 GROUP BY o.opportunity_id, i.id, i.name, c.currency_id""",
                leads.ids,
            )
        )
        for lead_id, invoice_id, name, at, amount, currency_id in rows:
            key = f"revenue:{invoice_id}:{lead_id}"
            yield lead_id, LeadEvent(key, "revenue", at, name, float(amount), currency_id)

    # === UTM ===

    @api.model
    def _copy_utm_to_leads(self, leads):
        """Give leads the UTM values of the first message that an event is attributed to.

        Only leads without any UTM value: the known origin of a lead is not overwritten.
        """
        without = leads.filtered(
            lambda lead: not (lead.campaign_id or lead.source_id or lead.medium_id)
        )
        for row in self.search([("lead_id", "in", without.ids)], order="at, id"):
            lead = row.lead_id.sudo().with_context(tracking_disable=True)
            if not lead.source_id and (values := row._utm_values()):
                lead.write(values)

    def _utm_values(self):
        """Return the UTM values of a row's campaign, follow-up or template; {} for free texts."""
        self.ensure_one()
        mixin = self.env["utm.mixin"].sudo()
        if self.campaign_id.utm_source_id:
            source = self.campaign_id.utm_source_id
        elif self.sequence_id:
            source = self.sequence_id._utm_source()
        elif self.template_id:
            source = mixin._find_or_create_record("utm.source", self.template_id.name)
        else:
            return {}
        return {
            "campaign_id": self.campaign_id.utm_campaign_id.id,
            "source_id": source.id,
            "medium_id": mixin._find_or_create_record("utm.medium", "WhatsApp").id,
        }
