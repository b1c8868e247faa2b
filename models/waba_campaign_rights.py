from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import UserError

from .waba_campaign_state import LAUNCH_RESET_VALUES


class WabaCampaign(models.Model):
    """Whose rights read the audience.

    On screen always the reader's own (`_audience_records`), the user who launched the campaign: a form
    that is not saved holds whatever its browser says. In the jobs those of the user who launched it
    (`_launcher_records`), as the stored row names them and as long as they have them; otherwise
    the campaign waits until somebody who may goes on with it. They were lent for what was launched:
    a scheduled campaign whose content is changed is a draft again (`_revert_launch`). Its time
    is not part of that; nor are name, priority, responsible and UTM values.
    """

    _inherit = "waba.campaign"

    launched_mark = fields.Char(
        readonly=True, copy=False, help="Fingerprint of the content that was launched."
    )

    # ------------------------------------------------------------------
    # Records
    # ------------------------------------------------------------------

    def _audience_records(self):
        """The target model as whoever looks at the campaign reads it, in the campaign's company."""
        self.ensure_one()
        return self._records_for_user(self.env.user)

    def _launcher_records(self):
        """The target model as the user who launched the campaign reads it; for jobs alone.

        Asked after `_launcher_refusal_reason`.
        """
        self.ensure_one()
        return self._records_for_user(self._stored_launcher().ensure_one())

    def _records_for_user(self, user):
        return (
            self._target_model()
            .with_user(user)
            .with_context(allowed_company_ids=self.company_id.ids, lang=user.lang)
        )

    def _target_model(self):
        """The model that the campaign is written to, of those that campaigns know.

        :raise UserError: a form that is not saved may name any other
        """
        if self.res_model not in dict(self.env["waba.person.mixin"]._waba_target_models()):
            raise UserError(
                self.env._("Choose whom to write to first: leads, contacts or other records.")
            )
        return self.env[self.res_model]

    # ------------------------------------------------------------------
    # Who launched it
    # ------------------------------------------------------------------

    def _launching_user(self):
        """The user whose rights a launch lends to the campaign.

        :raise UserError: it is nobody's launch: OdooBot reads everything, of every company
        """
        if self.env.uid == SUPERUSER_ID:
            raise UserError(
                self.env._(
                    "A campaign is launched by a person, whose rights decide which records it "
                    "reads. Launch it as a user."
                )
            )
        return self.env.user

    def _stored_launcher(self):
        return self._origin.sudo().launched_by_id

    def _with_launcher(self):
        """This campaign in the hands of the user who launched it."""
        user = self._stored_launcher().ensure_one()
        return self.with_user(user).with_context(allowed_company_ids=self.company_id.ids)

    def _launcher_refusal_reason(self):
        """Sentence that says why the launcher's rights can no longer be used, or False."""
        self.ensure_one()
        user = self._stored_launcher()
        way_on = self.env._("Press Resume to go on with your own rights.")
        if not user or user.id == SUPERUSER_ID:
            return self.env._(
                "Nobody is known who launched this campaign, so nobody's rights decide which "
                "records it reads. %s",
                way_on,
            )
        names = {"user": user.name, "way_on": way_on}
        if not user.active:
            return self.env._(
                "%(user)s, who launched this campaign, is no longer active. %(way_on)s", **names
            )
        if self.company_id not in user.company_ids:
            return self.env._(
                "%(user)s, who launched this campaign, no longer belongs to its company. "
                "%(way_on)s",
                **names,
            )
        if not self._target_model().with_user(user).has_access("read"):
            return self.env._(
                "%(user)s, who launched this campaign, may no longer read its records. %(way_on)s",
                **names,
            )
        return False

    def _launch_refusal_reason(self):
        """As `_launcher_refusal_reason`; nor may they begin with what is no longer theirs."""
        if reason := self._launcher_refusal_reason():
            return reason
        if self._with_launcher().has_access("write"):
            return False
        return self.env._(
            "%s, who scheduled this campaign, may no longer change it: it was handed over. Press "
            "Resume to go on with your own rights.",
            self._stored_launcher().name,
        )

    def _needs_launcher(self):
        """Whether it waits for somebody's rights, or would as soon as it went on."""
        if self.state != "paused" or self.pause_cause == "launcher":
            return self.state == "paused"
        if self.prepared_count and self.prepared_count >= self.to_prepare_count:
            return False
        begins = self.scheduled_at and not self.prepared_count
        return bool(self._launch_refusal_reason() if begins else self._launcher_refusal_reason())

    def _assume_launch(self):
        self.ensure_one()
        person = self._launching_user()
        self._check_launch()
        self.sudo().write(
            {
                "launched_by_id": person.id,
                "launched_mark": self._content_fingerprint(),
                "to_prepare_count": max(self.audience_count, self.prepared_count),
            }
        )
        self._message_log(
            body=self.env._("From now on its records are read with the rights of %s.", person.name)
        )

    # ------------------------------------------------------------------
    # What was launched
    # ------------------------------------------------------------------

    def _revert_changed_launches(self):
        for campaign in self.sudo().filtered("launched_mark"):
            if campaign.state == "scheduled" and (
                campaign.launched_mark != campaign._content_fingerprint()
            ):
                campaign._revert_launch()

    def _revert_launch(self):
        self._update_state(("scheduled",), "draft", LAUNCH_RESET_VALUES)
        self._message_log(
            body=self.env._(
                "%s changed the message, the audience or the number of this scheduled campaign: it "
                "is a draft again. Nothing is sent until somebody launches it.",
                self.env.user.name,
            )
        )
