"""Pre-flight, approval and override on screen, as a salesperson and as a manager."""

from odoo.tests import tagged

from .test_tours import TourCase


@tagged("post_install", "-at_install")
class TestPreflightTours(TourCase):
    browser_size = "1440x900"

    def _mine(self):
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002", "+34 611 000 003", "n/a")
        return self._campaign(leads, user_id=self.salesperson.id)

    def _on(self, campaign, name, login):
        self._tour(name, login, f"/odoo/waba.campaign/{campaign.id}")

    def test_approval_is_asked_given_and_the_campaign_launched(self):
        self.env.company.waba_approval_above = 2
        campaign = self._mine()
        self._on(campaign, "waba_ask_for_approval", "waba_salesperson")
        self._on(campaign, "waba_approve", "waba_manager")
        self._on(campaign, "waba_launch_approved", "waba_salesperson")
        self.assertEqual(campaign.launched_by_id, self.salesperson)
        self.assertEqual(campaign.audience_count, 4)

    def test_a_stop_is_overridden_by_a_manager_with_a_reason(self):
        campaign = self._mine()
        self.sender.quality_rating = "red"
        self._on(campaign, "waba_stopped", "waba_salesperson")
        self._on(campaign, "waba_override", "waba_manager")
        self._on(campaign, "waba_launch_overridden", "waba_salesperson")
        self.assertEqual(campaign.override_by_id, self.manager)

    def test_the_rows_behind_a_line_are_shown(self):
        self._on(self._mine(), "waba_show_rows", "waba_salesperson")

    def test_an_empty_variable_is_opened_and_filled(self):
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002", "+34 611 000 003")
        campaign = self._campaign(leads, user_id=self.salesperson.id)
        campaign.variable_ids.filtered(lambda line: line.kind == "url").text = False
        self._on(campaign, "waba_fix_an_empty_variable", "waba_salesperson")
        self.assertEqual(campaign.state, "preparing")


@tagged("post_install", "-at_install")
class TestPreflightOnAPhone(TourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_a_stop_is_read_on_a_phone(self):
        leads = self._opportunities("+34 611 000 001")
        campaign = self._campaign(leads, user_id=self.salesperson.id)
        self.sender.quality_rating = "red"
        self._tour("waba_stopped_on_a_phone", "waba_salesperson",
                   f"/odoo/waba.campaign/{campaign.id}")  # fmt: skip
