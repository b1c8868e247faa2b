"""Checks of the table: Odoo's rows against the demo data and the simulator's log."""

from collections import Counter
from datetime import datetime, timezone

from .results import message_uuid
from .sales import ASKING, OFFERED, OPT_INS, VISITORS

# What a lead's number (the kind in its external id, see dev/make_demo_data.py) leads to.
EXPECTED_REASONS = {
    "regular": None,
    "customer": None,
    "abroad": None,
    "invalid": "invalid_number",
    "stray": "invalid_number",
    "nonumber": "no_number",
    "duplicate": "duplicate",
    "blacklisted": "blacklisted",
    "stopper": "opted_out",
    "us": "country",
    "cuba": "country",
    "unnamed": "missing_value",
}
STORY = [
    "response_slow", "response_hold", "response_release", "response_slow", "response_full",
]  # fmt: skip
SENT_STATES = ("accepted", "held", "sent", "delivered", "read")


def check(results, week, odoo):
    """[(what was checked, '' or what is wrong)]

    :param week: results of the sales week, see sales.py
    """
    return [
        ("every lead of the audience has exactly one row", _one_row_each(results)),
        ("the figures add up", _sums(results)),
        ("every lead was treated as its number deserves", _reasons(results)),
        ("nobody who was left out was sent to", _unmessaged_numbers(results)),
        ("no request was sent twice, nobody was written to twice", _never_twice(results)),
        ("the daily limit was used and never exceeded", _cap(results)),
        ("the speed limit was kept", _pace(results)),
        ("the campaign waits and knows until when", _waits(results)),
        ("every status agrees with the simulator", _states(results)),
        ("every answer and every wish to stop was taken", _answers(results)),
        ("the second number fell, was released and is well again", _story(results)),
        ("the fair's campaign was sent, read, answered, clicked and won", _fair(week)),
        ("every follow-up was sent; the one that was answered ended", _followed_up(week)),
        ("the question was answered inside the window", _conversation(week)),
        ("Odoo logged no error", "; ".join(odoo.log_errors()[:5])),
    ]


def _differences(**pairs):
    """'name: got, expected' of the pairs that differ."""
    return "; ".join(
        f"{name.replace('_', ' ')}: {got!r}, expected {wanted!r}"
        for name, (got, wanted) in pairs.items()
        if got != wanted
    )


def _one_row_each(results):
    ids = [row["res_id"] for row in results.rows]
    twice = [lead_id for lead_id, count in Counter(ids).items() if count > 1]
    return _differences(
        leads_with_two_rows=(twice, []),
        leads_without_row=(sorted(results.audience_ids - set(ids)), []),
        rows_of_others=(sorted(set(ids) - results.audience_ids), []),
        audience_of_at_least_500=(len(results.audience_ids) >= 500, True),
    )


def _sums(results):
    campaign = results.campaign
    parts = ("queued_count", "skipped_count", "sent_count", "failed_count", "uncertain_count")
    return _differences(
        sum_of_the_parts=(sum(campaign[name] for name in parts), campaign["people_count"]),
        people=(campaign["people_count"], len(results.rows)),
        waiting=(campaign["queued_count"], results.count(state="queued")),
        left_out=(campaign["skipped_count"], results.count(state="skipped")),
        failed=(campaign["failed_count"], results.count(state="failed")),
        read=(campaign["read_count"], results.count(state="read")),
        delivered=(
            campaign["delivered_count"],
            results.count(state="delivered") + results.count(state="read"),
        ),
        sent=(campaign["sent_count"], sum(results.count(state=state) for state in SENT_STATES)),
    )


def _reasons(results):
    wrong = []
    for row in results.rows:
        kind = results.leads.get(row["res_id"], "unknown")
        wanted = EXPECTED_REASONS.get(kind, "not addressed")
        got = row["failure_type"] if row["state"] == "skipped" else None
        if got != wanted:
            wrong.append(f"{kind} lead {row['res_id']} ({row['number']}): {got}, not {wanted}")
    return "; ".join(wrong)


def _unmessaged_numbers(results):
    """By number: a duplicate's number gets one message, for the other lead."""
    allowed = {row["number"] for row in results.rows if row["state"] != "skipped"}
    others = sorted({send["recipient"] for send in results.truth.sends} - allowed)
    against_will = [row["recipient"] for row in results.truth.stats["against_will"]]
    return _differences(sent_to=(others, []), sent_after_a_stop=(against_will, []))


def _never_twice(results):
    tags = Counter(send["opaque"] for send in results.truth.sends)
    rows = Counter(message_uuid(send["opaque"]) for send in results.truth.accepted)
    people = Counter(send["wa_id"] for send in results.truth.accepted)
    return _differences(
        duplicates_found_by_the_simulator=(results.truth.stats["duplicates"], []),
        tags_twice=([tag for tag, count in tags.items() if count > 1], []),
        untagged=(tags.get("", 0), 0),
        rows_accepted_twice=([uuid for uuid, count in rows.items() if count > 1], []),
        people_written_to_twice=([person for person, count in people.items() if count > 1], []),
    )


def _cap(results):
    people = {send["wa_id"] for send in results.truth.accepted if send["counted"]}
    return _differences(
        limit=(results.sender["people_limit"], 250),
        used=(results.sender["slots_used"], 250),
        most_people_in_24_hours=(results.portfolio_stats["max_distinct_24h"], 250),
        people_in_the_log=(len(people), 250),
    )


def _pace(results):
    most, allowed = results.number_stats["max_requests_1s"], results.sender["throughput"]
    return f"{most} in one second, {allowed} allowed" if most > allowed else ""


def _waits(results):
    campaign = results.campaign
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    next_at, ends_at = campaign["next_message_at"] or "", campaign["ends_at"] or ""
    return _differences(
        state=(campaign["state"], "running"),
        held_back_by_the_limit=("250 of 250 used" in (campaign["hold_reason"] or ""), True),
        someone_waits=(campaign["queued_count"] > 0, True),
        next_messages_in_the_future=(next_at > now, True),
        end_after_the_next_messages=(ends_at >= next_at, True),
    )


def _states(results):
    """Row by row against the furthest status that the simulator delivered."""
    told = results.truth.states
    settled = {
        row["uuid"]: row["state"]
        for row in results.rows
        if row["state"] not in ("queued", "skipped")
    }
    wrong = [
        f"{uuid}: {settled.get(uuid)}, told {told.get(uuid)}"
        for uuid in sorted(settled.keys() | told.keys())
        if settled.get(uuid) != told.get(uuid)
    ]
    accepted = len(results.truth.accepted)
    return "; ".join(wrong[:5]) or _differences(
        messages_with_a_status=(len(told), accepted), rows_sent=(len(settled), accepted)
    )


def _answers(results):
    truth = results.truth
    uuids = {send["wa_id"]: message_uuid(send["opaque"]) for send in truth.accepted}
    answered = {uuids[wa_id] for wa_id in truth.wrote if wa_id in uuids}
    replied = {row["uuid"] for row in results.rows if row["replied_at"]}
    return _differences(
        answers_taken_from_nobody=(sorted(replied - answered), []),
        answers_not_taken=(sorted(answered - replied), []),
        replied=(results.campaign["replied_count"], len(answered)),
        opted_out_after_it=(results.campaign["opted_out_count"], len(truth.stopped & uuids.keys())),
        opted_out_in_all=(results.opted_out, len(truth.stopped)),
    )


def _story(results):
    """Check the dashboard of the second number's five weeks."""
    shown = results.second_number
    sender_id = shown["filters"]["sender_id"]
    [card] = [card for card in shown["cards"] if card["id"] == sender_id]
    [timeline] = [line for line in shown["timelines"] if line["sender_id"] == sender_id]
    judged = [day for day in timeline["days"] if day["score"] is not False]
    actions = [action["kind"] for action in reversed(shown["actions"])]
    return _differences(
        level=(card["level"]["key"], "healthy"),
        rating=(card["rating"]["key"], "green"),
        at_least_30_days_judged=(len(judged) >= 30, True),
        actions=(actions, STORY),
        first_suspect=([suspect["name"] for suspect in shown["suspects"]][:1], ["Últimas plazas"]),
    )


def _fair(week):
    fates = Counter(fate for *_rest, fate in VISITORS)
    replied = fates["reply"] + fates["won"] + fates["stop"] + len(ASKING)
    return _differences(
        state=(week["state"], "done"),
        people=(week["people_count"], len(VISITORS)),
        delivered=(week["delivered_count"], len(VISITORS) - fates["undeliverable"]),
        replied=(week["replied_count"], replied),
        clicks=(week["clicks"], fates["click"] + fates["won"]),
        won=(week["won"], fates["won"]),
        opt_ins_on_record=(week["opted_in"], OPT_INS),
    )


def _followed_up(week):
    return _differences(
        leads=(week["followed"], len(OFFERED)),
        first_messages=(week["first_steps"], len(OFFERED)),
        ended_by_an_answer=(week["stopped"], 1),
    )


def _conversation(week):
    return _differences(answer=(week["answer_state"], "read"))
