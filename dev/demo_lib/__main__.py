"""Command line, called by dev/demo: ``python -m demo_lib --database waba_demo [--check]``."""

import argparse
import signal
import sys

from . import kinds, sales
from .checks import check
from .journey import Demo, print_step
from .processes import SIGNALS, Children, DemoError
from .results import read_results, table
from .servers import DemoEnvironment, make_database, start_odoo, start_simulator

ENDING = """
Open it        {address}/odoo
Administrator  admin / admin             (sees everything)
Salesperson    waba_sales / waba_sales   (launched the campaign)
Simulator      {simulator}/_control/stats
Reputation     {address}/odoo/whatsapp-reputation
Logs           {logs}-*

Ctrl-C ends everything.
"""


def parse_arguments():
    parser = argparse.ArgumentParser(prog="dev/demo", description=__doc__.partition(",")[0])
    parser.add_argument("--database", required=True)
    parser.add_argument("--check", action="store_true", help="verify the figures and end")
    return parser.parse_args()


def interrupted(number, _frame):
    """SIGTERM and SIGHUP end the demo the way Ctrl-C does."""
    raise KeyboardInterrupt(number)


def start(place, children):
    """The running demo, before its campaign."""
    print_step(f"making the database {place.database} with demo data (about half a minute)")
    make_database(place, children)
    print_step("starting the simulator and Odoo")
    simulator = start_simulator(place, children)
    return Demo(children, simulator, start_odoo(place, children), place)


def report_checks(results, week, odoo):
    """Print each check; the exit status."""
    failed = 0
    for what, problem in check(results, week, odoo):
        failed += bool(problem)
        print(f"FAILED  {what}: {problem}" if problem else f"ok      {what}")
    print(f"{failed} checks failed" if failed else "all checks passed")
    return 1 if failed else 0


def serve_until_interrupted(demo, place):
    print(
        ENDING.format(
            address=demo.odoo.address,
            simulator=demo.simulator.address,
            logs=place.log_path("").with_suffix("").as_posix().rstrip("-"),
        ),
        flush=True,
    )
    try:
        demo.children.watch()
    except KeyboardInterrupt:
        print_step("\nending")
    return 0


def main():
    options = parse_arguments()
    for number in SIGNALS[1:]:
        signal.signal(number, interrupted)
    place = DemoEnvironment.from_environment(options.database)
    try:
        with Children(place.root) as children:
            demo = start(place, children)
            demo.run()
            results = read_results(demo)
            print("", table(results), "", sep="\n", flush=True)
            week = sales.tell(demo)
            kinds.draft(demo)
            print("", sales.summary(week), "", sep="\n", flush=True)
            if options.check:
                return report_checks(results, week, demo.odoo)
            return serve_until_interrupted(demo, place)
    except KeyboardInterrupt:
        return 130
    except DemoError as error:
        print_step(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
