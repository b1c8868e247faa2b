"""The judge: compares the platform's own log with the database, without any of the addon's code."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate

from ..figures import max_per_second

DAY = 86400.0
# Meta, Throughput and About the platform: rate limits (2026): messages per second of a standard
# number, seconds between messages to one person.
PER_SECOND = 80
PAIR_SECONDS = 6.0
RANK = {"": 0, "sent": 1, "failed": 2, "delivered": 3, "read": 4}
TAKEN = ("accepted", "held", "sent", "delivered", "read")
ENDS = ("failed", "skipped", "uncertain", *TAKEN)
SHOWN = 4

ROWS = """
SELECT m.id, m.uuid, m.state, m.attempt_count, m.failure_type, m.failure_reason, m.error_code,
       m.category, m.origin, m.origin_key, m.campaign_id, m.res_id, m.recipient_id, r.number,
       m.sequence_id, m.sequence_step_id, m.enrollment_id, m.company_cost, s.phone_number_uid
  FROM waba_message m
  LEFT JOIN waba_recipient r ON r.id = m.recipient_id
  JOIN waba_sender s ON s.id = m.sender_id
 WHERE m.direction = 'out'
"""
# Overdue: long after the job should have processed it. Of the steps that lead to the end, which are
# the last ones of their branches, each lead does one.
FOLLOWED = """
SELECT e.id, e.sequence_id, e.lead_id, e.state, e.stop_reason, e.steps_done, e.pending_message_id,
       e.next_at IS NULL OR e.next_at < now() AT TIME ZONE 'UTC' - interval '1 minute' AS overdue,
       (SELECT count(*) FILTER (WHERE s.goes_to IS DISTINCT FROM 'end')
             + count(DISTINCT s.goes_to) FILTER (WHERE s.goes_to = 'end')
          FROM waba_sequence_step s
         WHERE s.sequence_id = e.sequence_id AND s.version = e.version) AS steps
  FROM waba_sequence_enrollment e
"""

# Runs of recurring campaigns, and the ways around WhatsApp.
RUNS = """
SELECT r.recurring_id, r.planned_at::text, r.state, r.campaign_id FROM waba_recurring_run r
"""
FALLBACKS = """
SELECT m.id, m.res_id, m.error_code, count(f.id) AS fallbacks,
       count(f.id) FILTER (WHERE f.state = 'sent') AS sent,
       (SELECT count(*) FROM mail_activity a
         WHERE a.res_model = 'crm.lead' AND a.res_id = m.res_id
           AND a.summary LIKE 'Call: WhatsApp%') AS calls
  FROM waba_message m
  JOIN waba_campaign c ON c.id = m.campaign_id AND c.fallback_kind IS NOT NULL
  LEFT JOIN waba_fallback f ON f.message_id = m.id
 WHERE m.state = 'failed' OR f.id IS NOT NULL
 GROUP BY m.id
"""
UNDELIVERABLE = 131026


@dataclass
class Record:
    """The data of both sides.

    :ivar sends: requests to send, as the simulator logged them, in order of arrival
    :ivar told: {tag: statuses the addon has acknowledged with a 200}
    :ivar followups: {follow-up: enrolled leads}
    :ivar followed: each lead's way through a follow-up
    :ivar budgets: {campaign, or None for all together: highest amount}; prices: {category: the
        platform's price}; charges: what the platform charged
    :ivar ended: {tag: when the addon was told that it failed or arrived}
    :ivar closed: numbers of the people who closed the topic before their message was reserved
    """

    rows: list
    campaigns: dict
    sends: list
    told: dict
    failed_events: int
    limit: int | None
    audiences: dict
    followups: dict
    followed: list
    may_wait: bool
    passed: float
    at_limit: bool
    red: tuple | None
    budgets: dict
    prices: dict
    price_cap: float | None
    charges: list
    ended: dict
    closed: set
    recurrings: dict
    runs: list
    fallbacks: list
    by_uuid: dict = field(init=False)

    def __post_init__(self):
        self.by_uuid = {row["uuid"]: row for row in self.rows}

    @property
    def accepted(self):
        return [send for send in self.sends if send["outcome"] in ("accepted", "held")]


def read(stage):
    """The Record of a settled scenario."""
    told, ended = defaultdict(list), {}
    for attempt in stage.simulator.entries("webhooks"):
        if attempt["status"] == 200:
            for status in _statuses(attempt["body"]):
                tag = status.get("biz_opaque_callback_data", "")
                told[tag].append(status)
                if status["status"] in ("failed", "delivered", "read"):
                    ended.setdefault(tag, attempt["at"])
    # A recurring campaign is a draft, of which each run sends a copy.
    campaigns = stage.database.rows(
        "SELECT id, state, pause_reason FROM waba_campaign"
        " WHERE id NOT IN (SELECT campaign_id FROM waba_recurring)"
    )
    return Record(
        rows=stage.database.rows(ROWS),
        campaigns={row["id"]: row for row in campaigns},
        sends=[entry for entry in stage.simulator.entries("log") if entry["is_send"]],
        told=dict(told),
        failed_events=stage.database.value(
            "SELECT count(*) FROM waba_webhook_event WHERE state = 'failed'"
        ),
        limit=stage.limit,
        audiences=stage.audiences,
        followups=stage.followups,
        followed=stage.database.rows(FOLLOWED),
        may_wait=stage.may_wait,
        passed=stage.passed,
        at_limit=stage.at_limit(),
        red=stage.red,
        budgets=stage.budgets,
        prices=stage.prices,
        price_cap=stage.price_cap,
        charges=stage.simulator.get("charges")["charges"],
        ended=ended,
        closed=stage.closed,
        recurrings=stage.recurrings,
        runs=stage.database.rows(RUNS),
        fallbacks=stage.database.rows(FALLBACKS),
    )


def _statuses(body):
    for entry in body["entry"]:
        for change in entry["changes"]:
            yield from change["value"].get("statuses", ())


def judge(record):
    """[(what was checked, '' or what is wrong)]"""
    return [
        ("no attempt reached the platform twice", _check_attempts(record)),
        ("nobody was accepted twice for one campaign or occasion", _check_recipients(record)),
        ("everyone of each audience is in exactly one row", _one_row_each(record)),
        ("every lead of each follow-up is in it once, each step one message", _followed(record)),
        ("every row is in an end state, or waits for a place", _states(record)),
        ("each unknown outcome is settled by its webhook or shown", _uncertain(record)),
        ("final statuses are what the platform told", _check_reported(record)),
        ("who failed has a reason", _reasons(record)),
        ("nothing was sent that no row reserved", _strangers(record)),
        ("nobody got a promotion about a topic that they had closed", _closed_topic(record)),
        ("people in any 24 hours within the limit", _check_daily_cap(record)),
        ("messages per second within the platform's limit", _per_second(record)),
        ("messages per pair within the platform's limit", _per_pair(record)),
        ("after the red reading, promotions in flight alone", _after_red(record)),
        ("no promotion may cost more than its campaign allows", _within_cap(record)),
        ("what is charged and may be is within every budget", _within_budgets(record)),
        ("the budgets are used as far as they go", _used_budgets(record)),
        ("what the rows count for is what the platform charged", _same_charges(record)),
        ("every campaign is done, or waits for a place", _campaigns(record)),
        ("each planned time is one campaign, nobody is in two", _recurring(record)),
        ("who was not reached gets one call, nobody two", _called(record)),
        ("every webhook was applied", record.failed_events and f"{record.failed_events} failed"),
    ]  # fmt: skip


def figures(record):
    """Return the figures of a scenario for the table."""
    states = Counter(row["state"] for row in record.rows)
    steps = Counter(
        record.by_uuid[message_uuid(send["opaque"])]["origin"]
        for send in record.accepted
        if message_uuid(send["opaque"]) in record.by_uuid
    )
    return {
        "followed": len(record.followed),
        "followup_steps": steps["sequence"],
        "rows": len(record.rows),
        "requests": len(record.sends),
        "accepted": len(record.accepted),
        "uncertain": states["uncertain"],
        "failed": states["failed"],
        "waiting": states["queued"],
        "people_24h": max_recipients_per_day(record.accepted),
        "budget_used": budget_shares(record).get("month", 0),
        "auctions_won": sum(send["auction"] == "won" for send in record.accepted),
        "auctions_lost": sum(send["auction"] == "lost" for send in record.accepted),
        "per_second": max(
            (max_per_second(arrivals) for arrivals in _arrivals(record.sends).values()), default=0
        ),
    }


def _recurring(record):
    """Runs by planned time, and people of one recurring campaign in the platform's log."""
    runs = _twice((run["recurring_id"], run["planned_at"]) for run in record.runs)
    launched = {run["campaign_id"]: run["recurring_id"] for run in record.runs}
    got = _twice(
        (launched[row["campaign_id"]], send["wa_id"])
        for send in record.accepted
        if (row := record.by_uuid.get(message_uuid(send["opaque"])))
        and row["campaign_id"] in launched
    )
    missing = sum(map(len, record.recurrings.values())) - len(
        {row["res_id"] for row in record.rows if row["campaign_id"] in launched}
    )
    return "; ".join(filter(None, [runs, got, missing and f"{missing} leads in no run"]))


def _called(record):
    """Each undeliverable message of a campaign with a fallback: one call, of one fallback."""
    return _some(
        f"message {row['id']}: {row['fallbacks']} fallbacks, {row['calls']} calls"
        for row in record.fallbacks
        if (row["fallbacks"], row["sent"], row["calls"])
        != ((1, 1, 1) if row["error_code"] == UNDELIVERABLE else (0, 0, 0))
    )


def message_uuid(tag):
    return tag.partition("/")[0]


def _some(problems):
    """The first few of a list of problems, as one text."""
    problems = list(problems)
    text = "; ".join(str(problem) for problem in problems[:SHOWN])
    return f"{text} and {len(problems) - SHOWN} more" if len(problems) > SHOWN else text


def _twice(values):
    return _some(f"{value} x{count}" for value, count in Counter(values).items() if count > 1)


# ---- recipients ----------------------------------------------------------------------------


def _check_attempts(record):
    return _twice(send["opaque"] for send in record.sends)


def _check_recipients(record):
    people = []
    for send in record.accepted:
        row = record.by_uuid.get(message_uuid(send["opaque"]))
        if row:
            people.append((_message_occasion(row), send["wa_id"]))
    return _twice(people)


def _message_occasion(row):
    """Return the occasion of a message: a person gets one message each; without a key it is its
    own."""
    if row["campaign_id"]:
        return row["campaign_id"]
    if row["enrollment_id"]:
        return f"follow-up {row['sequence_id']} step {row['sequence_step_id']}"
    return f"{row['origin']} {row['res_id']}" if row["origin_key"] else row["uuid"]


def _strangers(record):
    wrong = []
    for send in record.sends:
        uuid, _slash, attempt = send["opaque"].partition("/")
        row = record.by_uuid.get(uuid)
        if not row or not attempt.isdigit() or not 1 <= int(attempt) <= row["attempt_count"]:
            wrong.append(send["opaque"] or "a request without a tag")
        elif send["recipient"] != row["number"] or send["phone_id"] != row["phone_number_uid"]:
            wrong.append(f"{send['opaque']} to {send['recipient']} from {send['phone_id']}")
    return _some(wrong)


def _closed_topic(record):
    against = {send["recipient"] for send in record.sends} & record.closed
    told = {row["number"] for row in record.rows if row["failure_type"] == "topic_closed"}
    return _some(sorted(against | (record.closed - told)))


# ---- rows --------------------------------------------------------------------------------------


def _one_row_each(record):
    wrong = []
    for campaign_id, audience in record.audiences.items():
        counts = Counter(row["res_id"] for row in record.rows if row["campaign_id"] == campaign_id)
        wrong += [f"lead {lead} without a row" for lead in sorted(audience - set(counts))]
        wrong += [f"lead {lead} has {n} rows" for lead, n in counts.items() if n > 1]
        wrong += [f"lead {lead} is not addressed" for lead in sorted(set(counts) - audience)]
    return _some(wrong)


def _followed(record):
    """Check each lead once: its steps' messages, or why it ended."""
    counts = Counter((one["sequence_id"], one["lead_id"]) for one in record.followed)
    wanted = Counter((way, lead) for way, leads in record.followups.items() for lead in leads)
    wrong = [f"lead {lead} is not in follow-up {way}" for way, lead in wanted - counts]
    wrong += [f"lead {lead} is in follow-up {way} too often" for way, lead in counts - wanted]
    messages, known = defaultdict(list), {one["id"] for one in record.followed}
    for row in record.rows:
        if row["origin"] == "sequence":
            messages[row["enrollment_id"]].append(row)
    wrong += [f"a message of no lead's way: {way}" for way in set(messages) - known]
    for one in record.followed:
        if why := _missing_steps(one, messages[one["id"]]):
            wrong.append(f"enrollment {one['id']} ({one['state']}): {why}")
    return _some(wrong)


def _missing_steps(one, rows):
    """Return what is wrong with one lead in a follow-up, or ''."""
    steps = {row["sequence_step_id"] for row in rows}
    if not len(rows) == len(steps) == one["steps_done"]:
        return f"{len(rows)} messages of {len(steps)} steps, {one['steps_done']} done"
    waiting = [row["id"] for row in rows if row["state"] in ("queued", "reserved")]
    if one["state"] == "running":
        if any(row_id != one["pending_message_id"] for row_id in waiting):
            return "a message waits that it does not know of"
        return "it was forgotten" if one["overdue"] else ""
    if waiting:
        return "a message of it still waits"
    if one["state"] == "done":
        return "" if one["steps_done"] == one["steps"] else "it ended before its last step"
    return "" if one["stop_reason"] not in (None, "error", "late") else f"{one['stop_reason']}"


def _states(record):
    waits = record.may_wait or record.at_limit
    stopped = {one["id"] for one in record.followed if one["state"] == "stopped"}
    return _some(
        f"{row['uuid']} is {row['state']}"
        for row in record.rows
        if row["state"] not in ENDS
        and not (row["state"] == "queued" and waits)
        and not (row["state"] == "cancelled" and row["enrollment_id"] in stopped)
    )


def _accepted_by_row(record):
    """{uuid: accepted tags}"""
    tags = defaultdict(list)
    for send in record.accepted:
        tags[message_uuid(send["opaque"])].append(send["opaque"])
    return tags


def _uncertain(record):
    accepted = _accepted_by_row(record)
    attempted = {message_uuid(s["opaque"]) for s in record.sends}
    wrong = [
        f"{row['uuid']} is uncertain, though the platform told"
        for row in record.rows
        if row["state"] == "uncertain" and any(record.told.get(t) for t in accepted[row["uuid"]])
    ]
    wrong += [
        f"{row['uuid']} is {row['state']}, though a request of it was accepted"
        for row in record.rows
        if row["state"] in ("queued", "skipped", "cancelled") and accepted[row["uuid"]]
    ]
    wrong += [
        f"{row['uuid']} is {row['state']}, and no request of it came"
        for row in record.rows
        if row["state"] in TAKEN and row["uuid"] not in attempted
    ]
    return _some(wrong)


def _check_reported(record):
    wrong = []
    for uuid, tags in _accepted_by_row(record).items():
        row = record.by_uuid.get(uuid)
        words = [status["status"] for tag in tags for status in record.told.get(tag, ())]
        best = max(words, key=RANK.__getitem__, default="")
        if row and row["state"] != best:
            wrong.append(f"{uuid} is {row['state']}, told {best or 'nothing'}")
    return _some(wrong)


def _reasons(record):
    codes = {
        tag: status["errors"][0]["code"]
        for tag, statuses in record.told.items()
        for status in statuses
        if status["status"] == "failed"
    }
    wrong = []
    for row in record.rows:
        if row["state"] not in ("failed", "skipped", "cancelled", "uncertain"):
            continue
        code = codes.get(f"{row['uuid']}/{row['attempt_count']}")
        if not row["failure_reason"] or (row["state"] == "failed" and not row["failure_type"]):
            wrong.append(f"{row['uuid']} is {row['state']} without a reason")
        elif row["state"] == "failed" and code and code != row["error_code"]:
            wrong.append(f"{row['uuid']} says {row['error_code']}, told {code}")
    return _some(wrong)


def _campaigns(record):
    waits = record.may_wait or record.at_limit
    waiting = {row["campaign_id"] for row in record.rows if row["state"] == "queued"}
    wanted = {
        campaign_id: ("running", "paused") if waits and campaign_id in waiting else ("done",)
        for campaign_id in record.campaigns
    }
    return _some(
        f"campaign {campaign_id} is {campaign['state']} ({campaign['pause_reason'] or 'no reason'})"
        for campaign_id, campaign in record.campaigns.items()
        if campaign["state"] not in wanted[campaign_id]
    )


# ---- budgets ----------------------------------------------------------------------------------
# By the platform's own list of prices, or what the request allowed. An accepted message may be
# charged as much until the addon has been told that it failed, or what it cost.


def _campaign_of(record, tag):
    row = record.by_uuid.get(message_uuid(tag))
    return row and row["campaign_id"]


def _possible_charges(record, campaign_id):
    """[(time, amount)]: what may be charged from then on, or no longer, in order of time."""
    changes, charged = [], defaultdict(Decimal)
    for charge in record.charges:
        charged[charge["opaque"]] += Decimal(str(charge["amount"]))
    for send in record.accepted:
        if campaign_id in (None, _campaign_of(record, send["opaque"])):
            price = send["max_price"]
            if price is None:
                price = record.prices[send["category"]]
            price = Decimal(str(price))
            changes.append((send["received_at"], price))
            if at := record.ended.get(send["opaque"]):
                changes.append((at, charged[send["opaque"]] - price))
    return sorted(changes)


def _within_budgets(record):
    wrong = []
    for campaign_id, limit in record.budgets.items():
        most = max(accumulate((amount for _at, amount in _possible_charges(record, campaign_id))),
                   default=0)  # fmt: skip
        charged = sum(
            Decimal(str(charge["amount"]))
            for charge in record.charges
            if campaign_id in (None, _campaign_of(record, charge["opaque"]))
        )
        if most > Decimal(str(limit)) or charged > Decimal(str(limit)):
            wrong.append(f"{campaign_id or 'month'}: {most} possible, {charged} charged of {limit}")
    return _some(wrong)


def _within_cap(record):
    """Every promotion went to the auction, with a price up to the campaign's."""
    if record.price_cap is None:
        return ""
    promotions = [send for send in record.accepted if send["category"] == "MARKETING"]
    allowed = record.price_cap + 1e-9
    return _some(
        f"{send['opaque']} may cost {send['max_price']}, charged {send['charge']}"
        for send in promotions
        if send["max_price"] is None or max(send["max_price"], send["charge"] or 0) > allowed
    )


def budget_shares(record):
    """{campaign, or 'month': percent of the budget that is charged or may be at the end}"""
    shares = {}
    for campaign_id, limit in record.budgets.items():
        used = sum(amount for _at, amount in _possible_charges(record, campaign_id))
        shares[campaign_id or "month"] = round(100 * float(used) / limit)
    return shares


def _used_budgets(record):
    """Where messages wait, a budget of theirs is used but for a twentieth and one message.

    Requests without an answer that the platform never got are held back too.
    """
    shares = budget_shares(record)
    lost = sum(row["state"] == "uncertain" for row in record.rows)
    waiting = {row["campaign_id"] for row in record.rows if row["state"] == "queued"}
    price = max(record.prices.values(), default=0)
    wrong = []
    for campaign_id in waiting & set(record.budgets):
        limits = {key: record.budgets[key] for key in (campaign_id, None) if key in record.budgets}
        left = {
            key or "month": limit * (1 - shares[key or "month"] / 100)
            for key, limit in limits.items()
        }
        if all(left[key or "month"] > limit / 18 + (lost + 1) * price
               for key, limit in limits.items()):  # fmt: skip
            wrong.append(f"campaign {campaign_id} waits with {left} left")
    return _some(wrong)


def _same_charges(record):
    """Each row's cost is what the platform charged for it, where budgets were set."""
    if not record.budgets:
        return ""
    charged = defaultdict(Decimal)
    for charge in record.charges:
        charged[message_uuid(charge["opaque"])] += Decimal(str(charge["amount"]))
    return _some(
        f"{row['uuid']}: {row['company_cost']} counted, {charged[row['uuid']]} charged"
        for row in record.rows
        if row["state"] in ("delivered", "read")
        and (row["company_cost"] is None
             or Decimal(str(row["company_cost"])) != charged[row["uuid"]])
    )  # fmt: skip


# ---- limits ------------------------------------------------------------------------------------


def max_recipients_per_day(accepted):
    """Most distinct people reached by counted messages in any window (t - 24 h, t]."""
    events = sorted((send["received_at"], send["wa_id"]) for send in accepted if send["counted"])
    inside, start, most = Counter(), 0, 0
    for at, person in events:
        inside[person] += 1
        while events[start][0] <= at - DAY:
            left = events[start][1]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            start += 1
        most = max(most, len(inside))
    return most


def _check_daily_cap(record):
    if record.limit is None:
        return ""
    most = max_recipients_per_day(record.accepted)
    return f"{most}, {record.limit} allowed" if most > record.limit else ""


def _arrivals(sends):
    arrivals = defaultdict(list)
    for send in sends:
        arrivals[send["phone_id"]].append((send["received_at"], send["waited"]))
    return arrivals


def _per_second(record):
    return _some(
        f"number {phone_id}: {most}, {PER_SECOND} allowed"
        for phone_id, arrivals in _arrivals(record.sends).items()
        if (most := max_per_second(arrivals)) > PER_SECOND
    )


def _after_red(record):
    if record.red is None:
        return ""
    log_place, in_flight = record.red
    waiting = sum(row["state"] == "queued" for row in record.rows)
    late = [send for send in record.sends if send["index"] >= log_place]
    by_category = defaultdict(list)
    for send in late:
        uuid = message_uuid(send["opaque"])
        by_category[record.by_uuid[uuid]["category"]].append(uuid)
    wrong = [uuid for uuid in by_category["marketing"] if uuid not in in_flight]
    if not waiting:
        wrong.append("nothing was left to hold")
    if not by_category["utility"]:
        wrong.append("no service message went on")
    return _some(wrong)


def _per_pair(record):
    last, wrong = {}, []
    for send in sorted(record.accepted, key=lambda send: send["received_at"]):
        pair = send["phone_id"], send["wa_id"]
        gap = send["received_at"] - last.get(pair, float("-inf"))
        last[pair] = send["received_at"]
        if gap < PAIR_SECONDS:
            wrong.append(f"{pair[1]}: two messages {gap:.1f} s apart")
    return _some(wrong)
