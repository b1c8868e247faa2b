from odoo import api, fields, models
from odoo.tools import SQL

from .labels import selection_labels
from .waba_message_day import DEPARTURE_SQL
from .waba_phone_prefix import prefix_sql
from .window_actions import form_action

KINDS = [
    ("reply", "Reply"),
    ("click", "Click on the link"),
    ("activity", "Activity done"),
    ("stage", "Stage moved"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("revenue", "Invoiced"),
]
# What an answer or a click names is its own message; the others are put down by the rule.
NAMED_KINDS = {"reply": SQL("m.replied_at"), "click": SQL("m.clicked_at")}
# What a row keeps of its message, so that it outlives it.
MESSAGE_FIELDS = ("campaign_id", "template_id", "sequence_id", "sequence_step_id", "sender_id",
                  "user_id")  # fmt: skip


class WabaAttribution(models.Model):
    """One event that came after a message, attributed to that one message.

    Single touch: policy/attribution.py says which. Rows are made, changed and taken back by a job
    (`_cron_money` in waba_attribution_due.py) from what is so now: replies and clicks from the
    messages, stages, activities, won and lost leads and invoices from the leads
    (waba_attribution_events.py). Running it again gives the same rows.
    Oddity: `day` is the day on which the message left, so that the outcome of a month's messages
    stands beside what they cost, whenever it came.
    """

    _name = "waba.attribution"
    _description = "What came of a WhatsApp message"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _order = "at desc, id desc"

    event_key = fields.Char(required=True, readonly=True)
    kind = fields.Selection(KINDS, "What happened", required=True, readonly=True)
    at = fields.Datetime("When", required=True, readonly=True)
    detail = fields.Char(readonly=True)
    amount = fields.Monetary(
        readonly=True,
        help="Expected revenue of a won lead; what was invoiced, less credit notes, without taxes.",
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="cascade", index=True)

    message_id = fields.Many2one(
        "waba.message", "After the message", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
    day = fields.Date("Message left on", readonly=True)
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="set null")
    template_id = fields.Many2one("waba.template", readonly=True, ondelete="set null")
    sequence_id = fields.Many2one("waba.sequence", "Follow-up", readonly=True, ondelete="set null")
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, ondelete="set null"
    )
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, ondelete="set null")
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    country_id = fields.Many2one("res.country", readonly=True, ondelete="set null")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")

    _event_key_uniq = models.UniqueIndex("(event_key)")
    _campaign_idx = models.Index("(campaign_id, kind) WHERE campaign_id IS NOT NULL")
    _template_idx = models.Index("(template_id, kind) WHERE template_id IS NOT NULL")
    _sequence_idx = models.Index("(sequence_id, kind) WHERE sequence_id IS NOT NULL")
    _day_idx = models.Index("(day)")

    @api.depends("kind", "detail", "lead_id")
    def _compute_display_name(self):
        labels = selection_labels(self, "kind")
        for row in self:
            what = row.detail or row.lead_id.name
            row.display_name = f"{labels[row.kind]}: {what}" if what else labels[row.kind]

    @api.model
    def _attribute_answers(self, since):
        """Attribute replies and clicks since `since`, each to the message that it names.

        :return: leads of the rows that are new or changed
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

    def action_open_lead(self):
        self.ensure_one()
        if not self.lead_id:
            return self.message_id.action_open_record() if self.message_id else False
        return form_action(self.lead_id)


class WabaMessage(models.Model):
    _inherit = "waba.message"

    # The job looks for answers of the last days among millions of messages.
    _replied_idx = models.Index("(replied_at) WHERE replied_at IS NOT NULL")
    _clicked_at_idx = models.Index("(clicked_at) WHERE clicked_at IS NOT NULL")
