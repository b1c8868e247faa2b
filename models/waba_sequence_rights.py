from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError


class WabaSequence(models.Model):
    """Whose rights read the leads of a follow-up: `reader_id`, in the follow-up's company.

    That is whoever started it and, once somebody else changes its conditions, steps or variables,
    that one: nobody's rights serve what another wrote. When they are gone, or may no longer read
    leads, nobody comes in and the job pauses it, until somebody resumes it.
    """

    _inherit = "waba.sequence"

    # ------------------------------------------------------------------
    # Who it is
    # ------------------------------------------------------------------

    def _default_reader(self):
        """The user who stands for a follow-up that is started.

        :raise UserError: it is nobody's doing: OdooBot reads everything, of every company
        """
        if self.env.uid == SUPERUSER_ID:
            raise UserError(
                self.env._(
                    "A follow-up is started by a person, whose rights decide what it reads. Start "
                    "it as a user."
                )
            )
        return self.env.user

    def _update_reader(self):
        """Whoever changes what is read stands for it."""
        if self.env.uid == SUPERUSER_ID:
            return
        for sequence in self.sudo().filtered("reader_id"):
            if sequence.reader_id != self.env.user:
                sequence.reader_id = self.env.user

    def _reader_leads(self):
        """Leads as the reader reads them; asked after `_reader_refusal_reason`."""
        self.ensure_one()
        user = self.sudo().reader_id.ensure_one()
        leads = self.env["crm.lead"].with_user(user)
        return leads.with_context(allowed_company_ids=self.company_id.ids)

    def _reader_refusal_reason(self):
        """Sentence that says why nobody's rights can be used any more, or False."""
        self.ensure_one()
        user = self.sudo().reader_id
        if not user or user.id == SUPERUSER_ID:
            return self.env._(
                "Nobody is known who started it, so nobody's rights decide what it reads. Press "
                "Resume to go on with your own."
            )
        if not user.active or self.company_id not in user.company_ids or (
            not self.env["crm.lead"].with_user(user).has_access("read")
        ):  # fmt: skip
            return self.env._(
                "%s, who started it or changed it last, is no longer active or may no longer read "
                "its leads. Press Resume to go on with your own rights.",
                user.name,
            )
        return False

    @api.model
    def _pause_if_no_reader(self):
        """Running follow-ups that nobody's rights can be used for wait for somebody."""
        for sequence in self.search([("state", "=", "active")]):
            if reason := sequence._reader_refusal_reason():
                sequence._pause()
                sequence._message_log(body=self.env._("Paused: %s", reason))
