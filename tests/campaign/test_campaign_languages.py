"""A campaign in several languages: each person theirs, once; one language may stop alone."""

from collections import Counter

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form

from ..common import WabaCase


class TestCampaignLanguages(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sender.canary = False
        cls.portfolio.messaging_limit = "unlimited"
        cls.spanish, cls.english = (cls._template("autumn_offer", code) for code in ("es", "en"))

    def _multilingual(self, records, **values):
        return self._campaign(records, template_id=self.spanish.id, by_language=True, **values)

    def _languages_of(self, campaign):
        return Counter(row.template_id.language for row in self._rows(campaign))

    def _several_installed(self):
        for code in ("es_ES", "fr_FR"):
            self.env["res.lang"]._activate_lang(code)

    def test_the_other_languages_are_offered_with_the_switch(self):
        campaign = self._campaign(self._leads(1), template_id=self.spanish.id)
        self.assertFalse(campaign.language_ids)
        self.assertEqual(campaign.other_languages, "Also in English")
        campaign.by_language = True
        self.assertEqual(campaign.language_ids.template_id, self.english)
        self.assertEqual(campaign.other_languages, "Spanish (default), English")
        self.assertEqual(
            [line.source for line in campaign.language_ids.variable_ids],
            [line.source for line in campaign.variable_ids],
        )
        campaign.template_id = self._template("season_sale", "es")
        self.assertFalse(campaign.language_ids, "this template has no other language")
        self.assertIs(campaign.other_languages, False)
        campaign.template_id = self.spanish
        campaign.by_language = False
        self.assertFalse(campaign.language_ids)
        self.assertFalse(
            self.env["waba.campaign.variable"].search(
                [("campaign_id", "=", campaign.id), ("variant", "=", "language")]
            )
        )

    def test_everyone_gets_the_language_of_their_number_when_contacts_say_nothing(self):
        leads = self._leads(2) | self._lead("+44 7400 123456") | self._lead("+49 1512 3456789")
        campaign = self._multilingual(leads)
        campaign.action_launch()
        self._prepare()
        self.assertEqual(self._languages_of(campaign), {"es": 3, "en": 1})
        self._dispatch()
        sent = Counter(
            entry["body"]["template"]["language"]["code"] for entry in self.simulator.sends()
        )
        self.assertEqual(sent, {"es": 3, "en": 1})
        self.assertEqual(len({entry["body"]["to"] for entry in self.simulator.sends()}), 4)

    def test_a_contact_s_language_comes_before_that_of_the_country(self):
        self._several_installed()
        partners = self.env["res.partner"].create(
            [
                {"name": "Eva Uno", "phone": "+44 7400 123451", "lang": "es_ES"},
                {"name": "Ann Two", "phone": "+34 611 222 331", "lang": "en_US"},
                {"name": "Zoé Trois", "phone": "+44 7400 123453", "lang": "fr_FR"},
            ]
        )
        leads = self._lead("+44 7400 123454", lang_id=self.env.ref("base.lang_es").id)
        for records, expected in ((partners, {"es": 1, "en": 2}), (leads, {"es": 1})):
            campaign = self._multilingual(records)
            campaign.action_launch()
            self._prepare()
            self.assertEqual(self._languages_of(campaign), expected)

    def test_every_row_keeps_the_texts_of_its_language(self):
        campaign = self._multilingual(self._leads(1) | self._lead("+44 7400 123456"))
        line = campaign.variable_ids.filtered(lambda line: line.component == "body")[:1]
        line.write({"source": "text", "text": "hola"})
        english = campaign.language_ids.variable_ids.filtered(
            lambda one: one._key() == line._key()
        )
        self.assertEqual(
            (english.source, english.text), ("text", "hola"), "shared until translated"
        )
        english.text = "hello"
        line.text = "buenas"
        self.assertEqual(english.text, "hello", "a translated text stays")
        line.write({"source": "field", "field_path": "city", "fallback": "su ciudad"})
        self.assertEqual((english.source, english.field_path), ("field", "city"))
        line.write({"source": "text", "text": "buenas"})
        campaign.action_launch()
        self._prepare()
        words = {row.template_id.language: row.parameters["body"][0]["value"]
                 for row in self._rows(campaign)}  # fmt: skip
        self.assertEqual(words, {"es": "buenas", "en": "hello"})

    def test_the_preview_and_the_test_show_the_record_s_language(self):
        lead = self._lead("+44 7400 123456")
        campaign = self._multilingual(lead)
        data = campaign.campaign_preview_data(
            campaign.id,
            {"template_id": self.spanish.id, "company_id": campaign.company_id.id,
             "res_model": "crm.lead", "audience_domain": campaign.audience_domain,
             "variables": []},
        )  # fmt: skip
        self.assertIn("Language: English", [note["text"] for note in data["notes"]])
        self.assertEqual(data["html"], campaign.preview_html)
        self.env.company.waba_test_numbers = "+34600111222"
        wizard = self.env["waba.test.send"].create(
            {"campaign_id": campaign.id, "res_id": lead.id, "number": "+34600111222"}
        )
        wizard.action_send()
        self.assertEqual(wizard.message_ids.template_id, self.english)

    def test_a_language_that_stops_holds_its_own_rows_alone(self):
        campaign = self._multilingual(self._leads(2) | self._lead("+44 7400 123456"))
        campaign.action_launch()
        self._prepare()
        self.english._set_status("paused")
        self.assertEqual(campaign.state, "running")
        self._dispatch()
        states = {row.template_id.language: row.state for row in self._rows(campaign)}
        self.assertEqual(states, {"es": "accepted", "en": "queued"})
        self.assertIn("English is on hold, the other languages continue.", campaign.hold_reason)
        self.english._set_status("approved")
        self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted"})

    def test_the_campaign_pauses_when_no_language_can_be_sent(self):
        campaign = self._multilingual(self._leads(1) | self._lead("+44 7400 123456"))
        campaign.action_launch()
        self._prepare()
        self.english._set_status("paused")
        self.spanish._set_status("paused")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self.spanish._set_status("approved")
        self.assertEqual(campaign.state, "running")

    def test_new_variables_of_one_language_pause_the_campaign(self):
        campaign = self._multilingual(self._leads(1) | self._lead("+44 7400 123456"))
        campaign.action_launch()
        self._prepare()
        values = {"components": [{"type": "BODY", "text": "Hi"}], "signature": "another"}
        self.english._apply_facts({**{name: self.english[name] for name in (
            "status", "category", "quality_score")}, **values})  # fmt: skip
        self.assertEqual(campaign.state, "paused")
        self.assertIn("English", campaign.pause_reason)

    def test_what_cannot_be_launched_says_why(self):
        campaign = self._multilingual(self._leads(1))
        with self.assertRaisesRegex(ValidationError, "is not another language of"):
            campaign.language_ids = [
                fields.Command.create({"template_id": self._template("welcome_back", "es").id})
            ]
        campaign.ab_test = True
        campaign.b_template_id = self._template("welcome_back", "es")
        with self.assertRaisesRegex(UserError, "An A/B test has one language"):
            campaign.action_launch()
        campaign.ab_test = False
        self.english.category = "utility"
        with self.assertRaisesRegex(UserError, "another category than the default"):
            campaign.action_launch()
        self.english.category = "marketing"
        self.english.status = "paused"
        with self.assertRaisesRegex(UserError, "is not approved"):
            campaign.action_launch()
        campaign.language_ids.unlink()
        campaign.action_launch()
        with self.assertRaisesRegex(UserError, "cannot be changed after the launch"):
            campaign.language_ids = [fields.Command.create({"template_id": self.english.id})]

    def test_no_language_moves_into_a_launched_campaign(self):
        launched = self._campaign(self._leads(1), template_id=self.spanish.id)
        launched.action_launch()
        draft = self._multilingual(self._leads(1, start=10))
        with self.assertRaisesRegex(UserError, "cannot be changed after the launch"):
            draft.language_ids.campaign_id = launched

    def test_the_languages_of_others_are_closed(self):
        campaign = self._multilingual(self._leads(1), user_id=self.manager.id)
        line = campaign.language_ids.with_user(self.salesperson)
        for act in (
            line.unlink,
            lambda: line.write({"template_id": self.spanish.id}),
            lambda: line.variable_ids.write({"text": "x"}),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_a_copy_has_the_languages_and_their_texts(self):
        campaign = self._multilingual(self._leads(1))
        campaign.language_ids.variable_ids[:1].fallback = "friend"
        copy = campaign.copy()
        self.assertEqual(copy.language_ids.template_id, self.english)
        self.assertEqual(copy.language_ids.variable_ids[:1].fallback, "friend")
        self.assertEqual(copy.language_ids.variable_ids.campaign_id, copy)

    def test_the_form_switches_and_saves(self):
        form = Form(self._campaign(self._leads(1), template_id=self.spanish.id))
        form.by_language = True
        campaign = form.save()
        self.assertEqual(campaign.language_ids.template_id, self.english)
