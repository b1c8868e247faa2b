from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_datetime, html_escape

from .waba_reputation_words import format_number

ACTIVITY_TYPE = "waba_campaign.activity_type_approval"


class WabaCampaign(models.Model):
    """A large campaign is made by one person and approved by another (`_ask`, `_decide`).

    `approval_state`: empty → `asked` → `approved` | `refused`; any change of what is launched makes
    it empty again (waba_campaign_clearance.py). The launch refuses what is not approved.
    """

    _inherit = "waba.campaign"

    approval_state = fields.Selection(
        [("asked", "Asked for"), ("approved", "Approved"), ("refused", "Refused")],
        "Approval",
        readonly=True,
        copy=False,
        tracking=True,
        index="btree_not_null",
    )
    approval_asked_by_id = fields.Many2one("res.users", "Asked by", readonly=True, copy=False)
    approval_asked_at = fields.Datetime("Asked at", readonly=True, copy=False)
    approval_decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True, copy=False)
    approval_decided_at = fields.Datetime("Approval decided at", readonly=True, copy=False)
    approval_note = fields.Text("Manager's note", readonly=True, copy=False)
    approval_count = fields.Integer("People approved", readonly=True, copy=False)
    approval_text = fields.Text("Who must do what", compute="_compute_approval_text")
    can_approve = fields.Boolean(compute="_compute_approval_text")

    @api.depends("approval_state", "state", "audience_count", "override_reason", "launch_mark")
    @api.depends_context("uid")
    def _compute_approval_text(self):
        for campaign in self:
            campaign.can_approve = campaign.approval_state == "asked" and campaign._can_approve()
            campaign.approval_text = campaign._describe_approval()

    def _describe_approval(self):
        """The banner of a campaign not yet launched, or False."""
        if self.state not in ("draft", "scheduled") and not self._is_paused_at_start():
            return False
        parts = [self._describe_approval_state() or ""]
        if self.override_reason:
            parts.append(
                self.env._(
                    "%(manager)s lets it be launched although the pre-flight stops it: %(reason)s",
                    manager=self.sudo().override_by_id.name,
                    reason=self.override_reason,
                )
            )
        return " ".join(filter(None, parts)) or False

    def _describe_approval_state(self):
        campaign = self.sudo()
        decided = {
            "manager": campaign.approval_decided_by_id.name,
            "note": campaign.approval_note or "",
        }
        if self.approval_state == "approved":
            return self.env._("%(manager)s approved it. %(note)s", **decided)
        if self.approval_state == "refused":
            return self.env._(
                "%(manager)s refused it: %(note)s Change it, then ask again.", **decided
            )
        asked = {
            "user": campaign.approval_asked_by_id.name,
            "when": self.approval_asked_at
            and format_datetime(self.env, self.approval_asked_at, dt_format="EEEE d MMM, HH:mm"),
        }
        if self.can_approve:
            return self.env._(
                "%(user)s asks for your approval (%(when)s). Press Pre-flight, then approve or "
                "refuse.",
                **asked,
            )
        if self.approval_state == "asked":
            return self.env._(
                "It waits for a manager's approval, asked for by %(user)s (%(when)s).", **asked
            )
        return self._missing_approval_reason()

    # ------------------------------------------------------------------
    # Who, when
    # ------------------------------------------------------------------

    def _is_approval_missing(self):
        """Whether the launch needs an approval that nobody has given for what is launched now."""
        self.ensure_one()
        return bool(self._missing_approval_reason())

    def _check_approved(self):
        if reason := self._missing_approval_reason():
            raise UserError(reason)

    def _can_approve(self):
        """Whether this user may approve: a manager, and not who made the campaign."""
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            return False
        makers = self.sudo().approval_asked_by_id | self.sudo().user_id
        return self.sudo().company_id.waba_approval_own or self.env.user not in makers

    def _approvers(self):
        """Managers who may approve it."""
        managers = self._find_managers()
        return managers.filtered(lambda manager: self.with_user(manager)._can_approve())

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def _request_approval(self, note):
        """The maker asks; each manager who may decide gets an activity."""
        self.ensure_one()
        self.check_access("write")
        if not (self.state == "draft" or self._is_paused_at_start()) or self._is_approval_current():
            return
        self.sudo().activity_unlink([ACTIVITY_TYPE])
        self.sudo().write(
            {
                "approval_state": "asked",
                "approval_asked_by_id": self.env.uid,
                "approval_asked_at": fields.Datetime.now(),
                "approval_decided_by_id": False,
                "approval_decided_at": False,
                "approval_note": False,
                "approval_count": self.audience_count,
                "approval_people": self._audience_fingerprints(self.env.user),
                "launch_mark": self._launch_fingerprint(),
            }
        )
        deciders = self._approvers()
        if not deciders:
            raise UserError(
                self.env._(
                    "No other manager of %s could approve it. Name one, or allow managers to "
                    "approve their own campaigns under WhatsApp → Configuration → Settings.",
                    self.company_id.name,
                )
            )
        words = self.env._(
            "%(user)s asks for the approval of a campaign to %(people)s people. %(note)s",
            user=self.env.user.name,
            people=format_number(self.env, self.audience_count),
            note=note or "",
        )
        for manager in deciders:
            self.sudo().activity_schedule(
                ACTIVITY_TYPE,
                user_id=manager.id,
                summary=self.env._("Approve or refuse the campaign"),
                note=html_escape(words),
            )
        self._message_log(body=words)

    def _decide_approval(self, target, note):
        """A manager approves or refuses what was asked, for as it is now."""
        self.ensure_one()
        self.check_access("write")
        if not self._can_approve():
            raise AccessError(
                self.env._("Only a manager who did not make the campaign approves or refuses it.")
            )
        if self.approval_state != "asked" or not self._is_approval_current():
            raise UserError(
                self.env._("It has changed, or somebody decided already. Open it again.")
            )
        self.sudo().write(
            {
                "approval_state": target,
                "approval_decided_by_id": self.env.uid,
                "approval_decided_at": fields.Datetime.now(),
                "approval_note": note,
            }
        )
        self.sudo().activity_unlink([ACTIVITY_TYPE])
        words = (
            self.env._("Approved by %(manager)s. %(note)s", manager=self.env.user.name, note=note)
            if target == "approved"
            else self.env._(
                "Refused by %(manager)s: %(note)s", manager=self.env.user.name, note=note
            )
        )
        self._message_log(body=words)
        self._notify_requester(words)

    def _notify_requester(self, words):
        makers = (self.sudo().approval_asked_by_id | self.sudo().user_id) - self.env.user
        if makers:
            self.message_notify(
                partner_ids=makers.partner_id.ids,
                subject=self.name,
                body=html_escape(words),
            )

    def _cancel_approval(self):
        if self.approval_state:
            self.write({"approval_state": False, "approval_people": False})
            self.activity_unlink([ACTIVITY_TYPE])
            self._message_log(
                body=self.env._(
                    "Template, texts, audience, number or time changed: the approval is withdrawn."
                )
            )
