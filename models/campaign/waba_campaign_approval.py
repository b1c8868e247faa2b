"""Approval of large campaigns by a second person, and overrides of the pre-flight by a manager.

Called by the buttons of wizard/waba_preflight.py, by the launch and by each prepared chunk.
"""

import hashlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import html_escape

from ..base.waba_variable_mixin import SET_FIELDS
from ..tools.moments import WEEKDAY, format_moment
from ..tools.reputation_texts import format_number
from .waba_campaign_audience import CHUNK

ACTIVITY_TYPE = "waba_campaign.activity_type_approval"

# Launches of one user with one template within it count as one campaign.
SIBLING_WINDOW = timedelta(hours=24)


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    approval_state = fields.Selection(
        [("asked", "Requested"), ("approved", "Approved"), ("refused", "Refused")],
        "Approval",
        readonly=True,
        copy=False,
        tracking=True,
        index="btree_not_null",
    )
    approval_asked_by_id = fields.Many2one("res.users", "Requested by", readonly=True, copy=False)
    approval_asked_at = fields.Datetime("Requested at", readonly=True, copy=False)
    approval_decided_by_id = fields.Many2one("res.users", "Decided by", readonly=True, copy=False)
    approval_decided_at = fields.Datetime("Decided at", readonly=True, copy=False)
    approval_note = fields.Text("Note", readonly=True, copy=False)
    approval_count = fields.Integer("Records approved", readonly=True, copy=False)
    approval_text = fields.Text("Approval status", compute="_compute_approval_text")
    can_approve = fields.Boolean(compute="_compute_approval_text")

    # Approved records
    approval_people = fields.Json("Approved records", readonly=True, copy=False, prefetch=False)
    override_people = fields.Json("Overridden records", readonly=True, copy=False, prefetch=False)

    # Override
    override_reason = fields.Text("Override reason", readonly=True, copy=False, tracking=True)
    override_by_id = fields.Many2one("res.users", "Overridden by", readonly=True, copy=False)
    override_at = fields.Datetime("Overridden at", readonly=True, copy=False)
    override_lines = fields.Char("Overridden checks", readonly=True, copy=False)
    launch_mark = fields.Char(readonly=True, copy=False)

    @api.depends("approval_state", "state", "audience_count", "override_reason", "launch_mark")
    @api.depends_context("uid")
    def _compute_approval_text(self):
        for campaign in self:
            campaign.can_approve = campaign.approval_state == "asked" and campaign._can_approve()
            campaign.approval_text = campaign._describe_approval()

    def _describe_approval(self):
        """The banner of a campaign that is not yet launched, or False."""
        if self.state not in ("draft", "scheduled") and not self._is_paused_at_start():
            return False
        parts = [self._describe_approval_state() or ""]
        if self.override_reason:
            parts.append(
                self.env._(
                    "%(manager)s overrode the blocking checks: %(reason)s",
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
            return self.env._("Approved by %(manager)s. %(note)s", **decided)
        if self.approval_state == "refused":
            return self.env._(
                "Refused by %(manager)s: %(note)s Change it, then request approval again.",
                **decided,
            )
        asked = {
            "user": campaign.approval_asked_by_id.name,
            "when": self.approval_asked_at
            and format_moment(self.env, self.approval_asked_at, WEEKDAY),
        }
        if self.can_approve:
            return self.env._(
                "%(user)s requested your approval (%(when)s). Approve or refuse in the pre-flight "
                "check.",
                **asked,
            )
        if self.approval_state == "asked":
            return self.env._(
                "Waiting for a manager's approval, requested by %(user)s (%(when)s).", **asked
            )
        return self._missing_approval_reason()

    def action_preflight(self):
        """Run the pre-flight and open its dialog: to launch, request, approve or override."""
        self.ensure_one()
        self.price_ids._refresh_estimates(fields.Datetime.now())
        return self.env["waba.preflight"]._open(self)

    # === Approval ===
    # `approval_state`: empty → `asked` → `approved` | `refused`; any change of the content empties
    # it (`_cancel_permissions_if_changed`). The launch is refused while an approval is missing.

    def _can_approve(self):
        """Whether this user may approve: a manager who did not make the campaign."""
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            return False
        makers = self.sudo().approval_asked_by_id | self.sudo().user_id
        return self.sudo().company_id.waba_approval_own or self.env.user not in makers

    def _approvers(self):
        """Managers who may approve it."""
        managers = self._find_managers()
        return managers.filtered(lambda manager: self.with_user(manager)._can_approve())

    def _request_approval(self, note):
        """Request an approval; each manager who may decide gets an activity.

        :raise UserError: no manager may approve it
        """
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
        approvers = self._approvers()
        if not approvers:
            raise UserError(
                self.env._(
                    "No other manager of %s can approve it. Add one, or allow managers to approve "
                    "their own campaigns in WhatsApp → Configuration → Settings.",
                    self.company_id.name,
                )
            )
        text = self.env._(
            "%(user)s requests approval for a campaign to %(people)s recipients. %(note)s",
            user=self.env.user.name,
            people=format_number(self.env, self.audience_count),
            note=note or "",
        )
        for manager in approvers:
            self.sudo().activity_schedule(
                ACTIVITY_TYPE,
                user_id=manager.id,
                summary=self.env._("Approve or refuse the campaign"),
                note=html_escape(text),
            )
        self._message_log(body=text)

    def _decide_approval(self, target, note):
        """Approve or refuse what was requested, if it is unchanged.

        :param target: 'approved' or 'refused'
        :raise AccessError: the user may not approve it
        :raise UserError: it was decided already, or has changed
        """
        self.ensure_one()
        self.check_access("write")
        if not self._can_approve():
            raise AccessError(
                self.env._(
                    "Only a manager who did not create the campaign can approve or refuse it."
                )
            )
        if self.approval_state != "asked" or not self._is_approval_current():
            raise UserError(
                self.env._("The campaign has changed, or it was already decided. Reload the page.")
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
        text = (
            self.env._("Approved by %(manager)s. %(note)s", manager=self.env.user.name, note=note)
            if target == "approved"
            else self.env._(
                "Refused by %(manager)s: %(note)s", manager=self.env.user.name, note=note
            )
        )
        self._message_log(body=text)
        self._notify_requester(text)

    def _notify_requester(self, text):
        makers = (self.sudo().approval_asked_by_id | self.sudo().user_id) - self.env.user
        if makers:
            self.message_notify(
                partner_ids=makers.partner_id.ids,
                subject=self.name,
                body=html_escape(text),
            )

    def _cancel_approval(self):
        if self.approval_state:
            self.write({"approval_state": False, "approval_people": False})
            self.activity_unlink([ACTIVITY_TYPE])
            self._message_log(
                body=self.env._(
                    "Approval withdrawn: template, variables, audience, number or time changed."
                )
            )

    def _is_approval_missing(self):
        """Whether the launch needs an approval that the current content does not have."""
        self.ensure_one()
        return bool(self._missing_approval_reason())

    def _check_approved(self):
        if reason := self._missing_approval_reason():
            raise UserError(reason)

    def _missing_approval_reason(self):
        """Which approval the current content lacks, as a sentence; False if none."""
        self.ensure_one()
        above = self.sudo().company_id.waba_approval_above
        if not above:
            return False
        siblings = self._count_sibling_recipients() if self.audience_count <= above else 0
        if self.audience_count + siblings <= above:
            return False
        if self.approval_state == "approved":
            return False if self._is_approval_valid() else self._outdated_approval_reason()
        values = {
            "people": format_number(self.env, self.audience_count),
            "above": format_number(self.env, above),
            "sum": format_number(self.env, self.audience_count + siblings),
        }
        if siblings:
            return self.env._(
                "A manager's approval is needed above %(above)s recipients: %(people)s here, "
                "%(sum)s with the same user's campaigns of this template within 24 h. Request it "
                "at launch.",
                **values,
            )
        return self.env._(
            "A manager's approval is needed above %(above)s recipients (%(people)s here). Request "
            "it at launch.",
            **values,
        )

    def _is_approval_valid(self):
        return self.launch_mark == self._launch_fingerprint() and self._is_audience_covered(
            self.approval_people, self.env.user
        )

    def _is_approval_current(self):
        """Whether the approval was requested or given for the current content and records."""
        campaign = self.sudo()
        return (
            campaign.approval_state in ("asked", "approved")
            and campaign.launch_mark == campaign._launch_fingerprint()
            and self._is_audience_covered(campaign.approval_people, campaign.approval_asked_by_id)
        )

    def _outdated_approval_reason(self):
        return self.env._(
            "A manager's approval is needed again: audience or message changed since. Request it "
            "at launch."
        )

    def _sibling_launches(self):
        """Unapproved launches of the same maker and template within SIBLING_WINDOW of this one.

        The maker is the responsible, or the user who launches.
        """
        self.ensure_one()
        campaign, now = self._origin.sudo(), fields.Datetime.now()
        makers = campaign.user_id | (campaign.launched_by_id or self.env.user)
        templates = campaign._templates_in_use().ids
        found = campaign.with_context(active_test=False).search(
            Domain("id", "!=", campaign.id)
            & Domain("company_id", "=", campaign.company_id.id)
            & Domain("launched_at", "!=", False)
            & Domain("state", "!=", "draft")
            & (Domain("user_id", "in", makers.ids) | Domain("launched_by_id", "in", makers.ids))
            & (
                Domain("template_id", "in", templates)
                | Domain("b_template_id", "in", templates)
                | Domain("language_ids.template_id", "in", templates)
            )
            & (
                Domain("launched_at", ">", now - SIBLING_WINDOW)
                | Domain("scheduled_at", ">", now - SIBLING_WINDOW)
            )
        )
        at = max(now, campaign.scheduled_at or now)
        return found.filtered(
            lambda one: (
                one.approval_state != "approved"
                and not (one._is_paused_at_start() and not one.prepared_count)
                and abs(max(one.launched_at, one.scheduled_at or one.launched_at) - at)
                < SIBLING_WINDOW
            )
        )

    def _count_sibling_recipients(self):
        return sum(
            one.prepared_count
            if one.state == "cancelled"
            else max(one.to_prepare_count, one.prepared_count)
            for one in self._sibling_launches()
        )

    # === Approved records ===
    # An audience is a condition: a user who changes a tag moves records in and out of it. So an
    # approval, and an override, store a fingerprint of each record and its number, as the requester
    # or the manager saw them: later, fewer may get the message, but no others. The launch, the
    # start of a scheduled campaign and each prepared chunk compare them
    # (`_audience_changed_reason`); they are cleared after the preparation.

    def _audience_fingerprints(self, user):
        """Sorted fingerprints of the records of the audience, as `user` sees it now."""
        self.ensure_one()
        records, domain = self._records_for_user(user), Domain(self._audience_domain_list())
        names = ["phone_sanitized", *records._phone_get_number_fields()]
        marks, last = set(), 0
        while found := records.search_fetch(
            domain & Domain("id", ">", last), names, order="id", limit=CHUNK
        ):
            marks.update(self._record_fingerprints(found))
            last = found[-1].id
        return sorted(marks)

    def _record_fingerprints(self, records):
        """Of each of these records and its person."""
        keys = self._person_keys_of_records(records)
        texts = (f"{one._name},{one.id},{key}" for one, key in zip(records, keys, strict=True))
        return [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]

    def _is_audience_covered(self, marks, user):
        """Whether all records of the audience of `user` are among those of `marks`."""
        return bool(marks and user) and set(marks).issuperset(self._audience_fingerprints(user))

    def _clear_approved_fingerprints(self):
        """Once all rows exist they are not needed, and fingerprints are personal data."""
        self.sudo().write({"approval_people": False, "override_people": False})

    def _audience_changed_reason(self, records):
        """Reason why these records must not get rows, as a sentence; False if none.

        Changes between the launch and now were not seen by the manager who approved it.
        """
        self.ensure_one()
        if not self.prepared_count:
            # It may belong to another user by now: the campaign is read as superuser.
            launchers = self._with_launcher().sudo()
            if reason := launchers._missing_approval_reason():
                return reason
            return self.override_reason and launchers._recheck_override_reason()
        above = self.company_id.waba_approval_above
        if above and self.approval_state == "approved":
            approved = set(self.approval_people or ())
            if not approved.issuperset(self._record_fingerprints(records)):
                return self._outdated_approval_reason()
        elif above and self.prepared_count + len(records) > max(above, self.to_prepare_count):
            return self._approval_now_needed_reason(above)
        return False

    def _approval_now_needed_reason(self, above):
        return self.env._(
            "A manager's approval is needed: the audience grew above %s recipients since the "
            "launch. Request it in the pre-flight check.",
            format_number(self.env, above),
        )

    def _recheck_override_reason(self):
        """Run the pre-flight again if the override was given for other records."""
        if self._is_audience_covered(self.override_people, self.env.user):
            return False
        try:
            self._check_preflight()
        except UserError as error:
            return str(error)
        return False

    # === Pre-flight and override ===
    # The launch runs the pre-flight again and trusts no earlier one: no check may block without a
    # manager's override, and no approval may be missing. An override covers the checks it named and
    # the content at that time; any change of that content cancels it. A scheduled campaign is
    # checked once more when its time comes.

    def _check_preflight(self):
        """Check that nothing blocks the launch and that no approval is missing.

        :raise UserError: with every blocking check and what to do
        """
        self.ensure_one()
        stops = [
            stop for stop in self._preflight_report().blockers if not self._has_valid_override(stop)
        ]
        if stops:
            lines = "\n".join(f"✕ {stop.sentence}" for stop in stops)
            way_on = self.env._("Fix it and launch again.")
            if all(stop.can_be_overridden for stop in stops):
                way_on = self.env._("Fix it, or ask a manager to override it with a reason.")
            raise UserError(
                self.env._(
                    "The pre-flight check blocks this campaign:\n%(lines)s\n%(way_on)s",
                    lines=lines,
                    way_on=way_on,
                )
            )
        self._check_approved()

    def _has_valid_override(self, stop):
        return (
            stop.can_be_overridden
            and bool(self.override_reason)
            and stop.name in (self.override_lines or "").split(",")
            and self.launch_mark == self._launch_fingerprint()
            and self._is_audience_covered(self.override_people, self.env.user)
        )

    def _override_blockers(self, stops, reason):
        """Store a manager's override of these checks, for the current content.

        :param stops: list of `PreflightCheck`, each of which can be overridden
        :param reason: the manager's reason
        """
        self.sudo().write(
            {
                "override_reason": reason,
                "override_by_id": self.env.uid,
                "override_at": fields.Datetime.now(),
                "override_lines": ",".join(sorted({stop.name for stop in stops})),
                "override_people": self._audience_fingerprints(self.env.user),
                "launch_mark": self._launch_fingerprint(),
            }
        )
        self._message_log(
            body=self.env._(
                "Overridden by %(manager)s: %(stops)s Reason: %(reason)s",
                manager=self.env.user.name,
                stops=" ".join(stop.sentence for stop in stops),
                reason=reason,
            )
        )

    def _is_paused_at_start(self):
        return self.state == "paused" and self.pause_cause == "preflight"

    def _check_late_start(self):
        """Check a scheduled campaign that starts late as at its planned time."""
        for campaign in self:
            begins = campaign.state == "preparing" and not campaign.prepared_count
            if begins and campaign.scheduled_at:
                if why := campaign._launch_refusal_reason():
                    campaign._pause(why, cause="launcher")
                    continue
                try:
                    campaign._with_launcher()._check_launch()
                except UserError as error:
                    campaign._pause(str(error), cause="preflight")

    # === Approved content ===
    # `launch_mark` is the fingerprint of the content that an approval or override was given for.

    def _launch_facts(self):
        """Content, audience, number and time of the launch.

        :return: a list whose `repr` changes when any of them does
        """
        return [*self._content_facts(), str(self.scheduled_at)]

    def _content_facts(self):
        """As `_launch_facts`, without the time."""
        self.ensure_one()
        names = ("variant", "component", "button_index", "name", "source", "field_path", "text",
                 "fallback")  # fmt: skip
        lines = self.variable_ids.union(
            *(lines for _template, lines in self._variant_messages().values()),
            self.b_variable_ids.filtered(lambda _line: self.ab_test),
        )
        return [
            [template.id for template in self._templates_in_use()],
            [template.signature for template in self._templates_in_use()],
            self.sender_id.id,
            self.company_id.id,
            self.res_model,
            self.audience_domain,
            self.ab_test and [self.ab_share, self.ab_hours, self.ab_criterion],
            self.holdout_percent,
            sorted([str(line[name] or "") for name in names] for line in lines),
            # Only where there are any: campaigns launched before have no such fact.
            *filter(None, [self._excluded_ids(), self._price_facts(), self.topic_id.id]),
            *filter(None, [self._fallback_values()]),
            *filter(None, [sorted(filter(None, map(_set_values, lines)))]),
        ]

    def _price_facts(self):
        return sorted((line.country_id.code or "", line.max_price) for line in self.price_ids)

    def _cancel_permissions_for_prices(self):
        """Of campaigns that are not launched; later, prices are lowered or a manager's."""
        self.filtered(
            lambda campaign: campaign.state in ("draft", "scheduled")
        )._cancel_permissions_if_changed()

    def _launch_fingerprint(self):
        return _fingerprint_text(self.sudo()._launch_facts())

    def _content_fingerprint(self):
        return _fingerprint_text(self.sudo()._content_facts())

    def _cancel_permissions_if_changed(self):
        """Cancel approval, override and scheduled launch of content that has changed."""
        self._cancel_changed_overrides()
        self._revert_changed_launches()

    def _cancel_changed_overrides(self):
        for campaign in self.sudo().filtered("launch_mark"):
            if campaign.state not in ("draft", "scheduled", "paused"):
                continue
            if campaign.launch_mark != campaign._launch_fingerprint():
                campaign._cancel_launch_permissions()

    def _cancel_launch_permissions(self):
        self._cancel_override()
        self._cancel_approval()

    def _cancel_override(self):
        was_overridden = bool(self.override_reason)
        self.write(
            {
                "launch_mark": False,
                "override_reason": False,
                "override_by_id": False,
                "override_at": False,
                "override_lines": False,
                "override_people": False,
            }
        )
        if was_overridden:
            self._message_log(
                body=self.env._(
                    "Override withdrawn: template, variables, audience, number or time changed."
                )
            )


def _set_values(line):
    """The values of a variable that are not read as text; '' if it has none."""
    if not line.card_number and not any(line[name] for name in SET_FIELDS):
        return ""
    return str([line.variant, *line._key(), *(str(line[name] or "") for name in SET_FIELDS)])


def _fingerprint_text(facts):
    return hashlib.sha256(repr(facts).encode()).hexdigest()
