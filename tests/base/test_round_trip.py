"""The round trip test: each step checks itself, and says what failed and what to do."""

from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.models.webhook.waba_webhook_refusal import UPSERT
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..common import WabaCase, epoch, scheduler_has_run

PHONE = "+34611000009"


class RoundTripCase(WabaCase):
    def setUp(self):
        super().setUp()
        scheduler_has_run(self.env)

    def _trip(self, user=None, phone=PHONE, **values):
        action = self.env["waba.round.trip"].with_user(user or self.env.user)._open(self.account)
        return self._opened(action, user).create({"phone": phone, **values})

    def _send(self, **values):
        trip = self._trip(**values)
        trip.action_send()
        return trip

    def _steps(self, trip):
        trip.invalidate_recordset()
        return [step["state"] for step in trip.steps]

    def _text(self, trip, key):
        trip.invalidate_recordset()
        [text] = [step["text"] for step in trip.steps if step["key"] == key]
        return text

    def _report(self, trip, status, **values):
        now = epoch(fields.Datetime.now())
        self._store_event(self._status(trip.message_id, status, timestamp=now, **values))
        self._apply_webhooks()

    def _age(self, record, **fields_ago):
        """Make datetimes of a record older; `create_date` is no field that is written."""
        record.flush_recordset()
        for name, minutes in fields_ago.items():
            moment = fields.Datetime.now() - timedelta(minutes=minutes)
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE id = %s",
                    SQL.identifier(record._table), SQL.identifier(name), moment, record.id,
                )
            )  # fmt: skip
        record.invalidate_recordset()


class TestRoundTrip(RoundTripCase):
    def test_to_whatsapp_and_back(self):
        trip = self._send()
        self.assertEqual(self._steps(trip), ["waiting"] * 3)
        self._dispatch()
        self.assertEqual(self._steps(trip), ["done", "waiting", "waiting"])
        self._report(trip, "sent")
        self.assertEqual(self._steps(trip), ["done", "done", "waiting"])
        self.assertFalse(trip.is_finished)
        self._report(trip, "delivered")
        self.assertEqual(self._steps(trip), ["done"] * 3)
        self.assertTrue(trip.is_finished)
        [sent] = self.simulator.sends()
        self.assertEqual(sent["body"]["to"].lstrip("+"), PHONE.lstrip("+"))

    def test_a_second_click_sends_nothing_more(self):
        trip = self._send()
        trip.action_send()
        self.assertEqual(
            self.env["waba.message"].search_count([("origin", "=", "test")]), 1, "one test"
        )

    def test_each_step_says_what_failed(self):
        def locked(trip):
            self.sender._pause("Paused for the test.", cause="person")

        def no_worker(trip):
            self.env.cr.execute(
                "UPDATE ir_cron SET lastcall = %s, nextcall = %s",
                [fields.Datetime.now() - timedelta(minutes=20)] * 2,
            )
            self.env["ir.cron"].invalidate_model()

        def limit_used(trip):
            self.portfolio.daily_cap = 1
            [person] = self.env["waba.recipient"]._find_or_create_by_number(
                self.portfolio, ["+34611055500"]
            ).values()  # fmt: skip
            person.slot_at = fields.Datetime.now() - timedelta(hours=20)
            self.env.flush_all()

        def token(trip):
            self.simulator.post("faults", kind="error", endpoint="messages", code=131026)
            self._dispatch()

        def still_queued(trip):
            self._age(trip.message_id, create_date=2)

        def refused(trip):
            self._dispatch()
            now = fields.Datetime.now() + timedelta(seconds=1)
            self.env.cr.execute(SQL(UPSERT, account=self.account.id, count=1, now=now))
            self.account.invalidate_recordset()

        def silent(trip):
            self._dispatch()
            self._age(trip.message_id, create_date=2, accepted_at=2)

        def unapplied(trip):
            self._dispatch()
            self._age(trip.message_id, create_date=5, accepted_at=5)
            self._age(self._store_event(self._status(trip.message_id, "sent")), received_at=2)

        def unreachable(trip):
            self._dispatch()
            self._report(trip, "failed", errors=[{"code": 131026, "title": "Undeliverable"}])

        def phone_off(trip):
            self._dispatch()
            self._report(trip, "sent")
            self._age(trip.message_id, sent_at=3)

        cases = [
            (locked, "sent", "failed", "Paused for the test."),
            (no_worker, "sent", "late", "no scheduled action has run"),
            (limit_used, "sent", "late", "The daily limit is used: 1 of 1 recipients"),
            (token, "sent", "failed", "131026"),
            (still_queued, "sent", "late", "Still queued"),
            (refused, "webhook", "failed", "wrong signature"),
            (silent, "webhook", "late", "No event received"),
            (unapplied, "webhook", "late", "not applied"),
            (unreachable, "delivered", "failed", "131026"),
            (phone_off, "delivered", "late", "online"),
        ]
        for happens, key, state, words in cases:
            with self._case(happens.__name__):
                trip = self._send()
                happens(trip)
                trip.invalidate_recordset()
                [step] = [step for step in trip.steps if step["key"] == key]
                self.assertEqual(step["state"], state)
                self.assertIn(words, step["text"])
                later = trip.steps[trip.steps.index(step) + 1 :]
                self.assertEqual([one["state"] for one in later], ["waiting"] * len(later))
                self.assertEqual(trip.is_finished, state == "failed")

    def test_the_number(self):
        admin, lead = self.env.ref("base.user_admin"), self._lead("+34611000077")
        self.assertTrue(lead)
        cases = [
            ("no number", admin, "hello", "not a valid phone number"),
            ("an own number", admin, "+34600000001", "own WhatsApp numbers"),
            ("a customer's", admin, "+34611000077", "lead or contact"),
            ("not listed", self.salesperson, PHONE, "not a test number"),
        ]
        for name, user, phone, words in cases:
            with self._case(name), self.assertRaisesRegex(UserError, words):
                self._send(user=user, phone=phone)
        with self._case("listed by an administrator, then a salesperson's too"):
            self._send(user=admin)
            self.assertEqual(self.env.company.waba_test_numbers, PHONE)
            trip = self._send(user=self.salesperson)
            self.assertEqual(trip.message_id.sudo().state, "queued")

    def test_the_template_is_a_service_message_of_the_user_s_language(self):
        self.assertEqual(self._trip().template_id.category, "utility")
        for lang, language in (("en_US", "en"), ("es_ES", "es")):
            self.env["res.lang"]._activate_lang(lang)
            env = self.env(context={**self.env.context, "lang": lang})
            trip = env["waba.round.trip"].create({"phone": PHONE, "sender_id": self.sender.id})
            self.assertEqual(trip.template_id.language, language)
