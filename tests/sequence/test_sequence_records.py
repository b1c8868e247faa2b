"""Follow-ups of records other than leads: contacts, quotations, invoices, any model."""
# pylint: disable=translation-required

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError

from ..sequence_case import DAY, HOUR, SequenceCase


class TestRecords(SequenceCase):
    def _contact(self, number="+34 611 000 001", **values):
        return self.env["res.partner"].create(
            {"name": "Ana Prueba", "phone": number, "country_id": self.env.ref("base.es").id,
             **values}
        )  # fmt: skip

    def _of(self, model, *steps, **values):
        return self._sequence(
            *(steps or ({"wait_amount": 0},)),
            res_model=model, **{"trigger": "manual", "stage_ids": False, **values},
        )  # fmt: skip

    def _since(self, sequence):
        """As if it had been started some days ago."""
        sequence.trigger_from = self.env.cr.now() - 3 * DAY
        self.env.flush_all()

    def test_a_contact_that_starts_to_match(self):
        sequence = self._of("res.partner", trigger="match", domain="[('city', '=', 'Sevilla')]")
        contact, other = self._contact(), self._contact("+34 611 000 002", city="Cádiz")
        contact.city = "Sevilla"
        self._since(sequence)
        self._run()
        [one] = sequence.enrollment_ids
        self.assertEqual((one.res_id, one.lead_id.id, one.number),
                         (contact.id, False, "+34611000001"))  # fmt: skip
        self.assertEqual((one.lead_name, one.entered_by), ("Ana Prueba", "match"))
        self._run_due(one)
        [message] = one.message_ids
        self.assertEqual((message.res_model, message.res_id), ("res.partner", contact.id))
        self._run()
        self.assertEqual(len(sequence.enrollment_ids), 1, f"once, and not {other}")

    def test_a_record_that_no_longer_matches_or_is_deleted_exits(self):
        domain = "[('city', '=', 'Sevilla')]"
        for reason, happens in (
            ("unmet", lambda contact: contact.write({"city": "Cádiz"})),
            ("gone", lambda contact: contact.unlink()),
        ):
            with self._case(reason):
                sequence = self._of("res.partner", {"wait_amount": 2}, domain=domain)
                contact = self._contact(city="Sevilla")
                sequence._enroll_manually(contact)
                one = sequence.enrollment_ids
                happens(contact)
                self._run_due(one)
                self.assertEqual((one.state, one.stop_reason), ("stopped", reason))
                self.assertFalse(one.message_ids)

    def test_a_reply_stops_it_too(self):
        sequence = self._of("res.partner", {"wait_amount": 2})
        sequence._enroll_manually(self._contact())
        self._receive(self._inbound("+34611000001", "Hola"))
        self.assertEqual(sequence.enrollment_ids.stop_reason, "replied")

    def test_a_date_each_time_it_comes(self):
        sequence = self._of(
            "crm.lead", trigger="date", date_field="date_deadline", date_side="before",
            trigger_amount=30, reentry="after", reentry_days=0,
        )  # fmt: skip
        today = fields.Date.today()
        leads = self._leads(3)
        for lead, days in zip(leads, (29, 31, 200), strict=True):
            lead.date_deadline = today + days * DAY
        self._since(sequence)
        self._run()
        self.assertEqual(sequence.enrollment_ids.lead_id, leads[0])
        sequence.enrollment_ids._stop_enrollments("person")
        self._run()
        self.assertEqual(len(sequence.enrollment_ids), 1, "one date, once")
        # Renewed: the next one is another occasion.
        leads[0].date_deadline = today + 28 * DAY
        sequence.enrollment_ids.ended_at -= HOUR
        self.env.flush_all()
        self._run()
        self.assertEqual(len(sequence.enrollment_ids), 2)

    def test_a_quotation_with_its_contact_and_its_goal(self):
        if "sale.order" not in self.env:
            self.skipTest("sale is not installed")
        sequence = self._of(
            "sale.order", trigger="match", domain="[('state', '=', 'sent')]", goal_kind="order"
        )
        order = self.env["sale.order"].create({"partner_id": self._contact().id})
        order.state = "sent"
        self._since(sequence)
        self._run()
        [one] = sequence.enrollment_ids
        self._run_due(one)
        self.assertEqual(one.message_ids.res_model, "res.partner")
        order.state = "sale"
        self._run_due(one)
        self.assertEqual((one.state, one.goal_reached), ("done", True))

    def test_an_overdue_invoice_and_an_event_registration(self):
        if "account.move" not in self.env or "event.registration" not in self.env:
            self.skipTest("account or event is not installed")
        starter = self.env["waba.sequence.starter"].with_user(self.manager)
        action = starter.with_context(show_starter="invoice").create({}).action_create()
        sequence = self.env["waba.sequence"].browse(action["res_id"])
        self.assertEqual((sequence.res_model, sequence.trigger), ("account.move", "date"))
        contact = self._contact()
        event = self.env["event.event"].create(
            {
                "name": "Fair",
                "date_begin": fields.Datetime.now() + 9 * DAY,
                "date_end": fields.Datetime.now() + 10 * DAY,
            }
        )
        registrations = self._of("event.registration")
        registration = self.env["event.registration"].create(
            {"event_id": event.id, "partner_id": contact.id}
        )
        registrations._enroll_leads(registration)
        self.assertEqual(registrations.enrollment_ids.number, "+34611000001")

    def test_an_automation_enrolls_once(self):
        sequence = self._of("res.partner", {"wait_amount": 2})
        action = self.env["ir.actions.server"].create(
            {
                "name": "Follow up",
                "state": "waba_followup",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "waba_sequence_id": sequence.id,
            }
        )
        contact = self._contact()
        for _time in range(2):
            action.with_context(
                active_model="res.partner", active_id=contact.id, active_ids=contact.ids
            ).run()
        self.assertEqual(sequence.enrollment_ids.mapped("res_id"), [contact.id])
        sequence._pause()
        self.assertIn("is not running", "".join(action._get_warning_messages()))

    def test_what_only_leads_have_is_refused(self):
        cases = [
            ({"trigger": "stage"}, {}, "This trigger is of leads"),
            ({}, {"kind": "stage", "stage_id": self.stage.id}, "Only leads have stages"),
            ({"trigger": "match"}, {}, "Set the filter that enrolls"),
            ({"trigger": "date"}, {}, "Choose the date that enrolls"),
            ({"goal_kind": "domain"}, {}, "Set the filter of the goal"),
        ]
        for values, step, expected in cases:
            with self.subTest(expected):
                sequence = self._of("res.partner", {**step}, activate=False, **values)
                self.assertIn(expected, sequence.todo_text)
        sequence = self._of("res.partner")
        sequence._enroll_manually(self._contact())
        with self.assertRaisesRegex(UserError, "kind of records cannot be changed"):
            sequence.res_model = "crm.lead"
        self.assertFalse(sequence._enroll_leads(self._leads(1)))

    def test_a_salesperson_reads_what_they_may(self):
        """An invoice's or a contact's enrollment only if it is theirs."""
        sequence = self._of("res.partner")
        mine = self._contact(user_id=self.salesperson.id)
        other = self._contact("+34 611 000 002", user_id=self.manager.id)
        sequence._enroll_leads(mine | other)
        seen = self.env["waba.sequence.enrollment"].with_user(self.salesperson).search([])
        self.assertEqual(seen.mapped("res_id"), [mine.id])
        with self.assertRaises(AccessError):
            (sequence.enrollment_ids - seen).with_user(self.salesperson).read(["lead_name"])

    def test_contacts_enrolled_by_hand(self):
        sequence = self._of("res.partner")
        contact = self._contact()
        wizard = self.env["waba.sequence.enroll"].with_context(
            active_model="res.partner", active_ids=contact.ids
        ).create({})  # fmt: skip
        self.assertEqual((wizard.sequence_id, wizard.may_count), (sequence, 1))
        wizard.action_confirm()
        self.assertEqual(sequence.enrollment_ids.entered_by, "manual")
        self.assertLess(timedelta(), fields.Datetime.now() + DAY - sequence.enrollment_ids.next_at)
