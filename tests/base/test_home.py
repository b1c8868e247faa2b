"""Which database sends for an account; a copy of it sends nothing until a person has spoken."""

from contextlib import contextmanager

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from ..common import WabaCase
from .test_account import ConnectCase

ELSEWHERE = {
    "a copy in the same cluster": {"name": "production", "oid": "1"},
    "a dump restored under its old name": {"oid": "1"},
    "another server, all else alike": {"system": "1"},
    "Odoo's own duplicate": {"uuid": "00000000-0000-0000-0000-000000000000"},
    "renamed": {"name": "production"},
}


class HomeCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.account._record_home_database()
        self.here = self.account.home

    def _go_elsewhere(self, **values):
        """As if this database were a copy of the one the account was connected in."""
        self.account.home = {**self.here, **(values or {"name": "production", "oid": "1"})}

    def _settle(self, choice, user=None, **values):
        wizard = self.env["waba.home"].with_user(user or self.env.user)
        return wizard.create({"choice": choice, **values}).action_confirm()


class TestHold(HomeCase):
    def test_whatever_differs_holds_everything_and_says_so(self):
        for name, values in ELSEWHERE.items():
            with self._case(name):
                campaign = self._campaign(self._leads(2))
                campaign._start_launch()
                self._prepare()
                self._go_elsewhere(**values)
                self._dispatch()
                self.assertEqual(self.simulator.sends(), [])
                self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
                self.assertIn("confirms the production database", campaign.hold_reason)
                self.assertEqual(self.account.away_reason, campaign.hold_reason)

    def test_every_origin_waits(self):
        for origin in ("campaign", "sequence", "manual", "action", "reply", "test"):
            with self._case(origin):
                row = self._message(
                    state="queued", origin=origin, template_id=self.utility_template.id,
                    category="utility", parameters={"body": [{"name": "1", "value": "S01"}]},
                )  # fmt: skip
                self._go_elsewhere()
                self._dispatch()
                self.assertEqual((self.simulator.sends(), row.state), ([], "queued"))
                self.account._record_home_database()
                self._dispatch()
                self.assertNotEqual(row.state, "queued", "the hold is what kept it")

    def test_what_is_alike_or_cannot_be_told_holds_nothing(self):
        alike = {
            "noted here": self.here,
            "never noted": False,
            "the role could not read the server's identity": {**self.here, "system": None},
            "no uuid was noted": {**self.here, "uuid": None},
        }
        for name, home in alike.items():
            with self._case(name):
                self.account.home = home
                campaign = self._launch(self._leads(1))
                self.assertEqual(len(self.simulator.sends()), 1)
                self.assertFalse(self.account.away_reason)
                self.assertFalse(campaign.hold_reason)

    def test_a_change_between_reserving_and_handing_over_is_seen(self):
        campaign = self._campaign(self._leads(2))
        campaign._start_launch()
        self._prepare()
        rows = self._rows(campaign)
        rows.write({"state": "reserved", "is_unsent": True, "attempt_count": 1})
        jobs = [(row.id, {"biz_opaque_callback_data": f"{row.uuid}/1"}, 0) for row in rows]
        self.env.flush_all()
        self._go_elsewhere()
        self.assertEqual(self.sender._mark_submitted(jobs), set())
        self.account._record_home_database()
        self.assertEqual(self.sender._mark_submitted(jobs), set(rows.ids))

    def test_a_role_that_may_not_read_the_servers_identity(self):
        """As on managed PostgreSQL: it is left out, and no transaction breaks."""
        cr = self.env.cr
        cr.execute("CREATE ROLE waba_plain_role")
        cr.execute("GRANT SELECT ON ir_config_parameter TO waba_plain_role")
        cr.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cr.execute("SET LOCAL ROLE waba_plain_role")
        here = self.account._current_database()
        cr.execute("RESET ROLE")
        self.assertEqual(here, self.account._current_database()._replace(system=None))
        self.assertTrue(self.account._current_database().system)


class TestSettle(HomeCase):
    @contextmanager
    def _waiting(self):
        """A campaign of two in the database of a copy."""
        campaign = self._campaign(self._leads(2))
        campaign._start_launch()
        self._prepare()
        self._go_elsewhere()
        yield campaign

    def test_the_real_one_goes_on(self):
        with self._waiting() as campaign:
            self._settle("real", pause_campaigns=False)
            self.assertEqual(self.account.home, self.here)
            self.assertIn("confirmed this as the production database", self._chatter(self.account))
            self._dispatch()
            self.assertEqual(len(self.simulator.sends()), 2)
            self.assertEqual(campaign.state, "done")

    def test_a_restored_backup_waits_until_somebody_has_compared(self):
        with self._waiting() as campaign:
            self._settle("real")
            self._dispatch()
            self.assertEqual((campaign.state, self.simulator.sends()), ("paused", []))
            self.assertIn("Check in WhatsApp Manager", campaign.pause_reason)
            campaign.action_resume()
            self._dispatch()
            self.assertEqual(len(self.simulator.sends()), 2)

    def test_a_copy_is_stopped_for_good(self):
        with self._waiting() as campaign:
            self._settle("copy")
            self.assertEqual(campaign.state, "cancelled")
            self.assertEqual(set(self._rows(campaign).mapped("state")), {"cancelled"})
            self.assertFalse(self.account.access_token)
            self.assertEqual(self.account.state, "draft")
            self.assertEqual(set(self.account.sender_ids.mapped("state")), {"locked"})
            self._dispatch()
            self.assertEqual(self.simulator.sends(), [])

    def test_accounts_of_all_companies_are_settled_at_once(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        other = self._create_account(waba_uid="299", company_id=company.id)
        other.write({"state": "connected", "home": {**self.here, "name": "production"}})
        self._go_elsewhere()
        self.assertEqual(self.env["waba.account"]._accounts_elsewhere(), self.account | other)
        self._settle("real")
        self.assertFalse(self.env["waba.account"]._accounts_elsewhere())

    def test_an_account_connected_here_is_no_copys(self):
        other = self._create_account(waba_uid="299")
        other.write({"state": "connected"})
        other._record_home_database()
        other.name = "Ours"
        self._go_elsewhere()
        with self.assertRaisesRegex(UserError, "Ours was connected in this database"):
            self._settle("copy")

    def test_only_an_administrator_says_it(self):
        self._go_elsewhere()
        for user in (self.salesperson, self.manager):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._settle("real", user)
        with self.assertRaises(AccessError):
            self.account.with_user(self.manager).action_confirm_database()
        admin = new_test_user(
            self.env, "waba_admin", groups="base.group_system,waba_campaign.waba_group_manager"
        )
        self._settle("real", admin)
        self.assertFalse(self.account.away_reason)

    def test_the_dialog_says_what_differs(self):
        self._go_elsewhere()
        action = self.account.action_confirm_database()
        wizard = Form(self.env[action["res_model"]].with_context(**action["context"]))
        self.assertEqual(wizard.account_text, self.account.name)
        self.assertIn(f"production → {self.here['name']}", wizard.difference_text)
        self.assertNotIn("uuid", wizard.difference_text)


class TestConnect(ConnectCase):
    def test_connecting_notes_the_database(self):
        self._connect()
        self.assertEqual(self.outlet.home, self.outlet._current_database()._asdict())
        self.assertEqual(self.outlet.home["name"], self.env.cr.dbname)

    def test_a_copy_changes_nothing_at_the_platform(self):
        """Connect would turn the original's webhooks to the copy."""
        self._connect()
        noted = {**self.outlet.home, "name": "production"}
        self.outlet.home = noted
        self.simulator.post("reset")
        self.address.handshakes.clear()
        diagnosis = self._connect()
        line = self._line(diagnosis, "Database", "error")
        self.assertIn("connected in the database production", line.text)
        self.assertEqual(diagnosis.verdict, "error")
        self.assertEqual((self.outlet.home, self.address.handshakes), (noted, []))
        asked = {entry["method"] for entry in self.simulator.get("log")["entries"]}
        self.assertLessEqual(asked, {"GET"})

    def test_a_failed_connection_notes_nothing(self):
        self.outlet.access_token = "WRONG"
        self._connect()
        self.assertFalse(self.outlet.home)
