"""Any field's value as the text that a person reads in a message."""

from markupsafe import Markup
from odoo import Command

from ...models.base.value_text import format_value, html_to_text
from ..common import WabaCase

HTML = {
    "<p>Hola <b>Ana</b></p>": "Hola Ana",
    "<p>Uno</p><p>Dos</p>": "Uno\nDos",
    "Uno<br>Dos<br/>Tres": "Uno\nDos\nTres",
    "<ul><li>Uno</li><li>Dos</li></ul>": "Uno\nDos",
    "Tom &amp; Ana &lt;3 &euro; 5 &#128512; &nbsp;fin": "Tom & Ana <3 € 5 😀 fin",
    "1 < 2 y 3 > 2": "1 < 2 y 3 > 2",
    'Vea <a href="https://shop.example/a?b=1&amp;c=2">la oferta</a>.': (
        "Vea la oferta (https://shop.example/a?b=1&c=2)."
    ),
    '<a href="https://shop.example/">shop.example</a>': "shop.example",
    '<a href="https://shop.example"><img src="x.png"></a>': "https://shop.example",
    '<a href="mailto:ana@shop.example">Escríbanos</a>': "Escríbanos (ana@shop.example)",
    '<a href="tel:+34600111222">600 111 222</a>': "600 111 222 (+34600111222)",
    '<a href="#top">Arriba</a> <a href="/web">aquí</a>': "Arriba aquí",
    '<a href="javascript:alert(1)">pulse</a>': "pulse",
    "<p><br></p>": "",
    "<p>\u200b&nbsp;</p>": "",
    "<!-- nada -->": "",
    "<style>p {color: red}</style><script>x()</script>Hola": "Hola",
    "<table><tr><td>Mesa</td><td>90 €</td></tr></table>": "Mesa\n90 €",
    "texto sin marcas": "texto sin marcas",
    "<div><span>a</span><span>b</span></div>": "ab",
    "<p>Una línea\n  partida</p>": "Una línea partida",
    '<?xml version="1.0" encoding="latin-1"?><p>año</p>': "año",
    "<p>sin cerrar <b>negrita": "sin cerrar negrita",
    "\x00<p>a\x07b</p>": "ab",
    "": "",
}


class TestHtml(WabaCase):
    def test_table(self):
        for html, expected in HTML.items():
            with self.subTest(html):
                self.assertEqual(html_to_text(html), expected)
                self.assertEqual(html_to_text(Markup(html)), expected)
        self.assertEqual((html_to_text(False), html_to_text(None)), ("", ""))

    def test_a_field_with_tags_is_sent_without(self):
        lead = self._lead(
            "+34 611 222 333",
            description=Markup('<p>Tom &amp; Ana</p><p><a href="https://a.example">aquí</a></p>'),
        )
        campaign = self._campaign(lead)
        line = campaign.variable_ids[:1]
        line.write({"source": "field", "field_path": "description", "fallback": False})
        self.assertEqual(
            line._record_value(lead, lead._waba_person_facts()),
            "Tom & Ana aquí (https://a.example)",
        )
        for empty in (Markup("<p><br></p>"), Markup("<p>\u200b</p>"), False):
            lead.description = empty
            self.assertEqual(line._record_value(lead, lead._waba_person_facts()), "")


class TestValueText(WabaCase):
    def _texts(self, record, expected, language="es"):
        for name, text in expected.items():
            with self.subTest(name, language=language):
                self.assertEqual(format_value(record, name, language), text)

    def test_nought_is_a_value_and_nothing_is_none(self):
        lead = self._lead("+34 611 222 333", expected_revenue=0, probability=0, color=0)
        lead.company_id.currency_id = self.env.ref("base.EUR")
        lead.write({"probability": 0, "street": False, "date_deadline": False})
        self._texts(
            lead,
            {"color": "0", "probability": "0", "expected_revenue": "0,00 €", "street": "",
             "date_deadline": "", "user_id": "" if not lead.user_id else lead.user_id.name,
             "tag_ids": "", "description": "", "priority": "Low"},
        )  # fmt: skip

    def test_whole_numbers_are_not_grouped_and_amounts_are(self):
        lead = self._lead("+34 611 222 333", expected_revenue=12345.5, color=2026)
        lead.company_id.currency_id = self.env.ref("base.EUR")
        self._texts(lead, {"color": "2026", "expected_revenue": "12.345,50 €"})
        self._texts(lead, {"color": "2026", "expected_revenue": "€12,345.50"}, "en_US")

    def test_yes_and_no_in_the_templates_language(self):
        lead = self._lead("+34 611 222 333")
        for language, (yes, no) in {
            "es": ("Sí", "No"), "es_MX": ("Sí", "No"), "en_US": ("Yes", "No"),
            "pt_BR": ("Sim", "Não"), "fr": ("Oui", "Non"), "de": ("Ja", "Nein"),
            "zh_CN": ("是", "否"), "xx": ("", ""), "": ("", ""),
        }.items():  # fmt: skip
            lead.active = True
            self._texts(lead, {"active": yes}, language)
            lead.active = False
            self._texts(lead, {"active": no}, language)

    def test_moments_keep_their_hours_in_the_senders_zone(self):
        lead = self._lead("+34 611 222 333")
        lead.date_open = "2026-07-31 22:30:00"
        cases = [
            ("Europe/Madrid", "es", "1 ago 2026, 0:30"),
            ("America/Mexico_City", "es_MX", "31 jul 2026, 4:30 p.m."),
            ("Asia/Kolkata", "en_GB", "1 Aug 2026, 04:00"),
            ("America/New_York", "en_US", "Jul 31, 2026, 6:30 PM"),
        ]
        for zone, language, expected in cases:
            for context, user_zone, company_zone in [
                ({}, zone, "UTC"), ({"tz": zone}, "UTC", "UTC"), ({}, False, zone),
            ]:  # fmt: skip
                with self.subTest(zone=zone, context=context, user=user_zone):
                    self.env.user.tz = user_zone
                    self.env.company.partner_id.tz = company_zone
                    found = format_value(
                        lead.with_context(tz=None).with_context(**context), "date_open", language
                    )
                    self.assertEqual(found, expected)

    def test_names_of_records_in_the_templates_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        country = self.env.ref("base.de")
        country.with_context(lang="es_ES").name = "Alemania"
        country.with_context(lang="en_US").name = "Germany"
        lead = self._lead("+34 611 222 333", country_id=country.id)
        for ours in ("en_US", "es_ES"):
            spoken = lead.with_context(lang=ours)
            self._texts(spoken, {"country_id": "Alemania"}, "es")
            self._texts(spoken, {"country_id": "Alemania"}, "es_MX")
            self._texts(spoken, {"country_id": "Germany"}, "en_US")
            self._texts(spoken, {"country_id": "Germany"}, "en_GB")

    def test_nameless_records_are_no_names_and_no_error(self):
        partners = self.env["res.partner"].create(
            [{"name": "Ana"}, {"name": "\u200b"}, {"type": "other"}, {"name": "Eva"}]
        )
        parent = self.env["res.partner"].create({"name": "Roble SL", "is_company": True})
        events = self.env["waba.consent.rejected"].create(
            [{"source": "form", "company_id": self.env.company.id} for _index in range(40)]
        )
        self.assertEqual(set(events.mapped("display_name")), {False})
        parent.category_id = self.env["res.partner.category"].create([{"name": "A"}, {"name": "B"}])
        self._texts(parent, {"category_id": "A, B", "child_ids": ""})
        partners.parent_id = parent
        names = format_value(parent, "child_ids", "es").split(", ")
        self.assertFalse([name for name in names if not name.strip()])
        self._texts(events[0], {"consent_id": "", "company_id": self.env.company.name})

    def test_invisible_characters_are_no_value_and_emoji_are(self):
        for stored, expected in {
            "\u200b": "", "\u00a0": "", "\ufeff\u00ad": "", "\u3164": "", "\u202e": "",
            "\u200bMadrid\u200b": "Madrid", "❤\ufe0f": "❤\ufe0f",
            "👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧",
        }.items():  # fmt: skip
            lead = self._lead("+34 611 222 333", city=stored)
            self._texts(lead, {"city": expected})

    def test_everything_a_lead_and_a_partner_hold_has_a_text(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        lead = self._lead(
            "+34 611 222 333", partner_id=self.env["res.partner"].create({"name": "Ana"}).id
        )
        for record in (lead, lead.partner_id, self.env.company, self.template, lead.stage_id):
            for name in record._fields:
                with self.subTest(model=record._name, field=name):
                    text = format_value(record, name, "fr")
                    self.assertIsInstance(text, str)
                    self.assertNotRegex(text, "<(p|br|div)|&amp;|\u00a0|\u200b")

    def test_the_preview_says_that_an_invisible_value_is_empty(self):
        lead = self._lead("+34 611 222 333", city="\u200b\u00a0")
        campaign = self._campaign(lead)
        line = campaign.variable_ids.filtered(lambda line: line.component == "body")[:1]
        line.write({"source": "field", "field_path": "city", "fallback": False})
        notes = campaign._preview_notes(
            lead, lead._waba_person_facts(), campaign.variable_ids
        )
        self.assertEqual([note["kind"] for note in notes], ["left_out"])
        line.write({"source": "text", "text": "\u200b"})
        self.assertFalse(line._is_complete())

    def test_references_and_lists_of_records(self):
        tags = self.env["crm.tag"].create([{"name": "Sofás"}, {"name": "Mesas"}])
        lead = self._lead("+34 611 222 333", tag_ids=[Command.set(tags.ids)])
        self._texts(lead, {"tag_ids": ", ".join(lead.tag_ids.mapped("name"))})
        attachment = self.env["ir.attachment"].create(
            {"name": "a.txt", "raw": b"x", "res_model": "crm.lead", "res_id": lead.id}
        )
        self._texts(attachment, {"res_id": lead.display_name, "raw": "", "datas": ""})
