"""Two transactions at the same moment, really committed: entering, running, answering."""

from contextlib import contextmanager
from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.cloud_api.events import InboundMessage
from psycopg2 import OperationalError
from psycopg2.errors import SerializationFailure

from ..common import WabaCase

ANA = "+34611700001"


class World:
    """Ids of committed records, and cursors that see them."""

    def __init__(self, case):
        self.case = case
        self.cursors = []

    def open(self):
        """An environment in a transaction of its own."""
        cursor = self.case.registry.cursor()
        self.cursors.append(cursor)
        # What waits for another transaction fails instead of hanging the only thread.
        cursor.execute("SET lock_timeout = '300ms'")
        return self.case.env(cr=cursor)

    def sequence(self, env):
        return env["waba.sequence"].browse(self.sequence_id)

    def lead(self, env):
        return env["crm.lead"].browse(self.lead_id)

    def enrollments(self, env):
        return env["waba.sequence.enrollment"].search([("sequence_id", "=", self.sequence_id)])

    def begin(self, env):
        """Take this transaction's snapshot now."""
        env.cr.execute("SELECT 1 FROM waba_sequence_enrollment LIMIT 1")

    def receive(self, env):
        item = InboundMessage(
            phone_number_uid="499", wamid="wamid.race", kind="text", number=ANA, text="Sí"
        )
        sender = env["waba.sender"].browse(self.sender_id)
        now = fields.Datetime.now() + timedelta(seconds=1)
        return env["waba.message"]._receive_inbound(sender, item, now)


class TestRaces(WabaCase):
    @contextmanager
    def _world(self):
        world = World(self)
        env = world.open()
        before = _highest_ids(env.cr)
        account = env["waba.account"].create({"name": "Committed", "waba_uid": "299"})
        portfolio = env["waba.portfolio"].create({"name": "Committed", "portfolio_uid": "199"})
        account.portfolio_id = portfolio
        sender = env["waba.sender"].create(
            {"account_id": account.id, "phone_number_uid": "499", "display_phone_number": "+34 9"}
        )
        template = env["waba.template"].create(
            {"account_id": account.id, "template_uid": "599", "name": "t", "language": "es",
             "category": "utility", "status": "approved",
             "components": [{"type": "BODY", "text": "Hola"}]}
        )  # fmt: skip
        lead = env["crm.lead"].create({"name": "Race", "type": "opportunity", "phone": ANA})
        sequence = env["waba.sequence"].create(
            {
                "name": "Race", "trigger": "manual", "sender_id": sender.id,
                "step_ids": [(0, 0, {"template_id": template.id, "wait_amount": 0,
                                     "in_working_hours": False})],
            }
        )  # fmt: skip
        sequence._activate()
        world.lead_id, world.sequence_id, world.sender_id = lead.id, sequence.id, sender.id
        cron_id = sender.cron_id.id
        env.cr.commit()
        try:
            yield world
        finally:
            for cursor in world.cursors:
                cursor.rollback()
            _forget(env.cr, before, account.id, cron_id)
            env.cr.commit()
            self.registry.clear_cache()
            for cursor in world.cursors:
                cursor.close()

    def test_two_that_enter_one_lead_make_one_row(self):
        with self._world() as world:
            first, second = world.open(), world.open()
            world.begin(first)
            world.begin(second)
            self.assertEqual(len(world.sequence(first)._enroll_leads(world.lead(first))), 1)
            # Not committed yet: the second waits for it, here for a moment only.
            with self.assertRaises(OperationalError):
                world.sequence(second)._enroll_leads(world.lead(second))
            second.cr.rollback()
            world.begin(second)
            first.cr.commit()
            with self.assertRaises(SerializationFailure):
                world.sequence(second)._enroll_leads(world.lead(second))
            second.cr.rollback()
            self.assertFalse(world.sequence(second)._enroll_leads(world.lead(second)), "repeated")
            second.cr.commit()
            self.assertEqual(len(world.enrollments(second)), 1)

    def _entered(self, world):
        env = world.open()
        world.sequence(env)._enroll_leads(world.lead(env))
        env.cr.commit()

    def test_two_jobs_do_a_step_once(self):
        with self._world() as world:
            self._entered(world)
            first, second = world.open(), world.open()
            world.begin(second)
            self.assertEqual(first["waba.sequence.enrollment"]._run_chunk(), 1)
            self.assertEqual(second["waba.sequence.enrollment"]._run_chunk(), 0, "skipped")
            second.cr.rollback()
            world.begin(second)
            first.cr.commit()
            with self.assertRaises(SerializationFailure):
                second["waba.sequence.enrollment"]._run_chunk()
            second.cr.rollback()
            self.assertEqual(second["waba.sequence.enrollment"]._run_chunk(), 0)
            [one] = world.enrollments(second)
            self.assertEqual((one.steps_done, len(one.message_ids)), (1, 1))

    def test_a_job_killed_before_its_commit_leaves_the_step_to_do(self):
        with self._world() as world:
            self._entered(world)
            env = world.open()
            env["waba.sequence.enrollment"]._run_chunk()
            env.cr.rollback()
            env.invalidate_all()
            [one] = world.enrollments(env)
            self.assertEqual((one.steps_done, len(one.message_ids)), (0, 0))
            self.assertEqual(env["waba.sequence.enrollment"]._run_chunk(), 1)
            env.cr.commit()
            self.assertEqual((one.steps_done, one.message_ids.state), (1, "queued"))

    def test_an_answer_while_the_message_is_being_queued_wins(self):
        with self._world() as world:
            self._entered(world)
            job, webhook = world.open(), world.open()
            world.begin(webhook)
            job["waba.sequence.enrollment"]._run_chunk()
            with self.assertRaises(OperationalError):
                world.receive(webhook)
                webhook.flush_all()
            webhook.cr.rollback()
            world.begin(webhook)
            job.cr.commit()
            with self.assertRaises(SerializationFailure):
                world.receive(webhook)
                webhook.flush_all()
            webhook.cr.rollback()
            webhook.invalidate_all()
            # As the job that applies webhooks repeats it.
            world.receive(webhook)
            webhook.cr.commit()
            [one] = world.enrollments(webhook)
            self.assertEqual((one.state, one.stop_reason), ("stopped", "replied"))
            self.assertEqual(one.message_ids.state, "cancelled")

    def test_an_answer_just_before_the_job_wins(self):
        with self._world() as world:
            self._entered(world)
            job, webhook = world.open(), world.open()
            world.begin(job)
            world.receive(webhook)
            webhook.flush_all()
            self.assertEqual(job["waba.sequence.enrollment"]._run_chunk(), 0, "skipped")
            job.cr.rollback()
            world.begin(job)
            webhook.cr.commit()
            with self.assertRaises(SerializationFailure):
                job["waba.sequence.enrollment"]._run_chunk()
            job.cr.rollback()
            job.invalidate_all()
            job["waba.sequence.enrollment"]._run_chunk()
            job.cr.commit()
            [one] = world.enrollments(job)
            self.assertEqual((one.stop_reason, len(one.message_ids)), ("replied", 0))


# Children before their parents.
TABLES = (
    "mail_activity", "mail_notification", "mail_tracking_value", "mail_message", "mail_followers",
    "waba_attribution", "waba_message", "waba_sequence_enrollment", "waba_sequence_variable",
    "waba_sequence_step", "waba_sequence", "waba_conversation", "waba_consent", "crm_lead",
    "waba_recipient", "waba_template_variable", "waba_template", "ir_cron_trigger",
)  # fmt: skip


def _highest_ids(cursor):
    found = {}
    for table in TABLES:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0]:
            cursor.execute(f"SELECT COALESCE(max(id), 0) FROM {table}")  # pylint: disable=E8103
            found[table] = cursor.fetchone()[0]
    return found


def _forget(cursor, before, account_id, cron_id):
    """Delete everything made since; this database has no other writers."""
    cursor.execute("SET lock_timeout = 0")
    cursor.execute("UPDATE waba_sequence_enrollment SET pending_message_id = NULL, step_id = NULL")
    for table in TABLES:
        if table in before:
            cursor.execute(
                f"DELETE FROM {table} WHERE id > %s",  # pylint: disable=E8103
                [before[table]],
            )
    cursor.execute("DELETE FROM waba_sender WHERE account_id = %s", [account_id])
    cursor.execute("DELETE FROM ir_cron WHERE id = %s", [cron_id])
    cursor.execute("DELETE FROM waba_account WHERE id = %s", [account_id])
    cursor.execute("DELETE FROM waba_portfolio WHERE portfolio_uid = '199'")
