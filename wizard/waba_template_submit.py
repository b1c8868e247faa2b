"""Dialog: submits a draft to WhatsApp for review, once, whatever the network does.

Opened by the builder. Meta has no idempotency key; a name and a language exist only once there. So
before anything is created Meta is asked whether it has them already.
"""

import logging
from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from ..cloud_api import CloudApiError, UnknownOutcome

_logger = logging.getLogger(__name__)

# Meta, Template management (2025-12): edits of an approved template.
EDITS_PER_MONTH = 10


class WabaTemplateSubmit(models.TransientModel):
    """Says what is submitted and how often it can be changed; the user confirms."""

    _name = "waba.template.submit"
    _description = "Submit a WhatsApp Template"
    _inherit = ["waba.system.fields.mixin"]

    draft_id = fields.Many2one(
        "waba.template.draft", required=True, readonly=True, system=False, ondelete="cascade"
    )
    is_edit = fields.Boolean(compute="_compute_is_edit")
    state = fields.Selection(related="draft_id.state")
    edits_left = fields.Integer(compute="_compute_is_edit")
    blocking_reason = fields.Text(compute="_compute_is_edit")
    preview_html = fields.Html(related="draft_id.preview_html")

    def _compute_is_edit(self):
        for dialog in self:
            dialog.is_edit = dialog._is_edit_now()
            dialog.edits_left = EDITS_PER_MONTH - len(self._edits_since(dialog.draft_id, days=30))
            dialog.blocking_reason = dialog._refusal_text()

    def action_confirm(self):
        """Submit the draft, and say what Meta answered.

        :raise UserError: it was not submitted, and why
        """
        self.ensure_one()
        draft = self.draft_id
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only managers submit templates to WhatsApp."))
        draft.check_access("write")
        if not draft.try_lock_for_update():
            raise UserError(self.env._("Another user is submitting this template now."))
        if reason := self._refusal_text():
            raise UserError(reason)
        try:
            with draft.account_id._client() as client:
                handles = self._upload_samples(client)
                return self._submit(client, draft._components(handles))
        except CloudApiError as error:
            raise UserError(self._not_submitted_text(error)) from error

    def _not_submitted_text(self, error):
        return self.env._(
            "The template was not submitted. %(reason)s The draft is unchanged.",
            reason=self.draft_id.account_id._error_text(error),
        )

    # === Before ===

    def _refusal_text(self):
        """Why the draft cannot be submitted, as sentences; False if it can."""
        draft = self.draft_id
        if draft.account_id.state == "draft":
            return self.env._(
                "%s is not connected. An administrator connects it under WhatsApp → Configuration "
                "→ Accounts.",
                draft.account_id.name,
            )
        if reason := draft.account_id._foreign_database_reason():
            return reason
        return "\n".join(draft._submission_problems()) or False

    def _is_edit_now(self):
        template = self.draft_id.template_id
        return bool(template) and template.status != "deleted"

    def _edits_since(self, draft, days):
        since = fields.Datetime.now() - timedelta(days=days)
        edits = map(fields.Datetime.to_datetime, draft.edits or [])
        return [at for at in edits if at > since]

    def _upload_samples(self, client):
        """{attachment id: handle} of the draft's files, uploaded as samples for the review."""
        draft = self.draft_id
        handles = {}
        for attachment in draft._sample_files():
            handles[attachment.id] = client.upload_sample(
                draft.account_id.app_uid, attachment.name, attachment.mimetype, attachment.raw
            )
        return handles

    # === Submission ===

    def _submit(self, client, components):
        if self._is_edit_now():
            return self._edit(client, components)
        draft = self.draft_id
        account_uid = draft.account_id.waba_uid
        if found := client.find_template(account_uid, draft.name, draft.language):
            return self._adopt(found)
        body = {
            "name": draft.name,
            "language": draft.language,
            "category": draft.category.upper(),
            "parameter_format": draft.parameter_format.upper(),
            "components": components,
        }
        try:
            facts = client.create_template(account_uid, body)
        except UnknownOutcome as error:
            _logger.warning("waba.template.draft %s: creation unconfirmed: %s", draft.id, error)
            try:
                found = client.find_template(account_uid, draft.name, draft.language)
            except CloudApiError:
                found = None
            return self._adopt(found) if found else self._leave_unconfirmed(error)
        self._record(facts)
        return self._done()

    def _edit(self, client, components):
        """Change Meta's template. An edit that was executed twice is the same edit."""
        draft, template = self.draft_id, self.draft_id.template_id
        body = {"components": components}
        if template.status != "approved":
            body["category"] = draft.category.upper()
        try:
            client.edit_template(template.template_uid, body)
            facts = client.get_template(template.template_uid)
        except UnknownOutcome as error:
            _logger.warning("waba.template.draft %s: edit unconfirmed: %s", draft.id, error)
            return self._leave_unconfirmed(error)
        now = fields.Datetime.to_string(fields.Datetime.now())
        draft.sudo().edits = [*(draft.edits or []), now]
        self._record(facts)
        return self._done()

    def _adopt(self, facts):
        """Meta has the name and language already: ours if it says the same, or if one of our
        submissions was never answered."""
        draft = self.draft_id
        if not draft.unconfirmed_at and not draft._is_same(facts.components):
            raise UserError(
                self.env._(
                    "WhatsApp already has a template %(name)s in this language, with another "
                    "text. Change the title, or edit that template instead.",
                    name=draft.name,
                )
            )
        self._record(facts)
        return self._done()

    def _record(self, facts):
        """Store what Meta answered as its template, linked to the draft."""
        draft = self.draft_id
        templates = (
            self.env["waba.template"]
            .sudo()
            .with_context(active_test=False, waba_version_source="edit")
        )
        values = templates._facts_to_values(facts)
        template = templates.search(
            [
                ("account_id", "=", draft.account_id.id),
                ("template_uid", "=", facts.template_uid),
            ]
        )
        if template:
            template._apply_facts(values)
        else:
            template = templates.create({**values, "account_id": draft.account_id.id})
        draft._apply_template(template)
        draft.sudo().write(
            {"submitted": draft._comparable(), "submitted_at": fields.Datetime.now()}
        )
        draft._message_log(
            body=self.env._("%s submitted the template to WhatsApp.", self.env.user.name)
        )
        draft._notify_builders()

    def _leave_unconfirmed(self, error):
        """Nobody knows whether Meta has it: said so, and asked before anything is sent again."""
        draft = self.draft_id
        draft.sudo().unconfirmed_at = fields.Datetime.now()
        draft._message_log(
            body=self.env._("Submission unconfirmed: %s", draft.account_id._error_text(error))
        )
        draft._notify_builders()
        return self._notification(
            "warning",
            self.env._(
                "Unconfirmed: WhatsApp did not answer. Submit again later: WhatsApp is first asked "
                "whether it already has the template, so it is never created twice."
            ),
        )

    def _done(self):
        draft = self.draft_id
        labels = dict(draft._fields["state"]._description_selection(self.env))
        return self._notification(
            "success",
            self.env._(
                "%(name)s: %(state)s.", name=draft.display_name, state=labels.get(draft.state)
            ),
        )

    def _notification(self, kind, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
