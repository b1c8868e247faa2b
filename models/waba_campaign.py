from odoo import api, fields, models
from odoo.exceptions import UserError

from .window_actions import list_action
from .written_domains import parse_domain

STATES = [
    ("draft", "Draft"),
    ("scheduled", "Scheduled"),
    ("preparing", "Preparing"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
]
# What the A/B test consists of; fixed as soon as the campaign is under way.
AB_TEST_FIELDS = frozenset(
    ("ab_test", "ab_share", "ab_hours", "ab_criterion", "b_template_id", "b_variable_ids")
)
# What a choice of the audience consists of; fixed as soon as the campaign is under way.
SOURCE_FIELDS = frozenset(
    (
        "audience_source", "audience_filter_id", "audience_team_id", "audience_tag_id",
        "audience_category_id", "audience_campaign_id", "audience_outcome",
    )
)  # fmt: skip


class WabaCampaign(models.Model):
    """What is sent, to whom, from which number, when.

    States: `draft` → (`scheduled` →) `preparing` (rows are made in the background,
    waba_campaign_audience.py) → `running` ⇄ `paused` → `done`; or `cancelled`.
    A campaign sends nothing itself: its rows wait for the number's dispatcher
    (waba_sender_dispatch.py), which takes them while the campaign is `running`. `pause_reason` is a
    sentence, `pause_cause` tells who may lift the pause.
    Entry points: `action_launch`, `_pause`, `_resume`, `_finish_if_complete`.
    """

    _name = "waba.campaign"
    _description = "WhatsApp Campaign"
    _inherit = ["mail.thread", "mail.activity.mixin", "waba.system.fields.mixin"]
    _order = "create_date desc, id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self.env.user,
        required=True,
        tracking=True,
        index=True,
    )
    state = fields.Selection(
        STATES, default="draft", required=True, readonly=True, copy=False, tracking=True, index=True
    )
    priority = fields.Selection([("0", "Normal"), ("1", "First")], default="0")

    # What
    template_id = fields.Many2one(
        "waba.template", check_company=True, tracking=True, index=True, ondelete="restrict",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False),"
        " ('company_id', '=', company_id)]",
    )  # fmt: skip
    template_signature = fields.Char(readonly=True, copy=False)
    variable_ids = fields.One2many(
        "waba.campaign.variable", "campaign_id", string="Variables", copy=True,
        domain=[("variant", "=", "a")],
    )  # fmt: skip
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    preview_name = fields.Char(compute="_compute_preview_html")

    # To whom
    res_model = fields.Selection(
        selection=lambda self: self.env["waba.person.mixin"]._waba_target_models(),
        string="Written to", required=True,
    )  # fmt: skip
    audience_domain = fields.Char("Conditions")
    audience_count = fields.Integer("Records chosen", compute="_compute_audience_count")

    # From where, when
    sender_id = fields.Many2one(
        "waba.sender", "Number", check_company=True, tracking=True, index=True, ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        default=lambda self: self._default_sender(),
    )  # fmt: skip
    scheduled_at = fields.Datetime("Send at", tracking=True, copy=False)

    # Why it waits
    pause_reason = fields.Text("Why it waits", readonly=True, copy=False)
    pause_cause = fields.Selection(
        [
            ("person", "A person"),
            ("failure", "A failure"),
            ("template", "The template"),
            ("reputation", "Its results"),
            ("preflight", "Its pre-flight"),
            ("launcher", "Who launched it"),
        ],
        readonly=True,
        copy=False,
    )
    resume_at = fields.Datetime("Goes on at", readonly=True, copy=False)
    hold_reason = fields.Text("Why nothing goes out", compute="_compute_progress")

    # Preparation
    prepared_until_id = fields.Integer(readonly=True, copy=False)
    prepared_count = fields.Integer(readonly=True, copy=False)
    to_prepare_count = fields.Integer(readonly=True, copy=False)
    launched_by_id = fields.Many2one(
        "res.users", "Launched by", readonly=True, copy=False, ondelete="restrict",
        help="Whose rights decide which records are read while the messages are prepared.",
    )  # fmt: skip
    launched_at = fields.Datetime("Launched at", readonly=True, copy=False)
    done_at = fields.Datetime("Finished at", readonly=True, copy=False)

    # UTM: a campaign is a source, WhatsApp its medium
    utm_campaign_id = fields.Many2one("utm.campaign", "UTM campaign", ondelete="set null")
    utm_source_id = fields.Many2one(
        "utm.source", "UTM source", readonly=True, copy=False, ondelete="set null"
    )
    utm_medium_id = fields.Many2one(
        "utm.medium", "UTM medium", readonly=True, copy=False, ondelete="set null"
    )

    # Figures, counted in one pass
    waba_message_ids = fields.One2many(
        "waba.message", "campaign_id", string="WhatsApp messages", readonly=True
    )
    people_count = fields.Integer("People", compute="_compute_figures")
    queued_count = fields.Integer("Waiting", compute="_compute_figures")
    skipped_count = fields.Integer("People left out", compute="_compute_figures")
    sent_count = fields.Integer("Sent", compute="_compute_figures")
    delivered_count = fields.Integer("Delivered", compute="_compute_figures")
    read_count = fields.Integer("Read", compute="_compute_figures")
    replied_count = fields.Integer("Replied", compute="_compute_figures")
    clicked_count = fields.Integer("Clicked the link", compute="_compute_figures")
    failed_count = fields.Integer("Not delivered", compute="_compute_figures")
    uncertain_count = fields.Integer("Waiting for an answer", compute="_compute_figures")
    opted_out_count = fields.Integer("Opted out", compute="_compute_figures")
    progress = fields.Float(
        compute="_compute_figures", help="Part of the people already handled, in %."
    )
    progress_text = fields.Char(compute="_compute_progress")
    next_message_at = fields.Datetime("Next messages at", compute="_compute_progress")
    ends_at = fields.Datetime("Ends about", compute="_compute_progress")
    retryable_count = fields.Integer(compute="_compute_retryable_count")

    @api.model
    def _default_sender(self):
        senders = self.env["waba.sender"].search(
            [("company_id", "=", self.env.company.id)], limit=2
        )
        return senders if len(senders) == 1 else False

    # ------------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------------

    @api.depends("res_model", "audience_domain")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_audience_count(self):
        for campaign in self:
            campaign.audience_count = campaign._audience_records_count()

    @api.depends(
        "template_id",
        "variable_ids.source",
        "variable_ids.text",
        "variable_ids.field_path",
        "variable_ids.fallback",
        "res_model",
        "audience_domain",
    )
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_preview_html(self):
        for campaign in self:
            campaign.preview_name = campaign.preview_html = False
            if not campaign.template_id:
                continue
            parameters = {}
            if record := campaign._first_record():
                facts = record._waba_person_facts()
                campaign.preview_name = facts["name"] or record.display_name
                parameters = campaign._preview_parameters(record, facts)
            campaign.preview_html = campaign.template_id._render_phone(parameters)

    def _preview_parameters(self, record, facts):
        """The words for one person; a text still missing shows as its variable, never made up."""
        return self.variable_ids._freeze_texts(
            {
                line.id: line._record_value(record, facts) or f"{{{{{line.name}}}}}"
                for line in self.variable_ids
            }
        )

    @api.onchange("template_id")
    def _onchange_template_id(self):
        self.variable_ids = [fields.Command.clear(), *self._variable_commands()]

    def _variable_commands(self, template=None):
        template = self.template_id if template is None else template
        return self.env["waba.campaign.variable"]._copy_commands(template.variable_ids)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        campaigns = super().create(vals_list)
        for campaign in campaigns.filtered(lambda c: c.template_id and not c.variable_ids):
            campaign.variable_ids = campaign._variable_commands()
        for campaign in campaigns.filtered(lambda c: c.b_template_id and not c.b_variable_ids):
            campaign.b_variable_ids = campaign._variant_b_variable_commands()
        return campaigns

    def write(self, vals):
        """Another message B brings its variables, whoever writes it, as message A does."""
        template_id = vals.get("b_template_id")
        changed = self.filtered(lambda c: template_id and c.b_template_id.id != template_id)
        if self._locked_field_names().intersection(vals):
            self._check_not_launched()
        result = super().write(vals)
        if "scheduled_at" in vals:
            for campaign in self.filtered(lambda campaign: campaign.state == "scheduled"):
                self._prepare_cron()._trigger(at=campaign.scheduled_at or None)
        if "b_variable_ids" not in vals:
            for campaign in changed:
                campaign._onchange_b_template_id()
        self._cancel_permissions_if_changed()
        return result

    def copy_data(self, default=None):
        return [
            {**values, "name": self.env._("%s (copy)", campaign.name)}
            for campaign, values in zip(self, super().copy_data(default), strict=True)
        ]

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_view_audience(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Audience"),
            "res_model": self.res_model,
            "view_mode": "list,form",
            "domain": self._audience_domain_list(),
        }

    def action_view_messages(self):
        """The people behind a figure; the button's context names the filter."""
        self.ensure_one()
        domain = [("campaign_id", "=", self.id), ("direction", "=", "out")]
        context = {"waba_one_campaign": True}
        if filter_name := self.env.context.get("waba_filter"):
            context[f"search_default_{filter_name}"] = 1
        return list_action(self.env, "waba_message_action", domain, context)

    def _audience_domain_list(self):
        try:
            return list(parse_domain(self.audience_domain, self._target_model()))
        except ValueError as error:
            raise UserError(
                self.env._("The audience's filter cannot be read: %s", self.audience_domain)
            ) from error
