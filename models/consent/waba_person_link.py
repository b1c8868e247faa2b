"""Consent: which recipient is behind a lead, a contact or any other record.

Called wherever a record's person is asked: audiences, direct sends, panels, follow-ups, routing.
"""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.phone_countries import number_language
from ..tools.system_fields import USER_GROUP
from .waba_reach import PERSON_MODELS
from .waba_recipient import recipients_with_numbers

# Of a record that is neither lead nor contact, the first that can be messaged is its person.
PERSON_PATHS = ("partner_id", "opportunity_id", "lead_id", "commercial_partner_id")

# Characters of a user id that are shown: enough to tell two people apart in a list.
SHOWN_START, SHOWN_END = 7, 4


class WabaRecipient(models.Model):
    """A person without a number is linked: to a contact by `partner_id`, to leads by their own
    field. The number on a record comes first: it is what a user typed and can see."""

    _inherit = "waba.recipient"

    username = fields.Char("WhatsApp username", readonly=True, help="Chosen by the person.")
    lead_ids = fields.One2many(
        "crm.lead", "waba_recipient_id", "Linked leads", readonly=True, groups=USER_GROUP
    )

    _username_idx = models.Index("(username) WHERE username IS NOT NULL")

    def _handle(self):
        """'@username' if known, else the number, else a short form of the user id; '' for none."""
        if self.username:
            return f"@{self.username}"
        uid = self.user_uid or ""
        is_long = len(uid) > SHOWN_START + SHOWN_END + 1
        return self.number or (f"{uid[:SHOWN_START]}…{uid[-SHOWN_END:]}" if is_long else uid)

    @api.model
    def _person_record(self, record):
        """The lead or contact behind any record, with its rights; else no contact.

        :param record: one record of any model: a lead, a quotation, an invoice, a registration
        """
        if record._name in PERSON_MODELS:
            return record
        candidates = [
            record[name][:1]
            for name in PERSON_PATHS
            if name in record._fields
            and record._fields[name].comodel_name in PERSON_MODELS
            and record[name]
        ]
        reachable = (one for one in candidates if one._waba_has_person())
        return next(reachable, next(iter(candidates), record.env["res.partner"]))

    def _address(self):
        """What Meta is told to send to, and what tells the country: number or user id."""
        return self.number or self.user_uid or ""

    @api.model
    def _store_usernames(self, names):
        """Store the usernames in statuses where they are new.

        :param names: {waba.message id: username}
        """
        if not names:
            return
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r SET username = v.username
                     FROM unnest(%s::int[], %s::varchar[]) AS v(id, username)
                     JOIN waba_message m ON m.id = v.id
                    WHERE r.id = m.recipient_id AND r.username IS DISTINCT FROM v.username""",
                list(names),
                list(names.values()),
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model(["username"])

    # === Links ===

    def _link_record(self, record):
        """Link a lead or contact without a number to this person, unless it has a person already.

        :return: whether it is linked to this person now
        """
        self.ensure_one()
        record = record.sudo()
        if known := record._waba_linked(self.portfolio_id)[record.id]:
            return known == self
        if record._name == "crm.lead":
            record.waba_recipient_id = self
        elif self.partner_id:
            return False
        else:
            self.partner_id = record
        return True

    def _move_links(self, other):
        """What was linked to `other`, a row of the same person, is linked to this one."""
        leads = self.env["crm.lead"].sudo().with_context(active_test=False)
        leads.search([("waba_recipient_id", "=", other.id)]).waba_recipient_id = self
        if not self.partner_id and other.partner_id:
            self.partner_id = other.partner_id


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    waba_identity = fields.Char(
        "WhatsApp identity",
        compute="_compute_waba_identity",
        search="_search_waba_identity",
        groups=USER_GROUP,
        help="Username, number or ID on WhatsApp.",
    )
    waba_has_person = fields.Boolean(
        "On WhatsApp", compute="_compute_waba_identity", groups=USER_GROUP
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_waba_identity(self):
        accounts = self.env["waba.account"].sudo()
        ours = accounts.search([("company_id", "in", self.env.companies.ids)])
        people = self._waba_people(ours.portfolio_id)
        for record in self:
            known = people[record.id]
            record.waba_identity = (known.filtered("username") or known)[:1]._handle() or False
            record.waba_has_person = bool(known)

    @api.model
    def _search_waba_identity(self, operator, value):
        """By username, of the people linked to the records or with their numbers."""
        if operator not in ("ilike", "=", "in"):
            return NotImplemented
        names = [value] if isinstance(value, str) else [name for name in value if name]
        people = self.env["waba.recipient"].search(
            Domain.OR(
                Domain("username", "ilike" if operator == "ilike" else "=", name.lstrip("@"))
                for name in names
            )
        )
        return self._waba_people_domain(people.sudo())

    @api.model
    def _waba_people_domain(self, people):
        """Domain of the records with the numbers of these people, or linked to them."""
        return Domain("phone_sanitized", "in", people._number_forms()) | self._waba_link_domain(
            people
        )

    @api.model
    def _waba_link_domain(self, people):
        """Domain of the records linked to these people."""
        return Domain("id", "in", people.partner_id.ids)

    def _waba_people(self, portfolios):
        """{record's id: waba.recipient}: who is behind these records, with all rights.

        By their number in any equivalent form, else who is linked to them: one query each, whatever
        the number of records. A number that no recipient has yet gives an empty recordset.

        :param portfolios: waba.portfolio; with several, a record may have a recipient in each
        """
        people = self.env["waba.recipient"].sudo()
        numbers = {record: people._number_of(record) for record in self}
        found = {}
        if wanted := {number for number in numbers.values() if number}:
            for person in people.search(
                recipients_with_numbers(wanted) & Domain("portfolio_id", "in", portfolios.ids)
            ):
                for number in wanted.intersection(person._number_forms()):
                    found[number] = found.get(number, people) | person
        without = self.browse(record.id for record, number in numbers.items() if not number)
        linked = without._waba_linked(portfolios) if without else {}
        return {
            record.id: found.get(number, people) if number else linked[record.id]
            for record, number in numbers.items()
        }

    def _waba_linked(self, portfolios):
        """{record's id: waba.recipient} that these records are linked to, by one query."""
        people = self.env["waba.recipient"].sudo()
        contacts = {one.id: one.sudo()._waba_person_facts()["partner"]._origin for one in self}
        partner_ids = [contact.id for contact in contacts.values() if contact]
        by_contact = people.search(
            [("partner_id", "in", partner_ids), ("portfolio_id", "in", portfolios.ids)]
        ).grouped("partner_id") if partner_ids else {}  # fmt: skip
        return {
            one.id: one._waba_own_link().filtered(lambda link: link.portfolio_id in portfolios)
            or by_contact.get(contacts[one.id], people)
            for one in self
        }

    def _waba_own_link(self):
        """The recipient that the record itself names, with all rights; may be empty."""
        return self.env["waba.recipient"].sudo()

    def _waba_language(self):
        """The language that this person most likely reads, such as 'es'; '' when unknown.

        A contact made by a user starts in that user's language, so this says nothing; then the
        number's country decides.
        """
        self.ensure_one()
        # Templates are ordered by it, and nothing else: no right to read the contact is needed.
        chosen = self.sudo()._waba_person_facts()["partner"].lang
        if chosen and chosen != self.env.user.lang:
            return chosen.split("_")[0]
        return number_language(self._waba_address()) or (chosen or "").split("_")[0]

    def _waba_address(self):
        """The number of the record's person, else their user id; '' if there is nobody."""
        self.ensure_one()
        if number := self.env["waba.recipient"]._number_of(self):
            return number
        portfolios = self.env["waba.portfolio"].sudo().search([])  # pylint: disable=no-search-all
        return self._waba_linked(portfolios)[self.id][:1]._address()

    def _waba_has_person(self):
        """Whether there is anybody to message: a number, or a person linked to the record."""
        return bool(self._waba_address())


class CrmLead(models.Model):
    _inherit = "crm.lead"

    waba_recipient_id = fields.Many2one(
        "waba.recipient",
        "WhatsApp person",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        groups=USER_GROUP,
        help="Who wrote, if WhatsApp does not show their number.",
    )

    @api.model
    def _waba_link_domain(self, people):
        return Domain("waba_recipient_id", "in", people.ids) | Domain(
            "partner_id", "in", people.partner_id.ids
        )

    def _waba_own_link(self):
        return self.sudo().waba_recipient_id
