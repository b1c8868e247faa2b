"""Consent: import of opt-in and opt-out lists, and the rows that could not be parsed.

Called by Odoo's import (`load`), by forms (`_record_rows`) and by the list of rejected rows.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...policy import written_dates
from .waba_consent import TEXTS

# {column of a list: name of TEXTS}
COLUMNS = {
    "person_id": "number",
    "purpose": "purpose",
    "topic_name": "topic",
    "action": "action",
    "said_at": "at",
    "ends_on": "valid_until",
    "evidence": "evidence",
}

REQUIRED_COLUMNS = ("person_id", "action", "said_at")

# Lists that name no topic are nearly all about promotions.
DEFAULT_PURPOSE = "marketing"

MAX_ERRORS_SHOWN = 100

TEMPLATES = "/waba_campaign/static/import"


class WabaConsent(models.Model):
    """Managers import lists through Odoo's import, which passes each row to `_set_consent`."""

    _inherit = "waba.consent"

    # A many2one, because Odoo's import offers "Skip record" for those only.
    person_id = fields.Many2one(
        "waba.recipient",
        "Phone number",
        store=False,
        help="Without a country code, the company's country is used.",
    )
    said_at = fields.Char(
        "Consent date",
        store=False,
        help="When the person opted in or out: 2026-11-03 or 2026-11-03 10:30.",
    )

    topic_name = fields.Char(
        "Topic name", store=False, help="A topic of promotions; empty for all of them."
    )
    source_name = fields.Char(
        "Opt-in source name", store=False, help="Created as an imported list if it does not exist."
    )
    ends_on = fields.Char("Last day", store=False, help="The last day of the opt-in.")

    @api.model
    def get_import_templates(self):
        return [
            {"label": self.env._("Opt-ins (Excel)"), "template": f"{TEMPLATES}/opt_ins.xlsx"},
            {"label": self.env._("Opt-ins (CSV)"), "template": f"{TEMPLATES}/opt_ins.csv"},
        ]

    @api.model
    def load(self, fields, data):
        """Odoo's import: record consent, with file and row as evidence, instead of new rows."""
        if not self.env.context.get("import_file"):
            return super().load(fields, data)
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can import consent."))
        # Read before `sudo`, under which any company that a client names would be accepted.
        company = self.env.company
        return self._with_date_order(fields, data).sudo()._load_list(fields, data, company)

    @api.model
    def _with_date_order(self, columns, data):
        """`self` with the order of day and month in the dates of this list in its context.

        Odoo's import calls `load` in batches and detects the order from the whole list
        (wizard/base_import_import.py); other callers pass the whole list as `data`.
        """
        known = self.env.context.get("waba_list") or {}
        if "order" in known or "said_at" not in columns:
            return self
        at = columns.index("said_at")
        order = written_dates.detect_order(row[at] for row in data)
        return self.with_context(waba_list={**known, "order": order})

    @api.model
    def _load_list(self, columns, data, company):
        """Record all rows, or with "Skip record" those without faults; see `load`.

        Skipped rows are stored as waba.consent.rejected.

        :return: {'ids': [int] or False, 'messages': [dict], 'nextrow': int}
        """
        if missing := [name for name in REQUIRED_COLUMNS if name not in columns]:
            labels = [self._fields[name]._description_string(self.env) for name in missing]
            text = self.env._(
                "Columns missing: %s. Map them to a column of the file and test again.",
                ", ".join(labels),
            )
            return {"ids": False, "messages": [{"type": "error", "message": text}], "nextrow": 0}
        limit = self.env.context.get("_import_limit") or len(data)
        rows = [dict(zip(columns, row, strict=True)) for row in data[:limit]]
        texts = [
            {"purpose": DEFAULT_PURPOSE, **{COLUMNS[c]: row[c] for c in COLUMNS if row.get(c)}}
            for row in rows
        ]
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
        entries = self.browse()
        for name in dict.fromkeys((rows[index].get("source_name") or "").strip() for index in good):
            accepted = [
                (read[index], self._row_origin(index))
                for index in good
                if (rows[index].get("source_name") or "").strip() == name
            ]
            source = self._find_or_create_list(name, company)
            entries |= self._record_rows(accepted, "import", company, source)
        return {
            "ids": entries.ids,
            "messages": [],
            "nextrow": limit if limit < len(data) else 0,
        }

    def _import_errors(self, read, bad):
        """Odoo's import messages about the rows at the indexes `bad`."""
        rows = [
            {
                "type": "error",
                "field": False,
                "record": self._row_number(index),
                "rows": {"from": index, "to": index},
                # Odoo shows equal messages once and without their rows: the row makes it unique.
                "message": f"{' '.join(read[index].faults)} [{self._row_number(index)}]",
            }
            for index in bad[:MAX_ERRORS_SHOWN]
        ]
        choice = self.env._(
            "Rows with errors: %(bad)s of %(all)s. Choose “Skip record” to import the others and "
            "correct these under Consent > Rejected rows.",
            bad=len(bad),
            all=len(read),
        )
        if len(bad) > len(rows):
            choice += " " + self.env._("The first %s are listed.", len(rows))
        return [*rows, {**rows[0], "field": "person_id", "message": choice}]

    def _row_number(self, index):
        """The row's number in the file, headings and blank rows included."""
        known = self.env.context.get("waba_list") or {}
        if index < len(rows := known.get("rows") or ()):
            return rows[index]
        return index + 1 + known.get("skipped", 0) + known.get("headings", 1)

    def _row_origin(self, index):
        known = self.env.context.get("waba_list") or {}
        return self.env._(
            "Row %(row)s of “%(file)s”",
            row=self._row_number(index),
            file=known.get("file") or self.env._("list"),
        )

    @api.model
    def _find_or_create_list(self, name, company):
        """The opt-in source that a list names; none without a name."""
        sources = self.env["waba.optin.source"]
        if not name:
            return sources
        known = [("name", "=", name), ("company_id", "=", company.id)]
        return sources.search(known, limit=1) or sources.create(
            {"name": name, "kind": "file", "company_id": company.id, "sender_id": False}
        )

    @api.model
    def _record_rows(self, rows, source, company, optin_source=None):
        """Record the consent of parsed rows.

        :param rows: [(ParsedRow without faults, origin: file and row, or the form)]
        :param source: 'import' | 'form'
        :param company: res.company that the consent is given to
        :param optin_source: waba.optin.source of the opt-ins
        :return: their waba.consent entries; older ones for rows recorded before
        """
        numbers = {read.number for read, _origin in rows}
        known = self.env["waba.recipient"]._company_recipients(numbers, company)
        wanted = set()
        for read, origin in rows:
            person = known[read.number]
            evidence = ": ".join(filter(None, [origin, read.evidence]))
            person._set_consent(
                read.purpose,
                read.action,
                source,
                evidence,
                at=read.at,
                company=company,
                topic=self.env["waba.topic"].browse(read.topic_id or []),
                valid_until=read.valid_until,
                optin_source=optin_source if read.action == "opt_in" else None,
            )
            wanted.add((person.id, read.purpose, read.topic_id, read.action, read.at))
        entries = self.search(
            [
                ("recipient_id", "in", [person.id for person in known.values()]),
                ("source", "=", source),
                ("at", "in", [read.at for read, _origin in rows]),
            ]
        )
        return entries.filtered(
            lambda entry: (
                (
                    entry.recipient_id.id,
                    entry.purpose,
                    entry.topic_id.id or 0,
                    entry.action,
                    entry.at,
                )
                in wanted
            )
        )


class WabaConsentRejected(models.Model):
    """A row of a list or form that could not be parsed, unchanged, for a manager to correct."""

    _name = "waba.consent.rejected"
    _description = "Rejected consent row"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "number"

    active = fields.Boolean(default=True, help="Off once imported or dismissed.")
    number = fields.Char("Phone number")
    purpose = fields.Char()
    topic = fields.Char()
    action = fields.Char()
    at = fields.Char("Date")
    valid_until = fields.Char()
    evidence = fields.Text()
    source = fields.Selection(
        [("form", "Form"), ("import", "Import")], required=True, readonly=True
    )
    origin = fields.Char(readonly=True)
    fault = fields.Text("Error", readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    consent_id = fields.Many2one("waba.consent", "Imported as", readonly=True, ondelete="set null")

    def action_retry_row(self):
        """Parse corrected rows again and record their consent; remaining faults go to `fault`."""
        ledger = self.env["waba.consent"].sudo()
        for row in self:
            texts = {name: row[name] for name in TEXTS}
            # The name of a form is evidence of where the person agreed; a file's name is not.
            known = row.origin if row.source == "form" else ""
            [read] = ledger._parse_rows([(texts, known or "")], row.company_id)
            if read.faults:
                row.sudo().fault = "\n".join(read.faults)
                continue
            entry = ledger._record_rows([(read, row.origin)], row.source, row.company_id)
            row.sudo().write({"consent_id": entry.id, "active": False, "fault": False})

    @api.model
    def _store_row(self, texts, source, faults, company, origin):
        """Store a row that could not be parsed, once.

        :param texts: {name of TEXTS: text}
        :param source: 'import' | 'form'
        :param faults: [sentence]
        :param origin: file and row, or the form
        :return: waba.consent.rejected
        """
        values = {name: str(texts.get(name) or "").strip() for name in TEXTS}
        values |= {"source": source, "origin": origin, "company_id": company.id}
        same = [(name, "=", value or False) for name, value in values.items()]
        return self.search(same, limit=1) or self.create({**values, "fault": "\n".join(faults)})


def _rejected_texts(texts, read):
    """The texts with the time in UTC: the order of day and month is known from the list only."""
    return {**texts, "at": f"{fields.Datetime.to_string(read.at)} UTC"} if read.at else texts
