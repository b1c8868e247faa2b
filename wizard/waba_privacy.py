"""Privacy: a manager exports or erases the data of a person who asked for it.

Called by the recipient's form.
"""

import base64

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.tools.labels import dialog_action


class WabaPrivacy(models.TransientModel):
    _name = "waba.privacy"
    _description = "Personal data"
    _inherit = ["waba.system.fields.mixin"]

    recipient_id = fields.Many2one("waba.recipient", required=True, readonly=True, system=False)
    person_name = fields.Char("Person", related="recipient_id.display_name", related_sudo=False)
    summary = fields.Text("Erased", compute="_compute_summary")
    others_text = fields.Text("Other companies", compute="_compute_summary")
    keep_out = fields.Boolean(
        "Keep opted out of promotions",
        default=True,
        help="Keeps an anonymous fingerprint of the number; an existing opt-out is always kept.",
    )
    is_sure = fields.Boolean("Erase permanently")
    file = fields.Binary("Personal data", attachment=False, readonly=True)
    file_name = fields.Char(readonly=True)

    @api.depends("recipient_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_summary(self):
        for wizard in self:
            wizard.summary = wizard.others_text = False
            if not wizard.recipient_id:
                continue
            if others := wizard._other_company_names():
                wizard.others_text = wizard.env._(
                    "%s also hold data about this person, so the number is kept until they erase "
                    "theirs. Switch to these companies, or ask a manager there.",
                    ", ".join(others),
                )
            counts = wizard._checked_recipient()._count_personal(wizard._companies())
            wizard.summary = wizard.env._(
                "Personal data in %(messages)s messages, %(consents)s consent entries, "
                "%(signals)s signals, %(conversations)s conversations and all raw webhooks about "
                "this person. Queued messages are cancelled. Dates and figures, leads, contacts "
                "and chatter notes are kept.",
                messages=counts["waba.message"],
                consents=counts["waba.consent"],
                signals=counts["waba.reputation.event"],
                conversations=counts["waba.conversation"],
            )

    @api.model
    def _open(self, person, view):
        """Return the action that asks a manager.

        :param view: external id of the form, without the addon's name
        :raise AccessError: the user is not a manager
        """
        self._check_manager()
        person.check_access("read")
        return {
            **dialog_action(self, self.env._("Personal data"), recipient_id=person.id),
            "view_id": self.env.ref(f"waba_campaign.{view}").id,
        }

    def action_export(self):
        """Download the person's data as a zip file."""
        person = self._checked_recipient()
        self.sudo().write(
            {
                "file": base64.b64encode(person._export_zip(self._companies())),
                "file_name": f"whatsapp-{person.id}.zip",
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file/{self.file_name}?download=true",
            "target": "download",
        }

    def action_erase(self):
        """Erase the person's data in the chosen companies.

        :raise UserError: it is not confirmed
        """
        person = self._checked_recipient()
        if not self.is_sure:
            raise UserError(self.env._("Confirm “Erase permanently” first."))
        person._erase_personal_data(self._companies(), self.keep_out)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def _check_manager(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can export or erase personal data."))

    def _checked_recipient(self):
        self.ensure_one()
        self._check_manager()
        self.recipient_id.check_access("read")
        return self.recipient_id.sudo()

    def _companies(self):
        """Return the chosen companies; without `sudo`, which would accept any from a client."""
        return self.env.companies

    def _other_company_names(self):
        """Return the names of other companies with rows about the person, not their contents."""
        others = self._checked_recipient()._holding_companies() - self._companies()
        return others.mapped("name")


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def action_export_data(self):
        """Open the dialog to export this person's data."""
        self.ensure_one()
        return self.env["waba.privacy"]._open(self, "waba_privacy_view_export")

    def action_erase_data(self):
        """Open the dialog to erase this person's data."""
        self.ensure_one()
        return self.env["waba.privacy"]._open(self, "waba_privacy_view_erase")
