from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..policy import media as media_policy

# A message whose file is on its way is not due; the upload makes it so. Longer than any upload.
UPLOADED_BY = timedelta(days=1)


class WabaMedia(models.Model):
    """What we send: uploaded by the job, before the message may be reserved."""

    _inherit = "waba.media"

    def _upload(self):
        """Hand the file to WhatsApp. Writes nothing.

        :return: the id it has there
        """
        sender = self.message_id.sender_id
        with self.message_id.account_id._client() as client:
            return client.upload_media(
                sender.phone_number_uid, self.name, self.mimetype, self.attachment_id.raw or b""
            )

    def _release_message(self, media_uid):
        """The file is there: its message may leave."""
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
        message.sender_id._wake()


class WabaMessage(models.Model):
    _inherit = "waba.message"

    @api.model
    def _queue_direct(self, sender, record, *, origin, media=None, **options):
        """As before; of `media` ({"attachment": ir.attachment}) the file is uploaded first."""
        row = super()._queue_direct(sender, record, origin=origin, media=media, **options)
        mine = row.sudo()
        if media and mine.state == "queued" and mine.is_uploading and not mine.media_ids:
            mine._begin_upload(media["attachment"].sudo())
        return row

    @api.model
    def _media_values(self, media):
        attachment = media["attachment"].sudo()
        if why := self._why_no_file(attachment.name, attachment.mimetype, attachment.file_size):
            raise UserError(why)
        return {"kind": media_policy.kind_of(attachment.mimetype), "is_uploading": True}

    @api.model
    def _why_no_file(self, name, mimetype, size):
        """Sentence that says why a file cannot be sent, or False."""
        reason = media_policy.why_not(mimetype, size)
        if not reason:
            return False
        if reason == "empty":
            return self.env._("%s is empty.", name)
        if reason == "type":
            return self.env._(
                "%(name)s cannot be sent on WhatsApp: it takes JPEG and PNG pictures, MP4 videos, "
                "sound, PDF, text and Office documents.",
                name=name,
            )
        limit = media_policy.MAX_BYTES[media_policy.kind_of(mimetype)]
        return self.env._(
            "%(name)s has %(size)s MB; WhatsApp takes at most %(limit)s MB of this kind.",
            name=name,
            size=f"{size / media_policy.MIB:.1f}",
            limit=limit // media_policy.MIB,
        )

    def _begin_upload(self, attachment):
        self.retry_at = fields.Datetime.now() + UPLOADED_BY
        self.env["waba.media"].create(
            {
                "message_id": self.id,
                "name": attachment.name,
                "mimetype": media_policy.base_type(attachment.mimetype),
                "size": attachment.file_size,
                "attachment_id": attachment.id,
            }
        )
        self.env["waba.media"]._cron()._trigger()
