"""What reading Meta's side proves, how often it is read, and the comparison of templates."""

from datetime import datetime, timedelta, timezone

from freezegun import freeze_time
from odoo import fields
from odoo.addons.waba_campaign.cloud_api import TemplateComparison
from odoo.addons.waba_campaign.models.base.waba_account_sync import BUSY_INTERVAL
from odoo.addons.waba_campaign.models.campaign import waba_campaign as waba_campaign_state
from odoo.addons.waba_campaign.models.reputation import waba_template_comparison as comparing

from ..common import NUMBER_ES, WABA_UID
from .test_reputation_event import EvidenceCase


class PollCase(EvidenceCase):
    def setUp(self):
        super().setUp()
        self.cron = self.env.ref("waba_campaign.ir_cron_poll")
        self._poll()
        self._forget()

    def _poll(self):
        self._run_cron(self.cron)

    def _number(self, **values):
        self.simulator.call("number", {"id": NUMBER_ES, **values})

    def _polls(self):
        return self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])


class TestChanges(PollCase):
    def test_each_change_is_one_event_with_what_it_was(self):
        cases = [
            ({"quality_rating": "YELLOW"}, "number_quality", "aggregate", "green", "yellow", "bad"),
            (
                {"quality_rating": "NA"},
                "number_quality",
                "aggregate",
                "green",
                "unknown",
                "neutral",
            ),
            ({"status": "RESTRICTED"}, "number_status", "exact", "CONNECTED", "RESTRICTED", "bad"),
            ({"throughput_level": "HIGH"}, "throughput", "exact", "80", "1000", "good"),
            ({"name_status": "DECLINED"}, "number_name", "exact", "APPROVED", "DECLINED", "bad"),
        ]
        self._number(quality_rating="GREEN", name_status="APPROVED")
        for change, kind, certainty, before, after, effect in cases:
            with self._case(kind + after):
                self._number(quality_rating="GREEN", name_status="APPROVED")
                self._poll()
                self._forget()
                self._number(**change)
                self._poll()
                event = self._new(kind=kind)
                self.assertEqual(event.source, "poll")
                self.assertEqual(
                    (event.certainty, event.value_before, event.value_after, event.effect),
                    (certainty, before, after, effect),
                )
                self.assertEqual(event.sender_id, self.sender)
                self.assertTrue(event.detail)
                seen = self._new()
                self._poll()
                self.assertEqual(self._new(), seen, "what stays as it is is no news")

    def test_health_is_noted_for_the_number_and_the_account(self):
        self.simulator.call("account", {"id": WABA_UID, "billing_problem": True})
        self._poll()
        events = self._new(kind="health")
        self.assertIn(self.sender, events.sender_id)
        self.assertTrue(events.filtered(lambda event: not event.sender_id))
        self.assertEqual({*events.mapped("effect")}, {"bad"})
        self.simulator.call("account", {"id": WABA_UID, "billing_problem": False})
        self._forget()
        self._poll()
        self.assertEqual({*self._new(kind="health").mapped("effect")}, {"good"})

    def test_the_limit_up_and_down(self):
        for limit, expected in (
            ("TIER_10K", ("250", "10000", "good")),
            ("TIER_2K", ("10000", "2000", "bad")),
        ):
            self.simulator.post("limit", limit=limit, webhook=False)
            self._forget()
            self._poll()
            event = self._new(kind="messaging_limit")
            self.assertEqual((event.value_before, event.value_after, event.effect), expected)
            self.assertEqual(event.portfolio_id, self.portfolio)

    def test_what_a_webhook_told_first_is_no_news_to_the_poll(self):
        self.simulator.post("limit", limit="TIER_10K", webhook=False)
        self._change_template("autumn_offer", quality="YELLOW")
        self._receive(self._limit("TIER_10K"))
        self._receive(
            self._template_event(
                "", field="message_template_quality_update",
                previous_quality_score="GREEN", new_quality_score="YELLOW",
            )
        )  # fmt: skip
        self._forget()
        self._poll()
        told = self._new().filtered(lambda e: e.kind == "messaging_limit")
        self.assertFalse(told)
        self.assertFalse(self._new(kind="template_quality", template_id=self.template))

    def test_templates_that_changed_without_a_webhook(self):
        cases = [
            ({"quality": "RED"}, "template_quality", "red", "bad"),
            ({"status": "PAUSED"}, "template_paused", "paused", "bad"),
            ({"status": "DISABLED"}, "template_disabled", "disabled", "bad"),
            ({"category": "UTILITY"}, "template_category", "utility", "neutral"),
            ({"status": "PENDING"}, None, None, None),
        ]
        for change, kind, after, effect in cases:
            with self._case(str(change)):
                self._change_template("autumn_offer", quality="GREEN")
                self._poll()
                self._forget()
                self._change_template("autumn_offer", **change)
                self._poll()
                event = self._new(template_id=self.template)
                self.assertEqual(event.mapped("kind"), [kind] if kind else [])
                if kind:
                    self.assertEqual((event.value_after, event.effect), (after, effect))

    def test_a_pause_that_ended_unseen_and_a_new_promotion(self):
        self.template.write({"status": "paused", "category": "utility"})
        self._poll()
        events = self._new(template_id=self.template)
        self.assertEqual(
            sorted((event.kind, event.effect) for event in events),
            [("template_category", "bad"), ("template_reinstated", "good")],
        )

    def test_a_number_no_longer_listed(self):
        self.sender_mx.phone_number_uid = "499999999999999"
        self._poll()
        events = self._new(kind="number_status")
        self.assertEqual(events.mapped("value_after"), ["MISSING"])
        self.assertEqual(events.sender_id, self.sender_mx)

    def test_a_first_reading_begins_the_histories_and_names_what_is_bad(self):
        self._number(quality_rating="YELLOW", throughput_level="HIGH")
        self.sender.write({"rated_at": False, "quality_rating": "unknown"})
        self.portfolio.messaging_limit = "unknown"
        self._poll()
        events = self._new(sender_id=self.sender).filtered(lambda e: e.kind != "messaging_limit")
        self.assertEqual([(e.kind, e.effect) for e in events], [("number_quality", "bad")])
        self.assertFalse(events.value_before)
        limit = self._new(kind="messaging_limit")
        self.assertEqual((limit.value_after, limit.effect), ("250", "neutral"))

    def test_the_history_of_ratings(self):
        start = fields.Datetime.now().replace(microsecond=0) - timedelta(days=400)
        self._record(
            *(
                {
                    "kind": "number_quality",
                    "source": "poll",
                    "at": start + timedelta(days=day),
                    "sender_id": self.sender_mx.id,
                    "value_after": rating,
                    "event_key": f"history:{day}",
                }
                for day, rating in ((0, "green"), (10, "yellow"), (20, "red"))
            )
        )
        history = self.sender_mx._rating_history(start + timedelta(days=12))
        self.assertEqual(
            history[:2],
            [(start + timedelta(days=10), "yellow"), (start + timedelta(days=20), "red")],
        )
        self.assertEqual(self.sender_mx._rating_history(start - timedelta(days=1))[0][1], "green")


class TestHowOften(PollCase):
    def test_often_while_people_are_written_to(self):
        self._polls().unlink()
        self._poll()
        self.assertFalse(self._polls(), "without a campaign the job's own interval is enough")
        campaign = self._launch(self._leads(2))
        self.assertTrue(self._polls(), "a campaign that begins to run has its number looked at")
        self._polls().unlink()
        before = fields.Datetime.now().replace(microsecond=0)
        self._poll()
        [alarm] = self._polls()
        self.assertGreaterEqual(alarm.call_at, before + BUSY_INTERVAL)
        self.assertLess(alarm.call_at, before + 2 * BUSY_INTERVAL)
        self.assertEqual(campaign.state, "done")
        campaign.done_at = before - waba_campaign_state.BUSY_PERIOD - timedelta(minutes=1)
        self._polls().unlink()
        self._poll()
        self.assertFalse(self._polls())

    def test_a_reading_fits_the_quota(self):
        calls = self._calls()
        self._poll()
        calls = self._calls() - calls
        # One for the account, one for its numbers, one page of templates, for each account.
        accounts = self.env["waba.account"].search_count([("state", "!=", "draft")])
        self.assertEqual(calls, 3 * accounts)
        self.assertLess(calls * (timedelta(hours=1) / BUSY_INTERVAL), 200 / 2)

    def _calls(self):
        return len([e for e in self.simulator.get("log")["entries"] if e["method"] == "GET"])


class TestComparison(PollCase):
    def setUp(self):
        super().setUp()
        self.simulator.post("settings", compare_minimum=1)
        self.other = self._template("welcome_back", "es")
        self.compare_cron = self.env.ref("waba_campaign.ir_cron_compare")
        campaign = self._launch(self._leads(3), template_id=self.template.id)
        other = self._launch(self._leads(3, start=50), template_id=self.other.id)
        self.assertEqual((campaign.sent_count, other.sent_count), (3, 3))
        self._change_template("autumn_offer", block_rate=0.01, top_block_reason="NO_SIGN_UP")
        self._change_template("welcome_back", block_rate=0.05, top_block_reason="SPAM")
        self._forget()

    def _sent_much(self, template, count, days=1):
        """Rows of the past, made in one statement."""
        self.cr.execute(
            """INSERT INTO waba_message (uuid, direction, state, account_id, sender_id, company_id,
                      template_id, category, attempt_count, failed_attempt, failure_streak,
                      accepted_at)
               SELECT 'past-' || %s || '-' || n, 'out', 'delivered', %s, %s, %s, %s, 'marketing',
                      1, 0, 0, %s
                 FROM generate_series(1, %s) AS n""",
            [
                f"{template.id}-{days}", self.account.id, self.sender.id, self.env.company.id,
                template.id, datetime.now() - timedelta(days=days), count,
            ],
        )  # fmt: skip

    def _compare(self):
        # The window ends with the whole second before: what was sent in this one is not in it.
        with freeze_time(datetime.now(timezone.utc) + timedelta(seconds=2), tick=True):
            self._run_cron(self.compare_cron)

    def _compared(self):
        entries = self.simulator.get("log")["entries"]
        return [entry for entry in entries if entry["path"].endswith("/compare")]

    def test_the_order_of_blocks_is_an_aggregate_that_accuses_nobody(self):
        for template in (self.template, self.other):
            self._sent_much(template, comparing.COMPARED_SENDS)
        self._compare()
        event = self._new()
        self.assertEqual(self._told(), [("block_order", "aggregate", "neutral", "poll")])
        self.assertEqual(event.template_id, self.other, "the one that is blocked more")
        self.assertEqual(
            event.value_after,
            f"{self.template.template_uid} NO_SIGN_UP < {self.other.template_uid} SPAM",
        )
        self.assertIn("SPAM", event.detail)
        self.assertIn("no rate", event.detail)
        self.assertEqual(len(event.raw["data"]), 3)

    def test_only_news_is_noted(self):
        for template in (self.template, self.other):
            self._sent_much(template, comparing.COMPARED_SENDS)
        self._compare()
        self._compare()
        self.assertEqual(len(self._new()), 1)
        before = self._new().value_after
        self._change_template("autumn_offer", block_rate=0.2)
        self._compare()
        latest = self._new().sorted("id")[-1]
        self.assertEqual(len(self._new()), 2)
        self.assertEqual(latest.template_id, self.template)
        self.assertEqual(latest.value_before, before)

    def test_templates_of_few_sends_are_not_asked_about(self):
        self._sent_much(self.template, comparing.COMPARED_SENDS)
        self._sent_much(self.other, comparing.COMPARED_SENDS - 10)
        self._sent_much(self.other, comparing.COMPARED_SENDS, days=comparing.COMPARED_DAYS + 1)
        self._compare()
        self.assertFalse(self._compared())
        self.assertFalse(self._new())

    def test_a_pair_that_meta_refuses_does_not_stop_the_others(self):
        third = self._template("order_update", "es")
        for template, more in ((self.template, 30), (self.other, 20), (third, 10)):
            self._sent_much(template, comparing.COMPARED_SENDS + more)
        self.assertEqual(
            self.account._most_sent_templates().ids, [self.template.id, self.other.id, third.id]
        )
        # The third was never sent at Meta's: with it no comparison is answered.
        self._compare()
        self.assertEqual(len(self._compared()), 3)
        self.assertEqual(len(self._new()), 1)

    def test_an_answer_that_names_no_order_is_no_evidence(self):
        answer = TemplateComparison.from_reply({"data": [{"metric": "MESSAGE_SENDS"}]})
        self.account._record_comparison(self.template, self.other, answer)
        self.assertFalse(self._new())

    def test_the_pairs_of_a_day_are_bounded(self):
        templates = self.env["waba.template"].create(
            [
                {
                    "account_id": self.account.id,
                    "template_uid": f"9{index:014d}",
                    "name": f"many_{index}",
                    "language": "es",
                }
                for index in range(11)
            ]
        )
        for template in templates:
            self._sent_much(template, comparing.COMPARED_SENDS)
        self._compare()
        self.assertEqual(len(self._compared()), comparing.MAX_PAIRS)
