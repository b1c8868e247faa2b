import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, format_datetime

from .labels import selection_labels
from .waba_sequence_words import STOP_REASONS, TRIGGERS
from .window_actions import dialog_action, form_action

_logger = logging.getLogger(__name__)

STATES = [("running", "Under way"), ("done", "Completed"), ("stopped", "Stopped")]


class WabaSequenceEnrollment(models.Model):
    """One lead going once through a follow-up.

    `running` → `done` (all steps) or `stopped` (with `stop_reason`). While it runs, `step_id` is
    the step to do next and `next_at` when the job looks at it; `pending_message_id` is a message
    whose leaving the next step waits for. A lead has one running row per follow-up, which a unique
    index keeps whoever enters it at the same moment.

    Made by `waba.sequence._enroll_leads` (waba_sequence_trigger.py), moved on by the job
    (waba_sequence_run.py), ended by `_stop` and `_complete_enrollments` and nowhere else. Users change nothing
    here but through buttons.
    """

    _name = "waba.sequence.enrollment"
    _description = "Lead in a WhatsApp Follow-up"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "lead_name"

    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="set null")
    lead_name = fields.Char("Name of the lead", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    number = fields.Char(readonly=True)

    state = fields.Selection(STATES, default="running", required=True, readonly=True)
    version = fields.Integer("Steps as of version", required=True, readonly=True)
    step_id = fields.Many2one(
        "waba.sequence.step", "Next step", readonly=True, ondelete="restrict",
        context={"active_test": False},
    )  # fmt: skip
    steps_done = fields.Integer(readonly=True)
    waiting_since = fields.Datetime(readonly=True, help="When the step before was done.")
    next_at = fields.Datetime("Next step at", readonly=True)
    due_at = fields.Datetime(readonly=True, help="When the next step should have been done.")
    is_to_plan = fields.Boolean(readonly=True, help="When it is due must be worked out anew.")
    is_paused = fields.Boolean("Follow-up paused", readonly=True)
    pending_message_id = fields.Many2one("waba.message", readonly=True, ondelete="set null")
    hold_reason = fields.Text("Held because", readonly=True)
    error_count = fields.Integer(readonly=True)

    entered_at = fields.Datetime("Since", readonly=True)
    entered_by = fields.Selection(TRIGGERS, "Came in", readonly=True)
    entered_by_id = fields.Many2one("res.users", "Brought in by", readonly=True)
    trigger_key = fields.Char(readonly=True, help="Names the occasion that brought it in.")
    ended_at = fields.Datetime("Ended at", readonly=True)
    stop_reason = fields.Selection(STOP_REASONS, "Ended because", readonly=True)
    stop_text = fields.Text("In words", readonly=True)
    stopped_by_id = fields.Many2one("res.users", "Stopped by", readonly=True)

    message_ids = fields.One2many("waba.message", "enrollment_id", string="WhatsApp messages")
    next_text = fields.Char("What comes next", compute="_compute_texts")
    why_text = fields.Char("Why it waits", compute="_compute_texts")
    progress = fields.Float(compute="_compute_texts", help="Part of the steps done, in %.")

    _one_running = models.UniqueIndex("(sequence_id, lead_id) WHERE state = 'running'")
    # Two leads may be of one person, who would get every message twice.
    _one_running_per_person = models.UniqueIndex(
        "(sequence_id, number) WHERE state = 'running' AND number IS NOT NULL"
    )
    # What the job reads: those that wait for a moment, never those of the past.
    _due_idx = models.Index("(next_at, id) WHERE state = 'running' AND NOT is_paused")
    _lead_idx = models.Index("(lead_id, sequence_id) WHERE lead_id IS NOT NULL")
    _number_idx = models.Index("(number) WHERE state = 'running'")
    _sequence_idx = models.Index("(sequence_id, version, state)")
    _step_idx = models.Index("(step_id) WHERE state = 'running'")
    _trigger_idx = models.Index("(sequence_id, trigger_key) WHERE trigger_key IS NOT NULL")
    _pending_message_idx = models.Index("(pending_message_id) WHERE pending_message_id IS NOT NULL")

    def init(self):
        """Rows made by SQL have no column without a value (`_enroll_leads`)."""
        for name in ("is_to_plan", "is_paused"):
            self.env.cr.execute(
                SQL(
                    "ALTER TABLE waba_sequence_enrollment ALTER COLUMN %s SET DEFAULT FALSE",
                    SQL.identifier(name),
                )
            )

    # ------------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------------

    @api.depends("state", "step_id", "next_at", "hold_reason", "stop_reason", "is_paused")
    @api.depends_context("lang", "tz")
    def _compute_texts(self):
        labels = selection_labels(self, "stop_reason")
        totals = self._step_totals()
        for one in self:
            total = totals.get((one.sequence_id.id, one.version), 0)
            one.progress = 100 * min(1, one.steps_done / total) if total else 0
            if one.state == "running":
                one.next_text = one._next_sentence(total)
                one.why_text = one._wait_reason_text()
            else:
                one.next_text = False
                one.why_text = (
                    one.stop_text
                    or labels.get(one.stop_reason)
                    or self.env._("All steps are done.")
                )

    def _step_totals(self):
        """{(sequence id, version): number of steps}."""
        steps = self.env["waba.sequence.step"].with_context(active_test=False)
        groups = steps._read_group(
            [("sequence_id", "in", self.sequence_id.ids)], ["sequence_id", "version"], ["__count"]
        )
        return {(sequence.id, version): count for sequence, version, count in groups}

    def _next_sentence(self, total):
        if not self.step_id:
            return self.env._("The last message leaves, then it is completed.")
        return self.env._(
            "%(number)s of %(total)s: %(what)s",
            number=self.steps_done + 1,
            total=total,
            what=self.step_id.what_text,
        )

    def _wait_reason_text(self):
        """Why nothing happens now, as a sentence."""
        if self.is_paused:
            return self.env._("The follow-up is paused.")
        if self.hold_reason:
            return self.hold_reason
        if not self.step_id:
            return self.env._("A message is on its way.")
        return self.env._(
            "%(wait)s; from %(since)s.",
            wait=self.step_id.wait_text,
            since=format_datetime(self.env, self.waiting_since, dt_format="short"),
        )

    # ------------------------------------------------------------------
    # The doors
    # ------------------------------------------------------------------

    def _stop_enrollments(self, reason, text=None, user=None):
        """End what still runs; of its messages, what has not left is not sent any more.

        :param reason: a key of STOP_REASONS
        :param text: sentence that says more
        :param user: res.users who asked for it
        :return: those that were running
        """
        running = self.filtered(lambda one: one.state == "running")
        if not running:
            return running
        self._end_enrollments(running, "stopped", {
            "stop_reason": reason,
            "stop_text": text or False,
            "stopped_by_id": user.id if user else False,
        })  # fmt: skip
        running._cancel_queued_messages()
        _logger.info("waba.sequence.enrollment %s: stopped, %s", running.ids, reason)
        return running

    def _complete_enrollments(self):
        self._end_enrollments(
            self.filtered(lambda one: one.state == "running"), "done", {"step_id": False}
        )

    @api.model
    def _end_enrollments(self, enrollments, state, values):
        enrollments.write(
            {
                "state": state,
                "ended_at": fields.Datetime.now(),
                "next_at": False,
                "is_paused": False,
                "hold_reason": False,
                "pending_message_id": False,
                **values,
            }
        )

    def _cancel_queued_messages(self):
        """Messages that no number has reserved yet: nobody gets them."""
        waiting = self.env["waba.message"].search(
            [("enrollment_id", "in", self.ids), ("state", "=", "queued")]
        )
        labels = selection_labels(self, "stop_reason")
        for reason, rows in waiting.grouped(lambda row: row.enrollment_id.stop_reason).items():
            rows._update_state(
                ("queued",),
                "cancelled",
                {
                    "failure_reason": self.env._(
                        "The follow-up ended before it left. %s.", labels.get(reason) or reason
                    )
                },
            )

    @api.model
    def _trigger_run(self, at=None):
        """Let the job look, now or at a moment."""
        self.env.ref("waba_campaign.ir_cron_run_followups").sudo()._trigger(at=at)

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def _check_may_stop(self):
        """Who may change the lead may take it out."""
        if not self.env.user.has_group("waba_campaign.waba_group_user"):
            raise AccessError(self.env._("Only users of WhatsApp stop a follow-up."))
        self.check_access("read")
        self.lead_id.check_access("write")

    def action_stop(self):
        """Ask for the reason, then stop."""
        self._check_may_stop()
        wizard = self.env["waba.sequence.stop"]
        return dialog_action(wizard, self.env._("Stop the follow-up"), enrollment_ids=self.ids)

    def action_open_lead(self):
        self.ensure_one()
        return form_action(self.lead_id)
