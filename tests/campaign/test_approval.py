"""Maker and checker: a large campaign is approved by somebody else before it is launched."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..common import WabaCase


class ApprovalCase(WabaCase):
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
        self._open(self.mine).action_request_approval()
        self.env.invalidate_all()


class TestApproval(ApprovalCase):
    def test_asked_approved_launched(self):
        wizard = self._open(self.mine)
        self.assertEqual((wizard.can_launch, wizard.can_ask, wizard.can_approve),
                         (False, True, False))  # fmt: skip
        self.assertIn("manager's approval is needed above 2", self.mine.approval_text)
        wizard.reason = "Agreed with Marta."
        wizard.action_request_approval()
        self.assertEqual(self.mine.approval_state, "asked")
        self.assertIn("Waiting for a manager's approval", self.mine.approval_text)
        self.env.invalidate_all()
        self.assertIn("requested your approval", self.theirs.approval_text)
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
        with self.assertRaisesRegex(UserError, "Enter a reason"):
            wizard.action_refuse()
        wizard.reason = "Too soon after the last one."
        wizard.action_refuse()
        self.env.invalidate_all()
        self.assertIn("Too soon after the last one.", self.mine.approval_text)
        with self.assertRaisesRegex(UserError, "manager's approval is needed"):
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
        with self.assertRaisesRegex(AccessError, "Only a manager who did not create"):
            self._ask()
            self._open(self.mine).action_approve()
        other = new_test_user(
            self.env, "waba_other_manager",
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
        )  # fmt: skip
        own = self._campaign(self._leads(3, start=50), user_id=self.manager.id)
        own = own.with_user(self.manager)
        self._open(own).action_request_approval()
        self.assertNotIn(self.manager, own.activity_ids.user_id)
        self.assertIn(other, own.activity_ids.user_id)
        with self.assertRaisesRegex(AccessError, "Only a manager who did not create"):
            self._open(own).action_approve()
        own.user_id = self.salesperson
        with self.assertRaisesRegex(AccessError, "Only a manager who did not create"):
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
                    self.assertIn("Approval withdrawn", self._chatter(self.campaign))
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
        others = group.all_user_ids.filtered(lambda user: user != self.manager)
        others.with_user(self.env.ref("base.user_root")).active = False
        with self.assertRaisesRegex(UserError, "No other manager"):
            self._open(own.with_user(self.manager)).action_request_approval()


class TestApprovedPeople(ApprovalCase):
    """An approval, and a manager's reason, cover the people that were there then."""

    def setUp(self):
        super().setUp()
        self.tag = self.env["crm.tag"].create({"name": "Sofa"})
        self.tagged, self.others = self._leads(3, start=600), self._leads(3, start=700)
        self.tagged.tag_ids = self.tag
        self.campaign.write({"audience_source": "tag", "audience_tag_id": self.tag.id})

    def _approve(self):
        self._ask()
        self._open(self.theirs).action_approve()
        self.env.invalidate_all()

    def _swap(self, count=3):
        self.tagged[:count].tag_ids = False
        self.others[:count].tag_ids = self.tag

    def _changes(self):
        """{name: (what happens to the people, whether they are still the approved ones)}"""
        return {
            "all others": (self._swap, False),
            "one other": (lambda: self._swap(1), False),
            "one more": (lambda: self.others[:1].write({"tag_ids": self.tag.ids}), False),
            "another number": (lambda: self.tagged[:1].write({"phone": "+34 699 999 999"}), False),
            "fewer": (lambda: self.tagged[:1].write({"tag_ids": False}), True),
            "gone": (self.tagged[:1].unlink, True),
            "lost": (lambda: self.tagged[:1].write({"active": False}), True),
            "the number written otherwise": (
                lambda: self.tagged[:1].write({"phone": "+34 6-11-00-06-00"}), True
            ),
            "nothing": (lambda: None, True),
        }  # fmt: skip

    def test_other_people_need_another_approval_at_the_launch(self):
        """The example: approved for three tagged leads, the tag moved, three others got it."""
        self.env.company.waba_approval_above = 1
        for name in self._changes():
            with self._case(name):
                change, covered = self._changes()[name]
                self._approve()
                change()
                self.env.invalidate_all()
                if covered:
                    self.mine.action_launch()
                    self.assertEqual(self.mine.state, "preparing")
                    continue
                with self.assertRaisesRegex(UserError, "approval is needed again"):
                    self.mine.action_launch()
                self.assertTrue(self._open(self.mine).can_ask)
                self._approve()
                self.mine.action_launch()
                self._prepare()
                self.assertTrue(self._rows(self.campaign))

    def test_and_when_the_rows_are_made(self):
        self.env.company.waba_approval_above = 1
        for name in self._changes():
            with self._case(name):
                change, covered = self._changes()[name]
                self._approve()
                self.mine.action_launch()
                change()
                self._prepare()
                if covered:
                    self.assertTrue(self._rows(self.campaign))
                    self.assertFalse(self.campaign.approval_people, "no longer needed")
                    continue
                self.assertFalse(self._rows(self.campaign))
                self.assertEqual((self.mine.state, self.mine.pause_cause), ("paused", "preflight"))
                self.assertIn("approval is needed again", self.mine.pause_reason)
                with self.assertRaisesRegex(UserError, "approval is needed again"):
                    self.mine.action_resume()
                self._approve()
                self.mine.action_resume()
                self._prepare()
                self.assertTrue(self._rows(self.campaign))

    def test_and_when_its_time_comes(self):
        self._approve()
        self.campaign.scheduled_at = "2099-01-01 10:00:00"
        self._approve()
        self.mine.action_launch()
        self.assertEqual(self.mine.state, "scheduled")
        self._swap()
        self.env.cr.execute("UPDATE waba_campaign SET scheduled_at = NULL")
        self.env.invalidate_all()
        self._prepare()
        self.assertFalse(self._rows(self.campaign))
        self.assertEqual((self.mine.state, self.mine.pause_cause), ("paused", "preflight"))

    def test_people_who_changed_are_not_approved_by_a_manager_who_looks_too_late(self):
        self._ask()
        wizard = self._open(self.theirs)
        self._swap()
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "has changed"):
            wizard.action_approve()
        self._approve()
        self.mine.action_launch()

    def test_it_grew_large_after_it_was_launched(self):
        (self.tagged[1:]).tag_ids = False
        self.mine.action_launch()
        self._swap()
        self._prepare()
        self.assertEqual((self.mine.state, self.mine.pause_cause), ("paused", "preflight"))
        self.assertFalse(self._rows(self.campaign))

    def test_a_managers_reason_covers_these_people_too(self):
        self.env.company.waba_approval_above = 0
        self.sender.quality_rating = "red"
        for swapped in (False, True):
            for launched in (False, True):
                with self._case(f"swapped: {swapped}, launched before: {launched}"):
                    wizard = self._open(self.theirs)
                    wizard.reason = "The rating is being reviewed."
                    wizard.action_override()
                    self.env.invalidate_all()
                    if launched:
                        self.mine.action_launch()
                    if swapped:
                        self._swap()
                    if launched:
                        self._prepare()
                    elif swapped:
                        with self.assertRaisesRegex(UserError, "blocks this campaign"):
                            self.mine.action_launch()
                    else:
                        self.mine.action_launch()
                    self.assertEqual(
                        self.mine.state,
                        ("paused" if launched else "draft") if swapped
                        else ("running" if launched else "preparing"),
                    )  # fmt: skip


class TestLaunchedTogether(WabaCase):
    """Many small campaigns of one maker are one large one."""

    def setUp(self):
        super().setUp()
        self.env.company.waba_approval_above = 3

    def _small(self, start, count=2, user=None, **values):
        user = user or self.salesperson
        leads = self._leads(count, start=start)
        return self._campaign(leads, user_id=user.id, **values).with_user(user)

    def _refused(self, campaign):
        with self.assertRaisesRegex(UserError, "2 here, 4 with"):
            campaign.action_launch()

    def test_the_second_one_needs_an_approval(self):
        first, second = self._small(100), self._small(200)
        first.action_launch()
        self._refused(second)
        self.assertIn("2 here, 4 with", second.approval_text)

    def test_whatever_becomes_of_the_first(self):
        for name, becomes in {
            "prepared": lambda one: self._prepare(),
            "cancelled after it went": lambda one: (self._prepare(), one.action_cancel()),
            "archived": lambda one: one.write({"active": False}),
            "handed over": lambda one: one.sudo().write({"user_id": self.manager.id}),
            "paused": lambda one: one.action_pause(),
        }.items():
            with self._case(name):
                first, second = self._small(100), self._small(200)
                first.action_launch()
                becomes(first)
                self.env.invalidate_all()
                self._refused(second)

    def test_scheduled_for_one_moment(self):
        for at, other, together in (
            ("2099-01-01 10:00:00", "2099-01-01 18:00:00", True),
            ("2099-01-01 10:00:00", "2099-01-02 09:59:00", True),
            ("2099-01-01 10:00:00", "2099-01-03 10:00:00", False),
            ("2099-01-01 10:00:00", False, False),
        ):
            with self._case(f"{at}, {other}"):
                first = self._small(100, scheduled_at=at)
                second = self._small(200, scheduled_at=other)
                first.action_launch()
                if together:
                    self._refused(second)
                else:
                    second.action_launch()

    def test_as_message_b(self):
        first = self._small(100)
        second = self._small(
            200, template_id=self.utility_template.id, ab_test=True, b_template_id=self.template.id
        )
        first.action_launch()
        self.assertIn("2 here, 4 with", second.approval_text)

    def test_others_are_not_counted(self):
        other_template = {"template_id": self.utility_template.id}
        cases = {
            "another maker": lambda: self._small(100, user=self.manager).action_launch(),
            "another template": lambda: self._small(100, **other_template).action_launch(),
            "a draft": lambda: self._small(100),
            "cancelled before it went": lambda: (
                one := self._small(100), one.action_launch(), one.action_cancel()
            ),
            "approved": self._approved,
            "the day before": lambda: (
                one := self._small(100), one.action_launch(),
                one.sudo().write({"launched_at": "2020-01-01"}),
            ),
        }  # fmt: skip
        for name, before in cases.items():
            with self._case(name):
                before()
                second = self._small(200)
                second.action_launch()
                self.assertEqual(second.state, "preparing")

    def _approved(self):
        large = self._small(100, count=4)
        large._request_approval("")
        large.with_user(self.manager)._decide_approval("approved", "")
        large.action_launch()

    def test_two_launched_at_the_same_moment_are_noticed_when_rows_are_made(self):
        first, second = self._small(100), self._small(200)
        first._start_launch()
        second._start_launch()
        self._prepare()
        states = {(one.state, len(self._rows(one.sudo()))) for one in (first, second)}
        self.assertEqual(states, {("running", 2), ("paused", 0)})

    def test_once_approved_it_is_launched(self):
        first, second = self._small(100), self._small(200)
        first.action_launch()
        second._request_approval("")
        second.with_user(self.manager)._decide_approval("approved", "Fine")
        second.action_launch()
        self._prepare()
        self.assertEqual(len(self._rows(second.sudo())), 2)
