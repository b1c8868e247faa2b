"""Every figure opens its people; what may be retried; new campaigns to them; the spreadsheet."""

import io
import re
from datetime import timedelta

import openpyxl
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..common import WabaCase


class PeopleCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_quiet_hours = False
        now = fields.Datetime.now()
        self.leads = self._leads(8)
        self.leads[7].phone = "n/a"
        self.campaign = self._launch(self.leads, user_id=self.salesperson.id)
        ends = [
            {"state": "sent", "sent_at": now},
            {"state": "delivered"},
            {"state": "read"},
            {"state": "read", "replied_at": now},
            {"state": "read", "replied_at": now, "opted_out_at": now},
            {"state": "failed", "failure_type": "temporary", "failed_at": now},
            {"state": "failed", "failure_type": "undeliverable", "failed_at": now},
        ]
        for row, values in zip(self._rows(self.campaign)[:7], ends, strict=True):
            row.write(values)

    def _data(self, campaign=None):
        campaign = campaign or self.campaign
        campaign.invalidate_recordset()
        return campaign.with_user(self.salesperson).results_data


class TestResults(PeopleCase):
    def test_each_figure_has_its_base_and_opens_exactly_its_people(self):
        figures = {
            step["key"]: (step["cells"][0]["count"], step["cells"][0]["share"])
            for step in self._data()["steps"]
        }
        self.assertEqual(
            figures,
            {
                "people": (8, ""),
                "skipped": (1, "12.5% of 8"),
                "sent": (5, ""),
                "delivered": (4, "80% of 5"),
                "read": (3, "75% of 4"),
                "replied": (2, "50% of 4"),
                "opted_out": (1, "25% of 4"),
                "failed": (2, ""),
            },
        )
        rows = self.env["waba.message"].with_user(self.salesperson)
        for step in self._data()["steps"]:
            for cell in step["cells"]:
                with self.subTest(step["key"]):
                    self.assertEqual(rows.search_count(cell["domain"]), cell["count"])

    def test_reasons_with_their_people_and_what_may_be_retried(self):
        data = self._data()
        [left_out] = data["skipped"]
        self.assertEqual((left_out["count"], left_out["key"]), (1, "invalid_number"))
        failed = {reason["key"]: reason for reason in data["failed"]}
        self.assertEqual(failed["temporary"]["retryable"], 1)
        self.assertEqual(failed["undeliverable"]["retryable"], 0)
        self.assertIn("would not help", failed["undeliverable"]["hint"])
        rows = self.env["waba.message"]
        for reason in data["failed"] + data["skipped"]:
            self.assertEqual(rows.search_count(reason["domain"]), reason["count"])

    def test_one_reason_is_retried_alone_and_what_cannot_help_is_left(self):
        mine = self.campaign.with_user(self.salesperson)
        mine.with_context(waba_reason="undeliverable").action_retry_reason()
        self.assertEqual(len(self._rows(self.campaign, "failed")), 2)
        mine.with_context(waba_reason="temporary").action_retry_reason()
        self.assertEqual(self._rows(self.campaign, "failed").failure_type, "undeliverable")
        self.assertEqual(self.campaign.state, "running")

    def test_the_marketing_limit_says_when(self):
        row = self._rows(self.campaign, "failed")[0]
        row.write({"failure_type": "marketing_limit"})
        [reason] = [one for one in self._data()["failed"] if one["key"] == "marketing_limit"]
        self.assertEqual(reason["retryable"], 0)
        self.assertIn("can be retried on", reason["hint"])

    def test_a_new_campaign_to_them(self):
        action = (
            self.campaign.with_user(self.salesperson)
            .with_context(waba_outcome="failed_passing")
            .action_create_followup_campaign()
        )
        again = self._opened(action).create({"template_id": self.template.id})
        people = self.env["crm.lead"].search(again._audience_domain_list())
        self.assertEqual(people, self.leads[5])
        self.assertEqual(again.sender_id, self.sender)
        with self.assertRaisesRegex(UserError, "Launch this campaign first"):
            again.action_create_followup_campaign()


class TestTestMessages(PeopleCase):
    def setUp(self):
        super().setUp()
        self.salesperson.partner_id.write(
            {"phone": "+34 611 777 001", "country_id": self.env.ref("base.es").id}
        )
        self.env.company.waba_test_numbers = "+34611777001"
        self.simulator.post("reset")
        self.draft = self._campaign(self.leads, user_id=self.salesperson.id)

    def _wizard(self, **context):
        action = self.draft.with_user(self.salesperson).with_context(**context).action_send_test()
        return self.env["waba.test.send"].with_user(self.salesperson).browse(action["res_id"])

    def test_to_the_own_phone_filled_as_for_the_previewed_person(self):
        wizard = self._wizard(waba_preview_record_id=self.leads[2].id)
        self.assertEqual(wizard.person_name, self.leads[2].contact_name)
        self.assertFalse(wizard.warning)
        wizard.action_send()
        [row] = wizard.message_ids
        self.assertEqual((row.state, row.origin, row.number), ("queued", "test", "+34611777001"))
        self._dispatch()
        [entry] = self.simulator.sends()
        self.assertEqual(entry["body"]["to"], "+34611777001")
        self.assertIn(self.leads[2].contact_name.split()[0], str(entry["body"]))
        self.assertIn("Accepted", row.result_text)
        self.assertFalse(self._rows(self.draft))

    def test_what_the_person_lacks_is_said_and_shows_metas_example(self):
        self.draft.variable_ids[0].write({"source": "field", "field_path": "city"})
        wizard = self._wizard()
        self.assertIn("City is empty", wizard.warning)
        wizard.action_send()
        value = wizard.message_ids.parameters["body"][0]["value"]
        self.assertEqual(value, self.draft.variable_ids[0].example)

    def _tests(self):
        return self.env["waba.message"].search([("origin", "=", "test")])

    def _refused(self, words, wizard=None):
        """Nobody gets a test, the screen says why before and after."""
        if not wizard:
            wizard = self._wizard()
            wizard.user_ids = self.salesperson
        self.assertIn(words, wizard.warning)
        with self.assertRaisesRegex(UserError, re.escape(words)):
            wizard.action_send()
        self.assertFalse(self._tests())

    def test_a_colleague_without_a_number_is_named(self):
        self.salesperson.partner_id.phone = False
        self._refused("no valid phone number")

    def test_the_own_phone_set_to_a_customers_number_gets_none(self):
        """A salesperson writes any number into their own contact: it is not on the list."""
        mine = self.salesperson.partner_id.with_user(self.salesperson)
        for number in ("+34611000003", "+34699123123"):
            with self.subTest(number), self.cr.savepoint() as point:
                mine.write({"phone": number})
                self._refused("is not a test number")
                point.rollback()

    def test_a_listed_number_of_a_customer_gets_none(self):
        made = {
            "lead": lambda: self._lead("+34611777001"),
            "archived lead": lambda: self._lead("+34611777001", active=False),
            "another company's lead": lambda: self._lead(
                "+34611777001", user_id=False, team_id=False,
                company_id=self.env["res.company"].create({"name": "Others"}).id,
            ),
            "contact": lambda: self.env["res.partner"].create(
                {"name": "Client", "phone": "+34611777001"}
            ),
        }  # fmt: skip
        for name, make in made.items():
            with self.subTest(name), self.cr.savepoint() as point:
                make()
                self._refused("number of a lead or contact")
                point.rollback()

    def test_a_number_of_ours_gets_none(self):
        people = self.env["waba.recipient"].search_count([])
        self.env.company.waba_test_numbers = "+34600000001, +34611777001"
        self.salesperson.partner_id.phone = "600 00 00 01"
        self._refused("is one of your own WhatsApp numbers")
        self.assertEqual(self.env["waba.recipient"].search_count([]), people)

    def test_a_lead_to_try_with_is_the_colleagues_own(self):
        self._lead("+34611777001", partner_id=self.salesperson.partner_id.id)
        self._wizard().action_send()
        self.assertEqual(self._tests().state, "queued")

    def test_a_colleague_who_wants_none_gets_none(self):
        people = self.env["waba.recipient"]
        person = people._find_or_create_by_number(self.portfolio, ["+34611777001"])["+34611777001"]
        ways = {
            "promotions": lambda: person._set_consent("marketing", "opt_out", "person", "no"),
            "service": lambda: person._set_consent("utility", "opt_out", "person", "no"),
            "blacklist": lambda: self.env["phone.blacklist"].create({"number": "+34611777001"}),
        }
        for name, say_no in ways.items():
            with self.subTest(name), self.cr.savepoint() as point:
                say_no()
                self._refused("opted out or is on the phone blacklist")
                point.rollback()

    def test_one_bad_number_and_nobody_gets_it(self):
        other = new_test_user(self.env, "waba_other", groups="base.group_user")
        wizard = self._wizard()
        wizard.user_ids |= other
        self._refused("no valid phone number", wizard)

    def test_an_administrator_need_not_list_the_own_phone(self):
        admin = self.env.ref("base.user_admin")
        admin.partner_id.write({"phone": "+34611777009", "country_id": self.env.ref("base.es").id})
        wizard = self._wizard()
        wizard.user_ids = admin
        self._refused("is not a test number", wizard)
        action = self.draft.with_user(admin).action_send_test()
        self.env["waba.test.send"].with_user(admin).browse(action["res_id"]).action_send()
        self.assertEqual(self._tests().number, "+34611777009")

    def test_who_is_of_another_company_is_no_colleague_here(self):
        other = self.env["res.company"].create({"name": "Others"})
        stranger = new_test_user(
            self.env, "waba_stranger", groups="base.group_user", company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )  # fmt: skip
        stranger.partner_id.phone = "+34611777001"
        wizard = self._wizard()
        wizard.sudo().user_ids = stranger
        with self.assertRaisesRegex(UserError, "Enter a test number, or choose a colleague"):
            wizard.action_send()

    def test_a_few_a_day(self):
        parameters = self.env["ir.config_parameter"]
        cases = {
            "user": ("Your daily limit of 2 test messages", "waba_campaign.tests_a_day_per_user"),
            "company": (
                "Your company's daily limit of 2 test messages",
                "waba_campaign.tests_a_day_per_company",
            ),
        }
        for name, (words, key) in cases.items():
            with self.subTest(name), self.cr.savepoint() as point:
                parameters.set_param(key, "2")
                for _one in range(2):
                    self._wizard().action_send()
                with self.assertRaisesRegex(UserError, words):
                    self._wizard().action_send()
                self.assertEqual(len(self._tests()), 2)
                point.rollback()
        with freeze_time(fields.Datetime.now()) as clock:
            parameters.set_param("waba_campaign.tests_a_day_per_user", "1")
            self._wizard().action_send()
            with self.assertRaises(UserError):
                self._wizard().action_send()
            clock.tick(timedelta(days=1))
            self._wizard().action_send()

    def test_what_is_no_number_is_no_limit(self):
        limit = self.env["waba.message"]._check_test_limits
        parameter = ("waba_campaign.tests_a_day_per_user", 10)
        for written, meant in (("", 10), ("x", 10), ("-5", 10), ("²", 10), ("0", 0), ("7", 7)):
            self.env["ir.config_parameter"].set_param(parameter[0], written)
            self.assertEqual(limit(parameter), meant, written)

    def test_pressed_twice_it_goes_once(self):
        wizard = self._wizard()
        wizard.action_send()
        wizard.action_send()
        self.assertEqual(len(self._tests()), 1)

    def test_a_number_that_is_listed_and_a_colleagues_gets_one(self):
        wizard = self._wizard()
        wizard.to_test_numbers = True
        wizard.action_send()
        self.assertEqual(len(self._tests()), 1)

    def test_never_to_a_customer(self):
        portal = self.env["res.users"].create(
            {"name": "Client", "login": "waba_client",
             "group_ids": self.env.ref("base.group_portal").ids}
        )  # fmt: skip
        portal.partner_id.phone = "+34611000099"
        wizard = self._wizard()
        wizard.sudo().user_ids = portal
        with self.assertRaisesRegex(UserError, "Enter a test number, or choose a colleague"):
            wizard.action_send()

    def test_a_user_without_a_phone_types_a_test_number(self):
        self.salesperson.partner_id.phone = False
        self.env.company.waba_test_numbers = "+34611888001"
        for typed in ("+34 611 888 001", "611 88 80 01", "0034611888001"):
            with self.subTest(typed), self.cr.savepoint() as point:
                wizard = self._wizard()
                self.assertFalse(wizard.user_ids)
                wizard.number = typed
                self.assertFalse(wizard.warning)
                wizard.action_send()
                self.assertEqual(wizard.message_ids.number, "+34611888001")
                point.rollback()

    def test_a_typed_number_that_is_no_test_number_is_refused(self):
        for typed, words in {
            "+34 611 999 999": "+34611999999 is not a test number",
            "nonsense": "nonsense is not a test number",
            "+34 600 000 001": "+34600000001 is one of your own",
        }.items():
            with self.subTest(typed):
                wizard = self._wizard()
                wizard.write({"number": typed, "user_ids": False})
                self._refused(words, wizard)

    def test_a_test_that_leaves_later_says_when_and_why_before_and_after(self):
        person = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, ["+34611000999"]
        )["+34611000999"]
        self.portfolio.daily_cap = 1
        person.slot_at = fields.Datetime.now() - timedelta(hours=20)
        wizard = self._wizard()
        self.assertRegex(wizard.delay, r"^Leaves .*\. The daily limit is used: \d+ of 1 recipients")
        wizard.action_send()
        self.assertRegex(wizard.message_ids.result_text, r"^Leaves .*The daily limit is used")
        self.portfolio.daily_cap = 0
        self.assertFalse(self._wizard().delay)

    def test_listed_numbers_are_checked_and_written_to(self):
        with self.assertRaisesRegex(ValidationError, "nonsense is not a valid"):
            self.env.company.waba_test_numbers = "+34611888001, nonsense"
        self.env.company.waba_test_numbers = "+34611888001, 611 888 002"
        wizard = self._wizard()
        wizard.write({"to_test_numbers": True, "user_ids": False})
        wizard.action_send()
        self.assertEqual(set(wizard.message_ids.mapped("number")), {"+34611888001", "+34611888002"})

    def test_of_two_messages_both_are_sent(self):
        other = self._template("welcome_back", "es")
        self.draft.write({"ab_test": True, "b_template_id": other.id})
        self.draft.b_variable_ids.filtered(lambda line: not line._is_complete()).text = "prueba"
        wizard = self._wizard()
        self.assertEqual(wizard.variant, "both")
        wizard.action_send()
        self.assertEqual(len(wizard.message_ids.template_id), 2)


@tagged("post_install", "-at_install")
class TestSpreadsheet(PeopleCase, HttpCase):
    def test_it_names_everybody_with_the_outcome_for_who_may_read_them(self):
        self.leads[0].contact_name = "=1+1"
        self._rows(self.campaign)[0].person_name = "=1+1"
        url = self.campaign.action_export_recipients()["url"]
        self.authenticate("waba_salesperson", "waba_salesperson")
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200)
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        lines = list(sheet.values)
        self.assertEqual(len(lines), 9)
        self.assertEqual(lines[0][0], "Record")
        self.assertEqual(sheet["B2"].data_type, "s", "a name is no formula")
        self.assertEqual(sheet["B2"].value, "'=1+1", "nor when it is edited or saved as CSV")
        self.assertIn("Excluded", lines[8])
        self.assertIn("+34611000000", lines[1])

    @mute_logger("odoo.http")
    def test_a_colleague_gets_none(self):
        self.env["res.users"].create(
            {"name": "Other", "login": "waba_other", "password": "waba_other_1",
             "group_ids": self.env.ref("waba_campaign.waba_group_user").ids}
        )  # fmt: skip
        self.authenticate("waba_other", "waba_other_1")
        answer = self.url_open(self.campaign.action_export_recipients()["url"])
        self.assertEqual(answer.status_code, 404)
        with self.assertRaises(AccessError):
            self.campaign.with_user(
                self.env["res.users"].search([("login", "=", "waba_other")])
            ).read(["name"])
