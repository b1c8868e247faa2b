from odoo import models
from odoo.http import request


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _serve_fallback(cls):
        """Odoo looks for an address that leads nowhere among its attachments. PostgreSQL compares
        nothing with a NUL: such an address, below ours or not, is not found rather than an error.
        """
        if "\x00" in request.httprequest.path:
            return None
        return super()._serve_fallback()
