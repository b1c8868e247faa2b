from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from .labels import selection_labels
from .waba_variable_mixin import COPIED_FIELDS

# What of an unsaved form the preview takes; nothing else reaches the record it is made from.
FORM_FIELDS = ("template_id", "company_id", "res_model", "audience_domain")


class WabaCampaign(models.Model):
    """The preview: one real person after the other, as each of them will see the message.

    Steps go by the records' ids, before or after the one that is shown, so the hundred thousandth
    costs as little as the first. Once rows exist their frozen words are shown instead.
    """

    _inherit = "waba.campaign"

    @api.model
    def campaign_preview_data(self, campaign_id, values, step="same", record_id=0):
        """One person's message for the form, saved or not; read with the user's own rights.

        :param campaign_id: the saved campaign, or False
        :param values: of the form: FORM_FIELDS, and `variables`, a list of dicts
        :param step: 'first', 'previous', 'same', 'next' or 'last', seen from `record_id`
        :return: {'html', 'name', 'record_id', 'notes', 'count', 'position'}; the last two are None
            after a step, which the current user counts along
        """
        self.check_access("read")
        saved = self.browse(campaign_id or [])
        domain = saved._preview_rows_domain() if saved else None
        if saved and saved.ab_test and values.get("variant"):
            domain &= Domain("variant", "=", values["variant"])
        if saved and (row := saved._find_preview_row(domain, step, record_id)):
            return saved._row_preview(row, domain, step, record_id)
        campaign = self.new(
            {
                **{name: values.get(name) for name in FORM_FIELDS},
                "variable_ids": [
                    Command.create({name: line.get(name) for name in COPIED_FIELDS})
                    for line in values.get("variables", [])
                ],
            }
        )
        return campaign._record_preview(step, record_id)

    def _record_preview(self, step, record_id):
        try:
            domain = Domain(self._audience_domain_list())
        except UserError as error:
            return self._preview_with_examples(str(error))
        records = self._audience_records()
        record = _find_record_at_step(records, domain, "id", step, record_id)
        if not record:
            return self._preview_with_examples()
        facts = record._waba_person_facts()
        return {
            "html": self.template_id._render_phone(self._preview_parameters(record, facts)),
            "name": facts["name"] or record.display_name,
            "record_id": record.id,
            **_position_values(records, domain, "id", step, record_id, record.id),
            "notes": self._preview_notes(record, facts),
        }

    def _preview_with_examples(self, problem=None):
        return {
            "html": self.template_id.preview_html or "",
            "name": "",
            "record_id": 0,
            "count": 0,
            "position": 0,
            "notes": [{"kind": "left_out", "text": problem}] if problem else [],
        }

    def _preview_notes(self, record, facts):
        """What of this person's message deserves a look: empty values, a missing number."""
        notes = []
        people = self.env["waba.recipient"]
        if not people._number_of(record):
            typed = people._raw_number(record)
            text = (
                self.env._("The number %s is not valid: this person would be left out.", typed)
                if typed
                else self.env._("There is no phone number: this person would be left out.")
            )
            notes.append({"kind": "left_out", "text": text})
        for line in self.variable_ids.sorted("sequence"):
            if line._value_without_fallback(record, facts) or line.kind == "payload":
                continue
            names = {"variable": line._placeholder_label(), "what": line._source_label(record)}
            if line.fallback:
                text = self.env._("%(what)s is empty: %(variable)s shows “%(fallback)s”.",
                                  **names, fallback=line.fallback)  # fmt: skip
                notes.append({"kind": "fallback", "text": text})
            elif not line._is_complete():
                text = self.env._("Say what %(variable)s shows.", variable=names["variable"])
                notes.append({"kind": "to_do", "text": text})
            else:
                text = self.env._("%(what)s is empty (%(variable)s): this person would be left "
                                  "out.", **names)  # fmt: skip
                notes.append({"kind": "left_out", "text": text})
        return notes

    # ------------------------------------------------------------------
    # What was frozen
    # ------------------------------------------------------------------

    def _find_preview_row(self, domain, step, record_id):
        self.check_access("read")
        return _find_record_at_step(self.env["waba.message"], domain, "res_id", step, record_id)

    def _preview_rows_domain(self):
        return Domain("campaign_id", "=", self.id) & Domain("direction", "=", "out")

    def _row_preview(self, row, domain, step, record_id):
        states = selection_labels(row, "state")
        has_words = bool(row.parameters) or not row.template_id.variable_ids
        text = row.failure_reason or states[row.state]
        is_bad = row.state in ("skipped", "failed", "cancelled")
        return {
            "html": row.preview_html if has_words else "",
            "name": row.person_name or row.number or "",
            "record_id": row.res_id,
            **_position_values(row, domain, "res_id", step, record_id, row.res_id),
            "notes": [{"kind": "left_out" if is_bad else "state", "text": text}],
        }


def _find_record_at_step(records, domain, field, step, from_id):
    """The record of `domain` that stands there when seen from `from_id`, in the order of `field`.

    Past an end it stays at the end; 'same' takes the next one if it is gone.
    """
    way = {"previous": ("<", "desc"), "last": (None, "desc"), "next": (">", "asc"),
           "same": (">=", "asc"), "first": (None, "asc")}  # fmt: skip
    operator, order = way[step]
    wanted = domain & Domain(field, operator, from_id) if operator and from_id else domain
    found = records.search(wanted, order=f"{field} {order}", limit=1)
    if found or not from_id:
        return found
    end = "desc" if step in ("next", "last") else "asc"
    return records.search(domain, order=f"{field} {end}", limit=1)


def _position_values(records, domain, field, step, from_id, id_):
    """How many there are and which of them it is: counted when the form opens or changes."""
    if step not in ("same", "first"):
        return {"count": None, "position": None}
    before = records.search_count(domain & Domain(field, "<", id_)) if from_id else 0
    return {"count": records.search_count(domain), "position": before + 1}
