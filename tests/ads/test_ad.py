"""Ads: what Meta says of the click is kept on message, conversation and new lead."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from psycopg2 import IntegrityError

from ..common import NUMBER_ES, PublicAddress, WabaCase, new_test_user

NUMBER = "+34600111222"


class AdCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.waba_create_lead = True

    def _click(self, number=NUMBER, text="Can I get more info?", **values):
        """A person taps an ad in the simulator and writes; our message row."""
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        reply = self.simulator.post("ad", phone_id=NUMBER_ES, number=number, text=text, **values)
        self._apply_posted()
        return self.env["waba.message"].search([("wamid", "=", reply["wamid"])])

    def _conversation(self, message):
        return self.env["waba.conversation"].search(
            [
                ("sender_id", "=", message.sender_id.id),
                ("recipient_id", "=", message.recipient_id.id),
            ]
        )  # fmt: skip


class TestReferral(AdCase):
    def test_the_click_is_kept_everywhere(self):
        message = self._click(click="Af-click-1")
        ad, lead, conversation = message.ad_id, message._get_record(), self._conversation(message)
        self.assertEqual((ad.ad_uid, ad.source_type), ("120226305854810726", "ad"))
        self.assertEqual((ad.headline, ad.display_name), ("Autumn sofas", "Autumn sofas"))
        self.assertEqual(ad.account_id, self.account)
        self.assertEqual(
            {message.ctwa_clid, conversation.ctwa_clid, lead.waba_ctwa_clid}, {"Af-click-1"}
        )
        self.assertEqual((conversation.ad_id, lead.waba_ad_id), (ad, ad))
        self.assertTrue(conversation.ad_clicked_at)
        self.assertEqual(lead.source_id.name, "Facebook/Instagram ad")
        self.assertEqual(lead.medium_id.name, "WhatsApp")
        self.assertFalse(lead.campaign_id)
        self.assertEqual((ad.conversation_count, ad.lead_count, ad.won_count), (1, 1, 0))

    def test_the_campaign_of_the_ad_is_that_of_its_next_leads(self):
        ad = self._click().ad_id
        campaign = self.env["utm.campaign"].create({"name": "Autumn"})
        ad.with_user(self.manager).utm_campaign_id = campaign
        lead = self._click("+34600111333")._get_record()
        self.assertEqual((lead.waba_ad_id, lead.campaign_id), (ad, campaign))

    def test_meta_says_less(self):
        for parts, source in (
            ({"source_type": "post", "ctwa_clid": None}, "Facebook/Instagram post"),
            ({"source_type": None, "headline": None, "source_id": "7"}, "WhatsApp"),
            ({"source_id": None}, "Facebook/Instagram ad"),
        ):
            number = f"+3460022{len(source):04d}"
            message = self._click(number, referral=parts)
            lead = message._get_record()
            self.assertEqual(lead.source_id.name, source)
            self.assertEqual(bool(message.ctwa_clid), "ctwa_clid" not in parts)
            self.assertEqual(
                bool(message.ad_id), "source_id" not in parts or parts["source_id"] == "7"
            )
        self.assertEqual(self.env["waba.ad"].search([("ad_uid", "=", "7")]).display_name, "Ad 7")

    def test_a_malformed_referral_keeps_the_message(self):
        for index, referral in enumerate(
            (["x"], "ad", {"source_id": {"a": 1}}, {"ctwa_clid": 5.5})
        ):
            body = self._inbound(NUMBER, "Hello", f"wamid.bad{index}")
            value = body["entry"][0]["changes"][0]["value"]
            value["messages"][0]["referral"] = referral
            self._receive(body)
            message = self.env["waba.message"].search([("wamid", "=", f"wamid.bad{index}")])
            self.assertEqual((message.text, message.ad_id.id), ("Hello", False))

    def test_known_people_keep_their_lead_and_its_source(self):
        lead = self._lead(NUMBER)
        message = self._click(click="Af-known")
        self.assertEqual(message._get_record(), lead)
        self.assertEqual((lead.waba_ctwa_clid, lead.source_id.id), ("Af-known", False))
        self._click(click="Af-second")
        self.assertEqual(lead.waba_ctwa_clid, "Af-known")
        self.assertEqual(self._conversation(message).ctwa_clid, "Af-second")

    def test_one_row_per_ad_with_metas_latest_words(self):
        first = self._click().ad_id
        second = self._click("+34600111333", referral={"headline": "Winter sofas"}).ad_id
        self.assertEqual(first, second)
        self.assertEqual(second.headline, "Winter sofas")
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env["waba.ad"].create({"account_id": self.account.id, "ad_uid": first.ad_uid})
            self.env.flush_all()

    def test_a_merged_lead_keeps_the_click(self):
        lead = self._click(click="Af-merge")._get_record()
        other = self._lead("+34600999888", probability=90)
        merged = (lead | other).with_user(self.manager)._merge_opportunity()
        self.assertEqual(merged.sudo().waba_ctwa_clid, "Af-merge")

    def test_nobody_writes_the_click(self):
        lead = self._click()._get_record()
        with self.assertRaises(AccessError):
            lead.with_user(self.salesperson).waba_ctwa_clid = "mine"
        with self.assertRaises(AccessError):
            lead.waba_ad_id.with_user(self.salesperson).utm_campaign_id = False
        self.assertFalse(lead.copy().waba_ad_id)


class TestPicture(AdCase):
    def _load(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_ad_pictures"))

    def test_it_is_loaded_by_the_job_and_shown_from_here(self):
        message = self._click()
        ad = message.ad_id
        self.assertEqual((ad.picture_state, ad.picture), ("pending", False))
        self.assertFalse(message._format_bubbles(None)[0]["ad"]["picture"])
        self._load()
        self.assertEqual(ad.picture_state, "done")
        card = message._format_bubbles(None)[0]["ad"]
        self.assertEqual(card["picture"], f"/web/image/waba.ad/{ad.id}/picture")
        self.assertEqual((card["headline"], card["is_video"]), ("Autumn sofas", False))
        [request] = [e for e in self.simulator.get("log")["entries"] if "samples" in e["path"]]
        self.assertNotIn("authorization", str(request).lower())

    def test_what_is_no_picture_is_given_up(self):
        ad = self._click(referral={"image_url": f"{self.simulator.url}/v25.0/1"}).ad_id
        for _attempt in range(4):
            ad.picture_retry_at = fields.Datetime.now()
            self._load()
        self.assertEqual((ad.picture_state, ad.picture), ("failed", False))
        self.assertTrue(ad.picture_reason)
        # The same address is not tried again, another one is.
        self._click(referral={"image_url": f"{self.simulator.url}/v25.0/1"})
        self.assertEqual(ad.picture_state, "failed")
        self._click()
        self._load()
        self.assertEqual(ad.picture_state, "done")

    def test_addresses_inside_are_not_called(self):
        ad = self._click().ad_id
        ad.account_id.base_url = "https://graph.facebook.com"
        self._load()
        self.assertIn("address of this server", ad.picture_reason)


class TestFreeWindow(AdCase):
    def _answer(self, message):
        row = self.env["waba.message"]._queue_direct(
            self.sender, message._get_record(), origin="manual", text="Hello, we can help."
        )
        self._dispatch(self.sender)
        self._apply_posted()
        return row

    def test_an_answer_opens_it_and_it_is_shown(self):
        message = self._click()
        conversation = self._conversation(message)
        self.assertFalse(conversation.free_until_at)
        row = self._answer(message)
        left = conversation.free_until_at - fields.Datetime.now()
        self.assertAlmostEqual(left / timedelta(hours=1), 72, delta=0.1)
        self.assertEqual(row.pricing_type, "free_entry_point")
        self.assertTrue(conversation._state_data()["free_until"])
        lead = message._get_record().with_user(self.salesperson)
        self.assertIn("Free until", lead.waba_window_text)

    def test_without_an_ad_there_is_none(self):
        self._receive(self._inbound(NUMBER, "Hello", "wamid.plain"))
        message = self.env["waba.message"].search([("wamid", "=", "wamid.plain")])
        self._answer(message)
        self.assertFalse(self._conversation(message).free_until_at)

    def test_nothing_is_held_back_for_its_messages(self):
        self.env["waba.rate"].create(
            {
                "market": "Spain",
                "amount": 0.05,
                "country_ids": [(6, 0, self.env.ref("base.es").ids)],
            }
        )
        message = self._click()
        self._answer(message)
        lead = message._get_record()
        other = self._lead("+34600555666")
        campaign = self._campaign(lead | other, budget=1.0)
        run = campaign._dry_run()
        known = {run.history(one).in_free_window for one in run.receiving}
        self.assertEqual(known, {True, False})
        campaign._start_launch()
        self._prepare()
        self._dispatch(self.sender)
        rows = self._rows(campaign)
        held = {row.res_id: row.charge_bound for row in rows}
        self.assertEqual(held[lead.id], 0)
        self.assertGreater(held[other.id], 0)

    def test_its_messages_lead_their_campaign(self):
        message = self._click()
        conversation = self._conversation(message)
        lead = message._get_record()
        campaign = self._campaign(self._lead("+34600555777") | lead)
        campaign._start_launch()
        self._prepare()
        first, second = self._rows(campaign).sorted("id")
        late = first if first.res_id == lead.id else second
        (first | second).retry_at = fields.Datetime.now() - timedelta(hours=1)
        conversation._set_free_until(fields.Datetime.now() + timedelta(hours=72))
        self.assertEqual(self._rows(campaign).sorted(lambda row: (row.retry_at, row.id))[0], late)


class TestCompanies(AdCase):
    def test_ads_are_their_companys(self):
        ad = self._click().ad_id
        company = self.env["res.company"].create({"name": "Elsewhere"})
        user = new_test_user(
            self.env, "elsewhere", groups="waba_campaign.waba_group_manager",
            company_id=company.id, company_ids=[(6, 0, company.ids)],
        )  # fmt: skip
        self.assertFalse(self.env["waba.ad"].with_user(user).search([("id", "=", ad.id)]))
