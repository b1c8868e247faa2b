"""Odoo with crash points: ``launcher.py FOLDER ODOO-ARGUMENT...``.

The production code has no branch for crashes. This launcher wraps methods of the addon in its own
process; a wrapped method that is armed kills the process it runs in with SIGKILL. FOLDER is how the
harness (servers.py) and its processes communicate:

- ``armed``: JSON {"point": a key of POINTS, "skip": calls to let pass}; removed once it has struck
- ``fired``: one line "point pid" per kill
- ``dragged``: JSON {"point", "seconds"}: every process that reaches the point waits there
- ``cron-PID``, ``sending-PID``: live workers, and those inside a number's job
"""

import fcntl
import importlib
import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ADDON = "odoo.addons.waba_campaign"
# Long enough for several requests to be on the wire, shorter than the reply takes to come.
IN_FLIGHT_SECONDS = 0.15


def always(_result):
    return True


class Point(NamedTuple):
    """Where to strike.

    :param owner: a model's name, or module and class inside the addon
    :param when: 'before' or 'after' the method, or 'during' it: a moment after its start
    :param condition: for 'after': called with the result; calls for which it is false do not count
    """

    owner: str
    method: str
    when: str
    condition: object = bool


POINTS = {
    "reserved, not committed": Point(
        "waba.sender", "_reserve_rows", "after", lambda result: bool(result[0])
    ),
    "reserved, nothing handed over": Point("waba.sender", "_mark_submitted", "before"),
    "handed over, nothing sent": Point("cloud_api.pool:SendPool", "submit", "before"),
    "requests in flight": Point("cloud_api.client:CloudApiClient", "send_message", "during"),
    "replies not written": Point("waba.sender", "_write_results", "before"),
    "replies written, not committed": Point("waba.message", "_write_results", "after", always),
    "between two batches of replies": Point("waba.sender", "_write_results", "after", always),
    "taking back unsent rows": Point("waba.message", "_requeue_unsent", "after", always),
    "expired reservations being settled": Point("waba.sender", "_settle_expired", "after", always),
    "end of a run": Point("waba.sender", "_finish_dispatch", "before"),
    "audience chunk not committed": Point("waba.campaign", "_prepare_chunk", "after"),
    "audience prepared, not started": Point(
        "waba.campaign", "_prepare_chunk", "after", lambda made: not made
    ),
    "statuses applied, not committed": Point("waba.message", "_apply_statuses", "after", always),
    "between two batches of webhooks": Point("waba.webhook.event", "_apply_batch", "after", always),
    "follow-ups moved on, not committed": Point("waba.sequence.enrollment", "_run_chunk", "after"),
    "recurring run launched, not committed": Point("waba.recurring", "_run_due", "after", always),
    "fallback sent, not committed": Point("waba.fallback", "_run_one", "after", always),
    "pause being written": Point("waba.campaign", "_pause", "after", always),
    "prices written, not committed": Point("waba.message", "_price_batch", "after", always),
    "conversion claimed, not sent": Point("waba.conversion", "_request", "before"),
    "conversion on the wire": Point("cloud_api.client:CloudApiClient", "send_conversion", "during"),
    "conversion sent, answer not stored": Point("waba.conversion", "_end_attempt", "before"),
    "events claimed, not committed": Point("waba.outgoing.event", "_claim_due", "after"),
    "events sent, not recorded": Point("waba.outgoing.event", "_record_answers", "before"),
    "events recorded, not committed": Point(
        "waba.outgoing.event", "_record_answers", "after", always
    ),
    "webhook stored, not committed": Point("waba.webhook.event", "_store_body", "after", always),
}


class Crashes:
    """The worker's side of FOLDER."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.armed = self.folder / "armed"
        self.dragged = self.folder / "dragged"

    def strike(self, point):
        """True, once, when this point is armed and its turn has come; the caller then dies."""
        if not self.armed.exists():
            return False
        with self._locked():
            try:
                order = json.loads(self.armed.read_text())
            except FileNotFoundError:
                return False
            if order["point"] != point:
                return False
            if order["skip"]:
                self.armed.write_text(json.dumps({**order, "skip": order["skip"] - 1}))
                return False
            with open(self.folder / "fired", "a", encoding="utf-8") as fired:
                fired.write(f"{point}\t{os.getpid()}\n")
            self.armed.unlink()
            return True

    def drag(self, point):
        """Wait at this point for as long as the harness requires, so that others interleave."""
        if self.dragged.exists():
            order = json.loads(self.dragged.read_text())
            if order["point"] == point:
                time.sleep(order["seconds"])

    @contextmanager
    def _locked(self):
        with open(self.folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def noted(self, what):
        """A file that says what this process is doing; a killed process leaves it behind."""
        note = self.folder / f"{what}-{os.getpid()}"
        note.touch()
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def find_owner(registry, point):
    """The class in which the method of `point` is written."""
    if ":" in point.owner:
        module, _colon, name = point.owner.partition(":")
        return getattr(importlib.import_module(f"{ADDON}.{module}"), name)
    return next(cls for cls in registry[point.owner].__mro__ if point.method in vars(cls))


def wrap(crashes, name, point, owner):
    """Wrap a method with a crash point before, during or after it."""
    original = getattr(owner, point.method)

    def method(self, *args, **kwargs):
        if point.when == "before" and crashes.strike(name):
            die()
        if point.when == "during" and crashes.strike(name):
            threading.Timer(IN_FLIGHT_SECONDS, die).start()
        result = original(self, *args, **kwargs)
        if point.when == "after" and point.condition(result):
            crashes.drag(name)
            if crashes.strike(name):
                die()
        return result

    # Odoo's decorators (api.model, api.private) set attributes on the function.
    method.__dict__.update(original.__dict__)
    method.__name__ = original.__name__
    setattr(owner, point.method, method)


def plant(crashes, registry):
    """Wrap every point, and note which process is inside a number's job."""
    for name, point in POINTS.items():
        wrap(crashes, name, point, find_owner(registry, point))
    sender = find_owner(registry, Point("waba.sender", "_cron_dispatch", "during"))
    dispatch = sender._cron_dispatch

    def noted_dispatch(self):
        with crashes.noted("sending"):
            return dispatch(self)

    sender._cron_dispatch = noted_dispatch


def install(crashes):
    """Plant the points when the master has loaded the addon, before it forks its workers."""
    from odoo.modules.registry import Registry
    from odoo.service import server

    preload, start_cron = server.preload_registries, server.WorkerCron.start

    def planted_preload(databases):
        status = preload(databases)
        plant(crashes, Registry(databases[0]))
        return status

    def noted_start(worker):
        start_cron(worker)
        (crashes.folder / f"cron-{os.getpid()}").touch()

    server.preload_registries = planted_preload
    server.WorkerCron.start = noted_start


def main():
    folder = sys.argv[1]
    sys.argv[1:] = sys.argv[2:]
    from odoo.cli.command import main as odoo_main

    install(Crashes(folder))
    odoo_main()


if __name__ == "__main__":
    main()
