"""Leads and contacts: who they are to a template, and their messages behind a smart button."""

from lxml import etree
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..common import WabaCase


class PersonCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outsider = new_test_user(
            cls.env, "waba_outsider", groups="sales_team.group_sale_salesman_all_leads"
        )
        cls.partner = cls.env["res.partner"].create(
            {"name": "Ana María Prueba", "phone": "+34611000001"}
        )
        cls.lead = cls._lead("+34611000002")


class TestSmartButton(PersonCase):
    def test_the_count_is_that_of_the_record_and_of_what_the_user_may_see(self):
        mine = {"user_id": self.salesperson.id}
        for record, number in ((self.lead, "+34611000002"), (self.partner, "+34611000001")):
            about = {"res_model": record._name, "res_id": record.id}
            self._message(number, **about, **mine)
            self._message(number, **about, **mine, direction="in", state="received")
            self._message(number, **about, user_id=self.manager.id)
            # The same id in another model is somebody else.
            other = "res.partner" if record._name == "crm.lead" else "crm.lead"
            self._message(number, res_model=other, res_id=record.id, **mine)
            counts = {self.salesperson: 2, self.manager: 3, self.outsider: 0}
            for user, count in counts.items():
                with self.subTest(f"{record._name} {user.login}"):
                    self.assertEqual(record.with_user(user).waba_message_count, count)
            self.env["waba.message"].search([]).unlink()

    def test_many_records_are_counted_in_one_query(self):
        leads = self._leads(20)
        for lead in leads:
            self._message(lead.phone_sanitized, res_model="crm.lead", res_id=lead.id)
        self.env.flush_all()
        self.env.invalidate_all()
        leads.mapped("waba_message_count")
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            self.assertEqual(leads.mapped("waba_message_count"), [1] * 20)

    def test_a_record_not_saved_yet_has_no_messages(self):
        self.assertEqual(self.env["crm.lead"].new({"name": "x"}).waba_message_count, 0)

    def test_the_button_opens_the_messages_of_this_record(self):
        for record in (self.lead, self.partner):
            row = self._message(
                res_model=record._name, res_id=record.id, user_id=self.salesperson.id
            )
            action = record.with_user(self.salesperson).action_view_waba_messages()
            found = self.env["waba.message"].with_user(self.salesperson).search(action["domain"])
            self.assertEqual((action["res_model"], found), ("waba.message", row))
            self.assertFalse(action["context"], "no filter of the menu's may hide a message")

    def test_without_the_group_the_button_is_not_shown_and_its_messages_cannot_be_read(self):
        self._message(res_model="crm.lead", res_id=self.lead.id)
        for model in ("crm.lead", "res.partner"):
            for user, shown in ((self.outsider, False), (self.salesperson, True)):
                with self.subTest(f"{model} {user.login}"):
                    arch = self.env[model].with_user(user).get_view(view_type="form")["arch"]
                    buttons = etree.fromstring(arch).xpath(
                        "//button[@name='action_view_waba_messages']"
                    )
                    self.assertEqual(bool(buttons), shown)
        with self.assertRaises(AccessError):
            self.env["waba.message"].with_user(self.outsider).search([]).read(["text"])
        # Lists and exports that carry the count go on working.
        self.assertEqual(
            self.lead.with_user(self.outsider).read(["waba_message_count"])[0][
                "waba_message_count"
            ],
            0,
        )

    def test_a_salesperson_without_the_group_still_works_with_leads(self):
        lead = self.lead.with_user(self.outsider)
        lead.write({"description": "called"})
        self._receive(self._inbound("+34611000002", "Hola"))
        self.assertIn("Hola", "".join(lead.message_ids.mapped("body")))


class TestFacts(PersonCase):
    def _facts(self, record):
        facts = record._waba_person_facts()
        return facts["name"], facts["first_name"], facts["company"], facts["partner"]

    def test_what_a_lead_tells_of_its_person(self):
        company = self.env["res.partner"].create({"name": "Muebles Roble", "is_company": True})
        person = self.env["res.partner"].create({"name": "Eva Sanz", "parent_id": company.id})
        nobody = self.env["res.partner"]
        cases = {
            "its own names": (
                {"contact_name": "Ana Prueba", "partner_name": "Sofás SL"},
                ("Ana Prueba", "Ana", "Sofás SL", nobody),
            ),
            "only a company": (
                {"contact_name": False, "partner_name": "Sofás SL"},
                ("Sofás SL", "", "Sofás SL", nobody),
            ),
            "a contact": (
                {"contact_name": False, "partner_name": False, "partner_id": person.id},
                ("Eva Sanz", "Eva", "Muebles Roble", person),
            ),
            "a company as contact": (
                {"contact_name": False, "partner_name": False, "partner_id": company.id},
                ("Muebles Roble", "", "Muebles Roble", company),
            ),
            "nothing": (
                {"contact_name": False, "partner_name": False},
                ("", "", "", nobody),
            ),
            "blanks": (
                {"contact_name": "  ", "partner_name": False},
                ("  ", "", "", nobody),
            ),
        }
        for name, (values, expected) in cases.items():
            with self.subTest(name):
                lead = self.env["crm.lead"].create({"name": "Lead", "user_id": False})
                lead.write(values)
                self.assertEqual(self._facts(lead), expected)
                self.assertEqual(lead._waba_person_facts()["salesperson"], "")

    def test_what_a_contact_tells_of_its_person(self):
        company = self.env["res.partner"].create({"name": "Muebles Roble", "is_company": True})
        person = self.env["res.partner"].create(
            {"name": "Eva Sanz", "parent_id": company.id, "user_id": self.salesperson.id}
        )
        self.assertEqual(self._facts(person), ("Eva Sanz", "Eva", "Muebles Roble", person))
        self.assertEqual(person._waba_person_facts()["salesperson"], self.salesperson.name)
        self.assertEqual(self._facts(company), ("Muebles Roble", "", "Muebles Roble", company))
        of_partner = ("Ana María Prueba", "Ana María", "", self.partner)
        self.assertEqual(self._facts(self.partner), of_partner)

    def test_the_facts_need_no_other_fields_than_those_named(self):
        for record in (self.lead, self.partner):
            with self.subTest(record._name):
                record.user_id = False
                self.env.flush_all()
                self.env.invalidate_all()
                record.fetch(record._waba_person_fields())
                with self.assertQueryCount(0):
                    record._waba_person_facts()

    def test_a_model_that_joins_must_say_who_its_person_is(self):
        with self.assertRaises(NotImplementedError):
            self.env["waba.person.mixin"].new()._waba_person_facts()

    def test_contacts_are_found_by_number_through_an_index(self):
        self.env.cr.execute(
            "SELECT count(*) FROM pg_indexes WHERE tablename = 'res_partner' "
            "AND indexdef LIKE '%(phone_sanitized)%'"
        )
        self.assertTrue(self.env.cr.fetchone()[0])
