from odoo import models
from odoo.addons.base_import.models.base_import import ImportValidationError

from ..policy import written_dates


class BaseImportImport(models.TransientModel):
    """Odoo's import tells `load` of which file and rows the data are, in the context.

    What a list is evidence of names both (waba_consent_import.py).
    """

    _inherit = "base_import.import"

    def execute_import(self, fields, columns, options, dryrun=False):
        known = {
            "file": self.file_name,
            "skipped": options.get("skip") or 0,
            "headings": int(bool(options.get("has_headers"))),
            **self._waba_date_order(fields, options),
        }
        return super(BaseImportImport, self.with_context(waba_list=known)).execute_import(
            fields, columns, options, dryrun=dryrun
        )

    def _waba_date_order(self, fields, options):
        """{'order'} of day and month in the whole list: a long one is loaded part by part."""
        if self.res_model != "waba.consent" or "said_at" not in fields:
            return {}
        try:
            rows, columns = self._convert_import_data(fields, {**options, "skip": 0})
        except ImportValidationError:
            return {}  # said by the import itself, which reads the same
        at = columns.index("said_at")
        return {"order": written_dates.order_of(row[at] for row in rows)}
