"""The whole loop on one machine: 80 messages a second out, all their webhooks back in.

Three statuses come back for each message and an answer for one in four, posted by the simulator
to a real Odoo web server while a real process of jobs sends and applies.
"""

import contextlib
import time

from .bench_webhook import CONNECTIONS, WORKERS
from .common import APP_SECRET
from .figures import max_per_second, percentile
from .world import write_seed

NAME = "loop"
RATE = 80
# One process each for sending, applying and other jobs, like Odoo's job workers.
JOB_WORKERS = 3


def run(bench, world):
    seconds = bench.size(180, 5)
    count = RATE * seconds
    world.forget_messages()
    with (
        bench.simulator("--seed-file", write_seed(bench)) as simulator,
        bench.web_server(bench.size(WORKERS, 2)) as address,
        contextlib.ExitStack() as stack,
    ):
        for index in range(JOB_WORKERS):
            stack.enter_context(bench.job_worker(f"jobs{index}"))
        _prepare(simulator, f"{address}/waba/webhook/{world.webhook_key}")
        world.connect(simulator.address)
        # Meta counts inbound messages against a number's throughput too: the number's throughput
        # allows both, and its own limit is for outbound messages.
        simulator.post("number", id=world.phone_number_uids[0], messages_per_second=2 * RATE)
        bench.sql("UPDATE waba_sender SET own_throughput = %s", RATE)
        world.queue(count)
        bench.vacuum()
        world.wake(0)
        bench.wait("everything is sent", lambda: not world.waiting())
        simulator.post("flush", timeout=120)
        backlog = _seconds_until_applied(bench)
        sent, posts = _sent(simulator), _posts(simulator)
    bench.sql("UPDATE waba_sender SET own_throughput = 0")
    _report(bench, sent, posts, backlog)
    _check(bench, count)


def _prepare(simulator, url):
    simulator.post("settings", keep_bodies=False)
    simulator.post(
        "behaviour", read_rate=1.0, delivered_rate=1.0, undeliverable_rate=0.0, reply_rate=0.25,
        stop_rate=0.0, reply_texts=["¿Hasta cuándo vale la oferta?"],
    )  # fmt: skip
    simulator.post(
        "delivery", url=url, app_secret=APP_SECRET, concurrency=CONNECTIONS,
        delays={"sent": [0.2, 1], "delivered": [0.5, 3], "read": [1, 5], "inbound": [1, 5]},
    )  # fmt: skip


def _seconds_until_applied(bench):
    started = time.monotonic()
    bench.wait(
        "every webhook is applied",
        lambda: not bench.sql("SELECT 1 FROM waba_webhook_event WHERE state = 'new' LIMIT 1"),
    )
    return time.monotonic() - started


def _entries(simulator, name):
    entries, since = [], 0
    while page := simulator.get(name, since=since, limit=1000)["entries"]:
        since += len(page)
        entries += page
    return entries


def _sent(simulator):
    """(epoch second, seconds it may have waited for its stamp) of each accepted message."""
    return sorted(
        (entry["received_at"], entry["waited"])
        for entry in _entries(simulator, "log")
        if entry["outcome"] == "accepted"
    )


def _posts(simulator):
    return [entry["seconds"] for entry in _entries(simulator, "webhooks")]


def _report(bench, sent, posts, backlog):
    seconds = sent[-1][0] - sent[0][0]
    mean = (len(sent) - 1) / seconds
    bench.report.add(NAME, "sent, mean", mean, "messages/s", must=(">=", 78))
    bench.report.add(
        NAME, "sent, most in any second", max_per_second(sent), "messages", must=("<=", RATE)
    )
    bench.report.add(NAME, "webhooks", len(posts) / seconds, "POSTs/s")
    bench.report.add(NAME, "webhook p50", percentile(posts, 0.5) * 1000, "ms", must=("<=", 250))
    slow = sum(seconds > 1 for seconds in posts) / len(posts)
    bench.report.add(NAME, "webhooks above 1 s", 100 * slow, "%", must=("<=", 1))
    bench.report.add(NAME, "backlog empty after the end", backlog, "s", must=("<=", 10))
    # Stored to the second, so up to one second is lost either way.
    (delay,) = bench.sql(
        """SELECT percentile_cont(0.99) WITHIN GROUP (
                      ORDER BY extract(epoch FROM applied_at - received_at))
             FROM waba_webhook_event WHERE applied_at IS NOT NULL"""
    )[0]
    bench.report.add(NAME, "on screen after arrival, p99", float(delay), "s", must=("<=", 5))


def _check(bench, count):
    states = dict(
        bench.sql(
            """SELECT state, count(*) FROM waba_message
                WHERE wamid NOT LIKE 'old.%%' GROUP BY state"""
        )
    )
    assert states.get("read") == count, f"{count} were sent, but the rows are {states}"
    assert states.get("received"), f"nobody's answer came back: {states}"
