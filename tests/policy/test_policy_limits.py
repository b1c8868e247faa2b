from collections import Counter
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from odoo.addons.waba_campaign.policy import limits
from odoo.addons.waba_campaign.policy.limits import WINDOW

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

hours_ago = st.integers(min_value=-60, max_value=26 * 3600).map(
    lambda seconds: NOW - seconds * SECOND
)
slot_lists = st.lists(hours_ago, max_size=30).map(sorted)


def people_counted(slots, now):
    """The definition, apart from the code under test."""
    return sum(1 for slot in slots if now - slot < WINDOW)


class TestPeopleLimit(PureCase):
    def test_levels_and_our_own_cap(self):
        cases = [
            ("250", None, 250),
            ("250", 0, 250),
            ("2000", None, 2000),
            ("10000", None, 10_000),
            ("100000", None, 100_000),
            ("50", None, 50),
            ("1000", None, 1000),
            ("unlimited", None, None),
            ("unlimited", 0, None),
            ("unlimited", 700, 700),
            ("unknown", None, 250),
            ("unknown", 100, 100),
            ("a level of next year", None, 250),
            ("2000", 500, 500),
            ("2000", 5000, 2000),
        ]
        for level, cap, expected in cases:
            with self.subTest(level=level, cap=cap):
                self.assertEqual(limits.people_limit(level, cap), expected)

    def test_a_negative_cap_is_an_error_and_not_a_closed_door(self):
        with self.assertRaises(ValueError):
            limits.people_limit("250", -1)


class TestSlot(PureCase):
    def test_who_needs_a_new_place(self):
        minute = timedelta(minutes=1)
        cases = [
            ("never counted", None, None, None, True),
            ("never counted, as records read it", False, False, None, True),
            ("counted an hour ago", NOW - HOUR, None, None, False),
            ("counted by a reservation under way", NOW + minute, None, None, False),
            ("counted 24 h ago less a second", NOW - WINDOW + SECOND, None, None, False),
            ("counted exactly 24 h ago", NOW - WINDOW, None, None, True),
            ("window open", None, NOW + HOUR, None, False),
            ("window closes at this moment", None, NOW, None, True),
            ("window closed, counted long ago", NOW - 2 * WINDOW, NOW - HOUR, None, True),
            ("window still open when it leaves", None, NOW + HOUR, NOW + minute, False),
            ("window may close before it leaves", None, NOW + minute, NOW + 2 * minute, True),
            ("... but the person counts", NOW - HOUR, NOW + minute, NOW + 2 * minute, False),
        ]
        for name, slot_at, window_expires_at, leaves_by, expected in cases:
            with self.subTest(name):
                self.assertIs(
                    limits.needs_slot(slot_at, window_expires_at, NOW, leaves_by), expected
                )

    def test_a_place_counts_from_the_latest_moment_the_request_may_leave(self):
        later, latest = NOW + 30 * SECOND, NOW + 50 * SECOND
        self.assertEqual(limits.reserved_slot_time(NOW, later), later)
        self.assertEqual(limits.reserved_slot_time(NOW, later, NOW - HOUR), later)
        self.assertEqual(limits.reserved_slot_time(NOW, later, latest), latest)
        self.assertEqual(limits.reserved_slot_time(NOW, NOW - SECOND), NOW)

    def test_which_failures_give_the_place_back(self):
        cases = [
            ("bad_request", True, True),
            ("spam_rate", True, True),
            ("not_sent", True, True),
            ("not_sent", False, True),
            ("template_paused", False, True),
            ("pacing_drop", False, True),
            ("undeliverable", False, False),
            ("marketing_limit", False, False),
            ("opted_out", False, False),
            ("experiment", False, False),
            ("a type of next year", False, False),
        ]
        for failure_type, refused_at_once, expected in cases:
            with self.subTest(failure_type, refused_at_once=refused_at_once):
                self.assertIs(limits.returns_slot(failure_type, refused_at_once), expected)


class TestAllowance(PureCase):
    def test_share_kept_for_followups(self):
        cases = [
            # limit, used by campaigns, by follow-ups, share, campaigns may, follow-ups may
            (None, 10**6, 10**6, 0.5, None, None),
            (250, 0, 0, 0.0, 250, 250),
            (250, 100, 50, 0.0, 100, 100),
            (250, 0, 0, 0.2, 200, 250),
            (250, 200, 0, 0.2, 0, 50),
            (250, 190, 20, 0.2, 10, 40),
            (250, 100, 80, 0.2, 70, 70),
            (250, 0, 250, 0.2, 0, 0),
            (250, 300, 0, 0.2, 0, 0),
            (250, 0, 0, 1.0, 0, 250),
            (250, 0, 0, 7.0, 0, 250),
            (250, 0, 0, -1.0, 250, 250),
            (100, 0, 0, 0.07, 93, 100),
            (10, 0, 0, 0.01, 9, 10),
        ]
        for limit, campaigns, followups, share, expected_campaign, expected_followup in cases:
            with self.subTest(limit=limit, campaigns=campaigns, followups=followups, share=share):
                used = (limit, campaigns, followups, share)
                self.assertEqual(limits.allowance(*used), expected_campaign)
                self.assertEqual(limits.allowance(*used, "followup"), expected_followup)

    def test_only_two_kinds_may_ask(self):
        with self.assertRaises(ValueError):
            limits.allowance(250, 0, 0, 0.0, "newsletter")

    @untimed
    @given(
        limit=st.integers(1, 300),
        campaigns=st.integers(0, 300),
        followups=st.integers(0, 300),
        share=st.floats(0, 1),
    )
    def test_nobody_exceeds_the_limit_nor_eats_the_followups_share(
        self, limit, campaigns, followups, share
    ):
        kept = limits.followup_reserve(limit, share)
        for_campaigns = limits.allowance(limit, campaigns, followups, share)
        for_followups = limits.allowance(limit, campaigns, followups, share, "followup")
        free = max(0, limit - campaigns - followups)
        self.assertEqual(for_followups, free)
        self.assertLessEqual(for_campaigns, free)
        if for_campaigns:
            left = limit - campaigns - for_campaigns - followups
            self.assertEqual(left, max(0, kept - followups))


class TestFreesAt(PureCase):
    def test_when_the_next_place_frees(self):
        slots = [NOW - 30 * HOUR, NOW - 23 * HOUR, NOW - 5 * HOUR, NOW - HOUR]
        cases = [
            ("unlimited", slots, None, None),
            ("nobody may ever", slots, 0, None),
            ("one place free", slots, 4, None),
            ("full", slots, 3, NOW + HOUR),
            ("limit lowered by one", slots, 2, NOW + 19 * HOUR),
            ("limit lowered by two", slots, 1, NOW + 23 * HOUR),
            ("nobody counted", [], 1, None),
            ("counted exactly 24 h ago", [NOW - WINDOW], 1, None),
            ("counted a second less ago", [NOW - WINDOW + SECOND], 1, NOW + SECOND),
        ]
        for name, times, limit, expected in cases:
            with self.subTest(name):
                self.assertEqual(limits.next_slot_time(times, limit, NOW), expected)

    @untimed
    @given(slots=slot_lists, limit=st.integers(1, 12))
    def test_agrees_with_trying_every_moment(self, slots, limit):
        moments = sorted({NOW, *(slot + WINDOW for slot in slots if people_counted([slot], NOW))})
        first_free = next(at for at in moments if people_counted(slots, at) < limit)
        expected = None if first_free == NOW else first_free
        self.assertEqual(limits.next_slot_time(slots, limit, NOW), expected)

    @untimed
    @given(
        campaigns=slot_lists,
        followups=slot_lists,
        limit=st.integers(1, 30),
        share=st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]),
        later=st.integers(0, 25),
    )
    def test_campaign_part_says_what_allowance_says_now_and_later(
        self, campaigns, followups, limit, share, later
    ):
        part = limits.campaign_share(limit, share, campaigns, followups, NOW)
        at = NOW + later * HOUR
        expected = limits.allowance(
            limit, people_counted(campaigns, at), people_counted(followups, at), share
        )
        self.assertEqual(max(0, part.limit - people_counted(part.slots, at)), expected)

    def test_campaign_part_without_limit(self):
        part = limits.campaign_share(None, 0.3, [NOW - HOUR], [NOW - 2 * HOUR], NOW)
        self.assertEqual(part, (None, [NOW - 2 * HOUR, NOW - HOUR]))


SENDERS = ("es", "mx", "br")
PEOPLE = tuple(range(14))


class Message:
    def __init__(self, sender, person, slot_at, leaves_by):
        self.sender = sender
        self.person = person
        self.slot_at = slot_at
        self.leaves_by = leaves_by
        self.state = "reserved"


class PortfolioMachine(RuleBasedStateMachine):
    """Several numbers of one portfolio, and the truth beside them.

    `contacts` is what Meta counts: who was really written to outside a service window, and when.
    The code under test never sees it.
    """

    def __init__(self):
        super().__init__()
        self.now = NOW
        self.limit = 5
        self.share = 0.0
        self.slot_at = dict.fromkeys(PEOPLE)
        self.slot_kind = {}
        self.windows = {}
        self.messages = []
        self.contacts = []

    def people(self):
        return {
            person for person, slot in self.slot_at.items() if slot and self.now - slot < WINDOW
        }

    def used(self):
        kinds = Counter(self.slot_kind[person] for person in self.people())
        return kinds["campaign"], kinds["followup"]

    def in_state(self, state):
        return [message for message in self.messages if message.state == state]

    @rule(
        sender=st.sampled_from(SENDERS),
        kind=st.sampled_from(["campaign", "followup"]),
        people=st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1),
        lease=st.integers(0, 3600),
    )
    def reserve(self, sender, kind, people, lease):
        leaves_by = self.now + lease * SECOND
        campaigns, followups = self.used()
        free = limits.allowance(self.limit, campaigns, followups, self.share, kind)
        for person in people:
            window, slot_at = self.windows.get((sender, person)), self.slot_at[person]
            if limits.needs_slot(slot_at, window, self.now, leaves_by):
                if not free:
                    continue
                free -= 1
                self.slot_kind[person] = kind
                self.check_the_new_place(kind, person)
            slot = None
            if not limits.in_service_window(window, leaves_by):
                slot = limits.reserved_slot_time(self.now, leaves_by, slot_at)
                self.slot_at[person] = slot
            self.messages.append(Message(sender, person, slot, leaves_by))

    def check_the_new_place(self, kind, person):
        people = self.people() | {person}
        assert len(people) <= self.limit
        if kind == "campaign":
            followups = sum(1 for other in people if self.slot_kind[other] == "followup")
            kept = limits.followup_reserve(self.limit, self.share)
            assert self.limit - len(people) >= max(0, kept - followups)

    @precondition(lambda self: self.in_state("reserved"))
    @rule(data=st.data(), fate=st.sampled_from(["accepted", "unknown", "refused", "held"]))
    def leave(self, data, fate):
        message = data.draw(st.sampled_from(self.in_state("reserved")))
        if self.now > message.leaves_by:
            message.state = "released"
            self.give_back(message, "not_sent", refused_at_once=False)
            return
        message.state = fate
        if fate == "refused":
            self.give_back(message, "throughput", refused_at_once=True)
        elif fate != "held":
            self.contact(message)

    @precondition(lambda self: self.in_state("held"))
    @rule(data=st.data(), dropped=st.sampled_from([None, "template_paused", "pacing_drop"]))
    def end_of_holding(self, data, dropped):
        message = data.draw(st.sampled_from(self.in_state("held")))
        message.state = "failed" if dropped else "accepted"
        if dropped:
            self.give_back(message, dropped, refused_at_once=False)
        elif message.slot_at is not None and self.now - message.slot_at < WINDOW:
            slot_at = self.slot_at[message.person]
            message.slot_at = limits.reserved_slot_time(self.now, self.now, slot_at)
            self.slot_at[message.person] = message.slot_at
            self.contacts.append((message.person, self.now))

    @precondition(lambda self: self.in_state("accepted"))
    @rule(
        data=st.data(),
        failure_type=st.sampled_from(["undeliverable", "marketing_limit", "opted_out"]),
    )
    def fail_later(self, data, failure_type):
        message = data.draw(st.sampled_from(self.in_state("accepted")))
        message.state = "failed"
        self.give_back(message, failure_type, refused_at_once=False)

    def give_back(self, message, failure_type, refused_at_once):
        if message.slot_at is None or not limits.returns_slot(failure_type, refused_at_once):
            return
        message.slot_at = None
        kept = (other.slot_at for other in self.messages if other.person == message.person)
        self.slot_at[message.person] = max(filter(None, kept), default=None)

    def contact(self, message):
        window = self.windows.get((message.sender, message.person))
        if window is None or window <= self.now:
            self.contacts.append((message.person, self.now))

    @rule(seconds=st.one_of(st.integers(1, 600), st.integers(1, 30 * 3600)))
    def time_passes(self, seconds):
        self.now += seconds * SECOND

    @rule(level=st.integers(1, 12), share=st.sampled_from([0.0, 0.2, 0.5]))
    def meta_or_we_change_the_limit(self, level, share):
        self.limit, self.share = level, share

    @rule(sender=st.sampled_from(SENDERS), person=st.sampled_from(PEOPLE))
    def person_writes(self, sender, person):
        self.windows[sender, person] = self.now + WINDOW

    @invariant()
    def whoever_meta_counts_we_count(self):
        contacted = {person for person, at in self.contacts if self.now - at < WINDOW}
        assert contacted <= self.people()

    @invariant()
    def frees_at_is_when_somebody_may_be_reserved_again(self):
        slots = sorted(slot for slot in self.slot_at.values() if slot)
        at = limits.next_slot_time(slots, self.limit, self.now)
        assert (at is None) == (len(self.people()) < self.limit)
        assert at is None or at > self.now


TestPortfolioMachine = PortfolioMachine.TestCase
TestPortfolioMachine.settings = settings(untimed, max_examples=80, stateful_step_count=60)
