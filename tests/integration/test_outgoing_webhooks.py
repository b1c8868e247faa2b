"""Outgoing events: recorded once with their cause, delivered signed, retried, paused; no private
address."""

import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user

from ...cloud_api import AddressRefused, check_receiver
from ...models.base.waba_account import ALLOWED_ADDRESSES
from ...policy import outgoing
from ..common import WabaCase
from ..pure import PureCase

NUMBER = "+34611000001"
HOUR = timedelta(hours=1)


class Receiver:
    """Another system's server: `answers` are HTTP statuses to give, then 200."""

    def __init__(self):
        self.answers, self.got = [], []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events?source=odoo"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def bodies(self):
        return [json.loads(body) for _headers, body in self.got]


class OutgoingCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.env["ir.config_parameter"].set_param(ALLOWED_ADDRESSES, "127.0.0.1")
        self.webhook = self.env["waba.outgoing.webhook"].create(
            {"name": "Warehouse", "url": self.receiver.url}
        )
        self.events = self.env["waba.outgoing.event"]

    def _send(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_outgoing"))

    def _kinds(self):
        return sorted(self.events.search([]).mapped("kind"))

    def _later(self, delay):
        for event in self.events.search([("state", "=", "queued")]):
            event.next_attempt_at -= delay
        self.webhook.failing_since = (
            self.webhook.failing_since and self.webhook.failing_since - delay
        )


class TestCauses(OutgoingCase):
    def test_each_fact_is_recorded_once_however_often_it_is_reported(self):
        row = self._rows(self._launch(self._leads(1)))
        for status in ("delivered", "read", "read", "delivered"):
            self._receive(self._status(row, status))
        self._receive(self._inbound(row.number, "BAJA"))
        self._receive(self._inbound(row.number, "BAJA"))
        self.assertEqual(self._kinds(), ["delivered", "opted_out", "read", "replied"])
        self._send()
        data = {body["event"]: body for body in self.receiver.bodies}
        self.assertEqual(data["delivered"]["data"]["message_id"], row.id)
        self.assertEqual(data["delivered"]["data"]["template"], row.template_id.name)
        self.assertEqual(data["delivered"]["record"], {"model": "crm.lead", "id": row.res_id})
        self.assertEqual(data["replied"]["data"]["text"], "BAJA")
        self.assertEqual(data["replied"]["data"]["in_reply_to"], row.id)
        self.assertEqual(data["opted_out"]["data"]["number"], row.number)
        text = json.dumps(self.receiver.bodies)
        for secret in (self.account.access_token, self.account.app_secret, self.webhook.secret):
            self.assertNotIn(secret, text)

    def test_failures_of_both_kinds(self):
        rows = self._rows(self._launch(self._leads(1)))
        self._receive(self._status(rows, "failed", errors=[{"code": 131026}]))
        with self._fault(kind="error", code=131026):
            self._launch(self._leads(1, start=10))
        self.assertEqual(self._kinds(), ["failed", "failed"])

    def test_a_rating_that_changed(self):
        self.simulator.post("number", id=self.sender.phone_number_uid, quality_rating="YELLOW")
        self.account.action_sync()
        event = self.events.search([("kind", "=", "rating")])
        data = json.loads(event.body)["data"]
        self.assertEqual((data["subject"], data["name"], data["after"]),
                         ("number", self.sender.number, "yellow"))  # fmt: skip

    def test_only_what_is_subscribed_to_and_only_of_the_company(self):
        self.webhook.on_delivered = False
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.webhook.copy({"company_id": other.id})
        row = self._rows(self._launch(self._leads(1)))
        self._receive(self._status(row, "read"))
        self.assertEqual(self._kinds(), ["read"])

    def test_without_a_webhook_nothing_is_read(self):
        self.webhook.unlink()
        row = self._rows(self._launch(self._leads(1)))
        event = self._store_event(self._status(row, "delivered"))
        self.env["waba.outgoing.webhook"]._subscriptions()
        with self.assertQueries([], flush=False):
            self.env["waba.account"]._emit_message_events(row.ids)
        self.assertTrue(event)

    def test_a_step_posts_to_a_chosen_webhook_once(self):
        lead = self._lead("+34 611 000 001")
        for _time in range(2):
            self.webhook._post("step", lead, {"step": "Call"}, key="step/1/2")
        event = self.events.search([])
        self.assertEqual((event.kind, event.res_model, event.res_id), ("step", "crm.lead", lead.id))


class TestDelivery(OutgoingCase):
    def test_the_signature_is_that_of_the_documentation(self):
        self.webhook.action_send_test()
        self._send()
        [(headers, body)] = self.receiver.got
        stamp, _comma, given = headers["X-Waba-Signature"].partition(",v1=")
        expected = hmac.new(
            self.webhook.secret.encode(), stamp[2:].encode() + b"." + body, hashlib.sha256
        ).hexdigest()
        self.assertEqual(given, expected)
        event = self.events.search([])
        self.assertEqual(headers["X-Waba-Event-Id"], event.uuid)
        self.assertEqual(json.loads(body)["id"], event.uuid)
        self.assertEqual((event.state, event.http_status, event.attempt_count), ("sent", 200, 1))

    def test_it_is_tried_again_with_the_same_id_and_given_up_after_three_days(self):
        self.receiver.answers = [500, 302]
        self.webhook.action_send_test()
        event = self.events.search([])
        self._send()
        self.assertEqual(event.state, "queued")
        self.assertIn("500", event.error)
        self._send()
        self.assertEqual(len(self.receiver.got), 1, "not before a minute")
        self._later(outgoing.RETRY_DELAYS[0])
        self._send()
        self.assertIn("302", event.error, "no redirect is followed")
        self._later(outgoing.RETRY_DELAYS[1])
        self._send()
        self.assertEqual((event.state, event.attempt_count), ("sent", 3))
        self.assertEqual(len({h["X-Waba-Event-Id"] for h, _body in self.receiver.got}), 1)
        self.receiver.answers = [500] * 20
        event.action_resend()
        self.webhook.failing_since = False
        for delay in outgoing.RETRY_DELAYS:
            self._send()
            self.webhook.failing_since = False
            self._later(delay)
        self._send()
        self.assertEqual((event.state, event.attempt_count), ("failed", 10))

    def test_after_a_day_of_failures_it_pauses_and_managers_are_told(self):
        self.receiver.answers = [500] * 20
        self.webhook.action_send_test()
        self._send()
        self._later(25 * HOUR)
        self._send()
        self.assertEqual(self.webhook.state, "paused")
        self.assertTrue(self.webhook.activity_ids.filtered(lambda a: a.user_id == self.manager))
        self._later(25 * HOUR)
        self._send()
        self.assertEqual(len(self.receiver.got), 2, "nothing is sent while paused")
        self.receiver.answers = []
        self.webhook.action_resume()
        self._send()
        self.assertEqual(self.events.search([]).state, "sent")
        self.assertFalse(self.webhook.activity_ids)

    def test_one_bad_receiver_does_not_stop_another(self):
        bad = Receiver()
        bad.stop()
        self.env["waba.outgoing.webhook"].create({"name": "Bad", "url": bad.url})._post(
            "test", None, {}
        )
        self.webhook.action_send_test()
        self._send()
        self.assertEqual(len(self.receiver.got), 1)

    def test_a_copy_of_the_database_reports_nothing(self):
        self.account._record_home_database()
        here = self.account.home
        self.webhook._post("test", None, {"message": "1"})
        for name, value in {"name": "production", "oid": "1", "uuid": "other"}.items():
            with self._case(name):
                self.account.home = {**here, name: value}
                self._send()
                self.assertFalse(self.receiver.got)
                [event] = self.events.search([])
                self.assertEqual((event.state, event.attempt_count), ("queued", 0))
                self.assertIn("Nothing is sent", self.webhook.away_reason)
        self.account.home = {**here, "name": "production"}
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self.webhook.copy({"company_id": elsewhere.id})
        theirs._post("test", None, {"message": "2"})
        self._send()
        self.assertEqual([body["data"]["message"] for body in self.receiver.bodies], ["2"])
        self.account._adopt_database()
        self._send()
        self.assertEqual([body["data"]["message"] for body in self.receiver.bodies], ["2", "1"])
        self.assertFalse(self.webhook.away_reason)

    def test_erased_people_are_told_of_to_nobody(self):
        row = self._rows(self._launch(self._leads(1)))
        self._receive(self._status(row, "read"))
        row.recipient_id._erase_personal_data(self.env.company)
        self.assertFalse(any(self.events.search([]).mapped("body")))
        self._send()
        told = [body for body in self.receiver.bodies if body["event"] in ("delivered", "read")]
        self.assertFalse(told)


class TestAddresses(OutgoingCase):
    PRIVATE = (
        "http://example.com/x", "https://127.0.0.1/x", "https://localhost/x", "http://localhost",
        "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[::1]/", "ftp://example.com",
        "https://user@example.com/", "https://2130706433/", "", False,
    )  # fmt: skip

    def test_private_addresses_are_refused_unless_an_administrator_allows_them(self):
        self.env["ir.config_parameter"].set_param(ALLOWED_ADDRESSES, "")
        for url in self.PRIVATE:
            with self.subTest(url=url), self.assertRaises(ValidationError):
                self.webhook.url = url
        self.webhook.url = "https://1.1.1.1/x?token=1"

    def test_what_was_allowed_is_checked_again_when_it_is_sent(self):
        self.webhook.action_send_test()
        self.env["ir.config_parameter"].set_param(ALLOWED_ADDRESSES, "")
        self._send()
        self.assertFalse(self.receiver.got)
        event = self.events.search([])
        self.assertEqual((event.attempt_count, event.state), (1, "queued"))
        self.assertIn("private network", event.error or str(event.read()))

    def test_managers_read_and_administrators_change(self):
        mine = self.webhook.with_user(self.manager)
        self.assertEqual(mine.name, "Warehouse")
        for attempt in (
            lambda: mine.secret, mine.action_send_test, mine.action_new_secret,
            lambda: mine.write({"url": "https://1.1.1.1"}),
        ):  # fmt: skip
            with self.assertRaises(AccessError):
                attempt()
        system = new_test_user(self.env, "waba_admin", groups="base.group_system")
        made = self.env["waba.outgoing.webhook"].with_user(system).create(
            {"name": "New", "url": "https://1.1.1.1"}
        )  # fmt: skip
        self.assertGreater(len(made.secret), 30)


class TestPolicy(PureCase):
    def test_three_days_of_attempts_then_no_more(self):
        now = fields.Datetime.now()
        total = sum(outgoing.RETRY_DELAYS, timedelta())
        self.assertTrue(timedelta(days=2, hours=22) < total < timedelta(days=3))
        self.assertIsNone(outgoing.next_attempt(len(outgoing.RETRY_DELAYS) + 1, now))

    def test_names_that_lead_to_this_network(self):
        def check(url):
            return check_receiver(url, ())

        with self.assertRaises(AddressRefused):
            check("https://localhost./x")
