"""The requirements list: each line compliant, needing work and unknown, measured on real rows."""

from datetime import timedelta

from odoo import fields

from ...policy.requirements import REQUIREMENTS
from ..reputation_case import ReputationCase

# No status: there are always enough data about a setting.
SETTINGS = {"frequency_cap", "quiet_hours", "pilot_batch", "email_alerts", "account_status"}


class TestRequirements(ReputationCase):
    def setUp(self):
        super().setUp()
        self.offer = self._bare_campaign("Offer")
        self.now = fields.Datetime.now()
        self.company = self.env.company
        self.company.write({"waba_frequency_count": 2, "waba_quiet_hours": True})

    def _line(self, key, user=None, senders=None):
        lines = (senders or self.sender).with_user(user or self.manager)._requirements(self.now)
        self.assertEqual({line["key"] for line in lines}, set(REQUIREMENTS))
        [line] = [line for line in lines if line["key"] == key]
        return line

    def _promoted(self, opted_in, without, opted_out=0):
        """Recipients of a promotion."""
        promotion = self._bare_campaign("To some")
        self._sent(1, promotion, delivered=opted_in + without + opted_out)
        people = self.env["waba.message"].search([("campaign_id", "=", promotion.id)]).recipient_id
        people.write({"last_marketing_at": self.now, "marketing_state": "unknown"})
        self.env["waba.opt.in"].search([("recipient_id", "in", people.ids)]).unlink()
        for person in people[:opted_in]:
            person._set_marketing_state("opted_in", "person", "At the fair.")
        for person in people[opted_in : opted_in + opted_out]:
            person._set_marketing_state("opted_out", "person", "No more.")

    def _promotion_with(self, components):
        self.template.components = components
        self.template._rebuild_variables()
        self._sent(1, self.offer, delivered=1)
        self._count()

    def _results(self, **outcomes):
        self._sent(5, self.offer, **outcomes)
        self._count()

    def _heard(self, ago):
        self._store_event({"object": "whatsapp_business_account", "entry": []})
        self.env["waba.webhook.event"].search([]).write(
            {"account_id": self.account.id, "received_at": self.now - ago}
        )

    def _cases(self):
        """{key: {status: what makes it so}}."""
        text = [{"type": "BODY", "text": "The winter offer is here."}]
        button = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Unsubscribe"}]}
        sender, company, hour = self.sender, self.company, timedelta(hours=1)
        rated = self.account.template_ids
        return {
            "opt_ins": {
                "compliant": lambda: self._promoted(3, 0, opted_out=1),
                "needs_work": lambda: self._promoted(3, 1),
                "unknown": lambda: (
                    self.env["waba.recipient"]
                    .search([])
                    .write({"last_marketing_at": self.now - timedelta(days=31)})
                ),
            },
            "opt_out_way": {
                "compliant": lambda: self._promotion_with([*text, button]),
                "needs_work": lambda: self._promotion_with(text),
                "unknown": lambda: None,
            },
            "frequency_cap": {
                "compliant": lambda: company.write({"waba_frequency_count": 1}),
                "needs_work": lambda: company.write({"waba_frequency_count": 0}),
            },
            "quiet_hours": {
                "compliant": lambda: company.write({"waba_quiet_from": 21, "waba_quiet_until": 9}),
                "needs_work": lambda: company.write({"waba_quiet_hours": False}),
            },
            "pilot_batch": {
                "compliant": lambda: sender.write({"canary": True}),
                "needs_work": lambda: sender.write({"canary": False}),
            },
            "quality_rating": {
                "compliant": lambda: sender.write({"quality_rating": "green"}),
                "needs_work": lambda: sender.write({"quality_rating": "yellow"}),
                "unknown": lambda: sender.write({"quality_rating": "unknown"}),
            },
            "template_quality": {
                "compliant": lambda: rated.write({"quality_score": "green"}),
                "needs_work": lambda: rated[0].write({"quality_score": "red"}),
                "unknown": lambda: rated.write({"quality_score": "unknown"}),
            },
            "opt_out_rate": {
                "compliant": lambda: self._results(delivered=200, opted_out=1),
                "needs_work": lambda: self._results(delivered=200, opted_out=2),
                "unknown": lambda: self._results(delivered=199, opted_out=50),
            },
            "invalid_numbers": {
                "compliant": lambda: self._results(delivered=195, undeliverable=5),
                "needs_work": lambda: self._results(delivered=194, undeliverable=6),
                "unknown": lambda: self._results(delivered=99, undeliverable=50),
            },
            "undelivered": {
                "compliant": lambda: self._results(delivered=195, silent=5),
                "needs_work": lambda: self._results(delivered=194, silent=6),
                "unknown": lambda: self._results(delivered=99, silent=50),
            },
            "display_name": {
                "compliant": lambda: sender.write({"name_status": "APPROVED"}),
                "needs_work": lambda: sender.write({"name_status": "DECLINED"}),
                "unknown": lambda: sender.write({"name_status": "PENDING_REVIEW"}),
            },
            "account_status": {
                "compliant": lambda: self.account.write(
                    {"health_status": {"can_send_message": "AVAILABLE"}}
                ),
                "needs_work": lambda: self.account.write(
                    {"health_status": {"can_send_message": "LIMITED"}}
                ),
            },
            "webhook": {
                "compliant": lambda: self._heard(hour),
                "needs_work": lambda: self._sent(1, self.offer, accepted=1),
                "unknown": lambda: None,
            },
            "email_alerts": {
                "compliant": lambda: sender.write({"alert_email": True}),
                "needs_work": lambda: sender.write({"alert_email": False}),
            },
        }

    def test_each_in_each_status(self):
        cases = self._cases()
        self.assertEqual(set(cases), set(REQUIREMENTS))
        for key, statuses in cases.items():
            self.assertEqual(
                set(statuses),
                {"compliant", "needs_work"} | (set() if key in SETTINGS else {"unknown"}),
            )
            for status, begin in statuses.items():
                with self._case(f"{key}: {status}"):
                    begin()
                    line = self._line(key)
                    self.assertEqual(line["status"], status, line["detail"])
                    self.assertTrue(line["detail"])
                    self.assertTrue(line["reason"])
                    self.assertEqual(bool(line["fix"]), status == "needs_work")

    def test_each_says_its_base_and_period(self):
        self._sent(5, self.offer, delivered=600, silent=15)
        self._results(delivered=994, opted_out=12, undeliverable=6)
        self._promoted(3, 1)
        texts = {
            "opt_out_rate": "0.8% of 1,598 messages, last 30 days (limit 0.5%)",
            "invalid_numbers": "0.4% of 1,604 messages, last 30 days (limit 2.5%)",
            "undelivered": "0.9% of 1,609 messages, last 30 days (limit 2.5%)",
            "opt_ins": "3 of 4 recipients of promotions, last 30 days",
            "frequency_cap": "2 promotions per person in 7 days",
            "quiet_hours": "21:00 to 9:00, recipient's time",
            "pilot_batch": "On",
            "quality_rating": "High",
        }
        self._count()
        for key, text in texts.items():
            with self.subTest(key):
                self.assertEqual(self._line(key)["detail"], text)

    def test_a_rate_just_above_its_limit_differs_from_it(self):
        self._results(delivered=5655, opted_out=30)
        self.assertEqual(
            self._line("opt_out_rate")["detail"],
            "0.53% of 5,655 messages, last 30 days (limit 0.5%)",
        )

    def test_needs_work_comes_first(self):
        self.sender.alert_email = False
        lines = self.sender.with_user(self.manager)._requirements(self.now)
        self.assertEqual(lines[0]["status"], "needs_work")
        statuses = [line["status"] for line in lines]
        self.assertEqual(
            statuses, sorted(statuses, key=["needs_work", "unknown", "compliant"].index)
        )

    def test_every_fix_opens_for_its_user(self):
        """Settings are an administrator's: a manager is told so instead of getting a button."""
        cases = {key: statuses["needs_work"] for key, statuses in self._cases().items()}
        for key, begin in cases.items():
            with self._case(key):
                begin()
                fix = self._line(key)["fix"]
                action = fix["action"]
                if key in ("frequency_cap", "quiet_hours"):
                    self.assertFalse(action)
                    admin = self._line(key, user=self.env.ref("base.user_admin"))["fix"]["action"]
                    self.assertEqual(admin["res_model"], "res.config.settings")
                elif fix["anchor"]:
                    self.assertEqual(fix["anchor"], "waba_suspects")
                elif action.get("res_id"):
                    record = self.env[action["res_model"]].with_user(self.manager)
                    self.assertTrue(record.browse(action["res_id"]).display_name)
                elif action["type"] == "ir.actions.act_window":
                    records = self.env[action["res_model"]].with_user(self.manager)
                    self.assertTrue(records.search(action["domain"]))
                else:
                    self.assertIn(action["type"], ("ir.actions.client", "ir.actions.act_url"))

    def test_several_numbers_are_judged_together(self):
        both = self.sender | self.sender_mx
        self.sender_mx.canary = False
        line = self._line("pilot_batch", senders=both)
        self.assertEqual((line["status"], line["detail"]), ("needs_work", "On for 1 of 2 numbers"))
        self.assertEqual(line["fix"]["action"]["res_id"], self.sender_mx.id)
        self.assertEqual(self._line("pilot_batch")["status"], "compliant")

    def test_without_a_number_there_are_none(self):
        self.assertEqual(self.env["waba.sender"]._requirements(self.now), [])
