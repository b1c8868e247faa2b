from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import status

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
STATUSES = tuple(status.STATE_OF_STATUS)


def after(state, statuses, attempt_failed=False):
    for incoming in statuses:
        state = status.next_state(state, incoming, attempt_failed)
    return state


class TestNextState(PureCase):
    def test_one_status(self):
        cases = [
            ("accepted", "sent", "sent"),
            ("held", "sent", "sent"),
            ("sent", "delivered", "delivered"),
            ("delivered", "read", "read"),
            ("sent", "read", "read"),
            ("delivered", "played", "read"),
            ("accepted", "failed", "failed"),
            ("held", "failed", "failed"),
            ("sent", "failed", "failed"),
            ("delivered", "failed", "delivered"),
            ("read", "failed", "read"),
            ("failed", "sent", "failed"),
            ("failed", "delivered", "delivered"),
            ("read", "delivered", "read"),
            ("delivered", "sent", "delivered"),
            ("uncertain", "accepted", "accepted"),
            ("uncertain", "sent", "sent"),
            ("uncertain", "failed", "failed"),
            ("reserved", "sent", "sent"),
            ("reserved", "held", "held"),
            ("queued", "delivered", "delivered"),
            ("cancelled", "delivered", "delivered"),
            ("cancelled", "sent", "sent"),
            ("cancelled", "accepted", "cancelled"),
            ("skipped", "read", "read"),
            ("skipped", "held", "skipped"),
            ("sent", "deleted", "sent"),
            ("accepted", "", "accepted"),
        ]
        for current, incoming, expected in cases:
            with self.subTest(current=current, incoming=incoming):
                self.assertEqual(status.next_state(current, incoming), expected)

    def test_an_unknown_state_is_an_error(self):
        with self.assertRaises(KeyError):
            status.next_state("lost", "sent")

    def test_a_row_queued_again_ignores_what_its_failed_attempt_repeats(self):
        cases = [
            ("queued", "failed", "queued"),
            ("queued", "sent", "queued"),
            ("reserved", "failed", "reserved"),
            ("accepted", "failed", "accepted"),
            ("queued", "delivered", "delivered"),
            ("reserved", "read", "read"),
            ("read", "delivered", "read"),
        ]
        for current, incoming, expected in cases:
            with self.subTest(current=current, incoming=incoming):
                self.assertEqual(
                    status.next_state(current, incoming, attempt_failed=True), expected
                )

    @untimed
    @given(
        start=st.sampled_from(status.STATES),
        statuses=st.sets(st.sampled_from((*STATUSES, "deleted")), min_size=1, max_size=4),
        attempt_failed=st.booleans(),
        data=st.data(),
    )
    def test_any_order_and_repetition_ends_alike(self, start, statuses, attempt_failed, data):
        ends = {after(start, order, attempt_failed) for order in permutations(statuses)}
        self.assertEqual(len(ends), 1)
        repeated = data.draw(st.lists(st.sampled_from(sorted(statuses)), max_size=8))
        mixed = data.draw(st.permutations([*statuses, *repeated]))
        self.assertEqual(after(start, mixed, attempt_failed), ends.pop())

    @untimed
    @given(start=st.sampled_from(status.STATES), statuses=st.lists(st.sampled_from(STATUSES)))
    def test_never_backwards(self, start, statuses):
        state = start
        for incoming in statuses:
            following = status.next_state(state, incoming)
            self.assertGreaterEqual(status.RANK[following], status.RANK[state])
            state = following


class TestOurDoors(PureCase):
    def test_doors(self):
        cases = [
            ("queued", "reserved", True),
            ("queued", "cancelled", True),
            ("queued", "skipped", True),
            ("queued", "failed", True),
            ("queued", "accepted", False),
            ("reserved", "accepted", True),
            ("reserved", "held", True),
            ("reserved", "uncertain", True),
            ("reserved", "queued", True),
            ("reserved", "failed", True),
            ("reserved", "cancelled", False),
            ("uncertain", "queued", True),
            ("uncertain", "accepted", True),
            ("uncertain", "reserved", False),
            ("failed", "queued", True),
            ("skipped", "queued", True),
            ("skipped", "reserved", False),
            ("cancelled", "queued", False),
            ("accepted", "queued", False),
            ("sent", "queued", False),
            ("delivered", "queued", False),
            ("read", "failed", False),
            ("lost", "queued", False),
        ]
        for current, target, expected in cases:
            with self.subTest(current=current, target=target):
                self.assertIs(status.can_move(current, target), expected)

    def test_the_table_names_every_state_and_no_other(self):
        self.assertEqual(set(status.ALLOWED), set(status.STATES))
        self.assertLessEqual(set().union(*status.ALLOWED.values()), set(status.STATES))

    def test_only_a_reservation_leads_to_the_wire(self):
        """Never twice: nothing that may have left is sent again without passing by queued."""
        to_the_wire = {state for state in status.STATES if status.can_move(state, "reserved")}
        self.assertEqual(to_the_wire, {"queued"})
        back = {state for state in status.STATES if status.can_move(state, "queued")}
        self.assertEqual(back, {"reserved", "uncertain", "failed", "skipped"})
