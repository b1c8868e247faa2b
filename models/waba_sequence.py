from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .sale_orders import has_orders
from .waba_sequence_words import SWITCHES, TRIGGERS
from .window_actions import list_action
from .written_domains import parse_domain

# A change of one of these may leave a running follow-up unable to go on.
FROZEN_FIELDS = frozenset(
    ("trigger", "stage_ids", "tag_ids", "campaign_ids", "domain", "step_ids", "sender_id")
)
# Who changes one of these stands for all that is read from then on (waba_sequence_rights.py).
READER_FIELDS = frozenset(
    ("trigger", "stage_ids", "source_ids", "tag_ids", "campaign_ids", "domain", "step_ids")
)
STATES = [("draft", "Draft"), ("active", "Running"), ("paused", "Paused")]


class WabaSequence(models.Model):
    """A follow-up: what brings a lead into it, its steps, and what ends it.

    States: `draft` → `active` ⇄ `paused`. While `active`, leads come in (waba_sequence_trigger.py)
    and go on (waba_sequence_run.py); while `paused` nobody comes in and who is in waits.
    One lead going through it is a waba.sequence.enrollment, which keeps to the steps it began with:
    changing steps that somebody went through makes a new version (waba_sequence_version.py).
    Its messages are ordinary rows of the queue, of origin 'sequence'.
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
        help="Gets the activities of leads without a salesperson.",
    )  # fmt: skip
    state = fields.Selection(
        STATES, default="draft", required=True, readonly=True, copy=False, tracking=True, index=True
    )
    activated_at = fields.Datetime("Running since", readonly=True, copy=False)
    trigger_from = fields.Datetime(
        "Counts from",
        readonly=True,
        copy=False,
        help="What happened before brings nobody in: set when the follow-up is activated.",
    )
    reader_id = fields.Many2one(
        "res.users", "Reads with the rights of", readonly=True, copy=False, ondelete="restrict",
        help="Whose rights decide which leads come in and what messages may show: whoever started "
        "it, or changed its conditions or messages last.",
    )  # fmt: skip
    version = fields.Integer(default=1, readonly=True, copy=False)

    # What brings a lead in
    trigger = fields.Selection(TRIGGERS, default="stage", required=True, tracking=True)
    stage_ids = fields.Many2many("crm.stage", string="Stages")
    source_ids = fields.Many2many("utm.source", string="Sources")
    tag_ids = fields.Many2many("crm.tag", string="Tags")
    campaign_ids = fields.Many2many("waba.campaign", string="Campaigns", check_company=True)
    campaign_event = fields.Selection(
        [("delivered", "Delivered"), ("read", "Read")], "Message was", default="read"
    )
    trigger_amount = fields.Integer("After", default=2)
    trigger_unit = fields.Selection([("hours", "hours"), ("days", "days")], default="days")
    domain = fields.Char(
        "Conditions",
        default="[]",
        help="Looked at when a lead comes in and again before each step.",
    )
    reentry = fields.Selection(
        [("never", "Never again"), ("after", "Again after some days")],
        "Same lead again",
        default="never",
        required=True,
    )
    reentry_days = fields.Integer("Days until again", default=90)

    # The steps of the version in force; those of older ones are archived
    step_ids = fields.One2many("waba.sequence.step", "sequence_id", string="Steps", copy=True)
    sender_id = fields.Many2one(
        "waba.sender", "Number", check_company=True, tracking=True, ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        default=lambda self: self.env["waba.campaign"]._default_sender(),
    )  # fmt: skip
    calendar_id = fields.Many2one(
        "resource.calendar",
        "Working hours",
        check_company=True,
        help="Empty: the salesperson's, else the company's.",
    )

    # What ends it
    stop_on_reply = fields.Boolean("The person answers", default=True)
    stop_on_opt_out = fields.Boolean("The person asks for no messages", default=True)
    stop_on_won = fields.Boolean("The lead is won", default=True)
    stop_on_lost = fields.Boolean("The lead is lost or archived", default=True)
    stop_on_stage_left = fields.Boolean("The lead leaves the stage", default=True)
    stop_on_own_message = fields.Boolean("A colleague writes on WhatsApp", default=True)
    stop_on_own_contact = fields.Boolean("A colleague e-mails or calls", default=True)
    when_red = fields.Selection(
        [("wait", "Wait"), ("stop", "Stop the follow-up")],
        "Promotions held",
        default="wait",
        required=True,
        help="When the number's promotions are held, because Meta rates it Low for example.",
    )
    when_not_sent = fields.Selection(
        [("stop", "Stop the follow-up"), ("go", "Go on with the next step")],
        "A message cannot be sent",
        default="stop",
        required=True,
    )
    patience_days = fields.Integer(
        "Too late after",
        default=7,
        help="A step that could not be done for so many days is not done any more: the follow-up "
        "stops. 0: waits as long as it takes.",
    )

    enrollment_ids = fields.One2many("waba.sequence.enrollment", "sequence_id", readonly=True)

    _trigger_days_not_negative = models.Constraint(
        "CHECK(trigger_amount >= 0 AND reentry_days >= 0 AND patience_days >= 0)",
        "Numbers of hours and days cannot be negative.",
    )

    # ------------------------------------------------------------------
    # Checks
    # ------------------------------------------------------------------

    @api.constrains("domain")
    def _check_domain(self):
        for sequence in self:
            try:
                parse_domain(sequence.domain, self.env["crm.lead"])
            except ValueError as error:
                raise ValidationError(
                    self.env._("The conditions cannot be read: %s", sequence.domain)
                ) from error

    def _conditions_domain(self):
        """The conditions as a Domain; who cannot be judged does not meet them.

        A field that went with its module must not keep anybody from saving a lead.
        """
        self.ensure_one()
        try:
            return parse_domain(self.domain, self.env["crm.lead"])
        except ValueError:
            return Domain.FALSE

    def _not_ready_reason(self):
        """[sentence] that keep it from being activated."""
        self.ensure_one()
        problems = []
        if not self.step_ids:
            problems.append(self.env._("There is no step yet: add the first one."))
        if self.trigger in ("stage", "stage_days") and not self.stage_ids:
            problems.append(self.env._("Choose the stages that bring a lead in."))
        if self.trigger == "tag" and not self.tag_ids:
            problems.append(self.env._("Choose the tags that bring a lead in."))
        if self.trigger == "campaign" and not self.campaign_ids:
            problems.append(self.env._("Choose the campaigns whose messages are followed up."))
        if self.trigger == "quotation" and not has_orders(self.env):
            problems.append(
                self.env._("Quotations of opportunities are not installed: choose another start.")
            )
        if self._conditions_domain().is_false():
            problems.append(self.env._("The conditions cannot be read: %s", self.domain))
        for number, step in enumerate(self.step_ids, start=1):
            if why := step._not_ready_reason():
                problems.append(self.env._("Step %(number)s: %(why)s", number=number, why=why))
        return problems

    def _check_ready(self):
        for sequence in self:
            if problems := sequence._not_ready_reason():
                raise UserError("\n".join(problems))

    def _active_exit_conditions(self):
        """Names of `policy.followup.STOPS` that are switched on."""
        self.ensure_one()
        return {
            reason
            for reason, name in SWITCHES.items()
            if self[name] and (reason != "stage_left" or self.trigger in ("stage", "stage_days"))
        }

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

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
                    "Leads went through this follow-up: it is part of their history and cannot be "
                    "deleted. Archive it instead."
                )
            )

    def copy_data(self, default=None):
        return [
            {**values, "name": self.env._("%s (copy)", sequence.name)}
            for sequence, values in zip(self, super().copy_data(default), strict=True)
        ]

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_view_enrollments(self):
        """Who is or was in it; the button's context names the filter."""
        self.ensure_one()
        name = self.env.context.get("waba_filter")
        context = {f"search_default_{name}": 1} if name else {}
        domain = [("sequence_id", "=", self.id)]
        return list_action(self.env, "waba_sequence_enrollment_action", domain, context)

    def action_view_messages(self):
        self.ensure_one()
        return list_action(self.env, "waba_message_action", [("sequence_id", "=", self.id)])
