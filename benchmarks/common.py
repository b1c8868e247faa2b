"""The environment of benchmarks: own databases, real Odoo processes, the peer servers.

A benchmark is a module `bench_*.py` with `run(bench)`; `bench` is the `Bench` below.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
from demo_lib.clients import SimulatorControl, is_up
from demo_lib.processes import Child, DemoError, free_port, wait_for

ROOT = Path(__file__).resolve().parent.parent
ADDONS = "waba_campaign,sms_twilio,mass_mailing_sms,waba_bench"
TOKEN = "SIM-TOKEN"
APP_SECRET = "SIM-SECRET"
# Longest wait for one condition.
PATIENCE_SECONDS = 1800


def addons_path():
    """Where Odoo finds the addon, its own addons and the benchmarks' helper."""
    return f"{os.environ['WABA_ADDONS_PATH']},{ROOT / 'benchmarks/addons'}"


class Process(Child):
    @property
    def pid(self):
        return self._process.pid


class Bench:
    """The environment passed to each benchmark.

    :param smoke: everything tiny, to check that it works; its figures mean nothing
    :param copy_of: the Bench whose database is copied, instead of a new one
    :ivar report: where figures go
    """

    def __init__(self, database, report, smoke, copy_of=None):
        self.database = database
        self._copy_of = copy_of
        self.report = report
        self.smoke = smoke
        self.dev = Path(os.environ["WABA_DEV"])

    def __enter__(self):
        try:
            self._make_database()
        except BaseException:
            self.drop_database()
            raise
        return self

    def __exit__(self, *_error):
        self.drop_database()

    def size(self, full, smoke):
        """`full`, or `smoke` in a smoke run."""
        return smoke if self.smoke else full

    def log_path(self, name):
        return self.dev / "log" / f"{self.database}-{name}.log"

    # ------------------------------------------------------------------
    # The database
    # ------------------------------------------------------------------

    def _make_database(self):
        """A new database with the addon and its peers; no job runs but ours."""
        if self._copy_of:
            self._copy_of.disconnect()
            self._database_tool("copy", self._copy_of.database, self.database)
            # The account was connected in the original and would only send from there.
            self.sql("UPDATE waba_account SET home = NULL")
            return
        template = "waba_base"
        known = self._database_tool("exists", template).returncode == 0
        if known and self._database_tool("copy", template, self.database).returncode == 0:
            self._copy_filestore(template)
        else:
            self._database_tool("drop", self.database)
        self._install()
        self.sql(
            """UPDATE ir_cron SET active = FALSE WHERE ir_actions_server_id NOT IN (
                   SELECT a.id FROM ir_act_server a JOIN ir_model m ON m.id = a.model_id
                    WHERE m.model LIKE 'waba.%%')"""
        )

    def _install(self):
        command = self.odoo("-i", ADDONS, "--skip-auto-install", "--no-http", "--stop-after-init")
        with self._child("install", command) as child:
            self.wait("installing", lambda: child.exit_status is not None)
            if child.exit_status:
                raise DemoError(f"the addon could not be installed:\n{child.log_tail()}")

    def disconnect(self):
        """Close all connections of this process to the database."""
        from odoo.sql_db import close_db

        close_db(self.database)

    def drop_database(self):
        self._database_tool("drop", self.database)
        shutil.rmtree(self.dev / "data" / "filestore" / self.database, ignore_errors=True)

    def _copy_filestore(self, template):
        filestore = self.dev / "data" / "filestore"
        shutil.rmtree(filestore / self.database, ignore_errors=True)
        if (filestore / template).is_dir():
            shutil.copytree(filestore / template, filestore / self.database)

    def _database_tool(self, *arguments):
        return subprocess.run(
            [sys.executable, ROOT / "dev/database.py", *arguments], check=False, capture_output=True
        )

    def sql(self, query, *values, **named):
        """Run one statement, committed; its rows as tuples, [] for none."""
        with contextlib.closing(psycopg2.connect(dbname=self.database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, named or values)
                return cursor.fetchall() if cursor.description else []

    def vacuum(self):
        """Statistics and visibility as autovacuum would have left them."""
        self.sql("VACUUM ANALYZE")

    @contextlib.contextmanager
    def env(self):
        """The superuser's environment in this process; committed at the end."""
        registry = self._registry()
        from odoo import SUPERUSER_ID, api

        with registry.cursor() as cursor:
            yield api.Environment(cursor, SUPERUSER_ID, {})

    def _registry(self):
        from odoo.modules.registry import Registry
        from odoo.tools import config

        if not config.get("db_name"):
            config.parse_config([*self._odoo_options(), "--log-level", "warn"], setup_logging=True)
        return Registry(self.database)

    # ------------------------------------------------------------------
    # Processes
    # ------------------------------------------------------------------

    def _odoo_options(self):
        return ["-d", self.database, "--addons-path", addons_path()]

    def odoo(self, *arguments):
        """Odoo's command line on the benchmark's database."""
        # As a file: servers of several processes restart one from the command line.
        program = str(ROOT / "benchmarks/launch/odoo-bin")
        return [sys.executable, program, *self._odoo_options(), *arguments]

    @contextlib.contextmanager
    def _child(self, name, command):
        """A process for the duration of the block."""
        child = Process(name, command, self.log_path(name), ROOT)
        try:
            yield child
        finally:
            child.request_stop()
            child.end()

    @contextlib.contextmanager
    def server(self, name, command, is_ready):
        """A process that must stay up while the block runs.

        :param is_ready: asked with the Child until it is true
        :return: what `is_ready` gave
        """
        with self._child(name, command) as child:

            def answer():
                child.check_alive()
                return is_ready(child)

            yield self.wait(f"{name} started", answer)
            child.check_alive()

    @contextlib.contextmanager
    def stub(self):
        """The stub server that accepts everything."""
        command = [sys.executable, "-m", "benchmarks.stub"]
        with self.server("stub", command, _announced_address) as address:
            yield Stub(address)

    @contextlib.contextmanager
    def simulator(self, *arguments):
        command = [sys.executable, "-m", "simulator", "--port", "0", "--app-secret", APP_SECRET]
        with self.server("simulator", [*command, *arguments], _announced_address) as address:
            yield SimulatorControl(address)

    @contextlib.contextmanager
    def job_worker(self, name="jobs"):
        """A real Odoo process that runs only scheduled jobs, one at a time."""
        command = self.odoo("--no-http", "--workers", "0", "--max-cron-threads", "1")
        with self.server(name, command, self._is_listening) as found:
            yield found

    def _is_listening(self, child):
        """Whether its job thread waits for a notification (Odoo names connections by process)."""
        return self.sql(
            """SELECT 1 FROM pg_stat_activity
                WHERE datname = 'postgres' AND application_name = %s AND state = 'idle'""",
            f"odoo-{child.pid}",
        )

    @contextlib.contextmanager
    def web_server(self, workers):
        """A real Odoo web server of `workers` processes (0: threads) without jobs; its address."""
        port = free_port()
        command = self.odoo(
            "--http-port", str(port), "--workers", str(workers), "--max-cron-threads", "0",
            "--log-level", "warn", "--db-filter", f"^{self.database}$",
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        with self.server("web", command, lambda _child: is_up(address)):
            yield address

    def wait(self, what, condition):
        """Ask `condition()` until it is true; return its value."""
        return wait_for(what, condition, PATIENCE_SECONDS)


class Stub(SimulatorControl):
    """The stub server: what arrived since the last `reset`."""

    def reset(self, latency=0.0):
        self.post("reset", latency=latency)

    def rate(self):
        """(messages per second between the first and the last arrival, arrivals)."""
        found = self.get("arrivals")
        times = found["times"]
        if found["repeated"]:
            raise DemoError(f"{found['repeated']} messages arrived twice")
        if len(times) < 2:
            raise DemoError(f"{len(times)} messages arrived")
        return (len(times) - 1) / (times[-1] - times[0]), len(times)


def _announced_address(child):
    found = re.search(r"listening on (\S+)", child.log_text())
    return found and found.group(1)


def bodies_as_lines(bodies):
    return "\n".join(json.dumps(body) for body in bodies)
