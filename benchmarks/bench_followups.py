"""How fast the job of follow-ups advances leads, each step with a message, at a quiet moment.

Ours: the job's own method, in chunks and transactions as in production. Compared in the same run
and database with the same steps one lead at a time, each in its own savepoint, which is what a step
cost before steps were done in sets.
"""

import time
from datetime import datetime, timezone

from .figures import median

NAME = "followups"
MIN_STEPS_PER_SECOND = 200


def run(bench, world):
    world.forget_messages()
    count = bench.size(2_000, 40)
    _make_leads(bench, world, count)
    sequence_id = _make_followup(bench, world)
    ours, alone = [], []
    for _round in range(bench.size(3, 1)):
        ours.append(_measure_job(bench, world, sequence_id, count))
        alone.append(_measure_alone(bench, world, sequence_id, bench.size(200, 10)))
    bench.report.add(NAME, "one lead at a time", median(alone), "steps/s")
    bench.report.add(
        NAME, "steps with a message", median(ours), "steps/s", must=(">=", MIN_STEPS_PER_SECOND)
    )


def _make_leads(bench, world, count):
    bench.sql(
        """INSERT INTO crm_lead (name, contact_name, phone, phone_sanitized, type, active,
                                 company_id, won_status, create_date, write_date, priority,
                                 probability, automated_probability)
           SELECT 'Followed ' || n, 'Ana Prueba', '+34' || (630000000 + n),
                  '+34' || (630000000 + n), 'opportunity', TRUE, %s, 'pending', now(), now(), '0',
                  10, 10
             FROM generate_series(1, %s) AS n""",
        world.company_id,
        count,
    )
    bench.vacuum()


def _make_followup(bench, world):
    """A running follow-up of two messages, without a wait."""
    with bench.env() as env:
        step = {
            "kind": "template", "template_id": world.template_id, "wait_amount": 0,
            "in_working_hours": False,
        }  # fmt: skip
        sequence = env["waba.sequence"].create(
            {
                "name": "Bench",
                "trigger": "manual",
                "sender_id": world.sender_ids[0],
                "company_id": world.company_id,
                "reentry": "after",
                "reentry_days": 0,
                "step_ids": [(0, 0, {**step, "sequence": index}) for index in (1, 2)],
            }
        )
        for line in sequence.step_ids.variable_ids:
            if not line._is_complete():
                line.text = "prueba"
        # OdooBot starts none.
        sequence.with_user(env.ref("base.user_admin"))._activate()
        return sequence.id


def _measure_job(bench, world, sequence_id, count):
    """Steps per second from the moment all of them are due."""
    world.forget_messages()
    bench.sql("DELETE FROM waba_sequence_enrollment")
    with bench.env() as env:
        sequence = env["waba.sequence"].browse(sequence_id)
        leads = env["crm.lead"].search([("name", "like", "Followed %")])
        assert len(sequence._enroll_leads(leads)) == count
    bench.vacuum()
    with bench.env() as env:
        enrollments = env["waba.sequence.enrollment"]
        started, steps = time.monotonic(), 0
        while done := enrollments._run_chunk():
            env.cr.commit()
            steps += done
        seconds = time.monotonic() - started
    [[queued]] = bench.sql("SELECT count(*) FROM waba_message WHERE state = 'queued'")
    assert steps == queued == count, f"{steps} steps, {queued} messages, {count} leads"
    return steps / seconds


def _measure_alone(bench, world, sequence_id, count):
    """Steps per second when each lead advances by itself, as when one of a chunk fails."""
    world.forget_messages()
    bench.sql("DELETE FROM waba_sequence_enrollment")
    with bench.env() as env:
        leads = env["crm.lead"].search([("name", "like", "Followed %")], limit=count)
        due = env["waba.sequence"].browse(sequence_id)._enroll_leads(leads)
        env.cr.commit()
        now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
        started = time.monotonic()
        for one in due - due._stop_exited():
            one._advance_safely(now)
        env.cr.commit()
        seconds = time.monotonic() - started
    return len(due) / seconds
