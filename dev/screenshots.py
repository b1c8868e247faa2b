"""Remakes the pictures of README and app page from a running `make demo`, in headless Chromium.

    dev/screenshots [ADDRESS]          ADDRESS is the demo's, http://localhost:8069 unless given

The campaign, the recipients it excludes and the diagnosis, at the end of the demo.
"""

import argparse
import base64
import io
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
import websocket
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.1
COLOURS = 256
CAMPAIGN = "Oferta de otoño"
DESKTOP = (1440, 900)

# Odoo's web client is at rest: it has drawn an action and asks the server for nothing.
AT_REST = """
    !!document.querySelector('.o_action_manager > .o_action, .modal .o_form_view')
    && !document.querySelector('.o_loading_indicator, .o_view_sample_data .fa-spin')
    && [...document.images].every((image) => image.complete)
"""


class Browser:
    """One tab of a headless Chromium, driven by the DevTools protocol."""

    def __enter__(self):
        # Its helpers may still write there while it ends.
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        name = next(filter(shutil.which, ("google-chrome", "chromium", "chromium-browser")), None)
        if not name:
            sys.exit("error: no Chromium; dev/setup installs one")
        self._process = subprocess.Popen(
            [name, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--force-color-profile=srgb", "--remote-debugging-port=0",
             f"--user-data-dir={self._home.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port_file = Path(self._home.name) / "DevToolsActivePort"
        wait_for("Chromium listens", lambda: port_file.exists() and port_file.read_text().strip())
        port = port_file.read_text().split()[0]
        pages = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=30).json()
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self._socket = websocket.create_connection(address, suppress_origin=True)
        self._numbers = itertools.count(1)
        return self

    def __exit__(self, *_error):
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._home.cleanup()

    def command(self, method, **params):
        """Send one command, return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                return answer["result"]

    def evaluate(self, expression):
        result = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def resize(self, width, height):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 768,
        )
        self.command("Emulation.setTouchEmulationEnabled", enabled=width < 768)

    def log_in(self, address, login, password):
        self.open(f"{address}/web/login", "!!document.querySelector('input[name=password]')")
        self.evaluate(f"""
            document.querySelector('input[name=login]').value = {json.dumps(login)};
            document.querySelector('input[name=password]').value = {json.dumps(password)};
            document.querySelector('form.oe_login_form').submit();
        """)
        wait_for("the log-in", lambda: self.evaluate("!!document.querySelector('.o_web_client')"))

    def open(self, url, condition=AT_REST):
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.rest(condition)

    def rest(self, condition=AT_REST):
        """Wait until the page meets `condition` and its picture no longer changes."""
        wait_for("the page", lambda: self.evaluate(condition))
        pictures = [b"", self.picture()]
        while pictures[-1] != pictures[-2]:
            time.sleep(4 * POLL_SECONDS)
            pictures.append(self.picture())

    def click(self, selector, condition=AT_REST):
        selector = json.dumps(selector)
        wait_for(selector, lambda: self.evaluate(f"!!document.querySelector({selector})"))
        self.evaluate(f"document.querySelector({selector}).click()")
        self.rest(condition)

    def click_row(self, text):
        """Open the record of a list in whose name `text` is."""
        cell = f"""[...document.querySelectorAll('.o_data_row td[name=name]')]
                   .find((one) => one.textContent.includes({json.dumps(text)}))"""
        wait_for(text, lambda: self.evaluate(f"!!({cell})"))
        self.evaluate(f"({cell}).click()")
        wait_for("the form", lambda: self.evaluate("!!document.querySelector('.o_form_view')"))
        self.rest()

    def picture(self):
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])

    def save(self, path):
        """Write the picture with few colours: screens have few, and the repository stays small."""
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.open(io.BytesIO(self.picture())).convert("RGB")
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"error: {what}: not within {PATIENCE_SECONDS} seconds")
        time.sleep(POLL_SECONDS)


def main():
    parser = argparse.ArgumentParser(prog="dev/screenshots", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    address = parser.parse_args().address
    with Browser() as browser:
        browser.resize(*DESKTOP)
        browser.log_in(address, "admin", "admin")
        browser.open(f"{address}/odoo/action-waba_campaign.waba_campaign_action")
        browser.click_row(CAMPAIGN)
        browser.save(ROOT / "docs/images/campaign.png")
        browser.save(ROOT / "static/description/campaign.png")
        browser.click(".oe_stat_button:has(.fa-user-times)")
        browser.save(ROOT / "docs/images/messages.png")
        browser.open(f"{address}/odoo/action-waba_campaign.waba_account_action")
        browser.click(".o_data_row td[name=name]")
        browser.click(
            "button[name=action_diagnose]", "!!document.querySelector('.modal .o_waba_line')"
        )
        browser.save(ROOT / "docs/images/diagnosis.png")


if __name__ == "__main__":
    main()
