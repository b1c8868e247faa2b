"""Audience from a file: its rows become leads or contacts, then a campaign opens with these.

Called from the menu of campaigns; consent is recorded as an import of it would be.
"""

import base64
import csv
import io
from pathlib import Path
from typing import NamedTuple

from odoo import fields, models
from odoo.addons.base_import.models.base_import import ImportValidationError
from odoo.exceptions import AccessError, UserError

from ..models.campaign.waba_campaign_audience import FROM_RECORDS
from ..models.tools.export_cells import export_cell
from ..policy import consent_lists, evidence, numbers

# Columns of the file that become fields, besides the phone number.
TEXT_COLUMNS = ("name", "company", "email")


class FileRow(NamedTuple):
    """A row of the file. `values`: {column: text}; `cells`: as they stand there."""

    number: int
    values: dict
    cells: list


class WabaAudienceImport(models.TransientModel):
    """One record for each number: rows with the number of an existing record use that record."""

    _name = "waba.audience.import"
    _description = "Audience from a file"
    _inherit = ["waba.system.fields.mixin"]

    file = fields.Binary(required=True, attachment=False)
    file_name = fields.Char()
    res_model = fields.Selection(
        lambda self: self.env["waba.person.mixin"]._waba_target_models(),
        "Create as",
        required=True,
        default="crm.lead",
    )
    tag_name = fields.Char("Tag", help="Added to every record, so that you find them again.")
    source = fields.Char(help="Where the list comes from, saved on leads.")
    consent = fields.Selection(
        [("opt_in", "They opted in to promotions"), ("none", "No opt-in on record")],
        required=True,
    )
    optin_source_id = fields.Many2one(
        "waba.optin.source",
        "Opt-in source",
        domain="[('kind', '=', 'file')]",
        help="Counts these opt-ins, down to won leads.",
    )
    evidence = fields.Text(help="Saved with each opt-in: where, when and to what they agreed.")
    consent_date = fields.Datetime("Opted in on")

    # Result
    state = fields.Selection([("file", "File"), ("done", "Done")], default="file", readonly=True)
    record_ids = fields.Json(readonly=True)
    summary = fields.Text("Result", readonly=True)
    rejected = fields.Binary("Rejected rows", attachment=False, readonly=True)
    rejected_name = fields.Char(readonly=True)

    def action_import(self):
        """Create or find the records, record the consent, and show the result.

        :raise UserError: the file cannot be read, has no phone numbers, or evidence is missing
        """
        self.ensure_one()
        self._check_consent()
        headings, rows = self._read_rows()
        good, faults = self._check_rows(rows)
        records, created = self._find_or_create_records(good)
        if self.consent == "opt_in":
            faults |= self._record_opt_ins(good)
            if self.res_model == "crm.lead":
                created.sudo().waba_optin_source_id = self._list_source()
        self.sudo().write(
            {
                "state": "done",
                "record_ids": records.ids,
                "summary": self._result_text(len(rows), len(created), records, faults),
                **self._rejected_values(headings, rows, faults),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Audience from file"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_create_campaign(self):
        """Open a new campaign with these records selected, named after their tag or the file."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "waba_campaign.waba_campaign_action_from_leads"
        )
        ids = self.record_ids or []
        context = {FROM_RECORDS: True, "active_model": self.res_model, "active_ids": ids}
        name = (self.tag_name or "").strip() or Path(self.file_name or "").stem
        context |= {"active_id": ids[:1] and ids[0], "default_name": name or False}
        return {**action, "context": context}

    # === Checks ===

    def _check_consent(self):
        if self.consent != "opt_in":
            return
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(
                self.env._(
                    "Only a manager can import opt-ins. Choose “No opt-in on record”, or ask a "
                    "manager to import the file."
                )
            )
        if not self.consent_date or self.consent_date > fields.Datetime.now():
            raise UserError(self.env._("Enter when they opted in, a date in the past."))
        if not evidence.is_verifiable(self.evidence or ""):
            raise UserError(
                self.env._("An opt-in needs evidence. Enter where, when and to what they agreed.")
            )

    # === File ===

    def _read_rows(self):
        """([heading], [FileRow])."""
        reader = self.env["base_import.import"].new(
            {
                "res_model": self.res_model,
                "file": base64.b64decode(self.file),
                "file_name": self.file_name,
            }
        )
        options = {"has_headers": True, "quoting": '"', "separator": "", "encoding": ""}
        try:
            rows = reader._waba_numbered_rows(options)
        except (ImportValidationError, UserError, ValueError) as error:
            raise UserError(
                self.env._("The file cannot be read. Upload an Excel or CSV file.")
            ) from error
        if len(rows) < 2:
            raise UserError(self.env._("The file has no rows below its headings."))
        headings = [str(cell or "") for cell in rows[0][1]]
        columns = {}
        for index, heading in enumerate(headings):
            columns.setdefault(consent_lists.parse_heading(heading), index)
        if "number" not in columns:
            raise UserError(
                self.env._(
                    "No phone column found. Name one column “Phone”; the file has: %s.",
                    ", ".join(filter(None, headings)),
                )
            )
        limit = self.env["waba.campaign"]._max_list_size()
        if len(rows) - 1 > limit:
            raise UserError(
                self.env._(
                    "The file has %(count)s rows; the limit is %(limit)s. Split it and import the "
                    "parts.",
                    count=len(rows) - 1,
                    limit=limit,
                )
            )
        return headings, [
            FileRow(number, _row_values(columns, cells), [str(cell or "") for cell in cells])
            for number, cells in rows[1:]
        ]

    def _check_rows(self, rows):
        """({E.164 number: FileRow}, {row number: sentence}): each number once."""
        ledger = self.env["waba.consent"]
        good, faults = {}, {}
        for row in rows:
            found = []
            number = ledger._parse_number(row.values["number"], self.env.company, found)
            if found:
                faults[row.number] = " ".join(found)
            elif number in good:
                faults[row.number] = self.env._("Duplicate of row %s.", good[number].number)
            else:
                good[number] = row
        text = self.env["waba.recipient"]._own_number_text
        for number in self.env["waba.sender"]._filter_own_numbers(good):
            faults[good.pop(number).number] = text(number)
        return good, faults

    # === Records ===

    def _find_or_create_records(self, good):
        """(records of these numbers, those of them that are new)."""
        model = self.env[self.res_model]
        number_of = self.env["waba.recipient"]._number_of
        known = {}
        forms = list(numbers.forms_by_number(good))
        for record in model.search([("phone_sanitized", "in", forms)], order="id desc"):
            known[number_of(record)] = record
        created = model.create(
            [
                self._record_values(number, row)
                for number, row in good.items()
                if number not in known
            ]
        )
        records = model.union(*(known[number] for number in good if number in known)) | created
        self._add_tag(records)
        return records, created

    def _record_values(self, number, row):
        texts = row.values
        name = texts.get("name") or texts.get("company") or number
        values = {"phone": number, "email_from": texts.get("email") or False}
        if self.res_model == "res.partner":
            return {"name": name, "phone": number, "email": values["email_from"]}
        return {
            **values,
            "name": name,
            "contact_name": texts.get("name") or False,
            "partner_name": texts.get("company") or False,
            "source_id": self._source_id(),
            "user_id": self.env.uid,
        }

    def _source_id(self):
        if not (self.source or "").strip():
            return False
        # Salespeople may not create sources; the name is all that they decide.
        mixin = self.env["utm.mixin"].sudo()
        return mixin._find_or_create_record("utm.source", self.source.strip()).id

    def _add_tag(self, records):
        if not (name := (self.tag_name or "").strip()):
            return
        is_lead = self.res_model == "crm.lead"
        field = "tag_ids" if is_lead else "category_id"
        # As for the source.
        tags = self.env["crm.tag" if is_lead else "res.partner.category"].sudo()
        tag = tags.search([("name", "=", name)], limit=1) or tags.create({"name": name})
        records._filtered_access("write").write({field: [fields.Command.link(tag.id)]})

    # === Consent ===

    def _record_opt_ins(self, good):
        """{row number: sentence} of those whose opt-in cannot be recorded: their record stays."""
        ledger, company = self.env["waba.consent"].sudo(), self.env.company
        at = f"{fields.Datetime.to_string(self.consent_date)} UTC"
        texts = [
            ({"number": number, "purpose": "marketing", "action": "opt_in", "at": at,
              "evidence": self.evidence}, "")
            for number in good
        ]  # fmt: skip
        read = ledger._parse_rows(texts, company)
        rows = list(good.values())
        ledger._record_rows(
            [
                (one, self._row_origin(row))
                for one, row in zip(read, rows, strict=True)
                if not one.faults
            ],
            "import",
            company,
            self._list_source(),
        )
        return {
            row.number: " ".join(one.faults)
            for one, row in zip(read, rows, strict=True)
            if one.faults
        }

    def _list_source(self):
        """The chosen opt-in source, if it is the current company's: opt-ins are given to that."""
        source = self.optin_source_id.sudo()
        return source.filtered(lambda one: one.company_id == self.env.company)

    def _row_origin(self, row):
        return self.env._(
            "Row %(row)s of “%(file)s”", row=row.number, file=self.file_name or self.env._("list")
        )

    # === Result ===

    def _result_text(self, count, new, records, faults):
        lines = [
            self.env._(
                "Rows imported: %(chosen)s of %(count)s. New records: %(new)s. Existing: "
                "%(known)s.",
                chosen=len(records),
                count=count,
                new=new,
                known=len(records) - new,
            )
        ]
        if faults:
            lines.append(
                self.env._("Rows with errors: %s. Download, correct and import them.", len(faults))
            )
        return "\n".join(lines)

    def _rejected_values(self, headings, rows, faults):
        """The rows with errors as a file: the columns as they were, with number and error."""
        if not faults:
            return {}
        out = io.StringIO()
        writer = csv.writer(out)
        lines = [[*headings, self.env._("Row"), self.env._("Error")]]
        lines += [
            [*row.cells, row.number, faults[row.number]] for row in rows if row.number in faults
        ]
        writer.writerows(map(export_cell, line) for line in lines)
        name = self.env._("rejected-%s.csv", fields.Date.context_today(self))
        return {
            "rejected": base64.b64encode(out.getvalue().encode("utf-8-sig")),
            "rejected_name": name,
        }


def _row_values(columns, cells):
    return {
        name: str(cells[index] or "").strip()
        for name, index in columns.items()
        if name in (*TEXT_COLUMNS, "number") and index < len(cells)
    }
