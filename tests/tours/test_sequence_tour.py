"""Follow-ups in the browser, and two days later."""

from odoo.tests import tagged

from ..sequence_case import SequenceCase
from .test_tours import TourCase

DAYS = 24 * 3600


@tagged("post_install", "-at_install")
class TestSequenceTours(TourCase, SequenceCase):
    browser_size = "1440x900"

    def test_a_salesperson_follows_a_lead_up_until_the_person_answers(self):
        """It goes out two days later, once; after the answer nothing ever comes."""
        sequence = self._sequence({}, {}, trigger="manual", stage_ids=False)
        [lead] = self._opportunities("+34 611 000 001")
        # Nobody listens: one attempt to post each webhook is enough.
        self.simulator.post("delivery", give_up_after=0)
        self._tour("waba_follow_up_a_lead", "waba_salesperson")
        [one] = self._enrollments(lead, sequence)
        self.assertEqual((one.state, one.entered_by_id), ("running", self.salesperson))
        with self._moving_clock() as move:
            move(DAYS)
            self._work()
            self.assertEqual(self.simulator.sends(), [], "a day later: not yet")
            move(DAYS)
            self._work()
            [send] = self.simulator.sends()
            self.assertEqual(send["body"]["to"].lstrip("+"), "34611000001")
            self.assertEqual(send["body"]["template"]["name"], "order_update")
            move(3600)
            self.simulator.post(
                "inbound", phone_id=self.sender.phone_number_uid, number="34611000001",
                text="Sí, me interesa",
            )  # fmt: skip
            self._apply_posted()
            self.assertEqual((one.state, one.stop_reason), ("stopped", "replied"))
            for _day in range(5):
                move(DAYS)
                self._work()
            self.assertEqual(len(self.simulator.sends()), 1, "nothing after the answer")
        self.assertEqual((sequence.answered_count, sequence.written_count), (1, 1))
        self._tour("waba_see_it_stopped", "waba_salesperson")

    def _work(self):
        self._run()
        self._dispatch()

    def test_a_salesperson_stops_one_with_a_reason(self):
        sequence = self._sequence({}, {}, trigger="manual", stage_ids=False)
        [lead] = self._opportunities("+34 611 000 001")
        one = self._enrolled(sequence, lead)
        self._tour("waba_stop_a_follow_up", "waba_salesperson")
        self.assertEqual((one.stop_reason, one.stopped_by_id), ("person", self.salesperson))

    def test_a_manager_makes_one_and_starts_it(self):
        stage = self.env["crm.stage"].create({"name": "Offer sent", "sequence": 60})
        [lead] = self._opportunities("+34 611 000 001")
        lead.stage_id = stage
        self._tour("waba_make_a_follow_up", "waba_manager")
        self.assertEqual(self._enrollments(lead).step_id.template_id, self.utility_template)


    def test_a_manager_builds_a_branching_follow_up_by_clicks_and_it_runs(self):
        """One lead says the word: an activity, and the follow-up is not stopped by the reply."""
        stage = self.env["crm.stage"].create({"name": "Offer sent", "sequence": 60})
        [lead] = self._opportunities("+34 611 000 001")
        lead.stage_id = stage
        self.simulator.post("delivery", give_up_after=0)
        self._tour("waba_make_a_branching_follow_up", "waba_manager")
        one = self._enrollments(lead)
        sequence = one.sequence_id
        with self._moving_clock() as move:
            move(5 * DAYS)
            self._work()
            self.simulator.post(
                "inbound", phone_id=self.sender.phone_number_uid, number="34611000001",
                text="Sí, quiero verlo",
            )  # fmt: skip
            self._apply_posted()
            for _day in range(6):
                self._work()
                move(DAYS)
        self.assertEqual((one.state, one.stop_reason), ("done", False))
        self.assertIn("Call them", lead.activity_ids.mapped("summary"))
        self.assertEqual(len(self.simulator.sends()), 1)
        url = f"/odoo/action-waba_campaign.waba_sequence_action/{sequence.id}"
        self._tour("waba_see_which_way_it_went", "waba_manager", url)


@tagged("post_install", "-at_install")
class TestSequencePhoneTours(TourCase, SequenceCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone_leads_in_follow_ups_are_cards(self):
        sequence = self._sequence({}, {}, trigger="manual", stage_ids=False)
        [lead] = self._opportunities("+34 611 000 001")
        self._enrolled(sequence, lead)
        self._tour(
            "waba_follow_ups_on_a_phone",
            "waba_salesperson",
            "/odoo/action-waba_campaign.waba_sequence_enrollment_action",
        )
