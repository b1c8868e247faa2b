"""Who wants no promotions: how they say it, what is written down, and that nothing is sent."""

from datetime import datetime, timedelta
from itertools import permutations

from odoo.addons.waba_campaign.policy.intent import RESUME_PAYLOAD, STOP_PAYLOAD
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..common import NO_WEBHOOK, PublicAddress, WabaCase, epoch

NUMBER = "+34611000001"


class ConsentCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.now = datetime.now().replace(microsecond=0)
        self.wrote = 0

    def _person(self, number=NUMBER, portfolio=None):
        people = self.env["waba.recipient"]
        return people._find_or_create_by_number(portfolio or self.portfolio, [number])[number]

    def _body(self, text, hours_ago=0, **values):
        """Someone writes a text some hours before now."""
        self.wrote += 1
        moment = self.now - timedelta(hours=hours_ago)
        return self._inbound(
            NUMBER, text, wamid=f"wamid.C{self.wrote}", timestamp=epoch(moment), **values
        )

    def _write(self, text, hours_ago=0, **values):
        self._receive(self._body(text, hours_ago, **values))
        return self._person()

    def _preference_body(self, value, hours_ago=0, **values):
        return self._change(
            "user_preferences",
            {
                "user_preferences": [
                    {
                        "wa_id": NUMBER.lstrip("+"),
                        "category": "marketing_messages",
                        "value": value,
                        "detail": f"User requested to {value} marketing messages",
                        "timestamp": epoch(self.now - timedelta(hours=hours_ago)),
                        **values,
                    }
                ]
            },
        )

    def _prefer(self, value, hours_ago=0, **values):
        self._receive(self._preference_body(value, hours_ago, **values))
        return self._person()


class TestWishes(ConsentCase):
    """The words and buttons; policy's own tests hold the whole vocabulary."""

    def test_a_wish_to_stop_is_understood_in_four_languages_and_nothing_else_is_taken_for_one(self):
        wishes = ["STOP", "Unsubscribe", "BAJA", "No quiero más mensajes", "Sair", "Parar", "ARRÊT",
                  "Je veux me désabonner", "Please stop", "Darme de baja, gracias"]  # fmt: skip
        others = ["Hola", "¿Cuánto cuesta?", "No pares", "I stopped by your shop", "👍",
                  "Quiero cancelar el pedido 17"]  # fmt: skip
        for text in wishes + others:
            with self._case(text):
                person = self._write(text)
                expected = "opted_out" if text in wishes else "unknown"
                self.assertEqual(person.marketing_state, expected)
                self.assertEqual(bool(person.consent_ids), text in wishes)

    def test_the_entry_says_what_was_said_when_and_in_which_message(self):
        person = self._write("BAJA", hours_ago=2)
        entry = person.consent_ids
        self.assertEqual(
            (entry.purpose, entry.action, entry.source), ("marketing", "opt_out", "reply")
        )
        self.assertEqual(entry.at, self.now - timedelta(hours=2))
        self.assertEqual(entry.evidence, 'They wrote "BAJA".')
        self.assertEqual(entry.message_id.text, "BAJA")
        self.assertEqual(entry.number, NUMBER)

    def test_our_stop_button_is_a_wish_whatever_its_label(self):
        for label in ("Baja", "Ya no, gracias", "Hola"):
            with self._case(label):
                person = self._write(
                    "", type="button", button={"payload": STOP_PAYLOAD, "text": label}
                )
                self.assertEqual(person.marketing_state, "opted_out")
                self.assertEqual(person.consent_ids.source, "button")

    def test_a_resume_button_answers_an_opt_out_and_is_none_for_who_never_opted_out(self):
        button = {"type": "button", "button": {"payload": RESUME_PAYLOAD, "text": "Volver"}}
        self.assertEqual(self._write("", **button).marketing_state, "unknown")
        self._write("BAJA")
        self.assertEqual(self._write("", **button).marketing_state, "opted_in")

    def test_alta_and_start_are_an_opt_in_only_after_an_opt_out(self):
        for text in ("ALTA", "START", "alta por favor"):
            with self._case(text):
                person = self._write(text, hours_ago=5)
                self.assertEqual(person.marketing_state, "unknown")
                self.assertFalse(person.consent_ids)
                self._write("BAJA", hours_ago=4)
                self._write(text, hours_ago=3)
                self.assertEqual(person.marketing_state, "opted_in")
                self.assertEqual(person.consent_ids.mapped("action"), ["opt_in", "opt_out"])

    def test_whatsapps_own_control_stops_and_resumes(self):
        person = self._prefer("stop", hours_ago=2)
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertEqual(person.consent_ids.source, "whatsapp")
        self.assertEqual(person.consent_ids.evidence, "User requested to stop marketing messages")
        self.assertEqual(person.consent_ids.at, self.now - timedelta(hours=2))
        self._prefer("resume", hours_ago=1)
        self.assertEqual(person.marketing_state, "opted_in")
        self.assertEqual(len(person.consent_ids), 2)

    def test_a_control_that_shows_a_user_id_alone_reaches_the_person_of_the_number(self):
        person = self._person()
        person.user_uid = "ES.1A"
        self._prefer("stop", wa_id="", user_id="ES.1A")
        self.assertEqual(person.marketing_state, "opted_out")

    def test_a_control_that_we_do_not_know_decides_nothing(self):
        self.assertEqual(self._prefer("maybe").marketing_state, "unknown")

    def test_a_refusal_by_whatsapp_is_written_down_as_such(self):
        row = self._message(NUMBER)
        errors = [{"code": 131050, "title": "User has stopped to receive marketing messages"}]
        self._receive(self._status(row, "failed", timestamp=epoch(self.now), errors=errors))
        person = self._person()
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertEqual(person.consent_ids.source, "refused")
        self.assertEqual(person.consent_ids.message_id, row)
        self.assertEqual(row.state, "failed")


class TestOrder(ConsentCase):
    """The last word said counts, not the last to arrive."""

    def test_any_order_of_arrival_ends_with_the_last_word_said(self):
        words = {
            "stop, resume, stop": (["stop", "resume", "stop"], "opted_out"),
            "resume, stop, resume": (["resume", "stop", "resume"], "opted_in"),
            "stop, stop, resume": (["stop", "stop", "resume"], "opted_in"),
            "resume, stop, stop": (["resume", "stop", "stop"], "opted_out"),
        }
        for name, (values, expected) in words.items():
            bodies = [
                self._preference_body(value, hours_ago=9 - index)
                for index, value in enumerate(values)
            ]
            for together in (True, False):
                for order in permutations(range(3)):
                    with self._case(f"{name} {order} {together}"):
                        for index in order:
                            self._store_event(bodies[index])
                            if not together:
                                self._apply_webhooks()
                        self._apply_webhooks()
                        self.assertEqual(self._person().marketing_state, expected)

    def test_words_and_controls_mix(self):
        bodies = [
            self._body("BAJA", hours_ago=6),
            self._preference_body("resume", hours_ago=5),
            self._body("STOP", hours_ago=4),
        ]
        for order in permutations(range(3)):
            with self._case(str(order)):
                for index in order:
                    self._receive(bodies[index])
                self.assertEqual(self._person().marketing_state, "opted_out")

    def test_a_late_word_does_not_undo_what_a_colleague_noted_after_it(self):
        person = self._person()
        self._record_preference(person, "opt_in")
        self._write("BAJA", hours_ago=2)
        self._prefer("stop", hours_ago=1)
        self.assertEqual(person.marketing_state, "opted_in")
        self.now += timedelta(minutes=5)
        self._write("BAJA")
        self.assertEqual(person.marketing_state, "opted_out")

    def test_a_refusal_reported_late_does_not_undo_a_newer_resume(self):
        row = self._message(NUMBER)
        errors = [{"code": 131050, "title": "Stopped"}]
        told = epoch(self.now - timedelta(hours=2))
        refused = self._status(row, "failed", timestamp=told, errors=errors)
        resumed = self._preference_body("resume", hours_ago=1)
        for bodies in ((refused, resumed), (resumed, refused)):
            for together in (True, False):
                with self._case(f"{bodies[0] is refused} {together}"):
                    for body in bodies:
                        self._store_event(body)
                        if not together:
                            self._apply_webhooks()
                    self._apply_webhooks()
                    self.assertEqual(self._person().marketing_state, "opted_in")

    def test_the_same_word_applied_again_is_written_down_once(self):
        event = self._receive(self._preference_body("stop"))
        event.action_reapply()
        self._apply_webhooks()
        self._receive(self._preference_body("stop"))
        self.assertEqual(len(self._person().consent_ids), 1)


class TestReach(ConsentCase):
    """Consent is the company's, whatever the portfolio, number or way of writing it."""

    def _other_portfolio(self, uid="777"):
        return self.env["waba.portfolio"].create({"name": "Other", "portfolio_uid": uid})

    def test_an_opt_out_holds_in_every_portfolio_for_people_known_and_still_unknown(self):
        elsewhere, later = self._other_portfolio(), self._other_portfolio("778")
        known = self._person(portfolio=elsewhere)
        stranger = self._person("+34611000099", portfolio=elsewhere)
        self._write("BAJA")
        self.assertEqual(known.marketing_state, "opted_out")
        self.assertEqual(self._person(portfolio=later).marketing_state, "opted_out")
        self.assertEqual(stranger.marketing_state, "unknown")
        self._write("ALTA")
        self.assertEqual(known.marketing_state, "opted_in")

    def test_a_late_word_from_another_portfolio_is_late_too(self):
        known = self._person(portfolio=self._other_portfolio())
        known._set_marketing_state("opted_in", "person", "On the phone", at=self.now)
        self._write("BAJA", hours_ago=1)
        self.assertEqual(known.marketing_state, "opted_in")

    def test_an_opt_out_holds_for_both_ways_of_writing_a_number(self):
        ours, theirs = "+5215512345678", "+525512345678"
        person = self._person(ours)
        person.wa_number = theirs
        elsewhere = self._person(theirs, portfolio=self._other_portfolio())
        person._set_marketing_state("opted_out", "person", "said so")
        self.assertEqual(elsewhere.marketing_state, "opted_out")

    def test_whoever_is_first_known_by_the_other_way_of_writing_is_no_stranger(self):
        person = self._person("+5215512345678")
        person.wa_number = "+525512345678"
        person._set_marketing_state("opted_out", "person", "said so")
        known_later = self._person("+525512345678", portfolio=self._other_portfolio())
        self.assertEqual(known_later.marketing_state, "opted_out")


class TestSending(ConsentCase):
    def _prepared(self, template, leads):
        campaign = self._campaign(leads, template_id=template.id)
        campaign.action_launch()
        self._prepare()
        return campaign

    def test_promotions_that_wait_are_left_out_and_service_messages_still_go(self):
        leads = self._lead(NUMBER) + self._lead("+34611000002")
        promotion = self._prepared(self.template, leads)
        service = self._prepared(self.utility_template, leads)
        self._write("BAJA")
        self._dispatch()
        left_out = self._rows(promotion)[0]
        self.assertEqual((left_out.state, left_out.failure_type), ("skipped", "opted_out"))
        self.assertEqual(self._rows(promotion)[1].state, "accepted")
        # The other row waits: six seconds must pass between two messages to one person.
        self.assertEqual(self._rows(service)[0].state, "accepted")
        self.assertEqual(self._rows(service).mapped("failure_type"), [False, False])

    def test_a_new_campaign_leaves_them_out_until_they_come_back(self):
        self._write("BAJA")
        lead = self._lead(NUMBER)
        campaign = self._launch(lead)
        self.assertEqual(self._rows(campaign).failure_type, "opted_out")
        self.assertFalse(self.simulator.sends())
        self._write("ALTA")
        again = self._launch(lead)
        self.assertEqual(self._rows(again).state, "accepted")

    def test_a_campaign_counts_those_who_opted_out_in_answer_to_it(self):
        leads = self._lead(NUMBER) + self._lead("+34611000002") + self._lead("+34611000003")
        campaign = self._launch(leads)
        self.now = datetime.now().replace(microsecond=0)
        self._write("BAJA")
        self._receive(self._inbound("+34611000002", "Gracias", wamid="wamid.THANKS"))
        self._receive(self._inbound("+34611000099", "BAJA", wamid="wamid.STRANGER"))
        self.assertEqual((campaign.replied_count, campaign.opted_out_count), (2, 1))

    def test_the_button_of_a_template_stops_the_person_who_presses_it(self):
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.addCleanup(self.simulator.post, "delivery", url=NO_WEBHOOK)
        self.simulator.post(
            "behaviour",
            people=[{"number": NUMBER.lstrip("+"), "behaviour": "stop"}],
            stop_kinds=["button"],
        )
        campaign = self._launch(self._lead(NUMBER) + self._lead("+34611000002"))
        self._apply_posted()
        person = self._person()
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertEqual(person.consent_ids.source, "button")
        self.assertEqual(person.consent_ids.message_id.payload, STOP_PAYLOAD)
        self.assertEqual(person.consent_ids.message_id.reply_to_id, self._rows(campaign)[0])
        self.assertEqual(campaign.opted_out_count, 1)


class TestLedger(ConsentCase):
    def test_an_entry_is_never_changed_and_never_deleted_by_anybody(self):
        entry = self._write("BAJA").consent_ids
        for values in (
            {"action": "opt_in"},
            {"evidence": "nothing"},
            {"at": self.now},
            {"recipient_id": self._person("+34611000002").id},
            {"source": "person", "message_id": False},
        ):
            with self.assertRaisesRegex(UserError, "cannot be changed"):
                entry.write(values)
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            entry.unlink()
        for user in (self.salesperson, self.manager):
            with self.assertRaises(UserError):
                entry.with_user(user).write({"action": "opt_in"})
            with self.assertRaises(AccessError):
                entry.with_user(user).write({"message_id": False})
            with self.assertRaises(AccessError):
                entry.with_user(user).unlink()
            with self.assertRaises(AccessError):
                entry.with_user(user).copy()
        self.assertEqual(entry.action, "opt_out")

    def test_an_entry_outlives_its_message(self):
        entry = self._write("BAJA").consent_ids
        entry.message_id.unlink()
        self.assertEqual(entry.exists().evidence, 'They wrote "BAJA".')

    def test_a_colleague_notes_what_they_were_told(self):
        person = self._person()
        for kind, state in (("opt_in", "opted_in"), ("opt_out", "opted_out")):
            self._record_preference(person, kind)
            entry = self.env["waba.consent"].search([], order="id desc", limit=1)
            self.assertEqual(person.marketing_state, state)
            self.assertEqual((entry.action, entry.source), (kind, "person"))
            self.assertEqual(entry.user_id, self.salesperson)
            self.assertIn("They said so today", entry.evidence)

    def test_nobody_without_the_group_or_of_another_company_notes_anything(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        seller = new_test_user(self.env, "waba_seller", groups="sales_team.group_sale_manager")
        stranger = new_test_user(
            self.env,
            "waba_stranger",
            groups="waba_campaign.waba_group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        person = self._person()
        for user in (seller, stranger):
            for action in ("opt_out", "opt_in"):
                with self.subTest(f"{user.login} {action}"), self.assertRaises(AccessError):
                    self._record_preference(person, action, user)
        self.assertEqual(person.marketing_state, "unknown")
        self.assertFalse(person.consent_ids)

    def test_nobody_writes_the_state_but_through_the_ledger(self):
        for user in (self.salesperson, self.manager):
            with self.assertRaises(AccessError):
                self._person().with_user(user).write({"marketing_state": "opted_in"})
