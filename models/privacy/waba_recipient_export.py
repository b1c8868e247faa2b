"""Privacy: all data that companies hold about a person, as CSV and JSON in a ZIP file.

Called by wizard/waba_privacy.py.
"""

import csv
import io
import json
import zipfile

from odoo import fields, models

from ..consent.consent_sql import PURPOSES, strictest_consent
from ..tools.export_cells import export_cell
from ..tools.labels import selection_label
from .waba_recipient_erase import PERSONAL_MODELS

# {part: (model, exported columns)}; columns without meaning for the person are excluded.
EXPORT_PARTS = {
    "people": ("waba.recipient", (
        "number", "wa_number", "user_uid", "former_uids", "username", "name", "app_name",
        "partner_id",
        "marketing_state", "utility_state", "may_opt_out_at", "is_blocked", "last_marketing_at",
        "unreachable_until", "create_date",
    )),
    "consents": ("waba.consent", (
        "at", "purpose", "topic_id", "action", "valid_until", "source", "evidence", "user_id",
        "create_date",
    )),
    "messages": ("waba.message", (
        "create_date", "direction", "sender_id", "campaign_id", "template_id", "category",
        "number", "person_name", "body", "parameters", "payload", "state", "failure_reason",
        "accepted_at", "sent_at", "delivered_at", "read_at", "replied_at", "failed_at",
    )),
    "conversations": ("waba.conversation", (
        "sender_id", "last_inbound_at", "window_expires_at", "responsible_id", "ad_id",
        "ctwa_clid",
    )),
    "conversions": ("waba.conversion", (
        "event_at", "kind", "event_name", "ad_id", "ctwa_clid", "value", "currency_id", "state",
        "reason", "sent_at",
    )),
    "evidence": ("waba.reputation.event", (
        "at", "kind", "certainty", "source", "value_before", "value_after", "detail",
    )),
}  # fmt: skip


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _export_data(self, companies):
        """The data that these companies hold about these people, as plain values.

        :return: {part of EXPORT_PARTS: [{column: value}]}
        """
        people = self._company_rows(companies)
        states = people._consent_states(companies)
        data = {}
        for part, (model, columns) in EXPORT_PARTS.items():
            held = people._held_domain(model, companies) if model in PERSONAL_MODELS else None
            rows = self.env[model].search(held, order="id") if held else people.sorted("id")
            data[part] = [
                {name: _plain_value(row, row._fields[name]) for name in columns} for row in rows
            ]
        for row, person in zip(data["people"], people.sorted("id"), strict=True):
            for purpose in PURPOSES:
                # The consent given to these companies, not what a whole portfolio may rely on.
                state = strictest_consent(
                    {states[company.id, person.id, purpose] for company in companies}
                )
                row[f"{purpose}_state"] = selection_label(
                    self.env, f"{purpose}_state", state, self._name
                )
        return data

    def _export_zip(self, companies):
        """`_export_data` as bytes of a ZIP file: one CSV file for each part, and all as JSON."""
        data = self._export_data(companies)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("all.json", json.dumps(data, ensure_ascii=False, indent=1))
            for part, rows in data.items():
                text = io.StringIO()
                # All quoted, for spreadsheets that take ";" in a text for a separator.
                writer = csv.DictWriter(text, EXPORT_PARTS[part][1], quoting=csv.QUOTE_ALL)
                writer.writeheader()
                for row in rows:
                    writer.writerow({name: export_cell(value) for name, value in row.items()})
                archive.writestr(f"{part}.csv", "\ufeff" + text.getvalue())
        return file.getvalue()


def _plain_value(record, field):
    """A field's value for JSON and CSV: labels and names, not keys and ids."""
    value = record[field.name]
    if field.type == "many2one":
        return value.display_name or ""
    if field.type == "date":
        return fields.Date.to_string(value) or ""
    if field.type == "datetime":
        return fields.Datetime.to_string(value) or ""
    if field.type == "selection":
        return dict(field._description_selection(record.env)).get(value, "")
    return value if value or field.type == "boolean" else ""
