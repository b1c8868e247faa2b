"""A newcomer's first hour: from the empty database to the first delivered message, by clicks."""

from odoo.tests import tagged

from ..common import PublicAddress, scheduler_has_run
from .test_tours import TourCase

MOST_CLICKS = 25


@tagged("post_install", "-at_install")
class TestFirstHour(TourCase):
    browser_size = "1440x900"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.unlink()
        cls.env["ir.config_parameter"].set_param(
            "waba_campaign.simulator_port", cls.simulator.url.rpartition(":")[2]
        )

    def test_from_an_empty_database_to_the_first_delivered_message(self):
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.env["ir.config_parameter"].set_param("web.base.url", address.url)
        scheduler_has_run(self.env)
        self.seen = 0
        clicks = self._count_clicks("waba_first_hour")
        account = self.env["waba.account"].search([])
        self.assertEqual((account.state, account.is_simulated), ("connected", True))
        opt_ins = self.env["waba.consent"].search([("action", "=", "opt_in")])
        self.assertEqual(set(opt_ins.mapped("number")), {"+34611000001", "+34611000002"})
        test = self.env["waba.message"].search([("origin", "=", "test")])
        self._dispatch(test.sender_id)
        self._statuses_come_in(account)
        self.assertEqual(test.state, "read")

        clicks += self._count_clicks("waba_first_campaign", "/odoo/whatsapp-getting-started")
        campaign = self.env["waba.campaign"].search([])
        self._prepare()
        self._dispatch(campaign.sender_id)
        self._statuses_come_in(account)
        self.assertEqual((campaign.state, campaign.delivered_count), ("done", 2))
        self.assertEqual(
            {send["body"]["to"] for send in self.simulator.sends()},
            {"+34611000009", "+34611000001", "+34611000002"},
        )
        clicks += self._count_clicks("waba_first_delivered", f"/odoo/waba.campaign/{campaign.id}")
        self.assertGreater(clicks, 10)
        self.assertLessEqual(clicks, MOST_CLICKS)

    def _count_clicks(self, tour, url="/odoo"):
        """Run a tour as the administrator; how many clicks it has counted."""
        self._tour(tour, "admin", url)
        return int(self.env["ir.config_parameter"].get_param(f"clicks_of_{tour}"))

    def _statuses_come_in(self, account):
        """What the simulator has posted to the public address reaches ours, signed as it was."""
        self.simulator.post("flush", hurry=True)
        attempts = self.simulator.get("webhooks", since=self.seen)["entries"]
        url = f"{self.base_url()}/waba/webhook/{account.webhook_key}"
        with self.allow_requests(all_requests=True):
            for attempt in attempts:
                self.simulator.post("webhook", body=attempt["body"], url=url)
        self.seen = self.simulator.get("webhooks")["next"]
        self._apply_webhooks()
