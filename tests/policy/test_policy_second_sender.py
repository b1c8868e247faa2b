from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import second_sender
from odoo.addons.waba_campaign.policy.status import STATES

from ..pure import PureCase

UUID = "0" * 31 + "a"


def row(state, attempt_count, wamid=None, is_unsent=False):
    return {
        "state": state,
        "attempt_count": attempt_count,
        "wamid": wamid,
        "is_unsent": is_unsent,
    }


class TestWhose(PureCase):
    def test_table(self):
        cases = [
            # what happened here, row, attempt and id of the status, somebody else's?
            ("never reserved", row("queued", 0), 1, "w1", True),
            ("left out", row("skipped", 0), 1, "w1", True),
            ("cancelled before its turn", row("cancelled", 0), 1, "w1", True),
            ("never reserved, tag without attempt", row("queued", 0), 0, "w1", True),
            ("reserved, still in our hands", row("reserved", 1, is_unsent=True), 1, "w1", True),
            ("in our hands for the second time", row("reserved", 2, "w1", True), 2, "w2", True),
            ("an attempt we never made", row("failed", 1), 2, "w2", True),
            ("waits for its second attempt", row("queued", 1), 2, "w2", True),
            ("sent once, same attempt, other id", row("accepted", 1, "w1"), 1, "w2", True),
            ("read, same attempt, other id", row("read", 1, "w1"), 1, "w2", True),
            ("on the wire", row("reserved", 1), 1, "w1", False),
            ("no answer came", row("uncertain", 1), 1, "w1", False),
            ("accepted", row("accepted", 1, "w1"), 1, "w1", False),
            ("waits again, news of the first attempt", row("queued", 1, "w1"), 1, "w1", False),
            ("left out after an attempt", row("skipped", 1, "w1"), 1, "w1", False),
            ("in our hands again, news of the first", row("reserved", 2, "w1", True), 1, "w1",
             False),
            ("second attempt on the wire, its id not known", row("reserved", 2, "w1"), 2, "w2",
             False),
            ("accepted at the second attempt", row("accepted", 2, "w2"), 1, "w1", False),
            ("accepted, tag without attempt", row("accepted", 1, "w1"), 0, "w1", False),
            ("accepted, id not kept", row("accepted", 1), 1, "w1", False),
        ]  # fmt: skip
        for what, known, attempt, wamid, expected in cases:
            with self.subTest(what):
                self.assertIs(second_sender.is_foreign_status(known, attempt, wamid), expected)

    @given(st.sampled_from(STATES), st.integers(1, 9), st.booleans())
    def test_an_attempt_that_left_is_never_somebody_elses(self, state, attempts, is_unsent):
        left = attempts - (state == "reserved" and is_unsent)
        known = row(state, attempts, "w", is_unsent)
        for attempt in range(1, left + 1):
            self.assertFalse(second_sender.is_foreign_status(known, attempt, "w"))

    @given(st.sampled_from(STATES), st.integers(0, 9), st.integers(1, 9))
    def test_an_attempt_that_never_was_always_is(self, state, attempts, more):
        self.assertTrue(second_sender.is_foreign_status(row(state, attempts), attempts + more, "w"))


class TestTag(PureCase):
    def test_what_is_a_tag_of_ours(self):
        for tag in (f"{UUID}/1", f"{UUID}/12"):
            self.assertTrue(second_sender.is_tag(tag), tag)
        for text in ("", None, UUID, f"{UUID}/", f"{UUID}/x", f"{UUID.upper()}/1", "order-1/1",
                     f"{UUID}/1/2", f" {UUID}/1", f"{UUID}/1\n"):  # fmt: skip
            self.assertFalse(second_sender.is_tag(text), text)
