"""The webhook controller: verified and stored POSTs per second, compared with an empty route."""

import json
import subprocess
import sys
import time

from .bodies import sender_values, status_body, webhook_body
from .common import DemoError
from .figures import median, percentile

NAME = "webhook"
WORKERS = 4
CONNECTIONS = 16
# More than any run posts.
MAX_PER_SECOND = 2000


def run(bench, world):
    seconds = bench.size(10, 0.5)
    ours, empty = [], []
    world.forget_messages()
    with bench.web_server(bench.size(WORKERS, 2)) as address:
        door, route = f"{address}/waba/webhook/{world.webhook_key}", f"{address}/waba_bench/empty"
        for url in (door, route):
            post(bench, world, url, bench.size(2, 0.2))
        for _round in range(bench.size(3, 1)):
            ours.append(post(bench, world, door, seconds)["rate"])
            empty.append(post(bench, world, route, seconds)["rate"])
        half = post(bench, world, door, seconds, rate=median(ours) / 2)
    bench.report.add(NAME, "stored", median(ours), "POSTs/s")
    bench.report.add(NAME, "empty route", median(empty), "POSTs/s")
    ratio = median([our / its for our, its in zip(ours, empty, strict=True)])
    bench.report.add(NAME, "of the empty route", ratio, must=(">=", 0.75))
    for name, share, limit in (("p50", 0.5, 50), ("p99", 0.99, 250)):
        value = percentile(half["seconds"], share) * 1000
        bench.report.add(NAME, f"{name} at half that rate", value, "ms", must=("<=", limit))


def post(bench, world, url, seconds, rate=None):
    """Load one address; every answer must be 200 and, for our webhook, every body stored."""
    stored = _stored(bench)
    result = load(url, seconds, _bodies(world, seconds), rate=rate)
    kept = _stored(bench) - stored
    if result["not_200"] or ("/waba/" in url and kept != result["posts"]):
        raise DemoError(f"{result['posts']} posts, {result['not_200']} refused, {kept} stored")
    return result


def load(url, seconds, bodies, rate=None):
    """Return the output of `benchmarks.webhook_load`, run as a separate process."""
    command = [
        sys.executable, "-m", "benchmarks.webhook_load", url, str(seconds),
        "--connections", str(CONNECTIONS), *(("--rate", str(rate)) if rate else ()),
    ]  # fmt: skip
    done = subprocess.run(command, input=b"\n".join(bodies), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _stored(bench):
    return bench.sql("SELECT count(*) FROM waba_webhook_event")[0][0]


def _bodies(world, seconds):
    """Different bodies with one status each."""
    number, now = sender_values(world.phone_number_uids[0]), time.time()
    for index in range(int(MAX_PER_SECOND * seconds)):
        row = (f"wamid.{now}{index}", f"{index:032x}/1", f"+34{610_000_000 + index}")
        yield webhook_body([status_body(number, row, "delivered", now)])
