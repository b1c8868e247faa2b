"""Tools: country, language and time zones of a phone number, or of Meta's user id.

Called by quiet hours, the audience, the pre-flight and statistics by country.
"""

import re
from functools import lru_cache

import phonenumbers
from babel.languages import get_official_languages
from odoo.tools import SQL
from phonenumbers.timezone import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from ...policy import numbers

# Calling codes whose mobile numbers have an area code: Mexico, Argentina, Brazil, Indonesia
# (phonenumbers, `is_number_type_geographical`), and North America, where mobile numbers cannot be
# distinguished. Elsewhere only landlines have one.
_AREA_CODED_COUNTRIES = frozenset(("1", "52", "54", "55", "62"))

_CALLING_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)

# Calling codes, 1 to 3 digits, of a single country. Parsing the whole number, which the others
# need, costs as much as the rest of preparing a message.
_SOLE_COUNTRY = {
    str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and regions[0] != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
}


# Meta's user id begins with the country of its person: "ES.1349…".
_USER_ID_COUNTRY = re.compile(r"([A-Z]{2})\.")


def number_country(number):
    """ISO 3166-1 alpha-2 code of an E.164 number or of a user id, '' when unknown.

    Of +1 by its area code.
    """
    if not number:
        return ""
    if number[0] != "+":
        found = _USER_ID_COUNTRY.match(number)
        return found[1] if found else ""
    for length in (1, 2, 3):
        if number and number[0] == "+" and (country := _SOLE_COUNTRY.get(number[1 : 1 + length])):
            return country
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except phonenumbers.NumberParseException:
        return ""


def number_language(number):
    """Language of an E.164 number's country, such as 'es'; '' when unknown."""
    return next(iter(number_languages(number)), "").split("_")[0]


def number_languages(number):
    """Official languages of an E.164 number's country, such as ('de', 'fr', 'it')."""
    return _country_languages(number_country(number or ""))


@lru_cache(maxsize=300)
def _country_languages(country):
    return get_official_languages(country, de_facto=True) if country else ()


def number_time_zones(number):
    """Time zones of an E.164 number or a user id, separated by commas, '' when unknown.

    Several when the number does not show where in its country the recipient is.
    """
    if not number:
        return ""
    digits = number[1:] if number[0] == "+" else _calling_code(number_country(number))
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in _CALLING_CODES), None)
    if not code:
        return ""
    # By the longest listed prefix: parsing the number costs a hundred times as much. Unlisted
    # ones (freephone, new area codes) get all time zones of the country.
    return _prefix_time_zones(
        digits[:TIMEZONE_LONGEST_PREFIX] if code in _AREA_CODED_COUNTRIES else code
    )


@lru_cache(maxsize=300)
def _calling_code(country):
    return str(phonenumbers.country_code_for_region(country) or "")


@lru_cache(maxsize=50_000)
def _prefix_time_zones(digits):
    for length in range(len(digits), 0, -1):
        if found := TIMEZONE_DATA.get(digits[:length]):
            return ",".join(found)
    return ""


def e164_sql(number):
    """SQL of a recipient's canonical number, from an SQL expression of any of its spellings.

    Only for conditions on few rows: no index supports it.
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
