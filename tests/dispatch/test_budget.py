"""Budgets of campaigns and months: what is held back, settled, released, and what then waits."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo import fields
from odoo.tools import SQL, mute_logger
from psycopg2.errors import CheckViolation

from ...models.dispatch import waba_budget
from ...policy.budget import Hold
from ..analytics.test_money import MoneyCase
from ..common import WabaCase, epoch
from .test_marketing_route import MarketingCase
from .test_message_direct import DirectCase

PRICE = 0.05
REGULAR = {"category": "marketing", "type": "regular", "billable": True, "pricing_model": "PMP"}


class BudgetCase(MoneyCase, DirectCase):
    _rows = WabaCase._rows

    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.company.partner_id.tz = "UTC"
        self.company.waba_same_template_hours = 0
        self._rate(PRICE)
        # Nobody listens: statuses are received by the test itself.
        self.simulator.post("delivery", give_up_after=0)

    def _charges(self, campaign=None):
        """(spent, held back) of a campaign, or of this month."""
        month = self.company._waba_month(fields.Datetime.now())
        charges = self.company._waba_charges(campaign.ids if campaign else [], month)
        return tuple(map(float, charges[campaign.id if campaign else False]))

    def _fold(self):
        """Move everything into the totals, as the job does when there is much of it."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE waba_message SET write_date = now() - interval '1 hour'")
        self.env.invalidate_all()
        self.env["waba.budget.total"]._fold_batch(self.company)

    def _delivered_by(self, rows, pricing=None):
        for row in rows:
            self._receive(
                self._status(row, "delivered", epoch(self.now), pricing=pricing or REGULAR)
            )

    def _failed_by(self, rows, code=131026):
        for row in rows:
            self._receive(self._status(row, "failed", errors=[{"code": code, "title": "x"}]))


class TestCampaign(BudgetCase):
    def test_it_stops_in_time_with_the_figures(self):
        campaign = self._launch(self._leads(10), budget=0.33)
        self.assertEqual(len(self._rows(campaign, "queued")), 4)
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "budget"))
        self.assertRegex(
            campaign.pause_reason,
            r"Budget of .*0\.33.* used: .*0\.00.* spent, .*0\.30.* reserved\. "
            r"The next message may cost .*0\.0500",
        )
        self.assertFalse(campaign.resume_at)
        self.assertEqual(self._charges(campaign), (0.0, 0.3))
        self.assertAlmostEqual(campaign.budget_share, 100 * 0.3 / 0.33, 3)
        self.assertIn("Raise the budget", campaign.hold_action)

    def test_exactly_the_budget_is_no_stop(self):
        campaign = self._launch(self._leads(6), budget=0.3)
        self.assertFalse(self._rows(campaign, "queued"))
        self.assertNotEqual(campaign.state, "paused")

    def test_a_raised_budget_resumes_it(self):
        campaign = self._launch(self._leads(4), budget=0.1)
        self.assertEqual(campaign.state, "paused")
        campaign.budget = 0.12
        self.assertEqual(campaign.state, "paused")
        campaign.budget = 0
        self.assertEqual(campaign.state, "running")
        self._dispatch()
        self.assertFalse(self._rows(campaign, "queued"))

    def test_what_fails_is_released_and_what_is_charged_settled(self):
        campaign = self._launch(self._leads(6), budget=0.2)
        first, second, third, fourth = self._rows(campaign, "accepted")
        self._failed_by(first)
        self.assertEqual(self._charges(campaign), (0.0, 0.15))
        self._delivered_by(second)
        self.assertEqual(self._charges(campaign), (0.0, 0.15))
        self._count()
        self.assertEqual(self._charges(campaign), (0.05, 0.1))
        free = {**REGULAR, "type": "free_entry_point", "billable": False}
        self._delivered_by(third | fourth, free)
        self._count()
        self.assertEqual(self._charges(campaign), (0.05, 0.0))
        self.env["waba.campaign"]._watch_campaigns()
        self.assertEqual(campaign.state, "running")
        self._dispatch()
        self.assertFalse(self._rows(campaign, "queued"))
        self.assertEqual(self._charges(campaign), (0.05, 0.1))

    def test_an_unknown_outcome_stays_held_also_when_it_is_sent_again(self):
        with self._fault(kind="reset", when="after", count=1):
            campaign = self._launch(self._leads(2), budget=0.1)
        [lost] = self._rows(campaign, "uncertain")
        self.assertEqual(self._charges(campaign), (0.0, 0.1))
        lost.action_settle_resend()
        self.env["waba.conversation"].search([]).pair_free_at = False
        self.assertEqual(self._charges(campaign), (0.0, 0.1))
        self._dispatch()
        self.assertEqual((campaign.state, lost.state), ("paused", "queued"))
        campaign.budget = 0.15
        self._dispatch()
        self.assertEqual(lost.state, "accepted")
        self.assertEqual(self._charges(campaign), (0.0, 0.15))
        self._delivered_by(lost)
        self._count()
        # The first attempt reached the same phone, if at all: it belongs to the same month.
        self.assertEqual(self._charges(campaign), (0.1, 0.05))

    def test_a_refused_request_costs_nothing(self):
        with self._fault(kind="error", code=131026, count=2):
            campaign = self._launch(self._leads(4), budget=1)
        self.assertEqual(self._charges(campaign), (0.0, 0.1))

    def test_an_unknown_price_stops_it_unless_the_manager_sets_one(self):
        leads = self._lead("+4915123456789") | self._leads(1)
        campaign = self._launch(leads, budget=1)
        self.assertEqual(campaign.pause_cause, "budget")
        self.assertIn("no rate for Promotion to Germany", campaign.pause_reason)
        self.company.waba_unknown_price = 0.2
        self.assertEqual(campaign.state, "running")
        self._dispatch()
        self.assertFalse(self._rows(campaign, "queued"))
        self.assertEqual(self._charges(campaign), (0.0, 0.25))
        self._delivered_by(self._rows(campaign))
        self._count()
        self.assertEqual(self._charges(campaign), (0.25, 0.0))

    def test_a_price_announced_for_soon_counts_now(self):
        self._rate(0.08, valid_from=(self.now + timedelta(days=20)).date())
        self._rate(0.5, valid_from=(self.now + timedelta(days=40)).date())
        campaign = self._launch(self._leads(2), budget=0.15)
        self.assertEqual(self._charges(campaign), (0.0, 0.08))

    def test_another_currency_counts_at_the_rate_of_the_reservation(self):
        self.env["waba.rate"].search([]).unlink()
        other = self._currency_of_half()
        self._rate(0.07, currency_id=other.id)
        campaign = self._launch(self._leads(2), budget=1)
        self.assertEqual(self._charges(campaign), (0.0, 0.07))
        other.rate_ids.rate = 1
        self._delivered_by(self._rows(campaign))
        self._count()
        self.assertEqual(self._charges(campaign), (0.07, 0.0))
        self.assertEqual(self._rows(campaign).mapped("company_cost"), [0.035, 0.035])
        other.rate_ids.unlink()
        campaign = self._launch(self._leads(1, start=5), budget=1)
        self.assertIn("Price unknown", campaign.pause_reason)

    def test_a_price_imported_later_counts_with_what_it_is(self):
        campaign = self._launch(self._leads(2), budget=0.1)
        self.env["waba.rate"].search([]).amount = 0.06
        self._delivered_by(self._rows(campaign))
        self._count()
        self.assertEqual(self._charges(campaign), (0.12, 0.0))

    def test_undelivered_ones_are_released_when_meta_gives_up(self):
        campaign = self._launch(self._leads(2), budget=0.1)
        rows = self._rows(campaign)
        for days, held in ((30, 0.1), (32, 0.0)):
            rows.accepted_at = self.now - timedelta(days=days)
            self.env["waba.budget.total"]._expire_charges()
            self.assertEqual(self._charges(campaign), (0.0, held))

    def test_no_negative_budget(self):
        leads = self._leads(1)
        for spoil in (
            lambda: self._campaign(leads, budget=-1),
            lambda: self.company.write({"waba_month_budget": -1}),
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.cr.savepoint(),
            ):
                spoil()
                self.env.flush_all()


class TestMonth(BudgetCase):
    def test_campaigns_share_it_and_wait_for_the_next_one(self):
        self.company.waba_month_budget = 0.2
        first = self._launch(self._leads(3))
        second = self._launch(self._leads(3, start=5))
        self.assertEqual(first.state, "done")
        self.assertEqual((second.state, second.pause_cause), ("paused", "budget"))
        self.assertEqual(len(self._rows(second, "queued")), 2)
        self.assertEqual(second.resume_at, self.company._waba_next_month(self.now))
        self.assertRegex(second.pause_reason, r"Budget of .*0\.20.* for \w+ \d{4} used")
        self.company.waba_month_budget = 0.3
        self.assertEqual(second.state, "running")

    def test_what_is_held_counts_in_the_new_month_until_it_is_settled(self):
        campaign = self._launch(self._leads(4))
        rows = self._rows(campaign)
        last_month = self.company._waba_month(self.now) - timedelta(days=1)
        last_month = fields.Datetime.to_datetime(last_month)
        for row in rows[:2]:
            self._receive(self._status(row, "delivered", epoch(last_month), pricing=REGULAR))
        self._delivered_by(rows[2])
        self._count()
        self.assertEqual(self._charges(), (0.05, 0.05))
        self.assertEqual(self._charges(campaign), (0.15, 0.05))

    def test_a_month_begins_at_midnight_of_the_company(self):
        for zone, at, month, following in (
            ("UTC", "2026-11-30 23:59:59", "2026-11-01", "2026-12-01 00:00:00"),
            ("Europe/Madrid", "2026-11-30 22:59:59", "2026-11-01", "2026-11-30 23:00:00"),
            ("Europe/Madrid", "2026-11-30 23:00:00", "2026-12-01", "2026-12-31 23:00:00"),
            ("America/Mexico_City", "2026-12-01 05:59:59", "2026-11-01", "2026-12-01 06:00:00"),
            ("Europe/Madrid", "2026-03-15 12:00:00", "2026-03-01", "2026-03-31 22:00:00"),
        ):
            with self.subTest(zone=zone, at=at):
                self.company.partner_id.tz = zone
                moment = fields.Datetime.to_datetime(at)
                self.assertEqual(str(self.company._waba_month(moment)), month)
                self.assertEqual(str(self.company._waba_next_month(moment)), following)

    def test_who_waits_when_it_is_used(self):
        self._rate(PRICE, category="utility")
        template = self.utility_template
        values = {"template_id": template.id, "category": "utility", "retry_at": self.now,
                  "parameters": {"body": [{"name": "1", "value": "S00042"}]}}  # fmt: skip
        self.company.waba_month_budget = 0.01
        cases = [
            ("sequence", "send", True),
            ("action", "send", True),
            ("manual", "send", False),
            ("manual", "hold", True),
            ("test", "hold", False),
            ("reply", "hold", False),
        ]
        for origin, setting, waits in cases:
            with self._case(f"{origin} {setting}"):
                self.company.waba_budget_direct = setting
                row = self._message(state="queued", origin=origin, **values)
                self._dispatch()
                self.assertEqual(row.state, "queued" if waits else "accepted")
                if waits:
                    self.assertEqual(row.wait_reason, "budget")
                    self.assertEqual(row.retry_at, self.company._waba_next_month(self.now))
                    self.assertIn("This month's budget is used", row._delay_text())
                    self.company.waba_month_budget = 1
                    self.assertFalse(row.wait_reason)
                    self._dispatch()
                    self.assertEqual(row.state, "accepted")
                self.assertEqual(self._charges(), (0.0, 0.05))

    def test_the_company_s_portfolios_are_locked_together(self):
        elsewhere = self.env["waba.portfolio"].create({"name": "Second", "portfolio_uid": "778"})
        self._create_account(waba_uid="99", portfolio_id=elsewhere.id)
        self.company.write({"waba_frequency_count": 0, "waba_same_template_hours": 0})
        for budget, locked in ((0, 0), (5, 1)):
            self.company.waba_month_budget = budget
            before = elsewhere.reserve_count
            self.sender._lock_limits()
            elsewhere.invalidate_recordset()
            self.assertEqual(elsewhere.reserve_count - before, locked)


class TestMaximumPrice(BudgetCase, MarketingCase):
    def test_it_is_held_back_and_the_charge_settles_it(self):
        self._onboard(currency=self.company.currency_id.name)
        self._price_template(4000)
        self.simulator.post("auction", price=0.031)
        campaign = self._launch(self._leads(4), budget=0.13)
        self.assertEqual(self._charges(campaign), (0.0, 0.12))
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "budget"))
        self._apply_posted()
        self._count()
        self.assertEqual(self._charges(campaign), (0.093, 0.0))
        self.env["waba.campaign"]._watch_campaigns()
        self.assertEqual(campaign.state, "paused")
        campaign.budget = 0.14
        self.assertEqual(campaign.state, "running")
        self._dispatch()
        self.assertEqual(self._charges(campaign), (0.093, 0.04))


class TestTotals(BudgetCase):
    def test_folding_changes_no_sum(self):
        campaign = self._launch(self._leads(5), budget=1)
        rows = self._rows(campaign)
        steps = [
            lambda: self._delivered_by(rows[:2]),
            self._count,
            lambda: self._failed_by(rows[2]),
            lambda: self._delivered_by(rows[3]),
            lambda: self.env["waba.rate"].search([]).write({"amount": 0.04}),
            self._count,
        ]
        for number, step in enumerate(steps):
            with self.subTest(number):
                step()
                before = self._charges(campaign), self._charges()
                self._fold()
                self.assertEqual((self._charges(campaign), self._charges()), before)
                self.assertFalse(self._uncounted())
                self._fold()
                self.assertEqual((self._charges(campaign), self._charges()), before)
        self.assertEqual(self._charges(campaign), (0.14, 0.05))

    def _uncounted(self):
        return self.env.execute_query(
            SQL("SELECT id FROM waba_message WHERE %s", SQL(waba_budget.IS_UNCOUNTED))
        )

    def test_deleted_messages_stay_in_the_sums(self):
        campaign = self._launch(self._leads(2), budget=1)
        self._delivered_by(self._rows(campaign))
        self._count()
        self._fold()
        self._rows(campaign).unlink()
        self.assertEqual(self._charges(campaign), (0.1, 0.0))

    @settings(
        max_examples=30, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
    )  # fmt: skip
    @given(st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.integers(0, 2 * 10**6))
    def test_the_sql_is_the_policy(self, kept, bound, cost):
        kept, bound = (Decimal(number).scaleb(-6) for number in (kept, bound))
        cost = None if cost is None else Decimal(cost).scaleb(-6)
        hold = Hold(kept).reserve(bound).settle(cost)
        [[amount]] = self.env.execute_query(
            SQL(
                "SELECT (%s)::text FROM (SELECT %s AS held_charge, %s AS charge_bound,"
                " 'charged' AS cost_state, %s::numeric AS company_cost) AS one",
                SQL(waba_budget.AMOUNT),
                hold.held,
                hold.bound,
                cost,
            )
        )
        self.assertEqual(Decimal(amount), hold.amount)
