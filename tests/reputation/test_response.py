"""What follows from a number's reputation: through the jobs themselves, against the simulator.

What left is judged by the simulator's log.
"""

import time
from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ...models.base.waba_sender import FIELDS
from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ...policy import limits, response
from ..common import NUMBER_ES, NUMBER_MX, WABA_UID
from ..dispatch.test_dispatch import DispatchCase
from ..reputation_case import ReputationCase

HOUR, DAY = 3600, 24 * 3600


class ResponseCase(DispatchCase, ReputationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Whoever installed this is a manager too; one is enough to count activities.
        cls.env.ref("waba_campaign.waba_group_manager").user_ids = cls.manager

    def _poll(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))

    def _rate(self, rating, **values):
        """Meta changes the number's rating, and we read it."""
        self.simulator.post("number", id=NUMBER_ES, quality_rating=rating.upper(), **values)
        self._poll()

    def _events(self, kind, **values):
        domain = [("kind", "=", kind), *((name, "=", value) for name, value in values.items())]
        return self.env["waba.reputation.event"].search(domain)

    def _responses(self, record):
        """Kinds of our own actions noted on a record, oldest first."""
        field = {"waba.sender": "sender_id", "waba.campaign": "campaign_id",
                 "waba.template": "template_id"}[record._name]  # fmt: skip
        events = self.env["waba.reputation.event"].search(
            [(field, "=", record.id), ("kind", "=like", "response_%")], order="id"
        )
        return events.mapped("kind")

    def _activities(self, record):
        return self.env["mail.activity"].search(
            [("res_model", "=", record._name), ("res_id", "=", record.id)]
        )

    def _waiting(self, leads, **values):
        """A campaign prepared and not yet sent."""
        campaign = self._campaign(leads, **values)
        campaign._start_launch()
        self._prepare()
        return campaign

    def _service(self, leads):
        return self._waiting(leads, template_id=self.utility_template.id)

    def _in_force(self, sender=None):
        sender = sender or self.sender
        return sender.response_action, sender.response_key, sender.state

    def assertTold(self, record, kind, *words):
        """An action is in the evidence once, in the chatter, and on one manager's list."""
        [event] = self._events(kind)[:1]
        self.assertEqual((event.source, event.certainty), ("policy", "exact"))
        for word in words:
            self.assertIn(word, event.detail)
            self.assertIn(word, self._chatter(record))
        [activity] = self._activities(record)
        self.assertEqual(activity.user_id, self.manager)
        for word in words:
            self.assertIn(word, activity.note)


class TestRatings(ResponseCase):
    def test_each_rating_of_metas_has_its_answer(self):
        held, slowed = ("hold_marketing", "red", "active"), ("slow", "yellow", "slowed")
        full = ("full", "healthy", "active")
        cases = [
            (["green"], full),
            (["na"], full),
            (["yellow"], slowed),
            (["red"], held),
            (["yellow", "red"], held),
            (["red", "yellow"], slowed),
            (["red", "green"], full),
            (["yellow", "green"], full),
            # "Not rated" is no relief.
            (["red", "na"], held),
            (["yellow", "na"], slowed),
            (["red", "na", "green"], full),
        ]
        for ratings, expected in cases:
            with self._case(" → ".join(ratings)), self._moving_clock() as move:
                for rating in ratings:
                    move(60)
                    self._rate(rating)
                self.assertEqual(self._in_force(), expected)
                self._run_judge()
                self.assertEqual(self._in_force(), expected)

    def test_after_the_red_reading_no_promotion_leaves_and_service_messages_do(self):
        marketing = self._waiting(self._leads(3))
        service = self._service(self._leads(2, start=100))
        self._rate("red")
        self._dispatch()
        self.assertEqual(set(self._rows(marketing).mapped("state")), {"queued"})
        self.assertEqual(set(self._rows(service).mapped("state")), {"accepted"})
        self.assertEqual(len(self.simulator.sends()), 2)
        self.assertTrue(self.sender.marketing_held)
        self.assertIn("quality rating is Low", marketing.hold_reason)
        self.assertIn("a manager resumes them", marketing.hold_reason)
        self.assertFalse(service.hold_reason)
        self.assertTold(self.sender, "response_hold", "is Low", "service messages are still sent")
        self.assertIn("is Low", self._chatter(marketing))
        self.assertNotIn("is Low", self._chatter(service))

    def test_promotions_without_a_campaign_wait_too(self):
        numbers = ["+34655000001", "+34655000002"]
        service = self._direct_rows(numbers[:1])
        promotion = self._direct_rows(
            numbers[1:],
            template_id=self.template.id,
            category="marketing",
            parameters=self.template._example_parameters(),
        )
        self._rate("red")
        self._dispatch()
        self.assertEqual((service.state, promotion.state), ("accepted", "queued"))
        soon = fields.Datetime.now() + timedelta(minutes=5)
        self.assertFalse([at for at in self._alarms() if at > fields.Datetime.now() and at < soon],
                         "what is held sets no alarm of every minute")  # fmt: skip
        self._rate("green")
        self._dispatch()
        self.assertEqual(promotion.state, "accepted")

    def test_when_the_rating_rises_everybody_who_waited_is_written_to_once(self):
        campaign = self._waiting(self._leads(5))
        self._rate("red")
        self._dispatch()
        self.env["ir.cron.trigger"].search([]).unlink()
        self._rate("green")
        self.assertLessEqual(self._alarms()[0], fields.Datetime.now(), "woken")
        self._dispatch()
        self.assertEqual((campaign.sent_count, campaign.state), (5, "done"))
        self.assertCountEqual(self._accepted_uuids(), self._rows(campaign).mapped("uuid"))
        self.assertEqual(self._responses(self.sender), ["response_hold", "response_full"])
        self.assertFalse(self._activities(self.sender))
        self.assertFalse(self.sender.response_reason)
        self.assertIn("active again", self._chatter(self.sender))

    def test_what_is_in_force_is_not_done_again(self):
        self._rate("red")
        self.env.flush_all()

        def count():
            return (
                len(self._responses(self.sender)),
                len(self.sender.message_ids),
                self._activities(self.sender).ids,
            )

        before = count()
        for _again in range(3):
            self._poll()
            self._run_judge()
            self.sender._apply_current_response()
        self.assertEqual(count(), before)

    def test_an_open_activity_takes_the_news_and_no_second_one_is_made(self):
        with self._moving_clock() as move:
            self._rate("yellow")
            first = self._activities(self.sender)
            move(60)
            self._rate("red")
            self.assertEqual(self._activities(self.sender), first)
            self.assertIn("is Low", first.note)

    def test_a_red_row_reserved_by_nobody_is_refused_in_the_reservation_itself(self):
        """The inner fence: the rating alone, before anything was decided."""
        campaign = self._waiting(self._leads(2))
        self.sender.quality_rating = "red"
        self.assertEqual(self.sender.response_action, "full")
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertIn("is Low", campaign.hold_reason)

    def test_our_own_reading_at_risk_slows_unless_the_manager_does_not_want_it(self):
        self._sent(days_ago=1, delivered=300, opted_out=30, silent=60)
        for wanted, expected in [(True, ("slow", "at_risk", "slowed")),
                                 (False, ("full", "at_risk", "active"))]:  # fmt: skip
            with self._case(f"wanted: {wanted}"):
                self.sender.slow_at_risk = wanted
                self._run_judge()
                self.assertEqual(self.sender.reputation_level, "at_risk")
                self.assertEqual(self._in_force(), expected)
                self.assertTrue(self.sender.response_canary)

    def test_a_persons_pause_stands_above_and_what_is_in_force_comes_back_after_it(self):
        self.sender.action_pause()
        self._rate("yellow")
        self.assertEqual((self.sender.state, self.sender.response_action), ("paused", "slow"))
        self.assertIn("Paused by", self.sender.pause_reason)
        self.sender.action_resume()
        self.assertEqual((self.sender.state, self.sender.pause_reason), ("slowed", False))
        self._rate("green")
        self.assertEqual(self.sender.state, "active")

    def test_the_other_number_is_not_touched(self):
        self._rate("red")
        self.assertEqual(self._in_force(self.sender_mx), ("full", "healthy", "active"))
        campaign = self._launch(self._leads(2), sender_id=self.sender_mx.id)
        self.assertEqual(campaign.sent_count, 2)


class TestLocks(ResponseCase):
    def test_red_for_as_many_days_as_set_locks(self):
        cases = [
            (7, 6.9, "hold_marketing"),
            (7, 7.1, "lock"),
            (2, 2.1, "lock"),
            (0, 30, "hold_marketing"),
        ]
        for days_set, days, expected in cases:
            with self._case(f"{days} of {days_set}"), self._moving_clock() as move:
                self.sender.lock_red_days = days_set
                self._rate("red")
                move(days * DAY)
                self._run_judge()
                self.assertEqual(self.sender.response_action, expected)

    def test_a_locked_number_sends_nothing_at_all_and_says_what_lifts_it(self):
        with self._moving_clock() as move:
            self._rate("red")
            move(7 * DAY + HOUR)
            self._run_judge()
            service = self._service(self._leads(2))
            self._dispatch()
            self.assertEqual(self.simulator.sends(), [])
            self.assertEqual((self.sender.state, self.sender.pause_cause), ("locked", "reputation"))
            self.assertIn("Low for 7 days", service.hold_reason)
            self.assertIn("A manager can resume sending, with a reason", service.hold_reason)
            self.assertTold(self.sender, "response_lock", "Low for 7 days")
            move(60)
            self._rate("green")
            self._run_judge()
            self.assertEqual(self.sender.state, "locked", "a better rating does not lift it")
            self.sender._pause("Maintenance.", until=fields.Datetime.now())
            self.sender._resume("test.")
            self._dispatch()
            self.assertEqual(self.simulator.sends(), [])

    def test_a_refusal_as_spam_locks_at_once_and_keeps_the_row(self):
        campaign = self._waiting(self._leads(4))
        self.sender.own_throughput = 1
        with self._fault(kind="error", code=131048, details="Too many were blocked."):
            self._dispatch()
        states = self._rows(campaign).mapped("state")
        self.assertNotIn("failed", states)
        self.assertIn("queued", states)
        self.assertEqual(self.sender.state, "locked")
        self.assertFalse(self.sender.resume_at)
        self.assertIn("Too many were blocked", self.sender.pause_reason)
        self.assertTold(self.sender, "response_lock", "Too many were blocked", "A manager")
        self.assertEqual(len(self._responses(self.sender)), 1)
        left = len(self.simulator.sends())
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            self._dispatch()
        self.assertEqual(len(self.simulator.sends()), left, "no time lifts it")

    def test_a_refusal_as_spam_told_by_a_status_locks_too(self):
        campaign = self._launch(self._leads(1))
        self._receive(self._status(self._rows(campaign), "failed", errors=[{"code": 131048}]))
        self.assertEqual(self.sender.state, "locked")
        self.assertEqual(self._rows(campaign).state, "queued")

    def test_metas_restriction_locks_every_number_of_the_account(self):
        def restrict(kind):
            update = {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
                {"restriction_type": kind}]}  # fmt: skip
            body = self._change("account_update", update, waba_uid=WABA_UID)
            body["entry"][0]["time"] = int(time.time()) + 1
            self._receive(body)

        restrict("RESTRICTED_ADD_PHONE_NUMBER_ACTION")
        self.assertEqual(set(self.account.sender_ids.mapped("state")), {"active"})
        restrict("RESTRICTED_BIZ_INITIATED_MESSAGING")
        for sender in self.account.sender_ids:
            self.assertEqual(self._in_force(sender), ("lock", "restricted", "locked"))
            self.assertEqual(len(self._activities(sender)), 1)

    def test_a_restricted_number_is_locked_when_meta_lets_it_send_again(self):
        self.simulator.post("number", id=NUMBER_ES, status="RESTRICTED")
        self._poll()
        self._run_judge()
        self.simulator.post("number", id=NUMBER_ES, status="CONNECTED")
        self._poll()
        self.assertEqual(self.sender.state, "locked")

    def test_an_account_restricted_by_an_answer_is_locked_too(self):
        with self._fault(kind="error", code=368):
            self._launch(self._leads(1))
        self._run_judge()
        self.assertEqual(self._in_force(), ("lock", "restricted", "locked"))

    def test_other_failures_lock_nothing(self):
        for code in (131026, 131049, 130472, 131056, 132015):
            with self._case(str(code)):
                with self._fault(kind="error", code=code):
                    self._launch(self._leads(1))
                self._run_judge()
                self.assertEqual(self.sender.state, "active")


class TestDailyShare(ResponseCase):
    def test_a_yellow_number_writes_to_half_of_the_limit_and_goes_on_as_places_free(self):
        self.portfolio.daily_cap = 10
        with self._moving_clock() as move:
            self._rate("yellow")
            campaign = self._waiting(self._leads(8))
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.queued_count), (5, 3))
            self.assertIn("5 of 5 for this number (slowed)", campaign.progress_text)
            share = "50 % of the daily limit"
            self.assertTold(self.sender, "response_slow", "is Medium", share, "pilot batch")
            first = min(self._rows(campaign, "accepted").mapped("slot_at")) + limits.WINDOW
            self.assertEqual(campaign.next_message_at, first)
            self.assertIn(first, self._alarms())
            now = fields.Datetime.now()
            self.assertFalse([at for at in self._alarms() if now < at < first], "no idle alarm")
            move((first - now).total_seconds() + 60)
            self._dispatch()
            self.assertEqual(campaign.state, "done")
        self.assertEqual(len(self._accepted_uuids()), 8)

    def test_the_smaller_of_all_limits_holds(self):
        def warm(people):
            now = fields.Datetime.now()
            return {"warm_up_people": people, "warm_up_step": 0, "warm_up_stepped_at": now}

        cases = [
            # the portfolio's limit, its cap, share, warm-up, people written to of 30
            ("250", 0, 1.0, {}, 30),
            ("250", 20, 1.0, {}, 20),
            ("250", 20, 0.5, {}, 10),
            ("250", 0, 1.0, warm(7), 7),
            ("250", 6, 1.0, warm(7), 6),
            ("250", 20, 0.5, warm(8), 4),
            ("250", 20, 0.5, warm(100), 10),
            ("50", 0, 0.1, {}, 5),
            ("250", 1, 0.5, {}, 1),
            ("unlimited", 0, 0.5, {"busiest_day": 16}, 8),
            ("unlimited", 0, 1.0, warm(9), 9),
        ]
        self.sender.canary = False
        for limit, cap, share, values, people in cases:
            with self._case(f"{limit} {cap} {share} {values}"):
                self.portfolio.write({"messaging_limit": limit, "daily_cap": cap})
                action = "slow" if share < 1 else "warm_up" if values else "full"
                self.sender.write(
                    {"response_action": action, "response_share": share,
                     "response_key": "yellow", **values}
                )  # fmt: skip
                campaign = self._launch(self._leads(30))
                self.assertEqual(campaign.sent_count, people)
                self._dispatch()
                campaign.invalidate_recordset()
                self.assertEqual(campaign.sent_count, people, "nor with a second run")
                self.assertEqual(self.simulator.get("stats")["numbers"][NUMBER_ES]["accepted"],
                                 people)  # fmt: skip

    def test_the_share_counts_this_numbers_people_and_not_those_of_the_others(self):
        self.portfolio.daily_cap = 10
        self._launch(self._leads(4), sender_id=self.sender_mx.id)
        self._rate("yellow")
        campaign = self._launch(self._leads(8, start=100))
        self.assertEqual(campaign.sent_count, 5, "four of the other number's leave five of ten")
        self.assertEqual(self.portfolio.slots_used, 9)

    def test_who_another_number_wrote_to_costs_a_place_of_the_share_and_none_of_the_portfolio(self):
        self.portfolio.daily_cap = 4
        leads = self._leads(4)
        with self._moving_clock() as move:
            self._launch(leads, sender_id=self.sender_mx.id)
            move(60)
            self._rate("yellow")
            campaign = self._launch(leads)
            self.assertEqual(campaign.sent_count, 2)
            self.assertEqual(self.portfolio.slots_used, 4)

    def test_who_counts_for_this_number_already_costs_no_place_of_its_share(self):
        self.portfolio.daily_cap = 6
        leads = self._leads(5)
        with self._moving_clock() as move:
            self._launch(leads[:3])
            self._rate("yellow")
            move(60)
            campaign = self._launch(leads)
            sent = self._rows(campaign, "accepted")
            self.assertEqual(set(sent.mapped("res_id")), set(leads[:3].ids))

    def test_follow_ups_keep_their_part_of_the_share_too(self):
        self.portfolio.write({"daily_cap": 20, "followup_share": 0.3})
        self._rate("yellow")
        campaign = self._launch(self._leads(12))
        self.assertEqual(campaign.sent_count, 7)
        follow_ups = self._direct_rows([f"+34655000{index:03d}" for index in range(5)])
        self._dispatch()
        states = follow_ups.mapped("state")
        self.assertEqual((states.count("accepted"), states.count("queued")), (3, 2))

    def test_half_of_no_limit_is_half_of_the_busiest_day_before(self):
        self.sender.warm_up = False
        self.simulator.post("limit", limit="TIER_UNLIMITED", webhook=False)
        self._sent(days_ago=2, delivered=30)
        self._sent(days_ago=1, delivered=12)
        self._count()
        self._rate("yellow")
        self.assertEqual(self.sender._own_daily_limit(), 15)
        self.env["waba.message.daily"].search([]).sudo().unlink()
        self.sender._apply_current_response()
        self.assertEqual(self.sender._own_daily_limit(), 15, "the share does not eat itself")

    def test_a_rating_that_falls_between_two_reservations_holds_the_second(self):
        self._waiting(self._leads(6))
        run = DispatchRun(None, 80, self.sender.run_count)
        run.pool = type("Pool", (), {"pending": 0})()
        jobs, _left_out = self.sender._reserve_rows(2, run)
        self.assertEqual(len(jobs), 2)
        self._rate("red")
        self.assertEqual(self.sender._reserve_rows(2, run), ([], 0))


class TestWarmUp(ResponseCase):
    def _connect_unrated(self):
        """The number is read for the first time, and Meta has not rated it."""
        self.simulator.post("number", id=NUMBER_ES, quality_rating="NA")
        self.sender.write({"rated_at": False, "quality_rating": "unknown"})
        self._poll()

    def test_a_new_number_starts_small_and_says_so(self):
        self._connect_unrated()
        self.assertEqual(self._in_force(), ("warm_up", "warm_up", "active"))
        campaign = self._launch(self._leads(120))
        self.assertEqual((campaign.sent_count, campaign.queued_count), (100, 20))
        self.assertIn("100 of 100 for this number (warming up)", campaign.progress_text)
        self.assertTold(self.sender, "response_warm_up", "warming up: 100 recipients a day")

    def test_one_in_use_elsewhere_is_not_warmed_up_nor_one_whose_manager_does_not_want_it(self):
        cases = {
            "rated": {"quality_rating": "GREEN"},
            "unwanted": {},
            "used from here": {},
        }
        for name, values in cases.items():
            with self._case(name):
                self.sender.warm_up = name != "unwanted"
                if name == "used from here":
                    self._launch(self._leads(1))
                self.simulator.post("number", **{"id": NUMBER_ES, "quality_rating": "NA", **values})
                self.sender.write({"rated_at": False, "quality_rating": "unknown"})
                self._poll()
                self.assertEqual(self.sender.response_action, "full")

    def test_it_steps_up_each_healthy_day_that_was_used_and_ends_at_the_limit(self):
        with self._moving_clock() as move:
            self._connect_unrated()
            self._rate("green")
            self.assertEqual(self.sender.warm_up_limit_now, 100)
            steps = []
            for start in range(0, 5000, 1000):
                self._sent(days_ago=1, delivered=300)
                move(2 * HOUR)
                self._launch(self._leads(self.sender.warm_up_limit_now, start=start))
                move(21 * HOUR)
                self._run_judge()
                self.assertEqual(self.sender.warm_up_step, len(steps), "not before its day")
                move(HOUR + 60)
                self._run_judge()
                steps.append(self.sender.warm_up_limit_now)
                if not self.sender.warm_up_people:
                    break
            self.assertEqual(steps, [150, 225, 0])
            self.assertEqual(self._in_force(), ("full", "healthy", "active"))
            self.assertIn("100 → 150 recipients a day", self._chatter(self.sender))
            self.assertIn("Warm-up completed.", self._chatter(self.sender))
            self.assertFalse(self._activities(self.sender))

    def test_without_health_or_without_use_it_stays(self):
        for name in ("unused", "thin data", "yellow"):
            with self._case(name), self._moving_clock() as move:
                self._connect_unrated()
                if name != "thin data":
                    self._sent(days_ago=1, delivered=300)
                if name != "unused":
                    self._launch(self._leads(60))
                self._rate("yellow" if name == "yellow" else "green")
                move(DAY - HOUR)
                self._launch(self._leads(60, start=500)) if name != "unused" else None
                move(2 * HOUR)
                self._run_judge()
                self.assertEqual((self.sender.warm_up_people, self.sender.warm_up_step), (100, 0))

    def test_a_higher_limit_is_grown_into_from_the_old_one(self):
        self.assertEqual(self.portfolio.messaging_limit, "250")
        self.portfolio._set_messaging_limit("2000", "test")
        for sender in self.account.sender_ids:
            self.assertEqual(sender.response_action, "warm_up")
            self.assertEqual(sender._own_daily_limit(), 250)

    def test_a_first_reading_and_a_lower_limit_warm_nothing_up(self):
        for before, after in [("unknown", "2000"), ("2000", "250"), ("250", "250")]:
            with self._case(f"{before} → {after}"):
                self.portfolio.messaging_limit = before
                self.portfolio._set_messaging_limit(after, "test")
                self.assertEqual(self.sender.response_action, "full")

    def test_switching_it_off_ends_one_under_way(self):
        self._connect_unrated()
        self.sender.warm_up = False
        self.assertEqual(self._in_force(), ("full", "healthy", "active"))
        self.assertIsNone(self.sender._own_daily_limit())


class TestTemplates(ResponseCase):
    def _template_event(self, event, **values):
        self._receive(
            self._change(
                "message_template_status_update",
                {
                    "event": event,
                    "message_template_id": int(self.template.template_uid),
                    "message_template_name": self.template.name,
                    "message_template_language": self.template.language,
                    "reason": "NONE",
                    **values,
                },
            )
        )

    def _quality(self, quality):
        self._receive(
            self._change(
                "message_template_quality_update",
                {
                    "previous_quality_score": (self.template.quality_score or "unknown").upper(),
                    "new_quality_score": quality.upper(),
                    "message_template_id": int(self.template.template_uid),
                    "message_template_name": self.template.name,
                    "message_template_language": self.template.language,
                },
            )
        )

    def test_each_trouble_holds_the_rows_and_its_end_lets_them_go(self):
        event, quality = self._template_event, self._quality
        cases = {
            "flagged": (lambda: event("FLAGGED"), lambda: event("REINSTATED"), "warned"),
            "flagged, then rated High":
                (lambda: event("FLAGGED"), lambda: quality("green"), "warned"),
            "paused": (lambda: event("PAUSED"), lambda: event("APPROVED"), "paused"),
            "disabled": (lambda: event("DISABLED"), lambda: event("REINSTATED"), "disabled"),
            "red": (lambda: quality("red"), lambda: quality("yellow"), "Low"),
            "refused as paused": (self._refused, lambda: event("UNPAUSED"), "paused"),
        }  # fmt: skip
        for name, (begin, end, word) in cases.items():
            with self._case(name):
                campaign = self._waiting(self._leads(3))
                begin()
                self._dispatch()
                self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
                self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
                self.assertTold(self.template, "response_template", word)
                left = len(self.simulator.sends())
                self._dispatch()
                self.assertEqual(len(self.simulator.sends()), left)
                end()
                self.assertFalse(self.template.hold_key)
                self.assertFalse(self._activities(self.template))
                with self._moving_clock() as move:
                    move(60)
                    self._dispatch()
                self.assertEqual((campaign.sent_count, campaign.state), (3, "done"))

    def _refused(self):
        with self._fault(kind="error", code=132015, count=None):
            self._dispatch()

    def test_polling_meta_does_not_lift_a_warning(self):
        self._template_event("FLAGGED")
        self._poll()
        self.assertEqual(self.template.hold_key, "template_flagged")

    def test_rows_without_a_campaign_wait_too_and_ask_for_no_alarm(self):
        row = self._direct_rows(
            ["+34655000001"],
            template_id=self.template.id,
            category="marketing",
            parameters=self.template._example_parameters(),
        )
        self._template_event("FLAGGED")
        self.env["ir.cron.trigger"].search([]).unlink()
        self._dispatch()
        self.assertEqual((row.state, self._alarms()), ("queued", []))
        self._template_event("REINSTATED")
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_a_warning_holds_nothing_where_the_manager_does_not_want_it(self):
        self.template.with_user(self.manager).hold_at_warning = False
        cases = [
            (lambda: self._template_event("FLAGGED"), False),
            (lambda: self._quality("red"), False),
            (lambda: self._template_event("PAUSED"), "template_paused"),
        ]
        for begin, held in cases:
            begin()
            self.assertEqual(self.template.hold_key, held)

    def test_the_other_templates_campaigns_go_on(self):
        service = self._service(self._leads(2))
        self._template_event("DISABLED")
        self._dispatch()
        self.assertEqual(service.sent_count, 2)

    def test_a_template_that_is_held_cannot_be_launched(self):
        self._template_event("FLAGGED")
        with self.assertRaisesRegex(Exception, "Meta warned"):
            self._campaign(self._leads(1)).action_launch()

    def test_managers_change_the_setting_and_nothing_else(self):
        cases = [
            (self.salesperson, {"hold_at_warning": False}),
            (self.manager, {"status": "approved"}),
            (self.manager, {"is_flagged": False, "hold_at_warning": False}),
        ]
        for user, values in cases:
            with (
                self.subTest(str(values)),
                mute_logger("odoo.addons.base.models.ir_model"),
                self.assertRaises(AccessError),
            ):
                self.template.with_user(user).write(values)


class TestSettings(ResponseCase):
    def test_the_defaults_are_the_policys(self):
        self.assertEqual(self.sender._response_settings(), response.DEFAULTS)

    def test_impossible_settings_are_refused_in_words(self):
        for name, value in [("slow_share", 0), ("slow_share", 1.5), ("canary_minimum", 0),
                            ("canary_maximum", 5), ("canary_longest_hours", 1),
                            ("opt_out_limit", 0), ("lock_red_days", -1), ("warm_up_growth", 1),
                            ("warm_up_first", 0), ("threshold_volume", 0)]:  # fmt: skip
            with (
                self.subTest(name, value=value),
                self.assertRaisesRegex(ValidationError, "These settings are not valid"),
            ):
                self.sender.write({name: value})

    def test_a_changed_share_is_in_force_at_once(self):
        self.portfolio.daily_cap = 100
        self._rate("yellow")
        self.assertEqual(self.sender._own_daily_limit(), 50)
        self.env["ir.cron.trigger"].search([]).unlink()
        self.sender.with_user(self.manager).slow_share = 0.2
        self.assertEqual(self.sender._own_daily_limit(), 20)
        self.assertTrue(self._alarms())
        self.assertEqual(self._responses(self.sender), ["response_slow"], "no new action")

    def test_a_manager_sets_and_a_salesperson_does_not(self):
        with mute_logger("odoo.addons.base.models.ir_model"):
            for name in FIELDS:
                with self.subTest(name), self.assertRaises(AccessError):
                    self.sender.with_user(self.salesperson).write({name: self.sender[name]})
        self.sender.with_user(self.manager).write({"opt_out_limit": 0.05})
        self.assertEqual(self.sender._response_settings().opt_out_limit, 0.05)

    def test_managers_of_other_companies_are_not_called(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        new_test_user(
            self.env, "waba_elsewhere", groups="waba_campaign.waba_group_manager",
            company_id=other.id, company_ids=[(6, 0, other.ids)],
        )  # fmt: skip
        colleague = new_test_user(
            self.env, "waba_second", groups="waba_campaign.waba_group_manager",
        )  # fmt: skip
        self._rate("red")
        self.assertEqual(
            set(self._activities(self.sender).mapped("user_id")), {self.manager, colleague}
        )

    def test_numbers_of_the_account_that_meta_did_not_touch_keep_their_state(self):
        self.simulator.post("number", id=NUMBER_MX, quality_rating="YELLOW")
        self._poll()
        self.assertEqual(self._in_force(), ("full", "healthy", "active"))
        self.assertEqual(self._in_force(self.sender_mx), ("slow", "yellow", "slowed"))
