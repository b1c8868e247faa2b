"""CRM: WhatsApp on quotations and invoices, where Odoo's sales and invoicing are installed.

Called by the forms of `sale.order` and `account.move`: opens the conversation with the customer,
or the dialog that sends the document, and marks a document that was sent.
"""

from lxml import etree
from odoo import api, models
from odoo.exceptions import UserError

from ..dispatch.waba_document import INVOICE, ORDER, SENT
from ..tools.hooks import implements
from ..tools.system_fields import USER_GROUP

# {model: when the buttons are hidden}
HIDDEN = {
    ORDER: "not partner_id",
    INVOICE: "not partner_id or state != 'posted'"
    " or move_type not in ('out_invoice', 'out_refund')",
}


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @api.model
    @implements("_on_message_changes")
    def _mark_sent_documents(self, ids):
        """Mark quotations and invoices whose PDF WhatsApp reports as sent."""
        models_here = [model for model in SENT if model in self.env]
        if not models_here or not ids:
            return
        reported = self.env["waba.message"].sudo().search(
            [
                ("id", "in", list(ids)),
                ("document_model", "in", models_here),
                ("direction", "=", "out"),
                ("state", "in", ("sent", "delivered", "read")),
            ]
        )  # fmt: skip
        with_pdf = reported.filtered(
            lambda row: (row.parameters or {}).get("header", {}).get("type") == "document"
        )
        for model, messages in with_pdf.grouped("document_model").items():
            self.env["waba.document"]._mark_as_sent(model, messages.mapped("document_id"))


class WabaConversation(models.Model):
    """`sale` and `account` are no dependencies, so their models are extended when the registry is
    ready, as Odoo's automation rules do it (base_automation)."""

    _inherit = "waba.conversation"

    def _register_hook(self):
        super()._register_hook()
        for model, hidden in HIDDEN.items():
            if model in self.env:
                _extend_documents(type(self.env[model]), hidden)


def _extend_documents(document_class, hidden):
    """Add the buttons to the form's header, and what they call."""
    if hasattr(document_class, "action_waba_message"):
        return
    get_view = document_class._get_view

    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = get_view(self, view_id, view_type, **options)
        header = arch.find(".//header") if view_type == "form" else None
        if header is not None:
            for name, label in (
                ("action_waba_send", self.env._("Send by WhatsApp")),
                ("action_waba_message", "WhatsApp"),
            ):
                header.append(
                    etree.Element(
                        "button", name=name, type="object", string=label, icon="fa-whatsapp",
                        invisible=hidden, groups=USER_GROUP,
                    )
                )  # fmt: skip
        return arch, view

    def action_waba_message(self):
        """Open the conversation with the customer in a dialog."""
        return _person_behind(self).action_waba_message()

    def action_waba_send(self):
        """Open the dialog that sends this document to its customer."""
        action = _person_behind(self).action_waba_send()
        action["params"]["document"] = [self._name, self.id]
        return action

    document_class._get_view = _get_view
    document_class.action_waba_message = action_waba_message
    document_class.action_waba_send = action_waba_send


def _person_behind(document):
    document.ensure_one()
    document.check_access("read")
    person = document.env["waba.recipient"]._person_record(document)
    if not person:
        raise UserError(document.env._("%s has no customer.", document.display_name))
    return person
