"""Scheduled callbacks: a heap of (due, callback) served by one timer of the event loop."""

import asyncio
import heapq
import itertools


class Timeline:
    """Runs callbacks at their time, in order of due time, then of registration."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._heap = []
        self._order = itertools.count()
        self._timer = None

    def __len__(self):
        return len(self._heap)

    def after(self, seconds, callback, *args):
        """Call ``callback(*args)`` in that many seconds."""
        due = self._loop.time() + seconds
        heapq.heappush(self._heap, (due, next(self._order), callback, args))
        if self._heap[0][0] == due:
            self._arm()

    def hurry(self):
        """Run what is waiting, in order, now; what that schedules in turn keeps its delay."""
        waiting, self._heap = sorted(self._heap), []
        for _due, _order, callback, args in waiting:
            callback(*args)
        self._arm()

    def clear(self):
        self._heap.clear()
        self._arm()

    def _run_due(self):
        self._timer = None
        now = self._loop.time()
        try:
            while self._heap and self._heap[0][0] <= now:
                _due, _order, callback, args = heapq.heappop(self._heap)
                callback(*args)
        finally:
            self._arm()

    def _arm(self):
        if self._timer:
            self._timer.cancel()
        self._timer = (self._loop.call_at(self._heap[0][0], self._run_due)
                       if self._heap else None)
