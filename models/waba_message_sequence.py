from odoo import api, fields, models
from odoo.tools import SQL

from .hooks import implements
from .waba_message import ACCEPTED_STATES


class WabaMessage(models.Model):
    """Messages of follow-ups, and what a message means for the follow-ups of its person."""

    _inherit = "waba.message"

    sequence_id = fields.Many2one("waba.sequence", "Follow-up", readonly=True, ondelete="restrict")
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, ondelete="restrict"
    )
    enrollment_id = fields.Many2one(
        "waba.sequence.enrollment", "Lead in a follow-up", readonly=True, ondelete="set null"
    )
    action_id = fields.Many2one(
        "ir.actions.server", "Automation", readonly=True, ondelete="set null"
    )

    _action_idx = models.Index("(action_id) WHERE action_id IS NOT NULL")
    _sequence_idx = models.Index("(sequence_id, sequence_step_id) WHERE sequence_id IS NOT NULL")
    _sequence_step_idx = models.Index("(sequence_step_id) WHERE sequence_step_id IS NOT NULL")
    _enrollment_idx = models.Index("(enrollment_id) WHERE enrollment_id IS NOT NULL")

    @implements("_on_inbound")
    def _stop_sequences_on_reply(self):
        self.env["waba.sequence.enrollment"]._stop_on_reply(self)

    @implements("_on_queued")
    def _stop_sequences_on_own_message(self, _media):
        message = self.sudo()
        if message.origin == "manual":
            self.env["waba.sequence.enrollment"].sudo()._stop_on_own_message(message)

    @api.model
    def _sequence_figures_sql(self, step_ids):
        """SQL for (step id, sent, read, answered, not sent) of these steps' messages."""
        return SQL(
            """SELECT sequence_step_id,
                      count(*) FILTER (WHERE state IN %(taken)s),
                      count(*) FILTER (WHERE read_at IS NOT NULL OR state = 'read'),
                      count(*) FILTER (WHERE replied_at IS NOT NULL),
                      count(*) FILTER (WHERE state IN ('skipped', 'failed'))
                 FROM waba_message
                WHERE sequence_step_id IN %(steps)s
             GROUP BY sequence_step_id""",
            taken=ACCEPTED_STATES,
            steps=step_ids,
        )
