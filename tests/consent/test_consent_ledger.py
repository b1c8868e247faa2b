"""The consent log: what is recorded by whom, with which evidence, and what it does."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form
from odoo.tools import mute_logger
from psycopg2 import Error as DatabaseError

from .test_consent import NUMBER, ConsentCase


class TestPurposes(ConsentCase):
    def test_what_is_said_of_one_purpose_leaves_the_other_as_it_was(self):
        person = self._person()
        for purpose, other in (("marketing", "utility"), ("utility", "marketing")):
            with self._case(purpose):
                person._set_consent(purpose, "opt_out", "person", "said so")
                self.assertEqual(person[f"{purpose}_state"], "opted_out")
                self.assertEqual(person[f"{other}_state"], "unknown")
                self.assertEqual(person.consent_ids.purpose, purpose)
                person._set_consent(other, "opt_in", "person", "said so")
                self.assertEqual(person[f"{purpose}_state"], "opted_out")

    def test_an_older_word_is_noted_and_changes_nothing(self):
        person = self._person()
        for purpose in ("marketing", "utility"):
            with self._case(purpose):
                person._set_consent(purpose, "opt_out", "person", "no", at=self.now)
                changed = person._set_consent(
                    purpose, "opt_in", "import", "a list", at=self.now - timedelta(days=90)
                )
                self.assertFalse(changed)
                self.assertEqual(person[f"{purpose}_state"], "opted_out")
                self.assertEqual(person.consent_ids.mapped("source"), ["person", "import"])

    def test_a_newer_word_on_the_other_purpose_makes_no_word_old(self):
        person = self._person()
        person._set_consent("utility", "opt_in", "person", "yes", at=self.now)
        earlier = self.now - timedelta(days=1)
        person._set_consent("marketing", "opt_out", "person", "no", at=earlier)
        self.assertEqual(person.marketing_state, "opted_out")

    def test_stop_and_meta_s_control_are_about_promotions_alone(self):
        self._write("BAJA", hours_ago=2)
        person = self._prefer("stop", hours_ago=1)
        self.assertEqual((person.marketing_state, person.utility_state), ("opted_out", "unknown"))

    def test_service_templates_respect_their_own_opt_out_when_queued_and_when_reserved(self):
        leads = self._lead(NUMBER) + self._lead("+34611000002")
        self._person()._set_consent("utility", "opt_out", "person", "no")
        campaign = self._campaign(leads, template_id=self.utility_template.id)
        campaign.action_launch()
        self._prepare()
        first, second = self._rows(campaign)
        self.assertEqual((first.state, first.failure_type), ("skipped", "opted_out_utility"))
        self.assertIn("service messages", first.failure_reason)
        self._person("+34611000002")._set_consent("utility", "opt_out", "person", "no")
        self._dispatch()
        self.assertEqual((second.state, second.failure_type), ("skipped", "opted_out_utility"))
        self.assertFalse(self.simulator.sends())
        promotion = self._launch(leads)
        self.assertEqual(self._rows(promotion).mapped("state"), ["accepted", "accepted"])

    def test_messages_outside_campaigns_respect_both_purposes_and_the_setting(self):
        lead = self._lead(NUMBER)
        templates = {"marketing": self.template, "utility": self.utility_template}
        cases = [
            # what was said, required, promotion, service message
            ({}, False, False, False),
            ({}, True, "no_opt_in", False),
            ({"marketing": "opt_in"}, True, False, False),
            ({"marketing": "opt_out"}, False, "opted_out", False),
            ({"utility": "opt_out"}, False, False, "opted_out_utility"),
        ]
        for said, required, *expected in cases:
            for purpose, reason in zip(templates, expected, strict=True):
                for origin in ("manual", "action", "sequence"):
                    with self._case(f"{said} {required} {purpose} {origin}"):
                        self.env.company.waba_opt_in_required = required
                        for about, action in said.items():
                            self._person()._set_consent(about, action, "person", "said so")
                        row = self.env["waba.message"]._queue_direct(
                            self.sender, lead, origin=origin, template=templates[purpose]
                        )
                        # Variables that are not filled are no matter of consent.
                        found = row.failure_type if row.failure_type != "missing_value" else False
                        self.assertEqual(found, reason)

    def test_a_new_row_inherits_opt_outs_from_everywhere_and_opt_ins_of_its_company(self):
        other = self.env["waba.portfolio"].create({"name": "Other", "portfolio_uid": "777"})
        foreign = self._portfolio_elsewhere()
        for state, action in (("opted_out", "opt_out"), ("opted_in", "opt_in")):
            for purpose in ("marketing", "utility"):
                with self._case(f"{purpose} {state}"):
                    self._person()._set_consent(purpose, action, "person", "said so")
                    name = f"{purpose}_state"
                    heard = state if action == "opt_out" else "unknown"
                    self.assertEqual(self._person(portfolio=foreign)[name], heard)
                    self.assertEqual(self._person(portfolio=other)[name], state)
                    rest = {"marketing": "utility", "utility": "marketing"}[purpose]
                    self.assertEqual(self._person(portfolio=other)[f"{rest}_state"], "unknown")

    def test_an_opt_in_to_one_company_is_none_to_another(self):
        foreign = self._portfolio_elsewhere()
        ours, theirs = self._person(), self._person(portfolio=foreign)
        ours._set_consent("marketing", "opt_out", "person", "no", at=self.now)
        self.assertEqual(theirs.marketing_state, "opted_out")
        later = self.now + timedelta(seconds=1)
        ours._set_consent("marketing", "opt_in", "person", "yes", at=later)
        self.assertEqual((ours.marketing_state, theirs.marketing_state), ("opted_in", "opted_out"))

    def test_an_opt_out_told_late_is_not_old_by_an_opt_in_to_another_company(self):
        foreign = self._portfolio_elsewhere()
        ours, theirs = self._person(), self._person(portfolio=foreign)
        theirs._set_consent("marketing", "opt_in", "person", "yes", at=self.now)
        earlier = self.now - timedelta(hours=1)
        ours._set_consent("marketing", "opt_out", "reply", "no", at=earlier)
        self.assertEqual((ours.marketing_state, theirs.marketing_state), ("opted_out", "opted_in"))
        ours._set_consent("marketing", "opt_in", "person", "yes", at=earlier - timedelta(hours=1))
        self.assertEqual(ours.marketing_state, "opted_out")


class TestOptInRequired(ConsentCase):
    def test_promotions_go_only_to_whose_opt_in_is_on_record(self):
        self.env.company.waba_opt_in_required = True
        self._person()._set_consent("marketing", "opt_in", "form", "the newsletter's form")
        leads = self._lead(NUMBER) + self._lead("+34611000002")
        asked, never_asked = self._rows(self._launch(leads))
        self.assertEqual(asked.state, "accepted")
        self.assertEqual((never_asked.state, never_asked.failure_type), ("skipped", "no_opt_in"))
        self.assertIn("opt-in", never_asked.failure_reason)
        service = self._rows(self._launch(leads, template_id=self.utility_template.id))
        self.assertFalse(service.filtered("failure_type"))

    def test_rows_that_wait_when_it_is_switched_on_are_left_out_when_reserved(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        self.env.company.waba_opt_in_required = True
        self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("failure_type")), {"no_opt_in"})
        self.assertFalse(self.simulator.sends())

    def test_it_is_off_by_default(self):
        self.assertFalse(self.env.company.waba_opt_in_required)
        self.assertEqual(self._rows(self._launch(self._leads(1))).state, "accepted")

    def test_the_panel_says_so(self):
        self.env.company.waba_opt_in_required = True
        lead = self._lead(NUMBER).with_user(self.salesperson)
        self.assertEqual(lead.waba_promotion_answer, "no")
        self.assertIn("No opt-in", lead.waba_promotion_why)
        self.assertEqual(lead.waba_service_answer, "yes")


class TestNote(ConsentCase):
    def _note(self, record, action, purpose="marketing", user=None, **values):
        action_open = (
            record.with_user(user or self.salesperson)
            .with_context(default_action=action, default_purpose=purpose)
            .action_waba_record_consent()
        )
        with Form(self._opened(action_open, user or self.salesperson)) as form:
            form.note = values.pop("note", "On the phone")
            if action == "opt_in":
                form.heard = values.pop("heard", "call")
            for name, value in values.items():
                form[name] = value
        return form.record

    def test_a_salesperson_opts_a_lead_out_and_a_manager_in_again_with_evidence(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        for purpose, why in (("marketing", "waba_promotion_why"), ("utility", "waba_service_why")):
            with self._case(purpose):
                early = self.now - timedelta(minutes=5)
                self._note(lead, "opt_out", purpose, at=early).action_confirm()
                entry = self._person().consent_ids
                self.assertEqual(
                    (entry.purpose, entry.action, entry.source, entry.evidence, entry.user_id),
                    (purpose, "opt_out", "person", "On the phone", self.salesperson),
                )
                seen = lead.with_user(self.salesperson)
                self.assertIn("Opted out", seen[why])
                self.assertEqual(seen[f"waba_{purpose}_state"], "opted_out")
                self.assertIn("On the phone", self._chatter(lead))
                wizard = self._note(lead, "opt_in", purpose, note="At the fair")
                self.assertTrue(wizard.is_reversal)
                self.assertIn("On the phone", wizard.on_record)
                with self.assertRaisesRegex(AccessError, "had opted out"):
                    wizard.action_confirm()
                again = {"note": "At the fair", "heard": "in_person", "user": self.manager}
                self._note(lead, "opt_in", purpose, **again).action_confirm()
                self.assertIn("In person: At the fair", self._chatter(lead))
                seen.invalidate_recordset()
                self.assertIn("agreed to", seen[why])

    def test_what_cannot_be_noted_says_why(self):
        lead, without, wrong = self._lead(NUMBER), self._lead(False), self._lead("12")
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        self._person()._set_consent("utility", "opt_out", "person", "no")
        before = self.now - timedelta(days=2)
        cases = [
            (lead, {"at": tomorrow}, "future"),
            (lead, {"note": "  "}, "how you know"),
            (lead, {"note": "x"}, "how you know"),
            (without, {}, "no phone number"),
            (wrong, {}, "“12” is not a phone number"),
            (lead, {"purpose": "utility", "at": before, "user": self.manager}, "something newer"),
        ]
        for record, values, words in cases:
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._note(record, "opt_in", **values).action_confirm()

    def test_a_lead_that_may_not_be_read_cannot_be_noted_for(self):
        stranger = self._salesperson_of_own()
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        wizard = self.env["waba.consent.note"].with_user(stranger)
        with self.assertRaises(AccessError):
            wizard.create(
                {"res_model": "crm.lead", "res_id": lead.id, "note": "x"}
            )._find_or_create_recipients()
        self.assertFalse(self.env["waba.consent"].search([]))

    def test_a_person_on_whatsapp_is_noted_for_too(self):
        person = self._person()
        opened = person.with_user(self.salesperson).action_record_consent()
        with Form(self._opened(opened, self.salesperson)) as form:
            form.note = "They called"
        form.record.action_confirm()
        self.assertEqual(person.marketing_state, "opted_out")


class TestWords(ConsentCase):
    def _word(self, phrase, **values):
        return self.env["waba.consent.word"].create({"phrase": phrase, **values})

    def test_the_shipped_words_are_there_once_and_stay_as_the_manager_left_them(self):
        words = self.env["waba.consent.word"].with_context(active_test=False)
        shipped = words.search([])
        self.assertEqual(set(shipped.mapped("language")), {"en", "es", "pt", "fr"})
        changed, gone = shipped[:2]
        changed.phrase, gone.active = "basta ya", False
        words._load_default_keywords()
        self.assertEqual(words.search([]), shipped)
        self.assertEqual((changed.phrase, gone.active), ("basta ya", False))

    def test_a_manager_s_word_is_heard_and_an_archived_one_is_not(self):
        self.assertEqual(self._write("Basta ya", hours_ago=9).marketing_state, "unknown")
        self.env["waba.consent.word"].with_user(self.manager).create({"phrase": "¡Basta ya!"})
        self.assertEqual(self._write("basta ya, gracias", hours_ago=8).marketing_state, "opted_out")
        self.assertEqual(self._write("ALTA", hours_ago=7).marketing_state, "opted_in")
        self.env["waba.consent.word"].search([("phrase", "like", "baja|")]).active = False
        self.assertEqual(self._write("BAJA", hours_ago=6).marketing_state, "opted_in")

    def test_only_a_word_that_says_so_is_heard_inside_a_sentence(self):
        self._word("protección de datos", match="anywhere")
        text = "Voy a llamar a protección de datos si no paran de escribirme todos los días"
        self.assertEqual(self._write("I stopped by", hours_ago=2).marketing_state, "unknown")
        self.assertEqual(self._write(text, hours_ago=1).marketing_state, "opted_out")

    def test_a_company_s_word_is_its_own(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self._word("nanay", company_id=company.id)
        self.assertEqual(self._write("nanay").marketing_state, "unknown")
        self._word("ni hablar", company_id=self.env.company.id)
        self.assertEqual(self._write("ni hablar").marketing_state, "opted_out")

    def test_a_word_that_cannot_be_read_or_has_two_meanings_is_refused(self):
        for phrase, words in (("🛑", "letter or a digit"), (" ".join("a" * 10), "at most"),
                              ("a|b|c|d " * 6, "more than")):  # fmt: skip
            with self.subTest(phrase), self.assertRaisesRegex(ValidationError, words):
                self._word(phrase)
        with self.assertRaisesRegex(ValidationError, "an opt-out and an opt-in"):
            self._word("hola|Stop", action="opt_in")

    def test_a_salesperson_changes_no_word(self):
        word = self.env["waba.consent.word"].search([], limit=1)
        with self.assertRaises(AccessError):
            word.with_user(self.salesperson).active = False


class TestAppendOnly(ConsentCase):
    def test_the_database_refuses_changes_and_deletions_too(self):
        entry = self._write("BAJA").consent_ids
        self.env.flush_all()
        for statement in (
            "UPDATE waba_consent SET action = 'opt_in' WHERE id = %s",
            "UPDATE waba_consent SET at = '2020-01-01' WHERE id = %s",
            "UPDATE waba_consent SET evidence = 'x' WHERE id = %s",
            "DELETE FROM waba_consent WHERE id = %s",
        ):
            with (
                self.subTest(statement),
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(DatabaseError, "never changed nor deleted"),
                self.cr.savepoint(),
            ):
                self.env.cr.execute(statement, (entry.id,))
        self.env.cr.execute("UPDATE waba_consent SET message_id = NULL WHERE id = %s", (entry.id,))
