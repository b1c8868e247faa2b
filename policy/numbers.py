"""A phone number as WhatsApp writes it, as an address book does, and as E.164 does.

Some countries changed their mobile numbers, and neither WhatsApp nor every address book followed.
One person must be one person here, or an opt-out would be kept for one spelling and the promotion
sent to the other. `e164_of` is the one form by which people are known and written to; `forms_of`
are all that may stand in an address book, in a blacklist or in a webhook. Two forms are only ever
put together where a numbering plan gives both to one subscriber.
"""

import re
from typing import NamedTuple


class Country(NamedTuple):
    """One calling code.

    rewritten: {what is written: the E.164 number it stands for}; patterns of whole numbers with
        their replacements, which PostgreSQL reads as Python does (`models/number_sql.py`).
    spellings: {E.164 number: other ways to write it}; what `rewritten` does not lead back is none.
    """

    rewritten: dict[str, str]
    spellings: dict[str, tuple[str, ...]]


COUNTRIES = {
    # Mexico gave up the mobile 1 after the country code in 2019; WhatsApp did not for everybody
    # (Meta, Send messages, 2026-03: `wa_id` may differ from the input).
    "+52": Country({r"\+521(\d{10})": r"+52\1"}, {r"\+52(\d{10})": (r"+521\1",)}),
    # Argentina: mobile numbers have a 9 from abroad and a 15 after the area code at home; both
    # kinds share one numbering space of area code and number, 10 digits together (ENACOM, Plan
    # Fundamental de Numeración). WhatsApp's ids have the 9, and its help pages ask for it with all
    # numbers of the country (faq.whatsapp.com, About international phone number format).
    "+54": Country(
        {
            r"\+549?(11)15(\d{8})": r"+549\1\2",
            r"\+549?([23]\d{2})15(\d{7})": r"+549\1\2",
            r"\+549?([23]\d{3})15(\d{6})": r"+549\1\2",
            r"\+54((?:11|[23]\d)\d{8})": r"+549\1",
        },
        {
            r"\+549(11)(\d{8})": (r"+54\1\2", r"+54\g<1>15\2", r"+549\g<1>15\2"),
            r"\+549([23]\d{2})(\d{7})": (r"+54\1\2", r"+54\g<1>15\2", r"+549\g<1>15\2"),
            r"\+549([23]\d{3})(\d{6})": (r"+54\g<1>15\2", r"+549\g<1>15\2"),
        },
    ),
    # Brazil added a mobile 9 until 2016; landlines begin with 2 to 5. As Mexico at Meta.
    "+55": Country(
        {r"\+55(\d{2})([6-9]\d{7})": r"+55\g<1>9\2"},
        {r"\+55(\d{2})9([6-9]\d{7})": (r"+55\1\2",)},
    ),
    # Ivory Coast went from 8 to 10 digits on 2021-01-31: the operator's 01, 05 or 07 before, told
    # by the second digit of the old mobile number (ARTCI; ITU, T02020000310006). Old accounts kept
    # their ids (github.com/devlikeapro/waha/issues/1894).
    "+225": Country(
        {
            r"\+225([04-9][0-3]\d{6})": r"+22501\1",
            r"\+225([04-9][4-6]\d{6})": r"+22505\1",
            r"\+225([04-9][7-9]\d{6})": r"+22507\1",
        },
        {r"\+2250[157]([04-9]\d{7})": (r"+225\1",)},
    ),
    # Benin went from 8 to 10 digits on 2024-11-30: 01 before every number (ARCEP Bénin). That old
    # accounts kept their ids is by analogy.
    "+229": Country({r"\+229([2-9]\d{7})": r"+22901\1"}, {r"\+22901([2-9]\d{7})": (r"+229\1",)}),
}

# Where WhatsApp still knows old accounts by a number that exists no more. Argentina's, Brazil's and
# Mexico's it finds by their E.164 numbers.
KEPT_IDS = frozenset(("+225", "+229"))

_REWRITTEN = {
    code: [(re.compile(pattern), new) for pattern, new in country.rewritten.items()]
    for code, country in COUNTRIES.items()
}
_SPELLINGS = {
    code: [(re.compile(pattern), others) for pattern, others in country.spellings.items()]
    for code, country in COUNTRIES.items()
}


def e164_of(number: str) -> str:
    """Return the one number by which we know whoever is written as `number` (with its plus)."""
    for pattern, replacement in _of_country(_REWRITTEN, number):
        if found := pattern.fullmatch(number):
            return found.expand(replacement)
    return number


def forms_of(number: str) -> tuple[str, ...]:
    """Return all ways to write the number of one person, `e164_of` first; ('',) for no number."""
    known_as = e164_of(number)
    forms = [known_as]
    for pattern, others in _of_country(_SPELLINGS, known_as):
        if found := pattern.fullmatch(known_as):
            forms += [found.expand(other) for other in others]
    return tuple(dict.fromkeys(form for form in forms if e164_of(form) == known_as))


def respelt(text: str) -> str:
    """The E.164 number of a text that is an old spelling with its country code; '' when it is none.

    phonenumbers calls these invalid: +52 1 55…, +225 and 8 digits. It reads those of today.
    """
    number = re.sub(r"[^\d+]", "", text or "")
    number = "+" + number[2:] if number.startswith("00") else number
    known_as = e164_of(number)
    return known_as if known_as != number else ""


def address_of(number: str, wa_number: str | None) -> str:
    """The number to write to: WhatsApp's own where accounts kept an id of before, else ours.

    :param number: as `e164_of` gives it
    :param wa_number: what WhatsApp called the person in a webhook or a reply
    """
    is_kept = number[:4] in KEPT_IDS and wa_number and e164_of(wa_number) == number
    return wa_number if is_kept else number


def all_forms(numbers) -> dict[str, str]:
    """{each way to write one of these numbers: the number, as it was given}."""
    return {form: number for number in numbers if number for form in (*forms_of(number), number)}


def _of_country(table, number):
    return table.get(number[:3]) or table.get(number[:4]) or ()
