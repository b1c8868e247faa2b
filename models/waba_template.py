from odoo import api, fields, models

from ..cloud_api import render_preview, signature, template_variables, unsupported_parts
from .hooks import hook
from .labels import selection_labels
from .waba_reputation_words import RATINGS

# Meta, template reference 2026-09-11; the webhook adds FLAGGED, LOCKED, REINSTATED, UNARCHIVED,
# which name a change, not a state (waba_webhook_apply.py).
STATUSES = [
    ("approved", "Approved"),
    ("pending", "In review"),
    ("in_appeal", "In appeal"),
    ("rejected", "Rejected"),
    ("paused", "Paused by Meta"),
    ("disabled", "Disabled by Meta"),
    ("archived", "Archived"),
    ("limit_exceeded", "Limit exceeded"),
    ("pending_deletion", "Being deleted"),
    ("deleted", "Deleted"),
    ("unknown", "Not known"),
]
# A change of one of these may hold or free the template's messages.
TELLING = frozenset(("status", "quality_score", "is_flagged", "hold_released", "hold_at_warning"))


class WabaTemplate(models.Model):
    """One (name, language) that Meta has approved, or not. Read from Meta, never edited here."""

    _name = "waba.template"
    _description = "WhatsApp Template"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
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
            ("unknown", "Not known"),
        ],
        default="unknown",
        required=True,
        readonly=True,
        tracking=True,
    )
    status = fields.Selection(
        STATUSES, default="unknown", required=True, readonly=True, tracking=True
    )
    status_reason = fields.Char("Why", readonly=True)
    quality_score = fields.Selection(
        RATINGS, string="Meta's rating", default="unknown", readonly=True, tracking=True
    )
    parameter_format = fields.Selection(
        [("positional", "By number"), ("named", "By name")],
        string="Variables are named",
        default="positional",
        readonly=True,
    )
    components = fields.Json(readonly=True)
    signature = fields.Char(readonly=True, help="Changes when the variables change.")
    unsupported = fields.Char(
        "Parts not supported yet", readonly=True, help="A template with such parts cannot be sent."
    )
    body = fields.Text(compute="_compute_texts")
    preview_html = fields.Html("Preview", compute="_compute_texts", sanitize=False)
    variable_ids = fields.One2many("waba.template.variable", "template_id", string="Variables")

    _template_uid_uniq = models.Constraint(
        "UNIQUE(template_uid, account_id)", "This template is already known."
    )

    @api.depends("name", "language")
    def _compute_display_name(self):
        for template in self:
            template.display_name = f"{template.name} ({template.language})"

    @api.depends("components", "parameter_format")
    def _compute_texts(self):
        for template in self:
            template.body = template._render_preview({}).body
            template.preview_html = template._render_phone({})

    # ------------------------------------------------------------------
    # What Meta says
    # ------------------------------------------------------------------

    @api.model
    def _facts_to_values(self, facts):
        """Field values from a `cloud_api.Template`; a value Meta added since maps to 'unknown'."""
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
            "quality_score": facts.quality if facts.quality in qualities else "unknown",
            "parameter_format": facts.parameter_format,
            "components": facts.components,
            "signature": signature(facts.components, facts.parameter_format),
            "unsupported": ", ".join(self._unsupported_parts(facts)) or False,
        }

    @api.model
    def _unsupported_parts(self, facts):
        """Parts of a template that nothing here can fill yet, in Meta's words."""
        variables = template_variables(facts.components, facts.parameter_format)
        places = ["LOCATION header"] if any(v.kind == "location" for v in variables) else []
        return [*unsupported_parts(facts.components), *places]

    @api.model_create_multi
    def create(self, vals_list):
        templates = super().create(vals_list)
        templates._rebuild_variables()
        for template in templates:
            template.hold_key = template._find_hold_key()
        return templates

    def write(self, vals):
        worse = self._filter_rating_dropped(vals)
        vals = self._with_hold_values(vals)
        result = super().write(vals)
        if "category" in vals:
            self._recategorize_queued(vals["category"])
        if TELLING.intersection(vals):
            self.sudo()._apply_hold_change()
        if worse:
            worse._on_rating_drop()
        return result

    def _recategorize_queued(self, category):
        """Meta decides what a promotion is; consent to the rows that wait is asked by that."""
        self.env["waba.message"].search(
            [("template_id", "in", self.ids), ("state", "=", "queued")]
        ).write({"category": category})

    def _apply_facts(self, values):
        """Write what changed; hold the campaigns whose variables no longer fit."""
        self.ensure_one()
        changed = {name: value for name, value in values.items() if self[name] != value}
        if not changed:
            return
        before = (self._platform_facts(), self.status, self.category)
        self.write({**changed, "active": values["status"] != "deleted"})
        self._record_platform_changes(*before)
        if "signature" in changed:
            self._rebuild_variables()
            self._on_variables_change()
        if "status" in changed:
            self._on_status_change()

    def _mark_missing(self):
        """Meta no longer lists it: it can't be sent, and it stays for the record."""
        self.write({"status": "deleted", "status_reason": self.env._("no longer listed by Meta")})
        self._on_status_change()

    def _set_status(self, status, reason=False):
        """The entry point for every change of status that does not come from a full reading."""
        if status == "approved":
            self.is_flagged = False
        for template in self:
            template.write({"status": status, "status_reason": reason})
            template._on_status_change()

    @hook
    def _on_status_change(self):
        """After it changed whether these templates may be sent: by Meta's status or our hold."""

    @hook
    def _on_variables_change(self):
        """After the variables of these templates changed at Meta."""

    @hook
    def _on_rating_drop(self):
        """After Meta rated these templates worse than High."""

    def _not_sendable_reason(self):
        """Sentence that names why this template cannot be sent, or False."""
        self.ensure_one()
        if self.status != "approved":
            labels = selection_labels(self, "status")
            return self.env._(
                "The template %(name)s is not approved: %(status)s%(reason)s. Choose another "
                "template, or settle it in WhatsApp Manager.",
                name=self.display_name,
                status=labels[self.status],
                reason=f" ({self.status_reason})" if self.status_reason else "",
            )
        if self.unsupported:
            return self.env._(
                "The template %(name)s has parts that cannot be sent from here yet: %(parts)s.",
                name=self.display_name,
                parts=self.unsupported,
            )
        return self._hold_explanation_text()

    # ------------------------------------------------------------------
    # Variables and preview
    # ------------------------------------------------------------------

    def _rebuild_variables(self):
        """One row per variable of the template; the mapping of those that stay is kept."""
        for template in self:
            kept = {
                (line.component, line.button_index, line.name): line
                for line in template.variable_ids
            }
            wanted = template_variables(template.components or [], template.parameter_format)
            values = []
            for sequence, variable in enumerate(wanted):
                key = (variable.component, variable.button_index or 0, variable.name)
                line = kept.pop(key, None)
                facts = {"sequence": sequence, "kind": variable.kind, "example": variable.example}
                if line:
                    line.write(facts)
                else:
                    values.append(
                        {
                            **facts,
                            "template_id": template.id,
                            "component": variable.component,
                            "button_index": variable.button_index or 0,
                            "name": variable.name,
                            **self.env["waba.template.variable"]._default_source(variable),
                        }
                    )
            self.env["waba.template.variable"].concat(*kept.values()).unlink()
            self.env["waba.template.variable"].create(values)

    def _render_preview(self, parameters):
        """`cloud_api.Preview` filled with frozen parameters, or with Meta's examples."""
        self.ensure_one()
        parameters = parameters or self._example_parameters()
        return render_preview(self.components or [], parameters, self.parameter_format)

    def _render_phone(self, parameters):
        """The message as a phone shows it, as safe HTML."""
        self.ensure_one()
        return self.env["ir.qweb"]._render(
            "waba_campaign.phone_preview", {"preview": self._render_preview(parameters)}
        )

    def _example_parameters(self):
        return self.variable_ids._freeze_texts(
            {line.id: line.example or line.name for line in self.variable_ids}
        )
