"""The canary of a campaign, and the pause that its own results ask for."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ..reputation.test_response import DAY, HOUR, ResponseCase


class CanaryCase(ResponseCase):
    def setUp(self):
        super().setUp()
        self.sender.write({"large_campaign": 20, "canary_minimum": 5, "threshold_volume": 10})

    def _watch(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))

    def _come_back(self, campaign, delivered=0, failed=0, opted_out=0):
        """The outcome of the people written to, as webhooks tell it."""
        rows = iter(self._rows(campaign, "accepted"))
        for index in range(delivered):
            row = next(rows)
            self._store_event(self._status(row, "delivered", self._epoch()))
            if index < opted_out:
                self._store_event(
                    self._inbound(
                        row.number, "BAJA", wamid=f"wamid.stop{row.id}",
                        timestamp=self._epoch(), context={"id": row.wamid},
                    )
                )  # fmt: skip
        for _index in range(failed):
            self._store_event(
                self._status(next(rows), "failed", self._epoch(), errors=[{"code": 131026}])
            )
        self._apply_webhooks()

    def _epoch(self):
        return int(fields.Datetime.now().timestamp())

    def _run(self):
        """A run of the number's job that nothing has been handed over to."""
        pool = type("Pool", (), {"pending": 0})()
        return DispatchRun(pool, 80, self.sender.run_count)


class TestCanaryWave(CanaryCase):
    def test_a_large_campaign_of_a_young_portfolio_sends_a_first_wave_and_then_the_rest(self):
        with self._moving_clock() as move:
            campaign = self._launch(self._leads(25))
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.queued_count), (5, 20))
            self.assertEqual((campaign.canary_state, campaign.canary_size), ("waiting", 5))
            self.assertIn("Pilot batch of 5 sent. The rest follows", campaign.hold_reason)
            self.assertIn("if results are good", campaign.hold_reason)
            self.assertIn(campaign.canary_check_at, self._alarms())
            now = fields.Datetime.now()
            idle = [at for at in self._alarms() if now < at < campaign.canary_check_at]
            self.assertEqual(idle, [], "nothing asks in vain before its time")
            self.assertEqual(self._responses(campaign), ["response_canary"])
            self.assertIn("pilot batch to 5 recipients", self._chatter(campaign))
            self.assertEqual(len(self._activities(campaign)), 1)
            self._come_back(campaign, delivered=5)
            move(HOUR)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 5, "the wait is not over")
            move(HOUR + 60)
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (25, "done"))
            self.assertIn("Pilot batch of 5: 5 delivered", self._chatter(campaign))
            self.assertFalse(self._activities(campaign))
        self.assertCountEqual(self._accepted_uuids(), self._rows(campaign).mapped("uuid"))

    def test_who_has_a_first_wave_and_how_large_it_is(self):
        cases = {
            # people, settings, template's rating, template messages of the last year: wave
            "small": (19, {}, "green", 0, 0),
            "large": (20, {}, "green", 0, 5),
            "share of it": (80, {}, "green", 0, 8),
            "at most": (80, {"canary_maximum": 6}, "green", 0, 6),
            "large of an old portfolio": (30, {}, "green", 500_000, 0),
            "nearly old": (30, {}, "green", 499_999, 5),
            "unwanted": (30, {"canary": False}, "green", 0, 0),
            "small of a slowed number": (12, {"response_canary": True}, "green", 500_000, 5),
            "small with a template rated Medium": (12, {}, "yellow", 500_000, 5),
            "smaller than a wave": (5, {"response_canary": True}, "green", 0, 0),
        }
        for name, (people, values, rating, sent, wave) in cases.items():
            with self._case(name):
                self.sender.write(values)
                self.template.quality_score = rating
                self.env.cr.execute(
                    """INSERT INTO waba_message_daily
                              (day, sender_id, account_id, template_id, sent_count)
                       VALUES (CURRENT_DATE - 300, %s, %s, %s, %s),
                              (CURRENT_DATE - 400, %s, %s, %s, 1000000)""",
                    (*self._daily_key(), sent, *self._daily_key()),
                )
                campaign = self._launch(self._leads(people))
                self.assertEqual(campaign.sent_count, wave or people)
                self.assertEqual(campaign.canary_size, wave)

    def _daily_key(self):
        return self.sender.id, self.account.id, self.template.id

    def test_reservations_never_go_beyond_the_wave_and_refill_what_came_back(self):
        campaign = self._waiting(self._leads(25))
        run = self._run()
        taken = [key for key, *_rest in self.sender._reserve_rows(3, run)[0]]
        self.assertEqual(len(taken), 3)
        taken += [key for key, *_rest in self.sender._reserve_rows(10, run)[0]]
        self.assertEqual(len(taken), 5)
        self.assertEqual(self.sender._reserve_rows(10, run), ([], 0))
        self.assertEqual(campaign.canary_state, "waiting")
        self.env["waba.message"]._requeue_unsent(taken[:2])
        refilled, _left_out = self.sender._reserve_rows(10, run)
        self.assertEqual(len(refilled), 2)
        self.assertEqual(self.sender._reserve_rows(10, run), ([], 0))

    def test_people_left_out_take_no_room_of_the_wave(self):
        leads = self._leads(25)
        campaign = self._waiting(leads)
        self.env["phone.blacklist"]._add([lead.phone_sanitized for lead in leads[:4]])
        self._dispatch()
        self.assertEqual((campaign.skipped_count, campaign.sent_count), (4, 5))

    def test_while_one_campaign_waits_the_others_of_its_number_go_on(self):
        campaign = self._launch(self._leads(25))
        other = self._launch(self._leads(10, start=100))
        self.assertEqual((campaign.sent_count, other.sent_count), (5, 10))

    def test_a_number_that_gets_worse_under_way_sends_the_rest_in_waves(self):
        self.sender.large_campaign = 100
        self.portfolio.daily_cap = 6
        campaign = self._launch(self._leads(30))
        self.assertEqual((campaign.sent_count, campaign.canary_state), (6, "none"))
        self.portfolio.daily_cap = 40
        self._rate("yellow")
        self._dispatch()
        self.assertEqual(campaign.canary_state, "waiting")
        self.assertEqual((campaign.canary_size, campaign.canary_limit), (5, 11))

    def test_a_template_that_gets_worse_under_way_does_so_too(self):
        campaign = self._waiting(self._leads(12))
        self.assertEqual(len(self.sender._reserve_rows(2, self._run())[0]), 2)
        self.template.quality_score = "yellow"
        self.assertEqual(len(self.sender._reserve_rows(20, self._run())[0]), 5)
        self.assertEqual(campaign.canary_limit, 7)

    def test_a_manager_need_not_wait_and_a_salesperson_must(self):
        campaign = self._launch(self._leads(25))
        campaign.user_id = self.salesperson
        with self.assertRaises(AccessError):
            campaign.with_user(self.salesperson).action_release_canary()
        campaign.with_user(self.manager).action_release_canary()
        self._dispatch()
        self.assertEqual(campaign.sent_count, 25)
        self.assertIn(f"{self.manager.name} sent the rest without", self._chatter(campaign))

    def test_a_wave_that_few_got_yet_waits_longer_and_then_pauses(self):
        with self._moving_clock() as move:
            campaign = self._launch(self._leads(25))
            self._come_back(campaign, delivered=2)
            move(2 * HOUR + 60)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 5)
            self.assertGreater(campaign.canary_check_at, fields.Datetime.now())
            self.assertIn("too few messages were delivered", campaign.hold_reason)
            move(22 * HOUR)
            self._watch()
            self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "reputation"))
            self.assertIn("only 2 of the 5 messages", campaign.pause_reason)


class TestResults(CanaryCase):
    def test_a_bad_first_wave_pauses_the_campaign_and_writes_to_nobody_else(self):
        cases = {
            "failures": ({"delivered": 6, "failed": 4}, "messages failed", "40% of 10"),
            "opt-outs": ({"delivered": 10, "opted_out": 3}, "opted out", "30% of 10"),
        }
        for name, (came_back, words, rate) in cases.items():
            with self._case(name):
                self.sender.canary_minimum = 10
                campaign = self._launch(self._leads(25))
                self.assertEqual(campaign.sent_count, 10)
                self._come_back(campaign, **came_back)
                self._dispatch()
                self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "reputation"))
                self.assertTold(campaign, "response_campaign", words, rate, "a manager can resume")
                self.assertEqual(campaign.queued_count, 15)
                self.assertEqual(len(self.simulator.sends()), 10)

    def test_thresholds_hold_without_a_wave_and_only_from_enough_messages(self):
        self.sender.canary = False
        cases = {
            # delivered, failed, opted out: paused
            "few": (6, 3, 0, False),
            "enough failures": (7, 3, 0, True),
            "at the limit": (27, 3, 0, False),
            "two may be chance": (18, 2, 0, False),
            "opt-outs": (27, 0, 3, True),
        }
        for name, (delivered, failed, opted_out, is_paused) in cases.items():
            with self._case(name):
                campaign = self._launch(self._leads(30))
                campaign._reopen_finished()
                self._come_back(campaign, delivered, failed, opted_out)
                self.env["waba.message"].create(
                    self._rows(campaign)[:1].copy_data(
                        {"res_id": 0, "recipient_id": False, "campaign_id": campaign.id}
                    )
                )
                self._watch()
                self.assertEqual(campaign.state, "paused" if is_paused else "running")

    def test_promotions_that_whatsapp_keeps_back_are_no_failures_of_the_campaign(self):
        self.sender.canary = False
        campaign = self._launch(self._leads(20))
        campaign._reopen_finished()
        self._rows(campaign)[:10].write(
            {"state": "failed", "failure_type": "experiment", "failed_at": fields.Datetime.now()}
        )
        self._rows(campaign)[10:].write(
            {"state": "delivered", "delivered_at": fields.Datetime.now()}
        )
        campaign._check_thresholds(fields.Datetime.now())
        self.assertEqual(campaign.state, "running")

    def test_a_manager_releases_with_a_reason_and_only_new_results_count(self):
        with self._moving_clock() as move:
            self.sender.canary_minimum = 10
            campaign = self._launch(self._leads(25), user_id=self.salesperson.id)
            self._come_back(campaign, delivered=6, failed=4)
            self._dispatch()
            self.assertEqual(campaign.state, "paused")
            with self.assertRaisesRegex(UserError, "a manager can resume the campaign"):
                campaign.with_user(self.salesperson).action_resume()
            self.assertFalse(campaign.with_user(self.salesperson).can_release)
            self.assertTrue(campaign.with_user(self.manager).can_release)
            action = campaign.with_user(self.manager).action_resume()
            release = self._opened(action, self.manager)
            wizard = release.create({"reason": "Old landlines, removed."})
            self.assertIn("messages failed", wizard.held_because)
            self.assertIn("15 queued messages", wizard.explanation)
            move(5)
            wizard.action_confirm()
            self.assertEqual(campaign.state, "running")
            [event] = self._events("response_release", campaign_id=campaign.id)
            self.assertEqual((event.source, event.user_id), ("person", self.manager))
            self.assertIn("Old landlines, removed.", event.detail)
            self.assertIn("Old landlines, removed.", self._chatter(campaign))
            self.assertFalse(self._activities(campaign))
            move(60)
            self._dispatch()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.queued_count), ("done", 0))
            self.assertEqual(campaign.sent_count + campaign.failed_count, 25)

    def test_what_pauses_by_its_results_is_not_lifted_by_time_or_template(self):
        self.sender.canary_minimum = 10
        campaign = self._launch(self._leads(25))
        self._come_back(campaign, delivered=6, failed=4)
        self._dispatch()
        self.template._set_status("paused")
        self.template._set_status("approved")
        campaign._resume_if_due(fields.Datetime.now() + timedelta(seconds=30 * DAY))
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "reputation"))

    def test_nobody_writes_the_wave_by_hand(self):
        campaign = self._launch(self._leads(25), user_id=self.salesperson.id)
        for values in ({"canary_state": "widened"}, {"canary_limit": 99}, {"watched_from": False}):
            with (
                self.subTest(str(values)),
                mute_logger("odoo.addons.base.models.ir_model"),
                self.assertRaises(AccessError),
            ):
                campaign.with_user(self.salesperson).write(values)
