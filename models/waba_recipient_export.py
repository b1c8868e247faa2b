import csv
import io
import json
import zipfile

from odoo import fields, models

# What belongs to a person, and the columns that tell them something.
PARTS = {
    "people": ("waba.recipient", "id", (
        "number", "wa_number", "user_uid", "former_uids", "name", "partner_id", "marketing_state",
        "utility_state", "is_blocked", "last_marketing_at", "unreachable_until", "create_date",
    )),
    "consents": ("waba.consent", "recipient_id", (
        "at", "purpose", "action", "source", "evidence", "user_id", "create_date",
    )),
    "messages": ("waba.message", "recipient_id", (
        "create_date", "direction", "sender_id", "campaign_id", "template_id", "category",
        "number", "person_name", "body", "parameters", "payload", "state", "failure_reason",
        "accepted_at", "sent_at", "delivered_at", "read_at", "replied_at", "failed_at",
    )),
    "conversations": ("waba.conversation", "recipient_id", (
        "sender_id", "last_inbound_at", "window_expires_at", "responsible_id",
    )),
    "evidence": ("waba.reputation.event", "recipient_id", (
        "at", "kind", "certainty", "source", "value_before", "value_after", "detail",
    )),
}  # fmt: skip


class WabaRecipient(models.Model):
    """All that is known of a person, for that person: a table each, and the same as JSON."""

    _inherit = "waba.recipient"

    def _export_data(self):
        """{part: [{column: value}]} of these people, as far as their company knows them."""
        people = self._same_person_here()
        data = {}
        for part, (model, link, columns) in PARTS.items():
            rows = self.env[model].search([(link, "in", people.ids)], order="id")
            data[part] = [
                {name: _as_plain(row, row._fields[name]) for name in columns} for row in rows
            ]
        return data

    def _export_zip(self):
        """The same as bytes: one CSV file for each part, and all of it as JSON."""
        data = self._export_data()
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("all.json", json.dumps(data, ensure_ascii=False, indent=1))
            for part, rows in data.items():
                text = io.StringIO()
                writer = csv.DictWriter(text, PARTS[part][2], extrasaction="raise")
                writer.writeheader()
                for row in rows:
                    writer.writerow({name: _as_cell(value) for name, value in row.items()})
                archive.writestr(f"{part}.csv", "\ufeff" + text.getvalue())
        return file.getvalue()


def _as_plain(record, field):
    """A field's value as JSON and CSV can hold it."""
    value = record[field.name]
    if field.type == "many2one":
        return value.display_name or ""
    if field.type == "datetime":
        return fields.Datetime.to_string(value) or ""
    if field.type == "selection":
        return dict(field._description_selection(record.env)).get(value, "")
    return value if value or field.type == "boolean" else ""


def _as_cell(value):
    """As text that no spreadsheet takes for a formula: what people wrote is in here."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return f"'{text}" if text.startswith(("=", "@", "-", "\t", "\r")) else text
