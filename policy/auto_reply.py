"""Whether an automatic reply is sent, by which rule, and when a person takes over.

An automatic reply is sent at most once: what the person writes next is for a colleague, and there
is no other automatic reply until a colleague has answered or the hand-over time has passed. So two
bots never talk to each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .plain_text import normalise

OUT_OF_HOURS, KEYWORD, BUTTON, STOP = "out_of_hours", "keyword", "button", "stop"
TRIGGERS = (OUT_OF_HOURS, KEYWORD, BUTTON, STOP)

# Kinds of message that can be answered; not reactions, nor what WhatsApp itself reports.
ANSWERED_KINDS = frozenset(
    ("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button",
     "interactive", "order")
)  # fmt: skip
# A webhook may come hours late; an automatic "we are closed" in the middle of the day is worse
# than none.
ANSWERED_WITHIN = timedelta(hours=1)
# Nobody reads and answers this fast; a bot does.
TOO_FAST = timedelta(seconds=3)
# Automatic replies to one person in 24 hours, over all rules and numbers.
MOST_IN_A_DAY = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One automatic answer.

    key: the caller's identifier of the rule.
    words: keywords or button payloads and labels, as entered in the rule.
    whole: the message must be the keyword alone; otherwise the keyword is one of its words.
    is_closed: whether it is outside the opening hours at the moment of the message (out_of_hours).
    rested_since: when this person last got this answer, naive UTC, or None.
    cooldown: minimum time between two of this answer to one person.
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
    """An inbound message. wants_stop: it is an opt-out. may_want_stop: it may be one, and a person
    has to read it."""

    kind: str
    text: str
    payload: str
    at: datetime
    wants_stop: bool = False
    may_want_stop: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """The state of the conversation.

    answered_at: the last automatic answer, if no colleague has answered since.
    handed_over_at: since when the conversation waits for a colleague.
    hand_over_for: for how long there are no automatic replies then.
    count_today: automatic answers to this person in the last 24 hours, from any number.
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
    """`rule` is the key of the rule that answers, or None for the reason `why`.

    hands_over: the conversation is handed over to a colleague now.
    """

    rule: object = None
    why: str = ""
    hands_over: bool = False


def decide(message: Message, talk: Talk, rules: Sequence[Rule], now: datetime) -> Decision:
    """Return whether a rule answers this message, and whether a colleague takes over.

    :param rules: in order of precedence: the first that matches answers
    """
    if message.kind not in ANSWERED_KINDS:
        return Decision(why="kind")
    if message.may_want_stop:
        return Decision(why="may_want_stop")
    if is_handed_over(talk, now):
        return Decision(why="handed_over")
    if was_answered(talk, now):
        # The second message: nobody should have to repeat themselves to a bot.
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
    """Return whether the conversation waits for a colleague; this expires."""
    return bool(talk.handed_over_at) and now - talk.handed_over_at < talk.hand_over_for


def was_answered(talk: Talk, now: datetime) -> bool:
    """Return whether an automatic reply came last, so that the next message is for a colleague."""
    return bool(talk.answered_at) and now - talk.answered_at < talk.hand_over_for


def has_rested(rule: Rule, now: datetime) -> bool:
    """Return whether the rule's cooldown for this person is over."""
    if rule.rested_since is None or not rule.cooldown:
        return True
    return now - rule.rested_since >= rule.cooldown


def fits(rule: Rule, message: Message) -> bool:
    """Return whether a rule matches this message.

    An opt-out is answered only by the rule that confirms it: a keyword's answer could contradict
    it, or sell something.
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
