"""Follow-up: enroll selected leads manually.

Called by the Actions menu of leads and contacts.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.consent.waba_reach import PERSON_MODELS


class WabaSequenceEnroll(models.TransientModel):
    _name = "waba.sequence.enroll"
    _description = "Enroll in a WhatsApp Follow-up"
    _inherit = ["waba.system.fields.mixin"]

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        context = self.env.context
        if context.get("active_model") == "crm.lead" and "lead_ids" not in values:
            ids = context.get("active_ids") or [context.get("active_id")]
            values["lead_ids"] = [fields.Command.set([id_ for id_ in ids if id_])]
        model = context.get("active_model") or "crm.lead"
        if model in PERSON_MODELS:
            values["res_model"] = model
        if model == "res.partner" and "partner_ids" not in values:
            values["partner_ids"] = [fields.Command.set(context.get("active_ids") or [])]
        active = self.env["waba.sequence"].search(
            [("state", "=", "active"), ("res_model", "=", model)], limit=2
        )
        if "sequence_id" in fields_list and not values.get("sequence_id") and len(active) == 1:
            values["sequence_id"] = active.id
        return values

    res_model = fields.Char(default="crm.lead", readonly=True, system=False)
    lead_ids = fields.Many2many("crm.lead", string="Leads", readonly=True, system=False)
    partner_ids = fields.Many2many(
        "res.partner", "waba_sequence_enroll_partner_rel", string="Contacts", readonly=True,
        system=False,
    )  # fmt: skip
    lead_count = fields.Integer("Selected", compute="_compute_counts")
    sequence_id = fields.Many2one(
        "waba.sequence",
        "Follow-up",
        required=True,
        domain="[('state', '=', 'active'), ('res_model', '=', res_model)]",
    )
    story = fields.Html(related="sequence_id.story", related_sudo=False)
    may_count = fields.Integer("To enroll", compute="_compute_counts")
    is_any_running = fields.Boolean(compute="_compute_is_any_running")
    why_not = fields.Text(compute="_compute_counts")

    @api.depends_context("uid")
    def _compute_is_any_running(self):
        running = self.env["waba.sequence"].search_count([("state", "=", "active")], limit=1)
        self.is_any_running = bool(running)

    @api.depends("sequence_id", "lead_ids", "partner_ids")
    def _compute_counts(self):
        for wizard in self:
            # An unsaved form may contain any ids.
            leads = wizard._chosen_records()._origin._filtered_access("read")
            wizard.sequence_id.check_access("read")
            sequence = wizard.sequence_id.sudo()
            wizard.lead_count = len(leads)
            eligible = leads
            enrolled = leads.browse()
            if sequence:
                enrolled = leads - sequence._filter_not_enrolled(leads)
                eligible = sequence._filter_eligible(leads) - enrolled
            wizard.may_count = len(eligible)
            others = len(leads) - len(eligible) - len(enrolled)
            wizard.why_not = "\n".join(
                filter(
                    None,
                    [
                        enrolled and self.env._("%s are already enrolled.", len(enrolled)),
                        others
                        and self.env._(
                            "%s cannot be enrolled: won, lost, not matching the filter, or "
                            "enrolled before.",
                            others,
                        ),
                    ],
                )
            )

    def _chosen_records(self):
        return self.partner_ids if self.res_model == "res.partner" else self.lead_ids

    def action_confirm(self):
        """Enroll the leads or contacts that can be enrolled.

        :raise UserError: none of them can
        """
        self.ensure_one()
        made = self.sequence_id._enroll_manually(self._chosen_records())
        if not made:
            self.invalidate_recordset(["why_not"])
            raise UserError(
                self.env._("None of these leads can be enrolled. %s", self.why_not or "").strip()
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%(count)s of %(all)s leads enrolled in %(name)s.",
                    count=len(made),
                    all=len(self._chosen_records()),
                    name=self.sequence_id.name,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
