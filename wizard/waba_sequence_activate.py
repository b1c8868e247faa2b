"""Follow-up: activate it, for new leads only or also for those that match now.

Called by the follow-up's form.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError

# A suggestion: enough for follow-ups during a campaign, too little to slow it down.
DEFAULT_FOLLOWUP_SHARE = 0.1


class WabaSequenceActivate(models.TransientModel):
    """Dialog: how many leads match now, and whether they are enrolled.

    If a portfolio has none yet, it asks for the share of the daily limit that campaigns leave to
    follow-ups: without it, a large campaign uses all slots of a day and the leads wait.
    """

    _name = "waba.sequence.activate"
    _description = "Start a WhatsApp Follow-up"
    _inherit = ["waba.system.fields.mixin"]

    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", required=True, readonly=True, system=False, ondelete="cascade"
    )
    trigger = fields.Selection(related="sequence_id.trigger", related_sudo=False)
    matching_count = fields.Integer("Matching leads", compute="_compute_matching_count")
    who = fields.Selection(
        [("new", "New leads only"), ("all", "New and matching leads")],
        "Enroll",
        default="new",
        required=True,
    )  # fmt: skip
    summary = fields.Text(compute="_compute_summary")
    asks_for_share = fields.Boolean(compute="_compute_needs_followup_share")
    followup_share = fields.Float("Reserved for follow-ups", default=DEFAULT_FOLLOWUP_SHARE)

    @api.depends("sequence_id")
    def _compute_matching_count(self):
        for wizard in self:
            if not wizard.sequence_id:
                wizard.matching_count = 0
                continue
            wizard.sequence_id.check_access("read")
            sequence = wizard.sequence_id.sudo()
            leads = self.env[sequence._record_model()]
            leads = leads.browse([lead_id for lead_id, _key in sequence._find_matching(leads)])
            wizard.matching_count = len(
                sequence._filter_not_enrolled(sequence._filter_eligible(leads))
            )

    @api.depends("who", "matching_count")
    def _compute_summary(self):
        for wizard in self:
            if wizard.who == "new" or not wizard.matching_count:
                wizard.summary = self.env._(
                    "No lead is enrolled now. Leads are enrolled from the next event on."
                )
                continue
            wizard.summary = self.env._(
                "Leads enrolled now: %(count)s. First step: %(wait)s, %(what)s.",
                count=wizard.matching_count,
                wait=wizard.sequence_id.step_ids[:1].wait_text,
                what=wizard.sequence_id.step_ids[:1].what_text,
            )

    @api.depends("sequence_id")
    def _compute_needs_followup_share(self):
        for wizard in self:
            wizard.asks_for_share = bool(wizard._portfolios_without_share())

    def action_confirm(self):
        """Store the share and activate the follow-up.

        :raise AccessError: the user is not a manager
        """
        self.ensure_one()
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can start a follow-up."))
        self.sequence_id.check_access("write")
        self._portfolios_without_share().followup_share = self.followup_share
        made = self.sequence_id._activate(include_existing=self.who == "all")
        self.sequence_id.message_post(
            body=self.env._("Follow-up started. Leads enrolled: %s.", len(made))
        )
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _portfolios_without_share(self):
        sequence = self.sequence_id.sudo()
        portfolios = (sequence.sender_id | sequence.step_ids.sender_id).portfolio_id
        return portfolios.filtered(lambda portfolio: not portfolio.followup_share)
