"""Actions on a template that change it at Meta: unpause, archive, unarchive, delete; confirmed.

Called by the buttons of the template's form.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..cloud_api import CloudApiError, NotSent, UnknownOutcome
from ..models.tools.labels import dialog_action, selection_labels
from ..models.tools.platform_words import error_detail

ACTS = [
    ("unpause", "Unpause"),
    ("archive", "Archive"),
    ("unarchive", "Unarchive"),
    ("delete", "Delete"),
]
NAME_LOCK_DAYS = 30
ARCHIVE_DAYS = 28


class WabaTemplateAct(models.TransientModel):
    """Says what an action does before it is done, and afterwards what Meta made of it.

    Without an answer from Meta the template's state is read again before anything is said: the
    action may have been done.
    """

    _name = "waba.template.act"
    _description = "Template Action"
    _inherit = ["waba.system.fields.mixin"]

    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, system=False, ondelete="cascade"
    )
    act = fields.Selection(ACTS, "Action", required=True, readonly=True, system=False)
    explanation = fields.Text("Effect", compute="_compute_texts")
    uses = fields.Text("Used by", compute="_compute_texts")

    @api.depends("template_id", "act")
    def _compute_texts(self):
        for wizard in self:
            wizard.explanation = wizard._explanation()
            wizard.uses = ", ".join(wizard.template_id._use_names()) or False

    @api.model
    def _open(self, template, act):
        """The dialog that confirms an action.

        :raise AccessError: the user is not a manager
        """
        self._check_manager()
        title = selection_labels(self, "act")[act]
        return dialog_action(self, title, template_id=template.id, act=act)

    def action_confirm(self):
        """Do it at Meta, then show the template as Meta has it.

        :raise UserError: Meta refused, or does not answer
        """
        self.ensure_one()
        self._check_manager()
        template = self.template_id
        template.check_access("read")
        try:
            self._call()
        except (NotSent, UnknownOutcome) as error:
            self._settle_without_answer(error)
        except CloudApiError as error:
            raise UserError(self._refusal_text(error)) from error
        else:
            self._apply()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _call(self):
        template = self.template_id.sudo()
        waba_uid, uid = template.account_id.waba_uid, template.template_uid
        with template.account_id._client() as client:
            if self.act == "unpause":
                client.unpause_template(uid)
            elif self.act == "delete":
                client.delete_template(waba_uid, template.name, uid)
            else:
                call = getattr(client, f"{self.act}_templates")
                answer = call(waba_uid, [uid])
                if uid not in answer.done:
                    reason = answer.failed.get(uid) or self.env._("no reason given")
                    raise UserError(self._refused_because(reason))

    def _apply(self):
        """Note who did it and read what Meta has now; it is not needed for the action itself."""
        template = self.template_id.sudo()
        words = {
            "unpause": self.env._("Unpaused by %s.", self.env.user.name),
            "archive": self.env._("Archived by %s.", self.env.user.name),
            "unarchive": self.env._("Unarchived by %s.", self.env.user.name),
            "delete": self.env._("Deleted by %s.", self.env.user.name),
        }
        template._message_log(body=words[self.act])
        if self.act == "delete":
            template._mark_missing()
            return
        try:
            template._reread()
        except CloudApiError:
            # The webhook and the next sync tell as well.
            template._set_status(
                {"unpause": "approved", "archive": "archived"}.get(self.act, "unknown")
            )

    def _settle_without_answer(self, error):
        """Read the template's state before saying anything.

        :raise UserError: what is known
        """
        template = self.template_id
        before = template.status
        try:
            template._reread()
        except CloudApiError:
            raise UserError(
                self.env._(
                    "WhatsApp did not answer (%(cause)s), so it is unknown whether this was done. "
                    "Refresh the template in a few minutes before you try again.",
                    cause=error_detail(self.env, error) or self.env._("no reason given"),
                )
            ) from error
        if template.status == before:
            raise UserError(
                self.env._(
                    "Nothing changed: WhatsApp did not answer, and the template is still "
                    "“%(status)s”. Try again.",
                    status=selection_labels(template, "status")[before],
                )
            ) from error

    def _refusal_text(self, error):
        """Meta's refusal as what it means for this action."""
        detail = error_detail(self.env, error) or self.env._("no reason given")
        if error.failure_type in ("token", "permission"):
            return self.template_id.account_id._error_text(error)
        return self._refused_because(detail)

    def _refused_because(self, detail):
        advice = {
            "unpause": self.env._(
                "Only a pause while testing a new template can be lifted here; others end by "
                "themselves after 3 or 6 hours."
            ),
            "archive": self.env._("Only approved and rejected templates can be archived."),
            "unarchive": self.env._(
                "Only templates archived less than %s days ago can be unarchived.", ARCHIVE_DAYS
            ),
            "delete": self.env._("Refresh the template and try again."),
        }[self.act]
        return self.env._(
            "WhatsApp refused: %(detail)s. %(advice)s", detail=detail.rstrip("."), advice=advice
        )

    def _explanation(self):
        if self.act == "delete":
            return self.env._(
                "The template is deleted at WhatsApp for good. Its name cannot be used again for "
                "%s days; its messages and versions are kept here.",
                NAME_LOCK_DAYS,
            )
        if self.act == "archive":
            return self.env._(
                "The template cannot be sent anymore, and WhatsApp deletes it after %s days unless "
                "you unarchive it.",
                ARCHIVE_DAYS,
            )
        if self.act == "unarchive":
            return self.env._("The template returns to the status it had, and can be sent again.")
        return self.env._(
            "The template can be sent again. Improve it first: with more negative feedback "
            "WhatsApp pauses it longer, then disables it."
        )

    @api.model
    def _check_manager(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can change a template at WhatsApp."))
