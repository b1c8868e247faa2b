from datetime import timedelta

from odoo import fields, models

from ..policy import media as media_policy
from .hooks import implements

# A message whose file is on its way is not due; the upload makes it so. Longer than any upload.
UPLOAD_LEAD_TIME = timedelta(days=1)


class WabaMedia(models.Model):
    """What we send: uploaded by the job, before the message may be reserved."""

    _inherit = "waba.media"

    def _upload_file(self):
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
        message.sender_id._trigger_dispatch()


class WabaMessage(models.Model):
    _inherit = "waba.message"

    @implements("_on_queued")
    def _start_upload(self, media):
        """A message with a file waits until that is uploaded."""
        if not media:
            return
        message, attachment = self.sudo(), media["attachment"].sudo()
        message.retry_at = fields.Datetime.now() + UPLOAD_LEAD_TIME
        files = message.env["waba.media"]
        files.create(
            {
                "message_id": message.id,
                "name": attachment.name,
                "mimetype": media_policy.base_type(attachment.mimetype),
                "size": attachment.file_size,
                "attachment_id": attachment.id,
            }
        )
        files._transfer_cron()._trigger()
