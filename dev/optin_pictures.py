"""Remakes the pictures of the opt-in sources from a running `make demo`, on a desk and a phone.

    dev/optin_pictures [ADDRESS [DATABASE]]

It first creates a page and a QR code, and people who come by them: on the page, one confirms in
WhatsApp. So it runs once per demo.
"""

import argparse
import json
import time

from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import WABA_UID
from demo_lib.sales import ANDROID
from sales_pictures import ADMIN, PHONE, ZONE
from screenshots import ROOT, Browser, wait_for

DESK = (1440, 1100)
MODEL = "waba.optin.source"
PUBLIC = "document.readyState === 'complete' && [...document.images].every((i) => i.complete)"
FOLDER = ROOT / "docs/images/reach"
NUMBER = "+34611222333"
VISITORS = 14


class Sources:
    """Creates the sources; `page` and `code` are their values."""

    def __init__(self, user):
        self.user = user
        [account] = user.search("waba.account", [("waba_uid", "=", WABA_UID)], ["base_url"])
        self.simulator = SimulatorControl(account["base_url"])
        [sender, *_others] = user.search(
            "waba.sender", [("account_id", "=", account["id"])], ["phone_number_uid"], order="id"
        )
        self.sender = sender
        self.page = self._create(
            name="Club page", kind="page", headline="Muebles Roble club",
            frequency="About twice a month",
            intro="New arrivals and offers, two days before everyone else.",
        )  # fmt: skip
        self.code = self._create(
            name="Counter, Madrid store", kind="qr", headline="Offers first, on WhatsApp",
            intro="New arrivals and offers, two days before everyone else.",
        )  # fmt: skip

    def _create(self, **values):
        values = {"sender_id": self.sender["id"], "text": "Yes, send me your offers", **values}
        ids = self.user.call(MODEL, "create", [values])
        return self.read(ids[0])

    def read(self, source_id):
        names = ["page_url", "message_text", "qr_png_url", "opt_in_count", "conversation_count"]
        return self.user.call(MODEL, "read", [source_id], names)[0]

    def write(self, number, text):
        """A person writes to our number, and Odoo has applied it."""
        self.simulator.post(
            "inbound", phone_id=self.sender["phone_number_uid"], number=number, text=text
        )

    def bring(self):
        """People scan the code at the counter: most agree, some only ask."""
        for index in range(VISITORS):
            text = self.code["message_text"]
            if index % 5 == 4:
                text = f"How much is the oak table? {text.rpartition(' ')[2]}"
            self.write(f"+346112224{index:02d}", text)
        wait_for("the opt-ins", lambda: self.read(self.code["id"])["opt_in_count"] > 0)


def take_page(browser, sources):
    """The public page on a phone, from the form to the step in WhatsApp."""
    # Views of a headless browser count as a robot's.
    browser.command("Emulation.setUserAgentOverride", userAgent=ANDROID)
    browser.open(sources.page["page_url"], PUBLIC)
    browser.save(FOLDER / "optin_page_phone.png")
    browser.evaluate(f"""
        document.querySelector('input[name=number]').value = {json.dumps(NUMBER)};
        document.querySelector('form').submit();
    """)
    browser.rest("!!document.querySelector('.message') && document.readyState === 'complete'")
    browser.save(FOLDER / "optin_next_phone.png")
    message = browser.evaluate("document.querySelector('.message').textContent")
    sources.write(NUMBER, message)
    wait_for("the consent", lambda: sources.read(sources.page["id"])["opt_in_count"] == 1)
    browser.command("Emulation.setUserAgentOverride", userAgent="")


def main():
    parser = argparse.ArgumentParser(prog="dev/optin_pictures", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    user = OdooUser(options.address, options.database, *ADMIN)
    sources = Sources(user)
    action = f"{options.address}/odoo/action-waba_campaign.waba_optin_source_action"
    with Browser() as browser:
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.resize(*PHONE)
        take_page(browser, sources)
        browser.resize(*DESK)
        browser.open(sources.page["page_url"], PUBLIC)
        browser.save(FOLDER / "optin_page.png")
        sources.bring()
        time.sleep(2)
        browser.log_in(options.address, *ADMIN)
        for size, ending in ((DESK, ""), (PHONE, "_phone")):
            browser.resize(*size)
            browser.open(action)
            browser.save(FOLDER / f"optin_sources{ending}.png")
            for name, source in (("source", sources.code), ("page_source", sources.page)):
                browser.open(f"{action}/{source['id']}")
                browser.save(FOLDER / f"optin_{name}{ending}.png")
        browser.resize(900, 1200)
        report = "waba_campaign.optin_poster_document"
        browser.open(f"{options.address}/report/html/{report}/{sources.code['id']}", PUBLIC)
        browser.save(FOLDER / "optin_poster.png")


if __name__ == "__main__":
    main()
