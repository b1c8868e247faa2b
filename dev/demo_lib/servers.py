"""The demo's servers: the simulator, and Odoo as a web server and a process for scheduled jobs."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .clients import SimulatorControl, is_up
from .processes import Child, DemoError, free_port

APP_SECRET = "SIM-SECRET"
ODOO_PORT = int(os.environ.get("WABA_PORT") or 8069)
OUR_ERROR = re.compile(
    r" (ERROR|CRITICAL) \S+ odoo\.(addons\.waba_campaign|addons\.base\.models\.ir_cron|http)\b"
)

# About 4 in 100 can't be reached, 93 get it, 60 read it, 8 answer and 2 ask to stop; rates are
# of the people who got as far as the step before. Seconds. Webhooks come in batches, some twice,
# some late.
BEHAVIOUR = {
    "undeliverable_rate": 0.04,
    "delivered_rate": 0.97,
    "read_rate": 0.65,
    "reply_rate": 0.13,
    "stop_rate": 0.035,
}
DELIVERY = {
    "delays": {
        "sent": [0.1, 0.6],
        "delivered": [0.3, 1.5],
        "read": [0.5, 3.0],
        "failed": [0.3, 1.5],
        "inbound": [0.5, 2.0],
    },
    "batch_window": 0.2,
    "batch_max": 50,
    "duplicate_rate": 0.05,
    "reorder_rate": 0.05,
}


@dataclass
class DemoEnvironment:
    """Where the demo runs: folders of the checkout, name of the database."""

    root: Path
    dev: Path
    database: str

    @classmethod
    def from_environment(cls, database):
        """`dev/lib.sh` exports the folders."""
        return cls(Path(os.environ["WABA_ROOT"]), Path(os.environ["WABA_DEV"]), database)

    def log_path(self, name):
        return self.dev / "log" / f"{self.database}-{name}.log"

    def odoo(self, *arguments):
        """Odoo's command line on the demo's database."""
        return [sys.executable, "-m", "odoo", "-d", self.database, *arguments]


def make_database(place, children):
    """A new database with the addon and its demo data."""
    subprocess.run(
        [sys.executable, place.root / "dev/database.py", "drop", place.database], check=True
    )
    shutil.rmtree(place.dev / "data" / "filestore" / place.database, ignore_errors=True)
    children.run(
        "installing the addon",
        place.odoo("-i", "waba_campaign", "--with-demo", "--skip-auto-install", "--no-http",
                   "--stop-after-init"),
        place.log_path("install"),
    )  # fmt: skip


def start_simulator(place, children):
    """The simulator on a port of its own, people and webhooks set; returns its SimulatorControl."""
    requests_log = place.dev / "log" / f"{place.database}-requests.jsonl"
    requests_log.unlink(missing_ok=True)
    child = children.start(
        "the simulator",
        [sys.executable, "-m", "simulator", "--port", "0", "--app-secret", APP_SECRET,
         "--log-file", str(requests_log)],
        place.log_path("simulator"),
    )  # fmt: skip
    found = children.wait_for(
        "the simulator listens", lambda: re.search(r"listening on (\S+)", child.log_text())
    )
    simulator = SimulatorControl(found.group(1))
    simulator.post("behaviour", **BEHAVIOUR)
    simulator.post("delivery", **DELIVERY)
    return simulator


@dataclass
class Odoo:
    """The two running processes and the address for people."""

    address: str
    web: Child
    jobs: Child

    def log_errors(self):
        """Return the lines of the logs about an error in the addon, a job or a request.

        What `odoo.sql_db` logs is not an error: PostgreSQL refused one of two concurrent
        transactions, and it is repeated.
        """
        text = self.web.log_text() + self.jobs.log_text()
        return [line for line in text.splitlines() if OUR_ERROR.search(line)]


def start_odoo(place, children):
    """The web server without scheduled jobs, and a process of scheduled jobs without web.

    A threaded web server serves the web client's websocket on the same port; several web workers
    would need a proxy for it. Jobs run in two threads of the other process.
    """
    port = free_port(ODOO_PORT)
    common = ("--workers", "0", "--db-filter", f"^{re.escape(place.database)}$")
    web = children.start(
        "Odoo's web server",
        place.odoo(*common, "--http-port", str(port), "--max-cron-threads", "0"),
        place.log_path("web"),
    )
    address = f"http://localhost:{port}"
    children.wait_for("Odoo's web server answers", lambda: is_up(address))
    jobs = children.start(
        "Odoo's scheduled jobs",
        place.odoo(*common, "--no-http", "--max-cron-threads", "2"),
        place.log_path("jobs"),
    )
    # From then on it is notified of new jobs immediately.
    children.wait_for("Odoo's scheduled jobs start", lambda: "Registry loaded" in jobs.log_text())
    if web.exit_status is not None:
        raise DemoError(f"port {port} answers, but not for us:\n{web.log_tail()}")
    return Odoo(address, web, jobs)
