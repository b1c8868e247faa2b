from contextlib import contextmanager
from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.addons.waba_campaign.models.base.waba_account import DEFAULT_API_VERSION
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ...models.tools.moments import DAY_OF_YEAR, format_moment
from ..common import (
    NO_WEBHOOK,
    NUMBER_ES,
    TOKEN,
    WABA_UID,
    PublicAddress,
    WabaCase,
    scheduler_has_run,
)

OUTLET_UID = "200000000000002"
OUTLET_NUMBER = "400000000000003"
PERMANENT_TOKEN = "Create a permanent token"
SYNC_LOGGER = "odoo.addons.waba_campaign.models.base.waba_account_sync"


class ConnectCase(WabaCase):
    """Another account of the same portfolio, not connected yet, and a public address for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address = PublicAddress()
        cls.addClassCleanup(cls.address.stop)
        cls.env["ir.config_parameter"].set_param("web.base.url", cls.address.url)
        scheduler_has_run(cls.env)
        cls.outlet = cls._create_account(waba_uid=OUTLET_UID)

    def setUp(self):
        super().setUp()
        self.address.handshakes.clear()

    @contextmanager
    def _case(self, name):
        self.address.answer = None
        self.address.handshakes.clear()
        with super()._case(name):
            yield

    def _connect(self, account=None):
        return self._opened((account or self.outlet).action_connect())

    def _diagnose(self, account=None):
        return self._opened((account or self.outlet).action_diagnose())

    def _opened(self, action):
        return self.env[action["res_model"]].browse(action["res_id"])

    def _line(self, diagnosis, topic, level):
        """The one line of this topic and level."""
        lines = diagnosis.line_ids.filtered(lambda line: (line.topic, line.level) == (topic, level))
        found = [(line.level, line.topic, line.text) for line in diagnosis.line_ids]
        self.assertEqual(len(lines), 1, f"no single {level} line on {topic} in {found}")
        return lines

    def _topics(self, diagnosis, *levels):
        return [line.topic for line in diagnosis.line_ids if line.level in levels]

    def _seed(self, **account):
        """A world of one account with its own portfolio, changed as asked."""
        limit = account.pop("messaging_limit", "TIER_2K")
        verification = account.pop("verification_status", "verified")
        seed = {
            "app": {"app_id": "300000000000001", "app_name": "Demo App"},
            "businesses": [
                {
                    "id": "100000000000009",
                    "name": "Outlet",
                    "messaging_limit": limit,
                    "verification_status": verification,
                }
            ],
            "accounts": [
                {
                    "id": OUTLET_UID,
                    "business_id": "100000000000009",
                    "name": "Outlet",
                    "numbers": [
                        {
                            "id": OUTLET_NUMBER,
                            "display_phone_number": "+34 600 000 003",
                            "verified_name": "Outlet",
                        }
                    ],
                    "templates": [
                        {
                            "name": "hello",
                            "language": "es",
                            "category": "UTILITY",
                            "components": [{"type": "BODY", "text": "Hola"}],
                        }
                    ],
                    **account,
                }
            ],
            "tokens": [{"token": TOKEN}],
        }
        self.simulator.post("reset", seed=seed)


class TestConnect(ConnectCase):
    def test_a_right_account_is_connected_and_everything_is_read(self):
        diagnosis = self._connect()
        self.assertEqual(self._topics(diagnosis, "warning", "error"), [])
        self.assertEqual(diagnosis.verdict, "unproved", "no event of Meta's has come in")
        self.assertTrue(diagnosis.did_connect)
        self.assertEqual(diagnosis.display_name, "Diagnosis of Demo Store Outlet")
        self.assertEqual(
            self._topics(diagnosis, "ok"),
            [
                "Access token", "App secret", "Permissions", "WhatsApp Business Account",
                "Business portfolio",
                "Daily limit", "Promotions",
                "Meta status: account", "Meta status: portfolio", "Meta status: app",
                "Number +34 600 000 003", "Templates", "Webhook subscription", "Webhook fields",
                "Scheduled jobs",
            ],
        )  # fmt: skip
        self.assertEqual(self._line(diagnosis, "Daily limit", "ok").text, "250 recipients a day")
        self.assertEqual(self._line(diagnosis, "Templates", "ok").text, "4 approved.")
        self.assertEqual(
            self._line(diagnosis, "Number +34 600 000 003", "ok").text,
            "Connected · Quality rating: High · 80 messages per second",
        )
        line = self._line(diagnosis, "Webhook", "unproved")
        self.assertIn("No event received yet", line.text)
        self.assertIn("enter the callback URL", line.advice)
        outlet = self.outlet
        self.assertEqual((outlet.state, outlet.name), ("connected", "Demo Store Outlet"))
        self.assertEqual((outlet.sender_count, outlet.template_count), (1, 4))
        self.assertEqual(outlet.portfolio_id, self.portfolio, "two accounts share the limit")
        self.assertEqual(outlet.review_status, "approved")
        self.assertFalse(outlet.token_expires_at)
        self.assertTrue(outlet.sender_ids.cron_id.active)
        self.assertIn(f"Connected by {self.env.user.name}.", outlet.message_ids[0].body)

    def test_the_platform_calls_the_webhook_address_with_the_verify_token(self):
        self._connect()
        [(path, query)] = self.address.handshakes
        self.assertEqual(path, f"/waba/webhook/{self.outlet.webhook_key}")
        self.assertEqual(query["hub.verify_token"], self.outlet.verify_token)
        [account] = [
            account
            for account in self.simulator.get("world")["accounts"]
            if account["id"] == OUTLET_UID
        ]
        self.assertEqual(account["override_callback_uri"], self.outlet.webhook_url)

    def test_each_trouble_has_its_line_and_its_way_out(self):
        number = "Number +34 600 000 003"
        cases = [
            # name, step, level, topic, words, advice, state after
            ("wrong token", lambda: self.outlet.write({"access_token": "WRONG"}),
             "error", "Access token", "error 190", PERMANENT_TOKEN, "draft"),
            ("token expired", lambda: self.simulator.post("token", token=TOKEN, valid=False),
             "error", "Access token", "error 190", PERMANENT_TOKEN, "draft"),
            ("token of another app's user",
             lambda: self.simulator.post("token", token=TOKEN, account_ids=[WABA_UID]),
             "error", "WhatsApp Business Account", "error 100", "Check the account ID", "draft"),
            ("token without one permission",
             lambda: self.simulator.post(
                 "token", token=TOKEN, scopes=["whatsapp_business_management"]),
             "error", "Permissions", "Missing: whatsapp_business_messaging.",
             "both WhatsApp permissions", "draft"),
            ("token with an end",
             lambda: self.simulator.post("token", token=TOKEN, expires_at=4102444800),
             "warning", "Access token", "Expires 1 Jan 2100",
             "permanent token of a system user", "connected"),
            ("wrong account id", lambda: self.outlet.write({"waba_uid": "299999999999999"}),
             "error", "WhatsApp Business Account", "299999999999999", "Check the account ID",
             "draft"),
            ("nobody at the address", lambda: self.outlet.write({"base_url": "http://127.0.0.1:9"}),
             "error", "Access token", "could not be reached: the server did not accept",
             "Check the API URL and the server's internet connection.", "draft"),
            ("the platform has a passing problem",
             lambda: self.simulator.post(
                 "faults", kind="status_5xx", endpoint="debug_token", body="html"),
             "error", "Access token", "HTTP 503", "Try again in a few minutes.", "draft"),
            ("a passing problem on the way",
             lambda: self.simulator.post("faults", kind="status_5xx", endpoint="phone_numbers"),
             "error", "WhatsApp Business Account", "error 2", "Try again in a few minutes.",
             "draft"),
            ("no secret", lambda: self.outlet.write({"app_secret": False}),
             "error", "Keys", "Missing: app secret.", "developers.facebook.com", "draft"),
            ("no keys at all",
             lambda: self.outlet.write(
                 {"app_secret": False, "access_token": " ", "verify_token": False}),
             "error", "Keys", "Missing: access token, app secret, verify token.",
             "developers.facebook.com", "draft"),
            ("no number", lambda: self._seed(numbers=[]),
             "error", "Numbers", "The account has no number.", "Add a number", "draft"),
            ("no template", lambda: self._seed(templates=[]),
             "warning", "Templates", "0 approved.", "Create a template",
             "connected"),
            ("no limit told", lambda: self._seed(messaging_limit="TIER_NOT_SET"),
             "warning", "Daily limit", "Unknown", "limit is 250 recipients", "connected"),
            ("portfolio not named", lambda: self.simulator.post("settings", tell_owner=False),
             "warning", "Business portfolio", "does not name the portfolio", "own limit",
             "connected"),
            ("account limited",
             lambda: self.simulator.post(
                 "account", id=OUTLET_UID,
                 restriction={"type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}),
             "warning", "Meta status: account", "no new numbers", "", "connected"),
            ("account blocked",
             lambda: self.simulator.post("account", id=OUTLET_UID, billing_problem=True),
             "error", "Meta status: account", "The WABA cannot send", "Open WhatsApp Manager",
             "draft"),
            ("number banned",
             lambda: self.simulator.post("number", id=OUTLET_NUMBER, status="BANNED"),
             "warning", number, "Banned · Quality rating: High", "Resolve the number's status",
             "connected"),
            ("number rated low",
             lambda: self.simulator.post("number", id=OUTLET_NUMBER, quality_rating="RED"),
             "warning", number, "Connected · Quality rating: Low", "", "connected"),
            ("number beside the app",
             lambda: self.simulator.post("number", id=OUTLET_NUMBER, is_on_biz_app=True),
             "ok", number, "20 messages per second", "", "connected"),
            ("our address answers nonsense", lambda: setattr(self.address, "answer", "hello"),
             "error", "Webhook subscription", "error 2200", "Meta must reach http://127.0.0.1:",
             "draft"),
            ("our address is not public",
             lambda: self.env["ir.config_parameter"].set_param("web.base.url", NO_WEBHOOK),
             "error", "Webhook subscription", "error 2200", "over https", "draft"),
        ]  # fmt: skip
        for name, step, level, topic, words, advice, state in cases:
            with self._case(name):
                step()
                diagnosis = self._connect()
                line = self._line(diagnosis, topic, level)
                self.assertIn(words, line.text)
                self.assertIn(advice, line.advice or "")
                self.assertEqual(bool(line.advice), bool(advice))
                self.assertEqual(self.outlet.state, state)
                worst = (
                    "error" if state == "draft" else "warning" if level == "warning" else "unproved"
                )
                self.assertEqual(diagnosis.verdict, worst)

    def test_without_an_answer_on_the_token_nothing_else_is_asked(self):
        cases = [
            ("refused", lambda: self.outlet.write({"access_token": "WRONG"}), 1),
            ("missing", lambda: self.outlet.write({"access_token": False}), 0),
        ]
        for name, step, calls in cases:
            with self._case(name):
                step()
                self._connect()
                self.assertEqual(len(self.simulator.get("log")["entries"]), calls, name)

    def test_a_number_that_lists_no_status_is_shown_as_such(self):
        self._seed(numbers=[{"id": OUTLET_NUMBER, "display_phone_number": "+34 600 000 003",
                             "verified_name": "Outlet", "status": ""}])  # fmt: skip
        line = self._line(self._connect(), "Number +34 600 000 003", "warning")
        self.assertIn("Status unknown", line.text)

    def test_the_subscription_names_who_receives_the_events(self):
        cases = [
            ("here", self.outlet.action_connect, "ok", "to this server"),
            ("elsewhere", lambda: None, "warning", "the app dashboard"),
            ("nowhere", self._unsubscribe, "error", "No app receives"),
        ]
        for name, step, level, words in cases:
            with self._case(name):
                step()
                line = self._line(self._diagnose(), "Webhook subscription", level)
                self.assertIn(words, line.text)

    def _unsubscribe(self):
        self.outlet._client()._request("DELETE", (OUTLET_UID, "subscribed_apps"))

    def test_an_unreadable_subscription_is_told(self):
        with self._fault(kind="error", endpoint="subscribed_apps", code=10):
            line = self._line(self._diagnose(), "Webhook subscription", "error")
        self.assertIn("error 10", line.text)

    def test_the_last_event_received_is_told(self):
        event = self._store_event({}, self.outlet)
        line = self._line(self._diagnose(), "Webhook", "ok")
        received_at = format_moment(self.env, event.received_at, DAY_OF_YEAR)
        self.assertIn(received_at, line.text)

    def test_connecting_again_after_a_repair_connects(self):
        self.address.answer = "hello"
        self.assertEqual(self._connect().verdict, "error")
        self.assertEqual(self.outlet.state, "draft")
        self.address.answer = None
        self.assertEqual(self._connect().verdict, "unproved")
        self.assertEqual(self.outlet.state, "connected")
        self.assertEqual(len(self.outlet.sender_ids), 1)
        self.assertEqual(len(self.outlet.template_ids), 4)

    def test_connecting_lifts_a_stop_and_says_who_did(self):
        self._connect()
        self.outlet._add_stop("The token was refused.")
        self._connect()
        self.assertEqual((self.outlet.state, self.outlet.stop_reason), ("connected", False))
        self.assertIn(f"reconnected by {self.env.user.name}", self.outlet.message_ids[0].body)

    def test_a_stop_stays_while_something_is_wrong(self):
        self._connect()
        self.outlet._add_stop("The token was refused.")
        self.simulator.post("token", token=TOKEN, valid=False)
        self._connect()
        self.assertEqual(self.outlet.state, "stopped")

    def test_a_manager_sees_the_diagnosis_without_keys(self):
        self._connect()
        manager = self.manager
        diagnosis = self._opened(self.outlet.with_user(manager).action_diagnose()).with_user(
            manager
        )
        self.assertEqual(diagnosis.verdict, "unproved")
        self.assertEqual((diagnosis.webhook_url, diagnosis.verify_token), (False, False))
        mine = self._diagnose()
        self.assertEqual(mine.webhook_url, self.outlet.webhook_url)
        self.assertEqual(mine.verify_token, self.outlet.verify_token)


@tagged("post_install", "-at_install")
class TestHandshake(HttpCase, WabaCase):
    def test_the_platform_checks_our_own_address(self):
        """No stand-in: the platform's challenge is answered by our controller."""
        self.env["ir.config_parameter"].set_param("web.base.url", self.base_url())
        outlet = self._create_account(waba_uid=OUTLET_UID)
        scheduler_has_run(self.env)
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            action = outlet.action_connect()
        diagnosis = self.env[action["res_model"]].browse(action["res_id"])
        self.assertNotIn("error", diagnosis.line_ids.mapped("level"))
        self.assertEqual(outlet.state, "connected")


class TestDiagnosis(ConnectCase):
    def _everything(self):
        """Every stored value of the account and what hangs on it, and the chatter."""
        self.env.flush_all()
        rows = []
        for table in ("waba_account", "waba_sender", "waba_template", "waba_portfolio",
                      "waba_template_variable", "ir_cron_trigger"):  # fmt: skip
            self.env.cr.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")
            rows.append(self.env.cr.fetchall())
        self.env.cr.execute("SELECT count(*) FROM mail_message")
        return [*rows, self.env.cr.fetchall()]

    def _change_everything_at_meta(self):
        self.simulator.post("number", id=OUTLET_NUMBER, quality_rating="RED", status="BANNED")
        self.simulator.post("limit", limit="TIER_10K", webhook=False)
        self.simulator.post("token", token=TOKEN, expires_at=4102444800)
        self._change_template("order_update", status="PAUSED")

    def test_a_diagnosis_changes_nothing(self):
        self._connect()
        for state in ("connected", "stopped", "draft"):
            with self._case(state):
                self.outlet.state = state
                self._change_everything_at_meta()
                before = self._everything()
                first = self._diagnose()
                self.assertFalse(first.did_connect)
                self.assertEqual(first.action_rerun()["res_model"], "waba.diagnosis")
                self.assertEqual(self._everything(), before)
                asked = {entry["method"] for entry in self.simulator.get("log")["entries"]}
                self.assertEqual(asked, {"GET"})

    def test_checking_again_asks_again(self):
        first = self._diagnose()
        self.simulator.post("number", id=OUTLET_NUMBER, quality_rating="RED")
        second = self._opened(first.action_rerun())
        self.assertNotEqual(first, second)
        self._line(first, "Number +34 600 000 003", "ok")
        self._line(second, "Number +34 600 000 003", "warning")

    def test_the_window_is_called_by_what_was_done(self):
        self.assertEqual(self.outlet.action_connect()["name"], "Connection")
        self.assertEqual(self.outlet.action_diagnose()["name"], "Diagnosis")


class TestKeys(ConnectCase):
    def test_blanks_around_a_key_are_no_part_of_it(self):
        self.outlet.write(
            {
                "access_token": " SIM-TOKEN\n",
                "app_secret": "\ts ",
                "waba_uid": " 12 ",
                "app_uid": "3 ",
            }
        )
        account = self.outlet
        self.assertEqual(
            (account.access_token, account.app_secret, account.waba_uid, account.app_uid),
            ("SIM-TOKEN", "s", "12", "3"),
        )

    def test_what_cannot_be_right_is_refused_with_its_reason(self):
        cases = [
            ({"api_version": "25"}, "25 is not an API version"),
            ({"api_version": "v25.0/../x"}, "Use the format " + DEFAULT_API_VERSION),
            ({"waba_uid": "my account"}, "digits only"),
            ({"app_uid": "abc"}, "digits only"),
            ({"base_url": "graph.facebook.com"}, "must begin with https://"),
            ({"base_url": "https://"}, "must begin with https://"),
            ({"base_url": "https://user:word@graph.facebook.com"}, "must begin with https://"),
            ({"base_url": "https://graph.facebook.com?access_token=x"}, "must begin with https://"),
            ({"base_url": "https://graph.facebook.com:many"}, "must begin with https://"),
            ({"base_url": "https://graph .facebook.com"}, "must begin with https://"),
            ({"base_url": "http://graph.facebook.com"}, "unencrypted"),
            ({"base_url": "http://169.254.169.254"}, "unencrypted"),
            ({"base_url": "https://169.254.169.254"}, "is in a private network"),
            ({"base_url": "https://[::ffff:10.0.0.1]"}, "is in a private network"),
            ({"base_url": "https://2130706433"}, "must begin with https://"),
            ({"base_url": "https://graph.facebook.com:8443"}, "has a non-standard port"),
            ({"access_token": "SIM TOKEN"}, "access token"),
            ({"access_token": "SIM-TOKEÑ"}, "access token"),
            ({"access_token": "SIM\nTOKEN"}, "access token"),
        ]
        for values, words in cases:
            with self._case(str(values)), self.assertRaises(ValidationError) as caught:
                self.outlet.write(values)
            self.assertIn(words, str(caught.exception))
            self.assertNotIn("SIM", str(caught.exception))

    def test_addresses_the_client_takes_are_taken(self):
        for base_url in (
            "https://graph.facebook.com",
            "http://127.0.0.1:8090",
            "https://a.b/meta/",
        ):
            with self.subTest(base_url=base_url):
                self.outlet.base_url = base_url
                self.assertEqual(self.outlet._client().base_url, base_url.rstrip("/"))

    def test_a_private_address_is_taken_when_the_system_parameter_names_it(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("waba_campaign.allowed_addresses", "10.0.0.0/8, meta.internal")
        for base_url in ("http://10.1.2.3:8090", "https://meta.internal:8443"):
            with self.subTest(base_url):
                self.outlet.base_url = base_url
        self.outlet.base_url = "http://10.1.2.3:8090"
        # It is looked at again when it is called.
        parameters.set_param("waba_campaign.allowed_addresses", "")
        with self.assertRaisesRegex(UserError, "unencrypted"):
            self.outlet._client()

    def test_a_parameter_that_cannot_be_read_allows_nothing(self):
        self.env["ir.config_parameter"].set_param("waba_campaign.allowed_addresses", "*")
        with (
            mute_logger("odoo.addons.waba_campaign.models.base.waba_account"),
            self.assertRaises(ValidationError),
        ):
            self.outlet.base_url = "https://10.0.0.1"

    def test_an_account_is_connected_once(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(Exception) as caught,
            self.cr.savepoint(),
        ):
            self._create_account(waba_uid=WABA_UID)
        self.assertIn("waba_account_waba_uid_uniq", str(caught.exception))

    def test_every_account_has_its_own_webhook_address(self):
        self.assertNotEqual(self.account.webhook_key, self.outlet.webhook_key)
        self.assertGreaterEqual(len(self.outlet.webhook_key), 24)
        self.assertEqual(
            self.outlet.webhook_url, f"{self.address.url}/waba/webhook/{self.outlet.webhook_key}"
        )

    def test_a_copy_takes_no_key_with_it(self):
        copy = self.account.copy({"waba_uid": "77"})
        self.assertEqual((copy.access_token, copy.app_secret, copy.state), (False, False, "draft"))
        self.assertFalse(copy.portfolio_id)
        self.assertNotEqual(copy.webhook_key, self.account.webhook_key)
        self.assertNotEqual(copy.verify_token, self.account.verify_token)

    def test_without_a_token_there_is_no_client(self):
        self.outlet.access_token = False
        with self.assertRaisesRegex(UserError, "has no access token"):
            self.outlet._client()

    def test_reading_from_meta_by_hand_tells_what_meta_says(self):
        self.assertEqual(self.account.action_sync()["params"]["type"], "success")
        self.assertEqual(self.sender.action_sync()["params"]["type"], "success")
        with self._fault(kind="error", code=80007), self.assertRaises(UserError) as caught:
            self.account.action_sync()
        self.assertIn("(error 80007)", str(caught.exception))
        self.account.base_url = "http://127.0.0.1:9"
        with self.assertRaisesRegex(UserError, "WhatsApp could not be reached"):
            self.account.action_sync()

    def test_an_account_shows_its_numbers_and_templates(self):
        for action, records in [
            (self.account.action_view_senders(), self.account.sender_ids),
            (self.account.action_view_templates(), self.account.template_ids),
        ]:
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(set(found), set(records))

    def test_a_used_account_is_kept(self):
        self._launch(self._leads(1))
        with self.assertRaisesRegex(UserError, "it is used by Test campaign. Archive it instead"):
            self.account.unlink()
        self.assertTrue(self.account.exists())

    def test_an_unused_account_goes_with_its_numbers_templates_and_jobs(self):
        self._connect()
        senders, templates = self.outlet.sender_ids, self.outlet.template_ids
        crons = senders.cron_id
        self.outlet.unlink()
        for gone in (self.outlet, senders, templates, crons):
            self.assertFalse(gone.exists())
        self.assertTrue(self.portfolio.exists())


class TestStops(ConnectCase):
    """Stopping and going on: what is written, said and woken."""

    def _says(self, record, text):
        self.assertIn(text, " ".join(record.message_ids.mapped("body")))

    def test_a_stop_says_why_and_its_end_lifts_it(self):
        now = fields.Datetime.now()
        self.account._add_stop("Too many calls.", until=now + timedelta(minutes=15))
        self.assertEqual(
            (self.account.state, self.account.stop_reason), ("stopped", "Too many calls.")
        )
        self._says(self.account, "Sending stopped: Too many calls.")
        self.assertEqual(self.sender._not_sending_reason(), "Too many calls.")
        campaign = self._launch(self._leads(1))
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(campaign.hold_reason, "Too many calls.")
        with freeze_time(now + timedelta(minutes=16)):
            self._dispatch()
        self.assertEqual((self.account.state, self.account.stop_reason), ("connected", False))
        self._says(self.account, "the waiting time has passed.")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_the_number_looks_again_when_the_stop_ends(self):
        self._launch(self._leads(1))
        until = fields.Datetime.now() + timedelta(hours=3)
        self.account._add_stop("Restricted.", until=until)
        self._dispatch()
        self.assertIn(until, self._alarms())

    def test_a_stop_without_end_waits_for_a_person(self):
        self.account._add_stop("The token was refused.")
        with freeze_time(fields.Datetime.now() + timedelta(days=30)):
            self.account._resume_if_due(fields.Datetime.now())
            self.assertEqual(self.account.state, "stopped")
        before = len(self._alarms())
        self.account.action_resume()
        self.assertEqual(self.account.state, "connected")
        self._says(self.account, f"resumed by {self.env.user.name}")
        self.assertGreater(len(self._alarms()), before, "the number is woken")

    def test_the_same_stop_is_told_once(self):
        self.account._add_stop("Restricted.")
        count = len(self.account.message_ids)
        later = fields.Datetime.now() + timedelta(hours=1)
        self.account._add_stop("Restricted.", until=later)
        self.assertEqual(len(self.account.message_ids), count)
        self.assertEqual(self.account.resume_at, later)

    def test_a_shorter_stop_never_shortens_a_longer_one(self):
        now = fields.Datetime.now()
        cases = [
            # first end, second end, the end in force (in hours, None: a person)
            (None, 1, None),
            (48, 1, 48),
            (1, 48, 48),
            (1, None, None),
        ]
        for first, second, expected in cases:
            with self._case(f"{first} {second}"):
                ends = {hours: hours and now + timedelta(hours=hours) for hours in (first, second)}
                self.account._add_stop("First.", until=ends[first])
                self.account._add_stop("Second.", until=ends[second])
                self.assertEqual(self.account.resume_at, ends[expected] or False)
                kept = "First." if expected == first else "Second."
                self.assertEqual(self.account.stop_reason, kept)

    def test_a_draft_account_can_neither_stop_nor_go_on(self):
        self.outlet._add_stop("Whatever.")
        self.outlet.action_resume()
        self.assertEqual(self.outlet.state, "draft")
        self.assertIn("is not connected", self._diagnosed_sender()._not_sending_reason())

    def _diagnosed_sender(self):
        return self.env["waba.sender"].create(
            {"account_id": self.outlet.id, "phone_number_uid": OUTLET_NUMBER}
        )

    def test_an_archived_account_sends_nothing_and_says_so(self):
        campaign = self._launch(self._leads(1))
        row = self._rows(campaign)
        self.account.active = False
        second = self._launch(self._leads(1, start=5))
        self.assertEqual(self._rows(second).state, "queued")
        self.assertIn("archived", second.hold_reason)
        self.account.active = True
        self._dispatch()
        self.assertEqual((row.state, self._rows(second).state), ("accepted", "accepted"))


class TestPoll(ConnectCase):
    """The scheduled reading of what no webhook tells."""

    def _poll(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))

    def test_it_reads_the_connected_and_the_stopped(self):
        self._connect()
        self.account._add_stop("Restricted.")
        self.simulator.post("number", id=NUMBER_ES, quality_rating="YELLOW")
        self.simulator.post("number", id=OUTLET_NUMBER, quality_rating="RED")
        self._poll()
        self.assertEqual(self.sender.quality_rating, "yellow")
        self.assertEqual(self.outlet.sender_ids.quality_rating, "red")

    def test_a_draft_account_is_left_alone(self):
        self._poll()
        asked = {entry["path"].split("/")[2] for entry in self.simulator.get("log")["entries"]}
        self.assertEqual(asked, {WABA_UID})

    def test_the_trouble_of_one_account_is_not_the_others(self):
        cases = [
            # name, step on the first account, state and words of the first account afterwards
            ("unreachable", {"base_url": "http://127.0.0.1:9"}, "connected", False),
            ("token refused", {"access_token": "WRONG"}, "stopped", "error 190"),
            ("token gone", {"access_token": False}, "stopped", "has no access token"),
            ("account gone", {"waba_uid": "299999999999999"}, "connected", False),
        ]
        self._connect()
        first = min(self.account, self.outlet, key=lambda account: (account.name, account.id))
        other = (self.account | self.outlet) - first
        for name, values, state, words in cases:
            with self._case(name):
                first.write({**values, "synced_at": False})
                other.synced_at = False
                with mute_logger(SYNC_LOGGER):
                    self._poll()
                self.assertEqual(first.state, state)
                self.assertIn(words or "", first.stop_reason or "")
                self.assertFalse(first.synced_at)
                self.assertTrue(other.synced_at)
                self.assertEqual(other.state, "connected")

    def test_a_failed_reading_is_logged_without_the_token(self):
        self.account.access_token = "EAAsecretsecretsecret"
        with self.assertLogs(SYNC_LOGGER, "WARNING") as logs:
            self._poll()
        self.assertIn(f"waba.account {self.account.id}: reading from Meta failed", logs.output[0])
        self.assertNotIn("EAAsecret", "".join(logs.output))

    def test_half_a_reading_leaves_nothing_behind(self):
        self.simulator.post("limit", limit="TIER_10K", webhook=False)
        with self._fault(kind="status_5xx", endpoint="message_templates"), mute_logger(SYNC_LOGGER):
            self._poll()
        self.assertEqual(self.portfolio.messaging_limit, "250")
        self._poll()
        self.assertEqual(self.portfolio.messaging_limit, "10000")

    def test_a_stopped_account_stays_stopped_whatever_is_read(self):
        self.account._add_stop("Billing.")
        self._poll()
        self.assertEqual((self.account.state, self.account.stop_reason), ("stopped", "Billing."))


class TestCompanies(ConnectCase):
    def test_the_account_of_another_company_is_not_seen(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "stranger", groups="waba_campaign.waba_group_manager", company_id=company.id
        )
        for model in ("waba.account", "waba.sender", "waba.template", "waba.portfolio"):
            with self.subTest(model=model):
                self.assertFalse(self.env[model].with_user(stranger).search([]))
                self.assertTrue(self.env[model].with_user(self.manager).search([]))
