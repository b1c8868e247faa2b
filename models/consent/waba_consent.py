"""Consent: the consent log, append-only, and how rows of text become its entries.

Entries are created by `waba.recipient._set_consent`; texts come from the import and from forms.
"""

from datetime import date, datetime, timezone
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...policy import consent_lists, evidence, numbers, written_dates
from ..tools.hooks import hook
from ..tools.labels import NO_OPTIN_SOURCE, NO_TOPIC, selection_label
from .consent_sql import PURPOSES
from .waba_recipient import recipients_with_numbers

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION waba_consent_append_only() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('waba_campaign.erasing', TRUE) = 'on'
       AND (OLD.recipient_id, OLD.company_id, OLD.purpose, OLD.action, OLD.source, OLD.at,
            OLD.topic_id, OLD.valid_until, OLD.optin_source_id)
           IS NOT DISTINCT FROM
           (NEW.recipient_id, NEW.company_id, NEW.purpose, NEW.action, NEW.source, NEW.at,
            NEW.topic_id, NEW.valid_until, NEW.optin_source_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The consent ledger is never changed nor deleted: add a new entry.';
END $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS waba_consent_never_changed ON waba_consent;
CREATE TRIGGER waba_consent_never_changed BEFORE UPDATE ON waba_consent FOR EACH ROW
    WHEN ((OLD.recipient_id, OLD.company_id, OLD.purpose, OLD.action, OLD.source, OLD.at,
           OLD.evidence, OLD.topic_id, OLD.valid_until, OLD.optin_source_id)
          IS DISTINCT FROM
          (NEW.recipient_id, NEW.company_id, NEW.purpose, NEW.action, NEW.source, NEW.at,
           NEW.evidence, NEW.topic_id, NEW.valid_until, NEW.optin_source_id))
    EXECUTE FUNCTION waba_consent_append_only();
DROP TRIGGER IF EXISTS waba_consent_never_deleted ON waba_consent;
CREATE TRIGGER waba_consent_never_deleted BEFORE DELETE ON waba_consent FOR EACH ROW
    EXECUTE FUNCTION waba_consent_append_only();
"""

# Characters of a person's words in a reason.
MAX_QUOTED = 60

TEXTS = ("number", "purpose", "topic", "action", "at", "valid_until", "evidence")


class ParsedRow(NamedTuple):
    """Values parsed from a row of texts. `faults`: sentences; a row with any is not recorded.

    topic_id: id of a waba.topic, 0 for all promotions; valid_until: last day, None if not given
    """

    number: str = ""
    purpose: str = ""
    topic_id: int = 0
    valid_until: date | None = None
    action: str = ""
    at: datetime | None = None
    evidence: str = ""
    faults: tuple[str, ...] = ()


class WabaConsent(models.Model):
    """The consent log. A row is one entry: an opt-in, an opt-out, or a review that found neither.

    Created by `waba.recipient._set_consent`, which then updates the state that sending reads, and
    by `_record_subscription_kept`. An opt-in is valid for its company only, an opt-out for all.

    Rows are never edited or deleted, not by SQL either (`APPEND_ONLY`); erasing personal data
    empties `evidence` and nothing else.
    """

    _name = "waba.consent"
    _description = "WhatsApp Consent"
    _inherit = ["waba.system.fields.mixin", "waba.figures.mixin"]
    _order = "at desc, id desc"
    _rec_name = "recipient_id"

    recipient_id = fields.Many2one(
        "waba.recipient", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(
        "res.company",
        "Given to",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
        help="An opt-in is valid for this company only, an opt-out for all companies.",
    )
    number = fields.Char(related="recipient_id.number", store=True, index=True)
    # Not read-only, or Odoo's import would not offer them; `write` refuses every change.
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")],
        required=True,
    )
    topic_id = fields.Many2one(
        "waba.topic",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
        falsy_value_label=NO_TOPIC,
        help="Empty: the entry is about all promotions.",
    )
    # "kept": a user read a possible opt-out and found none; "ended": an opt-in that the person did
    # not confirm. Neither is an opt-in nor an opt-out.
    action = fields.Selection(
        [
            ("opt_in", "Opt-in"),
            ("opt_out", "Opt-out"),
            ("kept", "Kept subscribed"),
            ("ended", "Opt-in ended"),
        ],
        required=True,
    )
    valid_until = fields.Date(readonly=True, help="The last day on which the opt-in counts.")
    source = fields.Selection(
        [
            ("form", "Form"),
            ("import", "Import"),
            ("reply", "Reply"),
            ("button", "Button in a message"),
            ("whatsapp", "WhatsApp settings"),
            ("refused", "WhatsApp delivery report"),
            ("person", "User"),
            ("preferences", "Preference page"),
            ("reconfirmation", "Reconfirmation"),
            ("provider", "Provider"),
            ("merge", "Merged record"),
            ("erased", "Opt-out before erasure"),
        ],
        required=True,
        readonly=True,
    )
    evidence = fields.Text()
    at = fields.Datetime("Date", required=True, readonly=True, index=True)
    optin_source_id = fields.Many2one(
        "waba.optin.source", "Opt-in source", readonly=True, ondelete="restrict",
        index="btree_not_null", falsy_value_label=NO_OPTIN_SOURCE,
    )  # fmt: skip
    user_id = fields.Many2one(
        "res.users", "Recorded by", default=lambda self: self.env.user, readonly=True
    )
    message_id = fields.Many2one(
        "waba.message", readonly=True, ondelete="set null", index="btree_not_null"
    )

    def init(self):
        """Refuse changes by plain SQL too.

        The foreign key may still clear `message_id`, and erasure the evidence.
        """
        self.env.cr.execute(APPEND_ONLY)

    @api.model_create_multi
    def create(self, vals_list):
        entries = super().create(vals_list)
        entries._record_evidence_entries()
        entries._on_consent()
        return entries

    def write(self, vals):
        if set(vals) - {"message_id"}:
            raise UserError(self.env._("Consent entries cannot be changed. Add a new entry."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Consent entries cannot be deleted. Add a new entry."))

    @hook
    def _on_consent(self):
        """After these entries were created, before the recipient's state is updated."""

    def _record_evidence_entries(self):
        """Add entries that a user recorded to the evidence; the other sources add their own."""
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": entry.action,
                    "source": "person",
                    "at": entry.at,
                    "recipient_id": entry.recipient_id.id,
                    "message_id": entry.message_id.id,
                    "user_id": entry.user_id.id,
                    "account_id": entry._sending_account().id,
                    "value_after": "person",
                    "detail": entry.evidence,
                    "event_key": f"consent:{entry.id}",
                }
                for entry in self
                if (entry.source, entry.purpose) == ("person", "marketing")
                and not entry.topic_id
                and entry.action in ("opt_in", "opt_out")
                and entry._sending_account()
            ]
        )

    def _sending_account(self):
        """The account of the latest message with this recipient, else any of the company."""
        accounts = self.recipient_id.portfolio_id.account_ids
        if self.company_id:
            accounts = accounts.filtered(lambda account: account.company_id == self.company_id)
        last = self.env["waba.message"].search(
            [("recipient_id", "=", self.recipient_id.id), ("account_id", "in", accounts.ids)],
            order="id desc",
            limit=1,
        )
        return last.account_id or accounts[:1]

    def _company_evidence(self, companies):
        """The evidence, '' when the consent was given to a company that is not one of these."""
        self.ensure_one()
        return (self.evidence or "") if self.company_id in companies else ""

    def _action_text(self):
        """'Opt-in', or 'Opt-in (Offers)'."""
        self.ensure_one()
        text = selection_label(self.env, "action", self.action, self._name)
        topic = self.sudo().topic_id.name
        return f"{text} ({topic})" if topic else text

    def _opt_out_detail(self, company):
        """'12 Nov 2026 (replied “BAJA”)', or with the source where the words are not known."""
        date = format_date(self.env, self.at, date_format="d MMM y")
        if self.source == "reply" and self.message_id and self._company_evidence(company):
            words = " ".join(self.message_id._written_text().split())[:MAX_QUOTED]
            return self.env._("%(date)s (replied “%(text)s”)", date=date, text=words)
        how = selection_label(self.env, "source", self.source, self._name)
        return f"{date} ({how})"

    # === Parsing rows of text ===

    @api.model
    def _parse_rows(self, rows, company):
        """Parse rows of texts with the rights of the current user.

        :param rows: [({name of TEXTS: text}, further evidence)]; times without a zone are in the
            user's time zone, numbers without a country code in the company's country
        :param company: res.company that the consent is given to
        :return: [ParsedRow], in the order of `rows`
        """
        read = [self._parse_row(texts, company, known) for texts, known in rows]
        for index in self._reversed_opt_outs(read, company):
            fault = self.env._(
                "%s has opted out. Record the new opt-in on a lead or contact with this number "
                "that you "
                "can edit.",
                read[index].number,
            )
            read[index] = read[index]._replace(faults=(fault,))
        for index, fault in self._own_number_faults(read).items():
            read[index] = read[index]._replace(faults=(*read[index].faults, fault))
        return read

    @api.model
    def _own_number_faults(self, read):
        """{index: sentence} of the rows with one of our own numbers; asked once for all."""
        ours = self.env["waba.sender"]._filter_own_numbers({row.number for row in read})
        text = self.env["waba.recipient"]._own_number_text
        return {index: text(row.number) for index, row in enumerate(read) if row.number in ours}

    @api.model
    def _parse_row(self, texts, company, known=""):
        """A ParsedRow, see `_parse_rows`."""
        faults = []
        text = {name: str(texts.get(name) or "").strip() for name in TEXTS}
        topic = self.env["waba.topic"]._find_by_name(text["topic"], company)
        if text["topic"] and not topic:
            # Older lists have the purpose in this column.
            text["purpose"] = self._parse_topic_as_purpose(text["topic"], company, faults)
        read = {
            "number": self._parse_number(text["number"], company, faults),
            "purpose": self._parse_selection("purpose", text["purpose"], faults)
            if text["purpose"] or not text["topic"]
            else "marketing",
            "topic_id": topic.id or 0,
            "valid_until": self._parse_last_day(text["valid_until"], faults),
            "action": self._parse_selection("action", text["action"], faults),
            "at": self._parse_datetime(text["at"], faults),
            "evidence": self._add_date_order(text["evidence"], text["at"]),
        }
        if topic and read["purpose"] == "utility":
            faults.append(self.env._("“%s” is a topic of promotions.", topic.name))
        if read["action"] == "opt_in":
            self._check_evidence(f"{known} {text['evidence']}", faults)
        return ParsedRow(**read, faults=tuple(faults))

    @api.model
    def _check_evidence(self, text, faults):
        """Append a fault unless the text shows how the person agreed."""
        if not evidence.is_verifiable(text):
            faults.append(
                self.env._(
                    "An opt-in needs evidence: enter where, when and to what they agreed in the "
                    "column “%s”.",
                    self._fields["evidence"]._description_string(self.env),
                )
            )

    @api.model
    def _parse_number(self, text, company, faults):
        """The E.164 number, or '' and a fault appended."""
        number = text and self.env.user._phone_format(
            number=numbers.read_old_spelling(text) or text, country=company.country_id
        )
        if not text:
            faults.append(self.env._("The phone number is missing."))
        elif not number:
            faults.append(
                self.env._(
                    "“%s” is not a valid phone number. Include the country code: +34 600 000 000.",
                    text,
                )
            )
        return numbers.canonical_number(number or "")

    @api.model
    def _parse_selection(self, name, text, faults):
        """The key of a selection for its label or a synonym, or '' and a fault appended."""
        # "kept" and "ended" are decided in this database: they cannot be imported.
        choices, shipped = (
            [choice for choice in found if choice[0] not in ("kept", "ended")]
            for found in (
                self._fields[name]._description_selection(self.env),
                self._fields[name].selection,
            )
        )
        for key, label in (*choices, *shipped):
            if text and text.casefold() == label.casefold():
                return key
        heading = (self.env.context.get("waba_list") or {}).get("heading", "")
        key = consent_lists.parse_choice(name, text)
        if not key and name == "action":
            key = consent_lists.parse_yes_no(heading, text)
        if key:
            return key
        faults.append(
            self.env._(
                "“%(text)s” is not a valid %(column)s. Use one of: %(words)s.",
                text=text,
                column=self._fields[name]._description_string(self.env),
                words=", ".join(f"{label} ({key})" for key, label in choices),
            )
        )
        return ""

    @api.model
    def _parse_topic_as_purpose(self, text, company, faults):
        """The word for a purpose, or '' and a fault appended: it is no topic of the company."""
        if consent_lists.parse_choice("purpose", text):
            return text
        topics = self.env["waba.topic"].sudo().search([("company_id", "=", company.id)])
        faults.append(
            self.env._(
                "“%(text)s” is not a topic of %(company)s. Topics: %(topics)s.",
                text=text,
                company=company.name,
                topics=", ".join(topics.mapped("name")) or self.env._("none"),
            )
        )
        return ""

    @api.model
    def _parse_last_day(self, text, faults):
        """The date, None if there is none, or None and a fault appended."""
        read = written_dates.parse_date(text, self._date_order()) if text else None
        if read and not read.at:
            faults.append(self.env._("“%s” is not a date. Use 2026-11-03 (yyyy-mm-dd).", text))
        return read.at.date() if read and read.at else None

    @api.model
    def _date_order(self):
        """The order of day and month in the dates of the list; '' when it is unknown."""
        return (self.env.context.get("waba_list") or {}).get("order", "")

    @api.model
    def _add_date_order(self, evidence, text):
        """The evidence, with a note on how an ambiguous date was read."""
        if not written_dates.parse_date(text, self._date_order()).order:
            return evidence
        how = self.env._("“%(text)s” read as %(order)s", text=text, order=self._date_order())
        return f"{evidence} ({how})" if evidence else how

    @api.model
    def _parse_datetime(self, text, faults):
        """Naive UTC datetime of a date with or without a time, or None and a fault appended.

        Without a zone, the user's time zone applies. The order of day and month is that of the
        list (`waba_list["order"]` in the context), never that of the user's language.
        """
        if not text:
            faults.append(self.env._("The date is missing: enter when the person opted in or out."))
            return None
        read = written_dates.parse_date(text, self._date_order())
        if read.is_ambiguous:
            faults.append(
                self.env._(
                    "“%s” is ambiguous: day and month could be swapped. Use the format 2026-11-03 "
                    "(yyyy-mm-dd).",
                    text,
                )
            )
            return None
        if not read.at:
            faults.append(
                self.env._(
                    "“%s” is not a date. Use 2026-11-03, 2026-11-03 10:30 or 2026-11-03T10:30:00Z.",
                    text,
                )
            )
            return None
        at = read.at
        if not read.is_utc:
            at = self.env.tz.localize(at).astimezone(timezone.utc).replace(tzinfo=None)
        if at > fields.Datetime.now():
            faults.append(self.env._("“%s” is in the future.", text))
            return None
        return at

    @api.model
    def _reversed_opt_outs(self, read, company):
        """Indexes of rows that opt in a person who had opted out and is on no record that the user
        can change: only a user responsible for the person may revoke an opt-out.

        :param read: [ParsedRow]
        """
        opted_in = {row.number for row in read if row.action == "opt_in" and not row.faults}
        outs = self._standing_opt_outs(opted_in, company)
        found = {}
        for index, row in enumerate(read):
            # A topic that was closed by itself is opened by its own opt-in only.
            keys = (row.number, row.purpose), (row.number, row.topic_id)
            out_at = max((outs[key] for key in keys if key in outs), default=None)
            if row.action == "opt_in" and not row.faults and out_at and out_at <= row.at:
                found[index] = row.number
        people = self.sudo(False).env["waba.recipient"]
        own = people._numbers_on_own_records(set(found.values())) if found else set()
        return [index for index, number in found.items() if number not in own]

    @api.model
    def _standing_opt_outs(self, wanted, company):
        """{(E.164 number, purpose or topic id): naive UTC datetime} of the opt-outs in force for
        the company, those of erased people included."""
        people = (
            self.env["waba.recipient"].search(recipients_with_numbers(wanted)) if wanted else []
        )
        states = people._consent_states(company) if people else {}
        outs = {}
        for person in people:
            for purpose in PURPOSES:
                if states[company.id, person.id, purpose] != "opted_out":
                    continue
                for number in wanted.intersection(person._number_forms()):
                    outs[number, purpose] = person[f"{purpose}_out_at"] or datetime.min
            for said in person.topic_state_ids.filtered(lambda said: said.state == "opted_out"):
                for number in wanted.intersection(person._number_forms()):
                    outs[number, said.topic_id.id] = said.out_at
        for number, row in self.env["waba.erased.person"]._find_erased(wanted).items():
            for purpose in PURPOSES:
                if row[f"no_{purpose}"]:
                    outs.setdefault((number, purpose), row.erased_at)
            for topic in row.topic_ids:
                outs.setdefault((number, topic.id), row.erased_at)
        return outs
