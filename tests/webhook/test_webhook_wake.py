"""The job that applies webhooks is asked for once, however many webhooks come in."""

from datetime import timedelta

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestWake(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("waba_campaign.ir_cron_apply_webhooks")
        cls.account = cls.env["waba.account"].create(
            {"name": "Wake", "waba_uid": "200000000000009"}
        )
        cls.env["ir.cron.trigger"].search([("cron_id", "=", cls.cron.id)]).unlink()
        cls.env.flush_all()

    def _receive(self):
        """As a request does: store, commit, then what waits for the commit."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            event = self.env(cr=cr)["waba.webhook.event"]._store_body(
                self.account, b'{"entry": []}'
            )
            waiting = list(cr.postcommit._funcs)
            self.env(cr=cr)["ir.cron"]._commit_progress()
            for wake in waiting:
                wake()
        return event.id

    def _triggers(self):
        return self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])

    def _trigger_count(self):
        return len(self._triggers())

    def test_one_trigger_for_many_webhooks(self):
        ids = [self._receive() for _index in range(3)]
        self.assertEqual(self._trigger_count(), 1)
        events = self.env["waba.webhook.event"].browse(ids)
        self.assertEqual(events.mapped("state"), ["new"] * 3)
        self.assertEqual(events[0].body, '{"entry": []}')

    def test_a_new_trigger_once_a_run_has_begun(self):
        self._receive()
        # What a run of the job does first; it begins later than this test's transaction.
        self._triggers().call_at -= timedelta(minutes=1)
        self.env["ir.cron"]._clear_schedule({"id": self.cron.id})
        self.assertEqual(self._trigger_count(), 0)
        self._receive()
        self.assertEqual(self._trigger_count(), 1)

    def test_a_trigger_for_later_does_not_count(self):
        self.cron._trigger(at=self.env.cr.now().replace(microsecond=0, year=2100))
        self._receive()
        self.assertEqual(self._trigger_count(), 2)
