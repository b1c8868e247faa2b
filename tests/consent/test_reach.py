"""What a salesperson with "own documents only" may look up: the people behind the leads and
contacts that they may read, and nobody else, by whatever model and way."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..common import WabaCase


class ReachCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = cls._salesperson_of_own()
        cls.other = cls._salesperson_of_own("waba_other_own")

    def _person(self, number):
        people = self.env["waba.recipient"]
        return people._find_or_create_by_number(self.portfolio, [number])[number]

    def _sees(self, user, records, **context):
        """Whether a user finds and reads all of `records`, or none; the two must agree."""
        self.env.flush_all()
        self.env.invalidate_all()
        mine = records.with_user(user).with_context(**context)
        found = mine.search([("id", "in", records.ids)])
        readable = mine._filtered_access("read")
        self.assertEqual(found.sorted("id"), readable.sorted("id"))
        self.assertIn(len(found), (0, len(records)))
        counted = mine.search_count([("id", "in", records.ids)])
        self.assertEqual(counted, len(found))
        return bool(found)


class TestPeople(ReachCase):
    def _behind_a_lead(self, index, **values):
        """A person known by the number of a lead alone."""
        number = f"+3461100000{index}"
        self._lead(number, **values)
        return self._person(number)

    def test_people_behind_leads(self):
        archived = {"active": False, "user_id": self.own.id}
        cases = {
            "own lead": ({"user_id": self.own.id}, True),
            "nobody's lead": ({"user_id": False}, True),
            "own lead, lost": (archived, True),
            "a colleague's lead": ({"user_id": self.other.id}, False),
        }
        for index, (name, (values, seen)) in enumerate(cases.items(), start=1):
            with self.subTest(name):
                person = self._behind_a_lead(index, **values)
                self.assertEqual(self._sees(self.own, person), seen)
                self.assertTrue(self._sees(self.salesperson, person), "sees all leads")
                self.assertTrue(self._sees(self.manager, person))

    def test_a_person_without_any_record(self):
        person = self._person("+34611000009")
        self.assertFalse(self._sees(self.own, person))
        self.assertTrue(self._sees(self.salesperson, person))

    def test_a_number_that_whatsapp_writes_otherwise(self):
        person = self._person("+5215512345678")
        person.wa_number = "+525512345678"
        lead = self._lead("+525512345678", user_id=self.own.id)
        lead.flush_recordset()
        self.assertTrue(self._sees(self.own, person))
        lead.user_id = self.other
        self.assertFalse(self._sees(self.own, person))

    def test_a_lead_handed_over_takes_its_person_along(self):
        lead = self._lead("+34611000001", user_id=self.own.id)
        person = self._person("+34611000001")
        self.assertEqual([self._sees(user, person) for user in (self.own, self.other)], [1, 0])
        lead.user_id = self.other
        self.assertEqual([self._sees(user, person) for user in (self.own, self.other)], [0, 1])

    def test_people_behind_contacts(self):
        self.env["res.partner"].create({"name": "Ana", "phone": "+34 611 00 00 05"})
        self.assertTrue(self._sees(self.own, self._person("+34611000005")))

    def test_people_behind_messages(self):
        theirs = self._lead("+34611000001", user_id=self.other.id)
        mine = self._lead("+34611000002", user_id=self.own.id)
        # Known by their user id alone: no number leads to a record.
        about = {}
        for lead in (theirs, mine):
            person = self.env["waba.recipient"].create(
                {"portfolio_id": self.portfolio.id, "user_uid": f"ES.{lead.id}"}
            )
            self._message().write(
                {"recipient_id": person.id, "res_model": "crm.lead", "res_id": lead.id}
            )
            about[lead] = person
        self.assertFalse(self._sees(self.own, about[theirs]))
        self.assertTrue(self._sees(self.own, about[mine]))

    def test_people_of_ones_own_campaign(self):
        leads = self._leads(2)
        leads.user_id = self.other
        for user, seen in [(self.own, True), (self.salesperson, False)]:
            campaign = self._launch(leads, user_id=user.id)
            people = self._rows(campaign).recipient_id
            with self.subTest(user.login):
                self.assertEqual(self._sees(self.own, people), seen)
                campaign.user_id = self.other
                self.assertFalse(self._sees(self.own, people), "handed over")

    def test_a_user_without_leads_sees_contacts_alone(self):
        user = new_test_user(self.env, "waba_no_crm", groups="waba_campaign.waba_group_user")
        self._lead("+34611000001", user_id=False)
        self.env["res.partner"].create({"name": "Ana", "phone": "+34 611 00 00 05"})
        self.assertFalse(self._sees(user, self._person("+34611000001")))
        self.assertTrue(self._sees(user, self._person("+34611000005")))

    def test_a_rule_of_the_customers_own_counts(self):
        """Whoever narrows Odoo's leads narrows WhatsApp with them."""
        person = self._behind_a_lead(1, user_id=self.own.id)
        self.env["ir.rule"].create(
            {
                "name": "Not Ana",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "domain_force": "[('contact_name', '!=', 'Ana Prueba')]",
            }
        )
        self.assertFalse(self._sees(self.own, person))

    def test_another_company_sees_none(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self._salesperson_of_own("waba_elsewhere", company_id=company.id)
        self._lead("+34611000001", user_id=False, company_id=False)
        self.assertFalse(self._sees(stranger, self._person("+34611000001")))

    def test_both_companies_of_a_shared_portfolio(self):
        """The person is known to both; a salesperson sees those behind their company's leads."""
        company = self.env["res.company"].create({"name": "Sister"})
        self._create_account(waba_uid="88", portfolio_id=self.portfolio.id, company_id=company.id)
        sister = self._salesperson_of_own("waba_sister", company_id=company.id)
        self._lead("+34611000001", user_id=False, company_id=self.env.company.id)
        person = self._person("+34611000001")
        self.assertFalse(self._sees(sister, person))
        self._lead("+34611000001", user_id=sister.id, company_id=company.id)
        self.assertTrue(self._sees(sister, person))

    def test_ways_to_look_up_a_stranger(self):
        self._lead("+34611000001", user_id=self.other.id)
        person = self._person("+34611000001")
        person.name = "Ana Secret"
        people = self.env["waba.recipient"].with_user(self.own)
        mine = person.with_user(self.own)
        for name, found in {
            "search": people.search([("number", "=", "+34611000001")]),
            "name search": people.name_search("Secret"),
            "count": people.search_count([("name", "=like", "Ana%")]),
            "group": people.formatted_read_group([("name", "!=", False)], ["name"], ["__count"]),
            "search read": people.web_search_read([("name", "!=", False)], {"name": {}})["records"],
        }.items():
            with self.subTest(name):
                self.assertFalse(found)
        self.own.group_ids += self.env.ref("base.group_allow_export")
        for name, attempt in {
            "read": lambda: mine.read(["number"]),
            "web read": lambda: mine.web_read({"number": {}}),
            "export": lambda: mine.export_data(["number"]),
            "attribute": lambda: mine.number,
            "through its consent": lambda: mine.consent_ids.mapped("evidence"),
            "a note about them": lambda: (
                self.env["waba.consent.note"]
                .with_user(self.own)
                .create({"recipient_id": person.id, "note": "x"})
                .action_confirm()
            ),
        }.items():
            with self.subTest(name), self.assertRaises(AccessError):
                attempt()


class TestWhatIsSaidOfPeople(ReachCase):
    """Consent, evidence and conversations go with the person."""

    def setUp(self):
        super().setUp()
        self.mine = self._lead("+34611000001", user_id=self.own.id)
        self.theirs = self._lead("+34611000002", user_id=self.other.id)
        self.people = {
            lead: self._person(lead.phone_sanitized) for lead in (self.mine, self.theirs)
        }

    def test_consent(self):
        for lead, seen in [(self.mine, True), (self.theirs, False)]:
            person = self.people[lead]
            person._set_consent("marketing", "opt_out", "form", "“No more.”")
            with self.subTest(lead.name):
                self.assertEqual(self._sees(self.own, person.consent_ids), seen)
                self.assertTrue(self._sees(self.salesperson, person.consent_ids))
                self.assertTrue(self._sees(self.manager, person.consent_ids))

    def test_evidence(self):
        events = self.env["waba.reputation.event"]
        about = {"source": "person", "account_id": self.account.id, "kind": "customer_block"}
        made = {}
        for lead, person in self.people.items():
            key = f"test:{lead.id}"
            events._record_events([{**about, "recipient_id": person.id, "event_key": key}])
            made[lead] = events.search([("event_key", "=", key)])
        self.assertTrue(self._sees(self.own, made[self.mine]))
        self.assertFalse(self._sees(self.own, made[self.theirs]))
        self.assertTrue(self._sees(self.salesperson, made[self.theirs]))
        events._record_events(
            [{"kind": "template_flagged", "source": "poll", "template_id": self.template.id,
              "account_id": self.account.id, "event_key": "test:template"}]
        )  # fmt: skip
        of_nobody = events.search([("event_key", "=", "test:template")])
        self.assertTrue(self._sees(self.own, of_nobody), "of no person and no campaign")
        events._record_events(
            [{"kind": "block_order", "source": "poll", "account_id": self.account.id,
              "campaign_id": self._campaign(self._leads(1, start=60), user_id=self.other.id).id,
              "event_key": "test:campaign"}]
        )  # fmt: skip
        self.assertFalse(self._sees(self.own, events.search([("event_key", "=", "test:campaign")])))

    def _conversation(self, person, **values):
        conversation = self.env["waba.conversation"]._find_or_create_pair(self.sender, person)
        conversation.write({"last_inbound_at": fields.Datetime.now(), **values})
        return conversation

    def test_conversations(self):
        stranger = self._person("+34611000009")
        lead = {"res_model": "crm.lead", "res_id": self.theirs.id}
        my_lead = {"res_model": "crm.lead", "res_id": self.mine.id}
        silent = {"last_inbound_at": False}
        cases = {
            "mine": ({"responsible_id": self.own.id}, True),
            "mine, about a colleague's lead": ({"responsible_id": self.own.id, **lead}, True),
            "a colleague's": ({"responsible_id": self.other.id}, False),
            "nobody's, of a stranger who wrote": ({}, True),
            "nobody's, about my lead": (my_lead, True),
            "nobody's, about a colleague's lead": (lead, False),
            "nobody wrote, a campaign's row": (silent, False),
            "nobody wrote, about my lead": ({**silent, **my_lead}, True),
        }
        for name, (values, seen) in cases.items():
            with self._case(name):
                conversation = self._conversation(stranger, **values)
                self.assertEqual(self._sees(self.own, conversation), seen)
                self.assertEqual(self._sees(self.own, stranger), seen)
                self.assertTrue(self._sees(self.salesperson, conversation))

    def test_a_launch_shows_nobody_to_a_colleague(self):
        """Its rows for the pace have no salesperson: they are not conversations to be picked up."""
        leads = self._leads(3, start=50)
        leads.user_id = self.other
        campaign = self._launch(leads, user_id=self.other.id)
        people = self._rows(campaign).recipient_id
        there = self.env["waba.conversation"].search([("recipient_id", "in", people.ids)])
        self.assertEqual(len(there), 3)
        for records in (people, there, self._rows(campaign)):
            with self.subTest(records._name):
                self.assertFalse(self._sees(self.own, records))

    def test_a_follow_up_of_a_lead_that_is_gone(self):
        sequence = self.env["waba.sequence"].create(
            {
                "name": "Offers", "trigger": "manual", "sender_id": self.sender.id,
                "step_ids": [(0, 0, {"template_id": self.utility_template.id})],
            }
        )  # fmt: skip
        sequence.step_ids.variable_ids.write({"source": "text", "text": "x"})
        sequence._activate()
        entered = sequence._enroll_manually(self.theirs)
        self.assertFalse(self._sees(self.own, entered))
        self.theirs.unlink()
        self.assertTrue(entered.exists().lead_name)
        self.assertFalse(self._sees(self.own, entered))

    def test_screens_of_a_salesperson_work(self):
        """The panel, the person behind an own lead, and why a message was not sent."""
        self.people[self.mine]._set_consent("marketing", "opt_out", "form", "“No more.”")
        campaign = self._launch(self.mine, user_id=self.own.id)
        row = self._rows(campaign).with_user(self.own)
        self.assertEqual(row.failure_type, "opted_out")
        self.assertIn("No more", row.why_html)
        mine = self.mine.with_user(self.own)
        self.assertEqual(mine.waba_marketing_state, "opted_out")
        action = mine.action_waba_open_recipient()
        self.assertEqual(action["res_id"], self.people[self.mine].id)
        person = self.people[self.mine].with_user(self.own)
        self.assertTrue(person.web_read({"number": {}, "consent_ids": {"fields": {"at": {}}}}))

    def test_the_desk_is_the_newest_first(self):
        """A page of the desk, as the list asks for it."""
        people = [self._person(f"+346110001{index:02d}") for index in range(5)]
        now = fields.Datetime.now()
        for index, person in enumerate(people):
            self._conversation(person, last_inbound_at=now - timedelta(hours=index))
        found = self.env["waba.conversation"].with_user(self.own).search([], limit=3)
        self.assertEqual(found.sudo().recipient_id.ids, [person.id for person in people[:3]])


class TestReachCost(ReachCase):
    """What is in reach is gathered from the records: people elsewhere cost nothing."""

    def test_the_number_of_people_is_never_walked(self):
        self.env.cr.execute(
            """INSERT INTO waba_recipient (portfolio_id, number, marketing_state, utility_state)
               SELECT %s, '+346' || lpad(i::text, 8, '0'), 'unknown', 'unknown'
                 FROM generate_series(1, 20000) i""",
            [self.portfolio.id],
        )
        self._lead("+34600000007", user_id=self.own.id)
        self.env.flush_all()
        self.env.cr.execute("ANALYZE waba_recipient, crm_lead, waba_message, waba_conversation")
        people = self.env["waba.recipient"].with_user(self.own)
        person = people.sudo().search([("number", "=", "+34600000007")])
        for name, domain in {"all": [], "one": [("id", "=", person.id)]}.items():
            query = people._search(domain, limit=80, order="id desc").select()
            self.env.cr.execute("EXPLAIN " + query.code, query.params)
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            with self.subTest(name):
                self.assertNotIn("Seq Scan on waba_recipient", plan)
                self.assertEqual(people.search(domain), person)
