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
    "customer_block": Kind("They blocked us", "exact", "bad"),
    "customer_report": Kind("They reported us", "exact", "bad"),
    "customer_unblock": Kind("They unblocked us", "exact", "good"),
    "opt_out": Kind("No more promotions, please", "exact", "bad"),
    "opt_in": Kind("Promotions welcome", "exact", "good"),
    "promotions_stopped": Kind("Refused: the person had stopped our promotions", "exact", "bad"),
    "marketing_limit": Kind("Held back: the person gets many promotions", "exact", "bad"),
    "experiment": Kind("Held back: no promotions shown for now", "exact", "neutral"),
    "undeliverable": Kind("Not deliverable", "exact", "bad"),
    "possible_block": Kind("Possible block or unreachable", "inferred", "bad"),
    "delivered_late": Kind("Delivered after all", "exact", "good"),
    # Meta's treatment of our messages
    "spam_rate": Kind("Number limited: blocked or called spam by many", "aggregate", "bad"),
    "held": Kind("Held by WhatsApp to watch the first reactions", "aggregate", "neutral"),
    "template_drop": Kind("Not sent: template paused or disabled", "aggregate", "bad"),
    "template_policy": Kind("Template breaks a rule of WhatsApp", "exact", "bad"),
    # 135000 is a generic parameter error too.
    "pacing_drop": Kind("Dropped after the first reactions", "inferred", "bad"),
    # Templates
    "template_flagged": Kind("Template warned for bad reactions", "aggregate", "bad"),
    "template_paused": Kind("Template paused", "aggregate", "bad"),
    "template_disabled": Kind("Template disabled", "aggregate", "bad"),
    "template_reinstated": Kind("Template allowed again", "aggregate", "good"),
    "template_quality": Kind("Template's rating", "aggregate", ""),
    "template_category": Kind("Template's category", "exact", ""),
    "block_order": Kind("Which of two templates is blocked more", "aggregate", "neutral"),
    # Numbers
    "number_quality": Kind("Number's rating", "aggregate", ""),
    "number_flagged": Kind("Number warned for low quality", "aggregate", "bad"),
    "number_unflagged": Kind("Number's warning lifted", "aggregate", "good"),
    "number_status": Kind("Number's status", "exact", ""),
    "throughput": Kind("Number's speed", "exact", ""),
    "number_name": Kind("Number's name", "exact", ""),
    "health": Kind("May send, by Meta's check", "exact", ""),
    "security": Kind("Number's security", "exact", "neutral"),
    # Account and portfolio
    "account_violation": Kind("Account broke a rule", "exact", "bad"),
    "account_restricted": Kind("Account restricted", "exact", "bad"),
    "account_limited": Kind("Account limited: templates in the wrong category", "exact", "bad"),
    "account_banned": Kind("Account disabled or about to be", "exact", "bad"),
    "account_reinstated": Kind("Account reinstated", "exact", "good"),
    "account_review": Kind("Account's review", "exact", ""),
    "account_alert": Kind("Meta's alert", "exact", ""),
    "messaging_limit": Kind("Daily limit", "exact", ""),
    # Messages sent with our keys by others (`_record_second_sender`)
    "second_sender": Kind("Sent by another database or system", "exact", "neutral"),
    # Our responses
    "response_full": Kind("Full speed again", "exact", "neutral"),
    "response_warm_up": Kind("Warming up", "exact", "neutral"),
    "response_slow": Kind("Slowed", "exact", "neutral"),
    "response_hold": Kind("Promotions held", "exact", "neutral"),
    "response_lock": Kind("Locked until released", "exact", "neutral"),
    "response_canary": Kind("First wave only", "exact", "neutral"),
    "response_campaign": Kind("Campaign paused", "exact", "neutral"),
    "response_template": Kind("Template's messages held", "exact", "neutral"),
    "response_release": Kind("Released by a manager", "exact", "neutral"),
}

CERTAINTIES = [("exact", "Sure"), ("inferred", "Likely"), ("aggregate", "In aggregate")]
SOURCES = [
    ("webhook", "Meta's webhook"),
    ("send_reply", "Meta's answer to a message"),
    ("status", "A message's status"),
    ("poll", "Asked of Meta"),
    ("silence", "Silence"),
    ("person", "A person"),
    ("provider", "A provider"),
    ("policy", "Our own rules"),
]
EFFECTS = [("bad", "Bad"), ("good", "Good"), ("neutral", "Neither")]

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
