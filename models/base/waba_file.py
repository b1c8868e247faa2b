"""Base: `waba.file`, the files that templates show, and their uploads to Meta, one per number.

Called by the variables of a message (waba_variable_mixin.py) and, in the job of a number, by
dispatch/waba_sender_dispatch.py.
"""

import hashlib
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.mimetypes import guess_mimetype

from ...cloud_api import CloudApiError, RequestRefused
from ...policy import media as media_policy
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

# An upload is repeated so long before Meta deletes it, so that a failure leaves time to try again.
REFRESH_AHEAD = timedelta(days=2)


class WabaFile(models.Model):
    """A file for the headers of templates, kept once per company, name and content.

    It belongs to no template: a template that changes at Meta loses its variables, and messages
    that are queued still need their file.
    """

    _name = "waba.file"
    _description = "WhatsApp Template File"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    name = fields.Char(required=True, readonly=True)
    mimetype = fields.Char("Type", required=True, readonly=True)
    size = fields.Integer("Bytes", readonly=True)
    sha256 = fields.Char(required=True, readonly=True)
    attachment_id = fields.Many2one(
        "ir.attachment", "File", required=True, readonly=True, ondelete="restrict"
    )
    expires_at = fields.Datetime("Kept until", readonly=True, help="Empty: for good.")

    _content_uniq = models.Constraint(
        "UNIQUE(company_id, sha256, name)", "This file has been uploaded already."
    )

    @api.model
    def keep_upload(self, attachment_id, kind):
        """Keep a file that the current user has just uploaded.

        :param kind: of the variable: 'image', 'video' or 'document'
        :return: {'id', 'display_name'}
        :raise UserError: WhatsApp does not accept it
        """
        self.env["waba.template"].check_access("read")
        attachment = self.env["ir.attachment"].browse(attachment_id).exists()
        if not attachment or attachment.create_uid != self.env.user or attachment.res_id:
            raise AccessError(self.env._("Upload the file again: it is not yours, or is gone."))
        file = self._find_or_create(attachment.sudo(), kind, self.env.company)
        return {"id": file.id, "display_name": file.name}

    @api.model
    def _find_or_create(self, attachment, kind, company):
        """The file of an attachment; one that belongs to another record is copied.

        :param attachment: ir.attachment, as superuser
        :raise UserError: WhatsApp does not accept it
        """
        content = attachment.raw or b""
        mimetype = media_policy.known_type(attachment.mimetype, guess_mimetype(content, default=""))
        self._check_content(kind, attachment.name, mimetype, len(content))
        digest = hashlib.sha256(content).hexdigest()
        wanted = {"company_id": company.id, "sha256": digest, "name": attachment.name}
        file = self.sudo().search([(name, "=", value) for name, value in wanted.items()], limit=1)
        if not file:
            if attachment.res_id:
                attachment = attachment.copy({"res_model": False, "res_id": 0})
            file = self.sudo().create(
                {
                    **wanted,
                    "mimetype": mimetype,
                    "size": len(content),
                    "attachment_id": attachment.id,
                }
            )
            attachment.write({"res_model": self._name, "res_id": file.id})
        return file

    @api.autovacuum
    def _gc_expired(self):
        """Delete files of one message each, such as an invoice, once nothing can send them."""
        # Their attachments go with them, as those of any record.
        self.sudo().search([("expires_at", "<", fields.Datetime.now())], limit=1000).unlink()

    def _check_kind(self, kind):
        """Check that headers of this kind can show the file.

        :raise UserError: they cannot
        """
        self._check_content(kind, self.name, self.mimetype, self.size)

    @api.model
    def _check_content(self, kind, name, mimetype, size):
        reason = media_policy.header_refusal(kind, mimetype, size)
        if not reason:
            return
        if reason == "empty":
            raise UserError(self.env._("%s is empty.", name))
        if reason == "size":
            raise UserError(
                self.env._(
                    "%(name)s is too large: %(size)s MB. WhatsApp accepts up to %(limit)s MB.",
                    name=name,
                    size=f"{size / media_policy.MIB:.1f}",
                    limit=media_policy.MAX_BYTES[kind] // media_policy.MIB,
                )
            )
        raise UserError(
            {
                "image": self.env._("%s cannot be shown here: choose a JPEG or PNG image.", name),
                "video": self.env._("%s cannot be shown here: choose an MP4 video.", name),
            }.get(
                kind,
                self.env._("%s cannot be shown here: choose a PDF, text or Office file.", name),
            )
        )


class WabaFileUpload(models.Model):
    """The id of a content at Meta, for one number: reused until it ends.

    A failed attempt is repeated with growing waits (policy.media); one that Meta refused, when a
    user resumes what waited for it.
    """

    _name = "waba.file.upload"
    _description = "WhatsApp Template File Upload"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id"

    sender_id = fields.Many2one(
        "waba.sender", "Number", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="sender_id.company_id")
    file_id = fields.Many2one(
        "waba.file", required=True, readonly=True, ondelete="cascade", index=True
    )
    sha256 = fields.Char(required=True, readonly=True)
    media_uid = fields.Char("WhatsApp file ID", readonly=True)
    expires_at = fields.Datetime("Deleted by WhatsApp", readonly=True)
    reason = fields.Char(readonly=True)
    attempt_count = fields.Integer("Attempts", readonly=True)
    retry_at = fields.Datetime("Next attempt", readonly=True)

    _content_uniq = models.Constraint(
        "UNIQUE(sender_id, sha256)", "This file has been uploaded for this number already."
    )

    @api.model
    def _live_media(self, sender, file_ids):
        """{file id: media id} of the files that Meta has for this number now."""
        files = self.env["waba.file"].browse(file_ids)
        live = self.search(
            [
                ("sender_id", "=", sender.id),
                ("sha256", "in", files.mapped("sha256")),
                ("media_uid", "!=", False),
                ("expires_at", ">", fields.Datetime.now()),
            ]
        )
        uids = {upload.sha256: upload.media_uid for upload in live}
        return {file.id: uids[file.sha256] for file in files if file.sha256 in uids}

    @api.model
    def _find_due(self, sender, files):
        """The uploads of these files that are to be attempted now; created if new."""
        now = fields.Datetime.now()
        known = self.search(
            [("sender_id", "=", sender.id), ("sha256", "in", files.mapped("sha256"))]
        )
        missing = {file.sha256: file for file in files}
        for upload in known:
            missing.pop(upload.sha256, None)
        known |= self.create(
            [
                {"sender_id": sender.id, "file_id": file.id, "sha256": digest, "retry_at": now}
                for digest, file in missing.items()
            ]
        )
        ends = now + REFRESH_AHEAD
        return known.filtered(
            lambda one: (
                (not one.media_uid or one.expires_at < ends)
                and (not one.retry_at or one.retry_at <= now)
            )
        )

    def _upload(self):
        """One attempt, counted before it begins: a file that kills the worker is retried later.

        :return: None if it succeeded, else (reason, naive UTC datetime of the next attempt or None)
        """
        commit_step(self.env, self._start_attempt)
        file, sender = self.file_id, self.sender_id
        try:
            with sender.account_id._client() as client:
                media_uid = client.upload_media(
                    sender.phone_number_uid, file.name, file.mimetype, file.attachment_id.raw or b""
                )
            error = None
        except CloudApiError as failure:
            media_uid, error = None, failure
        except Exception as failure:
            _logger.exception("waba.file %s: the file could not be uploaded", file.id)
            media_uid, error = None, failure
        return commit_step(self.env, lambda: self._end_attempt(media_uid, error))

    def _start_attempt(self):
        now, attempt = fields.Datetime.now(), self.attempt_count + 1
        self.write(
            {"attempt_count": attempt, "retry_at": media_policy.next_attempt(attempt, now, None)}
        )

    def _end_attempt(self, media_uid, error):
        now = fields.Datetime.now()
        if error is None:
            self.write(
                {
                    "media_uid": media_uid,
                    "expires_at": now + media_policy.UPLOAD_LIFE,
                    "reason": False,
                    "attempt_count": 0,
                    "retry_at": False,
                }
            )
            return None
        self.reason = str(error)[:200]
        if not isinstance(error, RequestRefused) and (
            self.attempt_count < media_policy.UPLOAD_TRIES
        ):
            return self.reason, self.retry_at
        self.write({"attempt_count": 0, "retry_at": now})
        return self.reason, None
