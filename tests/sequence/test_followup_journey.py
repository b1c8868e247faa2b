"""A branching follow-up run to each of its ends, through real Odoo and the simulator's process."""

from ..sequence_case import SequenceCase

DAYS = 24 * 3600
CALL, AGAIN, END = "call", "again", "end"


class TestFollowupJourney(SequenceCase):
    def test_each_lead_goes_its_own_way(self):
        """Five leads, the same message. Who says yes is called; who never reads it gets one more;
        who read it and said nothing is left alone; who asks something is a colleague's; who buys
        has reached the goal."""
        self.simulator.post("delivery", give_up_after=0)
        sequence = self._sequence(
            {
                "key": "ask", "wait_amount": 1, "goes_to": END, "decide_amount": 2,
                "branch_ids": [
                    (0, 0, {"kind": "word", "words": "sí, quiero", "goes_to": CALL}),
                    (0, 0, {"kind": "not_read", "goes_to": AGAIN}),
                ],
            },
            {"key": CALL, "kind": "activity", "summary": "Call", "wait_amount": 0, "goes_to": END},
            {"key": AGAIN, "wait_amount": 1},
            trigger="manual", stage_ids=False, goal_kind="won",
        )  # fmt: skip
        self.env.company.waba_same_template_hours = 0
        names = ("yes", "unread", "silent", "asks", "buys")
        leads = dict(zip(names, self._leads(5), strict=True))
        self.env["crm.lead"].concat(*leads.values()).user_id = self.salesperson
        unread = {"number": leads["unread"].phone_sanitized, "behaviour": "delivered"}
        self.simulator.post("behaviour", people=[unread])
        sequence._enroll_leads(self.env["crm.lead"].concat(*leads.values()))
        ones = {name: self._enrollments(lead) for name, lead in leads.items()}
        with self._moving_clock() as move:
            move(DAYS + 3600)
            self._work()
            self.assertEqual(len(self.simulator.sends()), 5)
            self._apply_posted()
            self._work()
            self._say("yes", leads, "Sí, quiero verlo")
            self._say("asks", leads, "¿Cuánto cuesta?")
            leads["buys"].stage_id = self.won_stage
            self._work()
            ends = {name: (one.state, one.stop_reason, one.goal_reached)
                    for name, one in ones.items()}  # fmt: skip
            self.assertEqual(
                ends,
                {
                    "yes": ("done", False, False),
                    "unread": ("running", False, False),
                    "silent": ("running", False, False),
                    "asks": ("stopped", "replied", False),
                    "buys": ("done", False, True),
                },
            )
            self.assertEqual(leads["yes"].activity_ids.summary, "Call")
            for _day in range(6):
                move(DAYS)
                self._work()
        self.assertEqual({one.state for one in ones.values()}, {"done", "stopped"})
        self.assertEqual(ones["unread"].path, ["ask", AGAIN])
        self.assertEqual(ones["silent"].path, ["ask"])
        sent = [send["body"]["to"].lstrip("+") for send in self.simulator.sends()]
        unread = ones["unread"].number.lstrip("+")
        self.assertEqual((len(sent), sent.count(unread)), (6, 2), "nobody else got a second one")
        self.assertEqual(leads["silent"].activity_ids.ids, [])
        boxes = {box["key"]: box for box in sequence.flow[0]["boxes"]}
        self.assertEqual(
            {key: (box["reached"], box["here"], box["goal"]) for key, box in boxes.items()},
            {"ask": (5, 0, 1), CALL: (1, 0, 0), AGAIN: (1, 0, 0)},
        )

    def _say(self, name, leads, text):
        self.simulator.post(
            "inbound", phone_id=self.sender.phone_number_uid,
            number=leads[name].phone_sanitized.lstrip("+"), text=text,
        )  # fmt: skip
        self._apply_posted()

    def _work(self):
        self._run()
        self._dispatch()
        self._run()
