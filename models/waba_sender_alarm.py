from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..policy import limits, pacing
from .hooks import hook

# The scheduler is exact to the minute.
STALL_RETRY = timedelta(minutes=1)


class WabaSender(models.Model):
    """When a number's job looks at its queue again: a queue that waits sets an alarm."""

    _inherit = "waba.sender"

    def _next_check_at(self, exhausted):
        """When this number's queue must be looked at again, or None when nothing waits for time.

        What is due and still could not leave waits for a place, or for the pace between two
        messages to one person; asking again at once would only spin.
        """
        now = fields.Datetime.now()
        if self.account_id.state == "draft":
            return None
        if self._not_sending_reason():
            return max(filter(None, [self.resume_at, self.account_id.resume_at]), default=None)
        is_due, direct_is_due, next_retry_at = self._inspect_queue(now)
        # Direct messages may take the places that campaigns leave to them.
        parts = self._campaign_shares(now, share=0.0 if direct_is_due else None)
        free = [part.limit - len(part.slots) for part in parts if part.limit is not None]
        look_at = pacing.next_check(
            now,
            queued_now=int(is_due),
            allowance=max(0, min(free)) if free else None,
            # A place must be free of every limit.
            frees_at=max(
                filter(
                    None, (limits.next_slot_time(part.slots, part.limit, now) for part in parts)
                ),
                default=None,
            ),
            next_retry_at=next_retry_at,
            resume_at=None,
            next_dispatch_at=None,
        )
        paced_at = self._next_pair_slot_at(now) if direct_is_due else None
        look_at = min(filter(None, [look_at, paced_at, *self._on_alarm()]), default=None)
        if look_at and exhausted and look_at <= now:
            return now + STALL_RETRY
        return look_at

    def _campaign_shares(self, now, share=None):
        """`limits.CampaignPart` of the portfolio's limit, and of the number's own if it has one.

        :param share: kept for follow-ups; the portfolio's if not given
        """
        portfolio, own_limit = self.portfolio_id, self._own_daily_limit()
        share = portfolio.followup_share if share is None else share
        parts = [
            limits.campaign_share(
                portfolio._people_limit(), share, portfolio._slot_times(), [], now
            )
        ]
        if own_limit is not None:
            parts.append(
                limits.campaign_share(own_limit, share, self._own_slot_times(now), [], now)
            )
        return parts

    def _next_pair_slot_at(self, now):
        """When a direct message that costs no place may follow the one before it to its person.

        A full limit does not hold it: it must not wait, with those that it does, for a place.
        """
        [[free_at]] = self.env.execute_query(
            SQL(
                """SELECT min(c.pair_free_at)
                     FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                     JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = r.id
                    WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                      AND c.pair_free_at > %(now)s
                      AND (r.slot_at > %(since)s OR c.window_expires_at > c.pair_free_at)""",
                group=self._group_condition(campaign=False),
                now=now,
                since=now - limits.WINDOW,
            )
        )
        return free_at

    @hook
    def _on_alarm(self):
        """When the job's next run is calculated: each returns when it wants one, or None."""

    def _inspect_queue(self, now):
        """(whether any row is due, any direct one, when the first that is not becomes due)."""
        is_due, direct_is_due, later = False, False, []
        for campaign in self._sendable_groups():
            if campaign and not min(self._on_claim(campaign, 1), default=1):
                continue
            for (retry_at,) in self.env.execute_query(
                SQL(
                    """(SELECT m.retry_at FROM waba_message m
                         WHERE m.state = 'queued' AND %(group)s AND m.retry_at IS NOT NULL
                         ORDER BY m.retry_at LIMIT 1)
                       UNION ALL
                       (SELECT m.retry_at FROM waba_message m
                         WHERE m.state = 'queued' AND %(group)s AND m.retry_at > %(now)s
                         ORDER BY m.retry_at LIMIT 1)""",
                    group=self._group_condition(campaign),
                    now=now,
                )
            ):
                if retry_at <= now:
                    is_due = True
                    direct_is_due = direct_is_due or not campaign
                else:
                    later.append(retry_at)
        return is_due, direct_is_due, min(later, default=None)

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
