"""Dispatch: quotations and invoices as documents of a message: their texts, and their PDF.

Called by the send dialog (conversation/waba_conversation_dialog.py), by the buttons of both,
and when WhatsApp reports a PDF as sent (crm/waba_conversation_order.py). Odoo's sales and invoicing
are no dependencies.
"""

import logging
import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.safe_eval import safe_eval, time

from ...policy.variable_names import guess_document_source
from ..base.value_text import format_value
from ..base.waba_variable_mixin import DOCUMENT_SOURCES

_logger = logging.getLogger(__name__)

ORDER, INVOICE = "sale.order", "account.move"

# {model: (domain of those not marked as sent, values that mark them)}, as Odoo's e-mail does it
SENT = {
    ORDER: ([("state", "=", "draft")], {"state": "sent"}),
    INVOICE: ([("is_move_sent", "=", False)], {"is_move_sent": True}),
}

# {model: the field with the day on which it is due}
DUE_FIELDS = {ORDER: "validity_date", INVOICE: "invoice_date_due"}

# A document's file is deleted after that; Meta deletes its own copy on the same day.
FILE_LIFE = timedelta(days=30)

MAX_NAME = 100

# Stands in a preview for the PDF, which is made when it is sent.
NOT_YET = "https://example.com/document.pdf"


class WabaDocument(models.AbstractModel):
    """What a message can say and show of a quotation or an invoice.

    Everything is read with the rights of the document's environment.
    """

    _name = "waba.document"
    _description = "WhatsApp Document"

    @api.model
    def _readable_document(self, shown):
        """The quotation or invoice that a screen shows; None if it shows none.

        :param shown: [model, id] or False
        :raise AccessError: the user may not read it
        """
        if not shown:
            return None
        model, id_ = shown
        if model not in DUE_FIELDS or model not in self.env:
            raise AccessError(self.env._("Only quotations and invoices can be sent."))
        # Also where a conversation is read with all rights.
        document = self.env(su=False)[model].browse(id_).exists()
        document.check_access("read")
        if not document:
            raise AccessError(
                self.env._("This record does not exist, or you do not have access to it.")
            )
        return document

    @api.model
    def _document_refusal(self, document):
        """Reason why its PDF must not leave, as a sentence; False if it may."""
        if document.state == "cancel":
            return self.env._("%s is cancelled.", document.display_name)
        if document._name != INVOICE:
            return False
        if document.state != "posted":
            return self.env._("This invoice is a draft. Confirm it, then send it.")
        if document.move_type not in ("out_invoice", "out_refund"):
            return self.env._("Only customer invoices and credit notes can be sent.")
        return False

    @api.model
    def _mark_as_sent(self, model, ids):
        """Mark these documents, with all rights; those marked or cancelled stay as they are."""
        unmarked, values = SENT[model]
        documents = self.env[model].sudo().with_context(tracking_disable=True)
        try:
            with self.env.cr.savepoint():
                documents.search([("id", "in", ids), *unmarked]).write(values)
        except UserError as error:
            # Another addon's rule; the status of the message is recorded all the same.
            _logger.info("%s %s: not marked as sent: %s", model, ids, error)

    # === Texts ===

    @api.model
    def _fill_lines(self, lines, document, file=None):
        """These variables with the document's values and file in place of their sources.

        :param lines: records with waba.variable.mixin
        :param document: a quotation or invoice, or None
        :param file: waba.file with its PDF; without one a header shows what is no file yet
        """
        if document is None:
            return lines
        filled = {
            line: values for line in lines if (values := self._line_values(line, document, file))
        }
        return lines.browse().concat(
            *(line.new(filled[line], origin=line) if line in filled else line for line in lines)
        )

    def _line_values(self, line, document, file):
        if line.component == "header" and line.kind == "document" and not line.card_number:
            if file:
                return {"source": "file", "file_id": file.id}
            return {"source": "text", "text": NOT_YET}
        source = line.source
        if source == "text" and not line.text:
            source = guess_document_source(line.name)
        if source not in DOCUMENT_SOURCES:
            return None
        value = self._document_value(source, document, line._language())
        if line.kind == "url" and value:
            value = _address_end(line._template_button().get("url") or "", value)
        return {"source": "text", "text": value or line.fallback or ""}

    def _show_document(self, parameters, document):
        """Name the PDF in frozen parameters of a preview, whose header has no file yet."""
        if parameters.get("header", {}).get("type") == "document":
            parameters["header"] = {"type": "document", "filename": self._file_name(document)}

    def _document_value(self, source, document, language):
        """The text of one of DOCUMENT_SOURCES; '' for none."""
        if source == "document":
            return document.name or ""
        if source == "document_total":
            return format_value(document, "amount_total", language)
        if source == "document_due":
            return format_value(document, DUE_FIELDS[document._name], language)
        # The address has the document's access token: whoever has it may read this document.
        return document.get_base_url() + document.get_portal_url()

    # === PDF ===

    @api.model
    def _file_name(self, document):
        """'Quotation - S00012.pdf', as Odoo's e-mails name it, without what is no file name."""
        report = self._document_report(document)
        name = document.display_name
        if report.print_report_name:
            name = safe_eval(report.print_report_name, {"object": document, "time": time})
        name = re.sub(r"[^\w\-. ()]+", "_", str(name)).strip(" ._") or document._description
        return f"{name[:MAX_NAME]}.pdf"

    def _document_report(self, document):
        """The report that Odoo attaches to the e-mail of this record."""
        if document._name == INVOICE:
            return self.env["account.move.send"].sudo()._get_default_pdf_report_id(document).sudo()
        template = document._find_mail_template()
        chosen = template and template.sudo().report_template_ids[:1]
        return chosen or self.env.ref("sale.action_report_saleorder").sudo()

    @api.model
    def _document_file(self, document, company):
        """The waba.file of the document's PDF, made now; kept for FILE_LIFE.

        :raise UserError: it must not leave, cannot be made, or is too large for WhatsApp
        """
        if why := self._document_refusal(document):
            raise UserError(why)
        content = self._document_pdf(document)
        if not content.startswith(b"%PDF"):
            raise UserError(
                self.env._(
                    "The PDF of %s could not be made. Check that wkhtmltopdf is installed on the "
                    "server.",
                    document.display_name,
                )
            )
        attachment = self.env["ir.attachment"].sudo().create(
            {
                "name": self._file_name(document), "raw": content, "mimetype": "application/pdf"
            }
        )  # fmt: skip
        file = self.env["waba.file"].sudo()._find_or_create(attachment, "document", company)
        if file.attachment_id != attachment:
            attachment.unlink()
        if file.expires_at or file.create_date >= self.env.cr.now():
            file.expires_at = fields.Datetime.now() + FILE_LIFE
        return file

    def _document_pdf(self, document):
        if document._name == INVOICE and document.invoice_pdf_report_id:
            return document.invoice_pdf_report_id.raw or b""
        report = self._document_report(document)
        content, _kind = self.env["ir.actions.report"]._render_qweb_pdf(report, document.ids)
        return content


def _address_end(button_url, address):
    """What follows the fixed part of a button's address; '' if it is another address."""
    fixed = button_url.split("{{", maxsplit=1)[0]
    return address.removeprefix(fixed) if fixed and address.startswith(fixed) else ""
