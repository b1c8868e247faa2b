from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..common import WabaCase


class TestSettle(WabaCase):
    """A person decides about rows whose outcome nobody knows."""

    def _uncertain(self, count, **values):
        campaign = self._campaign(self._leads(count), **values)
        campaign.action_launch()
        self._prepare()
        rows = self._rows(campaign)
        # What a worker leaves that was killed between the reservation and the answer.
        rows.write(
            {"state": "reserved", "attempt_count": 1, "reserved_until": "2026-01-01 00:00:00"}
        )
        self._dispatch()
        self.assertEqual(set(rows.mapped("state")), {"uncertain"})
        self.assertFalse(self.simulator.sends(), "an uncertain row must never be sent by itself")
        return campaign, rows

    def test_it_arrived_counts_as_accepted_and_sends_nothing(self):
        campaign, rows = self._uncertain(3, user_id=self.salesperson.id)
        action = rows.with_user(self.salesperson).action_settle_arrived()
        self.assertEqual(action["params"]["type"], "success")
        self.assertEqual(set(rows.mapped("state")), {"accepted"})
        self._dispatch()
        self.assertFalse(self.simulator.sends())
        self.assertIn("settled 3 unconfirmed messages", campaign.message_ids[0].body)

    def test_send_again_sends_once_with_a_new_attempt(self):
        campaign, rows = self._uncertain(2)
        self.assertEqual(campaign.state, "done")
        rows.with_user(self.manager).action_settle_resend()
        self.assertEqual(campaign.state, "running")
        # The pace between two messages to one person holds for a resend too.
        self.env["waba.conversation"].search([]).write({"pair_free_at": "2026-01-01 00:00:00"})
        self._dispatch()
        tags = {entry["opaque"] for entry in self.simulator.sends()}
        self.assertEqual(tags, {f"{row.uuid}/2" for row in rows})

    def test_rows_settled_meanwhile_stay_as_they_are(self):
        _campaign, rows = self._uncertain(2)
        self._receive(self._status(rows[0], "delivered"))
        action = rows.action_settle_resend()
        self.assertEqual(rows.mapped("state"), ["delivered", "queued"])
        self.assertIn("1 were already settled", action["params"]["message"])

    def test_rows_of_a_cancelled_campaign_are_not_sent_again(self):
        campaign, rows = self._uncertain(1)
        campaign.write({"state": "cancelled"})
        action = rows.action_settle_resend()
        self.assertEqual(rows.state, "uncertain")
        self.assertEqual(action["params"]["type"], "warning")

    def test_whoever_may_not_read_the_rows_may_not_settle_them(self):
        _campaign, rows = self._uncertain(1, user_id=self.manager.id)
        stranger = new_test_user(self.env, "waba_stranger", groups="base.group_user")
        for user in (stranger, self.salesperson):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                rows.with_user(user).action_settle_arrived()
        self.assertEqual(rows.state, "uncertain")
