from odoo import api, models
from odoo.tools import SQL

from ..policy import numbers


class WabaSender(models.Model):
    """Which numbers are ours: whoever writes from one, or is written to, is no person."""

    _inherit = "waba.sender"

    @api.model
    def _filter_own_numbers(self, named):
        """Those of these numbers that are numbers of ours.

        Of any account of the database, archived ones too, and in either way of writing them.

        :param named: E.164 numbers, or as WhatsApp writes them; empty ones are none
        :return: set of them, as given
        """
        named = {number: numbers.canonical_number(number) for number in named if number}
        if not named:
            return set()
        self.flush_model(["number", "display_phone_number"])
        rows = self.env.execute_query(
            SQL("SELECT number, regexp_replace(display_phone_number, '[^0-9]', '', 'g') "
                "FROM waba_sender")
        )  # fmt: skip
        ours = {numbers.canonical_number(number) for number, _shown in rows if number}
        ours |= {numbers.canonical_number(f"+{shown}") for _number, shown in rows if shown}
        return {number for number, e164 in named.items() if e164 in ours}
