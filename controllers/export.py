"""Export: the recipients of a campaign and their results, as a spreadsheet.

Called by the campaign's button (models/campaign/waba_campaign_progress.py).
"""

import io

import xlsxwriter
from odoo.http import Controller, content_disposition, request, route

from ..models.tools.export_cells import export_cell
from .checks import as_row_id

# Rows read together: a hundred thousand records would not fit in memory.
CHUNK = 5000
# Excel's own limit, without the headings.
MAX_SHEET_ROWS = 1_048_575


class WabaExport(Controller):
    @route(
        "/waba/campaign/<int:campaign_id>/people.xlsx", type="http", auth="user", methods=["GET"]
    )
    def recipients(self, campaign_id):
        """Download the spreadsheet, with the access rights of the user."""
        campaign = request.env["waba.campaign"].search([("id", "=", as_row_id(campaign_id))])
        if not campaign:
            return request.not_found()
        return request.make_response(
            self._spreadsheet(campaign),
            [
                (
                    "Content-Type",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ),
                ("Content-Disposition", content_disposition(f"{campaign.name}.xlsx")),
            ],
        )

    def _spreadsheet(self, campaign):
        file = io.BytesIO()
        # Texts stay texts: a name that begins with "=" or "+" is not a formula.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as book:
            bold, datetime_format = book.add_format({"bold": True}), book.add_format(
                {"num_format": "yyyy-mm-dd hh:mm"}
            )  # fmt: skip
            headings = campaign._export_headings()
            sheet, line = None, 0
            for values in campaign._recipient_export_rows(CHUNK):
                if line % MAX_SHEET_ROWS == 0:
                    sheet = book.add_worksheet()
                    sheet.set_column(0, len(headings) - 1, 20)
                    sheet.write_row(0, 0, headings, bold)
                self._write(sheet, line % MAX_SHEET_ROWS + 1, values, datetime_format)
                line += 1
            if not line:
                book.add_worksheet().write_row(0, 0, headings, bold)
        return file.getvalue()

    def _write(self, sheet, line, values, datetime_format):
        for column, value in enumerate(map(export_cell, values)):
            if hasattr(value, "tzinfo"):
                sheet.write_datetime(line, column, value, datetime_format)
            else:
                sheet.write(line, column, value)
