"""Remakes the pictures of branching follow-ups from a running `make demo`, on a desk and a phone.

    dev/followup_pictures [ADDRESS [DATABASE]]

It first makes the follow-up that the pictures show and enrolls leads, so it runs once per demo.
"""

import argparse
import time

from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import PHONE_UID
from demo_lib.sales import FAIR, VISITORS
from sales_pictures import ADMIN, DIALOG, PHONE, ZONE, Screens
from screenshots import ROOT, Browser

DESK, DESK_FORM, PHONE_FORM = (1440, 1000), (1440, 1500), (390, 2600)
ACTION = "waba_campaign.waba_sequence_action"
LEADS = 20
INTERESTED = [name for name, _wish, _amount, fate in VISITORS if fate == "read"][2:6]
RUN_SECONDS = 120


class FollowUp:
    """Makes a branching follow-up with an approved template, runs it with leads of the demo."""

    def __init__(self, user):
        self.user = user
        [sender] = user.search(
            "waba.sender", [("phone_number_uid", "=", PHONE_UID)], ["account_id"]
        )
        [template] = user.search(
            "waba.template",
            [("account_id", "=", sender["account_id"][0]), ("status", "=", "approved"),
             ("category", "=", "utility"), ("unsupported", "=", False)],
            ["name"], limit=1, order="name",
        )  # fmt: skip
        self.id = self._create(sender["id"], template["id"])
        lines = user.call(
            "waba.sequence.variable", "search",
            [("step_id.sequence_id", "=", self.id), ("source", "=", "text"), ("text", "=", False)],
        )  # fmt: skip
        user.call("waba.sequence.variable", "write", lines, {"text": "sofa"})
        self._start()

    def _create(self, sender_id, template_id):
        message = {"kind": "template", "template_id": template_id, "in_working_hours": False}
        steps = [
            {
                **message, "key": "ask", "wait_amount": 0, "goes_to": "end",
                "branch_ids": [
                    (0, 0, {"kind": "word", "words": "yes, interested", "goes_to": "call"}),
                    (0, 0, {"kind": "not_read", "goes_to": "again"}),
                ],
            },
            {"key": "call", "kind": "activity", "summary": "Call the interested lead",
             "wait_amount": 0, "in_working_hours": False},
            {"key": "hot", "kind": "field", "field_name": "priority", "field_value": "High",
             "wait_amount": 0, "in_working_hours": False, "goes_to": "end"},
            {**message, "key": "again", "wait_amount": 1},
            {"key": "date", "kind": "activity", "summary": "Invite to the showroom",
             "wait_kind": "date", "date_field": "date_deadline", "date_days": 3,
             "date_side": "before"},
        ]  # fmt: skip
        values = {
            "name": "Qualify new leads",
            "trigger": "manual",
            "sender_id": sender_id,
            "goal_kind": "won",
            "step_ids": [(0, 0, {**step, "sequence": 10 * n}) for n, step in enumerate(steps, 1)],
        }
        return self.user.call("waba.sequence", "create", [values])[0]

    def _start(self):
        call = self.user.call
        [wizard] = call("waba.sequence.activate", "create", [{"sequence_id": self.id}])
        call("waba.sequence.activate", "action_confirm", [wizard])
        # Their reply windows are open, so the message needs no slot of the daily limit.
        leads = call(
            "crm.lead", "search",
            [("tag_ids.name", "=", FAIR), ("won_status", "=", "pending")], limit=LEADS,
        )  # fmt: skip
        values = {"sequence_id": self.id, "lead_ids": [(6, 0, leads)]}
        [wizard] = call("waba.sequence.enroll", "create", [values])
        call("waba.sequence.enroll", "action_confirm", [wizard])
        self._wait_for("sent", 0, LEADS // 2)
        self._answer()
        self._wait_for("reached", 1, len(INTERESTED))

    def _answer(self):
        """Some say that they are interested."""
        [account] = self.user.search("waba.account", [("state", "=", "connected")], ["base_url"])
        simulator = SimulatorControl(account["base_url"])
        domain = [("contact_name", "in", INTERESTED), ("tag_ids.name", "=", FAIR)]
        for lead in self.user.search("crm.lead", domain, ["phone"]):
            simulator.post(
                "inbound", phone_id=PHONE_UID, number=lead["phone"], text="Yes, interested!"
            )

    def _wait_for(self, figure, box, count):
        """At most two minutes: the pictures are worth taking with fewer."""
        ended = time.monotonic() + RUN_SECONDS
        while time.monotonic() < ended:
            [followup] = self.user.call("waba.sequence", "read", [self.id], ["flow"])
            if followup["flow"][0]["boxes"][box][figure] >= count:
                return
            time.sleep(3)


def take_pictures(address, database):
    user = OdooUser(address, database, *ADMIN)
    followup = FollowUp(user)
    folder = ROOT / "docs/images/reach"
    folder.mkdir(exist_ok=True)
    form = f"{address}/odoo/action-{ACTION}/{followup.id}"
    with Browser() as browser:
        browser.resize(*DESK)
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.log_in(address, *ADMIN)
        screens = Screens(browser, address, user)
        for desk, form_size, suffix in ((DESK, DESK_FORM, ""), (PHONE, PHONE_FORM, "_phone")):
            browser.resize(*form_size)
            browser.open(form)
            screens.show(".o_waba_flow_columns")
            browser.save(folder / f"flow{suffix}.png")
            browser.resize(desk[0], max(desk[1], 1000))
            browser.open(form)
            browser.click(".o_waba_flow_box[data-key=ask]", DIALOG)
            screens.show(".modal .o_field_widget[name=branch_ids]", below=120)
            browser.save(folder / f"step{suffix}.png")


def main():
    parser = argparse.ArgumentParser(prog="dev/followup_pictures")
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    take_pictures(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
