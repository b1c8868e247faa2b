from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .waba_recipient import known_by

PURPOSES = ("marketing", "utility")
# What a word of the ledger makes of a person.
STATE_OF = {"opt_in": "opted_in", "opt_out": "opted_out"}
ACTION_OF = {state: action for action, state in STATE_OF.items()}


class WabaRecipient(models.Model):
    """What people want to get, and the one door by which that changes: `_set_consent`.

    The ledger (waba.consent) holds every word; `marketing_state` and `utility_state` are what the
    last word of each purpose made of the person, and what sending reads.
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

    def _same_person(self):
        """Every row of these people, in any portfolio: consent is the company's, not Meta's."""
        return self | self.search(known_by(self._known_numbers()))

    def _of_company(self, number, company=None):
        """The row of an E.164 number in a portfolio of the company, made where there is none.

        One is enough: what is said there holds in the company's other portfolios too.

        :param company: the user's own if not given
        """
        return self._all_of_company([number], company or self.env.company)[number]

    def _all_of_company(self, numbers, company):
        """{E.164 number: row}, see `_of_company`."""
        accounts = self.env["waba.account"].sudo().search([("portfolio_id", "!=", False)])
        of_company = accounts.filtered(lambda account: account.company_id == company)
        portfolios = (of_company or accounts).portfolio_id
        if not portfolios:
            raise UserError(
                self.env._("No WhatsApp account is connected yet: connect one, then note it again.")
            )
        numbers = list(numbers)
        people = self.search(
            Domain("portfolio_id", "in", portfolios.ids) & known_by(numbers), order="id desc"
        )
        # The row by the number itself before one by WhatsApp's way of writing it.
        known = {person.wa_number: person for person in people}
        known |= {person.number: person for person in people}
        missing = [number for number in numbers if number not in known]
        known |= self._find_or_create_by_number(portfolios[0], missing) if missing else {}
        return {number: known[number] for number in numbers}

    def _who_heard(self, action):
        """The rows that a word said to these changes.

        An opt-out holds for everybody: who says no to one of our companies is left alone by all.
        An opt-in is given to one company, so it holds in the portfolios of that company alone.
        """
        return self._same_person() if action == "opt_out" else self._same_person_here()

    def _same_person_here(self):
        """The rows of these people in the portfolios of their companies: what one company knows."""
        known = self.portfolio_id._of_same_companies()
        return self._same_person().filtered(lambda person: person.portfolio_id in known)

    def _set_consent(self, purpose, action, source, evidence, at=None, message=None):
        """The one door for consent: writes the ledger, then the state that sending reads.

        A word that changes nothing is noted too: it is what makes an older one, come later, old.
        A word older than the last one on its purpose is noted and changes nothing.

        :param purpose: 'marketing' | 'utility'
        :param action: 'opt_in' | 'opt_out'
        :param source: a key of waba.consent's `source`
        :param evidence: what shows it, in words or a quotation
        :param at: naive UTC datetime when the person said so; now if not given
        :param message: the waba.message it was said in or about
        :return: the rows whose state changed
        """
        at = at or fields.Datetime.now()
        state, name = STATE_OF[action], f"{purpose}_state"
        on_time = self.filtered(lambda person: not person._has_newer_consent(at, purpose))
        words = self.env["waba.consent"].create(
            [
                {
                    "recipient_id": person.id,
                    "purpose": purpose,
                    "action": action,
                    "source": source,
                    "evidence": evidence,
                    "at": at,
                    "message_id": message.id if message else False,
                }
                for person in self
                if not person._is_noted(purpose, action, source, at)
            ]
        )
        # One company erased them: what is kept of that says nothing to the others.
        heard = on_time._same_person_here() if source == "erased" else on_time._who_heard(action)
        changed = heard.filtered(
            lambda person: person[name] != state and not person._has_newer_consent(at, purpose)
        )
        changed.write({name: state})
        if words and (purpose, action) == ("marketing", "opt_out"):
            self.env["waba.message"]._stamp_opt_outs(SQL("c.id IN %s", tuple(words.ids)))
        return changed

    def _set_marketing_state(self, state, source, evidence, at=None, message=None):
        """`_set_consent` to promotions, told by the state it leads to."""
        return self._set_consent("marketing", ACTION_OF[state], source, evidence, at, message)

    def _is_noted(self, purpose, action, source, at):
        """Whether the ledger holds this very word: a webhook may be applied twice."""
        return bool(
            self.env["waba.consent"].search_count(
                [
                    ("recipient_id", "=", self.id),
                    ("purpose", "=", purpose),
                    ("action", "=", action),
                    ("source", "=", source),
                    ("at", "=", at),
                ],
                limit=1,
            )
        )

    def _has_newer_consent(self, at, purpose="marketing"):
        """Whether the ledger already holds a word said after `at` (events may arrive late).

        Another company's counts if it is a no: an opt-in there makes no opt-out here old.
        """
        self.ensure_one()
        if not at:
            return False
        heard = Domain("recipient_id", "in", self._same_person_here().ids) | (
            Domain("recipient_id", "in", self._same_person().ids) & Domain("action", "=", "opt_out")
        )
        # Only what says yes or no: "kept" says that nothing was said.
        said = Domain("purpose", "=", purpose) & Domain("action", "in", list(STATE_OF))
        later = said & Domain("at", ">", at)
        return bool(self.env["waba.consent"].search_count(later & heard, limit=1))

    def _last_words(self):
        """{purpose: the last waba.consent of these rows on it}."""
        said = self.consent_ids.filtered(lambda entry: entry.action in STATE_OF)
        entries = said.sorted(lambda entry: (entry.at, entry.id))
        return {entry.purpose: entry for entry in entries}

    def _repeat_words(self, words):
        """Say here what was said of another row of the same person.

        :param words: waba.consent
        """
        for word in words:
            self._set_consent(
                word.purpose,
                word.action,
                word.source,
                word.evidence,
                at=word.at,
                message=word.message_id,
            )

    def _follow_opt_outs(self, others, source, evidence, at=None):
        """These are the same people as `others`: what those do not want goes for these too."""
        for purpose in PURPOSES:
            name = f"{purpose}_state"
            if "opted_out" in others.mapped(name):
                self.filtered(lambda person, name=name: person[name] != "opted_out")._set_consent(
                    purpose, "opt_out", source, evidence, at=at
                )

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def action_note_consent(self):
        """Asks what this person said, and writes it down under the user's name."""
        self.ensure_one()
        return self.env["waba.consent.note"]._open(recipient_id=self.id)


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    def _of_same_companies(self):
        """These portfolios and those that share a company with them, or have none yet."""
        everyone = self.sudo().with_context(active_test=False)
        companies = everyone.account_ids.company_id
        related = Domain("account_ids", "=", False) | Domain(
            "account_ids.company_id", "in", companies.ids
        )
        return self | everyone.search(related if companies else Domain.TRUE).with_env(self.env)
