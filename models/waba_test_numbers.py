from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = "res.company"

    waba_test_numbers = fields.Char(
        "Numbers for tests",
        help="The phones that test messages may go to, your colleagues' included: "
        "+34600111222, +34600333444",
    )

    @api.constrains("waba_test_numbers")
    def _check_waba_test_numbers(self):
        for company in self:
            company._waba_test_number_list()

    def _waba_test_number_list(self):
        """The numbers as E.164.

        :raise ValidationError: naming what is no number
        """
        self.ensure_one()
        numbers = []
        for typed in filter(None, map(str.strip, (self.waba_test_numbers or "").split(","))):
            number = self.env["res.partner"]._phone_format(
                number=typed, country=self.country_id, force_format="E164"
            )
            if not number:
                raise ValidationError(
                    self.env._(
                        "%s is not a valid phone number. Write each with its country code, "
                        "separated by commas: +34600111222, +34600333444",
                        typed,
                    )
                )
            numbers.append(number)
        return numbers


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_test_numbers = fields.Char(related="company_id.waba_test_numbers", readonly=False)


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    def action_send_test(self):
        """To the own phone, filled as for the person in the preview (or the first one)."""
        self.ensure_one()
        self.check_access("write")
        self._check_ready_for_a_test()
        shown = self.env.context.get("waba_preview_record_id")
        records = self._audience_records()
        record = (shown and records.search([("id", "=", shown)])) or self._first_record()
        wizard = self.env["waba.test.send"].sudo().create(
            {
                "campaign_id": self.id,
                "res_id": record.id,
                "person_name": record
                and (record._waba_person_facts()["name"] or record.display_name),
                "variant": self._variant_to_test(),
            }
        )
        return wizard.sudo(False)._again()

    def _variant_to_test(self):
        if not self.ab_test:
            return "a"
        return self.winner or self.env.context.get("waba_preview_variant") or "both"

    def _check_ready_for_a_test(self):
        if not self.template_id or not self.sender_id:
            raise ValidationError(
                self.env._("Choose the template and the number first: a test sends the one from "
                           "the other.")
            )  # fmt: skip
