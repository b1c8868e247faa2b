"""Follow-ups: one follow-up's settings, states, versions of its steps, and reader.

Called from its form; `_pause_if_no_reader` by the job in waba_sequence_enrollment.py.
"""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ...policy import followup
from ..consent.waba_person_link import PERSON_PATHS
from ..consent.waba_reach import PERSON_MODELS
from ..tools.field_paths import TECHNICAL_MODELS, parse_domain
from ..tools.labels import dialog_action, has_orders, list_action
from .waba_sequence_step import (
    CONTENT_FIELDS,
    DATE_SIDES,
    GENERAL_TRIGGERS,
    LEAD_SWITCHES,
    SWITCHES,
    TRIGGERS,
)

# A change of one of these may leave an active follow-up unable to continue.
FROZEN_FIELDS = frozenset(
    ("trigger", "stage_ids", "tag_ids", "campaign_ids", "domain", "step_ids", "sender_id",
     "res_model", "date_field", "goal_kind", "goal_words", "goal_domain")
)  # fmt: skip

# The user who changes one of these becomes its reader (`_update_reader`).
READER_FIELDS = frozenset(
    ("trigger", "stage_ids", "source_ids", "tag_ids", "campaign_ids", "domain", "step_ids",
     "res_model", "date_field", "goal_kind", "goal_domain")
)  # fmt: skip

# Models that are offered first.
USUAL_MODELS = (
    "crm.lead", "res.partner", "sale.order", "account.move", "event.registration",
)  # fmt: skip

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
    res_model = fields.Selection(
        "_select_models", "Records", default="crm.lead", required=True, tracking=True
    )
    trigger = fields.Selection(TRIGGERS, default="stage", required=True, tracking=True)
    # Only those that records other than leads can have.
    general_trigger = fields.Selection(
        [(key, label) for key, label in TRIGGERS if key in GENERAL_TRIGGERS],
        "Enrollment trigger", compute="_compute_general_trigger",
        inverse="_inverse_general_trigger",
    )  # fmt: skip
    stage_ids = fields.Many2many("crm.stage", string="Stages")
    source_ids = fields.Many2many("utm.source", string="Sources")
    tag_ids = fields.Many2many("crm.tag", string="Tags")
    campaign_ids = fields.Many2many("waba.campaign", string="Campaigns", check_company=True)
    campaign_event = fields.Selection(
        [("delivered", "Delivered"), ("read", "Read")], "Message status", default="read"
    )
    date_field = fields.Char("Date field", help="Of the record, such as its expiration.")
    date_side = fields.Selection(DATE_SIDES, "Side", default="after", required=True)
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
    # Goal
    goal_kind = fields.Selection(
        [
            ("won", "Lead won"),
            ("order", "Order confirmed"),
            ("word", "Reply contains"),
            ("domain", "Record matches"),
        ],
        "Goal",
        help="Ends the follow-up as a success.",
    )
    goal_words = fields.Char("Goal words")
    goal_domain = fields.Char("Goal filter", default="[]")
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
        "res_model", "date_field", "goal_kind", "goal_words", "goal_domain",
        "step_ids.kind", "step_ids.template_id", "step_ids.sender_id", "step_ids.activity_type_id",
        "step_ids.variable_ids", "step_ids.goes_to", "step_ids.branch_ids.kind",
        "step_ids.branch_ids.words", "step_ids.branch_ids.domain", "step_ids.branch_ids.goes_to",
    )  # fmt: skip
    def _compute_todo_text(self):
        for sequence in self:
            is_draft = sequence.state == "draft"
            sequence.todo_text = is_draft and "\n".join(sequence._not_ready_reason())

    @api.depends("trigger")
    def _compute_general_trigger(self):
        for sequence in self:
            is_general = sequence.trigger in GENERAL_TRIGGERS
            sequence.general_trigger = is_general and sequence.trigger

    @api.onchange("general_trigger")
    def _inverse_general_trigger(self):
        for sequence in self.filtered("general_trigger"):
            sequence.trigger = sequence.general_trigger

    def _compute_older_count(self):
        for sequence in self:
            sequence.older_count = self.env["waba.sequence.enrollment"].search_count(
                sequence._older_domain()
            )

    @api.constrains("domain", "goal_domain", "res_model")
    def _check_domain(self):
        for sequence in self:
            for text in (sequence.domain, sequence.goal_domain):
                try:
                    parse_domain(text, self.env[sequence._record_model()])
                except ValueError as error:
                    raise ValidationError(
                        self.env._("The filter is not valid: %s", text)
                    ) from error

    @api.onchange("res_model")
    def _onchange_res_model(self):
        """Nothing that was chosen for other records applies to these."""
        if self.res_model != "crm.lead" and self.trigger not in GENERAL_TRIGGERS:
            self.trigger = "manual"
        self.domain = self.goal_domain = "[]"
        self.date_field = False

    @api.model_create_multi
    def create(self, vals_list):
        sequences = super().create(vals_list)
        self.env.registry.clear_cache()
        return sequences

    def write(self, vals):
        changed = self.filtered(lambda one: one.res_model != vals.get("res_model", one.res_model))
        if changed and changed.sudo()._executed_versions():
            raise UserError(
                self.env._(
                    "The kind of records cannot be changed: some were enrolled. Duplicate the "
                    "follow-up instead."
                )
            )
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
        if self._record_model() != "crm.lead" and self.trigger not in GENERAL_TRIGGERS:
            problems.append(self.env._("This trigger is of leads. Choose another one."))
        if self.trigger == "match" and self._conditions_domain().is_true():
            problems.append(self.env._("Set the filter that enrolls a record."))
        field = self.env[self._record_model()]._fields.get(self.date_field or "")
        if self.trigger == "date" and (field is None or field.type not in ("date", "datetime")):
            problems.append(self.env._("Choose the date that enrolls a record."))
        if self.goal_kind == "word" and not self._goal_branch().words:
            problems.append(self.env._("Enter the words of the goal."))
        if self.goal_kind == "domain" and self._goal_domain().is_true():
            problems.append(self.env._("Set the filter of the goal."))
        if self.goal_kind == "order" and not (has_orders(self.env) and self._order_field()):
            problems.append(self.env._("These records have no orders. Choose another goal."))
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
        steps = self.step_ids.sorted("sequence")
        for number, step in enumerate(steps, start=1):
            if why := step._not_ready_reason():
                problems.append(self.env._("Step %(number)s: %(why)s", number=number, why=why))
        return problems + steps._flow_problems(steps)

    def _conditions_domain(self):
        """The conditions as a Domain; none meets conditions that cannot be parsed.

        A field that was removed with its module must not keep users from saving a lead.
        """
        self.ensure_one()
        try:
            return parse_domain(self.domain, self.env[self._record_model()])
        except ValueError:
            return Domain.FALSE

    def _goal_domain(self):
        try:
            return parse_domain(self.goal_domain, self.env[self._record_model()])
        except ValueError:
            return Domain.FALSE

    def _goal_branch(self):
        """The words of the goal, as a branch that a reply can match."""
        return followup.Branch(self.id, "word", words=followup.split_words(self.goal_words))

    def _order_field(self):
        """The field of orders that leads to the records; False without one."""
        fields_ = {"crm.lead": "opportunity_id", "res.partner": "partner_id", "sale.order": "id"}
        return fields_.get(self._record_model(), False)

    # === Records ===

    @api.model
    def _select_models(self):
        """[(model, name)] of the models whose records have a lead or contact to message."""
        usual = {
            "crm.lead": self.env._("Leads"),
            "res.partner": self.env._("Contacts"),
            "sale.order": self.env._("Quotations and orders"),
            "account.move": self.env._("Invoices"),
            "event.registration": self.env._("Event registrations"),
        }
        return [
            (name, usual.get(name) or self.env["ir.model"]._get(name).sudo().name or name)
            for name in self._person_models_sorted()
        ]

    @api.model
    def _person_models_sorted(self):
        """Names of models whose records have a person behind them, the usual ones first."""
        found = [
            name
            for name, model in self.env.registry.items()
            if not model._abstract and not model._transient and "message_ids" in model._fields
            and not TECHNICAL_MODELS.match(name)
            and any(
                path in model._fields and model._fields[path].comodel_name in PERSON_MODELS
                for path in PERSON_PATHS
            )
        ]  # fmt: skip
        first = [name for name in USUAL_MODELS if name in PERSON_MODELS or name in found]
        return [*first, *sorted(set(found).difference(first))]

    def _record_model(self):
        """Name of the model of its records; leads while none is chosen."""
        return self.res_model if self.res_model in self.env else "crm.lead"

    def _person_models(self):
        """Names of the models of those who are messaged."""
        model = self._record_model()
        return [model] if model in PERSON_MODELS else ["res.partner"]

    def _record_column(self):
        """The column of enrollments with the id of the record."""
        return "lead_id" if self._record_model() == "crm.lead" else "res_id"

    @api.model
    def _record_user(self, record):
        """The salesperson of a record or of the person behind it; perhaps empty."""
        field = record._fields.get("user_id")
        if field is not None and field.comodel_name == "res.users":
            return record.user_id[:1]
        return self.env["waba.recipient"].sudo()._person_record(record.sudo()).user_id[:1]

    def _active_exit_conditions(self):
        """Names of `policy.followup.EXIT_CONDITIONS` that are switched on."""
        self.ensure_one()
        return {
            reason
            for reason, name in SWITCHES.items()
            if self[name]
            and (reason != "stage_left" or self.trigger in ("stage", "stage_days"))
            and (reason not in LEAD_SWITCHES or self._record_model() == "crm.lead")
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
        copies, lines = self._new_version()
        return {**vals, "step_ids": [_translated(one, copies, lines) for one in commands]}

    def _new_version(self):
        """Copy the steps in force and archive them.

        :return: ({old step id: new}, {field: {old id of a variable or branch: new}})
        """
        self.check_access("write")
        old = self.step_ids
        self.sudo().version += 1
        old.active = False
        copies, lines = {}, {"variable_ids": {}, "branch_ids": {}}
        for step in old:
            values = step._convert_to_write({name: step[name] for name in CONTENT_FIELDS})
            copy = step.sudo().create(
                {
                    **values,
                    "sequence_id": self.id,
                    "version": self.version,
                    **{name: step[name]._copy_commands(step[name]) for name in lines},
                }
            )
            copies[step.id] = copy.id
            for name, ids in lines.items():
                ids.update(zip(step[name].ids, copy[name].ids, strict=True))
        self.invalidate_recordset(["step_ids"])
        return copies, lines

    def _apply_to_running(self):
        """Move those under way to the steps in force, each to its own step or, if that was deleted,
        the one that is next in order.

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
                                        AND (s.key = at.key OR s.sequence > at.sequence)
                                   ORDER BY s.key IS NOT DISTINCT FROM at.key DESC,
                                            s.sequence, s.id LIMIT 1),
                          is_deciding = e.is_deciding AND EXISTS (
                              SELECT 1 FROM waba_sequence_step s
                               WHERE s.sequence_id = e.sequence_id AND s.version = %(version)s
                                 AND s.key = at.key)
                     FROM (SELECT r.id, s.key,
                                  CASE WHEN s.id IS NOT NULL THEN s.sequence
                                       WHEN l.goes_to = 'end' THEN NULL
                                       ELSE l.sequence END AS sequence
                             FROM waba_sequence_enrollment r
                        LEFT JOIN waba_sequence_step s ON s.id = r.step_id
                        LEFT JOIN waba_sequence_step l
                               ON l.sequence_id = r.sequence_id AND l.version = r.version
                              AND l.key = r.path->>-1) at
                    WHERE at.id = e.id AND e.sequence_id = %(sequence)s AND e.state = 'running'
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

    def _reader_records(self):
        """Its model as the reader reads it; of a draft, as the current user does."""
        self.ensure_one()
        user = self.sudo().reader_id or self.env.user
        records = self.env[self._record_model()].with_user(user)
        return records.with_context(allowed_company_ids=self.company_id.ids)

    def _reader_refusal_reason(self):
        """Reason why the reader's rights cannot be used, as a sentence, or False."""
        self.ensure_one()
        user = self.sudo().reader_id
        if not user or user.id == SUPERUSER_ID:
            return self.env._(
                "No user is set whose access rights apply. Resume it to use your own."
            )
        if not user.active or self.company_id not in user.company_ids or (
            not self.env[self._record_model()].with_user(user).has_access("read")
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


def _translated(command, steps, lines):
    """A command on the old steps as one on their copies."""
    kind, record_id, values = (*command, None, None)[:3]
    if kind == Command.UPDATE:
        values = dict(values)
        for name in lines.keys() & values.keys():
            values[name] = [
                (one[0], lines[name].get(one[1], one[1]), *one[2:])
                for one in values[name]
                if one[0] != Command.LINK
            ]
        return (kind, steps.get(record_id, record_id), values)
    if kind in (Command.DELETE, Command.UNLINK):
        return (Command.DELETE, steps.get(record_id, record_id), 0)
    return tuple(command)
