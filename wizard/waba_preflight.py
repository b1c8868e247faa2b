"""Pre-flight dialog: its lines, the fix of each, and launch, approval and override.

Called by `action_preflight` of the campaign.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_amount

from ..models.tools.reputation_texts import format_number

LEVELS = [("pass", "Fine"), ("warn", "Check"), ("stop", "Stop")]

FIXES = [
    ("template", "Open the template"),
    ("sender", "Open the number"),
    ("variables", "Fill in the texts"),
    ("plan", "Plan"),
    ("rates", "Rates"),
    ("settings", "Settings"),
]

MANAGER_FIXES = ("rates", "settings")
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
    summary = fields.Char(readonly=True)
    verdict = fields.Char(readonly=True)
    level = fields.Selection(LEVELS, readonly=True)
    approval_text = fields.Text(related="campaign_id.approval_text", related_sudo=False)
    reason = fields.Text(help="Kept with the campaign and shown in its chatter.")
    can_launch = fields.Boolean(readonly=True)
    can_override = fields.Boolean(readonly=True)
    can_ask = fields.Boolean(readonly=True)
    can_approve = fields.Boolean(readonly=True)
    is_mine = fields.Boolean(readonly=True)

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
                **wizard._permissions(report),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Pre-flight"),
            "res_model": self._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
            "context": {"dialog_size": "large"},
        }

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
            raise AccessError(self.env._("Only a manager launches over a stop, with a reason."))
        campaign._lock_campaigns()
        stops = campaign._preflight_report().blockers
        if final := [stop for stop in stops if not stop.can_be_overridden]:
            raise UserError(
                self.env._(
                    "No reason overrides this: %s", " ".join(stop.sentence for stop in final)
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
        mend = check.mend if check.level != "pass" else False
        if mend in MANAGER_FIXES and not self._is_manager():
            mend = False
        return {
            "sequence": sequence,
            "line": check.line,
            "reason_key": check.key,
            "level": check.level,
            "sentence": check.sentence,
            "record_model": check.records._name if check.records else False,
            "record_ids": check.records.ids if check.records else [],
            "leaves_out": check.leaves_out and check.level != "pass",
            "mend": mend,
            "is_overridden": check.level == "stop" and self.campaign_id._has_valid_override(check),
        }

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
            return self.env._("As it would be now; it has been launched already.")
        if final:
            return self.env._("It cannot be launched as it is: mend what stops it.")
        if stops and self._is_manager():
            return self.env._("It is stopped. As a manager you may launch it with a reason.")
        if stops:
            return self.env._("It is stopped: mend it, or ask a manager.")
        if missing:
            return self.env._("It needs a manager's approval.")
        return self.env._("It may be launched. Messages once sent cannot be called back.")

    def _summary_text(self, report):
        """'811 will receive it · 31 left out · about 41.20 € · expected: 2–4 opt-outs'."""
        audience = report.audience
        if not audience:
            return False
        env, left_out = self.env, audience.counted - len(audience.receiving)
        parts = [
            env._("%s will receive it", format_number(env, report.receiving)),
            env._("%s left out", format_number(env, audience.scale_count(left_out))),
        ]
        if report.costs and report.costs.amounts:
            amount = " + ".join(
                format_amount(env, sum_, currency)
                for currency, sum_ in report.costs.amounts.items()
            )
            parts.append(env._("about %s", amount))
        if report.forecast and report.forecast.ends_at:
            ends = self.campaign_id._format_datetime(report.forecast.ends_at)
            parts.append(env._("ends %s", ends))
        if report.expected:
            least, most = report.expected
            parts.append(
                env._(
                    "expected: %(least)s–%(most)s opt-outs",
                    least=format_number(env, least),
                    most=format_number(env, most),
                )
            )
        if not audience.is_whole:
            parts.append(
                env._(
                    "counted on the first %(counted)s of %(chosen)s",
                    counted=format_number(env, audience.counted),
                    chosen=format_number(env, audience.chosen),
                )
            )
        return " · ".join(parts)

    def _is_manager(self):
        return self.env.user.has_group("waba_campaign.waba_group_manager")

    def _checked_reason(self):
        if not (self.reason or "").strip():
            raise UserError(self.env._("Say why: whoever reads this later looks for it."))
        return self.reason.strip()


class WabaPreflightLine(models.TransientModel):
    """One line, with its records."""

    _name = "waba.preflight.line"
    _description = "Line of a Pre-flight"
    _inherit = ["waba.system.fields.mixin"]
    _order = "sequence, id"

    preflight_id = fields.Many2one("waba.preflight", required=True, ondelete="cascade")
    sequence = fields.Integer()
    line = fields.Char(readonly=True)
    reason_key = fields.Char(readonly=True)
    level = fields.Selection(LEVELS, required=True, readonly=True)
    sentence = fields.Text(readonly=True)
    record_model = fields.Char(readonly=True)
    record_ids = fields.Json(readonly=True)
    leaves_out = fields.Boolean(readonly=True)
    mend = fields.Selection(FIXES, readonly=True)
    is_overridden = fields.Boolean(readonly=True)

    def action_show(self):
        """Open exactly the records that were counted."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.sentence,
            "res_model": self.record_model,
            "view_mode": "list,form",
            "domain": [("id", "in", self.record_ids)],
            "context": {"active_test": False},
        }

    def action_exclude(self):
        """Exclude these records from the audience, and run the pre-flight again."""
        self.ensure_one()
        campaign = self.preflight_id.campaign_id
        campaign._lock_campaigns()
        if not self.leaves_out or campaign.state != "draft":
            raise UserError(self.env._("They can no longer be left out: it has been launched."))
        campaign._exclude_from_audience(self.record_ids)
        return campaign.action_preflight()

    def action_fix(self):
        """Open what has to be changed."""
        self.ensure_one()
        campaign = self.preflight_id.campaign_id
        if self.mend == "rates":
            return self.env["ir.actions.act_window"]._for_xml_id("waba_campaign.waba_rate_action")
        if self.mend == "settings":
            return self.env["ir.actions.act_window"]._for_xml_id(
                "waba_campaign.waba_settings_action"
            )
        if self.mend == "plan":
            return campaign._open_form("waba_campaign.waba_campaign_view_form_plan", target="new")
        record = {"template": campaign.template_id, "sender": campaign.sender_id}.get(self.mend)
        if not record:
            return {"type": "ir.actions.act_window_close"}
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    def _open_form(self, view, target="current"):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Plan"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(self.env.ref(view).id, "form")],
            "target": target,
        }
