"""What may be an opt-out: promotions wait, somebody is asked, one click answers."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..conversation.test_inbound import NUMBER, OTHER_NUMBER, InboundCase

DOUBT = "No me interesa"


class PossibleOptOutCase(InboundCase):
    def _doubt(self, text=DOUBT, number=NUMBER, **values):
        """Somebody writes what may be an opt-out; their row."""
        message = self._write(text, number=number, **values)
        self.assertEqual(message.wish, "may_opt_out")
        return self._person(number)

    def _words(self, person):
        return person.consent_ids.sorted("id").mapped(lambda e: (e.action, e.source))

    def _questions(self, record):
        activity_type = self.env.ref("waba_campaign.activity_type_may_opt_out")
        return self.env["mail.activity"].search(
            [
                ("res_model", "=", record._name),
                ("res_id", "=", record.id),
                ("activity_type_id", "=", activity_type.id),
            ]
        )


class TestReading(PossibleOptOutCase):
    def test_what_is_unmistakable_opts_out_what_is_not_is_asked_the_rest_is_left(self):
        cases = {
            "BAJA": ("opted_out", False),
            "END": ("opted_out", False),
            "*Ana:* BAJA": ("opted_out", False),
            "BAJA\n\nUn saludo,\nAna Pérez\nTel. 611 000 001": ("opted_out", False),
            "Me quiero dar de baja": ("opted_out", False),
            "no me escriban": ("opted_out", False),
            "No me interesa": ("unknown", True),
            "Quiero dar de baja mi línea": ("unknown", True),
            "Quiero cancelar la oferta": ("unknown", False),
            "¿Cuándo baja el precio?": ("unknown", False),
            "No quiero darme de baja": ("unknown", False),
        }
        for text, (state, waits) in cases.items():
            with self._case(text):
                self._write(text)
                person = self._person()
                self.assertEqual((person.marketing_state, bool(person.may_opt_out_at)),
                                 (state, waits))  # fmt: skip

    def test_only_what_somebody_wrote_is_read(self):
        cases = {
            "a place": {"type": "location", "location": {"address": "Stop"}},
            "a reaction": {"type": "reaction", "reaction": {"emoji": "🛑", "message_id": "X"}},
            "a picture without words": {"type": "image", "image": {"id": "1"}},
        }
        for name, values in cases.items():
            with self._case(name):
                self.assertFalse(self._write(**values).wish)
                self.assertEqual(self._person().marketing_state, "unknown")
                self.assertFalse(self._person().may_opt_out_at)

    def test_captions_and_buttons_are_read_as_texts_are(self):
        cases = [
            ({"type": "image", "image": {"caption": "Baja", "id": "1"}}, "opt_out"),
            ({"type": "button", "button": {"payload": "X", "text": "Stop promotions"}}, "opt_out"),
            ({"type": "button", "button": {"payload": "X", "text": "Unsubscribe"}}, "opt_out"),
            ({"type": "button", "button": {"payload": "X", "text": DOUBT}}, "may_opt_out"),
            ({"type": "button", "button": {"payload": "X", "text": "Ver oferta"}}, False),
        ]
        for values, wish in cases:
            with self._case(str(values)):
                self.assertEqual(self._write(**values).wish, wish)

    def test_the_companys_own_words_say_which_it_is(self):
        words = self.env["waba.consent.word"]
        words.create({"phrase": "No me interesa", "strength": "strong"})
        self.assertEqual(self._write("No me interesa").wish, "opt_out")
        words.create({"phrase": "paso", "strength": "ambiguous"})
        self.assertEqual(self._write("Paso, gracias", wamid="wamid.2").wish, "may_opt_out")
        words.create({"phrase": "defensor del lector", "strength": "ambiguous",
                      "match": "anywhere"})  # fmt: skip
        text = "Voy a hablar con el defensor del lector mañana"
        self.assertEqual(self._write(text, wamid="wamid.3").wish, "may_opt_out")

    def test_what_the_evidence_says_is_what_was_read(self):
        # The shipped words alone would hear nothing in it.
        self.env["waba.consent.word"].create({"phrase": "hasta nunca"})
        self._write("Hasta nunca")
        event = self.env["waba.reputation.event"].search([("kind", "=", "opt_out")])
        self.assertEqual(event.recipient_id, self._person())


class TestPromotionsWait(PossibleOptOutCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead(NUMBER, user_id=self.salesperson.id, contact_name="Ana Prueba")

    def test_rows_that_are_made_wait_and_go_on(self):
        person = self._doubt()
        campaign = self._launch(self.lead | self._lead(OTHER_NUMBER))
        row = campaign.waba_message_ids.filtered(lambda m: m.number == NUMBER)
        self.assertEqual((row.state, row.wait_reason, row.retry_at),
                         ("queued", "may_opt_out", False))  # fmt: skip
        self._dispatch()
        self.assertEqual(row.state, "queued")
        self.assertEqual(len(self.simulator.sends()), 1)
        self.assertIn("1 on hold", campaign.progress_text)
        person.with_user(self.salesperson).action_keep_subscribed()
        self.assertEqual((row.state, row.wait_reason), ("queued", False))
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_rows_that_were_made_before_wait_in_the_reserving_transaction(self):
        campaign = self._campaign(self.lead | self._lead(OTHER_NUMBER))
        campaign._start_launch()
        self._prepare()
        row = campaign.waba_message_ids.filtered(lambda m: m.number == NUMBER)
        person = self._doubt()
        self.assertFalse(row.wait_reason)
        self._dispatch()
        self.assertEqual((row.state, row.wait_reason), ("queued", "may_opt_out"))
        self.assertEqual(campaign.state, "running")
        person.with_user(self.salesperson).action_confirm_opt_out()
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))
        self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_service_messages_and_answers_go_on(self):
        self._doubt()
        self.template.category = "utility"
        campaign = self._launch(self.lead)
        self._dispatch()
        self.assertEqual(campaign.waba_message_ids.state, "accepted")

    def test_a_promotion_by_hand_is_refused_one_by_a_job_waits(self):
        self._doubt()
        self.template.variable_ids.write({"source": "text", "text": "x"})
        rows = self.env["waba.message"]
        by_hand = rows._queue_direct(self.sender, self.lead, origin="manual",
                                     template=self.template)  # fmt: skip
        self.assertEqual((by_hand.state, by_hand.failure_type), ("skipped", "may_opt_out"))
        self.assertIn("Opt out", by_hand.failure_reason)
        by_job = rows._queue_direct(self.sender, self.lead, origin="action",
                                    template=self.template)  # fmt: skip
        self.assertEqual((by_job.state, by_job.wait_reason), ("queued", "may_opt_out"))

    def test_their_own_plain_word_settles_it(self):
        for text, state, row_state in (("BAJA", "opted_out", "skipped"),):
            with self._case(text):
                person = self._doubt(ago=timedelta(minutes=5))
                row = self._launch(self.lead).waba_message_ids
                self._write(text, wamid="wamid.2")
                self.assertEqual((person.marketing_state, row.state), (state, row_state))
                self.assertFalse(person.may_opt_out_at)
                self.assertFalse(self._questions(self.lead))

    def test_a_colleagues_note_settles_it(self):
        for action, row_state in (("opt_in", "queued"), ("opt_out", "skipped")):
            with self._case(action):
                person = self._doubt(ago=timedelta(minutes=5))
                row = self._launch(self.lead).waba_message_ids
                person._set_consent("marketing", action, "person", "On the phone")
                self.assertFalse(person.may_opt_out_at)
                self.assertEqual((row.state, row.wait_reason), (row_state, row.wait_reason))
                self.assertEqual(bool(row.retry_at), action == "opt_in")

    def test_a_word_about_service_messages_settles_nothing(self):
        person = self._doubt()
        person._set_consent("utility", "opt_out", "person", "On the phone")
        self.assertTrue(person.may_opt_out_at)

    def test_a_stop_said_before_that_comes_late_settles_it_too(self):
        person = self._doubt()
        self._write("BAJA", wamid="wamid.2", ago=timedelta(hours=1))
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertFalse(person.may_opt_out_at)

    def test_a_message_that_was_cleared_away_can_still_be_answered(self):
        person = self._doubt()
        person.may_opt_out_message_id.unlink()
        self.assertFalse(person.may_opt_out_text)
        person.with_user(self.salesperson).action_keep_subscribed()
        self.assertFalse(person.may_opt_out_at)

    def test_whoever_has_opted_out_is_not_asked_about(self):
        self._write("BAJA", ago=timedelta(minutes=5))
        self._write(DOUBT, wamid="wamid.2")
        self.assertFalse(self._person().may_opt_out_at)

    def test_what_comes_late_and_is_older_than_a_plain_word_asks_nothing(self):
        self._write("Hola")
        self._person()._set_consent("marketing", "opt_in", "form", "Newsletter")
        self._write(DOUBT, wamid="wamid.2", ago=timedelta(hours=2))
        self.assertFalse(self._person().may_opt_out_at)

    def test_a_row_of_a_campaign_of_two_messages_waits_too(self):
        person = self._doubt()
        row = self._launch(self.lead).waba_message_ids
        row.write({"wait_reason": "trial"})
        person._apply_review(False)
        # It waits for the A/B test, and nothing else sets it free.
        self.assertEqual((row.wait_reason, row.retry_at), ("trial", False))

    def test_a_new_row_of_the_same_person_waits_as_well(self):
        self._doubt()
        other = self.env["waba.portfolio"].create({"name": "Second"})
        people = self.env["waba.recipient"]
        row = people._find_or_create_by_number(other, [NUMBER])[NUMBER]
        self.assertTrue(row.may_opt_out_at)

    def test_two_rows_that_become_one_stay_in_doubt(self):
        self._write_as("ES.1A", text=DOUBT, wamid="wamid.1")
        self._write(wamid="wamid.2")
        person = self._write_as("ES.1A", NUMBER, wamid="wamid.3").recipient_id
        self.assertTrue(person.may_opt_out_at)


class TestAnswer(PossibleOptOutCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead(NUMBER, user_id=self.salesperson.id)

    def test_both_answers_are_in_the_ledger_with_who_and_which_message(self):
        for method, action, state in (
            ("action_confirm_opt_out", "opt_out", "opted_out"),
            ("action_keep_subscribed", "kept", "unknown"),
        ):
            with self._case(method):
                person = self._doubt()
                message = person.may_opt_out_message_id
                getattr(person.with_user(self.salesperson), method)()
                entry = person.consent_ids
                self.assertEqual((entry.action, entry.source), (action, "person"))
                self.assertEqual(entry.user_id, self.salesperson)
                self.assertEqual(entry.message_id, message)
                self.assertIn(DOUBT, entry.evidence)
                self.assertIn(self.salesperson.name, entry.evidence)
                self.assertEqual(person.marketing_state, state)
                self.assertFalse(person.may_opt_out_at)

    def test_keeping_is_no_opt_in(self):
        self.env.company.waba_opt_in_required = True
        person = self._doubt()
        person.with_user(self.salesperson).action_keep_subscribed()
        self.assertEqual(person.marketing_state, "unknown")
        self.assertFalse(person._last_entries(self.env.company))
        # Nor does it make an opt-out old that was said before and comes late.
        self._write("BAJA", wamid="wamid.2", ago=timedelta(hours=1))
        self.assertEqual(person.marketing_state, "opted_out")

    def test_the_second_of_two_answers_is_told(self):
        person = self._doubt()
        person.with_user(self.salesperson).action_keep_subscribed()
        with self.assertRaises(UserError):
            person.with_user(self.manager).action_confirm_opt_out()
        self.assertEqual(person.marketing_state, "unknown")

    def test_whoever_is_on_it_is_told_once_and_the_question_is_closed(self):
        self._doubt()
        self._write("No estoy interesado", wamid="wamid.2")
        question = self._questions(self.lead)
        self.assertEqual(question.user_id, self.salesperson)
        self.assertIn(DOUBT, question.note)
        self._person().with_user(self.salesperson).action_keep_subscribed()
        self.assertFalse(self._questions(self.lead))

    def test_the_answer_is_given_where_the_person_is_looked_at(self):
        ways = {
            "conversation": lambda user: self._conversation().with_user(user),
            "person": lambda user: self._person().with_user(user),
        }
        for name, way in ways.items():
            with self._case(name):
                self._doubt()
                way(self.salesperson).action_confirm_opt_out()
                self.assertEqual(self._person().marketing_state, "opted_out")

    def test_the_lead_shows_it_and_answers(self):
        person = self._doubt()
        lead = self.lead.with_user(self.salesperson)
        self.assertEqual(lead.waba_may_opt_out_text, DOUBT)
        self.assertEqual(lead.waba_promotion_answer, "later")
        self.assertIn("Possible opt-out", lead.waba_promotion_why)
        lead.action_waba_keep_subscribed()
        lead.invalidate_recordset()
        self.assertFalse(lead.waba_may_opt_out_text)
        self.assertEqual(lead.waba_promotion_answer, "unasked")
        self.assertFalse(person.may_opt_out_at)

    def test_the_conversation_shows_it_and_answers(self):
        self._doubt()
        conversation = self._conversation().with_user(self.salesperson)
        data = conversation.conversation_data(conversation.id)
        self.assertTrue(data["may_opt_out"])
        self.assertEqual(data["may_opt_out_text"], DOUBT)
        before = conversation.conversation_poll(conversation.id)
        state = conversation.conversation_review_opt_out(conversation.id, False)
        self.assertFalse(state["may_opt_out"])
        self.assertNotEqual(conversation.conversation_poll(conversation.id), before)

    def test_who_may_not_read_it_may_not_answer_it(self):
        stranger = self._salesperson_of_own(login="waba_other_own")
        self._doubt()
        typed = self.env["crm.lead"].create(
            {"name": "Mine", "phone": NUMBER, "user_id": stranger.id}
        )
        mine = typed.with_user(stranger)
        self.assertFalse(mine.waba_may_opt_out_text, "nobody else's words")
        calls = {
            "conversation": lambda: (
                self._conversation()
                .with_user(stranger)
                .conversation_review_opt_out(self._conversation().id, True)
            ),
            "list": lambda: self._conversation().with_user(stranger).action_keep_subscribed(),
            "person": lambda: self._person().with_user(stranger).action_confirm_opt_out(),
            "lead": lambda: self.lead.with_user(stranger).action_waba_confirm_opt_out(),
        }
        for name, call in calls.items():
            with self._case(name), self.assertRaises(AccessError):
                call()
        with self.assertRaises(UserError):
            mine.action_waba_confirm_opt_out()
        nobody = new_test_user(self.env, "waba_nobody", groups="base.group_user")
        with self.assertRaises(AccessError):
            self._conversation().with_user(nobody).action_confirm_opt_out()
        self.assertTrue(self._person().may_opt_out_at)

    def test_it_is_found_in_the_lists(self):
        person = self._doubt()
        self._write("Hola", number=OTHER_NUMBER, wamid="wamid.2")
        domain = [("may_opt_out_at", "!=", False)]
        self.assertEqual(self.env["waba.recipient"].search(domain), person)
        self.assertEqual(self.env["waba.conversation"].search(domain).recipient_id, person)

    def test_no_machine_answers_it(self):
        self.env["waba.auto.reply"].create(
            {
                "name": "Interest",
                "trigger": "keyword",
                "words": "interesa\nme interesa",
                "is_whole": False,
                "text": "¡Genial!",
            }
        )
        self._lead(OTHER_NUMBER).team_id = False
        self._write("Me interesa", number=OTHER_NUMBER, wamid="wamid.0")
        answers = self.env["waba.message"].search([("origin", "=", "reply")])
        self.assertEqual(answers.number, OTHER_NUMBER)
        self._doubt()
        self.assertEqual(self.env["waba.message"].search([("origin", "=", "reply")]), answers)

    def test_an_erased_person_waits_for_nobody(self):
        person = self._doubt()
        person._erase_personal_data(self.env.company, True)
        person.invalidate_recordset()
        self.assertFalse(person.may_opt_out_at or person.may_opt_out_message_id)
        self.assertFalse(self._questions(self.lead))

    def test_a_message_says_why_it_waits(self):
        self._doubt()
        row = self._launch(self.lead).waba_message_ids
        self.assertIn("possible opt-out to review", row.why_html)
        self.assertNotIn("until", row._wait_sentence())

    def test_the_day_it_was_written_counts(self):
        person = self._doubt(ago=timedelta(hours=3))
        person.with_user(self.salesperson).action_confirm_opt_out()
        self.assertEqual(person.consent_ids.at, self.now - timedelta(hours=3))
        self.assertLess(person.consent_ids.at, fields.Datetime.now())
