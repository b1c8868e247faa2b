"""What an outsider can put into an address of ours: never an error of the server."""

import hashlib
import hmac
import http.client
import inspect
import json
from urllib.parse import quote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign import controllers
from odoo.addons.waba_campaign.controllers import checks
from odoo.tests import BaseCase, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

SECRET = "routes-secret"
# As they stand in an address, percent-encoded.
TEXTS = (
    "%00", "%00abc", "abc%00", "%FF%FE", "%C3%28", "%ED%A0%80", "%C2%B2", "%D9%A3", "%EF%BC%97",
    "-1", "+1", "0", "00", "1.5", "1e3", "1_0", "0x10", "2147483647", "2147483648",
    "9223372036854775808", "9" * 400, "a" * 3000, "%25", "'", "%22", "%3Cscript%3E", "..", "%20",
    "%0A", "%0D%0AX-Y:1", "None", "true", "%F0%9F%99%82", "%E2%80%AE", "abc-%00", "a-b", "NaN",
    "%2e%2e%2f", ";", "%7B%7B7*7%7D%7D", "crm.lead", "base", "ir.attachment",
)  # fmt: skip


class TestChecks(BaseCase):
    def test_ids(self):
        cases = {"1": 1, "007": 7, "2147483647": 2147483647}
        for text in ("", "0", "-1", "+1", "²", "٣", "７", "1.0", "1_0", " 1", "1\n", "2147483648",
                     "9" * 400, "\x001", None, "None"):  # fmt: skip
            cases[text] = None
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(checks.as_row_id(text), expected)

    @settings(max_examples=300, derandomize=True, deadline=None)
    @given(st.text() | st.integers() | st.none())
    def test_an_id_is_one_that_a_row_can_have(self, text):
        found = checks.as_row_id(text)
        self.assertTrue(found is None or 0 < found < 2**31)

    def test_texts(self):
        for text in ("a", "é", "🙂", "²"):
            self.assertTrue(checks.is_storable(text))
        for text in ("", "\x00", "a\x00", "\ud800", "a\udfff"):
            self.assertFalse(checks.is_storable(text))


def our_routes():
    """{route of ours}, by what stands in the controllers themselves."""
    found = set()
    for module in vars(controllers).values():
        for controller in vars(module).values() if inspect.ismodule(module) else ():
            if getattr(controller, "__module__", "") != getattr(module, "__name__", None):
                continue
            for method in vars(controller).values() if inspect.isclass(controller) else ():
                found.update(getattr(method, "original_routing", {}).get("routes") or ())
    return found


@tagged("post_install", "-at_install")
class TestRoutes(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.env["waba.account"].create(
            {"name": "Routes", "waba_uid": "200000000000078", "app_secret": SECRET,
             "verify_token": "word"}
        )  # fmt: skip
        users = {
            "waba_r_portal": "base.group_portal",
            "waba_r_sales": "sales_team.group_sale_salesman,waba_campaign.waba_group_user",
            "waba_r_boss": "sales_team.group_sale_manager,waba_campaign.waba_group_manager",
        }
        for login, groups in users.items():
            new_test_user(cls.env, login, groups=groups)
        cls.people = (None, *users)
        cls.media = cls._create_media(cls)
        cls.page_key = cls._create_page(cls).page_key
        cls.campaign = cls.env["waba.campaign"].search([], limit=1)

    def _create_media(cls):
        """A file in a conversation of somebody else."""
        sender = cls.env["waba.sender"].create(
            {"account_id": cls.account.id, "phone_number_uid": "1"}
        )
        portfolio = cls.env["waba.portfolio"].create({"name": "R", "portfolio_uid": "r"})
        cls.account.portfolio_id = portfolio
        person = cls.env["waba.recipient"].create(
            {"portfolio_id": portfolio.id, "number": "+34611000777"}
        )
        message = cls.env["waba.message"].create(
            {"direction": "in", "state": "received", "account_id": cls.account.id,
             "sender_id": sender.id, "recipient_id": person.id, "kind": "image",
             "company_id": cls.env.company.id}
        )  # fmt: skip
        cls.env["waba.conversation"].create({"sender_id": sender.id, "recipient_id": person.id})
        attachment = cls.env["ir.attachment"].create({"name": "a.png", "raw": b"png"})
        return cls.env["waba.media"].create(
            {
                "message_id": message.id,
                "state": "done",
                "mimetype": "image/png",
                "name": "a.png",
                "attachment_id": attachment.id,
            }
        )

    def _create_page(cls):
        sender = cls.env["waba.sender"].create(
            {"account_id": cls.account.id, "phone_number_uid": "2", "number": "+34600000777"}
        )
        return cls.env["waba.optin.source"].create(
            {"name": "R", "kind": "page", "sender_id": sender.id}
        )

    def _statuses(self, requests):
        """Statuses of raw requests, each (method, address, body, headers): nothing is quoted."""
        address = urlsplit(self.base_url())
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.addCleanup(connection.close)
        cookie = f"session_id={self.session.sid}" if self.session else ""
        found = []
        with self.allow_requests(all_requests=True):
            for method, path, body, headers in requests:
                connection.putrequest(method, path, skip_accept_encoding=True)
                for name, text in {"Cookie": cookie, "Content-Length": str(len(body)),
                                   "User-Agent": "Mozilla/5.0", **headers}.items():  # fmt: skip
                    connection.putheader(name, text)
                connection.endheaders(body)
                answer = connection.getresponse()
                answer.read()
                found.append((answer.status, method, path, headers))
        return found

    def _check(self, requests):
        wrong = [told for told in self._statuses(requests) if told[0] >= 500]
        self.assertFalse(wrong)

    def _paths(self):
        key, media = self.account.webhook_key, self.media.id
        slug = f"x.{self.page_key}"
        for text in TEXTS:
            yield f"/waba/webhook/{text}"
            yield f"/waba/webhook/{key}?hub.mode=subscribe&hub.verify_token={text}&hub.challenge=1"
            yield f"/waba/webhook/{key}?hub.mode={text}&hub.mode=subscribe&hub.challenge={text}"
            yield f"/r/{text}"
            yield f"/r/{text}?utm={text}"
            yield f"/waba/r/{text}"
            yield f"/waba/r/abc-{text}"
            yield f"/waba/preferences/{text}"
            yield f"/waba/preferences/{text}?done={text}"
            yield f"/waba/media/{text}"
            yield f"/waba/media/{media}?res_model={text}&res_id=1"
            yield f"/waba/media/{media}?res_model=crm.lead&res_id={text}"
            yield f"/waba/media/{media}?res_model=res.partner&res_id=1&res_id={text}"
            yield f"/waba/media/{text}?{text}={text}"
            yield f"/waba/campaign/{text}/people.xlsx"
            yield f"/waba/optin/{text}"
            yield f"/waba/optin/x.{text}"
            yield f"/waba/optin/{slug}/{text}"
            yield f"/waba/optin/{slug}/qr/{text}"
            yield f"/waba/optin/{slug}/qr/png?code={text}&download={text}"
        yield from ("/waba/webhook/", "/r/", "/waba/r/", "/waba/media/", f"/waba/media/{media}",
                    "/waba/campaign//people.xlsx", f"/waba/media/{media}?res_id=1",
                    f"/waba/media/{media}?res_model=crm.lead")  # fmt: skip

    def test_the_table_covers_every_route_of_ours(self):
        covered = {"/waba/webhook/<string:key>", "/waba/r/<string:code>",
                   "/waba/optin/<string:slug>", "/waba/optin/<string:slug>/<string:code>",
                   "/waba/optin/<string:slug>/qr/<string:kind>",
                   "/waba/preferences/<string:token>", "/waba/media/<int:media_id>",
                   "/waba/campaign/<int:campaign_id>/people.xlsx"}  # fmt: skip
        self.assertEqual(our_routes(), covered)

    @mute_logger("odoo.http", "odoo.addons.waba_campaign.controllers.webhook")
    def test_no_address_is_an_error_of_the_server_for_anybody(self):
        for login in self.people:
            with self.subTest(login or "public"):
                self.authenticate(login, login)
                self._check([("GET", path, b"", {}) for path in self._paths()])

    @mute_logger("odoo.http", "odoo.addons.waba_campaign.controllers.webhook")
    def test_no_method_or_header_is_one_either(self):
        self.authenticate(None, None)
        key = f"/waba/webhook/{self.account.webhook_key}"
        kinds = ("application/json", "application/x-www-form-urlencoded", "text/plain",
                 "multipart/form-data", "multipart/form-data; boundary=x", "a", "",
                 "application/json; charset=utf-7",
                 "application/json; charset=nothing")  # fmt: skip
        bodies = (b"", b"\x00", b"\xff\xfe", b"--x\r\n\r\n", b"a=%00&a=%ff", b"{", b"[" * 50_000)
        requests = []
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE", "FOO"):
            for path in (key, "/waba/r/a-b", "/r/a-b", f"/waba/media/{self.media.id}",
                         "/waba/campaign/1/people.xlsx", "/waba/webhook/%00",
                         f"/waba/optin/x.{self.page_key}"):  # fmt: skip
                requests.append((method, path, b"", {}))
        for kind in kinds:
            for body in bodies:
                signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                for signature in (f"sha256={signed}", "sha256=²", "\xff", "x" * 5000, ""):
                    headers = {"Content-Type": kind, "X-Hub-Signature-256": signature}
                    requests.append(("POST", key, body, headers))
        for agent in ("", "\xff", "x" * 5000, "%00"):
            requests.append(("GET", "/waba/r/abc-AAAAAAAAAAAAAAAA", b"", {"User-Agent": agent}))
        self._check(requests)

    @mute_logger("odoo.http")
    def test_drawn_addresses(self):
        self.authenticate("waba_r_sales", "waba_r_sales")
        drawn = st.text(max_size=40) | st.integers().map(str) | st.floats().map(str)
        forms = st.sampled_from(
            ("/waba/webhook/{}", "/r/{}", "/waba/r/{}", "/waba/media/{}", "/waba/preferences/{}",
             f"/waba/media/{self.media.id}?res_model={{}}&res_id={{}}",
             "/waba/campaign/{}/people.xlsx")
        )  # fmt: skip
        requests = []

        @settings(max_examples=250, derandomize=True, deadline=None, database=None)
        @given(forms, drawn, drawn)
        def collect(form, one, two):
            parts = [quote(text.encode("utf-8", "surrogatepass"), safe="") for text in (one, two)]
            requests.append(("GET", form.format(*parts), b"", {}))

        collect()
        self._check(requests)

    def test_what_is_right_still_works(self):
        self.authenticate("waba_r_boss", "waba_r_boss")
        signed = json.dumps({"entry": []}).encode()
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
        link = self.env["link.tracker"].create({"url": "https://example.com/a", "title": "a"})
        statuses = self._statuses([
            ("POST", f"/waba/webhook/{self.account.webhook_key}", signed, headers),
            ("GET", f"/waba/media/{self.media.id}", b"", {}),
            ("GET", f"/r/{link.code}", b"", {}),
            ("GET", f"/waba/r/{link.code}", b"", {}),
        ])  # fmt: skip
        self.assertEqual([status for status, *_rest in statuses], [200, 200, 301, 301])
