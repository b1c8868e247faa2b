from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..policy import limits, pacing

# The scheduler is exact to the minute.
STALLED_AGAIN = timedelta(minutes=1)


class WabaSender(models.Model):
    """When a number's job looks at its queue again: a queue that waits sets an alarm."""

    _inherit = "waba.sender"

    def _next_look_at(self, exhausted):
        """When this number's queue must be looked at again, or None when nothing waits for time.

        What is due and still could not leave waits for a place, or for the pace between two
        messages to one person; asking again at once would only spin.
        """
        now = fields.Datetime.now()
        if self.account_id.state == "draft":
            return None
        if self._why_not_sending():
            return max(filter(None, [self.resume_at, self.account_id.resume_at]), default=None)
        is_due, next_retry_at = self._look_at_queue(now)
        portfolio = self.portfolio_id
        part = limits.campaign_part(
            portfolio._people_limit(), portfolio.followup_share, portfolio._slot_times(), [], now
        )
        look_at = pacing.next_look(
            now,
            queued_now=int(is_due),
            allowance=None if part.limit is None else max(0, part.limit - len(part.slots)),
            frees_at=limits.frees_at(part.slots, part.limit, now),
            next_retry_at=next_retry_at,
            resume_at=None,
            next_dispatch_at=None,
        )
        if look_at and exhausted and look_at <= now:
            return now + STALLED_AGAIN
        return look_at

    def _look_at_queue(self, now):
        """(whether any row is due, when the first row that is not becomes due)."""
        is_due, later = False, []
        for campaign in self._sendable_groups():
            group = (
                SQL("campaign_id = %s", campaign.id)
                if campaign
                else SQL("sender_id = %s AND campaign_id IS NULL", self.id)
            )
            for (retry_at,) in self.env.execute_query(
                SQL(
                    """(SELECT retry_at FROM waba_message
                         WHERE state = 'queued' AND %(group)s ORDER BY retry_at LIMIT 1)
                       UNION ALL
                       (SELECT retry_at FROM waba_message
                         WHERE state = 'queued' AND %(group)s AND retry_at > %(now)s
                         ORDER BY retry_at LIMIT 1)""",
                    group=group,
                    now=now,
                )
            ):
                if retry_at <= now:
                    is_due = True
                else:
                    later.append(retry_at)
        return is_due, min(later, default=None)

    def _next_expiry(self):
        """When the outcome of a row that an interrupted run left becomes unknown, or None.

        At the end of a run it has settled all of its own.
        """
        [[reserved_until]] = self.env.execute_query(
            SQL(
                "SELECT min(reserved_until) FROM waba_message"
                " WHERE sender_id = %s AND state = 'reserved'",
                self.id,
            )
        )
        return reserved_until and reserved_until + timedelta(seconds=1)
