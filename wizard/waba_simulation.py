"""Simulation: try everything with a local simulator's account instead of one at Meta.

Called by *Getting started*. The simulator (simulator/) is a process of its own, on this machine.
"""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

from odoo import api, models
from odoo.exceptions import AccessError, UserError

ADDON = Path(__file__).resolve().parent.parent
PORT = ("waba_campaign.simulator_port", "8090")
START_SECONDS = 10
# Of the simulator's default world (simulator/README.md).
KEYS = {
    "waba_uid": "200000000000001",
    "app_uid": "300000000000001",
    "access_token": "SIM-TOKEN",
    "app_secret": "SIM-SECRET",
}

# The process that this one has started: it ends with its standard input, so with Odoo.
_started = []


class WabaGettingStarted(models.AbstractModel):
    _inherit = "waba.getting.started"

    @api.model
    def start_simulation(self):
        """Start the simulator unless it runs, and find or create its account, to be connected.

        Two requests, because the simulator verifies the callback URL while the account connects,
        so the account must be committed before.

        :return: id of the waba.account
        :raise AccessError: the user is not an administrator
        :raise UserError: the database has another account, or no simulator can be started
        """
        if not self._is_system():
            raise AccessError(self.env._("Only an administrator can start a simulation."))
        if refusal := self._simulation_refusal():
            raise UserError(refusal)
        url = self._find_or_start_simulator()
        accounts = self.env["waba.account"]
        account = accounts.search([("waba_uid", "=", KEYS["waba_uid"])])
        values = {**KEYS, "base_url": url}
        if account:
            account.write(values)
        else:
            account = accounts.create({"name": self.env._("Simulated account"), **values})
        return account.id

    @api.model
    def _simulation_refusal(self):
        """Why no simulation may start here, as a sentence; False if one may."""
        accounts = self.env["waba.account"].sudo().with_context(active_test=False).search([])  # pylint: disable=no-search-all
        if all(account.is_simulated for account in accounts):
            return False
        return self.env._(
            "This database has a real WhatsApp account. Try the simulation in a test database."
        )

    @api.model
    def _find_or_start_simulator(self):
        """The address of a running simulator that signs with our secret.

        :raise UserError: none runs and none can be started
        """
        key, default = PORT
        port = self.env["ir.config_parameter"].sudo().get_param(key, default)
        url = f"http://127.0.0.1:{port if port.isdigit() else default}"
        if self._set_up_simulator(url):
            return url
        if not (importlib.util.find_spec("aiohttp") and (ADDON / "simulator").is_dir()):
            raise UserError(self._simulator_command_text(port))
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", port, "--until-eof"],
            cwd=ADDON,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _started[:] = [process]
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            if self._set_up_simulator(url):
                return url
            time.sleep(0.2)
        raise UserError(self._simulator_command_text(port))

    @api.model
    def _set_up_simulator(self, url):
        """Whether a simulator answers at this address; then it signs with our secret."""
        body = json.dumps({"app_secret": KEYS["app_secret"]}).encode()
        request = Request(f"{url}/_control/delivery", data=body, method="POST")
        try:
            with urlopen(request, timeout=2) as reply:
                return json.load(reply).get("ok") is True
        except (OSError, ValueError):
            return False

    def _simulator_command_text(self, port):
        return self.env._(
            "The simulator could not be started. Run “python -m simulator --port %(port)s” in "
            "%(folder)s (it needs the Python package aiohttp), then try again.",
            port=port,
            folder=ADDON,
        )
