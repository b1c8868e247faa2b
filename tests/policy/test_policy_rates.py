from datetime import date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import rates
from odoo.addons.waba_campaign.policy.rates import RateLine

from ..pure import PureCase

SPAIN, REGION, ELSEWHERE = frozenset({"ES"}), frozenset({"ES", "PT"}), frozenset()
DAY = date(2026, 11, 27)


class TestChoice(PureCase):
    def test_the_line_that_counts(self):
        old, new = date(2026, 7, 1), date(2026, 10, 1)
        cases = [
            ("no card", [], "ES", "marketing", None),
            ("the country", [(SPAIN, "marketing"), (ELSEWHERE, "marketing")], "ES", "marketing", 1),
            ("a region before elsewhere",
             [(ELSEWHERE, "marketing"), (REGION, "marketing")], "PT", "marketing", 2),
            ("the country before its region",
             [(REGION, "marketing"), (SPAIN, "marketing")], "ES", "marketing", 2),
            ("elsewhere", [(SPAIN, "marketing"), (ELSEWHERE, "marketing")], "FR", "marketing", 2),
            ("an unknown country", [(SPAIN, "marketing"), (ELSEWHERE, "marketing")], "",
             "marketing", 2),
            ("no line for the rest", [(SPAIN, "marketing")], "FR", "marketing", None),
            ("another category", [(SPAIN, "marketing")], "ES", "utility", None),
            ("lower case", [(SPAIN, "marketing")], "es", "marketing", 1),
            ("the newest", [(SPAIN, "utility", old), (SPAIN, "utility", new)], "ES", "utility", 2),
            ("not yet valid", [(SPAIN, "utility", old), (SPAIN, "utility", date(2027, 1, 1))],
             "ES", "utility", 1),
            ("valid from today", [(SPAIN, "utility", DAY)], "ES", "utility", 1),
            ("only later ones", [(SPAIN, "utility", date(2027, 1, 1))], "ES", "utility", None),
            ("the narrowest though older",
             [(SPAIN, "utility", old), (ELSEWHERE, "utility", new)], "ES", "utility", 1),
            ("service as utility", [(SPAIN, "utility")], "ES", "service", 1),
            ("service by its own", [(SPAIN, "utility"), (ELSEWHERE, "service")], "ES", "service",
             2),
            ("own before shared", [(SPAIN, "utility", new, False), (SPAIN, "utility", old)], "ES",
             "utility", 2),
            ("home currency", [(SPAIN, "utility", new, True, False), (SPAIN, "utility", new)],
             "ES", "utility", 2),
            ("newer before home currency",
             [(SPAIN, "utility", new, True, False), (SPAIN, "utility", old)], "ES", "utility", 1),
        ]  # fmt: skip
        for why, lines, country, category, expected in cases:
            with self.subTest(why):
                card = [RateLine(number, *line) for number, line in enumerate(lines, start=1)]
                found = rates.choose_rate(card, country, category, DAY)
                self.assertEqual(found and found.id, expected)

    # A loaded machine is no failure.
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        st.lists(
            st.builds(
                RateLine,
                st.integers(1, 50),
                st.sampled_from((SPAIN, REGION, ELSEWHERE)),
                st.sampled_from(rates.CATEGORIES),
                st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
                st.booleans(),
                st.booleans(),
            ),
            max_size=8,
        ),
        st.sampled_from(("ES", "PT", "FR", "")),
        st.sampled_from(rates.CATEGORIES),
    )
    def test_it_always_fits_and_the_order_does_not_matter(self, card, country, category):
        found = rates.choose_rate(card, country, category, DAY)
        if found:
            self.assertIn(found.category, (category, rates.PRICE_CATEGORY.get(category)))
            self.assertTrue(not found.countries or country in found.countries)
            self.assertTrue(not found.valid_from or found.valid_from <= DAY)
        self.assertEqual(rates.choose_rate(reversed(card), country, category, DAY), found)


class TestWindow(PureCase):
    def test_what_is_free(self):
        before, after = datetime(2026, 9, 30, 23, 59), datetime(2026, 10, 1)
        for category, in_window, at, free in [
            ("utility", True, before, True),
            ("service", True, before, True),
            ("utility", True, after, False),
            ("service", True, after, False),
            ("utility", False, before, False),
            ("marketing", True, before, False),
            ("authentication", True, before, False),
        ]:
            with self.subTest(category=category, in_window=in_window, at=at):
                self.assertEqual(rates.is_free(category, in_window, at), free)
