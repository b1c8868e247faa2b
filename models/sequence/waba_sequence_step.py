"""Follow-ups: steps, their variables, when a step is due, and the names of triggers and exits.

Edited on the follow-up's form; read by waba_sequence_enroll.py and waba_sequence_enrollment.py.
"""

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...policy import followup
from ..tools.hooks import implements
from ..tools.labels import selection_labels

KINDS = [
    ("template", "Send a template"),
    ("activity", "Create an activity"),
    ("branch", "Check conditions"),
    ("stage", "Set the stage"),
    ("tags", "Change tags"),
    ("salesperson", "Set the salesperson"),
    ("field", "Set a field"),
    ("action", "Run a server action"),
    ("webhook", "Post to a webhook"),
    ("stop", "End the follow-up"),
]

# Copied to the step of a new version.
CONTENT_FIELDS = (
    "sequence", "kind", "wait_amount", "wait_unit", "in_working_hours", "template_id", "sender_id",
    "activity_type_id", "summary", "note", "deadline_days", "key", "goes_to", "decide_amount",
    "decide_unit", "stage_id", "tag_ids", "removed_tag_ids", "assigned_user_id", "field_name",
    "field_value", "action_id", "webhook_id", "wait_kind", "date_field", "date_days", "date_side",
    "date_hour", "fallback_kind", "fallback_hours", "fallback_template_id",
)  # fmt: skip

# How soon a date that is waited for is read again.
DATE_RECHECK = timedelta(hours=12)

# How far ahead working hours are read: the next one only when the one before does not suffice.
HORIZONS = (timedelta(days=21), timedelta(days=120), timedelta(days=800))

TRIGGERS = [
    ("manual", "Manual enrollment"),
    ("match", "Record starts to match"),
    ("date", "Date reached"),
    ("stage", "Lead enters a stage"),
    ("stage_days", "Lead stays in a stage"),
    ("created", "Lead created"),
    ("tag", "Tag added to a lead"),
    ("campaign", "No reply to a campaign"),
    ("quotation", "Quotation sent"),
]

# Found by the job; the others apply when a lead is created or changed.
TIME_TRIGGERS = ("stage_days", "campaign", "quotation", "match", "date")

# Of any model; the other triggers are of leads only.
GENERAL_TRIGGERS = ("manual", "match", "date")

# Exit conditions that only leads have.
LEAD_SWITCHES = frozenset(("won", "lost", "stage_left"))

# The first are those of policy.followup.EXIT_CONDITIONS.
STOP_REASONS = [
    ("gone", "Lead deleted or merged"),
    ("replied", "Replied"),
    ("opted_out", "Opted out"),
    ("won", "Lead won"),
    ("lost", "Lead lost or archived"),
    ("stage_left", "Lead left the stage"),
    ("own_message", "Colleague sent a WhatsApp message"),
    ("own_contact", "Colleague emailed or called"),
    ("unmet", "Lead no longer matches the filter"),
    ("person", "Stopped by a user"),
    ("not_sent", "Message not sent"),
    ("red", "Promotions on hold"),
    ("late", "Step expired"),
    ("closed", "Follow-up closed"),
    ("erased", "Personal data erased"),
    ("error", "Step failed repeatedly"),
]

DATE_SIDES = [("before", "days before"), ("after", "days after")]

# Exit conditions that a follow-up can switch off, and their fields.
SWITCHES = {
    "replied": "stop_on_reply",
    "opted_out": "stop_on_opt_out",
    "won": "stop_on_won",
    "lost": "stop_on_lost",
    "stage_left": "stop_on_stage_left",
    "own_message": "stop_on_own_message",
    "own_contact": "stop_on_own_contact",
}


class WabaSequenceStep(models.Model):
    """One step of one version of a follow-up: a wait, then a message, an activity or the end.

    A step that leads went through is never changed (`_check_not_executed`).
    """

    _name = "waba.sequence.step"
    _description = "WhatsApp Follow-up Step"
    _inherit = ["waba.system.fields.mixin", "waba.fallback.mixin"]
    _order = "sequence_id, version, sequence, id"
    _check_company_auto = True

    sequence_id = fields.Many2one(
        "waba.sequence", "Follow-up", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="sequence_id.company_id")
    version = fields.Integer(default=1, required=True, readonly=True, copy=False)
    active = fields.Boolean(default=True, copy=False)
    sequence = fields.Integer("Order", default=10)
    position = fields.Integer(compute="_compute_position", help="Step number, from 1.")
    kind = fields.Selection(KINDS, "Action", default="template", required=True)
    # Wait
    wait_amount = fields.Integer("Wait", default=2)
    wait_unit = fields.Selection(
        [("hours", "hours"), ("days", "days")], "Unit", default="days", required=True
    )
    in_working_hours = fields.Boolean(
        "Working hours only",
        default=True,
        help="Counts the salesperson's working hours; the recipient's quiet hours apply too.",
    )
    wait_kind = fields.Selection(
        [("delay", "For a time"), ("date", "Until a date")],
        "Wait type",
        default="delay",
        required=True,
    )
    date_field = fields.Char("Date field")
    date_days = fields.Integer("Days", default=0)
    date_side = fields.Selection(DATE_SIDES, "Side", default="after", required=True)
    date_hour = fields.Float("Hour", default=9.0)
    # Message
    template_id = fields.Many2one(
        "waba.template", check_company=True, ondelete="restrict", index="btree_not_null",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False),"
        " ('company_id', '=', company_id)]",
    )  # fmt: skip
    category = fields.Selection(related="template_id.category")
    sender_id = fields.Many2one(
        "waba.sender", "Number", check_company=True, ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        help="By default the follow-up's number.",
    )  # fmt: skip
    variable_ids = fields.One2many("waba.sequence.variable", "step_id", string="Variables")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    # Activity
    activity_type_id = fields.Many2one(
        "mail.activity.type", "Activity", ondelete="restrict",
        default=lambda self: self.env.ref("mail.mail_activity_data_call", raise_if_not_found=False),
    )  # fmt: skip
    summary = fields.Char()
    note = fields.Text()
    deadline_days = fields.Integer("Due in (days)", default=0)
    # Texts
    wait_text = fields.Char(compute="_compute_texts")
    what_text = fields.Char(compute="_compute_texts")
    # Figures
    reached_count = fields.Integer("Reached", compute="_compute_figures")
    sent_count = fields.Integer("Sent", compute="_compute_figures")
    read_count = fields.Integer("Read", compute="_compute_figures")
    answered_count = fields.Integer("Replied", compute="_compute_figures")
    here_count = fields.Integer("Waiting now", compute="_compute_figures")

    _wait_not_negative = models.Constraint(
        "CHECK(wait_amount >= 0 AND deadline_days >= 0 AND date_days >= 0)",
        "A wait cannot be negative.",
    )
    _version_idx = models.Index("(sequence_id, version, sequence, id)")

    @api.depends("sequence", "sequence_id.step_ids")
    def _compute_position(self):
        for step in self:
            place = list(step._siblings())
            step.position = place.index(step) + 1 if step in place else len(place)

    @api.depends(
        "kind", "wait_amount", "wait_unit", "in_working_hours", "template_id", "activity_type_id",
        "summary", "wait_kind", "date_field", "date_days", "date_side", "date_hour", "stage_id",
        "tag_ids", "removed_tag_ids", "assigned_user_id", "field_name", "field_value", "action_id",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_texts(self):
        for step in self:
            step.wait_text = step._wait_sentence()
            step.what_text = step._action_sentence()

    @api.depends("what_text")
    def _compute_display_name(self):
        for step in self:
            step.display_name = step.what_text

    @api.depends("template_id", "variable_ids.source", "variable_ids.text", "variable_ids.fallback",
                 "variable_ids.field_path", "variable_ids.file_id", "variable_ids.offer_ends_at",
                 "variable_ids.hours")  # fmt: skip
    def _compute_preview_html(self):
        for step in self:
            template = step.template_id
            parameters = step.variable_ids._freeze_texts(
                {line.id: step._example_record(line) for line in step.variable_ids}
            )
            step.preview_html = template._render_phone(parameters) if template else False

    def _compute_figures(self):
        enrollments = self.env["waba.sequence.enrollment"]
        here = dict(
            enrollments._read_group(
                [("step_id", "in", self.ids), ("state", "=", "running")], ["step_id"], ["__count"]
            )
        )
        figures = self._count_messages()
        for step in self:
            sent, read, answered, _unsent = figures.get(step.id, (0, 0, 0, 0))
            step.here_count, step.reached_count = here.get(step, 0), 0
            step.sent_count, step.read_count, step.answered_count = sent, read, answered
        # A follow-up that is not saved yet has none.
        for sequence in self.sequence_id._origin:
            reached = sequence._count_reached()
            for step in self:
                if step.sequence_id._origin == sequence:
                    step.reached_count = reached.get((step.version, step.key), 0)

    @api.onchange("template_id")
    def _onchange_template_id(self):
        self.variable_ids = [fields.Command.clear(), *self._variable_commands()]

    @api.model_create_multi
    def create(self, vals_list):
        steps = super().create(vals_list)
        for step in steps:
            if step.active and step.version != step.sequence_id.version:
                step.sudo().version = step.sequence_id.version
            if step.template_id and not step.variable_ids:
                step.variable_ids = step._variable_commands()
        steps.sequence_id._update_reader()
        return steps

    def write(self, vals):
        if set(vals) & {*CONTENT_FIELDS, "variable_ids", "branch_ids"}:
            self._check_not_executed()
        if vals.get("template_id"):
            changed = self.filtered(lambda step: step.template_id.id != vals["template_id"])
        else:
            changed = self.browse()
        result = super().write(vals)
        if "variable_ids" not in vals:
            for step in changed:
                step.variable_ids = [fields.Command.clear(), *step._variable_commands()]
        # A step that was moved must not be in a version that leads went through either.
        if vals.keys() & {"sequence_id", "version"}:
            self._check_not_executed()
        self.sequence_id._update_reader()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_executed(self):
        self._check_not_executed()

    def copy_data(self, default=None):
        return [
            {
                **values,
                "variable_ids": self.env["waba.sequence.variable"]._copy_commands(
                    step.variable_ids
                ),
                "branch_ids": self.env["waba.sequence.branch"]._copy_commands(step.branch_ids),
            }
            for step, values in zip(self, super().copy_data(default), strict=True)
        ]

    # === Versions ===

    def _version_steps(self):
        """All steps of this step's version, in order."""
        self.ensure_one()
        return self.with_context(active_test=False).search(
            [("sequence_id", "=", self.sequence_id.id), ("version", "=", self.version)],
            order="sequence, id",
        )

    def _check_not_executed(self):
        """Steps that leads went through are history: a change makes a new version of them.

        :raise UserError: one of these is
        """
        if self.sequence_id._executed_versions() & {
            (step.sequence_id.id, step.version) for step in self
        }:
            raise UserError(
                self.env._(
                    "Leads have completed this step. Edit it on the follow-up: active leads keep "
                    "the earlier version."
                )
            )

    # === Template and number ===

    def _variable_commands(self):
        return self.env["waba.sequence.variable"]._copy_commands(self.template_id.variable_ids)

    def _sending_number(self):
        """The number this step sends from."""
        self.ensure_one()
        return self.sender_id or self.sequence_id.sender_id

    def _example_record(self, line):
        if line.source == "text" and line.text:
            return line.text
        if line.source in ("file", "date", "hours"):
            return line._preview_text()
        return line.fallback or line.example or f"{{{{{line.name}}}}}"

    def _not_ready_reason(self):
        """What is missing, as a sentence, or False."""
        self.ensure_one()
        if self.wait_kind == "date" and (why := self._date_refusal()):
            return why
        if why := next(filter(None, (one._not_ready_reason() for one in self.branch_ids)), None):
            return why
        if self.kind == "branch" and not self.branch_ids:
            return self.env._("Add a condition.")
        if self.kind == "activity":
            if "activity_ids" not in self.env[self.sequence_id._record_model()]._fields:
                return self.env._("These records have no activities. Choose another action.")
            return not self.activity_type_id and self.env._("Choose an activity type.")
        if self.kind != "template":
            return self._action_missing_text()
        if not self.template_id:
            return self.env._("Choose a template.")
        if not self._sending_number():
            return self.env._("Choose a number.")
        if self._sending_number().account_id != self.template_id.account_id:
            return self.env._(
                "The template %(template)s and the number %(number)s belong to different accounts.",
                template=self.template_id.display_name,
                number=self._sending_number().display_name,
            )
        if missing := self.variable_ids.filtered(lambda line: not line._is_complete()):
            return self.env._(
                "Set a value for %s.", ", ".join(line._placeholder_label() for line in missing)
            )
        return self.template_id._not_sendable_reason()

    # === Due time ===

    def _due_times(self, records, since):
        """{key: naive UTC datetime} when this step is due after a wait that began at `since`.

        Calculated once for all records of a salesperson. None while a date is empty.

        :param records: {key: record}
        """
        self.ensure_one()
        known = {}

        def due_at(record):
            user = self.sequence_id._record_user(record)
            day = self._awaited_day(record) if self.wait_kind == "date" else None
            if (user, day) not in known:
                known[user, day] = (
                    self._due_in_working_hours(user, since)
                    if self.wait_kind != "date"
                    else day and self._due_on_date(user, day)
                )
            return known[user, day]

        return {key: due_at(record) for key, record in records.items()}

    def _awaited_day(self, record):
        """The date that is waited for, without the days before or after; None if it is empty."""
        value = record[self.date_field] if self.date_field in record._fields else None
        return fields.Date.to_date(value) or None

    def _due_on_date(self, user, day):
        days = -self.date_days if self.date_side == "before" else self.date_days
        return followup.date_due(day, days, self.date_hour, self._clock(user)[2])

    def _look_at(self, due_at, now):
        """When a wait is checked next: a date may be changed meanwhile."""
        return min(due_at, now + DATE_RECHECK) if self.wait_kind == "date" else due_at

    def _date_refusal(self):
        field = self.env[self.sequence_id._record_model()]._fields.get(self.date_field or "")
        if field is None or field.type not in ("date", "datetime"):
            return self.env._("Choose a date field to wait for.")
        return False

    def _empty_date_text(self):
        return self.env._("%s is empty.", self._field_label(self.date_field))

    def _past_date_text(self):
        return self.env._("%s is past.", self._field_label(self.date_field))

    def _field_label(self, name):
        field = self.env[self.sequence_id._record_model()]._fields.get(name or "")
        return field._description_string(self.env) if field else "…"

    def _clock(self, user):
        """(calendar, resource, time zone) of the working hours that apply to a salesperson."""
        resource = user.sudo().resource_ids.filtered(
            lambda one: one.company_id in (self.company_id, one.company_id.browse())
        )[:1]
        own = self.sequence_id.calendar_id
        calendar = own or resource.calendar_id or self.company_id.resource_calendar_id
        return calendar, resource, ZoneInfo(calendar.tz or user.tz or "UTC")

    def _due_in_working_hours(self, user, since):
        calendar, resource, zone = self._clock(user)
        wait = (since, self.wait_amount, self.wait_unit)
        if self.in_working_hours and calendar:
            for horizon in HORIZONS:
                working = _intervals(calendar.sudo(), resource, since, horizon)
                if found := followup.step_due(*wait, working, zone):
                    return found.replace(microsecond=0)
        # A plain wait, or a calendar without working time, by which a lead would wait for ever.
        return followup.step_due(*wait, None, zone).replace(microsecond=0)

    # === Texts and figures ===

    def _wait_sentence(self):
        """'Wait 2 working days', 'Immediately', '3 days before Expiration'."""
        if self.wait_kind == "date":
            label = self._field_label(self.date_field)
            if not self.date_days:
                return self.env._("On %s", label)
            words = {"date": label, "days": self.date_days}
            if self.date_side == "before":
                return self.env._("%(days)s days before %(date)s", **words)
            return self.env._("%(days)s days after %(date)s", **words)
        amount, kind = self.wait_amount, (self.wait_unit, self.in_working_hours)
        if not amount:
            if self.in_working_hours:
                return self.env._("During working hours")
            return self.env._("Immediately")
        if amount == 1:
            return {
                ("hours", True): self.env._("Wait 1 working hour"),
                ("days", True): self.env._("Wait 1 working day"),
                ("hours", False): self.env._("Wait 1 hour"),
                ("days", False): self.env._("Wait 1 day"),
            }[kind]
        return {
            ("hours", True): self.env._("Wait %s working hours", amount),
            ("days", True): self.env._("Wait %s working days", amount),
            ("hours", False): self.env._("Wait %s hours", amount),
            ("days", False): self.env._("Wait %s days", amount),
        }[kind]

    def _action_sentence(self):
        if self.kind == "template":
            if not self.template_id:
                return self.env._("Send a template")
            return self.env._("Send “%s”", self.template_id.display_name)
        if self.kind == "activity":
            name = self.summary or self.activity_type_id.name or "…"
            return self.env._("Activity: %s", name)
        if self.kind == "stop":
            return self.env._("End")
        details = {
            "stage": self.stage_id.name,
            "tags": ", ".join(
                [f"+{tag.name}" for tag in self.tag_ids]
                + [f"−{tag.name}" for tag in self.removed_tag_ids]
            ),
            "salesperson": self.assigned_user_id.name,
            "field": f"{self._field_label(self.field_name)} = {self.field_value or '∅'}",
            "action": self.action_id.sudo().name,
            "webhook": self.webhook_id.sudo().name,
        }.get(self.kind)
        label = selection_labels(self, "kind").get(self.kind)
        return f"{label}: {details}" if details else label

    def _count_messages(self):
        """{step id: (sent, read, answered, excluded or failed)}, in one query."""
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            self.env["waba.message"]._sequence_figures_sql(tuple(self.ids) or (0,))
        )
        return {step_id: figures for step_id, *figures in rows}


class WabaStepPartMixin(models.AbstractModel):
    """What belongs to a step: it does not change once leads went through the step."""

    _name = "waba.step.part.mixin"
    _description = "WhatsApp Follow-up Step Part"

    step_id = fields.Many2one("waba.sequence.step", required=True, ondelete="cascade", index=True)

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.step_id._check_not_executed()
        parts.step_id.sequence_id._update_reader()
        return parts

    def write(self, vals):
        self.step_id._check_not_executed()
        result = super().write(vals)
        if "step_id" in vals:
            self.step_id._check_not_executed()
        self.step_id.sequence_id._update_reader()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_executed(self):
        self.step_id._check_not_executed()


class WabaSequenceVariable(models.Model):
    """A variable as one step of a follow-up fills it."""

    _name = "waba.sequence.variable"
    _description = "WhatsApp Follow-up Variable"
    _inherit = ["waba.step.part.mixin", "waba.variable.mixin"]

    def _path_models(self):
        """Fields are read from the person's record: the lead or contact that is messaged."""
        return self.step_id.sequence_id._person_models()

    def _filled_template(self):
        return self.step_id.template_id


def _intervals(calendar, resource, since, horizon):
    """Working time of a calendar as naive UTC intervals, without the resource's absences."""
    start = since.replace(tzinfo=timezone.utc)
    found = calendar._work_intervals_batch(start, start + horizon, resources=resource or None)
    return [(_naive(begin), _naive(end)) for begin, end, _attendance in found[resource.id or False]]


def _naive(moment):
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    @implements("_find_uses")
    def _sequence_names(self):
        steps = self.env["waba.sequence.step"].sudo().search([("template_id", "in", self.ids)])
        return steps.sequence_id.filtered(lambda one: one.state == "active").mapped("name")
