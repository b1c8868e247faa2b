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

    def test_records_are_picked_removed_and_excluded_in_the_campaign(self):
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002", "+34 611 000 003")
        team = self.env["crm.team"].create({"name": "Europe"})
        leads.team_id = team
        self._campaign(leads, user_id=self.salesperson.id)
        self._tour("waba_pick_records", "waba_salesperson", CAMPAIGNS)
        campaign = self.env["waba.campaign"].search([("name", "=", "Picked by hand")])
        self.assertEqual((campaign.audience_team_id, campaign.sender_id), (team, self.sender))
        self.assertEqual(campaign.audience_excluded_ids, leads[0].ids)
        self.assertEqual(campaign._first_record(), leads[1])
        self.assertEqual(campaign.audience_count, 2)

    def test_from_three_selected_cards_to_sent_messages_in_under_ten_clicks(self):
        self.env.company.waba_quiet_hours = False
        self._opportunities("+34 611 000 001", "+34 611 000 002", "+34 611 000 003")
        self._tour("waba_launch_in_few_clicks", "waba_salesperson")
        campaign = self.env["waba.campaign"].search([("user_id", "=", self.salesperson.id)])
        self.assertEqual(campaign.state, "preparing")
        self._prepare()
        self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(
            {entry["body"]["to"] for entry in self.simulator.sends()},
            {"+34611000001", "+34611000002", "+34611000003"},
        )

    def test_two_messages_are_tried_and_the_better_one_chosen(self):
        self.env.company.waba_quiet_hours = False
        self.sender.canary = False
        leads = self._leads(160)
        campaign = self._campaign(leads, user_id=self.salesperson.id)
        url = f"/odoo/waba.campaign/{campaign.id}"
        self._tour("waba_try_two_messages", "waba_salesperson", url)
        self.assertTrue(campaign.ab_test)
        self._prepare()
        for _run in range(5):
            self._dispatch()
            if campaign.ab_state == "waiting":
                break
        self._tour("waba_choose_the_better_message", "waba_salesperson", url)
        self.assertEqual(campaign.winner, "b")
        self.assertEqual(len(self._rows(campaign)), 160)

    def test_a_test_message_to_the_own_phone(self):
        self.salesperson.partner_id.write(
            {"phone": "+34 611 777 001", "country_id": self.env.ref("base.es").id}
        )
        self.env.company.waba_test_numbers = "+34611777001"
        campaign = self._campaign(self._leads(2), user_id=self.salesperson.id)
        self._tour("waba_send_a_test", "waba_salesperson", f"/odoo/waba.campaign/{campaign.id}")
        self._dispatch()
        [entry] = self.simulator.sends()
        self.assertEqual(entry["body"]["to"], "+34611777001")
