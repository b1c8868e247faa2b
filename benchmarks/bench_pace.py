"""One number limited to 80 messages a second: how close it comes, and that it never exceeds it."""

from .figures import max_per_second
from .world import write_seed

NAME = "pace"
RATE = 80
LATENCY_MS = 200


def run(bench, world):
    seconds = bench.size(60, 3)
    with bench.simulator("--seed-file", write_seed(bench)) as simulator, bench.job_worker():
        world.connect(simulator.address, rate=RATE)
        world.forget_messages()
        world.queue(RATE * seconds)
        simulator.post("settings", keep_bodies=False)
        simulator.post("faults", kind="latency", endpoint="messages", ms=LATENCY_MS)
        world.wake(0)
        bench.wait("everything is sent", lambda: not world.waiting())
        arrivals = _arrivals(simulator)
    assert len(arrivals) == RATE * seconds, f"{len(arrivals)} of {RATE * seconds} arrived"
    mean = (len(arrivals) - 1) / (arrivals[-1][0] - arrivals[0][0])
    bench.report.add(NAME, "mean", mean, "messages/s", must=(">=", 78))
    bench.report.add(
        NAME, "most in any second", max_per_second(arrivals), "messages", must=("<=", RATE)
    )


def _arrivals(simulator):
    """(epoch second, seconds it may have waited for its stamp) of each accepted message."""
    arrivals, since = [], 0
    while entries := simulator.get("log", since=since, limit=1000)["entries"]:
        since += len(entries)
        arrivals += [
            (entry["received_at"], entry["waited"])
            for entry in entries
            if entry["outcome"] == "accepted"
        ]
    return sorted(arrivals)
