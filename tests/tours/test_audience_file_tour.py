"""Audience from a file, in the browser: rows become leads, these a campaign's recipients."""

from odoo.tests import tagged

from .test_tours import TourCase


@tagged("post_install", "-at_install")
class TestAudienceFileTour(TourCase):
    browser_size = "1440x900"

    def test_from_a_file_to_the_recipients_of_a_campaign(self):
        [known] = self._opportunities("+34 611 000 001")
        self._tour(
            "waba_audience_from_file",
            "waba_salesperson",
            "/odoo/action-waba_campaign.waba_campaign_action",
        )
        leads = self.env["crm.lead"].search([("tag_ids.name", "=", "Madrid fair")])
        new = leads - known
        self.assertEqual((len(leads), len(new)), (2, 1))
        self.assertEqual(
            (new.contact_name, new.phone_sanitized, new.user_id, new.source_id.name),
            ("Luis Prueba", "+34611000002", self.salesperson, "Fair 2026"),
        )
        self.assertFalse(known.source_id)
        self.assertFalse(self.env["waba.consent"].search([]))

        campaign = self.env["waba.campaign"].search([("name", "=", "After the fair")])
        self.assertEqual((campaign.state, campaign.user_id), ("preparing", self.salesperson))
        self._prepare()
        rows = self.env["waba.message"].search([("campaign_id", "=", campaign.id)])
        self.assertEqual(
            {(row.res_id, row.number, row.state) for row in rows},
            {(known.id, "+34611000001", "queued"), (new.id, "+34611000002", "queued")},
        )
        self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(len(self.simulator.sends()), 2)
