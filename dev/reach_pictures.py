"""Remakes the pictures of topics, people without a number, advertisements, the phone beside Odoo
and outgoing webhooks from a running `make demo`, on a desk and on a phone.

    dev/reach_pictures [ADDRESS [DATABASE]]

It first lets people come by an advertisement, share a number and choose topics, so it runs once
per demo.
"""

import argparse
import json
import subprocess
import time

from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import PHONE_UID, WABA_UID
from demo_lib.sales import VISITORS
from sales_pictures import ADMIN, CONVERSATION, DIALOG, PHONE, ZONE, Screens
from screenshots import ROOT, Browser, wait_for

DESK = (1440, 1000)
FOLDER = ROOT / "docs/images/reach"
PUBLIC = "document.readyState === 'complete'"
HIDDEN = "+34699000123"
ADS = (
    ("120226305854810726", "Autumn sofas: 20% off",
     "Visit our showroom or chat with us: delivery in 48 hours, assembly included."),
    ("120226305854810999", "Dining tables made to measure",
     "Oak, walnut or pine. Tell us your size, we send a quote today."),
)  # fmt: skip
QUESTIONS = ("How much is the grey one?", "Do you deliver to Murcia?", "Can I see it on Saturday?")
TOKEN = """
company = env["res.company"].browse(1)
person = env["waba.recipient"].search([("number", "=", {number!r})], limit=1)
print("TOKEN", person._preference_token(company))
"""


class Scene:
    """What the pictures show; `ids` are records by what they are."""

    def __init__(self, user, database):
        self.user, self.database, self.ids = user, database, {}
        [self.account] = user.search("waba.account", [("waba_uid", "=", WABA_UID)], ["base_url"])
        self.simulator = SimulatorControl(self.account["base_url"])
        for prepare in (
            self._choose_topics, self._come_by_ads, self._share_number, self._use_phone,
            self._add_webhook,
        ):  # fmt: skip
            prepare()

    def one(self, model, domain, **kwargs):
        ids = self.user.call(model, "search", domain, limit=1, **kwargs)
        return ids[0] if ids else None

    def _visitor(self, index):
        """The lead of a visitor of the fair; the demo's other leads may have the same name."""
        domain = [("name", "=", VISITORS[index][1])]
        [lead] = self.user.search("crm.lead", domain, ["phone"], order="id desc", limit=1)
        return lead

    def _choose_topics(self):
        """Offers, events and news; a lead closes one and opens another until spring."""
        self.user.call("waba.topic", "action_create_suggested")
        topics = self.user.call("waba.topic", "search", [])
        lead = self._visitor(8)
        self.ids["consenting"], self.number = lead["id"], lead["phone"].replace(" ", "")
        note = {"res_model": "crm.lead", "res_id": lead["id"], "note": "Asked on the phone"}
        year = time.gmtime().tm_year + 1
        for words in (
            {"topic_id": topics[1]},
            {"topic_id": topics[0], "action": "opt_in", "heard": "call",
             "valid_until": f"{year}-03-31"},
        ):  # fmt: skip
            wizard = self.user.call("waba.consent.note", "create", [{**note, **words}])
            self.user.call("waba.consent.note", "action_confirm", wizard)
        campaign = self.one("waba.campaign", [("name", "=", "Navidad: mesas y sillas")])
        self.user.call("waba.campaign", "write", [campaign], {"topic_id": topics[0]})
        self.ids["campaign"] = campaign

    def preference_address(self, address):
        """The signed link that a message would contain."""
        shell = [ROOT / "dev/odoo", "shell", "-d", self.database, "--no-http"]
        code = TOKEN.format(number=self.number)
        answer = subprocess.run(shell, input=code, capture_output=True, text=True, check=True)
        return f"{address}/waba/preferences/{answer.stdout.split('TOKEN ')[1].split()[0]}"

    def _come_by_ads(self):
        """People write after two advertisements; some are qualified, some won, one event fails."""
        call = self.user.call
        call("waba.account", "action_create_dataset", [self.account["id"]])
        qualified = self.one("crm.stage", [("name", "=", "Qualified")])
        won = self.one("crm.stage", [("is_won", "=", True)])
        call("waba.account", "write", [self.account["id"]], {
            "conversions_on": True, "qualified_stage_id": qualified,
        })  # fmt: skip
        call("res.company", "write", [1], {"waba_conversion_consent": "no_opt_out"})
        for index in range(12):
            uid, headline, body = ADS[index // 7]
            self.simulator.post(
                "ad", phone_id=PHONE_UID, number=f"+3461177{index:04d}",
                text=QUESTIONS[index % 3],
                referral={"source_id": uid, "headline": headline, "body": body},
            )  # fmt: skip
        came = [("waba_ad_id", "!=", False)]
        wait_for("the leads", lambda: call("crm.lead", "search_count", came) >= 12)
        leads = call("crm.lead", "search", came, order="id")
        for index, lead in enumerate(leads):
            call("crm.lead", "write", [lead], {"expected_revenue": 350 + 90 * index})
        call("crm.lead", "write", leads[:8], {"stage_id": qualified})
        call("crm.lead", "write", leads[:4], {"stage_id": won})
        wait_for("the events", lambda: call(
            "waba.conversion", "search_count", [("state", "=", "sent")]
        ))  # fmt: skip
        call("crm.lead", "write", leads[:1], {"stage_id": qualified})
        self.ids["ad"] = self.one("waba.ad", [("headline", "like", "Autumn")])
        [conversation] = self.user.search(
            "waba.conversation", [("ad_id", "!=", False)], ["res_id"], order="id desc", limit=1
        )
        self.ids["ad_conversation"] = conversation["id"]
        call("waba.conversation", "conversation_send", {
            "conversation_id": conversation["id"], "key": "reach-ad",
            "text": "Hello! Yes, on Saturday from 10 am to 8 pm.",
        })  # fmt: skip

    def _share_number(self):
        """Somebody known by a username only is asked for the number, and shares it."""
        person = {"number": HIDDEN, "hide_number": True, "name": "Lucía", "username": "lucia_roble"}
        self.simulator.post("behaviour", people=[person])
        self.simulator.post(
            "inbound", phone_id=PHONE_UID, number=HIDDEN, text="Hola, ¿tienen el sofá en azul?"
        )
        domain = [("name", "like", "Lucía"), ("phone", "=", False)]
        wait_for("the lead", lambda: self.one("crm.lead", domain))
        lead = self.ids["hidden"] = self.one("crm.lead", domain)
        conversation = self.ids["hidden_conversation"] = self.one(
            "waba.conversation", [("res_model", "=", "crm.lead"), ("res_id", "=", lead)]
        )
        self.user.call("waba.conversation", "conversation_send", {
            "conversation_id": conversation, "asks_number": True, "key": "reach-number",
        })  # fmt: skip
        time.sleep(6)
        self.simulator.post("rare", kind="contact_request", phone_id=PHONE_UID, number=HIDDEN)

        def is_shared():
            data = self.user.call("waba.conversation", "conversation_data", conversation)
            return data["messages"][-1]["contacts"]

        wait_for("the number", is_shared)

    def _use_phone(self):
        """A number is also used in the app: chats are imported, a colleague answers there."""
        self.simulator.post("number", id=PHONE_UID, is_on_biz_app=True)
        self.user.call("waba.account", "action_sync", [self.account["id"]])
        sender = self.ids["number"] = self.one(
            "waba.sender", [("phone_number_uid", "=", PHONE_UID)]
        )
        self.user.call("waba.sender", "action_request_app_data", [sender])
        lead = self._visitor(22)
        about = {"phone_id": PHONE_UID, "number": lead["phone"]}
        past = [
            {"id": "wamid.PAST1", "text": "Buenos días, ¿abren el sábado?", "days": 40},
            {"id": "wamid.PAST2", "text": "Sí, de 10 a 20 h.", "days": 40, "ours": True},
        ]
        self.simulator.post("rare", kind="history_chunk", **about, messages=past, progress=55)
        self.simulator.post(
            "rare", kind="echo", **about, text="Sí, queda uno en la tienda de Madrid."
        )
        self.ids["echoed"] = lead["id"]
        time.sleep(8)

    def _add_webhook(self):
        [hook] = self.user.call("waba.outgoing.webhook", "create", [
            {"name": "Data warehouse", "url": "https://example.com/whatsapp"}
        ])  # fmt: skip
        self.ids["webhook"] = hook


class Takes:
    """Brings each picture's screen up, by its name."""

    def __init__(self, browser, address, scene):
        self.browser, self.address, self.ids = browser, address, scene.ids
        self.screens = Screens(browser, address, scene.user)

    def _open(self, action, record_id="", *condition):
        self.browser.open(f"{self.address}/odoo/action-{action}/{record_id}", *condition)

    def _lead(self, name):
        self._open("crm.crm_lead_action_pipeline", self.ids[name])

    def _conversation(self, name):
        self._open("waba_campaign.waba_conversation_action", self.ids[name], CONVERSATION)

    def topics(self):
        self._open("waba_campaign.waba_topic_action")

    def consent_topics(self):
        self._lead("consenting")
        self.screens.tab("Consent")

    def consent_dialog(self):
        self.consent_topics()
        self.browser.click("button[name=action_waba_record_consent]", DIALOG)

    def preflight_topic(self):
        self._open("waba_campaign.waba_campaign_action", self.ids["campaign"])
        self.browser.click("button[name=action_preflight]", DIALOG)
        self.browser.click(".modal section[data-level=pass] .o_waba_fold", DIALOG)
        self.screens.show(".modal section[data-level=pass]")

    def ad(self):
        self._open("waba_campaign.waba_ad_action", self.ids["ad"])

    def ads(self):
        self._open("waba_campaign.waba_ad_action")

    def ads_report(self):
        self._open("waba_campaign.waba_ad_report_action")

    def conversions(self):
        self._open("waba_campaign.waba_conversion_action")

    def ad_card(self):
        self._conversation("ad_conversation")

    def contact_card(self):
        self._conversation("hidden_conversation")

    def identity(self):
        self._lead("hidden")
        self.screens.tab("Consent")

    def phone_beside(self):
        self._open("waba_campaign.waba_sender_action", self.ids["number"])

    def phone_chat(self):
        self._lead("echoed")
        self.screens.tab("WhatsApp", CONVERSATION)

    def outgoing(self):
        self._open("waba_campaign.waba_outgoing_webhook_action", self.ids["webhook"])


PICTURES = (
    "topics", "consent_topics", "consent_dialog", "preflight_topic", "ad", "ads", "ads_report",
    "conversions",
    "ad_card", "contact_card", "identity", "phone_beside", "phone_chat", "outgoing",
)  # fmt: skip


# A pivot table is no screen for a phone.
DESK_ONLY = ("ads_report",)


def take_preferences(browser, link):
    """The person's page, as it opens; after closing a topic; after stopping all."""

    def press(value):
        browser.evaluate(f"document.querySelector({json.dumps(f'button[value={value}]')}).click()")
        time.sleep(2)
        browser.rest(PUBLIC)

    def save(name):
        for size, ending in ((DESK, ""), (PHONE, "_phone")):
            browser.resize(*size)
            browser.rest(PUBLIC)
            browser.save(FOLDER / f"preferences{name}{ending}.png")

    browser.open(link, PUBLIC)
    save("")
    browser.evaluate("document.querySelector('input[type=checkbox]:checked')?.click()")
    press("save")
    save("_saved")
    press("stop")
    save("_stopped")


def main():
    parser = argparse.ArgumentParser(prog="dev/reach_pictures", description=__doc__.split("\n")[0])
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    options = parser.parse_args()
    scene = Scene(OdooUser(options.address, options.database, *ADMIN), options.database)
    with Browser() as browser:
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.resize(*DESK)
        browser.log_in(options.address, *ADMIN)
        takes = Takes(browser, options.address, scene)
        for size, ending in ((DESK, ""), (PHONE, "_phone")):
            browser.resize(*size)
            for name in [one for one in PICTURES if not (ending and one in DESK_ONLY)]:
                getattr(takes, name)()
                browser.save(FOLDER / f"{name}{ending}.png")
        take_preferences(browser, scene.preference_address(options.address))


if __name__ == "__main__":
    main()
