from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.models.base.waba_portfolio import MESSAGING_LIMITS
from odoo.tools import mute_logger

from ..common import PORTFOLIO_UID, WabaCase

OUTLET_UID = "200000000000002"


class PortfolioCase(WabaCase):
    def _said(self):
        return " ".join(self.portfolio.message_ids.mapped("body"))

    def _connected(self, **values):
        """The second account of the simulator's portfolio, connected and read."""
        outlet = self._create_account(waba_uid=OUTLET_UID, **values)
        outlet._sync()
        outlet.state = "connected"
        return outlet

    def _outlet_campaign(self, outlet, records):
        template = outlet.template_ids.filtered(
            lambda template: (template.name, template.language) == ("autumn_offer", "es")
        )
        return self._launch(records, sender_id=outlet.sender_ids.id, template_id=template.id)


class TestLimit(PortfolioCase):
    def test_each_limit_of_metas_is_taken_over(self):
        cases = [
            ("TIER_50", "50", 50), ("TIER_250", "250", 250), ("TIER_1K", "1000", 1000),
            ("TIER_2K", "2000", 2000), ("TIER_10K", "10000", 10000),
            ("TIER_100K", "100000", 100000), ("TIER_UNLIMITED", "unlimited", None),
        ]  # fmt: skip
        self.assertEqual(
            {key for _word, key, _people in cases} | {"unknown"}, set(dict(MESSAGING_LIMITS))
        )
        for word, key, people in cases:
            with self._case(word):
                self.simulator.post("limit", limit=word, webhook=False)
                self.account._sync()
                self.assertEqual(self.portfolio.messaging_limit, key)
                self.assertEqual(self.portfolio._people_limit(), people)
                self.assertEqual(self.portfolio.people_limit, people or 0)
                self.assertEqual(self.portfolio.is_unlimited, people is None)

    def test_what_meta_does_not_tell_changes_nothing(self):
        for word in ("TIER_NOT_SET", "UNTIERED", "SOMETHING_NEW"):
            with self._case(word):
                self.simulator.post("limit", limit="TIER_2K", webhook=False)
                self.account._sync()
                self.simulator.call("limit", {"limit": word, "webhook": False})
                self.account._sync()
                self.assertEqual(self.portfolio.messaging_limit, "2000")

    def test_until_meta_tells_we_count_on_250(self):
        portfolio = self.env["waba.portfolio"].create({"name": "New", "portfolio_uid": "1"})
        self.assertEqual((portfolio.messaging_limit, portfolio.people_limit), ("unknown", 250))

    def test_a_new_limit_is_said_once_and_wakes_every_number(self):
        before = {sender: len(self._alarms(sender)) for sender in self.account.sender_ids}
        self.simulator.post("limit", limit="TIER_10K", webhook=False)
        self.account._sync()
        self.assertIn(
            "250 recipients a day → 10,000 recipients a day (account sync).", self._said()
        )
        for sender, alarms in before.items():
            self.assertGreater(len(self._alarms(sender)), alarms)
        count = len(self.portfolio.message_ids)
        self.account._sync()
        self.assertEqual(len(self.portfolio.message_ids), count)

    def test_own_limit_is_the_smaller(self):
        cases = [
            ("250", 0, 250), ("250", 100, 100), ("250", 1000, 250), ("unlimited", 0, None),
            ("unlimited", 500, 500), ("unknown", 0, 250), ("unknown", 1000, 250),
        ]  # fmt: skip
        for limit, cap, expected in cases:
            with self.subTest(limit=limit, cap=cap):
                self.portfolio.write({"messaging_limit": limit, "daily_cap": cap})
                self.assertEqual(self.portfolio._people_limit(), expected)

    def test_own_settings_wake_the_numbers(self):
        for values in ({"daily_cap": 10}, {"followup_share": 0.2}):
            before = len(self._alarms())
            self.portfolio.write(values)
            self.assertEqual(len(self._alarms()), before + 1)

    def test_impossible_settings_are_refused(self):
        for values in ({"daily_cap": -1}, {"followup_share": -0.1}, {"followup_share": 1.1}):
            with self._case(str(values)), mute_logger("odoo.sql_db"):
                with self.assertRaises(Exception) as caught, self.cr.savepoint():
                    self.portfolio.write(values)
                self.assertIn(next(iter(values)), str(caught.exception))

    def test_usage_counts_people_of_the_last_day(self):
        now = fields.Datetime.now()
        self._launch(self._leads(3))
        people = self.env["waba.recipient"].search([("portfolio_id", "=", self.portfolio.id)])
        self.assertEqual((self.portfolio.slots_used, self.portfolio.usage_rate), (3, 3 / 250))
        people[0].slot_at = now - timedelta(hours=25)
        people[1].slot_at = now - timedelta(hours=23)
        self.portfolio.invalidate_recordset()
        self.assertEqual(self.portfolio.slots_used, 2)
        self.assertEqual(self.portfolio.next_slot_at, people[1].slot_at + timedelta(hours=24))
        self.assertEqual(len(self.portfolio._slot_times()), 2)
        action = self.portfolio.action_view_counted_recipients()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), people[1:])

    def test_an_unused_portfolio_shows_nothing_used(self):
        portfolio = self.env["waba.portfolio"].create({"name": "New", "portfolio_uid": "1"})
        self.assertEqual(
            (portfolio.slots_used, portfolio.usage_rate, portfolio.next_slot_at), (0, 0.0, False)
        )
        self.assertFalse(self.env["waba.portfolio"]._count_slots_used())


class TestSharedPortfolio(PortfolioCase):
    def test_two_accounts_of_one_portfolio_share_the_limit(self):
        outlet = self._connected()
        self.assertEqual(outlet.portfolio_id, self.portfolio)
        self.assertEqual(len(self.portfolio.sender_ids), 3)
        self.portfolio.daily_cap = 5
        first = self._launch(self._leads(4))
        second = self._outlet_campaign(outlet, self._leads(4, start=50))
        self.assertEqual((first.sent_count, second.sent_count), (4, 1))
        self.assertEqual(self.portfolio.slots_used, 5)
        stats = self.simulator.get("stats")["portfolios"][PORTFOLIO_UID]
        self.assertEqual(stats["max_distinct_24h"], 5)

    def test_the_same_person_costs_one_place_in_both(self):
        outlet = self._connected()
        self.portfolio.daily_cap = 2
        leads = self._leads(2)
        self._launch(leads)
        self.assertEqual(self._outlet_campaign(outlet, leads).sent_count, 2)
        self.assertEqual(self.portfolio.slots_used, 2)

    def test_a_limit_read_by_one_account_holds_for_the_other(self):
        outlet = self._connected()
        self.simulator.post("limit", limit="TIER_2K", webhook=False)
        self.account._sync()
        self.assertEqual(outlet.sender_ids.messaging_limit, "2000")


class TestPortfolioChange(PortfolioCase):
    """Meta names the portfolio, no longer names it, or names another one."""

    def _tell_owner(self, tells):
        self.simulator.post("settings", tell_owner=tells)

    def test_without_a_name_an_account_counts_alone(self):
        self._tell_owner(False)
        outlet = self._connected()
        self.assertEqual(outlet.portfolio_id.portfolio_uid, f"waba-{OUTLET_UID}")
        self.assertNotEqual(outlet.portfolio_id, self.portfolio)

    def test_a_name_left_out_once_changes_nothing(self):
        outlet = self._connected()
        self._launch(self._leads(2))
        self._tell_owner(False)
        (self.account | outlet)[0]._sync()
        self.assertEqual((self.account | outlet).portfolio_id, self.portfolio)
        self.assertEqual(self.portfolio.slots_used, 2)

    def test_whom_an_account_wrote_to_stays_counted_when_the_portfolio_is_named(self):
        self._tell_owner(False)
        outlet = self._connected()
        alone = outlet.portfolio_id
        shared, own = self._leads(2), self._leads(3, start=50)
        self._launch(shared)
        first = self._outlet_campaign(outlet, shared | own)
        self.assertEqual((self.portfolio.slots_used, alone.slots_used), (2, 5))
        self._tell_owner(True)
        outlet._sync()
        self.assertEqual(outlet.portfolio_id, self.portfolio)
        self.portfolio.invalidate_recordset()
        self.assertEqual(self.portfolio.slots_used, 5)
        self.assertEqual(self._rows(first).recipient_id.portfolio_id, self.portfolio)

    def test_rows_that_wait_are_counted_where_the_account_now_counts(self):
        self._tell_owner(False)
        outlet = self._connected()
        leads = self._leads(4)
        self._launch(leads[:2])
        outlet.sender_ids.action_pause()
        waiting = self._outlet_campaign(outlet, leads)
        self._tell_owner(True)
        outlet._sync()
        self.portfolio.daily_cap = 3
        outlet.sender_ids.action_resume()
        self._dispatch(outlet.sender_ids)
        self.portfolio.invalidate_recordset()
        self.assertEqual(self.portfolio.slots_used, 3)
        self.assertEqual(len(self._rows(waiting, "accepted")), 3, "two known people, one new")
        stats = self.simulator.get("stats")["portfolios"][PORTFOLIO_UID]
        self.assertEqual(stats["max_distinct_24h"], 3)

    def test_a_wish_to_stop_is_kept_on_the_way(self):
        self._tell_owner(False)
        outlet = self._connected()
        leads = self._leads(2)
        self._launch(leads[:1])
        self._outlet_campaign(outlet, leads)
        people = self.env["waba.recipient"].search([("portfolio_id", "=", outlet.portfolio_id.id)])
        people.write({"marketing_state": "opted_out"})
        self._tell_owner(True)
        outlet._sync()
        known = self.env["waba.recipient"].search([("portfolio_id", "=", self.portfolio.id)])
        self.assertEqual(known.mapped("marketing_state"), ["opted_out", "opted_out"])

    def test_open_windows_come_along(self):
        self._tell_owner(False)
        outlet = self._connected()
        body = self._change("messages", {
            "metadata": {"phone_number_id": outlet.sender_ids.phone_number_uid},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34611000001"}],
            "messages": [{"from": "34611000001", "id": "wamid.1", "type": "text",
                          "timestamp": str(int(fields.Datetime.now().timestamp())),
                          "text": {"body": "Hola"}}],
        }, waba_uid=OUTLET_UID)  # fmt: skip
        self._receive(body, outlet)
        self._tell_owner(True)
        outlet._sync()
        conversation = self.env["waba.conversation"].search(
            [("sender_id", "=", outlet.sender_ids.id)]
        )
        self.assertEqual(conversation.recipient_id.portfolio_id, self.portfolio)
        self.assertEqual(conversation.recipient_id.number, "+34611000001")

    def test_the_portfolio_left_keeps_its_people_for_its_other_accounts(self):
        outlet = self._connected()
        self._launch(self._leads(2))
        self._outlet_campaign(outlet, self._leads(3, start=50))
        self.assertEqual(self.portfolio.slots_used, 5)
        elsewhere = self.env["waba.portfolio"].create({"name": "Elsewhere", "portfolio_uid": "9"})
        elsewhere._on_join(outlet.portfolio_id, outlet)
        outlet.portfolio_id = elsewhere
        (self.portfolio | elsewhere).invalidate_recordset()
        self.assertEqual((self.portfolio.slots_used, elsewhere.slots_used), (5, 3))
