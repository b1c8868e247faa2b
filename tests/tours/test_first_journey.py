from ..common import WabaCase


class TestFirstJourney(WabaCase):
    def test_campaign_leaves_once_and_statuses_come_back(self):
        leads = self._leads(12)
        campaign = self._launch(leads)
        self.assertEqual(campaign.sent_count, 12)
        self.assertEqual(campaign.state, "done")
        tags = [entry["opaque"] for entry in self.simulator.sends()]
        self.assertEqual(len(tags), 12)
        self.assertEqual(len(set(tags)), 12)
        self.assertEqual(self.portfolio.slots_used, 12)
        for row in self._rows(campaign):
            self._store_event(self._status(row, "delivered"))
        self._apply_webhooks()
        campaign.invalidate_recordset()
        self.assertEqual(campaign.delivered_count, 12)
