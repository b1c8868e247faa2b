"""Costs compared with Meta's pricing analytics, and the free messages of each month."""

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError

from ...cloud_api import CloudApiError
from ...policy import cost as policy_cost
from ...policy.cost import Charge
from ..common import WABA_UID, WabaCase
from ..pure import PureCase
from .test_money import MoneyCase

PRICES = {"ES": {"marketing": 0.05, "utility": 0.02}, "MX": {"marketing": 0.03}}


class TestComparison(PureCase):
    def test_kinds(self):
        cases = [
            ("the same", (8, 8, 0.4, 0.4, 0), ("same", 0)),
            ("within half a cent", (8, 8, 0.4, 0.4049, 0), ("same", 0)),
            ("another price", (8, 8, 0.4, 0.41, 0), ("price", 8)),
            ("Meta has more", (8, 11, 0.4, 0.55, 0), ("meta_more", 3)),
            ("Meta has fewer", (8, 6, 0.4, 0.3, 1), ("meta_less", 2)),
            ("ours unpriced", (8, 8, 0.3, 0.4, 2), ("unpriced", 2)),
            ("more, and ours unpriced", (8, 9, 0.1, 0.4, 5), ("meta_more", 5)),
            ("no costs", (8, 8, 0.4, None, 0), ("no_cost", 0)),
            ("no costs, other counts", (8, 9, 0.4, None, 0), ("meta_more", 1)),
        ]
        for why, arguments, expected in cases:
            with self.subTest(why):
                self.assertEqual(tuple(policy_cost.compare(*arguments, 0.005)), expected)

    def test_the_first_free_form_messages_of_a_month(self):
        charged, told = Charge("charged", "service"), Charge("free_window")
        cases = [
            ("charged, as the first", charged, 0, Charge("free_quota")),
            ("charged, as the last free one", charged, 999, Charge("free_quota")),
            ("charged", charged, 1000, charged),
            ("not told, free", Charge("not_told"), 999, Charge("free_quota")),
            ("not told, beyond", Charge("not_told"), 1000, Charge("estimated", "service")),
            ("Meta says free", told, 5000, told),
        ]
        for why, charge, count, expected in cases:
            with self.subTest(why):
                self.assertEqual(policy_cost.service_charge(charge, count), expected)


class PriceCase(MoneyCase):
    _rows = WabaCase._rows

    def setUp(self):
        super().setUp()
        self.simulator.post("delivery", give_up_after=0)
        self.simulator.post("prices", prices=PRICES)
        for country, amount in (("base.es", 0.05), ("base.mx", 0.03)):
            self._rate(amount, country, currency_id=self.env.ref("base.EUR").id)
        self.env.ref("base.EUR").active = True
        self.month = fields.Date.today().replace(day=1)

    def _compare(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_compare_prices"))
        return self.env["waba.price.check"].search(
            [("account_id", "=", self.account.id), ("month", "=", self.month)]
        )

    def _sent(self, count=4):
        campaign = self._launch(self._leads(count))
        self._apply_posted()
        self._count()
        return self._rows(campaign)


class TestPriceCheck(PriceCase):
    def test_what_is_the_same_is_said(self):
        self._sent()
        check = self._compare()
        self.assertEqual((check.our_count, check.meta_count), (4, 4))
        self.assertAlmostEqual(check.our_cost, 0.2)
        self.assertAlmostEqual(check.meta_cost, 0.2)
        self.assertFalse(check.differing_count)
        self.assertRegex(check.summary, r"We counted .*0\.20.*, as Meta")
        [line] = check.line_ids
        self.assertEqual(
            (line.sender_id, line.country_id.code, line.category, line.is_free, line.kind),
            (self.sender, "ES", "marketing", False, "same"),
        )
        self.assertEqual(check.currency_id.name, "EUR")

    def test_the_month_before_is_read_too_and_again(self):
        self._sent()
        for _time in range(2):
            self._compare()
        months = self.env["waba.price.check"].search([("account_id", "=", self.account.id)])
        before = (self.month - timedelta(days=1)).replace(day=1)
        self.assertEqual(months.mapped("month"), [self.month, before])
        self.assertEqual(months.mapped("our_count"), [4, 0])

    def test_what_differs_is_named_by_its_kind_and_shown(self):
        rows = self._sent()
        for kind, spoil, shown in (
            ("unpriced", lambda: rows[:1].write({"cost_state": "no_rate", "cost": False,
                                                 "company_cost": False}), rows[:1]),
            ("price", lambda: rows[:1].write({"cost": 0.09, "company_cost": 0.09}), rows),
            ("meta_more", lambda: rows[:1].write({"state": "sent", "delivered_at": False,
                                                  "read_at": False, "cost_state": False}),
             rows[:1]),
        ):  # fmt: skip
            with self._case_kept(kind):
                spoil()
                check = self._compare()
                line = check.line_ids.filtered(lambda one: not one.is_free)
                self.assertEqual(line.kind, kind)
                self.assertIn("differ", check.summary)
                action = check.with_user(self.manager).action_view_differing()
                found = self.env["waba.message"].search(action["domain"])
                self.assertEqual(found, shown.sorted("id", reverse=True))

    @contextmanager
    def _case_kept(self, name):
        """A sub-test whose records are forgotten; the platform keeps its charges."""
        with self.subTest(name), self.cr.savepoint() as savepoint:
            yield
            savepoint.rollback()

    def test_meta_s_more_is_counted(self):
        self._sent()
        self.simulator.post("prices", extra_volume=11, extra_cost=0.92)
        check = self._compare()
        self.assertEqual((check.differing_count, check.meta_count), (11, 15))
        self.assertAlmostEqual(check.cost_difference, 0.92)
        self.assertRegex(
            check.summary, r"We counted .*0\.20.*, Meta .*1\.12.*; 11 messages differ\."
        )

    def test_on_a_partner_s_credit_line_there_are_no_costs(self):
        self._sent()
        self.simulator.post("prices", credit_line=True)
        check = self._compare()
        self.assertIs(check.meta_cost, False)
        self.assertIs(check.cost_difference, False)
        self.assertIn("partner's credit line", check.summary)
        self.assertEqual(check.line_ids.kind, "no_cost")

    def test_a_failed_read_keeps_what_was(self):
        self._sent()
        check = self._compare()
        self.simulator.post("faults", kind="status_5xx", endpoint="pricing_analytics", count=9)
        with self.assertLogs("odoo.addons.waba_campaign.models.analytics", "WARNING"):
            self._compare()
        self.assertEqual(check.our_count, 4)

    def test_the_client_s_figures(self):
        self._sent()
        client, now = self.account._client(), int(fields.Datetime.now().timestamp())
        [point] = client.pricing_analytics(WABA_UID, now - 86400, now + 86400)
        self.assertEqual(
            (point.number, point.country_code, point.category, point.type, point.volume),
            ("".join(filter(str.isdigit, self.sender.display_phone_number)), "ES", "marketing",
             "regular", 4),
        )  # fmt: skip
        self.assertAlmostEqual(point.cost, 0.2)
        self.assertEqual(client.pricing_analytics(WABA_UID, 1, 2), [])
        with self.assertRaises(CloudApiError):
            client.pricing_analytics("999", 1, 2)

    def test_only_managers_see_it(self):
        check = self._compare()
        check.with_user(self.manager).read(["summary"])
        with self.assertRaises(AccessError):
            check.with_user(self.salesperson).read(["summary"])


class TestFreeService(MoneyCase):
    def _answers(self, count, **values):
        values = {"kind": "text", "category": "service", "template_id": False, **values}
        return [self._delivered(origin="manual", **values) for _index in range(count)]

    def test_the_first_ones_of_a_number_and_month_are_free(self):
        self._rate(0.02, category="utility")
        with self._quota(2):
            rows = self._answers(3, days_ago=0.01, pricing_category="service",
                                 pricing_type="regular")  # fmt: skip
            other = self._answers(1, days_ago=0.01, pricing_category="service",
                                  pricing_type="regular", sender_id=self.sender_mx.id)  # fmt: skip
            self._count()
            self.assertEqual(
                [row.cost_state for row in rows], ["free_quota", "free_quota", "charged"]
            )
            self.assertEqual(other[0].cost_state, "free_quota")
            self.assertEqual(sum(row.company_cost for row in rows), 0.02)

    def test_without_a_report_it_is_estimated(self):
        self._rate(0.02, category="utility")
        with self._quota(1):
            # In one month, whichever day it is.
            start = self.env.company._waba_month(self.now)
            days = (self.now.date() - start).days + 8
            rows = self._answers(2, days_ago=days)
            self._count()
            self.assertEqual([row.cost_state for row in rows], ["free_quota", "estimated"])
            self.assertEqual(rows[1].company_cost, 0.02)

    def test_a_template_without_a_report_is_not(self):
        self._rate()
        row = self._delivered(days_ago=2)
        self._count()
        self.assertEqual(row.cost_state, "not_told")

    def _quota(self, count):
        """As if so few were free."""
        return patch.object(policy_cost, "FREE_SERVICE_MESSAGES", count)
