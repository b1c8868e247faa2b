"""The free window after an ad."""

from datetime import datetime, timedelta

from ...policy.free_window import FREE_PERIOD, window_end
from ..pure import PureCase

CLICK = datetime(2026, 11, 2, 12, 0)
HOUR = timedelta(hours=1)


class TestWindowEnd(PureCase):
    def _end(self, left, arrived=None, known=None, pricing=""):
        left_at = CLICK + left * HOUR
        arrived_at = CLICK + (left if arrived is None else arrived) * HOUR
        return window_end(CLICK, known, left_at, arrived_at, pricing)

    def test_an_answer_within_a_day_opens_it_when_it_arrives(self):
        for left, arrived in ((0, 0), (3, 3), (24, 24), (23, 30)):
            self.assertEqual(self._end(left, arrived), CLICK + arrived * HOUR + FREE_PERIOD)

    def test_a_later_answer_and_one_before_the_click_open_none(self):
        for left in (25, 100, -1):
            self.assertIsNone(self._end(left))

    def test_a_click_opens_one_window(self):
        known = CLICK + HOUR + FREE_PERIOD
        self.assertEqual(self._end(5, known=known), known)

    def test_a_new_click_opens_another(self):
        before = CLICK - HOUR
        self.assertEqual(self._end(1, known=before), CLICK + HOUR + FREE_PERIOD)

    def test_a_charge_in_the_window_ends_it(self):
        known = CLICK + HOUR + FREE_PERIOD
        ended = self._end(5, known=known, pricing="regular")
        self.assertEqual(ended, CLICK + 5 * HOUR)
        # The next answer within a day does not open it again.
        self.assertEqual(self._end(6, known=ended), ended)

    def test_the_price_of_the_answer_itself_ends_nothing(self):
        known = CLICK + HOUR + FREE_PERIOD
        self.assertEqual(self._end(1, known=known, pricing="regular"), known)
