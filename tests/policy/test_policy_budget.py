"""policy.budget: for any order of events the charges stay within the budget."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from odoo.addons.waba_campaign.policy import budget
from odoo.addons.waba_campaign.policy.budget import Budget, Hold

from ..pure import PureCase


def amounts(most, places=6):
    """Decimals from 0 to `most`; Hypothesis's own are slow to draw."""
    return st.integers(0, most * 10**places).map(lambda number: Decimal(number).scaleb(-places))


prices = amounts(1)


class TestBound(PureCase):
    def test_the_highest_charge(self):
        cases = [
            ("the rate table", (0.0615,), "0.0615"),
            ("the cap instead of the rate", (0.0615, 0.05), "0.05"),
            ("a cap above the rate: an auction may go there", (0.0615, 0.09), "0.09"),
            ("a cap without a rate", (None, 0.05), "0.05"),
            ("a cap of 0", (0.0615, 0), "0"),
            ("no price known", (None,), None),
            ("what the manager chose for it", (None, None, 0.15), "0.15"),
            ("the manager's choice is for unknown prices only", (0.0615, None, 0.15), "0.0615"),
            ("free", (0,), "0"),
            ("rounded up", (Decimal("0.0000001"),), "0.000001"),
            ("as it is written", (0.1,), "0.1"),
        ]
        for why, arguments, expected in cases:
            with self.subTest(why):
                bound = budget.charge_bound(*arguments)
                self.assertEqual(bound, None if expected is None else Decimal(expected))

    @given(amounts(10, 9))
    def test_no_rounding_passes_a_bound(self, price):
        self.assertLessEqual(budget.round_amount(price), budget.round_up(price))
        self.assertLess(budget.round_up(price) - price, budget.UNIT)


class TestAffordable(PureCase):
    def test_it_stops_before_the_first_that_is_too_much(self):
        cases = [
            ("no budget", ["1", "2"], [], 2),
            ("exactly", ["0.04", "0.04"], [("1", "0.5", "0.42")], 2),
            ("a millionth too much", ["0.04", "0.040001"], [("1", "0.5", "0.42")], 1),
            ("nothing left", ["0.04"], [("50", "49.87", "0.13")], 0),
            ("free ones need nothing", ["0", "0"], [("50", "50", "0")], 2),
            ("a lowered budget stops free ones too", ["0"], [("40", "50", "0")], 0),
            ("the tighter of two", ["1", "1", "1"], [("9", "0", "0"), ("2", "0", "0")], 2),
            ("cheaper ones behind do not overtake", ["1", "3", "1"], [("3", "0", "0")], 1),
        ]
        for why, bounds, limits, expected in cases:
            with self.subTest(why):
                budgets = [Budget(*map(Decimal, limit)) for limit in limits]
                found = budget.count_affordable(map(Decimal, bounds), budgets)
                self.assertEqual(found, expected)

    @given(st.lists(prices), st.lists(st.tuples(prices, prices, prices), min_size=1))
    def test_what_fits_is_within_every_budget(self, bounds, limits):
        budgets = [Budget(10 * limit, spent, reserved) for limit, spent, reserved in limits]
        count = budget.count_affordable(bounds, budgets)
        for one in budgets:
            if count:
                self.assertLessEqual(one.spent + one.reserved + sum(bounds[:count]), one.limit)
        if count < len(bounds):
            self.assertTrue(any(not one.fits(sum(bounds[: count + 1])) for one in budgets))

    def test_a_price_that_is_unknown_again_stops_sending(self):
        bound, limit = Decimal("0.1"), Decimal("0.15")
        cheap = Hold().reserve(bound).settle(Decimal("0.02"))
        other = Hold().reserve(bound)
        self.assertEqual(budget.count_affordable([bound], [Budget(limit, cheap.amount)]), 1)
        used = cheap.settle(None).amount + other.amount
        self.assertGreater(used, limit)
        self.assertEqual(budget.count_affordable([Decimal(0), bound], [Budget(limit, used)]), 0)

    def test_a_campaign_resumes_once(self):
        for why, limit, spent, reserved, expected in (
            ("raised", "60", "49.87", "0.09", True),
            ("a little came free", "50", "49", "0.5", False),
            ("the last one came free", "50", "49.8", "0", True),
            ("too little for one", "50", "49.95", "0", False),
            ("a twentieth came free", "50", "40", "7.5", True),
        ):
            with self.subTest(why):
                one = Budget(Decimal(limit), Decimal(spent), Decimal(reserved))
                self.assertEqual(budget.can_resume(one, Decimal("0.11")), expected)


class Interleaving(RuleBasedStateMachine):
    """Messages of one budget, and a platform that charges what it wants up to each bound."""

    def __init__(self):
        super().__init__()
        self.messages, self.limit, self.charged = [], Decimal(0), Decimal(0)

    @initialize(limit=amounts(5))
    def choose_limit(self, limit):
        self.limit = limit

    def used(self):
        return sum((message["hold"].amount for message in self.messages), Decimal(0))

    @rule(bound=prices, again=st.integers(0, 30))
    def reserve(self, bound, again):
        """A new message, or another attempt of one whose result is unknown or a failure."""
        one = Budget(self.limit, self.used())
        if not budget.count_affordable([bound], [one]):
            return
        waiting = [m for m in self.messages if m["state"] in ("queued", "uncertain")]
        if again < len(waiting):
            message = waiting[again]
        else:
            message = {"hold": Hold(), "state": "queued", "open": []}
            self.messages.append(message)
        message["hold"] = message["hold"].reserve(bound)
        message["state"] = "sent"
        message["open"].append(bound)

    def pick(self, index, *states):
        found = [message for message in self.messages if message["state"] in states]
        return found[index % len(found)] if found else None

    @rule(index=st.integers(0, 30), times=st.integers(1, 2))
    def fail(self, index, times):
        if message := self.pick(index, "sent"):
            for _time in range(times):
                message["hold"] = message["hold"].release()
            message["open"].pop()
            message["state"] = "queued"

    @rule(index=st.integers(0, 30))
    def lose_the_answer(self, index):
        if message := self.pick(index, "sent"):
            message["state"] = "uncertain"

    @rule(index=st.integers(0, 30), share=amounts(1, 3))
    def deliver(self, index, share):
        """The platform charges up to the bound; a new price is what changes the share."""
        if message := self.pick(index, "sent", "uncertain"):
            cost = budget.round_amount(share * message["open"].pop())
            self.charged += cost
            message["hold"] = message["hold"].settle(cost)
            message["state"] = "delivered"

    @rule(index=st.integers(0, 30))
    def deliver_a_lost_attempt(self, index):
        """An earlier attempt without an answer arrives after all and is charged; nobody says so."""
        found = [m for m in self.messages if len(m["open"]) > (m["state"] in ("sent", "uncertain"))]
        if found:
            self.charged += found[index % len(found)]["open"].pop(0)

    @rule(index=st.integers(0, 30))
    def price_unknown_again(self, index):
        if message := self.pick(index, "delivered"):
            message["hold"] = message["hold"].settle(None)

    @precondition(lambda self: self.limit)
    @rule(limit=amounts(5))
    def raise_limit(self, limit):
        self.limit = max(self.limit, limit)

    @invariant()
    def within_budget(self):
        possible = self.charged + sum((sum(m["open"]) for m in self.messages), Decimal(0))
        # What is used may pass the limit: a price that is unknown again counts in full, after
        # others were sent for the difference. What can be charged may not.
        assert self.charged <= possible <= min(self.used(), self.limit), (possible, self.used())


Interleaving.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


class TestInterleaving(PureCase):
    def test_never_above(self):
        Interleaving.TestCase("runTest").runTest()
