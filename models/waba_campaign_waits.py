from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ..policy import limits, pacing
from .waba_reputation_words import number


class Waits(NamedTuple):
    """People of a campaign outside their hours: how many, when the first and the last may be
    written to; `due` tells whether anybody else is still to be written to."""

    count: int
    next_at: object
    last_at: object
    due: bool


class WabaCampaign(models.Model):
    """People who wait for their own hours: how many, and when it goes on for them."""

    _inherit = "waba.campaign"

    def _waits(self, now):
        """`Waits` at this moment."""
        self.ensure_one()
        self.env["waba.message"].flush_model()
        [row] = self.env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE outside), min(retry_at) FILTER (WHERE outside),
                          max(retry_at) FILTER (WHERE outside),
                          COALESCE(bool_or(NOT outside), FALSE)
                     FROM (SELECT retry_at,
                                  retry_at > %s AND wait_reason IS NOT DISTINCT FROM 'hours'
                                  AS outside
                             FROM waba_message WHERE campaign_id = %s AND state = 'queued'
                              AND retry_at IS NOT NULL) m""",
                now,
                self.id,
            )
        )
        return Waits(*row)

    def _forecast(self, now):
        forecast = super()._forecast(now)
        if not forecast or not forecast.next_at:
            return forecast
        waits = self._waits(now)
        if not waits.count:
            return forecast
        ends_at = max(forecast.ends_at, waits.last_at)
        return pacing.Forecast(
            forecast.next_at if waits.due else max(forecast.next_at, waits.next_at),
            ends_at,
            max(forecast.days, -((now - ends_at) // limits.WINDOW)),
        )

    def _why_people_wait(self, now):
        """The banner while nobody may be written to because of the hour, or False."""
        if self.state != "running":
            return False
        waits = self._waits(now)
        if not waits.count or waits.due:
            return False
        return self.env._(
            "%(people)s people are still to be written to, and for all of them it is outside the "
            "hours of their own time in which we write. It goes on by itself %(when)s.",
            people=number(self.env, waits.count),
            when=self._when(waits.next_at),
        )

    def _describe_own_limits(self, now):
        parts = super()._describe_own_limits(now)
        if self.state == "running" and (waits := self._waits(now)).count:
            parts.append(
                self.env._(
                    "%(people)s people wait for their hours, the next may be written to %(when)s",
                    people=number(self.env, waits.count),
                    when=self._when(waits.next_at),
                )
            )
        return parts
