from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import ab_test
from odoo.addons.waba_campaign.policy.ab_test import VariantResult

from ..pure import PureCase


@st.composite
def part(draw):
    delivered = draw(st.integers(0, 400))
    read = draw(st.integers(0, delivered))
    return VariantResult(
        people=delivered + draw(st.integers(0, 50)),
        delivered=delivered,
        read=read,
        replied=draw(st.integers(0, delivered)),
        opted_out=draw(st.integers(0, delivered)),
        may_be_sent=draw(st.sampled_from([True, True, True, False])),
    )


criteria = st.sampled_from(ab_test.CRITERIA)
OTHER = {"a": "b", "b": "a"}


class TestShare(PureCase):
    def test_enough_people_to_tell_or_everybody(self):
        cases = [
            # wanted, people: share
            (0.2, 10_000, 0.2),
            (0.2, 1_000, 0.2),
            (0.2, 650, 0.2),
            (0.2, 500, 0.26),
            (0.2, 400, 0.325),
            (0.01, 1_000, 0.13),
            (0.2, 130, 1.0),
            (0.2, 100, 1.0),
            (0.2, 3, 1.0),
            (0.2, 0, 1.0),
            (1.0, 10_000, 1.0),
        ]
        for wanted, people, share in cases:
            with self.subTest(wanted=wanted, people=people):
                self.assertAlmostEqual(ab_test.test_share(wanted, people), share)


class TestAssign(PureCase):
    @given(st.text(max_size=20), st.text(max_size=20), st.floats(0, 1))
    def test_always_the_same_answer(self, campaign, person, share):
        self.assertEqual(
            ab_test.assign_variant(campaign, person, share),
            ab_test.assign_variant(campaign, person, share),
        )

    def test_the_trial_has_its_share_and_both_messages_their_half(self):
        people = [f"+346{index:08d}" for index in range(20_000)]
        counts = Counter(ab_test.assign_variant("7", person, 0.2) for person in people)
        self.assertAlmostEqual(counts["a"] / 20_000, 0.1, delta=0.01)
        self.assertAlmostEqual(counts["b"] / 20_000, 0.1, delta=0.01)

    def test_every_campaign_tries_on_others_and_in_no_order(self):
        people = [f"+346{index:08d}" for index in range(1_000)]
        one = {person for person in people if ab_test.assign_variant("1", person, 0.2)}
        other = {person for person in people if ab_test.assign_variant("2", person, 0.2)}
        self.assertLess(len(one & other), 0.4 * len(one))
        first_half = {person for person in one if person < people[500]}
        self.assertAlmostEqual(len(first_half) / len(one), 0.5, delta=0.1)

    @given(st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
    def test_a_larger_trial_keeps_whom_the_smaller_has(self, person, one, other):
        small, large = sorted((one, other))
        if ab_test.assign_variant("1", person, small):
            self.assertIsNotNone(ab_test.assign_variant("1", person, large))


class TestThrough(PureCase):
    def test_nearly_everybody_of_both(self):
        cases = [
            # (people, waiting) of a, of b: through
            ((100, 0), (100, 0), True),
            ((100, 10), (100, 10), True),
            ((100, 11), (100, 0), False),
            ((100, 0), (100, 100), False),
            ((0, 0), (0, 0), True),
            ((3, 1), (3, 0), False),
        ]
        for (people_a, waiting_a), (people_b, waiting_b), is_through in cases:
            with self.subTest(a=waiting_a, b=waiting_b):
                parts = {
                    "a": VariantResult(people=people_a, waiting=waiting_a),
                    "b": VariantResult(people=people_b, waiting=waiting_b),
                }
                self.assertEqual(ab_test.is_fully_sent(parts), is_through)


class TestDecide(PureCase):
    def _decide(self, a, b, criterion="read"):
        return ab_test.choose_winner({"a": VariantResult(**a), "b": VariantResult(**b)}, criterion)

    def test_what_counts_and_how_surely(self):
        cases = {
            "clearly": ({"delivered": 200, "read": 80}, {"delivered": 200, "read": 120},
                        ("b", "better")),
            "clearly a": ({"delivered": 200, "read": 120}, {"delivered": 200, "read": 80},
                          ("a", "better")),
            "by chance perhaps": ({"delivered": 200, "read": 100}, {"delivered": 200, "read": 104},
                                  ("b", "slightly")),
            "equal": ({"delivered": 100, "read": 50}, {"delivered": 200, "read": 100},
                      ("a", "equal")),
            "nobody read": ({"delivered": 100}, {"delivered": 100}, ("a", "equal")),
            "thin": ({"delivered": 49, "read": 10}, {"delivered": 60, "read": 50}, ("b", "thin")),
            "thin and equal": ({"delivered": 10}, {"delivered": 10}, ("a", "thin")),
            "nobody reached": ({}, {}, ("a", "thin")),
            "one reached nobody": ({}, {"delivered": 60, "read": 1}, ("b", "thin")),
            "rates, not numbers": ({"delivered": 400, "read": 100}, {"delivered": 100, "read": 60},
                                   ("b", "better")),
            "stopped": ({"delivered": 200, "read": 200, "may_be_sent": False},
                        {"delivered": 200}, ("b", "stopped")),
            "the other stopped": ({}, {"delivered": 200, "read": 9, "may_be_sent": False},
                                  ("a", "stopped")),
            "read more, and people ask to be left alone": (
                {"delivered": 200, "read": 80, "opted_out": 0},
                {"delivered": 200, "read": 120, "opted_out": 8}, ("a", "opt_outs")),
            "two opt-outs are no pattern": (
                {"delivered": 60, "read": 10}, {"delivered": 60, "read": 50, "opted_out": 2},
                ("b", "better")),
            "as many on both sides": (
                {"delivered": 200, "read": 80, "opted_out": 8},
                {"delivered": 200, "read": 120, "opted_out": 9}, ("b", "better")),
        }  # fmt: skip
        for name, (a, b, expected) in cases.items():
            with self.subTest(name):
                self.assertEqual(self._decide(a, b), expected)

    def test_by_answers_when_that_was_asked(self):
        a = {"delivered": 200, "read": 150, "replied": 5}
        b = {"delivered": 200, "read": 50, "replied": 30}
        self.assertEqual(self._decide(a, b, "reply"), ("b", "better"))
        self.assertEqual(self._decide(a, b, "read"), ("a", "better"))

    def test_neither_may_be_sent(self):
        stopped = {"may_be_sent": False}
        self.assertIsNone(self._decide(stopped, stopped))

    @given(part(), part(), criteria)
    def test_the_order_of_the_two_decides_nothing_but_a_tie(self, one, other, criterion):
        verdict = ab_test.choose_winner({"a": one, "b": other}, criterion)
        mirrored = ab_test.choose_winner({"a": other, "b": one}, criterion)
        if verdict is None:
            self.assertIsNone(mirrored)
        elif (one.rate(criterion) or 0) != (other.rate(criterion) or 0):
            self.assertEqual(mirrored, (OTHER[verdict.winner], verdict.ground))

    @given(part(), part(), criteria)
    def test_who_wins_may_be_sent(self, one, other, criterion):
        parts = {"a": one, "b": other}
        verdict = ab_test.choose_winner(parts, criterion)
        if verdict:
            self.assertTrue(parts[verdict.winner].may_be_sent)
        else:
            self.assertFalse(one.may_be_sent or other.may_be_sent)

    @given(part(), part(), criteria)
    def test_one_more_read_or_answered_never_makes_it_lose(self, one, other, criterion):
        verdict = ab_test.choose_winner({"a": one, "b": other}, criterion)
        if verdict is None or one.count(criterion) >= one.delivered:
            return
        name = "read" if criterion == "read" else "replied"
        better = one._replace(**{name: one.count(criterion) + 1})
        again = ab_test.choose_winner({"a": better, "b": other}, criterion)
        if verdict.winner == "a" and verdict.ground != "opt_outs":
            # A message that now leads may be found to be complained of; it is never called worse.
            self.assertTrue(again.winner == "a" or again.ground == "opt_outs")
