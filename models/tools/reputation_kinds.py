"""Tools: the kinds of evidence, with their certainty and effect.

Used by `waba.reputation.event` and by all code that records or shows evidence.

`certainty` refers to what the label states. 'exact': confirmed. 'inferred': likely, and a later
event may correct it. 'aggregate': Meta's assessment of many recipients' reactions, of whom it
discloses neither identity nor number (Meta, Support, 2025-11-19: it does not disclose blocks). So
no kind about a block or a report by a recipient is exact, except those that only a person or a
provider can report (`PERSON_REPORT_KINDS`).
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of evidence.

    :ivar label: English label, translated by the selection field
    :ivar certainty: key of CERTAINTIES
    :ivar effect: key of EFFECTS; '' if it depends on the event (a change up or down)
    """

    label: str
    certainty: str
    effect: str


KINDS = {
    # Recipients
    "customer_block": Kind("Customer blocked us", "exact", "bad"),
    "customer_report": Kind("Customer reported us", "exact", "bad"),
    "customer_unblock": Kind("Customer unblocked us", "exact", "good"),
    "opt_out": Kind("Opted out", "exact", "bad"),
    "opt_in": Kind("Opted in", "exact", "good"),
    "promotions_stopped": Kind("Refused: opted out of promotions", "exact", "bad"),
    "marketing_limit": Kind("Limited: too many promotions", "exact", "bad"),
    "experiment": Kind("Limited: WhatsApp experiment", "exact", "neutral"),
    "undeliverable": Kind("Undeliverable", "exact", "bad"),
    "possible_block": Kind("Possible block or unreachable", "inferred", "bad"),
    "delivered_late": Kind("Delivered late", "exact", "good"),
    # Meta's treatment of our messages
    "spam_rate": Kind("Number limited: blocked or reported too often", "aggregate", "bad"),
    "held": Kind("Held by WhatsApp for quality assessment", "aggregate", "neutral"),
    "template_drop": Kind("Not sent: template paused or disabled", "aggregate", "bad"),
    "template_policy": Kind("Template violates a policy", "exact", "bad"),
    # 135000 is a generic parameter error too.
    "pacing_drop": Kind("Dropped after quality assessment", "inferred", "bad"),
    # Templates
    "template_flagged": Kind("Template quality warning", "aggregate", "bad"),
    "template_paused": Kind("Template paused", "aggregate", "bad"),
    "template_disabled": Kind("Template disabled", "aggregate", "bad"),
    "template_reinstated": Kind("Template reinstated", "aggregate", "good"),
    "template_quality": Kind("Template quality rating", "aggregate", ""),
    "template_category": Kind("Template category", "exact", ""),
    "block_order": Kind("Block rate comparison", "aggregate", "neutral"),
    # Numbers
    "number_quality": Kind("Number quality rating", "aggregate", ""),
    "number_flagged": Kind("Number quality warning", "aggregate", "bad"),
    "number_unflagged": Kind("Number quality warning lifted", "aggregate", "good"),
    "number_status": Kind("Number status", "exact", ""),
    "throughput": Kind("Number speed", "exact", ""),
    "number_name": Kind("Display name", "exact", ""),
    "health": Kind("Sending status", "exact", ""),
    "security": Kind("Number security", "exact", "neutral"),
    # Account and portfolio
    "account_violation": Kind("Policy violation", "exact", "bad"),
    "account_restricted": Kind("Account restricted", "exact", "bad"),
    "account_limited": Kind("Account limited: wrong template category", "exact", "bad"),
    "account_banned": Kind("Account disabled or scheduled", "exact", "bad"),
    "account_reinstated": Kind("Account reinstated", "exact", "good"),
    "account_review": Kind("Account review", "exact", ""),
    "account_alert": Kind("Meta alert", "exact", ""),
    "messaging_limit": Kind("Daily limit", "exact", ""),
    # Messages sent with our keys by others (`_record_second_sender`)
    "second_sender": Kind("Sent by another system", "exact", "neutral"),
    # What Meta charged (`_check_charges`)
    "price_exceeded": Kind("Charged above the maximum price", "exact", "neutral"),
    # Our responses
    "response_full": Kind("Active again", "exact", "neutral"),
    "response_warm_up": Kind("Warming up", "exact", "neutral"),
    "response_slow": Kind("Slowed", "exact", "neutral"),
    "response_hold": Kind("Promotions on hold", "exact", "neutral"),
    "response_lock": Kind("Locked", "exact", "neutral"),
    "response_canary": Kind("Pilot batch only", "exact", "neutral"),
    "response_campaign": Kind("Campaign paused", "exact", "neutral"),
    "response_template": Kind("Template on hold", "exact", "neutral"),
    "response_release": Kind("Resumed by a manager", "exact", "neutral"),
}

CERTAINTIES = [("exact", "Confirmed"), ("inferred", "Likely"), ("aggregate", "Aggregate")]
SOURCES = [
    ("webhook", "Meta webhook"),
    ("send_reply", "API response"),
    ("status", "Message status"),
    ("poll", "Sync with Meta"),
    ("silence", "No delivery"),
    ("person", "User"),
    ("provider", "Provider"),
    ("policy", "Automatic rule"),
]
EFFECTS = [("bad", "Bad"), ("good", "Good"), ("neutral", "Neutral")]

# Only a person or a provider can report these.
PERSON_REPORT_KINDS = ("customer_block", "customer_report", "customer_unblock")
WITNESSES = ("person", "provider")
# The other kinds about blocks or reports by recipients.
INFERRED_BLOCKS = ("possible_block", "spam_rate", "block_order")

# Failure reason -> its evidence. The missing reasons concern our configuration, our pace or
# temporary errors, not how messages are received.
KIND_BY_FAILURE = {
    "opted_out": "promotions_stopped",
    "marketing_limit": "marketing_limit",
    "experiment": "experiment",
    "undeliverable": "undeliverable",
    "spam_rate": "spam_rate",
    "template_paused": "template_drop",
    "template_disabled": "template_drop",
    "template_policy": "template_policy",
    "pacing_drop": "pacing_drop",
    "account_restricted": "account_restricted",
    "account_misclassified": "account_limited",
}

# Order of the values of a kind; 0 is healthy, so a first value below it is bad. In a kind without
# 0 a first value is neutral.
RANKS = {
    "number_quality": {"red": -2, "yellow": -1, "green": 0},
    "template_quality": {"red": -2, "yellow": -1, "green": 0},
    # Meta's three enumerations, see waba_sender.py; other values are neutral.
    "number_status": {
        **dict.fromkeys(
            ("BANNED", "RESTRICTED", "FLAGGED", "RATE_LIMITED", "DISCONNECTED", "UNLINKED",
             "DELETED", "MIGRATED", "MISSING"),
            -1,
        ),
        "CONNECTED": 0,
        "LINKED": 0,
    },
    "number_name": {"DECLINED": -1, "REJECTED": -1, "EXPIRED": -1, "APPROVED": 0,
                    "AVAILABLE_WITHOUT_REVIEW": 0},
    "health": {"blocked": -2, "limited": -1, "available": 0},
    "account_review": {"rejected": -1, "approved": 0},
    "throughput": {"20": 1, "80": 2, "1000": 3},
    "messaging_limit": {
        "50": 1, "250": 2, "1000": 3, "2000": 4, "10000": 5, "100000": 6, "unlimited": 7,
    },
}  # fmt: skip


def change_effect(kind, before, after):
    """Return 'good', 'bad' or 'neutral' for a changed value.

    :param kind: a key of RANKS
    :param before: the previous value, None if unknown
    :param after: the new value; neutral without a rank ("not rated" is no improvement)
    """
    ranks = RANKS[kind]
    if after not in ranks:
        return "neutral"
    reached = ranks[after]
    left = ranks.get(before, 0 if 0 in ranks.values() else reached)
    if reached == left:
        return "neutral"
    return "good" if reached > left else "bad"
