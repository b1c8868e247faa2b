import http.server
import io
import json
import logging
import socket
import ssl
import struct
import tempfile
import threading
import traceback
import unittest
import unittest.mock
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    AccountError,
    CloudApiClient,
    CloudApiError,
    Health,
    NotSent,
    PhoneNumber,
    RecipientError,
    RequestRefused,
    RetryLater,
    SenderError,
    Template,
    UnknownOutcome,
    normalise_limit,
    transport,
)

from ..pure import PureCase

# A slow machine must not fail a test.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOKEN = "EAAJtestToken0123456789"
ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+34600000000", "wa_id": "34600000000"}],
    "messages": [{"id": "wamid.AAA", "message_status": "accepted"}],
}
MESSAGE = {"messaging_product": "whatsapp", "to": "+34600000000", "type": "text"}


def reply(body, status=200, headers=None):
    """Script entry: answer with this status and body (bytes as they are, else as JSON)."""

    def answer(handler):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def graph_error(code, status=400, **fields):
    return reply({"error": {"code": code, "message": "refused", **fields}}, status)


def reset(handler):
    """Script entry: break the connection without an answer, after the request was read."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler):
    """Script entry: close the connection in order, without an answer."""
    handler.close_connection = True


def silent(handler):
    """Script entry: keep the connection and say nothing until the test ends."""
    handler.server.released.wait()
    handler.close_connection = True


def cut_short(handler):
    """Script entry: promise more bytes than are sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"messages":')
    handler.close_connection = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Two writes per answer must not wait for each other's acknowledgement.
    disable_nagle_algorithm = True

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.server.owner.answer(self)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Broken connections are the point of some tests."""


class GraphServer:
    """A real HTTP server on 127.0.0.1 that answers from a script, then with its default."""

    def __init__(self, *script, default=None, tls=None):
        self.script = list(script)
        self.default = default or reply(ACCEPTED)
        self.requests = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._server.released = threading.Event()
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler):
        parts = urlsplit(handler.path)
        with self._lock:
            self.requests.append(
                {
                    "method": handler.command,
                    "path": parts.path,
                    "query": {name: value[0] for name, value in parse_qs(parts.query).items()},
                    "headers": dict(handler.headers),
                    "body": handler.body,
                    "connection": handler.client_address,
                }
            )
            step = self.script.pop(0) if self.script else self.default
        step(handler)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ClientCase(PureCase):
    def start(self, *script, timeout=(5, 20), **options):
        server = self.enterContext(GraphServer(*script, **options))
        client = CloudApiClient(server.url, "v25.0", TOKEN, timeout=timeout)
        self.addCleanup(client.close)
        return server, client

    # unittest has it from Python 3.11 on; Odoo 19 runs on 3.10.
    def enterContext(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def assertSecretFree(self, error):
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for shown in (text, str(error), repr(error), repr(error.args), repr(vars(error))):
            self.assertNotIn(TOKEN, shown)
        self.assertIsNone(error.__cause__)
        self.assertIsNone(error.__context__)


class TestConstruction(PureCase):
    def test_refuses_malformed_settings(self):
        cases = [
            ("ftp://graph.facebook.com", "v25.0", TOKEN),
            ("graph.facebook.com", "v25.0", TOKEN),
            ("https://", "v25.0", TOKEN),
            ("https://user:word@graph.facebook.com", "v25.0", TOKEN),
            ("https://graph.facebook.com?x=1", "v25.0", TOKEN),
            ("https://graph.facebook.com#x", "v25.0", TOKEN),
            ("https://graph.facebook.com\n.evil.example", "v25.0", TOKEN),
            ("https://graph.facebook.com:port", "v25.0", TOKEN),
            ("https://[graph", "v25.0", TOKEN),
            (None, "v25.0", TOKEN),
            ("https://graph.facebook.com", "25.0", TOKEN),
            ("https://graph.facebook.com", "v25.0/../me", TOKEN),
            ("https://graph.facebook.com", None, TOKEN),
            ("https://graph.facebook.com", "v25.0", ""),
            ("https://graph.facebook.com", "v25.0", TOKEN + "\n"),
            ("https://graph.facebook.com", "v25.0", None),
        ]
        for base_url, api_version, token in cases:
            with self.subTest(base_url=base_url, api_version=api_version):
                with self.assertRaises(ValueError) as caught:
                    CloudApiClient(base_url, api_version, token)
                self.assertNotIn(TOKEN, str(caught.exception))

    def test_repr_shows_no_token(self):
        client = CloudApiClient("https://graph.facebook.com/", "v25.0", TOKEN)
        self.assertEqual(repr(client), "<CloudApiClient https://graph.facebook.com/v25.0/>")


class TestSend(ClientCase):
    def test_request_and_reply(self):
        server, client = self.start()
        sent = client.send_message("4000", {**MESSAGE, "text": {"body": "¡Hola, señora! 👋"}})
        self.assertEqual(
            (sent.wamid, sent.message_status, sent.wa_id, sent.user_uid),
            ("wamid.AAA", "accepted", "34600000000", ""),
        )
        (request,) = server.requests
        self.assertEqual((request["method"], request["path"]), ("POST", "/v25.0/4000/messages"))
        self.assertEqual(request["headers"]["Authorization"], f"Bearer {TOKEN}")
        self.assertEqual(request["headers"]["Content-Type"], "application/json")
        self.assertEqual(json.loads(request["body"])["text"]["body"], "¡Hola, señora! 👋")

    def test_message_status_and_ids(self):
        message = {"id": "wamid.B"}
        cases = [
            ({**message, "message_status": "held_for_quality_assessment"}, {}, "held", ""),
            ({**message, "message_status": "paused"}, {}, "paused", ""),
            (message, {"user_id": "ES.9A"}, "accepted", "ES.9A"),
            ({**message, "message_status": "brand_new"}, {}, "accepted", ""),
        ]
        for said, contact, status, user_uid in cases:
            with self.subTest(said=said):
                _server, client = self.start(reply({"messages": [said], "contacts": [contact]}))
                sent = client.send_message("4000", MESSAGE)
                self.assertEqual((sent.message_status, sent.user_uid), (status, user_uid))

    def test_connection_is_kept(self):
        server, client = self.start()
        for _index in range(3):
            client.send_message("4000", MESSAGE)
        self.assertEqual(len({request["connection"] for request in server.requests}), 1)

    def test_malformed_requests_never_leave(self):
        server, client = self.start()
        cases = [
            ("../me", MESSAGE),
            ("", MESSAGE),
            (None, MESSAGE),
            (False, MESSAGE),
            ("4000?x=1", MESSAGE),
            ("4000", {"bad": object()}),
            ("4000", {"bad": float("nan")}),
        ]
        for uid, body in cases:
            with self.subTest(uid=uid, body=body):
                with self.assertRaises(RequestRefused) as caught:
                    client.send_message(uid, body)
                self.assertEqual(caught.exception.failure_type, "bad_request")
        self.assertEqual(server.requests, [])

    def test_netrc_and_cookies_change_nothing(self):
        cookie = {"Set-Cookie": "session=1"}
        server, client = self.start(reply(ACCEPTED, headers=cookie))
        with tempfile.NamedTemporaryFile("w", suffix="netrc") as netrc:
            netrc.write("machine 127.0.0.1 login a password b\n")
            netrc.flush()
            with unittest.mock.patch.dict("os.environ", NETRC=netrc.name):
                client.send_message("4000", MESSAGE)
                client.send_message("4000", MESSAGE)
        for request in server.requests:
            self.assertEqual(request["headers"]["Authorization"], f"Bearer {TOKEN}")
            self.assertNotIn("Cookie", request["headers"])


class TestOutcome(ClientCase):
    """What can be known of a request that did not end well."""

    def fails(self, kind, *script, timeout=(5, 20)):
        server, client = self.start(*script, timeout=timeout)
        with self.assertRaises(CloudApiError) as caught:
            client.send_message("4000", MESSAGE)
        self.assertIs(type(caught.exception), kind)
        self.assertSecretFree(caught.exception)
        return server, caught.exception

    def test_unknown_when_the_request_may_have_been_read(self):
        cases = {
            "reset": reset,
            "closed": hang_up,
            "cut short": cut_short,
            "server error without Graph": reply(b"<html>Bad Gateway</html>", 502),
            "server error, empty": reply(b"", 500),
            "server gave up waiting": reply(b"", 408),
            "not JSON": reply(b"<html>ok</html>"),
            "not an object": reply([1]),
            "no message id": reply({"messages": []}),
            "too deep": reply(b"[" * 100_000),
            "not UTF-8": reply(b'{"messages":[{"id":"\xff\xfe"}]}'),
            "wrong encoding": reply(b"plain", headers={"Content-Encoding": "gzip"}),
        }
        for name, step in cases.items():
            with self.subTest(name):
                server, error = self.fails(UnknownOutcome, step)
                self.assertIsNone(error.code)
                self.assertEqual(len(server.requests), 1)

    def test_unknown_when_the_answer_does_not_come(self):
        server, _error = self.fails(UnknownOutcome, silent, timeout=(5, 0.3))
        self.assertEqual(len(server.requests), 1)

    def test_unknown_when_the_reply_is_too_large(self):
        size = transport.MAX_REPLY_BYTES + 1
        _server, error = self.fails(UnknownOutcome, reply(b" " * size))
        self.assertEqual(error.http_status, 200)

    def test_reset_on_a_reused_connection_is_unknown_and_not_retried(self):
        server, client = self.start(reply(ACCEPTED), reset)
        client.send_message("4000", MESSAGE)
        with self.assertRaises(UnknownOutcome):
            client.send_message("4000", MESSAGE)
        self.assertEqual(len(server.requests), 2)
        self.assertEqual(len({request["connection"] for request in server.requests}), 1)
        client.send_message("4000", MESSAGE)

    def test_redirect_is_not_followed(self):
        with GraphServer() as other:
            location = {"Location": f"{other.url}/v25.0/4000/messages"}
            for status in (301, 302, 307, 308):
                with self.subTest(status=status):
                    _server, error = self.fails(UnknownOutcome, reply(b"", status, location))
                    self.assertEqual(error.http_status, status)
            self.assertEqual(other.requests, [])

    def not_sent(self, base_url, cause, timeout=(5, 5)):
        with CloudApiClient(base_url, "v25.0", TOKEN, timeout=timeout) as client:
            for call in (
                lambda: client.send_message("4000", MESSAGE),
                client.debug_token,
            ):
                with self.assertRaises(NotSent) as caught:
                    call()
                self.assertEqual(caught.exception.failure_type, "not_sent")
                self.assertEqual(caught.exception.cause, cause)
                self.assertSecretFree(caught.exception)

    def test_not_sent_when_nobody_listens(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.not_sent(f"http://127.0.0.1:{closed.getsockname()[1]}", "refused")

    def test_not_sent_when_the_name_does_not_resolve(self):
        self.not_sent("https://graph.invalid", "dns")
        self.not_sent(f"https://{'a' * 63}.example", "dns")

    def test_not_sent_when_the_connection_takes_too_long(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _index in range(3):
                waiting = self.enterContext(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            address = f"http://127.0.0.1:{full.getsockname()[1]}"
            self.not_sent(address, "timeout", timeout=(0.2, 5))

    def test_not_sent_when_the_certificate_is_not_trusted(self):
        server = self.enterContext(GraphServer(tls=_self_signed_tls()))
        self.not_sent(server.url, "certificate")
        self.assertEqual(server.requests, [])

    def test_not_sent_when_the_proxy_is_not_there(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            proxy = f"http://user:word@127.0.0.1:{closed.getsockname()[1]}"
            environment = {"https_proxy": proxy, "no_proxy": "", "NO_PROXY": ""}
            with unittest.mock.patch.dict("os.environ", environment):
                self.not_sent("https://graph.invalid", "proxy")

    def test_refusal_with_graph_error(self):
        data = {"messaging_product": "whatsapp", "details": "too many"}
        cases = [
            (graph_error(131056, error_data=data), RetryLater, "pair_rate", 400),
            (graph_error(131030), RecipientError, "not_test_number", 400),
            (graph_error(2, 500), RetryLater, "temporary", 500),
            (graph_error(190, 401), AccountError, "token", 401),
            (graph_error(100, error_subcode=33), SenderError, "sender_unavailable", 400),
            (graph_error(131009, 200), RequestRefused, "bad_request", 200),
            (graph_error(424242), RequestRefused, "unknown_error", 400),
            (graph_error(424242, is_transient=True), RetryLater, "temporary", 400),
            (reply({"error": {}}, 400), RequestRefused, "unknown_error", 400),
        ]
        for step, kind, failure_type, status in cases:
            with self.subTest(failure_type=failure_type, status=status):
                _server, error = self.fails(kind, step)
                self.assertEqual((error.failure_type, error.http_status), (failure_type, status))

    def test_refusal_keeps_what_meta_said(self):
        fields = {"error_subcode": 7, "fbtrace_id": "Trace1", "error_data": {"details": "why"}}
        _server, error = self.fails(RecipientError, graph_error(131026, **fields))
        self.assertEqual(
            (error.code, error.subcode, error.message, error.details, error.fbtrace_id),
            (131026, 7, "refused", "why", "Trace1"),
        )
        self.assertEqual(str(error), "error 131026/7: refused: why (fbtrace_id Trace1)")

    def test_trace_from_the_header(self):
        trace = {"x-fb-trace-id": "Trace2"}
        for step in (
            reply({"error": {"code": 131026}}, 400, trace),
            reply(b"oops", 404, trace),
        ):
            _server, client = self.start(step)
            with self.assertRaises(CloudApiError) as caught:
                client.send_message("4000", MESSAGE)
            self.assertEqual(caught.exception.fbtrace_id, "Trace2")

    def test_refusal_without_graph_error(self):
        cases = [(404, RequestRefused, "unknown_error"), (429, RetryLater, "temporary")]
        for status, kind, failure_type in cases:
            with self.subTest(status=status):
                _server, error = self.fails(kind, reply(b"<html>no</html>", status))
                self.assertEqual((error.failure_type, error.code), (failure_type, None))

    def test_given_session_is_used(self):
        server = self.enterContext(GraphServer(reply(ACCEPTED), silent))
        with requests.Session() as session:
            client = CloudApiClient(server.url, "v25.0", TOKEN, session)
            client.for_thread().send_message("4000", MESSAGE)
            client.close()
            impatient = CloudApiClient(server.url, "v25.0", TOKEN, session, timeout=(5, 0.3))
            with self.assertRaises(UnknownOutcome):
                impatient.send_message("4000", MESSAGE)
            self.assertEqual(len({request["connection"] for request in server.requests}), 1)


class TestSecrets(ClientCase):
    def test_echoed_tokens_are_masked(self):
        text = f"Malformed access token {TOKEN} and EAAotherToken999 in input_token=abc&x=1"
        steps = [
            graph_error(190, 401, message=text, error_data={"details": text}),
            reply(text.encode(), 502),
        ]
        for step in steps:
            _server, client = self.start(step)
            with self.assertRaises(CloudApiError) as caught:
                client.send_message("4000", MESSAGE)
            self.assertSecretFree(caught.exception)
            self.assertNotIn("EAAother", str(caught.exception))
            self.assertNotIn("abc", str(caught.exception))
            self.assertIn("x=1", str(caught.exception))

    def test_logs_hold_no_token(self):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        root = logging.getLogger()
        level, levels = root.level, {}
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        for name in ("urllib3.connectionpool", transport.__name__.rpartition(".")[0]):
            levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.DEBUG)
        try:
            _server, client = self.start(reply({"data": {}}))
            client.debug_token()
            client.send_message("4000", MESSAGE)
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            for name, before in levels.items():
                logging.getLogger(name).setLevel(before)
        logged = stream.getvalue()
        self.assertIn("input_token=***", logged)
        self.assertIn("POST 4000/messages: HTTP 200", logged)
        self.assertNotIn(TOKEN, logged)

    def test_mask(self):
        cases = {
            f"Bearer {TOKEN}": "Bearer ***",
            "https://user:word@proxy:3128": "https://***@proxy:3128",
            '{"access_token": "abc"}': '{"access_token": "***"}',
            "client_secret=abc": "client_secret=***",
            "nothing to hide": "nothing to hide",
        }
        for text, masked in cases.items():
            with self.subTest(text):
                self.assertEqual(transport.mask_secrets(text), masked)
        self.assertEqual(transport.mask_secrets("a/b a%2Fb", "a/b"), "*** ***")


class TestEndpoints(ClientCase):
    def call(self, method, *args, answer=None, **kwargs):
        server, client = self.start(reply(answer if answer is not None else {"success": True}))
        result = getattr(client, method)(*args, **kwargs)
        return server.requests[0], result

    def test_success_flags(self):
        cases = [
            (("edit_template", "77", {"components": []}), "POST", "/v25.0/77", {}),
            (
                ("delete_template", "20", "offer"),
                "DELETE",
                "/v25.0/20/message_templates",
                {"name": "offer"},
            ),
            (
                ("delete_template", "20", "offer", "77"),
                "DELETE",
                "/v25.0/20/message_templates",
                {"name": "offer", "hsm_id": "77"},
            ),
            (("subscribe_app", "20"), "POST", "/v25.0/20/subscribed_apps", {}),
        ]
        for args, method, path, query in cases:
            with self.subTest(args):
                request, result = self.call(*args)
                self.assertIs(result, True)
                self.assertEqual(
                    (request["method"], request["path"], request["query"]), (method, path, query)
                )
                _request, result = self.call(*args, answer={"success": False})
                self.assertIs(result, False)

    def test_subscribe_with_override(self):
        answer = {"data": [{"whatsapp_business_api_data": {"id": "9"}}]}
        request, result = self.call(
            "subscribe_app", "20", "https://shop.example/waba", "word", answer=answer
        )
        self.assertIs(result, True)
        self.assertEqual(
            json.loads(request["body"]),
            {"override_callback_uri": "https://shop.example/waba", "verify_token": "word"},
        )

    def test_subscribed_apps(self):
        app = {"whatsapp_business_api_data": {"id": "9", "name": "Shop"}}
        answer = {"data": [app, {**app, "override_callback_uri": "https://shop.example"}]}
        _request, apps = self.call("get_subscribed_apps", "20", answer=answer)
        self.assertEqual(
            [(app.app_uid, app.name, app.callback_url) for app in apps],
            [("9", "Shop", ""), ("9", "Shop", "https://shop.example")],
        )

    def test_create_template(self):
        body = {"name": "offer", "language": "es", "parameter_format": "NAMED", "components": []}
        answer = {"id": "77", "status": "PENDING", "category": "MARKETING"}
        request, template = self.call("create_template", "20", body, answer=answer)
        self.assertEqual(json.loads(request["body"]), body)
        self.assertEqual(
            (template.template_uid, template.status, template.category, template.parameter_format),
            ("77", "pending", "marketing", "named"),
        )

    def test_create_template_without_id_is_unknown(self):
        with self.assertRaises(UnknownOutcome):
            self.call("create_template", "20", {"name": "offer"}, answer={})

    def test_upload_media(self):
        content = b"\x89PNG\r\n\x00\xff"
        request, uid = self.call(
            "upload_media", "4000", "señal.png", "image/png", content, answer={"id": "55"}
        )
        self.assertEqual((uid, request["path"]), ("55", "/v25.0/4000/media"))
        self.assertIn("multipart/form-data; boundary=", request["headers"]["Content-Type"])
        self.assertIn(content, request["body"])
        self.assertIn(b'name="messaging_product"\r\n\r\nwhatsapp', request["body"])

    def test_compare_templates(self):
        answer = {
            "data": [
                {"metric": "BLOCK_RATE", "order_by_relative_metric": ["2", "1"]},
                {"metric": "MESSAGE_SENDS", "number_values": [{"key": "1", "value": 1042}]},
                {"metric": "TOP_BLOCK_REASON", "string_values": [{"key": "1", "value": "SPAM"}]},
                "odd",
            ]
        }
        request, comparison = self.call(
            "compare_templates", "1", "2", 1700000000, 1700604800, answer=answer
        )
        self.assertEqual(
            request["query"], {"template_ids": "[2]", "start": "1700000000", "end": "1700604800"}
        )
        self.assertEqual(
            (comparison.block_rate_order, comparison.sends, comparison.top_block_reason),
            (("2", "1"), {"1": 1042}, {"1": "SPAM"}),
        )

    def test_debug_token(self):
        answer = {
            "data": {
                "app_id": "9",
                "application": "Shop",
                "type": "SYSTEM_USER",
                "is_valid": True,
                "expires_at": 1790000000,
                "scopes": ["whatsapp_business_messaging"],
            }
        }
        request, info = self.call("debug_token", answer=answer)
        self.assertEqual(request["query"], {"input_token": TOKEN})
        self.assertEqual(
            (info.is_valid, info.app_uid, info.scopes, info.expires_at),
            (True, "9", ("whatsapp_business_messaging",), datetime(2026, 9, 21, 14, 13, 20)),
        )
        answer["data"]["expires_at"] = 0
        _request, info = self.call("debug_token", answer=answer)
        self.assertIsNone(info.expires_at)

    def test_health(self):
        entity = {
            "entity_type": "WABA",
            "id": "20",
            "can_send_message": "BLOCKED",
            "additional_info": ["wait"],
            "errors": [{"error_code": 141002, "error_description": "no", "possible_solution": "x"}],
        }
        health = {"can_send_message": "BLOCKED", "entities": [entity]}
        answer = {"id": "20", "health_status": health}
        _request, account = self.call("get_account", "20", answer=answer)
        found = account.health
        self.assertEqual((found.can_send, found.raw), ("blocked", health))
        (link,) = found.entities
        self.assertEqual(
            (link.type, link.uid, link.can_send, link.additional_info, link.errors[0].code),
            ("waba", "20", "blocked", ("wait",), 141002),
        )

    def test_get_template(self):
        request, template = self.call("get_template", "77", answer={"id": "77", "name": "offer"})
        self.assertIn("quality_score", request["query"]["fields"])
        self.assertEqual((template.template_uid, template.status), ("77", "unknown"))


class TestFields(ClientCase):
    NUMBER = {
        "id": "4000",
        "display_phone_number": "+34 600 000-001",
        "verified_name": "Demo",
        "quality_rating": "GREEN",
        "status": "Connected",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_250",
    }

    def test_rich_fields_then_minimal_once(self):
        account = {"id": "20", "name": "Store", "owner_business_info": {"id": "1", "name": "P"}}
        server, client = self.start(graph_error(100), reply(account))
        self.assertEqual(client.get_account("20").raw, account)
        rich, minimal = (request["query"]["fields"] for request in server.requests)
        self.assertIn("whatsapp_business_manager_messaging_limit", rich)
        self.assertNotIn("whatsapp_business_manager_messaging_limit", minimal)
        _server, client = self.start(graph_error(100), graph_error(100), reply(account))
        with self.assertRaises(RequestRefused):
            client.get_account("20")

    def test_other_refusals_are_not_tried_again(self):
        refusals = [graph_error(131009), graph_error(100, error_subcode=33), graph_error(190)]
        for step in refusals:
            server, client = self.start(step)
            with self.assertRaises(CloudApiError):
                client.get_account("20")
            self.assertEqual(len(server.requests), 1)
            server, client = self.start(step)
            with self.assertRaises(CloudApiError):
                list(client.list_phone_numbers("20"))
            self.assertEqual(len(server.requests), 1)

    def test_list_phone_numbers_falls_back(self):
        server, client = self.start(graph_error(100), reply({"data": [self.NUMBER]}))
        (number,) = client.list_phone_numbers("20")
        self.assertEqual(
            (number.phone_number_uid, number.number, number.status, number.messaging_limit),
            ("4000", "+34600000001", "CONNECTED", "250"),
        )
        self.assertEqual(len(server.requests), 2)

    def test_account(self):
        answer = {
            "id": "20",
            "account_review_status": "APPROVED",
            "owner_business_info": {"id": "1", "name": "Portfolio"},
            "disable_marketing_messages_on_cloud_api": True,
            "messaging_limit_tier": "TIER_10K",
        }
        _server, client = self.start(reply(answer))
        account = client.get_account("20")
        self.assertEqual((account.portfolio_uid, account.portfolio_name), ("1", "Portfolio"))
        self.assertEqual(
            (account.review_status, account.marketing_disabled, account.messaging_limit),
            ("approved", True, "10000"),
        )

    def test_rate_of_a_number(self):
        cases = [
            ({}, "", 80),
            ({"throughput": {"level": "HIGH"}}, "HIGH", 1000),
            ({"throughput": "high"}, "HIGH", 1000),
            ({"throughput": {"level": "NOT_APPLICABLE"}}, "NOT_APPLICABLE", 80),
            ({"throughput": {"level": "HIGH"}, "is_on_biz_app": True}, "HIGH", 20),
        ]
        for fields, level, rate in cases:
            with self.subTest(fields):
                number = PhoneNumber.from_reply(fields)
                self.assertEqual(
                    (number.throughput_level, number.messages_per_second), (level, rate)
                )

    def test_quality_of_a_number(self):
        cases = [
            ({"quality_rating": "YELLOW"}, "yellow"),
            ({"quality_rating": "red"}, "red"),
            ({"quality_rating": "NA"}, "unknown"),
            ({"quality_rating": ""}, "unknown"),
            ({"quality_rating": "NA", "quality_score": {"score": "GREEN", "date": 1}}, "green"),
            ({"quality_score": "RED"}, "red"),
            ({}, "unknown"),
        ]
        for fields, quality in cases:
            with self.subTest(fields):
                self.assertEqual(PhoneNumber.from_reply(fields).quality_rating, quality)

    def test_template_fields(self):
        template = Template.from_reply(
            {
                "id": 12345678901234567890,
                "status": "PAUSED",
                "category": "UTILITY",
                "parameter_format": "NAMED",
                "components": [{"type": "BODY"}, None],
                "rejected_reason": "NONE",
                "quality_score": {"score": "YELLOW", "date": 1758754645},
            }
        )
        self.assertEqual(
            (template.template_uid, template.status, template.category, template.quality),
            ("12345678901234567890", "paused", "utility", "yellow"),
        )
        self.assertEqual(
            (template.parameter_format, template.components, template.rejected_reason),
            ("named", [{"type": "BODY"}], ""),
        )
        rejected = Template.from_reply({"rejected_reason": "SCAM"})
        self.assertEqual((rejected.rejected_reason, rejected.components), ("SCAM", []))


def page(*uids, after=None, last=False):
    paging = {"cursors": {"before": "b", "after": after or "end"}}
    if not last:
        paging["next"] = f"https://graph.facebook.com/x?access_token={TOKEN}&after={after}"
    return reply({"data": [{"id": uid, "name": uid} for uid in uids], "paging": paging})


class TestLists(ClientCase):
    def listed(self, *script):
        server, client = self.start(*script)
        found = [template.template_uid for template in client.list_templates("20")]
        return found, [request["query"].get("after") for request in server.requests]

    def test_follows_cursors(self):
        found, cursors = self.listed(
            page("1", "2", after="A"), page("3", after="B"), page("4", last=True)
        )
        self.assertEqual((found, cursors), (["1", "2", "3", "4"], [None, "A", "B"]))

    def test_restarts_once_on_a_bad_cursor(self):
        found, cursors = self.listed(
            page("1", "2", after="A"),
            graph_error(131059),
            page("1", "2", after="A"),
            page("3", last=True),
        )
        self.assertEqual((found, cursors), (["1", "2", "3"], [None, "A", None, "A"]))
        with self.assertRaises(RequestRefused):
            self.listed(page("1", after="A"), graph_error(131059), graph_error(131059))

    def test_a_listing_that_does_not_end_is_an_error(self):
        with self.assertRaises(UnknownOutcome):
            self.listed(page("1", after="A"), page("2", after="A"), page("3", after="A"))

    def test_a_listing_has_a_last_page(self):
        pages = iter(range(10**6))

        def endless(handler):
            number = next(pages)
            page(str(number), after=f"A{number}")(handler)

        server, client = self.start(default=endless)
        with self.assertRaises(UnknownOutcome):
            list(client.list_templates("20"))
        self.assertEqual(len(server.requests), 500)

    def test_a_listing_without_data_is_an_error(self):
        for answer in ({}, {"data": None}, {"data": {"id": "1"}}):
            with self.subTest(answer), self.assertRaises(UnknownOutcome):
                self.listed(reply(answer))

    def test_a_refused_page_is_an_error(self):
        with self.assertRaises(RetryLater):
            self.listed(page("1", after="A"), graph_error(80007))

    def test_odd_elements(self):
        answer = {"data": [{"id": "1"}, None, "x", {"id": "1"}, {"name": "no id"}]}
        found, _cursors = self.listed(reply(answer))
        self.assertEqual(found, ["1", ""])


class TestLimit(PureCase):
    def test_spellings(self):
        cases = {
            "250": [250, "250", "TIER_250", "tier_250", 250.0],
            "50": [50, "TIER_50"],
            "1000": [1000, "1000", "TIER_1K"],
            "2000": [2000, "TIER_2K", "2000"],
            "10000": [10000, "TIER_10K"],
            "100000": [100000, "TIER_100K", "100,000"],
            "unlimited": [-1, "-1", "UNLIMITED", "TIER_UNLIMITED", " unlimited "],
            "unknown": [None, "", "UNTIERED", "TIER_NOT_SET", True, 0, 0.5, 3000, [], {}, "x"],
        }
        for expected, values in cases.items():
            for value in values:
                with self.subTest(value=value):
                    self.assertEqual(normalise_limit(value), expected)

    @unhurried
    @given(st.integers() | st.floats() | st.text() | st.booleans())
    def test_never_raises(self, value):
        self.assertIsInstance(normalise_limit(value), str)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "health_status",
                    "can_send_message",
                    "entities",
                    "errors",
                    "additional_info",
                    "throughput",
                    "level",
                    "components",
                    "quality_score",
                    "quality_rating",
                    "display_phone_number",
                ]
            ),
            children,
            max_size=6,
        )
    ),
    max_leaves=20,
)


class TestNodes(PureCase):
    @unhurried
    @given(json_values)
    def test_odd_fields_never_raise_and_raw_is_kept(self, value):
        for kind in (PhoneNumber, Template, Health):
            node = kind.from_reply(value)
            self.assertEqual(node.raw, value if isinstance(value, dict) else {})
            hash(node)


def _self_signed_tls():
    """A TLS context for 127.0.0.1 that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as pem:
        pem.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        pem.write(certificate.public_bytes(serialization.Encoding.PEM))
        pem.flush()
        context.load_cert_chain(pem.name)
    return context
