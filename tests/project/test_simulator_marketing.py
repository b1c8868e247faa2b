"""The simulator's Marketing Messages API: its rules, its auction, what its log proves."""

from ..common import NUMBER_ES, TOKEN, WABA_UID, PublicAddress, Simulator
from ..pure import PureCase

PHONE = "+34600111222"


class TestMarketing(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        address = PublicAddress()
        cls.addClassCleanup(address.stop)
        cls.simulator = Simulator(address.url)
        cls.addClassCleanup(cls.simulator.stop)

    def setUp(self):
        super().setUp()
        self.simulator.post("reset", settings=True)
        self._account(marketing_messages_onboarding_status="ONBOARDED")

    def _account(self, **values):
        self.simulator.post("account", id=WABA_UID, **values)

    def _call(self, method, path, body=None, **params):
        url = f"{self.simulator.url}/v25.0/{path}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return self.simulator.session.request(
            method, url, json=body, params=params, headers=headers, timeout=10
        ).json()

    def _send(self, template="autumn_offer", endpoint="marketing_messages", **more):
        body = {
            "messaging_product": "whatsapp", "to": PHONE, "type": "template",
            "template": {"name": template, "language": {"code": "es"}, "components": [
                {"type": "body", "parameters": [
                    {"type": "text", "text": text} for text in ("Ana", "Roble")]},
                {"type": "button", "sub_type": "url", "index": "1", "parameters": [
                    {"type": "text", "text": "x"}]}]},
            **more,
        }  # fmt: skip
        if template == "order_update":
            body["template"]["components"] = [
                {"type": "body", "parameters": [{"type": "text", "text": "S1"}]}
            ]
        return self._call("POST", f"{NUMBER_ES}/{endpoint}", body)

    def _code(self, **more):
        return self._send(**more).get("error", {}).get("code", 0)

    def _template_uid(self, name="autumn_offer"):
        listed = self._call("GET", f"{WABA_UID}/message_templates", name=name, language="es")
        return listed["data"][0]["id"]

    def _set_bid(self, amount):
        spec = {"bid_amount": amount, "bid_strategy": "LOWEST_COST_WITH_BID_CAP"}
        return self._call("POST", self._template_uid(), {"optimization_spec": spec})

    def _priced_statuses(self):
        self.simulator.post("flush", hurry=True)
        return [
            status
            for attempt in self.simulator.get("webhooks")["entries"]
            for entry in attempt["body"]["entry"]
            for change in entry["changes"]
            for status in change["value"].get("statuses", [])
        ]

    def test_who_gets_in(self):
        cases = [
            # account, request, code
            ({}, {}, 0),
            ({}, {"template": "order_update"}, 134100),
            ({}, {"product_policy": "STRICT", "message_activity_sharing": False}, 0),
            ({}, {"product_policy": "MAYBE"}, 100),
            ({}, {"message_activity_sharing": "yes"}, 100),
            ({}, {"bid_spec": {"per_message_bid_multiplier": 0}}, 100),
            ({"marketing_unavailable": True}, {}, 134102),
            ({"marketing_messages_onboarding_status": "ELIGIBLE"}, {}, 0),
            ({"marketing_messages_onboarding_status": "ELIGIBLE"}, {"product_policy": "STRICT"},
             134102),
            ({"marketing_messages_onboarding_status": "ELIGIBLE",
              "disable_marketing_messages_on_cloud_api": True}, {}, 131063),
            ({"disable_marketing_messages_on_cloud_api": True}, {}, 0),
            ({"disable_marketing_messages_on_cloud_api": True}, {"endpoint": "messages"}, 131063),
            ({}, {"endpoint": "messages", "product_policy": "STRICT"}, 100),
        ]  # fmt: skip
        for account, request, code in cases:
            with self.subTest(account=account, request=request):
                self.setUp()
                self._account(**account)
                self.assertEqual(self._code(**request), code)

    def test_a_new_or_idle_template_is_synced_first(self):
        self.simulator.call("template", {"name": "autumn_offer", "sync_seconds": 600})
        self.assertEqual(self._code(), 134101)
        self.simulator.post("settings", syncing_code=131009)
        self.assertEqual(self._code(), 131009)
        self.simulator.post("clock", advance=601)
        self.assertEqual(self._code(), 0)
        self.simulator.post("clock", advance=8 * 86400)
        self.assertEqual(self._code(), 131009)

    def test_the_endpoint_is_in_the_pricing_category(self):
        self._send()
        self._send(endpoint="messages", to="+34600111333")
        categories = {status["pricing"]["category"] for status in self._priced_statuses()
                      if "pricing" in status}  # fmt: skip
        self.assertEqual(categories, {"marketing_lite", "marketing"})
        self.assertFalse([s for s in self._priced_statuses() if "cost" in s.get("pricing", {})])

    def test_the_auction(self):
        self.assertEqual(self._set_bid(5000), {"success": True})
        self.simulator.post("auction", price=0.04)
        self.assertEqual(self._code(), 0)
        statuses = {s["status"]: s for s in self._priced_statuses()}
        self.assertEqual(
            statuses["delivered"]["pricing"]["cost"], {"amount": 0.04, "currency": "EUR"}
        )
        self.assertNotIn("cost", statuses["sent"]["pricing"])
        multiplier = {"bid_spec": {"per_message_bid_multiplier": 0.79}}
        self.assertEqual(self._code(to="+34600111333", **multiplier), 0)
        failed = [s for s in self._priced_statuses() if s["status"] == "failed"]
        self.assertEqual([s["errors"][0]["code"] for s in failed], [131049])
        prices = self.simulator.get("stats")["prices"]
        self.assertEqual((prices["won"], prices["lost"], prices["charged"]), (1, 1, 0.04))
        self.assertEqual((prices["highest"], prices["above"]), (0.05, []))
        self.simulator.post("auction", overcharge=1.5)
        self._send(to="+34600111444")
        [above] = self.simulator.get("stats")["prices"]["above"]
        self.assertEqual((above["max_price"], above["charge"]), (0.05, 0.06))

    def test_a_price_closes_other_ways(self):
        self._set_bid(5000)
        self.assertEqual(self._code(endpoint="messages"), 131061)
        self._account(marketing_messages_onboarding_status="ELIGIBLE")
        self.assertEqual(self._code(), 131061)

    def test_what_a_template_says_about_its_delivery(self):
        uid = self._template_uid()
        body = {"message_send_ttl_seconds": 86400, "degrees_of_freedom_spec": {
            "creative_features_spec": {"image_touchups": {"enroll_status": "OPT_IN"}}}}  # fmt: skip
        self.assertEqual(self._call("POST", uid, body), {"success": True})
        self._set_bid(4000)
        read = self._call(
            "GET", uid,
            fields="status,optimization_spec,message_send_ttl_seconds,degrees_of_freedom_spec",
        )  # fmt: skip
        self.assertEqual(read["status"], "APPROVED")
        self.assertEqual(read["optimization_spec"]["bid_amount"], 4000)
        self.assertEqual(read["message_send_ttl_seconds"], 86400)
        self.assertEqual(
            read["degrees_of_freedom_spec"]["creative_features_spec"],
            [{"key": "IMAGE_TOUCHUPS", "value": {"enroll_status": "OPT_IN"}}],
        )
        for wrong in (
            {"message_send_ttl_seconds": 43_199},
            {"optimization_spec": {"bid_amount": 4.5, "bid_strategy": "LOWEST_COST_WITH_BID_CAP"}},
            {"optimization_spec": {"bid_amount": 4}},
            {"degrees_of_freedom_spec": {"creative_features_spec": {"sparkles": {}}}},
        ):
            with self.subTest(wrong):
                self.assertEqual(self._call("POST", uid, wrong)["error"]["code"], 100)
        self._account(max_price_agreement=False)
        self.assertEqual(self._set_bid(4000)["error"]["code"], 100)

    def test_the_reach_estimate(self):
        self.simulator.post("auction", prices={"ES": 0.05}, spread=0.2)
        where = '{"geo_locations":{"countries":["ES"]}}'
        path = f"{WABA_UID}/reachestimate"
        found = self._call("GET", path, targeting_spec=where, date_interval="L7D")
        self.assertEqual(found["waba_currency"], "EUR")
        bids = [point["bid_amount"] for point in found["estimates"]]
        self.assertEqual((bids, bids[2]), (sorted(bids), 5000))
        for params in ({"targeting_spec": where}, {"date_interval": "L7D"},
                       {"targeting_spec": "{}", "date_interval": "L7D"}):  # fmt: skip
            with self.subTest(params):
                self.assertEqual(self._call("GET", path, **params)["error"]["code"], 100)
