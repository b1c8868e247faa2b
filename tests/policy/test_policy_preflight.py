from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import preflight, preflight_outlook
from odoo.addons.waba_campaign.policy.preflight import LINES, LineVerdict
from odoo.addons.waba_campaign.policy.proportions import wilson_interval

from ..pure import PureCase

COUNTS = st.integers(0, 5000)

# line -> (why, arguments, level, case); each line has a case for each level that it declares.
CASES = {
    "reach": [
        ("all", (3, 3), "pass", "all"),
        ("half", (4, 2), "pass", "most"),
        ("less than half", (5, 2), "pass", "most"),
        ("nobody left", (5, 0), "stop", "nobody_left"),
        ("nobody chosen", (0, 0), "stop", "nobody_chosen"),
    ],
    "template": [
        ("High", (True, True, "green"), "pass", "fine"),
        ("not rated", (True, True, "unknown"), "pass", "new"),
        ("Medium", (True, True, "yellow"), "warn", "yellow"),
        ("Low, released", (True, True, "red"), "warn", "red"),
        ("paused", (True, False, "green"), "stop", "not_sendable"),
        ("none", (False, False, "unknown"), "stop", "none"),
    ],
    "sender": [
        ("High", {}, "pass", "fine"),
        ("not rated", {"rating": "unknown"}, "pass", "new"),
        ("Medium", {"rating": "yellow"}, "warn", "rating"),
        ("Low, released or a service message", {"rating": "red"}, "warn", "rating"),
        ("at risk", {"level": "at_risk"}, "warn", "reading"),
        ("watch", {"level": "watch"}, "warn", "reading"),
        ("unknown reading", {"level": "unknown"}, "pass", "fine"),
        ("slowed", {"is_slowed": True}, "warn", "slowed"),
        ("warming up", {"is_warming_up": True}, "warn", "warm_up"),
        ("paused by a person", {"waits": True, "rating": "yellow"}, "warn", "waits"),
        ("held", {"is_held": True, "waits": True}, "stop", "held"),
        ("banned", {"is_stopped_by_meta": True}, "stop", "stopped_by_meta"),
        ("locked", {"is_locked": True, "is_held": True}, "stop", "locked"),
        ("restricted", {"is_restricted": True, "is_locked": True}, "stop", "restricted"),
        ("archived", {"is_archived": True}, "stop", "archived"),
        ("draft account", {"is_connected": False}, "stop", "not_connected"),
        ("another account", {"is_of_account": False}, "stop", "other_account"),
        ("none", {"is_chosen": False}, "stop", "none"),
    ],
    "personal": [
        ("by name", (True, 2, 0, 0, 10), "pass", "fine"),
        ("no variable", (True, 0, 0, 0, 10), "pass", "same_for_all"),
        ("a few fallbacks", (True, 2, 0, 19, 40), "pass", "some_fallback"),
        ("half fallbacks", (True, 2, 0, 20, 40), "warn", "mostly_fallback"),
        ("two of two fallbacks", (True, 2, 0, 2, 2), "pass", "some_fallback"),
        ("a few empty", (True, 2, 1, 0, 10), "pass", "fine"),
        ("as many empty as not", (True, 2, 10, 0, 10), "stop", "mostly_missing"),
        ("all empty", (True, 2, 10, 0, 0), "stop", "mostly_missing"),
        ("not filled in", (False, 2, 0, 0, 0), "stop", "incomplete"),
    ],
    "consent": [
        ("everybody", ("marketing", 10, 0, 0), "pass", "everybody"),
        ("a service message", ("utility", 10, 10, 0), "pass", "not_needed"),
        ("some unknown", ("marketing", 10, 1, 0), "warn", "unknown"),
        ("some excluded for it", ("marketing", 9, 0, 1), "pass", "everybody"),
        ("all left out for it", ("marketing", 0, 0, 10), "stop", "none"),
    ],
    "countries": [
        ("all served", (10, 0, 0), "pass", "served"),
        ("some not", (40, 19, 0), "pass", "served"),
        ("two of two", (2, 2, 0), "pass", "served"),
        ("the United States by setting", (10, 0, 4), "warn", "sent_anyway"),
        ("half not", (40, 20, 0), "stop", "most"),
    ],
    "risk": [
        ("too few", (199, 199), "pass", "thin"),
        ("nobody", (0, 200), "pass", "usual"),
        ("0.5 %", (5, 1000), "pass", "usual"),
        ("1 %", (10, 1000), "warn", "raised"),
        ("2 % of few may be chance", (4, 200), "warn", "raised"),
        ("3 % of many is not", (30, 1000), "stop", "high"),
    ],
    "duration": [
        ("today", (1,), "pass", "short"),
        ("at once", (0,), "pass", "short"),
        ("tomorrow", (2,), "warn", "long"),
        ("a month", (30,), "warn", "long"),
        ("more", (31,), "stop", "too_long"),
        ("never", (None,), "stop", "never"),
    ],
    "new_contacts": [
        ("nobody", ("marketing", 100, 0, 0), "pass", "nobody"),
        ("a few", ("marketing", 100, 19, 19), "pass", "few"),
        ("a fifth", ("marketing", 100, 20, 0), "warn", "many"),
        ("all of a small one", ("marketing", 999, 999, 999), "warn", "many"),
        ("many who asked for it", ("marketing", 2000, 2000, 0), "warn", "many"),
        ("a service message", ("utility", 2000, 2000, 2000), "warn", "many"),
        ("a thousand of many more", ("marketing", 5000, 1000, 1000), "warn", "many"),
        ("a bought list", ("marketing", 2000, 1000, 1000), "stop", "cold"),
    ],
    "start": [
        ("at once", (False, timedelta()), "pass", "now"),
        ("as scheduled", (True, timedelta(minutes=5)), "pass", "planned"),
        ("tomorrow", (False, timedelta(hours=15)), "warn", "later"),
        ("later than scheduled", (True, timedelta(minutes=6)), "warn", "later"),
    ],
    "hours": [("nobody", (0,), "pass", "nobody"), ("one", (1,), "warn", "some")],
    "left_out": [("nobody", (0,), "pass", "nobody"), ("one", (1,), "warn", "some")],
    "inactive": [
        ("nobody", (10, 0), "pass", "nobody"),
        ("one", (10, 1), "pass", "few"),
        ("a fifth", (10, 2), "warn", "many"),
    ],
    "category": [
        ("a promotion", ("marketing", ""), "pass", "marketing"),
        ("a service message", ("utility", ""), "pass", "utility"),
        ("a code", ("authentication", "authentication"), "pass", "authentication"),
        ("as Meta said", ("marketing", "marketing"), "pass", "marketing"),
        ("Meta will change it", ("utility", "marketing"), "warn", "announced"),
        ("not known", ("unknown", ""), "warn", "unknown"),
    ],
    "topic": [
        ("chosen", (True, 5), "pass", "chosen"),
        ("none, and nobody opted out of any", (False, 0), "pass", "general"),
        ("none, and somebody opted out of one", (False, 1), "warn", "missing"),
    ],
    "languages": [
        ("no other", (0, 0), "warn", "none"),
        ("each in theirs", (2, 0), "pass", "fine"),
        ("a text not translated", (2, 1), "warn", "repeated"),
    ],
    "way_out": [
        ("a button", ("marketing", True, False), "pass", "button"),
        ("words", ("marketing", False, True), "pass", "words"),
        ("a service message", ("utility", False, False), "pass", "not_needed"),
        ("none", ("marketing", False, False), "warn", "missing"),
    ],
    "price": [
        ("an estimate", (False, False, True), "pass", "estimated"),
        ("no estimate", (False, False, False), "pass", "capped"),
        ("above the template's", (False, True, True), "warn", "above"),
        ("not possible", (True, True, True), "stop", "blocked"),
    ],
    "cost": [
        ("known", (10, 0, 0), "pass", "known"),
        ("with maximum prices", (10, 0, 0, 10), "pass", "capped"),
        ("some with one", (9, 1, 0, 9), "warn", "part"),
        ("nobody", (0, 0, 0), "pass", "known"),
        ("free", (0, 0, 10), "pass", "free"),
        ("some without a price", (9, 1, 0), "warn", "part"),
        ("no card", (0, 10, 0), "warn", "unknown"),
    ],
    "budget": [
        ("all", (10, 10, 0), "pass", "covered"),
        ("some", (9, 10, 0), "warn", "part"),
        ("none", (0, 10, 0), "warn", "used"),
        ("a country without a price", (0, 10, 1), "warn", "unpriced"),
    ],
}


# Lines whose function has another name than `assess_<line>`.
NAMES = {
    "personal": "personalization",
    "way_out": "opt_out_hint",
    "left_out": "exclusion",
    "hours": "quiet_hours",
}


def judge(line, given_):
    name = f"assess_{NAMES.get(line, line)}"
    decide = getattr(preflight, name, None) or getattr(preflight_outlook, name)
    return decide(**given_) if isinstance(given_, dict) else decide(*given_)


class TestLines(PureCase):
    def test_each_case(self):
        for line, cases in CASES.items():
            for why, given_, level, case in cases:
                with self.subTest(why, line=line):
                    self.assertEqual(judge(line, given_), LineVerdict(level, case))

    def test_each_line_has_a_case_for_each_of_its_levels_and_for_no_other(self):
        self.assertEqual(set(CASES), set(LINES))
        for line, cases in CASES.items():
            with self.subTest(line):
                self.assertEqual({level for _why, _g, level, _c in cases}, set(LINES[line].levels))

    def test_what_nobody_overrides_is_a_stop_that_exists(self):
        for line, (_levels, final) in LINES.items():
            stops = {case for _why, _g, level, case in CASES[line] if level == "stop"}
            with self.subTest(line):
                self.assertLessEqual(final, stops)
                for case in stops:
                    self.assertEqual(preflight.can_be_overridden(line, case), case not in final)

    def test_the_worst_comes_first_then_the_order_of_the_lines(self):
        found = [("cost", "warn"), ("reach", "pass"), ("duration", "stop"), ("hours", "warn")]
        found.sort(key=lambda one: preflight.line_order(*one))
        self.assertEqual(
            found,
            [("duration", "stop"), ("hours", "warn"), ("cost", "warn"), ("reach", "pass")],
        )

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(COUNTS, COUNTS, COUNTS)
    def test_more_people_lost_never_make_it_better(self, chosen, some, more):
        rank = preflight.LEVELS.index
        fewer, most = sorted((min(some, chosen), min(more, chosen)))
        for judged in (
            lambda lost: preflight.assess_reach(chosen, chosen - lost),
            lambda lost: preflight.assess_countries(chosen, lost, 0),
            lambda lost: preflight.assess_personalization(True, 1, lost, 0, chosen - lost),
            lambda new: preflight.assess_new_contacts("marketing", chosen, new, new),
        ):
            self.assertLessEqual(rank(judged(fewer).level), rank(judged(most).level))


class TestLikeness(PureCase):
    def test_two_audiences_are_alike_when_they_share_half_of_the_smaller(self):
        for shared, receiving, written, is_like in [
            (100, 100, 200, True),
            (50, 100, 200, True),
            (49, 100, 200, False),
            (5, 5, 10_000, True),
            (5, 10_000, 10, True),
            (4, 10_000, 10, False),
            (0, 100, 0, False),
            (0, 0, 100, False),
        ]:
            with self.subTest(shared=shared, receiving=receiving, written=written):
                found = preflight_outlook.is_similar_audience(shared, receiving, written)
                self.assertEqual(found, is_like)


class TestExpectation(PureCase):
    def test_between_how_many(self):
        for opted_out, delivered, receiving, between in [
            (12, 3000, 811, (2, 6)),
            (0, 200, 100, (0, 2)),
            (0, 199, 100, None),
            (3, 1000, 0, (0, 0)),
        ]:
            with self.subTest(opted_out=opted_out, delivered=delivered):
                found = preflight_outlook.expected_opt_outs(opted_out, delivered, receiving)
                self.assertEqual(found, between)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.integers(0, 10_000), st.integers(200, 10_000))
    def test_what_was_seen_lies_inside(self, count, base):
        count = min(count, base)
        least, most = wilson_interval(count, base, preflight_outlook.EXPECTED_Z)
        self.assertLessEqual(0, least)
        self.assertLessEqual(least, count / base + 1e-9)
        self.assertLessEqual(count / base - 1e-9, most)
        self.assertLessEqual(most, 1)
