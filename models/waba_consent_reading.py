from datetime import datetime, timezone
from typing import NamedTuple

from odoo import api, fields, models

from ..policy import numbers

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
            "evidence": text["evidence"],
        }
        return Read(**read, faults=tuple(faults))

    @api.model
    def _read_number(self, text, company, faults):
        """E.164, or '' and a fault."""
        number = text and self.env.user._phone_format(number=text, country=company.country_id)
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
        """The key of a selection by its key or its label, whatever the case; or '' and a fault."""
        # Nobody brings from elsewhere that a message was read here.
        choices, shipped = (
            [choice for choice in found if choice[0] != "kept"]
            for found in (
                self._fields[name]._description_selection(self.env),
                self._fields[name].selection,
            )
        )
        for key, label in (*choices, *shipped):
            if text.casefold() in (key, key.replace("_", "-"), label.casefold()):
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
    def _read_moment(self, text, faults):
        """Naive UTC datetime of a date, with or without a time; or None and a fault."""
        if not text:
            faults.append(
                self.env._("It is not said when they said so. Without it, no word can be weighed.")
            )
            return None
        # As forms are kept, whoever takes them later.
        bare, is_utc = text.removesuffix(" UTC"), text.endswith(" UTC")
        moment = next(filter(None, (_parse(bare, pattern) for pattern in self._patterns())), None)
        if not moment:
            faults.append(
                self.env._(
                    "“%(text)s” is no date. Write 2026-11-03 or 2026-11-03 10:30, or as your "
                    "language does, %(example)s.",
                    text=text,
                    example=datetime(2026, 11, 3).strftime(self._date_format()),
                )
            )
            return None
        if not is_utc:
            moment = self.env.tz.localize(moment).astimezone(timezone.utc).replace(tzinfo=None)
        if moment > fields.Datetime.now():
            faults.append(self.env._("“%s” is in the future.", text))
            return None
        return moment

    @api.model
    def _date_format(self):
        return self.env["res.lang"]._get_data(code=self.env.user.lang).date_format or "%m/%d/%Y"

    @api.model
    def _patterns(self):
        return [
            f"{date}{clock}"
            for date in ("%Y-%m-%d", self._date_format())
            for clock in ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", "T%H:%M")
        ]


def _parse(text, pattern):
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        return None
