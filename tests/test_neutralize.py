from odoo.modules.neutralize import get_neutralization_queries, neutralize_database
from odoo.tests import TransactionCase
from odoo.tools import mute_logger
from odoo.tools.misc import file_open

from .common import WabaCase

TABLES = ("waba_account", "waba_sender", "waba_campaign", "waba_message")


def neutralize(env):
    """What Odoo runs on a copied database, all installed modules in their order."""
    env.flush_all()
    neutralize_database(env.cr)
    env.invalidate_all()


class TestNeutralizedCopy(WabaCase):
    def setUp(self):
        super().setUp()
        self.sender.action_pause()
        self.waiting = self._launch(self._leads(3))
        self.sender.action_resume()
        self.scheduled = self._campaign(self._leads(1, start=10), scheduled_at="2100-01-01")
        self.scheduled.action_launch()
        self.draft = self._campaign(self._leads(1, start=20))
        self.done = self._launch(self._leads(1, start=30), sender_id=self.sender_mx.id)
        self.leaving = self._launch(self._leads(1, start=40), sender_id=self.sender_mx.id)
        self._rows(self.leaving).write({"state": "reserved"})
        self.jobs = self.account.sender_ids.cron_id | self.env["ir.cron"].search(
            [("cron_name", "like", "WhatsApp:")]
        )
        self.sends = len(self.simulator.sends())
        neutralize(self.env)

    def test_no_key_and_no_address_is_left(self):
        for name in ("access_token", "app_secret", "verify_token", "webhook_key"):
            self.assertFalse(self.account[name], name)
        self.assertEqual(self.account.base_url, "https://neutralized.invalid")
        self.assertEqual(self.account.state, "draft")
        self.env.cr.execute("SELECT to_jsonb(t)::text FROM waba_account t")
        rows = " ".join(row for (row,) in self.env.cr.fetchall())
        for word in ("SIM-TOKEN", "test-app-secret", "test-verify-token", self.simulator.url):
            self.assertNotIn(word, rows)

    def test_no_job_runs(self):
        self.assertGreaterEqual(len(self.jobs), 6)
        self.assertFalse(self.jobs.filtered("active"))

    def test_no_row_waits_and_none_is_about_to_leave(self):
        self.env.cr.execute("SELECT DISTINCT state FROM waba_message WHERE direction = 'out'")
        states = {state for (state,) in self.env.cr.fetchall()}
        self.assertEqual(states & {"queued", "reserved"}, set())
        self.assertEqual(set(self._rows(self.waiting).mapped("state")), {"cancelled"})
        self.assertEqual(self._rows(self.done).state, "accepted", "what was sent is still told")

    def test_an_interrupted_send_of_the_original_stays_without_answer(self):
        self.assertEqual(self._rows(self.leaving).state, "uncertain")

    def test_no_campaign_goes_on(self):
        self.assertEqual(
            (self.waiting.state, self.scheduled.state, self.draft.state, self.done.state),
            ("cancelled", "cancelled", "draft", "done"),
        )

    def test_the_numbers_are_locked_and_say_why(self):
        self.assertEqual(set(self.account.sender_ids.mapped("state")), {"locked"})
        self.assertIn("neutralized copy", self.sender.pause_reason)
        self.assertFalse(self.sender.resume_at)

    def test_nothing_is_sent_even_when_the_jobs_are_run(self):
        self._dispatch()
        self._dispatch(self.sender_mx)
        self._prepare()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))
        self.assertEqual(len(self.simulator.sends()), self.sends)

    def test_nothing_is_sent_even_when_a_person_tries(self):
        self.sender.action_resume()
        campaign = self._campaign(self._leads(1, start=60))
        with (
            mute_logger("odoo.addons.waba_campaign"),
            self.assertRaisesRegex(Exception, "is not connected"),
        ):
            campaign.action_launch()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), self.sends)

    def test_a_second_time_changes_nothing_more(self):
        def rows():
            self.env.flush_all()
            found = []
            for table in (*TABLES, "ir_cron"):
                self.env.cr.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")
                found.append(self.env.cr.fetchall())
            return found

        before = rows()
        neutralize(self.env)
        self.assertEqual(rows(), before)


class TestScript(TransactionCase):
    def test_it_is_found_by_odoo_and_names_nothing_outside_the_addon(self):
        [script] = get_neutralization_queries(["waba_campaign"])
        with file_open("waba_campaign/data/neutralize.sql") as file:
            self.assertEqual(script, file.read().strip())

    def test_it_is_valid_on_empty_tables_in_any_order(self):
        self.env.cr.execute("SELECT count(*) FROM waba_account")
        self.assertEqual(self.env.cr.fetchone(), (0,))
        for modules in (["waba_campaign", "base"], ["base", "waba_campaign"]):
            for script in get_neutralization_queries(modules):
                self.env.cr.execute(script)
        self.env.cr.execute(
            """SELECT count(*) FROM ir_cron c JOIN ir_model_data d ON d.res_id = c.id
                WHERE d.model = 'ir.cron' AND d.module = 'waba_campaign' AND c.active"""
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_our_jobs_stop_without_the_scripts_of_others(self):
        [script] = get_neutralization_queries(["waba_campaign"])
        self.env.cr.execute(script)
        jobs = (
            self.env["ir.cron"]
            .with_context(active_test=False)
            .search([("cron_name", "like", "WhatsApp:")])
        )
        self.assertTrue(jobs)
        self.assertFalse(jobs.filtered("active"))
