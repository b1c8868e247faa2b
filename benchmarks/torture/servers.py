"""The processes of a scenario: Odoo's web server, hosts of scheduled jobs, the simulator."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys

from demo_lib.clients import SimulatorControl, is_up
from demo_lib.processes import Child, free_port, wait_for

from simulator.default_world import default_seed

APP_SECRET = "SIM-SECRET"
TOKEN = "SIM-TOKEN"
WABA_UID = "200000000000001"
NUMBERS = 4
START_SECONDS = 180


def seed():
    """One portfolio without limit, one account, four numbers, the shop's templates."""
    world = default_seed()
    world["businesses"][0]["messaging_limit"] = "TIER_UNLIMITED"
    account = world["accounts"][0]
    account["numbers"] = [
        {
            "id": f"40000000000000{index + 1}",
            "display_phone_number": f"+34 911 000 10{index + 1}",
            "verified_name": f"Torture {index + 1}",
        }
        for index in range(NUMBERS)
    ]
    world["accounts"] = [account]
    return world


class Process(Child):
    """A server in a process group of its own."""

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_alive(self):
        return self.exit_status is None

    def kill(self):
        """SIGKILL for it and for all its workers."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


class Servers:
    """Starts and ends the processes of one scenario; all have ended when it is closed.

    :param place: the run's Place (folders, database, ports)
    :param name: the scenario's, for the logs
    """

    def __init__(self, place, name):
        self.place = place
        self.name = re.sub(r"\W+", "-", name.lower()).strip("-")
        self.crashes = place.dev / "torture" / place.database
        self.all = []
        self.hosts = {}
        self.web = None
        self.simulator = None

    def close(self):
        for process in reversed(self.all):
            process.request_stop()
        for process in reversed(self.all):
            process.end()

    # ---- starting -----------------------------------------------------------------------------

    def _start(self, name, *command):
        log = self.place.logs / f"{self.name}-{len(self.all)}-{name}.log"
        process = Process(name, [sys.executable, *command], log, self.place.root)
        self.all.append(process)
        return process

    def _odoo(self, name, *arguments, database=None):
        """Odoo through the launcher, so that it has crash points."""
        database = database or self.place.database
        return self._start(
            name, "-m", "benchmarks.torture.launcher", str(self.crashes),
            "-d", database, "--db-filter", f"^{re.escape(database)}$",
            "--log-handler", "odoo.sql_db:CRITICAL", *arguments,
        )  # fmt: skip

    def start_simulator(self):
        """The platform, with a fresh world; on the same port in all scenarios of a run."""
        path = self.place.logs / "seed.json"
        path.write_text(json.dumps(seed()), encoding="utf-8")
        process = self._start(
            "simulator", "-m", "simulator", "--port", str(self.place.simulator_port),
            "--app-secret", APP_SECRET, "--seed-file", str(path),
        )  # fmt: skip
        wait_for(
            "the simulator listens", lambda: "listening on" in process.log_text(),
            START_SECONDS, process.check_alive,
        )  # fmt: skip
        self.simulator = SimulatorControl(self.place.simulator_address)
        return self.simulator

    def start_receiver(self):
        """Another system's server for outgoing events; returns (its address, its log's path)."""
        log = self.place.logs / f"{self.name}-events.jsonl"
        log.unlink(missing_ok=True)
        port = free_port()
        process = self._start("receiver", "-m", "benchmarks.torture.receiver", str(port), str(log))
        wait_for(
            "the receiver listens", lambda: "listening on" in process.log_text(),
            START_SECONDS, process.check_alive,
        )  # fmt: skip
        return f"http://127.0.0.1:{port}/events", log

    def start_web(self):
        """The web server: screens and the webhook controller, no scheduled jobs."""
        self.web = self._odoo(
            "web", "--workers", "0", "--max-cron-threads", "0",
            "--http-port", str(self.place.web_port),
        )  # fmt: skip
        wait_for(
            "Odoo's web server answers", lambda: is_up(self.place.web_address),
            START_SECONDS, self.web.check_alive,
        )  # fmt: skip
        return self.web

    def start_host(self, workers, database=None):
        """One more host: a master that keeps `workers` processes for scheduled jobs alive.

        :param database: another one than the run's
        """
        host = self._odoo(
            "host", "--workers", "1", "--no-http", "--max-cron-threads", str(workers),
            database=database,
        )  # fmt: skip

        def is_complete():
            own = [pid for pid in self.cron_pids() if process_session(pid) == host.pid]
            return len(own) >= workers

        wait_for("the scheduler's workers", is_complete, START_SECONDS, host.check_alive)
        self.hosts[host] = workers
        return host

    def restart_ended_hosts(self):
        """Start hosts again that ended, as a service manager does.

        Odoo's master ends when it starts a worker while PostgreSQL does not answer.
        """
        for host, workers in [*self.hosts.items()]:
            if not host.is_alive:
                del self.hosts[host]
                self.start_host(workers)

    def end_odoo(self):
        """Every web server and host, so that no process is connected to the database."""
        for process in [self.web, *self.hosts]:
            process.request_stop()
            process.end()
        self.hosts.clear()

    # ---- crashes ------------------------------------------------------------------------------

    def forget_crashes(self):
        self.crashes.mkdir(parents=True, exist_ok=True)
        for note in self.crashes.iterdir():
            note.unlink()

    def arm(self, point, skip=0):
        """The `skip` + 1st process to reach `point` (launcher.POINTS) is killed there."""
        order = self.crashes / "order"
        order.write_text(json.dumps({"point": point, "skip": skip}))
        order.rename(self.crashes / "armed")

    def delay_at(self, point, seconds):
        """From now on every process waits that long at `point`."""
        order = self.crashes / "order"
        order.write_text(json.dumps({"point": point, "seconds": seconds}))
        order.rename(self.crashes / "dragged")

    def disarm(self):
        (self.crashes / "armed").unlink(missing_ok=True)

    def kill_count(self):
        """How many processes were killed at a crash point so far."""
        fired = self.crashes / "fired"
        return len(fired.read_text().splitlines()) if fired.exists() else 0

    def cron_pids(self):
        return self._noted("cron")

    def sending_pids(self):
        """Workers inside a number's job now."""
        return self._noted("sending")

    def _noted(self, what):
        """Return our live processes that left a note; notes of dead ones are removed."""
        pids, sessions = [], {process.pid for process in self.all}
        for note in self.crashes.glob(f"{what}-*"):
            pid = int(note.name.rpartition("-")[2])
            if process_session(pid) in sessions:
                pids.append(pid)
            else:
                note.unlink(missing_ok=True)
        return pids

    # ---- logs ---------------------------------------------------------------------------------

    def errors(self):
        """What Odoo logged as an error or worse."""
        return [
            line
            for process in self.all
            for line in process.log_text().splitlines()
            if re.search(r" (ERROR|CRITICAL) ", line)
        ]


def process_session(pid):
    """The session of a live process, None for a dead one or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[3])


def restart_postgres():
    """Stop the run's own PostgreSQL immediately, as a crash would, and start it again."""
    subprocess.run([os.environ["WABA_PG_RESTART"], "--restart-postgres"], check=True)
