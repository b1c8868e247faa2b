"""Does a machine answer, with which rule, and when does a person take over.

A machine answers at most once: what the person writes after an automatic answer is for a person,
and from then on no machine answers until a person of ours has, or until the time to hand over has
passed. Two machines therefore never talk to each other, whoever the other one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .plain_text import normalise

OUT_OF_HOURS, KEYWORD, BUTTON, STOP = "out_of_hours", "keyword", "button", "stop"
TRIGGERS = (OUT_OF_HOURS, KEYWORD, BUTTON, STOP)

# What can be answered: somebody said something to us. A reaction, or what WhatsApp reports, is no
# question.
ANSWERED_KINDS = frozenset(
    ("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button",
     "interactive", "order")
)  # fmt: skip
# A webhook may come hours late; an automatic "we are closed" in the middle of the day is worse
# than none.
ANSWERED_WITHIN = timedelta(hours=1)
# People do not read and answer within this; machines do.
TOO_FAST = timedelta(seconds=3)
# A person's patience with machines, whatever rules and numbers there are.
MOST_IN_A_DAY = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One automatic answer.

    key: whatever names the rule to the caller.
    words: keywords or button payloads and labels, as typed by whoever made the rule.
    whole: the message is the keyword and nothing else; otherwise it is one of its words.
    is_closed: whether it is outside the opening hours at the moment of the message (out_of_hours).
    rested_since: naive UTC; this person got this answer last then, or None.
    cooldown: no second time to one person within it.
    """

    key: object
    trigger: str
    words: tuple[str, ...] = ()
    whole: bool = True
    is_closed: bool = False
    rested_since: datetime | None = None
    cooldown: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote. wants_stop: they asked for no more promotions. may_want_stop: perhaps
    they did: a person reads it."""

    kind: str
    text: str
    payload: str
    at: datetime
    wants_stop: bool = False
    may_want_stop: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """How the conversation stands.

    answered_at: the last automatic answer that no person's answer has followed.
    handed_over_at: since when a person is asked for.
    hand_over_for: how long machines stay silent then.
    count_today: automatic answers to this person in the last 24 hours, from whatever number.
    last_answer: text of the last automatic answer.
    """

    window_expires_at: datetime | None
    answered_at: datetime | None = None
    handed_over_at: datetime | None = None
    hand_over_for: timedelta = timedelta(hours=24)
    count_today: int = 0
    last_answer: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens: `rule` is the key of the rule that answers, or None for the reason `why`.

    hands_over: a person is asked for now.
    """

    rule: object = None
    why: str = ""
    hands_over: bool = False


def decide(message: Message, talk: Talk, rules: Sequence[Rule], now: datetime) -> Decision:
    """Whether a machine answers this message, and whether a person is asked for.

    :param rules: in their order: the first that fits answers
    """
    if message.kind not in ANSWERED_KINDS:
        return Decision(why="kind")
    if message.may_want_stop:
        return Decision(why="may_want_stop")
    if is_handed_over(talk, now):
        return Decision(why="handed_over")
    if was_answered(talk, now):
        # The second message. Nobody has to say anything twice to a machine.
        return Decision(why=_second_why(message, talk), hands_over=True)
    if now - message.at > ANSWERED_WITHIN:
        return Decision(why="late")
    if not talk.window_expires_at or talk.window_expires_at <= now:
        return Decision(why="window")
    if talk.count_today >= MOST_IN_A_DAY:
        return Decision(why="too_many", hands_over=True)
    fitting = [rule for rule in rules if fits(rule, message)]
    rested = [rule for rule in fitting if has_rested(rule, now)]
    if rested:
        return Decision(rule=rested[0].key)
    return Decision(why="stop" if message.wants_stop else "no_rule")


def _second_why(message: Message, talk: Talk) -> str:
    if talk.last_answer and normalise(message.text) == normalise(talk.last_answer):
        return "echo"
    if talk.answered_at and timedelta() <= message.at - talk.answered_at <= TOO_FAST:
        return "too_fast"
    return "second_message"


def is_handed_over(talk: Talk, now: datetime) -> bool:
    """Whether a person is being waited for; after a while machines may answer again."""
    return bool(talk.handed_over_at) and now - talk.handed_over_at < talk.hand_over_for


def was_answered(talk: Talk, now: datetime) -> bool:
    """Whether a machine answered last, so that the next message is for a person."""
    return bool(talk.answered_at) and now - talk.answered_at < talk.hand_over_for


def has_rested(rule: Rule, now: datetime) -> bool:
    """Whether this person has not had this answer for as long as the rule says."""
    if rule.rested_since is None or not rule.cooldown:
        return True
    return now - rule.rested_since >= rule.cooldown


def fits(rule: Rule, message: Message) -> bool:
    """Whether a rule is about this message.

    To whoever asked to stop, nothing is answered but the rule that confirms it: a keyword's answer
    would contradict them, or sell them something.
    """
    if message.wants_stop or rule.trigger == STOP:
        return message.wants_stop and rule.trigger == STOP
    if rule.trigger == OUT_OF_HOURS:
        return rule.is_closed
    if rule.trigger == BUTTON:
        return _is_pressed(rule, message)
    return _says(rule, message)


def _is_pressed(rule: Rule, message: Message) -> bool:
    if message.kind not in ("button", "interactive"):
        return False
    pressed = {message.payload.strip(), normalise(message.text)} - {""}
    return any(word.strip() in pressed or normalise(word) in pressed for word in rule.words)


def _says(rule: Rule, message: Message) -> bool:
    said = normalise(message.text)
    if not said:
        return False
    for word in filter(None, map(normalise, rule.words)):
        if said == word or (not rule.whole and f" {word} " in f" {said} "):
            return True
    return False
