"""`policy.numbers.canonical_number` in SQL, for numbers that are joined and not read."""

from odoo.tools import SQL

from ..policy import numbers


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
