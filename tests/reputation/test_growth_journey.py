"""From the plan to the next level: real campaigns, the simulator's own rule, and its webhooks."""

from datetime import timedelta

from odoo.tests import tagged

from ..common import NUMBER_ES
from .test_growth_plan import GrowthCase

# The simulator needs this share of Meta's people, so that a test reaches a level with ten.
SCALE = 0.01
DAY = 86_400


@tagged("post_install", "-at_install")
class TestGrowthJourney(GrowthCase):
    def setUp(self):
        super().setUp()
        self.simulator.post("delivery", give_up_after=0)
        self.simulator.post("limit", limit="TIER_2K", webhook=False)
        self.simulator.post("growth", enabled=True, scale=SCALE, fewest=5)

    def _send_to(self, count, start):
        _leads, people = self._opted_in(count, start)
        action = self.portfolio.with_user(self.manager).action_create_warmest_campaign(count)
        records = self.env[action["context"]["active_model"]].browse(
            action["context"]["active_ids"]
        )
        campaign = self._launch(records, warmest_first=True)
        self._apply_posted()
        self.env.invalidate_all()
        self.assertEqual(campaign.delivered_count, count)
        return people

    def test_half_of_the_limit_raises_it_within_six_hours(self):
        with self._moving_clock() as move:
            self._send_to(6, 0)
            self.assertEqual(self._plan()["progress"]["used"], 6)
            move(DAY)
            self._send_to(6, 100)
            self.assertEqual(self._plan()["progress"]["used"], 12)
            [state] = self.simulator.get("growth").values()
            self.assertEqual((state["used"], state["needed"]), (12, 10))
            self.assertIsNotNone(state["due_at"])
            self.assertEqual(self.portfolio.messaging_limit, "2000")
            move(6 * 3600)
            self._apply_posted()
            self.assertEqual(self.portfolio.messaging_limit, "10000")
            plan = self._plan()
            self.assertEqual(plan["progress"]["needed"], 5000)
            statuses = [level["status"] for level in plan["ladder"]]
            self.assertEqual(statuses, ["reached", "reached", "current", "next", "later"])

    def test_people_who_block_stop_the_raise(self):
        self.simulator.post("behaviour", block_rate=1.0)
        with self._moving_clock() as move:
            self._send_to(12, 0)
            move(timedelta(hours=6).total_seconds())
            self._apply_posted()
            self.assertEqual(self.portfolio.messaging_limit, "2000")
            alerts = self.env["waba.reputation.event"].search([("kind", "=", "account_alert")])
            self.assertEqual(
                alerts.mapped("value_after"), ["INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"]
            )
            self.account._sync()
            number = self.account.sender_ids.filtered(lambda one: one.phone_number_uid == NUMBER_ES)
            self.assertEqual(number.quality_rating, "red")
            plan = self._plan()
            self.assertEqual((plan["state"], plan["campaign_size"]), ("blocked", 0))
