from odoo import api, fields, models

from .waba_consent_reading import TEXTS


class WabaConsentRejected(models.Model):
    """A row of a list or a form that could not be read: kept as it came, to be corrected."""

    _name = "waba.consent.rejected"
    _description = "Consent that could not be read"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "number"

    active = fields.Boolean(default=True, help="Off once it was taken, or put aside.")
    number = fields.Char("Phone number")
    purpose = fields.Char("About")
    action = fields.Char("What they said")
    at = fields.Char("Said on")
    evidence = fields.Text()
    source = fields.Selection(
        [("form", "A form"), ("import", "An imported list")], required=True, readonly=True
    )
    origin = fields.Char("Where from", readonly=True)
    fault = fields.Text("What is wrong", readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    consent_id = fields.Many2one("waba.consent", "Taken as", readonly=True, ondelete="set null")

    @api.model
    def _store_row(self, texts, source, faults, company, origin):
        """Keep a row of texts that could not be read, once.

        :param texts: {name of TEXTS: text}
        """
        values = {name: str(texts.get(name) or "").strip() for name in TEXTS}
        values |= {"source": source, "origin": origin, "company_id": company.id}
        same = [(name, "=", value or False) for name, value in values.items()]
        return self.search(same, limit=1) or self.create({**values, "fault": "\n".join(faults)})

    def action_retry_row(self):
        """Try again, after it was corrected; what is still wrong is said on the row."""
        ledger = self.env["waba.consent"].sudo()
        for row in self:
            texts = {name: row[name] for name in TEXTS}
            # A form tells by itself where it was.
            known = row.origin if row.source == "form" else ""
            [read] = ledger._parse_rows([(texts, known or "")], row.company_id)
            if read.faults:
                row.sudo().fault = "\n".join(read.faults)
                continue
            entry = ledger._record_rows([(read, row.origin)], row.source, row.company_id)
            row.sudo().write({"consent_id": entry.id, "active": False, "fault": False})
