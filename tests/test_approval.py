"""Maker and checker: a large campaign is approved by somebody else before it is launched."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .common import WabaCase


class TestApproval(WabaCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_approval_above = 2
        self.campaign = self._campaign(self._leads(3), user_id=self.salesperson.id)
        self.mine = self.campaign.with_user(self.salesperson)
        self.theirs = self.campaign.with_user(self.manager)

    def _open(self, campaign):
        action = campaign.action_preflight()
        return self.env["waba.preflight"].with_user(campaign.env.user).browse(action["res_id"])

    def _ask(self):
        self._open(self.mine).action_ask()
        self.env.invalidate_all()

    def test_asked_approved_launched(self):
        wizard = self._open(self.mine)
        self.assertEqual((wizard.can_launch, wizard.can_ask, wizard.can_approve),
                         (False, True, False))  # fmt: skip
        self.assertIn("more than 2 need a manager's approval", self.mine.approval_text)
        wizard.reason = "Agreed with Marta."
        wizard.action_ask()
        self.assertEqual(self.mine.approval_state, "asked")
        self.assertIn("waits for a manager's approval", self.mine.approval_text)
        self.env.invalidate_all()
        self.assertIn("asks for your approval", self.theirs.approval_text)
        activity = self.campaign.activity_ids.filtered(lambda one: one.user_id == self.manager)
        self.assertIn("Agreed with Marta.", activity.note)
        wizard = self._open(self.theirs)
        self.assertTrue(wizard.can_approve)
        wizard.action_approve()
        self.assertEqual(self.campaign.approval_decided_by_id, self.manager)
        self.assertFalse(self.campaign.activity_ids)
        self.env.invalidate_all()
        wizard = self._open(self.mine)
        self.assertTrue(wizard.can_launch)
        wizard.action_launch()
        self.assertEqual(self.mine.state, "preparing")

    def test_small_campaigns_and_companies_that_never_ask_need_none(self):
        small = self._campaign(self._leads(2, start=50), user_id=self.salesperson.id)
        small.with_user(self.salesperson).action_launch()
        self.assertEqual(small.state, "preparing")
        self.env.company.waba_approval_above = 0
        self.mine.action_launch()
        self.assertEqual(self.mine.state, "preparing")

    def test_refused_with_a_note(self):
        self._ask()
        wizard = self._open(self.theirs)
        with self.assertRaisesRegex(UserError, "Say why"):
            wizard.action_refuse()
        wizard.reason = "Too soon after the last one."
        wizard.action_refuse()
        self.env.invalidate_all()
        self.assertIn("Too soon after the last one.", self.mine.approval_text)
        with self.assertRaisesRegex(UserError, "need a manager's approval"):
            self.mine.action_launch()
        self._ask()
        self.assertEqual(self.mine.approval_state, "asked")

    def test_without_an_approval_nothing_launches_by_any_way(self):
        ways = {
            "launch": self.mine.action_launch,
            "the dialog": lambda: self._open(self.mine).action_launch(),
            "a manager": self.theirs.action_launch,
        }
        for name, way in ways.items():
            with self.subTest(name), self.assertRaisesRegex(UserError, "manager's approval"):
                way()
        self.assertEqual(self.campaign.state, "draft")

    def test_who_made_it_does_not_approve_it_unless_the_company_says_so(self):
        with self.assertRaisesRegex(AccessError, "Only a manager who did not make"):
            self._ask()
            self._open(self.mine).action_approve()
        other = new_test_user(
            self.env, "waba_other_manager",
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
        )  # fmt: skip
        own = self._campaign(self._leads(3, start=50), user_id=self.manager.id)
        own = own.with_user(self.manager)
        self._open(own).action_ask()
        self.assertNotIn(self.manager, own.activity_ids.user_id)
        self.assertIn(other, own.activity_ids.user_id)
        with self.assertRaisesRegex(AccessError, "Only a manager who did not make"):
            self._open(own).action_approve()
        own.user_id = self.salesperson
        with self.assertRaisesRegex(AccessError, "Only a manager who did not make"):
            self._open(own).action_approve()
        self.env.company.waba_approval_own = True
        self._open(own).action_approve()
        own.action_launch()
        self.assertEqual(own.state, "preparing")

    def test_any_later_change_withdraws_it(self):
        changes = {
            "template": {"template_id": self.utility_template.id},
            "audience": {"audience_domain": "[]"},
            "number": {"sender_id": self.sender_mx.id},
            "time": {"scheduled_at": "2030-01-01 10:00:00"},
        }
        for name, values in changes.items():
            for decided in (False, True):
                with self._case(f"{name}, decided: {decided}"):
                    self._ask()
                    if decided:
                        self._open(self.theirs).action_approve()
                    self.mine.write(values)
                    self.assertFalse(self.mine.approval_state)
                    self.assertFalse(self.campaign.activity_ids)
                    self.assertIn("the approval is withdrawn", self._chatter(self.campaign))
                    with self.assertRaises(UserError):
                        self.mine.action_launch()

    def test_a_changed_text_withdraws_it(self):
        line = self.mine.variable_ids[:1]
        for name, change in {
            "write": lambda: line.write({"fallback": "amiga"}),
            "through the campaign": lambda: self.mine.write(
                {"variable_ids": [(1, line.id, {"source": "text", "text": "Hola"})]}
            ),
            "delete": line.unlink,
        }.items():
            with self._case(name):
                self._ask()
                self._open(self.theirs).action_approve()
                change()
                self.assertFalse(self.mine.approval_state)

    def test_a_template_that_meta_changed_is_not_what_was_approved(self):
        self._ask()
        self._open(self.theirs).action_approve()
        self.template.sudo().signature = "another"
        with self.assertRaisesRegex(UserError, "manager's approval"):
            self.mine.action_launch()

    def test_what_does_not_matter_keeps_it(self):
        self._ask()
        self._open(self.theirs).action_approve()
        self.mine.write({"name": "Another name", "priority": "1"})
        self.assertEqual(self.mine.approval_state, "approved")

    def test_an_audience_that_grew_is_not_what_was_approved(self):
        self.mine.audience_domain = "[('name', 'like', 'Lead 11')]"
        self._ask()
        self._open(self.theirs).action_approve()
        self._leads(3, start=500)
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "manager's approval"):
            self.mine.action_launch()

    def test_a_scheduled_campaign_changed_later_waits_at_its_time(self):
        with self._moving_clock() as move:
            self.mine.scheduled_at = self.env.cr.now().replace(year=2099)
            self._ask()
            self._open(self.theirs).action_approve()
            self.mine.action_launch()
            self.assertEqual(self.mine.state, "scheduled")
            self.mine.scheduled_at = False
            self.assertFalse(self.mine.approval_state)
            move(60)
            self._prepare()
            self.assertEqual((self.mine.state, self.mine.pause_cause), ("paused", "preflight"))
            self.assertIn("manager's approval", self.mine.hold_reason)

    def test_a_manager_overrides_and_approves_in_one(self):
        self.sender.quality_rating = "red"
        self._ask()
        wizard = self._open(self.theirs)
        self.assertTrue(wizard.can_override)
        wizard.reason = "The rating is being reviewed."
        wizard.action_override()
        self.assertEqual(self.campaign.approval_state, "approved")
        self.env.invalidate_all()
        self.mine.action_launch()
        self.assertEqual(self.mine.state, "preparing")

    def test_without_another_manager_the_asker_is_told(self):
        group = self.env.ref("waba_campaign.waba_group_manager")
        own = self._campaign(self._leads(3, start=50), user_id=self.manager.id)
        group.all_user_ids.filtered(lambda user: user != self.manager).active = False
        with self.assertRaisesRegex(UserError, "No other manager"):
            self._open(own.with_user(self.manager)).action_ask()
