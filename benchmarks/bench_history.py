"""The cost of years of use: the engine's rates with and without history, and the screens with it.

Two databases that differ only in history are measured in turns.
"""

import time

from lxml import etree

from . import bench_audience, bench_statuses, bench_webhook, history
from .bench_dispatch import our_rate
from .common import Bench
from .figures import median

NAME = "history"
MUST = 0.85


def run(bench, world):
    messages, people = bench.size((5_000_000, 1_000_000), (2_000, 500))
    world.forget_messages()
    with Bench(f"{bench.database}_old", bench.report, bench.smoke, copy_of=bench) as old:
        old_world = world.copy_to(old)
        started = time.monotonic()
        history.fill(old, old_world, messages, people)
        bench.report.add(NAME, "time to make the history", time.monotonic() - started, "s")
        _report_sizes(bench, old, messages, people)
        _measure_screens(old, old_world)
        for name, measure in MEASURES.items():
            _compare(bench, world, old, old_world, name, measure)
        old.disconnect()


def _report_sizes(bench, old, messages, people):
    """Disk of one row with its indexes, for the arithmetic of docs/scaling.md."""
    for table, rows in (("waba_message", messages), ("waba_recipient", people)):
        [[size]] = old.sql("SELECT pg_total_relation_size(%s)", table)
        bench.report.add(NAME, f"disk per row of {table}", size / rows, "bytes")


def _compare(bench, world, old, old_world, name, measure):
    empty, filled = [], []
    for _round in range(bench.size(3, 1)):
        empty.append(measure(bench, world))
        filled.append(measure(old, old_world))
    bench.report.add(NAME, f"{name}, empty", median(empty), "/s")
    bench.report.add(NAME, f"{name}, with history", median(filled), "/s")
    kept = median([old / new for old, new in zip(filled, empty, strict=True)])
    bench.report.add(NAME, f"{name}, part kept", kept, must=(">=", MUST))


def _dispatch(bench, world):
    count = bench.size(8_000, 60)
    with bench.stub() as stub, bench.job_worker():
        world.connect(stub.address)
        world.forget_messages()
        world.queue(count)
        return our_rate(bench, world, stub, 0.0, count)


def _webhook(bench, world):
    with bench.web_server(bench.size(bench_webhook.WORKERS, 2)) as address:
        url = f"{address}/waba/webhook/{world.webhook_key}"
        bench_webhook.post(bench, world, url, bench.size(2, 0.2))
        return bench_webhook.post(bench, world, url, bench.size(10, 0.5))["rate"]


def _statuses(bench, world):
    count = bench.size(10_000, 60)
    rows = bench_statuses.send(bench, world, count)
    updates = bench_statuses.store(bench, world, rows, 100)
    return updates / bench_statuses.apply_all(bench)


def _audience(bench, world):
    count = bench.size(20_000, 300)
    bench_audience.make_leads(bench, count)
    return count / bench_audience.prepare(bench, world, count)


MEASURES = {
    "dispatch": _dispatch,
    "webhook": _webhook,
    "statuses": _statuses,
    "audience": _audience,
}


# ----------------------------------------------------------------------
# Screens
# ----------------------------------------------------------------------


def _measure_screens(bench, world):
    """The requests of a browser when a screen opens, each in a new transaction."""
    bench.sql("DELETE FROM waba_webhook_event")
    screens = {
        "campaign form": lambda env: _read_form(env, "waba.campaign", _largest_campaign(env)),
        "number form": lambda env: _read_form(env, "waba.sender", world.sender_ids[0]),
        "campaigns list": lambda env: _read_list(env, "waba.campaign", []),
        "messages list": lambda env: _read_list(env, "waba.message", []),
        "messages of a campaign": lambda env: _read_list(
            env, "waba.message", [("campaign_id", "=", _largest_campaign(env))]
        ),
        "people list": lambda env: _read_list(env, "waba.recipient", []),
    }
    for name, read in screens.items():
        took = []
        for _round in range(3):
            with bench.env() as env:
                campaign_cached = _largest_campaign(env)
                assert campaign_cached
                started = time.monotonic()
                read(env)
                took.append(time.monotonic() - started)
        bench.report.add(NAME, name, median(took), "s", must=("<=", 1))


def _largest_campaign(env):
    env.cr.execute("SELECT min(id) FROM waba_campaign WHERE name LIKE 'Old %'")
    return env.cr.fetchone()[0]


def _read_form(env, model, record_id):
    env[model].browse(record_id).web_read(_specification(env, model, "form"))


def _read_list(env, model, domain):
    env[model].web_search_read(
        domain, _specification(env, model, "list"), limit=80, count_limit=10_001
    )


def _specification(env, model, view_type):
    """The fields of a view, as the web client asks for them."""
    arch = etree.fromstring(env[model].get_view(view_type=view_type)["arch"])
    own = [node for node in arch.iter("field") if not any(
        parent.tag == "field" for parent in node.iterancestors())]  # fmt: skip
    fields = env[model]._fields
    return {
        node.get("name"): {"fields": {"display_name": {}}}
        if fields[node.get("name")].type == "many2one"
        else {}
        for node in own
    }
