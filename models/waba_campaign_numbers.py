from datetime import datetime
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..policy import eligibility, frequency
from .consent_sql import PURPOSES, consent_sql
from .phone_countries import number_country


class KnownRecipient(NamedTuple):
    """What is known about the person behind a number: columns of waba.recipient, and the states of
    consent as the campaign's company has to take them."""

    id: int | None = None
    marketing_state: str = "unknown"
    utility_state: str | None = None
    unreachable_until: datetime | None = None
    marketing_held_until: datetime | None = None
    is_blocked: bool = False
    may_opt_out_at: datetime | None = None


UNKNOWN_RECIPIENT = KnownRecipient()


class WabaCampaign(models.Model):
    """From a number to what is known about the person behind it."""

    _inherit = "waba.campaign"

    @api.model
    def _record_country_code(self, record):
        return number_country(self.env["waba.recipient"]._number_of(record))

    @api.model
    def _eligibility_person(self, record, number, typed, known, preparation):
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
            country_code=number_country(number),
            promotions_free_at=frequency.next_promotion_time(
                preparation.promotions.get(number, ()), preparation.cap
            ),
            may_opt_out=bool(known.may_opt_out_at),
        )

    def _recipients_by_number(self, numbers):
        """{E.164 number: Known}; who was not known is from now on."""
        self.env["waba.recipient"]._create_missing(self.sender_id.portfolio_id, numbers)
        return self._read_recipients(numbers)

    def _read_recipients(self, numbers):
        rows = self.env.execute_query(
            SQL(
                """SELECT r.number, %s FROM waba_recipient r
                    WHERE r.portfolio_id = %s AND r.number = ANY(%s)""",
                SQL(", ").join(self._known_column(name) for name in KnownRecipient._fields),
                self.sender_id.portfolio_id.id,
                [*numbers],
            )
        )
        return {number: KnownRecipient(*values) for number, *values in rows}

    def _known_column(self, name):
        """SQL of a field of `KnownRecipient`."""
        purpose = name.removesuffix("_state")
        if purpose in PURPOSES:
            return consent_sql(purpose, self.company_id.id)
        return SQL("r.%s", SQL.identifier(name))

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
