"""Opt-in: a source's QR code at Meta, whose text can change after it was printed.

Called by the buttons of the source; Meta keeps codes and short links per number (`message_qrdls`).
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...cloud_api import CloudApiError
from .waba_optin_source import CHAT_KINDS, PAGE_KINDS


class WabaOptinSource(models.Model):
    """Nothing is created at Meta until a manager asks for it.

    Where Meta's code exists, link, QR image and poster use it. Its text is not changed by saving
    the source, but by a button, since Meta may refuse: until then `meta_problem` says so.
    """

    _inherit = "waba.optin.source"

    meta_code_uid = fields.Char("Meta QR code", readonly=True, copy=False)
    meta_url = fields.Char("Meta short link", readonly=True, copy=False)
    meta_text = fields.Char("Text at Meta", readonly=True, copy=False)
    meta_sender_id = fields.Many2one("waba.sender", "Number at Meta", readonly=True, copy=False)
    meta_failure = fields.Text(readonly=True, copy=False)
    meta_problem = fields.Text(compute="_compute_meta_problem")
    can_use_meta = fields.Boolean(compute="_compute_meta_problem")

    @api.depends("kind", "text", "code", "sender_id", "meta_text", "meta_code_uid", "meta_failure")
    def _compute_meta_problem(self):
        for source in self:
            source.can_use_meta = (
                source.kind in CHAT_KINDS and source.kind not in PAGE_KINDS
                and source.sender_id.sudo().account_id.state == "connected"
            )  # fmt: skip
            problem = source.meta_failure
            if not problem and source.meta_code_uid:
                if source.meta_sender_id != source.sender_id:
                    problem = self.env._(
                        "Meta's QR code still opens a chat with %s. Update it.",
                        source.meta_sender_id.display_phone_number,
                    )
                elif source.meta_text != source._message_text():
                    problem = self.env._(
                        "Meta's QR code still has the text “%s”. Update it.", source.meta_text
                    )
            source.meta_problem = problem

    def action_save_meta_code(self):
        """Create the QR code at Meta, or give it the present text."""
        self._check_manager()
        for source in self.sudo():
            if source.meta_code_uid and source.meta_sender_id != source.sender_id:
                source._call_meta(source._delete_meta_code)
            source._call_meta(source._save_meta_code)

    def action_delete_meta_code(self):
        """Delete the QR code at Meta; the link of ours is used again."""
        self._check_manager()
        for source in self.sudo().filtered("meta_code_uid"):
            source._call_meta(source._delete_meta_code)

    def _check_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can change QR codes at Meta."))

    def _call_meta(self, call):
        """Do it; a refusal is shown on the source, not raised, so that it stays readable."""
        account = (self.meta_sender_id or self.sender_id).account_id
        self.meta_failure = False
        try:
            with account._client() as client:
                call(client)
        except CloudApiError as error:
            self.meta_failure = account._error_text(error)

    def _save_meta_code(self, client):
        found = client.save_qr_code(
            self.sender_id.phone_number_uid, self._message_text(), self.meta_code_uid or None
        )
        self.write(
            {
                "meta_code_uid": found.code_uid,
                "meta_url": found.url,
                "meta_text": self._message_text(),
                "meta_sender_id": self.sender_id.id,
            }
        )

    def _delete_meta_code(self, client):
        try:
            client.delete_qr_code(self.meta_sender_id.phone_number_uid, self.meta_code_uid)
        except CloudApiError as error:
            # Meta's 100: there is no such code (any more).
            if error.code != 100:
                raise
        self.write(
            {"meta_code_uid": False, "meta_url": False, "meta_text": False, "meta_sender_id": False}
        )
