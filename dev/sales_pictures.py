"""Remakes the pictures of the sales screens from a running `make demo`, on a desk and on a phone.

    dev/sales_pictures [ADDRESS [DATABASE]] [--only NAME ...]

They are what the demo's salesperson sees; what is a manager's is seen as the administrator.
"""

import argparse
import json

from demo_lib.clients import OdooUser
from demo_lib.sales import CAMPAIGN, FOLLOWUP, VISITORS
from screenshots import AT_REST, DESKTOP, ROOT, Browser, wait_for

PHONE = (390, 844)
# A whole form: a finished campaign with its results, a follow-up with its steps.
TALL = (1440, 1340)
STICKY = 64
ZONE = "Europe/Madrid"
SALES, ADMIN = ("waba_sales", "waba_sales"), ("admin", "admin")
CONVERSATION = "!!document.querySelector('.o_waba_message')"
DIALOG = """
    !!document.querySelector('.modal .o_form_view')
    && !document.querySelector('.o_loading_indicator')
"""


class Screens:
    """Opens each screen in one browser; `found` are the ids of the demo's records."""

    def __init__(self, browser, address, user):
        self.browser, self.address, self.user = browser, address, user

    def find(self, model, name):
        ids = self.user.call(model, "search", [("name", "=", name)], order="id desc", limit=1)
        if not ids:
            raise SystemExit(f"error: no {model} {name!r}: is this the demo's database?")
        return ids[0]

    def form(self, action, model, name, condition=AT_REST):
        record_id = self.find(model, name)
        self.browser.open(f"{self.address}/odoo/action-{action}/{record_id}", condition)

    def campaign(self, name):
        self.form("waba_campaign.waba_campaign_action", "waba.campaign", name)

    def tab(self, label, condition=AT_REST):
        """Click a tab and bring it into sight."""
        label = json.dumps(label)
        link = f"""[...document.querySelectorAll('.o_notebook_headers .nav-link')]
                   .find((one) => one.textContent.trim() === {label})"""
        wait_for(label, lambda: self.browser.evaluate(f"!!({link})"))
        self.browser.evaluate(f"({link}).click()")
        self.browser.rest(condition)
        self.show(".o_notebook_headers")

    def show(self, selector, below=STICKY):
        """Scroll so that an element stands at the top, below what sticks there."""
        selector = json.dumps(selector)
        self.browser.evaluate(f"""{{
            const shown = document.querySelector({selector});
            shown?.scrollIntoView();
            let scrolled = shown?.parentElement;
            while (scrolled && !scrolled.scrollTop) scrolled = scrolled.parentElement;
            scrolled?.scrollBy(0, {-below});
        }}""")
        self.browser.rest()

    # ---- the screens --------------------------------------------------------------------------

    def compose(self):
        self.campaign("Navidad: mesas y sillas")

    def preview(self):
        self.compose()
        self.show(".o_waba_preview")

    def ab_test(self):
        self.compose()
        self.tab("Variant B")

    def preflight(self):
        self.compose()
        self._launch()

    def preflight_stop(self):
        self.campaign("Miami y Montevideo")
        self._launch()

    def _launch(self):
        self.browser.click("button[name=action_preflight]", DIALOG)

    def results(self):
        self.campaign(CAMPAIGN)

    def money(self):
        self.results()
        self.tab("Cost and revenue")

    def report(self):
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.waba_money_report_action")

    def followup(self):
        self.form("waba_campaign.waba_sequence_action", "waba.sequence", FOLLOWUP)

    def followed(self):
        """A lead's own page: whether messages are allowed, and its follow-up."""
        self.form("crm.crm_lead_action_pipeline", "crm.lead", VISITORS[3][1])
        self.tab("WhatsApp: may I?")

    def conversation(self):
        self.form("crm.crm_lead_action_pipeline", "crm.lead", VISITORS[0][1])
        self.tab("WhatsApp", CONVERSATION)
        self.show(".o_notebook_headers", below=30)

    def conversations(self):
        self.browser.open(f"{self.address}/odoo/whatsapp-conversations")

    def consent(self):
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.waba_consent_action")


BOTH = (DESKTOP, PHONE)
# Name of the picture: whose screen, in which widths.
PICTURES = {
    "compose": (SALES, BOTH),
    "preview": (SALES, (PHONE,)),
    "ab_test": (SALES, BOTH),
    "preflight": (SALES, BOTH),
    "preflight_stop": (ADMIN, BOTH),
    "results": (SALES, (TALL, PHONE)),
    "money": (SALES, BOTH),
    "followed": (SALES, BOTH),
    "conversation": (SALES, BOTH),
    "conversations": (SALES, BOTH),
    "report": (ADMIN, BOTH),
    "followup": (ADMIN, (TALL, PHONE)),
    "consent": (ADMIN, BOTH),
}


def main():
    parser = argparse.ArgumentParser(prog="dev/sales_pictures", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=PICTURES)
    options = parser.parse_args()
    user = OdooUser(options.address, options.database, *ADMIN)
    for login in (SALES, ADMIN):
        names = [name for name in options.only if PICTURES[name][0] == login]
        if names:
            take(options.address, user, login, names)


def take(address, user, login, names):
    with Browser() as browser:
        browser.resize(*DESKTOP)
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.log_in(address, *login)
        screens = Screens(browser, address, user)
        screens.conversations()  # whose menu stays above the screens of leads
        for name in names:
            for width, height in PICTURES[name][1]:
                browser.resize(width, height)
                getattr(screens, name)()
                ending = "_phone" if (width, height) == PHONE else ""
                browser.save(ROOT / f"docs/images/sales_{name}{ending}.png")


if __name__ == "__main__":
    main()
