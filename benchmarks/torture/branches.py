"""Branching follow-ups under torture: people answer or not while workers die.

Judged from the platform's log: who it gave which step's message, and who answered before.
"""

from collections import Counter, defaultdict

FIRST, ANSWERED, SILENT = "first", "answered", "silent"
PEOPLE = 150
REPLY_RATE = 0.4
DECIDE_HOURS = 2
MOVED_ON = "follow-ups moved on, not committed"
STEPS = """
SELECT m.uuid, s.key FROM waba_message m JOIN waba_sequence_step s ON s.id = m.sequence_step_id
"""


def act(stage):
    """Four workers; they die while steps are done, sent, decided, and when the time is over."""
    stage.simulator.post("behaviour", reply_rate=REPLY_RATE, undeliverable_rate=0)
    # All steps send one template.
    stage.admin.call("res.company", "write", [1], {"waba_same_template_hours": 0})
    stage.servers.start_host(2)
    stage.servers.start_host(2)
    sender_id = stage.senders()[0]
    branches = [(0, 0, {"kind": "answered", "goes_to": ANSWERED})]
    step = {"wait_amount": 0, "goes_to": "end"}
    sequence_id = stage.followup(sender_id, [
        {**step, "key": FIRST, "goes_to": SILENT, "branch_ids": branches,
         "decide_amount": DECIDE_HOURS, "decide_unit": "hours"},
        {**step, "key": ANSWERED},
        {**step, "key": SILENT},
    ])  # fmt: skip
    lead_ids = stage.take_leads(PEOPLE)
    for part in (lead_ids[:50], lead_ids):
        stage.servers.arm(MOVED_ON)
        stage.enroll(sequence_id, part)
        stage.wait_killed()
        stage.wait_killed_at("reserved, not committed")
    stage.wait_killed_at("statuses applied, not committed")
    stage.settle()
    stage.pause_numbers()
    stage.pass_day((DECIDE_HOURS + 1) / 24)
    stage.wait_killed_at(MOVED_ON)
    stage.wait_steps_processed()
    stage.resume_numbers()
    stage.wait_killed_at("reserved, not committed")
    stage.settle()


def judge(stage):
    """[(what was checked, '' or what is wrong)]"""
    steps = {row["uuid"]: row["key"] for row in stage.database.rows(STEPS)}
    got = defaultdict(list)
    for send in stage.simulator.entries("log"):
        if send["is_send"] and send["outcome"] in ("accepted", "held"):
            got[send["wa_id"]].append(steps.get(send["opaque"].partition("/")[0]))
    replied = {
        message["from"]
        for attempt in stage.simulator.entries("webhooks")
        for entry in attempt["body"]["entry"]
        for change in entry["changes"]
        for message in change["value"].get("messages", ())
    }
    counts = Counter(map(tuple, got.values()))
    # Who answers a message answers the first.
    wrong = [
        f"{number}: {way}, {'answered' if number in replied else 'silent'}"
        for number, way in got.items()
        if way != [FIRST, ANSWERED if number in replied else SILENT]
    ]
    few = min(counts[FIRST, ANSWERED], counts[FIRST, SILENT]) < PEOPLE / 5
    return [
        ("each got the first message and that of one way, by their answer", "; ".join(wrong[:4])),
        ("both ways were taken", f"{counts}" if few else ""),
    ]
