"""The environment of a torture run, and the database that all scenarios start from."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from demo_lib.clients import OdooUser
from demo_lib.processes import DemoError, free_port

from .database import Database, database_exists, server_command
from .servers import APP_SECRET, TOKEN, WABA_UID, Servers

LEADS = 6000


@dataclass
class TortureEnvironment:
    """The environment of a run: folders of the checkout, database, ports."""

    root: Path
    dev: Path
    database: str
    web_port: int
    simulator_port: int
    own_postgres: bool

    @classmethod
    def from_environment(cls, database):
        """`dev/lib.sh` exports the folders; dev/torture exports how to restart PostgreSQL."""
        return cls(
            Path(os.environ["WABA_ROOT"]),
            Path(os.environ["WABA_DEV"]),
            database,
            free_port(),
            free_port(),
            "WABA_PG_RESTART" in os.environ,
        )

    @property
    def base(self):
        """The prepared database each scenario starts from."""
        return f"{self.database}_base"

    @property
    def copy(self):
        """A raw copy of the database, see `Stage.copy_database`."""
        return f"{self.database}_copy"

    @property
    def web_address(self):
        return f"http://localhost:{self.web_port}"

    @property
    def simulator_address(self):
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def logs(self):
        return self.dev / "log" / self.database

    def drop(self):
        """The databases and everything beside them but the logs."""
        shutil.rmtree(self.dev / "torture" / self.database, ignore_errors=True)
        for name in (self.database, self.base, self.copy):
            server_command(self.root, "drop", name)
            shutil.rmtree(self.dev / "data" / "filestore" / name, ignore_errors=True)

    def make_base(self):
        """Install the addon, make the leads, connect the account; once for all scenarios."""
        self.drop()
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        if database_exists(self.root, "waba_base"):
            # The tests' template with all dependencies, when there is one on this server.
            server_command(self.root, "copy", "waba_base", self.base)
        log = self.logs / "install.log"
        with open(log, "wb") as output:
            status = subprocess.run(
                [sys.executable, "-m", "odoo", "-d", self.base, "-i", "waba_campaign",
                 "--skip-auto-install", "--no-http", "--stop-after-init"],
                stdout=output, stderr=output, cwd=self.root, check=False,
            ).returncode  # fmt: skip
        if status:
            raise DemoError(f"installing the addon failed (see {log})")
        server_command(self.root, "copy", self.base, self.database)
        self._connect()
        server_command(self.root, "drop", self.base)
        server_command(self.root, "rename", self.database, self.base)

    def _connect(self):
        database, servers = Database(self.database), Servers(self, "base")
        try:
            database.make_leads(LEADS)
            servers.forget_crashes()
            servers.start_simulator()
            servers.start_web()
            admin = OdooUser(self.web_address, self.database, "admin", "admin")
            # The run may be at any time of day and sends several campaigns to the same people.
            rules = {"waba_quiet_hours": False, "waba_frequency_count": 0}
            admin.call("res.company", "write", [1], rules)
            values = {
                "name": "Torture", "waba_uid": WABA_UID, "app_uid": "300000000000001",
                "access_token": TOKEN, "app_secret": APP_SECRET,
                "base_url": self.simulator_address,
            }  # fmt: skip
            account_ids = admin.call("waba.account", "create", [values])
            admin.call("waba.account", "action_connect", account_ids)
        finally:
            servers.close()
            database.close()
