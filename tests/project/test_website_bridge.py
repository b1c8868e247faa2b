"""The bridge to the website: its own tests, in a process and on a database of their own.

The databases of the other tests have no website.
"""

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from odoo.tools import config

from ..common import ROOT
from ..pure import PureCase
from .test_upgrade import Database

NAME = "waba_campaign_website"
TEMPLATE = "waba_base"


class TestWebsiteBridge(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = Database(f"waba_website_{os.getpid()}")
        files = Path(config.filestore(cls.database.name))
        cls.addClassCleanup(shutil.rmtree, files, ignore_errors=True)
        cls.addClassCleanup(cls.database.drop)
        cls.database.manage("copy", TEMPLATE, cls.database.name)
        shutil.copytree(config.filestore(TEMPLATE), files, dirs_exist_ok=True)

    def test_its_own_tests_pass(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "odoo", "-d", self.database.name, "-i", NAME,
             "--skip-auto-install", "--stop-after-init", "--max-cron-threads", "0",
             "--http-port", str(port), "--db-filter", f"^{self.database.name}$",
             "--test-tags", f"/{NAME}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        self.assertNotRegex(done.stdout, r" (ERROR|CRITICAL) |skipped")
        ran = re.search(r"0 failed, 0 error\(s\) of (\d+) tests", done.stdout)
        self.assertEqual(int(ran[1]), 6, done.stdout[-2000:])

    def test_it_installs_itself_beside_a_website(self):
        manifest = ast.literal_eval((ROOT / "bridges" / NAME / "__manifest__.py").read_text())
        self.assertEqual(manifest["depends"], ["website", "waba_campaign"])
        self.assertTrue(manifest["auto_install"])
