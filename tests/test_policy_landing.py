"""On which record an inbound message lands."""

import itertools
import unittest
from datetime import datetime, timedelta

from odoo.addons.waba_campaign.policy import landing
from odoo.addons.waba_campaign.policy.landing import Candidate

NOW = datetime(2026, 11, 27, 12)
OURS, THEIRS = 1, 2


def days(count):
    return NOW - timedelta(days=count)


class TestLadder(unittest.TestCase):
    def test_the_first_rung_that_holds_wins_whatever_else_there_is(self):
        inhabited = landing.RUNGS[:-1]
        for count in range(len(inhabited) + 1):
            for held in itertools.combinations(inhabited, count):
                steps = {rung: (lambda rung=rung: rung) for rung in held}
                expected = held[0] if held else landing.NOBODY
                with self.subTest(held=held):
                    self.assertEqual(landing.climb(steps), (expected, held[0] if held else None))

    def test_what_is_above_the_rung_that_holds_is_not_looked_up(self):
        asked = []

        def step(rung, answer):
            return lambda: asked.append(rung) or answer

        landing.climb(
            {
                "answered": step("answered", None),
                "open_lead": step("open_lead", "lead"),
                "partner": step("partner", "partner"),
                "new_lead": step("new_lead", "lead"),
            }
        )
        self.assertEqual(asked, ["answered", "open_lead"])

    def test_a_rung_that_does_not_exist_is_a_mistake(self):
        with self.assertRaises(ValueError):
            landing.climb({"lead": lambda: None})


class TestOpenLead(unittest.TestCase):
    CASES = [
        ("none", [], None),
        ("the only one", [Candidate("a", OURS)], "a"),
        ("of every company", [Candidate("a", None)], "a"),
        ("of another company", [Candidate("a", THEIRS)], None),
        ("closed", [Candidate("a", OURS, is_open=False)], None),
        ("the newest", [Candidate("a", OURS, at=days(1)), Candidate("b", OURS, at=days(9))], "a"),
        (
            "the newest is closed",
            [Candidate("a", OURS, False, at=days(1)), Candidate("b", OURS, at=days(9))],
            "b",
        ),
        (
            "the newest is theirs",
            [Candidate("a", THEIRS, at=days(1)), Candidate("b", None, at=days(9))],
            "b",
        ),
    ]

    def test_table(self):
        for name, candidates, expected in self.CASES:
            for order in (candidates, candidates[::-1]):
                with self.subTest(name):
                    self.assertEqual(landing.open_lead(order, OURS), expected)


class TestPartner(unittest.TestCase):
    CASES = [
        ("none", None, [], None),
        ("linked", Candidate("l", None), [Candidate("a", OURS, at=NOW)], "l"),
        ("linked to another company's", Candidate("l", THEIRS), [Candidate("a", OURS)], "a"),
        ("another company's", None, [Candidate("a", THEIRS)], None),
        (
            "a person before a company",
            None,
            [Candidate("c", None, is_person=False, at=NOW), Candidate("p", None, at=days(99))],
            "p",
        ),
        (
            "last changed",
            None,
            [Candidate("a", None, at=days(2)), Candidate("b", None, at=days(1))],
            "b",
        ),
    ]

    def test_table(self):
        for name, linked, candidates, expected in self.CASES:
            for order in (candidates, candidates[::-1]):
                with self.subTest(name):
                    self.assertEqual(landing.partner(linked, order, OURS), expected)


class TestNewLead(unittest.TestCase):
    def test_table(self):
        for wanted, kind, stop, blocked, expected in [
            (True, "text", False, False, True),
            (True, "image", False, False, True),
            (True, "order", False, False, True),
            (False, "text", False, False, False),
            (True, "text", True, False, False),
            (True, "text", False, True, False),
            *((True, kind, False, False, False) for kind in landing.NO_ENQUIRY),
        ]:
            with self.subTest(kind=kind, wanted=wanted, stop=stop, blocked=blocked):
                self.assertEqual(landing.makes_lead(wanted, kind, stop, blocked), expected)
