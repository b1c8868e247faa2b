"""A server that accepts every send as fast as possible, with the replies of Meta and Twilio.

`python -m benchmarks.stub --port 0` prints `stub listening on http://…`. Unlike the simulator it
checks nothing and stores only arrival times, so that it never limits a measurement.

- `POST /vNN.N/{number}/messages`, `POST /2010-04-01/Accounts/{sid}/Messages.json`
- `POST /_control/reset {"latency": seconds}` forgets everything and sets the answer's delay
- `GET /_control/arrivals`: {"times": [epoch seconds], "repeated": tags seen more than once}
"""

import argparse
import asyncio
import itertools
import json
import secrets
import time

from aiohttp import web


class Stub:
    """Arrivals since the last reset, and the delay of each answer."""

    def __init__(self):
        self.latency = 0.0
        self.times = []
        self.tags = []
        self._run = secrets.token_hex(6)
        self._ids = itertools.count(1)

    async def handle(self, request):
        if request.path.startswith("/_control/"):
            return await self._control(request)
        if request.method != "POST":
            # The job that polls numbers and templates may be due; it does not count.
            return web.Response(status=404)
        self.times.append(time.time())
        raw = await request.read()
        if request.path.startswith("/2010"):
            answer = {"sid": f"SM{self._run}{next(self._ids):020d}", "error_code": None}
        else:
            answer = self._accept(json.loads(raw))
        if self.latency:
            await asyncio.sleep(self.latency)
        return _json(answer)

    def _accept(self, body):
        self.tags.append(body.get("biz_opaque_callback_data"))
        to = body.get("to", "")
        return {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": to.lstrip("+")}],
            "messages": [
                {"id": f"wamid.{self._run}{next(self._ids)}", "message_status": "accepted"}
            ],
        }

    async def _control(self, request):
        if request.method == "POST":
            self.latency = (await request.json()).get("latency", 0.0)
            self.times, self.tags = [], []
        return _json({"times": self.times, "repeated": len(self.tags) - len(set(self.tags))})


def _json(value):
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


async def serve(port):
    runner = web.ServerRunner(web.Server(Stub().handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    print(f"stub listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(prog="benchmarks.stub")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
