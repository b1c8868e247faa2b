"""How late the event loop is: the tolerance for checks of arrival times."""

import asyncio
import time

BEAT = 0.005


class Heartbeat:
    """Ticks every BEAT seconds while the loop is free. Create it inside a running event loop.

    A request is stamped when the loop gets round to it. On a busy machine that may be long after
    it reached the socket, and requests that came one by one are then stamped together.
    """

    def __init__(self):
        self._before_last = self._last = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self):
        while True:
            await asyncio.sleep(BEAT)
            self._before_last, self._last = self._last, time.monotonic()

    def lateness(self):
        """Seconds for which a request that is being stamped now may have waited for the loop.

        Counted from the beat before the last: the last one may belong to the same round of the
        loop, in which case it says nothing about the time before.
        """
        return max(0.0, time.monotonic() - self._before_last - 2 * BEAT)

    async def stop(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
