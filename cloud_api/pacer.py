"""The pace of sending: when the next request may start."""

import time
from collections import deque

# Added to each interval: sums of rounded intervals must not let one start too many into a second.
_ROUNDING_SECONDS = 1e-8


class Pacer:
    """Start times: on average `rate` a second, never more than that many in a row.

    On a busy machine threads wake late; if each delay cost its time, the rate would never be
    reached. So up to `CATCH_UP_SECONDS` are made up for, at most at twice the rate; but any
    `window` starts always take as long as at an even pace, and longer by as much as threads lately
    woke too late: a request may be as late on its way, and the next ones behind it not. With a
    window of 1 nothing is made up for.

    Not thread-safe: `SendPool` calls it under its lock.

    :param rate: starts per second, above 0.
    :param start_at: earliest first start, on `clock`'s scale.
    :param window: starts among which lost time may be made up for, at least 1: as many as may
        start in one second.
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
        """Change the pace; it holds from the last start on, and nothing before is made up for."""
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
        """Seconds until the next start is allowed, 0 when it is now."""
        return max(0.0, self.next_start() - self._clock())

    def next_start(self):
        """When the next start is allowed, on the clock's scale; may lie in the past."""
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
        """From when on an even pace is allowed to a pacer that does not know these starts."""
        if not self._starts:
            return self.next_start()
        latest_first = enumerate(reversed(self._starts), 1)
        return max(start + index * self._interval for index, start in latest_first)

    def take(self, late=0.0):
        """Record a start now; call it when `delay()` is 0.

        :param late: seconds by which whoever waited for this start woke too late.
        """
        # Forgotten by half within a window.
        self._lateness = max(late, self._lateness * 0.5 ** (1 / self._window))
        if self._window == 1:
            self._lateness = 0.0
        start = max(self._clock(), self.next_start())
        due = start if self._due is None else self._due
        self._due = max(due, start - self.CATCH_UP_SECONDS) + self._interval
        if len(self._starts) == self._window:
            self._starts.popleft()
        self._starts.append(start)
