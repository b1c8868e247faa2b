"""Which country a phone number belongs to."""

import phonenumbers


def country_of(number):
    """ISO 3166-1 alpha-2 code of an E.164 number, '' when unknown; +1 is told by area code."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except phonenumbers.NumberParseException:
        return ""
