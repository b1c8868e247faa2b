"""A person without a number, from the ad to the opt-out, a new user id and the shared number."""

from ..common import NUMBER_ES
from ..sequence_case import SequenceCase

NUMBER = "+34611000001"
NEW_UID = "ES.4040404040404040"


class PeopleCase(SequenceCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_create_lead = True
        # Nobody listens: the bodies are taken from the log.
        self.simulator.post("delivery", give_up_after=0)
        self._hide(NUMBER, name="Ana", username="ana_roble")

    def _hide(self, number, **values):
        person = {"number": number, "hide_number": True, **values}
        self.simulator.post("behaviour", people=[person])

    def _rare(self, kind, number=NUMBER, **values):
        self.simulator.call("rare", {"kind": kind, "phone_id": NUMBER_ES, "number": number,
                                     **values})  # fmt: skip
        self._apply_posted()

    def _writes(self, text, number=NUMBER, **values):
        answer = self.simulator.post(
            "inbound", phone_id=NUMBER_ES, number=number, text=text, **values
        )
        self._apply_posted()
        return self.env["waba.message"].search([("wamid", "=", answer["wamid"])])

    def _from_ad(self, number=NUMBER):
        """The lead of a person who writes after an ad, without showing a number."""
        self._rare("referral", number, text="Vi el anuncio del sofá")
        return self.env["crm.lead"].search([], order="id desc", limit=1)


class TestPeopleJourney(PeopleCase):
    def test_from_the_ad_to_the_opt_out_and_a_new_user_id(self):
        lead = self._from_ad()
        person = lead.waba_recipient_id
        self.assertFalse(lead.phone)
        self.assertFalse(person.number)
        self.assertEqual(lead.waba_identity, "@ana_roble")
        self.assertEqual(self.env["crm.lead"].search([("waba_identity", "ilike", "@ANA")]), lead)
        self.assertEqual(lead.waba_promotion_answer, "unasked")
        self.assertIn("Ana", lead.name)
        # Promotions go to the user id.
        campaign = self._launch(lead)
        [row] = self._rows(campaign)
        self.assertEqual((row.state, row.failure_reason), ("accepted", False))
        [sent] = self.simulator.sends()
        self.assertEqual(sent["body"]["recipient"], person.user_uid)
        self.assertNotIn("to", sent["body"])
        # What they answer is on the same lead.
        self.simulator.post("clock", advance=60)
        reply = self._writes("¿Hay en azul?")
        self.assertEqual((reply.res_id, reply.recipient_id), (lead.id, person))
        self.assertEqual(self.env["crm.lead"].search_count([("name", "like", "WhatsApp:")]), 1)
        self._writes("BAJA")
        self.assertEqual(person.marketing_state, "opted_out")
        lead.invalidate_recordset()
        self.assertEqual(lead.waba_promotion_answer, "no")
        # Another user id is the same person.
        self._rare("user_changed_user_id", user_id=NEW_UID)
        self.assertEqual(person.user_uid, NEW_UID)
        self.assertEqual(lead.waba_recipient_id, person)
        [row] = self._rows(self._launch(lead))
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))
        self.assertEqual(len(self.simulator.sends()), 1)
        # Service messages reach the new id, when the pair rate allows the next one.
        self.env["waba.conversation"].search([]).pair_free_at = False
        row = self.env["waba.message"]._queue_direct(
            self.sender, lead, origin="manual", template=self.utility_template,
            variables=self._campaign(lead, template_id=self.utility_template.id).variable_ids,
        )  # fmt: skip
        self._dispatch()
        self.assertEqual((row.state, row.failure_reason), ("accepted", False))
        self.assertEqual(self.simulator.sends()[-1]["body"]["recipient"], NEW_UID)

    def test_the_shared_number_joins_both(self):
        """Asked for in the conversation, shared with WhatsApp's button, linked with a click."""
        lead = self._from_ad()
        person = lead.waba_recipient_id
        known = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [NUMBER])
        known = known[NUMBER]
        known._set_consent("marketing", "opt_out", "person", "Told us on the phone, 3 May")
        desk = self.env["waba.conversation"].with_user(self.manager)
        conversation = desk.search([("recipient_id", "=", person.id)])
        data = desk.conversation_data(conversation.id)
        self.assertTrue(data["may_ask_number"])
        self.assertEqual(data["number"], "@ana_roble")
        answer = desk.conversation_send(
            {"conversation_id": conversation.id, "asks_number": True, "key": "ask"}
        )
        self.assertFalse(answer["refused"])
        self._dispatch()
        [sent] = self.simulator.sends()
        self.assertEqual(sent["status"], 200)
        self.assertEqual(sent["body"]["interactive"]["type"], "request_contact_info")
        self._rare("contact_request")
        data = desk.conversation_data(conversation.id)
        card = data["messages"][-1]["contacts"][0]
        self.assertEqual((card["numbers"], card["is_own"]), ([NUMBER], True))
        ask = (conversation.id, data["messages"][-1]["id"], NUMBER)
        self.assertIn(lead.name, desk.conversation_link_number(*ask)["question"])
        self.assertFalse(lead.phone)
        data = desk.conversation_link_number(*ask, False, True)["data"]
        self.assertFalse(data["may_ask_number"])
        self.assertEqual(lead.phone, NUMBER)
        self.assertFalse(lead.waba_is_renumbered)
        self.assertFalse(person.exists())
        self.assertEqual(lead.waba_recipient_id, known)
        self.assertEqual((known.username, known.marketing_state), ("ana_roble", "opted_out"))
        self.assertEqual(lead._waba_people(self.portfolio), {lead.id: known})
        [row] = self._rows(self._launch(lead))
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))

    def test_a_number_of_somebody_else_is_not_linked(self):
        lead = self._from_ad()
        other = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [NUMBER])
        other[NUMBER].write({"user_uid": "ES.777", "name": "Berta"})
        self._rare("contact_request")
        desk = self.env["waba.conversation"].with_user(self.manager)
        conversation = desk.search([("recipient_id", "=", lead.waba_recipient_id.id)])
        message = desk.conversation_data(conversation.id)["messages"][-1]
        with self.assertRaisesRegex(Exception, "Berta"):
            desk.conversation_link_number(conversation.id, message["id"], NUMBER, False, True)
        self.assertFalse(lead.phone)

    def test_a_typed_number_does_not_hide_the_opt_out(self):
        lead = self._from_ad()
        self._writes("BAJA")
        lead.phone = "+34 611 000 009"
        self.assertTrue(lead.waba_is_renumbered)
        [row] = self._rows(self._launch(lead))
        self.assertEqual((row.state, row.failure_type), ("skipped", "renumbered"))

    def _enrolled(self, sequence, lead=None):
        sequence._enroll_manually(lead)
        return self._enrollments(lead, sequence)

    def _steps(self):
        """What is due is done, and sent."""
        self._run()
        self._dispatch()
        self._run()

    def test_follow_ups_run_once_for_the_person_and_stop_with_them(self):
        lead = self._from_ad()
        sequence = self._sequence(
            {"wait_amount": 0}, {"wait_amount": 1}, trigger="manual", stage_ids=False
        )
        enrollment = self._enrolled(sequence, lead)
        twin = lead.copy({"name": "Twin"})
        twin.waba_recipient_id = lead.waba_recipient_id
        self.assertFalse(self._enrolled(sequence, twin))
        self.assertFalse(enrollment.phone)
        self._steps()
        [sent] = self.simulator.sends()
        self.assertEqual(sent["body"]["recipient"], lead.waba_recipient_id.user_uid)
        self.assertEqual(self._messages(enrollment).state, "accepted")
        self.assertEqual((enrollment.state, enrollment.steps_done), ("running", 1))
        self._writes("BAJA")
        self.assertEqual((enrollment.state, enrollment.stop_reason), ("stopped", "opted_out"))

    def test_the_message_that_makes_a_lead_is_no_reply(self):
        """With a number and without: it starts a follow-up, and the next message stops it."""
        self._sequence({"wait_amount": 0}, {}, trigger="created", stage_ids=False,
                       goal_kind="word", goal_words="anuncio")  # fmt: skip
        answered = {"kind": "answered", "goes_to": "end"}
        self._sequence(
            {"kind": "activity", "summary": "Call", "wait_amount": 0,
             "branch_ids": [(0, 0, answered)]},
            {}, trigger="created", stage_ids=False,
        )  # fmt: skip
        for number in (NUMBER, "+34611000002"):
            with self.subTest(number):
                sent = len(self.simulator.sends())
                lead = self._from_ad(number)
                found = self._enrollments(lead)
                self._steps()
                self.assertEqual(found.mapped("state"), ["running", "running"])
                self.assertEqual(found.mapped("is_deciding"), [False, True])
                self.assertEqual(len(self.simulator.sends()), sent + 1)
                self.simulator.post("clock", advance=60)
                reply = self._writes("¿Hay en azul?", number)
                self.assertEqual((reply.res_id, reply.made_lead), (lead.id, False))
                self._steps()
                self.assertEqual(found[0].stop_reason, "replied")
                self.assertEqual((found[1].state, found[1].stop_reason), ("done", False))

    def test_what_the_person_does_decides_branches_goals_and_exits(self):
        lead = self._from_ad()
        ends = [{"kind": "activity", "key": key, "summary": key, "wait_amount": 0,
                 "goes_to": "end"} for key in ("yes", "no")]  # fmt: skip
        word = [(0, 0, {"kind": "word", "words": "azul", "goes_to": "yes"})]
        first = {"key": "first", "wait_amount": 0, "goes_to": "no", "branch_ids": word}
        values = {"trigger": "manual", "stage_ids": False}
        branching = self._enrolled(self._sequence(first, *ends, **values), lead)
        goal = self._enrolled(
            self._sequence({}, goal_kind="word", goal_words="azul", **values), lead
        )
        plain = self._enrolled(self._sequence({}, **values), lead)
        self._steps()
        self.assertTrue(branching.is_deciding)
        self.simulator.post("clock", advance=60)
        message = self._writes("¿Hay en azul?")
        # Filed under another record of the person: found by the person alone.
        message.write({"res_model": False, "res_id": False})
        self._steps()
        self.assertEqual((branching.state, branching.path), ("done", ["first", "yes"]))
        self.assertEqual((goal.state, goal.goal_reached), ("done", True))
        self.assertEqual((plain.state, plain.stop_reason), ("stopped", "replied"))
        own = self._enrolled(self._sequence({}, **values), lead)
        self.env["waba.message"]._queue_direct(
            self.sender, lead, origin="manual", text="Sí, en azul"
        )
        self.assertEqual((own.state, own.stop_reason), ("stopped", "own_message"))

    def test_two_in_one_follow_up_who_turn_out_to_be_one_person(self):
        """By the shared number, by a typed one, or by the link: the later is stopped."""

        def shares(lead):
            lead.waba_recipient_id._join_number(NUMBER)

        def gets_number(lead):
            lead.phone = NUMBER

        def is_linked(lead):
            people = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [NUMBER])
            lead.waba_recipient_id = people[NUMBER]

        sequence = self._sequence({}, {}, trigger="manual", stage_ids=False)
        lead = self._from_ad()
        numbered = self._lead(NUMBER)
        for change in (gets_number, is_linked, shares):
            for order in ((lead, numbered), (numbered, lead)):
                with self._case(f"{change.__name__}, {order[0].name} first"):
                    first, second = (self._enrolled(sequence, one) for one in order)
                    self.assertEqual((first | second).mapped("state"), ["running"] * 2)
                    change(lead)
                    self.env.flush_all()
                    self.assertEqual((first.state, first.number), ("running", NUMBER))
                    self.assertEqual((second.state, second.stop_reason), ("stopped", "gone"))

    def test_leads_that_are_merged_keep_person_and_opt_out(self):
        lead = self._from_ad()
        self._writes("BAJA")
        other = self._lead("+34611000005", email_from="ana@example.com")
        lead.email_from = "ana@example.com"
        (lead | other).merge_opportunity(auto_unlink=False)
        kept = (lead | other).exists().filtered("waba_recipient_id")
        person = kept[:1].waba_recipient_id
        self.assertEqual(person.marketing_state, "opted_out")
        numbered = self.env["waba.recipient"].search([("number", "=", "+34611000005")])
        self.assertEqual(numbered.marketing_state, "opted_out")

    def test_a_contact_made_of_the_lead_is_the_person(self):
        lead = self._from_ad()
        lead._handle_partner_assignment(create_missing=True)
        contact = lead.partner_id
        self.assertEqual(contact._waba_people(self.portfolio)[contact.id], lead.waba_recipient_id)
        [row] = self._rows(self._launch(contact))
        self.assertEqual(row.state, "accepted")
        self.assertEqual(self.env["waba.recipient"]._person_record(lead), lead)
        self.assertEqual(self.env["res.partner"].search([("waba_identity", "ilike", "ana_ro")]),
                         contact)  # fmt: skip

    def test_who_reads_the_lead_reads_the_person(self):
        lead = self._from_ad()
        person = lead.waba_recipient_id
        owner = self._salesperson_of_own(name="Marta")
        lead.write({"user_id": self.manager.id})
        self.env["waba.conversation"].search([]).responsible_id = self.manager
        people = self.env["waba.recipient"].with_user(owner)
        self.assertFalse(people.search([("id", "=", person.id)]))
        lead.write({"user_id": owner.id})
        self.assertEqual(people.search([("id", "=", person.id)]), person)
        self.assertEqual(lead.with_user(owner).waba_identity, "@ana_roble")

    def test_erased_people_leave_no_link(self):
        lead = self._from_ad()
        person = lead.waba_recipient_id
        person._erase_personal_data(self.env.company)
        self.assertFalse(person.username)
        self.assertFalse(lead.waba_recipient_id)
        [row] = self._rows(self._launch(lead))
        self.assertEqual(row.failure_type, "no_number")

    def test_two_records_of_one_person_get_one_message(self):
        lead = self._from_ad()
        twin = lead.copy({"name": "Twin"})
        twin.waba_recipient_id = lead.waba_recipient_id
        rows = self._rows(self._launch(lead | twin))
        self.assertEqual(rows.mapped("state"), ["accepted", "skipped"])
        self.assertEqual(rows[1].failure_type, "duplicate")

    def test_rows_waiting_for_both_are_sent_once(self):
        """The number arrives between the preparation of a campaign and its dispatch."""
        lead = self._from_ad()
        campaign = self._campaign(lead | self._lead(NUMBER))
        campaign._start_launch()
        self._prepare()
        self.assertEqual(self._rows(campaign).mapped("state"), ["queued", "queued"])
        lead.waba_recipient_id._join_number(NUMBER)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted", "skipped"})
