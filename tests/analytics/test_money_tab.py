"""The tab Cost and revenue: figures with their base, unknown is not 0; the comparison."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from .test_money import MoneyCase


class TabCase(MoneyCase):
    def _campaign_of(self, count, delivered=None, replied=0, won=0, days_ago=2, **values):
        """A launched campaign; its first leads are delivered to, answer and are won."""
        leads = self._leads(count)
        leads.type = "opportunity"
        campaign = self._campaign(leads, **values)
        at = self.now - timedelta(days=days_ago)
        campaign.write({"launched_at": at, "launched_by_id": self.env.uid, "state": "done"})
        for index, lead in enumerate(leads):
            arrived = index < (count if delivered is None else delivered)
            row = self._delivered(lead, days_ago, campaign_id=campaign.id)
            row.write(
                {"pricing_type": "regular", "pricing_category": "marketing",
                 "pricing_billable": "yes", "replied_at": index < replied and self.now}
                if arrived else {"state": "failed", "delivered_at": False}
            )  # fmt: skip
        for lead in leads[:won]:
            self._win(lead, 500)
        return campaign

    def _words(self, campaign):
        campaign.invalidate_recordset()
        names = [name for name in campaign._fields if name.startswith("money_")]
        return {name: campaign[name] or "" for name in names}


class TestCards(TabCase):
    def test_what_a_campaign_cost_and_what_came_of_it(self):
        self._rate(0.05)
        campaign = self._campaign_of(20, delivered=16, replied=8, won=5)
        self._count()
        words = self._words(campaign)
        self.assertIn("0.80", words["money_cost"])
        self.assertEqual(words["money_cost_base"], "16 delivered: 16 charged")
        self.assertEqual(words["money_replies"], "8")
        self.assertRegex(words["money_replies_base"], r"^50% of 16 delivered · .*0\.10.* each$")
        # No link of ours in it: whether somebody clicked is not known, and no "0" is told.
        self.assertEqual((words["money_clicks"], words["money_clicks_base"]), ("", ""))
        self.assertEqual(words["money_won"], "5")
        self.assertRegex(words["money_won_base"], r"2,500\.00.* expected revenue · .*0\.16.* each")
        self.assertEqual(words["money_return"], "3,125×")
        self.assertRegex(words["money_return_base"], r"expected revenue on .*0\.80.* cost")
        self.assertIn("in the 14 days before", words["money_rule"])
        self.assertIn("Updated at", words["money_counted"])

    def test_without_a_rate_no_price_is_told(self):
        campaign = self._campaign_of(6, replied=6, won=6)
        self._count()
        words = self._words(campaign)
        self.assertEqual(words["money_cost"], "Unknown")
        self.assertEqual(
            words["money_cost_base"], "Cost known for 0 of 6 delivered: 6 without a rate"
        )
        self.assertEqual(words["money_replies_base"], "100% of 6 delivered")
        self.assertEqual(words["money_return"], "–")
        self.assertEqual(words["money_return_base"], "Needs the cost of every message")
        self.assertNotIn("each", words["money_won_base"])

    def test_a_partly_known_cost_says_its_base(self):
        self._rate(0.05)
        campaign = self._campaign_of(6, replied=6)
        self._rows_of(campaign)[0].number = "+33612345678"
        self._count()
        words = self._words(campaign)
        self.assertIn("0.25", words["money_cost"])
        self.assertEqual(
            words["money_cost_base"],
            "Cost known for 5 of 6 delivered: 5 charged, 1 without a rate",
        )
        self.assertNotIn("each", words["money_replies_base"])

    def _rows_of(self, campaign):
        return self.env["waba.message"].search([("campaign_id", "=", campaign.id)])

    def test_too_few_are_not_made_a_price_of(self):
        self._rate(0.05)
        campaign = self._campaign_of(4, replied=2, won=1)
        self._count()
        words = self._words(campaign)
        self.assertEqual(
            words["money_replies_base"], "50% of 4 delivered · cost each: not enough data"
        )
        self.assertEqual(words["money_return"], "–")
        self.assertEqual(words["money_return_base"], "Not enough data: 1 of 5 won leads")

    def test_before_anything_was_counted(self):
        words = self._words(self._campaign_of(2))
        self.assertEqual(words["money_cost_base"], "No messages delivered yet")
        self.assertIn("Not updated yet", words["money_counted"])

    def test_each_card_opens_what_is_behind_it(self):
        self._rate(0.05)
        campaign = self._campaign_of(6, replied=3, won=2)
        self._count()
        for card, model, count in [
            ("cost", "waba.message", 6), ("replies", "waba.message", 6),
            ("won", "waba.attribution", 5), ("return", "waba.money.report", 4),
        ]:  # fmt: skip
            with self.subTest(card):
                action = campaign.with_context(show_money=card).action_view_cost_report()
                self.assertEqual(action["res_model"], model)
                found = self.env[model].search(action["domain"])
                self.assertEqual(set(found.campaign_id), {campaign})
                self.assertGreaterEqual(len(found), 2)
                self.assertLessEqual(len(found), count + 2)

    def test_a_salesperson_reads_the_tab_of_the_own_campaign(self):
        self._rate(0.05)
        campaign = self._campaign_of(6, replied=6, user_id=self.salesperson.id)
        self._count()
        campaign.invalidate_recordset()
        self.assertIn("0.30", campaign.with_user(self.salesperson).money_cost)

    def test_the_template_counts_what_it_won(self):
        campaign = self._campaign_of(3, won=2)
        self._count()
        self.assertEqual(campaign.template_id.with_user(self.manager).won_count, 2)


class TestHoldOut(TabCase):
    def test_a_share_is_left_out_by_chance_and_named(self):
        campaign = self._campaign(self._leads(200), holdout_percent=30)
        campaign.action_launch()
        self._prepare()
        rows = self.env["waba.message"].search([("campaign_id", "=", campaign.id)])
        held = rows.filtered(lambda row: row.failure_type == "holdout")
        self.assertEqual(len(rows), 200)
        self.assertEqual(set(held.mapped("state")), {"skipped"})
        self.assertTrue(30 <= len(held) <= 90, len(held))
        self.assertIn("hold-out group", held[0].failure_reason)
        again = campaign._row_values(self.env["crm.lead"].browse(held[:3].mapped("res_id")))
        self.assertEqual([row["failure_type"] for row in again], ["duplicate"] * 3)

    def test_who_may_not_be_written_to_is_no_part_of_the_comparison(self):
        leads = self._leads(40) | self._lead("n/a")
        campaign = self._campaign(leads, holdout_percent=50)
        campaign.action_launch()
        self._prepare()
        [row] = self.env["waba.message"].search(
            [("campaign_id", "=", campaign.id), ("res_id", "=", leads[-1].id)]
        )
        self.assertEqual(row.failure_type, "invalid_number")

    def test_most_of_an_audience_is_written_to_and_the_share_is_fixed(self):
        campaign = self._campaign(self._leads(1))
        for percent in (-1, 51):
            with self.assertRaises(ValidationError):
                campaign.holdout_percent = percent
        campaign.holdout_percent = 0
        campaign.action_launch()
        with self.assertRaises(UserError):
            campaign.holdout_percent = 10


class TestComparison(TabCase):
    def _hold_out(self, campaign, count):
        campaign.write({"state": "draft"})
        campaign.holdout_percent = 50
        campaign.write({"state": "done"})
        rows = self.env["waba.message"].search([("campaign_id", "=", campaign.id)], limit=count)
        rows.write(
            {"state": "skipped", "failure_type": "holdout", "delivered_at": False,
             "sent_at": False, "accepted_at": False}
        )  # fmt: skip

    def test_an_experiment_is_counted_alike_on_both_sides(self):
        campaign = self._campaign_of(240, days_ago=2)
        self._hold_out(campaign, 110)
        rows = self.env["waba.message"].search([("campaign_id", "=", campaign.id)])
        held = rows.filtered(lambda row: row.failure_type == "holdout")
        written = rows - held
        for row in (*written[:40], *held[:5]):
            self._win(row._get_record(), days_ago=1)
        # Won before the launch: of no side.
        self._win(written[50]._get_record(), days_ago=5)
        text = campaign.money_comparison
        self.assertIn("31.0% of 129 leads contacted, 4.5% of 110 in the hold-out group", text)
        self.assertIn("The difference is significant", text)
        self.assertNotIn("at random", text)
        self.assertIn("Preliminary", text)

    def test_without_a_share_it_is_said_that_it_proves_nothing(self):
        others = self._leads(130, start=1000)
        others.type = "opportunity"
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s", (fields.Datetime.now() - timedelta(days=60),)
        )
        self.env.invalidate_all()
        self._delivered(others[0], 3)
        campaign = self._campaign_of(120, days_ago=20)
        campaign.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s", (fields.Datetime.now() - timedelta(days=60),)
        )
        text = campaign.money_comparison
        self.assertIn("0% of 120 in this campaign, 0% of 130 leads of the same sales teams", text)
        self.assertIn("not significant", text)
        self.assertIn("not chosen at random", text)
        self.assertNotIn("Preliminary", text)

    def test_few_are_too_few(self):
        campaign = self._campaign_of(20, won=10)
        self.assertIn("Not enough data: each group needs 100 leads", campaign.money_comparison)

    def test_a_draft_has_nothing_to_compare(self):
        self.assertFalse(self._campaign(self._leads(1)).money_comparison)
