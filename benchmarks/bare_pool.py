"""The peer of dispatching: a plain pool of threads that post ready bodies with `requests`.

`python -m benchmarks.bare_pool URL CONNECTIONS TOKEN < bodies.jsonl`. No pace, no database, no
state: what `requests` itself can do with as many connections. The rate is taken at the server.
"""

import json
import sys
import threading
from collections import deque

import requests


def post_all(url, token, bodies, connections):
    """Post every body once, over `connections` threads with a session each."""
    queue = deque(bodies)
    threads = [
        threading.Thread(target=_work, args=(url, token, queue)) for _index in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(url, token, queue):
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while True:
            try:
                body = queue.popleft()
            except IndexError:
                return
            session.post(url, json=body, timeout=60).json()


def main():
    url, connections, token = sys.argv[1:]
    post_all(url, token, [json.loads(line) for line in sys.stdin], int(connections))


if __name__ == "__main__":
    main()
