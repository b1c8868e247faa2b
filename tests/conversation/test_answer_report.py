"""Answer times: what counts as an answer, what was missed, and the figures of groups."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError

from .test_conversation import ConversationCase

NUMBERS = [f"+3461100000{index}" for index in range(1, 8)]


class TestAnswerTimes(ConversationCase):
    def setUp(self):
        super().setUp()
        self.index = 0

    def _they(self, number, hours, **values):
        self.index += 1
        return self._write(
            number=number, wamid=f"wamid.T{self.index}", ago=timedelta(hours=hours), **values
        )

    def _we(self, number, hours, origin="manual", state="read", **values):
        row = self._message(
            number, state, kind="text", text="Hola", template_id=False, category="service",
            origin=origin, user_id=self.marta.id, **values,
        )  # fmt: skip
        row.flush_recordset()
        at = self.now - timedelta(hours=hours)
        self.env.cr.execute("UPDATE waba_message SET create_date = %s WHERE id = %s", (at, row.id))
        return row

    def _report(self):
        self.env.flush_all()
        return self.env["waba.answer.report"].with_user(self.manager)

    def _turns(self):
        return [
            (turn.state, round(turn.answer_minutes), turn.message_count)
            for turn in self._report().search([], order="asked_at, id")
        ]

    def test_the_states_of_a_turn(self):
        for name, steps, expected in [
            ("answered", [("in", 5), ("in", 4), ("out", 3)], [("answered", 120, 2)]),
            ("answered twice", [("in", 5), ("out", 4), ("out", 3)], [("answered", 60, 1)]),
            ("two turns", [("in", 9), ("out", 8), ("in", 5), ("out", 2)],
             [("answered", 60, 1), ("answered", 180, 1)]),
            ("waiting", [("in", 5)], [("waiting", 0, 1)]),
            ("missed", [("in", 30)], [("missed", 0, 1)]),
            ("late", [("in", 60), ("out", 30)], [("late", 1800, 1)]),
            ("renewed by a second message", [("in", 40), ("in", 20)], [("waiting", 0, 2)]),
            ("we wrote first", [("out", 9), ("in", 5), ("out", 4)], [("answered", 60, 1)]),
            ("never wrote", [("out", 9)], []),
        ]:  # fmt: skip
            with self._case(name):
                for who, hours in steps:
                    (self._they if who == "in" else self._we)(NUMBERS[0], hours)
                self.assertEqual(self._turns(), expected)

    def test_what_is_no_answer(self):
        for name, values in {
            "automatic": {"origin": "reply"},
            "follow-up": {"origin": "sequence"},
            "excluded": {"state": "skipped"},
            "failed": {"state": "failed"},
            "reaction": {"kind": "reaction"},
        }.items():
            with self._case(name):
                self._they(NUMBERS[0], 30)
                row = self._we(NUMBERS[0], 29, **{k: v for k, v in values.items() if k != "kind"})
                row.kind = values.get("kind", "text")
                self.assertEqual(self._turns(), [("missed", 0, 1)])

    def test_a_reaction_of_theirs_asks_nothing(self):
        self._they(NUMBERS[0], 30)
        self._we(NUMBERS[0], 29)
        self._they(
            NUMBERS[0], 28, type="reaction", reaction={"message_id": "wamid.X", "emoji": "👍"}
        )
        self.assertEqual(self._turns(), [("answered", 60, 1)])

    def test_what_was_closed_without_an_answer_is_not_missed_even_after_it_is_reopened(self):
        self._they(NUMBERS[0], 30)
        conversation = self.env["waba.conversation"].search([])
        conversation._close()
        self.assertEqual(self._turns(), [("closed", 0, 1)])
        self._they(NUMBERS[0], 0)
        self.assertEqual(self._turns(), [("closed", 0, 1), ("waiting", 0, 1)])

    def test_figures_of_a_group_are_made_from_its_turns(self):
        for number, answer_after in zip(NUMBERS, (1, 2, 9), strict=False):
            self._they(number, 20)
            self._we(number, 20 - answer_after)
        self._they(NUMBERS[3], 30)
        self._they(NUMBERS[4], 1)
        [[average, median, missed, rate, count]] = self._report()._read_group(
            [], [], ["answer_minutes:avg", "answer_median:avg", "missed_count:sum",
                     "missed_rate:avg", "__count"]
        )  # fmt: skip
        self.assertEqual((round(average), round(median), missed, count), (240, 120, 1, 5))
        self.assertAlmostEqual(rate, 0.25, msg="one of four; the fifth may still be answered")

    def test_nothing_answered_is_no_time_and_not_zero(self):
        self._they(NUMBERS[0], 1)
        [[average, median, rate]] = self._report()._read_group(
            [], [], ["answer_minutes:avg", "answer_median:avg", "missed_rate:avg"]
        )
        self.assertEqual((average, median, rate), (False, False, False))

    def test_for_managers_of_the_company(self):
        self._they(NUMBERS[0], 1)
        with self.assertRaises(AccessError):
            self.env["waba.answer.report"].with_user(self.marta).search([])
        [turn] = self._report().search([])
        conversation = self.env["waba.conversation"].search([])
        self.assertEqual(turn.action_open_conversation()["res_id"], conversation.id)
        self.assertLessEqual(turn.asked_at, fields.Datetime.now())
