"""What becomes of a message: Meta's statuses, in any order, any number of times."""

from datetime import datetime, timedelta, timezone
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import parse_events
from odoo.addons.waba_campaign.policy import status as status_policy

from ..common import WabaCase

# Statuses take seconds from here; Meta gives whole seconds.
START = datetime(2026, 11, 2, 9, 0, 0)
UNDELIVERABLE = [{"code": 131026, "title": "Message undeliverable"}]
BEST_LAST = ("sent", "failed", "delivered", "read")
TIME_OF = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at"}
OUTCOME = [
    "state", "wamid", "sent_at", "delivered_at", "read_at", "failed_at", "failed_attempt",
    "failure_type", "failure_reason", "error_code", "pricing_category", "pricing_type",
]  # fmt: skip
PERSON = ["marketing_state", "undeliverable_count", "unreachable_until", "user_uid"]


def seconds(count):
    return int(START.replace(tzinfo=timezone.utc).timestamp()) + count


def at(count):
    return START + timedelta(seconds=count)


class StatusCase(WabaCase):
    def _told(self, row, status, second, **values):
        """A status of a row at a second, for a body's `statuses`."""
        if status == "failed":
            values = {"errors": UNDELIVERABLE, **values}
        body = self._status(row, status, timestamp=seconds(second), **values)
        return body["entry"][0]["changes"][0]["value"]["statuses"][0]

    def _apply(self, *batches):
        """Each batch is a status or a list of them: one body each, applied one after the other."""
        for batch in batches:
            event = self._receive(self._change("messages", {"statuses": batch}))
            self.assertEqual((event.state, event.error), ("applied", False))

    def _apply_stray(self, told):
        """A status of a message that is none of ours: it is said so."""
        event = self._receive(self._change("messages", {"statuses": told}))
        self.assertEqual(event.state, "waiting")
        self.assertIn("was not sent from here", event.error)

    def _final_states(self, rows):
        self.env.flush_all()
        self.env.invalidate_all()
        return [
            {**row.read(OUTCOME)[0], "person": row.recipient_id.read(PERSON)[0]} for row in rows
        ]


class TestOneMessage(StatusCase):
    def test_every_order_of_the_statuses_ends_in_the_same_row(self):
        for count in range(1, 5):
            for order in permutations(BEST_LAST, count):
                for together in (True, False):
                    with self.subTest(f"{order} {together}"), self.cr.savepoint() as savepoint:
                        self._check_order(order, together)
                        savepoint.rollback()

    def _check_order(self, order, together):
        row = self._message()
        told = [self._told(row, status, BEST_LAST.index(status)) for status in order]
        if together:
            self._apply(told)
        else:
            self._apply(*told, told)
        best = max(order, key=BEST_LAST.index)
        self.assertEqual(row.state, best)
        for status, field in TIME_OF.items():
            expected = at(BEST_LAST.index(status)) if status in order else False
            self.assertEqual(row[field], expected, field)
        failed = best == "failed"
        self.assertEqual(row.failure_type, "undeliverable" if failed else False)
        self.assertEqual(row.error_code, 131026 if failed else 0)
        self.assertEqual(bool(row.failure_reason), failed)

    def test_from_every_state_a_status_leads_where_the_policy_says(self):
        for state in status_policy.STATES:
            for status in ("sent", "delivered", "read", "played", "failed", "deleted", "warning"):
                with self.subTest(f"{state} {status}"), self.cr.savepoint() as savepoint:
                    row = self._message(state=state, attempt_count=1)
                    self._apply(self._told(row, status, 1))
                    self.assertEqual(row.state, status_policy.next_state(state, status))
                    savepoint.rollback()

    def test_a_time_told_twice_is_the_earlier_one(self):
        for first, second in ((5, 9), (9, 5)):
            for status, field in TIME_OF.items():
                with self.subTest(f"{status} {first}"), self.cr.savepoint() as savepoint:
                    row = self._message()
                    self._apply(self._told(row, status, first), self._told(row, status, second))
                    self.assertEqual(row[field], at(5))
                    savepoint.rollback()
                    row = self._message()
                    self._apply([self._told(row, status, first), self._told(row, status, second)])
                    self.assertEqual(row[field], at(5))
                    savepoint.rollback()

    def test_a_voice_message_listened_to_is_read(self):
        row = self._message()
        self._apply(self._told(row, "played", 3))
        self.assertEqual((row.state, row.read_at), ("read", at(3)))

    def test_pricing_and_ids_are_kept(self):
        row = self._message(state="reserved")
        more = {
            "recipient_user_id": "ES.1A",
            "pricing": {"category": "marketing", "type": "regular", "billable": True},
        }
        self._apply(
            [
                self._told(row, "sent", 1, id="wamid.NEW", **more),
                self._told(row, "delivered", 2, id="wamid.NEW"),
            ]
        )
        self.assertEqual(row.wamid, "wamid.NEW")
        self.assertEqual((row.pricing_category, row.pricing_type), ("marketing", "regular"))
        self.assertEqual(row.recipient_id.user_uid, "ES.1A")

    def test_a_message_of_somebody_else_changes_nothing(self):
        row = self._message(wamid="wamid.OURS")
        for values in (
            {"id": "wamid.THEIRS", "biz_opaque_callback_data": "order-77"},
            {"id": "wamid.THEIRS", "biz_opaque_callback_data": ""},
            {"id": "wamid.THEIRS", "biz_opaque_callback_data": "0" * 32 + "/1"},
        ):
            with self.subTest(values):
                before = self._final_states(row)
                self._apply_stray(self._told(row, "read", 1, **values))
                self.assertEqual(self._final_states(row), before)

    def test_a_message_is_found_by_its_id_when_its_tag_is_missing_or_foreign(self):
        for index, tag in enumerate(("", "order-77", "order/77")):
            with self.subTest(tag):
                row = self._message(wamid=f"wamid.{index}")
                self._apply(self._told(row, "delivered", 1, biz_opaque_callback_data=tag))
                self.assertEqual(row.state, "delivered")

    def test_a_status_of_a_message_written_to_us_changes_nothing(self):
        self._receive(self._inbound("+34611000001", "Hola", wamid="wamid.IN7"))
        inbound = self.env["waba.message"].search([("wamid", "=", "wamid.IN7")])
        self._apply_stray(self._told(inbound, "read", 1))
        self.assertEqual(inbound.state, "received")

    def test_a_status_settles_a_row_whose_answer_has_not_come(self):
        for state in ("reserved", "uncertain"):
            for status in ("sent", "delivered", "read"):
                with self.subTest(f"{state} {status}"):
                    row = self._message(state=state, reserved_until=datetime.now())
                    self._apply(self._told(row, status, 1))
                    self.assertEqual((row.state, row.reserved_until), (status, False))

    def test_a_word_we_do_not_know_leaves_a_reservation_as_it_is(self):
        row = self._message(state="reserved", reserved_until=at(60))
        self._apply(self._told(row, "warning", 1))
        self.assertEqual((row.state, row.reserved_until), ("reserved", at(60)))

    def test_whoever_is_reached_is_reachable(self):
        row = self._message()
        row.recipient_id.write({"undeliverable_count": 1, "unreachable_until": at(9_000_000)})
        self._apply(self._told(row, "sent", 1))
        self.assertEqual(row.recipient_id.undeliverable_count, 1, "sent reaches a server only")
        self._apply(self._told(row, "delivered", 1))
        self.assertEqual(row.recipient_id.undeliverable_count, 0)
        self.assertFalse(row.recipient_id.unreachable_until)


class TestAttempts(StatusCase):
    """A row sent twice: what its first attempt still says, and what its second one says."""

    def _second_attempt(self, state="accepted"):
        return self._message(
            state=state, attempt_count=2, failed_attempt=1, failed_at=at(1), wamid="wamid.SECOND"
        )

    def test_what_a_failed_attempt_repeats_is_no_news_but_an_arrival_is(self):
        first = {"attempt": 1, "id": "wamid.FIRST"}
        cases = {"sent": "accepted", "failed": "accepted", "delivered": "delivered", "read": "read"}
        for status, expected in cases.items():
            with self.subTest(status):
                row = self._second_attempt()
                self._apply(self._told(row, status, 2, **first))
                self.assertEqual(row.state, expected)
                self.assertEqual(row.wamid, "wamid.SECOND")
                row.unlink()

    def test_a_failure_of_an_attempt_never_settled_does_not_end_the_one_after_it(self):
        # The first attempt got no answer, and a person had it sent again.
        row = self._message(attempt_count=2, wamid="wamid.SECOND")
        self._apply(self._told(row, "failed", 5, attempt=1, id="wamid.FIRST"))
        self.assertEqual(row.state, "accepted")
        self._apply(self._told(row, "failed", 6, attempt=2))
        self.assertEqual((row.state, row.failed_at), ("failed", at(6)))

    def test_the_failure_shown_is_that_of_the_last_attempt(self):
        for order in permutations(((1, 5), (2, 9), (2, 8))):
            with self.subTest(order):
                row = self._message(attempt_count=2)
                for attempt, second in order:
                    self._apply(self._told(row, "failed", second, attempt=attempt))
                self.assertEqual((row.state, row.failed_at), ("failed", at(8)))
                row.unlink()

    def test_the_id_kept_is_that_of_the_last_attempt(self):
        for order in ((1, 2), (2, 1)):
            with self.subTest(order):
                row = self._message(state="reserved", attempt_count=2)
                for attempt in order:
                    self._apply(
                        self._told(row, "delivered", 1, attempt=attempt, id=f"wamid.A{attempt}")
                    )
                self.assertEqual(row.wamid, "wamid.A2")
                row.unlink()

    def test_a_row_queued_again_is_not_sent_when_its_first_attempt_arrives_after_all(self):
        row = self._message(state="queued", attempt_count=1, failed_attempt=1)
        self._apply(self._told(row, "delivered", 3))
        self._dispatch()
        self.assertEqual(row.state, "delivered")
        self.assertFalse(self.simulator.sends())


class TestHeld(StatusCase):
    def test_a_message_that_meta_held_counts_from_when_it_was_let_go(self):
        taken = datetime(2026, 11, 2, 8, 0, 0)
        row = self._message(state="held", slot_at=taken)
        row.recipient_id.slot_at = taken
        self._apply(self._told(row, "sent", 30))
        self.assertEqual((row.state, row.slot_at), ("sent", at(30)))
        self.assertEqual(row.recipient_id.slot_at, at(30))

    def test_a_place_is_not_moved_back_by_an_older_message(self):
        row = self._message(state="held", slot_at=at(0))
        row.recipient_id.slot_at = at(500)
        self._apply(self._told(row, "delivered", 30))
        self.assertEqual(row.recipient_id.slot_at, at(500))

    def test_a_message_held_inside_a_service_window_takes_no_place(self):
        row = self._message(state="held")
        self._apply(self._told(row, "delivered", 30))
        self.assertFalse(row.slot_at or row.recipient_id.slot_at)

    def test_a_message_dropped_is_not_let_go(self):
        row = self._message(state="held", slot_at=at(0))
        row.recipient_id.slot_at = at(0)
        self._apply(self._told(row, "failed", 30))
        self.assertEqual((row.state, row.recipient_id.slot_at), ("failed", at(0)))


class TestUserIds(StatusCase):
    def test_a_user_id_is_kept_although_later_statuses_do_not_say_it(self):
        row = self._message()
        self._apply(
            [self._told(row, "sent", 1, recipient_user_id="ES.1A"), self._told(row, "failed", 2)]
        )
        self.assertEqual(row.recipient_id.user_uid, "ES.1A")

    def test_a_user_id_known_is_not_replaced(self):
        row = self._message()
        row.recipient_id.user_uid = "ES.KNOWN"
        self._apply(self._told(row, "sent", 1, recipient_user_id="ES.OTHER"))
        self.assertEqual(row.recipient_id.user_uid, "ES.KNOWN")

    def test_one_user_id_told_for_two_numbers_is_kept_once(self):
        rows = self._message("+34611000001") + self._message("+34611000002")
        self._apply([self._told(row, "sent", 1, recipient_user_id="ES.1A") for row in rows])
        self.assertEqual(rows.recipient_id.mapped("user_uid"), ["ES.1A", False])
        self._apply(self._told(rows[1], "read", 1, recipient_user_id="ES.1A"))
        self.assertEqual(rows.recipient_id.mapped("user_uid"), ["ES.1A", False])
        self.assertEqual(rows.mapped("state"), ["sent", "read"])

    def test_someone_known_by_user_id_alone_turns_out_to_be_the_person_of_a_number(self):
        body = self._inbound("", "BAJA", user_id="ES.1A")
        value = body["entry"][0]["changes"][0]["value"]
        value["contacts"] = [{"profile": {"name": "Ana"}, "user_id": "ES.1A"}]
        value["messages"][0].pop("from")
        self._receive(body)
        alone = self.env["waba.recipient"].search([("user_uid", "=", "ES.1A")])
        self.assertEqual((alone.number, alone.marketing_state), (False, "opted_out"))
        row = self._message()
        self.assertEqual(row.recipient_id.marketing_state, "unknown")
        self._apply(self._told(row, "delivered", 1, recipient_user_id="ES.1A"))
        self.assertEqual(row.recipient_id.user_uid, "ES.1A")
        self.assertEqual(row.recipient_id.marketing_state, "opted_out")
        message = self.env["waba.message"].search([("direction", "=", "in")])
        self.assertEqual(message.recipient_id, row.recipient_id)
        conversation = self.env["waba.conversation"].search([])
        self.assertEqual(conversation.recipient_id, row.recipient_id)
        self.assertTrue(conversation.window_expires_at)


class TestReportedFailures(StatusCase):
    def test_the_same_refusal_in_a_row_is_blamed_on_what_they_share(self):
        dropped = 135000
        other = self._create_account(name="Other", waba_uid="200000000000002")
        other._sync()
        other.state = "connected"
        elsewhere = {"account_id": other.id, "sender_id": other.sender_ids.id}
        rows = [
            self._message(f"+3461100000{index}", **(elsewhere if index > 2 else {}))
            for index in range(6)
        ]
        cases = {
            "two of each": (rows[1:5], ["connected", "connected"]),
            "three of one": (rows[:4], ["stopped", "connected"]),
            "three of the other": (rows[2:], ["connected", "stopped"]),
        }
        for name, (chosen, expected) in cases.items():
            with self.subTest(name), self.cr.savepoint() as savepoint:
                errors = [{"code": dropped, "title": "No"}]
                self._apply([self._told(row, "failed", 1, errors=errors) for row in chosen])
                self.assertEqual([self.account.state, other.state], expected)
                savepoint.rollback()

    def test_three_requests_that_do_not_fit_pause_the_campaign_of_their_template(self):
        campaigns = [
            self._campaign(self._leads(1), template_id=template.id)
            for template in (self.template, self.utility_template)
        ]
        for campaign in campaigns:
            campaign.state = "running"
        rows = [
            self._message(
                f"+3461100000{index}",
                campaign_id=campaigns[index % 2].id,
                template_id=campaigns[index % 2].template_id.id,
                res_id=index + 1,
            )
            for index in range(6)
        ]
        for count, expected in ((4, ["running", "running"]), (5, ["paused", "running"])):
            with self.subTest(count), self.cr.savepoint() as savepoint:
                errors = [{"code": 100, "title": "Invalid parameter"}]
                self._apply([self._told(row, "failed", 1, errors=errors) for row in rows[:count]])
                self.assertEqual([campaign.state for campaign in campaigns], expected)
                savepoint.rollback()

    def test_a_failure_without_a_reason_is_a_failure(self):
        row = self._message()
        self._apply(self._told(row, "failed", 1, errors=[]))
        self.assertEqual((row.state, row.failure_type), ("failed", "unknown_error"))
        self.assertTrue(row.failure_reason)

    def test_an_unknown_code_keeps_metas_words(self):
        row = self._message()
        errors = [{"code": 987654, "title": "New thing", "error_data": {"details": "Very new."}}]
        self._apply(self._told(row, "failed", 1, errors=errors))
        self.assertEqual((row.failure_type, row.error_code), ("unknown_error", 987654))
        self.assertIn("Very new.", row.failure_reason)


class TestMany(StatusCase):
    def _many(self, count, start=0, **values):
        self.env["waba.message"].flush_model()
        return self.env["waba.message"].concat(
            *(
                self._message(f"+34612{index:06d}", res_id=index + 1, **values)
                for index in range(start, start + count)
            )
        )

    def _events(self, rows, statuses):
        told = [
            self._told(row, status, index, recipient_user_id=f"ES.{row.id}")
            for row in rows
            for index, status in enumerate(statuses)
        ]
        return parse_events(self._change("messages", {"statuses": told}))

    def test_the_number_of_queries_does_not_grow_with_the_number_of_statuses(self):
        counts = []
        for count, start in ((3, 0), (3, 100), (300, 1000)):
            rows = self._many(count, start)
            events = self._events(rows, ("sent", "delivered", "read"))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            reach = frozenset(self.account.ids)
            strays = self.env["waba.message"]._apply_statuses([(event, reach) for event in events])
            counts.append(self.cr.sql_log_count - before)
            self.assertFalse(strays)
            self.assertEqual(set(rows.mapped("state")), {"read"})
        self.assertEqual(counts[1], counts[2])
        # One asks whether anybody came from an ad lately, and with Odoo's sales one whether a
        # quotation was sent.
        self.assertLess(counts[2], 13)

    def test_a_thousand_statuses_in_one_body_are_applied_and_the_campaigns_figures_follow(self):
        campaign = self._campaign(self._leads(1))
        rows = self._many(500, campaign_id=campaign.id, res_model="crm.lead")
        told = [self._told(row, "sent", 1) for row in rows]
        told += [self._told(row, "delivered", 2) for row in rows[:300]]
        told += [self._told(row, "read", 3) for row in rows[100:300]]
        self.assertEqual(len(told), 1000)
        self._apply(told)
        self.assertEqual(
            (campaign.sent_count, campaign.delivered_count, campaign.read_count), (500, 300, 200)
        )
        self._apply([self._told(row, "failed", 4) for row in rows[295:305]])
        campaign.invalidate_recordset()
        self.assertEqual(
            (campaign.sent_count, campaign.delivered_count, campaign.failed_count), (495, 300, 5)
        )


class TestAnyOrder(StatusCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_any_interleaving_in_any_batches_ends_in_the_same_rows(self, data):
        """Rows of one and of two attempts, every status once or more, cut into random bodies."""
        with self.cr.savepoint() as savepoint:
            rows = self.env["waba.message"].concat(
                *(
                    self._message(
                        f"+3461100000{index}",
                        state=state,
                        attempt_count=attempts,
                        failed_attempt=attempts - 1,
                    )
                    for index, (state, attempts) in enumerate(
                        (("accepted", 1), ("uncertain", 1), ("reserved", 1), ("accepted", 2))
                    )
                )
            )
            event = st.tuples(
                st.integers(0, len(rows) - 1),
                st.sampled_from((*BEST_LAST, "played")),
                st.integers(0, 20),
                st.integers(1, 2),
            )
            events = data.draw(st.lists(event, min_size=1, max_size=14), "events")
            told = [self._drawn(rows, *one) for one in sorted(events, key=lambda one: one[2])]
            self.env.flush_all()
            with self.cr.savepoint() as fresh:
                self._apply(*told)
                expected = self._final_states(rows)
                fresh.rollback()
            self.env.invalidate_all()
            shuffled = data.draw(st.permutations(told), "order")
            self._apply(*self._cut(shuffled, data))
            self.assertEqual(self._final_states(rows), expected)
            savepoint.rollback()
        self.env.invalidate_all()

    def _drawn(self, rows, index, status, second, attempt):
        row = rows[index]
        attempt = min(attempt, row.attempt_count)
        return self._told(row, status, second, attempt=attempt, id=f"wamid.{row.id}.{attempt}")

    def _cut(self, told, data):
        """The statuses in bodies of one and more."""
        batches = []
        while told:
            size = data.draw(st.integers(1, len(told)), "size")
            batches.append(told[:size])
            told = told[size:]
        return batches
