import itertools
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    CloudApiClient,
    NotSent,
    Pacer,
    RecipientError,
    SendPool,
    SendReply,
    UnknownOutcome,
)
from odoo.addons.waba_campaign.tests.cloud_api.test_cloud_api_client import (
    GraphServer,
    graph_error,
    hang_up,
    reply,
    silent,
)

from ..pure import PureCase

# A slow machine must not fail a test.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MESSAGE = {"messaging_product": "whatsapp", "to": "+34600000000"}
LATER = 600


class FakeClock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


class TestPacer(PureCase):
    def test_first_start_is_now_or_when_told(self):
        clock = FakeClock()
        self.assertEqual(Pacer(10, clock=clock).delay(), 0)
        pacer = Pacer(10, start_at=1002.5, clock=clock)
        self.assertEqual(pacer.delay(), 2.5)
        clock.now = 1003
        self.assertEqual(pacer.delay(), 0)

    def test_no_catching_up_after_a_stall(self):
        clock = FakeClock()
        pacer = Pacer(10, clock=clock)
        pacer.record_start()
        clock.now += 60
        self.assertEqual(pacer.delay(), 0)
        pacer.record_start()
        self.assertAlmostEqual(pacer.delay(), 0.1)

    def test_a_changed_rate_counts_from_the_last_start(self):
        clock = FakeClock()
        pacer = Pacer(10, clock=clock)
        pacer.record_start()
        pacer.set_rate(1)
        self.assertAlmostEqual(pacer.delay(), 1)
        pacer.set_rate(100)
        self.assertAlmostEqual(pacer.delay(), 0.01)

    def test_refuses_a_rate_that_is_not_above_zero(self):
        for rate in (0, -1, float("nan")):
            with self.subTest(rate=rate), self.assertRaises(ValueError):
                Pacer(rate)
        with self.assertRaises(ValueError):
            Pacer(10, window=0)

    def test_lost_time_is_made_up_for_at_twice_the_rate(self):
        clock = FakeClock()
        pacer = Pacer(10, clock=clock, window=10)
        pacer.record_start()
        clock.now += 0.35
        pacer.record_start()
        delays = []
        for _start in range(4):
            delays.append(round(pacer.delay(), 3))
            clock.now += pacer.delay() + 1e-9
            pacer.record_start()
        # A quarter of a second behind: two and a half starts.
        self.assertEqual(delays, [0.05] * 4)
        for _start in range(4):
            clock.now += pacer.delay() + 1e-9
            pacer.record_start()
        self.assertAlmostEqual(pacer.delay(), 0.1, places=3)

    def test_no_more_than_a_quarter_of_a_second_is_made_up_for(self):
        clock = FakeClock()
        pacer = Pacer(10, clock=clock, window=10)
        pacer.record_start()
        clock.now += 60
        back = clock.now
        starts = self._run(pacer, clock, 30)
        self.assertAlmostEqual(starts[9] - back, 0.9 - 0.25, places=2)
        self.assertAlmostEqual(starts[-1] - back, 2.9 - 0.25, places=2)

    def test_who_wakes_late_widens_the_margin_for_a_while(self):
        clock = FakeClock()
        pacer = Pacer(10, clock=clock, window=10)
        first = clock.now
        self._run(pacer, clock, 9)
        pacer.record_start(late=0.04)
        # Ten starts take their second, and as much longer as somebody was late.
        self.assertAlmostEqual(pacer.next_start() - first, 1.04, places=3)
        starts = self._run(pacer, clock, 70)
        self.assertAlmostEqual(starts[-1] - starts[-11], 1, places=2)
        even = Pacer(10, clock=clock)
        even.record_start(late=5)
        self.assertAlmostEqual(even.delay(), 0.1)

    @staticmethod
    def _run(pacer, clock, count):
        starts = []
        for _start in range(count):
            clock.now += pacer.delay()
            # Adding can round down by less than the clock's own step.
            while pacer.delay():
                clock.now += 1e-6
            pacer.record_start()
            starts.append(clock.now)
        return starts

    @unhurried
    @given(
        st.integers(1, 1000),
        st.lists(st.floats(0, 5), min_size=1, max_size=400),
        st.floats(0, 1e7),
        st.booleans(),
    )
    def test_never_more_than_the_rate_in_any_second(self, rate, waits, now, catches_up):
        clock = FakeClock(now)
        pacer = Pacer(rate, clock=clock, window=rate if catches_up else 1)
        starts = []
        for wait in waits:
            # Most callers come at once, some after a stall.
            clock.now += wait if wait > 4 else wait / 50
            starts += self._run(pacer, clock, 1)
        for first, later in zip(starts, starts[rate:], strict=False):
            self.assertGreaterEqual(later - first, 1)
        for one, following in itertools.pairwise(starts):
            self.assertGreaterEqual(following - one, 1 / rate / (2 if catches_up else 1))

    @unhurried
    @given(
        st.integers(1, 100),
        st.lists(st.floats(0, 0.2), min_size=1, max_size=200),
        st.lists(st.floats(0, 0.2), min_size=1, max_size=200),
    )
    def test_the_pace_holds_from_one_pacer_to_the_next(self, rate, waits, later_waits):
        clock = FakeClock()
        pacer = Pacer(rate, clock=clock, window=rate)
        starts = []
        for wait in waits:
            clock.now += wait
            starts += self._run(pacer, clock, 1)
        following = Pacer(rate, start_at=pacer.even_start(), clock=clock, window=rate)
        for wait in later_waits:
            clock.now += wait
            starts += self._run(following, clock, 1)
        for first, later in zip(starts, starts[rate:], strict=False):
            self.assertGreaterEqual(later - first, 1 - 1e-6)

    def test_a_pacer_that_never_started_passes_its_beginning_on(self):
        clock = FakeClock()
        self.assertEqual(Pacer(10, clock=clock).even_start(), clock.now)
        self.assertEqual(Pacer(10, start_at=1002.5, clock=clock).even_start(), 1002.5)

    @unhurried
    @given(st.lists(st.tuples(st.sampled_from([1, 5, 80, 1000]), st.integers(1, 30)), max_size=8))
    def test_the_rate_of_the_moment_holds_when_it_changes(self, phases):
        clock = FakeClock()
        pacer = Pacer(1, clock=clock)
        last = None
        for rate, count in phases:
            pacer.set_rate(rate)
            for _index in range(count):
                clock.now += pacer.delay()
                while pacer.delay():
                    clock.now += 1e-6
                pacer.record_start()
                if last is not None:
                    self.assertGreaterEqual(clock.now - last, 1 / rate)
                last = clock.now


class PoolCase(PureCase):
    def pool(self, *script, rate=1e6, connections=4, timeout=(5, 20), default=None, **options):
        server = GraphServer(*script, default=default)
        server.__enter__()
        self.addCleanup(server.__exit__)
        client = CloudApiClient(server.url, "v25.0", "EAAtoken0123456789", timeout=timeout)
        self.addCleanup(client.close)
        pool = SendPool(client, rate, connections, **options)
        self.addCleanup(pool.close)
        return server, pool

    def submit(self, pool, count, send_before=None):
        for key in range(count):
            body = {**MESSAGE, "biz_opaque_callback_data": str(key)}
            pool.submit(key, "4000", body, send_before or time.time() + LATER)

    def all_results(self, pool):
        found = []
        while pool.pending:
            found += pool.results(100)
        return found


class Answers:
    """Script entries that answer when the test says so."""

    def __init__(self):
        self.arrived = threading.Event()
        self.released = threading.Event()

    def when_released(self, handler):
        self.arrived.set()
        self.released.wait()
        reply({"messages": [{"id": "wamid.A"}]})(handler)


def keys(server):
    return [json.loads(request["body"])["biz_opaque_callback_data"] for request in server.requests]


class TestPool(PoolCase):
    def test_each_message_is_sent_once_and_reported_once(self):
        def answer(handler):
            key = json.loads(handler.body)["biz_opaque_callback_data"]
            reply({"messages": [{"id": f"wamid.{key}"}], "contacts": [{"wa_id": key}]})(handler)

        before = time.time()
        server, pool = self.pool(default=answer, connections=8)
        self.submit(pool, 200)
        found = self.all_results(pool)
        self.assertEqual(sorted(result.key for result in found), list(range(200)))
        self.assertEqual(sorted(map(int, keys(server))), list(range(200)))
        for result in found:
            self.assertEqual(
                (result.outcome, result.wamid, result.wa_id),
                ("accepted", f"wamid.{result.key}", str(result.key)),
            )
            self.assertTrue(before <= result.started_at <= result.finished_at <= time.time())

    def test_one_connection_keeps_the_order(self):
        server, pool = self.pool(connections=1)
        self.submit(pool, 30)
        self.assertEqual([result.key for result in self.all_results(pool)], list(range(30)))
        self.assertEqual(keys(server), [str(key) for key in range(30)])
        self.assertEqual(len({request["connection"] for request in server.requests}), 1)

    def test_requests_run_side_by_side(self):
        together = threading.Barrier(4)

        def wait_for_the_others(handler):
            together.wait()
            reply({"messages": [{"id": "wamid.A"}]})(handler)

        _server, pool = self.pool(default=wait_for_the_others, connections=4)
        self.submit(pool, 8)
        self.assertEqual({result.outcome for result in self.all_results(pool)}, {"accepted"})

    def test_outcomes(self):
        held = {"messages": [{"id": "w", "message_status": "held_for_quality_assessment"}]}
        paused = {"messages": [{"id": "w", "message_status": "paused"}]}
        user = {"messages": [{"id": "w"}], "contacts": [{"user_id": "ES.9A"}]}
        server, pool = self.pool(
            reply(held),
            reply(paused),
            reply(user),
            graph_error(131030, fbtrace_id="T"),
            hang_up,
            reply(b"<html>", 502),
            connections=1,
        )
        self.submit(pool, 6)
        found = self.all_results(pool)
        self.assertEqual(
            [result.outcome for result in found],
            ["held", "held", "accepted", "error", "unknown", "unknown"],
        )
        self.assertEqual((found[2].wamid, found[2].user_uid), ("w", "ES.9A"))
        self.assertIsInstance(found[3].error, RecipientError)
        self.assertEqual(found[3].error.fbtrace_id, "T")
        self.assertIsInstance(found[4].error, UnknownOutcome)
        self.assertEqual(len(server.requests), 6)

    def test_not_sent(self):
        server, pool = self.pool(connections=2)
        server.__exit__()
        self.submit(pool, 3)
        for result in self.all_results(pool):
            self.assertEqual(result.outcome, "not_sent")
            self.assertIsInstance(result.error, NotSent)

    def test_unanswered_is_unknown(self):
        server, pool = self.pool(silent, connections=1, timeout=(5, 0.2))
        self.submit(pool, 1)
        self.assertEqual([result.outcome for result in self.all_results(pool)], ["unknown"])
        self.assertEqual(len(server.requests), 1)

    def test_expired_jobs_are_not_started(self):
        server, pool = self.pool(connections=2)
        self.submit(pool, 3, send_before=time.time() - 1)
        self.submit(pool, 1)
        found = self.all_results(pool)
        self.assertEqual([result.outcome for result in found], ["not_started"] * 3 + ["accepted"])
        self.assertEqual((found[0].started_at, found[0].finished_at), (None, None))
        self.assertEqual(len(server.requests), 1)

    def test_a_job_expires_while_it_waits_for_its_start(self):
        server, pool = self.pool(start_at=time.time() + LATER)
        self.submit(pool, 1, send_before=time.time() + 0.1)
        self.assertEqual([result.outcome for result in pool.results(5)], ["not_started"])
        self.assertEqual(server.requests, [])

    def test_drain_takes_back_what_has_not_started(self):
        answers = Answers()
        server, pool = self.pool(answers.when_released, connections=1)
        self.submit(pool, 4)
        answers.arrived.wait()
        self.assertEqual((pool.pending, pool.unstarted), (4, 3))
        self.assertEqual(pool.drain_unstarted(), [1, 2, 3])
        self.assertEqual((pool.pending, pool.unstarted), (1, 0))
        answers.released.set()
        self.assertEqual([result.key for result in self.all_results(pool)], [0])
        self.submit(pool, 1)
        self.assertEqual([result.outcome for result in self.all_results(pool)], ["accepted"])
        self.assertEqual(keys(server), ["0", "0"])

    def test_drain_wakes_who_waits_for_results(self):
        _server, pool = self.pool(start_at=time.time() + LATER)
        self.submit(pool, 1)
        waiting = threading.Thread(target=pool.results, args=(1,))
        waiting.start()
        self.assertEqual(pool.drain_unstarted(), [0])
        waiting.join()
        self.assertEqual(pool.pending, 0)

    def test_close_waits_for_the_requests_under_way(self):
        answers = Answers()
        _server, pool = self.pool(answers.when_released, connections=1)
        self.submit(pool, 3)
        answers.arrived.wait()
        closing = threading.Thread(target=pool.close)
        closing.start()
        self.assertEqual({result.key for result in pool.results(2, min_items=2)}, {1, 2})
        self.assertTrue(closing.is_alive())
        answers.released.set()
        closing.join()
        self.assertEqual([result.outcome for result in pool.results(10)], ["accepted"])
        self.assertEqual(pool.pending, 0)
        names = [thread.name for thread in threading.enumerate()]
        self.assertNotIn("waba-send", names)
        with self.assertRaises(RuntimeError):
            self.submit(pool, 1)
        pool.close()

    def test_context_manager_closes(self):
        _server, pool = self.pool(start_at=time.time() + LATER)
        with pool:
            self.submit(pool, 5)
        self.assertEqual([result.outcome for result in pool.results(10)], ["not_started"] * 5)

    def test_results_in_portions(self):
        _server, pool = self.pool()
        self.assertEqual(pool.results(5), [])
        self.submit(pool, 7)
        portion = pool.results(5, min_items=5)
        self.assertEqual(len(portion), 5)
        self.assertEqual(len(pool.results(5, min_items=5)), 2)
        self.assertEqual(pool.results(5), [])

    def test_results_give_up_after_the_timeout(self):
        _server, pool = self.pool(start_at=time.time() + LATER)
        self.submit(pool, 1)
        self.assertEqual(pool.results(5, timeout=0.05), [])
        self.assertEqual(pool.results(5, timeout=0), [])
        self.assertEqual(pool.pending, 1)

    def test_refuses_no_connection(self):
        with self.assertRaises(ValueError):
            self.pool(connections=0)


class TestPace(PoolCase):
    def test_starts_keep_their_distance(self):
        rate, count = 100, 30
        began = time.monotonic()
        _server, pool = self.pool(rate=rate, connections=8)
        self.submit(pool, count)
        self.assertEqual(len(self.all_results(pool)), count)
        self.assertGreaterEqual(time.monotonic() - began, (count - 1) / rate)

    def test_a_new_rate_wakes_the_pool(self):
        _server, pool = self.pool(rate=1 / LATER, connections=2)
        self.submit(pool, 5)
        self.assertEqual(len(pool.results(5)), 1)
        pool.set_rate(1000)
        self.assertEqual(len(self.all_results(pool)), 4)

    def test_the_pace_is_handed_on(self):
        _server, pool = self.pool(rate=1 / LATER, connections=2)
        self.submit(pool, 1)
        (result,) = pool.results(1)
        self.assertAlmostEqual(pool.next_start_time, result.started_at + LATER, delta=LATER / 10)
        _server, following = self.pool(start_at=pool.next_start_time)
        self.submit(following, 1)
        self.assertEqual(following.results(1, timeout=0.05), [])
        self.assertEqual(following.drain_unstarted(), [0])

    def test_expired_jobs_use_no_start(self):
        _server, pool = self.pool(rate=1 / LATER, connections=2)
        self.submit(pool, 20, send_before=time.time() - 1)
        self.submit(pool, 1)
        self.assertEqual(len(self.all_results(pool)), 21)


class FaultyClient:
    """A client of which every third message breaks in a way that nobody foresaw."""

    def __init__(self):
        self.closed = 0

    def for_thread(self):
        return self

    def close(self):
        self.closed += 1

    def send_message(self, phone_number_uid, body, endpoint):
        if body["number"] % 3 == 0:
            raise KeyError("a secret")
        return SendReply("wamid.A")


class TestFaults(PureCase):
    @unhurried
    @given(st.integers(1, 60), st.integers(1, 6))
    def test_a_thread_survives_what_nobody_foresaw(self, count, connections):
        client = FaultyClient()
        with SendPool(client, 1e6, connections) as pool:
            for number in range(count):
                pool.submit(number, "4000", {"number": number}, time.time() + LATER)
            found = {}
            while pool.pending:
                found.update((result.key, result) for result in pool.results(10))
        self.assertEqual(sorted(found), list(range(count)))
        for number, result in found.items():
            self.assertEqual(result.outcome, "accepted" if number % 3 else "unknown")
        self.assertEqual(str(found[0].error), "UnknownOutcome: unexpected KeyError")
        self.assertEqual(client.closed, min(count, connections))


# 60 MiB above what the process has: not room for 320 threads' stacks.
SMALL_ALLOWANCE = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
from cloud_api import SendPool, SendReply

class Client:
    def for_thread(self):
        return self
    def close(self):
        pass
    def send_message(self, phone_number_uid, body, endpoint):
        time.sleep(0.05)
        return SendReply("wamid.A")

pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 60 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
with SendPool(Client(), 1e6, 320) as pool:
    for number in range(1000):
        pool.submit(number, "4000", {}, time.time() + 600)
    outcomes = []
    while pool.pending:
        outcomes += [result.outcome for result in pool.results(100)]
    print(outcomes.count("accepted"), len(pool._threads) < 320)
"""


class TestThreads(PureCase):
    def test_where_no_more_threads_fit_it_goes_on_with_those_it_has(self):
        found = subprocess.run(
            [sys.executable, "-c", SMALL_ALLOWANCE, str(Path(__file__).resolve().parents[2])],
            capture_output=True,
            check=False,
            text=True,
        )
        self.assertEqual(found.stdout, "1000 True\n", found.stderr)
        self.assertIn("no room for one more thread", found.stderr)
