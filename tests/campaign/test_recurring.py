"""Recurring campaigns: each planned time once, only who is new, with the owner's rights."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..common import WabaCase


@tagged("post_install", "-at_install")
class TestRecurring(WabaCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_approval_above = 0
        self.tag = self.env["crm.tag"].create({"name": "Fair"})
        self._new_leads(2)

    def _new_leads(self, count):
        known = self.env["crm.lead"].search_count([("tag_ids", "in", self.tag.ids)])
        leads = self._leads(count, start=known)
        leads.write({"tag_ids": [(4, self.tag.id)], "user_id": self.salesperson.id})
        return leads

    def _recurring(self, **values):
        campaign = self._campaign(
            self.env["crm.lead"], user_id=self.salesperson.id,
            audience_domain=repr([("tag_ids", "in", self.tag.ids)]), audience_source="domain",
        )  # fmt: skip
        values = {"unit": "day", "tz": "Europe/Madrid", **values}
        recurring = self.env["waba.recurring"].with_user(self.salesperson).create(
            {"campaign_id": campaign.id, **values}
        )  # fmt: skip
        recurring.action_start()
        self.assertGreater(recurring.next_at, fields.Datetime.now())
        return recurring

    def _due(self, recurring, late=timedelta()):
        """The next planned time comes; its run, if there is a new one."""
        recurring = recurring.sudo()
        before = recurring.run_ids
        # Each planned time has one run: no two of them in the same second.
        ago = timedelta(minutes=1, seconds=-len(before))
        recurring.next_at = fields.Datetime.now() - late - ago
        self._run_cron(self.env.ref("waba_campaign.ir_cron_recurring"))
        recurring.invalidate_recordset()
        return recurring.run_ids - before

    def _finish(self, run):
        self._prepare()
        self._dispatch()
        return self._rows(run.campaign_id)

    def test_only_who_is_new_gets_it(self):
        recurring = self._recurring()
        first = self._due(recurring)
        self.assertEqual(first.state, "launched", first.reason)
        campaign = first.campaign_id
        self.assertEqual(campaign.launched_by_id, self.salesperson)
        self.assertEqual(len(self._finish(first)), 2)
        nobody = self._due(recurring)
        self.assertEqual((nobody.state, nobody.campaign_id.id), ("empty", False))
        new = self._new_leads(1)
        third = self._due(recurring)
        self.assertEqual(third.campaign_id.audience_count, 1)
        self.assertEqual(self._finish(third).res_id, new.id)
        # The same person as another record.
        self._new_leads(2)[0].phone = new.phone
        fourth = self._due(recurring)
        reasons = self._finish(fourth).mapped("failure_type")
        self.assertCountEqual(reasons, [False, "duplicate"])
        self.assertEqual(self._due(recurring).state, "empty", "nor again")
        self.assertEqual(len(self.simulator.sends()), 4)

    def test_only_excluded_people_are_no_news(self):
        leads = self.env["crm.lead"].search([("tag_ids", "in", self.tag.ids)])
        for number in leads.mapped("phone_sanitized"):
            self.env["phone.blacklist"].add(number)
        recurring = self._recurring()
        run = self._due(recurring)
        self.assertEqual((run.state, bool(run.reason)), ("empty", True))

    def test_everyone_by_choice(self):
        recurring = self._recurring(audience="all")
        self.assertEqual(len(self._finish(self._due(recurring))), 2)
        self.env.company.waba_same_template_hours = 0
        self.assertEqual(self._due(recurring).campaign_id.audience_count, 2)

    def test_each_planned_time_once(self):
        recurring = self._recurring()
        planned = fields.Datetime.now() - timedelta(minutes=1)
        for _worker in range(2):
            recurring.sudo().write({"next_at": planned, "state": "running"})
            self._run_cron(self.env.ref("waba_campaign.ir_cron_recurring"))
        self.assertEqual(len(recurring.run_ids), 1)
        self.assertEqual(
            self.env["waba.campaign"].search_count([("recurring_id", "=", recurring.id)]), 1
        )

    def test_a_run_that_was_missed(self):
        recurring = self._recurring(late_hours=12)
        late = self._due(recurring, timedelta(hours=3))
        self.assertEqual(late.state, "launched", late.reason)
        monthly = self._recurring(unit="month", month_day=1, late_hours=12)
        missed = self._due(monthly, timedelta(hours=30))
        self.assertEqual(missed.state, "skipped")
        self.assertFalse(missed.campaign_id)
        self.assertGreater(monthly.next_at, fields.Datetime.now())

    def test_what_the_preflight_blocks_is_not_sent_and_said(self):
        recurring = self._recurring()
        self.env.company.waba_approval_above = 1
        run = self._due(recurring)
        self.assertEqual((run.state, run.campaign_id.state), ("blocked", "draft"))
        self.assertIn("approval", run.reason)
        told = self.env["mail.message"].search(
            [("model", "=", "waba.campaign"), ("res_id", "=", recurring.campaign_id.id),
             ("partner_ids", "in", self.salesperson.partner_id.ids),
             ("body", "ilike", "was not sent")]
        )  # fmt: skip
        self.assertEqual(len(told), 1)
        self.assertEqual(recurring.state, "running", "the next one may go")
        self._prepare()
        self._dispatch()
        self.assertFalse(self.simulator.sends())

    def test_without_its_owner_it_pauses_and_says_so(self):
        gone = {
            "archived": lambda user: user.write({"active": False}),
            "no rights": lambda user: user.write(
                {"group_ids": [(3, self.env.ref("waba_campaign.waba_group_user").id)]}
            ),
        }
        for name, leaves in gone.items():
            with self._case(name):
                recurring = self._recurring()
                leaves(self.salesperson)
                self.assertFalse(self._due(recurring))
                self.assertEqual(recurring.sudo().state, "paused")
                self.assertIn(self.salesperson.name, recurring.sudo().pause_reason)
                recurring.sudo().with_user(self.manager).action_start()
                self.assertEqual(recurring.sudo().user_id, self.manager)

    def test_another_content_waits_for_its_owner(self):
        recurring = self._recurring()
        recurring.campaign_id.audience_domain = "[]"
        self.assertFalse(self._due(recurring))
        self.assertEqual(recurring.state, "paused")
        recurring.action_start()
        self.assertEqual(recurring.state, "running")

    def test_pause_stop_and_ends(self):
        recurring = self._recurring(max_runs=1)
        recurring.action_pause()
        self.assertFalse(self._due(recurring))
        recurring.action_start()
        self._due(recurring)
        self.assertEqual((recurring.state, recurring.next_at), ("done", False))
        other = self._recurring(until=fields.Date.today() + timedelta(days=3))
        other.action_stop()
        self.assertFalse(self._due(other))
        with self.assertRaises(ValidationError):
            self._recurring(unit="week", mon=False)

    def test_another_time_plans_another_run(self):
        recurring = self._recurring(hour=10)
        before = recurring.next_at
        recurring.hour = 11
        self.assertEqual(abs(recurring.next_at - before) % timedelta(days=1), timedelta(hours=1))

    def test_it_is_read_by_those_who_read_the_campaign(self):
        recurring = self._recurring()
        other = recurring.with_user(self._salesperson_of_own())
        for call in (lambda: other.read(["hour"]), other.action_pause):
            with self.assertRaises(AccessError):
                call()
        with self.assertRaises(UserError):
            self.env["waba.recurring"].sudo().browse(recurring.id).with_user(1).action_start()
