"""The campaign's results: by Odoo's rows, and by the simulator's own log."""

from collections import Counter
from dataclasses import dataclass, field

RANK = {"sent": 1, "delivered": 2, "read": 3}

CAMPAIGN_FIELDS = (
    "name", "state", "people_count", "queued_count", "skipped_count", "sent_count",
    "delivered_count", "read_count", "replied_count", "failed_count", "uncertain_count",
    "opted_out_count", "progress_text", "hold_reason", "next_message_at", "ends_at",
)  # fmt: skip
ROW_FIELDS = ("uuid", "res_id", "number", "state", "failure_type", "replied_at")


@dataclass
class SimulatorRecord:
    """What the simulator did, read from its log of requests and the webhooks that Odoo accepted.

    `states` and `answers` are keyed by the message's uuid. A tag is `uuid/attempt`.
    """

    sends: list
    stats: dict
    states: dict = field(default_factory=dict)
    wrote: set = field(default_factory=set)
    stopped: set = field(default_factory=set)

    @property
    def accepted(self):
        return [send for send in self.sends if send["outcome"] in ("accepted", "held")]


def message_uuid(tag):
    return tag.partition("/")[0]


def read_simulator_record(simulator):
    """Collect a Truth from the simulator."""
    sends = [entry for entry in simulator.entries("log") if entry["is_send"]]
    truth = SimulatorRecord(sends, simulator.get("stats"))
    for attempt in simulator.entries("webhooks"):
        if attempt["status"] == 200:
            for value in _values(attempt["body"]):
                _apply_webhook_value(truth, value)
    people = simulator.get("world")["people"]
    truth.stopped = {person["wa_id"] for person in people if person["asked_stop_at"] is not None}
    return truth


def _values(body):
    return [change["value"] for entry in body["entry"] for change in entry["changes"]]


def _apply_webhook_value(truth, value):
    for status in value.get("statuses", ()):
        uuid, state = message_uuid(status.get("biz_opaque_callback_data", "")), status["status"]
        known = truth.states.get(uuid, "")
        if state == "failed" or RANK[state] > RANK.get(known, 0):
            truth.states[uuid] = state
    for message in value.get("messages", ()):
        truth.wrote.add(message["from"])


@dataclass
class Results:
    """Everything the table and the check need."""

    campaign: dict
    sender: dict
    rows: list
    leads: dict  # {lead id: kind}, all demo leads
    audience_ids: set
    opted_out: int
    reasons: dict  # {failure_type: label}
    truth: SimulatorRecord
    second_number: dict  # as waba.sender.reputation_dashboard_data

    def count(self, **wanted):
        """Rows whose fields have these values."""
        return sum(all(row[key] == value for key, value in wanted.items()) for row in self.rows)

    def reason_counts(self, state):
        """{failure_type: rows} of a state, the most frequent first."""
        return dict(
            Counter(row["failure_type"] for row in self.rows if row["state"] == state).most_common()
        )

    @property
    def portfolio_stats(self):
        return next(iter(self.truth.stats["portfolios"].values()), {"max_distinct_24h": 0})

    @property
    def number_stats(self):
        return next(iter(self.truth.stats["numbers"].values()), {"max_requests_1s": 0})


def read_results(demo):
    """Collect the Results of a finished `journey.Demo`."""
    admin = demo.admin
    campaign = demo.campaign(*CAMPAIGN_FIELDS, "sender_id")
    outgoing = [("campaign_id", "=", demo.campaign_id), ("direction", "=", "out")]
    rows = admin.search("waba.message", outgoing, ROW_FIELDS)
    selection = admin.call("waba.message", "fields_get", ["failure_type"], ["selection"])
    audience = admin.call("crm.lead", "search", [("tag_ids.name", "=", "Dormant")])
    return Results(
        campaign=campaign,
        sender=admin.call(
            "waba.sender", "read", campaign["sender_id"][:1],
            ["display_name", "slots_used", "people_limit", "throughput"],
        )[0],
        rows=rows,
        leads=demo.leads(),
        audience_ids=set(audience),
        opted_out=demo.count_opted_out(),
        reasons=dict(selection["failure_type"]["selection"]),
        truth=read_simulator_record(demo.simulator),
        second_number=demo.second_number(),
    )  # fmt: skip


# ---- the table --------------------------------------------------------------------------------


def table(results):
    """The summary as text."""
    campaign, sender, truth = results.campaign, results.sender, results.truth
    lines = [
        ("Audience", campaign["people_count"]),
        ("Queued", campaign["queued_count"]),
        ("Excluded", campaign["skipped_count"]),
        *_reasons(results, "skipped"),
        ("Sent", campaign["sent_count"]),
        ("Delivered", campaign["delivered_count"]),
        ("Read", campaign["read_count"]),
        ("Replied", campaign["replied_count"]),
        ("Opted out", campaign["opted_out_count"]),
        ("Failed", campaign["failed_count"]),
        *_reasons(results, "failed"),
        ("Unconfirmed", campaign["uncertain_count"]),
        ("Cap used", f"{sender['slots_used']} of {sender['people_limit']} people in 24 h"),
        ("Next message (UTC)", campaign["next_message_at"] or "none"),
        ("Ends about (UTC)", campaign["ends_at"] or "has ended"),
        ("", ""),
        ("By the simulator's log", ""),
        ("  Requests to send", truth.stats["messages"]["requests"]),
        ("  Same request twice", len(truth.stats["duplicates"])),
        ("  Most people in 24 h", results.portfolio_stats["max_distinct_24h"]),
        ("  Most messages in 1 s", f"{results.number_stats['max_requests_1s']} "
                                   f"of {sender['throughput']} allowed"),
        ("  Sent after a stop", len(truth.stats["against_will"])),
    ]  # fmt: skip
    width = max(len(label) for label, _value in lines)
    title = f"{campaign['name']} · from {sender['display_name']}"
    body = [f"{label:<{width}}  {value:>5}".rstrip() for label, value in lines]
    return "\n".join([title, "=" * len(title), *body, "", campaign["progress_text"] or ""])


def _reasons(results, state):
    return [
        (f"  {results.reasons.get(key, key)}", count)
        for key, count in results.reason_counts(state).items()
    ]
