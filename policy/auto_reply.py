"""Whether an automatic reply is sent, by which rule, and when a person takes over.

An automatic reply is sent at most once: what the person writes next is for a colleague, and there
is no other automatic reply until a colleague has answered or the hand-over time has passed. So two
bots never talk to each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .plain_text import normalize_text

OUT_OF_HOURS, KEYWORD, BUTTON, STOP = "out_of_hours", "keyword", "button", "stop"
TRIGGERS = (OUT_OF_HOURS, KEYWORD, BUTTON, STOP)

# Kinds of message that can be answered; not reactions, nor what WhatsApp itself reports.
ANSWERED_KINDS = frozenset(
    ("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button",
     "interactive", "order")
)  # fmt: skip
# A webhook may come hours late; an automatic "we are closed" in the middle of the day is worse
# than none.
ANSWER_PERIOD = timedelta(hours=1)
# Nobody reads and answers this fast; a bot does.
MIN_INTERVAL = timedelta(seconds=3)
# Automatic replies to one person in 24 hours, over all rules and numbers.
MAX_PER_DAY = 3


@dataclass(frozen=True, slots=True)
class ReplyRule:
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
class InboundText:
    """An inbound message. wants_stop: it is an opt-out. may_want_stop: it may be one, and a person
    has to read it."""

    kind: str
    text: str
    payload: str
    at: datetime
    wants_stop: bool = False
    may_want_stop: bool = False


@dataclass(frozen=True, slots=True)
class ThreadState:
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
class ReplyDecision:
    """`rule` is the key of the rule that answers, or None for the reason `why`.

    hands_over: the conversation is handed over to a colleague now.
    """

    rule: object = None
    why: str = ""
    hands_over: bool = False


def decide_reply(
    message: InboundText, talk: ThreadState, rules: Sequence[ReplyRule], now: datetime
) -> ReplyDecision:
    """Return whether a rule answers this message, and whether a colleague takes over.

    :param rules: in order of precedence: the first that matches answers
    """
    if message.kind not in ANSWERED_KINDS:
        return ReplyDecision(why="kind")
    if message.may_want_stop:
        return ReplyDecision(why="may_want_stop")
    if is_with_colleague(talk, now):
        return ReplyDecision(why="handed_over")
    if was_answered_automatically(talk, now):
        # The second message: nobody should have to repeat themselves to a bot.
        return ReplyDecision(why=_second_message_reason(message, talk), hands_over=True)
    if now - message.at > ANSWER_PERIOD:
        return ReplyDecision(why="late")
    if not talk.window_expires_at or talk.window_expires_at <= now:
        return ReplyDecision(why="window")
    if talk.count_today >= MAX_PER_DAY:
        return ReplyDecision(why="too_many", hands_over=True)
    fitting = [rule for rule in rules if matches_rule(rule, message)]
    rested = [rule for rule in fitting if is_cooldown_over(rule, now)]
    if rested:
        return ReplyDecision(rule=rested[0].key)
    return ReplyDecision(why="stop" if message.wants_stop else "no_rule")


def _second_message_reason(message: InboundText, talk: ThreadState) -> str:
    if talk.last_answer and normalize_text(message.text) == normalize_text(talk.last_answer):
        return "echo"
    if talk.answered_at and timedelta() <= message.at - talk.answered_at <= MIN_INTERVAL:
        return "too_fast"
    return "second_message"


def is_with_colleague(talk: ThreadState, now: datetime) -> bool:
    """Return whether the conversation waits for a colleague; this expires."""
    return bool(talk.handed_over_at) and now - talk.handed_over_at < talk.hand_over_for


def was_answered_automatically(talk: ThreadState, now: datetime) -> bool:
    """Return whether an automatic reply came last, so that the next message is for a colleague."""
    return bool(talk.answered_at) and now - talk.answered_at < talk.hand_over_for


def is_cooldown_over(rule: ReplyRule, now: datetime) -> bool:
    """Return whether the rule's cooldown for this person is over."""
    if rule.rested_since is None or not rule.cooldown:
        return True
    return now - rule.rested_since >= rule.cooldown


def matches_rule(rule: ReplyRule, message: InboundText) -> bool:
    """Return whether a rule matches this message.

    An opt-out is answered only by the rule that confirms it: a keyword's answer could contradict
    it, or sell something.
    """
    if message.wants_stop or rule.trigger == STOP:
        return message.wants_stop and rule.trigger == STOP
    if rule.trigger == OUT_OF_HOURS:
        return rule.is_closed
    if rule.trigger == BUTTON:
        return _matches_button(rule, message)
    return _matches_keyword(rule, message)


def _matches_button(rule: ReplyRule, message: InboundText) -> bool:
    if message.kind not in ("button", "interactive"):
        return False
    pressed = {message.payload.strip(), normalize_text(message.text)} - {""}
    return any(word.strip() in pressed or normalize_text(word) in pressed for word in rule.words)


def _matches_keyword(rule: ReplyRule, message: InboundText) -> bool:
    said = normalize_text(message.text)
    if not said:
        return False
    for word in filter(None, map(normalize_text, rule.words)):
        if said == word or (not rule.whole and f" {word} " in f" {said} "):
            return True
    return False
