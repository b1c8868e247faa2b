from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...policy import written_dates
from .waba_consent import TEXTS

# The columns of a list, and what each is read as.
COLUMNS = {
    "person_id": "number",
    "purpose": "purpose",
    "action": "action",
    "said_at": "at",
    "evidence": "evidence",
}

REQUIRED_COLUMNS = ("person_id", "purpose", "action", "said_at")

MAX_ERRORS_SHOWN = 100


class WabaConsent(models.Model):
    """Lists of opt-ins and opt-outs through Odoo's import, by managers.

    Odoo's own `load` makes records; here each row goes through the single entry point instead, so that
    states follow, with file and row as evidence. The phone number is a many2one so that Odoo's
    import offers there to skip the records that cannot be read.
    """

    _inherit = "waba.consent"

    person_id = fields.Many2one(
        "waba.recipient",
        "Phone number",
        store=False,
        help="With its country code; without one it is of the company's country.",
    )
    said_at = fields.Char(
        "Said on", store=False, help="When the person said so: 2026-11-03 or 2026-11-03 10:30."
    )

    @api.model
    def load(self, fields, data):
        if not self.env.context.get("import_file"):
            return super().load(fields, data)
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager imports consent."))
        # Read with the user's own rights: under `sudo` any company that a client names would do.
        company = self.env.company
        return self._with_date_order(fields, data).sudo()._load_list(fields, data, company)

    @api.model
    def _with_date_order(self, columns, data):
        """As `self`, knowing whether days or months come first in the dates of this list.

        Odoo's import knows the whole list (wizard/base_import_import.py); whoever loads without it
        gives all of it.
        """
        known = self.env.context.get("waba_list") or {}
        if "order" in known or "said_at" not in columns:
            return self
        at = columns.index("said_at")
        order = written_dates.detect_order(row[at] for row in data)
        return self.with_context(waba_list={**known, "order": order})

    @api.model
    def _load_list(self, columns, data, company):
        """As `load`: ids and messages of the rows, all of them or, if so chosen, all good ones.

        What is skipped is kept (waba.consent.rejected).
        """
        if missing := [name for name in REQUIRED_COLUMNS if name not in columns]:
            labels = [self._fields[name]._description_string(self.env) for name in missing]
            text = self.env._("The list needs these columns too: %s.", ", ".join(labels))
            return {"ids": False, "messages": [{"type": "error", "message": text}], "nextrow": 0}
        limit = self.env.context.get("_import_limit") or len(data)
        rows = [dict(zip(columns, row, strict=True)) for row in data[:limit]]
        texts = [{COLUMNS[c]: row[c] for c in COLUMNS if c in row} for row in rows]
        read = self._parse_rows([(row, "") for row in texts], company)
        bad = [index for index, row in enumerate(read) if row.faults]
        skips = bool(self.env.context.get("import_skip_records"))
        if bad and (not skips or len(bad) == len(read)):
            return {"ids": False, "messages": self._import_errors(read, bad), "nextrow": 0}
        for index in bad:
            self.env["waba.consent.rejected"]._store_row(
                _rejected_texts(texts[index], read[index]),
                "import",
                read[index].faults,
                company,
                self._row_origin(index),
            )
        good = sorted(set(range(len(read))) - set(bad), key=lambda index: read[index].at)
        taken = [(read[index], self._row_origin(index)) for index in good]
        return {
            "ids": self._record_rows(taken, "import", company).ids,
            "messages": [],
            "nextrow": limit if limit < len(data) else 0,
        }

    def _import_errors(self, read, bad):
        """Odoo's import messages of the rows that cannot be read."""
        rows = [
            {
                "type": "error",
                "field": False,
                "record": self._row_number(index),
                "rows": {"from": index, "to": index},
                # What is said twice Odoo shows once, without its rows.
                "message": f"{' '.join(read[index].faults)} [{self._row_number(index)}]",
            }
            for index in bad[:MAX_ERRORS_SHOWN]
        ]
        choice = self.env._(
            "%(bad)s of %(all)s rows cannot be read; the first %(shown)s are named above. With "
            "“Skip record” the others are taken and these kept, under Consent > Not understood.",
            bad=len(bad),
            all=len(read),
            shown=len(rows),
        )
        return [*rows, {**rows[0], "field": "person_id", "message": choice}]

    def _row_number(self, index):
        """As a spreadsheet counts, headings included."""
        known = self.env.context.get("waba_list") or {}
        return index + 1 + known.get("skipped", 0) + known.get("headings", 1)

    def _row_origin(self, index):
        known = self.env.context.get("waba_list") or {}
        return self.env._(
            "Row %(row)s of “%(file)s”",
            row=self._row_number(index),
            file=known.get("file") or self.env._("a list"),
        )

    @api.model
    def _record_rows(self, rows, source, company):
        """Write down rows that were read; the ledger's entries, perhaps of an earlier time.

        :param rows: [(Read without faults, the list and row, or the form, it comes from)]
        """
        numbers = {read.number for read, _origin in rows}
        known = self.env["waba.recipient"]._company_recipients(numbers, company)
        wanted = set()
        for read, origin in rows:
            person = known[read.number]
            evidence = ": ".join(filter(None, [origin, read.evidence]))
            person._set_consent(
                read.purpose, read.action, source, evidence, at=read.at, company=company
            )
            wanted.add((person.id, read.purpose, read.action, read.at))
        entries = self.search(
            [
                ("recipient_id", "in", [person.id for person in known.values()]),
                ("source", "=", source),
                ("at", "in", [read.at for read, _origin in rows]),
            ]
        )
        return entries.filtered(
            lambda entry: (entry.recipient_id.id, entry.purpose, entry.action, entry.at) in wanted
        )


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


def _rejected_texts(texts, read):
    """A row's texts; its time as it was read, which the row alone might not tell again."""
    return {**texts, "at": f"{fields.Datetime.to_string(read.at)} UTC"} if read.at else texts
