"""Topics: what closes what, what opens what, and when an opt-in ends."""

from datetime import date, timedelta
from itertools import permutations

import psycopg2
from odoo.addons.waba_campaign.policy.eligibility import topic_consent
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .test_consent import NUMBER, ConsentCase


class TopicCase(ConsentCase):
    def setUp(self):
        super().setUp()
        self.offers, self.events = self.env["waba.topic"].create(
            [{"name": "Offers"}, {"name": "Events"}]
        )

    def _say(self, action, topic=None, hours_ago=0, source="form", **values):
        self._person()._set_consent(
            "marketing", action, source, "On the form at the shop",
            at=self.now - timedelta(hours=hours_ago), company=self.env.company, topic=topic,
            **values,
        )  # fmt: skip

    def _state(self, topic=None, person=None):
        """What sending reads about one topic."""
        person = person or self._person()
        general = person._consent_state("marketing", self.env.company)
        said = person._topic_states(topic) if topic else {}
        return topic_consent(general, said.get((topic.id, person.id)) if topic else None)

    def _states(self, person=None):
        return tuple(self._state(topic, person) for topic in (None, self.offers, self.events))


class TestTopicRules(TopicCase):
    """(what was said, oldest first) → (promotions without topic, Offers, Events)."""

    def test_each_statement_closes_and_opens_what_it_is_about(self):
        out, in_, no = "opted_out", "opted_in", "unknown"
        offers, foreign = self.offers, self._portfolio_elsewhere()
        table = {
            "an opt-out closes everything": ([("opt_out", None)], (out, out, out)),
            "an opt-out of a topic closes that one": ([("opt_out", offers)], (no, out, no)),
            "an opt-in covers the topics": ([("opt_in", None)], (in_, in_, in_)),
            "an opt-in does not open a closed topic": (
                [("opt_out", offers), ("opt_in", None)], (in_, out, in_)),
            "an opt-in to a topic opens no other": ([("opt_in", offers)], (no, in_, no)),
            "an opt-in to a topic after a stop opens that one": (
                [("opt_out", None), ("opt_in", offers)], (out, in_, out)),
            "a stop closes a topic that was chosen": (
                [("opt_in", offers), ("opt_out", None)], (out, out, out)),
            "a start opens what was not closed by itself": (
                [("opt_out", offers), ("opt_out", None), ("opt_in", None)], (in_, out, in_)),
            "an opt-in to a topic opens it again": (
                [("opt_out", offers), ("opt_in", offers)], (no, in_, no)),
        }  # fmt: skip
        for name, (said, expected) in table.items():
            for order in permutations(range(len(said))):
                with self._case(f"{name} {order}"):
                    elsewhere = self._person(portfolio=foreign)
                    for index in order:
                        action, topic = said[index]
                        self._say(action, topic, hours_ago=9 - index)
                    self.assertEqual(self._states(), expected)
                    self.assertEqual(self._states(elsewhere), expected)

    def test_meta_s_stop_closes_everything_and_its_resume_no_closed_topic(self):
        self._say("opt_out", self.offers, hours_ago=5)
        self._say("opt_in", self.events, hours_ago=5)
        self._prefer("stop", hours_ago=3)
        self.assertEqual(self._states(), ("opted_out",) * 3)
        self._prefer("resume", hours_ago=1)
        self.assertEqual(self._states(), ("opted_in", "opted_out", "opted_in"))

    def test_a_reply_stop_and_start(self):
        self._say("opt_out", self.offers, hours_ago=5)
        self._write("STOP", hours_ago=3)
        self.assertEqual(self._states(), ("opted_out",) * 3)
        self._write("START", hours_ago=1)
        self.assertEqual(self._states(), ("opted_in", "opted_out", "opted_in"))

    def test_two_statements_of_the_same_moment_the_later_recorded_counts(self):
        self._say("opt_out", self.offers)
        self._say("opt_in", self.offers)
        self.assertEqual(self._state(self.offers), "opted_in")
        self._say("opt_out", self.offers, source="person")
        self.assertEqual(self._state(self.offers), "opted_out")

    def test_a_row_made_later_knows_the_topics(self):
        self._say("opt_out", self.offers)
        self._say("opt_in", self.events)
        later = self._person(portfolio=self._portfolio_elsewhere())
        self.assertEqual(self._states(later)[1:], ("opted_out", "opted_in"))

    def test_the_person_s_topics_follow_them_to_a_new_row(self):
        self._say("opt_out", self.offers, hours_ago=3)
        person = self._person()
        other = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "user_uid": "ES.1"}
        )
        other._set_consent(
            "marketing", "opt_out", "form", "no", company=self.env.company, topic=self.events
        )
        person._merge_recipient(other)
        self.assertEqual(self._states(), ("unknown", "opted_out", "opted_out"))

    def test_closing_a_topic_is_no_opt_out_of_promotions(self):
        self.env.company.waba_feed_blacklist = True
        self._say("opt_out", self.offers)
        self.assertEqual(self._person().marketing_state, "unknown")
        self.assertFalse(self.env["phone.blacklist"].search([("number", "=", NUMBER)]))
        self.assertFalse(self._person()._has_newer_consent(self.now - timedelta(days=1)))

    def test_a_topic_with_entries_stays_with_its_company(self):
        self._say("opt_out", self.offers)
        other = self.env["res.company"].create({"name": "Other"})
        self.events.company_id = other
        with self.assertRaises(UserError):
            self.offers.company_id = other

    def test_the_suggested_topics_are_made_on_request(self):
        topics = self.env["waba.topic"].with_user(self.manager)
        for _user in range(2):  # two press the button of the empty list
            topics.action_create_suggested()
        self.assertEqual(topics.search([]).mapped("name").count("News"), 1)

    def _refused(self):
        return self.assertRaisesRegex(psycopg2.Error, "never changed")

    def test_the_log_of_topics_is_append_only_too(self):
        self._say("opt_in", self.offers)
        entry = self.env["waba.consent"].search([("topic_id", "=", self.offers.id)])
        self.assertTrue(entry)
        for column, value in (("topic_id", self.events.id), ("valid_until", date(2030, 1, 1))):
            with self.subTest(column), self._refused(), self.cr.savepoint():
                self.env.cr.execute(
                    SQL("UPDATE waba_consent SET %s = %s WHERE id = %s",
                        SQL.identifier(column), value, entry.id)
                )  # fmt: skip


class TestConsentThatEnds(TopicCase):
    def test_an_expired_opt_in_counts_as_none(self):
        yesterday = date.today() - timedelta(days=1)
        for said, expected in {
            (("opt_in", False, yesterday),): "unknown",
            (("opt_in", False, date.today()),): "opted_in",
            (("opt_out", False, None), ("opt_in", False, yesterday)): "opted_out",
            (("opt_in", False, None), ("opt_in", True, yesterday)): "opted_in",
            (("opt_out", True, None), ("opt_in", True, yesterday)): "opted_out",
            (("opt_out", True, None), ("opt_in", True, False)): "opted_in",
        }.items():
            with self._case(str(said)):
                for index, (action, about, until) in enumerate(said):
                    self._say(
                        action, self.offers if about else None, hours_ago=9 - index,
                        valid_until=until,
                    )  # fmt: skip
                self.assertEqual(self._state(self.offers), expected)

    def test_the_company_s_months_apply_to_new_opt_ins(self):
        self._say("opt_in", hours_ago=30)
        self.assertFalse(self._person().consent_ends_on)
        self.env.company.waba_consent_months = 12
        self._say("opt_in")
        person = self._person()
        self.assertGreater(person.consent_ends_on, date.today() + timedelta(days=360))
        self._say("opt_out")
        self.assertFalse(self._person().consent_ends_on)

    def test_the_job_refreshes_the_state_on_screens(self):
        self._say("opt_in", valid_until=date.today() + timedelta(days=10))
        person = self._person()
        self.assertEqual(person.marketing_state, "opted_in")
        soon = [("consent_ends_on", "<=", date.today() + timedelta(days=30))]
        self.assertIn(person, self.env["waba.recipient"].search(soon))
        self.env.cr.execute("UPDATE waba_opt_in SET valid_until = '2020-01-01'")
        self.env["waba.recipient"]._cron_end_consent()
        self.assertEqual(person.marketing_state, "unknown")
        self.assertNotIn(person, self.env["waba.recipient"].search(soon))

    def test_an_opt_in_that_ended_is_not_brought_back_by_an_older_one(self):
        self._say("opt_in", hours_ago=9)
        person = self._person()
        person._end_opt_in(self.env.company, "No answer")
        self.assertEqual(self._state(), "unknown")
        self._say("opt_in", hours_ago=5)
        self.assertEqual(self._state(), "unknown")
        self.now += timedelta(hours=1)
        self._say("opt_in")
        self.assertEqual(self._state(), "opted_in")
        actions = person.consent_ids.sorted("id").mapped("action")
        self.assertEqual(actions, ["opt_in", "ended", "opt_in", "opt_in"])


class TestTopicsWhenSending(TopicCase):
    """Checked when a message is queued, and again in the transaction that reserves it."""

    def setUp(self):
        super().setUp()
        self.env.company.write({"waba_frequency_count": 0, "waba_same_template_hours": 0})

    def _campaign_about(self, topic, leads):
        campaign = self._campaign(leads, topic_id=topic.id if topic else False)
        campaign._start_launch()
        self._prepare()
        return campaign

    def _reason(self, campaign):
        row = self._rows(campaign)
        return row.state, row.failure_type or None

    def test_a_topic_closed_before_the_launch_is_excluded_when_queued(self):
        lead = self._lead(NUMBER)
        self._say("opt_out", self.offers)
        out = self._campaign_about(self.offers, lead)
        self.assertEqual(self._reason(out), ("skipped", "topic_closed"))
        self.assertIn("opted out of the topic on", self._rows(out).failure_reason)
        for topic in (self.events, None):
            campaign = self._campaign_about(topic, lead)
            self.assertEqual(self._reason(campaign)[0], "queued")
            self.assertEqual(self._rows(campaign).topic_id, topic or self.env["waba.topic"])

    def test_a_topic_closed_between_queue_and_reservation_is_not_sent(self):
        for topic, expected in ((self.offers, "skipped"), (self.events, "accepted")):
            with self._case(topic.name):
                campaign = self._campaign_about(topic, self._lead(NUMBER))
                self.assertEqual(self._reason(campaign)[0], "queued")
                self._say("opt_out", self.offers)
                self._dispatch()
                self.assertEqual(self._reason(campaign)[0], expected)

    def test_an_opt_in_that_ends_between_queue_and_reservation_counts_no_more(self):
        self.env.company.waba_opt_in_required = True
        self._say("opt_in", self.offers, valid_until=date.today())
        campaign = self._campaign_about(self.offers, self._lead(NUMBER))
        self.assertEqual(self._reason(campaign)[0], "queued")
        self.env.cr.execute("UPDATE waba_topic_state SET valid_until = valid_until - 1")
        self._dispatch()
        self.assertEqual(self._reason(campaign), ("skipped", "no_opt_in"))

    def test_a_template_s_topic_is_that_of_what_is_sent_with_it(self):
        self.template.topic_id = self.offers
        lead = self._lead(NUMBER)
        campaign = self._campaign(lead)
        self.assertEqual(campaign.topic_id, self.offers)
        self._say("opt_out", self.offers)
        for topic, state in ((None, "skipped"), (self.events, "queued")):
            row = self.env["waba.message"]._queue_direct(
                self.sender, lead, origin="action", template=self.template, topic=topic,
                variables=campaign.variable_ids,
            )  # fmt: skip
            self.assertEqual(row.state, state, row.failure_reason)

    def test_a_number_that_replaced_one_with_a_closed_topic_waits_for_that_topic(self):
        lead = self._lead(NUMBER)
        self._say("opt_out", self.offers)
        lead.phone = "+34 611 00 00 77"
        out = self._campaign_about(self.offers, lead)
        self.assertEqual(self._reason(out), ("skipped", "renumbered"))
        campaign = self._campaign_about(self.events, lead)
        self.assertEqual(self._reason(campaign)[0], "queued")

    def test_the_panel_and_the_dialog_know_topics(self):
        lead = self._lead(NUMBER)
        note = self.env["waba.consent.note"].with_user(self.salesperson)
        values = {"res_model": "crm.lead", "res_id": lead.id, "note": "Asked on the phone today"}
        note.create({**values, "topic_id": self.offers.id}).action_confirm()
        self.assertEqual(self._states(), ("unknown", "opted_out", "unknown"))
        lead.invalidate_recordset()
        self.assertIn("Opted out of: Offers.", lead.waba_promotion_why)
        values |= {"action": "opt_in", "heard": "call", "topic_id": self.offers.id}
        with self.assertRaises(AccessError):
            note.create(values).action_confirm()
        own = note.with_user(self.manager)
        own.create({**values, "valid_until": date(2099, 1, 1)}).action_confirm()
        self.assertEqual(self._states(), ("unknown", "opted_in", "unknown"))
        said = self._person().topic_state_ids
        self.assertEqual(said.valid_until, date(2099, 1, 1))

    def test_a_list_names_topics_and_last_days(self):
        ledger = self.env["waba.consent"].with_user(self.manager)
        ledger = ledger.with_context(import_file=True, waba_list={"file": "fair.csv"})
        columns = ["person_id", "topic_name", "action", "said_at", "ends_on", "evidence"]
        rows = [
            ["+34611000011", "offers", "opt_in", "2026-01-15", "2099-01-15", "Fair in Madrid"],
            ["+34611000012", "Promotions", "opt_out", "2026-01-15", "", ""],
            ["+34611000013", "", "opt_in", "2026-01-15", "", "Fair in Madrid"],
            ["+34611000014", "Service messages", "opt_in", "2026-01-15", "", "Fair in Madrid"],
        ]
        answer = ledger.load(columns, rows)
        self.assertFalse(answer["messages"])
        entries = ledger.search([("source", "=", "import")], order="number")
        self.assertEqual(
            [(entry.purpose, entry.topic_id, entry.valid_until) for entry in entries],
            [
                ("marketing", self.offers, date(2099, 1, 15)),
                ("marketing", self.env["waba.topic"], False),
                ("marketing", self.env["waba.topic"], False),
                ("utility", self.env["waba.topic"], False),
            ],
        )
        answer = ledger.load(columns, [["+34611000015", "Prices", "opt_in", "2026-01-15", "", "x"]])
        self.assertIn("Topics: Offers, Events", answer["messages"][0]["message"])

    def test_erasure_keeps_what_was_closed_and_an_opt_in_opens_it(self):
        self._say("opt_out", self.offers, hours_ago=3)
        self._say("opt_in", self.events, hours_ago=3)
        self._person()._erase_personal_data(self.env.company, keep_out=False)
        self.assertEqual(self._states(), ("unknown", "opted_out", "unknown"))
        self.now += timedelta(hours=1)
        self._say("opt_in", self.offers)
        self.assertEqual(self._states(), ("unknown", "opted_in", "unknown"))
        self.assertFalse(self.env["waba.erased.person"].search([]).topic_ids)

    def test_merged_records_share_what_either_closed(self):
        first, second = self._lead(NUMBER), self._lead("+34611000002")
        self._say("opt_out", self.offers)
        self.env["waba.recipient"]._apply_record_merge(first | second)
        other = self._person("+34611000002")
        self.assertEqual(self._states(other), ("unknown", "opted_out", "unknown"))
