import hashlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .waba_campaign_audience import CHUNK
from .waba_reputation_words import format_number

# Within it, what one person launches of one template counts as one campaign.
SIBLING_WINDOW = timedelta(hours=24)


class WabaCampaign(models.Model):
    """What an approval covers: these very people, and all that its maker launches beside it.

    An audience is a condition: whoever moves a tag moves people in and out of it. So an approval,
    and a manager's reason, keep a fingerprint of each record and its number (`_audience_fingerprints`), as
    the asker or manager saw them; fewer may get the message later, others not. It is looked at by
    the launch, when a scheduled campaign begins, and for each chunk that is prepared
    (`_audience_changed_reason`), and dropped when that is done.
    """

    _inherit = "waba.campaign"

    approval_people = fields.Json(
        "Fingerprints approved", readonly=True, copy=False, prefetch=False
    )
    override_people = fields.Json(
        "Fingerprints overridden", readonly=True, copy=False, prefetch=False
    )

    # ------------------------------------------------------------------
    # These very people
    # ------------------------------------------------------------------

    def _audience_fingerprints(self, user):
        """[fingerprint] of the records that match the audience for this user, as it is now."""
        self.ensure_one()
        records, domain = self._records_for_user(user), Domain(self._audience_domain_list())
        names = ["phone_sanitized", *records._phone_get_number_fields()]
        marks, last = set(), 0
        while found := records.search_fetch(
            domain & Domain("id", ">", last), names, order="id", limit=CHUNK
        ):
            marks.update(map(self._record_fingerprint, found))
            last = found[-1].id
        return sorted(marks)

    @api.model
    def _record_fingerprint(self, record):
        number = self.env["waba.recipient"]._number_of(record)
        text = f"{record._name},{record.id},{number}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _is_audience_covered(self, marks, user):
        """Whether nobody is in the audience of `user` now who was not when `marks` were taken."""
        return bool(marks and user) and set(marks).issuperset(self._audience_fingerprints(user))

    def _clear_approved_fingerprints(self):
        """Everybody has a row: nobody asks any more, and fingerprints are personal data."""
        self.sudo().write({"approval_people": False, "override_people": False})

    def _is_approval_current(self):
        """Whether the approval was asked for or given for what is there now."""
        campaign = self.sudo()
        return (
            campaign.approval_state in ("asked", "approved")
            and campaign.launch_mark == campaign._launch_fingerprint()
            and self._is_audience_covered(campaign.approval_people, campaign.approval_asked_by_id)
        )

    # ------------------------------------------------------------------
    # All that is launched together
    # ------------------------------------------------------------------

    def _sibling_launches(self):
        """Campaigns of the same maker and template, not approved, that go out within a day of this.

        The maker is the responsible, or whoever launches.
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
            & (Domain("template_id", "in", templates) | Domain("b_template_id", "in", templates))
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

    # ------------------------------------------------------------------
    # Verdicts
    # ------------------------------------------------------------------

    def _missing_approval_reason(self):
        """Sentence that says which approval is missing for what is there now, or False."""
        self.ensure_one()
        above = self.sudo().company_id.waba_approval_above
        if not above:
            return False
        beside = self._count_sibling_recipients() if self.audience_count <= above else 0
        if self.audience_count + beside <= above:
            return False
        if self.approval_state == "approved":
            return False if self._is_approval_valid() else self._outdated_approval_reason()
        words = {
            "people": format_number(self.env, self.audience_count),
            "above": format_number(self.env, above),
            "sum": format_number(self.env, self.audience_count + beside),
        }
        if beside:
            return self.env._(
                "This campaign goes to %(people)s people; with the same person's other campaigns "
                "of this template within 24 hours they are %(sum)s. More than %(above)s need a "
                "manager's approval: press Launch and ask for it.",
                **words,
            )
        return self.env._(
            "This campaign goes to %(people)s people: more than %(above)s need a manager's "
            "approval. Press Launch and ask for it.",
            **words,
        )

    def _is_approval_valid(self):
        return self.launch_mark == self._launch_fingerprint() and self._is_audience_covered(
            self.approval_people, self.env.user
        )

    def _outdated_approval_reason(self):
        return self.env._(
            "It needs a manager's approval again: the one it has was given for other people, or "
            "for another message. Press Launch and ask for it."
        )

    def _audience_changed_reason(self, records):
        """Sentence that keeps these records from getting rows, or False. For the preparation.

        Whatever happens between the launch and this moment was not seen by whoever approved it.
        """
        self.ensure_one()
        if not self.prepared_count:
            # It may have been handed over since: the campaign is read with all rights.
            launchers = self._with_launcher().sudo()
            if reason := launchers._missing_approval_reason():
                return reason
            return self.override_reason and launchers._recheck_override_reason()
        above = self.company_id.waba_approval_above
        if above and self.approval_state == "approved":
            approved = set(self.approval_people or ())
            if not approved.issuperset(map(self._record_fingerprint, records)):
                return self._outdated_approval_reason()
        elif above and self.prepared_count + len(records) > max(above, self.to_prepare_count):
            return self._approval_now_needed_reason(above)
        return False

    def _approval_now_needed_reason(self, above):
        return self.env._(
            "More people match the audience than when it was launched: more than %s need a "
            "manager's approval. Ask for it under Pre-flight.",
            format_number(self.env, above),
        )

    def _recheck_override_reason(self):
        """A manager's reason was given for other people: the stops are checked again."""
        if self._is_audience_covered(self.override_people, self.env.user):
            return False
        try:
            self._check_preflight()
        except UserError as error:
            return str(error)
        return False
