"""On which lead or contact an inbound message lands, who is told, and what the chatter shows."""

from datetime import timedelta

from odoo.tests import new_test_user
from odoo.tools import html2plaintext

from ..conversation.test_inbound import NUMBER, InboundCase

STRANGER = "+34699000111"


class TestInboundRouting(InboundCase):
    """Each rung of the ladder, with everything below it there as well."""

    def _partner(self, **values):
        return self.env["res.partner"].create({"name": "Ana", "phone": NUMBER, **values})

    def _where(self, **values):
        message = self._write(**values)
        record = message._get_record()
        return record if record is not None else None

    def test_the_ladder(self):
        for rung in ("answered", "last written", "open lead", "partner", "nobody"):
            with self._case(rung):
                expected = self._build(rung)
                self.assertEqual(self._where(context={"id": "wamid.QUOTED"}), expected)

    def _build(self, rung):
        """Everything from this rung down; the record expected."""
        rungs = ["nobody", "partner", "open lead", "last written", "answered"]
        height = rungs.index(rung)
        found = None
        if height >= 1:
            found = self._partner()
        if height >= 2:
            found = self._lead(NUMBER, partner_id=False)
        if height >= 3:
            found = self._lead("+34611999999")
            self._message(
                NUMBER,
                res_model="crm.lead",
                res_id=found.id,
                accepted_at=self.now - timedelta(days=40),
            )
        if height >= 4:
            found = self._lead("+34611999998")
            earlier = self.env["waba.message"].search([("res_id", "!=", False)], limit=1)
            self._message(
                NUMBER,
                res_model="crm.lead",
                res_id=found.id,
                wamid="wamid.QUOTED",
                accepted_at=self.now - timedelta(days=50),
            )
            # A later row about another record: what is quoted still comes first.
            earlier.copy({"uuid": "later"})
        return found

    def test_the_newest_open_lead_of_the_company(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        won = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        old = self._lead(NUMBER)
        wanted = self._lead(NUMBER)
        self._lead(NUMBER, company_id=elsewhere.id)
        self._lead(NUMBER).action_set_lost()
        self._lead(NUMBER).stage_id = won
        self.assertEqual(self._where(wamid="wamid.1"), wanted)
        self.env["waba.message"].search([("direction", "=", "in")]).unlink()
        wanted.action_set_lost()
        self.assertEqual(self._where(wamid="wamid.2"), old)

    def test_an_open_lead_of_the_contact_they_are_counts_though_it_shows_another_number(self):
        partner = self._partner()
        lead = self._lead("+34611222333", partner_id=partner.id)
        lead.phone = "+34611222333"
        people = self.env["waba.recipient"]
        people._find_or_create_by_number(self.portfolio, [NUMBER])[NUMBER].partner_id = partner
        self.assertEqual(self._where(), lead)

    def test_a_lead_that_came_of_a_campaign_carries_its_utm_values(self):
        self.env.company.waba_create_lead = True
        lead = self._lead(NUMBER)
        campaign = self._launch(lead)
        lead.unlink()
        new = self._write("¿Tienen sofás?")._get_record()
        self.assertEqual(
            (new.campaign_id, new.source_id, new.medium_id),
            (campaign.utm_campaign_id, campaign.utm_source_id, campaign.utm_medium_id),
        )
        self.assertEqual(new.medium_id.name, "WhatsApp")

    def test_a_stranger_becomes_a_lead_where_the_company_wants_it(self):
        team = self.env["crm.team"].create({"name": "WhatsApp team"})
        self.env.company.write(
            {
                "waba_create_lead": True,
                "waba_lead_team_id": team.id,
                "waba_lead_user_id": self.salesperson.id,
            }
        )
        message = self._write("¿Tienen sofás?", number=STRANGER)
        lead = message._get_record()
        self.assertEqual(lead._name, "crm.lead")
        self.assertEqual((lead.contact_name, lead.phone_sanitized), ("Ana", STRANGER))
        self.assertEqual((lead.source_id.name, lead.medium_id.name), ("WhatsApp", "WhatsApp"))
        self.assertEqual((lead.user_id, lead.team_id), (self.salesperson, team))
        self.assertEqual(lead.company_id, self.env.company)
        self.assertIn("¿Tienen sofás?", self._posts(lead).body)
        again = self._write("¿Y mesas?", number=STRANGER, wamid="wamid.2")
        self.assertEqual(again._get_record(), lead, "one lead, however often they write")

    def test_no_lead_is_made_unless_somebody_asks_for_something(self):
        cases = {
            "off": ({}, False),
            "stop": ({"text": "BAJA"}, True),
            "reaction": ({"type": "reaction", "reaction": {"emoji": "❤️"}}, True),
            "unsupported": ({"type": "unsupported"}, True),
            "system": ({"type": "system", "system": {"body": "x"}}, True),
        }
        for name, (values, wanted) in cases.items():
            with self._case(name):
                self.env.company.waba_create_lead = wanted
                before = self.env["crm.lead"].search_count([])
                self._write(number=STRANGER, **values)
                self.assertEqual(self.env["crm.lead"].search_count([]), before)

    def test_a_stranger_whom_we_blocked_makes_no_lead(self):
        self.env.company.waba_create_lead = True
        people = self.env["waba.recipient"]
        people._find_or_create_by_number(self.portfolio, [STRANGER])[STRANGER].is_blocked = True
        self.assertFalse(self._write(number=STRANGER).res_id)

    def test_a_message_answered_on_another_companys_record_stays_ours(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self._lead(NUMBER, company_id=company.id)
        self._message(
            NUMBER, res_model="crm.lead", res_id=theirs.id, company_id=company.id, wamid="wamid.Q"
        )
        self.assertFalse(self._write(context={"id": "wamid.Q"}).res_id)


class TestKinds(InboundCase):
    """What the chatter and the row keep of each kind of message."""

    def test_a_place_is_a_link_to_a_map(self):
        lead = self._lead(NUMBER)
        place = {"latitude": 41.38, "longitude": 2.17, "name": "Tienda", "address": "Calle <1>"}
        message = self._write(type="location", location=place)
        self.assertEqual(message.details["latitude"], 41.38)
        body = self._posts(lead).body
        self.assertIn("api=1&amp;query=41.380000,2.170000", body)
        self.assertIn("Calle &lt;1&gt;", body)

    def test_a_place_that_is_none_is_shown_without_a_link(self):
        for place in ({}, {"latitude": "x", "longitude": 2}, {"latitude": 99, "longitude": 2}):
            with self._case(str(place)):
                lead = self._lead(NUMBER)
                self._write(type="location", location=place)
                self.assertNotIn("query=", self._posts(lead).body)

    def test_contacts_are_names_and_numbers(self):
        lead = self._lead(NUMBER)
        cards = [
            {"name": {"formatted_name": "Luis"}, "phones": [{"phone": "+34600111222"}]},
            {"name": {"formatted_name": "Eva"}, "phones": [{"wa_id": "34600111333"}]},
        ]
        message = self._write(type="contacts", contacts=cards)
        self.assertEqual([card["name"] for card in message.details["contacts"]], ["Luis", "Eva"])
        body = self._posts(lead).body
        for text in ("Luis: +34600111222", "Eva: 34600111333"):
            self.assertIn(text, body)
        self.assertEqual((body.count("Luis"), body.count("Contact")), (1, 1))

    def test_an_order_lists_what_they_want(self):
        lead = self._lead(NUMBER)
        prices = {
            (99.5, "EUR"): "99.50 €",
            (899, "USD"): "$ 899.00",
            ("1.5", "EUR"): "1.50 €",
            (7, "XYZ"): "7 XYZ",
            ("free", "EUR"): "free EUR",
            ("1e999", "EUR"): "1e999 EUR",
            (None, "EUR"): "? EUR",
            (8, None): "8",
        }
        for (price, currency), text in prices.items():
            with self._case(text):
                item = {"product_retailer_id": "SOFA", "quantity": 2, "item_price": price,
                        "currency": currency}  # fmt: skip
                self._write(type="order", order={"text": "Pronto", "product_items": [item]})
                note = html2plaintext(self._posts(lead).body).replace("\N{NO-BREAK SPACE}", " ")
                self.assertIn(f"2 × SOFA ({text})", note)

    def test_a_reaction_belongs_to_its_message_and_calls_nobody(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        row = self._message(NUMBER, wamid="wamid.OUT", res_model="crm.lead", res_id=lead.id)
        reaction = {"emoji": "❤️", "message_id": "wamid.OUT"}
        message = self._write(type="reaction", reaction=reaction)
        self.assertEqual((message.reply_to_id, message.about_wamid), (row, "wamid.OUT"))
        self.assertFalse(self._posts(lead).notified_partner_ids)
        conversation = self._conversation()
        self.assertEqual((conversation.unread_count, conversation.waiting_since), (0, False))
        self.assertTrue(conversation.window_expires_at, "Meta opens the window for it")


class TestManagerAlerts(InboundCase):
    def test_by_the_companys_setting_and_the_persons_own(self):
        cases = [
            ("inbox", False, "inbox"), ("activity", False, "activity"), ("none", False, "none"),
            ("inbox", "activity", "activity"), ("activity", "none", "none"),
            ("none", "inbox", "inbox"),
        ]  # fmt: skip
        for company, own, expected in cases:
            with self._case(f"{company} {own}"):
                self.env.company.waba_notify = company
                self.salesperson.waba_notify = own
                lead = self._lead(NUMBER, user_id=self.salesperson.id)
                self._write()
                told = self._posts(lead).notified_partner_ids == self.salesperson.partner_id
                planned = lead.activity_ids.filtered(lambda a: a.user_id == self.salesperson)
                self.assertEqual((told, len(planned)), {"inbox": (True, 0), "activity": (False, 1),
                                                        "none": (False, 0)}[expected])  # fmt: skip

    def test_three_messages_are_one_activity(self):
        self.env.company.waba_notify = "activity"
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        for index in range(3):
            self._write("<b>Hola</b>", wamid=f"wamid.{index}")
        self.assertEqual(len(lead.activity_ids), 1)
        self.assertIn("&lt;b&gt;Hola", lead.activity_ids.note)

    def test_a_salesperson_sets_the_own_preference(self):
        user = new_test_user(
            self.env, "waba_own", groups="base.group_user,waba_campaign.waba_group_user"
        )
        user.with_user(user).write({"waba_notify": "none"})
        self.assertEqual(user.waba_notify, "none")
