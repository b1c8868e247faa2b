"""Databases of earlier versions, upgraded, then uninstalled, in processes of their own.

Each `upgrade/waba_campaign-VERSION.sql.xz` is a whole database: CRM and this addon at VERSION, a
campaign that is done, one that is running (6 people wait), one scheduled, a follow-up with two
leads, opt-outs by reply, an opt-in, and a webhook that nobody has applied yet.
"""

import ast
import json
import lzma
import os
import re
import subprocess
import sys

import psycopg2
from odoo.tests.common import get_db_name

from ..common import NUMBER_ES, ROOT, Simulator
from ..pure import PureCase

DUMPS = ROOT / "tests" / "upgrade"
UNAPPLIED = "34611000006"
# Everything in a database that has a name, as (kind, name).
OBJECTS = """
    SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
     UNION ALL
    SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL
    SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
     UNION ALL
    SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL
    SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL
    SELECT 'column', c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c
        ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
       AND NOT a.attisdropped
"""
# What an installation of today has, whatever its data: to be the same after an upgrade.
RULES = """
    SELECT d.name, r.domain_force, r.active, r.perm_read, r.perm_write, r.perm_create,
           r.perm_unlink,
           (SELECT array_agg(g.name ORDER BY g.name) FROM rule_group_rel l
              JOIN ir_model_data g ON g.model = 'res.groups' AND g.res_id = l.group_id
             WHERE l.rule_group_id = r.id)
      FROM ir_rule r JOIN ir_model_data d ON d.model = 'ir.rule' AND d.res_id = r.id
     WHERE d.module = 'waba_campaign' ORDER BY d.name
"""
ACCESS = """
    SELECT d.name, m.model, a.perm_read, a.perm_write, a.perm_create, a.perm_unlink
      FROM ir_model_access a JOIN ir_model m ON m.id = a.model_id
      JOIN ir_model_data d ON d.model = 'ir.model.access' AND d.res_id = a.id
     WHERE d.module = 'waba_campaign' ORDER BY d.name
"""
JOBS = """
    SELECT d.name, c.active, c.interval_number, c.interval_type, c.priority
      FROM ir_cron c JOIN ir_model_data d ON d.model = 'ir.cron' AND d.res_id = c.id
     WHERE d.module = 'waba_campaign' ORDER BY d.name
"""
SCHEMA = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relname LIKE 'waba!_%' ESCAPE '!' AND c.relkind = 'r' AND a.attnum > 0
       AND NOT a.attisdropped
     UNION ALL
    SELECT 'index', tablename, indexname, regexp_replace(indexdef, '^.* USING ', ''), TRUE
      FROM pg_indexes WHERE tablename LIKE 'waba!_%' ESCAPE '!'
     UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), TRUE
      FROM pg_constraint WHERE conrelid::regclass::text LIKE 'waba!_%' ESCAPE '!'
     UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, TRUE
      FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'waba!_%' ESCAPE '!'
"""
VIEWS = """
    SELECT d.name, v.model, v.active, v.mode, p.name,
           -- A button names its action by a number.
           regexp_replace(v.arch_db->>'en_US', 'name="[0-9]+"', 'name=""', 'g')
      FROM ir_ui_view v JOIN ir_model_data d ON d.model = 'ir.ui.view' AND d.res_id = v.id
      LEFT JOIN ir_model_data p ON p.model = 'ir.ui.view' AND p.res_id = v.inherit_id
     WHERE d.module = 'waba_campaign' ORDER BY d.name
"""
# What belongs to the addon in tables of others.
ROWS = """
    SELECT 'job', cron_name FROM ir_cron WHERE cron_name LIKE 'WhatsApp%'
     UNION ALL
    SELECT 'server action', name->>'en_US' FROM ir_act_server WHERE name->>'en_US' LIKE 'WhatsApp%'
     UNION ALL
    SELECT 'parameter', key FROM ir_config_parameter WHERE key LIKE 'waba%'
     UNION ALL
    SELECT 'external id', name FROM ir_model_data WHERE module = 'waba_campaign'
     UNION ALL
    SELECT 'model', model FROM ir_model WHERE model LIKE 'waba.%'
     UNION ALL
    SELECT 'field', model || '.' || name FROM ir_model_fields WHERE name LIKE 'waba!_%' ESCAPE '!'
"""
ALIKE = {"rules": RULES, "access": ACCESS, "jobs": JOBS, "schema": SCHEMA, "views": VIEWS}
# Run in Odoo's shell: the first minutes after the upgrade.
GO_ON = """
import json, os
env = self.env
account = env["waba.account"].search([])
account.base_url = os.environ["WABA_SIMULATOR"]
if account.away_reason:
    # The administrator confirms that the restored database is the real one.
    account._record_home_database()
env.cr.commit()
sender = account.sender_ids.filtered(lambda s: s.phone_number_uid == os.environ["WABA_NUMBER"])
for job in (env.ref("waba_campaign.ir_cron_apply_webhooks"), sender.cron_id):
    job.method_direct_trigger()
env.cr.commit()
print("FACTS " + json.dumps({
    "away": account.away_reason, "home": account.home,
    "here": account._current_database()._asdict(),
    "names": account.mapped("name"),
}))
"""
UNINSTALL = """
env["ir.config_parameter"].set_param("waba_campaign.webhook_keep_days", "30")
env.ref("waba_campaign.ir_cron_judge").method_direct_trigger()
env["ir.module.module"].search([("name", "=", "waba_campaign")]).button_immediate_uninstall()
"""


class Database:
    """One database by name; each question a connection of its own."""

    def __init__(self, name):
        self.name = name

    def rows(self, query, *values):
        connection = psycopg2.connect(dbname=self.name)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def manage(self, *command):
        subprocess.run([sys.executable, str(ROOT / "dev" / "database.py"), *command], check=True)

    def drop(self):
        self.manage("drop", self.name)


class UpgradeCase:
    """Asserts what was collected while the database went through its life."""

    allow_inherited_tests_method = True
    maxDiff = None
    version = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = Database(f"waba_upgrade_{os.getpid()}")
        cls.addClassCleanup(cls.database.drop)
        cls._restore()
        cls.before = cls._counts()
        cls.upgrade_log = cls._odoo("-u", "waba_campaign", "--stop-after-init")
        cls.after = cls._counts()
        cls.upgraded = {what: cls.database.rows(query) for what, query in ALIKE.items()}
        cls._go_on()
        cls.uninstall_log = cls._odoo("shell", script=UNINSTALL)
        cls.left = {*cls.database.rows(OBJECTS)}
        cls.left_rows = cls.database.rows(ROWS)

    @classmethod
    def _restore(cls):
        cls.database.manage("copy", "template0", cls.database.name)
        subprocess.run(
            ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", cls.database.name],
            input=lzma.decompress((DUMPS / f"waba_campaign-{cls.version}.sql.xz").read_bytes()),
            stdout=subprocess.DEVNULL,
            check=True,
        )

    @classmethod
    def _odoo(cls, *arguments, script=None, **environment):
        """One run of Odoo to its end; what it logged and printed."""
        command = ["shell"] if arguments[:1] == ("shell",) else []
        done = subprocess.run(
            [sys.executable, "-m", "odoo", *command, "-d", cls.database.name, "--no-http",
             "--max-cron-threads", "0", *arguments[len(command):]],
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(done.stdout[-4000:])
        return done.stdout

    @classmethod
    def _go_on(cls):
        simulator = Simulator()
        try:
            simulator.post("reset")
            log = cls._odoo(
                "shell", script=GO_ON, WABA_SIMULATOR=simulator.url, WABA_NUMBER=NUMBER_ES
            )
            cls.sends = simulator.sends()
        finally:
            simulator.stop()
        cls.go_on_log = log
        [facts] = re.findall(r"FACTS (\{.*\})", log)
        cls.facts = json.loads(facts)
        cls.later = cls._counts()
        cls.opted_out = {
            number for (number,) in cls.database.rows(
                "SELECT number FROM waba_recipient WHERE marketing_state = 'opted_out'"
            )
        }  # fmt: skip

    @classmethod
    def _counts(cls):
        """{what: {state: rows}} of what must survive."""
        tables = {
            "messages": "SELECT direction || ' ' || state FROM waba_message",
            "campaigns": "SELECT name || ': ' || state FROM waba_campaign",
            "consents": "SELECT purpose || ' ' || action FROM waba_consent",
            "followups": "SELECT state FROM waba_sequence_enrollment",
            "webhooks": "SELECT state FROM waba_webhook_event",
            "leads": "SELECT 'lead' FROM crm_lead",
        }
        return {
            what: dict(cls.database.rows(f"SELECT v, count(*) FROM ({query}) t(v) GROUP BY v"))
            for what, query in tables.items()
        }

    def _errors(self, log):
        return [line for line in log.splitlines() if re.search(r" (ERROR|CRITICAL) ", line)]

    def test_the_upgrade_logs_no_error(self):
        self.assertEqual(self._errors(self.upgrade_log), [])
        self.assertIn("loading waba_campaign/", self.upgrade_log)

    def test_every_row_is_still_there(self):
        self.assertEqual(self.after, self.before)
        self.assertEqual(self.before["messages"]["out queued"], 6, "the dump is the right one")

    def test_every_version_has_been_passed(self):
        manifest = ast.literal_eval((ROOT / "__manifest__.py").read_text(encoding="utf-8"))
        self.assertGreater(_numbers(manifest["version"]), _numbers(self.version))
        for folder in (ROOT / "migrations").iterdir():
            if _numbers(folder.name) > _numbers(self.version):
                for script in folder.glob("*.py"):
                    name = f"Running migration [{folder.name}] {script.stem}"
                    self.assertIn(script.stem, self.upgrade_log, name)

    def test_it_is_like_a_new_installation(self):
        """Records of rules are never updated by an upgrade: each change needs a script."""
        new = Database(get_db_name())
        for what, query in ALIKE.items():
            with self.subTest(what):
                upgraded = {*map(_as_text, self.upgraded[what])}
                installed = {*map(_as_text, new.rows(query))}
                self.assertEqual(sorted(installed - upgraded), [], "missing after the upgrade")
                self.assertEqual(sorted(upgraded - installed), [], "left over by the upgrade")

    def test_the_account_knows_its_database(self):
        self.assertEqual(self.facts["home"], self.facts["here"])
        self.assertEqual(self.facts["home"]["name"], self.database.name)
        self.assertFalse(self.facts["away"])

    def test_the_campaign_goes_on_and_nobody_is_written_to_twice(self):
        self.assertEqual(self._errors(self.go_on_log), [])
        self.assertEqual(len(self.sends), 6)
        self.assertEqual(len({send["recipient"] for send in self.sends}), 6)
        self.assertNotIn("out queued", self.later["messages"])
        self.assertIn("Running across the upgrade: done", self.later["campaigns"])
        self.assertIn("Scheduled: scheduled", self.later["campaigns"])

    def test_opt_outs_stand_and_the_waiting_one_is_read(self):
        known = {"+34611000001", "+34611000003", "+34611000005"}
        self.assertLessEqual(known, self.opted_out)
        self.assertIn(f"+{UNAPPLIED}", self.opted_out)
        self.assertNotIn("new", self.later["webhooks"])

    def test_uninstalling_leaves_nothing(self):
        self.assertEqual(self._errors(self.uninstall_log), [])
        before = {*Database("waba_base").rows(OBJECTS)}
        self.assertEqual(sorted(self.left - before), [])
        self.assertEqual(self.left_rows, [])


class TestUpgradeFrom1000(UpgradeCase, PureCase):
    version = "19.0.1.0.0"


class TestUpgradeFrom1100(UpgradeCase, PureCase):
    version = "19.0.1.1.0"


class TestUpgradeFrom2000(UpgradeCase, PureCase):
    version = "19.0.2.0.0"


class TestUpgradeFrom2200(UpgradeCase, PureCase):
    version = "19.0.2.2.0"


class TestDumps(PureCase):
    def test_every_earlier_version_is_upgraded(self):
        tested = {case.version for case in UpgradeCase.__subclasses__()}
        dumps = {path.name.split("-")[1].removesuffix(".sql.xz") for path in DUMPS.glob("*.xz")}
        self.assertEqual(dumps, tested)


def _numbers(version):
    return [int(part) for part in version.split(".")]


def _as_text(row):
    """A row to compare; PostgreSQL writes casts differently once a dump was read back."""
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", str(row))
