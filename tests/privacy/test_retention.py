"""What is no longer kept is gone, and every figure it stood for is not."""

from datetime import datetime, timedelta

from odoo.tests import tagged

from ..common import WabaCase

FIGURES = ("people_count", "skipped_count", "sent_count", "delivered_count", "read_count",
           "replied_count", "failed_count", "opted_out_count", "progress")  # fmt: skip


@tagged("post_install", "-at_install")
class TestRetention(WabaCase):
    def setUp(self):
        super().setUp()
        self.messages = self.env["waba.message"]
        # Nobody listens: one attempt to post each webhook is enough.
        self.simulator.post("delivery", give_up_after=0)

    def _keep(self, days):
        self.env["ir.config_parameter"].set_param("waba_campaign.message_keep_days", str(days))

    def _finished_campaign(self):
        """A campaign of six that is through: read, answered, refused, left out."""
        leads = self._leads(5) + self._lead("+34 no number")
        self.simulator.post(
            "behaviour",
            people=[
                {"number": "+34611000001", "behaviour": "stop"},
                {"number": "+34611000002", "behaviour": "undeliverable"},
            ],
        )
        campaign = self._launch(leads)
        self._apply_posted()
        self._dispatch()
        campaign.invalidate_recordset()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(campaign.opted_out_count, 1)
        self.assertEqual(campaign.failed_count, 1)
        return campaign

    def _age(self, campaign, days):
        """As if `days` had passed since anything happened."""
        self.env.flush_all()
        old = datetime.now() - timedelta(days=days)
        self.env.cr.execute("UPDATE waba_message SET write_date = %s", (old,))
        campaign.launched_at = old
        self.env.flush_all()
        self.env.invalidate_all()

    def _figures(self, campaign):
        campaign.invalidate_recordset()
        return {name: campaign[name] for name in FIGURES}

    def test_everything_is_kept_unless_told_otherwise(self):
        campaign = self._finished_campaign()
        self._age(campaign, 5000)
        self.assertEqual(self.messages._gc_old(), (0, False))
        self.assertEqual(len(self._rows(campaign)), 6)

    def test_figures_outlive_the_messages(self):
        campaign = self._finished_campaign()
        before = self._figures(campaign)
        self._age(campaign, 400)
        self._keep(365)
        done, remaining = self.messages._gc_old()
        self.assertGreaterEqual(done, 6)
        while remaining:
            done, remaining = self.messages._gc_old()
        self.assertFalse(self._rows(campaign))
        self.assertFalse(self.messages.search([]))
        self.assertEqual(self._figures(campaign), before)
        # The ledger keeps its word without the message.
        self.assertEqual(self.env["waba.consent"].search_count([("action", "=", "opt_out")]), 1)

    def test_in_parts(self):
        campaign = self._finished_campaign()
        before = self._figures(campaign)
        self._age(campaign, 400)
        for row in self._rows(campaign):
            campaign._store_trimmed_counts(row.ids)
            self.env.cr.execute("DELETE FROM waba_message WHERE id = %s", (row.id,))
            self.assertEqual(self._figures(campaign), before)

    def test_what_is_recent_or_open_stays(self):
        campaign = self._finished_campaign()
        self._age(campaign, 300)
        self._keep(365)
        self.assertEqual(self.messages._gc_old(), (0, False))
        self._age(campaign, 400)
        uncertain = self._rows(campaign)[0]
        self.env.cr.execute(
            "UPDATE waba_message SET state = 'uncertain' WHERE id = %s", (uncertain.id,)
        )
        campaign.invalidate_recordset()
        while self.messages._gc_old()[1]:
            pass
        self.assertEqual(self._rows(campaign), uncertain)

    def test_a_campaign_under_way_keeps_everything(self):
        campaign = self._finished_campaign()
        self._age(campaign, 400)
        campaign.state = "running"
        self._keep(365)
        self.messages._gc_old()
        self.assertEqual(len(self._rows(campaign)), 6)

    def test_webhook_bodies_go_after_the_days_that_are_set(self):
        events = self.env["waba.webhook.event"]
        event = self._receive(self._change("brand_new", {"a": 1}))
        event.received_at = datetime.now() - timedelta(days=20)
        self.assertEqual(events._gc_applied(), (0, False))
        parameters = self.env["ir.config_parameter"]
        for value, expected in (("0", True), ("nonsense", True), ("30", True), ("10", False)):
            with self.subTest(value):
                parameters.set_param("waba_campaign.webhook_keep_days", value)
                events._gc_applied()
                self.assertIs(bool(event.exists()), expected)
