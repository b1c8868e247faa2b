"""Reconfirm consent: a small campaign that asks people who have been silent for a year.

Called by the menu Consent; models/campaign/waba_reconfirmation.py does the rest.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..policy.intent import opt_out_intent

# A message that many have forgotten why they get is where blocks come from.
MAX_PEOPLE = 500


class WabaReconfirm(models.TransientModel):
    """Chooses the longest silent contacts or leads, and opens the campaign as a draft."""

    _name = "waba.reconfirm"
    _description = "Reconfirm consent"
    _inherit = ["waba.system.fields.mixin"]

    company_id = fields.Many2one(
        "res.company", default=lambda self: self.env.company, readonly=True
    )
    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, domain="[('company_id', '=', company_id)]",
        default=lambda self: self.env["waba.campaign"]._default_sender(), ondelete="cascade",
    )  # fmt: skip
    template_id = fields.Many2one(
        "waba.template", required=True, ondelete="cascade",
        domain="[('status', '=', 'approved'), ('category', '=', 'marketing'),"
        " ('company_id', '=', company_id)]",
        help="With a reply button that says yes, such as “Keep me informed”.",
    )  # fmt: skip
    res_model = fields.Selection(
        selection=lambda self: self.env["waba.person.mixin"]._waba_target_models(),
        string="Records", required=True, default="res.partner",
    )  # fmt: skip
    people_limit = fields.Integer("Recipients at most", default=100, required=True)
    answer_days = fields.Integer(
        "Days to answer",
        default=14,
        required=True,
        help="Without an answer by then, the opt-in ends.",
    )
    quiet_count = fields.Integer("Silent people", compute="_compute_quiet_count")

    @api.depends("res_model", "sender_id")
    def _compute_quiet_count(self):
        for wizard in self:
            wizard.quiet_count = len(wizard._silent_records())

    def _silent_records(self):
        """One record for each silent person, the longest silent first, as the user sees them."""
        if not self.sender_id or not self.res_model:
            return self.env["res.partner"]
        records, portfolio = self.env[self.res_model], self.sender_id.sudo().portfolio_id
        people = self.env["waba.recipient"].sudo()._find_silent(self.company_id, portfolio)
        found = {}
        behind = records.search(records._waba_people_domain(people))._waba_people(portfolio)
        for record_id, persons in behind.items():
            for person in persons & people:
                found.setdefault(person, record_id)
        return records.browse(found[person] for person in people if person in found)

    def action_create_campaign(self):
        """Create the campaign and open it; nothing is sent before its launch.

        :raise UserError: nobody is silent, or the template has no button to answer
        """
        self.ensure_one()
        if not 1 <= self.people_limit <= MAX_PEOPLE or not 1 <= self.answer_days <= 90:
            raise UserError(
                self.env._(
                    "Enter 1 to %s recipients and 1 to 90 days. A small campaign protects your "
                    "quality rating.",
                    MAX_PEOPLE,
                )
            )
        if not self._has_answer_button():
            raise UserError(
                self.env._(
                    "%s has no reply button to say yes. Choose a template with one, such as “Keep "
                    "me informed”.",
                    self.template_id.display_name,
                )
            )
        records = self._silent_records()[: self.people_limit]
        if not records:
            raise UserError(
                self.env._(
                    "No one to ask: everyone with an opt-in has been active in the last year."
                )
            )
        campaign = self.env["waba.campaign"].create(
            {
                "name": self.env._("Reconfirm consent"),
                "template_id": self.template_id.id,
                "sender_id": self.sender_id.id,
                "company_id": self.company_id.id,
                "res_model": self.res_model,
                "audience_source": "records",
                "audience_domain": repr([("id", "in", records.ids)]),
            }
        )
        campaign.sudo().reconfirm_days = self.answer_days
        return {
            "type": "ir.actions.act_window",
            "res_model": "waba.campaign",
            "res_id": campaign.id,
            "views": [(False, "form")],
        }

    def _has_answer_button(self):
        preview = self.template_id._render_preview({})
        return any(
            kind == "quick_reply" and not opt_out_intent(text or "")
            for kind, text in preview.buttons
        )
