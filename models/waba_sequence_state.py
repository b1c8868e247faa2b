from odoo import fields, models
from odoo.tools import SQL

from .window_actions import dialog_action


class WabaSequence(models.Model):
    """Starting, pausing and going on."""

    _inherit = "waba.sequence"

    def action_activate(self):
        """Ask whether the leads that match now come in too, then start."""
        self.ensure_one()
        self.check_access("write")
        self._check_ready()
        wizard = self.env["waba.sequence.activate"]
        return dialog_action(wizard, self.env._("Start this follow-up"), sequence_id=self.id)

    def _activate(self, include_existing=False):
        """Let leads come in from now on.

        :param include_existing: those that match now too
        :return: the enrollments of these
        """
        self.ensure_one()
        self._check_ready()
        now = fields.Datetime.now()
        self.sudo().write(
            {
                "state": "active",
                "activated_at": self.activated_at or now,
                "trigger_from": now,
                "reader_id": self._default_reader().id,
            }
        )
        self._set_enrollments_paused(False)
        made = self.env["waba.sequence.enrollment"]
        if include_existing:
            made = self.sudo()._enroll_matching()
        self.env["waba.sequence.enrollment"]._trigger_run()
        return made

    def action_pause(self):
        self.check_access("write")
        self.filtered(lambda sequence: sequence.state == "active")._pause()

    def _pause(self):
        self.sudo().write({"state": "paused"})
        self._set_enrollments_paused(True)

    def action_resume(self):
        self.check_access("write")
        for sequence in self.filtered(lambda sequence: sequence.state == "paused"):
            sequence._activate()

    def _set_enrollments_paused(self, is_paused):
        """Who is under way waits, or goes on. What is queued already waits with them.

        Held ones leave the index that the job reads, so a pause costs the others nothing.
        """
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        enrollments.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_sequence_enrollment SET is_paused = %s
                    WHERE sequence_id = ANY(%s) AND state = 'running'""",
                is_paused,
                self.ids,
            )
        )
        enrollments.invalidate_model()
