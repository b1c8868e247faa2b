"""The growth plan of a portfolio: what it counts, whom it proposes, what it says."""

import importlib
import json
import sys
import types
from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.policy import growth
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..common import ROOT, UNINVITED, WabaCase
from ..pure import PureCase
from ..reputation_case import ReputationCase


class GrowthCase(ReputationCase):
    def setUp(self):
        super().setUp()
        self.portfolio.messaging_limit = "2000"
        self.account.sender_ids.write({"quality_rating": "green", "warm_up": False})

    def _outside(self, days_ago, **outcomes):
        """People contacted outside a window `days_ago` days ago."""
        before = self.env["waba.message"].search([]).ids
        self._sent(days_ago, **outcomes)
        self.env.cr.execute(
            "UPDATE waba_message SET slot_at = %s WHERE NOT id = ANY(%s)",
            (fields.Datetime.now() - timedelta(days=days_ago), before),
        )
        self.env.invalidate_all()

    def _opted_in(self, count, start=0):
        """Leads who opted in long ago, and their recipients."""
        leads = self._leads(count, start)
        numbers = [self.env["waba.recipient"]._number_of(lead) for lead in leads]
        found = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, numbers)
        people = self.env["waba.recipient"].concat(*(found[number] for number in numbers))
        self.env.flush_all()
        self.env.cr.execute(
            """INSERT INTO waba_opt_in (recipient_id, company_id, purpose, at)
               SELECT id, %s, 'marketing', %s FROM unnest(%s) AS id""",
            (self.env.company.id, fields.Datetime.now() - timedelta(days=200), people.ids),
        )
        self.env.invalidate_all()
        return leads, people

    def _plan(self, **values):
        self.portfolio.write(values)
        plans = self.env["waba.portfolio"].with_user(self.manager)
        return plans.growth_plan_data(self.portfolio.id)["plan"]


@tagged("post_install", "-at_install")
class TestGrowthPlan(GrowthCase):
    def test_unique_people_with_a_delivery_outside_a_window_count(self):
        self._outside(0, delivered=30, silent=10, undeliverable=5)
        self._outside(6, delivered=20)
        self._outside(8, delivered=40)
        self._sent(0, delivered=7)  # inside a window: no slot
        self.env.cr.execute(
            """INSERT INTO waba_message (uuid, direction, kind, account_id, sender_id, company_id,
                      recipient_id, state, slot_at, delivered_at, attempt_count, failed_attempt,
                      failure_streak)
               SELECT 'again' || id, 'out', 'template', account_id, sender_id, company_id,
                      recipient_id, 'delivered', slot_at, delivered_at, 1, 0, 0
                 FROM waba_message WHERE slot_at IS NOT NULL"""
        )
        plan = self._plan()
        self.assertEqual(plan["progress"]["used"], 50)
        self.assertEqual(plan["progress"]["needed"], 1000)
        self.assertIn("50 of 1,000", plan["progress"]["text"])
        self.assertEqual([day["people"] for day in plan["days"][:7]], [20, 0, 0, 0, 0, 0, 30])

    def test_states_and_what_they_say(self):
        self._opted_in(5)
        cases = [
            ("unknown", {"messaging_limit": "unknown"}, "not known"),
            ("unlisted", {"messaging_limit": "1000"}, "No documented"),
            ("unlimited", {"messaging_limit": "unlimited"}, "Highest"),
            ("audience", {"messaging_limit": "2000"}, "Too few opt-ins"),
        ]
        for state, values, headline in cases:
            with self.subTest(state):
                plan = self._plan(**values)
                self.assertEqual(plan["state"], state)
                self.assertIn(headline, plan["headline"])
                self.assertNotIn("%(", plan["explanation"])
        self.sender.quality_rating = "yellow"
        blocked = self._plan(messaging_limit="2000")
        self.assertEqual(blocked["state"], "blocked")
        self.assertIn(self.sender.display_name, blocked["explanation"])
        self.assertEqual(blocked["least"], 0)
        self.assertEqual({level["earliest"] for level in blocked["ladder"]}, {False})

    def test_a_template_in_use_that_is_rated_low_blocks(self):
        self._outside(1, delivered=10)
        self.template.sudo().write({"quality_score": "red"})
        plan = self._plan()
        self.assertEqual((plan["state"], plan["rating"]["key"]), ("blocked", "red"))
        self.assertIn(self.template.display_name, plan["rating"]["subject"])

    def test_another_company_is_not_named(self):
        company = self.env["res.company"].create({"name": "Sister"})
        account = self._create_account(
            waba_uid="98", portfolio_id=self.portfolio.id, company_id=company.id
        )
        number = self.env["waba.sender"].create(
            {"account_id": account.id, "phone_number_uid": "987", "quality_rating": "red",
             "display_phone_number": "+34 699 999 999"}
        )  # fmt: skip
        plan = self._plan()
        self.assertEqual((plan["state"], plan["rating"]["key"]), ("blocked", "red"))
        self.assertNotIn(number.display_name, json.dumps(plan))

    def test_own_limits_bound_the_plan(self):
        self.assertEqual(self._plan(daily_cap=300)["most"], 300)
        self.sender.write(
            {"warm_up": True, "warm_up_people": 40, "warm_up_stepped_at": fields.Datetime.now()}
        )
        self.sender_mx.write(
            {"warm_up": True, "warm_up_people": 50, "warm_up_stepped_at": fields.Datetime.now()}
        )
        self.assertEqual(self._plan(daily_cap=0)["most"], 90)

    def test_the_audience_opted_in_and_was_not_contacted_lately(self):
        _leads, people = self._opted_in(8)
        now = fields.Datetime.now()
        people[0].sudo().slot_at = now - timedelta(days=6)
        people[1].sudo().slot_at = now - timedelta(days=8)
        people[2]._set_consent("marketing", "opt_out", "person", "Asked")
        people[3].sudo().is_blocked = True
        people[4].sudo().unreachable_until = now + timedelta(days=1)
        self.env["phone.blacklist"].add(people[5].number)
        _leads[6].action_set_lost()
        plan = self._plan()
        self.assertEqual(plan["audience"]["count"], 2)

    def test_people_who_hide_their_number_are_part_of_the_audience(self):
        leads, people = self._opted_in(3)
        for index, person in enumerate(people):
            person.sudo().write({"number": False, "user_uid": f"ES.80{index}"})
            leads[index].write({"phone": False, "waba_recipient_id": person.id})
        people[1].sudo().is_blocked = True
        leads[2].phone = "+34611777001"
        self.assertEqual(self._plan()["audience"]["count"], 1)
        action = self.portfolio.with_user(self.manager).action_create_warmest_campaign(5)
        self.assertEqual(action["context"]["active_ids"], leads[0].ids)

    def test_the_warmest_become_the_next_campaign(self):
        leads, people = self._opted_in(4)
        now = fields.Datetime.now()
        self._message(people[2].number, direction="in", state="received")
        self._message(people[1].number, state="read", read_at=now - timedelta(days=2))
        self.env.flush_all()
        plan = self._plan()
        signals = {one["key"]: one["count"] for one in plan["audience"]["signals"]}
        self.assertEqual((signals["inbound"], signals["read"], signals["none"]), (1, 1, 2))
        action = self.portfolio.with_user(self.manager).action_create_warmest_campaign(3)
        self.assertEqual(action["context"]["active_ids"], (leads[2] | leads[1] | leads[0]).ids)
        campaigns = self.env["waba.campaign"].with_user(self.manager)
        draft = campaigns.with_context(**action["context"]).create(
            {"template_id": self.template.id}
        )
        self.assertTrue(draft.warmest_first)
        self.assertEqual(draft.audience_count, 3)
        self.assertEqual((draft.res_model, draft.sender_id), ("crm.lead", self.sender))

    def test_nobody_to_write_to(self):
        with self.assertRaisesRegex(UserError, "Collect opt-ins"):
            self.portfolio.with_user(self.manager).action_create_warmest_campaign(10)

    def test_managers_of_its_company_only(self):
        with self.assertRaises(AccessError):
            self.env["waba.portfolio"].with_user(self.salesperson).growth_plan_data()
        theirs = self._portfolio_elsewhere()
        data = self.env["waba.portfolio"].with_user(self.manager).growth_plan_data(theirs.id)
        self.assertEqual([one["id"] for one in data["portfolios"]], self.portfolio.ids)
        self.assertEqual(data["plan"]["id"], self.portfolio.id)
        with self.assertRaises(AccessError):
            theirs.with_user(self.manager).action_create_warmest_campaign(1)

    def test_a_manager_elsewhere_has_an_empty_screen(self):
        company = self.env["res.company"].create({"name": "Nothing here"})
        groups = "sales_team.group_sale_manager,waba_campaign.waba_group_manager"
        other = new_test_user(
            self.env, "waba_elsewhere", groups=groups, context=UNINVITED,
            company_id=company.id, company_ids=company.ids,
        )  # fmt: skip
        data = self.env["waba.portfolio"].with_user(other).growth_plan_data()
        self.assertEqual(data, {"portfolios": [], "plan": False})

    def test_the_data_can_be_sent_to_the_browser(self):
        self._opted_in(2)
        self._outside(1, delivered=10)
        json.dumps(self._plan())


@tagged("post_install", "-at_install")
class TestWarmestFirst(WabaCase):
    def _warm(self, lead, **values):
        number = self.env["waba.recipient"]._number_of(lead)
        self._message(number, **{"state": "read", "read_at": fields.Datetime.now(), **values})

    def _sent_records(self, campaign):
        order = {entry["recipient"]: at for at, entry in enumerate(self.simulator.sends())}
        rows = self._rows(campaign).sorted(lambda row: order[row.number.lstrip("+")])
        return rows.mapped("res_id")

    def test_the_warmest_leave_first(self):
        leads = self._leads(6)
        self._warm(leads[4], direction="in", state="received", read_at=False)
        self._warm(leads[2])
        self.env.flush_all()
        campaign = self._campaign(leads, warmest_first=True)
        campaign._start_launch()
        self._prepare()
        rows = self._rows(campaign).sorted(lambda row: (row.retry_at, row.id))
        wanted = (leads[4] | leads[2] | leads[0] | leads[1] | leads[3] | leads[5]).ids
        self.assertEqual(rows.mapped("res_id"), wanted)
        # Quiet hours postpone all of them, and keep their order.
        until = fields.Datetime.now() - timedelta(minutes=1)
        self.sender._postpone_time_zone(
            campaign, rows[0].time_zone, fields.Datetime.now() + timedelta(seconds=2), until
        )
        rows = rows.sorted(lambda row: (row.retry_at, row.id))
        self.assertEqual(rows.mapped("res_id"), wanted)
        self.assertIn("Warmest first", campaign.options_text)

    def test_other_campaigns_keep_the_order_of_their_records(self):
        leads = self._leads(4)
        self._warm(leads[3])
        for values in ({}, {"warmest_first": True, "ab_test": True, "b_template_id": False}):
            with self.subTest(**values):
                self.env.flush_all()
                campaign = self._campaign(leads, **values)
                self.assertFalse(campaign._sends_warmest_first())


class TestTwoReadings(PureCase):
    """Meta's page, read twice: by the plan and by the simulator."""

    def test_both_need_the_same_people_in_the_same_days(self):
        simulated = _simulator_module("growth")
        for limit, tier in zip(growth.LADDER, simulated.TIERS, strict=True):
            with self.subTest(tier):
                self.assertEqual(growth.next_step(limit), simulated.needed(tier))

    def test_ratings_move_with_how_people_react(self):
        simulated = _simulator_module("growth")
        rules, day = simulated.Rules(), 86_400
        cases = [
            # ({day: deliveries}, {day: blocks}, rating on day 10)
            ({}, {}, "GREEN"),
            ({10: 50}, {10: 50}, "GREEN"),
            ({10: 1000}, {10: 10}, "GREEN"),
            ({10: 1000}, {10: 25}, "YELLOW"),
            ({10: 1000}, {10: 50}, "RED"),
            # A bad day a week ago is outweighed by good ones since, and then forgotten.
            ({4: 1000, 10: 1000}, {4: 50}, "GREEN"),
            ({3: 1000, 10: 1000}, {3: 500}, "GREEN"),
        ]
        for delivered, blocked, rating in cases:
            with self.subTest(delivered=delivered, blocked=blocked):
                reception = simulated.Reception(delivered, blocked)
                self.assertEqual(reception.rating(10 * day + 5, rules), rating)


def _simulator_module(name):
    """A module of the simulator, which is no part of the addon's package."""
    package = sys.modules.setdefault("waba_simulator", types.ModuleType("waba_simulator"))
    package.__path__ = [str(ROOT / "simulator")]
    return importlib.import_module(f"waba_simulator.{name}")
