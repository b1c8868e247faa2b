"""Jobs share a worker: a long one ends its turn when another one waits for it."""

import logging
from unittest.mock import patch

from odoo.addons.waba_campaign.models.tools import job_turns, transactions
from odoo.addons.waba_campaign.models.tools.job_turns import TimeSlice
from odoo.addons.waba_campaign.models.webhook import waba_webhook_apply
from odoo.tests import TransactionCase
from psycopg2.errors import DivisionByZero, SerializationFailure

from ..common import WabaCase


class TestTurn(TransactionCase):
    """On cursors of its own, really committed: a worker's lock is another session's."""

    def setUp(self):
        super().setUp()
        self.own = self.registry.cursor()
        self.addCleanup(self.own.close)
        self.other = self.registry.cursor()
        self.addCleanup(self.other.close)
        env = self.env(cr=self.own)
        self.cron = env.ref("waba_campaign.ir_cron_apply_webhooks")
        self.waiting = env.ref("waba_campaign.ir_cron_watch")
        # Nothing of this is committed but seen by our own session alone.
        self.own.execute("UPDATE ir_cron SET nextcall = now() + interval '1 day'")
        self.own.execute("DELETE FROM ir_cron_trigger")

    def _is_over(self):
        turn = TimeSlice(self.cron, 1000, fair=-1)
        with patch.object(self.own, "rollback", lambda: None):
            return turn.is_used_up

    def test_alone_it_goes_on(self):
        self.assertFalse(self._is_over())

    def test_its_own_next_run_is_nobody_waiting(self):
        self.own.execute("UPDATE ir_cron SET nextcall = now() WHERE id = %s", (self.cron.id,))
        self.assertFalse(self._is_over())

    def test_it_ends_when_another_is_due(self):
        due = {
            "by its time": "UPDATE ir_cron SET nextcall = now() - interval '1 min' WHERE id = %s",
            "by a trigger": "INSERT INTO ir_cron_trigger (cron_id, call_at)"
                            " VALUES (%s, now() - interval '1 min')",
        }  # fmt: skip
        for name, statement in due.items():
            with self.subTest(name):
                self.own.execute("SAVEPOINT due")
                self.own.execute(statement, (self.waiting.id,))
                self.assertTrue(self._is_over())
                self.own.execute("ROLLBACK TO SAVEPOINT due")

    def test_a_job_that_is_off_is_nobody_waiting(self):
        self.own.execute(
            "UPDATE ir_cron SET nextcall = now() - interval '1 min', active = FALSE WHERE id = %s",
            (self.waiting.id,),
        )
        self.assertFalse(self._is_over())

    def test_a_job_that_another_worker_runs_is_nobody_waiting(self):
        self.own.rollback()
        self.other.execute("SELECT id FROM ir_cron FOR NO KEY UPDATE SKIP LOCKED")
        taken = self.other.fetchall()
        self.assertTrue(taken)
        turn = TimeSlice(self.cron, 1000, fair=-1)
        self.assertFalse(turn.is_used_up)

    def test_it_has_its_fair_share_first_and_an_end_in_any_case(self):
        self.own.execute("UPDATE ir_cron SET nextcall = now() - interval '1 min'")
        self.assertFalse(TimeSlice(self.cron, 1000, fair=1000).is_used_up)
        self.assertTrue(TimeSlice(self.cron, -1, fair=1000).is_used_up)

    def test_looking_leaves_no_lock(self):
        self.own.rollback()
        TimeSlice(self.cron, 1000, fair=-1).is_used_up  # noqa: B018  asked for what it does
        self.other.execute("SELECT id FROM ir_cron FOR NO KEY UPDATE NOWAIT")


class TestBatches(WabaCase):
    def test_slow_bodies_come_in_smaller_transactions(self):
        slow, fast = waba_webhook_apply.BATCH_SECONDS * 2, 0.0
        count, sizes = waba_webhook_apply.FIRST_BATCH, []
        for seconds in (slow,) * 8:
            count = waba_webhook_apply._next_count(count, seconds)
            sizes.append(count)
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertGreater(count, 0)
        for _time in range(20):
            count = waba_webhook_apply._next_count(count, fast)
        self.assertEqual(count, waba_webhook_apply.BATCH)

    def test_a_run_that_ends_its_turn_comes_again_and_loses_nothing(self):
        for index in range(25):
            self._store_event({"object": "whatsapp_business_account", "entry": [], "n": index})
        with (
            patch.object(waba_webhook_apply, "FIRST_BATCH", 10),
            patch.object(waba_webhook_apply, "_next_count", lambda count, _seconds: count),
            patch.object(job_turns.TimeSlice, "is_used_up", property(_after_one(self))),
        ):
            runs = 0
            while self.env["waba.webhook.event"].search_count([("state", "=", "new")]):
                self._turns = 0
                self._apply_webhooks()
                runs += 1
        self.assertEqual(runs, 3)

    def test_sending_comes_first(self):
        jobs = self.env["ir.cron"].search([("cron_name", "like", "WhatsApp:")])
        sending = self.account.sender_ids.cron_id
        self.assertLess(max(sending.mapped("priority")), min((jobs - sending).mapped("priority")))


def _after_one(case):
    def is_over(_turn):
        case._turns += 1
        return case._turns > 1

    return is_over


class TestExpectedRetries(TransactionCase):
    """A statement that is run again is no error in the log; the last try is."""

    def setUp(self):
        super().setUp()
        self.cursor = self.registry.cursor()
        self.addCleanup(self.cursor.close)
        self.own_env = self.env(cr=self.cursor)

    def _run(self, failures):
        """A step whose first `failures` tries meet a serialization failure of PostgreSQL's.

        :return: (its outcome, lines logged as errors)
        """
        left = [failures]

        def step():
            if left[0]:
                left[0] -= 1
                self.cursor.execute(
                    "DO $$ BEGIN RAISE EXCEPTION 'race' USING ERRCODE = '40001'; END $$"
                )
            return "done"

        with (
            patch.object(transactions.time, "sleep", lambda _seconds: None),
            self.assertLogs("odoo.sql_db", "ERROR") as captured,
        ):
            logging.getLogger("odoo.sql_db").error("a line, for there must be one")
            try:
                answer = transactions.commit_step(self.own_env, step)
            except SerializationFailure:
                answer = "failed"
        return answer, len(captured.output) - 1

    def test_only_the_last_try_is_an_error(self):
        tries = transactions.MAX_TRIES
        for failures, expected in ((0, ("done", 0)), (1, ("done", 0)), (tries - 1, ("done", 0)),
                                   (tries, ("failed", 1))):  # fmt: skip
            with self.subTest(failures=failures):
                self.assertEqual(self._run(failures), expected)

    def test_other_errors_are_logged_as_ever(self):
        with self.assertLogs("odoo.sql_db", "ERROR"), self.assertRaises(DivisionByZero):
            transactions.commit_step(self.own_env, lambda: self.cursor.execute("SELECT 1/0"))
