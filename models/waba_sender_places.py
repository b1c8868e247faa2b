from odoo import models
from odoo.tools import SQL

from ..policy import limits
from ..policy import warm_up as warm_up_policy


class SlotAllowance:
    """People who may still be written to first: of the portfolio's limit and of the number's own.

    :param limit, own_limit: people in 24 h, None without limit
    :param used, own_used: people counted in the last 24 h, by all numbers and by this one
    """

    def __init__(self, limit, used, own_limit, own_used, followup_share):
        self.limit, self.used = limit, used
        self.own_limit, self.own_used = own_limit, own_used
        self.followup_share = followup_share

    def free_slots(self, kind):
        """(places free of the portfolio's limit, of the number's own); None without limit.

        :param kind: 'campaign' or 'followup'
        """
        return (
            limits.allowance(self.limit, self.used, 0, self.followup_share, kind),
            limits.allowance(self.own_limit, self.own_used, 0, self.followup_share, kind),
        )

    def use_slot(self, costs, own_costs):
        self.used += costs
        self.own_used += own_costs


class WabaSender(models.Model):
    """How many people a number may still write to, by the portfolio's limit and by its own.

    Its own is what share and warm-up leave it. It counts the people of its own messages, whoever
    else wrote to them; the portfolio counts each person once.
    """

    _inherit = "waba.sender"

    def _slot_allowance(self, now):
        """What is left of the limits. Without a limit nothing is counted: at a million people a day
        that would show."""
        portfolio = self.portfolio_id
        limit, own_limit = portfolio._people_limit(), self._own_daily_limit()
        used = own_used = 0
        if limit is not None:
            used = portfolio._count_slots_used().get(portfolio.id, (0, None))[0]
        if own_limit is not None:
            own_used = self._count_own_recipients(now)
        return SlotAllowance(limit, used, own_limit, own_used, portfolio.followup_share)

    def _own_daily_limit(self):
        """People this number alone may write to first in 24 h, after share and warm-up.

        :return: None when the portfolio's limit is all there is to keep
        """
        self.ensure_one()
        if self.response_share >= 1 and not self.warm_up_people:
            return None
        limit = self.portfolio_id._people_limit()
        own = warm_up_policy.daily_limit(
            self._response_in_force(),
            limit,
            self._current_warm_up(),
            self.busiest_day,
            self._response_settings(),
        )
        return None if own is None or (limit is not None and own >= limit) else own

    def _own_slot_times(self, now):
        """Times, oldest first, at which the people this number wrote to were last counted."""
        self.env["waba.message"].flush_model(["sender_id", "slot_at", "recipient_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT max(slot_at) FROM waba_message
                    WHERE sender_id = %s AND slot_at > %s GROUP BY recipient_id ORDER BY 1""",
                self.id,
                now - limits.WINDOW,
            )
        )
        return [slot_at for (slot_at,) in rows]

    def _count_own_recipients(self, now):
        """People whom this number, whatever others did, wrote to first in the last 24 h."""
        self.env["waba.message"].flush_model(["sender_id", "slot_at", "recipient_id"])
        [[count]] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT recipient_id) FROM waba_message
                    WHERE sender_id = %s AND slot_at > %s""",
                self.id,
                now - limits.WINDOW,
            )
        )
        return count


class WabaMessage(models.Model):
    _inherit = "waba.message"

    # Whom a number alone wrote to in the last 24 hours.
    _own_slot_idx = models.Index("(sender_id, slot_at, recipient_id) WHERE slot_at IS NOT NULL")
