"""Posts webhook bodies and measures the answers.

`python -m benchmarks.webhook_load URL SECONDS --connections N` posts over N connections as fast as
answers come; with `--rate R` it posts R a second whatever the answers do, and an answer's time
counts from when the request was due. Bodies come from standard input, one a line, each used once.
Prints {"posts": n, "rate": answers/s, "not_200": n, "seconds": [each answer's time]}.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time

import aiohttp

from .bodies import signature


class Load:
    """One run against one address."""

    def __init__(self, url, bodies):
        self._url = url
        self._bodies = iter(bodies)
        self.seconds = []
        self.not_200 = 0

    async def run_unpaced(self, session, connections, seconds):
        end = time.monotonic() + seconds
        await asyncio.gather(
            *(self._post_until_deadline(session, end) for _index in range(connections))
        )

    async def _post_until_deadline(self, session, end):
        while time.monotonic() < end:
            if not await self._post(session, time.monotonic()):
                return

    async def run_paced(self, session, rate, seconds):
        started, tasks = time.monotonic(), []
        for index in range(int(rate * seconds)):
            due = started + index / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(self._post(session, due)))
        await asyncio.gather(*tasks)

    async def _post(self, session, due):
        """Post the next body; False when there is none."""
        if (raw := next(self._bodies, None)) is None:
            return False
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(raw)}
        async with session.post(self._url, data=raw, headers=headers) as reply:
            await reply.read()
            self.not_200 += reply.status != 200
        self.seconds.append(time.monotonic() - due)
        return True


async def measure(options):
    lines = itertools.islice(sys.stdin.buffer, options.most)
    load = Load(options.url, [line.rstrip(b"\n") for line in lines])
    connector = aiohttp.TCPConnector(limit=options.connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        started = time.monotonic()
        if options.rate:
            await load.run_paced(session, options.rate, options.seconds)
        else:
            await load.run_unpaced(session, options.connections, options.seconds)
        took = time.monotonic() - started
    return {
        "posts": len(load.seconds),
        "rate": len(load.seconds) / took,
        "not_200": load.not_200,
        "seconds": load.seconds,
    }


def main():
    parser = argparse.ArgumentParser(prog="benchmarks.webhook_load")
    parser.add_argument("url")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--most", type=int, default=None)
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
