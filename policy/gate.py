"""The rules before each send, and where they differ by the origin of a message, with reasons.

Messages of all origins (campaign, retry, A/B test, follow-up, automation rule, user, automatic
reply, test send) are sent by one transaction that checks every rule of `RULES`. The rules are
implemented in `eligibility`, `frequency`, `hours`, `limits` and `record_change`; a test checks each
origin against each rule and finds exactly these differences.

A row is (rule, origin or '*', category or '*'): why the rule does not apply to such a message.
"""

# Own numbers, consent, frequency, hours, daily limit, pauses.
RULES = (
    "own_number",
    "opted_out",
    "opted_out_of_service_messages",
    "blacklisted",
    "no_opt_in",
    "repeated",
    "frequency",
    "quiet_hours",
    "daily_limit",
    "promotions_stopped",
    "number_paused",
    "account_stopped",
    "template_paused",
    "record_gone",
)

_ANSWER = "Free words go only to who wrote to us in the last 24 hours: they wait for the answer."
_OWN_AFFAIRS = (
    "It is no promotion but about the person's own affairs, which has an opt-out of its own."
)
_ASKED_IN_PERSON = "A person has just asked for this one message and answers for the hour."
_COLLEAGUE = (
    "Tests go to numbers that an administrator listed, none of them a customer's, a few a day."
)
_ELSEWHERE = "It was sent elsewhere: it is stored, and never sent by us."
# A user may also send a template again on purpose: `may_repeat` of that message.
_EVENT = "It is about an event, and repeats an earlier message only if its values are the same."

DIFFERENCES = {
    ("opted_out", "*", "utility"): _OWN_AFFAIRS,
    ("opted_out", "*", "service"): _ANSWER,
    ("opted_out_of_service_messages", "*", "marketing"): "Promotions have an opt-out of their own.",
    ("opted_out_of_service_messages", "*", "service"): _ANSWER,
    ("blacklisted", "*", "service"): _ANSWER,
    ("no_opt_in", "*", "utility"): _OWN_AFFAIRS,
    ("no_opt_in", "*", "service"): _ANSWER,
    ("repeated", "test", "*"): _COLLEAGUE,
    ("repeated", "*", "service"): "It has no template.",
    ("repeated", "action", "utility"): _EVENT,
    ("repeated", "reply", "utility"): _EVENT,
    ("frequency", "*", "utility"): _OWN_AFFAIRS,
    ("frequency", "*", "service"): _ANSWER,
    ("frequency", "test", "*"): _COLLEAGUE,
    ("quiet_hours", "manual", "utility"): _ASKED_IN_PERSON,
    ("quiet_hours", "manual", "service"): _ASKED_IN_PERSON,
    ("quiet_hours", "reply", "utility"): "The person has just written: they are awake.",
    ("quiet_hours", "reply", "service"): "The person has just written: they are awake.",
    ("quiet_hours", "test", "*"): _COLLEAGUE,
    ("quiet_hours", "app", "utility"): _ELSEWHERE,
    ("quiet_hours", "app", "service"): _ELSEWHERE,
    ("quiet_hours", "other_sender", "utility"): _ELSEWHERE,
    ("quiet_hours", "other_sender", "service"): _ELSEWHERE,
    ("daily_limit", "*", "service"): "Meta counts who we begin with, not whom we answer.",
    ("promotions_stopped", "*", "utility"): _OWN_AFFAIRS,
    ("promotions_stopped", "*", "service"): _ANSWER,
    ("template_paused", "*", "service"): "It has no template.",
    ("record_gone", "*", "service"): "It goes to the number that wrote, whatever record there is.",
}


def difference(rule: str, origin: str, category: str) -> str | None:
    """Return why `rule` does not apply to such a message; None where it does."""
    return next(
        (
            reason
            for (of_rule, of_origin, of_category), reason in DIFFERENCES.items()
            if of_rule == rule and of_origin in ("*", origin) and of_category in ("*", category)
        ),
        None,
    )
