"""Who imports whom: the arrows between the addon's rooms, read from the imports themselves."""

import ast
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from ..pure import PureCase

ROOT = Path(__file__).resolve().parents[2]
ADDON = "odoo.addons.waba_campaign"
# What would give a pure function a clock, a die, a network or a disk.
IMPURE = {
    "asyncio", "http", "importlib", "os", "pathlib", "random", "secrets", "select", "shutil",
    "socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
CLOCK_CALLS = frozenset(("now", "utcnow", "today", "time", "monotonic", "perf_counter"))


class Room(NamedTuple):
    """What a room may import besides itself and, `stdlib` permitting, Python's own library."""

    rooms: dict = {}
    packages: frozenset = frozenset()
    is_pure: bool = False


ANY = None
ROOMS = {
    "cloud_api": Room(packages=frozenset(("requests", "urllib3"))),
    "policy": Room(packages=frozenset(("crawleruseragents", "nameparser")), is_pure=True),
    "simulator": Room(packages=frozenset(("aiohttp",))),
    "models": Room(
        rooms={"policy": ANY, "cloud_api": ANY},
        # PIL and reportlab draw QR codes.
        packages=frozenset(
            ("babel", "dateutil", "lxml", "markupsafe", "odoo", "phonenumbers", "psycopg2", "pytz")
        )
        | {"PIL", "reportlab"},
    ),
    "wizard": Room(
        rooms={"models": ANY, "cloud_api": ANY, "policy": ANY},
        packages=frozenset(("odoo", "openpyxl")),
    ),
    "report": Room(rooms={"models": ANY}, packages=frozenset(("odoo",))),
    # The door verifies and stores: of the API it needs these two values, never a client; of the
    # policy how to read what visitors typed.
    "controllers": Room(
        rooms={
            "models": ANY,
            "cloud_api": {"answer_challenge", "verify_signature"},
            "policy": {"links", "numbers", "optin"},
        },
        packages=frozenset(("odoo", "xlsxwriter")),
    ),
}


class Import(NamedTuple):
    """One imported name: `room` is set for the addon's own, `package` for anybody else's."""

    line: int
    room: str = ""
    name: str = ""
    package: str = ""


def read_imports(tree, folder):
    """Every Import of a module, wherever in it.

    :param folder: parts of the module's folder below the addon's root
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _as_import(node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                above = folder[: len(folder) - node.level + 1]
                module = ".".join((ADDON, *above, *filter(None, [module])))
            for alias in node.names:
                yield _as_import(node.lineno, module, alias.name)


def _as_import(line, module, name):
    if f"{module}.{name}" == ADDON:
        module, name = ADDON, ""
    if module == ADDON or module.startswith(f"{ADDON}."):
        inside = [*module[len(ADDON) + 1 :].split("."), name]
        inside = [part for part in inside if part] or ["the addon itself"]
        return Import(line, room=inside[0], name=inside[-1])
    return Import(line, package=module.split(".")[0], name=f"{module}.{name}".strip("."))


def find_violations(root):
    """Wrong arrows below `root`, as 'file:line: what'."""
    return [
        f"{path.relative_to(root)}:{line}: {problem}"
        for room in ROOMS
        for path in sorted((root / room).rglob("*.py"))
        for line, problem in check_module(ast.parse(path.read_text()), path.relative_to(root).parts)
    ]


def check_module(tree, parts):
    """Yield (line, problem) for one module; `parts` is its path below the addon's root."""
    own, room = parts[0], ROOMS[parts[0]]
    for found in read_imports(tree, parts[:-1]):
        if problem := _why_not(found, own, room):
            yield found.line, problem
    if room.is_pure:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) in CLOCK_CALLS:
                yield node.lineno, f"{own} asks a clock: {_called(node)}()"


def _why_not(found, own, room):
    if found.room:
        if found.room != own and found.room not in room.rooms:
            return f"{own} imports {found.room}"
        names = room.rooms.get(found.room)
        if names and found.name not in names:
            return f"{own} imports {found.name} of {found.room}"
        return ""
    if found.package in room.packages:
        return ""
    if found.package not in sys.stdlib_module_names:
        return f"{own} imports {found.package}"
    if room.is_pure and {found.package, found.name} & IMPURE:
        return f"{own} is pure and imports {found.name}"
    return ""


def _called(call):
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


class TestLayering(PureCase):
    def test_every_arrow_between_the_rooms_runs_the_planned_way(self):
        self.assertEqual(find_violations(ROOT), [])

    def test_every_room_that_holds_code_is_looked_at(self):
        free = {"tests", "dev", "benchmarks", "bridges", "static", "migrations"}
        with_code = {
            room.name
            for room in ROOT.iterdir()
            if not room.name.startswith((".", "__")) and any(room.rglob("*.py"))
        }
        self.assertEqual(with_code - free - set(ROOMS), set())
        self.assertLessEqual(
            {"cloud_api", "policy", "simulator", "models", "controllers"}, with_code
        )

    def test_a_wrong_arrow_is_found(self):
        cases = [
            ("cloud_api/client.py", "from ..policy import retry", "cloud_api imports policy"),
            ("cloud_api/client.py", "import odoo", "cloud_api imports odoo"),
            ("cloud_api/client.py", "from odoo.tools import SQL", "cloud_api imports odoo"),
            ("cloud_api/client.py", "import aiohttp", "cloud_api imports aiohttp"),
            ("policy/limits.py", "from ..cloud_api import errors", "policy imports cloud_api"),
            ("policy/limits.py", "from .. import cloud_api", "policy imports cloud_api"),
            ("policy/limits.py", "import requests", "policy imports requests"),
            ("policy/limits.py", "import time", "policy is pure and imports time"),
            ("policy/limits.py", "from time import time", "policy is pure and imports time.time"),
            ("policy/limits.py", "import random", "policy is pure and imports random"),
            (
                "policy/limits.py",
                "from urllib.request import urlopen",
                "policy is pure and imports urllib.request.urlopen",
            ),
            (
                "policy/limits.py",
                "def f():\n    return datetime.now()",
                "policy asks a clock: now()",
            ),
            ("policy/limits.py", "x = datetime.datetime.utcnow()", "policy asks a clock: utcnow()"),
            ("policy/limits.py", "x = date.today()", "policy asks a clock: today()"),
            ("policy/limits.py", "from odoo import fields", "policy imports odoo"),
            ("simulator/app.py", "from ..cloud_api import payloads", "simulator imports cloud_api"),
            ("simulator/app.py", f"import {ADDON}.policy.limits", "simulator imports policy"),
            ("simulator/app.py", "import odoo", "simulator imports odoo"),
            ("simulator/app.py", "import cloud_api", "simulator imports cloud_api"),
            ("models/a.py", "from ..wizard import waba_diagnosis", "models imports wizard"),
            ("models/a.py", "from ..simulator import state", "models imports simulator"),
            ("models/a.py", "from ..tests.common import WabaCase", "models imports tests"),
            (
                "models/deep/a.py",
                "from ...controllers import webhook",
                "models imports controllers",
            ),
            (
                "models/a.py",
                "def f():\n    from ..controllers import webhook",
                "models imports controllers",
            ),
            ("models/a.py", "import aiohttp", "models imports aiohttp"),
            (
                "controllers/a.py",
                "from ..policy import limits",
                "controllers imports limits of policy",
            ),
            (
                "controllers/a.py",
                "from ..cloud_api import CloudApiClient",
                "controllers imports CloudApiClient of cloud_api",
            ),
            (
                "controllers/a.py",
                "from .. import cloud_api",
                "controllers imports cloud_api of cloud_api",
            ),
            ("wizard/a.py", "from ..controllers import webhook", "wizard imports controllers"),
            ("report/a.py", "from ..cloud_api import client", "report imports cloud_api"),
            (
                "models/a.py",
                "from odoo.addons import waba_campaign",
                "models imports the addon itself",
            ),
        ]
        for path, code, problem in cases:
            with self.subTest(path=path, code=code):
                found = self._check(path, code)
                self.assertEqual([text.split(": ", 1)[1] for text in found], [problem])

    def test_a_right_arrow_is_let_through(self):
        cases = [
            ("cloud_api/client.py", "import json\nimport requests\nfrom urllib3 import filepost"),
            ("cloud_api/deep/client.py", "from ..errors import CODES"),
            (
                "policy/limits.py",
                "from datetime import datetime\nfrom .pacing import rate\nd = datetime(1, 1, 1)",
            ),
            (
                "simulator/app.py",
                "import asyncio\nfrom aiohttp import web\nfrom .state import World",
            ),
            (
                "models/a.py",
                "from ..policy import limits\nfrom ..cloud_api import errors\nimport time",
            ),
            (
                "models/a.py",
                f"from {ADDON}.policy import limits\nfrom odoo.addons.crm import models",
            ),
            ("controllers/a.py", "from odoo import http\nfrom ..cloud_api import verify_signature"),
            (
                "wizard/a.py",
                "from ..models.waba_sender import STATUS_SENDING\nfrom ..cloud_api import x",
            ),
            ("report/a.py", "from ..models import waba_message"),
        ]
        for path, code in cases:
            with self.subTest(path=path, code=code):
                self.assertEqual(self._check(path, code), [])

    def _check(self, path, code):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, path)
            file.parent.mkdir(parents=True)
            file.write_text(code)
            return find_violations(Path(folder))
