"""Report: follow-ups for pivots and graphs; nothing is stored.

Opened by the analysis of follow-ups.
"""

from odoo import fields, models
from odoo.tools import SQL, LazyTranslate

from ..models.base.waba_message import ACCEPTED_STATES
from ..models.sequence.waba_sequence_enrollment import STATES
from ..models.sequence.waba_sequence_step import STOP_REASONS, TRIGGERS
from ..models.tools.figures import UnknownFloat
from ..models.tools.labels import (
    NO_LEAD,
    NO_SALESPERSON,
    NO_TEAM,
    NO_TEMPLATE,
    form_action,
    same_selection,
)

_lt = LazyTranslate(__name__)


class WabaSequenceReport(models.Model):
    """One step of an enrolled lead, with counts of 0 or 1.

    Figures of the lead (enrolled, won) are on its first step only, so that they add up over steps.
    """

    _name = "waba.sequence.report"
    _description = "WhatsApp Follow-up Analysis"
    _inherit = ["waba.figures.mixin"]
    _auto = False
    _order = "entered_at desc, id desc"
    _rec_name = "sequence_id"
    _depends = {
        "waba.sequence.enrollment": [
            "company_id", "ended_at", "entered_at", "entered_by", "lead_id", "sequence_id", "state",
            "steps_done", "path", "stop_reason", "user_id", "version",
        ],
        "waba.sequence.step": [
            "sequence", "sequence_id", "version", "kind", "template_id", "key",
        ],
        "waba.message": [
            "enrollment_id", "sequence_step_id", "state", "delivered_at", "read_at", "replied_at",
        ],
        "crm.lead": ["team_id", "won_status"],
    }  # fmt: skip

    sequence_id = fields.Many2one("waba.sequence", "Follow-up", readonly=True)
    step_id = fields.Many2one("waba.sequence.step", readonly=True)
    position = fields.Integer("Step number", readonly=True, aggregator=None)
    version = fields.Integer(readonly=True, aggregator=None)
    kind = fields.Selection(
        same_selection("waba.sequence.step", "kind"), "Step type", readonly=True
    )
    template_id = fields.Many2one("waba.template", readonly=True, falsy_value_label=NO_TEMPLATE)
    lead_id = fields.Many2one("crm.lead", readonly=True, falsy_value_label=NO_LEAD)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, falsy_value_label=NO_SALESPERSON
    )
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True, falsy_value_label=NO_TEAM)
    company_id = fields.Many2one("res.company", readonly=True)
    entered_at = fields.Datetime("Enrolled on", readonly=True)
    entered_by = fields.Selection(TRIGGERS, "Trigger", readonly=True)
    state = fields.Selection(STATES, readonly=True)
    stop_reason = fields.Selection(
        STOP_REASONS,
        "Exit reason",
        readonly=True,
        falsy_value_label=_lt("Still active"),  # pylint: disable=translation-field
    )

    entered_count = fields.Integer("Enrolled leads", readonly=True)
    reached_count = fields.Integer("Reached", readonly=True, help="Leads that reached the step.")
    sent_count = fields.Integer("Sent", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    read_count = fields.Integer("Read", readonly=True)
    answered_count = fields.Integer("Replied", readonly=True)
    won_count = fields.Integer("Won leads", readonly=True)
    answer_rate = UnknownFloat(
        "Reply rate", readonly=True, aggregator="avg", help="Replied, of sent."
    )
    won_rate = UnknownFloat(
        "Win rate", readonly=True, aggregator="avg", help="Won leads, of enrolled leads."
    )

    @property
    def _table_query(self):
        return SQL(
            """SELECT e.id::bigint * 100 + LEAST(s.position, 99) AS id,
                      e.sequence_id, s.id AS step_id,
                      s.position, e.version, s.kind, s.template_id, e.lead_id, e.user_id,
                      l.team_id, e.company_id, e.entered_at, e.entered_by, e.state, e.stop_reason,
                      (s.position = 1)::int AS entered_count,
                      (CASE WHEN e.path IS NULL THEN e.steps_done >= s.position
                            ELSE e.path @> to_jsonb(s.key) END)::int AS reached_count,
                      COALESCE(m.state IN %(taken)s, FALSE)::int AS sent_count,
                      (m.delivered_at IS NOT NULL)::int AS delivered_count,
                      (m.read_at IS NOT NULL)::int AS read_count,
                      (m.replied_at IS NOT NULL)::int AS answered_count,
                      COALESCE(s.position = 1 AND l.won_status = 'won', FALSE)::int AS won_count,
                      CASE WHEN m.state IN %(taken)s
                           THEN (m.replied_at IS NOT NULL)::int::float END AS answer_rate,
                      CASE WHEN s.position = 1
                           THEN COALESCE(l.won_status = 'won', FALSE)::int::float END AS won_rate
                 FROM waba_sequence_enrollment e
                 JOIN (SELECT id, sequence_id, version, kind, template_id, key,
                              row_number() OVER (PARTITION BY sequence_id, version
                                                     ORDER BY sequence, id) AS position
                         FROM waba_sequence_step) s
                   ON s.sequence_id = e.sequence_id AND s.version = e.version
            LEFT JOIN waba_message m
                   ON m.enrollment_id = e.id AND m.sequence_step_id = s.id
            LEFT JOIN crm_lead l ON l.id = e.lead_id""",
            taken=ACCEPTED_STATES,
        )

    def action_open_lead(self):
        """Open the form of the lead."""
        self.ensure_one()
        return form_action(self.lead_id)
