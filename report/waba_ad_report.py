"""Report: from ads to sales, for pivots and graphs; nothing is stored.

Opened from the menu of ads and by an ad's own button.
"""

from odoo import fields, models
from odoo.tools import SQL, LazyTranslate

from ..models.tools.figures import UnknownFloat, UnknownInteger
from ..models.tools.labels import NO_CAMPAIGN, NO_LEAD, NO_SALESPERSON, NO_TEAM, form_action

_lt = LazyTranslate(__name__)


class WabaAdReport(models.Model):
    """One person who came from an ad to one number, or one lead from an ad, with counts of 0 or 1.

    Both kinds add up by ad. Qualified is unknown where the account does not say which stage means
    it. Nothing here was told by Meta but the ad itself.
    """

    _name = "waba.ad.report"
    _description = "WhatsApp Ad Analysis"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "came_at desc, id desc"
    _rec_name = "ad_id"
    _depends = {
        "waba.ad": ["account_id", "company_id", "utm_campaign_id"],
        "waba.account": ["company_id", "qualified_stage_id"],
        "waba.message": ["ad_id", "direction", "recipient_id", "sender_id", "sent_at"],
        "crm.lead": [
            "active", "company_id", "create_date", "expected_revenue", "stage_id", "team_id",
            "user_id", "waba_ad_id", "won_status",
        ],
        "crm.stage": ["sequence"],
    }  # fmt: skip

    ad_id = fields.Many2one("waba.ad", readonly=True)
    utm_campaign_id = fields.Many2one(
        "utm.campaign", "UTM campaign", readonly=True, falsy_value_label=NO_CAMPAIGN
    )
    account_id = fields.Many2one("waba.account", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    came_at = fields.Datetime(
        "Date", readonly=True, help="Of the first message from the ad, or of the lead."
    )
    lead_id = fields.Many2one("crm.lead", readonly=True, falsy_value_label=NO_LEAD)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, falsy_value_label=NO_SALESPERSON
    )
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True, falsy_value_label=NO_TEAM)

    conversation_count = fields.Integer("Conversations", readonly=True)
    lead_count = fields.Integer("Leads", readonly=True)
    qualified_count = UnknownInteger(
        "Qualified leads", readonly=True, aggregator="sum",
        help="In the stage that the account calls qualified, or a later one.",
    )  # fmt: skip
    won_count = fields.Integer("Won leads", readonly=True)
    revenue = fields.Monetary(
        "Revenue won", readonly=True, help="Expected revenue of the won leads."
    )
    lead_rate = UnknownFloat(
        "Lead rate", readonly=True, aggregator="avg", help="Leads, of conversations."
    )
    won_rate = UnknownFloat(
        "Win rate", readonly=True, aggregator="avg", help="Won leads, of leads."
    )

    _ratios = {
        "lead_rate": ("lead_count", ("conversation_count",)),
        "won_rate": ("won_count", ("lead_count",)),
    }

    @property
    def _table_query(self):
        return SQL(
            """WITH clicks AS (
                  SELECT DISTINCT ON (ad_id, recipient_id, sender_id)
                         id, ad_id, user_id, sent_at
                    FROM waba_message
                   WHERE ad_id IS NOT NULL AND direction = 'in'
                ORDER BY ad_id, recipient_id, sender_id, id),
               figures AS (
                  SELECT 2 * id::bigint AS id, ad_id, sent_at AS came_at, NULL::int AS lead_id,
                         user_id, NULL::int AS team_id, 1 AS conversation_count, 0 AS lead_count,
                         NULL::int AS stage_id, NULL::varchar AS won_status,
                         NULL::numeric AS revenue
                    FROM clicks
                   UNION ALL
                  SELECT 2 * id::bigint + 1, waba_ad_id, create_date, id, user_id, team_id, 0, 1,
                         stage_id, won_status, expected_revenue
                    FROM crm_lead WHERE waba_ad_id IS NOT NULL)
            SELECT f.id, f.ad_id, a.utm_campaign_id, a.account_id, a.company_id, c.currency_id,
                   f.came_at, f.lead_id, f.user_id, f.team_id, f.conversation_count,
                   f.lead_count,
                   CASE WHEN q.id IS NOT NULL AND f.lead_count = 1
                        THEN COALESCE(f.won_status = 'won' OR s.id = q.id
                                      OR s.sequence > q.sequence, FALSE)::int END
                        AS qualified_count,
                   COALESCE(f.won_status = 'won', FALSE)::int AS won_count,
                   CASE WHEN f.won_status = 'won' THEN COALESCE(f.revenue, 0) ELSE 0 END
                        AS revenue,
                   NULL::float8 AS lead_rate,
                   CASE WHEN f.lead_count = 1
                        THEN COALESCE(f.won_status = 'won', FALSE)::int::float8 END AS won_rate
              FROM figures f
              JOIN waba_ad a ON a.id = f.ad_id
              JOIN waba_account w ON w.id = a.account_id
              JOIN res_company c ON c.id = a.company_id
         LEFT JOIN crm_stage q ON q.id = w.qualified_stage_id
         LEFT JOIN crm_stage s ON s.id = f.stage_id"""
        )

    def action_open_lead(self):
        """Open the lead, or the ad of a conversation without one."""
        self.ensure_one()
        return form_action(self.lead_id or self.ad_id)
