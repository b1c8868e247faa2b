from odoo import models


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
        }
        return super(BaseImportImport, self.with_context(waba_list=known)).execute_import(
            fields, columns, options, dryrun=dryrun
        )
