"""Dispatch: when a message leaves that does not leave at once, and why.

Called by conversations, test messages and the pre-flight, at their Send buttons. An estimate: the
reservation (waba_sender_reserve.py) decides.
"""

from datetime import datetime
from typing import NamedTuple

from odoo import fields, models

from ...policy import limits, pacing
from ..base.waba_message import POSSIBLE_OPT_OUT
from ..tools.moments import moment_text
from ..tools.reputation_texts import format_number


class Delay(NamedTuple):
    """Why a message does not leave at once.

    at: naive UTC datetime, None if nobody knows when; reason: a sentence
    """

    at: datetime | None
    reason: str


class WabaSender(models.Model):
    _inherit = "waba.sender"

    def _stop_delay(self, category):
        """`Delay` while this number sends nothing, or no promotions; None if it sends."""
        self.ensure_one()
        if reason := self._not_sending_reason():
            ends = filter(None, (self.resume_at, self.account_id.resume_at))
            return Delay(max(ends, default=None), reason)
        if category == "marketing" and (reason := self._marketing_hold_reason()):
            return Delay(None, reason)
        return None

    def _limit_delay(self, now, share=0.0, ahead=0):
        """`Delay` of the next person who needs a slot; None if one is free.

        :param share: part of the limits kept for follow-ups, 0 to 1; None for the portfolio's
        :param ahead: messages that are sent first
        """
        self.ensure_one()
        rate, late = self._messages_per_second(), []
        for part in self._campaign_shares(now, share):
            found = pacing.forecast(now, 1, rate, part.limit, part.slots, ahead=ahead)
            if found.next_at is None or found.next_at > now + pacing.SLOWED_PERIOD:
                late.append(found.next_at)
        if not late:
            return None
        at = None if None in late else max(late)
        return Delay(at, self._limit_text(now))

    def _limit_text(self, now):
        """'The daily limit is used: 250 of 250 recipients in the last 24 h, shared by 2 numbers.'

        Of the number's own limit, if that is the smaller one.
        """
        portfolio, own_limit = self.portfolio_id, self._own_daily_limit()
        values = {
            "used": format_number(self.env, portfolio.slots_used),
            "limit": format_number(self.env, portfolio.people_limit),
            "numbers": format_number(self.env, len(portfolio.sender_ids)),
        }
        if own_limit is not None:
            values.update(
                used=format_number(self.env, self._count_own_recipients(now)),
                limit=format_number(self.env, own_limit),
            )
            return self.env._(
                "This number's daily limit is used: %(used)s of %(limit)s recipients in the last "
                "24 h.",
                **values,
            )
        if len(portfolio.sender_ids) > 1:
            return self.env._(
                "The daily limit is used: %(used)s of %(limit)s recipients in the last 24 h, "
                "shared by %(numbers)s numbers.",
                **values,
            )
        return self.env._(
            "The daily limit is used: %(used)s of %(limit)s recipients in the last 24 h.", **values
        )

    def _direct_delay(self, template, recipient, ahead=0):
        """`Delay` of a message to one person if it were queued now; None if it leaves at once.

        :param template: waba.template, perhaps empty
        :param recipient: waba.recipient, empty for somebody new
        :param ahead: direct messages that are sent first
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if delay := self._stop_delay(template.category):
            return delay
        if template and (reason := template._hold_explanation_text()):
            return Delay(None, reason)
        conversation = self.env["waba.conversation"].search(
            [("sender_id", "=", self.id), ("recipient_id", "=", recipient.id)], limit=1
        )
        if not limits.needs_slot(recipient.slot_at, conversation.window_expires_at, now):
            return None
        return self._limit_delay(now, ahead=ahead)


class WabaMessage(models.Model):
    _inherit = "waba.message"

    def _delay_text(self):
        """When this queued message leaves, and why not now, as a text; False if it leaves now."""
        self.ensure_one()
        if self.state != "queued":
            return False
        message, now = self.sudo(), fields.Datetime.now()
        if self.wait_reason == POSSIBLE_OPT_OUT:
            return self.env._("On hold: possible opt-out. Review their last message.")
        if self.wait_reason == "trial":
            return self.env._("On hold until the A/B test has a winner.")
        if self.retry_at and self.retry_at > now:
            return self._format_delay(Delay(self.retry_at, self._wait_text()))
        delay = message._campaign_delay(now) if self.campaign_id else message._queue_delay()
        return self._format_delay(delay) if delay else message.sender_id._delay_reason(now)

    def _queue_delay(self):
        """`Delay` of a message outside campaigns that is due."""
        ahead = self._count_direct_ahead()
        return self.sender_id._direct_delay(self.template_id, self.recipient_id, ahead)

    def _campaign_delay(self, now):
        """`Delay` of a campaign's message that is due; when it leaves depends on the others."""
        campaign = self.campaign_id
        if campaign.state == "paused":
            return Delay(campaign.resume_at, campaign.pause_reason or "")
        delay = self.sender_id._stop_delay(self.category) or self.sender_id._limit_delay(now, None)
        return delay and delay._replace(at=None)

    def _format_delay(self, delay):
        """'Leaves tomorrow 07:21. The daily limit is used…', or the reason alone."""
        if not delay.at:
            return delay.reason
        when = moment_text(self.env, delay.at)
        return " ".join(filter(None, [self.env._("Leaves %s.", when), delay.reason]))

    def _wait_text(self):
        """Why it waits until `retry_at`; '' if that is what was asked for."""
        if self.wait_reason == "hours":
            return self.env._("Quiet hours until then.")
        if self.wait_reason == "frequency":
            return self.env._("Frequency cap reached.")
        return ""

    def _count_direct_ahead(self):
        """Direct messages of this number that are due and were queued before this one."""
        return self.search_count(
            [
                ("sender_id", "=", self.sender_id.id),
                ("campaign_id", "=", False),
                ("state", "=", "queued"),
                ("retry_at", "<=", fields.Datetime.now()),
                ("id", "<", self.id),
            ]
        )
