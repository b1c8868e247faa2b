"""The webhook queue: signs, batches, delays, duplicates, reorders, loses and retries."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections import deque
from dataclasses import dataclass, field, fields

import aiohttp

from .timeline import Timeline
from .webhook_bodies import merge

# After this many attempts the wait stops growing: a higher power would overflow a float.
MAX_RETRY_EXPONENT = 60


@dataclass(slots=True)
class DeliverySettings:
    """Times in seconds. A delay is a number or a ``[low, high]`` range drawn uniformly.

    A failed delivery is retried after ``first_retry`` x ``retry_growth`` per attempt, at most
    ``longest_retry``, until ``give_up_after`` has passed (7 days: Meta's webhook overview,
    2026-09); all four are multiplied by ``retry_factor``.
    """

    url: str = ""
    app_secret: str = ""
    verify_token: str = ""
    delays: dict = field(default_factory=lambda: {
        "sent": 0.05, "delivered": 0.1, "read": 0.2, "failed": 0.1, "inbound": 0.2})
    batch_max: int = 100
    batch_window: float = 0.0
    concurrency: int = 8
    duplicate_rate: float = 0.0
    reorder_rate: float = 0.0
    reorder_window: float = 1.0
    loss_rate: float = 0.0
    timeout: float = 20.0
    first_retry: float = 5.0
    retry_growth: float = 2.0
    longest_retry: float = 3600.0
    give_up_after: float = 604800.0
    retry_factor: float = 1.0
    seed: int = 1

    def update(self, values):
        """Set known settings; ``delays`` is merged. Raises KeyError for an unknown name."""
        known = {f.name for f in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        for name, value in values.items():
            setattr(self, name, {**self.delays, **value} if name == "delays" else value)
        self.batch_max = max(1, min(1000, self.batch_max))
        self.concurrency = max(1, self.concurrency)


@dataclass(slots=True)
class QueuedBody:
    """One body on its way to one URL."""

    url: str
    raw: bytes
    updates: list
    first_at: float
    attempt: int = 0


def sign(raw, secret):
    """The X-Hub-Signature-256 value of these bytes."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


class Delivery:
    """Receives updates, posts bodies, records every attempt in ``attempts``."""

    def __init__(self, world, settings):
        self.world = world
        self.settings = settings
        self.attempts = []
        self.counts = {"updates": 0, "lost": 0, "duplicated": 0, "no_url": 0, "given_up": 0}
        self._late = Timeline()
        self._ready = deque()
        self._parcels = deque()
        self._tasks = set()
        self._wake = asyncio.Event()
        self._random = random.Random(settings.seed)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), skip_auto_headers=("User-Agent",))
        self._send_loop = asyncio.create_task(self._run())

    @property
    def pending(self):
        """Updates and bodies not yet settled: waiting, being posted, or due for a retry."""
        return len(self._ready) + len(self._parcels) + len(self._tasks) + len(self._late)

    def delay(self, kind):
        """Seconds to wait before an event of this kind."""
        value = self.settings.delays.get(kind, 0.0)
        return self._random.uniform(*value) if isinstance(value, list) else value

    def enqueue_update(self, update):
        """Queue an update, or let the settings lose, repeat or postpone it."""
        settings, chance = self.settings, self._random.random
        self.counts["updates"] += 1
        if settings.loss_rate and chance() < settings.loss_rate:
            self.counts["lost"] += 1
            return
        copies = 1
        if settings.duplicate_rate and chance() < settings.duplicate_rate:
            self.counts["duplicated"] += 1
            copies = 2
        for _copy in range(copies):
            if settings.reorder_rate and chance() < settings.reorder_rate:
                self._late.after(self._random.uniform(0, settings.reorder_window),
                                 self._enqueue, update)
            else:
                self._enqueue(update)

    def clear(self):
        """Drop what is queued and recorded; bodies being posted are cut off."""
        self._late.clear()
        self._ready.clear()
        self._parcels.clear()
        for task in self._tasks:
            task.cancel()
        self.attempts.clear()
        self.counts = dict.fromkeys(self.counts, 0)
        self._random = random.Random(self.settings.seed)

    def hurry(self):
        """Post what waits for a retry or for its reordering now."""
        self._late.hurry()

    async def close(self):
        self.clear()
        self._send_loop.cancel()
        await asyncio.gather(self._send_loop, *self._tasks, return_exceptions=True)
        await self._session.close()

    # ---- queue --------------------------------------------------------------------------------

    def _enqueue(self, update):
        self._ready.append(update)
        self._wake.set()

    def _resend(self, parcel):
        self._parcels.append(parcel)
        self._wake.set()

    def _callback_url(self, update):
        """The app's callback, or the account's override.

        Overrides apply to the messages field only (Meta, "Webhook overrides"); an app without a
        callback of its own lets the override take every field, for a setup with a single URL.
        """
        account = self.world.accounts.get(update.account_id)
        if account and not account.subscribed:
            return ""
        override = account.override_callback_uri if account else ""
        if override and (update.field == "messages" or not self.settings.url):
            return override
        return self.settings.url

    async def _run(self):
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.settings.batch_window and len(self._ready) < self.settings.batch_max:
                await asyncio.sleep(self.settings.batch_window)
            while (self._ready or self._parcels) and len(self._tasks) < self.settings.concurrency:
                parcel = self._parcels.popleft() if self._parcels else self._pack()
                if parcel:
                    task = asyncio.create_task(self._post(parcel))
                    self._tasks.add(task)
                    task.add_done_callback(self._finished)

    def _finished(self, task):
        self._tasks.discard(task)
        self._wake.set()

    def _pack(self):
        """The next body: what is ready for one URL, at most ``batch_max`` updates."""
        url = self._callback_url(self._ready[0])
        batch = []
        while (self._ready and len(batch) < self.settings.batch_max
               and self._callback_url(self._ready[0]) == url):
            batch.append(self._ready.popleft())
        if not url:
            self.counts["no_url"] += len(batch)
            return None
        if self.settings.reorder_rate:
            self._random.shuffle(batch)
        raw = json.dumps(merge(batch), separators=(",", ":")).encode()
        return QueuedBody(url, raw, batch, time.monotonic())

    # ---- wire ---------------------------------------------------------------------------------

    async def _post(self, parcel):
        parcel.attempt += 1
        if parcel.attempt > 1:
            # A corrected callback URL gets what the wrong one did not accept.
            parcel.url = self._callback_url(parcel.updates[0]) or parcel.url
        signature = sign(parcel.raw, self.settings.app_secret)
        status = await self.post(parcel.url, parcel.raw, signature, parcel.attempt,
                                 len(parcel.updates))
        if status == 200:
            self._acknowledged(parcel.updates)
        else:
            self._plan_retry(parcel)

    async def post(self, url, raw, signature, attempt=1, updates=0):
        """POST one body, record the attempt, return the HTTP status or None without an answer."""
        headers = {"Content-Type": "application/json"}
        if signature:
            headers["X-Hub-Signature-256"] = signature
        record = {"index": len(self.attempts), "at": self.world.clock.now(), "url": url,
                  "attempt": attempt, "updates": updates, "signature": signature,
                  "raw": raw if self.world.settings.keep_bodies else b"",
                  "status": None, "error": "", "seconds": 0.0}
        self.attempts.append(record)
        started = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=self.settings.timeout)
            async with self._session.post(url, data=raw, headers=headers, timeout=timeout,
                                          allow_redirects=False) as reply:
                await reply.read()
                record["status"] = reply.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            record["error"] = f"{type(error).__name__}: {error}"
        record["seconds"] = round(time.monotonic() - started, 6)
        return record["status"]

    async def handshake(self, url, verify_token):
        """Meta's verification GET. Returns "" when the challenge came back, else what failed."""
        challenge = str(self._random.randrange(10**9, 10**10))
        params = {"hub.mode": "subscribe", "hub.challenge": challenge,
                  "hub.verify_token": verify_token}
        try:
            timeout = aiohttp.ClientTimeout(total=self.settings.timeout)
            async with self._session.get(url, params=params, timeout=timeout,
                                         allow_redirects=False) as reply:
                text = (await reply.content.read(4096)).decode(errors="replace")
                if reply.status != 200:
                    return f"HTTP Status Code = {reply.status}; HTTP Message = {reply.reason}"
                return "" if text == challenge else "The challenge was not returned"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"Connection failed ({type(error).__name__})"

    def _acknowledged(self, updates):
        """The business has been informed: store when on the people who opted out."""
        now = self.world.clock.now()
        for update in updates:
            if update.stopper and update.stopper.told_stop_at is None:
                update.stopper.told_stop_at = now

    def _plan_retry(self, parcel):
        settings = self.settings
        if time.monotonic() - parcel.first_at >= settings.give_up_after * settings.retry_factor:
            self.counts["given_up"] += 1
            return
        growth = settings.retry_growth ** min(parcel.attempt - 1, MAX_RETRY_EXPONENT)
        wait = settings.first_retry * growth
        self._late.after(min(wait, settings.longest_retry) * settings.retry_factor,
                         self._resend, parcel)
