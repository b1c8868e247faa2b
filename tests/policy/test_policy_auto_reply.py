"""When a machine answers and when it keeps silent: tables, and what holds for any conversation."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import auto_reply
from odoo.addons.waba_campaign.policy.auto_reply import (
    InboundText,
    ReplyDecision,
    ReplyRule,
    ThreadState,
)

from ..pure import PureCase

NOW = datetime(2026, 11, 27, 22)
HOUR = timedelta(hours=1)
OPEN = ThreadState(window_expires_at=NOW + 24 * HOUR)
CLOSED = ReplyRule("closed", "out_of_hours", is_closed=True)
PRICES = ReplyRule("prices", "keyword", ("precio", "¿Cuánto cuesta?"))
CONFIRM = ReplyRule("confirm", "stop")


def said(text="Hola", kind="text", payload="", ago=timedelta(), wants_stop=False):
    return InboundText(kind, text, payload, NOW - ago, wants_stop)


def talk(**values):
    return ThreadState(**{"window_expires_at": NOW + 24 * HOUR, **values})


class TestWhichRule(PureCase):
    def _check(self, cases):
        for name, message, rules, expected in cases:
            with self.subTest(name):
                decision = auto_reply.decide_reply(message, OPEN, rules, NOW)
                self.assertEqual(decision.rule, expected)

    def test_keywords(self):
        part = ReplyRule("part", "keyword", ("precio",), whole=False)
        self._check(
            [
                ("the word", said("Precio"), [PRICES], "prices"),
                ("accents and marks", said("¡PRÉCIO!"), [PRICES], "prices"),
                ("a sentence as typed", said("cuanto cuesta"), [PRICES], "prices"),
                ("one word of several", said("¿Qué precio tiene?"), [PRICES], None),
                ("the same, anywhere", said("¿Qué precio tiene?"), [part], "part"),
                ("part of a word", said("preciosos"), [part], None),
                ("nothing said", said(""), [PRICES, part], None),
                ("a picture's caption", said("precio", kind="image"), [PRICES], "prices"),
            ]
        )

    def test_buttons(self):
        rule = ReplyRule("call", "button", ("CALL_ME", "Llámame"))
        self._check(
            [
                ("payload", said("x", "button", "CALL_ME"), [rule], "call"),
                ("label", said("Llamame", "button"), [rule], "call"),
                ("a list's row", said("x", "interactive", "CALL_ME"), [rule], "call"),
                ("typed, not pressed", said("Llámame"), [rule], None),
                ("another", said("No", "button", "NO"), [rule], None),
            ]
        )

    def test_hours_and_order(self):
        self._check(
            [
                ("closed", said(), [CLOSED], "closed"),
                ("open", said(), [ReplyRule("closed", "out_of_hours")], None),
                ("the first that fits", said("precio"), [PRICES, CLOSED], "prices"),
                ("the first that fits", said("precio"), [CLOSED, PRICES], "closed"),
            ]
        )

    def test_who_asks_to_stop_is_answered_by_the_confirmation_alone(self):
        stop_word = ReplyRule("stop word", "keyword", ("baja", "stop"), whole=False)
        stop = said("BAJA", wants_stop=True)
        self._check(
            [
                ("a keyword", stop, [stop_word], None),
                ("closed", stop, [CLOSED], None),
                ("confirmed", stop, [stop_word, CLOSED, CONFIRM], "confirm"),
                ("nobody else", said("Hola"), [CONFIRM], None),
            ]
        )
        rested = ReplyRule("confirm", "stop", rested_since=NOW - HOUR)
        self.assertEqual(auto_reply.decide_reply(stop, OPEN, [rested], NOW).why, "stop")


class TestSilence(PureCase):
    def test_table(self):
        cases = [
            ("a reaction", said("❤️", "reaction"), talk(), ReplyDecision(why="kind")),
            ("a notice", said("x", "system"), talk(), ReplyDecision(why="kind")),
            (
                "an hour late",
                said(ago=61 * timedelta(minutes=1)),
                talk(),
                ReplyDecision(why="late"),
            ),
            ("no window", said(), talk(window_expires_at=None), ReplyDecision(why="window")),
            ("closed window", said(), talk(window_expires_at=NOW), ReplyDecision(why="window")),
            (
                "the second message",
                said(),
                talk(answered_at=NOW - HOUR),
                ReplyDecision(why="second_message", hands_over=True),
            ),
            (
                "a machine's speed",
                said(ago=timedelta()),
                talk(answered_at=NOW - timedelta(seconds=2)),
                ReplyDecision(why="too_fast", hands_over=True),
            ),
            (
                "our own words come back",
                said("Estamos cerrados."),
                talk(answered_at=NOW - HOUR, last_answer="Estamos cerrados"),
                ReplyDecision(why="echo", hands_over=True),
            ),
            (
                "handed over",
                said(),
                talk(handed_over_at=NOW - HOUR),
                ReplyDecision(why="handed_over"),
            ),
            (
                "the time to hand over has passed",
                said(),
                talk(handed_over_at=NOW - 24 * HOUR, answered_at=NOW - 30 * HOUR),
                ReplyDecision(rule="closed"),
            ),
            (
                "three today",
                said(),
                talk(count_today=3),
                ReplyDecision(why="too_many", hands_over=True),
            ),
        ]
        for name, message, state, expected in cases:
            with self.subTest(name):
                self.assertEqual(auto_reply.decide_reply(message, state, [CLOSED], NOW), expected)

    def test_a_person_gets_one_answer_once_in_the_time_of_its_rule(self):
        for hours, expected in [(1, None), (23.9, None), (24, "closed"), (100, "closed")]:
            rule = ReplyRule(
                "closed", "out_of_hours", is_closed=True, rested_since=NOW - hours * HOUR
            )
            with self.subTest(hours=hours):
                self.assertEqual(auto_reply.decide_reply(said(), OPEN, [rule], NOW).rule, expected)


gaps = st.lists(st.floats(min_value=0, max_value=40 * 3600), max_size=40)


class TestRest(PureCase):
    def test_without_a_cool_down_the_very_same_moment_will_do(self):
        # A row's time has microseconds, Odoo's `now` has none: it may be the earlier one.
        just_now = NOW + timedelta(microseconds=1)
        rule = ReplyRule("prices", "keyword", rested_since=just_now, cooldown=timedelta())
        self.assertTrue(auto_reply.is_cooldown_over(rule, NOW))


class TestAnyConversation(PureCase):
    """Another machine writes whenever it likes; no person of ours ever does."""

    @settings(deadline=None)
    @given(gaps, st.integers(1, 48))
    def test_two_automatic_answers_are_never_closer_than_the_time_to_hand_over(self, gaps, hours):
        hand_over_for = timedelta(hours=hours)
        now, answered_at, handed_over_at, answers = NOW, None, None, []
        for gap in gaps:
            now += timedelta(seconds=gap)
            recent = [at for at in answers if now - at < 24 * HOUR]
            state = ThreadState(
                now + 24 * HOUR, answered_at, handed_over_at, hand_over_for, len(recent)
            )
            rule = ReplyRule("closed", "out_of_hours", is_closed=True, cooldown=timedelta())
            message = InboundText("text", "Hola", "", now)
            decision = auto_reply.decide_reply(message, state, [rule], now)
            if answered_at and not handed_over_at and now - answered_at < hand_over_for:
                self.assertTrue(decision.hands_over, "the second message goes to a person")
            if decision.rule:
                if answers:
                    self.assertGreaterEqual(now - answers[-1], hand_over_for)
                answers.append(now)
                answered_at, handed_over_at = now, None
            if decision.hands_over:
                handed_over_at = now
            self.assertLessEqual(len([at for at in answers if now - at < 24 * HOUR]), 24)

    @given(st.text(max_size=40), st.sampled_from(auto_reply.TRIGGERS), st.text(max_size=10))
    def test_whoever_asks_to_stop_never_gets_another_rules_answer(self, text, trigger, word):
        rule = ReplyRule("r", trigger, (word, text), whole=False, is_closed=True)
        decision = auto_reply.decide_reply(said(text, wants_stop=True), OPEN, [rule], NOW)
        self.assertEqual(bool(decision.rule), trigger == "stop")
