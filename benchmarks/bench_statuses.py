"""Applying statuses: updates a second by one job worker, for bodies of 1 to 1,000 updates."""

import hashlib
import time
from itertools import islice

from psycopg2.extras import execute_values

from .bodies import sender_values, status_body, webhook_body

NAME = "statuses"
SIZES = (1, 10, 100, 1000)
STATUSES = ("sent", "delivered", "read")
MUST = 3000


def run(bench, world):
    count = bench.size(20_000, 60)
    took = []
    for size in SIZES:
        rows = send(bench, world, count)
        updates = store(bench, world, rows, size)
        seconds = apply_all(bench)
        took.append((updates, seconds))
        check(bench, count)
        bench.report.add(
            NAME, f"bodies of {size}", updates / seconds, "updates/s", must=(">=", MUST)
        )


def send(bench, world, count):
    """`count` rows as an accepted campaign leaves them: [(wamid, wire tag, number)]."""
    world.forget_messages()
    campaign_id = world.queue(count)
    rows = bench.sql(
        """UPDATE waba_message
              SET state = 'accepted', attempt_count = 1, wamid = 'wamid.' || uuid,
                  accepted_at = now() AT TIME ZONE 'UTC', slot_at = now() AT TIME ZONE 'UTC'
            WHERE campaign_id = %s RETURNING wamid, uuid || '/1', number""",
        campaign_id,
    )
    bench.vacuum()
    return rows


def store(bench, world, rows, size):
    """Every row's three statuses as stored webhooks of `size` updates; how many updates."""
    number, now = sender_values(world.phone_number_uids[0]), time.time()
    updates = [status_body(number, row, status, now) for status in STATUSES for row in rows]
    left = iter(updates)
    bodies = []
    while part := list(islice(left, size)):
        bodies.append(webhook_body(part).decode())
    with bench.env() as env:
        execute_values(
            env.cr._obj,
            """INSERT INTO waba_webhook_event (account_id, body, body_hash, received_at, state)
               VALUES %s""",
            [
                (world.account_id, body, hashlib.sha256(body.encode()).hexdigest())
                for body in bodies
            ],
            template="(%s, %s, %s, now() AT TIME ZONE 'UTC', 'new')",
        )
    bench.sql("ANALYZE waba_webhook_event")
    return len(updates)


def apply_all(bench):
    """Run the job's method until nothing is left; return the seconds."""
    started = time.monotonic()
    with bench.env() as env:
        while env["waba.webhook.event"].search_count([("state", "=", "new")], limit=1):
            env["waba.webhook.event"]._cron_apply()
    return time.monotonic() - started


def check(bench, count):
    found = bench.sql(
        "SELECT state, count(*) FROM waba_message WHERE wamid LIKE 'wamid.%%' GROUP BY 1"
    )
    assert found == [("read", count)], f"states after applying: {found}"
    failed = bench.sql("SELECT count(*) FROM waba_webhook_event WHERE state <> 'applied'")[0][0]
    assert not failed, f"{failed} events were not applied"
