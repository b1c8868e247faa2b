"""Conversions under torture: leads from ads are won and taken back while workers die.

Judged from the platform's own list of events (`GET /_control/conversions`).
"""

from collections import Counter, defaultdict

from demo_lib.processes import DemoError

LEADS = 80
SETTLE_SECONDS = 420
CLAIMED = "conversion claimed, not sent"
ON_THE_WIRE = "conversion on the wire"
NOT_STORED = "conversion sent, answer not stored"
# Where the job dies; between two deaths it sends some.
KILLS = (CLAIMED, ON_THE_WIRE, NOT_STORED, ON_THE_WIRE, CLAIMED, NOT_STORED)

ROWS = """
SELECT c.lead_id, c.kind, c.state, c.event_uid, c.event_name, c.ctwa_clid, c.attempt_count
  FROM waba_conversion c
"""
QUEUED = "SELECT count(*) FROM waba_conversion WHERE state = 'queued'"
CLICKED = "SELECT count(*) FROM crm_lead WHERE waba_ctwa_clid IS NOT NULL"


def act(stage):
    """Four workers; answers are lost, the platform fails, and the job is killed at each point."""
    stage.servers.start_host(2)
    stage.servers.start_host(2)
    lead_ids = stage.take_leads(LEADS)
    won = _set_up(stage)
    for number in stage.lead_numbers(lead_ids):
        stage.simulator.post("ad", phone_id="400000000000001", number=number)
    stage._wait_awake("the clicks", lambda: stage.database.value(CLICKED) == LEADS, SETTLE_SECONDS)
    stage.fault("reset", when="after", count=6, skip=10, endpoint="events")
    stage.fault("reset", when="before", count=6, skip=30, endpoint="events")
    stage.fault("status_5xx", body="graph", count=8, skip=50, endpoint="events")
    stage.fault("latency", ms=[20, 200], count=None, endpoint="events")
    for index, point in enumerate(KILLS):
        part = lead_ids[index :: len(KILLS)]
        stage.servers.arm(point, index)
        stage.admin.call("crm.lead", "write", part, {"stage_id": won})
        stage.wait_killed()
    _settle(stage)
    # Taken back, won again, taken back: Meta is told once.
    undone = lead_ids[:20]
    first = stage.database.value("SELECT min(id) FROM crm_stage")
    for stage_id in (first, won, first):
        stage.servers.arm(NOT_STORED)
        stage.admin.call("crm.lead", "write", undone, {"stage_id": stage_id})
        stage.wait_idle(2)
    stage.servers.disarm()
    _settle(stage)
    stage.kills = stage.servers.kill_count()
    stage.undone_leads = set(undone)


def _set_up(stage):
    """Report conversions of everybody; the id of the stage that means won."""
    [won] = stage.admin.search("crm.stage", [("is_won", "=", True)], ["id"])[:1]
    [account] = stage.admin.search("waba.account", [], ["id"])
    stage.admin.call("waba.account", "action_create_dataset", [account["id"]])
    stage.admin.call("waba.account", "write", [account["id"]],
                     {"conversions_on": True, "qualified_stage_id": won["id"]})  # fmt: skip
    stage.admin.call("res.company", "write", [1], {"waba_conversion_consent": "no_opt_out"})
    return won["id"]


def _settle(stage):
    """Nothing is queued; what waits for a retry gets its time."""
    for _turn in range(60):
        if not stage.database.value(QUEUED):
            break
        stage.pass_time(120)
        stage.database.run_job("ir_cron_conversions")
        stage.wait_idle(1)
    else:
        raise DemoError(f"{stage.database.value(QUEUED)} conversions are still queued")
    stage.settle()


def judge(stage):
    """[(what was checked, '' or what is wrong)]"""
    events = stage.simulator.get("conversions")["events"]
    rows = stage.database.rows(ROWS)
    counted = [event for event in events if not event["is_duplicate"]]
    return [
        ("each fact of each lead was counted once", _once(counted)),
        ("a repeated event was the same event", _repeated(events)),
        ("every win was reported, every one taken back too", _complete(stage, counted, rows)),
        ("each row is what the platform received", _same(rows, counted)),
        ("answers were lost and events repeated", "" if len(events) > len(counted) else "none"),
    ]


def _once(counted):
    facts = Counter((event["ctwa_clid"], event["event_name"]) for event in counted)
    return "; ".join(f"{fact} x{count}" for fact, count in facts.items() if count > 1)[:500]


def _repeated(events):
    ids = defaultdict(set)
    for event in events:
        ids[event["ctwa_clid"], event["event_name"]].add(event["event_id"])
    return "; ".join(f"{fact}: {len(found)} ids" for fact, found in ids.items() if len(found) > 1)


def _complete(stage, counted, rows):
    clicks = {row["lead_id"]: row["ctwa_clid"] for row in rows}
    told = {(event["ctwa_clid"], event["event_name"]) for event in counted}
    wanted = {(click, name) for click in clicks.values() for name in ("Purchase", "QualifiedLead")}
    wanted |= {(clicks.get(lead), "OrderCanceled") for lead in stage.undone_leads}
    problems = [f"{len(clicks)} of {LEADS} leads"] if len(clicks) != LEADS else []
    problems += [f"missing {fact}" for fact in wanted - told]
    problems += [f"too much: {fact}" for fact in told - wanted]
    return "; ".join(problems)[:500]


def _same(rows, counted):
    ours = {row["event_uid"] for row in rows if row["state"] == "sent"}
    theirs = {event["event_id"] for event in counted}
    wrong = [row["state"] for row in rows if row["state"] not in ("sent", "cancelled")]
    if ours != theirs:
        return f"{len(ours)} sent here, {len(theirs)} received there"
    return f"states {Counter(wrong)}" if wrong else ""
