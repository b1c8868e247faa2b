"""Pytest plugin of the whole-suite run: fails it on low coverage or on a skipped browser test.

With ``--gate``, line coverage per package of the addon is printed and compared with its minimum,
and a browser test that Odoo skipped for lack of a browser counts as an error. Each shortfall is one
error in pytest's closing line.
"""

import json
import os
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

# Percent of lines. The pure packages have no excuse; the others touch Odoo's request and cron
# loops.
FLOORS = {"cloud_api": 95.0, "policy": 95.0}
OTHER_FLOOR = 85.0


def pytest_addoption(parser):
    parser.addoption("--gate", action="store_true", help="check coverage and browser tests")


def pytest_configure(config):
    if config.getoption("--gate"):
        config.pluginmanager.register(Gate(config), "waba_gate")


def package_line_counts():
    """Return ``{room: {file: (lines, covered, missing line numbers)}}`` of the run's data file.

    ``room`` is a top-level package of the addon; the data file is the one ``COVERAGE_FILE`` names.
    """
    measured = coverage.Coverage()
    measured.load()
    target = Path(os.environ["COVERAGE_FILE"]).with_suffix(".json")
    measured.json_report(outfile=str(target))
    rooms = defaultdict(dict)
    for name, entry in json.loads(target.read_text())["files"].items():
        summary = entry["summary"]
        rooms[name.split(os.sep)[0]][name] = (
            summary["num_statements"],
            summary["covered_lines"],
            entry["missing_lines"],
        )
    return rooms


def percent(covered, lines):
    return 100.0 * covered / lines if lines else 100.0


class Gate:
    def __init__(self, config):
        self.config = config
        self.rows = []
        self.shortfalls = []

    def pytest_runtest_logreport(self, report):
        # Odoo skips a tour when the browser is missing or does not start (odoo/tests/common.py).
        if report.skipped and "chrome" in str(report.longrepr).lower():
            self.shortfalls.append(f"{report.nodeid}: not run, {report.longrepr[-1]}")

    # First to wrap is last to be resumed: pytest-cov has then written its data.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session):
        result = yield
        if not self.config.option.collectonly:
            self.check_coverage()
            self.count_as_errors(session)
        return result

    def check_coverage(self):
        for room, files in sorted(package_line_counts().items()):
            lines = sum(count for count, _covered, _missing in files.values())
            covered = sum(count for _lines, count, _missing in files.values())
            floor = FLOORS.get(room, OTHER_FLOOR)
            reached = percent(covered, lines)
            self.rows.append(f"{room:<12}{lines:>6} lines {reached:>6.1f} % (floor {floor:.0f} %)")
            if reached < floor:
                self.shortfalls.append(f"{room}: {reached:.1f} % of lines, {floor:.0f} % wanted")
                self.rows += [
                    f"    {name}: {percent(count, total):.1f} %, lines {shorten(missing)}"
                    for name, (total, count, missing) in sorted(files.items())
                    if percent(count, total) < floor
                ]

    def count_as_errors(self, session):
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        for shortfall in self.shortfalls:
            reporter.stats.setdefault("error", []).append(
                pytest.TestReport(
                    nodeid=shortfall.partition(":")[0],
                    location=("gate", None, "gate"),
                    keywords={},
                    outcome="failed",
                    longrepr=shortfall,
                    when="teardown",
                )
            )
        session.testsfailed += len(self.shortfalls)

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("lines covered, by room")
        for row in self.rows:
            terminalreporter.write_line(row)


def shorten(numbers, shown=12):
    """Return the first line numbers as text: "3, 4, 9 and 5 more"."""
    text = ", ".join(str(number) for number in numbers[:shown])
    rest = len(numbers) - shown
    return f"{text} and {rest} more" if rest > 0 else text
