"""Tools: an address with a NUL character is not found, instead of an error in the log.

Called by Odoo for each address without a route.
"""

from odoo import models
from odoo.http import request


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _serve_fallback(cls):
        """Odoo looks such addresses up among attachments, and PostgreSQL refuses a NUL."""
        if "\x00" in request.httprequest.path:
            return None
        return super()._serve_fallback()
