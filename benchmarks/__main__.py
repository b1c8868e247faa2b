"""`python -m benchmarks [--smoke] [NAME...]`: run benchmarks, print JSON lines and a table.

The exit status is 1 on an error; figures that miss their target are shown in the table.
"""

import argparse
import importlib
import signal
import sys
from pathlib import Path

from .common import Bench
from .figures import Report
from .world import World

# In this order: slow ones come last.
NAMES = ("dispatch", "pace", "webhook", "statuses", "loop", "followups", "audience", "hosts",
         "history", "reputation", "money", "growth")  # fmt: skip


def parse_arguments():
    parser = argparse.ArgumentParser(prog="dev/bench")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes; the figures mean nothing")
    parser.add_argument("--database", default="waba_bench")
    parser.add_argument("--json", type=Path, help="also write the JSON lines there")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return arguments


def main():
    arguments = parse_arguments()
    # So that a SIGTERM unwinds: processes ended, database dropped.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    report = Report()
    with Bench(arguments.database, report, arguments.smoke) as bench:
        world = World(bench)
        for name in arguments.names or NAMES:
            importlib.import_module(f"benchmarks.bench_{name}").run(bench, world)
    report.print_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
