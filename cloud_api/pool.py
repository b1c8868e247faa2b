"""The send pool: many connections, one pace. Holds plain values only, so it is safe in threads."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

from .errors import CloudApiError, NotSent, UnknownOutcome
from .pacer import Pacer

_logger = logging.getLogger(__name__)

# A thread reserves its stack, by default 8 MiB, in the process's address space, which Odoo limits
# to 2.5 GiB per worker (`limit_memory_hard`): 320 connections would use all of it.
STACK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of one submitted message.

    :param outcome: 'accepted', 'held' (quality assessment, or delivery paused), 'error' (refused,
        see `error`), 'unknown' (may have been sent: never resend automatically), 'not_sent'
        (provably not, the connection failed) or 'not_started' (too late, or the pool was closed).
    :param started_at, finished_at: epoch seconds, None when not started.
    """

    key: object
    outcome: str
    wamid: str = ""
    wa_id: str = ""
    user_uid: str = ""
    error: CloudApiError | None = None
    started_at: float | None = None
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    key: object
    phone_number_uid: str
    body: dict
    send_before: float
    endpoint: str


class SendPool:
    """Sends messages through `connections` threads, started at most `rate` times a second.

    Jobs start in the order of `submit`. Only a job that starts leaves the queue, so that
    `drain_unstarted` and `close` know exactly what was never put on the wire.

    :param client: CloudApiClient; each thread works with its own `client.for_thread()`.
    :param rate: starts per second, above 0; see `set_rate`.
    :param connections: maximum number of concurrent requests.
    :param start_at: epoch seconds of the first possible start: the last pool's `next_start_time`.
    :param clock: monotonic seconds; paces the starts.
    :param window: starts over which lost time may be made up, see `Pacer`.
    """

    def __init__(self, client, rate, connections, start_at=None, clock=time.monotonic, window=1):
        if connections < 1:
            raise ValueError("connections must be at least 1")
        self._client = client
        self._connections = connections
        self._clock = clock
        earliest = None if start_at is None else clock() + (start_at - time.time())
        self._pacer = Pacer(rate, earliest, clock, window)
        self._queue = deque()
        self._results = deque()
        self._in_flight = 0
        self._closed = False
        self._threads = []
        # One thread at a time waits for the next start; `_lock` guards everything above.
        self._gate = threading.Lock()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._finished = threading.Condition(self._lock)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    @property
    def pending(self):
        """Number of submitted messages not yet returned by `results` or `drain_unstarted`."""
        with self._lock:
            return len(self._queue) + self._in_flight + len(self._results)

    @property
    def unstarted(self):
        """Number of submitted messages that have not started."""
        with self._lock:
            return len(self._queue)

    @property
    def next_start_time(self):
        """Epoch seconds of the earliest next start, for the next pool."""
        with self._lock:
            return time.time() + self._pacer.even_start() - self._clock()

    def set_rate(self, rate, window=1):
        """Change the pace while running."""
        with self._lock:
            self._pacer.set_rate(rate, window)
            self._changed.notify()

    def submit(self, key, phone_number_uid, body, send_before, endpoint="messages"):
        """Queue one message.

        :param key: any value, returned in the result.
        :param body: request body, see `payloads`.
        :param send_before: epoch seconds after which it must not start.
        :param endpoint: see `CloudApiClient.send_message`.
        :raise RuntimeError: the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            if len(self._threads) < self._connections:
                self._add_thread()
            self._queue.append(_Job(key, phone_number_uid, body, send_before, endpoint))
            self._changed.notify()

    def results(self, max_items, timeout=None, min_items=1):
        """Return up to `max_items` results, as soon as there are `min_items`.

        Returns fewer when `timeout` seconds have passed, or when no more can come.

        :return: list of SendResult, each returned once.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            while len(self._results) < min(min_items, max_items):
                remaining = None if deadline is None else deadline - time.monotonic()
                nothing_more = not self._in_flight and not self._queue
                if nothing_more or (remaining is not None and remaining <= 0):
                    break
                self._finished.wait(remaining)
            count = min(max_items, len(self._results))
            return [self._results.popleft() for _index in range(count)]

    def drain_unstarted(self):
        """Take back what has not started; these never reach `results`.

        :return: list of keys
        """
        with self._lock:
            keys = [job.key for job in self._queue]
            self._queue.clear()
            self._finished.notify_all()
            return keys

    def close(self):
        """Wait for the requests in flight. Messages that were not started become results."""
        with self._lock:
            self._closed = True
            while self._queue:
                self._return_job(self._queue.popleft())
            self._changed.notify_all()
            self._finished.notify_all()
        for thread in self._threads:
            thread.join()

    def _add_thread(self):
        """Add a thread early: a connection opened in the middle of a run sends its first message
        late, and the next ones catch up with it."""
        try:
            self._threads.append(self._start_thread())
        except RuntimeError:
            # No memory for another thread: Odoo limits its workers' address space.
            if not self._threads:
                raise
            self._connections = len(self._threads)
            _logger.warning(
                "Sending with %d connections: no room for one more thread.", self._connections
            )

    def _start_thread(self):
        # Daemon: a killed dispatcher must not wait for open requests.
        client = self._client.for_thread()
        thread = threading.Thread(
            target=self._run_thread, args=(client,), name="waba-send", daemon=True
        )
        usual = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
        return thread

    def _run_thread(self, client):
        try:
            while start := self._next_job():
                result = _deliver(client, *start)
                with self._lock:
                    self._in_flight -= 1
                    self._results.append(result)
                    self._finished.notify_all()
        finally:
            client.close()

    def _next_job(self):
        """Wait for a job and its start; return (job, epoch seconds), or None when the pool
        closes."""
        with self._gate, self._lock:
            awaited = None
            while not self._closed:
                expires_in = self._return_expired()
                if expires_in is None:
                    self._changed.wait()
                    continue
                delay = self._pacer.delay()
                if not delay:
                    self._pacer.record_start(0.0 if awaited is None else self._clock() - awaited)
                    self._in_flight += 1
                    return self._queue.popleft(), time.time()
                awaited = self._pacer.next_start()
                self._changed.wait(min(delay, expires_in))
            return None

    def _return_expired(self):
        """Seconds until the first job in the queue expires, None when the queue is empty."""
        now = time.time()
        while self._queue and self._queue[0].send_before <= now:
            self._return_job(self._queue.popleft())
        return self._queue[0].send_before - now if self._queue else None

    def _return_job(self, job):
        self._results.append(SendResult(job.key, "not_started"))
        self._finished.notify_all()


def _deliver(client, job, started_at):
    """Send one message and return its result, errors included."""
    reply, error = None, None
    try:
        reply = client.send_message(job.phone_number_uid, job.body, job.endpoint)
    except CloudApiError as refusal:
        error = refusal
    # Otherwise the thread dies and its message has no result; the request may have been sent.
    except Exception as fault:
        error = UnknownOutcome(message=f"unexpected {type(fault).__name__}")
    finished_at = time.time()
    if reply is None:
        outcome = _error_outcome(error)
        return SendResult(
            job.key, outcome, error=error, started_at=started_at, finished_at=finished_at
        )
    outcome = "accepted" if reply.message_status == "accepted" else "held"
    return SendResult(
        job.key, outcome, reply.wamid, reply.wa_id, reply.user_uid, None, started_at, finished_at
    )


def _error_outcome(error):
    if isinstance(error, NotSent):
        return "not_sent"
    return "unknown" if isinstance(error, UnknownOutcome) else "error"
