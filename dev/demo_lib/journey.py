"""The demo campaign, step by step as a user does it."""

import sys
import time
from dataclasses import dataclass

from .clients import OdooUser, SimulatorControl
from .processes import Children, DemoError
from .servers import APP_SECRET, DemoEnvironment, Odoo

WABA_UID = "200000000000001"
PHONE_UID = "400000000000001"
SECOND_PHONE_UID = "400000000000002"
SHOP = "Muebles Roble"
CAMPAIGN = "Oferta de otoño: clientes inactivos"
REPORT_SECONDS = 2


def print_step(text):
    print(text, file=sys.stderr, flush=True)


@dataclass
class Demo:
    """What the steps need: the servers and two users, the administrator and a salesperson."""

    children: Children
    simulator: SimulatorControl
    odoo: Odoo
    place: DemoEnvironment
    admin: OdooUser = None
    sales: OdooUser = None
    campaign_id: int = 0
    told_at: float = 0.0

    def run(self):
        """Run all steps, until everything possible today is done."""
        # The administrator's log-in sets web.base.url, from which the webhook's address is made.
        self.admin = OdooUser(self.odoo.address, self.place.database, "admin", "admin")
        self.sales = OdooUser(self.odoo.address, self.place.database, "waba_sales", "waba_sales")
        # The demo runs at any time of day.
        self.admin.call("res.company", "write", [1], {"name": SHOP, "waba_quiet_hours": False})
        self._connect()
        self._receive_stops()
        self._launch()
        self._wait_for_results()
        self._build_history()

    # ---- steps --------------------------------------------------------------------------------

    def _connect(self):
        print_step("connecting the account (keys, numbers, templates, webhook)")
        account_ids = self.admin.call(
            "waba.account",
            "create",
            [{
                "name": SHOP,
                "waba_uid": WABA_UID,
                "app_uid": "300000000000001",
                "access_token": "SIM-TOKEN",
                "app_secret": APP_SECRET,
                "base_url": self.simulator.address,
            }],
        )  # fmt: skip
        action = self.admin.call("waba.account", "action_connect", account_ids)
        lines = self.admin.search(
            "waba.diagnosis.line",
            [("diagnosis_id", "=", action["res_id"])],
            ["level", "topic", "text"],
        )
        problems = [
            f"{line['topic']}: {line['text']}" for line in lines if line["level"] == "error"
        ]
        [account] = self.admin.call("waba.account", "read", account_ids, ["state"])
        if account["state"] != "connected":
            raise DemoError("the account could not be connected:\n" + "\n".join(problems))

    def leads(self, kind="%"):
        """{id of the lead: kind}, read from the external ids of the demo data."""
        found = self.admin.search(
            "ir.model.data",
            [("module", "=", "waba_campaign"), ("name", "=like", f"demo_lead_{kind}_%")],
            ["name", "res_id"],
        )
        return {row["res_id"]: row["name"].split("_")[2] for row in found}

    def _receive_stops(self):
        """Six people write BAJA before the campaign."""
        lead_ids = list(self.leads("stopper"))
        print_step(f"{len(lead_ids)} people ask for no promotions (they write BAJA)")
        for lead in self.admin.call("crm.lead", "read", lead_ids, ["phone_sanitized"]):
            self.simulator.post(
                "inbound", number=lead["phone_sanitized"], phone_id=PHONE_UID, text="BAJA"
            )
        self._settle()
        opted_out = self.count_opted_out()
        if opted_out != len(lead_ids):
            raise DemoError(f"{len(lead_ids)} people wrote BAJA; {opted_out} are opted out")

    def _launch(self):
        print_step("the salesperson makes and launches the campaign")
        template = self.sales.search(
            "waba.template", [("name", "=", "autumn_offer"), ("language", "=", "es")], ["id"]
        )
        sender = self.sales.search("waba.sender", [("phone_number_uid", "=", PHONE_UID)], ["id"])
        [self.campaign_id] = self.sales.call(
            "waba.campaign",
            "create",
            [{
                "name": CAMPAIGN,
                "template_id": template[0]["id"],
                "sender_id": sender[0]["id"],
                "res_model": "crm.lead",
                "audience_domain": "[('tag_ids.name', '=', 'Dormant')]",
            }],
        )  # fmt: skip
        self._fill_variables()
        self.sales.call("waba.campaign", "action_launch", [self.campaign_id])

    def _fill_variables(self):
        """First name, our company, end of the shop's link; the button's reply fills itself."""
        wanted = {
            ("body", "1"): {"source": "first_name"},
            ("body", "2"): {"source": "our_company"},
            ("button", "1"): {"source": "text", "text": "sofas"},
        }
        lines = self.sales.search(
            "waba.campaign.variable",
            [("campaign_id", "=", self.campaign_id)],
            ["component", "name", "kind"],
        )
        for line in lines:
            if line["kind"] != "payload":
                values = wanted[line["component"], line["name"]]
                self.sales.call("waba.campaign.variable", "write", [line["id"]], values)

    def _build_history(self):
        """The second number gets five weeks of history, with a fall and a return."""
        print_step("five weeks of the second number: a bad campaign, red, released, well again")
        self.children.run(
            "the second number's history",
            [sys.executable, str(self.place.root / "dev/demo_story.py"), self.place.database],
            self.place.log_path("story"),
        )

    # ---- waiting ------------------------------------------------------------------------------

    def _settle(self):
        """Wait until the simulator has posted everything and Odoo has applied it."""
        self.children.wait_for(
            "the webhooks are delivered",
            lambda: self.simulator.post("flush", timeout=1)["flushed"],
            tell=self._report_progress,
        )
        self.children.wait_for(
            "the webhooks are applied",
            lambda: (
                not self.admin.call("waba.webhook.event", "search_count", [("state", "=", "new")])
            ),
            tell=self._report_progress,
        )
        broken = self.admin.search("waba.webhook.event", [("state", "=", "failed")], ["error"])
        if broken:
            raise DemoError(f"{len(broken)} webhooks not applied, such as: {broken[0]['error']}")

    def _wait_for_results(self):
        self.children.wait_for(
            "the campaign is under way", self._is_under_way, tell=self._report_progress
        )
        is_over = False
        while not is_over:
            self.children.wait_for(
                "today's messages are sent", self._is_sent, tell=self._report_progress
            )
            self._settle()
            # A status can free a slot, which is then used again.
            is_over = self._is_sent()
        self._report_progress(always=True)

    def _is_under_way(self):
        return self.campaign("state")["state"] in ("running", "done")

    def _is_sent(self):
        """Whether no message is being sent, and all queued rows wait for a slot."""
        campaign = self.campaign("queued_count", "sender_id")
        reserved = self.admin.call("waba.message", "search_count", [("state", "=", "reserved")])
        sender = self.admin.call(
            "waba.sender", "read", campaign["sender_id"][:1], ["slots_used", "people_limit"]
        )[0]
        return not reserved and (
            not campaign["queued_count"] or sender["slots_used"] >= sender["people_limit"]
        )

    def _report_progress(self, always=False):
        """One line of progress, not too often."""
        is_early = time.monotonic() < self.told_at + REPORT_SECONDS
        if not self.campaign_id or (is_early and not always):
            return
        self.told_at = time.monotonic()
        now = self.campaign(
            "people_count", "skipped_count", "queued_count", "sent_count", "delivered_count",
            "read_count", "failed_count",
        )  # fmt: skip
        if not now["people_count"]:
            return
        print_step(
            "  {people_count} recipients: {skipped_count} excluded, {queued_count} queued, "
            "{sent_count} sent, {delivered_count} delivered, {read_count} read, "
            "{failed_count} failed".format(**now)
        )

    # ---- reading ------------------------------------------------------------------------------

    def campaign(self, *fields):
        return self.admin.call("waba.campaign", "read", [self.campaign_id], fields)[0]

    def count_opted_out(self):
        return self.admin.call(
            "waba.recipient", "search_count", [("marketing_state", "=", "opted_out")]
        )

    def second_number(self):
        """Return the reputation dashboard of the second number's last 90 days."""
        [sender_id] = self.admin.call(
            "waba.sender", "search", [("phone_number_uid", "=", SECOND_PHONE_UID)]
        )
        return self.admin.call(
            "waba.sender", "reputation_dashboard_data", sender_id=sender_id, days=90
        )
