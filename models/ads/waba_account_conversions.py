"""Ads: what an account reports to Meta as conversions, its dataset, and the test of both.

Called by the account's form; waba_conversion.py asks `_reports_conversions` and `_is_qualified`.
"""

import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...cloud_api import CloudApiError, conversion_event
from ...cloud_api.conversions import CLICK_REFUSED, QUALIFIED_NAMES, WON_NAME

# No click has this id: Meta refuses the event for it alone, once all the rest is right.
TEST_CLICK = "waba_campaign-test-event"


class WabaAccount(models.Model):
    _inherit = "waba.account"

    conversions_on = fields.Boolean(
        "Report conversions",
        tracking=True,
        help="Tells Meta which leads from ads were qualified and won.",
    )
    dataset_uid = fields.Char(
        "Dataset ID", copy=False, tracking=True, help="In Meta's Events Manager."
    )
    qualified_stage_id = fields.Many2one(
        "crm.stage",
        "Qualified from",
        ondelete="set null",
        help="A lead is qualified in this stage or a later one.",
    )
    qualified_event = fields.Selection(
        [(name, name) for name in QUALIFIED_NAMES],
        "Event for qualified",
        default=QUALIFIED_NAMES[0],
        required=True,
        help="Choose LeadSubmitted if Meta refuses QualifiedLead.",
    )
    conversion_test_code = fields.Char(
        "Test code", copy=False, help="From Test events in Meta's Events Manager."
    )
    conversion_count = fields.Integer("Conversions", compute="_compute_conversion_count")

    def _compute_conversion_count(self):
        groups = self.env["waba.conversion"].sudo()._read_group(
            [("account_id", "in", self.ids)], ["account_id"], ["__count"]
        )  # fmt: skip
        counts = dict(groups)
        for account in self:
            account.conversion_count = counts.get(account, 0)

    @api.constrains("conversions_on", "dataset_uid")
    def _check_dataset(self):
        for account in self:
            uid = account.dataset_uid
            if uid and not (uid.isascii() and uid.isdigit() and len(uid) <= 40):
                raise ValidationError(
                    self.env._("%s is not a dataset ID, which has digits only.", uid)
                )
            if account.conversions_on and not uid:
                raise ValidationError(
                    self.env._("Conversions need a dataset. Click Create dataset first.")
                )

    def action_view_conversions(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "waba_campaign.waba_conversion_action"
        )
        return {**action, "domain": [("account_id", "=", self.id)], "context": {}}

    def action_create_dataset(self):
        """Store the account's dataset at Meta, created there if it has none."""
        self.ensure_one()
        self.check_access("write")
        try:
            with self._client() as client:
                uid = client.get_dataset(self.waba_uid) or client.create_dataset(self.waba_uid)
        except CloudApiError as error:
            raise UserError(self._error_text(error)) from error
        self.dataset_uid = uid
        return self._notify_conversions(self.env._("Dataset %s is connected.", uid))

    def action_test_conversion(self):
        """Send an event that counts nothing, and show whether Meta takes events from here."""
        self.ensure_one()
        self.check_access("write")
        if not self.dataset_uid:
            raise UserError(self.env._("Conversions need a dataset. Click Create dataset first."))
        event = conversion_event(
            WON_NAME,
            fields.Datetime.now(),
            uuid.uuid4().hex,
            self.waba_uid,
            TEST_CLICK,
            value=0.0,
            currency=self.company_id.currency_id.name,
        )
        try:
            with self._client() as client:
                client.send_conversion(self.dataset_uid, event, self.conversion_test_code or "")
        except CloudApiError as error:
            # Observed in 2026: token, dataset and form are checked before the click.
            if error.subcode != CLICK_REFUSED:
                raise UserError(self.env["waba.conversion"]._refusal_text(error, self)) from error
        return self._notify_conversions(
            self.env._(
                "Meta accepts events of this account. The test had no ad click, so Meta counts "
                "nothing."
            )
        )

    def _notify_conversions(self, text):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": text,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _reports_conversions(self):
        return bool(self) and self.conversions_on and bool(self.dataset_uid)

    def _is_qualified(self, lead):
        """Whether a lead is in the stage that means qualified, or behind it."""
        stage, now = self.qualified_stage_id, lead.stage_id
        return bool(stage) and (now == stage or now.sequence > stage.sequence)


class ResCompany(models.Model):
    _inherit = "res.company"

    waba_conversion_consent = fields.Selection(
        [("opted_in", "Opted in to promotions"), ("no_opt_out", "Not opted out")],
        "Reported people",
        default="opted_in",
        required=True,
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_conversion_consent = fields.Selection(
        related="company_id.waba_conversion_consent", readonly=False, required=True
    )
