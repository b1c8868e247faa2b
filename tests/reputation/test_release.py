"""A manager's release: with a reason, by managers alone, and nobody who waited is lost."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .test_response import DAY, HOUR, ResponseCase


class TestRelease(ResponseCase):
    def _release_by(self, user, record, reason="The list is deleted."):
        """As the button and its wizard do it."""
        action = record.with_user(user).action_release()
        form = Form(self._opened(action, user))
        form.reason = reason
        return form.save().action_confirm()

    def _refused_as_spam(self):
        campaign = self._waiting(self._leads(4))
        with self._fault(kind="error", code=131048, count=None):
            self._dispatch()
        self.assertEqual(self.sender.state, "locked")
        return campaign

    def test_a_released_number_writes_to_everybody_who_waited_once(self):
        with self._moving_clock() as move:
            campaign = self._refused_as_spam()
            self.env["ir.cron.trigger"].search([]).unlink()
            move(HOUR)
            self._release_by(self.manager, self.sender)
            self.assertEqual(self._in_force(), ("full", "healthy", "active"))
            self.assertFalse(self.sender.pause_reason or self.sender.pause_cause)
            self.assertTrue(self._alarms())
            [event] = self._events("response_release")
            self.assertEqual(
                (event.source, event.user_id, event.sender_id, event.value_before),
                ("person", self.manager, self.sender, "lock"),
            )
            for text in (event.detail, self._chatter(self.sender), self._chatter(campaign)):
                self.assertIn(f"{self.manager.name} resumed sending: The list is", text)
            self.assertFalse(self._activities(self.sender))
            move(60)
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (4, "done"))
            self._run_judge()
            self.assertEqual(self.sender.state, "active", "the old refusal does not lock it again")
        self.assertEqual(len(set(self._accepted_uuids())), 4)

    def test_a_new_refusal_after_the_release_locks_again(self):
        with self._moving_clock() as move:
            campaign = self._refused_as_spam()
            move(HOUR)
            self._release_by(self.manager, self.sender)
            move(HOUR)
            with self._fault(kind="error", code=131048, count=None):
                self._dispatch()
            self.assertEqual(self.sender.state, "locked")
            self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})

    def test_a_fresh_start_leaves_what_was_before_out_of_our_reading(self):
        self._sent(days_ago=1, delivered=300, opted_out=30, silent=60)
        self._run_judge()
        self.assertEqual(self.sender.reputation_level, "at_risk")
        self._rate("red")
        self._release_by(self.manager, self.sender)
        self._run_judge()
        self.assertTrue(self.sender.fresh_start_at)
        self.assertEqual(self.sender.reputation_level, "unknown")

    def test_a_red_number_released_goes_on_at_half_until_it_is_green_or_locks_again(self):
        self.portfolio.daily_cap = 6
        with self._moving_clock() as move:
            campaign = self._waiting(self._leads(8))
            self._rate("red")
            self._dispatch()
            self.assertEqual(campaign.sent_count, 0)
            self.assertTrue(campaign.with_user(self.manager).can_release)
            self.assertEqual(
                campaign.with_user(self.manager).action_release()["context"],
                {"default_sender_id": self.sender.id},
            )
            self._release_by(self.manager, campaign)
            self.assertEqual(self._in_force(), ("slow", "released", "slowed"))
            move(60)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 3)
            move(6 * DAY)
            self._poll()
            self._run_judge()
            self.assertEqual(self._in_force(), ("slow", "released", "slowed"))
            move(DAY + HOUR)
            self._run_judge()
            self.assertEqual(self._in_force(), ("lock", "red_too_long", "locked"))

    def test_a_release_lasts_until_the_rating_has_risen_and_fallen_again(self):
        with self._moving_clock() as move:
            self._rate("red")
            self._release_by(self.manager, self.sender)
            for rating, expected in [("na", "slow"), ("red", "slow"), ("yellow", "slow"),
                                     ("red", "hold_marketing"), ("green", "full")]:  # fmt: skip
                move(60)
                self._rate(rating)
                self.assertEqual(self.sender.response_action, expected, rating)

    def test_a_salesperson_cannot_release(self):
        campaign = self._refused_as_spam()
        campaign.user_id = self.salesperson
        with mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule"):
            for name, attempt in {
                "the number": self.sender.with_user(self.salesperson).action_release,
                "by resuming": self.sender.with_user(self.salesperson).action_resume,
                "the campaign": campaign.with_user(self.salesperson).action_release,
                "the wizard": lambda: self.env["waba.release"].with_user(self.salesperson).create(
                    {"sender_id": self.sender.id, "reason": "x"}
                ),
            }.items():  # fmt: skip
                with self.subTest(name), self.assertRaises(AccessError):
                    attempt()
        self.assertFalse(campaign.with_user(self.salesperson).can_release)
        self.assertEqual(self.sender.state, "locked")

    def test_without_a_reason_nothing_is_released(self):
        self._refused_as_spam()
        wizard = self.env["waba.release"].with_user(self.manager)
        with self.assertRaises(UserError):
            wizard.create({"sender_id": self.sender.id, "reason": "  "}).action_confirm()
        self.assertEqual(self.sender.state, "locked")

    def test_not_even_a_manager_writes_the_lock_away(self):
        self._refused_as_spam()
        for values in ({"state": "active"}, {"response_action": "full"}, {"red_released_at": False},
                       {"fresh_start_at": False}, {"marketing_held": False}):  # fmt: skip
            with self.subTest(str(values)), self.assertRaises(AccessError):
                self.sender.with_user(self.manager).write(values)

    def test_a_manager_of_another_company_cannot_release(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "waba_elsewhere", groups="waba_campaign.waba_group_manager",
            company_id=other.id, company_ids=[(6, 0, other.ids)],
        )  # fmt: skip
        self._refused_as_spam()
        wizard = self.env["waba.release"].with_user(stranger)
        with mute_logger("odoo.addons.base.models.ir_rule"), self.assertRaises(AccessError):
            wizard.create({"sender_id": self.sender.id, "reason": "x"}).action_confirm()
        self.assertEqual(self.sender.state, "locked")

    def test_a_number_that_nothing_holds_is_not_released(self):
        self._release_by(self.manager, self.sender)
        self.assertFalse(self.sender.fresh_start_at)
        self.assertFalse(self._events("response_release"))

    def test_metas_own_stop_outlasts_a_release(self):
        self._refused_as_spam()
        self.simulator.post("number", id=self.sender.phone_number_uid, status="FLAGGED")
        self._poll()
        self._release_by(self.manager, self.sender)
        self.assertEqual((self.sender.state, self.sender.pause_cause), ("paused", "platform"))

    def test_a_template_goes_on_by_a_managers_word_until_metas_next_warning(self):
        campaign = self._waiting(self._leads(3))
        self.template.quality_score = "red"
        self.assertEqual(campaign.state, "paused")
        self._release_by(self.manager, self.template, "One bad list, it is gone.")
        self.assertEqual((campaign.state, self.template.hold_key), ("running", False))
        self.assertIn("One bad list, it is gone.", self._chatter(self.template))
        self.template._apply_flag()
        self.assertEqual(self.template.hold_key, "template_flagged")
        self.template._set_status("disabled")
        self.assertFalse(self.template.may_be_released, "what Meta stopped, only Meta frees")
