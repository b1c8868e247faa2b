"""The simulator's ads and conversions: what it refuses, what it counts once."""

import time
from datetime import datetime, timezone

from ...cloud_api import conversion_event
from ..common import NUMBER_ES, TOKEN, WABA_UID, Simulator
from ..pure import PureCase

PHONE = "+34600111222"


class TestConversionsEndpoint(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)

    def setUp(self):
        super().setUp()
        self.simulator.post("reset", settings=True)
        self.dataset = self._call("POST", f"{WABA_UID}/dataset", {})["id"]
        self.click = self.simulator.post("ad", phone_id=NUMBER_ES, number=PHONE)["click"]

    def _call(self, method, path, body=None):
        return self.simulator.session.request(
            method, f"{self.simulator.url}/v25.0/{path}", json=body,
            headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10,
        ).json()  # fmt: skip

    def _event(self, **values):
        event = {
            "event_name": "Purchase", "event_time": int(time.time()), "event_id": "e1",
            "action_source": "business_messaging", "messaging_channel": "whatsapp",
            "user_data": {"whatsapp_business_account_id": WABA_UID, "ctwa_clid": self.click},
            "custom_data": {"value": 12.5, "currency": "EUR"},
        }  # fmt: skip
        return {name: value for name, value in {**event, **values}.items() if value is not None}

    def _send(self, *events, **more):
        return self._call("POST", f"{self.dataset}/events", {"data": list(events), **more})

    def test_an_account_has_one_dataset(self):
        self.assertEqual(self._call("POST", f"{WABA_UID}/dataset", {})["id"], self.dataset)
        self.assertEqual(self._call("GET", f"{WABA_UID}/dataset")["id"], self.dataset)

    def test_events_are_received_and_repeated_ones_known(self):
        self.assertEqual(self._send(self._event(), test_event_code="T1")["events_received"], 1)
        self._send(self._event(), self._event(event_name="QualifiedLead", custom_data=None))
        events = self.simulator.get("conversions")["events"]
        self.assertEqual([e["is_duplicate"] for e in events], [False, True, False])
        self.assertEqual(events[0]["test_event_code"], "T1")
        self.simulator.post("clock", advance=49 * 3600)
        self._send(self._event(event_time=int(time.time())))
        self.assertFalse(self.simulator.get("conversions")["events"][-1]["is_duplicate"])

    def test_what_it_refuses(self):
        old = int(time.time()) - 8 * 86400
        nobody = {"whatsapp_business_account_id": WABA_UID}
        for values, subcode in (
            ({"event_name": "Lead"}, 2804066),
            ({"event_time": old}, 2804003),
            ({"event_time": "now"}, None),
            ({"messaging_channel": None}, 2804063),
            ({"action_source": "website"}, None),
            ({"user_data": nobody}, 2804087),
            ({"user_data": {**nobody, "ctwa_clid": "120226305854810726"}}, 2804087),
            ({"user_data": {"whatsapp_business_account_id": "1", "ctwa_clid": self.click}}, None),
            ({"custom_data": None}, None),
            ({"colour": "red"}, None),
        ):
            # One bad event refuses all of its request.
            error = self._send(self._event(), self._event(**values)).get("error", {})
            self.assertEqual(
                (error.get("code"), error.get("error_subcode")), (100, subcode), values
            )
        self.assertFalse(self.simulator.get("conversions")["events"])
        self.assertEqual(self._call("POST", "999/events", {"data": []})["error"]["code"], 100)

    def test_our_event_is_one_of_its_form(self):
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        event = conversion_event(
            "Purchase", now, "e9", WABA_UID, self.click, 490.0, "EUR", "lead-1"
        )
        self.assertEqual(self._send(event)["events_received"], 1)
        self.assertEqual(
            self.simulator.get("conversions")["events"][0]["custom_data"],
            {"value": 490.0, "currency": "EUR", "order_id": "lead-1"},
        )
