import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

import urllib3
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import CloudApiClient, CloudApiError, NotSent
from odoo.addons.waba_campaign.cloud_api.addresses import (
    AddressRefused,
    check_peer,
    check_resolved,
    check_url,
    guarded_pools,
    is_public,
    parse_allowed,
)
from odoo.addons.waba_campaign.cloud_api.transport import may_carry_token

from ..pure import PureCase

PUBLIC = "157.240.20.35"
REFUSED = {
    "malformed": (
        "", None, 7, "graph.facebook.com", "https://", "ftp://graph.facebook.com",
        "https://user@graph.facebook.com", "https://user:word@graph.facebook.com",
        "https://graph.facebook.com@10.0.0.1", "https://graph.facebook.com:many",
        "https://graph.facebook.com:0", "https://graph.facebook.com:70000",
        "https://graph .facebook.com", "https://graph.facebook.com\\@10.0.0.1",
        "https://gräph.facebook.com", "https://graph.facebook.com\n", "https://-a.b", "https://a..b",
        "https://2130706433", "https://0x7f000001", "https://0x7f.1", "https://0177.0.0.1",
        "https://127.1", "https://127.0.0.1.", "https://10.0.0", "https://010.0.0.1",
        "https://[::1", "https://::1", "https://[127.0.0.1]", "https://[::ffff:7f00:1%25eth0]",
        "https://a.1", "https://a.0x1",
    ),
    "not_https": (
        "http://graph.facebook.com", "http://10.0.0.5:8090", "http://169.254.169.254",
        "http://[fe80::1]", "http://localhost.evil.example", "http://0.0.0.0",
    ),
    "private": (
        "https://10.0.0.5", "https://172.16.0.1", "https://192.168.1.1", "https://169.254.169.254",
        "https://100.64.0.1", "https://0.0.0.0", "https://224.0.0.1", "https://255.255.255.255",
        "https://240.0.0.1", "https://192.0.2.1", "https://[fe80::1]", "https://[fc00::1]",
        "https://[ff02::1]", "https://[::]", "https://[::ffff:10.0.0.5]",
        "https://[::ffff:169.254.169.254]", "https://[64:ff9b::a00:5]",
        "https://[2002:a00:5::1]", "https://[::ffff:127.0.0.1]",
    ),
    "port": ("https://graph.facebook.com:8443", "https://graph.facebook.com:22",
             f"https://{PUBLIC}:5432"),
}  # fmt: skip
TAKEN = (
    "https://graph.facebook.com", "https://graph.facebook.com/", "https://graph.facebook.com:443",
    "HTTPS://Graph.Facebook.com", "https://a.b/meta/", f"https://{PUBLIC}",
    "https://[2a03:2880:f12f:83:face:b00c:0:25de]", "http://127.0.0.1:8090", "http://localhost:9",
    "http://[::1]:8090", "https://127.0.0.1:1", "http://127.8.9.1",
)  # fmt: skip


class TestText(PureCase):
    def test_what_is_refused_and_why(self):
        for reason, urls in REFUSED.items():
            for url in urls:
                with self.subTest(url), self.assertRaises(AddressRefused) as caught:
                    check_url(url)
                with self.subTest(url):
                    self.assertEqual(caught.exception.reason, reason)

    def test_what_is_taken(self):
        for url in TAKEN:
            with self.subTest(url):
                check_url(url)
                CloudApiClient(url, "v25.0", "none").close()

    def test_the_base_has_nothing_after_its_path(self):
        for tail in ("?access_token=x", "/?x", "/#x", "#x"):
            with self.subTest(tail), self.assertRaises(AddressRefused):
                CloudApiClient(f"https://graph.facebook.com{tail}", "v25.0", "none")

    def test_what_an_administrator_allows(self):
        allowed = parse_allowed(" 10.0.0.0/24, Meta.Internal.,fd00::/8;192.168.1.7\n")
        for url in ("http://10.0.0.5:8090", "https://10.0.0.255", "http://meta.internal:81/x",
                    "https://[fd00::1]:8443", "https://192.168.1.7"):  # fmt: skip
            with self.subTest(url):
                check_url(url, allowed)
        for url in ("https://10.0.1.5", "https://192.168.1.8", "http://x.meta.internal",
                    "http://meta.internal.evil.example"):  # fmt: skip
            with self.subTest(url), self.assertRaises(AddressRefused):
                check_url(url, allowed)
        self.assertEqual(parse_allowed(None), ())
        for text in ("10.0.0.0/99", "https://a.b", "*", "a b.c/8"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_allowed(text)

    @given(st.text(max_size=40))
    def test_any_text_is_taken_or_refused(self, text):
        for url in (text, f"https://{text}", f"http://{text}"):
            try:
                address = check_url(url)
            except AddressRefused:
                continue
            self.assertTrue(address.host.isascii())

    @given(st.ip_addresses())
    def test_a_literal_is_taken_only_when_it_is_public_or_ourselves(self, ip):
        host = f"[{ip}]" if ip.version == 6 else str(ip)
        try:
            check_url(f"https://{host}")
        except AddressRefused:
            self.assertFalse(is_public(ip) or ip.is_loopback)
        else:
            self.assertTrue(is_public(ip) or ip.is_loopback)


def resolving(*addresses):
    """A resolver that answers these addresses for every name."""
    return lambda host, port, *_rest, **_kwargs: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
    ]


class TestNames(PureCase):
    def test_every_address_of_a_name_counts(self):
        url = "https://graph.facebook.com"
        check_resolved(url, resolve=resolving(PUBLIC))
        for bad in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"):
            for found in ((bad,), (PUBLIC, bad)):
                with self.subTest(found), self.assertRaises(AddressRefused):
                    check_resolved(url, resolve=resolving(*found))

    def test_a_name_without_address_is_left_to_the_call(self):
        def unknown(*_arguments, **_kwargs):
            raise socket.gaierror(-2, "Name or service not known")

        check_resolved("https://graph.facebook.com", resolve=unknown)

    def test_ourselves_by_name_is_ourselves(self):
        check_resolved("http://localhost:1", resolve=resolving("127.0.0.1", "::1"))
        for host in ("localhost", "127.0.0.1"):
            with self.subTest(host), self.assertRaises(AddressRefused):
                check_peer(host, "10.0.0.1")
        with self.assertRaises(AddressRefused):
            check_peer("graph.facebook.com", "127.0.0.1")

    def test_what_is_allowed_by_name_may_be_anywhere(self):
        check_resolved(
            "http://meta.internal:81", parse_allowed("meta.internal"), resolving("10.0.0.1")
        )


class Recorder:
    """A server that notes what reached it and answers with a redirect elsewhere."""

    def __init__(self, location=None):
        self.requests = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                recorder.requests.append((self.path, self.headers.get("Authorization")))
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TestSocket(PureCase):
    def setUp(self):
        super().setUp()
        self.inside = Recorder()
        self.addCleanup(self.inside.stop)

    def test_a_name_that_changes_its_answer_reaches_nothing(self):
        """Rebinding: public when it is checked, this machine when it is called."""
        pools = guarded_pools(())
        for scheme in ("http", "https"):
            with self.subTest(scheme), patch("socket.getaddrinfo", resolving("127.0.0.1")):
                pool = pools[scheme]("graph.facebook.com", self.inside.port, retries=False)
                with self.assertRaises(urllib3.exceptions.NewConnectionError) as caught:
                    pool.urlopen("GET", "/", retries=False)
                self.assertIn("not public", str(caught.exception))
        self.assertEqual(self.inside.requests, [])

    def test_the_client_says_that_nothing_was_sent(self):
        check_resolved("https://graph.facebook.com", resolve=resolving(PUBLIC))
        with patch("socket.getaddrinfo", resolving("127.0.0.1")):
            # The session's adapter as it is, on the port where somebody listens.
            client = CloudApiClient("https://graph.facebook.com", "v25.0", "SECRET")
            pool = client._session.get_adapter("https://").poolmanager
            with self.assertRaises(urllib3.exceptions.NewConnectionError):
                pool.connection_from_host("graph.facebook.com", self.inside.port).urlopen(
                    "GET", "/", retries=False
                )
            client.close()
        self.assertEqual(self.inside.requests, [])

    def test_a_refused_connection_counts_as_not_sent(self):
        with (
            patch("socket.getaddrinfo", resolving("127.0.0.1")),
            CloudApiClient(
                f"http://meta.internal:{self.inside.port}", "v25.0", "SECRET",
                allowed=parse_allowed("meta.internal"),
            ) as client,
        ):  # fmt: skip
            client._get(("1",))
            self.assertEqual(len(self.inside.requests), 1, "allowed, it is called")
            client._session.mount("http://", _unallowed_adapter(client))
            with self.assertRaises(NotSent):
                client._get(("1",))
        self.assertEqual(len(self.inside.requests), 1)

    def test_no_redirect_is_followed_and_no_token_travels(self):
        outside = Recorder(location=f"{self.inside.url}/stolen")
        self.addCleanup(outside.stop)
        with CloudApiClient(outside.url, "v25.0", "SECRET") as client:
            for call in (
                lambda: client._get(("1",)),
                lambda: client.download_media(f"{outside.url}/file", 100),
                lambda: client.get_media("1"),
            ):
                with self.assertRaises(CloudApiError):
                    call()
        self.assertEqual(len(outside.requests), 3)
        self.assertEqual(self.inside.requests, [])


def _unallowed_adapter(client):
    """The client's adapter, as it is without anything allowed."""
    kind = type(client._session.get_adapter("http://"))
    return kind((5, 5), 1, ())


class TestMediaLinks(PureCase):
    def test_a_link_in_a_reply_is_held_to_the_same(self):
        base = "https://graph.facebook.com"
        for reason in ("malformed", "not_https", "private", "port"):
            for url in REFUSED[reason]:
                with self.subTest(url):
                    self.assertFalse(may_carry_token(url, base))
        for url in ("https://lookaside.fbsbx.com/x?mid=1", "https://scontent.whatsapp.net/v"):
            self.assertTrue(may_carry_token(url, base))
        for url in ("https://fbsbx.com.evil.example/x", "https://evil.example/fbsbx.com"):
            self.assertFalse(may_carry_token(url, base))
