"""The local Cloud API (simulator/), driven from outside as the real one would be."""

import hashlib
import hmac
import http.client
import http.server
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from ..pure import PureCase

ROOT = Path(__file__).resolve().parents[2]
SECRET = "test-secret"
BUSINESS, ACCOUNT, OTHER_ACCOUNT = "100000000000001", "200000000000001", "200000000000002"
SPAIN, MEXICO, OUTLET = "400000000000001", "400000000000002", "400000000000003"
ANA = "+34611000001"
HOUR, DAY = 3600, 86400


def load_stats():
    """The figures module by its path: it stands alone, no package around it is needed."""
    spec = importlib.util.spec_from_file_location(
        "simulator_stats", ROOT / "simulator" / "stats.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STATS = load_stats()


class Receiver(http.server.ThreadingHTTPServer):
    """A webhook endpoint that keeps what it got; ``answers`` are used up before plain 200s."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.received, self.answers, self.verify_token = [], [], "verify-me"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def updates(self, field=None):
        """[(field, value)] of everything received, in order of arrival."""
        return [
            (change["field"], change["value"])
            for body, _headers in self.received
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
            if field in (None, change["field"])
        ]

    def statuses(self):
        return [
            status
            for _field, value in self.updates("messages")
            for status in value.get("statuses", [])
        ]

    def inbound(self):
        return [
            message
            for _field, value in self.updates("messages")
            for message in value.get("messages", [])
        ]


class ReceiverHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((body, dict(self.headers)))
        self._reply(self.server.answers.pop(0) if self.server.answers else 200, b"")

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        known = query.get("hub.verify_token") == [self.server.verify_token]
        good = known and query.get("hub.mode") == ["subscribe"]
        self._reply(200 if good else 403, query["hub.challenge"][0].encode() if good else b"no")

    def _reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Quiet."""


class Process:
    """The simulator as a real process on a port of its own choice."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", "0", "--app-secret", SECRET, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        return self.process.wait()

    def request(self, method, path, body=None, headers=None):
        """(status, body bytes, headers) of one request on its own connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read(), dict(reply.headers)
        finally:
            connection.close()

    def graph(self, method, path, body=None, token="SIM-TOKEN", version="v25.0"):
        """(status, JSON) of a Graph call."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        raw = None if body is None else json.dumps(body)
        status, text, _headers = self.request(method, f"/{version}/{path}", raw, headers)
        return status, json.loads(text)

    def control(self, method, path, body=None):
        """The JSON of a control call, which must succeed."""
        raw = None if body is None else json.dumps(body)
        status, text, _headers = self.request(method, f"/_control/{path}", raw)
        assert status == 200, text
        return json.loads(text)


def template_body(to=ANA, name="order_update", language="es", texts=("S00042",), **more):
    """A template send, positional unless ``texts`` is a dict of named values."""
    named = isinstance(texts, dict)
    parameters = [
        {"type": "text", "text": text, **({"parameter_name": key} if named else {})}
        for key, text in (texts.items() if named else enumerate(texts))
    ]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    components += more.pop("components", [])
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {"name": name, "language": {"code": language}, "components": components},
        **more,
    }


def kind_body(name, components):
    """One of the shop's templates of further kinds; its first variable is a name."""
    texts = {"first_name": "Ana"} if name == "weekend_offer" else ("Ana",)
    return template_body(name=name, language="en", texts=texts, components=components)


def sent_part(kind, content):
    return {"type": "header", "parameters": [{"type": kind, kind: content}]}


def sent_button(sub_type, index, **parameter):
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def sent_cards():
    cards = [
        {
            "card_index": index,
            "components": [
                sent_part("image", {"link": "https://demo-store.example/a.jpg"}),
                {"type": "body", "parameters": [{"type": "text", "text": "€9"}]},
                sent_button("url", "1", type="text", text="sofa"),
            ],
        }
        for index in range(2)
    ]
    return [{"type": "carousel", "cards": cards}]


def sent_offer():
    offer = {"expiration_time_ms": 1900000000000}
    return [
        sent_part("image", {"link": "https://demo-store.example/a.jpg"}),
        {
            "type": "limited_time_offer",
            "parameters": [{"type": "limited_time_offer", "limited_time_offer": offer}],
        },
        sent_button("copy_code", "0", type="coupon_code", coupon_code="CHAIR25"),
        sent_button("url", "1", type="text", text="chairs"),
    ]


def sent_products(sub_type="mpm", **action):
    return [sent_button(sub_type, "0", type="action", action=action)]


def sections(count=1, title="Sofas"):
    items = [{"product_retailer_id": f"S{number}"} for number in range(count)]
    return [{"title": title, "product_items": items}]


def edited(change):
    """A wrong version of complete components: `change` edits them."""

    def apply(components):
        change(components)
        return components

    return apply


def place(**values):
    return [sent_part("location", values)]


def other(components):
    return lambda _complete: components


KIND_REFUSALS = {
    ("new_arrivals", sent_cards): {
        "no carousel": (132012, other([])),
        "a card less": (132012, edited(lambda c: c[0]["cards"].pop())),
        "a card twice": (131009, edited(lambda c: c[0]["cards"][1].update(card_index=0))),
        "no picture": (132012, edited(lambda c: c[0]["cards"][1]["components"].pop(0))),
        "no text": (132000, edited(lambda c: c[0]["cards"][1]["components"].pop(1))),
        "long text": (
            132005,
            edited(lambda c: c[0]["cards"][0]["components"][1].update(
                parameters=[{"type": "text", "text": "x" * 160}])),
        ),
        "no link": (131008, edited(lambda c: c[0]["cards"][0]["components"].pop())),
        "cards are no list": (100, edited(lambda c: c[0].update(cards="x"))),
    },
    ("weekend_offer", sent_offer): {
        "no end": (131008, edited(lambda c: c.pop(1))),
        "seconds": (
            131009,
            edited(lambda c: c[1]["parameters"][0].update(
                limited_time_offer={"expiration_time_ms": 1900000000})),
        ),
        "empty": (
            131008, edited(lambda c: c[1]["parameters"][0].update(limited_time_offer={})),
        ),
        "twice": (132000, edited(lambda c: c[1]["parameters"].append({}))),
        "no code": (131008, edited(lambda c: c.pop(2))),
    },
    ("full_catalog", lambda: sent_products("catalog", thumbnail_product_retailer_id="S1")): {
        "no thumbnail": (131008, other(sent_products("catalog"))),
        "other button": (132012, other(sent_products(thumbnail_product_retailer_id="S1"))),
    },
    ("picked_for_you", lambda: sent_products(
        thumbnail_product_retailer_id="S1", sections=sections())): {
        "no button": (131008, other([])),
        "no sections": (100, other(sent_products(thumbnail_product_retailer_id="S1"))),
        "31 products": (131009, other(sent_products(
            thumbnail_product_retailer_id="S1", sections=sections(31)))),
        "long title": (131009, other(sent_products(
            thumbnail_product_retailer_id="S1", sections=sections(title="x" * 25)))),
        "no title": (131009, other(sent_products(
            thumbnail_product_retailer_id="S1", sections=sections(title="") * 2))),
        "no product": (131008, other(sent_products(
            thumbnail_product_retailer_id="S1", sections=sections(0)))),
    },
    ("book_visit", lambda: sent_products("flow", flow_token="t", flow_action_data={})): {
        "no button": (131008, other([])),
        "data": (131009, other(sent_products("flow", flow_action_data="x"))),
        "no action": (131008, other([sent_button("flow", "0", type="action")])),
    },
    ("store_opening", lambda: place(latitude="40.4", longitude="-3.7")): {
        "no place": (132012, other([])),
        "half a place": (131008, other(place(latitude="40.4"))),
        "off the map": (131009, other(place(latitude="90.5", longitude="0"))),
        "no number": (131009, other(place(latitude="40,4", longitude="0"))),
    },
    ("price_list", lambda: [sent_part("document", {"link": "https://x.example/a.pdf"})]): {
        "no address": (131008, other([sent_part("document", {"link": "www.x.example/a.pdf"})])),
        "a picture": (132012, other([sent_part("image", {"link": "https://x.example/a.jpg"})])),
    },
    ("share_number", list): {
        "a parameter": (132012, other([sent_button("quick_reply", "0", type="payload",
                                                    payload="x")])),
    },
}  # fmt: skip


def offer_body(to=ANA, payload=None, **more):
    """autumn_offer/es, complete; ``payload`` is put on the opt-out button."""
    components = [
        {
            "type": "button",
            "sub_type": "url",
            "index": "1",
            "parameters": [{"type": "text", "text": "sofas?u=1"}],
        }
    ]
    if payload:
        components.append(
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": payload}],
            }
        )
    return template_body(to, "autumn_offer", "es", ("Ana", "Roble"), components=components, **more)


def text_body(to=ANA, body="Hola", **more):
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "text",
        "text": {"body": body},
        **more,
    }


class SimulatorCase(PureCase):
    """One process and one receiver per class; every test begins with a fresh world."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.server_close)
        cls.addClassCleanup(cls.receiver.shutdown)
        cls.sim = Process("--webhook-url", cls.receiver.url)
        cls.addClassCleanup(cls.sim.stop)

    def setUp(self):
        super().setUp()
        self.sim.control("POST", "reset", {})
        self.sim.control(
            "POST",
            "delivery",
            {
                "url": self.receiver.url,
                "batch_max": 100,
                "batch_window": 0.0,
                "concurrency": 1,
                "duplicate_rate": 0,
                "reorder_rate": 0,
                "loss_rate": 0,
                "first_retry": 0.001,
                "longest_retry": 0.001,
                "give_up_after": 604800,
                "retry_factor": 1,
                "delays": {"sent": 0, "delivered": 0, "read": 0, "failed": 0, "inbound": 0},
            },
        )
        self.receiver.received.clear()
        self.receiver.answers.clear()

    def send(self, body, phone=SPAIN):
        return self.sim.graph("POST", f"{phone}/messages", body)

    def sent(self, body, phone=SPAIN):
        """The wamid of a send that must be accepted."""
        status, reply = self.send(body, phone)
        self.assertEqual(status, 200, reply)
        return reply["messages"][0]["id"]

    def code(self, body, phone=SPAIN):
        """The error code of a send that must be refused."""
        status, reply = self.send(body, phone)
        self.assertGreaterEqual(status, 400, reply)
        return reply["error"]["code"]

    def flush(self):
        self.assertTrue(self.sim.control("POST", "flush", {"hurry": True})["flushed"])

    def stats(self):
        return self.sim.control("GET", "stats")

    def log(self):
        return self.sim.control("GET", "log")["entries"]

    def template_id(self, name, language="es", account=ACCOUNT):
        _status, reply = self.sim.graph(
            "GET", f"{account}/message_templates?name={name}&language={language}&fields=id"
        )
        return reply["data"][0]["id"]


class TestCharges(SimulatorCase):
    def test_what_is_delivered_is_charged_by_the_list(self):
        people = {"+34611000002": "undeliverable", "+34611000003": "silent"}
        fates = [{"number": number, "behaviour": name} for number, name in people.items()]
        self.sim.control("POST", "behaviour", {"people": fates})
        prices = {"ES": {"marketing": 0.06, "utility": 0.02}, "*": {"utility": 0.03}}
        self.sim.control("POST", "prices", {"prices": prices})
        for number in ("+34611000001", *people, "+525512345678"):
            self.sent(template_body(number))
        self.flush()
        self.assertEqual(
            sorted(
                (one["country"], one["pricing_category"], one["amount"])
                for one in self.sim.control("GET", "charges")["charges"]
            ),
            [("ES", "UTILITY", 0.02), ("MX", "UTILITY", 0.03)],
        )

    def test_pricing_analytics(self):
        for number in ("+34611000001", "+34611000002"):
            self.sent(template_body(number))
        self.flush()
        path = f"{ACCOUNT}/pricing_analytics"
        period = "?start=1&end=9999999999&granularity=MONTHLY"
        dimensions = '&dimensions=["COUNTRY","PRICING_CATEGORY","PRICING_TYPE","PHONE"]'
        _status, reply = self.sim.graph("GET", path + period + dimensions)
        [point] = reply["data"][0]["data_points"]
        self.assertEqual(
            {name: point[name] for name in ("country", "pricing_type", "volume", "cost")},
            {"country": "ES", "pricing_type": "REGULAR", "volume": 2, "cost": 0.04},
        )
        self.sim.control("POST", "prices", {"extra_volume": 3, "credit_line": True})
        _status, reply = self.sim.graph("GET", path + period)
        [point] = reply["data"][0]["data_points"]
        self.assertEqual((point["volume"], "cost" in point), (5, False))
        for wrong in ("?start=1&end=2", "?granularity=DAILY", period + '&metric_types=["X"]'):
            self.assertEqual(self.sim.graph("GET", path + wrong)[0], 400)


class TestMessages(SimulatorCase):
    def test_reply_has_the_documented_shape(self):
        status, reply = self.send(template_body("+34 611 000 001"))
        self.assertEqual(status, 200)
        wamid = reply["messages"][0]["id"]
        self.assertTrue(wamid.startswith("wamid."))
        self.assertEqual(
            reply,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": "+34 611 000 001", "wa_id": "34611000001"}],
                "messages": [{"id": wamid, "message_status": "accepted"}],
            },
        )

    def test_whatsapp_ids_of_mexico_and_brazil_differ_from_the_number(self):
        for number, wa_id in (
            ("+525510002000", "5215510002000"),
            ("+5215510002000", "5215510002000"),
            ("+5541987654321", "554187654321"),
            ("+5511987654321", "5511987654321"),
        ):
            with self.subTest(number=number):
                reply = self.send(template_body(number))[1]
                self.assertEqual(reply["contacts"][0]["wa_id"], wa_id)

    def test_without_plus_the_senders_country_code_is_prepended(self):
        self.sent(template_body("611000001"))
        self.sent(template_body("5510009999", language="en"), MEXICO)
        self.assertEqual([e["recipient"] for e in self.log()], [ANA, "+525510009999"])

    def test_a_business_scoped_user_id_is_answered_with_user_id(self):
        self.sent(template_body())
        self.flush()
        user_id = self.receiver.statuses()[0]["recipient_user_id"]
        self.assertRegex(user_id, r"\AES\.[0-9]+\Z")
        body = template_body()
        del body["to"]
        reply = self.send({**body, "recipient": user_id})[1]
        self.assertEqual(reply["contacts"], [{"input": user_id, "user_id": user_id}])
        self.assertEqual(self.code({**body, "recipient": "ES.404"}), 131009)
        self.assertEqual(self.stats()["portfolios"][BUSINESS]["max_distinct_24h"], 1)

    def test_refusals(self):
        long_text = "x" * 1100
        image = {
            "type": "header",
            "parameters": [
                {"type": "image", "image": {"link": "https://demo-store.example/a.jpg"}}
            ],
        }
        ended = template_body()
        del ended["to"]
        cases = {
            "no product": (100, {**template_body(), "messaging_product": "sms"}),
            "unknown key": (100, {**template_body(), "colour": "red"}),
            "no recipient": (100, ended),
            "letters": (131009, template_body("+34 six")),
            "too short": (131009, template_body("+34611")),
            "not a string": (131009, template_body(34611000001)),
            "sender": (131021, template_body("+34600000001")),
            "opaque too long": (100, template_body(biz_opaque_callback_data="x" * 513)),
            "type": (131051, {**template_body(), "type": "sticker"}),
            "group": (100, {**template_body(), "recipient_type": "group"}),
            "no template": (100, {**template_body(), "template": None}),
            "no language": (100, {**template_body(), "template": {"name": "order_update"}}),
            "unknown template": (132001, template_body(name="nothing")),
            "language missing": (132001, template_body(language="fr")),
            "rejected": (132001, template_body(name="rejected_one", language="en", texts=())),
            "paused": (132015, template_body(name="old_promo", language="en")),
            "too few": (132000, template_body(texts=())),
            "too many": (132000, template_body(texts=("a", "b"))),
            "empty text": (131008, template_body(texts=("",))),
            "new line": (132018, template_body(texts=("a\nb",))),
            "spaces": (132018, template_body(texts=("a     b",))),
            "too long": (132005, template_body(texts=(long_text,))),
            "name in positional": (132012, template_body(texts={"x": "1"})),
            "wrong name": (
                132012,
                template_body(name="welcome_back", texts={"first_name": "Ana", "seller": "Luis"}),
            ),
            "positional in named": (
                132012,
                template_body(name="welcome_back", texts=("Ana", "Luis")),
            ),
            "no url suffix": (131008, template_body(name="autumn_offer", texts=("A", "B"))),
            "header missing": (132012, template_body(name="season_sale", language="en")),
            "header unexpected": (132000, template_body(components=[image])),
            "unknown medium": (
                131009,
                template_body(
                    name="season_sale",
                    language="en",
                    components=[
                        {
                            "type": "header",
                            "parameters": [{"type": "image", "image": {"id": "7404"}}],
                        }
                    ],
                ),
            ),
            "no such button": (
                132012,
                template_body(
                    components=[
                        {"type": "button", "sub_type": "url", "index": "0", "parameters": []}
                    ]
                ),
            ),
            "components": (
                100,
                {
                    **template_body(),
                    "template": {
                        "name": "order_update",
                        "language": {"code": "es"},
                        "components": "x",
                    },
                },
            ),
            "no text": (100, text_body(body="")),
            "window closed": (131047, text_body()),
        }
        for name, (code, body) in cases.items():
            with self.subTest(name):
                self.assertEqual(self.code(body), code)
        self.assertEqual(self.stats()["messages"]["accepted"], 0)
        self.assertEqual(self.code([]), 100)

    def test_each_kind_of_template_has_its_refusals(self):
        """A complete body is accepted; one wrong part of it is refused with Meta's code."""
        for (name, more), wrong in KIND_REFUSALS.items():
            complete = more()
            with self.subTest(name):
                self.sent(kind_body(name, complete))
            for what, (code, change) in wrong.items():
                with self.subTest(name, wrong=what):
                    self.assertEqual(self.code(kind_body(name, change(more()))), code)

    def test_error_envelope(self):
        status, reply = self.send(template_body(name="nothing"))
        error = reply["error"]
        self.assertEqual(status, 400)
        self.assertEqual((error["type"], error["code"]), ("OAuthException", 132001))
        self.assertEqual(error["error_data"]["messaging_product"], "whatsapp")
        self.assertIn("nothing", error["error_data"]["details"])
        self.assertTrue(error["message"].startswith("(#132001)"))
        self.assertTrue(error["fbtrace_id"])

    def test_everything_a_template_can_take(self):
        self.sent(offer_body(payload="STOP_PROMO"))
        self.sent(
            template_body(name="welcome_back", texts={"salesperson": "Luis", "first_name": "Ana"})
        )
        self.sent(
            template_body(
                name="season_sale",
                language="en",
                texts=("Ana",),
                components=[
                    {
                        "type": "header",
                        "parameters": [
                            {"type": "image", "image": {"link": "https://demo-store.example/a.jpg"}}
                        ],
                    }
                ],
            )
        )

    def test_free_text_needs_an_open_window_of_that_number(self):
        self.sim.control("POST", "inbound", {"phone_id": SPAIN, "number": ANA, "text": "Hola"})
        self.sent(text_body())
        self.assertEqual(self.code(text_body(), MEXICO), 131047)
        self.assertEqual(self.code(text_body(body="x" * 4097)), 100)
        self.sim.control("POST", "clock", {"advance": DAY - 60})
        self.sent(text_body())
        self.sim.control("POST", "clock", {"advance": 60})
        self.assertEqual(self.code(text_body()), 131047)
        self.sim.control("POST", "settings", {"window_error": "status"})
        self.sent(text_body())
        self.flush()
        self.assertEqual(self.receiver.statuses()[-1]["errors"][0]["code"], 131047)

    def _writes(self):
        self.sim.control("POST", "inbound", {"phone_id": SPAIN, "number": ANA, "text": "Hola"})

    def _of_kind(self, kind, content):
        body = {**text_body(), "type": kind, kind: content}
        del body["text"]
        return body

    def test_options_and_reactions_need_an_open_window_and_their_parts(self):
        buttons = [{"type": "reply", "reply": {"id": str(i), "title": str(i)}} for i in range(4)]
        rows = [{"id": str(index), "title": str(index)} for index in range(11)]

        def interactive(kind, **action):
            return self._of_kind(
                "interactive", {"type": kind, "body": {"text": "¿Va?"}, "action": action}
            )

        reaction = self._of_kind("reaction", {"message_id": "wamid.A", "emoji": "👍"})
        good = [
            interactive("button", buttons=buttons[:3]),
            interactive("list", button="Ver", sections=[{"rows": rows[:10]}]),
            reaction,
        ]
        for body in good:
            self.assertEqual(self.code(body), 131047)
        self._writes()
        for body in good:
            self.sent(body)
        for body in (
            interactive("button", buttons=buttons),
            interactive("button", buttons=[buttons[0], buttons[0]]),
            interactive("list", button="Ver", sections=[{"rows": rows}]),
            interactive("list", sections=[{"rows": rows[:1]}]),
        ):
            with self.subTest(body=body):
                self.assertEqual(self.code(body), 131009)
        self.assertEqual(self.code(self._of_kind("reaction", {"emoji": "👍"})), 100)
        self.assertEqual(self.code(interactive("flow")), 100)
        self.flush()
        statuses = [status["status"] for status in self.receiver.statuses()]
        self.assertEqual(statuses.count("sent"), 3)
        self.assertEqual(statuses.count("read"), 2, "nothing more is reported of a reaction")

    def test_a_message_is_marked_as_read(self):
        report = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"}
        for more, status in (
            ({}, 200), ({"typing_indicator": {"type": "text"}}, 200),
            ({"typing_indicator": {"type": "voice"}}, 400), ({"message_id": ""}, 400),
            ({"status": "delivered"}, 400), ({"messaging_product": "sms"}, 400),
        ):  # fmt: skip
            with self.subTest(more):
                self.assertEqual(self.send({**report, **more})[0], status)
        self.assertEqual(self.stats()["messages"]["accepted"], 0)

    def test_who_wrote_in_the_last_24_hours_can_be_blocked(self):
        path = f"{SPAIN}/block_users"
        body = {"messaging_product": "whatsapp", "block_users": [{"user": ANA}]}

        def blocked():
            return self.sim.graph("GET", path)[1]["data"][0]["block_users"]

        status, reply = self.sim.graph("POST", path, body)
        self.assertEqual((status, reply["error"]["code"]), (400, 139100))
        self._writes()
        self.assertEqual(self.sim.graph("POST", path, body)[0], 200)
        self.assertEqual(len(blocked()), 1)
        self.assertEqual(self.code(text_body()), 130403)
        self.assertEqual(self.sim.graph("DELETE", path, body)[0], 200)
        self.assertEqual(blocked(), [])
        self.sent(text_body())

    def test_states_of_number_and_account(self):
        cases = [
            ("number", {"id": SPAIN, "registered": False}, 133010),
            ("number", {"id": SPAIN, "maintenance": True}, 131057),
            ("number", {"id": SPAIN, "status": "DISCONNECTED"}, 131045),
            ("number", {"id": SPAIN, "status": "BANNED"}, 131031),
            ("number", {"id": SPAIN, "status": "RESTRICTED"}, 131048),
            ("account", {"id": ACCOUNT, "billing_problem": True}, 131042),
            ("account", {"id": ACCOUNT, "ban": "DISABLE"}, 131031),
            (
                "account",
                {
                    "id": ACCOUNT,
                    "restriction": {"type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "seconds": DAY},
                },
                368,
            ),
            (
                "account",
                {"id": ACCOUNT, "restriction": {"type": "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"}},
                368,
            ),
            ("account", {"id": ACCOUNT, "disable_marketing_messages_on_cloud_api": True}, 131063),
            ("template", {"name": "autumn_offer", "status": "DISABLED"}, 132016),
            ("template", {"name": "autumn_offer", "pause": 1}, 132015),
        ]
        for path, change, code in cases:
            with self.subTest(change=change):
                self.sim.control("POST", "reset", {})
                self.sim.control("POST", path, change)
                self.assertEqual(self.code(offer_body()), code)
        self.sim.control("POST", "reset", {})
        self.sim.control("POST", "account", {"id": ACCOUNT, "misclassified": True})
        self.assertEqual(self.code(template_body()), 131064)

    def test_a_restriction_ends_by_itself_or_by_hand(self):
        for change in ({"clock": {"advance": DAY}}, {"account": {"id": ACCOUNT, "lift": True}}):
            self.sim.control("POST", "reset", {})
            self.sim.control(
                "POST",
                "account",
                {
                    "id": ACCOUNT,
                    "restriction": {"type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "seconds": DAY},
                },
            )
            self.assertEqual(self.code(template_body()), 368)
            for path, body in change.items():
                self.sim.control("POST", path, body)
            self.sent(template_body())

    def test_media_is_uploaded_and_used(self):
        def upload(mimetype):
            parts = [
                ("messaging_product", "", b"whatsapp"),
                ("type", "", mimetype.encode()),
                ("file", f'; filename="a.bin"\r\nContent-Type: {mimetype}', b"\x89PNG"),
            ]
            body = (
                b"".join(
                    b'--B\r\nContent-Disposition: form-data; name="'
                    + name.encode()
                    + b'"'
                    + extra.encode()
                    + b"\r\n\r\n"
                    + value
                    + b"\r\n"
                    for name, extra, value in parts
                )
                + b"--B--\r\n"
            )
            status, text, _headers = self.sim.request(
                "POST",
                f"/v25.0/{SPAIN}/media",
                body,
                {
                    "Authorization": "Bearer SIM-TOKEN",
                    "Content-Type": "multipart/form-data; boundary=B",
                },
            )
            return status, json.loads(text)

        status, reply = upload("image/png")
        self.assertEqual(status, 200, reply)
        self.sent(
            template_body(
                name="season_sale",
                language="en",
                texts=("Ana",),
                components=[
                    {
                        "type": "header",
                        "parameters": [{"type": "image", "image": {"id": reply["id"]}}],
                    }
                ],
            )
        )
        status, reply = upload("application/x-msdownload")
        self.assertEqual(reply["error"]["code"], 131053)
        self.assertEqual(self.sim.graph("POST", f"{SPAIN}/media", {})[1]["error"]["code"], 100)


def mutations(value, replacement):
    """Every copy of a JSON value with one part of it replaced."""
    yield replacement
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        for changed in mutations(child, replacement):
            copy = value.copy()
            copy[key] = changed
            yield copy


class TestMalformedRequests(SimulatorCase):
    """No request body makes the server fail: it accepts or answers with an error envelope."""

    JUNK = (None, 7, "", "x", [], {}, [None], {"type": 1}, True)

    def check(self, path, body):
        status, reply = self.sim.graph("POST", path, body)
        if status != 200:
            self.assertIn(status, (400, 401, 403, 429), reply)
            self.assertIsInstance(reply["error"]["code"], int)

    def test_sends(self):
        self.sim.control(
            "POST", "settings", {"enforce_throughput": False, "enforce_pair_rate": False}
        )
        bodies = [
            offer_body(payload="P", biz_opaque_callback_data="o"),
            text_body(),
            template_body(
                name="season_sale",
                language="en",
                texts=("Ana",),
                components=[
                    {
                        "type": "header",
                        "parameters": [
                            {"type": "image", "image": {"link": "https://a.example/a.jpg"}}
                        ],
                    }
                ],
            ),
        ]
        for body in bodies:
            for junk in self.JUNK:
                for changed in mutations(body, junk):
                    with self.subTest(body=changed):
                        self.check(f"{SPAIN}/messages", changed)

    def test_templates(self):
        body = {
            "name": "x",
            "language": "es",
            "category": "UTILITY",
            "components": [
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["h"]}},
                {
                    "type": "BODY",
                    "text": "Hola {{1}}, gracias por venir.",
                    "example": {"body_text": [["Ana"]]},
                },
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {
                            "type": "URL",
                            "text": "Ver",
                            "url": "https://a.example/{{1}}",
                            "example": ["https://a.example/1"],
                        },
                        {"type": "PHONE_NUMBER", "text": "Llamar", "phone_number": "+34600000001"},
                    ],
                },
            ],
        }
        for junk in self.JUNK:
            for changed in mutations(body, junk):
                with self.subTest(body=changed):
                    self.check(f"{ACCOUNT}/message_templates", changed)
                    self.check(f"{ACCOUNT}/subscribed_apps", changed)


class TestLimits(SimulatorCase):
    def setUp(self):
        super().setUp()
        self.sim.control("POST", "behaviour", {"delivered_rate": 0})

    def test_messages_per_second_in_a_true_sliding_window(self):
        self.sim.control("POST", "number", {"id": SPAIN, "messages_per_second": 3})
        bodies = [template_body(f"+346120000{i:02d}") for i in range(40)]
        with ThreadPoolExecutor(8) as pool:
            codes = {
                reply.get("error", {}).get("code", 0) for _s, reply in pool.map(self.send, bodies)
            }
        self.assertEqual(codes, {0, 130429})
        accepted = []
        for entry in self.log():
            at = entry["received_at"]
            recent = sum(at - 1 < earlier for earlier in accepted)
            self.assertEqual(entry["outcome"], "accepted" if recent < 3 else "refused")
            if recent < 3:
                accepted.append(at)
        self.assertEqual(self.stats()["numbers"][SPAIN]["max_accepted_1s"], 3)

    def test_throughput_can_be_left_unenforced(self):
        self.sim.control("POST", "settings", {"enforce_throughput": False})
        self.sim.control("POST", "number", {"id": SPAIN, "messages_per_second": 1})
        for i in range(5):
            self.sent(template_body(f"+3461200000{i}"))

    def test_pair_rate_is_one_per_six_seconds_with_a_burst_of_45(self):
        for _i in range(60):
            self.send(template_body())
        tokens, last = 45.0, None
        for entry in self.log():
            at = entry["received_at"]
            tokens = min(45.0, tokens + (at - (at if last is None else last)) / 6)
            last = at
            fits = tokens >= 1
            self.assertEqual(entry["code"], 0 if fits else 131056)
            tokens -= fits
        self.assertEqual(self.code(template_body()), 131056)
        self.sent(template_body("+34612000099"))
        self.sent(template_body(), MEXICO)
        self.sim.control("POST", "clock", {"advance": 6})
        self.sent(template_body())

    def test_management_quota(self):
        self.sim.control("POST", "settings", {"management_quota": 2})
        calls = [ACCOUNT, f"{ACCOUNT}/phone_numbers", f"{ACCOUNT}/message_templates"]
        answers = [self.sim.graph("GET", path) for path in calls]
        self.assertEqual([status for status, _reply in answers], [200, 200, 429])
        self.assertEqual(answers[2][1]["error"]["code"], 80007)
        self.assertEqual(self.sim.graph("GET", OTHER_ACCOUNT)[0], 200)
        self.assertEqual(self.sim.graph("GET", SPAIN)[0], 200)
        self.sim.control("POST", "clock", {"advance": HOUR})
        self.assertEqual(self.sim.graph("GET", ACCOUNT)[0], 200)

    def test_people_are_counted_per_portfolio_over_24_hours(self):
        self.sent(template_body("+34612000001"))
        self.sent(template_body("+34612000001"), OUTLET)
        self.sent(template_body("+34612000002"), MEXICO)
        self.sim.control("POST", "clock", {"advance": 23 * HOUR})
        self.sent(template_body("+34612000003"), OUTLET)
        self.sim.control("POST", "clock", {"advance": 2 * HOUR})
        self.sent(template_body("+34612000004"))
        portfolio = self.stats()["portfolios"][BUSINESS]
        self.assertEqual(portfolio["max_distinct_24h"], 3)
        self.assertEqual(portfolio["current_distinct_24h"], 2)
        self.assertEqual(portfolio["distinct_ever"], 4)

    def test_people_inside_a_service_window_do_not_count(self):
        self.sim.control("POST", "inbound", {"phone_id": SPAIN, "number": ANA, "text": "Hola"})
        self.sent(template_body())
        self.assertEqual(self.stats()["messages"]["counted"], 0)
        self.sent(template_body(), OUTLET)
        self.assertEqual(self.stats()["portfolios"][BUSINESS]["max_distinct_24h"], 1)

    def test_duplicates_are_listed_whether_accepted_or_not(self):
        self.sent(template_body(biz_opaque_callback_data="once"))
        self.sent(template_body(biz_opaque_callback_data="twice"))
        self.sent(template_body("+34612000001", biz_opaque_callback_data="twice"), MEXICO)
        self.code(template_body(name="nothing", biz_opaque_callback_data="refused"))
        self.sent(template_body(biz_opaque_callback_data="refused"))
        stats = self.stats()
        self.assertEqual(
            [(d["opaque"], d["requests"], d["accepted"]) for d in stats["duplicates"]],
            [("twice", 2, 2), ("refused", 2, 1)],
        )
        self.assertEqual([d["opaque"] for d in stats["accepted_twice"]], ["twice"])
        self.assertEqual(stats["duplicates"][0]["recipients"], ["+34611000001", "+34612000001"])

    def test_shortest_interval_of_a_pair(self):
        for _i in range(3):
            self.sent(template_body())
        times = [e["received_at"] for e in self.log()]
        shortest = min(times[1] - times[0], times[2] - times[1])
        stats = self.stats()
        self.assertEqual(stats["pairs"], {f"{SPAIN}|34611000001": shortest})
        self.assertEqual(stats["numbers"][SPAIN]["shortest_pair_interval"], shortest)


class TestWorld(SimulatorCase):
    def test_it_can_be_read_whatever_was_sent(self):
        self.sent(template_body("+34611000001"))
        self.flush()
        world = self.sim.control("GET", "world")
        counts = [one["days"] for one in world["templates"] if one["days"]]
        [(product, days)] = counts[0].items()
        self.assertEqual(product, "CLOUD_API")
        self.assertEqual(next(iter(days.values()))["sent"], 1)


class TestFigures(PureCase):
    """stats.py against plain definitions."""

    def test_table(self):
        table = [
            ([], 10, (0, None)),
            ([(0, "a"), (0, "a")], 10, (1, 0)),
            ([(0, "a"), (9, "b")], 10, (2, 9)),
            ([(0, "a"), (10, "b")], 10, (1, 0)),
            ([(0, "a"), (5, "b"), (9, "a"), (12, "c")], 10, (3, 12)),
        ]
        for events, window, expected in table:
            with self.subTest(events=events):
                self.assertEqual(STATS.max_distinct(events, window), expected)
        self.assertEqual(STATS.max_count([0, 0.5, 1, 1.2], 1), 3)
        self.assertEqual(STATS.max_count([], 1), 0)
        self.assertEqual(
            STATS.shortest_intervals([(0, "a"), (1, "b"), (5, "a"), (6, "a")]), {"a": 1}
        )

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abcdef"))), st.integers(1, 30))
    def test_sliding_distinct_count_equals_brute_force(self, events, window):
        events.sort(key=lambda event: event[0])
        brute = [
            len({key for at, key in events if end - window < at <= end}) for end, _key in events
        ]
        most, at = STATS.max_distinct(events, window)
        self.assertEqual(most, max(brute, default=0))
        if events:
            self.assertEqual(at, events[brute.index(most)][0])
            self.assertEqual(STATS.distinct_now(events, window, events[-1][0]), brute[-1])

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 60)), st.integers(1, 30))
    def test_sliding_count_equals_brute_force(self, times, window):
        times.sort()
        brute = max((sum(end - window < at <= end for at in times) for end in times), default=0)
        self.assertEqual(STATS.max_count(times, window), brute)


class TestNodes(SimulatorCase):
    def get(self, path, **options):
        status, reply = self.sim.graph("GET", path, **options)
        self.assertEqual(status, 200, reply)
        return reply

    def test_default_and_requested_fields(self):
        self.assertEqual(
            self.get(SPAIN),
            {
                "id": SPAIN,
                "display_phone_number": "+34 600 000 001",
                "verified_name": "Demo Store ES",
                "quality_rating": "GREEN",
            },
        )
        reply = self.get(
            SPAIN + "?fields=status,throughput,quality_score,is_on_biz_app,"
            "name_status,code_verification_status,platform_type,account_mode,"
            "whatsapp_business_manager_messaging_limit,webhook_configuration"
        )
        self.assertEqual(
            reply,
            {
                "id": SPAIN,
                "status": "CONNECTED",
                "throughput": {"level": "STANDARD"},
                "quality_score": {"score": "GREEN"},
                "is_on_biz_app": False,
                "name_status": "APPROVED",
                "code_verification_status": "VERIFIED",
                "platform_type": "CLOUD_API",
                "account_mode": "LIVE",
                "whatsapp_business_manager_messaging_limit": "TIER_250",
                "webhook_configuration": {"application": self.receiver.url},
            },
        )

    def test_account_business_and_template(self):
        fields = quote(
            "currency,owner_business_info{id,name},account_review_status,"
            "on_behalf_of_business_info{name},business_verification_status,"
            "marketing_messages_onboarding_status,"
            "disable_marketing_messages_on_cloud_api,"
            "whatsapp_business_manager_messaging_limit"
        )
        self.assertEqual(
            self.get(f"{ACCOUNT}?fields={fields}"),
            {
                "id": ACCOUNT,
                "currency": "EUR",
                "owner_business_info": {"id": BUSINESS, "name": "Demo Portfolio"},
                "account_review_status": "APPROVED",
                "on_behalf_of_business_info": {"id": BUSINESS, "name": "Demo Portfolio"},
                "business_verification_status": "verified",
                "marketing_messages_onboarding_status": "ELIGIBLE",
                "disable_marketing_messages_on_cloud_api": False,
                "whatsapp_business_manager_messaging_limit": "TIER_250",
            },
        )
        self.assertEqual(self.get(ACCOUNT)["timezone_id"], "312")
        self.assertEqual(self.get(BUSINESS), {"id": BUSINESS, "name": "Demo Portfolio"})
        template = self.template_id("autumn_offer")
        self.assertEqual(
            self.get(f"{template}?fields=quality_score,status,rejected_reason"),
            {
                "id": template,
                "status": "APPROVED",
                "rejected_reason": "NONE",
                "quality_score": {"score": "GREEN", "date": 1788000000},
            },
        )

    def test_unknown_fields_ids_versions_and_paths(self):
        cases = [
            (f"{SPAIN}?fields=colour", 100),
            (f"{ACCOUNT}?fields=colour", 100),
            (f"{BUSINESS}?fields=health_status", 100),
            (f"{SPAIN}?fields=a{{", 2500),
            (f"{SPAIN}/nothing", 2500),
        ]
        for path, code in cases:
            with self.subTest(path):
                self.assertEqual(self.sim.graph("GET", path)[1]["error"]["code"], code)
        status, reply = self.sim.graph("GET", "999")
        self.assertEqual(
            (status, reply["error"]["code"], reply["error"]["error_subcode"]), (400, 100, 33)
        )
        self.assertEqual(self.code(template_body(), "999"), 100)
        self.assertEqual(self.sim.graph("GET", SPAIN, version="25")[1]["error"]["code"], 2500)
        limit = f"{SPAIN}?fields=whatsapp_business_manager_messaging_limit"
        self.assertEqual(self.sim.graph("GET", limit, version="v23.0")[1]["error"]["code"], 100)
        self.assertEqual(self.get(SPAIN, version="v99.9")["id"], SPAIN)

    def test_health(self):
        def health(node):
            return self.get(f"{node}?fields=health_status")["health_status"]

        kinds = [e["entity_type"] for e in health(SPAIN)["entities"]]
        self.assertEqual(kinds, ["PHONE_NUMBER", "WABA", "BUSINESS", "APP"])
        self.assertEqual(health(SPAIN)["can_send_message"], "AVAILABLE")
        self.assertEqual(health(self.template_id("old_promo", "en"))["can_send_message"], "BLOCKED")
        self.sim.control("POST", "number", {"id": SPAIN, "name_status": "PENDING_REVIEW"})
        self.assertEqual(health(SPAIN)["can_send_message"], "LIMITED")
        self.assertTrue(health(SPAIN)["entities"][0]["additional_info"])
        self.sim.control("POST", "account", {"id": ACCOUNT, "billing_problem": True})
        blocked = health(ACCOUNT)
        self.assertEqual(blocked["can_send_message"], "BLOCKED")
        self.assertEqual(
            set(blocked["entities"][0]["errors"][0]),
            {"error_code", "error_description", "possible_solution"},
        )

    def test_lists_follow_cursors(self):
        def walk(path):
            found = []
            while path:
                reply = self.get(path)
                found += reply["data"]
                path = reply.get("paging", {}).get("next", "").partition("/v25.0/")[2]
            return found

        numbers = walk(f"{ACCOUNT}/phone_numbers?limit=1&fields=display_phone_number")
        self.assertEqual([n["id"] for n in numbers], [SPAIN, MEXICO])
        templates = walk(f"{ACCOUNT}/message_templates?limit=2&fields=name,language,components")
        self.assertEqual(len({(t["name"], t["language"]) for t in templates}), 19)
        self.assertEqual(
            walk(f"{ACCOUNT}/message_templates?limit=100"),
            walk(f"{ACCOUNT}/message_templates?limit=4"),
        )
        first = self.get(f"{ACCOUNT}/message_templates?limit=4")
        second = self.get(first["paging"]["next"].partition("/v25.0/")[2])
        back = self.get(second["paging"]["previous"].partition("/v25.0/")[2])
        self.assertEqual(back["data"], first["data"])
        self.assertGreater(int(templates[0]["id"]), 2**53)

    def test_bad_cursors_and_limits(self):
        for path, code in (
            (f"{ACCOUNT}/message_templates?after=zzz", 131059),
            (f"{ACCOUNT}/phone_numbers?after=zzz", 100),
            (f"{ACCOUNT}/phone_numbers?limit=x", 100),
        ):
            self.assertEqual(self.sim.graph("GET", path)[1]["error"]["code"], code)

    def test_template_filters(self):
        for query, count in (
            ("status=PAUSED", 1),
            ("category=UTILITY", 3),
            ("language=en", 16),
            ("name=autumn_offer", 2),
            ("name=nothing", 0),
        ):
            with self.subTest(query):
                self.assertEqual(
                    len(self.get(f"{ACCOUNT}/message_templates?{query}")["data"]), count
                )

    def test_tokens(self):
        self.sim.control("POST", "token", {"token": "NARROW", "account_ids": [OTHER_ACCOUNT]})
        self.sim.control(
            "POST", "token", {"token": "READER", "scopes": ["whatsapp_business_management"]}
        )
        self.assertEqual(self.sim.graph("GET", SPAIN, token="NARROW")[1]["error"]["code"], 100)
        self.assertEqual(self.sim.graph("GET", OUTLET, token="NARROW")[0], 200)
        self.assertEqual(self.sim.graph("GET", BUSINESS, token="NARROW")[0], 200)
        status, reply = self.sim.graph("POST", f"{SPAIN}/messages", template_body(), "READER")
        self.assertEqual((status, reply["error"]["code"]), (403, 200))
        for token, code in ((None, 200), ("WRONG", 190)):
            status, reply = self.sim.graph("GET", SPAIN, token=token)
            self.assertEqual((status, reply["error"]["code"]), (401, code))
        self.assertEqual(
            self.sim.graph("GET", f"{SPAIN}?access_token=SIM-TOKEN", token=None)[0], 200
        )
        self.sim.control("POST", "token", {"token": "SIM-TOKEN", "valid": False})
        reply = self.sim.graph("GET", SPAIN)[1]
        self.assertEqual((reply["error"]["code"], reply["error"]["error_subcode"]), (190, 463))

    def test_debug_token(self):
        data = self.get("debug_token?input_token=SIM-TOKEN")["data"]
        self.assertEqual(
            (data["is_valid"], data["expires_at"], data["app_id"]), (True, 0, "300000000000001")
        )
        self.assertIn("whatsapp_business_messaging", data["scopes"])
        self.sim.control("POST", "token", {"token": "OLD", "expires_at": 1})
        self.assertFalse(self.get("debug_token?input_token=OLD")["data"]["is_valid"])
        self.assertFalse(self.get("debug_token?input_token=?")["data"]["is_valid"])


class TestTemplates(SimulatorCase):
    def create_template(self, **changes):
        body = {
            "name": "new_sale",
            "language": "es",
            "category": "MARKETING",
            "components": [
                {
                    "type": "BODY",
                    "text": "Hola {{1}}, hay rebajas en la tienda.",
                    "example": {"body_text": [["Ana"]]},
                }
            ],
        }
        return self.sim.graph("POST", f"{ACCOUNT}/message_templates", {**body, **changes})

    def test_create_review_and_use(self):
        status, reply = self.create_template()
        self.assertEqual(
            (status, reply["status"], reply["category"]), (200, "PENDING", "MARKETING")
        )
        self.assertEqual(self.code(template_body(name="new_sale")), 132001)
        self.sim.control("POST", "template", {"id": reply["id"], "status": "APPROVED"})
        self.sent(template_body(name="new_sale"))
        self.flush()
        value = self.receiver.updates("message_template_status_update")[0][1]
        self.assertEqual(
            value,
            {
                "event": "APPROVED",
                "message_template_id": int(reply["id"]),
                "message_template_name": "new_sale",
                "message_template_language": "es",
                "reason": "NONE",
                "message_template_category": "MARKETING",
            },
        )
        self.assertEqual(self.create_template()[1]["error"]["error_subcode"], 2388024)

    def test_creation_rules(self):
        def body(text, **more):
            return {
                "components": [
                    {"type": "BODY", "text": text, "example": {"body_text": [["x"]]}, **more}
                ]
            }

        def buttons(*found):
            return {
                "components": [
                    {"type": "BODY", "text": "Hola"},
                    {"type": "BUTTONS", "buttons": list(found)},
                ]
            }

        reply, url = (
            {"type": "QUICK_REPLY", "text": "Baja"},
            {"type": "URL", "text": "Ver", "url": "https://demo-store.example/{{1}}"},
        )
        cases = {
            "name": {"name": "Nueva Oferta"},
            "category": {"category": "SALE"},
            "language": {"language": "spanish!"},
            "no components": {"components": []},
            "format": {"parameter_format": "OTHER"},
            "too long": body("x" * 1025),
            "leading": body("{{1}} hay rebajas en la tienda"),
            "trailing": body("Hay rebajas en la tienda para {{1}}"),
            "gap": body("Hola {{2}}, hay rebajas en la tienda."),
            "ratio": body("a {{1}} b {{2}} c"),
            "no example": body("Hola {{1}}, hay", example={}),
            "named in positional": body("Hola {{name}}, hay rebajas."),
            "unknown part": {"components": [{"type": "BODY", "text": "x"}, {"type": "SIDE"}]},
            "footer": {
                "components": [{"type": "BODY", "text": "x"}, {"type": "FOOTER", "text": "y" * 61}]
            },
            "header": {
                "components": [{"type": "BODY", "text": "x"}, {"type": "HEADER", "format": "SOUND"}]
            },
            "media header": {
                "components": [{"type": "BODY", "text": "x"}, {"type": "HEADER", "format": "IMAGE"}]
            },
            "no buttons": buttons(),
            "label": buttons({**reply, "text": "x" * 26}),
            "split replies": buttons(
                reply,
                {"type": "PHONE_NUMBER", "text": "Llamar", "phone_number": "+34600000001"},
                reply,
            ),
            "three urls": buttons(
                {**url, "url": "https://a.example"},
                {**url, "url": "https://b.example"},
                {**url, "url": "https://c.example"},
            ),
            "url example": buttons(url),
            "url": buttons({**url, "url": "ftp://x"}),
            "url middle": buttons({**url, "url": "https://a.example/{{1}}/b", "example": ["x"]}),
            "button kind": buttons({"type": "MAGIC", "text": "x"}),
            "phone": buttons({"type": "PHONE_NUMBER", "text": "x", "phone_number": ""}),
        }
        for name, changes in cases.items():
            with self.subTest(name):
                self.assertEqual(self.create_template(**changes)[1]["error"]["code"], 100)
        self.assertEqual(
            self.create_template(
                parameter_format="NAMED",
                **body(
                    "Hola {{first_name}}, hay rebajas.",
                    example={
                        "body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]
                    },
                ),
            )[0],
            200,
        )

    def test_edit(self):
        template = self.template_id("order_update")
        components = [{"type": "body", "text": "Tu pedido ya está en camino."}]
        self.assertEqual(self.sim.graph("POST", template, {"category": "MARKETING"})[0], 400)
        self.assertEqual(
            self.sim.graph("POST", template, {"components": components}), (200, {"success": True})
        )
        self.sim.control("POST", "template", {"id": template, "status": "APPROVED"})
        self.sent(template_body(texts=()))
        self.assertEqual(self.sim.graph("POST", template, {"components": components})[0], 400)
        self.sim.control("POST", "clock", {"advance": DAY})
        self.assertEqual(self.sim.graph("POST", template, {"components": components})[0], 200)
        self.assertEqual(self.sim.graph("POST", template, {"components": components})[0], 400)

    def test_delete(self):
        path = f"{ACCOUNT}/message_templates"
        template = self.template_id("autumn_offer", "en")
        self.assertEqual(self.sim.graph("DELETE", path)[0], 400)
        self.assertEqual(
            self.sim.graph("DELETE", f"{path}?name=autumn_offer&hsm_id={template}")[0], 200
        )
        self.sent(offer_body())
        self.assertEqual(self.sim.graph("DELETE", f"{path}?name=autumn_offer")[0], 200)
        self.assertEqual(self.code(offer_body()), 132001)
        self.assertEqual(self.sim.graph("DELETE", f"{path}?name=autumn_offer")[0], 400)
        refusal = self.create_template(name="autumn_offer")[1]["error"]
        self.assertEqual(refusal["error_subcode"], 2388023)
        self.flush()
        reasons = [v["reason"] for _f, v in self.receiver.updates("message_template_status_update")]
        self.assertEqual(reasons, [None, None])

    def test_pauses(self):
        template = self.template_id("autumn_offer")
        self.sim.control("POST", "template", {"id": template, "pause": 1, "pause_seconds": 3600})
        self.assertEqual(self.sim.graph("POST", f"{template}/unpause")[0], 400)
        self.sim.control("POST", "template", {"id": template, "pause": 0})
        self.assertEqual(self.sim.graph("POST", f"{template}/unpause"), (200, {"success": True}))
        self.assertEqual(self.sim.graph("POST", f"{template}/unpause")[0], 400)
        self.sim.control("POST", "template", {"id": template, "pause": 3})
        self.flush()
        titles = [
            (v["event"], v["other_info"]["title"])
            for _f, v in self.receiver.updates("message_template_status_update")
        ]
        self.assertEqual(
            titles,
            [
                ("PAUSED", "FIRST_PAUSE"),
                ("PAUSED", "RATE_LIMITING_PAUSE"),
                ("APPROVED", "UNPAUSE"),
                ("DISABLED", "DISABLED"),
            ],
        )

    def test_a_pause_and_a_review_end_by_themselves(self):
        template = self.template_id("autumn_offer")
        self.sim.control("POST", "settings", {"template_review_seconds": 0})
        self.create_template()
        self.sim.control("POST", "template", {"id": template, "pause": 2, "pause_seconds": 0})
        while len(self.receiver.updates("message_template_status_update")) < 3:
            self.flush()
        self.sent(template_body(name="new_sale"))
        self.sent(offer_body())

    def test_pacing_holds_then_releases_or_drops(self):
        for ending, last_status, code in (
            ({"release": True}, "read", None),
            ({"drop": 132015}, "failed", 132015),
            ({"drop": 135000}, "failed", 135000),
        ):
            with self.subTest(ending=ending):
                self.setUp()
                template = self.template_id("autumn_offer")
                self.sim.control("POST", "template", {"id": template, "hold_after": 1})
                self.sent(offer_body())
                reply = self.send(offer_body("+34612000002"))[1]
                self.assertEqual(
                    reply["messages"][0]["message_status"], "held_for_quality_assessment"
                )
                held = reply["messages"][0]["id"]
                self.flush()
                self.assertNotIn(held, [s["id"] for s in self.receiver.statuses()])
                self.sim.control("POST", "template", {"id": template, **ending})
                self.flush()
                mine = [s for s in self.receiver.statuses() if s["id"] == held]
                self.assertEqual(mine[-1]["status"], last_status)
                if code:
                    self.assertEqual(mine[0]["errors"][0]["code"], code)
                    self.assertEqual(self.code(offer_body("+34612000003")), 132015)
                    quality = self.receiver.updates("message_template_quality_update")[0][1]
                    self.assertEqual(
                        (quality["previous_quality_score"], quality["new_quality_score"]),
                        ("GREEN", "RED"),
                    )
                self.assertEqual(self.stats()["portfolios"][BUSINESS]["max_distinct_24h"], 2)

    def test_compare(self):
        one, two = self.template_id("order_update"), self.template_id("order_update", "en")
        self.sim.control("POST", "settings", {"compare_minimum": 1})
        self.sim.control(
            "POST", "template", {"id": one, "block_rate": 0.02, "top_block_reason": "SPAM"}
        )
        start = int(self.stats()["now"]) - 604800 + 60
        path = f"{one}/compare?template_ids=[{two}]&start={start}&end={start + 604800}"
        self.sent(template_body())
        self.assertEqual(self.sim.graph("GET", path)[1]["error"]["code"], 100)
        self.sent(template_body(language="en"))
        data = self.sim.graph("GET", path)[1]["data"]
        self.assertEqual(
            data[0],
            {"metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": [two, one]},
        )
        self.assertEqual([row["value"] for row in data[1]["number_values"]], [1, 1])
        self.assertEqual(data[2]["string_values"][0], {"key": one, "value": "SPAM"})
        for bad in (
            f"{one}/compare?template_ids=[{one}]&start=0&end=604800",
            f"{one}/compare?template_ids=[{two}]&start=0&end=1000",
            f"{one}/compare?template_ids=[{two}]",
        ):
            self.assertEqual(self.sim.graph("GET", bad)[0], 400)


class TestWebhooks(SimulatorCase):
    def test_statuses_of_a_message_are_signed_and_complete(self):
        wamid = self.sent(offer_body(biz_opaque_callback_data="our-uuid"))
        self.flush()
        for body, headers in self.receiver.received:
            expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            self.assertEqual(headers["X-Hub-Signature-256"], f"sha256={expected}")
            self.assertEqual(json.loads(body)["object"], "whatsapp_business_account")
        statuses = self.receiver.statuses()
        self.assertEqual([s["status"] for s in statuses], ["sent", "delivered", "read"])
        price = {
            "billable": True,
            "pricing_model": "PMP",
            "type": "regular",
            "category": "marketing",
        }
        self.assertEqual(
            statuses[0],
            {
                "id": wamid,
                "status": "sent",
                "timestamp": statuses[0]["timestamp"],
                "recipient_id": "34611000001",
                "biz_opaque_callback_data": "our-uuid",
                "recipient_user_id": statuses[0]["recipient_user_id"],
                "pricing": price,
            },
        )
        self.assertTrue(statuses[0]["timestamp"].isdigit())
        self.assertEqual([s.get("pricing") for s in statuses], [price, price, None])
        value = self.receiver.updates("messages")[0][1]
        self.assertEqual(
            value["metadata"], {"display_phone_number": "34600000001", "phone_number_id": SPAIN}
        )
        self.assertEqual(value["contacts"][0]["wa_id"], "34611000001")

    def test_behaviours(self):
        expected = {
            "undeliverable": ["failed"],
            "silent": ["sent"],
            "delivered": ["sent", "delivered"],
            "read": ["sent", "delivered", "read"],
            "reply": ["sent", "delivered", "read"],
            "stop": ["sent", "delivered", "read"],
            "preferences_stop": ["sent", "delivered", "read"],
        }
        people = {kind: f"+3461200000{i}" for i, kind in enumerate(expected)}
        self.sim.control(
            "POST",
            "behaviour",
            {
                "stop_kinds": ["text"],
                "people": [
                    {"number": number, "behaviour": kind} for kind, number in people.items()
                ],
            },
        )
        wamids = {kind: self.sent(offer_body(number)) for kind, number in people.items()}
        self.flush()
        for kind, wanted in expected.items():
            with self.subTest(kind):
                mine = [s for s in self.receiver.statuses() if s["id"] == wamids[kind]]
                self.assertEqual([s["status"] for s in mine], wanted)
        senders = [m["from"] for m in self.receiver.inbound()]
        self.assertEqual(senders, [people["reply"][1:], people["stop"][1:]])
        self.assertIn(self.receiver.inbound()[1]["text"]["body"], ("BAJA", "STOP"))
        stop = self.receiver.updates("user_preferences")[0][1]
        self.assertEqual(stop["user_preferences"][0]["wa_id"], people["preferences_stop"][1:])

    def test_failed_status(self):
        self.sim.control("POST", "behaviour", {"people": [{"number": ANA, "error": 131049}]})
        self.sent(offer_body())
        self.flush()
        value = self.receiver.updates("messages")[0][1]
        self.assertNotIn("contacts", value)
        error = value["statuses"][0]["errors"][0]
        self.assertEqual(error["code"], 131049)
        self.assertEqual(set(error), {"code", "title", "message", "error_data", "href"})

    def test_people_behave_the_same_every_time(self):
        rules = {"seed": 7, "undeliverable_rate": 0.3, "delivered_rate": 0.7, "read_rate": 0.5}
        runs = []
        for _run in range(2):
            self.setUp()
            self.sim.control("POST", "behaviour", rules)
            for i in range(30):
                self.sent(template_body(f"+346120000{i:02d}"))
            self.flush()
            runs.append(sorted((s["recipient_id"], s["status"]) for s in self.receiver.statuses()))
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(
            {status for _r, status in runs[0]}, {"failed", "sent", "delivered", "read"}
        )

    def test_an_opt_out_button_carries_our_payload_and_context(self):
        self.sim.control("POST", "behaviour", {"stop_rate": 1, "stop_kinds": ["button"]})
        wamid = self.sent(offer_body(payload="STOP_PROMO"))
        self.flush()
        message = self.receiver.inbound()[0]
        self.assertEqual(message["button"], {"payload": "STOP_PROMO", "text": "Baja"})
        self.assertEqual(message["context"], {"from": "34600000001", "id": wamid})

    def test_a_stop_in_the_preferences_lasts_until_resumed(self):
        change = {"phone_id": SPAIN, "number": ANA, "value": "stop"}
        self.sim.control("POST", "preferences", change)
        self.flush()
        preference = self.receiver.updates("user_preferences")[0][1]["user_preferences"][0]
        self.assertEqual(
            preference,
            {
                "wa_id": "34611000001",
                "user_id": preference["user_id"],
                "value": "stop",
                "detail": "User requested to stop marketing messages",
                "category": "marketing_messages",
                "timestamp": preference["timestamp"],
            },
        )
        self.assertIsInstance(preference["timestamp"], int)
        self.sent(offer_body(), OUTLET)
        self.sent(template_body())
        self.flush()
        statuses = self.receiver.statuses()
        self.assertEqual(statuses[0]["errors"][0]["code"], 131050)
        self.assertEqual(statuses[-1]["status"], "read")
        self.assertEqual([row["recipient"] for row in self.stats()["against_will"]], [ANA])
        self.sim.control("POST", "preferences", {**change, "value": "resume"})
        self.sent(offer_body())
        self.flush()
        self.assertEqual(self.receiver.statuses()[-1]["status"], "read")
        self.assertEqual(len(self.stats()["against_will"]), 1)

    def test_a_typed_stop_counts_once_the_business_was_told(self):
        self.receiver.answers = [503]
        self.sim.control("POST", "delivery", {"first_retry": 1000, "longest_retry": 1000})
        self.sim.control("POST", "inbound", {"phone_id": SPAIN, "number": ANA, "text": " Baja "})
        while not self.receiver.received:
            self.log()
        self.sent(offer_body())
        self.assertEqual(self.stats()["against_will"], [])
        self.flush()
        self.sent(template_body())
        self.sent(offer_body())
        self.assertEqual(len(self.stats()["against_will"]), 1)

    def test_inbound_messages(self):
        person = {"phone_id": SPAIN, "number": ANA}
        self.sim.control(
            "POST",
            "behaviour",
            {"people": [{"number": ANA, "name": "Ana", "username": "ana_roble"}]},
        )
        for content in (
            {"text": "¿Precio?"},
            {"button": {"payload": "P", "text": "T"}},
            {"message": {"type": "image", "image": {"id": "9"}}},
        ):
            self.sim.control("POST", "inbound", {**person, **content, "context_wamid": "wamid.X"})
            self.flush()
        text, button, image = self.receiver.inbound()
        self.assertEqual(text["text"], {"body": "¿Precio?"})
        self.assertEqual(text["context"], {"from": "34600000001", "id": "wamid.X"})
        self.assertEqual(button["button"], {"payload": "P", "text": "T"})
        self.assertEqual(image["image"], {"id": "9"})
        contact = self.receiver.updates("messages")[0][1]["contacts"][0]
        self.assertEqual(contact["profile"], {"name": "Ana", "username": "ana_roble"})

    def test_a_person_may_hide_the_number(self):
        self.sim.control("POST", "behaviour", {"people": [{"number": ANA, "hide_number": True}]})
        self.sim.control("POST", "inbound", {"phone_id": SPAIN, "number": ANA, "text": "Hola"})
        self.sent(template_body())
        self.sim.control("POST", "preferences", {"phone_id": SPAIN, "number": ANA, "value": "stop"})
        self.flush()
        raw = b"".join(body for body, _headers in self.receiver.received)
        self.assertNotIn(b"34611000001", raw)
        self.assertIn(b"ES.", raw)

    def test_a_reset_sets_the_webhooks_settings_back_when_told_to(self):
        sim = Process("--webhook-url", self.receiver.url)
        self.addCleanup(sim.stop)
        for back in (False, True):
            sim.control("POST", "delivery", {"url": "http://127.0.0.1:9/", "give_up_after": 0})
            sim.control("POST", "reset", {"settings": back})
            sim.graph("POST", f"{SPAIN}/messages", template_body(ANA))
            sim.control("POST", "flush", {"hurry": True})
            self.assertEqual(bool(self.receiver.received), back)

    def test_batches(self):
        self.sim.control("POST", "behaviour", {"delivered_rate": 0})
        self.sim.control("POST", "delivery", {"batch_max": 3, "delays": {"sent": 1000}})
        for i in range(7):
            self.sent(template_body(f"+3461200000{i}"), (SPAIN, OUTLET)[i % 2])
        self.flush()
        sizes = [a["updates"] for a in self.sim.control("GET", "webhooks")["entries"]]
        self.assertEqual(sizes, [3, 3, 1])
        body = json.loads(self.receiver.received[0][0])
        self.assertEqual([e["id"] for e in body["entry"]], [ACCOUNT, OTHER_ACCOUNT])
        self.assertEqual(len(body["entry"][0]["changes"][0]["value"]["statuses"]), 2)

    def test_duplicates_loss_and_reordering(self):
        self.sim.control("POST", "delivery", {"duplicate_rate": 1})
        self.sent(template_body())
        self.flush()
        self.assertEqual(
            sorted(s["status"] for s in self.receiver.statuses()),
            ["delivered", "delivered", "read", "read", "sent", "sent"],
        )
        self.setUp()
        self.sim.control("POST", "delivery", {"loss_rate": 1})
        self.sent(template_body())
        self.flush()
        self.assertEqual(self.receiver.received, [])
        self.assertEqual(self.stats()["webhooks"]["lost"], 3)
        self.setUp()
        self.sim.control("POST", "delivery", {"reorder_rate": 1, "reorder_window": 0.01})
        orders = set()
        for i in range(20):
            self.receiver.received.clear()
            self.sent(template_body(f"+346120000{i:02d}"))
            self.assertTrue(self.sim.control("POST", "flush")["flushed"])
            orders.add(tuple(s["status"] for s in self.receiver.statuses()))
        self.assertGreater(len(orders), 1)
        self.assertEqual(
            {frozenset(order) for order in orders}, {frozenset({"sent", "delivered", "read"})}
        )

    def test_refused_deliveries_are_repeated_unchanged(self):
        self.receiver.answers = [500, 404, 503]
        self.sim.control("POST", "behaviour", {"delivered_rate": 0})
        self.sent(template_body())
        self.flush()
        self.assertEqual(len({body for body, _headers in self.receiver.received}), 1)
        attempts = self.sim.control("GET", "webhooks")["entries"]
        self.assertEqual(
            [(a["attempt"], a["status"]) for a in attempts],
            [(1, 500), (2, 404), (3, 503), (4, 200)],
        )
        self.assertEqual(attempts[0]["body"], json.loads(self.receiver.received[0][0]))

    def test_deliveries_are_given_up_at_last(self):
        self.sim.control("POST", "delivery", {"url": "http://127.0.0.1:9/", "give_up_after": 0})
        self.sent(template_body())
        self.flush()
        webhooks = self.stats()["webhooks"]
        self.assertEqual((webhooks["ok"], webhooks["given_up"]), (0, webhooks["attempts"]))
        self.assertIn("Connect", self.sim.control("GET", "webhooks")["entries"][0]["error"])

    def test_subscription_handshake_and_override(self):
        path, other = f"{ACCOUNT}/subscribed_apps", Receiver()
        self.addCleanup(other.server_close)
        self.addCleanup(other.shutdown)
        app = {
            "id": "300000000000001",
            "name": "Demo App",
            "link": "https://www.facebook.com/games/?app_id=300000000000001",
        }
        self.assertEqual(
            self.sim.graph("GET", path)[1]["data"], [{"whatsapp_business_api_data": app}]
        )
        override = {"override_callback_uri": other.url, "verify_token": "wrong"}
        reply = self.sim.graph("POST", path, override)[1]
        self.assertEqual(reply["error"]["code"], 2200)
        self.assertIn("403", reply["error"]["message"])
        for bad in (
            {"override_callback_uri": other.url},
            {"override_callback_uri": "x" * 201, "verify_token": "v"},
        ):
            self.assertEqual(self.sim.graph("POST", path, bad)[1]["error"]["code"], 100)
        unreachable = {"override_callback_uri": "http://127.0.0.1:9/", "verify_token": "v"}
        self.assertEqual(self.sim.graph("POST", path, unreachable)[1]["error"]["code"], 2200)
        override["verify_token"] = "verify-me"
        reply = self.sim.graph("POST", path, override)[1]
        self.assertEqual(reply["data"][0]["override_callback_uri"], other.url)
        self.sent(template_body())
        self.sim.control("POST", "template", {"name": "autumn_offer", "quality": "RED"})
        self.flush()
        self.assertEqual(len(other.statuses()), 3)
        self.assertEqual(
            [f for f, _v in self.receiver.updates()], ["message_template_quality_update"] * 4
        )
        self.sim.control("POST", "delivery", {"url": ""})
        self.sim.control("POST", "template", {"name": "autumn_offer", "quality": "GREEN"})
        self.flush()
        self.assertEqual(len(other.updates("message_template_quality_update")), 2)
        self.assertEqual(self.sim.graph("DELETE", path)[1], {"success": True})
        self.assertEqual(self.sim.graph("GET", path)[1], {"data": []})
        self.sent(template_body())
        self.flush()
        self.assertEqual(len(other.statuses()), 3)
        self.assertEqual(self.sim.graph("POST", path)[1], {"success": True})

    def test_handshake_of_the_apps_own_url(self):
        verify = {"handshake": True, "verify_token": "verify-me"}
        self.assertTrue(self.sim.control("POST", "delivery", verify)["ok"])
        answer = self.sim.control("POST", "delivery", {**verify, "verify_token": "no"})
        self.assertFalse(answer["ok"])

    def test_raw_webhooks_with_any_signature(self):
        for kind, good in (("good", True), ("bad", False), ("missing", False), ("sha1=abc", False)):
            self.receiver.received.clear()
            reply = self.sim.control("POST", "webhook", {"body": "not json", "signature": kind})
            self.assertEqual(reply, {"status": 200})
            body, headers = self.receiver.received[0]
            expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            self.assertEqual(headers.get("X-Hub-Signature-256") == expected, good)
            self.assertEqual(body, b"not json")


class TestPlatformEvents(SimulatorCase):
    def event(self, path, change, field):
        """The values of ``field`` that the change caused."""
        self.receiver.received.clear()
        self.sim.control("POST", path, change)
        self.flush()
        return [value for _field, value in self.receiver.updates(field)]

    def test_limit(self):
        cases = [
            (
                {"limit": "TIER_2K"},
                {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": 20},
            ),
            (
                {"limit": "TIER_UNLIMITED", "shape": "string"},
                {
                    "max_daily_conversations_per_business": "UNLIMITED",
                    "max_phone_numbers_per_waba": 20,
                },
            ),
            (
                {"limit": "TIER_250", "shape": "tier"},
                {
                    "max_daily_conversations_per_business": "TIER_250",
                    "max_phone_numbers_per_business": 2,
                },
            ),
        ]
        for change, value in cases:
            self.assertEqual(
                self.event("limit", change, "business_capability_update"), [value, value]
            )
        self.assertEqual(self.event("limit", {"limit": "TIER_10K", "webhook": False}, None), [])
        fields = "whatsapp_business_manager_messaging_limit"
        for node in (SPAIN, ACCOUNT, BUSINESS):
            self.assertEqual(
                self.sim.graph("GET", f"{node}?fields={fields}")[1][fields], "TIER_10K"
            )

    def test_number(self):
        self.assertEqual(self.event("number", {"id": SPAIN, "quality_rating": "RED"}, None), [])
        self.assertEqual(self.sim.graph("GET", SPAIN)[1]["quality_rating"], "RED")
        self.assertEqual(
            self.event(
                "number", {"id": SPAIN, "throughput_level": "HIGH"}, "phone_number_quality_update"
            ),
            [
                {
                    "display_phone_number": "34600000001",
                    "event": "THROUGHPUT_UPGRADE",
                    "current_limit": "TIER_250",
                    "max_daily_conversations_per_business": "TIER_250",
                }
            ],
        )
        self.assertEqual(
            self.event(
                "number", {"id": SPAIN, "verified_name": "Roble"}, "phone_number_name_update"
            ),
            [
                {
                    "display_phone_number": "34600000001",
                    "decision": "APPROVED",
                    "requested_verified_name": "Roble",
                    "rejection_reason": "NONE",
                }
            ],
        )
        self.assertEqual(
            self.event(
                "number",
                {"id": SPAIN, "security_event": "PIN_CHANGED", "requester": "1"},
                "security",
            ),
            [{"display_phone_number": "34600000001", "event": "PIN_CHANGED", "requester": "1"}],
        )

    def test_account(self):
        restriction = {"type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "seconds": 60}
        values = self.event(
            "account", {"id": ACCOUNT, "restriction": restriction}, "account_update"
        )
        info = values[0]["restriction_info"][0]
        self.assertEqual(
            (values[0]["event"], info["restriction_type"]),
            ("ACCOUNT_RESTRICTION", restriction["type"]),
        )
        self.assertIsInstance(info["expiration"], int)
        cases = [
            (
                {"violation": "SCAM"},
                "account_update",
                {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}},
            ),
            (
                {"ban": "SCHEDULE_FOR_DISABLE"},
                "account_update",
                {
                    "event": "DISABLED_UPDATE",
                    "ban_info": {
                        "waba_ban_state": "SCHEDULE_FOR_DISABLE",
                        "waba_ban_date": "October 17, 2026",
                    },
                },
            ),
            ({"event": "PARTNER_REMOVED"}, "account_update", {"event": "PARTNER_REMOVED"}),
            ({"review": "REJECTED"}, "account_review_update", {"decision": "REJECTED"}),
            (
                {"alert": {"alert_type": "OBA_REJECTED"}},
                "account_alerts",
                {
                    "entity_type": "BUSINESS",
                    "entity_id": BUSINESS,
                    "alert_info": {
                        "alert_severity": "WARNING",
                        "alert_status": "ACTIVE",
                        "alert_type": "OBA_REJECTED",
                        "alert_description": "Your business is not eligible for more messages yet.",
                    },
                },
            ),
        ]
        for change, field, value in cases:
            with self.subTest(change=change):
                self.assertEqual(self.event("account", {"id": ACCOUNT, **change}, field), [value])

    def test_template(self):
        template = self.template_id("order_update")
        keys = {
            "message_template_id": int(template),
            "message_template_name": "order_update",
            "message_template_language": "es",
        }
        self.assertEqual(
            self.event(
                "template", {"id": template, "quality": "YELLOW"}, "message_template_quality_update"
            ),
            [{**keys, "previous_quality_score": "GREEN", "new_quality_score": "YELLOW"}],
        )
        warning = self.event(
            "template",
            {"id": template, "correct_category": "MARKETING"},
            "template_category_update",
        )[0]
        self.assertEqual(
            (warning["new_category"], warning["correct_category"]), ("UTILITY", "MARKETING")
        )
        done = self.event(
            "template", {"id": template, "category": "MARKETING"}, "template_category_update"
        )[0]
        self.assertEqual(
            (done["previous_category"], done["new_category"]), ("UTILITY", "MARKETING")
        )
        rejected = self.event(
            "template",
            {"id": template, "status": "REJECTED", "reason": "SCAM"},
            "message_template_status_update",
        )[0]
        self.assertEqual((rejected["event"], rejected["reason"]), ("REJECTED", "SCAM"))


class TestFaults(SimulatorCase):
    def raw_send(self, body):
        return self.sim.request(
            "POST",
            f"/v25.0/{SPAIN}/messages",
            json.dumps(body),
            {"Authorization": "Bearer SIM-TOKEN", "Content-Type": "application/json"},
        )

    def fault(self, **rule):
        self.sim.control("POST", "faults", rule)

    def outcome(self):
        """(processed, answered, outcome) of the latest request."""
        entry = self.log()[-1]
        return entry["processed"], entry["answered"], entry["outcome"]

    def test_an_error_strikes_the_given_number_of_times(self):
        self.fault(kind="error", code=131000, subcode=7, details="d", count=2, skip=1)
        codes = [self.send(template_body())[1].get("error", {}).get("code") for _i in range(4)]
        self.assertEqual(codes, [None, 131000, 131000, None])
        self.assertEqual(self.stats()["messages"]["accepted"], 2)
        self.assertEqual(self.sim.control("GET", "faults")["faults"][0]["strikes"], 2)

    def test_matching(self):
        rules = [
            {"number": ANA},
            {"phone": SPAIN},
            {"template": "order_update"},
            {"endpoint": "messages"},
            {"method": "POST"},
            {"endpoint": "*"},
        ]
        for rule in rules:
            with self.subTest(rule=rule):
                self.sim.control("DELETE", "faults")
                self.fault(kind="error", code=2, count=None, **rule)
                self.assertEqual(self.code(template_body()), 2)
                self.assertEqual(self.code(template_body()), 2)
        misses = [
            {"number": "+34612000001"},
            {"phone": MEXICO},
            {"template": "autumn_offer"},
            {"endpoint": "node"},
            {"method": "GET"},
        ]
        self.sim.control("DELETE", "faults")
        self.sim.control("POST", "faults", [{"kind": "error", **rule} for rule in misses])
        self.sent(template_body())

    def test_reset_before_and_after_processing(self):
        for when, processed in (("before", False), ("after", True)):
            with self.subTest(when):
                self.fault(kind="reset", when=when)
                with self.assertRaises((ConnectionError, http.client.HTTPException)):
                    self.raw_send(template_body())
                self.assertEqual(
                    self.outcome(), (processed, False, "accepted" if processed else "")
                )

    def test_server_errors(self):
        self.fault(kind="status_5xx")
        status, text, _headers = self.raw_send(template_body())
        self.assertEqual((status, json.loads(text)["error"]["code"]), (503, 2))
        self.assertEqual(self.outcome()[0], False)
        self.fault(kind="status_5xx", status=502, body="text", when="after")
        status, text, _headers = self.raw_send(template_body())
        self.assertEqual((status, text), (502, b"upstream connect error"))
        self.assertEqual(self.outcome(), (True, True, "accepted"))
        self.fault(kind="status_5xx", status=500, body="html")
        self.assertIn(b"<h1>", self.raw_send(template_body())[1])

    def test_unreadable_replies_of_processed_messages(self):
        self.fault(kind="non_json")
        status, text, headers = self.raw_send(template_body())
        self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/html"))
        self.fault(kind="unreadable_200")
        status, text, _headers = self.raw_send(template_body())
        with self.assertRaises(ValueError):
            json.loads(text)
        self.fault(kind="unreadable_200", size=100000)
        self.assertEqual(len(self.raw_send(template_body())[1]), 100000)
        self.assertEqual([e["outcome"] for e in self.log()], ["accepted"] * 3)
        self.flush()
        self.assertEqual(len(self.receiver.statuses()), 9)

    def test_a_message_is_processed_and_never_answered(self):
        self.fault(kind="timeout_after_accept")
        connection = http.client.HTTPConnection("127.0.0.1", self.sim.port)
        connection.request(
            "POST",
            f"/v25.0/{SPAIN}/messages",
            json.dumps(template_body(biz_opaque_callback_data="lost")),
            {"Authorization": "Bearer SIM-TOKEN"},
        )
        while not self.receiver.statuses():
            self.flush()
        self.assertEqual(self.receiver.statuses()[0]["biz_opaque_callback_data"], "lost")
        self.assertEqual(self.outcome(), (True, False, "accepted"))
        connection.close()

    def test_latency_goes_with_another_fault(self):
        self.fault(kind="latency", ms=[1, 2])
        self.fault(kind="error", code=131016)
        self.assertEqual(self.code(template_body()), 131016)

    def test_a_message_fails_later(self):
        self.fault(kind="failed", code=131048)
        wamid = self.sent(template_body())
        self.flush()
        self.assertEqual(
            [(s["id"], s["errors"][0]["code"]) for s in self.receiver.statuses()], [(wamid, 131048)]
        )

    def test_nonsense_is_refused(self):
        for path, body in (
            ("faults", {"kind": "earthquake"}),
            ("faults", {"kind": "reset", "x": 1}),
            ("behaviour", {"x": 1}),
            ("delivery", {"x": 1}),
            ("settings", {"x": 1}),
            ("inbound", {"phone_id": SPAIN, "number": ANA}),
            ("preferences", {"phone_id": SPAIN, "number": ANA, "value": "x"}),
            ("number", {"id": SPAIN, "x": 1}),
            ("template", {"status": "PAUSED"}),
            ("clock", {"advance": -1}),
            ("behaviour", {"people": [{"number": ANA, "behaviour": "x"}]}),
        ):
            with self.subTest(path=path, body=body):
                status, _text, _headers = self.sim.request(
                    "POST", f"/_control/{path}", json.dumps(body)
                )
                self.assertEqual(status, 400)
        self.assertEqual(self.sim.request("POST", "/_control/nothing")[0], 404)


class TestProcess(PureCase):
    def test_log_file_seed_file_and_clean_end(self):
        seed = {
            "businesses": [{"id": "1", "name": "B"}],
            "tokens": [{"token": "T"}],
            "accounts": [
                {
                    "id": "2",
                    "business_id": "1",
                    "name": "A",
                    "numbers": [
                        {"id": "3", "display_phone_number": "+34 600 000 009", "verified_name": "N"}
                    ],
                    "templates": [
                        {
                            "name": "hi",
                            "language": "es",
                            "category": "UTILITY",
                            "components": [{"type": "BODY", "text": "Hola"}],
                        }
                    ],
                }
            ],
        }
        with tempfile.TemporaryDirectory() as folder:
            seed_file, log_file = Path(folder, "seed.json"), Path(folder, "log.jsonl")
            seed_file.write_text(json.dumps(seed), encoding="utf-8")
            sim = Process("--seed-file", str(seed_file), "--log-file", str(log_file))
            status, reply = sim.graph("POST", "3/messages", template_body(name="hi", texts=()), "T")
            logged = sim.control("GET", "log")["entries"]
            sim.control("POST", "reset", {"seed": {**seed, "tokens": [{"token": "U"}]}})
            renewed = [sim.graph("GET", "3", token=token)[0] for token in ("T", "U")]
            self.assertEqual(sim.stop(), 0)
            lines = [json.loads(line) for line in log_file.read_text("utf-8").splitlines()]
        self.assertEqual(status, 200, reply)
        self.assertEqual(renewed, [401, 200])
        self.assertEqual(lines[:1], logged)
        self.assertEqual(lines[0]["body"]["to"], ANA)
        self.assertEqual(len(lines), 3)

    def test_it_ends_with_its_standard_input_when_told_to(self):
        with subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", "0", "--until-eof"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            self.assertIn(b"listening", process.stdout.readline())
            process.stdin.close()
            self.assertEqual(process.wait(30), 0)

    def test_it_ends_with_a_request_hanging_and_webhooks_pending(self):
        sim = Process("--webhook-url", "http://127.0.0.1:9/")
        sim.control("POST", "faults", {"kind": "timeout_after_accept"})
        connection = http.client.HTTPConnection("127.0.0.1", sim.port)
        connection.request(
            "POST",
            f"/v25.0/{SPAIN}/messages",
            json.dumps(template_body()),
            {"Authorization": "Bearer SIM-TOKEN"},
        )
        while not sim.control("GET", "stats")["messages"]["accepted"]:
            pass
        self.assertEqual(sim.stop(), 0)
        connection.close()
        with self.assertRaises(ProcessLookupError):
            os.kill(sim.process.pid, 0)

    def test_it_imports_nothing_of_the_addon(self):
        code = (
            "import sys; sys.modules['odoo'] = None; import simulator.__main__; "
            "print(sorted(m for m in sys.modules if m.split('.')[0] in "
            "('cloud_api', 'policy', 'models', 'controllers', 'odoo')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stdout.strip(), "['odoo']")
