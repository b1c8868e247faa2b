"""What certainly came within one second, as torture and benchmarks count it."""

from ...benchmarks.figures import max_per_second
from ..pure import PureCase


class TestMostInASecond(PureCase):
    def test_stamps_of_an_idle_simulator_are_counted_as_they_are(self):
        arrivals = [(at / 8, 0.0) for at in range(24)]
        self.assertEqual(max_per_second(arrivals), 8)
        self.assertEqual(max_per_second([*arrivals, (1.05, 0.0)]), 9)

    def test_one_second_later_is_another_second(self):
        self.assertEqual(max_per_second([(0.0, 0.0), (1.0, 0.0)]), 1)
        self.assertEqual(max_per_second([(0.0, 0.0), (0.999, 0.0)]), 2)

    def test_what_may_have_waited_is_counted_only_where_it_is_certain(self):
        """Five came during half a second in which the simulator did not run."""
        stamped_together = [(1.2, 0.5)] * 5
        self.assertEqual(max_per_second(stamped_together), 5)
        self.assertEqual(max_per_second([*stamped_together, (1.65, 0.0)]), 6)
        self.assertEqual(max_per_second([*stamped_together, (1.75, 0.0)]), 5)

    def test_nothing_came(self):
        self.assertEqual(max_per_second([]), 0)
