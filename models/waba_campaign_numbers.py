from datetime import datetime
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..policy import eligibility, frequency
from ..policy import numbers as policy_numbers
from .consent_sql import PURPOSES, consent_sql
from .phone_countries import country_of


class Known(NamedTuple):
    """What is known about the person behind a number: columns of waba.recipient, and the states of
    consent as the campaign's company has to take them."""

    id: int | None = None
    marketing_state: str = "unknown"
    utility_state: str | None = None
    unreachable_until: datetime | None = None
    marketing_held_until: datetime | None = None
    is_blocked: bool = False
    may_opt_out_at: datetime | None = None


NOBODY = Known()


class WabaCampaign(models.Model):
    """From a record to a number, from the number to what is known about the person behind it."""

    _inherit = "waba.campaign"

    @api.model
    def _number_of(self, record):
        """E.164 by the record's own country, one form for one person; '' when there is none."""
        # Odoo keeps what `_phone_format` gives; reading the number anew would cost as much again.
        number = record.phone_sanitized or record._phone_format()
        if not number and (old := policy_numbers.respelt(self._typed_number(record))):
            number = record._phone_format(number=old)
        return policy_numbers.e164_of(number or "")

    @api.model
    def _country_code_of(self, record):
        return country_of(self._number_of(record))

    @api.model
    def _typed_number(self, record):
        """The number as it stands on the record, to name what is not valid; ''."""
        typed = (record[name] for name in record._phone_get_number_fields())
        return next((text.strip() for text in typed if text and text.strip()), "")

    @api.model
    def _person(self, record, number, typed, known, preparation):
        return eligibility.Person(
            # Only what was formatted may look like a number: "+346125550" is none.
            number=number or typed.lstrip("+"),
            is_ours=number in preparation.ours,
            duplicate=known.id in preparation.seen,
            renumbered=record.id in preparation.renumbered,
            marketing_state=known.marketing_state,
            utility_state=known.utility_state,
            blacklisted=number in preparation.blacklisted,
            unreachable_until=known.unreachable_until,
            blocked=known.is_blocked,
            country_code=country_of(number),
            promotions_free_at=frequency.frees_at(
                preparation.promotions.get(number, ()), preparation.cap
            ),
            may_opt_out=bool(known.may_opt_out_at),
        )

    def _known_people(self, numbers):
        """{E.164 number: Known}; who was not known is from now on."""
        self.env["waba.recipient"]._create_missing(self.sender_id.portfolio_id, numbers)
        return self._read_people(numbers)

    def _read_people(self, numbers):
        rows = self.env.execute_query(
            SQL(
                """SELECT r.number, %s FROM waba_recipient r
                    WHERE r.portfolio_id = %s AND r.number = ANY(%s)""",
                SQL(", ").join(self._known_column(name) for name in Known._fields),
                self.sender_id.portfolio_id.id,
                [*numbers],
            )
        )
        return {number: Known(*values) for number, *values in rows}

    def _known_column(self, name):
        """SQL of a field of `Known`."""
        purpose = name.removesuffix("_state")
        if purpose in PURPOSES:
            return consent_sql(purpose, self.company_id.id)
        return SQL("r.%s", SQL.identifier(name))

    @api.model
    def _blacklisted_among(self, numbers):
        """Which of these numbers are on Odoo's phone blacklist, in any way of writing them."""
        # In SQL: the model's own search parses every number again, which costs more than the rest.
        forms = policy_numbers.all_forms(numbers)
        self.env["phone.blacklist"].flush_model(["number", "active"])
        rows = self.env.execute_query(
            SQL("SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)", [*forms])
        )
        return {forms[number] for (number,) in rows}

    def _recipient_ids_with_row(self, recipient_ids):
        """Who of these people has a row in this campaign already."""
        self.env["waba.message"].flush_model()
        # The conditions of the index: whoever is a duplicate has a row that is none.
        rows = self.env.execute_query(
            SQL(
                """SELECT recipient_id FROM waba_message
                    WHERE campaign_id = %s AND recipient_id = ANY(%s) AND direction = 'out'
                      AND failure_type IS DISTINCT FROM 'duplicate'""",
                self.id,
                recipient_ids,
            )
        )
        return {recipient_id for (recipient_id,) in rows}
