"""One person under several spellings of their number, wherever people are looked for."""

import csv
import io
import runpy
import zipfile
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ...models.tools.phone_countries import e164_sql
from ...policy import numbers
from ..common import ROOT, WabaCase
from ..policy.test_policy_numbers import PEOPLE

# (what the lead shows, how else the same person may stand somewhere)
VALID_BOTH = [("+541123456789", "+5491123456789"), ("+5491123456789", "+541123456789")]
OLD_IDS = [
    ("+5491123456789", "+541123456789"), ("+2250707123456", "+22507123456"),
    ("+2290197123456", "+22997123456"), ("+525512345678", "+5215512345678"),
    ("+5511987654321", "+551187654321"),
]  # fmt: skip


class SpellingCase(WabaCase):
    def _person(self, number):
        people = self.env["waba.recipient"]
        return people._find_or_create_by_number(self.portfolio, [number])[number]

    def _of_lead(self, number, **values):
        """A campaign's row for a lead of this number."""
        lead = self._lead(number, country_id=False, **values)
        campaign = self._campaign(lead)
        campaign._start_launch()
        self._prepare()
        return self._rows(campaign)

    def _forget(self):
        self.env.cr.execute("DELETE FROM waba_message")
        self.env.cr.execute("ALTER TABLE waba_consent DISABLE TRIGGER USER")
        self.env.cr.execute("DELETE FROM waba_consent")
        self.env.cr.execute("ALTER TABLE waba_consent ENABLE TRIGGER USER")
        self.env.cr.execute("DELETE FROM waba_recipient")
        self.env["phone.blacklist"].with_context(active_test=False).search([]).unlink()
        self.env.invalidate_all()


# Privacy Lookup knows the models once the registry is complete.
@tagged("post_install", "-at_install")
class TestOnePerson(SpellingCase):
    def test_sql_reads_numbers_as_python_does(self):
        asked = [form for number, others in PEOPLE.items() for form in (number, *others)]
        asked += ["+34600000001", "+551132654321", "+22520304050", "+540800123456", "+1", ""]
        rows = self.env.execute_query(
            SQL("SELECT n, %s FROM unnest(%s::varchar[]) AS n", e164_sql(SQL("n")), asked)
        )
        self.assertEqual(dict(rows), {number: numbers.canonical_number(number) for number in asked})

    def test_every_spelling_finds_the_one_row(self):
        people = self.env["waba.recipient"]
        for number, others in PEOPLE.items():
            with self.subTest(number):
                made = people._find_or_create_by_number(self.portfolio, [*others, number])
                self.assertEqual(len(set(made.values())), 1)
                self.assertEqual(made[number].number, number)
                for form in others:
                    found = people._find_or_create_person(self.portfolio, form)
                    self.assertEqual(found, made[number])
                    self.assertIn(form, made[number]._number_forms())

    def test_a_row_made_by_the_orm_has_the_one_number(self):
        person = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "number": "+541123456789"}
        )
        self.assertEqual(person.number, "+5491123456789")
        person.number = "+22507123456"
        self.assertEqual(person.number, "+2250707123456")

    def test_an_opt_out_under_any_spelling_holds_for_all(self):
        for shown, other in OLD_IDS + VALID_BOTH:
            with self.subTest(shown=shown, other=other):
                self._person(other)._set_consent("marketing", "opt_out", "reply", "no")
                row = self._of_lead(shown)
                self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))
                self._forget()

    def test_an_old_spelling_on_the_record_is_the_number_of_today(self):
        for typed, number in (
            ("+52 1 55 1234 5678", "+525512345678"), ("+225 07 12 34 56", "+2250707123456"),
            ("+229 97 12 34 56", "+2290197123456"), ("+55 11 8765-4321", "+5511987654321"),
        ):  # fmt: skip
            with self.subTest(typed):
                row = self._of_lead(typed)
                self.assertEqual((row.number, row.state), (number, "queued"))
                faults = []
                read = self.env["waba.consent"]._parse_number(typed, self.env.company, faults)
                self.assertEqual((read, faults), (number, []))

    def test_a_blacklisted_spelling_is_left_out_when_prepared_and_when_reserved(self):
        for shown, other in VALID_BOTH:
            with self.subTest(shown=shown):
                self.env["phone.blacklist"]._add([other])
                row = self._of_lead(shown)
                self.assertEqual((row.state, row.failure_type), ("skipped", "blacklisted"))
                self._forget()
                row = self._of_lead(shown)
                self.assertEqual(row.state, "queued")
                self.env["phone.blacklist"]._add([other])
                self._dispatch()
                self.assertEqual((row.state, row.failure_type), ("skipped", "blacklisted"))
                self.assertFalse(self.simulator.sends())
                self._forget()

    def test_the_blacklist_is_fed_with_every_valid_spelling(self):
        self.env.company.waba_feed_blacklist = True
        person = self._person("+541123456789")
        person._set_consent("marketing", "opt_out", "person", "no", at=self.env.cr.now())
        listed = self.env["phone.blacklist"].search([]).mapped("number")
        self.assertLessEqual({"+5491123456789", "+541123456789"}, set(listed))
        person._set_consent(
            "marketing", "opt_in", "reply", "yes", at=self.env.cr.now() + timedelta(minutes=1)
        )
        self.assertFalse(self.env["phone.blacklist"].search([]))

    def test_two_records_of_one_person_get_one_message(self):
        leads = self._lead("+541123456789", country_id=False)
        leads |= self._lead("+5491123456789", country_id=False)
        campaign = self._campaign(leads)
        campaign._start_launch()
        self._prepare()
        rows = self._rows(campaign)
        self.assertEqual(sorted(rows.mapped("state")), ["queued", "skipped"])
        self.assertEqual(rows.filtered("failure_type").failure_type, "duplicate")
        self.assertEqual(len(rows.recipient_id), 1)
        self._dispatch()
        sent_to = [entry["recipient"] for entry in self.simulator.sends()]
        self.assertEqual(sent_to, ["+5491123456789"])

    def test_old_ids_are_answered_where_whatsapp_knows_them(self):
        for number, wa_number, expected in (
            ("+2250707123456", "+22507123456", "+22507123456"),
            ("+5491123456789", "+541123456789", "+5491123456789"),
        ):
            with self.subTest(number):
                self._person(number).wa_number = wa_number
                row = self._of_lead(number)
                self.assertEqual(row.number, number)
                bodies = []
                for person in row.recipient_id:
                    bodies.append(numbers.sending_number(row.number, person.wa_number))
                self.assertEqual(bodies, [expected])
                self._dispatch()
                self.assertEqual(self.simulator.sends()[-1]["recipient"], expected)

    def test_a_record_is_found_by_any_spelling(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": "+541123456789"})
        self.assertEqual(partner.phone_sanitized, "+541123456789")
        person = self._person("+5491123456789")
        self.assertEqual(person._company_partner(self.env.company), partner)
        conversations = self.env["waba.conversation"]
        conversation = conversations._find_or_create_pair(self.sender, person)
        self.assertEqual(conversations._find_by_record(partner), conversation)

    def test_a_person_s_data_are_found_and_erased_under_every_spelling(self):
        person = self._person("+541123456789")
        person._set_consent("marketing", "opt_out", "reply", "no")
        with zipfile.ZipFile(io.BytesIO(person._export_zip(self.env.company))) as archive:
            raw = archive.read("consents.csv").decode("utf-8-sig")
        self.assertEqual(len(list(csv.DictReader(io.StringIO(raw)))), 1)
        person._erase_personal_data(self.env.company, True)
        for form in ("+541123456789", "+5491123456789", "+54111523456789"):
            with self.subTest(form):
                self.assertEqual(self._person(form).marketing_state, "opted_out")

    def test_a_fingerprint_of_before_is_known_again(self):
        erased = self.env["waba.erased.person"]
        erased._record_opted_out({"+541123456789"}, no_marketing=True, no_utility=False)
        self.assertEqual(self._person("+5491123456789").marketing_state, "opted_out")

    def test_privacy_lookup_finds_them_by_a_contact_s_other_spelling(self):
        if "privacy.lookup.wizard" not in self.env:
            self.skipTest("privacy_lookup is not installed")
        person = self._person("+5491123456789")
        self.env["res.partner"].create(
            {"name": "Ana", "email": "ana@shop.example", "phone": "+541123456789"}
        )
        wizard = self.env["privacy.lookup.wizard"].create(
            {"name": "Ana", "email": "ana@shop.example"}
        )
        wizard.action_lookup()
        found = wizard.line_ids.filtered(lambda line: line.res_model == "waba.recipient")
        self.assertEqual(found.mapped("res_id"), person.ids)

    def test_promotions_under_every_spelling_count_as_one_persons(self):
        self.env.company.write({"waba_frequency_count": 1, "waba_frequency_days": 7})
        now = self.env.cr.now()
        row = self._of_lead("+5491123456789")
        row.flush_recordset()
        self.env.cr.execute(
            "UPDATE waba_message SET number = '+541123456789', promoted_at = %s, state = 'sent'"
            " WHERE id = %s", [now, row.id]
        )  # fmt: skip
        self.env.invalidate_all()
        promoted = row._recent_promotions(self.env.company, {"+5491123456789"}, now)
        self.assertEqual(list(promoted), ["+5491123456789"])


class TestJoin(SpellingCase):
    """Databases that knew one person twice."""

    def _twins(self, old, **values):
        """(row under the one number, row under another spelling), as SQL of before made them."""
        known = self._person(numbers.canonical_number(old))
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO waba_recipient (portfolio_id, number, marketing_state, utility_state)"
            " VALUES (%s, %s, 'unknown', 'unknown') RETURNING id", [self.portfolio.id, old]
        )  # fmt: skip
        other = known.browse(self.env.cr.fetchone()[0])
        other.write(values)
        return known, other

    def _say(self, person, action, minutes):
        """A word of before, when the two spellings were two people."""
        self.env["waba.consent"].create(
            {"recipient_id": person.id, "purpose": "marketing", "action": action,
             "source": "reply", "evidence": action,
             "at": self.env.cr.now() - timedelta(minutes=minutes)}
        )  # fmt: skip
        state = "opted_in" if action == "opt_in" else "opted_out"
        person.write({"marketing_state": state})

    def test_the_stricter_word_holds_whoever_said_it_and_when(self):
        for first, second, expected in (
            (("opt_in", 5), ("opt_out", 9), "opted_out"),
            (("opt_in", 9), ("opt_out", 5), "opted_out"),
            (("opt_out", 9), ("opt_in", 5), "opted_out"),
            (None, ("opt_out", 5), "opted_out"),
            (("opt_out", 5), None, "opted_out"),
            (None, None, "unknown"),
        ):
            with self.subTest(first=first, second=second):
                known, other = self._twins("+541123456789")
                for person, word in ((known, first), (other, second)):
                    if word:
                        self._say(person, *word)
                entries = other.consent_ids
                known._merge_spellings()
                self.assertEqual(known.marketing_state, expected)
                self.assertEqual(entries.recipient_id, other if entries else other.browse())
                self.assertEqual(bool(other.exists()), bool(entries))
                count = len(known.consent_ids)
                known._merge_spellings()
                self.assertEqual((len(known.consent_ids), known.marketing_state), (count, expected))
                self.assertEqual(self._of_lead("+541123456789").recipient_id, known)
                self._forget()

    def test_an_upgrade_does_it(self):
        known, other = self._twins("+541123456789")
        path = ROOT / "migrations" / "19.0.1.1.0" / "post-spellings.py"
        runpy.run_path(path)["migrate"](self.env.cr, "19.0.1.0.0")
        self.env.invalidate_all()
        self.assertEqual((bool(known.exists()), bool(other.exists())), (True, False))

    def test_what_is_known_of_both_is_kept(self):
        early, late = "2026-11-01 10:00:00", "2026-11-02 10:00:00"
        known, other = self._twins(
            "+541123456789", slot_at=late, is_blocked=True, user_uid="AR.1", name="Ana"
        )
        known.slot_at = early
        conversation = self.env["waba.conversation"]._find_or_create_pair(self.sender, other)
        row = self._of_lead("+5491123456789")
        row.recipient_id = other
        known._merge_spellings()
        self.assertFalse(other.exists())
        self.assertEqual(str(known.slot_at), late)
        self.assertEqual((known.is_blocked, known.user_uid, known.name), (True, "AR.1", "Ana"))
        self.assertEqual((row.recipient_id, conversation.recipient_id), (known, known))

    def test_a_row_alone_moves_to_the_one_number(self):
        for old, new, wa_number in (
            ("+541123456789", "+5491123456789", False),
            ("+22507123456", "+2250707123456", "+22507123456"),
            ("+22997123456", "+2290197123456", "+22997123456"),
        ):
            with self.subTest(old):
                known, other = self._twins(old)
                known.unlink()
                self._say(other, "opt_out", 5)
                other._merge_spellings()
                self.assertEqual((other.number, other.wa_number), (new, wa_number))
                self.assertEqual(other.consent_ids.number, new)
                self.assertEqual(self._of_lead(new).failure_type, "opted_out")
                self._forget()

    def test_a_follow_up_goes_on_under_the_one_number(self):
        lead = self._lead("+5491123456789", country_id=False)
        sequence = self.env["waba.sequence"].create(
            {"name": "After the fair", "trigger": "manual", "sender_id": self.sender.id}
        )
        enrollments = self.env["waba.sequence.enrollment"].create(
            [
                {"sequence_id": sequence.id, "lead_id": one.id, "number": number, "version": 1}
                for one, number in (
                    (lead, "+541123456789"),
                    (self._lead("+34600000001"), "+34600000001"),
                    (self._lead("+541123456789", country_id=False), "+5491123456789"),
                )
            ]
        )
        self.env["waba.recipient"]._merge_spellings()
        self.assertEqual(enrollments.mapped("state"), ["running", "running", "stopped"])
        self.assertEqual(enrollments[0].number, "+5491123456789")
        self._person("+541123456789")._set_consent("marketing", "opt_out", "reply", "no")
        self.assertEqual(enrollments.mapped("state"), ["stopped", "running", "stopped"])


# (a number of ours as Meta writes it, how a lead shows it)
OURS = [
    ("+34 600 000 009", "+34600000009"), ("+34 600 000 009", "0034 600 00 00 09"),
    ("+54 9 11 2345-6789", "+541123456789"), ("+54 11 2345-6789", "+5491123456789"),
    ("+52 1 55 1234 5678", "+525512345678"), ("+52 55 1234 5678", "+5215512345678"),
    ("+55 11 8765-4321", "+5511987654321"), ("+225 0707123456", "+22507123456"),
    ("+229 97123456", "+2290197123456"),
]  # fmt: skip


class TestOurNumbers(SpellingCase):
    """Nobody is a person with a number that we write from."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for line in cls.utility_template.variable_ids | cls.template.variable_ids:
            if not line._is_complete():
                line.text = "prueba"

    def _ours(self, shown="+54 9 11 2345-6789", **values):
        """One more number of ours."""
        return self.env["waba.sender"].create(
            {"account_id": self.account.id, "phone_number_uid": "4890",
             "display_phone_number": shown, **values}
        )  # fmt: skip

    def _records(self, number):
        return (
            self._lead(number, country_id=False),
            self.env["res.partner"].create({"name": "We ourselves", "phone": number}),
        )

    def _assert_nobody(self, rows, reason="own_number"):
        self.env.invalidate_all()
        for row in rows:
            self.assertEqual((row.state, row.failure_type), ("skipped", reason))
            self.assertFalse(row.recipient_id)

    def test_a_campaign_leaves_it_out_in_every_spelling(self):
        for shown, number in OURS:
            for record in self._records(number):
                with self._case(f"{shown} as {number} of {record._name}"):
                    self._ours(shown)
                    before = self.env["waba.recipient"].search_count([])
                    row = self._rows(self._launch(record))
                    self._assert_nobody(row)
                    self.assertEqual(
                        row.failure_reason, "Not sent: one of your own WhatsApp numbers."
                    )
                    self.assertEqual(self.env["waba.recipient"].search_count([]), before)
                    self.assertFalse(self.simulator.sends())

    def test_whose_numbers_are_ours(self):
        """Of any company: their automatic replies and ours would answer each other endlessly."""
        self._portfolio_elsewhere()
        theirs = self.env["waba.account"].search([("waba_uid", "=", "99")])
        whose = {
            "an archived number": {"active": False},
            "a locked number": {"state": "locked", "pause_reason": "x"},
            "known by its E.164 form": {"display_phone_number": False, "number": "+5491123456789"},
            "another company's": {"account_id": theirs.id},
            "another company's, archived": {"account_id": theirs.id, "active": False},
        }
        for name, values in whose.items():
            with self._case(name):
                self._ours(**values)
                self._assert_nobody(self._of_lead("+541123456789"))
        with self._case("deleted"):
            self._ours().unlink()
            self.assertEqual(self._of_lead("+541123456789").state, "queued")

    def test_two_leads_with_it_are_no_duplicates_and_others_are_written_to(self):
        self.env["phone.blacklist"].create({"number": self.sender.number})
        ours = self._lead("600 000 001") | self._lead("+34 600 000 001")
        campaign = self._launch(ours | self._lead("+34611000001"))
        self._assert_nobody(self._rows(campaign, "skipped"))
        self.assertEqual(len(self._rows(campaign, "skipped")), 2)
        self.assertEqual(self._rows(campaign, "accepted").number, "+34611000001")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_a_number_that_becomes_ours_before_its_message_leaves(self):
        numbers = ("+541123456789", "+34611000001")
        for active in (True, False):
            with self._case(f"active: {active}"):
                leads = [self._lead(number, country_id=False) for number in numbers]
                campaign = self._campaign(leads[0] | leads[1])
                campaign._start_launch()
                self._prepare()
                row, other = self._rows(campaign).sorted("number", reverse=True)
                self.assertEqual((row.state, row.number), ("queued", "+5491123456789"))
                self._ours(active=active)
                self._dispatch()
                self.assertEqual((row.state, row.failure_type), ("skipped", "own_number"))
                self.assertEqual(other.state, "accepted")
                self.assertEqual(len(self.simulator.sends()), 1)
                self.assertIn("one of your own WhatsApp numbers", row.why_html)

    def test_the_reservation_asks_once_for_all(self):
        campaign = self._campaign(self._leads(20))
        campaign._start_launch()
        self._prepare()

        def queries(count):
            self.env.flush_all()
            before = self.cr.sql_log_count
            now = fields.Datetime.now() + timedelta(minutes=1)
            rows = self.sender._find_candidates(campaign, count, now, now, False)
            self.assertEqual(len(rows), count)
            return self.cr.sql_log_count - before

        queries(2)
        self.assertEqual(queries(2), queries(20))

    def test_no_message_of_any_origin_goes_to_it(self):
        queue = self.env["waba.message"]._queue_direct
        contents = ({"template": self.utility_template}, {"template": self.template},
                    {"text": "Hola"})  # fmt: skip
        for origin in ("sequence", "action", "manual", "reply", "test"):
            for content in contents:
                for number in ("+34600000001", "+5215510000002"):
                    for record in self._records(number):
                        with self.subTest(origin=origin, number=number, record=record, **content):
                            row = queue(self.sender, record, origin=origin, **content)
                            self._assert_nobody(row)
                            self.assertFalse(row.parameters)
        self.assertFalse(self.env["waba.recipient"].search([("number", "=", "+34600000001")]))

    def test_who_was_known_before_it_was_ours(self):
        person = self._person("+541123456789")
        elsewhere = self.env["waba.portfolio"].create({"name": "Another", "portfolio_uid": "779"})
        there = self.env["waba.recipient"]._find_or_create_by_number(elsewhere, [person.number])
        self._ours()
        for one in (person, *there.values()):
            row = self.env["waba.message"]._queue_direct(
                self.sender, one, origin="manual", template=self.utility_template
            )
            self.assertEqual((row.state, row.failure_type), ("skipped", "own_number"))
        self.assertEqual(self._of_lead("+541123456789").failure_type, "own_number")

    def test_no_conversation_is_begun_with_it(self):
        for record in self._records("+521 55 1000 0002"):
            before = self.env["waba.conversation"].search_count([])
            with self.assertRaisesRegex(UserError, "one of your own WhatsApp numbers"):
                self.env["waba.conversation"].with_user(self.manager).conversation_send(
                    {"shown": [record._name, record.id], "key": "k",
                     "sender_id": self.sender.id, "template_id": self.utility_template.id}
                )  # fmt: skip
            self.assertEqual(self.env["waba.conversation"].search_count([]), before)
