"""A number that others use too: the journey of its webhooks, as the simulator posts them, twice,
late and out of order."""

import time
from datetime import timedelta

from odoo.exceptions import UserError

from ..common import NO_WEBHOOK, NUMBER_ES, PublicAddress
from ..sequence_case import SequenceCase

NUMBER = "+34611000001"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
DAY = timedelta(days=1)


class PhoneCase(SequenceCase):
    def setUp(self):
        super().setUp()
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.addCleanup(self.simulator.post, "delivery", url=NO_WEBHOOK)
        self.sender.is_on_business_app = True
        self.company = self.sender.company_id
        self.company.waba_create_lead = True

    def _rare(self, kind, number=NUMBER, **values):
        """Bodies of one kind, applied; what the simulator answers."""
        answer = self.simulator.call(
            "rare", {"kind": kind, "phone_id": NUMBER_ES, "number": number, **values}
        )
        self._apply_posted()
        return answer

    def _ago(self, seconds):
        return int(time.time()) - seconds

    def _messages(self, *directions):
        domain = [("direction", "in", directions)] if directions else []
        return self.env["waba.message"].search(domain, order="id")

    def _conversation(self):
        return self.env["waba.conversation"].search([])

    def _screen(self):
        return self.env["waba.conversation"].conversation_data(self._conversation().id)


class TestEchoes(PhoneCase):
    def test_what_a_colleague_wrote_answers_the_conversation_once(self):
        self._receive(self._inbound(NUMBER, "¿Precio?", timestamp=self._ago(60)))
        conversation = self._conversation()
        self.assertTrue(conversation.waiting_since)
        said = self._rare("echo", text="Son 300 euros")
        self._rare("echo", text="Son 300 euros", wamid=said["wamid"])
        message = self._messages("app_out")
        self.assertEqual(
            (message.text, message.origin, message.state, message.user_id.id),
            ("Son 300 euros", "app", "sent", False),
        )
        self.assertFalse(conversation.waiting_since)
        self.assertFalse(conversation.unread_count)
        self.assertTrue(conversation.handed_over_at, "no automatic reply interferes")
        bubble = self._screen()["messages"][-1]
        self.assertTrue(bubble["is_ours"])
        self.assertEqual(bubble["by"], "Sent from the WhatsApp Business app")
        turn = self.env["waba.answer.report"].search([])
        self.assertEqual(turn.state, "answered")

    def test_it_costs_nothing_and_counts_in_no_figure_of_sending(self):
        self._rare("echo", text="Hola")
        message = self._messages("app_out")
        self.assertFalse(message.slot_at or message.recipient_id.slot_at)
        self.assertFalse(message.day)
        self.assertFalse(self.env["waba.message.report"].search([]))
        self._run_cron(self.env.ref("waba_campaign.ir_cron_note_silence"))
        self.assertFalse(message.recipient_id.unreachable_until)

    def test_late_and_early_reports_give_the_same(self):
        # The answer is reported before what it answers.
        self._rare("echo", text="Son 300 euros")
        self._receive(self._inbound(NUMBER, "¿Precio?", timestamp=self._ago(300)))
        self.assertFalse(self._conversation().waiting_since)
        # And an old answer does not answer a new question.
        self._receive(self._inbound(NUMBER, "¿Y en azul?", "wamid.IN2"))
        self._rare("echo", text="Buenos días", ago=3600)
        self.assertTrue(self._conversation().waiting_since)

    def test_files_are_downloaded(self):
        with self.account._client() as client:
            uid = client.upload_media(NUMBER_ES, "a.png", "image/png", PNG)
        self._rare("echo", media=uid)
        file = self._messages("app_out").media_ids
        self.assertEqual((file.state, file.media_uid), ("pending", uid))
        self._run_cron(self.env.ref("waba_campaign.ir_cron_media"))
        self.assertEqual(file.state, "done", file.reason)

    def test_our_own_message_is_no_echo(self):
        row = self._rows(self._launch(self._leads(1)))
        number = row.number
        self._rare("echo", number=number, wamid=row.wamid, text="x")
        self.assertFalse(self._messages("app_out"))
        # While its result is not known, an echo waits.
        row = self._message("+34611000077", state="uncertain")
        self._rare("echo", number=row.number, wamid="wamid.OURS", text="x")
        self.assertFalse(self._messages("app_out"))
        waiting = self.env["waba.webhook.event"].search([("state", "=", "waiting")])
        self.assertEqual(waiting.wait_kind, "message")

    def test_follow_ups_that_promise_it_stop(self):
        sequence = self._sequence(stop_on_own_message=True)
        enrollment = self._enrolled(sequence)
        self._rare("echo", text="Antes", ago=3600)
        self.assertEqual(enrollment.state, "running", "before it was enrolled")
        self._rare("echo", text="Le llamo mañana")
        self.assertEqual((enrollment.state, enrollment.stop_reason), ("stopped", "own_message"))
        self.assertIn("WhatsApp Business app", enrollment.stop_text)


class TestHistory(PhoneCase):
    MESSAGES = (
        {"id": "wamid.H1", "text": "BAJA", "days": 90},
        {"id": "wamid.H2", "text": "De acuerdo", "ours": True, "days": 89},
        {"id": "wamid.H3", "type": "media_placeholder", "text": "", "days": 3},
    )

    def _chunk(self, messages=MESSAGES, **values):
        self._rare("history_chunk", messages=list(messages), **values)

    def test_the_past_is_shown_and_does_nothing(self):
        lead = self._lead("+34 611 000 001")
        before = {name: self.env[name].search_count([]) for name in ("crm.lead", "mail.activity")}
        notes = len(lead.message_ids)
        self._chunk(progress=60)
        self._chunk(progress=60)
        self.assertEqual(before, {name: self.env[name].search_count([]) for name in before})
        self.assertEqual(len(lead.message_ids), notes)
        self.assertEqual(len(self._messages("past_in", "past_out")), 3)
        self.assertFalse(self._messages("in", "out", "app_out"))
        conversation = self._conversation()
        self.assertFalse(conversation.window_expires_at or conversation.unread_count)
        person = conversation.recipient_id
        self.assertNotEqual(person.marketing_state, "opted_out")
        self.assertFalse(self.env["waba.answer.report"].search([]))
        self.assertFalse(self.env["waba.message.report"].search([]))
        self.assertEqual((self.sender.history_state, self.sender.history_progress), ("running", 60))
        self._chunk(progress=100, phase=2, messages=())
        self._chunk(progress=80)
        self.assertEqual((self.sender.history_state, self.sender.history_progress), ("done", 100))

    def test_it_comes_before_everything_newer_however_late(self):
        self._receive(self._inbound(NUMBER, "Hoy"))
        self._rare("echo", text="Ahora")
        self._chunk()
        bubbles = self._screen()["messages"]
        self.assertEqual([b["text"] for b in bubbles], ["BAJA", "De acuerdo", "", "Hoy", "Ahora"])
        self.assertEqual(self._conversation().last_text, "Ahora")

    def test_pages_reach_back(self):
        self._lead("+34 611 000 001")
        self._chunk([
            {"id": f"wamid.P{n}", "text": f"{n}", "days": 100 - n} for n in range(70)
        ])  # fmt: skip
        self._receive(self._inbound(NUMBER, "Hoy"))
        data = self._screen()
        texts = [b["text"] for b in data["messages"]]
        self.assertTrue(data["has_older"])
        older = self.env["waba.conversation"].conversation_older(
            self._conversation().id, data["oldest_id"]
        )
        texts = [b["text"] for b in older["messages"]] + texts
        self.assertEqual(texts, [*(str(n) for n in range(70)), "Hoy"])
        self.assertFalse(older["has_older"])

    def test_strangers_stay_out_unless_the_setting_says_so(self):
        self._chunk()
        self.assertFalse(self._messages())
        self.assertFalse(self.env["waba.recipient"].search([]))
        self.company.waba_app_people = True
        self._chunk(chunk=2)
        self.assertEqual(len(self._messages("past_in", "past_out")), 3)
        self.assertFalse(self.env["crm.lead"].search([("phone_sanitized", "=", NUMBER)]))

    def test_files_are_described_later_or_earlier(self):
        self._lead("+34 611 000 001")
        self._chunk()
        self._rare("history_media", text="Sofá", wamid="wamid.H3")
        message = self.env["waba.message"].search([("wamid", "=", "wamid.H3")])
        self.assertEqual((message.kind, message.text), ("image", "Sofá"))
        self.assertEqual(message.media_ids.media_uid, "24230790383178626")
        self._rare("history_media", text="Mesa", wamid="wamid.H9")
        self._chunk([{"id": "wamid.H9", "type": "media_placeholder", "days": 3}], chunk=3)
        message = self.env["waba.message"].search([("wamid", "=", "wamid.H9")])
        self.assertEqual((message.kind, len(message.media_ids)), ("image", 1))

    def test_a_refusal_is_shown(self):
        self._rare("history_declined")
        self.assertEqual(self.sender.history_state, "declined")
        self.assertIn("declined", self.sender.app_text)

    def test_it_is_requested_once(self):
        self.simulator.post("number", id=NUMBER_ES, is_on_biz_app=True)
        self.sender.with_user(self.manager).action_request_app_data()
        self.assertEqual(self.sender.history_state, "requested")
        with self.assertRaisesRegex(UserError, "within 24 hours"):
            self.sender.with_user(self.manager).action_request_app_data()


class TestContacts(PhoneCase):
    def test_names_of_known_people_in_the_order_they_were_given(self):
        self._receive(self._inbound(NUMBER, "Hola"))
        person = self._conversation().recipient_id
        self._rare("app_state", name="Ana Sofás", ago=60)
        self._rare("app_state", name="Ana antes", ago=3600)
        self.assertEqual(person.app_name, "Ana Sofás")
        self.assertEqual(person.marketing_state, "unknown")
        self._rare("app_state", removed=True)
        self.assertFalse(person.app_name)

    def test_strangers_only_by_the_setting(self):
        self._rare("app_state", name="Ana")
        self.assertFalse(self.env["waba.recipient"].search([]))
        self.company.waba_app_people = True
        self._rare("app_state", name="Ana", number="+34611000002")
        person = self.env["waba.recipient"].search([("number", "=", "+34611000002")])
        self.assertEqual((person.app_name, person.marketing_state), ("Ana", "unknown"))
        self.assertFalse(self.env["waba.consent"].search([]))
        self.assertFalse(self.env["crm.lead"].search([("phone_sanitized", "=", person.number)]))


class TestStandby(PhoneCase):
    def test_what_is_said_meanwhile_is_shown_and_opt_outs_count(self):
        leads = self.env["crm.lead"].search_count([])
        self._rare("standby", text="¿Sigue disponible?")
        self._rare("standby_echo", text="Sí")
        conversation = self._conversation()
        self.assertEqual([b["text"] for b in self._screen()["messages"]],
                         ["¿Sigue disponible?", "Sí"])  # fmt: skip
        self.assertEqual(self.env["crm.lead"].search_count([]), leads)
        self.assertFalse(conversation.waiting_since or conversation.unread_count)
        self.assertIn("is answering", self._screen()["held_text"])
        for text in ("ALTA", "BAJA"):
            self._rare("standby", text=text)
        self.assertEqual(conversation.recipient_id.marketing_state, "opted_out")

    def test_follow_ups_and_automatic_replies_wait_and_say_why(self):
        lead = self._opportunity()
        self._rare("standby_echo", text="Hola")
        enrollment = self._enrolled(self._sequence({"wait_amount": 0}, stop_on_reply=False), lead)
        self._run()
        message = enrollment.message_ids
        self._dispatch()
        self.assertEqual((message.state, message.wait_reason), ("queued", "standby"))
        self.assertIn("Another app answers", message._delay_text())
        self._run()
        self.assertIn("Another app answers", enrollment._message_wait_reason(message))
        self.assertIn("is answering", lead.with_user(self.salesperson).waba_window_text)
        self._rare("handover")
        self.assertFalse(message.wait_reason)
        self._dispatch()
        self.assertEqual(message.state, "accepted")

    def test_it_ends_by_a_message_to_us_by_our_answer_or_after_a_day(self):
        for end in ("message", "answer", "day"):
            with self._case(end):
                self._receive(self._inbound(NUMBER, "Hola", "wamid.IN0", self._ago(3600)))
                self._rare("standby_echo", text="Sí", ago=10)
                conversation = self._conversation()
                self.assertTrue(conversation._held_until())
                if end == "message":
                    self._receive(self._inbound(NUMBER, "¿Hay alguien?", "wamid.IN2"))
                elif end == "answer":
                    self.env["waba.conversation"].conversation_send(
                        {"conversation_id": conversation.id, "key": "k", "text": "Soy Ana"}
                    )
                else:
                    conversation.standby_at -= DAY
                self.assertFalse(conversation._held_until())

    def test_reports_come_in_any_order(self):
        self._rare("handover")
        self._rare("standby", text="Antes", ago=60)
        self.assertFalse(self._conversation()._held_until())
        self._rare("handover", to_agent=True)
        self._conversation().standby_at += timedelta(seconds=1)
        self.assertTrue(self._conversation()._held_until())


class TestUnsupported(PhoneCase):
    def _unsupported(self, number):
        return self._inbound(
            number, "", "wamid.U1", type="unsupported",
            errors=[{"code": 131051, "title": "Message type unknown"}],
        )  # fmt: skip

    def test_a_first_message_without_content_makes_a_lead(self):
        for on_app in (True, False):
            with self._case(str(on_app)):
                self.sender.is_on_business_app = on_app
                self._receive(self._unsupported(NUMBER))
                lead = self.env["crm.lead"].search([("phone_sanitized", "=", NUMBER)])
                self.assertEqual(bool(lead), on_app)
                self.assertTrue(self._conversation().window_expires_at)
                word = self._screen()["messages"][0]["word"]
                self.assertEqual("could not deliver to Odoo" in word, on_app)
