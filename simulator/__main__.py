"""Command line: ``python -m simulator --port 8090 --webhook-url http://127.0.0.1:8069/…``."""

import argparse
import asyncio
import contextlib
import signal
import sys

from aiohttp import web

from .app import UPLOAD_MAX, GraphApp
from .control import Control
from .delivery import DeliverySettings
from .request_log import RequestLog
from .runtime import Simulator
from .seed import read_seed


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog="simulator", description="A local WhatsApp Cloud API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 chooses a free one")
    parser.add_argument("--webhook-url", default="", help="the app's callback URL")
    parser.add_argument("--app-secret", default="SIM-SECRET", help="signs the webhooks")
    parser.add_argument("--verify-token", default="", help="of the app's callback URL")
    parser.add_argument("--seed-file", help="a JSON world instead of the default one")
    parser.add_argument("--until-eof", action="store_true", help="end with the standard input")
    parser.add_argument("--log-file", help="append every request to this JSON-lines file")
    return parser.parse_args(arguments)


async def serve(options):
    """Run until SIGTERM or SIGINT, or until the standard input ends when it is told so."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.until_eof:
        loop.add_reader(sys.stdin, stop.set)
    settings = DeliverySettings(url=options.webhook_url, app_secret=options.app_secret,
                                verify_token=options.verify_token)
    simulator = Simulator(read_seed(options.seed_file), settings, RequestLog(options.log_file))
    runner = web.ServerRunner(_server(simulator), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, backlog=1024)
    await site.start()
    port = runner.addresses[0][1]
    simulator.conversions.origin = f"http://{options.host}:{port}"
    sys.stdout.write(f"simulator listening on http://{options.host}:{port}\n")
    sys.stdout.flush()
    try:
        await stop.wait()
    finally:
        await runner.cleanup()
        await simulator.close()


def _server(simulator):
    graph, control = GraphApp(simulator), Control(simulator)

    async def handle(request):
        if request.path.startswith("/_control/"):
            return await control.handle(request)
        return await graph.handle(request)

    def make_request(message, payload, protocol, writer, task):
        return web.BaseRequest(message, payload, protocol, writer, task,
                               asyncio.get_running_loop(), client_max_size=UPLOAD_MAX)

    return web.Server(handle, request_factory=make_request, access_log=None)


def main():
    options = parse_arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
