"""Consent: a recipient's consent as SQL, for one company or for all of a portfolio.

Used by audience, pre-flight, reservation and waba_opt_in.py; pure functions that return `SQL`.
"""

from odoo.tools import SQL

PURPOSES = ("marketing", "utility")

# Dates are days in UTC, like all of the database's times. The last day counts.
TODAY = SQL("(now() AT TIME ZONE 'UTC')::date")


def in_force_sql(row):
    """SQL condition: an opt-in has not ended yet.

    :param row: name of the alias of waba_opt_in or waba_topic_state
    """
    until = SQL.identifier(row, "valid_until")
    return SQL("(%s IS NULL OR %s >= %s)", until, until, TODAY)


def topic_sql(topic, person=None):
    """SQL: what a recipient said about a topic: 'opted_in', 'opted_out' or NULL for nothing.

    `policy.eligibility.topic_consent` combines it with `consent_sql` of promotions.

    :param topic: SQL of the topic's id, which may be NULL, or the id itself
    :param person: SQL of the alias of waba_recipient; `r` if not given
    """
    return SQL(
        """(SELECT CASE WHEN said.in_at IS NOT NULL AND %s THEN 'opted_in'
                        WHEN said.out_at IS NOT NULL THEN 'opted_out' END
              FROM waba_topic_state said
             WHERE said.recipient_id = %s.id AND said.topic_id = %s)""",
        in_force_sql("said"),
        person or SQL("r"),
        topic,
    )


def any_topic_sql(company_ids):
    """SQL: 'opted_in' if recipient `r` has opted in to a topic of these companies, else 'unknown'.

    For counts of people with an opt-in on record; a message asks for its own topic.
    """
    return SQL(
        """CASE WHEN EXISTS (SELECT 1 FROM waba_topic_state said
                               JOIN waba_topic topic ON topic.id = said.topic_id
                              WHERE said.recipient_id = r.id AND said.in_at IS NOT NULL AND %s
                                AND topic.company_id = ANY(%s))
                THEN 'opted_in' ELSE 'unknown' END""",
        in_force_sql("said"),
        list(company_ids),
    )


def consent_sql(purpose, company, person=None):
    """SQL: a recipient's consent for one company: 'opted_in', 'opted_out' or 'unknown'.

    :param purpose: 'marketing' | 'utility'
    :param company: SQL of the company's id, or the id itself
    :param person: SQL of the alias of waba_recipient; `r` if not given
    """
    person = person or SQL("r")
    return SQL(
        """CASE WHEN EXISTS (SELECT 1 FROM waba_opt_in given
                              WHERE given.recipient_id = %(person)s.id
                                AND given.company_id = %(company)s
                                AND given.purpose = %(purpose)s
                                AND %(in_force)s) THEN 'opted_in'
                WHEN %(person)s.%(out_at)s IS NOT NULL
                  OR %(person)s.%(state)s = 'opted_out' THEN 'opted_out'
                ELSE 'unknown' END""",
        person=person,
        company=company,
        purpose=purpose,
        in_force=in_force_sql("given"),
        out_at=SQL.identifier(f"{purpose}_out_at"),
        state=SQL.identifier(f"{purpose}_state"),
    )


def strongest_consent(states):
    """The state that applies to several rows of one person: an opt-in is newer than the opt-outs
    that other rows still show."""
    return next((state for state in ("opted_in", "opted_out") if state in states), "unknown")


def strictest_consent(states):
    """The state to show for several rows of one person: an opt-out is never hidden."""
    return next((state for state in ("opted_out", "opted_in") if state in states), "unknown")


def shared_consent_sql(purpose):
    """SQL: the consent of recipient `r` that every company of its portfolio may rely on.

    In a portfolio without accounts, which has no company yet, any opt-in counts.
    """
    return SQL(
        """CASE WHEN EXISTS (SELECT 1 FROM waba_opt_in given
                              WHERE given.recipient_id = r.id AND given.purpose = %(purpose)s
                                AND %(in_force)s)
                 AND NOT EXISTS (
                     SELECT 1 FROM waba_account account
                      WHERE account.portfolio_id = r.portfolio_id
                        AND NOT EXISTS (SELECT 1 FROM waba_opt_in given
                                         WHERE given.recipient_id = r.id
                                           AND given.purpose = %(purpose)s AND %(in_force)s
                                           AND given.company_id = account.company_id))
                THEN 'opted_in'
                WHEN r.%(out_at)s IS NOT NULL OR r.%(state)s = 'opted_out' THEN 'opted_out'
                ELSE 'unknown' END""",
        purpose=purpose,
        in_force=in_force_sql("given"),
        out_at=SQL.identifier(f"{purpose}_out_at"),
        state=SQL.identifier(f"{purpose}_state"),
    )


def renumbered_sql(company):
    """SQL condition on waba_message `m`: the number of its record was changed after the person had
    opted out of this topic, and no user has confirmed that it is another person.

    :param company: id of the sending company
    """
    former = SQL("former")
    return SQL(
        """EXISTS (SELECT 1 FROM waba_renumbered held
                     JOIN waba_recipient former ON former.id = held.recipient_id
                    WHERE held.settled_at IS NULL
                      AND held.res_id = m.res_id AND held.res_model = m.res_model
                      AND CASE WHEN m.category = 'marketing' THEN COALESCE(%s, %s)
                               ELSE %s END = 'opted_out')""",
        topic_sql(SQL("m.topic_id"), former),
        consent_sql("marketing", company, former),
        consent_sql("utility", company, former),
    )
