"""The short torture (benchmarks/torture): real processes killed and crowded, judged outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg2

from ..pure import PureCase

ROOT = Path(__file__).resolve().parents[2]
# What each short scenario must at least have done for its verdict to mean anything.
SCENARIOS = {"short: kills": {"kills": 8, "accepted": 300}, "short: crowd": {"people_24h": 250},
             "short: mixed": {"kills": 4, "people_24h": 190, "followed": 70,
                              "followup_steps": 5},
             "short: recurring runs and fallbacks": {"kills": 4, "accepted": 150},
             "short: raw copy": {"accepted": 120},
             # A third is held back for requests whose workers were killed before they sent them.
             "short: budgets": {"kills": 2, "accepted": 60, "budget_used": 45,
                                "auctions_won": 40, "auctions_lost": 4}}  # fmt: skip


class TestShortTorture(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = f"waba_torture_{os.getpid()}"
        path = os.pathsep.join(
            filter(None, [str(ROOT), str(ROOT / "dev"), os.environ.get("PYTHONPATH")])
        )
        # Never the run's own PostgreSQL: others are at work on it.
        environment = {
            name: value for name, value in os.environ.items() if name != "WABA_PG_RESTART"
        }
        cls.outcome = subprocess.run(
            [sys.executable, "-m", "benchmarks.torture", "--short", "--database", cls.database],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        cls.lines = {
            line["scenario"]: line
            for line in map(json.loads, filter(_is_json, cls.outcome.stdout.splitlines()))
        }

    def test_every_promise_held(self):
        told = self.outcome.stdout[-4000:] + self.outcome.stderr[-4000:]
        self.assertEqual(self.outcome.returncode, 0, told)
        self.assertEqual(set(self.lines), set(SCENARIOS))
        for name, line in self.lines.items():
            self.assertEqual(line["problems"], [], name)

    def test_it_was_no_empty_show(self):
        for name, figures in SCENARIOS.items():
            for figure, least in figures.items():
                self.assertGreaterEqual(self.lines[name][figure], least, f"{name}: {figure}")

    def test_nothing_is_left_behind(self):
        connection = psycopg2.connect(dbname="postgres")
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{self.database}%",)
                )
                self.assertEqual(cursor.fetchall(), [])
        finally:
            connection.close()
        self.assertEqual(_processes_with(self.database), [])


def _is_json(line):
    return line.startswith("{")


def _processes_with(word):
    """Command lines of running processes that contain `word`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if word in command:
                found.append(command)
    return found
