"""From records to rows: each record has one row, and who is left out is told why."""

import time
import uuid
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from ...models.campaign import waba_campaign_audience
from ...policy import eligibility, intent
from ..common import PORTFOLIO_UID, WabaCase, first_name_for

CHUNK = waba_campaign_audience.CHUNK


class AudienceCase(WabaCase):
    def _prepared(self, records, **values):
        campaign = self._campaign(records, **values)
        campaign._start_launch()
        self._prepare()
        return campaign, {row.res_id: row for row in self._rows(campaign)}

    def _people(self, count, start=0):
        """`count` contacts with different numbers; a lead each would take ten times as long."""
        return (
            self.env["res.partner"]
            .with_context(tracking_disable=True)
            .create(
                [
                    {"name": f"{first_name_for(index)} Prueba", "phone": f"+34 6{index:08d}"}
                    for index in range(start + 11_000_000, start + 11_000_000 + count)
                ]
            )
        )

    def _partner(self, **values):
        return self.env["res.partner"].create({"name": "Ana Prueba", **values})


class TestPhones(AudienceCase):
    def test_every_way_to_write_a_phone(self):
        spain, mexico = self.env.ref("base.es"), self.env.ref("base.mx")
        united_states, cuba = self.env.ref("base.us"), self.env.ref("base.cu")
        cases = [
            # phone, country of the record, number of the row, reason
            (False, spain, False, "no_number"),
            ("   ", spain, False, "no_number"),
            ("call me", spain, "call me", "invalid_number"),
            ("12", spain, "12", "invalid_number"),
            ("+34 6", spain, "+34 6", "invalid_number"),
            ("611 222 001", spain, "+34611222001", False),
            ("611-222.002", spain, "+34611222002", False),
            ("0034 611 222 003", spain, "+34611222003", False),
            ("+34 611 222 004", mexico, "+34611222004", False),
            ("55 1234 5671", mexico, "+525512345671", False),
            ("611 222 005", False, "+34611222005", False),
            ("+1 212 555 0123", False, "+12125550123", "country"),
            ("+1 416 555 0123", False, "+14165550123", False),
            ("(212) 555-0124", united_states, "+12125550124", "country"),
            ("+53 5 1234567", cuba, "+5351234567", "country"),
        ]
        leads = self.env["crm.lead"]
        for phone, country, *_expected in cases:
            leads += self._lead(phone, country_id=country and country.id)
        campaign, rows = self._prepared(leads)
        for lead, (phone, _country, number, reason) in zip(leads, cases, strict=True):
            with self.subTest(phone=phone):
                row = rows[lead.id]
                self.assertEqual((row.number, row.failure_type), (number, reason))
                self.assertEqual(row.state, "skipped" if reason else "queued")
                self.assertEqual(bool(row.failure_reason), bool(reason))
                # What is no number is no person.
                is_person = reason not in ("no_number", "invalid_number")
                self.assertEqual(bool(row.recipient_id), is_person)
        self.assertEqual(campaign.people_count, len(cases))

    def test_a_text_that_is_no_number_is_quoted_in_the_reason(self):
        lead = self._lead("call me")
        _campaign, rows = self._prepared(lead)
        self.assertIn("call me", rows[lead.id].failure_reason)

    def test_a_number_with_an_extension_goes_to_the_number(self):
        lead = self._lead("+34 911 222 333 ext. 12")
        _campaign, rows = self._prepared(lead)
        self.assertEqual(rows[lead.id].number, "+34911222333")

    def test_service_messages_go_to_the_united_states_but_to_no_country_without_whatsapp(self):
        american, cuban = self._lead("+1 212 555 0123"), self._lead("+53 5 1234567")
        _campaign, rows = self._prepared(american | cuban, template_id=self.utility_template.id)
        self.assertEqual(rows[american.id].state, "queued")
        self.assertEqual(rows[cuban.id].failure_type, "country")

    def test_a_lead_without_a_phone_of_its_own_is_written_to_at_its_contacts(self):
        partner = self._partner(phone="+34 611 222 333")
        lead = self._lead(False, partner_id=partner.id)
        lead.phone = partner.phone
        _campaign, rows = self._prepared(lead)
        self.assertEqual(rows[lead.id].number, "+34611222333")

    def test_partners_are_written_to_as_leads_are(self):
        partners = self._partner(phone="+34 611 222 333") | self._partner(name="Eva", phone=False)
        campaign, rows = self._prepared(partners)
        self.assertEqual(
            [rows[partner.id].failure_type for partner in partners], [False, "no_number"]
        )
        self._dispatch()
        self.assertEqual(campaign.sent_count, 1)


class TestExclusions(AudienceCase):
    def test_the_same_person_twice_is_written_to_once(self):
        spellings = ["+34 611 222 333", "611222333", "0034611222333", "(611) 22 23 33"]
        leads = self.env["crm.lead"]
        for spelling in spellings:
            leads += self._lead(spelling)
        _campaign, rows = self._prepared(leads)
        self.assertEqual(
            [rows[lead.id].failure_type for lead in leads], [False] + ["duplicate"] * 3
        )
        self.assertEqual(len({row.recipient_id for row in rows.values()}), 1)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_the_same_person_in_another_chunk_is_a_duplicate_too(self):
        first = self._people(1)
        others = self._people(CHUNK + 20, start=100)
        again = self._partner(phone=first.phone)
        campaign, rows = self._prepared(first | others | again)
        self.assertEqual(campaign.people_count, CHUNK + 22)
        self.assertFalse(rows[first.id].failure_type)
        self.assertEqual(rows[again.id].failure_type, "duplicate")

    def test_consent_and_reach_decide_and_say_why(self):
        people = self.env["waba.recipient"]
        future = fields.Datetime.now() + timedelta(days=2)
        past = fields.Datetime.now() - timedelta(days=2)
        cases = [
            # what is known of the person, reason for a promotion, reason for a service message
            ({}, False, False),
            ({"marketing_state": "opted_in"}, False, False),
            ({"marketing_state": "opted_out"}, "opted_out", False),
            ({"unreachable_until": future}, "unreachable", "unreachable"),
            ({"unreachable_until": past}, False, False),
            ({"is_blocked": True}, "blocked_by_us", "blocked_by_us"),
        ]
        leads = self._leads(len(cases) + 1)
        numbers = leads.mapped("phone_sanitized")
        known = people._find_or_create_by_number(self.portfolio, numbers)
        for number, (values, *_reasons) in zip(numbers, cases, strict=False):
            known[number].write(values)
        self.env["phone.blacklist"].create({"number": numbers[-1]})
        cases.append(({"blacklisted": True}, "blacklisted", "blacklisted"))
        for column, template in ((1, self.template), (2, self.utility_template)):
            _campaign, rows = self._prepared(leads, template_id=template.id)
            for lead, case in zip(leads, cases, strict=True):
                with self.subTest(case=case[0], template=template.name):
                    self.assertEqual(rows[lead.id].failure_type, case[column])

    def test_a_promotion_that_whatsapp_held_back_is_not_tried_before_its_time(self):
        lead = self._leads(1)
        [person] = (
            self.env["waba.recipient"]
            ._find_or_create_by_number(self.portfolio, lead.mapped("phone_sanitized"))
            .values()
        )
        held_until = fields.Datetime.now() + timedelta(days=2)
        person.marketing_held_until = held_until
        for template, is_held in ((self.template, True), (self.utility_template, False)):
            with self.subTest(template.name):
                _campaign, rows = self._prepared(lead, template_id=template.id)
                self.assertEqual(rows[lead.id].state, "queued")
                self.assertEqual(rows[lead.id].retry_at == held_until, is_held)
                self.assertEqual(rows[lead.id].retry_at <= fields.Datetime.now(), not is_held)

    def test_a_number_taken_off_the_blacklist_is_written_to(self):
        lead = self._leads(1)
        entry = self.env["phone.blacklist"].create({"number": lead.phone_sanitized})
        entry.active = False
        _campaign, rows = self._prepared(lead)
        self.assertEqual(rows[lead.id].state, "queued")

    def test_a_stop_given_to_another_portfolio_of_ours_holds(self):
        lead = self._leads(1)
        elsewhere = self.env["waba.portfolio"].create({"name": "Another"})
        self.env["waba.recipient"]._find_or_create_by_number(elsewhere, [lead.phone_sanitized])[
            lead.phone_sanitized
        ]._set_marketing_state("opted_out", "person", "Told us.")
        _campaign, rows = self._prepared(lead)
        self.assertEqual(rows[lead.id].failure_type, "opted_out")

    def test_every_reason_of_the_policy_has_words(self):
        labels = dict(self.env["waba.message"]._fields["failure_type"].selection)
        self.assertEqual(set(eligibility.REASONS) - set(labels), set())

    def test_a_country_refused_to_the_account_is_left_out(self):
        self.account.blocked_country_codes = "MX"
        mexican, spaniard = self._lead("+52 55 1234 5671"), self._leads(1)
        _campaign, rows = self._prepared(mexican | spaniard)
        self.assertEqual(rows[mexican.id].failure_type, "country")
        self.assertEqual(rows[spaniard.id].state, "queued")


class TestWords(AudienceCase):
    def _line(self, campaign, component="body", position=0):
        return campaign.variable_ids.filtered(lambda line: line.component == component)[position]

    def test_a_missing_value_leaves_out_and_a_fallback_is_used_instead(self):
        named, nameless = self._leads(1), self._lead("+34 622 000 001", contact_name=False)
        nameless.partner_name = False
        campaign = self._campaign(named | nameless)
        self._line(campaign).write({"source": "first_name"})
        again = campaign.copy()
        self._line(again).fallback = "amiga"
        (campaign | again).action_launch()
        self._prepare()
        self.assertEqual(self._rows(campaign).mapped("failure_type"), [False, "missing_value"])
        self.assertIn("{{1}}", self._rows(campaign)[1].failure_reason)
        self.assertEqual(
            [row.parameters["body"][0]["value"] for row in self._rows(again)],
            ["Anabbaaaaaa", "amiga"],
        )

    def test_line_breaks_and_runs_of_blanks_are_cleaned_and_sent(self):
        lead = self._lead("+34 622 000 001", contact_name="Ana\n\tMaría     Prueba")
        campaign = self._campaign(lead)
        self._line(campaign).source = "name"
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        [entry] = self.simulator.sends()
        body = entry["body"]["template"]["components"][0]
        self.assertEqual(body["parameters"][0]["text"], "Ana María Prueba")
        self.assertEqual(campaign.sent_count, 1)

    def test_a_text_too_long_for_meta_is_left_out_in_words(self):
        lead = self._lead("+34 622 000 001", contact_name="A" * 1100)
        campaign = self._campaign(lead)
        self._line(campaign).source = "name"
        campaign._start_launch()
        self._prepare()
        row = self._rows(campaign)
        self.assertEqual((row.state, row.failure_type), ("skipped", "bad_value"))
        self.assertIn("Text is too long", row.failure_reason)
        self.assertNotIn("(", row.failure_reason)

    def test_what_is_prepared_is_what_is_sent_whatever_words_the_record_has_then(self):
        leads = self._leads(3)
        campaign, rows = self._prepared(leads)
        before = [rows[lead.id].body for lead in leads]
        self.assertIn("Anabbaaaaaa", before[0])
        leads[0].write({"contact_name": "Otra Persona", "phone": "0034 611 000 000"})
        leads[1].write({"name": "Another title", "partner_name": "Otra SL"})
        leads[2].user_id = self.salesperson
        self._dispatch()
        self.assertEqual(campaign.sent_count, 3)
        sends = {entry["recipient"]: entry for entry in self.simulator.sends()}
        for index, row in enumerate(self._rows(campaign)):
            values = sends[row.number]["body"]["template"]["components"][0]["parameters"]
            first_name = first_name_for(11_000_000 + index)
            self.assertEqual([value["text"] for value in values], [first_name, "prueba"])
        leads[2].unlink()
        gone = self._rows(campaign)[2]
        self.assertIsNone(gone._get_record())
        self.assertFalse(gone.action_open_record())

    def test_the_preview_is_what_the_simulator_received(self):
        lead = self._leads(1)
        campaign = self._campaign(lead)
        self._line(campaign, "button", 1).write({"source": "field", "field_path": "contact_name"})
        preview = campaign.preview_html
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        [entry] = self.simulator.sends()
        header, body, *buttons = (None, *entry["body"]["template"]["components"])
        self.assertIsNone(header)
        text = self.template.components[1]["text"]
        for index, parameter in enumerate(body["parameters"], start=1):
            text = text.replace(f"{{{{{index}}}}}", parameter["text"])
        self.assertIn(text, preview)
        self.assertIn(text, self._rows(campaign).preview_html)
        self.assertEqual(self._rows(campaign).body, text)
        self.assertEqual(
            buttons,
            [
                {
                    "type": "button", "sub_type": "quick_reply", "index": "0",
                    "parameters": [{"type": "payload", "payload": intent.STOP_PAYLOAD}],
                },
                {
                    "type": "button", "sub_type": "url", "index": "1",
                    "parameters": [{"type": "text", "text": "Anabbaaaaaa Prueba"}],
                },
            ],
        )  # fmt: skip

    def test_variables_by_name_travel_with_their_names(self):
        template = self._template("welcome_back", "es")
        lead = self._leads(1)
        lead.user_id = self.salesperson
        campaign = self._campaign(lead, template_id=template.id)
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        [entry] = self.simulator.sends()
        self.assertEqual(
            entry["body"]["template"]["components"][0]["parameters"],
            [
                {"type": "text", "parameter_name": "first_name", "text": "Anabbaaaaaa"},
                {
                    "type": "text",
                    "parameter_name": "salesperson",
                    "text": self.salesperson.name,
                },
            ],
        )
        self.assertEqual(campaign.sent_count, 1)

    def test_an_image_above_the_text_travels_as_a_link(self):
        template = self._template("season_sale", "en")
        campaign = self._campaign(self._leads(1), template_id=template.id)
        link = "https://demo-store.example/media/lamps.jpg"
        self._line(campaign, "header").write({"source": "text", "text": link})
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        [entry] = self.simulator.sends()
        self.assertEqual(
            entry["body"]["template"]["components"][0],
            {"type": "header", "parameters": [{"type": "image", "image": {"link": link}}]},
        )
        self.assertEqual(campaign.sent_count, 1)


class TestRows(AudienceCase):
    def test_each_row_has_an_id_of_its_own_that_begins_with_the_time(self):
        _campaign, rows = self._prepared(self._leads(20))
        ids = [uuid.UUID(hex=row.uuid) for row in rows.values()]
        self.assertEqual(len(set(ids)), 20)
        self.assertEqual({(id_.version, id_.variant) for id_ in ids}, {(7, uuid.RFC_4122)})
        for id_ in ids:
            self.assertAlmostEqual(id_.int >> 80, time.time() * 1000, delta=3_600_000)

    def test_a_row_holds_the_names_and_words_whatever_they_are_made_of(self):
        name = """O'Hara "Ana" \\ {x} %s 🛋 \\u0041"""
        lead = self._lead("+34 611 222 333", contact_name=name)
        campaign = self._campaign(lead)
        campaign.variable_ids[:1].source = "name"
        campaign.action_launch()
        self._prepare()
        row = self._rows(campaign)
        self.assertEqual((row.person_name, row.parameters["body"][0]["value"]), (name, name))


class TestReading(AudienceCase):
    """What many people have in common, or can be asked for together, is read once."""

    def _statements(self, leads):
        campaign = self._campaign(leads)
        campaign.variable_ids[:1].write(
            {"source": "field", "field_path": " city ", "fallback": "tu ciudad"}
        )
        campaign.action_launch()
        self.env.flush_all()
        self.env.invalidate_all()
        statements = []
        execute = Cursor.execute

        def keep_and_execute(cursor, query, *arguments, **options):
            statements.append(query if isinstance(query, str) else query.code)
            return execute(cursor, query, *arguments, **options)

        with patch.object(Cursor, "execute", keep_and_execute):
            self.assertEqual(campaign._prepare_chunk(), len(leads))
        return statements

    def _leads_of_all_kinds(self, count, start):
        """Leads with contacts and salespeople, some without a valid number, some without any."""
        leads = self._leads(count, start)
        for index, lead in enumerate(leads):
            lead.partner_id = self._partner(name=f"Eva {index}")
            lead.user_id = self.salesperson
            lead.write({"phone": ("12", False, lead.phone)[index % 3], "country_id": False})
        return leads

    def test_the_number_of_queries_does_not_grow_with_the_audience(self):
        self._statements(self._leads_of_all_kinds(3, 100))
        few = self._statements(self._leads_of_all_kinds(6, 200))
        many = self._statements(self._leads_of_all_kinds(30, 300))
        self.assertEqual(len(many), len(few))

    def test_a_lead_is_read_once_and_only_what_is_needed(self):
        statements = self._statements(self._leads(3) | self._lead("12"))
        reading = [text for text in statements if '"crm_lead"."id"' in text.split("FROM")[0]]
        self.assertEqual(len(reading), 1, reading)
        self.assertIn('"city"', reading[0])
        self.assertNotIn('"description"', reading[0])


class TestInterrupted(AudienceCase):
    def test_an_interrupted_preparation_goes_on_without_doubling_anybody(self):
        people = self._people(CHUNK + 30)
        campaign = self._campaign(people)
        campaign._start_launch()
        self.assertEqual(campaign._prepare_chunk(), CHUNK)
        self.assertEqual(campaign.prepared_count, CHUNK)
        self.env.flush_all()
        self.env.invalidate_all()
        self._prepare()
        self.assertEqual(campaign.prepared_count, CHUNK + 30)
        rows = self._rows(campaign)
        self.assertEqual(sorted(rows.mapped("res_id")), sorted(people.ids))
        self.assertEqual(campaign.state, "running")

    def test_a_record_archived_or_deleted_before_its_turn_has_no_row_and_stops_nobody(self):
        leads = self._leads(4)
        campaign = self._campaign(leads)
        campaign.action_launch()
        leads[0].active = False
        leads[1].unlink()
        self._prepare()
        self._dispatch()
        self.assertEqual(campaign.people_count, 2)
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))

    def test_a_killed_chunk_leaves_no_half_of_itself(self):
        leads = self._leads(5)
        campaign = self._campaign(leads)
        campaign.action_launch()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            campaign._prepare_chunk()
            self.env.flush_all()
            raise ZeroDivisionError
        self.env.invalidate_all()
        self.assertEqual((campaign.people_count, campaign.prepared_until_id), (0, 0))
        self._prepare()
        self.assertEqual(campaign.people_count, 5)

    def test_the_same_record_can_never_have_two_rows(self):
        _campaign, rows = self._prepared(self._leads(1))
        [row] = rows.values()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(UniqueViolation, "one_row_per_record"),
            self.env.cr.savepoint(),
        ):
            row.copy({"recipient_id": False})
            self.env.flush_all()

    def test_the_launch_alone_writes_to_nobody(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(self.simulator.get("stats")["portfolios"].get(PORTFOLIO_UID), None)
