"""The webhook address, over real HTTP: the handshake, and what is let in and kept."""

import hashlib
import hmac
import http.client
import json
import logging
import socket
from urllib.parse import urlsplit

from odoo.addons.waba_campaign.models.webhook.waba_webhook_refusal import COUNTER
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

REFUSALS = "odoo.addons.waba_campaign.models.webhook.waba_webhook_refusal"
ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN = "door-access-token", "door-app-secret", "door-verify-token"
MEGABYTE = 1024 * 1024


def signature(body, secret=APP_SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@tagged("post_install", "-at_install")
class TestWebhookController(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.env["waba.account"].create(
            {
                "name": "Door",
                "waba_uid": "200000000000077",
                "access_token": ACCESS_TOKEN,
                "app_secret": APP_SECRET,
                "verify_token": VERIFY_TOKEN,
            }
        )
        cls.path = f"/waba/webhook/{cls.account.webhook_key}"
        cls.cron = cls.env.ref("waba_campaign.ir_cron_apply_webhooks")

    def _post(self, body, signed=None, path=None, **headers):
        """POST bytes as Meta does; `signed` is the signature header, by default the right one."""
        headers = {"Content-Type": "application/json", **headers}
        headers["X-Hub-Signature-256"] = signature(body) if signed is None else signed
        return self.url_open(path or self.path, data=body, headers=headers, method="POST")

    def _events(self):
        return self.env["waba.webhook.event"].search([("account_id", "=", self.account.id)])

    # The handshake

    def _handshake(self, **params):
        return self.url_open(
            self.path, params={name.replace("_", ".", 1): text for name, text in params.items()}
        )

    def test_the_handshake_gives_the_challenge_back_for_the_right_token_only(self):
        right = {
            "hub_mode": "subscribe",
            "hub_verify_token": VERIFY_TOKEN,
            "hub_challenge": "1158201444",
        }
        answer = self._handshake(**right)
        self.assertEqual((answer.status_code, answer.text), (200, "1158201444"))
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain"))
        refused = {
            "a wrong token": {**right, "hub_verify_token": "another"},
            "an empty token": {**right, "hub_verify_token": ""},
            "another mode": {**right, "hub_mode": "unsubscribe"},
            "a challenge with markup": {**right, "hub_challenge": "<script>1</script>"},
            "no challenge": {name: right[name] for name in ("hub_mode", "hub_verify_token")},
            "no token": {name: right[name] for name in ("hub_mode", "hub_challenge")},
            "nothing": {},
        }
        for name, params in refused.items():
            with self.subTest(name):
                answer = self._handshake(**params)
                self.assertEqual(answer.status_code, 403)
                self.assertNotIn("1158201444", answer.text)
        self.assertFalse(self._events())

    def test_an_account_without_a_verify_token_answers_no_handshake(self):
        self.account.verify_token = False
        answer = self._handshake(hub_mode="subscribe", hub_verify_token="", hub_challenge="1")
        self.assertEqual(answer.status_code, 403)

    # Who may come in

    def test_a_signed_body_is_kept_as_it_came_and_not_applied_yet(self):
        body = '{"object": "whatsapp_business_account", "entry": [ ],  "é": "☃"}'.encode()
        answer = self._post(body)
        self.assertEqual((answer.status_code, answer.text), (200, ""))
        event = self._events()
        self.assertEqual(len(event), 1)
        self.assertEqual(event.body.encode(), body)
        self.assertEqual(event.body_hash, hashlib.sha256(body).hexdigest())
        self.assertEqual(event.state, "new", "the request only stores")

    def test_a_signature_in_capital_letters_is_as_good(self):
        body = b"{}"
        _name, digest = signature(body).split("=")
        self.assertEqual(self._post(body, f"sha256={digest.upper()}").status_code, 200)

    def test_whoever_does_not_sign_with_the_apps_secret_is_refused_and_leaves_no_trace(self):
        body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
        right = signature(body)
        cases = {
            "another secret": signature(body, "guess"),
            "another body": signature(body + b" "),
            "sha1": "sha1=" + hmac.new(APP_SECRET.encode(), body, "sha1").hexdigest(),
            "no prefix": right.removeprefix("sha256="),
            "another prefix": right.replace("sha256", "sha512"),
            "cut short": right[:-1],
            "empty": "",
        }
        COUNTER.reset()
        with self.assertLogs(REFUSALS, "WARNING"):
            for name, header in cases.items():
                with self.subTest(name):
                    self.assertEqual(self._post(body, header).status_code, 403)
            with self.subTest("no header at all"):
                self.assertEqual(self.url_open(self.path, data=body).status_code, 403)
        self.assertFalse(self._events())

    def test_refused_bodies_are_counted_and_written_once_in_a_while(self):
        """Whoever has the address may post without end: no row and no write for each."""
        COUNTER.reset()
        with self.assertLogs(REFUSALS, "WARNING") as captured:
            for _time in range(12):
                self.assertEqual(self._post(b"{}", "sha256=no").status_code, 403)
        written = self.env["waba.webhook.refusal"].search([("account_id", "=", self.account.id)])
        self.assertEqual(len(written), 1)
        waiting = COUNTER.pending_count((self.env.cr.dbname, self.account.id))
        self.assertEqual(written.count + waiting, 12, "every one is counted")
        self.assertLess(len(captured.output), 12)
        self.assertEqual(self.account.refused_count, written.count)
        self.assertTrue(self.account.refused_at)

    def test_a_new_secret_starts_the_count_anew(self):
        COUNTER.reset()
        with self.assertLogs(REFUSALS, "WARNING"):
            self._post(b"{}", "sha256=no")
        self.assertEqual(self.account.refused_count, 1)
        self.account.name = "Renamed"
        self.assertEqual(self.account.refused_count, 1)
        self.account.app_secret = "another"
        self.account.invalidate_recordset()
        self.assertEqual(self.account.refused_count, 0)

    def test_an_account_without_app_secret_lets_nobody_in(self):
        self.account.app_secret = False
        for secret in ("", APP_SECRET):
            COUNTER.reset()
            with self.subTest(secret), self.assertLogs(REFUSALS, "WARNING"):
                self.assertEqual(self._post(b"{}", signature(b"{}", secret)).status_code, 403)
        self.assertFalse(self._events())

    def test_an_unknown_address_is_not_found_for_get_and_post(self):
        for path in ("/waba/webhook/unknown", f"{self.path}x", f"{self.path}/more"):
            with self.subTest(path):
                self.assertEqual(self.url_open(path).status_code, 404)
                self.assertEqual(self._post(b"{}", path=path).status_code, 404)
        self.assertFalse(self._events())

    def test_one_accounts_secret_opens_no_other_accounts_address(self):
        other = self.account.create(
            {"name": "Other", "waba_uid": "200000000000078", "app_secret": "other-app-secret"}
        )
        with self.assertLogs(REFUSALS, "WARNING"):
            answer = self._post(b"{}", path=f"/waba/webhook/{other.webhook_key}")
        self.assertEqual(answer.status_code, 403)

    def test_an_archived_account_still_receives(self):
        # Statuses and opt-outs of what was sent before go on coming in.
        self.account.active = False
        self.assertEqual(self._post(b"{}").status_code, 200)
        self.assertEqual(len(self._events()), 1)

    def test_other_methods_are_refused(self):
        for method in ("PUT", "DELETE", "PATCH"):
            with self.subTest(method):
                answer = self.url_open(self.path, data=b"{}", method=method)
                self.assertEqual(answer.status_code, 405)
        self.assertFalse(self._events())

    # What is kept

    def test_what_cannot_be_read_is_kept_and_marked_with_the_reason(self):
        cases = {
            b"not json at all": "not JSON",
            b"": "not JSON",
            b"[1, 2]": "not an object",
            b"\xff\xfe\x00binary": "not JSON",
            b'{"object": "page", "entry": [{"id": "1", "changes": []}]}': "no changes",
            b'{"entry": [{"changes": [{"field": "new", "value": {"a": 1}}]}]}': "unknown field",
            b"[" * 100_000: "not JSON",
        }
        for body, why in cases.items():
            with self.subTest(body[:40]):
                self.assertEqual(self._post(body).status_code, 200)
                event = self._events()[:1]
                self.assertEqual(event.state, "new")
                self.cron.method_direct_trigger()
                event.invalidate_recordset()
                self.assertEqual(event.state, "ignored")
                self.assertIn(why, event.error)
        self.assertEqual(len(self._events()), len(cases))

    def test_a_null_byte_does_not_stop_a_body_from_being_kept(self):
        body = b'{"entry": "a\x00b"}'
        self.assertEqual(self._post(body).status_code, 200)
        event = self._events()
        self.assertEqual(event.body, '{"entry": "ab"}')
        self.assertEqual(event.body_hash, hashlib.sha256(body).hexdigest())

    def test_the_same_body_twice_is_kept_twice(self):
        # Whether a repetition says anything new is decided when it is applied.
        for _time in range(2):
            self.assertEqual(self._post(b'{"a": 1}').status_code, 200)
        self.assertEqual(len(self._events()), 2)

    def test_a_body_of_three_megabytes_is_kept_whole(self):
        body = json.dumps({"entry": [], "filler": "x" * (3 * MEGABYTE)}).encode()
        self.assertEqual(self._post(body).status_code, 200)
        self.assertEqual(len(self._events().body), len(body))

    def _status_of_headers(self, **headers):
        """Send the headers of a POST and nothing more; the status of the answer."""
        address = urlsplit(self.base_url())
        connection = http.client.HTTPConnection(address.hostname, address.port)
        self.addCleanup(connection.close)
        connection.putrequest("POST", self.path)
        for name, text in headers.items():
            connection.putheader(name.replace("_", "-"), text)
        connection.endheaders()
        # Whoever went on to read would meet the end at once, and answer something else.
        connection.sock.shutdown(socket.SHUT_WR)
        return connection.getresponse().status

    @mute_logger("odoo.http")
    def test_more_than_four_megabytes_is_refused_before_it_is_read(self):
        with self.allow_requests(all_requests=True):
            status = self._status_of_headers(Content_Length=str(4 * MEGABYTE + 1))
        self.assertEqual(status, 413)
        self.assertFalse(self._events())

    def test_neither_events_nor_answers_nor_logs_hold_a_secret(self):
        COUNTER.reset()
        with self.assertLogs("odoo", "DEBUG") as captured:
            answers = [
                self._post(b'{"entry": []}'),
                self._post(b'{"entry": []}', "sha256=" + "0" * 64),
                self._handshake(hub_mode="subscribe", hub_verify_token="wrong", hub_challenge="12"),
            ]
        event = self._events()
        event.action_reapply()
        self.cron.method_direct_trigger()
        event.invalidate_recordset()
        secrets = (ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN)
        told = [
            json.dumps(event.read(), default=str),
            *(answer.text + str(answer.headers) for answer in answers),
            *captured.output,
        ]
        self.assertTrue(any("wrong signature" in line for line in captured.output))
        for text in told:
            for secret in secrets:
                self.assertNotIn(secret, text)


class TestAccessLog(TransactionCase):
    """House rule: no key and no token in any log."""

    def test_the_web_server_logs_neither_key_nor_verify_token(self):
        access_log = logging.getLogger("werkzeug")
        address = "/waba/webhook/KEY?hub.mode=subscribe&hub.verify_token=WORD"
        lines = [
            ('%s "%s" %s', ("::1", f"GET {address}&hub.challenge=1 HTTP/1.1", 200)),
            (f'"POST {address} HTTP/1.1" 200', ()),
        ]
        for message, args in lines:
            with self.subTest(message):
                record = access_log.makeRecord(
                    access_log.name, logging.INFO, __file__, 1, message, args, None
                )
                self.assertTrue(access_log.filter(record))
                self.assertIn("/waba/webhook/***", record.getMessage())
                self.assertNotIn("KEY", record.getMessage())
                self.assertNotIn("WORD", record.getMessage())
