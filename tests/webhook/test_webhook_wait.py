"""Events that come before what they are about is known: they wait, and are applied then."""

import json
import time
from datetime import datetime, timedelta

from odoo.addons.waba_campaign.models.webhook.waba_webhook_event import RETRY_DELAYS

from ..common import NUMBER_ES, WABA_UID, WabaCase

NUMBER = "+34611000001"
NEW_NUMBER = "400000000000777"
NEW_ACCOUNT = "200000000000002"


class WaitCase(WabaCase):
    def _to(self, phone_uid, body, waba_uid=WABA_UID):
        body["entry"][0]["id"] = waba_uid
        body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = phone_uid
        return body

    def _add_number(self, uid=NEW_NUMBER):
        """The account gets one more number at Meta, and is read."""
        self.env["waba.sender"].create({"account_id": self.account.id, "phone_number_uid": uid})

    def _person(self, number=NUMBER):
        return self.env["waba.recipient"].search(
            [("number", "=", number), ("portfolio_id", "=", self.portfolio.id)]
        )

    def _written(self, wamid="wamid.IN1"):
        return self.env["waba.message"].search([("wamid", "=", wamid)])

    def _look(self, event):
        """The next look is due, and taken."""
        event.look_at = datetime.now() - timedelta(seconds=1)
        self._apply_webhooks()


class TestNumbers(WaitCase):
    def _forget_number(self):
        """A number that Meta lists and that was not read yet; its id."""
        uid = self.sender_mx.phone_number_uid
        self.sender_mx.unlink()
        return uid

    def test_a_message_to_a_number_not_read_yet_is_applied_once_it_is(self):
        uid = self._forget_number()
        event = self._receive(self._to(uid, self._inbound(NUMBER, "Hola")))
        self.assertEqual((event.state, event.wait_kind), ("waiting", "number"))
        self.assertFalse(self._written())
        self.account._sync()
        self._apply_webhooks()
        self.assertEqual((event.state, event.error), ("applied", False))
        self.assertEqual(self._written().sender_id.phone_number_uid, uid)

    def test_a_stop_counts_at_once_and_once(self):
        ways = {
            "typed": {},
            "button": {"type": "button", "button": {"payload": "STOP_PROMO", "text": "Stop"}},
        }
        for name, values in ways.items():
            with self._case(name):
                uid = self._forget_number()
                event = self._receive(self._to(uid, self._inbound(NUMBER, "BAJA", **values)))
                self.assertEqual(event.state, "waiting")
                self.assertEqual(self._person().marketing_state, "opted_out")
                self.account._sync()
                self._apply_webhooks()
                self.assertEqual(self._written().recipient_id, self._person())
                self.assertEqual(len(self._person().consent_ids), 1)

    def test_what_is_no_stop_waits_without_a_trace(self):
        for text in ("Hola", "ALTA", "sí"):
            with self._case(text):
                self._receive(self._to(NEW_NUMBER, self._inbound(NUMBER, text)))
                self.assertFalse(self._person().consent_ids)

    def test_a_stop_by_whatsapps_own_control_needs_no_number(self):
        value = {
            "metadata": {"phone_number_id": NEW_NUMBER},
            "user_preferences": [
                {"wa_id": NUMBER[1:], "value": "stop", "category": "marketing_messages",
                 "timestamp": int(time.time())}
            ],
        }  # fmt: skip
        event = self._receive(self._change("user_preferences", value))
        self.assertEqual(event.state, "applied")
        self.assertEqual(self._person().marketing_state, "opted_out")

    def test_a_refusal_for_an_opt_out_counts_whoevers_message_it_was(self):
        told = {"id": "wamid.ELSE", "status": "failed", "timestamp": str(int(time.time())),
                "recipient_id": NUMBER[1:], "errors": [{"code": 131050}]}  # fmt: skip
        for values in ({}, {"biz_opaque_callback_data": "order-7"}):
            with self._case(str(values)):
                self._receive(self._change("messages", {"statuses": [{**told, **values}]}))
                self.assertEqual(self._person().marketing_state, "opted_out")
                self.assertEqual(self._person().consent_ids.source, "refused")

    def test_only_what_waits_is_applied_later(self):
        body = self._change("account_update", {"event": "ACCOUNT_VIOLATION",
                            "violation_info": {"violation_type": "SCAM"}})  # fmt: skip
        body["entry"] += self._to(NEW_NUMBER, self._inbound(NUMBER, "Hola"))["entry"]
        body["entry"] += self._change("some_new_field", {"a": 1})["entry"]
        event = self._receive(body)
        self.assertEqual(event.state, "waiting")
        self._add_number()
        self._look(event)
        self.assertEqual(event.state, "applied")
        self.assertIn("some_new_field: unknown field", event.error)
        self.assertTrue(self._written())
        self.assertEqual(self._chatter(self.account).count("violation: Scam"), 1)

    def test_a_change_of_a_numbers_name_waits_for_the_number(self):
        name = {"display_phone_number": "34999000111", "decision": "APPROVED",
                "requested_verified_name": "Demo"}  # fmt: skip
        event = self._receive(self._change("phone_number_name_update", name))
        self.assertEqual((event.state, event.wait_kind), ("waiting", "number"))
        self._add_number()
        sender = self.account.sender_ids.filtered(lambda s: s.phone_number_uid == NEW_NUMBER)
        sender.number = "+34999000111"
        self._look(event)
        self.assertEqual(event.state, "applied")
        self.assertIn("Demo", self._chatter(sender))


class TestBounds(WaitCase):
    def test_each_kind_is_looked_at_in_growing_steps_and_named_after_the_last(self):
        for kind, steps in RETRY_DELAYS.items():
            self.assertEqual(list(steps), sorted(steps), kind)
            self.assertLess(sum(steps, timedelta()), timedelta(days=10), kind)
        event = self._receive(self._to(NEW_NUMBER, self._inbound(NUMBER, "Hola")))
        for step in RETRY_DELAYS["number"]:
            self.assertEqual(event.state, "waiting")
            self.assertAlmostEqual(event.look_at, datetime.now() + step, delta=timedelta(minutes=2))
            self._look(event)
        self.assertEqual((event.state, event.look_at), ("ignored", False))
        self.assertIn(NEW_NUMBER, event.error)
        self.assertIn("Not applied", event.error)
        self._add_number()
        event.action_reapply()
        self._apply_webhooks()
        self.assertEqual(event.state, "applied")

    def test_nothing_is_looked_at_before_its_time_and_the_job_is_asked_in_time(self):
        event = self._receive(self._to(NEW_NUMBER, self._inbound(NUMBER, "Hola")))
        self._add_number()
        self._apply_webhooks()
        self.assertEqual(event.state, "waiting")
        cron = self.env.ref("waba_campaign.ir_cron_apply_webhooks")
        waiting = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertTrue(any(trigger.call_at <= event.look_at for trigger in waiting))

    def test_waiting_bodies_are_not_deleted(self):
        event = self._receive(self._to(NEW_NUMBER, self._inbound(NUMBER, "Hola")))
        event.received_at = datetime.now() - timedelta(days=200)
        self.env["waba.webhook.event"]._gc_applied()
        self.assertTrue(event.exists())

    def test_a_body_that_comes_again_while_it_waits_is_applied_once(self):
        body = self._to(NEW_NUMBER, self._inbound(NUMBER, "Hola"))
        events = self._receive(body) + self._receive(body)
        self._add_number()
        events.look_at = datetime.now() - timedelta(seconds=1)
        self._apply_webhooks()
        self.assertEqual(events.mapped("state"), ["applied", "applied"])
        self.assertEqual(len(self._written()), 1)


class TestOtherSubjects(WaitCase):
    def _template_event(self, event, uid, at):
        body = self._change("message_template_status_update", {
            "event": event, "message_template_id": int(uid), "message_template_name": "newest",
            "message_template_language": "es", "reason": "NONE"})  # fmt: skip
        body["entry"][0]["time"] = int(at)
        return body

    def _create_template(self, uid):
        return self.env["waba.template"].create(
            {"account_id": self.account.id, "template_uid": uid, "name": "newest",
             "language": "es", "category": "marketing", "status": "approved"}
        )  # fmt: skip

    def test_an_event_of_a_template_not_read_yet_is_applied_once_it_is(self):
        event = self._receive(self._template_event("PAUSED", "500000000000777", time.time() + 60))
        self.assertEqual((event.state, event.wait_kind), ("waiting", "template"))
        template = self._create_template("500000000000777")
        self._look(event)
        self.assertEqual((event.state, template.status), ("applied", "paused"))

    def test_what_meta_said_before_the_template_was_read_does_not_set_it_back(self):
        event = self._receive(self._template_event("PENDING", "500000000000778", time.time() - 600))
        template = self._create_template("500000000000778")
        self._look(event)
        self.assertEqual((event.state, template.status), ("applied", "approved"))
        self.assertIn("Pending", self._chatter(template))

    def test_an_event_of_an_account_that_is_connected_later_is_applied_then(self):
        told = self._to(
            "400000000000003", self._inbound(NUMBER, "BAJA", wamid="wamid.B"), NEW_ACCOUNT
        )
        event = self._receive(told)
        self.assertEqual((event.state, event.wait_kind), ("waiting", "account"))
        other = self._create_account(name="Other", waba_uid=NEW_ACCOUNT)
        self._apply_webhooks()
        self.assertEqual((event.state, event.wait_kind), ("waiting", "number"))
        other._sync()
        self._apply_webhooks()
        self.assertEqual((event.state, event.error), ("applied", False))
        self.assertEqual(self._written("wamid.B").account_id, other)
        self.assertEqual(self._written("wamid.B").recipient_id.marketing_state, "opted_out")

    def test_what_stops_an_account_that_is_not_connected_yet_stops_it_when_it_is(self):
        self.account.state = "draft"
        event = self._receive(
            self._change("account_update", {
                "event": "ACCOUNT_RESTRICTION", "restriction_info": [
                    {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}]})
        )  # fmt: skip
        self.assertEqual(event.state, "waiting")
        self.account.state = "connected"
        self._apply_webhooks()
        self.assertEqual((event.state, self.account.state), ("applied", "stopped"))

    def test_a_stop_to_an_account_that_was_never_read_counts_in_its_company(self):
        other = self._create_account(name="Other", waba_uid=NEW_ACCOUNT)
        told = {"user_preferences": [{"wa_id": NUMBER[1:], "value": "stop",
                "category": "marketing_messages", "timestamp": int(time.time())}]}  # fmt: skip
        self._receive(self._change("user_preferences", told, waba_uid=NEW_ACCOUNT), other)
        self.assertEqual(self._person().marketing_state, "opted_out")

    def test_a_status_that_comes_before_its_row_is_applied_once_it_is_there(self):
        row = self._message(NUMBER, wamid="wamid.SOON")
        body, uuid = self._status(row, "delivered"), row.uuid
        row.unlink()
        for tagged in (True, False):
            with self._case(str(tagged)):
                told = json.loads(json.dumps(body))
                if not tagged:
                    del told["entry"][0]["changes"][0]["value"]["statuses"][0][
                        "biz_opaque_callback_data"]  # fmt: skip
                event = self._receive(told)
                self.assertEqual(event.state, "waiting")
                self.assertEqual(event.wait_kind, "message" if tagged else "untagged")
                row = self._message(NUMBER, wamid="wamid.SOON", uuid=uuid)
                self._look(event)
                self.assertEqual((event.state, row.state), ("applied", "delivered"))

    def test_statuses_of_another_system_are_looked_at_once_more_and_named(self):
        told = {"id": "wamid.ELSE", "status": "sent", "timestamp": "1790000000",
                "recipient_id": NUMBER[1:]}  # fmt: skip
        event = self._receive(self._change("messages", {
            "metadata": {"phone_number_id": NUMBER_ES}, "statuses": [told]}))  # fmt: skip
        self._look(event)
        self.assertEqual(event.state, "ignored")
        self.assertIn("wamid.ELSE", event.error)
