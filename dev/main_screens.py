"""The twelve main screens of a running `make demo`, in English and Spanish, on desktop and phone.

    dev/main_screens FOLDER [ADDRESS [DATABASE]] [--only NAME ...]

Writes FOLDER/NAME-LANGUAGE[-phone].webp: docs/screens.md shows them.
"""

import argparse
import io
from pathlib import Path

from demo_lib.clients import OdooUser
from demo_lib.sales import CAMPAIGN, VISITORS
from PIL import Image
from sales_pictures import ADMIN, CONVERSATION, DIALOG, PHONE, SALES, ZONE, Screens
from screenshots import AT_REST, DESKTOP, Browser

LANGUAGES = {"en": "en_US", "es": "es_ES"}
QUALITY = 60
DASHBOARD = "!!document.querySelector('.o_waba_page:not(.o_waba_loading)')"


class MainScreens(Screens):
    def action(self, xmlid, condition=AT_REST):
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.{xmlid}", condition)

    def campaigns(self):
        self.action("waba_campaign_action")

    def new_campaign(self):
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.waba_campaign_action/new")

    def campaign(self, name=CAMPAIGN):
        super().campaign(name)

    def recipients(self):
        self.action("waba_message_action")

    def reputation(self):
        self.browser.open(f"{self.address}/odoo/whatsapp-reputation", DASHBOARD)

    def number(self):
        ids = self.user.call("waba.sender", "search", [], limit=1)
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.waba_sender_action/{ids[0]}")

    def lead(self):
        self.form("crm.crm_lead_action_pipeline", "crm.lead", VISITORS[3][1])
        self._last_tab()

    def conversation(self):
        self.browser.open(f"{self.address}/odoo/whatsapp-conversations")
        self.browser.click(".o_kanban_record, .o_data_row .o_data_cell", CONVERSATION)

    def diagnosis(self):
        ids = self.user.call("waba.account", "search", [], limit=1)
        self.browser.open(f"{self.address}/odoo/action-waba_campaign.waba_account_action/{ids[0]}")
        self.browser.click("button[name=action_diagnose]", DIALOG)

    def settings(self):
        self.action("waba_settings_action")

    def _last_tab(self):
        """WhatsApp's own tab is the last one of a lead."""
        self.browser.click(".o_notebook_headers li:last-child .nav-link")
        self.show(".o_notebook_headers")


# Name of the screen: whose it is.
SCREENS = {
    "campaigns": SALES,
    "new_campaign": SALES,
    "campaign": SALES,
    "preflight": SALES,
    "recipients": SALES,
    "lead": SALES,
    "conversation": SALES,
    "followup": ADMIN,
    "reputation": ADMIN,
    "number": ADMIN,
    "diagnosis": ADMIN,
    "settings": ADMIN,
}


def main():
    parser = argparse.ArgumentParser(prog="dev/main_screens", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    parser.add_argument("--only", nargs="+", choices=SCREENS, default=SCREENS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    user = OdooUser(options.address, options.database, *ADMIN)
    for language, code in LANGUAGES.items():
        speak(user, code)
        for login in (SALES, ADMIN):
            names = [name for name in options.only if SCREENS[name] == login]
            take(options, user, login, names, language)
    speak(user, LANGUAGES["en"])


def speak(user, code):
    """Switch both users to a language, which is installed first."""
    found = user.call("res.lang", "search", [("code", "=", code)], context={"active_test": False})
    wizard = user.call("base.language.install", "create", [{"lang_ids": [(6, 0, found)]}])
    user.call("base.language.install", "lang_install", wizard)
    logins = [login for login, _password in (SALES, ADMIN)]
    user.call("res.users", "write", user.call("res.users", "search", [("login", "in", logins)]),
              {"lang": code})  # fmt: skip


def take(options, user, login, names, language):
    with Browser() as browser:
        browser.resize(*DESKTOP)
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.log_in(options.address, *login)
        screens = MainScreens(browser, options.address, user)
        for name in names:
            for width, height in (DESKTOP, PHONE):
                browser.resize(width, height)
                getattr(screens, name)()
                ending = "-phone" if (width, height) == PHONE else ""
                image = Image.open(io.BytesIO(browser.picture())).convert("RGB")
                image.save(options.folder / f"{name}-{language}{ending}.webp", quality=QUALITY)


if __name__ == "__main__":
    main()
