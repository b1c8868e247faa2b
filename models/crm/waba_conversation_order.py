"""CRM: WhatsApp on quotations, where Odoo's sales are installed.

Called by the form of `sale.order`: opens the conversation with its customer.
"""

from lxml import etree
from odoo import models

from ..tools.system_fields import USER_GROUP

ORDER = "sale.order"


class WabaConversation(models.Model):
    """`sale` is no dependency, so the order is extended when the registry is ready, as Odoo's
    automation rules do it (base_automation)."""

    _inherit = "waba.conversation"

    def _register_hook(self):
        super()._register_hook()
        if ORDER in self.env:
            _extend_orders(type(self.env[ORDER]))


def _extend_orders(order_class):
    """Add the button to the form's header, and what it calls."""
    if hasattr(order_class, "action_waba_message"):
        return
    get_view = order_class._get_view

    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = get_view(self, view_id, view_type, **options)
        header = arch.find(".//header") if view_type == "form" else None
        if header is not None:
            header.append(
                etree.Element(
                    "button", name="action_waba_message", type="object", string="WhatsApp",
                    icon="fa-whatsapp", invisible="not partner_id", groups=USER_GROUP,
                )
            )  # fmt: skip
        return arch, view

    def action_waba_message(self):
        """Open the conversation with the customer in a dialog."""
        self.ensure_one()
        self.check_access("read")
        return self.partner_id.action_waba_message()

    order_class._get_view = _get_view
    order_class.action_waba_message = action_waba_message
