"""Which country a phone number belongs to, and which time zones."""

from functools import lru_cache

import phonenumbers
from odoo.tools import SQL
from phonenumbers.timezone import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from ...policy import numbers

# Calling codes whose mobile numbers tell the region too: Mexico, Argentina, Brazil, Indonesia
# (phonenumbers, `is_number_type_geographical`), and North America, where a number does not tell
# whether it is mobile. Elsewhere the region of a landline says nothing about a mobile phone.
_AREA_CODED_COUNTRIES = frozenset(("1", "52", "54", "55", "62"))

_CALLING_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)

# Calling codes that one country has alone, from 1 to 3 digits. Reading the whole number, which the
# others need, costs as much as all else that preparing a person's message does.
_SOLE_COUNTRY = {
    str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and regions[0] != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
}


def number_country(number):
    """ISO 3166-1 alpha-2 code of an E.164 number, '' when unknown; +1 is told by area code."""
    for length in (1, 2, 3):
        if number and number[0] == "+" and (country := _SOLE_COUNTRY.get(number[1 : 1 + length])):
            return country
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except phonenumbers.NumberParseException:
        return ""


def number_time_zones(number):
    """Time zones of an E.164 number, divided by commas, '' when unknown.

    More than one when the number does not tell where in its country the person is.
    """
    if not (number or "").startswith("+"):
        return ""
    digits = number[1:]
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in _CALLING_CODES), None)
    if not code:
        return ""
    # The longest prefix that is listed: without reading the number, which costs a hundred times
    # as much. Unlisted ones (freephone, new area codes) are the whole country's.
    return _prefix_time_zones(
        digits[:TIMEZONE_LONGEST_PREFIX] if code in _AREA_CODED_COUNTRIES else code
    )


@lru_cache(maxsize=50_000)
def _prefix_time_zones(digits):
    for length in range(len(digits), 0, -1):
        if found := TIMEZONE_DATA.get(digits[:length]):
            return ",".join(found)
    return ""


def e164_sql(number):
    """SQL: the number by which a person is known, of an expression that is one of their spellings.

    Only where few rows pass: no index answers it.
    """
    for country in numbers.COUNTRIES.values():
        for pattern, replacement in country.rewritten.items():
            # PostgreSQL's references have one digit, so `\19` is group 1 and a 9.
            number = SQL(
                "regexp_replace(%s, %s, %s)",
                number,
                f"^{pattern}$",
                replacement.replace(r"\g<1>", r"\1"),
            )
    return number
