from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import numbers, record_change


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    @api.model
    def _waba_traits_sql(self, company_id):
        """SQL text: the traits of the record `r` as `policy.record_change` names them, by blanks.

        Asked in the transaction that reserves, for a whole batch at once: only what the record's
        table and its contact's tell. Override it with more traits of your model.
        """
        return SQL(
            "concat_ws(' ', %s, %s)",
            self._waba_company_trait_sql(company_id),
            SQL("CASE WHEN r.active IS FALSE THEN 'archived' END")
            if self._waba_has_column("active")
            else SQL("NULL"),
        )

    @api.model
    def _waba_company_trait_sql(self, company_id):
        if not self._waba_has_column("company_id"):
            return SQL("NULL")
        return SQL("CASE WHEN r.company_id <> %s THEN 'elsewhere' END", company_id)

    @api.model
    def _waba_has_column(self, name):
        field = self._fields.get(name)
        return bool(field and field.store)

    @api.model
    def _waba_current_records(self, ids, company):
        """{id: policy.record_change.Record} of those of `ids` that exist, archived ones too.

        By SQL, anyone who may read them: nothing of it is shown to anybody. The number is Odoo's.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id, r.phone_sanitized, %s FROM %s r WHERE r.id = ANY(%s)",
                self._waba_traits_sql(company.id),
                SQL.identifier(self._table),
                list(ids),
            )
        )
        return {
            id_: record_change.RecordState(number or "", frozenset(traits.split()))
            for id_, number, traits in rows
        }

    @api.model
    def _waba_parse_numbers(self, found):
        """`found` with the numbers that Odoo did not keep and that can be read by now, as
        `waba.recipient._number_of` does when the message is made.

        :param found: what `_waba_current_records` gives
        """
        without = self.sudo().browse(id_ for id_, record in found.items() if not record.number)
        number_of = self.env["waba.recipient"]._number_of
        return found | {one.id: found[one.id]._replace(number=number_of(one)) for one in without}


class CrmLead(models.Model):
    _inherit = "crm.lead"

    @api.model
    def _waba_traits_sql(self, company_id):
        return SQL(
            """concat_ws(' ', %s,
                   CASE WHEN r.won_status = 'lost' THEN 'lost'
                        WHEN r.active IS FALSE THEN 'archived'
                        WHEN r.won_status = 'won' THEN NULL ELSE 'open' END,
                   CASE WHEN r.won_status = 'won' THEN 'won' END,
                   CASE WHEN EXISTS (SELECT 1 FROM res_partner p
                                      WHERE p.id = r.partner_id AND NOT p.active)
                        THEN 'contact_archived' END)""",
            self._waba_company_trait_sql(company_id),
        )


class WabaMessage(models.Model):
    """The lead or contact that a message was made for, looked at again before it leaves."""

    _inherit = "waba.message"

    record_traits = fields.Char(
        readonly=True,
        help="What the record was when the message was made: open, won, lost, archived… Empty for "
        "messages to a person without a record.",
    )

    @api.model
    def _read_record_traits(self, model, ids, company):
        """{id: value of `record_traits`} for the records of one model.

        A record without any trait has a blank: it is one nevertheless.
        """
        found = self.env[model]._waba_current_records(ids, company)
        return {id_: " ".join(sorted(record.traits)) or " " for id_, record in found.items()}

    @api.model
    def _message_record_traits(self, record, company):
        """Value of `record_traits` of a message to this record; False for a waba.recipient."""
        if record._name == "waba.recipient":
            return False
        return self._read_record_traits(record._name, record.ids, company).get(record.id, False)

    @api.model
    def _current_records(self, rows, company):
        """{(model, id): policy.record_change.Record} behind these candidates: a query per model."""
        ids = {}
        for row in rows:
            if row["record_traits"] and row["res_model"] in self.env:
                ids.setdefault(row["res_model"], set()).add(row["res_id"])
        return {
            (model, id_): record
            for model, of_model in ids.items()
            for id_, record in self.env[model]
            ._waba_parse_numbers(self.env[model]._waba_current_records(of_model, company))
            .items()
        }


class WabaSender(models.Model):
    _inherit = "waba.sender"

    def _exclude_changed(self, rows):
        """The candidates whose lead or contact is what it was when the message was made.

        The others are excluded for good, with what happened as their reason.

        :param rows: dicts of `_find_candidates`
        """
        messages = self.env["waba.message"]
        records = messages._current_records(rows, self.company_id)
        ends_with = self._sequence_end_traits(rows)
        unchanged, changed = [], {}
        for row in rows:
            reason = row["record_traits"] and record_change.change_reason(
                record_change.MessageOrigin(
                    number=row["number"] or "",
                    traits=frozenset(row["record_traits"].split()),
                    origin=row["origin"] or "campaign",
                    category=row["category"],
                    ends_with=ends_with.get(row["sequence_id"], record_change.NO_TRAITS),
                ),
                records.get((row["res_model"], row["res_id"])),
                numbers.canonical_number,
            )
            if reason:
                changed.setdefault(reason, []).append(row["id"])
            else:
                unchanged.append(row)
        for reason, ids in changed.items():
            messages.browse(ids)._exclude_message(reason)
        return unchanged

    def _sequence_end_traits(self, rows):
        """{waba.sequence id: traits of a lead that end this follow-up}."""
        ids = {row["sequence_id"] for row in rows if row["sequence_id"]}
        return {
            sequence.id: frozenset(
                (["won"] if sequence.stop_on_won else [])
                + (["lost", "archived"] if sequence.stop_on_lost else [])
            )
            for sequence in self.env["waba.sequence"].browse(ids)
        }
