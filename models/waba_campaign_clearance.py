import hashlib

from odoo import fields, models
from odoo.exceptions import UserError


class WabaCampaign(models.Model):
    """The launch asks the pre-flight again: no stop, or a manager's reason; no approval missing.

    Nothing of an earlier pre-flight is believed. A manager's reason (`_override_blockers`) covers the stops
    it named and what was to be launched then: `launch_mark` is the fingerprint of that, and any
    change of it takes reason and approval back (`_cancel_permissions_if_changed`). A scheduled campaign is
    checked once more when its time comes.
    """

    _inherit = "waba.campaign"

    override_reason = fields.Text("Launched although", readonly=True, copy=False, tracking=True)
    override_by_id = fields.Many2one("res.users", "Overridden by", readonly=True, copy=False)
    override_at = fields.Datetime("Overridden at", readonly=True, copy=False)
    override_lines = fields.Char(
        "Stops overridden", readonly=True, copy=False, help="Lines of the pre-flight."
    )
    launch_mark = fields.Char(readonly=True, copy=False)

    def action_preflight(self):
        """The list, counted now, with the buttons that launch, ask, approve or override."""
        self.ensure_one()
        return self.env["waba.preflight"]._open(self)

    def _is_paused_at_start(self):
        return self.state == "paused" and self.pause_cause == "preflight"

    def _check_late_start(self):
        """A scheduled campaign that only now begins is checked as at its time."""
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

    # ------------------------------------------------------------------
    # Stops
    # ------------------------------------------------------------------

    def _check_preflight(self):
        """Refuse the launch while a stop stands, or an approval is missing.

        :raise UserError: with every stop and the way on
        """
        self.ensure_one()
        stops = [
            stop for stop in self._preflight_report().blockers if not self._has_valid_override(stop)
        ]
        if stops:
            lines = "\n".join(f"✕ {stop.sentence}" for stop in stops)
            way_on = self.env._("Mend it and launch again.")
            if all(stop.can_be_overridden for stop in stops):
                way_on = self.env._("Mend it, or ask a manager, who may launch it with a reason.")
            raise UserError(
                self.env._(
                    "The pre-flight stops this campaign:\n%(lines)s\n%(way_on)s",
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
        """A manager's word on these stops, for what is to be launched now.

        :param stops: list of Check, each of which may be overridden
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
                "%(manager)s lets it be launched although: %(stops)s Reason: %(reason)s",
                manager=self.env.user.name,
                stops=" ".join(stop.sentence for stop in stops),
                reason=reason,
            )
        )

    # ------------------------------------------------------------------
    # What an approval or a reason was given for
    # ------------------------------------------------------------------

    def _launch_facts(self):
        """What is to be sent, to whom, from where and when.

        :return: a list whose `repr` changes when any of it does
        """
        return [*self._content_facts(), str(self.scheduled_at)]

    def _content_facts(self):
        """As `_launch_facts`, whatever the time; further parts of a campaign add to it."""
        self.ensure_one()
        names = ("variant", "component", "button_index", "name", "source", "field_path", "text",
                 "fallback")  # fmt: skip
        lines = self.variable_ids | (self.b_variable_ids if self.ab_test else self.variable_ids)
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
        ]

    def _launch_fingerprint(self):
        return _fingerprint_text(self.sudo()._launch_facts())

    def _content_fingerprint(self):
        return _fingerprint_text(self.sudo()._content_facts())

    def _cancel_permissions_if_changed(self):
        """An approval, a reason or a launch was for something else: it no longer counts."""
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
                    "Template, texts, audience, number or time changed: the manager's reason to "
                    "launch it no longer counts."
                )
            )


def _fingerprint_text(facts):
    return hashlib.sha256(repr(facts).encode()).hexdigest()
