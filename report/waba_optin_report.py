"""Report: what each opt-in source brought, from page views to revenue; one row per fact.

Opened by managers from the reporting menu; the figures on sources are sums of it. Nothing is
stored.
"""

from odoo import fields, models
from odoo.tools import SQL

from ..models.tools.labels import NO_NUMBER


class WabaOptinReport(models.Model):
    """One fact of a source: views of a day, a form, or the first of a person's conversation, opt-in
    and later opt-out, or a lead.

    A person counts once per source in each measure. How often a code is scanned is not known.
    """

    _name = "waba.optin.report"
    _description = "WhatsApp Opt-in Sources Analysis"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "at desc, id desc"
    _rec_name = "optin_source_id"
    _depends = {
        "waba.optin.source": ["company_id", "kind", "sender_id", "topic_id"],
        "waba.optin.visit": ["optin_source_id", "at", "code", "view_count"],
        "waba.message": ["optin_source_id", "recipient_id", "sent_at", "create_date"],
        "waba.consent": ["optin_source_id", "recipient_id", "action", "purpose", "at",
                         "topic_id"],
        "crm.lead": [
            "waba_optin_source_id", "create_date", "stage_id", "expected_revenue", "active",
        ],
        "crm.stage": ["is_won"],
    }  # fmt: skip

    at = fields.Datetime("Date", readonly=True)
    optin_source_id = fields.Many2one("waba.optin.source", "Opt-in source", readonly=True)
    kind = fields.Selection(
        selection=lambda self: self.env["waba.optin.source"]._fields["kind"].selection,
        readonly=True,
    )
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True, falsy_value_label=NO_NUMBER)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    view_count = fields.Integer("Page views", readonly=True)
    form_count = fields.Integer("Forms sent", readonly=True)
    conversation_count = fields.Integer("Conversations", readonly=True)
    opt_in_count = fields.Integer("Opt-ins", readonly=True)
    opt_out_count = fields.Integer("Opted out later", readonly=True)
    lead_count = fields.Integer("Leads", readonly=True)
    won_count = fields.Integer("Won", readonly=True)
    revenue = fields.Monetary("Revenue won", readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """WITH given AS (
                   SELECT optin_source_id AS source, recipient_id, min(at) AS at
                     FROM waba_consent
                    WHERE optin_source_id IS NOT NULL AND action = 'opt_in'
                 GROUP BY optin_source_id, recipient_id
               ), facts AS (
                   SELECT optin_source_id AS source, at, COALESCE(view_count, 0) AS views,
                          (code IS NOT NULL)::int AS forms, 0 AS conversations, 0 AS opt_ins,
                          0 AS opt_outs, 0 AS leads, 0 AS won, 0.0 AS revenue
                     FROM waba_optin_visit
                   UNION ALL
                   SELECT optin_source_id, min(COALESCE(sent_at, create_date)),
                          0, 0, 1, 0, 0, 0, 0, 0
                     FROM waba_message WHERE optin_source_id IS NOT NULL
                 GROUP BY optin_source_id, recipient_id
                   UNION ALL
                   SELECT source, at, 0, 0, 0, 1, 0, 0, 0, 0 FROM given
                   UNION ALL
                   SELECT given.source, min(out.at), 0, 0, 0, 0, 1, 0, 0, 0
                     FROM given
                     JOIN waba_consent out
                       ON out.recipient_id = given.recipient_id AND out.action = 'opt_out'
                      AND out.purpose = 'marketing' AND out.at > given.at
                     JOIN waba_optin_source source ON source.id = given.source
                      AND (out.topic_id IS NULL OR out.topic_id = source.topic_id)
                 GROUP BY given.source, given.recipient_id
                   UNION ALL
                   SELECT l.waba_optin_source_id, l.create_date, 0, 0, 0, 0, 0, 1,
                          (l.active AND s.is_won)::int,
                          CASE WHEN l.active AND s.is_won THEN l.expected_revenue ELSE 0 END
                     FROM crm_lead l LEFT JOIN crm_stage s ON s.id = l.stage_id
                    WHERE l.waba_optin_source_id IS NOT NULL
               )
               SELECT row_number() OVER (ORDER BY facts.at, facts.source)::int AS id, facts.at,
                      facts.source AS optin_source_id, source.kind, source.sender_id,
                      source.company_id, company.currency_id,
                      facts.views::int AS view_count, facts.forms::int AS form_count,
                      facts.conversations::int AS conversation_count,
                      facts.opt_ins::int AS opt_in_count, facts.opt_outs::int AS opt_out_count,
                      facts.leads::int AS lead_count, COALESCE(facts.won, 0)::int AS won_count,
                      COALESCE(facts.revenue, 0)::numeric AS revenue
                 FROM facts
                 JOIN waba_optin_source source ON source.id = facts.source
                 JOIN res_company company ON company.id = source.company_id"""
        )
