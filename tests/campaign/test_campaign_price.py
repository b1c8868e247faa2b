"""Maximum prices of a campaign: on the wire, in the estimate, changed, and never passed."""

from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError

from ..dispatch.test_marketing_route import MARKETING, MarketingCase


class PriceCase(MarketingCase):
    def setUp(self):
        super().setUp()
        self._onboard()
        self._price_template(10_000)
        self.spain, self.mexico = self.env.ref("base.es"), self.env.ref("base.mx")

    def _priced(self, records, *prices, **values):
        """A draft campaign with these (country, price)."""
        lines = [
            fields.Command.create({"country_id": country and country.id, "max_price": price})
            for country, price in prices
        ]
        return self._campaign(records, price_ids=lines, **values)

    def _start(self, campaign):
        campaign._start_launch()
        self._prepare()
        self._dispatch()
        return campaign

    def _spain(self, price):
        return (self.spain, price)


class TestWire(PriceCase):
    def test_each_country_has_its_own_share_of_the_templates_price(self):
        spanish, mexican = self._someone(), self._lead("+52 55 1234 5678")
        campaign = self._priced(
            spanish | mexican, (self.spain, 0.033333), (self.mexico, 0.02)
        )  # fmt: skip
        self._start(campaign)
        sent = {entry["recipient"][:3]: entry for entry in self._priced_entries()}
        shares = {
            start: entry["body"]["bid_spec"]["per_message_bid_multiplier"]
            for start, entry in sent.items()
        }
        self.assertEqual(shares, {"+34": 0.3333, "+52": 0.2})
        prices = {row.number[:3]: row.max_price for row in self._rows(campaign)}
        self.assertEqual(prices, {"+34": 0.033333, "+52": 0.02})

    def _priced_entries(self):
        return [entry for entry in self.simulator.sends() if entry["auction"]]

    def test_other_countries_have_the_price_for_all_others_else_the_templates(self):
        mexican = self._lead("+52 55 1234 5678")
        self._start(self._priced(mexican, (self.spain, 0.03), (False, 0.05)))
        self.assertEqual(self._priced_entries()[-1]["max_price"], 0.05)
        row = self._rows(self._start(self._priced(self._someone(), (self.mexico, 0.03))))
        self.assertEqual(self._priced_entries()[-1]["max_price"], 0.1)
        self.assertNotIn("bid_spec", self._priced_entries()[-1]["body"])
        self.assertEqual(row.max_price, 0.1)

    def test_a_price_above_the_templates_does_not_raise_it(self):
        row = self._rows(self._start(self._priced(self._someone(), self._spain(0.5))))
        self.assertNotIn("bid_spec", self._priced_entries()[-1]["body"])
        self.assertEqual(row.max_price, 0.1)

    def test_no_charge_is_above_the_campaigns_price_whatever_the_auction(self):
        self.simulator.post("auction", price=0.05, spread=0.9, seed=7)
        for price in (0.004, 0.0333, 0.05, 0.0777, 0.0999):
            campaign = self._start(self._priced(self._someone(12), self._spain(price)))
            for row in self._rows(campaign):
                self.assertLessEqual(Decimal(str(row.max_price)), Decimal(str(price)))
        self._apply_posted()
        entries = self._priced_entries()
        self.assertEqual({entry["auction"] for entry in entries}, {"won", "lost"})
        by_tag = {entry["opaque"].partition("/")[0]: entry for entry in entries}
        rows = self.env["waba.message"].search([("uuid", "in", list(by_tag))])
        self.assertEqual(len(rows), 60)
        for row in rows:
            entry = by_tag[row.uuid]
            self.assertLessEqual(entry["max_price"], row.max_price + 1e-9)
            if row.charge is not False:
                self.assertEqual(row.charge, entry["charge"])
                self.assertLessEqual(row.charge, row.max_price)
        self.assertEqual(self.simulator.get("stats")["prices"]["above"], [])
        self.assertFalse(
            self.env["waba.reputation.event"].search([("kind", "=", "price_exceeded")])
        )

    def test_without_the_endpoint_nothing_is_sent_at_another_price(self):
        campaign = self._priced(self._someone(), self._spain(0.03))
        self.account.marketing_onboarding = "ELIGIBLE"
        self._start(campaign)
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(campaign.state, "paused")
        self.assertIn("terms", campaign.pause_reason)
        self.account.marketing_onboarding = "ONBOARDED"
        campaign._resume("test.")
        self._dispatch()
        self.assertEqual(self._endpoints(), [MARKETING])


class TestChange(PriceCase):
    def test_a_change_applies_to_messages_that_are_not_sent_yet(self):
        campaign = self._priced(self._someone(4), self._spain(0.05))
        campaign._start_launch()
        self._prepare()
        rows = self._rows(campaign)
        rows[2:].write({"retry_at": fields.Datetime.add(fields.Datetime.now(), hours=1)})
        self._dispatch()
        campaign.price_ids.max_price = 0.04
        rows[2:].write({"retry_at": fields.Datetime.now()})
        self._dispatch()
        self.assertEqual(rows.mapped("max_price"), [0.05, 0.05, 0.04, 0.04])
        self.assertIn("0.05 EUR → 0.04 EUR", self._chatter(campaign))

    def test_after_the_launch_only_a_manager_raises_it(self):
        campaign = self._priced(self._someone(), self._spain(0.05), user_id=self.salesperson.id)
        campaign._start_launch()
        line = campaign.price_ids.with_user(self.salesperson)
        line.max_price = 0.04
        for refused in (
            lambda: line.write({"max_price": 0.06}),
            line.unlink,
            lambda: line.write({"country_id": self.mexico.id}),
        ):
            with self.assertRaises(UserError):
                refused()
        campaign.price_ids.with_user(self.manager).max_price = 0.06
        self.assertEqual(campaign.price_ids.max_price, 0.06)
        campaign.sudo().state = "done"
        with self.assertRaisesRegex(UserError, "has ended"):
            campaign.price_ids.with_user(self.manager).max_price = 0.01

    def test_a_price_is_one_per_country_and_above_0(self):
        campaign = self._priced(self._someone(), self._spain(0.05))
        for values in ({"country_id": self.spain.id, "max_price": 1}, {"max_price": 0}):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                campaign.price_ids.create({"campaign_id": campaign.id, **values})

    def test_it_belongs_to_the_campaign_and_its_people(self):
        campaign = self._priced(self._someone(), self._spain(0.05))
        line = campaign.price_ids.with_user(self.salesperson)
        with self.assertRaises(AccessError):
            line.max_price = 0.01
        self.assertEqual(campaign.copy().price_ids.max_price, 0.05)
        self.assertIn("Maximum price", campaign.options_text)

    def test_an_approval_is_for_its_prices(self):
        campaign = self._priced(self._someone(), self._spain(0.05))
        campaign.sudo().write(
            {"launch_mark": campaign._launch_fingerprint(), "override_reason": "Because."}
        )
        campaign.price_ids.max_price = 0.06
        self.assertFalse(campaign.override_reason)


class TestEstimate(PriceCase):
    def test_metas_estimate_is_shown_with_its_time(self):
        self.simulator.post("auction", prices={"ES": 0.05}, spread=0.2)
        campaign = self._priced(self._someone(), self._spain(0.05), (False, 0.02))
        campaign.action_preflight()
        spain, others = campaign.price_ids.sorted(lambda line: not line.country_id)
        self.assertRegex(
            spain.estimate_text, r"\d+–\d+ of 1,000 recipients, at 0\.0\d+–0\.0\d+ EUR"
        )
        self.assertIn("Meta", spain.estimate_text)
        self.assertFalse(others.estimate_text)
        asked = [
            entry for entry in self.simulator.get("log")["entries"]
            if entry["path"].endswith("/reachestimate")
        ]  # fmt: skip
        self.assertEqual(len(asked), 1)
        campaign.action_preflight()
        self.assertEqual(len([e for e in self.simulator.get("log")["entries"]
                              if e["path"].endswith("/reachestimate")]), 1)  # fmt: skip
        spain.max_price = 0.001
        self.assertIn("Below all prices", spain.estimate_text)

    def test_without_one_the_reason_is_shown_and_nothing_fails(self):
        self.simulator.post("account", id=self.account.waba_uid, max_price_agreement=False)
        campaign = self._priced(self._someone(), self._spain(0.05))
        campaign.action_preflight()
        self.assertIn("agreement", campaign.price_ids.estimate_text)

    def test_the_cost_is_at_most_what_the_prices_allow(self):
        campaign = self._priced(self._someone(3), self._spain(0.05))
        report = campaign._preflight_report()
        [cost] = [check for check in report.checks if check.line == "cost"]
        self.assertRegex(cost.sentence, r"At most .*0\.15.* for 3 messages")

    def test_only_promotions_have_a_price(self):
        campaign = self._priced(
            self._someone(), self._spain(0.05), template_id=self.utility_template.id
        )
        with self.assertRaisesRegex(UserError, "Only promotions"):
            campaign.action_launch()
