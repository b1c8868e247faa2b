"""The Marketing Messages API: its path, its options, and what Meta answers about prices."""

from odoo.addons.waba_campaign.cloud_api import (
    CREATIVE_FEATURES,
    AccountError,
    CloudApiClient,
    delivery_changes,
    parse_events,
    template_message,
    with_marketing_options,
)
from odoo.addons.waba_campaign.cloud_api.nodes import (
    Account,
    ReachEstimate,
    Template,
    TemplateDelivery,
)

from ..pure import PureCase
from .test_cloud_api_client import GraphServer, graph_error, reply

BODY = template_message(to="+34600000000", name="autumn_offer", language="es")
ACCEPTED = {"contacts": [{"wa_id": "34600000000"}], "messages": [{"id": "wamid.1"}]}


class TestRequests(PureCase):
    def _client(self, server):
        return CloudApiClient(server.url, "v25.0", "T0KEN")

    def test_a_message_goes_to_the_endpoint_that_is_named(self):
        with GraphServer(reply(ACCEPTED), reply(ACCEPTED)) as server:
            client = self._client(server)
            client.send_message("4000", BODY, "marketing_messages")
            client.send_message("4000", BODY)
            paths = [request["path"] for request in server.requests]
        self.assertEqual(paths, ["/v25.0/4000/marketing_messages", "/v25.0/4000/messages"])

    def test_options_are_on_the_wire_only_when_chosen(self):
        self.assertEqual(with_marketing_options(BODY), BODY)
        chosen = with_marketing_options(BODY, "STRICT", False, 0.625)
        self.assertEqual(
            {key: value for key, value in chosen.items() if key not in BODY},
            {
                "product_policy": "STRICT",
                "message_activity_sharing": False,
                "bid_spec": {"per_message_bid_multiplier": 0.625},
            },
        )
        for options in ({"product_policy": "strict"}, {"multiplier": 0}, {"multiplier": 1.5}):
            with self.subTest(options), self.assertRaises(ValueError):
                with_marketing_options(BODY, **options)

    def test_a_change_of_the_delivery_says_only_what_changes(self):
        self.assertEqual(delivery_changes(), {})
        self.assertEqual(
            delivery_changes(5000, 86400, {"image_touchups": True, "image_animation": False}),
            {
                "optimization_spec": {
                    "bid_amount": 5000, "bid_strategy": "LOWEST_COST_WITH_BID_CAP"
                },
                "message_send_ttl_seconds": 86400,
                "degrees_of_freedom_spec": {"creative_features_spec": {
                    "image_touchups": {"enroll_status": "OPT_IN"},
                    "image_animation": {"enroll_status": "OPT_OUT"},
                }},
            },
        )  # fmt: skip
        wrong = ({"bid": 0}, {"bid": 2**31}, {"ttl_seconds": 43_199}, {"ttl_seconds": 2_592_001},
                 {"features": {"sparkles": True}})  # fmt: skip
        for values in wrong:
            with self.subTest(values), self.assertRaises(ValueError):
                delivery_changes(**values)

    def test_the_reach_estimate(self):
        point = {"bid_amount": 520, "users": 1000, "deliveries_lower_bound": 600,
                 "deliveries_upper_bound": 650, "cost_lower_bound": 400.74,
                 "cost_upper_bound": 510.74}  # fmt: skip
        older = {
            "bid_amount": 400,
            "users": 1000,
            "lower_bound_deliveries": 500,
            "upper_bound_deliveries": 570,
            "cost_lower_bound": 389,
            "cost_upper_bound": 390,
        }
        with GraphServer(
            reply({"waba_currency": "USD", "estimates": [point, older, {}]})
        ) as server:
            found = ReachEstimate.from_reply(self._client(server).fetch_reach("2000", "ES"))
            [request] = server.requests
        self.assertEqual(request["path"], "/v25.0/2000/reachestimate")
        self.assertEqual(
            request["query"],
            {"targeting_spec": '{"geo_locations":{"countries":["ES"]}}', "date_interval": "L7D"},
        )
        self.assertEqual(found.currency, "USD")
        self.assertEqual([point.bid for point in found.points], [400, 520])
        self.assertEqual(found.points[1].deliveries, (600, 650))
        self.assertEqual(found.points[1].costs, (400.74, 510.74))
        for nonsense in (None, [], "x", {"estimates": 5}, {"estimates": [None, {"users": "x"}]}):
            self.assertEqual(ReachEstimate.from_reply(nonsense).points, ())

    def test_templates_are_read_without_prices_where_meta_has_none(self):
        listed = {"data": [{"id": "1", "name": "a", "language": "es",
                            "optimization_spec": {"bid_amount": 5000}}]}  # fmt: skip
        unknown = graph_error(100, error_subcode=1)
        with GraphServer(reply(listed)) as server:
            [found] = self._client(server).list_templates("2000")
        self.assertEqual(found.delivery.bid, 5000)
        with GraphServer(unknown, reply(listed)) as server:
            [found] = self._client(server).list_templates("2000")
        self.assertIsNone(found.delivery)
        with GraphServer(graph_error(200)) as server, self.assertRaises(AccountError):
            list(self._client(server).list_templates("2000"))


class TestNodes(PureCase):
    def test_the_delivery_of_a_template(self):
        found = TemplateDelivery.from_reply({
            "message_send_ttl_seconds": 86400,
            "optimization_spec": {
                "bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 87000
            },
            "degrees_of_freedom_spec": {"creative_features_spec": [
                {"key": "IMAGE_TOUCHUPS", "value": {"enroll_status": "OPT_IN"}},
                {"key": "IMAGE_ANIMATION", "value": {"enroll_status": "OPT_OUT"}},
            ]},
        })  # fmt: skip
        self.assertEqual((found.ttl_seconds, found.bid, found.is_bid_clear), (86400, 87000, True))
        self.assertEqual(found.features, {"image_touchups": True, "image_animation": False})
        self.assertTrue(set(found.features) <= set(CREATIVE_FEATURES))

    def test_a_price_that_says_more_than_we_know_is_not_clear(self):
        for spec in ({"bid_amount": 5, "country_multipliers": {"IN": 2}},
                     {"bid_amount": 5, "bid_strategy": "SOMETHING_NEW"}):  # fmt: skip
            found = TemplateDelivery.from_reply({"optimization_spec": spec})
            self.assertFalse(found.is_bid_clear)

    def test_nonsense_is_no_price(self):
        nonsense = (
            None,
            [],
            {"optimization_spec": "x"},
            {"optimization_spec": {"bid_amount": -1}},
            {"message_send_ttl_seconds": -1},
            {"degrees_of_freedom_spec": [1]},
        )
        for value in nonsense:
            with self.subTest(value):
                found = TemplateDelivery.from_reply(value)
                self.assertEqual((found.bid, found.ttl_seconds, found.features), (None, None, {}))

    def test_the_onboarding_of_an_account(self):
        for raw, wanted in (("ONBOARDED", "ONBOARDED"), ("eligible ", "ELIGIBLE"), (None, "")):
            node = {"id": "1", "marketing_messages_onboarding_status": raw}
            self.assertEqual(Account.from_reply(node).onboarding, wanted)
        self.assertIsNone(Template.from_reply({"id": "1"}).delivery)


class TestCharge(PureCase):
    def _status(self, pricing):
        status = {"id": "wamid.1", "status": "delivered", "timestamp": "1790000000",
                  "recipient_id": "34600000000", "pricing": pricing}  # fmt: skip
        change = {"field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {}, "statuses": [status]}}  # fmt: skip
        [event] = parse_events({"object": "whatsapp_business_account",
                                "entry": [{"id": "2", "changes": [change]}]})  # fmt: skip
        return event

    def test_the_charge_is_read_from_the_status(self):
        event = self._status({"billable": True, "category": "marketing_lite", "type": "regular",
                              "cost": {"amount": 0.035, "currency": "usd"}})  # fmt: skip
        self.assertEqual((event.cost, event.cost_currency), (0.035, "USD"))

    def test_nonsense_is_no_charge(self):
        for cost in (None, 5, {"amount": "0.03"}, {"amount": -1}, {"amount": float("nan")}, {}):
            with self.subTest(cost):
                self.assertIsNone(self._status({"cost": cost}).cost)
