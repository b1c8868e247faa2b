"""Remakes the pictures of sending from a running `make demo`, on a desk and on a phone.

    dev/send_pictures [ADDRESS [DATABASE]]

It first installs Odoo's sales in the demo, makes a quotation and a recurring campaign, and lets a
customer order in WhatsApp, so it runs once per demo.
"""

import argparse

from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import PHONE_UID, WABA_UID
from demo_lib.sales import VISITORS
from sales_pictures import ADMIN, CONVERSATION, PHONE, ZONE, Screens
from screenshots import ROOT, Browser, wait_for

DESK = (1440, 1000)
SENT = """
    !!document.querySelector('.o_waba_send .o_waba_phone')
    && !document.querySelector('.o_loading_indicator')
"""
ORDER = {
    "catalog_id": "194836987003835", "text": "For Saturday, please",
    "items": [
        {"sku": "SOFA-3", "quantity": 1, "price": 899, "currency": "EUR"},
        {"sku": "LAMP-1", "quantity": 2, "price": 59, "currency": "EUR"},
    ],
}  # fmt: skip


class Scene:
    """What the pictures show; `ids` are records by what they are."""

    def __init__(self, user):
        self.user = user
        self.ids = {}
        self._install_sales()
        [account] = user.search("waba.account", [("waba_uid", "=", WABA_UID)], ["base_url"])
        simulator = SimulatorControl(account["base_url"])
        simulator.post("template", name="price_list", category="UTILITY")
        user.call("waba.account", "action_sync", [account["id"]])
        # The newest: the demo's other leads may have the same name.
        [lead] = user.search(
            "crm.lead", [("name", "=", VISITORS[0][1])], ["phone"], order="id desc", limit=1
        )
        self.ids["lead"] = lead["id"]
        self._quote(lead)
        self._repeat()
        number = lead["phone"].replace(" ", "").lstrip("+")
        simulator.post("inbound", phone_id=PHONE_UID, number=number, order=ORDER)
        wait_for("the order", lambda: user.call(
            "waba.message", "search_count", [("kind", "=", "order")]
        ))  # fmt: skip

    def _install_sales(self):
        modules = self.user.search("ir.module.module", [("name", "=", "sale_crm")], ["state"])
        if modules[0]["state"] != "installed":
            self.user.call("ir.module.module", "button_immediate_install", [modules[0]["id"]])

    def _quote(self, lead):
        [partner_id] = self.user.call(
            "res.partner", "create", [{"name": "Lucía Ortega", "phone": lead["phone"]}]
        )
        products = self.user.call(
            "product.product", "create",
            [{"name": "Sofa, three seats", "default_code": "SOFA-3", "list_price": 899},
             {"name": "Table lamp", "default_code": "LAMP-1", "list_price": 65}],
        )  # fmt: skip
        lines = [(0, 0, {"product_id": product}) for product in products]
        values = {"partner_id": partner_id, "opportunity_id": lead["id"], "order_line": lines}
        [self.ids["order"]] = self.user.call("sale.order", "create", [values])
        self.user.call("crm.lead", "write", [lead["id"]], {"partner_id": partner_id})

    def _repeat(self):
        [campaign] = self.user.search(
            "waba.campaign", [("name", "=", "Navidad: mesas y sillas")], ["id"]
        )
        self.ids["campaign"] = campaign["id"]
        values = {"campaign_id": campaign["id"], "unit": "week", "thu": True, "tz": ZONE}
        [self.ids["recurring"]] = self.user.call("waba.recurring", "create", [values])
        self.user.call("waba.campaign", "write", [campaign["id"]], {"fallback_kind": "activity"})


def main():
    parser = argparse.ArgumentParser(prog="dev/send_pictures", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    options = parser.parse_args()
    user = OdooUser(options.address, options.database, *ADMIN)
    scene = Scene(user)
    with Browser() as browser:
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.resize(*DESK)
        browser.log_in(options.address, *ADMIN)
        screens = Screens(browser, options.address, user)
        for size, ending in ((DESK, ""), (PHONE, "_phone")):
            browser.resize(*size)
            for name, take in pictures(browser, options.address, scene.ids, screens).items():
                take()
                browser.save(ROOT / f"docs/images/reach/{name}{ending}.png")


def pictures(browser, address, ids, screens):
    """{name: what brings it on screen}"""

    def opened(action, record_id):
        browser.open(f"{address}/odoo/action-{action}/{record_id}")

    def press_send(*condition):
        """On a phone the button is in a menu."""
        button = "button[name=action_waba_send]"
        is_there = f"!!document.querySelector('{button}')"
        if not browser.evaluate(is_there):
            browser.click(".o_statusbar_buttons button[title=More]", is_there)
        browser.click(button, *condition)

    def send_quotation():
        opened("sale.action_quotations", ids["order"])
        press_send(SENT)

    def send_lead():
        opened("crm.crm_lead_action_pipeline", ids["lead"])
        press_send()

    def order():
        opened("crm.crm_lead_action_pipeline", ids["lead"])
        screens.tab("WhatsApp", CONVERSATION)

    def fallback():
        opened("waba_campaign.waba_campaign_action", ids["campaign"])
        browser.evaluate("document.querySelector('.o_waba_options').open = true")
        screens.show("[name=fallback_kind]", below=DESK[1] // 3)

    def recurring():
        opened("waba_campaign.waba_recurring_action", ids["recurring"])

    return {
        "send_quotation": send_quotation, "send_lead": send_lead, "order": order,
        "fallback": fallback, "recurring": recurring,
    }  # fmt: skip


if __name__ == "__main__":
    main()
