"""Campaign: `waba.recurring`, a campaign that is sent again and again, and its runs.

Called by the form and by the job `_cron_run`. Each run is a copy of the campaign, launched with
its owner's rights and all checks of a launch (docs/decisions/0010); planned times:
policy/recurrence.py.
"""

import logging
from datetime import time

from odoo import SUPERUSER_ID, api, fields, models
from odoo.addons.base.models.res_partner import _tz_get
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date, html_escape

from ...policy import recurrence
from ..tools.labels import form_action, list_action
from ..tools.moments import WEEKDAY, format_moment
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DONE_STATES = ("stopped", "done")


class WabaRecurring(models.Model):
    """When a campaign is sent again, and to whom: `draft` → `running` ⇄ `paused` → `stopped` |
    `done`."""

    _name = "waba.recurring"
    _description = "WhatsApp Recurring Campaign"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "campaign_id"

    campaign_id = fields.Many2one(
        "waba.campaign", required=True, readonly=True, system=False, ondelete="cascade"
    )
    company_id = fields.Many2one(related="campaign_id.company_id", store=True)
    user_id = fields.Many2one(
        "res.users", "Owner", readonly=True, copy=False, ondelete="restrict", tracking=True,
        help="Every run reads and sends with this user's access rights.",
    )  # fmt: skip
    state = fields.Selection(
        [("draft", "Draft"), ("running", "Running"), ("paused", "Paused"),
         ("stopped", "Stopped"), ("done", "Done")],
        default="draft", required=True, readonly=True, copy=False, tracking=True,
    )  # fmt: skip
    pause_reason = fields.Text("Pause reason", readonly=True, copy=False)
    content_mark = fields.Char(readonly=True, copy=False)
    # When
    unit = fields.Selection(
        [("day", "Daily"), ("week", "Weekly"), ("month", "Monthly")],
        "Repeats", default="week", required=True,
    )  # fmt: skip
    mon = fields.Boolean("Monday", default=True)
    tue = fields.Boolean("Tuesday")
    wed = fields.Boolean("Wednesday")
    thu = fields.Boolean("Thursday")
    fri = fields.Boolean("Friday")
    sat = fields.Boolean("Saturday")
    sun = fields.Boolean("Sunday")
    month_day = fields.Integer("Day of month", default=1)
    hour = fields.Float("Time", default=10.0, required=True, aggregator=None)
    tz = fields.Selection(
        _tz_get, "Time zone", required=True,
        default=lambda self: self.env.user.tz or self.env.company._waba_time_zone(),
    )  # fmt: skip
    until = fields.Date("Last day", help="Empty: no end.")
    max_runs = fields.Integer("Runs at most", help="0: no limit.")
    late_hours = fields.Integer(
        "Maximum delay (hours)", default=12,
        help="A run that is later than this is not sent. 0: no maximum.",
    )  # fmt: skip
    # To whom
    audience = fields.Selection(
        [("new", "New people only"), ("all", "Everyone")],
        default="new", required=True,
    )  # fmt: skip
    next_at = fields.Datetime("Next run", readonly=True, copy=False)
    summary = fields.Char(compute="_compute_summary")
    run_ids = fields.One2many("waba.recurring.run", "recurring_id", "Runs", readonly=True)
    run_count = fields.Integer("Run count", compute="_compute_run_count")

    _campaign_uniq = models.UniqueIndex("(campaign_id)")
    _due_idx = models.Index("(next_at) WHERE state = 'running'")

    @api.depends("unit", "hour", "tz", "month_day", "until", "max_runs", *WEEKDAYS)
    @api.depends_context("lang")
    def _compute_summary(self):
        for recurring in self:
            recurring.summary = recurring._describe()

    def _compute_run_count(self):
        for recurring in self:
            recurring.run_count = len(recurring.run_ids.filtered("campaign_id"))

    @api.constrains("unit", "hour", "month_day", "max_runs", "late_hours", *WEEKDAYS)
    def _check_rule(self):
        for one in self:
            if one.unit == "week" and not one._weekdays():
                raise ValidationError(self.env._("Choose at least one day of the week."))
            if not 0 <= one.hour < 24 or not 1 <= one.month_day <= 31:
                raise ValidationError(
                    self.env._("Choose a time from 00:00 to 23:59 and a day of the month, 1 to 31.")
                )
            if one.max_runs < 0 or one.late_hours < 0:
                raise ValidationError(self.env._("Enter 0 or more runs and hours."))

    def write(self, vals):
        """Write; another rule plans another next run."""
        result = super().write(vals)
        if {"unit", "hour", "tz", "month_day", "until", "max_runs", *WEEKDAYS}.intersection(vals):
            for one in self.sudo().filtered(lambda one: one.state == "running"):
                one._plan(fields.Datetime.now())
        return result

    # === Rule ===

    def _weekdays(self):
        return frozenset(day for day, name in enumerate(WEEKDAYS) if self[name])

    def _rule(self):
        minutes = round(self.hour * 60) % (24 * 60)
        return recurrence.Rule(
            self.unit, self._weekdays(), self.month_day, time(*divmod(minutes, 60)), self.tz,
            self.until or None,
        )  # fmt: skip

    def _describe(self):
        """'Monday, Thursday at 10:00 (Europe/Madrid), until 1 Mar 2027'."""
        names = [self._fields[name]._description_string(self.env) for name in WEEKDAYS]
        days = {
            "day": self.env._("Every day"),
            "week": ", ".join(names[day] for day in sorted(self._weekdays())),
            "month": self.env._("Day %s of every month", self.month_day),
        }
        minutes = round(self.hour * 60)
        text = self.env._(
            "%(days)s at %(time)s (%(zone)s)",
            days=days.get(self.unit, ""),
            time=f"{minutes // 60:02}:{minutes % 60:02}",
            zone=self.tz,
        )
        if self.until:
            text = self.env._("%(rule)s, until %(date)s", rule=text,
                              date=format_date(self.env, self.until))  # fmt: skip
        return text

    def _plan(self, after):
        """Set the next run, or end: nothing is planned after the last day or run."""
        planned = recurrence.next_run(self._rule(), after)
        if self.max_runs and self.run_count >= self.max_runs:
            planned = None
        self.write({"next_at": planned} if planned else {"next_at": False, "state": "done"})
        if planned:
            self.env.ref("waba_campaign.ir_cron_recurring").sudo()._trigger(at=planned)

    # === Actions ===

    def action_start(self):
        """Start, or resume, with the rights of the current user, who becomes the owner."""
        self.check_access("write")
        if self.env.uid == SUPERUSER_ID:
            raise UserError(self.env._("A recurring campaign must be started by a user."))
        for one in self.filtered(lambda one: one.state in ("draft", "paused")):
            one.campaign_id.check_access("write")
            one.campaign_id._check_message()
            if missing := one.campaign_id._missing_source_text():
                raise UserError(missing)
            one.sudo().write(
                {
                    "user_id": self.env.uid, "state": "running", "pause_reason": False,
                    "content_mark": one.campaign_id._content_fingerprint(),
                }
            )  # fmt: skip
            one.sudo()._plan(fields.Datetime.now())
        return True

    def action_pause(self):
        """Plan nothing until a user resumes it; runs that were launched go on."""
        self.check_access("write")
        self._stop_running("paused", self.env._("Paused by %s.", self.env.user.name))
        return True

    def action_stop(self):
        """End it; runs that were launched go on."""
        self.check_access("write")
        open_ = self.filtered(lambda one: one.state not in DONE_STATES)
        open_.sudo().write({"state": "stopped", "next_at": False, "pause_reason": False})
        return True

    def action_view_runs(self):
        """Open the campaigns of its runs."""
        self.ensure_one()
        return list_action(
            self.env, "waba_campaign_action", [("recurring_id", "=", self.id)], {}
        )  # fmt: skip

    def _stop_running(self, state, reason):
        for one in self.sudo().filtered(lambda one: one.state == "running"):
            one.write({"state": state, "pause_reason": reason, "next_at": False})
            one._message_log(body=reason)

    # === Runs ===

    @api.model
    def _cron_run(self):
        """Launch the runs that are due, each in its own transaction."""
        due = [("state", "=", "running"), ("next_at", "<=", fields.Datetime.now())]
        for recurring in self.search(due, order="next_at, id"):
            recurring._run_or_pause()

    def _run_or_pause(self):
        """As `_run_due`; an error pauses this one and the others run."""
        try:
            commit_step(self.env, self._run_due, processed=1)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.recurring %s: the run could not be launched", self.id)
            reason = self.env._("Paused after an error: %s. Correct it, then resume.", error)
            commit_step(self.env, lambda: self._stop_running("paused", reason))

    def _run_due(self):
        """The run that is due, unless another worker has it. All of it is one transaction."""
        now = fields.Datetime.now()
        if not self.exists().try_lock_for_update(allow_referencing=True):
            return
        if self.state != "running" or not self.next_at or self.next_at > now:
            return
        if reason := self._owner_refusal():
            self._stop_running("paused", reason)
            self._notify_owner(reason)
            return
        planned = recurrence.last_due(self._rule(), self.next_at, now)
        run = self._insert_run(planned)
        if run and recurrence.is_too_late(planned, now, self.late_hours):
            run.write({"state": "skipped", "reason": self._late_reason(planned)})
        elif run:
            run._launch()
        self.invalidate_recordset(["run_ids", "run_count"])
        self._plan(now)

    def _insert_run(self, planned):
        """The row of this planned time; empty if there is one."""
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_recurring_run (recurring_id, planned_at, state, create_date)
                   VALUES (%s, %s, 'launched', %s)
              ON CONFLICT (recurring_id, planned_at) DO NOTHING RETURNING id""",
                self.id, planned, fields.Datetime.now(),
            )
        )  # fmt: skip
        return self.env["waba.recurring.run"].browse([row_id for (row_id,) in rows])

    def _late_reason(self, planned):
        return self.env._(
            "Missed: planned for %(date)s, and the server was not running then.",
            date=format_moment(self.env, planned, WEEKDAY, tz=self.tz),
        )

    def _owner_refusal(self):
        """Reason why the owner's rights or content can no longer be used; False if none."""
        way_on = self.env._("Resume to continue with your access rights.")
        user, campaign = self.user_id, self.campaign_id
        names = {"user": user.name or "", "way_on": way_on}
        if not user.active or campaign.company_id not in user.company_ids:
            return self.env._(
                "Paused: %(user)s, who started it, is no longer active here. %(way_on)s", **names
            )
        if not self._with_owner(campaign).has_access("write"):
            return self.env._(
                "Paused: %(user)s, who started it, can no longer edit the campaign. %(way_on)s",
                **names,
            )
        if campaign._content_fingerprint() != self.content_mark:
            return self.env._(
                "Paused: message, audience or number of the campaign changed. Resume to send it "
                "like that."
            )
        return False

    def _with_owner(self, records):
        user = self.user_id
        return records.with_user(user).with_context(
            allowed_company_ids=self.company_id.ids, lang=user.lang, tz=user.tz
        )

    def _notify_owner(self, reason):
        """Tell the owner, or whoever answers for the campaign now, what was not sent."""
        user = self.user_id if self.user_id.active else self.campaign_id.user_id
        self.campaign_id.message_notify(
            partner_ids=user.partner_id.ids,
            subject=self.campaign_id.name,
            body=html_escape(reason),
        )


class WabaRecurringRun(models.Model):
    """One planned time of a recurring campaign, and the campaign that was launched for it."""

    _name = "waba.recurring.run"
    _description = "WhatsApp Recurring Campaign Run"
    _inherit = ["waba.system.fields.mixin"]
    _order = "planned_at desc, id desc"

    recurring_id = fields.Many2one(
        "waba.recurring", "Recurring campaign", required=True, readonly=True, ondelete="cascade",
        index=True,
    )  # fmt: skip
    planned_at = fields.Datetime("Planned for", required=True, readonly=True)
    state = fields.Selection(
        [("launched", "Launched"), ("blocked", "Not sent"), ("empty", "No new people"),
         ("skipped", "Missed")],
        required=True, readonly=True,
    )  # fmt: skip
    reason = fields.Text(readonly=True)
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="set null")
    campaign_state = fields.Selection(related="campaign_id.state", string="Campaign status")
    people_count = fields.Integer(related="campaign_id.people_count")
    delivered_count = fields.Integer(related="campaign_id.delivered_count")
    replied_count = fields.Integer(related="campaign_id.replied_count")

    _planned_uniq = models.UniqueIndex("(recurring_id, planned_at)")

    def action_open_campaign(self):
        """Open the campaign of this run."""
        self.ensure_one()
        return form_action(self.campaign_id)

    def _launch(self):
        """Copy the campaign and launch the copy as its owner would, with every check."""
        recurring = self.recurring_id
        original = recurring._with_owner(recurring.campaign_id)
        campaign = original.copy({"user_id": original.env.uid})
        day = format_moment(self.env, self.planned_at, "d MMM", tz=recurring.tz)
        campaign.name = f"{original.name} · {day}"
        campaign.sudo().write(
            {"recurring_id": recurring.id, "holdout_percent": original.holdout_percent}
        )
        self.campaign_id = campaign.id
        if not campaign.audience_count:
            self._discard(campaign)
            return
        try:
            with self.env.cr.savepoint():
                campaign.action_launch()
                campaign.env.flush_all()
        except UserError as error:
            report = campaign._preflight_report()
            if report.audience and not report.receiving:
                # Whoever is in it is excluded, as last time: no news for the owner.
                self._discard(campaign, str(error))
                return
            self.write({"state": "blocked", "reason": str(error)})
            recurring._notify_owner(
                self.env._("%(run)s was not sent. %(reason)s", run=campaign.name, reason=str(error))
            )

    def _discard(self, campaign, reason=False):
        """There is no one new to send to: the copy goes."""
        self.write({"state": "empty", "reason": reason, "campaign_id": False})
        campaign.sudo().unlink()
