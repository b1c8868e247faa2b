from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import models

from ..policy import followup

# How far ahead working hours are read, one after the other until they suffice.
HORIZONS = (timedelta(days=21), timedelta(days=120), timedelta(days=800))


class WabaSequenceStep(models.Model):
    """When a step is due: by the clock, or by the hours its salesperson works."""

    _inherit = "waba.sequence.step"

    def _next_step(self):
        """The step after this one in its version, or none."""
        self.ensure_one()
        steps = self._version_steps()
        place = steps.ids.index(self.id) + 1
        return steps[place : place + 1]

    def _due_times(self, leads, since):
        """{lead id: naive UTC datetime} when this step is due after a wait that began at `since`.

        Worked out once for all leads whose salespeople keep the same hours.
        """
        self.ensure_one()
        due = {}
        for user, group in leads.grouped("user_id").items():
            due.update(dict.fromkeys(group.ids, self._due_in_working_hours(user, since)))
        return due

    def _due_in_working_hours(self, user, since):
        resource = user.sudo().resource_ids.filtered(
            lambda one: one.company_id in (self.company_id, one.company_id.browse())
        )[:1]
        own = self.sequence_id.calendar_id
        calendar = own or resource.calendar_id or self.company_id.resource_calendar_id
        zone = ZoneInfo(calendar.tz or user.tz or "UTC")
        wait = (since, self.wait_amount, self.wait_unit)
        if self.in_working_hours and calendar:
            for horizon in HORIZONS:
                working = _intervals(calendar.sudo(), resource, since, horizon)
                if found := followup.step_due(*wait, working, zone):
                    return found.replace(microsecond=0)
        # Nobody ever works by this calendar: a lead is not left waiting for ever.
        return followup.step_due(*wait, None, zone).replace(microsecond=0)


def _intervals(calendar, resource, since, horizon):
    """Working time of a calendar as naive UTC intervals, the resource's absences taken out."""
    start = since.replace(tzinfo=timezone.utc)
    found = calendar._work_intervals_batch(start, start + horizon, resources=resource or None)
    return [(_naive(begin), _naive(end)) for begin, end, _attendance in found[resource.id or False]]


def _naive(moment):
    return moment.astimezone(timezone.utc).replace(tzinfo=None)
