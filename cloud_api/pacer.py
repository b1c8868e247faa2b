"""The pace of sending: when the next request may start."""

import time
from collections import deque

# Added to each interval: rounded intervals must not add up to one start too many in a second.
_ROUNDING_SECONDS = 1e-8


class Pacer:
    """Start times: on average `rate` a second, never more than that many in a row.

    On a busy host threads resume late, and the rate would never be reached. So up to
    `CATCH_UP_SECONDS` of delay are made up, at most at twice the rate; but any `window` starts take
    as long as at an even pace, plus the recent lateness of threads: one request may be that late on
    its way, and the next ones not. With a window of 1 no delay is made up.

    Not thread-safe: `SendPool` calls it under its lock.

    :param rate: starts per second, above 0.
    :param start_at: earliest first start, on `clock`'s scale.
    :param window: starts over which lost time may be made up, at least 1: as many as may start in
        one second.
    :raise ValueError: the rate is not above 0, or the window below 1.
    """

    CATCH_UP_SECONDS = 0.25

    def __init__(self, rate, start_at=None, clock=time.monotonic, window=1):
        self._clock = clock
        self._due = start_at
        self._starts = deque()
        self._lateness = 0.0
        self.set_rate(rate, window)

    def set_rate(self, rate, window=1):
        """Change the pace from the last start on; time lost before is not made up."""
        if not rate > 0:
            raise ValueError("rate must be above 0")
        if window < 1:
            raise ValueError("window must be at least 1")
        self._interval = 1 / rate + _ROUNDING_SECONDS
        self._window = window
        while len(self._starts) > window:
            self._starts.popleft()
        if self._starts:
            self._due = self._starts[-1] + self._interval

    def delay(self):
        """Return the seconds until the next start is allowed, 0 for now."""
        return max(0.0, self.next_start() - self._clock())

    def next_start(self):
        """Return when the next start is allowed, on the clock's scale; may be in the past."""
        if self._due is None:
            return self._clock()
        if not self._starts:
            return self._due
        earliest = max(self._due, self._starts[-1] + self._interval / 2)
        if len(self._starts) == self._window:
            full = self._window * self._interval + self._lateness
            earliest = max(earliest, self._starts[0] + full)
        return earliest

    def even_start(self):
        """Return when a new pacer, without knowledge of these starts, may start at an even pace."""
        if not self._starts:
            return self.next_start()
        latest_first = enumerate(reversed(self._starts), 1)
        return max(start + index * self._interval for index, start in latest_first)

    def record_start(self, late=0.0):
        """Record a start now; call it when `delay()` is 0.

        :param late: seconds by which the waiting thread resumed too late.
        """
        # Halved over a window.
        self._lateness = max(late, self._lateness * 0.5 ** (1 / self._window))
        if self._window == 1:
            self._lateness = 0.0
        start = max(self._clock(), self.next_start())
        due = start if self._due is None else self._due
        self._due = max(due, start - self.CATCH_UP_SECONDS) + self._interval
        if len(self._starts) == self._window:
            self._starts.popleft()
        self._starts.append(start)
