"""The composer in the browser, as a salesperson without administrator rights."""

from odoo.tests import tagged

from .test_tours import TourCase

CAMPAIGNS = "/odoo/action-waba_campaign.waba_campaign_action"


@tagged("post_install", "-at_install")
class TestComposerTours(TourCase):
    browser_size = "1440x900"

    def test_the_preview_leads_through_the_people_before_anything_is_saved(self):
        self._opportunities("+34 611 000 001", "+34 611 000 002", "n/a")
        before = self.env["waba.campaign"].search_count([])
        self._tour("waba_preview_arrows", "waba_salesperson")
        self.assertEqual(self.env["waba.campaign"].search_count([]), before)

    def test_an_audience_from_an_earlier_campaign(self):
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002")
        earlier = self._launch(leads, name="Sofas in autumn", user_id=self.salesperson.id)
        rows = self._rows(earlier)
        rows[0].state, rows[1].state = "read", "delivered"
        self._tour("waba_audience_from_a_campaign", "waba_salesperson", CAMPAIGNS)
        campaign = self.env["waba.campaign"].search([("name", "=", "Once more")])
        self.assertEqual(campaign.audience_count, 2)
        self.assertEqual(campaign.audience_campaign_id, earlier)
