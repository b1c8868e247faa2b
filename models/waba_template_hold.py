from odoo import api, fields, models

from ..policy import response
from .waba_response_words import TEMPLATE_SENTENCES, summary

# Meta's warnings, on which a manager decides; what Meta stopped, only Meta frees.
WARNINGS = ("template_flagged", "template_red")


class WabaTemplate(models.Model):
    """A template that people receive badly: its messages wait, none is lost.

    `hold_key` names why (policy.response.plan_template_response); campaigns then pause with the cause
    'template', direct messages stay in the queue.
    """

    _name = "waba.template"
    _inherit = ["waba.template", "mail.activity.mixin", "waba.response.mixin"]

    is_flagged = fields.Boolean(
        "Warned by Meta", readonly=True, tracking=True, help="It may be disabled if this goes on."
    )
    hold_at_warning = fields.Boolean(
        "Hold at a warning",
        default=True,
        help="Messages wait while Meta warns about this template or rates it Low. What Meta has "
        "paused or disabled waits in any case.",
    )
    hold_released = fields.Boolean(
        "Released although warned",
        readonly=True,
        help="A manager's word, or Meta's that lifted its own pause, until the next warning.",
    )
    hold_key = fields.Char(readonly=True, index="btree_not_null")
    is_held = fields.Boolean("Messages held", compute="_compute_is_held")
    hold_reason = fields.Text("Why they wait", compute="_compute_is_held")
    may_be_released = fields.Boolean(compute="_compute_is_held")

    @api.depends("hold_key", "name", "language")
    def _compute_is_held(self):
        for template in self:
            template.is_held = bool(template.hold_key)
            template.hold_reason = template._hold_explanation_text()
            template.may_be_released = template.hold_key in WARNINGS

    def _filter_rating_changed(self, vals):
        """Those of these templates to which `vals` give another rating."""
        if "quality_score" not in vals:
            return self.browse()
        return self.filtered(lambda one: one.quality_score != vals["quality_score"])

    def _filter_rating_dropped(self, vals):
        is_worse = vals.get("quality_score") in ("yellow", "red")
        return self._filter_rating_changed(vals) if is_worse else self.browse()

    def _with_hold_values(self, vals):
        """`vals`, and what they mean for the hold."""
        if self._filter_rating_changed(vals):
            # Another rating is news: neither the last warning nor the last word on it counts.
            vals = {**vals, "hold_released": False}
        if vals.get("quality_score") == "green":
            vals = {**vals, "is_flagged": False}
        if vals.get("status") == "approved" and self.filtered(lambda one: one.hold_key):
            # Meta allows it again, and knows its rating: without messages that would never rise.
            vals = {**vals, "hold_released": True}
        return vals

    def _apply_flag(self):
        """Meta warns: people react badly to it."""
        self.write({"is_flagged": True, "hold_released": False})

    def _response_in_force(self):
        """`policy.response.Response` to this template."""
        status = "FLAGGED" if self.is_flagged and self.status == "approved" else self.status
        return response.plan_template_response(status, self.quality_score or "unknown")

    def _find_hold_key(self):
        found = self._response_in_force()
        if not found.hold_marketing:
            return False
        is_let_go = self.hold_released or not self.hold_at_warning
        return False if is_let_go and found.reason_key in WARNINGS else found.reason_key

    def _apply_hold_change(self):
        """Hold the messages, or let them go, when that changed."""
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
                template._message_log(body=template.env._("Its messages go on."))
                template._close_manager_activities()
            template.account_id.sender_ids._trigger_dispatch()

    def _hold_explanation_text(self):
        """Sentence that names why its messages wait, or False."""
        self.ensure_one()
        if not self.hold_key:
            return False
        sentence = self.env._(TEMPLATE_SENTENCES[self.hold_key])
        return sentence % self.display_name

    def action_release(self):
        """Ask the manager for a reason, then let the messages go."""
        self.ensure_one()
        return self.env["waba.release"]._open(template_id=self.id)

    def _release(self, reason):
        """A manager lets the template be sent although Meta warns."""
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
            template.hold_released = True
