"""Phone numbers as WhatsApp, address books and E.164 write them.

Some countries changed their mobile numbers, and WhatsApp and address books still contain old ones.
All spellings must be one person, or an opt-out would be stored for one and a promotion sent to the
other. `canonical_number` is the form by which people are identified and contacted; `number_forms`
are all forms that may be in an address book, a blacklist or a webhook. Two forms are equal only
where a numbering plan gives both to one subscriber.
"""

import re
from typing import NamedTuple


class Country(NamedTuple):
    """One calling code.

    rewritten: {written number: its E.164 number}; patterns of whole numbers with replacements that
        mean the same in Python and PostgreSQL (`models/tools/phone_countries.py`).
    spellings: {E.164 number: its other spellings}; only those that `rewritten` maps back.
    """

    rewritten: dict[str, str]
    spellings: dict[str, tuple[str, ...]]


COUNTRIES = {
    # Mexico gave up the mobile 1 after the country code in 2019; WhatsApp did not for all numbers
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
    # Ivory Coast went from 8 to 10 digits on 2021-01-31: the operator's 01, 05 or 07 before,
    # determined by the second digit of the old mobile number (ARTCI; ITU, T02020000310006). Old
    # accounts kept their ids (github.com/devlikeapro/waha/issues/1894).
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

# Countries where WhatsApp still uses old ids for accounts whose number no longer exists.
# Argentina's, Brazil's and Mexico's it finds by their E.164 numbers.
KEPT_IDS = frozenset(("+225", "+229"))

_REWRITTEN = {
    code: [(re.compile(pattern), new) for pattern, new in country.rewritten.items()]
    for code, country in COUNTRIES.items()
}
_SPELLINGS = {
    code: [(re.compile(pattern), others) for pattern, others in country.spellings.items()]
    for code, country in COUNTRIES.items()
}


def canonical_number(number: str) -> str:
    """Return the E.164 number of the spelling `number` (with its plus)."""
    for pattern, replacement in _country_rules(_REWRITTEN, number):
        if found := pattern.fullmatch(number):
            return found.expand(replacement)
    return number


def number_forms(number: str) -> tuple[str, ...]:
    """Return all spellings of one number, `canonical_number` first; ('',) for no number."""
    known_as = canonical_number(number)
    rules = _country_rules(_SPELLINGS, known_as)
    if not rules:
        return (known_as,)
    forms = [known_as]
    for pattern, others in rules:
        if found := pattern.fullmatch(known_as):
            forms += [found.expand(other) for other in others]
    return tuple(dict.fromkeys(form for form in forms if canonical_number(form) == known_as))


def read_old_spelling(text: str) -> str:
    """Return the E.164 number of an old spelling with its country code; '' for any other text.

    The library phonenumbers rejects these (+52 1 55…, +225 and 8 digits) and reads current ones.
    """
    number = re.sub(r"[^\d+]", "", text or "")
    number = "+" + number[2:] if number.startswith("00") else number
    known_as = canonical_number(number)
    return known_as if known_as != number else ""


def sending_number(number: str, wa_number: str | None) -> str:
    """Return the number to send to: WhatsApp's own where accounts kept an old id, else ours.

    :param number: as returned by `canonical_number`
    :param wa_number: the person's number in a webhook or reply of WhatsApp's
    """
    is_kept = number[:4] in KEPT_IDS and wa_number and canonical_number(wa_number) == number
    return wa_number if is_kept else number


def forms_by_number(numbers) -> dict[str, str]:
    """Return {spelling: number as given} for all spellings of these numbers."""
    return {
        form: number for number in numbers if number for form in (*number_forms(number), number)
    }


def _country_rules(table, number):
    return table.get(number[:3]) or table.get(number[:4]) or ()
