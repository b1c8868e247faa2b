from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ..policy import limits, pacing
from .waba_message import POSSIBLE_OPT_OUT
from .waba_reputation_words import format_number


class QuietHoursWait(NamedTuple):
    """People of a campaign outside their hours: how many, when the first and the last may be
    written to; `due` tells whether anybody else is still to be written to."""

    count: int
    next_at: object
    last_at: object
    due: bool


class WabaCampaign(models.Model):
    """People who wait for their own hours or may want to opt out: how many, and until when."""

    _inherit = "waba.campaign"

    def _quiet_hours_wait(self, now):
        """`QuietHoursWait` at this moment."""
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
        return QuietHoursWait(*row)

    def _delay_for_hours(self, forecast, now):
        """The forecast with those in it who wait for their hours."""
        if not forecast or not forecast.next_at:
            return forecast
        waits = self._quiet_hours_wait(now)
        if not waits.count:
            return forecast
        ends_at = max(forecast.ends_at, waits.last_at)
        return pacing.Forecast(
            forecast.next_at if waits.due else max(forecast.next_at, waits.next_at),
            ends_at,
            max(forecast.days, -((now - ends_at) // limits.WINDOW)),
        )

    def _quiet_hours_reason(self, now):
        """The banner while nobody may be written to because of the hour, or False."""
        if self.state != "running":
            return False
        waits = self._quiet_hours_wait(now)
        if not waits.count or waits.due:
            return False
        return self.env._(
            "%(people)s people are still to be written to, and for all of them it is outside the "
            "hours of their own time in which we write. It goes on by itself %(when)s.",
            people=format_number(self.env, waits.count),
            when=self._format_datetime(waits.next_at),
        )

    def _describe_people_waiting(self, now):
        """Those who wait for their hours, and those who may want to opt out, in words."""
        if self.state != "running":
            return []
        parts = []
        if (waits := self._quiet_hours_wait(now)).count:
            parts.append(
                self.env._(
                    "%(people)s people wait for their hours, the next may be written to %(when)s",
                    people=format_number(self.env, waits.count),
                    when=self._format_datetime(waits.next_at),
                )
            )
        if count := self._count_possible_opt_outs():
            parts.append(
                self.env._(
                    "%s on hold: they may want to opt out, and somebody must confirm",
                    format_number(self.env, count),
                )
            )
        return parts

    def _count_possible_opt_outs(self):
        return self.env["waba.message"].search_count(
            [
                ("campaign_id", "=", self.id),
                ("state", "=", "queued"),
                ("wait_reason", "=", POSSIBLE_OPT_OUT),
            ]
        )
