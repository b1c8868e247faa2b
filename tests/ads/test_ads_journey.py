"""From a tap on an ad to the sale, by the people who use it, and what Meta learns of it."""

from odoo import fields

from .test_conversions import ConversionCase

NUMBER = "+34600123987"


class TestAdJourney(ConversionCase):
    def test_from_the_ad_to_the_sale_and_back(self):
        self.env.company.write(
            {"waba_conversion_consent": "opted_in", "waba_lead_user_id": self.salesperson.id}
        )
        # The ad.
        message = self._click(NUMBER, text="How much is the sofa?", click="Af-journey")
        self._run_cron(self.env.ref("waba_campaign.ir_cron_ad_pictures"))
        conversation, lead = self._conversation(message), message._get_record()
        self.assertEqual((lead.user_id, lead.phone), (self.salesperson, NUMBER))
        screen = self.env["waba.conversation"].with_user(self.salesperson)
        data = screen.conversation_data(conversation.id)
        [bubble] = data["messages"]
        self.assertEqual(bubble["ad"]["headline"], "Autumn sofas")
        self.assertTrue(bubble["ad"]["picture"])
        self.assertFalse(data["free_until"])
        # The answer, which opens the free window.
        screen.conversation_send(
            {"conversation_id": conversation.id, "key": "1", "text": "From 490 €."}
        )
        self._dispatch(self.sender)
        self._apply_posted()
        data = screen.conversation_data(conversation.id)
        until = fields.Datetime.to_datetime(data["free_until"])
        self.assertGreater(until, fields.Datetime.add(fields.Datetime.now(), hours=71))
        message.recipient_id._set_marketing_state("opted_in", "form", "Showroom form")
        # A promotion in it costs nothing.
        conversation.pair_free_at = False
        campaign = self._launch(lead)
        self._apply_posted()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_money"))
        self.assertEqual(self._rows(campaign).cost_state, "free_entry")
        # Qualified, won: by the salesperson, one event each.
        mine = lead.with_user(self.salesperson)
        mine.expected_revenue = 490
        for stage in (self.middle, self.won):
            mine.stage_id = stage
            for _turn in range(2):
                self._send()
        names = [event["event_name"] for event in self._events()]
        self.assertEqual(names, ["QualifiedLead", "Purchase"])
        purchase = self._events()[1]
        self.assertEqual(
            (purchase["ctwa_clid"], purchase["custom_data"]["value"]), ("Af-journey", 490)
        )
        self.assertNotIn(NUMBER.lstrip("+"), str(self._events()))
        # Taken back: Meta is told once, and of nothing more.
        for stage in (self.middle, self.won, self.new):
            mine.stage_id = stage
            self._send()
        names = [event["event_name"] for event in self._events()]
        self.assertEqual(names, ["QualifiedLead", "Purchase", "OrderCanceled"])
        # What the manager sees.
        ad = lead.waba_ad_id.with_user(self.manager)
        self.assertEqual((ad.conversation_count, ad.lead_count, ad.won_count), (1, 1, 0))
        rows = self.env["waba.conversion"].with_user(self.manager).search([])
        self.assertEqual(set(rows.mapped("state")), {"sent"})
        self.assertEqual(ad.action_view_leads()["domain"], [("waba_ad_id", "=", ad.id)])
