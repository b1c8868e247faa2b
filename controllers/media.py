"""Media: files of a conversation, for users with access to it.

Called by the conversation's page (models/conversation/waba_conversation_thread.py).
"""

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import request

from ..models.conversation.waba_media import SHOWN_IN_PAGE
from .checks import as_row_id


class WabaMediaController(http.Controller):
    @http.route("/waba/media/<int:media_id>", type="http", auth="user", methods=["GET"])
    def media(self, media_id, res_model=None, res_id=None, **_params):
        """Show or download a file.

        :param res_model, res_id: record on which the conversation is shown, if any
        """
        media = request.env["waba.media"].sudo().browse(as_row_id(media_id)).exists()
        record_id = as_row_id(res_id)
        shown = (res_model, record_id) if res_model and record_id else False
        if not media or not media.attachment_id:
            raise request.not_found()
        try:
            media._find_conversation().with_env(request.env)._check_reader(shown)
        except (AccessError, UserError):
            raise request.not_found() from None
        stream = request.env["ir.binary"].sudo()._get_stream_from(
            media.attachment_id, filename=media.name, mimetype=media.mimetype
        )  # fmt: skip
        # Anything but plain pictures, sound and video is downloaded, never opened in our origin.
        return stream.get_response(as_attachment=media.mimetype not in SHOWN_IN_PAGE)
