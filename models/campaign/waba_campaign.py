"""Campaign: the model, its launch checks, and every change of its state, shown on open screens.

Called by the form's buttons, a number's job (waba_campaign_hooks.py) and the watch (`_cron_watch`).
"""

import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, clean_context

from ..base.waba_failure import TEMPORARY_EXCLUSIONS
from ..tools.field_paths import parse_domain
from ..tools.labels import form_action, language_name, list_action
from ..tools.transactions import commit_step
from .waba_campaign_language import SHARED_FIELDS, TRANSLATED_FIELDS, LanguageChoice

STATES = [
    ("draft", "Draft"),
    ("scheduled", "Scheduled"),
    ("preparing", "Preparing"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
]

# Content of the A/B test; fixed once rows are prepared.
AB_TEST_FIELDS = frozenset(
    ("ab_test", "ab_share", "ab_hours", "ab_criterion", "b_template_id", "b_variable_ids")
)

# Choice of the audience, and what is excluded from it; fixed once rows are prepared.
CHOICE_FIELDS = frozenset(
    (
        "audience_source", "audience_filter_id", "audience_team_id", "audience_tag_id",
        "audience_category_id", "audience_campaign_id", "audience_outcome",
    )
)  # fmt: skip
SOURCE_FIELDS = CHOICE_FIELDS | {"audience_excluded_ids"}

# Matches no record: an audience that is not chosen yet must never be everyone.
EMPTY_DOMAIN = "[(0, '=', 1)]"

# Context key of a list that shows the messages of one campaign: its column is hidden. The web
# client drops keys that begin like this on the way to another list.
ONE_CAMPAIGN = "show_one_campaign"

# Recipients react for hours after a campaign's last message was sent.
BUSY_PERIOD = timedelta(hours=6)

# Traces of a launch, removed when the campaign becomes a draft again.
LAUNCH_RESET_VALUES = {"launched_at": False, "launched_by_id": False, "launched_mark": False}

# While it is sent, a campaign notifies once in so many seconds and process: a screen that reloads
# for every second's batch would read its figures all the time.
SENDING_INTERVAL_SECONDS = 3

# {(database, campaign id): monotonic time of the last notification while sending}
_notified = {}


class WabaCampaign(models.Model):
    """A campaign: one template sent to one audience from one number.

    States: `draft` → (`scheduled` →) `preparing` (rows are created in the background,
    waba_campaign_audience.py) → `running` ⇄ `paused` → `done`; or `cancelled`. Only `_update_state`
    changes `state`.

    Entry points: `action_launch`, `_pause`, `_resume`, `_finish_if_complete`.

    Note: a campaign sends nothing itself. Its rows wait for the number's job
    (models/dispatch/waba_sender_dispatch.py), which reserves them while the campaign is `running`.
    `pause_reason` is a sentence for users; `pause_cause` decides who or what may lift the pause.
    """

    _name = "waba.campaign"
    _description = "WhatsApp Campaign"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "waba.system.fields.mixin",
        "waba.reputation.subject.mixin",
        "waba.fallback.mixin",
    ]
    _order = "create_date desc, id desc"
    _check_company_auto = True

    @api.model
    def _default_sender(self):
        """The only connected number, else the one that the user's latest campaign has."""
        senders = self.env["waba.sender"].search([("company_id", "=", self.env.company.id)])
        senders = senders.filtered(lambda one: one.sudo().account_id.state == "connected")
        if len(senders) < 2:
            return senders
        mine = [("user_id", "=", self.env.uid), ("sender_id", "in", senders.ids)]
        return self.search(mine, order="id desc", limit=1).sender_id

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
        STATES, default="draft", required=True, readonly=True, copy=False, tracking=True,
        index=True, group_expand=True,
    )  # fmt: skip
    priority = fields.Selection([("0", "Normal"), ("1", "High")], default="0")
    # Message
    template_id = fields.Many2one(
        "waba.template", check_company=True, tracking=True, index=True, ondelete="restrict",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False),"
        " ('company_id', '=', company_id)]",
    )  # fmt: skip
    topic_id = fields.Many2one(
        "waba.topic", check_company=True, tracking=True, index="btree_not_null",
        ondelete="restrict", compute="_compute_topic_id", store=True, readonly=False,
        precompute=True, domain="[('company_id', '=', company_id)]",
        help="People who opted out of this topic are excluded.",
    )  # fmt: skip
    has_topics = fields.Boolean(compute="_compute_has_topics")
    template_signature = fields.Char(readonly=True, copy=False)
    variable_ids = fields.One2many(
        "waba.campaign.variable", "campaign_id", string="Variables", copy=True,
        domain=[("variant", "=", "a")],
    )  # fmt: skip
    by_language = fields.Boolean(
        "Recipient's language", tracking=True,
        help="Each recipient gets the template in their language, else in the default one.",
    )  # fmt: skip
    language_ids = fields.One2many("waba.campaign.language", "campaign_id", "Languages", copy=True)
    other_languages = fields.Char(compute="_compute_other_languages")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    preview_name = fields.Char(compute="_compute_preview_html")
    # Audience
    res_model = fields.Selection(
        selection=lambda self: self.env["waba.person.mixin"]._waba_target_models(),
        string="Records", required=True,
    )  # fmt: skip
    audience_domain = fields.Char("Rules")
    audience_count = fields.Integer("Audience", compute="_compute_audience_count")
    # Above 0: it asks people to reconfirm their opt-in (waba_reconfirmation.py).
    reconfirm_days = fields.Integer("Days to answer", readonly=True, copy=False)
    reconfirmation_ids = fields.One2many("waba.reconfirmation", "campaign_id", readonly=True)
    # Number and time
    sender_id = fields.Many2one(
        "waba.sender", "Number", check_company=True, tracking=True, index=True, ondelete="restrict",
        domain="[('company_id', '=', company_id)]",
        default=lambda self: self._default_sender(),
    )  # fmt: skip
    scheduled_at = fields.Datetime("Send at", tracking=True, copy=False)
    price_ids = fields.One2many(
        "waba.campaign.price", "campaign_id", string="Maximum prices", copy=True
    )
    promotions_by = fields.Selection(related="sender_id.account_id.promotions_by")
    # Budget
    currency_id = fields.Many2one(related="company_id.currency_id")
    budget = fields.Monetary(
        tracking=True,
        help="What all messages of this campaign may cost. 0: no budget of its own.",
    )
    budget_spent = fields.Monetary(compute="_compute_budget_use")
    budget_reserved = fields.Monetary(compute="_compute_budget_use")
    budget_share = fields.Float("Budget used", compute="_compute_budget_use")
    budget_text = fields.Char("Budget details", compute="_compute_budget_use")
    # Another way to whom WhatsApp does not reach (dispatch/waba_fallback.py)
    fallback_template_id = fields.Many2one(domain="[('model', '=', res_model)]")
    # Pause
    pause_reason = fields.Text("Pause reason", readonly=True, copy=False)
    pause_cause = fields.Selection(
        [
            ("person", "User"),
            ("failure", "Error"),
            ("template", "Template"),
            ("reputation", "Results"),
            ("preflight", "Pre-flight check"),
            ("launcher", "Access rights"),
            ("budget", "Budget"),
        ],
        readonly=True,
        copy=False,
    )
    resume_at = fields.Datetime("Resumes at", readonly=True, copy=False)
    hold_reason = fields.Text("Hold reason", compute="_compute_progress")
    hold_action = fields.Char("Next step", compute="_compute_progress")
    # Preparation
    prepared_until_id = fields.Integer(readonly=True, copy=False)
    prepared_count = fields.Integer(readonly=True, copy=False)
    to_prepare_count = fields.Integer(readonly=True, copy=False)
    launched_by_id = fields.Many2one(
        "res.users", "Launched by", readonly=True, copy=False, ondelete="restrict",
        help="The audience is read with this user's access rights.",
    )  # fmt: skip
    launched_at = fields.Datetime("Launched at", readonly=True, copy=False)
    done_at = fields.Datetime("Finished at", readonly=True, copy=False)
    # One run of a recurring campaign
    recurring_id = fields.Many2one(
        "waba.recurring", "Recurring campaign", readonly=True, copy=False, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
    # UTM: the campaign is a source, WhatsApp its medium
    utm_campaign_id = fields.Many2one("utm.campaign", "UTM campaign", ondelete="set null")
    utm_source_id = fields.Many2one(
        "utm.source", "UTM source", readonly=True, copy=False, ondelete="set null"
    )
    utm_medium_id = fields.Many2one(
        "utm.medium", "UTM medium", readonly=True, copy=False, ondelete="set null"
    )
    # Figures (waba_campaign_progress.py)
    waba_message_ids = fields.One2many(
        "waba.message", "campaign_id", string="WhatsApp messages", readonly=True
    )
    people_count = fields.Integer("Recipients", compute="_compute_figures")
    queued_count = fields.Integer("Queued", compute="_compute_figures")
    skipped_count = fields.Integer("Excluded", compute="_compute_figures")
    cancelled_count = fields.Integer("Cancelled", compute="_compute_figures")
    sent_count = fields.Integer("Sent", compute="_compute_figures")
    delivered_count = fields.Integer("Delivered", compute="_compute_figures")
    read_count = fields.Integer("Read", compute="_compute_figures")
    replied_count = fields.Integer("Replied", compute="_compute_figures")
    clicked_count = fields.Integer("Clicked", compute="_compute_figures")
    failed_count = fields.Integer("Failed", compute="_compute_figures")
    uncertain_count = fields.Integer("Unconfirmed", compute="_compute_figures")
    fallback_count = fields.Integer("Fallback sent", compute="_compute_fallback_count")
    opted_out_count = fields.Integer("Opted out", compute="_compute_figures")
    progress = fields.Float(
        compute="_compute_figures",
        help="Share of recipients whose message has been processed, excluded ones not counted.",
    )
    progress_text = fields.Char("Progress details", compute="_compute_progress")
    next_message_at = fields.Datetime("Next message", compute="_compute_progress")
    ends_at = fields.Datetime("Estimated end", compute="_compute_progress")
    retryable_count = fields.Integer(compute="_compute_retryable_count")
    # Evidence
    template_quality_event_ids = fields.One2many(related="template_id.quality_event_ids")

    _budget_not_negative = models.Constraint(
        "CHECK(budget IS NULL OR budget >= 0)", "A budget is 0 or more."
    )

    @api.depends("res_model", "audience_domain", "audience_excluded_ids")
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
        "variable_ids.file_id",
        "variable_ids.offer_ends_at",
        "variable_ids.hours",
        "res_model",
        "audience_domain",
        "audience_excluded_ids",
    )
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_preview_html(self):
        for campaign in self:
            campaign.preview_name = campaign.preview_html = False
            if not campaign.template_id:
                continue
            parameters, template = {}, campaign.template_id
            if record := campaign._first_record():
                facts = record._waba_person_facts()
                campaign.preview_name = facts["name"] or record.display_name
                template, lines = campaign._message_for(record, facts)
                parameters = campaign._preview_parameters(record, facts, lines)
            campaign.preview_html = template._render_phone(parameters)

    @api.depends("template_id")
    def _compute_topic_id(self):
        for campaign in self:
            campaign.topic_id = campaign.template_id.topic_id or campaign.topic_id

    @api.depends("company_id")
    def _compute_has_topics(self):
        for campaign in self:
            campaign.has_topics = self.env["waba.topic"].search_count(
                [("company_id", "=", campaign.company_id.id)], limit=1
            )

    def _compute_fallback_count(self):
        groups = self.env["waba.fallback"].sudo()._read_group(
            [("campaign_id", "in", self.ids), ("state", "=", "sent")], ["campaign_id"], ["__count"]
        )  # fmt: skip
        counts = {campaign.id: count for campaign, count in groups}
        for campaign in self:
            campaign.fallback_count = counts.get(campaign.id, 0)

    def action_view_fallbacks(self):
        """Open the fallbacks of this campaign."""
        self.ensure_one()
        return list_action(self.env, "waba_fallback_action", [("campaign_id", "=", self.id)])

    @api.onchange("template_id")
    def _onchange_template_id(self):
        self.variable_ids = [fields.Command.clear(), *self._variable_commands()]

    @api.model_create_multi
    def create(self, vals_list):
        campaigns = super().create([self._with_audience_source(vals) for vals in vals_list])
        for campaign in campaigns.filtered(lambda c: c.template_id and not c.variable_ids):
            campaign.variable_ids = campaign._variable_commands()
        for campaign in campaigns.filtered(lambda c: c.b_template_id and not c.b_variable_ids):
            campaign.b_variable_ids = campaign._variant_b_variable_commands()
        campaigns.filtered(lambda c: c.by_language and not c.language_ids)._set_languages()
        return campaigns

    def write(self, vals):
        """Write; a new template of B replaces B's variables, as the form's onchange does."""
        template_id = vals.get("b_template_id")
        changed = self.filtered(lambda c: template_id and c.b_template_id.id != template_id)
        if self._locked_field_names().intersection(vals):
            self._check_not_launched()
        if vals.get("audience_domain"):
            self.filtered(lambda c: not c.audience_source).audience_source = "domain"
        result = super().write(vals)
        if "scheduled_at" in vals:
            for campaign in self.filtered(lambda campaign: campaign.state == "scheduled"):
                self._prepare_cron()._trigger(at=campaign.scheduled_at or None)
        if "budget" in vals:
            self.sudo()._resume_within_budget()
        if "b_variable_ids" not in vals:
            for campaign in changed:
                campaign._onchange_b_template_id()
        if {"by_language", "template_id"}.intersection(vals):
            self._set_languages()
        self._cancel_permissions_if_changed()
        return result

    @api.model
    def _with_audience_source(self, vals):
        """These values of a new campaign: conditions alone are a filter, no conditions no one."""
        if vals.get("audience_domain"):
            return {"audience_source": "domain", **vals}
        return {name: value for name, value in vals.items() if name != "audience_domain"}

    def copy(self, default=None):
        """A duplicate takes its values from the campaign, none from the action that shows it."""
        plain = self.with_context(clean_context(self.env.context))
        return super(WabaCampaign, plain).copy(default)

    def copy_data(self, default=None):
        return [
            {**values, "name": self.env._("%s (copy)", campaign.name)}
            for campaign, values in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_launched(self):
        if self.filtered(lambda campaign: campaign.state not in ("draft", "cancelled")) or (
            self.env["waba.message"].sudo().search_count([("campaign_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A launched campaign cannot be deleted: it documents who was messaged. "
                    "Archive it instead."
                )
            )

    def _check_not_launched(self):
        if self.filtered(lambda campaign: campaign.state not in ("draft", "scheduled")):
            raise UserError(
                self.env._(
                    "Message, audience and number cannot be changed after the launch. Duplicate "
                    "the campaign to send something else."
                )
            )

    @api.model
    def _locked_field_names(self):
        """Names of the fields that define message, audience and number."""
        return {
            "template_id", "topic_id", "sender_id", "res_model", "audience_domain", "variable_ids",
            "by_language", "language_ids", "company_id",
            "holdout_percent", "fallback_kind", "fallback_hours", "fallback_template_id",
            "warmest_first", *SOURCE_FIELDS, *AB_TEST_FIELDS,
        }  # fmt: skip

    # === Actions ===

    def action_view_audience(self):
        """Open the records of the audience."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Audience"),
            "res_model": self.res_model,
            "view_mode": "list,form",
            "domain": self._audience_domain_list(),
        }

    def action_view_messages(self):
        """Open the messages behind a figure; the button's context has the search's filter."""
        return self._messages_action()

    def _messages_action(self, filter_name=None):
        """Action that opens the campaign's messages.

        :param filter_name: of the messages' search view
        """
        self.ensure_one()
        domain = [("campaign_id", "=", self.id), ("direction", "=", "out")]
        context = {ONE_CAMPAIGN: True}
        if filter_name:
            context[f"search_default_{filter_name}"] = 1
        return list_action(self.env, "waba_message_action", domain, context)

    def action_launch(self):
        """Check, then create the rows in the background. A second click changes nothing."""
        self.check_access("write")
        self._lock_campaigns()
        for campaign in self:
            if campaign.state != "draft":
                continue
            campaign._check_launch()
            campaign._start_launch()
        return True

    def action_pause(self):
        """Pause until a user resumes it."""
        self._lock_campaigns()
        self._pause(self.env._("Paused by %s.", self.env.user.name), cause="person")

    def action_resume(self):
        """Resume, unless the cause of the pause is still in force.

        The user who resumes a campaign without a launcher lends it their own rights. After a stop
        at the start, all checks of the launch run again.

        :return: the dialog for a manager's reason when the campaign's results paused it, or None
        :raise UserError: with the reason why it cannot be resumed
        """
        self._lock_campaigns()
        for campaign in self.filtered(lambda campaign: campaign._needs_launcher()):
            campaign._assume_launch()
        for campaign in self.filtered(lambda campaign: campaign._is_paused_at_start()):
            campaign._check_launch()
        if released := self._check_release_reason():
            return released
        for campaign in self.filtered(lambda campaign: campaign.state == "paused"):
            if reason := campaign._unusable_templates_reason():
                raise UserError(reason)
        self._resume(self.env._("Resumed by %s.", self.env.user.name))
        return None

    def action_cancel(self):
        """Cancel with all queued messages. Those already submitted cannot be called back."""
        self._lock_campaigns()
        moved = self._update_state(
            ("draft", "scheduled", "preparing", "running", "paused"),
            "cancelled",
            {"pause_reason": False, "pause_cause": False},
        )
        waiting = (
            self.env["waba.message"]
            .sudo()
            .search([("campaign_id", "in", moved.ids), ("state", "=", "queued")])
        )
        waiting._update_state(("queued",), "cancelled")

    def action_back_to_draft(self):
        """Make it a draft again: scheduled, or stopped by its pre-flight before any row exists."""
        self._lock_campaigns()
        self._update_state(("scheduled",), "draft", LAUNCH_RESET_VALUES)
        stopped = self.filtered(
            lambda campaign: campaign._is_paused_at_start() and not campaign.prepared_count
        )
        stopped._update_state(
            ("paused",),
            "draft",
            {**LAUNCH_RESET_VALUES, "pause_reason": False, "pause_cause": False},
        )

    def action_retry_failed(self):
        """Queue failed messages again whose cause may have passed; the others keep their reason."""
        self.check_access("write")
        failed = self.env["waba.message"].search(
            [
                ("campaign_id", "in", self.ids),
                "|",
                ("state", "=", "failed"),
                "&",
                ("state", "=", "skipped"),
                ("failure_type", "in", TEMPORARY_EXCLUSIONS),
            ]
        )
        return self._retry_and_notify(failed)

    def _retry_and_notify(self, failed):
        moved = failed.action_retry()
        kept = len(failed) - len(moved)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if moved else "warning",
                "message": self.env._(
                    "%(moved)s queued again. %(kept)s stay as they are: retrying would not help.",
                    moved=len(moved),
                    kept=kept,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === Message and audience ===

    def _variable_commands(self, template=None):
        template = self.template_id if template is None else template
        return self.env["waba.campaign.variable"]._copy_commands(template.variable_ids)

    def _shown_files(self):
        """The waba.file of the headers of all messages."""
        lines = (self.variable_ids | self.b_variable_ids | self.language_ids.variable_ids).sudo()
        return lines.filtered(lambda line: line.source == "file").file_id

    def _preview_parameters(self, record, facts, lines):
        """Texts for one recipient; an empty one shows its variable instead of an invented value.

        :param lines: the variables of the message, see `_message_for`
        """
        return lines._freeze_texts(
            {line.id: line._record_value(record, facts) or f"{{{{{line.name}}}}}" for line in lines}
        )

    def _audience_domain_list(self):
        """The audience's conditions as a list.

        :raise UserError: they cannot be read
        """
        try:
            domain = list(parse_domain(self.audience_domain or EMPTY_DOMAIN, self._target_model()))
        except ValueError as error:
            raise UserError(
                self.env._("The audience filter is not valid: %s", self.audience_domain)
            ) from error
        if excluded := self._excluded_ids():
            domain = list(Domain(domain) & Domain("id", "not in", excluded))
        if self.recurring_id.audience == "new":
            domain = list(Domain(domain) & Domain(self._not_in_earlier_runs()))
        return domain

    def _not_in_earlier_runs(self):
        """Condition on records that got no message of an earlier run."""
        runs = [
            ("campaign_id.recurring_id", "=", self.recurring_id.id),
            "|",
            ("state", "not in", ("skipped", "cancelled")),
            ("failure_type", "=", "duplicate"),
        ]
        return [("waba_message_ids", "not any", runs)]

    def _recipients_of_runs(self, recipient_ids):
        """Set of those recipients who got a message of an earlier run, for whichever record."""
        if self.recurring_id.audience != "new":
            return set()
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT m.recipient_id FROM waba_message m
                     JOIN waba_campaign c ON c.id = m.campaign_id
                    WHERE c.recurring_id = %s AND c.id <> %s AND m.recipient_id = ANY(%s)
                      AND m.direction = 'out' AND m.state NOT IN ('skipped', 'cancelled')""",
                self.recurring_id.id, self.id, recipient_ids,
            )
        )  # fmt: skip
        return {recipient_id for (recipient_id,) in rows}

    def action_repeat(self):
        """Open the form that says when this campaign is sent again."""
        self.ensure_one()
        self.check_access("write")
        known = self.env["waba.recurring"].search([("campaign_id", "=", self.id)])
        if known:
            return form_action(known)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Recurring campaign"),
            "res_model": "waba.recurring",
            "views": [(False, "form")],
            "context": {"default_campaign_id": self.id},
        }

    # === Languages ===
    # The campaign's own template is the default language, `language_ids` has the others
    # (waba_campaign_language.py).

    def _set_languages(self):
        """Offer every language of the template, or none; those that are set stay."""
        for campaign in self:
            wanted = self.env["waba.template"]
            if campaign.by_language:
                wanted = campaign.template_id._language_versions()
            gone = campaign.language_ids.template_id - wanted
            campaign.language_ids.filtered_domain([("template_id", "in", gone.ids)]).unlink()
            campaign.language_ids = [
                fields.Command.create({"template_id": template.id})
                for template in wanted - campaign.language_ids.template_id
            ]

    def _message_for(self, record, facts):
        """(template, variables) of the message that a record gets, outside an A/B test.

        :param facts: `record._waba_person_facts()`
        """
        if not self.by_language:
            return self.template_id, self.variable_ids
        address = record._waba_address()
        return self._variant_messages()[LanguageChoice(self).key(address, record, facts)]

    def _stopped_languages_reason(self):
        """Which languages wait while the others are sent, as a sentence; False if none does."""
        if self.state != "running":
            return False
        stopped = [
            self.env._(
                "%(language)s is on hold, the other languages continue. %(reason)s",
                language=line.language_name,
                reason=line.template_id._not_sendable_reason(),
            )
            for line in self._languages_in_use()
            if line.template_id._not_sendable_reason()
        ]
        return " ".join(stopped) or False

    @api.depends("template_id", "by_language", "language_ids.template_id")
    @api.depends_context("lang")
    def _compute_other_languages(self):
        """'Spanish (default), English, French', or the languages that there also are."""
        for campaign in self:
            template = campaign.template_id
            others = campaign.language_ids.template_id or template._language_versions()
            names = [language_name(self.env, one.language) for one in others]
            if campaign.by_language and names:
                default = language_name(self.env, template.language)
                names = [self.env._("%s (default)", default), *names]
                campaign.other_languages = ", ".join(names)
            elif names:
                campaign.other_languages = self.env._("Also in %s", ", ".join(names))
            else:
                campaign.other_languages = False

    def _languages_in_use(self):
        return self.filtered("by_language").language_ids

    def _start_languages(self):
        """At the launch: remember the versions as they were previewed."""
        for line in self._languages_in_use():
            line.template_signature = line.template_id.signature

    # === Launch ===

    def _check_launch(self):
        """Check everything that would make the launch pointless or wrong, before any row exists.

        :raise UserError: with the first problem
        """
        self.ensure_one()
        self._check_ab_test()
        self._check_message()
        if not self.audience_count:
            raise UserError(
                self._missing_source_text()
                or self.env._(
                    "The audience is empty, or you have no access to its records. Change the "
                    "audience."
                )
            )
        self._check_preflight()

    def _check_message(self):
        """Check that the message is complete and that the number can send it."""
        if not self.template_id:
            raise UserError(self.env._("Choose a template."))
        if not self.sender_id:
            raise UserError(self.env._("Choose the number to send from."))
        if wrong := self._sender_mismatch():
            raise UserError(wrong[1])
        if reason := self.template_id._not_sendable_reason():
            raise UserError(reason)
        self._check_variables()

    def _check_variables(self):
        for line in self._languages_in_use():
            line._check_sendable()
        if self.ab_test:
            self._check_variant_variables(self.b_template_id, self.b_variable_ids)
        self._check_variant_variables(self.template_id, self.variable_ids)

    def _check_variant_variables(self, template, lines):
        if {line._key() for line in template.variable_ids} != {line._key() for line in lines}:
            raise UserError(
                self.env._(
                    "The variables of %s changed after they were filled in here. Choose the "
                    "template again.",
                    template.display_name,
                )
            )
        lines._check_field_path()
        lines._check_link()
        lines._check_source_kind()
        lines._check_own_address(template)
        empty = lines.filtered(lambda line: not line._is_complete())
        if empty:
            raise UserError(
                self.env._(
                    "Set a value for %s.",
                    ", ".join(line._placeholder_label() for line in empty),
                )
            )

    def _start_launch(self):
        """Start the preparation, now or at the planned time. Called after all checks."""
        self.ensure_one()
        later = self.scheduled_at and self.scheduled_at > fields.Datetime.now()
        self._update_state(
            ("draft",),
            "scheduled" if later else "preparing",
            {
                "launched_by_id": self._launching_user().id,
                "launched_at": fields.Datetime.now(),
                "launched_mark": self._content_fingerprint(),
                "template_signature": self.template_id.signature,
                "to_prepare_count": self.audience_count,
            },
        )
        self.sudo()._start_languages()
        self.sudo()._start_ab_test()
        self.sudo()._set_utm()
        self._prepare_cron()._trigger(at=self.scheduled_at if later else None)

    def _set_utm(self):
        """Make the campaign a UTM source, so that its leads and revenue can be attributed to it."""
        if not self.utm_source_id:
            self.utm_source_id = self.env["utm.source"].create({"name": self.name})
        if not self.utm_medium_id:
            self.utm_medium_id = self.env["utm.mixin"]._find_or_create_record(
                "utm.medium", "WhatsApp"
            )
        if not self.utm_campaign_id:
            self.utm_campaign_id = self.env["utm.campaign"].create({"title": self.name})

    # === State ===

    def _lock_campaigns(self):
        """Check write access, and lock the rows against a second click or another worker.

        :raise UserError: another transaction holds them
        """
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("Another user is changing this campaign. Try again in a moment.")
            ) from error

    def _update_state(self, allowed, target, values=None):
        """The only method that changes `state`; campaigns not in `allowed` stay unchanged.

        :return: the campaigns that moved
        """
        moved = self.filtered(lambda campaign: campaign.state in allowed)
        if moved:
            moved.sudo().write({**(values or {}), "state": target})
            moved._notify_viewers()
            if target == "running":
                # Its number is polled now, and often from then on.
                self.env.ref("waba_campaign.ir_cron_poll").sudo()._trigger()
        return moved

    def _pause(self, reason, cause="failure", until=None):
        """Stop sending; the rows stay queued.

        A template that stops during an A/B test leaves the other message: that one wins and the
        campaign continues.

        :param reason: sentence for users
        :param cause: a key of `pause_cause`: who or what may lift the pause
        :param until: naive UTC datetime at which it is lifted automatically
        """
        continuing = self._continue_with_usable_variant() if cause == "template" else self.browse()
        moved = (self - continuing)._update_state(
            ("preparing", "running"),
            "paused",
            {"pause_reason": reason, "pause_cause": cause, "resume_at": until},
        )
        is_said = cause in ("person", "reputation")
        note = reason if is_said else self.env._("Paused: %s", reason)
        for campaign in moved:
            campaign._message_log(body=note)
            if until:
                campaign.sudo().sender_id.cron_id._trigger(at=until)

    def _resume(self, reason):
        """Continue with the preparation, or with sending; `_check_late_start` may pause it again.

        :param reason: sentence for the chatter
        """
        for campaign in self.filtered(lambda campaign: campaign.state == "paused"):
            campaign._update_state(
                ("paused",),
                "preparing" if campaign._has_unprepared_records() else "running",
                {"pause_reason": False, "pause_cause": False, "resume_at": False},
            )
            campaign._message_log(body=reason)
            campaign._hold_for_template()
        self._prepare_cron()._trigger()
        self.sudo().sender_id._trigger_dispatch()
        self._check_late_start()

    def _resume_cause(self, cause, reason):
        """Lift the pauses of one cause, unless every template in use has changed."""
        self.filtered(
            lambda campaign: (
                campaign.pause_cause == cause and not campaign._is_every_template_changed()
            )
        )._resume(reason)

    def _resume_if_due(self, now):
        self.filtered(
            lambda campaign: (
                campaign.state == "paused" and campaign.resume_at and campaign.resume_at <= now
            )
        )._resume(self.env._("Resumed automatically."))

    def _reopen_finished(self):
        """Run a finished campaign again after rows were queued again."""
        self._update_state(("done",), "running", {"done_at": False})

    def _finish_if_complete(self):
        """Finish campaigns without queued or reserved rows; statuses may still arrive."""
        self._advance_ab_test(fields.Datetime.now())
        waiting = {
            campaign
            for campaign, _count in self.env["waba.message"]._read_group(
                [("campaign_id", "in", self.ids), ("state", "in", ("queued", "reserved"))],
                ["campaign_id"],
                ["__count"],
            )
        }
        for campaign in self.filtered(lambda campaign: campaign not in waiting):
            campaign._update_state(("running",), "done", {"done_at": fields.Datetime.now()})

    # === Live updates ===
    # Called by every change of state, each prepared chunk, and hooks of dispatch and statuses.

    def _notify_viewers(self):
        """Notify open screens that these campaigns changed; the bus carries no content."""
        for campaign in self:
            self.env["bus.bus"]._sendone(campaign, "waba.campaign", {"id": campaign.id})

    def _notify_viewers_while_sending(self):
        """As `_notify_viewers`, at most once in SENDING_INTERVAL_SECONDS."""
        now = time.monotonic()
        for campaign in self:
            key = (self.env.cr.dbname, campaign.id)
            if now - _notified.get(key, -SENDING_INTERVAL_SECONDS) >= SENDING_INTERVAL_SECONDS:
                _notified[key] = now
                campaign._notify_viewers()

    # === Templates that stop or change ===

    def _hold_for_template(self):
        """Pause the campaigns without a message that can be sent as it was previewed."""
        self._pause_for_changed_template()
        for campaign in self:
            if reason := campaign._unusable_templates_reason():
                campaign._pause(reason, cause="template")

    def _unusable_templates_reason(self):
        """Reason why no message in use can be sent, as a sentence; False if one can."""
        if self._usable_variants():
            return False
        template = self._templates_in_use()[:1]
        return template._not_sendable_reason() or self._changed_template_reason()

    def _pause_for_changed_template(self):
        """Pause if no template in use is still as it was previewed."""
        self._continue_with_usable_variant()
        for campaign in self.filtered(lambda campaign: campaign._is_every_template_changed()):
            reason = campaign._changed_template_reason()
            if campaign.pause_cause == "template":
                # It waited for Meta's approval of the template, which can no longer lift the pause.
                campaign.sudo().write({"pause_cause": "failure", "pause_reason": reason})
                campaign._message_log(body=self.env._("Paused: %s", reason))
            else:
                campaign._pause(reason)

    def _is_every_template_changed(self):
        """Whether every template in use has changed since it was previewed.

        One language is enough: its recipients would get other texts than were previewed.
        """
        changed = self._changed_templates()
        return bool(changed) and (self.by_language or changed == self._templates_in_use())

    def _changed_templates(self):
        signatures = self._signatures()
        return self.env["waba.template"].union(
            *(
                template
                for key, (template, _lines) in self._variant_messages().items()
                if signatures[key] != template.signature
            )
        )

    def _changed_template_reason(self):
        return self.env._(
            "The variables of template %s changed at Meta after the launch. Cancel this campaign "
            "and launch a new one for the remaining recipients.",
            (self._changed_templates() or self._templates_in_use())[:1].display_name,
        )

    # === Watch ===

    @api.model
    def _cron_watch(self):
        commit_step(self.env, self._watch_campaigns)

    @api.model
    def _watch_campaigns(self):
        """Lift pauses that are over, finish complete campaigns, trigger the numbers with work left.

        A row can be queued again while its campaign ends in another transaction, and neither sees
        the other: the campaign of such a row is reopened here.
        """
        now = fields.Datetime.now()
        self._running_ab_tests()._advance_ab_test(now)
        paused = self.search([("state", "=", "paused")])
        paused._resume_if_due(now)
        paused._resume_within_budget()
        self.env["waba.message"].search(
            [("state", "=", "queued"), ("campaign_id.state", "in", ("done", "cancelled"))]
        )._reopen_campaigns()
        running = self.search([("state", "=", "running")])
        running._finish_if_complete()
        running = running.filtered(lambda campaign: campaign.state == "running")
        running._check_thresholds(now)
        running.sender_id._trigger_dispatch()

    @api.model
    def _is_busy(self, now):
        """Whether a campaign is being sent, or ended less than BUSY_PERIOD ago."""
        return bool(
            self.search_count(
                [
                    "|",
                    ("state", "in", ("preparing", "running")),
                    "&",
                    ("state", "=", "done"),
                    ("done_at", ">", now - BUSY_PERIOD),
                ],
                limit=1,
            )
        )


class WabaCampaignVariable(models.Model):
    """One variable of message A or B, as a campaign fills it."""

    _name = "waba.campaign.variable"
    _description = "WhatsApp Campaign Variable"
    _inherit = ["waba.variable.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, ondelete="cascade", index=True)
    variant = fields.Selection(
        [("a", "A"), ("b", "B"), ("language", "Language")],
        "Message",
        default="a",
        required=True,
        readonly=True,
        system=False,
    )
    language_id = fields.Many2one("waba.campaign.language", ondelete="cascade", index=True)
    res_model = fields.Selection(related="campaign_id.res_model", string="Records")

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create([self._with_campaign(vals) for vals in vals_list])
        lines.campaign_id._check_not_launched()
        lines._share_with_languages()
        lines.campaign_id._cancel_permissions_if_changed()
        return lines

    def write(self, vals):
        campaigns = self.campaign_id
        campaigns._check_not_launched()
        before = {line: [line[name] for name in TRANSLATED_FIELDS] for line in self}
        result = super().write(vals)
        self._share_with_languages(before)
        if "campaign_id" in vals:
            # A move to another campaign changes both.
            self.campaign_id._check_not_launched()
        (campaigns | self.campaign_id)._cancel_permissions_if_changed()
        return result

    def unlink(self):
        campaigns = self.campaign_id
        result = super().unlink()
        campaigns._cancel_permissions_if_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_not_launched(self):
        self.campaign_id._check_not_launched()

    @api.model
    def _with_campaign(self, vals):
        """A variable of a language, also of one just copied, belongs to the same campaign."""
        language = self.env["waba.campaign.language"].browse(vals.get("language_id"))
        return {**vals, "campaign_id": language.campaign_id.id} if language else vals

    def _path_models(self):
        return [self.campaign_id.res_model]

    def _filled_template(self):
        if self.variant == "language":
            return self.language_id.template_id
        campaign = self.campaign_id
        return campaign.b_template_id if self.variant == "b" else campaign.template_id

    def _share_with_languages(self, before=None):
        """Give the sources of these variables to the same ones of the campaign's languages.

        What can be translated is shared as long as the language has the same: then it was not
        translated yet.

        :param before: {line: [value of each of TRANSLATED_FIELDS]} before a change
        """
        for line in self.filtered(lambda line: line.variant == "a"):
            shared = {name: line[name] for name in SHARED_FIELDS}
            texts = dict(zip(TRANSLATED_FIELDS, (before or {}).get(line, ()), strict=False))
            for copy in line.campaign_id.language_ids.variable_ids:
                if copy._key() != line._key():
                    continue
                kept = {name: line[name] for name, text in texts.items() if copy[name] == text}
                changed = {
                    name for name, value in {**shared, **kept}.items() if copy[name] != value
                }
                if changed:
                    copy.write(line._plain_values(changed))

    def _link_utm(self):
        campaign = self.campaign_id.sudo()
        return {
            **super()._link_utm(),
            "source_id": campaign.utm_source_id.id,
            "campaign_id": campaign.utm_campaign_id.id,
        }
