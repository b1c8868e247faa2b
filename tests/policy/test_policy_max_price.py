from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import max_price

from ..pure import PureCase

currencies = st.sampled_from(sorted(max_price.SMALLEST_UNITS))
prices = st.decimals("0.0001", "50", places=6)
bids = st.integers(1, max_price.MAX_BID)


class Point(NamedTuple):
    bid: int


class TestMaxPrice(PureCase):
    def test_the_examples_of_meta(self):
        self.assertEqual(max_price.price_to_bid(Decimal("0.87"), "INR"), 87_000)
        self.assertEqual(max_price.price_to_bid(Decimal("0.05"), "USD"), 5_000)
        self.assertEqual(max_price.bid_to_price(87_000, "INR"), Decimal("0.87"))
        self.assertEqual(max_price.price_to_bid(Decimal("70"), "CLP"), 70_000)

    def test_currencies_with_a_doubtful_unit_have_no_price(self):
        for code in ("MXN", "COP", "IDR", "JPY", "", "XXX"):
            self.assertFalse(max_price.is_supported(code), code)
        self.assertTrue(max_price.is_supported("EUR"))

    @given(prices, bids, currencies)
    def test_no_message_may_cost_more_than_its_cap(self, cap, bid, currency):
        share = max_price.multiplier(cap, bid, currency)
        price = max_price.bid_to_price(bid, currency)
        self.assertLessEqual((1 if share is None else share) * price, max(cap, Decimal(0)))
        if share is not None:
            self.assertTrue(0 <= share < 1)
            # As JSON carries it.
            self.assertLessEqual(Decimal(str(float(share))) * price, cap)

    @given(prices, bids, currencies)
    def test_the_effective_price_is_the_smaller_one(self, cap, bid, currency):
        found = max_price.effective_price(cap, bid, currency)
        self.assertEqual(found, min(cap, max_price.bid_to_price(bid, currency)))
        alone = max_price.effective_price(None, bid, currency)
        self.assertEqual(alone, max_price.bid_to_price(bid, currency))

    @given(prices, currencies)
    def test_a_bid_never_exceeds_its_price(self, price, currency):
        bid = max_price.price_to_bid(price, currency)
        self.assertLessEqual(max_price.bid_to_price(bid, currency), price)

    @given(st.dictionaries(st.sampled_from(["", "ES", "MX"]), prices, min_size=1), currencies)
    def test_the_needed_bid_allows_every_price(self, caps, currency):
        bid = max_price.needed_bid(caps, currency)
        self.assertGreaterEqual(max_price.bid_to_price(bid, currency), max(caps.values()))

    def test_the_price_of_a_country(self):
        caps = {"ES": Decimal("0.05"), "": Decimal("0.03")}
        self.assertEqual(max_price.country_cap(caps, "ES"), Decimal("0.05"))
        self.assertEqual(max_price.country_cap(caps, "PT"), Decimal("0.03"))
        self.assertEqual(max_price.country_cap({"ES": 1}, "PT"), None)
        self.assertEqual(max_price.country_cap({"ES": 1}, None), None)

    def test_a_charge_is_compared_as_it_is_written(self):
        cases = [
            (0.05, 0.05, False),
            (0.050001, 0.05, True),
            (0.1 + 0.2, 0.3, False),
            (0, 0, False),
        ]
        for charge, cap, is_above in cases:
            with self.subTest(charge=charge):
                self.assertEqual(max_price.is_above(charge, cap), is_above)

    def test_the_estimate_is_that_of_the_price_below(self):
        points = [Point(400), Point(520)]
        self.assertIsNone(max_price.estimate_at(points, 399))
        self.assertEqual(max_price.estimate_at(points, 519), Point(400))
        self.assertEqual(max_price.estimate_at(points, 9999), Point(520))
