from odoo import fields, models
from odoo.fields import Command
from odoo.tools import SQL

from .waba_sequence_step import CONTENT_FIELDS
from .window_actions import dialog_action


class WabaSequence(models.Model):
    """Changing the steps of a follow-up: who is under way keeps the steps they began with.

    Steps that nobody went through are simply changed. Otherwise the first change makes copies of
    all steps, of the next version, and changes these; the old ones are archived and stay what
    enrollments and messages point to.
    """

    _inherit = "waba.sequence"

    older_count = fields.Integer(
        "Under way on older steps", compute="_compute_older_count", compute_sudo=True
    )

    def _compute_older_count(self):
        for sequence in self:
            sequence.older_count = self.env["waba.sequence.enrollment"].search_count(
                sequence._older_domain()
            )

    def _older_domain(self):
        return [
            ("sequence_id", "=", self.id),
            ("state", "=", "running"),
            ("version", "!=", self.version),
        ]

    def _executed_versions(self):
        """{(sequence id, version)} that a lead went through or goes through."""
        self.env["waba.sequence.enrollment"].flush_model(["sequence_id", "version"])
        return {
            tuple(row)
            for row in self.env.execute_query(
                SQL(
                    """SELECT s.id, v.version FROM waba_sequence s,
                              LATERAL (SELECT DISTINCT version FROM waba_sequence_step
                                        WHERE sequence_id = s.id) v
                        WHERE s.id = ANY(%s)
                          AND EXISTS (SELECT 1 FROM waba_sequence_enrollment e
                                       WHERE e.sequence_id = s.id AND e.version = v.version)""",
                    self.ids,
                )
            )
        }

    def _write_steps_as_new_version(self, vals):
        """Values to write instead, when they change steps that somebody went through."""
        commands = [command for command in vals.get("step_ids") or () if command[0] != Command.LINK]
        if not commands:
            return vals
        used = self._executed_versions()
        if not any((sequence.id, sequence.version) in used for sequence in self):
            return vals
        self.ensure_one()
        copies, variables = self._new_version()
        return {**vals, "step_ids": [_translated(one, copies, variables) for one in commands]}

    def _new_version(self):
        """Copy the steps in force and archive them.

        :return: ({old step id: new}, {old variable id: new})
        """
        self.check_access("write")
        old = self.step_ids
        self.sudo().version += 1
        old.active = False
        copies, variables = {}, {}
        for step in old:
            values = step._convert_to_write({name: step[name] for name in CONTENT_FIELDS})
            copy = step.sudo().create(
                {
                    **values,
                    "sequence_id": self.id,
                    "version": self.version,
                    "variable_ids": step.variable_ids._copy_commands(step.variable_ids),
                }
            )
            copies[step.id] = copy.id
            variables.update(zip(step.variable_ids.ids, copy.variable_ids.ids, strict=True))
        self.invalidate_recordset(["step_ids"])
        return copies, variables

    def action_confirm_apply(self):
        """Say how many are under way on older steps, then move them."""
        self.ensure_one()
        self.check_access("write")
        wizard = self.env["waba.sequence.apply"]
        return dialog_action(wizard, self.env._("Apply to those under way"), sequence_id=self.id)

    def _apply_to_running(self):
        """They go on with the steps in force, at the place they have reached.

        One statement for all; the job works out anew when each is due (`is_to_plan`).

        :return: how many
        """
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        enrollments.flush_model()
        now = fields.Datetime.now()
        moved = self.env.execute_query(
            SQL(
                """UPDATE waba_sequence_enrollment e
                      SET version = %(version)s, is_to_plan = TRUE, next_at = %(now)s,
                          step_id = (SELECT s.id FROM waba_sequence_step s
                                      WHERE s.sequence_id = e.sequence_id
                                        AND s.version = %(version)s
                                   ORDER BY s.sequence, s.id
                                     OFFSET e.steps_done LIMIT 1)
                    WHERE e.sequence_id = %(sequence)s AND e.state = 'running'
                      AND e.version != %(version)s
                RETURNING e.id""",
                version=self.version,
                sequence=self.id,
                now=now,
            )
        )
        enrollments.invalidate_model()
        enrollments._trigger_run()
        return len(moved)


def _translated(command, steps, variables):
    """A command on the old steps as one on their copies."""
    kind, record_id, values = (*command, None, None)[:3]
    if kind == Command.UPDATE:
        values = dict(values)
        if "variable_ids" in values:
            values["variable_ids"] = [
                (one[0], variables.get(one[1], one[1]), *one[2:])
                for one in values["variable_ids"]
                if one[0] != Command.LINK
            ]
        return (kind, steps.get(record_id, record_id), values)
    if kind in (Command.DELETE, Command.UNLINK):
        return (Command.DELETE, steps.get(record_id, record_id), 0)
    return tuple(command)
