"""What Connect and Diagnosis prove, and what they say is not proved."""

from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.models.tools.platform_words import platform_word
from odoo.addons.waba_campaign.models.webhook.waba_webhook_refusal import UPSERT
from odoo.tools import SQL

from ..common import APP_SECRET, TOKEN, scheduler_has_run
from .test_account import OUTLET_NUMBER, OUTLET_UID, ConnectCase

NOT_DUE = timedelta(hours=1)


class TestAppSecret(ConnectCase):
    def test_a_wrong_secret_never_works(self):
        for secret in ("wrong", APP_SECRET[:-1], APP_SECRET + "x", APP_SECRET.upper()):
            with self._case(secret):
                self.outlet.app_secret = secret
                diagnosis = self._connect()
                line = self._line(diagnosis, "App secret", "error")
                self.assertIn("Does not match the access token's app", line.text)
                self.assertIn("App settings", line.advice)
                self.assertEqual((diagnosis.verdict, self.outlet.state), ("error", "draft"))

    def test_the_right_one_is_proved_and_never_leaves(self):
        self._line(self._diagnose(), "App secret", "ok")
        asked = str(self.simulator.get("log")["entries"])
        self.assertIn("appsecret_proof", asked)

    def test_what_could_not_be_asked_is_not_called_right(self):
        self.simulator.post("faults", kind="status_5xx", endpoint="debug_token", skip=1)
        line = self._line(self._diagnose(), "App secret", "unproved")
        self.assertIn("Not checked", line.text)

    def test_a_token_of_another_app(self):
        self.outlet.app_uid = "300000000000099"
        line = self._line(self._diagnose(), "App", "error")
        self.assertIn("belongs to the app 300000000000001, not 300000000000099", line.text)

    def test_with_an_event_received_everything_works(self):
        self._store_event({}, self.outlet)
        diagnosis = self._connect()
        self.assertEqual(self._topics(diagnosis, "unproved", "warning", "error"), [])
        self.assertEqual(diagnosis.verdict, "ok")
        self.assertTrue(diagnosis.is_simulated, "the dialog says that nothing is sent to anyone")


class TestRefusedEvents(ConnectCase):
    def _refuse(self, count, at):
        self.env.cr.execute(SQL(UPSERT, account=self.outlet.id, count=count, now=at))
        self.outlet.invalidate_recordset()

    def test_refusals_are_told_with_what_they_mean(self):
        now = fields.Datetime.now()
        cases = [
            # name, an event was received, refused after it, level
            ("only refused ones", False, True, "error"),
            ("received before, refused since", True, True, "error"),
            ("refused once, received since", True, False, "warning"),
        ]
        for name, has_event, after, level in cases:
            with self._case(name):
                if has_event:
                    self._store_event({}, self.outlet)
                self._refuse(1500, now + timedelta(hours=1 if after else -1))
                self._refuse(7, now + timedelta(hours=1 if after else -1))
                diagnosis = self._diagnose()
                line = self._line(diagnosis, "Rejected events", level)
                self.assertIn("1507 events rejected", line.text)
                self.assertEqual(diagnosis.verdict, level)

    def test_nothing_refused_is_no_line(self):
        self.assertNotIn("Rejected events", self._topics(self._diagnose(), "warning", "error"))

    def test_the_count_does_not_overflow(self):
        for _time in range(2):
            self._refuse(2_000_000_000, fields.Datetime.now())
        self.assertEqual(self.outlet.refused_count, 2_000_000_000)


class TestFields(ConnectCase):
    def test_missing_webhook_fields_are_named(self):
        every = self.simulator.post("settings")["app_fields"]
        cases = [
            ("all", every, "ok", "All required fields"),
            ("no preferences", [f for f in every if f != "user_preferences"], "warning",
             "Not subscribed: user_preferences."),
            ("messages alone", ["messages"], "warning", "account_update"),
            ("none", [], "warning", "Not subscribed: messages"),
        ]  # fmt: skip
        for name, app_fields, level, words in cases:
            with self._case(name):
                self.simulator.post("settings", app_fields=app_fields)
                line = self._line(self._diagnose(), "Webhook fields", level)
                self.assertIn(words, line.text)

    def test_without_the_apps_id_it_is_said_that_nothing_was_checked(self):
        self.outlet.app_uid = False
        line = self._line(self._diagnose(), "Webhook fields", "info")
        self.assertIn("Not checked", line.text)


class TestAdvice(ConnectCase):
    def test_advice_follows_the_code(self):
        """A fault on each read, and what a person does about its code."""
        for code, words in (
            (190, "Enter a new access token"), (10, "Give the token the permissions"),
            (200, "Give the token the permissions"), (368, "Request a review"),
            (131031, "Request a review"), (131042, "Fix the payment method"),
            (4, "Try again in a few minutes"), (131000, "Try again in a few minutes"),
            (33, "Check the account ID"),
        ):  # fmt: skip
            with self._case(str(code)):
                self.simulator.post("faults", kind="error", endpoint="phone_numbers", code=code)
                line = self._line(self._connect(), "WhatsApp Business Account", "error")
                self.assertIn(words, line.advice)

    def test_an_unreadable_subscription_has_a_way_out_too(self):
        self.simulator.post("faults", kind="error", endpoint="subscribed_apps", code=10)
        line = self._line(self._diagnose(), "Webhook subscription", "error")
        self.assertIn("Give the token the permissions", line.advice)

    def test_health_names_the_payment(self):
        self.simulator.post("account", id=OUTLET_UID, billing_problem=True)
        line = self._line(self._diagnose(), "Meta status: account", "error")
        self.assertTrue(line.advice)

    def test_display_names(self):
        for status, level in (("APPROVED", None), ("AVAILABLE_WITHOUT_REVIEW", None),
                              ("DECLINED", "warning"), ("EXPIRED", "warning"),
                              ("PENDING_REVIEW", "warning"), ("NONE", "warning")):  # fmt: skip
            with self._case(status):
                self.simulator.post("number", id=OUTLET_NUMBER, name_status=status)
                diagnosis = self._diagnose()
                topic = "Display name of +34 600 000 003"
                if level:
                    text = self._line(diagnosis, topic, level).text
                    self.assertIn(platform_word(self.env, status), text)
                    self.assertNotIn(status, text)
                else:
                    self.assertNotIn(topic, self._topics(diagnosis, "warning", "error"))

    def test_business_verification(self):
        self._seed()
        self.assertNotIn("Business verification", self._topics(self._diagnose(), "info"))
        for status in ("not_verified", "pending", "rejected"):
            with self._case(status):
                self._seed(verification_status=status)
                line = self._line(self._diagnose(), "Business verification", "info")
                self.assertEqual(line.text, platform_word(self.env, status))


class TestScheduler(ConnectCase):
    def setUp(self):
        super().setUp()
        self._connect()
        scheduler_has_run(self.env)
        self.job = self.outlet.sender_ids.cron_id
        self.now = fields.Datetime.now()

    def _set(self, cron, **values):
        """As the scheduler itself writes; a person may not."""
        for name, value in values.items():
            self.env.cr.execute(
                SQL(
                    "UPDATE ir_cron SET %s = %s WHERE id = %s", SQL.identifier(name), value, cron.id
                )
            )
        cron.invalidate_recordset()

    def test_a_scheduler_at_work_is_fine(self):
        line = self._line(self._diagnose(), "Scheduled jobs", "ok")
        self.assertRegex(line.text, r"^\d+ jobs on. Last run: ")

    def test_each_trouble_is_named(self):
        webhooks = self.env.ref("waba_campaign.ir_cron_apply_webhooks")
        late = {"nextcall": self.now - timedelta(minutes=30)}
        cases = [
            ("the number's job is off", self.job, {"active": False}, "error", "Switched off"),
            ("the webhooks' job is off", webhooks, {"active": False}, "error", "Switched off"),
            ("the number's job is late", self.job, late, "error", "Late"),
            ("the webhooks' job is late", webhooks, late, "error", "Late"),
            ("it fails", webhooks, {"failure_count": 3}, "warning", "Failed 3 times"),
        ]
        for name, cron, values, level, words in cases:
            with self._case(name):
                self._set(cron, **values)
                diagnosis = self._diagnose()
                self.assertIn(words, self._line(diagnosis, f"Job: {cron.cron_name}", level).text)
                self.assertNotIn("Scheduled jobs", self._topics(diagnosis, "ok"))
                self.assertEqual(diagnosis.verdict, level)

    def test_a_late_trigger_is_late_too(self):
        self.env.cr.execute(
            "INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, %s)",
            (self.job.id, self.now - timedelta(minutes=11)),
        )
        self._line(self._diagnose(), f"Job: {self.job.cron_name}", "error")

    def test_no_worker_at_all(self):
        for last_at, words in (
            (self.now - timedelta(minutes=11), "no scheduled action has run since"),
            (None, "no scheduled action has ever run"),
        ):
            with self._case(words):
                self.env.cr.execute(
                    "UPDATE ir_cron SET lastcall = %s, nextcall = %s",
                    (last_at, self.now - timedelta(minutes=11)),
                )
                line = self._line(self._diagnose(), "Scheduled jobs", "error")
                self.assertIn(words, line.text)
                self.assertIn("max_cron_threads", line.text + line.advice)

    def test_a_database_that_has_just_been_made_has_no_trouble_yet(self):
        self.env.cr.execute("UPDATE ir_cron SET lastcall = NULL, nextcall = %s", (self.now,))
        diagnosis = self._diagnose()
        self.assertEqual(self._topics(diagnosis, "error"), [])
        self.assertIn("never", self._line(diagnosis, "Scheduled jobs", "ok").text)

    def test_what_waits_too_long(self):
        event = self._store_event({}, self.outlet)
        scheduler_has_run(self.env)
        self.assertNotIn("Unprocessed events", self._topics(self._diagnose(), "error"))
        event.received_at = self.now - timedelta(minutes=20)
        self._line(self._diagnose(), "Unprocessed events", "error")
        self._message(
            state="queued", account_id=self.outlet.id, sender_id=self.outlet.sender_ids.id,
            retry_at=self.now - timedelta(minutes=20),
        )  # fmt: skip
        self._line(self._diagnose(), "Queued messages", "info")

    def test_connecting_does_not_depend_on_our_own_jobs(self):
        self.outlet.state = "draft"
        self.env.cr.execute("UPDATE ir_cron SET lastcall = NULL")
        self._connect()
        self.assertEqual(self.outlet.state, "connected")

    def test_a_campaign_says_that_it_is_late(self):
        campaign = self._campaign(self._leads(2))
        campaign._start_launch()
        self._prepare()
        scheduler_has_run(self.env)
        cron = self.sender.cron_id
        cases = [
            ({}, None),
            ({"active": False}, "is archived"),
            ({"nextcall": self.now - timedelta(minutes=30)}, "was due"),
        ]
        for values, words in cases:
            with self._case(str(words)):
                self._set(cron, **values)
                campaign.invalidate_recordset()
                if words:
                    self.assertIn(words, campaign.hold_reason)
                else:
                    self.assertFalse(campaign.hold_reason)
        with self._case("no worker"):
            self._set(cron, nextcall=self.now - timedelta(minutes=30))
            self.env.cr.execute("UPDATE ir_cron SET lastcall = %s", (self.now - NOT_DUE,))
            campaign.invalidate_recordset()
            self.assertIn("no scheduled action has run since", campaign.hold_reason)

    def test_a_campaign_that_is_through_is_not_late(self):
        campaign = self._launch(self._leads(1))
        self._set(self.sender.cron_id, active=False)
        campaign.invalidate_recordset()
        self.assertFalse(campaign.hold_reason)


class TestSecretsStayIn(ConnectCase):
    def test_neither_secret_nor_token_is_in_what_is_shown(self):
        for secret in (APP_SECRET, "wrong-secret"):
            self.outlet.app_secret = secret
            texts = str(self._diagnose().line_ids.read())
            for word in (secret, TOKEN, f"{self.outlet.app_uid}|"):
                self.assertNotIn(word, texts)
