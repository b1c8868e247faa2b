"""`python -m benchmarks.torture`: run the scenarios, print JSON lines and a table.

The exit status is 0 when every promise held in every scenario, 1 when not.
"""

import argparse
import json
import signal
import sys
import time
import traceback

from demo_lib.processes import DemoError

from . import judge
from .place import TortureEnvironment
from .scenarios import SCENARIOS, SPEED
from .stage import Stage

COLUMNS = ("kills", "passed", "rows", "requests", "accepted", "uncertain", "waiting", "people_24h",
           "per_second", "seconds")  # fmt: skip


def parse_arguments():
    parser = argparse.ArgumentParser(prog="dev/torture", description=__doc__)
    parser.add_argument("--database", default="waba_torture")
    parser.add_argument("--short", action="store_true", help="the short scenarios only")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--seed", default="1", help="for the random instants")
    parser.add_argument("--verbose", action="store_true", help="show every check")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a scenario's name")
    return parser.parse_args()


def chosen(options):
    """The scenarios that the command line asks for."""
    if options.names:
        wanted = [name.lower() for name in options.names]
        return [s for s in SCENARIOS if any(name in s.name.lower() for name in wanted)]
    return [scenario for scenario in SCENARIOS if scenario.short == options.short]


def run(scenario, place, options):
    """Play and judge one scenario; a line for the report."""
    started = time.monotonic()
    line = {"scenario": scenario.name, "problems": []}
    if scenario.own_postgres and not place.own_postgres:
        return {**line, "skipped": "PostgreSQL is not the run's own", "seconds": 0}
    stage = Stage(place, scenario.name, options.seed, SPEED)
    try:
        stage.open()
        scenario.act(stage)
        record = judge.read(stage)
        checks = judge.judge(record)
        if scenario.judge:
            checks += scenario.judge(stage)
        if not scenario.errors_expected:
            checks.append(("Odoo logged no error", "; ".join(stage.errors()[:3])))
        line.update(judge.figures(record))
        line["problems"] = [f"{what}: {problem}" for what, problem in checks if problem]
        if options.verbose:
            for what, problem in checks:
                print_step(f"  {'FAILED ' + problem if problem else 'ok':<8} {what}")
    except Exception as fault:
        # One scenario that breaks is a finding; the others still run.
        line["problems"].append(f"{type(fault).__name__}: {fault}")
        if not isinstance(fault, DemoError):
            traceback.print_exc()
    finally:
        stage.close()
    line.update(kills=stage.kills, passed=stage.passed, seconds=round(time.monotonic() - started))
    return line


def print_step(text):
    print(text, file=sys.stderr, flush=True)


def verdict(line):
    if "skipped" in line:
        return f"not run: {line['skipped']}"
    return "FAILED" if line["problems"] else "held"


def print_table(lines):
    width = max(len(line["scenario"]) for line in lines)
    print(" ".join([" " * width, *(f"{name:>10}" for name in COLUMNS), " verdict"]))
    for line in lines:
        cells = (f"{line.get(name, ''):>10}" for name in COLUMNS)
        print(" ".join([f"{line['scenario']:<{width}}", *cells, "", verdict(line)]))
    for line in lines:
        for problem in line["problems"]:
            print(f"{line['scenario']}: {problem}")


def main():
    options = parse_arguments()
    if options.list:
        print("\n".join(scenario.name for scenario in SCENARIOS))
        return 0
    scenarios = chosen(options)
    if not scenarios:
        print_step("no such scenario")
        return 2
    # So that a SIGTERM unwinds: processes ended, databases dropped.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    place, lines = TortureEnvironment.from_environment(options.database), []
    try:
        print_step("preparing the database")
        place.make_base()
        for scenario in scenarios:
            print_step(scenario.name)
            lines.append(run(scenario, place, options))
            print(json.dumps(lines[-1]), flush=True)
            print_step(f"  {verdict(lines[-1])}, {lines[-1]['seconds']} s")
    except KeyboardInterrupt:
        return 130
    finally:
        place.drop()
    print_table(lines)
    return 1 if any(line["problems"] for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
