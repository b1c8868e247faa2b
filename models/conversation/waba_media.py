"""Conversation: files of messages, downloaded from WhatsApp or uploaded before sending.

Run by the job ir_cron_media (`_cron_transfer`); controllers/media.py serves the files.
"""

import base64
import hashlib
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.mimetypes import guess_mimetype

from ...cloud_api import CloudApiError, RequestRefused
from ...policy import media as media_policy
from ..tools.job_turns import TimeSlice
from ..tools.labels import with_language
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

RUN_SECONDS = 45

# For controllers/media.py, which does not import policy.
SHOWN_IN_PAGE = media_policy.INLINE_TYPES | media_policy.PLAYER_TYPES

# A message is not due until its file is uploaded, which makes it due. Longer than any upload.
UPLOAD_LEAD_TIME = timedelta(days=1)


class TooLarge(Exception):
    """More bytes than WhatsApp accepts for this kind of message."""

    def __init__(self, size, limit):
        super().__init__(size, limit)
        self.size, self.limit = size, limit


class DamagedFile(Exception):
    """Bytes other than those that WhatsApp announced."""

    def __str__(self):
        return "the file arrived damaged"


class WabaMedia(models.Model):
    """A file of a message: downloaded from WhatsApp, or uploaded before the message is sent.

    `pending` → `done` or `failed` (with `reason`). The webhook only creates the row, and
    `_cron_transfer` moves the bytes, outside of any transaction that others wait for; it retries
    with growing waits (policy.media). Users who may read its conversation, or the record it is
    attached to, may read a file.
    """

    _name = "waba.media"
    _description = "WhatsApp File"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id"

    message_id = fields.Many2one(
        "waba.message", required=True, readonly=True, ondelete="cascade", index=True
    )
    direction = fields.Selection(related="message_id.direction")
    company_id = fields.Many2one(related="message_id.company_id")
    media_uid = fields.Char("WhatsApp file ID", readonly=True)
    name = fields.Char("File name", readonly=True)
    mimetype = fields.Char("Type", readonly=True)
    size = fields.Integer("Bytes", readonly=True)
    sha256 = fields.Char(readonly=True)
    # Transfer
    state = fields.Selection(
        [("pending", "Transferring"), ("done", "Available"), ("failed", "Not available")],
        default="pending",
        required=True,
        readonly=True,
    )
    reason = fields.Char(readonly=True)
    attempt_count = fields.Integer("Attempts", readonly=True, default=0)
    retry_at = fields.Datetime("Next attempt", readonly=True, default=fields.Datetime.now)
    expires_at = fields.Datetime("Deleted by WhatsApp", readonly=True)
    attachment_id = fields.Many2one("ir.attachment", "File", readonly=True, ondelete="set null")

    _pending_idx = models.Index("(retry_at, id) WHERE state = 'pending'")

    # === Job ===

    @api.model
    def _cron_transfer(self):
        """Transfer what is due, one file at a time; then schedule the next run."""
        turn = TimeSlice(self._transfer_cron(), RUN_SECONDS)
        while not turn.is_used_up:
            due = [("state", "=", "pending"), ("retry_at", "<=", fields.Datetime.now())]
            media = self.search(due, order="retry_at, id", limit=1)
            if not media:
                break
            with_language(media.company_id, media)._transfer_file()
        waiting = self.search([("state", "=", "pending")], order="retry_at, id", limit=1)
        if waiting:
            self._transfer_cron()._trigger(at=max(waiting.retry_at, fields.Datetime.now()))

    @api.model
    def _transfer_cron(self):
        return self.env.ref("waba_campaign.ir_cron_media").sudo()

    def _transfer_file(self):
        """One attempt, counted before it begins: a file that kills the worker is abandoned too."""
        commit_step(self.env, self._start_attempt)
        move = self._upload_file if self.direction == "out" else self._download_file
        try:
            result, error = move(), None
        except CloudApiError as failure:
            result, error = None, failure
        except Exception as failure:
            _logger.exception("waba.media %s: the file could not be moved", self.id)
            result, error = None, failure
        commit_step(self.env, lambda: self._end_attempt(result, error), processed=1)

    def _start_attempt(self):
        now = fields.Datetime.now()
        attempt = self.attempt_count + 1
        self.write(
            {"attempt_count": attempt, "retry_at": media_policy.next_attempt(attempt, now, None)}
        )

    def _end_attempt(self, result, error):
        """Store the outcome and notify open screens.

        :param result: of `_download_file` or `_upload_file`, None with an error
        :param error: exception, or None
        """
        if error is None:
            self._release_message(result) if self.direction == "out" else self._attach_file(result)
        elif why := self._abandon_reason(error):
            self._abandon_transfer(why)
        else:
            self.reason = self.env._(
                "Not transferred yet: %s. Retrying automatically.", str(error)[:200]
            )
        self._find_conversation()._notify_viewers()

    def _abandon_reason(self, error):
        """Reason why it is not tried again, as a sentence, or False."""
        now = fields.Datetime.now()
        if self.direction == "out":
            if self.attempt_count < media_policy.UPLOAD_TRIES and _is_temporary_failure(error):
                return False
            return str(error)[:200]
        if isinstance(error, TooLarge):
            return self.env._(
                "The file is too large: %(size)s MB, and WhatsApp allows %(limit)s MB. Open it on "
                "the phone.",
                size=round(error.size / media_policy.MIB),
                limit=round(error.limit / media_policy.MIB),
            )
        if isinstance(error, CloudApiError) and media_policy.is_file_gone(
            error.code, error.subcode, error.http_status
        ):
            return self.env._("WhatsApp no longer has this file. Ask the person to send it again.")
        if not media_policy.next_attempt(self.attempt_count, now, self.expires_at):
            return self.env._(
                "The file could not be downloaded within the 7 days that WhatsApp keeps it (%s). "
                "Ask the person to send it again.",
                str(error)[:200],
            )
        return False

    def _abandon_transfer(self, why):
        self.write({"state": "failed", "reason": why})
        if self.direction == "out":
            self.message_id._exclude_message("media", text=why)

    # === Download ===

    def _download_file(self):
        """Download from Meta; writes nothing.

        :return: (content, mimetype as reported by Meta)
        :raise TooLarge, DamagedFile, CloudApiError:
        """
        sender = self.message_id.sender_id
        limit = media_policy.MAX_BYTES.get(self.message_id.kind, media_policy.MAX_BYTES["document"])
        with self.message_id.account_id._client() as client:
            info = client.get_media(self.media_uid, sender.phone_number_uid)
            if info.size and info.size > limit:
                raise TooLarge(info.size, limit)
            content = client.download_media(info.url, limit)
        for expected in filter(None, (info.sha256, self.sha256)):
            if not _has_digest(content, expected):
                raise DamagedFile
        return content, info.mimetype or self.mimetype

    def _attach_file(self, result):
        """Attach the file to the record that they wrote about, else to the conversation.

        :param result: of `_download_file`
        """
        content, declared = result
        message = self.message_id
        sniffed = guess_mimetype(content, default="")
        mimetype = media_policy.stored_type(message.kind, declared, sniffed)
        record = message._get_record()
        holder = record if record is not None else self._find_conversation()
        # Types that a browser would run are stored as plain text.
        attachments = self.env["ir.attachment"].with_context(attachments_mime_plainxml=True)
        attachment = attachments.create(
            {
                "name": self.name,
                "raw": content,
                "mimetype": mimetype,
                "res_model": holder._name,
                "res_id": holder.id,
            }
        )
        self.write(
            {
                "state": "done",
                "reason": False,
                "mimetype": mimetype,
                "size": len(content),
                "attachment_id": attachment.id,
            }
        )

    def _find_conversation(self):
        message = self.message_id
        return self.env["waba.conversation"]._find_or_create_pair(
            message.sender_id, message.recipient_id
        )

    # === Upload ===
    # Done before the message can be reserved.

    def _upload_file(self):
        """Upload to WhatsApp; writes nothing.

        :return: the id it has there
        """
        sender = self.message_id.sender_id
        with self.message_id.account_id._client() as client:
            return client.upload_media(
                sender.phone_number_uid, self.name, self.mimetype, self.attachment_id.raw or b""
            )

    def _release_message(self, media_uid):
        """The file is uploaded: its message can be sent."""
        now = fields.Datetime.now()
        message = self.message_id
        self.write(
            {
                "state": "done",
                "reason": False,
                "media_uid": media_uid,
                "expires_at": now + media_policy.UPLOAD_LIFE,
            }
        )
        message.write(
            {
                "parameters": {"media": {"id": media_uid, "filename": self.name}},
                "is_uploading": False,
                "retry_at": now,
            }
        )
        message.sender_id._trigger_dispatch()


def _has_digest(content, expected):
    """Meta writes the SHA-256 in hexadecimal in one place and in base64 in another."""
    digest = hashlib.sha256(content)
    return expected.lower() == digest.hexdigest() or expected == (
        base64.b64encode(digest.digest()).decode()
    )


def _is_temporary_failure(error):
    """Whether an upload may succeed at the next attempt."""
    return not isinstance(error, RequestRefused)
