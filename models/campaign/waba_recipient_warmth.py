"""Warmth: how recently recipients reacted, read in one query (policy/warmth.py).

Called by the preparation of campaigns that send to the warmest first, and by the growth plan.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import warmth


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @api.model
    def _read_warmth(self, recipient_ids, company, now=None):
        """{recipient id: policy.warmth.Warmth} by their reactions to this company's messages."""
        now = now or fields.Datetime.now()
        for model in ("waba.message", "waba.opt.in"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, m.inbound_at, m.clicked_at, m.read_at,
                          (SELECT given.at FROM waba_opt_in given
                            WHERE given.recipient_id = r.id AND given.company_id = %(company)s
                              AND given.purpose = 'marketing')
                     FROM unnest(%(ids)s) AS r(id)
                LEFT JOIN LATERAL (
                          SELECT max(create_date) FILTER (WHERE direction = 'in') AS inbound_at,
                                 max(clicked_at) AS clicked_at, max(read_at) AS read_at
                            FROM waba_message
                           WHERE recipient_id = r.id AND company_id = %(company)s) m ON TRUE""",
                ids=list(recipient_ids),
                company=company.id,
            )
        )
        return {id_: warmth.warmth(warmth.Activity(*signals), now) for id_, *signals in rows}
