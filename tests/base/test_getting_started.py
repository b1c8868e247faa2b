"""Getting started: each step checks itself on real data, by company and by rights."""

import socket

from odoo import fields
from odoo.addons.waba_campaign.wizard import waba_simulation
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..common import APP_SECRET, UNINVITED, WabaCase, scheduler_has_run

KEYS = ("connect", "number", "template", "opt_in", "test", "campaign")
CAMPAIGNS, START = "waba_campaign_action", "waba_getting_started_action"


class GettingStartedCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scheduler_has_run(cls.env)
        cls.env["ir.config_parameter"].set_param(
            "waba_campaign.simulator_port", cls.simulator.url.rpartition(":")[2]
        )
        cls.admin = new_test_user(
            cls.env, "waba_start_admin", context=UNINVITED,
            groups="base.group_system,sales_team.group_sale_manager,"
            "waba_campaign.waba_group_manager",
        )  # fmt: skip
        cls.empty = cls.env["res.company"].create({"name": "Empty"})
        for user in (cls.admin, cls.manager, cls.salesperson):
            user.company_ids += cls.empty

    def _page(self, user=None, company=None):
        model = self.env["waba.getting.started"].with_user(user or self.admin)
        if company:
            model = model.with_context(allowed_company_ids=company.ids)
        return model

    def _data(self, user=None, company=None):
        self.env.invalidate_all()
        return self._page(user, company).getting_started_data()

    def _step(self, key, user=None, company=None):
        [step] = [s for s in self._data(user, company)["steps"] if s["key"] == key]
        return step

    def _states(self, user=None, company=None):
        return {step["key"]: step["state"] for step in self._data(user, company)["steps"]}

    def _labels(self, step):
        return [button["label"] for button in step["buttons"]]

    def _detail(self, label):
        [detail] = [d for d in self._step("connect")["details"] if d["label"] == label]
        return detail

    def _connected(self):
        """As connected to a real account: the base URL is public."""
        self.account.base_url = "https://graph.facebook.com"


class TestSteps(GettingStartedCase):
    def test_the_steps_in_their_order(self):
        self.assertEqual([step["key"] for step in self._data()["steps"]], list(KEYS))

    def test_an_empty_company(self):
        later = KEYS[1:]
        for user in (self.admin, self.manager, self.salesperson):
            with self.subTest(user.login):
                states = self._states(user, self.empty)
                self.assertEqual(states["connect"], "open")
                self.assertEqual({states[key] for key in later}, {"waiting"})
                data = self._data(user, self.empty)
                self.assertEqual(data["done"], 0)
                by_key = {step["key"]: step for step in data["steps"]}
                self.assertTrue(all(not by_key[key]["buttons"] for key in later))

    def test_each_step_follows_the_data_and_can_be_undone_by_it(self):
        self._connected()
        self.assertEqual(
            self._states(),
            {"connect": "attention", "number": "done", "template": "done", "opt_in": "open",
             "test": "open", "campaign": "open"},
        )  # fmt: skip
        self.assertIn("no event received", self._step("connect")["text"])
        self._store_event({})
        self.assertEqual(self._states()["connect"], "done")
        self.account._add_stop("The token was refused.")
        step = self._step("connect")
        self.assertEqual((step["state"], step["text"]), ("attention", "The token was refused."))
        self.account._resume("tested.")
        with self.subTest("number"):
            (self.sender | self.sender_mx)._pause("Banned.", cause="person")
            step = self._step("number")
            self.assertEqual((step["state"], step["text"]), ("open", "Banned."))
            (self.sender | self.sender_mx)._resume("tested.")
            self.assertEqual(self._states()["number"], "done")
        with self.subTest("template"):
            approved = self.account.template_ids.filtered(lambda t: t.status == "approved")
            approved.status = "paused"
            self.assertEqual(self._states()["template"], "open")
            self.assertIn("Sync templates", self._labels(self._step("template")))
            approved.status = "approved"
        with self.subTest("opt-ins"):
            person = self.env["waba.recipient"]._find_or_create_person(
                self.portfolio, "+34611000001"
            )
            person._set_consent("marketing", "opt_in", "person", "Asked", company=self.env.company)
            self.assertEqual(self._states()["opt_in"], "done")
            person._set_consent("marketing", "opt_out", "person", "Asked", company=self.env.company)
            self.assertEqual(self._states()["opt_in"], "open")
        with self.subTest("test"):
            row = self._message(origin="test", state="failed", failure_reason="No such number.")
            step = self._step("test")
            self.assertEqual((step["state"], step["text"]), ("open", "No such number."))
            row.state = "delivered"
            self.assertEqual(self._states()["test"], "done")
        with self.subTest("campaign"):
            campaign = self._campaign(self._leads(1))
            self.assertEqual(self._states()["campaign"], "open")
            campaign.launched_at = fields.Datetime.now()
            self.assertEqual(self._states()["campaign"], "done")
        self.assertEqual(self._states(company=self.empty)["campaign"], "waiting", "its own steps")

    def test_the_values_to_connect(self):
        self._connected()
        event = {"App mode Live": "unknown", "Callback URL": "unknown", "Webhook fields": "unknown",
                 "Account ID": "done", "App ID and app secret": "done",
                 "Permanent access token": "done", "Display name": "done"}  # fmt: skip
        for label, state in event.items():
            with self.subTest(label):
                detail = self._detail(label)
                self.assertEqual(detail["state"], state)
                self.assertTrue(detail["where"])
        self.assertEqual(self._detail("Callback URL")["copy"], self.account.webhook_url)
        self._store_event({})
        changes = [
            ("App mode Live", lambda: None, "done"),
            ("Callback URL", lambda: None, "done"),
            ("Webhook fields", self._report_fields, "done"),
            ("Webhook fields", lambda: self._report_fields("security"), "open"),
            ("Permanent access token",
             lambda: self.account.write({"token_expires_at": fields.Datetime.now()}), "open"),
            ("App ID and app secret", lambda: self.account.write({"app_uid": False}), "open"),
            ("Display name", lambda: self.sender.write({"name_status": "DECLINED"}), "open"),
            ("Payment method", lambda: self._report_payment(141006), "open"),
            ("Payment method", lambda: self._report_payment(None), "done"),
        ]  # fmt: skip
        for label, change, state in changes:
            change()
            self.env.invalidate_all()
            self.assertEqual(self._detail(label)["state"], state, label)

    def _report_fields(self, *missing):
        self.account.missing_webhook_fields = {"missing": list(missing)}

    def _report_payment(self, code):
        errors = [{"error_code": code, "error_description": "No payment"}] if code else []
        self.account.health_status = {
            "can_send_message": "BLOCKED" if code else "AVAILABLE",
            "entities": [{"entity_type": "WABA", "id": "1", "can_send_message": "BLOCKED",
                          "errors": errors}],
        }  # fmt: skip


class TestRights(GettingStartedCase):
    def test_each_sees_only_what_they_may_do(self):
        self._connected()
        cases = {
            self.admin: ({"Open account", "Diagnosis"}, {"Import a file"}),
            self.manager: (set(), {"Import a file"}),
            self.salesperson: (set(), {"Open leads"}),
        }
        for user, (connect, opt_in) in cases.items():
            with self.subTest(user.login):
                self.assertEqual(set(self._labels(self._step("connect", user))), connect)
                self.assertEqual(set(self._labels(self._step("opt_in", user))), opt_in)
                texts = str(self._data(user))
                for secret in (APP_SECRET, "SIM-TOKEN"):
                    self.assertNotIn(secret, texts)
                if user != self.admin:
                    self.assertNotIn(self.account.webhook_key, texts)
                    self.assertNotIn(self.account.verify_token, texts)
                    self.assertFalse(self._data(user)["can_simulate"])

    def test_the_guides_follow_role_and_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        for user, names in (
            (self.salesperson, ["salesperson.md"]),
            (self.manager, ["salesperson.md", "manager.md"]),
            (self.admin, ["salesperson.md", "manager.md", "administrator.md", "moving.md"]),
        ):
            urls = [doc["url"] for doc in self._data(user)["docs"]]
            self.assertEqual([url.rpartition("/docs/")[2] for url in urls], names)
        spanish = self._page(self.salesperson).with_context(lang="es_ES")
        self.assertIn("/docs/es/salesperson.md", spanish.getting_started_data()["docs"][0]["url"])

    def test_the_app_opens_with_it_until_there_is_something_to_show(self):
        def opened(user, company=None):
            return self._page(user, company)._start_action()["xml_id"].rpartition(".")[2]

        for user in (self.admin, self.salesperson):
            self.assertEqual(opened(user), START)
        campaign = self._campaign(self._leads(1))
        self.assertEqual(opened(self.salesperson), START, "a draft is no campaign yet")
        campaign.launched_at = fields.Datetime.now()
        for user in (self.admin, self.salesperson):
            self.assertEqual(opened(user), CAMPAIGNS)
            self.assertEqual(opened(user, self.empty), START)


class TestSimulation(GettingStartedCase):
    def test_never_beside_a_real_account(self):
        self._connected()
        for archived in (False, True):
            self.account.active = not archived
            self.assertFalse(self._data()["can_simulate"])
            with self.assertRaisesRegex(UserError, "real WhatsApp account"):
                self._page().start_simulation()
            with self.assertRaisesRegex(UserError, "real WhatsApp account"):
                self._page(company=self.empty).start_simulation()

    def test_for_administrators_alone(self):
        for user in (self.manager, self.salesperson):
            with self.assertRaises(AccessError):
                self._page(user).start_simulation()

    def test_the_account_is_found_or_created(self):
        account_id = self._page().start_simulation()
        self.assertEqual(account_id, self.account.id, "the simulator's account was there")
        self.assertTrue(self.account.is_simulated)
        self.assertTrue(self._data()["is_simulated"])
        self.account.sudo().waba_uid = "200000000000099"
        new = self.env["waba.account"].browse(self._page().start_simulation())
        self.assertEqual((new.waba_uid, new.base_url), ("200000000000001", self.simulator.url))

    def test_a_simulator_is_started_where_none_runs(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.env["ir.config_parameter"].set_param("waba_campaign.simulator_port", str(port))
        account = self.env["waba.account"].browse(self._page().start_simulation())
        self.addCleanup(self._end_simulator)
        self.assertEqual(account.base_url, f"http://127.0.0.1:{port}")
        account.sudo()._sync()
        self.assertEqual(len(account.sender_ids), 2)

    def _end_simulator(self):
        [process] = waba_simulation._started
        process.stdin.close()
        self.assertEqual(process.wait(timeout=10), 0, "it ends with its standard input")

    def test_a_simulator_that_cannot_be_reached_or_started(self):
        """A port that nothing may listen on: the command is named."""
        self.env["ir.config_parameter"].set_param("waba_campaign.simulator_port", "99999")
        with self.assertRaisesRegex(UserError, "python -m simulator --port"):
            self._page().start_simulation()
