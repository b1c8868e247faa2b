"""A person's consent as SQL reads it (its rows: waba_opt_in.py, waba_renumbered.py)."""

from odoo.tools import SQL

PURPOSES = ("marketing", "utility")


def consent_sql(purpose, company, person=None):
    """SQL: 'opted_in', 'opted_out' or 'unknown', as one company has to take a person's words.

    :param purpose: 'marketing' | 'utility'
    :param company: SQL of the company's id, or the id
    :param person: SQL of the alias of waba_recipient, `r` if not given
    """
    person = person or SQL("r")
    return SQL(
        """CASE WHEN EXISTS (SELECT 1 FROM waba_opt_in given
                              WHERE given.recipient_id = %(person)s.id
                                AND given.company_id = %(company)s
                                AND given.purpose = %(purpose)s) THEN 'opted_in'
                WHEN %(person)s.%(out_at)s IS NOT NULL
                  OR %(person)s.%(state)s = 'opted_out' THEN 'opted_out'
                ELSE 'unknown' END""",
        person=person,
        company=company,
        purpose=purpose,
        out_at=SQL.identifier(f"{purpose}_out_at"),
        state=SQL.identifier(f"{purpose}_state"),
    )


def strongest_consent(states):
    """Of what several rows of one person say, what counts: an opt-in has outlived the opt-outs that
    other rows still show."""
    return next((state for state in ("opted_in", "opted_out") if state in states), "unknown")


def strictest_consent(states):
    """Of what several rows of one person say, what must not be overlooked."""
    return next((state for state in ("opted_out", "opted_in") if state in states), "unknown")


def shared_consent_sql(purpose):
    """SQL: what all companies of the portfolio of `r` may take the person's words to be.

    A portfolio without accounts is nobody's yet: there any opt-in shows.
    """
    return SQL(
        """CASE WHEN EXISTS (SELECT 1 FROM waba_opt_in given
                              WHERE given.recipient_id = r.id AND given.purpose = %(purpose)s)
                 AND NOT EXISTS (
                     SELECT 1 FROM waba_account account
                      WHERE account.portfolio_id = r.portfolio_id
                        AND NOT EXISTS (SELECT 1 FROM waba_opt_in given
                                         WHERE given.recipient_id = r.id
                                           AND given.purpose = %(purpose)s
                                           AND given.company_id = account.company_id))
                THEN 'opted_in'
                WHEN r.%(out_at)s IS NOT NULL OR r.%(state)s = 'opted_out' THEN 'opted_out'
                ELSE 'unknown' END""",
        purpose=purpose,
        out_at=SQL.identifier(f"{purpose}_out_at"),
        state=SQL.identifier(f"{purpose}_state"),
    )


def renumbered_sql(company):
    """SQL condition on the rows `m` of waba_message: the record's number was changed after its
    person had opted out of this, and nobody has confirmed that it is another person.

    :param company: id of the company that writes
    """
    former = SQL("former")
    return SQL(
        """EXISTS (SELECT 1 FROM waba_renumbered held
                     JOIN waba_recipient former ON former.id = held.recipient_id
                    WHERE held.settled_at IS NULL
                      AND held.res_id = m.res_id AND held.res_model = m.res_model
                      AND CASE WHEN m.category = 'marketing' THEN %s ELSE %s END = 'opted_out')""",
        consent_sql("marketing", company, former),
        consent_sql("utility", company, former),
    )
