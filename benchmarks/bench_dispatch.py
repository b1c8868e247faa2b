"""How fast one number sends when only the code limits it, compared with peers.

Ours: the real job in a real Odoo process. Peers: a bare `requests` thread pool with as many
connections that posts the same bodies, and Odoo's own `sms` + `sms_twilio` queue. All of them
post to the same stub server, and every rate is taken there, from the first to the last arrival.
"""

import subprocess
import sys

from .common import TOKEN, addons_path, bodies_as_lines
from .figures import median

NAME = "dispatch"
LATENCIES = (0.0, 0.1, 0.3)
MIN_BARE_POOL_SHARE = {0.0: 0.6, 0.1: 0.8, 0.3: 0.8}
MIN_SMS_FACTOR = {0.0: 1.0, 0.1: 30.0}
CONNECTIONS = 320


def run(bench, world):
    with bench.stub() as stub, bench.job_worker():
        world.connect(stub.address)
        for latency in LATENCIES:
            _compare_with_bare_pool(bench, world, stub, latency)
        for latency in MIN_SMS_FACTOR:
            _compare_with_sms(bench, world, stub, latency)


def _compare_with_bare_pool(bench, world, stub, latency):
    count = bench.size({0.0: 12_000, 0.1: 8_000, 0.3: 4_000}[latency], 60)
    ours, bare = [], []
    # In turns, so that other load affects both.
    for _round in range(bench.size(3, 1)):
        bodies = _bodies(bench, world, count)
        ours.append(our_rate(bench, world, stub, latency, count))
        bare.append(_bare_rate(world, stub, latency, bodies))
    label = f"at {latency * 1000:.0f} ms"
    bench.report.add(NAME, f"ours {label}", median(ours), "messages/s")
    bench.report.add(NAME, f"bare pool {label}", median(bare), "messages/s")
    bench.report.add(
        NAME,
        f"of the bare pool {label}",
        median([our / its for our, its in zip(ours, bare, strict=True)]),
        must=(">=", MIN_BARE_POOL_SHARE[latency]),
    )


def _bodies(bench, world, count):
    """The bodies that the job is going to post."""
    world.forget_messages()
    campaign_id = world.queue(count)
    with bench.env() as env:
        sender = env["waba.sender"].browse(world.sender_ids[0])
        names = ("uuid", "attempt_count", "number", "kind", "parameters", "text")
        rows = env["waba.message"].search([("campaign_id", "=", campaign_id)])
        return [
            sender._wire_body(
                {**{name: row[name] for name in names}, "user_uid": "", "wa_number": "",
                 "template_id": world.template_id}
            )
            for row in rows
        ]  # fmt: skip


def our_rate(bench, world, stub, latency, count):
    """Send the `count` rows of the queue through number 0's own job; messages per second."""
    bench.vacuum()
    stub.reset(latency)
    world.wake(0)
    bench.wait("everything is sent", lambda: not world.waiting())
    rate, arrived = stub.rate()
    assert arrived == count, f"{arrived} of {count} arrived"
    return rate


def _bare_rate(world, stub, latency, bodies):
    stub.reset(latency)
    url = f"{stub.address}/v25.0/{world.phone_number_uids[0]}/messages"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.bare_pool", url, str(CONNECTIONS), TOKEN],
        input=bodies_as_lines(bodies), text=True, check=True,
    )  # fmt: skip
    return stub.rate()[0]


def _compare_with_sms(bench, world, stub, latency):
    our_count = bench.size({0.0: 12_000, 0.1: 8_000}[latency], 60)
    their_count = bench.size({0.0: 2_000, 0.1: 200}[latency], 20)
    world.forget_messages()
    world.queue(our_count)
    ours = our_rate(bench, world, stub, latency, our_count)
    stub.reset(latency)
    subprocess.run(
        [sys.executable, "-m", "benchmarks.sms_queue", bench.database, addons_path(),
         stub.address, str(their_count)],
        check=True,
    )  # fmt: skip
    theirs = stub.rate()[0]
    label = f"at {latency * 1000:.0f} ms"
    bench.report.add(NAME, f"sms_twilio {label}", theirs, "messages/s")
    bench.report.add(
        NAME, f"times sms_twilio {label}", ours / theirs, must=(">=", MIN_SMS_FACTOR[latency])
    )
