"""What WhatsApp refuses, and what follows: for the row, the person, and whatever is at fault."""

import socket
from datetime import timedelta

from odoo import fields

from ...cloud_api.errors import CODES
from ...policy import retry
from ..common import PublicAddress
from .test_dispatch import DispatchCase

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

# code: (failure type, row's state, seconds until it is tried again)
ROW_AFTER = {
    # Meta, or the way there: tried again after a wait.
    1: ("temporary", "queued", 30),
    2: ("temporary", "queued", MINUTE),
    131000: ("temporary", "queued", MINUTE),
    131016: ("temporary", "queued", MINUTE),
    133004: ("temporary", "queued", MINUTE),
    133009: ("temporary", "queued", MINUTE),
    131056: ("pair_rate", "queued", 1),
    131049: ("marketing_limit", "queued", DAY),
    # Ours, or the person's: this row ends.
    100: ("bad_request", "failed", 0),
    131009: ("bad_request", "failed", 0),
    131051: ("bad_request", "failed", 0),
    131053: ("bad_request", "failed", 0),
    132005: ("bad_request", "failed", 0),
    132008: ("bad_request", "failed", 0),
    132018: ("bad_request", "failed", 0),
    131047: ("window_closed", "failed", 0),
    131062: ("bsuid_unsupported", "failed", 0),
    135000: ("pacing_drop", "failed", 0),
    131026: ("undeliverable", "failed", 0),
    131030: ("not_test_number", "failed", 0),
    131021: ("same_number", "failed", 0),
    130472: ("experiment", "failed", 0),
    131050: ("opted_out", "failed", 0),
    130403: ("blocked_by_us", "failed", 0),
    130497: ("country", "failed", 0),
    137000: ("identity_changed", "failed", 0),
    987654: ("unknown_error", "failed", 0),
}

# code: (failure type, what stops, seconds until it continues by itself; None: a person or Meta)
STOPPED_AFTER = {
    0: ("token", "account", None),
    190: ("token", "account", None),
    3: ("permission", "account", None),
    10: ("permission", "account", None),
    200: ("permission", "account", None),
    299: ("permission", "account", None),
    131005: ("permission", "account", None),
    368: ("account_restricted", "account", None),
    131031: ("account_restricted", "account", None),
    131042: ("billing", "account", None),
    134011: ("billing", "account", None),
    131064: ("account_misclassified", "account", DAY),
    4: ("app_rate", "account", 15 * MINUTE),
    613: ("app_rate", "account", 15 * MINUTE),
    80007: ("app_rate", "account", 15 * MINUTE),
    80008: ("app_rate", "account", 15 * MINUTE),
    33: ("sender_unavailable", "sender", None),
    803: ("sender_unavailable", "sender", None),
    131037: ("sender_unavailable", "sender", None),
    131045: ("sender_unavailable", "sender", None),
    133010: ("sender_unavailable", "sender", None),
    131048: ("spam_rate", "sender", None),
    131057: ("maintenance", "sender", 2 * MINUTE),
    132000: ("template_parameters", "campaign", None),
    132012: ("template_parameters", "campaign", None),
    132001: ("template_missing", "campaign", None),
    132007: ("template_policy", "campaign", None),
    132068: ("flow_blocked", "campaign", None),
    132069: ("flow_throttled", "campaign", HOUR),
    134101: ("sync_pending", "campaign", 10 * MINUTE),
    132015: ("template_paused", "template", None),
    132016: ("template_disabled", "template", None),
}


class FailureCase(DispatchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        address = PublicAddress()
        cls.addClassCleanup(address.stop)
        cls.simulator.post("delivery", url=address.url)

    def setUp(self):
        super().setUp()
        self.next_number = 0

    def _someone(self, count=1):
        """Leads that no other case of this test wrote to."""
        self.next_number += 1000
        return self._leads(count, start=self.next_number)

    def _launch_into(self, people=1, **rule):
        """A campaign to new people whose requests meet a fault."""
        with self._fault(**rule):
            return self._launch(self._someone(people))

    def _change_template(self, **values):
        self.simulator.post("template", id=self.template.template_uid, **values)

    def _stopped(self, campaign):
        """What stands still: {name: (reason, until)}."""
        found = {}
        if self.account.state == "stopped":
            found["account"] = (self.account.stop_reason, self.account.resume_at)
        if self.sender.state in ("paused", "locked"):
            found["sender"] = (self.sender.pause_reason, self.sender.resume_at)
        if self.template.status != "approved":
            found["template"] = (self.template.status_reason, False)
        elif campaign.state == "paused":
            found["campaign"] = (campaign.pause_reason, campaign.resume_at)
        return found

    def assertWaits(self, until, seconds, since):
        """`until` lies `seconds` after a moment between `since` and now, however long that was."""
        wait, rounding = timedelta(seconds=seconds), timedelta(seconds=5)
        self.assertGreaterEqual(until, since + wait - rounding)
        self.assertLessEqual(until, fields.Datetime.now() + wait + rounding)

    def _recover(self):
        self.account._resume("test.")
        self.sender._resume("test.")
        self.sender._release("test.")
        self.template._set_status("approved")
        self.env["waba.campaign"].search([("state", "=", "paused")])._resume("test.")
        self.account.write({"marketing_disabled": False, "blocked_country_codes": False})
        self.sender.slowed_until = False


class TestRefusals(FailureCase):
    def test_every_code_of_the_table_is_expected_here(self):
        tested = {rule for rule, *_more in (*ROW_AFTER.values(), *STOPPED_AFTER.values())}
        tested |= {"throughput", "marketing_disabled", "not_sent"}
        # See test_marketing_route.py.
        tested |= {"wrong_endpoint", "mm_unavailable"}
        self.assertEqual(set(retry.RULES) - tested, set())
        self.assertEqual({rule.failure_type for rule in CODES.values()} - tested, set())

    def test_a_refused_row_ends_or_waits_as_its_reason_asks_and_frees_its_place(self):
        for code, (failure_type, state, wait) in ROW_AFTER.items():
            with self.subTest(code=code):
                self.env["ir.cron.trigger"].search([]).unlink()
                before = fields.Datetime.now()
                campaign = self._launch_into(kind="error", code=code, details="Told by Meta.")
                row = self._rows(campaign)
                self.assertEqual(
                    (row.state, row.failure_type, row.error_code, row.attempt_count),
                    (state, failure_type, code, 1),
                )
                self.assertIn("Told by Meta", row.failure_reason)
                self.assertIn(str(code), row.failure_reason)
                self.assertTrue(row.fbtrace_id)
                self.assertFalse(row.slot_at)
                self.assertFalse(row.recipient_id.slot_at)
                self.assertFalse(row.reserved_until)
                if state == "queued":
                    self.assertWaits(row.retry_at, wait, before)
                    alarm = self._alarms()[-1]
                    self.assertGreaterEqual(alarm, row.retry_at)
                    due_at = max(row.retry_at, fields.Datetime.now())
                    self.assertLessEqual(alarm, due_at + timedelta(minutes=1))
                self.assertEqual(campaign.state, "done" if state == "failed" else "running")
                self.assertEqual(self._stopped(campaign), {})
                self.account.blocked_country_codes = False
                campaign.action_cancel()

    def test_a_refusal_that_is_not_the_rows_fault_keeps_the_row_and_stops_what_is(self):
        for code, (failure_type, stopped, wait) in STOPPED_AFTER.items():
            with self.subTest(code=code):
                before = fields.Datetime.now()
                campaign = self._launch_into(kind="error", code=code, details="Told by Meta.")
                row = self._rows(campaign)
                self.assertEqual(
                    (row.state, row.failure_type, row.error_code), ("queued", failure_type, code)
                )
                self.assertFalse(row.slot_at)
                found = self._stopped(campaign)
                self.assertEqual(set(found), {stopped})
                reason, until = found[stopped]
                self.assertIn("Told by Meta", reason)
                self.assertIn("Told by Meta", campaign.hold_reason)
                if wait is None:
                    self.assertFalse(until)
                else:
                    self.assertWaits(until, wait, before)
                    self.assertIn(until, self._alarms())
                sent = len(self.simulator.sends())
                self._dispatch()
                self.assertEqual(len(self.simulator.sends()), sent)
                self._recover()
                self.assertEqual(campaign.state, "running")
                campaign.action_cancel()

    def test_a_missing_object_stops_the_number(self):
        campaign = self._launch_into(
            kind="error", code=100, subcode=33, details="Object with ID '4' does not exist"
        )
        self.assertEqual(self._rows(campaign).failure_type, "sender_unavailable")
        self.assertEqual(set(self._stopped(campaign)), {"sender"})

    def test_promotions_switched_off_at_meta_hold_promotions_alone(self):
        self.simulator.post(
            "account", id=self.account.waba_uid, disable_marketing_messages_on_cloud_api=True
        )
        campaign = self._launch(self._someone(3))
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertTrue(self.account.marketing_disabled)
        self.assertIn("Promotions are on hold", campaign.hold_reason)
        service = self._launch(self._someone(2), template_id=self.utility_template.id)
        self.assertEqual(service.sent_count, 2)
        sent = len(self.simulator.sends())
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), sent)

    def test_what_stops_by_itself_goes_on_by_itself(self):
        with self._moving_clock() as move:
            for code in (4, 131064, 131057, 132069):
                with self.subTest(code=code):
                    campaign = self._launch_into(kind="error", code=code)
                    [(_reason, until)] = self._stopped(campaign).values()
                    move((until - fields.Datetime.now()).total_seconds() + 2)
                    self._dispatch()
                    self.assertEqual(self._stopped(campaign), {})
                    self.assertEqual(campaign.sent_count, 1)

    def test_a_permanent_stop_in_the_middle_loses_nobody(self):
        with self._fault(kind="error", code=190, skip=5, count=None):
            campaign = self._launch(self._someone(60))
        rows = self._rows(campaign)
        self.assertEqual(self.account.state, "stopped")
        self.assertIn("access token", self.account.stop_reason)
        self.assertEqual(len(rows.filtered(lambda row: row.state == "accepted")), 5)
        self.assertEqual(len(rows.filtered(lambda row: row.state == "queued")), 55)
        self.assertLess(len(self.simulator.sends()), 60)
        self.assertEqual(self.portfolio.slots_used, 5)
        self._recover()
        with self._moving_clock() as move:
            move(60)
            self._dispatch()
        self.assertEqual((campaign.sent_count, campaign.state), (60, "done"))

    def test_a_passing_failure_is_tried_as_often_as_planned_and_then_ends(self):
        with self._moving_clock() as move, self._fault(kind="error", code=131016, count=None):
            campaign = self._launch(self._someone())
            row = self._rows(campaign)
            for attempt in range(1, 4):
                self.assertEqual((row.state, row.attempt_count), ("queued", attempt))
                move((row.retry_at - fields.Datetime.now()).total_seconds() + 30)
                self._dispatch()
            self.assertEqual((row.state, row.attempt_count), ("failed", 4))
            self.assertEqual(campaign.state, "done")
            self.assertEqual(campaign.retryable_count, 1)

    def test_three_refusals_of_the_same_request_in_a_row_pause_the_campaign(self):
        campaign = self._launch_into(12, kind="error", code=131009, count=None)
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "failure"))
        rows = self._rows(campaign)
        failed = rows.filtered(lambda row: row.state == "failed")
        self.assertGreaterEqual(len(failed), 3)
        self.assertEqual(failed | rows.filtered(lambda row: row.state == "queued"), rows)
        self.assertIn("Check the template and its variables", campaign.hold_reason)

    def test_refusals_with_successes_between_them_do_not_pause_the_campaign(self):
        self.sender.own_throughput = 5
        leads = self._someone(6)
        for lead in leads[::2]:
            self.simulator.post(
                "faults", kind="error", code=131009, number=lead.phone_sanitized, count=None
            )
        campaign = self._launch(leads)
        self.assertEqual((campaign.state, campaign.failed_count), ("done", 3))

    def test_a_parameter_missing_for_one_is_missing_for_all(self):
        campaign = self._launch_into(kind="error", code=131008)
        self.assertEqual(self._rows(campaign).state, "failed")
        self.assertEqual(campaign.state, "paused")

    def test_several_pacing_drops_in_a_row_stop_the_account(self):
        campaign = self._launch_into(8, kind="error", code=135000, count=None)
        self.assertEqual(self.account.state, "stopped")
        rows = self._rows(campaign)
        self.assertEqual(rows.filtered(lambda row: row.state not in ("failed", "queued")).ids, [])
        self.assertGreaterEqual(len(rows.filtered(lambda row: row.state == "queued")), 1)

    def test_too_many_a_second_again_and_again_ends_with_everybody_written_to_once(self):
        with self._moving_clock() as move, self._fault(kind="error", code=130429, count=25):
            campaign = self._launch(self._someone(20))
            for _again in range(12):
                if campaign.state == "done":
                    break
                move(30)
                self._dispatch()
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 20))
        uuids = self._accepted_uuids()
        self.assertEqual((len(uuids), len(set(uuids))), (20, 20))

    def test_the_pair_rate_is_waited_out_by_growing_steps(self):
        with self._moving_clock() as move, self._fault(kind="error", code=131056, count=3):
            campaign = self._launch(self._someone())
            row = self._rows(campaign)
            waits = []
            while row.state == "queued":
                waits.append((row.retry_at - row.failed_at).total_seconds())
                move(90)
                self._dispatch()
        self.assertEqual(waits, [1, 4, 16])
        self.assertEqual((row.state, row.attempt_count), ("accepted", 4))

    def test_what_a_refusal_tells_about_the_person_holds_for_later_campaigns(self):
        cases = [(131050, "opted_out"), (130403, "blocked_by_us"), (130497, "country")]
        for code, reason in cases:
            with self.subTest(code=code):
                lead = self._someone()
                with self._fault(kind="error", code=code):
                    self._launch(lead)
                later = self._campaign(lead)
                later._start_launch()
                self._prepare()
                row = self._rows(later)
                self.assertEqual((row.state, row.failure_type), ("skipped", reason))
                self._recover()
        person = self.env["waba.recipient"].search([("marketing_state", "=", "opted_out")])
        self.assertEqual(person.consent_ids.mapped("source"), ["refused"])
        self.assertIn("131050", person.consent_ids.evidence)

    def test_a_country_refused_once_leaves_the_others_of_that_country_out(self):
        self.portfolio.daily_cap = 1
        mexican = self._lead("+52 55 1234 5678")
        others = self._lead("+52 55 1234 5679") | self._someone(1)
        with self._fault(kind="error", code=130497):
            campaign = self._launch(mexican | others)
        self.assertEqual(self.account._blocked_countries(), {"MX"})
        rows = self._rows(campaign)
        self.assertEqual(rows.mapped("state"), ["failed", "skipped", "accepted"])
        self.assertEqual(rows.mapped("failure_type")[:2], ["country", "country"])

    def test_who_is_undeliverable_twice_in_a_row_is_left_out_for_three_months(self):
        lead = self._someone()
        with self._moving_clock() as move, self._fault(kind="error", code=131026, count=None):
            self._launch(lead)
            person = self._rows(self.env["waba.campaign"].search([], limit=1)).recipient_id
            self.assertFalse(person.unreachable_until)
            move(60)
            self._launch(lead)
            self.assertAlmostEqual(
                person.unreachable_until,
                fields.Datetime.now() + timedelta(days=90),
                delta=timedelta(seconds=10),
            )
            third = self._launch(lead)
            self.assertEqual(self._rows(third).failure_type, "unreachable")
            move(91 * DAY)
            fourth = self._launch(lead)
            self.assertEqual(self._rows(fourth).failure_type, "undeliverable")

    def test_a_message_delivered_in_between_starts_the_count_of_undeliverable_ones_anew(self):
        lead = self._someone()
        with self._moving_clock() as move:
            with self._fault(kind="error", code=131026):
                first = self._launch(lead)
            person = self._rows(first).recipient_id
            self.assertEqual(person.undeliverable_count, 1)
            move(60)
            second = self._launch(lead)
            self._receive(self._status(self._rows(second), "delivered"))
            self.assertEqual(person.undeliverable_count, 0)
            move(60)
            with self._fault(kind="error", code=131026):
                self._launch(lead)
        self.assertFalse(person.unreachable_until)


class TestTheWayThere(FailureCase):
    def test_an_outcome_nobody_knows_is_kept_counted_and_never_sent_again(self):
        cases = {
            "reset after": {"kind": "reset", "when": "after"},
            "reset before": {"kind": "reset", "when": "before"},
            "5xx without Graph's error": {"kind": "status_5xx", "body": "html", "when": "after"},
            "5xx of a proxy": {"kind": "status_5xx", "body": "text", "status": 502},
            "200 that is no JSON": {"kind": "non_json"},
            "200 cut in two": {"kind": "unreadable_200"},
        }
        for name, rule in cases.items():
            with self.subTest(name), self._moving_clock() as move:
                campaign = self._launch_into(**rule)
                row = self._rows(campaign)
                self.assertEqual(row.state, "uncertain")
                self.assertTrue(row.failure_reason)
                self.assertTrue(row.slot_at)
                self.assertEqual(campaign.uncertain_count, 1)
                self.assertEqual(campaign.state, "done")
                sent = len(self.simulator.sends())
                move(DAY)
                self._dispatch()
                self.assertEqual(len(self.simulator.sends()), sent)

    def test_a_server_error_with_graphs_own_error_is_a_refusal_and_tried_again(self):
        with self._moving_clock() as move:
            campaign = self._launch_into(kind="status_5xx", body="graph", code=2)
            row = self._rows(campaign)
            self.assertEqual((row.state, row.failure_type), ("queued", "temporary"))
            self.assertFalse(row.slot_at)
            move(90)
            self._dispatch()
            self.assertEqual((row.state, row.attempt_count), ("accepted", 2))

    def test_an_answer_that_never_comes_leaves_the_row_uncertain_until_its_status(self):
        campaign = self._launch_into(3, kind="timeout_after_accept", count=2)
        rows = self._rows(campaign)
        self.assertEqual(sorted(rows.mapped("state")), ["accepted", "uncertain", "uncertain"])
        self.assertEqual(self.portfolio.slots_used, 3)
        self._apply_posted()
        self.assertEqual(set(rows.mapped("state")), {"read"})
        self.assertFalse(any(rows.mapped("failure_reason")))
        self.assertEqual(len(self.simulator.sends()), 3)

    def test_while_nothing_listens_people_wait_and_are_written_to_when_it_does_again(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with self._moving_clock() as move:
            self.account.base_url = closed
            campaign = self._launch(self._someone(4))
            rows = self._rows(campaign)
            self.assertEqual(set(rows.mapped("state")), {"queued"})
            self.assertEqual(set(rows.mapped("failure_type")), {"not_sent"})
            self.assertEqual(self.portfolio.slots_used, 0)
            self.assertEqual((self.account.state, self.sender.state), ("connected", "active"))
            for row in rows:
                self.assertAlmostEqual((row.retry_at - row.failed_at).total_seconds(), 30, delta=2)
            self.assertTrue([at for at in self._alarms() if at > fields.Datetime.now()])
            self.account.base_url = self.simulator.url
            move(60)
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (4, "done"))
        self.assertFalse(any(rows.mapped("failure_type")))

    def test_a_slow_answer_is_waited_for(self):
        campaign = self._launch_into(3, kind="latency", ms=1500, count=None)
        self.assertEqual(campaign.sent_count, 3)


class TestReportedLater(FailureCase):
    """The API accepted; the failure comes by webhook."""

    def _report(self, row, code, **values):
        body = self._status(
            row,
            "failed",
            timestamp=values.pop("timestamp", int(fields.Datetime.now().timestamp())),
            errors=[{"code": code, "title": "Title.", "error_data": {"details": "By webhook."}}],
            **values,
        )
        return self._receive(body)

    def test_a_promotion_held_back_is_tried_once_more_a_day_later_and_then_ends(self):
        with self._moving_clock() as move:
            campaign = self._launch(self._someone())
            row = self._rows(campaign)
            self.assertEqual(campaign.state, "done")
            self._report(row, 131049)
            self.assertEqual((row.state, campaign.state), ("queued", "running"))
            self.assertTrue(row.slot_at, "an accepted message stays counted")
            self.assertGreaterEqual(row.retry_at, fields.Datetime.now() + timedelta(hours=23.9))
            self._dispatch()
            self.assertEqual(len(self.simulator.sends()), 1)
            move(DAY + 60)
            self._dispatch()
            self.assertEqual((row.state, row.attempt_count), ("accepted", 2))
            self._report(row, 131049)
            self.assertEqual((row.state, campaign.state), ("failed", "done"))
            self.assertEqual(campaign.retryable_count, 0, "not before another day by hand either")
            self.assertFalse(row.action_retry())
            move(DAY + 60)
            campaign.invalidate_recordset()
            self.assertEqual(campaign.retryable_count, 1)
            self.assertEqual(row.action_retry(), row)

    def test_after_a_promotion_was_held_back_no_other_campaign_sends_one_for_a_day(self):
        lead = self._someone()
        with self._moving_clock() as move:
            first = self._launch(lead)
            waiting = self._campaign(lead, sender_id=self.sender_mx.id)
            waiting.action_launch()
            self._prepare()
            self._report(self._rows(first), 131049)
            made_later = self._launch(lead, sender_id=self.sender_mx.id)
            service = self._launch(lead, template_id=self.utility_template.id)
            move(60)
            self._dispatch()
            self._dispatch(self.sender_mx)
            self.assertEqual((waiting.sent_count, made_later.sent_count), (0, 0))
            self.assertEqual(service.sent_count, 1)
            move(DAY)
            self._dispatch(self.sender_mx)
            self.assertEqual(waiting.sent_count, 1)

    def test_a_stop_told_by_a_failure_was_said_before_this_campaign(self):
        """WhatsApp refuses because the person had stopped promotions: not on account of this one,
        which never reached them."""
        campaign = self._launch(self._someone())
        row = self._rows(campaign)
        self._report(row, 131050)
        self.assertEqual((row.state, row.failure_type), ("failed", "opted_out"))
        self.assertEqual(row.recipient_id.marketing_state, "opted_out")
        self.assertEqual(row.recipient_id.consent_ids.mapped("source"), ["refused"])
        self.assertEqual(campaign.opted_out_count, 0)
        self.assertEqual(campaign.retryable_count, 0)
        self.assertFalse(row.action_retry())

    def test_what_was_accepted_and_failed_keeps_its_place_unless_it_was_never_sent_on(self):
        cases = [(131026, True), (131000, True), (130472, True), (132015, False), (135000, False)]
        for code, kept in cases:
            with self.subTest(code=code):
                campaign = self._launch(self._someone())
                row = self._rows(campaign)
                self._report(row, code)
                self.assertEqual(bool(row.slot_at), kept)
                self.assertEqual(bool(row.recipient_id.slot_at), kept)
                self._recover()

    def test_a_template_paused_while_messages_were_held_keeps_everybody_waiting(self):
        self._change_template(hold_after=1)
        with self._moving_clock() as move:
            campaign = self._launch(self._someone(3))
            rows = self._rows(campaign)
            self.assertEqual(sorted(rows.mapped("state")), ["accepted", "held", "held"])
            self.assertEqual(campaign.state, "done")
            self._change_template(drop=132015)
            self._apply_posted()
            self.assertEqual(self.template.status, "paused")
            self.assertEqual(sorted(rows.mapped("state")), ["queued", "queued", "read"])
            self.assertEqual(self.portfolio.slots_used, 1)
            self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
            move(60)
            self._dispatch()
            self.assertEqual(len(self.simulator.sends()), 3)
            self._change_template(hold_after=None)
            self._change_template(status="APPROVED")
            self._apply_posted()
            self.assertEqual((self.template.status, campaign.state), ("approved", "running"))
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (3, "done"))

    def test_a_held_message_that_is_released_counts_from_its_release(self):
        self._change_template(hold_after=0)
        with self._moving_clock() as move:
            campaign = self._launch(self._someone(2))
            rows = self._rows(campaign)
            self.assertEqual(set(rows.mapped("state")), {"held"})
            held_slot = max(rows.mapped("slot_at"))
            move(3 * HOUR)
            self._change_template(release=True)
            self._apply_posted()
            self.assertEqual(set(rows.mapped("state")), {"read"})
            for row in rows:
                self.assertGreater(row.slot_at, held_slot + timedelta(hours=2))
                self.assertEqual(row.recipient_id.slot_at, row.slot_at)
            move(22 * HOUR)
            self.assertEqual(self.portfolio.slots_used, 2)

    def test_undeliverable_twice_by_webhook_makes_a_person_unreachable(self):
        lead = self._someone()
        self.simulator.post(
            "behaviour", people=[{"number": lead.phone_sanitized, "behaviour": "undeliverable"}]
        )
        with self._moving_clock() as move:
            for expected in (1, 2):
                campaign = self._launch(lead)
                self._apply_posted()
                self.assertEqual(self._rows(campaign).failure_type, "undeliverable")
                self.assertEqual(self._rows(campaign).recipient_id.undeliverable_count, expected)
                self.simulator.post("reset")
                move(60)
                self.simulator.post(
                    "behaviour",
                    people=[{"number": lead.phone_sanitized, "behaviour": "undeliverable"}],
                )
            third = self._launch(lead)
            self.assertEqual(self._rows(third).failure_type, "unreachable")

    def test_the_same_failure_reported_twice_counts_once(self):
        campaign = self._launch(self._someone())
        row = self._rows(campaign)
        for timestamp in (1790000000, 1790000009):
            self._report(row, 131026, timestamp=timestamp)
        self.assertEqual(row.recipient_id.undeliverable_count, 1)

    def test_a_late_failure_of_an_earlier_attempt_does_not_touch_the_next_one(self):
        with self._moving_clock() as move:
            campaign = self._launch(self._someone())
            row = self._rows(campaign)
            self._report(row, 131000, attempt=1)
            move(120)
            self._dispatch()
            self.assertEqual((row.state, row.attempt_count), ("accepted", 2))
            self._report(row, 131026, attempt=1, timestamp=1790000077)
            self.assertEqual(row.state, "accepted")
            self.assertEqual(campaign.failed_count, 0)

    def test_a_failure_of_a_cancelled_campaign_queues_nobody_again(self):
        leads = self._someone(2)
        self.portfolio.daily_cap = 1
        campaign = self._launch(leads)
        sent = self._rows(campaign, "accepted")
        campaign.action_cancel()
        self._report(sent, 131000)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"cancelled"})
        self.assertEqual(campaign.state, "cancelled")

    def test_a_country_refused_later_is_left_out_from_then_on(self):
        self._report(self._rows(self._launch(self._someone())), 130497)
        self.assertEqual(self.account._blocked_countries(), {"ES"})
        row = self._rows(self._launch(self._someone()))
        self.assertEqual((row.state, row.failure_type), ("skipped", "country"))

    def test_a_row_queued_again_as_its_campaign_ended_is_found_by_the_watch(self):
        campaign = self._launch_into(kind="error", code=131016)
        row = self._rows(campaign)
        campaign.state = "done"
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self.assertEqual((row.state, campaign.state), ("queued", "running"))
        campaign.state = "cancelled"
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self.assertEqual((row.state, campaign.state), ("cancelled", "cancelled"))


class TestRetryByHand(FailureCase):
    def test_the_button_moves_only_who_may_be_written_to_again(self):
        codes = [131016, 131009, 131026, 131050, 132005, 987654]
        leads = self._someone(len(codes))
        for lead, code in zip(leads, codes, strict=True):
            self.simulator.post(
                "faults", kind="error", code=code, number=lead.phone_sanitized, count=1
            )
        with self._moving_clock() as move:
            campaign = self._launch(leads)
            rows = self._rows(campaign)
            waiting = rows.filtered(lambda row: row.state == "queued")
            self.assertEqual(waiting.failure_type, "temporary")
            self.assertEqual(campaign.retryable_count, 3)
            move(2 * MINUTE)
            answer = campaign.action_retry_failed()
            self.assertIn("3 queued again", answer["params"]["message"])
            self.assertIn("2 stay", answer["params"]["message"])
            self._dispatch()
        self.assertEqual(
            rows.mapped("state"),
            ["accepted", "accepted", "failed", "failed", "accepted", "accepted"],
        )
        self.assertEqual(campaign.state, "done")
        campaign.invalidate_recordset()
        self.assertEqual(campaign.retryable_count, 0)

    def test_the_button_of_a_cancelled_campaign_moves_nobody(self):
        campaign = self._launch_into(2, kind="error", code=131009, count=2)
        campaign.state = "running"
        campaign.action_cancel()
        campaign.action_retry_failed()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"failed"})
        self.assertEqual(campaign.retryable_count, 0)

    def test_a_retried_row_starts_its_waiting_times_anew(self):
        with self._moving_clock() as move, self._fault(kind="error", code=1, count=None):
            campaign = self._launch(self._someone())
            row = self._rows(campaign)
            for wait in (31, 121, 601):
                move(wait)
                self._dispatch()
            self.assertEqual(row.state, "failed")
            campaign.action_retry_failed()
            move(MINUTE)
            self._dispatch()
            self.assertEqual((row.state, row.failure_streak), ("queued", 1))

    def test_a_salesperson_retries_their_own_campaign(self):
        campaign = self._launch_into(kind="error", code=131009)
        campaign.user_id = self.salesperson
        row = self._rows(campaign)
        row.sudo().user_id = self.salesperson
        campaign.with_user(self.salesperson).action_retry_failed()
        self.assertEqual(row.state, "queued")


class TestHeld(FailureCase):
    def test_held_messages_are_counted_as_sent_and_not_sent_again(self):
        self._change_template(hold_after=0)
        campaign = self._launch(self._someone(2))
        self.assertEqual((campaign.sent_count, campaign.delivered_count), (2, 0))
        self.assertEqual(self.portfolio.slots_used, 2)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 2)

    def test_held_messages_dropped_by_portfolio_pacing_stop_the_account(self):
        self._change_template(hold_after=0)
        campaign = self._launch(self._someone(5))
        self._change_template(drop=135000)
        self._apply_posted()
        self.assertEqual(self.account.state, "stopped")
        self.assertEqual(self.portfolio.slots_used, 0)
        states = self._rows(campaign).mapped("state")
        self.assertEqual(set(states), {"failed", "queued"})
        self.assertEqual(campaign.failed_count + campaign.queued_count, 5)
