"""Import of consents and rates: file name and date order for the evidence, ambiguous dates refused.

Called by Odoo's import; models/consent/waba_consent_import.py reads `waba_list` from the context.
"""

from odoo import models
from odoo.addons.base_import.models.base_import import ImportValidationError

from ..policy import written_dates


class BaseImportImport(models.TransientModel):
    _inherit = "base_import.import"

    def execute_import(self, fields, columns, options, dryrun=False):
        texts = self._waba_dates(fields, options)
        order = written_dates.detect_order(texts)
        if self.res_model == "waba.rate" and (
            ambiguous := self._waba_ambiguous_date_message(texts, order)
        ):
            return {"messages": [ambiguous]}
        known = {
            "file": self.file_name,
            "skipped": options.get("skip") or 0,
            "headings": int(bool(options.get("has_headers"))),
            "order": order,
        }
        return super(BaseImportImport, self.with_context(waba_list=known)).execute_import(
            fields, columns, options, dryrun=dryrun
        )

    def _waba_dates(self, fields, options):
        """Return the dates of the whole file as texts: a long file is loaded in parts."""
        name = {"waba.consent": "said_at", "waba.rate": "valid_from"}.get(self.res_model)
        if name not in fields:
            return []
        try:
            rows, columns = self._convert_import_data(fields, {**options, "skip": 0})
        except ImportValidationError:
            return []  # the import itself reports it
        at = columns.index(name)
        return [str(row[at] or "") for row in rows]

    def _waba_ambiguous_date_message(self, texts, order):
        """Return Odoo's import message about the first ambiguous date, or None.

        Odoo would read it in the format of the user's language: a price would apply from the wrong
        month.
        """
        for index, text in enumerate(texts):
            if written_dates.parse_date(text, order).is_ambiguous:
                message = self.env._(
                    "Row %(row)s: “%(text)s” may be two days: no other date of the list tells "
                    "whether day or month comes first. Write it as 2026-11-03.",
                    row=index + 2,
                    text=text,
                )
                return {"type": "error", "message": message, "record": index}
        return None
