"""A one-off audience from a file: rows become leads or contacts, then a campaign's recipients."""

import base64
import csv
import io
from datetime import datetime, timedelta

import openpyxl
from odoo.exceptions import AccessError, UserError

from ..common import WabaCase

ROWS = (
    ("Teléfono", "Nombre", "Empresa", "Correo"),
    ("611 00 00 01", "Ana García", "Muebles García", "ana@example.com"),
    ("+34611000002", "", "Sofás Pérez", ""),
    ("12", "Nobody", "", ""),
    ("", "", "", ""),
    ("+34 611 00 00 01", "Ana again", "", ""),
    ("600 000 001", "Our own number", "", ""),
    ("", "Without a number", "", ""),
)


def as_csv(rows, separator=","):
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode()


def as_xlsx(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell or None for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestAudienceImport(WabaCase):
    def _wizard(self, content, name="fair.csv", user=None, **values):
        wizards = self.env["waba.audience.import"].with_user(user or self.salesperson)
        values = {"consent": "none", "tag_name": "Fair", "source": "Fair 2026", **values}
        return wizards.create({"file": base64.b64encode(content), "file_name": name, **values})

    def _rejected(self, wizard):
        text = base64.b64decode(wizard.rejected).decode("utf-8-sig")
        return [row[-2:] for row in csv.reader(io.StringIO(text))][1:]

    def test_rows_become_records_and_bad_ones_are_named_by_their_row(self):
        for name, content in (
            ("a.csv", as_csv(ROWS)), ("b.csv", as_csv(ROWS, ";")), ("c.xlsx", as_xlsx(ROWS)),
        ):  # fmt: skip
            for model in ("crm.lead", "res.partner"):
                with self._case(f"{name} {model}"):
                    wizard = self._wizard(content, name, res_model=model)
                    wizard.action_import()
                    records = self.env[model].browse(wizard.record_ids)
                    self.assertEqual(
                        records.mapped("phone_sanitized"), ["+34611000001", "+34611000002"]
                    )
                    self.assertEqual(records[1].name, "Sofás Pérez")
                    tags = records.tag_ids if model == "crm.lead" else records.category_id
                    self.assertEqual(tags.mapped("name"), ["Fair"])
                    if model == "crm.lead":
                        self.assertEqual(records[0].contact_name, "Ana García")
                        self.assertEqual(records.source_id.name, "Fair 2026")
                        self.assertEqual(records.user_id, self.salesperson)
                    rejected = self._rejected(wizard)
                    self.assertEqual([number for number, _why in rejected], ["4", "6", "7", "8"])
                    for (_number, why), words in zip(
                        rejected, ("not a valid", "Duplicate of row 2", "your own", "missing"),
                        strict=True,
                    ):  # fmt: skip
                        self.assertIn(words, why)
                    self.assertIn("Rows imported: 2 of 6.", wizard.summary)
                    self.assertFalse(self.env["waba.recipient"].search([]).consent_ids)

    def test_an_existing_record_is_used_in_every_spelling(self):
        lead = self._lead("+34611000001", name="Known")
        content = as_csv([("Phone",), ("611000001",), ("+34611000003",)])
        wizard = self._wizard(content)
        wizard.action_import()
        self.assertIn(lead.id, wizard.record_ids)
        self.assertEqual(len(wizard.record_ids), 2)
        self.assertEqual((lead.name, lead.tag_ids.mapped("name")), ("Known", ["Fair"]))
        again = self._wizard(content)
        again.action_import()
        self.assertEqual(sorted(again.record_ids), sorted(wizard.record_ids))

    def test_the_campaign_opens_with_these_records_selected(self):
        wizard = self._wizard(as_csv(ROWS))
        wizard.action_import()
        action = wizard.action_create_campaign()
        campaigns = self.env["waba.campaign"].with_user(self.salesperson)
        values = campaigns.with_context(**action["context"]).default_get(
            ["res_model", "audience_source", "audience_domain", "name"]
        )
        self.assertEqual((values["res_model"], values["audience_source"]), ("crm.lead", "records"))
        self.assertEqual(values["audience_domain"], repr([("id", "in", wizard.record_ids)]))

    def test_the_campaign_is_named_after_the_tag_or_the_file(self):
        campaigns = self.env["waba.campaign"].with_user(self.salesperson)
        for tag, file, name in (
            ("Fair ", "list.csv", "Fair"), (False, "Visitors 2026.csv", "Visitors 2026"),
        ):  # fmt: skip
            with self._case(name):
                wizard = self._wizard(as_csv([("Phone",), ("+34611000001",)]), file, tag_name=tag)
                wizard.action_import()
                context = wizard.action_create_campaign()["context"]
                values = campaigns.with_context(**context).default_get(["name"])
                self.assertEqual(values["name"], name)

    def test_opt_ins_need_a_manager_a_date_and_evidence(self):
        content = as_csv(ROWS)
        past = datetime.now() - timedelta(days=30)
        good = {"consent": "opt_in", "consent_date": past,
                "evidence": "Madrid fair, 15 January: signup form for offers"}  # fmt: skip
        with self.assertRaises(AccessError):
            self._wizard(content, **good).action_import()
        for name, values in {
            "no date": {"consent_date": False},
            "a future date": {"consent_date": datetime.now() + timedelta(days=1)},
            "no evidence": {"evidence": False},
            "empty evidence": {"evidence": "ok"},
        }.items():
            with self.subTest(name), self.assertRaises(UserError):
                self._wizard(content, user=self.manager, **{**good, **values}).action_import()
        wizard = self._wizard(content, user=self.manager, **good)
        wizard.action_import()
        entries = self.env["waba.consent"].search([("source", "=", "import")])
        self.assertEqual(set(entries.mapped("number")), {"+34611000001", "+34611000002"})
        self.assertEqual(set(entries.mapped("action")), {"opt_in"})
        self.assertIn("Row 2 of “fair.csv”: Madrid fair", " ".join(entries.mapped("evidence")))

    def test_an_opt_out_stays_and_is_named(self):
        people = self.env["waba.recipient"]
        [person] = people._find_or_create_by_number(self.portfolio, ["+34611000009"]).values()
        person._set_consent("marketing", "opt_out", "reply", "BAJA")
        wizard = self._wizard(
            as_csv([("Phone",), ("+34611000009",)]), user=self.manager, consent="opt_in",
            consent_date=datetime.now() - timedelta(days=30),
            evidence="Madrid fair, 15 January: signup form",
        )  # fmt: skip
        wizard.action_import()
        self.assertEqual(person.marketing_state, "opted_out")

    def test_a_file_that_cannot_be_used_says_why(self):
        for content, words in (
            (as_csv([("Name",), ("Ana",)]), "No phone column"),
            (as_csv([("Phone",)]), "no rows"),
        ):
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._wizard(content).action_import()
        for content, name in (
            (b"%PDF-1.4 no list", "list.pdf"), (b"PK no book", "list.xlsx"),
            (b"\xff\xfe\x00", "list.csv"), (b"\x00\x01\x02\xfe", "list.doc"),
        ):  # fmt: skip
            with self.subTest(name), self.assertRaisesRegex(UserError, "cannot be read"):
                self._wizard(content, name).action_import()

    def test_the_separator_is_that_of_the_headings(self):
        for separator in ",;\t|":
            for row in ("611000001", "611000001{s}Ana", "611000001{s}Ana{s}S{s}a@example.com{s}x"):
                with self._case(f"{separator!r} {row}"):
                    text = "Teléfono{s}Nombre{s}Empresa{s}Correo\n+34611000002{s}Eva{s}{s}\n" + row
                    wizard = self._wizard(text.replace("{s}", separator).encode())
                    wizard.action_import()
                    leads = self.env["crm.lead"].browse(wizard.record_ids)
                    self.assertEqual(
                        leads.mapped("phone_sanitized"), ["+34611000002", "+34611000001"]
                    )

    def test_a_short_file_in_any_common_encoding(self):
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            for name in ("Ana", "Íñigo Núñez"):
                with self._case(f"{encoding} {name}"):
                    text = f"Teléfono;Nombre\n611 00 00 01;{name}\n+34 611 000 002;Luis\n"
                    wizard = self._wizard(text.encode(encoding))
                    wizard.action_import()
                    leads = self.env["crm.lead"].browse(wizard.record_ids)
                    self.assertEqual(leads.mapped("contact_name"), [name, "Luis"])

    def test_cells_of_the_rejected_rows_are_no_formulas(self):
        wizard = self._wizard(as_csv([("Phone", "Name"), ("12", "=1+1"), ("+34611000002", "Ana")]))
        wizard.action_import()
        self.assertNotIn(",=1+1", base64.b64decode(wizard.rejected).decode("utf-8-sig"))
