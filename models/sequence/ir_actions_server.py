"""Follow-ups: the server action "Start a WhatsApp follow-up", for automation rules and buttons.

Called by Odoo when the action runs, on records of any model that has follow-ups.
"""

from odoo import api, fields, models


class IrActionsServer(models.Model):
    """Enrolls records as the follow-up's own triggers do: who cannot be enrolled is ignored."""

    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[("waba_followup", "Start a WhatsApp follow-up"), ("followers",)],
        ondelete={"waba_followup": "cascade"},
    )
    waba_sequence_id = fields.Many2one(
        "waba.sequence", "WhatsApp follow-up", ondelete="restrict", index="btree_not_null",
        domain="[('res_model', '=', model_name)]",
    )  # fmt: skip

    @api.model
    def _warning_depends(self):
        return [*super()._warning_depends(), "waba_sequence_id"]

    def _name_depends(self):
        return [*super()._name_depends(), "waba_sequence_id"]

    def _generate_action_name(self):
        self.ensure_one()
        if self.state == "waba_followup" and self.waba_sequence_id:
            return self.env._("Start WhatsApp follow-up %s", self.waba_sequence_id.name)
        return super()._generate_action_name()

    def _get_warning_messages(self):
        self.ensure_one()
        warnings = super()._get_warning_messages()
        sequence = self.waba_sequence_id.sudo()
        if self.state == "waba_followup" and sequence:
            if self.model_id.model != sequence.res_model:
                warnings.append(
                    self.env._("The follow-up is for other records. Choose another one.")
                )
            elif sequence.state != "active":
                warnings.append(self.env._("%s is not running. Start it first.", sequence.name))
        return warnings

    def _run_action_waba_followup_multi(self, eval_context=None):
        """Enroll the records; an event, so a follow-up that is paused enrolls none."""
        records = eval_context.get("records") or eval_context.get("record")
        sequence = self.waba_sequence_id.sudo()
        if records and sequence:
            sequence._enroll_leads(records.sudo())
        return False
