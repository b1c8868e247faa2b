from datetime import datetime, timezone
from typing import NamedTuple

from odoo import api, fields, models

from ..policy import consent_lists, numbers, written_dates

TEXTS = ("number", "purpose", "action", "at", "evidence")


class Read(NamedTuple):
    """A row of texts, read: its values, or what is wrong with it in sentences."""

    number: str = ""
    purpose: str = ""
    action: str = ""
    at: datetime | None = None
    evidence: str = ""
    faults: tuple[str, ...] = ()


class WabaConsent(models.Model):
    """Words that come as texts, from a list or a form: read, or told what is wrong with them."""

    _inherit = "waba.consent"

    @api.model
    def _read_row(self, texts, company):
        """Read one row of texts.

        :param texts: {name of TEXTS: text}; times are the user's, numbers without a country code
            are of the company's country
        :return: Read
        """
        faults = []
        text = {name: str(texts.get(name) or "").strip() for name in TEXTS}
        read = {
            "number": self._read_number(text["number"], company, faults),
            "purpose": self._read_choice("purpose", text["purpose"], faults),
            "action": self._read_choice("action", text["action"], faults),
            "at": self._read_moment(text["at"], faults),
            "evidence": self._with_order(text["evidence"], text["at"]),
        }
        return Read(**read, faults=tuple(faults))

    @api.model
    def _read_number(self, text, company, faults):
        """E.164, or '' and a fault."""
        number = text and self.env.user._phone_format(
            number=numbers.respelt(text) or text, country=company.country_id
        )
        if not text:
            faults.append(self.env._("There is no phone number."))
        elif not number:
            faults.append(
                self.env._(
                    "“%s” is not a phone number that can be written to. Write it with its country "
                    "code: +34 600 000 000.",
                    text,
                )
            )
        return numbers.e164_of(number or "")

    @api.model
    def _read_choice(self, name, text, faults):
        """The key of a selection by its label or a word that lists use; or '' and a fault."""
        choices = self._fields[name]._description_selection(self.env)
        shipped = self._fields[name].selection
        for key, label in (*choices, *shipped):
            if text and text.casefold() == label.casefold():
                return key
        if key := consent_lists.key_of(name, text):
            return key
        faults.append(
            self.env._(
                "“%(text)s” is none of the words of %(column)s: %(words)s.",
                text=text,
                column=self._fields[name]._description_string(self.env),
                words=", ".join(f"{label} ({key})" for key, label in choices),
            )
        )
        return ""

    @api.model
    def _date_order(self):
        """Whether days or months come first in the list that is read, '' when nothing tells."""
        return (self.env.context.get("waba_list") or {}).get("order", "")

    @api.model
    def _with_order(self, evidence, text):
        """The evidence, with a word on how a date was read that could be read in two ways."""
        if not written_dates.read(text, self._date_order()).order:
            return evidence
        how = self.env._("“%(text)s” read as %(order)s", text=text, order=self._date_order())
        return f"{evidence} ({how})" if evidence else how

    @api.model
    def _read_moment(self, text, faults):
        """Naive UTC datetime of a date, with or without a time; or None and a fault.

        Without a zone it is by the user's clock. The order of day and month is the list's own
        (`waba_list["order"]` in the context), never the user's language.
        """
        if not text:
            faults.append(
                self.env._("It is not said when they said so. Without it, no word can be weighed.")
            )
            return None
        read = written_dates.read(text, self._date_order())
        if read.is_ambiguous:
            faults.append(
                self.env._(
                    "“%s” may be two days: no other date of the list tells whether day or month "
                    "comes first. Write it as 2026-11-03 (in a spreadsheet: format the column as "
                    "yyyy-mm-dd).",
                    text,
                )
            )
            return None
        if not read.at:
            faults.append(
                self.env._(
                    "“%s” is no date. Write 2026-11-03, 2026-11-03 10:30 or 2026-11-03T10:30:00Z.",
                    text,
                )
            )
            return None
        moment = read.at
        if not read.is_utc:
            moment = self.env.tz.localize(moment).astimezone(timezone.utc).replace(tzinfo=None)
        if moment > fields.Datetime.now():
            faults.append(self.env._("“%s” is in the future.", text))
            return None
        return moment
