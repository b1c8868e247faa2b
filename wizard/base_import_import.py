"""Import of consents and rates: headings, file and row for the evidence, ambiguous dates refused.

Called by Odoo's import; models/consent/waba_consent_import.py reads `waba_list` from the context.
"""

import codecs
import csv
import io

from odoo import models
from odoo.addons.base_import.models.base_import import ImportValidationError

from ..models.consent.waba_consent_import import COLUMNS
from ..policy import consent_lists, written_dates

FIELD_BY_COLUMN = {column: field for field, column in COLUMNS.items()}
SEPARATORS = (",", ";", "\t", "|")


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
            **self._waba_rows_and_heading(fields, columns, options),
        }
        return super(BaseImportImport, self.with_context(waba_list=known)).execute_import(
            fields, columns, options, dryrun=dryrun
        )

    def _get_mapping_suggestion(self, header, fields_tree, header_types, mapping_fields):
        """Also match headings that lists of consent commonly have (policy/consent_lists.py)."""
        is_saved = mapping_fields.get(header.lower())
        if self.res_model != "waba.consent" or is_saved:
            return super()._get_mapping_suggestion(
                header, fields_tree, header_types, mapping_fields
            )
        column = consent_lists.parse_heading(header)
        name = FIELD_BY_COLUMN.get("action" if column in consent_lists.ACTIONS else column)
        if name:
            return {"field_path": [name], "distance": 0}
        return super()._get_mapping_suggestion(header, fields_tree, header_types, mapping_fields)

    def _waba_rows_and_heading(self, fields, columns, options):
        """Return the row numbers of the file, and the heading of the column with the action."""
        if self.res_model != "waba.consent":
            return {}
        try:
            rows = self._waba_numbered_rows(options)
        except ImportValidationError:
            return {}  # the import itself reports it
        used = [index for index, name in enumerate(fields) if name]
        found = [
            number
            for number, row in rows[int(bool(options.get("has_headers"))) :]
            if any(row[index] for index in used if index < len(row))
        ]
        heading = columns[fields.index("action")] if "action" in fields else ""
        return {"rows": found[options.get("skip") or 0 :], "heading": heading}

    def _read_csv(self, options):
        if self.res_model.startswith("waba."):
            self._waba_set_csv_options(options)
        return super()._read_csv(options)

    def _waba_set_csv_options(self, options):
        """Encoding and separator, where Odoo would guess them wrong.

        Valid UTF-8 is read as that: for a short file with an accent, Odoo guesses MacRoman. The
        separator is the only one among the headings: by a shorter row, Odoo takes the comma.
        """
        content = self.file or b""
        if not options.get("encoding") and _is_utf8(content):
            options["encoding"] = "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"
        headings = content.partition(b"\n")[0]
        used = [one for one in SEPARATORS if one.encode() in headings]
        if not options.get("separator") and len(used) == 1:
            options["separator"] = used[0]

    def _waba_numbered_rows(self, options):
        """Return [(number as a spreadsheet shows it, values)] of the file's rows that have any.

        Odoo leaves blank rows out before it counts; formats other than CSV and XLSX are counted so.
        """
        self._waba_set_csv_options(options)
        _length, rows = self._read_file(options)
        numbers = self._waba_written_rows(options)
        if len(numbers) != len(rows):
            numbers = range(1, len(rows) + 1)
        return list(zip(numbers, rows, strict=True))

    def _waba_written_rows(self, options):
        content = self.file or b""
        if content.startswith(b"PK"):
            import openpyxl

            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            if options.get("sheet") not in book.sheetnames:
                return []
            rows = book[options["sheet"]].iter_rows(values_only=True)
        else:
            text = content.decode(options.get("encoding") or "utf-8", errors="replace")
            rows = csv.reader(
                io.StringIO(text),
                quotechar=options.get("quoting") or '"',
                delimiter=options.get("separator") or ",",
            )
        return [
            number
            for number, row in enumerate(rows, 1)
            if any(str(value).strip() for value in row if value is not None)
        ]

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
                    "Row %(row)s: “%(text)s” is ambiguous: day and month could be swapped. Use "
                    "the format 2026-11-03 (yyyy-mm-dd).",
                    row=index + 2,
                    text=text,
                )
                return {"type": "error", "message": message, "record": index}
        return None


def _is_utf8(content):
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
