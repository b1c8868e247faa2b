"""Report: how fast people are answered, one row for what a person wrote until an answer.

Opened by managers from the reporting menu; nothing is stored.
"""

from odoo import fields, models
from odoo.tools import SQL

from ..models.base.waba_conversation import SERVICE_WINDOW
from ..models.base.waba_message import REPORTED_KINDS
from ..models.tools.figures import UnknownFloat
from ..models.tools.labels import NO_SALESPERSON, form_action

STATES = [
    ("answered", "Answered in window"),
    ("late", "Answered after window"),
    ("missed", "Not answered"),
    ("waiting", "Awaiting reply"),
    ("closed", "Closed without answer"),
]


class WabaAnswerReport(models.Model):
    """One turn: a person's messages between two answers of users, or until a user closed it.

    Automatic replies, campaigns and reactions are no answers. A time or rate is empty on a turn
    outside its base, so that its average over any group is that of the group.
    """

    _name = "waba.answer.report"
    _description = "WhatsApp Answer Times"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "asked_at desc, id desc"
    _rec_name = "recipient_id"
    _depends = {
        "waba.message": [
            "company_id", "create_date", "direction", "kind", "no_answer_at", "origin",
            "recipient_id", "sender_id", "sent_at", "state", "user_id",
        ],
        "waba.conversation": ["recipient_id", "sender_id"],
    }  # fmt: skip

    asked_at = fields.Datetime("Received on", readonly=True)
    answered_at = fields.Datetime("Answered on", readonly=True)
    sender_id = fields.Many2one("waba.sender", "Number", readonly=True)
    recipient_id = fields.Many2one("waba.recipient", "Person", readonly=True)
    conversation_id = fields.Many2one("waba.conversation", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, falsy_value_label=NO_SALESPERSON
    )
    state = fields.Selection(STATES, readonly=True)
    message_count = fields.Integer("Messages", readonly=True)
    missed_count = fields.Integer("Missed window", readonly=True)
    answer_minutes = UnknownFloat("Average first answer (min)", readonly=True, aggregator="avg")
    answer_median = UnknownFloat("Median first answer (min)", readonly=True, aggregator="avg")
    missed_rate = UnknownFloat("Missed window rate", readonly=True, aggregator="avg")

    @property
    def _table_query(self):
        return SQL(
            """WITH said AS (
                   SELECT m.id, m.sender_id, m.recipient_id, m.company_id, m.user_id, m.direction,
                          m.no_answer_at,
                          CASE WHEN m.direction IN ('in', 'app_out')
                          THEN COALESCE(m.sent_at, m.create_date)
                          ELSE m.create_date END AS at
                     FROM waba_message m
                    WHERE m.campaign_id IS NULL AND m.kind NOT IN %(silent_kinds)s
                      AND (m.direction = 'in'
                           OR m.direction = 'app_out' AND m.origin = 'app'
                           OR m.origin = 'manual'
                              AND m.state NOT IN ('skipped', 'cancelled', 'failed'))
               ), numbered AS (
                   SELECT said.*,
                          count(*) FILTER (WHERE direction <> 'in') OVER (
                              PARTITION BY sender_id, recipient_id ORDER BY at, id)
                          + count(no_answer_at) OVER (
                              PARTITION BY sender_id, recipient_id ORDER BY at, id
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS turn
                     FROM said
               ), turns AS (
                   -- A turn begins with the answer to the one before it, or after a close.
                   SELECT sender_id, recipient_id,
                          min(id) FILTER (WHERE direction = 'in') AS id,
                          count(*) FILTER (WHERE direction = 'in') AS message_count,
                          min(at) FILTER (WHERE direction = 'in') AS asked_at,
                          max(at) FILTER (WHERE direction = 'in') AS last_at,
                          max(company_id) FILTER (WHERE direction = 'in') AS company_id,
                          max(user_id) FILTER (WHERE direction = 'in') AS asked_user_id,
                          max(no_answer_at) AS no_answer_at,
                          lead(min(at) FILTER (WHERE direction <> 'in')) OVER pair AS answered_at,
                          lead(min(user_id) FILTER (WHERE direction <> 'in')) OVER pair
                              AS answer_user_id
                     FROM numbered
                 GROUP BY sender_id, recipient_id, turn
                   WINDOW pair AS (PARTITION BY sender_id, recipient_id ORDER BY turn)
               ), judged AS (
                   SELECT turns.*,
                          CASE WHEN answered_at <= last_at + %(window)s THEN 'answered'
                               WHEN no_answer_at IS NOT NULL THEN 'closed'
                               WHEN answered_at IS NOT NULL THEN 'late'
                               WHEN last_at + %(window)s < (now() AT TIME ZONE 'UTC') THEN 'missed'
                               ELSE 'waiting' END AS state
                     FROM turns WHERE id IS NOT NULL
               )
               SELECT j.id, j.asked_at, j.sender_id, j.recipient_id, j.company_id, j.state,
                      j.message_count::int, c.id AS conversation_id, answered_at,
                      COALESCE(j.answer_user_id, j.asked_user_id) AS user_id,
                      (j.state IN ('late', 'missed'))::int AS missed_count,
                      a.minutes AS answer_minutes, a.minutes AS answer_median,
                      CASE WHEN j.state IN ('answered', 'late', 'missed')
                           THEN (j.state <> 'answered')::int::float8 END AS missed_rate
                 FROM judged j
                 JOIN waba_conversation c
                   ON c.sender_id = j.sender_id AND c.recipient_id = j.recipient_id
           CROSS JOIN LATERAL (SELECT CASE WHEN j.state IN ('answered', 'late') THEN
                          extract(epoch FROM j.answered_at - j.asked_at)::float8 / 60
                      END AS minutes) a""",
            silent_kinds=("reaction", *REPORTED_KINDS),
            window=SERVICE_WINDOW,
        )

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec != "answer_median:avg":
            return super()._read_group_select(aggregate_spec, query)
        minutes = self._field_to_sql(self._table, "answer_minutes", query)
        return SQL("percentile_cont(0.5) WITHIN GROUP (ORDER BY %s)", minutes)

    def action_open_conversation(self):
        """Open the conversation of this turn."""
        self.ensure_one()
        return {**form_action(self.conversation_id), "views": [(False, "form")]}
