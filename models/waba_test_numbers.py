from odoo import models
from odoo.exceptions import ValidationError


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    def action_send_test(self):
        """To the own phone, filled as for the person in the preview (or the first one)."""
        self.ensure_one()
        self.check_access("write")
        self._check_test_ready()
        shown = self.env.context.get("waba_preview_record_id")
        records = self._audience_records()
        record = (shown and records.search([("id", "=", shown)])) or self._first_record()
        wizard = (
            self.env["waba.test.send"]
            .sudo()
            .create(
                {
                    "campaign_id": self.id,
                    "res_id": record.id,
                    "person_name": record
                    and (record._waba_person_facts()["name"] or record.display_name),
                    "variant": self._test_variant(),
                }
            )
        )
        return wizard.sudo(False)._reopen()

    def _test_variant(self):
        if not self.ab_test:
            return "a"
        return self.winner or self.env.context.get("waba_preview_variant") or "both"

    def _check_test_ready(self):
        if not self.template_id or not self.sender_id:
            raise ValidationError(
                self.env._("Choose the template and the number first: a test sends the one from "
                           "the other.")
            )  # fmt: skip
