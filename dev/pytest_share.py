"""Pytest plugin of one worker of the whole suite (dev/suite.py): whole files, one after another.

Every worker collects all tests. Before it starts on a file it claims it, by making a file of that
name in the folder that ``--share`` names; a file that another worker has claimed is left alone.
So files are not assigned beforehand, and a worker with quick files runs more of them. Results are
written to ``worker-<pid>.jsonl`` in the same folder, a JSON object a line.
"""

import json
import os
import sys
from pathlib import Path

import pytest

# Files that take longest, measured; started first, so that no worker is left with one at the end.
# The others follow by size. Files that start many processes are not next to each other.
LONGEST = (
    "test_bench_smoke", "test_outsider", "test_gate", "test_torture_short", "test_fuzz",
    "test_upgrade", "test_composer_tours", "test_website_bridge", "test_failures",
    "test_conversation_tours", "test_tours",
    "test_dispatch", "test_injection", "test_reputation_tour", "test_routes", "test_sequence_tour",
    "test_may_opt_out_tours", "test_reputation_story_tour", "test_preflight_tour",
)  # fmt: skip
# Who has one of these names in the module starts processes.
STARTERS = {"subprocess", "Simulator"}
PACKAGE = "odoo.addons.waba_campaign."


def pytest_addoption(parser):
    parser.addoption("--share", help="folder in which workers claim files and write what happens")
    parser.addoption("--fast", action="store_true", help="only tests without browser and processes")


def pytest_configure(config):
    if config.getoption("--share"):
        config.pluginmanager.register(Share(config), "waba_share")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--fast"):
        slow = [item for item in items if item.cls and is_slow(item.cls)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def is_slow(case):
    """Whether a test class has a browser or starts processes, by itself or in a base of it."""
    from odoo.tests import HttpCase

    ours = (base for base in case.__mro__ if base.__module__.startswith(PACKAGE))
    modules = [vars(sys.modules[base.__module__]) for base in ours]
    return issubclass(case, HttpCase) or any(STARTERS & set(names) for names in modules)


def in_order(paths):
    """Return the paths of test files, the longest first."""
    rank = {name: index for index, name in enumerate(LONGEST)}
    return sorted(
        paths, key=lambda path: (rank.get(path.stem, len(rank)), -path.stat().st_size, str(path))
    )


class Share:
    def __init__(self, config):
        self.config = config
        self.folder = Path(config.getoption("--share"))
        # Written immediately, so that a worker that dies has reported all it did.
        path = self.folder / f"worker-{os.getpid()}.jsonl"
        self.out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(self, **values):
        os.write(self.out, json.dumps(values).encode() + b"\n")

    def claimed_files(self, session):
        """Yield the tests of one file after another, each file claimed when it is asked for."""
        files = {}
        for item in session.items:
            files.setdefault(item.path, []).append(item)
        for path in in_order(files):
            name = str(path.relative_to(self.config.rootpath))
            try:
                os.close(os.open(self.folder / name.replace("/", "+"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            yield from files[path]

    # Instead of pytest's own loop, which has all its tests from the start.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if session.testsfailed and not self.config.option.continue_on_collection_errors:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        self.tell(collected=[item.nodeid for item in session.items])
        items = self.claimed_files(session)
        item, path = next(items, None), None
        while item:
            if item.path != path:
                path = item.path
                self.tell(file=str(path.relative_to(self.config.rootpath)))
            # The next file is claimed with the last test of this one: it says what to tear down.
            following = next(items, None)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following
        return True

    def pytest_runtest_logreport(self, report):
        status = self.config.hook.pytest_report_teststatus(report=report, config=self.config)
        self.tell(
            test=report.nodeid,
            when=report.when,
            category=status[0],
            seconds=round(report.duration, 3),
            text="" if report.passed else "\n".join(as_lines(report)),
        )

    def pytest_collectreport(self, report):
        if report.failed:
            self.tell(test=report.nodeid, when="collect", category="error", seconds=0.0,
                      text="\n".join(as_lines(report)))  # fmt: skip

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        self.tell(finished=int(exitstatus))


def as_lines(report):
    """Yield what pytest shows of a failed or skipped test."""
    if report.skipped and isinstance(report.longrepr, tuple):
        yield str(report.longrepr[-1])
    else:
        yield report.longreprtext
        for title, text in report.sections:
            yield f"--- {title} ---\n{text.rstrip()}"
