"""Base: the country of a phone number's first digits, as a table for SQL.

Called by statistics by country: attribution, costs, daily counts.
"""

import phonenumbers
from odoo import fields, models
from odoo.tools import SQL

from ..tools.phone_countries import number_country

# Digits after the plus sign that determine the country: calling codes have up to 3, and the
# countries of +1 are distinguished by the area code, which ends with the fourth.
DIGITS = 4
FILLER = "2345678901"


class WabaPhonePrefix(models.Model):
    """One row per possible beginning of `DIGITS` digits.

    Filled from the phone library when the addon is installed or updated. A territory that only
    later digits distinguish from a larger country is counted as that country.
    """

    _name = "waba.phone.prefix"
    _description = "Phone Prefix Country"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False
    _rec_name = "prefix"
    _order = "prefix"

    prefix = fields.Char(required=True, readonly=True)
    country_id = fields.Many2one("res.country", required=True, readonly=True, ondelete="cascade")

    _prefix_uniq = models.UniqueIndex("(prefix)")

    def init(self):
        pairs = list(country_prefixes())
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_phone_prefix (prefix, country_id)
                   SELECT p.prefix, c.id
                     FROM unnest(%s, %s) AS p(prefix, code)
                     JOIN res_country c ON c.code = p.code
                   ON CONFLICT (prefix) DO UPDATE SET country_id = EXCLUDED.country_id""",
                [prefix for prefix, _code in pairs],
                [code for _prefix, code in pairs],
            )
        )


def country_prefixes():
    """Yield (first digits, ISO 3166-1 alpha-2 code) of all numbering plans of countries."""
    for calling_code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if regions[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            continue
        missing = DIGITS - len(str(calling_code))
        for tail in range(10**missing):
            prefix = f"{calling_code}{tail:0{missing}d}"
            yield prefix, _prefix_region(prefix, regions)


def _prefix_region(prefix, regions):
    if len(regions) == 1:
        return regions[0]
    example = phonenumbers.example_number_for_type(regions[0], phonenumbers.PhoneNumberType.MOBILE)
    length = len(f"{example.country_code}{example.national_number}")
    return number_country(f"+{prefix}{FILLER}"[: length + 1]) or regions[0]


def prefix_sql(number):
    """SQL of the `prefix` of an E.164 number, from an SQL expression of that number."""
    return SQL("substr(%s, 2, %s)", number, DIGITS)
