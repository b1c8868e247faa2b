from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...policy.template_health import MEASURES, MIN_BASE, compare_rates, measure_rate
from ..pure import PureCase

COUNTS = st.dictionaries(
    st.sampled_from(["sent", "delivered", "read", "replied", "clicked", "opted_out"]),
    st.integers(0, 100_000),
)


class TestTemplateHealth(PureCase):
    def test_a_rate_needs_a_base(self):
        thin = measure_rate("read", {"delivered": MIN_BASE - 1, "read": 60})
        self.assertEqual((thin.count, thin.base, thin.value), (60, MIN_BASE - 1, None))
        enough = measure_rate("read", {"delivered": MIN_BASE, "read": 60})
        self.assertEqual(enough.value, 0.6)
        # Wilson, 60 of 100, 95 %: 50.2 to 69.1 %.
        self.assertAlmostEqual(enough.low, 0.502, places=3)
        self.assertAlmostEqual(enough.high, 0.691, places=3)

    def test_two_templates_differ_only_when_it_is_certain(self):
        cases = [
            ((600, 1000), (500, 1000), "higher"),
            ((500, 1000), (600, 1000), "lower"),
            ((60, 100), (50, 100), "unclear"),
            ((0, 1000), (0, 1000), "unclear"),
            ((1000, 1000), (1000, 1000), "unclear"),
            ((60, 99), (5, 1000), "thin"),
            ((5, 1000), (0, 0), "thin"),
        ]
        for (read, delivered), (read_2, delivered_2), expected in cases:
            with self.subTest(read=read, delivered=delivered, other=(read_2, delivered_2)):
                one = measure_rate("read", {"read": read, "delivered": delivered})
                other = measure_rate("read", {"read": read_2, "delivered": delivered_2})
                self.assertEqual(compare_rates(one, other), expected)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.sampled_from([*MEASURES]), COUNTS, COUNTS)
    def test_rates_are_shares_and_comparisons_mirror(self, measure, counts, others):
        one, other = measure_rate(measure, counts), measure_rate(measure, others)
        if one.value is None:
            self.assertLess(one.base, MIN_BASE)
        else:
            self.assertLessEqual(0, one.low)
            self.assertLessEqual(one.low, one.value + 1e-12)
            self.assertLessEqual(one.value - 1e-12, one.high)
            self.assertLessEqual(one.high, 1)
        mirrored = {"higher": "lower", "lower": "higher"}
        verdict = compare_rates(one, other)
        self.assertEqual(compare_rates(other, one), mirrored.get(verdict, verdict))
