"""Consent: opt-outs that stay in force when the number of a lead or contact changes.

Called by `write` of leads and contacts and their button; read by queue, reservation and panel.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.system_fields import USER_GROUP
from .consent_sql import consent_sql, topic_sql
from .waba_recipient import recipients_with_numbers

# They change a number as well: the country it is parsed by, the contact whose number a lead has.
COUNTRY_SOURCE_FIELDS = {"country_id", "partner_id"}


class WabaRenumbered(models.Model):
    """A lead or contact whose number was changed after its person had opted out.

    The new number has no opt-out but may be the same person's. So the old number's opt-outs apply
    to it until a user confirms that it is another person. `_update_holds` creates the row when the
    number changes; `renumbered_sql` and `_held_records` read it when a message is queued and when
    it is reserved. A settled row stays as the record of who confirmed it and when.
    """

    _name = "waba.renumbered"
    _description = "WhatsApp Number Changed After an Opt-out"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    res_model = fields.Char("Record's model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    recipient_id = fields.Many2one(
        "waba.recipient", "Former recipient", required=True, readonly=True, ondelete="cascade",
        index=True,
    )  # fmt: skip
    changed_at = fields.Datetime(required=True, readonly=True)
    changed_by_id = fields.Many2one("res.users", readonly=True, ondelete="set null")
    settled_at = fields.Datetime("Confirmed on", readonly=True)
    settled_by_id = fields.Many2one("res.users", "Confirmed by", readonly=True, ondelete="set null")

    _record_uniq = models.UniqueIndex("(res_model, res_id, recipient_id)")
    # Nearly always empty, and checked for every message before it is sent.
    _open_idx = models.Index("(res_id, res_model) WHERE settled_at IS NULL")

    # === Which records are on hold ===

    @api.model
    def _held_records(self, model, record_ids, companies, topic_id=None):
        """{(company id, record id, purpose)}: records that get no messages for this purpose.

        :param model: name of the records' model
        :param companies: res.company that would send
        :param topic_id: id of the promotions' waba.topic, if they have one
        """
        self.flush_model()
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id, held.res_id, p.purpose
                     FROM waba_renumbered held
                     JOIN waba_recipient r ON r.id = held.recipient_id
               CROSS JOIN unnest(%(companies)s::int[]) AS c(id)
               CROSS JOIN LATERAL (VALUES ('marketing', %(marketing)s),
                                          ('utility', %(utility)s)) AS p(purpose, state)
                    WHERE held.settled_at IS NULL AND p.state = 'opted_out'
                      AND held.res_model = %(model)s AND held.res_id = ANY(%(ids)s)""",
                companies=companies.ids,
                marketing=SQL(
                    "COALESCE(%s, %s)", topic_sql(topic_id or None),
                    consent_sql("marketing", SQL("c.id")),
                ),
                utility=consent_sql("utility", SQL("c.id")),
                model=model,
                ids=list(record_ids),
            )
        ) if record_ids and self._has_open_rows() else []  # fmt: skip
        return set(rows)

    @api.model
    def _has_open_rows(self):
        """Whether there is any hold: nearly always none, and campaigns check thousands."""
        return bool(
            self.env.execute_query(
                SQL("SELECT 1 FROM waba_renumbered WHERE settled_at IS NULL LIMIT 1")
            )
        )

    # === When a number changes ===

    @api.model
    def _portfolios(self):
        return self.env["waba.portfolio"].search([])  # pylint: disable=no-search-all

    @api.model
    def _filter_opted_out(self, wanted):
        """{key: waba.recipient} of the people who have opted out of a topic.

        :param wanted: E.164 numbers, and ids of recipients as text
        """
        wanted = set(filter(None, wanted))
        if not wanted:
            return {}
        ids = [int(key) for key in wanted if key[0] != "+"]
        people = self.env["waba.recipient"].search(
            recipients_with_numbers(wanted) | Domain("id", "in", ids), order="id desc"
        )
        out = people.filtered(
            lambda person: (
                "opted_out" in (person.marketing_state, person.utility_state)
                or person.marketing_out_at
                or person.utility_out_at
                or person._closed_topics()
            )
        )
        return {key: p for p in out for key in wanted.intersection(p._person_forms())}

    @api.model
    def _find_open_rows(self, records):
        """The rows of these leads or contacts that are not settled."""
        return self.search(
            [
                ("res_model", "=", records._name),
                ("res_id", "in", records.ids),
                ("settled_at", "=", False),
            ]
        )

    @api.model
    def _update_holds(self, before, out):
        """Hold records whose number has changed, and release those that have their old one again.

        :param before: {record: number, or linked recipient's id as text, or ''} before the change
        :param out: `_filter_opted_out` of these
        """
        portfolios = self._portfolios()
        for record, number in before.items():
            now = self.env["waba.recipient"]._person_key(record, portfolios)
            if now == number:
                continue
            person = out.get(number)
            # Another spelling of the same number is no change.
            if person and now not in person._same_person()._person_forms():
                self._hold_records(record, person)
            elif now:
                self._find_open_rows(record).filtered(
                    lambda row, now=now: now in row.recipient_id._same_person()._person_forms()
                ).unlink()

    @api.model
    def _hold_records(self, record, person):
        """Open the hold of one record for its previous person."""
        values = {
            "changed_at": fields.Datetime.now(),
            "changed_by_id": self.env.uid,
            "settled_at": False,
            "settled_by_id": False,
        }
        key = {"res_model": record._name, "res_id": record.id, "recipient_id": person.id}
        known = self.search([(name, "=", value) for name, value in key.items()])
        known.write(values) if known else self.create({**key, **values})

    @api.model
    def _apply_record_merge(self, model, sources, target):
        """Move the holds of merged records to the record that stays.

        :param model: name of their model
        :param sources: ids of the records that were merged into `target`
        :param target: id of the record that stays
        """
        rows = self.search([("res_model", "=", model), ("res_id", "in", list(sources))])
        known = self.search([("res_model", "=", model), ("res_id", "=", target)]).recipient_id
        for row in rows:
            if row.recipient_id in known:
                row.unlink()
                continue
            known |= row.recipient_id
            row.res_id = target


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    waba_is_renumbered = fields.Boolean(
        "Number changed after an opt-out", compute="_compute_waba_is_renumbered", groups=USER_GROUP
    )

    def _compute_waba_is_renumbered(self):
        held = self.env["waba.renumbered"].sudo()._find_open_rows(self).mapped("res_id")
        for record in self:
            record.waba_is_renumbered = record._origin.id in held

    def write(self, vals):
        names = {*self._phone_get_number_fields(), *COUNTRY_SOURCE_FIELDS} if self else set()
        if not names.intersection(vals):
            return super().write(vals)
        renumbered = self.env["waba.renumbered"].sudo()
        before, out = self.sudo()._waba_previous_numbers(renumbered)
        result = super().write(vals)
        if before:
            renumbered._update_holds(before, out)
        return result

    def action_waba_confirm_other_person(self):
        """Button: the new number is another person's, so the opt-outs do not apply to it."""
        self.ensure_one()
        if not self.env.user.has_group(USER_GROUP):
            raise AccessError(self.env._("Only WhatsApp users can confirm this."))
        self.check_access("write")
        renumbered = self.env["waba.renumbered"].sudo()
        rows = renumbered._find_open_rows(self)
        rows |= renumbered.search(
            [("recipient_id", "in", rows.recipient_id.ids), ("settled_at", "=", False)]
        ).filtered(self._waba_has_number)
        if not rows:
            return False
        rows.write({"settled_at": fields.Datetime.now(), "settled_by_id": self.env.uid})
        self.sudo()._message_log(
            body=self.env._(
                "WhatsApp: %(user)s confirmed that %(number)s belongs to someone other than the "
                "person "
                "who had opted out under the former number.",
                user=self.env.user.name,
                number=self.env["waba.recipient"]._number_of(self) or self.env._("no number"),
            ),
            author_id=self.env.user.partner_id.id,
        )
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _waba_previous_numbers(self, renumbered):
        """The records that a change may hold or release.

        :return: ({record: key of `_person_key`}, `_filter_opted_out` of these)
        """
        people, portfolios = self.env["waba.recipient"], renumbered._portfolios()
        numbers = {record: people._person_key(record, portfolios) for record in self}
        out = renumbered._filter_opted_out(numbers.values())
        held = set(renumbered._find_open_rows(self).mapped("res_id")) if self.ids else set()
        before = {
            record: number
            for record, number in numbers.items()
            if number in out or record.id in held
        }
        for record in list(before):
            # A lead's number changes with its contact's.
            for lead in record._waba_synced_records():
                before[lead] = people._person_key(lead, portfolios)
        return before, out

    def _waba_synced_records(self):
        """Other records whose number may change with this one's."""
        if self._name != "res.partner":
            return []
        leads = self.env["crm.lead"].with_context(active_test=False)
        return leads.search([("partner_id", "=", self.id)])

    def _waba_has_number(self, row):
        """Whether the record of a hold has the same number now, as a lead and its contact do."""
        record = self.env[row.res_model].sudo().browse(row.res_id).exists()
        people = self.env["waba.recipient"]
        return bool(record) and people._number_of(record) == people._number_of(self.sudo())
