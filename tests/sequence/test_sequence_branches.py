"""Follow-ups with branches: which way each lead goes, what a reply stops, and what steps do."""
# pylint: disable=translation-required

import json
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ...models.conversation.waba_message_inbound import WabaMessage
from ..sequence_case import DAY, HOUR, SequenceCase

YES, NO, END = "yes", "no", "end"


class TestBranches(SequenceCase):
    def _branching(self, *branches, otherwise=NO, kind="template", more=(), **values):
        """A message, then an activity by its branch: `yes` or `no`, each at once."""
        first = {
            "key": "first", "kind": kind, "wait_amount": 0, "goes_to": otherwise,
            "decide_amount": 1, "decide_unit": "days",
            "branch_ids": [(0, 0, {"goes_to": YES, **branch}) for branch in branches],
        }  # fmt: skip
        ends = [
            {"key": key, "kind": "activity", "summary": key, "wait_amount": 0, "goes_to": END}
            for key in (YES, NO)
        ]
        return self._sequence(first, *ends, *more, **values)

    def _sent(self, sequence, lead=None):
        """An enrollment whose first message was sent and delivered."""
        one = self._enrolled(sequence, lead)
        self._run_due(one)
        self._dispatch()
        self._run_due(one)
        return one

    def _over(self, one):
        """As if the time to decide were over."""
        one.waiting_since -= 2 * DAY
        self._run_due(one)

    def _way(self, one):
        """The summary of the activity that the lead got, None for none."""
        return one.lead_id.activity_ids.mapped("summary")[:1] or None

    def _reply(self, text):
        self._receive(self._inbound("+34611000001", text, wamid=f"wamid.{text}"))
        self._run()

    def test_a_word_decides_and_does_not_stop_it(self):
        one = self._sent(self._branching({"kind": "word", "words": "sí, quiero"}))
        self.assertTrue(one.is_deciding)
        self.assertEqual((one.state, self._way(one)), ("running", None))
        self._reply("Sí, me interesa")
        self._run()
        self.assertEqual((one.state, [*self._way(one)]), ("done", [YES]))
        self.assertEqual(one.path, ["first", YES])

    def test_any_other_reply_stops_it(self):
        one = self._sent(self._branching({"kind": "word", "words": "sí"}))
        self._reply("¿Quién es?")
        self.assertEqual((one.state, one.stop_reason), ("stopped", "replied"))
        self.assertFalse(self._way(one))

    def test_a_second_reply_stops_what_the_first_decided(self):
        sequence = self._branching({"kind": "word", "words": "sí"})
        sequence.step_ids[1].wait_amount = 2
        one = self._sent(sequence)
        self._reply("Sí")
        self.assertEqual((one.state, one.step_id.key), ("running", YES))
        self._reply("Llámame")
        self.assertEqual((one.state, one.stop_reason), ("stopped", "replied"))

    def test_an_opt_out_is_no_condition(self):
        one = self._sent(self._branching({"kind": "answered"}))
        self._reply("BAJA")
        self.assertEqual((one.state, self._way(one)), ("stopped", None))

    def test_without_a_reply_the_time_decides(self):
        one = self._sent(self._branching({"kind": "answered"}))
        self._run()
        self.assertEqual((one.state, one.is_deciding), ("running", True))
        self._over(one)
        self._run()
        self.assertEqual((one.state, [*self._way(one)]), ("done", [NO]))

    def test_read_and_not_read(self):
        for kind, is_read, expected in (
            ("read", True, YES), ("read", False, NO), ("not_read", True, NO),
            ("not_read", False, YES),
        ):  # fmt: skip
            with self._case(f"{kind}, {is_read}"):
                one = self._sent(self._branching({"kind": kind}))
                if is_read:
                    now = fields.Datetime.now()
                    one.message_ids.write({"state": "read", "read_at": now})
                self._over(one)
                self._run()
                self.assertEqual([*self._way(one)], [expected])

    def test_a_message_that_cannot_be_delivered(self):
        one = self._enrolled(self._branching({"kind": "not_delivered"}), self._opportunity("12"))
        self._run_due(one)
        self._run()
        self._run()
        self.assertEqual((one.state, [*self._way(one)]), ("done", [YES]))

    def test_a_field_of_the_record_decides_at_once(self):
        for city, expected in (("Sevilla", YES), ("Cádiz", NO)):
            with self._case(city):
                domain = "[('city', '=', 'Sevilla')]"
                one = self._enrolled(
                    self._branching({"kind": "field", "domain": domain}, kind="branch"),
                    self._opportunity(city=city),
                )
                self._run_due(one)
                self._run()
                self._run()
                self.assertEqual([*self._way(one)], [expected])

    def test_leads_at_one_step_go_each_its_way(self):
        domain = "[('city', '=', 'Sevilla')]"
        sequence = self._branching({"kind": "field", "domain": domain}, kind="branch")
        leads = self._leads(6)
        leads[:3].city = "Sevilla"
        leads.user_id = self.salesperson
        sequence._enroll_manually(leads)
        for _pass in range(3):
            self._run_due(sequence.enrollment_ids.filtered(lambda one: one.state == "running"))
        ways = {one.lead_id: one.path[-1] for one in sequence.enrollment_ids}
        self.assertEqual(ways, {lead: YES if lead.city else NO for lead in leads})
        self.assertEqual(set(sequence.enrollment_ids.mapped("state")), {"done"})

    def test_what_is_wrong_is_named_before_it_starts(self):
        cases = [
            ({"goes_to": "gone"}, "Step 1 leads to a step that was deleted"),
            ({"goes_to": "first"}, "Step 1 leads back to an earlier step"),
            ({"kind": "word", "words": " ,"}, "Enter the words"),
            ({"kind": "field"}, "Set the filter"),
        ]
        for branch, expected in cases:
            with self.subTest(expected):
                sequence = self._branching({"kind": "answered", **branch}, activate=False)
                self.assertIn(expected, sequence.todo_text)
                with self.assertRaisesRegex(UserError, expected):
                    sequence.with_user(self.manager)._activate()
        lost = self._branching({"kind": "answered"}, otherwise=YES, activate=False)
        self.assertIn("Step 3 is never reached", lost.todo_text)

    def test_a_copy_and_a_new_version_keep_their_branches(self):
        sequence = self._branching({"kind": "answered"})
        one = self._sent(sequence)
        old = sequence.step_ids
        sequence.write({"step_ids": [(1, old[1].id, {"summary": "Call"})]})
        self.assertNotEqual(sequence.step_ids, old)
        self.assertEqual(sequence.step_ids.mapped("key"), old.mapped("key"))
        self.assertEqual(sequence.step_ids[0].branch_ids.goes_to, YES)
        sequence._apply_to_running()
        self.assertEqual((one.step_id, one.is_deciding), (sequence.step_ids[0], True))
        self._reply("Hola")
        self._run()
        self.assertEqual([*self._way(one)], ["Call"])
        copy = sequence.copy()
        self.assertEqual(copy.step_ids[0].branch_ids.goes_to, copy.step_ids[1].key)

    def test_the_picture_has_the_figures(self):
        sequence = self._branching({"kind": "answered"})
        one = self._sent(sequence)
        self._reply("Hola")
        self._run()
        [flow] = sequence.flow
        json.dumps(flow)
        boxes = {box["key"]: box for box in flow["boxes"]}
        self.assertEqual((boxes["first"]["reached"], boxes["first"]["sent"]), (1, 1))
        self.assertEqual((boxes[YES]["reached"], boxes[NO]["reached"]), (1, 0))
        self.assertEqual((boxes[YES]["column"], boxes[NO]["column"]), (0, 1))
        counts = {(arrow["from"], arrow["to"]): arrow["count"] for arrow in flow["arrows"]}
        self.assertEqual(counts, {("first", YES): 1, ("first", NO): 0, (YES, END): 1, (NO, END): 0})
        self.assertEqual(one.progress, 100)

    def test_an_error_of_one_lead_stops_no_other(self):
        sequence = self._branching({"kind": "answered"})
        leads = self._leads(3)
        sequence._enroll_manually(leads)
        bad = leads[1].id
        honest = WabaMessage._outbound_note

        def fail(self, *args):
            if self.res_id == bad:
                raise ValueError("broken")
            return honest(self, *args)

        with (
            patch.object(WabaMessage, "_outbound_note", fail),
            mute_logger("odoo.addons.waba_campaign.models.sequence.waba_sequence_run"),
        ):
            self._run_due(sequence.enrollment_ids)
        held = sequence.enrollment_ids.filtered("error_count")
        self.assertEqual(held.lead_id.id, bad)
        self.assertEqual(len(sequence.enrollment_ids.message_ids), 2)


class TestActions(SequenceCase):
    def _done(self, step, lead=None, **values):
        sequence = self._sequence({"wait_amount": 0, **step}, **values)
        one = self._enrolled(sequence, lead)
        self._run_due(one)
        return one

    def test_stage_tags_salesperson_and_field(self):
        lead = self._opportunity(tag_ids=[(6, 0, self.tags[1].ids)])
        cases = [
            ({"kind": "stage", "stage_id": self.other_stage.id}, "stage_id", self.other_stage),
            ({"kind": "tags", "tag_ids": [(6, 0, self.tags[0].ids)],
              "removed_tag_ids": [(6, 0, self.tags[1].ids)]}, "tag_ids", self.tags[0]),
            ({"kind": "salesperson", "assigned_user_id": self.manager.id}, "user_id",
             self.manager),
            ({"kind": "field", "field_name": "expected_revenue", "field_value": "125.5"},
             "expected_revenue", 125.5),
            ({"kind": "field", "field_name": "city", "field_value": ""}, "city", False),
            ({"kind": "field", "field_name": "priority", "field_value": "High"}, "priority", "2"),
        ]  # fmt: skip
        for step, name, expected in cases:
            with self.subTest(step["kind"], name=name):
                one = self._done(step, lead)
                self.assertEqual((one.state, lead[name]), ("done", expected))

    def test_a_field_that_cannot_be_set_is_named(self):
        for name, value in (
            ("create_date", "2026-01-01"), ("message_ids", "1"), ("priority", "Huge"),
            ("expected_revenue", "much"), ("nothing", "1"), ("user_id", "OdooBot"),
        ):  # fmt: skip
            with self.subTest(name):
                step = {"kind": "field", "field_name": name, "field_value": value}
                sequence = self._sequence(step, activate=False)
                self.assertIn("Step 1:", sequence.todo_text)

    def test_a_server_action_runs_as_the_reader(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Describe",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "state": "code",
                "code": "record.write({'description': env.user.login})",
            }
        )
        one = self._done({"kind": "action", "action_id": action.id})
        self.assertIn(one.sequence_id.reader_id.login, one.lead_id.description)
        action.group_ids = self.env.ref("base.group_system")
        self.assertIn(
            "may not run",
            self._sequence(
                {"kind": "action", "action_id": action.id}, activate=False
            ).with_user(self.manager).step_ids._action_missing_text(),
        )  # fmt: skip

    def test_a_webhook_gets_one_event(self):
        self.env["ir.config_parameter"].set_param("waba_campaign.allowed_addresses", "localhost")
        webhook = self.env["waba.outgoing.webhook"].create(
            {"name": "ERP", "url": "https://erp.example.com/hook"}
        )
        one = self._done({"kind": "webhook", "webhook_id": webhook.id})
        events = self.env["waba.outgoing.event"].search([("webhook_id", "=", webhook.id)])
        self.assertEqual((one.state, len(events)), ("done", 1))
        self.assertEqual((events.res_model, events.res_id), ("crm.lead", one.lead_id.id))

    def test_without_rights_it_says_so_and_stops(self):
        reader = new_test_user(
            self.env, "waba_own_leads",
            groups="sales_team.group_sale_salesman,waba_campaign.waba_group_user",
        )  # fmt: skip
        sequence = self._sequence(
            {"kind": "stage", "stage_id": self.other_stage.id, "wait_amount": 0}
        )
        one = self._enrolled(sequence)
        sequence.sudo().reader_id = reader
        before = one.lead_id.stage_id
        with mute_logger("odoo.addons.waba_campaign.models.sequence.waba_sequence_run"):
            for _time in range(5):
                self._run_due(one)
        self.assertEqual(one.lead_id.stage_id, before)
        self.assertEqual((one.state, one.stop_reason), ("stopped", "error"))


class TestGoalsAndDates(SequenceCase):
    def test_goals(self):
        cases = [
            ({"goal_kind": "word", "goal_words": "compro"},
             lambda lead: self._receive(self._inbound("+34611000001", "Sí, compro uno"))),
            ({"goal_kind": "won"}, lambda lead: lead.write({"stage_id": self.won_stage.id})),
            ({"goal_kind": "domain", "goal_domain": "[('tag_ids', '!=', False)]"},
             lambda lead: lead.write({"tag_ids": [(4, self.tags[0].id)]})),
        ]  # fmt: skip
        for values, happens in cases:
            with self._case(values["goal_kind"]):
                one = self._enrolled(self._sequence({}, **values))
                self._run_due(one)
                self.assertEqual((one.goal_reached, one.state), (False, "running"))
                happens(one.lead_id)
                self._run()
                self.assertEqual((one.state, one.goal_reached, one.stop_reason),
                                 ("done", True, False))  # fmt: skip
                self.assertEqual(one.sequence_id.goal_count, 1)
                self.assertEqual(one.message_ids.state, "cancelled")

    def test_waiting_for_a_date(self):
        today = fields.Date.today()
        step = {
            "wait_kind": "date", "date_field": "date_deadline", "date_days": 3,
            "date_side": "before",
        }  # fmt: skip
        lead = self._opportunity(date_deadline=False)
        one = self._enrolled(self._sequence(step), lead)
        self._run()
        self.assertEqual((one.hold_reason, one.state), ("Expected Closing is empty.", "running"))
        lead.date_deadline = today + 10 * DAY
        self._run_due(one)
        self.assertEqual(one.due_at.date(), (today + 7 * DAY))
        self.assertFalse(one.message_ids)
        self.assertLessEqual(one.next_at, fields.Datetime.now() + 12 * HOUR)
        # It was moved: what counts is the date by then.
        lead.date_deadline = today + 2 * DAY
        self._run_due(one)
        self.assertTrue(one.message_ids)

    def test_a_date_long_past_expires(self):
        step = {"wait_kind": "date", "date_field": "date_deadline"}
        lead = self._opportunity(date_deadline=fields.Date.today() - 30 * DAY)
        one = self._enrolled(self._sequence(step), lead)
        self._run()
        self.assertEqual((one.state, one.stop_reason), ("stopped", "late"))
        self.assertFalse(one.message_ids)
