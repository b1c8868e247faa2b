"""A/B test: each person exactly one, the rest the better one, at any interruption."""

from collections import Counter

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ..common import WabaCase

HOUR = 3600


class AbTestCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sender.canary = False
        cls.env.company.waba_quiet_hours = False
        cls.portfolio.messaging_limit = "unlimited"
        cls.other_template = cls._template("welcome_back", "es")

    def _trial(self, people=40, **values):
        """A draft that tries autumn_offer against welcome_back."""
        campaign = self._campaign(
            self._leads(people),
            **{
                "ab_test": True,
                "ab_share": 0.2,
                "b_template_id": self.other_template.id,
                "user_id": self.salesperson.id,
                **values,
            },
        )
        for line in campaign.b_variable_ids.filtered(lambda line: not line._is_complete()):
            line.text = "prueba"
        self._leads_of(campaign).user_id = self.salesperson
        return campaign

    def _leads_of(self, campaign):
        return self.env["crm.lead"].search(campaign._audience_domain_list())

    def _prepared(self, *args, **values):
        return self._start(self._trial(*args, **values))

    def _start(self, campaign, share=0.6):
        """Launched and prepared; with an A/B test smaller than a real one, to spare the machine."""
        campaign.action_launch()
        campaign.ab_applied_share = share
        self._prepare()
        return campaign

    def _sent(self, *args, **values):
        campaign = self._prepared(*args, **values)
        self._dispatch()
        return campaign

    def _dispatch(self, sender=None):
        """Until nothing is due: a slow machine takes a few messages back and sends them later."""
        for _attempt in range(20):
            super()._dispatch(sender)
            late = self.env["waba.message"].search(
                [
                    ("state", "=", "queued"),
                    ("campaign_id.state", "=", "running"),
                    ("campaign_id.canary_state", "!=", "waiting"),
                    ("retry_at", "<=", fields.Datetime.add(fields.Datetime.now(), minutes=30)),
                ]
            )
            if not late:
                break
            late.retry_at = fields.Datetime.now()
        return late

    def _trial_rows(self, campaign, variant):
        return self._rows(campaign).filtered(lambda row: row.is_ab_test and row.variant == variant)

    def _rest(self, campaign):
        return self._rows(campaign).filtered(lambda row: not row.is_ab_test)

    def _react(self, campaign, variant, delivered=None, read=0, replied=0, opted_out=0):
        """The outcome of the A/B test's rows of one message."""
        rows, now = self._trial_rows(campaign, variant), fields.Datetime.now()
        rows = rows[: len(rows) if delivered is None else delivered]
        rows.write({"state": "delivered", "delivered_at": now})
        rows[:read].write({"state": "read", "read_at": now})
        rows[:replied].write({"replied_at": now})
        rows[:opted_out].write({"replied_at": now, "opted_out_at": now})

    def _names_sent(self):
        """{template's name: messages} that reached the platform."""
        return Counter(entry["body"]["template"]["name"] for entry in self.simulator.sends())

    def assertNobodyTwice(self, campaign):
        people = Counter(entry["body"]["to"] for entry in self.simulator.sends())
        self.assertEqual(set(people.values()), {1})
        rows = self._rows(campaign)
        self.assertEqual(len(rows), len(rows.recipient_id))


class TestAbTest(AbTestCase):
    def test_message_b_brings_its_variables_by_whatever_door(self):
        campaign = self._campaign(self._leads(2))
        campaign.write({"ab_test": True, "b_template_id": self.other_template.id})
        places = ["component", "name", "kind"]
        wanted = [line[1:] for line in self._places(self.other_template.variable_ids, places)]
        self.assertTrue(wanted)
        lines = self._places(campaign.b_variable_ids, places)
        self.assertEqual([line[1:] for line in lines], wanted)
        self.assertEqual(set(campaign.b_variable_ids.mapped("variant")), {"b"})
        campaign.b_template_id = self.other_template
        self.assertEqual(self._places(campaign.b_variable_ids, places), lines, "the same, kept")

    def _places(self, lines, names):
        return sorted((line.id, *(line[name] for name in names)) for line in lines)

    def test_from_the_launch_to_the_rest_with_the_better_message(self):
        with self._moving_clock() as move:
            campaign = self._sent()
            a, b = (self._trial_rows(campaign, variant) for variant in "ab")
            rest = self._rest(campaign)
            self.assertEqual(len(a) + len(b) + len(rest), 40)
            self.assertGreater(min(len(a), len(b), len(rest)), 3)
            self.assertEqual(a.template_id, self.template)
            self.assertEqual(b.template_id, self.other_template)
            self.assertEqual(self._names_sent(), {"autumn_offer": len(a), "welcome_back": len(b)})
            self.assertEqual(set(rest.mapped("state")), {"queued"})
            self.assertEqual((campaign.state, campaign.ab_state), ("running", "waiting"))
            self.assertIn(f"the other {len(rest)} ", campaign.hold_reason)
            self.assertIn(campaign.ab_decide_at, self._alarms())
            self._react(campaign, "a", read=1)
            self._react(campaign, "b", read=len(b) - 1)
            move(23 * HOUR)
            self._dispatch()
            self.assertEqual(campaign.ab_state, "waiting", "not before its time")
            self.assertEqual(len(self.simulator.sends()), len(a) + len(b))
            move(HOUR + 60)
            self._dispatch()
            self.assertEqual((campaign.winner, campaign.ab_state), ("b", "decided"))
            self.assertEqual((campaign.state, campaign.queued_count), ("done", 0))
            self.assertEqual(rest.template_id, self.other_template)
            self.assertEqual(
                self._names_sent(), {"autumn_offer": len(a), "welcome_back": len(b) + len(rest)}
            )
            self.assertNobodyTwice(campaign)
            self.assertIn("Variant B goes to the rest", "".join(
                campaign.message_ids.mapped("body")))  # fmt: skip
            self.assertIn(f"of {len(a)}", campaign.winner_reason)
            self.assertFalse(any(self._rows(campaign).mapped("variant_parameters")))

    def test_the_words_of_the_rest_are_those_of_the_launch(self):
        with self._moving_clock() as move:
            campaign = self._sent()
            rest = self._rest(campaign)
            lead = self.env["crm.lead"].browse(rest[0].res_id)
            name = lead.contact_name.split()[0]
            lead.contact_name = "Changed Since"
            move(25 * HOUR)
            self._dispatch()
            self.assertEqual(rest[0].parameters["body"][0]["value"], name)

    def test_who_left_a_looked_up_audience_meanwhile_is_still_written_to(self):
        with self._moving_clock() as move:
            leads = self._leads(40)
            leads.priority = "3"
            campaign = self._campaign(
                leads, audience_domain="[('priority', '=', '3')]", ab_test=True, ab_share=0.2,
                b_template_id=self.other_template.id,
            )  # fmt: skip
            campaign.b_variable_ids.filtered(lambda line: not line._is_complete()).text = "prueba"
            self._start(campaign)
            self._dispatch()
            leads.priority = "0"
            move(25 * HOUR)
            self._dispatch()
            self.assertEqual((campaign.state, campaign.sent_count), ("done", 40))
            self.assertNobodyTwice(campaign)

    def test_two_records_of_one_person_get_one_message(self):
        leads = self._leads(20)
        twins = self.env["crm.lead"].create(
            [{"name": "Twin", "contact_name": "Ana", "phone": lead.phone,
              "country_id": lead.country_id.id} for lead in leads]
        )  # fmt: skip
        campaign = self._trial(1)
        campaign.audience_domain = repr([("id", "in", (leads + twins).ids)])
        self._start(campaign)
        self._dispatch()
        campaign.action_choose_a()
        self._dispatch()
        self.assertEqual(campaign.skipped_count, 20)
        people = Counter(entry["body"]["to"] for entry in self.simulator.sends())
        self.assertEqual((len(people), set(people.values())), (20, {1}))

    def test_a_small_audience_is_all_trial_and_ends_with_a_comparison(self):
        with self._moving_clock() as move:
            campaign = self._start(self._trial(), share=1)
            self._dispatch()
            self.assertFalse(self._rest(campaign))
            self.assertEqual((campaign.sent_count, campaign.state), (40, "done"))
            self._react(campaign, "a", read=5)
            move(25 * HOUR)
            self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
            self.assertEqual(campaign.winner, "a")
            self.assertIn("Too few messages delivered to tell", campaign.winner_reason)

    def test_whom_one_message_cannot_address_gets_the_other_if_that_wins_or_is_left_out(self):
        for winner, state in (("a", "accepted"), ("b", "skipped")):
            with self._case(winner):
                campaign = self._trial(40)
                line = campaign.b_variable_ids.filtered(lambda one: one.component == "body")[0]
                line.write({"source": "field", "field_path": "city"})
                leads = self._leads_of(campaign)
                leads.city = "Madrid"
                leads[:8].city = False
                self._start(campaign)
                without = self.env["waba.message"].search(
                    [("campaign_id", "=", campaign.id), ("res_id", "in", leads[:8].ids)]
                )
                self.assertFalse(any(without.mapped("is_ab_test")))
                self.assertEqual(set(without.mapped("state")), {"queued"})
                self._dispatch()
                getattr(campaign, f"action_choose_{winner}")()
                self._dispatch()
                self.assertEqual(set(without.mapped("state")), {state})
                if winner == "b":
                    self.assertEqual(set(without.mapped("failure_type")), {"missing_value"})
                    self.assertTrue(all(without.mapped("failure_reason")))
                self.assertNobodyTwice(campaign)

    def test_opted_out_between_trial_and_rest_nobody_is_written_to(self):
        campaign = self._sent()
        person = self._rest(campaign)[0].recipient_id
        person._set_marketing_state("opted_out", "person", "Asked on the phone.")
        campaign.action_choose_b()
        self._dispatch()
        row = self._rest(campaign).filtered(lambda one: one.recipient_id == person)
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))

    def test_a_promotion_held_back_for_a_person_stays_held_after_the_decision(self):
        campaign = self._sent()
        row = self._rest(campaign)[0]
        until = fields.Datetime.add(fields.Datetime.now(), hours=20)
        row.recipient_id._hold_marketing(until)
        campaign.action_choose_a()
        self.assertEqual(row.retry_at, until)

    def test_left_out_for_enough_promotions_it_may_be_sent_some_day_with_the_winners_words(self):
        self.env.company.write({"waba_frequency_count": 1, "waba_frequency_days": 7})
        campaign = self._trial()
        lead = self._leads_of(campaign)[0]
        earlier = self._launch(lead)
        self.assertEqual(earlier.sent_count, 1)
        self._start(campaign)
        row = self._rows(campaign).filtered(lambda one: one.res_id == lead.id)
        self.assertEqual((row.state, row.failure_type), ("skipped", "frequency"))
        self.assertFalse(row.is_ab_test)
        self.assertTrue(row.parameters and row.retry_at)
        campaign.action_choose_b()
        self.assertEqual((row.state, row.failure_type), ("skipped", "frequency"))
        self.assertEqual((row.variant, row.template_id), ("b", self.other_template))
        self.assertTrue(row.parameters and row.retry_at and row.failure_reason)


class TestInterrupted(AbTestCase):
    def test_a_kill_before_the_commit_leaves_all_as_it_was_and_the_watch_decides_again(self):
        with self._moving_clock() as move:
            campaign = self._sent()
            move(25 * HOUR)
            before = self._rows(campaign).read(["variant", "state", "retry_at"])
            with self.cr.savepoint() as savepoint:
                campaign._advance_ab_test(fields.Datetime.now())
                self.assertEqual(campaign.ab_state, "decided")
                self.env.flush_all()
                savepoint.rollback()
            self.env.invalidate_all()
            self.assertEqual(self._rows(campaign).read(["variant", "state", "retry_at"]), before)
            self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
            self.assertEqual(campaign.ab_state, "decided")
            self._dispatch()
            self.assertEqual(campaign.sent_count, 40)
            self.assertNobodyTwice(campaign)

    def test_deciding_twice_changes_nothing(self):
        with self._moving_clock() as move:
            campaign = self._sent()
            move(25 * HOUR)
            campaign._advance_ab_test(fields.Datetime.now())
            reason, notes = campaign.winner_reason, len(campaign.message_ids)
            campaign._advance_ab_test(fields.Datetime.now())
            campaign._apply_winner("b", "Again.")
            self.assertEqual((campaign.winner_reason, len(campaign.message_ids)), (reason, notes))

    def test_preparation_interrupted_and_gone_on_shares_out_alike(self):
        campaign = self._trial()
        campaign.action_launch()
        campaign.ab_applied_share = 0.6
        campaign._prepare_chunk()
        shares = {row.number: row.variant for row in self._rows(campaign)}
        self._rows(campaign)[20:].unlink()
        campaign.write({"prepared_until_id": self._rows(campaign)[-1].res_id,
                        "prepared_count": 20})  # fmt: skip
        self._prepare()
        self.assertEqual({row.number: row.variant for row in self._rows(campaign)}, shares)

    def test_no_reservation_takes_the_rest_nor_asks_for_it_in_vain(self):
        campaign = self._sent()
        pool = type("Pool", (), {"pending": 0})()
        run = DispatchRun(pool, 80, self.sender.run_count)
        self.assertEqual(self.sender._reserve_rows(500, run), ([], 0))
        self.assertFalse(any(self.sender._inspect_queue(fields.Datetime.now())))
        self.assertEqual(campaign._count_awaiting_winner(), len(self._rest(campaign)))

    def test_cancelled_during_the_trial_nobody_else_is_written_to(self):
        campaign = self._sent()
        sent = len(self.simulator.sends())
        campaign.action_cancel()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), sent)
        self.assertEqual(set(self._rest(campaign).mapped("state")), {"cancelled"})

    def test_paused_during_the_trial_it_decides_when_it_goes_on(self):
        with self._moving_clock() as move:
            campaign = self._sent()
            campaign.action_pause()
            move(25 * HOUR)
            self._dispatch()
            self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
            self.assertEqual((campaign.state, campaign.ab_state), ("paused", "waiting"))
            campaign.action_resume()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.ab_state), ("done", "decided"))

    def test_a_first_wave_goes_before_and_the_trial_goes_on_after_it(self):
        self.sender.write({"canary": True, "large_campaign": 20, "canary_minimum": 5,
                           "canary_maximum": 5})  # fmt: skip
        campaign = self._sent()
        self.assertEqual((campaign.sent_count, campaign.canary_state), (5, "waiting"))
        self.assertEqual(campaign.ab_state, "sending")
        self.assertTrue(all(row.is_ab_test for row in self._rows(campaign, "accepted")))
        campaign.with_user(self.manager).action_release_canary()
        self._dispatch()
        self.assertEqual(campaign.ab_state, "waiting")
        self.assertFalse(self._rest(campaign).filtered(lambda row: row.state != "queued"))


class TestAbTestTemplates(AbTestCase):
    def test_a_template_that_stops_leaves_the_other_one_the_winner(self):
        for template, winner in ((self.other_template, "a"), (self.template, "b")):
            with self._case(winner):
                campaign = self._prepared()
                template._set_status("paused")
                self.assertEqual((campaign.state, campaign.winner), ("running", winner))
                self.assertIn("can no longer be sent", campaign.winner_reason)
                self.assertIn("Paused by Meta", campaign.winner_reason)
                self._dispatch()
                kept = "autumn_offer" if winner == "a" else "welcome_back"
                self.assertEqual(self._names_sent(), {kept: 40})
                self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted"})
                self.assertEqual(campaign.state, "done")
                self.assertNobodyTwice(campaign)

    def _refuse(self, row, failure_type, code):
        """WhatsApp refuses the row's request."""
        row.write({"state": "reserved", "attempt_count": 1})
        row._apply_failure(failure_type, code=code, text="No.", refused_at_once=True)

    def test_whose_refusal_tells_that_a_template_stopped_gets_the_other_message(self):
        campaign = self._prepared()
        row = self._trial_rows(campaign, "a")[0]
        self._refuse(row, "template_paused", 132015)
        self.assertEqual((campaign.state, campaign.winner), ("running", "b"))
        self.assertEqual((row.state, row.template_id), ("queued", self.other_template))
        self._dispatch()
        self.assertEqual(self._names_sent(), {"welcome_back": 40})
        self.assertEqual((row.state, campaign.state), ("accepted", "done"))

    def test_refused_the_losing_message_after_the_decision_it_ends(self):
        campaign = self._prepared()
        row = self._trial_rows(campaign, "a")[0]
        row.write({"state": "queued", "attempt_count": 1})
        campaign.action_choose_b()
        self.assertEqual(row.template_id, self.template)
        self._refuse(row, "template_paused", 132015)
        self.assertEqual((row.state, row.failure_type), ("failed", "template_paused"))
        self._dispatch()
        self.assertEqual((row.attempt_count, campaign.state), (1, "done"))

    def test_while_both_are_stopped_the_campaign_waits_and_goes_on_with_either(self):
        campaign = self._prepared()
        with self.cr.savepoint():
            self.template.with_context(tracking_disable=True).sudo()
            self.env["waba.template"].concat(self.template, self.other_template).write(
                {"status": "paused"}
            )
            self.template._on_status_change()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self.other_template._set_status("approved")
        self.assertEqual((campaign.state, campaign.winner), ("running", "b"))
        self.assertFalse(campaign.pause_cause)

    def test_a_template_whose_variables_changed_leaves_the_other_one(self):
        campaign = self._prepared()
        self.other_template.signature = "another"
        campaign._pause_for_changed_template()
        self.assertEqual((campaign.state, campaign.winner), ("running", "a"))
        self.assertIn("variables changed", campaign.winner_reason)

    def test_after_the_decision_only_the_winners_template_holds_the_campaign(self):
        campaign = self._prepared()
        campaign.action_choose_b()
        self.template._set_status("paused")
        self.assertEqual(campaign.state, "running")
        self.other_template._set_status("paused")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        with self.assertRaisesRegex(UserError, "Welcome back"):
            campaign.action_resume()
        self.other_template._set_status("approved")
        self.assertEqual(campaign.state, "running")

    def test_one_promotion_among_the_two_makes_it_a_promotion(self):
        campaign = self._prepared()
        self.assertEqual(campaign.category, "marketing")
        self.template.write({"category": "utility"})
        self.assertEqual(campaign.category, "marketing")
        campaign.action_choose_a()
        self.assertEqual(campaign.category, "utility")


class TestAbTestLaunch(AbTestCase):
    def test_the_preflight_says_once_what_both_messages_have_in_common(self):
        def sentences():
            return [check.sentence for check in campaign._preflight_report().checks]

        campaign = self._trial(3)
        for text in ("Has an opt-out button.", "Approved as a promotion."):
            self.assertEqual(sentences().count(text), 1)
        self.other_template.sudo().category = "utility"
        found = sentences()
        self.assertIn("Approved as a promotion.", found)
        self.assertIn("Approved as a service message.", found)

    def test_what_is_missing_or_does_not_fit_is_named(self):
        cases = [
            ({"b_template_id": False}, "Choose the template of variant B"),
            ({"b_template_id": self.utility_template.id}, "same category"),
            ({"b_template_id": self._template("old_promo", "en").id}, "not approved"),
        ]
        for values, words in cases:
            with self.subTest(words):
                campaign = self._trial(2, **values)
                with self.assertRaisesRegex(UserError, words):
                    campaign.action_launch()

    def test_the_same_message_twice_is_no_trial_but_other_words_are(self):
        campaign = self._trial(2, b_template_id=self.template.id)
        with self.assertRaisesRegex(UserError, "A and B are the same"):
            campaign.action_launch()
        campaign.b_variable_ids.filtered(lambda line: line.component == "body")[1].write(
            {"source": "text", "text": "su tienda"}
        )
        campaign.action_launch()
        self.assertEqual(campaign.state, "preparing")

    def test_unfilled_variables_of_b_are_named(self):
        campaign = self._trial(2)
        campaign.b_variable_ids[0].write({"source": "text", "text": False})
        with self.assertRaisesRegex(UserError, "Set a value for"):
            campaign.action_launch()

    def test_a_scheduled_trial_starts_as_one(self):
        with self._moving_clock() as move:
            campaign = self._trial(scheduled_at=fields.Datetime.add(fields.Datetime.now(), hours=2))
            campaign.action_launch()
            self.assertEqual(campaign.state, "scheduled")
            move(2 * HOUR + 60)
            self._prepare()
            self._dispatch()
            self.assertEqual(campaign.ab_state, "waiting")

    def test_the_trial_is_told_in_words_before_the_launch(self):
        campaign = self._trial(180)
        self.assertIn("About 65 get A, 65 get B. After 24 h", campaign.ab_text)
        self.assertIn("the other 50", campaign.ab_text)
        leads = self._leads_of(campaign)
        campaign.audience_domain = repr([("id", "in", leads[:50].ids)])
        self.assertIn("Too few recipients for a result: 50 of 100", campaign.ab_text)
        campaign.audience_domain = repr([("id", "in", leads[:110].ids)])
        self.assertIn("All 110 recipients are in the test", campaign.ab_text)

    def test_the_responsible_chooses_and_nobody_writes_the_result_by_hand(self):
        campaign = self._sent()
        mine = campaign.with_user(self.salesperson)
        for values in ({"winner": "b"}, {"ab_state": "decided"}, {"ab_applied_share": 1}):
            with (
                self.subTest(str(values)),
                mute_logger("odoo.addons.base.models.ir_model"),
                self.assertRaises(AccessError),
            ):
                mine.write(values)
        with self.assertRaises(UserError):
            mine.ab_hours = 1
        mine.action_choose_b()
        self.assertIn(f"chosen by {self.salesperson.name}", campaign.winner_reason)
        with self.assertRaisesRegex(UserError, "has ended"):
            mine.action_choose_a()

    def test_a_copy_is_a_trial_again(self):
        campaign = self._sent()
        copy = campaign.copy()
        self.assertEqual(copy.b_template_id, self.other_template)
        self.assertEqual(copy.b_variable_ids.mapped("text"), campaign.b_variable_ids.mapped("text"))
        self.assertEqual(copy.variable_ids.mapped("variant"), ["a"] * len(campaign.variable_ids))
        self.assertFalse(copy.ab_state or copy.winner)
