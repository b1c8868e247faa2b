"""Follow-ups: one follow-up's settings, states, versions of its steps, and reader.

Called from its form; `_pause_if_no_reader` by the job in waba_sequence_enrollment.py.
"""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..tools.field_paths import parse_domain
from ..tools.labels import dialog_action, has_orders, list_action
from .waba_sequence_step import CONTENT_FIELDS, SWITCHES, TRIGGERS

# A change of one of these may leave an active follow-up unable to continue.
FROZEN_FIELDS = frozenset(
    ("trigger", "stage_ids", "tag_ids", "campaign_ids", "domain", "step_ids", "sender_id")
)

# The user who changes one of these becomes its reader (`_update_reader`).
READER_FIELDS = frozenset(
    ("trigger", "stage_ids", "source_ids", "tag_ids", "campaign_ids", "domain", "step_ids")
)

STATES = [("draft", "Draft"), ("active", "Running"), ("paused", "Paused")]


class WabaSequence(models.Model):
    """A follow-up: the trigger that enrolls leads, its steps, and its exit conditions.

    States: `draft` → `active` ⇄ `paused`, by `_activate` and `_pause`. While `active`, leads are
    enrolled (waba_sequence_enroll.py) and advance (waba_sequence_enrollment.py); while `paused` no
    lead is enrolled and those under way wait.

    Each lead under way is a waba.sequence.enrollment, which keeps the steps it began with: changing
    steps that leads went through makes a new version (`_write_steps_as_new_version`). Messages are
    ordinary rows of the queue, of origin 'sequence'.
    """

    _name = "waba.sequence"
    _description = "WhatsApp Follow-up"
    _inherit = ["mail.thread", "mail.activity.mixin", "waba.system.fields.mixin"]
    _order = "active desc, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True,
        help="Assigned the activities of leads without a salesperson.",
    )  # fmt: skip
    state = fields.Selection(
        STATES, default="draft", required=True, readonly=True, copy=False, tracking=True, index=True
    )
    activated_at = fields.Datetime("Running since", readonly=True, copy=False)
    trigger_from = fields.Datetime(
        "Events since",
        readonly=True,
        copy=False,
        help="Earlier events enroll no lead.",
    )
    reader_id = fields.Many2one(
        "res.users", "Access rights of", readonly=True, copy=False, ondelete="restrict",
        help="The user who started the follow-up or last changed it; only leads that this user can "
        "read are enrolled.",
    )  # fmt: skip
    version = fields.Integer(default=1, readonly=True, copy=False)
    # Trigger
    trigger = fields.Selection(TRIGGERS, default="stage", required=True, tracking=True)
    stage_ids = fields.Many2many("crm.stage", string="Stages")
    source_ids = fields.Many2many("utm.source", string="Sources")
    tag_ids = fields.Many2many("crm.tag", string="Tags")
    campaign_ids = fields.Many2many("waba.campaign", string="Campaigns", check_company=True)
    campaign_event = fields.Selection(
        [("delivered", "Delivered"), ("read", "Read")], "Message status", default="read"
    )
    trigger_amount = fields.Integer("Delay", default=2)
    trigger_unit = fields.Selection([("hours", "hours"), ("days", "days")], default="days")
    domain = fields.Char(
        "Filter",
        default="[]",
        help="Checked at enrollment and again before each step.",
    )
    reentry = fields.Selection(
        [("never", "Not allowed"), ("after", "Allowed after some days")],
        "Re-enrollment",
        default="never",
        required=True,
    )
    reentry_days = fields.Integer("Re-enroll after (days)", default=90)
    # Steps of the version in force; those of older ones are archived
    step_ids = fields.One2many("waba.sequence.step", "sequence_id", string="Steps", copy=True)
    sender_id = fields.Many2one(
        "waba.sender", "Number", check_company=True, tracking=True, ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        default=lambda self: self.env["waba.campaign"]._default_sender(),
    )  # fmt: skip
    topic_id = fields.Many2one(
        "waba.topic", check_company=True, tracking=True, ondelete="restrict",
        index="btree_not_null", domain="[('company_id', '=', company_id)]",
        help="Promotions are not sent to people who opted out of this topic.",
    )  # fmt: skip
    calendar_id = fields.Many2one(
        "resource.calendar",
        "Working hours",
        check_company=True,
        help="By default the salesperson's, else the company's.",
    )
    # Exit conditions
    stop_on_reply = fields.Boolean("Person replies", default=True)
    stop_on_opt_out = fields.Boolean("Person opts out", default=True)
    stop_on_won = fields.Boolean("Lead won", default=True)
    stop_on_lost = fields.Boolean("Lead lost or archived", default=True)
    stop_on_stage_left = fields.Boolean("Lead leaves the stage", default=True)
    stop_on_own_message = fields.Boolean("Colleague sends a WhatsApp message", default=True)
    stop_on_own_contact = fields.Boolean("Colleague emails or calls", default=True)
    when_red = fields.Selection(
        [("wait", "Wait"), ("stop", "Stop the follow-up")],
        "Promotions on hold",
        default="wait",
        required=True,
        help="When the number sends no promotions, for example at a Low rating.",
    )
    when_not_sent = fields.Selection(
        [("stop", "Stop the follow-up"), ("go", "Continue with the next step")],
        "Message not sent",
        default="stop",
        required=True,
    )
    patience_days = fields.Integer(
        "Step expires after",
        default=7,
        help="The follow-up stops when a step is overdue by this many days. 0: it waits.",
    )
    enrollment_ids = fields.One2many("waba.sequence.enrollment", "sequence_id", readonly=True)

    todo_text = fields.Text("Before you start", compute="_compute_todo_text", compute_sudo=True)

    # Versions
    older_count = fields.Integer(
        "On earlier steps", compute="_compute_older_count", compute_sudo=True
    )

    _trigger_days_not_negative = models.Constraint(
        "CHECK(trigger_amount >= 0 AND reentry_days >= 0 AND patience_days >= 0)",
        "Numbers of hours and days cannot be negative.",
    )

    @api.depends(
        "state", "trigger", "stage_ids", "tag_ids", "campaign_ids", "domain", "sender_id",
        "step_ids.kind", "step_ids.template_id", "step_ids.sender_id", "step_ids.activity_type_id",
        "step_ids.variable_ids",
    )  # fmt: skip
    def _compute_todo_text(self):
        for sequence in self:
            is_draft = sequence.state == "draft"
            sequence.todo_text = is_draft and "\n".join(sequence._not_ready_reason())

    def _compute_older_count(self):
        for sequence in self:
            sequence.older_count = self.env["waba.sequence.enrollment"].search_count(
                sequence._older_domain()
            )

    @api.constrains("domain")
    def _check_domain(self):
        for sequence in self:
            try:
                parse_domain(sequence.domain, self.env["crm.lead"])
            except ValueError as error:
                raise ValidationError(
                    self.env._("The filter is not valid: %s", sequence.domain)
                ) from error

    @api.model_create_multi
    def create(self, vals_list):
        sequences = super().create(vals_list)
        self.env.registry.clear_cache()
        return sequences

    def write(self, vals):
        vals = self._write_steps_as_new_version(vals)
        result = super().write(vals)
        self.env.registry.clear_cache()
        if FROZEN_FIELDS.intersection(vals):
            running = self.filtered(lambda sequence: sequence.state == "active")
            running._check_ready()
        if vals.get("active") is False:
            self.filtered(lambda sequence: sequence.state == "active")._pause()
        if READER_FIELDS.intersection(vals):
            self._update_reader()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["waba.sequence.enrollment"]
            .sudo()
            .search_count([("sequence_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "This follow-up cannot be deleted: leads were enrolled in it. Archive it "
                    "instead."
                )
            )

    def copy_data(self, default=None):
        return [
            {**values, "name": self.env._("%s (copy)", sequence.name)}
            for sequence, values in zip(self, super().copy_data(default), strict=True)
        ]

    def action_view_enrollments(self):
        """Its enrollments; the button's context names the filter."""
        self.ensure_one()
        name = self.env.context.get("show_enrollments")
        context = {f"search_default_{name}": 1} if name else {}
        domain = [("sequence_id", "=", self.id)]
        return list_action(self.env, "waba_sequence_enrollment_action", domain, context)

    def action_view_messages(self):
        self.ensure_one()
        return list_action(self.env, "waba_message_action", [("sequence_id", "=", self.id)])

    def action_activate(self):
        """Ask whether the leads that match now are enrolled too, then start."""
        self.ensure_one()
        self.check_access("write")
        self._check_ready()
        wizard = self.env["waba.sequence.activate"]
        return dialog_action(wizard, self.env._("Start follow-up"), sequence_id=self.id)

    def action_pause(self):
        self.check_access("write")
        self.filtered(lambda sequence: sequence.state == "active")._pause()

    def action_resume(self):
        self.check_access("write")
        for sequence in self.filtered(lambda sequence: sequence.state == "paused"):
            sequence._activate()

    def action_confirm_apply(self):
        """Show how many are under way on older steps, then move them."""
        self.ensure_one()
        self.check_access("write")
        wizard = self.env["waba.sequence.apply"]
        return dialog_action(wizard, self.env._("Update active leads"), sequence_id=self.id)

    # === Readiness ===

    def _check_ready(self):
        for sequence in self:
            if problems := sequence._not_ready_reason():
                raise UserError("\n".join(problems))

    def _not_ready_reason(self):
        """[sentence]: the reasons why it cannot be activated."""
        self.ensure_one()
        problems = []
        if not self.step_ids:
            problems.append(self.env._("Add a step."))
        if self.trigger in ("stage", "stage_days") and not self.stage_ids:
            problems.append(self.env._("Choose the stages that enroll a lead."))
        if self.trigger == "tag" and not self.tag_ids:
            problems.append(self.env._("Choose the tags that enroll a lead."))
        if self.trigger == "campaign" and not self.campaign_ids:
            problems.append(self.env._("Choose the campaigns to follow up."))
        if self.trigger == "quotation" and not has_orders(self.env):
            problems.append(self.env._("Quotations need Odoo's Sales app. Choose another trigger."))
        if self._conditions_domain().is_false():
            problems.append(self.env._("The filter is not valid: %s", self.domain))
        for number, step in enumerate(self.step_ids, start=1):
            if why := step._not_ready_reason():
                problems.append(self.env._("Step %(number)s: %(why)s", number=number, why=why))
        return problems

    def _conditions_domain(self):
        """The conditions as a Domain; none meets conditions that cannot be parsed.

        A field that was removed with its module must not keep users from saving a lead.
        """
        self.ensure_one()
        try:
            return parse_domain(self.domain, self.env["crm.lead"])
        except ValueError:
            return Domain.FALSE

    def _active_exit_conditions(self):
        """Names of `policy.followup.EXIT_CONDITIONS` that are switched on."""
        self.ensure_one()
        return {
            reason
            for reason, name in SWITCHES.items()
            if self[name] and (reason != "stage_left" or self.trigger in ("stage", "stage_days"))
        }

    # === State ===

    def _activate(self, include_existing=False):
        """Enroll leads from now on.

        :param include_existing: whether to enroll those that match now too
        :return: the enrollments of these
        :raise UserError: it is not ready, or OdooBot starts it
        """
        self.ensure_one()
        self._check_ready()
        now = fields.Datetime.now()
        self.sudo().write(
            {
                "state": "active",
                "activated_at": self.activated_at or now,
                "trigger_from": now,
                "reader_id": self._default_reader().id,
            }
        )
        self._set_enrollments_paused(False)
        made = self.env["waba.sequence.enrollment"]
        if include_existing:
            made = self.sudo()._enroll_matching()
        self.env["waba.sequence.enrollment"]._trigger_run()
        return made

    def _pause(self):
        self.sudo().write({"state": "paused"})
        self._set_enrollments_paused(True)

    def _set_enrollments_paused(self, is_paused):
        """Pause or resume those under way, and with them their queued messages.

        Paused ones leave the index that the job reads, so that a pause costs the others nothing.
        """
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        enrollments.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_sequence_enrollment SET is_paused = %s
                    WHERE sequence_id = ANY(%s) AND state = 'running'""",
                is_paused,
                self.ids,
            )
        )
        enrollments.invalidate_model()

    # === Versions ===
    # Steps that no lead went through are simply changed. Otherwise the first change copies all
    # steps into the next version and changes the copies; the old ones are archived, because
    # enrollments and messages refer to them.

    def _older_domain(self):
        return [
            ("sequence_id", "=", self.id),
            ("state", "=", "running"),
            ("version", "!=", self.version),
        ]

    def _executed_versions(self):
        """{(sequence id, version)} that leads go or went through."""
        self.env["waba.sequence.enrollment"].flush_model(["sequence_id", "version"])
        return {
            tuple(row)
            for row in self.env.execute_query(
                SQL(
                    """SELECT s.id, v.version FROM waba_sequence s,
                              LATERAL (SELECT DISTINCT version FROM waba_sequence_step
                                        WHERE sequence_id = s.id) v
                        WHERE s.id = ANY(%s)
                          AND EXISTS (SELECT 1 FROM waba_sequence_enrollment e
                                       WHERE e.sequence_id = s.id AND e.version = v.version)""",
                    self.ids,
                )
            )
        }

    def _write_steps_as_new_version(self, vals):
        """Return the values to write: steps that leads went through are replaced by copies."""
        commands = [command for command in vals.get("step_ids") or () if command[0] != Command.LINK]
        if not commands:
            return vals
        used = self._executed_versions()
        if not any((sequence.id, sequence.version) in used for sequence in self):
            return vals
        self.ensure_one()
        copies, variables = self._new_version()
        return {**vals, "step_ids": [_translated(one, copies, variables) for one in commands]}

    def _new_version(self):
        """Copy the steps in force and archive them.

        :return: ({old step id: new}, {old variable id: new})
        """
        self.check_access("write")
        old = self.step_ids
        self.sudo().version += 1
        old.active = False
        copies, variables = {}, {}
        for step in old:
            values = step._convert_to_write({name: step[name] for name in CONTENT_FIELDS})
            copy = step.sudo().create(
                {
                    **values,
                    "sequence_id": self.id,
                    "version": self.version,
                    "variable_ids": step.variable_ids._copy_commands(step.variable_ids),
                }
            )
            copies[step.id] = copy.id
            variables.update(zip(step.variable_ids.ids, copy.variable_ids.ids, strict=True))
        self.invalidate_recordset(["step_ids"])
        return copies, variables

    def _apply_to_running(self):
        """Move those under way to the steps in force, at the position they have reached.

        One statement for all; the job recalculates when each is due (`is_to_plan`).

        :return: how many
        """
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        enrollments.flush_model()
        now = fields.Datetime.now()
        moved = self.env.execute_query(
            SQL(
                """UPDATE waba_sequence_enrollment e
                      SET version = %(version)s, is_to_plan = TRUE, next_at = %(now)s,
                          step_id = (SELECT s.id FROM waba_sequence_step s
                                      WHERE s.sequence_id = e.sequence_id
                                        AND s.version = %(version)s
                                   ORDER BY s.sequence, s.id
                                     OFFSET e.steps_done LIMIT 1)
                    WHERE e.sequence_id = %(sequence)s AND e.state = 'running'
                      AND e.version != %(version)s
                RETURNING e.id""",
                version=self.version,
                sequence=self.id,
                now=now,
            )
        )
        enrollments.invalidate_model()
        enrollments._trigger_run()
        return len(moved)

    # === Reader ===
    # The leads are read with the rights of `reader_id`, in the follow-up's company: the user who
    # started it or, later, the last to change its conditions, steps or variables, because no user's
    # rights serve what another wrote. When that user is inactive or may no longer read leads, no
    # lead is enrolled and the job pauses the follow-up until a user resumes it.

    def _default_reader(self):
        """The reader of a follow-up that is being started: the current user.

        :raise UserError: OdooBot starts it, which reads everything, of every company
        """
        if self.env.uid == SUPERUSER_ID:
            raise UserError(
                self.env._(
                    "OdooBot cannot start a follow-up, because it can read every lead. Sign in as "
                    "a user to start it."
                )
            )
        return self.env.user

    def _update_reader(self):
        """The user who changes what is read becomes the reader."""
        if self.env.uid == SUPERUSER_ID:
            return
        for sequence in self.sudo().filtered("reader_id"):
            if sequence.reader_id != self.env.user:
                sequence.reader_id = self.env.user

    def _reader_leads(self):
        """Leads as the reader reads them; only after `_reader_refusal_reason` returned False."""
        self.ensure_one()
        user = self.sudo().reader_id.ensure_one()
        leads = self.env["crm.lead"].with_user(user)
        return leads.with_context(allowed_company_ids=self.company_id.ids)

    def _reader_refusal_reason(self):
        """Reason why the reader's rights cannot be used, as a sentence, or False."""
        self.ensure_one()
        user = self.sudo().reader_id
        if not user or user.id == SUPERUSER_ID:
            return self.env._(
                "No user is set whose access rights apply. Resume it to use your own."
            )
        if not user.active or self.company_id not in user.company_ids or (
            not self.env["crm.lead"].with_user(user).has_access("read")
        ):  # fmt: skip
            return self.env._(
                "%s, whose access rights apply, is archived or can no longer read leads. Resume it "
                "to use your own.",
                user.name,
            )
        return False

    @api.model
    def _pause_if_no_reader(self):
        """Pause active follow-ups whose reader's rights cannot be used."""
        for sequence in self.search([("state", "=", "active")]):
            if reason := sequence._reader_refusal_reason():
                sequence._pause()
                sequence._message_log(body=self.env._("Paused: %s", reason))


def _translated(command, steps, variables):
    """A command on the old steps as one on their copies."""
    kind, record_id, values = (*command, None, None)[:3]
    if kind == Command.UPDATE:
        values = dict(values)
        if "variable_ids" in values:
            values["variable_ids"] = [
                (one[0], variables.get(one[1], one[1]), *one[2:])
                for one in values["variable_ids"]
                if one[0] != Command.LINK
            ]
        return (kind, steps.get(record_id, record_id), values)
    if kind in (Command.DELETE, Command.UNLINK):
        return (Command.DELETE, steps.get(record_id, record_id), 0)
    return tuple(command)
