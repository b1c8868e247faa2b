from odoo import fields, models
from odoo.exceptions import UserError


class WabaCampaign(models.Model):
    """The launch, and everything that is checked before anybody is written to."""

    _inherit = "waba.campaign"

    def action_launch(self):
        """Check, then prepare the audience in the background. A second click changes nothing."""
        self.check_access("write")
        self._lock_campaigns()
        for campaign in self:
            if campaign.state != "draft":
                continue
            campaign._check_launch()
            campaign._start_launch()
        return True

    def _start_launch(self):
        """What a launch does once nothing forbids it: at once, or at its time."""
        self.ensure_one()
        later = self.scheduled_at and self.scheduled_at > fields.Datetime.now()
        self._update_state(
            ("draft",),
            "scheduled" if later else "preparing",
            {
                "launched_by_id": self._launching_user().id,
                "launched_at": fields.Datetime.now(),
                "launched_mark": self._content_fingerprint(),
                "template_signature": self.template_id.signature,
                "to_prepare_count": self.audience_count,
            },
        )
        self.sudo()._start_ab_test()
        self.sudo()._set_utm()
        self._prepare_cron()._trigger(at=self.scheduled_at if later else None)

    def _check_launch(self):
        """Whatever would make the launch pointless or wrong, said before anything is sent."""
        self.ensure_one()
        self._check_ab_test()
        self._check_message()
        if not self.audience_count:
            raise UserError(
                self.env._(
                    "Nobody matches this audience, or you may not see them. Change the filter, or "
                    "choose records in the pipeline."
                )
            )
        self._check_preflight()

    def _check_message(self):
        """What is sent, and from where."""
        if not self.template_id:
            raise UserError(self.env._("Choose a template first: it is the message to send."))
        if not self.sender_id:
            raise UserError(self.env._("Choose the number to send from first."))
        if wrong := self._sender_mismatch():
            raise UserError(wrong[1])
        if reason := self.template_id._not_sendable_reason():
            raise UserError(reason)
        self._check_variables()

    def _check_variables(self):
        if self.ab_test:
            self._check_variant_variables(self.b_template_id, self.b_variable_ids)
        self._check_variant_variables(self.template_id, self.variable_ids)

    def _check_variant_variables(self, template, lines):
        wanted = {(line.component, line.button_index, line.name) for line in template.variable_ids}
        have = {(line.component, line.button_index, line.name) for line in lines}
        if wanted != have:
            raise UserError(
                self.env._(
                    "The variables of the template %s have changed since they were filled in here. "
                    "Choose the template again and fill them in.",
                    template.display_name,
                )
            )
        lines._check_field_path()
        lines._check_link()
        lines._check_own_address(template)
        empty = lines.filtered(lambda line: not line._is_complete())
        if empty:
            raise UserError(
                self.env._(
                    "Say what these variables show before launching: %s.",
                    ", ".join(f"{{{{{line.name}}}}}" for line in empty),
                )
            )

    def _set_utm(self):
        """A launched campaign is a UTM source, so that its outcome can be traced."""
        if not self.utm_source_id:
            self.utm_source_id = self.env["utm.source"].create({"name": self.name})
        if not self.utm_medium_id:
            self.utm_medium_id = self.env["utm.mixin"]._find_or_create_record(
                "utm.medium", "WhatsApp"
            )
        if not self.utm_campaign_id:
            self.utm_campaign_id = self.env["utm.campaign"].create({"title": self.name})
