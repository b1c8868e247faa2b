"""Several hosts on one PostgreSQL: 8 numbers sent by 1, 2 and 4 job processes, and the cap.

Each process is a whole Odoo with one job thread, as on a host of its own; the cores are shared.
"""

import contextlib
import os

from .common import DemoError
from .world import SENDER_COUNT

NAME = "hosts"
PROCESSES = (1, 2, 4)
LATENCY = 0.3


def run(bench, world):
    count = bench.size(1_500, 15)
    rates = {}
    with bench.stub() as stub:
        world.connect(stub.address)
        for processes in bench.size(PROCESSES, PROCESSES[:2]):
            rates[processes] = _rate(bench, world, stub, processes, count)
            bench.report.add(NAME, f"{processes} processes", rates[processes], "messages/s")
        _check_cap(bench, world, stub, count)
    for processes, rate in rates.items():
        if processes > 1:
            # Only while cores are free: each process mostly waits for replies.
            must = 0.85 * min(processes, os.cpu_count() or 1)
            bench.report.add(
                NAME, f"{processes} processes against 1", rate / rates[1], must=(">=", must)
            )


def _queue(bench, world, count):
    world.forget_messages()
    for index in range(SENDER_COUNT):
        world.queue(count, sender_index=index, first=index * count)
    bench.vacuum()


def _rate(bench, world, stub, processes, count):
    """Messages a second over all numbers, each with `count` in its queue."""
    _queue(bench, world, count)
    with contextlib.ExitStack() as stack:
        for index in range(processes):
            stack.enter_context(bench.job_worker(f"host{index}"))
        stub.reset(LATENCY)
        world.wake(*range(SENDER_COUNT))
        bench.wait("everything is sent", lambda: not world.waiting())
        rate, arrived = stub.rate()
    if arrived != SENDER_COUNT * count:
        raise DemoError(f"{arrived} of {SENDER_COUNT * count} messages arrived")
    return rate


def _check_cap(bench, world, stub, count):
    """8 numbers, 4 processes, one daily limit: the people reached are exactly the limit."""
    cap = 3 * count
    _queue(bench, world, count)
    bench.sql("UPDATE waba_recipient SET slot_at = NULL")
    bench.sql("UPDATE waba_portfolio SET daily_cap = %s", cap)
    with contextlib.ExitStack() as stack:
        for index in range(bench.size(PROCESSES, PROCESSES[:2])[-1]):
            stack.enter_context(bench.job_worker(f"host{index}"))
        stub.reset(LATENCY)
        world.wake(*range(SENDER_COUNT))
        bench.wait(
            "the cap is reached",
            lambda: (
                bench.sql("SELECT count(*) FROM waba_message WHERE state = 'accepted'")[0][0] >= cap
            ),
        )
        bench.wait("the numbers' jobs are over", lambda: not _at_work(bench))
        arrived = stub.rate()[1]
    bench.sql("UPDATE waba_portfolio SET daily_cap = 0")
    bench.report.add(NAME, "people above the cap", arrived - cap, "people", must=("<=", 0))
    bench.report.add(NAME, "people below the cap", cap - arrived, "people", must=("<=", 0))


def _at_work(bench):
    return bench.sql("SELECT count(*) FROM waba_message WHERE state = 'reserved'")[0][0]
