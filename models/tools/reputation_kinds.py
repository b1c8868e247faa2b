"""The vocabulary of evidence: what can be noted, how sure it is, and which way it points.

`certainty` is about what the words say. 'exact': it happened just so. 'inferred': a guess that a
later event may correct. 'aggregate': Meta's judgement of many people's reactions, of which it names
neither who nor how many (Meta, Support, 2025-11-19: it does not disclose blocks). So no kind that
speaks of a block or a report by a recipient is exact, except those that only a person or a provider
can tell (`PERSON_REPORT_KINDS`).
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """:ivar effect: 'good', 'bad', 'neutral'; '' where each event says (a change up or down)."""

    label: str
    certainty: str
    effect: str


KINDS = {
    # A person
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
    # What Meta does with our messages
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
    # Somebody else sends with our keys (waba_second_sender.py)
    "second_sender": Kind("Sent by another database or system", "exact", "neutral"),
    # What we did about it
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

# Only a person or a provider can tell these; everybody else infers or aggregates.
PERSON_REPORT_KINDS = ("customer_block", "customer_report", "customer_unblock")
WITNESSES = ("person", "provider")
# The other kinds whose words speak of blocks or reports by recipients.
INFERRED_BLOCKS = ("possible_block", "spam_rate", "block_order")

# A failure's reason -> its evidence. The reasons that are missing tell of our own set-up, of our
# pace or of passing trouble, and nothing of how messages are received.
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

# Where a value stands among those of its kind; 0 is what a healthy one has, so that a first reading
# below it is bad news. Without a 0 a first reading is no news.
RANKS = {
    "number_quality": {"red": -2, "yellow": -1, "green": 0},
    "template_quality": {"red": -2, "yellow": -1, "green": 0},
    # The three enumerations of waba_sender.py; a word that is not here is neither good nor bad.
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
    """Return 'good', 'bad' or 'neutral' for a value of `kind` that became another.

    :param before: the value it had, None when it was not known
    :param after: the value it has; one that has no rank is no news ("not rated" is no relief)
    """
    ranks = RANKS[kind]
    if after not in ranks:
        return "neutral"
    reached = ranks[after]
    left = ranks.get(before, 0 if 0 in ranks.values() else reached)
    if reached == left:
        return "neutral"
    return "good" if reached > left else "bad"
