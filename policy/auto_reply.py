"""Whether an automatic reply is sent, by which rule, and when a user takes over.

After an automatic reply the person's next message is for a user: there is no other automatic reply
until a user has answered or the hand-over time has passed. So two bots never answer each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .plain_text import normalize_text

OUT_OF_HOURS, KEYWORD, BUTTON, STOP = "out_of_hours", "keyword", "button", "stop"
TRIGGERS = (OUT_OF_HOURS, KEYWORD, BUTTON, STOP)

# Kinds of message that can be answered: neither reactions nor reports by WhatsApp itself.
ANSWERED_KINDS = frozenset(
    ("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button",
     "interactive", "order")
)  # fmt: skip
# A webhook may come hours late; an automatic "we are closed" in the middle of the day is worse
# than none.
ANSWER_PERIOD = timedelta(hours=1)
# Only a bot reads and answers this fast.
MIN_INTERVAL = timedelta(seconds=3)
# Automatic replies to one person in 24 hours, over all rules and numbers.
MAX_PER_DAY = 3


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """A rule with its automatic reply.

    key: the caller's identifier of the rule.
    words: keywords or button payloads and labels, as entered in the rule.
    whole: whether the message must be the keyword alone; otherwise it must contain the keyword.
    is_closed: whether the message was received outside the opening hours (out_of_hours).
    rested_since: when this person last got this reply, naive UTC, or None.
    cooldown: minimum time between two of these replies to one person.
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
    """An inbound message.

    wants_stop: whether it is an opt-out.
    may_want_stop: whether it is a possible opt-out, which a user must review.
    """

    kind: str
    text: str
    payload: str
    at: datetime
    wants_stop: bool = False
    may_want_stop: bool = False


@dataclass(frozen=True, slots=True)
class ThreadState:
    """The state of the conversation.

    answered_at: time of the last automatic reply, if no user has answered since.
    handed_over_at: since when the conversation waits for a user.
    hand_over_for: how long there are no automatic replies then.
    count_today: automatic replies to this person in the last 24 hours, from any number.
    last_answer: text of the last automatic reply.
    """

    window_expires_at: datetime | None
    answered_at: datetime | None = None
    handed_over_at: datetime | None = None
    hand_over_for: timedelta = timedelta(hours=24)
    count_today: int = 0
    last_answer: str = ""


@dataclass(frozen=True, slots=True)
class ReplyDecision:
    """`rule` is the key of the rule that replies, or None for the reason `why`.

    hands_over: whether the conversation is handed over to a user now.
    """

    rule: object = None
    why: str = ""
    hands_over: bool = False


def decide_reply(
    message: InboundText, thread: ThreadState, rules: Sequence[ReplyRule], now: datetime
) -> ReplyDecision:
    """Return whether a rule replies to this message, and whether a user takes over.

    :param rules: in order of precedence: the first that matches replies
    """
    if message.kind not in ANSWERED_KINDS:
        return ReplyDecision(why="kind")
    if message.may_want_stop:
        return ReplyDecision(why="may_want_stop")
    if is_with_colleague(thread, now):
        return ReplyDecision(why="handed_over")
    if was_answered_automatically(thread, now):
        # The second message: people should not have to repeat themselves to a bot.
        return ReplyDecision(why=_second_message_reason(message, thread), hands_over=True)
    if now - message.at > ANSWER_PERIOD:
        return ReplyDecision(why="late")
    if not thread.window_expires_at or thread.window_expires_at <= now:
        return ReplyDecision(why="window")
    if thread.count_today >= MAX_PER_DAY:
        return ReplyDecision(why="too_many", hands_over=True)
    fitting = [rule for rule in rules if matches_rule(rule, message)]
    rested = [rule for rule in fitting if is_cooldown_over(rule, now)]
    if rested:
        return ReplyDecision(rule=rested[0].key)
    return ReplyDecision(why="stop" if message.wants_stop else "no_rule")


def _second_message_reason(message: InboundText, thread: ThreadState) -> str:
    if thread.last_answer and normalize_text(message.text) == normalize_text(thread.last_answer):
        return "echo"
    if thread.answered_at and timedelta() <= message.at - thread.answered_at <= MIN_INTERVAL:
        return "too_fast"
    return "second_message"


def is_with_colleague(thread: ThreadState, now: datetime) -> bool:
    """Return whether the conversation waits for a user; this expires."""
    return bool(thread.handed_over_at) and now - thread.handed_over_at < thread.hand_over_for


def was_answered_automatically(thread: ThreadState, now: datetime) -> bool:
    """Return whether the last answer was automatic, so that the next message is for a user."""
    return bool(thread.answered_at) and now - thread.answered_at < thread.hand_over_for


def is_cooldown_over(rule: ReplyRule, now: datetime) -> bool:
    """Return whether the rule's cooldown for this person has ended."""
    if rule.rested_since is None or not rule.cooldown:
        return True
    return now - rule.rested_since >= rule.cooldown


def matches_rule(rule: ReplyRule, message: InboundText) -> bool:
    """Return whether a rule matches this message.

    Only the rule that confirms an opt-out replies to it: the reply to a keyword could contradict it
    or promote something.
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
    text = normalize_text(message.text)
    if not text:
        return False
    for word in filter(None, map(normalize_text, rule.words)):
        if text == word or (not rule.whole and f" {word} " in f" {text} "):
            return True
    return False
