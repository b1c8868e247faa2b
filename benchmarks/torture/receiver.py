"""Another system's server for outgoing events: ``python -m benchmarks.torture.receiver PORT LOG``.

Answers 500 to every fifth event and nothing, closing the connection, to every eleventh. LOG gets
one JSON line per request: {"id", "event", "key", "status"}, written before the answer.
"""

import itertools
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAIL_EVERY, BREAK_EVERY = 5, 11


def make_handler(log):
    """The handler of a receiver that writes to the open file `log`."""
    numbers, lock = itertools.count(1), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = next(numbers)
                status = 500 if number % FAIL_EVERY == 0 else 200
                status = 0 if number % BREAK_EVERY == 0 else status
                line = {"id": self.headers["X-Waba-Event-Id"], "event": body["event"],
                        "message": body["data"].get("message_id"), "status": status}  # fmt: skip
                log.write(json.dumps(line) + "\n")
                log.flush()
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            """The log has its own lines."""

    return Handler


def main():
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    with open(path, "a", encoding="utf-8") as log:
        server = ThreadingHTTPServer(("127.0.0.1", port), make_handler(log))
        print("listening on", port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
