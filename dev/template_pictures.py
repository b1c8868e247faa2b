"""Remakes the pictures of the template builder from a running `make demo`, on a desk and a phone.

    dev/template_pictures [ADDRESS [DATABASE]]

It first writes the drafts that the pictures show, so it runs once per demo; the simulator rejects
one of them.
"""

import argparse
import base64
import io

from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import WABA_UID
from PIL import Image, ImageDraw
from sales_pictures import ADMIN, PHONE, ZONE, Screens
from screenshots import ROOT, Browser

DESK = (1440, 1100)
MODEL = "waba.template.draft"
READY = """
    !!document.querySelector('.o_waba_builder_phone .o_waba_phone')
    && !document.querySelector('.o_loading_indicator')
    && [...document.images].every((image) => image.complete)
"""
SHOP = "https://demo-store.example"
FIRST_NAME = {"body": {"first_name": {"sample": "Ana", "source": "first_name"}}}
STOP = {"kind": "quick_reply", "text": "Stop promotions", "is_opt_out": True}
CARDS = (
    ("#8a5a44", "The living room, 20% off.", "living-room"),
    ("#5d7a5b", "The dining room, 10% off.", "dining-room"),
    ("#4f6d8a", "The bedroom, 15% off.", "bedroom"),
)


def link(text, path):
    return {"kind": "url", "text": text, "url": f"{SHOP}/{path}"}


DRAFTS = {
    "image": {
        "title": "Sofas in winter", "language": "en", "header_type": "image",
        "body": "Hi {{first_name}},\n\nall sofas are *20% off* this week. Shall we keep an hour "
        "for your visit?",
        "footer": "Muebles Roble", "variables": FIRST_NAME,
        "buttons": [
            link("See sofas", "sofas"),
            {"kind": "phone_number", "text": "Call us", "phone_number": "+34600000001"},
            STOP,
        ],
    },
    "carousel": {
        "title": "Three rooms", "language": "en", "layout": "carousel",
        "body": "Hi {{first_name}}, these are the offers of the week in our store.",
        "variables": FIRST_NAME,
    },
    "offer": {
        "title": "Two days only", "language": "en", "layout": "offer",
        "offer_text": "Two days only!", "variables": FIRST_NAME,
        "body": "Hi {{first_name}}, with this code everything in our store is 20% off.",
        "buttons": [{"kind": "copy_code", "example": "WINTER20"}, link("Shop now", "offer")],
    },
    "right_to_left": {
        "title": "Winter in Hebrew", "language": "he",
        "body": "שלום {{first_name}}, השבוע יש 20% הנחה על כל הספות בחנות שלנו. נשמח לראותכם!",
        "footer": "רהיטי אלון",
        "variables": {"body": {"first_name": {"sample": "דנה", "source": "first_name"}}},
        "buttons": [{"kind": "quick_reply", "text": "הפסקת מבצעים", "is_opt_out": True}],
    },
    "rejected": {
        "title": "Showroom sale", "language": "en", "variables": FIRST_NAME,
        "body": "Hi {{first_name}}, this week all showroom furniture is sold at half price.",
        "buttons": [STOP],
    },
}  # fmt: skip


class Drafts:
    """Writes the drafts; `ids` are theirs by the name of their picture."""

    def __init__(self, user):
        self.user = user
        [account] = user.search("waba.account", [("waba_uid", "=", WABA_UID)], ["base_url"])
        self.account_id, self.simulator = account["id"], SimulatorControl(account["base_url"])
        self.ids = {name: self._create(values) for name, values in DRAFTS.items()}
        image = self._attach("image", "#4f6d8a")
        user.call(MODEL, "write", [self.ids["image"]], {"header_media_id": image})
        user.call(MODEL, "write", [self.ids["carousel"]], {"cards": self._cards()})
        self.ids["languages"] = self._translate()
        self._reject()

    def _create(self, values):
        return self.user.call(MODEL, "create", [{"account_id": self.account_id, **values}])[0]

    def _attach(self, draft, colour):
        """The id of a picture, a shape of this colour."""
        image = Image.new("RGB", (640, 360), "#f4f1ec")
        ImageDraw.Draw(image).rounded_rectangle((120, 110, 520, 300), 40, fill=colour)
        content = io.BytesIO()
        image.save(content, "PNG")
        values = {"name": "sofa.png", "datas": base64.b64encode(content.getvalue()).decode(),
                  "res_model": MODEL, "res_id": self.ids[draft]}  # fmt: skip
        return self.user.call("ir.attachment", "create", [values])[0]

    def _cards(self):
        return [
            {
                "header_type": "image", "media_id": self._attach("carousel", colour),
                "media_name": f"{path}.png", "body": text,
                "buttons": [link("See offers", path), {"kind": "quick_reply", "text": "Call me"}],
            }
            for colour, text, path in CARDS
        ]  # fmt: skip

    def _translate(self):
        """The first draft in Spanish, its buttons still to translate."""
        draft_id = self.user.call(MODEL, "action_add_language", [self.ids["image"]], "es")["res_id"]
        body = "Hola {{first_name}}:\n\nesta semana todos los sofás tienen un *20 % menos*."
        self.user.call(MODEL, "write", [draft_id], {"body": body})
        return draft_id

    def _reject(self):
        draft_id = self.ids["rejected"]
        dialog = self.user.call("waba.template.submit", "create", [{"draft_id": draft_id}])
        self.user.call("waba.template.submit", "action_confirm", dialog)
        self.simulator.post(
            "template", name="showroom_sale", status="REJECTED", reason="INVALID_FORMAT"
        )
        self.user.call("waba.account", "action_sync", [self.account_id])


def main():
    parser = argparse.ArgumentParser(
        prog="dev/template_pictures", description=__doc__.split("\n")[0]
    )
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    options = parser.parse_args()
    user = OdooUser(options.address, options.database, *ADMIN)
    drafts = Drafts(user)
    action = f"{options.address}/odoo/action-waba_campaign.waba_template_draft_action"
    with Browser() as browser:
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.resize(*DESK)
        browser.log_in(options.address, *ADMIN)
        screens = Screens(browser, options.address, user)
        for size, ending in ((DESK, ""), (PHONE, "_phone")):
            browser.resize(*size)
            for name, draft_id in drafts.ids.items():
                browser.open(f"{action}/{draft_id}", READY)
                if ending and name == "languages":
                    screens.show(".o_waba_builder_top")
                elif ending and name != "rejected":
                    screens.show(".o_waba_builder_phone")
                browser.save(ROOT / f"docs/images/templates/{name}{ending}.png")


if __name__ == "__main__":
    main()
