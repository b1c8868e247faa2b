"""Recreates the pictures of the reputation dashboard: each state, on desktop and phone.

Run by dev/reputation_pictures; with the data of dev/reputation_history.py.
"""

import shutil
import subprocess
import sys

from demo_lib.clients import is_up
from demo_lib.processes import Children, DemoError, free_port
from demo_lib.servers import DemoEnvironment
from screenshots import DESKTOP, ROOT, Browser

PASSWORD = "reputation"
PHONE = (390, 844)
# The part of a picture that a reader of the docs looks at; a phone's is longer.
MOST_PIXELS = {DESKTOP: 2400, PHONE: 2600}
MONTH = ".o_waba_filters [aria-label=Period] button:nth-child(2)"
READY = "!!document.querySelector('.o_waba_page:not(.o_waba_loading)')"
HEIGHT = """
    Math.ceil(document.querySelector('.o_waba_page').getBoundingClientRect().top
              + document.querySelector('.o_waba_page').scrollHeight)
"""
# Whose dashboard, what it shows, and where it is clicked first.
STATES = {"rich": MONTH, "paused": MONTH, "thin": None, "empty": None, "new": None}


def main(database):
    place = DemoEnvironment.from_environment(database)
    with Children(place.root) as children:
        make_database(place, children)
        address = start_odoo(place, children)
        for state, first_click in STATES.items():
            take(address, state, first_click)


def make_database(place, children):
    """A new database with the addon and the invented history."""
    subprocess.run(
        [sys.executable, place.root / "dev/database.py", "drop", place.database], check=True
    )
    shutil.rmtree(place.dev / "data" / "filestore" / place.database, ignore_errors=True)
    children.run(
        "installing the addon",
        place.odoo("-i", "waba_campaign", "--without-demo", "--skip-auto-install", "--no-http",
                   "--stop-after-init"),
        place.log_path("install"),
    )  # fmt: skip
    children.run(
        "inventing its history",
        [sys.executable, str(place.root / "dev/reputation_history.py"), place.database, PASSWORD],
        place.log_path("history"),
    )


def start_odoo(place, children):
    """A web server without scheduled jobs: the figures stay as they were invented."""
    port = free_port(8079)
    children.start(
        "Odoo's web server",
        place.odoo("--workers", "0", "--max-cron-threads", "0", "--http-port", str(port),
                   "--db-filter", f"^{place.database}$"),
        place.log_path("web"),
    )  # fmt: skip
    address = f"http://localhost:{port}"
    children.wait_for("Odoo's web server answers", lambda: is_up(address))
    return address


def take(address, state, first_click):
    """The whole dashboard of the manager who is called as the state, in both widths."""
    with Browser() as browser:
        browser.resize(*DESKTOP)
        browser.log_in(address, state, PASSWORD)
        for name, (width, height) in (("", DESKTOP), ("_phone", PHONE)):
            browser.resize(width, height)
            browser.open(f"{address}/odoo/whatsapp-reputation", READY)
            if first_click:
                browser.click(first_click, READY)
            whole = browser.evaluate(HEIGHT)
            browser.resize(width, min(max(whole, height), MOST_PIXELS[width, height]))
            browser.rest(READY)
            browser.save(ROOT / f"docs/images/reputation_{state}{name}.png")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except DemoError as error:
        sys.exit(f"error: {error}")
