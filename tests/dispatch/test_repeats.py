"""One template to one person at most once in so many hours, from any origin."""

from datetime import timedelta

from odoo import fields
from odoo.tests import TransactionCase
from psycopg2.errors import SerializationFailure

from ...models.dispatch.waba_sender_dispatch import DispatchRun
from .test_message_direct import ANA, DirectCase, committed_world


class RepeatCase(DirectCase):
    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.company.partner_id.tz = "UTC"
        self.company.waba_same_template_hours = 24
        self.lead = self._lead(ANA)

    def _left(self, hours_ago=1, number=ANA, **values):
        """A message with the utility template that left so many hours ago."""
        left_at = fields.Datetime.now() - timedelta(hours=hours_ago)
        return self._message(
            number,
            **{
                "origin": "campaign",
                "template_id": self.utility_template.id,
                "category": "utility",
                "template_left_at": left_at,
                "accepted_at": left_at,
                **values,
            },
        )

    def _assert_repeated(self, row):
        self.assertEqual((row.state, row.failure_type), ("skipped", "repeated"))


class TestWhatRepeats(RepeatCase):
    def _english(self):
        return self.utility_template.copy({"language": "en", "template_uid": "t-en"})

    def test_what_counts(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        other_template = self.utility_template.copy({"name": "other", "template_uid": "t-other"})
        spelled = "+521" + "5512345678"
        cases = [
            # (values of the earlier message, whether the next one is excluded)
            ({}, True),
            ({"hours_ago": 23.9}, True),
            ({"hours_ago": 24}, False),
            ({"origin": "sequence"}, True),
            ({"origin": "manual"}, True),
            ({"origin": "action"}, True),
            ({"origin": "reply"}, True),
            ({"template_id": self._english().id}, True),
            ({"template_id": other_template.id}, False),
            ({"sender_id": self.sender_mx.id}, True),
            ({"company_id": other.id}, False),
            ({"number": "+34611000002"}, False),
            ({"number": spelled}, False),
            ({"state": "uncertain"}, True),
            ({"state": "reserved"}, True),
            ({"state": "held"}, True),
            ({"state": "failed"}, False),
            ({"state": "skipped"}, False),
            ({"state": "cancelled"}, False),
            ({"state": "queued"}, False),
            # a test, or a message that never left
            ({"template_left_at": False}, False),
        ]
        for values, is_excluded in cases:
            with self._case(str(values)):
                self._left(**values)
                row = self._queue(self.lead)
                self.assertEqual(row.failure_type == "repeated", is_excluded)

    def test_every_origin_is_guarded_and_says_when_it_is_over(self):
        for origin in ("sequence", "manual"):
            with self._case(origin):
                before = self._left()
                row = self._queue(self.lead, origin=origin)
                self._assert_repeated(row)
                self.assertEqual(row.retry_at, before.template_left_at + timedelta(hours=24))
                self.assertIn("Not sent: same template sent recently: ", row.failure_reason)
                self.assertIn("(Campaign)", row.failure_reason)
        self._left()
        self.assertEqual(self._queue(self.lead, origin="test").state, "queued")

    def test_campaigns_too_and_they_can_be_retried_when_it_is_over(self):
        with self._moving_clock() as move:
            self._left()
            campaign = self._launch(self.lead, template_id=self.utility_template.id)
            row = self._rows(campaign)
            self._assert_repeated(row)
            self.assertFalse(campaign.retryable_count)
            campaign.action_retry_failed()
            self.assertEqual(row.state, "skipped")
            move(23 * 3600 + 60)
            campaign.invalidate_recordset()
            self.assertEqual(campaign.retryable_count, 1)
            campaign.action_retry_failed()
            self._dispatch()
            self.assertEqual(row.state, "accepted")

    def test_service_messages_about_events_repeat_only_with_the_same_values(self):
        for origin in ("action", "reply"):
            for same in (True, False):
                with self._case(f"{origin} {same}"):
                    row = self._queue(self.lead, origin=origin)
                    self.assertEqual(row.state, "queued")
                    self._left(parameters=row.parameters if same else {"body": ["another"]})
                    self._dispatch()
                    self.assertEqual(row.state, "skipped" if same else "accepted")

    def test_a_person_known_by_user_id_before_the_number_was_known(self):
        person = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "user_uid": "ES.9A1B2C", "name": "Eva"}
        )
        self._left(number=False, recipient_id=person.id)
        self._assert_repeated(self._queue(person))
        person.number = ANA
        self._assert_repeated(self._queue(self.lead))

    def test_another_spelling_of_the_number(self):
        number = "+525512345678"
        self._left(number=number, recipient_id=False).number = "+5215512345678"
        self._assert_repeated(self._queue(self._lead(number)))

    def test_no_rule(self):
        self.company.waba_same_template_hours = 0
        self._left()
        self.assertEqual(self._queue(self.lead).state, "queued")

    def test_impossible_rules_are_refused(self):
        for hours in (-1, 721):
            with self._case(str(hours)), self.assertRaises(Exception) as caught:
                self.company.waba_same_template_hours = hours
                self.env.flush_all()
            self.assertIn("same_template", str(caught.exception))


class TestReservation(RepeatCase):
    def test_of_two_queued_messages_one_leaves_and_the_other_says_why(self):
        for first, second in (("manual", "sequence"), ("sequence", "action"), ("action", "reply")):
            with self._case(f"{first}, {second}"), self._moving_clock() as move:
                rows = self._queue(self.lead, origin=first)
                rows |= self._queue(self.lead, origin=second)
                self.assertEqual(rows.mapped("state"), ["queued", "queued"])
                for _round in range(3):
                    self._dispatch()
                    move(60)
                self.assertEqual(sorted(rows.mapped("state")), ["accepted", "skipped"])
                self._assert_repeated(rows.filtered(lambda row: row.state == "skipped"))
                self.assertEqual(len(self.simulator.sends()), 1)

    def test_two_campaigns_and_two_numbers(self):
        with self._moving_clock() as move:
            campaigns = self._campaign(self.lead, template_id=self.utility_template.id)
            campaigns |= self._campaign(
                self.lead, template_id=self.utility_template.id, sender_id=self.sender_mx.id
            )
            for campaign in campaigns:
                campaign._start_launch()
            self._prepare()
            self.assertEqual(campaigns.mapped("queued_count"), [1, 1])
            for _round in range(2):
                self._dispatch(self.sender)
                self._dispatch(self.sender_mx)
                move(60)
            self.assertEqual(len(self.simulator.sends()), 1)
            self.assertEqual(sum(campaigns.mapped("skipped_count")), 1)

    def test_of_two_messages_in_one_batch_one_leaves(self):
        hand = {"origin": "manual", "may_repeat": True}
        for name, origins in (
            ("two campaigns", ("campaign", "campaign")),
            ("campaign and follow-up", ("campaign", "sequence")),
            ("by hand and campaign", (hand, "campaign")),
            ("two follow-ups", ("sequence", "sequence")),
            ("two automation rules", ("action", "action")),
        ):
            for people in ("one recipient", "two spellings", "two recipients"):
                with self._case(f"{name}, {people}"), self._moving_clock() as move:
                    rows = self._queue_pair(origins, self._pair_of_people(people))
                    self.assertEqual(self._reserve_once(), 1)
                    move(60)
                    self.assertEqual(self._reserve_once(), 0)
                    self.assertEqual(sorted(rows.mapped("state")), ["reserved", "skipped"])
                    self._assert_repeated(rows.filtered(lambda row: row.state == "skipped"))

    def _pair_of_people(self, name):
        """Two recipients, who may be one: [(recipient, number of the message)]."""
        canonical, spelled = "+525512345678", "+5215512345678"
        person = self._person(canonical)
        if name == "one recipient":
            return [(person, canonical)] * 2
        if name == "two spellings":
            return [(person, canonical), (person, spelled)]
        # The second one's number changed after the message was queued.
        return [(person, canonical), (self._person("+525587654321"), canonical)]

    def _queue_pair(self, origins, people):
        """Queue one message per origin, due now, to these people."""
        rows = self.env["waba.message"]
        for origin, (person, number) in zip(origins, people, strict=True):
            values = origin if isinstance(origin, dict) else {"origin": origin}
            if origin == "campaign":
                campaign = self._campaign(self.lead, template_id=self.utility_template.id)
                campaign.write({"state": "running"})
                values["campaign_id"] = campaign.id
            rows |= self._message(
                number,
                "queued",
                recipient_id=person.id,
                template_id=self.utility_template.id,
                category="utility",
                retry_at=fields.Datetime.now(),
                **values,
            )
        return rows

    def _reserve_once(self):
        run = DispatchRun(type("Pool", (), {"pending": 0})(), 80, self.sender.run_count)
        jobs, _dropped = self.sender._reserve_rows(10, run)
        return len(jobs)

    def test_a_retry_is_no_second_message(self):
        row = self._queue(self.lead)
        with self._moving_clock() as move:
            with self._fault(kind="error", code=131016):
                self._dispatch()
            self.assertEqual(row.state, "queued")
            self.assertTrue(row.template_left_at)
            move(3600)
            self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_what_leaves_counts_and_tests_do_not(self):
        test = self._queue(self.lead, origin="test")
        self._dispatch()
        self.assertEqual((test.state, test.template_left_at), ("accepted", False))
        with self._moving_clock() as move:
            move(60)
            row = self._queue(self.lead)
            self._dispatch()
            self.assertTrue(row.template_left_at)
            self._assert_repeated(self._queue(self.lead))

    def test_a_follow_up_continues_after_a_message_that_would_repeat(self):
        self._left()
        row = self._queue(self.lead)
        enrollment = self.env["waba.sequence.enrollment"].new({})
        enrollment.sequence_id = self.env["waba.sequence"].new({"when_not_sent": "stop"})
        self.assertTrue(enrollment._handle_unsent_message(row))


class TestByHand(RepeatCase):
    def _request(self, **values):
        return {
            "shown": ["crm.lead", self.lead.id],
            "sender_id": self.sender.id,
            "template_id": self.utility_template.id,
            **values,
        }

    def _conversations(self):
        return self.env["waba.conversation"].with_user(self.manager)

    def test_whoever_sends_by_hand_is_told_of_what_left_and_of_what_is_queued(self):
        for name, make in (
            ("left", self._left),
            ("queued", lambda: self._queue(self.lead, origin="sequence")),
        ):
            with self._case(name):
                make()
                shown = self._conversations().conversation_template(self._request())
                self.assertFalse(shown["problem"])
                self.assertIn("Same template sent recently", shown["repeat"])
                refused = self._conversations().conversation_send(self._request(key="one"))
                self.assertIn("Not sent: same template sent recently", refused["refused"])

    def test_they_may_send_it_again_knowingly_and_that_is_recorded(self):
        follow_up = self._queue(self.lead, origin="sequence")
        sent = self._conversations().conversation_send(self._request(key="two", may_repeat=True))
        self.assertFalse(sent["refused"])
        row = self.env["waba.message"].search([("origin_key", "=like", "manual/%/two")])
        self.assertTrue(row.may_repeat)
        self.assertEqual(row.user_id, self.manager)
        with self._moving_clock() as move:
            for _round in range(3):
                self._dispatch()
                move(60)
        self.assertEqual((row.state, follow_up.failure_type), ("accepted", "repeated"))

    def test_it_is_sent_again_after_one_that_left(self):
        self._left()
        self._conversations().conversation_send(self._request(key="three", may_repeat=True))
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_nothing_automated_may_be_sent_again_on_purpose(self):
        self._left()
        row = self._queue(self.lead, origin="sequence", may_repeat=True)
        self._assert_repeated(row)
        self.assertFalse(row.may_repeat)

    def test_other_rules_apply_to_what_is_sent_again(self):
        self._left()
        row = self._queue(self.lead, origin="manual", may_repeat=True)
        self.env["phone.blacklist"].create({"number": ANA})
        self._dispatch()
        self.assertEqual(row.failure_type, "blacklisted")


class TestTwoTransactions(TransactionCase):
    """Two numbers of two portfolios of one company reserve at the same moment."""

    RULES = {"waba_quiet_hours": False, "waba_frequency_count": 0, "waba_same_template_hours": 24}

    def _queue_in(self, cursor, ids):
        env = self.env(cr=cursor)
        row = env["waba.message"]._queue_direct(
            env["waba.sender"].browse(ids["waba.sender"]),
            env["waba.recipient"].browse(ids["waba.recipient"]),
            origin="action",
            template=env["waba.template"].browse(ids["waba.template"]),
        )
        self.assertEqual(row.state, "queued", row.failure_reason)

    def _reserve_in(self, cursor, ids):
        sender = self.env(cr=cursor)["waba.sender"].browse(ids["waba.sender"])
        run = DispatchRun(type("Pool", (), {"pending": 0})(), 80, sender.run_count)
        jobs, _excluded = sender._reserve_rows(5, run)
        return len(jobs)

    def test_one_of_them_sends(self):
        with committed_world(self, 2, **self.RULES) as (open_cursor, worlds):
            cursor = open_cursor()
            for ids in worlds:
                self._queue_in(cursor, ids)
            cursor.commit()
            first, second = open_cursor(), open_cursor()
            second.execute("SELECT 1 FROM waba_message LIMIT 1")
            self.assertEqual(self._reserve_in(first, worlds[0]), 1)
            first.commit()
            with self.assertRaises(SerializationFailure):
                self._reserve_in(second, worlds[1])
            second.rollback()
            self.assertEqual(self._reserve_in(second, worlds[1]), 0)
