from typing import NamedTuple

from odoo import api, fields, models

from .waba_consent_reading import ParsedRow


class FormResult(NamedTuple):
    """The outcome of a form.

    entry: the waba.consent that holds the word, empty when it could not be read.
    error: a sentence for whoever filled in the form, '' when all is well.
    """

    entry: models.Model
    error: str


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

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
