"""The endpoint of each promotion, what a refusal changes about it, and what it may cost."""

from odoo import api, fields
from odoo.exceptions import UserError

from ...cloud_api import SendPool
from ...models.dispatch.waba_sender_dispatch import DispatchRun
from ..common import WABA_UID, PublicAddress
from .test_dispatch import DispatchCase

MARKETING, CLOUD = "marketing_messages", "messages"
MINUTE, DAY = 60, 24 * 3600


class MarketingCase(DispatchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        address = PublicAddress()
        cls.addClassCleanup(address.stop)
        cls.simulator.post("delivery", url=address.url)

    def setUp(self):
        super().setUp()
        self.next_lead = 0

    def _onboard(self, **values):
        """As after the sync of an account whose terms are accepted, and the setting."""
        self.simulator.post(
            "account", id=WABA_UID, marketing_messages_onboarding_status="ONBOARDED", **values
        )
        self.account._sync()
        self.account.promotions_by = "marketing_api"

    def _someone(self, count=1):
        self.next_lead += 1000
        return self._leads(count, start=self.next_lead)

    def _dispatch_later(self):
        """Dispatch again once the recipients may get another request."""
        with self._moving_clock() as move:
            move(MINUTE)
            self._dispatch()

    def _endpoints(self):
        return [entry["endpoint"] for entry in self.simulator.sends()]

    def _price_template(self, bid=5000):
        self._change_template("autumn_offer", bid=bid)
        self.account._sync()

    def _priced(self):
        """Log entries of promotions with a maximum price."""
        return [entry for entry in self.simulator.sends() if entry["auction"]]


class TestRoute(MarketingCase):
    def test_promotions_go_by_the_cloud_api_unless_chosen(self):
        self.assertEqual(self.account.promotions_by, "cloud_api")
        self.assertEqual(self.account.marketing_onboarding, "ELIGIBLE")
        campaign = self._launch(self._someone())
        self.assertEqual(self._endpoints(), [CLOUD])
        self.assertEqual(self._rows(campaign).endpoint, CLOUD)

    def test_promotions_alone_go_by_the_marketing_api(self):
        self._onboard()
        promotion = self._launch(self._someone(2))
        service = self._launch(self._someone(), template_id=self.utility_template.id)
        self.assertEqual(self._endpoints(), [MARKETING, MARKETING, CLOUD])
        self.assertEqual(set(self._rows(promotion).mapped("endpoint")), {MARKETING})
        self.assertEqual(self._rows(service).endpoint, CLOUD)
        bodies = [entry["body"] for entry in self.simulator.sends()]
        for body in bodies:
            extra = {"product_policy", "message_activity_sharing", "bid_spec"} & set(body)
            self.assertEqual(extra, set())

    def test_options_are_on_the_wire_when_chosen(self):
        self._onboard()
        self.account.write({"marketing_fallback": "strict", "activity_sharing": "no"})
        self._launch(self._someone())
        [entry] = self.simulator.sends()
        self.assertEqual(entry["body"]["product_policy"], "STRICT")
        self.assertIs(entry["body"]["message_activity_sharing"], False)

    def test_without_the_terms_promotions_fall_back_or_wait(self):
        self.account.promotions_by = "marketing_api"
        self.assertEqual(self._launch(self._someone()).sent_count, 1)
        self.assertEqual(self._endpoints(), [CLOUD])
        self.assertIn("terms", self.account.promotions_text)
        self.account.marketing_fallback = "strict"
        campaign = self._launch(self._someone())
        self.assertEqual(self._endpoints(), [CLOUD])
        self.assertIn("Promotions are on hold", campaign.hold_reason)
        # Accepted: by webhook, then it goes out.
        self._receive(
            {
                "object": "whatsapp_business_account",
                "entry": [{"id": "100000000000001", "time": 1790000000, "changes": [
                    {"field": "account_update", "value": {
                        "event": "MM_LITE_TERMS_SIGNED",
                        "waba_info": {"owner_business_id": "1", "waba_id": WABA_UID}}}]}],
            }
        )  # fmt: skip
        self.assertEqual(self.account.marketing_onboarding, "ONBOARDED")
        self.assertFalse(self.account.promotions_text)
        self.simulator.post(
            "account", id=WABA_UID, marketing_messages_onboarding_status="ONBOARDED"
        )
        self._dispatch()
        self.assertEqual(self._endpoints(), [CLOUD, MARKETING])

    def test_the_current_category_decides_not_the_one_at_the_launch(self):
        self._onboard()
        campaign = self._campaign(self._someone(2), template_id=self.utility_template.id)
        campaign._start_launch()
        self._prepare()
        self._change_template("order_update", category="MARKETING")
        self.account._sync()
        self._dispatch()
        self.assertEqual(self._endpoints(), [], "held until a manager looked at it")
        action = self.utility_template.with_user(self.manager).action_release()
        self._opened(action, self.manager).create({"reason": "Opt-ins checked."}).action_confirm()
        self._dispatch()
        self.assertEqual(set(self._endpoints()), {MARKETING})

    def test_metas_flag_switches_an_onboarded_account_and_says_so(self):
        self._onboard()
        self.account.promotions_by = "cloud_api"
        self.simulator.post("account", id=WABA_UID, disable_marketing_messages_on_cloud_api=True)
        self.account._sync()
        self.assertEqual(self.account.promotions_by, "marketing_api")
        self.assertIn(
            "Promotions now go by the Marketing Messages API", self._chatter(self.account)
        )
        self._launch(self._someone())
        self.assertEqual(self._endpoints(), [MARKETING])


class TestRefusals(MarketingCase):
    def test_131063_sends_the_same_message_by_the_other_endpoint_once(self):
        self._onboard()
        self.account.promotions_by = "cloud_api"
        self.simulator.post("account", id=WABA_UID, disable_marketing_messages_on_cloud_api=True)
        campaign = self._launch(self._someone(3))
        self._dispatch_later()
        self.assertEqual(campaign.sent_count, 3)
        self.assertEqual(self.account.promotions_by, "marketing_api")
        self._assert_sent_once(campaign)
        self.assertEqual(self.simulator.get("stats")["accepted_twice"], [])

    def _assert_sent_once(self, campaign):
        """Each recipient was accepted by exactly one request."""
        taken = [entry["recipient"] for entry in self.simulator.sends() if entry["wamid"]]
        self.assertEqual(sorted(taken), sorted(self._rows(campaign).mapped("number")))

    def test_131063_stops_with_the_cause_where_the_terms_are_missing(self):
        self.simulator.post("account", id=WABA_UID, disable_marketing_messages_on_cloud_api=True)
        campaign = self._launch(self._someone(2))
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertIn("has not accepted", campaign.hold_reason)
        sent = len(self.simulator.sends())
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), sent)

    def test_a_template_that_is_no_promotion_goes_by_the_cloud_api(self):
        for code in (134100, 131055):
            with self._case(str(code)):
                self._onboard()
                self.simulator.post("settings", not_marketing_code=code)
                self._change_template("autumn_offer", category="UTILITY")
                campaign = self._launch(self._someone(2))
                self._dispatch_later()
                self.assertEqual(campaign.sent_count, 2)
                self._assert_sent_once(campaign)
                self.assertEqual(self.template.refused_endpoint, MARKETING)
                # The sync knows the category, and forgets the refusal.
                self.account._sync()
                self.assertFalse(self.template.refused_endpoint)
                self.assertEqual(self.template.category, "utility")

    def test_refused_by_both_it_fails_and_the_campaign_pauses(self):
        self._onboard()
        with self._fault(kind="error", code=134100, count=None):
            campaign = self._launch(self._someone())
        row = self._rows(campaign)
        self.assertEqual((row.state, row.failure_type), ("queued", "wrong_endpoint"))
        with self._fault(kind="error", code=131063, count=None):
            self._dispatch_later()
        self.assertEqual((row.state, row.failure_type), ("failed", "wrong_endpoint"))
        self.assertEqual(campaign.state, "paused")
        self.assertEqual(len(self.simulator.sends()), len(set(self._tags())))

    def _tags(self):
        return [entry["opaque"] for entry in self.simulator.sends()]

    def test_nobody_gets_a_promotion_who_was_asked_about_a_service_message(self):
        self._onboard()
        with self._fault(kind="error", code=131063, count=None):
            campaign = self._launch(self._someone(), template_id=self.utility_template.id)
            self._dispatch_later()
        self.assertEqual(self._endpoints(), [CLOUD])
        self.assertEqual(campaign.state, "paused")
        self.assertEqual(self._rows(campaign).state, "failed")

    def test_a_template_that_is_synced_waits_ten_minutes(self):
        for code in (134101, 131009):
            with self._case(str(code)), self._moving_clock() as move:
                self._onboard()
                self.simulator.post("settings", syncing_code=code)
                self._change_template("autumn_offer", sync_seconds=9 * MINUTE)
                campaign = self._launch(self._someone(3))
                self.assertEqual(campaign.state, "paused")
                self.assertTrue(campaign.resume_at)
                self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
                move(10 * MINUTE + 5)
                self._dispatch()
                self.assertEqual(campaign.sent_count, 3)
                self._assert_sent_once(campaign)

    def test_134102_falls_back_for_a_day_and_says_so(self):
        with self._moving_clock() as move:
            self._onboard()
            self.simulator.post("account", id=WABA_UID, marketing_unavailable=True)
            campaign = self._launch(self._someone(2))
            move(MINUTE)
            self._dispatch()
            self.assertEqual(campaign.sent_count, 2)
            self._assert_sent_once(campaign)
            self.assertIn("Promotions go by the Cloud API", self.account.promotions_text)
            self.assertIn("Promotions go by the Cloud API", self._chatter(self.account))
            self._launch(self._someone())
            self.assertEqual(self._endpoints()[-1], CLOUD)
            self.simulator.post("account", id=WABA_UID, marketing_unavailable=False)
            self.account.action_retry_marketing_api()
            self._launch(self._someone())
            self.assertEqual(self._endpoints()[-1], MARKETING)
            self.account._set_marketing_unavailable(fields.Datetime.now())
            move(DAY + 60)
            self._launch(self._someone())
            self.assertEqual(self._endpoints()[-1], MARKETING)

    def test_134102_holds_what_may_not_fall_back(self):
        self._onboard(disable_marketing_messages_on_cloud_api=True)
        self.simulator.post("account", id=WABA_UID, marketing_unavailable=True)
        campaign = self._launch(self._someone(2))
        self._dispatch_later()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertIn("refuses the Marketing Messages API", campaign.hold_reason)

    def test_without_an_answer_nothing_goes_by_the_other_endpoint(self):
        self._onboard()
        with self._fault(kind="reset", count=None):
            campaign = self._launch(self._someone(2))
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"uncertain"})
        self.account.promotions_by = "cloud_api"
        self._dispatch()
        self.assertEqual(self._endpoints(), [MARKETING, MARKETING])

    def _reserve_and_send(self, pool):
        """Reserve a message and send it; return (run, result), which is not written yet."""
        run = DispatchRun(pool, 5, self.sender.run_count)
        jobs, _dropped = self.sender._reserve_rows(1, run)
        self.sender._mark_submitted(jobs)
        for key, body, before, endpoint in jobs:
            pool.submit(key, self.sender.phone_number_uid, body, before, endpoint)
        results = pool.results(1, timeout=10)
        self.assertEqual(len(results), 1)
        return run, results

    def test_a_kill_after_a_refusal_sends_nothing_again(self):
        self._onboard()
        campaign = self._campaign(self._someone())
        campaign._start_launch()
        self._prepare()
        row = self._rows(campaign)
        with self._moving_clock() as move:
            with (
                self._fault(kind="error", code=134100),
                SendPool(self.account._client(), 5, 1) as pool,
            ):
                # Killed: the answer is never written.
                self._reserve_and_send(pool)
            self._dispatch()
            self.assertEqual(row.state, "reserved")
            move(30 * MINUTE)
            self._dispatch()
            self.assertEqual(row.state, "uncertain")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_a_kill_after_the_refusal_is_written_sends_it_once(self):
        self._onboard()
        self._change_template("autumn_offer", category="UTILITY")
        campaign = self._campaign(self._someone())
        campaign._start_launch()
        self._prepare()
        with SendPool(self.account._client(), 5, 1) as pool:
            run, results = self._reserve_and_send(pool)
            # Killed right after.
            self.env["waba.message"]._write_results(results, run)
        self._dispatch_later()
        self._dispatch_later()
        self.assertEqual(self._endpoints(), [MARKETING, CLOUD])
        self._assert_sent_once(campaign)


class TestPrice(MarketingCase):
    def test_a_templates_price_is_read_and_the_charge_is_stored(self):
        self._onboard()
        self._price_template(5000)
        self.assertEqual(self.account.currency_id.name, "EUR")
        self.assertEqual(self.template.max_price, 0.05)
        self.simulator.post("auction", price=0.031)
        campaign = self._launch(self._someone())
        row = self._rows(campaign)
        self.assertEqual((row.endpoint, row.max_price), (MARKETING, 0.05))
        [entry] = self._priced()
        self.assertEqual((entry["max_price"], entry["charge"]), (0.05, 0.031))
        self._apply_posted()
        self.assertEqual((row.charge, row.charge_currency), (0.031, "EUR"))
        self.env["waba.message"]._price_batch()
        self.assertEqual((row.cost_state, row.cost), ("reported", 0.031))
        self.assertEqual(row.cost_currency_id.name, "EUR")

    def test_a_lost_auction_costs_nothing(self):
        self._onboard()
        self._price_template(5000)
        self.simulator.post("auction", price=0.06)
        row = self._rows(self._launch(self._someone()))
        self._apply_posted()
        self.assertEqual((row.state, row.charge), ("queued", False))
        self.assertEqual(row.failure_type, "marketing_limit")

    def test_a_price_needs_the_marketing_api(self):
        self._onboard()
        self._price_template()
        self.account.promotions_by = "cloud_api"
        campaign = self._launch(self._someone())
        self.assertEqual(campaign.state, "paused")
        self.assertIn("maximum price needs the Marketing Messages API", campaign.pause_reason)
        self.assertEqual(self._endpoints(), [])

    def test_a_price_that_says_more_than_we_know_sends_nothing(self):
        self._onboard()
        self._change_template("autumn_offer", bid=5000, bid_extra={"country_multipliers": {}})
        self.account._sync()
        campaign = self._launch(self._someone())
        self.assertEqual(campaign.state, "paused")
        self.assertIn("not certain", campaign.pause_reason)

    def test_a_template_whose_price_we_did_not_know_goes_by_the_marketing_api(self):
        self._onboard()
        self.account.promotions_by = "cloud_api"
        self._change_template("autumn_offer", bid=5000)
        campaign = self._launch(self._someone())
        self.account.promotions_by = "marketing_api"
        self._dispatch_later()
        self.assertEqual(self._endpoints(), [CLOUD, MARKETING])
        self.assertEqual(campaign.sent_count, 1)

    def test_a_charge_above_the_price_is_evidence_and_pauses_once(self):
        self._onboard()
        self._price_template(5000)
        self.simulator.post("auction", price=0.04, overcharge=1.5)
        campaign = self._launch(self._someone(2))
        campaign.state = "running"
        self._apply_posted()
        events = self.env["waba.reputation.event"].search([("kind", "=", "price_exceeded")])
        self.assertEqual(len(events), 2)
        self.assertEqual(set(events.mapped("value_after")), {"0.06 EUR"})
        self.assertEqual(campaign.state, "paused")
        self.assertIn("0.06 EUR", campaign.pause_reason)
        campaign._resume("test.")
        self._apply_posted()
        self.assertNotEqual(campaign.state, "paused")

    def _settings(self, template=None, **values):
        """The delivery settings of a template, opened and filled in by a manager."""
        template = (template or self.template).with_user(self.manager)
        return self._opened(template.action_delivery(), self.manager).create(values)

    def _apply_settings(self, **values):
        """Apply settings as a request does, on a connection that may commit."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.manager.id, {})
            template = self.template.with_env(env)
            self._opened(template.action_delivery(), self.manager).with_env(
                env(context=template.action_delivery()["context"])
            ).create(values).action_confirm()
        self.env.invalidate_all()

    def _at_meta(self):
        [found] = [
            one for one in self.simulator.get("world")["templates"]
            if one["id"] == self.template.template_uid
        ]  # fmt: skip
        return found

    def test_a_manager_sets_price_time_and_optimizations_at_meta(self):
        self._onboard()
        self._apply_settings(max_price=0.045, ttl_hours=24, image_touchups=True)
        found = self._at_meta()
        self.assertEqual((found["bid"], found["ttl_seconds"]), (4500, 86400))
        self.assertEqual(found["features"], {"image_touchups": True})
        self.assertEqual(self.template.max_price, 0.045)
        self.assertEqual(self.template.ttl_hours, 24)
        self.account._sync()
        self.assertEqual(self.template.max_price_bid, 4500)
        self.assertEqual(self.template.creative_features, {"image_touchups": True})
        [change] = [
            entry["body"] for entry in self.simulator.get("log")["entries"]
            if entry["method"] == "POST" and entry["path"].endswith(self.template.template_uid)
        ]  # fmt: skip
        self.assertEqual(
            change["degrees_of_freedom_spec"],
            {"creative_features_spec": {"image_touchups": {"enroll_status": "OPT_IN"}}},
        )

    def test_a_refused_price_leaves_the_old_one(self):
        self._onboard(max_price_agreement=False)
        with self.assertRaisesRegex(UserError, "agreement"):
            self._apply_settings(max_price=0.045)
        self.env.invalidate_all()
        self.assertEqual(self.template.max_price_bid, 0)

    def test_only_a_price_has_a_warning(self):
        self._onboard()
        self.assertIs(self._settings().warning, False)
        self.assertIn("phone number", self._settings(max_price=0.045).warning)

    def test_what_cannot_be_set(self):
        with self.assertRaisesRegex(UserError, "Cloud API"):
            self._settings(max_price=0.045).action_confirm()
        self._onboard()
        with self.assertRaisesRegex(UserError, "12 to 720"):
            self._settings(ttl_hours=11).action_confirm()
        with self.assertRaisesRegex(UserError, "above 0"):
            self._settings(max_price=0.000001).action_confirm()
        with self.assertRaisesRegex(UserError, "for promotions"):
            self.utility_template.with_user(self.manager).action_delivery()
        self.account.currency_id = self.env.ref("base.MXN")
        with self.assertRaisesRegex(UserError, "MXN"):
            self._settings(max_price=0.9).action_confirm()

    def test_a_price_is_not_raised_under_messages_on_the_way(self):
        self._onboard()
        self._price_template(5000)
        self._message(state="reserved")
        with self.assertRaisesRegex(UserError, "being sent"):
            self._apply_settings(max_price=0.06)

    def test_a_listing_from_before_a_raise_does_not_undo_it(self):
        self._onboard()
        self._price_template(5000)
        facts = self.account._fetch_account_data()
        self._apply_settings(max_price=0.06)
        self.account._apply_account_data(facts)
        self.assertEqual(self.template.max_price_bid, 6000)
        self.template.price_set_at = fields.Datetime.subtract(fields.Datetime.now(), minutes=16)
        self.account._apply_account_data(facts)
        self.assertEqual(self.template.max_price_bid, 5000)


class TestDiagnosis(MarketingCase):
    def _promotions_line(self):
        action = self.account.action_diagnose()
        diagnosis = self.env["waba.diagnosis"].browse(action["res_id"])
        return diagnosis.line_ids.filtered(lambda line: line.topic == "Promotions")

    def test_it_says_by_which_endpoint_promotions_go_and_what_to_do(self):
        line = self._promotions_line()
        self.assertEqual((line.level, line.text), ("ok", "Go by the Cloud API."))
        self.account.promotions_by = "marketing_api"
        line = self._promotions_line()
        self.assertEqual(line.level, "warning")
        self.assertIn("terms", line.text)
        self.assertIn("WhatsApp Manager", line.advice)
        self.simulator.post("account", id=WABA_UID, disable_marketing_messages_on_cloud_api=True)
        self.assertEqual(self._promotions_line().level, "error")
        self._onboard()
        line = self._promotions_line()
        self.assertEqual((line.level, line.text), ("ok", "Go by the Marketing Messages API."))
        self.account._set_marketing_unavailable(fields.Datetime.now())
        self.assertEqual(self._promotions_line().level, "error")
