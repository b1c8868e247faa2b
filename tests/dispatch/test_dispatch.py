"""From queue to wire: the cap, the pace, once per row, and what a crash leaves behind.

What left is judged by the simulator's own log, never by our rows alone.
"""

import time
from contextlib import contextmanager
from datetime import timedelta

from odoo import fields
from odoo.tools import SQL
from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from ...cloud_api import SendPool
from ...cloud_api.pool import SendResult
from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ...models.tools.transactions import MAX_TRIES, commit_step
from ..common import NUMBER_ES, PORTFOLIO_UID, WabaCase


class DispatchCase(WabaCase):
    """Every test ends with the questions that must always have the same answer."""

    def setUp(self):
        super().setUp()
        # Arrivals jitter on a busy machine; the pace has tests of its own.
        self.simulator.post("settings", enforce_throughput=False)

    def tearDown(self):
        stats = self.simulator.get("stats")
        self.assertEqual(stats["duplicates"], [], "an attempt was put on the wire twice")
        self.assertEqual(stats["against_will"], [], "a person who had said stop was written to")
        limit = self.portfolio._people_limit()
        reached = stats["portfolios"].get(PORTFOLIO_UID, {}).get("max_distinct_24h", 0)
        if limit is not None:
            self.assertLessEqual(reached, limit, "more people than the limit in force at the end")
        super().tearDown()

    def _accepted_uuids(self):
        """Our rows' uuids, once per request that the simulator accepted."""
        return [
            entry["opaque"].split("/")[0]
            for entry in self.simulator.sends()
            if entry["outcome"] in ("accepted", "held")
        ]

    def _sent_by_number(self):
        return [entry["recipient"] for entry in self.simulator.sends()]

    def _direct_rows(self, numbers, **values):
        """Rows without a campaign, as follow-ups make them."""
        people = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, numbers)
        parameters = self.utility_template._example_parameters()
        return self.env["waba.message"].create(
            [
                {
                    "account_id": self.account.id,
                    "sender_id": self.sender.id,
                    "recipient_id": people[number].id,
                    "company_id": self.env.company.id,
                    "number": number,
                    "template_id": self.utility_template.id,
                    "category": "utility",
                    "parameters": parameters,
                    **values,
                }
                for number in numbers
            ]
        )


class TestPace(DispatchCase):
    def assertPace(self, rate, count):
        """`count` requests arrived, none much sooner than `rate` a second allows.

        The simulator notes arrivals: on a busy machine a request may be late and the next in
        time, so an arrival is held against the first one, with the time of two intervals to spare.
        """
        arrivals = [entry["received_at"] for entry in self.simulator.sends()]
        self.assertEqual(len(arrivals), count)
        for index, arrival in enumerate(arrivals):
            self.assertGreaterEqual(arrival - arrivals[0], (index - 2) / rate)

    def test_no_more_requests_a_second_than_the_number_may_make(self):
        self.sender.own_throughput = 10
        campaign = self._launch(self._leads(25))
        self.assertEqual(campaign.sent_count, 25)
        self.assertPace(10, 25)

    def test_the_pace_holds_from_one_run_to_the_next(self):
        self.sender.own_throughput = 5
        for start in range(0, 800, 100):
            self._launch(self._leads(1, start=start))
        self.assertPace(5, 8)

    def test_the_pace_of_a_run_that_slowed_down_holds_for_the_next(self):
        self.sender.own_throughput = 2
        with self._fault(kind="error", code=130429):
            self._launch(self._leads(4))
        self._launch(self._leads(1, start=100))
        *_first, last_of_run, first_of_next = (
            entry["received_at"] for entry in self.simulator.sends()
        )
        # One a second, and some room for the jitter of a busy machine.
        self.assertGreaterEqual(first_of_next - last_of_run, 0.7)

    def test_the_pace_survives_a_kill_between_reserving_and_sending(self):
        self.sender.own_throughput = 5
        campaign = self._campaign(self._leads(10))
        campaign.action_launch()
        self._prepare()
        started_at = time.time()
        with SendPool(self.account._client(), 5, 1) as pool:
            jobs, _left_out = self.sender._reserve_rows(10, DispatchRun(pool, 5))
            self.sender._mark_submitted(jobs)
        self._launch(self._leads(1, start=100))
        [entry] = self.simulator.sends()
        self.assertGreaterEqual(entry["received_at"] - started_at, 10 / 5)

    def test_after_a_kill_the_next_run_lets_a_second_pass(self):
        self.assertEqual(self._launch(self._leads(1)).sent_count, 1)
        self.assertEqual(self.sender.ended_run, self.sender.run_count)
        # Claimed by a run that is killed at once.
        self.sender._start_run()
        started_at = time.time()
        self._launch(self._leads(1, start=100))
        [_first, entry] = self.simulator.sends()
        self.assertGreaterEqual(entry["received_at"] - started_at, 1)
        self.assertEqual(self.sender.ended_run, self.sender.run_count)

    def test_after_a_run_that_ended_by_itself_nobody_waits(self):
        self._launch(self._leads(1))
        before = self.sender.next_dispatch_at
        self.sender._start_run()
        self.assertEqual(self.sender.next_dispatch_at, before)
        self.sender._start_run()
        self.assertGreater(self.sender.next_dispatch_at, before)

    def test_a_slowed_number_sends_at_half_its_speed(self):
        self.sender.write({"own_throughput": 10, "state": "slowed"})
        self._launch(self._leads(11))
        self.assertPace(5, 11)

    def test_after_too_many_a_second_the_number_goes_at_half_speed_and_loses_nobody(self):
        self.sender.own_throughput = 20
        with self._moving_clock() as move:
            with self._fault(kind="error", code=130429, count=3):
                campaign = self._launch(self._leads(12))
            self.assertGreater(self.sender.slowed_until, fields.Datetime.now())
            self.assertEqual((campaign.sent_count, campaign.queued_count), (9, 3))
            move(6)
            since = len(self.simulator.sends())
            self.assertEqual(since, 12)
            self._dispatch()
            self.assertEqual(campaign.queued_count, 3, "the same person at once again")
            move(30)
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (12, "done"))
        self.assertEqual(len(self._accepted_uuids()), 12)

    def test_a_large_audience_is_reserved_in_several_steps(self):
        self.portfolio.messaging_limit = "2000"
        before = self.portfolio.reserve_count
        self._launch(self._leads(400))
        self.assertGreaterEqual(self.portfolio.reserve_count - before, 3)

    def test_one_person_in_two_campaigns_is_not_written_to_twice_within_six_seconds(self):
        lead = self._leads(1)
        with self._moving_clock() as move:
            first, second = self._campaign(lead), self._campaign(lead)
            (first | second).action_launch()
            self._prepare()
            self._dispatch()
            self.assertEqual(len(self.simulator.sends()), 1)
            self.assertEqual(first.sent_count, 1)
            self.assertEqual(second.queued_count, 1)
            self.assertTrue([at for at in self._alarms() if at > fields.Datetime.now()])
            move(60)
            self._dispatch()
            self.assertEqual(second.sent_count, 1)
        self.assertGreaterEqual(
            self.simulator.get("stats")["numbers"][NUMBER_ES]["shortest_pair_interval"], 6
        )

    def test_campaigns_marked_first_go_first(self):
        self.portfolio.daily_cap = 2
        normal = self._campaign(self._leads(2))
        first = self._campaign(self._leads(2, start=100), priority="1")
        (normal | first).action_launch()
        self._prepare()
        self._dispatch()
        self.assertEqual((first.sent_count, normal.sent_count), (2, 0))


class TestLateExclusions(DispatchCase):
    """What changes between preparing and sending is seen in the transaction that reserves."""

    def _prepared(self, count=3, **values):
        leads = self._leads(count)
        campaign = self._campaign(leads, **values)
        campaign.action_launch()
        self._prepare()
        return campaign, self._rows(campaign)

    def test_what_changed_since_preparing_leaves_the_person_out(self):
        def person(**values):
            return lambda row: row.recipient_id.write(values)

        later = fields.Datetime.now() + timedelta(days=3)
        cases = [
            ("opted_out", person(marketing_state="opted_out")),
            ("blocked_by_us", person(is_blocked=True)),
            ("unreachable", person(unreachable_until=later)),
            (
                "blacklisted",
                lambda row: self.env["phone.blacklist"].create({"number": row.number}),
            ),
        ]
        campaign, rows = self._prepared(len(cases) + 1)
        for row, (_reason, change) in zip(rows, cases, strict=False):
            change(row)
        self._dispatch()
        for row, (reason, _change) in zip(rows, cases, strict=False):
            with self.subTest(reason):
                self.assertEqual((row.state, row.failure_type), ("skipped", reason))
                self.assertTrue(row.failure_reason)
                self.assertFalse(row.slot_at)
        self.assertEqual(self._sent_by_number(), [rows[-1].number])
        self.assertEqual(campaign.state, "done")

    def test_a_stop_received_before_the_dispatch_is_honoured_but_service_messages_go(self):
        _marketing, rows = self._prepared(2)
        service = self._campaign(
            self.env["crm.lead"].browse(rows.mapped("res_id")),
            template_id=self.utility_template.id,
            sender_id=self.sender_mx.id,
        )
        service.action_launch()
        self._prepare()
        number = rows[0].number
        self.simulator.post("inbound", phone_id=NUMBER_ES, number=number, text="BAJA")
        self._receive(self._inbound(number, "BAJA", timestamp=int(time.time())))
        self._dispatch()
        self._dispatch(self.sender_mx)
        self.assertEqual(rows.mapped("state"), ["skipped", "accepted"])
        self.assertEqual(service.sent_count, 2)

    def test_a_country_refused_meanwhile_is_left_out(self):
        campaign, rows = self._prepared(1)
        self.account._block_country("ES")
        self._dispatch()
        self.assertEqual(rows.failure_type, "country")
        self.assertEqual(campaign.state, "done")

    def test_many_people_left_out_at_the_head_do_not_hold_up_those_behind(self):
        self.portfolio.messaging_limit = "2000"
        campaign, rows = self._prepared(200)
        rows[:190].recipient_id.write({"marketing_state": "opted_out"})
        self._dispatch()
        self.assertEqual((campaign.sent_count, campaign.skipped_count), (10, 190))

    def test_a_template_that_became_promotional_no_longer_reaches_who_wants_no_promotions(self):
        campaign, rows = self._prepared(2, template_id=self.utility_template.id)
        rows[0].recipient_id.marketing_state = "opted_out"
        self._receive(
            self._change(
                "template_category_update",
                {
                    "message_template_id": int(self.utility_template.template_uid),
                    "message_template_name": self.utility_template.name,
                    "message_template_language": self.utility_template.language,
                    "previous_category": "UTILITY",
                    "new_category": "MARKETING",
                },
            )
        )
        self.assertEqual(campaign.category, "marketing")
        self._dispatch()
        self.assertEqual(rows.mapped("state"), ["queued", "queued"], "a manager looks first")
        self.utility_template._release("The price is fine.")
        self._dispatch()
        self.assertEqual(rows.mapped("state"), ["skipped", "accepted"])

    def test_a_paused_campaign_sends_nothing_until_resumed(self):
        campaign, _rows = self._prepared()
        campaign.action_pause()
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        campaign.action_resume()
        self._dispatch()
        self.assertEqual(campaign.sent_count, 3)

    def test_cancelled_rows_are_never_sent(self):
        campaign, rows = self._prepared()
        campaign.action_cancel()
        self.assertEqual(set(rows.mapped("state")), {"cancelled"})
        self._dispatch()
        self._prepare()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(campaign.state, "cancelled")

    def test_a_red_number_sends_no_promotion_and_goes_on_with_service_messages(self):
        marketing, _rows = self._prepared()
        service = self._campaign(self._leads(2, start=100), template_id=self.utility_template.id)
        service.action_launch()
        self._prepare()
        self.sender.quality_rating = "red"
        self._dispatch()
        self.assertEqual((marketing.sent_count, service.sent_count), (0, 2))
        self.assertIn("Low", marketing.hold_reason)
        self.assertFalse(service.hold_reason)
        self.account._sync()
        self.assertEqual(self.sender.quality_rating, "green")
        self._dispatch()
        self.assertEqual(marketing.sent_count, 3)

    def test_nothing_leaves_while_account_or_number_are_stopped(self):
        campaign, _rows = self._prepared()
        cases = [
            ("account", self.account._add_stop, self.account._resume),
            ("number", self.sender._pause, self.sender._resume),
        ]
        for name, stop, resume in cases:
            with self.subTest(name):
                stop("Because of the test.")
                self._dispatch()
                self.assertEqual(self.simulator.sends(), [])
                self.assertEqual(campaign.hold_reason, "Because of the test.")
                resume("the test is over.")
        self._dispatch()
        self.assertEqual(campaign.sent_count, 3)

    def test_pauses_with_an_end_lift_by_themselves_when_the_number_runs(self):
        campaign, _rows = self._prepared()
        with self._moving_clock() as move:
            for stop in (self.account._add_stop, self.sender._pause, campaign._pause):
                until = fields.Datetime.now() + timedelta(minutes=10)
                stop("Because of the test.", until=until)
                self._dispatch()
                self.assertEqual(self.simulator.sends(), [])
                self.assertIn(until, self._alarms())
                if stop != campaign._pause:
                    (self.account if stop == self.account._add_stop else self.sender)._resume(
                        "test."
                    )
            move(11 * 60)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 3)


class TestCrash(DispatchCase):
    """A kill between two commits leaves rows as the last commit left them."""

    def _reserved(self, count=3):
        """A campaign whose rows may have left: handed over by a run that was killed."""
        campaign = self._campaign(self._leads(count))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            jobs, _left_out = self.sender._reserve_rows(count, DispatchRun(pool, 80))
        self.assertEqual(len(self.sender._mark_submitted(jobs)), count)
        return campaign, self._rows(campaign), jobs

    @contextmanager
    def _as_job(self):
        """The number with a cursor that may commit, as its job has one."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cursor:
            yield self.sender.with_env(self.env(cr=cursor))
        self.env.invalidate_all()

    def test_rows_never_handed_over_by_a_killed_run_are_sent_by_the_next(self):
        campaign = self._campaign(self._leads(3))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            jobs, _left_out = self.sender._reserve_rows(3, DispatchRun(pool, 80))
        rows = self._rows(campaign)
        with self._moving_clock() as move:
            self._dispatch()
            self.assertEqual(set(rows.mapped("state")), {"queued"})
            self.assertEqual(self.portfolio.slots_used, 0)
            move(60)
            self._dispatch()
        self.assertEqual(set(rows.mapped("state")), {"accepted"})
        self.assertEqual(set(rows.mapped("attempt_count")), {2})
        self.assertEqual(len(self.simulator.sends()), 3)
        self.assertEqual(self.sender._mark_submitted(jobs), set(), "the first run's are gone")

    def test_a_run_that_another_has_followed_reserves_nothing_more(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        earlier = self.sender._start_run()
        self.sender._start_run()
        before = self.sender.next_dispatch_at
        with SendPool(self.account._client(), 80, 1) as pool:
            run = DispatchRun(pool, 80, earlier)
            self.assertEqual(self.sender._reserve_rows(2, run), ([], 0))
            self.sender._store_pace(run)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertEqual(self.sender.next_dispatch_at, before)

    def test_a_run_whose_rows_another_took_sends_none_of_them_and_ends(self):
        campaign = self._campaign(self._leads(4))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            run = DispatchRun(pool, 80)
            run.waiting.extend(self.sender._reserve_rows(4, run)[0])
            self.sender._release_unsent()
            with self._as_job() as sender:
                sender._submit_batch(run)
            self.assertEqual((pool.pending, len(run.waiting), run.exhausted), (0, 0, True))
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})

    def test_a_run_takes_back_what_it_has_not_handed_over(self):
        campaign = self._campaign(self._leads(3))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            run = DispatchRun(pool, 80)
            run.waiting.extend(self.sender._reserve_rows(3, run)[0])
            with self._as_job() as sender:
                sender._requeue_unstarted(run)
            self.assertEqual(len(run.waiting), 0)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertEqual(self.portfolio.slots_used, 0)

    def test_no_more_is_reserved_ahead_than_slow_answers_let_leave(self):
        run = DispatchRun(None, 80)
        self.assertEqual(run.speed, 80)
        for _batch in range(20):
            run.update_latency([SendResult(1, "accepted", started_at=100.0, finished_at=110.0)])
        # 40 connections, each busy for ten seconds.
        self.assertAlmostEqual(run.speed, 4, places=3)
        run.update_latency([SendResult(1, "not_started")])
        self.assertAlmostEqual(run.speed, 4, places=3)
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            run.pool = pool
            now = time.time()
            [(_key, _body, send_before, _endpoint)] = self.sender._reserve_rows(40, run)[0]
        self.assertGreaterEqual(send_before, now + 40 / 4)

    def test_the_job_looks_again_when_the_rows_of_a_killed_run_expire(self):
        _campaign, rows, _jobs = self._reserved(2)
        self._dispatch()
        self.assertEqual(set(rows.mapped("state")), {"reserved"})
        self.assertIn(rows[0].reserved_until + timedelta(seconds=1), self._alarms())

    def test_a_failure_told_before_the_answer_keeps_its_reason(self):
        _campaign, rows, jobs = self._reserved(1)
        self._receive(self._status(rows, "failed", errors=[{"code": 131026}]))
        answer = SendResult(jobs[0][0], "accepted", wamid="wamid.E", finished_at=time.time())
        self.env["waba.message"]._write_results([answer], DispatchRun(None, 80))
        self.assertEqual((rows.state, rows.error_code), ("failed", 131026))
        self.assertEqual(rows.failure_type, "undeliverable")
        self.assertTrue(rows.failure_reason)

    def test_a_reservation_still_in_its_time_is_left_to_its_run(self):
        campaign, rows, _jobs = self._reserved()
        self._dispatch()
        self.assertEqual(set(rows.mapped("state")), {"reserved"})
        self.assertEqual(campaign.state, "running")

    def test_rows_of_a_killed_run_become_uncertain_and_are_never_sent_again(self):
        with self._moving_clock() as move:
            campaign, rows, _jobs = self._reserved()
            move(120)
            self._dispatch()
            self.assertEqual(set(rows.mapped("state")), {"uncertain"})
            self.assertTrue(all(rows.mapped("failure_reason")))
            self.assertEqual(campaign.uncertain_count, 3)
            self.assertEqual(self.portfolio.slots_used, 3, "they may have left: they count")
            move(3600)
            self._dispatch()
            rows.action_retry()
            campaign.action_retry_failed()
            self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(set(rows.mapped("state")), {"uncertain"})

    def test_a_status_settles_an_uncertain_row_by_our_tag(self):
        cases = [
            ("sent", {}, "sent"),
            ("delivered", {}, "delivered"),
            ("failed", {"errors": [{"code": 131026}]}, "failed"),
        ]
        with self._moving_clock() as move:
            campaign, rows, _jobs = self._reserved(len(cases))
            move(120)
            self._dispatch()
            for row, (status, values, expected) in zip(rows, cases, strict=True):
                with self.subTest(status):
                    self._receive(self._status(row, status, **values))
                    self.assertEqual(row.state, expected)
        self.assertEqual(campaign.uncertain_count, 0)
        self.assertEqual(self.simulator.sends(), [])

    def test_a_failure_that_may_pass_queues_an_uncertain_row_again_for_one_more_attempt(self):
        with self._moving_clock() as move:
            campaign, row, _jobs = self._reserved(1)
            move(120)
            self._dispatch()
            self._receive(self._status(row, "failed", errors=[{"code": 131000}]))
            self.assertEqual((row.state, campaign.state), ("queued", "running"))
            move(120)
            self._dispatch()
            self.assertEqual((row.state, row.attempt_count), ("accepted", 2))

    def test_a_status_that_comes_before_the_answer_is_not_undone_by_it(self):
        _campaign, rows, jobs = self._reserved(3)
        for row, status in zip(rows, ("sent", "delivered", "read"), strict=True):
            self._receive(self._status(row, status))
        answers = [
            SendResult(key, "accepted", wamid=f"wamid.{key}", finished_at=time.time())
            for key, *_rest in jobs
        ]
        run = DispatchRun(None, 80)
        self.env["waba.message"]._write_results(answers, run)
        self.assertEqual(rows.mapped("state"), ["sent", "delivered", "read"])
        self.assertTrue(all(rows.mapped("accepted_at")))

    def test_an_answer_that_comes_after_the_deadline_still_settles_the_row(self):
        with self._moving_clock() as move:
            _campaign, rows, jobs = self._reserved(1)
            move(120)
            self._dispatch()
            self.assertEqual(rows.state, "uncertain")
            answer = SendResult(jobs[0][0], "accepted", wamid="wamid.L", finished_at=time.time())
            self.env["waba.message"]._write_results([answer], DispatchRun(None, 80))
        self.assertEqual((rows.state, rows.wamid), ("accepted", "wamid.L"))

    def test_a_killed_preparation_and_a_killed_dispatch_leave_everybody_in_one_state(self):
        with self._moving_clock() as move:
            campaign, _rows, _jobs = self._reserved(2)
            more = self._leads(3, start=100)
            second = self._campaign(more)
            second.action_launch()
            second._prepare_chunk()
            move(120)
            self._prepare()
            self._dispatch()
        self.assertEqual(campaign.people_count, 2)
        self.assertEqual(second.people_count, 3)
        self.assertEqual(second.sent_count, 3)
        self.assertEqual(campaign.uncertain_count, 2)

    def test_what_did_not_leave_in_time_goes_back_to_the_queue_and_frees_its_place(self):
        _campaign, rows, jobs = self._reserved(2)
        results = [SendResult(key, "not_started") for key, *_rest in jobs]
        self.env["waba.message"]._write_results(results, DispatchRun(None, 80))
        self.assertEqual(set(rows.mapped("state")), {"queued"})
        self.assertEqual(self.portfolio.slots_used, 0)

    def test_what_did_not_leave_of_a_cancelled_campaign_is_cancelled(self):
        campaign, rows, jobs = self._reserved(2)
        campaign.action_cancel()
        self.assertEqual(set(rows.mapped("state")), {"reserved"})
        self.env["waba.message"]._requeue_unsent([key for key, *_rest in jobs])
        self.assertEqual(set(rows.mapped("state")), {"cancelled"})
        self.assertEqual(self.portfolio.slots_used, 0)

    def test_a_request_never_starts_after_its_moment(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        with SendPool(self.account._client(), 80, 1) as pool:
            run = DispatchRun(pool, 80)
            jobs, _left_out = self.sender._reserve_rows(2, run)
            for key, body, *_rest in jobs:
                pool.submit(key, self.sender.phone_number_uid, body, time.time() - 1)
            results = pool.results(max_items=2, min_items=2)
            self.env["waba.message"]._write_results(results, run)
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})

    def test_the_same_answers_written_twice_change_nothing(self):
        campaign = self._launch(self._leads(2))
        rows = self._rows(campaign)
        before = rows.read(["state", "wamid", "accepted_at", "attempt_count", "slot_at"])
        answers = [
            SendResult(row.id, "accepted", wamid=row.wamid, finished_at=time.time() + 60)
            for row in rows
        ]
        self.env["waba.message"]._write_results(answers, DispatchRun(None, 80))
        rows._mark_uncertain()
        self.env["waba.message"]._requeue_unsent(rows.ids)
        after = rows.read(["state", "wamid", "accepted_at", "attempt_count", "slot_at"])
        self.assertEqual(before, after)

    def test_a_row_that_another_run_holds_is_not_taken(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        self.env.flush_all()
        rows = self.sender._find_candidates(
            campaign, 5, fields.Datetime.now(), fields.Datetime.now(), False
        )
        self.assertEqual(len(rows), 2)
        self.env.cr.execute(
            SQL("UPDATE waba_message SET state = 'reserved' WHERE id = %s", rows[0]["id"])
        )
        again = self.sender._find_candidates(
            campaign, 5, fields.Datetime.now(), fields.Datetime.now(), False
        )
        self.assertEqual([row["id"] for row in again], [rows[1]["id"]])


class TestCommitStep(WabaCase):
    """A step that PostgreSQL refuses is run again on a fresh snapshot; any other error is told."""

    def _run(self, failures, error):
        """Run a step that writes, and fails so many times after writing; the runs it took."""
        runs = []

        def step():
            runs.append(1)
            note = env["waba.portfolio"].browse(self.portfolio.id)
            note.name = f"{note.name}+"
            env.flush_all()
            if len(runs) <= failures:
                raise error("told by the test")
            return "through"

        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(cr=cr)
            try:
                self.assertEqual(commit_step(env, step), "through")
            finally:
                self.portfolio.invalidate_recordset()
        return len(runs)

    def test_a_refused_step_is_repeated_and_written_once(self):
        before = self.portfolio.name
        for error in (SerializationFailure, DeadlockDetected, LockNotAvailable):
            with self.subTest(error.__name__):
                self.assertEqual(self._run(2, error), 3)
                before += "+"
                self.assertEqual(self.portfolio.name, before)

    def test_a_step_refused_again_and_again_raises_and_writes_nothing(self):
        before = self.portfolio.name
        with self.assertRaises(SerializationFailure):
            self._run(MAX_TRIES, SerializationFailure)
        self.assertEqual(self.portfolio.name, before)

    def test_any_other_error_is_raised_at_once_and_nothing_is_written(self):
        before = self.portfolio.name
        with self.assertRaises(ZeroDivisionError):
            self._run(1, ZeroDivisionError)
        self.assertEqual(self.portfolio.name, before)
