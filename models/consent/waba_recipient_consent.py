from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .consent_sql import PURPOSES
from .waba_consent import ParsedRow
from .waba_recipient import recipients_with_numbers

# What a word of the ledger makes of a person.
STATE_BY_ACTION = {"opt_in": "opted_in", "opt_out": "opted_out"}

ACTION_BY_STATE = {state: action for action, state in STATE_BY_ACTION.items()}


class FormResult(NamedTuple):
    """The outcome of a form.

    entry: the waba.consent that holds the word, empty when it could not be read.
    error: a sentence for whoever filled in the form, '' when all is well.
    """

    entry: models.Model
    error: str


class WabaRecipient(models.Model):
    """What people want to get, and the single entry point by which that changes: `_set_consent`.

    The ledger (waba.consent) holds every word. What one company may take from it is `consent_sql`
    (waba_opt_in.py), which sending reads; `marketing_state` and `utility_state` are what all
    companies of the portfolio may take from it.
    """

    _inherit = "waba.recipient"

    # Not required: most rows are made by SQL, and no word is no word.
    utility_state = fields.Selection(
        [
            ("unknown", "Not asked"),
            ("opted_in", "Agreed to service messages"),
            ("opted_out", "No service messages"),
        ],
        string="Service messages",
        default="unknown",
        readonly=True,
    )

    def action_record_consent(self):
        """Asks what this person said, and writes it down under the user's name."""
        self.ensure_one()
        return self.env["waba.consent.note"]._open(recipient_id=self.id)

    def _same_person(self):
        """Every row of these people, in any portfolio: a no is said to all of us."""
        return self | self.search(recipients_with_numbers(self._number_forms()))

    def _company_recipient(self, number, company=None):
        """The row of an E.164 number in a portfolio of the company, made where there is none.

        One is enough: what is said there holds in the company's other portfolios too.

        :param company: the user's own if not given
        """
        return self._company_recipients([number], company or self.env.company)[number]

    def _company_recipients(self, numbers, company):
        """{E.164 number: row}, see `_company_recipient`."""
        accounts = self.env["waba.account"].sudo().search([("portfolio_id", "!=", False)])
        of_company = accounts.filtered(lambda account: account.company_id == company)
        portfolios = (of_company or accounts).portfolio_id
        if not portfolios:
            raise UserError(
                self.env._("No WhatsApp account is connected yet: connect one, then note it again.")
            )
        numbers = list(numbers)
        people = self.search(
            Domain("portfolio_id", "in", portfolios.ids) & recipients_with_numbers(numbers),
            order="id desc",
        )
        # The row by the number itself before one by WhatsApp's way of writing it.
        known = {person.wa_number: person for person in people}
        known |= {person.number: person for person in people}
        missing = [number for number in numbers if number not in known]
        known |= self._find_or_create_by_number(portfolios[0], missing) if missing else {}
        return {number: known[number] for number in numbers}

    def _consent_company(self, message=None, company=None):
        """The company that a word was said to: the one given, the message's, else the only one of
        the portfolio; empty where companies share it and nothing tells.

        :return: res.company, perhaps empty
        """
        self.ensure_one()
        if company or (message and message.company_id):
            return company or message.company_id
        companies = self._messaging_companies()
        return companies if len(companies) == 1 else companies.browse()

    def _messaging_companies(self):
        """The companies that write to these people: those with an account in their portfolios;
        the current one where there is none yet."""
        portfolios = self.portfolio_id.sudo().with_context(active_test=False)
        return portfolios.account_ids.company_id.with_env(self.env) or self.env.company

    def _set_consent(self, purpose, action, source, evidence, at=None, message=None, company=None):
        """The single entry point for consent: writes the ledger, then the state that sending reads.

        An opt-out holds for everybody: who says no to one of our companies is left alone by all.
        An opt-in is given to one company, and holds for that one alone.
        A word that changes nothing is noted too: it is what makes an older one, come later, old.
        A word older than the last one on its purpose is noted and changes nothing.

        :param purpose: 'marketing' | 'utility'
        :param action: 'opt_in' | 'opt_out'
        :param source: a key of waba.consent's `source`
        :param evidence: what shows it, in words or a quotation
        :param at: naive UTC datetime when the person said so; now if not given
        :param message: the waba.message it was said in or about
        :param company: res.company it was said to; see `_consent_company` if not given
        :return: the rows whose state changed
        :raise ValueError: an opt-in that tells no company
        """
        at = at or fields.Datetime.now()
        heard_by = {person: person._consent_company(message, company) for person in self}
        if action == "opt_in" and not all(heard_by.values()):
            raise ValueError("an opt-in holds for one company: say which one it was given to")
        word = {"purpose": purpose, "action": action, "source": source, "at": at}
        words = self.env["waba.consent"].create(
            [
                {
                    **word,
                    "recipient_id": person.id,
                    "company_id": heard_by[person].id,
                    "evidence": evidence,
                    "message_id": message.id if message else False,
                }
                for person in self
                if not person._is_recorded(**word, company=heard_by[person])
            ]
        )
        changed = self.browse()
        if action == "opt_out":
            # One company erased them: what is kept of that says nothing to the others.
            people = self if source == "erased" else self._same_person()
            changed = people._apply_opt_out(purpose, at)
        else:
            for person in self:
                changed |= person._same_person()._apply_opt_in(purpose, at, heard_by[person])
        if words and (purpose, action) == ("marketing", "opt_out"):
            self.env["waba.message"]._record_opt_outs(SQL("c.id IN %s", tuple(words.ids)))
        if purpose == "marketing":
            self._resolve_by_consent(action, at, evidence)
            changed._update_blacklist(action)
        if action == "opt_in":
            self._delete_erased_entries(purpose)
        return changed

    def _set_marketing_state(self, state, source, evidence, at=None, message=None, company=None):
        """`_set_consent` to promotions, told by the state it leads to."""
        return self._set_consent(
            "marketing", ACTION_BY_STATE[state], source, evidence, at, message, company
        )

    def _is_recorded(self, purpose, action, source, at, company):
        """Whether the ledger holds this very word: a webhook may be applied twice."""
        return bool(
            self.env["waba.consent"].search_count(
                [
                    ("recipient_id", "=", self.id),
                    ("company_id", "=", company.id),
                    ("purpose", "=", purpose),
                    ("action", "=", action),
                    ("source", "=", source),
                    ("at", "=", at),
                ],
                limit=1,
            )
        )

    def _has_newer_consent(self, at, purpose="marketing", company=None):
        """Whether the ledger already holds a word said after `at` (events may arrive late).

        Another company's counts if it is a no: an opt-in there makes no opt-out here old.
        """
        self.ensure_one()
        if not at:
            return False
        later = Domain("purpose", "=", purpose) & Domain("at", ">", at)
        heard = self._company_entries_domain(self._consent_company(company=company))
        return bool(self.env["waba.consent"].search_count(later & heard, limit=1))

    def _company_entries_domain(self, companies):
        """The Domain of ledger entries on these people that concern these companies: what was said
        to them, and every opt-out. Only what says yes or no: "kept" says that nothing was said."""
        heard = Domain("action", "=", "opt_out") | (
            Domain("action", "in", list(STATE_BY_ACTION))
            & Domain("company_id", "in", companies.ids)
        )
        return Domain("recipient_id", "in", self._same_person().ids) & heard

    def _last_entries(self, companies):
        """{purpose: the last waba.consent on these people that concerns these companies}."""
        if not self:
            return {}
        entries = self.env["waba.consent"].search(
            self._company_entries_domain(companies), order="at, id"
        )
        return {entry.purpose: entry for entry in entries}

    def _standing_entries(self):
        """The entries of these very rows that still count: the last opt-out of each purpose, and
        each company's last opt-in."""
        last = {}
        for entry in self.consent_ids.sorted(lambda entry: (entry.at, entry.id)):
            company = entry.company_id if entry.action == "opt_in" else None
            last[entry.purpose, entry.action, company] = entry
        given = [
            entry
            for (_purpose, action, company), entry in last.items()
            if action == "opt_out" or company
        ]
        return sorted(given, key=lambda entry: (entry.at, entry.id))

    def _copy_entries(self, words):
        """Say here what was said of another row of the same person.

        :param words: waba.consent, oldest first
        """
        for word in words:
            self._set_consent(
                word.purpose,
                word.action,
                word.source,
                word.evidence,
                at=word.at,
                message=word.message_id,
                company=word.company_id,
            )

    def _copy_opt_outs(self, others, source, evidence, at=None):
        """These are the same people as `others`: what those do not want goes for these too."""
        for purpose in PURPOSES:
            name = f"{purpose}_state"
            if any(other._has_standing_opt_out(purpose) for other in others):
                self.filtered(lambda person, name=name: person[name] != "opted_out")._set_consent(
                    purpose, "opt_out", source, evidence, at=at
                )

    # ------------------------------------------------------------------
    # Manually
    # ------------------------------------------------------------------
    @api.model
    def _numbers_on_own_records(self, numbers):
        """Those of these E.164 numbers that a lead or contact has which the user may change: whose
        opt-out they may take back."""
        owned = set()
        for model, _label in self.env["waba.person.mixin"]._waba_target_models():
            records = self.env[model].search([("phone_sanitized", "in", list(numbers))])
            owned.update(records._filtered_access("write").mapped("phone_sanitized"))
        return owned

    # === Form ===
    @api.model
    def _opt_in_from_form(
        self, number, purpose, source_text, evidence, company=None, action="opt_in"
    ):
        """Write down that somebody agreed in a form: for website controllers and landing pages.

        Submitting the same form twice is harmless. What cannot be read is kept for a manager
        (WhatsApp > Consent > Not understood) and said in the answer; nothing is raised, so
        that the rest of the form is not lost with it. Call it with `sudo()`. See docs/consent.md.

        :param number: as it was typed; without a country code it is of the company's country
        :param purpose: 'marketing' | 'utility'
        :param source_text: which form, as a person would call it: "Newsletter form, /contact"
        :param evidence: the sentence they agreed to, and what shows it (address, IP, time)
        :param company: res.company, the current one if not given
        :param action: 'opt_in'; 'opt_out' for a form by which people leave
        :return: FormAnswer
        """
        company = company or self.env.company
        ledger = self.env["waba.consent"]
        faults = []
        read = ParsedRow(
            number=ledger._parse_number((number or "").strip(), company, faults),
            purpose=ledger._parse_selection("purpose", purpose or "", faults),
            action=ledger._parse_selection("action", action or "", faults),
            at=fields.Datetime.now(),
            evidence=(evidence or "").strip(),
        )
        if read.action == "opt_in":
            ledger._check_evidence(f"{source_text or ''} {read.evidence}", faults)
        if faults:
            texts = {"number": number, "purpose": purpose, "action": action, "evidence": evidence}
            texts["at"] = f"{fields.Datetime.to_string(read.at)} UTC"
            self.env["waba.consent.rejected"]._store_row(
                texts, "form", faults, company, source_text
            )
            return FormResult(ledger, " ".join(faults))
        return FormResult(self._find_or_record_form(read, source_text, company), "")

    @api.model
    def _find_or_record_form(self, read, source_text, company):
        """The entry of this form; the last one when it already says the same."""
        ledger = self.env["waba.consent"]
        person = self._company_recipient(read.number, company)
        last = person._last_entries(company).get(read.purpose)
        said = ": ".join(filter(None, [source_text, read.evidence]))
        if last and (last.action, last.source, last.evidence) == (read.action, "form", said):
            return last
        return ledger._record_rows([(read, source_text)], "form", company)

    # === Phone blacklist ===
    def _update_blacklist(self, action):
        """These people's state changed by a word on promotions: the blacklist follows."""
        if action == "opt_out":
            self._add_to_blacklist()
        else:
            self._remove_from_blacklist()

    def _blacklistable_numbers(self):
        """The E.164 numbers of these people that Odoo's blacklist can hold."""
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
        # Another of our companies may still have their no.
        still_out = self._same_person().filtered(
            lambda person: person.marketing_state == "opted_out"
        )
        kept = still_out._blacklistable_numbers()
        if numbers := [entry.number for entry in ours if entry.number not in kept]:
            reason = self.env._("Opted in to WhatsApp promotions again.")
            blacklist._remove(numbers, message=reason).write({"waba_added": False})


class PhoneBlacklist(models.Model):
    """Odoo's phone blacklist, fed by opt-outs from promotions where a company wants that.

    What somebody else put there, or put there too, is not ours to take off.
    """

    _name = "phone.blacklist"
    _inherit = ["phone.blacklist", "waba.system.fields.mixin"]

    waba_added = fields.Boolean(
        "Put here by a WhatsApp opt-out", readonly=True, copy=False, help="Taken off by an opt-in."
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
