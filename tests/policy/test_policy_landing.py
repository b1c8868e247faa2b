"""On which record an inbound message lands."""

import itertools
from datetime import datetime, timedelta

from odoo.addons.waba_campaign.policy import landing
from odoo.addons.waba_campaign.policy.landing import RoutingCandidate

from ..pure import PureCase

NOW = datetime(2026, 11, 27, 12)
OURS, THEIRS = 1, 2


def days(count):
    return NOW - timedelta(days=count)


class TestRoutingOrder(PureCase):
    def test_the_first_rung_that_holds_wins_whatever_else_there_is(self):
        inhabited = landing.ROUTES[:-1]
        for count in range(len(inhabited) + 1):
            for held in itertools.combinations(inhabited, count):
                steps = {rung: (lambda rung=rung: rung) for rung in held}
                expected = held[0] if held else landing.NOBODY
                with self.subTest(held=held):
                    self.assertEqual(
                        landing.choose_route(steps), (expected, held[0] if held else None)
                    )

    def test_what_is_above_the_rung_that_holds_is_not_looked_up(self):
        asked = []

        def step(rung, answer):
            return lambda: asked.append(rung) or answer

        landing.choose_route(
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
            landing.choose_route({"lead": lambda: None})


class TestOpenLead(PureCase):
    CASES = [
        ("none", [], None),
        ("the only one", [RoutingCandidate("a", OURS)], "a"),
        ("of every company", [RoutingCandidate("a", None)], "a"),
        ("of another company", [RoutingCandidate("a", THEIRS)], None),
        ("closed", [RoutingCandidate("a", OURS, is_open=False)], None),
        (
            "the newest",
            [RoutingCandidate("a", OURS, at=days(1)), RoutingCandidate("b", OURS, at=days(9))],
            "a",
        ),
        (
            "the newest is closed",
            [
                RoutingCandidate("a", OURS, False, at=days(1)),
                RoutingCandidate("b", OURS, at=days(9)),
            ],
            "b",
        ),
        (
            "the newest is theirs",
            [RoutingCandidate("a", THEIRS, at=days(1)), RoutingCandidate("b", None, at=days(9))],
            "b",
        ),
    ]

    def test_table(self):
        for name, candidates, expected in self.CASES:
            for order in (candidates, candidates[::-1]):
                with self.subTest(name):
                    self.assertEqual(landing.newest_open_lead(order, OURS), expected)


class TestPartner(PureCase):
    CASES = [
        ("none", None, [], None),
        ("linked", RoutingCandidate("l", None), [RoutingCandidate("a", OURS, at=NOW)], "l"),
        (
            "linked to another company's",
            RoutingCandidate("l", THEIRS),
            [RoutingCandidate("a", OURS)],
            "a",
        ),
        ("another company's", None, [RoutingCandidate("a", THEIRS)], None),
        (
            "a person before a company",
            None,
            [
                RoutingCandidate("c", None, is_person=False, at=NOW),
                RoutingCandidate("p", None, at=days(99)),
            ],
            "p",
        ),
        (
            "last changed",
            None,
            [RoutingCandidate("a", None, at=days(2)), RoutingCandidate("b", None, at=days(1))],
            "b",
        ),
    ]

    def test_table(self):
        for name, linked, candidates, expected in self.CASES:
            for order in (candidates, candidates[::-1]):
                with self.subTest(name):
                    self.assertEqual(landing.routed_partner(linked, order, OURS), expected)


class TestNewLead(PureCase):
    def test_table(self):
        for wanted, kind, stop, blocked, expected in [
            (True, "text", False, False, True),
            (True, "image", False, False, True),
            (True, "order", False, False, True),
            (False, "text", False, False, False),
            (True, "text", True, False, False),
            (True, "text", False, True, False),
            *((True, kind, False, False, False) for kind in landing.NOT_ENQUIRY_KINDS),
        ]:
            with self.subTest(kind=kind, wanted=wanted, stop=stop, blocked=blocked):
                self.assertEqual(landing.creates_lead(wanted, kind, stop, blocked), expected)
