"""The whole suite: several pytest processes, each on a database of its own, and one summary.

Usage: ``suite.py [--coverage FILE] DATABASE... -- PYTEST ARGUMENT...``: one worker for each
database; the arguments are the same for all. Workers share out the files among themselves
(dev/pytest_share.py). The output of each is in ``.dev/log/DATABASE.log``.

The exit status is 0 when every collected test was run by exactly one worker and none failed, no
worker died, no browser test was skipped for want of a browser and, with ``--coverage``, every
package of the addon reached its floor (dev/coverage_floors.py).
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import coverage_floors

DEV = Path(os.environ["WABA_DEV"])
POLL_SECONDS = 0.5
# Below the grace that dev/lib.sh gives to a whole run.
STOP_SECONDS = 15
# A worker whose tests failed ends with 1.
ORDERLY = (0, 1)
WORD = {"failed": "FAILED", "error": "ERROR"}


class Worker:
    """One pytest process and what it has written so far.

    :ivar ran: node ids of the tests it has run to their end
    :ivar finished: it has come to the end of its session
    """

    def __init__(self, name, database, folder, arguments, with_coverage):
        self.name = name
        self.folder = folder
        self.log = DEV / "log" / f"{database}.log"
        self.data_file = folder / f"coverage-{database}"
        command = [
            sys.executable, "-m", "pytest", *arguments, f"--share={folder}",
            f"--odoo-database={database}", f"--odoo-extra=db-filter=^{database}$",
        ]  # fmt: skip
        if with_coverage:
            command += ["-p", "pytest_lines", f"--lines={self.data_file}"]
        with open(self.log, "wb") as log:
            # It gets a signal when this process is killed.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.path = folder / f"worker-{self.process.pid}.jsonl"
        self.offset = 0
        self.collected, self.ran = None, []
        self.finished = False
        self.file, self.since, self.counts = None, 0.0, Counter()

    def news(self):
        """Return what it has written since the last time, a dict a line."""
        if not self.path.exists():
            return []
        with open(self.path, "rb") as written:
            written.seek(self.offset)
            lines = written.read().rpartition(b"\n")[0]
        self.offset += len(lines) + bool(lines)
        return [json.loads(line) for line in lines.splitlines()]


class Suite:
    """Reads what the workers write, shows it, and adds it up."""

    def __init__(self, workers):
        self.workers = workers
        self.counts = Counter()
        self.failures = []  # (node id, text)
        self.skipped = []  # (node id, reason)
        self.problems = []  # texts about the run itself

    def watch(self):
        """Return when all workers have ended."""
        while True:
            # Asked first, so that what a worker wrote before its end is read after it.
            ended = [worker.process.poll() is not None for worker in self.workers]
            for worker in self.workers:
                for line in worker.news():
                    self.take(worker, line)
            if all(ended):
                return
            time.sleep(POLL_SECONDS)

    def take(self, worker, line):
        if "file" in line:
            self.show_file(worker)
            worker.file, worker.since = line["file"], time.monotonic()
        elif "collected" in line:
            worker.collected = line["collected"]
        elif "finished" in line:
            self.show_file(worker)
            worker.finished = True
        else:
            self.take_result(worker, line)

    def take_result(self, worker, line):
        if line["when"] == "teardown":
            worker.ran.append(line["test"])
        category = line["category"]
        # A set-up and a tear-down that went well are no result.
        if not category:
            return
        self.counts[category] += 1
        worker.counts[category] += 1
        if category in WORD:
            self.failures.append((line["test"], line["text"]))
            say(f"[{worker.name}] {WORD[category]} {line['test']}")
        elif category == "skipped":
            self.skipped.append((line["test"], line["text"]))

    def show_file(self, worker):
        if worker.file:
            seconds = time.monotonic() - worker.since
            say(f"[{worker.name}] {worker.file}: {as_text(worker.counts)}, {seconds:.0f} s")
        worker.file, worker.counts = None, Counter()

    def check_run(self):
        """Record problems of the run itself: no test may pass by not having been run."""
        for worker in self.workers:
            status = worker.process.returncode
            if status not in ORDERLY or not worker.finished:
                self.problems.append(
                    f"worker {worker.name} ended with status {status} in {worker.file}; "
                    f"whole log: {worker.log}\n{last_lines(worker.log)}"
                )
        collected = set().union(*(worker.collected or () for worker in self.workers))
        ran = Counter(test for worker in self.workers for test in worker.ran)
        for text, tests in {
            "not run": collected - set(ran),
            "run more than once": {test for test, count in ran.items() if count > 1},
        }.items():
            if tests:
                named = ", ".join(sorted(tests)[:5])
                self.problems.append(f"{len(tests)} tests were {text}: {named} ...")
        if not collected:
            self.problems.append("no tests were collected")
        # Odoo skips a tour when the browser is missing or does not start (odoo/tests/common.py).
        self.problems += [
            f"{test}: not run, {text}" for test, text in self.skipped if "chrome" in text.lower()
        ]

    def check_coverage(self, target):
        files = [worker.data_file for worker in self.workers if worker.data_file.exists()]
        if not files:
            self.problems.append("no coverage was measured")
            return
        rows, shortfalls = coverage_floors.compare(coverage_floors.line_counts(files, target))
        title("lines covered, by room")
        say("\n".join(rows))
        self.problems += shortfalls

    def show(self, seconds):
        """Show all that needs a person, the counts last; return the exit status."""
        for test, text in self.skipped:
            say(f"SKIPPED {test}: {text}")
        for test, text in self.failures:
            title(test)
            say(text)
        if self.failures or self.problems:
            title("what is wrong")
            for test, _text in self.failures:
                say(f"FAILED {test}")
            for text in self.problems:
                say(f"ERROR {text}")
        counts = self.counts + Counter(error=len(self.problems))
        minutes, rest = divmod(round(seconds), 60)
        title(f"{as_text(counts)} in {minutes}:{rest:02} ({len(self.workers)} workers)")
        return 1 if self.failures or self.problems else 0


def say(text):
    print(text, flush=True)


def title(text):
    say(f" {text} ".center(80, "="))


def as_text(counts):
    """Return Counter(passed=3, failed=1) as "1 failed, 3 passed"."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "no tests"


def last_lines(path, count=25):
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])


def end(workers):
    """Ask the workers to end, as Ctrl-C does, and see that they have."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGINT)
    until = time.monotonic() + STOP_SECONDS
    for worker in workers:
        try:
            worker.process.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.process.kill()


def interrupt(number, _frame):
    raise SystemExit(128 + number)


def main(arguments):
    parser = argparse.ArgumentParser(prog="suite.py")
    parser.add_argument("--coverage", type=Path, help="where to keep it; the floors are checked")
    parser.add_argument("databases", nargs="+")
    own, _dashes, of_pytest = split_at(arguments, "--")
    options = parser.parse_args(own)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    started, workers = time.monotonic(), []
    (DEV / "log").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="suite-", dir=DEV))
    try:
        for number, database in enumerate(options.databases, start=1):
            workers.append(Worker(number, database, folder, of_pytest, bool(options.coverage)))
        suite = Suite(workers)
        suite.watch()
        suite.check_run()
        if options.coverage:
            suite.check_coverage(options.coverage)
    finally:
        end(workers)
        shutil.rmtree(folder)
    return suite.show(time.monotonic() - started)


def split_at(values, mark):
    """Return the parts before and after the first `mark`: (list, mark, list)."""
    place = values.index(mark)
    return values[:place], mark, values[place + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
