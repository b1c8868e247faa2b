"""Pre-flight dialog: its lines, the fix of each, and launch, approval and override.

Called by `action_preflight` of the campaign.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_amount

from ..models.tools.labels import selection_labels
from ..models.tools.moments import moment_text
from ..models.tools.reputation_texts import format_number

LEVELS = [("pass", "Passed"), ("warn", "To review"), ("stop", "Blocking")]

FIXES = [
    ("template", "Choose template"),
    ("sender", "Choose number"),
    ("number", "Open number"),
    ("variables", "Set value"),
    ("topic", "Choose topic"),
    ("plan", "Reschedule"),
    ("limits", "Daily limit"),
    ("rates", "Add prices"),
    ("settings", "Settings"),
]

# Fixes in a dialog over the pre-flight: the form's view, and whether it shows the campaign.
DIALOG_VIEWS = {
    "template": "waba_campaign_view_form_fix_template",
    "sender": "waba_campaign_view_form_fix_sender",
    "topic": "waba_campaign_view_form_fix_topic",
    "plan": "waba_campaign_view_form_plan",
    "variables": "waba_campaign_variable_view_form",
}
# Fixes on another page, opened in a tab of its own, with the group that may change it.
MANAGER = "waba_campaign.waba_group_manager"
PAGES = {"number": MANAGER, "limits": MANAGER, "rates": MANAGER, "settings": "base.group_system"}
RELOAD = {"type": "ir.actions.client", "tag": "soft_reload"}


class WabaPreflight(models.TransientModel):
    """One run of the pre-flight, as counted when the dialog was opened.

    Its buttons only request: the campaign checks everything again (waba_campaign_approval.py).
    """

    _name = "waba.preflight"
    _description = "Pre-flight of a Campaign"
    _inherit = ["waba.system.fields.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, readonly=True, ondelete="cascade")
    line_ids = fields.One2many("waba.preflight.line", "preflight_id", readonly=True)
    content = fields.Json(compute="_compute_content")
    summary = fields.Char("Forecast", readonly=True)
    verdict = fields.Char("Result", readonly=True)
    delay = fields.Char("Departure", readonly=True)
    can_reschedule = fields.Boolean(compute="_compute_can_reschedule")
    level = fields.Selection(LEVELS, readonly=True)
    approval_text = fields.Text(related="campaign_id.approval_text", related_sudo=False)
    reason = fields.Text(help="Shown in the campaign's chatter.")
    can_launch = fields.Boolean(readonly=True)
    can_override = fields.Boolean(readonly=True)
    can_ask = fields.Boolean(readonly=True)
    can_approve = fields.Boolean(readonly=True)
    is_mine = fields.Boolean(readonly=True)

    @api.depends("line_ids")
    def _compute_content(self):
        for wizard in self:
            lines = wizard.line_ids.filtered(lambda line: not line.parent_id)
            # The banner above the lines says the same, with the same fix.
            shown = lines - wizard._departure_line()
            wizard.content = [
                {
                    "level": level,
                    "label": label,
                    "lines": [line._screen_data() for line in shown if line.level == level],
                }
                for level, label in reversed(selection_labels(lines, "level").items())
            ]

    @api.model
    def _open(self, campaign):
        """Return the action that shows the pre-flight of `campaign`, run now."""
        campaign.check_access("read")
        report = campaign._preflight_report()
        wizard = self.sudo().create({"campaign_id": campaign.id}).sudo(False)
        wizard.sudo().write(
            {
                "line_ids": [
                    fields.Command.create(wizard._line_values(check, sequence))
                    for sequence, check in enumerate(report.checks)
                ],
                "summary": wizard._summary_text(report),
                "delay": report.delay and campaign._describe_delay(report),
                **wizard._permissions(report),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Pre-flight check"),
            "res_model": self._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
            "context": {"dialog_size": "large"},
        }

    def _departure_line(self):
        """The line about the start, when the banner says that sending starts later."""
        return self.line_ids.filtered(lambda line: self.delay and line.sentence == self.delay)

    @api.depends("line_ids")
    def _compute_can_reschedule(self):
        for wizard in self:
            wizard.can_reschedule = bool(wizard._departure_line().mend)

    def action_reschedule(self):
        """Choose another time; the pre-flight runs again when it is saved."""
        self.ensure_one()
        return self._departure_line().action_fix() if self.can_reschedule else self.action_refresh()

    def action_refresh(self):
        """Run the pre-flight again."""
        self.ensure_one()
        return self.campaign_id.action_preflight()

    def action_launch(self):
        """Launch the campaign, or resume it after a stop at its start."""
        self.ensure_one()
        campaign = self.campaign_id
        if campaign._is_paused_at_start():
            campaign.action_resume()
        else:
            campaign.action_launch()
        return RELOAD

    def action_override(self):
        """Store a manager's override; launch the campaign if it is the manager's own.

        :raise AccessError: the user is not a manager
        :raise UserError: the reason is empty, or a check cannot be overridden
        """
        self.ensure_one()
        campaign, reason = self.campaign_id, self._checked_reason()
        campaign.check_access("write")
        if not self._is_manager():
            raise AccessError(
                self.env._("Only a manager can launch a blocked campaign, with a reason.")
            )
        campaign._lock_campaigns()
        stops = campaign._preflight_report().blockers
        if final := [stop for stop in stops if not stop.can_be_overridden]:
            raise UserError(
                self.env._(
                    "This cannot be overridden: %s", " ".join(stop.sentence for stop in final)
                )
            )
        campaign._override_blockers(stops, reason)
        if campaign.can_approve:
            campaign._decide_approval("approved", reason)
        if campaign.user_id == self.env.user and not campaign._is_approval_missing():
            return self.action_launch()
        return RELOAD

    def action_request_approval(self):
        """Request an approval, with the reason as a note."""
        self.ensure_one()
        self.campaign_id._lock_campaigns()
        self.campaign_id._request_approval((self.reason or "").strip())
        return RELOAD

    def action_approve(self):
        """Approve the campaign, with the reason as a note."""
        self.ensure_one()
        self.campaign_id._lock_campaigns()
        self.campaign_id._decide_approval("approved", (self.reason or "").strip())
        return RELOAD

    def action_refuse(self):
        """Refuse the campaign, with a reason."""
        self.ensure_one()
        self.campaign_id._lock_campaigns()
        self.campaign_id._decide_approval("refused", self._checked_reason())
        return RELOAD

    # === Content ===

    def _line_values(self, check, sequence):
        return {
            "sequence": sequence,
            "line": check.line,
            "reason_key": check.key,
            "level": check.level,
            "sentence": check.sentence,
            "count": check.count,
            "record_model": check.records._name if check.records else False,
            "record_ids": check.records.ids if check.records else [],
            "leaves_out": check.leaves_out and check.level != "pass",
            "mend": check.level != "pass" and self._can_fix(check.mend) and check.mend,
            "mend_id": check.mend_id,
            "is_overridden": check.level == "stop" and self.campaign_id._has_valid_override(check),
            "part_ids": [
                fields.Command.create({**self._line_values(part, number), "preflight_id": self.id})
                for number, part in enumerate(check.parts)
            ],
        }

    def _can_fix(self, mend):
        """Whether this fix can change something here, and this user may."""
        if mend in PAGES:
            return self.env.user.has_group(PAGES[mend])
        campaign = self.campaign_id
        if campaign.state not in ("draft", "scheduled") or not campaign.has_access("write"):
            return False
        return mend != "template" or bool(campaign._find_other_templates())

    def _permissions(self, report):
        """Return which buttons are shown, the level, and the sentence above them."""
        campaign = self.campaign_id
        stops = [stop for stop in report.blockers if not campaign._has_valid_override(stop)]
        final = [stop for stop in stops if not stop.can_be_overridden]
        missing = campaign._is_approval_missing()
        is_open = campaign.state == "draft" or campaign._is_paused_at_start()
        asked = campaign._is_approval_current()
        return {
            "level": "stop" if stops else "warn" if missing else report.checks[0].level,
            "verdict": self._verdict_text_by_level(stops, final, missing, is_open),
            "can_launch": is_open and not stops and not missing,
            "can_override": is_open and bool(stops) and not final and self._is_manager(),
            "can_ask": is_open
            and not final
            and not asked
            and (missing or (bool(stops) and not self._is_manager())),
            "can_approve": campaign.can_approve and not final,
            "is_mine": campaign.user_id == self.env.user,
        }

    def _verdict_text_by_level(self, stops, final, missing, is_open):
        if not is_open:
            return self.env._("Already launched. This is the result for a launch now.")
        if stops:
            return self._blocked_text(len(stops), can_override=not final)
        if missing:
            return self.env._("A manager's approval is required before launch.")
        return self.env._("Ready to launch. Sent messages cannot be recalled.")

    def _blocked_text(self, count, can_override):
        issues = (
            self.env._("Fix 1 issue before launch.")
            if count == 1
            else self.env._("Fix %s issues before launch.", count)
        )
        if not can_override:
            return issues
        if self._is_manager():
            return self.env._("%s As a manager, you can launch anyway with a reason.", issues)
        return self.env._("%s A manager can approve a launch anyway.", issues)

    def _summary_text(self, report):
        """'480 of 544 will receive it · done by Mon 30 Nov, 20:03 · about 11.60 €'."""
        env, audience, count = self.env, report.audience, self.campaign_id.audience_count
        if not audience:
            return count and env._("%s in the audience", format_number(env, count))
        parts = [
            env._(
                "%(receiving)s of %(chosen)s will receive it",
                receiving=format_number(env, report.receiving),
                chosen=format_number(env, audience.chosen),
            ),
            *self._forecast_texts(report),
        ]
        if not audience.is_whole:
            parts.append(
                env._(
                    "counted on the first %(counted)s of %(chosen)s",
                    counted=format_number(env, audience.counted),
                    chosen=format_number(env, audience.chosen),
                )
            )
        return " · ".join(parts)

    def _forecast_texts(self, report):
        """Parts of the summary about end, cost and opt-outs, as far as they are known."""
        env, parts = self.env, []
        is_known = report.forecast and report.forecast.ends_at
        if is_known and not (report.delay and not report.delay.at):
            parts.append(env._("done by %s", moment_text(env, report.forecast.ends_at)))
        if report.costs and report.costs.amounts:
            amount = " + ".join(
                format_amount(env, sum_, currency)
                for currency, sum_ in report.costs.amounts.items()
            )
            unpriced = report.costs.unpriced.total()
            if unpriced:
                text = env._(
                    "at least %(amount)s (%(count)s without a price)",
                    amount=amount,
                    count=format_number(env, unpriced),
                )
            else:
                is_most = report.costs.capped == report.costs.priced
                text = env._("at most %s", amount) if is_most else env._("about %s", amount)
            parts.append(text)
        if report.expected:
            least, most = report.expected
            parts.append(
                env._(
                    "%(least)s–%(most)s opt-outs expected",
                    least=format_number(env, least),
                    most=format_number(env, most),
                )
            )
        return parts

    def _is_manager(self):
        return self.env.user.has_group("waba_campaign.waba_group_manager")

    def _checked_reason(self):
        if not (self.reason or "").strip():
            raise UserError(self.env._("Enter a reason."))
        return self.reason.strip()


class WabaPreflightLine(models.TransientModel):
    """One line, with its records."""

    _name = "waba.preflight.line"
    _description = "Line of a Pre-flight"
    _inherit = ["waba.system.fields.mixin"]
    _order = "sequence, id"

    preflight_id = fields.Many2one("waba.preflight", required=True, ondelete="cascade")
    parent_id = fields.Many2one("waba.preflight.line", readonly=True, ondelete="cascade")
    part_ids = fields.One2many("waba.preflight.line", "parent_id", readonly=True)
    sequence = fields.Integer()
    line = fields.Char(readonly=True)
    reason_key = fields.Char(readonly=True)
    level = fields.Selection(LEVELS, required=True, readonly=True)
    sentence = fields.Text(readonly=True)
    count = fields.Integer(readonly=True)
    record_model = fields.Char(readonly=True)
    record_ids = fields.Json(readonly=True)
    leaves_out = fields.Boolean("Excluded", readonly=True)
    mend = fields.Selection(FIXES, "Fix", readonly=True)
    mend_id = fields.Integer("Record to fix", readonly=True)
    is_overridden = fields.Boolean(readonly=True)

    def _screen_data(self):
        """The line as the dialog shows it."""
        self.ensure_one()
        return {
            "id": self.id,
            "line": self.line,
            "key": self.reason_key or "",
            "sentence": self.sentence,
            "count": format_number(self.env, self.count) if self.count else "",
            "can_show": bool(self.record_model),
            "can_exclude": self.leaves_out,
            "fix": selection_labels(self, "mend").get(self.mend, ""),
            "is_overridden": self.is_overridden,
            "parts": [part._screen_data() for part in self.part_ids],
        }

    def action_show(self):
        """Show exactly the records that were counted, over the pre-flight."""
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "waba_preflight_show",
            "name": self.sentence,
            "params": {
                "model": self.record_model,
                "domain": [("id", "in", self.record_ids)],
                "context": {"active_test": False},
            },
        }

    def action_exclude(self):
        """Exclude these records from the audience, and run the pre-flight again."""
        self.ensure_one()
        campaign = self.preflight_id.campaign_id
        campaign._lock_campaigns()
        if not self.leaves_out or campaign.state != "draft":
            raise UserError(
                self.env._("This campaign is already launched. Its audience cannot be changed.")
            )
        campaign._exclude_from_audience(self.record_ids)
        return campaign.action_preflight()

    def action_fix(self):
        """Open what has to be changed: over the pre-flight, which runs again; or in a tab."""
        self.ensure_one()
        campaign = self.preflight_id.campaign_id
        if self.mend in PAGES:
            return {"type": "ir.actions.act_url", "url": self._page_address(), "target": "new"}
        record = campaign
        if self.mend == "variables":
            record = self.env["waba.campaign.variable"].browse(self.mend_id)
        return {
            "type": "ir.actions.client",
            "tag": "waba_preflight_fix",
            "name": self._fix_title(record),
            "params": {
                "campaign_id": campaign.id,
                "model": record._name,
                "id": record.id,
                "view_id": self.env.ref(f"waba_campaign.{DIALOG_VIEWS[self.mend]}").id,
            },
        }

    def _fix_title(self, record):
        if self.mend == "variables":
            return record._placeholder_label()
        return selection_labels(self, "mend")[self.mend]

    def _page_address(self):
        models_ = {"number": "waba.sender", "limits": "waba.portfolio"}
        if self.mend in models_:
            return f"/odoo/{models_[self.mend]}/{self.mend_id}"
        name = {"rates": "waba_rate_action", "settings": "waba_settings_action"}[self.mend]
        return f"/odoo/action-{self.env.ref(f'waba_campaign.{name}').id}"


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    def _find_other_templates(self):
        """A template that could be chosen instead."""
        return self.env["waba.template"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("status", "=", "approved"),
                ("unsupported", "=", False),
                ("id", "!=", self.template_id.id),
            ],
            limit=1,
        )
