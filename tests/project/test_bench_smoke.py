"""Every benchmark runs, tiny, on its own database: the harness is sound, figures are not asked.

`benchmarks/README.md` tells what they measure. What is asserted here is what may not depend on the
machine: every figure of the table is there, nothing arrived twice, every webhook was kept and
applied, the pace and the cap were never exceeded (the benchmarks fail when one of these does).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from ..pure import PureCase

ROOT = Path(__file__).resolve().parents[2]
# Limits that hold on any machine, however busy.
ALWAYS = (
    ("pace", "most in any second"),
    ("hosts", "people above the cap"),
    ("hosts", "people below the cap"),
)


class TestBenchSmoke(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_of_all = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks",
                "--smoke",
                "--database",
                f"waba_bench_{os.getpid()}",
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "dev")},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = cls.run_of_all.stdout.splitlines()
        cls.figures = {
            (figure["benchmark"], figure["figure"]): figure
            for figure in (json.loads(line) for line in lines if line.startswith("{"))
        }

    def test_every_benchmark_runs(self):
        self.assertEqual(self.run_of_all.returncode, 0, self.run_of_all.stderr[-4000:])
        self.assertEqual(
            {benchmark for benchmark, _figure in self.figures},
            {
                "dispatch",
                "pace",
                "webhook",
                "statuses",
                "loop",
                "audience",
                "hosts",
                "history",
                "reputation",
                "money",
                "followups",
                "growth",
            },
        )

    def test_every_figure_has_a_value_and_most_have_a_target(self):
        self.assertEqual(self.run_of_all.returncode, 0)
        # A gain may be a loss.
        negative = {key for key, figure in self.figures.items() if figure["value"] < 0}
        self.assertEqual({key for key in negative if key[0] != "growth"}, set())
        targets = [figure for figure in self.figures.values() if "must" in figure]
        self.assertGreaterEqual(len(targets), 25)

    def test_limits_that_hold_on_any_machine(self):
        for key in ALWAYS:
            with self.subTest(key):
                self.assertIs(self.figures[key]["reached"], True, self.figures[key])

    def test_the_table_ends_the_output(self):
        table = self.run_of_all.stdout.rpartition("}\n")[2].strip().splitlines()
        self.assertRegex(table[0], r"^figure +measured +must reach +reached$")
        targets = [figure for figure in self.figures.values() if "must" in figure]
        self.assertEqual(len(table) - 1, len(targets))
