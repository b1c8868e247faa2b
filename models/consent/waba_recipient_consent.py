"""Consent: how the consent of a recipient changes (`_set_consent`), and Odoo's phone blacklist.

Called by webhooks, import, website forms, wizards and merges.
"""

from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..base.waba_failure import DATED_REASONS
from ..tools.hooks import hook
from .consent_sql import PURPOSES
from .waba_consent import ParsedRow
from .waba_recipient import recipients_with_numbers

STATE_BY_ACTION = {"opt_in": "opted_in", "opt_out": "opted_out"}
ACTION_BY_STATE = {state: action for action, state in STATE_BY_ACTION.items()}


class FormResult(NamedTuple):
    """The result of a form.

    entry: the waba.consent with the opt-in or opt-out, empty when it could not be parsed.
    error: a sentence for the person who filled in the form, '' without an error.
    """

    entry: models.Model
    error: str


class WabaRecipient(models.Model):
    """`_set_consent` is the only way in which the consent of a recipient changes.

    The consent log (waba.consent) has every entry. Sending reads `consent_sql`, the state for one
    company; `marketing_state` and `utility_state` are what every company of the portfolio may rely
    on.
    """

    _inherit = "waba.recipient"

    # Not required: NULL counts as unknown, and most rows are created by SQL.
    utility_state = fields.Selection(
        [
            ("unknown", "Not asked"),
            ("opted_in", "Opted in"),
            ("opted_out", "Opted out"),
        ],
        string="Service messages",
        default="unknown",
        readonly=True,
    )

    @hook
    def _on_written(self, message):
        """After the person's inbound message was stored and read for an opt-out or opt-in.

        :param message: waba.message, of any kind that a person sends
        """

    def action_record_consent(self):
        """Open the form by which the user records an opt-in or opt-out of this person."""
        self.ensure_one()
        return self.env["waba.consent.note"]._open(recipient_id=self.id)

    def _opt_out_details(self, reason, company, topic=None):
        """{recipient id: '12 Nov (replied “BAJA”)'}: the last opt-out of each, in the log.

        :param reason: an exclusion reason; for one that is no opt-out the result is empty
        :param company: res.company to whose users the person's words are shown
        :param topic: waba.topic of the message, if it has one
        """
        purpose = "utility" if reason == "opted_out_utility" else "marketing"
        if reason not in DATED_REASONS or not self:
            return {}
        about = topic.id if topic and reason == "topic_closed" else False
        entries = self.env["waba.consent"].sudo().search(
            [
                ("recipient_id", "in", self.ids),
                ("purpose", "=", purpose),
                ("topic_id", "=", about),
                ("action", "=", "opt_out"),
            ],
            order="at, id",
        )  # fmt: skip
        return {entry.recipient_id.id: entry._opt_out_detail(company) for entry in entries}

    # === Rows and companies of a person ===

    def _same_person(self):
        """Every row of these people in any portfolio: an opt-out applies to all companies."""
        return self | self.search(recipients_with_numbers(self._number_forms()))

    def _company_recipient(self, number, company=None):
        """The row of an E.164 number in a portfolio of the company; created if there is none.

        Any portfolio will do: consent on its row applies in the company's others too.

        :param company: res.company, the user's own if not given
        :raise UserError: no WhatsApp account is connected, or the number is one of ours
        """
        return self._company_recipients([number], company or self.env.company)[number]

    def _company_recipients(self, numbers, company):
        """{E.164 number: row}, see `_company_recipient`."""
        self._check_not_own(numbers)
        accounts = self.env["waba.account"].sudo().search([("portfolio_id", "!=", False)])
        of_company = accounts.filtered(lambda account: account.company_id == company)
        portfolios = (of_company or accounts).portfolio_id
        if not portfolios:
            raise UserError(
                self.env._(
                    "Not recorded: no WhatsApp account is connected. Connect one and try again."
                )
            )
        numbers = list(numbers)
        people = self.search(
            Domain("portfolio_id", "in", portfolios.ids) & recipients_with_numbers(numbers),
            order="id desc",
        )
        # A row with the number itself takes precedence over one by WhatsApp's spelling.
        known = {person.wa_number: person for person in people}
        known |= {person.number: person for person in people}
        missing = [number for number in numbers if number not in known]
        known |= self._find_or_create_by_number(portfolios[0], missing) if missing else {}
        return {number: known[number] for number in numbers}

    def _consent_company(self, message=None, company=None):
        """The company that consent was given to: `company`, that of the message, or the only one
        of the portfolio.

        :return: res.company, empty where companies share the portfolio and none is known
        """
        self.ensure_one()
        if company or (message and message.company_id):
            return company or message.company_id
        companies = self._messaging_companies()
        return companies if len(companies) == 1 else companies.browse()

    def _messaging_companies(self):
        """The companies with an account in the portfolios of these recipients; the current one if
        there is none yet."""
        portfolios = self.portfolio_id.sudo().with_context(active_test=False)
        return portfolios.account_ids.company_id.with_env(self.env) or self.env.company

    @api.model
    def _numbers_on_own_records(self, numbers):
        """{E.164 number}: those on a lead or contact that the user may change, whose opt-out they
        may therefore revoke."""
        owned = set()
        for model, _label in self.env["waba.person.mixin"]._waba_target_models():
            records = self.env[model].search([("phone_sanitized", "in", list(numbers))])
            owned.update(records._filtered_access("write").mapped("phone_sanitized"))
        return owned

    # === Changing consent ===

    def _set_consent(
        self,
        purpose,
        action,
        source,
        evidence,
        at=None,
        message=None,
        company=None,
        topic=None,
        valid_until=None,
        optin_source=None,
    ):
        """Record an opt-in or opt-out in the consent log, then update the state that sending reads.

        An opt-out applies to all our companies, an opt-in to the one company it was given to. With
        a topic both are about that topic alone; an opt-out without one closes all of them.
        An entry that changes nothing is recorded too: older ones that arrive after it have no
        effect because of it. An entry older than the latest one on its topic changes nothing.

        :param purpose: 'marketing' | 'utility'
        :param action: 'opt_in' | 'opt_out'
        :param source: a key of waba.consent's `source`
        :param evidence: text that shows it, or a quotation
        :param at: naive UTC datetime when it was given; now if not given
        :param message: the waba.message that contains it or that it is about
        :param company: res.company it was given to; see `_consent_company` if not given
        :param topic: waba.topic under promotions, None for all of the purpose
        :param valid_until: last day of an opt-in, False for none; the company's rule if not given
        :param optin_source: waba.optin.source by which an opt-in came
        :return: the rows whose state changed
        :raise ValueError: an opt-in without a company, or a topic of another purpose
        """
        at = at or fields.Datetime.now()
        if topic and purpose != "marketing":
            raise ValueError("topics are kinds of promotions")
        company = topic.company_id if topic else company
        companies = {person: person._consent_company(message, company) for person in self}
        if action == "opt_in" and not all(companies.values()):
            raise ValueError("an opt-in holds for one company: say which one it was given to")
        ends = {
            person: action == "opt_in"
            and (companies[person]._waba_consent_end(purpose, at) if valid_until is None
                 else valid_until)
            for person in self
        }  # fmt: skip
        entry = {"purpose": purpose, "action": action, "source": source, "at": at}
        entry |= {"topic_id": topic.id if topic else False}
        links = {
            "message_id": message.id if message else False,
            "optin_source_id": optin_source.id if optin_source else False,
        }
        entries = self._create_entries(entry, companies, ends, {**links, "evidence": evidence})
        if topic:
            return self._set_topic_consent(action, source, at, topic, ends)
        changed = self.browse()
        if action == "opt_out":
            # Erasure by one company does not change the consent in other portfolios.
            people = self if source == "erased" else self._same_person()
            changed = people._apply_opt_out(purpose, at)
        else:
            for person in self:
                changed |= person._same_person()._apply_opt_in(
                    purpose, at, companies[person], ends[person]
                )
        if entries and (purpose, action) == ("marketing", "opt_out"):
            self.env["waba.message"]._record_opt_outs(SQL("c.id IN %s", tuple(entries.ids)))
        if purpose == "marketing":
            self._resolve_by_consent(action, at, evidence)
            changed._update_blacklist(action)
        if action == "opt_in":
            self._delete_erased_entries(purpose)
        return changed

    def _create_entries(self, entry, companies, ends, shown):
        """Create the waba.consent of each of these people, unless the log has it.

        :param entry: values that identify it, as parameters of `_is_recorded`
        :param companies, ends: {recipient: res.company}, {recipient: date or False}
        :param shown: further values, by which it can be verified
        """
        return self.env["waba.consent"].create(
            [
                {
                    **entry,
                    **shown,
                    "recipient_id": person.id,
                    "company_id": companies[person].id,
                    "valid_until": ends[person],
                }
                for person in self
                if not person._is_recorded(**entry, company=companies[person])
            ]
        )

    def _set_topic_consent(self, action, source, at, topic, ends):
        """Update what these people said about one topic; see `_set_consent`.

        Closing a topic is no opt-out of promotions: it is not attributed to a message, decides no
        possible opt-out, and leaves the phone blacklist as it is.

        :param ends: {recipient: last day of the opt-in, or False}
        :return: every row of these people
        """
        if action == "opt_out":
            return (self if source == "erased" else self._same_person())._close_topic(topic, at)
        changed = self.browse()
        for person in self:
            changed |= person._same_person()._open_topic(topic, at, ends[person])
        changed._delete_erased_topic(topic)
        return changed

    def _set_marketing_state(self, state, source, evidence, at=None, message=None, company=None):
        """`_set_consent` for promotions, by the resulting state: 'opted_in' | 'opted_out'."""
        return self._set_consent(
            "marketing", ACTION_BY_STATE[state], source, evidence, at, message, company
        )

    def _is_recorded(self, purpose, action, source, at, company, topic_id=False):
        """Whether the consent log has this entry: a webhook may be applied twice."""
        return bool(
            self.env["waba.consent"].search_count(
                [
                    ("recipient_id", "=", self.id),
                    ("company_id", "=", company.id),
                    ("purpose", "=", purpose),
                    ("topic_id", "=", topic_id),
                    ("action", "=", action),
                    ("source", "=", source),
                    ("at", "=", at),
                ],
                limit=1,
            )
        )

    def _copy_entries(self, entries):
        """Record the consent entries of another row of the same person on this row.

        :param entries: waba.consent, oldest first
        """
        for entry in entries:
            if entry.action not in STATE_BY_ACTION:
                continue
            self._set_consent(
                entry.purpose,
                entry.action,
                entry.source,
                entry.evidence,
                at=entry.at,
                message=entry.message_id,
                company=entry.company_id,
                topic=entry.topic_id,
                valid_until=entry.valid_until,
                optin_source=entry.optin_source_id,
            )

    def _copy_opt_outs(self, others, source, evidence, at=None):
        """Give these rows the opt-outs of `others`, rows of the same people."""
        for purpose in PURPOSES:
            name = f"{purpose}_state"
            if any(other._has_standing_opt_out(purpose) for other in others):
                self.filtered(lambda person, name=name: person[name] != "opted_out")._set_consent(
                    purpose, "opt_out", source, evidence, at=at
                )
        for topic in others._closed_topics():
            people = self.filtered(lambda person, topic=topic: topic not in person._closed_topics())
            people._set_consent("marketing", "opt_out", source, evidence, at=at, topic=topic)

    # === Reading the consent log ===

    def _has_newer_consent(self, at, purpose="marketing", company=None):
        """Whether the consent log has an entry later than `at`: events may arrive late.

        Opt-outs of any company count, opt-ins of `company` only.

        :param at: naive UTC datetime or False
        """
        self.ensure_one()
        if not at:
            return False
        later = Domain("purpose", "=", purpose) & Domain("at", ">", at)
        applicable = self._company_entries_domain(self._consent_company(company=company))
        return bool(self.env["waba.consent"].search_count(later & applicable, limit=1))

    def _company_entries_domain(self, companies, topic=None):
        """Domain of the opt-ins given to these companies and all opt-outs of these people. Not of
        "kept" entries, which are neither, nor of those about another topic than `topic`."""
        applicable = Domain("action", "=", "opt_out") | (
            Domain("action", "in", list(STATE_BY_ACTION))
            & Domain("company_id", "in", companies.ids)
        )
        about = Domain("topic_id", "in", [False, *(topic.ids if topic else ())])
        return Domain("recipient_id", "in", self._same_person().ids) & about & applicable

    def _last_entries(self, companies, topic=None):
        """{purpose: the latest waba.consent of these people that applies to these companies}.

        :param topic: those about this topic come before general ones, unless closed by them later
        """
        if not self:
            return {}
        entries = self.env["waba.consent"].search(
            self._company_entries_domain(companies, topic), order="at, id"
        )
        own = entries.filtered("topic_id")[-1:]
        closed = entries.filtered(
            lambda entry: (entry.purpose, entry.action) == ("marketing", "opt_out") and entry != own
        )[-1:]
        if own and not (closed and (closed.at, closed.id) > (own.at, own.id)):
            entries = (entries - own) + own
        return {entry.purpose: entry for entry in entries}

    def _standing_entries(self):
        """The entries of these rows that are in force: the latest opt-out of each purpose and
        topic, and the latest opt-in to each of each company; oldest first."""
        last = {}
        for entry in self.consent_ids.sorted(lambda entry: (entry.at, entry.id)):
            about = (entry.purpose, entry.topic_id)
            if entry.action == "ended":
                last.pop((*about, "opt_in", entry.company_id), None)
                continue
            company = entry.company_id if entry.action == "opt_in" else None
            last[(*about, entry.action, company)] = entry
        given = [
            entry
            for (_purpose, _topic, action, company), entry in last.items()
            if action == "opt_out" or company
        ]
        return sorted(given, key=lambda entry: (entry.at, entry.id))

    # === Website forms ===

    @api.model
    def _opt_in_from_form(
        self,
        number,
        purpose,
        source_text,
        evidence,
        company=None,
        action="opt_in",
        topic=None,
        valid_until=None,
    ):
        """Record an opt-in given in a form: for website controllers and landing pages.

        Submitting the same form twice is harmless. What cannot be parsed is stored for a manager
        (WhatsApp > Consent > Not understood) and returned as an error; nothing is raised, so that
        the rest of the form is not lost. Call it with `sudo()`. See docs/consent.md.

        :param number: as typed; without a country code, of the company's country
        :param purpose: 'marketing' | 'utility'
        :param source_text: name of the form for people: "Newsletter form, /contact"
        :param evidence: the sentence they agreed to, and what shows it (address, IP, time)
        :param company: res.company, the current one if not given
        :param action: 'opt_in'; 'opt_out' for a form by which people opt out
        :param topic: waba.topic under promotions, None for all of the purpose
        :param valid_until: last day of an opt-in, see `_set_consent`
        :return: FormResult
        """
        company = company or self.env.company
        ledger = self.env["waba.consent"]
        faults = []
        read = ParsedRow(
            number=ledger._parse_number((number or "").strip(), company, faults),
            purpose=ledger._parse_selection("purpose", purpose or "", faults),
            topic_id=topic.id if topic else 0,
            valid_until=valid_until,
            action=ledger._parse_selection("action", action or "", faults),
            at=fields.Datetime.now(),
            evidence=(evidence or "").strip(),
        )
        if read.action == "opt_in":
            ledger._check_evidence(f"{source_text or ''} {read.evidence}", faults)
        faults += ledger._own_number_faults([read]).values()
        if faults:
            texts = {"number": number, "purpose": purpose, "action": action, "evidence": evidence}
            texts |= {"topic": topic and topic.name, "valid_until": valid_until}
            texts["at"] = f"{fields.Datetime.to_string(read.at)} UTC"
            self.env["waba.consent.rejected"]._store_row(
                texts, "form", faults, company, source_text
            )
            return FormResult(ledger, " ".join(faults))
        return FormResult(self._find_or_record_form(read, source_text, company), "")

    @api.model
    def _find_or_record_form(self, read, source_text, company):
        """The entry of this form; the latest one if it is the same."""
        ledger = self.env["waba.consent"]
        person = self._company_recipient(read.number, company)
        topic = self.env["waba.topic"].browse(read.topic_id or [])
        last = person._last_entries(company, topic).get(read.purpose)
        evidence = ": ".join(filter(None, [source_text, read.evidence]))
        known = (last.topic_id, last.action, last.source, last.evidence) if last else None
        if known == (topic, read.action, "form", evidence):
            return last
        return ledger._record_rows([(read, source_text)], "form", company)

    # === Phone blacklist ===

    def _update_blacklist(self, action):
        """Update Odoo's phone blacklist after an opt-in or opt-out of promotions."""
        if action == "opt_out":
            self._add_to_blacklist()
        else:
            self._remove_from_blacklist()

    def _blacklistable_numbers(self):
        """[E.164 number] of these recipients, as Odoo's blacklist formats them."""
        numbers = set(self._number_forms())
        formatted = (self.env.user._phone_format(number=number) for number in numbers)
        return list(filter(None, formatted))

    def _add_to_blacklist(self):
        companies = self.portfolio_id.sudo().account_ids.company_id
        if not any(companies.mapped("waba_feed_blacklist")):
            return
        blacklist = self.env["phone.blacklist"].sudo().with_context(waba_feeds=True)
        numbers = self._blacklistable_numbers()
        there = blacklist.search([("number", "in", numbers)]).mapped("number")
        if new := sorted(set(numbers) - set(there)):
            reason = self.env._("Opted out of WhatsApp promotions.")
            blacklist._add(new, message=reason).write({"waba_added": True})

    def _remove_from_blacklist(self):
        blacklist = self.env["phone.blacklist"].sudo().with_context(waba_feeds=True)
        ours = blacklist.search(
            [("number", "in", self._blacklistable_numbers()), ("waba_added", "=", True)]
        )
        if not ours:
            return
        # An opt-out may still be in force for another of our companies.
        still_out = self._same_person().filtered(
            lambda person: person.marketing_state == "opted_out"
        )
        kept = still_out._blacklistable_numbers()
        if numbers := [entry.number for entry in ours if entry.number not in kept]:
            reason = self.env._("Opted in to WhatsApp promotions again.")
            blacklist._remove(numbers, message=reason).write({"waba_added": False})


class PhoneBlacklist(models.Model):
    """Opt-outs from promotions are added where a company chose so, and removed by an opt-in.

    A number that a user added, or added as well, is not removed.
    """

    _name = "phone.blacklist"
    _inherit = ["phone.blacklist", "waba.system.fields.mixin"]

    waba_added = fields.Boolean(
        "Added by WhatsApp opt-out", readonly=True, copy=False, help="Removed by an opt-in."
    )

    @api.model_create_multi
    def create(self, vals_list):
        numbers = super().create(vals_list)
        if not self.env.context.get("waba_feeds"):
            numbers.sudo().filtered("waba_added").waba_added = False
        return numbers

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals and not self.env.context.get("waba_feeds"):
            self.sudo().filtered("waba_added").waba_added = False
        return result
