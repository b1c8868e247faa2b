"""Which branch is taken, which flows are sound, where their boxes stand: cases and properties."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import followup
from odoo.addons.waba_campaign.policy.auto_reply import InboundText
from odoo.addons.waba_campaign.policy.followup import END, NEXT, Branch, BranchFacts

from ..pure import PureCase

untimed = settings(deadline=None)
AT = datetime(2026, 11, 2, 10)


def said(text, kind="text", payload="", **more):
    return InboundText(kind, text, payload, AT, **more)


class TestBranches(PureCase):
    def test_each_condition(self):
        yes, no = [said("Sí, me interesa")], [said("No, gracias")]
        button = [said("See offer", "button", "OFFER")]
        stop = [said("BAJA", wants_stop=True)]
        # kind, words, facts; whether it is met before the time is over, and after it.
        cases = [
            ("word", ("si",), {"replies": yes}, True, True),
            ("word", ("interesa", "quiero"), {"replies": yes}, True, True),
            ("word", ("inter",), {"replies": yes}, False, False),
            ("word", ("si",), {"replies": no}, False, False),
            ("word", ("baja",), {"replies": stop}, False, False),
            ("button", ("see offer",), {"replies": button}, True, True),
            ("button", ("OFFER",), {"replies": button}, True, True),
            ("button", ("Sí",), {"replies": yes}, False, False),
            ("answered", (), {"replies": no}, True, True),
            ("answered", (), {"replies": stop}, False, False),
            ("answered", (), {"replies": [said("👍", "reaction")]}, False, False),
            ("answered", (), {}, False, False),
            ("not_answered", (), {}, False, True),
            ("not_answered", (), {"replies": yes}, False, False),
            ("clicked", (), {"clicked": True}, True, True),
            ("not_clicked", (), {"read": True}, False, True),
            ("read", (), {"read": True}, True, True),
            ("read", (), {"clicked": True}, True, True),
            ("read", (), {"replies": yes}, True, True),
            ("read", (), {"delivered": True}, False, False),
            ("not_read", (), {"delivered": True}, False, True),
            ("not_read", (), {"read": True}, False, False),
            ("delivered", (), {"read": True}, True, True),
            ("not_delivered", (), {}, False, True),
            ("not_delivered", (), {"failed": True}, True, True),
            ("not_delivered", (), {"delivered": True}, False, False),
            ("field", (), {"met": frozenset([1])}, True, True),
            ("field", (), {}, False, False),
        ]
        for kind, words, facts, early, late in cases:
            facts = {**facts, "replies": tuple(facts.get("replies", ()))}
            branches = [Branch(1, kind, "a", words), Branch(2, "clicked", "b", ())]
            branches = branches[:1] if facts.get("clicked") else branches
            for is_over, expected in ((False, early), (True, late)):
                with self.subTest(kind, words=words, facts=facts, is_over=is_over):
                    _sure, found = followup.choose_branch(branches, BranchFacts(**facts), is_over)
                    self.assertEqual(found is branches[0], expected)

    def test_the_first_that_matches_is_taken(self):
        branches = [Branch(1, "word", "a", ("si",)), Branch(2, "answered", "b")]
        facts = BranchFacts(replies=(said("sí"),))
        self.assertEqual(followup.choose_branch(branches, facts, False), (True, branches[0]))
        facts = BranchFacts(replies=(said("quizá"),))
        self.assertEqual(followup.choose_branch(branches, facts, False), (True, branches[1]))

    def test_what_only_depends_on_the_record_is_certain_at_once(self):
        branches = [Branch(1, "field", "a")]
        self.assertEqual(followup.choose_branch(branches, BranchFacts(), False), (True, None))
        branches.append(Branch(2, "read", "b"))
        self.assertEqual(followup.choose_branch(branches, BranchFacts(), False), (False, None))
        self.assertEqual(followup.choose_branch(branches, BranchFacts(), True), (True, None))

    @untimed
    @given(
        kinds=st.lists(st.sampled_from(followup.BRANCHES), max_size=5),
        delivered=st.booleans(), read=st.booleans(), clicked=st.booleans(), failed=st.booleans(),
        texts=st.lists(st.sampled_from(["sí", "no", "quizá"]), max_size=2),
    )  # fmt: skip
    def test_the_end_of_the_time_decides_and_keeps_what_was_certain(self, kinds, texts, **facts):
        branches = [Branch(key, kind, "a", ("si",)) for key, kind in enumerate(kinds)]
        facts = BranchFacts(replies=tuple(map(said, texts)), **facts)
        is_certain, early = followup.choose_branch(branches, facts, False)
        is_over, late = followup.choose_branch(branches, facts, True)
        self.assertTrue(is_over)
        self.assertEqual(followup.choose_branch(branches, facts, True), (True, late))
        if is_certain and early:
            # Nothing that is true becomes false by waiting; an earlier one may become true.
            self.assertLessEqual(late.key, early.key)

    def test_a_reply_is_expected_only_by_branches_about_replies(self):
        reply = said("sí")
        cases = [
            (("answered", ()), True), (("word", ("si",)), True), (("word", ("no",)), False),
            (("not_answered", ()), False), (("read", ()), False), (("field", ()), False),
        ]  # fmt: skip
        for (kind, words), expected in cases:
            with self.subTest(kind, words=words):
                branches = [Branch(1, kind, NEXT, words)]
                self.assertEqual(followup.is_expected_reply(branches, reply), expected)
        stop = said("sí", wants_stop=True)
        self.assertFalse(followup.is_expected_reply([Branch(1, "answered")], stop))


def flows():
    """Steps in order, each with its ways: to later steps mostly, to earlier or unknown ones too."""
    keys = [f"s{number}" for number in range(6)]
    ways = st.lists(st.sampled_from([NEXT, END, *keys]), min_size=1, max_size=3)
    return st.integers(1, 6).flatmap(
        lambda count: st.fixed_dictionaries(dict.fromkeys(keys[:count], ways))
    )


class TestFlow(PureCase):
    def test_problems(self):
        cases = [
            ("in order", {"a": [NEXT], "b": [NEXT]}, []),
            ("a branch", {"a": ["c", NEXT], "b": [END], "c": [NEXT]}, []),
            ("joining again", {"a": ["c", NEXT], "b": [NEXT], "c": [NEXT]}, []),
            ("never reached", {"a": [END], "b": [NEXT]}, [("unreachable", "b")]),
            ("a deleted step", {"a": ["x", NEXT], "b": [NEXT]}, [("missing", "a")]),
            ("to itself", {"a": ["a", NEXT], "b": [NEXT]}, [("loop", "a")]),
            ("back", {"a": [NEXT], "b": ["a", NEXT]}, [("loop", "b")]),
            ("back by a way", {"a": ["c"], "b": [END], "c": ["b", "a"]}, [("loop", "c")]),
        ]
        for name, ways, expected in cases:
            with self.subTest(name):
                found = followup.flow_problems(followup.flow_edges(list(ways), ways))
                self.assertEqual(found, expected)

    @untimed
    @given(flows(), st.data())
    def test_every_walk_through_a_sound_flow_ends_and_does_no_step_twice(self, ways, data):
        edges = followup.flow_edges(list(ways), ways)
        problems = followup.flow_problems(edges)
        self.assertEqual(problems, followup.flow_problems(edges), "deterministic")
        if any(problem != "unreachable" for problem, _key in problems):
            return
        at, done = next(iter(edges)), []
        while at != END:
            done.append(at)
            self.assertLessEqual(len(done), len(edges))
            at = data.draw(st.sampled_from(edges[at]))
        self.assertEqual(len(done), len(set(done)))
        self.assertFalse(set(done) & {key for _problem, key in problems}, "unreachable")

    @untimed
    @given(flows())
    def test_no_two_boxes_are_at_one_place_and_arrows_lead_down(self, ways):
        edges = followup.flow_edges(list(ways), ways)
        places = followup.flow_layout(edges)
        self.assertEqual(set(places), set(edges))
        self.assertEqual(len(set(places.values())), len(edges))
        if not any(problem == "loop" for problem, _key in followup.flow_problems(edges)):
            for key, targets in edges.items():
                if key not in {one for problem, one in followup.flow_problems(edges)}:
                    for to in set(targets) & set(edges):
                        self.assertLess(places[key][0], places[to][0])

    def test_a_branch_is_beside(self):
        edges = followup.flow_edges(["a", "b", "c"], {"a": ["b", "c"], "b": [END], "c": [NEXT]})
        places = followup.flow_layout(edges)
        self.assertEqual(places, {"a": (0, 0), "b": (1, 0), "c": (1, 1)})


class TestDates(PureCase):
    def test_days_before_and_after_at_an_hour(self):
        madrid = ZoneInfo("Europe/Madrid")
        cases = [
            (date(2026, 12, 31), -30, 9.0, datetime(2026, 12, 1, 8)),
            (date(2026, 12, 31), 0, 9.5, datetime(2026, 12, 31, 8, 30)),
            (date(2026, 7, 1), 3, 9.0, datetime(2026, 7, 4, 7)),
            # The clocks went forward: the hour stays.
            (date(2027, 3, 28), 0, 9.0, datetime(2027, 3, 28, 7)),
            (date(2026, 12, 31), 0, 24.0, datetime(2026, 12, 31, 22, 59)),
            (date(2026, 12, 31), 0, -1.0, datetime(2026, 12, 30, 23)),
        ]
        for day, days, hour, expected in cases:
            with self.subTest(day=day, days=days, hour=hour):
                self.assertEqual(followup.date_due(day, days, hour, madrid), expected)
        later = followup.date_due(date(2026, 1, 1), 1, 0, madrid)
        self.assertEqual(later - followup.date_due(date(2026, 1, 1), 0, 0, madrid), timedelta(1))
