"""Base: a message template of Meta's: status, rating, variables, preview and hold.

Called by the sync, webhooks, campaigns, follow-ups, the pre-flight check and its form.
"""

import re
from datetime import datetime, timezone
from functools import partial

from markupsafe import Markup, escape
from odoo import api, fields, models

from ...cloud_api import (
    render_preview,
    signature,
    template_button,
    template_variables,
    unsupported_parts,
)
from ...policy import response
from ..tools.hooks import hook
from ..tools.labels import language_name, selection_labels
from ..tools.moments import DAY_OF_YEAR, format_moment
from ..tools.reputation_texts import RATINGS
from ..tools.response_texts import TEMPLATE_SENTENCES, summary
from .waba_reputation_event import QUALITY_KINDS, _reading_key

# Meta, template reference 2026-09-11; webhooks add FLAGGED, LOCKED, REINSTATED, UNARCHIVED, which
# are events, not states (`TEMPLATE_EVENTS`).
STATUSES = [
    ("approved", "Approved"),
    ("pending", "In review"),
    ("in_appeal", "In appeal"),
    ("rejected", "Rejected"),
    ("paused", "Paused by Meta"),
    ("disabled", "Disabled by Meta"),
    ("archived", "Archived"),
    ("limit_exceeded", "Limit exceeded"),
    ("pending_deletion", "Pending deletion"),
    ("deleted", "Deleted"),
    ("unknown", "Unknown"),
]

# Fields whose change may hold or release the template's messages.
TELLING = frozenset(
    (
        "status", "quality_score", "is_flagged", "hold_released", "hold_at_warning",
        "category_held",
    )
)  # fmt: skip

# Hold keys that a manager can release; only Meta ends the others.
WARNINGS = ("template_flagged", "template_red")
CATEGORY_HOLD = "template_category"
# WhatsApp's marks of bold, italic and struck words. They count only around words: not in 2*3*4,
# snake_case or {{first_name}}.
TAGS = {"*": "b", "_": "i", "~": "s"}
MARKED = re.compile(r'(?:^|(?<=[\s(¡¿"]))([*_~])(\S(?:[^\n]*?\S)?)\1(?=$|[\s).,;:!?"])')


class WabaTemplate(models.Model):
    """One row per name and language that Meta knows: read from Meta, never edited here.

    `status` is Meta's; `hold_key` names why we hold its messages even though it is approved.
    Entry points: `_apply_facts` (sync), `_set_status` and `_apply_flag` (webhooks), `_release`,
    `_not_sendable_reason`, `_render_preview`.
    """

    _name = "waba.template"
    _description = "WhatsApp Template"
    _check_company_auto = True
    _inherit = [
        "mail.thread",
        "waba.system.fields.mixin",
        "mail.activity.mixin",
        "waba.response.mixin",
        "waba.reputation.subject.mixin",
    ]
    _order = "status, name, language"

    account_id = fields.Many2one(
        "waba.account", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    active = fields.Boolean(default=True, system=True)
    template_uid = fields.Char("Template ID", required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)
    language = fields.Char(required=True, readonly=True)
    category = fields.Selection(
        [
            ("marketing", "Promotion"),
            ("utility", "Service message"),
            ("authentication", "Code"),
            ("unknown", "Unknown"),
        ],
        default="unknown",
        required=True,
        readonly=True,
        tracking=True,
    )
    status = fields.Selection(
        STATUSES, default="unknown", required=True, readonly=True, tracking=True
    )
    status_reason = fields.Char("Reason", readonly=True)
    quality_score = fields.Selection(
        RATINGS, string="Quality rating", default="unknown", readonly=True, tracking=True
    )
    parameter_format = fields.Selection(
        [("positional", "By number"), ("named", "By name")],
        string="Variable format",
        default="positional",
        readonly=True,
    )
    components = fields.Json(readonly=True)
    signature = fields.Char(readonly=True)
    unsupported = fields.Char("Unsupported parts", readonly=True)
    body = fields.Text(compute="_compute_body")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    variable_ids = fields.One2many("waba.template.variable", "template_id", string="Variables")
    # Hold
    is_flagged = fields.Boolean("Flagged by Meta", readonly=True, tracking=True)
    topic_id = fields.Many2one(
        "waba.topic",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Topic of messages with this template, unless the campaign or follow-up has its own.",
    )
    hold_at_warning = fields.Boolean(
        "Hold when flagged",
        default=True,
        help="Messages are put on hold while Meta flags this template or rates it Low.",
    )
    hold_released = fields.Boolean(
        "Released despite flag",
        readonly=True,
        help="By a manager, or by Meta when it lifted its own pause, until the next flag.",
    )
    hold_key = fields.Char(readonly=True, index="btree_not_null")
    is_held = fields.Boolean("On hold", compute="_compute_is_held")
    hold_reason = fields.Text("Hold reason", compute="_compute_is_held")
    may_be_released = fields.Boolean(compute="_compute_is_held")
    # Evidence
    quality_event_ids = fields.One2many(
        "waba.reputation.event",
        "template_id",
        "Quality history",
        domain=[("kind", "in", QUALITY_KINDS)],
        readonly=True,
    )

    _template_uid_uniq = models.Constraint(
        "UNIQUE(template_uid, account_id)", "This template already exists."
    )

    @api.depends("name", "language")
    @api.depends_context("lang")
    def _compute_display_name(self):
        """'Offer sent · Spanish', of Meta's offer_sent and es."""
        for template in self:
            words = (template.name or "").replace("_", " ").strip()
            language = language_name(self.env, template.language)
            template.display_name = f"{words[:1].upper()}{words[1:]} · {language}"

    @api.model
    def _search_display_name(self, operator, value):
        """Find offer_sent by "Offer sent", and by its whole display name."""
        if isinstance(value, str):
            value = value.split(" · ")[0].strip().replace(" ", "_")
        return super()._search_display_name(operator, value)

    @api.depends("components", "parameter_format")
    def _compute_body(self):
        for template in self:
            template.body = template._render_preview({}).body

    @api.depends("components", "parameter_format", "variable_ids.source", "variable_ids.file_id",
                 "variable_ids.offer_ends_at", "variable_ids.hours")  # fmt: skip
    def _compute_preview_html(self):
        for template in self:
            template.preview_html = template._render_phone({})

    @api.depends("hold_key", "name", "language")
    def _compute_is_held(self):
        for template in self:
            template.is_held = bool(template.hold_key)
            template.hold_reason = template._hold_explanation_text()
            template.may_be_released = template.hold_key in (*WARNINGS, CATEGORY_HOLD)

    @api.model_create_multi
    def create(self, vals_list):
        templates = super().create(vals_list)
        templates._rebuild_variables()
        templates._record_version()
        for template in templates:
            template.hold_key = template._find_hold_key()
        templates._on_create()
        return templates

    def write(self, vals):
        worse = self._filter_rating_dropped(vals)
        moved = [
            (template, template.category)
            for template in self
            if vals.get("category", template.category) != template.category
        ]
        vals = self._with_hold_values(vals)
        result = super().write(vals)
        if "category" in vals:
            self._recategorize_queued(vals["category"])
        for template, before in moved:
            template.sudo()._apply_category_move(before)
        if TELLING.intersection(vals):
            self.sudo()._apply_hold_change()
        if worse:
            worse._on_rating_drop()
        return result

    def action_release(self):
        """Open the dialog in which a manager releases the messages, with a reason."""
        self.ensure_one()
        return self.env["waba.release"]._open(template_id=self.id)

    # === Hooks ===

    @hook
    def _on_create(self):
        """After rows were created for these templates of Meta's."""

    @hook
    def _on_status_change(self):
        """After Meta's status or our hold of these templates changed."""

    @hook
    def _on_variables_change(self):
        """After the variables of these templates changed at Meta."""

    @hook
    def _on_rating_drop(self):
        """After Meta's rating of these templates changed to Medium or Low."""

    # === Sync and webhooks ===

    @api.model
    def _facts_to_values(self, facts):
        """Field values from a `cloud_api.Template`; values we do not know become 'unknown'."""
        categories = dict(self._fields["category"].selection)
        statuses = dict(self._fields["status"].selection)
        qualities = dict(self._fields["quality_score"].selection)
        return {
            "template_uid": facts.template_uid,
            "name": facts.name,
            "language": facts.language,
            "category": facts.category if facts.category in categories else "unknown",
            "status": facts.status if facts.status in statuses else "unknown",
            "status_reason": facts.rejected_reason or False,
            "library_name": facts.library_name or False,
            "quality_score": facts.quality if facts.quality in qualities else "unknown",
            "parameter_format": facts.parameter_format,
            "components": facts.components,
            "signature": signature(facts.components, facts.parameter_format),
            "unsupported": ", ".join(unsupported_parts(facts.components)) or False,
            **self._delivery_values(facts.delivery),
        }

    def _apply_facts(self, values):
        """Write what changed, and notify campaigns of new variables or status.

        :param values: as `_facts_to_values` returns them
        """
        self.ensure_one()
        values = self._with_settled_price(values)
        changed = {name: value for name, value in values.items() if self[name] != value}
        if not changed:
            return
        before = (self._platform_facts(), self.status, self.category)
        self.write({**changed, "active": values["status"] != "deleted"})
        self._record_platform_changes(*before)
        self._record_version()
        if "signature" in changed:
            self._rebuild_variables()
            self._on_variables_change()
        if "status" in changed:
            self._on_status_change()

    def _mark_missing(self):
        """Meta no longer lists it: it cannot be sent; the row is archived with its messages."""
        gone = self.filtered(lambda template: template.active or template.status != "deleted")
        gone.write(
            {
                "active": False,
                "status": "deleted",
                "status_reason": self.env._("no longer listed by Meta"),
            }
        )
        gone._on_status_change()

    def _set_status(self, status, reason=False, info=False):
        """Apply a status from a webhook or a failure.

        :param status: a key of STATUSES
        :param reason: Meta's reason, or False
        :param info: Meta's explanation of a rejection, or False
        """
        if status == "approved":
            self.is_flagged = False
        for template in self:
            template.write(
                {"status": status, "status_reason": reason, "rejection_info": info or False}
            )
            template._on_status_change()

    def _recategorize_queued(self, category):
        """Apply Meta's category to queued messages, because consent depends on it."""
        self.env["waba.message"].search(
            [("template_id", "in", self.ids), ("state", "=", "queued")]
        ).write({"category": category})

    def _platform_facts(self):
        """Meta's rating: {kind of evidence: value}."""
        return {"template_quality": self.quality_score}

    def _record_platform_changes(self, before, status_before=None, category_before=None):
        """Record evidence of what a sync changed.

        :param before: `_platform_facts()` before the sync, {} for a new template
        :param status_before, category_before: their values, None for a new template
        """
        events = self.env["waba.reputation.event"]
        about = {"template_id": self.id}
        quality_words = partial(self._change_text, "quality_score")
        events._record_changes(
            about, before, self._platform_facts(), lambda _kind, old, new: quality_words(old, new)
        )
        now = fields.Datetime.now()
        shared = {"source": "poll", "at": now, **about}
        if kind := self._status_evidence_kind(status_before):
            events._record_events(
                [
                    {
                        **shared,
                        "kind": kind,
                        "value_before": status_before,
                        "value_after": self.status,
                        "detail": self._change_text("status", status_before, self.status),
                        "event_key": _reading_key(kind),
                    }
                ]
            )
        if category_before and category_before != self.category:
            events._record_events(
                [
                    {
                        **shared,
                        "kind": "template_category",
                        "effect": "bad" if self.category == "marketing" else "neutral",
                        "value_before": category_before,
                        "value_after": self.category,
                        "detail": self._change_text("category", category_before, self.category),
                        "event_key": _reading_key("template_category"),
                    }
                ]
            )

    def _status_evidence_kind(self, before):
        """The kind of evidence for a change of status that no webhook reported, or None."""
        if before in (None, self.status):
            return None
        if self.status in ("paused", "disabled"):
            return f"template_{self.status}"
        was_stopped = before in ("paused", "disabled")
        return "template_reinstated" if was_stopped and self.status == "approved" else None

    @api.model
    def _change_text(self, field, before, after):
        labels = selection_labels(self, field)
        return f"{labels.get(before, before) or '–'} → {labels.get(after, after)}"

    def _not_sendable_reason(self):
        """Why this template cannot be sent, as a sentence; False if it can."""
        self.ensure_one()
        if self.status != "approved":
            labels = selection_labels(self, "status")
            return self.env._(
                "%(name)s is not approved: %(status)s%(reason)s. Choose another template, or fix "
                "it in WhatsApp Manager.",
                name=self.display_name,
                status=labels[self.status],
                reason=f" ({self.status_reason})" if self.status_reason else "",
            )
        if self.unsupported:
            return self.env._(
                "%(name)s has parts that are not supported yet: %(parts)s. Choose another "
                "template.",
                name=self.display_name,
                parts=self.unsupported,
            )
        return self._hold_explanation_text()

    # === Variables and preview ===

    def _rebuild_variables(self):
        """One row per variable of the template; those that still exist keep their source."""
        for template in self:
            kept = {line._key(): line for line in template.variable_ids}
            wanted = template_variables(template.components or [], template.parameter_format)
            values = []
            for sequence, variable in enumerate(wanted):
                card_number = 0 if variable.card_index is None else variable.card_index + 1
                button_index = variable.button_index or 0
                line = kept.pop(
                    (variable.component, button_index, variable.name, card_number), None
                )
                facts = {"sequence": sequence, "kind": variable.kind, "example": variable.example}
                if line and line.kind == variable.kind:
                    line.write(facts)
                else:
                    (line or self.env["waba.template.variable"]).unlink()
                    values.append(
                        {
                            **facts,
                            "template_id": template.id,
                            "component": variable.component,
                            "button_index": button_index,
                            "card_number": card_number,
                            "name": variable.name,
                            **self.env["waba.template.variable"]._default_source(variable),
                        }
                    )
            self.env["waba.template.variable"].concat(*kept.values()).unlink()
            self.env["waba.template.variable"].create(values)

    def _render_preview(self, parameters):
        """`cloud_api.Preview` with frozen parameters or, if empty, with Meta's examples."""
        self.ensure_one()
        parameters = parameters or self._example_parameters()
        # A message is shown with the content it was sent with (`waba.template.version`).
        components, named = self._content_at(self.env.context.get("waba_content_at"))
        return render_preview(components, parameters, named)

    def _render_phone(self, parameters, samples=None):
        """The message as a phone shows it, as safe HTML.

        :param samples: {handle of a header's sample: URL of the file}
        """
        self.ensure_one()
        preview = self._render_preview(parameters)
        values = {
            "preview": preview,
            "offer_end": self._offer_end_text(preview.offer),
            "button_names": self._button_names(),
            "pictures": {**(samples or {}), **self._picture_urls([preview, *preview.cards])},
            "marked_text": marked_text,
        }
        return self.env["ir.qweb"]._render("waba_campaign.phone_preview", values)

    def _picture_urls(self, parts):
        """{waba.file id: URL} of the uploaded images that these previews show."""
        ids = [part.header_file for part in parts if part.header_file]
        files = self.env["waba.file"].sudo().browse(ids).exists()
        return {
            file.id: f"/web/image/{file.attachment_id.id}"
            for file in files
            if file.mimetype.startswith("image/")
        }

    def _offer_end_text(self, offer):
        """When an offer ends, as text; False without one, or if it never does."""
        if offer and offer.hours:
            return self.env._("Ends %s hours after sending", offer.hours)
        if not offer or not offer.ends_at_ms:
            return False
        ends_at = datetime.fromtimestamp(offer.ends_at_ms / 1000, timezone.utc)
        return self.env._("Ends %s", self._moment_text(ends_at.replace(tzinfo=None)))

    def _moment_text(self, moment):
        """'10 Jan 2027, 18:00' of a naive UTC datetime, in the company's time zone."""
        zone = (self.company_id or self.env.company).sudo()._waba_time_zone()
        return format_moment(self.env, moment, DAY_OF_YEAR, tz=zone)

    def _button_names(self):
        """What WhatsApp writes on buttons whose text templates do not set."""
        return {
            "copy_code": self.env._("Copy code"),
            "otp": self.env._("Copy code"),
            "catalog": self.env._("View catalog"),
            "mpm": self.env._("View items"),
            "spm": self.env._("View"),
            "voice_call": self.env._("Call"),
            "request_contact_info": self.env._("Share contact info"),
        }

    def _example_parameters(self):
        """Frozen parameters of Meta's examples, and of values that no record changes."""
        return self.variable_ids._freeze_texts(
            {line.id: line._preview_text() for line in self.variable_ids}
        )

    def _button(self, index, card_number=0):
        """Meta's dict of the template's button, or of a card's; {} if there is none."""
        return template_button(
            self.components or [], index, card_number - 1 if card_number else None
        )

    # === Hold ===
    # While `hold_key` is set, campaigns pause with the cause 'template' and direct messages stay
    # queued (policy.response.plan_template_response).

    def _filter_rating_changed(self, vals):
        """The templates whose rating `vals` changes."""
        if "quality_score" not in vals:
            return self.browse()
        return self.filtered(lambda one: one.quality_score != vals["quality_score"])

    def _filter_rating_dropped(self, vals):
        """The templates whose rating `vals` changes to Medium or Low."""
        is_worse = vals.get("quality_score") in ("yellow", "red")
        return self._filter_rating_changed(vals) if is_worse else self.browse()

    def _with_hold_values(self, vals):
        """`vals`, completed by their effects on the hold."""
        if self._filter_rating_changed(vals):
            # A release is valid until the next rating.
            vals = {**vals, "hold_released": False}
        if vals.get("quality_score") == "green":
            vals = {**vals, "is_flagged": False}
        held = self.filtered(lambda one: one.hold_key not in (False, CATEGORY_HOLD))
        if vals.get("status") == "approved" and held:
            # Meta allows it again in spite of its rating, which cannot rise without messages.
            vals = {**vals, "hold_released": True}
        return vals

    def _response_in_force(self):
        """`policy.response.Response` to this template."""
        status = "FLAGGED" if self.is_flagged and self.status == "approved" else self.status
        return response.plan_template_response(status, self.quality_score or "unknown")

    def _find_hold_key(self):
        """Key of TEMPLATE_SENTENCES for which its messages are to be held, or False."""
        found = self._response_in_force()
        is_let_go = self.hold_released or not self.hold_at_warning
        if found.hold_marketing and not (is_let_go and found.reason_key in WARNINGS):
            return found.reason_key
        return CATEGORY_HOLD if self.category_held else False

    def _apply_hold_change(self):
        """Hold or release the messages if the hold key changed."""
        for template in self:
            key = template._find_hold_key()
            if key == template.hold_key:
                continue
            before, template.hold_key = template.hold_key, key
            template._on_status_change()
            if key:
                words = template._hold_explanation_text()
                template._record_response(
                    "response_template", words, value_before=before, value_after=key
                )
                template._notify_managers(summary(template.env, "template"), words)
            else:
                template._message_log(
                    body=template.env._("Messages of this template are sent again.")
                )
                template._close_manager_activities()
            template.account_id.sender_ids._trigger_dispatch()

    def _hold_explanation_text(self):
        """Why its messages are held, as a sentence; False if they are not."""
        self.ensure_one()
        if not self.hold_key:
            return False
        sentence = self.env._(TEMPLATE_SENTENCES[self.hold_key])
        return sentence % self.display_name

    def _apply_flag(self):
        """Meta warns about it (FLAGGED: bad feedback)."""
        self.write({"is_flagged": True, "hold_released": False})

    def _release(self, reason):
        """Release the template even though Meta warns; the current user is recorded.

        :param reason: the manager's text
        """
        for template in self.filtered("may_be_released"):
            words = template.env._(
                "%(manager)s released the template: %(reason)s",
                manager=self.env.user.name,
                reason=reason,
            )
            template._record_response(
                "response_release",
                words,
                source="person",
                user_id=self.env.uid,
                value_before=template.hold_key,
            )
            if template.hold_key == CATEGORY_HOLD:
                template.category_held = False
            else:
                template.hold_released = True


class WabaTemplateVariable(models.Model):
    """A template's variable, with the source that new campaigns copy."""

    _name = "waba.template.variable"
    _description = "WhatsApp Template Variable (default)"
    _inherit = ["waba.variable.mixin"]

    # Read from Meta here; a campaign or a step fills in its copies.
    sequence = fields.Integer(system=True)
    component = fields.Selection(system=True)
    button_index = fields.Integer(system=True)
    card_number = fields.Integer(system=True)
    name = fields.Char(system=True)
    kind = fields.Selection(system=True)
    example = fields.Char(system=True)
    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, ondelete="cascade", index=True
    )

    @api.constrains("source")
    def _check_button_address(self):
        for line in self:
            line._check_own_address(line.template_id)

    def _path_models(self):
        """All target models: the audience is not known yet."""
        return list(dict(self.env["waba.person.mixin"]._waba_target_models()))

    def _link_utm(self):
        """UTM values outside campaigns: the template is the source."""
        source = (
            self.env["utm.mixin"].sudo()._find_or_create_record("utm.source", self.template_id.name)
        )
        return {**super()._link_utm(), "source_id": source.id}


def marked_text(text):
    """A message's text as safe HTML, with its marks as tags, marks within marks as well."""
    parts, end = [], 0
    for match in MARKED.finditer(text):
        marked = Markup(f"<{TAGS[match[1]]}>%s</{TAGS[match[1]]}>") % marked_text(match[2])
        parts += [escape(text[end : match.start()]), marked]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
