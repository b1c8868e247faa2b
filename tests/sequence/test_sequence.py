"""Follow-ups: who comes in, how they go on, what ends them."""
# pylint: disable=translation-required

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form
from odoo.tools import mute_logger

from ...models.sequence import waba_sequence_enroll as waba_sequence_trigger
from ..sequence_case import DAY, HOUR, SequenceCase


class TestComingIn(SequenceCase):
    def test_a_lead_that_enters_the_stage(self):
        sequence = self._sequence()
        lead = self._opportunity()
        self.assertFalse(self._enrollments(lead))
        lead.with_user(self.salesperson).stage_id = self.stage
        [one] = self._enrollments(lead)
        self.assertEqual(one.sequence_id, sequence)
        self.assertEqual((one.state, one.entered_by), ("running", "stage"))
        self.assertEqual(one.step_id, sequence.step_ids)
        self.assertEqual(one.next_at, one.entered_at + 2 * DAY)
        self.assertEqual((one.number, one.user_id), ("+34611000001", self.salesperson))

    def test_a_lead_created_in_the_stage(self):
        self._sequence()
        self.assertTrue(self._enrollments(self._opportunity(stage_id=self.stage.id)))
        self.assertFalse(
            self._enrollments(self._opportunity("+34611000002", stage_id=self.other_stage.id))
        )

    def test_writing_the_same_stage_is_no_entering(self):
        lead = self._opportunity(stage_id=self.stage.id)
        self._sequence()
        lead.stage_id = self.stage
        self.assertFalse(self._enrollments(lead))

    def test_a_lead_that_stays_in_the_stage(self):
        sequence = self._sequence(trigger="stage_days", trigger_amount=3)
        sequence.trigger_from -= 30 * DAY
        leads = self._leads(4)
        leads.stage_id = self.stage
        now = fields.Datetime.now()
        for lead, days in zip(leads, (1, 4, 40, 4), strict=True):
            lead.date_last_stage_update = now - days * DAY
        leads[3].active = False
        self._run()
        entered = leads.filtered(self._enrollments)
        self.assertEqual(entered, leads[1], "since the follow-up runs, and only open ones")
        self._run()
        self.assertEqual(len(self._enrollments(leads[1])), 1)

    def test_who_may_not_come_in_keeps_nobody_waiting_behind_them(self):
        sequence = self._sequence(
            trigger="stage_days", trigger_amount=3, domain="[('expected_revenue', '>', 100)]"
        )
        sequence.trigger_from -= 30 * DAY
        leads = self._leads(3)
        leads.stage_id = self.stage
        for lead, days, revenue in zip(leads, (6, 5, 4), (0, 200, 300), strict=True):
            lead.date_last_stage_update = fields.Datetime.now() - days * DAY
            lead.expected_revenue = revenue
        with patch.object(waba_sequence_trigger, "ENTER_CHUNK", 1):
            self._run()
        self.assertEqual(leads.filtered(self._enrollments), leads[1:])

    def test_a_second_stay_is_another_occasion_if_it_may_come_again(self):
        sequence = self._sequence(
            trigger="stage_days", trigger_amount=3, reentry="after", reentry_days=0
        )
        sequence.trigger_from -= 30 * DAY
        lead = self._opportunity(stage_id=self.stage.id)
        lead.date_last_stage_update = fields.Datetime.now() - 10 * DAY
        self._run()
        self._enrollments(lead)._stop_enrollments("person")
        self._run()
        self.assertEqual(len(self._enrollments(lead)), 1, "one stay, once")
        first = self._enrollments(lead)
        first.entered_at -= 8 * DAY
        lead.date_last_stage_update = fields.Datetime.now() - 4 * DAY
        self._run()
        self.assertEqual(len(self._enrollments(lead)), 2)

    def test_a_lead_created_by_a_source_or_with_a_tag(self):
        self._sequence(
            trigger="created",
            stage_ids=False,
            source_ids=[(6, 0, self.source.ids)],
            tag_ids=[(6, 0, self.tags[0].ids)],
        )
        cases = [
            (self.source.id, self.tags[0].ids, True),
            (False, self.tags[0].ids, False),
            (self.source.id, self.tags[1].ids, False),
            (self.source.id, [], False),
        ]
        for number, (source_id, tag_ids, comes_in) in enumerate(cases):
            lead = self._opportunity(
                f"+3461100010{number}", source_id=source_id, tag_ids=[(6, 0, tag_ids)]
            )
            with self.subTest(number):
                self.assertEqual(bool(self._enrollments(lead)), comes_in)

    def test_one_that_is_not_saved_yet_can_be_shown(self):
        """As the form asks for it, with steps being added: every field has a value."""
        for sequence in (self._sequence(), self.env["waba.sequence"]):
            with self.subTest(sequence.name):
                draft = self.env["waba.sequence"].new(
                    {"name": "Draft", "step_ids": [(0, 0, self._step())]}, origin=sequence
                )
                fresh = self.env["waba.sequence.step"].new({"sequence_id": draft})
                for record in (draft, draft.step_ids[-1:], fresh):
                    self.assertEqual([name for name in record._fields if record[name] is None], [])
                self.assertEqual(fresh.reached_count, 0)

    def test_the_card_of_a_step_says_what_was_just_entered(self):
        form = Form(self.env["waba.sequence"].with_user(self.manager))
        form.name = "Calls"
        form.stage_ids.add(self.stage)
        with form.step_ids.new() as step:
            step.kind = "activity"
            step.summary = "Call them"
            self.assertEqual(step.what_text, "Activity: Call them")
            step.wait_amount = 3
            self.assertIn("3", step.wait_text)
            key = step.key
        # Branches of other steps name it by what the form showed.
        self.assertEqual(form.save().step_ids.key, key)

    def test_every_new_lead_when_nothing_is_named(self):
        self._sequence(trigger="created", stage_ids=False)
        self.assertTrue(self._enrollments(self._opportunity()))

    def test_a_lead_that_gets_a_tag(self):
        self._sequence(trigger="tag", stage_ids=False, tag_ids=[(6, 0, self.tags[0].ids)])
        lead = self._opportunity(tag_ids=[(6, 0, self.tags[1].ids)])
        self.assertFalse(self._enrollments(lead))
        lead.tag_ids += self.tags[0]
        self.assertTrue(self._enrollments(lead))
        created_with = self._opportunity("+34611000002", tag_ids=[(6, 0, self.tags[0].ids)])
        self.assertTrue(self._enrollments(created_with))
        had_it = self._opportunity("+34611000003", tag_ids=[(6, 0, self.tags[0].ids)])
        self._enrollments(had_it)._stop_enrollments("person")
        had_it.tag_ids += self.tags[1]
        self.assertEqual(len(self._enrollments(had_it)), 1)

    def test_a_campaigns_message_read_and_not_answered(self):
        leads = self._leads(4)
        campaign = self._launch(leads)
        sequence = self._sequence(
            trigger="campaign",
            stage_ids=False,
            campaign_ids=[(6, 0, campaign.ids)],
            trigger_amount=6,
            trigger_unit="hours",
        )
        sequence.trigger_from -= DAY
        rows = self._rows(campaign)
        now = fields.Datetime.now()
        rows[0].write({"state": "read", "read_at": now - 7 * HOUR})
        rows[1].write({"state": "read", "read_at": now - 5 * HOUR})
        rows[2].write({"state": "delivered", "delivered_at": now - 9 * HOUR})
        rows[3].write({"state": "read", "read_at": now - 7 * HOUR, "replied_at": now})
        self._run()
        entered = leads.filtered(self._enrollments)
        self.assertEqual(entered.ids, [rows[0].res_id])
        sequence.campaign_event = "delivered"
        rows[2].delivered_at = now - 7 * HOUR
        self._run()
        entered = leads.filtered(self._enrollments)
        self.assertEqual(set(entered.ids), {rows[0].res_id, rows[2].res_id})
        self._enrollments(leads.browse(rows[0].res_id))._stop_enrollments("person")
        sequence.write({"reentry": "after", "reentry_days": 0, "campaign_event": "read"})
        self._run()
        self.assertEqual(
            len(self._enrollments(leads.browse(rows[0].res_id))), 1, "one message, once"
        )

    def test_who_wrote_without_quoting_has_answered_a_campaign(self):
        lead = self._opportunity()
        campaign = self._launch(lead)
        sequence = self._sequence(
            trigger="campaign", stage_ids=False, campaign_ids=[(6, 0, campaign.ids)],
            trigger_amount=0,
        )  # fmt: skip
        sequence.trigger_from -= DAY
        row = self._rows(campaign)
        row.write({"state": "read", "read_at": fields.Datetime.now() - HOUR})
        self._receive(self._inbound("+34611000001", "¿Precio?"))
        row.replied_at = False
        self._run()
        self.assertFalse(self._enrollments(lead))

    def test_a_quotation_sent(self):
        if "sale.order" not in self.env:
            self.skipTest("sale is not installed")
        sequence = self._sequence(trigger="quotation", stage_ids=False)
        lead = self._opportunity()
        partner = self.env["res.partner"].create({"name": "Ana", "phone": "+34611000001"})
        orders = self.env["sale.order"].create(
            [{"partner_id": partner.id, "opportunity_id": lead_id} for lead_id in (lead.id, False)]
        )
        self._run()
        self.assertFalse(self._enrollments(lead), "a draft is no offer")
        orders.write({"state": "sent"})
        self.env.flush_all()
        sequence.trigger_from = self.env.cr.now() - timedelta(minutes=1)
        self._run()
        self.assertEqual(self._enrollments(lead).entered_by, "quotation")
        self._run()
        self.assertEqual(len(self._enrollments(lead)), 1)

    def test_by_hand_whatever_the_trigger(self):
        sequence = self._sequence()
        lead = self._opportunity()
        wizard = Form(
            self.env["waba.sequence.enroll"]
            .with_user(self.salesperson)
            .with_context(active_model="crm.lead", active_ids=lead.ids)
        ).save()
        self.assertEqual(wizard.sequence_id, sequence)
        self.assertEqual((wizard.may_count, wizard.lead_count), (1, 1))
        wizard.action_confirm()
        [one] = self._enrollments(lead)
        self.assertEqual((one.entered_by, one.entered_by_id), ("manual", self.salesperson))
        with self.assertRaisesRegex(UserError, "already enrolled"):
            wizard.action_confirm()
        self.assertEqual(len(self._enrollments(lead)), 1)

    def test_a_number_of_ours_is_written_to_by_no_step(self):
        """Whether it was ours when the lead came in or became so since."""
        for name, number, becomes in (
            ("ours before", "+34 600 000 001", lambda: None),
            ("ours in another spelling", "+521 55 1000 0002", lambda: None),
            ("ours since", "+34 611 000 001",
             lambda: self.sender_mx.write({"number": "+34611000001"})),
        ):  # fmt: skip
            with self._case(name):
                one = self._enrolled(self._sequence(), self._opportunity(number))
                becomes()
                self._run_due(one)
                self._dispatch()
                message = self._messages(one)
                self.assertEqual((message.state, message.failure_type), ("skipped", "own_number"))
                self.assertFalse(self.simulator.sends())

    def test_nobody_comes_into_what_does_not_run(self):
        sequence = self._sequence(activate=False)
        lead = self._opportunity(stage_id=self.stage.id)
        self.assertFalse(self._enrollments(lead))
        with self.assertRaisesRegex(UserError, "is not running"):
            sequence.with_user(self.salesperson)._enroll_manually(lead)
        sequence._activate()
        sequence.action_pause()
        lead.stage_id = self.other_stage
        lead.stage_id = self.stage
        self.assertFalse(self._enrollments(lead))

    def test_who_may_not_come_in(self):
        sequence = self._sequence(domain="[('city', '=', 'Sevilla')]")
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        cases = {
            "meets the conditions": ({"city": "Sevilla"}, True),
            "another city": ({"city": "Cádiz"}, False),
            "archived": ({"city": "Sevilla", "active": False}, False),
            "won": ({"city": "Sevilla", "stage_id": self.won_stage.id, "probability": 100}, False),
            "another company's": (
                {"city": "Sevilla", "company_id": elsewhere.id, "user_id": False}, False
            ),
        }  # fmt: skip
        for number, (name, (values, comes_in)) in enumerate(cases.items()):
            with self.subTest(name):
                lead = self._lead(f"+3461100020{number}", type="opportunity", **values)
                self.assertEqual(len(sequence._enroll_leads(lead)), int(comes_in))

    def test_entering_twice_is_harmless(self):
        sequence = self._sequence()
        lead = self._opportunity()
        self.assertEqual(len(sequence._enroll_leads(lead)), 1)
        self.assertFalse(sequence._enroll_leads(lead))
        lead.stage_id = self.stage
        self.assertEqual(len(self._enrollments(lead)), 1)

    def test_a_person_with_two_leads_is_in_it_once(self):
        sequence = self._sequence()
        one, other = self._opportunity(), self._opportunity(name="The same person")
        self.assertEqual(len(sequence._enroll_leads(one | other)), 1)
        self.assertFalse(sequence._enroll_leads(other))
        self._enrollments(one)._stop_enrollments("person")
        self.assertEqual(len(sequence._enroll_leads(other)), 1)

    def test_coming_again(self):
        sequence = self._sequence(reentry="never")
        lead = self._opportunity()
        self._enrolled(sequence, lead)._stop_enrollments("person")
        self.assertFalse(sequence._enroll_leads(lead))
        sequence.write({"reentry": "after", "reentry_days": 30})
        self.assertFalse(sequence._enroll_leads(lead))
        self._enrollments(lead).ended_at -= 31 * DAY
        self.assertTrue(sequence._enroll_leads(lead))

    def test_leads_that_match_when_it_starts(self):
        leads = self._leads(3)
        leads[:2].stage_id = self.stage
        sequence = self._sequence(activate=False)
        wizard = (
            self.env["waba.sequence.activate"]
            .with_user(self.manager)
            .create({"sequence_id": sequence.id})
        )
        self.assertEqual(wizard.matching_count, 2)
        wizard.who = "all"
        self.assertIn("Leads enrolled now: 2", wizard.summary)
        wizard.action_confirm()
        self.assertEqual(sequence.enrollment_ids.lead_id, leads[:2])
        sequence.action_pause()
        again = wizard.create({"sequence_id": sequence.id, "who": "new"})
        self.assertEqual(again.matching_count, 0, "they are in it already")
        again.action_confirm()
        self.assertEqual(len(sequence.enrollment_ids), 2)

    def test_the_first_one_started_keeps_a_part_of_the_daily_limit(self):
        sequence = self._sequence(activate=False)
        self._opportunity().stage_id = self.stage
        form = Form.from_action(self.env(user=self.manager), sequence.action_activate())
        self.assertEqual(form.followup_share, 0.1)
        form.who = "all"
        self.assertIn("Leads enrolled now: 1", form.summary)
        template = self.utility_template.display_name
        self.assertIn(f"First step: Wait 2 days, Send “{template}”.", form.summary)
        wizards = self.env["waba.sequence.activate"].with_user(self.manager)
        wizard = wizards.create({"sequence_id": sequence.id})
        self.assertTrue(wizard.asks_for_share)
        wizard.action_confirm()
        self.assertEqual(self.portfolio.followup_share, 0.1)
        sequence.action_pause()
        again = wizards.create({"sequence_id": sequence.id, "followup_share": 0.5})
        self.assertFalse(again.asks_for_share)
        again.action_confirm()
        self.assertEqual(self.portfolio.followup_share, 0.1, "a manager's choice stays")

    def test_what_waited_in_the_stage_long_before_comes_in_when_asked(self):
        lead = self._opportunity(stage_id=self.stage.id)
        lead.date_last_stage_update = fields.Datetime.now() - 40 * DAY
        sequence = self._sequence(trigger="stage_days", trigger_amount=3)
        self._run()
        self.assertFalse(self._enrollments(lead))
        sequence._activate(include_existing=True)
        self.assertTrue(self._enrollments(lead))

    def test_what_nobody_follows_costs_no_query(self):
        lead = self._opportunity()
        self.env["waba.sequence"]._is_used()
        self.env["waba.sequence"]._running_ids_by_trigger()
        with self.assertQueryCount(0):
            self.assertEqual(self.env["waba.sequence"]._running_ids_by_trigger(), {})
            self.assertFalse(self.env["waba.sequence"]._is_used())
        self.assertTrue(lead)

    def test_conditions_that_went_with_a_module_keep_no_lead_from_being_saved(self):
        self._sequence()
        self.env.cr.execute("UPDATE waba_sequence SET domain = '[(''x_gone'', ''='', 1)]'")
        self.env.invalidate_all()
        lead = self._opportunity(stage_id=self.stage.id)
        self.assertFalse(self._enrollments(lead))

    def test_what_is_missing_is_named(self):
        cases = [
            ({"step_ids": [(5, 0, 0)]}, "Add a step"),
            ({"stage_ids": False}, "stages"),
            ({"trigger": "tag"}, "tags"),
            ({"trigger": "campaign"}, "campaigns"),
            ({"sender_id": False}, "Step 1: Choose a number"),
        ]
        for values, words in cases:
            sequence = self._sequence(activate=False)
            sequence.write(values)
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                sequence.action_activate()
        running = self._sequence()
        with self.assertRaisesRegex(UserError, "stages"):
            running.stage_ids = False
        with self.assertRaises(ValidationError):
            running.domain = "[('no_such_field', '=', 1)]"


class TestGoingOn(SequenceCase):
    def test_from_the_stage_to_the_message_and_the_end(self):
        sequence = self._sequence({}, {"wait_amount": 3}, {"kind": "activity", "wait_amount": 1})
        lead = self._opportunity(stage_id=self.stage.id)
        [one] = self._enrollments(lead)
        self._run()
        self.assertFalse(one.message_ids, "not yet")
        self._run_due(one)
        [message] = one.message_ids
        self.assertEqual((message.state, message.origin), ("queued", "sequence"))
        self.assertEqual(message.sequence_step_id, sequence.step_ids[0])
        self.assertEqual((message.res_id, message.user_id), (lead.id, self.salesperson))
        self.assertEqual((one.step_id, one.steps_done), (sequence.step_ids[1], 1))
        self._dispatch()
        self.assertEqual(message.state, "accepted")
        self.assertEqual(len(self.simulator.sends()), 1)

        self._run_due(one)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 2)
        self._run_due(one)
        self.assertEqual(one.state, "done")
        [activity] = lead.activity_ids
        self.assertEqual(activity.user_id, self.salesperson)

    def test_the_last_message_leaves_before_it_is_completed(self):
        one = self._enrolled(self._sequence())
        self._run_due(one)
        self.assertEqual((one.state, one.step_id), ("running", one.step_id.browse()))
        self._run_due(one)
        self.assertEqual(one.state, "running", "it waits in the queue")
        self.assertIn("being sent", one.why_text)
        self._dispatch()
        self._run_due(one)
        self.assertEqual((one.state, one.why_text), ("done", "All steps completed."))

    def test_the_next_wait_begins_when_the_message_left(self):
        one = self._enrolled(self._sequence({"wait_amount": 0}, {"wait_amount": 2}))
        self._run()
        message = one.message_ids
        self._dispatch()
        left_at = fields.Datetime.now() - HOUR
        message.accepted_at = left_at
        one.write({"next_at": fields.Datetime.now() - HOUR, "waiting_since": left_at - 5 * DAY})
        self._run()
        self.assertEqual((one.waiting_since, one.next_at), (left_at, left_at + 2 * DAY))
        self.assertEqual(len(one.message_ids), 1)

    def test_a_step_is_done_once_whoever_runs_again(self):
        sequence = self._sequence({"wait_amount": 0})
        one = self._enrolled(sequence)
        self._run()
        # As after a kill that lost the mark but kept the message.
        one.write({"steps_done": 0, "step_id": sequence.step_ids.id, "pending_message_id": False,
                   "next_at": fields.Datetime.now()})  # fmt: skip
        self._run()
        self.assertEqual(len(one.message_ids), 1)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_a_stop_step_ends_it(self):
        one = self._enrolled(self._sequence({"kind": "stop", "wait_amount": 0}))
        self._run()
        self.assertEqual((one.state, len(one.message_ids)), ("done", 0))

    def test_an_activity_for_a_lead_without_salesperson_goes_to_the_responsible(self):
        sequence = self._sequence({"kind": "activity", "wait_amount": 0, "deadline_days": 2})
        lead = self._opportunity()
        lead.user_id = False
        self._enrolled(sequence, lead)
        self._run()
        self.assertEqual(lead.activity_ids.user_id, self.manager)
        self.assertEqual(lead.activity_ids.date_deadline, fields.Date.context_today(lead) + 2 * DAY)

    def test_working_hours_of_the_salesperson_else_of_the_company(self):
        """The standard calendar: Monday to Friday, 8 to 12 and 13 to 17."""
        self.env.company.resource_calendar_id.tz = "Europe/Madrid"
        sequence = self._sequence({"in_working_hours": True, "wait_amount": 2})
        lead = self._opportunity()
        step = sequence.step_ids
        # 2026-11-06 is a Friday; Madrid is an hour ahead of UTC.
        friday = datetime(2026, 11, 6, 10, 0)
        self.assertEqual(step._due_times({lead: lead}, friday)[lead], datetime(2026, 11, 10, 10, 0))
        step.write({"wait_unit": "hours", "wait_amount": 10})
        self.assertEqual(step._due_times({lead: lead}, friday)[lead], datetime(2026, 11, 9, 13, 0))
        night = self.env["resource.calendar"].create(
            {
                "name": "Nights",
                "tz": "UTC",
                "attendance_ids": [
                    (5, 0, 0),
                    *(
                        (0, 0, {"name": "Night", "dayofweek": str(day), "hour_from": 20,
                                "hour_to": 23, "day_period": "afternoon"})
                        for day in range(7)
                    ),
                ],
            }
        )  # fmt: skip
        self.env["resource.resource"].create(
            {"name": "Night", "user_id": self.salesperson.id, "calendar_id": night.id,
             "company_id": self.env.company.id}
        )  # fmt: skip
        self.salesperson.invalidate_recordset()
        step.write({"wait_amount": 1})
        self.assertEqual(step._due_times({lead: lead}, friday)[lead], datetime(2026, 11, 6, 21, 0))
        sequence.calendar_id = self.env.company.resource_calendar_id
        self.assertEqual(step._due_times({lead: lead}, friday)[lead], datetime(2026, 11, 6, 11, 0))

    def test_a_calendar_without_hours_keeps_nobody_waiting_for_ever(self):
        empty = self.env["resource.calendar"].create(
            {"name": "Never", "attendance_ids": [(5, 0, 0)]}
        )
        sequence = self._sequence({"in_working_hours": True}, calendar_id=empty.id)
        lead = self._opportunity()
        start = datetime(2026, 11, 6, 10, 0)
        self.assertEqual(sequence.step_ids._due_times({lead: lead}, start)[lead], start + 2 * DAY)

    def test_promotions_of_a_red_number_wait_or_end_it(self):
        self.sender.quality_rating = "red"
        for choice, state in (("wait", "running"), ("stop", "stopped")):
            with self._case(choice):
                sequence = self._sequence(
                    {"template_id": self.template.id, "wait_amount": 0}, when_red=choice
                )
                one = self._enrolled(sequence)
                self._run()
                self.assertEqual((one.state, len(one.message_ids)), (state, 0))
                self.assertTrue(one.why_text)
                if choice == "stop":
                    self.assertEqual(one.stop_reason, "red")
                    continue
                self.sender.quality_rating = "green"
                self._run_due(one)
                self.assertEqual(len(one.message_ids), 1)

    def test_service_messages_of_a_red_number_go_on(self):
        self.sender.quality_rating = "red"
        one = self._enrolled(self._sequence({"wait_amount": 0}))
        self._run()
        self.assertEqual(len(one.message_ids), 1)

    def test_a_template_that_meta_paused_is_waited_for_but_not_for_ever(self):
        sequence = self._sequence({"wait_amount": 0}, patience_days=7)
        one = self._enrolled(sequence)
        self.utility_template.sudo().status = "paused"
        self._run()
        self.assertEqual(one.state, "running")
        self.assertIn("not approved", one.why_text)
        one.write({"due_at": one.due_at - 8 * DAY})
        self._run_due(one)
        self.assertEqual((one.state, one.stop_reason), ("stopped", "late"))

    def test_a_message_that_cannot_be_sent_ends_it_or_is_passed_over(self):
        for choice in ("stop", "go"):
            with self._case(choice):
                sequence = self._sequence(
                    {"wait_amount": 0},
                    {"kind": "activity", "wait_amount": 0},
                    when_not_sent=choice,
                )
                lead = self._opportunity("n/a")
                one = self._enrolled(sequence, lead)
                self._run()
                self._run_due(one)
                self.assertEqual(one.message_ids.state, "skipped")
                if choice == "go":
                    self.assertEqual((one.state, len(lead.activity_ids)), ("done", 1))
                else:
                    self.assertEqual((one.state, one.stop_reason), ("stopped", "not_sent"))
                    self.assertIn("invalid phone number", one.stop_text)

    def test_a_paused_followup_waits_with_all_in_it(self):
        sequence = self._sequence({"wait_amount": 0}, {"wait_amount": 0})
        one, queued = self._enrolled(sequence), None
        queued = self._enrolled(sequence, self._opportunity("+34611000002"))
        one.next_at += DAY
        self._run()
        self.assertEqual(queued.message_ids.state, "queued")
        sequence.action_pause()
        one.next_at -= 2 * DAY
        self._run()
        self._dispatch()
        self.assertFalse(one.message_ids)
        self.assertEqual(queued.message_ids.state, "queued")
        self.assertEqual(len(self.simulator.sends()), 0)
        self.assertIn("paused", one.why_text)
        sequence.action_resume()
        self._run()
        self.assertTrue(one.message_ids)

    def test_one_that_fails_stops_no_other(self):
        broken = self._sequence({"kind": "activity", "wait_amount": 0, "summary": "Refused"})
        sequence = self._sequence({"wait_amount": 0}, trigger="manual")
        bad = self._enrolled(broken)
        good = self._enrolled(sequence, self._opportunity("+34611000002"))
        self.env.cr.execute(
            "ALTER TABLE mail_activity ADD CONSTRAINT refused CHECK (summary != 'Refused')"
        )
        with mute_logger(
            "odoo.addons.waba_campaign.models.sequence.waba_sequence_enrollment", "odoo.sql_db"
        ):
            self._run()
        self.assertEqual(len(good.message_ids), 1)
        self.assertEqual((bad.state, bad.error_count), ("running", 1))
        self.assertIn("Step failed", bad.why_text)
        self.assertGreater(bad.next_at, fields.Datetime.now())
        bad.error_count = 4
        with mute_logger(
            "odoo.addons.waba_campaign.models.sequence.waba_sequence_enrollment", "odoo.sql_db"
        ):
            self._run_due(bad)
        self.assertEqual((bad.state, bad.stop_reason), ("stopped", "error"))

    def test_the_alarm_is_set_for_the_first_that_is_due(self):
        one = self._enrolled(self._sequence())
        cron = self.env.ref("waba_campaign.ir_cron_run_followups")
        self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]).unlink()
        self._run()
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertIn(one.next_at, triggers.mapped("call_at"))


class TestEnding(SequenceCase):
    def _started(self, number="+34 611 000 001", **values):
        """A lead whose first message is in the queue, and its enrollment."""
        sequence = self._sequence({"wait_amount": 0}, {}, **values)
        lead = self._opportunity(number, stage_id=self.stage.id)
        [one] = self._enrollments(lead, sequence)
        self._run()
        self.assertEqual(one.message_ids.state, "queued")
        return lead, one

    def _endings(self):
        """{reason: (field that switches it, what happens to the lead)}."""
        return {
            "replied": ("stop_on_reply", lambda lead: self._receive(
                self._inbound("+34611000001", "Sí, gracias"))),
            "opted_out": ("stop_on_opt_out", lambda lead: self._record_preference(
                self.env["waba.recipient"].search([("number", "=", "+34611000001")]), "opt_out")),
            "won": ("stop_on_won", lambda lead: lead.action_set_won()),
            "lost": ("stop_on_lost", lambda lead: lead.action_set_lost()),
            "stage_left": (
                "stop_on_stage_left", lambda lead: lead.write({"stage_id": self.other_stage.id})),
            "own_message": ("stop_on_own_message", lambda lead: self.env["waba.message"]
                .with_user(self.salesperson)._queue_direct(
                    self.sender, lead.with_user(self.salesperson), origin="manual",
                    template=self.utility_template)),
            "own_contact": ("stop_on_own_contact", lambda lead: lead.with_user(self.salesperson)
                .message_post(body="Hola", message_type="comment",
                              subtype_xmlid="mail.mt_comment")),
        }  # fmt: skip

    def test_each_reason_ends_it_at_once_and_cancels_what_waits(self):
        for reason, (_switch, happens) in self._endings().items():
            with self._case(reason):
                lead, one = self._started()
                happens(lead)
                self.assertEqual((one.state, one.stop_reason), ("stopped", reason))
                [message] = one.message_ids
                self.assertEqual(message.state, "cancelled")
                self.assertIn("follow-up ended", message.failure_reason)
                self._run()
                self._dispatch()
                sent = len(self.simulator.sends())
                self.assertEqual(sent, int(reason == "own_message"), "nothing of ours")

    def test_each_reason_can_be_switched_off(self):
        for reason, (switch, happens) in self._endings().items():
            with self._case(reason):
                others = {"stop_on_stage_left": False} if reason == "won" else {}
                lead, one = self._started(**{switch: False, **others})
                happens(lead)
                self._make_due(one)
                self._run()
                self.assertEqual(one.state, "running")

    def test_an_email_of_the_person_is_an_answer_and_a_call_is_ours(self):
        partner = self.env["res.partner"].create({"name": "Ana", "email": "ana@example.com"})
        with self._case("e-mail"):
            lead, one = self._started()
            lead.message_post(
                body="Sí", message_type="email", author_id=partner.id,
                subtype_xmlid="mail.mt_comment",
            )  # fmt: skip
            self.assertEqual(one.stop_reason, "replied")
        with self._case("call"):
            lead, one = self._started()
            activity = lead.activity_schedule(
                "mail.mail_activity_data_call", user_id=self.salesperson.id
            )
            activity.with_user(self.salesperson).action_feedback("They think about it")
            self.assertEqual(one.stop_reason, "own_contact")

    def test_a_note_to_colleagues_ends_nothing(self):
        lead, one = self._started()
        lead.with_user(self.salesperson).message_post(body="Internal", subtype_xmlid="mail.mt_note")
        self.assertEqual(one.state, "running")

    def test_a_lead_deleted_or_merged_leaves(self):
        with self._case("deleted"):
            lead, one = self._started()
            lead.unlink()
            self.assertEqual((one.state, one.stop_reason), ("stopped", "gone"))
            self.assertFalse(one.lead_id)
            self.assertEqual(one.message_ids.state, "cancelled")
            self.assertEqual(one.lead_name, "Lead +34 611 000 001")
        with self._case("merged"):
            lead, one = self._started()
            kept = self._opportunity("+34 611 000 009", probability=90)
            (kept | lead).merge_opportunity()
            self.assertFalse(lead.exists() and kept.exists())
            if not lead.exists():
                self.assertEqual((one.state, one.stop_reason), ("stopped", "gone"))

    def test_a_lead_that_no_longer_meets_the_conditions_leaves(self):
        sequence = self._sequence(domain="[('city', '=', 'Sevilla')]")
        lead = self._opportunity(city="Sevilla")
        one = self._enrolled(sequence, lead)
        lead.city = "Cádiz"
        self._run_due(one)
        self.assertEqual((one.stop_reason, len(one.message_ids)), ("unmet", 0))

    def test_a_reply_to_an_earlier_message_ends_what_has_not_written_yet(self):
        lead = self._opportunity()
        one = self._enrolled(self._sequence(), lead)
        self._receive(self._inbound("+34611000001", "Hola"))
        self.assertEqual(one.stop_reason, "replied")
        self.assertIn("Hola", one.stop_text)

    def test_a_message_that_comes_back_after_the_end_is_not_sent_to_who_replied(self):
        one = self._enrolled(self._sequence({"wait_amount": 0}))
        self._run()
        self._dispatch()
        self._run_due(one)
        message = self._messages(one)
        self.assertEqual((one.state, message.state), ("done", "accepted"))
        message._apply_failure("temporary", code=131016, text="Later.", refused_at_once=False)
        self._receive(self._inbound("+34611000001", "Sí, gracias"))
        message.retry_at = fields.Datetime.now()
        self._dispatch()
        self.assertEqual((message.state, message.attempt_count), ("cancelled", 1))

    def test_a_lead_that_goes_to_another_company_is_written_to_no_more(self):
        one = self._enrolled(self._sequence())
        company = self.env["res.company"].create({"name": "Elsewhere"})
        one.lead_id.write({"company_id": company.id, "user_id": False, "team_id": False})
        self.assertEqual((one.state, one.stop_reason), ("stopped", "unmet"))

    def test_the_reply_of_someone_else_ends_nothing(self):
        one = self._enrolled(self._sequence())
        self._receive(self._inbound("+34611000002", "Hola"))
        self._run_due(one)
        self.assertEqual(one.state, "running")
        self.assertTrue(one.message_ids)

    def test_an_answer_before_it_came_in_ends_nothing(self):
        self._receive(self._inbound("+34611000001", "Hola"))
        self.env.cr.execute(
            "UPDATE waba_message SET create_date = create_date - interval '1 day',"
            " sent_at = sent_at - interval '1 day' WHERE direction = 'in'"
        )
        self.env.invalidate_all()
        one = self._enrolled(self._sequence())
        now = fields.Datetime.now()
        one.write({"next_at": now - HOUR, "due_at": now - HOUR})
        self._run()
        self.assertTrue(one.message_ids)

    def test_a_reply_that_nobody_noticed_wins_before_the_step_and_before_the_sending(self):
        """As when it comes while the message is queued in a transaction that does not see it."""
        lead, one = self._started()
        self.assertEqual(lead.waba_followup_count, 1)
        person = one.message_ids.recipient_id
        self.env["waba.message"].create(
            {
                "direction": "in", "state": "received", "account_id": self.account.id,
                "sender_id": self.sender.id, "recipient_id": person.id, "kind": "text",
                "number": person.number, "sent_at": fields.Datetime.now() + timedelta(seconds=1),
                "text": "Sí",
            }
        )  # fmt: skip
        self.assertEqual(one.state, "running", "nobody noticed")
        self._dispatch()
        self.assertEqual((one.state, one.stop_reason), ("stopped", "replied"))
        self.assertEqual(one.message_ids.state, "cancelled")
        self.assertEqual(len(self.simulator.sends()), 0)

    def test_a_new_number_is_followed(self):
        lead = self._opportunity()
        one = self._enrolled(self._sequence(), lead)
        lead.phone = "+34 611 000 009"
        self.assertEqual(one.number, "+34611000009")
        self._receive(self._inbound("+34611000009", "Hola"))
        self.assertEqual(one.stop_reason, "replied")

    def test_a_salesperson_stops_it_with_a_reason(self):
        lead, one = self._started()
        action = one.with_user(self.salesperson).action_stop()
        wizard = self._opened(action, self.salesperson).create({"reason": "  "})
        with self.assertRaisesRegex(UserError, "Enter a reason"):
            wizard.action_confirm()
        wizard.reason = "We meet on Thursday"
        wizard.action_confirm()
        self.assertEqual((one.stop_reason, one.stopped_by_id), ("person", self.salesperson))
        self.assertEqual(one.stop_text, "We meet on Thursday")
        self.assertIn("We meet on Thursday", self._chatter(lead))

    def test_what_ended_stays_ended(self):
        _lead, one = self._started()
        one._stop_enrollments("person", "first")
        one._stop_enrollments("won")
        one._complete_enrollments()
        self.assertEqual((one.state, one.stop_text), ("stopped", "first"))


class TestVersions(SequenceCase):
    def test_steps_that_nobody_went_through_are_simply_changed(self):
        sequence = self._sequence()
        step = sequence.step_ids
        sequence.write({"step_ids": [(1, step.id, {"wait_amount": 5})]})
        self.assertEqual((sequence.step_ids, step.wait_amount, sequence.version), (step, 5, 1))

    def test_who_is_under_way_keeps_the_steps_they_began_with(self):
        sequence = self._sequence({}, {})
        one = self._enrolled(sequence)
        old = sequence.step_ids
        variable = old[0].variable_ids[0]
        sequence.write(
            {
                "step_ids": [
                    (1, old[0].id, {
                        "wait_amount": 9,
                        "variable_ids": [(1, variable.id, {"source": "text", "text": "otro"})],
                    }),
                    (2, old[1].id, 0),
                    (0, 0, self._step(kind="activity", sequence=5)),
                ]
            }
        )  # fmt: skip
        new = sequence.step_ids
        self.assertFalse(new & old)
        self.assertEqual(sequence.version, 2)
        self.assertEqual([step.kind for step in new], ["template", "activity"])
        self.assertEqual(new[0].wait_amount, 9)
        self.assertEqual(new[0].variable_ids[0].text, "otro")
        self.assertEqual((old[0].wait_amount, old[0].active), (2, False))
        self.assertNotEqual(variable.text, "otro")
        self.assertEqual((one.step_id, one.version, sequence.older_count), (old[0], 1, 1))
        self._run_due(one)
        self._dispatch()
        self.assertEqual(one.step_id, old[1])
        self._run_due(one)
        self.assertEqual(len(one.message_ids), 2, "both of the old steps")
        newcomer = self._enrolled(sequence, self._opportunity("+34611000002"))
        self.assertEqual((newcomer.step_id, newcomer.version), (new[0], 2))

    def test_applied_to_those_under_way(self):
        sequence = self._sequence({"wait_amount": 0}, {}, {})
        first, second = (
            self._enrolled(sequence, self._opportunity(f"+3461100000{n}")) for n in (1, 2)
        )
        second.next_at += 9 * DAY
        self._run()
        self._dispatch()
        old = sequence.step_ids
        sequence.write({"step_ids": [(1, old[1].id, {"wait_amount": 7}), (2, old[2].id, 0)]})
        wizard = (
            self.env["waba.sequence.apply"]
            .with_user(self.manager)
            .create({"sequence_id": sequence.id})
        )
        self.assertEqual(wizard.older_count, 2)
        wizard.action_confirm()
        new = sequence.step_ids
        self.assertEqual((first.step_id, second.step_id), (new[1], new[0]))
        self._run()
        self.assertEqual(first.next_at, first.waiting_since + 7 * DAY)
        self.assertEqual((sequence.older_count, len(first.message_ids)), (0, 1))
        self.assertEqual(len(second.message_ids), 1, "due at once by the new steps")

    def test_a_step_in_use_is_not_changed_behind_the_back(self):
        sequence = self._sequence()
        self._enrolled(sequence)
        for change in (
            lambda: sequence.step_ids.write({"wait_amount": 5}),
            sequence.step_ids.unlink,
            lambda: sequence.step_ids.variable_ids.write({"text": "x"}),
        ):
            with self.assertRaisesRegex(UserError, "completed this step"):
                change()

    def test_a_used_followup_is_not_deleted(self):
        sequence = self._sequence()
        self._enrolled(sequence)
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            sequence.unlink()
        self._sequence(activate=False).unlink()

    def test_archiving_pauses_it(self):
        sequence = self._sequence()
        one = self._enrolled(sequence)
        sequence.active = False
        self.assertEqual((sequence.state, one.is_paused), ("paused", True))

    def test_a_copy_is_a_draft_with_the_same_steps(self):
        sequence = self._sequence({}, {"kind": "activity"})
        copy = sequence.copy()
        self.assertEqual((copy.state, copy.version), ("draft", 1))
        self.assertEqual(copy.step_ids.mapped("kind"), ["template", "activity"])
        self.assertEqual(
            copy.step_ids[0].variable_ids.mapped("text"),
            sequence.step_ids[0].variable_ids.mapped("text"),
        )


class TestResults(SequenceCase):
    def _a_few(self):
        """Four leads of a follow-up: one waits, one got a message, one answered, one was won."""
        sequence = self._sequence({"wait_amount": 0}, {})
        leads = self._leads(4)
        leads.stage_id = self.stage
        waits, written, answered, won = (self._enrollments(lead) for lead in leads)
        waits.next_at += 9 * DAY
        self._run()
        self._dispatch()
        self._receive(self._inbound(answered.number, "Sí"))
        won.lead_id.action_set_won()
        return sequence, (waits, written, answered, won)

    def test_the_figures_of_a_follow_up_and_of_its_steps(self):
        sequence, (waits, written, *_others) = self._a_few()
        self.assertEqual(
            sequence.read(
                ["entered_count", "running_count", "stopped_count", "written_count",
                 "answered_count", "won_count", "answer_rate", "won_rate"]
            )[0]
            | {"id": 0},
            {"id": 0, "entered_count": 4, "running_count": 2, "stopped_count": 2,
             "written_count": 3, "answered_count": 1, "won_count": 1, "answer_rate": 1 / 3,
             "won_rate": 1 / 4},
        )  # fmt: skip
        first, second = sequence.step_ids
        self.assertEqual((first.here_count, first.reached_count, first.sent_count), (1, 3, 3))
        self.assertEqual((first.answered_count, second.here_count), (1, 1))
        self.assertEqual((second.reached_count, second.sent_count), (0, 0))
        self.assertEqual((waits.progress, written.progress), (0, 50))

    def test_the_report_adds_up(self):
        sequence, _enrollments = self._a_few()
        measures = ["entered_count:sum", "reached_count:sum", "sent_count:sum",
                    "answered_count:sum", "won_count:sum"]  # fmt: skip
        groups = self.env["waba.sequence.report"]._read_group(
            [("sequence_id", "=", sequence.id)], ["position"], measures
        )
        self.assertEqual(groups, [(1, 4, 3, 3, 1, 1), (2, 0, 0, 0, 0, 0)])
        [(won, answered)] = self.env["waba.sequence.report"]._read_group(
            [("sequence_id", "=", sequence.id)], [], ["won_rate:avg", "answer_rate:avg"]
        )
        self.assertEqual((won, answered), (1 / 4, 1 / 3))

    def test_compared_with_leads_that_came_to_the_stage_and_were_not_followed_up(self):
        sequence, _enrollments = self._a_few()
        sequence.domain = "[('city', '=', 'Sevilla')]"
        others = self._leads(3, start=50)
        # What a transaction notes of a change is written at its end.
        self._end_transaction()
        others[:2].stage_id = self.stage
        self._end_transaction()
        others[0].action_set_won()
        sequence.activated_at = self.env.cr.now() - HOUR
        self.assertEqual((sequence.others_count, sequence.others_won_count), (2, 1))
        self.assertEqual(sequence.others_won_rate, 1 / 2)
        self.assertIn("entered the same stage", sequence.comparison_text)
        self.assertIn("not proof", sequence.comparison_text)
        self.assertIn("Not enough data", sequence.comparison_text)

    def _end_transaction(self):
        self.env.flush_all()
        self.env.cr.precommit.run()

    def test_a_big_campaign_does_not_starve_them(self):
        self.portfolio.write({"daily_cap": 10, "followup_share": 0.2})
        campaign = self._campaign(self._leads(20))
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 8)
        sequence = self._sequence({"wait_amount": 0})
        for number in range(4):
            self._enrolled(sequence, self._opportunity(f"+3461199990{number}"))
        self._run()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 10, "their own part, and not more")
        self.assertEqual(
            sorted(sequence.enrollment_ids.message_ids.mapped("state")),
            ["accepted", "accepted", "queued", "queued"],
        )

    def test_an_erased_person_is_followed_no_more_and_not_named(self):
        sequence = self._sequence({"wait_amount": 0}, {})
        one = self._enrolled(sequence)
        self._run()
        one.message_ids.recipient_id._erase_personal_data(self.env.company)
        self.assertEqual((one.state, one.stop_reason), ("stopped", "erased"))
        self.assertFalse(one.number or one.lead_name or one.stop_text)

    def test_a_salesperson_sees_the_own_leads_and_cannot_stop_those_of_others(self):
        own_only = self._salesperson_of_own()
        sequence = self._sequence()
        theirs = self._enrolled(sequence)
        lead = self._opportunity("+34611000002")
        lead.user_id = own_only
        mine = self._enrolled(sequence, lead)
        enrollments = self.env["waba.sequence.enrollment"]
        self.assertEqual(enrollments.with_user(own_only).search([]), mine)
        self.assertEqual(enrollments.with_user(self.salesperson).search([]), mine | theirs)
        mine.with_user(own_only).action_stop()
        with self.assertRaises(AccessError):
            theirs.with_user(own_only).action_stop()
        with self.assertRaises(AccessError):
            sequence.with_user(self.salesperson).action_activate()
        with self.assertRaises(AccessError):
            sequence.with_user(own_only)._enroll_manually(theirs.lead_id)
