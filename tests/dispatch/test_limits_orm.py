"""The daily limit as the database keeps it: never over, and no place lost or given away early."""

import time

from odoo import fields

from ...models.dispatch.waba_sender_reserve import LEASE_MARGIN
from ...policy import limits
from ..common import NUMBER_ES, NUMBER_MX, PORTFOLIO_UID
from .test_dispatch import DispatchCase


class TestDailyLimit(DispatchCase):
    def test_of_300_people_250_are_written_to_and_50_wait_for_their_place(self):
        self.assertEqual(self.portfolio.messaging_limit, "250")
        with self._moving_clock() as move:
            campaign = self._launch(self._leads(300))
            self.assertEqual(len(self._accepted_uuids()), 250)
            self.assertEqual(campaign.state, "running")
            self.assertEqual((campaign.sent_count, campaign.queued_count), (250, 50))
            self.assertEqual(self.portfolio.slots_used, 250)
            first_place = min(self._rows(campaign, "accepted").mapped("slot_at"))
            now = fields.Datetime.now()
            self.assertIn(first_place + limits.WINDOW, self._alarms())
            too_early = [at for at in self._alarms() if now < at < first_place + limits.WINDOW]
            self.assertEqual(too_early, [])
            self.assertEqual(campaign.next_message_at, first_place + limits.WINDOW)
            self.assertIn("250 of 250 used (last 24 h)", campaign.progress_text)
            move((first_place + limits.WINDOW - now).total_seconds() - 10)
            self._dispatch()
            self.assertEqual(len(self._accepted_uuids()), 250, "a place was given away too early")
            move(60)
            self._dispatch()
            self.assertEqual(campaign.state, "done")
        uuids = self._accepted_uuids()
        self.assertEqual(len(uuids), 300)
        self.assertEqual(set(uuids), set(self._rows(campaign).mapped("uuid")))
        stats = self.simulator.get("stats")
        self.assertEqual(stats["portfolios"][PORTFOLIO_UID]["max_distinct_24h"], 250)

    def test_our_own_smaller_limit_holds_and_raising_it_wakes_the_number(self):
        self.portfolio.daily_cap = 5
        campaign = self._launch(self._leads(8))
        self.assertEqual((campaign.sent_count, campaign.queued_count), (5, 3))
        self.env["ir.cron.trigger"].search([]).unlink()
        self.portfolio.daily_cap = 6
        self.assertTrue(self._alarms())
        self._dispatch()
        self.assertEqual((campaign.sent_count, campaign.queued_count), (6, 2))

    def test_a_limit_raised_by_webhook_is_used_at_once_by_a_number_that_need_not_warm_up(self):
        self.account.sender_ids.warm_up = False
        self.portfolio.messaging_limit = "50"
        campaign = self._launch(self._leads(60))
        self.assertEqual(campaign.sent_count, 50)
        self.env["ir.cron.trigger"].search([]).unlink()
        self._receive(
            self._change(
                "business_capability_update", {"max_daily_conversations_per_business": 2000}
            )
        )
        self.assertEqual(self.portfolio.messaging_limit, "2000")
        self.assertLessEqual(self._alarms()[0], fields.Datetime.now())
        self._dispatch()
        self.assertEqual((campaign.sent_count, campaign.state), (60, "done"))

    def test_a_limit_lowered_below_the_people_counted_lets_nobody_new_through(self):
        self._launch(self._leads(6))
        self.portfolio.daily_cap = 4
        campaign = self._launch(self._leads(3, start=100))
        self.assertEqual(campaign.queued_count, 3)
        slots = self.portfolio._slot_times()
        self.assertIn(slots[2] + limits.WINDOW, self._alarms())
        self.portfolio.daily_cap = 0

    def test_an_unknown_limit_counts_as_250_and_an_unlimited_one_holds_nobody(self):
        self.portfolio.messaging_limit = "unknown"
        self.assertEqual(self.portfolio.people_limit, 250)
        self.portfolio.messaging_limit = "unlimited"
        campaign = self._launch(self._leads(260))
        self.assertEqual((campaign.sent_count, campaign.state), (260, "done"))
        self.assertTrue(self.portfolio.is_unlimited)

    def test_people_already_counted_cost_no_place(self):
        self.portfolio.daily_cap = 3
        leads = self._leads(5)
        with self._moving_clock() as move:
            self._launch(leads[:3])
            second = self._campaign(leads)
            second.action_launch()
            self._prepare()
            move(60)
            self._dispatch()
            sent = self._rows(second, "accepted")
            self.assertEqual(set(sent.mapped("res_id")), set(leads[:3].ids))
            self.assertEqual(second.queued_count, 2)
        self.assertEqual(self.portfolio.slots_used, 3)

    def test_someone_written_to_again_is_counted_from_the_last_message(self):
        self.portfolio.daily_cap = 1
        leads = self._leads(2)
        with self._moving_clock() as move:
            self._launch(leads[0])
            move(20 * 3600)
            self._launch(leads[0])
            move(5 * 3600)
            campaign = self._launch(leads[1])
            self.assertEqual(campaign.queued_count, 1, "the first message alone was counted")
            move(20 * 3600)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 1)

    def test_people_inside_a_service_window_cost_no_place(self):
        self.portfolio.daily_cap = 1
        leads = self._leads(4)
        numbers = [lead.phone_sanitized for lead in leads]
        for index, number in enumerate(numbers[:2]):
            self.simulator.post("inbound", phone_id=NUMBER_ES, number=number, text="Hola")
            self._receive(
                self._inbound(number, "Hola", wamid=f"wamid.W{index}", timestamp=int(time.time()))
            )
        campaign = self._launch(leads)
        sent = self._rows(campaign, "accepted")
        self.assertEqual(len(sent), 3)
        self.assertEqual(len(sent.filtered("slot_at")), 1)
        self.assertFalse(sent.filtered(lambda row: row.number in numbers[:2] and row.slot_at))
        self.assertEqual(self.portfolio.slots_used, 1)

    def test_a_service_window_about_to_close_costs_a_place(self):
        self.portfolio.daily_cap = 1
        leads = self._leads(2)
        # A reserved message may leave up to LEASE_MARGIN seconds later, and then some.
        wrote_at = int(time.time()) - 24 * 3600 + LEASE_MARGIN - 2
        self._receive(self._inbound(leads[0].phone_sanitized, "Hola", timestamp=wrote_at))
        campaign = self._launch(leads)
        self.assertEqual(self._rows(campaign).mapped("state"), ["accepted", "queued"])
        self.assertTrue(self._rows(campaign)[0].slot_at, "it might leave after the window's end")

    def test_who_costs_no_place_is_found_behind_many_who_wait_for_one(self):
        self.portfolio.daily_cap = 1
        self.sender.own_throughput = 5
        leads = self._leads(30)
        number = leads[-1].phone_sanitized
        self.simulator.post("inbound", phone_id=NUMBER_ES, number=number, text="Hola")
        self._receive(self._inbound(number, "Hola", timestamp=int(time.time())))
        campaign = self._launch(leads)
        sent = self._rows(campaign, "accepted")
        self.assertEqual(set(sent.mapped("res_id")), {leads[0].id, leads[-1].id})

    def test_two_numbers_and_two_campaigns_share_one_limit(self):
        self.portfolio.daily_cap = 10
        first = self._campaign(self._leads(8))
        second = self._campaign(self._leads(8, start=100), sender_id=self.sender_mx.id)
        (first | second).action_launch()
        self._prepare()
        for _again in range(2):
            self._dispatch(self.sender)
            self._dispatch(self.sender_mx)
        self.assertEqual((first.sent_count, second.sent_count), (8, 2))
        self.assertEqual(self.portfolio.slots_used, 10)
        stats = self.simulator.get("stats")
        self.assertEqual(stats["portfolios"][PORTFOLIO_UID]["max_distinct_24h"], 10)
        self.assertEqual(stats["numbers"][NUMBER_MX]["accepted"], 2)

    def test_one_person_reached_from_two_numbers_takes_one_place(self):
        lead = self._leads(1)
        self._launch(lead)
        self._launch(lead, sender_id=self.sender_mx.id)
        self.assertEqual(len(self._accepted_uuids()), 2)
        self.assertEqual(self.portfolio.slots_used, 1)

    def test_campaigns_leave_the_share_of_follow_ups_free(self):
        self.portfolio.write({"daily_cap": 10, "followup_share": 0.3})
        campaign = self._launch(self._leads(12))
        self.assertEqual(campaign.sent_count, 7)
        follow_ups = self._direct_rows([f"+34655000{index:03d}" for index in range(5)])
        self._dispatch()
        states = follow_ups.mapped("state")
        self.assertEqual((states.count("accepted"), states.count("queued")), (3, 2))
        self.assertEqual(campaign.sent_count, 7)

    def test_service_messages_count_against_the_limit_too(self):
        self.portfolio.daily_cap = 2
        campaign = self._launch(self._leads(3), template_id=self.utility_template.id)
        self.assertEqual((campaign.sent_count, campaign.queued_count), (2, 1))
        self.assertEqual(self.portfolio.slots_used, 2)

    def test_a_place_given_back_goes_to_the_next_person(self):
        self.portfolio.daily_cap = 2
        leads = self._leads(3)
        with self._fault(kind="error", code=131026, number=leads[0].phone_sanitized):
            campaign = self._launch(leads)
            self._dispatch()
        self.assertEqual(campaign.failed_count, 1)
        self.assertEqual(campaign.sent_count, 2)
        self.assertEqual(self.portfolio.slots_used, 2)

    def test_a_refused_attempt_does_not_uncount_an_earlier_one_that_was_taken(self):
        self.portfolio.daily_cap = 1
        leads = self._leads(2)
        with self._moving_clock() as move:
            campaign = self._launch(leads[0])
            row = self._rows(campaign)
            self._receive(self._status(row, "failed", errors=[{"code": 131000}]))
            self.assertEqual(row.state, "queued")
            move(120)
            with self._fault(kind="error", code=131026):
                self._dispatch()
            self.assertEqual(row.state, "failed")
            second = self._launch(leads[1])
            self.assertEqual(second.sent_count, 0, "Meta took the first attempt: it still counts")
