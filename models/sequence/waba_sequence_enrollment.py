"""Follow-ups: enrollments, their texts, and how they end.

Advanced by waba_sequence_run.py; users stop enrollments from their list.
"""

import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import numbers
from ..base.waba_message import REPORTED_KINDS
from ..tools.labels import dialog_action, form_action, selection_labels
from ..tools.moments import format_moment
from ..tools.phone_countries import e164_sql
from .waba_sequence_step import STOP_REASONS, TRIGGERS

_logger = logging.getLogger(__name__)

# Whether the recipient `r` is behind the enrollment `e`, whose `number` is the recipient's id where
# no number is known (`_person_key`).
BEHIND_SQL = SQL(
    """(r.number = e.number OR r.wa_number = e.number
        OR r.id = CASE WHEN e.number ~ '^[0-9]+$' THEN e.number::int END)"""
)

# Whether the message `m` is a reply to the enrollment `e`: the one that made its lead is none.
REPLY_SQL = SQL(
    """m.direction = 'in' AND m.kind NOT IN %s
       AND (m.made_lead IS NOT TRUE OR m.res_id IS DISTINCT FROM e.lead_id)""",
    REPORTED_KINDS,
)

STATES = [("running", "Active"), ("done", "Completed"), ("stopped", "Stopped")]


class WabaSequenceEnrollment(models.Model):
    """One lead going once through a follow-up.

    States: `running` → `done` (all steps) or `stopped` (with `stop_reason`). While it runs,
    `step_id` is the next step and `next_at` when the job checks it; `pending_message_id` is a
    message that must be sent before the wait for the next step begins. A unique index keeps one
    running row per lead and follow-up, even when two transactions enroll it at the same time.

    Created by `waba.sequence._enroll_leads`, advanced by `_cron_run`, ended by
    `_stop_enrollments` and `_complete_enrollments` only. Users change it through buttons only.
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
    res_id = fields.Integer("Record", readonly=True, help="Of a record that is no lead.")
    res_model = fields.Selection(related="sequence_id.res_model")
    lead_name = fields.Char("Lead name", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    # Without a number the recipient's id: what keeps one person from being enrolled twice.
    number = fields.Char(readonly=True)
    phone = fields.Char(compute="_compute_phone")
    # Progress
    state = fields.Selection(STATES, default="running", required=True, readonly=True)
    version = fields.Integer(required=True, readonly=True)
    step_id = fields.Many2one(
        "waba.sequence.step", readonly=True, ondelete="restrict",
        context={"active_test": False},
    )  # fmt: skip
    steps_done = fields.Integer(readonly=True)
    path = fields.Json(readonly=True, help="Keys of the steps that were done, in their order.")
    waiting_since = fields.Datetime(
        "Waiting since", readonly=True, help="When the previous step was completed."
    )
    next_at = fields.Datetime("Next step at", readonly=True)
    due_at = fields.Datetime(readonly=True, help="When the next step was due.")
    is_to_plan = fields.Boolean(readonly=True, help="The due time must be recalculated.")
    is_paused = fields.Boolean("Follow-up paused", readonly=True)
    pending_message_id = fields.Many2one("waba.message", readonly=True, ondelete="set null")
    hold_reason = fields.Text("On hold", readonly=True)
    error_count = fields.Integer(readonly=True)
    # Enrollment
    entered_at = fields.Datetime("Enrolled on", readonly=True)
    entered_by = fields.Selection(TRIGGERS, "Enrolled by", readonly=True)
    entered_by_id = fields.Many2one("res.users", "Enrolled by user", readonly=True)
    trigger_key = fields.Char(readonly=True, help="Identifies the event that enrolled it.")
    # End
    goal_reached = fields.Boolean(readonly=True)
    ended_at = fields.Datetime("Ended at", readonly=True)
    stop_reason = fields.Selection(STOP_REASONS, "Exit reason", readonly=True)
    stop_text = fields.Text("Exit details", readonly=True)
    stopped_by_id = fields.Many2one("res.users", "Stopped by", readonly=True)
    message_ids = fields.One2many("waba.message", "enrollment_id", string="WhatsApp messages")
    # Texts
    next_text = fields.Char("Next step", compute="_compute_texts")
    why_text = fields.Char("Status", compute="_compute_texts")
    progress = fields.Float(compute="_compute_texts", help="Completed steps, in %.")

    _one_running = models.UniqueIndex("(sequence_id, lead_id) WHERE state = 'running'")
    _one_running_record = models.UniqueIndex(
        "(sequence_id, res_id) WHERE state = 'running' AND res_id IS NOT NULL"
    )
    # Two leads may be the same person, who would get every message twice.
    _one_running_per_person = models.UniqueIndex(
        "(sequence_id, number) WHERE state = 'running' AND number IS NOT NULL"
    )
    # What the job reads; it does not grow with the history.
    _due_idx = models.Index("(next_at, id) WHERE state = 'running' AND NOT is_paused")
    _lead_idx = models.Index("(lead_id, sequence_id) WHERE lead_id IS NOT NULL")
    _number_idx = models.Index("(number) WHERE state = 'running'")
    _sequence_idx = models.Index("(sequence_id, version, state)")
    _step_idx = models.Index("(step_id) WHERE state = 'running'")
    _trigger_idx = models.Index("(sequence_id, trigger_key) WHERE trigger_key IS NOT NULL")
    _pending_message_idx = models.Index("(pending_message_id) WHERE pending_message_id IS NOT NULL")

    @api.depends("number")
    def _compute_phone(self):
        for one in self:
            one.phone = one.number if (one.number or "").startswith("+") else False

    @api.depends("state", "step_id", "next_at", "hold_reason", "stop_reason", "is_paused")
    @api.depends_context("lang", "tz")
    def _compute_texts(self):
        labels = selection_labels(self, "stop_reason")
        totals = self._step_totals()
        for one in self:
            total = totals.get((one.sequence_id.id, one.version), 0)
            one.progress = 100 * min(1, one.steps_done / total) if total else 0
            if one.state == "done":
                one.progress = 100
            if one.state == "running":
                one.next_text = one._next_sentence(total)
                one.why_text = one._wait_reason_text()
            else:
                one.next_text = False
                one.why_text = (
                    one.stop_text
                    or labels.get(one.stop_reason)
                    or (one.goal_reached and self.env._("Goal reached."))
                    or self.env._("All steps completed.")
                )

    def init(self):
        """Default values in the database, for rows inserted by SQL (`_insert_enrollments`)."""
        for name in ("is_to_plan", "is_paused", "is_deciding", "goal_reached"):
            self.env.cr.execute(
                SQL(
                    "ALTER TABLE waba_sequence_enrollment ALTER COLUMN %s SET DEFAULT FALSE",
                    SQL.identifier(name),
                )
            )

    def action_stop(self):
        """Ask for the reason, then stop."""
        self._check_may_stop()
        wizard = self.env["waba.sequence.stop"]
        return dialog_action(wizard, self.env._("Stop follow-up"), enrollment_ids=self.ids)

    def action_open_lead(self):
        self.ensure_one()
        record = self._records()[self].with_env(self.env)
        record.check_access("read")
        return form_action(record)

    def _check_may_stop(self):
        """Users who may change the lead may stop its follow-up."""
        if not self.env.user.has_group("waba_campaign.waba_group_user"):
            raise AccessError(self.env._("Only WhatsApp users can stop a follow-up."))
        self.check_access("read")
        for record in self._records().values():
            record.with_env(self.env).check_access("write")

    # === Records ===

    def _records(self):
        """{enrollment: its lead or other record, with all rights}; empty if it was deleted."""
        found = {}
        for sequence, group in self.sudo().grouped("sequence_id").items():
            model = sequence._record_model()
            if model == "crm.lead":
                found.update((one, one.lead_id) for one in group)
                continue
            existing = self.env[model].sudo().browse(group.mapped("res_id")).exists()
            by_id = {record.id: record for record in existing}
            found.update((one, by_id.get(one.res_id, existing.browse())) for one in group)
        return {one: found[one] for one in self}

    def _people(self):
        """{enrollment: the lead or contact that is messaged, with all rights}."""
        recipients = self.env["waba.recipient"].sudo()
        return {
            one: recipients._person_record(record) if record else record
            for one, record in self._records().items()
        }

    def _ids_matching(self, domain):
        """Ids of those whose records match a domain, with the rights of their one reader."""
        records = self.sequence_id._reader_records().with_context(active_test=False)
        ids = {one.id: record.id for one, record in self._records().items() if record}
        met = set(records.search(Domain("id", "in", list(ids.values())) & domain)._ids)
        return {one_id for one_id, record_id in ids.items() if record_id in met}

    # === Texts ===

    def _step_totals(self):
        """{(sequence id, version): number of steps}."""
        steps = self.env["waba.sequence.step"].with_context(active_test=False)
        groups = steps._read_group(
            [("sequence_id", "in", self.sequence_id.ids)], ["sequence_id", "version"], ["__count"]
        )
        return {(sequence.id, version): count for sequence, version, count in groups}

    def _next_sentence(self, total):
        if not self.step_id:
            return self.env._("Last message, then completed")
        return self.env._(
            "%(number)s of %(total)s: %(what)s",
            number=self.step_id.position,
            total=total,
            what=self.step_id.what_text,
        )

    def _wait_reason_text(self):
        """Why it waits, as a sentence."""
        if self.is_paused:
            return self.env._("Follow-up paused.")
        if self.hold_reason:
            return self.hold_reason
        if not self.step_id or self.pending_message_id:
            return self.env._("Message queued.")
        if self.is_deciding:
            until = self.step_id._decide_until(self.waiting_since)
            return self.env._("Branch decided by %s.", format_moment(self.env, until))
        return self.env._(
            "%(wait)s from %(since)s.",
            wait=self.step_id.wait_text,
            since=format_moment(self.env, self.waiting_since),
        )

    # === End ===

    def _stop_enrollments(self, reason, text=None, user=None):
        """Stop those under way; their messages that are still queued are cancelled.

        :param reason: a key of STOP_REASONS
        :param text: sentence with details
        :param user: res.users who stopped them
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

    def _reach_goal(self):
        """End those under way as a success; their messages that are still queued are cancelled."""
        running = self.filtered(lambda one: one.state == "running")
        if running:
            self._end_enrollments(running, "done", {"step_id": False, "goal_reached": True})
            running._cancel_queued_messages()
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
                "is_deciding": False,
                "hold_reason": False,
                "pending_message_id": False,
                **values,
            }
        )

    def _cancel_queued_messages(self):
        """Cancel messages that have not been reserved."""
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
                        "Cancelled: the follow-up ended. %s.",
                        labels.get(reason) or reason or self.env._("Goal reached"),
                    )
                },
            )

    # === The person ===

    def _set_person_key(self, key):
        """The person of this one, under way, has another key from now on (`_person_key`).

        Two of one person in one follow-up would get every message twice: the later is stopped.
        """
        self.ensure_one()
        twin = self.search(
            [
                ("sequence_id", "=", self.sequence_id.id),
                ("state", "=", "running"),
                ("number", "=", key),
                ("id", "!=", self.id),
            ],
            limit=1,
        )
        if key and twin:
            text = self.env._("Another lead with the same number is already enrolled.")
            (self | twin).sorted("id")[1:]._stop_enrollments("gone", text)
            # Before the other gets the number, which only one running row may have.
            self.flush_model()
        self.number = key

    @api.model
    def _merge_spellings(self):
        """Rewrite the numbers of running enrollments in their canonical form."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_sequence_enrollment e
                    WHERE state = 'running' AND number <> %s ORDER BY id""",
                e164_sql(SQL("e.number")),
            )
        )
        for one in self.browse([id_ for (id_,) in rows]):
            one._set_person_key(numbers.canonical_number(one.number))
