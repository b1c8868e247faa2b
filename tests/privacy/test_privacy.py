"""A person's data are given out or erased; figures stay, and an opt-out outlives its person."""

import base64
import csv
import io
import json
import zipfile
from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..consent.test_consent import NUMBER, ConsentCase

OTHER = "+34611000002"
UID = "ES.9A1B2C"


class PrivacyCase(ConsentCase):
    def _erase(self, person=None, **values):
        person = (person or self._person()).with_user(self.manager)
        opened = person.action_erase_data()
        wizard = self._opened(opened, self.manager).create({"is_sure": True, **values})
        wizard.action_erase()
        return wizard

    def _known(self):
        """A person who was written to, read, answered and opted out."""
        lead = self._lead(NUMBER)
        campaign = self._launch(lead)
        row = self._rows(campaign)
        self._receive(self._status(row, "read"))
        self.now += timedelta(minutes=1)
        self._write("Me llamo Ana Secreta y digo BAJA", hours_ago=0)
        person = self._write("BAJA")
        person.user_uid = UID
        return person, campaign

    def _everything(self):
        """All of our tables as one text."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT tablename FROM pg_tables
                WHERE schemaname = current_schema AND tablename LIKE 'waba\\_%'"""
        )
        tables = [table for (table,) in self.env.cr.fetchall()]
        texts = []
        for table in tables:
            self.env.cr.execute(f"SELECT to_jsonb(t)::text FROM {table} t")  # pylint: disable=sql-injection
            texts += [f"{table}: {row}" for (row,) in self.env.cr.fetchall()]
        return "\n".join(texts)


class TestErase(PrivacyCase):
    def test_nothing_in_our_tables_tells_who_it_was(self):
        self._known()
        self.env.company.waba_feed_blacklist = True
        before = self._everything()
        secrets = (NUMBER, NUMBER.lstrip("+"), UID, "Ana Prueba", "Ana Secreta", "BAJA")
        for secret in secrets:
            self.assertIn(secret, before)
        self._erase()
        after = "\n".join(
            row for row in self._everything().splitlines()
            # The shipped words are nobody's.
            if not row.startswith("waba_consent_word:")
        )  # fmt: skip
        for secret in secrets:
            self.assertNotIn(secret, after)
        self.assertNotIn("BAJA", self._chatter(self.env["crm.lead"].search([])))

    def test_activities_to_answer_them_go_open_and_done(self):
        self.salesperson.waba_notify = "activity"
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        for number, text in enumerate(("Me llamo Ana Secreta", "Soy yo otra vez, Ana Secreta")):
            self._receive(self._inbound(NUMBER, text, wamid=f"wamid.A{number}"))
            self.assertIn("Ana Secreta", lead.activity_ids.note)
            if not number:
                lead.activity_ids.action_feedback(feedback="Answered")
        self.assertIn("Ana Secreta", self._chatter(lead))
        self._erase()
        lead.invalidate_recordset()
        self.assertFalse(lead.activity_ids)
        self.assertNotIn("Ana Secreta", self._chatter(lead))

    def test_another_company_keeps_what_it_knows_and_gives_nothing_away(self):
        portfolio = self._portfolio_elsewhere()
        theirs = self._person(portfolio=portfolio)
        theirs._set_consent("utility", "opt_in", "form", "Their own form")
        ours = self._person()
        self.assertNotIn("Their own form", json.dumps(ours._export_data(self.env.company)))
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        wizard = self.env["waba.consent.note"].with_user(self.salesperson).create(
            {"res_model": "crm.lead", "res_id": lead.id, "purpose": "utility", "note": "x"}
        )  # fmt: skip
        self.assertIn("never asked", wizard.on_record)
        self._erase(ours)
        self.assertEqual(theirs.number, NUMBER)
        self.assertEqual(theirs.consent_ids.evidence, "Their own form")

    def test_figures_dates_and_the_ledger_s_words_stay(self):
        person, campaign = self._known()
        figures = ("people_count", "sent_count", "read_count", "replied_count", "opted_out_count")
        before = {name: campaign[name] for name in figures}
        self.assertEqual(before["opted_out_count"], 1)
        row = self._rows(campaign)
        times = (row.create_date, row.accepted_at, row.read_at, row.state)
        self._erase(person)
        campaign.invalidate_recordset()
        self.assertEqual({name: campaign[name] for name in figures}, before)
        self.assertEqual((row.create_date, row.accepted_at, row.read_at, row.state), times)
        entry = person.consent_ids[:1]
        self.assertEqual((entry.action, entry.source), ("opt_out", "reply"))
        self.assertFalse(entry.evidence or entry.number)
        self.assertIn("Erased", person.display_name)
        self.assertTrue(person.erased_at)

    def test_whoever_comes_back_is_left_out_still(self):
        self._known()
        self._erase()
        lead = self._lead("611 00 00 01", name="Bought list")
        row = self._rows(self._launch(lead))
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))
        self.assertEqual(len(self.simulator.sends()), 1, "the one from before")
        person = self._person()
        self.assertFalse(person.erased_at)
        self.assertEqual(person.consent_ids.source, "erased")
        why = lead.with_user(self.salesperson).waba_promotion_why
        self.assertIn("Opted out", why)

    def test_whoever_comes_back_by_any_door_is_left_out(self):
        doors = {
            "import": lambda: self.env["waba.consent"].with_user(self.manager).with_context(
                import_file=True).load(["person_id", "purpose", "action", "said_at"],
                                       [[NUMBER, "marketing", "opt_out", "2026-01-01"]]),
            "they write": lambda: self._write("Hola"),
            "user id alone": lambda: self._prefer("stop", wa_id="", user_id="ES.NEW"),
            "another portfolio": lambda: self._person(portfolio=self.env["waba.portfolio"].create(
                {"name": "New", "portfolio_uid": "779"})),
        }  # fmt: skip
        for name, door in doors.items():
            with self._case(name):
                self._known()
                self._erase()
                door()
                people = self.env["waba.recipient"].search([("number", "=", NUMBER)])
                if name == "user id alone":
                    people = self._person()
                self.assertTrue(people)
                self.assertEqual(set(people.mapped("marketing_state")), {"opted_out"})

    def test_an_erased_user_id_is_known_again(self):
        self._known()
        self._erase()
        people = self.env["waba.recipient"]
        alone = people._find_or_create_person(self.portfolio, "", UID)
        self.assertEqual(alone.marketing_state, "opted_out")
        with self._case("beside another number"):
            alone.user_uid = False
            other = people._find_or_create_person(self.portfolio, OTHER, UID)
            self.assertEqual(other.marketing_state, "opted_out")
        with self._case("told by a status"):
            alone.user_uid = False
            row = self._message(OTHER)
            people._store_user_uids({row.id: UID})
            self.assertEqual(self._person(OTHER).marketing_state, "opted_out")

    def test_who_opts_in_again_is_forgotten_here(self):
        self._known()
        self._erase()
        person = self._person()
        self.now += timedelta(minutes=5)
        self.assertEqual(self._write("ALTA").marketing_state, "opted_in")
        elsewhere = self.env["waba.portfolio"].create({"name": "New", "portfolio_uid": "779"})
        self.assertEqual(self._person(portfolio=elsewhere).marketing_state, "opted_in")
        self.assertEqual(person.consent_ids.mapped("source"), ["reply", "erased"])

    def test_an_opt_in_to_another_company_does_not_undo_it_nor_does_it_undo_that(self):
        portfolio = self._portfolio_elsewhere()
        ours, theirs = self._person(), self._person(portfolio=portfolio)
        theirs._set_consent("marketing", "opt_in", "form", "Their own form")
        ours._erase_personal_data(self.env.company)
        self.assertEqual(self._person().marketing_state, "opted_out")
        self.assertEqual(theirs.marketing_state, "opted_in")

    def test_a_late_word_from_before_does_not_undo_it(self):
        self._known()
        self._erase()
        self._prefer("resume", hours_ago=3)
        self.assertEqual(self._person().marketing_state, "opted_out")

    def test_what_is_kept_is_only_what_was_wanted(self):
        cases = [
            # said before, kept out, marketing, utility after
            ({}, False, "unknown", "unknown"),
            ({}, True, "opted_out", "unknown"),
            ({"utility": "opt_out"}, False, "unknown", "opted_out"),
            ({"marketing": "opt_in"}, False, "unknown", "unknown"),
            ({"marketing": "opt_out"}, False, "opted_out", "unknown"),
        ]
        for said, keep_out, marketing, utility in cases:
            with self._case(f"{said} {keep_out}"):
                person = self._person()
                for purpose, action in said.items():
                    person._set_consent(purpose, action, "person", "said so")
                self._erase(person, keep_out=keep_out)
                back = self._person()
                self.assertNotEqual(back, person)
                self.assertEqual((back.marketing_state, back.utility_state), (marketing, utility))

    def test_messages_that_wait_are_not_sent_and_one_that_leaves_stops_it(self):
        campaign = self._campaign(self._lead(NUMBER) + self._lead(OTHER))
        campaign.action_launch()
        self._prepare()
        row = self._rows(campaign)[0]
        row.state = "reserved"
        with self.assertRaisesRegex(UserError, "leaving right now"):
            self._erase()
        row.state = "queued"
        self._erase()
        self._dispatch()
        self.assertEqual((row.state, row.failure_type), ("skipped", "erased"))
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_what_we_put_on_the_phone_blacklist_goes_and_what_others_put_stays(self):
        self.env.company.waba_feed_blacklist = True
        self.env["phone.blacklist"].add(OTHER)
        for number in (NUMBER, OTHER):
            self._person(number)._set_consent("marketing", "opt_out", "person", "no")
            self._erase(self._person(number))
        listed = self.env["phone.blacklist"].with_context(active_test=False).search([])
        self.assertEqual(listed.mapped("number"), [OTHER])

    def test_other_people_keep_everything(self):
        self._known()
        self._receive(self._inbound(OTHER, "Hola, soy otra", wamid="wamid.OTHER"))
        other = self._person(OTHER)
        other._set_consent("marketing", "opt_in", "person", "At the fair")
        self._erase()
        self.assertEqual(other.number, OTHER)
        self.assertEqual(other.message_ids.text, "Hola, soy otra")
        self.assertEqual(other.consent_ids.evidence, "At the fair")

    def test_the_database_s_key_makes_the_fingerprint(self):
        self._erase()
        [row] = self.env["waba.erased.person"].search([])
        key = self.env["ir.config_parameter"].get_param("waba_campaign.erasure_secret")
        self.assertGreaterEqual(len(key), 64)
        self.assertRegex(row.fingerprint, "^[0-9a-f]{64}$")
        self.env["ir.config_parameter"].set_param("waba_campaign.erasure_secret", "another")
        self.assertFalse(self.env["waba.erased.person"]._find_erased([NUMBER]))

    def test_the_wizard_says_what_happens_to_how_many_and_asks(self):
        person, _campaign = self._known()
        wizard = self.env["waba.privacy"].with_user(self.manager)
        wizard = wizard.create({"recipient_id": person.id})
        self.assertIn("record of messages (3)", wizard.summary)
        self.assertIn("consent ledger (1)", wizard.summary)
        with self.assertRaisesRegex(UserError, "Tick"):
            wizard.action_erase()
        self.assertEqual(person.number, NUMBER)

    def test_only_a_manager_of_the_company_may(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "waba_stranger", company_id=company.id,
            groups="waba_campaign.waba_group_manager",
        )  # fmt: skip
        person = self._person()
        for user in (self.salesperson, stranger):
            for name in ("action_erase_data", "action_export_data"):
                with self.subTest(f"{user.login} {name}"), self.assertRaises(AccessError):
                    getattr(person.with_user(user), name)()
        wizard = self.env["waba.privacy"].with_user(self.manager)
        wizard = wizard.create({"recipient_id": person.id, "is_sure": True})
        for user in (self.salesperson, stranger):
            with self.subTest(user.login), self.assertRaises(AccessError):
                wizard.with_user(user).action_erase()
        self.assertEqual(person.number, NUMBER)


class TestExport(PrivacyCase):
    def test_all_that_is_known_is_in_it(self):
        person, campaign = self._known()
        person.name = "=HYPERLINK()"
        wizard = self.env["waba.privacy"].with_user(self.manager)
        wizard = wizard.create({"recipient_id": person.id})
        action = wizard.action_export()
        self.assertIn(f"/{wizard.id}/file/", action["url"])
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(wizard.file))) as archive:
            data = json.loads(archive.read("all.json"))
            tables = {
                name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
                for name in archive.namelist()
                if name.endswith(".csv")
            }
        self.assertEqual({f"{part}.csv" for part in data}, set(tables))
        for part, rows in data.items():
            self.assertEqual(len(tables[f"{part}.csv"]), len(rows))
        self.assertEqual(data["people"][0]["number"], NUMBER)
        self.assertEqual(tables["people.csv"][0]["name"], "'=HYPERLINK()")
        self.assertEqual(data["consents"][0]["evidence"], 'They wrote "BAJA".')
        self.assertEqual(len(data["messages"]), 3)
        self.assertEqual(data["messages"][0]["campaign_id"], campaign.name)
        self.assertIn("Ana", data["messages"][0]["body"])
        self.assertEqual(data["messages"][2]["body"], "BAJA")
        self.assertTrue(data["evidence"])

    def test_it_holds_one_person_alone(self):
        self._known()
        self._receive(self._inbound(OTHER, "Hola, soy otra", wamid="wamid.OTHER"))
        self.assertNotIn("soy otra", json.dumps(self._person()._export_data(self.env.company)))


@tagged("post_install", "-at_install")
class TestPrivacyLookup(PrivacyCase):
    def setUp(self):
        super().setUp()
        if "privacy.lookup.wizard" not in self.env:
            self.skipTest("Odoo's Privacy Lookup is not installed")
        self.partner = self.env["res.partner"].create(
            {"name": "Ana Prueba", "email": "ana@example.com", "phone": NUMBER}
        )

    def _lookup(self):
        wizard = self.env["privacy.lookup.wizard"].create(
            {"name": "Ana Prueba", "email": "ana@example.com"}
        )
        wizard.action_lookup()
        return wizard.line_ids.filtered(lambda line: line.res_model == "waba.recipient")

    def test_people_are_found_by_the_number_of_a_contact_or_lead_once(self):
        person = self._person()
        self._person(OTHER)
        cases = {
            "contact": lambda: None,
            "contact that is linked": lambda: person.write({"partner_id": self.partner.id}),
            "lead of the contact": lambda: (
                self.partner.write({"phone": False}), self._lead(NUMBER, partner_id=self.partner.id)
            ),
            "lead with the address": lambda: (
                self.partner.unlink(), self._lead(NUMBER, email_from="ana@example.com")
            ),
        }  # fmt: skip
        for name, change in cases.items():
            with self._case(name):
                change()
                self.assertEqual(self._lookup().mapped("res_id"), person.ids)

    def test_deleting_there_erases(self):
        person, _campaign = self._known()
        line = self._lookup()
        line.action_unlink()
        self.assertTrue(line.is_unlinked)
        self.assertIn("Erased", line.execution_details)
        self.assertTrue(person.exists())
        self.assertFalse(person.number)
        self.assertEqual(self._person().marketing_state, "opted_out")
        with self.assertRaises(UserError):
            line.action_unlink()
        self.assertFalse(self._lookup().filtered(lambda line: line.res_id == person.id))

    def test_other_records_are_deleted_as_ever(self):
        line = self._lookup().wizard_id.line_ids or self.env["privacy.lookup.wizard"].create(
            {"name": "Ana Prueba", "email": "ana@example.com"}
        )
        if line._name == "privacy.lookup.wizard":
            line.action_lookup()
            line = line.line_ids
        [of_partner] = line.filtered(lambda line: line.res_model == "res.partner")
        of_partner.action_unlink()
        self.assertFalse(self.partner.exists())
