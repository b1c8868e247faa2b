"""The e-mail to the managers: each bad state once, a hold at once, nothing when all is well."""

from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user

from ..reputation_case import ReputationCase


class TestReputationMail(ReputationCase):
    def setUp(self):
        super().setUp()
        self.cron = self.env.ref("waba_campaign.ir_cron_alert")
        self.env["mail.mail"].search([]).unlink()

    def _mails(self):
        """Run the job; the e-mails it wrote to our manager."""
        known = self.env["mail.mail"].search([])
        self._run_cron(self.cron)
        mails = self.env["mail.mail"].search([]) - known
        return mails.filtered(lambda mail: self.manager.partner_id in mail.recipient_ids)

    def _reads(self, level, sender=None):
        (sender or self.sender).reputation_level = level

    def _a_day_later(self):
        self.env.company.waba_alerted_at -= timedelta(days=1)

    def _is_called_at_once(self):
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        called = any(trigger.call_at <= fields.Datetime.now() for trigger in triggers)
        triggers.unlink()
        return called

    def test_nothing_when_all_is_well(self):
        for level in ("healthy", "unknown"):
            with self.subTest(level):
                self._reads(level)
                self.assertFalse(self._mails())
        self.assertFalse(self.env.company.waba_alerted_at)

    def test_each_bad_state_is_told(self):
        cases = {
            "watch": ({"reputation_level": "watch"}, "Watch", False),
            "at risk": ({"reputation_level": "at_risk"}, "At risk", False),
            "held": ({"marketing_held": True}, "Promotions on hold", True),
            "red": ({"quality_rating": "red"}, "Promotions on hold", True),
            "locked": ({"state": "locked", "pause_reason": "Meta restricted it."}, "Locked", True),
        }
        for name, (values, words, at_once) in cases.items():
            with self._case(name):
                self.sender.write(values)
                self.assertEqual(self._is_called_at_once(), at_once)
                mail = self._mails()
                self.assertEqual(len(mail), 1)
                self.assertIn(f"{self.sender.display_phone_number} {words}", mail.subject)
                self.assertIn(words, mail.body_html)
                self.assertIn(values.get("pause_reason", "Meta's rating"),
                              mail.body_html.replace("&#39;", "'"))  # fmt: skip
                self.assertNotIn(self.sender_mx.display_phone_number, mail.body_html)
                self.assertIn("/odoo/whatsapp-reputation", mail.body_html)

    def test_the_same_state_is_never_told_twice(self):
        self._reads("watch")
        self.assertTrue(self._mails())
        for _day in range(3):
            self._a_day_later()
            self.assertFalse(self._mails())

    def test_worse_is_told_and_better_is_not(self):
        self._reads("watch")
        self.assertTrue(self._mails())
        self._a_day_later()
        self._reads("at_risk")
        self.assertIn("At risk", self._mails().subject)
        self._a_day_later()
        self._reads("watch")
        self.assertFalse(self._mails())

    def test_a_state_that_comes_back_is_told_again(self):
        for _time in range(2):
            self.sender.marketing_held = True
            self.assertTrue(self._is_called_at_once())
            self.assertTrue(self._mails())
            self.sender.marketing_held = False
            self.assertFalse(self.sender.alerted_states)

    def test_a_reading_is_told_at_most_once_a_day_and_a_hold_at_once(self):
        self._reads("watch")
        self.assertTrue(self._mails())
        self._reads("at_risk", self.sender_mx)
        self.assertFalse(self._mails())
        self.sender.write({"state": "locked", "pause_reason": "Meta restricted it."})
        mail = self._mails()
        # The other number's news goes along.
        for number in (self.sender, self.sender_mx):
            self.assertIn(number.display_phone_number, mail.body_html)
        self._a_day_later()
        self.assertFalse(self._mails())

    def test_a_number_whose_e_mail_is_off_is_not_told(self):
        self.sender.alert_email = False
        self.sender.write({"state": "locked", "pause_reason": "Meta restricted it."})
        self.assertFalse(self._is_called_at_once())
        self.assertFalse(self._mails())
        self.sender.alert_email = True
        self.assertTrue(self._mails())

    def test_only_managers_of_the_company_are_told(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(self.env, "waba_mail_stranger", company_id=company.id,
                                 groups="waba_campaign.waba_group_manager")  # fmt: skip
        self._reads("at_risk")
        self.assertTrue(self._mails())
        told = self.env["mail.mail"].search([]).recipient_ids
        self.assertIn(self.manager.partner_id, told)
        self.assertNotIn(self.salesperson.partner_id, told)
        self.assertNotIn(stranger.partner_id, told)

    def test_a_lock_by_the_rules_is_told(self):
        self.sender._lock_after_refusal("Meta refused it.")
        self.assertTrue(self._is_called_at_once())
        mail = self._mails()
        self.assertIn("Locked", mail.subject)
        self.assertIn("Meta refused it.", mail.body_html)
