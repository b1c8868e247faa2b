"""Conversions: one event per lead and fact, with consent, repeated safely, cancelled in time."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from psycopg2 import IntegrityError

from .test_ad import AdCase


class ConversionCase(AdCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new, cls.middle, cls.won = cls.env["crm.stage"].create(
            [
                {"name": "New", "sequence": 51},
                {"name": "Qualified", "sequence": 52},
                {"name": "Won", "sequence": 53, "is_won": True},
            ]
        )
        cls.env.company.waba_conversion_consent = "no_opt_out"

    def setUp(self):
        super().setUp()
        self.account.action_create_dataset()
        self.account.write({"conversions_on": True, "qualified_stage_id": self.middle.id})

    def _lead_of_ad(self, **values):
        lead = self._click(**values)._get_record()
        lead.write({"stage_id": self.new.id, "expected_revenue": 1200.0})
        return lead

    def _send(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_conversions"))

    def _events(self):
        return self.simulator.get("conversions")["events"]

    def _row(self, lead, kind):
        return self.env["waba.conversion"].search([("lead_id", "=", lead.id), ("kind", "=", kind)])


class TestEvents(ConversionCase):
    def test_qualified_and_won_are_one_event_each(self):
        lead = self._lead_of_ad(click="Af-sale")
        self._send()
        self.assertFalse(self._events())
        lead.stage_id = self.middle
        self._send()
        lead.stage_id = self.won
        for _time in range(3):
            self._send()
            lead.write({"probability": 100})
        events = self._events()
        self.assertEqual([e["event_name"] for e in events], ["QualifiedLead", "Purchase"])
        self.assertEqual({e["ctwa_clid"] for e in events}, {"Af-sale"})
        self.assertEqual(events[0]["custom_data"], {})
        self.assertEqual(events[1]["custom_data"]["value"], 1200.0)
        self.assertEqual(events[1]["custom_data"]["currency"], self.env.company.currency_id.name)
        self.assertEqual(len({e["event_id"] for e in events}), 2)
        row = self._row(lead, "won")
        self.assertEqual((row.state, row.attempt_count), ("sent", 1))

    def test_a_lead_that_is_won_at_once_was_qualified(self):
        lead = self._lead_of_ad()
        lead.action_set_won()
        self._send()
        self.assertEqual(
            sorted(e["event_name"] for e in self._events()), ["Purchase", "QualifiedLead"]
        )

    def test_without_click_or_setting_there_is_none(self):
        self._lead("+34600777888").action_set_won()
        status_ad = self._lead_of_ad(number="+34600777999", referral={"ctwa_clid": None})
        status_ad.action_set_won()
        self.account.conversions_on = False
        self._lead_of_ad().action_set_won()
        self.assertFalse(self.env["waba.conversion"].search([]))

    def test_the_database_keeps_it_to_one(self):
        lead = self._lead_of_ad()
        lead.action_set_won()
        row = self._row(lead, "won")
        for values in ({}, {"lead_id": False}):
            with self.assertRaises(IntegrityError), self.env.cr.savepoint():
                row.copy(
                    {"lead_id": lead.id, "ctwa_clid": row.ctwa_clid, "event_uid": "x", **values}
                )
                self.env.flush_all()

    def test_a_merge_reports_nothing_again(self):
        lead = self._lead_of_ad()
        lead.action_set_won()
        self._send()
        other = self._lead("+34600999888", probability=50)
        merged = (lead | other).with_user(self.manager)._merge_opportunity()
        merged.sudo().stage_id = self.middle
        merged.sudo().stage_id = self.won
        self._send()
        names = [e["event_name"] for e in self._events()]
        self.assertEqual(names.count("Purchase"), 1)

    def test_another_name_for_qualified(self):
        self.account.qualified_event = "LeadSubmitted"
        self._lead_of_ad().stage_id = self.middle
        self._send()
        self.assertEqual([e["event_name"] for e in self._events()], ["LeadSubmitted"])


class TestUndone(ConversionCase):
    def test_before_it_is_sent_it_is_cancelled_and_may_come_back(self):
        lead = self._lead_of_ad()
        lead.stage_id = self.won
        lead.stage_id = self.new
        row = self._row(lead, "won")
        self.assertEqual((row.state, row.cancel_cause), ("cancelled", "undone"))
        self._send()
        self.assertFalse(self._events())
        lead.stage_id = self.won
        self.assertEqual(row.state, "queued")
        self._send()
        self.assertEqual(len(self._events()), 2)

    def test_afterwards_meta_is_told_that_the_order_was_cancelled(self):
        lead = self._lead_of_ad()
        lead.stage_id = self.won
        self._send()
        lead.stage_id = self.middle
        self._send()
        lead.stage_id = self.won
        lead.stage_id = self.new
        self._send()
        names = [e["event_name"] for e in self._events()]
        self.assertEqual(sorted(names), ["OrderCanceled", "Purchase", "QualifiedLead"])
        orders = {e["custom_data"].get("order_id") for e in self._events()} - {None}
        self.assertEqual(orders, {f"lead-{lead.id}"})

    def test_a_win_that_meta_refused_is_not_taken_back(self):
        lead = self._lead_of_ad()
        lead.stage_id = self.won
        row = self._row(lead, "won")
        row.write({"state": "failed", "attempt_count": 1})
        lead.stage_id = self.new
        self.assertEqual(row.state, "cancelled")
        self.assertFalse(self._row(lead, "unwon"))

    def test_a_lost_lead_stays_qualified(self):
        lead = self._lead_of_ad()
        lead.stage_id = self.middle
        lead.action_set_lost()
        self._send()
        self.assertEqual([e["event_name"] for e in self._events()], ["QualifiedLead"])


class TestConsent(ConversionCase):
    def _won(self, **values):
        lead = self._lead_of_ad(**values)
        lead.action_set_won()
        return lead, self._row(lead, "won")

    def test_the_company_decides_what_counts(self):
        self.env.company.waba_conversion_consent = "opted_in"
        _lead, row = self._won()
        self._send()
        self.assertEqual((row.state, row.cancel_cause), ("cancelled", "no_consent"))
        _lead, row = self._won(number="+34600111444")
        row.recipient_id._set_marketing_state("opted_in", "form", "Form")
        self._send()
        self.assertEqual(row.state, "sent")

    def test_an_opt_out_cancels_what_is_not_sent(self):
        _lead, row = self._won()
        row.recipient_id._set_marketing_state("opted_out", "reply", "BAJA")
        self.assertEqual((row.state, row.cancel_cause), ("cancelled", "opted_out"))
        self._send()
        self.assertFalse(self._events())

    def test_an_opt_out_of_one_topic_cancels_nothing(self):
        _lead, row = self._won()
        topic = self.env["waba.topic"].create({"name": "News"})
        row.recipient_id._set_consent("marketing", "opt_out", "reply", "No news", topic=topic)
        self.assertEqual(row.state, "queued")

    def test_the_event_follows_the_person(self):
        """Known by their user id first, and by their number later."""
        self.simulator.post("behaviour", people=[{"number": "+34600111555", "hide_number": True}])
        _lead, row = self._won(number="+34600111555")
        hidden = row.recipient_id
        self.assertFalse(hidden.number)
        known = self.env["waba.recipient"]._find_or_create_person(
            self.portfolio, "+34600111555", hidden.user_uid, "Ana"
        )
        self.assertEqual(row.recipient_id, known)
        known._set_marketing_state("opted_out", "reply", "BAJA")
        self.assertEqual(row.cancel_cause, "opted_out")

    def test_an_erasure_cancels_and_clears(self):
        lead, row = self._won()
        person = row.recipient_id
        data = person._export_data(self.env.company)
        self.assertEqual(
            {one["event_name"] for one in data["conversions"]}, {"QualifiedLead", "Purchase"}
        )
        self.assertTrue(data["conversations"][0]["ctwa_clid"])
        person._erase_personal_data(self.env.company)
        self.assertEqual(
            (row.state, row.cancel_cause, row.ctwa_clid), ("cancelled", "erased", False)
        )
        self.assertFalse(lead.waba_ctwa_clid)
        conversation = self.env["waba.conversation"].search([("recipient_id", "=", person.id)])
        self.assertFalse(conversation.ctwa_clid)
        self._send()
        self.assertFalse(self._events())


class TestSending(ConversionCase):
    def _queued(self):
        lead = self._lead_of_ad()
        self.account.qualified_stage_id = False
        lead.action_set_won()
        return lead, self._row(lead, "won")

    def _due(self, row):
        row.retry_at = fields.Datetime.now()

    def test_an_answer_that_is_lost_is_counted_once(self):
        _lead, row = self._queued()
        self.simulator.post("faults", kind="reset", when="after", count=2, endpoint="events")
        for _time in range(3):
            self._due(row)
            self._send()
        self.assertEqual((row.state, row.attempt_count), ("sent", 3))
        self.assertEqual([e["is_duplicate"] for e in self._events()], [False, True, True])
        self.assertEqual(len({e["event_id"] for e in self._events()}), 1)

    def test_no_longer_than_meta_recognises_a_repetition(self):
        _lead, row = self._queued()
        self.simulator.post("faults", kind="reset", when="after", count=1, endpoint="events")
        self._send()
        self.assertTrue(row.is_unknown)
        row.first_attempt_at -= timedelta(hours=49)
        self._due(row)
        self._send()
        self.assertEqual(row.state, "failed")
        self.assertIn("Unconfirmed", row.reason)
        with self.assertRaises(UserError):
            row.action_send_again()
        self.assertEqual(len(self._events()), 1)

    def test_old_events_are_not_sent(self):
        _lead, row = self._queued()
        row.event_at -= timedelta(days=8)
        self._send()
        self.assertEqual((row.state, row.cancel_cause), ("cancelled", "too_old"))

    def test_refusals_say_what_to_do(self):
        for change, words in (
            (lambda row: row.write({"ctwa_clid": "unknown"}), "ad click"),
            (lambda row: row.write({"event_name": "Lead"}), "event name"),
            (lambda row: row.account_id.write({"dataset_uid": "123"}), "dataset 123"),
            (
                lambda row: self.simulator.post("token", token="SIM-TOKEN", valid=False),
                "access token",
            ),
        ):
            lead = self._lead_of_ad(number=f"+3460033{len(words):04d}")
            lead.action_set_won()
            row = self._row(lead, "won")
            change(row)
            self._send()
            self.assertEqual(row.state, "failed", words)
            self.assertIn(words, row.reason)
            self.simulator.post("token", token="SIM-TOKEN", valid=True)

    def test_send_again(self):
        _lead, row = self._queued()
        uid = self.account.dataset_uid
        self.account.dataset_uid = "123"
        self._send()
        self.account.dataset_uid = uid
        row.with_user(self.manager).action_send_again()
        self._send()
        self.assertEqual(row.state, "sent")
        with self.assertRaises(UserError):
            row.action_send_again()
        with self.assertRaises(AccessError):
            row.with_user(self.salesperson).action_send_again()

    def test_a_copy_sends_nothing(self):
        _lead, row = self._queued()
        self.account._record_home_database()
        self.account.home = {**self.account.home, "name": "original"}
        self._send()
        self.assertEqual(row.state, "queued")
        self.assertTrue(row.reason)
        self.assertFalse(self._events())

    def test_the_value_is_that_of_the_first_attempt(self):
        lead, row = self._queued()
        lead.expected_revenue = 2500
        self._send()
        self.assertEqual((row.value, self._events()[0]["custom_data"]["value"]), (2500, 2500))

    def test_a_deleted_lead_is_not_reported(self):
        lead, row = self._queued()
        lead.unlink()
        self._send()
        self.assertEqual((row.state, row.cancel_cause), ("cancelled", "gone"))


class TestSetup(ConversionCase):
    def test_the_dataset_is_the_accounts_own(self):
        uid = self.account.dataset_uid
        self.account.conversions_on = False
        self.account.dataset_uid = False
        self.account.action_create_dataset()
        self.assertEqual(self.account.dataset_uid, uid)
        with self.assertRaises(ValidationError):
            self.account.dataset_uid = "abc"
        with self.assertRaises(ValidationError):
            self.account.write({"conversions_on": True, "dataset_uid": False})

    def test_the_test_event_counts_nothing(self):
        found = self.account.action_test_conversion()
        self.assertEqual(found["params"]["type"], "success")
        self.assertFalse(self._events())
        self.account.dataset_uid = "123"
        with self.assertRaisesRegex(UserError, "dataset 123"):
            self.account.action_test_conversion()
        with self.assertRaises(AccessError):
            self.account.with_user(self.manager).action_test_conversion()

    def test_the_report(self):
        won, lost = self._lead_of_ad(), self._lead_of_ad(number="+34600111444")
        self._lead_of_ad(number="+34600111555")
        won.stage_id = self.won
        lost.action_set_lost()
        self.env.flush_all()
        [(ad, *figures)] = self.env["waba.ad.report"]._read_group(
            [], ["ad_id"],
            ["conversation_count:sum", "lead_count:sum", "qualified_count:sum", "won_count:sum",
             "revenue:sum", "won_rate:avg"],
        )  # fmt: skip
        self.assertEqual(ad, won.waba_ad_id)
        self.assertEqual(figures[:5], [3, 3, 1, 1, 1200.0])
        self.assertAlmostEqual(figures[5], 1 / 3)
        self.account.qualified_stage_id = False
        self.env.flush_all()
        [(unknown,)] = self.env["waba.ad.report"]._read_group([], [], ["qualified_count:sum"])
        self.assertFalse(unknown)
