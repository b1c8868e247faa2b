"""Where the words of a message come from, person by person."""

from odoo import Command, fields
from odoo.exceptions import ValidationError

from ...cloud_api import TemplateVariable
from ...policy import intent
from ..common import WabaCase


class VariableCase(WabaCase):
    def _values(self, record, lines, **values):
        """The words `record` gets from a campaign's first variable, filled by each of `lines`."""
        campaign = self._campaign(record, **values)
        line = campaign.variable_ids[:1]
        found = []
        for wanted in lines:
            line.write({"field_path": False, "text": False, "fallback": False, **wanted})
            target = campaign._first_record()
            found.append(line._record_value(target, target._waba_person_facts()))
        return found

    def _assert_fields(self, record, cases):
        paths = [path for path, _expected in cases]
        found = self._values(record, [{"source": "field", "field_path": path} for path in paths])
        for (path, expected), value in zip(cases, found, strict=True):
            with self.subTest(path):
                self.assertEqual(value, expected)


class TestSources(VariableCase):
    def _table(self, record, cases):
        for values, found in zip(cases, self._values(record, cases), strict=True):
            yield values["source"], found

    SOURCES = ("first_name", "name", "company", "salesperson", "our_company")

    def test_a_lead_speaks_of_its_contact(self):
        self.salesperson.name = "Marcos Venta"
        company = self.env["res.partner"].create({"name": "Roble SL", "is_company": True})
        person = self.env["res.partner"].create({"name": "Eva Socia", "parent_id": company.id})
        ours = self.env.company.name
        cases = [
            # the lead, then first name, name, company, salesperson, our company
            (
                {"contact_name": "Ana María Gil", "partner_name": "Muebles Gil"},
                ["Ana María", "Ana María Gil", "Muebles Gil", "", ours],
            ),
            (
                {"contact_name": False, "partner_name": "Muebles Gil"},
                ["", "Muebles Gil", "Muebles Gil", "", ours],
            ),
            (
                {"contact_name": False, "partner_name": False, "partner_id": person.id},
                ["Eva", "Eva Socia", "Roble SL", "", ours],
            ),
            (
                {"contact_name": False, "partner_name": False, "partner_id": company.id},
                ["", "Roble SL", "Roble SL", "", ours],
            ),
            (
                {"contact_name": "  ", "partner_name": False, "user_id": self.salesperson.id},
                ["", "", "", "Marcos Venta", ours],
            ),
        ]
        for values, expected in cases:
            with self.subTest(values=values):
                lead = self._lead("+34 611 222 333", **{"user_id": False, **values})
                lead.write({name: values[name] for name in values if name != "partner_id"})
                found = self._values(lead, [{"source": source} for source in self.SOURCES])
                self.assertEqual(found, expected)

    def test_a_partner_speaks_of_itself(self):
        company = self.env["res.partner"].create(
            {"name": "Roble SL", "is_company": True, "phone": "+34 611 000 001"}
        )
        person = self.env["res.partner"].create(
            {
                "name": "Eva Socia",
                "parent_id": company.id,
                "phone": "+34 611 000 002",
                "user_id": self.salesperson.id,
            }
        )
        alone = self.env["res.partner"].create({"name": "Ana", "phone": "+34 611 000 003"})
        ours = self.env.company.name
        cases = [
            (company, ["", "Roble SL", "Roble SL", "", ours]),
            (person, ["Eva", "Eva Socia", "Roble SL", self.salesperson.name, ours]),
            (alone, ["Ana", "Ana", "", "", ours]),
        ]
        for partner, expected in cases:
            with self.subTest(partner.name):
                found = self._values(partner, [{"source": source} for source in self.SOURCES])
                self.assertEqual(found, expected)

    def test_a_fixed_text_and_a_fallback_are_cleaned_too(self):
        lead = self._lead("+34 611 222 333", contact_name=False)
        lead.partner_name = False
        found = self._values(
            lead,
            [
                {"source": "text", "text": " one\n two    three "},
                {"source": "first_name", "fallback": " amiga\n "},
                {"source": "first_name", "fallback": "   "},
                {"source": "field", "field_path": "contact_name", "fallback": "amiga"},
            ],
        )
        self.assertEqual(found, ["one two three", "amiga", "", "amiga"])


class TestFields(VariableCase):
    def test_fields_of_a_lead_are_shown_as_people_read_them(self):
        self.salesperson.tz = "Europe/Madrid"
        tags = self.env["crm.tag"].create([{"name": "Sofás"}, {"name": "Mesas"}])
        lead = self._lead(
            "+34 611 222 333",
            city="Madrid",
            user_id=self.salesperson.id,
            tag_ids=[Command.set(tags.ids)],
            priority="2",
            date_deadline="2026-12-31",
            expected_revenue=1234.5,
            probability=12.5,
            color=7,
        )
        stage = lead.stage_id
        self._assert_fields(
            lead,
            [
                ("city", "Madrid"),
                (" city ", "Madrid"),
                ("country_id", "Spain"),
                ("country_id.code", "ES"),
                ("stage_id.name", stage.name),
                ("tag_ids", "Sofás, Mesas"),
                ("tag_ids.name", "Sofás"),
                ("priority", "High"),
                ("type", "Lead" if lead.type == "lead" else "Opportunity"),
                ("date_deadline", "31 dic 2026"),
                ("probability", "12,5"),
                ("color", "7"),
                ("active", "Sí"),
                ("street", ""),
                ("campaign_id", ""),
                ("campaign_id.name", ""),
                ("website", ""),
            ],
        )

    def test_dates_and_amounts_are_written_as_in_the_templates_language(self):
        lead = self._lead("+34 611 222 333", expected_revenue=12345.5, date_deadline="2026-12-01")
        lead.company_id.currency_id = self.env.company.currency_id
        currency = lead.company_currency
        cases = {
            "es": ("1 dic 2026", "12.345,50"),
            "en_US": ("Dec 1, 2026", "12,345.50"),
            "en_GB": ("1 Dec 2026", "12,345.50"),
            "de": ("01.12.2026", "12.345,50"),
            "pt_BR": ("1 de dez. de 2026", "12.345,50"),
            "xx_unheard_of": ("Dec 1, 2026", "12,345.50"),
        }
        for language, (day, amount) in cases.items():
            with self.subTest(language):
                self.template.language = language
                paths = ("date_deadline", "expected_revenue")
                values = self._values(
                    lead, [{"source": "field", "field_path": path} for path in paths]
                )
                self.assertEqual(values[0], day)
                self.assertIn(amount, values[1])
                self.assertTrue(
                    currency.symbol in values[1] or currency.name in values[1], values[1]
                )

    def test_moments_are_local_to_whoever_launches(self):
        lead = self._lead("+34 611 222 333", date_open="2026-12-31 23:30:00")
        lead.date_open = "2026-12-31 23:30:00"
        self.manager.tz = "Europe/Madrid"
        campaign = self._campaign(lead)
        campaign.variable_ids[:1].write({"source": "field", "field_path": "date_open"})
        campaign.with_user(self.manager).action_launch()
        self._prepare()
        self.assertEqual(self._rows(campaign).parameters["body"][0]["value"], "1 ene 2027, 0:30")

    def test_choices_are_shown_in_the_templates_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        field = self.env["ir.model.fields"]._get("crm.lead", "priority")
        choice = field.selection_ids.filtered(lambda selection: selection.value == "2")
        choice.with_context(lang="es_ES").name = "Alta"
        self.manager.lang = "en_US"
        lead = self._lead("+34 611 222 333", priority="2")
        campaign = self._campaign(lead)
        campaign.variable_ids[:1].write({"source": "field", "field_path": "priority"})
        campaign.with_user(self.manager).action_launch()
        self._prepare()
        self.assertEqual(self._rows(campaign).parameters["body"][0]["value"], "Alta")

    def test_a_path_that_leads_nowhere_is_refused_with_its_words(self):
        campaign = self._campaign(self._leads(1))
        line = campaign.variable_ids[:1]
        cases = [
            ("no_such", "has no field no_such"),
            ("stage_id.no_such", "has no field no_such"),
            ("city.name", "city of .* leads to no other record"),
            ("stage_id.name.name", "name of .* leads to no other record"),
        ]
        for path, words in cases:
            with self.subTest(path), self.assertRaisesRegex(ValidationError, words):
                line.write({"source": "field", "field_path": path})

    def test_a_template_default_that_fits_no_record_shows_nothing(self):
        """A module may be gone since it was written."""
        line = self.template.variable_ids[:1]
        lead = self._leads(1)
        line.write({"source": "field", "field_path": "city"})
        for path in ("no_such", "city.name", "no_such.name", "", "stage_id.no_such"):
            with self.subTest(path):
                self._write_stale_path(line, path)
                self.assertEqual(line._record_value(lead, lead._waba_person_facts()), "")


class TestGuesses(VariableCase):
    def test_a_variables_name_tells_what_it_wants(self):
        cases = {
            "first_name": "first_name", "name": "first_name", "nombre": "first_name",
            "1": "first_name", "company": "company", "company_name": "company",
            "nombre_empresa": "company", "sales_rep_name": "salesperson",
            "agent": "salesperson", "vendedor": "salesperson", "2": "text", "discount": "text",
        }  # fmt: skip
        for name, expected in cases.items():
            with self.subTest(name):
                variable = TemplateVariable("body", None, name, "text", "", "")
                guess = self.env["waba.template.variable"]._default_source(variable)
                self.assertEqual(guess["source"], expected)

    def test_a_button_to_stop_gets_our_own_word_and_others_their_label(self):
        cases = {"Baja": intent.STOP_PAYLOAD, "Stop promotions": intent.STOP_PAYLOAD,
                 "Sí, llámame": "Sí, llámame"}  # fmt: skip
        for label, expected in cases.items():
            with self.subTest(label):
                variable = TemplateVariable("button", 0, "payload", "payload", "", label)
                guess = self.env["waba.template.variable"]._default_source(variable)
                self.assertEqual(guess, {"source": "text", "text": expected})

    def test_a_new_campaign_starts_from_the_templates_mapping(self):
        self.template.variable_ids[1].write({"source": "company", "fallback": "tu empresa"})
        campaign = self.env["waba.campaign"].create(
            {"name": "Test", "template_id": self.template.id}
        )
        self.assertEqual(
            [(line.component, line.name, line.source) for line in campaign.variable_ids],
            [(line.component, line.name, line.source) for line in self.template.variable_ids],
        )
        self.assertEqual(campaign.variable_ids[1].fallback, "tu empresa")

    def test_the_date_of_a_campaign_made_from_records_is_todays(self):
        lead = self._leads(1)
        values = (
            self.env["waba.campaign"]
            .with_context(default_from_records=True, active_model="crm.lead", active_ids=lead.ids)
            .default_get(["name"])
        )
        self.assertIn(str(fields.Date.today().year), values["name"])
