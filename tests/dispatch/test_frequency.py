"""How many promotions one person gets, over all campaigns, numbers and portfolios."""

from datetime import timedelta

from odoo import fields
from odoo.tests import TransactionCase
from psycopg2.errors import SerializationFailure

from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ...models.tools.moments import format_moment
from .test_message_direct import ANA, DirectCase, committed_world


class FrequencyCase(DirectCase):
    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.company.partner_id.tz = "UTC"
        self.company.write({"waba_frequency_count": 2, "waba_frequency_days": 7})

    def _promoted(self, days_ago, number=ANA, **values):
        """A promotion that left so many days ago."""
        left_at = fields.Datetime.now() - timedelta(days=days_ago)
        return self._message(
            number,
            **{"origin": "campaign", "promoted_at": left_at, "accepted_at": left_at, **values},
        )


class TestCampaigns(FrequencyCase):
    def test_who_had_enough_is_left_out_with_the_rule_and_the_dates(self):
        self._promoted(1)
        self._promoted(3)
        leads = self._lead(ANA) | self._leads(1)
        campaign = self._launch(leads)
        row = self._rows(campaign, "skipped")
        self.assertEqual(row.failure_type, "frequency")
        self.assertEqual(row.number, ANA)
        self.assertIn("at most 2 in 7 days", row.failure_reason)
        for promoted in self.env["waba.message"].search(
            [("recipient_id", "=", row.recipient_id.id)]
        ):
            if promoted != row:
                left_at = format_moment(self.env, promoted.promoted_at, tz="UTC")
                self.assertIn(left_at, row.failure_reason)
        self.assertEqual(campaign.sent_count, 1)

    def test_what_counts(self):
        cases = [
            # the second promotion, left out
            ({}, True),
            ({"state": "failed"}, False),
            ({"state": "queued"}, False),
            ({"state": "uncertain"}, True),
            ({"sender_id": self.sender_mx.id}, True),
            ({"days_ago": 6.99}, True),
            ({"days_ago": 7}, False),
            ({"number": "+34611000002"}, False),
            ({"promoted_at": False}, False),
        ]
        for values, left_out in cases:
            with self._case(str(values)):
                self._promoted(3)
                self._promoted(**{"days_ago": 1, **values})
                campaign = self._campaign(self._lead(ANA))
                campaign._start_launch()
                self._prepare()
                state = self._rows(campaign).state
                self.assertEqual(state, "skipped" if left_out else "queued")

    def test_another_company_counts_for_itself(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._promoted(1, company_id=other.id)
        self._promoted(3, company_id=other.id)
        self.assertEqual(self._launch(self._lead(ANA)).sent_count, 1)

    def test_service_messages_are_no_promotions(self):
        self._promoted(1)
        self._promoted(3)
        campaign = self._launch(self._lead(ANA), template_id=self.utility_template.id)
        self.assertEqual(campaign.sent_count, 1)
        self.assertFalse(self._rows(campaign).promoted_at)

    def test_no_rule(self):
        for values in ({"waba_frequency_count": 0}, {"waba_frequency_days": 0}):
            with self._case(str(values)):
                self.company.write(values)
                for days in (1, 2, 3):
                    self._promoted(days)
                self.assertEqual(self._launch(self._lead(ANA)).sent_count, 1)

    def test_what_leaves_is_counted(self):
        with self._moving_clock() as move:
            lead = self._lead(ANA)
            for _number in range(2):
                self.assertEqual(self._launch(lead).sent_count, 1)
                move(60)
            third = self._launch(lead)
            self.assertEqual(self._rows(third).failure_type, "frequency")
            self.assertEqual(third.state, "done")

    def test_two_campaigns_prepared_at_the_same_time_do_not_both_send(self):
        self._promoted(1)
        lead = self._lead(ANA)
        with self._moving_clock() as move:
            campaigns = self._campaign(lead) | self._campaign(lead)
            campaigns.action_launch()
            self._prepare()
            self.assertEqual(campaigns.mapped("queued_count"), [1, 1])
            self._dispatch()
            move(60)
            self._dispatch()
        self.assertEqual(sorted(campaigns.mapped("sent_count")), [0, 1])
        late = campaigns.filtered("skipped_count")
        self.assertIn("at most 2 in 7 days", self._rows(late).failure_reason)
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_who_was_left_out_may_be_written_to_when_the_time_is_over(self):
        self._promoted(1)
        self._promoted(3)
        with self._moving_clock() as move:
            campaign = self._launch(self._lead(ANA))
            row = self._rows(campaign)
            self.assertEqual(campaign.retryable_count, 0)
            self.assertFalse(row.action_retry())
            move(4 * 86400 + 60)
            campaign.invalidate_recordset()
            self.assertEqual(campaign.retryable_count, 1)
            campaign.action_retry_failed()
            self._dispatch()
            self.assertEqual((row.state, campaign.state), ("accepted", "done"))

    def test_what_was_left_out_for_another_reason_stays_left_out(self):
        campaign = self._launch(self._lead("+34 12"))
        self.assertFalse(self._rows(campaign).action_retry())
        self.assertEqual(self._rows(campaign).state, "skipped")


class TestDirect(FrequencyCase):
    def setUp(self):
        super().setUp()
        self.first = self._promoted(3)
        self._promoted(1)
        self.free_at = self.first.promoted_at + timedelta(days=7)
        self.lead = self._lead(ANA)

    def test_follow_ups_and_automation_wait_and_whoever_asks_in_person_is_told(self):
        cases = [
            # origin, state, why
            ("sequence", "queued", "frequency"),
            ("action", "queued", "frequency"),
            ("manual", "skipped", "frequency"),
            ("reply", "skipped", "frequency"),
            ("test", "queued", False),
        ]
        for origin, state, why in cases:
            with self.subTest(origin):
                row = self._queue(self.lead, origin=origin, template=self.template)
                self.assertEqual(row.state, state)
                self.assertEqual(row.failure_type if state == "skipped" else row.wait_reason, why)
                if why:
                    self.assertEqual(row.retry_at, self.free_at)
                if state == "skipped":
                    self.assertIn("at most 2 in 7 days", row.failure_reason)

    def test_service_messages_go_at_once(self):
        row = self._queue(self.lead)
        self.assertFalse(row.wait_reason)
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_a_follow_up_goes_when_the_cap_frees(self):
        with self._moving_clock() as move:
            row = self._queue(self.lead, template=self.template)
            self._dispatch()
            self.assertIn(self.free_at, self._alarms())
            self.assertEqual(self.simulator.sends(), [])
            move((self.free_at - fields.Datetime.now()).total_seconds() + 5)
            self._dispatch()
        self.assertEqual((row.state, row.wait_reason), ("accepted", False))
        self.assertTrue(row.promoted_at)

    def test_what_was_queued_in_time_is_asked_again(self):
        with self._moving_clock():
            self.company.waba_frequency_count = 0
            rows = self._queue(self.lead, template=self.template)
            rows |= self._queue(self.lead, origin="manual", template=self.template)
            self.company.waba_frequency_count = 2
            self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(rows.mapped("state"), ["queued", "skipped"])
        self.assertEqual((rows[0].wait_reason, rows[0].retry_at), ("frequency", self.free_at))

    def test_it_then_keeps_to_the_persons_hours(self):
        """The cap frees at night."""
        self.lead.partner_id = self.env["res.partner"].create({"name": "A", "tz": "UTC"})
        hour = self.free_at.hour
        self.company.write(
            {
                "waba_quiet_hours": True,
                "waba_quiet_from": (hour - 1) % 24,
                "waba_quiet_until": (hour + 2) % 24,
            }
        )
        row = self._queue(self.lead, template=self.template)
        morning = self.free_at.replace(minute=0, second=0) + timedelta(hours=2)
        self.assertEqual((row.retry_at, row.wait_reason), (morning, "frequency"))

    def test_a_looser_rule_is_heard_at_once(self):
        row = self._queue(self.lead, template=self.template)
        self.company.waba_frequency_count = 3
        self.assertLessEqual(row.retry_at, fields.Datetime.now())
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_someone_without_a_number_is_counted_too(self):
        person = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "user_uid": "ES.9A1B2C", "name": "Eva"}
        )
        for days in (1, 3):
            self._promoted(days, recipient_id=person.id, number=False)
        row = self._queue(person, template=self.template)
        self.assertEqual(row.wait_reason, "frequency")

    def test_whoever_looks_at_the_person_sees_when_the_next_may_go(self):
        self.assertEqual(self.lead.waba_promotion_answer, "later")
        self.assertIn("Frequency cap reached", self.lead.waba_promotion_why)
        self.assertEqual(self.lead.waba_service_answer, "unasked")

    def test_impossible_rules_are_refused(self):
        for values in ({"waba_frequency_count": -1}, {"waba_frequency_days": 400}):
            with self._case(str(values)), self.assertRaises(Exception) as caught:
                self.company.write(values)
                self.env.flush_all()
            self.assertIn("frequency", str(caught.exception))


class TestTwoPortfolios(TransactionCase):
    """In real transactions: two numbers of two portfolios reserve at the same moment."""

    RULES = {
        "waba_quiet_hours": False,
        "waba_frequency_count": 1,
        "waba_frequency_days": 7,
        "waba_same_template_hours": 0,
    }

    def _queue_in(self, cursor, ids):
        env = self.env(cr=cursor)
        row = env["waba.message"]._queue_direct(
            env["waba.sender"].browse(ids["waba.sender"]),
            env["waba.recipient"].browse(ids["waba.recipient"]),
            origin="manual",
            template=env["waba.template"].browse(ids["waba.template"]),
        )
        self.assertEqual(row.state, "queued", row.failure_reason)

    def _reserve_in(self, cursor, ids):
        sender = self.env(cr=cursor)["waba.sender"].browse(ids["waba.sender"])
        self.assertFalse(sender._not_sending_reason())
        run = DispatchRun(type("Pool", (), {"pending": 0})(), 80, sender.run_count)
        jobs, _left_out = sender._reserve_rows(5, run)
        return len(jobs)

    def _race(self, **rules):
        """(what the first reserved, what the second did, perhaps after it was refused once)."""
        with committed_world(self, 2, **{**self.RULES, **rules}) as (open_cursor, worlds):
            cursor = open_cursor()
            for ids in worlds:
                self._queue_in(cursor, ids)
            cursor.commit()
            first, second = open_cursor(), open_cursor()
            second.execute("SELECT 1 FROM waba_message LIMIT 1")
            reserved = self._reserve_in(first, worlds[0])
            first.commit()
            try:
                return reserved, self._reserve_in(second, worlds[1]), False
            except SerializationFailure:
                second.rollback()
                return reserved, self._reserve_in(second, worlds[1]), True

    def test_one_of_them_sends(self):
        self.assertEqual(self._race(), (1, 0, True))

    def test_without_a_rule_neither_waits_for_the_other(self):
        self.assertEqual(self._race(waba_frequency_count=0), (1, 1, False))

    def test_a_rule_that_lets_both_send(self):
        self.assertEqual(self._race(waba_frequency_count=2), (1, 1, True))
