"""Which country a phone number belongs to."""

import phonenumbers

# Calling codes that one country has alone, from 1 to 3 digits. Reading the whole number, which the
# others need, costs as much as all else that preparing a person's message does.
_SOLE_COUNTRY = {
    str(code): regions[0]
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if len(regions) == 1 and regions[0] != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
}


def country_of(number):
    """ISO 3166-1 alpha-2 code of an E.164 number, '' when unknown; +1 is told by area code."""
    for length in (1, 2, 3):
        if number and number[0] == "+" and (country := _SOLE_COUNTRY.get(number[1 : 1 + length])):
            return country
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except phonenumbers.NumberParseException:
        return ""
