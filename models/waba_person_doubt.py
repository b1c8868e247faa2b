from odoo import api, fields, models
from odoo.fields import Domain

from .access_groups import USER_GROUP
from .waba_recipient import recipients_with_numbers


class WabaPersonMixin(models.AbstractModel):
    """The same question on a lead or contact, for anyone who may read it."""

    _inherit = "waba.person.mixin"

    waba_may_opt_out_text = fields.Char(
        "Opt-out to confirm", compute="_compute_waba_possible_opt_out_text", groups=USER_GROUP
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_waba_possible_opt_out_text(self):
        numbers = {record: self.env["waba.recipient"]._number_of(record) for record in self}
        people = self._waba_recipients_to_review({number for number in numbers.values() if number})
        for record, number in numbers.items():
            mine = people.filtered(lambda person, number=number: number in person._number_forms())
            readable = record._waba_filter_reviewable(mine)
            record.waba_may_opt_out_text = bool(readable) and (
                readable[0].may_opt_out_text or self.env._("a message without words")
            )

    @api.model
    def _waba_recipients_to_review(self, numbers):
        """Rows of these E.164 numbers that wait, in the portfolios of the chosen companies."""
        people = self.env["waba.recipient"].sudo()
        if not numbers:
            return people
        senders = self.env["waba.sender"].sudo()
        portfolios = senders.search([("company_id", "in", self.env.companies.ids)]).portfolio_id
        return people.search(
            recipients_with_numbers(numbers)
            & Domain("portfolio_id", "in", portfolios.ids)
            & Domain("may_opt_out_at", "!=", False)
        )

    def _waba_filter_reviewable(self, people):
        """Those whose message the current user may read: a number typed on a record of one's own opens
        nobody else's words."""
        self.ensure_one()
        shown = (self._name, self.id)
        return people.filtered(
            lambda person: (
                (conversation := person.with_env(self.env)._review_conversation())
                and conversation._is_readable(shown)
            )
        )

    def action_waba_confirm_opt_out(self):
        self._waba_review_opt_out(True)

    def action_waba_keep_subscribed(self):
        self._waba_review_opt_out(False)

    def _waba_review_opt_out(self, opts_out):
        """What a colleague read in the person's message; anyone who may read it may say so."""
        self.ensure_one()
        self.check_access("read")
        self.env["waba.conversation"]._check_user()
        number = self.env["waba.recipient"]._number_of(self)
        people = self._waba_recipients_to_review({number} if number else set())
        self._waba_filter_reviewable(people)[:1]._apply_review(opts_out)
