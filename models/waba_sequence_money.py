from odoo import api, models

from .window_actions import list_action


class WabaSequenceVariable(models.Model):
    """A tracked link in a step: one link per step, with the follow-up as its source."""

    _inherit = "waba.sequence.variable"

    @api.constrains("source")
    def _check_button_address(self):
        for line in self:
            line._check_own_address(line.step_id.template_id)

    def _link_label(self):
        return f"Step {self.step_id.id}, button {self.button_index + 1}"

    def _link_utm(self):
        return {**super()._link_utm(), "source_id": self.step_id.sequence_id._utm_source().id}


class WabaSequence(models.Model):
    _inherit = "waba.sequence"

    def _utm_source(self):
        """The UTM source of the outcome of a follow-up."""
        return self.env["utm.mixin"].sudo()._find_or_create_record("utm.source", self.name)

    def action_view_cost_report(self):
        self.ensure_one()
        return list_action(self.env, "waba_money_report_action", [("sequence_id", "=", self.id)])


class WabaMessage(models.Model):
    _inherit = "waba.message"

    def _clear_results(self):
        """The outcome of an erased person's messages stays as figures of nobody."""
        self.env["waba.attribution"].search([("message_id", "in", self.ids)]).write(
            {"message_id": False, "lead_id": False, "detail": False}
        )
        self.env["link.tracker.click"].search([("waba_message_id", "in", self.ids)]).write(
            {"waba_message_id": False}
        )
